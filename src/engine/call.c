/* Calls of composed functions. They lie in the step's arena, before the nodes that point to them,
 * and so die with them. */
#include <string.h>

#include "engine/context.h"

gt_call *gt_call_begin(const gt_tensor *x, const gt_op_info *function, const void *opts,
                       size_t opts_size)
{
    gt_ctx *gt = x ? x->ctx : NULL;
    if (!gt || gt->failed || (gti_in_sweep(gt) && !gt->recording && !gt->recording_all))
        return NULL;
    gt_call *c = gti_arena_get(&gt->step, sizeof *c + opts_size);
    if (!c) return gt_fail(gt, GT_ERR_MEMORY, function->name, "out of memory"), NULL;
    c->scope.name = function->name;
    c->scope.parent = gt->scope;
    c->scope.call = c;
    c->scope.module = NULL;
    c->scope.type = NULL;
    c->function = function;
    c->opts = !opts_size ? NULL
              : opts     ? memcpy(c + 1, opts, opts_size)
                         : memset(c + 1, 0, opts_size);
    c->opts_size = opts_size;
    c->result = NULL;
    c->began = gt->clock;
    c->ended = 0;
    c->ctx = gt;
    gt->scope = &c->scope;
    return c;
}

gt_tensor *gt_call_end(gt_call *c, gt_tensor *result)
{
    if (!c) return result;
    c->result = result;
    c->ended = c->ctx->clock;
    c->ctx->scope = c->scope.parent;
    return result;
}

bool gt_call_made(const gt_call *c, const gt_tensor *t)
{
    const uint64_t id = c && t ? gti_t(t)->id : 0;
    return c && t && id > c->began && (!c->ended || id <= c->ended);
}

const gt_call *gt_scope_call(const gt_scope *scope)
{
    const gt_call *outermost = NULL;
    for (; scope && scope->call; scope = scope->parent) outermost = scope->call;
    return outermost;
}

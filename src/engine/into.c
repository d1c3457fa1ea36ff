/* Operations that change their first inputs in place. */
#include <string.h>

#include "engine/attrs.h"
#include "engine/context.h"
#include "kernels/kernels.h"
#include <gradtape/ops.h>

#undef gt_apply_into

enum { MOST_PLAN = 64 };

static GTI_COLD void refuse_op(const gt_op *op, int n_in, gt_tensor *const in[])
{
    gt_fail(in[0]->ctx, GT_ERR_ARGUMENT, op->name,
            "with %d inputs, %d outputs and flags %#x it cannot change its inputs in place", n_in,
            op->n_out, op->flags);
}

static inline bool usable(const gt_op *op, int n_in, gt_tensor *const in[])
{
    if (!in[0]) return false;
    const gt_ctx *gt = in[0]->ctx;
    const gt_dtype dtype = in[0]->dtype;
    unsigned flags = 0;
    bool other_dtype = false;
    for (int i = 0; i < n_in; i++) {
        if (!in[i] || in[i]->ctx != gt) return false;
        other_dtype |= in[i]->dtype != dtype;
        flags |= gti_t(in[i])->flags | gti_t(in[i])->base->flags;
    }
    if ((flags & (GTI_DEAD | GTI_RELEASED)) | gt->failed) return false;
    return !other_dtype || op->flags & GT_OP_MIXED;
}

static inline void fill_node(gt_node *n, const gt_op *op, const void *opts, int n_in,
                             gt_tensor **in, void *plan)
{
    n->op = op;
    n->opts = opts;
    n->in = n->out = in;
    n->n_in = n_in;
    n->n_out = op->n_out;
    n->dtype = in[0]->dtype;
    n->needs = 0;
    n->plan = plan;
    n->scratch = NULL;
    n->scratch_size = 0;
    if (op->elements[n->dtype] || op->forward[n->dtype]) return; /* the rest means nothing */
    n->worker_scratch = 0;
    for (int s = 0; s < GT_OP_STAGES; s++) n->parts[s] = 0;
}

/* Most changes are of parameters, many of which are small. */
static inline bool is_small(const gt_node *n)
{
    return n->op->elements[n->dtype] && !n->scratch_size &&
           n->in[0]->size <= n->in[0]->ctx->few_changes;
}

static inline bool run_small(gt_node *n)
{
    n->op->elements[n->dtype](n, 0, n->in[0]->size);
    for (int i = 0; i < n->n_out; i++) gti_touch(n->out[i]);
    return true;
}

/* Outputs are the first inputs, so that nothing is made, and nothing that could fail is left once
 * elements change. */
static inline __attribute__((always_inline)) bool run(gt_node *n, int64_t *room, const bool skip)
{
    if (n->op->attrs.fill && !gti_attrs_complete(n, room)) return false;
    if (n->op->infer && n->op->infer(n))
        return skip || (is_small(n) ? run_small(n) : gti_apply_run(n));
    gti_refuse_silent(n);
    return false;
}

/* What is made by filling it had none. */
static bool keep_values(const gt_node *n)
{
    const gti_tensor *first = gti_t(n->out[0]);
    if (n->op == &gt_op_fill && first->id == n->out[0]->ctx->clock) return true;
    for (int i = 0; i < n->n_out; i++)
        if (!gti_host_keep_values(n->out[i])) return false;
    return true;
}

static GTI_COLD bool run_recorded(const gt_op *op, const void *opts, int n_in,
                                  gt_tensor *const in[], bool skip)
{
    gt_ctx *gt = in[0]->ctx;
    const size_t pointers = (size_t)(n_in + op->n_out) * sizeof *in;
    const size_t opts_size = (op->opts_size + 7) & ~(size_t)7;
    gti_node *n = gti_arena_get(&gt->step, sizeof *n + pointers + opts_size + op->plan_size);
    if (!n) return gt_fail(gt, GT_ERR_MEMORY, op->name, "out of memory"), false;
    gt_tensor **tensors = (gt_tensor **)(n + 1);
    char *copy = (char *)tensors + pointers;
    for (int i = 0; i < n_in; i++) tensors[i] = in[i];
    for (int i = 0; i < op->n_out; i++) tensors[n_in + i] = in[i];
    if (op->opts_size) memcpy(copy, opts, op->opts_size);
    fill_node(&n->pub, op, copy, n_in, tensors, copy + opts_size);
    n->pub.out = tensors + n_in;
    if (gt->recorder && !keep_values(&n->pub)) return false;
    if (!run(&n->pub, NULL, skip)) return false;
    gti_apply_record_change(n);
    return true;
}

/* With `skip` nothing is written: where shapes are all that is asked for, parameters, statistics
 * and states of optimizers must not take what nobody has computed. */
static inline __attribute__((always_inline)) bool change(const gt_op *op, const void *opts,
                                                         int n_in, gt_tensor *const in[],
                                                         const bool skip)
{
    if (in[0]->ctx->recording_all) return run_recorded(op, opts, n_in, in, skip);
    int64_t plan[MOST_PLAN / sizeof(int64_t)], room[GTI_FRAME_OPTS / sizeof(int64_t)];
    gt_node n;
    fill_node(&n, op, opts, n_in, (gt_tensor **)in /* only read */, plan);
    return run(&n, room, skip);
}

bool gti_into_change(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    return change(op, opts, n_in, in, false);
}

bool gti_into_accumulate(gt_tensor *y, gt_tensor *x)
{
    const gt_ctx *gt = y->ctx;
    if (gt->recording_all || y->size > gt->few_changes)
        return gti_into_change(&gt_op_accumulate, NULL, 2, (gt_tensor *[]){y, x});
    gti_kernels_of((int)y->dtype)->accumulate(y->size, x->data, y->data);
    gti_touch(y);
    return true;
}

gt_status gt_apply_into(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    bool ok = false;
    if (n_in < 1 || (op->n_in >= 0 && n_in != op->n_in)) gti_refuse_count(op, n_in, in);
    else if (!usable(op, n_in, in)) gti_refuse_inputs(op, n_in, in);
    else if (!(op->flags & GT_OP_INTO) || op->n_out < 1 || op->n_out > n_in ||
             op->plan_size > MOST_PLAN)
        refuse_op(op, n_in, in);
    else if (opts || !op->opts_size || (opts = gti_attrs_none(in[0]->ctx, op)))
        ok = change(op, opts, n_in, in, in[0]->ctx->shapes_only);
    if (ok) return GT_OK;
    for (int i = 0; i < n_in; i++)
        if (in[i]) return gt_error_code(in[i]->ctx);
    return GT_ERR_ARGUMENT;
}

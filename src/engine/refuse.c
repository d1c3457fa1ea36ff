/* Refusals: what is wrong with calls of operations, and what a sweep cannot pass, for messages. */
#include <string.h>

#include "engine/sweep.h"

static void fail_input(gt_ctx *gt, const gt_op *op, gt_status code, int i, const char *why)
{
    char name[64];
    gt_fail(gt, code, op->name, "input %s %s", gt_op_input_name(op, i, name, sizeof name), why);
}

static void fail_null(gt_ctx *gt, const gt_op *op, int i)
{
    fail_input(gt, op, GT_ERR_ARGUMENT, i,
               "is NULL\n  hint: an earlier call failed, or it is the grad of a tensor that has "
               "none (.requires_grad = true, gt_backward)");
}

/* A tensor that is gone is named by its name and the place where it was made, if known. */
static void fail_gone(gt_ctx *gt, const gt_op *op, int i, const gt_tensor *t, const char *why)
{
    char name[64];
    gt_fail(gt, GT_ERR_STATE, op->name, "input %s%s%s%s%s%s%s %s",
            gt_op_input_name(op, i, name, sizeof name), gt_name(t)[0] ? " '" : "", gt_name(t),
            gt_name(t)[0] ? "'" : "", t->where ? ", made at " : "",
            t->where ? gti_naming_site(t->where) : "", t->where ? "," : "", why);
}

gt_ctx *gti_refuse_context(int n_in, gt_tensor *const in[])
{
    for (int i = 0; i < n_in; i++)
        if (in[i]) return in[i]->ctx;
    return NULL;
}

static void fail_dtypes(gt_ctx *gt, const gt_op *op, const gt_tensor *a, const gt_tensor *b, int i)
{
    char first[64], other[64];
    gt_op_input_name(op, 0, first, sizeof first);
    gt_op_input_name(op, i, other, sizeof other);
    gt_fail(gt, GT_ERR_DTYPE, op->name,
            "input %s is %s, but input %s is %s; make them the same\n"
            "  hint: gt_cast converts a tensor, gt_module_to a network",
            first, gt_dtype_name(a->dtype), other, gt_dtype_name(b->dtype));
}

void gti_refuse_silent(const gt_node *n)
{
    if (gt_failed(n->in[0]->ctx)) return;
    if (n->op->infer) gt_op_fail(n, GT_ERR_STATE, "refused its inputs without a message");
    else
        gt_op_fail(
            n, GT_ERR_ARGUMENT,
            "the operation has no infer, which checks inputs and sets the shapes of outputs");
}

void gti_refuse_inputs(const gt_op *op, int n_in, gt_tensor *const in[])
{
    gt_ctx *gt = gti_refuse_context(n_in, in);
    if (!gt) gti_error_skip();
    if (gt ? gt_failed(gt) : n_in < 1) return;
    for (int i = 0; i < n_in; i++) {
        if (!in[i]) {
            fail_null(gt, op, i);
            return;
        }
        const char *why = gt_unusable(in[i]);
        if (why) fail_gone(gt, op, i, in[i], why);
        else if (in[i]->ctx != gt)
            fail_input(gt, op, GT_ERR_ARGUMENT, i, "belongs to another context than the first");
        else if (in[i]->dtype != in[0]->dtype && !(op->flags & GT_OP_MIXED))
            fail_dtypes(gt, op, in[0], in[i], i);
        else continue;
        return;
    }
}

void gti_refuse_count(const gt_op *op, int n_in, gt_tensor *const in[])
{
    gt_ctx *gt = gti_refuse_context(n_in, in);
    if (gt_op_least(op) == op->n_in)
        gt_fail(gt, GT_ERR_ARGUMENT, op->name, "%d inputs, but the operation takes %d", n_in,
                op->n_in);
    else
        gt_fail(gt, GT_ERR_ARGUMENT, op->name, "%d inputs, but the operation takes %d to %d", n_in,
                op->n_least, op->n_in);
}

void gti_refuse_outputs(const gt_op *op, int n_in, gt_tensor *const in[])
{
    gt_ctx *gt = gti_refuse_context(n_in, in);
    gt_fail(gt, GT_ERR_ARGUMENT, op->name, "the operation has %d outputs, not 1 to %d", op->n_out,
            GT_OP_OUTPUTS);
}

bool gti_refuse_dtype(const gt_node *n)
{
    if (n->in[0]->ctx->failed) return false;
    return gt_op_fail(n, GT_ERR_DTYPE, "not made for %s", gt_dtype_name(n->dtype));
}

bool gti_refuse_beyond(const gt_node *n, const char *what)
{
    return gt_op_fail(n, GT_ERR_STATE, "wrote behind the end of %s", what);
}

bool gti_refuse_change(const gt_node *n)
{
    gt_op_fail(n, GT_ERR_STATE, "changes its inputs in place");
    return gt_op_hint(n, "gt_apply_into calls it");
}

/* --- what a sweep meets --- */

/* The node, for messages. */
#define NODE_TEXT(n) gti_naming_node(&(n)->pub, (char[128]){0}, 128)

bool gti_refuse_stale(const gti_sweep *s, const gti_node *n, const gt_tensor *t, const char *role)
{
    char path[64];
    gti_naming_path(t, path, sizeof path);
    gt_fail(s->gt, GT_ERR_STATE, s->what,
            "%s of %s%s%s%s was changed in place after it was recorded, and its old values "
            "are needed\n  hint: change it before the forward pass or after gt_backward",
            role, NODE_TEXT(n), gt_name(t)[0] ? ", '" : "", gt_name(t)[0] ? path : "",
            gt_name(t)[0] ? "'," : "");
    return false;
}

/* Headers of freed tensors are not used again while the node is there. */
bool gti_refuse_freed(const gti_sweep *s, const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++) {
        char name[64], what[128];
        const gti_tensor *x = gti_t(n->pub.in[i]);
        if (!((x->flags | x->base->flags) & GTI_DEAD)) continue;
        gt_fail(s->gt, GT_ERR_STATE, s->what,
                "input %s of %s, %s, was freed by gt_free after it was recorded\n"
                "  hint: free it after gt_backward, or rewind the tape first",
                gt_op_input_name(n->pub.op, i, name, sizeof name), NODE_TEXT(n),
                gti_naming_tensor(&x->pub, what, sizeof what));
        return true;
    }
    return false;
}

bool gti_refuse_spent(const gti_sweep *s, const gti_node *n)
{
    gt_fail(s->gt, GT_ERR_STATE, s->what,
            "%s was released by an earlier gt_backward\n"
            "  hint: pass .retain = true to every gt_backward over it but the last",
            NODE_TEXT(n));
    return false;
}

bool gti_refuse_gradient(const gti_sweep *s, const gti_node *n, int i, const gt_tensor *g)
{
    char name[64], a[128], b[128];
    const gt_tensor *x = n->pub.in[i];
    gt_fail(s->gt, GT_ERR_SHAPE, s->what,
            "the backward rule of %s gave input %s, %s %s, a gradient of %s %s", NODE_TEXT(n),
            gt_op_input_name(n->pub.op, i, name, sizeof name), gt_dtype_name(x->dtype),
            gt_shape_format(x->shape, a, sizeof a), gt_dtype_name(g->dtype),
            gt_shape_format(g->shape, b, sizeof b));
    return false;
}

bool gti_refuse_rule(const gti_sweep *s, const gti_node *n)
{
    if (!s->gt->failed)
        gt_fail(s->gt, GT_ERR_STATE, s->what, "the backward rule failed without a message");
    gti_error_note(s->gt, "in the backward rule of %s", NODE_TEXT(n));
    return false;
}

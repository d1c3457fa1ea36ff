/* Operations that change their first inputs in place. */
#include "engine/attrs.h"
#include "engine/context.h"

#undef gt_apply_into

enum { MOST_PLAN = 64 };

static bool refuse_op(const gt_op *op, int n_in, gt_tensor *const in[])
{
    gt_fail(in[0]->ctx, GT_ERR_ARGUMENT, op->name,
            "with %d inputs, %d outputs and flags %#x it cannot change its inputs in place", n_in,
            op->n_out, op->flags);
    return false;
}

static inline bool usable(int n_in, gt_tensor *const in[])
{
    unsigned flags = 0;
    for (int i = 0; i < n_in; i++) {
        if (!in[i] || in[i]->ctx != in[0]->ctx || in[i]->dtype != in[0]->dtype) return false;
        flags |= gti_t(in[i])->flags | gti_t(in[i])->base->flags;
    }
    return !((flags & (GTI_DEAD | GTI_RELEASED)) | in[0]->ctx->failed);
}

/* Outputs are the first inputs, so that nothing is made, and nothing that could fail is left once
 * elements change. */
static bool change(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    if (n_in < 1 || (op->n_in >= 0 && n_in != op->n_in)) return gti_refuse_count(op, n_in, in);
    if (!usable(n_in, in)) {
        gti_refuse_inputs(op, n_in, in);
        return false;
    }
    if (!(op->flags & GT_OP_INTO) || op->n_out < 1 || op->n_out > n_in || op->plan_size > MOST_PLAN)
        return refuse_op(op, n_in, in);
    int64_t plan[MOST_PLAN / sizeof(int64_t)], room[GTI_FRAME_OPTS / sizeof(int64_t)];
    gt_node n;
    n.op = op;
    n.opts = opts;
    n.in = n.out = (gt_tensor **)in; /* only read */
    n.n_in = n_in;
    n.n_out = op->n_out;
    n.dtype = in[0]->dtype;
    n.needs = 0;
    n.plan = plan;
    n.scratch = NULL;
    n.scratch_size = n.worker_scratch = 0;
    for (int s = 0; s < GT_OP_STAGES; s++) n.parts[s] = 0;
    if (op->attrs.fill && !gti_complete(&n, room)) return false;
    if (!op->infer(&n)) {
        if (!gt_failed(in[0]->ctx))
            gt_op_fail(&n, GT_ERR_STATE, "refused its inputs without a message");
        return false;
    }
    if (!gti_forward_again(&n)) return false;
    for (int i = 0; i < n.n_out; i++) gti_t(in[i])->base->version = ++in[0]->ctx->clock;
    return true;
}

gt_status gt_apply_into(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    if (change(op, opts, n_in, in)) return GT_OK;
    for (int i = 0; i < n_in; i++)
        if (in[i]) return gt_error_code(in[i]->ctx);
    return GT_ERR_ARGUMENT;
}

/* logsumexp: y = log of the sum of exp(x) over axes, -infinity where there is nothing to sum. Found
 * from the largest element on, so that neither end of the range overflows.
 *
 *   dx = dy exp(x - y) */
#include "reduction_samples.h"

static unsigned logsumexp_axes_of(const gt_node *n)
{
    return ((const gt_reduce_opts *)n->opts)->axes;
}

enum { COST = 10 }; /* of an element: an exponential */

static bool logsumexp_infer(gt_node *n)
{
    if (!gti_reduction_infer(n, logsumexp_axes_of(n), ((const gt_reduce_opts *)n->opts)->keepdim))
        return false;
    gti_reduction_divide(n, logsumexp_axes_of(n), COST);
    return true;
}

static void logsumexp_parts(gt_node *n, const gt_range *r)
{
    gti_reduction p;
    if (gti_reduction_begin(n, r, logsumexp_axes_of(n), &p))
        gti_kernels_for(n)->softmax.logsumexp(&p.s, p.x, p.y);
}

static bool logsumexp_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *y = gti_reduction_undo(n, logsumexp_axes_of(n), n->out[0]);
    gt_tensor *dy =
        gti_reduction_undo(n, logsumexp_axes_of(n), GT_MUTANT(logsumexp_upstream, gout[0], y));
    gt_tensor *part = gt_exp(GT_MUTANT(logsumexp_part, gt_sub(n->in[0], y), n->in[0]));
    gin[0] = gt_mul(dy, part);
    return true;
}

static double logsumexp_flops(const gt_node *n)
{
    return 2 * (double)n->in[0]->size;
}

static const gt_sample samples[] = {
    GTI_REDUCTION_SAMPLES(gt_reduce_opts),
    GTI_LONG_REDUCTION_SAMPLES(gt_reduce_opts),
    GTI_SMALL_REDUCTION_SAMPLES(gt_reduce_opts),
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1.002e3, 5))},
    {.label = "large negative values", .in = GT_INPUTS(GT_IN_RANGE(-1.002e3, -1e3, 5))},
};

static const gt_error_sample error_samples[] = {GTI_REDUCTION_ERRORS(gt_reduce_opts)};

static const gt_attr logsumexp_attrs[] = {GTI_REDUCTION_ATTRS(gt_reduce_opts)};

const gt_op gt_op_logsumexp = {
    .name = "logsumexp",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_reduce_opts),
    .attrs = GT_PLAIN_ATTRS(logsumexp_attrs),
    .infer = logsumexp_infer,
    .parts = GT_FOR_FLOATS(logsumexp_parts),
    .backward = logsumexp_backward,
    .gradient = "dx = dy e^(x - y)",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = logsumexp_flops,
};

gt_tensor *gt_logsumexp_(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_apply(&gt_op_logsumexp, &opts, 1, (gt_tensor *[]){x});
}

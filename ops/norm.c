/* norm: the length of x over axes. Here p = 1 and 2, others are composed in length.c.
 *
 *   p = 1   y = sum of |x|             dx = dy sign(x), 0 at 0
 *   p = 2   y = sqrt(sum of x^2)       dx = dy x / y, 0 where y is 0; or 2 g x where dy is 2 g y,
 * the gradient of y^2, which is smooth at 0 */
#include "reduction_samples.h"

static unsigned norm_axes_of(const gt_node *n)
{
    return ((const gt_norm_opts *)n->opts)->axes;
}

static bool is_euclidean(const gt_node *n)
{
    return ((const gt_norm_opts *)n->opts)->p == 2;
}

static bool norm_infer(gt_node *n)
{
    const gt_norm_opts *opts = n->opts;
    if (opts->p != 1 && opts->p != 2)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "p is %g, must be 1 or 2 here", opts->p);
    if (!gti_reduction_infer(n, opts->axes, opts->keepdim)) return false;
    gti_reduction_divide(n, opts->axes, 1);
    return true;
}

static void norm_parts(gt_node *n, const gt_range *r)
{
    gti_reduction p;
    if (gti_reduction_begin(n, r, norm_axes_of(n), &p))
        gti_kernels_for(n)->reduce.norm(&p.s, is_euclidean(n), p.x, p.y);
}

/* x / y, which is of size 1 at most even where 1 / y leaves the range; or sign x. */
static gt_tensor *way(const gt_node *n)
{
    gt_tensor *x = n->in[0];
    if (!GT_MUTANT(norm_way, is_euclidean(n), true)) return gt_sign(x);
    return gt_div_or_zero(x, gti_reduction_undo(n, norm_axes_of(n), n->out[0]));
}

static bool norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(norm_upstream, gout[0], n->out[0]);
    gt_tensor *half = is_euclidean(n) ? gti_reduction_factor_of_square(dy, n->out[0]) : NULL;
    gt_tensor *g = half ? gt_mul_scalar(half, 2) : dy;
    gin[0] = gt_mul(gti_reduction_undo(n, norm_axes_of(n), g), half ? n->in[0] : way(n));
    return true;
}

static double norm_flops(const gt_node *n)
{
    return 2 * (double)n->in[0]->size;
}

#define OPTS(...) GTI_REDUCE(gt_norm_opts, __VA_ARGS__)
static const gt_sample norm_samples[] = {
    GTI_REDUCTION_SAMPLES(gt_norm_opts),
    GTI_LONG_REDUCTION_SAMPLES(gt_norm_opts),
    GTI_SMALL_REDUCTION_SAMPLES(gt_norm_opts),
    {.label = "p=1", .in = GT_INPUTS(GT_IN(3, 4)), OPTS(0, .p = 1)},
    {.label = "p=1, rows", .in = GT_INPUTS(GT_IN(9, 3)), OPTS(GT_AXIS(0), .p = 1)},
    {.label = "p=1, columns, keepdim",
     .in = GT_INPUTS(GT_IN(2, 17)),
     OPTS(GT_AXIS(1), .p = 1, .keepdim = true)},
    {.label = "p=1, outer and inner",
     .in = GT_INPUTS(GT_IN(2, 3, 2)),
     OPTS(GT_AXIS(0) | GT_AXIS(2), .p = 1)},
    {.label = "p=2 named", .in = GT_INPUTS(GT_IN(4)), OPTS(0, .p = 2)},
    {.label = "p=1, a zero",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .values = (const double[]){1, 0, -2}}),
     OPTS(0, .p = 1),
     .kinks = true},
    {.label = "p=2, all zero",
     .in = GT_INPUTS({.shape = GT_DIMS(2), .values = (const double[]){0, 0}}),
     .kinks = true},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1e4, 5))},
};

static const gt_error_sample norm_error_samples[] = {
    GTI_REDUCTION_ERRORS(gt_norm_opts),
    {.label = "p=3",
     .in = GT_INPUTS(GT_IN(4)),
     OPTS(0, .p = 3),
     .code = GT_ERR_ARGUMENT,
     .message = "p is 3, must be 1 or 2 here"},
    {.label = "p=1.5",
     .in = GT_INPUTS(GT_IN(4)),
     OPTS(0, .p = 1.5),
     .code = GT_ERR_ARGUMENT,
     .message = "p is 1.5, must be 1 or 2"},
};

static const gt_attr norm_attrs[] = {
    GTI_REDUCTION_ATTRS(gt_norm_opts),
    {GT_OPTION("p", gt_norm_opts, p), .otherwise = 2, .bounds = GT_NO_NAN,
     .meaning = "the root of degree p of the sum of |x|^p; INFINITY: the largest |x|, -INFINITY "
                "the smallest, GT_ZERO: how many are not 0"},
};

const gt_op gt_op_norm = {
    .name = "norm",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_norm_opts),
    .attrs = GT_ATTRS(norm_attrs),
    .infer = norm_infer,
    .parts = GT_FOR_FLOATS(norm_parts),
    .backward = norm_backward,
    .gradient = "dx = dy x / y, 0 where y is 0 (p = 2), or dy sign x (p = 1)",
    GT_SAMPLES(norm_samples),
    GT_ERROR_SAMPLES(norm_error_samples),
    .flops = norm_flops,
};

/* var and std: the mean square distance from the mean over axes, and its root. N elements are
 * reduced to each; the divisor is N - correction, where that is positive.
 *
 *   var  y = sum of (x - m)^2 / (N - correction)    dx = dy 2 (x - m) / (N - correction)
 *   std  y = sqrt(var)                              dx = dy (x - m) / (N - correction) / y
 *
 * m depends on x, too, but the distances add up to 0, so that drops out. Where std is 0 it has a
 * corner, and dx is 0 as in PyTorch; the square of std has none, and its dx is that of var. */
#include "reduction_samples.h"

static double divisor(const gt_node *n)
{
    const double left =
        (double)(gti_reduction_count(n) - ((const gt_var_opts *)n->opts)->correction);
    return left > 0 ? left : 0;
}

static bool var_infer(gt_node *n)
{
    const gt_var_opts *opts = n->opts;
    if (!gti_reduction_infer(n, opts->axes, opts->keepdim)) return false;
    gti_reduction_divide(n, opts->axes, 2);
    return true;
}

static void var_run_parts(gt_node *n, const gt_range *r, bool root)
{
    gti_reduction p;
    if (gti_reduction_begin(n, r, ((const gt_var_opts *)n->opts)->axes, &p))
        gti_kernels_for(n)->reduce.var(&p.s, divisor(n), root, p.x, p.y);
}

static void var_parts(gt_node *n, const gt_range *r)
{
    var_run_parts(n, r, false);
}

static void std_parts(gt_node *n, const gt_range *r)
{
    var_run_parts(n, r, true);
}

static unsigned var_axes_of(const gt_node *n)
{
    return ((const gt_var_opts *)n->opts)->axes;
}

/* x - m */
static gt_tensor *distance(const gt_node *n)
{
    gt_tensor *x = n->in[0];
    gt_tensor *mean = gt_mean_(x, (gt_reduce_opts){.axes = var_axes_of(n), .keepdim = true});
    return GT_MUTANT(var_distance, gt_sub(x, mean), x);
}

/* g, of y's shape, times (x - m). */
static gt_tensor *times_distance(const gt_node *n, gt_tensor *g)
{
    return gt_mul(gti_reduction_undo(n, var_axes_of(n), g), distance(n));
}

/* (x - m) / y, which stays in range where 1 / y may not */
static gt_tensor *scaled_distance(const gt_node *n)
{
    return gt_div_or_zero(distance(n), gti_reduction_undo(n, var_axes_of(n), n->out[0]));
}

static const char var_gradient[] = "dx = dy 2 (x - mean) / (N - correction)";
static bool var_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const double factor = GT_MUTANT(var_factor, 2, 1) / divisor(n);
    gin[0] = times_distance(n, gt_mul_scalar(gout[0], factor));
    return true;
}

static const char std_gradient[] = "dx = dy (x - mean) / ((N - correction) y), 0 where y is 0";
static bool std_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(std_upstream, gout[0], n->out[0]);
    gt_tensor *half = gti_reduction_factor_of_square(dy, n->out[0]);
    const double factor = GT_MUTANT(std_lost, 1 / divisor(n), 1);
    gt_tensor *g = gt_mul_scalar(half ? half : dy, half ? 2 * factor : factor);
    gin[0] = half ? times_distance(n, g)
                  : gt_mul(gti_reduction_undo(n, var_axes_of(n), g), scaled_distance(n));
    return true;
}

static double var_flops(const gt_node *n)
{
    return 4 * (double)n->in[0]->size;
}

#define OPTS(...) GTI_REDUCE(gt_var_opts, __VA_ARGS__)
static const gt_sample samples[] = {
    GTI_REDUCTION_SAMPLES(gt_var_opts),
    GTI_LONG_REDUCTION_SAMPLES(gt_var_opts),
    {.label = "biased", .in = GT_INPUTS(GT_IN(3, 4)), OPTS(GT_AXIS(0), .correction = GT_ZERO)},
    {.label = "biased, two groups",
     .in = GT_INPUTS(GT_IN(2, 2, 3)),
     OPTS(GT_AXIS(0) | GT_AXIS(2), .correction = GT_ZERO)},
    {.label = "correction 2", .in = GT_INPUTS(GT_IN(5, 2)), OPTS(GT_AXIS(0), .correction = 2)},
    {.label = "correction -1", .in = GT_INPUTS(GT_IN(5)), OPTS(0, .correction = -1)},
    {.label = "far from 0", .in = GT_INPUTS(GT_IN_RANGE(100, 110, 9))},
    {.label = "zero-size, kept", .in = GT_INPUTS(GT_IN(0, 3)), OPTS(GT_AXIS(1))},
    /* From here on for var alone: the root has a corner at 0. */
    {.label = "biased, scalar", .in = GT_INPUTS(GT_IN_SCALAR), OPTS(0, .correction = GT_ZERO)},
    {.label = "biased, axis of size one",
     .in = GT_INPUTS(GT_IN(3, 1)),
     OPTS(GT_AXIS(1), .correction = GT_ZERO)},
    {.label = "all equal",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .values = (const double[]){0.1, 0.1, 0.1}})},
};
enum { N_SAMPLES = sizeof samples / sizeof *samples, N_VAR_ALONE = 3 };

static const gt_error_sample error_samples[] = {
    GTI_REDUCTION_ERRORS(gt_var_opts),
};

static const gt_attr var_attrs[] = {
    GTI_REDUCTION_ATTRS(gt_var_opts),
    {GT_OPTION("correction", gt_var_opts, correction), .otherwise = 1,
     .meaning = "the sum of squares is divided by N - correction, or by 0 where that is "
                "negative; GT_ZERO: by N"},
};

#define DEVIATION(id, count)                                                                       \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gt_var_opts),                                                          \
        .attrs = GT_ATTRS(var_attrs),                                                              \
        .infer = var_infer,                                                                        \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        .samples = samples,                                                                        \
        .n_samples = (count),                                                                      \
        GT_ERROR_SAMPLES(error_samples),                                                           \
        .flops = var_flops,                                                                        \
    };                                                                                             \
    gt_tensor *gt_##id##_(gt_tensor *x, gt_var_opts opts)                                          \
    {                                                                                              \
        return gt_apply(&gt_op_##id, &opts, 1, (gt_tensor *[]){x});                                \
    }

DEVIATION(var, N_SAMPLES)
DEVIATION(std, N_SAMPLES - N_VAR_ALONE)

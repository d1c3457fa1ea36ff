/* Normalisations. */
#include <string.h>

#include "onnx/op.h"

static double epsilon(const gti_onnx_call *c, double otherwise)
{
    const double eps = gti_call_float(c, "epsilon", otherwise);
    return GT_EXACTLY(eps);
}

/* --- over batches --- */

/* A node that itself says that it trains: with the batch's statistics, and new running ones as
 * further outputs, with the biased variance. */
static gt_tensor *train_batch(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    unsigned axes = GT_AXES_MARK;
    for (int i = 0; i < x->shape.ndim; i++) axes |= i == 1 ? 0 : GT_AXIS(i);
    const double keep = gti_call_float(c, "momentum", 0.9);
    gt_tensor *mean = gt_mean_(x, (gt_reduce_opts){.axes = axes});
    gt_tensor *var = gt_var_(x, (gt_var_opts){.axes = axes, .correction = GT_ZERO});
    if (c->n_out > 1)
        c->out[1] = gt_add(gt_mul_scalar(c->in[3], keep), gt_mul_scalar(mean, 1 - keep));
    if (c->n_out > 2)
        c->out[2] = gt_add(gt_mul_scalar(c->in[4], keep), gt_mul_scalar(var, 1 - keep));
    return c->out[0] = gt_batch_norm_(
               x, mean, var,
               (gt_batch_norm_opts){.weight = c->in[1], .bias = c->in[2], .eps = epsilon(c, 1e-5)});
}

/* In a module that trains, running statistics that are the module's follow the batches. */
static gt_tensor *run_batch(gti_onnx_call *c)
{
    if (gti_call_int(c, "training_mode", 0)) return train_batch(c);
    if (gti_call_int(c, "spatial", 1) != 1)
        return gti_call_fail(c, GT_ERR_UNSUPPORTED,
                             "statistics of each pixel (spatial = 0) are not read");
    const double momentum = 1 - gti_call_float(c, "momentum", 0.9);
    const gt_batch_norm_opts opts = {.weight = c->in[1],
                                     .bias = c->in[2],
                                     .training = c->training && c->owned[3] && c->owned[4],
                                     .momentum = GT_EXACTLY(momentum),
                                     .eps = epsilon(c, 1e-5)};
    return c->out[0] = gt_batch_norm_(c->in[0], c->in[3], c->in[4], opts);
}

/* A group for each channel; one of a single element is its bias. */
static gt_tensor *run_instance(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    if (x->shape.ndim < 3) return gti_call_fail(c, GT_ERR_SHAPE, "needs an input [n,c,..]");
    return gt_group_norm_(
        x, x->shape.dim[1],
        (gt_normalize_opts){.weight = c->in[1], .bias = c->in[2], .eps = epsilon(c, 1e-5)});
}

/* --- over the last axes --- */

/* A factor or offset, stretched to the axes that are normalised. */
static gt_tensor *stretched(gt_tensor *t, const gt_tensor *x, int axis)
{
    if (!t) return NULL;
    gt_shape shape = {.ndim = x->shape.ndim - axis};
    for (int i = 0; i < shape.ndim; i++) shape.dim[i] = x->shape.dim[axis + i];
    return gt_broadcast_to(t, shape);
}

static unsigned from_axis(const gt_tensor *x, int axis)
{
    unsigned axes = GT_AXES_MARK;
    for (int i = axis; i < x->shape.ndim; i++) axes |= GT_AXIS(i);
    return axes;
}

/* Where mean and 1 / deviation are outputs, too. */
static void layer_statistics(gti_onnx_call *c, int axis)
{
    gt_tensor *x = c->in[0];
    const unsigned axes = from_axis(x, axis);
    if (c->n_out > 1) c->out[1] = gt_mean_(x, (gt_reduce_opts){.axes = axes, .keepdim = true});
    if (c->n_out < 3) return;
    gt_tensor *var =
        gt_var_(x, (gt_var_opts){.axes = axes, .keepdim = true, .correction = GT_ZERO});
    c->out[2] = gt_rsqrt(gt_add_scalar(var, gti_call_float(c, "epsilon", 1e-5)));
}

static gt_tensor *run_layer(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", -1), x->shape.ndim);
    if (axis < 0) return NULL;
    layer_statistics(c, axis);
    return c->out[0] =
               gt_layer_norm_(x, x->shape.ndim - axis,
                              (gt_normalize_opts){.weight = stretched(c->in[1], x, axis),
                                                  .bias = stretched(gti_call_in(c, 2), x, axis),
                                                  .eps = epsilon(c, 1e-5)});
}

static gt_tensor *run_rms(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", -1), x->shape.ndim);
    if (axis < 0) return NULL;
    return gt_rms_norm_(x, x->shape.ndim - axis,
                        (gt_rms_norm_opts){.weight = stretched(gti_call_in(c, 1), x, axis),
                                           .eps = epsilon(c, 1e-5)});
}

/* Until operator set 20 factors and offsets are those of groups. */
static gt_tensor *of_channels(gt_tensor *t, int64_t channels)
{
    const int64_t groups = t->size;
    if (groups == channels || !groups) return t;
    return gt_reshape(
        gt_broadcast_to(gt_reshape(t, GT_SHAPE(groups, 1)), GT_SHAPE(groups, channels / groups)),
        GT_SHAPE(channels));
}

static gt_tensor *run_group(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    if (x->shape.ndim < 2) return gti_call_fail(c, GT_ERR_SHAPE, "needs an input [n,c,..]");
    const int64_t channels = x->shape.dim[1];
    return gt_group_norm_(x, gti_call_int(c, "num_groups", 1),
                          (gt_normalize_opts){.weight = of_channels(c->in[1], channels),
                                              .bias = of_channels(c->in[2], channels),
                                              .eps = epsilon(c, 1e-5)});
}

/* --- over neighbours and axes --- */

/* x / (bias + alpha / size * sum of squares of neighbouring channels)^beta */
static gt_tensor *run_lrn(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int64_t size = gti_call_int(c, "size", 1);
    if (size < 1 || x->shape.ndim < 2)
        return gti_call_fail(c, GT_ERR_ARGUMENT, "size is %lld, for an input of %d dimensions",
                             (long long)size, x->shape.ndim);
    const double alpha = gti_call_float(c, "alpha", 0.0001), beta = gti_call_float(c, "beta", 0.75),
                 bias = gti_call_float(c, "bias", 1);
    gt_tensor *sums = gt_channel_sum(gt_square(x), (size - 1) / 2, size / 2);
    gt_tensor *scale =
        gt_pow_scalar(gt_add_scalar(gt_mul_scalar(sums, alpha / (double)size), bias), beta);
    return gt_div(x, scale);
}

/* x / its length along an axis; 0 stays 0 */
static gt_tensor *run_lp(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", -1), x->shape.ndim);
    const int64_t p = gti_call_int(c, "p", 2);
    if (axis < 0) return NULL;
    if (p != 1 && p != 2)
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "p is %lld; 1 and 2 are possible",
                             (long long)p);
    gt_tensor *length =
        gt_norm_(x, (gt_norm_opts){.axes = GT_AXIS(axis), .keepdim = true, .p = (double)p});
    return gt_div_or_zero(x, length);
}

static gt_tensor *run_mean_variance(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    gti_ints list;
    unsigned axes;
    if (!gti_call_ints_attr(c, "axes", &list)) return NULL;
    if (list.n < 0) list = (gti_ints){3, {0, 2, 3}};
    if (!gti_call_axes(c, &list, x->shape.ndim, &axes)) return NULL;
    gt_tensor *off = gt_sub(x, gt_mean_(x, (gt_reduce_opts){.axes = axes, .keepdim = true}));
    gt_tensor *var = gt_mean_(gt_square(off), (gt_reduce_opts){.axes = axes, .keepdim = true});
    return gt_div(off, gt_add_scalar(gt_sqrt(var), 1e-9));
}

const gti_onnx_op gti_norms_ops[] = {
    {"BatchNormalization", 5, 5, 5,
     " epsilon momentum spatial training_mode is_test consumed_inputs ", 6, .run = run_batch},
    {"InstanceNormalization", 3, 3, 1, " epsilon consumed_inputs ", 6, .run = run_instance},
    {"LayerNormalization", 2, 3, 3, " axis epsilon stash_type ", 6, .run = run_layer},
    {"RMSNormalization", 1, 2, 1, " axis epsilon stash_type ", 2, .run = run_rms},
    {"GroupNormalization", 3, 3, 1, " num_groups epsilon stash_type ", 6, .run = run_group},
    {"LRN", 1, 1, 1, " alpha beta bias size ", 0, .run = run_lrn},
    {"LpNormalization", 1, 1, 1, " axis p ", 0, .run = run_lp},
    {"MeanVarianceNormalization", 1, 1, 1, " axes ", 0, .run = run_mean_variance},
    {0},
};

/* batch_norm: x [n,c,...], y = (x - mean) * rstd * weight + bias with the statistics of a channel,
 * rstd = 1 / sqrt(variance + eps); weight, bias, mean and variance are [c].
 *
 *   batch_norm       statistics of the batch; mean, rstd and the variance (of the population) are
 *                    outputs too; the gradient is normalize.c's
 *   batch_norm_eval  statistics that are given
 *
 * Running statistics are changed in place: no gradient goes through them.
 */
#include "normalize.h"

static gt_normalize_layout batch_norm_layout_of(const gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    gt_normalize_layout layout = gti_normalize_groups(x, x.dim[1] > 0 ? x.dim[1] : 1);
    layout.groups = x.dim[1];
    layout.channels = 1;
    layout.pooled = true;
    return layout;
}

static double eps_of(const gt_node *n)
{
    return ((const gti_normalize_opts *)n->opts)->eps;
}

static bool check_channels(gt_node *n)
{
    if (!gti_normalize_check_image(n)) return false;
    const gt_shape c = GT_SHAPE(n->in[0]->shape.dim[1]);
    for (int i = 1; i < n->n_in; i++)
        if (!gti_normalize_check_parameter(n, i, c)) return false;
    return true;
}

/* --- batch_norm --- */

static bool batch_norm_infer(gt_node *n)
{
    const gt_tensor *x = n->in[0];
    if (!check_channels(n)) return false;
    const gt_normalize_layout layout = batch_norm_layout_of(n);
    if (!gti_normalize_set_outputs(n, &layout, GT_SHAPE(x->shape.dim[1]))) return false;
    if (x->size == 0 || x->size > x->shape.dim[1]) return true;
    gt_op_fail(n, GT_ERR_SHAPE, "x %s has one element a channel; statistics of a batch need more",
               GTI_SHAPE_TEXT(x->shape));
    return gt_op_hint(
        n, "a larger batch (of a loader, .drop_last), or running statistics: gt_eval of the "
           "module, .training = false of the operation");
}

static void batch_norm_parts(gt_node *n, const gt_range *r)
{
    const gt_normalize_layout layout = batch_norm_layout_of(n);
    gti_normalize_parts(n, r, &layout, eps_of(n));
}

static const char batch_norm_gradient[] = GTI_NORMALIZE_GRADIENT;
static bool batch_norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_normalize_layout layout = batch_norm_layout_of(n);
    return gti_normalize_backward(n, &layout, gout, gin);
}

/* --- batch_norm_eval --- */

static bool batch_norm_eval_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return check_channels(n);
}

static void batch_norm_eval_elements(gt_node *n, int64_t begin, int64_t end)
{
    gt_tensor *const *in = n->in;
    const gt_normalize_layout s = batch_norm_layout_of(n);
    gti_kernels_for(n)->normalize.apply(begin, end, s.groups, s.inner, in[0]->data, in[1]->data,
                                        in[2]->data, in[3]->data, in[4]->data, eps_of(n),
                                        n->out[0]->data);
}

/* t of [n,c,1,inner] summed to [c] */
static gt_tensor *channel_sum(gt_tensor *t, const gt_tensor *like)
{
    return gt_reshape(gt_sum(t, .axes = GTI_NORMALIZE_CHANNEL_AXES), like->shape);
}

static const char batch_norm_eval_gradient[] =
    "dx = dy weight rstd, dweight = rstd sum of dy (x - mean), dbias = sum of dy, "
    "dmean = -rstd weight dbias, dvariance = -rstd^3 weight sum of dy (x - mean) / 2";
static bool batch_norm_eval_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* with drstd = weight sum of dy (x - mean) */
    const gt_normalize_layout s = batch_norm_layout_of(n);
    gt_tensor *weight = n->in[1], *mean = n->in[3];
    gt_tensor *rstd = gt_rsqrt(gt_add_scalar(n->in[4], eps_of(n)));
    gt_tensor *dy = gti_normalize_view(gout[0], &s), *slope = gt_mul(rstd, weight);
    if (gt_needs_grad(n, 0))
        gin[0] = gt_mul(gout[0], gt_reshape(slope, gti_channels_beside(n->in[0]->shape)));
    if (gt_needs_grad(n, 1) || gt_needs_grad(n, 4)) {
        gt_tensor *dweight = NULL;
        gt_normalize_grad(gout[0], n->in[0], weight, mean, rstd, s, &dweight, &gin[2]);
        gt_tensor *sum = gt_div(dweight, rstd);
        gin[1] = GT_MUTANT(batch_norm_eval_weight, dweight, sum);
        if (gt_needs_grad(n, 4))
            gin[4] = gt_mul_scalar(gt_mul(gt_mul(sum, weight), gt_mul(gt_square(rstd), rstd)),
                                   GT_MUTANT(batch_norm_eval_variance, -0.5, 0.5));
    } else if (gt_needs_grad(n, 2) || gt_needs_grad(n, 3)) {
        gin[2] = channel_sum(dy, weight);
    }
    if (gt_needs_grad(n, 3)) gin[3] = gt_neg(gt_mul(slope, gin[2]));
    return true;
}

/* --- samples --- */

#define EPS(value)                                                                                 \
    .opts = &(const gti_normalize_opts)                                                            \
    {                                                                                              \
        .eps = (value)                                                                             \
    }
#define R(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
static const gt_sample batch_norm_samples[] = {
    {.label = "images", .in = {GT_IN(2, 3, 2, 2), GT_IN(3), GT_IN(3)}, EPS(1e-5)},
    {.label = "sequences", .in = {GT_IN(3, 2, 3), GT_IN(2), GT_IN(2)}, EPS(1e-5)},
    {.label = "rows", .in = {GT_IN(5, 3), GT_IN(3), GT_IN(3)}, EPS(1e-5)},
    {.label = "one image", .in = {GT_IN(1, 2, 2, 3), GT_IN(2), GT_IN(2)}, EPS(1e-5)},
    {.label = "one channel", .in = {GT_IN(3, 1, 3), GT_IN(1), GT_IN(1)}, EPS(1e-5)},
    {.label = "eight dimensions",
     .in = {GT_IN(2, 2, 1, 2, 1, 2, 1, 2), GT_IN(2), GT_IN(2)},
     EPS(1e-5)},
    {.label = "large eps", .in = {GT_IN(3, 2, 2), GT_IN(2), GT_IN(2)}, EPS(0.5)},
    {.label = "large mean",
     .in = {GT_IN_RANGE(1000, 1004, 3, 2, 2), GT_IN(2), GT_IN(2)},
     EPS(1e-5)},
    {.label = "17 channels", .in = {GT_IN(2, 17), GT_IN(17), GT_IN(17)}, EPS(1e-1)},
    {.label = "17 pixels", .in = {GT_IN(1, 2, 17), GT_IN(2), GT_IN(2)}, EPS(1e-5)},
    {.label = "short runs", .in = {GT_IN(70, 2, 17), GT_IN(2), GT_IN(2)}, EPS(1e-5)},
    {.label = "2100 pixels", .in = {GT_IN(1, 1, 2100), GT_IN(1), GT_IN(1)}, EPS(1e-5)},
    {.label = "no images", .in = {GT_IN(0, 3, 2), GT_IN(3), GT_IN(3)}, EPS(1e-1)},
    {.label = "no pixels", .in = {GT_IN(2, 3, 0), GT_IN(3), GT_IN(3)}, EPS(1e-1)},
    {.label = "no channels", .in = {GT_IN(2, 0, 3), GT_IN(0), GT_IN(0)}, EPS(1e-1)},
};
#define GIVEN(c) GT_IN(c), GT_IN(c), GT_IN(c), R(c)
static const gt_sample batch_norm_eval_samples[] = {
    {.label = "images", .in = {GT_IN(2, 3, 2, 2), GIVEN(3)}, EPS(1e-5)},
    {.label = "rows", .in = {GT_IN(3, 5), GIVEN(5)}, EPS(1e-5)},
    {.label = "large eps", .in = {GT_IN(2, 2, 3), GIVEN(2)}, EPS(0.5)},
    {.label = "size one", .in = {GT_IN(1, 1), GIVEN(1)}, EPS(1e-5)},
    {.label = "9 of 17", .in = {GT_IN(1, 9, 17), GIVEN(9)}, EPS(1e-5)},
    {.label = "no images", .in = {GT_IN(0, 3, 2), GIVEN(3)}, EPS(1e-5)},
    {.label = "no channels", .in = {GT_IN(2, 0, 2), GIVEN(0)}, EPS(1e-5)},
    {.label = "mean is the bias too",
     .in = {GT_IN(2, 3), GT_IN(3), GT_IN(3), {.same = 3}, R(3)},
     EPS(1e-5)},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample batch_norm_error_samples[] = {
    {.label = "one dimension",
     .in = {GT_IN(3), GT_IN(3), GT_IN(3)},
     EPS(1e-5),
     SHAPE_ERROR = "x has 1 dimensions, needs at least 2: [n,c,...]"},
    {.label = "one element a channel",
     .in = {GT_IN(1, 3, 1, 1), GT_IN(3), GT_IN(3)},
     EPS(1e-5),
     SHAPE_ERROR = "x [1,3,1,1] has one element a channel; statistics of a batch need more"},
    {.label = "weight",
     .in = {GT_IN(2, 3, 4), GT_IN(4), GT_IN(3)},
     EPS(1e-5),
     SHAPE_ERROR = "weight is [4], needs [3]"},
    {.label = "bias",
     .in = {GT_IN(2, 3, 4), GT_IN(3), GT_IN(1, 3)},
     EPS(1e-5),
     SHAPE_ERROR = "bias is [1,3], needs [3]"},
    {.label = "negative eps",
     .in = {GT_IN(2, 3), GT_IN(3), GT_IN(3)},
     EPS(-1e-5),
     .code = GT_ERR_ARGUMENT,
     .message = "eps is -1e-05, must be finite and not negative"},
    {.label = "whole numbers",
     .in = {{.shape = GT_DIMS(2, 3), .dtype = GT_I64, .high = 5},
            {.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5},
            {.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}},
     EPS(1e-5),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};
static const gt_error_sample batch_norm_eval_error_samples[] = {
    {.label = "one dimension",
     .in = {GT_IN(3), GIVEN(3)},
     EPS(1e-5),
     SHAPE_ERROR = "x has 1 dimensions, needs at least 2: [n,c,...]"},
    {.label = "running_mean",
     .in = {GT_IN(2, 3), GT_IN(3), GT_IN(3), GT_IN(2), GT_IN(3)},
     EPS(1e-5),
     SHAPE_ERROR = "running_mean is [2], needs [3]"},
    {.label = "running_var",
     .in = {GT_IN(2, 3), GT_IN(3), GT_IN(3), GT_IN(3), GT_IN(3, 3)},
     EPS(1e-5),
     SHAPE_ERROR = "running_var is [3,3], needs [3]"},
};

static const gt_attr batch_norm_attrs[] = {{GT_OPTION("", gti_normalize_opts, count)},
                                           GTI_EPS_ATTR};
static const gt_attr batch_norm_options[] = {
    {GT_OPTION("weight", gt_batch_norm_opts, weight), .usual = "1", .meaning = "factors, [c]"},
    {GT_OPTION("bias", gt_batch_norm_opts, bias), .usual = "0", .meaning = "what is added, [c]"},
    {GT_OPTION("training", gt_batch_norm_opts, training),
     .meaning = "use the batch's statistics and change the running ones"},
    {GT_OPTION("momentum", gt_batch_norm_opts, momentum), .otherwise = 0.1,
     .bounds = GT_BETWEEN(0, 1), .meaning = "of the batch's statistics in the running ones"},
    {GT_OPTION("cumulative", gt_batch_norm_opts, cumulative),
     .meaning = "momentum is 1 / num_batches: the average of all batches"},
    {GT_OPTION("num_batches", gt_batch_norm_opts, num_batches), .usual = "NULL: not counted",
     .meaning = "i64, one element, counted up in training"},
    {GT_OPTION("eps", gt_batch_norm_opts, eps), .otherwise = GTI_EPS, .bounds = GT_NOT_NEGATIVE,
     .meaning = GTI_EPS_MEANING},
};
static const gt_attrs batch_norm_call = GT_ATTRS(batch_norm_options);

#define BATCH_NORM(id, input_names, inputs_n, outputs_n, how, options)                             \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = (inputs_n),                                                                        \
        .n_out = (outputs_n),                                                                      \
        .opts_size = sizeof(gti_normalize_opts),                                                   \
        .attrs = GT_ATTRS(batch_norm_attrs),                                                       \
        .call = (options),                                                                         \
        .flags = GT_OP_CHEAP,                                                                      \
        .unread = GT_UNREAD_OUT(0),                                                                \
        .infer = id##_infer,                                                                       \
        how,                                                                                       \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = gti_normalize_flops,                                                              \
    };

#define BY_CHANNELS .parts = GT_FOR_FLOATS(batch_norm_parts)
#define BY_ELEMENTS .elements = GT_FOR_FLOATS(batch_norm_eval_elements), .cost = 4

BATCH_NORM(batch_norm, "x weight bias", 3, 4, BY_CHANNELS, &batch_norm_call)
BATCH_NORM(batch_norm_eval, "x weight bias running_mean running_var", 5, 1, BY_ELEMENTS, NULL)

gt_tensor *gt_batch_norm_eval(gt_tensor *x, gt_tensor *weight, gt_tensor *bias, gt_tensor *mean,
                              gt_tensor *variance, double eps)
{
    const gti_normalize_opts all = {.eps = eps};
    return gt_apply(&gt_op_batch_norm_eval, &all, 5,
                    (gt_tensor *[]){x, weight, bias, mean, variance});
}

/* --- running statistics --- */

/* Fails the context of x. Returns false. */
#define FAIL(x, ...) (gt_fail((x)->ctx, GT_ERR_ARGUMENT, "batch_norm", __VA_ARGS__) == GT_OK)

static bool check_buffer(const gt_tensor *x, const gt_tensor *t, const char *name, gt_dtype dtype,
                         int64_t size)
{
    if (!gti_goes_with(x, t, "batch_norm", name)) return false;
    if (t->ctx != x->ctx) return FAIL(x, "%s belongs to another context than x", name);
    return (t->dtype == dtype && t->size == size) ||
           FAIL(x, "%s is %s %s, needs %s with %lld elements", name, gt_dtype_name(t->dtype),
                GTI_SHAPE_TEXT(t->shape), gt_dtype_name(dtype), (long long)size);
}

static bool check_running(const gt_tensor *x, const gt_tensor *mean, const gt_tensor *var,
                          const gt_batch_norm_opts *o)
{
    const int64_t c = x->shape.ndim > 1 ? x->shape.dim[1] : 1;
    if (gt_failed(x->ctx)) return false;
    if (!mean != !var)
        return FAIL(x, "%s is NULL; both running statistics are needed, or neither",
                    mean ? "running_var" : "running_mean");
    if (o->cumulative && !o->num_batches) return FAIL(x, "a cumulative average needs .num_batches");
    if (mean && (!check_buffer(x, mean, "running_mean", x->dtype, c) ||
                 !check_buffer(x, var, "running_var", x->dtype, c)))
        return false;
    return !o->num_batches || check_buffer(x, o->num_batches, "num_batches", GT_I64, 1);
}

/* The running statistic of all batches so far, or with momentum (1 - momentum) running + momentum
 * scale fresh. */
static void update_statistic(gt_tensor *running, gt_tensor *fresh, double scale,
                             const gt_batch_norm_opts *o)
{
    gt_tensor *const in[] = {running, fresh, o->num_batches};
    const gt_change_args args = {.p = o->momentum, .q = scale};
    if (o->cumulative) gt_apply_into(&gt_op_average, &args, 3, in);
    else gt_apply_into(&gt_op_blend, &args, 2, in);
}

/* The variance is unbiased, as in PyTorch: that of N elements times N / (N - 1). */
static void update_running(const gt_tensor *x, gt_tensor *mean, gt_tensor *var,
                           const gt_batch_norm_opts *o, gt_tensor *const out[])
{
    if (o->num_batches) gt_apply_into(&gt_op_count, NULL, 1, &o->num_batches);
    if (!mean || x->size == 0) return;
    const double count = (double)x->size / (double)mean->size;
    update_statistic(mean, out[1], 1, o);
    update_statistic(var, out[3], count / (count - 1), o);
}

gt_tensor *gt_batch_norm_(gt_tensor *x, gt_tensor *running_mean, gt_tensor *running_var,
                          gt_batch_norm_opts opts)
{
    if (!gti_is_given(x, "batch_norm") ||
        !gt_complete(x->ctx, "batch_norm", &batch_norm_call, &opts) ||
        !check_running(x, running_mean, running_var, &opts))
        return NULL;
    const gt_shape c = GT_SHAPE(x->shape.ndim > 1 ? x->shape.dim[1] : 1);
    gt_tensor *weight = gti_normalize_parameter(opts.weight, x, c, 1);
    gt_tensor *bias = gti_normalize_parameter(opts.bias, x, c, 0);
    if (!opts.training && running_mean)
        return gt_batch_norm_eval(x, weight, bias, running_mean, running_var, GT_EXACTLY(opts.eps));
    const gti_normalize_opts all = {GT_COMPLETE, .eps = opts.eps};
    gt_tensor *out[4];
    gt_apply_n(&gt_op_batch_norm, &all, 3, (gt_tensor *[]){x, weight, bias}, out);
    if (out[0] && opts.training) update_running(x, running_mean, running_var, &opts, out);
    return out[0];
}

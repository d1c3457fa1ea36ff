/* batch_norm: x [n,c,...], y = (x - mean) * rstd * weight + bias with the statistics of a channel,
 * rstd = 1 / sqrt(variance + eps); weight, bias, mean and variance are [c].
 *
 *   batch_norm       statistics of the batch; mean, rstd and the variance (of the population) are
 *                    outputs too; the gradient is normalize.c's
 *   batch_norm_eval  statistics that are given
 *   batch_norm_act, batch_norm_eval_act
 *                    the same with an activation of y behind them, in one pass; the last where
 *                    nothing is recorded
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

/* --- batch_norm_act --- */

static gt_activation activation_of(const gt_node *n)
{
    return ((const gti_normalize_act_opts *)n->opts)->activation;
}

static void batch_norm_act_parts(gt_node *n, const gt_range *r)
{
    gt_normalize_layout layout = batch_norm_layout_of(n);
    layout.activation = activation_of(n);
    gti_normalize_parts(n, r, &layout, eps_of(n));
}

static const char batch_norm_act_gradient[] =
    "as batch_norm's, dy being 0 where the activation is flat";
static bool batch_norm_act_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_normalize_layout layout = batch_norm_layout_of(n);
    layout.activation = GT_MUTANT(batch_norm_act_slope, activation_of(n), GT_NO_ACTIVATION);
    gt_tensor *const up[] = {
        GT_MUTANT(batch_norm_act_upstream, gout[0], gout[0] ? gt_square(gout[0]) : NULL), gout[1],
        gout[2], gout[3]};
    return gti_normalize_backward(n, &layout, up, gin);
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

/* Piece by piece, which stays in the cache in between. */
static void batch_norm_eval_act_elements(gt_node *n, int64_t begin, int64_t end)
{
    enum { PIECE = 1 << 11 };
    for (int64_t i = begin, last; i < end; i = last) {
        last = end - i < PIECE ? end : i + PIECE;
        batch_norm_eval_elements(n, i, last);
        gti_normalize_activate(n, activation_of(n), last - i, gti_to(n->out[0], i));
    }
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
    gt_normalize_layout s = batch_norm_layout_of(n);
    s.given = true;
    gt_tensor *weight = n->in[1], *mean = n->in[3];
    gt_tensor *rstd = gt_rsqrt(gt_add_scalar(n->in[4], eps_of(n)));
    gt_tensor *slope = gt_mul(rstd, weight);
    const bool all = gt_needs_grad(n, 1) || gt_needs_grad(n, 4);
    if (!all && gt_needs_grad(n, 0))
        gin[0] = gt_mul(gout[0], gt_reshape(slope, gti_channels_beside(n->in[0]->shape)));
    if (all) {
        gt_tensor *dweight = NULL;
        gt_tensor *dx =
            gt_normalize_grad(gout[0], n->in[0], weight, mean, rstd, NULL, s, &dweight, &gin[2]);
        if (gt_needs_grad(n, 0)) gin[0] = dx;
        gt_tensor *sum = gt_div(dweight, rstd);
        gin[1] = GT_MUTANT(batch_norm_eval_weight, dweight, sum);
        if (gt_needs_grad(n, 4))
            gin[4] = gt_mul_scalar(gt_mul(gt_mul(sum, weight), gt_mul(gt_square(rstd), rstd)),
                                   GT_MUTANT(batch_norm_eval_variance, -0.5, 0.5));
    } else if (gt_needs_grad(n, 2) || gt_needs_grad(n, 3)) {
        gin[2] = channel_sum(gti_normalize_view(gout[0], &s), weight);
    }
    if (gt_needs_grad(n, 3)) gin[3] = gt_neg(gt_mul(slope, gin[2]));
    return true;
}

static const char batch_norm_eval_act_gradient[] =
    "as batch_norm_eval's, dy being 0 where the activation is flat";
static bool batch_norm_eval_act_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(batch_norm_eval_act_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *own = gti_normalize_before(activation_of(n), dy, n->out[0]);
    return batch_norm_eval_backward(
        n, (gt_tensor *[]){GT_MUTANT(batch_norm_eval_act_slope, own, dy)}, gin);
}

/* --- samples --- */

#define EPS(value)                                                                                 \
    .opts = &(const gti_normalize_opts)                                                            \
    {                                                                                              \
        .eps = (value)                                                                             \
    }
#define R(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
static const gt_sample batch_norm_samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), GT_IN(3), GT_IN(3)), EPS(1e-5)},
    {.label = "sequences", .in = GT_INPUTS(GT_IN(3, 2, 3), GT_IN(2), GT_IN(2)), EPS(1e-5)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(5, 3), GT_IN(3), GT_IN(3)), EPS(1e-5)},
    {.label = "one image", .in = GT_INPUTS(GT_IN(1, 2, 2, 3), GT_IN(2), GT_IN(2)), EPS(1e-5)},
    {.label = "one channel", .in = GT_INPUTS(GT_IN(3, 1, 3), GT_IN(1), GT_IN(1)), EPS(1e-5)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 2, 1, 2, 1, 2, 1, 2), GT_IN(2), GT_IN(2)),
     EPS(1e-5)},
    {.label = "large eps", .in = GT_INPUTS(GT_IN(3, 2, 2), GT_IN(2), GT_IN(2)), EPS(0.5)},
    {.label = "large mean",
     .in = GT_INPUTS(GT_IN_RANGE(1000, 1004, 3, 2, 2), GT_IN(2), GT_IN(2)),
     EPS(1e-5)},
    {.label = "17 channels", .in = GT_INPUTS(GT_IN(2, 17), GT_IN(17), GT_IN(17)), EPS(1e-1)},
    {.label = "17 pixels", .in = GT_INPUTS(GT_IN(1, 2, 17), GT_IN(2), GT_IN(2)), EPS(1e-5)},
    {.label = "short runs", .in = GT_INPUTS(GT_IN(70, 2, 17), GT_IN(2), GT_IN(2)), EPS(1e-5)},
    {.label = "16 pixels", .in = GT_INPUTS(GT_IN(3, 2, 16), GT_IN(2), GT_IN(2)), EPS(1e-5)},
    {.label = "2100 pixels", .in = GT_INPUTS(GT_IN(1, 1, 2100), GT_IN(1), GT_IN(1)), EPS(1e-5)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2), GT_IN(3), GT_IN(3)), EPS(1e-1)},
    {.label = "no pixels", .in = GT_INPUTS(GT_IN(2, 3, 0), GT_IN(3), GT_IN(3)), EPS(1e-1)},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 3), GT_IN(0), GT_IN(0)), EPS(1e-1)},
};
#define ACT(kind)                                                                                  \
    .opts = &(const gti_normalize_act_opts)                                                        \
    {                                                                                              \
        {.eps = 1e-5}, GT_THEN_##kind                                                              \
    }
static const gt_sample batch_norm_act_samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), GT_IN(3), GT_IN(3)), ACT(RELU)},
    {.label = "relu6", .in = GT_INPUTS(GT_IN(3, 2, 3), GT_IN_RANGE(6, 9, 2), GT_IN(2)), ACT(RELU6)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(5, 3), GT_IN(3), GT_IN(3)), ACT(RELU)},
    {.label = "rows, relu6",
     .in = GT_INPUTS(GT_IN(7, 17), GT_IN_RANGE(6, 9, 17), GT_IN(17)),
     ACT(RELU6)},
    {.label = "short runs",
     .in = GT_INPUTS(GT_IN(70, 2, 17), GT_IN(2), GT_IN(2)),
     .kinks = true,
     ACT(RELU6)},
    {.label = "16 pixels",
     .in = GT_INPUTS(GT_IN(3, 2, 16), GT_IN_RANGE(6, 9, 2), GT_IN(2)),
     ACT(RELU6)},
    {.label = "2100 pixels",
     .in = GT_INPUTS(GT_IN(1, 1, 2100), GT_IN(1), GT_IN(1)),
     .kinks = true,
     ACT(RELU)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2), GT_IN(3), GT_IN(3)), ACT(RELU)},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 3), GT_IN(0), GT_IN(0)), ACT(RELU6)},
};
#define GIVEN(c) GT_IN(c), GT_IN(c), GT_IN(c), R(c)
static const gt_sample batch_norm_eval_samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), GIVEN(3)), EPS(1e-5)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 5), GIVEN(5)), EPS(1e-5)},
    {.label = "large eps", .in = GT_INPUTS(GT_IN(2, 2, 3), GIVEN(2)), EPS(0.5)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GIVEN(1)), EPS(1e-5)},
    {.label = "9 of 17", .in = GT_INPUTS(GT_IN(1, 9, 17), GIVEN(9)), EPS(1e-5)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2), GIVEN(3)), EPS(1e-5)},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 2), GIVEN(0)), EPS(1e-5)},
    {.label = "mean is the bias too",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3), {.same = 3}, R(3)),
     EPS(1e-5)},
};

static const gt_sample batch_norm_eval_act_samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), GIVEN(3)), ACT(RELU)},
    {.label = "rows, relu6",
     .in = GT_INPUTS(GT_IN(3, 5), GT_IN_RANGE(6, 9, 5), GT_IN(5), GT_IN(5), R(5)),
     ACT(RELU6)},
    {.label = "2100 pixels",
     .in = GT_INPUTS(GT_IN(2, 1, 2100), GIVEN(1)),
     .kinks = true,
     ACT(RELU)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GIVEN(1)), ACT(RELU6)},
    {.label = "9 of 17", .in = GT_INPUTS(GT_IN(1, 9, 17), GIVEN(9)), ACT(RELU)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2), GIVEN(3)), ACT(RELU)},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample batch_norm_error_samples[] = {
    {.label = "one dimension",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3), GT_IN(3)),
     EPS(1e-5),
     SHAPE_ERROR = "x has 1 dimensions, needs at least 2: [n,c,...]"},
    {.label = "one element a channel",
     .in = GT_INPUTS(GT_IN(1, 3, 1, 1), GT_IN(3), GT_IN(3)),
     EPS(1e-5),
     SHAPE_ERROR = "x [1,3,1,1] has one element a channel; statistics of a batch need more"},
    {.label = "weight",
     .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(4), GT_IN(3)),
     EPS(1e-5),
     SHAPE_ERROR = "weight is [4], needs [3]"},
    {.label = "bias",
     .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(3), GT_IN(1, 3)),
     EPS(1e-5),
     SHAPE_ERROR = "bias is [1,3], needs [3]"},
    {.label = "negative eps",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3)),
     EPS(-1e-5),
     .code = GT_ERR_ARGUMENT,
     .message = "eps is -1e-05, must be finite and not negative"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(2, 3), .dtype = GT_I64, .high = 5},
                     {.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5},
                     {.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     EPS(1e-5),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};
static const gt_error_sample batch_norm_eval_error_samples[] = {
    {.label = "one dimension",
     .in = GT_INPUTS(GT_IN(3), GIVEN(3)),
     EPS(1e-5),
     SHAPE_ERROR = "x has 1 dimensions, needs at least 2: [n,c,...]"},
    {.label = "running_mean",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3), GT_IN(2), GT_IN(3)),
     EPS(1e-5),
     SHAPE_ERROR = "running_mean is [2], needs [3]"},
    {.label = "running_var",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3), GT_IN(3), GT_IN(3, 3)),
     EPS(1e-5),
     SHAPE_ERROR = "running_var is [3,3], needs [3]"},
};

static const gt_error_sample batch_norm_act_error_samples[] = {
    {.label = "weight",
     .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(4), GT_IN(3)),
     ACT(RELU),
     SHAPE_ERROR = "weight is [4], needs [3]"},
    {.label = "another activation",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3)),
     .opts = &(const gti_normalize_act_opts){{.eps = 1e-5}, (gt_activation)3},
     .code = GT_ERR_ARGUMENT,
     .message = "activation is 3, must be GT_NO_ACTIVATION, GT_THEN_RELU"},
};
static const gt_error_sample batch_norm_eval_act_error_samples[] = {
    {.label = "running_mean",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3), GT_IN(2), GT_IN(3)),
     ACT(RELU),
     SHAPE_ERROR = "running_mean is [2], needs [3]"},
};

static const gt_attr batch_norm_attrs[] = {{GT_OPTION("", gti_normalize_opts, count)},
                                           GTI_EPS_ATTR};
static const gt_attr batch_norm_act_attrs[] = {
    {GT_OPTION("", gti_normalize_act_opts, norm.count)},
    {GT_OPTION("eps", gti_normalize_act_opts, norm.eps), .otherwise = GTI_EPS,
     .bounds = GT_NOT_NEGATIVE, .meaning = GTI_EPS_MEANING},
    {GTI_ACTIVATION_ATTR(gti_normalize_act_opts)},
};
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
    {GTI_ACTIVATION_ATTR(gt_batch_norm_opts)},
};
static const gt_attrs batch_norm_call = GT_ATTRS(batch_norm_options);

#define EACH(id, rows, type)                                                                       \
    .name = #id, .opts_size = sizeof(type), .attrs = GT_ATTRS(rows), .flags = GT_OP_CHEAP,         \
    GT_SAMPLES(id##_samples), GT_ERROR_SAMPLES(id##_error_samples), .flops = gti_normalize_flops
#define PLAIN(id) EACH(id, batch_norm_attrs, gti_normalize_opts)
#define ACTIVE(id) EACH(id, batch_norm_act_attrs, gti_normalize_act_opts)
#define RULE(id) .backward = id##_backward, .gradient = id##_gradient
#define BY_BATCH(id)                                                                               \
    .inputs = "x weight bias", .n_in = 3, .n_out = 4, .infer = batch_norm_infer,                   \
    .parts = GT_FOR_FLOATS(id##_parts), RULE(id)
#define BY_ELEMENTS(id)                                                                            \
    .inputs = "x weight bias running_mean running_var", .n_in = 5, .n_out = 1,                     \
    .infer = batch_norm_eval_infer, .elements = GT_FOR_FLOATS(id##_elements), .cost = 4, RULE(id)

const gt_op gt_op_batch_norm = {PLAIN(batch_norm), BY_BATCH(batch_norm), .unread = GT_UNREAD_OUT(0),
                                .call = &batch_norm_call};
const gt_op gt_op_batch_norm_act = {ACTIVE(batch_norm_act), BY_BATCH(batch_norm_act)};
const gt_op gt_op_batch_norm_eval = {PLAIN(batch_norm_eval), BY_ELEMENTS(batch_norm_eval),
                                     .unread = GT_UNREAD_OUT(0)};
const gt_op gt_op_batch_norm_eval_act = {ACTIVE(batch_norm_eval_act),
                                         BY_ELEMENTS(batch_norm_eval_act)};

gt_tensor *gt_batch_norm_eval(gt_tensor *x, gt_tensor *weight, gt_tensor *bias, gt_tensor *mean,
                              gt_tensor *variance, double eps)
{
    const gti_normalize_opts all = {.eps = eps};
    return gt_apply(&gt_op_batch_norm_eval, &all, 5,
                    (gt_tensor *[]){x, weight, bias, mean, variance});
}

gt_tensor *gt_batch_norm_act(gt_tensor *x, gt_tensor *weight, gt_tensor *bias, double eps,
                             gt_activation activation)
{
    const gti_normalize_act_opts all = {{.eps = eps}, activation};
    gt_tensor *out[4];
    gt_apply_n(&gt_op_batch_norm_act, &all, 3, (gt_tensor *[]){x, weight, bias}, out);
    return out[0];
}

gt_tensor *gt_batch_norm_eval_act(gt_tensor *x, gt_tensor *weight, gt_tensor *bias, gt_tensor *mean,
                                  gt_tensor *variance, double eps, gt_activation activation)
{
    const gti_normalize_act_opts all = {{.eps = eps}, activation};
    return gt_apply(&gt_op_batch_norm_eval_act, &all, 5,
                    (gt_tensor *[]){x, weight, bias, mean, variance});
}

/* layer_norm: y = (x - mean) * rstd * weight + bias, mean and rstd = 1 / sqrt(variance + eps) over
 * the last n_dims dimensions of x, whose shape weight and bias have. mean and rstd [leading
 * dimensions] are outputs too. The gradient is normalize.c's. */
#include "normalize.h"

static gt_normalize_layout layer_norm_layout_of(const gt_node *n)
{
    return gti_normalize_rows(n->in[0]->shape, ((const gti_normalize_opts *)n->opts)->count);
}

static bool layer_norm_infer(gt_node *n)
{
    const gti_normalize_opts *o = n->opts;
    const gt_shape x = n->in[0]->shape;
    gt_shape last;
    if (!gti_normalize_check_dims(n, o->count, &last) ||
        !gti_normalize_check_parameter(n, 1, last) || !gti_normalize_check_parameter(n, 2, last))
        return false;
    const gt_normalize_layout layout = layer_norm_layout_of(n);
    return gti_normalize_set_outputs(n, &layout, gt_shape_of(x.ndim - (int)o->count, x.dim));
}

static void layer_norm_parts(gt_node *n, const gt_range *r)
{
    const gt_normalize_layout layout = layer_norm_layout_of(n);
    gti_normalize_parts(n, r, &layout, ((const gti_normalize_opts *)n->opts)->eps);
}

static bool layer_norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_normalize_layout layout = layer_norm_layout_of(n);
    return gti_normalize_backward(n, &layout, gout, gin);
}

#define LAST(...)                                                                                  \
    .opts = &(const gti_normalize_opts)                                                            \
    {                                                                                              \
        NULL, __VA_ARGS__                                                                          \
    }
static const gt_sample samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 5), GT_IN(5), GT_IN(5)), LAST(1, 1e-5)},
    {.label = "two dimensions",
     .in = GT_INPUTS(GT_IN(2, 2, 3), GT_IN(2, 3), GT_IN(2, 3)),
     LAST(2, 1e-5)},
    {.label = "all dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(2, 3)),
     LAST(2, 1e-5)},
    {.label = "sequences", .in = GT_INPUTS(GT_IN(2, 2, 4), GT_IN(4), GT_IN(4)), LAST(1, 1e-5)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 1, 1, 1, 2, 1, 2), GT_IN(1, 1, 1, 1, 2, 1, 2),
                     GT_IN(1, 1, 1, 1, 2, 1, 2)),
     LAST(7, 1e-5)},
    {.label = "large eps", .in = GT_INPUTS(GT_IN(2, 4), GT_IN(4), GT_IN(4)), LAST(1, 0.5)},
    {.label = "large mean",
     .in = GT_INPUTS(GT_IN_RANGE(1000, 1004, 2, 6), GT_IN(6), GT_IN(6)),
     LAST(1, 1e-5)},
    {.label = "row of one", .in = GT_INPUTS(GT_IN(3, 1), GT_IN(1), GT_IN(1)), LAST(1, 1e-1)},
    {.label = "8 wide", .in = GT_INPUTS(GT_IN(2, 8), GT_IN(8), GT_IN(8)), LAST(1, 1e-5)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(2, 17), GT_IN(17), GT_IN(17)), LAST(1, 1e-5)},
    {.label = "2100 wide",
     .in = GT_INPUTS(GT_IN(1, 2100), GT_IN(2100), GT_IN(2100)),
     LAST(1, 1e-5)},
    {.label = "vector", .in = GT_INPUTS(GT_IN(9), GT_IN(9), GT_IN(9)), LAST(1, 1e-5)},
    {.label = "no rows", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(3), GT_IN(3)), LAST(1, 1e-5)},
    {.label = "empty rows", .in = GT_INPUTS(GT_IN(2, 0), GT_IN(0), GT_IN(0)), LAST(1, 1e-1)},
    {.label = "x is the weight too",
     .in = GT_INPUTS(GT_IN(5), {.same = 1}, {.same = 1}),
     LAST(1, 1e-5)},
};

static const gt_error_sample error_samples[] = {
    {.label = "no dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3)),
     LAST(0, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "n_dims is 0, must be from 1 to 2, as x is [2,3]"},
    {.label = "too many dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3)),
     LAST(3, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "n_dims is 3, must be from 1 to 2"},
    {.label = "weight",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(3)),
     LAST(1, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "weight is [2,3], needs [3]"},
    {.label = "bias",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(2)),
     LAST(1, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "bias is [2], needs [3]"},
    {.label = "negative eps",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3), GT_IN(3)),
     LAST(1, -1e-5),
     .code = GT_ERR_ARGUMENT,
     .message = "eps is -1e-05, must be finite and not negative"},
};

#define OF_DIMS "of the shape that is normalised"
static const gt_attr layer_norm_attrs[] = {GTI_DIMS_ATTR, GTI_WEIGHT_ATTR(OF_DIMS),
                                           GTI_BIAS_ATTR(OF_DIMS), GTI_EPS_ATTR};

const gt_op gt_op_layer_norm = {
    .name = "layer_norm",
    .inputs = "x weight bias",
    .n_in = 3,
    .n_out = 3,
    .opts_size = sizeof(gti_normalize_opts),
    .attrs = GT_ATTRS(layer_norm_attrs),
    .flags = GT_OP_CHEAP,
    .unread = GT_UNREAD_OUT(0),
    .infer = layer_norm_infer,
    .parts = GT_FOR_FLOATS(layer_norm_parts),
    .backward = layer_norm_backward,
    .gradient = GTI_NORMALIZE_GRADIENT,
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = gti_normalize_flops,
};

gt_tensor *gt_layer_norm_(gt_tensor *x, int n_dims, gt_normalize_opts opts)
{
    if (!gti_is_given(x, "layer_norm")) return NULL;
    const int count = n_dims < 1 ? 1 : n_dims > x->shape.ndim ? x->shape.ndim : n_dims;
    const gt_shape last = gt_shape_of(count, x->shape.dim + x->shape.ndim - count);
    gt_tensor *weight = gti_normalize_parameter(opts.weight, x, last, 1);
    gt_tensor *bias = gti_normalize_parameter(opts.bias, x, last, 0);
    const gti_normalize_opts all = {.count = n_dims, .eps = opts.eps};
    gt_tensor *out[3];
    gt_apply_n(&gt_op_layer_norm, &all, 3, (gt_tensor *[]){x, weight, bias}, out);
    return gti_normalize_result(3, out);
}

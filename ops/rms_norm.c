/* rms_norm: y = x * rstd * weight, rstd = 1 / sqrt(mean of x^2 + eps) over the last n_dims
 * dimensions of x, whose shape weight has. rstd [leading dimensions] is an output too. The gradient
 * is normalize.c's. */

#include <float.h>

#include "normalize.h"

static gt_normalize_layout rms_norm_layout_of(const gt_node *n)
{
    return gti_normalize_rows(n->in[0]->shape, ((const gti_normalize_opts *)n->opts)->count);
}

static bool rms_norm_infer(gt_node *n)
{
    const gti_normalize_opts *o = n->opts;
    const gt_shape x = n->in[0]->shape;
    gt_shape last;
    if (!gti_normalize_check_dims(n, o->count, &last) || !gti_normalize_check_parameter(n, 1, last))
        return false;
    const gt_normalize_layout layout = rms_norm_layout_of(n);
    return gti_normalize_set_outputs(n, &layout, gt_shape_of(x.ndim - (int)o->count, x.dim));
}

static void rms_norm_parts(gt_node *n, const gt_range *r)
{
    const gt_normalize_layout layout = rms_norm_layout_of(n);
    gti_normalize_parts(n, r, &layout, ((const gti_normalize_opts *)n->opts)->eps);
}

static bool rms_norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_normalize_layout layout = rms_norm_layout_of(n);
    return gti_normalize_backward(n, &layout, gout, gin);
}

#define LAST(...)                                                                                  \
    .opts = &(const gti_normalize_opts)                                                            \
    {                                                                                              \
        NULL, __VA_ARGS__                                                                          \
    }
static const gt_sample samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 5), GT_IN(5)), LAST(1, 1e-5)},
    {.label = "two dimensions", .in = GT_INPUTS(GT_IN(2, 2, 3), GT_IN(2, 3)), LAST(2, 1e-5)},
    {.label = "all dimensions", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), LAST(2, 1e-5)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(1, 2, 1, 1, 2, 1, 2, 1), GT_IN(1, 2, 1, 1, 2, 1, 2, 1)),
     LAST(8, 1e-5)},
    {.label = "large eps", .in = GT_INPUTS(GT_IN(2, 4), GT_IN(4)), LAST(1, 0.5)},
    {.label = "smallest eps", .in = GT_INPUTS(GT_IN(2, 4), GT_IN(4)), LAST(1, DBL_EPSILON)},
    {.label = "large values",
     .in = GT_INPUTS(GT_IN_RANGE(1e3, 1e4, 2, 4), GT_IN(4)),
     LAST(1, 1e-5)},
    {.label = "row of one", .in = GT_INPUTS(GT_IN(3, 1), GT_IN(1)), LAST(1, 1e-1)},
    {.label = "8 wide", .in = GT_INPUTS(GT_IN(2, 8), GT_IN(8)), LAST(1, 1e-5)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(2, 17), GT_IN(17)), LAST(1, 1e-5)},
    {.label = "2100 wide", .in = GT_INPUTS(GT_IN(1, 2100), GT_IN(2100)), LAST(1, 1e-5)},
    {.label = "no rows", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(3)), LAST(1, 1e-5)},
    {.label = "empty rows", .in = GT_INPUTS(GT_IN(2, 0), GT_IN(0)), LAST(1, 1e-1)},
    {.label = "x is the weight too", .in = GT_INPUTS(GT_IN(5), {.same = 1}), LAST(1, 1e-5)},
};

static const gt_error_sample error_samples[] = {
    {.label = "no dimensions",
     .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR),
     LAST(1, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "n_dims is 1, must be from 1 to 0, as x is []"},
    {.label = "weight",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2)),
     LAST(1, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "weight is [2], needs [3]"},
    {.label = "negative eps",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)),
     LAST(1, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "eps is -1, must be finite and not negative"},
};

static const gt_attr rms_norm_attrs[] = {
    GTI_DIMS_ATTR,
    GTI_WEIGHT_ATTR("of the shape that is normalised"),
    {GT_OPTION("eps", gti_normalize_opts, eps), .usual = "the dtype's machine epsilon",
     .bounds = GT_NOT_NEGATIVE, .meaning = "added to the mean square"}};

const gt_op gt_op_rms_norm = {
    .name = "rms_norm",
    .inputs = "x weight",
    .n_in = 2,
    .n_out = 2,
    .opts_size = sizeof(gti_normalize_opts),
    .attrs = GT_ATTRS(rms_norm_attrs),
    .flags = GT_OP_CHEAP,
    .unread = GT_UNREAD_OUT(0),
    .infer = rms_norm_infer,
    .parts = GT_FOR_FLOATS(rms_norm_parts),
    .backward = rms_norm_backward,
    .gradient = "dx = rstd (g - h M(g h)), dweight = sum of dy h; g = dy weight, h = x rstd, M the "
                "mean over what is normalised together",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = gti_normalize_flops,
};

gt_tensor *gt_rms_norm_(gt_tensor *x, int n_dims, gt_rms_norm_opts opts)
{
    if (!gti_is_given(x, "rms_norm")) return NULL;
    const int count = n_dims < 1 ? 1 : n_dims > x->shape.ndim ? x->shape.ndim : n_dims;
    const gt_shape last = gt_shape_of(count, x->shape.dim + x->shape.ndim - count);
    gt_tensor *weight = gti_normalize_parameter(opts.weight, x, last, 1);
    const double eps = opts.eps == 0 ? gt_dtype_epsilon(x->dtype) : opts.eps;
    const gti_normalize_opts all = {.count = n_dims, .eps = eps};
    gt_tensor *out[2];
    gt_apply_n(&gt_op_rms_norm, &all, 2, (gt_tensor *[]){x, weight}, out);
    return gti_normalize_result(2, out);
}

/* max and min along one axis, with the index of the first place where they are, and argmax and
 * argmin, that index alone.
 *
 *   y[o,i] = x[o,index[o,i],i]    dx = zeros but for dx[o,index[o,i],i] = dy[o,i] */
#include "classes.h"
#include "reduction.h"

typedef struct {
    int axis;
    bool keepdim;
} extreme_opts;

/* x without the axis, or with it of size 1; and the axis, -1 after a failure. */
static int shape_without(gt_node *n, gt_shape *y)
{
    const extreme_opts *opts = n->opts;
    const gt_shape x = n->in[0]->shape;
    const int axis = gti_op_axis(n, opts->axis, x.ndim);
    if (axis < 0) return -1;
    *y = gti_reduction_shape(x, 1u << axis, opts->keepdim);
    if (gti_at_least_1d(x).dim[axis] > 0) return axis;
    gt_op_fail(n, GT_ERR_SHAPE, "axis %d has size 0: nothing has no largest or smallest element",
               axis);
    return -1;
}

static gti_along max_along(const gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    return gti_reduction_along(x, gti_op_axis(n, ((const extreme_opts *)n->opts)->axis, x.ndim));
}

static void max_divide(gt_node *n)
{
    const gti_along s = max_along(n);
    gti_reduction_along_divide(n, 0, &s, 2);
}

/* --- max, min: outputs y and its index --- */

static bool value_infer(gt_node *n)
{
    if (shape_without(n, &n->out[0]->shape) < 0) return false;
    n->out[1]->shape = n->out[0]->shape;
    n->out[1]->dtype = GT_I64;
    max_divide(n);
    return true;
}

static void value_parts(gt_node *n, const gt_range *r, bool largest)
{
    const gti_along s = max_along(n);
    const gti_along_range at = gti_reduction_along_range_of(n, r, &s);
    gti_kernels_for(n)->reduce.extreme(&at.s, largest, gti_from(n->in[0], at.x),
                                       gti_to(n->out[0], at.y), gti_to(n->out[1], at.y));
}

static void max_parts(gt_node *n, const gt_range *r)
{
    value_parts(n, r, true);
}

static void min_parts(gt_node *n, const gt_range *r)
{
    value_parts(n, r, false);
}

/* t, which may have the axis with size 1, without it. */
static gt_tensor *without_axis(const gt_node *n, gt_tensor *t, int axis)
{
    if (!t || !((const extreme_opts *)n->opts)->keepdim) return t;
    return gt_reshape(t, gti_reduction_shape(n->in[0]->shape, 1u << axis, false));
}

static int max_axis_of(const gt_node *n)
{
    return gti_op_axis(n, ((const extreme_opts *)n->opts)->axis, n->in[0]->shape.ndim);
}

/* Zeros of x's shape, but dy where the extremes are. */
static gt_tensor *placed(const gt_node *n, gt_tensor *dy)
{
    const gt_tensor *x = n->in[0];
    const int axis = max_axis_of(n);
    if (x->shape.ndim == 0) return dy;
    return gt_place(without_axis(n, dy, axis), without_axis(n, n->out[1], axis), axis,
                    x->shape.dim[axis], GTI_NO_CLASS);
}

#define BACKWARD(id)                                                                               \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        gt_tensor *dx = placed(n, GT_MUTANT(id##_upstream, gout[0], n->out[0]));                   \
        gin[0] = GT_MUTANT(id##_flipped, dx, gt_flip(dx, GT_AXIS(max_axis_of(n))));                \
        return true;                                                                               \
    }
BACKWARD(max)
BACKWARD(min)

/* --- argmax, argmin --- */

static bool index_infer(gt_node *n)
{
    n->out[0]->dtype = GT_I64;
    if (shape_without(n, &n->out[0]->shape) < 0) return false;
    max_divide(n);
    return true;
}

static void index_parts(gt_node *n, const gt_range *r, bool largest)
{
    const gti_along s = max_along(n);
    const gti_along_range at = gti_reduction_along_range_of(n, r, &s);
    gti_kernels_for(n)->reduce.extreme(&at.s, largest, gti_from(n->in[0], at.x), NULL,
                                       gti_to(n->out[0], at.y));
}

static void argmax_parts(gt_node *n, const gt_range *r)
{
    index_parts(n, r, true);
}

static void argmin_parts(gt_node *n, const gt_range *r)
{
    index_parts(n, r, false);
}

static double max_flops(const gt_node *n)
{
    return (double)n->in[0]->size;
}

#define AXIS(...)                                                                                  \
    .opts = &(const extreme_opts)                                                                  \
    {                                                                                              \
        .axis = __VA_ARGS__                                                                        \
    }
static const double ties[] = {3, 1, 3, 1, 2, 3, 1, 2, 1};
// clang-format off
static const gt_sample samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(7))},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(1)},
    {.label = "71 wide", .in = GT_INPUTS(GT_IN(2, 71)), AXIS(1)},
    {.label = "200 wide", .in = GT_INPUTS(GT_IN(6, 200)), AXIS(1)},
    {.label = "300 columns", .in = GT_INPUTS(GT_IN(3, 300)), AXIS(0)},
    {.label = "columns, keepdim", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(-1, true)},
    {.label = "rows, keepdim", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(0, true)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXIS(1)},
    {.label = "middle, keepdim", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXIS(-2, true)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1)), AXIS(1)},
    {.label = "axis of size one", .in = GT_INPUTS(GT_IN(3, 1)), AXIS(1)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(0)},
    {.label = "number, keepdim", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(-1, true)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), AXIS(1)},
    {.label = "9 by 17", .in = GT_INPUTS(GT_IN(9, 17)), AXIS(0)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(2, 17)), AXIS(1)},
    {.label = "ties", .in = GT_INPUTS({.shape = GT_DIMS(3, 3), .values = ties}), AXIS(1), .kinks = true},
    {.label = "ties in columns", .in = GT_INPUTS({.shape = GT_DIMS(3, 3), .values = ties}), AXIS(0), .kinks = true},
};

static const gt_error_sample error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3)), AXIS(2), .code = GT_ERR_SHAPE, .message = "there is no axis 2"},
    {.label = "axis 1 of a number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(1), .code = GT_ERR_SHAPE, .message = "there is no axis 1"},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(2, 0)), AXIS(1), .code = GT_ERR_SHAPE, .message = "axis 1 has size 0"},
    {.label = "whole numbers", .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}), .code = GT_ERR_DTYPE, .message = "i64"},
};
// clang-format on

static const gt_attr max_attrs[] = {
    GTI_AXIS_ATTR(extreme_opts),
    GTI_KEEPDIM_ATTR(extreme_opts),
    {GT_BESIDE("indices"), .usual = "NULL", .meaning = "gets where along the axis they are, i64"}};
static const gt_attr argmax_attrs[] = {GTI_AXIS_ATTR(extreme_opts), GTI_KEEPDIM_ATTR(extreme_opts)};

/* A row: name, attributes, number of outputs, shape rule, backward rule, its formula. */
#define EXTREME(id, table, outputs, shape_rule, rule, formula)                                     \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = (outputs),                                                                        \
        .opts_size = sizeof(extreme_opts),                                                         \
        .attrs = GT_PLAIN_ATTRS(table),                                                            \
        .infer = (shape_rule),                                                                     \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = (rule),                                                                        \
        .gradient = (formula),                                                                     \
        GT_SAMPLES(samples),                                                                       \
        GT_ERROR_SAMPLES(error_samples),                                                           \
        .flops = max_flops,                                                                        \
    };

EXTREME(max, max_attrs, 2, value_infer, max_backward, "dx = dy at the index, else 0")
EXTREME(min, max_attrs, 2, value_infer, min_backward, "dx = dy at the index, else 0")
EXTREME(argmax, argmax_attrs, 1, index_infer, NULL, NULL)
EXTREME(argmin, argmax_attrs, 1, index_infer, NULL, NULL)

static gt_tensor *value(const gt_op *op, gt_tensor *x, int axis, gt_max_opts opts)
{
    gt_tensor *out[2];
    gt_apply_n(op, &(extreme_opts){axis, opts.keepdim}, 1, (gt_tensor *[]){x}, out);
    if (opts.indices) *opts.indices = out[1];
    return out[0];
}

gt_tensor *gt_max_(gt_tensor *x, int axis, gt_max_opts opts)
{
    return value(&gt_op_max, x, axis, opts);
}

gt_tensor *gt_min_(gt_tensor *x, int axis, gt_max_opts opts)
{
    return value(&gt_op_min, x, axis, opts);
}

gt_tensor *gt_argmax_(gt_tensor *x, int axis, gt_argmax_opts opts)
{
    return gt_apply(&gt_op_argmax, &(extreme_opts){axis, opts.keepdim}, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_argmin_(gt_tensor *x, int axis, gt_argmax_opts opts)
{
    return gt_apply(&gt_op_argmin, &(extreme_opts){axis, opts.keepdim}, 1, (gt_tensor *[]){x});
}

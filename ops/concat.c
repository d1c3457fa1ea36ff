/* Tensors one after the other along an axis.
 *
 *   concat  x_i [..,m_i,..], y [.., sum of m_i, ..]     dx_i = dy[.., those of x_i, ..]
 *   stack   x_i [..], y [..,n,..] with y[..,i,..] = x_i  dx_i = dy[..,i,..] */
#include "common.h"

enum { COST = 2 }; /* of an element */

typedef struct {
    int axis;
} concat_opts;

/* The axis of y, which infer has found to be there. */
static int concat_axis_of(const gt_node *n)
{
    const int axis = ((const concat_opts *)n->opts)->axis;
    return axis < 0 ? axis + n->out[0]->shape.ndim : axis;
}

/* y is [outer, row], where the inputs, [outer, size / outer], stand side by side. */
static int64_t outer_of(const gt_node *n)
{
    int64_t outer = 1;
    for (int d = 0; d < concat_axis_of(n); d++) outer *= n->out[0]->shape.dim[d];
    return outer;
}

static void concat_divide(gt_node *n)
{
    const int64_t size = gt_shape_size(n->out[0]->shape);
    if (size <= 0) return;
    const int64_t outer = outer_of(n);
    n->parts[0] = gt_parts(n, outer, COST * (double)size / (double)outer);
}

static bool check_concat(const gt_node *n, int axis, int i)
{
    const gt_shape first = n->in[0]->shape, x = n->in[i]->shape;
    if (x.ndim != first.ndim)
        return gt_op_fail(n, GT_ERR_SHAPE, "x%d has %d dimensions, x0 has %d", i, x.ndim,
                          first.ndim);
    for (int d = 0; d < x.ndim; d++)
        if (d != axis && x.dim[d] != first.dim[d])
            return gt_op_fail(n, GT_ERR_SHAPE,
                              "x%d has size %lld in dimension %d, x0 has %lld; only along axis %d "
                              "may they differ",
                              i, (long long)x.dim[d], d, (long long)first.dim[d], axis);
    return true;
}

static bool concat_infer(gt_node *n)
{
    gt_shape *y = &n->out[0]->shape;
    *y = n->in[0]->shape;
    const int axis = gt_op_axis(n, ((const concat_opts *)n->opts)->axis, y->ndim);
    if (axis < 0) return false;
    for (int i = 1; i < n->n_in; i++) {
        if (!check_concat(n, axis, i)) return false;
        if (!gti_size_add(y->dim[axis], n->in[i]->shape.dim[axis], &y->dim[axis]))
            return gt_op_fail(n, GT_ERR_MEMORY, "the size along axis %d overflows", axis);
    }
    concat_divide(n);
    return true;
}

static bool stack_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    for (int i = 1; i < n->n_in; i++)
        if (!gt_same_shape(n->in[0], n->in[i]))
            return gt_op_fail(n, GT_ERR_SHAPE, "x%d %s has another shape than x0 %s", i,
                              GTI_SHAPE_TEXT(n->in[i]->shape), GTI_SHAPE_TEXT(x));
    if (x.ndim == GT_MAX_DIMS)
        return gt_op_fail(n, GT_ERR_SHAPE, "x0 has %d dimensions, there are no more", x.ndim);
    const int axis = gt_op_axis(n, ((const concat_opts *)n->opts)->axis, x.ndim + 1);
    if (axis < 0) return false;
    gt_shape *y = &n->out[0]->shape;
    for (int d = 0; d <= x.ndim; d++) y->dim[d] = d < axis ? x.dim[d] : d > axis ? x.dim[d - 1] : 0;
    y->dim[axis] = n->n_in;
    y->ndim = x.ndim + 1;
    concat_divide(n);
    return true;
}

static void concat_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *y = n->out[0];
    const int64_t outer = outer_of(n), row = y->size / outer;
    const int64_t bytes = y->size * (int64_t)gt_dtype_size(y->dtype);
    const gti_items rows = gti_items_of(n, r, outer);
    const int64_t ystride[] = {row, 1};
    int64_t start = rows.first * row;
    for (int i = 0; i < n->n_in; i++) {
        const gt_tensor *x = n->in[i];
        const int64_t width = x->size / outer;
        const int64_t block[] = {rows.count, width}, xstride[] = {width, 1};
        gti_copy_strided(2, block, gt_dtype_size(y->dtype), gti_from(x, rows.first * width),
                         xstride, gti_to(y, start), ystride, bytes);
        start += width;
    }
}

static gt_tensor *piece(gt_tensor *dy, int axis, int64_t start, int64_t size)
{
    return gt_slice_(dy, axis, start, start + size, (gt_slice_opts){0});
}

static const char concat_gradient[] = "dx_i = dy from where x_i starts";
static bool concat_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = concat_axis_of(n);
    gt_tensor *dy = GT_MUTANT(concat_sign, gout[0], gt_neg(gout[0]));
    int64_t start = 0;
    for (int i = 0; i < n->n_in; i++) {
        const int64_t size = n->in[i]->shape.dim[axis];
        if (gt_needs_grad(n, i)) gin[i] = piece(dy, axis, GT_MUTANT(concat_start, start, 0), size);
        start += size;
    }
    return true;
}

static const char stack_gradient[] = "dx_i = dy at i, without the new axis";
static bool stack_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(stack_sign, gout[0], gt_neg(gout[0]));
    for (int i = 0; i < n->n_in; i++) {
        if (!gt_needs_grad(n, i)) continue;
        gt_tensor *at = piece(dy, concat_axis_of(n), GT_MUTANT(stack_first, i, 0), 1);
        gin[i] = at ? gt_reshape(at, n->in[i]->shape) : NULL;
    }
    return true;
}

#define AXIS(i)                                                                                    \
    .opts = &(const concat_opts)                                                                   \
    {                                                                                              \
        (i)                                                                                        \
    }
static const gt_sample concat_samples[] = {
    {.label = "rows", .n_in = 2, .in = GT_INPUTS(GT_IN(2, 3), GT_IN(1, 3)), AXIS(0)},
    {.label = "columns",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 1), GT_IN(2, 3), GT_IN(2, 2)),
     AXIS(1)},
    {.label = "last axis", .n_in = 2, .in = GT_INPUTS(GT_IN(2, 1, 3), GT_IN(2, 1, 2)), AXIS(-1)},
    {.label = "channels",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2, 1, 2, 2), GT_IN(2, 3, 2, 2)),
     AXIS(1)},
    {.label = "one", .n_in = 1, .in = GT_INPUTS(GT_IN(2, 3)), AXIS(0)},
    {.label = "eight dimensions",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2, 1, 1, 1, 2, 1, 1, 2), GT_IN(2, 1, 1, 1, 1, 1, 1, 2)),
     AXIS(4)},
    {.label = "vectors",
     .n_in = 6,
     .in = GT_INPUTS(GT_IN(1), GT_IN(2), GT_IN(1), GT_IN(3), GT_IN(1), GT_IN(2))},
    {.label = "8 and 9", .n_in = 2, .in = GT_INPUTS(GT_IN(8), GT_IN(9))},
    {.label = "one is empty",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 2), GT_IN(0, 2), GT_IN(1, 2)),
     AXIS(0)},
    {.label = "zero-size", .n_in = 2, .in = GT_INPUTS(GT_IN(0, 2), GT_IN(0, 3)), AXIS(1)},
    {.label = "the same twice",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 2), GT_IN(2, 1), {.same = 1}),
     AXIS(1)},
};

static const gt_error_sample concat_error_samples[] = {
    {.label = "other size",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 4)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "x1 has size 4 in dimension 1, x0 has 3; only along axis 0 may they differ"},
    {.label = "other number of dimensions",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(3)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "x2 has 1 dimensions, x0 has 2"},
    {.label = "no such axis",
     .n_in = 1,
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXIS(2),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
    {.label = "scalars",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 0"},
    {.label = "NULL",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2), {.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x1 is NULL"},
    {.label = "other dtype",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2), {.shape = GT_DIMS(2), .dtype = GT_I64, .high = 3}),
     .code = GT_ERR_DTYPE,
     .message = "make them the same"},
    {.label = "overflow",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(0, INT64_MAX), GT_IN(0, 1)),
     AXIS(1),
     .code = GT_ERR_MEMORY,
     .message = "the size along axis 1 overflows"},
};

static const gt_sample stack_samples[] = {
    {.label = "in front", .n_in = 2, .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), AXIS(0)},
    {.label = "in between",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(2, 3)),
     AXIS(1)},
    {.label = "behind", .n_in = 2, .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), AXIS(-1)},
    {.label = "scalars", .n_in = 3, .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "one", .n_in = 1, .in = GT_INPUTS(GT_IN(3)), AXIS(1)},
    {.label = "to eight dimensions",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(1, 2, 1, 2, 1, 1, 2), GT_IN(1, 2, 1, 2, 1, 1, 2)),
     AXIS(4)},
    {.label = "17 wide", .n_in = 2, .in = GT_INPUTS(GT_IN(17), GT_IN(17))},
    {.label = "zero-size", .n_in = 2, .in = GT_INPUTS(GT_IN(0, 2), GT_IN(0, 2)), AXIS(1)},
    {.label = "the same twice",
     .n_in = 3,
     .in = GT_INPUTS(GT_IN(2), GT_IN(2), {.same = 1}),
     AXIS(1)},
};

static const gt_error_sample stack_error_samples[] = {
    {.label = "other shape",
     .n_in = 2,
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3, 2)),
     .code = GT_ERR_SHAPE,
     .message = "x1 [3,2] has another shape than x0 [2,3]"},
    {.label = "no such axis",
     .n_in = 1,
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXIS(3),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 3 in a tensor of 3 dimensions"},
    {.label = "nine dimensions",
     .n_in = 1,
     .in = GT_INPUTS(GT_IN(1, 1, 1, 1, 1, 1, 1, 1)),
     .code = GT_ERR_SHAPE,
     .message = "x0 has 8 dimensions, there are no more"},
};

static const gt_attr concat_attrs[] = {GTI_AXIS_ATTR(concat_opts)};

#define OPERATION(id)                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = -1,                                                                                \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(concat_opts),                                                          \
        .attrs = GT_PLAIN_ATTRS(concat_attrs),                                                     \
        .flags = GT_OP_NO_SAVED | GT_OP_MOVE,                                                      \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_ALL(concat_parts),                                                         \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };                                                                                             \
    gt_tensor *gt_##id(gt_tensor *const *tensors, int n, int axis)                                 \
    {                                                                                              \
        if (tensors && n > 0) return gt_apply(&gt_op_##id, &(concat_opts){axis}, n, tensors);      \
        gt_fail(NULL, GT_ERR_ARGUMENT, #id, "no tensors");                                         \
        return NULL;                                                                               \
    }

OPERATION(concat)
OPERATION(stack)

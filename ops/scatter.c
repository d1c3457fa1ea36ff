/* x with elements of src put where an index says, or added there. index [k0,k1,..] has as many axes
 * as x and, but for one, is no larger; src is index's shape, or is cut to it.
 *
 *   scatter: y = x, then y[i,index[i,j],..] = src[i,j,..], in the order of the index: of several in
 *     one place the last stays. dx = dy but 0 where something was put, dsrc = dy at the index, 0
 * where it did not stay scatter_add: y = x + what gather_dx makes of src */
#include <string.h>

#include "gather.h"

typedef struct {
    int axis;
} scatter_opts;

static bool scatter_infer(gt_node *n)
{
    const gt_tensor *x = n->in[0], *index = n->in[1], *src = n->in[2];
    n->out[0]->shape = x->shape;
    if (gti_gather_check_index(n, 1, x->shape, ((const scatter_opts *)n->opts)->axis) < 0)
        return false;
    if (src->dtype != x->dtype)
        return gt_op_fail(n, GT_ERR_DTYPE, "src is %s, but x %s; make them the same",
                          gt_dtype_name(src->dtype), gt_dtype_name(x->dtype));
    if (!gt_same_shape(src, index))
        return gt_op_fail(n, GT_ERR_SHAPE, "src %s is smaller than index %s",
                          GTI_SHAPE_TEXT(src->shape), GTI_SHAPE_TEXT(index->shape));
    return true;
}

static void scatter_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *index = n->in[1], *src = n->in[2], *y = n->out[0];
    const size_t element = gt_dtype_size(y->dtype);
    if (y->size) memcpy(y->data, x->data, (size_t)y->size * element);
    if (index->size == 0) return;
    const gt_shape whole = gti_at_least_1d(x->shape);
    const int axis = ((const scatter_opts *)n->opts)->axis;
    gti_gathering g =
        gti_gather_begin(whole, gti_at_least_1d(index->shape), axis < 0 ? axis + whole.ndim : axis);
    for (int64_t r = 0; r < g.rows.rows; r++, gti_broadcast_next(&g.rows))
        gti_index_put_row(&g.row, element, gti_const_at(src->data, g.rows.b, src->dtype),
                          (const int64_t *)index->data + g.rows.b,
                          gti_at(y->data, g.rows.a, y->dtype));
}

/* A mask of the elements of src that stay in y: each is numbered, and its number put likewise. */
static gt_tensor *stayed(gt_tensor *x, int axis, gt_tensor *index)
{
    gt_tensor *number =
        gt_arange_(x->ctx, 0, (double)index->size, 1, (gt_new_opts){.dtype = GT_I64});
    number = gt_reshape(number, index->shape);
    gt_tensor *none = gt_full_(x->ctx, x->shape, 0, (gt_new_opts){.dtype = GT_I64});
    return gt_eq(gt_gather(gt_scatter(none, axis, index, number), axis, index), number);
}

static bool scatter_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = ((const scatter_opts *)n->opts)->axis;
    gt_tensor *x = n->in[0], *index = n->in[1], *dy = gout[0];
    gt_tensor *nothing = gt_full(x->ctx, index->shape, 0, .dtype = dy->dtype);
    if (gt_needs_grad(n, 0))
        gin[0] = GT_MUTANT(scatter_kept, gt_scatter(dy, axis, index, nothing), dy);
    if (gt_needs_grad(n, 2)) {
        gt_tensor *at = gt_gather(dy, axis, index);
        gt_tensor *zero = gt_scalar(x->ctx, 0, .dtype = dy->dtype);
        gin[2] = GT_MUTANT(scatter_all, gt_where(stayed(x, axis, index), at, zero), at);
    }
    return true;
}

#define AXIS(i)                                                                                    \
    .opts = &(const scatter_opts)                                                                  \
    {                                                                                              \
        (i)                                                                                        \
    }
#define WHOLE(...)                                                                                 \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 9                                  \
    }
// clang-format off
static const gt_sample scatter_samples[] = {
    {.label = "last axis", .in = GT_INPUTS(GT_IN(2, 4), GTI_INDEX((2, 3), 3, 0, 1, 2, 1, 0), GT_IN(2, 3)), AXIS(1)},
    {.label = "first axis", .in = GT_INPUTS(GT_IN(4, 3), GTI_INDEX((2, 3), 3, 0, 1, 0, 2, 2), GT_IN(2, 3)), AXIS(0)},
    {.label = "middle axis", .in = GT_INPUTS(GT_IN(2, 3, 2), GTI_INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2), GT_IN(2, 2, 2)), AXIS(-2)},
    {.label = "several in one place", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2, 4), 1, 1, 0, 1, 2, 2, 2, 2), GT_IN(2, 4)), AXIS(1)},
    {.label = "fewer of both", .in = GT_INPUTS(GT_IN(2, 3, 3), GTI_INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2), GT_IN(1, 4, 2)), AXIS(1)},
    {.label = "9 of 17", .in = GT_INPUTS(GT_IN(17), GTI_INDEX((9), 16, 0, 8, 7, 7, 16, 3, 1, 15), GT_IN(9)), AXIS(0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR, {.shape = {0, {0}}, .dtype = GT_I64, .high = 1}, GT_IN_SCALAR), AXIS(-1)},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(3, 2), WHOLE(0, 2), GT_IN(0, 2)), AXIS(0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(3, 0), WHOLE(2, 0), GT_IN(2, 0)), AXIS(0)},
    {.label = "whole numbers", .in = GT_INPUTS(WHOLE(2, 3), GTI_INDEX((2, 1), 2, 0), WHOLE(2, 1)), AXIS(1)},
};

static const gt_error_sample scatter_error_samples[] = {
    {.label = "index beyond the end", .in = GT_INPUTS(GT_IN(2, 1), GTI_INDEX((1, 1), 1), GT_IN(1, 1)), AXIS(1), .code = GT_ERR_ARGUMENT, .message = "index 1 at [0,0] is out of range for axis 1 of size 1"},
    {.label = "index does not fit", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((3, 1), 0, 0, 0), GT_IN(3, 1)), AXIS(1), .code = GT_ERR_SHAPE, .message = "index [3,1] does not fit [2,3]"},
    {.label = "src too small", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2, 2), 0, 1, 2, 0), GT_IN(2, 1)), AXIS(1), .code = GT_ERR_SHAPE, .message = "src [2,1] is smaller than index [2,2]"},
    {.label = "another dtype", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((1, 1), 0), WHOLE(1, 1)), AXIS(1), .code = GT_ERR_DTYPE, .message = "src is i64, but x f"},
    {.label = "floating index", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), GT_IN(2, 3)), AXIS(0), .code = GT_ERR_DTYPE, .message = "index is f32, must be i64"},
};
// clang-format on

static const gt_attr scatter_attrs[] = {GTI_AXIS_ATTR(scatter_opts)};

const gt_op gt_op_scatter = {
    .name = "scatter",
    .inputs = "x index src",
    .n_in = 3,
    .n_out = 1,
    .opts_size = sizeof(scatter_opts),
    .attrs = GT_PLAIN_ATTRS(scatter_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES | GT_OP_MOVE,
    .unread = GT_UNREAD_IN(0) | GT_UNREAD_IN(2) | GT_UNREAD_OUT(0),
    .infer = scatter_infer,
    .forward = GT_FOR_ALL(scatter_forward),
    .backward = scatter_backward,
    .gradient = "dx = dy but 0 at the index, dsrc = dy at the index, 0 where it was overwritten",
    GT_SAMPLES(scatter_samples),
    GT_ERROR_SAMPLES(scatter_error_samples),
};

/* src as far as index goes, where it is larger; else src. */
static gt_tensor *cut_to(gt_tensor *src, const gt_tensor *index)
{
    if (!src || !index || src->shape.ndim != index->shape.ndim) return src;
    for (int d = 0; src && d < index->shape.ndim; d++)
        if (src->shape.dim[d] > index->shape.dim[d])
            src = gt_slice_(src, d, 0, index->shape.dim[d], (gt_slice_opts){0});
    return src;
}

gt_tensor *gt_scatter(gt_tensor *x, int axis, gt_tensor *index, gt_tensor *src)
{
    return gt_apply(&gt_op_scatter, &(scatter_opts){axis}, 3,
                    (gt_tensor *[]){x, index, cut_to(src, index)});
}

static const gt_attr scatter_add_attrs[] = {GTI_AXIS_ATTR(gti_scatter_add_args)};
const gt_attrs gt_attrs_scatter_add = GT_PLAIN_ATTRS(scatter_add_attrs);

gt_tensor *gti_compose_scatter_add(gt_tensor *x, int axis, gt_tensor *index, gt_tensor *src)
{
    if (!gti_is_given(x, "scatter_add") || !gti_goes_with(x, index, "scatter_add", "index") ||
        !gti_goes_with(x, src, "scatter_add", "src"))
        return NULL;
    return gt_add(x, gt_gather_dx(cut_to(src, index), index, x->shape, axis));
}

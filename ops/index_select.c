/* y[..,j,..] = x[..,index[j],..] along one axis, for index [k]. Of a number x that is x itself, for
 * the one index 0.
 *
 *   dx = index_select_dx(dy): zeros of x's shape with dy[..,j,..] added at index[j]
 *   the gradient of index_select_dx in dy is the index_select that takes it again */
#include "indices.h"

typedef struct {
    int axis;
} select_opts;

typedef struct {
    gt_shape shape;
    int axis;
} dx_opts;

/* The geometry of the whole tensor (x or dx) and its slices (y or dy) along an axis. */
static gti_indexed indexed(gt_shape whole, int axis, int64_t k)
{
    gti_indexed g = {.outer = 1, .n = gti_at_least_1d(whole).dim[axis], .k = k, .inner = 1};
    for (int d = 0; d < axis; d++) g.outer *= whole.dim[d];
    for (int d = axis + 1; d < whole.ndim; d++) g.inner *= whole.dim[d];
    return g;
}

static int index_select_front(int axis, gt_shape whole)
{
    return axis < 0 ? axis + gti_at_least_1d(whole).ndim : axis;
}

static bool index_select_check_index(const gt_node *n, int input, int axis, int64_t size)
{
    const gt_tensor *index = n->in[input];
    if (!gti_indices_check_dtype(n, input)) return false;
    if (index->shape.ndim != 1)
        return gt_op_fail(n, GT_ERR_SHAPE, "index has %d dimensions, must have 1",
                          index->shape.ndim);
    return gti_indices_check(n, input, axis, size);
}

/* Sets *part to the shape of the slices that input `input` takes of a tensor of shape `whole`;
 * false after a failure. */
static bool infer_part(const gt_node *n, int input, int axis_given, gt_shape whole, gt_shape *part)
{
    const int axis = gti_op_axis(n, axis_given, whole.ndim);
    const int64_t k = n->in[input]->size;
    if (axis < 0) return false;
    if (whole.ndim == 0 && k != 1)
        return gt_op_fail(n, GT_ERR_SHAPE, "index has %lld elements, must have 1 for a number",
                          (long long)k);
    *part = whole;
    if (whole.ndim > 0) part->dim[axis] = k;
    return index_select_check_index(n, input, axis, gti_at_least_1d(whole).dim[axis]);
}

/* By outer, or by the index where outer is 1. */
static bool index_select_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    const int axis = ((const select_opts *)n->opts)->axis;
    if (!infer_part(n, 1, axis, x, &n->out[0]->shape)) return false;
    const int64_t size = gt_shape_size(n->out[0]->shape);
    if (size <= 0) return true;
    const gti_indexed g = indexed(x, index_select_front(axis, x), n->in[1]->size);
    const int64_t items = g.outer > 1 ? g.outer : g.k;
    n->parts[0] = gt_parts(n, items, 2 * (double)size / (double)items);
    return true;
}

static void index_select_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *index = n->in[1], *y = n->out[0];
    gti_indexed g = indexed(
        x->shape, index_select_front(((const select_opts *)n->opts)->axis, x->shape), index->size);
    const bool by_outer = g.outer > 1;
    const gti_items items = gti_items_of(n, r, by_outer ? g.outer : g.k);
    const int64_t from = by_outer ? items.first * g.n * g.inner : 0;
    const int64_t to = items.first * g.inner * (by_outer ? g.k : 1);
    if (by_outer) g.outer = items.count;
    else g.k = items.count;
    gti_index_select(&g, gt_dtype_size(y->dtype), gti_from(x, from),
                     gti_from(index, by_outer ? 0 : items.first), gti_to(y, to),
                     y->size * (int64_t)gt_dtype_size(y->dtype));
}

static bool index_select_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_shape x = n->in[0]->shape;
    const int axis = index_select_front(((const select_opts *)n->opts)->axis, x);
    gt_tensor *dy = GT_MUTANT(index_select_order, gout[0], gt_flip(gout[0], GT_AXIS(axis)));
    gin[0] = GT_MUTANT(index_select_missing, gt_index_select_dx(dy, n->in[1], x, axis), NULL);
    return true;
}

static bool index_add_infer(gt_node *n)
{
    const dx_opts *opts = n->opts;
    const gt_shape dy = n->in[0]->shape;
    if (!gt_is_shape(&opts->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(opts->shape));
    gt_shape expected = {0};
    if (!infer_part(n, 1, opts->axis, opts->shape, &expected)) return false;
    if (!gt_shape_equal(dy, expected))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, must be %s", GTI_SHAPE_TEXT(dy),
                          GTI_SHAPE_TEXT(expected));
    n->out[0]->shape = opts->shape;
    if (gt_shape_size(opts->shape) <= 0) return true;
    const int axis = index_select_front(opts->axis, opts->shape);
    const gti_indexed g = indexed(opts->shape, axis, n->in[1]->size);
    n->scratch_size = gti_index_add_scratch(&g);
    return true;
}

static void index_add_forward(gt_node *n)
{
    const gt_tensor *dx = n->out[0], *index = n->in[1];
    if (dx->size == 0) return;
    const int axis = index_select_front(((const dx_opts *)n->opts)->axis, dx->shape);
    const gti_indexed g = indexed(dx->shape, axis, index->size);
    gti_kernels_for(n)->index.add(&g, n->in[0]->data, index->data, dx->data, n->scratch);
}

static bool index_add_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = ((const dx_opts *)n->opts)->axis;
    gt_tensor *g = GT_MUTANT(index_select_dx_upstream, gout[0], gt_square(gout[0]));
    gin[0] = gt_index_select(GT_MUTANT(index_select_dx_sign, g, gt_neg(g)), axis, n->in[1]);
    return true;
}

/* --- index_select_add --- */

static gti_indexed index_select_place(const gt_node *n)
{
    const gt_shape dx = n->in[0]->shape;
    const int axis = index_select_front(((const select_opts *)n->opts)->axis, dx);
    gti_indexed g = indexed(dx, axis, n->in[2]->size);
    g.into = true;
    return g;
}

static bool index_select_add_infer(gt_node *n)
{
    const gt_shape dy = n->in[1]->shape;
    gt_shape part = {0};
    if (!infer_part(n, 2, ((const select_opts *)n->opts)->axis, n->in[0]->shape, &part))
        return false;
    if (!gt_shape_equal(dy, part))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, must be %s", GTI_SHAPE_TEXT(dy),
                          GTI_SHAPE_TEXT(part));
    if (n->in[0]->size == 0) return true;
    const gti_indexed g = index_select_place(n);
    n->scratch_size = gti_index_add_scratch(&g);
    return true;
}

static void index_select_add_forward(gt_node *n)
{
    if (n->in[1]->size == 0) return;
    const gti_indexed g = index_select_place(n);
    gti_kernels_for(n)->index.add(&g, n->in[1]->data, n->in[2]->data, n->out[0]->data, n->scratch);
}

#define AXIS(i)                                                                                    \
    .opts = &(const select_opts)                                                                   \
    {                                                                                              \
        (i)                                                                                        \
    }
#define NO_INDEX                                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(0), .dtype = GT_I64                                                       \
    }
static const gt_sample select_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(4, 3), GTI_INDEX((2), 3, 1)), AXIS(0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(2, 4), GTI_INDEX((3), 2, 0, 1)), AXIS(1)},
    {.label = "twice", .in = GT_INPUTS(GT_IN(3, 2), GTI_INDEX((5), 1, 2, 1, 1, 2)), AXIS(0)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 2), GTI_INDEX((4), 2, 0, 2, 1)), AXIS(-2)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 1, 3, 1, 1, 2, 1), GTI_INDEX((4), 2, 0, 2, 1)),
     AXIS(3)},
    {.label = "vector",
     .in = GT_INPUTS(GT_IN(9), GTI_INDEX((8), 8, 0, 7, 7, 3, 0, 2, 8)),
     AXIS(-1)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(2, 17), GTI_INDEX((3), 1, 1, 0)), AXIS(0)},
    {.label = "2 of 5, 17 wide", .in = GT_INPUTS(GT_IN(5, 17), GTI_INDEX((2), 4, 1)), AXIS(0)},
    {.label = "4 of 300", .in = GT_INPUTS(GT_IN(300), GTI_INDEX((4), 290, 3, 34, 290)), AXIS(0)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 2), GTI_INDEX((3), 0, 0, 0)), AXIS(0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR, GTI_INDEX((1), 0)), AXIS(-1)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), NO_INDEX), AXIS(0)},
    {.label = "nothing of nothing", .in = GT_INPUTS(GT_IN(0, 2), NO_INDEX), AXIS(0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(3, 0), GTI_INDEX((2), 2, 0)), AXIS(0)},
};

#define F32_INDEX GT_IN(2)
static const gt_error_sample select_error_samples[] = {
    {.label = "index beyond the end",
     .in = GT_INPUTS(GT_IN(1, 3), GTI_INDEX((1), 1)),
     AXIS(0),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0] is out of range for axis 0 of size 1"},
    {.label = "index into nothing",
     .in = GT_INPUTS(GT_IN(2, 0), GTI_INDEX((1), 1)),
     AXIS(-1),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0] is out of range for axis 1 of size 0"},
    {.label = "floating index",
     .in = GT_INPUTS(GT_IN(2, 3), F32_INDEX),
     AXIS(0),
     .code = GT_ERR_DTYPE,
     .message = "index is f32, must be i64"},
    {.label = "index with two dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((1, 1), 0)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "index has 2 dimensions, must have 1"},
    {.label = "a number, twice",
     .in = GT_INPUTS(GT_IN_SCALAR, GTI_INDEX((2), 0, 0)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "index has 2 elements, must have 1 for a number"},
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((1), 0)),
     AXIS(2),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
};

/* dimensions of the shape, axis */
#define DX(dims, axis)                                                                             \
    .opts = &(const dx_opts)                                                                       \
    {                                                                                              \
        GT_DIMS dims, (axis)                                                                       \
    }
static const gt_sample dx_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((2), 3, 1)), DX((4, 3), 0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(2, 3), GTI_INDEX((3), 2, 0, 1)), DX((2, 4), 1)},
    {.label = "twice", .in = GT_INPUTS(GT_IN(5, 2), GTI_INDEX((5), 1, 2, 1, 1, 2)), DX((3, 2), 0)},
    {.label = "middle",
     .in = GT_INPUTS(GT_IN(2, 4, 2), GTI_INDEX((4), 2, 0, 2, 1)),
     DX((2, 3, 2), -2)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(3, 17), GTI_INDEX((3), 1, 1, 0)), DX((2, 17), 0)},
    {.label = "129 wide", .in = GT_INPUTS(GT_IN(2, 129), GTI_INDEX((2), 1, 1)), DX((2, 129), 0)},
    {.label = "number",
     .in = GT_INPUTS(GT_IN_SCALAR, GTI_INDEX((1), 0)),
     .opts = &(const dx_opts){{0, {0}}, -1}},
    {.label = "no index", .in = GT_INPUTS(GT_IN(0, 2), NO_INDEX), DX((3, 2), 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0), GTI_INDEX((2), 2, 0)), DX((3, 0), 0)},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "other shape",
     .in = GT_INPUTS(GT_IN(3, 3), GTI_INDEX((2), 1, 1)),
     DX((4, 3), 0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3,3], must be [2,3]"},
    {.label = "index beyond the end",
     .in = GT_INPUTS(GT_IN(1, 3), GTI_INDEX((1), 1)),
     DX((1, 3), 0),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0] is out of range for axis 0 of size 1"},
    {.label = "no shape",
     .in = GT_INPUTS(GT_IN(1), GTI_INDEX((1), 0)),
     DX((-1), 0),
     .code = GT_ERR_SHAPE,
     .message = "[-1] is no shape"},
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(1), GTI_INDEX((1), 0)),
     DX((1), 1),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 1"},
};

static const gt_sample add_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(4, 3), GT_IN(2, 3), GTI_INDEX((2), 3, 1)), AXIS(0)},
    {.label = "columns",
     .in = GT_INPUTS(GT_IN(2, 4), GT_IN(2, 3), GTI_INDEX((3), 2, 0, 1)),
     AXIS(1)},
    {.label = "twice",
     .in = GT_INPUTS(GT_IN(3, 2), GT_IN(5, 2), GTI_INDEX((5), 1, 2, 1, 1, 2)),
     AXIS(0)},
    {.label = "4 of 300",
     .in = GT_INPUTS(GT_IN(300), GT_IN(4), GTI_INDEX((4), 290, 3, 34, 290)),
     AXIS(0)},
    {.label = "17 wide",
     .in = GT_INPUTS(GT_IN(2, 17), GT_IN(3, 17), GTI_INDEX((3), 1, 1, 0)),
     AXIS(0)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(0, 2), NO_INDEX), AXIS(0)},
    {.label = "zero-size",
     .in = GT_INPUTS(GT_IN(3, 0), GT_IN(2, 0), GTI_INDEX((2), 2, 0)),
     AXIS(0)},
};

static const gt_error_sample add_error_samples[] = {
    {.label = "other shape",
     .in = GT_INPUTS(GT_IN(4, 3), GT_IN(3, 3), GTI_INDEX((2), 1, 1)),
     AXIS(0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3,3], must be [2,3]"},
    {.label = "index beyond the end",
     .in = GT_INPUTS(GT_IN(1, 3), GT_IN(1, 3), GTI_INDEX((1), 1)),
     AXIS(0),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0] is out of range for axis 0 of size 1"},
};

static const gt_attr index_select_attrs[] = {GTI_AXIS_ATTR(select_opts)};

static const gt_attr index_select_dx_attrs[] = {
    {GT_ARGUMENT("shape", dx_opts, shape), .meaning = "the shape of the result"},
    GTI_AXIS_ATTR(dx_opts)};

const gt_op gt_op_index_select = {
    .name = "index_select",
    .inputs = "x index",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(select_opts),
    .attrs = GT_PLAIN_ATTRS(index_select_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES | GT_OP_MOVE | GT_OP_PICK,
    .infer = index_select_infer,
    .parts = GT_FOR_ALL(index_select_parts),
    .backward = index_select_backward,
    .backward_into = &gt_op_index_select_add,
    .gradient = "dx[..,index[j],..] += dy[..,j,..]",
    GT_SAMPLES(select_samples),
    GT_ERROR_SAMPLES(select_error_samples),
};

const gt_op gt_op_index_select_add = {
    .name = "index_select_add",
    .inputs = "dx dy index",
    .n_in = 3,
    .n_out = 1,
    .opts_size = sizeof(select_opts),
    .attrs = GT_PLAIN_ATTRS(index_select_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES | GT_OP_INTO | GT_OP_PICK,
    .infer = index_select_add_infer,
    .forward = GT_FOR_FLOATS(index_select_add_forward),
    GT_SAMPLES(add_samples),
    GT_ERROR_SAMPLES(add_error_samples),
};

const gt_op gt_op_index_select_dx = {
    .name = "index_select_dx",
    .inputs = "dy index",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(dx_opts),
    .attrs = GT_PLAIN_ATTRS(index_select_dx_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES,
    .infer = index_add_infer,
    .forward = GT_FOR_FLOATS(index_add_forward),
    .backward = index_add_backward,
    .gradient = "d dy[..,j,..] = g[..,index[j],..]",
    GT_SAMPLES(dx_samples),
    GT_ERROR_SAMPLES(dx_error_samples),
};

gt_tensor *gt_index_select(gt_tensor *x, int axis, gt_tensor *index)
{
    return gt_apply(&gt_op_index_select, &(select_opts){axis}, 2, (gt_tensor *[]){x, index});
}

gt_tensor *gt_index_select_dx(gt_tensor *dy, gt_tensor *index, gt_shape shape, int axis)
{
    const dx_opts opts = {shape, axis};
    return gt_apply(&gt_op_index_select_dx, &opts, 2, (gt_tensor *[]){dy, index});
}

/* pick: one element a row of x, where rows lie along an axis; place: the way back. index has x's
 * shape without the axis; rows whose index is `skip` are left out.
 *
 *   pick   y[o,i] = x[o,index[o,i],i], 0 when left out        dx = place(dy)
 *   place  x = zeros but for x[o,index[o,i],i] = y[o,i]       dy = pick(dx) */
#include "classes.h"
#include "reduction.h"

typedef struct {
    int64_t size, skip; /* size: of place's axis */
    int axis;
} pick_opts;

static int64_t skip_of(const gt_node *n)
{
    return ((const pick_opts *)n->opts)->skip;
}

static int pick_axis_of(const gt_node *n, const gt_tensor *whole)
{
    return gt_op_axis(n, ((const pick_opts *)n->opts)->axis, whole->shape.ndim);
}

static bool pick_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape, index = n->in[1]->shape;
    const int axis = pick_axis_of(n, n->in[0]);
    if (axis < 0) return false;
    if (!gt_shape_equal(index, gti_reduction_shape(x, 1u << axis, false)))
        return gt_op_fail(n, GT_ERR_SHAPE, "index is %s, needs x's shape %s without axis %d",
                          GTI_SHAPE_TEXT(index), GTI_SHAPE_TEXT(x), axis);
    n->out[0]->shape = index;
    return gti_classes_check(n, 1, x.dim[axis], skip_of(n));
}

static void pick_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0];
    const gti_along s = gti_reduction_along(x->shape, pick_axis_of(n, x));
    gti_kernels_for(n)->loss.pick(&s, skip_of(n), x->data, n->in[1]->data, n->out[0]->data);
}

static const char pick_gradient[] = "dx = place(dy)";
static bool pick_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = pick_axis_of(n, n->in[0]);
    gin[0] = gt_place(GT_MUTANT(pick_upstream, gout[0], n->out[0]), n->in[1], axis,
                      n->in[0]->shape.dim[axis], GT_MUTANT(pick_skip, skip_of(n), -1));
    return true;
}

static bool place_infer(gt_node *n)
{
    const pick_opts *opts = n->opts;
    const gt_shape y = n->in[0]->shape, index = n->in[1]->shape;
    if (!gt_shape_equal(y, index))
        return gt_op_fail(n, GT_ERR_SHAPE, "y is %s, but index %s", GTI_SHAPE_TEXT(y),
                          GTI_SHAPE_TEXT(index));
    const int axis = gt_op_axis(n, opts->axis, y.ndim + 1);
    if (axis < 0) return false;
    if (opts->size < 0 || y.ndim == GT_MAX_DIMS)
        return gt_op_fail(n, GT_ERR_SHAPE, "an axis of %lld more in %s is no shape",
                          (long long)opts->size, GTI_SHAPE_TEXT(y));
    gt_shape x = {.ndim = y.ndim + 1};
    for (int i = 0; i < x.ndim; i++)
        x.dim[i] = i < axis ? y.dim[i] : i == axis ? opts->size : y.dim[i - 1];
    n->out[0]->shape = x;
    return gti_classes_check(n, 1, opts->size, opts->skip);
}

static void place_forward(gt_node *n)
{
    const gt_tensor *x = n->out[0];
    const gti_along s = gti_reduction_along(x->shape, pick_axis_of(n, x));
    gti_kernels_for(n)->loss.place(&s, skip_of(n), n->in[0]->data, n->in[1]->data, x->data);
}

static const char place_gradient[] = "dy = pick(g)";
static bool place_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = GT_MUTANT(place_missing,
                       gt_pick(GT_MUTANT(place_flipped, gout[0],
                                         gt_flip(gout[0], GT_AXIS(pick_axis_of(n, n->out[0])))),
                               n->in[1], pick_axis_of(n, n->out[0]), skip_of(n)),
                       NULL);
    return true;
}

/* --- pick_add --- */

static gti_indexed pick_places_of(const gt_node *n)
{
    return (gti_indexed){
        .outer = 1, .n = n->in[0]->size, .k = n->in[1]->size, .inner = 1, .into = true};
}

static bool pick_add_infer(gt_node *n)
{
    const gt_shape dx = n->in[0]->shape, dy = n->in[1]->shape, index = n->in[2]->shape;
    const int axis = pick_axis_of(n, n->in[0]);
    if (axis < 0) return false;
    if (!gt_shape_equal(dy, index) ||
        !gt_shape_equal(index, gti_reduction_shape(dx, 1u << axis, false)))
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "dy is %s and index %s, need dx's shape %s without axis %d",
                          GTI_SHAPE_TEXT(dy), GTI_SHAPE_TEXT(index), GTI_SHAPE_TEXT(dx), axis);
    const gti_indexed g = pick_places_of(n);
    n->scratch_size = (size_t)g.k * sizeof(int64_t) + gti_index_add_scratch(&g);
    return gti_classes_check(n, 2, dx.dim[axis], skip_of(n));
}

static void pick_add_forward(gt_node *n)
{
    const gt_tensor *dx = n->out[0], *dy = n->in[1];
    const int64_t *index = n->in[2]->data;
    if (dy->size == 0) return;
    const gti_along s = gti_reduction_along(dx->shape, pick_axis_of(n, dx));
    const gti_indexed g = pick_places_of(n);
    int64_t *const place = n->scratch;
    for (int64_t o = 0, j = 0; o < s.outer; o++)
        for (int64_t i = 0; i < s.inner; i++, j++) {
            const bool inside = index[j] != skip_of(n) && (uint64_t)index[j] < (uint64_t)s.n;
            place[j] = inside ? (o * s.n + index[j]) * s.inner + i : -1;
        }
    gti_kernels_for(n)->index.add(&g, dy->data, place, dx->data, place + g.k);
}

#define INDEX(array, ...)                                                                          \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .values = (array)                          \
    }
#define OPTS(...)                                                                                  \
    .opts = &(const pick_opts)                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const double chosen[] = {2, 0, 1, 2, 2, 1, 0, 1, 0, 0, 1, 2, 1, 2, 0, 0, 2};
// clang-format off
static const gt_sample pick_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(5, 3), INDEX(chosen, 5)), OPTS(0, GTI_NO_CLASS, 1)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4), INDEX(chosen, 4)), OPTS(0, GTI_NO_CLASS, 0)},
    {.label = "skip", .in = GT_INPUTS(GT_IN(5, 3), INDEX(chosen, 5)), OPTS(0, 2, 1)},
    {.label = "skip 0", .in = GT_INPUTS(GT_IN(4, 3), INDEX(chosen, 4)), OPTS(0, 0, -1)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 2), INDEX(chosen, 2, 2)), OPTS(0, 1, 1)},
    {.label = "vector", .in = GT_INPUTS(GT_IN(3), {.dtype = GT_I64, .high = 3}), OPTS(0, GTI_NO_CLASS, 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), INDEX(NULL, 0)), OPTS(0, GTI_NO_CLASS, 1)},
    {.label = "17 rows", .in = GT_INPUTS(GT_IN(17, 3), INDEX(chosen, 17)), OPTS(0, GTI_NO_CLASS, 1)},
    {.label = "2 of 40", .in = GT_INPUTS(GT_IN(2, 20), INDEX(chosen, 2)), OPTS(0, GTI_NO_CLASS, 1)},
};

static const gt_sample place_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(5), INDEX(chosen, 5)), OPTS(3, GTI_NO_CLASS, 1)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(4), INDEX(chosen, 4)), OPTS(4, GTI_NO_CLASS, 0)},
    {.label = "skip", .in = GT_INPUTS(GT_IN(5), INDEX(chosen, 5)), OPTS(3, 2, 1)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 2), INDEX(chosen, 2, 2)), OPTS(3, 1, 1)},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, {.dtype = GT_I64, .high = 3}), OPTS(3, GTI_NO_CLASS, 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0), INDEX(NULL, 0)), OPTS(3, GTI_NO_CLASS, 1)},
    {.label = "17 rows", .in = GT_INPUTS(GT_IN(17), INDEX(chosen, 17)), OPTS(3, GTI_NO_CLASS, -1)},
};

static const gt_sample pick_add_samples[] = {
    {.label = "rows", .in = GT_INPUTS(GT_IN(5, 3), GT_IN(5), INDEX(chosen, 5)), OPTS(0, GTI_NO_CLASS, 1)},
    {.label = "skip", .in = GT_INPUTS(GT_IN(5, 3), GT_IN(5), INDEX(chosen, 5)), OPTS(0, 2, 1)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(2, 2), INDEX(chosen, 2, 2)), OPTS(0, 1, 1)},
    {.label = "2 of 40", .in = GT_INPUTS(GT_IN(2, 20), GT_IN(2), INDEX(chosen, 2)), OPTS(0, GTI_NO_CLASS, 1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0), INDEX(NULL, 0)), OPTS(0, GTI_NO_CLASS, 1)},
};

static const double ones[] = {1, 1};
#define ERROR(status) .code = status, .message
static const gt_error_sample pick_error_samples[] = {
    {.label = "shape", .in = GT_INPUTS(GT_IN(2, 3), INDEX(ones, 2)), OPTS(0, 5, 0), ERROR(GT_ERR_SHAPE) = "index is [2], needs x's shape [2,3] without axis 0"},
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3), INDEX(ones, 2)), OPTS(0, 5, 2), ERROR(GT_ERR_SHAPE) = "there is no axis 2"},
    {.label = "out of range", .in = GT_INPUTS(GT_IN(2, 1), INDEX(ones, 2)), OPTS(0, 5, 1), ERROR(GT_ERR_ARGUMENT) = "index[0] is 1, must be in 0..0"},
    {.label = "no classes", .in = GT_INPUTS(GT_IN(2, 0), INDEX(ones, 2)), OPTS(0, 5, 1), ERROR(GT_ERR_ARGUMENT) = "index: there are no classes"},
    {.label = "no index", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2)), OPTS(0, 5, 1), ERROR(GT_ERR_DTYPE) = "must be i64"},
};

static const gt_error_sample pick_add_error_samples[] = {
    {.label = "shape", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2), INDEX(ones, 2)), OPTS(0, 5, 0), ERROR(GT_ERR_SHAPE) = "dy is [2] and index [2], need dx's shape [2,3] without axis 0"},
    {.label = "out of range", .in = GT_INPUTS(GT_IN(2, 1), GT_IN(2), INDEX(ones, 2)), OPTS(0, 5, 1), ERROR(GT_ERR_ARGUMENT) = "index[0] is 1, must be in 0..0"},
};

static const gt_error_sample place_error_samples[] = {
    {.label = "shape", .in = GT_INPUTS(GT_IN(2, 3), INDEX(ones, 2)), OPTS(2, 5, 0), ERROR(GT_ERR_SHAPE) = "y is [2,3], but index [2]"},
    {.label = "out of range", .in = GT_INPUTS(GT_IN(2), INDEX(ones, 2)), OPTS(1, 5, 1), ERROR(GT_ERR_ARGUMENT) = "index[0] is 1, must be in 0..0"},
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2), INDEX(ones, 2)), OPTS(2, 5, 2), ERROR(GT_ERR_SHAPE) = "there is no axis 2"},
    {.label = "negative size", .in = GT_INPUTS(GT_IN(2), INDEX(ones, 2)), OPTS(-2, 5, 1), ERROR(GT_ERR_SHAPE) = "an axis of -2 more in [2] is no shape"},
    {.label = "no index", .in = GT_INPUTS(GT_IN(2), GT_IN(2)), OPTS(2, 5, 1), ERROR(GT_ERR_DTYPE) = "must be i64"},
};
// clang-format on

// clang-format off
#define WHERE                                                                                      \
    GTI_AXIS_ATTR(pick_opts),                                                                      \
    {GT_ARGUMENT("skip", pick_opts, skip), .meaning = "an index that stands for nothing"}
static const gt_attr pick_attrs[] = {WHERE, {GT_ARGUMENT("", pick_opts, size)}};
static const gt_attr place_attrs[] = {
    WHERE, {GT_ARGUMENT("size", pick_opts, size), .meaning = "of the new axis"}};
// clang-format on

#define PICK(id, names, count, table, more_flags, ...)                                             \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (names),                                                                         \
        .n_in = (count),                                                                           \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(pick_opts),                                                            \
        .attrs = GT_PLAIN_ATTRS(table),                                                            \
        .flags = GT_OP_MIXED | GT_OP_VALUES | (more_flags),                                        \
        .infer = id##_infer,                                                                       \
        .forward = GT_FOR_FLOATS(id##_forward),                                                    \
        __VA_ARGS__,                                                                               \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };

PICK(pick, "x index", 2, pick_attrs, GT_OP_MOVE | GT_OP_PICK, .backward = pick_backward,
     .backward_into = &gt_op_pick_add, .gradient = pick_gradient)
PICK(place, "y index", 2, place_attrs, GT_OP_MOVE, .backward = place_backward,
     .gradient = place_gradient)
PICK(pick_add, "dx dy index", 3, pick_attrs, GT_OP_INTO | GT_OP_PICK, .gradient = NULL)

gt_tensor *gt_pick(gt_tensor *x, gt_tensor *index, int axis, int64_t skip)
{
    return gt_apply(&gt_op_pick, &(pick_opts){0, skip, axis}, 2, (gt_tensor *[]){x, index});
}

gt_tensor *gt_place(gt_tensor *y, gt_tensor *index, int axis, int64_t size, int64_t skip)
{
    return gt_apply(&gt_op_place, &(pick_opts){size, skip, axis}, 2, (gt_tensor *[]){y, index});
}

/* Elements in order along an axis, and the places they come from; topk has the first k of them.
 *
 *   y[o,j,i] = x[o,index[o,j,i],i]    dx = zeros with dy at the index */
#include "kernels/sort.h"

#include "reduction.h"

typedef struct {
    gt_keywords gt_;
    int64_t k; /* of topk */
    int axis;
    bool reversed; /* of sort: descending; of topk: the smallest */
} order_opts;

static int order_axis_of(const gt_node *n)
{
    return gti_op_axis(n, ((const order_opts *)n->opts)->axis, n->in[0]->shape.ndim);
}

/* Rows in places of their own are what parts consist of. */
static bool order_infer(gt_node *n, int axis, int64_t k)
{
    const gt_shape x = n->in[0]->shape;
    const gti_along s = gti_reduction_along(x, axis);
    n->out[0]->shape = x;
    if (x.ndim > 0) n->out[0]->shape.dim[axis] = k;
    n->out[1]->shape = n->out[0]->shape;
    n->out[1]->dtype = GT_I64;
    if (s.n == 0 || k == 0) return true;
    int64_t bytes;
    if (!gti_size_mul(s.n, 2 * (int64_t)sizeof(gti_sorting), &bytes))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size along axis %d overflows", axis);
    n->worker_scratch = (size_t)bytes;
    n->parts[0] = gt_parts(n, s.outer * s.inner, 16 * (double)s.n);
    return true;
}

static bool sort_infer(gt_node *n)
{
    const int axis = order_axis_of(n);
    return axis >= 0 && order_infer(n, axis, gti_at_least_1d(n->in[0]->shape).dim[axis]);
}

static bool topk_infer(gt_node *n)
{
    const int64_t k = ((const order_opts *)n->opts)->k;
    const int axis = order_axis_of(n);
    if (axis < 0) return false;
    const int64_t size = gti_at_least_1d(n->in[0]->shape).dim[axis];
    if (k > size)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "k is %lld, axis %d has size %lld", (long long)k,
                          axis, (long long)size);
    if (n->in[0]->shape.ndim == 0 && k == 0)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "k is 0, a number has one element");
    return order_infer(n, axis, k);
}

/* Row `row` of x [outer,n,inner], of which y and index have the first k. */
static void order_row(const gt_node *n, const gti_along *s, int64_t k, bool descending, int64_t row,
                      gti_sorting *room)
{
    const gt_tensor *x = n->in[0];
    const int64_t o = row / s->inner, i = row % s->inner, at = o * k * s->inner + i;
    const void *from = gti_const_at(x->data, o * s->n * s->inner + i, x->dtype);
    gti_sort_keys((int)x->dtype, s->n, from, s->inner, descending, room);
    const gti_sorting *sorted = room;
    if (k < s->n / 8) gti_sort_first(s->n, k, room);
    else sorted = gti_sort(s->n, room, room + s->n);
    gti_sort_write(gt_dtype_size(x->dtype), k, s->inner, sorted, from, gti_to(n->out[0], at),
                   (int64_t *)n->out[1]->data + at);
}

static void order_parts(gt_node *n, const gt_range *r, bool descending)
{
    const int axis = order_axis_of(n);
    const gti_along s = gti_reduction_along(n->in[0]->shape, axis);
    const int64_t k = gti_at_least_1d(n->out[0]->shape).dim[axis];
    const gti_items rows = gti_items_of(n, r, s.outer * s.inner);
    for (int64_t row = rows.first; row < rows.first + rows.count; row++)
        order_row(n, &s, k, descending, row, r->scratch);
}

static void sort_parts(gt_node *n, const gt_range *r)
{
    order_parts(n, r, ((const order_opts *)n->opts)->reversed);
}

static void topk_parts(gt_node *n, const gt_range *r)
{
    order_parts(n, r, !((const order_opts *)n->opts)->reversed);
}

#define BACKWARD(id)                                                                               \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        const int axis = ((const order_opts *)n->opts)->axis;                                      \
        gt_tensor *dy = GT_MUTANT(id##_upstream, gout[0], n->out[0]);                              \
        gt_tensor *dx = gt_gather_dx(dy, n->out[1], n->in[0]->shape, axis);                        \
        gin[0] = GT_MUTANT(id##_flipped, dx, gt_flip(dx, GT_AXIS(axis)));                          \
        return true;                                                                               \
    }
BACKWARD(sort)
BACKWARD(topk)

#define OPTS(...)                                                                                  \
    .opts = &(const order_opts)                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define WHOLE(type, ...)                                                                           \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = (type), .low = 0, .high = 100                      \
    }
// clang-format off
static const gt_sample sort_samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(7)), OPTS(.axis = 0)},
    {.label = "descending", .in = GT_INPUTS(GT_IN(7)), OPTS(.axis = -1, .reversed = true)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(4, 3)), OPTS(.axis = 0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 5)), OPTS(.axis = 1, .reversed = true)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 4, 3)), OPTS(.axis = -2)},
    {.label = "eight dimensions", .in = GT_INPUTS(GT_IN(1, 2, 1, 4, 1, 1, 2, 1)), OPTS(.axis = 3)},
    {.label = "ties", .in = GT_INPUTS({.shape = GT_DIMS(3, 7), .dtype = GT_I64, .low = -1, .high = 2}), OPTS(.axis = 1)},
    {.label = "70 wide", .in = GT_INPUTS(GT_IN(70)), OPTS(.axis = 0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR), OPTS(.axis = -1)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(2, 1)), OPTS(.axis = 1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0)), OPTS(.axis = 0)},
    {.label = "zero-size axis", .in = GT_INPUTS(GT_IN(2, 0)), OPTS(.axis = 1)},
    {.label = "bytes", .in = GT_INPUTS(WHOLE(GT_U8, 3, 80)), OPTS(.axis = 1)},
};
static const gt_sample topk_samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(7)), OPTS(.k = 3)},
    {.label = "smallest", .in = GT_INPUTS(GT_IN(7)), OPTS(.k = 3, .reversed = true)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(4, 3)), OPTS(.k = 2, .axis = 0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 5)), OPTS(.k = 1, .axis = 1)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 4, 3)), OPTS(.k = 3, .axis = -2, .reversed = true)},
    {.label = "all", .in = GT_INPUTS(GT_IN(5)), OPTS(.k = 5)},
    {.label = "none", .in = GT_INPUTS(GT_IN(3, 5)), OPTS(.k = 0, .axis = 1)},
    {.label = "4 of 40", .in = GT_INPUTS(GT_IN(2, 40)), OPTS(.k = 4, .axis = 1)},
    {.label = "1 of 20", .in = GT_INPUTS(GT_IN(20, 2)), OPTS(.k = 1, .axis = 0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR), OPTS(.k = 1, .axis = -1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), OPTS(.k = 2, .axis = 1)},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
static const gt_error_sample sort_error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3)), OPTS(.axis = 2), SHAPE_ERROR = "there is no axis 2"},
    {.label = "axis 1 of a number", .in = GT_INPUTS(GT_IN_SCALAR), OPTS(.axis = 1), SHAPE_ERROR = "there is no axis 1"},
};
static const gt_error_sample topk_error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3)), OPTS(.k = 1, .axis = -3), SHAPE_ERROR = "there is no axis -3"},
    {.label = "more than there are", .in = GT_INPUTS(GT_IN(2, 3)), OPTS(.k = 4, .axis = 1), ARGUMENT_ERROR = "k is 4, axis 1 has size 3"},
    {.label = "less than none", .in = GT_INPUTS(GT_IN(2, 3)), OPTS(.k = -1, .axis = 1), ARGUMENT_ERROR = "k is -1, must not be negative"},
    {.label = "none of a number", .in = GT_INPUTS(GT_IN_SCALAR), OPTS(.k = 0, .axis = 0), ARGUMENT_ERROR = "k is 0, a number has one element"},
};

#define INDICES {GT_BESIDE("indices"), .usual = "NULL", .meaning = "gets where along the axis they are, i64"}
static const gt_attr sort_attrs[] = {
    {GT_OPTION("", order_opts, k)},
    GTI_AXIS_ATTR(order_opts),
    {GT_OPTION("descending", order_opts, reversed), .meaning = "the largest first"},
    INDICES};
static const gt_attr topk_attrs[] = {
    {GT_ARGUMENT("k", order_opts, k), .bounds = GT_NOT_NEGATIVE, .meaning = "how many"},
    GTI_AXIS_ATTR(order_opts),
    {GT_OPTION("smallest", order_opts, reversed), .meaning = "the k smallest, the smallest first"},
    INDICES};
// clang-format on

#define ORDER(id)                                                                                  \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 2,                                                                                \
        .opts_size = sizeof(order_opts),                                                           \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .unread = GT_UNREAD_IN(0) | GT_UNREAD_OUT(0),                                              \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_ALL(id##_parts),                                                           \
        .backward = id##_backward,                                                                 \
        .gradient = "dx = dy at the index, else 0",                                                \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };
ORDER(sort)
ORDER(topk)

static gt_tensor *sort_order(const gt_op *op, gt_tensor *x, order_opts opts, gt_tensor **indices)
{
    gt_tensor *out[2];
    gt_apply_n(op, &opts, 1, (gt_tensor *[]){x}, out);
    if (indices) *indices = out[1];
    return out[0];
}

gt_tensor *gt_sort_(gt_tensor *x, int axis, gt_sort_opts opts)
{
    return sort_order(&gt_op_sort, x, (order_opts){.axis = axis, .reversed = opts.descending},
                      opts.indices);
}

gt_tensor *gt_topk_(gt_tensor *x, int64_t k, int axis, gt_topk_opts opts)
{
    return sort_order(&gt_op_topk, x, (order_opts){.k = k, .axis = axis, .reversed = opts.smallest},
                      opts.indices);
}

static const gt_attr argsort_attrs[] = {
    GTI_AXIS_ATTR(gti_argsort_args),
    {GT_OPTION("descending", gti_argsort_args, opts.descending), .meaning = "the largest first"},
};
const gt_attrs gt_attrs_argsort = GT_ATTRS(argsort_attrs);

gt_tensor *gti_compose_argsort(gt_tensor *x, int axis, gt_argsort_opts opts)
{
    gt_tensor *indices = NULL;
    gt_sort_(x, axis, (gt_sort_opts){.descending = opts.descending, .indices = &indices});
    return indices;
}

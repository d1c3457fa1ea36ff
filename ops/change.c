/* Changes of tensors in place, element by element: y by itself, by x and by numbers.
 *
 * Not differentiable, and y is the output too (GT_OP_INTO). x may be y. */
#include <string.h>

#include "common.h"

/* All inputs are of the shape of the first. */
static bool change_infer(gt_node *n)
{
    for (int i = 1; i < n->n_in; i++)
        if (!gt_same_shape(n->in[i], n->in[0])) {
            char name[64];
            return gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, needs %s",
                              gt_op_input_name(n->op, i, name, sizeof name),
                              GTI_SHAPE_TEXT(n->in[i]->shape), GTI_SHAPE_TEXT(n->in[0]->shape));
        }
    return true;
}

/* --- any dtype --- */

static void fill_run(const gt_tensor *y, int64_t first, int64_t n, double value)
{
    void *at = gti_at(y->data, first, y->dtype);
    if (gt_is_floating(y->dtype)) gti_kernels_of((int)y->dtype)->fill(n, value, at);
    else if (y->dtype == GT_U8) memset(at, (uint8_t)value, (size_t)n);
    else
        for (int64_t i = 0; i < n; i++) ((int64_t *)at)[i] = (int64_t)value;
}

static void fill_elements(gt_node *n, int64_t begin, int64_t end)
{
    fill_run(n->out[0], begin, end - begin, ((const gt_change_args *)n->opts)->p);
}

static bool fill_slice_infer(gt_node *n)
{
    const gt_fill_slice_args *o = n->opts;
    const gt_shape y = n->in[0]->shape;
    if (o->axis < 0 || o->axis >= y.ndim)
        return gt_op_fail(n, GT_ERR_SHAPE, "there is no axis %d in y %s", o->axis,
                          GTI_SHAPE_TEXT(y));
    if (o->start < 0 || o->start > o->stop || o->stop > y.dim[o->axis])
        return gt_op_fail(n, GT_ERR_ARGUMENT, "%lld:%lld is no range of axis %d of y %s",
                          (long long)o->start, (long long)o->stop, o->axis, GTI_SHAPE_TEXT(y));
    return true;
}

static void fill_slice_forward(gt_node *n)
{
    const gt_fill_slice_args *o = n->opts;
    const gt_tensor *y = n->out[0];
    int64_t inner = 1;
    for (int i = o->axis + 1; i < y->shape.ndim; i++) inner *= y->shape.dim[i];
    const int64_t run = (o->stop - o->start) * inner, period = y->shape.dim[o->axis] * inner;
    for (int64_t first = o->start * inner; run > 0 && first < y->size; first += period)
        fill_run(y, first, run, o->value);
}

static void copy_elements(gt_node *n, int64_t begin, int64_t end)
{
    const gt_tensor *y = n->out[0];
    memmove(gti_at(y->data, begin, y->dtype), gti_const_at(n->in[1]->data, begin, y->dtype),
            (size_t)(end - begin) * gt_dtype_size(y->dtype));
}

/* --- floats --- */

static bool exchange_infer(gt_node *n)
{
    if (!change_infer(n)) return false;
    if (n->in[0]->data != n->in[1]->data || n->in[0]->size == 0) return true;
    return gt_op_fail(n, GT_ERR_ARGUMENT, "a and b share their data");
}

static void exchange_elements(gt_node *n, int64_t begin, int64_t end)
{
    gti_kernels_for(n)->into.exchange(end - begin, gti_at(n->out[0]->data, begin, n->dtype),
                                      gti_at(n->out[1]->data, begin, n->dtype));
}

static void change(gt_node *n, gti_into which, int64_t begin, int64_t end)
{
    const gt_change_args *o = n->opts;
    const double pq[2] = {o->p, o->q};
    gti_kernels_for(n)->into.change[which](end - begin, pq,
                                           gti_const_at(n->in[n->n_in - 1]->data, begin, n->dtype),
                                           gti_at(n->out[0]->data, begin, n->dtype));
}

#define ELEMENTS(name)                                                                             \
    static void name##_elements(gt_node *n, int64_t begin, int64_t end)                            \
    {                                                                                              \
        change(n, GTI_INTO_##name, begin, end);                                                    \
    }
ELEMENTS(axpy)
ELEMENTS(scale)
ELEMENTS(copy_scaled)
ELEMENTS(lerp)
ELEMENTS(blend)
ELEMENTS(limit)

/* --- samples --- */

#define PQ                                                                                         \
    .opts = &(const gt_change_args)                                                                \
    {                                                                                              \
        .p = 0.25, .q = 1.5                                                                        \
    }
static const gt_sample one_samples[] = {
    {.label = "matrix", .in = {GT_IN(2, 3)}, PQ},
    {.label = "scalar", .in = {GT_IN_SCALAR}, PQ},
    {.label = "size one", .in = {GT_IN(1, 1)}, PQ},
    {.label = "zero-size", .in = {GT_IN(0, 3)}, PQ},
    {.label = "67 elements", .in = {GT_IN(67)}, PQ},
};
static const gt_sample two_samples[] = {
    {.label = "matrix", .in = {GT_IN(2, 3), GT_IN(2, 3)}, PQ},
    {.label = "scalar", .in = {GT_IN_SCALAR, GT_IN_SCALAR}, PQ},
    {.label = "size one", .in = {GT_IN(1, 1), GT_IN(1, 1)}, PQ},
    {.label = "zero-size", .in = {GT_IN(0, 3), GT_IN(0, 3)}, PQ},
    {.label = "67 elements", .in = {GT_IN(67), GT_IN(67)}, PQ},
};

#define SLICE(...)                                                                                 \
    .opts = &(const gt_fill_slice_args)                                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const gt_sample fill_slice_samples[] = {
    {.label = "rows", .in = {GT_IN(3, 4)}, SLICE(.value = 2.5, .axis = 0, .start = 1, .stop = 3)},
    {.label = "columns", .in = {GT_IN(3, 4)}, SLICE(.value = -1, .axis = 1, .start = 0, .stop = 2)},
    {.label = "middle",
     .in = {GT_IN(2, 3, 2)},
     SLICE(.value = 1, .axis = 1, .start = 1, .stop = 2)},
    {.label = "nothing", .in = {GT_IN(5)}, SLICE(.value = 1, .start = 2, .stop = 2)},
    {.label = "zero-size", .in = {GT_IN(0, 3)}, SLICE(.value = 1, .axis = 1, .stop = 3)},
};

static const gt_error_sample one_error_samples[] = {
    {.label = "NULL", .in = {{.null = true}}, PQ, .code = GT_ERR_ARGUMENT, .message = "y is NULL"},
};
static const gt_error_sample fill_slice_error_samples[] = {
    {.label = "axis",
     .in = {GT_IN(3)},
     SLICE(.axis = 1),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 1 in y [3]"},
    {.label = "range",
     .in = {GT_IN(3)},
     SLICE(.start = 2, .stop = 4),
     .code = GT_ERR_ARGUMENT,
     .message = "2:4 is no range of axis 0 of y [3]"},
};
static const gt_error_sample two_error_samples[] = {
    {.label = "shapes",
     .in = {GT_IN(2, 3), GT_IN(3, 2)},
     PQ,
     .code = GT_ERR_SHAPE,
     .message = " is [3,2], needs [2,3]"},
};
static const gt_error_sample exchange_error_samples[] = {
    {.label = "shapes",
     .in = {GT_IN(2, 3), GT_IN(6)},
     .code = GT_ERR_SHAPE,
     .message = "b is [6], needs [2,3]"},
    {.label = "itself",
     .in = {GT_IN(3), {.same = 1}},
     .code = GT_ERR_ARGUMENT,
     .message = "a and b share their data"},
};

const gt_op gt_op_fill_slice = {
    .name = "fill_slice",
    .inputs = "y",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_fill_slice_args),
    .flags = GT_OP_INTO,
    .infer = fill_slice_infer,
    .forward = GT_FOR_ALL(fill_slice_forward),
    GT_SAMPLES(fill_slice_samples),
    GT_ERROR_SAMPLES(fill_slice_error_samples),
};

const gt_op gt_op_exchange = {
    .name = "exchange",
    .inputs = "a b",
    .n_in = 2,
    .n_out = 2,
    .flags = GT_OP_INTO,
    .infer = exchange_infer,
    .elements = GT_FOR_FLOATS(exchange_elements),
    GT_SAMPLES(two_samples),
    GT_ERROR_SAMPLES(exchange_error_samples),
};

#define CHANGE(id, input_names, number, arity, dtypes)                                             \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = (number),                                                                          \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gt_change_args),                                                       \
        .flags = GT_OP_INTO,                                                                       \
        .infer = change_infer,                                                                     \
        .elements = dtypes(id##_elements),                                                         \
        GT_SAMPLES(arity##_samples),                                                               \
        GT_ERROR_SAMPLES(arity##_error_samples),                                                   \
    };

CHANGE(fill, "y", 1, one, GT_FOR_ALL)
CHANGE(copy, "y x", 2, two, GT_FOR_ALL)
CHANGE(axpy, "y x", 2, two, GT_FOR_FLOATS)
CHANGE(scale, "y", 1, one, GT_FOR_FLOATS)
CHANGE(copy_scaled, "y x", 2, two, GT_FOR_FLOATS)
CHANGE(lerp, "y x", 2, two, GT_FOR_FLOATS)
CHANGE(blend, "y x", 2, two, GT_FOR_FLOATS)
CHANGE(limit, "y", 1, one, GT_FOR_FLOATS)

/* Changes of tensors in place, element by element: y by itself, by x and by numbers.
 *
 * Not differentiable, and y is the output too (GT_OP_INTO). x may be y. Numbers that differ from
 * step to step are inputs, so that a step which was recorded can be run again with new ones. */
#include <string.h>

#include "bound.h"

static bool refuse_input(gt_node *n, int i, gt_status code, const char *is, const char *needs)
{
    char name[64];
    return gt_op_fail(n, code, "%s is %s, needs %s", gt_op_input_name(n->op, i, name, sizeof name),
                      is, needs);
}

/* The first `count` inputs are of one shape and dtype. */
static bool are_alike(gt_node *n, int count)
{
    const gt_tensor *y = n->in[0];
    for (int i = 1; i < count; i++) {
        const gt_tensor *x = n->in[i];
        if (x->dtype != y->dtype)
            return refuse_input(n, i, GT_ERR_DTYPE, gt_dtype_name(x->dtype),
                                gt_dtype_name(y->dtype));
        if (!gt_same_shape(x, y))
            return refuse_input(n, i, GT_ERR_SHAPE, GTI_SHAPE_TEXT(x->shape),
                                GTI_SHAPE_TEXT(y->shape));
    }
    return true;
}

static bool change_infer(gt_node *n)
{
    return are_alike(n, n->n_in);
}

/* The last input is one element. */
static bool are_alike_but_last(gt_node *n, bool fits, const char *needs)
{
    const int last = n->n_in - 1;
    const gt_tensor *p = n->in[last];
    if (!fits) return refuse_input(n, last, GT_ERR_DTYPE, gt_dtype_name(p->dtype), needs);
    if (p->size != 1)
        return refuse_input(n, last, GT_ERR_SHAPE, GTI_SHAPE_TEXT(p->shape), "one element");
    return are_alike(n, last);
}

static bool numbered_infer(gt_node *n)
{
    return are_alike_but_last(n, gt_is_floating(n->in[n->n_in - 1]->dtype), "f32 or f64");
}

static bool counted_infer(gt_node *n)
{
    return are_alike_but_last(n, n->in[n->n_in - 1]->dtype == GT_I64, "i64");
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

static bool copy_bind(const gt_node *n, gt_bound *b)
{
    GTI_BIND(b, n, gti_run_copy, NULL, n->in[1], n->in[1]);
    return true;
}
GTI_BOUND_ELEMENTS(copy, gti_run_copy)

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

static bool accumulate_bind(const gt_node *n, gt_bound *b)
{
    GTI_BIND(b, n, gti_run_accumulate, gti_kernels_for(n)->accumulate, n->in[1], n->in[1]);
    return true;
}
GTI_BOUND_ELEMENTS(accumulate, gti_run_accumulate)

static void change(gt_node *n, gti_into which, double p, double q, int64_t begin, int64_t end)
{
    const gt_tensor *x = n->n_in > 1 ? n->in[1] : n->in[0];
    const double pq[2] = {p, q};
    gti_kernels_for(n)->into.change[which](end - begin, pq, gti_from(x, begin),
                                           gti_to(n->out[0], begin));
}

#define ELEMENTS(name, kernel, p, q)                                                               \
    static void name##_elements(gt_node *n, int64_t begin, int64_t end)                            \
    {                                                                                              \
        change(n, GTI_INTO_##kernel, p, q, begin, end);                                            \
    }
#define OPTION(which) (((const gt_change_args *)n->opts)->which)
ELEMENTS(axpy, axpy, gt_load_element(n->in[2], 0), 0)
ELEMENTS(copy_scaled, copy_scaled, gt_load_element(n->in[2], 0), 0)
ELEMENTS(lerp, lerp, gt_load_element(n->in[2], 0), 0)
ELEMENTS(blend, blend, OPTION(p), OPTION(q))
ELEMENTS(average, blend, 1 / (double)*(const int64_t *)n->in[2]->data, OPTION(q))
ELEMENTS(limit, limit, OPTION(p), 0)

static void count_elements(gt_node *n, int64_t begin, int64_t end)
{
    gti_index_count(end - begin, gti_to(n->out[0], begin));
}

/* --- samples --- */

#define PQ                                                                                         \
    .opts = &(const gt_change_args)                                                                \
    {                                                                                              \
        .p = 0.25, .q = 1.5                                                                        \
    }
static const gt_sample one_samples[] = {
    {.label = "matrix", .in = GT_INPUTS(GT_IN(2, 3)), PQ},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR), PQ},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1)), PQ},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), PQ},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67)), PQ},
};
static const gt_sample two_samples[] = {
    {.label = "matrix", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), PQ},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR), PQ},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1, 1)), PQ},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0, 3)), PQ},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67), GT_IN(67)), PQ},
};

static const double quarter[] = {0.25}, four[] = {4};
#define THREE_SAMPLES(third)                                                                       \
    {.label = "matrix", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3), third), PQ},                     \
        {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR, third), PQ},               \
        {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1, 1), third), PQ},               \
        {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0, 3), third), PQ},              \
        {.label = "67 elements", .in = GT_INPUTS(GT_IN(67), GT_IN(67), third), PQ},
#define QUARTER                                                                                    \
    {                                                                                              \
        .shape = {0, {0}}, .values = quarter                                                       \
    }
#define FOUR                                                                                       \
    {                                                                                              \
        .shape = {0, {0}}, .values = four, .dtype = GT_I64                                         \
    }
static const gt_sample numbered_samples[] = {THREE_SAMPLES(QUARTER)};
static const gt_sample counted_samples[] = {THREE_SAMPLES(FOUR)};
#define WHOLE(...)                                                                                 \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 9                                  \
    }
static const gt_sample count_samples[] = {
    {.label = "scalar", .in = GT_INPUTS(FOUR)},
    {.label = "size one", .in = GT_INPUTS(WHOLE(1, 1))},
    {.label = "matrix", .in = GT_INPUTS(WHOLE(2, 3))},
    {.label = "zero-size", .in = GT_INPUTS(WHOLE(0))},
    {.label = "67 elements", .in = GT_INPUTS(WHOLE(67))},
};

#define SLICE(...)                                                                                 \
    .opts = &(const gt_fill_slice_args)                                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const gt_sample fill_slice_samples[] = {
    {.label = "rows",
     .in = GT_INPUTS(GT_IN(3, 4)),
     SLICE(.value = 2.5, .axis = 0, .start = 1, .stop = 3)},
    {.label = "columns",
     .in = GT_INPUTS(GT_IN(3, 4)),
     SLICE(.value = -1, .axis = 1, .start = 0, .stop = 2)},
    {.label = "middle",
     .in = GT_INPUTS(GT_IN(2, 3, 2)),
     SLICE(.value = 1, .axis = 1, .start = 1, .stop = 2)},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(5)), SLICE(.value = 1, .start = 2, .stop = 2)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), SLICE(.value = 1, .axis = 1, .stop = 3)},
};

static const gt_error_sample one_error_samples[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     PQ,
     .code = GT_ERR_ARGUMENT,
     .message = "y is NULL"},
};
static const gt_error_sample fill_slice_error_samples[] = {
    {.label = "axis",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE(.axis = 1),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 1 in y [3]"},
    {.label = "range",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE(.start = 2, .stop = 4),
     .code = GT_ERR_ARGUMENT,
     .message = "2:4 is no range of axis 0 of y [3]"},
};
static const gt_error_sample two_error_samples[] = {
    {.label = "shapes",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3, 2)),
     PQ,
     .code = GT_ERR_SHAPE,
     .message = " is [3,2], needs [2,3]"},
};
static const gt_error_sample numbered_error_samples[] = {
    {.label = "shapes",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3, 2), QUARTER),
     .code = GT_ERR_SHAPE,
     .message = "x is [3,2], needs [2,3]"},
    {.label = "numbers",
     .in = GT_INPUTS(GT_IN(2), GT_IN(2), GT_IN(2)),
     .code = GT_ERR_SHAPE,
     .message = "p is [2], needs one element"},
    {.label = "a whole number",
     .in = GT_INPUTS(GT_IN(2), GT_IN(2), FOUR),
     .code = GT_ERR_DTYPE,
     .message = "p is i64, needs f32 or f64"},
};
static const gt_error_sample counted_error_samples[] = {
    {.label = "dtypes",
     .in = GT_INPUTS(GT_IN(2), WHOLE(2), FOUR),
     .code = GT_ERR_DTYPE,
     .message = "x is i64, needs f32"},
    {.label = "counts",
     .in = GT_INPUTS(GT_IN(2), GT_IN(2), WHOLE(2)),
     .code = GT_ERR_SHAPE,
     .message = "n is [2], needs one element"},
    {.label = "a real count",
     .in = GT_INPUTS(GT_IN(2), GT_IN(2), GT_IN_SCALAR),
     .code = GT_ERR_DTYPE,
     .message = "n is f32, needs i64"},
};
static const gt_error_sample count_error_samples[] = {
    {.label = "a real number",
     .in = GT_INPUTS(GT_IN_SCALAR),
     .code = GT_ERR_DTYPE,
     .message = "not made for f32"},
};
static const gt_error_sample exchange_error_samples[] = {
    {.label = "shapes",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(6)),
     .code = GT_ERR_SHAPE,
     .message = "b is [6], needs [2,3]"},
    {.label = "itself",
     .in = GT_INPUTS(GT_IN(3), {.same = 1}),
     .code = GT_ERR_ARGUMENT,
     .message = "a and b share their data"},
};

static const gt_attr change_attrs[] = {GTI_CHANGE_ATTRS};
static const gt_attr fill_slice_attrs[] = {
    GTI_AXIS_ATTR(gt_fill_slice_args),
    {GT_ARGUMENT("start", gt_fill_slice_args, start), .meaning = "the first index"},
    {GT_ARGUMENT("stop", gt_fill_slice_args, stop), .meaning = "the index behind the last"},
    {GT_ARGUMENT("value", gt_fill_slice_args, value), .meaning = "what is put there"},
};

const gt_op gt_op_fill_slice = {
    .name = "fill_slice",
    .inputs = "y",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_fill_slice_args),
    .attrs = GT_PLAIN_ATTRS(fill_slice_attrs),
    .flags = GT_OP_INTO | GT_OP_MOVE,
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
    .flags = GT_OP_INTO | GT_OP_MOVE,
    .infer = exchange_infer,
    .elements = GT_FOR_FLOATS(exchange_elements),
    GT_SAMPLES(two_samples),
    GT_ERROR_SAMPLES(exchange_error_samples),
};

#define CHANGE(id, input_names, number, options, more_flags, rule, dtypes, bound, table)           \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = (number),                                                                          \
        .n_out = 1,                                                                                \
        options,                                                                                   \
        .flags = GT_OP_INTO | (more_flags),                                                        \
        .infer = rule##_infer,                                                                     \
        .elements = dtypes(id##_elements),                                                         \
        bound,                                                                                     \
        GT_SAMPLES(table##_samples),                                                               \
        GT_ERROR_SAMPLES(table##_error_samples),                                                   \
    };
#define FOR_WHOLE(f)                                                                               \
    {                                                                                              \
        NULL, NULL, (f), NULL                                                                      \
    }
#define ARGS .opts_size = sizeof(gt_change_args), .attrs = GT_PLAIN_ATTRS(change_attrs)
#define NO_ARGS .opts_size = 0
#define NOT_BOUND .bind = NULL

CHANGE(fill, "y", 1, ARGS, GT_OP_MOVE, change, GT_FOR_ALL, NOT_BOUND, one)
CHANGE(copy, "y x", 2, NO_ARGS, GT_OP_MOVE, change, GT_FOR_ALL, .bind = copy_bind, two)
CHANGE(accumulate, "y x", 2, NO_ARGS, 0, change, GT_FOR_FLOATS, .bind = accumulate_bind, two)
CHANGE(axpy, "y x p", 3, NO_ARGS, GT_OP_MIXED, numbered, GT_FOR_FLOATS, NOT_BOUND, numbered)
CHANGE(copy_scaled, "y x p", 3, NO_ARGS, GT_OP_MIXED, numbered, GT_FOR_FLOATS, NOT_BOUND, numbered)
CHANGE(lerp, "y x p", 3, NO_ARGS, GT_OP_MIXED, numbered, GT_FOR_FLOATS, NOT_BOUND, numbered)
CHANGE(blend, "y x", 2, ARGS, 0, change, GT_FOR_FLOATS, NOT_BOUND, two)
CHANGE(average, "y x n", 3, ARGS, GT_OP_MIXED, counted, GT_FOR_FLOATS, NOT_BOUND, counted)
CHANGE(limit, "y", 1, ARGS, 0, change, GT_FOR_FLOATS, NOT_BOUND, one)
CHANGE(count, "n", 1, NO_ARGS, 0, change, FOR_WHOLE, NOT_BOUND, count)

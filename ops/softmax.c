/* softmax and log_softmax along one axis, sums being along it too:
 *
 *   softmax       y = exp(x) / sum of exp(x)        dx = y (dy - sum of dy y)
 *   log_softmax   y = x - log of sum of exp(x)      dx = dy - exp(y) sum of dy
 *
 * Their gradients are operations in y and dy of their own, for g the gradient of dx:
 *
 *   softmax_dx       d dy = y (g - sum of g y)      d y = g (dy - sum of dy y) - dy sum of g y
 *   log_softmax_dx   d dy = g - sum of g exp(y)     d y = - g exp(y) sum of dy */
#include "reduction.h"

typedef struct {
    int axis;
} axis_opts;

static int softmax_axis_of(const gt_node *n)
{
    return gti_op_axis(n, ((const axis_opts *)n->opts)->axis, n->in[0]->shape.ndim);
}

static gti_along softmax_along(const gt_node *n)
{
    return gti_reduction_along(n->in[0]->shape, softmax_axis_of(n));
}

static gt_tensor *sum_along(const gt_node *n, gt_tensor *x)
{
    return gt_sum_(x, (gt_reduce_opts){.axes = GT_AXIS(softmax_axis_of(n)), .keepdim = true});
}

enum { COST = 10 }; /* of an element: an exponential */

static bool softmax_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    if (softmax_axis_of(n) < 0) return false;
    const gti_along s = softmax_along(n);
    gti_reduction_along_divide(n, 0, &s, COST);
    return true;
}

/* A range, and where it begins. */
static gti_along range(const gt_node *n, const gt_range *r, int64_t *begin)
{
    const gti_along s = softmax_along(n);
    const gti_along_range part = gti_reduction_along_range_of(n, r, &s);
    *begin = part.x;
    return part.s;
}

static void softmax_parts(gt_node *n, const gt_range *r)
{
    int64_t at;
    const gti_along s = range(n, r, &at);
    gti_kernels_for(n)->softmax.softmax(&s, gti_from(n->in[0], at), gti_to(n->out[0], at));
}

static void log_softmax_parts(gt_node *n, const gt_range *r)
{
    int64_t at;
    const gti_along s = range(n, r, &at);
    gti_kernels_for(n)->softmax.log_softmax(&s, gti_from(n->in[0], at), gti_to(n->out[0], at));
}

static const char softmax_gradient[] = "dx = y (dy - sum of dy y)";
static bool softmax_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_softmax_dx(GT_MUTANT(softmax_y, n->out[0], n->in[0]),
                           GT_MUTANT(softmax_upstream, gout[0], n->out[0]), softmax_axis_of(n));
    return true;
}

static const char log_softmax_gradient[] = "dx = dy - e^y sum of dy";
static bool log_softmax_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_log_softmax_dx(GT_MUTANT(log_softmax_y, n->out[0], n->in[0]),
                               GT_MUTANT(log_softmax_sign, gout[0], gt_neg(gout[0])),
                               softmax_axis_of(n));
    return true;
}

/* --- the gradients --- */

static bool softmax_dx_infer(gt_node *n)
{
    const gt_tensor *y = n->in[0], *dy = n->in[1];
    if (!gt_same_shape(y, dy))
        return gt_op_fail(n, GT_ERR_SHAPE, "y is %s, but dy %s", GTI_SHAPE_TEXT(y->shape),
                          GTI_SHAPE_TEXT(dy->shape));
    return softmax_infer(n);
}

static void softmax_dx_parts(gt_node *n, const gt_range *r)
{
    int64_t at;
    const gti_along s = range(n, r, &at);
    gti_kernels_for(n)->softmax.softmax_dx(&s, gti_from(n->in[0], at), gti_from(n->in[1], at),
                                           gti_to(n->out[0], at));
}

static void log_softmax_dx_parts(gt_node *n, const gt_range *r)
{
    int64_t at;
    const gti_along s = range(n, r, &at);
    gti_kernels_for(n)->softmax.log_softmax_dx(&s, gti_from(n->in[0], at), gti_from(n->in[1], at),
                                               gti_to(n->out[0], at));
}

static const char softmax_dx_gradient[] = "d dy = y (g - sum of g y), d y = g (dy - sum of dy y) "
                                          "- dy sum of g y";
static bool softmax_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *y = n->in[0], *dy = n->in[1], *g = gout[0];
    if (gt_needs_grad(n, 0)) {
        gt_tensor *to_g = gt_sub(dy, sum_along(n, gt_mul(dy, y)));
        gt_tensor *to_dy = GT_MUTANT(softmax_dx_lost, sum_along(n, gt_mul(g, y)), gt_mul(g, y));
        gin[0] = gt_sub(gt_mul(g, to_g), gt_mul(dy, to_dy));
    }
    if (gt_needs_grad(n, 1))
        gin[1] = gt_softmax_dx(y, GT_MUTANT(softmax_dx_upstream, g, dy), softmax_axis_of(n));
    return true;
}

static const char log_softmax_dx_gradient[] = "d dy = g - sum of g e^y, d y = -g e^y sum of dy";
static bool log_softmax_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = n->in[1], *g = gout[0], *part = gt_mul(g, gt_exp(n->in[0]));
    if (gt_needs_grad(n, 0))
        gin[0] = gt_neg(gt_mul(part, GT_MUTANT(log_softmax_dx_sum, sum_along(n, dy), dy)));
    if (gt_needs_grad(n, 1))
        gin[1] = GT_MUTANT(log_softmax_dx_lost, gt_sub(g, sum_along(n, part)), g);
    return true;
}

static double softmax_flops(const gt_node *n)
{
    return 4 * (double)n->in[0]->size;
}

// clang-format off
#define AXIS(i) .opts = &(const axis_opts){i}
/* A row: label; axis; dimensions. One table for functions of x, one for those of y and dy. */
#define ROWS(ROW)                                                                                  \
    ROW("vector", 0, 5)                                                                            \
    ROW("rows", 1, 3, 4)                                                                           \
    ROW("columns", 0, 3, 4)                                                                        \
    ROW("from the end", -1, 2, 5)                                                                  \
    ROW("channels", 1, 2, 3, 2, 2)                                                                 \
    ROW("last of three", 2, 2, 2, 3)                                                               \
    ROW("size one", 1, 1, 1)                                                                       \
    ROW("axis of size one", 1, 3, 1)                                                               \
    ROW("zero-size", 0, 0, 2)                                                                      \
    ROW("zero-size, other axis", 1, 0, 2)                                                          \
    ROW("eight dimensions", 3, 1, 2, 1, 3, 1, 1, 2, 1)                                             \
    ROW("17 wide", 0, 17)                                                                          \
    ROW("3 by 9", 0, 3, 9)

static const gt_sample samples[] = {
#define ROW(name, axis, ...) {.label = name, .in = GT_INPUTS(GT_IN(__VA_ARGS__)), AXIS(axis)},
    ROWS(ROW)
#undef ROW
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(-1)},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1.002e3, 5))},
    {.label = "large negative values", .in = GT_INPUTS(GT_IN_RANGE(-1.002e3, -1e3, 2, 3)), AXIS(1)},
    {.label = "far apart", .in = GT_INPUTS({.shape = GT_DIMS(3), .values = (const double[]){-800, 0, 800}})},
};

static const gt_sample dx_samples[] = {
#define ROW(name, axis, ...) {.label = name, .in = GT_INPUTS(GT_IN(__VA_ARGS__), GT_IN(__VA_ARGS__)), AXIS(axis)},
    ROWS(ROW)
#undef ROW
    {.label = "numbers", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR), AXIS(0)},
    {.label = "same tensor", .in = GT_INPUTS(GT_IN(2, 3), {.same = 1}), AXIS(1)},
};

static const gt_error_sample error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3)), AXIS(2), .code = GT_ERR_SHAPE, .message = "there is no axis 2"},
    {.label = "axis 1 of a number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(1), .code = GT_ERR_SHAPE, .message = "there is no axis 1"},
    {.label = "whole numbers", .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}), .code = GT_ERR_DTYPE, .message = "i64"},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3)), AXIS(2), .code = GT_ERR_SHAPE, .message = "there is no axis 2"},
    {.label = "shapes", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)), .code = GT_ERR_SHAPE, .message = "y is [2,3], but dy [3]"},
};
// clang-format on

/* A row: name; names and number of inputs; shape rule; tables of samples and error samples. */
static const gt_attr axis_attrs[] = {GTI_AXIS_ATTR(axis_opts)};

#define SOFTMAX(id, names, count, shape_rule, table, error_table)                                  \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (names),                                                                         \
        .n_in = (count),                                                                           \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(axis_opts),                                                            \
        .attrs = GT_PLAIN_ATTRS(axis_attrs),                                                       \
        .infer = (shape_rule),                                                                     \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_table),                                                             \
        .flops = softmax_flops,                                                                    \
    };

SOFTMAX(softmax, "x", 1, softmax_infer, samples, error_samples)
SOFTMAX(log_softmax, "x", 1, softmax_infer, samples, error_samples)
SOFTMAX(softmax_dx, "y dy", 2, softmax_dx_infer, dx_samples, dx_error_samples)
SOFTMAX(log_softmax_dx, "y dy", 2, softmax_dx_infer, dx_samples, dx_error_samples)

gt_tensor *gt_softmax(gt_tensor *x, int axis)
{
    return gt_apply(&gt_op_softmax, &(axis_opts){axis}, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_log_softmax(gt_tensor *x, int axis)
{
    return gt_apply(&gt_op_log_softmax, &(axis_opts){axis}, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_softmax_dx(gt_tensor *y, gt_tensor *dy, int axis)
{
    return gt_apply(&gt_op_softmax_dx, &(axis_opts){axis}, 2, (gt_tensor *[]){y, dy});
}

gt_tensor *gt_log_softmax_dx(gt_tensor *y, gt_tensor *dy, int axis)
{
    return gt_apply(&gt_op_log_softmax_dx, &(axis_opts){axis}, 2, (gt_tensor *[]){y, dy});
}

/* Operations on the elements of one tensor, y[i] = f(x[i], s), y of x's shape; s is a number that
 * only some of them have. The kernels' formulas are in kernels/unary.def, the rows at the end.
 * (Functions whose derivative is a formula of its own are rows of function.h.) */
#include "bound.h"

typedef struct {
    double s;
} scalar_opts;

static bool unary_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static inline bool unary_bind(const gt_node *n, gt_bound *b, gti_unary which, double s)
{
    GTI_BIND(b, n, gti_run_unary, gti_kernels_for(n)->unary[which], n->in[0], n->in[0]);
    b->by.p[0] = s;
    return true;
}

static double scalar_of(const gt_node *n)
{
    return ((const scalar_opts *)n->opts)->s;
}

static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 5))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3))},
    {.label = "7 wide", .in = GT_INPUTS(GT_IN(7))},
    {.label = "8 wide", .in = GT_INPUTS(GT_IN(8))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67))},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e3, 1e4, 9))},
};

static const scalar_opts some = {-1.75};
static const gt_sample scalar_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 5)), .opts = &some},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR), .opts = &some},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3)), .opts = &some},
    {.label = "7 wide", .in = GT_INPUTS(GT_IN(7)), .opts = &some},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17)), .opts = &some},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67)), .opts = &some},
    {.label = "s = 0", .in = GT_INPUTS(GT_IN(2, 3))},
    {.label = "s that f32 rounds", .in = GT_INPUTS(GT_IN(2, 3)), .opts = &(const scalar_opts){0.1}},
};

static const double beside_steps[] = {-1e3 - 0.25, -2.75, -1.25, -0.75,     0.25,
                                      0.75,        1.25,  2.75,  1e3 + 0.25};
static const double steps[] = {-1.5, -1, 0, 0.5, 1, 2.5};
static const gt_sample step_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 5))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3))},
    {.label = "7 wide", .in = GT_INPUTS(GT_IN(7))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
    {.label = "both sides of steps",
     .in = GT_INPUTS({.shape = GT_DIMS(9), .values = beside_steps})},
    {.label = "on steps", .in = GT_INPUTS({.shape = GT_DIMS(6), .values = steps}), .kinks = true},
};

static const gt_error_sample error_samples[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "i64",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};

/* --- rules --- */

static const char neg_gradient[] = "dx = -dy";
static bool neg_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *dy = GT_MUTANT(neg_upstream, gout[0], gt_mul(gout[0], gout[0]));
    gin[0] = GT_MUTANT(neg_sign, gt_neg(dy), dy);
    return true;
}

static const char square_gradient[] = "dx = 2 dy x";
static bool square_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_square_grad(GT_MUTANT(square_upstream, gout[0], n->in[0]),
                            GT_MUTANT(square_operand, n->in[0], n->out[0]));
    return true;
}

static const char add_scalar_gradient[] = "dx = dy";
static bool add_scalar_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *dy = GT_MUTANT(add_scalar_upstream, gout[0], gt_mul(gout[0], gout[0]));
    gin[0] = GT_MUTANT(add_scalar_missing, dy, NULL);
    return true;
}

static const char mul_scalar_gradient[] = "dx = s dy";
static bool mul_scalar_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(mul_scalar_upstream, gout[0], n->in[0]);
    gin[0] = GT_MUTANT(mul_scalar_factor, gt_mul_scalar(dy, scalar_of(n)), gout[0]);
    return true;
}

/* sign, floor, ceil and round: dx = 0, at the steps too */

static const char sign_gradient[] = "dx = 0";
static bool sign_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *zero = GT_MUTANT(sign_result, gt_zeros_like(gout[0]), n->out[0]);
    gin[0] = GT_MUTANT(sign_straight, zero, gout[0]);
    return true;
}

static const char floor_gradient[] = "dx = 0";
static bool floor_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *zero = GT_MUTANT(floor_result, gt_zeros_like(gout[0]), n->out[0]);
    gin[0] = GT_MUTANT(floor_straight, zero, gout[0]);
    return true;
}

static const char ceil_gradient[] = "dx = 0";
static bool ceil_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *zero = GT_MUTANT(ceil_result, gt_zeros_like(gout[0]), n->out[0]);
    gin[0] = GT_MUTANT(ceil_straight, zero, gout[0]);
    return true;
}

static const char round_gradient[] = "dx = 0";
static bool round_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gt_tensor *zero = GT_MUTANT(round_result, gt_zeros_like(gout[0]), n->out[0]);
    gin[0] = GT_MUTANT(round_straight, zero, gout[0]);
    return true;
}

static const gt_attr scalar_attrs[] = {{GT_ARGUMENT("s", scalar_opts, s), .meaning = "the number"}};
#define SCALAR .opts_size = sizeof(scalar_opts), .attrs = GT_PLAIN_ATTRS(scalar_attrs)
#define NO_SCALAR .opts_size = 0

/* A row: name; options; flags; table of samples; s. */
#define UNARY(id, opts, flag_set, table, s)                                                        \
    static bool id##_bind(const gt_node *n, gt_bound *b)                                           \
    {                                                                                              \
        return unary_bind(n, b, GTI_UNARY_##id, (s));                                              \
    }                                                                                              \
    GTI_BOUND_ELEMENTS(id, gti_run_unary)                                                          \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        opts,                                                                                      \
        .flags = (flag_set) | GT_OP_OVER,                                                          \
        .infer = unary_infer,                                                                      \
        .elements = GT_FOR_FLOATS(id##_elements),                                                  \
        .bind = id##_bind,                                                                         \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_samples),                                                           \
    };

// clang-format off
UNARY(neg, NO_SCALAR, GT_OP_NO_SAVED, samples, 0)
UNARY(square, NO_SCALAR, 0, samples, 0)
UNARY(add_scalar, SCALAR, GT_OP_NO_SAVED, scalar_samples, scalar_of(n))
UNARY(mul_scalar, SCALAR, GT_OP_NO_SAVED, scalar_samples, scalar_of(n))
UNARY(sign, NO_SCALAR, GT_OP_NO_SAVED, step_samples, 0)
UNARY(floor, NO_SCALAR, GT_OP_NO_SAVED, step_samples, 0)
UNARY(ceil, NO_SCALAR, GT_OP_NO_SAVED, step_samples, 0)
UNARY(round, NO_SCALAR, GT_OP_NO_SAVED, step_samples, 0)
// clang-format on

gt_tensor *gt_neg(gt_tensor *x)
{
    return gt_apply(&gt_op_neg, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_square(gt_tensor *x)
{
    return gt_apply(&gt_op_square, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_sign(gt_tensor *x)
{
    return gt_apply(&gt_op_sign, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_floor(gt_tensor *x)
{
    return gt_apply(&gt_op_floor, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_ceil(gt_tensor *x)
{
    return gt_apply(&gt_op_ceil, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_round(gt_tensor *x)
{
    return gt_apply(&gt_op_round, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_add_scalar(gt_tensor *x, double s)
{
    return gt_apply(&gt_op_add_scalar, &(scalar_opts){s}, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_mul_scalar(gt_tensor *x, double s)
{
    return gt_apply(&gt_op_mul_scalar, &(scalar_opts){s}, 1, (gt_tensor *[]){x});
}

GTI_SCALAR_ATTRS(sub_scalar)

/* x + (-s) is x - s exactly. */
gt_tensor *gti_compose_sub_scalar(gt_tensor *x, double s)
{
    return gt_add_scalar(x, -s);
}

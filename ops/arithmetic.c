/* Operations on two tensors that broadcast: y[i] = f(a[i], b[i]), y of the shape that a and b
 * broadcast to; gradients are summed back over the dimensions along which an operand was repeated.
 * The kernels' formulas are in kernels/binary.def, the rules in the rows at the end. */
#include "bound.h"
#include "broadcast.h"

static void arithmetic_row(const gt_node *n, int which, int64_t length, const void *const in[],
                           const int64_t stride[], void *y)
{
    gti_kernels_for(n)->binary[which](length, in[0], stride[0], in[1], stride[1], y);
}

/* Where both operands are as large as y or single numbers. */
static inline bool arithmetic_bind(const gt_node *n, gt_bound *b, gti_binary which)
{
    const int64_t size = n->out[0]->size;
    GTI_BIND(b, n, gti_run_binary, gti_kernels_for(n)->binary[which], n->in[0], n->in[1]);
    for (int i = 0; i < 2; i++) {
        b->by.stride[i] = n->in[i]->size == size;
        if (!b->by.stride[i] && n->in[i]->size != 1) return false;
    }
    return true;
}

static inline void arithmetic_run(gt_node *n, int64_t begin, int64_t end, gti_binary which)
{
    gt_bound b;
    if (arithmetic_bind(n, &b, which)) gti_run_binary(&b, begin, end);
    else gti_broadcast_elements(n, begin, end, (int)which, arithmetic_row);
}

/* The number s as a constant of x's dtype, which broadcasts to x's shape. */
static gt_tensor *arithmetic_constant(const gt_tensor *x, double s)
{
    return gt_scalar(x->ctx, s, .dtype = x->dtype);
}

static const char add_gradient[] = "da = dy, db = dy";
static bool add_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *da = GT_MUTANT(add_a_sign, gout[0], gt_neg(gout[0])), *db = gout[0];
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(da, n->in[0]);
    if (gt_needs_grad(n, 1)) gin[1] = GT_MUTANT(add_b_not_reduced, gti_sum_like(db, n->in[1]), db);
    return true;
}

static const char sub_gradient[] = "da = dy, db = -dy";
static bool sub_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (gt_needs_grad(n, 0))
        gin[0] = GT_MUTANT(sub_a_not_reduced, gti_sum_like(gout[0], n->in[0]), gout[0]);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gti_sum_like(gout[0], n->in[1]);
        gin[1] = GT_MUTANT(sub_b_sign, gt_neg(db), db);
    }
    return true;
}

static const char mul_gradient[] = "da = dy b, db = dy a";
static bool mul_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(gt_mul(gout[0], GT_MUTANT(mul_operands, b, a)), a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(gt_mul(GT_MUTANT(mul_upstream, gout[0], a), a), b);
    return true;
}

/* 1 / b may be infinite where a is 0 (b^2 is 0 much earlier), and then b does not move y. */
static const char div_gradient[] = "da = dy / b, db = -dy a / b^2 = -(dy / b) y";
static bool div_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *da = gt_div(gout[0], n->in[1]), *y = n->out[0];
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(da, n->in[0]);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gt_mul_or_zero(da, GT_MUTANT(div_operands, y, n->in[0]));
        gin[1] = gti_sum_like(GT_MUTANT(div_b_sign, gt_neg(db), db), n->in[1]);
    }
    return true;
}

static const char mul_or_zero_gradient[] = "da = dy b, db = dy a, with 0 inf = 0";
static bool mul_or_zero_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0)) {
        gt_tensor *da = gt_mul_or_zero(gout[0], GT_MUTANT(mul_or_zero_operands, b, a));
        gin[0] = gti_sum_like(da, a);
    }
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gt_mul_or_zero(GT_MUTANT(mul_or_zero_upstream, gout[0], a), a);
        gin[1] = gti_sum_like(db, b);
    }
    return true;
}

static const char div_or_zero_gradient[] = "da = dy / b, db = -dy y / b, both 0 where b is 0";
static bool div_or_zero_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *da = gt_div_or_zero(GT_MUTANT(div_or_zero_a, gout[0], n->in[0]), n->in[1]);
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(da, n->in[0]);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gt_mul_or_zero(da, GT_MUTANT(div_or_zero_b, n->out[0], n->in[0]));
        gin[1] = gti_sum_like(gt_neg(db), n->in[1]);
    }
    return true;
}

/* g where an operand won, half of it where both did, 0 where it lost. */
static gt_tensor *share(const gt_node *n, gt_tensor *g, gt_tensor *lost)
{
    gt_tensor *tie = gt_eq(n->in[0], n->in[1]);
    return gt_where(lost, arithmetic_constant(g, 0), gt_where(tie, gt_mul_scalar(g, 0.5), g));
}

static const char maximum_gradient[] =
    "da = dy where a > b, dy / 2 where a = b, else 0; db likewise";
static bool maximum_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(share(n, gout[0], GT_MUTANT(maximum_a, gt_lt, gt_gt)(a, b)), a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(share(n, gout[0], GT_MUTANT(maximum_b, gt_gt, gt_ge)(a, b)), b);
    return true;
}

static const char minimum_gradient[] =
    "da = dy where a < b, dy / 2 where a = b, else 0; db likewise";
static bool minimum_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(share(n, gout[0], GT_MUTANT(minimum_a, gt_gt, gt_ge)(a, b)), a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(share(n, gout[0], GT_MUTANT(minimum_b, gt_lt, gt_gt)(a, b)), b);
    return true;
}

/* da = dy b a^(b-1), and 0 where b = 0 and a^-1 is Inf or NaN: there the exponent becomes 0. (Not
 * wherever b = 0, for the mixed derivative 1/a comes from that power.) */
static gt_tensor *pow_da(gt_tensor *dy, gt_tensor *a, gt_tensor *b)
{
    gt_tensor *bad = gt_logical_or(gt_eq_scalar(a, 0), gt_isnan(a));
    gt_tensor *safe =
        gt_where(gt_logical_and(bad, gt_eq_scalar(b, 0)), arithmetic_constant(b, 1), b);
    gt_tensor *power = gt_pow(a, GT_MUTANT(pow_exponent, gt_sub_scalar(safe, 1), safe));
    return gt_mul_or_zero(dy, gt_mul_or_zero(b, power));
}

/* db = dy y log a, and 0 for 0^b, b >= 0, where the logarithm becomes 0. */
static gt_tensor *pow_db(gt_tensor *dy, gt_tensor *a, gt_tensor *b, gt_tensor *y)
{
    gt_tensor *both = gt_logical_and(gt_eq_scalar(a, 0), gt_ge_scalar(b, 0));
    gt_tensor *safe = gt_where(both, arithmetic_constant(a, 1), a);
    return gt_mul_or_zero(dy, gt_mul_or_zero(GT_MUTANT(pow_result, y, b), gt_log(safe)));
}

static const char pow_gradient[] = "da = dy b a^(b-1), db = dy y log a";
static bool pow_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(pow_da(gout[0], a, b), a);
    if (gt_needs_grad(n, 1)) gin[1] = gti_sum_like(pow_db(gout[0], a, b, n->out[0]), b);
    return true;
}

/* square_grad is the gradient of square and stays differentiable itself; it does not broadcast. */
static bool square_grad_infer(gt_node *n)
{
    const gt_tensor *a = n->in[0], *b = n->in[1];
    n->out[0]->shape = a->shape;
    return gt_same_shape(a, b) || gt_op_fail(n, GT_ERR_SHAPE, "shapes %s and %s differ",
                                             GTI_SHAPE_TEXT(a->shape), GTI_SHAPE_TEXT(b->shape));
}

static const char square_grad_gradient[] = "da = 2 g b, db = 2 g a";
static bool square_grad_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (gt_needs_grad(n, 0))
        gin[0] = gt_square_grad(gout[0], n->in[GT_MUTANT(square_grad_operands, 1, 0)]);
    if (gt_needs_grad(n, 1))
        gin[1] = GT_MUTANT(square_grad_factor, gt_square_grad, gt_mul)(gout[0], n->in[0]);
    return true;
}

/* g where x is not above 0, else 0 */
static gt_tensor *not_above(gt_tensor *x, gt_tensor *g)
{
    return gt_where(gt_gt_scalar(x, 0), arithmetic_constant(x, 0), g);
}

static const char leak_gradient[] =
    "da = dy where a > 0, else dy b; db = dy a where a <= 0, else 0";
static bool leak_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(gt_mul(gout[0], GT_MUTANT(leak_a, gt_leak_slope(a, b), b)), a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(GT_MUTANT(leak_b, gt_leak_db, gt_mul)(gout[0], a), b);
    return true;
}

static const char leak_slope_gradient[] = "da = 0, db = dy where a <= 0, else 0";
static bool leak_slope_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *dy = GT_MUTANT(leak_slope_upstream, gout[0], n->out[0]);
    if (gt_needs_grad(n, 0)) gin[0] = gt_zeros_like(a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(GT_MUTANT(leak_slope_side, not_above(a, dy), dy), n->in[1]);
    return true;
}

static const char leak_db_gradient[] = "da = dy b and db = dy a where b <= 0, else 0";
static bool leak_db_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(GT_MUTANT(leak_db_a, gt_leak_db, gt_mul)(gout[0], b), a);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gt_mul(gout[0], a);
        gin[1] = gti_sum_like(GT_MUTANT(leak_db_b, not_above(b, db), db), b);
    }
    return true;
}

/* b stays away from 0, because of div. */
#define B(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4), B(3, 4))},
    {.label = "negative divisor", .in = GT_INPUTS(GT_IN(5), GT_IN_RANGE(-2, -0.5, 5))},
    {.label = "scalars", .in = GT_INPUTS(GT_IN_SCALAR, {.low = 0.5, .high = 2})},
    {.label = "b is a scalar", .in = GT_INPUTS(GT_IN(2, 3), {.low = 0.5, .high = 2})},
    {.label = "a is a scalar", .in = GT_INPUTS(GT_IN_SCALAR, B(2, 3))},
    {.label = "b is a row", .in = GT_INPUTS(GT_IN(3, 5), B(5))},
    {.label = "a is a row", .in = GT_INPUTS(GT_IN(5), B(3, 5))},
    {.label = "b is a column", .in = GT_INPUTS(GT_IN(3, 5), B(3, 1))},
    {.label = "a is a column", .in = GT_INPUTS(GT_IN(3, 1), B(3, 5))},
    {.label = "outer", .in = GT_INPUTS(GT_IN(4, 1), B(1, 3))},
    {.label = "outer from vectors", .in = GT_INPUTS(GT_IN(4, 1), B(3))},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 1, 3), B(2, 4, 3))},
    {.label = "alternating", .in = GT_INPUTS(GT_IN(2, 1, 3, 1), B(1, 2, 1, 3))},
    {.label = "channels", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), B(3, 1, 1))},
    {.label = "ones in front", .in = GT_INPUTS(GT_IN(3), B(1, 1, 3))},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 2, 1, 2, 1, 2, 1), B(2, 1, 2, 1, 2, 1, 2))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1), B(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), B(0, 3))},
    {.label = "zero-size, broadcast", .in = GT_INPUTS(GT_IN(2, 0), B(2, 1))},
    {.label = "zero-size against a scalar", .in = GT_INPUTS(GT_IN_SCALAR, B(0))},
    {.label = "7 wide rows", .in = GT_INPUTS(GT_IN(2, 7), B(7))},
    {.label = "17 wide rows", .in = GT_INPUTS(GT_IN(2, 17), B(2, 1))},
    {.label = "same tensor", .in = GT_INPUTS(B(2, 3), {.same = 1})},
};

static const double levels[] = {-1, 0, 2, 3};
#define LEVELS                                                                                     \
    {                                                                                              \
        .shape = GT_DIMS(4), .values = levels                                                      \
    }
static const gt_sample extreme_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(3, 4))},
    {.label = "scalars", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "b is a scalar", .in = GT_INPUTS(GT_IN(2, 3), GT_IN_SCALAR)},
    {.label = "a is a row", .in = GT_INPUTS(GT_IN(5), GT_IN(3, 5))},
    {.label = "b is a column", .in = GT_INPUTS(GT_IN(3, 5), GT_IN(3, 1))},
    {.label = "outer", .in = GT_INPUTS(GT_IN(4, 1), GT_IN(1, 3))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0, 3))},
    {.label = "17 wide rows", .in = GT_INPUTS(GT_IN(2, 17), GT_IN(17))},
    {.label = "large values",
     .in = GT_INPUTS(GT_IN_RANGE(-1e6, 1e6, 5), GT_IN_RANGE(-1e6, 1e6, 5))},
    {.label = "ties with itself", .in = GT_INPUTS(GT_IN(2, 3), {.same = 1})},
    {.label = "ties", .in = GT_INPUTS(LEVELS, LEVELS), .kinks = true},
};

#define A(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
static const gt_sample pow_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(A(3, 4), GT_IN(3, 4))},
    {.label = "scalars", .in = GT_INPUTS({.low = 0.5, .high = 2}, GT_IN_SCALAR)},
    {.label = "b is a scalar", .in = GT_INPUTS(A(2, 3), GT_IN_SCALAR)},
    {.label = "a is a scalar", .in = GT_INPUTS({.low = 0.5, .high = 2}, GT_IN(2, 3))},
    {.label = "a is a row", .in = GT_INPUTS(A(5), GT_IN(3, 5))},
    {.label = "b is a column", .in = GT_INPUTS(A(3, 5), GT_IN(3, 1))},
    {.label = "zero-size", .in = GT_INPUTS(A(0, 3), GT_IN(3))},
    {.label = "17 wide rows", .in = GT_INPUTS(A(17), GT_IN(2, 17))},
    {.label = "whole exponents", .in = GT_INPUTS(A(4), LEVELS)},
    {.label = "large bases", .in = GT_INPUTS(GT_IN_RANGE(10, 100, 5), GT_IN_RANGE(-3, 2, 5))},
    {.label = "same tensor", .in = GT_INPUTS(A(2, 3), {.same = 1})},
};

static const gt_sample same_shape_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(3, 4))},
    {.label = "scalars", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(0, 3))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17), GT_IN(17))},
    {.label = "same tensor", .in = GT_INPUTS(GT_IN(2, 3), {.same = 1})},
};

#define I64(...)                                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 5                                  \
    }
static const gt_error_sample error_samples[] = {
    {.label = "inner dimension",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(4)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [4] do not broadcast: dimension 1 is 3 against 4"},
    {.label = "outer dimension",
     .in = GT_INPUTS(GT_IN(2, 1, 3), GT_IN(5, 4, 3)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,1,3] and [5,4,3] do not broadcast: dimension 0 is 2 against 5"},
    {.label = "zero against two",
     .in = GT_INPUTS(GT_IN(0), GT_IN(2)),
     .code = GT_ERR_SHAPE,
     .message = "dimension 0 is 0 against 2"},
    {.label = "a NULL",
     .in = GT_INPUTS({.null = true}, GT_IN(3)),
     .code = GT_ERR_ARGUMENT,
     .message = "a is NULL"},
    {.label = "b NULL",
     .in = GT_INPUTS(GT_IN(3), {.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "b is NULL"},
    {.label = "mixed dtypes",
     .in = GT_INPUTS(GT_IN(3), I64(3)),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
    {.label = "whole numbers",
     .in = GT_INPUTS(I64(3), I64(3)),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};

static const gt_error_sample same_shape_error_samples[] = {
    {.label = "shapes differ",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [3] differ"},
};

/* A row: name; flags; shape rule; tables of samples and error samples. */
#define BINARY(id, flag_set, shape_rule, table, error_table)                                       \
    static bool id##_bind(const gt_node *n, gt_bound *b)                                           \
    {                                                                                              \
        return arithmetic_bind(n, b, GTI_BINARY_##id);                                             \
    }                                                                                              \
    static void id##_elements(gt_node *n, int64_t begin, int64_t end)                              \
    {                                                                                              \
        arithmetic_run(n, begin, end, GTI_BINARY_##id);                                            \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "a b",                                                                           \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        .flags = (flag_set) | GT_OP_OVER,                                                          \
        .infer = (shape_rule),                                                                     \
        .elements = GT_FOR_FLOATS(id##_elements),                                                  \
        .bind = id##_bind,                                                                         \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_table),                                                             \
    };                                                                                             \
    gt_tensor *gt_##id(gt_tensor *a, gt_tensor *b)                                                 \
    {                                                                                              \
        return gt_apply(&gt_op_##id, NULL, 2, (gt_tensor *[]){a, b});                              \
    }

// clang-format off
BINARY(add, GT_OP_NO_SAVED, gti_broadcast_infer, samples, error_samples)
BINARY(sub, GT_OP_NO_SAVED, gti_broadcast_infer, samples, error_samples)
BINARY(mul, 0, gti_broadcast_infer, samples, error_samples)
BINARY(div, 0, gti_broadcast_infer, samples, error_samples)
BINARY(mul_or_zero, 0, gti_broadcast_infer, samples, error_samples)
BINARY(div_or_zero, 0, gti_broadcast_infer, samples, error_samples)
BINARY(leak, 0, gti_broadcast_infer, extreme_samples, error_samples)
BINARY(leak_slope, 0, gti_broadcast_infer, extreme_samples, error_samples)
BINARY(leak_db, 0, gti_broadcast_infer, extreme_samples, error_samples)
BINARY(maximum, 0, gti_broadcast_infer, extreme_samples, error_samples)
BINARY(minimum, 0, gti_broadcast_infer, extreme_samples, error_samples)
BINARY(pow, 0, gti_broadcast_infer, pow_samples, error_samples)
BINARY(square_grad, 0, square_grad_infer, same_shape_samples, same_shape_error_samples)
// clang-format on

GTI_SCALAR_ATTRS(div_scalar)
GTI_SCALAR_ATTRS(rsub_scalar)
GTI_SCALAR_ATTRS(rdiv_scalar)

/* A division, for x * (1 / s) rounds twice. */
gt_tensor *gti_compose_div_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "div_scalar") ? gt_div(x, arithmetic_constant(x, s)) : NULL;
}

gt_tensor *gti_compose_rsub_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "rsub_scalar") ? gt_sub(arithmetic_constant(x, s), x) : NULL;
}

gt_tensor *gti_compose_rdiv_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "rdiv_scalar") ? gt_div(arithmetic_constant(x, s), x) : NULL;
}

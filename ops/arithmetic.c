/* Operations on two tensors that broadcast: y[i] = f(a[i], b[i]), y of the shape that a and b
 * broadcast to; gradients are summed back over the dimensions along which an operand was repeated.
 * The kernels' formulas are in kernels/binary.def, the rules in the rows at the end. */
#include "broadcast.h"

/* Says at which dimension of the result the shapes disagree. */
static bool fail_broadcast(gt_node *n)
{
    const gt_shape a = n->in[0]->shape, b = n->in[1]->shape;
    const int ndim = a.ndim > b.ndim ? a.ndim : b.ndim;
    for (int i = ndim - 1; i >= 0; i--) {
        const int ia = i - (ndim - a.ndim), ib = i - (ndim - b.ndim);
        if (ia < 0 || ib < 0 || a.dim[ia] == b.dim[ib] || a.dim[ia] == 1 || b.dim[ib] == 1)
            continue;
        return gt_op_fail(
            n, GT_ERR_SHAPE, "shapes %s and %s do not broadcast: dimension %d is %lld against %lld",
            GTI_SHAPE_TEXT(a), GTI_SHAPE_TEXT(b), i, (long long)a.dim[ia], (long long)b.dim[ib]);
    }
    return gt_op_fail(n, GT_ERR_SHAPE, "shapes %s and %s do not broadcast", GTI_SHAPE_TEXT(a),
                      GTI_SHAPE_TEXT(b));
}

static bool infer(gt_node *n)
{
    const gt_tensor *a = n->in[0], *b = n->in[1];
    n->out[0]->shape = a->shape;
    if (gt_same_shape(a, b)) return true;
    return gt_shape_broadcast(a->shape, b->shape, &n->out[0]->shape) || fail_broadcast(n);
}

static void forward_rows(gt_node *n, gti_binary which)
{
    const gt_tensor *a = n->in[0], *b = n->in[1], *y = n->out[0];
    if (y->size == 0) return;
    int64_t sa[GT_MAX_DIMS], sb[GT_MAX_DIMS];
    gti_broadcast_strides(a->shape, y->shape, sa);
    gti_broadcast_strides(b->shape, y->shape, sb);
    gti_walk w;
    gti_walk_init(&w, y->shape, sa, sb);
    for (int64_t r = 0; r < w.rows; r++, gti_walk_next(&w))
        gti_kernels_for(n)->binary[which](w.row, gti_const_at(a->data, w.a, n->dtype), w.row_sa,
                                          gti_const_at(b->data, w.b, n->dtype), w.row_sb,
                                          gti_at(y->data, r * w.row, n->dtype));
}

static inline void forward(gt_node *n, gti_binary which)
{
    const gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_same_shape(a, b))
        gti_kernels_for(n)->binary[which](a->size, a->data, 1, b->data, 1, n->out[0]->data);
    else forward_rows(n, which);
}

static bool add_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* da = dy, db = dy */
    gt_tensor *da = GT_MUTANT(add_a_sign, gout[0], gt_neg(gout[0])), *db = gout[0];
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(da, n->in[0]);
    if (gt_needs_grad(n, 1)) gin[1] = GT_MUTANT(add_b_not_reduced, gti_sum_like(db, n->in[1]), db);
    return true;
}

static bool sub_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* da = dy, db = -dy */
    if (gt_needs_grad(n, 0))
        gin[0] = GT_MUTANT(sub_a_not_reduced, gti_sum_like(gout[0], n->in[0]), gout[0]);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gti_sum_like(gout[0], n->in[1]);
        gin[1] = GT_MUTANT(sub_b_sign, gt_neg(db), db);
    }
    return true;
}

static bool mul_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* da = dy b, db = dy a */
    gt_tensor *a = n->in[0], *b = n->in[1];
    if (gt_needs_grad(n, 0))
        gin[0] = gti_sum_like(gt_mul(gout[0], GT_MUTANT(mul_operands, b, a)), a);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(gt_mul(GT_MUTANT(mul_upstream, gout[0], a), a), b);
    return true;
}

static bool div_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* da = dy / b, db = -dy a / b^2 = -(dy / b) y */
    gt_tensor *da = gt_div(gout[0], n->in[1]), *y = n->out[0];
    if (gt_needs_grad(n, 0)) gin[0] = gti_sum_like(da, n->in[0]);
    if (gt_needs_grad(n, 1)) {
        gt_tensor *db = gt_mul(da, GT_MUTANT(div_operands, y, n->in[0]));
        gin[1] = gti_sum_like(GT_MUTANT(div_b_sign, gt_neg(db), db), n->in[1]);
    }
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

static bool square_grad_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* da = 2 dy b, db = 2 dy a */
    if (gt_needs_grad(n, 0))
        gin[0] = gt_square_grad(gout[0], n->in[GT_MUTANT(square_grad_operands, 1, 0)]);
    if (gt_needs_grad(n, 1))
        gin[1] = GT_MUTANT(square_grad_factor, gt_square_grad, gt_mul)(gout[0], n->in[0]);
    return true;
}

/* b stays away from 0, because of div. */
#define B(...) GT_IN_RANGE(0.5, 2, __VA_ARGS__)
static const gt_sample samples[] = {
    {.label = "ordinary", .in = {GT_IN(3, 4), B(3, 4)}},
    {.label = "negative divisor", .in = {GT_IN(5), GT_IN_RANGE(-2, -0.5, 5)}},
    {.label = "scalars", .in = {GT_IN_SCALAR, {.low = 0.5, .high = 2}}},
    {.label = "b is a scalar", .in = {GT_IN(2, 3), {.low = 0.5, .high = 2}}},
    {.label = "a is a scalar", .in = {GT_IN_SCALAR, B(2, 3)}},
    {.label = "b is a row", .in = {GT_IN(3, 5), B(5)}},
    {.label = "a is a row", .in = {GT_IN(5), B(3, 5)}},
    {.label = "b is a column", .in = {GT_IN(3, 5), B(3, 1)}},
    {.label = "a is a column", .in = {GT_IN(3, 1), B(3, 5)}},
    {.label = "outer", .in = {GT_IN(4, 1), B(1, 3)}},
    {.label = "outer from vectors", .in = {GT_IN(4, 1), B(3)}},
    {.label = "middle", .in = {GT_IN(2, 1, 3), B(2, 4, 3)}},
    {.label = "alternating", .in = {GT_IN(2, 1, 3, 1), B(1, 2, 1, 3)}},
    {.label = "channels", .in = {GT_IN(2, 3, 2, 2), B(3, 1, 1)}},
    {.label = "ones in front", .in = {GT_IN(3), B(1, 1, 3)}},
    {.label = "six dimensions", .in = {GT_IN(2, 1, 2, 1, 2, 1), B(1, 2, 1, 2, 1, 2)}},
    {.label = "size one", .in = {GT_IN(1), B(1, 1)}},
    {.label = "zero-size", .in = {GT_IN(0, 3), B(0, 3)}},
    {.label = "zero-size, broadcast", .in = {GT_IN(2, 0), B(2, 1)}},
    {.label = "zero-size against a scalar", .in = {GT_IN_SCALAR, B(0)}},
    {.label = "7 wide rows", .in = {GT_IN(2, 7), B(7)}},
    {.label = "17 wide rows", .in = {GT_IN(2, 17), B(2, 1)}},
    {.label = "same tensor", .in = {B(2, 3), {.same = 1}}},
};

static const gt_sample same_shape_samples[] = {
    {.label = "ordinary", .in = {GT_IN(3, 4), GT_IN(3, 4)}},
    {.label = "scalars", .in = {GT_IN_SCALAR, GT_IN_SCALAR}},
    {.label = "zero-size", .in = {GT_IN(0, 3), GT_IN(0, 3)}},
    {.label = "17 wide", .in = {GT_IN(17), GT_IN(17)}},
    {.label = "same tensor", .in = {GT_IN(2, 3), {.same = 1}}},
};

#define I64(...)                                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .high = 5                                  \
    }
static const gt_error_sample error_samples[] = {
    {.label = "inner dimension",
     .in = {GT_IN(2, 3), GT_IN(4)},
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [4] do not broadcast: dimension 1 is 3 against 4"},
    {.label = "outer dimension",
     .in = {GT_IN(2, 1, 3), GT_IN(5, 4, 3)},
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,1,3] and [5,4,3] do not broadcast: dimension 0 is 2 against 5"},
    {.label = "zero against two",
     .in = {GT_IN(0), GT_IN(2)},
     .code = GT_ERR_SHAPE,
     .message = "dimension 0 is 0 against 2"},
    {.label = "a NULL",
     .in = {{.null = true}, GT_IN(3)},
     .code = GT_ERR_ARGUMENT,
     .message = "a is NULL"},
    {.label = "b NULL",
     .in = {GT_IN(3), {.null = true}},
     .code = GT_ERR_ARGUMENT,
     .message = "b is NULL"},
    {.label = "mixed dtypes", .in = {GT_IN(3), I64(3)}, .code = GT_ERR_DTYPE, .message = "i64"},
    {.label = "whole numbers", .in = {I64(3), I64(3)}, .code = GT_ERR_DTYPE, .message = "i64"},
};

static const gt_error_sample same_shape_error_samples[] = {
    {.label = "shapes differ",
     .in = {GT_IN(2, 3), GT_IN(3)},
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [3] differ"},
};

/* A row: name; flags; shape rule; tables of samples and error samples. */
#define BINARY(id, flag_set, shape_rule, table, error_table)                                       \
    static void id##_forward(gt_node *n)                                                           \
    {                                                                                              \
        forward(n, GTI_BINARY_##id);                                                               \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "a b",                                                                           \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        .flags = (flag_set),                                                                       \
        .infer = (shape_rule),                                                                     \
        .forward = GT_FOR_FLOATS(id##_forward),                                                    \
        .backward = id##_backward,                                                                 \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_table),                                                             \
    };                                                                                             \
    gt_tensor *gt_##id(gt_tensor *a, gt_tensor *b)                                                 \
    {                                                                                              \
        return gt_apply(&gt_op_##id, NULL, 2, (gt_tensor *[]){a, b});                              \
    }

// clang-format off
BINARY(add, GT_OP_NO_SAVED, infer, samples, error_samples)
BINARY(sub, GT_OP_NO_SAVED, infer, samples, error_samples)
BINARY(mul, 0, infer, samples, error_samples)
BINARY(div, 0, infer, samples, error_samples)
BINARY(square_grad, 0, square_grad_infer, same_shape_samples, same_shape_error_samples)
// clang-format on

/* The number s as a constant of x's dtype, which broadcasts to x's shape. */
static gt_tensor *constant(const gt_tensor *x, double s)
{
    return gt_scalar(x->ctx, s, .dtype = x->dtype);
}

/* A division, for x * (1 / s) rounds twice. */
gt_tensor *gt_div_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "div_scalar") ? gt_div(x, constant(x, s)) : NULL;
}

gt_tensor *gt_rsub_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "rsub_scalar") ? gt_sub(constant(x, s), x) : NULL;
}

gt_tensor *gt_rdiv_scalar(gt_tensor *x, double s)
{
    return gti_is_given(x, "rdiv_scalar") ? gt_div(constant(x, s), x) : NULL;
}

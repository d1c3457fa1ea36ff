/* Operations on the elements of one tensor, y[i] = f(x[i], s), y of x's shape; s is a number that
 * only some of them have. The kernels' formulas are in kernels/unary.def, the rules in the rows
 * at the end. */
#include "common.h"

typedef struct {
    double s;
} scalar_opts;

static bool infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static inline void forward(gt_node *n, gti_unary which, double s)
{
    gti_kernels_for(n)->unary[which](n->in[0]->size, n->in[0]->data, s, n->out[0]->data);
}

static double scalar_of(const gt_node *n)
{
    return ((const scalar_opts *)n->opts)->s;
}

static const gt_sample samples[] = {
    {.label = "ordinary", .in = {GT_IN(3, 5)}},
    {.label = "scalar", .in = {GT_IN_SCALAR}},
    {.label = "size one", .in = {GT_IN(1, 1)}},
    {.label = "zero-size", .in = {GT_IN(2, 0, 3)}},
    {.label = "7 wide", .in = {GT_IN(7)}},
    {.label = "8 wide", .in = {GT_IN(8)}},
    {.label = "17 wide", .in = {GT_IN(17)}},
    {.label = "67 elements", .in = {GT_IN(67)}},
    {.label = "large values", .in = {GT_IN_RANGE(1e3, 1e4, 9)}},
};

static const scalar_opts some = {-1.75};
static const gt_sample scalar_samples[] = {
    {.label = "ordinary", .in = {GT_IN(3, 5)}, .opts = &some},
    {.label = "scalar", .in = {GT_IN_SCALAR}, .opts = &some},
    {.label = "zero-size", .in = {GT_IN(2, 0, 3)}, .opts = &some},
    {.label = "7 wide", .in = {GT_IN(7)}, .opts = &some},
    {.label = "17 wide", .in = {GT_IN(17)}, .opts = &some},
    {.label = "67 elements", .in = {GT_IN(67)}, .opts = &some},
    {.label = "s = 0", .in = {GT_IN(2, 3)}},
    {.label = "s that f32 rounds", .in = {GT_IN(2, 3)}, .opts = &(const scalar_opts){0.1}},
};

static const gt_error_sample error_samples[] = {
    {.label = "NULL", .in = {{.null = true}}, .code = GT_ERR_ARGUMENT, .message = "x is NULL"},
    {.label = "i64",
     .in = {{.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}},
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};

/* A row: name; size of the options; flags; table of samples; s; dx made of dy (and n). */
#define UNARY(id, size, flag_set, table, s, dx)                                                    \
    static void id##_forward(gt_node *n)                                                           \
    {                                                                                              \
        forward(n, GTI_UNARY_##id, (s));                                                           \
    }                                                                                              \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        gt_tensor *dy = gout[0];                                                                   \
        (void)n;                                                                                   \
        gin[0] = (dx);                                                                             \
        return true;                                                                               \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = (size),                                                                       \
        .flags = (flag_set),                                                                       \
        .infer = infer,                                                                            \
        .forward = GT_FOR_FLOATS(id##_forward),                                                    \
        .backward = id##_backward,                                                                 \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(error_samples),                                                           \
    };

// clang-format off
UNARY(neg, 0, GT_OP_NO_SAVED, samples, 0, GT_MUTANT(neg_sign, gt_neg(GT_MUTANT(neg_upstream, dy, gt_mul(dy, dy))), dy))
UNARY(square, 0, 0, samples, 0, gt_square_grad(GT_MUTANT(square_upstream, dy, n->in[0]), GT_MUTANT(square_operand, n->in[0], n->out[0])))
UNARY(add_scalar, sizeof(scalar_opts), GT_OP_NO_SAVED, scalar_samples, scalar_of(n), GT_MUTANT(add_scalar_missing, GT_MUTANT(add_scalar_upstream, dy, gt_mul(dy, dy)), NULL))
UNARY(mul_scalar, sizeof(scalar_opts), GT_OP_NO_SAVED, scalar_samples, scalar_of(n), GT_MUTANT(mul_scalar_factor, gt_mul_scalar(GT_MUTANT(mul_scalar_upstream, dy, n->in[0]), scalar_of(n)), dy))
// clang-format on

gt_tensor *gt_neg(gt_tensor *x)
{
    return gt_apply(&gt_op_neg, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_square(gt_tensor *x)
{
    return gt_apply(&gt_op_square, NULL, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_add_scalar(gt_tensor *x, double s)
{
    return gt_apply(&gt_op_add_scalar, &(scalar_opts){s}, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_mul_scalar(gt_tensor *x, double s)
{
    return gt_apply(&gt_op_mul_scalar, &(scalar_opts){s}, 1, (gt_tensor *[]){x});
}

/* x + (-s) is x - s exactly. */
gt_tensor *gt_sub_scalar(gt_tensor *x, double s)
{
    return gt_add_scalar(x, -s);
}

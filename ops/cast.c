/* y = x in another dtype: floating numbers are rounded to the nearest; whole ones are made by
 * rounding towards 0, then moving to the nearest number that the dtype has, NaN becoming 0.
 * (PyTorch leaves the last two undefined, and takes whole numbers for u8 modulo 256.)
 *
 *   dx = dy in x's dtype, between f32 and f64; whole numbers have no gradient */
#include "common.h"

typedef struct {
    gt_dtype dtype;
} cast_opts;

static bool cast_infer(gt_node *n)
{
    const gt_dtype dtype = ((const cast_opts *)n->opts)->dtype;
    if (!gt_dtype_size(dtype)) return gt_op_fail(n, GT_ERR_DTYPE, "%d is no dtype", (int)dtype);
    n->out[0]->shape = n->in[0]->shape;
    n->out[0]->dtype = dtype;
    return true;
}

static void cast_elements(gt_node *n, int64_t begin, int64_t end)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    gti_any_kernels_of((int)x->dtype)
        ->convert[y->dtype](end - begin, gti_from(x, begin), gti_to(y, begin));
}

static bool cast_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dx = gt_cast(GT_MUTANT(cast_upstream, gout[0], gt_square(gout[0])), n->in[0]->dtype);
    gin[0] = GT_MUTANT(cast_sign, dx, gt_neg(dx));
    return true;
}

/* The checker's differences need f64, so f32 is only the input here, in its stage for f32; both
 * directions are in tests/test_elementwise.c. */
#define TO(value)                                                                                  \
    .opts = &(const cast_opts)                                                                     \
    {                                                                                              \
        value                                                                                      \
    }
static const gt_sample samples[] = {
    {.label = "f64", .in = GT_INPUTS(GT_IN(3, 5)), TO(GT_F64)},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR), TO(GT_F64)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0)), TO(GT_F64)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17)), TO(GT_F64)},
    {.label = "to i64", .in = GT_INPUTS(GT_IN_RANGE(-9, 9, 9)), TO(GT_I64)},
    {.label = "to u8", .in = GT_INPUTS(GT_IN_RANGE(0, 300, 9)), TO(GT_U8)},
    {.label = "of i64",
     .in = GT_INPUTS({.shape = GT_DIMS(9), .dtype = GT_I64, .low = -9, .high = 9}),
     TO(GT_F64)},
    {.label = "of u8",
     .in = GT_INPUTS({.shape = GT_DIMS(9), .dtype = GT_U8, .high = 256}),
     TO(GT_F64)},
    {.label = "u8 to i64",
     .in = GT_INPUTS({.shape = GT_DIMS(9), .dtype = GT_U8, .high = 256}),
     TO(GT_I64)},
};

static const gt_error_sample error_samples[] = {
    {.label = "no dtype",
     .in = GT_INPUTS(GT_IN(3)),
     TO((gt_dtype)7),
     .code = GT_ERR_DTYPE,
     .message = "7 is no dtype"},
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
};

static const gt_attr cast_attrs[] = {
    {GT_CHOICE("dtype", cast_opts, dtype, GT_N_DTYPES, GTI_DTYPE_NAMES), .argument = true,
     .meaning = "of the result"}};

const gt_op gt_op_cast = {
    .name = "cast",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(cast_opts),
    .attrs = GT_PLAIN_ATTRS(cast_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = cast_infer,
    .elements = GT_FOR_ALL(cast_elements),
    .backward = cast_backward,
    .gradient = "dx = dy, cast back",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_cast(gt_tensor *x, gt_dtype dtype)
{
    return gt_apply(&gt_op_cast, &(cast_opts){dtype}, 1, (gt_tensor *[]){x});
}

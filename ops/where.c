/* y = a where cond is not 0, else b; all three broadcast. cond is u8, a and b of one dtype, any.
 *
 *   da = dy where cond, else 0    db = 0 where cond, else dy */
#include "broadcast.h"

static bool where_infer(gt_node *n)
{
    const gt_tensor *cond = n->in[0], *a = n->in[1], *b = n->in[2];
    if (cond->dtype != GT_U8) {
        gt_op_fail(n, GT_ERR_DTYPE, "cond is %s, needs u8", gt_dtype_name(cond->dtype));
        return gt_op_hint(n, "comparisons such as gt_gt(x, y) make masks");
    }
    if (a->dtype != b->dtype)
        return gt_op_fail(n, GT_ERR_DTYPE, "a is %s, but b is %s; make them the same",
                          gt_dtype_name(a->dtype), gt_dtype_name(b->dtype));
    n->dtype = n->out[0]->dtype = a->dtype;
    return gti_broadcast_infer(n);
}

static void where_row(const gt_node *n, int which, int64_t length, const void *const in[],
                      const int64_t stride[], void *y)
{
    (void)which;
    gti_any_kernels_of((int)n->dtype)
        ->select(length, in[0], stride[0], in[1], stride[1], in[2], stride[2], y);
}

static void where_elements(gt_node *n, int64_t begin, int64_t end)
{
    gti_broadcast_elements(n, begin, end, 0, where_row);
}

static bool where_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *cond = n->in[0], *dy = gout[0];
    gt_tensor *zero = gt_scalar(dy->ctx, 0, .dtype = dy->dtype);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_sum_like(gt_where(cond, dy, GT_MUTANT(where_a_all, zero, dy)), n->in[1]);
    if (gt_needs_grad(n, 2))
        gin[2] = gti_sum_like(
            GT_MUTANT(where_b_mask, gt_where(cond, zero, dy), gt_where(cond, dy, zero)), n->in[2]);
    return true;
}

#define MASK(...)                                                                                  \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_U8, .high = 2                                   \
    }
#define I64(...)                                                                                   \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .low = -5, .high = 5                       \
    }
#define MASK_SCALAR                                                                                \
    {                                                                                              \
        .dtype = GT_U8, .high = 2                                                                  \
    }
static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(MASK(3, 4), GT_IN(3, 4), GT_IN(3, 4))},
    {.label = "scalars", .in = GT_INPUTS(MASK_SCALAR, GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "size one", .in = GT_INPUTS(MASK(1), GT_IN(1, 1), GT_IN_SCALAR)},
    {.label = "zero-size", .in = GT_INPUTS(MASK(0, 3), GT_IN(0, 3), GT_IN(3))},
    {.label = "a is a scalar", .in = GT_INPUTS(MASK(2, 3), GT_IN_SCALAR, GT_IN(2, 3))},
    {.label = "b is a scalar", .in = GT_INPUTS(MASK(2, 3), GT_IN(2, 3), GT_IN_SCALAR)},
    {.label = "only cond is large", .in = GT_INPUTS(MASK(2, 3), GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "cond is a scalar", .in = GT_INPUTS(MASK_SCALAR, GT_IN(2, 3), GT_IN(2, 3))},
    {.label = "cond is a row", .in = GT_INPUTS(MASK(5), GT_IN(3, 5), GT_IN(3, 5))},
    {.label = "cond is a column", .in = GT_INPUTS(MASK(3, 1), GT_IN(3, 5), GT_IN(5))},
    {.label = "all of their own", .in = GT_INPUTS(MASK(2, 1, 1), GT_IN(3, 1), GT_IN(4))},
    {.label = "alternating", .in = GT_INPUTS(MASK(2, 1, 3, 1), GT_IN(1, 2, 1, 3), GT_IN(3, 1))},
    {.label = "eight dimensions",
     .in = GT_INPUTS(MASK(2, 1, 2, 1, 1, 1, 1, 1), GT_IN(2, 1, 1, 2, 1, 1, 2), GT_IN(1, 2))},
    {.label = "any number but 0 is true",
     .in = GT_INPUTS({.shape = GT_DIMS(9), .dtype = GT_U8, .high = 200}, GT_IN(9), GT_IN(9))},
    {.label = "17 wide", .in = GT_INPUTS(MASK(2, 17), GT_IN(17), GT_IN(2, 17))},
    {.label = "same tensor", .in = GT_INPUTS(MASK(3), GT_IN(3), {.same = 2})},
    {.label = "whole numbers", .in = GT_INPUTS(MASK(2, 9), I64(9), I64(2, 1))},
    {.label = "masks", .in = GT_INPUTS(MASK(2, 9), MASK(9), {.same = 1})},
};

static const gt_error_sample error_samples[] = {
    {.label = "cond is f32",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3), GT_IN(3)),
     .code = GT_ERR_DTYPE,
     .message = "cond is f32, needs u8"},
    {.label = "mixed dtypes",
     .in = GT_INPUTS(MASK(3), GT_IN(3), I64(3)),
     .code = GT_ERR_DTYPE,
     .message = "a is f32, but b is i64"},
    {.label = "b does not broadcast",
     .in = GT_INPUTS(MASK(2, 3), GT_IN(3), GT_IN(2)),
     .code = GT_ERR_SHAPE,
     .message = "shapes [2,3] and [2] do not broadcast: dimension 1 is 3 against 2"},
    {.label = "cond NULL",
     .in = GT_INPUTS({.null = true}, GT_IN(3), GT_IN(3)),
     .code = GT_ERR_ARGUMENT,
     .message = "cond is NULL"},
};

const gt_op gt_op_where = {
    .name = "where",
    .inputs = "cond a b",
    .n_in = 3,
    .n_out = 1,
    .flags = GT_OP_MIXED,
    .infer = where_infer,
    .elements = GT_FOR_ALL(where_elements),
    .backward = where_backward,
    .gradient = "da = dy where cond, else 0; db = 0 where cond, else dy",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_where(gt_tensor *cond, gt_tensor *a, gt_tensor *b)
{
    return gt_apply(&gt_op_where, NULL, 3, (gt_tensor *[]){cond, a, b});
}

static const gt_attr masked_fill_attrs[] = {
    {GT_ARGUMENT("value", gti_masked_fill_args, value), .meaning = "what is put in"}};
const gt_attrs gt_attrs_masked_fill = GT_PLAIN_ATTRS(masked_fill_attrs);

gt_tensor *gti_compose_masked_fill(gt_tensor *x, gt_tensor *mask, double value)
{
    if (!gti_is_given(x, "masked_fill") || !gti_goes_with(x, mask, "masked_fill", "mask"))
        return NULL;
    gt_tensor *fill = gt_scalar(x->ctx, value, .dtype = x->dtype);
    return fill ? gt_where(mask, fill, x) : NULL;
}

/* op.h and gradcheck.h: an operation written in C++ */
#include "cxx.h"

static bool infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return n->in[0]->shape.ndim == 2 || gt_op_fail(n, GT_ERR_SHAPE, "x must be a matrix");
}

template <class T> static void twice(gt_node *n)
{
    const T *x = static_cast<const T *>(n->in[0]->data);
    T *y = static_cast<T *>(n->out[0]->data);
    for (int64_t i = 0; i < n->out[0]->size; i++) y[i] = 2 * x[i];
}

static bool backward(gt_node *, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_mul_scalar(gout[0], 2);
    return true;
}

static void none(gt_node *)
{
}

static const gt_sample samples[] = {
    {.label = "matrix", .in = {GT_IN(2, 3)}},
    {.label = "positive", .in = {GT_IN_RANGE(0.5, 2, 3, 2)}},
    {.label = "written out", .in = {{.shape = GT_DIMS(1, 1), .low = 1, .high = 2}}},
};
static const gt_error_sample errors[] = {
    {.label = "scalar", .in = {GT_IN_SCALAR}, .code = GT_ERR_SHAPE, .message = "must be a matrix"},
};
static const gt_op double_op = {
    .name = "double",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .infer = infer,
    .forward = {twice<float>, twice<double>, nullptr, nullptr},
    .backward = backward,
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(errors),
};
/* Not called: how rows for all dtypes are written. */
static const gt_op any_op = {.name = "any", .n_in = 1, .n_out = 1, .forward = GT_FOR_ALL(none)};
static const gt_op float_op = {.name = "f", .n_in = 1, .n_out = 1, .forward = GT_FOR_FLOATS(none)};

void test_op(gt_ctx *gt)
{
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 2)), *y;
    gt_gradcheck_report report;
    IS_TRUE(gt_get(gt_apply(&double_op, nullptr, 1, &x), 1, 1) == 2);
    gt_tensor *out[1];
    IS_TRUE(gt_apply_n(&double_op, nullptr, 1, &x, out) == GT_OK && gt_item(gt_sum(out[0])) == 8);
    IS_TRUE(gt_apply_into(&double_op, nullptr, 1, &x) == GT_ERR_ARGUMENT);
    gt_error_clear(gt);
    IS_TRUE(gt_apply_n(&double_op, nullptr, 1, &x, &y) == GT_OK && gt_get(y, 0, 1) == 2);
    IS_TRUE(gt_gradcheck_samples(gt, &double_op, nullptr, &report) == GT_PASS);
    IS_TRUE(gt_gradcheck_error_samples(gt, &double_op, &report) == GT_PASS);
    IS_TRUE(any_op.forward[GT_U8] == none && !float_op.forward[GT_U8]);
}

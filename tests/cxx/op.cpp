/* op.h and gradcheck.h: an operation written in C++ */
#include "cxx.h"
#include <gradtape/gradcheck_assert.h>

#include <vector>

#include <string.h>

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
    {.label = "matrix", .in = GT_INPUTS(GT_IN(2, 3))},
    {.label = "positive", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 3, 2))},
    {.label = "written out", .in = GT_INPUTS({.shape = GT_DIMS(1, 1), .low = 1, .high = 2})},
};
static const gt_error_sample errors[] = {
    {.label = "scalar",
     .in = GT_INPUTS(GT_IN_SCALAR),
     .code = GT_ERR_SHAPE,
     .message = "must be a matrix"},
};
static void test_work(gt_ctx *gt)
{
    const gt_kind in[] = {{{1, {10}}, GT_F32}};
    gt_work work;
    gt_kind out[1];
    IS_TRUE(gt_op_work(gt, &gt_op_exp, nullptr, 1, in, &work, out) == GT_OK);
    IS_TRUE(work.flops == 10 && out[0].shape.dim[0] == 10);
}

static const gt_op double_op = {
    .name = "double",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .unread = GT_UNREAD_IN(0) | GT_UNREAD_OUT(0),
    .infer = infer,
    .forward = {twice<float>, twice<double>, nullptr, nullptr},
    .backward = backward,
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(errors),
};

/* Options, completed by the engine. */
typedef struct {
    gt_keywords gt_;
    double factor;
    int stride[2], padding[2];
    gt_reduction how;
    int64_t spare;
} scale_opts;
static const gt_attr scale_attrs[] = {
    {GT_OPTION("factor", scale_opts, factor), .otherwise = 3, .bounds = GT_AT_LEAST(1)},
    {GT_OPTION("stride", scale_opts, stride), .otherwise = 1, .bounds = GT_BETWEEN(1, 9)},
    {GT_PADDING("padding", scale_opts, padding), .bounds = GT_BOUNDS(0, 9, GT_NOT_HIGH)},
    {GT_CHOICE("how", scale_opts, how, 2, "GT_MEAN GT_SUM")},
    {GT_OPTION("", scale_opts, spare)},
    {GT_BESIDE("bias")},
};
template <class T> static void scale(gt_node *n)
{
    const T *x = static_cast<const T *>(n->in[0]->data);
    T *y = static_cast<T *>(n->out[0]->data);
    const double factor = static_cast<const scale_opts *>(n->opts)->factor;
    for (int64_t i = 0; i < n->out[0]->size; i++) y[i] = static_cast<T>(factor) * x[i];
}
static const gt_op scale_op = {
    .name = "scale",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(scale_opts),
    .attrs = GT_ATTRS(scale_attrs),
    .infer = infer,
    .forward = {scale<float>, scale<double>, nullptr, nullptr},
};

typedef struct {
    int axis;
} axis_args;
static const gt_attr axis_attrs[] = {{GT_ARGUMENT("axis", axis_args, axis)}};

static void test_options(gt_ctx *gt)
{
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 2));
    scale_opts opts = {};
    IS_TRUE(gt_item(gt_sum(gt_apply(&scale_op, &opts, 1, &x))) == 6);
    opts.factor = 0.5;
    IS_TRUE(!gt_apply(&scale_op, &opts, 1, &x));
    IS_TRUE(strstr(gt_error_message(gt), "factor is 0.5, must be finite and at least 1"));
    gt_error_clear(gt);
    char why[GT_WHY];
    const gt_attrs arguments = GT_PLAIN_ATTRS(axis_attrs);
    IS_TRUE(gt_attrs_ok(&scale_op.attrs, sizeof(scale_opts), why));
    IS_TRUE(gt_attrs_ok(&arguments, sizeof(axis_args), why));
}

/* Not called: how rows for all dtypes are written. */
static const gt_op any_op = {.name = "any", .n_in = 1, .n_out = 1, .forward = GT_FOR_ALL(none)};
static const gt_op float_op = {.name = "f", .n_in = 1, .n_out = 1, .forward = GT_FOR_FLOATS(none)};

GT_EXPORT_OPS(&double_op);

static gt_tensor *squared(gt_ctx *, gt_tensor *const in[], void *)
{
    return gt_square(in[0]);
}

/* of doubles and of floats */
template <class T> static T half_square(const T *x, int64_t, void *)
{
    return x[0] * x[0] / 2;
}

template <class T> static void identity(const T *x, int64_t, T *g, void *)
{
    g[0] = x[0];
}

template <class T> static void identity_map(const T *x, T *y, void *)
{
    y[0] = x[0];
}

template <class T> static void one(const T *, T *jacobian, void *)
{
    jacobian[0] = 1;
}

static void test_plain_functions()
{
    const double x[] = {3, 4};
    const gt_c_map map = {.n = 1, .m = 1, .f = identity_map, .jacobian = one};
    GT_ASSERT_GRADCHECK_C(half_square, identity, nullptr, x, 1, .points = 2);
    GT_ASSERT_GRADCHECK_MAP(&map, x, .name = "identity");
    const float x32[] = {3, 4};
    const gt_c_map_f32 map32 = {.n = 1, .m = 1, .f = identity_map, .jacobian = one};
    GT_ASSERT_GRADCHECK_C_F32(half_square, identity, nullptr, x32, 1, .points = 2);
    GT_ASSERT_GRADCHECK_MAP_F32(&map32, x32, .name = "identity");
}

void test_op(gt_ctx *gt)
{
    IS_TRUE(gradtape_ops.n == 1 && gradtape_ops.op[0] == &double_op);
    test_options(gt);
    test_work(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 2)), *y;
    gt_gradcheck_report report;
    IS_TRUE(gt_get(gt_apply(&double_op, nullptr, 1, &x), 1, 1) == 2);
    IS_TRUE(gt_get(gt_apply_over(&double_op, nullptr, 1, &x), 1, 1) == 2);
    gt_tensor *out[1];
    IS_TRUE(gt_apply_n(&double_op, nullptr, 1, &x, out) == GT_OK && gt_item(gt_sum(out[0])) == 8);
    IS_TRUE(gt_apply_into(&double_op, nullptr, 1, &x) == GT_ERR_ARGUMENT);
    gt_error_clear(gt);
    IS_TRUE(gt_apply_n(&double_op, nullptr, 1, &x, &y) == GT_OK && gt_get(y, 0, 1) == 2);
    IS_TRUE(gt_gradcheck_samples(gt, &double_op, nullptr, &report) == GT_PASS);
    gt_tensor *z = gt_ones(gt, GT_SHAPE(2, 3), .dtype = GT_F64, .requires_grad = true);
    GT_ASSERT_GRADCHECK(gt, squared, nullptr, &z, 1, .order = 2);
    std::vector<unsigned char> all(static_cast<size_t>(z->size), 1);
    static const unsigned char first[] = {1};
    const gt_gradcheck_input_opts each[] = {{.step = 1e-5, .mask = all.data(), .n_mask = z->size}},
                                  one[] = {{GT_MASK(first)}};
    GT_ASSERT_GRADCHECK(gt, squared, nullptr, &z, 1, GT_EACH_INPUT(each));
    gt_tensor *number = gt_ones(gt, GT_SHAPE(1), .dtype = GT_F64, .requires_grad = true);
    GT_ASSERT_GRADCHECK(gt, squared, nullptr, &number, 1, GT_EACH_INPUT(one));
    GT_ASSERT_GRADCHECK_MODULE(gt, gt_nn_linear(gt, 3, 2, .dtype = GT_F64), z);
    GT_ASSERT_GRADCHECK_SAMPLES(gt, &double_op, .seed = 3);
    GT_ASSERT_GRADCHECK_SAME(gt, squared, nullptr, squared, nullptr, &z, 1, .probes = 2);
    test_plain_functions();
    if (report.verdict != GT_PASS) GT_GRADCHECK_FAILED(&report);
    IS_TRUE(gt_gradcheck_error_samples(gt, &double_op, &report) == GT_PASS);
    IS_TRUE(any_op.forward[GT_U8] == none && !float_op.forward[GT_U8]);
}

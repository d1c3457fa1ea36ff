/* Gradient clipping, against torch.nn.utils of PyTorch 2.15. */
#include "support.h"

#include <math.h>

static const gt_module_type holder = {.name = "Holder", .size = sizeof(gt_module)};

static const double da[] = {1, -2, 3, 0, .5, -4}, db[] = {6, -.25};

/* Parameters a [2,3] and, in a child, b [2]; one without a gradient; b once more under another
 * name. Their gradients are da and db. */
static gt_module *new_module(gt_ctx *gt, gt_dtype dtype)
{
    gt_module *m = gt_module_new(gt, &holder), *child = gt_module_new(gt, &holder);
    gt_module_add_child(m, "child", child);
    gt_tensor *a = gt_zeros(gt, GT_SHAPE(2, 3), .dtype = dtype);
    gt_tensor *b = gt_zeros(gt, GT_SHAPE(2), .dtype = dtype);
    a = gt_module_add_parameter(m, "a", a);
    gt_module_add_parameter(m, "idle", gt_zeros(gt, GT_SHAPE(4), .dtype = dtype));
    b = gt_module_add_parameter(child, "b", b);
    gt_module_add_parameter(child, "again", b);
    gt_tensor *up[2] = {gt_zeros_like(a), gt_zeros_like(b)};
    for (int i = 0; i < 6; i++) {
        if (dtype == GT_F32) ((float *)up[0]->data)[i] = (float)da[i];
        else ((double *)up[0]->data)[i] = da[i];
    }
    for (int i = 0; i < 2; i++) {
        if (dtype == GT_F32) ((float *)up[1]->data)[i] = (float)db[i];
        else ((double *)up[1]->data)[i] = db[i];
    }
    gt_backward(a, .upstream = up[0]);
    gt_backward(b, .upstream = up[1]);
    assert_well(gt);
    return m;
}

static const struct {
    double type, most;
    double norm, a2, a5, b0, b1; /* the norm, and elements after clipping */
} norms[] = {
    {0, 1, 8.143248737451165, 0.36840329066697636, -0.49120438755596846, 0.7368065813339527,
     -0.03070027422224803},
    {2, 100, 8.143248737451165, 3.0, -4, 6, -.25},
    {2, 0, 8.143248737451165, 0, 0, 0, 0},
    {1, 1, 16.75, 0.17910446691913629, -0.23880595589218173, 0.35820893383827257,
     -0.014925372243261358},
    {1, 100, 16.75, 3.0, -4, 6, -.25},
    {INFINITY, 1, 6, 0.49999991666668053, -0.6666665555555741, 0.9999998333333611,
     -0.04166665972222338},
    {INFINITY, 100, 6, 3.0, -4, 6, -.25},
    {3, 1, 6.81229483432292, 0.4403801703509215, -0.5871735604678953, 0.880760340701843,
     -0.036698347529243454},
    {3, 100, 6.81229483432292, 3.0, -4, 6, -.25},
};

static void norms_are_torchs(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++)
        for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
            const double tolerance = dtype == GT_F32 ? 1e-6 : 1e-14;
            gt_module *m = new_module(gt, dtype);
            const double norm = gt_clip_grad_norm(m, norms[i].most, .norm_type = norms[i].type);
            assert_true(fabs(norm - norms[i].norm) < 1e-13);
            ASSERT_VALUES(gt_module_parameter(m, "child.b")->grad, tolerance, norms[i].b0,
                          norms[i].b1);
            gt_tensor *last = gt_slice(gt_module_parameter(m, "a")->grad, 1, 2, 3);
            ASSERT_VALUES(last, tolerance, norms[i].a2, norms[i].a5);
        }
    assert_well(gt);
}

/* The norm of 1, 2, .., n, for sizes that vector instructions do not divide. */
static void every_element_counts(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++)
        for (int n = 0; n < 40; n++) {
            gt_module *m = gt_module_new(gt, &holder);
            gt_tensor *w = gt_zeros(gt, GT_SHAPE(n), .dtype = dtype);
            w = gt_module_add_parameter(m, "w", w);
            gt_backward(w, .upstream = gt_arange(gt, 1, n + 1, 1, .dtype = dtype));
            assert_true(gt_clip_grad_norm(m, 1e9) == sqrt(n * (n + 1) * (2 * n + 1) / 6));
        }
    assert_well(gt);
}

static void values_are_bounded(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_module *m = new_module(gt, dtype);
        gt_tensor *b = gt_module_parameter(m, "child.b");
        assert_int_equal(gt_clip_grad_value(m, 2.5), GT_OK);
        ASSERT_VALUES(gt_module_parameter(m, "a")->grad, 0, 1, -2, 2.5, 0, .5, -2.5);
        ASSERT_VALUES(b->grad, 0, 2.5, -.25);
        gt_fill(b->grad, NAN);
        assert_int_equal(gt_clip_grad_value(m, 0), GT_OK);
        assert_true(isnan(element(b->grad, 1)));
        ASSERT_VALUES(gt_module_parameter(m, "a")->grad, 0, 0, 0, 0, 0, 0, 0);
    }
}

static void what_is_not_finite(void **state)
{
    gt_ctx *gt = *state;
    static const double types[] = {1, 2, 3, INFINITY};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        gt_module *m = new_module(gt, GT_F32);
        gt_tensor *a = gt_module_parameter(m, "a"), *b = gt_module_parameter(m, "child.b");
        gt_fill_slice(a->grad, 0, 0, 1, NAN);
        double norm = gt_clip_grad_norm(m, 1, .norm_type = types[i], .error_if_nonfinite = true);
        assert_true(isnan(norm));
        assert_error(gt, GT_ERR_NUMERIC, ": the norm of all gradients is nan");
        ASSERT_VALUES(b->grad, 0, 6, -.25);
        norm = gt_clip_grad_norm(m, 1, .norm_type = types[i]);
        assert_true(isnan(norm) && isnan(element(b->grad, 0)));
        assert_well(gt);
    }
}

static void bad_calls_say_so(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_module_new(gt, &holder);
    assert_true(gt_clip_grad_norm(m, 1) == 0); /* no parameters */
    assert_true(isnan(gt_clip_grad_norm(m, -1)));
    assert_error(gt, GT_ERR_ARGUMENT, "max_norm is -1, but must not be negative");
    assert_true(isnan(gt_clip_grad_norm(m, 1, .norm_type = -2)));
    assert_error(gt, GT_ERR_ARGUMENT, "norm_type is -2");
    assert_int_equal(gt_clip_grad_value(m, NAN), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_clip_grad_value (test_clip.c:");
    assert_int_equal(gt_clip_grad_value(NULL, 1), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    assert_true(isnan(gt_clip_grad_norm(NULL, 1)));
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(norms_are_torchs),   TEST(every_element_counts), TEST(values_are_bounded),
        TEST(what_is_not_finite), TEST(bad_calls_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Layers: shapes, lazy parameters, starts recorded from PyTorch 2.15.0, misuse. */
#include <math.h>

#include "support.h"

static void check_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g instead of %.17g", got, expected);
}

/* Runs its children one after another. */
static gt_tensor *chain_forward(gt_module *m, gt_tensor *x)
{
    for (gt_module *c = m->child; c; c = c->next) x = gt_forward(c, x);
    return x;
}

static const gt_module_type chain_type = {
    .name = "Chain", .size = sizeof(gt_module), .forward = chain_forward};

static void test_conv2d_start(void **state)
{
    static const struct {
        gt_dtype dtype;
        double weight[3], last_weight, bias[6];
    } torch[] = {
        {GT_F32,
         {0.020162537693977356, -0.17389605939388275, 0.09192091226577759},
         -0.11229020357131958,
         {0.1580563187599182, -0.15824338793754578, -0.06775875389575958, 0.2723275423049927,
          0.05316602438688278, 0.020340416580438614}},
        {GT_F64,
         {-0.12737476818203716, -0.13065799534245762, 0.20905446874613484},
         0.008425490908884956,
         {-0.12324308651308524, -0.16361088771084942, -0.1137044869603803, 0.2713923325470432,
          -0.10260268807935725, 0.03626265043880973}},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    for (int k = 0; k < 2; k++) {
        const double tolerance = k ? 0 : 1e-7;
        gt_manual_seed(gt, 7);
        gt_module *m =
            gt_nn_conv2d(gt, 4, 6, .kernel = {3, 2}, .groups = 2, .dtype = torch[k].dtype);
        gt_tensor *w = gt_module_parameter(m, "weight"), *b = gt_module_parameter(m, "bias");
        assert_true(gt_shape_equal(w->shape, GT_SHAPE(6, 2, 3, 2)));
        for (int i = 0; i < 3; i++)
            check_near(gt_get(w, 0, 0, i / 2, i % 2), torch[k].weight[i], tolerance);
        check_near(gt_get(w, 5, 1, 2, 1), torch[k].last_weight, tolerance);
        for (int i = 0; i < 6; i++) check_near(gt_get(b, i), torch[k].bias[i], tolerance);
    }
    gt_close(gt);
}

static void test_conv2d_options(void **state)
{
    static const struct {
        gt_nn_conv2d_opts opts;
        int64_t kh, kw, oh, ow; /* of an input 7x9 */
    } shapes[] = {
        {{.kernel = {3}}, 3, 3, 5, 7},
        {{.kernel = {3, 1}}, 3, 1, 5, 9},
        {{.kernel = {3}, .padding = {1, 2}}, 3, 3, 7, 11},
        {{.kernel = {3}, .stride = {2}}, 3, 3, 3, 4},
        {{.kernel = {3}, .stride = {1, 2}, .groups = 2}, 3, 3, 5, 4},
        {{.kernel = {2}, .dilation = {3}, .no_bias = true}, 2, 2, 4, 6},
        {{.kernel = {2}, .dilation = {1, 3}, .dtype = GT_F64}, 2, 2, 6, 6},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const gt_nn_conv2d_opts *o = &shapes[i].opts;
        gt_module *m = gt_nn_conv2d_(gt, 2, 4, *o);
        gt_tensor *y = gt_forward(m, gt_rand(gt, GT_SHAPE(3, 2, 7, 9), .dtype = o->dtype));
        assert_string_equal(gt_error_message(gt), "");
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(3, 4, shapes[i].oh, shapes[i].ow)));
        const int64_t depth = o->groups ? 2 / o->groups : 2;
        const gt_tensor *w = gt_module_parameter(m, "weight");
        assert_true(gt_shape_equal(w->shape, GT_SHAPE(4, depth, shapes[i].kh, shapes[i].kw)));
        assert_int_equal(!gt_module_parameter(m, "bias"), o->no_bias);
    }
    gt_close(gt);
}

static void test_lazy_conv2d(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 7);
    gt_module *m = gt_nn_lazy_conv2d(gt, 1, .kernel = {1, 2}, .no_bias = true);
    assert_string_equal(m->type->name, "LazyConv2d");
    assert_null(gt_module_parameter(m, "weight"));
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(1, 1, 6, 8));
    gt_mark start = gt_mark_tape(gt);
    for (int i = 0; i < 5; i++) {
        gt_rewind(gt, start);
        gt_tensor *y = gt_forward(m, x);
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(1, 1, 6, 7)));
        assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
    }
    assert_string_equal(m->type->name, "Conv2d");
    gt_tensor *w = gt_module_parameter(m, "weight");
    check_near(gt_get(w, 0, 0, 0, 0), 0.0493879281, 1e-7);
    check_near(gt_get(w, 0, 0, 0, 1), -0.425956607, 1e-7);
    assert_false(gt_failed(gt));

    assert_null(gt_forward(m, gt_zeros(gt, GT_SHAPE(1, 3, 6, 8))));
    assert_non_null(strstr(gt_error_message(gt), "has 3 channels"));
    assert_non_null(strstr(gt_error_message(gt), "test_nn.c:"));
    assert_error(gt, GT_ERR_SHAPE, "had 1");
    assert_non_null(gt_forward(m, x));
    gt_close(gt);
}

/* A whole network's start: parameters are drawn in the order of the first forward. */
static void test_lazy_chain(void **state)
{
    static const struct {
        const char *path;
        double sum;
    } torch[] = {{"0.weight", 0.745763659},
                 {"0.bias", -0.146806598},
                 {"2.weight", 0.0817547441},
                 {"2.bias", -0.083125405}};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 7);
    gt_module *net = gt_module_new(gt, &chain_type);
    gt_module_add_child(net, "0", gt_nn_lazy_conv2d(gt, 2, .kernel = {3}));
    gt_module_add_child(net, "2",
                        gt_nn_lazy_conv2d(gt, 3, .kernel = {2}, .stride = {2}, .padding = {1, 1}));
    const uint64_t version = net->version;
    assert_non_null(gt_forward(net, gt_zeros(gt, GT_SHAPE(1, 3, 8, 8))));
    assert_true(net->version > version);
    assert_int_equal(gt_module_n_parameters(net), 2 * 3 * 9 + 2 + 3 * 2 * 4 + 3);
    for (size_t i = 0; i < sizeof torch / sizeof *torch; i++)
        check_near(gt_item(gt_sum(gt_module_parameter(net, torch[i].path))), torch[i].sum, 1e-5);
    assert_false(gt_failed(gt));

    assert_null(gt_forward(net, gt_zeros(gt, GT_SHAPE(1, 2, 8, 8))));
    assert_error(gt, GT_ERR_SHAPE, "Conv2d '0'");
    gt_close(gt);
}

static void test_steady_state(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *net = gt_module_new(gt, &chain_type);
    gt_module_add_child(net, "conv", gt_nn_lazy_conv2d(gt, 2, .kernel = {3}));
    gt_tensor *x = gt_rand(gt, GT_SHAPE(1, 1, 8, 8));
    gt_mark start = gt_mark_tape(gt);
    uint64_t mallocs = 0;
    for (int i = 0; i < 20; i++) {
        gt_rewind(gt, start);
        assert_int_equal(gt_backward(gt_sum(gt_forward(net, x))), GT_OK);
        gt_zero_grad(net);
        if (i == 9) mallocs = gt_get_stats(gt).mallocs;
    }
    assert_int_equal(gt_get_stats(gt).mallocs, mallocs);
    gt_close(gt);
}

static void test_bad_conv2d(void **state)
{
    static const struct {
        int in, out;
        gt_nn_conv2d_opts opts;
        gt_status code;
        const char *message;
    } bad[] = {
        {1, 1, {.no_bias = true}, GT_ERR_ARGUMENT, "kernel is {0, 0}"},
        {1, 1, {.kernel = {-3}}, GT_ERR_ARGUMENT, "kernel is {-3, -3}"},
        {1, 1, {.kernel = {3, -1}}, GT_ERR_ARGUMENT, "kernel is {3, -1}"},
        {1, 1, {.kernel = {0, 3}}, GT_ERR_ARGUMENT, "kernel is {0, 3}"},
        {1, 1, {.kernel = {3}, .stride = {-1}}, GT_ERR_ARGUMENT, "stride is {-1, -1}"},
        {1, 1, {.kernel = {3}, .dilation = {1, -2}}, GT_ERR_ARGUMENT, "dilation is {1, -2}"},
        {1, 1, {.kernel = {3}, .padding = {0, -1}}, GT_ERR_ARGUMENT, "padding is {0, -1}"},
        {1, 1, {.kernel = {3}, .groups = -1}, GT_ERR_ARGUMENT, "groups are -1"},
        {3,
         4,
         {.kernel = {3}, .groups = 2},
         GT_ERR_ARGUMENT,
         "3 input channels do not divide into 2"},
        {4,
         3,
         {.kernel = {3}, .groups = 2},
         GT_ERR_ARGUMENT,
         "3 output channels do not divide into 2"},
        {0, 1, {.kernel = {3}}, GT_ERR_ARGUMENT, "input channels are 0"},
        {-2, 1, {.kernel = {3}}, GT_ERR_ARGUMENT, "input channels are -2"},
        {1, 0, {.kernel = {3}}, GT_ERR_ARGUMENT, "output channels are 0"},
        {1, 1, {.kernel = {3}, .dtype = GT_I64}, GT_ERR_DTYPE, "not i64"},
        {1 << 30, 1 << 30, {.kernel = {1 << 30}}, GT_ERR_MEMORY, "overflows"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(gt_nn_conv2d_(gt, bad[i].in, bad[i].out, bad[i].opts));
        assert_error(gt, bad[i].code, bad[i].message);
    }
    assert_null(gt_nn_lazy_conv2d(gt, 1));
    assert_non_null(strstr(gt_error_message(gt), "test_nn.c:"));
    assert_error(gt, GT_ERR_ARGUMENT, ".kernel = {height, width} is required");
    gt_module *m = gt_nn_lazy_conv2d(gt, 4, .kernel = {3}, .groups = 2);
    assert_null(gt_forward(m, gt_zeros(gt, GT_SHAPE(8, 8))));
    assert_error(gt, GT_ERR_SHAPE, "must be [n,c,h,w] or [c,h,w], not [8,8]");
    assert_null(gt_forward(m, gt_zeros(gt, GT_SHAPE(1, 3, 8, 8))));
    assert_error(gt, GT_ERR_ARGUMENT, "3 input channels do not divide into 2");
    assert_null(gt_forward(m, gt_zeros(gt, GT_SHAPE(1, 2, 8, 8), .dtype = GT_F64)));
    assert_error(gt, GT_ERR_DTYPE, "conv2d");
    assert_non_null(gt_forward(m, gt_zeros(gt, GT_SHAPE(1, 2, 8, 8))));
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d_start), cmocka_unit_test(test_conv2d_options),
        cmocka_unit_test(test_lazy_conv2d),  cmocka_unit_test(test_lazy_chain),
        cmocka_unit_test(test_steady_state), cmocka_unit_test(test_bad_conv2d),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

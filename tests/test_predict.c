/* Predicting: gt_predict, modes for a while, and what inference keeps in memory. */
#include "support.h"

#include <math.h>

#include "cli/networks.h"

static gt_module *net_with_frozen_norm(gt_ctx *gt)
{
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4),
                                      gt_nn_dropout(gt, 0.5), gt_nn_linear(gt, 4, 2));
    gt_eval(gt_module_nth(net, 1));
    return net;
}

static void assert_same(const gt_tensor *a, const gt_tensor *b)
{
    assert_true(a && b && gt_same_shape(a, b));
    assert_memory_equal(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype));
}

static void assert_modes(gt_module *net)
{
    assert_true(net->training && gt_module_nth(net, 0)->training);
    assert_false(gt_module_nth(net, 1)->training);
    assert_true(gt_module_nth(net, 2)->training);
}

/* The same rows for any batch; modes, recording and tape as before. */
static void test_tensor(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = net_with_frozen_norm(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(10, 3));
    gt_module_push_mode(net, false);
    gt_tensor *want = gt_forward(net, x);
    gt_module_pop_mode(net);
    const uint64_t nodes = gt_get_stats(gt).nodes;
    for (int64_t batch = 0; batch <= 12; batch++) {
        gt_tensor *y = gt_predict(net, x, .batch = batch);
        assert_true(gt_same_shape(y, want) && !y->requires_grad);
        for (int i = 0; i < 20; i++) assert_true(fabs(element(y, i) - element(want, i)) < 1e-5);
        assert_modes(net);
    }
    assert_true(gt_is_recording(gt) && gt_get_stats(gt).nodes == nodes);
    gt_set_recording(gt, false);
    gt_predict(net, x);
    assert_false(gt_set_recording(gt, true));
}

/* Two inputs, two outputs of other shapes and dtypes. */
static bool forward_pair(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    (void)m;
    out[0] = gt_mul(in[0], in[1]);
    out[1] = gt_argmax(in[0], 1);
    return out[1];
}

static void test_loader(void **state)
{
    gt_ctx *gt = *state;
    static const gt_module_type type = {.name = "Pair",
                                        .size = sizeof(gt_module),
                                        .inputs = "a b",
                                        .outputs = "product place",
                                        .forward_many = forward_pair};
    gt_module *m = gt_module_new(gt, &type);
    gt_tensor *a = gt_randn(gt, GT_SHAPE(7, 3)), *b = gt_randn(gt, GT_SHAPE(7, 3));
    gt_tensor *label = gt_full(gt, GT_SHAPE(7), 1, .dtype = GT_I64);
    gt_dataset *d = gt_tensor_dataset(a, b, label);
    gt_loader *loader = gt_loader_new(d, 3);
    for (int i = 0; i < 2; i++) {
        const gt_outputs y = gt_predict_loader(m, loader);
        assert_well(gt);
        assert_same(y.at[0], gt_mul(a, b));
        assert_same(gt_output(&y, "place"), gt_argmax(a, 1));
    }
    gt_tensor *x, *z, *t;
    gt_loader_next(loader, &x, &z, &t); /* is given up */
    const gt_outputs y = gt_predict_loader(gt_nn_relu(gt), loader, .inputs = 1);
    assert_same(y.at[0], gt_relu(a));
}

static void test_log(void **state)
{
    gt_ctx *gt = *state;
    FILE *f = tmpfile();
    char line[256] = "";
    gt_predict(gt_nn_relu(gt), gt_ones(gt, GT_SHAPE(4, 2)), .batch = 1, .log = f);
    rewind(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_non_null(strstr(line, "predict"));
    fclose(f);
}

static gt_tensor *one_row(gt_tensor *x)
{
    return gt_sum(x, .axes = GT_AXES(0));
}

static gt_tensor *by_size(gt_tensor *x)
{
    return x->shape.dim[0] == 4 ? x : gt_sum(x, .axes = GT_AXES(1));
}

static void test_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_module *relu = gt_nn_relu(gt), *net = net_with_frozen_norm(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(5, 3));
    gt_predict(NULL, x);
    assert_error(gt, GT_ERR_ARGUMENT, "the module is NULL");
    gt_predict(relu, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "tensor or loader is NULL");
    gt_predict(relu, x, .batch = -1);
    assert_error(gt, GT_ERR_ARGUMENT, "batch is -1");
    gt_predict(relu, x, .inputs = 1);
    assert_error(gt, GT_ERR_ARGUMENT, ".inputs is for loaders");
    gt_predict(relu, gt_scalar(gt, 1));
    assert_error(gt, GT_ERR_SHAPE, "holds no items");
    gt_predict(gt_nn_lambda(gt, one_row), x);
    assert_error(gt, GT_ERR_SHAPE, "a row for each of 5 items");
    gt_predict(gt_nn_lambda(gt, by_size), x, .batch = 4);
    assert_error(gt, GT_ERR_SHAPE, "others had another shape or dtype");
    gt_predict_loader(relu, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "tensor or loader is NULL");
    gt_predict(net, gt_ones(gt, GT_SHAPE(5, 2)), .batch = 2);
    assert_error(gt, GT_ERR_SHAPE, "linear");
    assert_modes(net);
    assert_true(gt_is_recording(gt));
}

/* --- memory --- */

/* Layers that keep the shape [2,8,16,16]. */
#define KINDS(ROW)                                                                                 \
    ROW(gt_nn_relu(gt))                                                                            \
    ROW(gt_nn_relu6(gt))                                                                           \
    ROW(gt_nn_tanh(gt))                                                                            \
    ROW(gt_nn_sigmoid(gt))                                                                         \
    ROW(gt_nn_selu(gt))                                                                            \
    ROW(gt_nn_silu(gt))                                                                            \
    ROW(gt_nn_mish(gt))                                                                            \
    ROW(gt_nn_hardsigmoid(gt))                                                                     \
    ROW(gt_nn_hardswish(gt))                                                                       \
    ROW(gt_nn_leaky_relu(gt))                                                                      \
    ROW(gt_nn_elu(gt))                                                                             \
    ROW(gt_nn_gelu(gt))                                                                            \
    ROW(gt_nn_softplus(gt))                                                                        \
    ROW(gt_nn_hardtanh(gt))                                                                        \
    ROW(gt_nn_softmax(gt, 1))                                                                      \
    ROW(gt_nn_log_softmax(gt, 1))                                                                  \
    ROW(gt_nn_prelu(gt))                                                                           \
    ROW(gt_nn_identity(gt))                                                                        \
    ROW(gt_nn_dropout(gt, 0.5))                                                                    \
    ROW(gt_nn_dropout2d(gt, 0.5))                                                                  \
    ROW(gt_nn_batch_norm2d(gt, 8))                                                                 \
    ROW(gt_nn_group_norm(gt, 2, 8))                                                                \
    ROW(gt_nn_layer_norm(gt, GT_SHAPE(16)))                                                        \
    ROW(gt_nn_instance_norm2d(gt, 8))                                                              \
    ROW(gt_nn_linear(gt, 16, 16))                                                                  \
    ROW(gt_nn_conv2d(gt, 8, 8, .kernel = {3}, .padding = {1}))                                     \
    ROW(gt_nn_conv_transpose2d(gt, 8, 8, .kernel = {3}, .padding = {1}))                           \
    ROW(gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {1}, .padding = {1}))                        \
    ROW(gt_nn_avg_pool2d(gt, .kernel = {3}, .stride = {1}, .padding = {1}))                        \
    ROW(gt_nn_adaptive_avg_pool2d(gt, 16, 16))                                                     \
    ROW(gt_nn_adaptive_max_pool2d(gt, 16, 16))                                                     \
    ROW(gt_nn_upsample(gt, .scale = {1}))                                                          \
    ROW(gt_nn_sequential(gt, gt_nn_relu(gt), gt_nn_tanh(gt)))                                      \
    ROW(gt_nn_residual(gt, gt_nn_tanh(gt)))                                                        \
    ROW(gt_nn_residual(gt, gt_nn_tanh(gt), .shortcut = gt_nn_sigmoid(gt)))                         \
    ROW(gt_nn_sequential(gt, gt_nn_concat(gt, gt_nn_identity(gt), gt_nn_tanh(gt)),                 \
                         gt_nn_conv2d(gt, 16, 8, .kernel = {1})))

/* Activations at the same time, beyond what was there: in a chain of twelve no more than what two
 * layers and their scratch need, whatever the chain's length. */
static double peak_of(gt_ctx *gt, gt_module *net)
{
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 8, 16, 16));
    gt_eval(net);
    gt_set_recording(gt, false);
    gt_forward(net, x); /* what is derived from weights is made */
    gt_rewind(gt, start);
    x = gt_randn(gt, GT_SHAPE(2, 8, 16, 16));
    const uint64_t before = gt_get_stats(gt).bytes_live;
    gt_stats_reset_peak(gt);
    gt_forward(net, x);
    const double size = (double)x->size * sizeof(float);
    const double peak = (double)(gt_get_stats(gt).bytes_peak - before) / size;
    gt_set_recording(gt, true);
    gt_rewind(gt, start);
    assert_well(gt);
    return peak;
}

static void test_memory(void **state)
{
    gt_ctx *gt = *state;
    int wrong = 0;
#define ROW(make)                                                                                  \
    {                                                                                              \
        gt_module *few = gt_nn_sequential_empty(gt), *many = gt_nn_sequential_empty(gt);           \
        for (int i = 0; i < 3; i++) gt_module_append(few, make);                                   \
        for (int i = 0; i < 12; i++) gt_module_append(many, make);                                 \
        const double a = peak_of(gt, few), b = peak_of(gt, many);                                  \
        if (b > a + 1.2 /* statistics of norms */ || b > 8) {                                      \
            print_error("%s: %.2f activations of 3 layers, %.2f of 12\n", #make, a, b);            \
            wrong++;                                                                               \
        }                                                                                          \
        gt_module_free(few);                                                                       \
        gt_module_free(many);                                                                      \
    }
    KINDS(ROW)
    assert_int_equal(wrong, 0);
}

/* Nobody reads the statistics of norms where nothing is recorded. */
static void test_statistics(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(64, 4));
    gt_set_recording(gt, false);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    gt_tensor *y[] = {gt_layer_norm(x, 1), gt_rms_norm(x, 1), gt_group_norm(x, 2)};
    assert_well(gt);
    assert_in_range(gt_get_stats(gt).bytes_live - before, 3 * 1024, 3 * 1024 + 512);
    assert_true(y[0] && y[1] && y[2]);
}

/* Whatever a network does between its layers, nothing but its output is left. The first passes may
 * keep what they have packed of weights. */
static void test_networks(void **state)
{
    static const char *const names[] = {"lenet", "resnet18", "unet"};
    for (int i = 0; i < 3; i++) {
        gt_ctx *gt = *state;
        const gti_cli_network *network = gti_cli_network_find(names[i]);
        gt_module *net = network->build(gt, network->channels, network->classes);
        gt_tensor *x = gt_keep(gt_zeros(gt, GT_SHAPE(1, network->channels, 32, 32)));
        const gt_mark start = gt_mark_tape(gt);
        gt_eval(net);
        gt_set_recording(gt, false);
        uint64_t before = 0;
        for (int pass = 0; pass < 4; pass++) {
            gt_rewind(gt, start);
            before = gt_get_stats(gt).bytes_live;
            gt_forward(net, x);
        }
        assert_well(gt);
        assert_in_range(gt_get_stats(gt).bytes_live - before, 1, 16384);
        gt_set_recording(gt, true);
        gt_module_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tensor, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_loader, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_log, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_memory, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_statistics, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_networks, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

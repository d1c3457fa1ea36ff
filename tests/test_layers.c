/* Layers: descriptions, lazy ones, options, misuse; test_networks.c compares them with PyTorch. */
#include "networks.h"

/* --- descriptions, as PyTorch 2.15 prints them --- */

static void test_descriptions(void **state)
{
    gt_ctx *gt = *state;
    const struct {
        gt_module *m;
        const char *text;
    } rows[] = {
        {gt_nn_conv2d(gt, 2, 6, .kernel = {5, 3}, .stride = {2}, .padding = {1, GT_ZERO},
                      .dilation = {2}, .groups = 2),
         "Conv2d(2, 6, kernel_size=(5, 3), stride=(2, 2), padding=(1, 0), dilation=(2, 2), "
         "groups=2)"},
        {gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .same_padding = true, .no_bias = true),
         "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=same, bias=False)"},
        {gt_nn_lazy_linear(gt, 4, .no_bias = true),
         "LazyLinear(in_features=0, out_features=4, bias=False)"},
        {gt_nn_batch_norm1d(gt, 6, .no_affine = true, .no_running_stats = true, .cumulative = true),
         "BatchNorm1d(6, eps=1e-05, momentum=None, affine=False, bias=False, "
         "track_running_stats=False)"},
        {gt_nn_max_pool2d(gt, .kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 1},
                          .ceil_mode = true),
         "MaxPool2d(kernel_size=(2, 3), stride=(2, 1), padding=1, dilation=1, ceil_mode=True)"},
        {gt_nn_avg_pool2d(gt, .kernel = {2, 3}),
         "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0)"},
        {gt_nn_dropout2d(gt, 0.1), "Dropout2d(p=0.1, inplace=False)"},
        {gt_nn_flatten(gt, .start = GT_ZERO, .end = -2), "Flatten(start_dim=0, end_dim=-2)"},
        {gt_nn_leaky_relu(gt, .negative_slope = 0.2), "LeakyReLU(negative_slope=0.2)"},
        {gt_nn_log_softmax(gt, -1), "LogSoftmax(dim=-1)"},
        {gt_nn_embedding(gt, 10, 3), "Embedding(10, 3)"},
        {gt_nn_embedding(gt, 10, 3, .padding_idx = -1), "Embedding(10, 3, padding_idx=9)"},
        {gt_nn_layer_norm(gt, GT_SHAPE(2, 5), .no_affine = true),
         "LayerNorm((2, 5), eps=1e-05, elementwise_affine=False, bias=False)"},
        {gt_nn_instance_norm2d(gt, 6),
         "InstanceNorm2d(6, eps=1e-05, momentum=0.1, affine=False, bias=False, "
         "track_running_stats=False)"},
        {gt_nn_upsample(gt, .scale = {2, 1.5}, .mode = GT_BILINEAR),
         "Upsample(scale_factor=(2.0, 1.5), mode='bilinear')"},
        {gt_nn_adaptive_max_pool2d(gt, 0, 7), "AdaptiveMaxPool2d(output_size=(None, 7))"},
        {gt_nn_relu6(gt), "ReLU6()"},
        {gt_nn_selu(gt), "SELU()"},
        {gt_nn_hardsigmoid(gt), "Hardsigmoid()"},
        {gt_nn_lambda(gt, gt_square), "Lambda()"},
    };
    assert_well(gt);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        assert_string_equal(gt_module_describe(rows[i].m, text, sizeof text), rows[i].text);
    }
}

/* --- behaviour --- */

static void test_lazy_become(void **state)
{
    gt_ctx *gt = *state;
    static const char *const before[] = {"LazyConv2d", "LazyBatchNorm2d", "LazyConvTranspose2d",
                                         "LazyLinear", "LazyBatchNorm1d"};
    gt_module *net = lazy(gt);
    const int place[] = {0, 1, 4, 6, 7};
    for (int i = 0; i < 5; i++)
        assert_string_equal(gt_module_nth(net, place[i])->type->name, before[i]);
    gt_forward(net, gt_zeros(gt, GT_SHAPE(2, 2, 6, 6)));
    assert_well(gt);
    for (int i = 0; i < 5; i++)
        assert_string_equal(gt_module_nth(net, place[i])->type->name, before[i] + 4);
    gt_forward(net, gt_zeros(gt, GT_SHAPE(2, 3, 6, 6)));
    assert_error(gt, GT_ERR_SHAPE, "Conv2d '0'");
}

static void test_embedding_pads_from_the_end(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_embedding(gt, 3, 1, .padding_idx = -1);
    gt_tensor *w = gt_module_parameter(m, "weight"), *all = gt_arange(gt, 0, 3, 1, .dtype = GT_I64);
    assert_true(element(w, 1) != 0 && element(w, 2) == 0);
    gt_backward(gt_sum(gt_forward(m, all)));
    ASSERT_VALUES(w->grad, 0, 1, 1, 0);
}

static void test_dropout(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_dropout(gt, 0.5);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1000));
    const double kept = gt_item(gt_sum(gt_forward(m, x))) / 2;
    assert_true(kept > 420 && kept < 580);
    gt_eval(m);
    assert_ptr_equal(gt_forward(m, x), x);
}

/* One image or sequence without a batch is what it is in a batch of one. */
static void test_without_a_batch(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *image = gt_rand(gt, GT_SHAPE(4, 5, 6)), *line = gt_rand(gt, GT_SHAPE(4, 7));
    gt_module *images[] = {
        gt_nn_conv2d(gt, 4, 2, .kernel = {3}, .padding = {1}, .padding_mode = GT_PAD_REFLECT),
        gt_nn_lazy_conv2d(gt, 2, .kernel = {3}),
        gt_nn_conv_transpose2d(gt, 4, 2, .kernel = {2}, .stride = {2}),
        gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_adaptive_avg_pool2d(gt, 2, 2),
        gt_nn_instance_norm2d(gt, 4, .affine = true, .running_stats = true),
        gt_nn_pad2d(gt, .pad = {1, 2, 0, 1}, .mode = GT_PAD_REPLICATE),
        gt_nn_unfold(gt, .kernel = {2}),
        gt_nn_pixel_shuffle(gt, 2),
    };
    gt_module *lines[] = {
        gt_nn_conv1d(gt, 4, 2, .kernel = 3),
        gt_nn_lazy_conv1d(gt, 2, .kernel = 3),
        gt_nn_conv_transpose1d(gt, 4, 2, .kernel = 2),
        gt_nn_lazy_conv_transpose1d(gt, 2, .kernel = 2),
        gt_nn_avg_pool1d(gt, .kernel = 2),
        gt_nn_adaptive_max_pool1d(gt, 3),
        gt_nn_instance_norm1d(gt, 4),
        gt_nn_pad1d(gt, .pad = {1, 1}),
    };
    enum { IMAGES = sizeof images / sizeof *images, LINES = sizeof lines / sizeof *lines };
    for (int i = 0; i < IMAGES + LINES; i++) {
        gt_module *m = i < IMAGES ? images[i] : lines[i - IMAGES];
        gt_tensor *x = i < IMAGES ? image : line, *y = gt_forward(m, x);
        gt_tensor *batch = gt_forward(m, gt_unsqueeze(x, 0));
        assert_well(gt);
        assert_true(gt_shape_equal(gt_squeeze(batch, .axes = GT_AXES(0))->shape, y->shape));
        assert_memory_equal(batch->data, y->data, (size_t)y->size * sizeof(float));
    }
}

static void test_stochastic_depth(void **state)
{
    gt_ctx *gt = *state;
    gt_module *rows = gt_nn_stochastic_depth(gt, 0.5),
              *batch = gt_nn_stochastic_depth(gt, 0.5, .batch = true);
    char text[64];
    assert_string_equal(gt_module_describe(batch, text, sizeof text),
                        "StochasticDepth(p=0.5, mode=batch)");
    gt_tensor *x = gt_ones(gt, GT_SHAPE(400, 2));
    const double kept = gt_item(gt_sum(gt_forward(rows, x))) / 4;
    assert_true(kept > 140 && kept < 260);
    const double all = gt_item(gt_sum(gt_forward(batch, x)));
    assert_true(all == 0 || all == 1600);
    gt_eval(rows);
    assert_ptr_equal(gt_forward(rows, x), x);
    assert_null(gt_nn_stochastic_depth(gt, 1.5));
    assert_error(gt, GT_ERR_ARGUMENT, "p is 1.5, but must lie between 0 and 1");
}

/* Statistics of the batch also in evaluation where none are kept. */
static void test_batch_norm_without_statistics(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_batch_norm1d(gt, 1, .no_running_stats = true);
    gt_eval(m);
    gt_tensor *x = gt_values(gt, GT_SHAPE(4, 1), 1, 2, 3, 4);
    ASSERT_VALUES(gt_forward(m, x), 1e-4, -1.34163, -0.44721, 0.44721, 1.34163);
    assert_null(gt_module_buffer(m, "running_mean"));
}

static void test_conv1d_pads_in_f64(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_conv1d(gt, 1, 1, .kernel = 3, .padding = 1, .no_bias = true,
                                .padding_mode = GT_PAD_REPLICATE, .dtype = GT_F64);
    gt_init_ones(gt_module_parameter(m, "weight"));
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(1, 1, 4), .dtype = GT_F64);
    for (int i = 0; i < 4; i++) ((double *)x->data)[i] = i + 1;
    ASSERT_VALUES(gt_forward(m, x), 0, 4, 6, 9, 11);
}

static void test_adaptive_pools_keep_a_size(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(1, 1, 2, 3), 1, 2, 3, 4, 5, 6);
    ASSERT_VALUES(gt_forward(gt_nn_adaptive_avg_pool2d(gt, 0, 1), x), 0, 2, 5);
    ASSERT_VALUES(gt_forward(gt_nn_adaptive_max_pool2d(gt, 1, 0), x), 0, 4, 5, 6);
}

/* 8 columns of 5 by 1.7: neighbours are 1 / 1.7 apart, as in PyTorch, not 5 / 8. */
static void test_upsample_by_scale(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(1, 1, 1, 5), 0, 1, 2, 3, 4);
    gt_module *nearest = gt_nn_upsample(gt, .scale = {1, 1.7});
    ASSERT_VALUES(gt_forward(nearest, x), 0, 0, 0, 1, 1, 2, 2, 3, 4);
    gt_module *bilinear = gt_nn_upsample(gt, .scale = {1, 1.7}, .mode = GT_BILINEAR);
    ASSERT_VALUES(gt_forward(bilinear, x), 1e-6, 0, 0.382353, 0.970588, 1.558824, 2.147059,
                  2.735294, 3.323529, 3.911765);
}

static void test_misuse(void **state)
{
    gt_ctx *gt = *state;
#define REFUSES(call, code, part)                                                                  \
    do {                                                                                           \
        assert_null(call);                                                                         \
        assert_error(gt, code, part);                                                              \
    } while (0)
    REFUSES(gt_nn_pad1d(gt, .pad = {1, 1, 1}), GT_ERR_ARGUMENT, "sequences have none");
    REFUSES(gt_nn_pixel_shuffle(gt, 0), GT_ERR_ARGUMENT, "factor");
    REFUSES(gt_nn_unfold(gt, .stride = {2}), GT_ERR_ARGUMENT, "kernel is {0, 0}");
    REFUSES(gt_nn_fold(gt, 0, 3, .kernel = {2}), GT_ERR_ARGUMENT, "height");
    REFUSES(gt_nn_rms_norm(gt, GT_SCALAR), GT_ERR_SHAPE, "the shape has 0 dimensions");
    REFUSES(gt_nn_linear(gt, 0, 3), GT_ERR_ARGUMENT, "input features are 0");
    REFUSES(gt_nn_lazy_linear(gt, -1), GT_ERR_ARGUMENT, "output features are -1");
    REFUSES(gt_nn_linear(gt, 2, 3, .dtype = GT_U8), GT_ERR_DTYPE, "not u8");
    REFUSES(gt_nn_conv1d(gt, 2, 3, .kernel = 0), GT_ERR_ARGUMENT, "kernel is {0, 0}");
    REFUSES(gt_nn_conv2d(gt, 2, 3, .kernel = {3}, .stride = {2}, .same_padding = true),
            GT_ERR_ARGUMENT, "same_padding is made for stride 1");
    REFUSES(gt_nn_conv2d(gt, 2, 3, .kernel = {3}, .padding = {1, 1}, .same_padding = true),
            GT_ERR_ARGUMENT, "both padding {1, 1} and same_padding");
    REFUSES(gt_nn_conv_transpose2d(gt, 3, 4, .kernel = {3}, .groups = 2), GT_ERR_ARGUMENT,
            "3 input channels do not divide");
    REFUSES(gt_nn_batch_norm2d(gt, 4, .momentum = 2), GT_ERR_ARGUMENT, "momentum is 2");
    REFUSES(gt_nn_instance_norm2d(gt, 4, .momentum = -1), GT_ERR_ARGUMENT, "momentum is -1");
    REFUSES(gt_nn_group_norm(gt, 4, 6), GT_ERR_ARGUMENT, "6 channels do not divide into 4 groups");
    REFUSES(gt_nn_group_norm(gt, 0, 6), GT_ERR_ARGUMENT, "groups are -1");
    REFUSES(gt_nn_layer_norm(gt, GT_SCALAR), GT_ERR_SHAPE, "has 0 dimensions");
    const gt_shape nine = {9, {1, 1, 1, 1, 1, 1}};
    REFUSES(gt_nn_layer_norm(gt, nine), GT_ERR_SHAPE, "has 9 dimensions");
    REFUSES(gt_nn_dropout(gt, 1.5), GT_ERR_ARGUMENT, "p is 1.5");
    REFUSES(gt_nn_max_pool2d(gt, .stride = {2}), GT_ERR_ARGUMENT, ".kernel = {height, width}");
    REFUSES(gt_nn_adaptive_avg_pool2d(gt, -1, 1), GT_ERR_ARGUMENT, "output is to be -1x1");
    REFUSES(gt_nn_upsample(gt, .mode = GT_BILINEAR), GT_ERR_ARGUMENT, "one of them must be given");
    REFUSES(gt_nn_upsample(gt, .size = {2}, .scale = {2}), GT_ERR_ARGUMENT, "one of them");
    REFUSES(gt_nn_embedding(gt, 5, 2, .padding_idx = 5), GT_ERR_ARGUMENT, "must lie in -5..4");
    REFUSES(gt_nn_embedding(gt, 5, 2, .padding_idx = -6), GT_ERR_ARGUMENT, "must lie in -5..4");
    REFUSES(gt_nn_lambda(gt, NULL), GT_ERR_ARGUMENT, "the function is NULL");
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(2, 3, 4));
    REFUSES(gt_forward(gt_nn_batch_norm2d(gt, 3), x), GT_ERR_SHAPE, "must be [n,c,h,w]");
    REFUSES(gt_forward(gt_nn_batch_norm1d(gt, 5, .no_affine = true, .no_running_stats = true), x),
            GT_ERR_SHAPE, "has 3 channels, but the layer is made for 5");
    REFUSES(gt_forward(gt_nn_layer_norm(gt, GT_SHAPE(3), .no_affine = true), x), GT_ERR_SHAPE,
            "[2,3,4] does not end in [3]");
    REFUSES(gt_forward(gt_nn_group_norm(gt, 1, 2, .no_affine = true), x), GT_ERR_SHAPE,
            "does not have channels [2]");
    REFUSES(gt_forward(gt_nn_lazy_linear(gt, 2), gt_zeros(gt, GT_SCALAR)), GT_ERR_SHAPE,
            "must be [..,features], not []");
}

#define IN_CONTEXT(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CONTEXT(test_descriptions),
        IN_CONTEXT(test_lazy_become),
        IN_CONTEXT(test_embedding_pads_from_the_end),
        IN_CONTEXT(test_dropout),
        IN_CONTEXT(test_without_a_batch),
        IN_CONTEXT(test_stochastic_depth),
        IN_CONTEXT(test_batch_norm_without_statistics),
        IN_CONTEXT(test_conv1d_pads_in_f64),
        IN_CONTEXT(test_adaptive_pools_keep_a_size),
        IN_CONTEXT(test_upsample_by_scale),
        IN_CONTEXT(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

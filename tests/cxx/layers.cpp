/* layers.h */
#include "cxx.h"

/* Each makes something of x; what that is, is for the C tests. */
template <size_t n> static void takes(gt_tensor *x, gt_module *const (&layer)[n])
{
    for (gt_module *m : layer) IS_TRUE(gt_forward(m, x));
}

static void test_images(gt_ctx *gt)
{
    gt_module *const all[] = {
        gt_nn_conv2d(gt, 2, 4, .kernel = {3}, .padding = {1, 1}, .no_bias = true),
        gt_nn_lazy_conv2d(gt, 4, .kernel = {3}, .same_padding = true),
        gt_nn_conv_transpose2d(gt, 2, 4, .kernel = {2}, .stride = {2}),
        gt_nn_lazy_conv_transpose2d(gt, 4, .kernel = {2}),
        gt_nn_batch_norm2d(gt, 2),
        gt_nn_batch_norm2d(gt, 2, .eps = 1e-3, .momentum = 0.2, .no_affine = true),
        gt_nn_lazy_batch_norm2d(gt, .cumulative = true),
        gt_nn_group_norm(gt, 2, 2, .no_affine = true),
        gt_nn_rms_norm(gt, GT_SHAPE(6), .eps = 1e-6),
        gt_nn_pad2d(gt, .pad = {1, 1, 2, 2}, .mode = GT_PAD_REFLECT),
        gt_nn_unfold(gt, .kernel = {2}),
        gt_nn_permute(gt, 0, 2, 3, 1),
        gt_nn_sequential(gt, gt_nn_pixel_unshuffle(gt, 2), gt_nn_pixel_shuffle(gt, 2)),
        gt_nn_sequential(gt, gt_nn_unfold(gt, .kernel = {2}), gt_nn_fold(gt, 6, 6, .kernel = {2})),
        gt_nn_stochastic_depth(gt, 0.5, .batch = true),
        gt_nn_instance_norm2d(gt, 2, .affine = true),
        gt_nn_dropout2d(gt, 0.5),
        gt_nn_max_pool2d(gt, .kernel = {2}, .ceil_mode = true),
        gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {1}),
        gt_nn_adaptive_avg_pool2d(gt, 2, 2),
        gt_nn_adaptive_max_pool2d(gt, 2, 2),
        gt_nn_global_avg_pool2d(gt),
        gt_nn_global_max_pool2d(gt),
        gt_nn_upsample(gt, .scale = {2}, .mode = GT_BILINEAR),
        gt_nn_flatten(gt),
        gt_nn_flatten(gt, .start = GT_ZERO),
    };
    takes(gt_rand(gt, GT_SHAPE(1, 2, 6, 6)), all);
}

static void test_sequences(gt_ctx *gt)
{
    gt_module *const all[] = {
        gt_nn_conv1d(gt, 2, 4, .kernel = 3, .dilation = 2),
        gt_nn_batch_norm1d(gt, 2),
        gt_nn_lazy_conv1d(gt, 4, .kernel = 3),
        gt_nn_conv_transpose1d(gt, 2, 4, .kernel = 3, .stride = 2),
        gt_nn_lazy_conv_transpose1d(gt, 4, .kernel = 3),
        gt_nn_instance_norm1d(gt, 2, .affine = true),
        gt_nn_pad1d(gt, .pad = {1, 2}, .value = 3),
        gt_nn_lazy_batch_norm1d(gt),
        gt_nn_max_pool1d(gt, .kernel = 2),
        gt_nn_avg_pool1d(gt, .kernel = 2),
        gt_nn_adaptive_avg_pool1d(gt, 3),
        gt_nn_adaptive_max_pool1d(gt, 3),
        gt_nn_linear(gt, 6, 3),
        gt_nn_linear(gt, 6, 3, .no_bias = true),
        gt_nn_lazy_linear(gt, 3),
        gt_nn_layer_norm(gt, GT_SHAPE(2, 6), .eps = 1e-4),
        gt_nn_dropout(gt, 0.5),
        gt_nn_identity(gt),
        gt_nn_lambda(gt, gt_square),
    };
    takes(gt_rand(gt, GT_SHAPE(1, 2, 6)), all);
}

static void test_activations(gt_ctx *gt)
{
    gt_module *const all[] = {
        gt_nn_relu(gt),
        gt_nn_relu6(gt),
        gt_nn_tanh(gt),
        gt_nn_sigmoid(gt),
        gt_nn_selu(gt),
        gt_nn_silu(gt),
        gt_nn_mish(gt),
        gt_nn_hardsigmoid(gt),
        gt_nn_log_sigmoid(gt),
        gt_nn_hardswish(gt),
        gt_nn_leaky_relu(gt, .negative_slope = 0.1),
        gt_nn_elu(gt),
        gt_nn_gelu(gt, .tanh_approximation = true),
        gt_nn_softplus(gt),
        gt_nn_hardtanh(gt, .min_val = -2, .max_val = 2),
        gt_nn_softmax(gt, 1),
        gt_nn_log_softmax(gt, -1),
        gt_nn_prelu(gt),
        gt_nn_prelu(gt, .channels = 3, .start = 0.1),
    };
    takes(gt_rand(gt, GT_SHAPE(2, 3)), all);
}

void test_layers(gt_ctx *gt)
{
    test_images(gt);
    test_sequences(gt);
    test_activations(gt);
    gt_tensor *index = gt_randint(gt, 0, 4, GT_SHAPE(5));
    IS_TRUE(gt_forward(gt_nn_embedding(gt, 4, 2, .padding_idx = -1), index)->size == 10);
}

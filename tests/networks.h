/* The networks of tools/reference_nn.py, in gradtape. */
#ifndef GT_TESTS_NETWORKS_H
#define GT_TESTS_NETWORKS_H

#include "support.h"

static inline gt_module *lenet(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2}),
                            gt_nn_sigmoid(gt), gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
                            gt_nn_conv2d(gt, 6, 16, .kernel = {5}), gt_nn_sigmoid(gt),
                            gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}), gt_nn_flatten(gt),
                            gt_nn_linear(gt, 400, 120), gt_nn_sigmoid(gt),
                            gt_nn_linear(gt, 120, 84), gt_nn_sigmoid(gt), gt_nn_linear(gt, 84, 10));
}

static inline gt_module *lazy(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_lazy_conv2d(gt, 4, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_lazy_conv_transpose2d(gt, 3, .kernel = {2}, .stride = {2}), gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 5), gt_nn_lazy_batch_norm1d(gt));
}

static inline gt_module *batch_norms(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, 2, 6, .kernel = {3}, .no_bias = true), gt_nn_batch_norm2d(gt, 6),
        gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1}),
        gt_nn_conv2d(gt, 6, 4, .kernel = {3}, .same_padding = true, .groups = 2),
        gt_nn_batch_norm2d(gt, 4, .cumulative = true, .no_affine = true), gt_nn_leaky_relu(gt),
        gt_nn_group_norm(gt, 2, 4), gt_nn_adaptive_avg_pool2d(gt, 1, 1), gt_nn_flatten(gt),
        gt_nn_linear(gt, 4, 3), gt_nn_batch_norm1d(gt, 3, .eps = 1e-3, .momentum = 0.01),
        gt_nn_dropout(gt, 0.0));
}

static inline gt_module *residual_block(gt_ctx *gt, int in, int out, int stride)
{
    gt_module *body = gt_nn_sequential(
        gt, gt_nn_conv2d(gt, in, out, .kernel = {3}, .stride = {stride}, .padding = {1}),
        gt_nn_batch_norm2d(gt, out), gt_nn_relu(gt),
        gt_nn_conv2d(gt, out, out, .kernel = {3}, .padding = {1}), gt_nn_batch_norm2d(gt, out));
    if (stride == 1) return gt_nn_residual(gt, body);
    return gt_nn_residual(gt, body,
                          .shortcut = gt_nn_conv2d(gt, in, out, .kernel = {1}, .stride = {stride}));
}

static inline gt_module *residual(gt_ctx *gt)
{
    return gt_nn_sequential(gt, residual_block(gt, 3, 3, 1), gt_nn_relu(gt),
                            residual_block(gt, 3, 6, 2), gt_nn_relu(gt),
                            gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt));
}

static inline gt_module *inception(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt,
        gt_nn_concat(
            gt, gt_nn_conv2d(gt, 2, 3, .kernel = {1}),
            gt_nn_sequential(gt, gt_nn_conv2d(gt, 2, 2, .kernel = {1}), gt_nn_silu(gt),
                             gt_nn_conv2d(gt, 2, 4, .kernel = {3, 1}, .padding = {1, GT_ZERO})),
            gt_nn_sequential(gt, gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {1}, .padding = {1}),
                             gt_nn_conv2d(gt, 2, 2, .kernel = {1}, .no_bias = true))),
        gt_nn_concat(gt, gt_nn_identity(gt),
                     gt_nn_sequential(gt, gt_nn_instance_norm2d(gt, 9, .affine = true),
                                      gt_nn_prelu(gt, .channels = 9),
                                      gt_nn_conv2d(gt, 9, 3, .kernel = {3}, .padding = {1}))));
}

static inline gt_module *instance_norms(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_instance_norm2d(gt, 3, .running_stats = true),
                            gt_nn_conv2d(gt, 3, 4, .kernel = {3}), gt_nn_relu(gt),
                            gt_nn_instance_norm2d(gt, 4, .eps = 1e-3, .momentum = 0.3,
                                                  .affine = true, .running_stats = true));
}

static inline gt_module *transformer_like(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_embedding(gt, 7, 6, .padding_idx = GT_ZERO), gt_nn_layer_norm(gt, GT_SHAPE(6)),
        gt_nn_linear(gt, 6, 8), gt_nn_gelu(gt),
        gt_nn_residual(
            gt, gt_nn_sequential(gt, gt_nn_layer_norm(gt, GT_SHAPE(5, 8), .no_bias = true),
                                 gt_nn_linear(gt, 8, 8, .no_bias = true), gt_nn_softmax(gt, 2))));
}

static inline gt_module *sequences(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_conv1d(gt, 3, 4, .kernel = 3, .padding = 2, .dilation = 2),
                            gt_nn_batch_norm1d(gt, 4), gt_nn_elu(gt),
                            gt_nn_max_pool1d(gt, .kernel = 2),
                            gt_nn_conv1d(gt, 4, 4, .kernel = 4, .same_padding = true,
                                         .padding_mode = GT_PAD_CIRCULAR, .groups = 2),
                            gt_nn_tanh(gt), gt_nn_avg_pool1d(gt, .kernel = 2, .stride = 1),
                            gt_nn_adaptive_avg_pool1d(gt, 3), gt_nn_adaptive_max_pool1d(gt, 2),
                            gt_nn_gelu(gt, .tanh_approximation = true));
}

static inline gt_module *decoder(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt,
        gt_nn_conv_transpose2d(gt, 4, 6, .kernel = {3}, .stride = {2}, .padding = {1},
                               .output_padding = {1}, .groups = 2),
        gt_nn_mish(gt), gt_nn_upsample(gt, .scale = {2}, .mode = GT_BILINEAR),
        gt_nn_conv2d(gt, 6, 2, .kernel = {3}, .padding = {1}, .padding_mode = GT_PAD_REFLECT),
        gt_nn_hardswish(gt), gt_nn_adaptive_max_pool2d(gt, 3, 2),
        gt_nn_upsample(gt, .size = {4, 5}), gt_nn_softplus(gt),
        gt_nn_conv_transpose2d(gt, 2, 1, .kernel = {2, 3}, .dilation = {2}, .no_bias = true),
        gt_nn_hardtanh(gt));
}

static inline gt_module *lazy_sequences(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_lazy_conv1d(gt, 4, .kernel = 3, .stride = 2),
                            gt_nn_pad1d(gt, .pad = {2, 1}, .mode = GT_PAD_REFLECT),
                            gt_nn_instance_norm1d(gt, 4, .affine = true, .running_stats = true),
                            gt_nn_log_sigmoid(gt),
                            gt_nn_conv_transpose1d(gt, 4, 6, .kernel = 3, .stride = 2, .padding = 1,
                                                   .output_padding = 1, .groups = 2),
                            gt_nn_pad1d(gt, .pad = {1, -1}, .value = 0.5),
                            gt_nn_lazy_conv_transpose1d(gt, 2, .kernel = 2, .no_bias = true),
                            gt_nn_pad1d(gt, .pad = {1, 2}, .mode = GT_PAD_CIRCULAR),
                            gt_nn_pad1d(gt, .pad = {0, 3}, .mode = GT_PAD_REPLICATE));
}

static inline gt_module *super_resolution(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_pad2d(gt, .pad = {1, 2, 0, 1}, .mode = GT_PAD_REPLICATE),
        gt_nn_conv2d(gt, 2, 8, .kernel = {3}), gt_nn_pixel_shuffle(gt, 2),
        gt_nn_pad2d(gt, .pad = {1, 1, 1, 1}, .mode = GT_PAD_REFLECT),
        gt_nn_pad2d(gt, .pad = {0, 0, 2, 0}, .value = 0.25), gt_nn_pixel_unshuffle(gt, 3),
        gt_nn_permute(gt, 0, 2, 3, 1), gt_nn_rms_norm(gt, GT_SHAPE(18)),
        gt_nn_permute(gt, 0, 3, 1, 2),
        gt_nn_pad2d(gt, .pad = {1, 0, 1, 0}, .mode = GT_PAD_CIRCULAR),
        gt_nn_unfold(gt, .kernel = {2, 1}, .padding = {1, GT_ZERO}, .stride = {2}),
        gt_nn_fold(gt, 7, 2, .kernel = {3, 2}, .stride = {2, 1}, .padding = {GT_ZERO, 1}));
}

static inline gt_module *build_network(gt_ctx *gt, const char *name)
{
    static const struct {
        const char *name;
        gt_module *(*build)(gt_ctx *gt);
    } list[] = {
        {"lenet", lenet},
        {"lazy", lazy},
        {"batch_norms", batch_norms},
        {"residual", residual},
        {"inception", inception},
        {"instance_norms", instance_norms},
        {"transformer_like", transformer_like},
        {"sequences", sequences},
        {"decoder", decoder},
        {"lazy_sequences", lazy_sequences},
        {"super_resolution", super_resolution},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].name, name)) return list[i].build(gt);
    fail_msg("there is no network %s", name);
    return NULL;
}

/* A walk goes over these paths, with a blank behind each. */
static inline void assert_paths(gt_state_iter it, const char *want)
{
    char all[1024] = "", path[64];
    while (gt_state_next(&it)) {
        gt_state_path(&it, path, sizeof path);
        strcat(all, path);
        strcat(all, " ");
    }
    assert_string_equal(all, want);
}

#endif

/* The networks that the programs of bench/ train. */
#ifndef GT_BENCH_NETWORKS_H
#define GT_BENCH_NETWORKS_H

#include <gradtape.h>

static inline gt_module *bench_activation(gt_ctx *gt, bool relu)
{
    return relu ? gt_nn_relu(gt) : gt_nn_sigmoid(gt);
}

static inline gt_module *bench_pool(gt_ctx *gt, bool largest)
{
    return largest ? gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2})
                   : gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2});
}

static inline gt_module *bench_lenet_of(gt_ctx *gt, bool relu)
{
    return gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2}),
                            bench_activation(gt, relu), bench_pool(gt, relu),
                            gt_nn_conv2d(gt, 6, 16, .kernel = {5}), bench_activation(gt, relu),
                            bench_pool(gt, relu), gt_nn_flatten(gt), gt_nn_linear(gt, 400, 120),
                            bench_activation(gt, relu), gt_nn_linear(gt, 120, 84),
                            bench_activation(gt, relu), gt_nn_linear(gt, 84, 10));
}

/* The book's: sigmoid and mean pooling. */
static inline gt_module *bench_lenet(gt_ctx *gt)
{
    return bench_lenet_of(gt, false);
}

/* With ReLU and the largest of each window. */
static inline gt_module *bench_relu_lenet(gt_ctx *gt)
{
    return bench_lenet_of(gt, true);
}

static inline gt_module *bench_mlp(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_linear(gt, 784, 128), gt_nn_relu(gt),
                            gt_nn_linear(gt, 128, 10));
}

static inline gt_module *bench_conv(gt_ctx *gt, int channels, int kernel, int stride)
{
    return gt_nn_sequential(gt,
                            gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                                              .padding = {kernel / 2}, .no_bias = true),
                            gt_nn_lazy_batch_norm2d(gt));
}

static inline gt_module *bench_block(gt_ctx *gt, int channels, int stride)
{
    gt_module *body = gt_nn_sequential(gt, bench_conv(gt, channels, 3, stride), gt_nn_relu(gt),
                                       bench_conv(gt, channels, 3, 1));
    gt_module *shortcut = stride > 1 ? bench_conv(gt, channels, 1, stride) : NULL;
    return gt_nn_sequential(gt, gt_nn_residual(gt, body, .shortcut = shortcut), gt_nn_relu(gt));
}

static inline gt_module *bench_stage(gt_ctx *gt, int channels, int stride)
{
    return gt_nn_sequential(gt, bench_block(gt, channels, stride), bench_block(gt, channels, 1));
}

/* ResNet-18 as it is made for images of 32 x 32. */
static inline gt_module *bench_resnet18(gt_ctx *gt)
{
    return gt_nn_sequential(gt, bench_conv(gt, 64, 3, 1), gt_nn_relu(gt), bench_stage(gt, 64, 1),
                            bench_stage(gt, 128, 2), bench_stage(gt, 256, 2),
                            bench_stage(gt, 512, 2), gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt),
                            gt_nn_lazy_linear(gt, 10));
}

#endif

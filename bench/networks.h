/* The networks that the programs of bench/ and `gradtape profile` train. */
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

/* Two convolutions of a stage, and the largest of each window. */
static inline gt_module *bench_cifar_stage(gt_ctx *gt, int channels)
{
    return gt_nn_sequential(gt, bench_conv(gt, channels, 3, 1), gt_nn_relu(gt),
                            bench_conv(gt, channels, 3, 1), gt_nn_relu(gt), bench_pool(gt, true));
}

/* A small network with batch norm, for images of 32 x 32. */
static inline gt_module *bench_cifar(gt_ctx *gt)
{
    return gt_nn_sequential(gt, bench_cifar_stage(gt, 32), bench_cifar_stage(gt, 64),
                            bench_cifar_stage(gt, 128), gt_nn_flatten(gt),
                            gt_nn_lazy_linear(gt, 10));
}

/* ResNet-18 as it is made for images of 32 x 32. */
static inline gt_module *bench_resnet18(gt_ctx *gt)
{
    return gt_nn_sequential(gt, bench_conv(gt, 64, 3, 1), gt_nn_relu(gt), bench_stage(gt, 64, 1),
                            bench_stage(gt, 128, 2), bench_stage(gt, 256, 2),
                            bench_stage(gt, 512, 2), gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt),
                            gt_nn_lazy_linear(gt, 10));
}

/* MobileNetV2's block: wider by `expand`, one filter a channel, narrow again; around it the input,
 * where the shapes allow. */
static inline gt_module *bench_inverted(gt_ctx *gt, int in, int out, int stride, int expand)
{
    const int wide = in * expand;
    gt_module *body = gt_nn_sequential_empty(gt);
    if (expand > 1) {
        gt_module_append(body, bench_conv(gt, wide, 1, 1));
        gt_module_append(body, gt_nn_relu6(gt));
    }
    gt_module_append(body, gt_nn_conv2d(gt, wide, wide, .kernel = {3}, .stride = {stride},
                                        .padding = {1}, .groups = wide, .no_bias = true));
    gt_module_append(body, gt_nn_lazy_batch_norm2d(gt));
    gt_module_append(body, gt_nn_relu6(gt));
    gt_module_append(body, bench_conv(gt, out, 1, 1));
    return stride == 1 && in == out ? gt_nn_residual(gt, body) : body;
}

/* MobileNetV2 as it is made for images of 32 x 32: the first two strides are 1. */
static inline gt_module *bench_mobilenet_v2(gt_ctx *gt)
{
    static const struct {
        int expand, out, n, stride;
    } stage[] = {{1, 16, 1, 1}, {6, 24, 2, 1},  {6, 32, 3, 2}, {6, 64, 4, 2},
                 {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    enum { N_STAGES = sizeof stage / sizeof *stage };
    gt_module *net = gt_nn_sequential(gt, bench_conv(gt, 32, 3, 1), gt_nn_relu6(gt));
    int in = 32;
    for (int s = 0; s < N_STAGES; s++)
        for (int i = 0; i < stage[s].n; i++, in = stage[s].out)
            gt_module_append(net, bench_inverted(gt, in, stage[s].out, i ? 1 : stage[s].stride,
                                                 stage[s].expand));
    gt_module *const head[] = {bench_conv(gt, 1280, 1, 1), gt_nn_relu6(gt),
                               gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt),
                               gt_nn_lazy_linear(gt, 10)};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) gt_module_append(net, head[i]);
    return net;
}

typedef struct {
    const char *name;
    gt_module *(*make)(gt_ctx *gt);
    int channels, side; /* of the images */
} bench_network;

static const bench_network bench_networks[] = {{"mlp", bench_mlp, 1, 28},
                                               {"lenet", bench_lenet, 1, 28},
                                               {"relu_lenet", bench_relu_lenet, 1, 28},
                                               {"cifar", bench_cifar, 3, 32},
                                               {"resnet18", bench_resnet18, 3, 32},
                                               {"mobilenet_v2", bench_mobilenet_v2, 3, 32}};
enum { BENCH_NETWORKS = sizeof bench_networks / sizeof *bench_networks };

#endif

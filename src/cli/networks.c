/* The networks that the tool knows, and the programs of bench/ train. */
#include "networks.h"

#include <string.h>

static gt_module *activation(gt_ctx *gt, bool relu)
{
    return relu ? gt_nn_relu(gt) : gt_nn_sigmoid(gt);
}

static gt_module *pool(gt_ctx *gt, bool largest)
{
    return largest ? gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2})
                   : gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2});
}

static gt_module *lenet_of(gt_ctx *gt, int channels, int classes, bool relu)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, channels, 6, .kernel = {5}, .padding = {2}), activation(gt, relu),
        pool(gt, relu), gt_nn_conv2d(gt, 6, 16, .kernel = {5}), activation(gt, relu),
        pool(gt, relu), gt_nn_flatten(gt), gt_nn_lazy_linear(gt, 120), activation(gt, relu),
        gt_nn_linear(gt, 120, 84), activation(gt, relu), gt_nn_linear(gt, 84, classes));
}

/* The book's: sigmoid and mean pooling. */
static gt_module *lenet(gt_ctx *gt, int channels, int classes)
{
    return lenet_of(gt, channels, classes, false);
}

/* With ReLU and the largest of each window. */
static gt_module *relu_lenet(gt_ctx *gt, int channels, int classes)
{
    return lenet_of(gt, channels, classes, true);
}

static gt_module *mlp(gt_ctx *gt, int channels, int classes)
{
    (void)channels; /* the first layer finds out, here and below */
    return gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_lazy_linear(gt, 128), gt_nn_relu(gt),
                            gt_nn_linear(gt, 128, classes));
}

static gt_module *conv(gt_ctx *gt, int channels, int kernel, int stride)
{
    return gt_nn_sequential(gt,
                            gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                                              .padding = {kernel / 2}, .no_bias = true),
                            gt_nn_lazy_batch_norm2d(gt));
}

static gt_module *block(gt_ctx *gt, int channels, int stride)
{
    gt_module *body = gt_nn_sequential(gt, conv(gt, channels, 3, stride), gt_nn_relu(gt),
                                       conv(gt, channels, 3, 1));
    gt_module *shortcut = stride > 1 ? conv(gt, channels, 1, stride) : NULL;
    return gt_nn_sequential(gt, gt_nn_residual(gt, body, .shortcut = shortcut), gt_nn_relu(gt));
}

static gt_module *stage(gt_ctx *gt, int channels, int stride)
{
    return gt_nn_sequential(gt, block(gt, channels, stride), block(gt, channels, 1));
}

/* Two convolutions of a stage, and the largest of each window. */
static gt_module *cifar_stage(gt_ctx *gt, int channels)
{
    return gt_nn_sequential(gt, conv(gt, channels, 3, 1), gt_nn_relu(gt), conv(gt, channels, 3, 1),
                            gt_nn_relu(gt), pool(gt, true));
}

/* A small network with batch norm, for images of 32 x 32. */
static gt_module *cifar(gt_ctx *gt, int channels, int classes)
{
    (void)channels;
    return gt_nn_sequential(gt, cifar_stage(gt, 32), cifar_stage(gt, 64), cifar_stage(gt, 128),
                            gt_nn_flatten(gt), gt_nn_lazy_linear(gt, classes));
}

/* ResNet-18 as it is made for images of 32 x 32. */
static gt_module *resnet18_cifar(gt_ctx *gt, int channels, int classes)
{
    (void)channels;
    return gt_nn_sequential(gt, conv(gt, 64, 3, 1), gt_nn_relu(gt), stage(gt, 64, 1),
                            stage(gt, 128, 2), stage(gt, 256, 2), stage(gt, 512, 2),
                            gt_nn_global_avg_pool2d(gt), gt_nn_flatten(gt),
                            gt_nn_lazy_linear(gt, classes));
}

/* MobileNetV2's block: wider by `expand`, one filter a channel, narrow again; around it the input,
 * where the shapes allow. */
static gt_module *inverted(gt_ctx *gt, int in, int out, int stride, int expand)
{
    const int wide = in * expand;
    gt_module *body = gt_nn_sequential_empty(gt);
    if (expand > 1) {
        gt_module_append(body, conv(gt, wide, 1, 1));
        gt_module_append(body, gt_nn_relu6(gt));
    }
    gt_module_append(body, gt_nn_conv2d(gt, wide, wide, .kernel = {3}, .stride = {stride},
                                        .padding = {1}, .groups = wide, .no_bias = true));
    gt_module_append(body, gt_nn_lazy_batch_norm2d(gt));
    gt_module_append(body, gt_nn_relu6(gt));
    gt_module_append(body, conv(gt, out, 1, 1));
    return stride == 1 && in == out ? gt_nn_residual(gt, body) : body;
}

/* MobileNetV2 as it is made for images of 32 x 32: the first two strides are 1. */
static gt_module *mobilenet_v2(gt_ctx *gt, int channels, int classes)
{
    (void)channels;
    static const struct {
        int expand, out, n, stride;
    } stage[] = {{1, 16, 1, 1}, {6, 24, 2, 1},  {6, 32, 3, 2}, {6, 64, 4, 2},
                 {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    enum { N_STAGES = sizeof stage / sizeof *stage };
    gt_module *net = gt_nn_sequential(gt, conv(gt, 32, 3, 1), gt_nn_relu6(gt));
    int in = 32;
    for (int s = 0; s < N_STAGES; s++)
        for (int i = 0; i < stage[s].n; i++, in = stage[s].out)
            gt_module_append(
                net, inverted(gt, in, stage[s].out, i ? 1 : stage[s].stride, stage[s].expand));
    gt_module *const head[] = {conv(gt, 1280, 1, 1), gt_nn_relu6(gt), gt_nn_global_avg_pool2d(gt),
                               gt_nn_flatten(gt), gt_nn_lazy_linear(gt, classes)};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) gt_module_append(net, head[i]);
    return net;
}

/* --- the list --- */

static const gti_cli_network networks[] = {
    {"mlp", "128 units, as in \"Dive into Deep Learning\"", 1, 28, 10, mlp},
    {"lenet", "LeNet with sigmoids, as there", 1, 28, 10, lenet},
    {"relu_lenet", "LeNet with ReLU and max pooling", 1, 28, 10, relu_lenet},
    {"cifar", "six convolutions with batch normalisation", 3, 32, 10, cifar},
    {"resnet18_cifar", "ResNet-18 for small images", 3, 32, 10, resnet18_cifar},
    {"mobilenet_v2", "MobileNetV2 for small images", 3, 32, 10, mobilenet_v2},
    {"vgg11", "VGG-11, torchvision's names", 3, 224, 1000, gti_cli_vgg11},
    {"resnet18", "ResNet-18, torchvision's names", 3, 224, 1000, gti_cli_resnet18},
    {"unet", "U-Net of four levels, with batch normalisation", 3, 128, 2, gti_cli_unet},
};

const gti_cli_network *gti_cli_networks(size_t *n)
{
    *n = sizeof networks / sizeof *networks;
    return networks;
}

const gti_cli_network *gti_cli_network_find(const char *name)
{
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (!strcmp(networks[i].name, name)) return &networks[i];
    return NULL;
}

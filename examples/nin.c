/* Network in Network: section 8.3 of "Dive into Deep Learning" (https://d2l.ai). The book's images
 * are of 224x224. */
#include "common/train_net.h"

/* A convolution, and two of 1x1 that are a small network at each pixel. */
static gt_module *block(gt_ctx *gt, int channels, int kernel, int stride, int padding)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                          .padding = {padding, padding}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, channels, .kernel = {1}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, channels, .kernel = {1}), gt_nn_relu(gt));
    // clang-format on
}

static gt_module *nin(gt_ctx *gt, bool variant)
{
    (void)variant;
    // clang-format off
    return gt_nn_sequential(gt,
        block(gt, 96, 11, 4, 0),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        block(gt, 256, 5, 1, 2),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        block(gt, 384, 3, 1, 1),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        gt_nn_dropout(gt, 0.5),
        block(gt, 10, 3, 1, 1),
        gt_nn_adaptive_avg_pool2d(gt, 1, 1),
        gt_nn_flatten(gt));
    // clang-format on
}

int main(int argc, char **argv)
{
    (void)argc;
    static const train_net net = {
        .program = "nin", .title = "NiN (section 8.3)", .build = nin, .size = 96, .least_size = 71};
    return train_net_main(argv, &net);
}

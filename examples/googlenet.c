/* GoogLeNet: section 8.4 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

static gt_module *conv(gt_ctx *gt, int channels, int kernel)
{
    return gt_nn_sequential(
        gt, gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .padding = {kernel / 2}),
        gt_nn_relu(gt));
}

/* Four branches side by side, with these numbers of channels: 1x1; 1x1 and 3x3; 1x1 and 5x5; a pool
 * and 1x1. */
static gt_module *inception(gt_ctx *gt, int c1, const int c2[2], const int c3[2], int c4)
{
    // clang-format off
    return gt_nn_concat(gt,
        conv(gt, c1, 1),
        gt_nn_sequential(gt, conv(gt, c2[0], 1), conv(gt, c2[1], 3)),
        gt_nn_sequential(gt, conv(gt, c3[0], 1), conv(gt, c3[1], 5)),
        gt_nn_sequential(gt,
            gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {1}, .padding = {1}), conv(gt, c4, 1)));
    // clang-format on
}
#define PAIR(a, b) ((const int[2]){a, b})

static gt_module *halve(gt_ctx *gt)
{
    return gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1});
}

static gt_module *googlenet(gt_ctx *gt, bool variant)
{
    (void)variant;
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 64, .kernel = {7}, .stride = {2}, .padding = {3}), gt_nn_relu(gt),
        halve(gt),
        conv(gt, 64, 1), conv(gt, 192, 3),
        halve(gt),
        inception(gt, 64, PAIR(96, 128), PAIR(16, 32), 32),
        inception(gt, 128, PAIR(128, 192), PAIR(32, 96), 64),
        halve(gt),
        inception(gt, 192, PAIR(96, 208), PAIR(16, 48), 64),
        inception(gt, 160, PAIR(112, 224), PAIR(24, 64), 64),
        inception(gt, 128, PAIR(128, 256), PAIR(24, 64), 64),
        inception(gt, 112, PAIR(144, 288), PAIR(32, 64), 64),
        inception(gt, 256, PAIR(160, 320), PAIR(32, 128), 128),
        halve(gt),
        inception(gt, 256, PAIR(160, 320), PAIR(32, 128), 128),
        inception(gt, 384, PAIR(192, 384), PAIR(48, 128), 128),
        gt_nn_adaptive_avg_pool2d(gt, 1, 1), gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "GoogLeNet (section 8.4)",
                                       .build = googlenet,
                                       .size = 32,
                                       .least_size = 16,
                                       .epochs = 3,
                                       .lr = 0.0005,
                                       .book_size = 96,
                                       .book_lr = 0.01};
    return gt_program_train(argc, argv, &net);
}

/* RegNetX of 32 layers: section 8.8 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

enum { GROUP = 16 }; /* channels in each group of a convolution */

/* A convolution that keeps the size but for its stride, and batch normalisation. */
static gt_module *conv(gt_ctx *gt, int channels, int kernel, int stride, int groups)
{
    const int pad = kernel / 2;
    return gt_nn_sequential(gt,
                            gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                                              .padding = {pad}, .groups = groups),
                            gt_nn_lazy_batch_norm2d(gt));
}

/* A block of ResNeXt. */
static gt_module *block(gt_ctx *gt, int channels, int stride)
{
    gt_module *body = gt_nn_sequential(gt, conv(gt, channels, 1, 1, 1), gt_nn_relu(gt),
                                       conv(gt, channels, 3, stride, channels / GROUP),
                                       gt_nn_relu(gt), conv(gt, channels, 1, 1, 1));
    gt_module *shortcut = stride > 1 ? conv(gt, channels, 1, stride, 1) : NULL;
    return gt_nn_sequential(gt, gt_nn_residual(gt, body, .shortcut = shortcut), gt_nn_relu(gt));
}

/* Blocks of which the first halves the size. */
static gt_module *stage(gt_ctx *gt, int depth, int channels)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    for (int i = 0; i < depth; i++) gt_module_append(m, block(gt, channels, i ? 1 : 2));
    return m;
}

static gt_module *regnet(gt_ctx *gt, bool variant)
{
    (void)variant;
    // clang-format off
    return gt_nn_sequential(gt,
        conv(gt, 32, 3, 2, 1), gt_nn_relu(gt),
        stage(gt, 4, 32), stage(gt, 6, 80),
        gt_nn_adaptive_avg_pool2d(gt, 1, 1), gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "RegNetX-32 (section 8.8)",
                                       .build = regnet,
                                       .size = 32,
                                       .least_size = 16,
                                       .epochs = 3,
                                       .lr = 0.003,
                                       .book_size = 96,
                                       .book_lr = 0.05};
    return gt_program_train(argc, argv, &net);
}

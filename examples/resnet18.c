/* ResNet-18 and a ResNeXt of its depth: section 8.6 of "Dive into Deep Learning" (https://d2l.ai).
 */
#include <gradtape.h>

/* A convolution that keeps the size but for its stride, and batch normalisation. */
static gt_module *conv(gt_ctx *gt, int channels, int kernel, int stride, int groups)
{
    const int pad = kernel / 2;
    return gt_nn_sequential(gt,
                            gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                                              .padding = {pad}, .groups = groups),
                            gt_nn_lazy_batch_norm2d(gt));
}

/* Two convolutions, or three with groups of 16 channels in the middle one, around which x goes
 * straight; where the shape changes, by a convolution of its own. */
static gt_module *block(gt_ctx *gt, int channels, int stride, bool changes, bool resnext)
{
    // clang-format off
    gt_module *body = resnext
        ? gt_nn_sequential(gt,
              conv(gt, channels, 1, 1, 1), gt_nn_relu(gt),
              conv(gt, channels, 3, stride, channels / 16), gt_nn_relu(gt),
              conv(gt, channels, 1, 1, 1))
        : gt_nn_sequential(gt,
              conv(gt, channels, 3, stride, 1), gt_nn_relu(gt),
              conv(gt, channels, 3, 1, 1));
    // clang-format on
    gt_module *shortcut = NULL; /* the book normalises it in ResNeXt alone */
    if (changes && resnext) shortcut = conv(gt, channels, 1, stride, 1);
    else if (changes) shortcut = gt_nn_lazy_conv2d(gt, channels, .kernel = {1}, .stride = {stride});
    return gt_nn_sequential(gt, gt_nn_residual(gt, body, .shortcut = shortcut), gt_nn_relu(gt));
}

/* Two blocks. The first halves the size, but that of the first stage. */
static gt_module *stage(gt_ctx *gt, int channels, bool first, bool resnext)
{
    gt_module *head = block(gt, channels, first ? 1 : 2, !first, resnext);
    return gt_nn_sequential(gt, head, block(gt, channels, 1, false, resnext));
}

static gt_module *resnet18(gt_ctx *gt, bool resnext)
{
    // clang-format off
    return gt_nn_sequential(gt,
        conv(gt, 64, 7, 2, 1), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1}),
        stage(gt, 64, true, resnext), stage(gt, 128, false, resnext),
        stage(gt, 256, false, resnext), stage(gt, 512, false, resnext),
        gt_nn_adaptive_avg_pool2d(gt, 1, 1), gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "ResNet-18 (section 8.6)",
                                       .build = resnet18,
                                       .option = "--resnext",
                                       .option_help =
                                           "blocks of ResNeXt, with groups of 16 channels",
                                       .size = 32,
                                       .least_size = 16,
                                       .epochs = 3,
                                       .lr = 0.002,
                                       .book_size = 96,
                                       .book_lr = 0.01};
    return gt_program_train(argc, argv, &net);
}

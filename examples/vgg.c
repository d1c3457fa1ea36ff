/* VGG-11: section 8.2 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

/* Convolutions that keep the size, and a pool that halves it. */
static gt_module *block(gt_ctx *gt, int convs, int channels)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    for (int i = 0; i < convs; i++) {
        gt_module_append(m, gt_nn_lazy_conv2d(gt, channels, .kernel = {3}, .padding = {1}));
        gt_module_append(m, gt_nn_relu(gt));
    }
    gt_module_append(m, gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}));
    return m;
}

/* As the book trains it, with a quarter of the channels in the blocks; or in full. */
static gt_module *vgg(gt_ctx *gt, bool full)
{
    const int c = full ? 64 : 16;
    // clang-format off
    return gt_nn_sequential(gt,
        block(gt, 1, c), block(gt, 1, 2 * c), block(gt, 2, 4 * c), block(gt, 2, 8 * c),
        block(gt, 2, 8 * c),
        gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 4096), gt_nn_relu(gt), gt_nn_dropout(gt, 0.5),
        gt_nn_lazy_linear(gt, 4096), gt_nn_relu(gt), gt_nn_dropout(gt, 0.5),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "VGG-11 (section 8.2)",
                                       .build = vgg,
                                       .option = "--full",
                                       .option_help = "all channels; otherwise the book's quarter",
                                       .size = 32,
                                       .least_size = 32,
                                       .epochs = 3,
                                       .lr = 0.0005,
                                       .book_size = 224,
                                       .book_lr = 0.01};
    return gt_program_train(argc, argv, &net);
}

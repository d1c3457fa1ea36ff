/* LeNet with batch normalisation: section 8.5 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

static gt_module *norm2d(gt_ctx *gt, bool plain)
{
    return plain ? gt_nn_identity(gt) : gt_nn_lazy_batch_norm2d(gt);
}

static gt_module *norm1d(gt_ctx *gt, bool plain)
{
    return plain ? gt_nn_identity(gt) : gt_nn_lazy_batch_norm1d(gt);
}

static gt_module *lenet(gt_ctx *gt, bool plain)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 6, .kernel = {5}), norm2d(gt, plain), gt_nn_sigmoid(gt),
        gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_lazy_conv2d(gt, 16, .kernel = {5}), norm2d(gt, plain), gt_nn_sigmoid(gt),
        gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 120), norm1d(gt, plain), gt_nn_sigmoid(gt),
        gt_nn_lazy_linear(gt, 84), norm1d(gt, plain), gt_nn_sigmoid(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "LeNet with batch normalisation (section 8.5)",
                                       .build = lenet,
                                       .option = "--plain",
                                       .option_help = "without it, for comparison",
                                       .size = 28,
                                       .least_size = 16,
                                       .epochs = 10,
                                       .lr = 0.01,
                                       .book_size = 28,
                                       .book_lr = 0.1};
    return gt_program_train(argc, argv, &net);
}

/* AlexNet: section 8.1 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

static gt_module *alexnet(gt_ctx *gt, bool variant)
{
    (void)variant;
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 96, .kernel = {11}, .stride = {4}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        gt_nn_lazy_conv2d(gt, 256, .kernel = {5}, .padding = {2}), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        gt_nn_lazy_conv2d(gt, 384, .kernel = {3}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, 384, .kernel = {3}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, 256, .kernel = {3}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}),
        gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 4096), gt_nn_relu(gt), gt_nn_dropout(gt, 0.5),
        gt_nn_lazy_linear(gt, 4096), gt_nn_relu(gt), gt_nn_dropout(gt, 0.5),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "AlexNet (section 8.1)",
                                       .build = alexnet,
                                       .size = 72,
                                       .least_size = 69,
                                       .epochs = 3,
                                       .lr = 0.0005,
                                       .book_size = 224,
                                       .book_lr = 0.01};
    return gt_program_train(argc, argv, &net);
}

/* Network in Network: section 8.3 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

#include <math.h>

/* A convolution, and two of 1x1 that are a small network at each pixel. */
static gt_module *block(gt_ctx *gt, int channels, int kernel, int stride, int padding)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .stride = {stride},
                          .padding = {padding}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, channels, .kernel = {1}), gt_nn_relu(gt),
        gt_nn_lazy_conv2d(gt, channels, .kernel = {1}), gt_nn_relu(gt));
    // clang-format on
}

/* The logits are what the last ReLU lets through. A class whose sum is negative on all images gets
 * no gradient, and stays so. Small weights and biases of 1 in the last block let all of them
 * through. */
static void open_classes(gt_module *net)
{
    gt_module *last = gt_module_nth(net, 7);
    gt_state_iter weight = gt_module_parameters_like(last, "*.weight");
    gt_state_iter bias = gt_module_parameters_like(last, "*.bias");
    while (gt_state_next(&weight)) gt_init_kaiming_uniform(weight.tensor, .a = sqrt(5));
    while (gt_state_next(&bias)) gt_fill(bias.tensor, 1);
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
    static const gt_program_net net = {.title = "NiN (section 8.3)",
                                       .build = nin,
                                       .start = open_classes,
                                       .size = 71,
                                       .least_size = 71,
                                       .epochs = 4,
                                       .lr = 0.0006,
                                       .book_size = 224,
                                       .book_lr = 0.05};
    return gt_program_train(argc, argv, &net);
}

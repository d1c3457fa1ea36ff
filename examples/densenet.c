/* DenseNet: section 8.7 of "Dive into Deep Learning" (https://d2l.ai). */
#include <gradtape.h>

static gt_module *conv(gt_ctx *gt, int channels, int kernel)
{
    const int pad = kernel / 2;
    return gt_nn_sequential(gt, gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt),
                            gt_nn_lazy_conv2d(gt, channels, .kernel = {kernel}, .padding = {pad}));
}

/* Each convolution sees x and what all before it made, and adds `growth` channels to that. */
static gt_module *dense(gt_ctx *gt, int convs, int growth)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    for (int i = 0; i < convs; i++)
        gt_module_append(m, gt_nn_concat(gt, gt_nn_identity(gt), conv(gt, growth, 3)));
    return m;
}

/* To fewer channels and half the size. */
static gt_module *transition(gt_ctx *gt, int channels)
{
    return gt_nn_sequential(gt, conv(gt, channels, 1),
                            gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}));
}

static gt_module *densenet(gt_ctx *gt, bool variant)
{
    (void)variant;
    enum { STAGES = 4, CONVS = 4, GROWTH = 32 };
    int channels = 64;
    gt_module *m = gt_nn_sequential(
        gt, gt_nn_lazy_conv2d(gt, channels, .kernel = {7}, .stride = {2}, .padding = {3}),
        gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {3}, .stride = {2}, .padding = {1}));
    for (int i = 0; i < STAGES; i++) {
        gt_module_append(m, dense(gt, CONVS, GROWTH));
        channels += CONVS * GROWTH;
        if (i < STAGES - 1) gt_module_append(m, transition(gt, channels /= 2));
    }
    gt_module *head = gt_nn_sequential(gt, gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt),
                                       gt_nn_adaptive_avg_pool2d(gt, 1, 1), gt_nn_flatten(gt),
                                       gt_nn_lazy_linear(gt, 10));
    gt_module_append(m, head);
    return m;
}

int main(int argc, char **argv)
{
    static const gt_program_net net = {.title = "DenseNet (section 8.7)",
                                       .build = densenet,
                                       .size = 32,
                                       .least_size = 32,
                                       .epochs = 3,
                                       .lr = 0.001,
                                       .book_size = 96,
                                       .book_lr = 0.01};
    return gt_program_train(argc, argv, &net);
}

/* A convolutional autoencoder: squeezes an image of a digit into a few numbers, and draws it again
 * from these. Convolutions with stride 2 halve the image, transposed convolutions double it.
 *
 *   autoencoder                    generated digits; writes autoencoder.png
 *   autoencoder --data data/mnist  MNIST, or a set in its format */
#include "common/options.h"
#include "common/pictures.h"

typedef struct {
    const char *data, *out;
    long code, epochs, batch, seed;
} settings;

/* [n,32*7*7] to [n,32,7,7]: what flattening did, undone. */
static gt_tensor *unflatten(gt_tensor *x)
{
    return gt_reshape(x, GT_SHAPE(-1, 32, 7, 7));
}

/* Images [n,1,28,28] to code numbers each, and back. The last layer gives logits, of which the loss
 * and the pictures take the sigmoid. */
static gt_module *autoencoder(gt_ctx *gt, long code)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 1, 16, .kernel = {3}, .stride = {2}, .padding = {1, 1}), gt_nn_relu(gt),
        gt_nn_conv2d(gt, 16, 32, .kernel = {3}, .stride = {2}, .padding = {1, 1}), gt_nn_relu(gt),
        gt_nn_flatten(gt),
        gt_nn_linear(gt, 32 * 7 * 7, code),
        gt_nn_linear(gt, code, 32 * 7 * 7), gt_nn_relu(gt),
        gt_nn_lambda(gt, unflatten),
        gt_nn_conv_transpose2d(gt, 32, 16, .kernel = {4}, .stride = {2}, .padding = {1, 1}),
        gt_nn_relu(gt),
        gt_nn_conv_transpose2d(gt, 16, 1, .kernel = {4}, .stride = {2}, .padding = {1, 1}));
    // clang-format on
}

static void train(gt_ctx *gt, gt_module *net, gt_loader *images, long epochs)
{
    gt_optimizer *adam = gt_adam(net, .lr = 2e-3);
    gt_mark start = gt_mark_tape(gt);
    for (long epoch = 1; epoch <= epochs && !gt_failed(gt); epoch++) {
        gt_running_mean mean = {0};
        gt_tensor *x;
        while (gt_loader_next(images, &x, NULL)) {
            gt_rewind(gt, start); /* forget the step before */
            gt_tensor *loss = gt_binary_cross_entropy_with_logits(gt_forward(net, x), x);
            gt_running_add(&mean, gt_item(loss), (double)x->shape.dim[0]);
            gt_backward(loss);
            gt_optimizer_step(adam);
        }
        printf("epoch %2ld  loss %.4f\n", epoch, gt_running_value(&mean));
    }
}

/* 16 images that the network has not seen, each above what it makes of them, in two rows of two. */
static gt_tensor *reconstructions(gt_module *net, gt_tensor *x)
{
    gt_tensor *y = gt_sigmoid(gt_forward(net, x));
    gt_tensor *rows[4];
    for (int i = 0; i < 4; i++) rows[i] = gt_slice(i % 2 ? y : x, 0, i / 2 * 8, i / 2 * 8 + 8);
    return picture_grid(gt_concat(rows, 4, 0), 8, 3);
}

static void run(gt_ctx *gt, const settings *s)
{
    const uint64_t seed = (uint64_t)s->seed;
    gt_manual_seed(gt, seed);
    gt_dataset *digits =
        s->data ? gt_mnist(gt, s->data, true) : gt_generated_digits(gt, 3000, .seed = 2 * seed);
    gt_dataset *others =
        s->data ? gt_mnist(gt, s->data, false) : gt_generated_digits(gt, 16, .seed = 2 * seed + 1);
    gt_loader *images = gt_loader_new(digits, s->batch, .shuffle = true, .threads = 1);
    gt_module *net = autoencoder(gt, s->code);
    train(gt, net, images, s->epochs);

    gt_tensor *x;
    if (!gt_loader_next(gt_loader_new(others, 16), &x, NULL)) return;
    gt_eval(net);
    if (gt_image_save(reconstructions(net, x), s->out) == GT_OK)
        printf("images above what %ld numbers tell of them: %s\n", s->code, s->out);
}

int main(int argc, char **argv)
{
    (void)argc;
    settings s = {.out = "autoencoder.png", .code = 32, .epochs = 8, .batch = 32, .seed = 1};
    const option table[] = {
        {"--data", "DIR", "images of 28x28 in MNIST's format (generated digits)", .text = &s.data},
        {"--code", "N", "numbers that an image is squeezed into (32)", .count = &s.code,
         .least = 1},
        {"--epochs", "N", "times through the training set (8)", .count = &s.epochs, .least = 1},
        {"--batch", "N", "images in a batch (32)", .count = &s.batch, .least = 1},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--out", "FILE", "picture to write (autoencoder.png)", .text = &s.out},
        {.name = NULL},
    };
    const int status =
        options_read(argv, "autoencoder",
                     "Trains an autoencoder on digits, and draws what it makes of others.", table);
    if (status >= 0) return status;
    gt_ctx *gt = gt_open();
    run(gt, &s);
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "autoencoder: %s\n", gt_error_message(gt));
    gt_close(gt);
    return failed;
}

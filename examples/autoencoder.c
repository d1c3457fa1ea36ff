/* A convolutional autoencoder: squeezes an image of a digit into a few numbers, and draws it again
 * from these. Convolutions with stride 2 halve the image, transposed convolutions double it.
 *
 *   autoencoder                    generated digits; writes autoencoder.png
 *   autoencoder --data data/mnist  MNIST, or a set in its format */
#include <gradtape.h>

typedef struct {
    const char *data, *out, *save, *graph;
    long code, epochs, batch, seed;
    bool backward;
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
        gt_nn_conv2d(gt, 1, 16, .kernel = {3}, .stride = {2}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_conv2d(gt, 16, 32, .kernel = {3}, .stride = {2}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_flatten(gt),
        gt_nn_linear(gt, 32 * 7 * 7, code),
        gt_nn_linear(gt, code, 32 * 7 * 7), gt_nn_relu(gt),
        gt_nn_lambda(gt, unflatten),
        gt_nn_conv_transpose2d(gt, 32, 16, .kernel = {4}, .stride = {2}, .padding = {1}),
        gt_nn_relu(gt),
        gt_nn_conv_transpose2d(gt, 16, 1, .kernel = {4}, .stride = {2}, .padding = {1}));
    // clang-format on
}

/* gt_fit's loss: how far the output is from the input. */
static gt_tensor *distance(const gt_batch *b, void *user)
{
    (void)user;
    return gt_binary_cross_entropy_with_logits(b->out[0], b->in[0]);
}

/* 16 images that the network has not seen, each above what it makes of them, in two rows of two. */
static gt_tensor *reconstructions(gt_module *net, gt_tensor *x)
{
    gt_tensor *y = gt_sigmoid(gt_forward(net, x));
    gt_tensor *rows[4];
    for (int i = 0; i < 4; i++) rows[i] = gt_slice(i % 2 ? y : x, 0, i / 2 * 8, i / 2 * 8 + 8);
    return gt_make_grid(gt_interpolate(gt_concat(rows, 4, 0), 84, 84), .pad_value = 1);
}

/* Images for training or for tests: MNIST's, or a set's in its format; else `count` generated ones.
 */
static gt_dataset *digits(gt_ctx *gt, const settings *s, bool train, int64_t count)
{
    if (s->data) return gt_mnist(gt, s->data, train);
    return gt_generated_digits(gt, count, .seed = 2 * (uint64_t)s->seed + !train);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, (uint64_t)s->seed);
    gt_loader *images =
        gt_loader_new(digits(gt, s, true, 3000), s->batch, .shuffle = true, .threads = 1);
    gt_loader *others = gt_loader_new(digits(gt, s, false, 16), 16);
    gt_module *net = autoencoder(gt, s->code);
    if (s->graph &&
        gt_module_render(net, s->graph, GT_SHAPE(1, 1, 28, 28), .backward = s->backward) == GT_OK)
        printf("graph: %s\n", s->graph);
    gt_fit(net, gt_adam(net, .lr = 2e-3), images, .epochs = s->epochs, .loss = distance,
           .log = stdout);
    if (s->save && gt_save(net, s->save) == GT_OK) printf("weights: %s\n", s->save);

    gt_tensor *x;
    if (!gt_loader_next(others, &x, NULL)) return;
    gt_eval(net);
    if (gt_image_save(reconstructions(net, x), s->out) == GT_OK)
        printf("images above what %ld numbers tell of them: %s\n", s->code, s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "autoencoder.png", .code = 32, .epochs = 8, .batch = 32, .seed = 1};
    const gt_program_option options[] = {
        {"--data", "DIR", "images of 28x28 in MNIST's format (generated digits)", .text = &s.data},
        {"--code", "N", "numbers that an image is squeezed into (32)", .count = &s.code,
         .least = 1},
        {"--epochs", "N", "times through the training set (8)", .count = &s.epochs, .least = 1},
        {"--batch", "N", "images in a batch (32)", .count = &s.batch, .least = 1},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--out", "FILE", "picture to write, also after Ctrl-C (autoencoder.png)", .text = &s.out,
         .ends = ".png"},
        {"--save", "FILE", "write the weights, likewise", .text = &s.save},
        {"--graph", "FILE", "draw the network first, as .svg, .png, .html, ...", .text = &s.graph},
        {"--backward", NULL, "and its backward pass", .on = &s.backward, .needs = "--graph"},
        {.name = NULL},
    };
    return gt_program_main(argc, argv,
                           "Trains an autoencoder on digits, and draws what it makes of others.",
                           run, &s, options);
}

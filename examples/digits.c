/* A convolutional network that reads digits: training by gt_fit, the weights of the best epoch, and
 * what it says of one picture.
 *
 *   digits                        generated digits, a few seconds; writes digits.safetensors
 *   digits --data data/mnist      MNIST, or a set in its format (tools/get-data mnist)
 *   digits --read seven.png       reads a picture, with the weights that training has written */
#include <gradtape.h>

typedef struct {
    const char *data, *weights, *read; /* data, read NULL: none */
    long images, epochs;
} settings;

/* Images [n,1,28,28] to logits [n,10]. */
static gt_module *network(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 1, 16, .kernel = {3}, .padding = {1}),
        gt_nn_batch_norm2d(gt, 16), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_conv2d(gt, 16, 32, .kernel = {3}, .padding = {1}),
        gt_nn_batch_norm2d(gt, 32), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_flatten(gt), gt_nn_dropout(gt, 0.25), gt_nn_linear(gt, 32 * 7 * 7, 10));
    // clang-format on
}

/* What the network sees, of images in training and of a picture of any size alike. */
// clang-format off
#define AS_SEEN \
    {.kind = GT_RESIZE, .size = {28}}, \
    {.kind = GT_NORMALISE, .mean = {0.1307}, .std = {0.3081}}
// clang-format on

static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    gt_dataset *images = s->data
                             ? gt_mnist(gt, s->data, train)
                             : gt_generated_digits(gt, train ? s->images : 1000, .seed = !train);
    if (!train) return gt_loader_new(images, 250, .transforms = GT_TRANSFORMS(AS_SEEN));
    return gt_loader_new(
        images, 64, .shuffle = true, .threads = 1,
        .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_CROP, .size = {28}, .padding = 2}, AS_SEEN));
}

static void learn(gt_module *net, const settings *s)
{
    gt_loader *train = load(net->ctx, s, true), *test = load(net->ctx, s, false);
    gt_optimizer *adam = gt_adam(net, .lr = 3e-3);
    gt_schedule *cosine = gt_cosine_annealing_lr(adam, s->epochs);
    gt_history *h = gt_fit(net, adam, train, .epochs = s->epochs, .valid = test, .schedule = cosine,
                           .best = s->weights, .log = stdout);
    if (gt_history_rows(h)) printf("test accuracy %.3f\n", gt_history_get(h, -1, "val_accuracy"));
}

static void read_picture(gt_module *net, const settings *s)
{
    gt_load(net, s->weights);
    gt_tensor *x = gt_image_load(net->ctx, s->read, .grey = true), *digit;
    x = gt_unsqueeze(gt_transform(x, GT_TRANSFORMS(AS_SEEN)), 0);
    gt_tensor *sure = gt_max(gt_softmax(gt_predict(net, x), 1), 1, .indices = &digit);
    if (sure) printf("%s: a %.0f (%.0f %%)\n", s->read, gt_item(digit), 100 * gt_item(sure));
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    gt_module *net = network(gt);
    if (s->read) read_picture(net, s);
    else learn(net, s);
}

int main(int argc, char **argv)
{
    settings s = {.weights = "digits.safetensors", .images = 4000, .epochs = 4};
    return gt_program_main(
        argc, argv, "Trains a network to read digits, or reads one.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "images in MNIST's format (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise (4000)", .count = &s.images, .least = 1},
            {"--epochs", "N", "times through them (4)", .count = &s.epochs, .least = 1},
            {"--weights", "FILE", "to write, or read (digits.safetensors)", .text = &s.weights},
            {"--read", "FILE", "a picture to read, bright on dark", .text = &s.read}));
}

/* Adversarial images: a step along the sign of the gradient in the image, too small to matter to
 * people, and a network that read it well reads it wrong (FGSM, Goodfellow et al., 2014).
 *
 *   adversarial                    generated digits, a few seconds; writes adversarial.png
 *   adversarial --data data/mnist  MNIST, or a set in its format */
#include <gradtape.h>

typedef struct {
    const char *data, *out;
    long images, epochs;
} settings;

static gt_module *network(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 1, 16, .kernel = {5}), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_conv2d(gt, 16, 32, .kernel = {5}), gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_flatten(gt), gt_nn_linear(gt, 32 * 4 * 4, 10));
    // clang-format on
}

static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    gt_dataset *d = s->data ? gt_mnist(gt, s->data, train)
                            : gt_generated_digits(gt, train ? s->images : 500, .seed = !train);
    return gt_loader_new(d, train ? 32 : 250, .shuffle = train);
}

/* x moved by at most eps in each pixel, to where the loss grows fastest. */
static gt_tensor *attack(gt_module *net, gt_tensor *x, gt_tensor *y, double eps)
{
    gt_tensor *dx;
    gt_require_grad(x, true);
    gt_tensor *loss = gt_cross_entropy(gt_forward(net, x), y);
    if (gt_grad(&loss, 1, &x, 1, &dx) != GT_OK) return NULL;
    gt_require_grad(x, false);
    return gt_clamp(gt_add(x, gt_mul_scalar(gt_sign(dx), eps)), 0, 1);
}

/* The accuracy on images that were attacked. */
static double accuracy(gt_module *net, gt_loader *tests, double eps)
{
    gt_running_mean mean = {0};
    gt_tensor *x, *y;
    gt_mark top = gt_mark_tape(net->ctx);
    while (gt_loader_next(tests, &x, &y)) {
        gt_rewind(net->ctx, top);
        gt_tensor *logits = gt_forward(net, attack(net, x, y, eps));
        gt_running_add(&mean, gt_accuracy(logits, y), gt_count_labels(y));
    }
    gt_rewind(net->ctx, top);
    return gt_running_value(&mean);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    gt_module *net = network(gt);
    gt_loader *tests = load(gt, s, false);
    gt_fit(net, gt_adam(net, .lr = 3e-3), load(gt, s, true), .epochs = s->epochs, .log = stdout);
    gt_eval(net);
    gt_freeze(net, "*"); /* gradients in the images are wanted, none in weights */
    gt_tensor *sheet[4], *x, *y;
    for (int i = 0; i < 4 && !gt_failed(gt); i++)
        printf("eps %.2f  accuracy %.3f\n", 0.05 * i, accuracy(net, tests, 0.05 * i));
    if (!gt_loader_next(tests, &x, &y)) return;
    for (int i = 0; i < 4; i++) sheet[i] = gt_slice(attack(net, x, y, 0.05 * i), 0, 0, 10);
    if (gt_image_save(gt_make_grid(gt_concat(sheet, 4, 0), .nrow = 10), s->out) == GT_OK)
        printf("images, attacked more in each row: %s\n", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "adversarial.png", .images = 2000, .epochs = 3};
    return gt_program_main(
        argc, argv, "Attacks a network that reads digits.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "images in MNIST's format (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise (2000)", .count = &s.images, .least = 1},
            {"--epochs", "N", "times through them (3)", .count = &s.epochs, .least = 1},
            {"--out", "FILE", "sheet to write (adversarial.png)", .text = &s.out, .ends = ".png"}));
}

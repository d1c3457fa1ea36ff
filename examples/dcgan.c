/* DCGAN (Radford et al., 2015): a network draws digits from noise, and another tells them from real
 * ones: two losses and two optimizers.
 *
 *   dcgan                    generated digits, a minute; writes dcgan.png
 *   dcgan --data data/mnist  MNIST, or a set in its format */
#include <gradtape.h>

typedef struct {
    const char *data, *out;
    long images, epochs;
} settings;

/* Noise [n,64,1,1] to images [n,1,28,28] in -1..1. */
static gt_module *generator(gt_ctx *gt, int c)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv_transpose2d(gt, 64, 2 * c, .kernel = {7}, .no_bias = true),
        gt_nn_batch_norm2d(gt, 2 * c), gt_nn_relu(gt),
        gt_nn_conv_transpose2d(gt, 2 * c, c, .kernel = {4}, .stride = {2}, .padding = {1}),
        gt_nn_batch_norm2d(gt, c), gt_nn_relu(gt),
        gt_nn_conv_transpose2d(gt, c, 1, .kernel = {4}, .stride = {2}, .padding = {1}), gt_nn_tanh(gt));
    // clang-format on
}

/* Images to a logit each, [n,1]: above 0 for real. */
static gt_module *discriminator(gt_ctx *gt, int c)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 1, c, .kernel = {4}, .stride = {2}, .padding = {1}),
        gt_nn_leaky_relu(gt, .negative_slope = 0.2),
        gt_nn_conv2d(gt, c, 2 * c, .kernel = {4}, .stride = {2}, .padding = {1}, .no_bias = true),
        gt_nn_batch_norm2d(gt, 2 * c), gt_nn_leaky_relu(gt, .negative_slope = 0.2),
        gt_nn_conv2d(gt, 2 * c, 1, .kernel = {7}), gt_nn_flatten(gt));
    // clang-format on
}

/* The paper's start: weights of convolutions about 0, those of normalisations about 1. */
static void start(gt_module *m, void *user)
{
    (void)user;
    gt_tensor *weight = gt_module_parameter(m, "weight");
    if (weight) gt_init_normal(weight, weight->shape.ndim == 1, 0.02);
}

static gt_tensor *loss_of(gt_tensor *logits, bool real)
{
    return gt_binary_cross_entropy_with_logits(logits, gt_full_like(logits, real));
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    gt_dataset *digits =
        s->data ? gt_mnist(gt, s->data, true) : gt_generated_digits(gt, s->images, .noise = 0.02);
    gt_loader *images = gt_loader_new(
        digits, 32, .shuffle = true,
        .transforms = GT_TRANSFORMS({.kind = GT_NORMALISE, .mean = {0.5}, .std = {0.5}}));
    gt_module *g = generator(gt, 16), *d = discriminator(gt, 16);
    gt_module_apply(gt_nn_module_list(gt, g, d), start, NULL);
    gt_optimizer *step_g = gt_adam(g, .lr = 1e-3, .betas = {0.5, 0.999});
    gt_optimizer *step_d = gt_adam(d, .lr = 1e-3, .betas = {0.5, 0.999});
    gt_tensor *x;
    const gt_mark top = gt_mark_tape(gt);
    for (long epoch = 1; epoch <= s->epochs && gt_goes_on(gt); epoch++) {
        gt_running_mean of_d = {0}, of_g = {0};
        while (gt_goes_on(gt) && gt_loader_next(images, &x, NULL)) {
            gt_rewind(gt, top); /* forgets the step before, with its gradients */
            gt_tensor *fake = gt_forward(g, gt_randn(gt, GT_SHAPE(x->shape.dim[0], 64, 1, 1)));
            gt_tensor *right = gt_add(loss_of(gt_forward(d, x), true),
                                      loss_of(gt_forward(d, gt_detach(fake)), false));
            gt_backward(right);
            gt_optimizer_step(step_d);
            gt_tensor *fooled = loss_of(gt_forward(d, fake), true);
            gt_backward(fooled); /* gradients of d, too, which nobody uses */
            gt_optimizer_step(step_g);
            gt_running_add(&of_d, gt_item(right), 1);
            gt_running_add(&of_g, gt_item(fooled), 1);
        }
        printf("epoch %ld  loss_d %.3f  loss_g %.3f\n", epoch, gt_running_value(&of_d),
               gt_running_value(&of_g));
    }
    x = gt_predict(g, gt_randn(gt, GT_SHAPE(64, 64, 1, 1)));
    x = gt_make_grid(x, .normalize = true, .value_range = {-1, 1});
    if (gt_image_save(x, s->out) == GT_OK) printf("digits: %s\n", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "dcgan.png", .images = 4000, .epochs = 15};
    return gt_program_main(
        argc, argv, "Trains two networks against each other, so that one draws digits.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "images in MNIST's format (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise (4000)", .count = &s.images, .least = 32},
            {"--epochs", "N", "times through them (15)", .count = &s.epochs, .least = 1},
            {"--out", "FILE", "sheet to write (dcgan.png)", .text = &s.out, .ends = ".png"}));
}

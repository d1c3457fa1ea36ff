/* The network of LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", 1989,
 * as Andrej Karpathy reads it in "Deep Neural Nets: 33 years ago and 33 years from now": 9,760
 * weights, images of 16x16 from -1 to 1, tanh, the mean squared error, one image at a time.
 *
 *   lecun1989                                 generated digits, a few seconds
 *   lecun1989 --data data/mnist --epochs 23   about what the paper did */
#include <gradtape.h>

#include <math.h>

typedef struct {
    const char *data, *save, *graph; /* NULL: none */
    long epochs, seed;
    bool backward;
    double lr;
} settings;

typedef struct {
    gt_module base;
    gt_tensor *w1, *b1; /* [12,1,5,5], [12,8,8]: each unit has a bias of its own */
    gt_tensor *w2, *b2; /* [12,8,5,5], [12,4,4] */
    gt_tensor *w3, *b3; /* [192,30], [30] */
    gt_tensor *w4, *b4; /* [30,10], [10] */
} net1989;

/* Halves the image with a 5x5 kernel; beyond the border is background, -1. */
static gt_tensor *halve(gt_tensor *x, gt_tensor *weight)
{
    return gt_conv2d(gt_pad(x, .pad = {2, 2, 2, 2}, .value = -1), weight, .stride = {2});
}

/* Planes 4i..4i+3 of the second layer see eight of the twelve planes of the first: 0-7, 4-11, and
 * 0-3 with 8-11. */
static gt_tensor *planes(gt_tensor *x, int i)
{
    if (i < 2) return gt_slice(x, 1, 4 * i, 4 * i + 8);
    return gt_concat((gt_tensor *[]){gt_slice(x, 1, 0, 4), gt_slice(x, 1, 8, 12)}, 2, 1);
}

/* Images [n,1,16,16] to [n,10]. */
static gt_tensor *net1989_forward(gt_module *m, gt_tensor *x)
{
    net1989 *n = (net1989 *)m;
    x = gt_tanh(gt_add(halve(x, n->w1), n->b1)); /* [n,12,8,8] */
    gt_tensor *part[3];
    for (int i = 0; i < 3; i++) part[i] = halve(planes(x, i), gt_slice(n->w2, 0, 4 * i, 4 * i + 4));
    x = gt_tanh(gt_add(gt_concat(part, 3, 1), n->b2)); /* [n,12,4,4] */
    x = gt_tanh(gt_add(gt_matmul(gt_flatten(x, .start = 1), n->w3), n->b3));
    return gt_tanh(gt_add(gt_matmul(x, n->w4), n->b4));
}

/* Uniform in +-2.4 / sqrt(fan_in). */
static gt_tensor *weights(net1989 *n, const char *name, gt_shape shape, int fan_in)
{
    const double bound = 2.4 / sqrt(fan_in);
    return gt_module_add_parameter(&n->base, name, gt_uniform(n->base.ctx, shape, -bound, bound));
}

static gt_tensor *biases(net1989 *n, const char *name, gt_shape shape, double value)
{
    return gt_module_add_parameter(&n->base, name, gt_full(n->base.ctx, shape, value));
}

static gt_module *net1989_new(gt_ctx *gt)
{
    static const gt_module_type type = {"Net1989", sizeof(net1989), .forward = net1989_forward};
    net1989 *n = (net1989 *)gt_module_new(gt, &type);
    if (!n) return NULL;
    n->w1 = weights(n, "w1", GT_SHAPE(12, 1, 5, 5), 5 * 5);
    n->b1 = biases(n, "b1", GT_SHAPE(12, 8, 8), 0);
    n->w2 = weights(n, "w2", GT_SHAPE(12, 8, 5, 5), 8 * 5 * 5);
    n->b2 = biases(n, "b2", GT_SHAPE(12, 4, 4), 0);
    n->w3 = weights(n, "w3", GT_SHAPE(12 * 4 * 4, 30), 12 * 4 * 4);
    n->b3 = biases(n, "b3", GT_SHAPE(30), 0);
    n->w4 = weights(n, "w4", GT_SHAPE(30, 10), 30);
    n->b4 = biases(n, "b4", GT_SHAPE(10), -1); /* nine answers of ten are -1 */
    return &n->base;
}

/* The mean squared distance to 1 for the class and -1 for all others. */
static gt_tensor *loss_of(gt_tensor *y, gt_tensor *classes)
{
    return gt_mse_loss(y, gt_sub_scalar(gt_mul_scalar(gt_one_hot(classes, 10), 2), 1));
}

static void test(gt_ctx *gt, gt_module *net, const char *name, gt_loader *images)
{
    gt_running_mean loss = {0}, right = {0};
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *x, *classes;
    gt_set_recording(gt, false);
    while (gt_loader_next(images, &x, &classes)) {
        gt_rewind(gt, start);
        gt_tensor *y = gt_forward(net, x);
        const gt_tensor *mean = loss_of(y, classes);
        gt_running_add(&loss, gt_item(mean), gt_mean_weight(mean));
        gt_running_add(&right, gt_accuracy(y, classes), gt_count_labels(classes));
    }
    gt_set_recording(gt, true);
    const double wrong = 1 - gt_running_value(&right);
    printf("  %s: loss %.4f, errors %.2f%% (%.0f)", name, gt_running_value(&loss), 100 * wrong,
           wrong * right.weight);
}

/* Images for training or for tests: MNIST's, or a set's in its format; else `count` generated ones.
 */
static gt_dataset *digits_of(gt_ctx *gt, const settings *s, bool train, int64_t count)
{
    if (s->data) return gt_mnist(gt, s->data, train);
    return gt_generated_digits(gt, count, .size = 16, .seed = 2 * (uint64_t)s->seed + !train);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, (uint64_t)s->seed);
    gt_dataset *digits = digits_of(gt, s, true, 4000);
    gt_dataset *others = digits_of(gt, s, false, 500);
    const gt_transform *to16 = GT_TRANSFORMS({.kind = GT_RESIZE, .size = {16}},
                                             {.kind = GT_NORMALISE, .mean = {0.5}, .std = {0.5}});
    gt_loader *images = gt_loader_new(digits, 1, .shuffle = true, .transforms = to16);
    gt_loader *many = gt_loader_new(digits, 250, .transforms = to16);
    gt_loader *tests = gt_loader_new(others, 250, .transforms = to16);
    gt_module *net = net1989_new(gt);
    gt_optimizer *sgd = gt_sgd(net, .lr = s->lr);
    printf("%lld parameters\n", (long long)gt_module_n_parameters(net));
    if (s->graph &&
        gt_module_render(net, s->graph, GT_SHAPE(1, 1, 16, 16), .backward = s->backward) == GT_OK)
        printf("graph: %s\n", s->graph);

    gt_mark start = gt_mark_tape(gt);
    for (long epoch = 1; epoch <= s->epochs && gt_goes_on(gt); epoch++) {
        gt_tensor *x, *classes;
        while (gt_goes_on(gt) && gt_loader_next(images, &x, &classes)) {
            gt_rewind(gt, start); /* forget the step before */
            gt_backward(loss_of(gt_forward(net, x), classes));
            gt_optimizer_step(sgd);
        }
        printf("epoch %2ld", epoch);
        test(gt, net, "train", many);
        test(gt, net, "test", tests);
        printf("\n");
    }
    if (s->save && gt_save(net, s->save) == GT_OK) printf("weights: %s\n", s->save);
}

int main(int argc, char **argv)
{
    settings s = {.epochs = 10, .seed = 1337, .lr = 0.03};
    const gt_program_option options[] = {
        {"--data", "DIR", "images in MNIST's format (generated digits)", .text = &s.data},
        {"--epochs", "N", "times through the training set (10; the paper: 23)", .count = &s.epochs,
         .least = 1},
        {"--lr", "X", "learning rate (0.03)", .number = &s.lr, .above_0 = true},
        {"--seed", "N", "of all that is random (1337)", .count = &s.seed},
        {"--save", "FILE", "write the weights, also after Ctrl-C", .text = &s.save},
        {"--graph", "FILE", "draw the network first, as .svg, .png, .html, ...", .text = &s.graph},
        {"--backward", NULL, "and its backward pass", .on = &s.backward, .needs = "--graph"},
        {.name = NULL},
    };
    return gt_program_main(argc, argv, "Trains the network for zip codes of LeCun et al., 1989.",
                           run, &s, options);
}

/* MobileNetV2 (Sandler et al., 2018) for small images in colour: convolutions of each channel
 * alone, between ones of a single pixel, in blocks that add to what they were given.
 *
 *   mobilenet                       generated digits in colour, a minute
 *   mobilenet --data data/cifar10   CIFAR-10 (tools/get-data cifar10) */
#include <gradtape.h>

typedef struct {
    const char *data;
    long images, epochs;
    double width, lr;
} settings;

/* A convolution with a kernel of k x k, normalised. */
static void add_conv(gt_module *m, int in, int out, int k, int stride, int groups)
{
    gt_ctx *gt = m ? m->ctx : NULL;
    gt_module_append(m, gt_nn_conv2d(gt, in, out, .kernel = {k}, .stride = {stride},
                                     .padding = {k / 2}, .groups = groups, .no_bias = true));
    gt_module_append(m, gt_nn_batch_norm2d(gt, out));
}

/* An inverted residual: to `expand` times the channels, each convolved alone, and back to few. */
static gt_module *block(gt_ctx *gt, int in, int out, int stride, int expand)
{
    gt_module *m = gt_nn_sequential_empty(gt);
    const int c = in * expand;
    if (expand > 1) {
        add_conv(m, in, c, 1, 1, 1);
        gt_module_append(m, gt_nn_relu6(gt));
    }
    add_conv(m, c, c, 3, stride, c);
    gt_module_append(m, gt_nn_relu6(gt));
    add_conv(m, c, out, 1, 1, 1);
    return stride == 1 && in == out ? gt_nn_residual(gt, m) : m;
}

/* Images [n,3,32,32] to logits [n,10]. The paper's table, with strides for images of 32x32. */
static gt_module *mobilenet(gt_ctx *gt, double width)
{
    static const struct {
        int expand, channels, blocks, stride;
    } rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    gt_module *m = gt_nn_sequential_empty(gt);
    int c = (int)(32 * width);
    add_conv(m, 3, c, 3, 1, 1);
    gt_module_append(m, gt_nn_relu6(gt));
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int i = 0; i < rows[r].blocks; i++) {
            const int out = (int)(rows[r].channels * width);
            gt_module_append(m, block(gt, c, out, i ? 1 : rows[r].stride, rows[r].expand));
            c = out;
        }
    add_conv(m, c, 4 * c, 1, 1, 1);
    gt_module_append(m, gt_nn_relu6(gt));
    gt_module_append(m, gt_nn_global_avg_pool2d(gt));
    gt_module_append(m, gt_nn_flatten(gt));
    gt_module_append(m, gt_nn_linear(gt, 4 * c, 10));
    return m;
}

static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    gt_dataset *images = s->data ? gt_cifar10(gt, s->data, train)
                                 : gt_generated_digits(gt, train ? s->images : s->images / 4,
                                                       .rgb = true, .size = 32, .seed = !train);
    return gt_loader_new(images, 32, .shuffle = train, .threads = 1,
                         .transforms = GT_TRANSFORMS(
                             {.kind = GT_RANDOM_CROP, .size = {32}, .padding = train ? 2 : 0},
                             {.kind = GT_NORMALISE, .mean = {0.5}, .std = {0.25}}));
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    gt_module *net = mobilenet(gt, s->width);
    gt_optimizer *sgd = gt_adam(net, .lr = s->lr);
    gt_loader *train = load(gt, s, true);
    gt_schedule *cosine = gt_cosine_annealing_lr(sgd, s->epochs);
    printf("%lld parameters\n", (long long)gt_module_n_parameters(net));
    gt_fit(net, sgd, train, .epochs = s->epochs, .valid = load(gt, s, false), .schedule = cosine,
           .capture = true, .log = stdout);
}

int main(int argc, char **argv)
{
    settings s = {.width = 0.5, .lr = 3e-3, .images = 2000, .epochs = 5};
    return gt_program_main(
        argc, argv, "Trains MobileNetV2 on small images in colour.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "CIFAR-10 in its binary form (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise, and a quarter for tests (2000)",
             .count = &s.images, .least = 4},
            {"--width", "X", "times the paper's channels (0.5)", .number = &s.width, .least = 0},
            {"--lr", "X", "learning rate (0.003)", .number = &s.lr, .above_0 = true},
            {"--epochs", "N", "times through the images (5)", .count = &s.epochs, .least = 1}));
}

/* LeNet: section 7.6 of "Dive into Deep Learning" (https://d2l.ai), with the whole training loop.
 *
 *   lenet                      generated digits, a few seconds
 *   lenet --data data/mnist    MNIST, or a set in its format (tools/get-data mnist) */
#include <gradtape.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *data, *save; /* NULL: none */
    long epochs, batch, steps, size, seed;
    double lr; /* 0: what suits the network */
    bool classic, losses, f64;
} settings;

/* Images [n,1,h,w] to logits [n,10]. Lazy layers take their number of inputs from the first batch.
 */
static gt_module *lenet(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 6, .kernel = {5}, .padding = {2, 2}), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_lazy_conv2d(gt, 16, .kernel = {5}), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 120), gt_nn_relu(gt),
        gt_nn_lazy_linear(gt, 84), gt_nn_relu(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

/* The network of 1998, as the book has it: sigmoids and average pooling. */
static gt_module *classic_lenet(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 6, .kernel = {5}, .padding = {2, 2}), gt_nn_sigmoid(gt),
        gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_lazy_conv2d(gt, 16, .kernel = {5}), gt_nn_sigmoid(gt),
        gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_flatten(gt),
        gt_nn_lazy_linear(gt, 120), gt_nn_sigmoid(gt),
        gt_nn_lazy_linear(gt, 84), gt_nn_sigmoid(gt),
        gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

/* Xavier's start for a layer with a weight, which sigmoids need. */
static void xavier(gt_module *m, void *user)
{
    (void)user;
    gt_tensor *weight = gt_module_parameter(m, "weight");
    if (weight) gt_init_xavier_uniform(weight);
}

/* The part of the test set that is classified rightly. */
static double test(gt_ctx *gt, gt_module *net, gt_loader *images)
{
    gt_running_mean right = {0};
    gt_tensor *x, *y;
    gt_mark start = gt_mark_tape(gt);
    gt_eval(net);
    gt_set_recording(gt, false);
    while (gt_loader_next(images, &x, &y)) {
        gt_rewind(gt, start);
        gt_running_add(&right, gt_accuracy(gt_forward(net, x), y), (double)y->size);
    }
    gt_set_recording(gt, true);
    gt_train(net);
    return gt_running_value(&right);
}

/* Prints a line for each epoch. Returns the accuracy on the test set. Plain descent would stay on
 * the plateau where sigmoids begin, which Adam leaves. */
static double train(gt_ctx *gt, gt_module *net, gt_loader *images, gt_loader *tests,
                    const settings *s)
{
    gt_optimizer *optimizer =
        s->classic ? gt_adam(net, .lr = s->lr) : gt_sgd(net, .lr = s->lr, .momentum = 0.9);
    gt_schedule *schedule = gt_cosine_annealing_lr(optimizer, s->epochs);
    gt_mark start = gt_mark_tape(gt);
    double accuracy = NAN;
    long step = 0;
    bool stop = false;
    for (long epoch = 1; epoch <= s->epochs && !stop && !gt_failed(gt); epoch++) {
        gt_progress clock = gt_progress_begin(NULL, NULL, 0);
        gt_running_mean mean = {0}, right = {0};
        gt_tensor *x, *y;
        while (!stop && gt_loader_next(images, &x, &y)) {
            gt_rewind(gt, start); /* forget the step before */
            gt_tensor *logits = gt_forward(net, x);
            gt_tensor *loss = gt_cross_entropy(logits, y);
            gt_running_add(&mean, gt_item(loss), (double)y->size);
            if (s->losses) printf("step %ld  loss %.17g\n", step + 1, gt_item(loss));
            gt_running_add(&right, gt_accuracy(logits, y), (double)y->size);
            gt_backward(loss);
            gt_optimizer_step(optimizer);
            stop = ++step == s->steps || gt_stop_requested();
        }
        const double seconds = gt_progress_seconds(&clock);
        accuracy = test(gt, net, tests);
        gt_schedule_step(schedule);
        printf("epoch %2ld  loss %.4f  accuracy %.3f  test %.3f  %6.0f images/s  %.2f s\n", epoch,
               gt_running_value(&mean), gt_running_value(&right), accuracy, mean.weight / seconds,
               seconds);
    }
    return accuracy;
}

/* What lenet does. Returns its exit status but for failures, which the context knows. */
static int run(gt_ctx *gt, settings *s)
{
    const int size = (int)s->size;
    const uint64_t seed = (uint64_t)s->seed;
    gt_dataset *digits = s->data ? gt_mnist(gt, s->data, true)
                                 : gt_generated_digits(gt, 4000, .size = size, .seed = 2 * seed);
    gt_dataset *others = s->data
                             ? gt_mnist(gt, s->data, false)
                             : gt_generated_digits(gt, 1000, .size = size, .seed = 2 * seed + 1);
    const gt_transform *resize = GT_TRANSFORMS({.kind = GT_RESIZE, .size = {size}});
    gt_manual_seed(gt, seed);
    const gt_dtype dtype = s->f64 ? GT_F64 : GT_F32;
    gt_loader *images = gt_loader_new(digits, s->batch, .shuffle = true, .threads = 1,
                                      .dtype = dtype, .transforms = resize);
    gt_loader *tests = gt_loader_new(others, 250, .dtype = dtype, .transforms = resize);

    gt_module *net = s->classic ? classic_lenet(gt) : lenet(gt);
    gt_summary(stdout, net, GT_SHAPE(1, 1, size, size)); /* makes what is lazy */
    if (s->classic) gt_module_apply(net, xavier, NULL);
    gt_module_to(net, dtype);
    const double accuracy = train(gt, net, images, tests, s);
    if (gt_failed(gt)) return 1;
    if (s->save && gt_save(net, s->save) == GT_OK) printf("weights: %s\n", s->save);
    printf("test accuracy %.3f\n", accuracy);
    return gt_stop_requested() ? 130 : 0;
}

/* --- the command line --- */

static const char usage[] =
    "usage: lenet [options]\n"
    "Trains LeNet to read digits: generated ones, or those of MNIST.\n"
    "\n"
    "  --data DIR    images in MNIST's format: MNIST, Fashion-MNIST, ...\n"
    "  --classic     the book's variant: sigmoids and average pooling\n"
    "  --size N      of the images, which are resized to it (28)\n"
    "  --epochs N    times through the training set (8)\n"
    "  --steps N     stop after so many batches\n"
    "  --batch N     images in a batch (64)\n"
    "  --lr X        learning rate (0.05; of --classic 0.01)\n"
    "  --seed N      of all that is random (1)\n"
    "  --losses      print the loss of each batch\n"
    "  --f64         compute with doubles\n"
    "  --save FILE   write the weights, as safetensors; also after Ctrl-C\n";

/* The value V of "NAME V" or "NAME=V" at **arg; NULL if that is something else. */
static const char *option(const char *name, char ***arg)
{
    size_t n = strlen(name);
    if (strncmp(**arg, name, n) != 0) return NULL;
    if ((**arg)[n] == '=') return **arg + n + 1;
    return (**arg)[n] == '\0' && (*arg)[1] ? *++*arg : NULL;
}

static bool number(const char *text, long least, long *to)
{
    char *end;
    *to = strtol(text, &end, 10);
    return end != text && *end == '\0' && *to >= least && *to <= 1000000000;
}

/* The first argument that is of no use, or NULL. */
static const char *parse(char **arg, settings *s)
{
    const struct {
        const char *name;
        long least, *to;
    } numbers[] = {{"--epochs", 1, &s->epochs},
                   {"--steps", 1, &s->steps},
                   {"--size", 16, &s->size},
                   {"--batch", 1, &s->batch},
                   {"--seed", 0, &s->seed}};
    for (const char *value; *arg; arg++) {
        char more;
        bool good = false;
        if (strcmp(*arg, "--classic") == 0) good = s->classic = true;
        else if (strcmp(*arg, "--losses") == 0) good = s->losses = true;
        else if (strcmp(*arg, "--f64") == 0) good = s->f64 = true;
        else if ((value = option("--data", &arg))) good = (s->data = value);
        else if ((value = option("--save", &arg))) good = (s->save = value);
        else if ((value = option("--lr", &arg)))
            good = sscanf(value, "%lf%c", &s->lr, &more) == 1 && s->lr > 0 && isfinite(s->lr);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !good; i++)
            if ((value = option(numbers[i].name, &arg)))
                good = number(value, numbers[i].least, numbers[i].to);
        if (!good) return *arg;
    }
    if (s->lr == 0) s->lr = s->classic ? 0.01 : 0.05;
    return NULL;
}

static void on_interrupt(int signal)
{
    (void)signal;
    gt_request_stop();
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
    settings s = {.epochs = 8, .batch = 64, .size = 28, .seed = 1};
    const char *bad = parse(argv + 1, &s);
    if (bad) return fprintf(stderr, "lenet: cannot use '%s'\n%s", bad, usage), 2;
    signal(SIGINT, on_interrupt);
    gt_ctx *gt = gt_open();
    int status = run(gt, &s);
    if (gt_failed(gt)) {
        fprintf(stderr, "lenet: %s\n", gt_error_message(gt));
        status = 1;
    }
    gt_close(gt);
    return status;
}

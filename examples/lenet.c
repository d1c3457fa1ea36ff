/* LeNet: section 7.6 of "Dive into Deep Learning" (https://d2l.ai), with the whole training loop.
 *
 *   lenet                      generated digits, a few seconds
 *   lenet --data data/mnist    MNIST, or a set in its format (tools/get-data mnist) */
#include <gradtape.h>

typedef struct {
    const char *data, *save, *graph; /* NULL: none */
    long epochs, batch, steps, size, shift, seed;
    double lr; /* 0: what suits the network */
    bool classic, losses, f64, backward;
    long step; /* steps so far */
} settings;

static bool goes_on(const settings *s)
{
    return s->step != s->steps && !gt_stop_requested();
}

/* Images [n,1,h,w] to logits [n,10]. Lazy layers take their number of inputs from the first batch.
 */
static gt_module *lenet(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 6, .kernel = {5}, .padding = {2}), gt_nn_relu(gt),
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
        gt_nn_lazy_conv2d(gt, 6, .kernel = {5}, .padding = {2}), gt_nn_sigmoid(gt),
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

/* Moving digits a little, otherwise in each epoch, is as good as having more of them to train on.
 */
static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    const int size = (int)s->size, shift = train ? (int)s->shift : 0;
    gt_dataset *digits = s->data ? gt_mnist(gt, s->data, train)
                                 : gt_generated_digits(gt, train ? 4000 : 1000, .size = size,
                                                       .seed = 2 * (uint64_t)s->seed + !train);
    return gt_loader_new(
        digits, s->batch, .shuffle = train, .threads = 1, .dtype = s->f64 ? GT_F64 : GT_F32,
        .transforms = GT_TRANSFORMS({.kind = GT_RESIZE, .size = {size}},
                                    {.kind = GT_RANDOM_CROP, .size = {size}, .padding = shift}));
}

/* One pass over the images, or less if it is to stop. Returns the mean loss. */
static double train(gt_module *net, gt_optimizer *optimizer, gt_loader *images, settings *s)
{
    gt_running_mean mean = {0};
    gt_tensor *x, *y;
    gt_mark start = gt_mark_tape(net->ctx);
    while (goes_on(s) && gt_loader_next(images, &x, &y)) {
        gt_rewind(net->ctx, start); /* forget the step before */
        gt_tensor *loss = gt_cross_entropy(gt_forward(net, x), y);
        gt_backward(loss);
        gt_optimizer_step(optimizer);
        gt_running_add(&mean, gt_item(loss), gt_mean_weight(loss));
        s->step++;
        if (s->losses) printf("step %ld  loss %.17g\n", s->step, gt_item(loss));
    }
    gt_rewind(net->ctx, start); /* and the last one, with its gradients */
    return gt_running_value(&mean);
}

static void run(gt_ctx *gt, void *user)
{
    settings *s = user;
    gt_manual_seed(gt, (uint64_t)s->seed);
    gt_module *net = s->classic ? classic_lenet(gt) : lenet(gt);
    gt_summary(stdout, net, GT_SHAPE(1, 1, s->size, s->size)); /* makes what is lazy */
    if (s->graph && gt_module_render(net, s->graph, GT_SHAPE(1, 1, s->size, s->size),
                                     .backward = s->backward) == GT_OK)
        printf("graph: %s\n", s->graph);
    if (s->classic) gt_module_apply(net, xavier, NULL);
    gt_module_to(net, s->f64 ? GT_F64 : GT_F32);
    /* Plain descent would stay on the plateau where sigmoids begin, which Adam leaves. */
    gt_optimizer *optimizer = s->classic
                                  ? gt_adam(net, .lr = s->lr > 0 ? s->lr : 0.01)
                                  : gt_sgd(net, .lr = s->lr > 0 ? s->lr : 0.03, .momentum = 0.9);
    gt_schedule *schedule = gt_cosine_annealing_lr(optimizer, s->epochs);
    gt_loader *images = load(gt, s, true), *tests = load(gt, s, false);

    double test[2] = {0}; /* loss, accuracy */
    for (long epoch = 1; epoch <= s->epochs && goes_on(s) && !gt_failed(gt); epoch++) {
        gt_progress clock = gt_progress_begin(NULL, NULL, 0);
        const double loss = train(net, optimizer, images, s), took = gt_progress_seconds(&clock);
        gt_schedule_step(schedule);
        gt_evaluate(net, tests, test);
        printf("epoch %2ld  loss %.4f  test loss %.4f  accuracy %.3f  %.2f s\n", epoch, loss,
               test[0], test[1], took);
    }
    if (s->save && gt_save(net, s->save) == GT_OK) printf("weights: %s\n", s->save);
    if (!gt_failed(gt)) printf("test accuracy %.3f\n", test[1]);
}

int main(int argc, char **argv)
{
    settings s = {.epochs = 12, .batch = 32, .steps = -1, .size = 28, .shift = 2, .seed = 1};
    const gt_program_option options[] = {
        {"--data", "DIR", "images in MNIST's format: MNIST, Fashion-MNIST, ...", .text = &s.data},
        {"--classic", NULL, "the book's variant: sigmoids, average pooling", .on = &s.classic},
        {"--size", "N", "of the images, which are resized to it (28)", .count = &s.size,
         .least = 16},
        {"--shift", "N", "move training images by up to so many pixels (2)", .count = &s.shift},
        {"--epochs", "N", "times through the training set (12)", .count = &s.epochs, .least = 1},
        {"--steps", "N", "stop after so many batches", .count = &s.steps, .least = 1},
        {"--batch", "N", "images in a batch (32)", .count = &s.batch, .least = 1},
        {"--lr", "X", "learning rate (0.03, of --classic 0.01)", .number = &s.lr, .above_0 = true},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--losses", NULL, "print the loss of each batch", .on = &s.losses},
        {"--f64", NULL, "compute with doubles", .on = &s.f64},
        {"--graph", "FILE", "draw the network first, as .svg, .png, .html, ...", .text = &s.graph},
        {"--backward", NULL, "and its backward pass", .on = &s.backward, .needs = "--graph"},
        {"--save", "FILE", "write the weights, also after Ctrl-C", .text = &s.save},
        {.name = NULL},
    };
    return gt_program_main(argc, argv, "Trains LeNet to read digits.", run, &s, options);
}

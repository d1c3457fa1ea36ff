/* Where the time of a training step goes: the first look at a network that is too slow.
 *
 *   profile                    a table by operation, one by layer, and waits for data
 *   profile --trace t.json     and a trace for https://ui.perfetto.dev */
#include <gradtape.h>

typedef struct {
    const char *trace; /* NULL: none */
    long batch;
} settings;

static gt_module *network(gt_ctx *gt)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_lazy_conv2d(gt, 16, .kernel = {3}), gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_lazy_conv2d(gt, 32, .kernel = {3}), gt_nn_lazy_batch_norm2d(gt), gt_nn_relu(gt),
        gt_nn_max_pool2d(gt, .kernel = {2}),
        gt_nn_flatten(gt), gt_nn_lazy_linear(gt, 10));
    // clang-format on
}

/* A pass over the images. */
static void train(gt_module *net, gt_optimizer *optimizer, gt_loader *images)
{
    gt_tensor *x, *y;
    const gt_mark start = gt_mark_tape(net->ctx);
    while (gt_loader_next(images, &x, &y)) {
        gt_rewind(net->ctx, start);
        gt_backward(gt_cross_entropy(gt_forward(net, x), y));
        gt_optimizer_step(optimizer);
    }
    gt_rewind(net->ctx, start);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_module *net = network(gt);
    gt_optimizer *optimizer = gt_adam(net, .lr = 0.001);
    gt_loader *images =
        gt_loader_new(gt_generated_digits(gt, 512), s->batch, .shuffle = true, .threads = 1);

    train(net, optimizer, images); /* the first steps are slower than all others */
    gt_profile *p = gt_profile_begin(gt);
    train(net, optimizer, images);
    gt_profile_end(p);

    gt_profile_print(p, stdout);
    gt_profile_print(p, stdout, .by = GT_BY_MODULE, .depth = 1);
    if (s->trace && gt_profile_save_trace(p, s->trace) == GT_OK) printf("\ntrace: %s\n", s->trace);
}

int main(int argc, char **argv)
{
    settings s = {.batch = 32};
    const gt_program_option options[] = {
        {"--batch", "N", "images in a batch (32)", .count = &s.batch, .least = 1},
        {"--trace", "FILE", "write a trace for https://ui.perfetto.dev", .text = &s.trace},
        {.name = NULL},
    };
    return gt_program_main(argc, argv, "Shows where the time of training goes.", run, &s, options);
}

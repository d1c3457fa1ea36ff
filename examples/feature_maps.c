/* What a network looks at: trains LeNet for a few seconds, or takes one that is trained, and draws
 * its kernels and what they make of one image.
 *
 *   feature_maps                                   generated digits; writes feature_maps.png
 *   feature_maps --load lenet.safetensors --data data/mnist   after lenet --save */
#include "common/options.h"
#include "common/pictures.h"

typedef struct {
    const char *data, *load, *out;
    long steps, image, seed;
} settings;

/* The one of lenet.c. */
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

static void train(gt_ctx *gt, gt_module *net, gt_loader *images, long steps)
{
    gt_optimizer *sgd = gt_sgd(net, .lr = 0.03, .momentum = 0.9);
    gt_mark start = gt_mark_tape(gt);
    for (long step = 1; step <= steps && !gt_failed(gt); step++) {
        gt_tensor *x, *y;
        if (!gt_loader_next(images, &x, &y) && !gt_loader_next(images, &x, &y)) return;
        gt_rewind(gt, start); /* forget the step before */
        gt_tensor *loss = gt_cross_entropy(gt_forward(net, x), y);
        if (step % 50 == 0) printf("step %ld  loss %.3f\n", step, gt_item(loss));
        gt_backward(loss);
        gt_optimizer_step(sgd);
    }
}

/* A hook: keeps what a module made, in *user. */
static void watch(gt_module *m, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)m;
    (void)x;
    *(gt_tensor **)user = y;
}

/* Planes [..,h,w] as grey pictures in one row or more, each with its own contrast. */
static gt_tensor *planes(gt_tensor *x, int64_t columns, int64_t zoom)
{
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    x = gt_reshape(gt_detach(x), GT_SHAPE(-1, 1, d[2], d[3]));
    return picture_grid(picture_contrast(x), columns, zoom);
}

/* Image x [1,1,28,28] and below it, for both convolutions, the kernels and, behind the ReLU, the
 * maps; 0, which is most of a map, is black. */
static gt_tensor *draw(gt_module *net, gt_tensor *x)
{
    gt_tensor *first = NULL, *second = NULL;
    gt_module_add_hook(gt_module_nth(net, 1), watch, &first);
    gt_module_add_hook(gt_module_nth(net, 4), watch, &second);
    gt_tensor *class_index = gt_argmax(gt_forward(net, x), 1);
    if (class_index) printf("the network reads a %.0f\n", gt_item(class_index));
    gt_tensor *bands[] = {
        planes(x, 1, 4),
        planes(gt_module_parameter(net, "0.weight"), 6, 17), /* [6,1,5,5] */
        planes(first, 6, 3),                                 /* [1,6,28,28] */
        planes(gt_module_parameter(net, "3.weight"), 24, 4), /* [16,6,5,5] */
        planes(second, 8, 6),                                /* [1,16,10,10] */
    };
    return picture_column(bands, sizeof bands / sizeof *bands);
}

static void run(gt_ctx *gt, const settings *s)
{
    const uint64_t seed = (uint64_t)s->seed;
    gt_manual_seed(gt, seed);
    gt_dataset *digits =
        s->data ? gt_mnist(gt, s->data, true) : gt_generated_digits(gt, 4000, .seed = 2 * seed);
    gt_dataset *others = s->data ? gt_mnist(gt, s->data, false)
                                 : gt_generated_digits(gt, 1000, .seed = 2 * seed + 1);
    gt_dataset *chosen = gt_subset(others, s->image, s->image + 1);
    gt_tensor *x;
    if (!gt_loader_next(gt_loader_new(chosen, 1), &x, NULL)) return;

    gt_module *net = lenet(gt);
    gt_forward(net, x); /* makes what is lazy */
    if (s->load) gt_load(net, s->load);
    else train(gt, net, gt_loader_new(digits, 64, .shuffle = true, .threads = 1), s->steps);
    gt_eval(net);
    if (gt_image_save(draw(net, x), s->out) != GT_OK) return;
    printf("image, first kernels and maps, second kernels and maps: %s\n", s->out);
}

int main(int argc, char **argv)
{
    (void)argc;
    settings s = {.out = "feature_maps.png", .steps = 300, .seed = 1};
    const option table[] = {
        {"--data", "DIR", "images of 28x28 in MNIST's format (generated digits)", .text = &s.data},
        {"--load", "FILE", "weights that lenet --save wrote, instead of training", .text = &s.load},
        {"--steps", "N", "batches to train with (300)", .count = &s.steps},
        {"--image", "N", "which image of the test set (0)", .count = &s.image},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--out", "FILE", "picture to write (feature_maps.png)", .text = &s.out},
        {.name = NULL},
    };
    const int status = options_read(
        argv, "feature_maps", "Draws the kernels and feature maps of a LeNet for an image.", table);
    if (status >= 0) return status;
    gt_ctx *gt = gt_open();
    run(gt, &s);
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "feature_maps: %s\n", gt_error_message(gt));
    gt_close(gt);
    return failed;
}

/* What a network looks at: trains LeNet for a few seconds, or takes one that is trained, and draws
 * its kernels and what they make of one image.
 *
 *   feature_maps                                   generated digits; writes feature_maps.png
 *   feature_maps --load lenet.safetensors --data data/mnist   after lenet --save */
#include <gradtape.h>

typedef struct {
    const char *data, *load, *out, *graph;
    long epochs, image, seed;
    bool backward;
} settings;

/* The one of lenet.c. */
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

/* A hook: keeps what a module made, in *user. */
static void watch(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m;
    (void)in;
    *(gt_tensor **)user = out[0];
}

/* x [n,c,h,w] with each picture's values stretched to 0..1. */
static gt_tensor *contrast(gt_tensor *x)
{
    gt_tensor *low = gt_amin(x, .axes = GT_AXES(1, 2, 3), .keepdim = true);
    gt_tensor *high = gt_amax(x, .axes = GT_AXES(1, 2, 3), .keepdim = true);
    return gt_div(gt_sub(x, low), gt_add_scalar(gt_sub(high, low), 1e-12));
}

/* n pictures of up to 16, [c,h,w] each with the same c, one below the other on white. */
static gt_tensor *column(gt_tensor *const *picture, int n)
{
    gt_tensor *row[16];
    int64_t w = 0;
    for (int i = 0; i < n; i++) {
        if (!picture[i]) return NULL;
        if (w < picture[i]->shape.dim[2]) w = picture[i]->shape.dim[2];
    }
    for (int i = 0; i < n; i++)
        row[i] = gt_pad(picture[i], .pad = {0, w - picture[i]->shape.dim[2], 0, i < n - 1 ? 8 : 0},
                        .value = 1);
    return gt_concat(row, n, 1);
}

/* Planes [..,h,w] as pictures in rows of `columns`, each pixel a square of `zoom` pixels, with a
 * white frame up to `cell` pixels wide. */
static gt_tensor *planes(gt_tensor *x, int64_t columns, int zoom, int cell)
{
    if (!x) return NULL;
    const int64_t h = x->shape.dim[2] * zoom, w = x->shape.dim[3] * zoom;
    const int left = (int)(cell - w) / 2, right = (int)(cell - w) - left;
    x = gt_reshape(gt_detach(x), GT_SHAPE(-1, 1, x->shape.dim[2], x->shape.dim[3]));
    x = gt_pad(gt_interpolate(x, h, w), .pad = {left, right}, .value = 1);
    return gt_make_grid(x, .nrow = columns, .pad_value = 1);
}

/* Weights: 0 is grey, negative ones darker, positive ones brighter, to the same scale. */
static gt_tensor *signs(gt_tensor *x)
{
    gt_tensor *most = gt_add_scalar(gt_amax(gt_abs(x)), 1e-12);
    return gt_add_scalar(gt_mul_scalar(gt_div(x, most), 0.5), 0.5);
}

/* Image x [1,1,28,28]; below it, for both convolutions, a column for each kernel, and below that
 * what it finds in the image, behind the ReLU: 0, which is most of a map, is black. */
static gt_tensor *draw(gt_module *net, gt_tensor *x)
{
    enum { CELL1 = 112, CELL2 = 41 };
    gt_tensor *first = NULL, *second = NULL;
    gt_module_add_hook(gt_module_nth(net, 1), watch, &first);
    gt_module_add_hook(gt_module_nth(net, 4), watch, &second);
    gt_tensor *class_index = gt_argmax(gt_forward(net, x), 1);
    if (class_index) printf("the network reads a %.0f\n", gt_item(class_index));
    gt_tensor *w1 = gt_module_parameter(net, "0.weight"); /* [6,1,5,5] */
    gt_tensor *w2 = gt_module_parameter(net, "3.weight"); /* [16,6,5,5] */
    gt_tensor *bands[] = {
        planes(x, 1, 4, CELL1),
        planes(signs(w1), 6, 22, CELL1),
        planes(contrast(first), 6, 4, CELL1), /* [1,6,28,28] */
        planes(gt_permute(signs(w2), 1, 0, 2, 3), 16, 8, CELL2),
        planes(contrast(second), 16, 4, CELL2), /* [1,16,10,10] */
    };
    return column(bands, sizeof bands / sizeof *bands);
}

/* Images for training or for tests: MNIST's, or a set's in its format; else `count` generated ones.
 */
static gt_dataset *digits_of(gt_ctx *gt, const settings *s, bool train, int64_t count)
{
    if (s->data) return gt_mnist(gt, s->data, train);
    return gt_generated_digits(gt, count, .seed = 2 * (uint64_t)s->seed + !train);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, (uint64_t)s->seed);
    gt_dataset *digits = digits_of(gt, s, true, 4000);
    gt_dataset *others = digits_of(gt, s, false, 1000);
    gt_tensor *x;
    const int64_t chosen[] = {s->image};
    if (!gt_loader_next(gt_loader_new(gt_subset_at(others, 1, chosen), 1), &x, NULL)) return;

    gt_module *net = lenet(gt);
    gt_forward(net, x); /* makes what is lazy */
    if (s->graph && gt_module_render(net, s->graph, x->shape, .backward = s->backward) == GT_OK)
        printf("graph: %s\n", s->graph);
    if (s->load) gt_load(net, s->load);
    else
        gt_fit(net, gt_adam(net), gt_loader_new(digits, 32, .shuffle = true, .threads = 1),
               .epochs = s->epochs, .log = stdout);
    gt_eval(net);
    if (gt_image_save(draw(net, x), s->out) != GT_OK) return;
    printf("image, first kernels and maps, second kernels and maps: %s\n", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "feature_maps.png", .epochs = 3, .seed = 1};
    const gt_program_option options[] = {
        {"--data", "DIR", "images of 28x28 in MNIST's format (generated digits)", .text = &s.data},
        {"--load", "FILE", "weights that lenet --save wrote, instead of training", .text = &s.load},
        {"--epochs", "N", "times through the training set (3)", .count = &s.epochs, .least = 1},
        {"--image", "N", "which image of the test set (0)", .count = &s.image},
        {"--seed", "N", "of all that is random (1)", .count = &s.seed},
        {"--out", "FILE", "picture to write, also after Ctrl-C (feature_maps.png)", .text = &s.out,
         .ends = ".png"},
        {"--graph", "FILE", "draw the network first, as .svg, .png, .html, ...", .text = &s.graph},
        {"--backward", NULL, "and its backward pass", .on = &s.backward, .needs = "--graph"},
        {.name = NULL},
    };
    return gt_program_main(argc, argv,
                           "Draws the kernels and feature maps of a LeNet for an image.", run, &s,
                           options);
}

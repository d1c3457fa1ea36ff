/* Segmentation: a U-Net tells discs and squares from what is behind them, pixel by pixel.
 *
 *   unet      some seconds; writes unet.png: pictures, their masks, and what the network says */
#include <gradtape.h>

enum { SIZE = 32, CLASSES = 3 }; /* background, disc, square */

typedef struct {
    const char *out;
    long images, epochs;
} settings;

/* Two convolutions, each normalised. */
static gt_module *convs(gt_ctx *gt, int in, int out)
{
    // clang-format off
    return gt_nn_sequential(gt,
        gt_nn_conv2d(gt, in, out, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_batch_norm2d(gt, out), gt_nn_relu(gt),
        gt_nn_conv2d(gt, out, out, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_batch_norm2d(gt, out), gt_nn_relu(gt));
    // clang-format on
}

/* Images [n,in,h,w] to [n,c,h,w]: a U-Net for images of half the size, and past it the details. */
static gt_module *unet(gt_ctx *gt, int in, int c, int depth)
{
    if (depth == 0) return convs(gt, in, c);
    gt_module *before = convs(gt, in, c);
    gt_module *below =
        gt_nn_sequential(gt, gt_nn_max_pool2d(gt, .kernel = {2}), unet(gt, c, 2 * c, depth - 1),
                         gt_nn_conv_transpose2d(gt, 2 * c, c, .kernel = {2}, .stride = {2}));
    gt_module *both = gt_nn_concat(gt, gt_nn_identity(gt), below);
    return gt_nn_sequential(gt, before, both, convs(gt, 2 * c, c));
}

/* n whole numbers in [low, high) as f32 [n,1,1]. */
static gt_tensor *draw(gt_ctx *gt, int64_t n, int64_t low, int64_t high)
{
    return gt_cast(gt_randint(gt, low, high, GT_SHAPE(n, 1, 1)), GT_F32);
}

/* Pictures [n,1,SIZE,SIZE] of four shapes each, in noise, and masks [n,SIZE,SIZE] of classes. */
static gt_dataset *shapes(gt_ctx *gt, int64_t n)
{
    gt_tensor *x = gt_arange(gt, 0, SIZE, 1), *y = gt_unsqueeze(x, 1);
    gt_tensor *mask = gt_zeros(gt, GT_SHAPE(n, SIZE, SIZE));
    for (int i = 0; i < 4; i++) {
        gt_tensor *dy = gt_abs(gt_sub(y, draw(gt, n, 0, SIZE)));
        gt_tensor *dx = gt_abs(gt_sub(x, draw(gt, n, 0, SIZE)));
        gt_tensor *r = draw(gt, n, 4, 9), *class = draw(gt, n, 1, CLASSES);
        gt_tensor *round = gt_sqrt(gt_add(gt_square(dy), gt_square(dx)));
        gt_tensor *off = gt_where(gt_eq_scalar(class, 1), round, gt_maximum(dy, dx));
        mask = gt_where(gt_le(off, r), class, mask);
    }
    gt_tensor *bright = gt_cast(gt_gt_scalar(mask, 0), GT_F32);
    gt_tensor *noise = gt_randn(gt, GT_SHAPE(n, SIZE, SIZE));
    gt_tensor *image = gt_mul_scalar(gt_add(bright, gt_mul_scalar(noise, 0.4)), 0.5);
    return gt_tensor_dataset(gt_unsqueeze(image, 1), gt_cast(mask, GT_I64));
}

/* Pictures, below them their masks, and below these what the network says. */
static gt_tensor *sheet(gt_module *net, gt_tensor *x, gt_tensor *mask)
{
    gt_tensor *both = gt_concat_of(0, mask, gt_argmax(gt_predict(net, x), 1));
    both = gt_div_scalar(gt_cast(gt_unsqueeze(both, 1), GT_F32), CLASSES - 1);
    return gt_make_grid(gt_concat_of(0, x, both), .pad_value = 0.5);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    int64_t disc = 1, square = 2;
    gt_manual_seed(gt, 1);
    gt_dataset *tests = shapes(gt, 100);
    gt_loader *train = gt_loader_new(shapes(gt, s->images), 16, .shuffle = true);
    gt_module *net =
        gt_nn_sequential(gt, unet(gt, 1, 8, 2), gt_nn_conv2d(gt, 8, CLASSES, .kernel = {1}));
    gt_fit(net, gt_adam(net, .lr = 5e-3), train, .epochs = s->epochs,
           .valid = gt_loader_new(tests, 50), .log = stdout,
           .metrics =
               GT_METRICS(GT_ACCURACY, GT_IOU("iou_disc", &disc), GT_IOU("iou_square", &square)));

    gt_tensor *x, *mask;
    if (!gt_loader_next(gt_loader_new(tests, 8), &x, &mask)) return;
    if (gt_image_save(sheet(net, x, mask), s->out) == GT_OK) printf("pictures: %s\n", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "unet.png", .images = 800, .epochs = 6};
    return gt_program_main(
        argc, argv, "Trains a U-Net to find discs and squares.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--images", "N", "to learn from (800)", .count = &s.images, .least = 1},
            {"--epochs", "N", "times through them (6)", .count = &s.epochs, .least = 1},
            {"--out", "FILE", "picture to write (unet.png)", .text = &s.out, .ends = ".png"}));
}

/* Super-resolution: a network doubles pictures in height and width, with more detail than bilinear
 * interpolation, to which it adds: its last layer makes four numbers of each pixel, which become
 * 2x2 pixels (ESPCN, Shi et al., 2016).
 *
 *   super_resolution                       generated digits, some seconds
 *   super_resolution --data data/cifar10   CIFAR-10 (tools/get-data cifar10)
 *
 * Writes super_resolution.png: rows of pixels doubled, interpolated, by the network, original. */
#include <gradtape.h>
#include <math.h>

typedef struct {
    const char *data, *out;
    long images, epochs;
} settings;

/* Pictures [n,3,h,w] to [n,3,2h,2w]: interpolated, and details. */
static gt_module *doubling(gt_ctx *gt, int c)
{
    // clang-format off
    gt_module *details = gt_nn_sequential(gt,
        gt_nn_conv2d(gt, 3, c, .kernel = {5}, .padding = {2}), gt_nn_relu(gt),
        gt_nn_conv2d(gt, c, c, .kernel = {3}, .padding = {1}), gt_nn_relu(gt),
        gt_nn_conv2d(gt, c, 3 * 4, .kernel = {3}, .padding = {1}), gt_nn_pixel_shuffle(gt, 2));
    // clang-format on
    return gt_nn_residual(gt, details,
                          .shortcut = gt_nn_upsample(gt, .scale = {2}, .mode = GT_BILINEAR));
}

/* From the pictures themselves: the network gets them halved. */
static gt_tensor *distance(const gt_batch *b, void *user)
{
    (void)user;
    return gt_l1_loss(b->out[0], b->in[0]);
}

/* The peak signal-to-noise ratio in decibel, of pictures in 0..1. */
static double psnr(gt_tensor *x, gt_tensor *y)
{
    return -10 * log10(gt_item(gt_mse_loss(x, y)));
}

static gt_loader *load(gt_ctx *gt, const settings *s, bool train)
{
    gt_dataset *d = s->data ? gt_cifar10(gt, s->data, train)
                            : gt_generated_digits(gt, train ? s->images : 200, .size = 32,
                                                  .rgb = true, .noise = 0.02, .seed = !train);
    return gt_loader_new(d, train ? 16 : 200, .shuffle = train);
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    gt_module *net = gt_nn_sequential(gt, gt_nn_avg_pool2d(gt, .kernel = {2}), doubling(gt, 32));
    gt_fit(net, gt_adam(net, .lr = 2e-3), load(gt, s, true), .epochs = s->epochs, .loss = distance,
           .log = stdout);

    gt_tensor *x;
    if (!gt_loader_next(load(gt, s, false), &x, NULL)) return;
    gt_tensor *small = gt_avg_pool2d(x, .kernel = {2}), *y = gt_predict(net, x);
    gt_tensor *plain = gt_interpolate(small, 32, 32, .mode = GT_BILINEAR);
    printf("PSNR: interpolated %.2f dB, by the network %.2f dB\n", psnr(plain, x), psnr(y, x));
    gt_tensor *rows[] = {gt_interpolate(small, 32, 32), plain, y, x};
    for (int i = 0; i < 4; i++) rows[i] = gt_slice(rows[i], 0, 0, 8);
    if (gt_image_save(gt_make_grid(gt_concat(rows, 4, 0)), s->out) == GT_OK)
        printf("pictures: %s\n", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "super_resolution.png", .images = 1000, .epochs = 5};
    return gt_program_main(
        argc, argv, "Trains a network to double pictures.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--data", "DIR", "CIFAR-10 in its binary form (generated digits)", .text = &s.data},
            {"--images", "N", "to generate otherwise (1000)", .count = &s.images, .least = 1},
            {"--epochs", "N", "times through them (5)", .count = &s.epochs, .least = 1},
            {"--out", "FILE", "picture to write (super_resolution.png)", .text = &s.out,
             .ends = ".png"}));
}

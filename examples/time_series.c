/* A time series told ahead: dilated convolutions over the 64 hours before say the next one (Bai et
 * al., 2018), and by what they have said the whole next day.
 *
 *   time_series      some seconds */
#include <gradtape.h>

enum { WINDOW = 64, DAY = 24 };

typedef struct {
    long hours, epochs;
} settings;

/* Hours [n]: a day's wave, a week's, and noise. */
static gt_tensor *series(gt_ctx *gt, long n)
{
    gt_tensor *t = gt_mul_scalar(gt_arange(gt, 0, (double)n, 1), 2 * 3.14159265358979 / DAY);
    gt_tensor *waves = gt_add(gt_sin(t), gt_mul_scalar(gt_sin(gt_div_scalar(t, 7)), 0.5));
    return gt_add(waves, gt_mul_scalar(gt_randn(gt, GT_SHAPE(n)), 0.1));
}

/* Windows [n,1,WINDOW] of a series, and what came next, [n,1]. */
static gt_dataset *windows(gt_tensor *x)
{
    gt_tensor *all = gt_unfold(gt_reshape(x, GT_SHAPE(1, 1, 1, -1)), .kernel = {1, WINDOW + 1});
    all = gt_permute(all, 2, 0, 1); /* [n,1,WINDOW+1] */
    return gt_tensor_dataset(gt_slice(all, 2, 0, WINDOW), gt_select(all, 2, -1));
}

/* A convolution that looks back by `dilation` and `2 dilation` hours, and sees nothing ahead. */
static gt_module *layer(gt_ctx *gt, int in, int out, int dilation)
{
    return gt_nn_sequential(gt, gt_nn_pad1d(gt, .pad = {2 * dilation, 0}),
                            gt_nn_conv1d(gt, in, out, .kernel = 3, .dilation = dilation),
                            gt_nn_relu(gt));
}

static gt_tensor *last(gt_tensor *x)
{
    return gt_select(x, 2, -1); /* [n,c,l] to [n,c] */
}

/* Sees 2 * 3 * (1 + 2 + 4 + 8 + 16) + 1 = 63 hours. */
static gt_module *network(gt_ctx *gt, int c)
{
    gt_module *m = gt_nn_sequential(gt, layer(gt, 1, c, 1));
    for (int dilation = 2; dilation <= 16; dilation *= 2)
        gt_module_append(m, gt_nn_residual(gt, layer(gt, c, c, dilation)));
    gt_module_append(m, gt_nn_lambda(gt, last));
    gt_module_append(m, gt_nn_linear(gt, c, 1));
    return m;
}

/* How far off, on average, the day behind the first `now` hours is, told hour by hour. */
static double tell_day(gt_module *net, gt_tensor *x, int64_t now)
{
    gt_tensor *told = gt_slice(x, 0, now - WINDOW, now);
    for (int h = 0; h < DAY; h++) {
        gt_tensor *window = gt_reshape(gt_slice(told, 0, h, h + WINDOW), GT_SHAPE(1, 1, WINDOW));
        told = gt_concat_of(0, told, gt_reshape(gt_predict(net, window), GT_SHAPE(1)));
    }
    return gt_mean_absolute_error(gt_slice(told, 0, WINDOW, WINDOW + DAY),
                                  gt_slice(x, 0, now, now + DAY));
}

static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_manual_seed(gt, 1);
    const long now = s->hours * 4 / 5; /* what comes later is not learned from */
    gt_tensor *x = series(gt, s->hours), *past = gt_slice(x, 0, 0, now);
    gt_tensor *later = gt_slice(x, 0, now - WINDOW, s->hours);
    gt_loader *train = gt_loader_new(windows(past), 32, .shuffle = true);
    gt_loader *test = gt_loader_new(windows(later), 256);
    gt_module *net = network(gt, 16);
    gt_fit(net, gt_adam(net, .lr = 2e-3), train, .epochs = s->epochs, .valid = test,
           .loss = gt_batch_loss, .user = gt_nn_mse_loss(gt), .metrics = GT_METRICS(GT_MAE, GT_R2),
           .log = stdout);
    gt_tensor *before = gt_slice(x, 0, now - 1, s->hours - 1);
    printf("mean error if nothing changed: an hour ahead %.3f\n",
           gt_mean_absolute_error(before, gt_slice(x, 0, now, s->hours)));
    printf("mean error of the next day, told from what was told: %.3f\n", tell_day(net, x, now));
}

int main(int argc, char **argv)
{
    settings s = {.hours = 2500, .epochs = 5};
    return gt_program_main(
        argc, argv, "Trains a network to tell a series of numbers ahead.", run, &s,
        GT_PROGRAM_OPTIONS(
            {"--hours", "N", "of the series (2500)", .count = &s.hours, .least = 500},
            {"--epochs", "N", "times through its windows (5)", .count = &s.epochs, .least = 1}));
}

/* What gt_fit and gt_evaluate measure: the loss and the metrics of batches, and their means. */
#include <math.h>

#include "train/train.h"

double gt_metric_accuracy(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)x;
    (void)user;
    return gt_accuracy(out, y);
}

double gt_metric_top_k(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)x;
    return gt_top_k_accuracy(out, y, user ? *(const int64_t *)user : 0);
}

double gt_metric_labels(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)out;
    (void)x;
    (void)user;
    return gt_count_labels(y);
}

static gt_tensor *cross_entropy(gt_tensor *out, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)x;
    (void)user;
    return gt_cross_entropy(out, y);
}

bool gti_measure_open(gti_measure *m, gt_ctx *gt, gt_loss_fn loss, void *user,
                      const gt_metric *metrics, const char *what)
{
    static const gt_metric usual[] = {GT_ACCURACY, {.name = NULL}};
    *m = (gti_measure){.loss = loss ? loss : cross_entropy, .user = user, .what = what};
    if (!metrics && !loss) metrics = usual;
    for (; metrics && metrics->name; metrics++) {
        char why[GT_WHY];
        if (!gt_is_name(metrics->name, GT_NAME_MOST, why)) {
            gt_fail(gt, GT_ERR_ARGUMENT, what, "the name of metric %d %s", m->metrics, why);
            return false;
        }
        if (!metrics->fn || m->metrics == GT_METRICS_MOST) {
            gt_fail(gt, GT_ERR_ARGUMENT, what,
                    "metric %d '%s' has no function, or is one more than %d", m->metrics,
                    metrics->name, GT_METRICS_MOST);
            return false;
        }
        m->metric[m->metrics++] = *metrics;
    }
    return true;
}

bool gti_measure_loader(const gt_loader *loader, const char *what)
{
    if (gt_loader_batches(loader)) return true;
    const gt_dataset *d = gt_loader_dataset(loader);
    gt_fail(d->ctx, GT_ERR_ARGUMENT, what,
            "a loader has no batches: its data set has %lld items, fewer than one batch\n"
            "  hint: without .drop_last the last batch may be smaller",
            (long long)d->count);
    return false;
}

bool gti_measure_place(const gt_loader *loader, uint64_t epoch, int64_t position, const char *what)
{
    const gt_loader_state at = gt_loader_get_state(loader);
    if (at.epoch == epoch && at.position == (uint64_t)position) return true;
    gt_fail(gt_loader_dataset(loader)->ctx, GT_ERR_STATE, what,
            "its loader was used within an epoch, by a callback, loss or metric: it stands behind "
            "batch %lld of %lld, and was left behind batch %lld\n"
            "  hint: gt_loader_new(gt_loader_dataset(loader), ...) makes another one for that",
            (long long)at.position, (long long)gt_loader_batches(loader), (long long)position);
    return false;
}

/* A metric that has nothing to say about a batch (NaN) does not count there. */
static bool measure(const gti_measure *m, gt_tensor *out, gt_tensor *x, gt_tensor *y,
                    gti_means *means)
{
    const bool recording = gt_set_recording(x->ctx, false);
    for (int i = 0; i < m->metrics; i++) {
        const gt_metric *metric = &m->metric[i];
        const double value = metric->fn(out, x, y, metric->user);
        const double weight =
            metric->weight ? metric->weight(out, x, y, metric->user) : (double)x->shape.dim[0];
        if (!isnan(value)) gt_running_add(&means->mean[1 + i], value, weight);
    }
    gt_set_recording(x->ctx, recording);
    return !gt_failed(x->ctx);
}

gt_tensor *gti_measure_loss(const gti_measure *m, gt_tensor *out, gt_tensor *x, gt_tensor *y)
{
    gt_tensor *loss = m->loss(out, x, y, m->user);
    if (gt_failed(x->ctx)) return NULL;
    if (loss && loss->size == 1)
        return isnan(gt_mean_weight(loss)) ? gt_set_mean_weight(loss, (double)x->shape.dim[0])
                                           : loss;
    char shape[128];
    if (!loss) gt_fail(x->ctx, GT_ERR_ARGUMENT, m->what, "the function of the loss returned NULL");
    else
        gt_fail(x->ctx, GT_ERR_SHAPE, m->what,
                "the loss has %lld elements, not one: shape %s\n"
                "  hint: its function should return the mean, gt_mean(...)",
                (long long)loss->size, gt_shape_format(loss->shape, shape, sizeof shape));
    return NULL;
}

bool gti_measure_add(const gti_measure *m, gt_tensor *out, gt_tensor *x, gt_tensor *y,
                     const gt_tensor *loss, gti_means *means)
{
    const double value = gt_item(loss);
    if (gt_failed(x->ctx)) return false;
    gt_running_add(&means->mean[0], value, gt_mean_weight(loss));
    means->items += x->shape.dim[0];
    return measure(m, out, x, y, means);
}

gt_tensor *gti_measure_batch(const gti_measure *m, gt_module *module, gt_tensor *x, gt_tensor *y,
                             gti_means *means)
{
    gt_tensor *out = gt_forward(module, x);
    gt_tensor *loss = out ? gti_measure_loss(m, out, x, y) : NULL;
    return loss && gti_measure_add(m, out, x, y, loss, means) ? loss : NULL;
}

bool gti_measure_epoch(const gti_measure *m, gt_module *module, gt_loader *loader, gti_means *means,
                       gti_seen_fn seen, void *user)
{
    gt_ctx *gt = module->ctx;
    const bool training = module->training, recording = gt_set_recording(gt, false);
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *x, *y;
    *means = (gti_means){0};
    gt_eval(module);
    gt_loader_reset(loader);
    const uint64_t epoch = gt_loader_get_state(loader).epoch;
    for (int64_t done = 1; gt_loader_next(loader, &x, &y); done++) {
        gt_rewind(gt, start);
        if (!gti_measure_batch(m, module, x, y, means) ||
            !gti_measure_place(loader, epoch, done, m->what))
            break;
        if (seen) seen(user, done);
    }
    gt_rewind(gt, start);
    gt_set_recording(gt, recording);
    if (training) gt_train(module);
    return !gt_failed(gt);
}

gt_status gt_evaluate_(gt_module *m, gt_loader *loader, double *to, gt_evaluate_opts opts)
{
    static const char what[] = "gt_evaluate";
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (gt_failed(m->ctx)) return gt_error_code(m->ctx);
    if (!loader || !to)
        return gt_fail(m->ctx, GT_ERR_ARGUMENT, what, "the loader or the result is NULL");
    gti_measure measure;
    gti_means means;
    if (!gti_measure_loader(loader, what) ||
        !gti_measure_open(&measure, m->ctx, opts.loss, opts.user, opts.metrics, what) ||
        !gti_measure_epoch(&measure, m, loader, &means, NULL, NULL))
        return gt_error_code(m->ctx);
    for (int i = 0; i <= measure.metrics; i++) to[i] = gt_running_value(&means.mean[i]);
    return GT_OK;
}

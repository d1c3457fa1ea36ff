/* What gt_fit and gt_evaluate measure: the loss and the metrics of batches, and their means. */
#include <math.h>
#include <string.h>

#include "train/train.h"

gt_tensor *gt_batch_loss(const gt_batch *b, void *user)
{
    if (user) return gt_loss_apply(user, b->out[0], b->target[0]);
    gt_fail(b->out[0]->ctx, GT_ERR_ARGUMENT, "gt_batch_loss",
            "user is NULL, must be a loss, such as gt_nn_mse_loss(gt)");
    return NULL;
}

double gt_metric_accuracy(const gt_batch *b, void *user)
{
    (void)user;
    return gt_accuracy(b->out[0], b->target[0]);
}

double gt_metric_top_k(const gt_batch *b, void *user)
{
    return gt_top_k_accuracy(b->out[0], b->target[0], user ? *(const int64_t *)user : 0);
}

double gt_metric_labels(const gt_batch *b, void *user)
{
    (void)user;
    return gt_count_labels(b->target[0]);
}

static int64_t class_of(const void *user)
{
    return user ? *(const int64_t *)user : -1;
}

double gt_metric_iou(const gt_batch *b, void *user)
{
    return gt_iou(b->out[0], b->target[0], class_of(user));
}

double gt_metric_union(const gt_batch *b, void *user)
{
    double weight = 0;
    gti_metrics_iou(b->out[0], b->target[0], class_of(user), &weight, "gt_metric_union");
    return weight;
}

double gt_metric_dice(const gt_batch *b, void *user)
{
    return gt_dice(b->out[0], b->target[0], class_of(user));
}

double gt_metric_both(const gt_batch *b, void *user)
{
    double weight = 0;
    gti_metrics_dice(b->out[0], b->target[0], class_of(user), &weight, "gt_metric_both");
    return weight;
}

double gt_metric_absolute_error(const gt_batch *b, void *user)
{
    (void)user;
    return gt_mean_absolute_error(b->out[0], b->target[0]);
}

double gt_metric_elements(const gt_batch *b, void *user)
{
    (void)user;
    return b->target[0] ? (double)b->target[0]->size : 0;
}

/* Numbers are taken for parts of classes; of one class the loss is 0, and nothing is learned. */
static bool is_regression(const gt_tensor *y, const gt_tensor *target)
{
    if (!y || !target || target->dtype == GT_I64) return false;
    return !gt_shape_equal(y->shape, target->shape) || (y->shape.ndim > 1 && y->shape.dim[1] == 1);
}

static gt_tensor *cross_entropy(const gt_batch *b, void *user)
{
    const gt_tensor *y = b->out[0], *target = b->target[0];
    char shapes[2][128];
    (void)user;
    if (!is_regression(y, target)) return gt_cross_entropy(b->out[0], b->target[0]);
    gt_fail(y->ctx, GT_ERR_ARGUMENT, "cross_entropy",
            "is the loss where no .loss is given; targets are %s %s, the output is %s\n"
            "  hint: classes are i64; a regression has a .loss, such as .loss = gt_batch_loss, "
            ".user = gt_nn_mse_loss(gt)",
            gt_dtype_name(target->dtype),
            gt_shape_format(target->shape, shapes[0], sizeof shapes[0]),
            gt_shape_format(y->shape, shapes[1], sizeof shapes[1]));
    return NULL;
}

bool gti_measure_open(gti_measure *m, gt_ctx *gt, gt_loss_fn loss, void *user,
                      const gt_metric *metrics, const char *what)
{
    static const gt_metric usual[] = {GT_ACCURACY, {.name = NULL}};
    *m = (gti_measure){.gt = gt, .loss = loss ? loss : cross_entropy, .user = user, .what = what};
    if (!metrics && !loss) metrics = usual;
    for (; metrics && metrics->name; metrics++) {
        char why[GT_WHY];
        if (!gt_is_name(metrics->name, GT_NAME_MOST, why)) {
            gt_fail(gt, GT_ERR_ARGUMENT, what, "the name of metric %d %s", m->metrics, why);
            return false;
        }
        if ((!metrics->fn && !(metrics->gather && metrics->value)) ||
            m->metrics == GT_METRICS_MOST) {
            gt_fail(gt, GT_ERR_ARGUMENT, what,
                    "metric %d '%s' has no function, or is one more than %d", m->metrics,
                    metrics->name, GT_METRICS_MOST);
            return false;
        }
        m->metric[m->metrics++] = *metrics;
    }
    return true;
}

bool gti_measure_loader(const gt_loader *loader, int inputs, const char *what)
{
    const gt_dataset *d = gt_loader_dataset(loader);
    if (inputs < 0 || inputs > d->members) {
        gt_fail(d->ctx, GT_ERR_ARGUMENT, what, ".inputs is %d, the items of %s have %d members",
                inputs, d->type->name, d->members);
        return false;
    }
    if (gt_loader_batches(loader)) return true;
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

/* --- a batch --- */

bool gti_measure_next(const gti_measure *m, gt_loader *loader, gt_batch *b)
{
    const int n = gt_loader_dataset(loader)->members;
    gt_tensor **to[GT_MEMBERS_MOST];
    const int inputs = m->inputs ? m->inputs : n > 1 ? n - 1 : 1;
    *b = (gt_batch){.in = {NULL}};
    for (int k = 0; k < n; k++) to[k] = k < inputs ? &b->in[k] : &b->target[k - inputs];
    return gt_loader_next_(loader, n, to) && b->in[0];
}

bool gti_measure_forward(gt_module *module, gt_batch *b)
{
    int n = 0;
    while (b->in[n]) n++;
    const gt_outputs y = gt_forward_all_(module, n, b->in);
    memcpy(b->out, y.at, sizeof y.at);
    return b->out[0];
}

static double items_of(const gt_batch *b)
{
    return (double)b->in[0]->shape.dim[0];
}

static void add(double sums[GT_METRIC_SUMS], double value, double weight)
{
    gt_running_mean mean = {sums[0], sums[1]};
    gt_running_add(&mean, value, weight);
    sums[0] = mean.sum;
    sums[1] = mean.weight;
}

double gti_measure_value(const gti_measure *m, const gti_means *means, int i)
{
    const double *sums = means->sums[i];
    if (i > 0 && m->metric[i - 1].gather) return m->metric[i - 1].value(sums);
    return gt_running_value(&(gt_running_mean){sums[0], sums[1]});
}

/* A metric that has nothing to say about a batch (NaN) does not count there. */
static void measure_one(const gt_metric *metric, const gt_batch *b, double sums[GT_METRIC_SUMS])
{
    if (metric->gather) {
        metric->gather(b, metric->user, sums);
        return;
    }
    const double value = metric->fn(b, metric->user);
    const double weight = metric->weight ? metric->weight(b, metric->user) : items_of(b);
    if (!isnan(value)) add(sums, value, weight);
}

static bool measure(const gti_measure *m, const gt_batch *b, gti_means *means)
{
    const bool recording = gt_set_recording(m->gt, false);
    for (int i = 0; i < m->metrics; i++) measure_one(&m->metric[i], b, means->sums[1 + i]);
    gt_set_recording(m->gt, recording);
    return !gt_failed(m->gt);
}

gt_tensor *gti_measure_loss(const gti_measure *m, const gt_batch *b)
{
    gt_tensor *loss = m->loss(b, m->user);
    if (gt_failed(m->gt)) return NULL;
    if (loss && loss->size == 1)
        return isnan(gt_mean_weight(loss)) ? gt_set_mean_weight(loss, items_of(b)) : loss;
    char shape[128];
    if (!loss) gt_fail(m->gt, GT_ERR_ARGUMENT, m->what, "the function of the loss returned NULL");
    else
        gt_fail(m->gt, GT_ERR_SHAPE, m->what,
                "the loss has %lld elements, not one: shape %s\n"
                "  hint: its function should return the mean, gt_mean(...)",
                (long long)loss->size, gt_shape_format(loss->shape, shape, sizeof shape));
    return NULL;
}

bool gti_measure_add(const gti_measure *m, const gt_batch *b, const gt_tensor *loss,
                     gti_means *means)
{
    const double value = gt_item(loss);
    if (gt_failed(m->gt)) return false;
    add(means->sums[0], value, gt_mean_weight(loss));
    means->items += b->in[0]->shape.dim[0];
    return measure(m, b, means);
}

gt_tensor *gti_measure_batch(const gti_measure *m, gt_module *module, gt_batch *b, gti_means *means)
{
    gt_tensor *loss = gti_measure_forward(module, b) ? gti_measure_loss(m, b) : NULL;
    return loss && gti_measure_add(m, b, loss, means) ? loss : NULL;
}

/* --- an epoch --- */

bool gti_measure_epoch(const gti_measure *m, gt_module *module, gt_loader *loader, gti_means *means,
                       gti_seen_fn seen, void *user)
{
    gt_ctx *gt = module->ctx;
    const bool recording = gt_set_recording(gt, false);
    const gt_mark start = gt_mark_tape(gt);
    gt_batch b;
    *means = (gti_means){0};
    gt_module_push_mode(module, false);
    gt_loader_reset(loader);
    const uint64_t epoch = gt_loader_get_state(loader).epoch;
    for (int64_t done = 1; gti_measure_next(m, loader, &b); done++) {
        gt_rewind(gt, start);
        if (!gti_measure_batch(m, module, &b, means) ||
            !gti_measure_place(loader, epoch, done, m->what))
            break;
        if (seen) seen(user, done);
    }
    gt_rewind(gt, start);
    gt_set_recording(gt, recording);
    gt_module_pop_mode(module);
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
    opts.inputs = (int)gt_option_int(opts.inputs, 0);
    if (!gti_measure_loader(loader, opts.inputs, what) ||
        !gti_measure_open(&measure, m->ctx, opts.loss, opts.user, opts.metrics, what))
        return gt_error_code(m->ctx);
    measure.inputs = opts.inputs;
    if (!gti_measure_epoch(&measure, m, loader, &means, NULL, NULL)) return gt_error_code(m->ctx);
    for (int i = 0; i <= measure.metrics; i++) to[i] = gti_measure_value(&measure, &means, i);
    return GT_OK;
}

/* How far predictions of numbers are from their targets. */
#include <gradtape/op.h>
#include <math.h>

#include "train/train.h"

static bool is_readable(const gt_tensor *t, const char *name, const char *what)
{
    if (!t) gt_fail(NULL, GT_ERR_ARGUMENT, what, "%s is NULL", name);
    if (!t || gt_failed(t->ctx)) return false;
    const char *why = gt_unusable(t);
    if (why) gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor of %s %s", name, why);
    else if (!gt_is_floating(t->dtype))
        gt_fail(t->ctx, GT_ERR_DTYPE, what, "%s are %s, must be f32 or f64", name,
                gt_dtype_name(t->dtype));
    return !gt_failed(t->ctx);
}

static bool are_pair(const gt_tensor *x, const gt_tensor *y, const char *what)
{
    char a[128], b[128];
    if (!is_readable(x, "predictions", what) || !is_readable(y, "targets", what)) return false;
    if (gt_same_shape(x, y)) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, what, "predictions %s and targets %s must be of one shape",
            gt_shape_format(x->shape, a, sizeof a), gt_shape_format(y->shape, b, sizeof b));
    return false;
}

double gt_mean_absolute_error(const gt_tensor *x, const gt_tensor *y)
{
    if (!are_pair(x, y, "gt_mean_absolute_error")) return NAN;
    double sum = 0;
    for (int64_t i = 0; i < x->size; i++)
        sum += fabs(gt_load_element(x, i) - gt_load_element(y, i));
    return x->size ? sum / (double)x->size : NAN;
}

/* Of targets so far: how many, their mean, and sums of squares about it and of what is wrong. */
enum { COUNT, MEAN, VARIATION, WRONG };

static void gather(const gt_tensor *x, const gt_tensor *y, double sums[GT_METRIC_SUMS])
{
    const double n = (double)y->size, first = y->size ? gt_load_element(y, 0) : 0;
    double off_first = 0, variation = 0;
    for (int64_t i = 0; i < y->size; i++) {
        const double target = gt_load_element(y, i), off = gt_load_element(x, i) - target;
        off_first += target - first;
        sums[WRONG] += off * off;
    }
    const double mean = y->size ? first + off_first / n : 0;
    for (int64_t i = 0; i < y->size; i++) {
        const double off = gt_load_element(y, i) - mean;
        variation += off * off;
    }
    const double apart = mean - sums[MEAN], all = sums[COUNT] + n;
    if (!y->size) return;
    sums[VARIATION] += variation + apart * apart * sums[COUNT] * n / all;
    sums[MEAN] += apart * n / all;
    sums[COUNT] = all;
}

double gt_metric_value_r2(const double sums[GT_METRIC_SUMS])
{
    return sums[VARIATION] > 0 ? 1 - sums[WRONG] / sums[VARIATION] : NAN;
}

void gt_metric_gather_r2(const gt_batch *b, void *user, double sums[GT_METRIC_SUMS])
{
    (void)user;
    if (are_pair(b->out[0], b->target[0], "gt_r2_score")) gather(b->out[0], b->target[0], sums);
}

double gt_r2_score(const gt_tensor *x, const gt_tensor *y)
{
    double sums[GT_METRIC_SUMS] = {0};
    if (!are_pair(x, y, "gt_r2_score")) return NAN;
    gather(x, y, sums);
    return gt_metric_value_r2(sums);
}

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

double gti_regression_r2(const gt_tensor *x, const gt_tensor *y, double *weight)
{
    if (!are_pair(x, y, "gt_r2_score")) return NAN;
    double sum = 0, wrong = 0, all = 0;
    bool differ = false; /* rounding alone would tell a mean from numbers that are all the same */
    for (int64_t i = 0; i < y->size; i++) {
        sum += gt_load_element(y, i);
        differ |= gt_load_element(y, i) != gt_load_element(y, 0);
    }
    const double mean = sum / (double)y->size;
    for (int64_t i = 0; i < y->size; i++) {
        const double target = gt_load_element(y, i), off = gt_load_element(x, i) - target;
        wrong += off * off;
        if (differ) all += (target - mean) * (target - mean);
    }
    if (weight) *weight = all;
    return all > 0 ? 1 - wrong / all : NAN;
}

double gt_r2_score(const gt_tensor *x, const gt_tensor *y)
{
    return gti_regression_r2(x, y, NULL);
}

/* The truncated normal distribution, by rejection, as in PyTorch: where the interval holds much of
 * the distribution, normal numbers are drawn again until they lie in it; elsewhere uniform ones are
 * accepted with a probability that follows the density. */
#include <gradtape/init.h>
#include <math.h>

#include "nn/fill.h"

typedef struct {
    double mean, std, low, high;
} interval;

static double distribution(double z)
{
    return (1 + erf(z / sqrt(2.0))) / 2;
}

/* --- normal numbers --- */

/* Takes the candidates for the elements of y that lie outside; returns whether there are any left.
 */
static bool mend(gt_tensor *y, const gt_tensor *candidates, double low, double high)
{
    bool left = false;
    for (int64_t i = 0; i < y->size; i++) {
        const double old = gt_load_element(y, i);
        if (old >= low && old <= high) continue;
        const double fresh = gt_load_element(candidates, i);
        gt_store_element(y, i, fresh);
        left |= !(fresh >= low && fresh <= high);
    }
    return left;
}

static gt_tensor *from_normal(const gt_tensor *t, const interval *v)
{
    const bool single = t->dtype == GT_F32;
    const double low = single ? (double)(float)v->low : v->low;
    const double high = single ? (double)(float)v->high : v->high;
    gt_tensor *y = gti_init_draw_normal(t, v->mean, v->std);
    if (!y || !mend(y, y, low, high)) return y;
    for (bool left = true; left;) {
        gt_tensor *again = gti_init_draw_normal(t, v->mean, v->std);
        if (!again) {
            gt_free(y);
            return NULL;
        }
        left = mend(y, again, low, high);
        gt_free(again);
    }
    return y;
}

/* --- uniform numbers --- */

/* log(u) > the logarithm of the density at y over that at the interval's mode. */
static bool rejects(const interval *v, const gt_tensor *y, const gt_tensor *u, int64_t i)
{
    const double mode = fmax(v->low, fmin(v->mean, v->high));
    const double peak = (mode - v->mean) / v->std, z = (gt_load_element(y, i) - v->mean) / v->std;
    return log(gt_load_element(u, i)) > -0.5 * z * z + 0.5 * peak * peak;
}

/* Takes the candidates that u accepts where `pending` is not 0; returns whether there are any
 * left. As in PyTorch, pending elements hold the latest candidate, accepted or not. */
static bool settle(gt_tensor *y, gt_tensor *pending, const gt_tensor *candidates,
                   const gt_tensor *u, const interval *v)
{
    bool left = false;
    for (int64_t i = 0; i < y->size; i++) {
        if (gt_load_element(pending, i) == 0) continue;
        gt_store_element(y, i, gt_load_element(candidates, i));
        const bool again = rejects(v, candidates, u, i);
        gt_store_element(pending, i, again);
        left |= again;
    }
    return left;
}

static gt_tensor *from_uniform(gt_tensor *t, const interval *v)
{
    gt_tensor *y = gt_keep(gt_empty_like(t)), *pending = gt_keep(gt_full_like(t, 1));
    for (bool left = y && pending; left;) {
        gt_tensor *candidates = gti_init_draw_uniform(t, v->low, v->high);
        gt_tensor *u = candidates ? gti_init_draw_uniform(t, 0, 1) : NULL;
        left = u && settle(y, pending, candidates, u, v);
        gt_free(candidates);
        gt_free(u);
    }
    gt_free(pending);
    if (!gt_failed(t->ctx)) return y;
    gt_free(y);
    return NULL;
}

gt_status gt_init_trunc_normal_(gt_tensor *t, gt_init_trunc_normal_opts opts)
{
    static const char what[] = "gt_init_trunc_normal";
    const interval v = {gt_option(opts.mean, 0), gt_option(opts.std, 1), gt_option(opts.low, -2),
                        gt_option(opts.high, 2)};
    gt_status status = gti_init_check(t, what, v.std > 0 && isfinite(v.std), "std", v.std);
    if (status == GT_OK) status = gti_init_check(t, what, isfinite(v.mean), "mean", v.mean);
    if (status != GT_OK) return status;
    if (!(v.low < v.high))
        return gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "[%g, %g] is no interval", v.low, v.high);
    const double part =
        distribution((v.high - v.mean) / v.std) - distribution((v.low - v.mean) / v.std);
    return gti_init_take(t, part > 0.3 ? from_normal(t, &v) : from_uniform(t, &v));
}

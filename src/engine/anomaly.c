/* The first NaN or Inf as an error. */
#include <math.h>

#include "engine/anomaly.h"
#include "engine/sweep.h"
#include <gradtape/ops.h>

bool gt_set_anomaly_check(gt_ctx *gt, bool on)
{
    if (!gt) return false;
    const bool old = gt->anomaly;
    if (gt == gti_context_dead()) return old;
    gt->anomaly = on;
    gti_update_watched(gt);
    return old;
}

bool gt_is_checking_anomalies(const gt_ctx *gt)
{
    return gt && gt->anomaly;
}

gti_range gti_anomaly_range(const gt_tensor *t)
{
    gti_range r = {.low = INFINITY, .high = -INFINITY, .first = -1};
    for (int64_t i = 0; i < t->size; i++) {
        const double x = gt_load_element(t, i);
        if (isfinite(x)) {
            r.low = fmin(r.low, x);
            r.high = fmax(r.high, x);
            r.n_zero += x == 0;
            continue;
        }
        if (r.first < 0) r.first = i;
        if (isnan(x)) r.n_nan++;
        else r.n_inf++;
    }
    return r;
}

/* x - x is 0 for a finite x and NaN for every other. */
static bool finite(const gt_tensor *t)
{
    double sum = 0;
    if (t->dtype == GT_F32)
        for (int64_t i = 0; i < t->size; i++) {
            const float x = ((const float *)t->data)[i];
            sum += (double)(x - x);
        }
    else if (t->dtype == GT_F64)
        for (int64_t i = 0; i < t->size; i++) {
            const double x = ((const double *)t->data)[i];
            sum += x - x;
        }
    return sum == 0;
}

/* "element [0,3] is nan, the first of 2 that are not finite (of 12)" */
static void describe(const gt_tensor *t, char *buf, size_t size)
{
    const gti_range r = gti_anomaly_range(t);
    gt_shape index = {.ndim = t->shape.ndim};
    for (int64_t d = t->shape.ndim - 1, rest = r.first; d >= 0; rest /= t->shape.dim[d--])
        index.dim[d] = rest % t->shape.dim[d];
    const int64_t bad = r.n_nan + r.n_inf;
    const double x = gt_load_element(t, r.first);
    char place[128];
    gt_snprintf(buf, size, "element %s is %g, the first of %lld that are not finite (of %lld)",
                gt_shape_format(index, place, sizeof place), isnan(x) ? NAN : x, (long long)bad,
                (long long)t->size);
}

static bool refuse(const gt_node *n, int i)
{
    char which[32] = "", what[256];
    if (n->n_out > 1) snprintf(which, sizeof which, "output %d: ", i);
    describe(n->out[i], what, sizeof what);
    gt_op_fail(n, GT_ERR_NUMERIC, "%s%s", which, what);
    gti_anomaly_tell_causes(n, n->out[i], gti_anomaly_range(n->out[i]).first);
    return false;
}

/* What is filled with NaN or Inf, as masks are, is so on purpose. */
bool gti_anomaly_outputs_finite(const gt_node *n)
{
    for (int i = 0; i < n->n_out && n->op != &gt_op_fill; i++)
        if (!finite(n->out[i])) return refuse(n, i);
    return true;
}

bool gti_anomaly_gradient_finite(const gti_sweep *s, const gt_tensor *x, const gt_tensor *g)
{
    if (finite(g)) return true;
    char what[256], name[128], shape[128];
    describe(g, what, sizeof what);
    gt_fail(s->gt, GT_ERR_NUMERIC, s->what, "the gradient of %s, shape %s: %s",
            gti_naming_tensor(x, name, sizeof name), gt_shape_format(x->shape, shape, sizeof shape),
            what);
    gti_anomaly_tell(s->gt, 0, "gradient", g, NULL);
    gti_anomaly_tell_origin(s->gt, "values", x);
    return false;
}

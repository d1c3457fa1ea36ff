/* The first NaN or Inf as an error. */
#include <math.h>

#include "engine/sweep.h"

enum { RANGED_INPUTS = 4 }; /* whose ranges a message tells */

bool gt_set_anomaly_check(gt_ctx *gt, bool on)
{
    if (!gt) return false;
    const bool old = gt->anomaly;
    if (gt == gti_context_dead()) return old;
    gt->anomaly = on;
    gti_update_watched(gt);
    return old;
}

typedef struct {
    double low, high; /* of the finite elements; low > high: there are none */
    int64_t n_nan, n_inf;
    int64_t first; /* that is not finite; -1: all are */
} range;

static range range_of(const gt_tensor *t)
{
    range r = {.low = INFINITY, .high = -INFINITY, .first = -1};
    for (int64_t i = 0; i < t->size; i++) {
        const double x = gt_load_element(t, i);
        if (isfinite(x)) {
            r.low = fmin(r.low, x);
            r.high = fmax(r.high, x);
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

static char *format_range(const gt_tensor *t, char *buf, size_t size)
{
    const range r = range_of(t);
    size_t used = 0;
    if (!t->size) used = (size_t)snprintf(buf, size, "no elements");
    else if (r.low > r.high) used = (size_t)snprintf(buf, size, "nothing finite");
    else used = (size_t)gt_snprintf(buf, size, "from %g to %g", r.low, r.high);
    if (r.first >= 0 && used < size)
        snprintf(buf + used, size - used, ", and %lld NaN, %lld Inf", (long long)r.n_nan,
                 (long long)r.n_inf);
    return buf;
}

/* "element [0,3] is nan, the first of 2 that are not finite (of 12)" */
static void describe(const gt_tensor *t, char *buf, size_t size)
{
    const range r = range_of(t);
    gt_shape index = {.ndim = t->shape.ndim};
    for (int64_t d = t->shape.ndim - 1, rest = r.first; d >= 0; rest /= t->shape.dim[d--])
        index.dim[d] = rest % t->shape.dim[d];
    const int64_t bad = r.n_nan + r.n_inf;
    char place[128];
    gt_snprintf(buf, size, "element %s is %g, the first of %lld that are not finite (of %lld)",
                gt_shape_format(index, place, sizeof place), gt_load_element(t, r.first),
                (long long)bad, (long long)t->size);
}

static bool refuse(const gt_node *n, int i)
{
    gt_ctx *gt = n->in[0]->ctx;
    char which[32] = "", what[256];
    if (n->n_out > 1) snprintf(which, sizeof which, "output %d: ", i);
    describe(n->out[i], what, sizeof what);
    gt_op_fail(n, GT_ERR_NUMERIC, "%s%s", which, what);
    bool inherited = false;
    for (int k = 0; k < n->n_in && k < RANGED_INPUTS; k++) {
        char name[64], text[96];
        gti_error_note(gt, "%s: %s", gt_op_input_name(n->op, k, name, sizeof name),
                       format_range(n->in[k], text, sizeof text));
        inherited |= !finite(n->in[k]);
    }
    if (inherited)
        gt_op_hint(n, "an input came with it: it was made before gt_set_anomaly_check, or not by "
                      "an operation");
    return false;
}

bool gti_anomaly_outputs_finite(const gt_node *n)
{
    for (int i = 0; i < n->n_out; i++)
        if (!finite(n->out[i])) return refuse(n, i);
    return true;
}

bool gti_anomaly_gradient_finite(const gti_sweep *s, const gt_tensor *x, const gt_tensor *g)
{
    if (finite(g)) return true;
    char what[256], name[128], shape[128], text[96];
    describe(g, what, sizeof what);
    gt_fail(s->gt, GT_ERR_NUMERIC, s->what, "the gradient of %s, shape %s: %s",
            gti_naming_tensor(x, name, sizeof name), gt_shape_format(x->shape, shape, sizeof shape),
            what);
    gti_error_note(s->gt, "gradient: %s", format_range(g, text, sizeof text));
    return false;
}

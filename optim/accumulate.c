/* Gradients of several micro-batches as one.
 *
 * gt_rewind takes gradients away, so their sum is kept in the optimizer. It also becomes the
 * gradient, by value, so that clipping and the step work on it as on any other. */
#include "rule.h"

#include <gradtape/autograd.h>
#include <math.h>

/* sum += weight * grad, grad = scale * sum; and the second half alone */
#define ACCUMULATE(T, add, take)                                                                   \
    static void add(int64_t n, T *restrict sum, T *restrict grad, T weight, T scale)               \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            sum[i] += weight * grad[i];                                                            \
            grad[i] = scale * sum[i];                                                              \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void take(int64_t n, const T *restrict sum, T *restrict grad, T scale)                  \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) grad[i] = scale * sum[i];                                  \
    }
ACCUMULATE(float, add_f32, take_f32)
ACCUMULATE(double, add_f64, take_f64)

/* The parameter has a gradient in this micro-batch. */
static void accumulate_add(const gt_optimizer *o, gti_slot *s, double weight, double scale)
{
    if (s->summed != o->accumulation) gt_fill(s->sum, 0);
    s->summed = o->accumulation;
    gt_tensor *g = s->tensor->grad;
    if (g->dtype == GT_F32) add_f32(g->size, s->sum->data, g->data, (float)weight, (float)scale);
    else add_f64(g->size, s->sum->data, g->data, weight, scale);
    gt_touch(g);
}

/* It had one that counts only earlier. */
static void take(gti_slot *s, double scale)
{
    gt_tensor *g = s->tensor->grad;
    if (g->dtype == GT_F32) take_f32(g->size, s->sum->data, g->data, (float)scale);
    else take_f64(g->size, s->sum->data, g->data, scale);
    s->brought = false;
    gt_touch(g);
}

static void gather(const gt_optimizer *o, gti_slot *s, double weight, double scale)
{
    if (!s->tensor->grad) return;
    if (s->brought || (weight == 0 && s->summed == o->accumulation)) take(s, scale);
    else if (weight == 0) gt_clear_grad(s->tensor);
    else accumulate_add(o, s, weight, scale);
}

/* Makes a sum for a gradient, or a gradient for a sum: a walk from the parameter itself gives it
 * one. */
static bool pair_up(const gt_optimizer *o, gti_slot *s)
{
    gt_tensor *w = s->tensor;
    if (w->grad) return gti_slot_make(s, &s->sum, 0);
    if (s->summed != o->accumulation || !w->requires_grad) return true;
    s->brought = gt_backward(w, .upstream = s->sum) == GT_OK;
    return s->brought;
}

/* All that a micro-batch needs; nothing has changed after a failure. */
static bool pair_all(const gt_optimizer *o)
{
    for (int i = 0; i < o->slots.n; i++) {
        if (pair_up(o, &o->slots.at[i])) continue;
        for (gti_slot *s = o->slots.at; s < o->slots.at + i; s++) {
            if (s->brought) gt_clear_grad(s->tensor);
            s->brought = false;
        }
        return false;
    }
    return true;
}

/* False after a failure. */
static bool weigh(gt_ctx *gt, const gt_accumulate_opts *opts, double *weight)
{
    static const char what[] = "gt_optimizer_accumulate";
    *weight = opts->loss ? gt_mean_weight(opts->loss) : 1;
    if (gt_failed(gt)) return false;
    if (opts->loss && opts->loss->ctx != gt)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "the loss belongs to another context");
    else if (opts->loss && opts->sum)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "a .sum takes no weights, so it can have no .loss");
    else if (isnan(*weight))
        gt_fail(gt, GT_ERR_ARGUMENT, what,
                "the loss does not know what it averaged over\n"
                "  hint: gt_set_mean_weight(loss, items) says it; what is computed from a mean "
                "does not know the mean's");
    return !gt_failed(gt);
}

gt_status gt_optimizer_accumulate_(gt_optimizer *o, gt_accumulate_opts opts)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_accumulate", &status)) return status;
    gt_ctx *gt = gti_optimizer_context(o);
    double weight;
    if (!weigh(gt, &opts, &weight) || !gti_optimizer_collect(o) || !pair_all(o))
        return gt_error_code(gt);
    o->accumulated++;
    o->accumulated_weight += weight;
    const double scale = opts.sum ? 1 : 1 / o->accumulated_weight;
    for (int i = 0; i < o->slots.n; i++) gather(o, &o->slots.at[i], weight, scale);
    return GT_OK;
}

void gti_accumulate_end(gt_optimizer *o)
{
    if (!o->accumulated) return;
    o->accumulated = 0;
    o->accumulated_weight = 0;
    o->accumulation++;
}

int64_t gt_optimizer_accumulated(const gt_optimizer *o)
{
    return o ? o->accumulated : 0;
}

/* Gradients of several micro-batches as one.
 *
 * gt_rewind takes gradients away, so their sum is kept in the optimizer. It also becomes the
 * gradient, by value, so that clipping and the step work on it as on any other. */
#include "rule.h"

#include <gradtape/autograd.h>

/* sum += grad, grad = scale * sum; and the second half alone */
#define ACCUMULATE(T, add, take)                                                                   \
    static void add(int64_t n, T *restrict sum, T *restrict grad, T scale)                         \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            sum[i] += grad[i];                                                                     \
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
static void add(const gt_optimizer *o, gti_slot *s, double scale)
{
    if (s->summed != o->accumulation) gt_fill(s->sum, 0);
    s->summed = o->accumulation;
    gt_tensor *g = s->tensor->grad;
    if (g->dtype == GT_F32) add_f32(g->size, s->sum->data, g->data, (float)scale);
    else add_f64(g->size, s->sum->data, g->data, scale);
    gt_touch(g);
}

/* It had one only earlier. */
static void take(gti_slot *s, double scale)
{
    gt_tensor *g = s->tensor->grad;
    if (g->dtype == GT_F32) take_f32(g->size, s->sum->data, g->data, (float)scale);
    else take_f64(g->size, s->sum->data, g->data, scale);
    s->brought = false;
    gt_touch(g);
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

gt_status gt_optimizer_accumulate_(gt_optimizer *o, gt_accumulate_opts opts)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_accumulate", &status)) return status;
    if (!gti_optimizer_collect(o) || !pair_all(o)) return gt_error_code(gti_optimizer_context(o));
    o->accumulated++;
    const double scale = opts.sum ? 1 : 1 / (double)o->accumulated;
    for (int i = 0; i < o->slots.n; i++) {
        gti_slot *s = &o->slots.at[i];
        if (s->brought) take(s, scale);
        else if (s->tensor->grad) add(o, s, scale);
    }
    return GT_OK;
}

void gti_optimizer_end_accumulation(gt_optimizer *o)
{
    if (!o->accumulated) return;
    o->accumulated = 0;
    o->accumulation++;
}

int64_t gt_optimizer_accumulated(const gt_optimizer *o)
{
    return o ? o->accumulated : 0;
}

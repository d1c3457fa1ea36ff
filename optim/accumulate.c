/* Gradients of several micro-batches as one.
 *
 * gt_rewind takes gradients away, so their sum is kept in the optimizer. It also becomes the
 * gradient, by value, so that clipping and the step work on it as on any other. */
#include "rule.h"

#include <gradtape/autograd.h>
#include <math.h>

/* Of a micro-batch. */
typedef struct {
    double weight;
    gt_tensor *by, *scale; /* the weight; 1 / the sum of all so far */
} share;

/* grad = scale sum */
static gt_status take(const gti_slot *s, const share *of)
{
    gt_tensor *const in[] = {s->tensor->grad, s->sum, of->scale};
    return gt_apply_into(&gt_op_copy_scaled, NULL, 3, in);
}

/* sum += weight grad: the parameter has a gradient in this micro-batch. */
static gt_status accumulate_add(const gt_optimizer *o, gti_slot *s, const share *of)
{
    if (s->summed != o->accumulation) gt_fill(s->sum, 0);
    s->summed = o->accumulation;
    return gt_apply_into(&gt_op_axpy, NULL, 3, (gt_tensor *[]){s->sum, s->tensor->grad, of->by});
}

/* Without a gradient that counts it may have had one earlier. */
static gt_status gather(const gt_optimizer *o, gti_slot *s, const share *of)
{
    const bool summed = s->summed == o->accumulation, counts = !s->brought && of->weight != 0;
    if (!s->tensor->grad) return GT_OK;
    if (!s->brought && !counts && !summed) return gt_clear_grad(s->tensor), GT_OK;
    if (counts && accumulate_add(o, s, of) != GT_OK) return gt_error_code(gti_optimizer_context(o));
    s->brought = false;
    return take(s, of);
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
    share of;
    if (!weigh(gt, &opts, &of.weight) || !gti_optimizer_collect(o)) return gt_error_code(gt);
    const double sum = o->accumulated_weight + of.weight;
    of.by = gti_optimizer_number(gt, of.weight);
    of.scale = gti_optimizer_number(gt, opts.sum ? 1 : 1 / sum);
    if (!of.by || !of.scale || !pair_all(o)) return gt_error_code(gt);
    o->accumulated++;
    o->accumulated_weight = sum;
    for (int i = 0; i < o->slots.n; i++)
        if (gather(o, &o->slots.at[i], &of) != GT_OK) return gt_error_code(gt);
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

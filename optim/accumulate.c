/* Gradients of several micro-batches as one.
 *
 * gt_rewind takes gradients away, so their sum is kept in the optimizer. It also becomes the
 * gradient, by value, so that clipping and the step work on it as on any other. */
#include <string.h>

#include "rule.h"

#include <gradtape/autograd.h>
#include <gradtape/capture.h>
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

typedef struct {
    const gt_optimizer *o;
    int64_t slot;
} summand;

/* A sum of an accumulation that is over begins anew. In a captured step it depends on the replay
 * whether it does, so there it is the host's part. */
static bool begin_sum(gt_tensor *const t[], const void *user)
{
    const summand *of = user;
    gti_slot *s = &of->o->slots.at[of->slot];
    if (s->summed != of->o->accumulation)
        memset(t[0]->data, 0, (size_t)t[0]->size * gt_dtype_size(t[0]->dtype));
    s->summed = of->o->accumulation;
    return true;
}

/* sum += weight grad: the parameter has a gradient in this micro-batch. */
static gt_status accumulate_add(const gt_optimizer *o, gti_slot *s, const share *of)
{
    gt_ctx *gt = gti_optimizer_context(o);
    const summand one = {o, s - o->slots.at};
    if (s->summed != o->accumulation && !gt_is_capturing(gt)) {
        gt_fill(s->sum, 0);
        s->summed = o->accumulation;
    }
    if (!gt_host_call(gt, begin_sum, 1, &s->sum, &one, sizeof one)) return gt_error_code(gt);
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

typedef struct {
    gt_optimizer *o;
    bool loss, sum;
    bool nothing; /* the weight is 0, and nothing is added */
} micro_batch;

/* The numbers of a share, {by, scale} and the loss, if any. */
static bool work_out_share(gt_tensor *const t[], const void *data)
{
    const micro_batch *m = data;
    gt_optimizer *o = m->o;
    const double weight = m->loss ? gt_mean_weight(t[2]) : 1;
    if (m->nothing != (weight == 0)) {
        gt_fail(gti_optimizer_context(o), GT_ERR_STATE, "gt_optimizer_accumulate",
                "the loss has weight %g, but %s when the step was captured", weight,
                m->nothing ? "there was nothing to average" : "there was something to average");
        return false;
    }
    o->accumulated++;
    o->accumulated_weight += weight;
    *(double *)t[0]->data = weight;
    *(double *)t[1]->data = m->sum ? 1 : 1 / o->accumulated_weight;
    return true;
}

gt_status gt_optimizer_accumulate_(gt_optimizer *o, gt_accumulate_opts opts)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_accumulate", &status)) return status;
    gt_ctx *gt = gti_optimizer_context(o);
    share of;
    if (!weigh(gt, &opts, &of.weight) || !gti_optimizer_collect(o)) return gt_error_code(gt);
    of.by = gti_optimizer_number(gt);
    of.scale = gti_optimizer_number(gt);
    if (!of.by || !of.scale || !pair_all(o)) return gt_error_code(gt);
    const micro_batch batch = {o, opts.loss, opts.sum, of.weight == 0};
    gt_tensor *const t[] = {of.by, of.scale, (gt_tensor *)opts.loss /* only read */};
    if (!gt_host_call(gt, work_out_share, opts.loss ? 3 : 2, t, &batch, sizeof batch))
        return gt_error_code(gt);
    for (int i = 0; i < o->slots.n; i++)
        if (gather(o, &o->slots.at[i], &of) != GT_OK) return gt_error_code(gt);
    return GT_OK;
}

static bool forget_sums(gt_tensor *const t[], const void *data)
{
    (void)t;
    gt_optimizer *o = *(gt_optimizer *const *)data;
    o->accumulated = 0;
    o->accumulated_weight = 0;
    o->accumulation++;
    return true;
}

gt_status gti_accumulate_end(gt_optimizer *o)
{
    gt_ctx *gt = gti_optimizer_context(o);
    if (o->accumulated) gt_host_call(gt, forget_sums, 0, NULL, &o, sizeof(gt_optimizer *));
    return gt_error_code(gt);
}

int64_t gt_optimizer_accumulated(const gt_optimizer *o)
{
    return gti_optimizer_there(o, "gt_optimizer_accumulated") ? o->accumulated : 0;
}

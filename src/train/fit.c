/* gt_fit: the training loop. */
#include <gradtape/autograd.h>
#include <math.h>
#include <string.h>

#include "train/fit.h"

static const char what[] = "gt_fit";

/* --- callbacks --- */

static const gt_callbacks no_callbacks;

static bool is_end(const gt_callbacks *c)
{
    return !c->begin && !c->gradients && !c->step && !c->best && !c->epoch;
}

/* Calls one kind of callback of all in the list: the member at this offset. */
static void call(gti_fit *f, size_t offset)
{
    const gt_callbacks *c = f->opts.callbacks ? f->opts.callbacks : &no_callbacks;
    for (; !is_end(c) && !gt_failed(f->gt); c++) {
        gt_fit_fn fn;
        memcpy(&fn, (const char *)c + offset, sizeof fn);
        if (fn && !fn(&f->state, c->user)) f->halted = true;
    }
}
#define CALL(f, member) call(f, offsetof(gt_callbacks, member))

/* --- steps --- */

static bool step_schedule(gti_fit *f, double metric)
{
    gt_schedule *s = f->opts.schedule;
    if (!s) return true;
    return (gt_schedule_needs_metric(s) ? gt_schedule_step_metric(s, metric)
                                        : gt_schedule_step(s)) == GT_OK;
}

static bool update(gti_fit *f)
{
    CALL(f, gradients);
    if (f->opts.clip_grad_norm > 0) gt_clip_grad_norm(f->m, f->opts.clip_grad_norm);
    f->lr = gt_optimizer_lr(f->o);
    if (gt_failed(f->gt) || gt_optimizer_step(f->o) != GT_OK) return false;
    f->state.step = ++f->run.step;
    if (f->opts.ema && gt_ema_update(f->opts.ema) != GT_OK) return false;
    if (f->opts.schedule_each_step && !step_schedule(f, f->state.loss)) return false;
    CALL(f, step);
    return !gt_failed(f->gt);
}

/* A step of the optimizer with the gradients of the last f->pending batches, if there was anything
 * in them that counts. */
static bool step(gti_fit *f)
{
    const bool counts = f->weight > 0;
    f->pending = 0;
    f->weight = 0;
    if (!counts) gt_optimizer_zero_grad(f->o);
    else if (!update(f)) return false;
    if (gt_stop_requested()) f->halted = true;
    return true;
}

static bool has_finite(gt_tensor *const *t)
{
    for (; *t; t++)
        for (int64_t i = 0; gt_is_floating((*t)->dtype) && i < (*t)->size; i++)
            if (!isfinite(gt_load_element(*t, i))) return false;
    return true;
}

static bool is_finite(gti_fit *f, double loss)
{
    if (isfinite(loss)) return true;
    const char *where = !has_finite(f->batch.in)       ? "inputs"
                        : !has_finite(f->batch.target) ? "targets"
                                                       : NULL;
    gt_fail(f->gt, GT_ERR_NUMERIC, what,
            "the loss is %g in epoch %lld, batch %lld of %lld\n  hint: %s%s%s",
            isnan(loss) ? NAN : loss, (long long)f->state.epoch, (long long)f->state.batch + 1,
            (long long)f->state.batches, where ? "the batch's " : "", where ? where : "",
            where ? " have NaN or infinite numbers, such as missing values; gt_isnan finds them"
                  : "a smaller learning rate or .clip_grad_norm may help; "
                    "gt_set_anomaly_check(gt, true) names the operation");
    return false;
}

/* Whether nobody but gt_fit has used the loader. */
static bool in_place(const gti_fit *f, int64_t given)
{
    return gti_measure_place(f->train, f->loader_epoch, given, what);
}

/* Forward and backward, to be captured. */
static gt_tensor *learn(gt_ctx *gt, void *fit)
{
    gti_fit *f = fit;
    (void)gt;
    gt_batch *b = &f->batch;
    if (!gti_measure_forward(f->m, b)) return NULL;
    for (gt_tensor **out = b->out; *out; out++) *out = gt_capture_output(*out);
    f->learnt = *b;
    gt_tensor *loss = b->out[0] ? gti_measure_loss(&f->measure, b) : NULL;
    if (loss) gt_backward(loss);
    return loss;
}

static bool is_captured(const gti_fit *f)
{
    return f->opts.capture && (!f->captured || gt_shape_equal(f->batch.in[0]->shape, f->full));
}

_Static_assert((int)GT_MEMBERS_MOST <= (int)GT_CAPTURE_INPUTS, "a capture takes all members");

static gt_tensor *learn_captured(gti_fit *f)
{
    gt_capture_opts opts = {.without = 0};
    gt_batch *b = &f->batch;
    int n = 0;
    f->full = b->in[0]->shape;
    for (gt_tensor **x = b->in; *x; x++) opts.inputs[n++] = x;
    for (gt_tensor **y = b->target; *y; y++) opts.inputs[n++] = y;
    if (f->captured) gt_replay(f->captured);
    else f->captured = gt_capture_(f->gt, learn, f, opts);
    gt_tensor *loss = gt_failed(f->gt) ? NULL : gt_captured_result(f->captured);
    memcpy(b->out, f->learnt.out, sizeof b->out);
    return loss && gti_measure_add(&f->measure, &f->batch, loss, &f->means) ? loss : NULL;
}

/* Another epoch may have other modes, hooks, or leaves that learn. */
static void forget_captured(gti_fit *f)
{
    gt_captured_free(f->captured);
    f->captured = NULL;
}

static bool train_batch(gti_fit *f)
{
    gt_rewind(f->gt, f->start);
    const bool captured = is_captured(f);
    gt_tensor *loss =
        captured ? learn_captured(f) : gti_measure_batch(&f->measure, f->m, &f->batch, &f->means);
    if (!loss || !in_place(f, f->state.batch + 1)) return false;
    const double weight = gt_mean_weight(loss);
    f->state.loss = gt_item(loss);
    if (weight > 0 && !is_finite(f, f->state.loss)) return false;
    if (weight > 0 && !captured && gt_backward(loss) != GT_OK) return false;
    f->state.batch++;
    f->pending++;
    f->weight += weight;
    if (f->opts.accumulate > 1 && gt_optimizer_accumulate(f->o, .loss = loss) != GT_OK)
        return false;
    return f->pending < f->opts.accumulate || step(f);
}

/* Whether the epoch came to its end, neither failed nor halted. */
static bool train_epoch(gti_fit *f)
{
    CALL(f, begin);
    f->loader_epoch = gt_loader_get_state(f->train).epoch;
    while (!f->halted && !gt_failed(f->gt) && in_place(f, f->state.batch) &&
           gti_measure_next(&f->measure, f->train, &f->batch)) {
        if (!train_batch(f)) return false;
        gti_fit_show_batch(f);
    }
    if (f->halted || gt_failed(f->gt)) return false;
    return !f->pending || step(f);
}

/* --- ends of epochs --- */

static bool swap(gti_fit *f)
{
    return !f->opts.ema || gt_ema_swap(f->opts.ema) == GT_OK;
}

static bool validate(gti_fit *f)
{
    if (!f->opts.valid) return true;
    gti_fit_show_validation(f);
    return swap(f) &&
           gti_measure_epoch(&f->measure, f->m, f->opts.valid, &f->valid, gti_fit_show_valid, f) &&
           swap(f);
}

static bool record(gti_fit *f, const char *name, double value)
{
    return gt_history_set(f->history, f->state.epoch, name, value) == GT_OK &&
           (!f->opts.board || gt_board_scalar(f->opts.board, name, value, f->state.epoch) == GT_OK);
}

static bool record_means(gti_fit *f, const gti_means *means, const char *prefix)
{
    char name[GTI_NAME];
    for (int i = 0; i <= f->measure.metrics; i++)
        if (!record(f, gti_fit_name(f, i, prefix, name), gti_measure_value(&f->measure, means, i)))
            return false;
    return true;
}

static bool record_epoch(gti_fit *f)
{
    return record_means(f, &f->means, "") &&
           (!f->opts.valid || record_means(f, &f->valid, "val_")) && record(f, "lr", f->lr) &&
           record(f, "seconds", gt_progress_seconds(&f->bar)) &&
           (!f->opts.board || gt_board_flush(f->opts.board) == GT_OK);
}

static bool is_best(const gti_fit *f, double value)
{
    const double best = f->state.best, delta = f->opts.min_delta;
    if (f->state.best_epoch == 0) return !isnan(value);
    return f->opts.more_is_better ? value > best + delta : value < best - delta;
}

static bool take_best(gti_fit *f, double value)
{
    f->improved = is_best(f, value);
    if (!f->improved) return true;
    f->run.best = f->state.best = value;
    f->state.best_epoch = f->state.epoch;
    if (f->opts.best && !(swap(f) && gt_save(f->m, f->opts.best) == GT_OK && swap(f))) return false;
    CALL(f, best);
    return !gt_failed(f->gt);
}

bool gti_fit_is_exhausted(const gti_fit *f)
{
    return f->opts.patience && f->run.epoch - f->state.best_epoch >= f->opts.patience;
}

static bool end_epoch(gti_fit *f)
{
    f->state.loss = gti_measure_value(&f->measure, &f->means, 0);
    forget_captured(f);
    if (!validate(f) || !record_epoch(f)) return false;
    const double value = gt_history_get(f->history, -1, f->monitor);
    if (!f->opts.schedule_each_step && !step_schedule(f, value)) return false;
    if (!take_best(f, value)) return false;
    f->run.epoch = f->state.epoch;
    CALL(f, epoch);
    gti_fit_show_epoch(f);
    if (gti_fit_is_exhausted(f)) {
        f->halted = true;
        gti_fit_show_exhausted(f);
    }
    f->state.batch = 0;
    f->means = (gti_means){0};
    return !gt_failed(f->gt) && gti_fit_save(f);
}

/* --- the whole --- */

static bool run(gti_fit *f)
{
    f->state.epoch = f->run.epoch + 1;
    f->halted |= gt_stop_requested() || gti_fit_is_exhausted(f);
    if (!f->m->training) gt_train(f->m);
    while (!f->halted && f->state.epoch <= f->opts.epochs) {
        gti_fit_show_begin(f);
        if (!train_epoch(f)) {
            gti_fit_show_stop(f);
            return !gt_failed(f->gt) && gti_fit_save(f);
        }
        if (!end_epoch(f)) return false;
        f->halted |= gt_stop_requested();
        f->state.epoch++;
    }
    return true;
}

gt_history *gt_fit_(gt_module *m, gt_optimizer *o, gt_loader *train, gt_fit_opts opts)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!m || gt_failed(m->ctx)) return NULL;
    gti_fit f = {.gt = m->ctx, .m = m, .o = o, .train = train, .opts = opts};
    f.start = gt_mark_tape(f.gt);
    const bool done = gti_fit_open(&f, what) && run(&f);
    gti_fit_show_stop(&f);
    forget_captured(&f);
    gt_free(f.memory);
    gti_fit_history_free(&f);
    gt_rewind(f.gt, f.start);
    return done ? f.history : NULL;
}

/* gt_fit's options, and its run: how it begins, is saved, and goes on.
 *
 * Beside the objects of the run a checkpoint has f64 "fit": the best epoch, the learning rate of
 * the last step, and the sums of an epoch that was broken off; and the history.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "train/fit.h"

enum { BEST_EPOCH, LR, MEANS };

const char *gti_fit_name(const gti_fit *f, int i, const char *prefix, char buf[GTI_NAME])
{
    snprintf(buf, GTI_NAME, "%s%s", prefix, i ? f->measure.metric[i - 1].name : "loss");
    return buf;
}

/* --- options --- */

static bool fail(gti_fit *f, const char *what, const char *why)
{
    gt_fail(f->gt, GT_ERR_ARGUMENT, what, "%s", why);
    return false;
}

/* Everything belongs to one context, and what is optional is well, too. */
static bool check_contexts(gti_fit *f, const char *what)
{
    const gt_fit_opts *o = &f->opts;
    if (gt_optimizer_module(f->o)->ctx != f->gt)
        return fail(f, what, "the optimizer belongs to another context than the module");
    if (gt_loader_dataset(f->train)->ctx != f->gt ||
        (o->valid && gt_loader_dataset(o->valid)->ctx != f->gt))
        return fail(f, what, "a loader belongs to another context than the module");
    if (o->history && gt_history_context(o->history) != f->gt)
        return fail(f, what, "the history belongs to another context than the module");
    if (o->ema && gt_ema_module(o->ema)->ctx != f->gt)
        return fail(f, what, ".ema belongs to another context than the module");
    return true;
}

/* Whether a is b, or lies below it. */
static bool is_within(const gt_module *a, const gt_module *b)
{
    while (a && a != b) a = a->parent;
    return a;
}

/* What is updated is what is trained, a part of it, or a whole that it is a part of. */
static bool check_modules(gti_fit *f, const char *what)
{
    const gt_module *own = gt_optimizer_module(f->o),
                    *mean = f->opts.ema ? gt_ema_module(f->opts.ema) : f->m;
    if (!is_within(own, f->m) && !is_within(f->m, own))
        return fail(f, what,
                    "the optimizer is that of another module, so nothing would be trained\n"
                    "  hint: make it for the module that is trained, or for a part of it");
    if (!is_within(mean, f->m) && !is_within(f->m, mean))
        return fail(f, what, ".ema is that of another module");
    return true;
}

static bool check_loaders(gti_fit *f, const char *what)
{
    if (f->opts.valid == f->train)
        return fail(f, what, ".valid is the loader of the training; make another one for it");
    f->opts.inputs = (int)gt_option_int(f->opts.inputs, 0);
    return gti_measure_loader(f->train, f->opts.inputs, what) &&
           (!f->opts.valid || gti_measure_loader(f->opts.valid, f->opts.inputs, what));
}

static bool check_objects(gti_fit *f, const char *what)
{
    const gt_fit_opts *o = &f->opts;
    if (!f->o || !f->train) return fail(f, what, "the optimizer or the loader is NULL");
    if (!check_contexts(f, what) || !check_modules(f, what) || !check_loaders(f, what))
        return false;
    if (o->schedule && gt_schedule_optimizer(o->schedule) != f->o)
        return fail(f, what, ".schedule belongs to another optimizer");
    if (o->schedule_each_step && gt_schedule_needs_metric(o->schedule))
        return fail(f, what, "a schedule that needs a metric cannot be stepped after each step");
    if (gt_ema_is_swapped(o->ema))
        return fail(f, what, "the weights are swapped with their averages");
    return true;
}

static bool check_numbers(gti_fit *f, const char *what)
{
    gt_fit_opts *o = &f->opts;
    o->epochs = gt_option_int(o->epochs, 1);
    o->accumulate = gt_option_int(o->accumulate, 1);
    o->patience = gt_option_int(o->patience, 0);
    o->min_delta = gt_option(o->min_delta, 0);
    o->clip_grad_norm = gt_option(o->clip_grad_norm, 0);
    if (o->accumulate == 0) return fail(f, what, "accumulate is 0, must be positive");
    if (o->epochs < 0 || o->accumulate < 0 || o->patience < 0 || !(o->min_delta >= 0) ||
        !(o->clip_grad_norm >= 0))
        return fail(f, what,
                    "epochs, accumulate, patience, min_delta and clip_grad_norm must not be "
                    "negative");
    if (o->resume && !o->checkpoint) return fail(f, what, ".resume needs .checkpoint");
    return true;
}

/* Whether a name is that of something measured before number n, or of a column of gt_fit's own. */
static bool is_taken(const gti_fit *f, const char *name, int n)
{
    static const char *const own[] = {"epoch", "lr", "seconds"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, own[i])) return true;
    char measured[GTI_NAME];
    for (int i = 0; i < n; i++)
        if (!strcmp(name, gti_fit_name(f, i, "", measured)) ||
            !strcmp(name, gti_fit_name(f, i, "val_", measured)))
            return true;
    return false;
}

static bool check_names(gti_fit *f, const char *what)
{
    char name[GTI_NAME], valid[GTI_NAME];
    for (int i = 1; i <= f->measure.metrics; i++)
        if (is_taken(f, gti_fit_name(f, i, "", name), i) ||
            is_taken(f, gti_fit_name(f, i, "val_", valid), i)) {
            gt_fail(f->gt, GT_ERR_ARGUMENT, what, "metric %d cannot be called '%s'; that is taken",
                    i - 1, name);
            return false;
        }
    return true;
}

static size_t list_names(const gti_fit *f, const char *prefix, char *buf, size_t n, size_t size)
{
    char name[GTI_NAME];
    for (int i = 0; i <= f->measure.metrics && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s'%s'", n ? ", " : "",
                              gti_fit_name(f, i, prefix, name));
    return n;
}

static bool check_monitor(gti_fit *f, const char *what)
{
    char name[GTI_NAME], names[512];
    f->monitor = f->opts.monitor ? f->opts.monitor : f->opts.valid ? "val_loss" : "loss";
    for (int i = 0; i <= f->measure.metrics; i++)
        if (!strcmp(gti_fit_name(f, i, "", name), f->monitor) ||
            (f->opts.valid && !strcmp(gti_fit_name(f, i, "val_", name), f->monitor))) {
            f->opts.more_is_better |= i && f->measure.metric[i - 1].more_is_better;
            return true;
        }
    const size_t n = list_names(f, "", names, 0, sizeof names);
    if (f->opts.valid) list_names(f, "val_", names, n, sizeof names);
    gt_fail(f->gt, GT_ERR_ARGUMENT, what, "there is no number '%s' to monitor, but %s%s",
            f->monitor, names,
            f->opts.valid ? "" : "\n  hint: those that begin with 'val_' need .valid");
    return false;
}

/* That a file cannot be written should not be known only when an epoch is over. */
static bool check_file(gti_fit *f, const char *path)
{
    if (path) gt_file_discard(gt_file_create_for(f->gt, "gt_fit", path));
    return !gt_failed(f->gt);
}

/* --- the run --- */

/* Numbers in what was measured. */
static int64_t sums_of(const gti_fit *f)
{
    return GT_METRIC_SUMS * (1 + f->measure.metrics);
}

static bool open_run(gti_fit *f)
{
    const int64_t n = MEANS + sums_of(f);
    f->memory = gt_keep(gt_full_(f->gt, GT_SHAPE(n), 0, (gt_new_opts){.dtype = GT_F64}));
    f->memories[0] = (gt_named_tensor){"fit", f->memory};
    f->run = (gt_run){.module = f->m,
                      .optimizer = f->o,
                      .schedule = f->opts.schedule,
                      .ema = f->opts.ema,
                      .loader = f->train,
                      .tensors = f->memories,
                      .best = NAN};
    f->state = (gt_fit_state){.module = f->m,
                              .optimizer = f->o,
                              .history = f->history,
                              .epochs = f->opts.epochs,
                              .batches = gt_loader_batches(f->train),
                              .loss = NAN,
                              .best = NAN};
    f->lr = gt_optimizer_lr(f->o);
    return f->memory;
}

/* Lazy modules make their parameters from a first batch; the numbers drawn for it do not matter,
 * since loading sets the generator and the loader's place. */
static bool materialise(gti_fit *f)
{
    const bool recording = gt_set_recording(f->gt, false);
    if (gti_measure_next(&f->measure, f->train, &f->batch)) gti_measure_forward(f->m, &f->batch);
    gt_rewind(f->gt, f->start);
    gt_set_recording(f->gt, recording);
    return !gt_failed(f->gt);
}

static bool load(gti_fit *f)
{
    if (!materialise(f) || !gti_fit_history_expect(f) ||
        gt_run_load(&f->run, f->opts.checkpoint) != GT_OK || !gti_fit_history_unpack(f))
        return false;
    const double *at = f->memory->data;
    f->state.best_epoch = (int64_t)at[BEST_EPOCH];
    f->lr = at[LR];
    f->state.best = f->run.best;
    f->state.step = f->run.step;
    memcpy(f->means.sums, at + MEANS, (size_t)sums_of(f) * sizeof(double));
    return true;
}

bool gti_fit_save(gti_fit *f)
{
    if (!f->opts.checkpoint) return true;
    double *at = f->memory->data;
    at[BEST_EPOCH] = (double)f->state.best_epoch;
    at[LR] = f->lr;
    memcpy(at + MEANS, f->means.sums, (size_t)sums_of(f) * sizeof(double));
    gt_touch(f->memory);
    return gti_fit_history_pack(f) && gt_run_save(&f->run, f->opts.checkpoint) == GT_OK;
}

/* Whether the history has room for the epochs to come. */
static bool check_rows(gti_fit *f, const char *what)
{
    const int64_t last = gt_history_epoch(f->history, -1), next = f->run.epoch + 1;
    if (last < next) return true;
    gt_fail(f->gt, GT_ERR_ARGUMENT, what,
            "the history has an epoch %lld, and training begins with %lld", (long long)last,
            (long long)next);
    return false;
}

bool gti_fit_open(gti_fit *f, const char *what)
{
    if (!check_objects(f, what) || !check_numbers(f, what)) return false;
    if (!gti_measure_open(&f->measure, f->gt, f->opts.loss, f->opts.user, f->opts.metrics, what) ||
        !check_names(f, what) || !check_monitor(f, what) || !check_file(f, f->opts.best) ||
        !check_file(f, f->opts.checkpoint))
        return false;
    f->measure.inputs = f->opts.inputs;
    f->history = f->opts.history ? f->opts.history : gt_history_new(f->gt);
    if (!f->history || !open_run(f)) return false;
    const bool resumed = f->opts.resume && access(f->opts.checkpoint, F_OK) == 0;
    if ((resumed && !load(f)) || !check_rows(f, what)) return false;
    if (!resumed) gt_loader_reset(f->train);
    f->state.batch = (int64_t)gt_loader_get_state(f->train).position;
    if (resumed) gti_fit_show_resumed(f);
    return true;
}

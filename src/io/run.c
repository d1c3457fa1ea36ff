/* Whole runs of training in one file.
 *
 *   module.PATH                            parameters and buffers
 *   optimizer.tensor.NAME  .number.NAME    the states of optimizer, schedule and average, by the
 *   schedule...            ema...          names of their walks; numbers are f64 scalars
 *   loader.state           i64 [4]
 *   random.state           i64, of gt_get_random_state
 *   run.epoch  run.step    i64 scalars;    run.best  f64 scalar
 *   tensor.NAME            the program's own
 *
 * and the metadata "gradtape.run": "1", the version of this layout, and "gradtape.optimizer":
 * "SGD", "gradtape.schedule": "StepLR", "gradtape.ema": "EMA". */
#include <stdlib.h>

#include "io/run.h"

const char gti_run_key[] = "gradtape.run", gti_run_version[] = "1";

/* --- the parts that walk over their states --- */

static const char *kind_of_optimizer(const gt_run *run)
{
    return gt_optimizer_name(run->optimizer);
}

static bool has_optimizer(const gt_run *run, const char *name, const gt_tensor **like)
{
    return gt_optimizer_has_state(run->optimizer, name, like);
}

static gt_optim_iter walk_optimizer(const gt_run *run)
{
    return gt_optimizer_state(run->optimizer);
}

static void clear_optimizer(const gt_run *run)
{
    gt_optimizer_clear_state(run->optimizer);
}

static gt_status take_optimizer(const gt_run *run, const char *name, gt_tensor *tensor,
                                double number)
{
    return gt_optimizer_take_state(run->optimizer, name, tensor, number);
}

static const char *kind_of_schedule(const gt_run *run)
{
    return gt_schedule_name(run->schedule);
}

static bool has_schedule(const gt_run *run, const char *name, const gt_tensor **like)
{
    *like = NULL;
    return gt_schedule_has_state(run->schedule, name);
}

static gt_optim_iter walk_schedule(const gt_run *run)
{
    return gt_schedule_state(run->schedule);
}

static void clear_schedule(const gt_run *run)
{
    (void)run;
}

static gt_status take_schedule(const gt_run *run, const char *name, gt_tensor *tensor,
                               double number)
{
    (void)tensor;
    return gt_schedule_set_state(run->schedule, name, number);
}

static const char *kind_of_ema(const gt_run *run)
{
    return run->ema ? "EMA" : NULL;
}

static bool has_ema(const gt_run *run, const char *name, const gt_tensor **like)
{
    return gt_ema_has_state(run->ema, name, like);
}

static gt_optim_iter walk_ema(const gt_run *run)
{
    return gt_ema_state(run->ema);
}

static void clear_ema(const gt_run *run)
{
    gt_ema_clear_state(run->ema);
}

static gt_status take_ema(const gt_run *run, const char *name, gt_tensor *tensor, double number)
{
    return gt_ema_take_state(run->ema, name, tensor, number);
}

#define WALKER(part)                                                                               \
    {                                                                                              \
        .name = #part, .tensor = #part ".tensor.", .number = #part ".number.",                     \
        .metadata = "gradtape." #part, .kind = kind_of_##part, .has = has_##part,                  \
        .walk = walk_##part, .clear = clear_##part, .take = take_##part                            \
    }
/* The optimizer first: a schedule's state goes on from its learning rates. */
const gti_walker gti_walkers[GTI_WALKERS] = {WALKER(optimizer), WALKER(schedule), WALKER(ema)};

/* --- both ways --- */

bool gti_run_ready(const gt_run *run, const char *what, const char *path, gt_status *status)
{
    if (!run || !run->module) {
        *status = gt_fail(NULL, GT_ERR_ARGUMENT, what, "the %s is NULL", run ? "module" : "run");
        return false;
    }
    gt_ctx *gt = run->module->ctx;
    if (gti_io_ready(gt, what, path) && gt_ema_is_swapped(run->ema))
        gt_fail(gt, GT_ERR_STATE, what,
                "the module's weights are the averages now\n  hint: gt_ema_swap brings its own "
                "weights back");
    *status = gt_error_code(gt);
    return *status == GT_OK;
}

const char *gti_run_own_name(gti_text *text, const char *name)
{
    text->length = 0;
    gti_text_add(text, "tensor.%s", name);
    return text->failed ? NULL : text->at;
}

/* --- saving --- */

static bool add_walk(gti_st_items *list, const gt_run *run, const gti_walker *w)
{
    gti_text name = {.at = NULL};
    gt_optim_iter it = w->walk(run);
    bool ok = true;
    while (ok && gt_optim_next(&it)) {
        const char *at = gti_text_optim(&name, it.tensor ? w->tensor : w->number, &it);
        ok = it.tensor ? gti_st_add(list, at, it.tensor) : gti_st_add_f64(list, at, it.number);
    }
    free(name.at);
    return ok;
}

static bool add_own(gti_st_items *list, const gt_named_tensor *t)
{
    char shown[GTI_SHOWN];
    gti_text name = {.at = NULL};
    bool ok = true;
    for (; ok && t && t->name; t++) {
        if (!t->tensor || t->tensor->ctx != list->gt)
            gt_fail(list->gt, GT_ERR_ARGUMENT, list->what, "the tensor '%s' is %s",
                    gti_text_show(t->name, shown), t->tensor ? "of another context" : "NULL");
        ok = !gt_failed(list->gt) && gt_detach(t->tensor) &&
             gti_st_add(list, gti_run_own_name(&name, t->name), t->tensor);
    }
    free(name.at);
    return ok;
}

/* Bits, since the seeds use all 64. */
static gt_tensor *loader_tensor(gt_ctx *gt, const gt_loader *l)
{
    const gt_loader_state s = gt_loader_get_state(l);
    const uint64_t words[GTI_LOADER_WORDS] = {s.epoch, s.position, s.item_seed, s.order_seed};
    return gt_from_(gt, GT_SHAPE(GTI_LOADER_WORDS), words, GT_C_ANY,
                    (gt_new_opts){.dtype = GT_I64});
}

static bool add_rest(gti_st_items *list, const gt_run *run)
{
    const gt_tensor *random = gt_get_random_state(list->gt);
    if (!random || !gti_st_add(list, "random.state", random)) return false;
    if (run->loader) {
        const gt_tensor *place = loader_tensor(list->gt, run->loader);
        if (!place || !gti_st_add(list, "loader.state", place)) return false;
    }
    return gti_st_add_i64(list, "run.epoch", run->epoch) &&
           gti_st_add_i64(list, "run.step", run->step) &&
           gti_st_add_f64(list, "run.best", run->best);
}

static bool add_all(gti_st_items *list, const gt_run *run)
{
    if (!gti_load_list_module(list, "module.", run->module)) return false;
    for (int i = 0; i < GTI_WALKERS; i++)
        if (gti_walkers[i].kind(run) && !add_walk(list, run, &gti_walkers[i])) return false;
    return add_own(list, run->tensors) && add_rest(list, run);
}

gt_status gt_run_save(const gt_run *run, const char *path)
{
    static const char what[] = "gt_run_save";
    gt_status status;
    if (!gti_run_ready(run, what, path, &status)) return status;
    gti_st_items list = {.gt = run->module->ctx, .what = what};
    gt_metadata own[GTI_WALKERS + 2] = {{gti_run_key, gti_run_version}};
    for (int i = 0, n = 1; i < GTI_WALKERS; i++)
        if (gti_walkers[i].kind(run))
            own[n++] = (gt_metadata){gti_walkers[i].metadata, gti_walkers[i].kind(run)};
    if (add_all(&list, run)) status = gti_st_write(&list, path, own, run->metadata);
    else status = gt_error_code(list.gt);
    gti_st_items_free(&list);
    return status;
}

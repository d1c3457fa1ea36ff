/* Loading whole runs; run.c says what is in the file. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/run.h"

/* --- checking --- */

static bool GT_PRINTF(2, 3) fail(const gti_st *file, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gt_fail(file->gt, GT_ERR_ARGUMENT, file->what, "'%.100s' %s", file->path, text);
    return false;
}

static bool check_layout(const gti_st *file)
{
    const char *version = gti_st_metadata(file, gti_run_key);
    if (version && !strcmp(version, gti_run_version)) return true;
    if (version) {
        gt_fail(file->gt, GT_ERR_UNSUPPORTED, file->what, "'%.100s' has layout %.20s, not %s",
                file->path, version, gti_run_version);
        return false;
    }
    gt_fail(file->gt, GT_ERR_FORMAT, file->what,
            "'%.100s' is no run that gt_run_save wrote\n  hint: gt_load reads weights alone",
            file->path);
    return false;
}

/* Whether the file has an entry below this prefix; all of them are marked as used. */
static bool mark_below(const gti_st *file, const char *prefix)
{
    bool any = false;
    for (size_t i = 0; i < file->n; i++) {
        if (!gti_behind(file->at[i].name, prefix)) continue;
        file->at[i].used = any = true;
    }
    return any;
}

/* The entry of this name, which must be there with that dtype and shape. */
static gti_st_entry *require(const gti_st *file, const char *name, gt_dtype dtype, gt_shape shape)
{
    char shown[GTI_SHOWN], is[160], want[128];
    gti_st_entry *e = gti_st_find(file, name);
    if (e) e->used = true;
    const bool fits = e && gti_st_fits(e, dtype) && gt_shape_equal(e->shape, shape);
    if (fits) return e;
    fail(file, "has '%s' as %s, but the run needs %s %s", gti_show(name, shown),
         e ? gti_st_describe(e, is, sizeof is) : "nothing", gt_dtype_name(dtype),
         gt_shape_format(shape, want, sizeof want));
    return NULL;
}

static bool check_part(const gti_st *file, const char *name, const char *prefix, bool in_run)
{
    const bool in_file = mark_below(file, prefix);
    if (in_file == in_run) return true;
    return in_run ? fail(file, "has no state for '%s', which the run has", name)
                  : fail(file, "has a state for '%s', which the run has not\n  hint: .%s = ...",
                         name, name);
}

/* Whether the run's part can be set to what the entry says. */
static bool check_entry(const gti_st *file, const gt_run *run, const gti_walker *w,
                        const gti_st_entry *e)
{
    char shown[GTI_SHOWN], is[160];
    const char *tensor = gti_behind(e->name, w->tensor), *number = gti_behind(e->name, w->number);
    const gt_tensor *like = NULL;
    if (!w->has(run, tensor ? tensor : number ? number : "", &like) || !like != !tensor)
        return fail(
            file,
            "has '%s', which the run's %s has not\n  hint: make the same objects as when it "
            "was saved",
            gti_show(e->name, shown), w->name);
    if (!like) return require(file, e->name, GT_F64, GT_SCALAR);
    if (e->type->readable && e->type->dtype == like->dtype)
        return require(file, e->name, like->dtype, like->shape);
    return fail(file, "has '%s' as %s, but its parameter is %s", gti_show(e->name, shown),
                gti_st_describe(e, is, sizeof is), gt_dtype_name(like->dtype));
}

static bool check_walk(const gti_st *file, const gt_run *run, const gti_walker *w)
{
    char prefix[32], shown[GTI_SHOWN];
    snprintf(prefix, sizeof prefix, "%s.", w->name);
    const char *kind = w->kind(run), *saved = gti_st_metadata(file, w->metadata);
    if (!check_part(file, w->name, prefix, kind)) return false;
    if (kind && (!saved || strcmp(kind, saved) != 0))
        return fail(file, "has the state of '%s', but the run's %s is '%s'",
                    saved ? gti_show(saved, shown) : "nothing", w->name, kind);
    for (size_t i = 0; kind && i < file->n; i++)
        if (gti_behind(file->at[i].name, prefix) && !check_entry(file, run, w, &file->at[i]))
            return false;
    return true;
}

static bool check_own(const gti_st *file, const gt_named_tensor *t)
{
    gti_text name = {.at = NULL};
    bool ok = true;
    for (; ok && t && t->name; t++) {
        const char *at = gti_run_own_name(&name, t->name);
        ok = t->tensor && gt_detach(t->tensor) && at &&
             require(file, at, t->tensor->dtype, t->tensor->shape);
        if (!ok) fail(file, "cannot be loaded into the run's tensor '%.80s'", t->name);
    }
    free(name.at);
    return ok;
}

static bool check_numbers(const gti_st *file)
{
    return require(file, "run.epoch", GT_I64, GT_SCALAR) &&
           require(file, "run.step", GT_I64, GT_SCALAR) &&
           require(file, "run.best", GT_F64, GT_SCALAR);
}

static bool check(const gti_load *l, const gt_run *run)
{
    const gt_load_opts strict = {.partial = false};
    const gti_st *file = l->file;
    if (!check_layout(file) || !gti_load_check(l, &strict)) return false;
    for (int i = 0; i < GTI_WALKERS; i++)
        if (!check_walk(file, run, &gti_walkers[i])) return false;
    if (!check_part(file, "loader", "loader.", run->loader) || !check_numbers(file)) return false;
    if (run->loader && !require(file, "loader.state", GT_I64, GT_SHAPE(GTI_LOADER_WORDS)))
        return false;
    if (!mark_below(file, "random.state")) return fail(file, "has no random.state");
    if (!check_own(file, run->tensors)) return false;
    char shown[GTI_SHOWN];
    for (size_t i = 0; i < file->n; i++)
        if (!file->at[i].used)
            return fail(file, "has '%s', which the run has not", gti_show(file->at[i].name, shown));
    return true;
}

/* --- loading --- */

/* Sets one state from an entry; a kept tensor is made for it and freed again. */
static bool set_entry(const gti_st *file, const gt_run *run, const gti_walker *w,
                      const gti_st_entry *e)
{
    const char *tensor = gti_behind(e->name, w->tensor), *number = gti_behind(e->name, w->number);
    if (!tensor && !number) return true;
    gt_tensor *t = gti_st_make(file, e);
    if (!t) return false;
    const gt_status status =
        tensor ? w->set(run, tensor, t, 0) : w->set(run, number, NULL, gt_item(t));
    gt_free(t);
    return status == GT_OK;
}

static bool read_walk(const gti_st *file, const gt_run *run, const gti_walker *w)
{
    w->clear(run);
    for (size_t i = 0; i < file->n; i++)
        if (!set_entry(file, run, w, &file->at[i])) return false;
    return true;
}

static bool read_own(const gti_st *file, const gt_named_tensor *t)
{
    gti_text name = {.at = NULL};
    bool ok = true;
    for (; ok && t && t->name; t++) {
        const char *at = gti_run_own_name(&name, t->name);
        const gti_st_entry *e = at ? gti_st_find(file, at) : NULL;
        ok = e && gti_st_read(file, e, t->tensor);
    }
    free(name.at);
    return ok;
}

/* The entry's tensor, kept. */
static gt_tensor *make(const gti_st *file, const char *name)
{
    const gti_st_entry *e = gti_st_find(file, name);
    return e ? gti_st_make(file, e) : NULL;
}

static bool read_loader(const gti_st *file, const gt_run *run)
{
    if (!run->loader) return true;
    gt_tensor *t = make(file, "loader.state");
    if (!t) return false;
    uint64_t words[GTI_LOADER_WORDS];
    memcpy(words, t->data, sizeof words);
    gt_free(t);
    const gt_loader_state state = {words[0], words[1], words[2], words[3]};
    return gt_loader_set_state(run->loader, state) == GT_OK;
}

static bool read_random(const gti_st *file)
{
    gt_tensor *t = make(file, "random.state");
    const bool ok = t && gt_set_random_state(file->gt, t) == GT_OK;
    gt_free(t);
    return ok;
}

static bool read_numbers(const gti_st *file, gt_run *run)
{
    gt_tensor *epoch = make(file, "run.epoch"), *step = make(file, "run.step");
    gt_tensor *best = make(file, "run.best");
    const bool ok = epoch && step && best;
    if (ok) {
        run->epoch = *(const int64_t *)epoch->data;
        run->step = *(const int64_t *)step->data;
        run->best = *(const double *)best->data;
    }
    gt_free(epoch);
    gt_free(step);
    gt_free(best);
    return ok;
}

/* The loader comes first: it may refuse its place, being over fewer items than before. */
static bool read_all(const gti_load *l, gt_run *run)
{
    if (!read_loader(l->file, run) || !gti_load_read(l)) return false;
    for (int i = 0; i < GTI_WALKERS; i++)
        if (gti_walkers[i].kind(run) && !read_walk(l->file, run, &gti_walkers[i])) return false;
    return read_own(l->file, run->tensors) && read_numbers(l->file, run) && read_random(l->file);
}

gt_status gt_run_load(gt_run *run, const char *path)
{
    static const char what[] = "gt_run_load";
    gt_status status;
    if (!gti_run_ready(run, what, path, &status)) return status;
    gt_ctx *gt = run->module->ctx;
    gti_st file;
    if (!gti_st_open(&file, gt, what, path)) return gt_error_code(gt);
    const gti_load l = {&file, run->module, "module.", .has_options = false};
    const bool ok = check(&l, run) && read_all(&l, run);
    gti_st_close(&file);
    return ok ? GT_OK : gt_error_code(gt);
}

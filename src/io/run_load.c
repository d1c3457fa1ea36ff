/* Loading whole runs; run.c says what is in the file. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/run.h"

/* --- checking --- */

/* What does not need the file any more: the states of walkers, and the generator's. */
typedef struct {
    const gti_walker *walker;
    const char *name; /* in the walk */
    gt_tensor *tensor;
    double number;
} state;
typedef struct {
    gt_run *run;
    gti_load load; /* tensors that are read in place */
    state *states;
    size_t n;
    gt_tensor *random;
} job;

static bool GT_PRINTF(2, 3) fail(const gti_st *file, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return gti_st_fail(file, GT_ERR_ARGUMENT, "%s", text);
}

static bool check_layout(const gti_st *file)
{
    const char *version = gti_st_metadata(file, gti_run_key);
    if (version && !strcmp(version, gti_run_version)) return true;
    if (version)
        return gti_st_fail(file, GT_ERR_UNSUPPORTED, "has layout %.20s, not %s", version,
                           gti_run_version);
    return gti_st_fail(file, GT_ERR_FORMAT,
                       "is no run that gt_run_save wrote\n  hint: gt_load reads weights alone");
}

/* Whether the file has an entry below this prefix; all of them are marked as used. */
static bool mark_below(const gti_st *file, const char *prefix)
{
    bool any = false;
    for (size_t i = 0; i < file->n; i++) {
        if (!gti_text_behind(file->at[i].name, prefix)) continue;
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
    fail(file, "has '%s' as %s, but the run needs %s %s", gti_text_show(name, shown),
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
    const char *tensor = gti_text_behind(e->name, w->tensor),
               *number = gti_text_behind(e->name, w->number);
    const gt_tensor *like = NULL;
    if (!w->has(run, tensor ? tensor : number ? number : "", &like) || !like != !tensor)
        return fail(
            file,
            "has '%s', which the run's %s has not\n  hint: make the same objects as when it "
            "was saved",
            gti_text_show(e->name, shown), w->name);
    if (!like) return require(file, e->name, GT_F64, GT_SCALAR);
    if (e->type->readable && e->type->dtype == like->dtype)
        return require(file, e->name, like->dtype, like->shape);
    return fail(file, "has '%s' as %s, but its parameter is %s", gti_text_show(e->name, shown),
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
                    saved ? gti_text_show(saved, shown) : "nothing", w->name, kind);
    for (size_t i = 0; kind && i < file->n; i++)
        if (gti_text_behind(file->at[i].name, prefix) && !check_entry(file, run, w, &file->at[i]))
            return false;
    return true;
}

static bool check_own(gti_load *l, const gt_named_tensor *t)
{
    gti_text name = {.at = NULL};
    bool ok = true;
    for (; ok && t && t->name; t++) {
        const char *at = gti_run_own_name(&name, t->name);
        if (!at) gti_st_fail(l->file, GT_ERR_MEMORY, "cannot be read: out of memory");
        const gti_st_entry *e = at && t->tensor && gt_detach(t->tensor)
                                    ? require(l->file, at, t->tensor->dtype, t->tensor->shape)
                                    : NULL;
        ok = e && gti_load_add(l, e, t->tensor);
        if (!ok) fail(l->file, "cannot be loaded into the run's tensor '%.80s'", t->name);
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

static bool check(gti_load *l, const gt_run *run)
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
    if (!check_own(l, run->tensors)) return false;
    char shown[GTI_SHOWN];
    for (size_t i = 0; i < file->n; i++)
        if (!file->at[i].used)
            return fail(file, "has '%s', which the run has not",
                        gti_text_show(file->at[i].name, shown));
    return true;
}

/* --- fetching: all that can fail for want of memory, or of a sound disk; nothing has changed ---
 */

/* The number in an entry of one element. */
static double number_of(const gti_st *file, const gti_st_entry *e)
{
    double number;
    gti_st_convert(e->type, 1, file->bytes + e->begin, GT_F64, &number);
    return number;
}

static bool fetch_state(job *j, const gti_walker *w, const gti_st_entry *e)
{
    const gti_st *file = j->load.file;
    const char *tensor = gti_text_behind(e->name, w->tensor),
               *number = gti_text_behind(e->name, w->number);
    if (!tensor && !number) return true;
    state *s = &j->states[j->n];
    *s = (state){.walker = w, .name = tensor ? tensor : number};
    if (!tensor) s->number = number_of(file, e);
    else if (!(s->tensor = gti_st_make(file, e))) return false;
    j->n++;
    return true;
}

static bool fetch(job *j)
{
    gti_st *file = j->load.file;
    if (!gti_st_fetch(file)) return false;
    j->states = malloc((file->n + 1) * sizeof *j->states);
    if (!j->states) return gti_st_fail(file, GT_ERR_MEMORY, "cannot be read: out of memory");
    for (int i = 0; i < GTI_WALKERS; i++)
        for (size_t k = 0; gti_walkers[i].kind(j->run) && k < file->n; k++)
            if (!fetch_state(j, &gti_walkers[i], &file->at[k])) return false;
    const gti_st_entry *random = gti_st_find(file, "random.state");
    if (!random) return fail(file, "has no random.state");
    j->random = gti_st_make(file, random);
    return j->random;
}

static void free_job(job *j)
{
    for (size_t i = 0; i < j->n; i++) gt_free(j->states[i].tensor);
    free(j->states);
    gt_free(j->random);
    gti_load_free(&j->load);
}

/* --- setting --- */

static bool set_loader(const job *j)
{
    if (!j->run->loader) return true;
    const gti_st *file = j->load.file;
    const gti_st_entry *e = gti_st_find(file, "loader.state");
    uint64_t words[GTI_LOADER_WORDS];
    memcpy(words, file->bytes + e->begin, sizeof words);
    const gt_loader_state place = {words[0], words[1], words[2], words[3]};
    return gt_loader_set_state(j->run->loader, place) == GT_OK;
}

static bool set_states(job *j)
{
    for (int i = 0; i < GTI_WALKERS; i++)
        if (gti_walkers[i].kind(j->run)) gti_walkers[i].clear(j->run);
    for (size_t i = 0; i < j->n; i++) {
        state *s = &j->states[i];
        if (s->walker->take(j->run, s->name, s->tensor, s->number) != GT_OK) return false;
        s->tensor = NULL;
    }
    return true;
}

static void set_numbers(const job *j)
{
    const gti_st *file = j->load.file;
    memcpy(&j->run->epoch, file->bytes + gti_st_find(file, "run.epoch")->begin, sizeof(int64_t));
    memcpy(&j->run->step, file->bytes + gti_st_find(file, "run.step")->begin, sizeof(int64_t));
    j->run->best = number_of(file, gti_st_find(file, "run.best"));
}

/* What may be refused comes first: the loader's place, if it is over fewer items than before. */
static bool set_all(job *j)
{
    if (!set_loader(j) || gt_set_random_state(j->load.file->gt, j->random) != GT_OK) return false;
    if (!set_states(j)) return false;
    gti_load_read(&j->load);
    set_numbers(j);
    return true;
}

gt_status gt_run_load(gt_run *run, const char *path)
{
    static const char what[] = "gt_run_load";
    gt_status status;
    if (!gti_run_ready(run, what, path, &status)) return status;
    gt_ctx *gt = run->module->ctx;
    gti_st file;
    if (!gti_st_open(&file, gt, what, path)) return gt_error_code(gt);
    job j = {.run = run, .load = {.file = &file, .module = run->module, .prefix = "module."}};
    const bool ok = check(&j.load, run) && fetch(&j) && set_all(&j);
    free_job(&j);
    gti_st_close(&file);
    return ok ? GT_OK : gt_error_code(gt);
}

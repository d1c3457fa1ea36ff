/* Opening, closing, settings and statistics of a context. */
#include "engine/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/levels.h"

/* What gt_open returns without memory: failed for good, so nothing ever touches the rest of it. */
static gt_ctx dead = {
    .failed = true,
    .error = {.status = GT_ERR_MEMORY, .what = "gt_open", .message = "gt_open: out of memory"},
};

gt_ctx *gti_context_dead(void)
{
    return &dead;
}

static gt_ctx *no_context(void)
{
    gti_error e = dead.error;
    e.untold = true;
    gti_tell(&e);
    return &dead;
}

/* The kernels take the best where they are asked for what there is not; this says so. */
static void check_word(gt_ctx *gt, const char *variable, const char *(*word)(int i))
{
    const char *const asked = getenv(variable);
    char words[64] = "";
    if (!asked || !*asked) return;
    for (int i = 0; word(i); i++) {
        if (!strcmp(word(i), asked)) return;
        const size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", word(i));
    }
    gt_fail(gt, GT_ERR_ARGUMENT, "gt_open", "%s is '%.32s' in the environment; here there is %s",
            variable, asked, words);
}

gt_ctx *gt_open(void)
{
    gt_ctx *gt = calloc(1, sizeof *gt);
    if (!gt) return no_context();
    gt->recording = true;
    gti_pool_open(&gt->pool, &gt->system);
    if (!gti_arena_open(&gt->step, &gt->system) || !gti_arena_open(&gt->kept, &gt->system)) {
        gt_close(gt);
        return no_context();
    }
    gt_manual_seed(gt, 5489);
    gti_tell_read_setting(gt);
    check_word(gt, "GRADTAPE_CPU", gti_kernels_cpu_word);
    check_word(gt, "GRADTAPE_BLAS", gti_kernels_blas_word);
    gti_threads_init(gt);
    gt->recomputed_least = GTI_RECOMPUTED_LEAST;
    gti_error_skip(); /* the place of a failure would be the next call's */
    return gt;
}

void gt_close(gt_ctx *gt)
{
    if (!gt || gt == &dead) return;
    for (gti_closer *c = gt->closers; c; c = gt->closers) {
        gt->closers = c->next;
        c->free_fn(c->object);
    }
    for (int i = 0; i < GT_RESTING; i++)
        if (gt->resting[i]) gt->resting[i]->free_fn(gt->resting[i]->object);
    gti_error_forget(gt);
    gti_team_close(gt->team);
    gti_pool_close(&gt->pool);
    gti_arena_close(&gt->step);
    gti_arena_close(&gt->kept);
    for (gti_retired *r; (r = gt->retired);) {
        gti_arena arena = r->arena;
        gt->retired = r->next;
        gti_arena_close(&arena);
    }
    free(gt);
}

gt_status gt_at_close(gt_ctx *gt, void (*free_fn)(void *object), void *object)
{
    if (gt_failed(gt)) return gt_error_code(gt);
    gti_closer *c = gt->free_closers;
    if (c) gt->free_closers = c->next;
    else c = gti_arena_get(&gt->kept, sizeof *c);
    if (!c) return gt_fail(gt, GT_ERR_MEMORY, "gt_at_close", "out of memory");
    *c = (gti_closer){.free_fn = free_fn, .object = object, .next = gt->closers};
    gt->closers = c;
    return GT_OK;
}

void gt_let_go(gt_ctx *gt, const void *object)
{
    gti_closer **at = &gt->closers;
    while (*at && (*at)->object != object) at = &(*at)->next;
    gti_closer *c = *at, **place = &gt->resting[gt->n_resting++ % GT_RESTING], *old = *place;
    if (!c) return;
    *at = c->next;
    *place = c;
    if (!old) return;
    old->free_fn(old->object);
    old->next = gt->free_closers;
    gt->free_closers = old;
}

bool gt_set_recording(gt_ctx *gt, bool on)
{
    if (!gt) return false;
    const bool old = gt->recording;
    if (gt != &dead) gt->recording = on;
    return old;
}

bool gt_is_recording(const gt_ctx *gt)
{
    return gt && gt->recording;
}

bool gt_set_recording_all(gt_ctx *gt, bool on)
{
    if (!gt) return false;
    const bool old = gt->recording_all;
    const bool possible =
        !on || (!gt->failed && gti_random_keys(gt)); /* no step begins them anew */
    if (gt == &dead || !possible) return old;
    if (!on && gt_host_only(gt, "gt_set_recording_all", "it is on within such a step")) return old;
    gt->recording_all = on;
    return old;
}

bool gt_is_recording_all(const gt_ctx *gt)
{
    return gt && gt->recording_all;
}

gt_stats gt_get_stats(const gt_ctx *gt)
{
    if (!gt) return (gt_stats){0};
    return (gt_stats){
        .mallocs = gt->system.mallocs,
        .divided = gt->divided,
        .nodes = gt->n_nodes,
        .bytes_live = gt->pool.live,
        .bytes_peak = gt->pool.peak,
        .bytes_derived = gt->derived_bytes,
        .bytes_system = gt->system.bytes,
    };
}

void gt_stats_reset_peak(gt_ctx *gt)
{
    if (gt && gt != &dead) gt->pool.peak = gt->pool.live;
}

const gt_scope *gt_set_scope(gt_ctx *gt, const gt_scope *scope)
{
    if (!gt || gt == &dead) return NULL;
    const gt_scope *old = gt->scope;
    gt->scope = scope;
    return old;
}

/* What it adds to a path. */
static size_t name_length(const gt_scope *scope)
{
    return scope->name && !scope->call ? strlen(scope->name) : 0;
}

/* From the end, since a scope knows only its parent; however deep scopes nest. */
size_t gt_scope_path(const gt_scope *scope, char *buf, size_t size)
{
    size_t length = 0;
    for (const gt_scope *s = scope; s; s = s->parent) {
        const size_t n = name_length(s);
        length += n ? n + (length > 0) : 0;
    }
    if (!size) return length;
    buf[length < size ? length : size - 1] = 0;
    size_t end = length;
    for (; scope; scope = scope->parent) {
        const size_t n = name_length(scope);
        if (!n) continue;
        if (end < length && --end < size - 1) buf[end] = '.';
        end -= n;
        for (size_t i = 0; i < n && end + i < size - 1; i++) buf[end + i] = scope->name[i];
    }
    return length;
}

const char *gt_version(void)
{
    return GT_VERSION;
}

const char *gt_cpu_level(void)
{
    return gti_kernels_cpu();
}

const char *gt_blas_name(void)
{
    return gti_kernels_blas();
}

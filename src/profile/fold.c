/* Rows of tables: groups that have one name, added up. */
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

const char *gti_fold_part(gt_part part)
{
    static const char *const names[GT_PARTS] = {"forward", "backward", "update"};
    return names[part];
}

/* --- names --- */

/* Where the first `depth` names of a path end. */
static size_t cut(const char *path, int depth)
{
    const char *at = path;
    for (int i = 0; i < depth && at; i++) {
        at = strchr(at + (i > 0), '.');
        if (!at) break;
    }
    return depth && at ? (size_t)(at - path) : strlen(path);
}

/* A text that lives as long as p; NULL without memory. */
static const char *keep(gt_profile *p, const char *text, size_t length)
{
    for (gti_profile_text *t = p->texts; t; t = t->next)
        if (!strncmp(t->text, text, length) && !t->text[length]) return t->text;
    gti_profile_text *t = malloc(sizeof *t + length + 1);
    if (!t) return NULL;
    memcpy(t->text, text, length);
    t->text[length] = '\0';
    t->next = p->texts;
    p->texts = t;
    return t->text;
}

/* Where it stands, and what it is. */
static const char *name_of_call(gt_profile *p, const gti_profile_group *g)
{
    char text[1024];
    const int n =
        snprintf(text, sizeof text, "%s%s%s%s", g->part == GT_PART_BACKWARD ? "backward " : "",
                 g->module, *g->module ? " " : "", g->shape);
    return keep(p, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static const char *name_of(gt_profile *p, const gti_profile_group *g,
                           const gt_profile_print_opts *opts)
{
    switch (opts->by) {
    case GT_BY_SHAPE: return g->shape;
    case GT_BY_CALL: return name_of_call(p, g);
    case GT_BY_PART: return gti_fold_part(g->part);
    case GT_BY_MODULE:
        if (!*g->module) return "(none)";
        return opts->depth ? keep(p, g->module, cut(g->module, opts->depth)) : g->module;
    default: return g->name;
    }
}

/* --- rows --- */

static gt_profile_row row_of(const gti_profile_group *g, const char *name)
{
    gt_profile_row r = {.name = name,
                        .parts = 1u << g->part,
                        .calls = g->calls,
                        .seconds = 1e-9 * (double)g->total,
                        .least = 1e-9 * (double)g->least,
                        .longest = 1e-9 * (double)g->longest,
                        .flops = g->flops,
                        .bytes = g->bytes,
                        .busy = 1e-9 * (double)g->busy};
    if (gt_is_floating(g->dtype)) r.flops_of[g->dtype] = g->flops;
    return r;
}

static void add(gt_profile_row *to, const gt_profile_row *r)
{
    to->parts |= r->parts;
    to->calls += r->calls;
    to->seconds += r->seconds;
    to->least = r->least < to->least ? r->least : to->least;
    to->longest = r->longest > to->longest ? r->longest : to->longest;
    to->flops += r->flops;
    to->bytes += r->bytes;
    to->busy += r->busy;
    for (int i = 0; i < 2; i++) to->flops_of[i] += r->flops_of[i];
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const gt_profile_row *)a)->name, ((const gt_profile_row *)b)->name);
}

static int descending(double a, double b, const void *x, const void *y)
{
    return a > b ? -1 : a < b ? 1 : by_name(x, y);
}

static int by_time(const void *a, const void *b)
{
    return descending(((const gt_profile_row *)a)->seconds, ((const gt_profile_row *)b)->seconds, a,
                      b);
}

static int by_calls(const void *a, const void *b)
{
    return descending((double)((const gt_profile_row *)a)->calls,
                      (double)((const gt_profile_row *)b)->calls, a, b);
}

static int by_mean(const void *a, const void *b)
{
    const gt_profile_row *x = a, *y = b;
    return descending(x->seconds / (double)x->calls, y->seconds / (double)y->calls, a, b);
}

/* Rows of one name become one. */
static int64_t merge(gt_profile_row *rows, int64_t n)
{
    int64_t to = 0;
    qsort(rows, (size_t)n, sizeof *rows, by_name);
    for (int64_t i = 0; i < n; i++)
        if (to && !by_name(&rows[to - 1], &rows[i])) add(&rows[to - 1], &rows[i]);
        else rows[to++] = rows[i];
    return to;
}

static bool check(gt_profile *p, const gt_profile_print_opts *o)
{
    static const char what[] = "gt_profile_print";
    if ((unsigned)o->by > GT_BY_SPAN)
        gt_fail(p->gt, GT_ERR_ARGUMENT, what, "by is %d, must be one of GT_BY_...", (int)o->by);
    else if ((unsigned)o->sort > GT_SORT_NAME)
        gt_fail(p->gt, GT_ERR_ARGUMENT, what, "sort is %d, must be one of GT_SORT_...",
                (int)o->sort);
    else if (o->depth < 0 || o->most < 0)
        gt_fail(p->gt, GT_ERR_ARGUMENT, what, "%s is %d, must not be negative",
                o->depth < 0 ? "depth" : "most", o->depth < 0 ? o->depth : o->most);
    return !gt_failed(p->gt);
}

int64_t gti_fold(gt_profile *p, const gt_profile_print_opts *o, gt_profile_row **rows)
{
    static int (*const orders[])(const void *, const void *) = {by_time, by_calls, by_mean,
                                                                by_name};
    const bool spans = o->by == GT_BY_SPAN;
    int64_t n = 0;
    if (!check(p, o)) return -1;
    *rows = malloc((p->n_groups + 1) * sizeof **rows);
    for (uint32_t i = 0; *rows && i < p->n_groups; i++) {
        const gti_profile_group *g = &p->group[i];
        if (!g->op != spans) continue;
        const char *name = name_of(p, g, o);
        if (name) (*rows)[n++] = row_of(g, name);
        else free(*rows), *rows = NULL;
    }
    if (!*rows) return gt_fail(p->gt, GT_ERR_MEMORY, "gt_profile_print", "out of memory"), -1;
    n = merge(*rows, n);
    qsort(*rows, (size_t)n, sizeof **rows, orders[o->sort]);
    return n;
}

static void complete(gt_profile_print_opts *o)
{
    o->depth = (int)gt_option_int(o->depth, 0);
}

int64_t gt_profile_rows_(gt_profile *p, gt_profile_row *to, int64_t n, gt_profile_print_opts opts)
{
    gt_profile_row *rows;
    if (!gti_profile_readable(p, "gt_profile_rows")) return -1;
    complete(&opts);
    const int64_t all = gti_fold(p, &opts, &rows);
    for (int64_t i = 0; i < n && i < all; i++) to[i] = rows[i];
    if (all >= 0) free(rows);
    return all;
}

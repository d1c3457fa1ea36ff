/* Groups of parameters: learning rates and weight decays of their own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"

void gti_groups_assign(gt_optimizer *o, int from)
{
    for (int i = from; i < o->slots.n; i++) {
        int g = o->n_groups - 1;
        while (g >= 0 && !gt_name_fits(o->groups[g].pattern, o->slots.at[i].name)) g--;
        o->slots.at[i].group = g;
    }
}

/* --- groups that hold nothing --- */

static bool all_ready(const gt_module *m)
{
    for (const gt_module *c = m->child; c; c = c->next)
        if (!all_ready(c)) return false;
    return m->ready;
}

static bool fits_any(const gt_optimizer *o, const char *pattern)
{
    for (int i = 0; i < o->slots.n; i++)
        if (gt_name_fits(pattern, o->slots.at[i].name)) return true;
    return false;
}

/* "'0.weight', '0.bias', ... (12)" */
static void list_names(const gt_optimizer *o, char *text, size_t size)
{
    enum { NAMED = 4 };
    size_t used = 0;
    for (int i = 0; i < o->slots.n && i < NAMED && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s'%.100s'", i ? ", " : "",
                                 o->slots.at[i].name);
    if (o->slots.n > NAMED && used < size)
        snprintf(text + used, size - used, ", ... (%d)", o->slots.n);
}

bool gti_groups_check(gt_optimizer *o, const char *what)
{
    if (o->groups_checked || !all_ready(o->slots.module)) return true;
    for (int i = 0; i < o->n_groups; i++) {
        if (fits_any(o, o->groups[i].pattern)) continue;
        char names[512] = "none";
        list_names(o, names, sizeof names);
        gt_fail(
            gti_optimizer_context(o), GT_ERR_ARGUMENT, what,
            "group %d, '%s', fits no parameter; there are %s\n"
            "  hint: patterns stand for whole paths, and of a shared parameter the first counts",
            i, o->groups[i].pattern, names);
        return false;
    }
    o->groups_checked = true;
    return true;
}

void gti_groups_clear(gt_optimizer *o)
{
    for (int i = 0; i < o->n_groups; i++) free(o->groups[i].pattern);
    free(o->groups);
    o->groups = NULL;
    o->n_groups = 0;
}

static bool groups_check_options(const gt_optimizer *o, const char *pattern,
                                 const gt_group_opts *opts, const gti_group *g)
{
    static const char what[] = "gt_optimizer_add_group";
    gt_ctx *gt = gti_optimizer_context(o);
    const gt_module *m = o->slots.module;
    if (!pattern || !*pattern)
        gt_fail(gt, GT_ERR_ARGUMENT, what,
                "the pattern is %s\n  hint: \"*.bias\" means the parameters whose path ends in "
                ".bias, \"*\" all",
                pattern ? "empty" : "NULL");
    else if (g->own_rate && opts->lr_scale != 0)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' has lr %g and lr_scale %g, but can have only one",
                pattern, g->rate.lr, g->lr_scale);
    else
        return gti_optimizer_check(m, o->rule, "lr", g->rate.lr) &&
               gti_optimizer_check(m, o->rule, "lr_scale", g->lr_scale) &&
               gti_optimizer_check(m, o->rule, "weight_decay", g->weight_decay);
    return false;
}

static bool append(gt_optimizer *o, const char *pattern, gti_group g)
{
    const size_t size = strlen(pattern) + 1;
    gti_group *groups = realloc(o->groups, (size_t)(o->n_groups + 1) * sizeof *groups);
    if (groups) o->groups = groups;
    g.pattern = groups ? malloc(size) : NULL;
    if (!g.pattern) {
        gt_fail(gti_optimizer_context(o), GT_ERR_MEMORY, o->rule->name, "out of memory for '%s'",
                pattern);
        return false;
    }
    memcpy(g.pattern, pattern, size);
    o->groups[o->n_groups++] = g;
    return true;
}

gt_status gt_optimizer_add_group_(gt_optimizer *o, const char *pattern, gt_group_opts opts)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_add_group", &status)) return status;
    const gti_group g = {
        .own_rate = opts.lr != 0,
        .rate = {.lr = gt_option(opts.lr, 0), .initial = NAN},
        .lr_scale = gt_option(opts.lr_scale, 1),
        .weight_decay = gt_option(opts.weight_decay, o->weight_decay),
    };
    if (!groups_check_options(o, pattern, &opts, &g) || !append(o, pattern, g))
        return gt_error_code(gti_optimizer_context(o));
    gti_groups_assign(o, 0);
    o->groups_checked = false;
    return GT_OK;
}

/* --- learning rates --- */

static bool groups_check_index(const gt_optimizer *o, int i, const char *what)
{
    if (i >= 0 && i < o->n_groups) return true;
    gt_fail(gti_optimizer_context(o), GT_ERR_ARGUMENT, what, "there is no group %d; there are %d",
            i, o->n_groups);
    return false;
}

double gt_optimizer_group_lr(const gt_optimizer *o, int i)
{
    static const char what[] = "gt_optimizer_group_lr";
    if (!gti_optimizer_there(o, what) || !groups_check_index(o, i, what)) return NAN;
    const gti_group *g = &o->groups[i];
    return g->own_rate ? g->rate.lr : o->rate.lr * g->lr_scale;
}

gt_status gt_optimizer_set_group_lr(gt_optimizer *o, int i, double lr)
{
    static const char what[] = "gt_optimizer_set_group_lr";
    gt_status status;
    if (!gti_optimizer_ready(o, what, &status)) return status;
    if (!groups_check_index(o, i, what) || !gti_optimizer_check(o->slots.module, o->rule, "lr", lr))
        return gt_error_code(gti_optimizer_context(o));
    o->groups[i].own_rate = true;
    o->groups[i].rate.lr = lr;
    return GT_OK;
}

gti_rate *gti_groups_rate(gt_optimizer *o, int i)
{
    if (i == 0) return &o->rate;
    for (int g = 0; g < o->n_groups; g++)
        if (o->groups[g].own_rate && --i == 0) return &o->groups[g].rate;
    return NULL;
}

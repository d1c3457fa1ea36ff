/* Schedules of schedules: ChainedScheduler and SequentialLR. */
#include <stdlib.h>

#include "schedule.h"

/* --- chained --- */

static bool chained_step(gt_schedule *s, double metric)
{
    for (int i = 0; i < s->n; i++)
        if (!gti_schedule_advance(s->parts[i], metric)) return false;
    return true;
}

static void chained_begin(gt_schedule *s)
{
    for (int i = 0; i < s->n; i++) gti_schedule_begin(s->parts[i]);
}

static const gti_schedule_type chained_type = {"ChainedScheduler", sizeof(gt_schedule),
                                               .step = chained_step, .begin = chained_begin};

/* --- sequential --- */

static bool sequential_step(gt_schedule *s, double metric)
{
    int i = 0;
    while (i < s->n_milestones && (double)s->milestones[i] <= s->last_epoch) i++;
    if (i == 0 || (double)s->milestones[i - 1] < s->last_epoch)
        return gti_schedule_advance(s->parts[i], metric);
    gti_schedule_restart(s->parts[i]);
    return !gt_failed(gti_optimizer_context(s->optimizer));
}

static void sequential_begin(gt_schedule *s)
{
    for (int i = 1; i < s->n; i++) s->parts[i]->last_epoch = -1;
    gti_schedule_restart(s->parts[0]);
}

static const gti_schedule_type sequential_type = {
    "SequentialLR", sizeof(gt_schedule), .step = sequential_step, .begin = sequential_begin};

/* --- making --- */

static bool check_parts(const gti_schedule_type *type, gt_schedule *const parts[], int n)
{
    if (!parts || n < 1 || !parts[0]) {
        gt_fail(NULL, GT_ERR_ARGUMENT, type->name, "%s",
                n < 1 ? "there are no schedules" : "a schedule is NULL");
        return false;
    }
    gt_ctx *gt = parts[0]->ctx;
    if (gt_failed(gt)) return false;
    for (int i = 0; i < n; i++) {
        const gt_schedule *p = parts[i];
        const char *why = !p                                    ? "is NULL"
                          : !p->optimizer                       ? "was freed with its optimizer"
                          : p->optimizer != parts[0]->optimizer ? "has another optimizer"
                          : p->parent                           ? "is part of another already"
                          : p->type->needs_metric               ? "needs a metric"
                                                                : NULL;
        for (int j = 0; p && j < i; j++)
            if (parts[j] == p) why = "is there twice";
        if (!why) continue;
        gt_fail(gt, GT_ERR_ARGUMENT, type->name, "schedule %d %s", i, why);
        return false;
    }
    return true;
}

static bool check_milestones(gt_schedule *const parts[], const int64_t *milestones, int n)
{
    gt_ctx *gt = gti_optimizer_context(parts[0]->optimizer);
    if (n > 0 && !milestones)
        gt_fail(gt, GT_ERR_ARGUMENT, sequential_type.name, "the milestones are NULL");
    for (int i = 0; i < n && milestones; i++)
        if (milestones[i] <= (i ? milestones[i - 1] : 0))
            gt_fail(gt, GT_ERR_ARGUMENT, sequential_type.name,
                    "milestone %d is %lld; they must rise, from at least 1", i,
                    (long long)milestones[i]);
    return !gt_failed(gt);
}

static gt_schedule *schedule_parts_make(const gti_schedule_type *type, gt_schedule *const parts[],
                                        int n, const int64_t *milestones, int n_milestones)
{
    gt_schedule *s = gti_schedule_new(parts[0]->optimizer, type, milestones, n_milestones);
    if (!s) return NULL;
    s->parts = malloc((size_t)n * sizeof *s->parts);
    if (!s->parts) {
        gt_fail(gti_optimizer_context(s->optimizer), GT_ERR_MEMORY, type->name,
                "out of memory for the schedule");
        return NULL;
    }
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->parts[i] = parts[i];
        parts[i]->parent = s;
        parts[i]->index = i;
    }
    return s;
}

gt_schedule *gt_chained_lr(gt_schedule *const parts[], int n)
{
    if (!check_parts(&chained_type, parts, n)) return NULL;
    gt_schedule *s = schedule_parts_make(&chained_type, parts, n, NULL, 0);
    if (s) s->last_epoch = 0;
    return s;
}

gt_schedule *gt_sequential_lr(gt_schedule *const parts[], int n, const int64_t *milestones)
{
    if (!check_parts(&sequential_type, parts, n)) return NULL;
    if (!check_milestones(parts, milestones, n - 1)) return NULL;
    gt_schedule *s = schedule_parts_make(&sequential_type, parts, n, milestones, n - 1);
    return s ? gti_schedule_begin(s) : NULL;
}

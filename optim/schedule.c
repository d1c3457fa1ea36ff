/* What all schedules have in common. */
#include "schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gt_ctx *context(const gt_schedule *s)
{
    return s->ctx;
}

/* --- making --- */

static void free_schedule(void *object)
{
    gt_schedule *s = object;
    free(s->parts);
    free(s->milestones);
    free(s);
}

bool gti_schedule_check(const gt_optimizer *o, const gti_schedule_type *type, const char *option,
                        double value, double low, double high)
{
    gt_status status;
    if (!gti_optimizer_ready(o, type->name, &status)) return false;
    if (value >= low && value <= high && isfinite(value)) return true;
    gt_ctx *gt = gti_optimizer_context(o);
    if (isinf(high))
        gt_fail(gt, GT_ERR_ARGUMENT, type->name, "%s is %g, but must be finite and at least %g",
                option, value, low);
    else
        gt_fail(gt, GT_ERR_ARGUMENT, type->name, "%s is %g, but must be between %g and %g", option,
                value, low, high);
    return false;
}

gt_schedule *gti_schedule_new(gt_optimizer *o, const gti_schedule_type *type,
                              const int64_t *milestones, int n)
{
    gt_status status;
    if (!gti_optimizer_ready(o, type->name, &status)) return NULL;
    gt_ctx *gt = gti_optimizer_context(o);
    gt_schedule *s = calloc(1, type->size);
    if (s && n > 0) s->milestones = malloc((size_t)n * sizeof *milestones);
    if (!s || (n > 0 && !s->milestones)) {
        if (s) free_schedule(s);
        gt_fail(gt, GT_ERR_MEMORY, type->name, "out of memory for the schedule");
        return NULL;
    }
    if (n > 0) memcpy(s->milestones, milestones, (size_t)n * sizeof *milestones);
    s->n_milestones = n;
    s->type = type;
    s->optimizer = o;
    s->ctx = gt;
    s->last_epoch = -1;
    gti_rate *r;
    for (int i = 0; (r = gti_groups_rate(o, i)); i++)
        if (isnan(r->initial)) r->initial = r->lr;
    if (gt_at_close(gt, free_schedule, s) != GT_OK) return free_schedule(s), NULL;
    s->next = o->schedules;
    return o->schedules = s;
}

void gti_schedules_free(gt_optimizer *o)
{
    for (gt_schedule *s = o->schedules; s; s = s->next) {
        free(s->parts);
        free(s->milestones);
        s->parts = NULL;
        s->milestones = NULL;
        s->n = s->n_milestones = 0;
        s->optimizer = NULL;
    }
    for (gt_schedule *s = o->schedules, *next; s; s = next) {
        next = s->next;
        gt_let_go(s->ctx, s);
    }
    o->schedules = NULL;
}

/* False also for NULL; fails for what was freed. */
static bool schedule_there(const gt_schedule *s, const char *what)
{
    if (s && !s->optimizer)
        gt_fail(s->ctx, GT_ERR_STATE, what, "the %s was freed with its optimizer", s->type->name);
    return s && s->optimizer;
}

/* --- stepping --- */

static bool set_rate(const gt_schedule *s, gti_rate *r)
{
    if (isnan(r->initial)) r->initial = r->lr; /* a group that came later */
    const double lr = s->type->lr(s, r);
    if (isfinite(lr)) r->lr = lr;
    else
        gt_fail(context(s), GT_ERR_NUMERIC, s->type->name,
                "the learning rate of epoch %.0f is %g; that of the epoch before was %g",
                s->last_epoch, lr, r->lr);
    return isfinite(lr);
}

static bool set_rates(gt_schedule *s)
{
    if (s->type->advance && !s->type->advance(s)) return false;
    gti_rate *r;
    for (int i = 0; (r = gti_groups_rate(s->optimizer, i)); i++)
        if (!set_rate(s, r)) return false;
    return true;
}

bool gti_schedule_advance(gt_schedule *s, double metric)
{
    s->last_epoch++;
    if (s->type->step) return s->type->step(s, metric);
    if (set_rates(s)) return true;
    s->last_epoch--;
    return false;
}

gt_schedule *gti_schedule_begin(gt_schedule *s)
{
    s->last_epoch = 0;
    if (s->type->begin) {
        s->type->begin(s);
        return s;
    }
    s->initial = true;
    const bool ok = !s->type->lr || set_rates(s);
    s->initial = false;
    return ok ? s : NULL;
}

void gti_schedule_restart(gt_schedule *s)
{
    gti_rate *r;
    for (int i = 0; (r = gti_groups_rate(s->optimizer, i)); i++) r->lr = r->initial;
    gti_schedule_begin(s);
}

typedef struct {
    gt_schedule *s;
    double metric;
} next_epoch;

static bool advance(gt_tensor *const t[], const void *data)
{
    (void)t;
    const next_epoch *next = data;
    return gti_schedule_advance(next->s, next->metric);
}

static gt_status schedule_step(gt_schedule *s, const char *what, bool has_metric, double metric)
{
    if (!s) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the schedule is NULL");
    gt_ctx *gt = context(s);
    if (!schedule_there(s, what) || gt_failed(gt)) return gt_error_code(gt);
    if (s->parent)
        return gt_fail(gt, GT_ERR_STATE, what, "this %s is part of a %s: step that", s->type->name,
                       s->parent->type->name);
    if (s->type->needs_metric && !has_metric)
        return gt_fail(gt, GT_ERR_ARGUMENT, what,
                       "%s needs a metric\n  hint: gt_schedule_step_metric(s, loss)",
                       s->type->name);
    if (has_metric && gt_host_only(gt, what, "step by the metric outside of the step"))
        return gt_error_code(gt);
    const next_epoch next = {s, metric};
    gt_host_call(gt, advance, 0, NULL, &next, sizeof next);
    return gt_error_code(gt);
}

gt_status gt_schedule_step(gt_schedule *s)
{
    return schedule_step(s, "gt_schedule_step", false, NAN);
}

gt_status gt_schedule_step_metric(gt_schedule *s, double metric)
{
    return schedule_step(s, "gt_schedule_step_metric", true, metric);
}

bool gt_schedule_needs_metric(const gt_schedule *s)
{
    return s && s->type->needs_metric;
}

gt_optimizer *gt_schedule_optimizer(const gt_schedule *s)
{
    return schedule_there(s, "gt_schedule_optimizer") ? s->optimizer : NULL;
}

double gt_schedule_lr(const gt_schedule *s)
{
    return schedule_there(s, "gt_schedule_lr") ? gt_optimizer_lr(s->optimizer) : NAN;
}

const char *gt_schedule_name(const gt_schedule *s)
{
    return s ? s->type->name : NULL;
}

int64_t gt_schedule_last_epoch(const gt_schedule *s)
{
    return schedule_there(s, "gt_schedule_last_epoch") ? (int64_t)s->last_epoch : 0;
}

/* --- state --- */

size_t gti_schedule_path(const gt_schedule *root, const gt_schedule *s, char *buf, size_t size)
{
    if (s == root) return 0;
    const size_t used = gti_schedule_path(root, s->parent, buf, size);
    const bool room = used < size;
    return used +
           (size_t)snprintf(room ? buf + used : NULL, room ? size - used : 0, "%d.", s->index);
}

/* The schedule behind s, wholes before parts, within root; NULL after the last. */
static const gt_schedule *after(const gt_schedule *root, const gt_schedule *s)
{
    if (s->n) return s->parts[0];
    while (s != root && s->index + 1 == s->parent->n) s = s->parent;
    return s == root ? NULL : s->parent->parts[s->index + 1];
}

static bool schedule_next(void *walk)
{
    gt_optim_iter *it = walk;
    const gt_schedule *s = it->schedule;
    it->key = NULL;
    for (; s; s = after(it->of, s), it->place = 0) {
        const int64_t at = it->place++;
        it->schedule = s;
        it->key = at == 0 ? "last_epoch" : at <= GTI_FIELDS ? s->type->state[at - 1].name : NULL;
        if (!it->key) continue;
        const char *field = (const char *)s + (at ? s->type->state[at - 1].offset : 0);
        it->number = at ? *(const double *)(const void *)field : s->last_epoch;
        return true;
    }
    it->schedule = NULL;
    return false;
}

gt_optim_iter gt_schedule_state(const gt_schedule *s)
{
    const bool is = schedule_there(s, "gt_schedule_state");
    return (gt_optim_iter){.of = s, .next = is ? schedule_next : NULL, .schedule = s, .group = -1};
}

/* Where the number called `name` is, and its range; NULL when there is none. */
static double *schedule_find(gt_schedule *s, const char *name, gti_range *range)
{
    for (char *end; name && strchr(name, '.'); name = end + 1) {
        const long i = strtol(name, &end, 10);
        if (end == name || *end != '.' || i < 0 || i >= s->n) return NULL;
        s = s->parts[i];
    }
    *range = GTI_EPOCH;
    if (name && !strcmp(name, "last_epoch")) return &s->last_epoch;
    for (int i = 0; name && i < GTI_FIELDS && s->type->state[i].name; i++) {
        *range = s->type->state[i].range;
        if (!strcmp(s->type->state[i].name, name))
            return (double *)(void *)((char *)s + s->type->state[i].offset);
    }
    return NULL;
}

bool gt_schedule_has_state(gt_schedule *s, const char *name)
{
    gti_range range;
    return schedule_there(s, "gt_schedule_has_state") && schedule_find(s, name, &range);
}

gt_status gt_schedule_set_state(gt_schedule *s, const char *name, double number)
{
    static const char what[] = "gt_schedule_set_state";
    if (!s) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the schedule is NULL");
    gt_ctx *gt = context(s);
    if (!schedule_there(s, what) || gt_failed(gt)) return gt_error_code(gt);
    gti_range range;
    double *to = schedule_find(s, name, &range);
    return to ? gti_state_set_number(gt, what, name, range, to, number)
              : gti_state_none(gt, what, name);
}

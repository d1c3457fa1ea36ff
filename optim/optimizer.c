/* What all optimizers have in common: the list of parameters, their state, the step. */
#include <math.h>
#include <stdlib.h>

#include "rule.h"

static gt_ctx *context(const gt_optimizer *o)
{
    return o->module->ctx;
}

static void free_optimizer(void *object)
{
    gt_optimizer *o = object;
    free(o->slots);
    free(o);
}

bool gti_optimizer_check(const gt_module *m, const gti_rule *rule, const char *option, double value)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, rule->name, "the module is NULL");
    if (!m || gt_failed(m->ctx)) return false;
    if (value >= 0 && isfinite(value)) return true;
    gt_fail(m->ctx, GT_ERR_ARGUMENT, rule->name, "%s is %g, but must be finite and not negative",
            option, value);
    return false;
}

gt_optimizer *gti_optimizer_new(gt_module *m, const gti_rule *rule, double lr)
{
    if (!gti_optimizer_check(m, rule, "lr", lr)) return NULL;
    gt_optimizer *o = calloc(1, rule->size);
    if (!o) {
        gt_fail(m->ctx, GT_ERR_MEMORY, rule->name, "out of memory for the optimizer");
        return NULL;
    }
    o->rule = rule;
    o->module = m;
    o->lr = lr;
    o->version = m->version - 1;
    if (gt_at_close(m->ctx, free_optimizer, o) == GT_OK) return o;
    free(o);
    return NULL;
}

/* --- parameters --- */

static bool knows(const gt_optimizer *o, const gt_tensor *t)
{
    for (int i = 0; i < o->n_slots; i++)
        if (o->slots[i].tensor == t) return true;
    return false;
}

static bool add_slot(gt_optimizer *o, gt_tensor *t)
{
    if (o->n_slots == o->capacity) {
        const int capacity = o->capacity ? 2 * o->capacity : 8;
        gti_slot *slots = realloc(o->slots, (size_t)capacity * sizeof *slots);
        if (!slots) {
            gt_fail(context(o), GT_ERR_MEMORY, o->rule->name, "out of memory for the parameters");
            return false;
        }
        o->slots = slots;
        o->capacity = capacity;
    }
    o->slots[o->n_slots++] = (gti_slot){.tensor = t};
    return true;
}

/* Adds the parameters that the module has got since; it never loses any. */
static bool collect(gt_optimizer *o)
{
    gt_state_iter it = gt_module_parameters(o->module);
    while (gt_state_next(&it))
        if (!knows(o, it.tensor) && !add_slot(o, it.tensor)) return false;
    o->version = o->module->version;
    return true;
}

/* --- stepping --- */

static bool make_states(const gt_optimizer *o, gti_slot *s)
{
    for (int i = 0; i < o->rule->n_states; i++) {
        if (s->state[i]) continue;
        const gt_tensor *w = s->tensor;
        s->state[i] = gt_keep(gt_full_(w->ctx, w->shape, 0.0, (gt_new_opts){.dtype = w->dtype}));
        if (!s->state[i]) return false;
    }
    return true;
}

static bool update(const gt_optimizer *o, gti_slot *s)
{
    if (!s->step && !make_states(o, s)) return false;
    gt_tensor *w = s->tensor;
    gti_update u = {.w = w->data, .grad = w->grad->data, .n = w->size, .step = ++s->step};
    for (int i = 0; i < o->rule->n_states; i++) u.state[i] = s->state[i]->data;
    o->rule->update[w->dtype](o, &u);
    gt_touch(w);
    return true;
}

gt_status gt_optimizer_step(gt_optimizer *o)
{
    if (!o) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_optimizer_step", "the optimizer is NULL");
    const gt_ctx *gt = context(o);
    if (gt_failed(gt)) return gt_error_code(gt);
    if (o->version != o->module->version && !collect(o)) return gt_error_code(gt);
    for (gti_slot *s = o->slots, *end = s + o->n_slots; s < end; s++)
        if (s->tensor->grad && !update(o, s)) return gt_error_code(gt);
    return GT_OK;
}

void gt_optimizer_zero_grad(gt_optimizer *o)
{
    if (o) gt_zero_grad(o->module);
}

gt_status gt_optimizer_set_lr(gt_optimizer *o, double lr)
{
    if (!o) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_optimizer_set_lr", "the optimizer is NULL");
    if (!gti_optimizer_check(o->module, o->rule, "lr", lr)) return gt_error_code(context(o));
    o->lr = lr;
    return GT_OK;
}

double gt_optimizer_lr(const gt_optimizer *o)
{
    return o ? o->lr : NAN;
}

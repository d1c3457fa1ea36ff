/* What all optimizers have in common: making them, their step, the learning rate. */
#include <math.h>
#include <stdlib.h>

#include "rule.h"

gt_ctx *gti_optimizer_context(const gt_optimizer *o)
{
    return o->slots.ctx;
}

/* --- making --- */

static void free_optimizer(void *object)
{
    gt_optimizer *o = object;
    gti_slots_clear(&o->slots);
    gti_groups_clear(o);
    free(o);
}

bool gti_optimizer_there(const gt_optimizer *o, const char *what)
{
    return o && gti_slots_there(&o->slots, what, o->rule->name);
}

#undef gt_optimizer_free
void gt_optimizer_free(gt_optimizer *o)
{
    if (!gti_optimizer_there(o, "gt_optimizer_free")) return;
    gti_schedules_free(o);
    gt_free(o->numbers);
    gti_slots_free(&o->slots);
    gti_groups_clear(o);
    gt_let_go(gti_optimizer_context(o), o);
}

static bool optimizer_refuse(const gt_module *m, const gti_rule *rule, const char *option,
                             double value, const char *want)
{
    gt_fail(m->ctx, GT_ERR_ARGUMENT, rule->name, "%s is %g, but must be %s", option, value, want);
    return false;
}

static bool present(const gt_module *m, const gti_rule *rule)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, rule->name, "the module is NULL");
    return m && gt_module_usable(m) && !gt_failed(m->ctx);
}

bool gti_optimizer_check(const gt_module *m, const gti_rule *rule, const char *option, double value)
{
    if (!present(m, rule)) return false;
    if (value >= 0 && isfinite(value)) return true;
    return optimizer_refuse(m, rule, option, value, "finite and not negative");
}

bool gti_optimizer_check_fraction(const gt_module *m, const gti_rule *rule, const char *option,
                                  double value)
{
    if (!present(m, rule)) return false;
    if (value >= 0 && value < 1) return true;
    return optimizer_refuse(m, rule, option, value, "at least 0 and below 1");
}

gt_optimizer *gti_optimizer_new(gt_module *m, const gti_rule *rule, gti_common c)
{
    c.weight_decay = gt_option(c.weight_decay, 0);
    if (!gti_optimizer_check(m, rule, "lr", c.lr) ||
        !gti_optimizer_check(m, rule, "weight_decay", c.weight_decay))
        return NULL;
    gt_optimizer *o = calloc(1, rule->size);
    if (!o) {
        gt_fail(m->ctx, GT_ERR_MEMORY, rule->name, "out of memory for the optimizer");
        return NULL;
    }
    o->rule = rule;
    gti_slots_init(&o->slots, m);
    o->rate = (gti_rate){.lr = c.lr, .initial = NAN};
    o->weight_decay = c.weight_decay;
    o->maximize = c.maximize;
    o->accumulation = 1;
    if (gt_at_close(m->ctx, free_optimizer, o) == GT_OK) return o;
    gt_module_use(m, -1);
    free_optimizer(o);
    return NULL;
}

bool gti_optimizer_ready(const gt_optimizer *o, const char *what, gt_status *status)
{
    if (!o) *status = gt_fail(NULL, GT_ERR_ARGUMENT, what, "the optimizer is NULL");
    else if (!gti_optimizer_there(o, what)) *status = GT_ERR_STATE;
    else *status = gt_error_code(gti_optimizer_context(o));
    return *status == GT_OK;
}

/* --- stepping --- */

bool gti_optimizer_collect(gt_optimizer *o)
{
    const int before = o->slots.n;
    const bool all = gti_slots_collect(&o->slots, o->rule->name);
    if (o->slots.n > before) gti_groups_assign(o, before);
    return all;
}

/* The states that the options need, a bit for each. */
static unsigned states_of(const gt_optimizer *o)
{
    unsigned named = 0;
    for (int i = 0; i < GTI_STATES && o->rule->state[i]; i++) named |= 1U << i;
    return o->rule->uses ? named & o->rule->uses(o) : named;
}

static bool make_states(const gt_optimizer *o, unsigned uses)
{
    for (int i = 0; uses && i < o->slots.n; i++) {
        gti_slot *s = &o->slots.at[i];
        if (!s->tensor->grad || gti_slot_make_states(s, uses, o->start)) continue;
        gti_slots_give_up(&o->slots);
        return false;
    }
    return true;
}

void gti_optimizer_decouple(const gti_update *u, gt_step_numbers *s)
{
    s->decay = 0;
    s->shrink = 1 - u->lr * u->weight_decay;
}

static inline gti_update begin_update(const gt_optimizer *o, gti_slot *s)
{
    gti_update u = {
        .step = ++s->step,
        .fresh = s->fresh,
        .lr = o->rate.lr,
        .weight_decay = o->weight_decay,
        .product = &s->product,
    };
    s->fresh = 0;
    if (s->group >= 0) {
        u.lr = gt_optimizer_group_lr(o, s->group);
        u.weight_decay = o->groups[s->group].weight_decay;
    }
    return u;
}

gt_tensor *gti_optimizer_number(gt_ctx *gt)
{
    return gt_empty_(gt, GT_SCALAR, (gt_new_opts){.dtype = GT_F64});
}

/* A row for each parameter. Where the step is recorded they are its own, so that it can be run
 * again with them or with others. */
static gt_tensor *make_numbers(gt_optimizer *o)
{
    gt_ctx *gt = gti_optimizer_context(o);
    const bool recorded = gt_is_recording_all(gt);
    if (!recorded && o->numbers && o->numbers->shape.dim[0] == o->slots.n) return o->numbers;
    const gt_shape rows = GT_SHAPE(o->slots.n, GT_STEP_NUMBERS);
    gt_tensor *numbers = gt_empty_(gt, rows, (gt_new_opts){.dtype = GT_F64});
    if (recorded) return numbers;
    gt_free(o->numbers);
    return o->numbers = gt_keep(numbers);
}

typedef struct {
    gt_optimizer *o;
    int row;
} step_of;

/* The numbers of a parameter's next step, into their row. */
static bool work_out_numbers(gt_tensor *const numbers[], const void *data)
{
    const step_of *of = data;
    const gt_optimizer *o = of->o;
    gti_slot *s = &o->slots.at[of->row];
    const gti_update u = begin_update(o, s);
    gt_step_numbers *now = (gt_step_numbers *)numbers[0]->data + of->row;
    *now = (gt_step_numbers){
        .lr = u.lr, .sign = o->maximize ? -1 : 1, .decay = u.weight_decay, .shrink = 1, .root = 1};
    s->op = o->rule->step(o, &u, now);
    return true;
}

static gt_status optimizer_update(gt_optimizer *o, int row, unsigned uses, gt_tensor *numbers)
{
    gti_slot *s = &o->slots.at[row];
    const step_of of = {o, row};
    if (!gt_host_call(gti_optimizer_context(o), work_out_numbers, 1, &numbers, &of, sizeof of))
        return gt_error_code(gti_optimizer_context(o));
    gt_tensor *in[GTI_STATES + 3] = {s->tensor};
    int n = 1;
    for (int i = 0; uses >> i; i++)
        if (uses >> i & 1) in[n++] = s->state[i];
    in[n++] = s->tensor->grad;
    in[n++] = numbers;
    return gt_apply_into(s->op, &(gt_step_args){.row = row}, n, in);
}

gt_status gt_optimizer_step(gt_optimizer *o)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_step", &status)) return status;
    const unsigned uses = states_of(o);
    gt_tensor *numbers = NULL;
    if (gti_optimizer_collect(o) && gti_groups_check(o, "gt_optimizer_step"))
        numbers = make_numbers(o);
    if (!numbers || !make_states(o, uses)) return gt_error_code(gti_optimizer_context(o));
    for (int i = 0; i < o->slots.n; i++)
        if (o->slots.at[i].tensor->grad && optimizer_update(o, i, uses, numbers) != GT_OK)
            return gt_error_code(gti_optimizer_context(o));
    return gti_accumulate_end(o);
}

void gt_optimizer_zero_grad(gt_optimizer *o)
{
    if (!gti_optimizer_there(o, "gt_optimizer_zero_grad")) return;
    gt_zero_grad(o->slots.module);
    gti_accumulate_end(o);
}

/* --- the learning rate --- */

gt_status gt_optimizer_set_lr(gt_optimizer *o, double lr)
{
    gt_status status;
    if (!gti_optimizer_ready(o, "gt_optimizer_set_lr", &status)) return status;
    if (!gti_optimizer_check(o->slots.module, o->rule, "lr", lr))
        return gt_error_code(gti_optimizer_context(o));
    o->rate.lr = lr;
    return GT_OK;
}

const char *gt_optimizer_name(const gt_optimizer *o)
{
    return o ? o->rule->name : NULL;
}

double gt_optimizer_lr(const gt_optimizer *o)
{
    return gti_optimizer_there(o, "gt_optimizer_lr") ? o->rate.lr : NAN;
}

gt_module *gt_optimizer_module(const gt_optimizer *o)
{
    return gti_optimizer_there(o, "gt_optimizer_module") ? o->slots.module : NULL;
}

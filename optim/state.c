/* The state of optimizers by name, for checkpoints. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "rule.h"

/* --- what all walks share --- */

bool gt_optim_next(gt_optim_iter *it)
{
    it->tensor = NULL;
    it->number = 0;
    return it->next && it->next(it);
}

size_t gt_optim_name(const gt_optim_iter *it, char *buf, size_t size)
{
    if (size) buf[0] = 0;
    if (!it->key) return 0;
    size_t used = 0;
    if (it->schedule) used = gti_schedule_path(it->of, it->schedule, buf, size);
    const bool room = used < size;
    char *to = room ? buf + used : NULL;
    const size_t left = room ? size - used : 0;
    if (it->group >= 0)
        return used + (size_t)snprintf(to, left, "groups.%d.%s", it->group, it->key);
    const char *owner = it->owner ? it->owner : "";
    return used + (size_t)snprintf(to, left, "%s%s%s", owner, *owner ? "." : "", it->key);
}

gt_status gti_state_none(gt_ctx *gt, const char *what, const char *name)
{
    return gt_fail(gt, GT_ERR_ARGUMENT, what,
                   "there is no '%s'\n  hint: make the same objects as when it was saved; lazy "
                   "parameters are made by the first gt_forward",
                   name ? name : "(NULL)");
}

const char *gti_state_key(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : NULL;
}

gt_status gti_state_set_number(gt_ctx *gt, const char *what, const char *name, gti_range range,
                               double *to, double value)
{
    static const char *const want[] = {"finite and not negative", "a count", "a count or -1",
                                       "finite", "a number"};
    const bool whole = value <= 0x1p53 && value == floor(value);
    const bool ok = range == GTI_RATE     ? value >= 0 && isfinite(value)
                    : range == GTI_COUNT  ? value >= 0 && whole
                    : range == GTI_EPOCH  ? value >= -1 && whole
                    : range == GTI_FINITE ? isfinite(value)
                                          : !isnan(value);
    if (!ok)
        return gt_fail(gt, GT_ERR_ARGUMENT, what, "'%s' is %g, but must be %s", name, value,
                       want[range]);
    *to = value;
    return GT_OK;
}

/* --- the optimizer's own numbers ---
 * lr may be negative where schedules work upon each other, as in PyTorch. */

static const struct {
    const char *key;
    gti_range range;
} own[] = {{"lr", GTI_FINITE},
           {"initial_lr", GTI_RATE},
           {"momentum", GTI_RATE},
           {"accumulated", GTI_COUNT},
           {"accumulated_weight", GTI_RATE}};
enum { LR, INITIAL_LR, MOMENTUM, ACCUMULATED, ACCUMULATED_WEIGHT, N_OWN };
_Static_assert(sizeof own / sizeof *own == N_OWN, "a row for each");

/* What own number i of the optimizer (group -1) or of a group is; false when it has none. */
static bool own_number(const gt_optimizer *o, int group, int i, double *value)
{
    if (group >= 0 && (i > INITIAL_LR || !o->groups[group].own_rate)) return false;
    const gti_rate *rate = group >= 0 ? &o->groups[group].rate : &o->rate;
    switch (i) {
    case LR: *value = rate->lr; return true;
    case INITIAL_LR: *value = rate->initial; return !isnan(rate->initial);
    case MOMENTUM: *value = o->momentum ? *o->momentum : 0; return o->momentum;
    case ACCUMULATED: *value = (double)o->accumulated; return o->accumulated;
    case ACCUMULATED_WEIGHT: *value = o->accumulated_weight; return o->accumulated;
    default: return false;
    }
}

static gt_status set_own(gt_optimizer *o, int group, int i, const char *what, const char *name,
                         double value)
{
    gt_ctx *gt = gti_optimizer_context(o);
    double number = 0;
    if (gti_state_set_number(gt, what, name, own[i].range, &number, value) != GT_OK)
        return gt_error_code(gt);
    gti_rate *rate = group >= 0 ? &o->groups[group].rate : &o->rate;
    if (i == LR && group >= 0) o->groups[group].own_rate = true;
    if (i == LR) rate->lr = number;
    else if (i == INITIAL_LR) rate->initial = number;
    else if (i == MOMENTUM) *o->momentum = number;
    else if (i == ACCUMULATED) o->accumulated = (int64_t)number;
    else o->accumulated_weight = number;
    return GT_OK;
}

/* --- the parameters' --- */

enum { SUM = GTI_STATES, STEP, PRODUCT, N_PARTS };

static const char *part_key(const gt_optimizer *o, int part)
{
    return part == SUM       ? "grad_sum"
           : part == STEP    ? "step"
           : part == PRODUCT ? o->rule->product
                             : o->rule->state[part];
}

static bool read_part(const gt_optimizer *o, const gti_slot *s, int part, gt_optim_iter *it)
{
    it->key = part_key(o, part);
    if (part < GTI_STATES) it->tensor = s->state[part];
    else if (part == SUM && o->accumulated && s->summed == o->accumulation) it->tensor = s->sum;
    else if (part == STEP) it->number = (double)s->step;
    else if (part == PRODUCT) it->number = s->product;
    return it->key && (it->tensor || (part > SUM && s->step));
}

/* What a state becomes: a copy of `tensor`, or itself if it is to be taken; or the number. */
typedef struct {
    const char *what, *name;
    const gt_tensor *tensor;
    gt_tensor *taken;
    double number;
} setting;

static gt_status set_tensor(const gt_optimizer *o, gti_slot *s, int part, const setting *to)
{
    gt_tensor **t = part == SUM ? &s->sum : &s->state[part];
    const gt_status status = to->taken ? gti_slot_take(s, t, to->taken, to->what, to->name)
                                       : gti_slot_copy(s, t, to->tensor, to->what, to->name);
    if (part == SUM && status == GT_OK) s->summed = o->accumulation;
    return status;
}

static gt_status set_part(const gt_optimizer *o, gti_slot *s, int part, const setting *to)
{
    gt_ctx *gt = gti_optimizer_context(o);
    if (part <= SUM) return set_tensor(o, s, part, to);
    if (part == PRODUCT)
        return gti_state_set_number(gt, to->what, to->name, GTI_ANY, &s->product, to->number);
    double step = 0;
    const gt_status status =
        gti_state_set_number(gt, to->what, to->name, GTI_COUNT, &step, to->number);
    if (status == GT_OK) s->step = (int64_t)step;
    return status;
}

/* --- walking and setting --- */

/* The places of the walk: the optimizer's own numbers, N_OWN for each group, N_PARTS for each
 * parameter. */
static bool state_next(void *walk)
{
    gt_optim_iter *it = walk;
    const gt_optimizer *o = it->of;
    const int64_t n_own = (int64_t)N_OWN * (o->n_groups + 1);
    const int64_t n = n_own + (int64_t)N_PARTS * o->slots.n;
    for (it->group = -1; it->place < n;) {
        const int64_t at = it->place++;
        if (at < n_own) {
            it->group = (int)(at / N_OWN) - 1;
            it->key = own[at % N_OWN].key;
            if (own_number(o, it->group, (int)(at % N_OWN), &it->number)) return true;
            continue;
        }
        it->group = -1;
        const gti_slot *s = &o->slots.at[(at - n_own) / N_PARTS];
        it->owner = s->name;
        if (read_part(o, s, (int)((at - n_own) % N_PARTS), it)) return true;
    }
    it->key = NULL;
    return false;
}

gt_optim_iter gt_optimizer_state(const gt_optimizer *o)
{
    const bool there = gti_optimizer_there(o, "gt_optimizer_state");
    return (gt_optim_iter){.of = o, .next = there ? state_next : NULL, .group = -1};
}

/* Takes "groups.N.key" apart; -1 when name is not of that form or there is no such group. */
static int group_of(const gt_optimizer *o, const char *name)
{
    int g = -1, end = 0;
    if (sscanf(name, "groups.%9d.%n", &g, &end) != 1 || !end || strchr(name + end, '.')) return -1;
    return g >= 0 && g < o->n_groups ? g : -1;
}

/* What a name stands for: part `i` of a slot, or own number `i` of the optimizer (group -1) or of a
 * group. */
typedef struct {
    gti_slot *slot;
    int group, i;
} place;

static bool find_part(const gt_optimizer *o, const char *name, const char *key, place *to)
{
    to->slot = gti_slots_find(&o->slots, name, (size_t)(key - 1 - name));
    for (to->i = 0; to->slot && to->i < N_PARTS; to->i++)
        if (part_key(o, to->i) && !strcmp(part_key(o, to->i), key)) return true;
    return false;
}

static bool find_own(const gt_optimizer *o, const char *name, const char *key, place *to)
{
    *to = (place){.group = group_of(o, name)};
    if (key && to->group < 0) return false;
    const int n = to->group < 0 ? N_OWN : INITIAL_LR + 1;
    while (to->i < n && strcmp(own[to->i].key, key ? key : name) != 0) to->i++;
    return to->i < n && (to->i != MOMENTUM || o->momentum);
}

/* Takes new parameters up first; false also when that fails. */
static bool state_find(gt_optimizer *o, const char *name, place *to)
{
    if (!name || !gti_optimizer_collect(o)) return false;
    const char *key = gti_state_key(name);
    return (key && find_part(o, name, key, to)) || find_own(o, name, key, to);
}

bool gt_optimizer_has_state(gt_optimizer *o, const char *name, const gt_tensor **like)
{
    place at;
    if (like) *like = NULL;
    if (!gti_optimizer_there(o, "gt_optimizer_has_state") || !state_find(o, name, &at))
        return false;
    if (like && at.slot && at.i <= SUM) *like = at.slot->tensor;
    return true;
}

static gt_status set(gt_optimizer *o, const setting *to)
{
    gt_status status;
    place at;
    if (!gti_optimizer_ready(o, to->what, &status)) return status;
    if (!state_find(o, to->name, &at))
        return gti_state_none(gti_optimizer_context(o), to->what, to->name);
    if (at.slot) return set_part(o, at.slot, at.i, to);
    return set_own(o, at.group, at.i, to->what, to->name, to->number);
}

gt_status gt_optimizer_set_state(gt_optimizer *o, const char *name, const gt_tensor *tensor,
                                 double number)
{
    return set(o, &(setting){"gt_optimizer_set_state", name, tensor, NULL, number});
}

gt_status gt_optimizer_take_state(gt_optimizer *o, const char *name, gt_tensor *tensor,
                                  double number)
{
    return set(o, &(setting){"gt_optimizer_take_state", name, tensor, tensor, number});
}

void gt_optimizer_clear_state(gt_optimizer *o)
{
    if (!gti_optimizer_there(o, "gt_optimizer_clear_state")) return;
    gti_accumulate_end(o);
    for (int k = 0; k < o->slots.n; k++) {
        gti_slot *s = &o->slots.at[k];
        for (int i = 0; i < GTI_STATES; i++) gt_free(s->state[i]);
        gt_free(s->sum);
        *s = (gti_slot){.tensor = s->tensor, .name = s->name, .product = 1, .group = s->group};
    }
}

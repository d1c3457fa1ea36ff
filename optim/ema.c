/* The exponential moving average of a module's parameters, and of its buffers where it is asked
 * for. A slot's first state is its average. */
#include <stdlib.h>
#include <string.h>

#include "rule.h"
#include "state.h"

struct gt_ema {
    gti_slots slots;
    double decay;
    bool warm_up;
    bool swapped;
    double n_averaged; /* updates done */
};

static void free_ema(void *object)
{
    gt_ema *e = object;
    gti_slots_clear(&e->slots);
    free(e);
}

gt_ema *gt_ema_new_(gt_module *m, gt_ema_opts opts)
{
    static const gti_rule names = {.name = "gt_ema_new"};
    const double decay = gt_option(opts.decay, 0.999);
    if (!gti_optimizer_check_fraction(m, &names, "decay", decay)) return NULL;
    gt_ema *e = calloc(1, sizeof *e);
    if (!e) {
        gt_fail(m->ctx, GT_ERR_MEMORY, names.name, "out of memory for the average");
        return NULL;
    }
    gti_slots_init(&e->slots, m);
    e->slots.buffers = opts.use_buffers;
    e->decay = decay;
    e->warm_up = opts.warm_up;
    if (gt_at_close(m->ctx, free_ema, e) == GT_OK) return e;
    gt_module_use(m, -1);
    free_ema(e);
    return NULL;
}

/* False also for NULL; fails for what was freed. */
static bool ema_there(const gt_ema *e, const char *what)
{
    return e && gti_slots_there(&e->slots, what, "average");
}

#undef gt_ema_free
void gt_ema_free(gt_ema *e)
{
    if (!ema_there(e, "gt_ema_free")) return;
    gti_slots_free(&e->slots);
    gt_let_go(e->slots.ctx, e);
}

static bool ready(const gt_ema *e, const char *what, gt_status *status)
{
    if (!e) *status = gt_fail(NULL, GT_ERR_ARGUMENT, what, "the average is NULL");
    else if (!ema_there(e, what)) *status = GT_ERR_STATE;
    else *status = gt_error_code(e->slots.ctx);
    return *status == GT_OK;
}

/* --- updating and swapping --- */

/* Averages for the parameters that have none yet. */
static bool make_averages(const gt_ema *e)
{
    for (int i = 0; i < e->slots.n; i++) {
        if (gti_slot_make_states(&e->slots.at[i], 1, 0)) continue;
        gti_slots_give_up(&e->slots);
        return false;
    }
    return true;
}

/* A new average starts as a copy. */
static gt_status ema_update(gti_slot *s, gt_tensor *take)
{
    gt_tensor *const in[] = {s->state[0], s->tensor, take};
    const bool fresh = s->fresh;
    s->fresh = 0;
    return fresh ? gt_copy_into(in[0], in[1]) : gt_apply_into(&gt_op_lerp, NULL, 3, in);
}

/* One more update, and how much of the weights it takes. */
static bool work_out_take(gt_tensor *const take[], const void *data)
{
    gt_ema *e = *(gt_ema *const *)data;
    const double n = ++e->n_averaged, most = n / (9 + n);
    *(double *)take[0]->data = 1 - (e->warm_up && most < e->decay ? most : e->decay);
    return true;
}

gt_status gt_ema_update(gt_ema *e)
{
    static const char what[] = "gt_ema_update";
    gt_status status;
    if (!ready(e, what, &status)) return status;
    gt_ctx *gt = e->slots.ctx;
    if (e->swapped)
        return gt_fail(gt, GT_ERR_STATE, what,
                       "the module's weights are the averages now\n  hint: gt_ema_swap brings its "
                       "own weights back");
    if (!gti_slots_collect(&e->slots, what)) return gt_error_code(gt);
    gt_tensor *take = gti_optimizer_number(gt);
    if (!take || !make_averages(e) ||
        !gt_host_call(gt, work_out_take, 1, &take, &e, sizeof(gt_ema *)))
        return gt_error_code(gt);
    for (int i = 0; i < e->slots.n; i++)
        if (ema_update(&e->slots.at[i], take) != GT_OK) return gt_error_code(gt);
    return GT_OK;
}

gt_status gt_ema_swap(gt_ema *e)
{
    gt_status status;
    if (!ready(e, "gt_ema_swap", &status)) return status;
    for (int i = 0; i < e->slots.n; i++) {
        gt_tensor *const in[] = {e->slots.at[i].tensor, e->slots.at[i].state[0]};
        if (in[1] && gt_apply_into(&gt_op_exchange, NULL, 2, in) != GT_OK)
            return gt_error_code(e->slots.ctx);
    }
    e->swapped = !e->swapped;
    return GT_OK;
}

bool gt_ema_is_swapped(const gt_ema *e)
{
    return ema_there(e, "gt_ema_is_swapped") && e->swapped;
}

gt_module *gt_ema_module(const gt_ema *e)
{
    return ema_there(e, "gt_ema_module") ? e->slots.module : NULL;
}

/* --- state --- */

static bool ema_next(void *walk)
{
    gt_optim_iter *it = walk;
    const gt_ema *e = it->of;
    if (it->place++ == 0) {
        it->key = "n_averaged";
        it->number = e->n_averaged;
        return true;
    }
    for (; it->place - 2 < e->slots.n; it->place++) {
        const gti_slot *s = &e->slots.at[it->place - 2];
        it->owner = s->name;
        it->key = "shadow";
        it->tensor = s->state[0];
        if (it->tensor) return true;
    }
    it->key = NULL;
    return false;
}

gt_optim_iter gt_ema_state(const gt_ema *e)
{
    return (gt_optim_iter){
        .of = e, .next = ema_there(e, "gt_ema_state") ? ema_next : NULL, .group = -1};
}

/* The slot of "PATH.shadow", or NULL. */
static gti_slot *ema_find(gt_ema *e, const char *what, const char *name)
{
    const char *key = name && gti_slots_collect(&e->slots, what) ? gti_state_key(name) : NULL;
    if (!key || strcmp(key, "shadow") != 0) return NULL;
    return gti_slots_find(&e->slots, name, (size_t)(key - 1 - name));
}

static bool is_count(const char *name)
{
    return name && !strcmp(name, "n_averaged");
}

bool gt_ema_has_state(gt_ema *e, const char *name, const gt_tensor **like)
{
    if (like) *like = NULL;
    if (!ema_there(e, "gt_ema_has_state")) return false;
    const gti_slot *s = ema_find(e, "gt_ema_has_state", name);
    if (like) *like = s ? s->tensor : NULL;
    return s || is_count(name);
}

gt_status gt_ema_set_state(gt_ema *e, const char *name, const gt_tensor *tensor, double number)
{
    static const char what[] = "gt_ema_set_state";
    gt_status status;
    if (!ready(e, what, &status)) return status;
    gt_ctx *gt = e->slots.ctx;
    if (is_count(name))
        return gti_state_set_number(gt, what, name, GTI_COUNT, &e->n_averaged, number);
    gti_slot *s = ema_find(e, what, name);
    return s ? gti_slot_copy(s, &s->state[0], tensor, what, name) : gti_state_none(gt, what, name);
}

gt_status gt_ema_take_state(gt_ema *e, const char *name, gt_tensor *tensor, double number)
{
    static const char what[] = "gt_ema_take_state";
    if (!tensor || is_count(name)) return gt_ema_set_state(e, name, tensor, number);
    gt_status status;
    if (!ready(e, what, &status)) return status;
    gti_slot *s = ema_find(e, what, name);
    return s ? gti_slot_take(s, &s->state[0], tensor, what, name)
             : gti_state_none(e->slots.ctx, what, name);
}

void gt_ema_clear_state(gt_ema *e)
{
    if (!ema_there(e, "gt_ema_clear_state")) return;
    e->n_averaged = 0;
    for (int i = 0; i < e->slots.n; i++) {
        gt_free(e->slots.at[i].state[0]);
        e->slots.at[i].state[0] = NULL;
    }
}

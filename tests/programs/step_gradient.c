/* Gradients, hooks and checkpoints, in the model. */
#include <string.h>

#include "program.h"

static gt_status status_at(const model *m, const tensor *t)
{
    if (!t) return GT_ERR_ARGUMENT;
    const context *c = &m->context[t->context];
    return c->failed ? c->code : GT_OK;
}

/* --- gt_backward, gt_grad --- */

enum { CREATE = 1, RETAIN = 2, ALLOW_UNUSED = 4, WITH_UPSTREAM = 8 };

/* Gradients that hooks kept go to the slots of the hooks' statements. */
static void hand_out_kept(model *m)
{
    for (int i = 0; i < m->n_hooks; i++) {
        hook *h = &m->hooks[i];
        if (h->kept) m->slot[h->statement * RESULTS] = h->kept;
    }
}

void step_backward(model *m, const statement *s, outcome *o)
{
    sweep w = {.n_out = 1, .create = s->p[0] & CREATE, .retain = s->p[0] & RETAIN};
    w.out[0] = operand(m, s, 0);
    w.upstream[0] = operand(m, s, 1);
    o->status = backward(m, &w);
    hand_out_kept(m);
}

void step_grad(model *m, const statement *s, outcome *o)
{
    sweep w = {.n_out = s->p[1], .n_in = s->p[2]};
    w.create = s->p[0] & CREATE;
    w.retain = s->p[0] & RETAIN;
    w.allow_unused = s->p[0] & ALLOW_UNUSED;
    for (int i = 0; i < w.n_out; i++) {
        w.out[i] = operand(m, s, i);
        w.upstream[i] = s->p[0] & WITH_UPSTREAM ? operand(m, s, 5 + i) : NULL;
        for (int k = 0; k < i; k++) m->unsure |= w.out[i] && w.out[i] == w.out[k] && w.upstream[k];
    }
    for (int i = 0; i < w.n_in; i++) w.in[i] = operand(m, s, 2 + i);
    if (!m->unsure) o->status = grad(m, &w);
    for (int i = 0; i < w.n_in; i++) o->out[i] = w.grads[i];
    hand_out_kept(m);
}

void step_take_grad(model *m, const statement *s, outcome *o)
{
    const tensor *t = operand(m, s, 0);
    if (!t || t->dead || t->lost || !t->grad) m->unsure = true;
    else o->out[0] = t->grad;
}

void step_clear_grad(model *m, const statement *s, outcome *o)
{
    (void)o;
    tensor *t = operand(m, s, 0);
    if (t && (t->dead || t->lost)) m->unsure = true;
    else if (t) t->grad = NULL;
}

static bool is_index(const model *m, const tensor *t)
{
    for (int i = 0; i < m->n_nodes; i++)
        if (m->nodes[i].index == t) return true;
    return false;
}

void step_require_grad(model *m, const statement *s, outcome *o)
{
    (void)o;
    tensor *t = operand(m, s, 0);
    if (!usable(m, t, -1)) return;
    if (t->hidden && !t->made) m->unsure = true; /* with .create_graph it may be on the tape */
    if (t->made || is_index(m, t)) fail(m, t->context, GT_ERR_STATE, "not a leaf");
    else if (s->p[0] && t->dtype > GT_F64) fail(m, t->context, GT_ERR_DTYPE, "has no gradients");
    else t->requires = s->p[0];
}

/* --- hooks --- */

static bool can_hook(model *m, const tensor *t)
{
    if (!usable(m, t, -1)) return false;
    if (!t->requires) fail(m, t->context, GT_ERR_STATE, "requires no gradient");
    if (m->n_hooks == HOOKS) m->unsure = true;
    return t->requires && !m->unsure;
}

void step_hook(model *m, const statement *s, outcome *o)
{
    tensor *t = operand(m, s, 0);
    if (can_hook(m, t))
        m->hooks[m->n_hooks++] = (hook){.on = t,
                                        .action = (hook_action)s->p[0],
                                        .statement = s->id,
                                        .other = operand(m, s, 1),
                                        .start = m->context[t->context].start};
    o->status = status_at(m, t);
}

static hook *find_hook(model *m, int id)
{
    for (int i = 0; i < m->n_hooks; i++)
        if (m->hooks[i].statement == id) return &m->hooks[i];
    return NULL;
}

void step_unhook(model *m, const statement *s, outcome *o)
{
    const tensor *t = operand(m, s, 0);
    hook *h = find_hook(m, s->p[0]);
    if (usable(m, t, -1)) {
        if (h && h->on == t) h->on = NULL;
        else fail(m, t->context, GT_ERR_ARGUMENT, "has no such hook");
    }
    o->status = status_at(m, t);
}

/* --- gt_checkpoint --- */

static bool check_inputs(model *m, const statement *s)
{
    if (m->context[s->context].failed) return false;
    for (int i = 0; i < s->p[0]; i++) {
        const tensor *x = operand(m, s, i);
        if (x && (x->lost || x->data->vague)) m->unsure = true;
        const char *why = x ? unusable(x) : "is NULL";
        if (!why && x->context != s->context) why = "another context";
        if (why) fail(m, s->context, GT_ERR_ARGUMENT, why);
        if (why || m->unsure) return false;
    }
    return true;
}

bool checkpoint_begin(run *r, const statement *s)
{
    model *m = r->m;
    if (!check_inputs(m, s)) return false;
    if (m->n_stretches == STRETCHES) {
        m->unsure = true;
        return false;
    }
    context *c = &m->context[s->context];
    stretch *st = &m->stretches[m->n_stretches++];
    *st = (stretch){.parent = c->stretch, .begin = m->clock, .context = s->context};
    c->stretch = st;
    return true;
}

tensor *checkpoint_result(const run *r, const statement *s)
{
    tensor *y = operand(r->m, s, 0);
    if (s->p[0] == 0) y = NULL;
    for (int i = 0; i < r->p->n; i++) {
        const statement *k = &r->p->statements[i];
        if (k->inside != s->id || r->outcomes[k->id].skipped) continue;
        if (r->m->slot[slot_of(k, 0)]) y = r->m->slot[slot_of(k, 0)];
    }
    return y;
}

bool checkpoint_end(run *r, const statement *s)
{
    model *m = r->m;
    context *c = &m->context[s->context];
    stretch *st = c->stretch;
    c->stretch = st->parent;
    tensor *y = checkpoint_result(r, s);
    if (c->failed) return false;
    if (!y) fail(m, s->context, GT_ERR_ARGUMENT, "returned NULL");
    else if (y->context != s->context) fail(m, s->context, GT_ERR_ARGUMENT, "another context");
    if (c->failed || !usable(m, y, -1)) return false;
    st->result = y->data;
    if (!c->recording_all) close_stretch(m, st);
    r->outcomes[s->id].out[0] = y;
    return true;
}

/* Keeping, freeing, changing, naming, marking and rewinding, in the model. */
#include <stdio.h>
#include <string.h>

#include "program.h"

static gt_status status_at(const model *m, const tensor *t)
{
    if (!t) return GT_ERR_ARGUMENT;
    const context *c = &m->context[t->context];
    return c->failed ? c->code : GT_OK;
}

/* --- keeping and freeing --- */

/* The block goes over to k, with all that shares it. */
static void take_over(model *m, tensor *t, tensor *k)
{
    k->own = t->own;
    k->own.pinned = false;
    k->own.owner = k;
    for (int i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].data == &t->own && !m->tensors[i].dead) m->tensors[i].data = &k->own;
}

void step_keep(model *m, const statement *s, outcome *o)
{
    tensor *t = operand(m, s, 0);
    if (!usable(m, t, -1)) return;
    o->out[0] = t;
    if (t->kept) return;
    tensor *k = new_tensor(m, t->context, t->dtype, t->shape);
    if (!k) return;
    k->kept = true;
    k->lifted = t->hidden;
    k->requires = t->requires && !t->made;
    memcpy(k->name, t->name, sizeof k->name);
    if (t->data == &t->own) take_over(m, t, k);
    else memcpy(k->own.value, t->data->value, sizeof k->own.value);
    k->own.error = t->data->error;
    o->out[0] = k;
}

/* Nodes that sweeps recorded may read the data of gradients, upstreams included. */
static void disturb(model *m, const tensor *t)
{
    const tensor *owner = t->data->owner;
    if (owner->lifted || owner->recorded || t->data->handed)
        m->context[t->context].disturbed = true;
}

void step_free(model *m, const statement *s, outcome *o)
{
    (void)o;
    tensor *t = operand(m, s, 0);
    if (!t) return;
    if (t->lost) m->unsure = true;
    if (!t->kept || m->unsure) return;
    if (t->dead) {
        fail(m, t->context, GT_ERR_STATE, "freed before");
        return;
    }
    t->dead = t->own.released = true;
    disturb(m, t);
    for (int i = 0; i < m->n_hooks; i++)
        if (m->hooks[i].on == t) m->hooks[i].on = NULL;
}

void step_detach(model *m, const statement *s, outcome *o)
{
    const tensor *t = operand(m, s, 0);
    if (!usable(m, t, -1)) return;
    tensor *d = new_tensor(m, t->context, t->dtype, t->shape);
    if (!d) return;
    d->data = t->data;
    o->out[0] = d;
}

/* --- changing in place --- */

static void change(model *m, tensor *t, double error)
{
    disturb(m, t);
    t->data->changed = ++m->clock;
    t->data->error = error;
}

/* u8 takes no negative numbers. */
static bool fits(model *m, const tensor *t, int value)
{
    if (t->dtype != GT_U8 || value >= 0) return true;
    fail(m, t->context, GT_ERR_ARGUMENT, "does not fit");
    return false;
}

void step_fill(model *m, const statement *s, outcome *o)
{
    tensor *t = operand(m, s, 0);
    if (usable(m, t, -1) && fits(m, t, s->p[0])) {
        for (int i = 0; i < t->size; i++) t->data->value[i] = s->p[0];
        change(m, t, 0);
    }
    o->status = status_at(m, t);
}

static bool fill_slice(model *m, const statement *s, tensor *t)
{
    const int axis = s->p[0];
    if (!usable(m, t, -1)) return false;
    if (axis >= t->shape.ndim) fail(m, t->context, GT_ERR_SHAPE, "there is no axis");
    if (axis >= t->shape.ndim || !fits(m, t, s->p[3])) return false;
    int64_t inner = 1;
    for (int i = axis + 1; i < t->shape.ndim; i++) inner *= t->shape.dim[i];
    const int64_t dim = t->shape.dim[axis];
    bool any = false;
    for (int i = 0; i < t->size; i++) {
        const int64_t at = i / inner % dim;
        if (at < s->p[1] || at >= s->p[2]) continue;
        t->data->value[i] = s->p[3];
        any = true;
    }
    return any;
}

void step_fill_slice(model *m, const statement *s, outcome *o)
{
    tensor *t = operand(m, s, 0);
    if (fill_slice(m, s, t)) change(m, t, t->data->error);
    o->status = status_at(m, t);
}

static bool can_copy(model *m, const tensor *to, const tensor *from)
{
    if (!to && from) fail(m, from->context, GT_ERR_ARGUMENT, "the tensor to copy into is NULL");
    if (!to && from) return false;
    if (!usable(m, to, -1)) return false;
    const int at = to->context;
    if (from && (from->lost || from->data->vague)) m->unsure = true;
    const char *why = from ? unusable(from) : NULL;
    if (!from) fail(m, at, GT_ERR_ARGUMENT, "the source is NULL");
    else if (why) fail(m, at, GT_ERR_STATE, why);
    else if (!gt_shape_equal(to->shape, from->shape)) fail(m, at, GT_ERR_SHAPE, "shapes differ");
    else if (to->dtype != from->dtype) fail(m, at, GT_ERR_DTYPE, "dtypes differ");
    else return !m->unsure;
    return false;
}

void step_copy_into(model *m, const statement *s, outcome *o)
{
    tensor *to = operand(m, s, 0);
    const tensor *from = operand(m, s, 1);
    if (can_copy(m, to, from)) {
        memmove(to->data->value, from->data->value, sizeof to->data->value);
        change(m, to, from->data->error);
    }
    o->status = status_at(m, to);
}

void step_set_name(model *m, const statement *s, outcome *o)
{
    tensor *t = operand(m, s, 0);
    if (!usable(m, t, -1)) return;
    snprintf(t->name, sizeof t->name, "n%d", s->id);
    o->out[0] = t;
}

/* --- marks --- */

void step_mark(model *m, const statement *s, outcome *o)
{
    (void)o;
    if (m->n_marks == MARKS) {
        m->unsure = true;
        return;
    }
    context *c = &m->context[s->context];
    mark *k = &m->marks[m->n_marks++];
    *k = (mark){.context = s->context, .time = ++m->clock, .made = c->made, .zero = c->failed};
    m->mark_of[s->id] = m->n_marks;
    if (!c->failed) c->mark_time = m->clock;
}

void step_rewind(model *m, const statement *s, outcome *o)
{
    (void)o;
    const int index = m->mark_of[s->p[0]] - 1;
    if (index < 0 || m->marks[index].vague) {
        m->unsure = true;
        return;
    }
    const mark *k = &m->marks[index];
    context *c = &m->context[s->context];
    if (k->zero || (k->gone && k->context == s->context)) {
        fail(m, s->context, GT_ERR_STATE, "the mark is void");
    } else if (k->context != s->context) {
        if (!c->failed) fail(m, s->context, GT_ERR_STATE, NULL), c->other_code = GT_ERR_ARGUMENT;
    } else {
        drop_since(m, s->context, k);
    }
}

/* --- settings --- */

void step_set_recording(model *m, const statement *s, outcome *o)
{
    (void)o;
    m->context[s->context].recording = s->p[0];
}

/* What is recorded beyond that, no sweep goes through; but nothing is released meanwhile. */
void step_set_recording_all(model *m, const statement *s, outcome *o)
{
    (void)o;
    context *c = &m->context[s->context];
    if (!c->failed || !s->p[0]) c->recording_all = s->p[0];
}

void step_clear_error(model *m, const statement *s, outcome *o)
{
    (void)o;
    m->context[s->context].failed = false;
}

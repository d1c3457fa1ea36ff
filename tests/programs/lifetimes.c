/* Lifetimes in the model: failures, what cannot be used and why, rewinding, stretches. */
#include <stddef.h>

#include "model.h"

void model_reset(model *m)
{
    m->clock = 0;
    m->homeless = GT_OK;
    m->unsure = false;
    m->n_tensors = m->n_nodes = m->n_hooks = m->n_marks = m->n_stretches = 0;
    for (int i = 0; i < STATEMENTS * RESULTS; i++) m->slot[i] = NULL;
    for (int i = 0; i < STATEMENTS; i++) m->mark_of[i] = 0;
    for (int i = 0; i < CONTEXTS; i++)
        m->context[i] =
            (context){.real = m->context[i].real, .start = m->context[i].start, .recording = true};
}

void model_copy(model *to, const model *from)
{
    const size_t head = offsetof(model, hooks);
    __builtin_memcpy(to, from, head);
#define COPY(array, count)                                                                         \
    __builtin_memcpy(to->array, from->array, (size_t)(count) * sizeof *to->array)
    COPY(hooks, from->n_hooks);
    COPY(marks, from->n_marks);
    COPY(stretches, from->n_stretches);
    COPY(tensors, from->n_tensors);
    COPY(nodes, from->n_nodes);
#undef COPY
}

void fail(model *m, int at, gt_status code, const char *message)
{
    context *c = &m->context[at];
    if (c->failed) return;
    c->failed = true;
    c->code = c->other_code = code;
    c->message = message;
}

const char *unusable(const tensor *t)
{
    const block *b = t->data;
    if (b->owner->kept && b->owner->dead) return "was freed by gt_free";
    if (t->dead || b->owner->dead) return "gt_rewind"; /* "was dropped by", or "was kept, but" */
    if (b->replayed) return "was dropped by gt_checkpoint";
    if (b->released) return "was released by gt_backward";
    return NULL;
}

bool usable(model *m, const tensor *t, int of_context)
{
    if (!t) {
        m->homeless = GT_ERR_ARGUMENT;
        return false;
    }
    if (t->lost || t->data->vague) m->unsure = true;
    if (m->context[t->context].failed || m->unsure) return false;
    const char *why = unusable(t);
    if (why) fail(m, t->context, GT_ERR_STATE, why);
    else if (of_context >= 0 && t->context != of_context)
        fail(m, of_context, GT_ERR_ARGUMENT, "another context");
    else return true;
    return false;
}

/* --- rewinding --- */

static void drop_tensor(tensor *t)
{
    if (t->data == &t->own) t->own.released = true;
    t->dead = t->fresh = true;
}

static void drop_grad(tensor *t, uint64_t time)
{
    if (!t->grad || t->graded <= time) return;
    t->grad = NULL;
}

/* Marks behind the one that is rewound to are void, if the program made something between. */
static void drop_marks(model *m, const mark *to)
{
    for (int i = 0; i < m->n_marks; i++) {
        mark *k = &m->marks[i];
        if (k->context != to->context || k->time <= to->time || k->gone) continue;
        if (k->made == to->made) k->vague = true;
        else k->gone = true;
    }
}

void drop_since(model *m, int at, const mark *to)
{
    context *c = &m->context[at];
    const uint64_t time = to->time;
    c->mark_time = time;
    c->made = to->made;
    drop_marks(m, to);
    for (int i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].context == at) drop_grad(&m->tensors[i], time);
    for (int i = 0; i < m->n_tensors; i++) {
        tensor *t = &m->tensors[i];
        if (t->context != at || t->kept || t->dead || t->born <= time) continue;
        drop_tensor(t);
        for (int k = 0; k < m->n_hooks; k++)
            if (m->hooks[k].on == t) m->hooks[k].on = NULL;
    }
    for (int i = 0; i < m->n_nodes; i++)
        if (m->nodes[i].context == at && m->nodes[i].time > time) m->nodes[i].gone = true;
}

/* --- stretches --- */

static bool within(const stretch *s, const stretch *outer)
{
    while (s && s != outer) s = s->parent;
    return s == outer;
}

static bool holds(const stretch *s, const node *n)
{
    return !n->gone && n->stretch && within(n->stretch, s);
}

static bool output_droppable(const stretch *s, const node *n, const tensor *y)
{
    const block *b = y->data;
    return b == &y->own && b != s->result && !b->released && !b->replayed && !b->pinned &&
           !y->dead && b->changed <= n->time;
}

static bool input_lasts(const node *n, const tensor *x)
{
    const block *b = x->data;
    return !b->owner->dead && !b->released && b->changed <= n->time;
}

static bool droppable(const stretch *s, const node *n)
{
    if (n->spent || !output_droppable(s, n, n->out)) return false;
    if (n->index && !output_droppable(s, n, n->index)) return false;
    for (int i = 0; i < n->n_in; i++)
        if (!input_lasts(n, n->in[i])) return false;
    return true;
}

void close_stretch(model *m, stretch *s)
{
    for (int i = 0; i < m->n_nodes; i++) {
        node *n = &m->nodes[i];
        if (!holds(s, n)) continue;
        if (n->out->data->vague) m->unsure = true;
        if (!droppable(s, n)) continue;
        n->out->own.replayed = true;
        if (n->index) n->index->own.replayed = true;
        s->closed = true;
    }
}

/* The outermost closed stretch within s that n lies in. */
static stretch *closed_within(const stretch *s, const node *n)
{
    stretch *found = NULL;
    for (stretch *k = n->stretch; k != s; k = k->parent)
        if (k->closed) found = k;
    return found;
}

static bool can_replay(model *m, const node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        const tensor *x = n->in[i];
        if (x->data->vague) m->unsure = true;
        const bool there = x->data->replayed || !unusable(x);
        if (there && x->data->changed <= n->time) continue;
        fail(m, n->context, GT_ERR_STATE, NULL); /* which of several reasons is told is open */
        return false;
    }
    return true;
}

/* Whether n is run when s is replayed: all that was dropped, but of closed stretches within only
 * those whose result was. */
static bool runs(const stretch *s, const node *n)
{
    if (!holds(s, n) || !n->out->own.replayed) return false;
    const stretch *inner = closed_within(s, n);
    return !inner || inner->result->replayed;
}

/* Closed stretches within s give their results, and are closed again. */
static void bring_back(const stretch *s, const node *n)
{
    const stretch *inner = closed_within(s, n);
    const bool result =
        inner && (n->out->data == inner->result || (n->index && n->index->data == inner->result));
    if (inner && !result) return;
    n->out->own.replayed = false;
    if (n->index) n->index->own.replayed = false;
}

/* Where a stretch within fails, what was computed before it may stay. */
static void blur_stretch(model *m, const stretch *s)
{
    for (int i = 0; i < m->n_nodes; i++) {
        node *n = &m->nodes[i];
        if (!runs(s, n)) continue;
        n->out->own.vague = true;
        if (n->index) n->index->own.vague = true;
    }
}

static bool replay(model *m, const stretch *s)
{
    for (int i = 0; i < m->n_nodes; i++) {
        const node *n = &m->nodes[i];
        if (!runs(s, n) || can_replay(m, n)) continue;
        if (closed_within(s, n)) blur_stretch(m, s);
        return false;
    }
    bool run[NODES];
    for (int i = 0; i < m->n_nodes; i++) run[i] = runs(s, &m->nodes[i]);
    for (int i = 0; i < m->n_nodes; i++)
        if (run[i]) bring_back(s, &m->nodes[i]);
    return true;
}

bool open_stretch(model *m, stretch *s)
{
    if (s->parent && !open_stretch(m, s->parent)) return false;
    if (!s->closed) return true;
    if (!replay(m, s)) return false;
    s->closed = false;
    return true;
}

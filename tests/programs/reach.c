/* What a sweep of the model may reach. */
#include "walk.h"

bool is_grad(const model *m, const tensor *t)
{
    for (int i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].grad == t) return true;
    return false;
}

static void mark_reached(walk *w, const sweep *s, bool on_path)
{
    const model *m = w->m;
    for (int i = 0; i < m->n_nodes; i++) w->reached[i] = false;
    for (int i = 0; i < s->n_out; i++)
        if (s->out[i]->made) w->reached[s->out[i]->made - m->nodes] = true;
    for (int i = m->n_nodes - 1; i >= 0; i--) {
        const node *n = &m->nodes[i];
        w->reached[i] &= !on_path || n->path;
        for (int k = 0; w->reached[i] && k < n->n_in; k++)
            if (n->in[k]->made) w->reached[n->in[k]->made - m->nodes] = true;
    }
}

/* Whether the walk may meet something whose outcome depends on the way it takes. */
static bool uncertain(const walk *w, const node *n)
{
    if (n->spent || n->vague || n->stretch) return true;
    const tensor *all[INPUTS + 2] = {n->out, n->index};
    for (int i = 0; i < n->n_in; i++) all[i + 2] = n->in[i];
    for (int i = 0; i < n->n_in + 2; i++) {
        if (!all[i]) continue;
        if (unusable(all[i]) || all[i]->data->vague || all[i]->data->changed > n->time) return true;
        for (int k = 0; k < w->m->n_hooks; k++)
            if (w->m->hooks[k].on == all[i]) return true;
    }
    return false;
}

/* Gradients with a history may be steps on the way to each other. */
static bool meddles(const walk *w, const sweep *s)
{
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i]->recorded) return true;
    for (int i = 0; i < w->m->n_hooks; i++)
        if (w->m->hooks[i].on && w->m->hooks[i].on->recorded) return true;
    return w->c->disturbed;
}

void look_ahead(walk *w, const sweep *s)
{
    mark_reached(w, s, false);
    for (int i = 0; i < w->m->n_nodes; i++) w->deep |= w->reached[i] && w->m->nodes[i].hidden;
    if (w->deep && meddles(w, s)) w->m->unsure = true;
    if (w->selective) mark_reached(w, s, true);
    for (int i = 0; i < w->m->n_nodes && w->deep; i++)
        if (w->reached[i] && uncertain(w, &w->m->nodes[i])) w->m->unsure = true;
}

static void blur(const model *m, tensor *t)
{
    if (t && t->data == &t->own && !is_grad(m, t)) t->own.vague = true;
}

void blur_reached(const walk *w)
{
    for (int i = 0; i < w->m->n_nodes; i++) {
        node *n = &w->m->nodes[i];
        if (!w->reached[i] || n->gone || n->time <= w->c->mark_time) continue;
        n->vague = true;
        blur(w->m, n->out);
        blur(w->m, n->index);
    }
    for (int i = 0; i < w->m->n_tensors; i++)
        if (w->m->tensors[i].recorded) blur(w->m, &w->m->tensors[i]);
}

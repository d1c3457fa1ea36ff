/* The model's backward pass: gradients as tensors of the model, so that they can be differentiated
 * again, and what the pass does to lifetimes. */
#include <string.h>

#include "walk.h"

/* --- before --- */

static bool startable(model *m, const tensor *y)
{
    if (!usable(m, y, -1)) return false;
    if (!y->requires) fail(m, y->context, GT_ERR_STATE, "requires no gradient");
    return y->requires;
}

static bool check_upstream(model *m, const tensor *y, const tensor *up)
{
    if (!usable(m, up, -1)) return false;
    const int at = y->context;
    if (up->context != at) fail(m, at, GT_ERR_ARGUMENT, "upstream belongs to another context");
    else if (up->dtype != y->dtype) fail(m, at, GT_ERR_DTYPE, "upstream is");
    else if (!gt_shape_equal(up->shape, y->shape)) fail(m, at, GT_ERR_SHAPE, "upstream has shape");
    else return true;
    return false;
}

/* --- gathering --- */

static bool add_work(walk *w, tensor *x, tensor *g)
{
    if (!g || w->m->unsure) return false;
    if (x->work) {
        x->work = sum_of(w->m, x->work, g, w->create);
        return x->work != NULL;
    }
    x->work = g;
    if (!x->made) w->leaves[w->n_leaves++] = x;
    return true;
}

static bool seed(walk *w, tensor *y, tensor *up)
{
    if (!up && y->size != 1) {
        fail(w->m, w->context, GT_ERR_SHAPE, "a gradient starts from one number");
        return false;
    }
    if (up && !check_upstream(w->m, y, up)) return false;
    if (up) up->data->handed = true;
    if (!up) {
        up = new_tensor(w->m, w->context, y->dtype, y->shape);
        if (!up) return false;
        up->data->value[0] = 1;
    }
    return add_work(w, y, up);
}

static bool on_path(const walk *w, const tensor *x)
{
    return !w->selective || x->target || (x->made && x->made->path);
}

static bool stale(const node *n, const tensor *t)
{
    return t && n->saved && t->data->changed > n->time;
}

/* Why the gradients of n cannot be worked out; NULL when they can. */
static const char *hindrance(const node *n)
{
    if (n->spent) return "released by an earlier gt_backward";
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i]->dead || n->in[i]->data->owner->dead) return "was freed by gt_free";
    for (int i = 0; i < n->n_in; i++)
        if (stale(n, n->in[i])) return "changed in place";
    return stale(n, n->out) || stale(n, n->index) ? "changed in place" : NULL;
}

static bool intact(const walk *w, const node *n)
{
    if (n->vague) w->m->unsure = true;
    const char *why = hindrance(n);
    if (why) fail(w->m, w->context, GT_ERR_STATE, why);
    return !why && !w->m->unsure;
}

static bool hand_out(walk *w, const node *n)
{
    tensor *gin[INPUTS] = {NULL};
    for (int i = 0; i < n->n_in; i++) {
        tensor *x = n->in[i];
        if (!(n->needs >> i & 1) || (w->selective && !(x->requires && on_path(w, x)))) continue;
        gin[i] = pull_back(w->m, n, i, n->out->work, w->create);
        if (!gin[i]) return false;
    }
    for (int i = 0; i < n->n_in; i++)
        if (gin[i] && n->in[i]->requires && !add_work(w, n->in[i], gin[i])) return false;
    return true;
}

static void release(const model *m, tensor *y)
{
    if (!y || y->size == 1) return;
    if (y->data == &y->own && !y->own.pinned && !is_grad(m, y)) y->own.released = true;
}

static bool visit(walk *w, node *n)
{
    tensor *y = n->out;
    if (!y->work) return true;
    if (!run_hooks(w->m, y, w->create)) return false;
    const bool wanted = !w->selective || n->path;
    if (wanted && n->stretch && !open_stretch(w->m, n->stretch)) return false;
    if (wanted && (!intact(w, n) || !hand_out(w, n))) return false;
    if (!y->target) y->work = NULL;
    if (!w->freeing || !wanted || n->time <= w->c->mark_time) return true;
    n->spent = true;
    release(w->m, y);
    release(w->m, n->index);
    return true;
}

/* --- the walk --- */

static void abandon(model *m)
{
    for (int i = 0; i < m->n_tensors; i++) m->tensors[i].work = NULL;
}

static void hide(model *m, int first_tensor, int first_node, bool create)
{
    for (int i = first_tensor; i < m->n_tensors; i++) {
        m->tensors[i].hidden = true;
        m->tensors[i].recorded = create && !m->tensors[i].kept;
    }
    for (int i = first_node; i < m->n_nodes; i++) m->nodes[i].hidden = true;
}

/* Whether n is the last that can give to the leaf x. */
static bool is_last_reader(const walk *w, const node *n, const tensor *x)
{
    const node *all = w->m->nodes;
    for (int i = 0; &all[i] < n; i++)
        for (int k = 0; w->reached[i] && k < all[i].n_in; k++)
            if (all[i].in[k] == x) return false;
    return true;
}

static bool read_before(const node *n, int k)
{
    for (int i = 0; i < k; i++)
        if (n->in[i] == n->in[k]) return true;
    return false;
}

/* Leaves show their gradients to hooks when they are complete, once. */
static bool leaf_hooks(walk *w, const node *n)
{
    for (int k = 0; k < n->n_in; k++) {
        tensor *x = n->in[k];
        if (x->made || !x->work || read_before(n, k) || !is_last_reader(w, n, x)) continue;
        if (!run_hooks(w->m, x, w->create)) return false;
    }
    return true;
}

static bool walk_back(walk *w)
{
    for (int i = w->m->n_nodes - 1; i >= 0; i--) {
        node *n = &w->m->nodes[i];
        if (n->context != w->context || n->gone) continue;
        if (!visit(w, n) || (w->reached[i] && !leaf_hooks(w, n))) return false;
    }
    return true;
}

/* Of leaves that no node reads: outputs themselves. Whose turn is first is nobody's promise. */
static bool other_hooks(walk *w)
{
    bool ok = true;
    for (int i = 0; i < w->n_leaves && ok; i++) {
        bool read = false;
        for (int k = 0; k < w->m->n_nodes; k++)
            for (int j = 0; w->reached[k] && j < w->m->nodes[k].n_in; j++)
                read |= w->m->nodes[k].in[j] == w->leaves[i];
        if (!read) ok = run_hooks(w->m, w->leaves[i], w->create);
    }
    if (!ok && w->n_leaves > 1) w->m->unsure = true;
    return ok;
}

static bool run(walk *w, const sweep *s)
{
    model *m = w->m;
    const int first_tensor = m->n_tensors, first_node = m->n_nodes;
    for (int i = 0; i < s->n_out; i++) s->out[i]->data->pinned = true;
    look_ahead(w, s);
    bool ok = !m->unsure;
    for (int i = 0; i < s->n_out && ok; i++) ok = seed(w, s->out[i], s->upstream[i]);
    const bool seeded = ok;
    ok = ok && walk_back(w) && other_hooks(w);
    if (seeded && w->freeing && w->deep) blur_reached(w);
    if (!ok) abandon(m);
    hide(m, first_tensor, first_node, w->create);
    return ok && !m->unsure;
}

/* --- gt_backward --- */

/* A tensor with the values of g, and its history where the sweep is recorded. */
static tensor *own(walk *w, tensor *g)
{
    tensor *t = scaled(w->m, g, 1, w->create);
    if (!t) return NULL;
    t->hidden = true;
    t->recorded = w->create;
    if (t->made) t->made->hidden = true;
    t->data->error = g->data->error;
    return t;
}

static void set_grad(walk *w, tensor *leaf, tensor *g)
{
    if (!g) return;
    leaf->grad = g;
    leaf->graded = ++w->m->clock;
}

static void accumulate(walk *w, tensor *leaf, tensor *g)
{
    tensor *old = leaf->grad, *sum = sum_of(w->m, old, g, w->create);
    if (!sum) return;
    if (!w->create && !old->requires && old->data == &old->own && !old->own.handed) {
        memcpy(old->own.value, sum->own.value, sizeof sum->own.value);
        old->own.error = sum->own.error;
        old->own.changed = ++w->m->clock;
        return;
    }
    sum->hidden = true;
    sum->recorded = w->create;
    if (sum->made) sum->made->hidden = true;
    set_grad(w, leaf, sum);
}

static void settle(walk *w)
{
    for (int i = 0; i < w->n_leaves; i++) {
        tensor *leaf = w->leaves[i], *g = leaf->work;
        leaf->work = NULL;
        if (leaf->grad && (leaf->data->changed > leaf->graded || unusable(leaf->grad)))
            leaf->grad = NULL;
        if (leaf->grad) accumulate(w, leaf, g);
        else set_grad(w, leaf, own(w, g));
    }
}

static walk start(model *m, const sweep *s, bool selective)
{
    const int at = s->out[0]->context;
    return (walk){.m = m,
                  .c = &m->context[at],
                  .context = at,
                  .create = s->create,
                  .freeing = !s->create && !s->retain && !m->context[at].recording_all,
                  .selective = selective};
}

static gt_status status(const model *m, const tensor *t)
{
    if (!t) return GT_ERR_ARGUMENT;
    const context *c = &m->context[t->context];
    return c->failed ? c->code : GT_OK;
}

gt_status backward(model *m, sweep *s)
{
    if (!startable(m, s->out[0])) return status(m, s->out[0]);
    walk w = start(m, s, false);
    if (run(&w, s)) settle(&w);
    return status(m, s->out[0]);
}

/* --- gt_grad --- */

static bool check(model *m, int at, const tensor *x)
{
    if (!x) fail(m, at, GT_ERR_ARGUMENT, "is NULL");
    else if (x->context != at) fail(m, at, GT_ERR_ARGUMENT, "another context");
    else return startable(m, x);
    return false;
}

static bool check_lists(model *m, const sweep *s)
{
    const int at = s->out[0]->context;
    for (int i = 0; i < s->n_out; i++)
        if (!check(m, at, s->out[i])) return false;
    for (int i = 0; i < s->n_in; i++)
        if (!check(m, at, s->in[i])) return false;
    return true;
}

static void find_path(walk *w, const sweep *s)
{
    for (int i = 0; i < s->n_in; i++) s->in[i]->target = true;
    for (int i = 0; i < w->m->n_nodes; i++) {
        node *n = &w->m->nodes[i];
        n->path = false;
        for (int k = 0; k < n->n_in; k++) n->path |= n->needs >> k & 1 && on_path(w, n->in[k]);
    }
}

static void take(walk *w, sweep *s)
{
    for (int i = 0; i < s->n_in; i++) {
        tensor *g = s->in[i]->work;
        s->grads[i] = g ? own(w, g) : NULL;
        for (int k = 0; k < i; k++)
            if (s->in[k] == s->in[i]) s->grads[i] = s->grads[k];
        if (!g && !s->allow_unused)
            fail(w->m, w->context, GT_ERR_STATE, "no output depends on input");
    }
    for (int i = 0; i < s->n_in && w->c->failed; i++) s->grads[i] = NULL;
}

gt_status grad(model *m, sweep *s)
{
    if (!s->out[0]) m->homeless = GT_ERR_ARGUMENT;
    if (!s->out[0] || !check_lists(m, s)) return status(m, s->out[0]);
    walk w = start(m, s, true);
    find_path(&w, s);
    if (run(&w, s)) take(&w, s);
    for (int i = 0; i < s->n_in; i++) s->in[i]->target = false;
    abandon(m);
    return status(m, s->out[0]);
}

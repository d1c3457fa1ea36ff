/* What a captured step uses from outside, and whether it is still what it was. */
#include <stdlib.h>

#include "capture/capture.h"

/* --- noting --- */

/* The tensors that a program's items name, once each time. */
typedef void visit(gti_taken *k, gti_tensor *t);

static void each_named(gti_taken *k, visit *see)
{
    for (gti_node *n = k->tape.first_node; n; n = n->next) {
        for (int i = 0; i < n->pub.n_in; i++)
            if (n->pub.in[i]) see(k, gti_t(n->pub.in[i]));
        for (int i = 0; i < n->pub.n_out; i++) see(k, gti_t(n->pub.out[i]));
    }
    for (const gti_host *h = k->recorder.hosts; h; h = h->next)
        for (int i = 0; i < h->n; i++) see(k, gti_t(h->t[i]));
}

static void count_outside(gti_taken *k, gti_tensor *t)
{
    k->n_outside += !gti_taken_has(k, t->base);
}

/* Of a view that the step made, what it is a view of. */
static void note_outside(gti_taken *k, gti_tensor *t)
{
    if (gti_taken_has(k, t->base)) return;
    if (gti_taken_has(k, t)) t = t->base;
    k->outside[k->n_outside++] = (gti_outside){
        .t = t,
        .id = t->id,
        .data = t->pub.data,
        .shape = t->pub.shape,
        .hooks = gti_hooks_count(t),
        .requires_grad = t->pub.requires_grad,
    };
}

static int by_tensor(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t)((const gti_outside *)a)->t;
    const uintptr_t y = (uintptr_t)((const gti_outside *)b)->t;
    return (x > y) - (x < y);
}

static bool note_tensors(gti_taken *k)
{
    each_named(k, count_outside);
    k->outside = gti_capture_room(k, k->n_outside, sizeof *k->outside);
    if (!k->outside) return false;
    k->n_outside = 0;
    each_named(k, note_outside);
    qsort(k->outside, (size_t)k->n_outside, sizeof *k->outside, by_tensor);
    int64_t n = 0;
    for (int64_t i = 0; i < k->n_outside; i++)
        if (!n || k->outside[n - 1].t != k->outside[i].t) k->outside[n++] = k->outside[i];
    k->n_outside = n;
    return true;
}

static int by_scope(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t)((const gti_ran *)a)->scope;
    const uintptr_t y = (uintptr_t)((const gti_ran *)b)->scope;
    return (x > y) - (x < y);
}

static int64_t scopes_above(const gt_scope *s, gti_ran *to)
{
    int64_t n = 0;
    for (; s; s = s->parent) {
        if (s->call) continue;
        if (to) to[n] = (gti_ran){s, s->state};
        n++;
    }
    return n;
}

/* Each module once, however many nodes it has: neighbours are mostly of one. */
static bool note_scopes(gti_taken *k)
{
    const gt_scope *before = NULL;
    int64_t n = 0;
    for (const gti_node *at = k->tape.first_node; at; before = at->scope, at = at->next)
        if (at->scope != before) n += scopes_above(at->scope, NULL);
    k->ran = gti_capture_room(k, n, sizeof *k->ran);
    if (!k->ran) return false;
    n = 0;
    before = NULL;
    for (const gti_node *at = k->tape.first_node; at; before = at->scope, at = at->next)
        if (at->scope != before) n += scopes_above(at->scope, k->ran + n);
    qsort(k->ran, (size_t)n, sizeof *k->ran, by_scope);
    for (int64_t i = 0; i < n; i++)
        if (!k->n_ran || k->ran[k->n_ran - 1].scope != k->ran[i].scope)
            k->ran[k->n_ran++] = k->ran[i];
    return true;
}

/* Leaves of the step's own go with it. */
static void unlink_own_leaves(gti_taken *k)
{
    for (gti_tensor **p = &k->gt->graded; *p;) {
        gti_tensor *leaf = *p;
        if (gti_taken_has(k, leaf)) *p = leaf->next_graded;
        else p = &leaf->next_graded;
    }
}

static bool note_grads(gti_taken *k)
{
    unlink_own_leaves(k);
    int64_t n = 0;
    for (const gti_tensor *leaf = k->gt->graded; leaf; leaf = leaf->next_graded)
        n += gti_taken_has(k, gti_t(leaf->pub.grad));
    k->grad = gti_capture_room(k, n, sizeof *k->grad);
    if (!k->grad) return false;
    for (gti_tensor *leaf = k->gt->graded; leaf; leaf = leaf->next_graded)
        if (gti_taken_has(k, gti_t(leaf->pub.grad)))
            k->grad[k->n_grads++] = (gti_leaf_grad){leaf, leaf->pub.grad};
    return true;
}

static int by_leaf(const void *a, const void *b)
{
    const gti_grad_use *x = *(gti_grad_use *const *)a, *y = *(gti_grad_use *const *)b;
    if (x->leaf != y->leaf) return (uintptr_t)x->leaf > (uintptr_t)y->leaf ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Of each leaf the first use tells what the step began with. */
static bool note_starts(gti_taken *k)
{
    int64_t n = 0;
    for (gti_grad_use *u = k->recorder.grads; u; u = u->next) n++;
    gti_grad_use **use = gti_capture_room(k, n, sizeof(gti_grad_use *));
    k->start = gti_capture_room(k, n, sizeof *k->start);
    if (!use || !k->start) return false;
    n = 0;
    for (gti_grad_use *u = k->recorder.grads; u; u = u->next) use[n++] = u;
    qsort(use, (size_t)n, sizeof(gti_grad_use *), by_leaf);
    for (int64_t i = 0; i < n; i++) {
        const bool first = i == 0 || use[i - 1]->leaf != use[i]->leaf;
        if (!first || use[i]->renewed || gti_taken_has(k, use[i]->leaf)) continue;
        k->start[k->n_starts++] = (gti_leaf_grad){use[i]->leaf, use[i]->added_to};
    }
    return true;
}

bool gti_outside_note(gti_taken *k)
{
    return note_grads(k) && note_starts(k) && note_tensors(k) && note_scopes(k);
}

/* --- looking again --- */

static bool refuse(const gti_outside *o, const char *why)
{
    char name[128];
    gt_fail(o->t->pub.ctx, GT_ERR_STATE, "gt_replay",
            "%s, which the captured step uses, %s\n  hint: capture the step anew",
            gti_naming_tensor(&o->t->pub, name, sizeof name), why);
    return false;
}

static GTI_COLD bool refuse_shape(const gti_outside *o)
{
    char then[128], now[128], why[320];
    gt_snprintf(why, sizeof why, "had shape %s and has %s now",
                gt_shape_format(o->shape, then, sizeof then),
                gt_shape_format(o->t->pub.shape, now, sizeof now));
    return refuse(o, why);
}

static bool outside_unchanged(const gti_outside *o)
{
    const gti_tensor *t = o->t;
    if (t->id != o->id) return refuse(o, "was dropped by gt_rewind or freed");
    if ((t->flags | t->base->flags) & (GTI_DEAD | GTI_RELEASED))
        return refuse(o, gt_unusable(&t->pub));
    if (!gt_shape_equal(t->pub.shape, o->shape)) return refuse_shape(o);
    if (t->pub.data != o->data) return refuse(o, "has other memory now");
    if (t->pub.requires_grad != o->requires_grad)
        return refuse(o, o->requires_grad ? "required gradients and does no longer"
                                          : "requires gradients and did not");
    if (t->flags & GTI_HOOKED || o->hooks)
        if (gti_hooks_count(t) != o->hooks) return refuse(o, "has other hooks now");
    return true;
}

static bool module_unchanged(const gti_taken *k, const gti_ran *r)
{
    if (r->scope->state == r->state) return true;
    char path[128];
    gt_scope_path(r->scope, path, sizeof path);
    gt_fail(k->gt, GT_ERR_STATE, "gt_replay",
            "the module '%s', which the captured step runs, is in another mode now or has other "
            "hooks\n  hint: set it back (gt_train, gt_eval), or capture the step anew",
            path);
    return false;
}

static bool start_unchanged(const gti_taken *k, const gti_leaf_grad *s)
{
    char name[128];
    if (gti_autograd_grad_of(s->leaf) == s->grad) return true;
    gt_fail(k->gt, GT_ERR_STATE, "gt_replay",
            s->grad ? "the gradient of %s, which the captured step adds to, was taken away\n"
                      "  hint: call gt_zero_grad within the step, or capture it anew"
                    : "%s has a gradient, which a call of the step would add to, and had none when "
                      "it was captured\n"
                      "  hint: call gt_zero_grad within the step or before each replay; to add up "
                      "gradients, capture the step when there are some",
            gti_naming_tensor(&s->leaf->pub, name, sizeof name));
    return false;
}

bool gti_outside_check_grads(const gti_taken *k)
{
    for (int64_t i = 0; i < k->n_starts; i++)
        if (!start_unchanged(k, &k->start[i])) return false;
    return true;
}

bool gti_outside_check(const gti_taken *k)
{
    for (int64_t i = 0; i < k->n_outside; i++)
        if (!outside_unchanged(&k->outside[i])) return false;
    for (int64_t i = 0; i < k->n_ran; i++)
        if (!module_unchanged(k, &k->ran[i])) return false;
    return gti_outside_check_grads(k);
}

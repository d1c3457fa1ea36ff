/* The backward walk: every node's rule turns gradients of outputs into gradients of inputs.
 *
 * A tensor's gradient gathers in `work` until the node that made it is reached. `hold` counts, on
 * the base of a gradient, the work and grad pointers to its data. Data that the engine made and
 * nobody holds goes back to the pool at once, and so do activations whose node has been passed: no
 * earlier node can have read them. What is older than the innermost mark is never released, since
 * the next turn of a loop may use it again. */
#include "engine/sweep.h"
#include "engine/release.h"

#include <string.h>

#include "kernels/kernels.h"
#include <gradtape/ops.h>

enum { FRAME_INPUTS = 16 };

void gti_sweep_unhold(const gti_sweep *s, gt_tensor *g)
{
    gti_tensor *base = gti_t(g)->base;
    if (--base->hold || s->keeping) return;
    if ((base->flags & (GTI_ENGINE | GTI_PINNED)) == GTI_ENGINE) gti_release(base);
}

bool gti_sweep_exclusive(const gt_tensor *g)
{
    const gti_tensor *t = gti_t(g);
    return t->base == t && t->hold == 1 && t->flags & GTI_ENGINE && !t->pub.requires_grad;
}

const gti_node gti_swept_none;

bool gti_sweep_enter(const gti_sweep *s)
{
    s->gt->swept = &gti_swept_none;
    s->gt->record_all = s->create;
    return gt_set_recording(s->gt, s->create);
}

void gti_sweep_leave(const gti_sweep *s, bool recording)
{
    s->gt->swept = NULL;
    s->gt->record_all = false;
    s->gt->recording = recording;
}

bool gti_sweep_made(const gti_sweep *s, const gt_tensor *g)
{
    return gti_t(g)->base->flags & GTI_ENGINE && (s->create || !g->requires_grad);
}

void gti_sweep_spare(gt_tensor *g)
{
    gti_t(g)->base->flags &= (uint16_t)~GTI_ENGINE;
}

/* Whether what a recorded sweep makes on the way is given back where no recorded rule reads it;
 * hooks may have shown it to the program. */
static bool gives(const gti_sweep *s)
{
    return s->create && !s->attentive;
}

/* x's gradient grows by g. */
static bool add_work(gti_sweep *s, gti_tensor *x, gt_tensor *g)
{
    if (!x->work) {
        gti_t(g)->base->hold++;
        x->work = g;
        if (x->node) {
            s->pending++;
        } else {
            x->next_touched = s->leaves;
            s->leaves = x;
        }
        return true;
    }
    if (!s->create && gti_sweep_exclusive(x->work)) return gti_into_accumulate(x->work, g);
    gt_tensor *sum = gt_add(x->work, g);
    if (!sum) return false;
    gt_tensor *const was = x->work;
    gti_t(sum)->base->hold++;
    gti_sweep_unhold(s, was);
    if (gives(s) && gti_sweep_made(s, was)) gt_release(was);
    x->work = sum;
    return true;
}

static bool check_upstream(const gti_sweep *s, const gt_tensor *y, const gt_tensor *upstream)
{
    if (!gti_tensor_usable(upstream, s->what)) return false;
    char a[128], b[128];
    if (upstream->ctx != y->ctx)
        gt_fail(y->ctx, GT_ERR_ARGUMENT, s->what, "upstream belongs to another context");
    else if (upstream->dtype != y->dtype)
        gt_fail(y->ctx, GT_ERR_DTYPE, s->what, "upstream is %s, the output %s",
                gt_dtype_name(upstream->dtype), gt_dtype_name(y->dtype));
    else if (!gt_same_shape(upstream, y))
        gt_fail(y->ctx, GT_ERR_SHAPE, s->what, "upstream has shape %s, the output %s",
                gt_shape_format(upstream->shape, a, sizeof a),
                gt_shape_format(y->shape, b, sizeof b));
    else return true;
    return false;
}

/* The gradient of y in itself. */
static gt_tensor *ones(gt_tensor *y)
{
    if (y->shape.ndim != 0) return gt_set_name(gt_full_like(y, 1.0), "1");
    gt_tensor **one = &y->ctx->one[y->dtype];
    if (!*one) *one = gt_keep(gt_set_name(gt_full_like(y, 1.0), "1"));
    return *one;
}

bool gti_sweep_seed(gti_sweep *s, gt_tensor *y, gt_tensor *upstream)
{
    if (!upstream && y->size != 1) {
        char shape[128];
        gt_fail(y->ctx, GT_ERR_SHAPE, s->what,
                "the output has %lld elements, shape %s; a gradient starts from one number\n"
                "  hint: reduce it (gt_sum, gt_mean), or pass .upstream of its shape",
                (long long)y->size, gt_shape_format(y->shape, shape, sizeof shape));
        return false;
    }
    if (upstream && !check_upstream(s, y, upstream)) return false;
    if (upstream) gti_sweep_spare(upstream);
    else upstream = ones(y);
    if (!upstream) return false;
    const bool recording = gti_sweep_enter(s);
    const bool ok = add_work(s, gti_t(y), upstream);
    gti_sweep_leave(s, recording);
    return ok;
}

/* --- one node --- */

/* Whether the rule can be run: nothing it reads was freed, released or changed. */
static bool intact(const gti_sweep *s, const gti_node *n)
{
    if (n->spent) return gti_refuse_spent(s, n);
    if (s->gt->freed > n->id && gti_refuse_freed(s, n)) return false;
    if (n->pub.op->flags & GT_OP_NO_SAVED) return true;
    for (int i = 0; i < n->pub.n_in; i++)
        if (gti_t(n->pub.in[i])->base->version > n->id) {
            char name[64];
            return !gti_sweep_stale(s, n, n->pub.in[i],
                                    gt_op_input_name(n->pub.op, i, name, sizeof name));
        }
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_sweep_stale(s, n, n->pub.out[i], "the result")) return false;
    return true;
}

static bool on_path(const gti_sweep *s, const gt_tensor *t)
{
    const gti_tensor *x = gti_t(t);
    return t->requires_grad && (x->flags & GTI_TARGET || (x->node && x->node->path == s->path));
}

static uint64_t needs_on_path(const gti_sweep *s, const gti_node *n)
{
    uint64_t needs = 0;
    for (int i = 0; i < n->pub.n_in; i++)
        needs |= (uint64_t)(gt_needs_grad(&n->pub, i) && on_path(s, n->pub.in[i]))
                 << (i < 63 ? i : 63);
    return needs;
}

static bool hand_out(gti_sweep *s, gti_node *n, gt_tensor *const gin[])
{
    for (int i = 0; i < n->pub.n_in; i++) {
        gt_tensor *x = n->pub.in[i];
        if (!gin[i] || !gt_needs_grad(&n->pub, i) || !x->requires_grad) continue;
        if (gin[i]->dtype != x->dtype || !gt_same_shape(gin[i], x))
            return gti_refuse_gradient(s, n, i, gin[i]);
        if (s->selective && !on_path(s, x)) continue;
        if (!add_work(s, gti_t(x), gin[i])) return false;
    }
    return true;
}

void gti_sweep_release_since(const gti_sweep *s, const gti_tensor *before)
{
    for (gti_tensor *t = s->gt->last; t != before; t = t->prev)
        if (!t->hold && t->base == t) gti_release(t);
}

/* The same of what a rule has recorded: only what no recorded rule reads. */
static void give_since(const gti_sweep *s, const gti_tensor *before)
{
    for (gti_tensor *t = s->gt->last; t != before; t = t->prev)
        if (t->base == t) gt_release(&t->pub);
}

static bool run_rule(gti_sweep *s, gti_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_ctx *gt = s->gt;
    const gti_tensor *before = gt->last;
    if (!n->pub.op->backward) {
        gt_fail(gt, GT_ERR_UNSUPPORTED, s->what, "%s has no backward rule",
                gti_naming_node(&n->pub, (char[128]){0}, 128));
        return false;
    }
    const bool ok =
        s->twins ? gti_recompute_rule(n, gout, gin) : n->pub.op->backward(&n->pub, gout, gin);
    if (!ok || gt->failed) return gti_refuse_rule(s, n);
    if (!hand_out(s, n, gin)) return false;
    if (!s->keeping) gti_sweep_release_since(s, before);
    else if (gives(s)) give_since(s, before);
    return true;
}

/* Whether n's rule could add to what its input has gathered, without making a gradient. */
static bool adds_in_place(const gti_sweep *s, const gti_node *n)
{
    const gti_tensor *x = gti_t(n->pub.in[0]);
    return !s->create && x->work && gti_sweep_exclusive(x->work);
}

static GTI_COLD bool add_in_place(const gti_node *n, gt_tensor *dy)
{
    const gt_op *into = n->pub.op->backward_into;
    gt_tensor *in[FRAME_INPUTS] = {gti_t(n->pub.in[0])->work, dy};
    for (int i = 2; i < into->n_in; i++) in[i] = n->pub.in[i - 1];
    return gti_into_change(into, n->pub.opts, into->n_in, in);
}

static inline bool call_rule(gti_sweep *s, gti_node *n, gt_tensor *const gout[])
{
    if (n->pub.op->backward_into && adds_in_place(s, n)) return add_in_place(n, gout[0]);
    gt_tensor *frame[FRAME_INPUTS];
    gt_tensor **gin = frame;
    const size_t bytes = (size_t)n->pub.n_in * sizeof *gin;
    if (n->pub.n_in > FRAME_INPUTS) gin = gti_arena_get(&s->gt->step, bytes);
    if (!gin) return gt_fail(s->gt, GT_ERR_MEMORY, s->what, "out of memory"), false;
    memset(gin, 0, bytes);
    const uint64_t needs = n->pub.needs;
    if (s->selective) n->pub.needs = needs_on_path(s, n);
    const bool ok = run_rule(s, n, gout, gin);
    n->pub.needs = needs;
    return ok;
}

/* One number takes no room, and people read the parts of a loss afterwards. */
static void release_output(gti_tensor *y)
{
    if (y->base != y || y->flags & GTI_PINNED || y->pub.size == 1) return;
    if (y->hold) y->flags |= GTI_ENGINE;
    else gti_release(y);
}

/* Nobody before n reads its outputs, and nobody behind it, but to run again for another loss. */
static void release_activations(const gti_sweep *s, gti_node *n)
{
    if (n->id <= gti_mark_clock(s->gt)) return;
    n->spent = true;
    if (n->awaited) return;
    for (int i = 0; i < n->pub.n_out; i++) release_output(gti_t(n->pub.out[i]));
    if (n->again) gti_recompute_over(n);
}

/* Nor does its rule read these: room for what that computes. */
static void release_unread(const gti_sweep *s, gti_node *n)
{
    if (!n->pub.op->unread || n->awaited || n->id <= gti_mark_clock(s->gt)) return;
    for (int i = 0; i < n->pub.n_out; i++)
        if (!gti_reads_output(n->pub.op, i)) release_output(gti_t(n->pub.out[i]));
}

/* x's gradient is complete: shows it to hooks and anomaly checks. */
static bool complete(const gti_sweep *s, gti_tensor *x)
{
    if (!x->work) return true;
    if (x->flags & GTI_HOOKED && !gti_hooks_run(s, x)) return false;
    return !s->gt->anomaly || gti_anomaly_gradient_finite(s, &x->pub, x->work);
}

static bool wanted(const gti_sweep *s, const gti_node *n)
{
    return !s->selective || n->path == s->path;
}

/* What only hooks, anomaly checks and checkpoints want done before n's turn. Out of the way of the
 * others. */
static GTI_COLD bool attend(const gti_sweep *s, const gti_node *n)
{
    bool any = false;
    for (int i = 0; i < n->pub.n_out; i++) {
        gti_tensor *y = gti_t(n->pub.out[i]);
        any |= y->work != NULL;
        if (!complete(s, y)) return false;
    }
    if (!any || !wanted(s, n)) return true;
    return !n->stretch || gti_checkpoint_open(s, n->stretch);
}

/* A leaf's gradient is shown once a sweep. */
static bool complete_leaf(const gti_sweep *s, gti_tensor *x)
{
    if (!(x->flags & GTI_HOOKED)) return complete(s, x);
    if (x->label->shown == s->path) return true;
    x->label->shown = s->path;
    return complete(s, x);
}

/* Those that no node but n was still to give to. */
static GTI_COLD bool complete_leaves_of(const gti_sweep *s, const gti_node *n)
{
    for (int i = 0; i < n->pub.n_in; i++) {
        gti_tensor *x = gti_t(n->pub.in[i]);
        if (!x->node && x->flags & GTI_HOOKED && x->label->reader == n && !complete_leaf(s, x))
            return false;
    }
    return true;
}

static bool complete_leaves(const gti_sweep *s)
{
    for (gti_tensor *x = s->leaves; x; x = x->next_touched)
        if (!complete_leaf(s, x)) return false;
    return true;
}

static bool pass(gti_sweep *s, gti_node *n)
{
    gt_tensor *gout[GT_OP_OUTPUTS] = {NULL};
    bool any = false;
    for (int i = 0; i < n->pub.n_out; i++) {
        gout[i] = gti_t(n->pub.out[i])->work;
        any |= gout[i] != NULL;
    }
    if (!any) return true;
    const bool on = wanted(s, n);
    if (on && !intact(s, n)) return false;
    if (on && s->freeing) release_unread(s, n);
    if (on && s->attentive && !gti_recompute_for(s, n)) return false;
    if (on && !call_rule(s, n, gout)) return false;
    for (int i = 0; i < n->pub.n_out; i++) {
        gti_tensor *y = gti_t(n->pub.out[i]);
        if (!gout[i]) continue;
        s->pending--;
        if (y->flags & GTI_TARGET) continue;
        y->work = NULL;
        gti_sweep_unhold(s, gout[i]);
    }
    if (s->freeing && on) release_activations(s, n);
    return true;
}

/* No gradient goes through a node without needs, as those of changes in place. */
static bool visit(gti_sweep *s, gti_node *n)
{
    if (!n->pub.needs) return true;
    s->gt->scope = n->scope;
    s->gt->swept = n;
    if (s->attentive && !attend(s, n)) return false;
    return pass(s, n) && (!s->attentive || complete_leaves_of(s, n));
}

/* --- the walk --- */

static void abandon(const gti_sweep *s, gti_tensor *t)
{
    if (!t->work) return;
    gti_sweep_unhold(s, t->work);
    t->work = NULL;
}

void gti_sweep_abandon(gti_sweep *s, gti_node *from)
{
    for (gti_tensor *t = s->leaves; t; t = t->next_touched) abandon(s, t);
    for (gti_node *n = from; n; n = n->prev)
        for (int i = 0; i < n->pub.n_out; i++) abandon(s, gti_t(n->pub.out[i]));
}

bool gti_sweep_run(gti_sweep *s, gti_node *last)
{
    gt_ctx *gt = s->gt;
    const gt_scope *scope = gt->scope;
    const bool recording = gti_sweep_enter(s);
    s->attentive = gt->special || gt->anomaly;
    s->twins = gt->recorder && gt->recomputing && !s->create;
    if (s->attentive) gti_hooks_schedule(s, last);
    bool ok = true;
    for (gti_node *n = last; n && s->pending > 0 && ok; n = n->prev) ok = visit(s, n);
    if (ok && s->attentive) ok = complete_leaves(s);
    gti_sweep_leave(s, recording);
    gt->scope = scope;
    if (!ok) gti_sweep_abandon(s, last);
    return ok;
}

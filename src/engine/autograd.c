/* gt_backward and gt_grad: what starts a sweep, and where its gradients go. */
#include <gradtape/autograd.h>

#include <string.h>

#include "engine/sweep.h"
#include <gradtape/ops.h>

/* Whether a sweep can start at y. */
static bool startable(const gt_tensor *y, const char *what)
{
    if (!gti_tensor_usable(y, what)) return false;
    if (gti_in_sweep(y->ctx))
        gt_fail(y->ctx, GT_ERR_STATE, what,
                "called from a backward rule; build gradients with "
                "operations there");
    else if (!y->requires_grad)
        gt_fail(y->ctx, GT_ERR_STATE, what,
                "the output requires no gradient: nothing that it was computed from does, or "
                "recording was off\n  hint: make a leaf with .requires_grad = true");
    else return true;
    return false;
}

static void begin_sweep(gti_sweep *s, bool retain)
{
    s->keeping = s->create || gt_is_recording_all(s->gt);
    s->freeing = !s->keeping && !retain;
}

static gt_status status_of(const gt_tensor *t)
{
    return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
}

/* --- gt_backward --- */

/* g, or a copy where its data has other holders: users change gradients in place. Like what
 * follows, within gti_sweep_enter and _leave. */
static gt_tensor *own(const gti_sweep *s, gt_tensor *g)
{
    const gti_tensor *t = gti_t(g);
    if (t->base == t && t->hold == 1 && gti_sweep_made(s, g)) return g;
    gt_tensor *copy = gt_clone(g);
    gti_sweep_unhold(s, g);
    if (copy) gti_t(copy)->hold = 1;
    return copy;
}

/* The first gradient of a leaf. */
static bool adopt(const gti_sweep *s, gti_tensor *leaf, gt_tensor *g)
{
    g = own(s, g);
    if (!g) return false;
    leaf->pub.grad = g;
    leaf->graded = ++s->gt->clock;
    leaf->next_graded = s->gt->graded;
    s->gt->graded = leaf;
    return true;
}

/* A sum in a tensor of its own, in the place of grad. */
static bool add_apart(const gti_sweep *s, gti_tensor *leaf, gt_tensor *g)
{
    gt_tensor *sum = gt_add(leaf->pub.grad, g);
    if (!sum) return false;
    gti_t(leaf->pub.grad)->base->hold--;
    leaf->pub.grad = sum;
    leaf->graded = ++s->gt->clock;
    gti_t(sum)->base->hold = 1;
    gti_t(sum)->flags |= GTI_ENGINE;
    return true;
}

static bool accumulate(const gti_sweep *s, gti_tensor *leaf, gt_tensor *g)
{
    gt_tensor *sum = leaf->pub.grad;
    const bool apart = s->create || !gti_sweep_exclusive(sum);
    const bool ok = apart ? add_apart(s, leaf, g) : gti_into_accumulate(sum, g);
    gti_sweep_unhold(s, g);
    return ok;
}

gt_tensor *gti_autograd_grad_of(const gti_tensor *leaf)
{
    gt_tensor *g = leaf->pub.grad;
    return g && leaf->base->version <= leaf->graded && !gt_unusable(g) ? g : NULL;
}

static void unlink_graded(gt_ctx *gt, gti_tensor *leaf)
{
    for (gti_tensor **p = &gt->graded; *p; p = &(*p)->next_graded) {
        if (*p != leaf) continue;
        *p = leaf->next_graded;
        return;
    }
}

static void forget_grad(gt_tensor *leaf)
{
    if (!leaf->grad) return;
    unlink_graded(leaf->ctx, gti_t(leaf));
    gti_t(leaf->grad)->base->hold--;
    leaf->grad = NULL;
}

/* For captured steps, which begin with the gradients that they began with at first. */
static bool note_use(gti_tensor *leaf, bool renewed)
{
    gt_ctx *gt = leaf->pub.ctx;
    gti_recorder *r = gt->recorder;
    if (!r) return true;
    gti_grad_use *use = gti_arena_get(&gt->step, sizeof *use);
    if (!use) return gt_fail(gt, GT_ERR_MEMORY, "gt_capture", "out of memory"), false;
    *use = (gti_grad_use){leaf, gti_autograd_grad_of(leaf), renewed, ++gt->clock, r->grads};
    r->grads = use;
    return true;
}

void gt_clear_grad(gt_tensor *leaf)
{
    if (!leaf) return;
    note_use(gti_t(leaf), true);
    forget_grad(leaf);
}

static bool note_settling(gti_tensor *leaf)
{
    const gti_recorder *r = leaf->pub.ctx->recorder;
    return !r || note_use(leaf, leaf->base->version > r->since);
}

static bool settle(gti_sweep *s)
{
    bool ok = true;
    const bool recording = gti_sweep_enter(s);
    for (gti_tensor *leaf = s->leaves; leaf; leaf = leaf->next_touched) {
        gt_tensor *g = leaf->work;
        leaf->work = NULL;
        ok = ok && note_settling(leaf);
        if (ok && !gti_autograd_grad_of(leaf)) forget_grad(&leaf->pub);
        if (!ok) gti_sweep_unhold(s, g);
        else ok = leaf->pub.grad ? accumulate(s, leaf, g) : adopt(s, leaf, g);
        if (ok && s->gt->anomaly) ok = gti_anomaly_gradient_finite(s, &leaf->pub, leaf->pub.grad);
    }
    gti_sweep_leave(s, recording);
    return ok;
}

gt_status gt_backward_(gt_tensor *loss, gt_backward_opts opts)
{
    static const char what[] = "gt_backward";
    if (!startable(loss, what)) return status_of(loss);
    gti_sweep s = {.gt = loss->ctx, .what = what, .create = opts.create_graph};
    begin_sweep(&s, opts.retain);
    gti_t(loss)->base->flags |= GTI_PINNED;
    if (!gti_sweep_seed(&s, loss, opts.upstream)) return status_of(loss);
    if (!gti_sweep_run(&s, gti_t(loss)->node) || !settle(&s)) return status_of(loss);
    return GT_OK;
}

/* --- gt_grad --- */

static bool check_output(gt_ctx *gt, gt_tensor *y, int i)
{
    if (!y) gt_fail(gt, GT_ERR_ARGUMENT, "gt_grad", "output %d is NULL", i);
    else if (y->ctx != gt)
        gt_fail(gt, GT_ERR_ARGUMENT, "gt_grad", "output %d belongs to another context", i);
    else return startable(y, "gt_grad");
    return false;
}

static bool check_input(gt_ctx *gt, const gt_tensor *x, int i)
{
    static const char what[] = "gt_grad";
    if (!x) gt_fail(gt, GT_ERR_ARGUMENT, what, "input %d is NULL", i);
    else if (x->ctx != gt)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "input %d belongs to another context", i);
    else if (!gti_tensor_usable(x, what)) return false;
    else if (!x->requires_grad) gt_fail(gt, GT_ERR_STATE, what, "input %d requires no gradient", i);
    else return true;
    return false;
}

/* All errors are those of the first output's context, or the thread's. */
static gt_status check_lists(gt_tensor *const outputs[], int n_out, gt_tensor *const inputs[],
                             int n_in)
{
    gt_ctx *gt = n_out > 0 && outputs[0] ? outputs[0]->ctx : NULL;
    if (gt && gt_failed(gt)) return gt_error_code(gt);
    if (n_out < 1 || n_in < 1)
        return gt_fail(gt, GT_ERR_ARGUMENT, "gt_grad",
                       "%d outputs and %d inputs; at least one of each is needed", n_out, n_in);
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_grad", "output 0 is NULL");
    for (int i = 0; i < n_out; i++)
        if (!check_output(gt, outputs[i], i)) return gt_error_code(gt);
    for (int i = 0; i < n_in; i++)
        if (!check_input(gt, inputs[i], i)) return gt_error_code(gt);
    return GT_OK;
}

/* Marks the nodes that lead from targets on; none is older than the oldest target. */
static void mark_path(gti_sweep *s, gti_node *last, uint64_t oldest)
{
    gti_node *n = last;
    while (n && n->prev && n->prev->id > oldest) n = n->prev;
    for (; n; n = n == last ? NULL : n->next)
        for (int i = 0; i < n->pub.n_in; i++) {
            const gti_tensor *x = gti_t(n->pub.in[i]);
            const bool leads = x->flags & GTI_TARGET || (x->node && x->node->path == s->path);
            if (leads && gt_needs_grad(&n->pub, i)) n->path = s->path;
        }
}

static void set_targets(gt_tensor *const inputs[], int n_in, bool on)
{
    for (int i = 0; i < n_in; i++) {
        if (on) gti_t(inputs[i])->flags |= GTI_TARGET;
        else gti_t(inputs[i])->flags &= (uint16_t)~GTI_TARGET;
    }
}

static gti_node *latest_node(gt_tensor *const outputs[], int n_out)
{
    gti_node *last = NULL;
    for (int i = 0; i < n_out; i++) {
        gti_node *n = gti_t(outputs[i])->node;
        if (n && (!last || n->id > last->id)) last = n;
    }
    return last;
}

static uint64_t oldest_birth(gt_tensor *const inputs[], int n_in)
{
    uint64_t oldest = UINT64_MAX;
    for (int i = 0; i < n_in; i++)
        if (gti_t(inputs[i])->id < oldest) oldest = gti_t(inputs[i])->id;
    return oldest;
}

/* The gradients of leaves that were on the way but are nobody's target. */
static void drop_leaves(const gti_sweep *s)
{
    for (gti_tensor *x = s->leaves; x; x = x->next_touched) {
        if (!x->work || x->flags & GTI_TARGET) continue;
        gti_sweep_unhold(s, x->work);
        x->work = NULL;
    }
}

/* Whether x, input i, has a gradient, with data of its own; or may go without. */
static bool finish(const gti_sweep *s, gti_tensor *x, int i, bool allow_unused)
{
    if (x->work) x->work = own(s, x->work);
    if (x->work || (allow_unused && !s->gt->failed)) return true;
    gt_fail(s->gt, GT_ERR_STATE, s->what,
            "no output depends on input %d\n"
            "  hint: .allow_unused = true gives NULL for it",
            i);
    return false;
}

/* Moves the targets' gradients out; from here on they are the user's, never released by a sweep. */
static bool take(const gti_sweep *s, gt_tensor *const inputs[], int n_in, gt_tensor *grads[],
                 bool allow_unused)
{
    bool ok = true;
    const bool recording = gti_sweep_enter(s);
    for (int i = 0; i < n_in && ok; i++) ok = finish(s, gti_t(inputs[i]), i, allow_unused);
    gti_sweep_leave(s, recording);
    for (int i = 0; i < n_in && ok; i++) {
        grads[i] = gti_t(inputs[i])->work;
        if (grads[i]) gti_sweep_spare(grads[i]);
    }
    for (int i = 0; i < n_in; i++) {
        gti_tensor *x = gti_t(inputs[i]);
        if (x->work) gti_sweep_unhold(s, x->work);
        x->work = NULL;
    }
    return ok;
}

static bool seed_all(gti_sweep *s, gt_tensor *const outputs[], int n_out, gt_grad_opts opts)
{
    for (int i = 0; i < n_out; i++) {
        if (gti_sweep_seed(s, outputs[i], opts.upstream ? opts.upstream[i] : NULL)) continue;
        gti_sweep_abandon(s, latest_node(outputs, n_out));
        return false;
    }
    return true;
}

gt_status gt_grad_(gt_tensor *const outputs[], int n_out, gt_tensor *const inputs[], int n_in,
                   gt_tensor *grads[], gt_grad_opts opts)
{
    if (!grads) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_grad", "the array of gradients is NULL");
    for (int i = 0; i < n_in; i++) grads[i] = NULL;
    const gt_status refused = check_lists(outputs, n_out, inputs, n_in);
    if (refused != GT_OK) return refused;
    gt_ctx *gt = outputs[0]->ctx;
    gti_sweep s = {.gt = gt, .what = "gt_grad", .create = opts.create_graph, .selective = true};
    begin_sweep(&s, opts.retain);
    s.path = ++gt->clock;
    gti_node *last = latest_node(outputs, n_out);
    set_targets(inputs, n_in, true);
    mark_path(&s, last, oldest_birth(inputs, n_in));
    for (int i = 0; i < n_out; i++) gti_t(outputs[i])->base->flags |= GTI_PINNED;
    bool ok = seed_all(&s, outputs, n_out, opts) && gti_sweep_run(&s, last);
    if (ok) drop_leaves(&s);
    if (ok) ok = take(&s, inputs, n_in, grads, opts.allow_unused);
    set_targets(inputs, n_in, false);
    for (int i = 0; i < n_in && !ok; i++) grads[i] = NULL;
    return ok ? GT_OK : gt_error_code(gt);
}

/* --- leaves --- */

void gt_require_grad(gt_tensor *t, bool on)
{
    static const char what[] = "gt_require_grad";
    if (!gti_tensor_usable(t, what)) return;
    const gti_node *n = gti_t(t)->node;
    if (n && n->pub.needs)
        gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor is a result on the tape, not a leaf");
    else if (on && !gt_is_floating(t->dtype))
        gt_fail(t->ctx, GT_ERR_DTYPE, what, "%s has no gradients; only f32 and f64 have",
                gt_dtype_name(t->dtype));
    else {
        gti_t(t)->node = NULL; /* that was recorded, but gives it no gradient */
        t->requires_grad = on;
    }
}

gt_tensor *gt_detach(gt_tensor *t)
{
    if (!gti_tensor_usable(t, "gt_detach")) return NULL;
    gti_tensor *d = gti_header(t->ctx);
    if (!d) return NULL;
    d->pub.shape = t->shape;
    d->pub.dtype = t->dtype;
    d->pub.size = t->size;
    d->pub.data = t->data;
    d->base = gti_t(t)->base;
    return &d->pub;
}

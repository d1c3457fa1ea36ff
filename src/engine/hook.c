/* Hooks: functions of the user that see a tensor's gradient, and may replace it, once all that
 * depends on the tensor has been passed. They hang on the tensor's label. */
#include "engine/sweep.h"
#include <gradtape/ops.h>

struct gti_hook {
    gt_hook_fn fn;
    void *user;
    gti_hook *next;
    bool lasting; /* lies in kept memory */
};

static gti_hook *new_hook(gti_tensor *t)
{
    gt_ctx *gt = t->pub.ctx;
    const bool lasting = gti_outlives_step(t);
    gti_hook *h = lasting ? gt->free_hooks : NULL;
    if (h) gt->free_hooks = h->next;
    else h = gti_arena_get(lasting ? &gt->kept : &gt->step, sizeof *h);
    if (h) *h = (gti_hook){.lasting = lasting};
    if (h && lasting) t->flags |= GTI_LASTING;
    return h;
}

static void free_hook(gt_ctx *gt, gti_hook *h)
{
    if (!h->lasting) return;
    h->next = gt->free_hooks;
    gt->free_hooks = h;
}

/* A hook must not disturb the list that it is called from. */
static bool changeable(const gt_tensor *t, const char *what)
{
    if (!gti_tensor_usable(t, what)) return false;
    if (!gti_in_sweep(t->ctx)) return true;
    gt_fail(t->ctx, GT_ERR_STATE, what, "called while gt_backward or gt_grad runs");
    return false;
}

gt_status gt_hook(gt_tensor *t, gt_hook_fn fn, void *user)
{
    static const char what[] = "gt_hook";
    if (!changeable(t, what)) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    if (!fn) return gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "the function is NULL");
    if (!t->requires_grad)
        return gt_fail(t->ctx, GT_ERR_STATE, what,
                       "the tensor requires no gradient, so there will be none to see");
    gti_label *label = gti_label_of(t, what);
    if (!label) return gt_error_code(t->ctx);
    gti_hook *h = new_hook(gti_t(t));
    if (!h) return gt_fail(t->ctx, GT_ERR_MEMORY, what, "out of memory");
    h->fn = fn;
    h->user = user;
    gti_hook **end = &label->hooks;
    while (*end) end = &(*end)->next;
    *end = h;
    gti_t(t)->flags |= GTI_HOOKED;
    t->ctx->special = true;
    return GT_OK;
}

gt_status gt_unhook(gt_tensor *t, gt_hook_fn fn, void *user)
{
    static const char what[] = "gt_unhook";
    if (!changeable(t, what)) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    gti_tensor *p = gti_t(t);
    for (gti_hook **at = p->label ? &p->label->hooks : NULL; at && *at; at = &(*at)->next) {
        gti_hook *h = *at;
        if (h->fn != fn || h->user != user) continue;
        *at = h->next;
        free_hook(t->ctx, h);
        if (!p->label->hooks) p->flags &= (uint16_t)~GTI_HOOKED;
        return GT_OK;
    }
    return gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "the tensor has no such hook");
}

void gti_hooks_clear(gti_tensor *t)
{
    for (gti_hook *h = t->label->hooks, *next; h; h = next) {
        next = h->next;
        free_hook(t->pub.ctx, h);
    }
    t->label->hooks = NULL;
    t->flags &= (uint16_t)~GTI_HOOKED;
}

int gti_hooks_count(const gti_tensor *t)
{
    int n = 0;
    for (const gti_hook *h = t->label ? t->label->hooks : NULL; h; h = h->next) n++;
    return n;
}

/* --- running --- */

static bool refuse(const gti_sweep *s, const gti_tensor *t, const char *why)
{
    char name[128];
    if (!s->gt->failed)
        gt_fail(s->gt, GT_ERR_STATE, s->what, "a hook on %s %s",
                gti_naming_tensor(&t->pub, name, sizeof name), why);
    else gti_error_note(s->gt, "in a hook on %s", gti_naming_tensor(&t->pub, name, sizeof name));
    return false;
}

static bool replace(const gti_sweep *s, gti_tensor *t, gt_tensor *g)
{
    const char *why = g->ctx != s->gt ? "returned a tensor of another context" : gt_unusable(g);
    if (!why && g->dtype != t->pub.dtype) why = "returned a gradient of another dtype";
    if (!why && !gt_same_shape(g, &t->pub)) why = "returned a gradient of another shape";
    if (why) return refuse(s, t, why);
    gti_t(g)->base->hold++;
    gti_sweep_unhold(s, t->work);
    t->work = g;
    return true;
}

/* What a hook is given it may keep, and free then: never the user's upstream, nor the constant that
 * sweeps start from. */
static bool hand_over(const gti_sweep *s, gti_tensor *t)
{
    if (gti_sweep_made(s, t->work)) return true;
    gt_tensor *copy = gt_clone(t->work);
    if (!copy) return false;
    gti_t(copy)->hold++;
    gti_sweep_unhold(s, t->work);
    t->work = copy;
    return true;
}

static bool call(const gti_sweep *s, gti_tensor *t, const gti_hook *h)
{
    if (!hand_over(s, t)) return false;
    gt_tensor *g = t->work;
    const uint64_t version = gti_t(g)->base->version, clock = s->gt->clock;
    gt_tensor *other = h->fn(g, h->user);
    if (s->gt->failed) return refuse(s, t, "failed");
    if (gti_t(g)->base->version != version)
        return refuse(s, t, "changed the gradient in place; let it return a new one instead");
    if (!other || other == g) return true;
    if (!replace(s, t, other)) return false;
    if (gti_t(other)->base->id <= clock) gti_sweep_spare(other);
    return true;
}

/* A node is reached through what the sweep starts from or from a reached one. */
static bool reached(const gti_sweep *s, const gti_node *n, uint64_t wanted)
{
    if (n->path == s->path) return true;
    if (!n->pub.needs) return false;
    if (s->selective && n->path != wanted) return false;
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_t(n->pub.out[i])->work) return true;
    return false;
}

/* Reached nodes get the tick behind the sweep's path as theirs, which is the sweep's from then on.
 */
void gti_hooks_schedule(gti_sweep *s, gti_node *last)
{
    const uint64_t wanted = s->path;
    s->path = ++s->gt->clock;
    for (gti_node *n = last; n; n = n->prev) {
        if (!reached(s, n, wanted)) continue;
        n->path = s->path;
        for (int i = 0; i < n->pub.n_in; i++) {
            gti_tensor *x = gti_t(n->pub.in[i]);
            if (x->node && (!s->selective || x->node->path == wanted)) x->node->path = s->path;
            if (!x->node && x->flags & GTI_HOOKED) x->label->reader = n;
        }
    }
}

bool gti_hooks_run(const gti_sweep *s, gti_tensor *t)
{
    const gti_tensor *before = s->gt->last;
    for (const gti_hook *h = t->label->hooks; h; h = h->next)
        if (!call(s, t, h)) return false;
    if (!s->keeping) gti_sweep_release_since(s, before);
    return true;
}

/* gt_checkpoint: a stretch of the tape whose results are dropped, and recomputed when a sweep
 * reaches it.
 *
 * The function runs once, recorded as ever. Then the data of what its nodes computed goes back to
 * the pool; the nodes stay. Since forward is a pure function of its node, running the nodes again,
 * in order, gives the same bits, and the sweep goes on as if nothing had happened: parameters,
 * random constants and second derivatives need no care. A stretch is closed while its data is
 * dropped. The first sweep that needs it opens it for good.
 *
 * Stretches nest. A closed one in a stretch that is replayed gives its result to those behind it
 * and is closed again; it is opened only when the sweep is in it, by when its parent is open. What
 * is recorded outside a stretch never reads more of it than its result. */
#include <gradtape/functional.h>

#include "engine/sweep.h"

struct gti_stretch {
    gti_stretch *parent;
    gti_node *first, *last;
    gti_tensor *youngest; /* when the function returned */
    gti_tensor *result;   /* whose block the function's result is */
    uint64_t begin;       /* older than everything of the stretch */
    bool closed;
};

/* --- dropping --- */

/* Whether running n again would give what y holds, and nobody needs y meanwhile. */
static bool output_droppable(const gti_stretch *st, const gti_node *n, const gti_tensor *y)
{
    const unsigned in_use = GTI_RELEASED | GTI_DEAD | GTI_KEPT | GTI_PINNED;
    return y->base == y && y != st->result && !(y->flags & in_use) && !y->hold &&
           y->version <= n->id;
}

static bool input_lasts(const gti_node *n, const gt_tensor *x)
{
    const gti_tensor *base = gti_t(x)->base;
    const bool lost =
        base->flags & GTI_DEAD || (base->flags & (GTI_RELEASED | GTI_REPLAYED)) == GTI_RELEASED;
    return !lost && base->version <= n->id;
}

/* All outputs of a node or none. */
static bool droppable(const gti_stretch *st, const gti_node *n)
{
    if (n->spent || n->pub.op->flags & GT_OP_INTO) return false;
    for (int i = 0; i < n->pub.n_out; i++)
        if (!output_droppable(st, n, gti_t(n->pub.out[i]))) return false;
    for (int i = 0; i < n->pub.n_in; i++)
        if (!input_lasts(n, n->pub.in[i])) return false;
    return true;
}

static void close_stretch(gti_stretch *st)
{
    for (gti_node *n = st->first, *end = st->last->next; n != end; n = n->next) {
        if (!droppable(st, n)) continue;
        for (int i = 0; i < n->pub.n_out; i++) {
            gti_tensor *y = gti_t(n->pub.out[i]);
            y->flags |= GTI_REPLAYED;
            gti_release(y);
        }
        st->closed = true;
    }
}

/* --- replaying --- */

/* A node's outputs are dropped together. */
static bool is_dropped(const gti_node *n)
{
    return gti_t(n->pub.out[0])->flags & GTI_REPLAYED;
}

/* The outermost closed stretch within st that n lies in, or NULL. */
static gti_stretch *closed_within(const gti_stretch *st, const gti_node *n)
{
    gti_stretch *found = NULL;
    for (gti_stretch *k = n->stretch; k != st; k = k->parent)
        if (k->closed) found = k;
    return found;
}

static bool makes(const gti_node *n, const gti_tensor *t)
{
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_t(n->pub.out[i]) == t) return true;
    return false;
}

static bool allocate_outputs(const gti_sweep *s, gti_node *n)
{
    if (!gti_recompute_ready(s, n)) return false;
    for (int i = 0; i < n->pub.n_out; i++) {
        gti_tensor *y = gti_t(n->pub.out[i]);
        if (!(y->flags & GTI_RELEASED)) continue;
        if (!gti_allocate(y, n->pub.op->name)) return false;
        y->flags &= (uint16_t)~GTI_RELEASED;
    }
    return true;
}

/* Blocks for everything that will be live after the replay, before any node runs, so that one pass
 * can lead the views (detached tensors too, which no node makes) to them. */
static bool allocate(const gti_sweep *s, const gti_stretch *st)
{
    for (gti_node *n = st->first, *end = st->last->next; n != end; n = n->next) {
        const gti_stretch *inner = closed_within(st, n);
        if (!is_dropped(n) || (inner && !makes(n, inner->result))) continue;
        if (!allocate_outputs(s, n)) return false;
    }
    for (gti_tensor *t = st->youngest; t && t->id > st->begin; t = t->prev)
        if (t->base->flags & GTI_REPLAYED) t->pub.data = t->base->pub.data;
    return true;
}

static void forget(const gti_stretch *st)
{
    for (const gti_node *n = st->first, *end = st->last->next; n != end; n = n->next)
        for (int i = 0; i < n->pub.n_out; i++)
            if (gti_t(n->pub.out[i])->flags & GTI_REPLAYED) gti_release(gti_t(n->pub.out[i]));
}

static bool run_again(gti_node *n)
{
    if (!is_dropped(n)) return true;
    if (!gti_apply_run(&n->pub)) return false;
    for (int i = 0; i < n->pub.n_out; i++) gti_t(n->pub.out[i])->flags &= (uint16_t)~GTI_REPLAYED;
    return true;
}

/* Brings back everything but the inside of closed stretches. After a failure what is not computed
 * is dropped again, and the stretch can be replayed later. */
static bool replay(const gti_sweep *s, gti_stretch *st)
{
    bool ok = allocate(s, st);
    for (gti_node *n = st->first, *end = st->last->next; ok && n != end; n = n->next) {
        gti_stretch *inner = closed_within(st, n);
        if (inner && inner->result->flags & GTI_REPLAYED) {
            ok = replay(s, inner);
            if (ok) close_stretch(inner);
        } else if (!inner) {
            ok = run_again(n);
        }
        if (inner) n = inner->last;
    }
    if (!ok) forget(st);
    return ok;
}

bool gti_checkpoint_open(const gti_sweep *s, gti_stretch *st)
{
    if (st->parent && !gti_checkpoint_open(s, st->parent)) return false;
    if (!st->closed) return true;
    if (!replay(s, st)) return false;
    st->closed = false;
    return true;
}

/* --- recording --- */

/* The nodes recorded since the stretch began; none if `first` stays NULL. */
static void find_nodes(const gt_ctx *gt, gti_stretch *st)
{
    for (gti_node *n = gt->last_node; n && n->id > st->begin; n = n->prev) {
        if (!st->last) st->last = n;
        st->first = n;
    }
}

static bool check(gt_ctx *gt, gt_function f, gt_tensor *const in[], int n)
{
    static const char what[] = "gt_checkpoint";
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return false;
    if (!f) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the function is NULL"), false;
    for (int i = 0; i < n; i++) {
        const char *why = !in[i] ? "is NULL" : gt_unusable(in[i]);
        if (!why && in[i]->ctx != gt) why = "belongs to another context";
        if (why) return gt_fail(gt, GT_ERR_ARGUMENT, what, "input %d %s", i, why), false;
    }
    return true;
}

/* Whether y is a result that the tape still holds, like what stood before the stretch. */
static bool check_result(gt_ctx *gt, const gt_tensor *y, const gti_tensor *before, uint64_t begin)
{
    static const char what[] = "gt_checkpoint";
    if (gt_failed(gt)) return false;
    const gti_tensor *t = gt->last;
    while (t && t->id > begin) t = t->prev;
    if (t != before)
        gt_fail(gt, GT_ERR_STATE, what,
                "the function rewound the tape to before its own beginning");
    else if (!y) gt_fail(gt, GT_ERR_ARGUMENT, what, "the function returned NULL");
    else if (y->ctx != gt)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "the function's result is of another context");
    else return gti_tensor_usable(y, what);
    return false;
}

gt_tensor *gt_checkpoint(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[], int n)
{
    if (!check(gt, f, in, n)) return NULL;
    gti_stretch *st = gti_arena_get(&gt->step, sizeof *st);
    if (!st) return gt_fail(gt, GT_ERR_MEMORY, "gt_checkpoint", "out of memory"), NULL;
    const gti_tensor *before = gt->last;
    const uint64_t begin = gt->clock;
    gti_stretch *outer = gt->stretch;
    *st = (gti_stretch){.parent = outer, .begin = begin};
    gt->stretch = st;
    gt_tensor *y = f(gt, in, user);
    gt->stretch = outer;
    if (!check_result(gt, y, before, begin)) return NULL;
    find_nodes(gt, st);
    st->youngest = gt->last;
    st->result = gti_t(y)->base;
    if (st->first && !gt->recording_all) close_stretch(st);
    gt->special = true;
    return y;
}

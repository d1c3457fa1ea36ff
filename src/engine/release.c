/* Giving back what nobody will read, before the sweep or the rewind does. */
#include <gradtape/autograd.h>

#include "engine/release.h"
#include "engine/sweep.h"

#undef gt_apply
#undef gt_apply_n
#undef gt_apply_over

typedef enum { NOBODY, RULES, WHAT_RUNS_AGAIN } readers;

/* Who will read data of base because of n. What may be run again reads all: stretches of
 * gt_checkpoint, what is recomputed, and what was recorded because everything was. */
static readers reader(const gti_node *n, const gti_tensor *base)
{
    bool named = false, read = false;
    for (int i = 0; i < n->pub.n_in; i++) {
        if (gti_t(n->pub.in[i])->base != base) continue;
        named = true;
        read |= gti_reads_input(n->pub.op, i);
    }
    for (int i = 0; i < n->pub.n_out; i++) {
        if (gti_t(n->pub.out[i])->base != base) continue;
        named = true;
        read |= gti_reads_output(n->pub.op, i);
    }
    if (named && (n->stretch || n->again || !n->pub.needs)) return WHAT_RUNS_AGAIN;
    return read ? RULES : NOBODY;
}

/* The most tensors that are looked through for one that may go early: a container asks for each of
 * its branches, of which there may be thousands. What lies further back waits for the sweep. */
enum { LOOKED_THROUGH = 4096 };

/* Nodes that read base are younger than it. */
static readers readers_of(const gti_tensor *base)
{
    readers all = NOBODY;
    int left = LOOKED_THROUGH;
    for (const gti_node *n = base->pub.ctx->last_node; n && n->id > base->id; n = n->prev) {
        left -= n->pub.n_in + n->pub.n_out;
        const readers one = left < 0 ? WHAT_RUNS_AGAIN : reader(n, base);
        if (one == WHAT_RUNS_AGAIN) return one;
        if (one == RULES) all = one;
    }
    return all;
}

bool gti_release_is_read(const gti_tensor *base)
{
    return readers_of(base) != NOBODY;
}

/* Whether somebody may let base go, if nobody reads it. */
static bool is_loose(const gti_tensor *base)
{
    const gt_ctx *gt = base->pub.ctx;
    const unsigned others = GTI_KEPT | GTI_PINNED | GTI_RELEASED | GTI_DEAD | GTI_TARGET | GTI_SLAB;
    return !(base->flags & others || base->hold || gt->failed || gt->stretch || gt->anomaly) &&
           (!gt->recording_all || (gt->recorder && gt->recomputing));
}

void gt_release(gt_tensor *t)
{
    if (!t) return;
    gti_tensor *base = gti_t(t)->base;
    if (!is_loose(base)) return;
    const gt_ctx *gt = t->ctx;
    const readers all = readers_of(base);
    if (all == NOBODY && !gt->recorder) {
        base->flags |= GTI_GIVEN;
        gti_release(base);
    } else if (all != WHAT_RUNS_AGAIN && gt->recomputing) {
        gti_recompute_drop(base);
    }
}

/* Whether op can write over its first input, and the context lets it. What works by elements may
 * spread its inputs to one shape: its result has that of in[0] where all have. */
static bool is_over(const gt_op *op, int n_in, gt_tensor *const in[])
{
    if (n_in < 1 || !in[0] || !(op->flags & GT_OP_OVER)) return false;
    const gt_dtype dtype = in[0]->dtype;
    if (!op->elements[dtype] && !op->parts[dtype]) return false;
    for (int i = 1; i < n_in; i++)
        if (!in[i] || (op->elements[dtype] && !gt_same_shape(in[i], in[0]))) return false;
    const gti_tensor *x = gti_t(in[0]);
    const gt_ctx *gt = in[0]->ctx;
    return x->base == x && !gt->prefill && !gt->shapes_only && !gt->recording_all;
}

static bool can_go_over(const gt_op *op, int n_in, gt_tensor *const in[])
{
    if (!is_over(op, n_in, in) || !is_loose(gti_t(in[0]))) return false;
    const gti_tensor *x = gti_t(in[0]);
    const gt_ctx *gt = in[0]->ctx;
    if (gti_release_is_read(x)) return false;
    for (int i = 0; i < n_in; i++)
        if (gti_t(in[i])->base == x && gt->recording && gti_reads_input(op, i)) return false;
    return true;
}

/* Whether g is what the sweep gathered for a result of the node whose rule runs, and is its own to
 * change. Smaller ones stay in the cache, wherever they are written. */
static bool is_spent(const gt_tensor *g)
{
    enum { LEAST = 4096 };
    const gt_ctx *gt = g->ctx;
    const gti_node *n = gt->swept;
    const unsigned others = GTI_KEPT | GTI_PINNED | GTI_RELEASED | GTI_DEAD | GTI_TARGET | GTI_SLAB;
    if (!n || gt->recording || gt->recorder || gt->special || gt->anomaly || gt->failed)
        return false;
    if (g->size < LEAST || gti_t(g)->flags & others || !gti_sweep_exclusive(g)) return false;
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_t(n->pub.out[i])->work == g) return !(gti_t(n->pub.out[i])->flags & GTI_TARGET);
    return false;
}

static bool can_go_over_gradient(const gt_op *op, int n_in, gt_tensor *const in[])
{
    if (!is_over(op, n_in, in) || !is_spent(in[0])) return false;
    for (int i = 1; i < n_in; i++)
        if (gti_t(in[i])->base == gti_t(in[0])) return false;
    return true;
}

static void apply_over(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                       gt_tensor *out[])
{
    gt_ctx *gt = in[0]->ctx;
    gt->over = true;
    gti_update_watched(gt);
    gt_apply_n(op, opts, n_in, in, out);
    gt->over = false;
    gti_update_watched(gt);
}

gt_tensor *gt_apply_over(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    gt_tensor *out[GT_OP_OUTPUTS];
    if (!can_go_over(op, n_in, in)) return gt_apply(op, opts, n_in, in);
    apply_over(op, opts, n_in, in, out);
    return out[0];
}

void gti_release_over_gradient(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                               gt_tensor *out[])
{
    if (can_go_over_gradient(op, n_in, in)) apply_over(op, opts, n_in, in, out);
    else gt_apply_n(op, opts, n_in, in, out);
}

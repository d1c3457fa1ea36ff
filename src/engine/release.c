/* Giving back what nobody will read, before the sweep or the rewind does. */
#include <gradtape/autograd.h>

#include "engine/context.h"

#undef gt_apply
#undef gt_apply_over

static bool reads_input(const gt_op *op, int i)
{
    if (op->flags & GT_OP_NO_SAVED) return false;
    return i >= 16 || !(op->unread & GT_UNREAD_IN(i));
}

/* Whether n's rule will read data of base. What may be run again reads all: stretches of
 * gt_checkpoint, and what was recorded because everything was. */
static bool reads(const gti_node *n, const gti_tensor *base)
{
    const bool again = n->stretch || !n->pub.needs;
    for (int i = 0; i < n->pub.n_in; i++)
        if (gti_t(n->pub.in[i])->base == base && (again || reads_input(n->pub.op, i))) return true;
    for (int i = 0; i < n->pub.n_out; i++)
        if (gti_t(n->pub.out[i])->base == base && (again || gti_reads_output(n->pub.op, i)))
            return true;
    return false;
}

/* The most tensors that are looked through for one that may go early: a container asks for each of
 * its branches, of which there may be thousands. What lies further back waits for the sweep. */
enum { LOOKED_THROUGH = 4096 };

/* Nodes that read base are younger than it. */
static bool releasable(const gti_tensor *base)
{
    const gt_ctx *gt = base->pub.ctx;
    const unsigned others = GTI_KEPT | GTI_PINNED | GTI_RELEASED | GTI_DEAD | GTI_TARGET | GTI_SLAB;
    if (base->flags & others || base->hold) return false;
    if (gt->failed || gt->recording_all || gt->stretch || gt->anomaly) return false;
    int left = LOOKED_THROUGH;
    for (const gti_node *n = gt->last_node; n && n->id > base->id; n = n->prev) {
        left -= n->pub.n_in + n->pub.n_out;
        if (left < 0 || reads(n, base)) return false;
    }
    return true;
}

void gt_release(gt_tensor *t)
{
    if (!t) return;
    gti_tensor *base = gti_t(t)->base;
    if (!releasable(base)) return;
    base->flags |= GTI_GIVEN;
    gti_release(base);
}

static bool can_go_over(const gt_op *op, int n_in, gt_tensor *const in[])
{
    if (n_in < 1 || !in[0] || !(op->flags & GT_OP_OVER) || !op->elements[in[0]->dtype])
        return false;
    const gti_tensor *x = gti_t(in[0]);
    const gt_ctx *gt = in[0]->ctx;
    if (x->base != x || gt->watched || !releasable(x)) return false;
    for (int i = 0; i < n_in; i++) {
        if (!in[i] || !gt_same_shape(in[i], in[0])) return false;
        if (gti_t(in[i])->base == x && gt->recording && reads_input(op, i)) return false;
    }
    return true;
}

gt_tensor *gt_apply_over(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[])
{
    if (!can_go_over(op, n_in, in)) return gt_apply(op, opts, n_in, in);
    gt_ctx *gt = in[0]->ctx;
    gt->over = gt->watched = true;
    gt_tensor *y = gt_apply(op, opts, n_in, in);
    gt->over = gt->watched = false;
    return y;
}

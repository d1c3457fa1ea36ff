/* One backward walk over the tape. */
#ifndef GTI_ENGINE_SWEEP_H
#define GTI_ENGINE_SWEEP_H

#include "engine/context.h"
#include <gradtape/autograd.h>

typedef struct {
    gt_ctx *gt;
    const char *what;   /* "gt_backward", for messages */
    bool create;        /* record what the rules compute */
    bool keeping;       /* what is no longer needed stays: create, or everything is recorded */
    bool freeing;       /* release activations that are no longer needed */
    bool attentive;     /* there may be hooks, checkpoints, results that were dropped, or anomaly
                         * checks are on */
    bool twins;         /* rules read what was made again beside what was dropped */
    bool selective;     /* only what lies between the outputs and tensors with GTI_TARGET */
    uint64_t path;      /* marks the nodes of this sweep, where it is selective or attentive */
    gti_tensor *leaves; /* that have gathered work, linked by next_touched */
    int64_t pending;    /* results whose work waits for their node */
} gti_sweep;

/* Around what a sweep computes. Returns the context's setting of recording, to be restored. */
bool gti_sweep_enter(const gti_sweep *s);
void gti_sweep_leave(const gti_sweep *s, bool recording);
/* Adds upstream (NULL: ones) to the work of y. */
bool gti_sweep_seed(gti_sweep *s, gt_tensor *y, gt_tensor *upstream);
/* Walks from `last` back until no work is pending. On failure every work pointer is cleared. On
 * success leaves (and targets) still have theirs. */
bool gti_sweep_run(gti_sweep *s, gti_node *last);
/* Clears every work pointer from the outputs of `from` back. */
void gti_sweep_abandon(gti_sweep *s, gti_node *from);
/* Drops a work or grad pointer to g; data that nobody holds goes back to the pool. */
void gti_sweep_unhold(const gti_sweep *s, gt_tensor *g);
/* Whether g's data is the engine's own, not the user's or of an activation that it has taken over.
 */
bool gti_sweep_made(const gti_sweep *s, const gt_tensor *g);
/* g is the user's: a sweep neither releases nor changes it, nor makes it somebody's gradient. */
void gti_sweep_spare(gt_tensor *g);
/* Whether only one pointer refers to g's data and nothing recorded reads it, so that it may change
 * in place. */
bool gti_sweep_exclusive(const gt_tensor *g);
/* Releases what was made after `before` and nobody holds. */
void gti_sweep_release_since(const gti_sweep *s, const gti_tensor *before);

/* Calls t's hooks on its gathered work, and puts what they return in its place. */
bool gti_hooks_run(const gti_sweep *s, gti_tensor *t);
/* Marks the nodes that the sweep will reach, and notes of each leaf with hooks the oldest of them
 * that reads it: behind that one its gradient is complete. */
void gti_hooks_schedule(gti_sweep *s, gti_node *last);
/* Fails if the gradient g of x holds NaN or Inf. */
bool gti_anomaly_gradient_finite(const gti_sweep *s, const gt_tensor *x, const gt_tensor *g);
/* Of a node that cannot be passed; all but gti_refuse_freed fail and return false. Its activations
 * were released; t, which it reads or made, was changed in place, `role` saying what t is to it;
 * its rule gave input i a gradient g of another shape or dtype; its rule failed. */
GTI_COLD bool gti_refuse_spent(const gti_sweep *s, const gti_node *n);
GTI_COLD bool gti_refuse_stale(const gti_sweep *s, const gti_node *n, const gt_tensor *t,
                               const char *role);
GTI_COLD bool gti_refuse_gradient(const gti_sweep *s, const gti_node *n, int i, const gt_tensor *g);
GTI_COLD bool gti_refuse_rule(const gti_sweep *s, const gti_node *n);
/* Fails and returns true if one of its inputs was freed. */
bool gti_refuse_freed(const gti_sweep *s, const gti_node *n);
/* Whether t, which n reads or made, was changed in place since; then fails. */
static inline bool gti_sweep_stale(const gti_sweep *s, const gti_node *n, const gt_tensor *t,
                                   const char *role)
{
    return gti_t(t)->base->version > n->id && !gti_refuse_stale(s, n, t, role);
}
/* Recomputes what gt_checkpoint dropped of a stretch and those around it, if that is still to do.
 */
bool gti_checkpoint_open(const gti_sweep *s, gti_stretch *st);
/* Whether n can be run again, with what it read then; otherwise fails. */
bool gti_recompute_ready(const gti_sweep *s, const gti_node *n);
/* Makes what n's rule reads again where it was dropped. */
bool gti_recompute_for(const gti_sweep *s, const gti_node *n);
/* n will not run again: nobody waits for its sake any more. */
void gti_recompute_over(const gti_node *n);
/* n's rule, of a step that is being captured: results that are read again are made again by
 * operations, which replays run at this place; n itself names those of the forward pass. */
bool gti_recompute_rule(const gti_node *n, gt_tensor *const gout[], gt_tensor *gin[]);

/* --- gradients of leaves --- */

/* A leaf's grad, or NULL where that is of a step which is over, since the leaf has changed: it is
 * still there where the tape was not rewound, or to a mark that was set after that step. Or the
 * program has kept it and freed it. */
gt_tensor *gti_autograd_grad_of(const gti_tensor *leaf);

/* A leaf whose gradient a captured step took away, or gave it. */
typedef struct gti_grad_use {
    gti_tensor *leaf;
    gt_tensor *added_to;       /* what it had; NULL: none, or one that was over */
    bool renewed;              /* whatever it had: the step has taken that away, or ended it */
    uint64_t id;               /* its time, on the context's clock */
    struct gti_grad_use *next; /* the one before */
} gti_grad_use;

#endif

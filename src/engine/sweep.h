/* One backward walk over the tape. */
#ifndef GTI_ENGINE_SWEEP_H
#define GTI_ENGINE_SWEEP_H

#include "engine/context.h"

typedef struct {
    gt_ctx *gt;
    const char *what;   /* "gt_backward", for messages */
    bool create;        /* record what the rules compute */
    bool freeing;       /* release activations that are no longer needed */
    bool selective;     /* only what lies between the outputs and tensors with GTI_TARGET */
    uint64_t path;      /* selective: marks the nodes of this sweep */
    gti_tensor *leaves; /* that have gathered work, linked by next_touched */
    int64_t pending;    /* results whose work waits for their node */
} gti_sweep;

/* Adds upstream (NULL: ones) to the work of y. */
bool gti_sweep_seed(gti_sweep *s, gt_tensor *y, gt_tensor *upstream);
/* Walks from `last` back until no work is pending. On failure every work pointer is cleared. On
 * success leaves (and targets) still have theirs. */
bool gti_sweep_run(gti_sweep *s, gti_node *last);
/* Clears every work pointer from the outputs of `from` back. */
void gti_sweep_abandon(gti_sweep *s, gti_node *from);
/* Drops a work or grad pointer to g; data that nobody holds goes back to the pool. */
void gti_sweep_unhold(const gti_sweep *s, gt_tensor *g);
/* Whether only one pointer refers to g's data and nothing recorded reads it, so that it may change
 * in place. */
bool gti_exclusive(const gt_tensor *g);

#endif

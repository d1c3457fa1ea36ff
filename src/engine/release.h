/* What data somebody reads, and giving back what nobody does. */
#ifndef GTI_ENGINE_RELEASE_H
#define GTI_ENGINE_RELEASE_H

#include "engine/context.h"

/* Whether the rule of op reads values of input i, of output i. */
static inline bool gti_reads_input(const gt_op *op, int i)
{
    if (op->flags & GT_OP_NO_SAVED) return false;
    return i >= 16 || !(op->unread & GT_UNREAD_IN(i));
}

static inline bool gti_reads_output(const gt_op *op, int i)
{
    return !(op->flags & GT_OP_NO_SAVED) && !(op->unread & GT_UNREAD_OUT(i));
}

/* --- release.c --- */
/* gt_apply_n of an operation with GT_OP_OVER by a backward rule on in[0], a gout[i] that it does
 * not read again: if nobody else holds it and nothing is recorded, out[0] takes its block. */
void gti_release_over_gradient(const gt_op *op, const void *opts, int n_in, gt_tensor *const in[],
                               gt_tensor *out[]);
/* Whether the rule of something recorded reads data of base. */
bool gti_release_is_read(const gti_tensor *base);

/* --- recompute.c --- */
enum { GTI_RECOMPUTED_LEAST = 1 << 14 };
/* Drops t, which rules read, where its node can make it again. */
void gti_recompute_drop(gti_tensor *t);

#endif

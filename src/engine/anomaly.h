/* Where NaN and Inf come from, for messages. */
#ifndef GTI_ENGINE_ANOMALY_H
#define GTI_ENGINE_ANOMALY_H

#include "engine/context.h"

typedef struct {
    double low, high; /* of the finite elements; low > high: there are none */
    int64_t n_zero, n_nan, n_inf;
    int64_t first; /* that is not finite; -1: all are */
} gti_range;
gti_range gti_anomaly_range(const gt_tensor *t);

/* --- anomaly_tree.c: lines for the failure that was just made --- */
/* "x: from 0 to 1, 3 of 8 are 0; the result of softmax (train.c:42), [2,4]", indented; `more` NULL:
 * nothing in between. */
void gti_anomaly_tell(gt_ctx *gt, int depth, const char *role, const gt_tensor *t,
                      const char *more);
/* Why element `at` of y, which n has made of finite inputs, is not finite, as far as that is known;
 * then n's inputs, and below the one that is to blame those of what made it, and so on. */
void gti_anomaly_tell_causes(const gt_node *n, const gt_tensor *y, int64_t at);
/* t, and what it was made from. */
void gti_anomaly_tell_origin(gt_ctx *gt, const char *role, const gt_tensor *t);

#endif

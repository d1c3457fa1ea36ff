/* Elementwise losses, and picking one element a row. */
#ifndef GTI_KERNELS_LOSS_H
#define GTI_KERNELS_LOSS_H

#include "kernels/reduce.h"

/* Kernels of two arrays of one shape, by name; the formulas are in loss.def. */
typedef enum {
#define GTI_PAIR(name, formula) GTI_PAIR_##name,
#include "kernels/loss.def"
#undef GTI_PAIR
    GTI_N_PAIRS
} gti_pair;

typedef struct {
    /* y[i] = f(x[i], t[i], s), i < n */
    void (*pair[GTI_N_PAIRS])(int64_t n, const void *x, const void *t, double s, void *y);

    /* y[i] = dy times x[i] - t[i], that moved into [-delta, delta]; dy is dy[i] or, unless `each`,
     * dy[0]. */
    void (*huber_dx)(int64_t n, const void *dy, bool each, const void *x, const void *t,
                     double delta, void *y);

    /* y[o,i] = x[o,index[o,i],i]; 0 where the index is `skip`, NaN where it is beyond 0..n-1. */
    void (*pick)(const gti_along *s, int64_t skip, const void *x, const int64_t *index, void *y);
    /* x [outer,n,inner] = 0, but for x[o,index[o,i],i] = y[o,i] where pick would read. */
    void (*place)(const gti_along *s, int64_t skip, const void *y, const int64_t *index, void *x);
} gti_loss_kernels;

#endif

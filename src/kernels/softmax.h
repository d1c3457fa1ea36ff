/* Softmax and its kin, along the middle dimension of x [outer,n,inner]. Exponentials are taken of
 * differences to the largest element, sums in double. */
#ifndef GTI_KERNELS_SOFTMAX_H
#define GTI_KERNELS_SOFTMAX_H

#include "kernels/reduce.h"

/* What a classification's rows are compared with. */
typedef struct {
    gti_along s;           /* n classes */
    const int64_t *target; /* [outer,inner], the class of each row */
    int64_t ignore;        /* rows of this class do not count: loss and gradient are 0 */
    double smoothing;      /* this part of the target is spread over all classes */
} gti_classes;

typedef struct {
    /* y[o,i] = log of the sum of exp x[o,r,i] over r; -infinity when n is 0. */
    void (*logsumexp)(const gti_along *s, const void *x, void *y);

    /* y = exp(x) / sum of exp(x), y = x - log of that sum. */
    void (*softmax)(const gti_along *s, const void *x, void *y);
    void (*log_softmax)(const gti_along *s, const void *x, void *y);

    /* dx = y (dy - sum of dy y), dx = dy - exp(y) sum of dy */
    void (*softmax_dx)(const gti_along *s, const void *y, const void *dy, void *dx);
    void (*log_softmax_dx)(const gti_along *s, const void *y, const void *dy, void *dx);

    /* q is the target as probabilities: loss[o,i] = - sum of q log softmax(x), and dx = softmax(x)
     * - q. Returns the number of rows that count. A class beyond 0..n-1 gives NaN. */
    int64_t (*cross_entropy)(const gti_classes *c, const void *x, void *loss, void *dx);
} gti_softmax_kernels;

#endif

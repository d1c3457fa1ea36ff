/* Kernels that reduce x [outer,n,inner] along its middle dimension to y [outer,inner], sums apart,
 * and what belongs to them. outer, n or inner may be 0. Long accumulations are in double. */
#ifndef GTI_KERNELS_REDUCE_H
#define GTI_KERNELS_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t outer, n, inner;
    int64_t columns; /* of inner, that many from x's and y's first on are meant; 0: all */
} gti_along;

typedef struct {
    /* y[o,i] = the product of x[o,r,i] over r; 1 when n is 0. */
    void (*prod)(const gti_along *s, const void *x, void *y);

    /* dx[o,r,i] = dy[o,i] times the product of x[o,q,i] over all q but r. */
    void (*prod_dx)(const gti_along *s, const void *x, const void *dy, void *dx);

    /* y[o,i] = the sum of (x[o,r,i] - mean)^2 over r, divided by divisor; its square root when
     * root. Two passes. NaN when n is 0. */
    void (*var)(const gti_along *s, double divisor, bool root, const void *x, void *y);

    /* y[o,i] = the sum of |x[o,r,i]|, or the square root of the sum of squares when euclidean,
     * which neither overflows nor underflows before y does. */
    void (*norm)(const gti_along *s, bool euclidean, const void *x, void *y);

    /* y[o,i] = the largest (or smallest) x[o,r,i] and index[o,i] the first r where it is; a NaN
     * counts as beyond all. y or index may be NULL. n > 0. */
    void (*extreme)(const gti_along *s, bool largest, const void *x, void *y, int64_t *index);

    /* share[o,r,i] = 1 / the number of r where x[o,r,i] is y[o,i], in those places; 0 elsewhere.
     * Of NaN all are the same. */
    void (*share)(const gti_along *s, const void *x, const void *y, void *share);

    /* y[o,r,i] = the sum of x[o,q,i] over q <= r, or over q >= r when reverse; y has x's shape. */
    void (*cumsum)(const gti_along *s, bool reverse, const void *x, void *y);
} gti_reduce_kernels;

#endif

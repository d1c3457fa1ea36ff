/* Kernels of the normalisations: y = (x - mean) * rstd * weight + bias, where mean and rstd, the
 * inverse deviation 1 / sqrt(variance + eps), belong to sets of elements.
 *
 * All of them see x as [n,groups,channels,inner]. A set is [channels,inner], or, when pooled
 * (channels is 1 then), what has the same group: [n,inner]. There are n groups sets, or groups of
 * them. weight and bias are [groups,channels].
 *
 *   layer norm of rows of m    n rows, groups 1, channels m, inner 1
 *   group norm                 groups, channels a group, inner the pixels
 *   batch norm                 groups the channels, channels 1, inner the pixels, pooled
 *
 * Not centred is as if the mean were 0, with the mean square for a variance; mean and bias are NULL
 * then, and nothing is pooled. A range of the images, or of the groups when pooled, can stand for
 * all. Statistics are summed in double and in blocks. No size is negative,
 * any may be 0. */
#ifndef GTI_KERNELS_NORMALIZE_H
#define GTI_KERNELS_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows in the same pass; its result tells its slope. */
typedef enum { GTI_THEN_NOTHING, GTI_THEN_RELU, GTI_THEN_RELU6 } gti_normalize_then;

typedef struct {
    int64_t n, groups, channels, inner;
    int64_t step; /* from an image of x to the next, where pooled */
    bool pooled;
    bool given;              /* where pooled, for the gradient: mean and rstd are no results of x */
    gti_normalize_then then; /* where pooled */
} gti_normalize;

typedef struct {
    /* Bytes of scratch that the kernels below need, with this size of an element. */
    size_t (*scratch)(const gti_normalize *s);
    /* y, and of each set mean, rstd and variance; variance may be NULL. */
    void (*forward)(const gti_normalize *s, const void *x, const void *weight, const void *bias,
                    double eps, void *y, void *mean, void *rstd, void *variance, void *scratch);
    /* Elements begin to end of y [n,channels,inner] for a mean and a variance [channels] that are
     * given. y may be x. */
    void (*apply)(int64_t begin, int64_t end, int64_t channels, int64_t inner, const void *x,
                  const void *weight, const void *bias, const void *mean, const void *variance,
                  double eps, void *y);
    /* dx, and sums [2,groups channels], from dy - where s->then follows, with y its result (else
     * NULL), from the slope that dy and y give -, which is 0 where it counts for mean and rstd:
     * with h = (x - mean) rstd, g = dy weight and M the mean over a set dx = rstd (g - M(g) - h M(g
     * h))   sums[0] = sum of dy   sums[1] = sum of dy h; where statistics are given dx = rstd g */
    void (*grad)(const gti_normalize *s, const void *dy, const void *y, const void *x,
                 const void *weight, const void *mean, const void *rstd, void *dx, double *sums,
                 void *scratch);
    /* dweight and dbias (which may be NULL) [channels]: sums [parts,2,channels] of that kind, added
     * up. parts > 0. */
    void (*add)(int64_t parts, int64_t channels, const double *sums, void *dweight, void *dbias);
} gti_normalize_kernels;

#endif

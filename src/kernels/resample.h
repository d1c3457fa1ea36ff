/* Kernels for resizing planes [planes,h,w] to [planes,oh,ow]. All sizes are positive, but for
 * planes. */
#ifndef GTI_KERNELS_RESAMPLE_H
#define GTI_KERNELS_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Along one dimension an output is weight[0] x[at[0]] + weight[1] x[at[1]]. */
typedef struct {
    int64_t at[2];
    double weight[2];
} gti_blend;

typedef struct {
    int64_t planes, h, w, oh, ow;
    const gti_blend *rows, *cols; /* [oh], [ow] */
    bool single;                  /* the first input alone counts, with weight 1 */
    void *row;                    /* working memory, [w] */
} gti_resample;

typedef struct {
    void (*resize)(const gti_resample *s, const void *x, void *y);
    /* dx = the gradient of sum(dy . y) in x */
    void (*resize_dx)(const gti_resample *s, const void *dy, void *dx);
} gti_resample_kernels;

#endif

/* Kernels between images and the columns of their windows. */
#ifndef GTI_KERNELS_FOLD_H
#define GTI_KERNELS_FOLD_H

#include "kernels/pool.h"

typedef struct {
    /* y [n,c kh kw,oh ow] = what each tap of each window reads of x [n,c,h,w], 0 in padding. Of s,
     * planes is n. */
    void (*unfold)(const gti_pool2d *s, int64_t c, const void *x, void *y);
    /* x [n,c,h,w] = every element of y added up where unfold would have read it */
    void (*fold)(const gti_pool2d *s, int64_t c, const void *y, void *x);
} gti_fold_kernels;

#endif

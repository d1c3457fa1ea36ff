/* Copies between strided layouts, in parts. */
#ifndef GTI_OPS_COPYING_H
#define GTI_OPS_COPYING_H

#include "common.h"

/* Divides a copy of this shape, by one of its dimensions. */
void gti_copying_divide(gt_node *n, int stage, const gt_shape *shape);
/* Copies a range of it; x and y point at element [0,..,0], as in gti_copy_strided. */
void gti_copying_run(const gt_node *n, const gt_range *r, const gt_shape *shape, const void *x,
                     const int64_t *xstride, void *y, const int64_t *ystride);

#endif

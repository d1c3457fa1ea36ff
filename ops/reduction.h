/* What reductions share: sets of axes, and x seen as [outer,n,inner] with n reduced. */
#ifndef GTI_OPS_REDUCTION_H
#define GTI_OPS_REDUCTION_H

#include "common.h"

/* Bit i of *reduced: dimension i of n's input 0 is in the set of axes; in the empty set are all.
 * False after a failure. */
bool gti_reduced_dims(const gt_node *n, unsigned axes, unsigned *reduced);
gt_shape gti_reduced_shape(gt_shape x, unsigned reduced, bool keepdim);
void gti_reduce_shape(const gt_shape *x, unsigned reduced, bool keepdim, gt_shape *y);

/* Shape rule of y = a reduction of input 0: sets y's shape, and the scratch of gti_reduce_from. */
bool gti_infer_reduction(gt_node *n, unsigned axes, bool keepdim);

/* Input 0 as [outer,n,inner]. */
typedef struct {
    gti_along s;
    const void *x;
} gti_reduced;
/* Its elements lie in scratch when the axes do not lie side by side. For output 0, or into this
 * many elements. */
gti_reduced gti_reduce_from(gt_node *n, unsigned axes);
gti_reduced gti_reduce_to(gt_node *n, unsigned axes, int64_t kept);
/* The way back: from the order of scratch, kept dimensions first, to input 0's. */
void gti_reduce_scatter(gt_node *n, unsigned axes, const void *sorted, void *to);

/* The number of elements that are reduced to each of y; 0 when y has none. */
int64_t gti_reduced_count(const gt_node *n);

/* t, of the shape of n's output 0, with the reduced dimensions of size 1 put back: broadcasts to
 * x. */
gt_tensor *gti_unreduced(const gt_node *n, unsigned axes, gt_tensor *t);
/* The same, repeated to x's shape. */
gt_tensor *gti_repeated(const gt_node *n, unsigned axes, gt_tensor *t);

/* Half of what dy is y's multiple of, where dy is the gradient of y's square and was recorded as
 * such; else NULL. A length y has no derivative at 0, but its square has: with this factor a rule
 * leaves y out. */
gt_tensor *gti_factor_of_square(const gt_tensor *dy, const gt_tensor *y);

/* x as [outer,n,inner] along one axis of it, all sizes 0 when it is empty. */
gti_along gti_along_axis(gt_shape x, int axis);

#endif

/* What reductions share: sets of axes, and x seen as [outer,n,inner] with n reduced. */
#ifndef GTI_OPS_REDUCTION_H
#define GTI_OPS_REDUCTION_H

#include "common.h"

/* Bit i of *reduced: dimension i of n's input 0 is in the set of axes; in the empty set are all.
 * False after a failure. */
bool gti_reduction_dims(const gt_node *n, unsigned axes, unsigned *reduced);
gt_shape gti_reduction_shape(gt_shape x, unsigned reduced, bool keepdim);
void gti_reduction_set_shape(const gt_shape *x, unsigned reduced, bool keepdim, gt_shape *y);

/* order [ndim]: the dimensions, kept ones first. */
void gti_reduction_order(int ndim, unsigned reduced, int *order);

/* Rows of attributes, of options with axes and keepdim. */
#define GTI_KEEPDIM_ATTR(type)                                                                     \
    {                                                                                              \
        GT_OPTION("keepdim", type, keepdim), .meaning = "keep the reduced axes, with size 1"       \
    }
#define GTI_REDUCTION_ATTRS(type)                                                                  \
    {GT_OPTION("axes", type, axes), .meaning = "a set of those to reduce: GT_AXES(0, -1)"},        \
        GTI_KEEPDIM_ATTR(type)

/* Shape rule of y = a reduction of input 0: sets y's shape, and the scratch of gti_reduction_from.
 */
bool gti_reduction_infer(gt_node *n, unsigned axes, bool keepdim);

/* Input 0 as [outer,n,inner]. */
typedef struct {
    gti_along s;
    const void *x;
} gti_reduced;
/* Its elements lie in scratch when the axes do not lie side by side. For output 0, or into this
 * many elements. */
gti_reduced gti_reduction_from(gt_node *n, unsigned axes);
gti_reduced gti_reduction_to(gt_node *n, unsigned axes, int64_t kept);
/* The way back: from the order of scratch, kept dimensions first, to input 0's. */
void gti_reduction_scatter(gt_node *n, unsigned axes, const void *sorted, void *to);

/* The number of elements that are reduced to each of y; 0 when y has none. */
int64_t gti_reduction_count(const gt_node *n);

/* t, of the shape of n's output 0, with the reduced dimensions of size 1 put back: broadcasts to
 * x. */
gt_tensor *gti_reduction_undo(const gt_node *n, unsigned axes, gt_tensor *t);
/* The same, repeated to x's shape. */
gt_tensor *gti_reduction_repeat(const gt_node *n, unsigned axes, gt_tensor *t);

/* Half of what dy is y's multiple of, where dy is the gradient of y's square and was recorded as
 * such; else NULL. A length y has no derivative at 0, but its square has: with this factor a rule
 * leaves y out. */
gt_tensor *gti_reduction_factor_of_square(const gt_tensor *dy, const gt_tensor *y);

/* x as [outer,n,inner] along one axis of it, all sizes 0 when it is empty. */
gti_along gti_reduction_along(gt_shape x, int axis);

/* --- parts --- */

/* Divides a stage by outer, or by blocks of inner's columns where there are more of them; cost of
 * an element. One part at least where there is something to write. */
void gti_reduction_along_divide(gt_node *n, int stage, const gti_along *s, double cost);
/* A range of it, and where it begins in x and in y. */
typedef struct {
    gti_along s;
    int64_t x, y;
} gti_along_range;
gti_along_range gti_reduction_along_range_of(const gt_node *n, const gt_range *r,
                                             const gti_along *s);

/* Reductions over axes that may not lie side by side: infer's part, after gti_reduction_infer, and
 * what the operation's parts begin with: false when there is nothing more to do in this stage. */
void gti_reduction_divide(gt_node *n, unsigned axes, double cost);
typedef struct {
    gti_along s;
    const void *x;
    void *y; /* of output 0 */
} gti_reduction;
bool gti_reduction_begin(gt_node *n, const gt_range *r, unsigned axes, gti_reduction *part);

/* The other way: operations on x and y, which is x with its axes reduced to size 1, whose result
 * has x's shape and is made by a kernel. Shape rule, with y's name for its message; and parts. */
typedef struct {
    unsigned axes;
} gti_back_opts;
typedef void gti_back_kernel(const gti_along *s, const void *x, const void *y, void *out);
bool gti_reduction_back_infer(gt_node *n, const char *y);
void gti_reduction_back(gt_node *n, const gt_range *r, gti_back_kernel *kernel);

/* The sum of many numbers: divides their chunks (GTI_SUM_CHUNK), which are summed one by one into
 * `sums` [gti_reduction_chunks(size)], and is one more stage, where there are several parts. */
static inline int64_t gti_reduction_chunks(int64_t size)
{
    return (size + GTI_SUM_CHUNK - 1) / GTI_SUM_CHUNK;
}
static inline void gti_reduction_chunks_divide(gt_node *n, int64_t size, double cost)
{
    n->parts[0] = 1;
    if (size <= GTI_SUM_CHUNK) return;
    n->parts[0] = gt_parts(n, gti_reduction_chunks(size), GTI_SUM_CHUNK * cost);
    n->parts[1] = n->parts[0] > 1;
}
/* The elements of a range of chunks. */
gti_items gti_reduction_chunks_of(const gt_node *n, const gt_range *r, int64_t size);

#endif

/* Padding: y is x with further elements before and after it, or fewer, along each axis. */
#ifndef GTI_KERNELS_PAD_H
#define GTI_KERNELS_PAD_H

#include <stddef.h>
#include <stdint.h>

#define GTI_PAD_DIMS 8

/* What stands outside x. */
typedef enum {
    GTI_PAD_CONSTANT,
    GTI_PAD_REFLECT,   /* x mirrored at its first and last element, which are not repeated */
    GTI_PAD_REPLICATE, /* x's first or last element */
    GTI_PAD_CIRCULAR,  /* x again from its other end, without what is cut off there */
} gti_pad_mode;

/* Element j of y along axis a stands at j - before[a] along that of x. x and y are
 * [..ndim dimensions..,inner]. Outside, at most n - 1 (reflect) or as many places as are not
 * cut off (circular) before and after x are asked for, and none (but for a constant) where n is 0.
 */
typedef struct {
    gti_pad_mode mode;
    int ndim;
    int64_t x[GTI_PAD_DIMS], y[GTI_PAD_DIMS], before[GTI_PAD_DIMS];
    int64_t inner;
} gti_pad;

/* How many elements of y from j on along an axis, one of them within x, lie within x. */
static inline int64_t gti_pad_inside(const gti_pad *p, int axis, int64_t j)
{
    const int64_t end = p->before[axis] + p->x[axis];
    return (end < p->y[axis] ? end : p->y[axis]) - j;
}

/* Where on x's axis element j of y's comes from; -1 for the constant. */
int64_t gti_pad_source(const gti_pad *p, int axis, int64_t j);

/* Writes y; value is the constant, one element (of 1, 4 or 8 bytes). */
void gti_pad_copy(const gti_pad *p, size_t element, const void *x, const void *value, void *y);

typedef struct {
    /* Adds each element of y to the element of x that it was copied from. */
    void (*fold)(const gti_pad *p, const void *y, double *x);
} gti_pad_kernels;

#endif

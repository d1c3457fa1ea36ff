#include "copying.h"

enum { ENOUGH = 16, COST = 2 }; /* of an element */

/* The outermost dimension with enough elements, or else the longest. */
static int cut_of(const gt_shape *shape)
{
    int longest = 0;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] >= ENOUGH) return i;
        if (shape->dim[i] > shape->dim[longest]) longest = i;
    }
    return longest;
}

void gti_copying_divide(gt_node *n, int stage, const gt_shape *shape)
{
    const int64_t items = shape->ndim > 0 ? shape->dim[cut_of(shape)] : 1;
    double work = COST;
    for (int i = 0; i < shape->ndim; i++) work *= (double)shape->dim[i];
    n->parts[stage] = work > 0 ? gt_parts(n, items, work / (double)items) : 0;
}

void gti_copying_run(const gt_node *n, const gt_range *r, const gt_shape *shape, const void *x,
                     const int64_t *xstride, void *y, const int64_t *ystride)
{
    const gt_dtype dtype = n->out[0]->dtype;
    const size_t element = gt_dtype_size(dtype);
    const int64_t whole = n->out[0]->size * (int64_t)element;
    if (r->end - r->begin == n->parts[r->stage]) {
        gti_copy_strided(shape->ndim, shape->dim, element, x, xstride, y, ystride, whole);
        return;
    }
    gt_shape part = *shape;
    const int cut = cut_of(shape);
    const gti_items items = gti_items_of(n, r, shape->dim[cut]);
    part.dim[cut] = items.count;
    gti_copy_strided(part.ndim, part.dim, element,
                     gti_const_at(x, items.first * xstride[cut], dtype), xstride,
                     gti_at(y, items.first * ystride[cut], dtype), ystride, whole);
}

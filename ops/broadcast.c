#include "broadcast.h"

void gti_broadcast_strides(gt_shape x, gt_shape shape, int64_t stride[GT_MAX_DIMS])
{
    int64_t own[GT_MAX_DIMS];
    gti_strides(x, own);
    const int missing = shape.ndim - x.ndim;
    for (int i = 0; i < shape.ndim; i++) {
        const int j = i - missing;
        stride[i] = j < 0 || x.dim[j] == 1 ? 0 : own[j];
    }
}

/* Merges the outermost kept dimension of w with the next one inward, (dim, sa, sb), if both
 * operands go through the two as through one; otherwise appends it. */
static void push_dim(gti_walk *w, int64_t dim, int64_t sa, int64_t sb)
{
    const int last = w->ndim - 1;
    if (last >= 0 && w->sa[last] == sa * dim && w->sb[last] == sb * dim) {
        w->dim[last] *= dim;
        w->sa[last] = sa;
        w->sb[last] = sb;
        return;
    }
    w->dim[w->ndim] = dim;
    w->sa[w->ndim] = sa;
    w->sb[w->ndim] = sb;
    w->ndim++;
}

void gti_walk_init(gti_walk *w, gt_shape shape, const int64_t *sa, const int64_t *sb)
{
    *w = (gti_walk){.row = 1, .rows = 1};
    for (int i = 0; i < shape.ndim; i++)
        if (shape.dim[i] != 1) push_dim(w, shape.dim[i], sa[i], sb[i]);
    if (w->ndim > 0) {
        w->ndim--;
        w->row = w->dim[w->ndim];
        w->row_sa = w->sa[w->ndim];
        w->row_sb = w->sb[w->ndim];
    }
    for (int i = 0; i < w->ndim; i++) w->rows *= w->dim[i];
}

void gti_walk_next(gti_walk *w)
{
    for (int i = w->ndim - 1; i >= 0; i--) {
        w->a += w->sa[i];
        w->b += w->sb[i];
        if (++w->index[i] < w->dim[i]) return;
        w->index[i] = 0;
        w->a -= w->sa[i] * w->dim[i];
        w->b -= w->sb[i] * w->dim[i];
    }
}

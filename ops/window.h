/* What operations with windows share (convolutions, pools, folds): options in pairs, checks, and
 * the number of windows along a dimension.
 *
 * One-dimensional operations are two-dimensional ones on images of height 1: their options are the
 * second numbers of pairs, and rank 1 keeps the first ones out of messages. */
#ifndef GTI_OPS_WINDOW_H
#define GTI_OPS_WINDOW_H

#include "common.h"

/* Rows and columns of a shape [n,c,h,w], or [n,c,l] as one row. */
static inline int64_t gti_height(const gt_shape *s)
{
    return s->ndim == 3 ? 1 : s->dim[2];
}

static inline int64_t gti_width(const gt_shape *s)
{
    return s->dim[s->ndim - 1];
}

/* Makes y [n,c,h,w], or [n,c,w] at rank 1. */
static inline void gti_set_image_shape(gt_shape *y, int rank, int64_t n, int64_t c, int64_t h,
                                       int64_t w)
{
    y->ndim = rank + 2;
    y->dim[0] = n;
    y->dim[1] = c;
    y->dim[2] = h;
    y->dim[rank + 1] = w;
}

/* A dimension seen by windows: the padded input and the window, spread out by dilation. */
typedef struct {
    int64_t padded, window;
} gti_side;

/* kernel is positive. False on overflow. */
static inline bool gti_side_of(int64_t in, int64_t padding, int64_t kernel, int64_t dilation,
                               gti_side *side)
{
    return gti_size_add(in, padding, &side->padded) &&
           gti_size_mul(kernel - 1, dilation, &side->window) &&
           gti_size_add(side->window, 1, &side->window);
}

/* The number of windows in a side that has room for one. A division costs more than all the rest of
 * a shape rule. */
static inline int64_t gti_windows_in(gti_side side, int64_t stride)
{
    const int64_t way = side.padded - side.window;
    return (stride <= 1 ? way : way / stride) + 1; /* strides are positive */
}

/* "{2, 1}" and "2x1", or "1" at rank 1. */
#define GTI_PAIR_TEXT(rank, a, b) gti_window_pair_text(rank, true, a, b, (char[64]){0})
#define GTI_SIZE_TEXT(rank, a, b) gti_window_pair_text(rank, false, a, b, (char[64]){0})
const char *gti_window_pair_text(int rank, bool braces, int64_t a, int64_t b, char buf[64]);

/* The failures of the checks below. Each returns false. */
bool gti_window_fail_positive(const gt_node *n, int rank, const char *what, int64_t a, int64_t b);
bool gti_window_fail_negative(const gt_node *n, int rank, const char *what, int64_t a, int64_t b);
bool gti_window_fail_images(const gt_node *n, int rank, const char *name, const gt_shape *x);
bool gti_window_fail_fits(const gt_node *n, int rank, gti_side h, gti_side w, bool dilated);
/* Where gti_side_of returns false. */
bool gti_window_fail_side(const gt_node *n);

/* Checks: each returns true, or fails the node. `what` names the pair. */
static inline bool gti_window_check_positive(const gt_node *n, int rank, const char *what,
                                             int64_t a, int64_t b)
{
    return (a > 0 && b > 0) || gti_window_fail_positive(n, rank, what, a, b);
}

static inline bool gti_window_check_not_negative(const gt_node *n, int rank, const char *what,
                                                 int64_t a, int64_t b)
{
    return (a >= 0 && b >= 0) || gti_window_fail_negative(n, rank, what, a, b);
}

/* x has the rank's number of dimensions; a hint says where a batch dimension lacks. */
static inline bool gti_window_check_images(const gt_node *n, int rank, const char *name,
                                           const gt_shape *x)
{
    return x->ndim == rank + 2 || gti_window_fail_images(n, rank, name, x);
}

/* The windows' kernel fits into both sides. */
static inline bool gti_window_check_fits(const gt_node *n, int rank, gti_side h, gti_side w,
                                         bool dilated)
{
    return (h.window <= h.padded && w.window <= w.padded) ||
           gti_window_fail_fits(n, rank, h, w, dilated);
}

/* Images and sequences without a batch, [c,h,w] and [c,l], are a batch of one on the way through an
 * operation. */
gt_tensor *gti_window_add_batch(gt_tensor *x);
gt_tensor *gti_window_drop_batch(gt_tensor *y);
static inline bool gti_window_is_single(const gt_tensor *x, int rank)
{
    return x && x->shape.ndim == rank + 1;
}

/* x, with the right number of dimensions, has neither height nor width 0. */
bool gti_window_check_pixels(const gt_node *n, const gt_shape *x);
/* dy has the shape y that its operation makes of x. */
bool gti_window_check_dy(const gt_node *n, const gt_shape *dy, const gt_shape *x,
                         const gt_shape *y);

/* A shape that came with the options. */
static inline bool gti_window_check_target(const gt_node *n, const gt_shape *target)
{
    int64_t elements, bytes;
    if (!gt_is_shape(target))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(*target));
    return gti_size_of_shape(target->ndim, target->dim, sizeof(double), &elements, &bytes) ||
           gt_op_fail(n, GT_ERR_MEMORY, "the size of shape %s overflows", GTI_SHAPE_TEXT(*target));
}

#endif

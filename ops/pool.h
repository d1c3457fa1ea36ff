/* What the pools share: options of the nodes, shapes, checks. */
#ifndef GTI_OPS_POOL_H
#define GTI_OPS_POOL_H

#include "window.h"

typedef struct {
    int kernel[2], stride[2], padding[2], dilation[2]; /* a stride of 0 is the kernel's size */
    int divisor;                                       /* of means; 0: the number of elements */
    bool ceil_mode, exclude_pad;
    gt_shape target; /* of gradients: the shape of x */
} gti_pool_opts;

/* The pool with options o of x [n,c,h,w] or [n,c,l] into y, which may be NULL. */
gti_pool2d gti_pool_describe(const gti_pool_opts *o, const gt_shape *x, const gt_shape *y);

/* Checks x and n's options (gti_pool_opts) and sets *s and the shape y. */
bool gti_pool_infer(const gt_node *n, int rank, const gt_shape *x, gti_pool2d *s, gt_shape *y);

/* For gt_op.window; n's options are gti_pool_opts. */
gt_window gti_pool_window(const gt_node *n);

/* The scratch that windows of x into y need (none without planes), and their beginning: room for
 * rows and columns. The caller fills both, and divisor. */
bool gti_windows_scratch(gt_node *n, const gt_shape *x, const gt_shape *y);
gti_windows gti_windows_begin(const gt_node *n, const gt_shape *x, const gt_shape *y,
                              gti_span **rows, gti_span **cols);

/* Windows as adaptive pools have them: output i of `out` takes the inputs from floor(i in / out)
 * up to ceil((i + 1) in / out). */
void gti_adaptive_spans(int64_t in, int64_t out, gti_span *span);

#endif

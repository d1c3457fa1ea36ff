/* What the pools share: options of the nodes, shapes, checks. */
#ifndef GTI_OPS_POOL_H
#define GTI_OPS_POOL_H

#include "window.h"

typedef struct {
    gt_keywords gt_;
    int kernel[2], stride[2], padding[2], dilation[2];
    int divisor; /* of means; 0: the number of elements */
    bool ceil_mode, exclude_pad;
    gt_shape target; /* of gradients: the shape of x */
} gti_pool_opts;

/* Rows of attributes: of pools of images, and of sequences, whose first numbers are those of a
 * height of 1. `dilation` is the name of the dilation or "". */
#define GTI_POOL_STRIDE "steps from one window to the next"
#define GTI_POOL_PADDING "what is added to x at either side; at most half the kernel"
#define GTI_POOL_DILATION "steps between the elements of a window"
#define GTI_POOL_CEIL                                                                              \
    {                                                                                              \
        GT_OPTION("ceil_mode", gti_pool_opts, ceil_mode),                                          \
            .meaning = "one more window where strides leave a rest"                                \
    }
// clang-format off
#define GTI_POOL_IMAGES(dilation_name)                                                             \
    {GT_OPTION("kernel", gti_pool_opts, kernel), .required = true, .bounds = GT_POSITIVE,          \
     .meaning = "height and width of a window"},                                                   \
    {GT_OPTION("stride", gti_pool_opts, stride), .same = offsetof(gti_pool_opts, kernel),          \
     .bounds = GT_POSITIVE, .meaning = GTI_POOL_STRIDE},                                           \
    {GT_OPTION(dilation_name, gti_pool_opts, dilation), .otherwise = 1, .bounds = GT_POSITIVE,     \
     .meaning = GTI_POOL_DILATION},                                                                \
    {GT_PADDING("padding", gti_pool_opts, padding), .bounds = GT_NOT_NEGATIVE,                     \
     .meaning = GTI_POOL_PADDING}
#define GTI_POOL_SEQUENCES(dilation_name)                                                          \
    {GT_OPTION("", gti_pool_opts, kernel[0]), .otherwise = 1},                                     \
    {GT_OPTION("", gti_pool_opts, stride[0]), .otherwise = 1},                                     \
    {GT_OPTION("", gti_pool_opts, dilation[0]), .otherwise = 1},                                   \
    {GT_OPTION("", gti_pool_opts, padding[0])},                                                    \
    {GT_OPTION("kernel", gti_pool_opts, kernel[1]), .required = true, .bounds = GT_POSITIVE,       \
     .meaning = "length of a window"},                                                             \
    {GT_OPTION("stride", gti_pool_opts, stride[1]), .same = offsetof(gti_pool_opts, kernel[1]),    \
     .bounds = GT_POSITIVE, .meaning = GTI_POOL_STRIDE},                                           \
    {GT_OPTION(dilation_name, gti_pool_opts, dilation[1]), .otherwise = 1, .bounds = GT_POSITIVE,  \
     .meaning = GTI_POOL_DILATION},                                                                \
    {GT_OPTION("padding", gti_pool_opts, padding[1]), .bounds = GT_NOT_NEGATIVE,                   \
     .meaning = GTI_POOL_PADDING}
// clang-format on

/* The pool with options o of x [n,c,h,w] or [n,c,l] into y, which may be NULL. */
gti_pool2d gti_pool_describe(const gti_pool_opts *o, const gt_shape *x, const gt_shape *y);

/* Checks x and n's options (gti_pool_opts) and sets *s and the shape y. */
bool gti_pool_infer(const gt_node *n, int rank, const gt_shape *x, gti_pool2d *s, gt_shape *y);

/* For gt_op.window; n's options are gti_pool_opts. */
gt_window gti_pool_window(const gt_node *n);

/* Divides the planes [n,c,h,w] or [n,c,l] that are read and written among parts; none where nothing
 * is written. */
void gti_pool_planes_divide(gt_node *n, const gt_shape *from, const gt_shape *to);
/* Where the first of a range's planes begins. */
static inline const void *gti_pool_planes_from(const gt_tensor *x, gti_items planes)
{
    return gti_from(x, planes.first * gti_height(&x->shape) * gti_width(&x->shape));
}
static inline void *gti_pool_planes_to(const gt_tensor *y, gti_items planes)
{
    return gti_to(y, planes.first * gti_height(&y->shape) * gti_width(&y->shape));
}
gti_items gti_pool_planes_of(const gt_node *n, const gt_range *r, const gt_shape *x);

/* The scratch that windows of x into y need, and their beginning: the range's planes, and room for
 * rows and columns. The caller fills both, and divisor. */
bool gti_pool_windows_scratch(gt_node *n, const gt_shape *x, const gt_shape *y);
gti_windows gti_pool_windows_begin(const gt_node *n, const gt_range *r, const gt_shape *x,
                                   const gt_shape *y, gti_span **rows, gti_span **cols);

/* A pool, with its indices where there is room for them, of an x that may have no batch. */
gt_tensor *gti_pool_call(const gt_op *op, int rank, const void *opts, gt_tensor *x,
                         gt_tensor **indices);

/* Windows as adaptive pools have them: output i of `out` takes the inputs from floor(i in / out)
 * up to ceil((i + 1) in / out). */
void gti_pool_adaptive_spans(int64_t in, int64_t out, gti_span *span);

#endif

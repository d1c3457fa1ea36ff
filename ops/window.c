#include "window.h"

#include <stdio.h>

const char *gti_window_pair_text(int rank, bool braces, int64_t a, int64_t b, char buf[64])
{
    if (rank == 1) snprintf(buf, 64, "%lld", (long long)b);
    else if (braces) snprintf(buf, 64, "{%lld, %lld}", (long long)a, (long long)b);
    else snprintf(buf, 64, "%lldx%lld", (long long)a, (long long)b);
    return buf;
}

bool gti_window_fail_positive(const gt_node *n, int rank, const char *what, int64_t a, int64_t b)
{
    return gt_op_fail(n, GT_ERR_ARGUMENT, "%s is %s, must be positive", what,
                      GTI_PAIR_TEXT(rank, a, b));
}

bool gti_window_fail_negative(const gt_node *n, int rank, const char *what, int64_t a, int64_t b)
{
    return gt_op_fail(n, GT_ERR_ARGUMENT, "%s is %s, must not be negative", what,
                      GTI_PAIR_TEXT(rank, a, b));
}

static void hint_dimensions(const gt_node *n, int rank, const gt_shape *x)
{
    const int64_t *d = x->dim;
    if (rank == 2 && x->ndim == 3)
        gt_op_hint(n, "add a batch dimension: gt_reshape(x, GT_SHAPE(1, %lld, %lld, %lld))",
                   (long long)d[0], (long long)d[1], (long long)d[2]);
    if (rank == 1 && x->ndim == 2)
        gt_op_hint(n, "add a batch dimension: gt_reshape(x, GT_SHAPE(1, %lld, %lld))",
                   (long long)d[0], (long long)d[1]);
}

bool gti_window_fail_images(const gt_node *n, int rank, const char *name, const gt_shape *x)
{
    gt_op_fail(n, GT_ERR_SHAPE, "%s %s has %d dimensions, needs %d: %s", name, GTI_SHAPE_TEXT(*x),
               x->ndim, rank + 2, rank == 1 ? "[n,c,l]" : "[n,c,h,w]");
    hint_dimensions(n, rank, x);
    return false;
}

bool gti_window_check_pixels(const gt_node *n, const gt_shape *x)
{
    return (gti_height(x) > 0 && gti_width(x) > 0) ||
           gt_op_fail(n, GT_ERR_SHAPE, "x %s has no pixels", GTI_SHAPE_TEXT(*x));
}

bool gti_window_fail_fits(const gt_node *n, int rank, gti_side h, gti_side w, bool dilated)
{
    return gt_op_fail(n, GT_ERR_SHAPE, "kernel %s%s is larger than the padded input %s",
                      GTI_SIZE_TEXT(rank, h.window, w.window), dilated ? " (dilated)" : "",
                      GTI_SIZE_TEXT(rank, h.padded, w.padded));
}

bool gti_window_fail_side(const gt_node *n)
{
    return gt_op_fail(n, GT_ERR_MEMORY,
                      "the size of the padded input or the dilated kernel overflows");
}

bool gti_window_check_dy(const gt_node *n, const gt_shape *dy, const gt_shape *x, const gt_shape *y)
{
    return gt_same_dims(dy, y) ||
           gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but x %s makes %s", GTI_SHAPE_TEXT(*dy),
                      GTI_SHAPE_TEXT(*x), GTI_SHAPE_TEXT(*y));
}

gt_tensor *gti_window_add_batch(gt_tensor *x)
{
    gt_shape batch = {.ndim = x->shape.ndim + 1, .dim = {1}};
    for (int d = 1; d < batch.ndim; d++) batch.dim[d] = x->shape.dim[d - 1];
    return gt_reshape(x, batch);
}

gt_tensor *gti_window_drop_batch(gt_tensor *y)
{
    return y ? gt_reshape(y, gt_shape_of(y->shape.ndim - 1, y->shape.dim + 1)) : NULL;
}

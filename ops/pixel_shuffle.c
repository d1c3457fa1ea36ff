/* Channels as pixels of a larger image and back, r the factor:
 *
 *   pixel_shuffle    x [..,c r^2,h,w]   y [..,c,h r,w r], y[c, i r + a, j r + b] = x[(c r + a) r +
 * b, i, j] pixel_unshuffle  the other way */
#include "common.h"

static const gt_attr pixel_shuffle_attrs[] = {
    {GT_ARGUMENT("factor", gti_pixel_shuffle_args, factor), .meaning = "of height and width"}};
const gt_attrs gt_attrs_pixel_shuffle = GT_PLAIN_ATTRS(pixel_shuffle_attrs);
static const gt_attr pixel_unshuffle_attrs[] = {
    {GT_ARGUMENT("factor", gti_pixel_unshuffle_args, factor), .meaning = "of height and width"}};
const gt_attrs gt_attrs_pixel_unshuffle = GT_PLAIN_ATTRS(pixel_unshuffle_attrs);

/* Whether x is [..,c,h,w] and the factor at least 1. */
static bool check_shuffled(const gt_tensor *x, int64_t r, const char *what)
{
    if (x->shape.ndim < 3)
        gt_fail(x->ctx, GT_ERR_SHAPE, what, "x %s has %d dimensions, needs [..,c,h,w]",
                GTI_SHAPE_TEXT(x->shape), x->shape.ndim);
    else if (r < 1 || r > INT32_MAX)
        gt_fail(x->ctx, GT_ERR_ARGUMENT, what, "factor is %lld, must be at least 1", (long long)r);
    else return true;
    return false;
}

/* The batches of x, whatever their dimensions, as one. */
static int64_t batches_of(gt_shape x)
{
    int64_t n = 1;
    for (int d = 0; d < x.ndim - 3; d++) n *= x.dim[d];
    return n;
}

/* x as six dimensions, in another order, and of batches of [c,h,w]. */
static gt_tensor *shuffled(gt_tensor *x, gt_shape six, const int *order, int64_t c, int64_t h,
                           int64_t w)
{
    gt_tensor *y = gt_permute_(gt_reshape(x, six), 6, order);
    gt_shape to = x->shape;
    to.dim[to.ndim - 3] = c, to.dim[to.ndim - 2] = h, to.dim[to.ndim - 1] = w;
    return y ? gt_reshape(y, to) : NULL;
}

gt_tensor *gti_compose_pixel_shuffle(gt_tensor *x, int64_t factor)
{
    const int64_t r = factor;
    if (!gti_is_given(x, "pixel_shuffle") || !check_shuffled(x, r, "pixel_shuffle")) return NULL;
    const int64_t *last = x->shape.dim + x->shape.ndim - 3, c = last[0], h = last[1], w = last[2];
    if (c % (r * r)) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "pixel_shuffle",
                "the %lld channels of x %s are no multiple of %lld, the factor's square",
                (long long)c, GTI_SHAPE_TEXT(x->shape), (long long)r * r);
        return NULL;
    }
    return shuffled(x, GT_SHAPE(batches_of(x->shape), c / (r * r), r, r, h, w),
                    (const int[]){0, 1, 4, 2, 5, 3}, c / (r * r), h * r, w * r);
}

gt_tensor *gti_compose_pixel_unshuffle(gt_tensor *x, int64_t factor)
{
    const int64_t r = factor;
    if (!gti_is_given(x, "pixel_unshuffle") || !check_shuffled(x, r, "pixel_unshuffle"))
        return NULL;
    const int64_t *last = x->shape.dim + x->shape.ndim - 3, c = last[0], h = last[1], w = last[2];
    if (h % r || w % r) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "pixel_unshuffle",
                "height and width of x %s are no multiples of the factor %lld",
                GTI_SHAPE_TEXT(x->shape), (long long)r);
        return NULL;
    }
    return shuffled(x, GT_SHAPE(batches_of(x->shape), c, h / r, r, w / r, r),
                    (const int[]){0, 1, 3, 5, 2, 4}, c * r * r, h / r, w / r);
}

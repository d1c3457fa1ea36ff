/* x tiled, as torch.Tensor.repeat: axis by axis, from the last one on, the tensor [a,b] with the
 * axis at the start of b becomes [a,r,b] by broadcasting, which is [a,r * the axis,..] again. */
#include "common.h"

/* y, along whose axis `axis` its content comes r times. */
static gt_tensor *repeat_axis(gt_tensor *y, int axis, int64_t r)
{
    gt_shape after = y->shape;
    if (!gti_size_mul(after.dim[axis], r, &after.dim[axis]) || gt_shape_size(after) < 0) {
        gt_fail(y->ctx, GT_ERR_MEMORY, "repeat", "x %s repeated %lld times along axis %d overflows",
                GTI_SHAPE_TEXT(y->shape), (long long)r, axis);
        return NULL;
    }
    int64_t a = 1;
    for (int d = 0; d < axis; d++) a *= y->shape.dim[d];
    const int64_t b = y->size / a;
    gt_tensor *apart = gt_reshape(y, GT_SHAPE(a, 1, b));
    gt_tensor *many = apart ? gt_broadcast_to(apart, GT_SHAPE(a, r, b)) : NULL;
    return many ? gt_reshape(many, after) : NULL;
}

static const gt_attr repeat_attrs[] = {
    {GT_ARGUMENT("repeats", gti_repeat_args, repeats), .meaning = "how often along each axis"}};
const gt_attrs gt_attrs_repeat = GT_PLAIN_ATTRS(repeat_attrs);

gt_tensor *gti_compose_repeat(gt_tensor *x, gt_shape repeats)
{
    if (!gti_is_given(x, "repeat")) return NULL;
    const int ndim = repeats.ndim;
    if (!gt_is_shape(&repeats) || ndim < x->shape.ndim) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "repeat",
                "repeats are %s, must be a number for each axis of x %s, or more",
                GTI_SHAPE_TEXT(repeats), GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    const int missing = ndim - x->shape.ndim;
    gt_shape shape = {.ndim = ndim}, all = shape;
    bool fits = true;
    for (int d = 0; d < ndim; d++) {
        shape.dim[d] = d < missing ? 1 : x->shape.dim[d - missing];
        fits = fits && gti_size_mul(shape.dim[d], repeats.dim[d], &all.dim[d]);
    }
    gt_tensor *y = gt_reshape(x, x->size == 0 && fits ? all : shape);
    for (int d = ndim - 1; y && d >= 0 && y->size > 0; d--)
        if (repeats.dim[d] != 1) y = repeat_axis(y, d, repeats.dim[d]);
    return y && !gt_shape_equal(y->shape, all) ? gt_reshape(y, all) : y;
}

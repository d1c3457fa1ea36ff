/* y = x where x > 0, else weight x, with weight [1], or [c] along dimension 1 of x [n,c,...].
 * leak with the weight's shape put right; at 0 derivatives are those of weight x. */
#include "common.h"

static bool fits(const gt_tensor *x, const gt_tensor *weight)
{
    const gt_shape xs = x->shape, ws = weight->shape;
    const bool has_channels = xs.ndim >= 2;
    if (weight->size == 1 || (has_channels && ws.ndim == 1 && ws.dim[0] == xs.dim[1])) return true;
    if (has_channels)
        gt_fail(x->ctx, GT_ERR_SHAPE, "prelu", "x is %s, weight %s; needs [1] or [%lld]",
                GTI_SHAPE_TEXT(xs), GTI_SHAPE_TEXT(ws), (long long)xs.dim[1]);
    else
        gt_fail(x->ctx, GT_ERR_SHAPE, "prelu", "x is %s, weight %s; needs [1]", GTI_SHAPE_TEXT(xs),
                GTI_SHAPE_TEXT(ws));
    return false;
}

gt_tensor *gti_compose_prelu(gt_tensor *x, gt_tensor *weight)
{
    if (!gti_is_given(x, "prelu")) return NULL;
    if (!weight) gt_fail(x->ctx, GT_ERR_ARGUMENT, "prelu", "weight is NULL");
    if (!weight || !fits(x, weight)) return NULL;
    const gt_shape along = weight->size == 1 ? GT_SCALAR : gti_channels_beside(x->shape);
    return gt_leak(x, gt_reshape(weight, along));
}

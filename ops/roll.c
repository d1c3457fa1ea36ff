/* x's slices moved on along an axis: y[(i + shift) mod n] = x[i]. */
#include "common.h"

static const gt_attr roll_attrs[] = {
    GTI_AXIS_ATTR(gti_roll_args),
    {GT_ARGUMENT("shift", gti_roll_args, shift), .meaning = "by how much; may be negative"},
};
const gt_attrs gt_attrs_roll = GT_PLAIN_ATTRS(roll_attrs);

gt_tensor *gti_compose_roll(gt_tensor *x, int axis, int64_t shift)
{
    if (!gti_is_given(x, "roll")) return NULL;
    const int ndim = x->shape.ndim, at = axis < 0 ? axis + ndim : axis;
    if (at < 0 || at >= ndim) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "roll", "there is no axis %d in x %s", axis,
                GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    const int64_t n = x->shape.dim[at], by = n > 0 ? (shift % n + n) % n : 0;
    const gt_slice_opts whole = {0};
    gt_tensor *front = gt_slice_(x, at, n - by, n, whole),
              *back = gt_slice_(x, at, 0, n - by, whole);
    return gt_concat((gt_tensor *[]){front, back}, 2, at);
}

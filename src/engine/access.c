/* Reading and writing elements. */
#include <math.h>
#include <string.h>

#include "engine/context.h"
#include <gradtape/ops.h>

double gt_item(const gt_tensor *t)
{
    if (!gti_tensor_usable(t, "gt_item")) return NAN;
    if (t->size == 1) return gt_load_element(t, 0);
    char shape[128];
    gt_fail(t->ctx, GT_ERR_SHAPE, "gt_item", "the tensor has %lld elements, not one: shape %s",
            (long long)t->size, gt_shape_format(t->shape, shape, sizeof shape));
    return NAN;
}

double gt_get_(const gt_tensor *t, int n, const int64_t *index)
{
    if (!gti_tensor_usable(t, "gt_get")) return NAN;
    if (n != t->shape.ndim) {
        gt_fail(t->ctx, GT_ERR_ARGUMENT, "gt_get", "%d indices for a tensor of %d dimensions", n,
                t->shape.ndim);
        return NAN;
    }
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        const int64_t dim = t->shape.dim[i], k = index[i] < 0 ? index[i] + dim : index[i];
        if (k < 0 || k >= dim) {
            gt_fail(t->ctx, GT_ERR_ARGUMENT, "gt_get", "index %lld is outside dimension %d of %lld",
                    (long long)index[i], i, (long long)dim);
            return NAN;
        }
        at = at * dim + k;
    }
    return gt_load_element(t, at);
}

void gt_touch(gt_tensor *t)
{
    if (!t) return;
    gti_touch(t);
    const gti_recorder *r = t->ctx->recorder;
    if (r && (gti_t(t)->base->id <= r->since || gti_t(t)->base->flags & GTI_KEPT))
        gt_host_only(t->ctx, "gt_touch",
                     "write to the tensors of a step by operations, or before gt_replay");
}

gt_status gt_fill(gt_tensor *t, double value)
{
    if (!gti_tensor_usable(t, "gt_fill")) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    if (!gti_values_fit(t->ctx, "gt_fill", t->dtype, value)) return gt_error_code(t->ctx);
    gti_into_change(&gt_op_fill, &(gt_change_args){.p = value}, 1, &t);
    return gt_error_code(t->ctx);
}

static int64_t clamp(int64_t i, int64_t dim)
{
    if (i < 0) i += dim;
    return i < 0 ? 0 : i > dim ? dim : i;
}

gt_status gt_fill_slice(gt_tensor *t, int axis, int64_t start, int64_t stop, double value)
{
    static const char what[] = "gt_fill_slice";
    if (!gti_tensor_usable(t, what)) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    const int ndim = t->shape.ndim, k = axis < 0 ? axis + ndim : axis;
    if (k < 0 || k >= ndim)
        return gt_fail(t->ctx, GT_ERR_SHAPE, what,
                       "there is no axis %d in a tensor of %d dimensions", axis, ndim);
    if (!gti_values_fit(t->ctx, what, t->dtype, value)) return gt_error_code(t->ctx);
    const int64_t dim = t->shape.dim[k], from = clamp(start, dim), to = clamp(stop, dim);
    if (from >= to || !t->size) return GT_OK;
    const gt_fill_slice_args args = {.value = value, .axis = k, .start = from, .stop = to};
    gti_into_change(&gt_op_fill_slice, &args, 1, &t);
    return gt_error_code(t->ctx);
}

/* What comes from another context is read like a file. */
static gt_status bring(gt_tensor *to, const gt_tensor *from)
{
    memmove(to->data, from->data, (size_t)to->size * gt_dtype_size(to->dtype));
    gt_touch(to);
    return GT_OK;
}

gt_status gt_copy_into(gt_tensor *to, const gt_tensor *from)
{
    static const char what[] = "gt_copy_into";
    if (!to)
        return gt_fail(from ? from->ctx : NULL, GT_ERR_ARGUMENT, what,
                       "the tensor to copy into is NULL");
    if (!gti_tensor_usable(to, what)) return gt_error_code(to->ctx);
    if (!from) return gt_fail(to->ctx, GT_ERR_ARGUMENT, what, "the source is NULL");
    const char *why = gt_unusable(from);
    if (why) return gt_fail(to->ctx, GT_ERR_STATE, what, "the source %s", why);
    if (!gt_shape_equal(to->shape, from->shape)) {
        char a[128], b[128];
        return gt_fail(to->ctx, GT_ERR_SHAPE, what, "shapes differ: %s into %s",
                       gt_shape_format(from->shape, a, sizeof a),
                       gt_shape_format(to->shape, b, sizeof b));
    }
    if (to->dtype != from->dtype)
        return gt_fail(to->ctx, GT_ERR_DTYPE, what, "dtypes differ: %s into %s",
                       gt_dtype_name(from->dtype), gt_dtype_name(to->dtype));
    if (from->ctx != to->ctx) return bring(to, from);
    gti_into_change(&gt_op_copy, NULL, 2, (gt_tensor *[]){to, (gt_tensor *)from});
    return gt_error_code(to->ctx);
}

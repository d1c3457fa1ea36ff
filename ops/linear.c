/* Products composed of matmul: y = x W^T + b, the inner and the outer product of vectors. matmul
 * takes all dimensions of x but the last for rows of one matrix. */
#include "common.h"

#include <gradtape/autograd.h>

static gt_tensor *linear_refuse(const gt_tensor *x, gt_status code, const char *function,
                                const char *why, gt_shape a, gt_shape b)
{
    gt_fail(x->ctx, code, function, "%s: %s and %s", why, GTI_SHAPE_TEXT(a), GTI_SHAPE_TEXT(b));
    return NULL;
}

static const gt_attr linear_attrs[] = {
    {GT_OPTION("bias", gt_linear_opts, bias), .meaning = "[out]"}};
const gt_attrs gt_attrs_linear = GT_PLAIN_ATTRS(linear_attrs);

gt_tensor *gti_compose_linear(gt_tensor *x, gt_tensor *weight, gt_linear_opts opts)
{
    if (!gti_is_given(x, "linear")) return NULL;
    if (!weight) return gt_matmul(x, weight);
    const gt_shape xs = x->shape, ws = weight->shape;
    if (ws.ndim != 2 || xs.ndim < 1)
        return linear_refuse(x, GT_ERR_SHAPE, "linear", "x must be [..,in], weight [out,in]", xs,
                             ws);
    if (xs.dim[xs.ndim - 1] != ws.dim[1]) {
        const int64_t all = xs.dim[0] > 0 ? x->size / xs.dim[0] : 0;
        const bool flat = xs.ndim > 2 && all > 0 && (all == ws.dim[1] || xs.ndim == 4);
        char hint[128] = "";
        if (flat)
            snprintf(
                hint, sizeof hint,
                "\n  hint: gt_nn_flatten before it, or gt_flatten(x, .start = 1): %lld features",
                (long long)all);
        gt_fail(x->ctx, GT_ERR_SHAPE, "linear", "x %s has %lld features, weight %s takes %lld%s",
                GTI_SHAPE_TEXT(xs), (long long)xs.dim[xs.ndim - 1], GTI_SHAPE_TEXT(ws),
                (long long)ws.dim[1], hint);
        return NULL;
    }
    if (opts.bias && !gt_shape_equal(opts.bias->shape, GT_SHAPE(ws.dim[0]))) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "linear", "bias is %s, must be [%lld]",
                GTI_SHAPE_TEXT(opts.bias->shape), (long long)ws.dim[0]);
        return NULL;
    }
    gt_tensor *y = gt_matmul_(x, weight, (gt_matmul_opts){.transpose_b = true});
    if (!opts.bias || !y) return y;
    gt_tensor *sum = gt_add(y, opts.bias);
    if (sum) gt_release(y);
    return sum;
}

gt_tensor *gti_compose_dot(gt_tensor *a, gt_tensor *b)
{
    if (!gti_are_given(a, "a", b, "b", "dot")) return NULL;
    if (a->shape.ndim != 1 || !gt_same_shape(a, b))
        return linear_refuse(a, GT_ERR_SHAPE, "dot", "a and b must be vectors of one size",
                             a->shape, b->shape);
    return gt_matmul_(a, b, (gt_matmul_opts){0});
}

gt_tensor *gti_compose_outer(gt_tensor *a, gt_tensor *b)
{
    if (!gti_are_given(a, "a", b, "b", "outer")) return NULL;
    if (a->shape.ndim != 1 || b->shape.ndim != 1)
        return linear_refuse(a, GT_ERR_SHAPE, "outer", "a and b must be vectors", a->shape,
                             b->shape);
    gt_tensor *column = gt_reshape(a, GT_SHAPE(a->size, 1));
    return column ? gt_mul(column, b) : NULL;
}

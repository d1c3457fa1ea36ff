/* The same elements under another shape, by rules that a reader knows by name. All are reshapes but
 * expand and select, which copy. */
#include "broadcast.h"

/* The axis of x, where an axis of `ndim` axes is asked for; -1 after a failure. */
static int views_axis_of(const gt_tensor *x, int axis, int ndim, const char *function)
{
    const int i = axis < 0 ? axis + ndim : axis;
    if (i >= 0 && i < ndim) return i;
    gt_fail(x->ctx, GT_ERR_SHAPE, function, "there is no axis %d for x %s", axis,
            GTI_SHAPE_TEXT(x->shape));
    return -1;
}

/* The number of elements of dimensions start..end, 1 for a scalar's; -1 where it overflows, as it
 * may in a tensor that is empty by another dimension. */
static int64_t joined_size(gt_shape x, int start, int end)
{
    gt_shape part = {.ndim = x.ndim > 0 ? end - start + 1 : 0};
    for (int i = 0; i < part.ndim; i++) part.dim[i] = x.dim[start + i];
    return gt_shape_size(part);
}

static const gt_attr flatten_attrs[] = {
    {GT_OPTION("start", gt_flatten_opts, start), .meaning = "the first axis of those joined"},
    {GT_OPTION("end", gt_flatten_opts, end), .otherwise = -1, .meaning = "the last of them"},
};
const gt_attrs gt_attrs_flatten = GT_ATTRS(flatten_attrs);

static const gt_attr squeeze_attrs[] = {
    {GT_OPTION("axes", gt_squeeze_opts, axes), .meaning = "a set, of which those of size 1 go"}};
const gt_attrs gt_attrs_squeeze = GT_PLAIN_ATTRS(squeeze_attrs);

gt_tensor *gti_compose_flatten(gt_tensor *x, gt_flatten_opts opts)
{
    if (!gti_is_given(x, "flatten")) return NULL;
    const int ndim = x->shape.ndim;
    const int axes = ndim > 0 ? ndim : 1; /* a scalar becomes [1] */
    const int start = views_axis_of(x, opts.start, axes, "flatten"),
              end = views_axis_of(x, opts.end, axes, "flatten");
    if (start < 0 || end < 0) return NULL;
    if (start > end) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "flatten", "start %d comes after end %d in x %s",
                opts.start, opts.end, GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    gt_shape shape = {.ndim = axes - (end - start)};
    for (int i = 0; i < start; i++) shape.dim[i] = x->shape.dim[i];
    shape.dim[start] = joined_size(x->shape, start, end);
    if (shape.dim[start] < 0) {
        gt_fail(x->ctx, GT_ERR_MEMORY, "flatten", "the size of axes %d to %d of x %s overflows",
                start, end, GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    for (int i = end + 1; i < ndim; i++) shape.dim[i - end + start] = x->shape.dim[i];
    return gt_reshape(x, shape);
}

gt_tensor *gti_compose_squeeze(gt_tensor *x, gt_squeeze_opts opts)
{
    if (!gti_is_given(x, "squeeze")) return NULL;
    const int ndim = x->shape.ndim;
    unsigned chosen = ~0u;
    char why[96];
    if (opts.axes && !gt_axes_dims(opts.axes, ndim, &chosen, why)) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "squeeze", "%s", why);
        return NULL;
    }
    gt_shape shape = {0};
    for (int i = 0; i < ndim; i++) {
        if (!(chosen >> i & 1) || x->shape.dim[i] != 1) shape.dim[shape.ndim++] = x->shape.dim[i];
    }
    return gt_reshape(x, shape);
}

static const gt_attr unsqueeze_attrs[] = {GTI_AXIS_ATTR(gti_unsqueeze_args)};
const gt_attrs gt_attrs_unsqueeze = GT_PLAIN_ATTRS(unsqueeze_attrs);

gt_tensor *gti_compose_unsqueeze(gt_tensor *x, int axis)
{
    if (!gti_is_given(x, "unsqueeze")) return NULL;
    const int ndim = x->shape.ndim;
    if (ndim == GT_MAX_DIMS) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "unsqueeze", "x %s has %d dimensions, there are no more",
                GTI_SHAPE_TEXT(x->shape), ndim);
        return NULL;
    }
    const int at = views_axis_of(x, axis, ndim + 1, "unsqueeze");
    if (at < 0) return NULL;
    gt_shape shape = {.ndim = ndim + 1};
    for (int i = 0; i <= ndim; i++)
        shape.dim[i] = i < at ? x->shape.dim[i] : i == at ? 1 : x->shape.dim[i - 1];
    return gt_reshape(x, shape);
}

static const gt_attr expand_attrs[] = {GTI_SHAPE_ATTR("shape")};
const gt_attrs gt_attrs_expand = GT_PLAIN_ATTRS(expand_attrs);

gt_tensor *gti_compose_expand(gt_tensor *x, gt_shape shape)
{
    if (!gti_is_given(x, "expand")) return NULL;
    gt_shape to = shape;
    const int missing = gt_has_dims(&shape) ? shape.ndim - x->shape.ndim : 0;
    for (int i = missing > 0 ? missing : 0; gt_has_dims(&shape) && i < shape.ndim; i++)
        if (shape.dim[i] == -1) to.dim[i] = x->shape.dim[i - missing];
    if (!gt_is_shape(&to) || !gti_broadcast_stretches(&x->shape, &to)) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "expand", "x %s does not expand to %s",
                GTI_SHAPE_TEXT(x->shape), GTI_SHAPE_TEXT(shape));
        return NULL;
    }
    return gt_broadcast_to(x, to);
}

static const gt_attr select_attrs[] = {
    GTI_AXIS_ATTR(gti_select_args),
    {GT_ARGUMENT("index", gti_select_args, index), .meaning = "along it"},
};
const gt_attrs gt_attrs_select = GT_PLAIN_ATTRS(select_attrs);

gt_tensor *gti_compose_select(gt_tensor *x, int axis, int64_t index)
{
    if (!gti_is_given(x, "select")) return NULL;
    const int at = views_axis_of(x, axis, x->shape.ndim, "select");
    if (at < 0) return NULL;
    const int64_t size = x->shape.dim[at], i = index < 0 ? index + size : index;
    if (i < 0 || i >= size) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "select", "index %lld is out of range for axis %d of x %s",
                (long long)index, axis, GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    gt_shape shape = {.ndim = x->shape.ndim - 1};
    for (int d = 0; d < shape.ndim; d++) shape.dim[d] = x->shape.dim[d < at ? d : d + 1];
    gt_tensor *slice = gt_slice_(x, at, i, i + 1, (gt_slice_opts){0});
    return slice ? gt_reshape(slice, shape) : NULL;
}

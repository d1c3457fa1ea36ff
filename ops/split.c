/* A tensor cut into pieces along an axis. */
#include "common.h"

/* The axis, or -1 after a failure. Sets out[0..max_out) to NULL. */
static int split_begin(const gt_tensor *x, int axis, gt_tensor **out, int max_out,
                       const char *function)
{
    if (!gti_is_given(x, function)) return -1;
    if (!out || max_out < 1) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, function, "there is no room for a piece");
        return -1;
    }
    for (int i = 0; i < max_out; i++) out[i] = NULL;
    const int ndim = x->shape.ndim, at = axis < 0 ? axis + ndim : axis;
    if (at >= 0 && at < ndim) return at;
    gt_fail(x->ctx, GT_ERR_SHAPE, function, "there is no axis %d in x %s", axis,
            GTI_SHAPE_TEXT(x->shape));
    return -1;
}

static gt_tensor *cut(gt_tensor *x, int axis, int64_t size, int count, gt_tensor **out)
{
    const int64_t whole = x->shape.dim[axis];
    int64_t start = 0;
    for (int i = 0; i < count; i++) {
        const int64_t left = whole - start, stop = start + (size < left ? size : left);
        out[i] = gt_slice_(x, axis, start, stop, (gt_slice_opts){0});
        if (!out[i]) return NULL;
        start = stop;
    }
    return out[0];
}

/* ceil(n / size), for size > 0 */
static int64_t pieces(int64_t n, int64_t size)
{
    return n / size + (n % size > 0);
}

static const gt_attr split_attrs[] = {
    GTI_AXIS_ATTR(gti_split_args),
    {GT_ARGUMENT("size", gti_split_args, size), .meaning = "of the pieces"},
};
const gt_attrs gt_attrs_split = GT_PLAIN_ATTRS(split_attrs);

gt_tensor *gti_compose_split(gt_tensor *x, int axis, int64_t size, gt_tensor **out, int max_out)
{
    const int at = split_begin(x, axis, out, max_out, "split");
    if (at < 0) return NULL;
    const int64_t whole = x->shape.dim[at];
    if (size < 1 && !(size == 0 && whole == 0)) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "split", "the pieces' size is %lld, must be at least 1",
                (long long)size);
        return NULL;
    }
    const int64_t count = whole == 0 ? 1 : pieces(whole, size);
    if (count > max_out) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "split",
                "x %s makes %lld pieces of size %lld along axis %d, out takes %d",
                GTI_SHAPE_TEXT(x->shape), (long long)count, (long long)size, axis, max_out);
        return NULL;
    }
    return cut(x, at, size, (int)count, out);
}

static const gt_attr split_sizes_attrs[] = {
    GTI_AXIS_ATTR(gti_split_sizes_args),
    {GT_ARGUMENT("n", gti_split_sizes_args, n), .meaning = "how many pieces"},
};
const gt_attrs gt_attrs_split_sizes = GT_PLAIN_ATTRS(split_sizes_attrs);

/* Whether n sizes, none negative, add up to x's along an axis. */
static bool check_sizes(const gt_tensor *x, int axis, int n, const int64_t *sizes)
{
    const int64_t whole = x->shape.dim[axis];
    int64_t left = whole;
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > left) {
            gt_fail(x->ctx, GT_ERR_ARGUMENT, "split_sizes",
                    "size %lld of piece %d: of %lld along axis %d of x %s, %lld are left",
                    (long long)sizes[i], i, (long long)whole, axis, GTI_SHAPE_TEXT(x->shape),
                    (long long)left);
            return false;
        }
        left -= sizes[i];
    }
    if (left)
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "split_sizes",
                "the sizes add up to %lld, axis %d of x %s has %lld", (long long)(whole - left),
                axis, GTI_SHAPE_TEXT(x->shape), (long long)whole);
    return left == 0;
}

gt_tensor *gti_compose_split_sizes(gt_tensor *x, int axis, int n, const int64_t *sizes,
                                   gt_tensor **out)
{
    const int at = split_begin(x, axis, out, n, "split_sizes");
    if (at < 0) return NULL;
    if (!sizes) {
        gt_fail(x->ctx, GT_ERR_ARGUMENT, "split_sizes", "sizes is NULL");
        return NULL;
    }
    if (!check_sizes(x, at, n, sizes)) return NULL;
    int64_t start = 0;
    for (int i = 0; i < n; start += sizes[i++]) {
        out[i] = gt_slice_(x, at, start, start + sizes[i], (gt_slice_opts){0});
        if (!out[i]) return NULL;
    }
    return out[0];
}

static const gt_attr chunk_attrs[] = {
    GTI_AXIS_ATTR(gti_chunk_args),
    {GT_ARGUMENT("chunks", gti_chunk_args, chunks), .meaning = "how many pieces at most"},
};
const gt_attrs gt_attrs_chunk = GT_PLAIN_ATTRS(chunk_attrs);

gt_tensor *gti_compose_chunk(gt_tensor *x, int axis, int chunks, gt_tensor **out)
{
    const int at = split_begin(x, axis, out, chunks, "chunk");
    if (at < 0) return NULL;
    const int64_t whole = x->shape.dim[at], size = pieces(whole, chunks);
    return cut(x, at, size, size == 0 ? chunks : (int)pieces(whole, size), out);
}

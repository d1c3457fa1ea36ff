/* Pools composed of other operations: adaptive ones of sequences, global ones. */
#include "window.h"

/* Whether x has `ndim` dimensions, or where one may do, one less; fails the function if not. */
static bool has_dimensions(gt_tensor *x, int ndim, bool single, const char *function)
{
    if (!gti_is_given(x, function)) return false;
    if (x->shape.ndim == ndim || (single && x->shape.ndim == ndim - 1)) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, function, "x %s has %d dimensions, needs %d: %s",
            GTI_SHAPE_TEXT(x->shape), x->shape.ndim, ndim, ndim == 3 ? "[n,c,l]" : "[n,c,h,w]");
    return false;
}

/* s with a dimension of size 1 before its last. */
static gt_shape with_height(gt_shape s)
{
    s.dim[s.ndim] = s.dim[s.ndim - 1];
    s.dim[s.ndim++ - 1] = 1;
    return s;
}

/* x [n,c,l] or [c,l] as an image of height 1, to be pooled to a length of ol; NULL after a failure.
 */
static gt_tensor *image_of(gt_tensor *x, int64_t ol, const char *function)
{
    if (!has_dimensions(x, 3, true, function)) return NULL;
    if (ol >= 0 && x->shape.dim[x->shape.ndim - 1] > 0) return gt_reshape(x, with_height(x->shape));
    if (ol < 0)
        gt_fail(x->ctx, GT_ERR_ARGUMENT, function,
                "the output is to be %lld long, must not be negative", (long long)ol);
    else
        gt_fail(x->ctx, GT_ERR_SHAPE, function, "x %s has no elements to pool",
                GTI_SHAPE_TEXT(x->shape));
    return NULL;
}

/* An image of height 1 as a sequence. */
static gt_tensor *sequence_of(gt_tensor *image)
{
    if (!image) return NULL;
    gt_shape s = image->shape;
    s.dim[s.ndim - 2] = s.dim[s.ndim - 1];
    s.ndim--;
    return gt_reshape(image, gt_shape_of(s.ndim, s.dim));
}

static const gt_attr avg_attrs[] = {
    {GT_ARGUMENT("ol", gti_adaptive_avg_pool1d_args, ol), .meaning = "length of the result"}};
const gt_attrs gt_attrs_adaptive_avg_pool1d = GT_PLAIN_ATTRS(avg_attrs);

gt_tensor *gti_compose_adaptive_avg_pool1d(gt_tensor *x, int64_t ol)
{
    gt_tensor *image = image_of(x, ol, "adaptive_avg_pool1d");
    return image ? sequence_of(gt_adaptive_avg_pool2d(image, 1, ol)) : NULL;
}

static const gt_attr max_attrs[] = {
    {GT_ARGUMENT("ol", gti_adaptive_max_pool1d_args, ol), .meaning = "length of the result"},
    {GT_OPTION("indices", gti_adaptive_max_pool1d_args, opts.indices), .usual = "NULL",
     .meaning = "gets where each maximum was, i64"},
};
const gt_attrs gt_attrs_adaptive_max_pool1d = GT_PLAIN_ATTRS(max_attrs);

gt_tensor *gti_compose_adaptive_max_pool1d(gt_tensor *x, int64_t ol, gt_adaptive_max_pool_opts opts)
{
    gt_tensor *indices = NULL, *image = image_of(x, ol, "adaptive_max_pool1d");
    if (opts.indices) *opts.indices = NULL;
    if (!image) return NULL;
    gt_tensor *y =
        gt_adaptive_max_pool2d_(image, 1, ol, (gt_adaptive_max_pool_opts){.indices = &indices});
    if (opts.indices) *opts.indices = sequence_of(indices);
    return sequence_of(y);
}

gt_tensor *gti_compose_global_avg_pool2d(gt_tensor *x)
{
    if (!has_dimensions(x, 4, false, "global_avg_pool2d")) return NULL;
    return gt_mean_(x, (gt_reduce_opts){.axes = GT_AXIS(2) | GT_AXIS(3), .keepdim = true});
}

gt_tensor *gti_compose_global_max_pool2d(gt_tensor *x)
{
    if (!has_dimensions(x, 4, false, "global_max_pool2d")) return NULL;
    return gt_adaptive_max_pool2d_(x, 1, 1, (gt_adaptive_max_pool_opts){0});
}

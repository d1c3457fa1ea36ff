/* Pools composed of other operations: adaptive ones of sequences, global ones. */
#include "window.h"

/* Whether x has `ndim` dimensions; fails the function if not. */
static bool has_dimensions(gt_tensor *x, int ndim, const char *function)
{
    if (!gti_is_given(x, function)) return false;
    if (x->shape.ndim == ndim) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, function, "x %s has %d dimensions, needs %d: %s",
            GTI_SHAPE_TEXT(x->shape), x->shape.ndim, ndim, ndim == 3 ? "[n,c,l]" : "[n,c,h,w]");
    return false;
}

/* x [n,c,l] as the image [n,c,1,l], to be pooled to a length of ol; NULL after a failure. */
static gt_tensor *image_of(gt_tensor *x, int64_t ol, const char *function)
{
    if (!has_dimensions(x, 3, function)) return NULL;
    const int64_t *d = x->shape.dim;
    if (ol >= 0 && d[2] > 0) return gt_reshape(x, GT_SHAPE(d[0], d[1], 1, d[2]));
    if (ol < 0)
        gt_fail(x->ctx, GT_ERR_ARGUMENT, function,
                "the output is to be %lld long, must not be negative", (long long)ol);
    else
        gt_fail(x->ctx, GT_ERR_SHAPE, function, "x %s has no elements to pool",
                GTI_SHAPE_TEXT(x->shape));
    return NULL;
}

/* [n,c,1,l] as [n,c,l]. */
static gt_tensor *sequence_of(gt_tensor *image)
{
    if (!image) return NULL;
    const int64_t *d = image->shape.dim;
    return gt_reshape(image, GT_SHAPE(d[0], d[1], d[3]));
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
    if (!has_dimensions(x, 4, "global_avg_pool2d")) return NULL;
    return gt_mean_(x, (gt_reduce_opts){.axes = GT_AXIS(2) | GT_AXIS(3), .keepdim = true});
}

gt_tensor *gti_compose_global_max_pool2d(gt_tensor *x)
{
    if (!has_dimensions(x, 4, "global_max_pool2d")) return NULL;
    return gt_adaptive_max_pool2d_(x, 1, 1, (gt_adaptive_max_pool_opts){0});
}

/* Max pools, and what their gradients are made of.
 *
 *   max_pool2d     y = the greatest element of each window of x [n,c,h,w], [n,c,oh,ow]
 *                  indices = its place in the plane, i w + j; -1 for a window without elements
 *   max_pool1d     the same of x [n,c,l]
 *   max_pool2d_dx  dx = zeros of x's shape, dy added at the indices of each plane
 *   max_pool2d_at  y = the elements of x at the indices of each plane
 *
 * The last two are linear and each other's gradients; x is [n,c,h,w] or [n,c,l]. */
#include "pool.h"

/* --- the pools --- */

/* The kernel counts pixels in 32 bits. */
static bool max_pool_check_plane(const gt_node *n, const gti_pool2d *s)
{
    int64_t pixels;
    return (gti_size_mul(s->h, s->w, &pixels) && pixels <= INT64_C(1) << 30) ||
           gt_op_fail(n, GT_ERR_SHAPE, "x %s has planes of more than 2^30 pixels",
                      GTI_SHAPE_TEXT(n->in[0]->shape));
}

static bool max_pool_infer_rank(gt_node *n, int rank)
{
    gti_pool2d s;
    gt_shape y;
    if (!gti_pool_infer(n, rank, &n->in[0]->shape, &s, &y) || !max_pool_check_plane(n, &s))
        return false;
    n->out[0]->shape = n->out[1]->shape = y;
    n->out[1]->dtype = GT_I64;
    if (gt_is_floating(n->dtype)) n->worker_scratch = gti_kernels_for(n)->pool.max_pool.scratch(&s);
    gti_pool_planes_divide(n, &n->in[0]->shape, &y);
    return true;
}

static bool max_pool2d_infer(gt_node *n)
{
    return max_pool_infer_rank(n, 2);
}

static bool max_pool1d_infer(gt_node *n)
{
    return max_pool_infer_rank(n, 1);
}

static void max_pool_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    gti_pool2d s = gti_pool_describe(n->opts, &x->shape, &y->shape);
    s.planes = planes.count;
    const gti_pool_kernels *k = &gti_kernels_for(n)->pool;
    const void *from = gti_pool_planes_from(x, planes);
    void *to = gti_pool_planes_to(y, planes), *indices = gti_pool_planes_to(n->out[1], planes);
    if (gti_pool_is_pairs(&s)) k->max_pairs(&s, from, to, indices);
    else k->max_pool.run(&s, from, to, indices, r->scratch);
}

static const char max_pool2d_gradient[] = "dx = dy added where the maxima were";
static bool max_pool2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(max_pool2d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = gt_max_pool2d_dx(dy, n->out[1], n->in[0]->shape);
    gin[0] = GT_MUTANT(max_pool2d_sign, dx, gt_neg(dx));
    return true;
}

static const char max_pool1d_gradient[] = "dx = dy added where the maxima were";
static bool max_pool1d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(max_pool1d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = gt_max_pool2d_dx(dy, n->out[1], n->in[0]->shape);
    gin[0] = GT_MUTANT(max_pool1d_sign, dx, gt_neg(dx));
    return true;
}

static double max_pool_flops(const gt_node *n)
{
    const gti_pool2d s = gti_pool_describe(n->opts, &n->in[0]->shape, NULL);
    return (double)n->out[0]->size * (double)s.kh * (double)s.kw;
}

/* --- at indices --- */

/* indices [n,c,...] as i64, and x [n,c,h,w] or [n,c,l]. */
static bool check_indices(const gt_node *n, const gt_shape *x)
{
    const gt_tensor *indices = n->in[1];
    if (indices->dtype != GT_I64)
        return gt_op_fail(n, GT_ERR_DTYPE, "indices are %s, must be i64",
                          gt_dtype_name(indices->dtype));
    if (!gt_is_shape(x) || x->ndim < 3 || x->ndim > 4)
        return gt_op_fail(n, GT_ERR_SHAPE, "x is %s, needs [n,c,h,w] or [n,c,l]",
                          GTI_SHAPE_TEXT(*x));
    const gt_shape *i = &indices->shape;
    return (i->ndim == x->ndim && i->dim[0] == x->dim[0] && i->dim[1] == x->dim[1]) ||
           gt_op_fail(n, GT_ERR_SHAPE, "indices %s do not belong to planes %s", GTI_SHAPE_TEXT(*i),
                      GTI_SHAPE_TEXT(*x));
}

static const gt_shape *max_pool_target_of(const gt_node *n)
{
    return n->opts;
}

static bool max_pool2d_dx_infer(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *indices = n->in[1];
    if (!check_indices(n, max_pool_target_of(n))) return false;
    if (!gt_same_shape(dy, indices))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but indices are %s",
                          GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(indices->shape));
    n->out[0]->shape = *max_pool_target_of(n);
    gti_pool_planes_divide(n, &dy->shape, max_pool_target_of(n));
    return true;
}

static int64_t max_pool_plane_size(const gt_shape *x)
{
    return gti_height(x) * gti_width(x);
}

static void max_pool2d_dx_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *dy = n->in[0], *indices = n->in[1], *dx = n->out[0];
    const gti_items planes = gti_pool_planes_of(n, r, &dx->shape);
    gti_kernels_for(n)->pool.gather_dx(
        planes.count, max_pool_plane_size(&dx->shape), max_pool_plane_size(&dy->shape),
        gti_pool_planes_from(dy, planes), gti_pool_planes_from(indices, planes),
        gti_pool_planes_to(dx, planes));
}

static const char max_pool2d_dx_gradient[] = "d dy = g at the indices";
static bool max_pool2d_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *g = GT_MUTANT(max_pool2d_dx_upstream, gout[0], gt_square(gout[0]));
    if (!gt_needs_grad(n, 0)) return true;
    g = gt_max_pool2d_at(g, n->in[1]);
    gin[0] = GT_MUTANT(max_pool2d_dx_sign, g, gt_neg(g));
    return true;
}

static bool max_pool2d_at_infer(gt_node *n)
{
    if (!check_indices(n, &n->in[0]->shape)) return false;
    n->out[0]->shape = n->in[1]->shape;
    gti_pool_planes_divide(n, &n->in[0]->shape, &n->in[1]->shape);
    return true;
}

static void max_pool2d_at_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *indices = n->in[1], *y = n->out[0];
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    gti_kernels_for(n)->pool.gather(planes.count, max_pool_plane_size(&x->shape),
                                    max_pool_plane_size(&y->shape), gti_pool_planes_from(x, planes),
                                    gti_pool_planes_from(indices, planes),
                                    gti_pool_planes_to(y, planes));
}

static const char max_pool2d_at_gradient[] = "dx = dy added at the indices";
static bool max_pool2d_at_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(max_pool2d_at_upstream, gout[0], gt_square(gout[0]));
    if (!gt_needs_grad(n, 0)) return true;
    gt_tensor *dx = gt_max_pool2d_dx(dy, n->in[1], n->in[0]->shape);
    gin[0] = GT_MUTANT(max_pool2d_at_sign, dx, gt_neg(dx));
    return true;
}

#include "max_pool_samples.h"

// clang-format off
#define MAXIMA                                                                                     \
    {GT_OPTION("", gti_pool_opts, divisor)},                                                       \
    {GT_OPTION("", gti_pool_opts, exclude_pad)},                                                   \
    {GT_OPTION("", gti_pool_opts, target)},                                                        \
    {GT_BESIDE("indices"), .usual = "NULL",                                                        \
     .meaning = "gets where each maximum was: i64 i w + j, of y's shape"}
static const gt_attr max_pool1d_attrs[] = {GTI_POOL_SEQUENCES("dilation"), GTI_POOL_CEIL, MAXIMA};
static const gt_attr max_pool2d_attrs[] = {GTI_POOL_IMAGES("dilation"), GTI_POOL_CEIL, MAXIMA};
// clang-format on

static const gt_attr dx_attrs[] = {GTI_SHAPE_ATTR("x")};

#define MAX_POOL(id)                                                                               \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 2,                                                                                \
        .opts_size = sizeof(gti_pool_opts),                                                        \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .unread = GT_UNREAD_IN(0) | GT_UNREAD_OUT(0),                                              \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(max_pool_parts),                                                    \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = max_pool_flops,                                                                   \
        .window = gti_pool_window,                                                                 \
    };
#define AT_INDICES(id, input_names, ...)                                                           \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        __VA_ARGS__,                                                                               \
        .flags = GT_OP_MIXED,                                                                      \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };

MAX_POOL(max_pool1d)
MAX_POOL(max_pool2d)
AT_INDICES(max_pool2d_dx, "dy indices", .opts_size = sizeof(gt_shape),
           .attrs = GT_PLAIN_ATTRS(dx_attrs))
AT_INDICES(max_pool2d_at, "x indices", .opts_size = 0)

gt_tensor *gt_max_pool2d_(gt_tensor *x, gt_max_pool2d_opts opts)
{
    const gti_pool_opts o = {.kernel = {opts.kernel[0], opts.kernel[1]},
                             .stride = {opts.stride[0], opts.stride[1]},
                             .padding = {opts.padding[0], opts.padding[1]},
                             .dilation = {opts.dilation[0], opts.dilation[1]},
                             .ceil_mode = opts.ceil_mode};
    return gti_pool_call(&gt_op_max_pool2d, 2, &o, x, opts.indices);
}

gt_tensor *gt_max_pool1d_(gt_tensor *x, gt_max_pool1d_opts opts)
{
    const gti_pool_opts o = {.kernel = {0, opts.kernel},
                             .stride = {0, opts.stride},
                             .padding = {0, opts.padding},
                             .dilation = {0, opts.dilation},
                             .ceil_mode = opts.ceil_mode};
    return gti_pool_call(&gt_op_max_pool1d, 1, &o, x, opts.indices);
}

gt_tensor *gt_max_pool2d_dx(gt_tensor *dy, gt_tensor *indices, gt_shape x)
{
    return gt_apply(&gt_op_max_pool2d_dx, &x, 2, (gt_tensor *[]){dy, indices});
}

gt_tensor *gt_max_pool2d_at(gt_tensor *x, gt_tensor *indices)
{
    return gt_apply(&gt_op_max_pool2d_at, NULL, 2, (gt_tensor *[]){x, indices});
}

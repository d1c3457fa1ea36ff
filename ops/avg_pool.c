/* Average pools and their gradient.
 *
 *   avg_pool2d     y = the sum of each window of x [n,c,h,w] over a divisor, [n,c,oh,ow]
 *   avg_pool1d     the same of x [n,c,l]
 *   avg_pool2d_dx  dx = over all windows that an element lies in, the sum of dy / divisor
 *
 * The divisor counts the window's elements: with the padding among them, but not what hangs over
 * it under ceil_mode; without the padding under exclude_pad. Or it is given.
 *
 * Pool and gradient are linear and each other's gradients. */
#include "pool.h"

/* --- windows --- */

static void make_spans(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                       bool exclude_pad, gti_span *span)
{
    for (int64_t i = 0; i < out; i++) {
        const int64_t start = i * stride - padding;
        const int64_t end = start + kernel < in + padding ? start + kernel : in + padding;
        const int64_t lo = start > 0 ? start : 0, hi = end < in ? end : in;
        span[i] = (gti_span){lo, hi, (double)(exclude_pad ? hi - lo : end - start)};
    }
}

static gti_windows avg_pool_windows_of(const gt_node *n, const gt_range *r, const gt_shape *x,
                                       const gt_shape *y)
{
    const gti_pool_opts *o = n->opts;
    const gti_pool2d s = gti_pool_describe(o, x, y);
    gti_span *rows, *cols;
    gti_windows windows = gti_pool_windows_begin(n, r, x, y, &rows, &cols);
    make_spans(s.h, s.oh, s.kh, s.sh, s.ph, o->exclude_pad, rows);
    make_spans(s.w, s.ow, s.kw, s.sw, s.pw, o->exclude_pad, cols);
    windows.divisor = o->divisor;
    return windows;
}

/* --- the pools --- */

static bool avg_pool_infer_rank(gt_node *n, int rank)
{
    gti_pool2d s;
    const gt_shape *x = &n->in[0]->shape;
    gt_shape *y = &n->out[0]->shape;
    if (!gti_pool_infer(n, rank, x, &s, y) || !gti_pool_windows_scratch(n, x, y)) return false;
    gti_pool_planes_divide(n, x, y);
    return true;
}

static bool avg_pool2d_infer(gt_node *n)
{
    return avg_pool_infer_rank(n, 2);
}

static bool avg_pool1d_infer(gt_node *n)
{
    return avg_pool_infer_rank(n, 1);
}

static void avg_pool_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gti_windows windows = avg_pool_windows_of(n, r, &x->shape, &y->shape);
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    gti_kernels_for(n)->pool.mean_windows(&windows, gti_pool_planes_from(x, planes),
                                          gti_pool_planes_to(y, planes));
}

/* op with n's options; target is x's shape for the gradient. */
static gt_tensor *avg_pool_apply(const gt_node *n, const gt_op *op, gt_shape target, gt_tensor *x)
{
    gti_pool_opts opts = *(const gti_pool_opts *)n->opts;
    opts.target = target;
    return gt_apply(op, &opts, 1, &x);
}

static const char avg_pool2d_gradient[] =
    "dx = over all windows that an element lies in, the sum of dy / divisor";
static bool avg_pool2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(avg_pool2d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = avg_pool_apply(n, &gt_op_avg_pool2d_dx, n->in[0]->shape, dy);
    gin[0] = GT_MUTANT(avg_pool2d_lost, dx, gt_mul_scalar(dx, 4));
    return true;
}

static const char avg_pool1d_gradient[] =
    "dx = over all windows that an element lies in, the sum of dy / divisor";
static bool avg_pool1d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(avg_pool1d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = avg_pool_apply(n, &gt_op_avg_pool2d_dx, n->in[0]->shape, dy);
    gin[0] = GT_MUTANT(avg_pool1d_sign, dx, gt_neg(dx));
    return true;
}

static double avg_pool_flops(const gt_node *n)
{
    const gti_pool2d s = gti_pool_describe(n->opts, &n->in[0]->shape, NULL);
    return (double)n->out[0]->size * (double)s.kh * (double)s.kw;
}

/* --- the gradient --- */

static bool avg_pool2d_dx_infer(gt_node *n)
{
    const gt_shape *x = &((const gti_pool_opts *)n->opts)->target;
    gti_pool2d s;
    gt_shape y;
    if (!gti_window_check_target(n, x) || !gti_pool_infer(n, x->ndim == 3 ? 1 : 2, x, &s, &y) ||
        !gti_window_check_dy(n, &n->in[0]->shape, x, &y) || !gti_pool_windows_scratch(n, x, &y))
        return false;
    n->out[0]->shape = *x;
    gti_pool_planes_divide(n, &y, x);
    return true;
}

static void avg_pool2d_dx_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    const gti_windows windows = avg_pool_windows_of(n, r, &dx->shape, &dy->shape);
    const gti_items planes = gti_pool_planes_of(n, r, &dx->shape);
    gti_kernels_for(n)->pool.mean_windows_dx(&windows, gti_pool_planes_from(dy, planes),
                                             gti_pool_planes_to(dx, planes));
}

static const char avg_pool2d_dx_gradient[] = "d dy = the pool of g";
static bool avg_pool2d_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_op *pool = gout[0]->shape.ndim == 3 ? &gt_op_avg_pool1d : &gt_op_avg_pool2d;
    gt_tensor *g = GT_MUTANT(avg_pool2d_dx_upstream, gout[0], gt_square(gout[0]));
    g = avg_pool_apply(n, pool, (gt_shape){0}, g);
    gin[0] = GT_MUTANT(avg_pool2d_dx_sign, g, gt_neg(g));
    return true;
}

static double avg_pool2d_dx_flops(const gt_node *n)
{
    const gti_pool2d s = gti_pool_describe(n->opts, &n->out[0]->shape, NULL);
    return (double)n->in[0]->size * (double)s.kh * (double)s.kw;
}

#include "avg_pool_samples.h"

// clang-format off
#define MEAN_OF(target_name)                                                                       \
    GTI_POOL_CEIL,                                                                                 \
    {GT_OPTION("exclude_pad", gti_pool_opts, exclude_pad),                                         \
     .meaning = "divide by the window's elements inside x: no count_include_pad"},                 \
    {GT_OPTION(target_name, gti_pool_opts, target), .meaning = "the shape of x"}
#define DIVISOR                                                                                    \
    {GT_OPTION("divisor_override", gti_pool_opts, divisor), .usual = "the window's size",          \
     .bounds = GT_BOUNDS(-DBL_MAX, DBL_MAX, GT_NOT_ZERO), .meaning = "what the sum is divided by"}
static const gt_attr avg_pool1d_attrs[] = {
    GTI_POOL_SEQUENCES(""), MEAN_OF(""), {GT_OPTION("", gti_pool_opts, divisor)}};
static const gt_attr avg_pool2d_attrs[] = {GTI_POOL_IMAGES(""), MEAN_OF(""), DIVISOR};
static const gt_attr avg_pool2d_dx_attrs[] = {GTI_POOL_IMAGES(""), MEAN_OF("x"), DIVISOR};
// clang-format on

#define AVG_POOL(id, input_names, run, work, see)                                                  \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gti_pool_opts),                                                        \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .flags = GT_OP_NO_SAVED,                                                                   \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(run),                                                               \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = (work),                                                                           \
        .window = (see),                                                                           \
    };

AVG_POOL(avg_pool1d, "x", avg_pool_parts, avg_pool_flops, gti_pool_window)
AVG_POOL(avg_pool2d, "x", avg_pool_parts, avg_pool_flops, gti_pool_window)
AVG_POOL(avg_pool2d_dx, "dy", avg_pool2d_dx_parts, avg_pool2d_dx_flops, NULL)

static gti_pool_opts avg_pool_internal(const gt_avg_pool2d_opts *o)
{
    return (gti_pool_opts){.kernel = {o->kernel[0], o->kernel[1]},
                           .stride = {o->stride[0], o->stride[1]},
                           .padding = {o->padding[0], o->padding[1]},
                           .divisor = o->divisor_override,
                           .ceil_mode = o->ceil_mode,
                           .exclude_pad = o->exclude_pad};
}

gt_tensor *gt_avg_pool2d_(gt_tensor *x, gt_avg_pool2d_opts opts)
{
    const gti_pool_opts o = avg_pool_internal(&opts);
    return gti_pool_call(&gt_op_avg_pool2d, 2, &o, x, NULL);
}

gt_tensor *gt_avg_pool1d_(gt_tensor *x, gt_avg_pool1d_opts opts)
{
    const gti_pool_opts o = {.kernel = {0, opts.kernel},
                             .stride = {0, opts.stride},
                             .padding = {0, opts.padding},
                             .ceil_mode = opts.ceil_mode,
                             .exclude_pad = opts.exclude_pad};
    return gti_pool_call(&gt_op_avg_pool1d, 1, &o, x, NULL);
}

gt_tensor *gt_avg_pool2d_dx(gt_tensor *dy, gt_shape x, gt_avg_pool2d_opts opts)
{
    gti_pool_opts o = avg_pool_internal(&opts);
    o.target = x;
    return gt_apply(&gt_op_avg_pool2d_dx, &o, 1, &dy);
}

/* Windows as columns, and back.
 *
 *   unfold  x [n,c,h,w] -> y [n,c kh kw,l], l = oh ow: column i ow + j holds what window (i,j)
 *           reads, 0 in padding. oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow likewise
 *   fold    y -> x: every element is added where unfold would have read it
 *
 * Both are linear and each other's gradients. */
#include "pool.h"

/* Options are gti_pool_opts; target is the shape of x for fold, but for n and c, which are y's to
 * say. oh and ow of the windows of x are not set here. */
static gti_pool2d fold_describe(const gti_pool_opts *o, const gt_shape *x)
{
    gti_pool2d s = gti_pool_describe(o, x, NULL);
    s.planes = x->dim[0];
    return s;
}

/* Sets oh and ow, and the number of taps of a window and of windows. */
static bool fold_count_windows(const gt_node *n, gti_pool2d *s, int64_t *taps, int64_t *windows)
{
    gti_side h, w;
    if (!gti_side_of(s->h, 2 * s->ph, s->kh, s->dh, &h) ||
        !gti_side_of(s->w, 2 * s->pw, s->kw, s->dw, &w))
        return gti_window_fail_side(n);
    if (!gti_window_check_fits(n, 2, h, w, s->dh > 1 || s->dw > 1)) return false;
    s->oh = gti_windows_in(h, s->sh);
    s->ow = gti_windows_in(w, s->sw);
    return (gti_size_mul(s->kh, s->kw, taps) && gti_size_mul(s->oh, s->ow, windows)) ||
           gt_op_fail(n, GT_ERR_MEMORY, "the number of windows overflows");
}

enum { COST = 2 }; /* of an element */

/* By images, whose number is input 0's to say; the plan is the windows. */
static void fold_divide(gt_node *n, const gti_pool2d *s)
{
    const gt_tensor *x = n->in[0];
    const int64_t images = x->shape.dim[0];
    gti_pool2d *plan = n->plan;
    *plan = *s;
    plan->planes = images;
    const int64_t size = gt_shape_size(n->out[0]->shape);
    if (size > 0)
        n->parts[0] = gt_parts(n, images, COST * (double)(x->size + size) / (double)images);
}

static bool unfold_infer(gt_node *n)
{
    const gt_shape *x = &n->in[0]->shape;
    if (!gti_window_check_images(n, 2, "x", x) || !gti_window_check_pixels(n, x)) return false;
    gti_pool2d s = fold_describe(n->opts, x);
    int64_t taps = 1, windows = 1, rows;
    if (!fold_count_windows(n, &s, &taps, &windows)) return false;
    if (!gti_size_mul(x->dim[1], taps, &rows))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size of the output overflows");
    n->out[0]->shape = GT_SHAPE(x->dim[0], rows, windows);
    fold_divide(n, &s);
    return true;
}

static bool fold_infer(gt_node *n)
{
    const gti_pool_opts *o = n->opts;
    const gt_shape *y = &n->in[0]->shape, *size = &o->target;
    if (y->ndim != 3)
        return gt_op_fail(n, GT_ERR_SHAPE, "x %s has %d dimensions, needs 3: [n,c kh kw,l]",
                          GTI_SHAPE_TEXT(*y), y->ndim);
    gti_pool2d s = fold_describe(o, size);
    int64_t taps = 1, windows = 1;
    if (!fold_count_windows(n, &s, &taps, &windows)) return false;
    if (y->dim[1] % taps != 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "x's dimension 1 is %lld, no multiple of the kernel %s",
                          (long long)y->dim[1], GTI_SIZE_TEXT(2, s.kh, s.kw));
    if (y->dim[2] != windows)
        return gt_op_fail(n, GT_ERR_SHAPE, "x has %lld columns, but an image of %s has %s windows",
                          (long long)y->dim[2], GTI_SIZE_TEXT(2, s.h, s.w),
                          GTI_SIZE_TEXT(2, s.oh, s.ow));
    n->out[0]->shape = GT_SHAPE(y->dim[0], y->dim[1] / taps, s.h, s.w);
    fold_divide(n, &s);
    return true;
}

/* The windows of a range's images, the first at *first. */
static gti_pool2d windows_in(const gt_node *n, const gt_range *r, int64_t *first)
{
    gti_pool2d s = *(const gti_pool2d *)n->plan;
    const gti_items images = gti_items_of(n, r, s.planes);
    s.planes = images.count;
    *first = images.first;
    return s;
}

static void unfold_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const int64_t images = x->shape.dim[0];
    int64_t first;
    const gti_pool2d s = windows_in(n, r, &first);
    gti_kernels_for(n)->fold.unfold(&s, x->shape.dim[1], gti_from(x, first * (x->size / images)),
                                    gti_to(y, first * (y->size / images)));
}

static void fold_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *y = n->in[0], *x = n->out[0];
    const int64_t images = x->shape.dim[0];
    int64_t first;
    const gti_pool2d s = windows_in(n, r, &first);
    gti_kernels_for(n)->fold.fold(&s, x->shape.dim[1], gti_from(y, first * (y->size / images)),
                                  gti_to(x, first * (x->size / images)));
}

static gt_tensor *fold_apply(const gt_node *n, const gt_op *op, gt_shape target, gt_tensor *x)
{
    gti_pool_opts opts = *(const gti_pool_opts *)n->opts;
    opts.target = target;
    return gt_apply(op, &opts, 1, &x);
}

static const char unfold_gradient[] = "dx = fold(dy)";
static bool unfold_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(unfold_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = fold_apply(n, &gt_op_fold, n->in[0]->shape, dy);
    gin[0] = GT_MUTANT(unfold_sign, dx, gt_neg(dx));
    return true;
}

static const char fold_gradient[] = "dx = unfold(dy)";
static bool fold_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *g = GT_MUTANT(fold_upstream, gout[0], gt_square(gout[0]));
    g = fold_apply(n, &gt_op_unfold, (gt_shape){0}, g);
    gin[0] = GT_MUTANT(fold_sign, g, gt_neg(g));
    return true;
}

/* --- samples --- */

/* label, x, y and options */
// clang-format off
#define GEOMETRIES(ROW)                                                                            \
    ROW("ordinary", (2, 2, 3, 4), (2, 8, 6), .kernel = {2})                                        \
    ROW("2x3, stride 2x1", (1, 2, 4, 5), (1, 12, 6), .kernel = {2, 3}, .stride = {2, 1})           \
    ROW("padding 1x2", (1, 1, 2, 3), (1, 9, 10), .kernel = {3}, .padding = {1, 2})                 \
    ROW("dilation 2", (1, 1, 4, 5), (1, 4, 6), .kernel = {2}, .dilation = {2})                     \
    ROW("stride, padding, dilation", (1, 2, 5, 6), (1, 12, 24),                                    \
        .kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 2}, .dilation = {2, 1})                 \
    ROW("stride with a rest", (1, 1, 6, 4), (1, 4, 4), .kernel = {2}, .stride = {3, 2})            \
    ROW("stride 3", (1, 1, 5, 8), (1, 4, 6), .kernel = {2}, .stride = {3, 3})                      \
    ROW("1x1", (1, 2, 2, 3), (1, 2, 6), .kernel = {1})                                             \
    ROW("17 wide", (1, 1, 2, 17), (1, 4, 16), .kernel = {2})                                       \
    ROW("size one", (1, 1, 1, 1), (1, 1, 1), .kernel = {1})                                        \
    ROW("no images", (0, 2, 3, 3), (0, 8, 4), .kernel = {2})                                       \
    ROW("no channels", (1, 0, 3, 3), (1, 0, 4), .kernel = {2})
// clang-format on
#define OPTS(...)                                                                                  \
    .opts = &(const gti_pool_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define UNFOLD(name, x, y, ...) {.label = (name), .in = GT_INPUTS(GT_IN x), OPTS(__VA_ARGS__)},
#define FOLD(name, x, y, ...)                                                                      \
    {.label = (name), .in = GT_INPUTS(GT_IN y), OPTS(__VA_ARGS__, .target = GT_DIMS x)},
static const gt_sample unfold_samples[] = {GEOMETRIES(UNFOLD)};
static const gt_sample fold_samples[] = {GEOMETRIES(FOLD)};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
static const gt_error_sample unfold_error_samples[] = {
    {.label = "no kernel",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     ARGUMENT_ERROR = "no kernel is given"},
    {.label = "no batch dimension",
     .in = GT_INPUTS(GT_IN(2, 4, 4)),
     OPTS(.kernel = {2}),
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4, 4))"},
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 2)),
     OPTS(.kernel = {3}),
     SHAPE_ERROR = "kernel 3x3 is larger than the padded input 4x2"},
    {.label = "no pixels",
     .in = GT_INPUTS(GT_IN(1, 1, 0, 4)),
     OPTS(.kernel = {1}, .padding = {1, 1}),
     SHAPE_ERROR = "x [1,1,0,4] has no pixels"},
    {.label = "negative padding",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     OPTS(.kernel = {3}, .padding = {-1, GT_ZERO}),
     ARGUMENT_ERROR = "padding is {-1, 0}, must not be negative"},
    {.label = "negative stride",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     OPTS(.kernel = {3}, .stride = {-1}),
     ARGUMENT_ERROR = "stride is {-1, -1}, must be positive"},
    {.label = "negative dilation",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     OPTS(.kernel = {3}, .dilation = {1, -1}),
     ARGUMENT_ERROR = "dilation is {1, -1}, must be positive"},
    {.label = "padding overflows",
     .in = GT_INPUTS(GT_IN(0, 1, INT64_MAX, 4)),
     OPTS(.kernel = {1}, .padding = {1, 1}),
     .code = GT_ERR_MEMORY,
     .message = "the size of the padded input or the dilated kernel overflows"},
    {.label = "rows overflow",
     .in = GT_INPUTS(GT_IN(0, INT64_C(1) << 62, 4, 4)),
     OPTS(.kernel = {2}),
     .code = GT_ERR_MEMORY,
     .message = "the size of the output overflows"},
};
static const gt_error_sample fold_error_samples[] = {
    {.label = "images",
     .in = GT_INPUTS(GT_IN(1, 4, 2, 2)),
     OPTS(.kernel = {2}, .target = GT_DIMS(0, 0, 3, 3)),
     SHAPE_ERROR = "x [1,4,2,2] has 4 dimensions, needs 3: [n,c kh kw,l]"},
    {.label = "rows",
     .in = GT_INPUTS(GT_IN(1, 6, 4)),
     OPTS(.kernel = {2}, .target = GT_DIMS(0, 0, 3, 3)),
     SHAPE_ERROR = "x's dimension 1 is 6, no multiple of the kernel 2x2"},
    {.label = "columns",
     .in = GT_INPUTS(GT_IN(1, 8, 5)),
     OPTS(.kernel = {2}, .target = GT_DIMS(0, 0, 3, 3)),
     SHAPE_ERROR = "x has 5 columns, but an image of 3x3 has 2x2 windows"},
    {.label = "no size",
     .in = GT_INPUTS(GT_IN(1, 8, 4)),
     OPTS(.kernel = {2}, .target = GT_DIMS(0, 0, 3, 0)),
     ARGUMENT_ERROR = "w is 0, must be positive"},
};

// clang-format off
#define WINDOWS                                                                                    \
    {GT_OPTION("kernel", gti_pool_opts, kernel), .required = true, .bounds = GT_POSITIVE,          \
     .meaning = "height and width of a window"},                                                   \
    {GT_OPTION("stride", gti_pool_opts, stride), .otherwise = 1, .bounds = GT_POSITIVE,            \
     .meaning = GTI_POOL_STRIDE},                                                                  \
    {GT_OPTION("dilation", gti_pool_opts, dilation), .otherwise = 1, .bounds = GT_POSITIVE,        \
     .meaning = GTI_POOL_DILATION},                                                                \
    {GT_PADDING("padding", gti_pool_opts, padding), .bounds = GT_NOT_NEGATIVE,                     \
     .meaning = "zeros around the image"},                                                         \
    {GT_OPTION("", gti_pool_opts, divisor)},                                                       \
    {GT_OPTION("", gti_pool_opts, ceil_mode)},                                                     \
    {GT_OPTION("", gti_pool_opts, exclude_pad)}
static const gt_attr unfold_attrs[] = {WINDOWS, {GT_OPTION("", gti_pool_opts, target)}};
static const gt_attr fold_attrs[] = {
    WINDOWS,
    {GT_OPTION("", gti_pool_opts, target.ndim)},
    {GT_OPTION("", gti_pool_opts, target.dim[0])},
    {GT_OPTION("", gti_pool_opts, target.dim[1])},
    {GT_ARGUMENT("h", gti_pool_opts, target.dim[2]), .bounds = GT_POSITIVE, .meaning = "height of the image"},
    {GT_ARGUMENT("w", gti_pool_opts, target.dim[3]), .bounds = GT_POSITIVE, .meaning = "width of the image"},
    {GT_OPTION("", gti_pool_opts, target.dim[4])},
    {GT_OPTION("", gti_pool_opts, target.dim[5])},
};
// clang-format on

static double fold_flops(const gt_node *n)
{
    return (double)n->in[0]->size;
}

#define FOLD_OP(id, more_flags, work)                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gti_pool_opts),                                                        \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .flags = GT_OP_NO_SAVED | (more_flags),                                                    \
        .plan_size = sizeof(gti_pool2d),                                                           \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        .flops = (work),                                                                           \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };

FOLD_OP(unfold, GT_OP_MOVE, NULL)
FOLD_OP(fold, 0, fold_flops)

static gti_pool_opts fold_internal(const gt_fold_opts *o)
{
    return (gti_pool_opts){.kernel = {o->kernel[0], o->kernel[1]},
                           .stride = {o->stride[0], o->stride[1]},
                           .padding = {o->padding[0], o->padding[1]},
                           .dilation = {o->dilation[0], o->dilation[1]}};
}

gt_tensor *gt_unfold_(gt_tensor *x, gt_fold_opts opts)
{
    const gti_pool_opts o = fold_internal(&opts);
    return gti_pool_call(&gt_op_unfold, 2, &o, x, NULL);
}

gt_tensor *gt_fold_(gt_tensor *x, int64_t h, int64_t w, gt_fold_opts opts)
{
    gti_pool_opts o = fold_internal(&opts);
    o.target = (gt_shape){4, {0, 0, h, w}};
    return gti_pool_call(&gt_op_fold, 1, &o, x, NULL);
}

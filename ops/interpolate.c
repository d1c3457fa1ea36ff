/* Resizing of images, and its gradient.
 *
 *   interpolate     x [n,c,h,w] -> y [n,c,oh,ow], along each dimension of in and out elements:
 *     nearest       y[i] = x[min(floor(i r), in - 1)], r and the product in f32
 *     bilinear      y[i] = (1 - t) x[j] + t x[min(j + 1, in - 1)], j = floor(s), t = s - j,
 *                   s = max((i + 1/2) r - 1/2, 0), or i (in - 1) / (out - 1) with corners aligned
 *                   (0 when out is 1)
 *                   r = in / out, or 1 / scale where one is given; but 1 when out is in
 *   interpolate_dx  dx = the sum of dy over all outputs, with the same weights
 *
 * Both are linear and each other's gradients. */
#include <math.h>

#include "pool.h"

typedef struct {
    gt_keywords gt_;
    int64_t oh, ow;
    gt_shape target; /* of the gradient: the shape of x */
    gt_interpolation mode;
    bool align_corners;
    double scale[2];
} interpolate_opts;

/* --- weights --- */

typedef struct {
    int64_t in, out;
    double scale; /* 0: out / in */
} axis;

/* In f32 as PyTorch has it for either dtype: rounding decides which input is nearest. */
static gti_blend nearest(const axis *a, int64_t i)
{
    const float r = a->scale > 0 ? (float)(1 / a->scale) : (float)a->in / (float)a->out;
    const float place = floorf((float)i * r);
    const int64_t last = a->in - 1, at = place < (float)last ? (int64_t)place : last;
    return (gti_blend){.at = {a->in == a->out ? i : at}}; /* weights are not read */
}

static double source(const axis *a, int64_t i, bool align_corners)
{
    if (a->in == a->out) return (double)i;
    if (align_corners)
        return a->out > 1 ? (double)i * ((double)(a->in - 1) / (double)(a->out - 1)) : 0;
    const double r = a->scale > 0 ? 1 / a->scale : (double)a->in / (double)a->out;
    const double s = ((double)i + 0.5) * r - 0.5;
    return s > 0 ? s : 0;
}

static gti_blend linear(const axis *a, int64_t i, bool align_corners)
{
    const double s = source(a, i, align_corners);
    const int64_t at = s < (double)a->in ? (int64_t)s : a->in - 1;
    const double t = s - (double)at < 1 ? s - (double)at : 1;
    return (gti_blend){{at, at + 1 < a->in ? at + 1 : at}, {1 - t, t}};
}

static void make_blends(const interpolate_opts *o, axis a, gti_blend *blend)
{
    for (int64_t i = 0; i < a.out; i++)
        blend[i] = o->mode == GT_NEAREST ? nearest(&a, i) : linear(&a, i, o->align_corners);
}

static gti_resample resample_of(const gt_node *n, const gt_range *r, const gt_shape *x,
                                const gt_shape *y, int64_t planes)
{
    const interpolate_opts *o = n->opts;
    gti_blend *rows = r->scratch, *cols = rows + y->dim[2];
    make_blends(o, (axis){x->dim[2], y->dim[2], o->scale[0]}, rows);
    make_blends(o, (axis){x->dim[3], y->dim[3], o->scale[1]}, cols);
    return (gti_resample){.planes = planes,
                          .h = x->dim[2],
                          .w = x->dim[3],
                          .oh = y->dim[2],
                          .ow = y->dim[3],
                          .rows = rows,
                          .cols = cols,
                          .single = o->mode == GT_NEAREST,
                          .row = cols + y->dim[3]};
}

/* --- shape rules --- */

static bool interpolate_check_options(const gt_node *n)
{
    const interpolate_opts *o = n->opts;
    for (int i = 0; i < 2; i++)
        if (o->scale[i] != 0 && !isfinite(1 / o->scale[i]))
            return gt_op_fail(n, GT_ERR_ARGUMENT, "scale is %g, too small", o->scale[i]);
    return o->mode != GT_NEAREST || !o->align_corners ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "align_corners is for GT_BILINEAR, not for GT_NEAREST");
}

/* Sets y and the workers' scratch: both tables of weights and a row of x. */
static bool interpolate_infer_parts(gt_node *n, const gt_shape *x, gt_shape *y)
{
    const interpolate_opts *o = n->opts;
    if (!gti_window_check_images(n, 2, "x", x) || !gti_window_check_pixels(n, x) ||
        !interpolate_check_options(n))
        return false;
    gti_set_image_shape(y, 2, x->dim[0], x->dim[1], o->oh, o->ow);
    int64_t blends, bytes, row;
    if (!gti_size_add(o->oh, o->ow, &blends) || !gti_size_mul(blends, sizeof(gti_blend), &bytes) ||
        !gti_size_mul(x->dim[3], sizeof(double), &row) || !gti_size_add(bytes, row, &bytes))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size of the output %s overflows",
                          GTI_SHAPE_TEXT(*y));
    n->worker_scratch = (size_t)bytes;
    return true;
}

static bool interpolate_infer(gt_node *n)
{
    const gt_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    if (!interpolate_infer_parts(n, x, &n->out[0]->shape)) return false;
    gti_pool_planes_divide(n, x, y);
    return true;
}

static bool interpolate_dx_infer(gt_node *n)
{
    const gt_shape *x = &((const interpolate_opts *)n->opts)->target;
    gt_shape y;
    if (!gti_window_check_target(n, x) || !interpolate_infer_parts(n, x, &y) ||
        !gti_window_check_dy(n, &n->in[0]->shape, x, &y))
        return false;
    n->out[0]->shape = *x;
    gti_pool_planes_divide(n, &y, x);
    return true;
}

/* --- values and gradients --- */

static void interpolate_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    const gti_resample s = resample_of(n, r, &x->shape, &y->shape, planes.count);
    gti_kernels_for(n)->resample.resize(&s, gti_pool_planes_from(x, planes),
                                        gti_pool_planes_to(y, planes));
}

static void interpolate_dx_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    const gti_items planes = gti_pool_planes_of(n, r, &dx->shape);
    const gti_resample s = resample_of(n, r, &dx->shape, &dy->shape, planes.count);
    gti_kernels_for(n)->resample.resize_dx(&s, gti_pool_planes_from(dy, planes),
                                           gti_pool_planes_to(dx, planes));
}

static gt_tensor *interpolate_apply(const gt_node *n, const gt_op *op, gt_shape target,
                                    gt_tensor *x)
{
    interpolate_opts opts = *(const interpolate_opts *)n->opts;
    opts.target = target;
    return gt_apply(op, &opts, 1, &x);
}

static const char interpolate_gradient[] =
    "dx = the sum of dy over all outputs, with the weights that x had in them";
static bool interpolate_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(interpolate_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = interpolate_apply(n, &gt_op_interpolate_dx, n->in[0]->shape, dy);
    gin[0] = GT_MUTANT(interpolate_sign, dx, gt_neg(dx));
    return true;
}

static const char interpolate_dx_gradient[] = "d dy = interpolate(g)";
static bool interpolate_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *g = GT_MUTANT(interpolate_dx_upstream, gout[0], gt_square(gout[0]));
    g = interpolate_apply(n, &gt_op_interpolate, (gt_shape){0}, g);
    gin[0] = GT_MUTANT(interpolate_dx_sign, g, gt_neg(g));
    return true;
}

static double interpolate_flops(const gt_node *n)
{
    const bool single = ((const interpolate_opts *)n->opts)->mode == GT_NEAREST;
    const int64_t outputs = n->op == &gt_op_interpolate ? n->out[0]->size : n->in[0]->size;
    return (double)outputs * (single ? 1 : 7);
}

/* --- samples --- */

/* label, x, y, oh, ow and options */
#define BILINEAR .mode = GT_BILINEAR
#define CORNERS .mode = GT_BILINEAR, .align_corners = true
// clang-format off
#define GEOMETRIES(ROW)                                                                            \
    ROW("nearest, doubled", (2, 2, 2, 3), (2, 2, 4, 6), 4, 6, .mode = GT_NEAREST)                  \
    ROW("nearest, halved", (1, 2, 4, 6), (1, 2, 2, 3), 2, 3, .mode = GT_NEAREST)                   \
    ROW("nearest, odd sizes", (1, 1, 3, 5), (1, 1, 5, 7), 5, 7, .mode = GT_NEAREST)                \
    ROW("nearest, fewer and more", (1, 1, 7, 3), (1, 1, 3, 8), 3, 8, .mode = GT_NEAREST)           \
    ROW("nearest, same size", (1, 1, 3, 2), (1, 1, 3, 2), 3, 2, .mode = GT_NEAREST)                \
    ROW("bilinear, doubled", (1, 2, 2, 3), (1, 2, 4, 6), 4, 6, BILINEAR)                           \
    ROW("bilinear, halved", (1, 1, 4, 6), (1, 1, 2, 3), 2, 3, BILINEAR)                            \
    ROW("bilinear, odd sizes", (2, 1, 3, 5), (2, 1, 5, 7), 5, 7, BILINEAR)                         \
    ROW("bilinear, fewer and more", (1, 1, 7, 3), (1, 1, 3, 8), 3, 8, BILINEAR)                    \
    ROW("bilinear, same size", (1, 1, 3, 2), (1, 1, 3, 2), 3, 2, BILINEAR)                         \
    ROW("bilinear, from one pixel", (1, 2, 1, 1), (1, 2, 2, 3), 2, 3, BILINEAR)                    \
    ROW("bilinear, to one pixel", (1, 1, 3, 4), (1, 1, 1, 1), 1, 1, BILINEAR)                      \
    ROW("nearest, scaled", (1, 1, 5, 7), (1, 1, 8, 2), 8, 2, .scale = {1.7, 0.35})                 \
    ROW("bilinear, scaled", (1, 1, 5, 7), (1, 1, 8, 2), 8, 2, BILINEAR, .scale = {1.7, 0.35})      \
    ROW("nearest, scaled up", (1, 1, 2, 3), (1, 1, 7, 10), 7, 10, .scale = {3.5, 3.4})             \
    ROW("bilinear, scaled up", (1, 1, 2, 3), (1, 1, 7, 10), 7, 10, BILINEAR, .scale = {3.5, 3.4})  \
    ROW("corners, doubled", (1, 2, 2, 3), (1, 2, 4, 6), 4, 6, CORNERS)                             \
    ROW("corners, odd sizes", (1, 1, 3, 5), (1, 1, 5, 7), 5, 7, CORNERS)                           \
    ROW("corners, fewer and more", (1, 1, 7, 3), (1, 1, 3, 8), 3, 8, CORNERS)                      \
    ROW("corners, to one pixel", (1, 1, 3, 4), (1, 1, 1, 1), 1, 1, CORNERS)                        \
    ROW("17 wide", (1, 1, 1, 9), (1, 1, 1, 17), 1, 17, BILINEAR)                                   \
    ROW("size one", (1, 1, 1, 1), (1, 1, 1, 1), 1, 1, BILINEAR)                                    \
    ROW("no images", (0, 2, 2, 3), (0, 2, 4, 6), 4, 6, BILINEAR)
// clang-format on
#define RESIZE(name, x, y, h, w, ...)                                                              \
    {.label = (name),                                                                              \
     .in = GT_INPUTS(GT_IN x),                                                                     \
     .opts = &(const interpolate_opts){.oh = (h), .ow = (w), __VA_ARGS__}},
#define RESIZE_DX(name, x, y, h, w, ...)                                                           \
    {.label = (name),                                                                              \
     .in = GT_INPUTS(GT_IN y),                                                                     \
     .opts = &(const interpolate_opts){.oh = (h), .ow = (w), __VA_ARGS__, .target = GT_DIMS x}},
static const gt_sample interpolate_samples[] = {GEOMETRIES(RESIZE)};
static const gt_sample interpolate_dx_samples[] = {GEOMETRIES(RESIZE_DX)};

static const gt_error_sample interpolate_error_samples[] = {
    {.label = "no batch dimension",
     .in = GT_INPUTS(GT_IN(2, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2},
     .code = GT_ERR_SHAPE,
     .message = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4, 4))"},
    {.label = "no size",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 0},
     .code = GT_ERR_ARGUMENT,
     .message = "w is 0, must be positive"},
    {.label = "no pixels",
     .in = GT_INPUTS(GT_IN(1, 1, 0, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2},
     .code = GT_ERR_SHAPE,
     .message = "x [1,1,0,4] has no pixels"},
    {.label = "corners of the nearest",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2, .align_corners = true},
     .code = GT_ERR_ARGUMENT,
     .message = "align_corners is for GT_BILINEAR"},
    {.label = "no mode",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2, .mode = (gt_interpolation)7},
     .code = GT_ERR_ARGUMENT,
     .message = "mode is 7, must be GT_NEAREST or GT_BILINEAR"},
    {.label = "negative scale",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2, .scale = {0.5, -0.5}},
     .code = GT_ERR_ARGUMENT,
     .message = "scale is {0.5, -0.5}, must be finite and positive"},
    {.label = "no height",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = 0, .ow = 2},
     .code = GT_ERR_ARGUMENT,
     .message = "h is 0, must be positive"},
    {.label = "height overflows",
     .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),
     .opts = &(const interpolate_opts){.oh = INT64_MAX, .ow = 2},
     .code = GT_ERR_MEMORY,
     .message = "the size of the output [1,1,9223372036854775807,2] overflows"},
};
static const gt_error_sample interpolate_dx_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 3)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2, .target = GT_DIMS(1, 1, 4, 4)},
     .code = GT_ERR_SHAPE,
     .message = "dy is [1,1,2,3], but x [1,1,4,4] makes [1,1,2,2]"},
    {.label = "negative target",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 2)),
     .opts = &(const interpolate_opts){.oh = 2, .ow = 2, .target = GT_DIMS(1, 1, -4, 4)},
     .code = GT_ERR_SHAPE,
     .message = "[1,1,-4,4] is no shape"},
};

// clang-format off
#define RESIZE_ATTRS                                                                               \
    {GT_ARGUMENT("h", interpolate_opts, oh), .bounds = GT_POSITIVE, .meaning = "height of the result"}, \
    {GT_ARGUMENT("w", interpolate_opts, ow), .bounds = GT_POSITIVE, .meaning = "width of the result"},  \
    {GT_CHOICE("mode", interpolate_opts, mode, 2, "GT_NEAREST GT_BILINEAR"),                       \
     .meaning = "what lies between x's pixels"},                                                   \
    {GT_OPTION("align_corners", interpolate_opts, align_corners),                                  \
     .meaning = "of GT_BILINEAR: the corner pixels' centres stay where they are"},                 \
    {GT_OPTION("scale", interpolate_opts, scale), .usual = "y's size / x's", .bounds = GT_POSITIVE,\
     .meaning = "where the size is rounded from it, of height and width"}
static const gt_attr interpolate_attrs[] = {RESIZE_ATTRS, {GT_OPTION("", interpolate_opts, target)}};
static const gt_attr interpolate_dx_attrs[] = {
    RESIZE_ATTRS, {GT_ARGUMENT("x", interpolate_opts, target), .meaning = "the shape of x"}};
// clang-format on

#define INTERPOLATE_OP(id, input_names)                                                            \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(interpolate_opts),                                                     \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .flags = GT_OP_NO_SAVED,                                                                   \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = interpolate_flops,                                                                \
    };

INTERPOLATE_OP(interpolate, "x")
INTERPOLATE_OP(interpolate_dx, "dy")

static interpolate_opts options_of(const gt_interpolate_opts *o)
{
    return (interpolate_opts){
        .mode = o->mode, .align_corners = o->align_corners, .scale = {o->scale[0], o->scale[1]}};
}

gt_tensor *gt_interpolate_(gt_tensor *x, int64_t h, int64_t w, gt_interpolate_opts opts)
{
    interpolate_opts o = options_of(&opts);
    o.oh = h, o.ow = w;
    return gt_apply(&gt_op_interpolate, &o, 1, &x);
}

gt_tensor *gt_interpolate_dx(gt_tensor *dy, gt_shape x, gt_interpolate_opts opts)
{
    interpolate_opts o = options_of(&opts);
    o.target = x;
    if (dy && dy->shape.ndim == 4) o.oh = dy->shape.dim[2], o.ow = dy->shape.dim[3];
    return gt_apply(&gt_op_interpolate_dx, &o, 1, &dy);
}

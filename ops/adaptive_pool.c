/* Adaptive pools: to a given size, whatever the size of x. Window i of `out` windows along a
 * dimension of `in` elements goes from floor(i in / out) up to ceil((i + 1) in / out).
 *
 *   adaptive_avg_pool2d     y = the mean of each window of x [n,c,h,w], [n,c,oh,ow]
 *   adaptive_avg_pool2d_dx  dx = over all windows that an element lies in, the sum of dy / size
 *   adaptive_max_pool2d     y = the greatest element, indices = its place in the plane, i w + j
 *
 * The first two are linear and each other's gradients. Of the maximum dx = dy at the indices. */
#include "pool.h"

typedef struct {
    gt_keywords gt_;
    int64_t oh, ow;
    gt_shape target; /* of the gradient: the shape of x */
} adaptive_opts;

/* Sets y and the scratch. */
static bool adaptive_pool_infer_parts(gt_node *n, const gt_shape *x, gt_shape *y)
{
    const adaptive_opts *o = n->opts;
    if (!gti_window_check_images(n, 2, "x", x) || !gti_window_check_pixels(n, x)) return false;
    gti_set_image_shape(y, 2, x->dim[0], x->dim[1], o->oh, o->ow);
    return gti_pool_windows_scratch(n, x, y);
}

static gti_windows adaptive_pool_windows_of(const gt_node *n, const gt_range *r, const gt_shape *x,
                                            const gt_shape *y)
{
    gti_span *rows, *cols;
    const gti_windows windows = gti_pool_windows_begin(n, r, x, y, &rows, &cols);
    gti_pool_adaptive_spans(windows.h, windows.oh, rows);
    gti_pool_adaptive_spans(windows.w, windows.ow, cols);
    return windows;
}

static gt_tensor *adaptive_pool_apply(const gt_op *op, int64_t oh, int64_t ow, gt_shape target,
                                      gt_tensor *x)
{
    return gt_apply(op, &(adaptive_opts){.oh = oh, .ow = ow, .target = target}, 1, &x);
}

/* --- the mean --- */

static bool adaptive_avg_pool2d_infer(gt_node *n)
{
    if (!adaptive_pool_infer_parts(n, &n->in[0]->shape, &n->out[0]->shape)) return false;
    gti_pool_planes_divide(n, &n->in[0]->shape, &n->out[0]->shape);
    return true;
}

static void adaptive_avg_pool2d_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gti_windows windows = adaptive_pool_windows_of(n, r, &x->shape, &y->shape);
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    gti_kernels_for(n)->pool.mean_windows(&windows, gti_pool_planes_from(x, planes),
                                          gti_pool_planes_to(y, planes));
}

static const char adaptive_avg_pool2d_gradient[] =
    "dx = over all windows that an element lies in, the sum of dy / size";
static bool adaptive_avg_pool2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const adaptive_opts *o = n->opts;
    gt_tensor *dy = GT_MUTANT(adaptive_avg_pool2d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx =
        adaptive_pool_apply(&gt_op_adaptive_avg_pool2d_dx, o->oh, o->ow, n->in[0]->shape, dy);
    gin[0] = GT_MUTANT(adaptive_avg_pool2d_sign, dx, gt_neg(dx));
    return true;
}

static bool adaptive_avg_pool2d_dx_infer(gt_node *n)
{
    const gt_shape *x = &((const adaptive_opts *)n->opts)->target;
    gt_shape y;
    if (!gti_window_check_target(n, x) || !adaptive_pool_infer_parts(n, x, &y) ||
        !gti_window_check_dy(n, &n->in[0]->shape, x, &y))
        return false;
    n->out[0]->shape = *x;
    gti_pool_planes_divide(n, &y, x);
    return true;
}

static void adaptive_avg_pool2d_dx_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    const gti_windows windows = adaptive_pool_windows_of(n, r, &dx->shape, &dy->shape);
    const gti_items planes = gti_pool_planes_of(n, r, &dx->shape);
    gti_kernels_for(n)->pool.mean_windows_dx(&windows, gti_pool_planes_from(dy, planes),
                                             gti_pool_planes_to(dx, planes));
}

static const char adaptive_avg_pool2d_dx_gradient[] = "d dy = adaptive_avg_pool2d(g)";
static bool adaptive_avg_pool2d_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const adaptive_opts *o = n->opts;
    gt_tensor *g = GT_MUTANT(adaptive_avg_pool2d_dx_upstream, gout[0], gt_square(gout[0]));
    g = adaptive_pool_apply(&gt_op_adaptive_avg_pool2d, o->oh, o->ow, (gt_shape){0}, g);
    gin[0] = GT_MUTANT(adaptive_avg_pool2d_dx_sign, g, gt_neg(g));
    return true;
}

/* --- the maximum --- */

static bool adaptive_max_pool2d_infer(gt_node *n)
{
    if (!adaptive_pool_infer_parts(n, &n->in[0]->shape, &n->out[0]->shape)) return false;
    n->out[1]->shape = n->out[0]->shape;
    n->out[1]->dtype = GT_I64;
    gti_pool_planes_divide(n, &n->in[0]->shape, &n->out[0]->shape);
    return true;
}

static void adaptive_max_pool2d_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const gti_windows windows = adaptive_pool_windows_of(n, r, &x->shape, &y->shape);
    const gti_items planes = gti_pool_planes_of(n, r, &x->shape);
    gti_kernels_for(n)->pool.max_windows(&windows, gti_pool_planes_from(x, planes),
                                         gti_pool_planes_to(y, planes),
                                         gti_pool_planes_to(n->out[1], planes));
}

static const char adaptive_max_pool2d_gradient[] = "dx = dy where the maxima were, else 0";
static bool adaptive_max_pool2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = GT_MUTANT(adaptive_max_pool2d_upstream, gout[0], gt_square(gout[0]));
    gt_tensor *dx = gt_max_pool2d_dx(dy, n->out[1], n->in[0]->shape);
    gin[0] = GT_MUTANT(adaptive_max_pool2d_sign, dx, gt_neg(dx));
    return true;
}

/* --- samples --- */

static const double steps[] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 0, 0, 3, 3, 0, 0};

/* label, x, and oh, ow as numbers and in the shape of y */
// clang-format off
#define GEOMETRIES(ROW)                                                                            \
    ROW("even windows", (2, 2, 4, 6), (2, 2, 2, 3), 2, 3)                                          \
    ROW("overlapping windows", (1, 2, 5, 7), (1, 2, 3, 4), 3, 4)                                   \
    ROW("to one", (2, 2, 3, 4), (2, 2, 1, 1), 1, 1)                                                \
    ROW("to the same size", (1, 1, 3, 4), (1, 1, 3, 4), 3, 4)                                      \
    ROW("to a greater size", (1, 1, 2, 3), (1, 1, 5, 4), 5, 4)                                     \
    ROW("17 wide", (1, 1, 1, 17), (1, 1, 1, 5), 1, 5)                                              \
    ROW("size one", (1, 1, 1, 1), (1, 1, 1, 1), 1, 1)                                              \
    ROW("no images", (0, 2, 3, 3), (0, 2, 2, 2), 2, 2)                                             \
    ROW("to nothing", (1, 1, 2, 2), (1, 1, 0, 2), 0, 2)
// clang-format on
#define TO(h, w, ...)                                                                              \
    .opts = &(const adaptive_opts)                                                                 \
    {                                                                                              \
        .oh = (h), .ow = (w), __VA_ARGS__                                                          \
    }
#define POOL(name, x, y, oh, ow) {.label = (name), .in = GT_INPUTS(GT_IN x), TO(oh, ow, )},
#define POOL_DX(name, x, y, oh, ow)                                                                \
    {.label = (name), .in = GT_INPUTS(GT_IN y), TO(oh, ow, .target = GT_DIMS x)},
static const gt_sample adaptive_avg_pool2d_samples[] = {GEOMETRIES(POOL)};
static const gt_sample adaptive_avg_pool2d_dx_samples[] = {GEOMETRIES(POOL_DX)};
static const gt_sample adaptive_max_pool2d_samples[] = {
    GEOMETRIES(POOL){.label = "ties",
                     .in = GT_INPUTS({.shape = GT_DIMS(1, 1, 4, 4), .values = steps}),
                     TO(2, 3, ),
                     .kinks = true},
};

#define POOL_ERRORS                                                                                \
    {.label = "no batch dimension",                                                                \
     .in = GT_INPUTS(GT_IN(2, 4, 4)),                                                              \
     TO(2, 2, ),                                                                                   \
     .code = GT_ERR_SHAPE,                                                                         \
     .message = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 2, 4, 4))"},               \
        {.label = "no pixels",                                                                     \
         .in = GT_INPUTS(GT_IN(1, 1, 0, 4)),                                                       \
         TO(2, 2, ),                                                                               \
         .code = GT_ERR_SHAPE,                                                                     \
         .message = "x [1,1,0,4] has no pixels"},                                                  \
        {.label = "negative height",                                                               \
         .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),                                                       \
         TO(-1, 2, ),                                                                              \
         .code = GT_ERR_ARGUMENT,                                                                  \
         .message = "oh is -1, must not be negative"},                                             \
        {.label = "height overflows",                                                              \
         .in = GT_INPUTS(GT_IN(1, 1, 4, 4)),                                                       \
         TO(INT64_MAX, 2, ),                                                                       \
         .code = GT_ERR_MEMORY,                                                                    \
         .message = "the size of the output [1,1,9223372036854775807,2] overflows"},               \
    {                                                                                              \
        .label = "negative size", .in = GT_INPUTS(GT_IN(1, 1, 4, 4)), TO(2, -1, ),                 \
        .code = GT_ERR_ARGUMENT, .message = "ow is -1, must not be negative"                       \
    }
static const gt_error_sample adaptive_avg_pool2d_error_samples[] = {POOL_ERRORS};
static const gt_error_sample adaptive_max_pool2d_error_samples[] = {POOL_ERRORS};
static const gt_error_sample adaptive_avg_pool2d_dx_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 3)),
     TO(2, 2, .target = GT_DIMS(1, 1, 4, 4)),
     .code = GT_ERR_SHAPE,
     .message = "dy is [1,1,2,3], but x [1,1,4,4] makes [1,1,2,2]"},
    {.label = "negative target",
     .in = GT_INPUTS(GT_IN(1, 1, 2, 2)),
     TO(2, 2, .target = GT_DIMS(1, 1, -4, 4)),
     .code = GT_ERR_SHAPE,
     .message = "[1,1,-4,4] is no shape"},
};

// clang-format off
#define SIZES                                                                                      \
    {GT_ARGUMENT("oh", adaptive_opts, oh), .bounds = GT_NOT_NEGATIVE, .meaning = "height of the result"}, \
    {GT_ARGUMENT("ow", adaptive_opts, ow), .bounds = GT_NOT_NEGATIVE, .meaning = "width of the result"}
static const gt_attr adaptive_avg_pool2d_attrs[] = {SIZES, {GT_OPTION("", adaptive_opts, target)}};
static const gt_attr adaptive_max_pool2d_attrs[] = {
    SIZES,
    {GT_OPTION("", adaptive_opts, target)},
    {GT_BESIDE("indices"), .usual = "NULL", .meaning = "gets where each maximum was: i64 i w + j, of y's shape"},
};
static const gt_attr adaptive_avg_pool2d_dx_attrs[] = {
    SIZES, {GT_ARGUMENT("x", adaptive_opts, target), .meaning = "the shape of x"}};
// clang-format on

/* Windows overlap by little. */
static double adaptive_pool_flops(const gt_node *n)
{
    return (double)(n->in[0]->size > n->out[0]->size ? n->in[0]->size : n->out[0]->size);
}

#define ADAPTIVE_POOL(id, input_names, outputs, op_flags)                                          \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = 1,                                                                                 \
        .n_out = (outputs),                                                                        \
        .opts_size = sizeof(adaptive_opts),                                                        \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .flags = (op_flags),                                                                       \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        .flops = adaptive_pool_flops,                                                              \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };

ADAPTIVE_POOL(adaptive_avg_pool2d, "x", 1, GT_OP_NO_SAVED)
ADAPTIVE_POOL(adaptive_avg_pool2d_dx, "dy", 1, GT_OP_NO_SAVED)
ADAPTIVE_POOL(adaptive_max_pool2d, "x", 2, 0)

gt_tensor *gt_adaptive_avg_pool2d(gt_tensor *x, int64_t oh, int64_t ow)
{
    return gti_pool_call(&gt_op_adaptive_avg_pool2d, 2, &(adaptive_opts){.oh = oh, .ow = ow}, x,
                         NULL);
}

gt_tensor *gt_adaptive_avg_pool2d_dx(gt_tensor *dy, gt_shape x)
{
    const gt_shape y = dy ? dy->shape : (gt_shape){0};
    return adaptive_pool_apply(&gt_op_adaptive_avg_pool2d_dx, y.dim[2], y.dim[3], x, dy);
}

gt_tensor *gt_adaptive_max_pool2d_(gt_tensor *x, int64_t oh, int64_t ow,
                                   gt_adaptive_max_pool_opts opts)
{
    return gti_pool_call(&gt_op_adaptive_max_pool2d, 2, &(adaptive_opts){.oh = oh, .ow = ow}, x,
                         opts.indices);
}

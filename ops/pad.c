/* Elements added before and after x along each axis, or cut off where negative:
 * y[..,j,..] = x[..,source(j - before),..], where source leads places outside x back into it by the
 * mode, or y is the constant there.
 *
 *   constant  dx = dy padded the other way round: cut off where x was padded, zeros where cut off
 *   others    dx = pad_dx(dy), x's shape: each element the sum of dy where it was copied to
 *   the gradient of pad_dx in dy is the padding again */
#include <string.h>

#include "common.h"

enum { PAD_COST = 2 }; /* of an element */

typedef struct {
    gt_pad_opts pad;
    gt_shape shape;
} dx_opts;

_Static_assert((int)GT_PAD_REFLECT == GTI_PAD_REFLECT &&
                   (int)GT_PAD_REPLICATE == GTI_PAD_REPLICATE &&
                   (int)GT_PAD_CIRCULAR == GTI_PAD_CIRCULAR,
               "modes are the kernels'");

/* What stands before (after = 0) or after (1) axis d of ndim. */
static int64_t pad_at(const gt_pad_opts *opts, int ndim, int d, int after)
{
    return opts->pad[2 * (ndim - 1 - d) + after];
}

/* The most that a mode can add at either side of an axis of size n, of which `kept` are not cut off
 * at the other. */
static int64_t most(gt_pad_mode mode, int64_t n, int64_t kept)
{
    switch (mode) {
    case GT_PAD_CONSTANT: break;
    case GT_PAD_REFLECT: return n > 0 ? n - 1 : 0;
    case GT_PAD_REPLICATE: return n > 0 ? INT64_MAX : 0;
    case GT_PAD_CIRCULAR: return kept;
    }
    return INT64_MAX;
}

/* Sets *y to the size of axis d, n before. */
static bool pad_axis(const gt_node *node, const gt_pad_opts *opts, int ndim, int d, int64_t n,
                     int64_t *y)
{
    static const char *const mode[] = {"constant", "reflect", "replicate", "circular"};
    const int64_t before = pad_at(opts, ndim, d, 0), after = pad_at(opts, ndim, d, 1);
    const int64_t kept = (before < 0 ? n + before : n) + (after < 0 ? after : 0);
    if (before < -n || after < -n || kept < 0)
        return gt_op_fail(node, GT_ERR_SHAPE,
                          "padding of axis %d by %lld and %lld cuts off more than its size %lld", d,
                          (long long)before, (long long)after, (long long)n);
    const int64_t limit = most(opts->mode, n, kept);
    if (before > limit || after > limit)
        return gt_op_fail(node, GT_ERR_SHAPE,
                          "%s padding of axis %d by %lld and %lld: at most %lld fit its size %lld",
                          mode[opts->mode], d, (long long)before, (long long)after,
                          (long long)limit, (long long)n);
    if (!gti_size_add(n, before, y) || !gti_size_add(*y, after, y))
        return gt_op_fail(node, GT_ERR_MEMORY, "the size of axis %d overflows", d);
    return true;
}

/* The shape of x padded. */
static bool padded_shape(const gt_node *n, const gt_pad_opts *opts, gt_shape x, gt_shape *y)
{
    for (int i = 2 * x.ndim; i < 2 * GT_MAX_DIMS; i++)
        if (opts->pad[i] != 0)
            return gt_op_fail(n, GT_ERR_SHAPE, "padding for %d dimensions, but there are %d",
                              i / 2 + 1, x.ndim);
    if (opts->value != 0 && opts->mode != GT_PAD_CONSTANT)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "value is %g, which is for GT_PAD_CONSTANT alone",
                          opts->value);
    *y = x;
    for (int d = 0; d < x.ndim; d++)
        if (!pad_axis(n, opts, x.ndim, d, x.dim[d], &y->dim[d])) return false;
    return true;
}

/* Axes behind the last one that is padded are one block. */
static gti_pad geometry(const gt_pad_opts *opts, gt_shape x, gt_shape y)
{
    gti_pad p = {.mode = (gti_pad_mode)opts->mode, .inner = 1, .ndim = x.ndim};
    while (p.ndim > 0 && pad_at(opts, x.ndim, p.ndim - 1, 0) == 0 &&
           pad_at(opts, x.ndim, p.ndim - 1, 1) == 0)
        p.inner *= x.dim[--p.ndim];
    for (int d = 0; d < p.ndim; d++) {
        p.x[d] = x.dim[d];
        p.y[d] = y.dim[d];
        p.before[d] = pad_at(opts, x.ndim, d, 0);
    }
    return p;
}

/* What is padded alike: planes of the axes from the first one on that changes, x and y elements
 * each. */
typedef struct {
    gti_pad p;
    int64_t count, x, y;
} pad_planes;

static pad_planes planes_of(const gt_pad_opts *opts, gt_shape x, gt_shape y)
{
    pad_planes a = {.p = geometry(opts, x, y), .count = 1};
    gti_pad *const p = &a.p;
    int skip = 0;
    while (skip < p->ndim && p->before[skip] == 0 && p->x[skip] == p->y[skip])
        a.count *= p->x[skip++];
    p->ndim -= skip;
    a.x = a.y = p->inner;
    for (int d = 0; d < p->ndim; d++) {
        a.x *= p->x[d] = p->x[d + skip];
        a.y *= p->y[d] = p->y[d + skip];
        p->before[d] = p->before[d + skip];
    }
    return a;
}

/* The constant as an element of a dtype; false where it is none. */
static bool element_of(double value, gt_dtype dtype, unsigned char element[8])
{
    const float f32 = (float)value;
    const bool whole = value >= -0x1p63 && value < 0x1p63 && value == (double)(int64_t)value;
    const int64_t i64 = whole ? (int64_t)value : 0;
    const uint8_t u8 = (uint8_t)i64;
    switch (dtype) {
    case GT_F32: memcpy(element, &f32, sizeof f32); return true;
    case GT_F64: memcpy(element, &value, sizeof value); return true;
    case GT_I64: memcpy(element, &i64, sizeof i64); return whole;
    case GT_U8: memcpy(element, &u8, sizeof u8); return whole && u8 == i64;
    }
    return false;
}

static bool pad_infer(gt_node *n)
{
    const gt_pad_opts *opts = n->opts;
    const gt_tensor *x = n->in[0];
    unsigned char element[8];
    if (opts->mode == GT_PAD_CONSTANT && !element_of(opts->value, x->dtype, element))
        return gt_op_fail(n, GT_ERR_ARGUMENT, "value is %g, which is no %s", opts->value,
                          gt_dtype_name(x->dtype));
    gt_shape *y = &n->out[0]->shape;
    if (!padded_shape(n, opts, x->shape, y)) return false;
    if (gt_shape_size(*y) <= 0) return true;
    const pad_planes a = planes_of(opts, x->shape, *y);
    n->parts[0] = gt_parts(n, a.count, PAD_COST * (double)a.y);
    return true;
}

static void pad_parts(gt_node *n, const gt_range *r)
{
    const gt_pad_opts *opts = n->opts;
    const gt_tensor *x = n->in[0], *y = n->out[0];
    unsigned char element[8];
    element_of(opts->value, y->dtype, element);
    const pad_planes a = planes_of(opts, x->shape, y->shape);
    const gti_items items = gti_items_of(n, r, a.count);
    for (int64_t i = items.first; i < items.first + items.count; i++)
        gti_pad_copy(&a.p, gt_dtype_size(y->dtype), gti_from(x, i * a.x), element,
                     gti_to(y, i * a.y));
}

/* Padding by as much with the other sign. */
static gt_pad_opts reversed(const gt_pad_opts *opts)
{
    gt_pad_opts r = {0};
    for (int i = 0; i < 2 * GT_MAX_DIMS; i++) r.pad[i] = -opts->pad[GT_MUTANT(pad_sides, i, i ^ 1)];
    return r;
}

static bool pad_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_pad_opts *opts = n->opts;
    gt_tensor *dy = GT_MUTANT(pad_upstream, gout[0], gt_square(gout[0]));
    gin[0] = GT_MUTANT(pad_mode, opts->mode, GT_PAD_CONSTANT) == GT_PAD_CONSTANT
                 ? gt_pad_(dy, reversed(opts))
                 : gt_pad_dx(dy, n->in[0]->shape, *opts);
    return true;
}

static bool pad_dx_infer(gt_node *n)
{
    const dx_opts *opts = n->opts;
    gt_shape dy = {0};
    if (!gt_is_shape(&opts->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(opts->shape));
    if (!padded_shape(n, &opts->pad, opts->shape, &dy)) return false;
    if (!gt_shape_equal(dy, n->in[0]->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, must be %s", GTI_SHAPE_TEXT(n->in[0]->shape),
                          GTI_SHAPE_TEXT(dy));
    n->out[0]->shape = opts->shape;
    if (gt_shape_size(opts->shape) <= 0) return true;
    const pad_planes a = planes_of(&opts->pad, opts->shape, dy);
    n->parts[0] = gt_parts(n, a.count, 2 * PAD_COST * (double)a.x);
    if (n->dtype != GT_F64) n->worker_scratch = (size_t)a.x * sizeof(double);
    return true;
}

/* Sums in double, a plane of them in scratch; in place where dx is of doubles. */
static void pad_dx_parts(gt_node *n, const gt_range *r)
{
    const dx_opts *opts = n->opts;
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    const gti_kernels *kernels = gti_kernels_for(n);
    const pad_planes a = planes_of(&opts->pad, dx->shape, dy->shape);
    const gti_items items = gti_items_of(n, r, a.count);
    for (int64_t i = items.first; i < items.first + items.count; i++) {
        double *const sum = r->scratch ? r->scratch : gti_to(dx, i * a.x);
        memset(sum, 0, (size_t)a.x * sizeof *sum);
        if (a.y > 0) kernels->pad.fold(&a.p, gti_from(dy, i * a.y), sum);
        if (r->scratch) kernels->index.round(a.x, sum, gti_to(dx, i * a.x));
    }
}

static bool pad_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const dx_opts *opts = n->opts;
    gt_pad_opts pad = {.mode = GT_MUTANT(pad_dx_mode, opts->pad.mode, GT_PAD_CONSTANT)};
    memcpy(pad.pad, opts->pad.pad, sizeof pad.pad);
    gin[0] = gt_pad_(GT_MUTANT(pad_dx_sign, gout[0], gt_neg(gout[0])), pad);
    return true;
}

#include "pad_samples.h"

// clang-format off
#define PAD_ATTRS                                                                                  \
    {GT_OPTION("pad", gt_pad_opts, pad), .usual = "{0}",                                           \
     .meaning = "elements before and after along the last axis, then the one before it, ..."},     \
    {GT_CHOICE("mode", gt_pad_opts, mode, 4,                                                       \
               "GT_PAD_CONSTANT GT_PAD_REFLECT GT_PAD_REPLICATE GT_PAD_CIRCULAR"),                 \
     .meaning = "what the elements are"},                                                          \
    {GT_OPTION("value", gt_pad_opts, value), .meaning = "the constant"}
static const gt_attr pad_attrs[] = {PAD_ATTRS};
static const gt_attr pad_dx_attrs[] = {
    PAD_ATTRS, {GT_ARGUMENT("shape", dx_opts, shape), .meaning = "the shape of the result"}};
// clang-format on

const gt_op gt_op_pad = {
    .name = "pad",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_pad_opts),
    .attrs = GT_ATTRS(pad_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_FRAME | GT_OP_MOVE,
    .infer = pad_infer,
    .parts = GT_FOR_ALL(pad_parts),
    .backward = pad_backward,
    .gradient = "dx = dy, cut out (constant), or each element the sum of dy where it was copied to",
    GT_SAMPLES(pad_samples),
    GT_ERROR_SAMPLES(pad_error_samples),
};

const gt_op gt_op_pad_dx = {
    .name = "pad_dx",
    .inputs = "dy",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(dx_opts),
    .attrs = GT_ATTRS(pad_dx_attrs),
    .flags = GT_OP_NO_SAVED,
    .infer = pad_dx_infer,
    .parts = GT_FOR_FLOATS(pad_dx_parts),
    .backward = pad_dx_backward,
    .gradient = "d dy = g, padded; zeros where pad put a constant",
    GT_SAMPLES(dx_samples),
    GT_ERROR_SAMPLES(dx_error_samples),
};

gt_tensor *gt_pad_(gt_tensor *x, gt_pad_opts opts)
{
    return gt_apply(&gt_op_pad, &opts, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_pad_dx(gt_tensor *dy, gt_shape shape, gt_pad_opts opts)
{
    return gt_apply(&gt_op_pad_dx, &(dx_opts){opts, shape}, 1, (gt_tensor *[]){dy});
}

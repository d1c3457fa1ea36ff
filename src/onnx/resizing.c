/* Resize and Upsample: along each axis by a matrix of weights, made from how places of the result
 * lie in the input, for any mode. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/op.h"

typedef struct {
    const char *mode, *places, *nearest;
    double cubic, outside; /* the cubic's coefficient; what lies outside of a crop */
    bool exclude_outside, antialias;
} method;

/* Of one axis. */
typedef struct {
    int64_t in, out;
    double scale, start, end; /* start and end of a crop, from 0 to 1 */
} span;

/* Where place i of the result lies among the input's. */
static double place_of(const method *m, const span *s, double i)
{
    const double in = (double)s->in, out = in * s->scale; /* not rounded, as ONNX has it */
    if (!strcmp(m->places, "asymmetric")) return i / s->scale;
    if (!strcmp(m->places, "align_corners")) return s->out == 1 ? 0 : i * (in - 1) / (out - 1);
    if (!strcmp(m->places, "pytorch_half_pixel"))
        return s->out > 1 ? (i + 0.5) / s->scale - 0.5 : 0;
    if (!strcmp(m->places, "tf_crop_and_resize"))
        return s->out > 1 ? s->start * (in - 1) + i * (s->end - s->start) * (in - 1) / (out - 1)
                          : 0.5 * (s->start + s->end) * (in - 1);
    if (!strcmp(m->places, "half_pixel_symmetric")) {
        const double part = (double)s->out / out, centre = in / 2;
        return centre * (1 - part) + (i + 0.5) / s->scale - 0.5;
    }
    return (i + 0.5) / s->scale - 0.5;
}

static double nearest_of(const method *m, double x)
{
    const double down = floor(x);
    if (!strcmp(m->nearest, "floor")) return down;
    if (!strcmp(m->nearest, "ceil")) return ceil(x);
    if (!strcmp(m->nearest, "round_prefer_ceil")) return floor(x + 0.5);
    return x - down == 0.5 ? down : floor(x + 0.5); /* round_prefer_floor */
}

/* The weight of an element at distance d: linear, or the cubic of Keys. */
static double kernel(const method *m, double d)
{
    d = fabs(d);
    if (m->mode[0] == 'l') return d < 1 ? 1 - d : 0;
    const double a = m->cubic;
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static int64_t inside(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Row i of the matrix: weights of the input's elements. */
static void fill_row(const method *m, const span *s, double x, double *row)
{
    if (m->mode[0] == 'n') {
        row[inside((int64_t)nearest_of(m, x), s->in)] = 1;
        return;
    }
    const double stretch = m->antialias && s->scale < 1 ? s->scale : 1;
    const double reach = (m->mode[0] == 'l' ? 1 : 2) / stretch;
    double sum = 0;
    for (int64_t k = (int64_t)floor(x - reach); k <= (int64_t)ceil(x + reach); k++) {
        const double w = kernel(m, (x - (double)k) * stretch);
        if (m->exclude_outside && (k < 0 || k >= s->in)) continue;
        row[inside(k, s->in)] += w;
        sum += w;
    }
    for (int64_t k = 0; sum != 0 && k < s->in; k++) row[k] /= sum;
}

static bool is_outside(const method *m, const span *s, double x)
{
    return !strcmp(m->places, "tf_crop_and_resize") && (x < 0 || x > (double)(s->in - 1));
}

/* [out,in], and a mask of rows that lie outside. */
static gt_tensor *weights(const gti_onnx_call *c, const method *m, const span *s, gt_dtype dtype,
                          gt_tensor **lost)
{
    gt_tensor *y = gt_full_(c->gt, GT_SHAPE(s->out, s->in), 0, (gt_new_opts){.dtype = dtype});
    *lost = gt_full_(c->gt, GT_SHAPE(s->out), 0, (gt_new_opts){.dtype = GT_U8});
    double *row = calloc((size_t)s->in + 1, sizeof *row);
    if (!row) gti_call_fail(c, GT_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; row && y && *lost && i < s->out; i++) {
        const double x = place_of(m, s, (double)i);
        memset(row, 0, (size_t)s->in * sizeof *row);
        if (is_outside(m, s, x)) ((uint8_t *)(*lost)->data)[i] = 1;
        else fill_row(m, s, x, row);
        for (int64_t k = 0; k < s->in; k++) gt_store_element(y, i * s->in + k, row[k]);
    }
    free(row);
    return row && *lost ? y : NULL;
}

static bool any(const gt_tensor *mask)
{
    for (int64_t i = 0; i < mask->size; i++)
        if (((const uint8_t *)mask->data)[i]) return true;
    return false;
}

/* x with one axis resized: as [before,in,after], weights [out,in] x. */
static gt_tensor *resize_axis(const gti_onnx_call *c, const method *m, gt_tensor *x, int axis,
                              const span *s)
{
    gt_tensor *lost, *w = weights(c, m, s, x->dtype, &lost);
    if (!w) return NULL;
    const int64_t before = gti_call_product(x, 0, axis),
                  after = gti_call_product(x, axis + 1, x->shape.ndim);
    gt_shape shape = x->shape;
    shape.dim[axis] = s->out;
    gt_tensor *y =
        gt_matmul_(w, gt_reshape(x, GT_SHAPE(before, s->in, after)), (gt_matmul_opts){0});
    if (y && any(lost))
        y = gt_where(gt_reshape(lost, GT_SHAPE(s->out, 1)),
                     gt_full_(c->gt, GT_SCALAR, m->outside, (gt_new_opts){.dtype = x->dtype}), y);
    return y ? gt_reshape(y, shape) : NULL;
}

/* --- what a node asks for --- */

/* Numbers for some axes, spread over all; `otherwise` for the others. */
static bool spread(const gti_onnx_call *c, const gti_ints *axes, int ndim, const gt_tensor *t,
                   int first, double otherwise, double to[GT_MAX_DIMS])
{
    const int n = axes->n >= 0 ? axes->n : ndim;
    for (int i = 0; i < ndim; i++) to[i] = otherwise;
    if (!t || !t->size) return true;
    if (t->size < first + n)
        return gti_call_fail(c, GT_ERR_SHAPE, "has %lld numbers for %d axes", (long long)t->size,
                             n);
    for (int i = 0; i < n; i++) {
        const int axis = gti_call_axis(c, axes->n >= 0 ? axes->at[i] : i, ndim);
        if (axis < 0) return false;
        to[axis] = gt_load_element(t, first + i);
    }
    return true;
}

/* One scale for all axes: that the result is not larger, or not smaller, than asked for. */
static void keep_aspect(const char *policy, const gt_tensor *x, const double *size,
                        double scale[GT_MAX_DIMS])
{
    if (!strcmp(policy, "stretch")) return;
    const bool larger = !strcmp(policy, "not_smaller");
    double one = 0;
    for (int i = 0; i < x->shape.ndim; i++)
        if (size[i] > 0 && (one == 0 || (larger ? scale[i] > one : scale[i] < one))) one = scale[i];
    for (int i = 0; i < x->shape.ndim; i++)
        if (size[i] > 0) scale[i] = one;
}

typedef struct {
    double scale[GT_MAX_DIMS], size[GT_MAX_DIMS], start[GT_MAX_DIMS], end[GT_MAX_DIMS];
} targets;

static bool read_targets(const gti_onnx_call *c, const gt_tensor *scales, const gt_tensor *sizes,
                         const gt_tensor *roi, targets *t)
{
    const gt_tensor *x = c->in[0];
    const int ndim = x->shape.ndim;
    gti_ints axes;
    for (int i = 1; i < c->n_in; i++)
        if (!gti_call_known(c, i)) return false;
    if (!gti_call_ints_attr(c, "axes", &axes) || !spread(c, &axes, ndim, scales, 0, 1, t->scale) ||
        !spread(c, &axes, ndim, sizes, 0, 0, t->size) ||
        !spread(c, &axes, ndim, roi, 0, 0, t->start) ||
        !spread(c, &axes, ndim, roi, axes.n >= 0 ? axes.n : ndim, 1, t->end))
        return false;
    const char *policy = gti_call_text(c, "keep_aspect_ratio_policy", "stretch");
    for (int i = 0; i < ndim; i++)
        if (t->size[i] > 0 && x->shape.dim[i]) t->scale[i] = t->size[i] / (double)x->shape.dim[i];
    keep_aspect(policy, x, t->size, t->scale);
    for (int i = 0; i < ndim; i++) {
        const double whole = (double)x->shape.dim[i] * (t->end[i] - t->start[i]) * t->scale[i];
        if (t->size[i] > 0 && strcmp(policy, "stretch") != 0)
            t->size[i] = floor((double)x->shape.dim[i] * t->scale[i] + 0.5);
        else if (t->size[i] <= 0) t->size[i] = floor(whole + 1e-9);
        if (!(t->scale[i] > 0) || !(t->size[i] < 1e9) || t->size[i] < 0)
            return gti_call_fail(c, GT_ERR_ARGUMENT, "cannot scale an axis by %g", t->scale[i]);
    }
    return true;
}

static gt_tensor *resize(gti_onnx_call *c, const method *m, const targets *t)
{
    gt_tensor *x = gti_call_real(c->in[0]);
    const bool crop = !strcmp(m->places, "tf_crop_and_resize");
    for (int i = 0; x && i < x->shape.ndim; i++) {
        const span s = {x->shape.dim[i], (int64_t)t->size[i], t->scale[i], t->start[i], t->end[i]};
        if ((s.in == s.out && s.scale == 1 && !crop) ||
            (crop && s.start == 0 && s.end == 1 && s.in == s.out))
            continue;
        if (!s.in) return gti_call_fail(c, GT_ERR_SHAPE, "an axis to be resized is empty");
        x = resize_axis(c, m, x, i, &s);
    }
    return gti_call_back(x, c->in[0]);
}

static bool check_method(const gti_onnx_call *c, const method *m)
{
    const char *const modes[] = {"nearest", "linear", "cubic"};
    bool known = false;
    for (int i = 0; i < 3; i++) known |= !strcmp(m->mode, modes[i]);
    if (!known) return gti_call_fail(c, GT_ERR_UNSUPPORTED, "there is no mode '%s'", m->mode);
    return true;
}

static gt_tensor *run_resize(gti_onnx_call *c)
{
    const bool old = c->opset < 11; /* scales as input 1, and places as Upsample has them */
    targets t = {0};
    method m = {.mode = gti_call_text(c, "mode", "nearest"),
                .places = gti_call_text(c, "coordinate_transformation_mode",
                                        old ? "asymmetric" : "half_pixel"),
                .nearest = gti_call_text(c, "nearest_mode", old ? "floor" : "round_prefer_floor"),
                .cubic = gti_call_float(c, "cubic_coeff_a", -0.75),
                .outside = gti_call_float(c, "extrapolation_value", 0),
                .exclude_outside = gti_call_int(c, "exclude_outside", 0),
                .antialias = gti_call_int(c, "antialias", 0)};
    if (m.mode[0] == 'b') m.mode = "linear";
    const gt_tensor *roi =
        old || strcmp(m.places, "tf_crop_and_resize") != 0 ? NULL : gti_call_in(c, 1);
    if (!check_method(c, &m) ||
        !read_targets(c, gti_call_in(c, old ? 1 : 2), old ? NULL : gti_call_in(c, 3), roi, &t))
        return NULL;
    return resize(c, &m, &t);
}

static gt_tensor *run_upsample(gti_onnx_call *c)
{
    targets t = {0};
    method m = {
        .mode = gti_call_text(c, "mode", "nearest"), .places = "asymmetric", .nearest = "floor"};
    if (m.mode[0] == 'b') m.mode = "linear";
    const gti_onnx_attr *a = gti_call_attr(c, "scales");
    gt_tensor *scales =
        a ? gt_from_(c->gt, GT_SHAPE(a->n), a->floats, GT_C_DOUBLE, (gt_new_opts){.dtype = GT_F64})
          : gti_call_in(c, 1);
    if (!scales) return gti_call_fail(c, GT_ERR_FORMAT, "has no scales");
    return check_method(c, &m) && read_targets(c, scales, NULL, NULL, &t) ? resize(c, &m, &t)
                                                                          : NULL;
}

const gti_onnx_op gti_resizing_ops[] = {
    {"Resize", 1, 4, 1,
     " mode coordinate_transformation_mode nearest_mode cubic_coeff_a extrapolation_value exclude_outside antialias axes keep_aspect_ratio_policy ",
     0, .run = run_resize},
    {"Upsample", 1, 2, 1, " mode scales ", 0, .run = run_upsample},
    {0},
};

/* Convolutions, pools and matrix products. */
#include <math.h>
#include <string.h>

#include "onnx/op.h"

/* --- windows: sequences are images of height 1 --- */

typedef struct {
    bool sequence;
    int64_t kernel[2], stride[2], dilation[2];
    int64_t begin[2], end[2]; /* padding */
} window;

static gt_tensor *as_image(gt_tensor *x)
{
    return x->shape.ndim == 3 ? gti_call_with_axis(x, 2) : x;
}

static gt_tensor *as_it_was(const window *w, gt_tensor *y)
{
    return w->sequence ? gti_call_without_axis(y, 2) : y;
}

/* Numbers of both axes from a list for the last `rank` of them. */
static bool fill_pair(const gti_onnx_call *c, const gti_ints *list, int first, int rank,
                      int64_t pair[2])
{
    if (list->n < 0) return true;
    if (list->n < first + rank) {
        gti_call_fail(c, GT_ERR_FORMAT, "has too few numbers for %d axes", rank);
        return false;
    }
    for (int i = 0; i < rank; i++) pair[2 - rank + i] = list->at[first + i];
    return true;
}

static bool check_window(const gti_onnx_call *c, const window *w)
{
    for (int i = 0; i < 2; i++) {
        const int64_t least = w->kernel[i] < w->stride[i] ? w->kernel[i] : w->stride[i];
        const int64_t most = w->kernel[i] | w->stride[i] | w->dilation[i];
        if (least < 1 || w->dilation[i] < 1 || most > 1 << 24 || w->begin[i] > 1 << 24 ||
            w->end[i] > 1 << 24 || w->begin[i] < 0 || w->end[i] < 0) {
            gti_call_fail(c, GT_ERR_ARGUMENT,
                          "its kernel, strides, dilations or pads are out of range");
            return false;
        }
    }
    return true;
}

/* SAME: as many results as strides fit into the axis; an odd rest at the end, or at the begin. */
static void pad_same(window *w, const gt_tensor *x, bool upper)
{
    for (int i = 0; i < 2; i++) {
        const int64_t size = x->shape.dim[2 + i], reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
        const int64_t rest =
            ((size + w->stride[i] - 1) / w->stride[i] - 1) * w->stride[i] + reach - size;
        const int64_t pad = rest > 0 ? rest : 0;
        w->begin[i] = upper ? pad / 2 : pad - pad / 2;
        w->end[i] = pad - w->begin[i];
    }
}

/* The window of a node on x, an image; w->kernel is set where the node does not say it. */
static bool read_window(const gti_onnx_call *c, const gt_tensor *x, int rank, window *w)
{
    gti_ints kernel, strides, dilations, pads;
    if (!gti_call_ints_attr(c, "kernel_shape", &kernel) ||
        !gti_call_ints_attr(c, "strides", &strides) ||
        !gti_call_ints_attr(c, "dilations", &dilations) || !gti_call_ints_attr(c, "pads", &pads))
        return false;
    for (int i = 0; i < 2; i++) w->stride[i] = w->dilation[i] = 1;
    if (!fill_pair(c, &kernel, 0, rank, w->kernel) || !fill_pair(c, &strides, 0, rank, w->stride) ||
        !fill_pair(c, &dilations, 0, rank, w->dilation) ||
        !fill_pair(c, &pads, 0, rank, w->begin) || !fill_pair(c, &pads, rank, rank, w->end) ||
        !check_window(c, w))
        return false;
    const char *automatic = gti_call_text(c, "auto_pad", "NOTSET");
    if (!strcmp(automatic, "VALID"))
        memset(w->begin, 0, sizeof w->begin), memset(w->end, 0, sizeof w->end);
    else if (!strncmp(automatic, "SAME_", 5)) pad_same(w, x, !strcmp(automatic, "SAME_UPPER"));
    else if (strcmp(automatic, "NOTSET") != 0)
        return gti_call_fail(c, GT_ERR_FORMAT, "there is no auto_pad '%s'", automatic);
    return true;
}

/* x as an image; NULL after a failure. */
static gt_tensor *image_of(const gti_onnx_call *c, gt_tensor *x, window *w)
{
    *w = (window){.sequence = x->shape.ndim == 3, .kernel = {1, 1}};
    if (x->shape.ndim != 3 && x->shape.ndim != 4)
        return gti_call_fail(
            c, GT_ERR_UNSUPPORTED,
            "takes images [n,c,h,w] and sequences [n,c,l] alone, its input has %d dimensions",
            x->shape.ndim);
    return as_image(x);
}

static bool is_even(const window *w)
{
    return w->begin[0] == w->end[0] && w->begin[1] == w->end[1];
}

static gt_tensor *padded(gt_tensor *x, const int64_t begin[2], const int64_t end[2], double value)
{
    if (!begin[0] && !begin[1] && !end[0] && !end[1]) return x;
    return gt_pad_(x, (gt_pad_opts){.pad = {begin[1], end[1], begin[0], end[0]}, .value = value});
}

#define EXACTLY(pair)                                                                              \
    {                                                                                              \
        GT_EXACTLY((int)(pair)[0]), GT_EXACTLY((int)(pair)[1])                                     \
    }

/* --- convolutions --- */

static gt_tensor *convolve(gt_tensor *x, gt_tensor *weight, gt_tensor *bias, const window *w,
                           int64_t groups)
{
    const int64_t none[2] = {0, 0}, *padding = is_even(w) ? w->begin : none;
    if (!is_even(w)) x = padded(x, w->begin, w->end, 0);
    return gt_conv2d_(x, weight,
                      (gt_conv2d_opts){.stride = EXACTLY(w->stride),
                                       .padding = EXACTLY(padding),
                                       .dilation = EXACTLY(w->dilation),
                                       .groups = (int)groups,
                                       .bias = bias});
}

static gt_tensor *run_conv(gti_onnx_call *c)
{
    window w;
    gt_tensor *x = image_of(c, c->in[0], &w), *weight = c->in[1];
    if (!x) return NULL;
    if (weight->shape.ndim != c->in[0]->shape.ndim)
        return gti_call_fail(c, GT_ERR_SHAPE, "its weight has %d dimensions, its input %d",
                             weight->shape.ndim, c->in[0]->shape.ndim);
    weight = as_image(weight);
    for (int i = 0; i < 2; i++) w.kernel[i] = weight->shape.dim[2 + i];
    if (!read_window(c, x, c->in[0]->shape.ndim - 2, &w)) return NULL;
    return as_it_was(&w, convolve(x, weight, gti_call_in(c, 2), &w, gti_call_int(c, "group", 1)));
}

/* What is cut off the whole result, so that `output_shape` comes out. */
static bool read_output(const gti_onnx_call *c, const gt_tensor *x, int rank, window *w,
                        int64_t extra[2])
{
    gti_ints more, shape;
    extra[0] = extra[1] = 0;
    int64_t wanted[2] = {1, 1};
    if (!gti_call_ints_attr(c, "output_padding", &more) ||
        !gti_call_ints_attr(c, "output_shape", &shape) || !fill_pair(c, &more, 0, rank, extra) ||
        !fill_pair(c, &shape, shape.n - rank > 0 ? shape.n - rank : 0, rank, wanted))
        return false;
    const char *automatic = gti_call_text(c, "auto_pad", "NOTSET");
    const bool same = !strncmp(automatic, "SAME_", 5);
    for (int i = 0; i < 2 && (same || shape.n > 0); i++) {
        const int64_t size = x->shape.dim[2 + i];
        if (shape.n <= 0) wanted[i] = size * w->stride[i];
        const int64_t total = w->stride[i] * (size - 1) + extra[i] +
                              (w->kernel[i] - 1) * w->dilation[i] + 1 - wanted[i];
        const int64_t half = (total - (total & 1)) / 2; /* rounded down, below 0 as well */
        w->begin[i] = !strcmp(automatic, "SAME_UPPER") ? half : total - half;
        w->end[i] = total - w->begin[i];
    }
    return true;
}

static gt_tensor *run_conv_transpose(gti_onnx_call *c)
{
    window w;
    int64_t extra[2], end[2];
    gt_tensor *x = image_of(c, c->in[0], &w);
    if (!x) return NULL;
    if (c->in[1]->shape.ndim != c->in[0]->shape.ndim)
        return gti_call_fail(c, GT_ERR_SHAPE, "its weight has %d dimensions, its input %d",
                             c->in[1]->shape.ndim, c->in[0]->shape.ndim);
    gt_tensor *weight = as_image(c->in[1]);
    const int rank = c->in[0]->shape.ndim - 2;
    for (int i = 0; i < 2; i++) w.kernel[i] = weight->shape.dim[2 + i];
    if (!read_window(c, x, rank, &w) || !read_output(c, x, rank, &w, extra)) return NULL;
    const gt_conv_transpose2d_opts opts = {.stride = EXACTLY(w.stride),
                                           .dilation = EXACTLY(w.dilation),
                                           .groups = (int)gti_call_int(c, "group", 1)};
    gt_tensor *y = gt_conv_transpose2d_(x, weight, opts);
    for (int i = 0; i < 2; i++) {
        w.begin[i] = -w.begin[i];
        end[i] = extra[i] - w.end[i];
    }
    if (y) y = padded(y, w.begin, end, 0);
    return as_it_was(&w, gti_call_in(c, 2) ? gt_add_bias(y, c->in[2]) : y);
}

/* --- pools --- */

/* With ceil_mode, adds to the end what a last window reaches beyond it. */
static void round_up(const gti_onnx_call *c, const gt_tensor *x, const window *w, int64_t end[2])
{
    for (int i = 0; i < 2; i++) {
        end[i] = w->end[i];
        if (!gti_call_int(c, "ceil_mode", 0)) continue;
        const int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
        const int64_t size = x->shape.dim[2 + i], room = size + w->begin[i] + w->end[i] - reach;
        const int64_t stride = w->stride[i],
                      short_of = room < 0 ? -room : (stride - room % stride) % stride;
        /* The last window begins in the input, or before it. */
        if (short_of < stride && room + short_of < size + w->begin[i]) end[i] += short_of;
    }
}

/* Places i of a plane that is `wide` with its padding, in the plane of x. */
static gt_tensor *without_padding(gt_tensor *i, const gt_tensor *x, const window *w, int64_t wide)
{
    gt_tensor *at = gt_cast(i, GT_F64), *row = gt_floor(gt_div_scalar(at, (double)wide));
    gt_tensor *column = gt_sub(at, gt_mul_scalar(row, (double)wide));
    row = gt_mul_scalar(gt_add_scalar(row, -(double)w->begin[0]), (double)x->shape.dim[3]);
    return gt_cast(gt_add_scalar(gt_add(row, column), -(double)w->begin[1]), GT_I64);
}

static gt_tensor *max_pool(const gti_onnx_call *c, gt_tensor *x, const window *w,
                           gt_tensor **indices)
{
    int64_t end[2];
    const int64_t none[2] = {0, 0};
    round_up(c, x, w, end);
    bool direct = true;
    for (int i = 0; i < 2; i++)
        if (w->begin[i] != end[i] || 2 * w->begin[i] > w->kernel[i]) direct = false;
    gt_tensor *whole = direct ? x : padded(x, w->begin, end, -INFINITY);
    gt_tensor *y =
        gt_max_pool2d_(whole, (gt_max_pool2d_opts){.kernel = EXACTLY(w->kernel),
                                                   .stride = EXACTLY(w->stride),
                                                   .padding = EXACTLY(direct ? w->begin : none),
                                                   .dilation = EXACTLY(w->dilation),
                                                   .indices = indices});
    if (y && indices && !direct) *indices = without_padding(*indices, x, w, whole->shape.dim[3]);
    return y;
}

/* i w + j of a plane to the place in the whole input. */
static gt_tensor *whole_indices(gt_tensor *indices, const gt_tensor *x)
{
    if (!indices) return NULL;
    const int64_t *d = x->shape.dim;
    const double plane = (double)(d[2] * d[3]), all = plane * (double)(d[0] * d[1]);
    gt_tensor *begin = gt_arange_(x->ctx, 0, all, plane, (gt_new_opts){.dtype = GT_F64});
    begin = begin ? gt_reshape(begin, GT_SHAPE(d[0], d[1], 1, 1)) : NULL;
    return gt_cast(gt_add(gt_cast(indices, GT_F64), begin), GT_I64);
}

static gt_tensor *run_max_pool(gti_onnx_call *c)
{
    window w;
    gt_tensor *x = image_of(c, c->in[0], &w), *indices = NULL;
    if (!x || !read_window(c, x, c->in[0]->shape.ndim - 2, &w)) return NULL;
    if (gti_call_int(c, "storage_order", 0) && c->n_out > 1)
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "indices by columns are not made");
    gt_tensor *real = gt_is_floating(x->dtype) ? x : gt_cast(x, GT_F32);
    gt_tensor *y = max_pool(c, real, &w, c->n_out > 1 ? &indices : NULL);
    if (indices) c->out[1] = as_it_was(&w, whole_indices(indices, x));
    return c->out[0] = as_it_was(&w, gti_call_back(y, x));
}

/* Sums over windows of x, [n,c,h,w]: a convolution of each plane with ones. */
static gt_tensor *window_sums(gt_tensor *x, const window *w)
{
    const int64_t *d = x->shape.dim;
    gt_tensor *ones = gt_full_(x->ctx, GT_SHAPE(1, 1, w->kernel[0], w->kernel[1]), 1,
                               (gt_new_opts){.dtype = x->dtype});
    gt_tensor *planes = gt_reshape(x, GT_SHAPE(d[0] * d[1], 1, d[2], d[3]));
    const window valid = {.stride = {w->stride[0], w->stride[1]},
                          .dilation = {w->dilation[0], w->dilation[1]}};
    gt_tensor *y = convolve(planes, ones, NULL, &valid, 1);
    return y ? gt_reshape(y, GT_SHAPE(d[0], d[1], y->shape.dim[2], y->shape.dim[3])) : NULL;
}

/* How many elements count in each window. */
static gt_tensor *window_counts(gt_tensor *x, const window *w, const int64_t end[2], bool all)
{
    const int64_t none[2] = {0, 0}, beyond[2] = {end[0] - w->end[0], end[1] - w->end[1]};
    const int64_t *d = x->shape.dim;
    gt_tensor *ones =
        gt_full_(x->ctx, GT_SHAPE(1, 1, d[2], d[3]), 1, (gt_new_opts){.dtype = x->dtype});
    ones = padded(ones, w->begin, w->end, all ? 1 : 0);
    return window_sums(padded(ones, none, beyond, 0), w);
}

static gt_tensor *run_average_pool(gti_onnx_call *c)
{
    window w;
    int64_t end[2];
    gt_tensor *x = image_of(c, c->in[0], &w);
    if (!x || !read_window(c, x, c->in[0]->shape.ndim - 2, &w)) return NULL;
    round_up(c, x, &w, end);
    const bool all = gti_call_int(c, "count_include_pad", 0),
               dilated = w.dilation[0] > 1 || w.dilation[1] > 1;
    bool direct = !dilated;
    for (int i = 0; i < 2; i++) direct &= w.begin[i] == end[i] && 2 * w.begin[i] <= w.kernel[i];
    if (direct)
        return as_it_was(&w, gt_avg_pool2d_(x, (gt_avg_pool2d_opts){.kernel = EXACTLY(w.kernel),
                                                                    .stride = EXACTLY(w.stride),
                                                                    .padding = EXACTLY(w.begin),
                                                                    .exclude_pad = !all}));
    gt_tensor *sums = window_sums(padded(x, w.begin, end, 0), &w);
    return as_it_was(&w, gt_div(sums, window_counts(x, &w, end, all)));
}

/* (sum of |x|^p)^(1/p) */
static gt_tensor *run_lp_pool(gti_onnx_call *c)
{
    window w;
    int64_t end[2];
    gt_tensor *x = image_of(c, c->in[0], &w);
    if (!x || !read_window(c, x, c->in[0]->shape.ndim - 2, &w)) return NULL;
    round_up(c, x, &w, end);
    const double p = (double)gti_call_int(c, "p", 2);
    gt_tensor *sums = window_sums(padded(gt_pow_scalar(gt_abs(x), p), w.begin, end, 0), &w);
    return as_it_was(&w, gt_pow_scalar(sums, 1 / p));
}

/* The axes of pixels. */
static unsigned pixels(const gt_tensor *x)
{
    unsigned axes = GT_AXES_MARK;
    for (int i = 2; i < x->shape.ndim; i++) axes |= GT_AXIS(i);
    return axes;
}

static gt_tensor *run_global_average(gti_onnx_call *c)
{
    return gt_mean_(c->in[0], (gt_reduce_opts){.axes = pixels(c->in[0]), .keepdim = true});
}

static gt_tensor *run_global_max(gti_onnx_call *c)
{
    return gt_amax_(c->in[0], (gt_reduce_opts){.axes = pixels(c->in[0]), .keepdim = true});
}

static gt_tensor *run_global_lp(gti_onnx_call *c)
{
    const double p = (double)gti_call_int(c, "p", 2);
    gt_tensor *y = gt_pow_scalar(gt_abs(c->in[0]), p);
    return gt_pow_scalar(gt_sum_(y, (gt_reduce_opts){.axes = pixels(c->in[0]), .keepdim = true}),
                         1 / p);
}

/* --- products --- */

static gt_tensor *run_matmul(gti_onnx_call *c)
{
    gt_tensor *y =
        gt_matmul_(gti_call_real(c->in[0]), gti_call_real(c->in[1]), (gt_matmul_opts){0});
    return gti_call_back(y, c->in[0]);
}

/* alpha a b + beta c */
static gt_tensor *run_gemm(gti_onnx_call *c)
{
    const gt_matmul_opts opts = {.transpose_a = gti_call_int(c, "transA", 0),
                                 .transpose_b = gti_call_int(c, "transB", 0)};
    const double alpha = gti_call_float(c, "alpha", 1), beta = gti_call_float(c, "beta", 1);
    gt_tensor *y = gt_matmul_(gti_call_real(c->in[0]), gti_call_real(c->in[1]), opts),
              *add = gti_call_in(c, 2);
    if (alpha != 1) y = gt_mul_scalar(y, alpha);
    if (add)
        y = gt_add(y, beta == 1 ? gti_call_real(add) : gt_mul_scalar(gti_call_real(add), beta));
    return gti_call_back(y, c->in[0]);
}

#define WINDOW " auto_pad kernel_shape pads strides dilations "
const gti_onnx_op gti_windows_ops[] = {
    {"Conv", 2, 3, 1, WINDOW "group ", 6, .run = run_conv},
    {"ConvTranspose", 2, 3, 1, WINDOW "group output_padding output_shape ", 6,
     .run = run_conv_transpose},
    {"MaxPool", 1, 1, 2, WINDOW "ceil_mode storage_order ", 0, .run = run_max_pool},
    {"AveragePool", 1, 1, 1, WINDOW "ceil_mode count_include_pad ", 0, .run = run_average_pool},
    {"LpPool", 1, 1, 1, WINDOW "ceil_mode p ", 0, .run = run_lp_pool},
    {"GlobalAveragePool", 1, 1, 1, "", 0, .run = run_global_average},
    {"GlobalMaxPool", 1, 1, 1, "", 0, .run = run_global_max},
    {"GlobalLpPool", 1, 1, 1, " p ", 0, .run = run_global_lp},
    {"MatMul", 2, 2, 1, "", 3, .run = run_matmul},
    {"Gemm", 2, 3, 1, " alpha beta transA transB broadcast ", 7, .run = run_gemm},
    {0},
};

/* ONNX nodes for convolutions, pools and resizing. */
#include <stdlib.h>
#include <string.h>

#include "onnx/emit.h"

/* --- windows --- */

/* How many axes windows have: those of operations for sequences have one. */
static int rank_of(const gti_emit *e)
{
    return strstr(e->r.n->op->name, "1d") ? 1 : 2;
}

static void attr_pair(gti_emit *e, const char *theirs, const char *ours)
{
    int64_t v[2];
    for (int i = 0; i < rank_of(e); i++) v[i] = gti_emit_whole(e, ours, i);
    gti_emit_attr_ints(e, theirs, rank_of(e), v);
}

static void attr_pads(gti_emit *e)
{
    int64_t v[4];
    const int rank = rank_of(e);
    for (int i = 0; i < rank; i++) v[i] = v[rank + i] = gti_emit_whole(e, "padding", i);
    gti_emit_attr_ints(e, "pads", 2 * rank, v);
}

/* An odd rest is at the end. */
static void attr_same_pads(gti_emit *e)
{
    const int rank = rank_of(e);
    const gt_graph_value *weight = gti_emit_value(e, 1);
    int64_t v[4];
    for (int i = 0; i < rank; i++) {
        const int64_t all = gti_emit_whole(e, "dilation", i) * (weight->shape.dim[2 + i] - 1);
        v[i] = all / 2;
        v[rank + i] = all - all / 2;
    }
    gti_emit_attr_ints(e, "pads", 2 * rank, v);
}

/* --- convolutions --- */

/* x with what negative paddings cut off, which Conv does not do. */
static const char *trimmed(gti_emit *e)
{
    const int rank = rank_of(e);
    int64_t pads[8] = {0};
    bool cut = false;
    for (int i = 0; i < rank; i++) {
        pads[2 + i] = pads[4 + rank + i] = gti_emit_whole(e, "padding", i);
        cut |= pads[2 + i] < 0;
    }
    if (!cut) return NULL;
    return GTI_EMIT(e, "Pad", NULL, gti_emit_in(e, 0), gti_emit_ints(e, 4 + 2 * rank, pads));
}

/* What is behind the result and left out (of gradients of transposed convolutions). */
static void cut_end(gti_emit *e, const char *y)
{
    const int rank = rank_of(e);
    int64_t axes[2] = {2, 3}, start[2] = {0, 0}, end[2];
    for (int i = 0; i < rank; i++) end[i] = gti_emit_result(e, 0)->shape.dim[2 + i];
    GTI_EMIT(e, "Slice", gti_emit_out(e, 0), y, gti_emit_ints(e, rank, start),
             gti_emit_ints(e, rank, end), gti_emit_ints(e, rank, axes));
}

static bool emit_conv(gti_emit *e)
{
    const char *cut = trimmed(e);
    const bool end =
        gti_emit_hidden(e, GT_ATTR_PAIR, 0) > 0 || gti_emit_hidden(e, GT_ATTR_PAIR, 1) > 0;
    attr_pair(e, "strides", "stride");
    attr_pair(e, "dilations", "dilation");
    if (gti_emit_whole(e, "same_padding", 0)) attr_same_pads(e);
    else if (!cut) attr_pads(e);
    gti_emit_attr_int(e, "group", gti_emit_whole(e, "groups", 0));
    const char *x = cut ? cut : gti_emit_in(e, 0);
    const char *y = GTI_EMIT(e, "Conv", end ? NULL : gti_emit_out(e, 0), x, gti_emit_in(e, 1),
                             gti_emit_in(e, 2));
    if (end) cut_end(e, y);
    return true;
}

/* More at the end than a stride, which ConvTranspose does not add. */
static bool is_long(const gti_emit *e)
{
    for (int i = 0; i < rank_of(e); i++)
        if (gti_emit_whole(e, "output_padding", i) >= gti_emit_whole(e, "stride", i)) return true;
    return false;
}

/* The whole result y, cut off at the begin and made longer at the end, and the bias. */
static void lengthen(gti_emit *e, const char *y)
{
    const int rank = rank_of(e);
    const bool biased = *gti_emit_in(e, 2) != 0;
    int64_t pads[8] = {0};
    for (int i = 0; i < rank; i++) {
        pads[2 + i] = -gti_emit_whole(e, "padding", i);
        pads[4 + rank + i] = gti_emit_whole(e, "output_padding", i) + pads[2 + i];
    }
    const char *out = gti_emit_out(e, 0), *amounts = gti_emit_ints(e, 4 + 2 * rank, pads);
    y = GTI_EMIT(e, "Pad", biased ? NULL : out, y, amounts);
    if (biased) GTI_EMIT(e, "Add", out, y, gti_emit_channels(e, 2));
}

static bool emit_conv_transpose(gti_emit *e)
{
    const bool longer = is_long(e);
    attr_pair(e, "strides", "stride");
    attr_pair(e, "dilations", "dilation");
    if (!longer) attr_pair(e, "output_padding", "output_padding");
    if (!longer) attr_pads(e);
    gti_emit_attr_int(e, "group", gti_emit_whole(e, "groups", 0));
    const char *y = GTI_EMIT(e, "ConvTranspose", longer ? NULL : gti_emit_out(e, 0),
                             gti_emit_in(e, 0), gti_emit_in(e, 1), longer ? "" : gti_emit_in(e, 2));
    if (longer) lengthen(e, y);
    return true;
}

static bool emit_corr2d(gti_emit *e)
{
    const char *two = gti_emit_ints(e, 2, (int64_t[]){0, 1});
    const char *x = GTI_EMIT(e, "Unsqueeze", NULL, gti_emit_in(e, 0), two);
    const char *k = GTI_EMIT(e, "Unsqueeze", NULL, gti_emit_in(e, 1), two);
    GTI_EMIT(e, "Squeeze", gti_emit_out(e, 0), GTI_EMIT(e, "Conv", NULL, x, k), two);
    return true;
}

static bool emit_add_bias(gti_emit *e)
{
    GTI_EMIT(e, "Add", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_channels(e, 1));
    return true;
}

/* Kernels [c kh kw,1,kh,kw] that pick one element each, and how windows lie. */
static const char *picking(gti_emit *e, int64_t channels)
{
    const int64_t kh = gti_emit_whole(e, "kernel", 0), kw = gti_emit_whole(e, "kernel", 1),
                  k = kh * kw;
    double *v = gti_store_get(&e->r.store, (size_t)(channels * k * k), sizeof *v);
    for (int64_t i = 0; v && i < channels * k; i++) v[i * k + i % k] = 1;
    return v ? gti_emit_array(e, gti_emit_value(e, 0)->dtype, GT_SHAPE(channels * k, 1, kh, kw), v)
             : "";
}

static void fold_attrs(gti_emit *e, int64_t channels)
{
    attr_pair(e, "strides", "stride");
    attr_pair(e, "dilations", "dilation");
    attr_pads(e);
    gti_emit_attr_int(e, "group", channels);
}

static bool refuse_no_channels(const gti_emit *e)
{
    return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has no channels");
}

static bool emit_unfold(gti_emit *e)
{
    const gt_graph_value *y = gti_emit_result(e, 0);
    const int64_t channels = gti_emit_value(e, 0)->shape.dim[1];
    if (!channels) return refuse_no_channels(e);
    const char *weight = picking(e, channels);
    fold_attrs(e, channels);
    const char *images = GTI_EMIT(e, "Conv", NULL, gti_emit_in(e, 0), weight);
    gti_emit_reshape(e, images, gti_emit_out(e, 0), &y->shape, y->growth);
    return true;
}

/* How many windows lie along an axis. */
static int64_t windows(const gti_emit *e, int i, int64_t size)
{
    const int64_t reach =
        gti_emit_whole(e, "dilation", i) * (gti_emit_whole(e, "kernel", i) - 1) + 1;
    return (size + 2 * gti_emit_whole(e, "padding", i) - reach) / gti_emit_whole(e, "stride", i) +
           1;
}

static bool emit_fold(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0), *y = gti_emit_result(e, 0);
    const int64_t channels = y->shape.dim[1];
    if (!channels) return refuse_no_channels(e);
    gt_shape image = {.ndim = 4, .dim = {x->shape.dim[0], x->shape.dim[1]}};
    int64_t more[GT_MAX_DIMS] = {x->growth[0], x->growth[1]}, rest[2];
    for (int i = 0; i < 2; i++) {
        const int64_t size = y->shape.dim[2 + i];
        image.dim[2 + i] = windows(e, i, size);
        const int64_t reach =
            gti_emit_whole(e, "dilation", i) * (gti_emit_whole(e, "kernel", i) - 1) + 1;
        rest[i] = size + 2 * gti_emit_whole(e, "padding", i) - reach -
                  gti_emit_whole(e, "stride", i) * (image.dim[2 + i] - 1);
    }
    const char *images = gti_emit_reshape(e, gti_emit_in(e, 0), NULL, &image, more);
    const char *weight = picking(e, channels);
    fold_attrs(e, channels);
    gti_emit_attr_ints(e, "output_padding", 2, rest);
    GTI_EMIT(e, "ConvTranspose", gti_emit_out(e, 0), images, weight);
    return true;
}

/* --- pools --- */

static bool refuse_indices(const gti_emit *e)
{
    return gti_emit_fail(e, GT_ERR_UNSUPPORTED,
                         "gives indices within planes, which ONNX counts otherwise");
}

/* Windows that reach over the end do so into padding: rounding up is counted in several ways. */
static void attr_pads_to_end(gti_emit *e)
{
    const int rank = rank_of(e);
    int64_t v[4];
    for (int i = 0; i < rank; i++) {
        const int64_t size = gti_emit_value(e, 0)->shape.dim[2 + i];
        const int64_t last =
            (gti_emit_result(e, 0)->shape.dim[2 + i] - 1) * gti_emit_whole(e, "stride", i);
        const int64_t reach =
            gti_emit_whole(e, "dilation", i) * (gti_emit_whole(e, "kernel", i) - 1) + 1;
        v[i] = gti_emit_whole(e, "padding", i);
        const int64_t end = last + reach - size - v[i];
        v[rank + i] = end > 0 ? end : 0;
    }
    gti_emit_attr_ints(e, "pads", 2 * rank, v);
}

static bool emit_max_pool(gti_emit *e)
{
    if (gti_emit_is_read(e, 1)) return refuse_indices(e);
    attr_pair(e, "kernel_shape", "kernel");
    attr_pair(e, "strides", "stride");
    attr_pair(e, "dilations", "dilation");
    attr_pads_to_end(e);
    GTI_EMIT(e, "MaxPool", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

static bool emit_avg_pool(gti_emit *e)
{
    const int64_t divisor = rank_of(e) == 2 ? gti_emit_whole(e, "divisor_override", 0) : 0;
    if (divisor && gti_emit_whole(e, "ceil_mode", 0))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED,
                             "has a divisor of its own and windows that reach over the end");
    attr_pair(e, "kernel_shape", "kernel");
    attr_pair(e, "strides", "stride");
    attr_pads(e);
    if (gti_emit_whole(e, "ceil_mode", 0)) gti_emit_attr_int(e, "ceil_mode", 1);
    gti_emit_attr_int(e, "count_include_pad", divisor || !gti_emit_whole(e, "exclude_pad", 0));
    const char *y =
        GTI_EMIT(e, "AveragePool", divisor ? NULL : gti_emit_out(e, 0), gti_emit_in(e, 0));
    if (!divisor) return true;
    const double elements =
        (double)(gti_emit_whole(e, "kernel", 0) * gti_emit_whole(e, "kernel", 1));
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), y, gti_emit_scalar(e, elements / (double)divisor));
    return true;
}

/* Means of `out` windows over an axis of `in`, from i in / out to (i + 1) in / out, rounded down
 * and up: [out,in] or its transpose. */
static const char *means(gti_emit *e, int64_t in, int64_t out, bool transposed)
{
    double *v = gti_store_get(&e->r.store, (size_t)(in * out), sizeof *v);
    for (int64_t i = 0; v && i < out; i++) {
        const int64_t from = i * in / out, to = ((i + 1) * in + out - 1) / out;
        for (int64_t k = from; k < to; k++)
            v[transposed ? k * out + i : i * in + k] = 1 / (double)(to - from);
    }
    const gt_shape shape = transposed ? GT_SHAPE(in, out) : GT_SHAPE(out, in);
    return v ? gti_emit_array(e, gti_emit_value(e, 0)->dtype, shape, v) : "";
}

static bool emit_adaptive_avg_pool(gti_emit *e)
{
    const int64_t *x = gti_emit_value(e, 0)->shape.dim, *y = gti_emit_result(e, 0)->shape.dim;
    if (y[2] == 1 && y[3] == 1) {
        GTI_EMIT(e, "GlobalAveragePool", gti_emit_out(e, 0), gti_emit_in(e, 0));
        return true;
    }
    const char *rows = GTI_EMIT(e, "MatMul", NULL, means(e, x[2], y[2], false), gti_emit_in(e, 0));
    GTI_EMIT(e, "MatMul", gti_emit_out(e, 0), rows, means(e, x[3], y[3], true));
    return true;
}

/* Greatest elements of `out` windows over one axis of x, as wide as those of means. */
static const char *greatest(gti_emit *e, const char *x, const char *name, int64_t axis, int64_t in,
                            int64_t out)
{
    const char **part = gti_store_get(&e->r.store, (size_t)out, sizeof *part);
    for (int64_t i = 0; part && i < out; i++) {
        const char *from = gti_emit_ints(e, 1, (int64_t[]){i * in / out});
        const char *to = gti_emit_ints(e, 1, (int64_t[]){((i + 1) * in + out - 1) / out});
        const char *window = GTI_EMIT(e, "Slice", NULL, x, from, to, gti_emit_ints(e, 1, &axis));
        part[i] = gti_emit_reduce(e, "ReduceMax", window, NULL, 1, &axis, true);
    }
    gti_emit_attr_int(e, "axis", axis);
    return part ? gti_emit_node(e, "Concat", name, (int)out, part) : "";
}

static bool emit_adaptive_max_pool(gti_emit *e)
{
    const int64_t *x = gti_emit_value(e, 0)->shape.dim, *y = gti_emit_result(e, 0)->shape.dim;
    if (gti_emit_is_read(e, 1)) return refuse_indices(e);
    if (!y[2] || !y[3]) return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has no windows");
    const char *rows = greatest(e, gti_emit_in(e, 0), NULL, 2, x[2], y[2]);
    greatest(e, rows, gti_emit_out(e, 0), 3, x[3], y[3]);
    return true;
}

static bool emit_interpolate(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0), *y = gti_emit_result(e, 0);
    const bool linear = gti_emit_whole(e, "mode", 0) == GT_BILINEAR,
               corners = gti_emit_whole(e, "align_corners", 0);
    const gt_attr *scale = gt_attr_find(&e->r.n->op->attrs, "scale");
    const double sy = gt_attr_real(scale, e->r.n->opts, 0),
                 sx = gt_attr_real(scale, e->r.n->opts, 1);
    const char *sizes = "", *scales = "";
    if (sy > 0 && !corners && x->shape.ndim == 4)
        scales = gti_emit_array(e, GT_F32, GT_SHAPE(4), (double[]){1, 1, sy, sx});
    else sizes = gti_emit_shape(e, &y->shape, y->growth);
    gti_emit_attr_text(e, "mode", linear ? "linear" : "nearest");
    gti_emit_attr_text(e, "coordinate_transformation_mode",
                       !linear   ? "asymmetric"
                       : corners ? "align_corners"
                                 : "half_pixel");
    if (!linear) gti_emit_attr_text(e, "nearest_mode", "floor");
    GTI_EMIT(e, "Resize", gti_emit_out(e, 0), gti_emit_in(e, 0), "", scales, sizes);
    return true;
}

const gti_mapping gti_emit_windows_list[] = {
    {"conv2d", .emit = emit_conv},
    {"conv1d", .emit = emit_conv},
    {"conv_transpose2d", .emit = emit_conv_transpose},
    {"conv_transpose1d", .emit = emit_conv_transpose},
    {"corr2d", .emit = emit_corr2d},
    {"add_bias", .emit = emit_add_bias},
    {"unfold", .emit = emit_unfold},
    {"fold", .emit = emit_fold},
    {"max_pool2d", .emit = emit_max_pool},
    {"max_pool1d", .emit = emit_max_pool},
    {"avg_pool2d", .emit = emit_avg_pool},
    {"avg_pool1d", .emit = emit_avg_pool},
    {"adaptive_avg_pool2d", .emit = emit_adaptive_avg_pool},
    {"adaptive_max_pool2d", .emit = emit_adaptive_max_pool},
    {"interpolate", .emit = emit_interpolate},
    {0},
};

/* Transposed convolutions: conv2d's gradient in x taken as a function, for images and sequences.
 *
 *   x [n,c,h,w]  weight [c,k/groups,kh,kw]  y [n,k,oh,ow]
 *   oh = (h - 1) sh - 2 ph + dh (kh - 1) + output padding + 1, ow likewise
 *   y[n,k, i sh + a dh - ph, j sw + b dw - pw] += x[n,c,i,j] weight[c,k,a,b], for all c, i, j, a, b
 *
 *   or with a bias [k], added to it
 *
 *   dx = conv2d(dy, weight)  dw = conv2d_dw(dy, x)
 *
 * Output padding adds rows and columns at the end. From a whole stride on the convolution back
 * would have windows there that no x belongs to: the rules trim them. */
#include <limits.h>

#include "conv.h"

typedef struct {
    gti_conv_opts conv;
    int output_padding[2];
} transpose_opts;

static int extra(const gt_node *n, int i)
{
    const bool flat = i == 0 && n->in[1]->shape.ndim == 3;
    return flat ? 0 : ((const transpose_opts *)n->opts)->output_padding[i];
}

/* The convolution of y into x; y is NULL while it is not known. */
static gti_conv2d *conv_transpose_describe(const gt_node *n, const gt_shape *y)
{
    const gti_conv_opts *o = &((const transpose_opts *)n->opts)->conv;
    const gt_shape *x = &n->in[0]->shape;
    gti_conv_describe(gti_conv_shape(n), o, y ? y : x, &n->in[1]->shape, x);
    return gti_conv_shape(n);
}

/* --- the shape rule --- */

static bool check_output_padding(const gt_node *n, int rank, const gti_conv2d *s)
{
    const int eh = extra(n, 0), ew = extra(n, 1);
    return ((eh < s->sh || eh < s->dh) && (ew < s->sw || ew < s->dw)) ||
           gt_op_fail(n, GT_ERR_ARGUMENT,
                      "output_padding is %s, must be smaller than stride %s or dilation %s",
                      GTI_PAIR_TEXT(rank, eh, ew), GTI_PAIR_TEXT(rank, s->sh, s->sw),
                      GTI_PAIR_TEXT(rank, s->dh, s->dw));
}

static bool conv_transpose_check_channels(const gt_node *n, const gti_conv2d *s)
{
    const int64_t c = n->in[0]->shape.dim[1];
    if (c != s->k)
        return gt_op_fail(n, GT_ERR_SHAPE, "x has %lld channels, weight takes %lld", (long long)c,
                          (long long)s->k);
    return c % s->groups == 0 ||
           gt_op_fail(n, GT_ERR_SHAPE, "x's %lld channels do not divide into %lld groups",
                      (long long)c, (long long)s->groups);
}

/* (in - 1) stride - 2 padding + window + extra; false on overflow. */
static bool out_size(int64_t in, int64_t stride, int64_t padding, int64_t kernel, int64_t dilation,
                     int64_t extra, int64_t *out)
{
    gti_side side;
    return gti_side_of(0, extra - 2 * padding, kernel, dilation, &side) &&
           gti_size_mul(in - 1, stride, out) && gti_size_add(*out, side.window, out) &&
           gti_size_add(*out, side.padded, out);
}

static bool check_sides(const gt_node *n, int rank, const gti_conv2d *s, int64_t *oh, int64_t *ow)
{
    if (s->kh == 0 || s->kw == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "kernel %s has no elements",
                          GTI_SIZE_TEXT(rank, s->kh, s->kw));
    if (!out_size(s->oh, s->sh, s->ph, s->kh, s->dh, extra(n, 0), oh) ||
        !out_size(s->ow, s->sw, s->pw, s->kw, s->dw, extra(n, 1), ow))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size of the output overflows");
    return (*oh > 0 && *ow > 0) ||
           gt_op_fail(n, GT_ERR_SHAPE, "padding %s leaves an output of %s",
                      GTI_PAIR_TEXT(rank, s->ph, s->pw), GTI_SIZE_TEXT(rank, *oh, *ow));
}

static bool conv_transpose_infer_rank(gt_node *n, int rank)
{
    const gt_shape *x = &n->in[0]->shape, *weight = &n->in[1]->shape;
    const char *needs = rank == 1 ? "[c,k/groups,kl]" : "[c,k/groups,kh,kw]";
    if (!gti_conv_check_weight(n, rank, weight, needs) ||
        !gti_window_check_images(n, rank, "x", x) || !gti_window_check_pixels(n, x))
        return false;
    const gti_conv2d *s = conv_transpose_describe(n, NULL);
    int64_t k, oh = 0, ow = 0;
    if (!check_output_padding(n, rank, s) || !conv_transpose_check_channels(n, s) ||
        !check_sides(n, rank, s, &oh, &ow))
        return false;
    if (!gti_size_mul(weight->dim[1], s->groups, &k))
        return gt_op_fail(n, GT_ERR_MEMORY, "the number of output channels overflows");
    gt_shape *y = &n->out[0]->shape;
    gti_set_image_shape(y, rank, s->n, k, oh, ow);
    if (!gti_conv_check_size(n, conv_transpose_describe(n, y), y) || !gti_conv_check_bias(n, k))
        return false;
    gti_conv_divide(n, GTI_CONV2D_DX);
    return true;
}

static bool conv_transpose2d_infer(gt_node *n)
{
    return conv_transpose_infer_rank(n, 2);
}

static bool conv_transpose1d_infer(gt_node *n)
{
    return conv_transpose_infer_rank(n, 1);
}

/* --- values and gradients --- */

/* Options of the convolution back. */
static gti_conv_opts back(const gt_node *n)
{
    const transpose_opts *o = n->opts;
    gti_conv_opts conv = gti_conv_image_opts(n, &o->conv);
    const int64_t stride[] = {gti_conv_shape(n)->sh, gti_conv_shape(n)->sw};
    for (int i = 0; i < 2; i++) conv.trim[i] = (int)(extra(n, i) / stride[i]);
    return conv;
}

static const char conv_transpose2d_gradient[] =
    "dx = conv2d(dy, weight), dweight = conv2d_dw(dy, x), dbias[k] = sum over all but k of dy";
static bool conv_transpose2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *w = n->in[1], *dy = gout[0];
    const gti_conv_opts o = back(n);
    if (gt_needs_grad(n, 0))
        gin[0] = gti_conv_apply(
            &gt_op_conv2d, &o, dy,
            GT_MUTANT(conv_transpose2d_flipped, w, gt_flip(w, GT_AXIS(2) | GT_AXIS(3))), NULL);
    if (gt_needs_grad(n, 1))
        gin[1] = gti_conv_gradient(&gt_op_conv2d_dw, &o, w->shape, dy,
                                   GT_MUTANT(conv_transpose2d_sign, x, gt_neg(x)));
    if (gt_needs_grad(n, 2)) gin[2] = gti_conv_bias_gradient(dy);
    return true;
}

static const char conv_transpose1d_gradient[] = "as of conv_transpose2d, of images of height 1";
static bool conv_transpose1d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *w = n->in[1], *dy = gti_conv_image(gout[0]);
    gt_tensor *image = gti_conv_image(x), *kernel = gti_conv_image(w);
    if (!dy || !image || !kernel) return false;
    const gti_conv_opts o = back(n);
    if (gt_needs_grad(n, 0)) {
        gt_tensor *dx = gti_conv_apply(&gt_op_conv2d, &o, dy, kernel, NULL);
        gin[0] = gt_reshape(GT_MUTANT(conv_transpose1d_sign, dx, gt_neg(dx)), x->shape);
    }
    if (gt_needs_grad(n, 1)) {
        gt_tensor *dw =
            gti_conv_gradient(&gt_op_conv2d_dw, &o, kernel->shape, dy,
                              GT_MUTANT(conv_transpose1d_upstream, image, gt_square(image)));
        gin[1] = gt_reshape(dw, w->shape);
    }
    if (gt_needs_grad(n, 2)) gin[2] = gti_conv_bias_gradient(gout[0]);
    return true;
}

static gt_window conv_transpose_window(const gt_node *n)
{
    gt_window w = gti_conv_window(n);
    w.transposed = true;
    return w;
}

#include "conv_transpose_samples.h"

static const gt_attr conv_transpose1d_attrs[] = {
    GTI_CONV1D_ATTRS(transpose_opts, conv.),
    {GT_OPTION("output_padding", transpose_opts, output_padding[1]), .bounds = GT_NOT_NEGATIVE,
     .meaning = "elements added at the end"},
    {GT_OPTION("", transpose_opts, output_padding[0])},
    {GT_OPTION("", transpose_opts, conv.same_padding)},
    GTI_CONV_BIAS,
};
static const gt_attr conv_transpose2d_attrs[] = {
    GTI_CONV_ATTRS(transpose_opts, conv.),
    {GT_PADDING("output_padding", transpose_opts, output_padding), .bounds = GT_NOT_NEGATIVE,
     .meaning = "rows and columns added at the end"},
    {GT_OPTION("", transpose_opts, conv.same_padding)},
    GTI_CONV_BIAS,
};

#define TRANSPOSE_OP(id)                                                                           \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x weight bias",                                                                 \
        .n_in = 3,                                                                                 \
        .n_least = 2,                                                                              \
        .n_out = 1,                                                                                \
        .flags = GT_OP_PRODUCT,                                                                    \
        .unread = GT_UNREAD_OUT(0),                                                                \
        .opts_size = sizeof(transpose_opts),                                                       \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .plan_size = sizeof(gti_conv2d_plan),                                                      \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(gti_conv_parts),                                                    \
        .derived = gti_conv_derived,                                                               \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = gti_conv_flops,                                                                   \
        .window = conv_transpose_window,                                                           \
    };

TRANSPOSE_OP(conv_transpose1d)
TRANSPOSE_OP(conv_transpose2d)

gt_tensor *gt_conv_transpose2d_(gt_tensor *x, gt_tensor *weight, gt_conv_transpose2d_opts opts)
{
    const transpose_opts o = {
        .conv = {.gt_ = opts.gt_,
                 .stride = {opts.stride[0], opts.stride[1]},
                 .padding = {opts.padding[0],
                             gti_conv_padding(opts.gt_, opts.padding, gti_conv_shape_of(weight))},
                 .dilation = {opts.dilation[0], opts.dilation[1]},
                 .groups = opts.groups},
        .output_padding = {opts.output_padding[0], gti_conv_padding(opts.gt_, opts.output_padding,
                                                                    gti_conv_shape_of(weight))}};
    return gti_conv_call(&gt_op_conv_transpose2d, 2, &o, x, weight, opts.bias);
}

gt_tensor *gt_conv_transpose1d_(gt_tensor *x, gt_tensor *weight, gt_conv_transpose1d_opts opts)
{
    const transpose_opts o = {.conv = {.gt_ = opts.gt_,
                                       .stride = {0, opts.stride},
                                       .padding = {0, opts.padding},
                                       .dilation = {0, opts.dilation},
                                       .groups = opts.groups},
                              .output_padding = {0, opts.output_padding}};
    return gti_conv_call(&gt_op_conv_transpose1d, 1, &o, x, weight, opts.bias);
}

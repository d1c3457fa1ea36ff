/* Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its two
 * gradients.
 *
 *   x [n,c,h,w]  weight [k,c/groups,kh,kw]  y [n,k,oh,ow]
 *   oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow likewise
 *   y[n,k,i,j] = sum over c, a, b of x[n,c, i sh + a dh - ph, j sw + b dw - pw] weight[k,c,a,b],
 *   x being 0 outside; c runs over the group of channels that k belongs to
 *
 *   y  = conv2d(x, weight)
 *   dx = conv2d_dx(dy, weight), the gradient of <dy, y> in x
 *   dw = conv2d_dw(x, dy), the gradient of <dy, y> in weight
 *
 * <dy, y> is linear in each of x, weight and dy, so the three are each other's derivatives: every
 * rule below is made of the other two. */
#include <limits.h>

#include "common.h"

/* gt_conv2d_opts without the bias, as written by the user; and for the gradients the shape of what
 * they are the gradient of. */
typedef struct {
    int stride[2], padding[2], dilation[2];
    int groups;
    gt_shape target;
} conv_opts;

/* Entry i of a stride or dilation. */
static int or_default(const int pair[2], int i)
{
    const int first = pair[0] == 0 ? 1 : pair[0];
    return i == 0 || pair[1] == 0 ? first : pair[1];
}

/* The convolution of shapes x and weight into y, which may be NULL while it is not known. */
static gti_conv2d describe(const gt_node *n, const gt_shape *x, const gt_shape *weight,
                           const gt_shape *y)
{
    const conv_opts *o = n->opts;
    gti_conv2d s = {.n = x->dim[0], .c = x->dim[1], .h = x->dim[2], .w = x->dim[3]};
    s.k = weight->dim[0], s.kh = weight->dim[2], s.kw = weight->dim[3];
    s.sh = or_default(o->stride, 0), s.sw = or_default(o->stride, 1);
    s.ph = o->padding[0], s.pw = o->padding[1];
    s.dh = or_default(o->dilation, 0), s.dw = or_default(o->dilation, 1);
    s.groups = o->groups == 0 ? 1 : o->groups;
    if (y) s.oh = y->dim[2], s.ow = y->dim[3];
    return s;
}

/* --- checks: each returns true, or fails the node --- */

static bool check_dims(const gt_node *n, const gt_shape *x, const gt_shape *weight)
{
    const int64_t *d = x->dim;
    if (x->ndim == 4 && weight->ndim == 4) return true;
    if (weight->ndim != 4)
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "weight %s has %d dimensions, needs 4: [k,c/groups,kh,kw]",
                          GTI_SHAPE_TEXT(*weight), weight->ndim);
    gt_op_fail(n, GT_ERR_SHAPE, "x %s has %d dimensions, needs 4: [n,c,h,w]", GTI_SHAPE_TEXT(*x),
               x->ndim);
    if (x->ndim == 3)
        gt_op_hint(n, "add a batch dimension: gt_reshape(x, GT_SHAPE(1, %lld, %lld, %lld))",
                   (long long)d[0], (long long)d[1], (long long)d[2]);
    if (x->ndim == 2)
        gt_op_hint(n, "gt_corr2d takes planes; or gt_reshape(x, GT_SHAPE(1, 1, %lld, %lld))",
                   (long long)d[0], (long long)d[1]);
    return false;
}

static bool check_options(const gt_node *n, const gti_conv2d *s)
{
    if (s->sh < 1 || s->sw < 1)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "stride is {%lld, %lld}, must be positive",
                          (long long)s->sh, (long long)s->sw);
    if (s->dh < 1 || s->dw < 1)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "dilation is {%lld, %lld}, must be positive",
                          (long long)s->dh, (long long)s->dw);
    if (s->ph < 0 || s->pw < 0)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "padding is {%lld, %lld}, must not be negative",
                          (long long)s->ph, (long long)s->pw);
    return s->groups > 0 ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "groups is %lld, must be positive", (long long)s->groups);
}

/* group_channels: the weight's second dimension, which has to be c / groups. */
static bool check_channels(const gt_node *n, const gti_conv2d *s, int64_t group_channels)
{
    int64_t needed;
    if (s->groups == 1 && s->c == group_channels) return true;
    if (s->k % s->groups != 0)
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "weight's %lld output channels do not divide into %lld groups",
                          (long long)s->k, (long long)s->groups);
    if (!gti_size_mul(group_channels, s->groups, &needed)) needed = INT64_MAX;
    if (s->c == needed) return true;
    if (s->c % s->groups != 0)
        gt_op_fail(n, GT_ERR_SHAPE, "x's %lld channels do not divide into %lld groups",
                   (long long)s->c, (long long)s->groups);
    else
        gt_op_fail(n, GT_ERR_SHAPE, "x has %lld channels, weight needs %lld (groups = %lld)",
                   (long long)s->c, (long long)needed, (long long)s->groups);
    if (s->w == needed)
        gt_op_hint(n, "the last dimension is %lld; this looks like NHWC: permute(x, 0, 3, 1, 2)",
                   (long long)s->w);
    return false;
}

/* Along one side: the padded input and the window, which is the kernel spread out by dilation.
 * False on overflow. */
static bool side(int64_t in, int64_t pad, int64_t kernel, int64_t dilation, int64_t *padded,
                 int64_t *window)
{
    return gti_size_add(in, 2 * pad, padded) && gti_size_mul(kernel - 1, dilation, window) &&
           gti_size_add(*window, 1, window);
}

/* A division costs more than all the rest of the shape rule. */
static int64_t steps(int64_t way, int64_t stride)
{
    return stride == 1 ? way : way / stride;
}

/* Sets oh and ow. */
static bool check_window(const gt_node *n, gti_conv2d *s)
{
    int64_t in_h, in_w, win_h, win_w;
    if (s->kh == 0 || s->kw == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "kernel %lldx%lld has no elements", (long long)s->kh,
                          (long long)s->kw);
    if (!side(s->h, s->ph, s->kh, s->dh, &in_h, &win_h) ||
        !side(s->w, s->pw, s->kw, s->dw, &in_w, &win_w))
        return gt_op_fail(n, GT_ERR_MEMORY,
                          "the size of the padded input or the dilated kernel overflows");
    if (win_h > in_h || win_w > in_w)
        return gt_op_fail(
            n, GT_ERR_SHAPE, "kernel %lldx%lld%s is larger than the padded input %lldx%lld",
            (long long)win_h, (long long)win_w, s->dh > 1 || s->dw > 1 ? " (dilated)" : "",
            (long long)in_h, (long long)in_w);
    s->oh = steps(in_h - win_h, s->sh) + 1;
    s->ow = steps(in_w - win_w, s->sw) + 1;
    return true;
}

/* The kernels may count in windows, of which each pixel of y has one. (The engine checks y.) */
static bool check_size(const gt_node *n, const gti_conv2d *s, const gt_shape *y)
{
    const int64_t windows[] = {s->c, s->kh, s->kw, s->oh, s->ow};
    int64_t elements, bytes;
    return gti_size_of_shape(5, windows, sizeof(double), &elements, &bytes) ||
           gt_op_fail(n, GT_ERR_MEMORY, "the size of the output %s overflows", GTI_SHAPE_TEXT(*y));
}

/* What all three have in common: checks, the shape of y, scratch. */
static bool infer_parts(gt_node *n, const gt_shape *x, const gt_shape *weight, gt_shape *y)
{
    if (!check_dims(n, x, weight)) return false;
    gti_conv2d s = describe(n, x, weight, NULL);
    if (!check_options(n, &s) || !check_channels(n, &s, weight->dim[1]) || !check_window(n, &s))
        return false;
    *y = (gt_shape){4, {s.n, s.k, s.oh, s.ow}};
    if (!check_size(n, &s, y)) return false;
    if (gti_has_kernels(n)) n->scratch_size = gti_kernels_for(n)->conv2d_scratch(&s);
    return true;
}

static bool check_dy(const gt_node *n, const gt_tensor *dy, const gt_shape *x,
                     const gt_shape *weight, gt_shape y)
{
    return gt_shape_equal(dy->shape, y) ||
           gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but x %s and weight %s make %s",
                      GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(*x), GTI_SHAPE_TEXT(*weight),
                      GTI_SHAPE_TEXT(y));
}

/* --- the three operations --- */

static const gt_shape *target_of(const gt_node *n)
{
    return &((const conv_opts *)n->opts)->target;
}

static bool check_target(const gt_node *n)
{
    const gt_shape *target = target_of(n);
    return gti_is_shape(*target) ||
           gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(*target));
}

/* n's options with the shape of t as the target, for a rule's conv2d_dx or conv2d_dw. */
static conv_opts opts_for(const gt_node *n, const gt_tensor *t)
{
    conv_opts o = *(const conv_opts *)n->opts;
    o.target = t->shape;
    return o;
}

static gt_tensor *apply(const gt_op *op, conv_opts opts, gt_tensor *a, gt_tensor *b)
{
    return gt_apply(op, &opts, 2, (gt_tensor *[]){a, b});
}

static double flops_of(const gt_shape *weight, const gt_shape *y)
{
    double terms = 2;
    for (int i = 1; i < 4; i++) terms *= (double)weight->dim[i];
    for (int i = 0; i < 4; i++) terms *= (double)y->dim[i];
    return terms;
}

static bool conv2d_infer(gt_node *n)
{
    return infer_parts(n, &n->in[0]->shape, &n->in[1]->shape, &n->out[0]->shape);
}

static void conv2d_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *weight = n->in[1], *y = n->out[0];
    const gti_conv2d s = describe(n, &x->shape, &weight->shape, &y->shape);
    gti_kernels_for(n)->conv2d(&s, x->data, weight->data, y->data, n->scratch);
}

static bool conv2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* y = conv2d(x, w): dx = conv2d_dx(dy, w), dw = conv2d_dw(x, dy) */
    gt_tensor *x = n->in[0], *w = n->in[1], *dy = gout[0];
    if (gt_needs_grad(n, 0))
        gin[0] =
            apply(&gt_op_conv2d_dx, opts_for(n, x), GT_MUTANT(conv2d_dx_sign, dy, gt_neg(dy)), w);
    if (gt_needs_grad(n, 1))
        gin[1] = apply(&gt_op_conv2d_dw, opts_for(n, w), x,
                       GT_MUTANT(conv2d_dw_upstream, dy, gt_mul(dy, dy)));
    return true;
}

static double conv2d_flops(const gt_node *n)
{
    return flops_of(&n->in[1]->shape, &n->out[0]->shape);
}

static bool conv2d_dx_infer(gt_node *n)
{
    const gt_shape *x = target_of(n), *weight = &n->in[1]->shape;
    gt_shape y;
    if (!check_target(n) || !infer_parts(n, x, weight, &y)) return false;
    if (!check_dy(n, n->in[0], x, weight, y)) return false;
    n->out[0]->shape = *x;
    return true;
}

static void conv2d_dx_forward(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *weight = n->in[1], *dx = n->out[0];
    const gti_conv2d s = describe(n, &dx->shape, &weight->shape, &dy->shape);
    gti_kernels_for(n)->conv2d_dx(&s, dy->data, weight->data, dx->data, n->scratch);
}

static bool conv2d_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* dx = conv2d_dx(dy, w), g its gradient: d dy = conv2d(g, w), dw = conv2d_dw(g, dy) */
    gt_tensor *dy = n->in[0], *w = n->in[1], *g = gout[0];
    if (gt_needs_grad(n, 0))
        gin[0] = apply(&gt_op_conv2d, opts_for(n, dy), g,
                       GT_MUTANT(conv2d_dx_flipped, w, gt_flip(w, 12)));
    if (gt_needs_grad(n, 1))
        gin[1] = GT_MUTANT(conv2d_dx_missing, apply(&gt_op_conv2d_dw, opts_for(n, w), g, dy), NULL);
    return true;
}

static double conv2d_dx_flops(const gt_node *n)
{
    return flops_of(&n->in[1]->shape, &n->in[0]->shape);
}

static bool conv2d_dw_infer(gt_node *n)
{
    const gt_shape *x = &n->in[0]->shape, *weight = target_of(n);
    gt_shape y;
    if (!check_target(n) || !infer_parts(n, x, weight, &y)) return false;
    if (!check_dy(n, n->in[1], x, weight, y)) return false;
    n->out[0]->shape = *weight;
    return true;
}

static void conv2d_dw_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *dy = n->in[1], *dw = n->out[0];
    const gti_conv2d s = describe(n, &x->shape, &dw->shape, &dy->shape);
    gti_kernels_for(n)->conv2d_dw(&s, x->data, dy->data, dw->data, n->scratch);
}

static bool conv2d_dw_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* dw = conv2d_dw(x, dy), g its gradient: dx = conv2d_dx(dy, g), d dy = conv2d(x, g) */
    gt_tensor *x = n->in[0], *dy = n->in[1], *g = gout[0];
    if (gt_needs_grad(n, 0))
        gin[0] = apply(&gt_op_conv2d_dx, opts_for(n, x), dy,
                       GT_MUTANT(conv2d_dw_flipped, g, gt_flip(g, 12)));
    if (gt_needs_grad(n, 1))
        gin[1] = GT_MUTANT(conv2d_dw_missing, apply(&gt_op_conv2d, opts_for(n, dy), x, g), NULL);
    return true;
}

static double conv2d_dw_flops(const gt_node *n)
{
    return flops_of(target_of(n), &n->in[1]->shape);
}

#include "conv2d_samples.h"

#define CONV_OP(id, input_names)                                                                   \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(conv_opts),                                                            \
        .infer = id##_infer,                                                                       \
        .forward = GT_FOR_FLOATS(id##_forward),                                                    \
        .backward = id##_backward,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = id##_flops,                                                                       \
    };

CONV_OP(conv2d, "x weight")
CONV_OP(conv2d_dx, "dy weight")
CONV_OP(conv2d_dw, "x dy")

static conv_opts internal(const gt_conv2d_opts *o, gt_shape target)
{
    return (conv_opts){.stride = {o->stride[0], o->stride[1]},
                       .padding = {o->padding[0], o->padding[1]},
                       .dilation = {o->dilation[0], o->dilation[1]},
                       .groups = o->groups,
                       .target = target};
}

gt_tensor *gt_conv2d_(gt_tensor *x, gt_tensor *weight, gt_conv2d_opts opts)
{
    gt_tensor *y = apply(&gt_op_conv2d, internal(&opts, (gt_shape){0}), x, weight);
    return y && opts.bias ? gt_add_bias(y, opts.bias) : y;
}

gt_tensor *gt_conv2d_dx(gt_tensor *dy, gt_tensor *weight, gt_shape x, gt_conv2d_opts opts)
{
    return apply(&gt_op_conv2d_dx, internal(&opts, x), dy, weight);
}

gt_tensor *gt_conv2d_dw(gt_tensor *x, gt_tensor *dy, gt_shape weight, gt_conv2d_opts opts)
{
    return apply(&gt_op_conv2d_dw, internal(&opts, weight), x, dy);
}

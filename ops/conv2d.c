/* Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its two
 * gradients.
 *
 *   x [n,c,h,w]  weight [k,c/groups,kh,kw]  y [n,k,oh,ow]
 *   oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow likewise
 *   y[n,k,i,j] = sum over c, a, b of x[n,c, i sh + a dh - ph, j sw + b dw - pw] weight[k,c,a,b],
 *   x being 0 outside; c runs over the group of channels that k belongs to
 *
 *   y  = conv2d(x, weight), or with a bias [k] that is added to it: conv2d(x, weight, bias)
 *   dx = conv2d_dx(dy, weight), the gradient of <dy, y> in x
 *   dw = conv2d_dw(x, dy), the gradient of <dy, y> in weight
 *
 * <dy, y> is linear in each of x, weight and dy, so the three are each other's derivatives: every
 * rule below is made of the other two. */
#include "conv.h"

static bool check_dy(const gt_node *n, const gt_tensor *dy, const gt_shape *x,
                     const gt_shape *weight, const gt_shape *y)
{
    return gt_same_dims(&dy->shape, y) ||
           gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but x %s and weight %s make %s",
                      GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(*x), GTI_SHAPE_TEXT(*weight),
                      GTI_SHAPE_TEXT(*y));
}

static const gt_shape *conv2d_target_of(const gt_node *n)
{
    return &((const gti_conv_grad_opts *)n->opts)->target;
}

/* The three with n's options, which begin with gti_conv_opts. `like` has the shape of the result.
 */
static gt_tensor *conv2d(const gt_node *n, gt_tensor *x, gt_tensor *weight)
{
    return gti_conv_apply(&gt_op_conv2d, n->opts, x, weight, NULL);
}

static gt_tensor *conv2d_dx(const gt_node *n, const gt_tensor *like, gt_tensor *dy,
                            gt_tensor *weight)
{
    return gti_conv_gradient(&gt_op_conv2d_dx, n->opts, like->shape, dy, weight);
}

static gt_tensor *conv2d_dw(const gt_node *n, const gt_tensor *like, gt_tensor *x, gt_tensor *dy)
{
    return gti_conv_gradient(&gt_op_conv2d_dw, n->opts, like->shape, x, dy);
}

static bool conv2d_infer(gt_node *n)
{
    gt_shape *y = &n->out[0]->shape;
    if (!gti_conv_infer(n, 2, &n->in[0]->shape, &n->in[1]->shape, y) ||
        !gti_conv_check_bias(n, y->dim[1]))
        return false;
    gti_conv_divide(n, GTI_CONV2D_Y);
    return true;
}

static const char conv2d_gradient[] = "dx = conv2d_dx(dy, weight), dweight = conv2d_dw(x, dy), "
                                      "dbias[k] = sum over all but k of dy";
static bool conv2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *w = n->in[1], *dy = gout[0];
    if (gt_needs_grad(n, 0)) gin[0] = conv2d_dx(n, x, GT_MUTANT(conv2d_dx_sign, dy, gt_neg(dy)), w);
    if (gt_needs_grad(n, 1))
        gin[1] = conv2d_dw(n, w, x, GT_MUTANT(conv2d_dw_upstream, dy, gt_mul(dy, dy)));
    if (gt_needs_grad(n, 2)) gin[2] = gti_conv_bias_gradient(dy);
    return true;
}

static bool conv2d_dx_infer(gt_node *n)
{
    const gt_shape *x = conv2d_target_of(n), *weight = &n->in[1]->shape;
    gt_shape y;
    if (!gti_window_check_target(n, conv2d_target_of(n)) || !gti_conv_infer(n, 2, x, weight, &y))
        return false;
    if (!check_dy(n, n->in[0], x, weight, &y)) return false;
    n->out[0]->shape = *x;
    gti_conv_divide(n, GTI_CONV2D_DX);
    return true;
}

static const char conv2d_dx_gradient[] = "d dy = conv2d(g, weight), dweight = conv2d_dw(g, dy)";
static bool conv2d_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *dy = n->in[0], *w = n->in[1], *g = gout[0];
    if (gt_needs_grad(n, 0))
        gin[0] = conv2d(n, g, GT_MUTANT(conv2d_dx_flipped, w, gt_flip(w, GT_AXIS(2) | GT_AXIS(3))));
    if (gt_needs_grad(n, 1)) gin[1] = GT_MUTANT(conv2d_dx_missing, conv2d_dw(n, w, g, dy), NULL);
    return true;
}

static bool conv2d_dw_infer(gt_node *n)
{
    const gt_shape *x = &n->in[0]->shape, *weight = conv2d_target_of(n);
    gt_shape y;
    if (!gti_window_check_target(n, conv2d_target_of(n)) || !gti_conv_infer(n, 2, x, weight, &y))
        return false;
    if (!check_dy(n, n->in[1], x, weight, &y)) return false;
    n->out[0]->shape = *weight;
    gti_conv_divide(n, GTI_CONV2D_DW);
    return true;
}

static const char conv2d_dw_gradient[] = "dx = conv2d_dx(dy, g), d dy = conv2d(x, g)";
static bool conv2d_dw_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *dy = n->in[1], *g = gout[0];
    if (gt_needs_grad(n, 0))
        gin[0] = conv2d_dx(n, x, dy,
                           GT_MUTANT(conv2d_dw_flipped, g, gt_flip(g, GT_AXIS(2) | GT_AXIS(3))));
    if (gt_needs_grad(n, 1)) gin[1] = GT_MUTANT(conv2d_dw_missing, conv2d(n, x, g), NULL);
    return true;
}

#include "conv2d_samples.h"

static const gt_attr conv2d_attrs[] = {GTI_CONV_ATTRS(gti_conv_opts, ),
                                       GTI_CONV_SAME(gti_conv_opts, ), GTI_CONV_BIAS};
static const gt_attr conv2d_grad_attrs[] = {
    GTI_CONV_ATTRS(gti_conv_grad_opts, conv.),
    GTI_CONV_SAME(gti_conv_grad_opts, conv.),
    {GT_ARGUMENT("shape", gti_conv_grad_opts, target), .meaning = "of the result"},
};

#define CONV_OP(id, input_names, number, opts, rows, see)                                          \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (input_names),                                                                   \
        .n_in = (number),                                                                          \
        .n_least = 2,                                                                              \
        .n_out = 1,                                                                                \
        .flags = GT_OP_PRODUCT,                                                                    \
        .unread = GT_UNREAD_OUT(0),                                                                \
        .opts_size = sizeof(opts),                                                                 \
        .attrs = GT_ATTRS(rows),                                                                   \
        .plan_size = sizeof(gti_conv2d_plan),                                                      \
        .infer = id##_infer,                                                                       \
        .parts = GT_FOR_FLOATS(gti_conv_parts),                                                    \
        .derived = gti_conv_derived,                                                               \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
        .flops = gti_conv_flops,                                                                   \
        .window = (see),                                                                           \
    };

CONV_OP(conv2d, "x weight bias", 3, gti_conv_opts, conv2d_attrs, gti_conv_window)
CONV_OP(conv2d_dx, "dy weight", 2, gti_conv_grad_opts, conv2d_grad_attrs, NULL)
CONV_OP(conv2d_dw, "x dy", 2, gti_conv_grad_opts, conv2d_grad_attrs, NULL)

static gti_conv_opts conv2d_internal(const gt_conv2d_opts *o, const gt_shape *weight)
{
    return (gti_conv_opts){.gt_ = o->gt_,
                           .stride = {o->stride[0], o->stride[1]},
                           .padding = {o->padding[0], gti_conv_padding(o->gt_, o->padding, weight)},
                           .dilation = {o->dilation[0], o->dilation[1]},
                           .groups = o->groups,
                           .same_padding = o->same_padding};
}

gt_tensor *gt_conv2d_(gt_tensor *x, gt_tensor *weight, gt_conv2d_opts opts)
{
    const gti_conv_opts o = conv2d_internal(&opts, gti_conv_shape_of(weight));
    return gti_conv_call(&gt_op_conv2d, 2, &o, x, weight, opts.bias);
}

gt_tensor *gt_conv2d_dx(gt_tensor *dy, gt_tensor *weight, gt_shape x, gt_conv2d_opts opts)
{
    const gti_conv_opts o = conv2d_internal(&opts, gti_conv_shape_of(weight));
    return gti_conv_gradient(&gt_op_conv2d_dx, &o, x, dy, weight);
}

gt_tensor *gt_conv2d_dw(gt_tensor *x, gt_tensor *dy, gt_shape weight, gt_conv2d_opts opts)
{
    const gti_conv_opts o = conv2d_internal(&opts, &weight);
    return gti_conv_gradient(&gt_op_conv2d_dw, &o, weight, x, dy);
}

/* One-dimensional convolution: conv2d on images of height 1.
 *
 *   x [n,c,l]  weight [k,c/groups,kl]  y [n,k,ol], ol = floor((l + 2 p - d (kl - 1) - 1) / s) + 1
 *   y[n,k,i] = sum over c, a of x[n,c, i s + a d - p] weight[k,c,a], x being 0 outside
 *
 *   or with a bias [k], added to it
 *
 *   dx = conv2d_dx(dy, weight)  dw = conv2d_dw(x, dy)  of the images */
#include "conv.h"

static bool conv1d_infer(gt_node *n)
{
    gt_shape *y = &n->out[0]->shape;
    if (!gti_conv_infer(n, 1, &n->in[0]->shape, &n->in[1]->shape, y) ||
        !gti_conv_check_bias(n, y->dim[1]))
        return false;
    gti_conv_divide(n, GTI_CONV2D_Y);
    return true;
}

/* op on images a and b, back in the shape of x. */
static gt_tensor *conv1d_apply(const gt_node *n, const gt_op *op, const gt_tensor *x, gt_tensor *a,
                               gt_tensor *b)
{
    const gti_conv_opts o = gti_conv_image_opts(n, n->opts);
    gt_tensor *dx = gti_conv_gradient(op, &o, gti_conv_image_shape(x->shape), a, b);
    return dx ? gt_reshape(dx, x->shape) : NULL;
}

static bool conv1d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *w = n->in[1], *dy = gti_conv_image(gout[0]);
    if (gt_needs_grad(n, 0))
        gin[0] = conv1d_apply(n, &gt_op_conv2d_dx, x, GT_MUTANT(conv1d_dx_sign, dy, gt_neg(dy)),
                              gti_conv_image(w));
    if (gt_needs_grad(n, 1))
        gin[1] = conv1d_apply(n, &gt_op_conv2d_dw, w, gti_conv_image(x),
                              GT_MUTANT(conv1d_dw_upstream, dy, gt_mul(dy, dy)));
    if (gt_needs_grad(n, 2)) gin[2] = gti_conv_bias_gradient(gout[0]);
    return true;
}

/* As gt_conv1d_ puts them: the first number of each pair belongs to the height of 1. */
#define OPTS(...)                                                                                  \
    .opts = &(const gti_conv_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(2, 2, 7), GT_IN(3, 2, 3))},
    {.label = "stride 2", .in = GT_INPUTS(GT_IN(1, 2, 8), GT_IN(2, 2, 3)), OPTS(.stride = {1, 2})},
    {.label = "padding 2",
     .in = GT_INPUTS(GT_IN(1, 2, 4), GT_IN(2, 2, 3)),
     OPTS(.padding = {0, 2})},
    {.label = "dilation 3",
     .in = GT_INPUTS(GT_IN(1, 1, 9), GT_IN(2, 1, 3)),
     OPTS(.dilation = {1, 3})},
    {.label = "groups, stride, padding, dilation",
     .in = GT_INPUTS(GT_IN(1, 4, 7), GT_IN(2, 2, 3)),
     OPTS(.stride = {1, 2}, .padding = {0, 1}, .dilation = {1, 2}, .groups = 2)},
    {.label = "depthwise", .in = GT_INPUTS(GT_IN(1, 3, 6), GT_IN(3, 1, 2)), OPTS(.groups = 3)},
    {.label = "same padding",
     .in = GT_INPUTS(GT_IN(1, 2, 5), GT_IN(2, 2, 3)),
     OPTS(.same_padding = true)},
    {.label = "same padding, even kernel, dilated",
     .in = GT_INPUTS(GT_IN(2, 1, 6), GT_IN(2, 1, 2)),
     OPTS(.same_padding = true, .dilation = {1, 3})},
    {.label = "kernel 1", .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(2, 3, 1))},
    {.label = "17 long", .in = GT_INPUTS(GT_IN(1, 1, 17), GT_IN(1, 1, 5))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1, 1), GT_IN(1, 1, 1))},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 2, 4), GT_IN(2, 2, 2))},
    {.label = "same tensor", .in = GT_INPUTS(GT_IN(2, 2, 3), {.same = 1})},
    {.label = "bias", .n_in = 3, .in = GT_INPUTS(GT_IN(2, 2, 7), GT_IN(3, 2, 3), GT_IN(3))},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
#define ARGUMENT_ERROR .code = GT_ERR_ARGUMENT, .message
#define X GT_IN(1, 4, 9)
#define W GT_IN(2, 4, 3)
static const gt_error_sample error_samples[] = {
    {.label = "channels",
     .in = GT_INPUTS(GT_IN(1, 3, 9), W),
     SHAPE_ERROR = "x has 3 channels, weight needs 4 (groups = 1)"},
    {.label = "bias",
     .n_in = 3,
     .in = GT_INPUTS(X, W, GT_IN(3)),
     SHAPE_ERROR = "bias is [3], must be [2]"},
    {.label = "channels last",
     .in = GT_INPUTS(GT_IN(1, 9, 4), W),
     SHAPE_ERROR =
         "hint: the last dimension is 4; this looks like [n,l,c]: gt_permute(x, 0, 2, 1)"},
    {.label = "no batch dimension",
     .in = GT_INPUTS(GT_IN(4, 9), W),
     SHAPE_ERROR = "hint: add a batch dimension: gt_reshape(x, GT_SHAPE(1, 4, 9))"},
    {.label = "images",
     .in = GT_INPUTS(GT_IN(1, 4, 9, 9), W),
     SHAPE_ERROR = "x [1,4,9,9] has 4 dimensions, needs 3: [n,c,l]"},
    {.label = "weight of four dimensions",
     .in = GT_INPUTS(X, GT_IN(2, 4, 1, 3)),
     SHAPE_ERROR = "weight [2,4,1,3] has 4 dimensions, needs 3: [k,c/groups,kl]"},
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(1, 4, 2), W),
     OPTS(.padding = {0, 1}, .dilation = {1, 2}),
     SHAPE_ERROR = "kernel 5 (dilated) is larger than the padded input 4"},
    {.label = "kernel without elements",
     .in = GT_INPUTS(X, GT_IN(2, 4, 0)),
     SHAPE_ERROR = "kernel 0 has no elements"},
    {.label = "negative stride",
     .in = GT_INPUTS(X, W),
     OPTS(.stride = {1, -2}),
     ARGUMENT_ERROR = "stride is -2, must be positive"},
    {.label = "negative padding",
     .in = GT_INPUTS(X, W),
     OPTS(.padding = {0, -2}),
     ARGUMENT_ERROR = "padding is -2, must not be negative"},
    {.label = "same padding, stride",
     .in = GT_INPUTS(X, W),
     OPTS(.same_padding = true, .stride = {1, 2}),
     ARGUMENT_ERROR = "same_padding is made for stride 1, not 2"},
};

static const gt_attr conv1d_attrs[] = {GTI_CONV1D_ATTRS(gti_conv_opts, ),
                                       GTI_CONV_SAME(gti_conv_opts, ), GTI_CONV_BIAS};

const gt_op gt_op_conv1d = {
    .name = "conv1d",
    .inputs = "x weight bias",
    .n_in = 3,
    .n_least = 2,
    .n_out = 1,
    .flags = GT_OP_PRODUCT,
    .unread = GT_UNREAD_OUT(0),
    .opts_size = sizeof(gti_conv_opts),
    .attrs = GT_ATTRS(conv1d_attrs),
    .infer = conv1d_infer,
    .plan_size = sizeof(gti_conv2d_plan),
    .parts = GT_FOR_FLOATS(gti_conv_parts),
    .derived = gti_conv_derived,
    .backward = conv1d_backward,
    .gradient = "dx = conv2d_dx(dy, weight), dweight = conv2d_dw(x, dy), of images of height 1, "
                "dbias[k] = sum over all but k of dy",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = gti_conv_flops,
    .window = gti_conv_window,
};

gt_tensor *gt_conv1d_(gt_tensor *x, gt_tensor *weight, gt_conv1d_opts opts)
{
    const gti_conv_opts o = {.gt_ = opts.gt_,
                             .stride = {0, opts.stride},
                             .padding = {0, opts.padding},
                             .dilation = {0, opts.dilation},
                             .groups = opts.groups,
                             .same_padding = opts.same_padding};
    return gti_conv_call(&gt_op_conv1d, 1, &o, x, weight, opts.bias);
}

/* Two-dimensional cross-correlation of one plane with one kernel, as in textbooks:
 *
 *   x [h,w]  k [kh,kw]  y [oh,ow] with oh = h - kh + 1, ow = w - kw + 1
 *   y[i,j] = sum over a, b of x[i+a,j+b] k[a,b]
 *
 *   dk = corr2d(x, dy)    dx = the gradient of conv2d of the same planes */
#include "conv.h"

/* The same as a convolution of one image with one channel each way. */
static void describe(const gt_node *n)
{
    const int64_t *x = n->in[0]->shape.dim, *k = n->in[1]->shape.dim, *y = n->out[0]->shape.dim;
    *gti_conv_shape(n) = (gti_conv2d){.n = 1,
                                      .c = 1,
                                      .h = x[0],
                                      .w = x[1],
                                      .k = 1,
                                      .kh = k[0],
                                      .kw = k[1],
                                      .oh = y[0],
                                      .ow = y[1],
                                      .sh = 1,
                                      .sw = 1,
                                      .dh = 1,
                                      .dw = 1,
                                      .groups = 1};
}

static bool corr2d_check_plane(gt_node *n, int i)
{
    const int ndim = n->in[i]->shape.ndim;
    if (ndim == 2) return true;
    gt_op_fail(n, GT_ERR_SHAPE, "%s has %d dimensions, needs 2", i == 0 ? "x" : "k", ndim);
    if (ndim == 4) gt_op_hint(n, "gt_conv2d takes batches of images with channels");
    return false;
}

static bool corr2d_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape, k = n->in[1]->shape;
    if (!corr2d_check_plane(n, 0) || !corr2d_check_plane(n, 1)) return false;
    if (k.dim[0] == 0 || k.dim[1] == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "kernel %s has no elements", GTI_SHAPE_TEXT(k));
    if (k.dim[0] > x.dim[0] || k.dim[1] > x.dim[1])
        return gt_op_fail(n, GT_ERR_SHAPE, "kernel %s is larger than x %s", GTI_SHAPE_TEXT(k),
                          GTI_SHAPE_TEXT(x));
    n->out[0]->shape = (gt_shape){2, {x.dim[0] - k.dim[0] + 1, x.dim[1] - k.dim[1] + 1}};
    describe(n);
    gti_conv_divide(n, GTI_CONV2D_Y);
    return true;
}

/* x [h,w] as the image [1,1,h,w]. */
static gt_tensor *image(gt_tensor *x)
{
    return gt_reshape(x, GT_SHAPE(1, 1, x->shape.dim[0], x->shape.dim[1]));
}

static bool corr2d_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *k = n->in[1], *dy = gout[0];
    if (gt_needs_grad(n, 0)) {
        const gt_shape shape = GT_SHAPE(1, 1, x->shape.dim[0], x->shape.dim[1]);
        gt_tensor *dx = gt_conv2d_dx(
            image(dy), image(GT_MUTANT(corr2d_flipped, k, gt_flip(k, GT_AXIS(0) | GT_AXIS(1)))),
            shape, (gt_conv2d_opts){0});
        gin[0] = gt_reshape(dx, x->shape);
    }
    if (gt_needs_grad(n, 1)) gin[1] = gt_corr2d(x, GT_MUTANT(corr2d_dk_sign, dy, gt_neg(dy)));
    return true;
}

static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(5, 6), GT_IN(2, 3))},
    {.label = "row", .in = GT_INPUTS(GT_IN(4, 5), GT_IN(1, 2))},
    {.label = "column", .in = GT_INPUTS(GT_IN(5, 4), GT_IN(3, 1))},
    {.label = "kernel as large as x", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(3, 4))},
    {.label = "kernel of size one", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(1, 1))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1, 1))},
    {.label = "one row", .in = GT_INPUTS(GT_IN(1, 7), GT_IN(1, 3))},
    {.label = "even kernel", .in = GT_INPUTS(GT_IN(5, 5), GT_IN(4, 4))},
    {.label = "9 by 17", .in = GT_INPUTS(GT_IN(9, 17), GT_IN(3, 2))},
    {.label = "same tensor", .in = GT_INPUTS(GT_IN(3, 2), {.same = 1})},
};

static const gt_error_sample error_samples[] = {
    {.label = "kernel larger",
     .in = GT_INPUTS(GT_IN(2, 2), GT_IN(3, 3)),
     .code = GT_ERR_SHAPE,
     .message = "kernel [3,3] is larger than x [2,2]"},
    {.label = "kernel wider",
     .in = GT_INPUTS(GT_IN(5, 2), GT_IN(1, 3)),
     .code = GT_ERR_SHAPE,
     .message = "kernel [1,3] is larger than x [5,2]"},
    {.label = "kernel without elements",
     .in = GT_INPUTS(GT_IN(3, 3), GT_IN(0, 2)),
     .code = GT_ERR_SHAPE,
     .message = "kernel [0,2] has no elements"},
    {.label = "an image",
     .in = GT_INPUTS(GT_IN(1, 1, 3, 3), GT_IN(2, 2)),
     .code = GT_ERR_SHAPE,
     .message = "hint: gt_conv2d takes batches"},
    {.label = "kernel of one dimension",
     .in = GT_INPUTS(GT_IN(3, 3), GT_IN(2)),
     .code = GT_ERR_SHAPE,
     .message = "k has 1 dimensions, needs 2"},
};

const gt_op gt_op_corr2d = {
    .name = "corr2d",
    .inputs = "x k",
    .n_in = 2,
    .n_out = 1,
    .flags = GT_OP_PRODUCT,
    .infer = corr2d_infer,
    .plan_size = sizeof(gti_conv2d_plan),
    .parts = GT_FOR_FLOATS(gti_conv_parts),
    .backward = corr2d_backward,
    .gradient = "dx[p,q] = sum over a, b of dy[p-a,q-b] k[a,b]; dk = corr2d(x, dy)",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = gti_conv_flops,
};

gt_tensor *gt_corr2d(gt_tensor *x, gt_tensor *k)
{
    return gt_apply(&gt_op_corr2d, NULL, 2, (gt_tensor *[]){x, k});
}

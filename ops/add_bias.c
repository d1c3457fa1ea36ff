/* y [n,c,...] = x [n,c,...] + bias [c], along dimension 1.
 *
 *   dx = dy    dbias = dy summed over every dimension but 1 */
#include "common.h"

static bool add_bias_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape, bias = n->in[1]->shape;
    if (x.ndim < 2)
        return gt_op_fail(n, GT_ERR_SHAPE, "x has %d dimensions, needs at least 2: [n,c,...]",
                          x.ndim);
    if (bias.ndim != 1 || bias.dim[0] != x.dim[1]) {
        gt_op_fail(n, GT_ERR_SHAPE, "x has %lld channels, bias is %s, needs [%lld]",
                   (long long)x.dim[1], GTI_SHAPE_TEXT(bias), (long long)x.dim[1]);
        return gt_op_hint(n,
                          "the .bias of a convolution is added to its result, a number a channel");
    }
    n->out[0]->shape = x;
    return true;
}

static void add_bias_elements(gt_node *n, int64_t begin, int64_t end)
{
    const gt_tensor *x = n->in[0], *bias = n->in[1], *y = n->out[0];
    if (begin == end) return;
    const int64_t c = x->shape.dim[1], images = x->shape.dim[0], inner = x->size / images / c;
    /* One row a channel; where channels have one element each, one row an image. */
    const int64_t row = inner > 1 ? inner : c;
    for (int64_t at = begin % row, length; begin < end; at = 0, begin += length) {
        length = row - at < end - begin ? row - at : end - begin;
        gti_kernels_for(n)->binary[GTI_BINARY_add](length, gti_from(x, begin), 1,
                                                   gti_from(bias, inner > 1 ? begin / row % c : at),
                                                   inner > 1 ? 0 : 1, gti_to(y, begin));
    }
}

static bool add_bias_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    unsigned axes = GT_MUTANT(add_bias_batch, GT_AXIS(0), GT_AXIS(1));
    for (int i = 2; i < n->in[0]->shape.ndim; i++) axes |= GT_AXIS(i);
    if (gt_needs_grad(n, 0)) gin[0] = GT_MUTANT(add_bias_sign, gout[0], gt_neg(gout[0]));
    if (gt_needs_grad(n, 1)) gin[1] = gt_sum(gout[0], .axes = axes);
    return true;
}

static const gt_sample samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 3, 2, 2), GT_IN(3))},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(4))},
    {.label = "sequences", .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(3))},
    {.label = "eight dimensions", .in = GT_INPUTS(GT_IN(2, 2, 1, 2, 1, 2, 1, 2), GT_IN(2))},
    {.label = "one pixel", .in = GT_INPUTS(GT_IN(2, 3, 1, 1), GT_IN(3))},
    {.label = "one channel", .in = GT_INPUTS(GT_IN(2, 1, 2, 2), GT_IN(1))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1))},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2), GT_IN(3))},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 2), GT_IN(0))},
    {.label = "no pixels", .in = GT_INPUTS(GT_IN(2, 3, 0), GT_IN(3))},
    {.label = "9 of 17", .in = GT_INPUTS(GT_IN(1, 9, 17), GT_IN(9))},
};

static const gt_error_sample error_samples[] = {
    {.label = "one dimension",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3)),
     .code = GT_ERR_SHAPE,
     .message = "x has 1 dimensions, needs at least 2"},
    {.label = "other size",
     .in = GT_INPUTS(GT_IN(2, 3, 4, 4), GT_IN(4)),
     .code = GT_ERR_SHAPE,
     .message = "x has 3 channels, bias is [4], needs [3]"},
    {.label = "bias of two dimensions",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(1, 3)),
     .code = GT_ERR_SHAPE,
     .message = "bias is [1,3], needs [3]"},
};

const gt_op gt_op_add_bias = {
    .name = "add_bias",
    .inputs = "x bias",
    .n_in = 2,
    .n_out = 1,
    .flags = GT_OP_NO_SAVED,
    .infer = add_bias_infer,
    .elements = GT_FOR_FLOATS(add_bias_elements),
    .backward = add_bias_backward,
    .gradient = "dx = dy, dbias[c] = sum over all but c of dy",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_add_bias(gt_tensor *x, gt_tensor *bias)
{
    return gt_apply(&gt_op_add_bias, NULL, 2, (gt_tensor *[]){x, bias});
}

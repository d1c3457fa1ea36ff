/* y = x stretched to a shape, as broadcasting does: x [..,1,..] or lacking dimensions at the left.
 *
 *   dx = dy summed over the dimensions that were stretched */
#include "broadcast.h"
#include "copying.h"

/* A number everywhere: as fast as memory. */
static bool is_fill(const gt_node *n)
{
    return n->in[0]->size == 1 && gt_is_floating(n->dtype);
}

static bool broadcast_to_infer(gt_node *n)
{
    const gt_shape *x = &n->in[0]->shape, *to = n->opts;
    if (!gt_is_shape(to)) return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(*to));
    if (!gti_broadcast_stretches(x, to))
        return gt_op_fail(n, GT_ERR_SHAPE, "shape %s does not broadcast to %s", GTI_SHAPE_TEXT(*x),
                          GTI_SHAPE_TEXT(*to));
    n->out[0]->shape = *to;
    if (is_fill(n)) n->parts[0] = 1;
    else gti_copying_divide(n, 0, to);
    return true;
}

static void broadcast_to_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0];
    gt_tensor *y = n->out[0];
    if (is_fill(n)) {
        gti_kernels_for(n)->fill(y->size, gt_load_element(x, 0), y->data);
        return;
    }
    int64_t xstride[GT_MAX_DIMS], ystride[GT_MAX_DIMS];
    gti_broadcast_strides(x->shape, y->shape, xstride);
    gti_strides(y->shape, ystride);
    gti_copying_run(n, r, &y->shape, x->data, xstride, y->data, ystride);
}

static bool broadcast_to_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = GT_MUTANT(
        broadcast_to_not_reduced,
        gti_sum_like(GT_MUTANT(broadcast_to_sign, gout[0], gt_neg(gout[0])), n->in[0]), gout[0]);
    return true;
}

#define TO(...) .opts = &(const gt_shape)GT_DIMS(__VA_ARGS__)
static const gt_sample samples[] = {
    {.label = "row", .in = GT_INPUTS(GT_IN(3)), TO(2, 3)},
    {.label = "column", .in = GT_INPUTS(GT_IN(2, 1)), TO(2, 3)},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR), TO(2, 3)},
    {.label = "scalar to scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "one element", .in = GT_INPUTS(GT_IN(1, 1)), TO(3, 1, 2)},
    {.label = "same shape", .in = GT_INPUTS(GT_IN(2, 3)), TO(2, 3)},
    {.label = "ones in front", .in = GT_INPUTS(GT_IN(2)), TO(1, 1, 2)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 1, 3)), TO(2, 4, 3)},
    {.label = "alternating", .in = GT_INPUTS(GT_IN(1, 2, 1, 3)), TO(2, 2, 2, 3)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(1, 2, 1, 2, 1, 2, 1)),
     TO(2, 2, 2, 2, 2, 2, 2, 2)},
    {.label = "to zero-size", .in = GT_INPUTS(GT_IN(1, 3)), TO(0, 3)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 1)), TO(2, 0, 3)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(1)), TO(3, 17)},
};

static const gt_error_sample error_samples[] = {
    {.label = "other size",
     .in = GT_INPUTS(GT_IN(3)),
     TO(2, 4),
     .code = GT_ERR_SHAPE,
     .message = "shape [3] does not broadcast to [2,4]"},
    {.label = "fewer dimensions",
     .in = GT_INPUTS(GT_IN(2, 3)),
     TO(3),
     .code = GT_ERR_SHAPE,
     .message = "shape [2,3] does not broadcast to [3]"},
    {.label = "shrinking",
     .in = GT_INPUTS(GT_IN(3)),
     TO(1),
     .code = GT_ERR_SHAPE,
     .message = "shape [3] does not broadcast to [1]"},
    {.label = "negative",
     .in = GT_INPUTS(GT_IN(1)),
     TO(-1),
     .code = GT_ERR_SHAPE,
     .message = "[-1]"},
    {.label = "overflow",
     .in = GT_INPUTS(GT_IN(1)),
     TO(INT64_MAX, 4),
     .code = GT_ERR_MEMORY,
     .message = "overflows"},
};

static const gt_attr broadcast_to_attrs[] = {GTI_SHAPE_ATTR("shape")};

const gt_op gt_op_broadcast_to = {
    .name = "broadcast_to",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_shape),
    .attrs = GT_PLAIN_ATTRS(broadcast_to_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = broadcast_to_infer,
    .parts = GT_FOR_ALL(broadcast_to_parts),
    .backward = broadcast_to_backward,
    .gradient = "dx = dy, summed over the dimensions that were stretched",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_broadcast_to(gt_tensor *x, gt_shape shape)
{
    return gt_apply(&gt_op_broadcast_to, &shape, 1, (gt_tensor *[]){x});
}

static const gt_attr sum_to_attrs[] = {GTI_SHAPE_ATTR("shape")};
const gt_attrs gt_attrs_sum_to = GT_PLAIN_ATTRS(sum_to_attrs);

/* Sums over the dimensions that shape lacks or has with size 1, then drops the former. */
gt_tensor *gti_compose_sum_to(gt_tensor *x, gt_shape shape)
{
    if (!gti_is_given(x, "sum_to")) return NULL;
    if (!gt_is_shape(&shape) || !gti_broadcast_stretches(&shape, &x->shape)) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "sum_to", "shape %s does not broadcast to x's %s",
                GTI_SHAPE_TEXT(shape), GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    unsigned axes = 0;
    const int missing = x->shape.ndim - shape.ndim;
    for (int i = 0; i < x->shape.ndim; i++)
        if (i < missing || shape.dim[i - missing] != x->shape.dim[i]) axes |= GT_AXIS(i);
    if (axes == 0) return gt_reshape(x, shape);
    gt_tensor *sum = gt_sum_(x, (gt_reduce_opts){.axes = axes, .keepdim = missing == 0});
    return missing == 0 || !sum || gt_shape_equal(sum->shape, shape) ? sum : gt_reshape(sum, shape);
}

/* A copy with data of its own.
 *
 *   dx = dy */
#include "common.h"
#include "kernels/stream.h"

static bool clone_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void clone_elements(gt_node *n, int64_t begin, int64_t end)
{
    const gt_tensor *x = n->in[0];
    const size_t element = gt_dtype_size(x->dtype);
    if (begin < end)
        gti_stream_copy((size_t)(end - begin) * element, gti_from(x, begin),
                        gti_to(n->out[0], begin), x->size * (int64_t)element);
}

static bool clone_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gin[0] = GT_MUTANT(clone_sign, GT_MUTANT(clone_upstream, gout[0], gt_square(gout[0])),
                       gt_neg(gout[0]));
    return true;
}

static const gt_sample samples[] = {
    {.label = "matrix", .in = GT_INPUTS(GT_IN(2, 3))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
};

static const gt_error_sample error_samples[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
};

const gt_op gt_op_clone = {
    .name = "clone",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = clone_infer,
    .elements = GT_FOR_ALL(clone_elements),
    .backward = clone_backward,
    .gradient = "dx = dy",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_clone(gt_tensor *x)
{
    return gt_apply(&gt_op_clone, NULL, 1, (gt_tensor *[]){x});
}

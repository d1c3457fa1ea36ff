/* Elements in reverse order along each axis of a set: y[..,i,..] = x[..,size - 1 - i,..].
 *
 *   dx = dy flipped along the same axes */
#include "copying.h"

typedef struct {
    unsigned axes;
} flip_opts;

static unsigned flip_axes_of(const gt_node *n)
{
    return ((const flip_opts *)n->opts)->axes;
}

static bool flip_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    unsigned flipped;
    if (!gt_op_axes(n, flip_axes_of(n), n->in[0]->shape.ndim, &flipped)) return false;
    gti_copying_divide(n, 0, &n->in[0]->shape);
    return true;
}

static void flip_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    int64_t xstride[GT_MAX_DIMS], ystride[GT_MAX_DIMS], first = 0;
    unsigned dims;
    gt_op_axes(n, flip_axes_of(n), x->shape.ndim, &dims);
    gti_strides(x->shape, ystride);
    for (int i = 0; i < x->shape.ndim; i++) {
        const bool flipped = dims >> i & 1;
        xstride[i] = flipped ? -ystride[i] : ystride[i];
        if (flipped) first += ystride[i] * (x->shape.dim[i] - 1);
    }
    gti_copying_run(n, r, &x->shape, gti_from(x, first), xstride, y->data, ystride);
}

static bool flip_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] =
        GT_MUTANT(flip_forgotten,
                  gt_flip(gout[0], GT_MUTANT(flip_axes, flip_axes_of(n), GT_AXIS(0))), gout[0]);
    return true;
}

#define AXES(set)                                                                                  \
    .opts = &(const flip_opts)                                                                     \
    {                                                                                              \
        (set)                                                                                      \
    }
static const gt_sample samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(5)), AXES(GT_AXIS(0))},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(0))},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(-1))},
    {.label = "both", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(0) | GT_AXIS(1))},
    {.label = "axis named twice", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(1) | GT_AXIS(-1))},
    {.label = "none", .in = GT_INPUTS(GT_IN(2, 3)), AXES(GT_AXES_MARK)},
    {.label = "kernel", .in = GT_INPUTS(GT_IN(2, 2, 3, 3)), AXES(GT_AXIS(-1) | GT_AXIS(-2))},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 2, 2, 1, 2, 1, 3)),
     AXES(GT_AXIS(0) | GT_AXIS(3) | GT_AXIS(-1))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR), AXES(GT_AXES_MARK)},
    {.label = "axes of a number", .in = GT_INPUTS(GT_IN_SCALAR), AXES(GT_AXIS(0) | GT_AXIS(-1))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 3)), AXES(GT_AXIS(0))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), AXES(GT_AXIS(0) | GT_AXIS(1))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17)), AXES(GT_AXIS(0))},
};

static const gt_error_sample error_samples[] = {
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXES(GT_AXIS(2)),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
    {.label = "a plain number",
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXES(1),
     .code = GT_ERR_SHAPE,
     .message = "axes is 1, which is no set of axes; write GT_AXES(1)"},
    {.label = "axis 1 of a number",
     .in = GT_INPUTS(GT_IN_SCALAR),
     AXES(GT_AXIS(1)),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 1"},
};

static const gt_attr flip_attrs[] = {
    {GT_ARGUMENT("axes", flip_opts, axes), .meaning = "along which the order is reversed"}};

const gt_op gt_op_flip = {
    .name = "flip",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(flip_opts),
    .attrs = GT_PLAIN_ATTRS(flip_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = flip_infer,
    .parts = GT_FOR_ALL(flip_parts),
    .backward = flip_backward,
    .gradient = "dx = dy, flipped along the same axes",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_flip(gt_tensor *x, unsigned axes)
{
    return gt_apply(&gt_op_flip, &(flip_opts){axes}, 1, (gt_tensor *[]){x});
}

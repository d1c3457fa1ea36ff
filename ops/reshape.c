/* The same elements, row-major, under another shape; shares x's data. One dimension may be -1: it
 * becomes what the others leave.
 *
 *   dx = dy under x's shape */
#include "common.h"

/* The product of all dimensions but *wild, which is set to the place of the -1, or -1 if there is
 * none. -1 where there are several, or another negative one, or the product overflows. */
static int64_t fixed_size(gt_shape shape, int *wild)
{
    *wild = -1;
    for (int i = 0; gt_has_dims(&shape) && i < shape.ndim; i++) {
        if (shape.dim[i] != -1) continue;
        if (*wild >= 0) return -1;
        *wild = i;
        shape.dim[i] = 1;
    }
    return gt_shape_size(shape);
}

static bool reshape_infer(gt_node *n)
{
    const gt_tensor *x = n->in[0];
    gt_shape shape = *(const gt_shape *)n->opts;
    int wild;
    const int64_t size = fixed_size(shape, &wild);
    if (size < 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape (one dimension may be -1)",
                          GTI_SHAPE_TEXT(shape));
    if (wild >= 0 && size == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "the -1 in %s could be anything: the others make 0",
                          GTI_SHAPE_TEXT(shape));
    if (wild >= 0 ? x->size % size != 0 : x->size != size)
        return gt_op_fail(n, GT_ERR_SHAPE, "x %s has %lld elements, %s takes %s%lld",
                          GTI_SHAPE_TEXT(x->shape), (long long)x->size, GTI_SHAPE_TEXT(shape),
                          wild >= 0 ? "a multiple of " : "", (long long)size);
    if (wild >= 0) shape.dim[wild] = x->size / size;
    n->out[0]->shape = shape;
    return true;
}

static bool reshape_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = GT_MUTANT(
        reshape_forgotten,
        gt_reshape(GT_MUTANT(reshape_sign, gout[0], gt_neg(gout[0])), n->in[0]->shape), gout[0]);
    return true;
}

#define TO(...) .opts = &(const gt_shape)GT_DIMS(__VA_ARGS__)
static const gt_sample samples[] = {
    {.label = "flatten", .in = GT_INPUTS(GT_IN(2, 3, 2)), TO(12)},
    {.label = "split", .in = GT_INPUTS(GT_IN(12)), TO(3, 4)},
    {.label = "-1 last", .in = GT_INPUTS(GT_IN(2, 3, 2)), TO(2, -1)},
    {.label = "-1 first", .in = GT_INPUTS(GT_IN(2, 6)), TO(-1, 3)},
    {.label = "-1 that becomes 1", .in = GT_INPUTS(GT_IN(2, 3)), TO(2, -1, 3)},
    {.label = "same shape", .in = GT_INPUTS(GT_IN(2, 3)), TO(2, 3)},
    {.label = "to a scalar", .in = GT_INPUTS(GT_IN(1, 1))},
    {.label = "from a scalar", .in = GT_INPUTS(GT_IN_SCALAR), TO(1, 1)},
    {.label = "eight dimensions", .in = GT_INPUTS(GT_IN(8)), TO(2, 1, 2, 1, 2, 1, 1, 1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), TO(2, 0)},
    {.label = "zero-size, -1", .in = GT_INPUTS(GT_IN(0, 3)), TO(-1, 3)},
};

static const gt_error_sample error_samples[] = {
    {.label = "other size",
     .in = GT_INPUTS(GT_IN(2, 4)),
     TO(3, 3),
     .code = GT_ERR_SHAPE,
     .message = "x [2,4] has 8 elements, [3,3] takes 9"},
    {.label = "no multiple",
     .in = GT_INPUTS(GT_IN(2, 4)),
     TO(-1, 3),
     .code = GT_ERR_SHAPE,
     .message = "x [2,4] has 8 elements, [-1,3] takes a multiple of 3"},
    {.label = "two -1",
     .in = GT_INPUTS(GT_IN(4)),
     TO(-1, -1),
     .code = GT_ERR_SHAPE,
     .message = "[-1,-1]"},
    {.label = "-2",
     .in = GT_INPUTS(GT_IN(4)),
     TO(-2, 2),
     .code = GT_ERR_SHAPE,
     .message = "[-2,2]"},
    {.label = "-1 beside 0",
     .in = GT_INPUTS(GT_IN(0)),
     TO(0, -1),
     .code = GT_ERR_SHAPE,
     .message = "could be anything"},
    {.label = "overflow",
     .in = GT_INPUTS(GT_IN(4)),
     TO(INT64_MAX, 8),
     .code = GT_ERR_SHAPE,
     .message = "is no shape"},
};

static const gt_attr reshape_attrs[] = {GTI_SHAPE_ATTR("shape")};

const gt_op gt_op_reshape = {
    .name = "reshape",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_shape),
    .attrs = GT_PLAIN_ATTRS(reshape_attrs),
    .flags = GT_OP_VIEW | GT_OP_NO_SAVED,
    .infer = reshape_infer,
    .backward = reshape_backward,
    .gradient = "dx = dy, under x's shape",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_reshape(gt_tensor *x, gt_shape shape)
{
    return gt_apply(&gt_op_reshape, &shape, 1, (gt_tensor *[]){x});
}

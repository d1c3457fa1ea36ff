/* cumsum: running sums along one axis, y[o,r,i] = the sum of x[o,q,i] over q <= r; in reverse over
 * q >= r.
 *
 *   dx is the running sum of dy in the other direction */
#include "kernels/loop.h"
#include "kernels/stream.h"
#include "reduction.h"

typedef struct {
    int axis;
    bool reverse;
} cumsum_opts;

static int cumsum_axis_of(const gt_node *n)
{
    return gti_op_axis(n, ((const cumsum_opts *)n->opts)->axis, n->in[0]->shape.ndim);
}

static bool cumsum_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    n->out[0]->shape = x;
    if (cumsum_axis_of(n) < 0) return false;
    const gti_along s = gti_reduction_along(x, cumsum_axis_of(n));
    gti_reduction_along_divide(n, 0, &s, 2);
    return true;
}

/* Rows made in a block that stays in the caches, and written past them. */
static void cumsum_stream(const gt_node *n, const gti_along_range *at, int64_t rows)
{
    _Alignas(GTI_STREAM_LINE) char block[GTI_STREAM_RESULT_BLOCK];
    const bool reverse = ((const cumsum_opts *)n->opts)->reverse;
    const int64_t row = at->s.n * (int64_t)gt_dtype_size(n->dtype);
    const char *x = gti_from(n->in[0], at->x);
    char *y = gti_to(n->out[0], at->x);
    gti_along piece = at->s;
    for (int64_t left = at->s.outer; left > 0; left -= rows, x += rows * row, y += rows * row) {
        piece.outer = left < rows ? left : rows;
        gti_read_on(x, (size_t)(piece.outer * row));
        gti_kernels_for(n)->reduce.cumsum(&piece, reverse, x, block);
        gti_stream_next next = {x + piece.outer * row, GTI_STREAM_LINE};
        gti_stream_result((size_t)(piece.outer * row), block, 1, &next, y);
    }
    gti_stream_end();
}

static void cumsum_parts(gt_node *n, const gt_range *r)
{
    const gti_along s = gti_reduction_along(n->in[0]->shape, cumsum_axis_of(n));
    const gti_along_range at = gti_reduction_along_range_of(n, r, &s);
    const int64_t element = (int64_t)gt_dtype_size(n->dtype);
    const int64_t rows = s.inner == 1 && s.n > 0 ? GTI_STREAM_RESULT_BLOCK / (s.n * element) : 0;
    if (rows >= 4 && gti_streams(n->in[0]->size * element)) cumsum_stream(n, &at, rows / 4 * 4);
    else
        gti_kernels_for(n)->reduce.cumsum(&at.s, ((const cumsum_opts *)n->opts)->reverse,
                                          gti_from(n->in[0], at.x), gti_to(n->out[0], at.x));
}

static bool cumsum_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const cumsum_opts *opts = n->opts;
    const cumsum_opts other = {opts->axis, GT_MUTANT(cumsum_way, !opts->reverse, opts->reverse)};
    gt_tensor *dy = GT_MUTANT(cumsum_upstream, gout[0], n->out[0]);
    gin[0] = gt_apply(n->op, &other, 1, (gt_tensor *[]){dy});
    return true;
}

#define AXIS(...)                                                                                  \
    .opts = &(const cumsum_opts)                                                                   \
    {                                                                                              \
        .axis = __VA_ARGS__                                                                        \
    }
// clang-format off
static const gt_sample samples[] = {
    {.label = "vector", .in = GT_INPUTS(GT_IN(7))},
    {.label = "vector, reverse", .in = GT_INPUTS(GT_IN(7)), AXIS(0, true)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(-1)},
    {.label = "columns, reverse", .in = GT_INPUTS(GT_IN(3, 4)), AXIS(1, true)},
    {.label = "five rows", .in = GT_INPUTS(GT_IN(5, 3)), AXIS(1)},
    {.label = "five rows, reverse", .in = GT_INPUTS(GT_IN(5, 3)), AXIS(1, true)},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXIS(1)},
    {.label = "eight dimensions", .in = GT_INPUTS(GT_IN(1, 2, 1, 3, 1, 2, 1, 1)), AXIS(3)},
    {.label = "middle, reverse", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXIS(1, true)},
    {.label = "300 columns", .in = GT_INPUTS(GT_IN(3, 300)), AXIS(0)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1)), AXIS(1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3)), AXIS(1)},
    {.label = "zero-size axis", .in = GT_INPUTS(GT_IN(0, 3)), AXIS(0)},
    {.label = "number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(-1)},
    {.label = "number, reverse", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(0, true)},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
    {.label = "3 by 67", .in = GT_INPUTS(GT_IN(3, 67)), AXIS(0)},
};

static const gt_error_sample error_samples[] = {
    {.label = "no such axis", .in = GT_INPUTS(GT_IN(2, 3)), AXIS(2), .code = GT_ERR_SHAPE, .message = "there is no axis 2"},
    {.label = "axis 1 of a number", .in = GT_INPUTS(GT_IN_SCALAR), AXIS(1), .code = GT_ERR_SHAPE, .message = "there is no axis 1"},
    {.label = "whole numbers", .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}), .code = GT_ERR_DTYPE, .message = "i64"},
};
// clang-format on

static const gt_attr cumsum_attrs[] = {
    GTI_AXIS_ATTR(cumsum_opts),
    {GT_ARGUMENT("reverse", cumsum_opts, reverse), .meaning = "from the other end on"}};

const gt_op gt_op_cumsum = {
    .name = "cumsum",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(cumsum_opts),
    .attrs = GT_PLAIN_ATTRS(cumsum_attrs),
    .flags = GT_OP_NO_SAVED,
    .infer = cumsum_infer,
    .parts = GT_FOR_FLOATS(cumsum_parts),
    .backward = cumsum_backward,
    .gradient = "dx = the running sums of dy from the other end",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_cumsum(gt_tensor *x, int axis)
{
    return gt_apply(&gt_op_cumsum, &(cumsum_opts){axis, false}, 1, (gt_tensor *[]){x});
}

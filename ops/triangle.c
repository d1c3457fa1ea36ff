/* The part of each matrix, x [..,m,n], on one side of a diagonal, with it; zeros on the other. The
 * elements of diagonal d have column - row = d.
 *
 *   tril  y = x where column <= row + d    dx = tril(dy)
 *   triu  y = x where column >= row + d    dx = triu(dy) */
#include <string.h>

#include "common.h"

typedef struct {
    int64_t diagonal;
} triangle_opts;

static bool triangle_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    if (x.ndim < 2)
        return gt_op_fail(n, GT_ERR_SHAPE, "x has %d dimensions, must have at least 2", x.ndim);
    n->out[0]->shape = x;
    return true;
}

static int64_t triangle_clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* Of each row, columns from..to-1 are kept. */
static void copy_columns(int64_t from, int64_t to, int64_t columns, size_t element, const char *x,
                         char *y)
{
    memset(y, 0, (size_t)from * element);
    memcpy(y + (size_t)from * element, x + (size_t)from * element, (size_t)(to - from) * element);
    memset(y + (size_t)to * element, 0, (size_t)(columns - to) * element);
}

static void copy_triangles(const gt_node *n, bool upper)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    if (y->size == 0) return;
    const size_t element = gt_dtype_size(y->dtype);
    const int64_t rows = y->shape.dim[y->shape.ndim - 2], columns = y->shape.dim[y->shape.ndim - 1];
    const int64_t d = triangle_clamp(((const triangle_opts *)n->opts)->diagonal, -rows, columns);
    const char *from = x->data;
    char *to = y->data;
    for (int64_t left = y->size / columns; left > 0;)
        for (int64_t r = 0; r < rows; r++, left--) {
            const int64_t edge = triangle_clamp(r + d + !upper, 0, columns);
            copy_columns(upper ? edge : 0, upper ? columns : edge, columns, element, from, to);
            from += (size_t)columns * element;
            to += (size_t)columns * element;
        }
}

static void tril_forward(gt_node *n)
{
    copy_triangles(n, false);
}

static void triu_forward(gt_node *n)
{
    copy_triangles(n, true);
}

static const char tril_gradient[] = "dx = tril(dy)";
static bool tril_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int64_t d = ((const triangle_opts *)n->opts)->diagonal;
    gin[0] = GT_MUTANT(tril_forgotten, gt_tril(gout[0], GT_MUTANT(tril_diagonal, d, 0)), gout[0]);
    return true;
}

static const char triu_gradient[] = "dx = triu(dy)";
static bool triu_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int64_t d = ((const triangle_opts *)n->opts)->diagonal;
    gin[0] = GT_MUTANT(triu_forgotten,
                       GT_MUTANT(triu_side, gt_triu(gout[0], d), gt_tril(gout[0], d)), gout[0]);
    return true;
}

#define DIAGONAL(d)                                                                                \
    .opts = &(const triangle_opts)                                                                 \
    {                                                                                              \
        (d)                                                                                        \
    }
static const gt_sample samples[] = {
    {.label = "square", .in = GT_INPUTS(GT_IN(3, 3))},
    {.label = "above", .in = GT_INPUTS(GT_IN(3, 4)), DIAGONAL(1)},
    {.label = "below", .in = GT_INPUTS(GT_IN(4, 3)), DIAGONAL(-1)},
    {.label = "beyond", .in = GT_INPUTS(GT_IN(2, 3)), DIAGONAL(INT64_MAX)},
    {.label = "beyond the other way", .in = GT_INPUTS(GT_IN(2, 3)), DIAGONAL(INT64_MIN)},
    {.label = "batches", .in = GT_INPUTS(GT_IN(2, 1, 3, 2)), DIAGONAL(-1)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3)), DIAGONAL(1)},
    {.label = "9 by 8", .in = GT_INPUTS(GT_IN(9, 8)), DIAGONAL(3)},
};

static const gt_error_sample error_samples[] = {
    {.label = "vector",
     .in = GT_INPUTS(GT_IN(3)),
     .code = GT_ERR_SHAPE,
     .message = "x has 1 dimensions, must have at least 2"},
    {.label = "scalar",
     .in = GT_INPUTS(GT_IN_SCALAR),
     .code = GT_ERR_SHAPE,
     .message = "at least 2"},
};

static const gt_attr triangle_attrs[] = {
    {GT_ARGUMENT("diagonal", triangle_opts, diagonal),
     .meaning = "0: the main one; above it positive ones, below negative"}};

#define TRIANGLE(id)                                                                               \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(triangle_opts),                                                        \
        .attrs = GT_PLAIN_ATTRS(triangle_attrs),                                                   \
        .flags = GT_OP_NO_SAVED | GT_OP_MOVE,                                                      \
        .infer = triangle_infer,                                                                   \
        .forward = GT_FOR_ALL(id##_forward),                                                       \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(samples),                                                                       \
        GT_ERROR_SAMPLES(error_samples),                                                           \
    };                                                                                             \
    gt_tensor *gt_##id(gt_tensor *x, int64_t diagonal)                                             \
    {                                                                                              \
        return gt_apply(&gt_op_##id, &(triangle_opts){diagonal}, 1, (gt_tensor *[]){x});           \
    }

TRIANGLE(tril)
TRIANGLE(triu)

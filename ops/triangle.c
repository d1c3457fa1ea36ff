/* The part of each matrix, x [..,m,n], on one side of a diagonal, with it; zeros on the other. The
 * elements of diagonal d have column - row = d.
 *
 *   tril  y = x where column <= row + d    dx = tril(dy)
 *   triu  y = x where column >= row + d    dx = triu(dy) */
#include <string.h>

#include "common.h"
#include "kernels/stream.h"

enum { SHORTEST = 768 }; /* bytes of rows that are streamed: shorter ones take longer to fill */

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

/* Matrices of which a part is kept: of row r, columns on one side of r + diagonal. */
typedef struct {
    int64_t rows, columns, diagonal;
    size_t element; /* bytes */
    bool upper;
} triangle;

/* Of so many bytes of a row, those on one side of the edge are kept. */
static void copy_side(bool upper, size_t edge, size_t bytes, const char *x, char *y)
{
    if (upper) {
        memset(y, 0, edge);
        memcpy(y + edge, x + edge, bytes - edge);
    } else {
        memcpy(y, x, edge);
        memset(y + edge, 0, bytes - edge);
    }
}

/* Elements begin to end of all matrices, of which x and y are the first. */
static void copy_elements(triangle t, int64_t begin, int64_t end, const char *x, char *y)
{
    int64_t row = begin / t.columns % t.rows, column = begin % t.columns;
    while (begin < end) {
        const int64_t left = t.columns - column, count = end - begin < left ? end - begin : left;
        const int64_t edge = triangle_clamp(row + t.diagonal + !t.upper - column, 0, count);
        const size_t bytes = (size_t)count * t.element;
        copy_side(t.upper, (size_t)edge * t.element, bytes, x, y);
        x += bytes;
        y += bytes;
        begin += count;
        row = row + 1 < t.rows ? row + 1 : 0;
        column = 0;
    }
}

/* The same of all elements, made in blocks that stay in the caches and written past them, while the
 * next block is asked for. */
static void stream_elements(triangle t, int64_t size, int64_t bytes, const char *x, char *y)
{
    _Alignas(GTI_STREAM_LINE) char block[GTI_STREAM_RESULT_BLOCK];
    const int64_t most = bytes / (int64_t)t.element;
    for (int64_t at = 0; at < size; at += most) {
        const int64_t end = size - at < most ? size : at + most;
        const size_t piece = (size_t)(end - at) * t.element;
        gti_read_on(x, piece);
        copy_elements(t, at, end, x, block);
        gti_stream_next next = {x + piece, GTI_STREAM_LINE};
        gti_stream_result(piece, block, 1, &next, y);
        x += piece;
        y += piece;
    }
    gti_stream_end();
}

static void copy_triangles(const gt_node *n, bool upper)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    if (y->size == 0) return;
    triangle t = {.element = gt_dtype_size(y->dtype), .upper = upper};
    t.rows = y->shape.dim[y->shape.ndim - 2];
    t.columns = y->shape.dim[y->shape.ndim - 1];
    t.diagonal = triangle_clamp(((const triangle_opts *)n->opts)->diagonal, -t.rows, t.columns);
    const int64_t element = (int64_t)t.element,
                  block = gti_stream_result_block(y->size * element, 1);
    if (block > 0 && t.columns * element >= SHORTEST)
        stream_elements(t, y->size, block, x->data, y->data);
    else copy_elements(t, 0, y->size, x->data, y->data);
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

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/loop.h"
#include "kernels/stream.h"
#include "kernels/transpose.h"

/* Bytes: LINE of a line of cache, LONG_ROW from which rows are worth a call of memcpy, STREAM_ROW
 * of a row in y of a block that is streamed. */
enum { MAX_DIMS = 8, LINE = 64, LONG_ROW = 64, TILE = 16, ROWS = 64, STREAM_ROW = 128 };

/* One dimension: its length and the distance between elements in x and in y, in bytes. */
typedef struct {
    int64_t n, x, y;
} dimension;

/* The dimensions left to copy, the last the innermost. */
typedef struct {
    int n;
    dimension dim[MAX_DIMS];
} layout;

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

/* Drops dimensions of length 1 and joins neighbours that step alike in both arrays. */
static layout simplify(int ndim, const int64_t *dim, size_t element, const int64_t *xstride,
                       const int64_t *ystride)
{
    layout l = {.n = 0};
    const int64_t size = (int64_t)element;
    for (int i = 0; i < ndim; i++) {
        if (dim[i] == 1) continue;
        const dimension d = {dim[i], xstride[i] * size, ystride[i] * size};
        dimension *const outer = l.n > 0 ? &l.dim[l.n - 1] : NULL;
        if (outer && outer->x == d.x * d.n && outer->y == d.y * d.n)
            *outer = (dimension){outer->n * d.n, d.x, d.y};
        else l.dim[l.n++] = d;
    }
    return l;
}

/* Moves dimension i to the end. */
static void make_innermost(layout *l, int i)
{
    const dimension d = l->dim[i];
    for (; i + 1 < l->n; i++) l->dim[i] = l->dim[i + 1];
    l->dim[i] = d;
}

/* Takes a short innermost dimension that is contiguous on both sides for one element. */
static size_t join_elements(layout *l, size_t element)
{
    const dimension d = l->dim[l->n - 1];
    const int64_t size = (int64_t)element, bytes = d.n * size;
    if (l->n < 2 || d.x != size || d.y != size || bytes > LINE || (bytes & (bytes - 1)) != 0)
        return element;
    l->n--;
    return (size_t)bytes;
}

/* Copies n elements; inlined with a constant size each memcpy is a load and a store or few. */
GTI_INLINE void copy_elements(size_t size, int64_t n, const char *restrict x, int64_t dx,
                              char *restrict y, int64_t dy)
{
    for (int64_t i = 0; i < n; i++) memcpy(y + i * dy, x + i * dx, size);
}

/* The same from one element, of `size` bytes in a buffer of a line. */
GTI_INLINE void repeat_element(size_t size, int64_t n, const char *x, char *restrict y)
{
    char element[LINE];
    memcpy(element, x, size);
    for (int64_t i = 0; i < n; i++) memcpy(y + i * (int64_t)size, element, size);
}

/* n elements of 4 or 8 bytes, x being the last of those that are copied from. A line is read before
 * it is written: loads wait for stores that stand alike in their pages. */
GTI_INLINE void turn_row(size_t size, int64_t n, const char *restrict x, char *restrict y)
{
    const int64_t element = (int64_t)size, each = LINE / element, whole = n - n % each;
    for (int64_t i = 0; i < whole; i += each) {
        const char *const from = x - (i + each - 1) * element;
        char line[LINE];
        for (int k = 0; k < LINE; k += 16) gti_turn_round(size, from + LINE - 16 - k, line + k);
        memcpy(y + i * element, line, LINE);
    }
    copy_elements(size, n - whole, x - whole * element, -element, y + whole * element, element);
}

/* Inlined with a constant size: the common steps become loops of their own. */
GTI_INLINE void copy_line(size_t element, const dimension *d, const char *x, char *y)
{
    const int64_t size = (int64_t)element;
    if (d->y != size) copy_elements(element, d->n, x, d->x, y, d->y);
    else if (d->x == size) copy_elements(element, d->n, x, size, y, size);
    else if (d->x == 0) repeat_element(element, d->n, x, y);
    else if (d->x == -size && (size == 4 || size == 8)) turn_row(element, d->n, x, y);
    else if (d->x == -size) copy_elements(element, d->n, x, -size, y, size);
    else if (d->x == 2 * size) copy_elements(element, d->n, x, 2 * size, y, size);
    else copy_elements(element, d->n, x, d->x, y, size);
}

static bool is_long_row(size_t element, const dimension *d)
{
    const int64_t size = (int64_t)element;
    return d->x == size && d->y == size && d->n * size >= LONG_ROW;
}

/* Whether a row of y, dimension i, is long and has one element in all its places: the other way
 * round, too, x is read once. AMD's (Zen 4) write such rows no faster past the caches. */
static bool is_repeated_row(size_t element, const layout *l, int i)
{
    return i >= 0 && l->dim[i].x == 0 && l->dim[i].n * (int64_t)element >= LONG_ROW;
}

static void copy_row(size_t element, const dimension *d, const char *x, char *y)
{
    if (is_long_row(element, d)) {
        memcpy(y, x, (size_t)d->n * element);
        return;
    }
    switch (element) {
    case 1: copy_line(1, d, x, y); break;
    case 2: copy_line(2, d, x, y); break;
    case 4: copy_line(4, d, x, y); break;
    case 8: copy_line(8, d, x, y); break;
    case 16: copy_line(16, d, x, y); break;
    case 32: copy_line(32, d, x, y); break;
    default: copy_line(64, d, x, y); break;
    }
}

/* Past the caches; rows are `step` bytes apart in x, or 0 where it is the only one. */
static void stream_long_row(size_t bytes, int64_t step, const char *x, char *y)
{
    if (step == 0 || step == (int64_t)bytes) gti_stream_from_far(bytes, x, y);
    else gti_stream_row(bytes, x, x + gti_stream_rows_ahead(bytes) * step, y);
}

static bool is_turned_row(size_t element, const dimension *d)
{
    const int64_t size = (int64_t)element;
    return (size == 4 || size == 8) && d->x == -size && d->y == size && d->n * size >= LONG_ROW;
}

/* Past the caches. The processor does not foresee rows that each run backward: they are asked for
 * as they lie, or before what is read now if the row is long. */
GTI_INLINE void stream_turned(size_t size, int64_t n, const char *x, char *y)
{
    enum { PIECE = 512, AHEAD = 1 << 13 }; /* AHEAD: of gti_read_ahead */
    const int64_t element = (int64_t)size, each = 16 / element;
    const int64_t to_line = (int64_t)(-(uintptr_t)y % 16) / element, head = at_most(n, to_line);
    const int64_t behind = n * element > AHEAD ? 2 * AHEAD : 0;
    copy_elements(size, head, x, -element, y, element);
    int64_t i = head;
    for (; n - i >= PIECE / element; i += PIECE / element) {
        gti_read_ahead(x - i * element - PIECE - behind, PIECE);
        for (int64_t j = i; j < i + PIECE / element; j += each) {
            char turned[16];
            gti_turn_round(size, x - (j + each - 1) * element, turned);
            gti_stream_aligned(16, turned, y + j * element);
        }
    }
    copy_elements(size, n - i, x - i * element, -element, y + i * element, element);
}

static void stream_turned_row(size_t element, const dimension *d, const char *x, char *y)
{
    if (element == 4) stream_turned(4, d->n, x, y);
    else stream_turned(8, d->n, x, y);
}

/* A plane whose rows a lie along x and whose columns b lie along y: y's element (i,j) is x's
 * (j,i). */
typedef struct {
    size_t element;
    dimension a, b;
    bool streamed; /* y is written past the caches */
} plane;

/* Rows by columns of it, of elements as large as `size`, in lines along y or, of few columns, along
 * x. */
static void copy_rest(const plane *p, int64_t rows, int64_t columns, const char *x, char *y)
{
    const dimension a = {rows, p->a.x, p->a.y}, b = {columns, p->b.x, p->b.y};
    const bool along_y = columns >= rows;
    const dimension *const line = along_y ? &b : &a, *const other = along_y ? &a : &b;
    for (int64_t i = 0; i < other->n; i++)
        copy_row(p->element, line, x + i * other->x, y + i * other->y);
}

/* The same in squares of `side`, and what is left over. */
GTI_INLINE void copy_squares(const plane *p, const int64_t side, int64_t rows, int64_t columns,
                             const char *x, char *y)
{
    const int64_t whole_rows = rows - rows % side, whole_columns = columns - columns % side;
    for (int64_t j = 0; j < whole_columns; j += side)
        for (int64_t i = 0; i < whole_rows; i += side) {
            const char *const from = x + i * p->a.x + j * p->b.x;
            char *const to = y + i * p->a.y + j * p->b.y;
            if (side == 4) gti_transpose_4x4(from, p->b.x, to, p->a.y);
            else gti_transpose_2x2(from, p->b.x, to, p->a.y);
        }
    if (whole_columns < columns)
        copy_rest(p, rows, columns - whole_columns, x + whole_columns * p->b.x,
                  y + whole_columns * p->b.y);
    if (whole_rows < rows)
        copy_rest(p, rows - whole_rows, whole_columns, x + whole_rows * p->a.x,
                  y + whole_rows * p->a.y);
}

static void copy_block(const plane *p, int64_t rows, int64_t columns, const char *x, char *y)
{
    if (p->element == 4) copy_squares(p, 4, rows, columns, x, y);
    else if (p->element == 8) copy_squares(p, 2, rows, columns, x, y);
    else copy_rest(p, rows, columns, x, y);
}

/* By way of a block in cache, whose rows are then streamed. For each line of them one of the block
 * behind this one along y is asked for, which the processor would not foresee. */
static void stream_block(const plane *p, int64_t rows, int64_t columns, const char *x, char *y)
{
    _Alignas(16) char block[LINE * STREAM_ROW / 4];
    const int64_t row = columns * (int64_t)p->element;
    const char *next = x + columns * p->b.x;
    plane into = *p;
    into.a.y = row;
    copy_block(&into, rows, columns, x, block);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t at = 0; at < row; at += LINE, next += p->b.x) {
            __builtin_prefetch(next, 0, 1);
            gti_stream_aligned((size_t)at_most(row - at, LINE), block + i * row + at,
                               y + i * p->a.y + at);
        }
}

/* The same of elements of 16 bytes to a line: one by one, along y. */
static void stream_elements(const plane *p, int64_t rows, int64_t columns, const char *x, char *y)
{
    const int64_t size = (int64_t)p->element;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const char *const from = x + i * size + j * p->b.x;
            __builtin_prefetch(from + columns * p->b.x, 0, 1);
            gti_stream_aligned(p->element, from, y + i * p->a.y + j * size);
        }
}

typedef void block_copy(const plane *p, int64_t rows, int64_t columns, const char *x, char *y);

/* Whether y and all of its rows begin where blocks can be streamed to, those of large elements at
 * lines. */
static bool is_streamed_plane(const plane *p, const char *y)
{
    const int64_t size = (int64_t)p->element, at = size > 8 ? LINE : 16;
    return p->streamed && size >= 4 && (int64_t)((uintptr_t)y % LINE) % at == 0 && p->a.y % at == 0;
}

/* In blocks of a line's width in x, or of four elements. */
static void copy_plane(const plane *p, const char *x, char *y)
{
    const int64_t size = (int64_t)p->element, width = LINE / size > 4 ? LINE / size : 4;
    const bool streamed = is_streamed_plane(p, y);
    const int64_t height = size < 4 || size > 8 ? TILE : streamed ? STREAM_ROW / size : ROWS;
    for (int64_t j = 0; j < p->b.n; j += height) {
        const int64_t columns = at_most(p->b.n - j, height);
        const bool whole = streamed && columns * size % 16 == 0;
        block_copy *const copy = !whole ? copy_block : size > 8 ? stream_elements : stream_block;
        for (int64_t i = 0; i < p->a.n; i += width)
            copy(p, at_most(p->a.n - i, width), columns, x + i * p->a.x + j * p->b.x,
                 y + i * p->a.y + j * p->b.y);
    }
    if (streamed) gti_stream_end();
}

/* Of planes side by side, c of them, whose columns b are few and go on in y from one to the next:
 * by way of a block in cache, of pieces of x's rows, which have all of their columns there. */
static void copy_planes(const plane *p, const dimension *c, const char *x, char *y)
{
    char block[ROWS * LINE];
    const int64_t size = (int64_t)p->element, width = LINE / size, height = ROWS / p->b.n;
    for (int64_t k = 0; k < c->n; k += height)
        for (int64_t i = 0; i < p->a.n; i += width) {
            const int64_t planes = at_most(c->n - k, height), rows = at_most(p->a.n - i, width);
            const char *const from = x + k * c->x + i * p->a.x;
            for (int64_t j = 0; j < planes * p->b.n; j++)
                memcpy(block + j * LINE, from + j / p->b.n * c->x + j % p->b.n * p->b.x,
                       (size_t)(rows * size));
            const plane q = {.element = p->element,
                             .a = {rows, size, p->a.y},
                             .b = {planes * p->b.n, LINE, size}};
            copy_block(&q, rows, q.b.n, block, y + k * c->y + i * p->a.y);
        }
}

static int dimension_with(const layout *l, bool of_x, int64_t stride)
{
    for (int i = l->n - 1; i >= 0; i--)
        if ((of_x ? l->dim[i].x : l->dim[i].y) == stride) return i;
    return -1;
}

/* Steps the counters of the outer dimensions and with them x and y; false after the last. */
static bool advance(int outer, const dimension *dim, int64_t *at, const char **x, char **y)
{
    for (int i = outer - 1; i >= 0; i--) {
        *x += dim[i].x;
        *y += dim[i].y;
        if (++at[i] < dim[i].n) return true;
        *x -= dim[i].x * dim[i].n;
        *y -= dim[i].y * dim[i].n;
        at[i] = 0;
    }
    return false;
}

void gti_copy_strided(int ndim, const int64_t *dim, size_t element, const void *x_,
                      const int64_t *xstride, void *y_, const int64_t *ystride, int64_t whole)
{
    const char *x = x_;
    char *y = y_;
    for (int i = 0; i < ndim; i++)
        if (dim[i] == 0) return;
    layout l = simplify(ndim, dim, element, xstride, ystride);
    if (l.n == 0) {
        memcpy(y, x, element);
        return;
    }
    element = join_elements(&l, element);
    const int along_x = dimension_with(&l, true, (int64_t)element);
    const int along_y = dimension_with(&l, false, (int64_t)element);
    const bool streamed = gti_streams(whole);
    const bool repeated = (!streamed || gti_is_amd()) && is_repeated_row(element, &l, along_y);
    const bool crossed = along_x >= 0 && along_y >= 0 && along_x != along_y && !repeated;
    if (crossed) make_innermost(&l, along_x);
    if (along_y >= 0) make_innermost(&l, crossed && along_y > along_x ? along_y - 1 : along_y);
    const dimension *inner = &l.dim[l.n - 1];
    const bool few = crossed && (element == 4 || element == 8) && inner->n * inner->y < LINE;
    const int beside = few ? dimension_with(&l, false, inner->n * inner->y) : -1;
    const bool planes = beside >= 0 && beside < l.n - 2;
    if (planes) make_innermost(&l, beside);
    const int outer = l.n - (planes ? 3 : crossed ? 2 : 1);
    inner -= planes;
    plane p = {.element = element, .b = *inner, .streamed = streamed};
    if (crossed) p.a = inner[-1];
    const bool rows = streamed && is_long_row(element, inner);
    const int64_t step = outer > 0 ? l.dim[outer - 1].x : 0;
    const bool turned = streamed && !crossed && is_turned_row(element, inner);
    int64_t at[MAX_DIMS] = {0};
    do {
        if (planes) copy_planes(&p, &inner[1], x, y);
        else if (crossed) copy_plane(&p, x, y);
        else if (rows) stream_long_row((size_t)(inner->n * (int64_t)element), step, x, y);
        else if (turned) stream_turned_row(element, inner, x, y);
        else copy_row(element, inner, x, y);
    } while (advance(outer, l.dim, at, &x, &y));
    if (rows || turned) gti_stream_end();
}

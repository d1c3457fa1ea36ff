#include "kernels/pad.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/loop.h"

/* How many elements of x along an axis are not cut off. */
static int64_t kept(const gti_pad *p, int axis)
{
    const int64_t n = p->x[axis], before = p->before[axis], after = p->y[axis] - n - before;
    return n + (before < 0 ? before : 0) + (after < 0 ? after : 0);
}

int64_t gti_pad_source(const gti_pad *p, int axis, int64_t j)
{
    const int64_t n = p->x[axis], i = j - p->before[axis];
    if (i >= 0 && i < n) return i;
    switch (p->mode) {
    case GTI_PAD_CONSTANT: break;
    case GTI_PAD_REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
    case GTI_PAD_REPLICATE: return i < 0 ? 0 : n - 1;
    case GTI_PAD_CIRCULAR: return i < 0 ? i + kept(p, axis) : i - kept(p, axis);
    }
    return -1;
}

/* Neighbours in a row of y: those of x from element `from` on, `step` apart; from is -1 for the
 * constant. */
typedef struct {
    int64_t count, from, step;
} piece;

/* A copy under way; steps in bytes from one element of an axis to the next. Rows, the last axis,
 * are alike: what stands before x, x, and what stands behind. */
typedef struct {
    const gti_pad *p;
    size_t element;
    const void *value;
    size_t xstep[GTI_PAD_DIMS], ystep[GTI_PAD_DIMS];
    piece piece[3];
} padding;

/* Inlined with a constant size of an element. */
GTI_INLINE void fill_with(size_t size, const char *value, size_t bytes, char *y)
{
    for (size_t i = 0; i < bytes; i += size) memcpy(y + i, value, size);
}

static void fill(const padding *c, size_t bytes, char *y)
{
    if (c->element == 4) fill_with(4, c->value, bytes, y);
    else if (c->element == 8) fill_with(8, c->value, bytes, y);
    else memset(y, *(const unsigned char *)c->value, bytes);
}

/* Of half to all of 2 * half bytes, without a call: two halves that overlap. */
GTI_INLINE void copy_halves(size_t half, size_t bytes, const char *x, char *y)
{
    enum { PIECE = 16 };
    const size_t last = bytes - half;
    for (size_t i = 0; i < half; i += PIECE) memcpy(y + i, x + i, PIECE);
    for (size_t i = 0; i < half; i += PIECE) memcpy(y + last + i, x + last + i, PIECE);
}

/* memcpy, of what are mostly elements and short rows. */
static void copy_block(size_t bytes, const char *x, char *y)
{
    if (bytes == 4) memcpy(y, x, 4);
    else if (bytes == 8) memcpy(y, x, 8);
    else if (bytes < 32 || bytes > 128) memcpy(y, x, bytes);
    else if (bytes <= 64) copy_halves(32, bytes, x, y);
    else copy_halves(64, bytes, x, y);
}

/* How many elements of y from j on are the constant, j being one. */
static int64_t constants(const gti_pad *p, int axis, int64_t j)
{
    const int64_t begin = p->before[axis], end = begin + p->x[axis];
    return (j < begin && end > begin && begin < p->y[axis] ? begin : p->y[axis]) - j;
}

/* From j up to end along the last axis. */
static piece piece_of(const gti_pad *p, int64_t j, int64_t end, int64_t step)
{
    if (end <= j) return (piece){0, 0, 1};
    return (piece){end - j, gti_pad_source(p, p->ndim - 1, j), step};
}

static void cut_row(padding *c)
{
    static const int64_t steps[] = {[GTI_PAD_REFLECT] = -1, [GTI_PAD_CIRCULAR] = 1};
    const gti_pad *const p = c->p;
    const int axis = p->ndim - 1;
    const int64_t n = p->y[axis], begin = p->before[axis], end = begin + p->x[axis];
    const int64_t first = begin < 0 ? 0 : begin < n ? begin : n;
    const int64_t last = end < first ? first : end < n ? end : n;
    const int64_t step = steps[p->mode];
    c->piece[0] = piece_of(p, 0, first, step);
    c->piece[1] = piece_of(p, first, last, 1);
    c->piece[2] = piece_of(p, last, n, step);
}

static void pad_row(const padding *c, const char *x, char *y)
{
    const int64_t size = (int64_t)c->ystep[c->p->ndim - 1];
    for (int k = 0; k < 3; k++) {
        const piece *const r = &c->piece[k];
        if (r->from < 0) fill(c, (size_t)(r->count * size), y);
        else if (r->step == 1) copy_block((size_t)(r->count * size), x + r->from * size, y);
        else
            for (int64_t i = 0; i < r->count; i++)
                copy_block((size_t)size, x + (r->from + i * r->step) * size, y + i * size);
        y += r->count * size;
    }
}

/* A piece of words, each copied from where it comes. */
GTI_INLINE void copy_words(const piece *r, int64_t size, const char *x, const char *value, char *y)
{
    const bool constant = r->from < 0;
    const char *const from = constant ? value : x + r->from * size;
    const int64_t step = constant ? 0 : r->step * size;
    for (int64_t i = 0; i < r->count; i++) memcpy(y + i * size, from + i * step, (size_t)size);
}

/* Rows of x, one below the other, that are words with few others around them. */
GTI_INLINE void pad_rows_of_words(const padding *c, int64_t size, int64_t rows, const char *x,
                                  size_t xstep, char *y, size_t ystep)
{
    const piece before = c->piece[0], inside = c->piece[1], after = c->piece[2];
    const size_t bytes = (size_t)(inside.count * size);
    for (; rows > 0; rows--, x += xstep, y += ystep) {
        char *const to = y + before.count * size;
        copy_words(&before, size, x, c->value, y);
        if (bytes > 0) copy_block(bytes, x + inside.from * size, to);
        copy_words(&after, size, x, c->value, to + bytes);
    }
}

static void pad_rows(const padding *c, int64_t rows, const char *x, size_t xstep, char *y,
                     size_t ystep)
{
    enum { FEW = 8 };
    const size_t size = c->ystep[c->p->ndim - 1];
    const bool words = size == c->element && c->piece[0].count + c->piece[2].count <= FEW;
    if (words && size == 4) pad_rows_of_words(c, 4, rows, x, xstep, y, ystep);
    else if (words && size == 8) pad_rows_of_words(c, 8, rows, x, xstep, y, ystep);
    else
        for (; rows > 0; rows--, x += xstep, y += ystep) pad_row(c, x, y);
}

/* Writes y from axis `axis` inwards. */
static void pad_axis(const padding *c, int axis, const char *x, char *y)
{
    const gti_pad *p = c->p;
    const size_t xstep = c->xstep[axis], ystep = c->ystep[axis];
    const bool of_rows = axis == p->ndim - 2;
    if (axis == p->ndim - 1) {
        pad_row(c, x, y);
        return;
    }
    for (int64_t j = 0, count; j < p->y[axis]; j += count, y += (size_t)count * ystep) {
        const int64_t from = gti_pad_source(p, axis, j);
        const char *const at = x + (size_t)(from < 0 ? 0 : from) * xstep;
        count = from < 0 ? constants(p, axis, j) : 1;
        if (of_rows && from >= 0 && from == j - p->before[axis]) count = gti_pad_inside(p, axis, j);
        if (from < 0) fill(c, (size_t)count * ystep, y);
        else if (of_rows) pad_rows(c, count, at, xstep, y, ystep);
        else pad_axis(c, axis + 1, at, y);
    }
}

void gti_pad_copy(const gti_pad *p, size_t element, const void *x, const void *value, void *y)
{
    padding c = {.p = p, .element = element, .value = value};
    size_t xstep = (size_t)p->inner * element, ystep = xstep;
    if (p->ndim == 0) memcpy(y, x, xstep);
    for (int a = p->ndim - 1; a >= 0; a--) {
        c.xstep[a] = xstep;
        c.ystep[a] = ystep;
        xstep *= (size_t)p->x[a];
        ystep *= (size_t)p->y[a];
    }
    if (p->ndim == 0) return;
    cut_row(&c);
    pad_axis(&c, 0, x, y);
}

#include "kernels/pad.h"

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

/* Of half to all of 2 * half bytes, without a call: two pieces that overlap. */
GTI_INLINE void copy_halves(size_t half, size_t bytes, const char *x, char *y)
{
    char first[64], last[64];
    memcpy(first, x, half);
    memcpy(last, x + bytes - half, half);
    memcpy(y, first, half);
    memcpy(y + bytes - half, last, half);
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

/* Writes y from axis `axis` inwards. */
static void pad_axis(const padding *c, int axis, const char *x, char *y)
{
    const gti_pad *p = c->p;
    const size_t xstep = c->xstep[axis], ystep = c->ystep[axis];
    if (axis == p->ndim - 1) {
        pad_row(c, x, y);
        return;
    }
    for (int64_t j = 0, count; j < p->y[axis]; j += count, y += (size_t)count * ystep) {
        const int64_t from = gti_pad_source(p, axis, j);
        count = from < 0 ? constants(p, axis, j) : 1;
        if (from < 0) fill(c, (size_t)count * ystep, y);
        else pad_axis(c, axis + 1, x + (size_t)from * xstep, y);
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

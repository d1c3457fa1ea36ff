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

/* A copy under way; steps in bytes from one element of an axis to the next. */
typedef struct {
    const gti_pad *p;
    size_t element;
    const void *value;
    size_t xstep[GTI_PAD_DIMS], ystep[GTI_PAD_DIMS];
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

/* Writes y from axis `axis` inwards; on the last axis what lies within x is one block. */
static void pad_axis(const padding *c, int axis, const char *x, char *y)
{
    const gti_pad *p = c->p;
    const size_t xstep = c->xstep[axis], ystep = c->ystep[axis];
    for (int64_t j = 0, count; j < p->y[axis]; j += count, y += (size_t)count * ystep) {
        const int64_t from = gti_pad_source(p, axis, j);
        count = 1;
        if (from < 0) {
            count = constants(p, axis, j);
            fill(c, (size_t)count * ystep, y);
        } else if (axis < p->ndim - 1) {
            pad_axis(c, axis + 1, x + (size_t)from * xstep, y);
        } else {
            if (from == j - p->before[axis]) count = gti_pad_inside(p, axis, j);
            copy_block((size_t)count * ystep, x + (size_t)from * xstep, y);
        }
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
    if (p->ndim > 0) pad_axis(&c, 0, x, y);
}

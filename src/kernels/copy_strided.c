#include <string.h>

#include "kernels/kernels.h"

#define GTI_INLINE static inline __attribute__((always_inline))

enum { MAX_DIMS = 8, TILE = 16, LONG_ROW = 64 };

/* One dimension: its length and the distance between elements in x and in y, in bytes. */
typedef struct {
    int64_t n, x, y;
} dimension;

/* The dimensions left to copy, the last the innermost. */
typedef struct {
    int n;
    dimension dim[MAX_DIMS];
} layout;

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

/* Copies n elements; inlined with a constant size each memcpy is one load and one store. */
GTI_INLINE void copy_elements(size_t size, int64_t n, const char *restrict x, int64_t dx,
                              char *restrict y, int64_t dy)
{
    for (int64_t i = 0; i < n; i++) memcpy(y + i * dy, x + i * dx, size);
}

/* Inlined with a constant size: the common steps become loops of their own. */
GTI_INLINE void copy_line(size_t element, const dimension *d, const char *x, char *y)
{
    const int64_t size = (int64_t)element;
    if (d->y != size) copy_elements(element, d->n, x, d->x, y, d->y);
    else if (d->x == size) copy_elements(element, d->n, x, size, y, size);
    else if (d->x == 0) copy_elements(element, d->n, x, 0, y, size);
    else copy_elements(element, d->n, x, d->x, y, size);
}

static void copy_row(size_t element, const dimension *d, const char *x, char *y)
{
    const int64_t size = (int64_t)element;
    if (d->x == size && d->y == size && d->n * size >= LONG_ROW)
        memcpy(y, x, (size_t)(d->n * size));
    else if (size == 4) copy_line(4, d, x, y);
    else if (size == 8) copy_line(8, d, x, y);
    else copy_line(1, d, x, y);
}

/* Copies the plane a x b in squares of TILE: x runs along one of the two, y along the other, and a
 * square of both stays in cache. */
static void copy_tiled(size_t element, const dimension *a, const dimension *b, const char *x,
                       char *y)
{
    for (int64_t i = 0; i < a->n; i += TILE)
        for (int64_t j = 0; j < b->n; j += TILE) {
            const int64_t rows = a->n - i < TILE ? a->n - i : TILE;
            const dimension row = {b->n - j < TILE ? b->n - j : TILE, b->x, b->y};
            for (int64_t r = i; r < i + rows; r++)
                copy_row(element, &row, x + r * a->x + j * b->x, y + r * a->y + j * b->y);
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
                      const int64_t *xstride, void *y_, const int64_t *ystride)
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
    const int along_x = dimension_with(&l, true, (int64_t)element);
    const int along_y = dimension_with(&l, false, (int64_t)element);
    const bool tiled = along_x >= 0 && along_y >= 0 && along_x != along_y;
    if (tiled) make_innermost(&l, along_x);
    if (along_y >= 0) make_innermost(&l, tiled && along_y > along_x ? along_y - 1 : along_y);
    const int outer = l.n - (tiled ? 2 : 1);
    const dimension *const inner = &l.dim[l.n - 1];
    int64_t at[MAX_DIMS] = {0};
    do {
        if (tiled) copy_tiled(element, inner - 1, inner, x, y);
        else copy_row(element, inner, x, y);
    } while (advance(outer, l.dim, at, &x, &y));
}

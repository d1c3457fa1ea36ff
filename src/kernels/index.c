#include "kernels/index.h"

#include <string.h>

#include "kernels/loop.h"

/* What is outside has its sign bit set, or n - 1 less it has: so vectors without comparisons of 64
 * bits will do. */
bool gti_index_any_outside(int64_t count, const int64_t *index, int64_t n)
{
    const uint64_t last = (uint64_t)n - 1;
    uint64_t outside = 0;
    for (int64_t i = 0; i < count; i++) outside |= (uint64_t)index[i] | (last - (uint64_t)index[i]);
    return count > 0 && (n <= 0 || outside >> 63);
}

/* Element (or row) i of x, of n that are `step` bytes apart. */
GTI_INLINE void fetch(size_t size, int64_t i, int64_t n, int64_t step, const char *x, char *y)
{
    if ((uint64_t)i < (uint64_t)n) memcpy(y, x + i * step, size);
    else memset(y, 0xff, size);
}

/* The same without a branch, for what fits into a word and n > 0. */
GTI_INLINE void fetch_word(size_t size, int64_t i, int64_t n, int64_t step, const char *x, char *y)
{
    const bool inside = (uint64_t)i < (uint64_t)n;
    uint64_t word = 0;
    memcpy(&word, x + (inside ? i : 0) * step, size);
    word |= inside ? 0 : ~UINT64_C(0);
    memcpy(y, &word, size);
}

/* Inlined with a constant number of bytes a row where that is small. */
GTI_INLINE void select_rows(const gti_indexed *g, size_t row, const char *x, const int64_t *index,
                            char *y)
{
    const int64_t step = (int64_t)row;
    for (int64_t o = 0; o < g->outer; o++, x += g->n * step)
        for (int64_t j = 0; j < g->k; j++, y += step)
            if (row <= sizeof(uint64_t)) fetch_word(row, index[j], g->n, step, x, y);
            else fetch(row, index[j], g->n, step, x, y);
}

void gti_index_select(const gti_indexed *g, size_t element, const void *x, const int64_t *index,
                      void *y)
{
    const size_t row = (size_t)g->inner * element;
    if (g->n == 0) memset(y, 0xff, (size_t)(g->outer * g->k) * row);
    else if (row == 1) select_rows(g, 1, x, index, y);
    else if (row == 4) select_rows(g, 4, x, index, y);
    else if (row == 8) select_rows(g, 8, x, index, y);
    else select_rows(g, row, x, index, y);
}

/* Without a look at each index where all are inside. */
GTI_INLINE void gather_elements(const gti_gather *g, size_t size, const char *x,
                                const int64_t *index, char *y)
{
    const int64_t element = (int64_t)size, step = g->step * element, along = g->along * element;
    const int64_t k = g->k;
    const bool inside = !gti_index_any_outside(k, index, g->n);
    for (int64_t j = 0; inside && j < k; j++)
        memcpy(y + j * element, x + index[j] * step + j * along, size);
    for (int64_t j = 0; !inside && j < k; j++)
        fetch_word(size, index[j], g->n, step, x + j * along, y + j * element);
}

void gti_index_gather_row(const gti_gather *g, size_t element, const void *x, const int64_t *index,
                          void *y)
{
    if (g->n == 0) memset(y, 0xff, (size_t)g->k * element);
    else if (element == 4) gather_elements(g, 4, x, index, y);
    else if (element == 8) gather_elements(g, 8, x, index, y);
    else gather_elements(g, 1, x, index, y);
}

GTI_INLINE void put_elements(const gti_gather *g, size_t size, const char *src,
                             const int64_t *index, char *y)
{
    const int64_t element = (int64_t)size, step = g->step * element, along = g->along * element;
    for (int64_t j = 0; j < g->k; j++)
        if ((uint64_t)index[j] < (uint64_t)g->n)
            memcpy(y + index[j] * step + j * along, src + j * element, size);
}

void gti_index_put_row(const gti_gather *g, size_t element, const void *src, const int64_t *index,
                       void *y)
{
    if (element == 4) put_elements(g, 4, src, index, y);
    else if (element == 8) put_elements(g, 8, src, index, y);
    else put_elements(g, 1, src, index, y);
}

size_t gti_index_add_scratch(const gti_indexed *g)
{
    if (gti_index_adds_sparsely(g)) return (size_t)(2 * g->k) * sizeof(int64_t);
    if (gti_index_adds_by_column(g)) return (size_t)(g->n * g->inner) * sizeof(double);
    return (size_t)(g->n + 1 + g->k) * sizeof(int64_t);
}

void gti_index_count(int64_t n, int64_t *y)
{
    for (int64_t i = 0; i < n; i++) y[i]++;
}

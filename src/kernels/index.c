#include "kernels/index.h"

#include <string.h>

#include "kernels/loop.h"
#include "kernels/stream.h"

/* Bytes: of what is gathered in cache before it is streamed, and of rows that are worth it. */
enum { STREAM_BLOCK = 1 << 9, STREAM_ROW = 1 << 8 };

/* Its sign bit is set where one is outside: what is has its sign bit set, or n - 1 less it has. So
 * vectors without comparisons of 64 bits will do. */
GTI_INLINE uint64_t outside_of(int64_t count, const int64_t *index, uint64_t last)
{
    uint64_t outside = 0;
#ifndef __clang__ /* which does so by itself */
#pragma GCC unroll 4
#endif
    for (int64_t i = 0; i < count; i++) outside |= (uint64_t)index[i] | (last - (uint64_t)index[i]);
    return outside;
}

bool gti_index_any_outside(int64_t count, const int64_t *index, int64_t n)
{
    enum { BLOCK = 64, MANY = 1 << 20 }; /* which are not in the caches */
    const uint64_t last = (uint64_t)n - 1;
    const bool ahead = count >= MANY;
    const int64_t given = count;
    uint64_t outside = 0;
    for (; ahead && count >= BLOCK; count -= BLOCK, index += BLOCK) {
        gti_read_on(index, BLOCK * sizeof *index);
        outside |= outside_of(BLOCK, index, last);
    }
    outside |= outside_of(count, index, last);
    return given > 0 && (n <= 0 || outside >> 63);
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

/* Slices of an array that is streamed. */
static void stream_slices(const gti_indexed *g, size_t slice, const char *x, const int64_t *index,
                          char *y)
{
    const int64_t step = (int64_t)slice, ahead = gti_stream_rows_ahead(slice);
    for (int64_t j = 0; j < g->k; j++, y += step) {
        const int64_t i = index[j], later = index[j + ahead < g->k ? j + ahead : j];
        const int64_t next = (uint64_t)later < (uint64_t)g->n ? later : i;
        if ((uint64_t)i < (uint64_t)g->n) gti_stream_row(slice, x + i * step, x + next * step, y);
        else fetch(slice, i, g->n, step, x, y);
    }
}

/* Without a look at each index where all are inside. */
GTI_INLINE void gather_elements(const gti_gather *g, size_t size, bool inside, const char *x,
                                const int64_t *index, char *y)
{
    const int64_t element = (int64_t)size, step = g->step * element, along = g->along * element;
    const int64_t k = g->k;
#ifndef __clang__ /* which does so by itself */
#pragma GCC unroll 8
#endif
    for (int64_t j = 0; inside && j < k; j++)
        memcpy(y + j * element, x + index[j] * step + j * along, size);
    for (int64_t j = 0; !inside && j < k; j++)
        fetch_word(size, index[j], g->n, step, x + j * along, y + j * element);
}

GTI_INLINE void gather_sized(const gti_gather *g, size_t element, bool inside, const char *x,
                             const int64_t *index, char *y)
{
    if (element == 4) gather_elements(g, 4, inside, x, index, y);
    else if (element == 8) gather_elements(g, 8, inside, x, index, y);
    else gather_elements(g, 1, inside, x, index, y);
}

/* Rows that are gathered along themselves have loops of their own, without products. */
static void gather(const gti_gather *g, size_t element, bool inside, const char *x,
                   const int64_t *index, char *y)
{
    const gti_gather row = {.k = g->k, .n = g->n, .step = 1};
    if (g->n == 0) memset(y, 0xff, (size_t)g->k * element);
    else if (g->step == 1 && g->along == 0) gather_sized(&row, element, inside, x, index, y);
    else gather_sized(g, element, inside, x, index, y);
}

/* By way of a block in cache. */
static void gather_past_caches(const gti_gather *g, size_t element, bool inside, const char *x,
                               const int64_t *index, char *y)
{
    _Alignas(64) char block[STREAM_BLOCK];
    const int64_t most = STREAM_BLOCK / (int64_t)element;
    gti_gather part = *g;
    for (int64_t j = 0; j < g->k; j += part.k) {
        part.k = g->k - j < most ? g->k - j : most;
        gti_read_on(index + j, (size_t)part.k * sizeof *index);
        gather(&part, element, inside, x + j * g->along * (int64_t)element, index + j, block);
        gti_stream((size_t)part.k * element, block, y + j * (int64_t)element);
    }
}

/* Asks for rows behind this one where most of their lines will be read, but in no order that the
 * processor would see. */
static void ask_for_row(const gti_gather *g, size_t element, const char *x)
{
    if (g->step == 1 && g->along == 0 && g->k >= g->n / 8)
        gti_read_ahead(x, (size_t)g->n * element);
}

static bool is_streamed_row(int64_t k, size_t element, int64_t whole)
{
    return gti_streams(whole) && k * (int64_t)element >= STREAM_ROW;
}

bool gti_index_gather_row(const gti_gather *g, size_t element, const void *x, const int64_t *index,
                          void *y, int64_t whole)
{
    enum { PIECE = 1 << 10 }; /* indices that stay in the first cache until they are used */
    const int64_t size = (int64_t)element;
    const bool streamed = is_streamed_row(g->k, element, whole);
    bool all = true;
    gti_gather part = *g;
    if (streamed) ask_for_row(g, element, x);
    for (int64_t j = 0; j < g->k; j += part.k) {
        part.k = g->k - j < PIECE ? g->k - j : PIECE;
        const bool inside = !gti_index_any_outside(part.k, index + j, g->n);
        (streamed ? gather_past_caches : gather)(&part, element, inside,
                                                 (const char *)x + j * g->along * size, index + j,
                                                 (char *)y + j * size);
        all &= inside;
    }
    return all;
}

/* Of slices that are elements: rows that are gathered by one index. */
static void select_elements(const gti_indexed *g, size_t element, const char *x,
                            const int64_t *index, char *y, int64_t whole)
{
    const gti_gather row = {.k = g->k, .n = g->n, .step = 1};
    const bool inside = !gti_index_any_outside(g->k, index, g->n);
    const bool streamed = is_streamed_row(g->k, element, whole);
    const int64_t xstep = g->n * (int64_t)element, ystep = g->k * (int64_t)element;
    for (int64_t o = 0; o < g->outer; o++, x += xstep, y += ystep) {
        if (streamed) ask_for_row(&row, element, x);
        (streamed ? gather_past_caches : gather)(&row, element, inside, x, index, y);
    }
}

static void select_slices(const gti_indexed *g, size_t slice, const char *x, const int64_t *index,
                          char *y, int64_t whole)
{
    const int64_t step = (int64_t)slice;
    const bool streamed = is_streamed_row(1, slice, whole);
    for (int64_t o = 0; o < g->outer; o++, x += g->n * step, y += g->k * step) {
        if (streamed) stream_slices(g, slice, x, index, y);
        else
            for (int64_t j = 0; j < g->k; j++) fetch(slice, index[j], g->n, step, x, y + j * step);
    }
}

void gti_index_select(const gti_indexed *g, size_t element, const void *x, const int64_t *index,
                      void *y, int64_t whole)
{
    const size_t slice = (size_t)g->inner * element;
    const bool word = slice == 1 || slice == 4 || slice == 8;
    (word ? select_elements : select_slices)(g, slice, x, index, y, whole);
    gti_stream_end();
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

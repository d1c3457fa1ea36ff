/* Kernels that move elements by index, and the sums that are their gradients.
 *
 * Indices are checked by a kernel or before it sees them, but then a recorded call may be run again
 * on others: what an index outside 0..n-1 reads has all bytes 0xff (NaN where elements are
 * floating), and what it would add is left out. */
#ifndef GTI_KERNELS_INDEX_H
#define GTI_KERNELS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether one of count indices is outside 0..n-1. */
bool gti_index_any_outside(int64_t count, const int64_t *index, int64_t n);

/* x [outer,n,inner], index [k], y [outer,k,inner]; y[o,j,i] belongs to x[o,index[j],i]. */
typedef struct {
    int64_t outer, n, k, inner;
    bool into; /* sums are added to what x is */
} gti_indexed;

/* y[o,j,i] = x[o,index[j],i]; element is 1, 4 or 8 bytes, y part of an array of `whole` bytes. */
void gti_index_select(const gti_indexed *g, size_t element, const void *x, const int64_t *index,
                      void *y, int64_t whole);

/* One row of a gather: element j of the row, j < k, belongs to x[index[j] * step + j * along],
 * where 0 <= index[j] < n. Steps are in elements. */
typedef struct {
    int64_t k, n, step, along;
} gti_gather;

/* y[j] = x[index[j] * step + j * along]; element is 1, 4 or 8 bytes, y part of an array of `whole`
 * bytes. After the last row gti_stream_end (stream.h). Returns whether all indices were inside. */
bool gti_index_gather_row(const gti_gather *g, size_t element, const void *x, const int64_t *index,
                          void *y, int64_t whole);

/* y[index[j] * step + j * along] = src[j], in the order of j; element is 1, 4 or 8 bytes. */
void gti_index_put_row(const gti_gather *g, size_t element, const void *src, const int64_t *index,
                       void *y);

/* y[i] += 1 */
void gti_index_count(int64_t n, int64_t *y);

/* Whether so little is added to x that only its places are looked at. */
static inline bool gti_index_adds_sparsely(const gti_indexed *g)
{
    return g->into && g->k < g->n / 8;
}

/* Whether sums of all x are kept, instead of sorting the index: slices are narrow, or the sums stay
 * in the second cache and y is read in order. */
static inline bool gti_index_adds_by_column(const gti_indexed *g)
{
    enum { NARROW = 16, SUMS = 1 << 16 };
    return g->inner < NARROW || (g->n <= g->k / 8 && g->n <= SUMS / g->inner);
}

/* Bytes of scratch of index_add. */
size_t gti_index_add_scratch(const gti_indexed *g);

typedef struct {
    /* x[o,m,i] = the sum of y[o,j,i] over all j with index[j] = m, in double precision, rounded
     * once; 0 where there are none. Or x[o,m,i] grows by it (g->into). Scratch is as
     * gti_index_add_scratch says. */
    void (*add)(const gti_indexed *g, const void *y, const int64_t *index, void *x, void *scratch);
    /* x[index[j] * step + j * along] += y[j], in the order of j; whether all were inside */
    bool (*scatter_row)(const gti_gather *g, const void *y, const int64_t *index, double *x);
    /* y[i] = x[i], rounded */
    void (*round)(int64_t n, const double *x, void *y);
} gti_index_kernels;

#endif

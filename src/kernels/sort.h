/* Numbers in order, with the places where they were. */
#ifndef GTI_KERNELS_SORT_H
#define GTI_KERNELS_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number as a key, and its place. */
typedef struct {
    uint64_t key;
    int64_t place;
} gti_sorting;

/* s[i] is of x[i * step], i < n: keys are in the order of the numbers, NaN beyond all and -0 as 0;
 * in the opposite order when descending. dtype is of the order of gt_dtype. */
void gti_sort_keys(int dtype, int64_t n, const void *x, int64_t step, bool descending,
                   gti_sorting *s);

/* Puts s[0..n) in order, equal keys in that of their places; `spare` has room for n. Returns where
 * they are now, s or spare. */
gti_sorting *gti_sort(int64_t n, gti_sorting *s, gti_sorting *spare);

/* Puts the first k of that order into s[0..k), k <= n. */
void gti_sort_first(int64_t n, int64_t k, gti_sorting *s);

/* y[j * step] = x[s[j].place * step] and index[j * step] = s[j].place, j < k; an element is of 1, 4
 * or 8 bytes. */
void gti_sort_write(size_t element, int64_t k, int64_t step, const gti_sorting *s, const void *x,
                    void *y, int64_t *index);

#endif

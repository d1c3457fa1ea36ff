/* Checked sizes: every product and sum that can come from a user goes through here. */
#ifndef GTI_BASE_SIZE_H
#define GTI_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each stores the exact result and returns true, or returns false on overflow. */
static inline bool gti_size_mul(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

static inline bool gti_size_add(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

bool gti_size_of_shape_slow_(int n, const int64_t *dim, size_t element, int64_t *elements,
                             int64_t *bytes);

/* The product of n dimensions, none negative, times the size of an element; both the number of
 * elements and the number of bytes must fit in int64_t. */
static inline bool gti_size_of_shape(int n, const int64_t *dim, size_t element, int64_t *elements,
                                     int64_t *bytes)
{
    int64_t product = 1;
    bool odd = false;
    for (int i = 0; i < n; i++)
        odd |= __builtin_mul_overflow(product, dim[i], &product) | (dim[i] <= 0);
    odd |= __builtin_mul_overflow(product, (int64_t)element, bytes);
    *elements = product;
    return !odd || gti_size_of_shape_slow_(n, dim, element, elements, bytes);
}

#endif

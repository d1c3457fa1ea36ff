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
 * elements and the number of bytes must fit in int64_t. Six dimensions below 2^10, of elements of
 * at most 8 bytes, always do. */
static inline bool gti_size_of_shape(int n, const int64_t *dim, size_t element, int64_t *elements,
                                     int64_t *bytes)
{
    uint64_t product = 1, bits = 0;
    for (int i = 0; i < n; i++) {
        product *= (uint64_t)dim[i];
        bits |= (uint64_t)dim[i];
    }
    if (bits >= 1 << 10 || n > 6 || element > 8)
        return gti_size_of_shape_slow_(n, dim, element, elements, bytes);
    *elements = (int64_t)product;
    *bytes = (int64_t)(product * element);
    return true;
}

#endif

/* Squares of elements of 4 and 8 bytes, transposed in 16-byte vectors, and vectors turned round. */
#ifndef GTI_KERNELS_TRANSPOSE_H
#define GTI_KERNELS_TRANSPOSE_H

#include <stdint.h>

#include "kernels/loop.h"

typedef uint32_t gti_four __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t gti_two __attribute__((vector_size(16), aligned(1), may_alias));

/* Row r of y is column r of x; rows are `dx` and `dy` bytes apart. */
GTI_INLINE void gti_transpose_4x4(const char *x, int64_t dx, char *y, int64_t dy)
{
    const gti_four r0 = *(const gti_four *)x, r1 = *(const gti_four *)(x + dx);
    const gti_four r2 = *(const gti_four *)(x + 2 * dx), r3 = *(const gti_four *)(x + 3 * dx);
    const gti_four a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
    const gti_four b = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const gti_four c = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    const gti_four d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    *(gti_four *)y = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    *(gti_four *)(y + dy) = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    *(gti_four *)(y + 2 * dy) = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    *(gti_four *)(y + 3 * dy) = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

GTI_INLINE void gti_transpose_2x2(const char *x, int64_t dx, char *y, int64_t dy)
{
    const gti_two r0 = *(const gti_two *)x, r1 = *(const gti_two *)(x + dx);
    *(gti_two *)y = __builtin_shufflevector(r0, r1, 0, 2);
    *(gti_two *)(y + dy) = __builtin_shufflevector(r0, r1, 1, 3);
}

/* 16 bytes of elements of `size` bytes, the last one first. */
GTI_INLINE void gti_turn_round(size_t size, const char *x, char *y)
{
    const gti_four four = *(const gti_four *)x;
    *(gti_four *)y = size == 4 ? __builtin_shufflevector(four, four, 3, 2, 1, 0)
                               : __builtin_shufflevector(four, four, 2, 3, 0, 1);
}

#endif

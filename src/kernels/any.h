/* Kernels for all four dtypes: comparing, selecting, converting. Those of f32 and f64 are part of
 * their tables of kernels.h and have levels; those of i64 and u8 stand in any.c. */
#ifndef GTI_KERNELS_ANY_H
#define GTI_KERNELS_ANY_H

#include <stdint.h>

enum { GTI_N_ANY = 4 };

/* Conditions by name; the formulas are in compare.def. */
typedef enum {
#define GTI_COMPARE(name, condition) GTI_COMPARE_##name,
#include "kernels/compare.def"
#undef GTI_COMPARE
    GTI_N_COMPARE
} gti_compare;

typedef struct {
    /* y[i] = 1 where the condition holds for a[i * sa] and b[i * sb], else 0; i < n. Strides are 0
     * or 1. */
    void (*compare[GTI_N_COMPARE])(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                                   uint8_t *y);
    /* y[i] = a[i * sa] where cond[i * sc] is not 0, else b[i * sb] */
    void (*select)(int64_t n, const uint8_t *cond, int64_t sc, const void *a, int64_t sa,
                   const void *b, int64_t sb, void *y);
    /* y[i] = x[i] in the dtype that the entry stands for: floating ones rounded to nearest; whole
     * ones towards 0, then moved to the nearest that the dtype has, NaN to 0. */
    void (*convert[GTI_N_ANY])(int64_t n, const void *x, void *y);
} gti_any_kernels;

/* In the order of gt_dtype: f32, f64, i64, u8. */
const gti_any_kernels *gti_any_kernels_of(int dtype);

#endif

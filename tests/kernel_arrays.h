/* Arrays for the tests of kernels: random inputs, outputs that start as signalling NaN, all between
 * guard bytes that show a write out of bounds; and the walk over levels and dtypes. */
#ifndef GT_TESTS_KERNEL_ARRAYS_H
#define GT_TESTS_KERNEL_ARRAYS_H

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "kernels/levels.h"

enum { F32, F64, N_DTYPES };
enum { GUARD = 128 };

/* n elements of a dtype, 64-byte aligned, between guards */
typedef struct {
    int dtype;
    int64_t n;
    size_t bytes;
    unsigned char *block, *data;
} array;

static uint32_t random_state = 1;

static inline uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static inline int64_t random_below(int64_t n)
{
    return (int64_t)next_random() % n;
}

static inline array new_array(int dtype, int64_t n)
{
    array a = {.dtype = dtype, .n = n, .bytes = (size_t)n * (dtype == F32 ? 4 : 8)};
    a.block = malloc(a.bytes + 2 * GUARD + 64);
    assert_non_null(a.block);
    memset(a.block, 0xA5, a.bytes + 2 * GUARD + 64);
    a.data = a.block + GUARD + (64 - (uintptr_t)a.block % 64) % 64;
    return a;
}

/* An output: signalling NaN in every element. */
static inline array new_output(int dtype, int64_t n)
{
    static const uint32_t nan32 = 0x7fa12345;
    static const uint64_t nan64 = 0x7ff4123456789abc;
    array a = new_array(dtype, n);
    for (int64_t i = 0; i < n; i++)
        if (dtype == F32) memcpy(a.data + i * 4, &nan32, 4);
        else memcpy(a.data + i * 8, &nan64, 8);
    return a;
}

static inline double get(const array *a, int64_t i)
{
    return a->dtype == F32 ? (double)((const float *)(const void *)a->data)[i]
                           : ((const double *)(const void *)a->data)[i];
}

static inline void set(const array *a, int64_t i, double value)
{
    if (a->dtype == F32) ((float *)(void *)a->data)[i] = (float)value;
    else ((double *)(void *)a->data)[i] = value;
}

/* An input: random values in [-1, 1], none near 0. */
static inline array new_input(int dtype, int64_t n)
{
    const array a = new_array(dtype, n);
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)next_random() / (1 << 24) * 1.75 - 0.875;
        set(&a, i, v < 0 ? v - 0.125 : v + 0.125);
    }
    return a;
}

static inline array copy_of(const array *a)
{
    const array b = new_array(a->dtype, a->n);
    memcpy(b.data, a->data, a->bytes);
    return b;
}

static inline void check_guards(const array *a)
{
    for (int i = 0; i < GUARD / 2; i++) {
        assert_int_equal(a->data[-1 - i], 0xA5);
        assert_int_equal(a->data[a->bytes + (size_t)i], 0xA5);
    }
}

static inline void free_array(const array *a)
{
    check_guards(a);
    free(a->block);
}

static inline long double epsilon(int dtype)
{
    return dtype == F32 ? FLT_EPSILON : DBL_EPSILON;
}

static inline void check_near(const array *y, int64_t i, long double want, long double bound)
{
    const long double got = get(y, i);
    if (isnan(want) && isnan(got)) return;
    if (!(fabsl(got - want) <= bound))
        fail_msg("element %lld of %lld (f%d): %.17Lg, not %.17Lg within %.3Lg", (long long)i,
                 (long long)y->n, y->dtype == F32 ? 32 : 64, got, want, bound);
}

/* Calls test(table, dtype) at each level that this machine has, for each dtype. */
static inline void for_each_table(void (*test)(const gti_kernels *k, int dtype))
{
    for (int c = 0; gti_kernels_cpu_word(c); c++)
        for (int b = 0; gti_kernels_blas_word(b); b++) {
            assert_true(gti_kernels_choose(gti_kernels_cpu_word(c), gti_kernels_blas_word(b)));
            for (int dtype = 0; dtype < N_DTYPES; dtype++) test(gti_kernels_of(dtype), dtype);
        }
}

/* The cmocka test of test_NAME_of(table, dtype). */
#define TEST_OF_TABLES(name)                                                                       \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        for_each_table(test_##name##_of);                                                          \
    }

#endif

#ifdef __clang__ /* before the headers: a condition in compare.def may well not vectorise */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#include "kernels/any.h"

#include "kernels/loop.h"

/* The largest of either are no i64: 2^63 is the first number above. */
#define FLOATING_TO_I64(x)                                                                         \
    ((x) >= 0x1p63f ? INT64_MAX : (x) < -0x1p63f ? INT64_MIN : (x) == (x) ? (int64_t)(x) : 0)

#define T float
#define NAME(x) f32_##x
#define TO_I64 FLOATING_TO_I64
#include "kernels/any.inc"

#define T double
#define NAME(x) f64_##x
#define TO_I64 FLOATING_TO_I64
#include "kernels/any.inc"

#define T int64_t
#define NAME(x) i64_##x
#define TO_I64(x) (x)
#include "kernels/any.inc"

#define T uint8_t
#define NAME(x) u8_##x
#define TO_I64(x) (x)
#include "kernels/any.inc"

const gti_any_kernels *gti_any_kernels_of(int dtype)
{
    static const gti_any_kernels *const table[GTI_N_ANY] = {&f32_table, &f64_table, &i64_table,
                                                            &u8_table};
    return table[dtype];
}

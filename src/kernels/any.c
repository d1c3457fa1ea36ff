#ifdef __clang__ /* before the headers: a condition in compare.def may well not vectorise */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#include "kernels/kernels.h"
#include "kernels/loop.h"

#define TO_I64(x) (x)

#define T int64_t
#define NAME(x) i64_##x
#include "kernels/any.inc"
static const gti_any_kernels i64_table = {
#include "kernels/any_table.inc"
};
#undef T
#undef NAME

#define T uint8_t
#define NAME(x) u8_##x
#include "kernels/any.inc"
static const gti_any_kernels u8_table = {
#include "kernels/any_table.inc"
};

const gti_any_kernels *gti_any_kernels_of(int dtype)
{
    switch (dtype) {
    case 2: return &i64_table;
    case 3: return &u8_table;
    default: return &gti_kernels_of(dtype)->any;
    }
}

/* What the loops of the kernels ask of the compiler. */
#ifndef GTI_KERNELS_LOOP_H
#define GTI_KERNELS_LOOP_H

#include <stdbool.h>
#include <stddef.h>

/* For helpers that become several loops, one for each constant they are called with. */
#define GTI_INLINE static inline __attribute__((always_inline))

/* For what keeps all registers busy, and would find none left among a caller's. */
#define GTI_APART static __attribute__((noinline))

/* The compiler forgets where a pointer points, and makes no call of memcpy of a short loop. */
#define GTI_OPAQUE(pointer) __asm__("" : "+r"(pointer))

/* An output is one of the inputs or apart from them, never shifted: iterations are independent. */
#ifdef __clang__
#define GTI_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define GTI_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* A loop over one vector's lanes stays a loop until vectors are made of loops: gcc unrolls it
 * before, and makes none of what is left. */
#ifdef __clang__
#define GTI_NOT_UNROLLED
#else
#define GTI_NOT_UNROLLED _Pragma("GCC unroll 1")
#endif

/* Asks for `bytes` that stand so far behind x that they arrive in time. Beyond the caches reading
 * goes twice as fast: what the processor asks for by itself ends with a page. */
GTI_INLINE void gti_read_ahead(const void *x, size_t bytes)
{
    enum { AHEAD = 1 << 13, LINE = 64 };
    for (size_t i = 0; i < bytes; i += LINE) __builtin_prefetch((const char *)x + AHEAD + i, 0, 1);
}

/* The one question about who made the processor. */
static inline bool gti_is_amd(void)
{
#if defined __x86_64__ || defined __i386__
    return __builtin_cpu_is("amd");
#else
    return false;
#endif
}

/* The same of what is read on and on, which AMD's processors (Zen 4) foresee: sums of rows take 1.2
 * to 1.6 times as long where it is asked for, too. */
GTI_INLINE void gti_read_on(const void *x, size_t bytes)
{
    if (!gti_is_amd()) gti_read_ahead(x, bytes);
}

#endif

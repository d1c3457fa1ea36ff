/* What the loops of the kernels ask of the compiler. */
#ifndef GTI_KERNELS_LOOP_H
#define GTI_KERNELS_LOOP_H

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

#endif

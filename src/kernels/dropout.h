/* Kernels of dropout. Element (or run) i is dropped where word first + i of the stream that `seed`
 * and `call` name (base/philox.h) is below `threshold`, a probability times 2^32. Dropped elements
 * are 0 whatever x is. `first` is a multiple of 4. */
#ifndef GTI_KERNELS_DROPOUT_H
#define GTI_KERNELS_DROPOUT_H

#include <stdint.h>

typedef struct {
    /* y[i] = scale x[i], or 0, i < n */
    void (*elements)(int64_t first, int64_t n, uint64_t seed, uint64_t call, uint32_t threshold,
                     double scale, const void *x, void *y);
    /* The same for x [n,run], where a run is dropped as one. */
    void (*runs)(int64_t first, int64_t n, int64_t run, uint64_t seed, uint64_t call,
                 uint32_t threshold, double scale, const void *x, void *y);
} gti_dropout_kernels;

#endif

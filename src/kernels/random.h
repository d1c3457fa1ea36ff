/* Arrays of random numbers, as PyTorch's CPU generator makes them of the outputs of its twister
 * (base/random.h). All levels make the same bits. */
#ifndef GTI_KERNELS_RANDOM_H
#define GTI_KERNELS_RANDOM_H

#include "base/random.h"

enum { GTI_RANDOM_RUN = 16 };

typedef struct {
    /* y[i] = u * range + low, u uniform in [0,1), fused as in PyTorch's kernels: f32 takes 24 bits
     * of a word, f64 53 of two. */
    void (*uniform)(int64_t n, const uint32_t *words, double low, double range, void *y);
    /* Turns runs of GTI_RANDOM_RUN uniforms into normals: elements i and i + 8 are a pair, cosine
     * and sine. */
    void (*normal)(int64_t runs, void *x);
} gti_random_kernels;

/* n uniforms in [low, high), or standard normals, of a floating dtype. The bounds are rounded to
 * float in f32. As in PyTorch, runs of 16 normals and more take another path than shorter ones. */
void gti_random_uniform(gti_random *r, int dtype, int64_t n, double low, double high, void *y);
void gti_random_normal(gti_random *r, int dtype, int64_t n, void *y);

/* gti_random_kernels.normal of f64: with the logarithm, sine and cosine of <math.h> at every level,
 * since these numbers are the bits of those. */
void gti_random_normal_runs_f64(int64_t runs, void *x);

#endif

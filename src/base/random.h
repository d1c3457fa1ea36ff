/* Random numbers: the Mersenne Twister MT19937 and the ways in which PyTorch's CPU generator turns
 * its 32-bit outputs into numbers, so that the same seed gives the same tensors.
 *
 * All functions continue one stream; `n` is a number of elements and `out` has room for them. */
#ifndef GTI_BASE_RANDOM_H
#define GTI_BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* A plain value: copying it saves the place in the stream, copying it back resumes there. */
typedef struct {
    uint32_t state[624];
    int used;       /* words of state already given out, 0..624 */
    bool has_spare; /* a short run of normals comes in pairs: is there a second one left over, */
    double spare;   /* and which */
} gti_random;

/* Seeds as init_genrand(seed mod 2^32) does, which is torch.manual_seed, and forgets the spare. */
void gti_random_seed(gti_random *r, uint64_t seed);

/* The next output of the twister; 64 bits are two of them, the first one high. */
uint32_t gti_random_u32(gti_random *r);
uint64_t gti_random_u64(gti_random *r);

/* u * (high - low) + low with u uniform in [0,1): 24 bits and one output an element, or 53 bits and
 * two outputs. The bounds are rounded to float in the first. */
void gti_random_uniform_f32(gti_random *r, float *out, int64_t n, double low, double high);
void gti_random_uniform_f64(gti_random *r, double *out, int64_t n, double low, double high);

/* Standard normals. As in PyTorch, runs of 16 and more take another path than shorter ones. */
void gti_random_normal_f32(gti_random *r, float *out, int64_t n);
void gti_random_normal_f64(gti_random *r, double *out, int64_t n);

/* Whole numbers in [low, high); low < high. */
void gti_random_integers(gti_random *r, int64_t *out, int64_t n, int64_t low, int64_t high);

/* A permutation of 0..n-1. */
void gti_random_permutation(gti_random *r, int64_t *out, int64_t n);

#endif

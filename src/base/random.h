/* Random numbers: the Mersenne Twister MT19937 and the ways in which PyTorch's CPU generator turns
 * its 32-bit outputs into numbers, so that the same seed gives the same tensors; those of real
 * numbers stand in src/kernels/random.h.
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

/* The next n outputs. */
void gti_random_words(gti_random *r, int64_t n, uint32_t *out);

/* A standard normal, of those that a short run is made of; src/kernels/random.h has the long ones.
 */
double gti_random_short_normal(gti_random *r);

/* Whole numbers in [low, high); low < high. */
void gti_random_integers(gti_random *r, int64_t *out, int64_t n, int64_t low, int64_t high);

/* A permutation of 0..n-1. */
void gti_random_permutation(gti_random *r, int64_t *out, int64_t n);

#endif

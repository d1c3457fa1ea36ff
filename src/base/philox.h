/* Random bits that need no state: Philox4x32-10, the counter-based generator of Salmon, Moraes,
 * Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). A counter and a key give
 * four words; any place of the stream can be computed alone, so the numbers depend on nothing but
 * these. */
#ifndef GTI_BASE_PHILOX_H
#define GTI_BASE_PHILOX_H

#include <stdint.h>

void gti_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The stream of a seed and a call: block i of four words has i in the low half of the counter, the
 * call in the high one, and the seed for a key. Writes n blocks from `first` on. */
void gti_philox_blocks(uint64_t seed, uint64_t call, uint64_t first, int64_t n, uint32_t *out);

#endif

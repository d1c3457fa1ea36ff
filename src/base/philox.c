#include "base/philox.h"

/* The multipliers of words 0 and 2, and the Weyl sequences that the key goes through. */
#define MULTIPLY_0 0xD2511F53u
#define MULTIPLY_2 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
enum { ROUNDS = 10 };

void gti_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++, k0 += WEYL_0, k1 += WEYL_1) {
        const uint64_t a = (uint64_t)x0 * MULTIPLY_0, b = (uint64_t)x2 * MULTIPLY_2;
        x0 = (uint32_t)(b >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)b;
        x2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)a;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

void gti_philox_blocks(uint64_t seed, uint64_t call, uint64_t first, int64_t n, uint32_t *out)
{
    const uint32_t key[] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int64_t i = 0; i < n; i++, out += 4) {
        const uint64_t block = first + (uint64_t)i;
        const uint32_t counter[] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)call,
                                    (uint32_t)(call >> 32)};
        gti_philox(counter, key, out);
    }
}

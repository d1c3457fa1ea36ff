#include "base/random.h"

#include <math.h>

#define TWO_PI 6.283185307179586

enum { STATE = 624, MIDDLE = 397 };

void gti_random_seed(gti_random *r, uint64_t seed)
{
    *r = (gti_random){.used = STATE};
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < STATE; i++) {
        const uint32_t last = r->state[i - 1];
        r->state[i] = 1812433253u * (last ^ (last >> 30)) + i;
    }
}

/* The recurrence of Matsumoto and Nishimura: the top bit of one word and the rest of the next. */
static uint32_t twist(uint32_t here, uint32_t next, uint32_t middle)
{
    const uint32_t mixed = (here & 0x80000000u) | (next & 0x7fffffffu);
    return middle ^ (mixed >> 1) ^ (next & 1 ? 0x9908b0dfu : 0);
}

static void refill(gti_random *r)
{
    uint32_t *s = r->state;
    for (int i = 0; i < STATE - MIDDLE; i++) s[i] = twist(s[i], s[i + 1], s[i + MIDDLE]);
    for (int i = STATE - MIDDLE; i < STATE - 1; i++)
        s[i] = twist(s[i], s[i + 1], s[i + MIDDLE - STATE]);
    s[STATE - 1] = twist(s[STATE - 1], s[0], s[MIDDLE - 1]);
    r->used = 0;
}

static uint32_t temper(uint32_t y)
{
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t gti_random_u32(gti_random *r)
{
    if (r->used >= STATE) refill(r);
    return temper(r->state[r->used++]);
}

uint64_t gti_random_u64(gti_random *r)
{
    const uint64_t high = gti_random_u32(r);
    return high << 32 | gti_random_u32(r);
}

void gti_random_words(gti_random *r, int64_t n, uint32_t *out)
{
    for (int64_t taken = 0; n > 0; n -= taken, out += taken) {
        if (r->used >= STATE) refill(r);
        const uint32_t *const from = r->state + r->used;
        taken = n < STATE - r->used ? n : STATE - r->used;
        for (int64_t i = 0; i < taken; i++) out[i] = temper(from[i]);
        r->used += (int)taken;
    }
}

/* In [0,1): the low 53 bits. */
static double unit_f64(gti_random *r)
{
    return (double)(gti_random_u64(r) & 0x1fffffffffffffu) * 0x1p-53;
}

/* Box and Muller's pair from u1, u2 in [0,1): the cosine is used now, the sine is left over. */
double gti_random_short_normal(gti_random *r)
{
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    const double angle = TWO_PI * unit_f64(r);
    const double radius = sqrt(-2.0 * log1p(-unit_f64(r)));
    r->spare = radius * sin(angle);
    r->has_spare = true;
    return radius * cos(angle);
}

/* A remainder, slightly skewed as PyTorch's is, of 64 bits where 32 would skew visibly. */
void gti_random_integers(gti_random *r, int64_t *out, int64_t n, int64_t low, int64_t high)
{
    const uint64_t range = (uint64_t)high - (uint64_t)low;
    const bool wide = range >= UINT64_C(1) << 28;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t x = wide ? gti_random_u64(r) : gti_random_u32(r);
        out[i] = (int64_t)(x % range + (uint64_t)low);
    }
}

/* Fisher and Yates, forwards; from UINT32_MAX / 20 elements on, where a 32-bit remainder would skew
 * visibly, inside out with 64-bit ones. */
void gti_random_permutation(gti_random *r, int64_t *out, int64_t n)
{
    if (n >= UINT32_MAX / 20) {
        for (int64_t i = 0; i < n; i++) {
            const int64_t j = (int64_t)(gti_random_u64(r) % ((uint64_t)i + 1));
            out[i] = i;
            out[i] = out[j];
            out[j] = i;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        const int64_t j = i + gti_random_u32(r) % (n - i);
        const int64_t chosen = out[j];
        out[j] = out[i];
        out[i] = chosen;
    }
}

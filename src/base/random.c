#include "base/random.h"

#include <math.h>

#define TWO_PI 6.283185307179586

enum { STATE = 624, MIDDLE = 397, RUN = 16 };

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

uint32_t gti_random_u32(gti_random *r)
{
    if (r->used >= STATE) refill(r);
    uint32_t y = r->state[r->used++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint64_t gti_random_u64(gti_random *r)
{
    const uint64_t high = gti_random_u32(r);
    return high << 32 | gti_random_u32(r);
}

/* In [0,1): the low 24 or 53 bits. */
static float unit_f32(gti_random *r)
{
    return (float)(gti_random_u32(r) & 0xffffffu) * 0x1p-24f;
}

static double unit_f64(gti_random *r)
{
    return (double)(gti_random_u64(r) & 0x1fffffffffffffu) * 0x1p-53;
}

/* Fused, as in PyTorch's kernels on every CPU that can: the last bit depends on it. */
void gti_random_uniform_f32(gti_random *r, float *out, int64_t n, double low, double high)
{
    const float base = (float)low, range = (float)high - base;
    for (int64_t i = 0; i < n; i++) out[i] = fmaf(unit_f32(r), range, base);
}

void gti_random_uniform_f64(gti_random *r, double *out, int64_t n, double low, double high)
{
    const double range = high - low;
    for (int64_t i = 0; i < n; i++) out[i] = fma(unit_f64(r), range, low);
}

/* Box and Muller's pair from u1, u2 in [0,1): the cosine is used now, the sine is left over. */
static double short_normal(gti_random *r)
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

/* The single-precision logarithm, sine and cosine of Moshier's Cephes library, with which PyTorch
 * makes long runs of f32 normals. Every fused step is written out, because the last bit depends on
 * it; in exchange the numbers depend on no system's libm. */

/* log(x) for normal x in (0,1]: x = 2^e * (1 + t) with 1 + t in [sqrt(1/2), sqrt(2)), and
 * log(1 + t) = t - t^2 / 2 + t^3 P(t); log 2 is added in two parts. */
static float cephes_log(float x)
{
    static const float p[] = {-1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f,
                              1.4249322787e-1f,  -1.6668057665e-1f, 2.0000714765e-1f,
                              -2.4999993993e-1f, 3.3333331174e-1f};
    int exponent;
    float t = frexpf(x, &exponent);
    if (t < 0.707106781186547524f) {
        exponent--;
        t += t;
    }
    t -= 1.0f;
    const float e = (float)exponent, tt = t * t;
    float y = 7.0376836292e-2f;
    for (int i = 0; i < 8; i++) y = fmaf(y, t, p[i]);
    y = fmaf(y * t, tt, e * -2.12194440e-4f);
    y = fmaf(tt, -0.5f, y);
    return fmaf(e, 0.693359375f, t + y);
}

/* sin(x) and cos(x) for x in [0, 2 pi]: t = x - j pi/4 with j even, pi/4 taken off in three parts,
 * lies in [-pi/4, pi/4]; j chooses polynomials and signs. */
static void cephes_sincos(float x, float *sine, float *cosine)
{
    const int j = ((int)(x * 1.27323954473516f) + 1) & ~1;
    const float k = (float)j;
    float t = fmaf(k, -0.78515625f, x);
    t = fmaf(k, -2.4187564849853515625e-4f, t);
    t = fmaf(k, -3.77489497744594108e-8f, t);
    const float tt = t * t;
    float c = fmaf(2.443315711809948e-5f, tt, -1.388731625493765e-3f);
    c = fmaf(c, tt, 4.166664568298827e-2f);
    c = fmaf(c * tt, tt, -0.5f * tt) + 1.0f;
    float s = fmaf(-1.9515295891e-4f, tt, 8.3321608736e-3f);
    s = fmaf(s, tt, -1.6666654611e-1f);
    s = fmaf(s * tt, t, t);
    const bool swap = j & 2;
    *sine = (j & 4 ? -1.0f : 1.0f) * (swap ? c : s);
    *cosine = ((j - 2) & 4 ? 1.0f : -1.0f) * (swap ? s : c);
}

/* Turns 16 uniforms into normals: x[i] and x[i + 8] are a pair, cosine and sine. */
static void box_muller_f32(float x[RUN])
{
    for (int i = 0; i < RUN / 2; i++) {
        const float radius = sqrtf(-2.0f * cephes_log(1.0f - x[i]));
        float sine, cosine;
        cephes_sincos((float)TWO_PI * x[i + RUN / 2], &sine, &cosine);
        x[i] = radius * cosine;
        x[i + RUN / 2] = radius * sine;
    }
}

static void box_muller_f64(double x[RUN])
{
    for (int i = 0; i < RUN / 2; i++) {
        const double radius = sqrt(-2.0 * log(1.0 - x[i]));
        const double angle = TWO_PI * x[i + RUN / 2];
        x[i] = radius * cos(angle);
        x[i + RUN / 2] = radius * sin(angle);
    }
}

/* Long runs draw all uniforms first and turn them in blocks of 16. When n is no multiple of 16, the
 * last 16 elements are then drawn and turned afresh, over what the last whole block left there. */
void gti_random_normal_f32(gti_random *r, float *out, int64_t n)
{
    if (n < RUN) {
        for (int64_t i = 0; i < n; i++) out[i] = (float)short_normal(r);
        return;
    }
    gti_random_uniform_f32(r, out, n, 0.0, 1.0);
    for (int64_t i = 0; i + RUN <= n; i += RUN) box_muller_f32(out + i);
    if (n % RUN == 0) return;
    gti_random_uniform_f32(r, out + n - RUN, RUN, 0.0, 1.0);
    box_muller_f32(out + n - RUN);
}

void gti_random_normal_f64(gti_random *r, double *out, int64_t n)
{
    if (n < RUN) {
        for (int64_t i = 0; i < n; i++) out[i] = short_normal(r);
        return;
    }
    gti_random_uniform_f64(r, out, n, 0.0, 1.0);
    for (int64_t i = 0; i + RUN <= n; i += RUN) box_muller_f64(out + i);
    if (n % RUN == 0) return;
    gti_random_uniform_f64(r, out + n - RUN, RUN, 0.0, 1.0);
    box_muller_f64(out + n - RUN);
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

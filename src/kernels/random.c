#include "kernels/random.h"

#include <math.h>

#include "kernels/kernels.h"

#define TWO_PI 6.283185307179586

enum { WORDS = 256 }; /* drawn at a time */

void gti_random_uniform(gti_random *r, int dtype, int64_t n, double low, double high, void *y)
{
    const bool single = dtype == 0;
    const int64_t size = single ? sizeof(float) : sizeof(double), most = single ? WORDS : WORDS / 2;
    const double base = single ? (double)(float)low : low;
    const double range = single ? (double)((float)high - (float)low) : high - low;
    uint32_t words[WORDS];
    char *to = y;
    for (int64_t count; n > 0; n -= count, to += count * size) {
        count = n < most ? n : most;
        gti_random_words(r, single ? count : 2 * count, words);
        gti_kernels_of(dtype)->random.uniform(count, words, base, range, to);
    }
}

static void short_normals(gti_random *r, int dtype, int64_t n, void *y)
{
    for (int64_t i = 0; i < n; i++)
        if (dtype == 0) ((float *)y)[i] = (float)gti_random_short_normal(r);
        else ((double *)y)[i] = gti_random_short_normal(r);
}

/* Long runs draw all uniforms first and turn them in blocks. When n is no multiple of a block, the
 * last elements are then drawn and turned afresh, over what the last whole block left there. */
void gti_random_normal(gti_random *r, int dtype, int64_t n, void *y)
{
    if (n < GTI_RANDOM_RUN) {
        short_normals(r, dtype, n, y);
        return;
    }
    const int64_t size = dtype == 0 ? sizeof(float) : sizeof(double);
    gti_random_uniform(r, dtype, n, 0, 1, y);
    gti_kernels_of(dtype)->random.normal(n / GTI_RANDOM_RUN, y);
    if (n % GTI_RANDOM_RUN == 0) return;
    char *const last = (char *)y + (n - GTI_RANDOM_RUN) * size;
    gti_random_uniform(r, dtype, GTI_RANDOM_RUN, 0, 1, last);
    gti_kernels_of(dtype)->random.normal(1, last);
}

void gti_random_normal_runs_f64(int64_t runs, void *x_)
{
    double *x = x_;
    for (int64_t run = 0; run < runs; run++, x += GTI_RANDOM_RUN)
        for (int i = 0; i < GTI_RANDOM_RUN / 2; i++) {
            const double radius = sqrt(-2.0 * log(1.0 - x[i]));
            const double angle = TWO_PI * x[i + GTI_RANDOM_RUN / 2];
            x[i] = radius * cos(angle);
            x[i + GTI_RANDOM_RUN / 2] = radius * sin(angle);
        }
}

/* Gaussian blur, as torchvision's: a kernel of so many pixels, and the picture reflected about its
 * edges. */
#include <math.h>

#include "data/data.h"

/* x[i] of n in which the ends are mirrors: -1 is 1, n is n - 2. Kernels reach less than n beyond.
 */
static int64_t reflect(int64_t i, int64_t n)
{
    if (i < 0) i = -i;
    return i < n ? i : 2 * (n - 1) - i;
}

static void fill_kernel(float *k, int64_t n, float sigma)
{
    float sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const float d = ((float)i - (float)(n - 1) / 2) / sigma;
        sum += k[i] = expf(-0.5f * d * d);
    }
    for (int64_t i = 0; i < n; i++) k[i] /= sum;
}

/* A line of n pixels, which are `step` apart. */
static void blur_line(const float *x, int64_t n, int64_t step, const float *k, int64_t size,
                      float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int64_t j = 0; j < size; j++) sum += k[j] * x[reflect(i + j - size / 2, n) * step];
        y[i * step] = sum;
    }
}

void gti_blur(gti_image *m, const int size[2], float sigma)
{
    float k[GTI_BLUR_MOST];
    fill_kernel(k, size[1], sigma);
    for (int64_t i = 0; i < m->c * m->h; i++)
        blur_line(m->at + i * m->w, m->w, 1, k, size[1], m->spare + i * m->w);
    gti_image_swap(m, m->h, m->w);
    fill_kernel(k, size[0], sigma);
    for (int64_t c = 0; c < m->c; c++)
        for (int64_t j = 0; j < m->w; j++) {
            const int64_t at = c * m->h * m->w + j;
            blur_line(m->at + at, m->h, m->w, k, size[0], m->spare + at);
        }
    gti_image_swap(m, m->h, m->w);
}

/* Rotation about the middle, bilinear or to the nearest pixel, zeros outside. */
#include <math.h>

#include "data/data.h"

static float pixel(const float *x, int64_t h, int64_t w, int64_t i, int64_t j)
{
    return i >= 0 && i < h && j >= 0 && j < w ? x[i * w + j] : 0;
}

static float between(const float *x, int64_t h, int64_t w, float y, float z)
{
    const float fy = floorf(y), fz = floorf(z), a = y - fy, b = z - fz;
    const int64_t i = (int64_t)fy, j = (int64_t)fz;
    const float top = (1 - b) * pixel(x, h, w, i, j) + b * pixel(x, h, w, i, j + 1);
    const float low = (1 - b) * pixel(x, h, w, i + 1, j) + b * pixel(x, h, w, i + 1, j + 1);
    return (1 - a) * top + a * low;
}

/* Counter-clockwise, y pointing down: what comes to (x,y) about the middle was at
 * (cos x - sin y, sin x + cos y). */
void gti_rotate(gti_image *m, double radians)
{
    const float c = (float)cos(radians), s = (float)sin(radians);
    const float mi = (float)(m->h - 1) / 2, mj = (float)(m->w - 1) / 2;
    const int64_t n = m->h * m->w;
    for (int64_t i = 0; i < m->h; i++)
        for (int64_t j = 0; j < m->w; j++) {
            const float y = (float)i - mi, x = (float)j - mj;
            const float from_y = s * x + c * y + mi, from_x = c * x - s * y + mj;
            for (int64_t k = 0; k < m->c; k++)
                m->spare[k * n + i * m->w + j] =
                    m->nearest ? pixel(m->at + k * n, m->h, m->w, (int64_t)nearbyintf(from_y),
                                       (int64_t)nearbyintf(from_x))
                               : between(m->at + k * n, m->h, m->w, from_y, from_x);
        }
    gti_image_swap(m, m->h, m->w);
}

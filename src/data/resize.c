/* Bilinear resizing with antialiasing, as PIL's and as torch's interpolate(antialias=True): first
 * along rows, then along columns. */
#include <math.h>
#include <string.h>

#include "data/data.h"

/* The window of one output place along one axis: weights of a triangle about its centre, which is
 * as wide as the scale when shrinking. */
typedef struct {
    int64_t from, to;
    float centre, support, sum;
} window;

static float weight(const window *v, int64_t i)
{
    const float d = fabsf((float)i - v->centre + 0.5f) / v->support;
    return d < 1 ? 1 - d : 0;
}

static window window_of(int64_t out, int64_t n_in, int64_t n_out)
{
    const float scale = (float)n_in / (float)n_out;
    window v = {.centre = scale * ((float)out + 0.5f), .support = fmaxf(scale, 1)};
    const int64_t from = (int64_t)(v.centre - v.support + 0.5f);
    const int64_t to = (int64_t)(v.centre + v.support + 0.5f);
    v.from = from < 0 ? 0 : from;
    v.to = to > n_in ? n_in : to;
    for (int64_t i = v.from; i < v.to; i++) v.sum += weight(&v, i);
    return v;
}

/* to[i * to_step] += w * from[i * from_step] */
static void add(int64_t n, float w, const float *from, int64_t from_step, float *to,
                int64_t to_step)
{
    for (int64_t i = 0; i < n; i++) to[i * to_step] += w * from[i * from_step];
}

/* x [rows,w] to y [rows,ow] */
static void along_rows(const float *x, int64_t rows, int64_t w, float *y, int64_t ow)
{
    for (int64_t j = 0; j < ow; j++) {
        const window v = window_of(j, w, ow);
        for (int64_t k = v.from; k < v.to; k++)
            add(rows, weight(&v, k) / v.sum, x + k, w, y + j, ow);
    }
}

/* x [h,w] to y [oh,w] */
static void along_columns(const float *x, int64_t h, int64_t w, float *y, int64_t oh)
{
    for (int64_t i = 0; i < oh; i++) {
        const window v = window_of(i, h, oh);
        for (int64_t k = v.from; k < v.to; k++)
            add(w, weight(&v, k) / v.sum, x + k * w, 1, y + i * w, 1);
    }
}

int64_t gti_resize_nearest(int64_t i, int64_t n_in, int64_t n_out)
{
    const int64_t from = (int64_t)((float)i * ((float)n_in / (float)n_out));
    return from < n_in ? from : n_in - 1;
}

static void resize_nearest(gti_image *m, int64_t oh, int64_t ow)
{
    for (int64_t k = 0; k < m->c; k++)
        for (int64_t i = 0; i < oh; i++) {
            const float *row = m->at + (k * m->h + gti_resize_nearest(i, m->h, oh)) * m->w;
            for (int64_t j = 0; j < ow; j++)
                m->spare[(k * oh + i) * ow + j] = row[gti_resize_nearest(j, m->w, ow)];
        }
    gti_image_swap(m, oh, ow);
}

void gti_resize(gti_image *m, int64_t oh, int64_t ow)
{
    if (oh == m->h && ow == m->w) return; /* with windows of one pixel each */
    if (m->nearest) {
        resize_nearest(m, oh, ow);
        return;
    }
    memset(m->spare, 0, (size_t)(m->c * m->h * ow) * sizeof(float));
    along_rows(m->at, m->c * m->h, m->w, m->spare, ow);
    gti_image_swap(m, m->h, ow);
    memset(m->spare, 0, (size_t)(m->c * oh * ow) * sizeof(float));
    for (int64_t k = 0; k < m->c; k++)
        along_columns(m->at + k * m->h * ow, m->h, ow, m->spare + k * oh * ow, oh);
    gti_image_swap(m, oh, ow);
}

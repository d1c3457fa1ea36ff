/* Colour jitter, on values in 0..1. */
#include <math.h>

#include "data/data.h"

static float clamp(float x)
{
    return fminf(fmaxf(x, 0), 1);
}

/* Grey by the weights of ITU-R 601; the only channel where there are no three. */
static float grey_at(const gti_image *m, int64_t i)
{
    const int64_t n = m->h * m->w;
    if (m->c != 3) return m->at[i];
    return 0.2989f * m->at[i] + 0.587f * m->at[n + i] + 0.114f * m->at[2 * n + i];
}

static void brightness(gti_image *m, float factor)
{
    for (int64_t i = 0; i < gti_image_size(m); i++) m->at[i] = clamp(m->at[i] * factor);
}

/* Towards or away from the mean grey. */
static void contrast(gti_image *m, float factor)
{
    double sum = 0;
    for (int64_t i = 0; i < m->h * m->w; i++) sum += (double)grey_at(m, i);
    const float mean = (float)(sum / (double)(m->h * m->w));
    for (int64_t i = 0; i < gti_image_size(m); i++)
        m->at[i] = clamp(factor * m->at[i] + (1 - factor) * mean);
}

/* Towards or away from each pixel's grey. */
static void saturation(gti_image *m, float factor)
{
    const int64_t n = m->h * m->w;
    for (int64_t i = 0; m->c == 3 && i < n; i++) {
        const float grey = grey_at(m, i);
        for (int64_t k = 0; k < 3; k++)
            m->at[k * n + i] = clamp(factor * m->at[k * n + i] + (1 - factor) * grey);
    }
}

/* The hue of a colour whose channels are not all the same, in parts of a circle. */
static float hue_of(const float rgb[3], float high, float chroma)
{
    if (high == rgb[0]) return (rgb[1] - rgb[2]) / chroma / 6;
    if (high == rgb[1]) return (2 + (rgb[2] - rgb[0]) / chroma) / 6;
    return (4 + (rgb[0] - rgb[1]) / chroma) / 6;
}

/* Turns one colour: with hue H, the channels of red, green and blue are
 * high - chroma * max(0, min(k, 4 - k, 1)) for k = (5, 3, 1) + 6 H modulo 6. */
static void turn_pixel(float *at, int64_t n, float turn)
{
    const float rgb[3] = {at[0], at[n], at[2 * n]};
    const float high = fmaxf(fmaxf(rgb[0], rgb[1]), rgb[2]);
    const float chroma = high - fminf(fminf(rgb[0], rgb[1]), rgb[2]);
    if (chroma <= 0) return;
    const float hue = hue_of(rgb, high, chroma) + turn;
    for (int64_t c = 0; c < 3; c++) {
        const float k = (float)(5 - 2 * c) + 6 * (hue - floorf(hue));
        const float part = k >= 6 ? k - 6 : k;
        at[c * n] = clamp(high - chroma * clamp(fminf(part, 4 - part)));
    }
}

void gti_colour_turn_hue(gti_image *m, float turn)
{
    const int64_t n = m->h * m->w;
    for (int64_t i = 0; m->c == 3 && i < n; i++) turn_pixel(m->at + i, n, turn);
}

static float factor(gti_noise *r, double strength)
{
    return gti_noise_range(r, fmax(0, 1 - strength), 1 + strength);
}

void gti_colour_jitter(const gt_transform *t, gti_image *m, gti_noise *r)
{
    int order[4] = {0, 1, 2, 3};
    for (int i = 3; i > 0; i--) {
        const int64_t j = gti_noise_below(r, i + 1);
        const int chosen = order[j];
        order[j] = order[i];
        order[i] = chosen;
    }
    for (int i = 0; i < 4; i++) {
        if (order[i] == 0 && t->brightness > 0) brightness(m, factor(r, t->brightness));
        if (order[i] == 1 && t->contrast > 0) contrast(m, factor(r, t->contrast));
        if (order[i] == 2 && t->saturation > 0) saturation(m, factor(r, t->saturation));
        if (order[i] == 3 && t->hue > 0)
            gti_colour_turn_hue(m, gti_noise_range(r, -t->hue, t->hue));
    }
}

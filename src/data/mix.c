/* Transforms of whole batches: each item is mixed with the one before it, and so are their classes,
 * as torchvision's MixUp and CutMix do. */
#include "data/mix.h"

#include <math.h>
#include <string.h>

/* --- a part of 0..1 --- */

static double uniform(gti_noise *r)
{
    return ((double)(gti_noise_u64(r) >> 11) + 0.5) * 0x1p-53;
}

static double normal(gti_noise *r)
{
    const double radius = sqrt(-2 * log(uniform(r)));
    return radius * cos(2 * 3.14159265358979323846 * uniform(r));
}

/* Gamma(a), by Marsaglia and Tsang; below 1 by way of a + 1. */
static double gamma_of(gti_noise *r, double a)
{
    if (a < 1) {
        const double more = gamma_of(r, a + 1);
        return more * pow(uniform(r), 1 / a);
    }
    const double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = normal(r), v = pow(1 + c * x, 3);
        if (v > 0 && log(uniform(r)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

/* Beta(a, a). */
static double beta(gti_noise *r, double a)
{
    const double x = gamma_of(r, a), y = gamma_of(r, a);
    return x + y > 0 ? x / (x + y) : uniform(r) < 0.5;
}

/* --- mixing --- */

static void blend(const void *before, int64_t n, double part, void *at, gt_dtype dtype)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == GT_F64) {
            double *to = at;
            to[i] = part * to[i] + (1 - part) * ((const double *)before)[i];
        } else {
            float *to = at;
            to[i] = (float)part * to[i] + (float)(1 - part) * ((const float *)before)[i];
        }
    }
}

static void paste(const gti_lane *l, const char *before, const gti_mix_box *b, char *at)
{
    const int64_t *dim = l->out.shape.dim;
    const size_t element = gt_dtype_size(l->out.dtype);
    for (int64_t c = 0; c < dim[0]; c++)
        for (int64_t i = b->top; i < b->bottom; i++) {
            const size_t from = (size_t)((c * dim[1] + i) * dim[2] + b->left) * element;
            memcpy(at + from, before + from, (size_t)(b->right - b->left) * element);
        }
}

/* Item i of one member is mixed with item i - 1, the first with the last. From the last on, so that
 * the one before is still what it was; `kept` has room for one. A box shows the one before. */
static void mix_member(const gti_lane *l, int64_t n, double part, const gti_mix_box *b, void *batch,
                       void *kept)
{
    const size_t bytes = (size_t)l->size * gt_dtype_size(l->out.dtype);
    char *at = batch;
    memcpy(kept, at + (size_t)(n - 1) * bytes, bytes);
    for (int64_t i = n - 1; i >= 0; i--) {
        char *to = at + (size_t)i * bytes;
        const void *before = i ? to - bytes : (const char *)kept;
        if (b && !l->classes) paste(l, before, b, to);
        else blend(before, l->size, part, to, l->out.dtype);
    }
}

void gti_mix_by(const gti_recipe *r, double part, const gti_mix_box *b, int64_t n, void *const *to,
                void *kept)
{
    for (int k = 0; k < r->lanes; k++)
        if (r->mix->members >> k & 1) mix_member(&r->lane[k], n, part, b, to[k], kept);
}

/* --- drawing --- */

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i > n ? n : i;
}

gti_mix_box gti_mix_box_at(int64_t h, int64_t w, int64_t y, int64_t x, double *part)
{
    const double half = 0.5 * sqrt(1 - *part);
    const int64_t down = (int64_t)(half * (double)h), right = (int64_t)(half * (double)w);
    const gti_mix_box b = {clamp(y - down, h), clamp(y + down, h), clamp(x - right, w),
                           clamp(x + right, w)};
    *part = 1 - (double)((b.right - b.left) * (b.bottom - b.top)) / (double)(w * h);
    return b;
}

/* The size of the pictures, which is that of all. */
static const int64_t *picture_of(const gti_recipe *r)
{
    int k = 0;
    while (!(r->mix->members >> k & 1)) k++;
    return r->lane[k].out.shape.dim;
}

void gti_mix(const gti_recipe *r, gti_noise noise, int64_t n, void *const *to, void *kept)
{
    double part = beta(&noise, r->mix->alpha);
    if (r->mix->kind == GT_MIXUP) {
        gti_mix_by(r, part, NULL, n, to, kept);
        return;
    }
    const int64_t *dim = picture_of(r);
    const int64_t x = gti_noise_below(&noise, dim[2]), y = gti_noise_below(&noise, dim[1]);
    const gti_mix_box b = gti_mix_box_at(dim[1], dim[2], y, x, &part);
    gti_mix_by(r, part, &b, n, to, kept);
}

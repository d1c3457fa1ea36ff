/* The transforms of a loader: their options, and those that only move pixels. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "data/data.h"

/* --- options --- */

static const char *const names[] = {
    "transform",
    "normalise",
    "resize",
    "center_crop",
    "random_crop",
    "random_flip",
    "random_vertical_flip",
    "random_rotation",
    "random_erasing",
    "colour_jitter",
    "gaussian_blur",
    "custom",
    "mixup",
    "cutmix",
};

static bool bad(gt_data_error *error, const gt_transform *t, const char *why)
{
    return gt_data_fail(error, GT_ERR_ARGUMENT, "%s: %s", names[t->kind], why);
}

/* Numbers that are not given are the first channel's. */
static bool check_normalise(gt_transform *t, gt_data_error *error)
{
    for (int i = 3; i >= 0; i--) {
        t->mean[i] = gt_option(t->mean[i] == 0 ? t->mean[0] : t->mean[i], 0);
        t->std[i] = gt_option(t->std[i] == 0 ? t->std[0] : t->std[i], 0);
        if (!isfinite(t->mean[i])) return bad(error, t, "mean must be finite");
        if (!(t->std[i] > 0)) return bad(error, t, "std is required and must be positive");
    }
    return true;
}

static bool check_size(gt_transform *t, gt_data_error *error)
{
    const int given[2] = {t->size[0], t->size[1]};
    for (int i = 0; i < 2; i++) t->size[i] = gt_option_pair(given, i, 0);
    t->padding = (int)gt_option_int(t->padding, 0);
    if (t->size[0] <= 0 || t->size[1] <= 0 || t->padding < 0)
        return bad(error, t, "size is required and must be positive, padding must not be negative");
    if (t->size[0] > 1 << 15 || t->size[1] > 1 << 15 || t->padding > 1 << 15)
        return bad(error, t, "size or padding is above 32768");
    return true;
}

/* Sets the output's size to `size`, which must lie within what there is when cropping. */
static bool fit_size(const gt_transform *t, int64_t *h, int64_t *w, gt_data_error *error)
{
    const int64_t room = t->kind == GT_RANDOM_CROP ? 2 * (int64_t)t->padding : 0;
    const long long high = *h + room, wide = *w + room;
    if (t->kind != GT_RESIZE && (t->size[0] > high || t->size[1] > wide))
        return gt_data_fail(error, GT_ERR_SHAPE,
                            "%d x %d pixels cannot be cropped from %lld x %lld; .padding and "
                            "GT_RESIZE make images larger",
                            t->size[0], t->size[1], high, wide);
    *h = t->size[0];
    *w = t->size[1];
    return true;
}

static bool check_probability(gt_transform *t, gt_data_error *error)
{
    t->p = gt_option(t->p, 0.5);
    return (t->p >= 0 && t->p <= 1) || bad(error, t, "p must be at least 0 and at most 1");
}

static bool check_range(double range[2], double low, double high)
{
    range[0] = gt_option(range[0], low);
    range[1] = gt_option(range[1], high);
    return range[0] > 0 && range[0] <= range[1] && isfinite(range[1]);
}

static bool check_erasing(gt_transform *t, gt_data_error *error)
{
    if (!check_range(t->scale, 0.02, 0.33) || !check_range(t->ratio, 0.3, 3.3) || t->scale[1] > 1)
        return bad(error, t, "scale must be a range within 0 to 1, ratio one of positive numbers");
    return check_probability(t, error);
}

static bool check_jitter(gt_transform *t, gt_data_error *error)
{
    double *const strength[] = {&t->brightness, &t->contrast, &t->saturation, &t->hue};
    for (int i = 0; i < 4; i++) *strength[i] = gt_option(*strength[i], 0);
    const bool fine = t->brightness >= 0 && t->contrast >= 0 && t->saturation >= 0 && t->hue >= 0 &&
                      t->hue <= 0.5;
    return (fine && isfinite(t->brightness + t->contrast + t->saturation)) ||
           bad(error, t, "strengths must not be negative, and hue at most 0.5");
}

static bool check_blur(gt_transform *t, gt_data_error *error)
{
    if (!check_size(t, error)) return false;
    if (t->size[0] % 2 == 0 || t->size[1] % 2 == 0 || t->size[0] > GTI_BLUR_MOST ||
        t->size[1] > GTI_BLUR_MOST)
        return bad(error, t, "size, that of the kernel, must be odd and at most 255");
    if (t->sigma[0] != 0 && t->sigma[1] == 0) t->sigma[1] = t->sigma[0];
    return check_range(t->sigma, 0.1, 2) ||
           bad(error, t, "sigma must be a positive number or a range of them");
}

static bool check_mix(gt_transform *t, gt_data_error *error)
{
    t->alpha = gt_option(t->alpha, 1);
    return (t->alpha > 0 && isfinite(t->alpha)) || bad(error, t, "alpha must be positive");
}

/* The options that kinds have, by the bytes of the struct. */
static const struct {
    const char *name;
    size_t at, size;
    unsigned kinds; /* a bit for each that has it */
} options[] = {
#define OPTION(name, kinds)                                                                        \
    {                                                                                              \
#name, offsetof(gt_transform, name), sizeof((gt_transform){0}.name), (kinds)               \
    }
#define OF(kind) (1U << GT_##kind)
    OPTION(mean, OF(NORMALISE)),
    OPTION(std, OF(NORMALISE)),
    OPTION(size, OF(RESIZE) | OF(CENTER_CROP) | OF(RANDOM_CROP) | OF(GAUSSIAN_BLUR)),
    OPTION(padding, OF(RANDOM_CROP)),
    OPTION(p, OF(RANDOM_FLIP) | OF(RANDOM_VERTICAL_FLIP) | OF(RANDOM_ERASING)),
    OPTION(degrees, OF(RANDOM_ROTATION)),
    OPTION(scale, OF(RANDOM_ERASING)),
    OPTION(ratio, OF(RANDOM_ERASING)),
    OPTION(brightness, OF(COLOUR_JITTER)),
    OPTION(contrast, OF(COLOUR_JITTER)),
    OPTION(saturation, OF(COLOUR_JITTER)),
    OPTION(hue, OF(COLOUR_JITTER)),
    OPTION(sigma, OF(GAUSSIAN_BLUR)),
    OPTION(alpha, OF(MIXUP) | OF(CUTMIX)),
    OPTION(fn, OF(CUSTOM)),
    OPTION(user, OF(CUSTOM)),
};

/* Options of another kind would be disregarded. */
static bool check_kind(const gt_transform *t, gt_data_error *error)
{
    static const char zero[sizeof(gt_transform)];
    if ((unsigned)t->kind < GT_NORMALISE || (unsigned)t->kind > GT_CUTMIX)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "there is no transform %d", (int)t->kind);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (options[i].kinds >> t->kind & 1) continue;
        if (memcmp((const char *)t + options[i].at, zero, options[i].size) == 0) continue;
        return gt_data_fail(error, GT_ERR_ARGUMENT, "%s has no option %s", names[t->kind],
                            options[i].name);
    }
    return true;
}

const char *gti_transform_name(const gt_transform *t)
{
    return names[t->kind];
}

bool gti_transform_is_random(const gt_transform *t)
{
    return t->kind >= GT_RANDOM_CROP;
}

bool gti_transform_is_of_batches(const gt_transform *t)
{
    return t->kind >= GT_MIXUP;
}

bool gti_transform_is_geometric(const gt_transform *t)
{
    return t->kind >= GT_RESIZE && t->kind <= GT_RANDOM_ROTATION;
}

bool gti_transform_complete(gt_transform *t, gt_data_error *error)
{
    if (!check_kind(t, error)) return false;
    switch (t->kind) {
    case GT_NORMALISE: return check_normalise(t, error);
    case GT_RESIZE:
    case GT_CENTER_CROP:
    case GT_RANDOM_CROP: return check_size(t, error);
    case GT_RANDOM_FLIP:
    case GT_RANDOM_VERTICAL_FLIP: return check_probability(t, error);
    case GT_RANDOM_ROTATION:
        t->degrees = gt_option(t->degrees, 0);
        return (t->degrees > 0 && isfinite(t->degrees)) ||
               bad(error, t, "degrees are required and must be positive");
    case GT_RANDOM_ERASING: return check_erasing(t, error);
    case GT_COLOUR_JITTER: return check_jitter(t, error);
    case GT_GAUSSIAN_BLUR: return check_blur(t, error);
    case GT_CUSTOM: return t->fn || bad(error, t, "fn is required");
    case GT_MIXUP:
    case GT_CUTMIX: return check_mix(t, error);
    case GT_NO_TRANSFORM: break;
    }
    return false;
}

bool gti_transform_fit(const gt_transform *t, int64_t c, int64_t *h, int64_t *w,
                       gt_data_error *error)
{
    switch (t->kind) {
    case GT_NORMALISE:
        for (int k = 1; k < 4 && c > 4; k++)
            if (t->mean[k] != t->mean[0] || t->std[k] != t->std[0])
                return bad(error, t, "has numbers for up to four channels, or one for all");
        return true;
    case GT_RESIZE:
    case GT_CENTER_CROP:
    case GT_RANDOM_CROP: return fit_size(t, h, w, error);
    case GT_GAUSSIAN_BLUR:
        return (t->size[0] / 2 < *h && t->size[1] / 2 < *w) ||
               gt_data_fail(error, GT_ERR_SHAPE,
                            "%s: half the kernel of %d x %d must be less than the %lld x %lld "
                            "pixels",
                            names[t->kind], t->size[0], t->size[1], (long long)*h, (long long)*w);
    default: return true;
    }
}

/* --- pixels --- */

static void normalise(const gt_transform *t, gti_image *m)
{
    const int64_t n = m->h * m->w;
    for (int64_t k = 0; k < m->c; k++) {
        const float mean = (float)t->mean[k & 3], std = (float)t->std[k & 3];
        float *x = m->at + k * n;
        for (int64_t i = 0; i < n; i++) x[i] = (x[i] - mean) / std;
    }
}

/* The window whose first pixel is (top,left), zeros where it reaches outside. */
static void crop(const gt_transform *t, gti_image *m, int64_t top, int64_t left)
{
    const int64_t h = t->size[0], w = t->size[1];
    const int64_t from = left < 0 ? -left : 0, to = m->w - left < w ? m->w - left : w;
    memset(m->spare, 0, (size_t)(m->c * h * w) * sizeof(float));
    for (int64_t k = 0; k < m->c; k++)
        for (int64_t i = 0; i < h; i++) {
            if (top + i < 0 || top + i >= m->h || from >= to) continue;
            const float *row = m->at + (k * m->h + top + i) * m->w + left;
            memcpy(m->spare + (k * h + i) * w + from, row + from,
                   (size_t)(to - from) * sizeof(float));
        }
    gti_image_swap(m, h, w);
}

/* As torchvision rounds: half to even. */
static void center_crop(const gt_transform *t, gti_image *m)
{
    crop(t, m, (int64_t)nearbyint((double)(m->h - t->size[0]) / 2),
         (int64_t)nearbyint((double)(m->w - t->size[1]) / 2));
}

static void random_crop(const gt_transform *t, gti_image *m, gti_noise *r)
{
    const int64_t down = m->h + 2 * t->padding - t->size[0] + 1;
    const int64_t right = m->w + 2 * t->padding - t->size[1] + 1;
    const int64_t top = gti_noise_below(r, down) - t->padding;
    crop(t, m, top, gti_noise_below(r, right) - t->padding);
}

static void flip(gti_image *m)
{
    for (int64_t row = 0; row < m->c * m->h; row++) {
        float *a = m->at + row * m->w, *b = a + m->w - 1;
        for (; a < b; a++, b--) {
            const float kept = *a;
            *a = *b;
            *b = kept;
        }
    }
}

static void flip_vertically(gti_image *m)
{
    for (int64_t k = 0; k < m->c; k++)
        for (int64_t i = 0; i < m->h; i++)
            memcpy(m->spare + (k * m->h + m->h - 1 - i) * m->w, m->at + (k * m->h + i) * m->w,
                   (size_t)m->w * sizeof(float));
    gti_image_swap(m, m->h, m->w);
}

static void erase(gti_image *m, int64_t top, int64_t left, int64_t h, int64_t w)
{
    for (int64_t k = 0; k < m->c; k++)
        for (int64_t i = top; i < top + h; i++)
            memset(m->at + (k * m->h + i) * m->w + left, 0, (size_t)w * sizeof(float));
}

/* As torchvision: ten tries to find a rectangle that fits. */
static void random_erasing(const gt_transform *t, gti_image *m, gti_noise *r)
{
    for (int i = 0; i < 10; i++) {
        const double area =
            (double)(m->h * m->w) * (double)gti_noise_range(r, t->scale[0], t->scale[1]);
        const double ratio = exp((double)gti_noise_range(r, log(t->ratio[0]), log(t->ratio[1])));
        const double h = round(sqrt(area * ratio)), w = round(sqrt(area / ratio));
        if (h >= (double)m->h || w >= (double)m->w) continue;
        const int64_t top = gti_noise_below(r, m->h - (int64_t)h + 1);
        const int64_t left = gti_noise_below(r, m->w - (int64_t)w + 1);
        erase(m, top, left, (int64_t)h, (int64_t)w);
        return;
    }
}

static bool call(const gt_transform *t, gti_image *m, gti_noise *r, gt_data_error *error)
{
    return t->fn(m->at, GT_SHAPE(m->c, m->h, m->w), gti_noise_u64(r), t->user, error) ||
           gt_data_fail(error, GT_ERR_IO, "custom: failed without a message");
}

bool gti_transform_apply(const gt_transform *t, gti_image *m, gti_noise *r, gt_data_error *error)
{
    const double radians = 3.14159265358979323846 / 180;
    switch (t->kind) {
    case GT_NORMALISE: normalise(t, m); break;
    case GT_RESIZE: gti_resize(m, t->size[0], t->size[1]); break;
    case GT_CENTER_CROP: center_crop(t, m); break;
    case GT_RANDOM_CROP: random_crop(t, m, r); break;
    case GT_RANDOM_FLIP:
        if (gti_noise_range(r, 0, 1) < t->p) flip(m);
        break;
    case GT_RANDOM_VERTICAL_FLIP:
        if (gti_noise_range(r, 0, 1) < t->p) flip_vertically(m);
        break;
    case GT_RANDOM_ROTATION:
        gti_rotate(m, radians * gti_noise_range(r, -t->degrees, t->degrees));
        break;
    case GT_RANDOM_ERASING:
        if (gti_noise_range(r, 0, 1) < t->p) random_erasing(t, m, r);
        break;
    case GT_COLOUR_JITTER: gti_colour_jitter(t, m, r); break;
    case GT_GAUSSIAN_BLUR:
        gti_blur(m, t->size, gti_noise_range(r, t->sigma[0], t->sigma[1]));
        break;
    case GT_CUSTOM: return call(t, m, r, error);
    case GT_MIXUP:
    case GT_CUTMIX:
    case GT_NO_TRANSFORM: break;
    }
    return true;
}

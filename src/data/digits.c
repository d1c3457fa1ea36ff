/* Generated digits: polylines on a grid, bent, placed and drawn at random. */
#include <math.h>
#include <string.h>

#include "data/data.h"

enum { POINTS = 16, STROKES = 2 };

/* Points on a grid of 6 by 10, x to the right and y down, the origin top left; n of each stroke. */
typedef struct {
    int n[STROKES];
    signed char at[STROKES][POINTS][2];
} glyph;

// clang-format off
static const glyph glyphs[10] = {
    {{11}, {{{3,0},{1,1},{0,3},{0,7},{1,9},{3,10},{5,9},{6,7},{6,3},{5,1},{3,0}}}},
    {{3}, {{{1,2},{3,0},{3,10}}}},
    {{7}, {{{0,3},{1,1},{3,0},{5,1},{6,3},{0,10},{6,10}}}},
    {{6, 6}, {{{0,1},{2,0},{4,0},{6,2},{5,4},{3,5}}, {{3,5},{5,6},{6,8},{4,10},{2,10},{0,9}}}},
    {{4}, {{{4,10},{4,0},{0,7},{6,7}}}},
    {{9}, {{{6,0},{1,0},{0,5},{3,4},{5,5},{6,7},{5,9},{3,10},{0,9}}}},
    {{10}, {{{5,0},{2,2},{0,5},{0,8},{2,10},{4,10},{6,8},{5,6},{3,5},{0,7}}}},
    {{3}, {{{0,0},{6,0},{2,10}}}},
    {{15}, {{{3,5},{1,4},{0,2},{2,0},{4,0},{6,2},{5,4},{3,5},{1,6},{0,8},{2,10},{4,10},{6,8},{5,6},
             {3,5}}}},
    {{10}, {{{6,3},{3,5},{1,4},{0,2},{2,0},{4,0},{6,2},{6,5},{4,8},{1,10}}}},
};
// clang-format on

typedef struct {
    gt_dataset base;
    uint64_t seed;
    float noise;
} digits;

/* How one image is drawn: a point (x,y) about the glyph's middle goes to
 * (xx x + xy y + x0, yx x + yy y + y0) in pixels. */
typedef struct {
    float xx, xy, yx, yy, x0, y0;
    float radius; /* of the pen */
    float bend;   /* of each point, in grid units */
} pose;

static pose draw_pose(gti_noise *r, int64_t size)
{
    const float s = (float)size, unit = s * gti_noise_range(r, 0.045, 0.075);
    const float wide = unit * gti_noise_range(r, 0.8, 1.25), turn = gti_noise_range(r, -0.2, 0.2);
    const float slant = gti_noise_range(r, -0.3, 0.3), c = cosf(turn), d = sinf(turn);
    pose p = {.radius = s * gti_noise_range(r, 0.02, 0.06), .bend = 0.45f};
    p.xx = wide * c;
    p.xy = -unit * (d + slant * c);
    p.yx = wide * d;
    p.yy = unit * (c - slant * d);
    const float room = s / 2 - 5 * unit, shift = room > 0 ? room : 0;
    p.x0 = s / 2 + shift * gti_noise_range(r, -1, 1);
    p.y0 = s / 2 + shift * gti_noise_range(r, -0.7, 0.7);
    return p;
}

/* The bent glyph in pixels. */
static void place(const glyph *g, const pose *p, gti_noise *r, float to[STROKES][POINTS][2])
{
    for (int k = 0; k < STROKES; k++)
        for (int i = 0; i < g->n[k]; i++) {
            const float x = (float)g->at[k][i][0] - 3 + p->bend * gti_noise_range(r, -1, 1);
            const float y = (float)g->at[k][i][1] - 5 + p->bend * gti_noise_range(r, -1, 1);
            to[k][i][0] = p->xx * x + p->xy * y + p->x0;
            to[k][i][1] = p->yx * x + p->yy * y + p->y0;
        }
}

static int64_t bound(float x, int64_t size)
{
    return x < 0 ? 0 : x > (float)size ? size : (int64_t)x;
}

/* Raises the ink [size,size] of the pixels that a pen of this radius touches on its way from a to
 * b: a pixel is covered by what the distance of its middle from the way leaves of the radius. */
static void draw_line(float *ink, int64_t size, const float a[2], const float b[2], float radius)
{
    const float reach = radius + 0.5f, dx = b[0] - a[0], dy = b[1] - a[1];
    const float length = dx * dx + dy * dy + 1e-6f;
    const int64_t top = bound(fminf(a[1], b[1]) - reach, size);
    const int64_t bottom = bound(fmaxf(a[1], b[1]) + reach + 1, size);
    const int64_t left = bound(fminf(a[0], b[0]) - reach, size);
    const int64_t right = bound(fmaxf(a[0], b[0]) + reach + 1, size);
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++) {
            const float px = (float)x + 0.5f - a[0], py = (float)y + 0.5f - a[1];
            const float along = fminf(fmaxf((px * dx + py * dy) / length, 0), 1);
            const float ex = px - along * dx, ey = py - along * dy;
            const float cover = fminf(reach - sqrtf(ex * ex + ey * ey), 1);
            if (cover > ink[y * size + x]) ink[y * size + x] = cover;
        }
}

static void draw_glyph(const glyph *g, const pose *p, gti_noise *r, float *ink, int64_t size)
{
    float at[STROKES][POINTS][2];
    place(g, p, r, at);
    for (int k = 0; k < STROKES; k++)
        for (int i = 0; i + 1 < g->n[k]; i++)
            draw_line(ink, size, at[k][i], at[k][i + 1], p->radius);
}

/* About normal, with deviation 1: the sum of four uniforms of 16 bits. */
static float rough_normal(gti_noise *r)
{
    const uint64_t x = gti_noise_u64(r);
    const uint64_t sum = (x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48);
    return ((float)sum * 0x1p-16f - 2) * 1.7320508f;
}

/* From the ground to the pen's colour by the ink, and noise. */
static void paint(const digits *d, const float *ink, gti_noise *r, float *x)
{
    const int64_t n = d->base.member[0].shape.dim[1] * d->base.member[0].shape.dim[2];
    const bool grey = d->base.member[0].shape.dim[0] == 1;
    for (int64_t c = 0; c < d->base.member[0].shape.dim[0]; c++) {
        const float ground = gti_noise_range(r, 0, grey ? 0.1 : 0.45);
        const float pen = gti_noise_range(r, 0.55, 1);
        for (int64_t i = 0; i < n; i++) {
            const float noise = d->noise > 0 ? d->noise * rough_normal(r) : 0;
            const float v = ground + (pen - ground) * ink[i] + noise;
            x[c * n + i] = fminf(fmaxf(v, 0), 1);
        }
    }
}

static bool label(const gt_dataset *base, int64_t i, int64_t *to)
{
    (void)base;
    *to = i % 10;
    return true;
}

/* The ink takes the place of the last channel, which is painted last and pixel by pixel. */
static bool get(const gt_dataset *base, int64_t i, void *const *to, gt_data_error *error)
{
    (void)error;
    const digits *d = (const digits *)base;
    const int64_t *dim = base->member[0].shape.dim, size = dim[1], n = size * size;
    gti_noise r = gti_noise_start(d->seed, (uint64_t)i);
    float *ink = (float *)to[0] + (dim[0] - 1) * n;
    memset(ink, 0, (size_t)n * sizeof *ink);
    const pose p = draw_pose(&r, size);
    draw_glyph(&glyphs[i % 10], &p, &r, ink, size);
    paint(d, ink, &r, to[0]);
    return label(base, i, to[1]);
}

static const gt_dataset_type type = {
    .name = "generated_digits", .size = sizeof(digits), .get = get, .label = label};

enum { LARGEST = 1 << 14 }; /* size */
gt_dataset *gt_generated_digits_(gt_ctx *gt, int64_t count, gt_generated_digits_opts opts)
{
    static const char what[] = "generated_digits";
    static const char *const classes[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    const int64_t size = gt_option_int(opts.size, 28);
    const double noise = gt_option(opts.noise, 0.1);
    if (!gti_data_ready(gt, what)) return NULL;
    if (count < 0)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "count is %lld, must not be negative", (long long)count);
    else if (size < 8 || size > LARGEST)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "size is %lld, must be 8 to %d", (long long)size,
                LARGEST);
    else if (!(noise >= 0 && isfinite(noise)))
        gt_fail(gt, GT_ERR_ARGUMENT, what, "noise is %g, must be finite and not negative", noise);
    if (gt_failed(gt)) return NULL;
    digits *d = (digits *)gt_dataset_new(gt, &type);
    if (!d) return NULL;
    d->base.count = count;
    d->base.member[0].shape = GT_SHAPE(opts.rgb ? 3 : 1, size, size);
    d->base.n_classes = 10;
    d->base.classes = classes;
    d->seed = (uint64_t)gt_option_int((int64_t)opts.seed, 0);
    d->noise = (float)noise;
    return &d->base;
}

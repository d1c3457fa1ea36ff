/* The convolutions at every level and for both dtypes, against the definition in long double. */
#include "kernel_arrays.h"

static const gti_conv2d geometries[] = {
    /* n  c  h  w  k kh kw oh ow sh sw ph pw dh dw groups; oh and ow are computed where they are 0
     */
    {1, 1, 6, 8, 1, 1, 2, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {2, 1, 7, 9, 1, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {1, 1, 5, 5, 1, 5, 5, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {1, 1, 9, 3, 1, 2, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {1, 1, 9, 30, 1, 2, 7, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {2, 1, 9, 30, 2, 2, 6, 0, 0, 2, 1, 0, 0, 3, 2, 1},
    {2, 3, 8, 8, 4, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {2, 3, 9, 11, 4, 3, 5, 0, 0, 2, 3, 1, 2, 1, 1, 1},
    {1, 2, 12, 13, 3, 3, 2, 0, 0, 1, 2, 2, 0, 2, 3, 1},
    {3, 4, 6, 7, 6, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 2},
    {2, 6, 9, 9, 12, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 3},
    {2, 8, 10, 12, 8, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 8},
    {2, 5, 10, 20, 5, 3, 5, 0, 0, 2, 2, 1, 2, 1, 1, 5},
    {1, 4, 9, 21, 8, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 4},
    {2, 16, 7, 7, 8, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {3, 23, 16, 17, 7, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1}, /* dw by way of its transpose */
    {2, 8, 7, 7, 8, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 4},
    {2, 8, 7, 7, 6, 1, 1, 0, 0, 2, 2, 0, 0, 1, 1, 1},
    {1, 3, 4, 4, 5, 1, 1, 0, 0, 1, 1, 2, 1, 1, 1, 1},
    {1, 2, 1, 1, 3, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 2, 3, 2, 3, 3, 0, 0, 3, 2, 4, 5, 2, 1, 1},
    {1, 2, 3, 3, 2, 2, 2, 0, 0, 1, 1, 5, 5, 4, 4, 1},
    {2, 16, 9, 9, 16, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 8, 40, 40, 4, 7, 7, 0, 0, 1, 1, 3, 3, 1, 1, 1},
    {1, 64, 30, 70, 2, 3, 3, 0, 0, 2, 1, 1, 1, 1, 1, 1},
    /* depthwise: rows longer than vectors and shorter, several rows of short ones, small planes;
     * all kernels that have tiles of their own, strides of 2 with odd sizes, dilation, uneven ends,
     * small planes of some images at a time, padding at one end only */
    {2, 3, 9, 37, 3, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 3},
    {2, 2, 14, 14, 2, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 2},
    {3, 5, 8, 8, 5, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 5},
    {2, 9, 7, 7, 9, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 9},
    {2, 30, 4, 4, 30, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 30},
    {2, 40, 2, 2, 40, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 40},
    {2, 9, 4, 4, 9, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 9},
    {2, 3, 23, 3, 3, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 3},
    {1, 3, 19, 41, 3, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 3},
    {2, 9, 8, 8, 9, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 9},
    {2, 9, 7, 9, 9, 5, 5, 0, 0, 2, 1, 2, 2, 1, 1, 9},
    {2, 4, 6, 21, 4, 7, 2, 0, 0, 1, 2, 3, 0, 1, 2, 4},
    {2, 4, 15, 5, 4, 3, 4, 0, 0, 1, 1, 2, 3, 2, 2, 4},
    {2, 4, 12, 10, 4, 3, 3, 0, 0, 1, 1, 0, 4, 1, 1, 4},
    {7, 3, 8, 8, 3, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 3},
    {6, 3, 4, 4, 3, 3, 3, 4, 4, 1, 1, 1, 2, 1, 1, 3},
    {2, 3, 8, 8, 3, 3, 3, 8, 8, 1, 1, 2, 0, 1, 1, 3},
    {2, 3, 8, 8, 3, 3, 3, 7, 7, 1, 1, 1, 1, 1, 1, 3},
    {2, 4, 12, 10, 4, 3, 3, 0, 0, 3, 1, 1, 1, 1, 1, 4},
    {2, 2, 13, 37, 2, 5, 5, 0, 0, 2, 2, 2, 2, 1, 1, 2},
    {1, 2, 12, 70, 2, 3, 3, 0, 0, 2, 2, 0, 0, 1, 1, 2},
    {1, 2, 9, 66, 2, 5, 5, 0, 0, 2, 2, 1, 3, 1, 1, 2},
    /* enough channels for blocks of 4, 8 and 16 */
    {5, 16, 6, 15, 16, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {3, 20, 9, 31, 36, 3, 2, 0, 0, 1, 1, 1, 0, 1, 1, 1},
    {2, 32, 11, 10, 48, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 1},
    {3, 48, 5, 5, 16, 4, 3, 0, 0, 3, 2, 2, 1, 1, 2, 1},
    {2, 32, 7, 7, 64, 3, 3, 0, 0, 1, 1, 2, 2, 2, 2, 2},
    {9, 16, 1, 3, 17, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {4, 64, 8, 9, 32, 1, 1, 0, 0, 2, 2, 0, 0, 1, 1, 1},
    {4, 129, 2, 3, 136, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {17, 16, 2, 2, 32, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 16, 3, 70, 16, 2, 5, 0, 0, 1, 1, 7, 40, 1, 3, 1},
    /* and for Winograd's way: lots of several images, bands of one, odd sizes, all paddings */
    {9, 16, 6, 6, 32, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {5, 29, 7, 5, 30, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {1, 32, 17, 33, 16, 3, 3, 0, 0, 1, 1, 2, 1, 1, 1, 1},
    {1, 320, 4, 4, 32, 3, 3, 0, 0, 1, 1, 0, 2, 1, 1, 1},
    {3, 32, 3, 3, 64, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 2},
    {1, 16, 2, 132, 32, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 16, 4, 4, 144, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 9, 12, 32, 3, 3, 0, 0, 1, 1, 2, 2, 2, 2, 1},
    {3, 40, 11, 9, 33, 3, 3, 0, 0, 1, 1, 1, 0, 1, 2, 1},
    {1, 32, 26, 31, 32, 3, 3, 0, 0, 1, 1, 5, 6, 3, 3, 2},
    {5, 16, 7, 6, 48, 3, 3, 0, 0, 1, 1, 0, 1, 2, 1, 1},
    {3, 24, 8, 15, 24, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {40, 12, 4, 4, 20, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {2, 24, 6, 9, 32, 3, 3, 0, 0, 1, 1, 1, 2, 1, 1, 2},
    {1, 16, 9, 21, 12, 3, 3, 0, 0, 1, 1, 2, 4, 2, 2, 1},
    {2, 256, 8, 7, 34, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 128, 4, 4, 352, 9, 9, 0, 0, 2, 2, 4, 4, 1, 1, 2}, /* ranges of the sums of dw */
    /* few pixels of many weights, channels that divide into no pieces of one size */
    {1, 256, 4, 4, 114, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {3, 130, 5, 4, 225, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 1},
    /* few channels of many images: the last lanes idle, strips with a rest of one channel, rows
     * that no tap reaches, tiles of half the pixels at the ends of rows */
    {29, 3, 5, 6, 15, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {16, 6, 7, 6, 16, 5, 5, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {32, 4, 9, 3, 5, 3, 2, 0, 0, 1, 1, 2, 1, 2, 1, 1},
    {26, 2, 3, 3, 2, 2, 2, 0, 0, 1, 1, 5, 5, 4, 4, 1},
    {16, 2, 3, 13, 6, 2, 5, 0, 0, 1, 1, 1, 3, 1, 1, 1},
    /* rows that fill tiles, of strips of one size and of two, of few channels and one */
    {2, 2, 17, 32, 20, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 3, 6, 128, 29, 2, 3, 0, 0, 1, 2, 0, 1, 1, 1, 1},
    {1, 5, 3, 128, 3, 2, 2, 0, 0, 1, 1, 0, 1, 1, 1, 1},
    {1, 2, 3, 128, 1, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    /* rows that share zeros, whose vectors have lanes of two: shorter than vectors and longer,
     * tiles of two vectors and of four, more padding than taps, strides; and a long single row */
    {2, 3, 6, 14, 20, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 5, 5, 21, 6, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 4, 20, 9, 2, 3, 0, 0, 1, 1, 5, 6, 1, 1, 1},
    {1, 3, 9, 41, 17, 5, 5, 0, 0, 2, 2, 2, 2, 1, 1, 1},
    {1, 32, 1, 121, 32, 1, 3, 0, 0, 1, 1, 0, 1, 1, 1, 1},
    /* dw by vectors of output channels: all numbers of vectors and terms, rows in pieces, groups */
    {2, 3, 9, 11, 70, 3, 5, 0, 0, 2, 3, 1, 2, 1, 1, 1},
    {1, 1, 2, 250, 32, 1, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {2, 4, 7, 30, 96, 2, 2, 0, 0, 1, 1, 0, 1, 2, 2, 2},
    {3, 7, 12, 12, 16, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {1, 1, 40, 5, 64, 2, 2, 0, 0, 1, 1, 0, 0, 1, 1, 1},
    {0, 3, 5, 5, 4, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {2, 0, 5, 5, 4, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
    {2, 3, 5, 5, 0, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
};

static int64_t outputs(int64_t size, int64_t window, int64_t stride, int64_t padding,
                       int64_t dilation)
{
    return (size + 2 * padding - dilation * (window - 1) - 1) / stride + 1;
}

static gti_conv2d with_outputs(gti_conv2d s)
{
    if (s.oh == 0) s.oh = outputs(s.h, s.kh, s.sh, s.ph, s.dh);
    if (s.ow == 0) s.ow = outputs(s.w, s.kw, s.sw, s.pw, s.dw);
    return s;
}

/* One output less or more along each side now and then, as padding that differs at the end makes.
 */
static gti_conv2d with_odd_ends(gti_conv2d s)
{
    s.oh += random_below(3) - 1, s.ow += random_below(3) - 1;
    s.oh = s.oh < 1 ? 1 : s.oh, s.ow = s.ow < 1 ? 1 : s.ow;
    return s;
}

/* A random geometry with at least one output. */
static gti_conv2d random_geometry(void)
{
    for (;;) {
        gti_conv2d s = {.groups = 1 + random_below(3)};
        s.n = random_below(12) ? 1 + random_below(2) : 29;
        s.c = s.groups * (1 + random_below(3));
        s.k = s.groups * (1 + random_below(4));
        s.h = 1 + random_below(12), s.w = 1 + random_below(20);
        s.kh = 1 + random_below(4), s.kw = 1 + random_below(6);
        s.sh = 1 + random_below(3), s.sw = 1 + random_below(3);
        s.ph = random_below(4), s.pw = random_below(4);
        s.dh = 1 + random_below(3), s.dw = 1 + random_below(3);
        if (s.h + 2 * s.ph > s.dh * (s.kh - 1) && s.w + 2 * s.pw > s.dw * (s.kw - 1))
            return with_odd_ends(with_outputs(s));
    }
}

/* One multiplication of a convolution: y[y] += x[x] * weight[weight]. */
typedef struct {
    int64_t x, weight, y;
} term;

typedef void visitor(const term *t, void *user);

/* Those of output (i, j) of channel k of image n. */
static void each_term_of(const gti_conv2d *s, int64_t n, int64_t k, int64_t i, int64_t j,
                         visitor *visit, void *user)
{
    const int64_t cg = s->c / s->groups, first = k / (s->k / s->groups) * cg;
    for (int64_t c = 0; c < cg; c++)
        for (int64_t p = 0; p < s->kh; p++)
            for (int64_t q = 0; q < s->kw; q++) {
                const int64_t h = i * s->sh + p * s->dh - s->ph, w = j * s->sw + q * s->dw - s->pw;
                if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
                const term t = {((n * s->c + first + c) * s->h + h) * s->w + w,
                                ((k * cg + c) * s->kh + p) * s->kw + q,
                                ((n * s->k + k) * s->oh + i) * s->ow + j};
                visit(&t, user);
            }
}

/* Calls visit for every term whose tap lies inside the input, by the definition. */
static void each_term(const gti_conv2d *s, visitor *visit, void *user)
{
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t k = 0; k < s->k; k++)
            for (int64_t i = 0; i < s->oh; i++)
                for (int64_t j = 0; j < s->ow; j++) each_term_of(s, n, k, i, j, visit, user);
}

enum { Y = GTI_CONV2D_Y, DX = GTI_CONV2D_DX, DW = GTI_CONV2D_DW, N_PASSES };

/* want[i] and magnitude[i] (the sum of absolute values): what one pass should give. */
typedef struct {
    int pass;
    const array *x, *weight, *y; /* the inputs; the one written is not read */
    long double *want;
    double *magnitude;
    int64_t *count;
} expectation;

static void expect_term(const term *t, void *user)
{
    const expectation *const e = user;
    const long double a = e->pass == DX ? get(e->y, t->y) : get(e->x, t->x);
    const long double b = e->pass == DW ? get(e->y, t->y) : get(e->weight, t->weight);
    const int64_t i = e->pass == Y ? t->y : e->pass == DX ? t->x : t->weight;
    e->want[i] += a * b;
    e->magnitude[i] += fabs((double)(a * b));
    e->count[i]++;
}

/* Whether it may go Winograd's way, where the terms of a tile are added to all that are near it,
 * and taken off again: then all results have the roundings of the largest. */
static bool shares_roundings(const gti_conv2d *s)
{
    return s->kh == 3 && s->kw == 3 && s->sh == 1 && s->sw == 1 &&
           s->c * s->k >= 24 * s->groups * s->groups;
}

static void share_roundings(expectation *e, int64_t n)
{
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 1; i < n; i++) {
            const int64_t from = pass ? n - i : i - 1, to = pass ? n - i - 1 : i;
            if (e->magnitude[to] < e->magnitude[from]) e->magnitude[to] = e->magnitude[from];
            if (e->count[to] < e->count[from]) e->count[to] = e->count[from];
        }
}

/* Roundings go either way: together they are far less than their sum, as long as nothing is added
 * to a result and taken off again that is many times as large. */
static void check_roundings(const expectation *e, const array *out)
{
    long double errors = 0, squares = 0, terms = 0;
    for (int64_t i = 0; i < out->n; i++) {
        const long double off = get(out, i) - e->want[i];
        errors += off * off;
        squares += e->want[i] * e->want[i];
        terms += (long double)e->count[i];
    }
    const long double bound = epsilon(out->dtype) * (3 + sqrtl(terms / (long double)out->n) / 8);
    assert_true(sqrtl(errors) <= bound * sqrtl(squares));
}

static void check_pass(const gti_conv2d *s, expectation *e, const array *out)
{
    const size_t n = (size_t)out->n + 1;
    e->want = calloc(n, sizeof *e->want);
    e->magnitude = calloc(n, sizeof *e->magnitude);
    e->count = calloc(n, sizeof *e->count);
    assert_true(e->want && e->magnitude && e->count);
    each_term(s, expect_term, e);
    if (shares_roundings(s)) share_roundings(e, out->n);
    for (int64_t i = 0; i < out->n; i++)
        check_near(out, i, e->want[i],
                   epsilon(out->dtype) * e->magnitude[i] * (4 + (long double)e->count[i] / 4));
    if (out->n >= 1000) check_roundings(e, out);
    free(e->want);
    free(e->magnitude);
    free(e->count);
}

/* Runs a pass, the images of dw in up to 3 chunks. */
static void run_pass(const gti_kernels *k, const gti_conv2d *s, int pass, const array *a,
                     const array *b, const array *out)
{
    gti_conv2d_plan p = {.s = *s,
                         .pass = (gti_conv2d_pass)pass,
                         .chunks = s->n < 1   ? 1
                                   : s->n < 3 ? s->n
                                              : 3};
    k->conv2d(&p);
    const array shared = new_output(F32, (int64_t)(p.shared + 3) / 4);
    const array scratch = new_output(F32, (int64_t)(p.scratch + 3) / 4);
    const array derived = new_output(F32, (int64_t)(p.derived + 3) / 4);
    const gti_conv2d_io io = {.a = a->data,
                              .b = b->data,
                              .out = out->data,
                              .shared = shared.data,
                              .scratch = scratch.data,
                              .derived = derived.data};
    for (int i = 0; i < GTI_CONV2D_STAGES; i++) {
        const int64_t items = p.stage[i].items, half = items / 2;
        if (half < items) p.stage[i].run(&p, &io, half, items);
        if (half > 0) p.stage[i].run(&p, &io, 0, half);
    }
    free_array(&shared);
    free_array(&scratch);
    free_array(&derived);
}

static void conv2d_pass(const gti_kernels *k, int dtype, const gti_conv2d *s, int pass)
{
    const int64_t nx = s->n * s->c * s->h * s->w, ny = s->n * s->k * s->oh * s->ow;
    const int64_t nw = s->k * (s->c / s->groups) * s->kh * s->kw;
    const array x = pass == DX ? new_output(dtype, nx) : new_input(dtype, nx);
    const array weight = pass == DW ? new_output(dtype, nw) : new_input(dtype, nw);
    const array y = pass == Y ? new_output(dtype, ny) : new_input(dtype, ny);
    const array *out = pass == Y ? &y : pass == DX ? &x : &weight;
    run_pass(k, s, pass, pass == DX ? &y : &x, pass == DW ? &y : &weight, out);
    expectation e = {.pass = pass, .x = &x, .weight = &weight, .y = &y};
    check_pass(s, &e, out);
    free_array(&x);
    free_array(&weight);
    free_array(&y);
}

static void test_conv2d_of(const gti_kernels *k, int dtype)
{
    for (size_t i = 0; i < sizeof geometries / sizeof geometries[0]; i++) {
        const gti_conv2d s = with_outputs(geometries[i]);
        for (int pass = 0; pass < N_PASSES; pass++) conv2d_pass(k, dtype, &s, pass);
    }
    for (int i = 0; i < 150; i++) {
        const gti_conv2d s = random_geometry();
        for (int pass = 0; pass < N_PASSES; pass++) conv2d_pass(k, dtype, &s, pass);
    }
}

/* Scratch beyond any memory is not asked for: such a shape runs without columns. */
static void test_scratch_overflow_of(const gti_kernels *k, int dtype)
{
    (void)dtype;
    const int64_t big = (int64_t)1 << 31;
    for (int pass = 0; pass < N_PASSES; pass++) {
        gti_conv2d_plan p = {.s = {1, 4, 1, 1, 2, 1, big, 1, big, 1, 1, 0, big - 1, 1, 1, 1},
                             .pass = (gti_conv2d_pass)pass,
                             .chunks = 1};
        k->conv2d(&p);
        assert_int_equal(p.shared + p.scratch + p.derived, 0);
    }
}

/* A zero never hides a NaN: the first element of one input is NaN, the other input is all zero; it
 * reaches no other image. */
static void nan_case(const gti_kernels *k, int dtype, const gti_conv2d *s)
{
    const int64_t nx = s->n * s->c * s->h * s->w, ny = s->n * s->k * s->oh * s->ow;
    const int64_t window = s->c * s->kh * s->kw;
    const array x = new_input(dtype, nx), weight = new_input(dtype, s->k * window);
    const array y = new_output(dtype, ny), dx = new_output(dtype, nx);
    const array dw = new_output(dtype, s->k * window);
    set(&x, 0, (double)NAN);
    k->fill(s->k * window, 0, weight.data);
    run_pass(k, s, Y, &x, &weight, &y);
    for (int64_t i = 0; i < ny; i++)
        assert_true(isnan(get(&y, i)) == (i < ny / s->n && i % (s->oh * s->ow) == 0));
    k->fill(ny, 0, y.data);
    run_pass(k, s, DW, &x, &y, &dw);
    for (int64_t i = 0; i < dw.n; i++) assert_true(isnan(get(&dw, i)) == (i % window == 0));
    set(&y, 0, (double)NAN);
    run_pass(k, s, DX, &y, &weight, &dx);
    for (int64_t i = 0; i < nx; i++) {
        const int64_t row = i / s->w % s->h, column = i % s->w;
        assert_true(isnan(get(&dx, i)) == (i < nx / s->n && row < s->kh && column < s->kw));
    }
    free_array(&x);
    free_array(&weight);
    free_array(&y);
    free_array(&dx);
    free_array(&dw);
}

static void test_nan_of(const gti_kernels *k, int dtype)
{
    for (int64_t c = 1; c <= 16; c *= 4)
        for (int64_t window = 1; window < 7; window++) {
            const int64_t side = window < 6 ? window : 3, n = window < 6 ? 1 : 16;
            const int64_t kw = c * side == 48 ? 2 : side; /* else Winograd's way */
            const gti_conv2d s = {n, c, 9, 12, c, side, kw, 0, 0, 1, 1, 0, 0, 1, 1, 1};
            const gti_conv2d full = with_outputs(s);
            nan_case(k, dtype, &full);
        }
}

/* What no window reads at a stride reaches nothing, though vectors of pixels pass over it. */
static void test_unread_of(const gti_kernels *k, int dtype)
{
    for (int side = 3; side <= 5; side += 2) {
        const gti_conv2d valid = {1, 3, 9, 12, 3, side, side, 0, 0, 2, 2, 0, 0, 1, 1, 3};
        const gti_conv2d s = with_outputs(valid);
        const array x = new_input(dtype, s.c * s.h * s.w), y = new_output(dtype, s.k * s.oh * s.ow);
        const array weight = new_input(dtype, s.k * side * side);
        const array dw = new_output(dtype, weight.n);
        for (int64_t i = s.w - 1; i < x.n; i += s.w) set(&x, i, (double)NAN);
        run_pass(k, &s, Y, &x, &weight, &y);
        for (int64_t i = 0; i < y.n; i++) assert_true(!isnan(get(&y, i)));
        run_pass(k, &s, DW, &x, &y, &dw);
        for (int64_t i = 0; i < dw.n; i++) assert_true(!isnan(get(&dw, i)));
        free_array(&x);
        free_array(&y);
        free_array(&weight);
        free_array(&dw);
    }
}

/* Whether a is in first..last, or in the tiles of so many that these lie in. */
static bool is_within(int64_t a, int64_t first, int64_t last, int64_t tile)
{
    first = first < 0 ? 0 : first;
    return a >= first / tile * tile && a < (last / tile + 1) * tile;
}

/* The NaN of an image [c,h,w]'s first channel at row and column reaches first..last before and
 * after it, in no other image, and what is computed with these: tiles of 2 x 4. */
static void check_spread(const array *a, int64_t image, int64_t h, int64_t w, const int64_t rows[2],
                         const int64_t columns[2])
{
    for (int64_t i = 0; i < a->n; i++) {
        const int64_t row = i / w % h, column = i % w;
        const bool reached = i < image && is_within(row, rows[0], rows[1], 1) &&
                             is_within(column, columns[0], columns[1], 1);
        const bool reachable = i < image && is_within(row, rows[0], rows[1], 2) &&
                               is_within(column, columns[0], columns[1], 4);
        assert_true(isnan(get(a, i)) ? reachable : !reached);
    }
}

/* Winograd's way takes a NaN to what else is computed with it, and no further. */
static void spread_from(const gti_kernels *k, int dtype, int64_t row, int64_t column)
{
    const gti_conv2d valid = {2, 32, 9, 12, 32, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1};
    const gti_conv2d s = with_outputs(valid);
    const array x = new_input(dtype, s.n * s.c * s.h * s.w);
    const array weight = new_input(dtype, s.k * s.c * 9);
    const array y = new_output(dtype, s.n * s.k * s.oh * s.ow), dx = new_output(dtype, x.n);
    const array dw = new_output(dtype, weight.n);
    set(&x, row * s.w + column, (double)NAN);
    run_pass(k, &s, Y, &x, &weight, &y);
    check_spread(&y, y.n / 2, s.oh, s.ow, (int64_t[]){row - 2, row},
                 (int64_t[]){column - 2, column});
    for (int64_t i = 0; i < y.n; i++) set(&y, i, (double)(i % 5));
    run_pass(k, &s, DW, &x, &y, &dw);
    for (int64_t i = 0; i < dw.n; i++) {
        assert_true(isnan(get(&dw, i)) || i % (s.c * 9) != 0);
        assert_false(isnan(get(&dw, i)) && i % (s.c * 9) >= 9);
    }
    set(&y, row * s.ow + column, (double)NAN);
    run_pass(k, &s, DX, &y, &weight, &dx);
    check_spread(&dx, dx.n / 2, s.h, s.w, (int64_t[]){row, row + 2},
                 (int64_t[]){column, column + 2});
    free_array(&x);
    free_array(&weight);
    free_array(&y);
    free_array(&dx);
    free_array(&dw);
}

static void test_spread_of(const gti_kernels *k, int dtype)
{
    spread_from(k, dtype, 0, 0);
    spread_from(k, dtype, 2, 5);
}

TEST_OF_TABLES(conv2d)
TEST_OF_TABLES(scratch_overflow)
TEST_OF_TABLES(nan)
TEST_OF_TABLES(unread)
TEST_OF_TABLES(spread)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv2d), cmocka_unit_test(test_scratch_overflow),
        cmocka_unit_test(test_nan),    cmocka_unit_test(test_unread),
        cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Filters: pictures convolved with kernels made by hand, as in section 7.2 of "Dive into Deep
 * Learning" (https://d2l.ai) and its exercises.
 *
 *   filters                                     all filters on a test picture, in filters.png
 *   filters --filter sharpen --out b.png a.png  one filter on a picture */
#include "common/pictures.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name, *meaning;
    int kh, kw;
    double scale;      /* of the elements */
    double kernel[25]; /* [kh,kw] */
    bool sums_to_zero; /* so 0 is shown as grey, and both signs can be seen */
} filter;

static const filter filters[] = {
    {"edge", "vertical edges: a pixel less its right neighbour", 1, 2, 1, {1, -1}, true},
    {"edge-y", "horizontal edges: the same kernel, transposed", 2, 1, 1, {1, -1}, true},
    {"diagonal", "edges along the other diagonal", 2, 2, 1, {1, 0, 0, -1}, true},
    {"laplace", "the second derivative", 3, 3, 1, {0, 1, 0, 1, -4, 1, 0, 1, 0}, true},
    {"blur",
     "binomial weights, nearly Gaussian",
     5,
     5,
     1 / 256.0,
     {1, 4, 6, 4, 1, 4, 16, 24, 16, 4, 6, 24, 36, 24, 6, 4, 16, 24, 16, 4, 1, 4, 6, 4, 1},
     false},
    {"sharpen",
     "the picture less its second derivative",
     3,
     3,
     1,
     {0, -1, 0, -1, 5, -1, 0, -1, 0},
     false},
    {"emboss", "light from the upper left", 3, 3, 1, {-2, -1, 0, -1, 1, 1, 0, 1, 2}, false},
};
enum { N_FILTERS = sizeof filters / sizeof *filters };

/* The derivative along v = (cos, sin) of an angle, which finds edges orthogonal to it: the
 * derivatives along x and y, each smoothed across, weighted with v. */
static filter directed(double degrees)
{
    const double v1 = cos(degrees * acos(-1) / 180), v2 = sin(degrees * acos(-1) / 180);
    const double dx[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1}, dy[9] = {-1, -2, -1, 0, 0, 0, 1, 2, 1};
    filter f = {"direction", "", 3, 3, 0.25, {0}, true};
    for (int i = 0; i < 9; i++) f.kernel[i] = v1 * dx[i] + v2 * dy[i];
    return f;
}

/* x [1,c,h,w] filtered, each channel by itself. What networks call convolution is
 * cross-correlation; strict convolution has the kernel flipped along both axes. */
static gt_tensor *apply(gt_tensor *x, const filter *f, bool strict)
{
    const int64_t c = x->shape.dim[1];
    gt_tensor *k = gt_from(x->ctx, GT_SHAPE(1, 1, f->kh, f->kw), f->kernel, .dtype = GT_F64);
    k = gt_repeat(gt_mul_scalar(gt_cast(k, GT_F32), f->scale), GT_SHAPE(c, 1, 1, 1));
    if (strict) k = gt_flip(k, GT_AXES(2, 3));
    /* Beyond its border a picture goes on as it ends: no edges there. */
    x = gt_pad(x, .pad = {(f->kw - 1) / 2, f->kw / 2, (f->kh - 1) / 2, f->kh / 2},
               .mode = GT_PAD_REPLICATE);
    x = gt_conv2d(x, k, .groups = (int)c);
    return gt_clamp(f->sums_to_zero ? gt_add_scalar(x, 0.5) : x, 0, 1);
}

/* A disc, bars and a checkerboard, [1,3,160,160]. */
static gt_tensor *test_picture(gt_ctx *gt)
{
    enum { SIZE = 160 };
    gt_tensor *x = gt_empty(gt, GT_SHAPE(1, 3, SIZE, SIZE));
    if (!x) return NULL;
    float(*p)[SIZE][SIZE] = x->data;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            const bool disc = hypot(i - 60, j - 60) < 40;
            const bool bars = i > 115 && j < 100 && j / (3 + j / 20) % 2;
            const bool board = i > 90 && j > 110 && (i / 10 + j / 10) % 2;
            const float light = 0.25F + 0.4F * (float)j / SIZE;
            p[0][i][j] = disc ? 0.9F : bars ? 0.95F : board ? 0.1F : light;
            p[1][i][j] = disc ? 0.6F : bars ? 0.95F : board ? 0.2F : light;
            p[2][i][j] = disc ? 0.2F : bars ? 0.90F : board ? 0.5F : light + 0.1F;
        }
    gt_touch(x);
    return x;
}

static gt_tensor *load(gt_ctx *gt, const char *path)
{
    if (!path) return test_picture(gt);
    gt_tensor *x = gt_div_scalar(gt_cast(gt_image_load(gt, path), GT_F32), 255);
    return gt_unsqueeze(x, 0);
}

typedef struct {
    const char *in, *out; /* files; in NULL: the test picture */
    filter one;           /* with a name: only this one */
    bool strict;
} settings;

static void run(gt_ctx *gt, const settings *s)
{
    gt_tensor *x = load(gt, s->in), *y[N_FILTERS + 1] = {x};
    if (!x) return;
    if (s->one.name) {
        y[0] = apply(x, &s->one, s->strict);
        if (gt_image_save(gt_select(y[0], 0, 0), s->out) != GT_OK) return;
        printf("%s: %s\n", s->one.name, s->out);
        return;
    }
    for (int i = 0; i < N_FILTERS; i++) y[i + 1] = apply(x, &filters[i], s->strict);
    gt_tensor *sheet = picture_grid(gt_concat(y, N_FILTERS + 1, 0), 4, 1);
    if (gt_image_save(sheet, s->out) != GT_OK) return;
    printf("picture");
    for (int i = 0; i < N_FILTERS; i++) printf(", %s", filters[i].name);
    printf(": %s\n", s->out);
}

/* --- the command line --- */

static int usage(FILE *f)
{
    fprintf(f, "usage: filters [options] [FILE]\n"
               "Convolves a PNG or JPEG picture, or a test picture, with kernels made by hand.\n\n"
               "  --filter NAME    this one; without it, all of them on one sheet:\n");
    for (int i = 0; i < N_FILTERS; i++)
        fprintf(f, "                     %-9s %s\n", filters[i].name, filters[i].meaning);
    return fprintf(f,
                   "  --direction D    edges orthogonal to the direction of D degrees, 90: down\n"
                   "  --strict         strict convolution: the kernel flipped\n"
                   "  --out FILE       what to write (filters.png)\n") < 0;
}

/* Takes argument **arg, and its value if it has one. False if it is of no use. */
static bool parse(char ***arg, settings *s)
{
    const char *name = **arg, *value = (*arg)[1];
    if (strcmp(name, "--strict") == 0) return s->strict = true;
    if (*name != '-') return !s->in && (s->in = name);
    if (!value) return false;
    ++*arg;
    if (strcmp(name, "--out") == 0) return (s->out = value);
    if (strcmp(name, "--direction") == 0) {
        char *end;
        s->one = directed(strtod(value, &end));
        return end != value && *end == '\0' && isfinite(s->one.kernel[0]);
    }
    for (int i = 0; i < N_FILTERS && strcmp(name, "--filter") == 0; i++)
        if (strcmp(filters[i].name, value) == 0) return s->one = filters[i], true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout);
    settings s = {.out = "filters.png"};
    for (char **arg = argv + 1; *arg; arg++) {
        if (parse(&arg, &s)) continue;
        fprintf(stderr, "filters: cannot use '%s'\n", *arg);
        return usage(stderr), 2;
    }
    gt_ctx *gt = gt_open();
    run(gt, &s);
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "filters: %s\n", gt_error_message(gt));
    gt_close(gt);
    return failed;
}

/* Filters: pictures convolved with kernels made by hand, as in section 7.2 of "Dive into Deep
 * Learning" (https://d2l.ai) and its exercises.
 *
 *   filters                                all of them on a test picture, in filters.png
 *   filters --sharpen --out b.png a.png    one on a picture */
#include <gradtape.h>

#include <math.h>

typedef struct {
    const char *name, *meaning; /* the option that asks for it */
    int kh, kw;
    double scale;      /* of the elements */
    double kernel[25]; /* [kh,kw] */
    bool sums_to_zero; /* so 0 is shown as grey, and both signs can be seen */
} filter;

// clang-format off
static const filter filters[] = {
    {"--edge", "vertical edges: a pixel less its right neighbour", 1, 2, 1,
     {1, -1}, true},
    {"--edge-y", "horizontal edges: the same kernel, transposed", 2, 1, 1,
     {1,
      -1}, true},
    {"--diagonal", "edges along the other diagonal", 2, 2, 1,
     {1, 0,
      0, -1}, true},
    {"--laplace", "the second derivative", 3, 3, 1,
     {0, 1, 0,
      1, -4, 1,
      0, 1, 0}, true},
    {"--blur", "binomial weights, nearly Gaussian", 5, 5, 1 / 256.0,
     {1, 4, 6, 4, 1,
      4, 16, 24, 16, 4,
      6, 24, 36, 24, 6,
      4, 16, 24, 16, 4,
      1, 4, 6, 4, 1}, false},
    {"--sharpen", "the picture less its second derivative", 3, 3, 1,
     {0, -1, 0,
      -1, 5, -1,
      0, -1, 0}, false},
    {"--emboss", "light from the upper left", 3, 3, 1,
     {-2, -1, 0,
      -1, 1, 1,
      0, 1, 2}, false},
};
// clang-format on
enum { N_FILTERS = sizeof filters / sizeof *filters };

/* The derivative along v = (cos, sin) of an angle, which finds edges orthogonal to it: the
 * derivatives along x and y, each smoothed across, weighted with v. */
static filter directed(double degrees)
{
    const double v1 = cos(degrees * acos(-1) / 180), v2 = sin(degrees * acos(-1) / 180);
    const double dx[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1}, dy[9] = {-1, -2, -1, 0, 0, 0, 1, 2, 1};
    filter f = {NULL, NULL, 3, 3, 0.25, {0}, true};
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
    bool chosen[N_FILTERS], strict;
    double direction; /* degrees; NaN: none */
} settings;

/* One result is written as it is, several on a sheet behind the original. */
static void run(gt_ctx *gt, void *user)
{
    const settings *s = user;
    gt_tensor *y[N_FILTERS + 2] = {load(gt, s->in)};
    if (!y[0]) return;
    bool all = isnan(s->direction);
    for (int i = 0; i < N_FILTERS; i++) all = all && !s->chosen[i];
    int n = 1;
    for (int i = 0; i < N_FILTERS; i++)
        if (all || s->chosen[i]) y[n++] = apply(y[0], &filters[i], s->strict);
    const filter along = directed(s->direction);
    if (!isnan(s->direction)) y[n++] = apply(y[0], &along, s->strict);

    gt_tensor *out = n == 2 ? gt_select(y[1], 0, 0)
                            : gt_make_grid(gt_concat(y, n, 0), .nrow = 4, .pad_value = 1);
    if (gt_image_save(out, s->out) == GT_OK)
        printf("%s: %s\n", n == 2 ? "the picture filtered" : "the picture, then filtered", s->out);
}

int main(int argc, char **argv)
{
    settings s = {.out = "filters.png", .direction = NAN};
    gt_program_option options[N_FILTERS + 5] = {
        {"FILE", NULL, "a PNG or JPEG picture (a test picture)", .text = &s.in},
        {"--out", "FILE", "picture to write (filters.png)", .text = &s.out, .ends = ".png"},
        {"--strict", NULL, "strict convolution: the kernels flipped", .on = &s.strict},
        {"--direction", "D", "edges orthogonal to the direction of D degrees, 90: down",
         .number = &s.direction, .least = -360},
    };
    for (int i = 0; i < N_FILTERS; i++)
        options[4 + i] =
            (gt_program_option){filters[i].name, NULL, filters[i].meaning, .on = &s.chosen[i]};
    return gt_program_main(
        argc, argv,
        "Convolves a picture with kernels made by hand: those asked for, or all. "
        "One result is written\nas it is; several on a sheet, in rows of four: the "
        "picture, then the results in the order\nof this list, --direction last.",
        run, &s, options);
}

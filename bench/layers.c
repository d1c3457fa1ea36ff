/* Convolutions, a pass at a time: y, the gradients dx and dw, with recording off.
 *
 * Usage: layers [LAYER_PASS...], by default all for one image; a pass is y, dx or dw:
 * "depthwise_dw", or - for words on stdin. What is measured stands in layers.def. */
#include <gradtape.h>

#include "bench.h"

enum { plain, transposed, f64 }; /* kinds of layers.def */

typedef struct {
    const char *name;
    int64_t n, c, h, w, k;
    int kh, kw, stride, padding, dilation, groups, kind;
} layer;

static const layer layers[] = {
#define LAYER(name, n, c, h, w, k, kh, kw, stride, padding, dilation, groups, kind)                \
    {#name, n, c, h, w, k, kh, kw, stride, padding, dilation, groups, kind},
#include "layers.def"
#undef LAYER
};
enum { N_LAYERS = sizeof layers / sizeof *layers };

static const char *const passes[] = {"y", "dx", "dw"};

typedef struct {
    gt_ctx *gt;
    gt_tensor *x, *weight, *dy;
    const layer *l;
    int pass;
    gt_mark start;
} world;

/* Paddings of height and width; a row of a sequence has none above. */
#define GEOMETRY(l)                                                                                \
    .stride = {l->h == 1 ? 1 : l->stride, l->stride},                                              \
    .padding = {l->h == 1 || !l->padding ? GT_ZERO : l->padding,                                   \
                l->padding ? l->padding : GT_ZERO},                                                \
    .dilation = {l->dilation, l->dilation}, .groups = l->groups

static gt_tensor *forward(world *w)
{
    const layer *l = w->l;
    if (l->kind == transposed) return gt_conv_transpose2d(w->x, w->weight, GEOMETRY(l));
    return gt_conv2d(w->x, w->weight, GEOMETRY(l));
}

/* The gradients of a transposed convolution are a convolution and its dw. */
static void turn(void *work)
{
    world *w = work;
    const layer *l = w->l;
    const gt_conv2d_opts o = {GEOMETRY(l)};
    gt_rewind(w->gt, w->start);
    if (w->pass == 0) forward(w);
    else if (w->pass == 1 && l->kind == transposed) gt_conv2d_(w->dy, w->weight, o);
    else if (w->pass == 1) gt_conv2d_dx(w->dy, w->weight, w->x->shape, o);
    else if (l->kind == transposed) gt_conv2d_dw(w->dy, w->x, w->weight->shape, o);
    else gt_conv2d_dw(w->x, w->dy, w->weight->shape, o);
}

static void measure(const layer *l, int64_t images, int pass, const char *name)
{
    world w = {.gt = gt_open(), .l = l, .pass = pass};
    const gt_dtype dtype = l->kind == f64 ? GT_F64 : GT_F32;
    const gt_shape weight = l->kind == transposed ? GT_SHAPE(l->c, l->k / l->groups, l->kh, l->kw)
                                                  : GT_SHAPE(l->k, l->c / l->groups, l->kh, l->kw);
    gt_set_recording(w.gt, false);
    w.x = gt_randn(w.gt, GT_SHAPE(images, l->c, l->h, l->w), .dtype = dtype);
    w.weight = gt_randn(w.gt, weight, .dtype = dtype);
    const gt_tensor *const y = forward(&w);
    if (y) w.dy = gt_randn(w.gt, y->shape, .dtype = dtype);
    w.start = gt_mark_tape(w.gt);
    bench_row(name, turn, &w);
    if (gt_failed(w.gt)) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
}

/* `one`: for one image, unless it is NULL. */
static bool answer(void *one, const char *name)
{
    char word[64];
    for (int i = 0; i < N_LAYERS; i++)
        for (int pass = 0; pass < 3; pass++) {
            snprintf(word, sizeof word, "%s_%s", layers[i].name, passes[pass]);
            if (strcmp(name, word) == 0)
                return measure(&layers[i], one ? 1 : layers[i].n, pass, name), true;
        }
    return false;
}

int main(int argc, char **argv)
{
    bool fine = true;
    char word[64];
    for (int i = 0; argc < 2 && i < 3 * N_LAYERS; i++) {
        snprintf(word, sizeof word, "%s_%s", layers[i / 3].name, passes[i % 3]);
        answer(word, word);
    }
    for (int i = 1; fine && i < argc; i++) fine = bench_answer(argv[i], answer, NULL);
    return !fine;
}

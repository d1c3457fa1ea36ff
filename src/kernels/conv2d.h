/* Convolutions: what is computed, and the plan of how. */
#ifndef GTI_KERNELS_CONV2D_H
#define GTI_KERNELS_CONV2D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A two-dimensional cross-correlation. Row-major: x [n,c,h,w], weight [k,c/groups,kh,kw],
 * y [n,k,oh,ow]; as a rule oh = (h + 2 ph - dh (kh - 1) - 1) / sh + 1, ow likewise, but other sizes
 * are fine: what windows read beyond the end of x is 0, like padding. Output channel j of group g
 * reads the input channels g c/groups .. (g + 1) c/groups - 1. */
typedef struct {
    int64_t n, c, h, w;
    int64_t k, kh, kw;
    int64_t oh, ow;
    int64_t sh, sw, ph, pw, dh, dw;
    int64_t groups;
} gti_conv2d;

/* What is computed of y = x * weight. */
typedef enum {
    GTI_CONV2D_Y,  /* y from x and weight */
    GTI_CONV2D_DX, /* from dy and weight the gradient of <dy, y> in x */
    GTI_CONV2D_DW, /* from x and dy that in weight */
} gti_conv2d_pass;

/* The ways that a pass can go; tests see that each is gone. */
#define GTI_CONV2D_WAYS(WAY)                                                                       \
    WAY(PLAIN)     /* a pair of channels after the other */                                        \
    WAY(COLUMNS)   /* products with columns */                                                     \
    WAY(POINTWISE) /* products with the images themselves */                                       \
    WAY(FEW)       /* pixels: products with the weights as they lie */                             \
    WAY(PLANES)                                                                                    \
    WAY(LANES)  /* of images */                                                                    \
    WAY(BLOCKS) /* of channels */                                                                  \
    WAY(WINOGRAD)                                                                                  \
    WAY(DEPTHWISE)
typedef enum {
#define GTI_CONV2D_WAY(name) GTI_CONV2D_##name,
    GTI_CONV2D_WAYS(GTI_CONV2D_WAY)
#undef GTI_CONV2D_WAY
        GTI_N_CONV2D_WAYS
} gti_conv2d_way;

typedef struct gti_conv2d_plan gti_conv2d_plan;

/* Inputs a and b and the output of a pass, and its memory, 64-byte aligned and of undefined
 * content before: what the stages share, what a worker has for itself, and what stage 0 derives
 * from b alone, which need not run where that is there. */
typedef struct {
    const void *a, *b, *bias; /* bias: a number for each channel of out, or NULL */
    void *out, *shared, *scratch, *derived;
} gti_conv2d_io;

/* Items begin to end of a stage. Stages come one after another; the items of one in any order,
 * several at a time, joined in any way. */
typedef void gti_conv2d_run(const gti_conv2d_plan *p, const gti_conv2d_io *io, int64_t begin,
                            int64_t end);
/* A pass over `images` images, the first of which is at the pointers, without bias. Of dw it writes
 * the sum. */
typedef void gti_conv2d_images(const gti_conv2d_plan *p, int64_t images, const void *a,
                               const void *b, void *out, void *scratch);

enum { GTI_CONV2D_STAGES = 3 };

/* All that decides, besides b, what stage 0 derives. */
typedef struct {
    gti_conv2d_run *by;
    int32_t of[12];
} gti_conv2d_key;

struct gti_conv2d_plan {
    /* The question. chunks: into how many sums, at least 1, the images of DW may be divided. */
    gti_conv2d s;
    gti_conv2d_pass pass;
    int64_t chunks;
    /* The answer; sizes and items are 0 before. cost: of an item, in multiplications; no items
     * where there is no such stage. */
    struct {
        gti_conv2d_run *run;
        int64_t items;
        double cost;
    } stage[GTI_CONV2D_STAGES];
    size_t shared, scratch, derived; /* bytes of gti_conv2d_io */
    gti_conv2d_key key;              /* where something is derived */
    gti_conv2d_way way;
    bool settled; /* there is nothing better: levels above leave it alone */
    /* What a level notes for itself. */
    gti_conv2d_images *images;
    int64_t rows, sums, lot; /* images that are kept together */
    bool pointwise;
};

/* Multiplications of one image. */
static inline double gti_conv2d_work(const gti_conv2d *s)
{
    const int64_t channels = s->groups == 1 ? s->c : s->c / s->groups;
    return (double)(channels * s->kh * s->kw) * (double)(s->k * s->oh * s->ow);
}

#endif

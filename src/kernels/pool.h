/* Kernels for pooling and for windows as columns. Images are planes [planes,h,w] in, [planes,oh,ow]
 * out; batch and channels are one dimension. All sizes are positive, but for planes. */
#ifndef GTI_KERNELS_POOL_H
#define GTI_KERNELS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Windows of kh x kw taps, dh and dw apart; window (i,j) begins at row i sh - ph, column j sw - pw.
 */
typedef struct {
    int64_t planes, h, w, oh, ow;
    int64_t kh, kw, sh, sw, ph, pw, dh, dw;
} gti_pool2d;

/* Whether windows are one or two rows of two columns, all inside, and share no column. */
static inline bool gti_pool_is_pairs(const gti_pool2d *s)
{
    const bool columns = s->kw == 2 && s->sw == 2 && s->dw == 1 && s->pw == 0;
    const bool rows = s->kh <= 2 && s->dh == 1 && s->ph == 0;
    return columns && rows && 2 * s->ow <= s->w && (s->oh - 1) * s->sh + s->kh <= s->h;
}

/* The inputs lo .. hi - 1 of a window along one dimension, at least one, and the number that counts
 * for the mean (which may include padding). */
typedef struct {
    int64_t lo, hi;
    double count;
} gti_span;

/* Windows that are any rows times any columns. */
typedef struct {
    int64_t planes, h, w, oh, ow;
    const gti_span *rows, *cols; /* [oh], [ow] */
    double divisor;              /* of means; 0: the product of both counts */
    void *row;                   /* working memory, [w + ow] */
} gti_windows;

/* Together, since a kernel knows the scratch it needs. */
typedef struct {
    /* y = the greatest element of each window, index = its place in the plane, i w + j. Of equals
     * the first counts, of NaNs, which are greater than numbers, the last. A window without
     * elements gives -infinity and -1. h w <= 2^30. */
    void (*run)(const gti_pool2d *s, const void *x, void *y, int64_t *index, void *scratch);
    size_t (*scratch)(const gti_pool2d *s);
} gti_max_pool_kernels;

typedef struct {
    gti_max_pool_kernels max_pool;
    /* The same where gti_pool_is_pairs. */
    void (*max_pairs)(const gti_pool2d *s, const void *x, void *y, int64_t *index);
    /* The same for other windows. */
    void (*max_windows)(const gti_windows *s, const void *x, void *y, int64_t *index);
    /* y[p,i] = x[p,index[p,i]], i < n, x [planes,size]; 0 where the index lies outside. */
    void (*gather)(int64_t planes, int64_t size, int64_t n, const void *x, const int64_t *index,
                   void *y);
    /* dx = the gradient of sum(dy . y) in x */
    void (*gather_dx)(int64_t planes, int64_t size, int64_t n, const void *dy, const int64_t *index,
                      void *dx);
    /* y = the sum of each window over its divisor */
    void (*mean_windows)(const gti_windows *s, const void *x, void *y);
    /* dx = the gradient of sum(dy . y) in x */
    void (*mean_windows_dx)(const gti_windows *s, const void *dy, void *dx);
} gti_pool_kernels;

#endif

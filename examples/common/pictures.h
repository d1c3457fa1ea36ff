/* Many pictures as one, to be saved as a PNG file. */
#ifndef GT_EXAMPLES_PICTURES_H
#define GT_EXAMPLES_PICTURES_H

#include <gradtape.h>

/* Pictures x [n,c,h,w], each pixel a square of `zoom` pixels, in rows of `columns` with white lines
 * between them: [c,rows (h zoom + 2) - 2,columns (w zoom + 2) - 2]. */
static inline gt_tensor *picture_grid(gt_tensor *x, int64_t columns, int64_t zoom)
{
    if (!x) return NULL;
    const int64_t *d = x->shape.dim, n = d[0], rows = (n + columns - 1) / columns;
    const int64_t h = d[2] * zoom + 2, w = d[3] * zoom + 2;
    x = gt_interpolate(x, h - 2, w - 2);
    x = gt_pad(x, .pad = {0, 2, 0, 2, 0, 0, 0, rows * columns - n}, .value = 1);
    x = gt_permute(gt_reshape(x, GT_SHAPE(rows, columns, d[1], h, w)), 2, 0, 3, 1, 4);
    x = gt_reshape(x, GT_SHAPE(d[1], rows * h, columns * w));
    return gt_slice(gt_slice(x, 1, 0, -2), 2, 0, -2);
}

/* x [n,c,h,w] with each picture's values stretched to 0..1. */
static inline gt_tensor *picture_contrast(gt_tensor *x)
{
    gt_tensor *low = gt_amin(x, .axes = GT_AXES(1, 2, 3), .keepdim = true);
    gt_tensor *high = gt_amax(x, .axes = GT_AXES(1, 2, 3), .keepdim = true);
    return gt_div(gt_sub(x, low), gt_add_scalar(gt_sub(high, low), 1e-12));
}

/* n pictures of up to 16, [c,h,w] each with the same c, one below the other on white. */
static inline gt_tensor *picture_column(gt_tensor *const *picture, int n)
{
    gt_tensor *row[16];
    int64_t w = 0;
    for (int i = 0; i < n; i++) {
        if (!picture[i]) return NULL;
        if (w < picture[i]->shape.dim[2]) w = picture[i]->shape.dim[2];
    }
    for (int i = 0; i < n; i++)
        row[i] = gt_pad(picture[i], .pad = {0, w - picture[i]->shape.dim[2], 0, i < n - 1 ? 8 : 0},
                        .value = 1);
    return gt_concat(row, n, 1);
}

#endif

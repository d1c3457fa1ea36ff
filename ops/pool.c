#include "pool.h"

#include <gradtape/autograd.h>

gti_pool2d gti_pool_describe(const gti_pool_opts *o, const gt_shape *x, const gt_shape *y)
{
    gti_pool2d s = {.planes = x->dim[0] * x->dim[1], .h = gti_height(x), .w = gti_width(x)};
    s.kh = o->kernel[0], s.kw = o->kernel[1];
    s.sh = o->stride[0], s.sw = o->stride[1];
    s.dh = o->dilation[0], s.dw = o->dilation[1];
    s.ph = o->padding[0], s.pw = o->padding[1];
    if (y) s.oh = gti_height(y), s.ow = gti_width(y);
    return s;
}

static bool pool_check_padding(const gt_node *n, int rank, const gti_pool2d *s)
{
    return (s->ph <= s->kh / 2 && s->pw <= s->kw / 2) ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "padding is %s, must be at most half the kernel %s",
                      GTI_PAIR_TEXT(rank, s->ph, s->pw), GTI_SIZE_TEXT(rank, s->kh, s->kw));
}

/* Whether there is a window; under ceil_mode the input may end before the last stride of it. */
static bool has_room(gti_side side, int64_t stride, bool ceil)
{
    return side.padded - side.window > (ceil ? -stride : -1);
}

/* The number of windows. Under ceil_mode one more where a rest is left, if it begins inside the
 * input or the padding before it. */
static int64_t pool_count_windows(gti_side side, int64_t in, int64_t stride, int64_t padding,
                                  bool ceil)
{
    const int64_t way = side.padded - side.window;
    if (way < 0) return 1;
    const int64_t count = gti_windows_in(side, stride);
    return ceil && way % stride != 0 && count * stride < in + padding ? count + 1 : count;
}

static bool check_windows(const gt_node *n, int rank, gti_pool2d *s)
{
    const bool ceil = ((const gti_pool_opts *)n->opts)->ceil_mode;
    gti_side h, w;
    if (!gti_side_of(s->h, 2 * s->ph, s->kh, s->dh, &h) ||
        !gti_side_of(s->w, 2 * s->pw, s->kw, s->dw, &w))
        return gti_window_fail_side(n);
    if (!has_room(h, s->sh, ceil) || !has_room(w, s->sw, ceil))
        return gti_window_check_fits(n, rank, h, w, s->dh > 1 || s->dw > 1);
    s->oh = pool_count_windows(h, s->h, s->sh, s->ph, ceil);
    s->ow = pool_count_windows(w, s->w, s->sw, s->pw, ceil);
    return true;
}

bool gti_pool_infer(const gt_node *n, int rank, const gt_shape *x, gti_pool2d *s, gt_shape *y)
{
    if (!gti_window_check_images(n, rank, "x", x) || !gti_window_check_pixels(n, x)) return false;
    *s = gti_pool_describe(n->opts, x, NULL);
    if (!pool_check_padding(n, rank, s) || !check_windows(n, rank, s)) return false;
    gti_set_image_shape(y, rank, x->dim[0], x->dim[1], s->oh, s->ow);
    return true;
}

gt_window gti_pool_window(const gt_node *n)
{
    const gti_pool2d s = gti_pool_describe(n->opts, &n->in[0]->shape, NULL);
    return (gt_window){.kernel = {(s.kh - 1) * s.dh + 1, (s.kw - 1) * s.dw + 1},
                       .stride = {s.sh, s.sw}};
}

/* --- planes and windows --- */

enum { COST = 4 }; /* of a pixel in or out */

static double pool_plane_size(const gt_shape *x)
{
    return (double)gti_height(x) * (double)gti_width(x);
}

void gti_pool_planes_divide(gt_node *n, const gt_shape *from, const gt_shape *to)
{
    if (pool_plane_size(to) > 0)
        n->parts[0] = gt_parts(n, to->dim[0] * to->dim[1],
                               COST * (pool_plane_size(from) + pool_plane_size(to)));
}

gti_items gti_pool_planes_of(const gt_node *n, const gt_range *r, const gt_shape *x)
{
    return gti_items_of(n, r, x->dim[0] * x->dim[1]);
}

bool gti_pool_windows_scratch(gt_node *n, const gt_shape *x, const gt_shape *y)
{
    int64_t spans, bytes, columns, row;
    if (x->dim[0] == 0 || x->dim[1] == 0) return true;
    if (!gti_size_add(gti_height(y), gti_width(y), &spans) ||
        !gti_size_mul(spans, sizeof(gti_span), &bytes) ||
        !gti_size_add(gti_width(x), gti_width(y), &columns) ||
        !gti_size_mul(columns, sizeof(double), &row) || !gti_size_add(bytes, row, &bytes))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size of the output %s overflows",
                          GTI_SHAPE_TEXT(*y));
    n->worker_scratch = (size_t)bytes;
    return true;
}

gti_windows gti_pool_windows_begin(const gt_node *n, const gt_range *r, const gt_shape *x,
                                   const gt_shape *y, gti_span **rows, gti_span **cols)
{
    const int64_t oh = gti_height(y), ow = gti_width(y);
    *rows = r->scratch;
    *cols = *rows + oh;
    return (gti_windows){.planes = gti_pool_planes_of(n, r, x).count,
                         .h = gti_height(x),
                         .w = gti_width(x),
                         .oh = oh,
                         .ow = ow,
                         .rows = *rows,
                         .cols = *cols,
                         .row = *cols + ow};
}

void gti_pool_adaptive_spans(int64_t in, int64_t out, gti_span *span)
{
    for (int64_t i = 0; i < out; i++) {
        const int64_t lo = i / out * in + i % out * in / out;
        const int64_t hi = ((i + 1) * in + out - 1) / out;
        span[i] = (gti_span){lo, hi, (double)(hi - lo)};
    }
}

gt_tensor *gti_pool_call(const gt_op *op, int rank, const void *opts, gt_tensor *x,
                         gt_tensor **indices)
{
    const bool single = gti_window_is_single(x, rank);
    gt_tensor *out[GT_OP_OUTPUTS] = {NULL};
    if (indices) *indices = NULL;
    if (single) x = gti_window_add_batch(x);
    if (single && !x) return NULL;
    gt_apply_n(op, opts, 1, &x, out);
    if (indices) *indices = single ? gti_window_drop_batch(out[1]) : out[1];
    else if (out[1]) gt_release(out[1]);
    return single ? gti_window_drop_batch(out[0]) : out[0];
}

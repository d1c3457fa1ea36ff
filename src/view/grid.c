/* Many pictures as one. */
#include <gradtape/op.h>
#include <gradtape/view.h>
#include <math.h>

static bool is_batch(const gt_tensor *x)
{
    char shape[128];
    if (!x) return gt_fail(NULL, GT_ERR_ARGUMENT, "make_grid", "x is NULL"), false;
    if (gt_failed(x->ctx)) return false;
    const char *why = gt_unusable(x);
    if (why) return gt_fail(x->ctx, GT_ERR_STATE, "make_grid", "x %s", why), false;
    if (x->shape.ndim == 4 && x->shape.dim[0] > 0) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, "make_grid", "x %s is no batch of pictures [n,c,h,w]",
            gt_shape_format(x->shape, shape, sizeof shape));
    return false;
}

static bool are_sound(gt_ctx *gt, int64_t nrow, int64_t padding, const double *range)
{
    const int64_t most = 1 << 20;
    if (nrow > 0 && nrow <= most && padding >= 0 && padding <= most && range[0] <= range[1])
        return true;
    gt_fail(gt, GT_ERR_ARGUMENT, "make_grid",
            "nrow = %lld must be from 1, padding = %lld from 0, to %lld, and value_range = "
            "{%g, %g} go up",
            (long long)nrow, (long long)padding, (long long)most, range[0], range[1]);
    return false;
}

/* x with its values moved from a range to 0..1, those outside to its nearest end. */
static gt_tensor *stretch(gt_tensor *x, const double *range, bool each)
{
    if (range[0] != range[1])
        return gt_div_scalar(gt_sub_scalar(gt_clamp(x, range[0], range[1]), range[0]),
                             range[1] - range[0]);
    const unsigned axes = each ? GT_AXES(1, 2, 3) : 0;
    gt_tensor *low = gt_amin(x, .axes = axes, .keepdim = true);
    gt_tensor *high = gt_amax(x, .axes = axes, .keepdim = true);
    return gt_div(gt_sub(x, low), gt_clamp(gt_sub(high, low), 1e-5, INFINITY));
}

gt_tensor *gt_make_grid_(gt_tensor *x, gt_make_grid_opts o)
{
    const int64_t nrow = gt_option_int(o.nrow, 8), p = gt_option_int(o.padding, 2);
    const double range[2] = {gt_option(o.value_range[0], 0), gt_option(o.value_range[1], 0)};
    const double between = gt_option(o.pad_value, 0);
    if (!is_batch(x) || !are_sound(x->ctx, nrow, p, range)) return NULL;
    const int64_t *d = x->shape.dim, columns = d[0] < nrow ? d[0] : nrow;
    const int64_t rows = (d[0] + columns - 1) / columns;
    const gt_shape cells = GT_SHAPE(rows, columns, d[1], d[2] + p, d[3] + p);
    const gt_shape sheet = GT_SHAPE(d[1], rows * (d[2] + p), columns * (d[3] + p));
    if (o.normalize) x = stretch(x, range, o.scale_each);
    x = gt_pad(x, .pad = {0, p, 0, p, 0, 0, 0, rows * columns - d[0]}, .value = between);
    x = gt_reshape(gt_permute(gt_reshape(x, cells), 2, 0, 3, 1, 4), sheet);
    return gt_pad(x, .pad = {p, 0, p, 0}, .value = between);
}

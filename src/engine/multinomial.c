/* Categories drawn with given weights, from the context's generator and in PyTorch's ways: of one,
 * or of several without replacement, the largest w / e, e being exponential; with replacement where
 * uniform numbers fall among the sums of the weights. */
#include <math.h>

#include "base/random.h"
#include "engine/context.h"
#include <gradtape/ops.h>

static const char what[] = "multinomial";

/* In [0,1), of 53 bits. */
static double draw_double(gti_random *r)
{
    return (double)(gti_random_u64(r) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* --- without replacement --- */

/* {e} */
static bool draw_exponentials(gt_tensor *const t[], const void *data)
{
    (void)data;
    for (int64_t i = 0; i < t[0]->size; i++)
        gt_store_element(t[0], i, -log1p(-draw_double(&t[0]->ctx->random)));
    return true;
}

static gt_tensor *draw_apart(gt_tensor *w, int64_t n)
{
    gt_tensor *at = NULL, *e = gt_empty_like(w);
    if (!e || !gt_host_call(w->ctx, draw_exponentials, 1, &e, NULL, 0)) return NULL;
    gt_tensor *race = gt_div(w, e);
    if (n == 1) return gt_argmax(race, -1, .keepdim = true);
    gt_topk(race, n, -1, .indices = &at);
    return at;
}

/* --- with replacement --- */

/* sums[j] = w[0] + .. + w[j], divided by the last; w begins at `first`. In w's precision. */
static void add_up(const gt_tensor *w, int64_t first, gt_tensor *sums)
{
    const int64_t c = sums->size;
    double sum = 0;
    for (int64_t j = 0; j < c; j++) {
        sum += gt_load_element(w, first + j);
        gt_store_element(sums, j, sum);
        sum = gt_load_element(sums, j);
    }
    for (int64_t j = 0; j < c; j++) gt_store_element(sums, j, gt_load_element(sums, j) / sum);
    gt_store_element(sums, c - 1, 1);
}

/* The first place whose sum is not below u. */
static int64_t find_sum(const gt_tensor *sums, double u)
{
    int64_t low = 0, high = sums->size;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (gt_load_element(sums, mid) < u) low = mid + 1;
        else high = mid;
    }
    return low;
}

/* {index, weights, room for the sums of a row} */
static bool draw_rows(gt_tensor *const t[], const void *data)
{
    (void)data;
    const int64_t c = t[2]->size, rows = t[1]->size / c, n = t[0]->size / rows;
    for (int64_t row = 0; row < rows; row++) {
        add_up(t[1], row * c, t[2]);
        for (int64_t i = 0; i < n; i++) {
            const double u = draw_double(&t[0]->ctx->random);
            gt_store_element(t[0], row * n + i, (double)find_sum(t[2], u));
        }
    }
    return true;
}

static gt_tensor *draw_again(gt_tensor *w, int64_t n)
{
    gt_shape shape = w->shape;
    const int64_t c = shape.dim[shape.ndim - 1];
    shape.dim[shape.ndim - 1] = n;
    gt_tensor *t[3] = {gt_empty(w->ctx, shape, .dtype = GT_I64), w,
                       gt_empty(w->ctx, GT_SHAPE(c), .dtype = w->dtype)};
    if (!t[0] || !t[2]) return NULL;
    return t[0]->size == 0 || gt_host_call(w->ctx, draw_rows, 3, t, NULL, 0) ? t[0] : NULL;
}

/* --- the function --- */

static bool refuse_weight(const gt_tensor *w, int64_t row, const char *why)
{
    gt_fail(w->ctx, GT_ERR_ARGUMENT, what, "the weights of row %lld %s", (long long)row, why);
    return false;
}

static bool check_weights(const gt_tensor *w)
{
    const int64_t c = w->shape.dim[w->shape.ndim - 1];
    for (int64_t first = 0; c > 0 && first < w->size; first += c) {
        double sum = 0, least = 0;
        for (int64_t j = 0; j < c; j++) {
            const double v = gt_load_element(w, first + j);
            sum += v;
            least = v < least ? v : least;
        }
        if (least < 0) return refuse_weight(w, first / c, "include one below 0");
        if (!isfinite(sum)) return refuse_weight(w, first / c, "are not finite");
        if (sum <= 0) return refuse_weight(w, first / c, "are all 0");
    }
    return true;
}

static bool check_multinomial(gt_tensor *w, int64_t n, bool replacement)
{
    if (!gti_tensor_usable(w, what)) return false;
    char shape[128];
    const int ndim = w->shape.ndim;
    const int64_t c = ndim > 0 ? w->shape.dim[ndim - 1] : 0;
    if (!gt_is_floating(w->dtype))
        gt_fail(w->ctx, GT_ERR_DTYPE, what, "the weights are %s, must be f32 or f64",
                gt_dtype_name(w->dtype));
    else if (ndim < 1 || ndim > 2 || c < 1)
        gt_fail(w->ctx, GT_ERR_SHAPE, what, "the weights are %s, must be [c] or [rows,c]",
                gt_shape_format(w->shape, shape, sizeof shape));
    else if (n < 1 || (!replacement && n > c))
        gt_fail(w->ctx, GT_ERR_ARGUMENT, what, "%lld of %lld categories%s", (long long)n,
                (long long)c,
                n < 1 ? "; must be at least 1" : " cannot be drawn without .replacement");
    else return check_weights(w);
    return false;
}

gt_tensor *gt_multinomial_(gt_tensor *weights, int64_t n, gt_multinomial_opts opts)
{
    if (!check_multinomial(weights, n, opts.replacement)) return NULL;
    const bool recording = gt_set_recording(weights->ctx, false);
    gt_tensor *at = opts.replacement && n > 1 ? draw_again(weights, n) : draw_apart(weights, n);
    gt_set_recording(weights->ctx, recording);
    return at;
}

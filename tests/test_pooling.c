/* Pools and resizing: values and first gradients against PyTorch's (reference/pool.txt, written by
 * tools/reference_pool.py), what stands at the edges of the definition, and what calls refuse. */
#include "reference.h"

/* --- how to call each operation --- */

typedef struct {
    int n[12];
} numbers;

static numbers whole(const double *o, int n)
{
    numbers w = {0};
    for (int i = 0; i < n && i < 12; i++) w.n[i] = (int)o[i];
    return w;
}

static gt_tensor *max2d(gt_tensor *x, const numbers w, gt_tensor **indices)
{
    return gt_max_pool2d(x, .kernel = {w.n[0], w.n[1]}, .stride = {w.n[2], w.n[3]},
                         .padding = EXACTLY(w.n[4], w.n[5]), .dilation = {w.n[6], w.n[7]},
                         .ceil_mode = w.n[8] != 0, .indices = indices);
}

static gt_tensor *max1d(gt_tensor *x, const numbers w, gt_tensor **indices)
{
    return gt_max_pool1d(x, .kernel = w.n[0], .stride = w.n[1], .padding = w.n[2],
                         .dilation = w.n[3], .ceil_mode = w.n[4] != 0, .indices = indices);
}

static gt_tensor *adaptive_max2d(gt_tensor *x, const numbers w, gt_tensor **indices)
{
    return gt_adaptive_max_pool2d(x, w.n[0], w.n[1], .indices = indices);
}

static gt_tensor *adaptive_max1d(gt_tensor *x, const numbers w, gt_tensor **indices)
{
    return gt_adaptive_max_pool1d(x, w.n[0], .indices = indices);
}

/* What stands in v where x has its maxima; 0 y gives x a gradient. */
static gt_tensor *where(gt_tensor *const in[], const numbers w,
                        gt_tensor *(*pool)(gt_tensor *x, const numbers w, gt_tensor **indices))
{
    gt_tensor *indices, *y = pool(in[0], w, &indices);
    return gt_add(gt_max_pool2d_at(in[1], indices), gt_mul_scalar(y, 0));
}

static gt_tensor *avg2d(gt_tensor *x, const numbers w)
{
    return gt_avg_pool2d(x, .kernel = {w.n[0], w.n[1]}, .stride = {w.n[2], w.n[3]},
                         .padding = EXACTLY(w.n[4], w.n[5]), .ceil_mode = w.n[6] != 0,
                         .exclude_pad = w.n[7] != 0, .divisor_override = w.n[8]);
}

static gt_tensor *avg1d(gt_tensor *x, const numbers w)
{
    return gt_avg_pool1d(x, .kernel = w.n[0], .stride = w.n[1], .padding = w.n[2],
                         .ceil_mode = w.n[3] != 0, .exclude_pad = w.n[4] != 0);
}

/* mode, align_corners and, if there are more than 2, the scale */
static gt_interpolate_opts resizing(const double *o, int n)
{
    return (gt_interpolate_opts){.mode = o[0] != 0 ? GT_BILINEAR : GT_NEAREST,
                                 .align_corners = o[1] != 0,
                                 .scale = {n > 2 ? o[2] : 0, n > 2 ? o[3] : 0}};
}

static gt_shape shape(int ndim, const double *o)
{
    int64_t dim[GT_MAX_DIMS];
    for (int i = 0; i < ndim; i++) dim[i] = (int64_t)o[i];
    return gt_shape_of(ndim, dim);
}

static gt_tensor *avg2d_dx(gt_tensor *dy, const double *o)
{
    return gt_avg_pool2d_dx(dy, shape(4, o + 9),
                            (gt_avg_pool2d_opts){.kernel = {(int)o[0], (int)o[1]},
                                                 .stride = {(int)o[2], (int)o[3]},
                                                 .padding = EXACTLY((int)o[4], (int)o[5]),
                                                 .ceil_mode = o[6] != 0});
}

/* The indices behind the number of dimensions, x's shape and their own. */
static gt_tensor *indices_of(gt_tensor *t, const double *o)
{
    const int ndim = (int)o[0];
    gt_tensor *indices = gt_empty(t->ctx, shape(ndim, o + 1 + ndim), .dtype = GT_I64);
    for (int64_t i = 0; i < indices->size; i++)
        ((int64_t *)indices->data)[i] = (int64_t)o[1 + 2 * ndim + i];
    return indices;
}

#define X in[0]
#define W whole(o, n)
#define CALLS(ROW)                                                                                 \
    ROW(max_pool2d, max2d(X, W, NULL))                                                             \
    ROW(max_pool2d_where, where(in, W, max2d))                                                     \
    ROW(max_pool1d, max1d(X, W, NULL))                                                             \
    ROW(max_pool1d_where, where(in, W, max1d))                                                     \
    ROW(max_pool2d_at, gt_max_pool2d_at(X, indices_of(X, o)))                                      \
    ROW(max_pool2d_dx, gt_max_pool2d_dx(X, indices_of(X, o), shape((int)o[0], o + 1)))             \
    ROW(avg_pool2d_dx, avg2d_dx(X, o))                                                             \
    ROW(adaptive_avg_pool2d_dx, gt_adaptive_avg_pool2d_dx(X, shape(4, o)))                         \
    ROW(interpolate_dx, gt_interpolate_dx(X, shape(4, o), resizing(o + 4, n - 4)))                 \
    ROW(avg_pool2d, avg2d(X, W))                                                                   \
    ROW(avg_pool1d, avg1d(X, W))                                                                   \
    ROW(adaptive_avg_pool2d, gt_adaptive_avg_pool2d(X, W.n[0], W.n[1]))                            \
    ROW(adaptive_avg_pool1d, gt_adaptive_avg_pool1d(X, W.n[0]))                                    \
    ROW(adaptive_max_pool2d, adaptive_max2d(X, W, NULL))                                           \
    ROW(adaptive_max_pool2d_where, where(in, W, adaptive_max2d))                                   \
    ROW(adaptive_max_pool1d, adaptive_max1d(X, W, NULL))                                           \
    ROW(adaptive_max_pool1d_where, where(in, W, adaptive_max1d))                                   \
    ROW(global_avg_pool2d, gt_global_avg_pool2d(X))                                                \
    ROW(global_max_pool2d, gt_global_max_pool2d(X))                                                \
    ROW(interpolate, gt_interpolate_(X, (int64_t)o[0], (int64_t)o[1], resizing(o + 2, n - 2)))

CALLS(REFERENCE_CALL)
static const reference_caller callers[] = {CALLS(REFERENCE_ROW){NULL, NULL, false}};

static void test_references(void **state)
{
    (void)state;
    check_references("pool.txt", callers, 150);
}

/* --- the edges of the definition --- */

static gt_tensor *tensor(gt_ctx *gt, gt_dtype dtype, gt_shape shape, size_t n, const double *v)
{
    return gt_values_(gt, shape, n, v, (gt_new_opts){.dtype = dtype, .requires_grad = true});
}

/* NaN is the greatest, the last of several counts; -infinity is taken where there is nothing else.
 */
static void test_not_a_number(void **state)
{
    gt_ctx *gt = *state;
    const double v[] = {NAN, 1, NAN, -INFINITY, 3, 3, -INFINITY, -INFINITY};
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x = tensor(gt, dtype, GT_SHAPE(1, 1, 2, 4), 8, v), *at;
        gt_tensor *y = gt_max_pool2d(x, .kernel = {2, 3}, .stride = {1}, .indices = &at);
        assert_true(isnan(element(y, 0)) && isnan(element(y, 1)));
        ASSERT_VALUES(at, 0, 2, 2);
        y = gt_adaptive_max_pool2d(x, 1, 3, .indices = &at);
        assert_true(isnan(element(y, 0)) && isnan(element(y, 1)) && isnan(element(y, 2)));
        ASSERT_VALUES(at, 0, 0, 2, 2);
        gt_tensor *low = gt_full(gt, GT_SHAPE(1, 1, 3, 3), -INFINITY, .dtype = dtype);
        y = gt_max_pool2d(low, .kernel = {3}, .stride = {2}, .padding = {1, 1}, .indices = &at);
        assert_true(element(y, 3) == -INFINITY);
        ASSERT_VALUES(at, 0, 0, 1, 3, 4);
    }
}

/* A dilated window may step over the whole input: it has no maximum and passes no gradient. */
static void test_windows_without_elements(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x = tensor(gt, dtype, GT_SHAPE(1, 1, 1, 3), 3, (double[]){5, 6, 7}), *at;
        gt_tensor *y = gt_max_pool2d(x, .kernel = {2, 1}, .stride = {1}, .padding = {1, GT_ZERO},
                                     .dilation = {2, 1}, .indices = &at);
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(1, 1, 1, 3)));
        for (int i = 0; i < 3; i++) assert_true(element(y, i) == -INFINITY);
        ASSERT_VALUES(at, 0, -1, -1, -1);
        gt_backward(gt_sum(y));
        assert_well(gt);
        ASSERT_VALUES(x->grad, 0, 0, 0, 0);
        x = tensor(gt, dtype, GT_SHAPE(1, 1, 1), 1, (double[]){5});
        y = gt_max_pool1d(x, .kernel = 4, .stride = 1, .padding = 2, .dilation = 2, .indices = &at,
                          .ceil_mode = true);
        assert_null(y);
        assert_error(gt, GT_ERR_SHAPE, "kernel 7 (dilated) is larger than the padded input 5");
        assert_null(at);
    }
}

/* Long means keep f32's precision: windows are added up by rows, then rows. */
static void test_long_means(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_full(gt, GT_SHAPE(1, 1, 512, 512), 1.1f);
    ASSERT_VALUES(gt_adaptive_avg_pool2d(x, 1, 1), 3e-5, 1.1f);
    ASSERT_VALUES(gt_avg_pool2d(x, .kernel = {512}), 3e-5, 1.1f);
    ASSERT_VALUES(gt_global_avg_pool2d(x), 1e-6, 1.1f);
}

/* 2x2 windows side by side are taken some rows at a time: more rows than that, of several planes,
 * and rows shorter than a vector. */
static const int64_t quads[][3] = {{3, 10, 120}, {40, 10, 10}, {3, 4, 6}, {1, 2, 2}, {1, 2, 1100}};

static void assert_quads_of_means(gt_ctx *gt, int64_t planes, int64_t high, int64_t wide)
{
    gt_tensor *x = gt_randn(gt, GT_SHAPE(1, planes, high, wide), .requires_grad = true);
    gt_tensor *y = gt_avg_pool2d(x, .kernel = {2}), *dy = gt_randn(gt, y->shape);
    gt_backward(y, .upstream = dy);
    const float *const dx = x->grad->data, *const xs = x->data, *const ys = y->data;
    const float *const dys = dy->data;
    for (int64_t i = 0; i < planes * high * wide / 4; i++) {
        const int64_t at = i / (wide / 2) * 2 * wide + i % (wide / 2) * 2;
        const float want = (xs[at] + xs[at + 1] + xs[at + wide] + xs[at + wide + 1]) / 4;
        assert_float_equal(ys[i], want, 1e-6f);
        for (int64_t k = 0; k < 4; k++) assert_true(dx[at + k % 2 + k / 2 * wide] == dys[i] / 4);
    }
    gt_tensor *thirds = gt_avg_pool2d(x, .kernel = {2}, .divisor_override = 3);
    for (int64_t i = 0; i < y->size; i++)
        assert_float_equal(((float *)thirds->data)[i], ys[i] * 4 / 3, 1e-6f);
}

/* Of few numbers, so that some are equal, and of NaNs. */
static void assert_quads_of_maxima(gt_ctx *gt, gt_dtype dtype, int64_t planes, int64_t high,
                                   int64_t wide)
{
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(1, planes, high, wide), .dtype = dtype), *at;
    for (int64_t i = 0; i < x->size; i++) {
        const int64_t of = i * 7919 % 13 % 5;
        gt_store_element(x, i, of == 4 ? NAN : (double)of - 2);
    }
    gt_tensor *y = gt_max_pool2d(x, .kernel = {2}, .indices = &at);
    const int64_t plane = high * wide, *const indices = at->data;
    for (int64_t i = 0; i < y->size; i++) {
        const int64_t first = i / (wide / 2) * 2 * wide + i % (wide / 2) * 2;
        int64_t best = first;
        for (int64_t k = 1; k < 4; k++) {
            const int64_t other = first + k % 2 + k / 2 * wide;
            if (element(x, other) > element(x, best) || isnan(element(x, other))) best = other;
        }
        assert_int_equal(indices[i], best % plane);
        assert_true(element(y, i) == element(x, best) || isnan(element(x, best)));
    }
}

static void test_quads(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof quads / sizeof *quads; i++) {
        const int64_t *const q = quads[i];
        assert_quads_of_means(gt, q[0], q[1], q[2]);
        assert_quads_of_maxima(gt, GT_F32, q[0], q[1], q[2]);
        assert_quads_of_maxima(gt, GT_F64, q[0], q[1], q[2]);
    }
}

/* A weight of zero does not keep an infinity out of a blend, but nearest takes nothing else. */
static void test_infinities_are_not_spread(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = tensor(gt, GT_F32, GT_SHAPE(1, 1, 1, 2), 2, (double[]){1, INFINITY});
    gt_tensor *y = gt_interpolate(x, 1, 4);
    assert_true(element(y, 0) == 1 && element(y, 1) == 1 && isinf(element(y, 2)));
    y = gt_avg_pool2d(x, .kernel = {1});
    assert_true(element(y, 0) == 1 && isinf(element(y, 1)));
}

/* Checks of derivatives cannot tell another scale, since both sides have it. */
static void test_scales_beyond_three(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = tensor(gt, GT_F64, GT_SHAPE(1, 1, 1, 4), 4, (double[]){10, 20, 40, 80});
    const gt_tensor *y = gt_interpolate(x, 1, 13, .scale = {1, 3.4});
    for (int i = 0; i < 13; i++) assert_true(element(y, i) == element(x, (int64_t)floor(i / 3.4)));
    y = gt_interpolate(x, 1, 13, .scale = {1, 3.4}, .mode = GT_BILINEAR);
    for (int i = 0; i < 13; i++) {
        const double s = fmax((i + 0.5) / 3.4 - 0.5, 0);
        const int64_t at = (int64_t)s, next = at < 3 ? at + 1 : at;
        const double a = element(x, at), b = element(x, next);
        assert_true(fabs(element(y, i) - (a + (s - (double)at) * (b - a))) < 1e-12);
    }
}

/* --- calls --- */

static void assert_refused(gt_ctx *gt, const gt_tensor *made, gt_status code, const char *message)
{
    assert_null(made);
    assert_error(gt, code, message);
}

static void test_calls_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 2, 4)), *image = gt_ones(gt, GT_SHAPE(1, 2, 4, 4));
    gt_tensor *none = gt_ones(gt, GT_SHAPE(1, 2, 0));
    assert_refused(gt, gt_max_pool1d(x), GT_ERR_ARGUMENT, "max_pool1d (test_pooling.c:");
    assert_refused(gt, gt_max_pool1d(x, .kernel = -2), GT_ERR_ARGUMENT, "kernel is -2");
    assert_refused(gt, gt_max_pool1d(x, .kernel = 2, .stride = -1), GT_ERR_ARGUMENT,
                   "stride is -1, must be positive");
    assert_refused(gt, gt_avg_pool1d(x, .kernel = 3, .padding = 2), GT_ERR_ARGUMENT,
                   "padding is 2, must be at most half the kernel 3");
    assert_refused(gt, gt_avg_pool2d(gt_ones(gt, GT_SHAPE(2, 4)), .kernel = {2}), GT_ERR_SHAPE,
                   "x [2,4] has 2 dimensions, needs 4: [n,c,h,w]");
    assert_refused(gt, gt_adaptive_avg_pool1d(image, 2), GT_ERR_SHAPE,
                   "adaptive_avg_pool1d (test_pooling.c:");
    assert_refused(gt, gt_adaptive_avg_pool1d(x, -1), GT_ERR_ARGUMENT,
                   "the output is to be -1 long, must not be negative");
    assert_refused(gt, gt_adaptive_max_pool1d(none, 2), GT_ERR_SHAPE,
                   "x [1,2,0] has no elements to pool");
    assert_refused(gt, gt_global_avg_pool2d(x), GT_ERR_SHAPE,
                   "x [1,2,4] has 3 dimensions, needs 4: [n,c,h,w]");
    assert_refused(gt, gt_global_max_pool2d(x), GT_ERR_SHAPE, "global_max_pool2d");
    assert_refused(gt, gt_interpolate(image, 4, -1), GT_ERR_ARGUMENT, "w is -1, must be positive");
    assert_well(gt);
}

static void test_null_is_refused(void **state)
{
    (void)state;
    gt_tensor *at[2], *const none[] = {gt_max_pool2d(NULL, .kernel = {2}, .indices = &at[0]),
                                       gt_adaptive_max_pool1d(NULL, 2, .indices = &at[1]),
                                       gt_avg_pool1d(NULL, .kernel = 2),
                                       gt_adaptive_avg_pool1d(NULL, 2),
                                       gt_global_avg_pool2d(NULL),
                                       gt_global_max_pool2d(NULL),
                                       gt_interpolate(NULL, 2, 2)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(none[i]);
    assert_null(at[0]);
    assert_null(at[1]);
    assert_error(NULL, GT_ERR_ARGUMENT, "interpolate");
}

static void test_indices_are_no_gradients_way(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_arange(gt, 0, 16, 1), *at;
    x = gt_reshape(x, GT_SHAPE(1, 1, 16));
    gt_tensor *y = gt_max_pool1d(x, .kernel = 4, .indices = &at);
    ASSERT_VALUES(y, 0, 3, 7, 11, 15);
    ASSERT_VALUES(at, 0, 3, 7, 11, 15);
    assert_int_equal(at->dtype, GT_I64);
    assert_false(at->requires_grad);
    assert_true(gt_same_shape(y, at));
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        FRESH(test_not_a_number),
        FRESH(test_windows_without_elements),
        FRESH(test_long_means),
        FRESH(test_quads),
        FRESH(test_scales_beyond_three),
        FRESH(test_infinities_are_not_spread),
        FRESH(test_calls_refuse),
        FRESH(test_null_is_refused),
        FRESH(test_indices_are_no_gradients_way),
    };
    return cmocka_run_group_tests_name("pooling", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

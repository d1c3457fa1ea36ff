/* Normalisations: values and first gradients against PyTorch's (reference/normalize.txt, written by
 * tools/reference_normalize.py), running statistics, and what large means and odd calls do. */
#include <math.h>

#include "reference.h"

/* --- how to call each operation --- */

/* Of the parameters that bits 1 (weight) and 2 (bias) of `given` announce, behind in[0]. */
static gt_tensor *weight_of(gt_tensor *const in[], double given)
{
    return (int)given & 1 ? in[1] : NULL;
}

static gt_tensor *bias_of(gt_tensor *const in[], double given)
{
    return (int)given & 2 ? in[(int)given & 1 ? 2 : 1] : NULL;
}

#define AFFINE(given) .weight = weight_of(in, given), .bias = bias_of(in, given)

static gt_normalize_layout layout(const double *o)
{
    return (gt_normalize_layout){.n = (int64_t)o[0],
                                 .groups = (int64_t)o[1],
                                 .channels = (int64_t)o[2],
                                 .inner = (int64_t)o[3],
                                 .pooled = o[4] != 0,
                                 .given = o[5] != 0};
}

static gt_tensor *normalize_grad(gt_tensor *const in[], const double *o)
{
    gt_tensor *dweight, *dbias;
    return gt_normalize_grad(in[0], in[1], in[2], in[3], in[4], NULL, layout(o), &dweight, &dbias);
}

static gt_tensor *rms_norm_grad(gt_tensor *const in[], const double *o)
{
    gt_tensor *dweight;
    return gt_rms_norm_grad(in[0], in[1], in[2], in[3], layout(o), &dweight);
}

/* The running statistics as [2,c], plus 0 * sum(x), after the batches x, 2 x, .. */
static gt_tensor *running(gt_tensor *x, double momentum, bool cumulative, int steps)
{
    const int64_t c = x->shape.dim[1];
    gt_tensor *mean = gt_zeros(x->ctx, GT_SHAPE(c), .dtype = x->dtype);
    gt_tensor *var = gt_ones(x->ctx, GT_SHAPE(c), .dtype = x->dtype);
    gt_tensor *batches = gt_zeros(x->ctx, GT_SCALAR, .dtype = GT_I64);
    for (int i = 1; i <= steps; i++)
        gt_batch_norm(gt_mul_scalar(x, i), mean, var, .training = true, .momentum = momentum,
                      .cumulative = cumulative, .num_batches = batches);
    assert_int_equal(gt_item(batches), steps);
    double values[64];
    for (int64_t i = 0; i < c; i++) {
        values[i] = element(mean, i);
        values[c + i] = element(var, i);
    }
    gt_tensor *both = gt_values_(x->ctx, GT_SHAPE(2, c), (size_t)(2 * c), values,
                                 (gt_new_opts){.dtype = x->dtype});
    return gt_add(both, gt_mul_scalar(gt_sum(x), 0));
}

#define CALLS(ROW)                                                                                 \
    ROW(layer_norm, gt_layer_norm(in[0], (int)o[0], .eps = o[1], AFFINE(o[2])))                    \
    ROW(rms_norm, gt_rms_norm(in[0], (int)o[0], .eps = o[1], .weight = in[1]))                     \
    ROW(group_norm, gt_group_norm(in[0], (int64_t)o[0], .eps = o[1], AFFINE(o[2])))                \
    ROW(instance_norm, gt_instance_norm(in[0], .eps = o[0], AFFINE(o[1])))                         \
    ROW(batch_norm, gt_batch_norm(in[0], NULL, NULL, .training = true, .eps = o[0], AFFINE(o[1]))) \
    ROW(batch_norm_act, gt_batch_norm(in[0], NULL, NULL, .weight = in[1], .bias = in[2],           \
                                      .activation = (gt_activation)o[0]))                          \
    ROW(batch_norm_eval, gt_batch_norm(in[0], in[3], in[4], .weight = in[1], .bias = in[2]))       \
    ROW(batch_norm_eval_act,                                                                       \
        gt_batch_norm_eval_act(in[0], in[1], in[2], in[3], in[4], 1e-5, (gt_activation)o[0]))      \
    ROW(batch_norm_running, running(in[0], o[0], o[1] != 0, (int)o[2]))                            \
    ROW(normalize_grad, normalize_grad(in, o))                                                     \
    ROW(rms_norm_grad, rms_norm_grad(in, o))                                                       \
    ROW(local_response_norm,                                                                       \
        gt_local_response_norm(in[0], (int64_t)o[0], .alpha = o[1], .beta = o[2], .k = o[3]))      \
    ROW(channel_sum, gt_channel_sum(in[0], (int64_t)o[0], (int64_t)o[1]))                          \
    ROW(dropout, gt_dropout(in[0], o[0]))                                                          \
    ROW(dropout2d, gt_dropout2d(in[0], o[0]))                                                      \
    ROW(stochastic_depth, gt_stochastic_depth(in[0], o[0]))

CALLS(REFERENCE_CALL)

static const reference_caller callers[] = {CALLS(REFERENCE_ROW){NULL, NULL, false}};

static void test_references(void **state)
{
    (void)state;
    check_references("normalize.txt", callers, 250);
}

/* --- what the file does not show --- */

enum { ROWS = 3, WIDE = 5000 };

/* x [3,5000], representable in f32, with a mean that is large beside its deviation of about 1/2. */
static gt_tensor *with_large_mean(gt_ctx *gt, gt_dtype dtype, double mean)
{
    gt_tensor *x = gt_empty(gt, GT_SHAPE(ROWS, WIDE), .dtype = dtype);
    for (int64_t i = 0; i < x->size; i++) {
        const double v = mean + (double)(i * 7919 % 128) / 64;
        if (dtype == GT_F32) ((float *)x->data)[i] = (float)v;
        else ((double *)x->data)[i] = v;
    }
    return x;
}

/* Subtracting a constant changes nothing, and f32 is as good as f64. */
static void test_large_means(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = with_large_mean(gt, GT_F32, 65536), *exact = with_large_mean(gt, GT_F64, 0);
    const struct {
        const gt_tensor *y, *want;
    } pairs[] = {
        {gt_layer_norm(x, 1), gt_layer_norm(exact, 1)},
        {gt_group_norm(x, 4), gt_group_norm(exact, 4)},
        {gt_batch_norm(gt_reshape(x, GT_SHAPE(3, 5, 1000)), NULL, NULL),
         gt_batch_norm(gt_reshape(exact, GT_SHAPE(3, 5, 1000)), NULL, NULL)},
        {gt_batch_norm(gt_reshape(x, GT_SHAPE(1500, 10)), NULL, NULL),
         gt_batch_norm(gt_reshape(exact, GT_SHAPE(1500, 10)), NULL, NULL)},
    };
    assert_well(gt);
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        for (int64_t i = 0; i < x->size; i++)
            if (fabs(element(pairs[k].y, i) - element(pairs[k].want, i)) > 2e-6)
                fail_msg("%zu: element %lld is %.9g, not %.9g", k, (long long)i,
                         element(pairs[k].y, i), element(pairs[k].want, i));
}

enum {
    PIXELS = 2050,
    CHANNELS = 1030
}; /* of two images, in f32 more than caches are thought to hold */

static gt_tensor *some_channels(gt_ctx *gt, int64_t first, int64_t count)
{
    gt_tensor *x = gt_empty(gt, GT_SHAPE(2, count, PIXELS), .requires_grad = true);
    for (int64_t i = 0; i < x->size; i++) {
        const int64_t p = i % PIXELS, c = first + i / PIXELS % count;
        ((float *)x->data)[i] = (float)((p * p + 31 * c + i / PIXELS / count * 7) % 1013) / 512;
    }
    return x;
}

/* The last channel's y, or its gradient, of an upstream that is x^2. */
static const float *last_channel(gt_tensor *x, bool gradient, int64_t image)
{
    gt_tensor *y = gt_batch_norm(x, NULL, NULL), *dx = NULL;
    gt_tensor *upstream = gt_square(gt_detach(x));
    if (gradient) gt_grad(&y, 1, &x, 1, &dx, .upstream = &upstream);
    assert_well(x->ctx);
    return (float *)(gradient ? dx : y)->data + ((image + 1) * x->shape.dim[1] - 1) * PIXELS;
}

/* What is cut into parts, or goes past the caches, is what a channel gives by itself. */
static void test_many_channels(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < 4; i++) {
        const float *all = last_channel(some_channels(gt, 0, CHANNELS), i / 2, i % 2);
        const float *own = last_channel(some_channels(gt, CHANNELS - 1, 1), i / 2, i % 2);
        assert_memory_equal(all, own, PIXELS * sizeof *all);
    }
}

/* Of rows or of columns of x: what is made of them, or the gradient of an upstream that is x^2. */
static gt_tensor *normalized(gt_tensor *x, bool rows, bool gradient)
{
    gt_require_grad(x, true);
    gt_tensor *y = rows ? gt_layer_norm(x, 1) : gt_batch_norm(x, NULL, NULL), *dx = NULL;
    gt_tensor *upstream = gt_square(gt_detach(x));
    if (gradient) gt_grad(&y, 1, &x, 1, &dx, .upstream = &upstream);
    assert_well(x->ctx);
    return gradient ? dx : gt_detach(y);
}

/* Of [images,1,run] in f64: mean, variance and y of its elements, in a plain way. */
static void assert_plain_batch_norm(const gt_tensor *x, const gt_tensor *y, const gt_tensor *var,
                                    double bound)
{
    double mean = 0, spread = 0;
    for (int64_t i = 0; i < x->size; i++) mean += element(x, i) / (double)x->size;
    for (int64_t i = 0; i < x->size; i++) spread += pow(element(x, i) - mean, 2) / (double)x->size;
    assert_true(fabs(element(var, 0) * (double)(x->size - 1) / (double)x->size - spread) <=
                bound * spread);
    for (int64_t i = 0; i < x->size; i++) {
        const double want = (element(x, i) - mean) / sqrt(spread + 1e-5);
        if (fabs(element(y, i) - want) > bound * (1 + fabs(want)))
            fail_msg("%lld is %.17g, not %.17g", (long long)i, element(y, i), want);
    }
}

/* Channels that are done together, with runs of any length, get what they get alone. */
static void test_channels_alone(void **state)
{
    gt_ctx *gt = *state;
    static const int64_t runs[] = {2, 15, 16, 17, 49, 100, 1023, 1024, 1040, 2100};
    for (size_t k = 0; k < 2 * sizeof runs / sizeof *runs; k++) {
        const gt_dtype dtype = k % 2 ? GT_F64 : GT_F32;
        const gt_mark start = gt_mark_tape(gt);
        gt_tensor *x = gt_randn(gt, GT_SHAPE(7, 300, runs[k / 2]), .dtype = dtype);
        gt_tensor *y = normalized(gt_clone(x), false, false);
        gt_tensor *dx = normalized(gt_clone(x), false, true);
        for (int64_t c = 0; c < 300; c += 23) {
            gt_tensor *own = gt_clone(gt_slice(x, 1, c, c + 1));
            gt_tensor *var = gt_ones(gt, GT_SHAPE(1), .dtype = dtype);
            gt_batch_norm(own, gt_zeros_like(var), var, .training = true, .momentum = 1);
            gt_tensor *const all[] = {gt_clone(gt_slice(y, 1, c, c + 1)),
                                      gt_clone(gt_slice(dx, 1, c, c + 1))};
            const size_t bytes = (size_t)own->size * gt_dtype_size(dtype);
            assert_plain_batch_norm(own, all[0], var, dtype == GT_F32 ? 1e-6 : 1e-14);
            assert_memory_equal(all[0]->data, normalized(own, false, false)->data, bytes);
            assert_memory_equal(all[1]->data, normalized(own, false, true)->data, bytes);
        }
        gt_rewind(gt, start);
    }
}

/* A first image, or a first element, that lies far from all others takes nothing from them. */
static void test_first_ones_far_away(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < 4; i++) {
        const gt_dtype dtype = i % 2 ? GT_F64 : GT_F32;
        gt_tensor *x = gt_randn(gt, GT_SHAPE(100, 1, 300), .dtype = dtype);
        for (int64_t far = 0; far < (i / 2 ? 300 : 1); far++)
            gt_store_element(x, far, 1e4 + (double)far / 64);
        gt_tensor *var = gt_ones(gt, GT_SHAPE(1), .dtype = dtype);
        gt_tensor *y = gt_batch_norm(x, gt_zeros_like(var), var, .training = true, .momentum = 1);
        assert_well(gt);
        assert_plain_batch_norm(x, y, var, dtype == GT_F32 ? 1e-6 : 1e-13);
    }
}

/* What goes past the caches is what few rows or columns give by themselves. */
static void test_past_caches(void **state)
{
    gt_ctx *gt = *state;
    enum { IMAGES = 16500, WIDTH = 131, FEW = 3 };
    gt_tensor *x = gt_randn(gt, GT_SHAPE(IMAGES, WIDTH));
    for (int i = 0; i < 4; i++) {
        const int axis = 1 - i / 2;
        gt_tensor *few = normalized(gt_slice(x, axis, -FEW, GT_END), i / 2, i % 2);
        gt_tensor *all = gt_slice(normalized(gt_clone(x), i / 2, i % 2), axis, -FEW, GT_END);
        assert_well(gt);
        assert_memory_equal(all->data, few->data, (size_t)few->size * sizeof(float));
    }
}

/* So are groups that go past the caches what the last image's give by themselves. */
static void test_groups_past_caches(void **state)
{
    gt_ctx *gt = *state;
    enum { IMAGES = 130, CHANNELS_OF_ONE = 4, SIDE = 128 };
    gt_tensor *x = gt_randn(gt, GT_SHAPE(IMAGES, CHANNELS_OF_ONE, SIDE, SIDE));
    gt_tensor *some[] = {x, gt_slice(x, 0, -1, GT_END)}, *y[2], *dx[2];
    for (int i = 0; i < 2; i++) {
        gt_tensor *leaf = gt_clone(some[i]), *upstream = gt_square(some[i]);
        gt_require_grad(leaf, true);
        y[i] = gt_group_norm(leaf, 2);
        gt_grad(&y[i], 1, &leaf, 1, &dx[i], .upstream = &upstream);
    }
    assert_well(gt);
    const int64_t size = some[1]->size, at = x->size - size;
    assert_memory_equal((float *)y[0]->data + at, y[1]->data, (size_t)size * sizeof(float));
    assert_memory_equal((float *)dx[0]->data + at, dx[1]->data, (size_t)size * sizeof(float));
}

/* The variance of a constant is 0 and not what rounding leaves, also in the running one. */
static void test_constant_channels(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_full(gt, GT_SHAPE(7, 2, 3), 0.1), *mean = gt_zeros(gt, GT_SHAPE(2));
    gt_tensor *var = gt_ones(gt, GT_SHAPE(2));
    const gt_tensor *y = gt_batch_norm(x, mean, var, .training = true, .momentum = 1);
    for (int64_t i = 0; i < y->size; i++) assert_true(fabs(element(y, i)) < 1e-5);
    ASSERT_VALUES(mean, 1e-8, 0.1f, 0.1f);
    ASSERT_VALUES(var, 1e-14, 0, 0);
}

/* Values whose squares are beyond f32. */
static void test_extreme_values(void **state)
{
    gt_ctx *gt = *state;
    for (int e = -1; e <= 1; e += 2) {
        const double scale = e < 0 ? 1e-30 : 1e30;
        gt_tensor *x = gt_mul_scalar(gt_values(gt, GT_SHAPE(1, 4), 1, 2, 3, 4), scale);
        gt_require_grad(x = gt_detach(x), true);
        gt_tensor *y = gt_layer_norm(x, 1, .eps = 1e-100);
        ASSERT_VALUES(y, 1e-5, -1.3416408, -0.4472136, 0.4472136, 1.3416408);
        const double rms = sqrt(7.5);
        ASSERT_VALUES(gt_rms_norm(x, 1, .eps = 1e-100), 1e-5, 1 / rms, 2 / rms, 3 / rms, 4 / rms);
        /* d y0 / d x0 = rstd (1 - 1/4 - y0^2/4), rstd = 1 / (sqrt(1.25) scale) */
        gt_backward(gt_sum(gt_slice(y, 1, 0, 1)));
        assert_well(gt);
        const double want = 0.3 / sqrt(1.25) / scale;
        assert_true(fabs(element(x->grad, 0) - want) < 1e-5 * want);
    }
}

/* Outside training running statistics are read and left alone; without any, the batch's are used.
 */
static void test_evaluation(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 1, 2, 3, 6);
    gt_tensor *mean = gt_values(gt, GT_SHAPE(2), 1, 2), *var = gt_values(gt, GT_SHAPE(2), 4, 16);
    gt_tensor *batches = gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64);
    gt_tensor *y = gt_batch_norm(x, mean, var, .num_batches = batches, .eps = 1e-30);
    ASSERT_VALUES(y, 1e-6, 0, 0, 1, 1);
    ASSERT_VALUES(mean, 0, 1, 2);
    ASSERT_VALUES(var, 0, 4, 16);
    assert_true(gt_item(batches) == 0);
    y = gt_batch_norm(x, NULL, NULL, .num_batches = batches, .eps = 1e-30);
    ASSERT_VALUES(y, 1e-6, -1, -1, 1, 1);
    assert_true(gt_item(batches) == 0);
}

/* A tape that reads running statistics refuses them changed. */
static void test_changed_statistics_are_noticed(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 1, 2, 3, 6);
    gt_tensor *statistic[] = {gt_zeros(gt, GT_SHAPE(2)), gt_ones(gt, GT_SHAPE(2))};
    gt_require_grad(x, true);
    for (int i = 0; i < 3; i++) {
        gt_tensor *y =
            i < 2 ? gt_mul(x, statistic[i]) : gt_batch_norm(x, statistic[0], statistic[1]);
        gt_batch_norm(x, statistic[0], statistic[1], .training = true);
        assert_int_not_equal(gt_backward(gt_sum(y)), GT_OK);
        assert_error(gt, GT_ERR_STATE, i < 2 ? "mul" : "batch_norm_eval");
    }
}

static void test_an_empty_batch_leaves_statistics_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *mean = gt_values(gt, GT_SHAPE(2), 1, 2), *var = gt_values(gt, GT_SHAPE(2), 4, 16);
    gt_batch_norm(gt_ones(gt, GT_SHAPE(0, 2, 3)), mean, var, .training = true);
    assert_well(gt);
    ASSERT_VALUES(mean, 0, 1, 2);
    ASSERT_VALUES(var, 0, 4, 16);
}

static void test_batch_norm_refuses(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(4, 2)), *two = gt_ones(gt, GT_SHAPE(2));
    gt_tensor *three = gt_ones(gt, GT_SHAPE(3)), *wide = gt_ones(gt, GT_SHAPE(2), .dtype = GT_F64);
    gt_ctx *other = gt_open();
    gt_tensor *foreign = gt_ones(other, GT_SHAPE(2));
#define REFUSED(part, ...)                                                                         \
    assert_null(gt_batch_norm(x, __VA_ARGS__));                                                    \
    assert_error(gt, GT_ERR_ARGUMENT, part)
    REFUSED("batch_norm (test_normalize.c:", NULL, two);
    REFUSED("running_mean is NULL; both", NULL, two);
    REFUSED("running_var is NULL; both", two, NULL);
    REFUSED("running_mean is f32 [3], needs f32 with 2", three, two, .training = true);
    REFUSED("running_var is f64 [2], needs f32 with 2", two, wide, .training = true);
    REFUSED("running_var belongs to another context", two, foreign, .training = true);
    REFUSED("momentum is -0.5", two, two, .momentum = -0.5);
    REFUSED("momentum is 1.5", two, two, .momentum = 1.5);
    REFUSED("needs .num_batches", two, two, .training = true, .cumulative = true);
    REFUSED("num_batches is f32 [2], needs i64 with 1", two, two, .num_batches = two);
    REFUSED("eps is -1", two, two, .eps = -1);
    ASSERT_VALUES(two, 0, 1, 1);
    gt_close(other);
}

static void test_others_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(4, 2));
    assert_null(gt_instance_norm(x));
    assert_error(gt, GT_ERR_SHAPE, "instance_norm (test_normalize.c:");
    assert_null(gt_instance_norm(gt_ones(gt, GT_SHAPE(4, 2, 1, 1))));
    assert_error(gt, GT_ERR_SHAPE, "has one element a channel");
    assert_null(gt_local_response_norm(x, 3));
    assert_error(gt, GT_ERR_SHAPE, "x is [4,2], needs at least 3 dimensions");
    assert_null(gt_local_response_norm(x, 0));
    assert_error(gt, GT_ERR_ARGUMENT, "size is 0, must be positive");
    assert_null(gt_layer_norm(x, 3));
    assert_error(gt, GT_ERR_SHAPE, "n_dims is 3, must be from 1 to 2, as x is [4,2]");
    gt_tensor *const none[] = {
        gt_batch_norm(NULL, NULL, NULL), gt_layer_norm(NULL, 1), gt_rms_norm(NULL, 1),
        gt_group_norm(NULL, 1),          gt_instance_norm(NULL), gt_local_response_norm(NULL, 3)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(none[i]);
    assert_error(NULL, GT_ERR_ARGUMENT, "x is NULL");
    assert_well(gt);
}

/* Other dimensions of an empty tensor may have a product beyond all sizes. */
static void test_empty_with_huge_dimensions(void **state)
{
    gt_ctx *gt = *state;
    const int64_t huge = (INT64_C(1) << 40) + 1;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(0, 2, huge, huge), .requires_grad = true);
    gt_tensor *y = gt_add(gt_batch_norm(x, NULL, NULL), gt_group_norm(x, 2));
    if (gt_backward(gt_sum(y)) != GT_OK) fail_msg("%s", gt_error_message(gt));
    assert_int_equal(x->grad->size, 0);
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        FRESH(test_large_means),
        FRESH(test_many_channels),
        FRESH(test_channels_alone),
        FRESH(test_first_ones_far_away),
        FRESH(test_past_caches),
        FRESH(test_groups_past_caches),
        FRESH(test_constant_channels),
        FRESH(test_extreme_values),
        FRESH(test_evaluation),
        FRESH(test_changed_statistics_are_noticed),
        FRESH(test_an_empty_batch_leaves_statistics_alone),
        FRESH(test_batch_norm_refuses),
        FRESH(test_others_refuse),
        FRESH(test_empty_with_huge_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

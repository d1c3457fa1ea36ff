/* Reductions and softmax: values and first gradients against PyTorch's (reference/reduce.txt,
 * written by tools/reference_reduce.py), and what neither samples nor the file show: NaN,
 * infinities, the ends of the range, long sums. */
#include "reference.h"

#include <float.h>

#include "kernels/kernels.h"

static unsigned axes(const double *o, int n)
{
    unsigned set = 0;
    for (int i = 0; i < n; i++) set |= GT_AXIS((int)o[i]);
    return set;
}

/* opts are keepdim and axes, or keepdim, a further number and axes. */
static gt_reduce_opts reduce_opts(const double *o, int n)
{
    return (gt_reduce_opts){.keepdim = o[0] != 0, .axes = axes(o + 1, n - 1)};
}

static gt_var_opts var_opts(const double *o, int n)
{
    return (gt_var_opts){
        .keepdim = o[0] != 0, .correction = GT_EXACTLY((int)o[1]), .axes = axes(o + 2, n - 2)};
}

static gt_norm_opts norm_opts(const double *o, int n)
{
    return (gt_norm_opts){.keepdim = o[0] != 0, .p = GT_EXACTLY(o[1]), .axes = axes(o + 2, n - 2)};
}

/* i64 made comparable, with a gradient of zeros for x. */
static gt_tensor *as_values(gt_tensor *index, gt_tensor *x)
{
    return gt_add(gt_cast(index, x->dtype), gt_mul_scalar(gt_sum(x), 0));
}

static gt_tensor *index_of(gt_tensor *(*op)(gt_tensor *, int, gt_max_opts), gt_tensor *x,
                           const double *o)
{
    gt_tensor *index = NULL;
    op(x, (int)o[0], (gt_max_opts){.keepdim = o[1] != 0, .indices = &index});
    return as_values(index, x);
}

static gt_tensor *share(gt_tensor *x, gt_tensor *y, const double *o, int n)
{
    gt_tensor *zero = gt_mul_scalar(gt_add(gt_sum(x), gt_sum(y)), 0);
    const unsigned set = n > 0 ? axes(o, n) : 0;
    return gt_add(gt_tie_share(x, y, set), zero);
}

#define AXIS (int)o[0]
#define OPTION(i) (n > (i) ? o[i] : 0)
#define CALLS(ROW)                                                                                 \
    ROW(prod, gt_prod_(in[0], reduce_opts(o, n)))                                                  \
    ROW(amax, gt_amax_(in[0], reduce_opts(o, n)))                                                  \
    ROW(amin, gt_amin_(in[0], reduce_opts(o, n)))                                                  \
    ROW(logsumexp, gt_logsumexp_(in[0], reduce_opts(o, n)))                                        \
    ROW(var, gt_var_(in[0], var_opts(o, n)))                                                       \
    ROW(std, gt_std_(in[0], var_opts(o, n)))                                                       \
    ROW(norm, gt_norm_(in[0], norm_opts(o, n)))                                                    \
    ROW(normalize, gt_normalize(in[0], .axis = GT_EXACTLY(AXIS), .p = o[1], .eps = OPTION(2)))     \
    ROW(cosine_similarity,                                                                         \
        gt_cosine_similarity(in[0], in[1], .axis = GT_EXACTLY(AXIS), .eps = OPTION(1)))            \
    ROW(max, gt_max(in[0], AXIS, .keepdim = o[1] != 0))                                            \
    ROW(min, gt_min(in[0], AXIS, .keepdim = o[1] != 0))                                            \
    ROW(max_index, index_of(gt_max_, in[0], o))                                                    \
    ROW(min_index, index_of(gt_min_, in[0], o))                                                    \
    ROW(argmax, as_values(gt_argmax(in[0], AXIS, .keepdim = o[1] != 0), in[0]))                    \
    ROW(argmin, as_values(gt_argmin(in[0], AXIS, .keepdim = o[1] != 0), in[0]))                    \
    ROW(cumsum, gt_cumsum(in[0], AXIS))                                                            \
    ROW(softmax, gt_softmax(in[0], AXIS))                                                          \
    ROW(log_softmax, gt_log_softmax(in[0], AXIS))                                                  \
    ROW(softmax_dx, gt_softmax_dx(in[0], in[1], AXIS))                                             \
    ROW(log_softmax_dx, gt_log_softmax_dx(in[0], in[1], AXIS))                                     \
    ROW(prod_dx, gt_prod_dx(in[0], in[1], n > 0 ? axes(o, n) : 0))                                 \
    ROW(tie_share, share(in[0], in[1], o, n))                                                      \
    ROW(div_or_zero, gt_div_or_zero(in[0], in[1]))

CALLS(REFERENCE_CALL)

static const reference_caller callers[] = {CALLS(REFERENCE_ROW){NULL, NULL, false}};

static void test_references(void **state)
{
    (void)state;
    check_references("reduce.txt", callers, 300);
}

/* --- values that samples cannot have --- */

static void test_nothing_to_reduce(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(0, 2));
    assert_values(gt_prod(x), 1, (const double[]){1}, 0);
    assert_values(gt_norm(x, .axes = GT_AXES(0)), 2, (const double[]){0, 0}, 0);
    assert_true(gt_item(gt_logsumexp(x)) == -INFINITY);
    assert_true(isnan(gt_item(gt_var(x))));
    assert_true(isnan(gt_item(gt_std(x))));
    assert_well(gt);
}

/* One element has no unbiased variance. */
static void test_variance_of_one(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_scalar(gt, 3, .requires_grad = true);
    assert_true(isnan(gt_item(gt_var(x))));
    assert_true(gt_item(gt_var(x, .correction = GT_ZERO)) == 0);
    assert_well(gt);
}

static void test_nan_is_largest_and_smallest(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *where = NULL, *x = gt_values(gt, GT_SHAPE(5), 1, NAN, 9, NAN, -9);
    assert_true(isnan(gt_item(gt_amax(x))));
    assert_true(isnan(gt_item(gt_amin(x))));
    assert_true(isnan(gt_item(gt_max(x, 0, .indices = &where))));
    assert_true(gt_item(where) == 1);
    assert_true(gt_item(gt_argmin(x, 0)) == 1);
    gt_tensor *y = gt_values(gt, GT_SHAPE(2, 2), NAN, 1, 2, NAN);
    assert_values(gt_argmax(y, 0), 2, (const double[]){0, 1}, 0);
    gt_require_grad(x, true);
    gt_backward(gt_amax(x));
    assert_values(x->grad, 5, (const double[]){0, 0.5, 0, 0.5, 0}, 0);
}

/* The extremes of columns, with a NaN in row r of column c, are those of rows. */
static void check_columns(gt_ctx *gt, int64_t n, int64_t columns, int64_t r, gt_dtype dtype)
{
    const gt_mark start = gt_mark_tape(gt);
    const int64_t c = r % columns;
    gt_tensor *x = gt_randn(gt, GT_SHAPE(n, columns), .dtype = dtype);
    gt_store_element(x, r * columns + c, (double)NAN);
    gt_tensor *of_rows = gt_transpose(x, 0, 1);
    gt_tensor *largest = gt_amax(x, .axes = GT_AXIS(0)), *smallest = gt_amin(x, .axes = GT_AXIS(0));
    gt_tensor *want[] = {gt_amax(of_rows, .axes = GT_AXIS(1)),
                         gt_amin(of_rows, .axes = GT_AXIS(1))};
    assert_well(gt);
    for (int64_t i = 0; i < columns; i++) {
        const bool both = isnan(element(largest, i)) && isnan(element(smallest, i));
        if (i == c ? both
                   : element(largest, i) == element(want[0], i) &&
                         element(smallest, i) == element(want[1], i))
            continue;
        fail_msg("column %d of %d with a NaN in row %d, column %d", (int)i, (int)columns, (int)r,
                 (int)c);
    }
    gt_rewind(gt, start);
}

/* Rows are taken some at a time until one has a NaN, and one at a time beyond the caches. */
static void test_nan_anywhere_in_columns(void **state)
{
    enum { N = 19, COLUMNS = 64, FAR = 1030, FAR_COLUMNS = 256 };
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        for (int r = 0; r < N; r++) check_columns(gt, N, COLUMNS, r, dtype);
        for (int r = 0; r < FAR; r += 343) check_columns(gt, FAR, FAR_COLUMNS, r, dtype);
    }
}

static void test_infinite_logits(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *none = gt_full(gt, GT_SHAPE(3), -INFINITY);
    assert_true(gt_item(gt_logsumexp(none)) == -INFINITY);
    assert_true(gt_item(gt_logsumexp(gt_values(gt, GT_SHAPE(2), INFINITY, 0))) == INFINITY);
    assert_true(isnan(gt_item(gt_logsumexp(gt_values(gt, GT_SHAPE(2), INFINITY, NAN)))));
    gt_tensor *masked = gt_values(gt, GT_SHAPE(3), 0, -INFINITY, 0);
    assert_values(gt_softmax(masked, 0), 3, (const double[]){0.5, 0, 0.5}, 0);
    assert_true(gt_get(gt_log_softmax(masked, 0), 1) == -INFINITY);
    assert_true(isnan(gt_get(gt_softmax(none, 0), 0)));
    assert_well(gt);
}

static gt_tensor *reduced(int i, gt_tensor *x, unsigned axes)
{
    switch (i) {
    case 0: return gt_norm(x, .axes = axes);
    case 1: return gt_norm(x, .axes = axes, .p = 1);
    case 2: return gt_norm(x, .axes = axes, .p = 3);
    case 3: return gt_norm(x, .axes = axes, .p = INFINITY);
    case 4: return gt_std(x, .axes = axes);
    case 5: return gt_var(x, .axes = axes);
    case 6: return gt_sum(x, .axes = axes);
    case 7: return gt_mean(x, .axes = axes);
    case 8: return gt_prod(x, .axes = axes);
    case 9: return gt_amax(x, .axes = axes);
    case 10: return gt_amin(x, .axes = axes);
    default: return gt_logsumexp(x, .axes = axes);
    }
}

/* Whatever stands before and behind it: also where a second pass looks for the largest element. */
static void test_nan_is_never_lost(void **state)
{
    enum { N = 5, REDUCED = 12 };
    static const double others[] = {0, 1, INFINITY, -INFINITY, 1e30};
    gt_ctx *gt = *state;
    for (int i = 0; i < REDUCED * N * 2; i++)
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            const gt_dtype dtype = i % 2 ? GT_F64 : GT_F32;
            const int at = i / 2 % N;
            gt_tensor *x = gt_full(gt, GT_SHAPE(N, N), others[k], .dtype = dtype);
            for (int r = 0; r < N; r++) gt_store_element(x, r * N + (r + at) % N, (double)NAN);
            for (int axis = 0; axis < 2; axis++) {
                gt_tensor *y = reduced(i / 2 / N, x, GT_AXIS(axis));
                assert_well(gt);
                for (int r = 0; r < N; r++)
                    if (!isnan(element(y, r)))
                        fail_msg("reduction %d along axis %d beside %g is %g", i / 2 / N, axis,
                                 others[k], element(y, r));
            }
        }
    assert_well(gt);
}

/* Squares of these leave the range of their dtype. */
static void test_norms_at_the_ends_of_the_range(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        gt_dtype dtype;
        double unit, tolerance;
    } rows[] = {{GT_F32, 1e30, 1e24},
                {GT_F32, 1e-30, 1e-36},
                {GT_F64, 1e300, 1e285},
                {GT_F64, 1e-300, 1e-315}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double values[] = {3 * rows[i].unit, -4 * rows[i].unit};
        gt_tensor *x = gt_values_(gt, GT_SHAPE(2), 2, values,
                                  (gt_new_opts){.dtype = rows[i].dtype, .requires_grad = true});
        gt_tensor *y = gt_norm(x);
        assert_values(y, 1, (const double[]){5 * rows[i].unit}, rows[i].tolerance);
        gt_backward(y);
        assert_values(x->grad, 2, (const double[]){0.6, -0.8}, 1e-6);
    }
    assert_well(gt);
}

/* --- long ones: 1, 2, .., n, which sum to known values; n crosses the kernels' blocks --- */

static void check_long(gt_ctx *gt, int64_t n, gt_dtype dtype, bool rows)
{
    const double count = (double)n, var = (count * count - 1) / 12;
    gt_tensor *x = gt_arange(gt, 1, count + 1, 1, .dtype = dtype);
    x = gt_broadcast_to(gt_reshape(x, rows ? GT_SHAPE(1, n) : GT_SHAPE(n, 1)),
                        rows ? GT_SHAPE(2, n) : GT_SHAPE(n, 2));
    const unsigned set = rows ? GT_AXIS(1) : GT_AXIS(0);
    const double precision = dtype == GT_F32 ? 1e-6 : 1e-14;
    assert_values(gt_var(x, .axes = set, .correction = GT_ZERO), 2, (const double[]){var, var},
                  precision * var);
    const double sum = count * (count + 1) / 2, squares = sum * (2 * count + 1) / 3;
    assert_values(gt_norm(x, .axes = set, .p = 1), 2, (const double[]){sum, sum}, precision * sum);
    assert_values(gt_norm(x, .axes = set), 2, (const double[]){sqrt(squares), sqrt(squares)},
                  precision * sqrt(squares));
    assert_values(gt_argmax(x, rows), 2, (const double[]){count - 1, count - 1}, 0);
    gt_tensor *last = gt_slice(gt_cumsum(x, rows), rows, -1, GT_END);
    assert_values(last, 2, (const double[]){sum, sum}, precision * sum);
}

static void test_long_reductions(void **state)
{
    static const int64_t sizes[] = {1, 7, 8, 9, 1023, 1024, 1025, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int rows = 0; rows < 2; rows++) {
            check_long(*state, sizes[i], GT_F32, rows);
            check_long(*state, sizes[i], GT_F64, rows);
        }
    assert_well(*state);
}

/* Of more factors than the kernels take together: against a division. */
static void test_long_products(void **state)
{
    gt_ctx *gt = *state;
    const gt_shape shapes[] = {GT_SHAPE(2, 20005), GT_SHAPE(1, 257), GT_SHAPE(600, 140),
                               GT_SHAPE(17, 300)};
    for (int i = 0; i < 8; i++) {
        const int axis = i & 1;
        gt_tensor *x =
            gt_uniform(gt, shapes[i / 2], 0.9, 1.1, .dtype = GT_F64, .requires_grad = true);
        gt_tensor *y = gt_prod(x, .axes = GT_AXIS(axis), .keepdim = true);
        gt_backward(y, .upstream = gt_ones_like(y));
        gt_tensor *error = gt_sub_scalar(gt_div(gt_mul(x->grad, x), y), 1);
        if (!(gt_item(gt_amax(gt_abs(error))) < 1e-12)) fail_msg("shape %d, axis %d", i / 2, axis);
    }
    assert_well(gt);
}

/* Blocks of columns of an array beyond the caches. */
static void test_sum_of_far_columns(void **state)
{
    enum { ROWS = 13, COLUMNS = 20500 };
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *r = gt_arange(gt, 0, ROWS, 1, .dtype = dtype);
        gt_tensor *x =
            gt_add(gt_reshape(r, GT_SHAPE(ROWS, 1)), gt_arange(gt, 0, COLUMNS, 1, .dtype = dtype));
        gt_tensor *y = gt_sum(x, .axes = GT_AXES(0));
        assert_well(gt);
        for (int i = 0; i < COLUMNS; i++) assert_true(element(y, i) == 78 + ROWS * i);
    }
}

/* A mean far from 0 does not spoil the variance, and equal elements have none at all. */
static void test_variance_is_stable(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_add_scalar(gt_arange(gt, 0, 4, 1, .dtype = GT_F64), 1e9);
    assert_values(gt_var(x), 1, (const double[]){5.0 / 3}, 1e-12);
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *same = gt_full(gt, GT_SHAPE(7), 0.1, .dtype = dtype, .requires_grad = true);
        gt_tensor *y = gt_std(same);
        assert_true(gt_item(y) == 0);
        gt_backward(y);
        for (int i = 0; i < 7; i++) assert_true(element(same->grad, i) == 0);
    }
}

/* A recorded call may be run again on other indices; those beyond the end read nothing. */
static void test_kernels_bear_bad_indices(void **state)
{
    (void)state;
    const gti_kernels *k = gti_kernels_of(0);
    const gti_along s = {1, 2, 2, 0};
    const float x[] = {1, 2, 3, 4};
    const int64_t index[] = {5, -1};
    float y[2], back[4];
    k->loss.pick(&s, 0, x, index, y);
    assert_true(isnan(y[0]) && isnan(y[1]));
    k->loss.place(&s, 0, y, index, back);
    for (int i = 0; i < 4; i++) assert_true(back[i] == 0);
    float loss[2], dx[4];
    const gti_classes c = {.s = {2, 2, 1, 0}, .target = index, .ignore = -100};
    assert_int_equal(k->softmax.cross_entropy(&c, x, loss, dx), 2);
    assert_true(isnan(loss[0]) && isnan(loss[1]));
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        FRESH(test_nothing_to_reduce),
        FRESH(test_variance_of_one),
        FRESH(test_nan_is_largest_and_smallest),
        FRESH(test_nan_anywhere_in_columns),
        FRESH(test_infinite_logits),
        FRESH(test_nan_is_never_lost),
        FRESH(test_norms_at_the_ends_of_the_range),
        FRESH(test_long_products),
        FRESH(test_long_reductions),
        FRESH(test_sum_of_far_columns),
        FRESH(test_variance_is_stable),
        cmocka_unit_test(test_kernels_bear_bad_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

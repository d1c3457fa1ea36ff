/* Gradients of pieces are added in place to what their tensor has gathered: the same numbers as by
 * the rule, seen by nobody too early, and no memory for each piece. */
#include "support.h"

enum { R = 5, C = 4 };

static gt_tensor *numbers(gt_ctx *gt, gt_shape shape, double step, bool leaf)
{
    double values[128];
    const int64_t n = gt_shape_size(shape);
    for (int64_t i = 0; i < n; i++) values[i] = (double)(i + 1) * step;
    return gt_values_(gt, shape, (size_t)n, values,
                      (gt_new_opts){.dtype = GT_F64, .requires_grad = leaf});
}

/* Pieces of x [R,C,2] in every direction, each weighed otherwise and squared. */
static gt_tensor *sum_of_pieces(gt_tensor *x)
{
    gt_tensor *pieces[] = {
        gt_slice(x, 0, 1, 3),
        gt_slice(x, 0, 4, GT_END, .step = -2),
        gt_slice(x, 1, 0, GT_END, .step = 3),
        gt_slice(x, 1, 1, 3),
        gt_slice(x, 2, 1, 2),
        gt_slice(x, 2, 1, GT_END, .step = -1),
        gt_slice(x, 1, 2, 2),
        gt_select(x, 0, -1),
        gt_select(x, 1, 2),
        gt_select(x, 2, 0),
    };
    gt_tensor *sum = gt_sum(gt_square(x));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        gt_tensor *square = gt_square(gt_mul_scalar(pieces[i], 1 + 0.25 * (double)i));
        sum = gt_add(sum, gt_sum(square));
    }
    return sum;
}

static void assert_equal(const gt_tensor *a, const gt_tensor *b)
{
    for (int64_t i = 0; i < b->size; i++)
        if (element(a, i) != element(b, i))
            fail_msg("element %d: %g and %g", (int)i, element(a, i), element(b, i));
}

/* With .create_graph it is the rule that runs. y is quadratic: its Hessian times x is its gradient.
 */
static void test_in_place_as_by_the_rule(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = numbers(gt, GT_SHAPE(R, C, 2), 0.5, true), *by_rule, *g, *h;
    gt_tensor *y = sum_of_pieces(x), *of_result = sum_of_pieces(gt_mul_scalar(x, 3));
    gt_grad(&y, 1, &x, 1, &by_rule, .create_graph = true);
    gt_grad(&y, 1, &x, 1, &g, .retain = true);
    assert_equal(g, by_rule);
    gt_grad(&by_rule, 1, &x, 1, &h, .upstream = &x, .retain = true);
    assert_values(gt_sub(h, by_rule), R * C * 2, (const double[R * C * 2]){0}, 1e-9);
    gt_grad(&of_result, 1, &x, 1, &h, .retain = true);
    assert_equal(h, gt_mul_scalar(by_rule, 9));
    gt_backward(y);
    assert_equal(x->grad, by_rule);
    assert_well(gt);
}

/* What a sweep does not own stays as it is: an upstream, and a gradient that two tensors have. */
static void test_others_gradients_stay(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = numbers(gt, GT_SHAPE(3), 1, true), *b = numbers(gt, GT_SHAPE(3), 1, true);
    gt_tensor *first = gt_slice(x, 0, 0, 1), *sum = gt_add(x, b);
    gt_tensor *outputs[] = {first, sum}, *inputs[] = {x, b}, *g[2];
    gt_tensor *ups[] = {gt_full(gt, GT_SHAPE(1), 10, .dtype = GT_F64),
                        gt_full(gt, GT_SHAPE(3), 1, .dtype = GT_F64)};
    gt_grad(outputs, 2, inputs, 2, g, .upstream = ups);
    ASSERT_VALUES(g[0], 0, 11, 1, 1);
    ASSERT_VALUES(g[1], 0, 1, 1, 1);
    ASSERT_VALUES(ups[1], 0, 1, 1, 1);
    assert_well(gt);
}

static gt_tensor *keep_sum(gt_tensor *grad, void *user)
{
    *(double *)user += gt_item(gt_sum(grad));
    return NULL;
}

static void test_hooks_see_it_complete(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *leaf = numbers(gt, GT_SHAPE(R, C), 1, true), *x = gt_mul_scalar(leaf, 2);
    double of_leaf = 0, of_result = 0;
    gt_hook(leaf, keep_sum, &of_leaf);
    gt_hook(x, keep_sum, &of_result);
    gt_tensor *rows[R], *sum = gt_scalar(gt, 0, .dtype = GT_F64);
    gt_split(x, 0, 1, rows, R);
    for (int i = 0; i < R; i++) sum = gt_add(sum, gt_sum(rows[i]));
    gt_backward(sum);
    assert_true(of_result == R * C && of_leaf == 2 * R * C);
    assert_well(gt);
}

/* One gradient of x for all pieces, and none beside it. */
static void test_no_memory_for_each(void **state)
{
    gt_ctx *gt = *state;
    enum { N = 64, WIDE = 4096 };
    gt_tensor *x = gt_ones(gt, GT_SHAPE(N, WIDE), .requires_grad = true), *rows[N];
    gt_split(x, 0, 1, rows, N);
    gt_tensor *sum = gt_scalar(gt, 0);
    for (int i = 0; i < N; i++) sum = gt_add(sum, gt_sum(gt_mul_scalar(rows[i], i)));
    const uint64_t before = gt_get_stats(gt).bytes_live, whole = sizeof(float) * N * WIDE;
    gt_stats_reset_peak(gt);
    gt_backward(sum);
    assert_true(gt_get_stats(gt).bytes_peak - before < whole + whole / 2);
    for (int i = 0; i < N; i++) assert_true(element(x->grad, (int64_t)i * WIDE + 7) == i);
    assert_well(gt);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        FRESH(test_in_place_as_by_the_rule),
        FRESH(test_others_gradients_stay),
        FRESH(test_hooks_see_it_complete),
        FRESH(test_no_memory_for_each),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}

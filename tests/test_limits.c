/* Where a formula has 0 * inf or 0 / 0 and what it stands for has a limit: impossible and certain
 * classes, losses of which nothing counts, lengths of nothing. PyTorch has NaN in most places. */
#include <math.h>

#include "support.h"

static gt_tensor *leaf(gt_ctx *gt, gt_shape shape, const double *values, gt_dtype dtype)
{
    return gt_values_(gt, shape, (size_t)gt_shape_size(shape), values,
                      (gt_new_opts){.dtype = dtype, .requires_grad = true});
}

/* Fails where y or a derivative of its sum in x, first or second, is NaN; returns the first. */
static gt_tensor *gradient_without_nan(gt_tensor *y, gt_tensor *x, const char *what)
{
    gt_tensor *sum = gt_sum(y), *g = NULL, *h = NULL;
    if (!sum || gt_grad(&sum, 1, &x, 1, &g, .create_graph = true) != GT_OK)
        fail_msg("%s: %s", what, gt_error_message(x->ctx));
    if (g->requires_grad) {
        gt_tensor *all = gt_sum(g);
        gt_grad(&all, 1, &x, 1, &h, .retain = true);
    }
    assert_well(x->ctx);
    for (int64_t i = 0; i < y->size; i++)
        if (isnan(element(y, i))) fail_msg("%s: value %d is NaN", what, (int)i);
    for (int64_t i = 0; i < x->size; i++) {
        if (isnan(element(g, i))) fail_msg("%s: gradient %d is NaN", what, (int)i);
        if (h && isnan(element(h, i))) fail_msg("%s: second derivative %d is NaN", what, (int)i);
    }
    return g;
}

/* --- classes --- */

/* Logits of -inf: impossible classes, which a target of 0 or a weight of 0 leaves out. */
static void test_impossible_classes(void **state)
{
    gt_ctx *gt = *state;
    const double logits[] = {-INFINITY, 0, 1, 2, -INFINITY, 1};
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x = leaf(gt, GT_SHAPE(2, 3), logits, dtype);
        gt_tensor *soft = gt_values(gt, GT_SHAPE(2, 3), 0, 0.5, 0.5, 1, 0, 0);
        gt_tensor *class = gt_values(gt, GT_SHAPE(2), 1, 2);
        gt_tensor *w = gt_values(gt, GT_SHAPE(3), 0, 0, 1), *t = gt_cast(class, GT_I64);
        soft = gt_cast(soft, dtype);
        w = gt_cast(w, dtype);
        const double a = log1p(exp(-1)), b = log1p(exp(-1));
        const struct {
            const char *what;
            gt_tensor *y;
            double first, second;
        } rows[] = {
            {"soft", gt_cross_entropy(x, soft, .reduction = GT_NONE), a + 0.5, b},
            {"soft, weighted", gt_cross_entropy(x, soft, .weight = w, .reduction = GT_NONE), a / 2,
             0},
            {"classes", gt_cross_entropy(x, t, .reduction = GT_NONE), a + 1, b + 1},
            {"weighted", gt_cross_entropy(x, t, .weight = w, .reduction = GT_NONE), 0, b + 1},
            {"weighted, smooth",
             gt_cross_entropy(x, t, .weight = w, .label_smoothing = 0.3, .reduction = GT_NONE),
             0.1 * a, 0.7 * (b + 1) + 0.1 * (b + 1)},
            {"nll", gt_nll_loss(gt_log_softmax(x, 1), t, .weight = w, .reduction = GT_NONE), 0,
             b + 1},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            gradient_without_nan(rows[i].y, x, rows[i].what);
            assert_values(rows[i].y, 2, (const double[]){rows[i].first, rows[i].second}, 1e-6);
        }
    }
}

/* A certain loss in a row that is ignored does not count. */
static void test_ignored_beside_impossible(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(2, 2), (const double[]){-INFINITY, 0, 1, 1}, GT_F32);
    gt_tensor *t = gt_cast(gt_values(gt, GT_SHAPE(2), -100, 0), GT_I64),
              *w = gt_ones(gt, GT_SHAPE(2));
    gt_tensor *y = gt_cross_entropy(x, t, .weight = w, .label_smoothing = 0.5);
    assert_values(y, 1, (const double[]){log(2)}, 1e-6);
    gradient_without_nan(y, x, "ignored");
}

/* The mean of nothing is NaN, but it moves with nothing. */
static void test_all_ignored(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *t = gt_full(gt, GT_SHAPE(2), -100, .dtype = GT_I64), *w = gt_ones(gt, GT_SHAPE(3));
    gt_tensor *x = leaf(gt, GT_SHAPE(2, 3), (const double[]){1, 2, 3, 4, 5, 6}, GT_F32);
    gt_tensor *losses[] = {gt_cross_entropy(x, t), gt_cross_entropy(x, t, .weight = w),
                           gt_cross_entropy(x, t, .label_smoothing = 0.1), gt_nll_loss(x, t)};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        assert_true(isnan(gt_item(losses[i])));
        gt_tensor *g, *h;
        gt_grad(&losses[i], 1, &x, 1, &g, .create_graph = true);
        assert_values(g, 6, (const double[6]){0}, 0);
        if (!g->requires_grad) continue;
        gt_tensor *sum = gt_sum(gt_square(gt_add(g, x)));
        gt_grad(&sum, 1, &x, 1, &h);
        assert_values(h, 6, (const double[]){2, 4, 6, 8, 10, 12}, 0);
    }
    assert_well(gt);
}

/* --- yes and no --- */

static void assert_same(const gt_tensor *t, int n, const double *want)
{
    for (int i = 0; i < n; i++)
        if (element(t, i) != want[i])
            fail_msg("element %d is %g, not %g", i, element(t, i), want[i]);
}

static void test_certain_answers(void **state)
{
    gt_ctx *gt = *state;
    enum { N = 4 };
    const double logits[N] = {-INFINITY, INFINITY, INFINITY, -INFINITY}, none[N] = {0};
    const double right[N] = {0, 1, 0, 1}, yes[N] = {0, 0, INFINITY, INFINITY};
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x = leaf(gt, GT_SHAPE(N), logits, dtype);
        gt_tensor *t = gt_detach(leaf(gt, GT_SHAPE(N), right, dtype));
        gt_tensor *two = gt_full(gt, GT_SHAPE(1), 2, .dtype = dtype);
        gt_tensor *zero = gt_zeros(gt, GT_SHAPE(1), .dtype = dtype);
        gt_tensor *y = gt_binary_cross_entropy_with_logits(x, t, .reduction = GT_NONE);
        assert_same(y, N, yes);
        assert_same(gradient_without_nan(y, x, "logits"), N, (const double[]){0, 0, 1, -1});
        y = gt_binary_cross_entropy_with_logits(x, t, .pos_weight = two, .reduction = GT_NONE);
        assert_same(y, N, yes);
        assert_same(gradient_without_nan(y, x, "pos_weight"), N, (const double[]){0, 0, 1, -2});
        y = gt_binary_cross_entropy_with_logits(x, t, .weight = zero, .reduction = GT_NONE);
        assert_same(y, N, none);
        assert_same(gradient_without_nan(y, x, "weight"), N, none);
    }
}

/* --- lengths --- */

static gt_tensor *hessian_row(gt_tensor *y, gt_tensor *x, const double *direction)
{
    gt_tensor *v =
        gt_values_(x->ctx, x->shape, (size_t)x->size, direction, (gt_new_opts){.dtype = x->dtype});
    gt_tensor *g = NULL, *h = NULL;
    gt_grad(&y, 1, &x, 1, &g, .create_graph = true);
    gt_grad(&g, 1, &x, 1, &h, .upstream = &v);
    assert_well(x->ctx);
    return h;
}

/* |x|^2 has the Hessian 2, and var its own, at 0 as elsewhere. */
static void test_squared_lengths(void **state)
{
    gt_ctx *gt = *state;
    const double points[2][4] = {{0, 0, 0, 0}, {3, 0, -4, 1}}, v[] = {1, -2, 3, 2};
    for (int i = 0; i < 2; i++) {
        gt_tensor *x = leaf(gt, GT_SHAPE(2, 2), points[i], GT_F64);
        assert_values(hessian_row(gt_square(gt_norm(x)), x, v), 4, (const double[]){2, -4, 6, 4},
                      1e-12);
        gt_tensor *rows = gt_norm(x, .axes = GT_AXES(1));
        assert_values(hessian_row(gt_sum(gt_square(rows)), x, v), 4, (const double[]){2, -4, 6, 4},
                      1e-12);
        gt_tensor *std = gt_square(gt_std(x, .correction = GT_ZERO));
        assert_values(hessian_row(std, x, v), 4, (const double[]){0, -1.5, 1, 0.5}, 1e-12);
    }
}

/* Directions of lengths so small or large that 1 / length leaves the range. */
static void test_directions(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        const double sizes[] = {dtype == GT_F32 ? 1e-40 : 1e-310, 1,
                                dtype == GT_F32 ? 1e38 : 1e308};
        for (int i = 0; i < 3; i++) {
            const double s = sizes[i];
            gt_tensor *x = leaf(gt, GT_SHAPE(2), (const double[]){0.75 * s, -s}, dtype);
            gt_tensor *y[] = {gt_norm(x), gt_std(x)}, *g[2];
            for (int k = 0; k < 2; k++) gt_grad(&y[k], 1, &x, 1, &g[k]);
            assert_well(gt);
            assert_values(g[0], 2, (const double[]){0.6, -0.8}, 1e-4);
            assert_values(g[1], 2, (const double[]){sqrt(0.5), -sqrt(0.5)}, 1e-4);
        }
    }
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        FRESH(test_impossible_classes), FRESH(test_ignored_beside_impossible),
        FRESH(test_all_ignored),        FRESH(test_certain_answers),
        FRESH(test_squared_lengths),    FRESH(test_directions),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}

/* What looks wrong and is right: kinks that meet, terms that cancel, steps that see too little. And
 * what looks like it, and is wrong. */
#include "support.h"

#include <gradtape/gradcheck_c.h>
#include <math.h>
#include <string.h>

#include "wrong_ops.h"

enum { SEEDS = 30 };

static gt_tensor *normal(gt_ctx *gt, gt_shape shape)
{
    return gt_randn(gt, shape, .dtype = GT_F64, .requires_grad = true);
}

/* Over so many random points, how often there was this verdict. */
static int times(gt_ctx *gt, gt_function f, gt_tensor *const in[], int n_in, int order,
                 gt_verdict v)
{
    static gt_gradcheck_report r;
    int n = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const gt_mark mark = gt_mark_tape(gt);
        n += gt_gradcheck(gt, f, NULL, in, n_in, &(gt_gradcheck_opts){.order = order, .seed = seed},
                          &r) == v;
        gt_rewind(gt, mark);
    }
    return n;
}

/* --- kinks that meet --- */

static gt_tensor *two_layers(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_matmul(gt_relu(gt_matmul(in[0], in[1])), in[2]);
}

static gt_tensor *pooled(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *y = gt_max_pool2d(gt_conv2d(in[0], in[1], .padding = {1, 1}), .kernel = {2, 2});
    return gt_sum(gt_mul(y, in[2]));
}

static void rows_of_zeros_do_not_fail(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 1);
    gt_tensor *x = normal(gt, GT_SHAPE(6, 4));
    memset((double *)x->data + 8, 0, 4 * sizeof(double));
    gt_tensor *const in[] = {x, normal(gt, GT_SHAPE(4, 5)), normal(gt, GT_SHAPE(5, 2))};
    assert_int_equal(times(gt, two_layers, in, 3, 1, GT_PASS), SEEDS);
    gt_tensor *const image[] = {
        gt_zeros(gt, GT_SHAPE(1, 1, 4, 4), .dtype = GT_F64, .requires_grad = true),
        normal(gt, GT_SHAPE(1, 1, 3, 3)), normal(gt, GT_SHAPE(1, 1, 2, 2))};
    assert_int_equal(times(gt, pooled, image, 3, 1, GT_FAIL), 0);
}

/* |x| whose slope at 0 is 5, among others: a single kink, wherever the others are. */
static gt_tensor *steep_at_zero(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_matmul(gt_apply(&steep_op, NULL, 1, in), in[1]);
}

static void a_single_kink_still_fails(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 1);
    gt_tensor *x = normal(gt, GT_SHAPE(3, 4));
    ((double *)x->data)[5] = 0;
    gt_tensor *const in[] = {x, normal(gt, GT_SHAPE(4, 2))};
    assert_int_equal(times(gt, steep_at_zero, in, 2, 1, GT_FAIL), SEEDS);
}

/* --- terms that cancel --- */

static gt_tensor *saturated(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_softmax(gt_mul_scalar(in[0], 27), 0);
}

static void saturated_rules_are_linear(void **state)
{
    gt_ctx *gt = *state;
    int failed = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        gt_manual_seed(gt, seed);
        gt_tensor *const in[] = {normal(gt, GT_SHAPE(4))};
        failed += times(gt, saturated, in, 1, 2, GT_FAIL);
    }
    assert_in_range(failed, 0, 3); /* 48 of these 300 did */
}

/* --- steps that see too little --- */

static double sine_of_square(const double *x, int64_t n, void *user)
{
    (void)n, (void)user;
    return sin(x[0] * x[0]);
}

static void its_gradient(const double *x, int64_t n, double *g, void *user)
{
    (void)n;
    g[0] = 2 * x[0] * cos(x[0] * x[0]) * *(const double *)user;
}

static double growth(const double *x, int64_t n, void *user)
{
    (void)n, (void)user;
    return (exp(x[0]) - 1) / x[0];
}

static void growth_gradient(const double *x, int64_t n, double *g, void *user)
{
    (void)n;
    g[0] = (0.5 + x[0] / 3) * *(const double *)user;
}

typedef struct {
    double (*f)(const double *, int64_t, void *);
    void (*g)(const double *, int64_t, double *, void *);
    double x;
} place;

static gt_verdict verdict_of(const place *p, double x, double factor)
{
    static gt_gradcheck_report r;
    return gt_gradcheck_c(p->f, p->g, &factor, &x, 1, NULL, &r);
}

static void steps_that_contradict_each_other_prove_nothing_wrong(void **state)
{
    (void)state;
    static const place places[] = {{sine_of_square, its_gradient, 949},
                                   {sine_of_square, its_gradient, 13806.7},
                                   {sine_of_square, its_gradient, 371193.36},
                                   {growth, growth_gradient, 1.1996973492585901e-10},
                                   {growth, growth_gradient, 3e-14}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (int k = 0; k < 40; k++) {
            const double x = places[i].x * (1 + k / 97.0);
            if (verdict_of(&places[i], x, 1) == GT_FAIL) fail_msg("place %zu, x = %.17g", i, x);
            if (verdict_of(&places[i], x, 2) == GT_PASS) fail_msg("twice %zu, x = %.17g", i, x);
            if (verdict_of(&places[i], x, 0) == GT_PASS) fail_msg("zero %zu, x = %.17g", i, x);
        }
}

/* --- hints --- */

static gt_tensor *square_and_a_little(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_apply(&a_little_op, NULL, 1, in);
}

/* A diagonal is its own transpose, and of few entries nearly all are at a border. */
static void little_is_not_called_transposed(void **state)
{
    gt_ctx *gt = *state;
    static gt_gradcheck_report r;
    gt_tensor *x =
        gt_values_as(gt, GT_SHAPE(3, 4), GT_F64, .02, .5, 1, 2, 3, .04, 5, 6, 7, 8, .01, 9);
    gt_require_grad(x, true);
    assert_int_equal(gt_gradcheck(gt, square_and_a_little, NULL, &x, 1, NULL, &r), GT_FAIL);
    assert_null(strstr(r.message, "transposed"));
    assert_null(strstr(r.message, "border"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_zeros_do_not_fail, open_context, close_context),
        cmocka_unit_test_setup_teardown(a_single_kink_still_fails, open_context, close_context),
        cmocka_unit_test_setup_teardown(saturated_rules_are_linear, open_context, close_context),
        cmocka_unit_test(steps_that_contradict_each_other_prove_nothing_wrong),
        cmocka_unit_test_setup_teardown(little_is_not_called_transposed, open_context,
                                        close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

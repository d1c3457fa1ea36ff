/* gt_vjp, gt_jvp, gt_jacobian, gt_hessian, gt_hvp: against each other, formulas and shapes. */
#include "support.h"

#include <math.h>

#define F64 .dtype = GT_F64

/* --- the functions --- */

static gt_tensor *product(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_matmul(in[0], in[1]);
}

static gt_tensor *elementwise(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_div(gt_mul(gt_square(in[0]), in[1]), gt_add_scalar(gt_square(in[1]), 2));
}

static gt_tensor *convolution(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_square(gt_conv2d(in[0], in[1], .padding = {1, GT_ZERO}));
}

static gt_tensor *second(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return in[1];
}

static gt_tensor *constant(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)in, (void)user;
    return gt_ones(gt, GT_SHAPE(2, 3), F64);
}

static gt_tensor *number(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    return gt_sum(gt_square(elementwise(gt, in, user)));
}

/* x' A x, with A the user's. */
static gt_tensor *quadratic(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    return gt_matmul(in[0], gt_matmul(user, in[0]));
}

static gt_tensor *nothing(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)in, (void)user;
    return NULL;
}

static gt_tensor *whole(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)in, (void)user;
    return gt_randint(gt, 0, 5, GT_SHAPE(2));
}

static const struct {
    const char *name;
    gt_function f;
    gt_shape a, b, y;
} functions[] = {
    {"product", product, GT_DIMS(2, 3), GT_DIMS(3, 2), GT_DIMS(2, 2)},
    {"elementwise", elementwise, GT_DIMS(2, 3), GT_DIMS(3), GT_DIMS(2, 3)},
    {"convolution", convolution, GT_DIMS(1, 1, 3, 4), GT_DIMS(2, 1, 2, 2), GT_DIMS(1, 2, 4, 3)},
    {"second", second, GT_DIMS(2), GT_DIMS(3), GT_DIMS(3)},
    {"constant", constant, GT_DIMS(2), GT_DIMS(3), GT_DIMS(2, 3)},
    {"number", number, GT_DIMS(2, 3), GT_DIMS(2, 3), {0, {0}}},
    {"empty", elementwise, GT_DIMS(0, 3), GT_DIMS(3), GT_DIMS(0, 3)},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static void fill_inputs(gt_ctx *gt, int i, gt_tensor *in[2])
{
    gt_manual_seed(gt, 1);
    in[0] = gt_randn(gt, functions[i].a, F64);
    in[1] = gt_randn(gt, functions[i].b, F64);
}

static void assert_near(const gt_tensor *t, int64_t i, double want)
{
    if (!(fabs(element(t, i) - want) <= 1e-12 * (1 + fabs(want))))
        fail_msg("element %lld is %.17g instead of %.17g", (long long)i, element(t, i), want);
}

/* --- tests --- */

/* The Jacobian's products from both sides, computed from it, are gt_jvp's and gt_vjp's. */
static void three_ways_agree(void **state)
{
    gt_ctx *gt = *state;
    for (int i = 0; i < N_FUNCTIONS; i++) {
        gt_tensor *in[2], *jac[2], *grads[2], *v[2], *jv, *y;
        fill_inputs(gt, i, in);
        for (int k = 0; k < 2; k++) v[k] = gt_randn(gt, in[k]->shape, F64);
        gt_tensor *u = gt_randn(gt, functions[i].y, F64);
        gt_jacobian(gt, functions[i].f, NULL, in, 2, jac, .flat = true);
        gt_vjp(gt, functions[i].f, NULL, in, 2, u, grads, .value = &y);
        gt_jvp(gt, functions[i].f, NULL, in, 2, v, &jv);
        assert_well(gt);
        const int64_t m = u->size;
        assert_true(gt_shape_equal(y->shape, functions[i].y));
        assert_true(gt_shape_equal(jv->shape, functions[i].y));
        for (int k = 0; k < 2; k++) {
            const int64_t n = in[k]->size;
            assert_true(gt_shape_equal(jac[k]->shape, GT_SHAPE(m, n)));
            assert_true(gt_same_shape(grads[k], in[k]));
            for (int64_t c = 0; c < n; c++) {
                double sum = 0;
                for (int64_t r = 0; r < m; r++) sum += element(u, r) * element(jac[k], r * n + c);
                assert_near(grads[k], c, sum);
            }
        }
        for (int64_t r = 0; r < m; r++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                for (int64_t c = 0, n = in[k]->size; c < n; c++)
                    sum += element(v[k], c) * element(jac[k], r * n + c);
            assert_near(jv, r, sum);
        }
    }
}

static void jacobians_have_torchs_shape(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[2], *jac[2], *y;
    fill_inputs(gt, 1, in);
    assert_int_equal(gt_jacobian(gt, elementwise, NULL, in, 2, jac, .value = &y), GT_OK);
    assert_true(gt_shape_equal(jac[0]->shape, GT_SHAPE(2, 3, 2, 3)));
    assert_true(gt_shape_equal(jac[1]->shape, GT_SHAPE(2, 3, 3)));
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 3; c++) { /* y = a^2 b / (b^2 + 2) */
            const double a = gt_get(in[0], r, c), b = gt_get(in[1], c), d = b * b + 2;
            assert_near(y, r * 3 + c, a * a * b / d);
            assert_true(fabs(gt_get(jac[0], r, c, r, c) - 2 * a * b / d) < 1e-12);
            assert_true(fabs(gt_get(jac[1], r, c, c) - a * a * (2 - b * b) / (d * d)) < 1e-12);
            assert_true(gt_get(jac[0], r, c, 1 - r, c) == 0);
        }
    assert_well(gt);
}

static void the_hessian_of_a_quadratic(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3)), *a = gt_arange(gt, 0, 9, 1);
    gt_tensor *A = gt_reshape(a, GT_SHAPE(3, 3)), *hess, *hv,
              *v = gt_values(gt, GT_SHAPE(3), 1, 0, 2);
    gt_hessian(gt, quadratic, A, &x, 1, &hess);
    ASSERT_VALUES(hess, 1e-5, 0, 4, 8, 4, 8, 12, 8, 12, 16); /* A + A' */
    gt_hvp(gt, quadratic, A, &x, 1, &v, &hv);
    ASSERT_VALUES(hv, 1e-4, 16, 28, 40);
    assert_well(gt);
}

/* Blocks of several inputs: symmetric, and their product with v is gt_hvp's. */
static void hessian_blocks_agree_with_hvp(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[2], *hess[4], *hv[2], *v[2], *only[2] = {NULL}, *half[2];
    fill_inputs(gt, 5, in);
    for (int k = 0; k < 2; k++) v[k] = gt_randn(gt, in[k]->shape, F64);
    gt_hessian(gt, number, NULL, in, 2, hess);
    gt_hvp(gt, number, NULL, in, 2, v, hv);
    only[1] = v[1];
    gt_hvp(gt, number, NULL, in, 2, only, half);
    assert_well(gt);
    assert_true(gt_shape_equal(hess[1]->shape, GT_SHAPE(2, 3, 2, 3)));
    for (int i = 0; i < 2; i++)
        for (int r = 0; r < 6; r++) {
            double sum[2] = {0};
            for (int j = 0; j < 2; j++)
                for (int c = 0; c < 6; c++) {
                    const double h = element(hess[i * 2 + j], r * 6 + c);
                    assert_near(hess[j * 2 + i], c * 6 + r, h);
                    sum[j] += h * element(v[j], c);
                }
            assert_near(hv[i], r, sum[0] + sum[1]);
            assert_near(half[i], r, sum[1]);
        }
}

static void what_has_no_second_derivative_has_a_hessian_of_zeros(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *hess[4], *hv[2];
    gt_tensor *in[2] = {x, gt_scalar(gt, 3)};
    gt_hessian(gt, second, NULL, in, 2, hess, .flat = true);
    for (int i = 0; i < 4; i++) assert_non_null(hess[i]);
    ASSERT_VALUES(hess[0], 0, 0, 0, 0, 0);
    gt_hvp(gt, second, NULL, in, 2, in, hv);
    ASSERT_VALUES(hv[0], 0, 0, 0);
    ASSERT_VALUES(hv[1], 0, 0);
    assert_well(gt);
}

/* With create_graph every result can be differentiated in the inputs: all of these are third
 * powers' derivatives. */
static gt_tensor *cube(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_mul(gt_square(in[0]), in[0]);
}

static gt_tensor *sum_of_cubes(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    return gt_sum(cube(gt, in, user));
}

static void results_can_be_differentiated(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 2, 3), *v = gt_ones(gt, GT_SHAPE(2)), *r, *y;
    gt_require_grad(x, true);
    for (int way = 0; way < 6; way++) {
        switch (way) {
        case 0: gt_vjp(gt, cube, NULL, &x, 1, v, &r, .create_graph = true); break;
        case 1: gt_jvp(gt, cube, NULL, &x, 1, &v, &r, .create_graph = true); break;
        case 2: gt_jacobian(gt, cube, NULL, &x, 1, &r, .create_graph = true); break;
        case 3: gt_hessian(gt, sum_of_cubes, NULL, &x, 1, &r, .create_graph = true); break;
        case 4: gt_hvp(gt, sum_of_cubes, NULL, &x, 1, &v, &r, .create_graph = true); break;
        default: gt_vjp(gt, cube, NULL, &x, 1, v, &r, .create_graph = true, .value = &y); r = y;
        }
        assert_well(gt);
        gt_clear_grad(x);
        assert_int_equal(gt_backward(gt_sum(r)), GT_OK);
        if (way < 3) ASSERT_VALUES(x->grad, 1e-5, 12, 18);
        else if (way < 5) ASSERT_VALUES(x->grad, 1e-5, 6, 6);
        else ASSERT_VALUES(x->grad, 1e-5, 12, 27);
    }
    gt_jacobian(gt, cube, NULL, &x, 1, &r, .create_graph = true);
    ASSERT_VALUES(r, 1e-5, 12, 0, 0, 27);
}

static void whole_inputs_are_passed_on(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[2] = {gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64), gt_ones(gt, GT_SHAPE(2))};
    gt_tensor *grads[2], *jac[2];
    gt_vjp(gt, second, NULL, in, 2, gt_values(gt, GT_SHAPE(2), 5, 7), grads);
    gt_jacobian(gt, second, NULL, in, 2, jac);
    assert_well(gt);
    assert_null(grads[0]);
    assert_null(jac[0]);
    ASSERT_VALUES(grads[1], 0, 5, 7);
    ASSERT_VALUES(jac[1], 0, 1, 0, 0, 1);
}

/* Marks, recording and leaves' gradients are what they were. */
static void the_callers_tape_is_left_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *jac;
    gt_mark start = gt_mark_tape(gt);
    gt_stats settled = {0};
    for (int step = 0; step < 30; step++) {
        gt_rewind(gt, start);
        gt_tensor *h = gt_square(x), *loss = gt_sum(h);
        const bool recording = gt_set_recording(gt, false);
        assert_int_equal(gt_jacobian(gt, cube, NULL, &h, 1, &jac), GT_OK);
        assert_false(gt_set_recording(gt, recording));
        ASSERT_VALUES(jac, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3);
        assert_null(x->grad);
        assert_int_equal(gt_backward(loss), GT_OK);
        ASSERT_VALUES(x->grad, 0, 2, 2, 2);
        gt_item(h); /* released: the mark that counts is still the loop's */
        assert_error(gt, GT_ERR_STATE, "released by gt_backward");
        if (step == 10) settled = gt_get_stats(gt);
    }
    assert_int_equal(gt_get_stats(gt).mallocs, settled.mallocs);
}

static void bad_calls_say_so(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3)), *v = gt_ones(gt, GT_SHAPE(2)), *out[4];
    gt_tensor *none = NULL, *i = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_tensor *wide = gt_ones(gt, GT_SHAPE(1, 1, 2, 2, 1)), *d = gt_ones(gt, GT_SHAPE(2, 3), F64);
    gt_tensor *pair[2] = {wide, wide};
#define REFUSED(call, code, part)                                                                  \
    assert_int_equal(call, code);                                                                  \
    assert_null(out[0]);                                                                           \
    assert_error(gt, code, part)
    REFUSED(gt_vjp(gt, cube, NULL, &x, 1, NULL, out), GT_ERR_SHAPE, "gt_vjp (test_functional.c:");
    REFUSED(gt_vjp(gt, cube, NULL, &x, 1, NULL, out), GT_ERR_SHAPE, "6 elements, shape [2,3]");
    REFUSED(gt_vjp(gt, cube, NULL, &x, 1, v, out), GT_ERR_SHAPE, "v has shape [2], but should");
    REFUSED(gt_vjp(gt, cube, NULL, &x, 1, d, out), GT_ERR_DTYPE, "v is f64, but should be f32");
    REFUSED(gt_vjp(gt, cube, NULL, &none, 1, v, out), GT_ERR_ARGUMENT, "input 0 is NULL");
    REFUSED(gt_vjp(gt, NULL, NULL, &x, 1, v, out), GT_ERR_ARGUMENT, "the function is NULL");
    REFUSED(gt_vjp(gt, nothing, NULL, &x, 1, v, out), GT_ERR_ARGUMENT, "returned NULL");
    REFUSED(gt_vjp(gt, whole, NULL, &x, 1, v, out), GT_ERR_DTYPE, "neither f32 nor f64");
    REFUSED(gt_vjp(gt, cube, NULL, &i, 1, v, out), GT_ERR_DTYPE, "no input is f32 or f64");
    out[0] = NULL;
    REFUSED(gt_vjp(gt, cube, NULL, &x, 0, v, out), GT_ERR_ARGUMENT, "there are no inputs");
    REFUSED(gt_jvp(gt, cube, NULL, &x, 1, NULL, out), GT_ERR_ARGUMENT, "v is NULL");
    REFUSED(gt_jvp(gt, cube, NULL, &x, 1, &v, out), GT_ERR_SHAPE, "gt_jvp");
    REFUSED(gt_jvp(gt, cube, NULL, &x, 1, &v, out), GT_ERR_SHAPE, "v[0] has shape [2]");
    REFUSED(gt_hvp(gt, cube, NULL, &x, 1, &x, out), GT_ERR_SHAPE, "instead of one");
    REFUSED(gt_hessian(gt, cube, NULL, &x, 1, out), GT_ERR_SHAPE, "hint: reduce it");
    REFUSED(gt_jacobian(gt, second, NULL, pair, 2, out), GT_ERR_SHAPE,
            "make 10 dimensions, more than 8\n  hint: .flat = true");
    gt_ctx *other = gt_open();
    gt_tensor *foreign = gt_ones(other, GT_SHAPE(1));
    REFUSED(gt_vjp(gt, cube, NULL, &foreign, 1, NULL, out), GT_ERR_ARGUMENT,
            "input 0 belongs to another context");
    gt_close(other);
    assert_int_equal(gt_vjp(NULL, cube, NULL, &x, 1, v, out), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the context is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(three_ways_agree),
        TEST(jacobians_have_torchs_shape),
        TEST(the_hessian_of_a_quadratic),
        TEST(hessian_blocks_agree_with_hvp),
        TEST(what_has_no_second_derivative_has_a_hessian_of_zeros),
        TEST(results_can_be_differentiated),
        TEST(whole_inputs_are_passed_on),
        TEST(the_callers_tape_is_left_alone),
        TEST(bad_calls_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

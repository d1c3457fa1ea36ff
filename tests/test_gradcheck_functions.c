/* Functions of the user's under the gradient checker: right ones pass, wrong requests are refused,
 * and everything is left as it was found. */
#include "support.h"
#include "wrong_ops.h"

static gt_tensor *mixture(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *y = gt_matmul(in[0], in[1]);
    return gt_div(gt_mul(y, y), gt_add_scalar(gt_square(gt_sum(in[0])), 1));
}

static gt_tensor *identity(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return in[0];
}

static gt_tensor *nothing(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)in, (void)user;
    return NULL;
}

static gt_tensor *misfit(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)user;
    return gt_matmul(in[0], gt_zeros(gt, GT_SHAPE(7, 7), .dtype = GT_F64));
}

static gt_tensor *with_f32(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)user;
    return gt_mul(in[0], gt_ones(gt, GT_SHAPE(1)));
}

static gt_tensor *constant(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)user;
    return gt_mul(gt_detach(in[0]), gt_ones(gt, GT_SHAPE(1), .dtype = GT_F64));
}

static gt_tensor *sum_of_squares(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_sum(gt_square(in[0]));
}

/* As a module does, which reads its parameters. */
static gt_tensor *of_user(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)in;
    return gt_square(user);
}

static gt_tensor *random_leaf(gt_ctx *gt, gt_shape shape, gt_dtype dtype)
{
    return gt_randn(gt, shape, .dtype = dtype, .requires_grad = true);
}

static void expect(gt_ctx *gt, gt_function f, void *user, gt_tensor *x, gt_verdict verdict,
                   const char *says, const char *hint)
{
    gt_gradcheck_report r;
    gt_tensor *in[] = {x};
    const gt_verdict v = gt_gradcheck(gt, f, user, in, 1, NULL, &r);
    if (v != verdict || !strstr(r.message, says) || !strstr(r.hint, hint))
        fail_msg("wanted %s, \"%s\", hint \"%s\"; got\n%s", gt_verdict_name(verdict), says, hint,
                 r.message);
    assert_well(gt);
}

static void right_functions_pass(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[] = {random_leaf(gt, GT_SHAPE(3, 4), GT_F64),
                       random_leaf(gt, GT_SHAPE(4, 2), GT_F64)};
    for (int order = 1; order <= 2; order++)
        for (int mode = GT_GRADCHECK_AUTO; mode <= GT_GRADCHECK_FAST; mode++) {
            const gt_gradcheck_opts opts = {.order = order, .mode = (gt_gradcheck_mode)mode};
            gt_gradcheck_report r;
            if (gt_gradcheck(gt, mixture, NULL, in, 2, &opts, &r) != GT_PASS)
                fail_msg("%s", r.message);
        }
    expect(gt, identity, NULL, in[0], GT_PASS, "144 entries", "");
    expect(gt, of_user, in[0], in[0], GT_PASS, "144 entries", "");
    expect(gt, sum_of_squares, NULL, in[0], GT_PASS, "12 entries", "");
    expect(gt, sum_of_squares, NULL, random_leaf(gt, GT_SHAPE(30000), GT_F64), GT_PASS,
           "8 random projections", "");
    expect(gt, sum_of_squares, NULL, random_leaf(gt, GT_SHAPE(0), GT_F64), GT_INCONCLUSIVE,
           "0 entries", "");
    assert_int_equal(gt_gradcheck(gt, mixture, NULL, in, 2, NULL, NULL), GT_PASS);
}

static void wrong_requests_are_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = random_leaf(gt, GT_SHAPE(3, 4), GT_F64);
    expect(gt, NULL, NULL, x, GT_FAIL, "the function is NULL", "");
    expect(gt, identity, NULL, NULL, GT_FAIL, "input 0 is NULL", "");
    expect(gt, nothing, NULL, x, GT_FAIL, "the function returned NULL", "");
    expect(gt, misfit, NULL, x, GT_FAIL, "matmul", "");
    expect(gt, with_f32, NULL, x, GT_FAIL, "f32", "");
    expect(gt, identity, NULL, random_leaf(gt, GT_SHAPE(3), GT_F32), GT_FAIL, "input 0 is f32",
           "f32 is too coarse for differences");
    expect(gt, identity, NULL, gt_square(x), GT_FAIL, "the result of square", "pass leaves");
    expect(gt, identity, NULL, gt_ones(gt, GT_SHAPE(3), .dtype = GT_F64), GT_FAIL,
           "none of the 1 inputs requires gradients", ".requires_grad = true");
    expect(gt, constant, NULL, x, GT_FAIL, "analytic 0 ", "no gradient comes to in0");
    expect(gt, of_user, gt_randn(gt, GT_SHAPE(2), .dtype = GT_F64), x, GT_INCONCLUSIVE, "all 0",
           "");
    assert_int_equal(gt_gradcheck(NULL, identity, NULL, &x, 1, NULL, NULL), GT_FAIL);
    const gt_gradcheck_opts f32 = {.f32 = true};
    gt_module *m = gt_nn_linear(gt, 4, 2, .dtype = GT_F64);
    gt_gradcheck_report r;
    assert_int_equal(gt_gradcheck(gt, identity, NULL, &x, 1, &f32, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "input 0 is f64, where f32 is needed"));
    assert_int_equal(gt_gradcheck_module(gt, m, x, &f32, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "input 0 is f64, where f32 is needed"));
    gt_ctx *other = gt_open();
    expect(other, identity, NULL, x, GT_FAIL, "belongs to another context", "");
    gt_close(other);
}

static void a_failure_from_before_is_left_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = random_leaf(gt, GT_SHAPE(2), GT_F64);
    gt_gradcheck_report r;
    gt_item(x);
    assert_true(gt_failed(gt));
    assert_int_equal(gt_gradcheck(gt, identity, NULL, &x, 1, NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "had failed before"));
    assert_true(gt_failed(gt));
}

static void everything_is_left_as_found(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_keep(random_leaf(gt, GT_SHAPE(5), GT_F64));
    gt_tensor *fixed = gt_randn(gt, GT_SHAPE(5), .dtype = GT_F64), *in[] = {x, fixed};
    gt_backward(gt_sum(gt_square(x)));
    gt_tensor *grad = x->grad;
    double before[5], gradient[5];
    memcpy(before, x->data, sizeof before);
    memcpy(gradient, grad->data, sizeof gradient);
    const gt_stats stats = gt_get_stats(gt);
    gt_set_recording(gt, false);
    assert_int_equal(gt_gradcheck(gt, sum_of_squares, NULL, in, 2, NULL, NULL), GT_PASS);
    assert_int_equal(gt_gradcheck(gt, misfit, NULL, in, 2, NULL, NULL), GT_FAIL);
    assert_int_equal(
        gt_gradcheck_op(gt, &sign_op, &(gt_sample){.in = GT_INPUTS(GT_IN(3))}, NULL, NULL),
        GT_FAIL);
    assert_false(gt_is_recording(gt));
    gt_set_recording(gt, true);
    assert_memory_equal(x->data, before, sizeof before);
    assert_ptr_equal(x->grad, grad);
    assert_memory_equal(grad->data, gradient, sizeof gradient);
    assert_true(x->requires_grad && !fixed->requires_grad);
    assert_int_equal(gt_get_stats(gt).nodes, stats.nodes);
    assert_int_equal(gt_get_stats(gt).bytes_live, stats.bytes_live);
    assert_well(gt);
}

static void names_of_tensors_are_used(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_set_name(random_leaf(gt, GT_SHAPE(2), GT_F64), "net.weight");
    gt_tensor *in[] = {x};
    gt_gradcheck_report r;
    gt_gradcheck(gt, constant, NULL, in, 1, &(gt_gradcheck_opts){.name = "my loss"}, &r);
    assert_non_null(strstr(r.message, "gradcheck FAIL  my loss  order 1"));
    assert_non_null(strstr(r.message, "/ d net.weight["));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(right_functions_pass),
        TEST(wrong_requests_are_refused),
        TEST(a_failure_from_before_is_left_alone),
        TEST(everything_is_left_as_found),
        TEST(names_of_tensors_are_used),
    };
    return cmocka_run_group_tests_name("gradcheck of functions", tests, NULL, NULL);
}

/* Modules under the gradient checker: their parameters and their input, lazy ones, ones with random
 * numbers and with buffers; and one whose rule is wrong. */
#include "support.h"

#include <math.h>

static void expect(gt_ctx *gt, gt_module *m, gt_tensor *x, gt_verdict verdict, const char *says)
{
    for (int order = 1; order <= 2; order++) {
        gt_gradcheck_report r;
        const gt_gradcheck_opts opts = {.order = order};
        const gt_verdict v = gt_gradcheck_module(gt, m, x, &opts, &r);
        if (v != verdict || r.verdict != v || !strstr(r.message, says))
            fail_msg("wanted %s, \"%s\"; got\n%s", gt_verdict_name(verdict), says, r.message);
        assert_well(gt);
    }
}

static gt_tensor *input(gt_ctx *gt, gt_shape shape)
{
    return gt_randn(gt, shape, .dtype = GT_F64, .requires_grad = true);
}

static void networks_pass(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_conv2d(gt, 2, 3, .kernel = {3}, .dtype = GT_F64),
                                      gt_nn_batch_norm2d(gt, 3, .dtype = GT_F64), gt_nn_silu(gt),
                                      gt_nn_flatten(gt), gt_nn_dropout(gt, 0.3),
                                      gt_nn_linear(gt, 12, 2, .dtype = GT_F64));
    expect(gt, net, input(gt, GT_SHAPE(3, 2, 4, 4)), GT_PASS, "gradcheck PASS  Sequential  order");
    gt_eval(net);
    expect(gt, net, input(gt, GT_SHAPE(1, 2, 4, 4)), GT_PASS, "entries of the Jacobian compared");
}

static void lazy_modules_are_made_first(void **state)
{
    gt_ctx *gt = *state;
    gt_module *linear = gt_nn_lazy_linear(gt, 3, .dtype = GT_F64);
    expect(gt, linear, input(gt, GT_SHAPE(2, 5)), GT_PASS, "gradcheck PASS");
    assert_int_equal(gt_module_n_parameters(linear), 18);
}

static void inputs_may_be_indices(void **state)
{
    gt_ctx *gt = *state;
    gt_module *embedding = gt_nn_embedding(gt, 4, 3, .dtype = GT_F64);
    gt_tensor *x = gt_from(gt, GT_SHAPE(5), ((int64_t[]){1, 0, 3, 3, 1}), .dtype = GT_I64);
    expect(gt, embedding, x, GT_PASS, "gradcheck PASS");
}

static void all_is_left_as_found(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net =
        gt_nn_sequential(gt, gt_nn_batch_norm2d(gt, 2, .dtype = GT_F64), gt_nn_dropout(gt, 0.5));
    gt_tensor *x = input(gt, GT_SHAPE(2, 2, 2, 2));
    gt_tensor *mean = gt_module_buffer(net, "0.running_mean");
    gt_tensor *count = gt_module_buffer(net, "0.num_batches_tracked");
    gt_dropout(x, 0.5); /* makes the state of keys */
    gt_manual_seed(gt, 3);
    const double first = gt_item(gt_rand(gt, GT_SHAPE(1))),
                 second = gt_item(gt_rand(gt, GT_SHAPE(1)));
    gt_manual_seed(gt, 3);
    assert_true(gt_item(gt_rand(gt, GT_SHAPE(1))) == first);
    const gt_stats stats = gt_get_stats(gt);
    gt_set_recording(gt, false);
    assert_int_equal(gt_gradcheck_module(gt, net, x, NULL, NULL), GT_PASS);
    assert_false(gt_is_recording(gt));
    gt_set_recording(gt, true);
    assert_int_equal(gt_get_stats(gt).nodes, stats.nodes);
    assert_int_equal(gt_get_stats(gt).bytes_live, stats.bytes_live);
    assert_true(gt_item(gt_rand(gt, GT_SHAPE(1))) == second);
    assert_true(gt_get(mean, 0) == 0 && gt_get(mean, 1) == 0);
    assert_true(gt_item(count) == 0);
    assert_true(net->training);
}

/* --- a module whose weight gets no gradient, below another --- */

static gt_tensor *forgetful_forward(gt_module *m, gt_tensor *x)
{
    return gt_mul(x, gt_detach(gt_module_parameter(m, "weight")));
}
static const gt_module_type forgetful_type = {
    .name = "Forgetful", .size = sizeof(gt_module), .forward = forgetful_forward};

static void mistakes_are_found_and_named(void **state)
{
    gt_ctx *gt = *state;
    gt_module *forgetful = gt_module_new(gt, &forgetful_type);
    gt_module_add_parameter(forgetful, "weight", gt_rand(gt, GT_SHAPE(3), .dtype = GT_F64));
    gt_module *net = gt_nn_sequential(gt, gt_nn_silu(gt), forgetful);
    expect(gt, net, input(gt, GT_SHAPE(2, 3)), GT_FAIL, "no gradient comes to 1.weight");
    gt_gradcheck_report r;
    const gt_gradcheck_opts opts = {.name = "mine"};
    assert_int_equal(gt_gradcheck_module(gt, forgetful, input(gt, GT_SHAPE(2, 3)), &opts, &r),
                     GT_FAIL);
    assert_non_null(strstr(r.message, "gradcheck FAIL  mine  order 1\n"));
}

static void wrong_requests_are_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_module *f32 = gt_nn_linear(gt, 3, 2), *f64 = gt_nn_linear(gt, 3, 2, .dtype = GT_F64);
    gt_module *net = gt_nn_sequential(gt, gt_nn_silu(gt), f32);
    gt_tensor *x = input(gt, GT_SHAPE(2, 3));
    expect(gt, NULL, x, GT_FAIL, "gradcheck FAIL  module  order");
    expect(gt, NULL, x, GT_FAIL, "the module is NULL");
    expect(gt, f64, NULL, GT_FAIL, "input 0 is NULL");
    expect(gt, f64, input(gt, GT_SHAPE(2, 4)), GT_FAIL, "gradcheck FAIL  Linear");
    expect(gt, net, gt_ones(gt, GT_SHAPE(2, 3)), GT_FAIL,
           "input 1 (1.weight) is f32, where f64 is needed");
    expect(gt, net, gt_ones(gt, GT_SHAPE(2, 3)), GT_FAIL, "of a module gt_module_to(m, GT_F64)");
    gt_ctx *other = gt_open();
    expect(other, f64, x, GT_FAIL, "belongs to another context");
    gt_close(other);
    gt_gradcheck_report r;
    for (int k = 0; k < 3; k++) {
        const gt_gradcheck_opts opts = {.others = k == 1 ? NULL : &x, .n_others = k == 2 ? 99 : k};
        static const char *const says[] = {".others is given, and .n_others 0",
                                           ".others is NULL, and .n_others 1",
                                           ".others is given, and .n_others 99"};
        assert_int_equal(gt_gradcheck_module(gt, f64, x, &opts, &r), GT_FAIL);
        assert_non_null(strstr(r.message, says[k]));
    }
    gt_item(x);
    assert_int_equal(gt_gradcheck_module(gt, f64, x, NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "had failed before"));
    assert_true(gt_failed(gt));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(networks_pass),
        TEST(lazy_modules_are_made_first),
        TEST(inputs_may_be_indices),
        TEST(all_is_left_as_found),
        TEST(mistakes_are_found_and_named),
        TEST(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests_name("gradcheck of modules", tests, NULL, NULL);
}

/* Optimizers: SGD against weights recorded from PyTorch 2.15.0, late parameters, misuse. */
#include "optim_support.h"

static void check_vector(const gt_tensor *w, const double expected[3])
{
    const double tolerance = w->dtype == GT_F32 ? 1e-6 : 1e-12;
    for (int i = 0; i < 3; i++)
        if (!(fabs(gt_get(w, i) - expected[i]) <= tolerance * fabs(expected[i])))
            fail_msg("element %d: %.17g instead of %.17g", i, gt_get(w, i), expected[i]);
}

/* The weights after ten steps. */
static void test_sgd(void **state)
{
    // clang-format off
    static const struct {
        gt_dtype dtype;
        gt_sgd_opts opts;
        double w[3];
    } torch[] = {
        {GT_F32, {.lr = 0.05},
         {0.814447284, -2.2609551, 2.26454163}},
        {GT_F32, {.lr = 0.05, .weight_decay = 0.1},
         {0.776484728, -2.14932632, 2.1551652}},
        {GT_F32, {.lr = 0.05, .dampening = 0.5, .weight_decay = 0.1},
         {0.776484728, -2.14932632, 2.1551652}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9},
         {2.07329774, -1.5526979, 3.15254092}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1},
         {1.85985124, -1.14104664, 2.66245961}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9, .dampening = 0.25},
         {1.63798714, -1.73791242, 2.88908601}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9, .dampening = 0.25, .weight_decay = 0.1},
         {1.49171281, -1.3960855, 2.51569963}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9, .dampening = -0.5},
         {3.14353848, -1.20313394, 3.71320605}},
        {GT_F32, {.lr = 0.05, .momentum = 0.9, .nesterov = true},
         {2.65742755, -1.45652783, 3.37687039}},
        {GT_F32, {.lr = 0.05, .momentum = 0.5, .weight_decay = 0.1, .nesterov = true},
         {1.11174726, -1.86602008, 2.30233216}},
        {GT_F64, {.lr = 0.05},
         {0.814447313388721, -2.260955187522011, 2.264541659328515}},
        {GT_F64, {.lr = 0.05, .weight_decay = 0.1},
         {0.7764847108664488, -2.149326105647858, 2.1551650909414786}},
        {GT_F64, {.lr = 0.05, .dampening = 0.5, .weight_decay = 0.1},
         {0.7764847108664488, -2.149326105647858, 2.1551650909414786}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9},
         {2.073297726584912, -1.5526977811765041, 3.152540906078293}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1},
         {1.8598515691530333, -1.1410465051762897, 2.662459525185994}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9, .dampening = 0.25},
         {1.6379871590470125, -1.7379125589780522, 2.8890856257555724}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9, .dampening = 0.25, .weight_decay = 0.1},
         {1.491712877171095, -1.3960852054376165, 2.515699733229696}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9, .dampening = -0.5},
         {3.143538639036894, -1.203133801897146, 3.7132060302067207}},
        {GT_F64, {.lr = 0.05, .momentum = 0.9, .nesterov = true},
         {2.6574272569002853, -1.4565277870310496, 3.3768705007652433}},
        {GT_F64, {.lr = 0.05, .momentum = 0.5, .weight_decay = 0.1, .nesterov = true},
         {1.111747288718541, -1.8660200565837557, 2.3023323966976377}},
    };
    // clang-format on
    (void)state;
    for (size_t k = 0; k < sizeof torch / sizeof *torch; k++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        gt_tensor *w = add_vector(m, "w", torch[k].dtype);
        gt_optimizer *sgd = gt_sgd_(m, torch[k].opts);
        gt_mark start = gt_mark_tape(gt);
        for (int i = 0; i < 10; i++) {
            gt_rewind(gt, start);
            backward(w);
            assert_int_equal(gt_optimizer_step(sgd), GT_OK);
        }
        check_vector(w, torch[k].w);
        assert_false(gt_failed(gt));
        gt_close(gt);
    }
}

/* Sizes that vector instructions do not divide: every element changes, none behind the end. */
static void test_sizes(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    for (int n = 0; n < 40; n++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", n);
        gt_module_add_parameter(m, name,
                                gt_ones(gt, GT_SHAPE(n), .dtype = n % 2 ? GT_F64 : GT_F32));
    }
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.25, .momentum = 0.5, .weight_decay = 1);
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it)) assert_int_equal(gt_backward(gt_sum(it.tensor)), GT_OK);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    it = gt_module_parameters(m);
    while (gt_state_next(&it))
        for (int64_t i = 0; i < it.tensor->size; i++) assert_true(gt_get(it.tensor, i) == 0.5);
    gt_close(gt);
}

/* The learning rate changes between steps; a step without a gradient changes nothing, not even the
 * momentum. */
static void test_schedule_and_skipping(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F64);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.1, .momentum = 0.9);
    for (int i = 0; i < 4; i++) {
        gt_optimizer_zero_grad(sgd);
        assert_null(w->grad);
        if (i != 1) backward(w);
        assert_int_equal(gt_optimizer_step(sgd), GT_OK);
        if (i == 1) assert_int_equal(gt_optimizer_set_lr(sgd, 0.01), GT_OK);
    }
    assert_true(gt_optimizer_lr(sgd) == 0.01);
    check_vector(w, (double[3]){0.5746, -2.4272588, 2.0734365625});
    gt_close(gt);
}

static void test_default_lr(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F64);
    gt_optimizer *sgd = gt_sgd(m);
    assert_true(gt_optimizer_lr(sgd) == 1e-3);
    backward(w);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    check_vector(w, (double[3]){0.5005, -2.4995, 2.0005});
    assert_int_equal(gt_optimizer_set_lr(sgd, 0), GT_OK);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    check_vector(w, (double[3]){0.5005, -2.4995, 2.0005});
    gt_close(gt);
}

/* Added after the first step, to the module and to its child; both have momentum of their own. */
static void test_late_parameters(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type), *child = gt_module_new(gt, &bag_type);
    gt_module_add_child(m, "child", child);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.5, .momentum = 0.5);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    gt_tensor *a = gt_module_add_parameter(m, "a", gt_zeros(gt, GT_SCALAR));
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *b = NULL;
    for (int i = 0; i < 3; i++) {
        gt_rewind(gt, start);
        if (i == 1) b = gt_module_add_parameter(child, "b", gt_zeros(gt, GT_SCALAR));
        assert_int_equal(gt_backward(b ? gt_add(a, b) : gt_square(gt_add_scalar(a, 0.5))), GT_OK);
        assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    }
    assert_true(gt_item(a) == -0.5 - 0.75 - 0.875); /* momentum 1, 1.5, 1.75 */
    assert_true(gt_item(b) == -0.5 - 0.75);
    gt_close(gt);
}

static void test_shared_parameter(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type), *child = gt_module_new(gt, &bag_type);
    gt_module_add_child(m, "child", child);
    gt_tensor *w = gt_module_add_parameter(child, "w", gt_ones(gt, GT_SCALAR));
    assert_ptr_equal(gt_module_add_parameter(m, "again", w), w);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.25);
    assert_int_equal(gt_backward(gt_mul_scalar(w, 1)), GT_OK);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    assert_true(gt_item(w) == 0.75);
    gt_close(gt);
}

/* The notebook's loop, from the start that it had. */
static void test_learn_kernel(void **state)
{
    static const double losses[] = {8.644, 2.690, 0.959, 0.369, 0.147};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *X = gt_ones(gt, GT_SHAPE(1, 1, 6, 8));
    gt_fill_slice(X, 3, 2, 6, 0.0);
    gt_tensor *Y = gt_conv2d(X, gt_values(gt, GT_SHAPE(1, 1, 1, 2), 1, -1));
    gt_module *conv = gt_nn_lazy_conv2d(gt, 1, .kernel = {1, 2}, .no_bias = true);
    gt_forward(conv, X);
    gt_tensor *w = gt_module_parameter(conv, "weight");
    gt_copy_into(w, gt_values(gt, GT_SHAPE(1, 1, 1, 2), -0.21131903, -0.51944323));
    gt_optimizer *sgd = gt_sgd(conv, .lr = 3e-2);
    gt_mark start = gt_mark_tape(gt);
    for (int epoch = 1; epoch <= 10; epoch++) {
        gt_rewind(gt, start);
        gt_tensor *loss = gt_sum(gt_square(gt_sub(gt_forward(conv, X), Y)));
        assert_int_equal(gt_backward(loss), GT_OK);
        assert_int_equal(gt_optimizer_step(sgd), GT_OK);
        if (epoch % 2 == 0) assert_true(fabs(gt_item(loss) - losses[epoch / 2 - 1]) < 5.1e-4);
    }
    assert_true(fabs(gt_get(w, 0, 0, 0, 0) - 0.9510) < 5.1e-5);
    assert_true(fabs(gt_get(w, 0, 0, 0, 1) + 1.0295) < 5.1e-5);
    assert_false(gt_failed(gt));
    gt_close(gt);
}

static void test_steady_state(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F32);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.01, .momentum = 0.9);
    gt_mark start = gt_mark_tape(gt);
    gt_stats before = {0};
    for (int i = 0; i < 50; i++) {
        gt_rewind(gt, start);
        if (i == 10) before = gt_get_stats(gt);
        backward(w);
        assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    }
    gt_rewind(gt, start);
    assert_int_equal(gt_get_stats(gt).mallocs, before.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_live, before.bytes_live);
    gt_close(gt);
}

/* --- misuse --- */

static void test_stale_tape(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F32);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.1);
    gt_tensor *loss = gt_sum(gt_square(w));
    assert_int_equal(gt_backward(loss, .retain = true), GT_OK);
    assert_int_equal(gt_optimizer_step(sgd), GT_OK);
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "changed in place");
    gt_close(gt);
}

static void test_bad_options(void **state)
{
    static const struct {
        gt_sgd_opts opts;
        const char *message;
    } bad[] = {
        {{.lr = -1}, "lr is -1"},
        {{.lr = INFINITY}, "lr is inf"},
        {{.lr = NAN}, "lr is"},
        {{.momentum = -0.5}, "momentum is -0.5"},
        {{.momentum = NAN}, "momentum is"},
        {{.weight_decay = -0.1}, "weight_decay is -0.1"},
        {{.momentum = 0.9, .dampening = INFINITY}, "dampening is inf"},
        {{.nesterov = true}, "nesterov needs a momentum"},
        {{.momentum = 0.9, .dampening = 0.5, .nesterov = true}, "and dampening 0.5"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(gt_sgd_(m, bad[i].opts));
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
    }
    assert_null(gt_sgd(m, .lr = -1));
    assert_error(gt, GT_ERR_ARGUMENT, "test_optim.c:");
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.5);
    assert_int_equal(gt_optimizer_set_lr(sgd, -2), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "lr is -2");
    assert_true(gt_optimizer_lr(sgd) == 0.5);
    gt_close(gt);
}

static void test_null_and_failed(void **state)
{
    (void)state;
    assert_null(gt_sgd(NULL, .lr = 0.1));
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    assert_int_equal(gt_optimizer_step(NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the optimizer is NULL");
    assert_int_equal(gt_optimizer_set_lr(NULL, 1), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    gt_optimizer_zero_grad(NULL);
    assert_true(isnan(gt_optimizer_lr(NULL)));

    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F64);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.1);
    backward(w);
    gt_fail(gt, GT_ERR_NUMERIC, "test", "first");
    assert_int_equal(gt_optimizer_step(sgd), GT_ERR_NUMERIC);
    assert_null(gt_sgd(m));
    assert_error(gt, GT_ERR_NUMERIC, "first");
    check_vector(w, start_w);
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sgd),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_schedule_and_skipping),
        cmocka_unit_test(test_default_lr),
        cmocka_unit_test(test_late_parameters),
        cmocka_unit_test(test_shared_parameter),
        cmocka_unit_test(test_learn_kernel),
        cmocka_unit_test(test_steady_state),
        cmocka_unit_test(test_stale_tape),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_null_and_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Groups of parameters, gradients of several micro-batches, and averages of weights. */
#include "optim_support.h"

static gt_tensor *add_ones(gt_module *m, const char *name)
{
    return gt_module_add_parameter(m, name, gt_ones(m->ctx, GT_SCALAR, .dtype = GT_F64));
}

/* A gradient of g for w. */
static void push(gt_tensor *w, double g)
{
    assert_int_equal(gt_backward(gt_mul_scalar(w, g)), GT_OK);
}

/* --- groups --- */

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern;
        bool fits[3]; /* "weight", "net.conv1.weight", "net.conv1.bias" */
    } rows[] = {
        {"*", {true, true, true}},
        {"weight", {true, false, false}},
        {"*weight", {true, true, false}},
        {"*.weight", {false, true, false}},
        {"net.*", {false, true, true}},
        {"net.conv?.*", {false, true, true}},
        {"net.conv??.*", {false, false, false}},
        {"*conv*bias", {false, false, true}},
        {"**i**s*", {false, false, true}},
        {"*igh*igh*", {false, false, false}},
        {"weight?", {false, false, false}},
        {"weigh", {false, false, false}},
        {"??????", {true, false, false}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type), *net = gt_module_new(gt, &bag_type);
        gt_module *conv = gt_module_new(gt, &bag_type);
        gt_module_add_child(net, "conv1", conv);
        gt_module_add_child(m, "net", net);
        gt_tensor *w[] = {add_ones(m, "weight"), add_ones(conv, "weight"), add_ones(conv, "bias")};
        gt_optimizer *o = gt_sgd(m, .lr = 0.5);
        assert_int_equal(gt_optimizer_add_group(o, rows[i].pattern, .lr = GT_ZERO), GT_OK);
        for (int k = 0; k < 3; k++) push(w[k], 1);
        if (!rows[i].fits[0] && !rows[i].fits[1] && !rows[i].fits[2]) {
            assert_int_equal(gt_optimizer_step(o), GT_ERR_ARGUMENT);
            assert_error(gt, GT_ERR_ARGUMENT,
                         "fits no parameter; there are 'weight', 'net.conv1.w");
            assert_true(gt_item(w[0]) == 1);
            gt_close(gt);
            continue;
        }
        assert_int_equal(gt_optimizer_step(o), GT_OK);
        for (int k = 0; k < 3; k++)
            if (gt_item(w[k]) != (rows[i].fits[k] ? 1 : 0.5))
                fail_msg("pattern %s, parameter %d", rows[i].pattern, k);
        gt_close(gt);
    }
}

/* The last that fits wins, also for parameters and groups that come late. */
static void test_groups(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *a = add_ones(m, "a");
    gt_optimizer *o = gt_sgd(m, .lr = 1, .weight_decay = 0.5);
    push(a, 0);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_true(gt_item(a) == 0.5);
    assert_int_equal(gt_optimizer_add_group(o, "*", .lr_scale = 0.5), GT_OK);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_true(gt_item(a) == 0.375);
    assert_int_equal(gt_optimizer_add_group(o, "b*", .weight_decay = GT_ZERO), GT_OK);
    gt_tensor *b = add_ones(m, "b"), *bc = add_ones(m, "bc");
    assert_int_equal(gt_optimizer_add_group(o, "?c", .lr = 0.25, .weight_decay = 1), GT_OK);
    gt_optimizer_zero_grad(o);
    push(b, 0.25);
    push(bc, 0);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_true(gt_item(a) == 0.375);
    assert_true(gt_item(b) == 0.75);
    assert_true(gt_item(bc) == 0.75);
    assert_int_equal(gt_optimizer_set_lr(o, 8), GT_OK);
    assert_true(gt_optimizer_group_lr(o, 0) == 4);
    assert_true(gt_optimizer_group_lr(o, 1) == 8);
    assert_true(gt_optimizer_group_lr(o, 2) == 0.25);
    assert_int_equal(gt_optimizer_set_group_lr(o, 0, 3), GT_OK);
    assert_int_equal(gt_optimizer_set_lr(o, 16), GT_OK);
    assert_true(gt_optimizer_group_lr(o, 0) == 3);
    gt_close(gt);
}

/* As long as lazy parameters may come, a group may be empty. */
static void test_empty_groups(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2), gt_nn_lazy_linear(gt, 2));
    gt_optimizer *o = gt_sgd(net, .lr = 1);
    gt_optimizer_add_group(o, "1.bias", .lr = 0.5);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    gt_optimizer_add_group(o, "*.bais", .lr = 0.5);
    assert_int_equal(gt_optimizer_step(o), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_optimizer_step (test_optim_groups.c:");
    assert_int_equal(gt_optimizer_step(o), GT_ERR_ARGUMENT);
    assert_error(
        gt, GT_ERR_ARGUMENT,
        "group 1, '*.bais', fits no parameter; there are '0.weight', '0.bias', '1.weight', "
        "'1.bias'\n  hint");
    gt_close(gt);
}

static void test_bad_groups(void **state)
{
    static const struct {
        const char *pattern;
        gt_group_opts opts;
        const char *message;
    } bad[] = {
        {NULL, {.lr = 1}, "the pattern is NULL"},
        {"", {.lr = 1}, "the pattern is empty"},
        {"*", {.lr = -1}, "lr is -1"},
        {"*", {.lr_scale = NAN}, "lr_scale is"},
        {"*", {.weight_decay = INFINITY}, "weight_decay is inf"},
        {"*", {.lr = 1, .lr_scale = 2}, "lr 1 and lr_scale 2"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    gt_optimizer *o = gt_sgd(gt_module_new(gt, &bag_type));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(gt_optimizer_add_group_(o, bad[i].pattern, bad[i].opts), GT_ERR_ARGUMENT);
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
    }
    assert_true(isnan(gt_optimizer_group_lr(o, 0)));
    assert_error(gt, GT_ERR_ARGUMENT, "there is no group 0; there are 0");
    assert_int_equal(gt_optimizer_set_group_lr(o, -1, 1), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "there is no group -1");
    assert_int_equal(gt_optimizer_add_group(NULL, "*", .lr = 1), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the optimizer is NULL");
    gt_close(gt);
}

/* --- accumulation --- */

/* Over micro-batches with these gradients; 0 means none. */
static void accumulate(gt_optimizer *o, gt_mark start, gt_tensor *w[2], const double g[3][2],
                       bool sum)
{
    for (int i = 0; i < 3; i++) {
        gt_rewind(w[0]->ctx, start);
        for (int k = 0; k < 2; k++)
            if (g[i][k] != 0) push(w[k], g[i][k]);
        assert_int_equal(gt_optimizer_accumulate(o, .sum = sum), GT_OK);
        assert_int_equal(gt_optimizer_accumulated(o), i + 1);
    }
}

static void test_accumulation(void **state)
{
    static const double g[3][2] = {{1, 3}, {2, 0}, {3, 0}}, later[3][2] = {{6, 0}, {0, 0}, {0, 0}};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w[] = {add_ones(m, "a"), add_ones(m, "b")};
    gt_optimizer *o = gt_sgd(m, .lr = 1);
    gt_mark start = gt_mark_tape(gt);
    accumulate(o, start, w, g, false);
    assert_true(gt_item(w[0]->grad) == 2);
    assert_true(gt_item(w[1]->grad) == 1);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_int_equal(gt_optimizer_accumulated(o), 0);
    assert_true(gt_item(w[0]) == -1);
    assert_true(gt_item(w[1]) == 0);
    accumulate(o, start, w, later, true); /* nothing of the last one is left */
    assert_null(w[1]->grad);
    assert_true(gt_item(w[0]->grad) == 6);
    gt_optimizer_zero_grad(o);
    accumulate(o, start, w, later, false);
    assert_true(gt_item(w[0]->grad) == 2);
    gt_clip_grad_value(m, 0.5);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_true(gt_item(w[0]) == -1.5);
    assert_true(gt_item(w[1]) == 0);
    assert_well(gt);
    assert_int_equal(gt_optimizer_accumulate(NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the optimizer is NULL");
    gt_close(gt);
}

/* Micro-batches of one give the gradient of the whole batch. */
static void test_micro_batches(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *conv = gt_nn_conv2d(gt, 1, 2, .kernel = {3}, .dtype = GT_F64);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(4, 1, 5, 5), .dtype = GT_F64);
    gt_tensor *w = gt_module_parameter(conv, "weight");
    gt_optimizer *o = gt_sgd(conv, .lr = 1);
    assert_int_equal(gt_backward(gt_mean(gt_square(gt_forward(conv, x)))), GT_OK);
    gt_tensor *whole = gt_keep(gt_clone(w->grad));
    gt_mark start = gt_mark_tape(gt);
    for (int i = 0; i < 4; i++) {
        gt_rewind(gt, start);
        gt_zero_grad(conv);
        gt_tensor *y = gt_forward(conv, gt_slice(x, 0, i, i + 1));
        assert_int_equal(gt_backward(gt_mean(gt_square(y))), GT_OK);
        assert_int_equal(gt_optimizer_accumulate(o), GT_OK);
    }
    for (int i = 0; i < 18; i++)
        assert_true(fabs(element(w->grad, i) - element(whole, i)) <= 1e-14);
    assert_well(gt);
    gt_close(gt);
}

static void test_accumulation_is_steady(void **state)
{
    static const double g[3][2] = {{1, 3}, {2, 0}, {3, 0}};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w[] = {add_ones(m, "a"), add_ones(m, "b")};
    gt_optimizer *o = gt_adam(m);
    gt_ema *e = gt_ema_new(m);
    gt_mark start = gt_mark_tape(gt);
    gt_stats before = {0};
    for (int i = 0; i < 30; i++) {
        accumulate(o, start, w, g, false);
        assert_int_equal(gt_optimizer_step(o), GT_OK);
        assert_int_equal(gt_ema_update(e), GT_OK);
        if (i == 5) before = gt_get_stats(gt);
    }
    assert_int_equal(gt_get_stats(gt).mallocs, before.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_live, before.bytes_live);
    gt_close(gt);
}

/* --- averages --- */

static void test_ema(void **state)
{
    (void)state;
    for (int f64 = 0; f64 < 2; f64++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        gt_tensor *w = add_vector(m, "w", f64 ? GT_F64 : GT_F32);
        gt_ema *e = gt_ema_new(m, .decay = 0.75);
        assert_int_equal(gt_ema_update(e), GT_OK); /* 0.5, -2.5, 2 */
        gt_fill(w, 4);
        assert_int_equal(gt_ema_update(e), GT_OK); /* 1.375, -0.875, 2.5 */
        gt_tensor *late = gt_module_add_parameter(m, "late", gt_full(gt, GT_SCALAR, 3));
        gt_fill(w, 0);
        assert_int_equal(gt_ema_update(e), GT_OK);
        gt_fill(late, 1);
        assert_int_equal(gt_ema_swap(e), GT_OK);
        assert_true(gt_ema_is_swapped(e));
        ASSERT_VALUES(w, 0, 1.03125, -0.65625, 1.875);
        assert_true(gt_item(late) == 3);
        assert_int_equal(gt_ema_update(e), GT_ERR_STATE);
        assert_error(gt, GT_ERR_STATE, "gt_ema_swap brings its own weights back");
        assert_int_equal(gt_ema_swap(e), GT_OK);
        ASSERT_VALUES(w, 0, 0, 0, 0);
        assert_true(gt_item(late) == 1);
        gt_close(gt);
    }
}

/* Decay 1/10, 2/11, 3/12, then at most what is asked for. */
static void test_ema_warm_up(void **state)
{
    static const double decay[] = {0.1, 2.0 / 11, 0.2, 0.2};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_ones(m, "w");
    gt_ema *e = gt_ema_new(m, .decay = 0.2, .warm_up = true);
    double want = 1;
    for (int i = 0; i < 4; i++) {
        gt_fill(w, 1 + i);
        if (i) want += (1 - decay[i]) * (1 + i - want);
        assert_int_equal(gt_ema_update(e), GT_OK);
    }
    assert_int_equal(gt_ema_swap(e), GT_OK);
    assert_true(fabs(gt_item(w) - want) <= 1e-15);
    gt_close(gt);
}

/* Statistics 0.1, 0.19 and 0.271 of a mean of 1; the count of batches is no number to average. */
static void test_ema_of_buffers(void **state)
{
    (void)state;
    for (int use_buffers = 0; use_buffers < 2; use_buffers++) {
        gt_ctx *gt = gt_open();
        gt_module *bn = gt_nn_batch_norm1d(gt, 1);
        gt_ema *e = gt_ema_new(bn, .decay = 0.5, .use_buffers = use_buffers);
        gt_tensor *x = gt_values(gt, GT_SHAPE(2, 1), 0, 2);
        gt_tensor *mean = gt_module_buffer(bn, "running_mean");
        for (int i = 0; i < 2; i++) {
            gt_forward(bn, x);
            assert_int_equal(gt_ema_update(e), GT_OK);
        }
        gt_forward(bn, x);
        assert_int_equal(gt_ema_has_state(e, "running_mean.shadow", NULL), use_buffers);
        assert_false(gt_ema_has_state(e, "num_batches_tracked.shadow", NULL));
        assert_int_equal(gt_ema_swap(e), GT_OK);
        ASSERT_VALUES(mean, 1e-6, use_buffers ? 0.145 : 0.271);
        ASSERT_VALUES(gt_module_buffer(bn, "num_batches_tracked"), 0, 3);
        assert_int_equal(gt_ema_swap(e), GT_OK);
        ASSERT_VALUES(mean, 1e-6, 0.271);
        assert_well(gt);
        gt_close(gt);
    }
}

static void test_ema_misuse(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    assert_null(gt_ema_new(NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    assert_null(gt_ema_new(m, .decay = 1));
    assert_error(gt, GT_ERR_ARGUMENT, "decay is 1, but must be at least 0 and below 1");
    assert_int_equal(gt_ema_update(NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the average is NULL");
    assert_int_equal(gt_ema_swap(NULL), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    assert_false(gt_ema_is_swapped(NULL));
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_empty_groups),
        cmocka_unit_test(test_bad_groups),
        cmocka_unit_test(test_accumulation),
        cmocka_unit_test(test_micro_batches),
        cmocka_unit_test(test_accumulation_is_steady),
        cmocka_unit_test(test_ema),
        cmocka_unit_test(test_ema_of_buffers),
        cmocka_unit_test(test_ema_warm_up),
        cmocka_unit_test(test_ema_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

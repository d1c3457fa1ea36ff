/* Batch norm with its activation in one pass: the same bits as the two operations apart, values and
 * gradients, and where containers ask for it. */
#include <math.h>
#include <string.h>

#include "support.h"

/* --- the operations --- */

typedef struct {
    gt_tensor *y, *mean, *var, *dx, *dw, *db;
} results;

static gt_tensor *inputs(gt_ctx *gt, gt_shape shape, gt_dtype dtype)
{
    gt_manual_seed(gt, 7);
    return gt_randn(gt, shape, .dtype = dtype, .requires_grad = true);
}

/* Of channels that are constant at a bound, on both sides of it, NaN and infinite. */
static void spoil(gt_tensor *x, gt_tensor *w, gt_tensor *b)
{
    static const double factor[] = {0, 0, 1, 1, 7, -7, 0}, offset[] = {0, 6, -0.0, 0, 3, 3, -0.0};
    const int64_t c = x->shape.dim[1], inner = x->size ? x->size / x->shape.dim[0] / c : 0;
    for (int64_t i = 0; i < c; i++) {
        gt_store_element(w, i, factor[i % 7]);
        gt_store_element(b, i, offset[i % 7]);
    }
    if (c > 3) gt_store_element(x, 2 * inner, NAN);
    if (c > 3) gt_store_element(x, 3 * inner, INFINITY);
    gt_touch(x);
    gt_touch(w);
    gt_touch(b);
}

static results run(gt_ctx *gt, gt_shape shape, gt_dtype dtype, gt_activation activation, bool apart,
                   bool graph)
{
    gt_tensor *x = inputs(gt, shape, dtype), *up = gt_randn(gt, shape, .dtype = dtype);
    const gt_shape c = GT_SHAPE(shape.dim[1]);
    results r = {.mean = gt_zeros(gt, c, .dtype = dtype), .var = gt_ones(gt, c, .dtype = dtype)};
    gt_tensor *w = gt_zeros(gt, c, .dtype = dtype), *b = gt_zeros_like(w);
    spoil(x, w, b);
    gt_require_grad(w, true);
    gt_require_grad(b, true);
    r.y = gt_batch_norm(x, r.mean, r.var, .weight = w, .bias = b, .training = true,
                        .activation = apart ? GT_NO_ACTIVATION : activation);
    if (apart) r.y = activation == GT_THEN_RELU ? gt_relu(r.y) : gt_relu6(r.y);
    gt_tensor *of[] = {x, w, b}, *dx[3];
    gt_grad(&r.y, 1, of, 3, dx, .upstream = &up, .create_graph = graph);
    if (graph) { /* second order */
        gt_tensor *all = gt_sum(gt_square(dx[0]));
        gt_grad(&all, 1, of, 3, dx);
    }
    r.dx = dx[0], r.dw = dx[1], r.db = dx[2];
    return r;
}

static void assert_bits(const gt_tensor *a, const gt_tensor *b, const char *what)
{
    if (!a || !b || memcmp(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype)) != 0)
        fail_msg("%s differs", what);
}

static void compare(gt_ctx *gt, gt_shape shape, gt_dtype dtype, gt_activation activation)
{
    const gt_mark start = gt_mark_tape(gt);
    const results a = run(gt, shape, dtype, activation, true, false);
    const results b = run(gt, shape, dtype, activation, false, false);
    assert_well(gt);
    assert_bits(a.y, b.y, "y");
    assert_bits(a.mean, b.mean, "the running mean");
    assert_bits(a.var, b.var, "the running variance");
    assert_bits(a.dx, b.dx, "dx");
    assert_bits(a.dw, b.dw, "dweight");
    assert_bits(a.db, b.db, "dbias");
    gt_rewind(gt, start);
}

/* Rows, short and long runs, one and many channels, nothing. */
static void bits_are_those_of_two_operations(void **state)
{
    gt_ctx *gt = *state;
    const gt_shape shapes[] = {
        GT_SHAPE(2, 3, 2, 2),    GT_SHAPE(5, 3),       GT_SHAPE(9, 70),
        GT_SHAPE(70, 8, 17),     GT_SHAPE(1, 1, 2100), GT_SHAPE(3, 9, 40, 37),
        GT_SHAPE(8, 33, 16, 16), GT_SHAPE(0, 3, 2),    GT_SHAPE(2, 0, 3)};
    for (int threads = 1; threads <= 3; threads += 2) {
        gt_set_threads(gt, threads);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
                compare(gt, shapes[i], dtype, GT_THEN_RELU);
                compare(gt, shapes[i], dtype, GT_THEN_RELU6);
            }
    }
    compare(gt, GT_SHAPE(2, 9, 350, 350), GT_F32, GT_THEN_RELU6); /* larger than the caches */
}

static void assert_close(gt_tensor *a, gt_tensor *b)
{
    for (int64_t i = 0; i < a->size; i++)
        assert_true(fabs(element(a, i) - element(b, i)) < 1e-12 * (1 + fabs(element(a, i))));
}

/* Summed in another order. */
static void second_order_is_that_of_two_operations(void **state)
{
    gt_ctx *gt = *state;
    for (gt_activation f = GT_THEN_RELU; f <= GT_THEN_RELU6; f++) {
        const results a = run(gt, GT_SHAPE(4, 3, 5), GT_F64, f, true, true);
        const results b = run(gt, GT_SHAPE(4, 3, 5), GT_F64, f, false, true);
        assert_well(gt);
        assert_close(a.dx, b.dx);
        assert_close(a.dw, b.dw);
        assert_true(element(a.dw, 2) != 0);
    }
}

static void evaluation_has_the_same_bits(void **state)
{
    gt_ctx *gt = *state;
    const gt_shape shapes[] = {GT_SHAPE(2, 3, 2, 2), GT_SHAPE(5, 3), GT_SHAPE(3, 9, 40, 37)};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int recorded = 0; recorded < 2; recorded++)
            for (gt_activation f = GT_THEN_RELU; f <= GT_THEN_RELU6; f++) {
                gt_set_recording(gt, recorded != 0);
                gt_tensor *x = inputs(gt, shapes[i], GT_F32);
                const gt_shape c = GT_SHAPE(shapes[i].dim[1]);
                gt_tensor *mean = gt_full(gt, c, 0.25), *var = gt_full(gt, c, 0.01), *y[2];
                y[0] = gt_batch_norm(x, mean, var, .activation = f);
                y[1] = gt_batch_norm(x, mean, var);
                y[1] = f == GT_THEN_RELU ? gt_relu(y[1]) : gt_relu6(y[1]);
                assert_bits(y[0], y[1], "y");
            }
    assert_well(gt);
}

/* --- containers --- */

static int count(const gt_ctx *gt, const char *op)
{
    int n = 0;
    for (const gt_node *k = gt_tape_first(gt); k; k = gt_tape_next(k))
        n += !strcmp(k->op->name, op);
    return n;
}

static gt_module *normed(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_conv2d(gt, 2, 2, .kernel = {1}), gt_nn_batch_norm2d(gt, 2));
}

static void look(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m, (void)in, (void)out;
    ++*(int *)user;
}

static void assert_fused(gt_ctx *gt, gt_module *net, int fused, int apart)
{
    const gt_mark start = gt_mark_tape(gt);
    gt_forward(net, gt_ones(gt, GT_SHAPE(3, 2, 2, 2)));
    assert_well(gt);
    assert_int_equal(count(gt, "batch_norm_act"), fused);
    assert_int_equal(count(gt, "batch_norm") + count(gt, "batch_norm_eval"), apart);
    assert_int_equal(count(gt, "relu") + count(gt, "relu6"), 3 - fused);
    gt_rewind(gt, start);
}

/* relu6 behind a nested norm, relu behind a norm, relu behind a sum. */
static void containers_join_what_nobody_sees_between(void **state)
{
    gt_ctx *gt = *state;
    int seen = 0;
    gt_module *relu6 = gt_nn_relu6(gt), *relu = gt_nn_relu(gt), *inner = normed(gt);
    gt_module *net = gt_nn_sequential(gt, inner, relu6, gt_nn_batch_norm2d(gt, 2), relu,
                                      gt_nn_residual(gt, normed(gt)), gt_nn_relu(gt));
    gt_module *watched[] = {relu6, relu, inner, inner->child->next};
    assert_fused(gt, net, 2, 1);
    for (int i = 0; i < 4; i++) {
        gt_module_add_hook(watched[i], look, &seen);
        assert_fused(gt, net, 1, 2);
        assert_int_equal(seen, i + 1);
        gt_module_remove_hook(watched[i], look, &seen);
    }
    gt_eval(net);
    assert_fused(gt, net, 0, 3);
    gt_train(net);
    assert_fused(gt, net, 2, 1);
    assert_int_equal(net->then + inner->then + inner->child->next->then, GT_NO_ACTIVATION);
}

typedef struct {
    gt_module *net;
    gt_tensor *x;
} step;

static gt_tensor *forward(gt_ctx *gt, void *user)
{
    (void)gt;
    return gt_forward(((step *)user)->net, ((step *)user)->x);
}

/* The module that would be seen was passed by. */
static void a_capture_notices_who_looks(void **state)
{
    gt_ctx *gt = *state;
    int seen = 0;
    gt_module *relu = gt_nn_relu(gt);
    step s = {gt_nn_sequential(gt, normed(gt), relu), gt_keep(gt_ones(gt, GT_SHAPE(3, 2, 2, 2)))};
    gt_captured *c = gt_capture(gt, forward, &s);
    gt_replay(c);
    assert_well(gt);
    gt_module_add_hook(relu, look, &seen);
    gt_replay(c);
    assert_error(gt, GT_ERR_STATE, "has other hooks");
}

/* The rectifier would hide the first Inf. */
static void anomaly_checks_see_what_is_between(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_batch_norm2d(gt, 2), gt_nn_relu6(gt));
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3, 2, 2, 2));
    for (int i = 0; i < 2; i++) {
        gt_fill(gt_module_parameter(net, "0.bias"), i == 0 ? -INFINITY : INFINITY);
        gt_set_anomaly_check(gt, false);
        gt_forward(net, x);
        assert_well(gt);
        gt_set_anomaly_check(gt, true);
        assert_true(gt_is_checking_anomalies(gt));
        gt_forward(net, x);
        assert_error(gt, GT_ERR_NUMERIC, i == 0 ? "element [0,0,0,0] is -inf" : "is inf");
    }
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        FRESH(bits_are_those_of_two_operations), FRESH(second_order_is_that_of_two_operations),
        FRESH(evaluation_has_the_same_bits),     FRESH(containers_join_what_nobody_sees_between),
        FRESH(a_capture_notices_who_looks),      FRESH(anomaly_checks_see_what_is_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

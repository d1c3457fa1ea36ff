/* Anomaly checks: the first NaN or Inf is an error that says where it comes from. */
#include "support.h"

#include <math.h>

static void the_first_nan_of_the_forward_pass(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 0, 4, 0, 6), *b = gt_zeros(gt, GT_SHAPE(3));
    gt_tensor *quiet = gt_div(a, b);
    assert_non_null(quiet);
    assert_false(gt_set_anomaly_check(gt, true));
    const gt_scope net = {.name = "net"}, conv = {.name = "conv1", .parent = &net};
    gt_set_scope(gt, &conv);
    assert_null(gt_div(a, b));
    gt_set_scope(gt, NULL);
    static const char *const parts[] = {
        "div 'net.conv1' (test_anomaly.c:",
        "element [0,0] is inf, the first of 6 that are not finite (of 6)",
        "a [2,3]  b [3]",
        "a: from 0 to 6",
        "b: from 0 to 0",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(gt_error_message(gt), parts[i]))
            fail_msg("no \"%s\" in \"%s\"", parts[i], gt_error_message(gt));
    assert_error(gt, GT_ERR_NUMERIC, "div");
    assert_true(gt_set_anomaly_check(gt, false));
    assert_non_null(gt_div(a, b));
    assert_well(gt);
}

static const struct {
    double in[4];
    const char *place, *range;
} cases[] = {
    {{1, 2, NAN, 3}, "element [1,0] is nan, the first of 1", "x: from 1 to 3, and 1 NaN, 0 Inf"},
    {{1, 2, -3, -INFINITY},
     "element [1,1] is inf, the first of 1",
     "x: from -3 to 2, and 0 NaN, 1 Inf"},
    {{NAN, INFINITY, NAN, NAN},
     "element [0,0] is nan, the first of 4",
     "x: nothing finite, and 3 NaN, 1 Inf"},
    {{1, 2, 1e200, 3}, "element [1,0] is inf, the first of 1", "x: from 1 to 1e+200"},
};

static void elements_and_ranges(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_tensor *x = gt_from(gt, GT_SHAPE(2, 2), cases[i].in, .dtype = GT_F64);
        assert_null(gt_square(x));
        if (!strstr(gt_error_message(gt), cases[i].range)) fail_msg("%s", gt_error_message(gt));
        const bool inherited = strstr(gt_error_message(gt), "an input came with it");
        assert_int_equal(inherited, i < 3);
        assert_error(gt, GT_ERR_NUMERIC, cases[i].place);
    }
}

/* The square root by hand, whose gradient at 0 is infinite: y = x^(1/2), dx = dy / (2 y). */
static bool root_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void root_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->out[0]->size; i++)
        ((float *)n->out[0]->data)[i] = sqrtf(((const float *)n->in[0]->data)[i]);
}

static bool root_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_div(gout[0], gt_mul_scalar(n->out[0], 2));
    return true;
}

static const gt_op root_op = {
    .name = "root",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .infer = root_infer,
    .forward = {root_forward},
    .backward = root_backward,
};

static gt_tensor *root(gt_tensor *x)
{
    return gt_apply(&root_op, NULL, 1, &x);
}

static void a_nan_of_the_backward_pass_names_the_forward_call(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(3), 4, 0, 1);
    gt_require_grad(x, true);
    assert_int_equal(gt_backward(gt_sum(root(x))), GT_OK);
    assert_true(isinf(gt_get(x->grad, 1)));
    gt_set_anomaly_check(gt, true);
    gt_clear_grad(x);
    const gt_scope net = {.name = "net"};
    gt_set_scope(gt, &net);
    gt_tensor *loss = gt_sum(root(x));
    gt_set_scope(gt, NULL);
    assert_int_equal(gt_backward(loss), GT_ERR_NUMERIC);
    assert_null(x->grad);
    const char *message = gt_error_message(gt);
    if (!strstr(message, "in the backward rule of root (test_anomaly.c:") ||
        !strstr(message, "element [1] is inf") || !strstr(message, "div 'net'"))
        fail_msg("%s", message);
    assert_error(gt, GT_ERR_NUMERIC, "b: from 0 to 4");
}

/* Each gradient is finite, their sum in place is not. */
static void sums_of_gradients_are_checked(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    gt_tensor *x = gt_set_name(gt_ones(gt, GT_SHAPE(2), .requires_grad = true), "x");
    for (int inner = 0; inner < 2; inner++) {
        gt_tensor *h = inner ? gt_neg(x) : x;
        gt_tensor *huge = gt_full(gt, GT_SHAPE(2), 3e38);
        gt_tensor *a = gt_mul(h, huge), *b = gt_neg(gt_mul(h, huge));
        gt_tensor *up = gt_values(gt, GT_SHAPE(2), 1, -1), *down = gt_neg(up);
        gt_tensor *out[2] = {a, b}, *upstream[2] = {up, down}, *g;
        assert_int_equal(gt_grad(out, 2, &x, 1, &g, .upstream = upstream), GT_ERR_NUMERIC);
        assert_error(gt, GT_ERR_NUMERIC,
                     inner ? "the gradient of the result of neg (test_anomaly.c:"
                           : "the gradient of 'x', shape [2]: element [0] is inf");
    }
}

static gt_tensor *poison(gt_tensor *grad, void *user)
{
    (void)user;
    gt_tensor *g = gt_zeros_like(grad);
    ((float *)g->data)[0] = NAN;
    return g;
}

static void finite_work_passes(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2);
    gt_require_grad(x, true);
    assert_int_equal(gt_backward(gt_sum(gt_square(gt_reshape(x, GT_SHAPE(2, 1))))), GT_OK);
    ASSERT_VALUES(x->grad, 0, 2, 4);
    gt_square(gt_zeros(gt, GT_SHAPE(0, 3)));
    gt_reshape(gt_arange(gt, 0, 4, 1, .dtype = GT_I64), GT_SHAPE(2, 2));
    assert_well(gt);
    gt_hook(x, poison, NULL);
    assert_int_equal(gt_backward(gt_sum(gt_square(x))), GT_ERR_NUMERIC);
    assert_error(gt, GT_ERR_NUMERIC, "element [0] is nan");
    assert_false(gt_set_anomaly_check(NULL, true));
}

/* --- what is to blame --- */

static gt_module *two_layers(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 2, 3), gt_nn_linear(gt, 3, 4));
}

static gt_tensor *leaf(gt_tensor *x)
{
    gt_require_grad(x, true);
    return gt_set_name(x, "x");
}

static void scale(gt_module *net, const char *name, double by)
{
    gt_tensor *w = gt_module_parameter(net, name);
    gt_copy_into(w, gt_mul_scalar(w, by));
}

/* e^(x - max) vanishes for logits that are far apart. */
static void log_of_softmax(gt_ctx *gt)
{
    gt_module *net = two_layers(gt);
    scale(net, "1.weight", 1e4);
    gt_tensor *p = gt_softmax(gt_forward(net, gt_ones(gt, GT_SHAPE(5, 2))), 1);
    gt_backward(gt_neg(gt_mean(gt_log(p))));
}

static void nothing_by_nothing(gt_ctx *gt)
{
    gt_tensor *x = gt_set_name(gt_ones(gt, GT_SHAPE(3), .requires_grad = true), "x");
    gt_div(gt_sub(x, x), gt_sum(gt_relu(gt_neg(x))));
}

static void root_of_nothing(gt_ctx *gt)
{
    gt_tensor *x = gt_values(gt, GT_SHAPE(3), 4, 0, 1);
    gt_backward(gt_sum(gt_sqrt(gt_relu(leaf(x)))));
}

static void large_exponent(gt_ctx *gt)
{
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 1, 30, 2, 3);
    gt_exp(gt_mul_scalar(leaf(x), 4));
}

static void bad_data(gt_ctx *gt)
{
    gt_tensor *x = gt_set_name(gt_values(gt, GT_SHAPE(2, 2), 1, NAN, 2, 3), "batch");
    gt_forward(two_layers(gt), x);
}

static void learn_once(gt_module *net, gt_optimizer *o)
{
    gt_backward(gt_sum(gt_square(gt_forward(net, gt_ones(net->ctx, GT_SHAPE(5, 2))))));
    gt_optimizer_step(o);
}

/* The first step makes the weights large, the second forward pass overflows. */
static void exploding_weights(gt_ctx *gt)
{
    gt_module *net = two_layers(gt);
    gt_optimizer *o = gt_sgd(net, .lr = 1e25);
    learn_once(net, o);
    assert_well(gt);
    learn_once(net, o);
}

/* The step itself overflows. */
static void step_too_far(gt_ctx *gt)
{
    gt_module *net = two_layers(gt);
    scale(net, "1.weight", 1e8);
    learn_once(net, gt_sgd(net, .lr = 1e30));
}

static void changed_in_place(gt_ctx *gt)
{
    gt_tensor *y = gt_set_name(gt_full(gt, GT_SHAPE(3), 3e38), "total");
    gt_apply_into(&gt_op_accumulate, NULL, 2, (gt_tensor *[]){y, gt_clone(y)});
}

/* Nothing is recorded: what can be seen are inputs. */
static void not_recorded(gt_ctx *gt)
{
    gt_set_recording(gt, false);
    gt_log(gt_relu(gt_values(gt, GT_SHAPE(2), -1, 1)));
    gt_set_recording(gt, true);
}

/* Each message has these, in their order. */
static const struct {
    void (*run)(gt_ctx *gt);
    const char *parts[8];
} blamed[] = {
    {log_of_softmax,
     {"log (test_anomaly.c:", "because the logarithm of 0 is infinite", "\n  x: from 0 to ",
      "are 0, there 0; the result of softmax (test_anomaly.c:", "\n    x: from -", "in '1'",
      "'1.weight'"}},
    {nothing_by_nothing,
     {"div (", "element [0] is nan", "because it divides by 0",
      "a: from 0 to 0, there 0; the result of sub", "b: from 0 to 0; the result of sum",
      "\n    x: from 0 to 0; the result of relu", "\n      x: from -1 to -1; the result of neg",
      "\n        x: from 1 to 1; 'x', [3]"}},
    {root_of_nothing,
     {"sqrt_grad", "because the square root has an infinite slope at 0",
      "there 0; the result of sqrt",
      "the result of relu (test_anomaly.c:", "in the backward rule of sqrt (test_anomaly.c:"}},
    {large_exponent,
     {"exp (", "element [0,1] is inf", "because e^x overflows from 88.7 on",
      "x: from 4 to 120, there 120; the result of mul_scalar",
      "\n    x: from 1 to 30, there 30; 'x', [2,2]"}},
    {bad_data,
     {"linear '0' (", "a: from 1 to 3, and 1 NaN, 0 Inf; 'batch', [2,2]", "an input came with it"}},
    {exploding_weights,
     {"linear '1' (", "because numbers of these sizes overflow", "e+", "'1.weight'"}},
    {step_too_far,
     {"sgd_step", "because numbers of these sizes overflow", "w afterwards: ", "'0.weight', [3,2]",
      "grad: from "}},
    {changed_in_place,
     {"accumulate (", "y afterwards: nothing finite, and 0 NaN, 3 Inf, there inf; 'total', [3]"}},
    {not_recorded,
     {"log (", "the logarithm of 0 is infinite",
      "x: from 0 to 1, 1 of 2 are 0, there 0; a leaf, [2]"}},
};

static void the_tree_leads_to_what_is_to_blame(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    for (size_t i = 0; i < sizeof blamed / sizeof *blamed; i++) {
        blamed[i].run(gt);
        const char *message = gt_error_message(gt), *at = message;
        for (int k = 0; k < 8 && blamed[i].parts[k]; k++) {
            at = strstr(at, blamed[i].parts[k]);
            if (!at) fail_msg("%zu: no \"%s\" in \"%s\"", i, blamed[i].parts[k], message);
        }
        assert_null(strstr(message, "unknown place"));
        assert_error(gt, GT_ERR_NUMERIC, "");
    }
}

typedef struct {
    gt_tensor *x;
} input;

static gt_tensor *logarithms(gt_ctx *gt, void *user)
{
    (void)gt;
    return gt_sum(gt_log(gt_relu(gt_mul_scalar(((input *)user)->x, 2))));
}

/* A replay's memory serves again, so that only what is certain is told. */
static void replays_are_looked_at(void **state)
{
    gt_ctx *gt = *state;
    input in = {gt_ones(gt, GT_SHAPE(600))};
    gt_captured *c = gt_capture(gt, logarithms, &in, .inputs = {&in.x});
    assert_int_equal(gt_replay(c), GT_OK);
    gt_set_anomaly_check(gt, true);
    in.x = gt_full(gt, GT_SHAPE(600), -1);
    assert_int_equal(gt_replay(c), GT_ERR_NUMERIC);
    const char *message = gt_error_message(gt);
    if (!strstr(message, "log (") || !strstr(message, "element [0] is -inf") ||
        strstr(message, "an input came with it") || strstr(message, "negative"))
        fail_msg("%s", message);
    assert_error(gt, GT_ERR_NUMERIC, "log");
}

/* What is filled so is meant so. */
static void masks_may_be_infinite(void **state)
{
    gt_ctx *gt = *state;
    gt_set_anomaly_check(gt, true);
    gt_tensor *mask = gt_full(gt, GT_SHAPE(3), -INFINITY);
    gt_fill(mask, NAN);
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(the_first_nan_of_the_forward_pass),
        TEST(elements_and_ranges),
        TEST(a_nan_of_the_backward_pass_names_the_forward_call),
        TEST(sums_of_gradients_are_checked),
        TEST(finite_work_passes),
        TEST(the_tree_leads_to_what_is_to_blame),
        TEST(replays_are_looked_at),
        TEST(masks_may_be_infinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

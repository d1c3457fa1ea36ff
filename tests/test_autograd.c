/* gt_backward and gt_grad: what they compute, keep, release and refuse. */
#include "support.h"

static gt_tensor *leaf(gt_ctx *gt, double a, double b)
{
    gt_tensor *t = gt_values(gt, GT_SHAPE(2), a, b);
    gt_require_grad(t, true);
    return t;
}

static void gradients_accumulate_until_cleared(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 3, 4);
    gt_backward(gt_sum(gt_square(x)));
    ASSERT_VALUES(x->grad, 0, 6, 8);
    gt_backward(gt_sum(x));
    ASSERT_VALUES(x->grad, 0, 7, 9);
    gt_clear_grad(x);
    gt_backward(gt_sum(x), .upstream = gt_scalar(gt, 5));
    ASSERT_VALUES(x->grad, 0, 5, 5);
    assert_well(gt);
}

static void shared_gradients_are_not_shared_data(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *b = leaf(gt, 3, 4);
    gt_backward(gt_sum(gt_add(a, b)));
    assert_ptr_not_equal(a->grad->data, b->grad->data);
    gt_fill(a->grad, 0);
    ASSERT_VALUES(b->grad, 0, 1, 1);
    gt_tensor *upstream = gt_values(gt, GT_SHAPE(2), 1, 1);
    gt_clear_grad(a);
    gt_backward(a, .upstream = upstream);
    assert_ptr_not_equal(a->grad->data, upstream->data);
    assert_well(gt);
}

static void a_diamond_adds_up(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 2, 3);
    gt_tensor *y = gt_mul(x, x);
    gt_tensor *z = gt_add(gt_mul(y, x), gt_sub(y, gt_reshape(gt_neg(x), GT_SHAPE(2))));
    gt_backward(gt_sum(gt_add(z, z))); /* 2 (x^3 + x^2 + x) */
    ASSERT_VALUES(x->grad, 1e-5, 2 * (12 + 4 + 1), 2 * (27 + 6 + 1));
    assert_well(gt);
}

static void third_derivatives(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 2, -1);
    gt_tensor *y = gt_mul(gt_square(x), gt_square(x)), *g = NULL; /* x^4 */
    for (int order = 0; order < 3; order++) {
        y = gt_sum(y);
        assert_int_equal(gt_grad(&y, 1, &x, 1, &g, .create_graph = true), GT_OK);
        y = g;
    }
    ASSERT_VALUES(g, 1e-4, 48, -24);
    assert_null(x->grad);
    assert_well(gt);
}

static void create_graph_gives_differentiable_leaf_gradients(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 2, 3);
    gt_backward(gt_sum(gt_mul(gt_square(x), x)), .create_graph = true);
    gt_tensor *g = x->grad;
    assert_true(g->requires_grad);
    gt_clear_grad(x);
    gt_backward(gt_sum(g));
    ASSERT_VALUES(x->grad, 1e-5, 12, 18);
    assert_well(gt);
}

static void grad_of_results_in_the_middle(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *w = leaf(gt, 5, 7);
    gt_tensor *h = gt_mul(x, w), *y = gt_sum(gt_square(h));
    gt_tensor *in[3] = {h, x, h}, *grads[3];
    assert_int_equal(gt_grad(&y, 1, in, 3, grads, .retain = true), GT_OK);
    ASSERT_VALUES(grads[0], 1e-5, 10, 28);
    ASSERT_VALUES(grads[1], 1e-4, 50, 196);
    ASSERT_VALUES(grads[2], 1e-5, 10, 28);
    assert_null(w->grad);
    gt_tensor *outs[2] = {y, h}, *ups[2] = {gt_scalar(gt, 1), gt_values(gt, GT_SHAPE(2), 1, 1)};
    assert_int_equal(gt_grad(outs, 2, &w, 1, grads, .upstream = ups), GT_OK);
    ASSERT_VALUES(grads[0], 1e-4, 10 + 1, 56 + 2);
    assert_well(gt);
}

static void unused_inputs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *unused = leaf(gt, 1, 2), *y = gt_sum(x);
    gt_tensor *in[2] = {unused, x}, *grads[2];
    assert_int_equal(gt_grad(&y, 1, in, 2, grads, .retain = true), GT_ERR_STATE);
    assert_null(grads[1]);
    assert_error(gt, GT_ERR_STATE, "no output depends on input 0");
    assert_int_equal(gt_grad(&y, 1, in, 2, grads, .allow_unused = true), GT_OK);
    assert_null(grads[0]);
    ASSERT_VALUES(grads[1], 0, 1, 1);
}

static void released_activations_say_so(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *h = gt_square(x), *loss = gt_sum(h);
    gt_backward(loss);
    assert_true(gt_item(loss) == 5); /* the loss stays readable */
    gt_item(h);
    assert_error(gt, GT_ERR_STATE, "released by gt_backward; use it before, pass .retain = true");
    assert_null(gt_neg(h));
    assert_error(gt, GT_ERR_STATE, "neg (test_autograd.c:");
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "was released by an earlier gt_backward");
    h = gt_square(x);
    gt_tensor *kept = gt_keep(h);
    gt_backward(gt_sum(h));
    ASSERT_VALUES(kept, 0, 1, 4);
    assert_well(gt);
}

static void retain_allows_a_second_walk(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *loss = gt_sum(gt_mul(gt_square(x), x));
    gt_backward(loss, .retain = true);
    gt_backward(loss);
    ASSERT_VALUES(x->grad, 1e-6, 6, 24);
    assert_well(gt);
}

static void what_is_older_than_the_mark_is_not_released(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2);
    gt_tensor *before = gt_square(x);
    gt_mark start = gt_mark_tape(gt);
    for (int step = 0; step < 4; step++) {
        gt_rewind(gt, start);
        assert_int_equal(gt_backward(gt_sum(gt_square(before))), GT_OK);
        ASSERT_VALUES(x->grad, 1e-5, 4, 32);
    }
    ASSERT_VALUES(before, 0, 1, 4);
    assert_well(gt);
}

static void early_release_lowers_the_peak(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_keep(gt_ones(gt, GT_SHAPE(1000), .requires_grad = true));
    uint64_t peak[2];
    for (int all = 0; all < 2; all++) {
        gt_mark start = gt_mark_tape(gt);
        gt_stats_reset_peak(gt);
        gt_tensor *y = x;
        for (int i = 0; i < 40; i++) y = gt_square(y);
        gt_backward(gt_sum(y), .create_graph = all);
        peak[all] = gt_get_stats(gt).bytes_peak;
        gt_rewind(gt, start);
    }
    assert_true(peak[0] < peak[1]);
}

static void in_place_changes_are_seen(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *y = leaf(gt, 3, 4);
    gt_tensor *loss = gt_sum(gt_mul(x, y));
    gt_fill(y, 0);
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "b of mul (test_autograd.c:");
    gt_tensor *view = gt_reshape(y, GT_SHAPE(2, 1));
    loss = gt_sum(gt_mul(x, y));
    gt_fill(view, 1); /* the same data */
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "changed in place");
    loss = gt_sum(gt_add(x, y)); /* needs no values */
    gt_fill(y, 2);
    assert_int_equal(gt_backward(loss), GT_OK);
    assert_well(gt);
}

static void recording_off_records_nothing(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2);
    assert_true(gt_set_recording(gt, false));
    gt_tensor *y = gt_sum(gt_square(x));
    assert_false(gt_set_recording(gt, true));
    assert_false(y->requires_grad);
    assert_int_equal(gt_get_stats(gt).nodes, 0);
    assert_int_equal(gt_backward(y), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "requires no gradient");
}

static void detach_stops_gradients(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 3, 4), *h = gt_square(x);
    gt_backward(gt_sum(gt_mul(gt_detach(h), x)));
    ASSERT_VALUES(x->grad, 1e-5, 9, 16);
    assert_well(gt);
}

static void a_leaf_is_its_own_loss(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_scalar(gt, 3, .requires_grad = true);
    assert_int_equal(gt_backward(x), GT_OK);
    ASSERT_VALUES(x->grad, 0, 1);
}

/* --- user-made operations that break the rules --- */

static bool same_shape(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void identity(gt_node *n)
{
    memcpy(n->out[0]->data, n->in[0]->data, (size_t)n->out[0]->size * sizeof(float));
}

static bool wrong_shape(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gin[0] = gt_sum(gout[0]);
    return true;
}

static bool silent_failure(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n, (void)gout, (void)gin;
    return false;
}

static bool failing_operation(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_matmul(gout[0], n->in[0]);
    return true;
}

static bool recursive(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)gout, (void)gin;
    return gt_backward(n->in[0]) == GT_OK;
}

static void bad_rules_are_named(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        bool (*rule)(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[]);
        gt_status code;
        const char *message;
    } rows[] = {
        {wrong_shape, GT_ERR_SHAPE, "gave input x, f32 [2], a gradient of f32 []"},
        {silent_failure, GT_ERR_STATE, "failed without a message"},
        {failing_operation, GT_ERR_SHAPE, "in the backward rule of odd (test_autograd.c:"},
        {recursive, GT_ERR_STATE, "called from a backward rule"},
        {NULL, GT_ERR_UNSUPPORTED, "odd (test_autograd.c:"},
    };
    gt_tensor *w = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    (void)w;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const gt_op odd = {.name = "odd",
                           .inputs = "x",
                           .n_in = 1,
                           .n_out = 1,
                           .infer = same_shape,
                           .forward = {identity},
                           .backward = rows[i].rule};
        gt_tensor *x = leaf(gt, 1, 2), *y = gt_apply(&odd, NULL, 1, &x);
        if (rows[i].rule == failing_operation)
            y = gt_apply(&odd, NULL, 1,
                         (gt_tensor *[]){x = gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true)});
        assert_int_equal(gt_backward(gt_sum(y)), rows[i].code);
        assert_error(gt, rows[i].code, rows[i].message);
        assert_null(x->grad);
        gt_backward(gt_sum(x)); /* the context works on */
        assert_non_null(x->grad);
        assert_well(gt);
    }
}

static void an_operation_without_the_dtype(void **state)
{
    gt_ctx *gt = *state;
    static const gt_op f32_only = {
        .name = "f32_only", .n_in = 1, .n_out = 1, .infer = same_shape, .forward = {identity}};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .dtype = GT_F64);
    assert_null(gt_apply(&f32_only, NULL, 1, &x));
    assert_error(gt, GT_ERR_DTYPE, "f32_only (test_autograd.c:");
    assert_null(gt_apply(&f32_only, NULL, 1, &x));
    assert_error(gt, GT_ERR_DTYPE, "not made for f64");
    assert_null(gt_apply(&f32_only, NULL, 2, (gt_tensor *[]){x, x}));
    assert_error(gt, GT_ERR_ARGUMENT, "2 inputs, but the operation takes 1");
    static const gt_op silent = {.name = "silent", .n_in = 1, .infer = same_shape};
    assert_null(gt_apply(&silent, NULL, 1, &x));
    assert_error(gt, GT_ERR_ARGUMENT, "the operation has 0 outputs, not 1 to 4");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(gradients_accumulate_until_cleared),
        TEST(shared_gradients_are_not_shared_data),
        TEST(a_diamond_adds_up),
        TEST(third_derivatives),
        TEST(create_graph_gives_differentiable_leaf_gradients),
        TEST(grad_of_results_in_the_middle),
        TEST(unused_inputs),
        TEST(released_activations_say_so),
        TEST(retain_allows_a_second_walk),
        TEST(what_is_older_than_the_mark_is_not_released),
        TEST(early_release_lowers_the_peak),
        TEST(in_place_changes_are_seen),
        TEST(recording_off_records_nothing),
        TEST(detach_stops_gradients),
        TEST(a_leaf_is_its_own_loss),
        TEST(bad_rules_are_named),
        TEST(an_operation_without_the_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

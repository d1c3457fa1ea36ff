/* What the program hands to a sweep, or gets from it, is the program's. */
#include "support.h"

static gt_tensor *leaf(gt_ctx *gt, double a, double b)
{
    gt_tensor *t = gt_values(gt, GT_SHAPE(2), a, b);
    gt_require_grad(t, true);
    return t;
}

/* The upstream was itself gathered by a sweep, whose gradients later sweeps may release or add to
 * in place. */
static void an_upstream_stays_as_it_is(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *b = leaf(gt, 3, 4);
    gt_backward(gt_sum(gt_mul(a, b)));
    gt_tensor *up = a->grad;
    gt_clear_grad(a);
    gt_tensor *y = gt_add(gt_add(a, a), a);
    assert_int_equal(gt_backward(y, .upstream = up), GT_OK);
    ASSERT_VALUES(a->grad, 0, 9, 12);
    assert_null(gt_unusable(up));
    ASSERT_VALUES(up, 0, 3, 4);
    gt_clear_grad(a);
    assert_int_equal(gt_backward(a, .upstream = up), GT_OK);
    gt_fill(a->grad, 7);
    ASSERT_VALUES(up, 0, 3, 4);
    assert_well(gt);
}

static gt_tensor *give(gt_tensor *grad, void *user)
{
    (void)grad;
    return user;
}

static void what_a_hook_returns_stays_as_it_is(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *b = leaf(gt, 3, 4);
    gt_backward(gt_sum(gt_mul(a, b)));
    gt_tensor *own = a->grad, *y = gt_neg(a);
    gt_clear_grad(a);
    gt_hook(y, give, own);
    assert_int_equal(gt_backward(gt_sum(gt_add(y, y))), GT_OK);
    ASSERT_VALUES(a->grad, 0, -3, -4);
    assert_null(gt_unusable(own));
    ASSERT_VALUES(own, 0, 3, 4);
    assert_well(gt);
}

static gt_tensor *keep(gt_tensor *grad, void *user)
{
    *(gt_tensor **)user = gt_keep(grad);
    return NULL;
}

/* The gradient of a scalar is the number 1, which the context has only once, or the upstream. */
static void what_a_hook_keeps_may_be_freed(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_scalar(gt, 3, .requires_grad = true), *kept;
    gt_tensor *up = gt_keep(gt_scalar(gt, 5));
    gt_hook(x, keep, &kept);
    for (int i = 0; i < 3; i++) {
        gt_tensor *upstream = i == 1 ? up : NULL;
        gt_clear_grad(x);
        assert_int_equal(gt_backward(x, .upstream = upstream), GT_OK);
        assert_true(gt_item(kept) == (upstream ? 5 : 1));
        assert_true(gt_item(x->grad) == (upstream ? 5 : 1));
        gt_fill(kept, 9);
        gt_free(kept);
        assert_true(gt_item(up) == 5);
    }
    assert_well(gt);
}

static void a_gradient_without_history_requires_none(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *b = leaf(gt, 3, 4), *y = gt_mul(a, a);
    assert_int_equal(gt_backward(gt_add(y, b), .upstream = y), GT_OK);
    ASSERT_VALUES(b->grad, 0, 1, 4);
    assert_false(b->grad->requires_grad);
    assert_well(gt);
}

/* An upstream that is an activation on the way goes the way of activations, whether hooks have seen
 * it or the sweep has failed. */
static void an_upstream_on_the_way_is_released(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *b = leaf(gt, 3, 4), *unused = leaf(gt, 0, 0), *kept, *g[2];
    gt_hook(a, keep, &kept);
    for (int failing = 0; failing < 2; failing++) {
        gt_tensor *y = gt_add(a, b), *z = gt_add(y, b), *in[2] = {a, unused};
        const gt_status status =
            failing ? gt_grad(&z, 1, in, 2, g, .upstream = &y) : gt_backward(z, .upstream = y);
        assert_int_equal(status, failing ? GT_ERR_STATE : GT_OK);
        gt_error_clear(gt);
        ASSERT_VALUES(kept, 0, 4, 6);
        const char *why = gt_unusable(y);
        assert_true(why && strstr(why, "released by gt_backward"));
        gt_free(kept);
    }
    assert_well(gt);
}

static void every_output_and_input_is_checked(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_tensor *x = gt_scalar(gt, 2, .requires_grad = true), *y = gt_square(x), *g;
    gt_tensor *foreign = gt_scalar(other, 1, .requires_grad = true);
    const struct {
        gt_tensor *out[2], *in;
        const char *part;
    } cases[] = {
        {{y, NULL}, x, "output 1 is NULL"},
        {{y, foreign}, x, "output 1 belongs to another context"},
        {{y, y}, NULL, "input 0 is NULL"},
        {{y, y}, foreign, "input 0 belongs to another context"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(gt_grad(cases[i].out, 2, &cases[i].in, 1, &g), GT_ERR_ARGUMENT);
        assert_error(gt, GT_ERR_ARGUMENT, cases[i].part);
        assert_null(g);
    }
    gt_error_clear(NULL);
    assert_int_equal(gt_grad(&(gt_tensor *){NULL}, 1, &x, 1, &g), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "output 0 is NULL");
    assert_well(other);
    gt_close(other);
}

/* An output that is given twice starts from the sum of two upstreams, which is part of the sweep.
 */
static void an_output_may_be_given_twice(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_scalar(gt, 3, .requires_grad = true), *y = gt_square(x), *g, *h;
    gt_tensor *out[2] = {y, y}, *upstream[2] = {NULL, x};
    for (int recording = 0; recording < 2; recording++) {
        gt_set_recording(gt, recording);
        const uint64_t nodes = gt_get_stats(gt).nodes;
        assert_int_equal(gt_grad(out, 2, &x, 1, &g, .retain = true, .upstream = upstream), GT_OK);
        assert_int_equal(gt_get_stats(gt).nodes, nodes);
        assert_false(g->requires_grad);
        assert_int_equal(gt_grad(out, 2, &x, 1, &g, .create_graph = true, .upstream = upstream),
                         GT_OK);
        assert_true(gt_item(g) == 24); /* 2 x (1 + x), of which 2 + 4 x is the derivative */
        assert_int_equal(gt_grad(&g, 1, &x, 1, &h, .retain = true), GT_OK);
        assert_true(gt_item(h) == 14);
    }
    assert_well(gt);
}

/* As gt_backward has it: what was recorded when x required no gradient leads nowhere. */
static void a_gradient_asked_for_too_late_is_none(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *a = leaf(gt, 1, 2), *x = leaf(gt, 3, 4), *g;
    gt_require_grad(x, false);
    gt_tensor *y = gt_sum(gt_mul(a, x));
    gt_require_grad(x, true);
    assert_int_equal(gt_grad(&y, 1, &x, 1, &g, .retain = true, .allow_unused = true), GT_OK);
    assert_null(g);
    assert_int_equal(gt_backward(y), GT_OK);
    assert_null(x->grad);
    assert_well(gt);
}

static void a_grad_may_be_kept_and_freed(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2);
    gt_backward(gt_sum(gt_square(x)));
    gt_free(gt_keep(x->grad));
    assert_int_equal(gt_backward(gt_sum(x)), GT_OK);
    ASSERT_VALUES(x->grad, 0, 1, 1);
    assert_well(gt);
}

/* A result that was not recorded is a leaf, too. */
static void keeping_a_leaf_keeps_its_wish(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_mul_scalar(gt_ones(gt, GT_SHAPE(2)), 0.5);
    gt_require_grad(w, true);
    w = gt_keep(w);
    assert_true(w->requires_grad);
    gt_backward(gt_sum(w));
    ASSERT_VALUES(w->grad, 0, 1, 1);
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
        TEST(an_upstream_stays_as_it_is),
        TEST(what_a_hook_returns_stays_as_it_is),
        TEST(what_a_hook_keeps_may_be_freed),
        TEST(a_gradient_without_history_requires_none),
        TEST(an_upstream_on_the_way_is_released),
        TEST(every_output_and_input_is_checked),
        TEST(an_output_may_be_given_twice),
        TEST(a_grad_may_be_kept_and_freed),
        TEST(a_gradient_asked_for_too_late_is_none),
        TEST(keeping_a_leaf_keeps_its_wish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Hooks on gradients: when they are called, what they may do, and how they end. */
#include "support.h"

typedef struct {
    int calls;
    double sum;      /* of the gradient last seen */
    double factor;   /* 0: keeps the gradient; otherwise returns it times this */
    gt_tensor *kept; /* the gradient last seen, lifted out if `keep` */
    bool keep;
} watcher;

static gt_tensor *watch(gt_tensor *grad, void *user)
{
    watcher *w = user;
    w->calls++;
    w->sum = 0;
    for (int64_t i = 0; i < grad->size; i++) w->sum += element(grad, i);
    if (w->keep) w->kept = gt_keep(grad);
    return w->factor != 0 ? gt_neg(gt_mul_scalar(grad, -w->factor)) : NULL;
}

static gt_tensor *leaf(gt_ctx *gt, double a, double b)
{
    gt_tensor *t = gt_values(gt, GT_SHAPE(2), a, b);
    gt_require_grad(t, true);
    return t;
}

/* loss = sum of (2 x)^2 + 2 x: two gradients come together at h = 2 x. */
static gt_tensor *diamond(gt_tensor *x, gt_tensor **h)
{
    *h = gt_mul_scalar(x, 2);
    return gt_sum(gt_add(gt_square(*h), *h));
}

static void results_and_leaves_are_seen_complete(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 3), *h, *loss = diamond(x, &h);
    watcher on_x = {0}, on_h = {0}, on_loss = {0};
    assert_int_equal(gt_hook(x, watch, &on_x), GT_OK);
    assert_int_equal(gt_hook(h, watch, &on_h), GT_OK);
    assert_int_equal(gt_hook(loss, watch, &on_loss), GT_OK);
    assert_int_equal(gt_backward(loss), GT_OK);
    ASSERT_VALUES(x->grad, 0, 10, 26);
    assert_int_equal(on_x.calls, 1);
    assert_int_equal(on_h.calls, 1);
    assert_true(on_x.sum == 36 && on_h.sum == 18 && on_loss.sum == 1);
    gt_backward(diamond(x, &h)); /* a leaf's hook sees this sweep's gradient, not the sum */
    assert_int_equal(on_x.calls, 2);
    assert_true(on_x.sum == 36);
    ASSERT_VALUES(x->grad, 0, 20, 52);
    assert_well(gt);
}

static void replacements_go_on(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 3), *h, *loss = diamond(x, &h), *g[2], *in[2] = {x, h};
    watcher tenfold = {.factor = 10}, negated = {.factor = -1}, after = {0};
    gt_hook(h, watch, &tenfold);
    gt_hook(h, watch, &after);
    gt_hook(x, watch, &negated);
    assert_int_equal(gt_backward(loss, .retain = true), GT_OK);
    assert_true(after.sum == 180);
    ASSERT_VALUES(x->grad, 0, -100, -260);
    assert_int_equal(gt_grad(&loss, 1, in, 2, g), GT_OK); /* targets are seen too */
    ASSERT_VALUES(g[0], 0, -100, -260);
    ASSERT_VALUES(g[1], 0, 50, 130);
    assert_well(gt);
}

static gt_tensor *squared(gt_tensor *grad, void *user)
{
    (void)user;
    return gt_square(grad);
}

static void replacements_are_differentiated(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 2, 3), *y = gt_sum(gt_square(x)), *g;
    gt_hook(x, squared, NULL);
    assert_int_equal(gt_grad(&y, 1, &x, 1, &g, .create_graph = true), GT_OK);
    ASSERT_VALUES(g, 0, 16, 36); /* 4 x^2 */
    gt_unhook(x, squared, NULL);
    assert_int_equal(gt_backward(gt_sum(g)), GT_OK);
    ASSERT_VALUES(x->grad, 0, 16, 24);
    assert_well(gt);
}

static void removed_hooks_are_silent(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_keep(leaf(gt, 1, 1));
    watcher w[3] = {{0}};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) assert_int_equal(gt_hook(x, watch, &w[i]), GT_OK);
        assert_int_equal(gt_unhook(x, watch, &w[round]), GT_OK);
        gt_backward(gt_sum(x));
        for (int i = 0; i < 3; i++)
            if (i != round) assert_int_equal(gt_unhook(x, watch, &w[i]), GT_OK);
        gt_backward(gt_sum(x));
    }
    for (int i = 0; i < 3; i++) assert_int_equal(w[i].calls, 2);
    gt_hook(x, watch, &w[0]);
    gt_free(x);
    assert_well(gt);
}

/* Kept gradients live on; everything else of a hook goes the way of the step. */
static void a_loop_with_hooks_is_without_mallocs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(leaf(gt, 1, 2)), *h;
    watcher on_w = {.factor = 0.5, .keep = true}, on_h = {.factor = 2};
    gt_mark start = gt_mark_tape(gt);
    gt_stats settled = {0};
    for (int step = 0; step < 300; step++) {
        gt_rewind(gt, start);
        gt_free(on_w.kept);
        gt_tensor *loss = diamond(w, &h);
        assert_int_equal(gt_hook(w, watch, &on_w), GT_OK);
        assert_int_equal(gt_hook(h, watch, &on_h), GT_OK);
        assert_int_equal(gt_backward(loss), GT_OK);
        ASSERT_VALUES(on_w.kept, 0, 20, 36);
        ASSERT_VALUES(w->grad, 0, 10, 18);
        assert_int_equal(gt_unhook(w, watch, &on_w), GT_OK);
        if (step == 150) settled = gt_get_stats(gt);
    }
    assert_int_equal(gt_get_stats(gt).mallocs, settled.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_live, settled.bytes_live);
    assert_well(gt);
}

/* Gradients that were replaced, and what hooks make on the way, are released. */
static void hooks_leave_nothing_behind(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(1000), .requires_grad = true)), *y = w;
    watcher on = {.factor = -1};
    gt_mark_tape(gt);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    for (int i = 0; i < 30; i++) {
        y = gt_square(y);
        gt_hook(y, watch, &on);
    }
    assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
    assert_int_equal(on.calls, 30);
    assert_in_range(gt_get_stats(gt).bytes_live - before, 4000, 2 * 4096); /* w->grad, the loss */
    const uint64_t mallocs = gt_get_stats(gt).mallocs;
    for (int i = 0; i < 50000; i++) {
        gt_hook(w, watch, &on);
        gt_unhook(w, watch, &on);
    }
    assert_int_equal(gt_get_stats(gt).mallocs, mallocs);
    assert_well(gt);
}

/* --- refusals --- */

static gt_tensor *in_place(gt_tensor *grad, void *user)
{
    (void)user;
    gt_fill(grad, 0);
    return NULL;
}

static gt_tensor *other_shape(gt_tensor *grad, void *user)
{
    (void)user;
    return gt_sum(grad);
}

static gt_tensor *other_dtype(gt_tensor *grad, void *user)
{
    (void)user;
    return gt_zeros(grad->ctx, grad->shape, .dtype = GT_F64);
}

static gt_tensor *failing(gt_tensor *grad, void *user)
{
    (void)user;
    return gt_add(grad, gt_ones(grad->ctx, GT_SHAPE(7)));
}

static gt_tensor *hooking(gt_tensor *grad, void *user)
{
    gt_hook(user, failing, NULL);
    return grad;
}

static gt_tensor *foreign(gt_tensor *grad, void *user)
{
    (void)grad;
    return user;
}

static void bad_hooks_say_so(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_tensor *x = leaf(gt, 1, 2);
    gt_set_name(x, "x");
    gt_tensor *stranger = gt_ones(other, GT_SHAPE(2));
    const struct {
        gt_hook_fn fn;
        void *user;
        gt_status code;
        const char *part;
    } cases[] = {
        {in_place, NULL, GT_ERR_STATE, "a hook on 'x' changed the gradient in place"},
        {other_shape, NULL, GT_ERR_STATE, "a hook on 'x' returned a gradient of another shape"},
        {other_dtype, NULL, GT_ERR_STATE, "returned a gradient of another dtype"},
        {foreign, stranger, GT_ERR_STATE, "returned a tensor of another context"},
        {failing, NULL, GT_ERR_SHAPE, "in a hook on 'x'"},
        {hooking, x, GT_ERR_STATE, "called while gt_backward or gt_grad runs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(gt_hook(x, cases[i].fn, cases[i].user), GT_OK);
        assert_int_equal(gt_backward(gt_sum(gt_square(x))), cases[i].code);
        assert_error(gt, cases[i].code, cases[i].part);
        assert_null(x->grad);
        assert_int_equal(gt_unhook(x, cases[i].fn, cases[i].user), GT_OK);
    }
    assert_int_equal(gt_backward(gt_sum(gt_square(x))), GT_OK);
    ASSERT_VALUES(x->grad, 0, 2, 4);
    gt_close(other);
}

static void bad_calls_say_so(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, 1, 2), *plain = gt_ones(gt, GT_SHAPE(2));
    assert_int_equal(gt_hook(x, NULL, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_hook (test_hooks.c:");
    assert_int_equal(gt_hook(plain, watch, NULL), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "requires no gradient");
    assert_int_equal(gt_unhook(x, watch, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "has no such hook");
    assert_int_equal(gt_hook(NULL, watch, NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the tensor is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(results_and_leaves_are_seen_complete),
        TEST(replacements_go_on),
        TEST(replacements_are_differentiated),
        TEST(removed_hooks_are_silent),
        TEST(a_loop_with_hooks_is_without_mallocs),
        TEST(hooks_leave_nothing_behind),
        TEST(bad_hooks_say_so),
        TEST(bad_calls_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

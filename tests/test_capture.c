/* Captured steps: what a step must not do, what must be as it was, gradients, results and memory.
 */
#include "support.h"

#include <math.h>

/* --- what is refused --- */

/* A small step, and what may be wrong with it. */
typedef struct {
    gt_ctx *gt, *elsewhere;
    gt_module *net;
    gt_optimizer *sgd;
    gt_schedule *plateau;
    gt_tensor *x, *y, *scale; /* scale lies outside of the step */
    gt_mark start;
    gt_captured *c;
    void (*within)(void *w);
} world;

static gt_tensor *small_step(gt_ctx *gt, void *user)
{
    world *w = user;
    (void)gt;
    if (w->within) w->within(w);
    gt_tensor *loss = gt_cross_entropy(gt_mul(gt_forward(w->net, w->x), w->scale), w->y);
    gt_zero_grad(w->net);
    gt_backward(loss);
    gt_optimizer_step(w->sgd);
    return loss;
}

static void make_world(world *w, gt_ctx *gt)
{
    *w = (world){.gt = gt, .elsewhere = gt_open()};
    w->net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_dropout(gt, 0.5),
                              gt_nn_linear(gt, 4, 2));
    w->sgd = gt_sgd(w->net, .lr = 0.1, .momentum = 0.9);
    w->plateau = gt_reduce_lr_on_plateau(w->sgd);
    w->start = gt_mark_tape(gt);
    w->scale = gt_ones(gt, GT_SHAPE(2));
    w->x = gt_rand(gt, GT_SHAPE(5, 3));
    w->y = gt_randint(gt, 0, 2, GT_SHAPE(5));
}

static void capture_world(world *w)
{
    w->c = gt_capture(w->gt, small_step, w, .inputs = {&w->x, &w->y});
    if (w->c && !gt_captured_get_stats(w->c).ready) gt_replay(w->c);
}

static void do_rewind(void *w)
{
    gt_rewind(((world *)w)->gt, ((world *)w)->start);
}
static void do_touch(void *w)
{
    gt_touch(((world *)w)->scale);
}
static void do_seed(void *w)
{
    gt_manual_seed(((world *)w)->gt, 3);
}
static void do_random_state(void *w)
{
    gt_set_random_state(((world *)w)->gt, gt_get_random_state(((world *)w)->gt));
}
static void do_bring(void *w)
{
    gt_copy_into(((world *)w)->scale, gt_ones(((world *)w)->elsewhere, GT_SHAPE(2)));
}
static void do_metric(void *w)
{
    gt_schedule_step_metric(((world *)w)->plateau, 1);
}
static void do_capture(void *w)
{
    gt_capture(((world *)w)->gt, small_step, w);
}
static void do_stop_recording(void *w)
{
    gt_set_recording_all(((world *)w)->gt, false);
}
static void do_keep(void *w)
{
    gt_keep(gt_ones(((world *)w)->gt, GT_SHAPE(1)));
}

static const struct {
    const char *name;
    void (*within)(void *w);
    const char *message;
} within[] = {
    {"rewind", do_rewind, "gt_rewind (test_capture.c"},
    {"touch", do_touch, "called within a step that is being captured"},
    {"seed", do_seed, "gt_manual_seed"},
    {"random state", do_random_state, "gt_set_random_state"},
    {"bring", do_bring, "gt_touch"},
    {"metric", do_metric, "gt_schedule_step_metric"},
    {"capture", do_capture, "gt_capture"},
    {"recording", do_stop_recording, "gt_set_recording_all"},
    {"keep", do_keep, "each call of the step has kept tensors (gt_keep, new parameters), 3 times"},
};

static void what_a_step_must_not_do(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        world w;
        make_world(&w, gt);
        w.within = within[i].within;
        capture_world(&w);
        if (w.c) gt_replay(w.c);
        if (!gt_failed(gt)) fail_msg("%s: taken", within[i].name);
        assert_error(gt, gt_error_code(gt), within[i].message);
        gt_close(w.elsewhere);
        /* the context works on */
        w.within = NULL;
        capture_world(&w);
        assert_int_equal(gt_replay(w.c), GT_OK);
        assert_well(gt);
    }
}

static gt_tensor *see_gradient(gt_tensor *gradient, void *user)
{
    (void)user;
    return gradient;
}
static void see_module(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m;
    (void)in;
    (void)out;
    (void)user;
}

static void smaller_batch(world *w)
{
    w->x = gt_rand(w->gt, GT_SHAPE(4, 3));
}
static void other_dtype(world *w)
{
    w->y = gt_zeros(w->gt, GT_SHAPE(5));
}
static void no_batch(world *w)
{
    w->x = NULL;
}
static void bad_label(world *w)
{
    gt_fill(w->y, 2);
}
static void rewound(world *w)
{
    gt_rewind(w->gt, w->start);
    w->x = gt_rand(w->gt, GT_SHAPE(5, 3));
    w->y = gt_zeros(w->gt, GT_SHAPE(5), .dtype = GT_I64);
}
static void frozen(world *w)
{
    gt_require_grad(gt_module_parameter(w->net, "0.weight"), false);
}
static void gradient_wanted(world *w)
{
    gt_require_grad(w->scale, true);
}
static void tensor_hook(world *w)
{
    gt_hook(gt_module_parameter(w->net, "2.bias"), see_gradient, NULL);
}
static void module_hook(world *w)
{
    gt_module_add_hook(gt_module_child(w->net, "0"), see_module, NULL);
}
static void mode(world *w)
{
    gt_eval(w->net);
}
static void recorded(world *w)
{
    gt_set_recording_all(w->gt, true);
}
static void freed(world *w)
{
    gt_captured_free(w->c);
}

static const struct {
    const char *name;
    void (*change)(world *w);
    gt_status code;
    const char *message;
} changes[] = {
    {"smaller batch", smaller_batch, GT_ERR_SHAPE,
     "input 0 has shape [4,3], but the step was captured with [5,3]"},
    {"dtype", other_dtype, GT_ERR_DTYPE, "f32 into i64"},
    {"NULL", no_batch, GT_ERR_STATE, "input 0 is NULL"},
    {"label", bad_label, GT_ERR_ARGUMENT, "target[0] is 2, must be in 0..1"},
    {"rewound", rewound, GT_ERR_STATE, "was dropped by gt_rewind"},
    {"frozen", frozen, GT_ERR_STATE,
     "'0.weight', which the captured step uses, required gradients and does no longer"},
    {"gradient", gradient_wanted, GT_ERR_STATE, "requires gradients and did not"},
    {"hook", tensor_hook, GT_ERR_STATE,
     "'2.bias', which the captured step uses, has other hooks now"},
    {"module's hook", module_hook, GT_ERR_STATE, "the module '0', which the captured step runs"},
    {"mode", mode, GT_ERR_STATE, "is in another mode now"},
    {"recorded", recorded, GT_ERR_STATE, "while everything is recorded"},
    {"freed", freed, GT_ERR_STATE, "was freed"},
};

static void what_is_not_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        gt_ctx *gt = gt_open();
        world w;
        make_world(&w, gt);
        capture_world(&w);
        assert_int_equal(gt_replay(w.c), GT_OK);
        changes[i].change(&w);
        assert_well(gt);
        const gt_status got = gt_replay(w.c);
        if (got != changes[i].code || !strstr(gt_error_message(gt), changes[i].message))
            fail_msg("%s: %s, '%s'", changes[i].name, gt_status_name(got), gt_error_message(gt));
        gt_close(w.elsewhere);
        gt_close(gt);
    }
}

static gt_tensor *adding_step(gt_ctx *gt, void *user)
{
    (void)gt;
    world *w = user;
    gt_tensor *loss = gt_mean(gt_square(gt_forward(w->net, w->x)));
    gt_backward(loss);
    return loss;
}

/* A step that adds to gradients replays where there are some, or none, as when it was captured. */
static void gradients_that_are_added_to(void **state)
{
    static const struct {
        int before; /* eager steps */
        bool zero;  /* then, before the replay */
        gt_status code;
        const char *message;
    } rows[] = {
        {0, true, GT_OK, ""},
        {0, false, GT_ERR_STATE,
         "'0.weight' has a gradient, which a call of the step would add to"},
        {1, false, GT_OK, ""},
        {1, true, GT_ERR_STATE, "the gradient of '0.weight', which the captured step adds to"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int made = 0; made < 2; made++) { /* whether the parameters are, or the step does it */
            gt_ctx *gt = gt_open();
            world w;
            make_world(&w, gt);
            gt_eval(w.net);
            if (made) gt_forward(w.net, w.x);
            for (int k = 0; k < rows[i].before; k++) adding_step(gt, &w);
            w.c = gt_capture(gt, adding_step, &w, .inputs = {&w.x});
            const gt_tensor *weight = gt_module_parameter(w.net, "0.weight");
            const double first = gt_load_element(weight->grad, 0);
            if (rows[i].zero) gt_zero_grad(w.net);
            assert_int_equal(gt_replay(w.c), rows[i].code);
            if (rows[i].code != GT_OK) assert_error(gt, rows[i].code, rows[i].message);
            const double want = first * (rows[i].before ? 1.5 : 1);
            if (rows[i].code == GT_OK)
                assert_true(fabs(gt_load_element(weight->grad, 0) - want) < 1e-6);
            gt_close(w.elsewhere);
            gt_close(gt);
        }
}

static gt_tensor *gathering_step(gt_ctx *gt, void *user)
{
    world *w = user;
    gt_zero_grad(w->net);
    gt_tensor *loss = adding_step(gt, w);
    gt_optimizer_accumulate(w->sgd, .loss = loss);
    return loss;
}

/* Sums of micro-batches begin anew after the optimizer's step, which lies outside of theirs. */
static void micro_batches_replay(void **state)
{
    (void)state;
    double weight[2];
    for (int captured = 0; captured < 2; captured++) {
        gt_ctx *gt = gt_open();
        world w;
        make_world(&w, gt);
        gt_eval(w.net);
        for (int i = 0; i < 9; i++) {
            if (!captured) gathering_step(gt, &w);
            else if (w.c) gt_replay(w.c);
            else w.c = gt_capture(gt, gathering_step, &w, .inputs = {&w.x});
            if (i % 3 == 2) gt_optimizer_step(w.sgd);
        }
        assert_well(gt);
        weight[captured] = gt_get(gt_module_parameter(w.net, "0.weight"), 0, 0);
        gt_close(w.elsewhere);
        gt_close(gt);
    }
    assert_true(weight[0] == weight[1]);
}

/* Of a step that has made parameters, too, whose results have blocks of their own. */
static void results_are_kept_as_copies(void **state)
{
    gt_ctx *gt = *state;
    world w;
    make_world(&w, gt);
    w.c = gt_capture(gt, small_step, &w, .inputs = {&w.x, &w.y});
    assert_false(gt_captured_get_stats(w.c).ready);
    for (int i = 0; i < 3; i++) {
        const gt_tensor *result = gt_captured_result(w.c), *kept = gt_keep((gt_tensor *)result);
        const double value = gt_item(result);
        gt_rewind(gt, gt_mark_tape(gt));
        assert_well(gt);
        assert_ptr_not_equal(kept->data, result->data);
        assert_int_equal(gt_replay(w.c), GT_OK);
        assert_true(gt_item(kept) == value);
    }
    gt_close(w.elsewhere);
}

static void nothing_to_capture(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *none = NULL;
    assert_null(gt_capture(NULL, small_step, NULL));
    assert_null(gt_capture(gt, NULL, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "gt_capture (test_capture.c");
    assert_null(gt_capture(gt, small_step, NULL, .inputs = {&none}));
    assert_error(gt, GT_ERR_STATE, "input 0 is NULL");
    assert_int_equal(gt_replay(NULL), GT_ERR_ARGUMENT);
    assert_null(gt_captured_result(NULL));
    gt_captured_free(NULL);
    assert_false(gt_captured_get_stats(NULL).ready);
}

/* --- results and memory --- */

/* What is recorded on a replay's result is stale after the next. */
static void results_are_tensors(void **state)
{
    gt_ctx *gt = *state;
    world w;
    make_world(&w, gt);
    capture_world(&w);
    gt_tensor *weight = gt_module_parameter(w.net, "0.weight"), *loss = gt_captured_result(w.c);
    assert_false(loss->requires_grad);
    gt_tensor *kept = gt_keep(loss);
    const double before = gt_item(loss);
    gt_tensor *product = gt_sum(gt_mul(weight, loss));
    gt_replay(w.c);
    assert_true(gt_item(kept) == before && gt_item(loss) != before);
    assert_non_null(weight->grad);
    assert_int_equal(gt_backward(product), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "was changed in place");
    gt_captured_free(w.c);
    gt_captured_free(w.c);
    assert_null(weight->grad);
    assert_null(gt_neg(loss));
    assert_error(gt, GT_ERR_STATE, "belongs to a captured step that is over");
    assert_true(gt_item(kept) == before);
    gt_rewind(gt, w.start);
    assert_well(gt);
    gt_close(w.elsewhere);
}

/* Once it runs it asks for nothing; freed, it gives back what it had. */
static void memory(void **state)
{
    gt_ctx *gt = *state;
    world w;
    make_world(&w, gt);
    small_step(gt, &w);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    capture_world(&w);
    gt_replay(w.c);
    const gt_stats then = gt_get_stats(gt);
    for (int i = 0; i < 20; i++) gt_replay(w.c);
    assert_int_equal(gt_get_stats(gt).mallocs, then.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_live, then.bytes_live);
    const gt_captured_stats stats = gt_captured_get_stats(w.c);
    assert_true(stats.bytes < stats.unshared);
    gt_captured_free(w.c);
    assert_int_equal(gt_get_stats(gt).bytes_live, before);
    const uint64_t system = gt_get_stats(gt).bytes_system;
    for (int i = 0; i < 50; i++) {
        capture_world(&w);
        gt_captured_free(w.c);
        gt_rewind(gt, w.start);
        w.x = gt_rand(gt, GT_SHAPE(5, 3));
        w.y = gt_zeros(gt, GT_SHAPE(5), .dtype = GT_I64);
        w.scale = gt_ones(gt, GT_SHAPE(2));
    }
    assert_well(gt);
    assert_true(gt_get_stats(gt).bytes_system <= system + (2 << 20));
    gt_close(w.elsewhere);
}

static gt_tensor *logarithm(gt_ctx *gt, void *user)
{
    (void)gt;
    return gt_log(*(gt_tensor **)user);
}

static void anomalies_are_found(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3));
    gt_captured *c = gt_capture(gt, logarithm, &x, .inputs = {&x});
    gt_set_anomaly_check(gt, true);
    assert_int_equal(gt_replay(c), GT_OK);
    gt_fill(x, -1);
    assert_int_equal(gt_replay(c), GT_ERR_NUMERIC);
    assert_error(gt, GT_ERR_NUMERIC, "log");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_step_must_not_do),     TEST(what_is_not_as_it_was),
        TEST(gradients_that_are_added_to), TEST(micro_batches_replay),
        TEST(nothing_to_capture),          TEST(results_are_kept_as_copies),
        TEST(results_are_tensors),         TEST(memory),
        TEST(anomalies_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

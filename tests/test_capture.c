/* Captured steps: replays leave the same bits everywhere as calls of the step, share memory, and
 * refuse by name what is not as it was. */
#include "training.h"

#include "samples.h"

#include <math.h>

enum { STEPS = 100, FEW = 12 };

/* --- the same bits --- */

static gt_tensor *whole_step(gt_ctx *gt, void *user)
{
    (void)gt;
    return step(user);
}

static void draw_batch(training *t)
{
    for (int i = 0; i < PARTS; i++) {
        t->x[i] = gt_randn(t->gt, GT_SHAPE(BATCH, 1, 16, 16));
        t->y[i] = gt_randint(t->gt, 0, CLASSES, GT_SHAPE(BATCH));
    }
}

static void assert_same(const training *a, const training *b, const char *name, int at)
{
    static snapshot left, right;
    save_all(a, &left);
    save_all(b, &right);
    assert_int_equal(left.n, right.n);
    for (int i = 0; i < left.n; i++)
        if (memcmp(left.at[i].bits, right.at[i].bits, bytes_of(left.at[i].t)) != 0)
            fail_msg("%s, step %d: tensor %d of %d, '%s', differs", name, at, i, left.n,
                     gt_name(left.at[i].t));
    forget(&left);
    forget(&right);
}

/* Batches, dropout, noise, rates and averages differ from step to step. */
static void replays_are_the_steps(void **state)
{
    const rule *r = *state;
    training eager, captured;
    make_training(&eager, r);
    make_training(&captured, r);
    eager.noisy = captured.noisy = true;
    gt_captured *c = NULL;
    const gt_mark start = gt_mark_tape(eager.gt), other = gt_mark_tape(captured.gt);
    const int steps = r == rules ? STEPS : FEW;
    for (int i = 0; i < steps; i++) {
        gt_rewind(eager.gt, start);
        gt_rewind(captured.gt, other);
        draw_batch(&eager);
        draw_batch(&captured);
        const double loss = gt_item(step(&eager));
        if (c) assert_int_equal(gt_replay(c), GT_OK);
        else
            c = gt_capture(
                captured.gt, whole_step, &captured,
                .inputs = {&captured.x[0], &captured.x[1], &captured.y[0], &captured.y[1]});
        assert_well(captured.gt);
        assert_true(gt_item(gt_captured_result(c)) == loss);
        assert_true(gt_mean_weight(gt_captured_result(c)) == 2.5);
        assert_same(&eager, &captured, r->name, i);
    }
    assert_true(gt_captured_get_stats(c).ready);
    gt_close(eager.gt);
    gt_close(captured.gt);
}

/* --- every operation --- */

typedef struct {
    const gt_op *op;
    const gt_sample *sample;
    gt_tensor *in[GT_SAMPLE_INPUTS];
    int n_in;
    bool alone; /* without gradients, on copies that nobody reads afterwards */
    results got;
} sample_run;

static void copy_inputs(gt_ctx *gt, sample_run *r)
{
    gt_set_recording(gt, false);
    for (int i = 0; i < r->n_in; i++)
        if (r->sample->in[i].same == 0) r->in[i] = gt_clone(r->in[i]);
    for (int i = 0; i < r->n_in; i++)
        if (r->sample->in[i].same > 0) r->in[i] = r->in[r->sample->in[i].same - 1];
}

static gt_tensor *run_it(gt_ctx *gt, void *user)
{
    sample_run *r = user;
    gt_tensor *in[GT_SAMPLE_INPUTS];
    memcpy(in, r->in, sizeof in);
    const bool recording = gt_is_recording(gt);
    if (r->alone) copy_inputs(gt, r);
    r->got = run_on(r->op, r->sample, r->n_in, r->in);
    gt_set_recording(gt, recording);
    memcpy(r->in, in, sizeof in);
    for (int i = 0; i < r->got.n; i++) gt_capture_output(r->got.at[i]);
    return r->got.at[0];
}

static gt_capture_opts inputs_of(sample_run *r)
{
    gt_capture_opts opts = {0};
    for (int i = 0; i < r->n_in; i++) opts.inputs[i] = &r->in[i];
    return opts;
}

static void draw_inputs(gt_ctx *gt, sample_run *r, uint64_t seed, gt_dtype dtype)
{
    dice = seed;
    r->n_in = sample_inputs(gt, r->op, r->sample, dtype, r->in);
}

/* Eager and in a replay, on other numbers than those that were captured. */
static void check_sample(gt_ctx *gt, gt_ctx *other, const gt_op *op, const gt_sample *sample,
                         gt_dtype dtype, bool alone)
{
    const gt_mark start = gt_mark_tape(gt), there = gt_mark_tape(other);
    sample_run r = {.op = op, .sample = sample, .alone = alone}, eager = r;
    draw_inputs(gt, &r, 1, dtype);
    gt_captured *c = gt_capture_(gt, run_it, &r, inputs_of(&r));
    if (!gt_captured_get_stats(c).ready) gt_replay(c); /* keys were made */
    assert_well(gt);
    draw_inputs(gt, &r, 2, dtype);
    draw_inputs(other, &eager, 2, dtype);
    assert_int_equal(gt_replay(c), GT_OK);
    run_it(other, &eager);
    for (int i = 0; i < eager.got.n; i++) {
        const gt_tensor *a = r.got.at[i], *b = eager.got.at[i];
        assert_int_equal(a == NULL, b == NULL);
        if (b && memcmp(a->data, b->data, bytes_of(b)) != 0)
            fail_msg("%s, sample '%s', result %d of %d%s: other bits in a replay", op->name,
                     sample->label, i, eager.got.n, alone ? ", alone" : "");
    }
    gt_captured_free(c);
    gt_rewind(gt, start);
    gt_rewind(other, there);
    assert_well(gt);
    assert_well(other);
}

static bool computes(const gt_op *op, const gt_sample *s)
{
    return s->n_in <= GT_CAPTURE_INPUTS && op->n_out > 0;
}

static void operations_replay(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    size_t n;
    const gt_op_info *ops = gt_ops(&n);
    int checked = 0;
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = ops[i].op;
        for (int k = 0; op && k < op->n_samples; k++) {
            const gt_sample *s = &op->samples[k];
            if (!computes(op, s)) continue;
            const bool f32 = op->forward[GT_F32] || op->elements[GT_F32] || op->parts[GT_F32];
            for (int alone = 0; alone < 2; alone++, checked++)
                check_sample(gt, other, op, s, f32 ? GT_F32 : GT_F64, alone);
        }
    }
    print_message("%d runs\n", checked);
    gt_close(other);
}

/* Whether the sample's operation refuses inputs full of numbers that mean nothing. */
static bool looks_at_values(gt_ctx *gt, const gt_op *op, const gt_sample *sample)
{
    sample_run r = {.op = op, .sample = sample};
    draw_inputs(gt, &r, 1, GT_F64);
    for (int i = 0; i < r.n_in; i++) memset(r.in[i]->data, 0xff, bytes_of(r.in[i]));
    gt_set_shapes_only(gt, true);
    run_it(gt, &r);
    gt_set_shapes_only(gt, false);
    const bool failed = gt_failed(gt);
    gt_error_clear(gt);
    return failed;
}

/* Labels that are out of range are seen at a replay, too. */
static void those_that_look_at_values_say_so(void **state)
{
    gt_ctx *gt = *state;
    size_t n;
    const gt_op_info *ops = gt_ops(&n);
    const gt_error_handler handler = gt_set_error_handler(gt, gt_ignore_error, NULL);
    const gt_mark start = gt_mark_tape(gt);
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        const gt_op *op = ops[i].op;
        bool looks = false;
        for (int k = 0; op && k < op->n_samples; k++) {
            looks |= looks_at_values(gt, op, &op->samples[k]);
            gt_rewind(gt, start);
        }
        found += looks;
        if (op && looks != ((op->flags & GT_OP_VALUES) != 0))
            fail_msg("%s: infer %s at values, but GT_OP_VALUES is%s set", op->name,
                     looks ? "looks" : "does not look", looks ? " not" : "");
    }
    assert_true(found > 5);
    gt_set_error_handler(gt, handler.fn, handler.user);
}

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
static void see_module(gt_module *m, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)m;
    (void)x;
    (void)y;
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

/* --- beside other work --- */

/* Captured and eager steps in turns are the steps, wherever gradients, rates and states were left.
 */
static void goes_with_eager_steps(void **state)
{
    (void)state;
    training eager, mixed;
    make_training(&eager, &rules[1]);
    make_training(&mixed, &rules[1]);
    gt_captured *c = NULL;
    const gt_mark start = gt_mark_tape(eager.gt), other = gt_mark_tape(mixed.gt);
    for (int i = 0; i < FEW; i++) {
        gt_rewind(eager.gt, start);
        gt_rewind(mixed.gt, other);
        draw_batch(&eager);
        draw_batch(&mixed);
        step(&eager);
        if (i % 3 == 2) step(&mixed);
        else if (c) gt_replay(c);
        else
            c = gt_capture(mixed.gt, whole_step, &mixed,
                           .inputs = {&mixed.x[0], &mixed.x[1], &mixed.y[0], &mixed.y[1]});
        assert_well(mixed.gt);
        assert_same(&eager, &mixed, "mixed", i);
    }
    gt_close(eager.gt);
    gt_close(mixed.gt);
}

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

/* --- what a capture knows --- */

typedef struct {
    gt_tensor *x, *hidden, *seen;
    double number;
} chain;

/* Constants are worked out once, also those that are changed in place on the way. */
static gt_tensor *chain_step(gt_ctx *gt, void *user)
{
    chain *c = user;
    const double values[] = {1, 2, 3};
    gt_tensor *changed = gt_from(gt, GT_SHAPE(3), values, .dtype = GT_F32);
    gt_tensor *before = gt_mul_scalar(changed, 1);
    gt_copy_into(changed, gt_add(changed, c->x));
    gt_fill_slice(changed, 0, 2, 3, 7);
    gt_tensor *folded = gt_exp(gt_add(gt_ones(gt, GT_SHAPE(3)), gt_full(gt, GT_SHAPE(3), 1)));
    gt_exp(c->x); /* nobody reads it */
    c->hidden = gt_mul(changed, folded);
    c->seen = gt_capture_output(gt_add(gt_square(c->hidden), before));
    return gt_sum(c->seen);
}

static void constants_and_dead_work(void **state)
{
    gt_ctx *gt = *state;
    chain a = {.x = gt_zeros(gt, GT_SHAPE(3))}, b = a;
    gt_captured *c = gt_capture(gt, chain_step, &a, .inputs = {&a.x});
    for (int i = 0; i < 4; i++) {
        a.x = b.x = gt_full(gt, GT_SHAPE(3), 0.5 * i);
        gt_replay(c);
        assert_true(gt_item(gt_captured_result(c)) == gt_item(chain_step(gt, &b)));
        for (int k = 0; k < 3; k++) assert_true(element(a.seen, k) == element(b.seen, k));
    }
    assert_null(gt_neg(a.hidden));
    assert_error(gt, GT_ERR_STATE, "gt_capture_output");
    const gt_captured_stats stats = gt_captured_get_stats(c);
    assert_true(stats.ready && stats.runs < stats.nodes - 3);
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

typedef struct {
    gt_tensor *x, *weight, *other;
} scaled;

/* Two convolutions with weights that the step makes: what is packed of one is not the other's. */
static gt_tensor *scaled_step(gt_ctx *gt, void *user)
{
    const scaled *s = user;
    (void)gt;
    gt_tensor *a = gt_conv2d(s->x, gt_mul_scalar(s->weight, 2));
    return gt_sub(a, gt_conv2d(s->x, gt_mul_scalar(s->other, 3)));
}

static void weights_of_the_step(void **state)
{
    gt_ctx *gt = *state;
    const gt_shape shape = GT_SHAPE(32, 32, 3, 3);
    scaled s = {gt_randn(gt, GT_SHAPE(1, 32, 9, 9)), gt_randn(gt, shape), gt_randn(gt, shape)};
    gt_captured *c = gt_capture(gt, scaled_step, &s);
    const gt_mark start = gt_mark_tape(gt);
    for (int i = 0; i < 4; i++) {
        gt_rewind(gt, start);
        const gt_tensor *want = scaled_step(gt, &s);
        gt_replay(c);
        assert_memory_equal(gt_captured_result(c)->data, want->data, bytes_of(want));
        gt_fill_slice(s.weight, 0, i, i + 1, 0.5);
    }
    assert_well(gt);
}

/* Inference: a network in evaluation, with recording off. */
static gt_tensor *infer(gt_ctx *gt, void *user)
{
    training *t = user;
    const bool old = gt_set_recording(gt, false);
    gt_tensor *y = gt_softmax(gt_forward(t->net, t->x[0]), 1);
    gt_set_recording(gt, old);
    return y;
}

static void inference(void **state)
{
    (void)state;
    training t;
    make_training(&t, &rules[0]);
    step(&t); /* running statistics */
    gt_eval(t.net);
    gt_captured *c = gt_capture(t.gt, infer, &t, .inputs = {&t.x[0], &t.y[0]}); /* y unused */
    assert_true(gt_captured_get_stats(c).ready);
    for (int i = 0; i < 3; i++) {
        draw_batch(&t);
        const gt_tensor *want = infer(t.gt, &t);
        gt_replay(c);
        assert_memory_equal(gt_captured_result(c)->data, want->data, bytes_of(want));
    }
    assert_well(t.gt);
    gt_close(t.gt);
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
    struct CMUnitTest tests[RULES + 16] = {
        TEST(operations_replay),
        TEST(those_that_look_at_values_say_so),
        TEST(what_a_step_must_not_do),
        TEST(what_is_not_as_it_was),
        TEST(gradients_that_are_added_to),
        TEST(results_are_kept_as_copies),
        TEST(micro_batches_replay),
        TEST(nothing_to_capture),
        TEST(goes_with_eager_steps),
        TEST(results_are_tensors),
        TEST(constants_and_dead_work),
        TEST(memory),
        TEST(inference),
        TEST(anomalies_are_found),
        TEST(weights_of_the_step),
    };
    int n = 0;
    while (tests[n].name) n++;
    for (int i = 0; i < RULES; i++)
        tests[n++] = (struct CMUnitTest){.name = rules[i].name,
                                         .test_func = replays_are_the_steps,
                                         .initial_state = (void *)&rules[i]};
    return _cmocka_run_group_tests("capture", tests, (size_t)n, NULL, NULL);
}

/* Replays leave the same bits everywhere as calls of the step: every operation, trainings,
 * inference; with what a capture leaves out and works out once. */
#include "training.h"

#include "samples.h"

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
    run_it(gt, &r);
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
            fail_msg("%s %s at values, but GT_OP_VALUES is%s set", op->name,
                     looks ? "looks" : "does not look", looks ? " not" : "");
    }
    assert_true(found > 5);
    gt_set_error_handler(gt, handler.fn, handler.user);
}

static gt_tensor *gathered(gt_ctx *gt, void *user)
{
    gt_tensor **const t = user;
    (void)gt;
    return gt_sum(gt_gather(t[0], 1, t[1]));
}

/* So are indices that forward looks at. */
static void indices_are_looked_at_again(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *t[] = {gt_ones(gt, GT_SHAPE(2, 3)), gt_zeros(gt, GT_SHAPE(2, 4), .dtype = GT_I64)};
    gt_captured *c = gt_capture(gt, gathered, t, .inputs = {&t[0], &t[1]});
    assert_int_equal(gt_replay(c), GT_OK);
    gt_fill(t[1], 3);
    assert_int_equal(gt_replay(c), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "index 3 at [0,0] is out of range for axis 1 of size 3");
    gt_fill(t[1], 2);
    assert_int_equal(gt_replay(c), GT_OK);
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
    const gt_captured_stats stats = gt_captured_get_stats(c); /* operations alone */
    assert_true(stats.runs < stats.nodes);
    gt_close(eager.gt);
    gt_close(mixed.gt);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    struct CMUnitTest tests[RULES + 16] = {
        TEST(operations_replay),           TEST(those_that_look_at_values_say_so),
        TEST(goes_with_eager_steps),       TEST(constants_and_dead_work),
        TEST(weights_of_the_step),         TEST(inference),
        TEST(indices_are_looked_at_again),
    };
    int n = 0;
    while (tests[n].name) n++;
    for (int i = 0; i < RULES; i++)
        tests[n++] = (struct CMUnitTest){.name = rules[i].name,
                                         .test_func = replays_are_the_steps,
                                         .initial_state = (void *)&rules[i]};
    return _cmocka_run_group_tests("replay", tests, (size_t)n, NULL, NULL);
}

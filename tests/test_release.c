/* Giving back early: what rules and containers say nobody reads. */
#include "samples.h"

#include "base/pool.h"
#include <math.h>

/* --- operations --- */

static gt_tensor *numbers_like(gt_tensor *t)
{
    gt_tensor *g = gt_empty_like(t);
    for (int64_t i = 0; g && i < g->size; i++)
        if (g->dtype == GT_F32) ((float *)g->data)[i] = (float)draw(-1, 1);
        else ((double *)g->data)[i] = draw(-1, 1);
    return g;
}

typedef struct {
    gt_tensor *leaf[GT_SAMPLE_INPUTS], *in[GT_SAMPLE_INPUTS];
    int n_leaves, n_in;
} inputs;

/* Inputs that are results themselves, of leaves. */
static inputs draw_inputs(gt_ctx *gt, const gt_op *op, const gt_sample *sample)
{
    inputs x = {.n_in = sample->n_in ? sample->n_in : gt_op_least(op)};
    for (int i = 0; i < x.n_in; i++) {
        const gt_sample_input *s = &sample->in[i];
        if (s->same > 0) {
            x.in[i] = x.in[s->same - 1];
            continue;
        }
        gt_tensor *t = input_of(gt, s, GT_F64);
        if (t->requires_grad) x.leaf[x.n_leaves++] = t;
        x.in[i] = t->requires_grad ? gt_clone(t) : t;
    }
    return x;
}

/* Gradients of the first and second order, and how many tensors were released before. */
static int gradients_of(gt_ctx *gt, const gt_op *op, const gt_sample *sample, bool release,
                        gt_tensor *grads[2 * GT_SAMPLE_INPUTS])
{
    static const uint64_t no_opts[64];
    gt_tensor *out[GT_OP_OUTPUTS], **second = grads + GT_SAMPLE_INPUTS;
    int released = 0;
    dice = 42;
    inputs x = draw_inputs(gt, op, sample);
    gt_apply_n(op, sample->opts ? sample->opts : no_opts, x.n_in, x.in, out);
    if (!out[0] || !out[0]->requires_grad) return 0;
    gt_tensor *y = gt_neg(out[0]), *upstream = numbers_like(y);
    for (int i = 0; i < x.n_in && release; i++) gt_release(x.in[i]);
    for (int i = 0; i < op->n_out && release; i++) gt_release(out[i]);
    for (int i = 0; i < x.n_in; i++) released += gt_unusable(x.in[i]) != NULL;
    for (int i = 0; i < op->n_out; i++) released += gt_unusable(out[i]) != NULL;
    gt_grad(&y, 1, x.leaf, x.n_leaves, grads, .upstream = &upstream, .create_graph = true,
            .allow_unused = true);
    gt_tensor *first = grads[0];
    if (!first || !first->requires_grad) return released;
    upstream = numbers_like(first);
    gt_grad(&first, 1, x.leaf, x.n_leaves, second, .upstream = &upstream, .retain = true,
            .allow_unused = true);
    return released;
}

static void assert_same(gt_tensor *a, gt_tensor *b, const gt_op *op, const gt_sample *s)
{
    if (!a && !b) return;
    if (!a || !b || memcmp(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype)) != 0)
        fail_msg("%s, %s: another gradient after gt_release", op->name, s->label);
}

/* Of what is gone the engine refuses to compute, so a rule that reads it fails. */
static void rules_read_no_more_than_they_say(void **state)
{
    gt_ctx *gt = *state;
    size_t n_ops;
    const gt_op_info *info = gt_ops(&n_ops);
    for (size_t k = 0; k < n_ops; k++) {
        const gt_op *op = info[k].op;
        if (!op || !op->backward || !(op->unread || op->flags & GT_OP_NO_SAVED)) continue;
        int released = 0;
        for (int i = 0; i < op->n_samples; i++) {
            const gt_mark start = gt_mark_tape(gt);
            gt_tensor *held[2 * GT_SAMPLE_INPUTS] = {0}, *given[2 * GT_SAMPLE_INPUTS] = {0};
            gradients_of(gt, op, &op->samples[i], false, held);
            released += gradients_of(gt, op, &op->samples[i], true, given);
            if (gt_failed(gt))
                fail_msg("%s, %s: %s", op->name, op->samples[i].label, gt_error_message(gt));
            for (int g = 0; g < 2 * GT_SAMPLE_INPUTS; g++)
                assert_same(held[g], given[g], op, &op->samples[i]);
            gt_rewind(gt, start);
        }
        if (!released) fail_msg("%s: nothing was released", op->name);
    }
}

static void results_over_inputs_are_the_same(void **state)
{
    gt_ctx *gt = *state;
    static const uint64_t no_opts[64];
    size_t n_ops;
    int over = 0;
    const gt_op_info *info = gt_ops(&n_ops);
    gt_set_recording(gt, false);
    for (size_t k = 0; k < n_ops; k++) {
        const gt_op *op = info[k].op;
        for (int i = 0; op && op->flags & GT_OP_OVER && i < op->n_samples; i++) {
            const gt_mark start = gt_mark_tape(gt);
            const gt_sample *s = &op->samples[i];
            const void *opts = s->opts ? s->opts : no_opts;
            inputs x = draw_inputs(gt, op, s);
            gt_tensor *y = gt_apply(op, opts, x.n_in, x.in);
            const void *block = x.in[0]->data;
            gt_tensor *z = gt_apply_over(op, opts, x.n_in, x.in);
            assert_well(gt);
            assert_same(y, z, op, s);
            const bool same = x.n_in == 1 || gt_same_shape(x.in[0], x.in[1]);
            assert_int_equal(z->data == block, same);
            assert_int_equal(gt_unusable(x.in[0]) != NULL, same);
            over += same;
            gt_rewind(gt, start);
        }
    }
    assert_true(over > 50);
}

/* --- one tensor --- */

static void far_back_is_left_alone(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        int later; /* operations of an input and a result each */
        bool released;
    } cases[] = {{0, true}, {2000, true}, {2100, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *h = gt_neg(x);
        gt_tensor *z = gt_neg(x);
        for (int i = 0; i < cases[k].later; i++) z = gt_neg(z);
        gt_tensor *y = gt_neg(h);
        gt_release(h);
        assert_int_equal(gt_unusable(h) != NULL, cases[k].released);
        gt_backward(gt_sum(gt_add(y, z)));
        assert_true(gt_get(x->grad, 0) == 1 + (cases[k].later % 2 ? 1 : -1));
    }
    assert_well(gt);
}

static void what_a_rule_reads_stays(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *k = gt_keep(gt_ones_like(w));
    gt_tensor *e = gt_exp(w), *y = gt_neg(e), *v = gt_reshape(y, GT_SHAPE(1, 3));
    gt_tensor *z = gt_neg(gt_square(v));
    gt_release(e); /* exp's rule reads it */
    gt_release(v); /* square's */
    gt_release(k);
    gt_release(NULL);
    assert_true(!gt_unusable(e) && !gt_unusable(y) && !gt_unusable(v) && !gt_unusable(k));
    gt_tensor *s = gt_sum(z);
    gt_release(z);
    assert_non_null(gt_unusable(z));
    assert_null(gt_neg(z));
    assert_error(gt, GT_ERR_STATE, "was released before it was read");
    gt_backward(s);
    assert_true(element(w->grad, 0) < -14.7 && element(w->grad, 0) > -14.8); /* 2 e^2 */
    assert_well(gt);
}

static gt_tensor *stretch(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *h = gt_mul_scalar(in[0], 3), *y = gt_relu(h);
    gt_release(h);
    return gt_square(y);
}

/* The stretch is run again, and reads what it was given. */
static void stretches_keep_what_they_read(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *x = gt_neg(gt_neg(w));
    gt_tensor *y = gt_sum(gt_checkpoint(gt, stretch, NULL, &x, 1));
    gt_release(x);
    assert_null(gt_unusable(x));
    gt_backward(y);
    assert_true(element(w->grad, 0) == 18);
    assert_well(gt);
}

static void settings_that_look_back_keep_everything(void **state)
{
    gt_ctx *gt = *state;
    bool (*const set[])(gt_ctx *, bool) = {gt_set_recording_all, gt_set_anomaly_check};
    for (int i = 0; i < 2; i++) {
        gt_tensor *x = gt_ones(gt, GT_SHAPE(3)), *y = gt_neg(x);
        set[i](gt, true);
        gt_release(x);
        gt_tensor *z = gt_apply_over(&gt_op_relu, NULL, 1, &y);
        set[i](gt, false);
        assert_true(!gt_unusable(x) && !gt_unusable(y) && !gt_unusable(z));
        assert_ptr_not_equal(z->data, y->data);
    }
}

/* It times what runs without it. */
static void a_profile_sees_results_over_inputs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_neg(gt_ones(gt, GT_SHAPE(3)));
    const void *block = x->data;
    gt_profile *p = gt_profile_begin(gt);
    assert_ptr_equal(gt_apply_over(&gt_op_relu, NULL, 1, &x)->data, block);
    assert_int_equal(gt_profile_end(p), GT_OK);
    x = gt_neg(gt_ones(gt, GT_SHAPE(3)));
    block = x->data;
    assert_ptr_equal(gt_apply_over(&gt_op_relu, NULL, 1, &x)->data, block);
    assert_well(gt);
}

/* Of what is bounded, results tell slopes as inputs do, so results may lie in their inputs. */
static void bounds_take_their_inputs_place(void **state)
{
    gt_ctx *gt = *state;
    const gt_op *const op[] = {&gt_op_relu, &gt_op_relu6, &gt_op_hardtanh, &gt_op_clamp};
    for (size_t i = 0; i < sizeof op / sizeof *op; i++) {
        gt_tensor *w = gt_values(gt, GT_SHAPE(4), -7, -0.5, 0.5, 7);
        gt_require_grad(w, true);
        gt_tensor *x = gt_neg(gt_neg(w));
        const struct {
            gt_keywords gt_;
            double low, high;
        } bounds = {.low = -1, .high = 1};
        const void *block = x->data;
        gt_tensor *y = gt_apply_over(op[i], op[i]->opts_size ? &bounds : NULL, 1, &x);
        assert_ptr_equal(y->data, block);
        gt_backward(gt_sum(y));
        for (int k = 0; k < 4; k++)
            assert_true(element(w->grad, k) == (k == 2 || k == (i < 1 ? 3 : i < 2 ? 2 : 1)));
        assert_well(gt);
    }
}

/* --- containers --- */

typedef struct {
    gt_module base;
    gt_tensor *seen_in, *seen_out;
} keeper;

static gt_tensor *keep_both(gt_module *m, gt_tensor *x)
{
    keeper *k = (keeper *)m;
    k->seen_in = x;
    return k->seen_out = gt_neg(x);
}

static const gt_module_type keeper_type = {
    .name = "Keeper", .size = sizeof(keeper), .forward = keep_both};

static gt_module *conv(gt_ctx *gt, int channels)
{
    return gt_nn_sequential(
        gt, gt_nn_lazy_conv2d(gt, channels, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_lazy_batch_norm2d(gt));
}

/* Every kind of container, activations of x and of y, views, what returns its input. */
static gt_module *make_net(gt_ctx *gt)
{
    gt_manual_seed(gt, 1);
    gt_module *body = gt_nn_sequential(gt, conv(gt, 4), gt_nn_relu(gt), conv(gt, 4));
    gt_module *same = gt_nn_sequential(gt, gt_nn_identity(gt), gt_nn_relu(gt));
    return gt_nn_sequential(gt, conv(gt, 4), gt_nn_relu(gt), gt_nn_residual(gt, body),
                            gt_nn_gelu(gt), gt_nn_residual(gt, conv(gt, 4), .shortcut = same),
                            gt_nn_residual(gt, gt_nn_identity(gt), .shortcut = gt_nn_relu(gt)),
                            gt_nn_concat(gt, gt_nn_tanh(gt), gt_nn_identity(gt), conv(gt, 2)),
                            gt_nn_max_pool2d(gt, .kernel = {2}), gt_nn_flatten(gt),
                            gt_nn_dropout(gt, 0.5), gt_nn_lazy_linear(gt, 5), gt_nn_sigmoid(gt),
                            gt_nn_leaky_relu(gt), gt_nn_linear(gt, 5, 3), gt_nn_flatten(gt));
}

static void look(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m;
    gt_tensor ***seen = user;
    *(*seen)++ = in[0];
    *(*seen)++ = out[0];
}

static void hook_all(gt_module *m, void *user)
{
    gt_module_add_hook(m, look, user);
}

enum { SEEN = 200 };

/* Live bytes after forward; a sum of the outputs' squares and of all gradients. */
static uint64_t run(gt_ctx *gt, bool hooked, bool training, double *sum)
{
    gt_module *net = make_net(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(4, 3, 8, 8));
    gt_forward(net, x); /* makes what is lazy */
    gt_tensor *seen[SEEN] = {0}, **next = seen;
    if (hooked) gt_module_apply(net, hook_all, &next);
    if (!training) gt_eval(net);
    gt_set_recording(gt, training);
    gt_manual_seed(gt, 2);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    gt_tensor *y = gt_forward(net, x);
    const uint64_t live = gt_get_stats(gt).bytes_live - before;
    for (gt_tensor **t = seen; t < next; t++) assert_null(gt_unusable(*t));
    assert_null(gt_unusable(x));
    gt_tensor *loss = gt_sum(gt_square(y));
    *sum = gt_item(loss);
    if (training) {
        gt_backward(loss);
        gt_state_iter it = gt_module_parameters(net);
        for (double k = 1; gt_state_next(&it); k++) *sum += k * gt_item(gt_sum(it.tensor->grad));
    }
    gt_set_recording(gt, true);
    assert_well(gt);
    return live;
}

static void containers_release_what_only_they_have(void **state)
{
    gt_ctx *gt = *state;
    for (int training = 0; training < 2; training++) {
        double held, given;
        const uint64_t all = run(gt, true, training, &held), few = run(gt, false, training, &given);
        assert_true(held == given);
        assert_true(training ? 3 * few < 2 * all : few <= 1024);
    }
}

/* Of a chain of n layers two results are there at a time. */
static void inference_holds_two_activations(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_flatten(gt));
    for (int i = 0; i < 9; i++)
        gt_module_append(net, gt_nn_sequential(gt, gt_nn_linear(gt, 64, 64, .no_bias = true),
                                               gt_nn_layer_norm(gt, GT_SHAPE(64)), gt_nn_gelu(gt)));
    gt_tensor *x = gt_randn(gt, GT_SHAPE(256, 64));
    gt_set_recording(gt, false);
    gt_forward(net, x);
    gt_stats_reset_peak(gt);
    const gt_stats before = gt_get_stats(gt);
    gt_forward(net, x);
    assert_true(gt_get_stats(gt).bytes_peak - before.bytes_live < 5 * 256 * 64 * sizeof(float) / 2);
    assert_well(gt);
}

static void modules_of_the_program_keep_theirs(void **state)
{
    gt_ctx *gt = *state;
    keeper *k = (keeper *)gt_module_new(gt, &keeper_type);
    gt_module *net = gt_nn_sequential(gt, gt_nn_relu(gt), gt_nn_sequential(gt, &k->base),
                                      gt_nn_relu(gt), gt_nn_relu(gt));
    assert_int_equal(net->holders, 1);
    gt_set_recording(gt, false);
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), -1, 2), *y = gt_forward(net, x);
    ASSERT_VALUES(x, 0, -1, 2);
    ASSERT_VALUES(k->seen_in, 0, 0, 2);
    ASSERT_VALUES(k->seen_out, 0, 0, -2);
    ASSERT_VALUES(y, 0, 0, 0);
    gt_tensor *seen[SEEN], **next = seen;
    gt_module_add_hook(net->child, look, &next);
    assert_int_equal(net->holders, 2);
    gt_module_remove_hook(net->child, look, &next);
    assert_int_equal(net->holders, 1);
    assert_well(gt);
}

/* --- recorded backward passes --- */

/* Each of 64 rows gives its reader a gradient as large as x; one sum is there at a time, and the
 * second derivative is right. */
static void recorded_sums_hold_one_of_their_parts(void **state)
{
    enum { ROWS = 64, COLUMNS = 4096 };
    gt_ctx *gt = *state;
    gt_tensor *x = gt_randn(gt, GT_SHAPE(ROWS, COLUMNS), .requires_grad = true), *y = NULL, *dx;
    for (int i = 0; i < ROWS; i++) {
        gt_tensor *row = gt_sum(gt_pow_scalar(gt_select(x, 0, i), 3));
        y = y ? gt_add(y, row) : row;
    }
    gt_stats_reset_peak(gt);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    gt_grad(&y, 1, &x, 1, &dx, .create_graph = true);
    assert_true(gt_get_stats(gt).bytes_peak - before < 8 * ROWS * COLUMNS * sizeof(float));
    gt_backward(gt_sum(dx));
    for (int64_t i = 0; i < x->size; i += 997)
        assert_true(fabs(element(x->grad, i) - 6 * element(x, i)) < 1e-4);
    assert_well(gt);
}

/* What reads past a tensor is seen under the address sanitizer, though its block goes on. */
static void nothing_lies_behind_a_tensor(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
    for (int64_t n = 1; n < 16; n++) {
        const gt_tensor *x = gt_ones(*state, GT_SHAPE(n));
        const char *end = (const char *)x->data + n * (int64_t)sizeof(float);
        assert_false(__asan_address_is_poisoned(end - 1));
        assert_true(__asan_address_is_poisoned(end));
    }
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
        TEST(nothing_lies_behind_a_tensor),
        TEST(rules_read_no_more_than_they_say),
        TEST(results_over_inputs_are_the_same),
        TEST(far_back_is_left_alone),
        TEST(what_a_rule_reads_stays),
        TEST(stretches_keep_what_they_read),
        TEST(settings_that_look_back_keep_everything),
        TEST(a_profile_sees_results_over_inputs),
        TEST(recorded_sums_hold_one_of_their_parts),
        TEST(bounds_take_their_inputs_place),
        TEST(containers_release_what_only_they_have),
        TEST(inference_holds_two_activations),
        TEST(modules_of_the_program_keep_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

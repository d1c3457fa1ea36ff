/* gt_checkpoint: the same bits with less memory, in first and second order, nested, and refusals.
 */
#include "support.h"

enum { BLOCKS = 6, WIDTH = 64, ROWS = 256 };

typedef struct {
    gt_tensor *w;    /* a parameter that is no input */
    gt_tensor *leak; /* where a function leaves something of its inside */
    gt_mark mark;
    int calls;
} block;

/* A bit of everything: products, views, a random constant, dropout, a detached tensor, a dead end.
 */
static gt_tensor *run_block(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    block *b = user;
    b->calls++;
    gt_tensor *h = gt_matmul(in[0], b->w);
    gt_tensor *flat = gt_reshape(h, GT_SHAPE(-1));
    gt_tensor *noise = gt_mul_scalar(gt_rand(gt, flat->shape), 0.5);
    gt_tensor *g = gt_mul(gt_add(flat, gt_detach(gt_reshape(gt_square(h), flat->shape))), noise);
    gt_square(g);
    gt_tensor *still = gt_detach(g);
    g = gt_div(gt_dropout(g, 0.25), gt_add_scalar(gt_square(g), 1));
    return gt_add(gt_reshape(gt_mul(g, still), in[0]->shape), in[0]);
}

static gt_tensor *two_blocks(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    block *b = user;
    gt_tensor *y = gt_checkpoint(gt, run_block, b, in, 1);
    y = gt_mul(gt_detach(y), gt_neg(y)); /* an unrecorded view of an inner result */
    return gt_checkpoint(gt, run_block, b, &y, 1);
}

static gt_tensor *two_plain_blocks(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    gt_tensor *y = run_block(gt, in, user);
    y = gt_mul(gt_detach(y), gt_neg(y));
    return run_block(gt, &y, user);
}

static gt_tensor *call(gt_ctx *gt, gt_function f, block *b, gt_tensor *x, bool checkpoint)
{
    return checkpoint ? gt_checkpoint(gt, f, b, &x, 1) : f(gt, &x, b);
}

static block new_block(gt_ctx *gt)
{
    gt_manual_seed(gt, 7);
    gt_tensor *w = gt_mul_scalar(gt_randn(gt, GT_SHAPE(WIDTH, WIDTH)), 0.1);
    w = gt_keep(w);
    gt_require_grad(w, true);
    return (block){.w = w};
}

static gt_tensor *new_input(gt_ctx *gt)
{
    gt_manual_seed(gt, 8);
    return gt_keep(gt_randn(gt, GT_SHAPE(ROWS, WIDTH), .requires_grad = true));
}

/* The loss of BLOCKS calls of f, one after the other. */
static gt_tensor *chain(gt_ctx *gt, gt_function f, block *b, gt_tensor *x, bool checkpoint)
{
    gt_manual_seed(gt, 9);
    for (int i = 0; i < BLOCKS; i++) x = call(gt, f, b, x, checkpoint);
    return gt_sum(gt_square(x));
}

/* Copies a gradient out of the step. */
static gt_tensor *saved(gt_tensor *g)
{
    gt_tensor *copy = gt_empty_like(g);
    gt_copy_into(copy, g);
    return gt_keep(copy);
}

static void assert_same_bits(const gt_tensor *a, const gt_tensor *b)
{
    assert_true(gt_same_shape(a, b));
    assert_memory_equal(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype));
}

/* --- tests --- */

static const struct {
    gt_function plain, checkpointed;
} models[] = {{run_block, run_block}, {two_plain_blocks, two_blocks}};
enum { MODELS = sizeof models / sizeof *models };

static void gradients_are_the_same_bits(void **state)
{
    gt_ctx *gt = *state;
    block b = new_block(gt);
    gt_tensor *x = new_input(gt), *dx[2], *dw[2];
    gt_mark start = gt_mark_tape(gt);
    for (int m = 0; m < MODELS; m++)
        for (int order = 1; order <= 2; order++) {
            for (int k = 0; k < 2; k++) {
                gt_rewind(gt, start);
                const gt_function f = k ? models[m].checkpointed : models[m].plain;
                gt_tensor *loss = chain(gt, f, &b, x, k == 1), *g;
                if (order == 2) {
                    assert_int_equal(gt_grad(&loss, 1, &x, 1, &g, .create_graph = true), GT_OK);
                    loss = gt_sum(gt_square(g));
                }
                assert_int_equal(gt_backward(loss), GT_OK);
                dx[k] = saved(x->grad);
                dw[k] = saved(b.w->grad);
            }
            assert_same_bits(dx[0], dx[1]);
            assert_same_bits(dw[0], dw[1]);
        }
    assert_well(gt);
}

/* Running statistics are updated once, and what they were does not matter to the replay. */
typedef struct {
    gt_tensor *mean, *variance;
} statistics;

static gt_tensor *normalised(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    const statistics *s = user;
    gt_tensor *y = gt_batch_norm(gt_square(in[0]), s->mean, s->variance, .training = true);
    return gt_square(gt_mul(y, in[0]));
}

static void running_statistics_are_updated_once(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = new_input(gt), *dx[2];
    statistics s[2];
    for (int k = 0; k < 2; k++) {
        s[k] = (statistics){gt_zeros(gt, GT_SHAPE(WIDTH)), gt_ones(gt, GT_SHAPE(WIDTH))};
        gt_tensor *y = k ? gt_checkpoint(gt, normalised, &s[k], &x, 1) : normalised(gt, &x, &s[k]);
        assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
        dx[k] = saved(x->grad);
        gt_clear_grad(x);
    }
    assert_well(gt);
    assert_same_bits(dx[0], dx[1]);
    assert_same_bits(s[0].mean, s[1].mean);
    assert_same_bits(s[0].variance, s[1].variance);
}

static uint64_t peak_of(gt_ctx *gt, gt_function f, block *b, gt_tensor *x, bool checkpoint)
{
    gt_mark start = gt_mark_tape(gt);
    gt_stats_reset_peak(gt);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    assert_int_equal(gt_backward(chain(gt, f, b, x, checkpoint)), GT_OK);
    const uint64_t peak = gt_get_stats(gt).bytes_peak - before;
    gt_rewind(gt, start);
    return peak;
}

static void memory_is_saved(void **state)
{
    gt_ctx *gt = *state;
    block b = new_block(gt);
    gt_tensor *x = new_input(gt);
    const uint64_t plain = peak_of(gt, run_block, &b, x, false);
    const uint64_t saved_one = peak_of(gt, run_block, &b, x, true);
    const uint64_t two = peak_of(gt, two_plain_blocks, &b, x, false);
    const uint64_t nested = peak_of(gt, two_blocks, &b, x, true);
    const uint64_t outer = peak_of(gt, two_plain_blocks, &b, x, true);
    print_message("peak: %llu, with gt_checkpoint %llu; longer blocks: %llu, %llu, nested %llu\n",
                  (unsigned long long)plain, (unsigned long long)saved_one, (unsigned long long)two,
                  (unsigned long long)outer, (unsigned long long)nested);
    assert_true(saved_one * 2 < plain);
    assert_true(outer * 2 < two);
    assert_true(nested < outer);
    assert_well(gt);
}

static void a_loop_is_without_mallocs(void **state)
{
    gt_ctx *gt = *state;
    block b = new_block(gt);
    gt_tensor *x = new_input(gt);
    gt_mark start = gt_mark_tape(gt);
    gt_stats settled = {0};
    for (int step = 0; step < 20; step++) {
        gt_rewind(gt, start);
        b.calls = 0;
        assert_int_equal(gt_backward(chain(gt, two_blocks, &b, x, true)), GT_OK);
        assert_int_equal(b.calls, 2 * BLOCKS); /* replayed, never called again */
        if (step == 10) settled = gt_get_stats(gt);
    }
    assert_int_equal(gt_get_stats(gt).mallocs, settled.mallocs);
    assert_int_equal(gt_get_stats(gt).bytes_system, settled.bytes_system);
    assert_well(gt);
}

static void retain_keeps_what_was_recomputed(void **state)
{
    gt_ctx *gt = *state;
    block b = new_block(gt);
    gt_tensor *x = new_input(gt), *loss = chain(gt, run_block, &b, x, true);
    assert_int_equal(gt_backward(loss, .retain = true), GT_OK);
    gt_tensor *once = saved(x->grad);
    gt_clear_grad(x);
    assert_int_equal(gt_backward(loss), GT_OK);
    assert_same_bits(once, x->grad);
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "was released by an earlier gt_backward");
}

/* Gradients of the function's own: a sweep within the stretch, part of which it opens. */
static gt_tensor *slope(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    gt_tensor *y = gt_sum(gt_checkpoint(gt, run_block, user, in, 1)), *g;
    gt_tensor *x = in[0];
    if (gt_grad(&y, 1, &x, 1, &g, .create_graph = true) != GT_OK) return NULL;
    return gt_mul(g, gt_square(x));
}

static gt_tensor *plain_slope(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    gt_tensor *y = gt_sum(run_block(gt, in, user)), *g, *x = in[0];
    if (gt_grad(&y, 1, &x, 1, &g, .create_graph = true) != GT_OK) return NULL;
    return gt_mul(g, gt_square(x));
}

static void gradients_within_are_replayed_too(void **state)
{
    gt_ctx *gt = *state;
    block b = new_block(gt);
    gt_tensor *x = new_input(gt), *dx[2], *dw[2];
    gt_mark start = gt_mark_tape(gt);
    for (int k = 0; k < 2; k++) {
        gt_rewind(gt, start);
        gt_manual_seed(gt, 3);
        gt_tensor *y = call(gt, k ? slope : plain_slope, &b, x, k == 1);
        assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
        dx[k] = saved(x->grad);
        dw[k] = saved(b.w->grad);
    }
    assert_same_bits(dx[0], dx[1]);
    assert_same_bits(dw[0], dw[1]);
    assert_well(gt);
}

static gt_tensor *smooth(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_div(gt_square(gt_matmul(in[0], in[1])), gt_add_scalar(gt_square(in[0]), 1));
}

static gt_tensor *nested(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    gt_tensor *list[2] = {gt_checkpoint(gt, smooth, user, in, 2), in[1]};
    return gt_mul(gt_checkpoint(gt, smooth, user, list, 2), in[0]);
}

static gt_tensor *checkpointed(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    return gt_neg(gt_checkpoint(gt, nested, user, in, 2));
}

static void the_gradient_checker_agrees(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[2];
    for (int i = 0; i < 2; i++)
        in[i] = gt_randn(gt, GT_SHAPE(2, 2), .dtype = GT_F64, .requires_grad = true);
    for (int order = 1; order <= 2; order++) {
        gt_gradcheck_report r;
        if (gt_gradcheck(gt, checkpointed, NULL, in, 2, &(gt_gradcheck_opts){.order = order}, &r))
            fail_msg("%s", r.message);
    }
    assert_well(gt);
}

/* y = (x^2 + 1) x^2, in ways that must not be dropped, or not whole. */
static gt_tensor *odd_ways(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    block *b = user;
    gt_tensor *h = gt_square(in[0]);
    b->leak = gt_keep(gt_neg(in[0]));
    gt_tensor *k = gt_square(b->leak); /* reads a kept tensor */
    gt_tensor *one = gt_ones(gt, GT_SHAPE(2));
    gt_tensor *s = gt_add(h, one);
    gt_fill(one, 5); /* s cannot be recomputed from here on */
    b->mark = gt_mark_tape(gt);
    return gt_add(gt_mul(s, h), gt_mul_scalar(k, 0));
}

static void what_cannot_be_recomputed_is_kept(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2);
    gt_require_grad(x, true);
    block b = {0};
    gt_tensor *y = gt_checkpoint(gt, odd_ways, &b, &x, 1);
    ASSERT_VALUES(y, 0, 2, 20);
    assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
    ASSERT_VALUES(x->grad, 0, 6, 36);
    ASSERT_VALUES(b.leak, 0, -1, -2);
    assert_well(gt);
}

static gt_tensor *same(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return in[0];
}

static gt_tensor *leaking(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    block *b = user;
    b->leak = gt_square(in[0]);
    return gt_reshape(gt_mul(b->leak, b->w ? b->w : in[0]), GT_SHAPE(-1));
}

/* The rule of add reads no values, but the replay of add does. */
static gt_tensor *biased(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    return gt_square(gt_add(in[0], ((block *)user)->w));
}

static gt_tensor *rewinding(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    gt_rewind(gt, ((block *)user)->mark);
    return gt_square(in[0]);
}

static gt_tensor *nothing(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)in, (void)user;
    return NULL;
}

static gt_tensor *failing(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)user;
    return gt_add(in[0], gt_ones(gt, GT_SHAPE(7)));
}

static void the_inside_cannot_be_used(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2);
    gt_require_grad(x, true);
    block b = {0};
    gt_tensor *y = gt_checkpoint(gt, leaking, &b, &x, 1);
    assert_null(gt_neg(b.leak));
    assert_error(gt, GT_ERR_STATE, ", was dropped by gt_checkpoint");
    assert_int_equal(gt_backward(gt_sum(y), .retain = true), GT_OK);
    ASSERT_VALUES(b.leak, 0, 1, 4); /* recomputed and retained */
    ASSERT_VALUES(x->grad, 0, 3, 12);
    assert_well(gt);
}

static void a_changed_parameter_is_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2);
    gt_require_grad(x, true);
    for (int how = 0; how < 2; how++) {
        block b = {.w = gt_keep(gt_ones(gt, GT_SHAPE(2)))};
        gt_tensor *y = gt_checkpoint(gt, biased, &b, &x, 1);
        if (how) gt_free(b.w);
        else gt_fill(b.w, 2);
        assert_int_equal(gt_backward(gt_sum(y)), GT_ERR_STATE);
        assert_null(x->grad);
        assert_error(gt, GT_ERR_STATE,
                     how ? "input b of the result of add (test_checkpoint.c:"
                         : "b of add (test_checkpoint.c:");
    }
}

static void results_and_refusals(void **state)
{
    gt_ctx *gt = *state;
    block b = {.mark = gt_mark_tape(gt)};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2), .requires_grad = true), *none = NULL;
    x = gt_keep(x);
    assert_ptr_equal(gt_checkpoint(gt, same, NULL, &x, 1), x);
    gt_set_recording(gt, false);
    ASSERT_VALUES(gt_checkpoint(gt, leaking, &b, &x, 1), 0, 1, 1);
    ASSERT_VALUES(b.leak, 0, 1, 1); /* nothing is recorded, nothing dropped */
    gt_set_recording(gt, true);
#define REFUSED(call, code, part)                                                                  \
    assert_null(call);                                                                             \
    assert_error(gt, code, part)
    REFUSED(gt_checkpoint(gt, same, NULL, &none, 1), GT_ERR_ARGUMENT, "input 0 is NULL");
    REFUSED(gt_checkpoint(gt, NULL, NULL, &x, 1), GT_ERR_ARGUMENT,
            "gt_checkpoint (test_checkpoint.c:");
    REFUSED(gt_checkpoint(gt, nothing, NULL, &x, 1), GT_ERR_ARGUMENT, "returned NULL");
    REFUSED(gt_checkpoint(gt, failing, NULL, &x, 1), GT_ERR_SHAPE, "add (test_checkpoint.c:");
    gt_ones(gt, GT_SHAPE(2));
    REFUSED(gt_checkpoint(gt, rewinding, &b, &x, 1), GT_ERR_STATE, "before its own beginning");
    assert_null(gt_checkpoint(NULL, same, NULL, &x, 1));
    assert_error(NULL, GT_ERR_ARGUMENT, "the context is NULL");
    assert_int_equal(gt_backward(gt_sum(gt_square(x))), GT_OK);
    ASSERT_VALUES(x->grad, 0, 2, 2);
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)
        TEST(gradients_are_the_same_bits),
        TEST(running_statistics_are_updated_once),
        TEST(memory_is_saved),
        TEST(a_loop_is_without_mallocs),
        TEST(retain_keeps_what_was_recomputed),
        TEST(gradients_within_are_replayed_too),
        TEST(the_gradient_checker_agrees),
        TEST(what_cannot_be_recomputed_is_kept),
        TEST(the_inside_cannot_be_used),
        TEST(a_changed_parameter_is_refused),
        TEST(results_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

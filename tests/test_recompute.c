/* Results that are made again instead of kept: the same bits, less memory, what is refused. */
#include "samples.h"

#include <math.h>

#include "engine/context.h"

/* --- every rule, eager and captured --- */

typedef struct {
    const gt_op *op;
    const gt_sample *sample;
    bool twice; /* the second order, too */
    gt_tensor *leaf[GT_SAMPLE_INPUTS], *upstream;
    gt_tensor *grad[2 * GT_SAMPLE_INPUTS];
    int n_leaves, dropped;
} sample_run;

static gt_tensor *numbers_like(const gt_tensor *t)
{
    gt_tensor *g = gt_empty_(t->ctx, t->shape, (gt_new_opts){.dtype = t->dtype});
    for (int64_t i = 0; i < g->size; i++) ((double *)g->data)[i] = draw(-1, 1);
    return g;
}

/* The operation on results of leaves, which are then said to be read by nobody. */
static gt_tensor *apply_to_results(sample_run *r)
{
    static const uint64_t no_opts[64];
    const gt_op *op = r->op;
    gt_tensor *in[GT_SAMPLE_INPUTS] = {NULL}, *out[GT_OP_OUTPUTS];
    const int n = r->sample->n_in ? r->sample->n_in : gt_op_least(op);
    for (int i = 0; i < n; i++) {
        const int same = r->sample->in[i].same;
        gt_tensor *leaf = r->leaf[i];
        in[i] = same > 0 ? in[same - 1] : leaf->requires_grad ? gt_clone(leaf) : leaf;
    }
    gt_apply_n(op, r->sample->opts ? r->sample->opts : no_opts, n, in, out);
    if (!out[0] || !out[0]->requires_grad) return NULL;
    gt_tensor *y = gt_neg(out[0]);
    for (int i = 0; i < n; i++) gt_release(in[i]);
    for (int i = 0; i < op->n_out; i++) gt_release(out[i]);
    for (int i = 0; i < n; i++) r->dropped += (gti_t(in[i])->flags & GTI_AGAIN) != 0;
    for (int i = 0; i < op->n_out; i++) r->dropped += (gti_t(out[i])->flags & GTI_AGAIN) != 0;
    return y;
}

static gt_tensor *gradients(gt_ctx *gt, void *user)
{
    sample_run *r = user;
    (void)gt;
    gt_tensor *y = apply_to_results(r), *leaf[GT_SAMPLE_INPUTS];
    int n = 0;
    for (int i = 0; i < r->n_leaves; i++)
        if (r->leaf[i]->requires_grad && r->sample->in[i].same == 0) leaf[n++] = r->leaf[i];
    if (!y) return NULL;
    dice = 43;
    if (!r->upstream) r->upstream = gt_keep(numbers_like(y));
    gt_grad(&y, 1, leaf, n, r->grad, .upstream = &r->upstream, .create_graph = r->twice,
            .allow_unused = true);
    gt_tensor *first = r->grad[0];
    if (r->twice && first && first->requires_grad) {
        dice = 44;
        gt_tensor *upstream = numbers_like(first);
        gt_grad(&first, 1, leaf, n, r->grad + GT_SAMPLE_INPUTS, .upstream = &upstream,
                .retain = true, .allow_unused = true);
    }
    for (int i = 0; i < 2 * GT_SAMPLE_INPUTS; i++)
        if (r->grad[i]) gt_capture_output(r->grad[i]);
    return y;
}

static void draw_leaves(gt_ctx *gt, sample_run *r)
{
    dice = 42;
    r->n_leaves = sample_inputs(gt, r->op, r->sample, GT_F64, r->leaf);
}

static void assert_same_gradients(const sample_run *a, const sample_run *b, const char *how)
{
    for (int i = 0; i < 2 * GT_SAMPLE_INPUTS; i++) {
        const gt_tensor *x = a->grad[i], *y = b->grad[i];
        if (!x != !y ||
            (x && memcmp(x->data, y->data, (size_t)x->size * gt_dtype_size(x->dtype)) != 0))
            fail_msg("%s, %s: another gradient %s", a->op->name, a->sample->label, how);
    }
}

/* Kept, dropped, and dropped in a captured step. Returns how many tensors were dropped. */
static int check_sample(gt_ctx *gt, const gt_op *op, const gt_sample *sample, bool twice)
{
    const gt_mark start = gt_mark_tape(gt);
    sample_run kept = {.op = op, .sample = sample, .twice = twice};
    draw_leaves(gt, &kept);
    sample_run dropped = kept, captured = kept;
    gradients(gt, &kept);
    if (!kept.upstream) return gt_rewind(gt, start), 0;
    gt_set_recomputing(gt, true);
    dropped.upstream = captured.upstream = kept.upstream;
    gradients(gt, &dropped);
    assert_same_gradients(&kept, &dropped, "when recomputed");
    gt_captured *c = gt_capture(gt, gradients, &captured);
    if (!gt_captured_get_stats(c).ready) gt_replay(c); /* keys were made */
    gt_replay(c);
    gt_set_recomputing(gt, false);
    if (gt_failed(gt)) fail_msg("%s, %s: %s", op->name, sample->label, gt_error_message(gt));
    assert_same_gradients(&kept, &captured, "in a replay");
    gt_captured_free(c);
    gt_free(kept.upstream);
    gt_rewind(gt, start);
    return dropped.dropped;
}

static void gradients_are_the_same_bits(void **state)
{
    gt_ctx *gt = *state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    gt->recomputed_least = 0;
    int dropped = 0;
    for (size_t k = 0; k < n; k++) {
        const gt_op *op = info[k].op;
        for (int i = 0; op && op->backward && i < op->n_samples; i++)
            if (op->samples[i].n_in <= GT_CAPTURE_INPUTS)
                dropped += check_sample(gt, op, &op->samples[i], i % 2 == 1);
    }
    print_message("%d dropped\n", dropped);
    assert_true(dropped > 1000);
}

/* --- a network --- */

static gt_module *conv(gt_ctx *gt, int channels)
{
    return gt_nn_sequential(
        gt, gt_nn_lazy_conv2d(gt, channels, .kernel = {3}, .padding = {1}, .no_bias = true),
        gt_nn_lazy_batch_norm2d(gt));
}

static gt_module *block(gt_ctx *gt, bool shortcut)
{
    gt_module *body = gt_nn_sequential(gt, conv(gt, 8), gt_nn_relu(gt), conv(gt, 8));
    return shortcut ? gt_nn_residual(gt, body, .shortcut = conv(gt, 8)) : gt_nn_residual(gt, body);
}

static gt_module *make_net(gt_ctx *gt)
{
    gt_manual_seed(gt, 1);
    gt_module *net = gt_nn_sequential(gt, conv(gt, 8), gt_nn_relu(gt));
    for (int i = 0; i < 5; i++) {
        gt_module_append(net, block(gt, i % 3 == 2));
        gt_module_append(net, i == 3 ? gt_nn_gelu(gt) : gt_nn_relu(gt));
    }
    gt_module_append(net, gt_nn_dropout(gt, 0.2));
    gt_module_append(net, gt_nn_flatten(gt));
    return gt_module_append(net, gt_nn_lazy_linear(gt, 3)) ? net : NULL;
}

typedef struct {
    gt_module *net;
    gt_tensor *x;
    int how;
    uint64_t live, peak;
} world;

enum { PLAIN, RETAINED, SECOND_ORDER, PARTLY, WAYS };

/* Bytes that the forward pass has left, and the most there were, with all gradients in leaves. */
static gt_tensor *train(gt_ctx *gt, void *user)
{
    world *w = user;
    gt_zero_grad(w->net);
    gt_clear_grad(w->x);
    const uint64_t before = gt_get_stats(gt).bytes_live;
    gt_stats_reset_peak(gt);
    gt_tensor *y = gt_forward(w->net, w->x), *loss = gt_mean(gt_square(y));
    w->live = gt_get_stats(gt).bytes_live - before;
    if (w->how == RETAINED) gt_backward(loss, .retain = true);
    if (w->how == SECOND_ORDER) {
        gt_tensor *dx;
        gt_grad(&loss, 1, &w->x, 1, &dx, .create_graph = true);
        loss = gt_add(loss, gt_sum(gt_square(dx)));
    }
    if (w->how == PARTLY) {
        gt_state_iter it = gt_module_parameters(w->net);
        gt_tensor *dw;
        for (int i = 0; i < 4; i++) gt_state_next(&it);
        gt_grad(&loss, 1, &it.tensor, 1, &dw, .retain = true);
        gt_capture_output(dw);
    }
    gt_backward(loss);
    w->peak = gt_get_stats(gt).bytes_peak - before;
    return loss;
}

static gt_tensor *all_gradients(const world *w)
{
    gt_tensor *g[64];
    int n = 0;
    gt_state_iter it = gt_module_parameters(w->net);
    while (gt_state_next(&it)) g[n++] = gt_reshape(it.tensor->grad, GT_SHAPE(-1));
    return gt_keep(gt_concat(g, n, 0));
}

/* One step, eager or captured, after one that makes what there is to make. */
static gt_tensor *gradients_of_step(world *w, bool recomputing, bool captured)
{
    gt_ctx *gt = gt_open();
    w->net = make_net(gt);
    w->x = gt_keep(gt_randn(gt, GT_SHAPE(4, 3, 32, 32), .requires_grad = true));
    gt_forward(w->net, w->x);
    gt_set_recomputing(gt, recomputing);
    gt_manual_seed(gt, 2);
    gt_captured *c = captured ? gt_capture(gt, train, w) : NULL;
    const gt_mark start = gt_mark_tape(gt);
    for (int i = captured; i < 3; i++) {
        gt_rewind(gt, start);
        if (c) gt_replay(c);
        else train(gt, w);
    }
    if (c) w->peak = gt_captured_get_stats(c).bytes;
    assert_well(gt);
    return all_gradients(w);
}

static void networks_train_with_less(void **state)
{
    (void)state;
    for (int how = 0; how < WAYS; how++) {
        world w[4];
        gt_tensor *grads[4];
        for (int k = 0; k < 4; k++) {
            w[k] = (world){.how = how};
            grads[k] = gradients_of_step(&w[k], k % 2 == 1, k > 1);
            assert_memory_equal(grads[0]->data, grads[k]->data,
                                (size_t)grads[0]->size * sizeof(float));
        }
        assert_true(3 * w[1].live < 2 * w[0].live);
        for (int k = 0; k < 4 && how == PLAIN; k += 2)
            assert_true(5 * w[k + 1].peak < 4 * w[k].peak);
        for (int k = 0; k < 4; k++) gt_close(grads[k]->ctx);
    }
}

/* --- what is refused, what is left alone --- */

typedef struct {
    gt_tensor *x, *h, *y; /* y = relu(relu(-h) + x), dropped, which a product reads */
} sums;

static sums make_sums(gt_ctx *gt)
{
    sums s = {.x = gt_keep(gt_full(gt, GT_SHAPE(2), 3))};
    s.h = gt_ones(gt, GT_SHAPE(2), .requires_grad = true);
    gt_tensor *a = gt_relu(gt_neg(s.h)), *b = gt_add(a, s.x);
    s.y = gt_relu(b);
    gt_release(a);
    gt_release(b);
    gt_tensor *z = gt_square(s.y);
    gt_release(s.y);
    assert_non_null(gt_unusable(s.y));
    s.y = gt_sum(z);
    return s;
}

static void changed_and_freed_inputs_are_named(void **state)
{
    gt_ctx *gt = *state;
    gt->recomputed_least = 0;
    gt_set_recomputing(gt, true);
    sums s = make_sums(gt);
    gt_fill(s.x, 1);
    gt_backward(s.y);
    assert_error(gt, GT_ERR_STATE, "was changed in place after it was recorded");
    s = make_sums(gt);
    gt_free(s.x);
    gt_backward(s.y);
    assert_error(gt, GT_ERR_STATE, "was freed by gt_free");
    s = make_sums(gt);
    gt_backward(s.y);
    gt_backward(s.y);
    assert_error(gt, GT_ERR_STATE, "was released by an earlier gt_backward");
    assert_well(gt);
}

/* Two losses of exp(w): one of it, the other of relu(exp(w) - 1), which a product with the head
 * reads. The backward pass of one leaves that to the other. */
typedef struct {
    gt_tensor *w, *head, *dhead;
    int dropped;
} two_losses;

static gt_tensor *backward_of_both(gt_ctx *gt, void *user)
{
    two_losses *l = user;
    (void)gt;
    gt_tensor *seen = gt_exp(l->w), *one = gt_sum(gt_square(seen));
    gt_tensor *less = gt_add_scalar(seen, -1), *b = gt_relu(less);
    gt_tensor *other = gt_sum(gt_mul(b, l->head)), *const read[] = {seen, less, b};
    l->dropped = 0;
    for (int i = 0; i < 3; i++) {
        gt_release(read[i]);
        l->dropped += (gti_t(read[i])->flags & GTI_AGAIN) != 0;
    }
    gt_clear_grad(l->w);
    gt_backward(one);
    gt_grad(&other, 1, &l->head, 1, &l->dhead);
    gt_capture_output(l->dhead);
    return other;
}

static void another_loss_finds_what_it_would_without(void **state)
{
    gt_ctx *gt = *state;
    gt->recomputed_least = 0;
    two_losses l = {.w = gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true)),
                    .head = gt_keep(gt_ones(gt, GT_SHAPE(2), .requires_grad = true))};
    for (int i = 0; i < 4; i++) {
        const bool dropped = i % 2;
        gt_set_recomputing(gt, dropped);
        gt_captured *c = i / 2 ? gt_capture(gt, backward_of_both, &l) : NULL;
        gt_tensor *other = c ? NULL : backward_of_both(gt, &l);
        if (c) gt_replay(c);
        assert_well(gt);
        assert_int_equal(l.dropped > 1, dropped);
        assert_true(fabs(element(l.dhead, 1) - (exp(1) - 1)) < 1e-6);
        if (!c) gt_backward(other);
        if (!c) assert_error(gt, GT_ERR_STATE, "was released by an earlier gt_backward");
        gt_captured_free(c);
    }
}

/* y = x square(x): when all are dropped, x makes square(x) again, and then y. */
static void results_between_serve_twice(void **state)
{
    gt_ctx *gt = *state;
    gt->recomputed_least = 0;
    for (int i = 0; i < 4; i++) {
        const bool dropped = i % 2, last = i / 2;
        gt_tensor *w = gt_full(gt, GT_SHAPE(3), 0.5, .requires_grad = true);
        gt_set_recomputing(gt, dropped);
        gt_tensor *x = gt_exp(w), *b = gt_square(x), *y = last ? gt_mul(b, x) : gt_mul(x, b);
        gt_tensor *z = gt_sum(gt_square(y));
        gt_tensor *const read[] = {x, b, y};
        for (int k = 0; k < 3; k++) {
            gt_release(read[k]);
            assert_int_equal(gt_unusable(read[k]) != NULL, dropped);
        }
        gt_backward(z);
        assert_well(gt);
        assert_true(fabs(element(w->grad, 2) - 6 * exp(3)) < 1e-3);
    }
}

static void what_has_views_or_costs_more_stays(void **state)
{
    gt_ctx *gt = *state;
    gt->recomputed_least = 0;
    gt_set_recomputing(gt, true);
    gt_tensor *w = gt_ones(gt, GT_SHAPE(2, 2), .requires_grad = true);
    gt_tensor *seen = gt_exp(w), *view = gt_reshape(seen, GT_SHAPE(4)), *far = gt_exp(w);
    gt_tensor *product = gt_matmul(w, w), *apart = gt_exp(w), *detached = gt_detach(apart);
    gt_tensor *read[] = {gt_square(view), gt_square(product), gt_square(apart)};
    for (int i = 0; i < 9; i++) {
        gt_tensor *next = gt_add(far, w), *unused = gt_square(next);
        (void)unused;
        gt_release(far);
        far = next;
    }
    gt_release(seen);
    gt_release(product);
    gt_release(apart);
    assert_true(!gt_unusable(seen) && !gt_unusable(product) && !gt_unusable(apart));
    assert_true(!gt_unusable(detached) && read[0] && read[1] && read[2]);
    assert_well(gt);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gradients_are_the_same_bits),        TEST(networks_train_with_less),
        TEST(changed_and_freed_inputs_are_named), TEST(another_loss_finds_what_it_would_without),
        TEST(results_between_serve_twice),        TEST(what_has_views_or_costs_more_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Recording of everything: what is on the tape then, and what is not different for it. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include <gradtape/gradcheck.h>
#include <gradtape/graph.h>

#include "engine/context.h"

static int count(const gt_ctx *gt, const char *op)
{
    int n = 0;
    for (const gt_node *k = gt_tape_first(gt); k; k = gt_tape_next(k))
        n += !strcmp(k->op->name, op);
    return n;
}

/* A frozen layer, operations with recording off, changes in place and whole sweeps. */
static void everything_is_on_the_tape(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *x = gt_ones(gt, GT_SHAPE(3));
    gt_neg(x);
    assert_int_equal(gt_get_stats(gt).nodes, 0);
    assert_false(gt_set_recording_all(gt, true));
    assert_true(gt_is_recording_all(gt));
    const gt_tensor *y = gt_neg(x);
    assert_true(gt_producer(y) && !y->requires_grad);
    gt_set_recording(gt, false);
    assert_false(gt_exp(w)->requires_grad);
    gt_set_recording(gt, true);
    gt_fill(x, 2);
    gt_tensor *twice = gt_mul(w, x);
    gt_backward(gt_add(gt_sum(twice), gt_sum(twice)));
    assert_int_equal(count(gt, "neg"), 1);
    assert_int_equal(count(gt, "exp"), 1);
    assert_int_equal(count(gt, "fill"), 2); /* the gradient that the walk begins with is one */
    assert_true(element(w->grad, 0) == 4);
    gt_backward(gt_sum(gt_mul(w, x))); /* adds to what the leaf has */
    assert_true(element(w->grad, 0) == 6);
    assert_true(gt_node_in_backward(&gt->last_node->pub));
    assert_ptr_equal(gt->last_node->pub.op, &gt_op_accumulate);
    assert_true(gt_set_recording_all(gt, false));
    assert_well(gt);
}

/* Nodes of changes are none of their tensors' and go with the step. */
static void changes_make_nothing(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(3), .requires_grad = true));
    gt_set_recording_all(gt, true);
    const gt_mark start = gt_mark_tape(gt);
    gt_fill(w, 3);
    const gt_node *n = gt_tape_first(gt);
    assert_ptr_equal(n->op, &gt_op_fill);
    assert_true(n->in[0] == w && n->out[0] == w && !n->needs && !gt_producer(w) &&
                w->requires_grad);
    gt_tensor *y = gt_sum(gt_square(w));
    gt_backward(y);
    assert_true(element(w->grad, 0) == 6);
    gt_rewind(gt, start);
    assert_null(gt_tape_first(gt));
    assert_true(element(w, 0) == 3);
    assert_well(gt);
}

/* What a walk needs must not have changed since, recorded or not. */
static void old_values_are_known_to_be_gone(void **state)
{
    gt_ctx *gt = *state;
    gt_set_recording_all(gt, true);
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *y = gt_sum(gt_square(w));
    gt_fill(w, 3);
    gt_backward(y);
    assert_error(gt, GT_ERR_STATE, "was changed in place after it was recorded");
    gt_tensor *z = gt_sum(gt_square(w));
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        if (n->op == &gt_op_fill) assert_true(gti_apply_run((gt_node *)n)); /* changes w again */
    gt_backward(z);
    assert_error(gt, GT_ERR_STATE, "was changed in place after it was recorded");
}

static void nothing_is_released(void **state)
{
    gt_ctx *gt = *state;
    gt_set_recording_all(gt, true);
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true);
    gt_tensor *e = gt_exp(w), *y = gt_sum(gt_square(e));
    gt_backward(y);
    gt_backward(y);
    assert_null(gt_unusable(e));
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        for (int i = 0; i < n->n_out; i++) assert_null(gt_unusable(n->out[i]));
    gt_set_recording_all(gt, false);
    gt_backward(y);
    assert_non_null(gt_unusable(e));
    assert_well(gt);
}

static gt_tensor *block(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_tanh(gt_exp(gt_mul(in[0], in[0])));
}

static void a_checkpoint_keeps_what_it_computed(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_ones(gt, GT_SHAPE(3), .requires_grad = true), *plain, *all;
    gt_tensor *y = gt_sum(gt_checkpoint(gt, block, NULL, &w, 1));
    gt_grad(&y, 1, &w, 1, &plain);
    gt_set_recording_all(gt, true);
    y = gt_sum(gt_checkpoint(gt, block, NULL, &w, 1));
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        if (gt_producer(y)->in[0] == n->out[0]) assert_null(gt_unusable(n->in[0]));
    gt_grad(&y, 1, &w, 1, &all);
    assert_memory_equal(plain->data, all->data, 3 * sizeof(float));
    assert_well(gt);
}

/* Whoever asks for gradients of a result without any gets a leaf, as ever. */
static void results_without_gradients_become_leaves(void **state)
{
    gt_ctx *gt = *state;
    gt_set_recording_all(gt, true);
    gt_tensor *x = gt_exp(gt_ones(gt, GT_SHAPE(3)));
    gt_require_grad(x, true);
    gt_backward(gt_sum(gt_square(x)));
    assert_non_null(x->grad);
    gt_require_grad(gt_square(x), true);
    assert_error(gt, GT_ERR_STATE, "is a result on the tape, not a leaf");
    gt_set_recording(gt, false);
    gt_tensor *y = gt_square(x);
    gt_set_recording(gt, true);
    gt_require_grad(y, true);
    gt_tensor *z = gt_sum(y), *g;
    gt_grad(&z, 1, &y, 1, &g);
    ASSERT_VALUES(g, 0, 1, 1, 1);
    assert_well(gt);
}

/* Graphs of gradients are made of new tensors as ever. */
static void second_derivatives_are_the_same(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *w = gt_values(gt, GT_SHAPE(2), 0.5, -2), *bits[2];
    gt_require_grad(w, true);
    for (int all = 0; all < 2; all++) {
        gt_set_recording_all(gt, all);
        gt_tensor *y = gt_sum(gt_mul(gt_exp(w), gt_add(w, gt_square(w)))), *g;
        gt_grad(&y, 1, &w, 1, &g, .create_graph = true);
        gt_tensor *s = gt_sum(gt_square(g));
        gt_grad(&s, 1, &w, 1, &bits[all]);
    }
    assert_memory_equal(bits[0]->data, bits[1]->data, 2 * sizeof(float));
    assert_well(gt);
}

static gt_tensor *squares(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_mul(gt_square(in[0]), gt_slice(in[0], 0, -1, -4, .step = -1));
}

/* A Jacobian's rows are on the tape, too, and a keep of a view is. */
static void jacobians_and_copies_run_again(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(3), 1, 2, 3), *jac[2];
    for (int all = 0; all < 2; all++) {
        gt_set_recording_all(gt, all);
        gt_jacobian(gt, squares, NULL, &x, 1, &jac[all]);
    }
    assert_memory_equal(jac[0]->data, jac[1]->data, 9 * sizeof(float));
    gt_tensor *kept = gt_keep(gt_reshape(jac[1], GT_SHAPE(9)));
    memset(jac[1]->data, 0, 9 * sizeof(float));
    memset(kept->data, 0, 9 * sizeof(float));
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n))
        assert_true(gti_apply_run((gt_node *)n));
    assert_memory_equal(jac[0]->data, jac[1]->data, 9 * sizeof(float));
    assert_memory_equal(jac[0]->data, kept->data, 9 * sizeof(float));
    assert_well(gt);
}

/* The checker asks for what it is used to. */
static void the_checker_is_not_disturbed(void **state)
{
    gt_ctx *gt = *state;
    gt_set_recording_all(gt, true);
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4, .dtype = GT_F64), gt_nn_tanh(gt));
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 3), .dtype = GT_F64);
    const uint64_t nodes = gt_get_stats(gt).nodes;
    assert_int_equal(gt_gradcheck_module(gt, net, x, NULL, NULL), GT_PASS);
    assert_int_equal(gt_gradcheck_samples(gt, &gt_op_slice, NULL, NULL), GT_PASS);
    assert_int_equal(gt_get_stats(gt).nodes, nodes);
    assert_true(gt_is_recording_all(gt));
    assert_well(gt);
}

/* What is written into a file, to be freed. */
static char *written(gt_status (*write)(gt_module *net, FILE *f), gt_module *net)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    assert_int_equal(write(net, f), GT_OK);
    fclose(f);
    return text;
}

static gt_status write_tape(gt_module *net, FILE *f)
{
    return gt_tape_write_dot(net->ctx, f);
}

static gt_status write_summary(gt_module *net, FILE *f)
{
    return gt_summary(f, net, GT_SHAPE(2, 3));
}

/* A frozen network has a picture, a whole step has one, and summaries count what they did. */
static void pictures_show_all(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4));
    gt_optimizer *sgd = gt_sgd(net, .lr = 0.1, .momentum = 0.5);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 3));
    char *plain = written(write_summary, net);
    gt_set_recording_all(gt, true);
    char *all = written(write_summary, net);
    assert_string_equal(all, plain);
    gt_backward(gt_sum(gt_square(gt_forward(net, x))));
    gt_optimizer_step(sgd);
    gt_set_recording(gt, false);
    gt_erf(gt_forward(net, x));
    char *dot = written(write_tape, net);
    assert_non_null(strstr(dot, "sgd_momentum_step"));
    assert_non_null(strstr(dot, "blend"));
    assert_non_null(strstr(dot, "erf"));
    free(plain);
    free(all);
    free(dot);
    assert_well(gt);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(everything_is_on_the_tape),           TEST(changes_make_nothing),
        TEST(old_values_are_known_to_be_gone),     TEST(nothing_is_released),
        TEST(a_checkpoint_keeps_what_it_computed), TEST(results_without_gradients_become_leaves),
        TEST(second_derivatives_are_the_same),     TEST(jacobians_and_copies_run_again),
        TEST(the_checker_is_not_disturbed),        TEST(pictures_show_all),
    };
    return cmocka_run_group_tests_name("recording all", tests, NULL, NULL);
}

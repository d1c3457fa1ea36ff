/* The same module in several places. */
#include "support.h"

#include <gradtape/gradcheck.h>

static gt_module *recurrent(gt_ctx *gt, gt_dtype dtype)
{
    gt_module *f = gt_nn_linear(gt, 3, 3, .dtype = dtype);
    return gt_nn_sequential(gt, f, gt_nn_tanh(gt), gt_nn_same(gt, f), gt_nn_tanh(gt),
                            gt_nn_same(gt, gt_nn_same(gt, f)));
}

static int count(gt_state_iter it)
{
    int n = 0;
    while (gt_state_next(&it)) n++;
    return n;
}

static void visit(gt_module *m, void *user)
{
    *(int *)user += gt_module_parameter(m, "weight") != NULL;
}

/* Counted, saved, initialised, stepped once; computed as often as it stands there. */
static void test_once(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = recurrent(gt, GT_F32), *f = gt_module_nth(net, 0);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 3)), *y = gt_forward(net, x);
    gt_tensor *want = gt_forward(f, gt_tanh(gt_forward(f, gt_tanh(gt_forward(f, x)))));
    assert_memory_equal(y->data, want->data, 6 * sizeof(float));
    assert_int_equal(gt_module_n_parameters(net), 12);
    assert_int_equal(count(gt_module_state(net)), 2);
    int drawn = 0;
    gt_module_apply(net, visit, &drawn);
    assert_int_equal(drawn, 1);
    gt_backward(gt_sum(y));
    const float w = *(float *)gt_module_parameter(f, "weight")->data;
    const float g = *(float *)gt_module_parameter(f, "weight")->grad->data;
    gt_optimizer *o = gt_sgd(net, .lr = 0.5);
    gt_optimizer_step(o);
    assert_true(*(float *)gt_module_parameter(f, "weight")->data == w - 0.5F * g);
    gt_eval(net);
    assert_false(f->training);
    char text[64];
    assert_string_equal(gt_module_describe(gt_module_nth(net, 2), text, sizeof text),
                        "Same(0: Linear)");
    assert_well(gt);
}

static void test_copy_and_check(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = recurrent(gt, GT_F64), *copy = gt_module_copy(net);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 3), .dtype = GT_F64, .requires_grad = true);
    gt_fill(gt_module_parameter(copy, "0.weight"), 0);
    gt_fill(gt_module_parameter(copy, "0.bias"), 0.25);
    for (int i = 0; i < 6; i++) assert_true(element(gt_forward(copy, x), i) == 0.25);
    gt_gradcheck_report r;
    if (gt_gradcheck_module(gt, net, x, NULL, &r) != GT_PASS) fail_msg("%s", r.message);
    gt_graph *g = gt_module_graph(net, GT_SHAPE(2, 3));
    int products = 0;
    for (int i = 0; g && i < g->n_nodes; i++) products += !strcmp(g->node[i].op->name, "matmul");
    assert_int_equal(products, 3);
    gt_graph_free(g);
    FILE *f = tmpfile();
    assert_int_equal(gt_summary(f, net, GT_SHAPE(2, 3)), GT_OK);
    fclose(f);
    assert_well(gt);
}

static void test_errors(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_module *f = gt_nn_linear(gt, 3, 3), *a = gt_nn_sequential(gt, f);
    gt_module *b = gt_nn_sequential(gt, gt_nn_same(gt, f));
    assert_null(gt_module_append(b, f));
    assert_error(gt, GT_ERR_ARGUMENT, "gt_nn_same makes another place for it");
    gt_forward(b, gt_ones(gt, GT_SHAPE(1, 3)));
    assert_well(gt);
    gt_sgd(b);
    gt_module_n_parameters(b);
    assert_error(gt, GT_ERR_STATE, "is a place of a Linear that is not below the Sequential");
    gt_eval(b);
    assert_error(gt, GT_ERR_STATE, "is a place of a Linear");
    gt_module_append(f, gt_nn_same(gt, a));
    assert_error(gt, GT_ERR_ARGUMENT, "that is a cycle");
    gt_nn_same(gt, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "the module is NULL");
    gt_nn_same(other, f);
    assert_error(other, GT_ERR_ARGUMENT, "belongs to another context");
    gt_close(other);
    gt_module *both = gt_nn_module_list(gt, a, b);
    assert_int_equal(gt_module_n_parameters(both), 12);
}

static void test_freeing(void **state)
{
    gt_ctx *gt = *state;
    gt_module *f = gt_nn_linear(gt, 3, 3), *a = gt_nn_sequential(gt, f, gt_nn_same(gt, f));
    gt_module *b = gt_nn_sequential(gt, gt_nn_same(gt, f));
    gt_module_free(a);
    assert_error(gt, GT_ERR_STATE, "another place of it is left");
    gt_module_free(b);
    gt_module_free(a);
    assert_well(gt);
    gt_nn_same(gt, f);
    assert_error(gt, GT_ERR_STATE, "was freed by gt_module_free");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_copy_and_check, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_freeing, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

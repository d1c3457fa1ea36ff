/* Modules of several inputs and outputs. */
#include "support.h"

#include <math.h>

#include <gradtape/gradcheck.h>

/* distance = |f(left) - f(right)|: one module, called twice. */
static bool forward_twin(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    gt_tensor *a = gt_forward(m->child, in[0]), *b = gt_forward(m->child, in[1]);
    out[0] = gt_abs(gt_sub(a, b));
    return out[0];
}

static const gt_module_type twin_type = {.name = "Twin",
                                         .size = sizeof(gt_module),
                                         .inputs = "left right",
                                         .outputs = "distance",
                                         .forward_many = forward_twin};

static gt_module *twin(gt_ctx *gt)
{
    gt_module *m = gt_module_new(gt, &twin_type);
    gt_module_add_child(m, "f", gt_nn_linear(gt, 3, 2));
    return m;
}

/* y = x + h, state = 2 (x + h), where h need not be given. */
static bool forward_cell(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    (void)m;
    out[0] = in[1] ? gt_add(in[0], in[1]) : in[0];
    out[1] = gt_mul_scalar(out[0], 2);
    return out[1];
}

static const gt_module_type cell_type = {.name = "Cell",
                                         .size = sizeof(gt_module),
                                         .inputs = "x h",
                                         .outputs = "y state",
                                         .n_least = 1,
                                         .forward_many = forward_cell};

static void test_inputs(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = twin(gt);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(4, 3)), *z = gt_randn(gt, GT_SHAPE(4, 3));
    gt_tensor *d = gt_forward(m, x, z), *f = gt_forward(m->child, x);
    assert_well(gt);
    gt_tensor *want = gt_abs(gt_sub(f, gt_forward(m->child, z)));
    for (int i = 0; i < 8; i++) assert_true(element(d, i) == element(want, i));
    assert_ptr_equal(gt_node_scope(gt_producer(d)), &m->scope);
    gt_backward(gt_sum(d));
    assert_non_null(gt_module_parameter(m, "f.weight")->grad);
    assert_true(gt_forward_all(m, x, x).at[0]->size == 8);
}

static void test_outputs(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_module_new(gt, &cell_type);
    gt_tensor *x = gt_values(gt, GT_SHAPE(2), 1, 2), *h = gt_values(gt, GT_SHAPE(2), 10, 20);
    gt_outputs y = gt_forward_all(m, x, h);
    assert_int_equal(y.n, 2);
    ASSERT_VALUES(y.at[0], 0, 11, 22);
    ASSERT_VALUES(gt_output(&y, "state"), 0, 22, 44);
    assert_null(gt_output(&y, "stat"));
    y = gt_forward_all(m, x);
    ASSERT_VALUES(gt_output(&y, "y"), 0, 1, 2);
    y = gt_forward_all(m, x, NULL);
    ASSERT_VALUES(y.at[1], 0, 2, 4);
    assert_well(gt);
}

static void test_names(void **state)
{
    gt_ctx *gt = *state;
    const gt_module *m = gt_module_new(gt, &cell_type), *relu = gt_nn_relu(gt);
    char a[8], b[8];
    assert_true(gt_module_n_inputs(m) == 2 && gt_module_n_outputs(m) == 2);
    assert_true(gt_module_n_inputs(relu) == 1 && gt_module_n_outputs(NULL) == 0);
    assert_string_equal(gt_module_input_name(m, 1, a, sizeof a), "h");
    assert_string_equal(gt_module_output_name(m, 1, b, 4), "sta");
    assert_string_equal(gt_module_output_name(m, 2, b, sizeof b), "");
    assert_string_equal(gt_module_input_name(m, -1, b, sizeof b), "");
    assert_string_equal(gt_module_input_name(relu, 0, a, sizeof a), "x");
    assert_string_equal(gt_module_output_name(relu, 0, b, sizeof b), "y");
}

static void see(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    assert_int_equal(gt_module_n_outputs(m), 2);
    assert_true(in[0] && !in[1] && out[0] && out[1]);
    ++*(int *)user;
}

static void test_hooks(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_module_new(gt, &cell_type);
    int calls = 0;
    gt_module_add_hook(m, see, &calls);
    gt_forward_all(m, gt_ones(gt, GT_SHAPE(1)));
    assert_int_equal(calls, 1);
}

/* One module called twice: its parameters count, and are stepped, once. */
static void test_called_twice(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = twin(gt), *copy = gt_module_copy(m);
    assert_int_equal(gt_module_n_parameters(m), 8);
    gt_module_to(m, GT_F64);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(2, 3), .dtype = GT_F64, .requires_grad = true);
    gt_tensor *z = gt_randn(gt, GT_SHAPE(2, 3), .dtype = GT_F64, .requires_grad = true);
    gt_gradcheck_report r;
    gt_gradcheck_opts opts = {.others = &z, .n_others = 1};
    if (gt_gradcheck_module(gt, m, x, &opts, &r) != GT_PASS) fail_msg("%s", r.message);
    opts = (gt_gradcheck_opts){.others = &z, .n_others = 1};
    gt_module *cell = gt_module_new(gt, &cell_type);
    if (gt_gradcheck_module(gt, cell, x, &opts, &r) != GT_PASS) fail_msg("%s", r.message);
    opts.n_others = 16;
    assert_int_equal(gt_gradcheck_module(gt, m, x, &opts, &r), GT_FAIL);
    gt_optimizer *sgd = gt_sgd(m, .lr = 1);
    const double w = gt_get(gt_module_parameter(m, "f.weight"), 0, 0);
    gt_backward(gt_sum(gt_forward(m, x, z)));
    const double g = gt_get(gt_module_parameter(m, "f.weight")->grad, 0, 0);
    gt_optimizer_step(sgd);
    assert_true(fabs(gt_get(gt_module_parameter(m, "f.weight"), 0, 0) - (w - g)) < 1e-12);
    assert_int_equal(gt_module_n_parameters(copy), 8);
    assert_well(gt);
}

/* Modules and bare tensors under one optimizer. */
static void test_one_optimizer(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *image = gt_keep(gt_ones(gt, GT_SHAPE(2, 3), .requires_grad = true));
    gt_module *a = gt_nn_linear(gt, 3, 4), *b = gt_nn_linear(gt, 4, 1);
    gt_module *all = gt_nn_module_list(gt, a, b, gt_nn_parameter_list(gt, image));
    assert_ptr_equal(gt_module_parameter(all, "2.0"), image);
    gt_optimizer *o = gt_sgd(all, .lr = 1);
    gt_backward(gt_sum(gt_forward(b, gt_forward(a, image))));
    double before[3] = {1};
    gt_tensor *t[] = {image, gt_module_parameter(a, "weight"), gt_module_parameter(b, "bias")};
    for (int i = 0; i < 3; i++) before[i] = element(t[i], 0) - element(t[i]->grad, 0);
    gt_optimizer_step(o);
    for (int i = 0; i < 3; i++) assert_true(fabs(element(t[i], 0) - before[i]) < 1e-6);
    assert_well(gt);
    gt_nn_parameter_list(gt, gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64));
    assert_error(gt, GT_ERR_DTYPE, "which has no gradients");
}

/* --- errors --- */

static bool forward_half(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    (void)m;
    out[0] = in[0];
    return true;
}

static bool forward_nothing(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    (void)m, (void)in, (void)out;
    return false;
}

static const gt_module_type half_type = {.name = "Half",
                                         .size = sizeof(gt_module),
                                         .outputs = "y z",
                                         .forward_many = forward_half},
                            nothing_type = {.name = "Nothing",
                                            .size = sizeof(gt_module),
                                            .forward_many = forward_nothing};

static void test_wrong_calls(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_module *two = twin(gt), *cell = gt_module_new(gt, &cell_type);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(4, 3)), *theirs = gt_ones(other, GT_SHAPE(4, 3));
    gt_outputs y;
    assert_null(gt_forward(two, x));
    assert_error(gt, GT_ERR_ARGUMENT, "takes 2 inputs (left right), was given 1");
    assert_null(gt_module_graph(two, GT_SHAPE(4, 3)));
    assert_error(gt, GT_ERR_ARGUMENT, "gt_captured_graph of a step with .inputs");
    assert_null(gt_forward(two, x, x, x));
    assert_error(gt, GT_ERR_ARGUMENT, "was given 3");
    assert_null(gt_forward(gt_nn_relu(gt), x, x));
    assert_error(gt, GT_ERR_ARGUMENT, "takes 1 input (x), was given 2");
    assert_null(gt_forward(two, x, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the input right is NULL");
    assert_null(gt_forward(two, x, theirs));
    assert_error(gt, GT_ERR_ARGUMENT, "the input right belongs to another context");
    assert_null(gt_forward(cell, x));
    assert_error(gt, GT_ERR_ARGUMENT, "has 2 outputs (y state); gt_forward_all");
    y = gt_forward_all(cell, x, x, x);
    assert_true(!y.at[0] && !y.at[1] && y.n == 2);
    assert_error(gt, GT_ERR_ARGUMENT, "takes 1 to 2 inputs (x h), was given 3");
    assert_null(gt_forward(gt_nn_sequential(gt, gt_nn_relu(gt), cell), x));
    assert_error(gt, GT_ERR_ARGUMENT, "has 2 outputs");
    y = gt_forward_all(gt_module_new(gt, &half_type), x);
    assert_null(y.at[0]);
    assert_error(gt, GT_ERR_STATE, "forward_many made no output z, but nothing has failed");
    gt_forward(gt_module_new(gt, &nothing_type), x);
    assert_error(gt, GT_ERR_STATE, "forward_many returned false, but nothing has failed");
    gt_close(other);
}

static gt_tensor *same(gt_module *m, gt_tensor *x)
{
    (void)m;
    return x;
}

static void test_wrong_kinds(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        gt_module_type type;
        const char *error;
    } rows[] = {
        {{.forward = same, .inputs = "a b"}, "for several there is forward_many"},
        {{.forward = same, .outputs = "a b"}, "for several there is forward_many"},
        {{.forward = same, .forward_many = forward_half}, "no forward_many beside it"},
        {{.forward_many = forward_half, .inputs = ""}, "names 0 inputs and 1 outputs"},
        {{.forward_many = forward_half, .inputs = "a b c d e f g h i j k l m n o p q"},
         "names 17 inputs"},
        {{.forward_many = forward_half, .inputs = "a b", .n_least = 3}, "n_least is 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_module_type type = rows[i].type;
        type.name = "Wrong";
        type.size = sizeof(gt_module);
        assert_null(gt_module_new(gt, &type));
        assert_error(gt, GT_ERR_ARGUMENT, rows[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_inputs, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_outputs, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_names, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_hooks, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_called_twice, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_one_optimizer, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_wrong_calls, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_wrong_kinds, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

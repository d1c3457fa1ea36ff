/* Containers; walking over trees of modules, freezing, hooks; losses as objects. */
#include "networks.h"

static gt_module *small(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 2, 3), gt_nn_relu(gt), gt_nn_linear(gt, 3, 2));
}

/* --- Sequential --- */

static void test_names(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential_named(
        gt, {"features", gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 2, .kernel = {3}))},
        {"norm", gt_nn_batch_norm2d(gt, 2)}, {"flat", gt_nn_flatten(gt)});
    assert_paths(gt_module_state(net), "features.0.weight features.0.bias norm.weight norm.bias "
                                       "norm.running_mean norm.running_var "
                                       "norm.num_batches_tracked ");
    assert_true(
        gt_shape_equal(gt_module_buffer(net, "norm.num_batches_tracked")->shape, GT_SCALAR));
    assert_null(gt_module_append(net, gt_nn_relu(gt)));
    assert_error(gt, GT_ERR_ARGUMENT, "its children are not numbered");
    assert_null(gt_nn_sequential_empty(gt)->child);
}

static void test_insert(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_sequential(gt, gt_nn_relu(gt), gt_nn_tanh(gt));
    gt_module_append(net, gt_nn_sigmoid(gt));
    gt_module_insert(net, 0, gt_nn_flatten(gt));
    gt_module_insert(net, -1, gt_nn_linear(gt, 2, 2));
    gt_module_insert(net, 5, gt_nn_selu(gt));
    assert_well(gt);
    static const char *const want[] = {"Flatten", "ReLU", "Tanh", "Linear", "Sigmoid", "SELU"};
    for (int i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        assert_string_equal(gt_module_nth(net, i)->type->name, want[i]);
        assert_string_equal(gt_module_nth(net, i)->scope.name, name);
        assert_ptr_equal(gt_module_child(net, name), gt_module_nth(net, i - 6));
    }
    assert_null(gt_module_nth(net, 6));
    assert_null(gt_module_nth(net, -7));
    assert_paths(gt_module_parameters(net), "3.weight 3.bias ");
    assert_null(gt_module_insert(net, 7, gt_nn_relu(gt)));
    assert_error(gt, GT_ERR_ARGUMENT, "the index 7 is not in -6..6");
    assert_null(gt_module_insert(net, 0, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "is NULL");
}

/* The first error stays, and all that was made goes with the context. */
static void test_null_child(void **state)
{
    gt_ctx *gt = *state;
    assert_null(gt_nn_sequential(gt, gt_nn_linear(gt, 2, 3), gt_nn_linear(gt, -1, 3),
                                 gt_nn_residual(gt, gt_nn_conv2d(gt, 0, 0)), gt_nn_relu(gt)));
    assert_error(gt, GT_ERR_ARGUMENT, "input features are -1");
    assert_null(gt_nn_residual(gt, gt_nn_linear(gt, 2, 2), .shortcut = gt_nn_dropout(gt, 2)));
    assert_error(gt, GT_ERR_ARGUMENT, "p is 2");
    gt_module *relu = NULL;
    assert_null(gt_nn_concat(gt, gt_nn_identity(gt), relu));
    assert_error(gt, GT_ERR_ARGUMENT, "child '1' is NULL");
    gt_module *once = gt_nn_relu(gt);
    assert_null(gt_nn_sequential(gt, once, once));
    assert_error(gt, GT_ERR_ARGUMENT, "already in a Sequential, as '0'");
}

static void test_branches(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(1, 2), 1, -2);
    gt_module *m = gt_nn_concat(gt, gt_nn_identity(gt), gt_nn_relu(gt), gt_nn_lambda(gt, gt_neg));
    ASSERT_VALUES(gt_forward(m, x), 0, 1, -2, 1, 0, -1, 2);
    gt_module *many = gt_nn_concat_(gt, 0, NULL);
    for (int i = 0; i < 20; i++) gt_module_append(many, gt_nn_identity(gt));
    assert_int_equal(gt_forward(many, x)->shape.dim[1], 40);
    ASSERT_VALUES(gt_forward(gt_nn_residual(gt, gt_nn_relu(gt)), x), 0, 2, -2);
    ASSERT_VALUES(
        gt_forward(gt_nn_residual(gt, gt_nn_relu(gt), .shortcut = gt_nn_lambda(gt, gt_neg)), x), 0,
        0, 2);
    assert_null(gt_forward(gt_nn_residual(gt, gt_nn_linear(gt, 2, 1)), x));
    assert_error(gt, GT_ERR_SHAPE, "the body makes [1,1], the shortcut [1,2]");
    assert_null(gt_forward(gt_nn_module_list(gt, gt_nn_relu(gt)), x));
    assert_error(gt, GT_ERR_UNSUPPORTED, "no forward");
}

/* --- walking --- */

static void note_name(gt_module *m, void *user)
{
    strcat(user, m->type->name);
    strcat(user, " ");
}

static void test_apply(void **state)
{
    gt_ctx *gt = *state;
    char names[256] = "";
    gt_module_apply(gt_nn_sequential(gt, gt_nn_sequential(gt, gt_nn_relu(gt)), gt_nn_tanh(gt)),
                    note_name, names);
    assert_string_equal(names, "ReLU Sequential Tanh Sequential ");
    gt_module_apply(gt_nn_relu(gt), NULL, NULL);
    assert_error(gt, GT_ERR_ARGUMENT, "the function is NULL");
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } rows[] = {
        {"*", "", true},
        {"*.bias", "a.b.bias", true},
        {"*.bias", "a.b.biases", false},
        {"?.weight", "0.weight", true},
        {"?.weight", "10.weight", false},
        {"a*b*c", "abbbc", true},
        {"a*b*c", "acb", false},
        {"", "", true},
        {"", "a", false},
        {"0.*", "0.", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(gt_name_fits(rows[i].pattern, rows[i].name), rows[i].fits);
}

static void test_freezing(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = small(gt);
    assert_paths(gt_module_parameters_like(net, "*.bias"), "0.bias 2.bias ");
    assert_int_equal(gt_freeze(net, "0.*"), 2);
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)))));
    assert_null(gt_module_parameter(net, "0.weight")->grad);
    assert_non_null(gt_module_parameter(net, "2.weight")->grad);
    assert_int_equal(gt_unfreeze(net, "*weight"), 2);
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)))));
    assert_non_null(gt_module_parameter(net, "0.weight")->grad);
    assert_null(gt_module_parameter(net, "0.bias")->grad);
    assert_int_equal(gt_freeze(net, NULL), 0);
    assert_int_equal(gt_freeze(NULL, "*"), 0);
    assert_well(gt);
    assert_int_equal(gt_freeze(net, "1.*"), 0);
    assert_error(gt, GT_ERR_ARGUMENT, "no parameter is called '1.*'");
    assert_int_equal(gt_freeze(net, "0"), 0);
    assert_error(gt, GT_ERR_ARGUMENT, "called '0'\n  hint: 'name.*' are all of the module 'name'");
    gt_module *lazy = gt_nn_sequential(gt, gt_nn_lazy_linear(gt, 2));
    assert_int_equal(gt_unfreeze(lazy, "*"), 0);
    assert_error(gt, GT_ERR_ARGUMENT, "hint: lazy modules make theirs at their first forward");
}

static int n_calls;

static void count_call(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    assert_ptr_equal(m, user);
    assert_true(in[0] && out[0] && in[0] != out[0]);
    n_calls++;
}

static void test_hooks(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = small(gt), *relu = gt_module_nth(net, 1);
    n_calls = 0;
    gt_module_add_hook(relu, count_call, relu);
    gt_module_add_hook(relu, count_call, relu);
    gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_int_equal(n_calls, 2);
    gt_module_remove_hook(relu, count_call, relu);
    gt_forward(net, gt_ones(gt, GT_SHAPE(1, 2)));
    assert_int_equal(n_calls, 3);
    assert_null(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 3))));
    assert_int_equal(n_calls, 3);
}

/* --- losses --- */

static void test_losses(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 2), 0.2, 0.6, 0.7, 0.1);
    gt_tensor *y = gt_values(gt, GT_SHAPE(2, 2), 1, 0, 0, 1);
    gt_tensor *class = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    const gt_mark mark = gt_mark_tape(gt);
    gt_tensor *w = gt_values(gt, GT_SHAPE(2), 1, 2);
    const struct {
        gt_loss *loss;
        const char *name;
        gt_tensor *want, *target;
    } rows[] = {
        {gt_nn_cross_entropy_loss(gt, .weight = w, .label_smoothing = 0.1), "CrossEntropyLoss",
         gt_cross_entropy(x, class, .weight = w, .label_smoothing = 0.1), class},
        {gt_nn_nll_loss(gt), "NLLLoss", gt_nll_loss(x, class), class},
        {gt_nn_mse_loss(gt, .reduction = GT_SUM), "MSELoss", gt_mse_loss(x, y, .reduction = GT_SUM),
         y},
        {gt_nn_l1_loss(gt), "L1Loss", gt_l1_loss(x, y), y},
        {gt_nn_smooth_l1_loss(gt, .beta = 0.3), "SmoothL1Loss",
         gt_smooth_l1_loss(x, y, .beta = 0.3), y},
        {gt_nn_huber_loss(gt, .delta = 0.3), "HuberLoss", gt_huber_loss(x, y, .delta = 0.3), y},
        {gt_nn_bce_loss(gt), "BCELoss", gt_binary_cross_entropy(x, y), y},
        {gt_nn_bce_with_logits_loss(gt, .pos_weight = w), "BCEWithLogitsLoss",
         gt_binary_cross_entropy_with_logits(x, y, .pos_weight = w), y},
        {gt_nn_kl_div_loss(gt, .reduction = GT_BATCHMEAN), "KLDivLoss",
         gt_kl_div(x, y, .reduction = GT_BATCHMEAN), y},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_well(gt);
        assert_string_equal(gt_loss_name(rows[i].loss), rows[i].name);
        assert_true(gt_item(gt_loss_apply(rows[i].loss, x, rows[i].target)) ==
                    gt_item(rows[i].want));
    }
    gt_rewind(gt, mark);
    assert_non_null(gt_loss_apply(rows[0].loss, x, class));
    assert_null(gt_loss_apply(NULL, x, y));
    assert_error(gt, GT_ERR_ARGUMENT, "the loss is NULL");
}

#define IN_CONTEXT(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_CONTEXT(test_names),    IN_CONTEXT(test_insert), IN_CONTEXT(test_null_child),
        IN_CONTEXT(test_branches), IN_CONTEXT(test_apply),  cmocka_unit_test(test_patterns),
        IN_CONTEXT(test_freezing), IN_CONTEXT(test_hooks),  IN_CONTEXT(test_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

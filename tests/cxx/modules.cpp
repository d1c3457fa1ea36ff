/* nn.h, containers.h, init.h, loss.h, summary.h */
#include "cxx.h"

#include <cstdio>

struct scale {
    gt_module module;
    gt_tensor *factor;
};

static gt_tensor *scaled(gt_module *m, gt_tensor *x)
{
    return gt_mul(x, reinterpret_cast<scale *>(m)->factor);
}

static const gt_module_type scale_type = {
    .name = "Scale", .size = sizeof(scale), .forward = scaled};

static gt_module *new_scale(gt_ctx *gt)
{
    gt_module *m = gt_module_new(gt, &scale_type);
    scale *s = reinterpret_cast<scale *>(m);
    s->factor = gt_module_add_parameter(m, "factor", gt_full(gt, GT_SHAPE(1), 2));
    gt_module_add_buffer(m, "seen", gt_zeros(gt, GT_SCALAR, .dtype = GT_I64));
    return m;
}

static void look(gt_module *, gt_tensor *const *, gt_tensor *const *, void *calls)
{
    ++*static_cast<int *>(calls);
}

/* What cannot be loaded: there is no such file. */
static void test_onnx(gt_ctx *gt)
{
    gt_set_error_handler(gt, gt_ignore_error, nullptr);
    gt_module *m = gt_onnx_load(gt, "", .frozen = true);
    gt_tensor *x = gt_onnx_load_tensor(gt, ""), *out[] = {nullptr};
    IS_TRUE(!m && !x && gt_onnx_forward(m, 1, &x, out) != GT_OK);
    IS_TRUE(gt_diff(gt, "", "", stdout, .tolerance = 1) == -1);
    IS_TRUE(gt_onnx_print(gt, "", stdout) != GT_OK);
    IS_TRUE(gt_onnx_save(gt_nn_relu(gt), "", GT_SHAPE(1, 2), .opset = 18) != GT_OK);
    IS_TRUE(gt_onnx_save_graph(nullptr, "", .opset = 18) != GT_OK);
    IS_TRUE(gt_export_c(gt_nn_relu(gt), "", GT_SHAPE(1, 2), .unfolded = true) != GT_OK);
    IS_TRUE(gt_export_c_graph(nullptr, "", .caller_memory = true) != GT_OK);
    gt_error_clear(gt);
    gt_set_error_handler(gt, nullptr, nullptr);
}

static void test_containers(gt_ctx *gt)
{
    gt_module *net = gt_nn_sequential(gt, gt_nn_linear(gt, 3, 3), gt_nn_relu(gt));
    gt_module *list = gt_nn_module_list_empty(gt), *empty = gt_nn_sequential_empty(gt);
    gt_module *named = gt_nn_sequential_named(gt, {"one", net}, {"two", gt_nn_tanh(gt)});
    gt_module *both = gt_nn_concat(gt, gt_nn_identity(gt), gt_nn_residual(gt, named));
    IS_TRUE(gt_module_child(named, "two") && gt_module_nth(net, 1));
    gt_module *leaves =
        gt_nn_parameter_list(gt, gt_ones(gt, GT_SHAPE(2)), gt_ones(gt, GT_SHAPE(3)));
    IS_TRUE(gt_module_n_parameters(leaves) == 5);
    gt_module_free(leaves);
    IS_TRUE(gt_module_append(list, gt_nn_same(gt, net)));
    IS_TRUE(gt_module_append(list, gt_nn_module_list(gt, gt_nn_relu(gt), gt_nn_relu(gt))));
    IS_TRUE(gt_module_insert(list, 0, empty) == empty);
    IS_TRUE(gt_forward(both, gt_ones(gt, GT_SHAPE(2, 3)))->size == 12);
    const gt_outputs all = gt_forward_all(both, gt_ones(gt, GT_SHAPE(2, 3)));
    IS_TRUE(all.n == 1 && gt_output(&all, "y") == all.at[0]);
    bool spare = false;
    IS_TRUE(gt_pass(both, gt_ones(gt, GT_SHAPE(2, 3)), &spare)->size == 12 && spare);
    IS_TRUE(gt_nn_residual(gt, gt_nn_relu(gt), .shortcut = gt_nn_identity(gt)));
}

static void test_use(gt_ctx *gt)
{
    int calls = 0;
    gt_module *m = new_scale(gt), *net = gt_nn_sequential_empty(gt);
    IS_TRUE(gt_module_add_child(net, "scale", m) == m);
    IS_TRUE(gt_module_add_hook(m, look, &calls) == GT_OK);
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(2)))));
    IS_TRUE(calls == 1 && gt_get(gt_module_parameter(m, "factor")->grad, 0) == 2);
    IS_TRUE(gt_clip_grad_norm(net, 1, .norm_type = 2) == 2 && gt_clip_grad_norm(net, 5) < 2);
    IS_TRUE(gt_clip_grad_value(net, 0.5) == GT_OK);
    IS_TRUE(gt_freeze(net, "*") == 1 && gt_unfreeze(net, "scale.factor") == 1);
    IS_TRUE(gt_module_to(gt_module_copy(net), GT_F64) == GT_OK);
    gt_module_add_child(net, "other", new_scale(gt));
    IS_TRUE(gt_module_tie(net, "other.factor", "scale.factor") == GT_OK);
    FILE *f = tmpfile();
    IS_TRUE(f && gt_summary(f, net, GT_SHAPE(2)) == GT_OK);
    IS_TRUE(gt_summary(f, net, GT_SHAPE(2), .dtype = GT_F32, .depth = 1) == GT_OK);
    gt_graph *g = gt_module_graph(net, GT_SHAPE(2)),
             *b = gt_module_graph(net, GT_SHAPE(2), .training = true);
    IS_TRUE(g && b && g->batch == 2);
    gt_graph_free(g);
    gt_graph_free(b);
    IS_TRUE(gt_module_render(net, "net.txt", GT_SHAPE(2)) != GT_OK);
    gt_error_clear(gt);
    IS_TRUE(gt_module_render(net, "net.txt", GT_SHAPE(2), .depth = 1, .backward = true) != GT_OK);
    gt_error_clear(gt);
    fclose(f);
}

static void test_init(gt_ctx *gt)
{
    gt_tensor *t = gt_keep(gt_empty(gt, GT_SHAPE(4, 3)));
    gt_status all[] = {
        gt_init_uniform(t, -1, 1),
        gt_init_normal(t, 0, 1),
        gt_init_constant(t, 3),
        gt_init_zeros(t),
        gt_init_ones(t),
        gt_init_xavier_uniform(t),
        gt_init_xavier_normal(t, .gain = 2),
        gt_init_kaiming_uniform(t),
        gt_init_kaiming_normal(t, .mode = GT_FAN_OUT),
        gt_init_orthogonal(t),
        gt_init_trunc_normal(t),
    };
    for (gt_status status : all) IS_TRUE(status == GT_OK);
}

static void test_loss_objects(gt_ctx *gt)
{
    gt_tensor *x = gt_uniform(gt, GT_SHAPE(2, 3), 0.1, 0.9), *target = gt_full_like(x, 0.5);
    gt_tensor *classes = gt_randint(gt, 0, 3, GT_SHAPE(2));
    gt_loss *const by_class[] = {gt_nn_cross_entropy_loss(gt, .label_smoothing = 0.1),
                                 gt_nn_nll_loss(gt)};
    gt_loss *const by_value[] = {
        gt_nn_mse_loss(gt),
        gt_nn_l1_loss(gt, .reduction = GT_SUM),
        gt_nn_smooth_l1_loss(gt),
        gt_nn_huber_loss(gt, .delta = 2),
        gt_nn_bce_loss(gt),
        gt_nn_bce_with_logits_loss(gt),
        gt_nn_kl_div_loss(gt, .log_target = true),
    };
    for (gt_loss *l : by_class) IS_TRUE(gt_loss_apply(l, x, classes)->size == 1);
    for (gt_loss *l : by_value) IS_TRUE(gt_loss_apply(l, x, target)->size == 1);
}

void test_modules(gt_ctx *gt)
{
    test_onnx(gt);
    test_containers(gt);
    test_use(gt);
    test_init(gt);
    test_loss_objects(gt);
    IS_TRUE(!GT_MODULE_AT(gt_module_child(nullptr, "x")));
    IS_TRUE(!GT_LOSS_AT(static_cast<gt_loss *>(nullptr)));
}

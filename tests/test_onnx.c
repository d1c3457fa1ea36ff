/* ONNX files: every operator against onnxruntime (tests/files/onnx, made by
 * tools/reference_onnx.py), and a network made here. test_onnx_refused.c has what must be refused,
 * tests/onnx_cases.c runs published cases. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "onnx/op.h"
#include "onnx_model.h"

#include <math.h>

/* --- operators --- */

static const char *const files[] = {"opset6", "opset9", "opset17", "opset21", "opset24"};
enum { FILES = sizeof files / sizeof *files };

static const char *case_file(int i)
{
    static char name[64];
    snprintf(name, sizeof name, "onnx/%s.onnx", files[i]);
    return fixture(name);
}

static double largest_of(const gt_tensor *t)
{
    double most = 0;
    for (int64_t i = 0; i < t->size; i++) most = fmax(most, fabs(element(t, i)));
    return most;
}

/* To 1e-5 of the largest element. */
static bool agree(const char *name, const gt_tensor *ours, const gt_tensor *theirs)
{
    char a[128], b[128];
    if (!gt_same_shape(ours, theirs)) {
        print_error("%s: %s is not %s\n", name, gt_shape_format(ours->shape, a, sizeof a),
                    gt_shape_format(theirs->shape, b, sizeof b));
        return false;
    }
    const double most = 1e-7 + 1e-5 * largest_of(theirs);
    for (int64_t i = 0; i < ours->size; i++) {
        if (fabs(element(ours, i) - element(theirs, i)) <= most) continue;
        print_error("%s: element %lld: %.9g is not %.9g\n", name, (long long)i, element(ours, i),
                    element(theirs, i));
        return false;
    }
    return true;
}

static void test_operators(void **state)
{
    gt_ctx *gt = *state;
    int wrong = 0;
    for (int f = 0; f < FILES; f++) {
        gt_module *m = gt_onnx_load(gt, case_file(f));
        assert_well(gt);
        const int n = gt_onnx_n_outputs(m);
        gt_tensor **out = calloc((size_t)n, sizeof(gt_tensor *));
        assert_int_equal(gt_onnx_forward(m, 0, NULL, out), GT_OK);
        for (int i = 0; i < n; i++) {
            char path[256];
            snprintf(path, sizeof path, "expected/%s", gt_onnx_output_name(m, i));
            const gt_tensor *theirs = gt_module_buffer(m, path);
            assert_non_null(theirs);
            wrong += !agree(gt_onnx_output_name(m, i), out[i], theirs);
        }
        free(out);
    }
    assert_int_equal(wrong, 0);
}

/* An operator without a case does not pass. */
static void test_every_operator_has_a_case(void **state)
{
    static const gti_onnx_op *const lists[] = {
        gti_elementwise_ops, gti_shapes_ops,   gti_windows_ops,   gti_reductions_ops,
        gti_norms_ops,       gti_resizing_ops, gti_recurrent_ops, gti_indices_ops};
    gt_ctx *gt = *state;
    gti_onnx_model *models[FILES];
    int missing = 0;
    for (int f = 0; f < FILES; f++) models[f] = gti_model_read(gt, case_file(f));
    assert_well(gt);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        for (const gti_onnx_op *op = lists[l]; op->name; op++) {
            bool seen = false;
            for (int f = 0; f < FILES; f++)
                for (int k = 0; k < models[f]->n_nodes; k++) seen |= models[f]->node[k].op == op;
            if (!seen) print_error("%s has no case\n", op->name);
            missing += !seen;
        }
    }
    for (int f = 0; f < FILES; f++) gti_model_free(models[f]);
    assert_int_equal(missing, 0);
}

/* --- a network --- */

/* The same by hand. */
static gt_tensor *by_hand(gt_module *m, gt_tensor *x)
{
    x = gt_conv2d(x, gt_module_parameter(m, "conv1.weight"), .padding = {1});
    x = gt_batch_norm(
        x, gt_module_buffer(m, "bn1.running_mean"), gt_module_buffer(m, "bn1.running_var"),
        .weight = gt_module_parameter(m, "bn1.weight"), .bias = gt_module_parameter(m, "bn1.bias"));
    x = gt_flatten(gt_global_avg_pool2d(gt_relu(x)), .start = 1);
    return gt_linear(x, gt_module_parameter(m, "fc.weight"),
                     .bias = gt_module_parameter(m, "fc.bias"));
}

static void assert_same(const gt_tensor *a, const gt_tensor *b)
{
    assert_non_null(a);
    assert_non_null(b);
    assert_true(gt_same_shape(a, b));
    assert_memory_equal(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype));
}

/* Nodes are boxes in the modules that their names say; those that only work out shapes are none. */
static void test_picture(void **state)
{
    static const char *const there[] = {
        "conv</font> <b>Conv</b>", "relu</font> <b>Relu</b>", "18 params",
        "label=<stage.0>",         "<b>Flatten</b>",
    };
    static const char *const missing[] = {"Add", "Shape", "conv.weight", "label=<stage>"};
    gt_ctx *gt = *state;
    model m = {0};
    add_weight(&m, "conv.weight", GT_SHAPE(2, 1, 3, 3));
    add_value(&m, 11, "images");
    add_node(&m, "Conv", "images conv.weight", "/stage/stage.0/conv/Conv", (gti_proto){0});
    add_node(&m, "Relu", "/stage/stage.0/conv/Conv", "/stage/stage.0/relu/Relu", (gti_proto){0});
    add_node(&m, "Shape", "/stage/stage.0/relu/Relu", "/Shape", (gti_proto){0});
    add_node(&m, "Add", "/Shape /Shape", "/Add", (gti_proto){0});
    add_node(&m, "Flatten", "/stage/stage.0/relu/Relu", "/Flatten", (gti_proto){0});
    add_value(&m, 12, "/Flatten");
    gt_module *net = gt_onnx_load(gt, write_model(&m, "paths.onnx"));
    assert_int_equal(gt_module_render(net, scratch("paths.dot"), GT_SHAPE(2, 1, 5, 5)), GT_OK);
    size_t n;
    const char *dot = (const char *)slurp(scratch("paths.dot"), &n);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!strstr(dot, there[i])) fail_msg("no %s in\n%s", there[i], dot);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (strstr(dot, missing[i])) fail_msg("%s in\n%s", missing[i], dot);
}

static void test_network(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_onnx_load(gt, write_network());
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 1, 5, 5));
    assert_well(gt);
    assert_false(m->training);
    assert_int_equal(gt_module_n_parameters(m), 18 + 4 + 6 + 3);
    assert_string_equal(gt_onnx_input_name(m, 0), "images");
    assert_null(gt_onnx_input_name(m, 1));
    gt_tensor *y = gt_forward(m, x);
    assert_same(y, by_hand(m, x));
    assert_same(y, gt_forward(gt_module_copy(m), x));
    assert_int_equal(gt_save(m, scratch("net.safetensors")), GT_OK);
    gt_fill(gt_module_parameter(m, "fc.bias"), 0);
    assert_int_equal(gt_load(m, scratch("net.safetensors")), GT_OK);
    assert_same(y, gt_forward(m, x));
}

static void test_training(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_onnx_load(gt, write_network());
    gt_tensor *x = gt_rand(gt, GT_SHAPE(4, 1, 5, 5)), *y = gt_values(gt, GT_SHAPE(4), 0, 1, 2, 1);
    gt_train(m);
    const double before = element(gt_module_buffer(m, "bn1.running_mean"), 0);
    gt_optimizer *sgd = gt_sgd(m, .lr = 0.1);
    double first = 0, loss = 0;
    y = gt_cast(y, GT_I64);
    for (int i = 0; i < 20; i++) {
        gt_tensor *l = gt_cross_entropy(gt_forward(m, x), y);
        loss = gt_item(l);
        if (i == 0) first = loss;
        gt_zero_grad(m);
        gt_backward(l);
        gt_optimizer_step(sgd);
    }
    assert_well(gt);
    assert_true(loss < first);
    assert_true(element(gt_module_buffer(m, "bn1.running_mean"), 0) != before);
}

static void test_gradients(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_onnx_load(gt, write_network());
    assert_int_equal(gt_module_to(m, GT_F64), GT_OK);
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 1, 4, 4), .dtype = GT_F64);
    assert_int_equal(gt_gradcheck_module(gt, m, x, NULL, NULL), GT_PASS);
}

static void test_frozen(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_onnx_load(gt, write_network(), .frozen = true);
    gt_tensor *y = gt_forward(m, gt_rand(gt, GT_SHAPE(2, 1, 5, 5)));
    assert_well(gt);
    assert_false(y->requires_grad);
    assert_false(gt_module_parameter(m, "conv1.weight")->requires_grad);
}

/* Names that cannot be paths, and those that take each other's places. */
static void test_names(void **state)
{
    gt_ctx *gt = *state;
    model m = {0};
    add_weight(&m, "a", GT_SHAPE(1));
    add_weight(&m, "a.b", GT_SHAPE(1));
    add_weight(&m, ".c.", GT_SHAPE(1));
    add_weight(&m, "d\n", GT_SHAPE(1));
    add_node(&m, "Sum", "a a.b .c. d\n", "y", (gti_proto){0});
    add_value(&m, 12, "y");
    gt_module *net = gt_onnx_load(gt, write_model(&m, "names.onnx"));
    gt_tensor *y;
    assert_int_equal(gt_onnx_forward(net, 0, NULL, &y), GT_OK);
    assert_well(gt);
    ASSERT_VALUES(y, 1e-6, 0.4);
    assert_non_null(gt_module_buffer(net, "tensor_1"));
    assert_non_null(gt_module_buffer(net, "d_"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operators, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_every_operator_has_a_case, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(test_picture, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_network, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_training, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_gradients, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_frozen, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_names, open_context, close_context),
    };
    return cmocka_run_group_tests_name("onnx", tests, NULL, remove_scratch);
}

/* ONNX files: every operator against onnxruntime (tests/files/onnx, made by
 * tools/reference_onnx.py), a network made here, and models that must be refused.
 * tests/onnx_cases.c runs published cases. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "base/proto.h"
#include "files.h"
#include "onnx/op.h"

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

/* --- models made here --- */

typedef struct {
    gti_proto graph;
    int opset, ir;
} model;

static void add_text(gti_proto *p, int field, const char *text)
{
    gti_proto_bytes(p, field, text, strlen(text));
}

/* "a b c": each into the field. */
static void add_words(gti_proto *p, int field, const char *words)
{
    while (*words) {
        const size_t n = strcspn(words, " ");
        gti_proto_bytes(p, field, words, n);
        words += n + (words[n] == ' ');
    }
}

static gti_proto ints_attr(const char *name, int n, const int64_t *v)
{
    gti_proto a = {0};
    add_text(&a, 1, name);
    for (int i = 0; i < n; i++) gti_proto_int(&a, 8, v[i]);
    gti_proto_int(&a, 20, 7);
    return a;
}

static gti_proto int_attr(const char *name, int64_t v)
{
    gti_proto a = {0};
    add_text(&a, 1, name);
    gti_proto_int(&a, 3, v);
    gti_proto_int(&a, 20, 2);
    return a;
}

static void add_node(model *m, const char *type, const char *in, const char *out, gti_proto attr)
{
    gti_proto n = {0};
    add_words(&n, 1, in);
    add_words(&n, 2, out);
    add_text(&n, 3, out);
    add_text(&n, 4, type);
    if (attr.length) gti_proto_message(&n, 5, &attr);
    gti_proto_message(&m->graph, 1, &n);
}

/* Numbers .1, .2, .3, -.4, .5, ... */
static void add_weight(model *m, const char *name, gt_shape shape)
{
    gti_proto t = {0};
    int64_t n = 1;
    for (int i = 0; i < shape.ndim; i++) {
        gti_proto_int(&t, 1, shape.dim[i]);
        n *= shape.dim[i];
    }
    gti_proto_int(&t, 2, 1);
    for (int64_t i = 0; i < n; i++)
        gti_proto_float(&t, 4, (i % 4 == 3 ? -0.1F : 0.1F) * (float)(i + 1));
    add_text(&t, 8, name);
    gti_proto_message(&m->graph, 5, &t);
}

static void add_value(model *m, int field, const char *name)
{
    gti_proto v = {0};
    add_text(&v, 1, name);
    gti_proto_message(&m->graph, field, &v);
}

static const char *write_model(model *m, const char *name)
{
    gti_proto p = {0}, opset = {0};
    gti_proto_int(&p, 1, m->ir ? m->ir : 8);
    gti_proto_message(&p, 7, &m->graph);
    gti_proto_int(&opset, 2, m->opset ? m->opset : 17);
    gti_proto_message(&p, 8, &opset);
    assert_false(p.failed);
    const char *path = scratch(name);
    write_file(path, p.at, p.length);
    gti_proto_free(&p);
    return path;
}

/* Conv, BatchNormalization, Relu, GlobalAveragePool, Flatten, Gemm */
static const char *write_network(void)
{
    model m = {0};
    add_weight(&m, "conv1.weight", GT_SHAPE(2, 1, 3, 3));
    add_weight(&m, "bn1.weight", GT_SHAPE(2));
    add_weight(&m, "bn1.bias", GT_SHAPE(2));
    add_weight(&m, "bn1.running_mean", GT_SHAPE(2));
    add_weight(&m, "bn1.running_var", GT_SHAPE(2));
    add_weight(&m, "fc.weight", GT_SHAPE(3, 2));
    add_weight(&m, "fc.bias", GT_SHAPE(3));
    add_value(&m, 11, "images");
    add_node(&m, "Conv", "images conv1.weight", "c", ints_attr("pads", 4, (int64_t[]){1, 1, 1, 1}));
    add_node(&m, "BatchNormalization", "c bn1.weight bn1.bias bn1.running_mean bn1.running_var",
             "b", (gti_proto){0});
    add_node(&m, "Relu", "b", "r", (gti_proto){0});
    add_node(&m, "GlobalAveragePool", "r", "p", (gti_proto){0});
    add_node(&m, "Flatten", "p", "f", int_attr("axis", 1));
    add_node(&m, "Gemm", "f fc.weight fc.bias", "logits", int_attr("transB", 1));
    add_value(&m, 12, "logits");
    return write_model(&m, "net.onnx");
}

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

/* --- what is refused --- */

static void unknown_operator(model *m)
{
    add_value(m, 11, "x");
    add_node(m, "Frobnicate", "x", "y", (gti_proto){0});
}

static void unknown_attribute(model *m)
{
    add_value(m, 11, "x");
    add_node(m, "Relu", "x", "y", int_attr("slope", 1));
}

static void cycle(model *m)
{
    add_node(m, "Relu", "z", "y", (gti_proto){0});
    add_node(m, "Relu", "y", "z", (gti_proto){0});
}

static void dangling(model *m)
{
    add_value(m, 11, "x");
    add_node(m, "Add", "x w", "y", (gti_proto){0});
}

static void twice(model *m)
{
    add_value(m, 11, "x");
    add_node(m, "Relu", "x", "y", (gti_proto){0});
    add_node(m, "Relu", "x", "y", (gti_proto){0});
}

static void no_inputs(model *m)
{
    add_node(m, "Relu", "", "y", (gti_proto){0});
}

static void old_opset(model *m)
{
    m->opset = 5;
}

static void new_opset(model *m)
{
    m->opset = 29;
}

static void old_format(model *m)
{
    m->ir = 2;
}

static void huge(model *m)
{
    gti_proto t = {0};
    for (int i = 0; i < 5; i++) gti_proto_int(&t, 1, 1000000);
    gti_proto_int(&t, 2, 1);
    add_text(&t, 8, "y");
    gti_proto_message(&m->graph, 5, &t);
}

static void too_few_elements(model *m)
{
    gti_proto t = {0};
    gti_proto_int(&t, 1, 4);
    gti_proto_int(&t, 2, 1);
    gti_proto_float(&t, 4, 1);
    add_text(&t, 8, "y");
    gti_proto_message(&m->graph, 5, &t);
}

static gti_proto external_tensor(const char *location)
{
    gti_proto t = {0}, entry = {0};
    gti_proto_int(&t, 1, 1);
    gti_proto_int(&t, 2, 1);
    add_text(&t, 8, "y");
    add_text(&entry, 1, "location");
    add_text(&entry, 2, location);
    gti_proto_message(&t, 13, &entry);
    gti_proto_int(&t, 14, 1);
    return t;
}

static void external(model *m, const char *location)
{
    gti_proto t = external_tensor(location);
    gti_proto_message(&m->graph, 5, &t);
}

static void outside_of_the_folder(model *m)
{
    external(m, "../secret");
}

static void without_its_data(model *m)
{
    external(m, "missing.data");
}

static void short_of_data(model *m)
{
    write_file(scratch("short.data"), "xy", 2);
    external(m, "short.data");
}

static void no_output(model *m)
{
    add_value(m, 11, "x");
}

static const struct {
    void (*make)(model *m);
    gt_status code;
    const char *message;
} wrong[] = {
    {unknown_operator, GT_ERR_UNSUPPORTED,
     "node 'y' (Frobnicate): this operator cannot be imported"},
    {unknown_attribute, GT_ERR_UNSUPPORTED, "node 'y' (Relu): its attribute 'slope' is not known"},
    {cycle, GT_ERR_FORMAT,
     "node 'y' (Relu): its input 'z' comes from nowhere before it, or from a cycle"},
    {dangling, GT_ERR_FORMAT, "node 'y' (Add): its input 'w' comes from nowhere"},
    {twice, GT_ERR_FORMAT, "node 'y' (Relu): its output 'y' exists already"},
    {no_inputs, GT_ERR_FORMAT, "node 'y' (Relu): has 0 inputs and 1 outputs"},
    {old_opset, GT_ERR_UNSUPPORTED, "uses operator set 5; read are 6 to 28"},
    {new_opset, GT_ERR_UNSUPPORTED, "uses operator set 29"},
    {old_format, GT_ERR_UNSUPPORTED, "is of IR version 2"},
    {huge, GT_ERR_FORMAT, "the tensor 'y' has more elements than memory could hold"},
    {too_few_elements, GT_ERR_FORMAT,
     "the tensor 'y' has another number of elements than its shape says"},
    {outside_of_the_folder, GT_ERR_FORMAT, "has external data outside of the model's folder"},
    {without_its_data, GT_ERR_IO, "missing.data': No such file or directory"},
    {short_of_data, GT_ERR_FORMAT, "has external data behind the end of its file"},
    {no_output, GT_ERR_FORMAT, "the output 'y' is made by no node"},
};

static void test_refused(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        model m = {0};
        wrong[i].make(&m);
        add_value(&m, 12, "y");
        assert_null(gt_onnx_load(gt, write_model(&m, "wrong.onnx")));
        assert_error(gt, wrong[i].code, wrong[i].message);
    }
    assert_null(gt_onnx_load(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL");
    assert_null(gt_onnx_load(NULL, "x"));
    assert_non_null(strstr(gt_error_message(NULL), "the context is NULL"));
    gt_error_clear(NULL);
    assert_null(gt_onnx_load(gt, scratch("nowhere.onnx")));
    assert_error(gt, GT_ERR_IO, "nowhere.onnx");
    assert_null(gt_onnx_load(gt, "/dev/null"));
    assert_error(gt, GT_ERR_IO, "/dev/null: it is no regular file");
    write_file(scratch("text.onnx"), "no model", 8);
    assert_null(gt_onnx_load(gt, scratch("text.onnx")));
    assert_error(gt, GT_ERR_FORMAT, "is no ONNX model");
}

/* Also that of a node lies beside the model, wherever the program runs. */
static void test_external_constant(void **state)
{
    gt_ctx *gt = *state;
    model m = {0};
    gti_proto attr = {0}, t = external_tensor("one.data");
    write_file(scratch("one.data"), "\0\0\x80\x3f", 4);
    add_text(&attr, 1, "value");
    gti_proto_message(&attr, 5, &t);
    gti_proto_int(&attr, 20, 4);
    add_value(&m, 11, "s");
    add_node(&m, "ConstantOfShape", "s", "y", attr);
    add_value(&m, 12, "y");
    gt_tensor *s = gt_full(gt, GT_SHAPE(1), 2, .dtype = GT_I64), *y = NULL;
    gt_module *module = gt_onnx_load(gt, write_model(&m, "constant.onnx"));
    assert_int_equal(gt_onnx_forward(module, 1, &s, &y), GT_OK);
    assert_true(y->size == 2 && gt_get(y, 1) == 1);
}

/* Errors at forward name the node. */
static void test_forward_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_onnx_load(gt, write_network());
    gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 3)), *out;
    assert_null(gt_forward(m, x));
    assert_error(
        gt, GT_ERR_UNSUPPORTED,
        "node 'c': takes images [n,c,h,w] and sequences [n,c,l] alone, its input has 2 dimensions");
    assert_null(gt_forward(m, gt_rand(gt, GT_SHAPE(2, 3, 5, 5))));
    assert_error(gt, GT_ERR_SHAPE, "conv2d 'c'");
    assert_int_equal(gt_onnx_forward(m, 2, (gt_tensor *[]){x, x}, &out), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the model has 1 input, not 2");
    assert_int_equal(gt_onnx_forward(m, 1, (gt_tensor *[]){NULL}, &out), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "input 0 is NULL");
    assert_int_equal(gt_onnx_forward(m, 1, NULL, &out), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the array of inputs is NULL");
    assert_int_equal(gt_onnx_forward(m, 1, &x, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the array of outputs is NULL");
    assert_int_equal(gt_onnx_forward(gt_nn_relu(gt), 1, &x, &out), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the module is none of gt_onnx_load");
}

/* Bytes changed at random in all models give an error or a module, and so do their outputs. */
static void test_random_bytes(void **state)
{
    (void)state;
    size_t n;
    const char *path = write_network();
    unsigned char *bytes = malloc(FILE_MOST);
    uint32_t seed = 1;
    for (int turn = 0; turn < 2000; turn++) {
        memcpy(bytes, slurp(path, &n), FILE_MOST);
        for (int k = 0; k < 1 + turn % 4; k++) {
            seed = seed * 1664525U + 1013904223U;
            bytes[(seed >> 8) % n] = (unsigned char)(seed >> 24);
        }
        write_file(scratch("changed.onnx"), bytes, n);
        gt_ctx *gt = gt_open();
        gt_module *m = gt_onnx_load(gt, scratch("changed.onnx"));
        gt_tensor *x = m ? gt_rand(gt, GT_SHAPE(1, 1, 4, 4)) : NULL,
                  *y = x ? gt_forward(m, x) : NULL;
        assert_true(y || gt_failed(gt));
        gt_close(gt);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operators, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_every_operator_has_a_case, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(test_network, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_training, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_gradients, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_frozen, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_names, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_external_constant, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_forward_errors, open_context, close_context),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests_name("onnx", tests, NULL, remove_scratch);
}

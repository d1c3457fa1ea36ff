/* ONNX files that must be refused, and what says so; test_onnx.c has those that are read. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "graph_support.h"
#include "onnx_model.h"

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
/* A look at a file tells of each operator that is refused, and of all else. */
static void test_print(void **state)
{
    gt_ctx *gt = *state;
    static const char *const wants[] = {
        "net.onnx: IR version 8, operator set 17\n",
        "\nInputs\n  x                            []\n",
        "\nOutputs\n  y                            []\n",
        "\nOperators, 4 nodes\n  Loop                         2  refused\n",
        "\n  Relu                         1\n",
        "\n  Gelu                         1  refused\n",
        "\nInitialisers, 1\n  w                            [2,3] FLOAT\n  in all                  ",
        "     6 elements\n",
        "\nRefused\n  node 'a' (Loop): this operator cannot be imported\n",
        "\n  node 'y' (Gelu): its attribute 'knee' is not known\n",
    };
    model m = {0};
    add_weight(&m, "w", GT_SHAPE(2, 3));
    add_value(&m, 11, "x");
    add_value(&m, 11, "w"); /* as old files have their initialisers */
    add_node(&m, "Loop", "x", "a", (gti_proto){0});
    add_node(&m, "Loop", "a", "b", (gti_proto){0});
    add_node(&m, "Relu", "b", "c", (gti_proto){0});
    add_node(&m, "Gelu", "c", "y", int_attr("knee", 1));
    add_value(&m, 12, "y");
    FILE *f = tmpfile();
    assert_int_equal(gt_onnx_print(gt, write_model(&m, "net.onnx"), f), GT_OK);
    char *text = read_all(f);
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        if (!strstr(text, wants[i])) fail_msg("there is no '%s' in\n%s", wants[i], text);
    free(text);
    f = tmpfile();
    assert_int_equal(gt_onnx_print(gt, write_network(), f), GT_OK);
    text = read_all(f);
    assert_non_null(strstr(text, "\nRefused\n  nothing: gt_onnx_load reads it\n"));
    free(text);
}

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
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_print, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_external_constant, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_forward_errors, open_context, close_context),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests_name("onnx_refused", tests, NULL, remove_scratch);
}

/* gt_diff: what is told of two graphs and of two files of weights. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "graph_support.h"
#include <math.h>

/* The differences, and what was printed of them; to be freed. */
static char *diff_of(gt_ctx *gt, const char *a, const char *b, gt_diff_opts opts, int64_t want)
{
    char first[256];
    FILE *f = tmpfile();
    assert_non_null(f);
    snprintf(first, sizeof first, "%s", scratch(a));
    const int64_t n = gt_diff_(gt, first, scratch(b), f, opts);
    assert_well(gt);
    char *text = read_all(f);
    if (n != want)
        fail_msg("%s and %s: %lld differences, not %lld:\n%s", a, b, (long long)n, (long long)want,
                 text);
    return text;
}

static void assert_all(const char *text, const char *const *wants)
{
    for (; *wants; wants++)
        if (!strstr(text, *wants)) fail_msg("there is no '%s' in\n%s", *wants, text);
}

/* --- graphs --- */

static gt_module *network(gt_ctx *gt, int padding, bool pooled)
{
    return gt_nn_sequential_named(
        gt, {"conv", gt_nn_conv2d(gt, 1, 4, .kernel = {3}, .padding = {padding})},
        {"act", pooled ? gt_nn_max_pool2d(gt, .kernel = {2}) : gt_nn_relu(gt)},
        {"flat", gt_nn_flatten(gt)}, {"fc", gt_nn_lazy_linear(gt, 3)});
}

static void test_graphs(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        const char *file;
        int batch, padding;
        bool pooled;
    } files[] = {{"a.json", 1, 1, false}, {"batch.json", 5, 1, false}, {"other.json", 1, 2, true}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(gt_module_render(network(gt, files[i].padding, files[i].pooled),
                                          scratch(files[i].file), GT_SHAPE(files[i].batch, 1, 6, 6),
                                          .backward = files[i].batch > 9),
                         GT_OK);
    free(diff_of(gt, "a.json", "batch.json", (gt_diff_opts){.json = false}, 0));
    char *text = diff_of(gt, "a.json", "other.json", (gt_diff_opts){.json = false}, 10);
    assert_all(text, (const char *const[]){
                         "~ module act: type ReLU() -> MaxPool2d(",
                         "~ conv/conv2d: padding [1,1] -> [2,2]\n",
                         "~ conv/conv2d: output 0 f32 [n,4,6,6] -> f32 [n,4,8,8]\n",
                         "- act/relu: f32 [n,4,6,6]\n", "+ act/max_pool2d: f32 [n,4,4,4]\n",
                         "~ fc.weight: parameter f32 [3,144] -> f32 [3,64]\n",
                         "input 0 act/relu -> act/max_pool2d\n", NULL});
    free(text);
    text = diff_of(gt, "a.json", "other.json", (gt_diff_opts){.json = true}, 10);
    assert_all(text, (const char *const[]){"{\"change\":\"~\",\"at\":\"conv/conv2d\",\"what\":"
                                           "\"padding\",\"from\":\"[1,1]\",\"to\":\"[2,2]\"}\n",
                                           NULL});
    free(text);
}

/* --- weights --- */

static void test_weights(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    gt_tensor *y = gt_values(gt, GT_SHAPE(2, 3), 1, 2.001, 3, 4, 5.01, 6);
    gt_tensor *z = gt_values(gt, GT_SHAPE(2), NAN, 1),
              *i = gt_cast(gt_ones(gt, GT_SHAPE(2)), GT_I64);
    gt_tensor *w = gt_values(gt, GT_SHAPE(3), 1, 2, 3);
    assert_int_equal(
        gt_save_tensors(gt, scratch("a.safetensors"),
                        GT_TENSORS({"x", x}, {"gone", x}, {"nan", z}, {"kind", i}, {"shape", z})),
        GT_OK);
    assert_int_equal(gt_save_tensors(gt, scratch("b.safetensors"),
                                     GT_TENSORS({"x", y}, {"new", i}, {"nan", z},
                                                {"kind", gt_cast(i, GT_F32)}, {"shape", w})),
                     GT_OK);
    free(diff_of(gt, "a.safetensors", "a.safetensors", (gt_diff_opts){.tolerance = 0}, 0));
    char *text = diff_of(gt, "a.safetensors", "b.safetensors", (gt_diff_opts){.tolerance = 0}, 5);
    assert_all(text,
               (const char *const[]){
                   "- gone: f32 [2,3]\n", "+ new: i64 [2]\n", "~ kind: dtype i64 -> f32\n",
                   "~ shape: shape [2] -> [3]\n",
                   "~ x: 2 of 6 elements, at most 5 at [1,1] -> 5.01 (off by 0.01; relatively "
                   "at most by 0.002, at [1,1])\n",
                   NULL});
    free(text);
    free(diff_of(gt, "a.safetensors", "b.safetensors", (gt_diff_opts){.tolerance = 0.01}, 4));
}

/* What is infinite is near to nothing else, and integers are told apart where doubles are not. */
static void test_extreme_elements(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(4), 1, NAN, -INFINITY, INFINITY);
    gt_tensor *y = gt_values(gt, GT_SHAPE(4), INFINITY, INFINITY, INFINITY, INFINITY);
    gt_tensor *i = gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64);
    assert_int_equal(gt_npy_save(x, scratch("x.npy")), GT_OK);
    assert_int_equal(gt_npy_save(y, scratch("y.npy")), GT_OK);
    char *text = diff_of(gt, "x.npy", "y.npy", (gt_diff_opts){.tolerance = 1e-6}, 1);
    assert_all(text, (const char *const[]){"~ the array: 3 of 4 elements, at most 1 at [0]", NULL});
    free(text);
    for (int k = 0; k < 2; k++) {
        *(int64_t *)i->data = (INT64_C(1) << 60) + k;
        assert_int_equal(gt_npy_save(i, scratch(k ? "j.npy" : "i.npy")), GT_OK);
    }
    text = diff_of(gt, "i.npy", "j.npy", (gt_diff_opts){.tolerance = 0}, 1);
    assert_all(text,
               (const char *const[]){"1152921504606846976 at [0] -> 1152921504606846977", NULL});
    free(text);
    free(diff_of(gt, "i.npy", "j.npy", (gt_diff_opts){.tolerance = 1e-6}, 0));
}

/* The same weights in three kinds of files. */
static void test_kinds(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_linear(gt, 3, 2);
    assert_int_equal(gt_save(net, scratch("net.safetensors")), GT_OK);
    assert_int_equal(gt_onnx_save(net, scratch("net.onnx"), GT_SHAPE(1, 3)), GT_OK);
    free(diff_of(gt, "net.safetensors", "net.onnx", (gt_diff_opts){.tolerance = 0}, 0));
    free(diff_of(gt, "net.onnx", "net.onnx", (gt_diff_opts){.tolerance = 0}, 0));
    gt_fill(gt_module_parameter(net, "bias"), 9);
    assert_int_equal(gt_onnx_save(net, scratch("other.onnx"), GT_SHAPE(1, 3)), GT_OK);
    char *text = diff_of(gt, "net.onnx", "other.onnx", (gt_diff_opts){.tolerance = 0}, 1);
    assert_all(text, (const char *const[]){"~ bias: 2 of 2 elements, at most ", NULL});
    free(text);
    char name[16];
    assert_true(gt_npz_name(gt, fixture("stored.npz"), 0, name, sizeof name));
    FILE *f = tmpfile();
    assert_int_equal(gt_diff(gt, fixture("stored.npz"), fixture("stored.npz"), f), 0);
    fclose(f);
}

/* --- what is refused --- */

#define HEAD "{\"gradtape_graph\":1,\n\"batch\":0,"
static const struct {
    const char *text, *why;
} bad[] = {
    {"[]", "bad.json: line 1: expected '{'"},
    {"{\"gradtape_graph\":2,\"scopes\":[],\"values\":[],\"nodes\":[]}",
     "its \"gradtape_graph\" is 2"},
    {HEAD "\n\"scopes\":[],\"values\":[]}", "has no scopes, values or nodes"},
    {HEAD
     "\"scopes\":[{\"kind\":\"module\",\"name\":\"\",\"type\":\"A\",\"parent\":0}],\"values\":[],"
     "\"nodes\":[]}",
     "scope 0 has a parent behind it"},
    {HEAD
     "\"scopes\":[],\"values\":[{\"kind\":\"input\",\"name\":\"x\",\"dtype\":\"f32\"}],\"nodes\":[]}",
     "value 0 has no kind, name, dtype or shape"},
    {HEAD
     "\"scopes\":[],\"values\":[],\"nodes\":[{\"op\":\"add\",\"part\":\"forward\",\"inputs\":[3],"
     "\"outputs\":[]}]}",
     "node 0 names value 3, of 0"},
    {HEAD "\n\n\"scopes\":[01]}", "line 4: expected '{'"},
    {HEAD "\"extra\":[1,-2.5e3,{\"a\":null}],\"scopes\":[],\"values\":[],\"nodes\":[]} x",
     "line 2: expected the end"},
    {HEAD "\"extra\":[1,}", "expected a value"},
    {HEAD "\"extra\":1.e3}", "expected a digit"},
    {HEAD "\"scopes\":[],\"scopes\":[],\"values\":[],\"nodes\":[]}",
     "has no scopes, values or nodes"},
};

static void test_refused(void **state)
{
    gt_ctx *gt = *state;
    char deep[400] = HEAD "\"extra\":";
    memset(deep + strlen(deep), '[', 100);
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        const char *text = i < sizeof bad / sizeof *bad ? bad[i].text : deep;
        write_file(scratch("bad.json"), (const unsigned char *)text, strlen(text));
        assert_int_equal(gt_diff(gt, scratch("bad.json"), scratch("bad.json"), stdout), -1);
        assert_error(gt, GT_ERR_FORMAT, text == deep ? "line 2: values nest too deep" : bad[i].why);
    }
    assert_int_equal(gt_diff(gt, "a.json", "b.npz", stdout), -1);
    assert_error(gt, GT_ERR_ARGUMENT, "have nothing that can be compared");
    assert_int_equal(gt_diff(gt, "none.json", "none.json", stdout), -1);
    assert_error(gt, GT_ERR_IO, "'none.json' cannot be read: No such file");
    assert_int_equal(gt_diff(gt, "a.npy", "a.npy", stdout, .tolerance = -1), -1);
    assert_error(gt, GT_ERR_ARGUMENT, "tolerance is -1");
    assert_int_equal(gt_diff(gt, NULL, "a.npy", stdout), -1);
    assert_error(gt, GT_ERR_ARGUMENT, "a path is NULL");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {TEST(test_graphs), TEST(test_weights),
                                       TEST(test_extreme_elements), TEST(test_kinds),
                                       TEST(test_refused)};
    return cmocka_run_group_tests_name("diff", tests, NULL, remove_scratch);
}

/* Models that are written: every operation's samples and the example networks, read back. */
#define _POSIX_C_SOURCE 200809L
#include "samples.h"

#include "cli/networks.h"
#include "files.h"
#include "networks.h"

#include <math.h>

static const uint64_t no_opts[64];

/* --- operations --- */

static double largest_of(const gt_tensor *t)
{
    double most = 0;
    for (int64_t i = 0; i < t->size; i++)
        if (isfinite(element(t, i))) most = fmax(most, fabs(element(t, i)));
    return most;
}

/* To 1e-5 of the largest element. */
static bool agree(const gt_tensor *a, const gt_tensor *b)
{
    if (!gt_same_shape(a, b) || a->dtype != b->dtype) return false;
    const double most = 1e-7 + 1e-5 * largest_of(b);
    for (int64_t i = 0; i < a->size; i++) {
        const double x = element(a, i), y = element(b, i);
        if (!(fabs(x - y) <= most) && x != y && !(isnan(x) && isnan(y))) return false;
    }
    return true;
}

/* The sample's first result, everything recorded; NULL where it is none. */
static gt_tensor *result_of(gt_ctx *gt, const gt_op *op, const gt_sample *sample)
{
    gt_tensor *in[GT_SAMPLE_INPUTS], *out[GT_OP_OUTPUTS];
    const int n = sample->n_in ? sample->n_in : gt_op_least(op);
    dice = 42;
    for (int i = 0; i < n; i++) {
        const gt_sample_input *s = &sample->in[i];
        in[i] = s->same > 0 ? in[s->same - 1] : input_of(gt, s, GT_F32);
    }
    gt_set_recording_all(gt, true);
    gt_apply_n(op, sample->opts ? sample->opts : no_opts, n, in, out);
    gt_set_recording_all(gt, false);
    return out[0];
}

typedef struct {
    int written, refused, wrong;
} counts;

static void try_sample(const gt_op *op, const gt_sample *sample, int opset, counts *n)
{
    gt_ctx *gt = gt_open();
    gt_tensor *y = result_of(gt, op, sample), *back = NULL;
    gt_graph *g = gt_tensor_graph(y);
    char path[64];
    snprintf(path, sizeof path, "op.onnx");
    const bool saved = gt_onnx_save_graph(g, scratch(path), .opset = opset) == GT_OK;
    if (!saved) {
        n->refused++;
        if (gt_error_code(gt) != GT_ERR_UNSUPPORTED)
            n->wrong++, print_error("%s: %s\n", op->name, gt_error_message(gt));
    } else {
        n->written++;
        gt_module *m = gt_onnx_load(gt, scratch(path));
        if (m) gt_onnx_forward(m, 0, NULL, &back);
        if (!back || !agree(back, y)) {
            n->wrong++;
            print_error("%s, %s: %s\n", op->name, sample->label,
                        back ? "differs" : gt_error_message(gt));
        }
    }
    gt_graph_free(g);
    gt_close(gt);
}

static void test_operations(void **state)
{
    (void)state;
    size_t n_ops;
    const gt_op_info *all = gt_ops(&n_ops);
    counts n = {0};
    for (size_t i = 0; i < n_ops; i++) {
        const gt_op *op = all[i].op;
        /* What is dropped is random, and nothing is in a model. */
        if (!op || gt_onnx_export_reason(op) || !strcmp(op->name, "dropout") ||
            op->flags & GT_OP_INTO)
            continue;
        const int before = n.written;
        for (int k = 0; k < op->n_samples; k++)
            for (int opset = 17; opset <= 24; opset += 7)
                try_sample(op, &op->samples[k], opset, &n);
        if (n.written == before && op->n_samples)
            n.wrong++, print_error("%s: no sample was written\n", op->name);
    }
    print_message("%d samples written and read back, %d refused\n", n.written, n.refused);
    assert_int_equal(n.wrong, 0);
    assert_true(n.written > 500);
}

/* --- networks --- */

static const struct {
    const char *name;
    gt_shape input;
    gt_dtype dtype;
    int opset;
} nets[] = {
    {"lenet", {4, {2, 1, 28, 28}}, GT_F32, 17},
    {"batch_norms", {4, {2, 2, 12, 12}}, GT_F32, 17},
    {"residual", {4, {2, 3, 8, 8}}, GT_F32, 17},
    {"inception", {4, {2, 2, 6, 6}}, GT_F32, 21},
    {"instance_norms", {4, {2, 3, 6, 6}}, GT_F32, 17},
    {"transformer_like", {2, {2, 5}}, GT_I64, 17},
    {"transformer_like", {2, {2, 5}}, GT_I64, 21},
    {"sequences", {3, {2, 3, 12}}, GT_F32, 19},
    {"decoder", {4, {2, 4, 3, 3}}, GT_F32, 17},
    {"decoder", {4, {2, 4, 3, 3}}, GT_F32, 21},
};
enum { NETS = sizeof nets / sizeof *nets };

static gt_tensor *images(gt_ctx *gt, gt_shape shape, gt_dtype dtype)
{
    return dtype == GT_I64 ? gt_randint(gt, 0, 7, shape) : gt_randn(gt, shape);
}

/* Every parameter of the one is in the other, with the same values under the same name. */
static void assert_names(const gt_module *net, const gt_module *back)
{
    for (gt_state_iter it = gt_module_parameters(net); gt_state_next(&it);) {
        char path[128];
        gt_state_path(&it, path, sizeof path);
        const gt_tensor *t = gt_module_parameter(back, path);
        if (!t) t = gt_module_buffer(back, path);
        if (!t) fail_msg("there is no %s", path);
        assert_memory_equal(t->data, it.tensor->data, (size_t)t->size * sizeof(float));
    }
}

/* Written for a batch of two, and read for three. */
static void test_networks(void **state)
{
    for (int i = 0; i < NETS; i++) {
        gt_ctx *gt = *state;
        gt_shape more = nets[i].input;
        more.dim[0]++;
        gt_module *net = build_network(gt, nets[i].name);
        gt_eval(net);
        assert_int_equal(gt_onnx_save(net, scratch("net.onnx"), nets[i].input,
                                      .dtype = nets[i].dtype, .opset = nets[i].opset),
                         GT_OK);
        assert_well(gt);
        gt_module *back = gt_onnx_load(gt, scratch("net.onnx"));
        gt_tensor *x = images(gt, more, nets[i].dtype), *y = gt_forward(net, x),
                  *z = gt_forward(back, x);
        assert_well(gt);
        if (!agree(z, y)) fail_msg("%s differs", nets[i].name);
        assert_names(net, back);
        /* What is worked out from the batch is known without computing, too. */
        const bool shapes_only = gt_set_shapes_only(gt, true);
        z = gt_forward(back, x);
        gt_set_shapes_only(gt, shapes_only);
        assert_well(gt);
        assert_true(gt_same_shape(z, y));
    }
}

/* The networks of the tool and of bench/, which are what programs train: the same bits. Without
 * VGG-11, whose layers are others' and whose weights are half a gigabyte. */
static void test_built_in(void **state)
{
    size_t n;
    const gti_cli_network *all = gti_cli_networks(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(all[i].name, "vgg11")) continue;
        gt_ctx *gt = gt_open();
        const int size = all[i].size > 32 ? 32 : all[i].size;
        gt_module *net = all[i].build(gt, all[i].channels, 10);
        gt_eval(net);
        assert_int_equal(
            gt_onnx_save(net, scratch("net.onnx"), GT_SHAPE(2, all[i].channels, size, size)),
            GT_OK);
        gt_module *back = gt_onnx_load(gt, scratch("net.onnx"));
        gt_tensor *x = gt_randn(gt, GT_SHAPE(3, all[i].channels, size, size));
        gt_tensor *y = gt_forward(net, x), *z = gt_forward(back, x);
        assert_well(gt);
        assert_true(gt_same_shape(z, y));
        if (memcmp(z->data, y->data, (size_t)y->size * sizeof(float)))
            fail_msg("%s differs", all[i].name);
        assert_names(net, back);
        gt_close(gt);
    }
}

/* Names, and where two nodes became one. */
static void test_nodes(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net =
        gt_nn_sequential_named(gt, {"conv1", gt_nn_conv2d(gt, 1, 2, .kernel = {3})},
                               {"flat", gt_nn_flatten(gt)}, {"fc", gt_nn_linear(gt, 8, 3)});
    assert_int_equal(gt_onnx_save(net, scratch("net.onnx"), GT_SHAPE(1, 1, 4, 4)), GT_OK);
    size_t n;
    const unsigned char *bytes = slurp(scratch("net.onnx"), &n);
    const char *const words[] = {"conv1.weight", "conv1.bias", "fc.weight", "Conv",
                                 "Gemm",         "batch",      "transB",    "Flatten"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool found = false;
        for (size_t k = 0; k + strlen(words[i]) <= n; k++)
            found |= !memcmp(bytes + k, words[i], strlen(words[i]));
        if (!found) fail_msg("there is no %s", words[i]);
    }
    for (int again = 0; again < 2; again++) {
        gt_module *back = gt_onnx_load(gt, scratch("net.onnx"));
        gt_shape input;
        gt_dtype dtype;
        assert_true(gt_onnx_input_type(back, 0, &input, &dtype));
        assert_true(gt_shape_equal(input, GT_SHAPE(0, 1, 4, 4)) && dtype == GT_F32);
        assert_false(gt_onnx_input_type(back, 1, &input, &dtype));
        gt_state_iter it = gt_module_buffers(back);
        assert_false(gt_state_next(&it)); /* no numbers, such as shapes */
        assert_int_equal(gt_onnx_save(back, scratch("net.onnx"), GT_SHAPE(1, 1, 4, 4)), GT_OK);
    }
}

/* A part of a network that is below others, with its large weights; names are paths from the part
 * on. */
static void test_parts(void **state)
{
    gt_ctx *gt = *state;
    gt_module *part = gt_nn_linear(gt, 200, 100);
    gt_module *net = gt_nn_sequential(gt, gt_nn_sequential(gt, part), gt_nn_linear(gt, 100, 2));
    assert_non_null(net);
    assert_int_equal(gt_onnx_save(part, scratch("part.onnx"), GT_SHAPE(1, 200)), GT_OK);
    assert_int_equal(gt_export_c(part, scratch("part.c"), GT_SHAPE(1, 200)), GT_OK);
    size_t size;
    assert_non_null(strstr((const char *)slurp(scratch("part.c"), &size), "float w_weight["));
    gt_module *back = gt_onnx_load(gt, scratch("part.onnx"));
    assert_non_null(gt_module_parameter(back, "weight"));
    assert_non_null(gt_module_parameter(back, "bias"));
    gt_tensor *x = gt_randn(gt, GT_SHAPE(3, 200));
    assert_true(agree(gt_forward(back, x), gt_forward(part, x)));
    assert_well(gt);
}

/* --- what is refused --- */

static void test_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_linear(gt, 2, 3);
    assert_int_equal(gt_onnx_save(NULL, "x", GT_SHAPE(1, 2)), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    assert_int_equal(gt_onnx_save(net, NULL, GT_SHAPE(1, 2)), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL");
    assert_int_equal(gt_onnx_save(net, scratch("x"), GT_SHAPE(1, 2), .opset = 16), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "opset is 16, must be 17 to 24");
    assert_int_equal(gt_onnx_save(net, scratch("x"), GT_SHAPE(1, 2), .weights = net),
                     GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, ".weights is of gt_onnx_save_graph");
    assert_int_equal(gt_onnx_save(net, "/nowhere/x.onnx", GT_SHAPE(1, 2)), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "gt_onnx_save (");
    assert_int_equal(gt_onnx_save(net, scratch("x"), GT_SHAPE(1, 3)), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "linear");
    gt_module *pad =
        gt_nn_conv1d(gt, 1, 1, .kernel = 3, .padding = 1, .padding_mode = GT_PAD_CIRCULAR);
    assert_int_equal(gt_onnx_save(pad, scratch("x"), GT_SHAPE(1, 1, 5)), GT_ERR_UNSUPPORTED);
    assert_error(gt, GT_ERR_UNSUPPORTED, "ask for .opset = 19");
    assert_int_equal(gt_onnx_save_graph(NULL, "x"), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
}

static bool has_none(const char *op)
{
    static const char *const without[] = {"batch_norm", "scatter", "sort", "topk"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (!strcmp(without[i], op)) return true;
    return false;
}

/* Each operation has a mapping, or says why not. */
static void test_reasons(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *all = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].op && !all[i].inner &&
            has_none(all[i].name) != (gt_onnx_export_reason(all[i].op) != NULL))
            fail_msg("%s: %s", all[i].name, gt_onnx_export_reason(all[i].op));
}

/* --- for other readers --- */

/* Every sample of every operation as FOLDER/NAME_NUMBER.onnx, and its result as .npy, at an
 * operator set; and the networks with inputs. tests/onnx_runtime.py compares them with
 * onnxruntime's. */
static void write_sample(const char *folder, const gt_op *op, int k, int opset)
{
    char path[1024];
    gt_ctx *gt = gt_open();
    gt_tensor *y = result_of(gt, op, &op->samples[k]);
    gt_graph *g = gt_tensor_graph(y);
    snprintf(path, sizeof path, "%s/%s_%d.onnx", folder, op->name, k);
    if (gt_onnx_save_graph(g, path, .opset = opset) == GT_OK) {
        strcpy(strrchr(path, '.'), ".npy");
        gt_npy_save(y, path);
    }
    gt_graph_free(g);
    gt_close(gt);
}

static void write_network(const char *folder, int i, int opset)
{
    char path[1024];
    gt_ctx *gt = gt_open();
    gt_module *net = build_network(gt, nets[i].name);
    gt_tensor *x = images(gt, nets[i].input, nets[i].dtype);
    snprintf(path, sizeof path, "%s/net_%s.onnx", folder, nets[i].name);
    if (gt_onnx_save(net, path, nets[i].input, .dtype = nets[i].dtype,
                     .opset = nets[i].opset > opset ? nets[i].opset : opset) == GT_OK) {
        gt_eval(net);
        strcpy(strrchr(path, '.'), ".npy");
        gt_npy_save(gt_forward(net, x), path);
        strcpy(strrchr(path, '.'), ".input.npy");
        gt_npy_save(x, path);
    }
    gt_close(gt);
}

static int write_all(const char *folder, int opset)
{
    size_t n;
    const gt_op_info *all = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; all[i].op && !gt_onnx_export_reason(all[i].op) &&
                        !(all[i].op->flags & GT_OP_INTO) && k < all[i].op->n_samples;
             k++)
            if (strcmp(all[i].name, "dropout")) write_sample(folder, all[i].op, k, opset);
    for (int i = 0; i < NETS; i++) write_network(folder, i, opset);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "--write")) return write_all(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test_setup_teardown(test_networks, open_context, close_context),
        cmocka_unit_test(test_built_in),
        cmocka_unit_test_setup_teardown(test_nodes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_parts, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests_name("onnx_export", tests, NULL, remove_scratch);
}

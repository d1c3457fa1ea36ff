/* Layers against PyTorch: names, printing, starts, values, gradients, statistics, for the networks
 * of tools/reference_nn.py; then descriptions, lazy layers and misuse. */
#include <math.h>
#include <stdlib.h>

#include "networks.h"

/* --- the reference file --- */

typedef struct {
    FILE *f;
    char line[1 << 16];
} reader;

/* The rest of a line that begins with `word`. */
static const char *read_line(reader *r, const char *word)
{
    const size_t n = strlen(word);
    if (!fgets(r->line, sizeof r->line, r->f)) return NULL;
    r->line[strcspn(r->line, "\n")] = 0;
    if (strncmp(r->line, word, n) != 0) fail_msg("'%.60s' instead of %s", r->line, word);
    return r->line + n;
}

/* The next line begins with this word; leaves it unread. */
static bool comes(reader *r, const char *word)
{
    char start[16] = "";
    const long at = ftell(r->f);
    assert_int_equal(fscanf(r->f, "%15s", start), 1);
    assert_int_equal(fseek(r->f, at, SEEK_SET), 0);
    return !strcmp(start, word);
}

static void check_near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
        fail_msg("%s: %.9g instead of %.9g", what, got, want);
}

static double sum_of(const gt_tensor *t)
{
    double sum = 0;
    for (int64_t i = 0; i < t->size; i++) sum += element(t, i);
    return sum;
}

static double magnitude_of(const gt_tensor *t)
{
    double sum = 0;
    for (int64_t i = 0; i < t->size; i++) sum += fabs(element(t, i));
    return sum;
}

/* "PATH N SUM FIRST". A sum is as exact as its elements' magnitudes allow, however they cancel. */
static void check_entry(const char *text, const char *path, const gt_tensor *t, double tolerance)
{
    char want[128], what[160];
    long long n;
    double sum, first;
    assert_int_equal(sscanf(text, " %127s %lld %lf %lf", want, &n, &sum, &first), 4);
    snprintf(what, sizeof what, "%s", want);
    assert_string_equal(path, want);
    if (!t) fail_msg("%s: nothing", want);
    assert_int_equal(t->size, n);
    check_near(what, sum_of(t), sum, tolerance * fmax(1, magnitude_of(t) / fmax(1, fabs(sum))));
    check_near(what, element(t, 0), first, tolerance);
}

/* "N VALUES" */
static void check_values(const char *what, const char *text, const gt_tensor *t, double tolerance)
{
    char *at;
    const long n = strtol(text, &at, 10);
    assert_non_null(t);
    assert_int_equal(t->size, n);
    for (long i = 0; i < n; i++) check_near(what, element(t, i), strtod(at, &at), tolerance);
}

/* f(0), f(1), ... */
static gt_tensor *tabulate(gt_ctx *gt, gt_shape shape, gt_dtype dtype, double (*f)(double))
{
    gt_tensor *t = gt_empty(gt, shape, .dtype = dtype);
    for (int64_t i = 0; i < t->size; i++)
        if (dtype == GT_I64) ((int64_t *)t->data)[i] = (int64_t)f((double)i);
        else if (dtype == GT_F64) ((double *)t->data)[i] = f((double)i);
        else ((float *)t->data)[i] = (float)f((double)i);
    return t;
}

static double modulo_7(double i)
{
    return fmod(i, 7);
}

/* "DTYPE DIMS" */
static gt_tensor *make_input(gt_ctx *gt, const char *text, gt_dtype dtype)
{
    gt_shape shape = {0, {0}};
    const bool whole = !strncmp(text, " i64", 4);
    char *at = (char *)text + (whole ? 4 : 5);
    while (*at) shape.dim[shape.ndim++] = strtoll(at, &at, 10);
    return tabulate(gt, shape, whole ? GT_I64 : dtype, whole ? modulo_7 : sin);
}

static void check_print(reader *r, const gt_module *net)
{
    const int n = atoi(read_line(r, "print"));
    FILE *f = tmpfile();
    gt_module_print(f, net);
    rewind(f);
    for (int i = 0; i < n; i++) {
        char got[256] = "";
        if (!fgets(got, sizeof got, f)) fail_msg("line %d is missing", i);
        got[strcspn(got, "\n")] = 0;
        assert_string_equal(got, read_line(r, ""));
    }
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

static void check_state(reader *r, gt_state_iter it, const char *word, bool gradients,
                        double tolerance)
{
    while (gt_state_next(&it)) {
        char path[128];
        gt_state_path(&it, path, sizeof path);
        check_entry(read_line(r, word), path, gradients ? it.tensor->grad : it.tensor, tolerance);
    }
    assert_false(comes(r, word));
}

/* Draws the parameters of lazy modules, without counting a batch. */
static void materialise(gt_module *net, gt_tensor *x)
{
    gt_eval(net);
    if (!net->child->ready) gt_forward(net, x);
    gt_train(net);
}

/* What follows "network NAME", computed in this dtype: to `tolerance`. */
static void check_network(reader *r, const char *name, gt_dtype dtype, double tolerance)
{
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 0);
    gt_module *net = build_network(gt, name);
    assert_well(gt);
    check_print(r, net);
    const char *input = read_line(r, "input");
    gt_tensor *x = make_input(gt, input, dtype);
    materialise(net, make_input(gt, input, GT_F32));
    check_state(r, gt_module_state(net), "state", false, 1e-7);
    gt_module_to(net, dtype);
    gt_tensor *y = gt_forward(net, x);
    assert_well(gt);
    check_values(name, read_line(r, "y"), y, tolerance);
    gt_backward(gt_sum(gt_mul(y, tabulate(gt, y->shape, dtype, cos))));
    check_state(r, gt_module_parameters(net), "grad", true, tolerance);
    check_state(r, gt_module_buffers(net), "after", false, tolerance);
    gt_eval(net);
    check_values(name, read_line(r, "eval"), gt_forward(net, x), tolerance);
    assert_well(gt);
    gt_close(gt);
}

static void test_networks(void **state)
{
    (void)state;
    static reader r;
    r.f = fopen(GT_SOURCE_DIR "/tests/reference/nn.txt", "r");
    assert_non_null(r.f);
    read_line(&r, "#");
    int n = 0;
    for (; comes(&r, "network"); n++) {
        char name[32];
        assert_int_equal(sscanf(read_line(&r, "network"), "%31s", name), 1);
        const long start = ftell(r.f);
        check_network(&r, name, GT_F32, 3e-5);
        assert_int_equal(fseek(r.f, start, SEEK_SET), 0);
        check_network(&r, name, GT_F64, 1e-11);
    }
    assert_int_equal(n, 8);
    fclose(r.f);
}

/* --- descriptions, as PyTorch 2.15 prints them --- */

static void test_descriptions(void **state)
{
    gt_ctx *gt = *state;
    const struct {
        gt_module *m;
        const char *text;
    } rows[] = {
        {gt_nn_conv2d(gt, 2, 6, .kernel = {5, 3}, .stride = {2}, .padding = {1, 0}, .dilation = {2},
                      .groups = 2),
         "Conv2d(2, 6, kernel_size=(5, 3), stride=(2, 2), padding=(1, 0), dilation=(2, 2), "
         "groups=2)"},
        {gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .same_padding = true, .no_bias = true),
         "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=same, bias=False)"},
        {gt_nn_lazy_linear(gt, 4, .no_bias = true),
         "LazyLinear(in_features=0, out_features=4, bias=False)"},
        {gt_nn_batch_norm1d(gt, 6, .no_affine = true, .no_running_stats = true, .cumulative = true),
         "BatchNorm1d(6, eps=1e-05, momentum=None, affine=False, bias=False, "
         "track_running_stats=False)"},
        {gt_nn_max_pool2d(gt, .kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 1},
                          .ceil_mode = true),
         "MaxPool2d(kernel_size=(2, 3), stride=(2, 1), padding=1, dilation=1, ceil_mode=True)"},
        {gt_nn_avg_pool2d(gt, .kernel = {2, 3}),
         "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0)"},
        {gt_nn_dropout2d(gt, 0.1), "Dropout2d(p=0.1, inplace=False)"},
        {gt_nn_flatten(gt, .start = GT_INDEX_0, .end = -2), "Flatten(start_dim=0, end_dim=-2)"},
        {gt_nn_leaky_relu(gt, .slope = 0.2), "LeakyReLU(negative_slope=0.2)"},
        {gt_nn_log_softmax(gt, -1), "LogSoftmax(dim=-1)"},
        {gt_nn_embedding(gt, 10, 3), "Embedding(10, 3)"},
        {gt_nn_layer_norm(gt, GT_SHAPE(2, 5), .no_affine = true),
         "LayerNorm((2, 5), eps=1e-05, elementwise_affine=False, bias=False)"},
        {gt_nn_instance_norm2d(gt, 6),
         "InstanceNorm2d(6, eps=1e-05, momentum=0.1, affine=False, bias=False, "
         "track_running_stats=False)"},
        {gt_nn_upsample(gt, .scale = {2, 1.5}, .mode = GT_BILINEAR),
         "Upsample(scale_factor=(2.0, 1.5), mode='bilinear')"},
        {gt_nn_relu6(gt), "ReLU6()"},
        {gt_nn_selu(gt), "SELU()"},
        {gt_nn_hardsigmoid(gt), "Hardsigmoid()"},
        {gt_nn_lambda(gt, gt_square), "Lambda()"},
    };
    assert_well(gt);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        assert_string_equal(gt_module_describe(rows[i].m, text, sizeof text), rows[i].text);
    }
}

/* --- behaviour --- */

static void test_lazy_become(void **state)
{
    gt_ctx *gt = *state;
    static const char *const before[] = {"LazyConv2d", "LazyBatchNorm2d", "LazyConvTranspose2d",
                                         "LazyLinear", "LazyBatchNorm1d"};
    gt_module *net = lazy(gt);
    const int place[] = {0, 1, 4, 6, 7};
    for (int i = 0; i < 5; i++)
        assert_string_equal(gt_module_nth(net, place[i])->type->name, before[i]);
    gt_forward(net, gt_zeros(gt, GT_SHAPE(2, 2, 6, 6)));
    assert_well(gt);
    for (int i = 0; i < 5; i++)
        assert_string_equal(gt_module_nth(net, place[i])->type->name, before[i] + 4);
    gt_forward(net, gt_zeros(gt, GT_SHAPE(2, 3, 6, 6)));
    assert_error(gt, GT_ERR_SHAPE, "Conv2d '0'");
}

static void test_dropout(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_dropout(gt, 0.5);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1000));
    const double kept = sum_of(gt_forward(m, x)) / 2;
    assert_true(kept > 420 && kept < 580);
    gt_eval(m);
    assert_ptr_equal(gt_forward(m, x), x);
}

/* Statistics of the batch also in evaluation where none are kept. */
static void test_batch_norm_without_statistics(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_batch_norm1d(gt, 1, .no_running_stats = true);
    gt_eval(m);
    gt_tensor *x = gt_values(gt, GT_SHAPE(4, 1), 1, 2, 3, 4);
    ASSERT_VALUES(gt_forward(m, x), 1e-4, -1.34163, -0.44721, 0.44721, 1.34163);
    assert_null(gt_module_buffer(m, "running_mean"));
}

static void test_conv1d_pads_in_f64(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = gt_nn_conv1d(gt, 1, 1, .kernel = 3, .padding = 1, .no_bias = true,
                                .padding_mode = GT_PAD_REPLICATE, .dtype = GT_F64);
    gt_init_ones(gt_module_parameter(m, "weight"));
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(1, 1, 4), .dtype = GT_F64);
    for (int i = 0; i < 4; i++) ((double *)x->data)[i] = i + 1;
    ASSERT_VALUES(gt_forward(m, x), 0, 4, 6, 9, 11);
}

/* 8 columns of 5 by 1.7: neighbours are 1 / 1.7 apart, as in PyTorch, not 5 / 8. */
static void test_upsample_by_scale(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(1, 1, 1, 5), 0, 1, 2, 3, 4);
    gt_module *nearest = gt_nn_upsample(gt, .scale = {1, 1.7});
    ASSERT_VALUES(gt_forward(nearest, x), 0, 0, 0, 1, 1, 2, 2, 3, 4);
    gt_module *bilinear = gt_nn_upsample(gt, .scale = {1, 1.7}, .mode = GT_BILINEAR);
    ASSERT_VALUES(gt_forward(bilinear, x), 1e-6, 0, 0.382353, 0.970588, 1.558824, 2.147059,
                  2.735294, 3.323529, 3.911765);
}

static void test_misuse(void **state)
{
    gt_ctx *gt = *state;
#define REFUSES(call, code, part)                                                                  \
    do {                                                                                           \
        assert_null(call);                                                                         \
        assert_error(gt, code, part);                                                              \
    } while (0)
    REFUSES(gt_nn_linear(gt, 0, 3), GT_ERR_ARGUMENT, "input features are 0");
    REFUSES(gt_nn_lazy_linear(gt, -1), GT_ERR_ARGUMENT, "output features are -1");
    REFUSES(gt_nn_linear(gt, 2, 3, .dtype = GT_U8), GT_ERR_DTYPE, "not u8");
    REFUSES(gt_nn_conv1d(gt, 2, 3, .kernel = 0), GT_ERR_ARGUMENT, "kernel is {0, 0}");
    REFUSES(gt_nn_conv2d(gt, 2, 3, .kernel = {3}, .stride = {2}, .same_padding = true),
            GT_ERR_ARGUMENT, "same_padding is made for stride 1");
    REFUSES(gt_nn_conv2d(gt, 2, 3, .kernel = {3}, .padding = {1, 1}, .same_padding = true),
            GT_ERR_ARGUMENT, "both padding {1, 1} and same_padding");
    REFUSES(gt_nn_conv_transpose2d(gt, 3, 4, .kernel = {3}, .groups = 2), GT_ERR_ARGUMENT,
            "3 input channels do not divide");
    REFUSES(gt_nn_batch_norm2d(gt, 4, .momentum = 2), GT_ERR_ARGUMENT, "momentum is 2");
    REFUSES(gt_nn_group_norm(gt, 4, 6), GT_ERR_ARGUMENT, "6 channels do not divide into 4 groups");
    REFUSES(gt_nn_group_norm(gt, 0, 6), GT_ERR_ARGUMENT, "groups are -1");
    REFUSES(gt_nn_layer_norm(gt, GT_SCALAR), GT_ERR_ARGUMENT, "has 0 dimensions");
    REFUSES(gt_nn_dropout(gt, 1.5), GT_ERR_ARGUMENT, "p is 1.5");
    REFUSES(gt_nn_max_pool2d(gt, .stride = {2}), GT_ERR_ARGUMENT, ".kernel = {height, width}");
    REFUSES(gt_nn_adaptive_avg_pool2d(gt, 0, 1), GT_ERR_ARGUMENT, "rows of the output are 0");
    REFUSES(gt_nn_upsample(gt, .mode = GT_BILINEAR), GT_ERR_ARGUMENT, "one of them must be given");
    REFUSES(gt_nn_upsample(gt, .size = {2}, .scale = {2}), GT_ERR_ARGUMENT, "one of them");
    REFUSES(gt_nn_embedding(gt, 5, 2, .padding_idx = 5), GT_ERR_ARGUMENT, "must lie in 0..4");
    REFUSES(gt_nn_lambda(gt, NULL), GT_ERR_ARGUMENT, "the function is NULL");
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(2, 3, 4));
    REFUSES(gt_forward(gt_nn_batch_norm2d(gt, 3), x), GT_ERR_SHAPE, "must be [n,c,h,w]");
    REFUSES(gt_forward(gt_nn_batch_norm1d(gt, 5, .no_affine = true, .no_running_stats = true), x),
            GT_ERR_SHAPE, "has 3 channels, but the layer is made for 5");
    REFUSES(gt_forward(gt_nn_layer_norm(gt, GT_SHAPE(3), .no_affine = true), x), GT_ERR_SHAPE,
            "[2,3,4] does not end in [3]");
    REFUSES(gt_forward(gt_nn_group_norm(gt, 1, 2, .no_affine = true), x), GT_ERR_SHAPE,
            "does not have channels [2]");
    REFUSES(gt_forward(gt_nn_lazy_linear(gt, 2), gt_zeros(gt, GT_SCALAR)), GT_ERR_SHAPE,
            "must be [..,features], not []");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test_setup_teardown(test_descriptions, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_lazy_become, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_dropout, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_batch_norm_without_statistics, open_context,
                                        close_context),
        cmocka_unit_test_setup_teardown(test_conv1d_pads_in_f64, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_upsample_by_scale, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_misuse, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Networks against PyTorch: names, printing, starts, values, gradients, statistics, for those of
 * tools/reference_nn.py. */
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

/* What gt_module_print writes, in a buffer of this size. */
static char *text_of(const gt_module *m, char *text, size_t size)
{
    FILE *f = tmpfile();
    gt_module_print(f, m);
    rewind(f);
    text[fread(text, 1, size - 1, f)] = 0;
    fclose(f);
    return text;
}

static void check_print(reader *r, const gt_module *net)
{
    static char text[1 << 14];
    char *line = text_of(net, text, sizeof text);
    for (int n = atoi(read_line(r, "print")); n > 0; n--) {
        const size_t length = strcspn(line, "\n");
        if (!line[length]) fail_msg("%d lines are missing", n);
        line[length] = 0;
        assert_string_equal(line, read_line(r, ""));
        line += length + 1;
    }
    assert_string_equal(line, "");
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
    assert_int_equal(n, 11);
    fclose(r.f);
}

/* --- printing, as PyTorch 2.15 does it --- */

static void describe_k(const gt_module *m, char *text, size_t size)
{
    (void)m;
    snprintf(text, size, "k=3");
}

/* A description above children; a ModuleList's children that print alike. */
static void test_print(void **state)
{
    static const gt_module_type type = {
        .name = "Block", .size = sizeof(gt_module), .describe = describe_k};
    gt_ctx *gt = *state;
    char text[512];
    gt_module *block = gt_module_new(gt, &type);
    gt_module_add_child(block, "a", gt_nn_relu(gt));
    gt_module *list =
        gt_nn_module_list(gt, gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2)),
                          gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2)), gt_nn_relu(gt), block,
                          gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2, .no_bias = true)),
                          gt_nn_sequential(gt, gt_nn_linear(gt, 2, 2), gt_nn_relu(gt)));
    assert_string_equal(text_of(list, text, sizeof text),
                        "ModuleList(\n"
                        "  (0-1): 2 x Sequential(\n"
                        "    (0): Linear(in_features=2, out_features=2, bias=True)\n"
                        "  )\n"
                        "  (2): ReLU()\n"
                        "  (3): Block(\n"
                        "    k=3\n"
                        "    (a): ReLU()\n"
                        "  )\n"
                        "  (4): Sequential(\n"
                        "    (0): Linear(in_features=2, out_features=2, bias=False)\n"
                        "  )\n"
                        "  (5): Sequential(\n"
                        "    (0): Linear(in_features=2, out_features=2, bias=True)\n"
                        "    (1): ReLU()\n"
                        "  )\n"
                        ")\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test_setup_teardown(test_print, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

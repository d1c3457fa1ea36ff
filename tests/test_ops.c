/* The operations' values and first gradients against PyTorch's (reference/ops.txt, written by
 * tools/reference.py), and what that does not show. That gradients of gradients are right is the
 * gradient checker's to prove (test_registry.c); error samples are test_samples.c's. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

/* --- how to call each operation: in are its inputs, o the numbers of the case's line "opts" --- */

#define IN1 in[0]
#define IN2 in[0], in[1]
#define CALLS(ROW)                                                                                 \
    ROW(add, gt_add(IN2))                                                                          \
    ROW(sub, gt_sub(IN2))                                                                          \
    ROW(mul, gt_mul(IN2))                                                                          \
    ROW(div, gt_div(IN2))                                                                          \
    ROW(add_scalar, gt_add_scalar(IN1, o[0]))                                                      \
    ROW(mul_scalar, gt_mul_scalar(IN1, o[0]))                                                      \
    ROW(sub_scalar, gt_sub_scalar(IN1, o[0]))                                                      \
    ROW(div_scalar, gt_div_scalar(IN1, o[0]))                                                      \
    ROW(rsub_scalar, gt_rsub_scalar(IN1, o[0]))                                                    \
    ROW(rdiv_scalar, gt_rdiv_scalar(IN1, o[0]))                                                    \
    ROW(neg, gt_neg(IN1))                                                                          \
    ROW(square, gt_square(IN1))                                                                    \
    ROW(square_grad, gt_square_grad(IN2))                                                          \
    ROW(sum, gt_sum(IN1, .keepdim = o[0] != 0, .axes = axes(o + 1, n - 1)))                        \
    ROW(mean, gt_mean(IN1, .keepdim = o[0] != 0, .axes = axes(o + 1, n - 1)))                      \
    ROW(broadcast_to, gt_broadcast_to(IN1, shape(o, n)))                                           \
    ROW(sum_to, gt_sum_to(IN1, shape(o, n)))                                                       \
    ROW(reshape, gt_reshape(IN1, shape(o, n)))                                                     \
    ROW(permute, gt_permute_(IN1, n, whole(o, n).order))                                           \
    ROW(transpose, gt_transpose(IN1, (int)o[0], (int)o[1]))                                        \
    ROW(flip, gt_flip(IN1, axes(o, n)))                                                            \
    ROW(slice, gt_slice(IN1, (int)o[0], place(o[1]), place(o[2]), .step = place(o[3])))            \
    ROW(slice_dx, gt_slice_dx(IN1, shape(o + 3, n - 3), (int)o[0], place(o[1]), place(o[2])))      \
    ROW(matmul, gt_matmul(IN2, .transpose_a = o[0] != 0, .transpose_b = o[1] != 0))                \
    ROW(corr2d, gt_corr2d(IN2))                                                                    \
    ROW(conv2d, gt_conv2d_(IN2, conv_opts(o, in[2])))                                              \
    ROW(conv2d_dx, gt_conv2d_dx(IN2, shape(o + 7, n - 7), conv_opts(o, NULL)))                     \
    ROW(conv2d_dw, gt_conv2d_dw(IN2, shape(o + 7, n - 7), conv_opts(o, NULL)))                     \
    ROW(add_bias, gt_add_bias(IN2))

static gt_shape shape(const double *o, int n)
{
    int64_t dim[GT_MAX_DIMS];
    for (int i = 0; i < n; i++) dim[i] = (int64_t)o[i];
    return gt_shape_of(n, dim);
}

static unsigned axes(const double *o, int n)
{
    unsigned set = 0;
    for (int i = 0; i < n; i++) set |= GT_AXIS((int)o[i]);
    return set;
}

typedef struct {
    int order[GT_MAX_DIMS];
} whole_numbers;

static whole_numbers whole(const double *o, int n)
{
    whole_numbers w = {0};
    for (int i = 0; i < n; i++) w.order[i] = (int)o[i];
    return w;
}

static int64_t place(double value)
{
    return value >= 0x1p63 ? GT_END : (int64_t)value;
}

static gt_conv2d_opts conv_opts(const double *o, gt_tensor *bias)
{
    return (gt_conv2d_opts){.stride = {(int)o[0], (int)o[1]},
                            .padding = {(int)o[2], (int)o[3]},
                            .dilation = {(int)o[4], (int)o[5]},
                            .groups = (int)o[6],
                            .bias = bias};
}

#define CALLER(name, call)                                                                         \
    static gt_tensor *call_##name(gt_tensor *const in[], const double *o, int n)                   \
    {                                                                                              \
        (void)o, (void)n;                                                                          \
        return call;                                                                               \
    }
CALLS(CALLER)

static const struct {
    const char *name;
    gt_tensor *(*call)(gt_tensor *const in[], const double *o, int n);
} callers[] = {
#define ENTRY(name, call) {#name, call_##name},
    CALLS(ENTRY)};
enum { N_CALLERS = sizeof callers / sizeof *callers };

static int caller_of(const char *op)
{
    for (int i = 0; i < N_CALLERS; i++)
        if (!strcmp(callers[i].name, op)) return i;
    fail_msg("reference/ops.txt has %s, which no caller knows", op);
    return -1;
}

/* --- the reference file --- */

enum { MAX_OPTS = 16, MAX_IN = 3 };

typedef struct {
    gt_shape shape;
    size_t size;
    double *value;
} array;

typedef struct {
    char op[32], label[64];
    double opts[MAX_OPTS];
    int n_opts, n_in;
    array in[MAX_IN], grad[MAX_IN], dy, y;
} reference;

static double read_number(FILE *f)
{
    double value;
    assert_int_equal(fscanf(f, "%lf", &value), 1);
    return value;
}

static array read_array(FILE *f)
{
    array a = {.size = 1};
    a.shape.ndim = (int)read_number(f);
    assert_in_range(a.shape.ndim, 0, GT_MAX_DIMS);
    for (int i = 0; i < a.shape.ndim; i++) {
        a.shape.dim[i] = (int64_t)read_number(f);
        a.size *= (size_t)a.shape.dim[i];
    }
    a.value = calloc(a.size + 1, sizeof *a.value);
    assert_non_null(a.value);
    for (size_t i = 0; i < a.size; i++) a.value[i] = read_number(f);
    return a;
}

/* Reads the case whose line has just been begun; `word` gets the first word after it. False when
 * there is none. */
static bool read_case(FILE *f, reference *r, char word[32])
{
    *r = (reference){0};
    if (fscanf(f, "%31s", r->op) != 1) return false;
    assert_int_equal(fscanf(f, "%63s opts", r->label), 1);
    r->n_opts = (int)read_number(f);
    assert_in_range(r->n_opts, 0, MAX_OPTS);
    for (int i = 0; i < r->n_opts; i++) r->opts[i] = read_number(f);
    while (fscanf(f, "%31s", word) == 1 && strcmp(word, "case") != 0) {
        const int digit = word[strlen(word) - 1] - '0';
        array *to = !strcmp(word, "dy") ? &r->dy : &r->y;
        if (!strncmp(word, "in", 2)) to = &r->in[digit], r->n_in = digit + 1;
        if (word[0] == 'g') to = &r->grad[digit];
        *to = read_array(f);
    }
    return true;
}

static void free_case(reference *r)
{
    for (int i = 0; i < r->n_in; i++) {
        free(r->in[i].value);
        free(r->grad[i].value);
    }
    free(r->y.value);
    free(r->dy.value);
}

static int for_each_case(void (*check)(const reference *r))
{
    FILE *f = fopen(GT_SOURCE_DIR "/tests/reference/ops.txt", "r");
    if (!f) fail_msg("no " GT_SOURCE_DIR "/tests/reference/ops.txt; tools/reference.py writes it");
    char word[32] = "";
    while (fscanf(f, "%31s", word) == 1 && strcmp(word, "case") != 0) continue;
    reference r;
    int count = 0;
    for (; !strcmp(word, "case"); count++) {
        word[0] = 0;
        if (!read_case(f, &r, word)) break;
        check(&r);
        free_case(&r);
    }
    fclose(f);
    return count;
}

/* --- values and gradients --- */

static gt_tensor *tensor_of(gt_ctx *gt, const array *a, gt_dtype dtype, bool leaf)
{
    return gt_values_(gt, a->shape, a->size, a->value,
                      (gt_new_opts){.dtype = dtype, .requires_grad = leaf});
}

static void compare(const reference *r, const char *what, const gt_tensor *got, const array *want)
{
    char got_shape[128], want_shape[128];
    if (!got) {
        fail_msg("%s %s: no %s", r->op, r->label, what);
        return;
    }
    if (!gt_shape_equal(got->shape, want->shape))
        fail_msg("%s %s: %s is %s, not %s", r->op, r->label, what,
                 gt_shape_format(got->shape, got_shape, sizeof got_shape),
                 gt_shape_format(want->shape, want_shape, sizeof want_shape));
    const double tolerance = got->dtype == GT_F64 ? 1e-12 : 1e-5;
    for (size_t i = 0; i < want->size; i++) {
        const double a = element(got, (int64_t)i), b = want->value[i];
        const bool same = isnan(b) ? isnan(a) : fabs(a - b) <= tolerance * fmax(1, fabs(b));
        if (!same)
            fail_msg("%s %s %s: %s element %zu is %.17g, not %.17g", r->op, r->label,
                     gt_dtype_name(got->dtype), what, i, a, b);
    }
}

static void check_against_reference(const reference *r, gt_dtype dtype)
{
    gt_ctx *gt = gt_open();
    gt_tensor *in[MAX_IN] = {0};
    for (int i = 0; i < r->n_in; i++) in[i] = tensor_of(gt, &r->in[i], dtype, true);
    gt_tensor *y = callers[caller_of(r->op)].call(in, r->opts, r->n_opts);
    if (gt_failed(gt)) fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    compare(r, "y", y, &r->y);
    if (gt_backward(y, .upstream = tensor_of(gt, &r->dy, dtype, false)) != GT_OK)
        fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    for (int i = 0; i < r->n_in; i++) compare(r, "a gradient", in[i]->grad, &r->grad[i]);
    gt_close(gt);
}

static void check_f32(const reference *r)
{
    check_against_reference(r, GT_F32);
}

static void check_f64(const reference *r)
{
    check_against_reference(r, GT_F64);
}

static void test_f32(void **state)
{
    (void)state;
    assert_true(for_each_case(check_f32) > 200);
}

static void test_f64(void **state)
{
    (void)state;
    assert_true(for_each_case(check_f64) > 200);
}

/* Operations that only move elements do so for whole numbers, too. |v| * 4 is whole, and moving
 * commutes with it. */
static void check_moving(const reference *r, gt_dtype dtype)
{
    static const char *const moving[] = {"broadcast_to", "reshape", "permute", "transpose",
                                         "flip",         "slice",   "slice_dx"};
    bool moves = false;
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++) moves |= !strcmp(moving[i], r->op);
    if (!moves) return;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_empty(gt, r->in[0].shape, .dtype = dtype);
    for (size_t i = 0; i < r->in[0].size; i++) {
        const double value = fabs(r->in[0].value[i]) * 4;
        if (dtype == GT_U8) ((uint8_t *)x->data)[i] = (uint8_t)value;
        else ((int64_t *)x->data)[i] = (int64_t)value;
    }
    gt_tensor *y = callers[caller_of(r->op)].call(&x, r->opts, r->n_opts);
    if (!y) fail_msg("%s %s: %s", r->op, r->label, gt_error_message(gt));
    assert_int_equal(y->dtype, dtype);
    for (size_t i = 0; i < r->y.size; i++)
        if (element(y, (int64_t)i) != fabs(r->y.value[i]) * 4)
            fail_msg("%s %s: element %zu differs", r->op, r->label, i);
    gt_close(gt);
}

static void check_whole(const reference *r)
{
    check_moving(r, GT_I64);
    check_moving(r, GT_U8);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    for_each_case(check_whole);
}

static int seen[N_CALLERS];

static void count_case(const reference *r)
{
    seen[caller_of(r->op)]++;
}

static void test_every_operation_has_references(void **state)
{
    (void)state;
    memset(seen, 0, sizeof seen);
    for_each_case(count_case);
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++)
        if (seen[caller_of(info[i].name)] == 0) fail_msg("no reference for %s", info[i].name);
}

/* --- what the file does not show --- */

static void test_composed_functions_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3));
    gt_sum_to(x, GT_SHAPE(2));
    assert_error(gt, GT_ERR_SHAPE, "sum_to (test_ops.c:");
    gt_sum_to(x, GT_SHAPE(2, -1));
    assert_error(gt, GT_ERR_SHAPE, "[2,-1]");
    gt_transpose(x, -3, 0);
    assert_error(gt, GT_ERR_SHAPE, "there is no axis -3 in x [2,3]");
    gt_transpose(x, 0, 2);
    assert_error(gt, GT_ERR_SHAPE, "there is no axis 2 in x [2,3]");
    gt_rdiv_scalar(gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64), 2);
    assert_error(gt, GT_ERR_DTYPE, "i64");
    gt_tensor *const none[] = {gt_sum_to(NULL, GT_SCALAR), gt_transpose(NULL, 0, 1),
                               gt_div_scalar(NULL, 2), gt_rsub_scalar(NULL, 2),
                               gt_rdiv_scalar(NULL, 2)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(none[i]);
    assert_error(NULL, GT_ERR_ARGUMENT, "rdiv_scalar");
    assert_well(gt);
}

static void test_reshape_shares_data(void **state)
{
    gt_tensor *x = gt_ones(*state, GT_SHAPE(2, 3));
    assert_ptr_equal(gt_reshape(x, GT_SHAPE(3, 2))->data, x->data);
}

/* A division by a number is that, not a product with its rounded inverse. */
static void test_division_by_a_number_is_exact(void **state)
{
    gt_tensor *x = gt_arange(*state, 1, 200, 1), *y = gt_div_scalar(x, 3);
    for (int64_t i = 0; i < x->size; i++)
        assert_true(((const float *)y->data)[i] == ((const float *)x->data)[i] / 3.0f);
}

/* Other dimensions of an empty tensor may have a product beyond all sizes. */
static void test_empty_with_huge_dimensions(void **state)
{
    gt_ctx *gt = *state;
    const int64_t huge = INT64_C(1) << 30;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(0, huge, huge), .requires_grad = true);
    gt_tensor *y = gt_flip(gt_permute(gt_square(x), 2, 0, 1), GT_AXES(0));
    y = gt_add(gt_slice(y, 1, 0, GT_END), gt_ones(gt, GT_SHAPE(1, 1)));
    if (gt_backward(gt_sum(gt_sum(y, .axes = GT_AXES(0)))) != GT_OK)
        fail_msg("%s", gt_error_message(gt));
    assert_int_equal(x->grad->size, 0);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_f64),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_every_operation_has_references),
        FRESH(test_composed_functions_refuse),
        FRESH(test_reshape_shares_data),
        FRESH(test_division_by_a_number_is_exact),
        FRESH(test_empty_with_huge_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

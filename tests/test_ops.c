/* The first operations' values and gradients against PyTorch's (reference/ops.txt, written by
 * tools/reference.py), that every operation has such references in one of the files there, and what
 * that does not show. That gradients of gradients are right is the gradient checker's to prove
 * (test_registry.c); error samples are test_samples.c's. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>

#include "reference.h"

/* --- how to call them: in are the inputs, o the n numbers of the case's line "opts" --- */

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
    ROW(sum_to, gt_sum_to(IN1, shape(o, n)))                                                       \
    ROW(matmul, gt_matmul(IN2, .transpose_a = o[0] != 0, .transpose_b = o[1] != 0))                \
    ROW(corr2d, gt_corr2d(IN2))                                                                    \
    ROW(conv2d, gt_conv2d_(IN2, conv_opts(o, in[2])))                                              \
    ROW(conv2d_dx, gt_conv2d_dx(IN2, shape(o + 7, n - 7), conv_opts(o, NULL)))                     \
    ROW(conv2d_dw, gt_conv2d_dw(IN2, shape(o + 7, n - 7), conv_opts(o, NULL)))                     \
    ROW(add_bias, gt_add_bias(IN2))
/* Those that only move elements. */
#define MOVES(ROW)                                                                                 \
    ROW(broadcast_to, gt_broadcast_to(IN1, shape(o, n)))                                           \
    ROW(reshape, gt_reshape(IN1, shape(o, n)))                                                     \
    ROW(permute, gt_permute_(IN1, n, whole(o, n).order))                                           \
    ROW(transpose, gt_transpose(IN1, (int)o[0], (int)o[1]))                                        \
    ROW(flip, gt_flip(IN1, GT_AXES_MARK | axes(o, n)))                                             \
    ROW(slice, gt_slice(IN1, (int)o[0], place(o[1]), place(o[2]), .step = place(o[3])))            \
    ROW(slice_dx, gt_slice_dx(IN1, shape(o + 3, n - 3), (int)o[0], place(o[1]), place(o[2])))

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
                            .padding = EXACTLY((int)o[2], (int)o[3]),
                            .dilation = {(int)o[4], (int)o[5]},
                            .groups = (int)o[6],
                            .bias = bias};
}

CALLS(REFERENCE_CALL)
MOVES(REFERENCE_CALL)

static const reference_caller callers[] = {CALLS(REFERENCE_ROW) MOVES(REFERENCE_MOVE){0}};

/* --- values and gradients --- */

static void check_whole(const reference *r, const reference_caller *c)
{
    check_moving(r, c, GT_I64);
    check_moving(r, c, GT_U8);
}

static void test_references(void **state)
{
    (void)state;
    check_references("ops.txt", callers, 200);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    for_each_case("ops.txt", callers, check_whole);
}

/* --- every operation has references --- */

/* Kernels of a function that is itself the one with references. */
static const struct {
    const char *kernel, *function;
} kernels[] = {{"cross_entropy_classes", "cross_entropy"}};

/* Marks an operation, and those that are kernels of its. */
static void mark(const char *name, const gt_op_info *info, bool *seen)
{
    const gt_op_info *found = gt_op_find(name);
    if (found) seen[found - info] = true;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (!strcmp(kernels[i].function, name)) mark(kernels[i].kernel, info, seen);
}

/* Marks the operations that have a case in a file of tests/reference. */
static void mark_referenced(const char *file, const gt_op_info *info, bool *seen)
{
    char path[512], word[64];
    snprintf(path, sizeof path, GT_SOURCE_DIR "/tests/reference/%s", file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fscanf(f, "%63s", word) == 1) {
        if (strcmp(word, "case") != 0 || fscanf(f, "%63s", word) != 1) continue;
        mark(word, info, seen);
    }
    fclose(f);
}

static void test_every_operation_has_references(void **state)
{
    (void)state;
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    bool *seen = calloc(n, sizeof *seen);
    DIR *folder = opendir(GT_SOURCE_DIR "/tests/reference");
    assert_non_null(seen);
    assert_non_null(folder);
    for (const struct dirent *d; (d = readdir(folder));)
        if (strstr(d->d_name, ".txt")) mark_referenced(d->d_name, info, seen);
    closedir(folder);
    int missing = 0;
    for (size_t i = 0; i < n; i++) {
        const bool in_place = info[i].op && info[i].op->flags & GT_OP_INTO;
        if (seen[i] || in_place) continue; /* those have test_in_place.c */
        print_error("no reference for %s: give it a case in one of tools/reference*.py, run that, "
                    "and, unless its row in ops.def makes it, a row in the test of that file\n",
                    info[i].name);
        missing++;
    }
    free(seen);
    assert_int_equal(missing, 0);
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

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_every_operation_has_references),
        FRESH(test_composed_functions_refuse),
        FRESH(test_reshape_shares_data),
        FRESH(test_division_by_a_number_is_exact),
        FRESH(test_empty_with_huge_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

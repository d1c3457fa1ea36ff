/* Convolutions and folds: values and first gradients against PyTorch's (reference/conv.txt, written
 * by tools/reference_conv.py), and what calls refuse. */
#include <limits.h>

#include "reference.h"

/* --- how to call each operation --- */

typedef struct {
    int n[12];
} numbers;

static numbers whole(const double *o, int n)
{
    numbers w = {0};
    for (int i = 0; i < n && i < 12; i++) w.n[i] = (int)o[i];
    return w;
}

static gt_tensor *conv1d(gt_tensor *const in[], const numbers w)
{
    return gt_conv1d(in[0], in[1], .stride = w.n[0], .padding = w.n[1], .dilation = w.n[2],
                     .groups = w.n[3], .same_padding = w.n[4] != 0, .bias = in[2]);
}

static gt_tensor *conv2d(gt_tensor *const in[], const numbers w)
{
    return gt_conv2d(in[0], in[1], .stride = {w.n[0], w.n[1]}, .padding = EXACTLY(w.n[2], w.n[3]),
                     .dilation = {w.n[4], w.n[5]}, .groups = w.n[6], .same_padding = w.n[7] != 0,
                     .bias = in[2]);
}

static gt_tensor *transpose1d(gt_tensor *const in[], const numbers w)
{
    return gt_conv_transpose1d(in[0], in[1], .stride = w.n[0], .padding = w.n[1],
                               .output_padding = w.n[2], .dilation = w.n[3], .groups = w.n[4],
                               .bias = in[2]);
}

static gt_tensor *transpose2d(gt_tensor *const in[], const numbers w)
{
    return gt_conv_transpose2d(in[0], in[1], .stride = {w.n[0], w.n[1]},
                               .padding = EXACTLY(w.n[2], w.n[3]),
                               .output_padding = EXACTLY(w.n[4], w.n[5]),
                               .dilation = {w.n[6], w.n[7]}, .groups = w.n[8], .bias = in[2]);
}

static gt_fold_opts fold_opts(const numbers w)
{
    return (gt_fold_opts){.kernel = {w.n[0], w.n[1]},
                          .stride = {w.n[2], w.n[3]},
                          .padding = EXACTLY(w.n[4], w.n[5]),
                          .dilation = {w.n[6], w.n[7]}};
}

#define CALLS(ROW)                                                                                 \
    ROW(conv1d, conv1d(in, whole(o, n)))                                                           \
    ROW(conv2d, conv2d(in, whole(o, n)))                                                           \
    ROW(conv_transpose1d, transpose1d(in, whole(o, n)))                                            \
    ROW(conv_transpose2d, transpose2d(in, whole(o, n)))                                            \
    ROW(unfold, gt_unfold_(in[0], fold_opts(whole(o, n))))                                         \
    ROW(fold, gt_fold_(in[0], (int64_t)o[8], (int64_t)o[9], fold_opts(whole(o, n))))

CALLS(REFERENCE_CALL)
static const reference_caller callers[] = {CALLS(REFERENCE_ROW){NULL, NULL, false}};

static void test_references(void **state)
{
    (void)state;
    check_references("conv.txt", callers, 70);
}

/* --- what the file does not show --- */

static void test_calls_say_where(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 4, 9)), *w = gt_ones(gt, GT_SHAPE(2, 4, 3));
    assert_null(gt_conv1d(x, w, .stride = -1));
    assert_error(gt, GT_ERR_ARGUMENT, "conv1d (test_conv.c:");
    assert_null(gt_conv1d(x, w, .dilation = 5));
    assert_error(gt, GT_ERR_SHAPE, "kernel 11 (dilated) is larger than the padded input 9");
    assert_null(gt_conv1d(x, w, .bias = gt_ones(gt, GT_SHAPE(4))));
    assert_error(gt, GT_ERR_SHAPE, "bias is [4], must be [2]");
    assert_null(gt_conv_transpose1d(x, w));
    assert_error(gt, GT_ERR_SHAPE, "conv_transpose1d (test_conv.c:");
    assert_null(gt_conv_transpose2d(x, w));
    assert_error(gt, GT_ERR_SHAPE, "weight [2,4,3] has 3 dimensions, needs 4: [c,k/groups,kh,kw]");
    assert_null(gt_unfold(gt_ones(gt, GT_SHAPE(1, 1, 4, 4))));
    assert_error(gt, GT_ERR_ARGUMENT, "unfold (test_conv.c:");
    assert_null(gt_fold(x, 3, 3, .kernel = {2}));
    assert_error(gt, GT_ERR_SHAPE, "x has 9 columns, but an image of 3x3 has 2x2 windows");
    assert_well(gt);
}

static void test_null_is_refused(void **state)
{
    (void)state;
    gt_tensor *const none[] = {gt_conv1d(NULL, NULL), gt_conv_transpose1d(NULL, NULL),
                               gt_conv_transpose2d(NULL, NULL), gt_unfold(NULL),
                               gt_fold(NULL, 2, 2, .kernel = {1})};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(none[i]);
    assert_error(NULL, GT_ERR_ARGUMENT, "fold");
}

/* Sizes near the ends of their types are refused, not computed. */
static void test_sizes_overflow(void **state)
{
    gt_ctx *gt = *state;
    const int most = INT_MAX;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 8, 3, 3)), *w = gt_ones(gt, GT_SHAPE(8, 8, 2, 2));
    assert_null(gt_conv_transpose2d(x, w, .stride = {most}, .dilation = {most}));
    assert_error(gt, GT_ERR_MEMORY, "overflow");
    assert_null(gt_unfold(x, .kernel = {1}, .padding = {most, most}));
    assert_error(gt, GT_ERR_MEMORY, "");
    assert_null(gt_conv2d(x, w, .same_padding = true, .dilation = {most}, .stride = {2}));
    assert_error(gt, GT_ERR_ARGUMENT, "same_padding");
    gt_tensor *wide = gt_conv2d(x, w, .same_padding = true, .dilation = {most});
    assert_non_null(wide);
    assert_true(gt_same_shape(x, wide));
}

/* Where taps fall into padding alone, the convolution is the bias. */
static void test_padding_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_full(gt, GT_SHAPE(1, 1, 2), INFINITY), *w = gt_ones(gt, GT_SHAPE(1, 1, 2));
    gt_tensor *y = gt_conv1d(x, w, .padding = 3, .bias = gt_full(gt, GT_SHAPE(1), 5));
    assert_int_equal(y->size, 7);
    assert_true(element(y, 0) == 5 && element(y, 6) == 5 && isinf(element(y, 3)));
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references), FRESH(test_calls_say_where), FRESH(test_null_is_refused),
        FRESH(test_sizes_overflow),        FRESH(test_padding_alone),
    };
    return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

/* Bad input, one row each: what is done, and the code and words of the message it must give. After
 * each the context works on, and nothing leaks (the sanitizer's run sees to that). */
#include "support.h"

typedef struct {
    gt_ctx *gt, *other;
    gt_tensor *m23, *m34, *v3, *image, *kernel; /* [2,3] [3,4] [3] [1,4,8,8] [6,4,3,3] */
    gt_tensor *f64, *labels, *leaf;             /* [2,3] f64, [2,3] i64, [2] requiring gradients */
} bench;

// clang-format off
#define DO(name) static void name(bench *b)
DO(add_null) { gt_add(b->m23, NULL); }
DO(add_first_null) { gt_add(NULL, b->m23); }
DO(conv_null_weight) { gt_conv2d(b->image, NULL); }
DO(add_shapes) { gt_add(b->m23, b->m34); }
DO(add_dtypes) { gt_add(b->m23, b->f64); }
DO(add_labels) { gt_add(b->labels, b->labels); }
DO(mul_contexts) { gt_mul(b->m23, gt_ones(b->other, GT_SHAPE(2, 3))); }
DO(matmul_inner) { gt_matmul(b->m23, b->m23); }
DO(matmul_scalar) { gt_matmul(gt_scalar(b->gt, 1), b->m23); }
DO(corr_rank) { gt_corr2d(b->image, b->m23); }
DO(corr_large) { gt_corr2d(b->m23, b->m34); }
DO(conv_rank) { gt_conv2d(b->m23, b->kernel); }
DO(conv_channels) { gt_conv2d(gt_ones(b->gt, GT_SHAPE(1, 5, 8, 8)), b->kernel); }
DO(conv_nhwc) { gt_conv2d(gt_ones(b->gt, GT_SHAPE(1, 8, 8, 4)), b->kernel); }
DO(conv_large) { gt_conv2d(gt_ones(b->gt, GT_SHAPE(1, 4, 2, 2)), b->kernel); }
DO(conv_dilated) { gt_conv2d(b->image, b->kernel, .dilation = {4}); }
DO(conv_stride) { gt_conv2d(b->image, b->kernel, .stride = {-1, 1}); }
DO(conv_padding) { gt_conv2d(b->image, b->kernel, .padding = {0, -2}); }
DO(conv_groups) { gt_conv2d(b->image, b->kernel, .groups = 3); }
DO(conv_bias) { gt_conv2d(b->image, b->kernel, .bias = b->v3); }
DO(conv_dtype) { gt_conv2d(b->image, gt_ones(b->gt, GT_SHAPE(6, 4, 3, 3), .dtype = GT_F64)); }
DO(conv_overflow)
{
    gt_conv2d(gt_zeros(b->gt, GT_SHAPE(0, 1, 1, 1)), gt_zeros(b->gt, GT_SHAPE(1, 1, 1, 1)),
              .padding = {2147483647, 2147483647});
    if (!gt_failed(b->gt)) gt_zeros(b->gt, GT_SHAPE(1LL << 33, 1LL << 33));
}
DO(size_overflow) { gt_zeros(b->gt, GT_SHAPE(1LL << 33, 1LL << 33)); }
DO(size_negative) { gt_zeros(b->gt, GT_SHAPE(2, -3)); }
DO(dims_9) { gt_zeros(b->gt, GT_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)); }
DO(values_count) { gt_values(b->gt, GT_SHAPE(2, 2), 1, 2, 3); }
DO(from_null) { gt_from(b->gt, GT_SHAPE(2), NULL); }
DO(grad_of_labels) { gt_zeros(b->gt, GT_SHAPE(2), .dtype = GT_I64, .requires_grad = true); }
DO(reshape_size) { gt_reshape(b->m23, GT_SHAPE(4, 2)); }
DO(reshape_unknown) { gt_reshape(b->m23, GT_SHAPE(4, -1)); }
DO(permute_twice) { gt_permute(b->m23, 0, 0); }
DO(permute_count) { gt_permute(b->m23, 1, 0, 2); }
DO(transpose_axis) { gt_transpose(b->m23, 0, 2); }
DO(sum_axis) { gt_sum(b->m23, .axes = GT_AXES(2)); }
DO(sum_number) { gt_sum(b->m23, .axes = 1); }
DO(sum_minus_1) { gt_mean(b->m23, .axes = (unsigned)-1); }
DO(sum_far_axis) { gt_sum(b->m23, .axes = GT_AXES(32)); }
DO(max_number) { gt_amax(b->m23, .axes = 1); }
DO(squeeze_number) { gt_squeeze(b->m23, .axes = 2); }
DO(var_number) { gt_var(b->m23, .axes = 1); }
DO(flip_number) { gt_flip(b->m23, 1); }
DO(flip_zero) { gt_flip(b->m23, 0); }
DO(flip_axis) { gt_flip(b->m23, GT_AXES(3)); }
DO(slice_axis) { gt_slice(b->m23, 5, 0, 1); }
DO(broadcast_shape) { gt_broadcast_to(b->m23, GT_SHAPE(2, 4)); }
DO(bias_rank) { gt_add_bias(b->v3, b->v3); }
DO(bias_size) { gt_add_bias(b->m34, b->v3); }
DO(backward_many) { gt_backward(gt_square(b->leaf)); }
DO(backward_constant) { gt_backward(gt_sum(b->m23)); }
DO(backward_null) { (void)b, gt_backward(NULL); }
DO(backward_upstream) { gt_backward(gt_square(b->leaf), .upstream = b->v3); }
DO(backward_twice)
{
    gt_tensor *loss = gt_sum(gt_square(b->leaf));
    gt_backward(loss);
    gt_backward(loss);
}
DO(dropped)
{
    gt_mark here = gt_mark_tape(b->gt);
    gt_tensor *t = gt_square(b->leaf);
    gt_rewind(b->gt, here);
    gt_square(t);
}
DO(kept_alias)
{
    gt_mark here = gt_mark_tape(b->gt);
    gt_tensor *t = gt_ones(b->gt, GT_SHAPE(2));
    gt_keep(t);
    gt_rewind(b->gt, here);
    gt_square(t);
}
DO(freed)
{
    gt_tensor *t = gt_keep(gt_ones(b->gt, GT_SHAPE(2)));
    gt_free(t);
    gt_square(t);
}
DO(item_of_many) { gt_item(b->m23); }
DO(get_outside) { gt_get(b->m23, 1, 3); }
DO(get_rank) { gt_get(b->m23, 1); }
DO(fill_slice_axis) { gt_fill_slice(b->m23, 2, 0, 1, 0); }
DO(fill_u8) { gt_fill(gt_zeros(b->gt, GT_SHAPE(2), .dtype = GT_U8), 256); }
DO(batches_of_a_number)
{
    gt_kl_div(gt_scalar(b->gt, 1), gt_scalar(b->gt, 1), .reduction = GT_BATCHMEAN);
}
DO(copy_shape) { gt_copy_into(b->m23, b->m34); }
DO(copy_into_nothing) { gt_copy_into(NULL, b->m34); }
DO(copy_dtype) { gt_copy_into(b->m23, b->f64); }
DO(require_result) { gt_require_grad(gt_square(b->leaf), false); }
DO(lazy_channels)
{
    gt_module *conv = gt_nn_lazy_conv2d(b->gt, 2, .kernel = {3});
    gt_forward(conv, b->image);
    gt_forward(conv, gt_ones(b->gt, GT_SHAPE(1, 3, 8, 8)));
}
DO(module_groups) { gt_nn_conv2d(b->gt, 4, 6, .kernel = {3}, .groups = 4); }
DO(module_kernel) { gt_nn_conv2d(b->gt, 4, 6); }
DO(linear_unflattened)
{
    gt_module *net = gt_nn_sequential(b->gt, gt_nn_linear(b->gt, 256, 3));
    gt_forward(net, b->image);
}
DO(batch_of_one)
{
    gt_forward(gt_nn_batch_norm1d(b->gt, 3), gt_ones(b->gt, GT_SHAPE(1, 3)));
}
DO(label_dtype) { gt_cross_entropy(b->m23, gt_ones(b->gt, GT_SHAPE(2))); }
DO(labels_first) { gt_cross_entropy(gt_ones(b->gt, GT_SHAPE(2), .dtype = GT_I64), b->m23); }
DO(label_column) { gt_cross_entropy(b->m23, gt_zeros(b->gt, GT_SHAPE(2, 1), .dtype = GT_I64)); }
DO(sgd_rate) { gt_sgd(gt_nn_conv2d(b->gt, 1, 1, .kernel = {1}), .lr = -1); }
#undef DO
// clang-format on

static const struct row {
    const char *name;
    void (*call)(bench *b);
    gt_status code;
    const char *says[3];
} rows[] = {
// clang-format off
#define ROW(call, code, ...) {#call, call, GT_ERR_##code, {__VA_ARGS__}}
    ROW(add_null, ARGUMENT, "add (test_errors.c:", "input b is NULL"),
    ROW(add_first_null, ARGUMENT, "input a is NULL"),
    ROW(conv_null_weight, ARGUMENT, "conv2d (test_errors.c:", "weight is NULL"),
    ROW(add_shapes, SHAPE, "[2,3]", "[3,4]", "do not broadcast"),
    ROW(add_dtypes, DTYPE, "a is f32", "b is f64", "hint: gt_cast"),
    ROW(add_labels, DTYPE, "i64"),
    ROW(mul_contexts, ARGUMENT, "input b belongs to another context"),
    ROW(matmul_inner, SHAPE, "[2,3]", "3", "2"),
    ROW(matmul_scalar, SHAPE, "matmul", "[]"),
    ROW(corr_rank, SHAPE, "[1,4,8,8]"),
    ROW(corr_large, SHAPE, "[3,4]", "[2,3]", "larger"),
    ROW(conv_rank, SHAPE, "conv2d", "[2,3]"),
    ROW(conv_channels, SHAPE, "5 channels", "4"),
    ROW(conv_nhwc, SHAPE, "NHWC", "gt_permute(x, 0, 3, 1, 2)"),
    ROW(conv_large, SHAPE, "3x3", "2x2", "larger"),
    ROW(conv_dilated, SHAPE, "9x9", "8x8", "larger"),
    ROW(conv_stride, ARGUMENT, "stride", "-1"),
    ROW(conv_padding, ARGUMENT, "padding", "-2"),
    ROW(conv_groups, SHAPE, "4", "3 groups"),
    ROW(conv_bias, SHAPE, "conv2d", "[3]", "6"),
    ROW(conv_dtype, DTYPE, "x is f32", "weight is f64"),
    ROW(conv_overflow, MEMORY, "overflow"),
    ROW(size_overflow, MEMORY, "[8589934592,8589934592] overflows"),
    ROW(size_negative, SHAPE, "[2,-3] is negative"),
    ROW(dims_9, SHAPE, "more than 8 dimensions"),
    ROW(values_count, SHAPE, "3 values for shape [2,2] of 4 elements"),
    ROW(from_null, ARGUMENT, "data is NULL"),
    ROW(grad_of_labels, DTYPE, "i64 has no gradients"),
    ROW(reshape_size, SHAPE, "6", "[4,2]", "8"),
    ROW(reshape_unknown, SHAPE, "6", "[4,-1]"),
    ROW(permute_twice, ARGUMENT, "permute", "0"),
    ROW(permute_count, SHAPE, "3", "2"),
    ROW(transpose_axis, SHAPE, "no axis 2"),
    ROW(sum_axis, SHAPE, "sum", "no axis 2"),
    ROW(sum_number, SHAPE, "sum (test_errors.c:", "axes is 1", "write GT_AXES(1)"),
    ROW(sum_minus_1, SHAPE, "mean (", "axes is -1", "write GT_AXES(-1)"),
    ROW(sum_far_axis, SHAPE, "no axis below -15 or above 14"),
    ROW(max_number, SHAPE, "amax (", "write GT_AXES(1)"),
    ROW(squeeze_number, SHAPE, "squeeze (", "write GT_AXES(2)"),
    ROW(var_number, SHAPE, "var (", "write GT_AXES(1)"),
    ROW(flip_number, SHAPE, "flip (", "write GT_AXES(1)"),
    ROW(flip_zero, SHAPE, "flip (", "write GT_AXES(0)"),
    ROW(flip_axis, SHAPE, "flip", "no axis 3"),
    ROW(slice_axis, SHAPE, "slice", "no axis 5"),
    ROW(broadcast_shape, SHAPE, "[2,3]", "[2,4]"),
    ROW(bias_rank, SHAPE, "add_bias", "[3]"),
    ROW(bias_size, SHAPE, "add_bias", "[3]", "4"),
    ROW(backward_many, SHAPE, "2 elements, shape [2]", "hint: reduce it"),
    ROW(backward_constant, STATE, "requires no gradient", "hint: "),
    ROW(backward_null, ARGUMENT, "gt_backward", "NULL"),
    ROW(backward_upstream, SHAPE, "upstream has shape [3]", "[2]"),
    ROW(backward_twice, STATE, "released by an earlier gt_backward", ".retain = true"),
    ROW(dropped, STATE, "square (test_errors.c:", "input x, made at test_errors.c:", ", was dropped by gt_rewind"),
    ROW(kept_alias, STATE, "was kept, but", "use what gt_keep"),
    ROW(freed, STATE, "was freed by gt_free"),
    ROW(linear_unflattened, SHAPE, "linear '0' (test_errors.c:", "hint: gt_nn_flatten"),
    ROW(batch_of_one, SHAPE, "one element a channel", "gt_eval"),
    ROW(label_dtype, DTYPE, "cross_entropy (test_errors.c:", "gt_cast(target, GT_I64)"),
    ROW(labels_first, DTYPE, "comes behind what was predicted"),
    ROW(label_column, SHAPE, "has rows [2]", "gt_reshape"),
    ROW(item_of_many, SHAPE, "gt_item", "6 elements", "[2,3]"),
    ROW(get_outside, ARGUMENT, "index 3 is outside dimension 1 of 3"),
    ROW(get_rank, ARGUMENT, "1 indices for a tensor of 2 dimensions"),
    ROW(fill_slice_axis, SHAPE, "no axis 2 in a tensor of 2 dimensions"),
    ROW(fill_u8, ARGUMENT, "256 does not fit into u8"),
    ROW(batches_of_a_number, SHAPE, "a number has no batches"),
    ROW(copy_shape, SHAPE, "[3,4] into [2,3]"),
    ROW(copy_into_nothing, ARGUMENT, "the tensor to copy into is NULL"),
    ROW(copy_dtype, DTYPE, "f64 into f32"),
    ROW(require_result, STATE, "not a leaf"),
    ROW(lazy_channels, SHAPE, "3", "4"),
    ROW(module_groups, ARGUMENT, "6", "4"),
    ROW(module_kernel, ARGUMENT, "kernel"),
    ROW(sgd_rate, ARGUMENT, "lr", "-1"),
#undef ROW
    // clang-format on
};

static int open_bench(void **state)
{
    static bench b;
    gt_ctx *gt = gt_open();
    b = (bench){
        .gt = gt,
        .other = gt_open(),
        .m23 = gt_ones(gt, GT_SHAPE(2, 3)),
        .m34 = gt_ones(gt, GT_SHAPE(3, 4)),
        .v3 = gt_ones(gt, GT_SHAPE(3)),
        .image = gt_ones(gt, GT_SHAPE(1, 4, 8, 8)),
        .kernel = gt_ones(gt, GT_SHAPE(6, 4, 3, 3)),
        .f64 = gt_ones(gt, GT_SHAPE(2, 3), .dtype = GT_F64),
        .labels = gt_zeros(gt, GT_SHAPE(2, 3), .dtype = GT_I64),
        .leaf = gt_ones(gt, GT_SHAPE(2), .requires_grad = true),
    };
    *state = &b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    gt_close(b->gt);
    gt_close(b->other);
    return 0;
}

static bool check_row(bench *b, const struct row *row)
{
    row->call(b);
    /* A call without any tensor leaves its message to the thread. */
    gt_ctx *gt = gt_failed(b->gt) ? b->gt : NULL;
    bool ok = gt_error_code(gt) == row->code;
    for (int i = 0; i < 3 && row->says[i]; i++)
        ok = ok && strstr(gt_error_message(gt), row->says[i]);
    if (!ok)
        print_error("%s: %s: %s\n", row->name, gt_status_name(gt_error_code(gt)),
                    gt_error_message(gt));
    assert_false(gt_failed(b->other));
    gt_error_clear(gt);
    return ok;
}

static void works(bench *b)
{
    gt_clear_grad(b->leaf);
    assert_int_equal(gt_backward(gt_sum(gt_square(b->leaf))), GT_OK);
    ASSERT_VALUES(b->leaf->grad, 0, 2, 2);
    assert_string_equal(gt_error_message(b->gt), "");
}

static void every_row_gives_its_message(void **state)
{
    bench *b = *state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_mark here = gt_mark_tape(b->gt);
        wrong += !check_row(b, &rows[i]);
        works(b);
        gt_rewind(b->gt, here);
    }
    assert_int_equal(wrong, 0);
}

static void the_first_error_stays(void **state)
{
    bench *b = *state;
    gt_tensor *t = gt_add(b->m23, b->m34);
    const int line = __LINE__ - 1;
    gt_tensor *u = gt_matmul(gt_square(t), b->m23);
    gt_backward(gt_sum(u));
    gt_fill(b->m23, 2);
    char place[64];
    snprintf(place, sizeof place, "add (test_errors.c:%d): ", line);
    assert_true(gt_item(b->m23) != gt_item(b->m23));
    assert_error(b->gt, GT_ERR_SHAPE, place);
    ASSERT_VALUES(b->m23, 0, 1, 1, 1, 1, 1, 1);
}

/* Calls that are no operations note their place too, and keep it. */
static void places_are_not_mixed_up(void **state)
{
    bench *b = *state;
    gt_fill_slice(b->m23, 9, 0, 1, 0);
    char place[64];
    snprintf(place, sizeof place, "gt_fill_slice (test_errors.c:%d): ", __LINE__ - 2);
    gt_add(b->m23, b->m23);
    assert_error(b->gt, GT_ERR_SHAPE, place);
    gt_item(b->m23);
    snprintf(place, sizeof place, "gt_item (test_errors.c:%d): ", __LINE__ - 1);
    assert_error(b->gt, GT_ERR_SHAPE, place);
    gt_rewind(b->gt, (gt_mark){{0}});
    snprintf(place, sizeof place, "gt_rewind (test_errors.c:%d): ", __LINE__ - 1);
    assert_error(b->gt, GT_ERR_STATE, place);
}

static void null_without_a_context(void **state)
{
    (void)state;
    gt_error_clear(NULL);
    assert_null(gt_square(NULL));
    assert_true(gt_failed(NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "square (test_errors.c:");
    assert_null(gt_zeros(NULL, GT_SHAPE(2)));
    assert_error(NULL, GT_ERR_ARGUMENT, "the context is NULL");
    gt_close(NULL);
    gt_free(NULL);
    gt_clear_grad(NULL);
    assert_string_equal(gt_error_message(NULL), "");
}

static void messages_are_bounded(void **state)
{
    bench *b = *state;
    char name[3000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    gt_fail(b->gt, GT_ERR_ARGUMENT, name, "%s", name);
    assert_true(strlen(gt_error_message(b->gt)) < 1200);
    gt_error_clear(b->gt);
    for (int s = GT_OK; s <= GT_ERR_UNSUPPORTED; s++)
        assert_string_not_equal(gt_status_name((gt_status)s), "?");
}

/* The longest name of an operation and a module's path stand in a message as they are. */
static void names_are_not_cut(void **state)
{
    bench *b = *state;
    const gt_scope net = {.name = "backbone"},
                   stage = {.name = "stage_3_with_a_long_name", .parent = &net},
                   head = {.name = "the_very_last_classifier_head", .parent = &stage};
    gt_set_scope(b->gt, &head);
    gt_binary_cross_entropy_with_logits(b->m23, b->v3);
    assert_error(b->gt, GT_ERR_SHAPE,
                 "binary_cross_entropy_with_logits 'backbone.stage_3_with_a_long_name."
                 "the_very_last_classifier_head' (test_errors.c:");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        TEST(every_row_gives_its_message), TEST(the_first_error_stays),
        TEST(places_are_not_mixed_up),     TEST(null_without_a_context),
        TEST(messages_are_bounded),        TEST(names_are_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* As many dimensions as there can be, through what is no operation (operations have samples with
 * eight), and one more than that. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"

#define EIGHT GT_SHAPE(2, 1, 3, 1, 2, 1, 1, 2)
#define NINE GT_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)

static gt_tensor *counted(gt_ctx *gt)
{
    return gt_reshape(gt_arange(gt, 0, 24, 1), EIGHT);
}

static void test_reading(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = counted(gt), *y = gt_permute(x, 7, 6, 5, 4, 3, 2, 1, 0);
    assert_true(gt_get(x, 1, 0, 2, 0, 1, 0, 0, 1) == 23);
    assert_true(gt_get(y, 1, 0, 0, 1, 0, 2, 0, 0) == 11);
    assert_int_equal(gt_fill_slice(x, 7, 1, 2, 100), GT_OK);
    assert_true(gt_get(x, 0, 0, 0, 0, 0, 0, 0, 1) == 100 && gt_get(x, 0, 0, 0, 0, 1, 0, 0, 0) == 2);
    gt_tensor *sums = gt_sum(y, .axes = GT_AXES(0, 1, 2, 3, 4, 5, 6, -1));
    assert_true(gt_item(sums) == 276);
    gt_tensor *at[8], *lines[8];
    for (int i = 0; i < 8; i++) lines[i] = gt_arange(gt, 0, 2, 1);
    assert_int_equal(gt_meshgrid_(8, lines, at), GT_OK);
    assert_true(gt_get(at[7], 0, 0, 0, 0, 0, 0, 0, 1) == 1);
    assert_well(gt);
}

static void test_files(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = counted(gt);
    assert_int_equal(gt_npy_save(x, scratch("x.npy")), GT_OK);
    assert_int_equal(gt_save_tensors(gt, scratch("x.safetensors"), GT_TENSORS({"x", x})), GT_OK);
    const gt_tensors *list = gt_load_tensors(gt, scratch("x.safetensors"));
    const gt_tensor *back[] = {gt_npy_load(gt, scratch("x.npy")), gt_tensors_find(list, "x")};
    for (int i = 0; i < 2; i++) {
        assert_true(back[i] && gt_same_shape(back[i], x));
        if (back[i]) assert_memory_equal(back[i]->data, x->data, 24 * sizeof(float));
    }
}

/* The header of an array of `ndim` dimensions of one element. */
static void write_npy(const char *path, int ndim)
{
    char text[256] = "\x93NUMPY\x01";
    const size_t head = 10, length = 118;
    int at = snprintf(text + head, length, "{'descr': '|u1', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < ndim; i++) at += snprintf(text + head + at, length, "1, ");
    at += snprintf(text + head + at, length, "), }");
    memset(text + head + at, ' ', length - (size_t)at);
    text[8] = (char)length;
    text[head + length - 1] = '\n';
    text[head + length] = 7;
    write_file(path, text, head + length + 1);
}

static void test_one_more(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), *line[9], *at[9];
    for (int i = 0; i < 9; i++) line[i] = gt_ones(gt, GT_SHAPE(1));
    write_npy(scratch("8.npy"), 8);
    write_npy(scratch("9.npy"), 9);
    assert_true(gt_item(gt_npy_load(gt, scratch("8.npy"))) == 7);
#define REFUSED(call, part) assert_null(call), assert_error(gt, GT_ERR_SHAPE, part)
    REFUSED(gt_zeros(gt, NINE), "more than 8 dimensions");
    REFUSED(gt_reshape(x, NINE), "too many dimensions");
    REFUSED(gt_expand(x, NINE), "too many dimensions");
    REFUSED(gt_permute(x, 0, 1, 2, 3, 4, 5, 6, 7, 8), "9");
    REFUSED(gt_unsqueeze(x, 0), "has 8 dimensions, there are no more");
    REFUSED(gt_stack_of(0, x, x), "has 8 dimensions, there are no more");
    assert_true(gt_get(x, 0, 0, 0, 0, 0, 0, 0, 0, 0) != 1);
    assert_error(gt, GT_ERR_ARGUMENT, "9 indices for a tensor of 8 dimensions");
    assert_int_equal(gt_meshgrid_(9, line, at), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "1 to 8 tensors");
    assert_null(gt_npy_load(gt, scratch("9.npy")));
    assert_error(gt, GT_ERR_FORMAT, "9.npy");
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {FRESH(test_reading), FRESH(test_files),
                                       FRESH(test_one_more)};
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

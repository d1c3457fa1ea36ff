/* Tensors from numbers and from arrays of C: every element type into every dtype, and what a dtype
 * cannot hold. */
#include "support.h"

#include <math.h>

/* --- arrays --- */

enum { N = 3 };
static const float floats[N] = {0, 1, 250};
static const double doubles[N] = {0, 1, 250};
static const int ints[N] = {0, 1, 250};
static const long longs[N] = {0, 1, 250};
static const long long long_longs[N] = {0, 1, 250};
static const uint8_t bytes[N] = {0, 1, 250};

static void arrays_are_converted(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype < GT_N_DTYPES; dtype++) {
        gt_tensor *const made[] = {
            gt_from(gt, GT_SHAPE(N), floats, .dtype = dtype),
            gt_from(gt, GT_SHAPE(N), doubles, .dtype = dtype),
            gt_from(gt, GT_SHAPE(N), ints, .dtype = dtype),
            gt_from(gt, GT_SHAPE(N), longs, .dtype = dtype),
            gt_from(gt, GT_SHAPE(N), long_longs, .dtype = dtype),
            gt_from(gt, GT_SHAPE(N), bytes, .dtype = dtype),
        };
        for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
            assert_int_equal(made[k]->dtype, dtype);
            ASSERT_VALUES(made[k], 0, 0, 1, 250);
            ASSERT_VALUES(gt_from(gt, GT_SHAPE(N), (void *)made[k]->data, .dtype = dtype), 0, 0, 1,
                          250);
        }
    }
    const bool mask[2] = {true, false};
    ASSERT_VALUES(gt_from(gt, GT_SHAPE(2), mask, .dtype = GT_U8), 0, 1, 0);
    assert_well(gt);
}

/* Not by way of a double. */
static void large_whole_numbers_stay(void **state)
{
    gt_ctx *gt = *state;
    const int64_t large[2] = {INT64_MAX, INT64_MIN + 1};
    const gt_tensor *t = gt_from(gt, GT_SHAPE(2), large, .dtype = GT_I64);
    assert_memory_equal(t->data, large, sizeof large);
    const float want = (float)large[0];
    t = gt_from(gt, GT_SHAPE(1), large);
    assert_memory_equal(t->data, &want, sizeof want);
}

static void lines_and_grids(void **state)
{
    gt_ctx *gt = *state;
    ASSERT_VALUES(gt_values_as(gt, GT_SHAPE(3), GT_I64, 2, 0, -1), 0, 2, 0, -1);
    ASSERT_VALUES(gt_linspace(gt, -1, 1, 5, .dtype = GT_F64), 0, -1, -0.5, 0, 0.5, 1);
    ASSERT_VALUES(gt_linspace(gt, 3, 0, 4, .dtype = GT_U8), 0, 3, 2, 1, 0);
    ASSERT_VALUES(gt_linspace(gt, 0.1, 7, 1, .dtype = GT_F64), 0, 0.1);
    assert_int_equal(gt_linspace(gt, 0, 1, 0)->size, 0);
    ASSERT_VALUES(gt_eye(gt, 2, 3), 0, 1, 0, 0, 0, 1, 0);
    assert_int_equal(gt_eye(gt, 0, 3)->size, 0);
    gt_tensor *out[2], *y = gt_values(gt, GT_SHAPE(2), 1, 2),
                       *x = gt_values(gt, GT_SHAPE(3), 3, 4, 5);
    assert_int_equal(gt_meshgrid(out, y, x), GT_OK);
    ASSERT_VALUES(out[0], 0, 1, 1, 1, 2, 2, 2);
    ASSERT_VALUES(out[1], 0, 3, 4, 5, 3, 4, 5);
    assert_well(gt);
    assert_int_equal(gt_meshgrid(out, y, out[1]), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "meshgrid (test_values.c:");
    assert_int_equal(gt_meshgrid(out, y, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "tensor 1 is NULL");
    assert_null(gt_linspace(gt, 0, 1, -1));
    assert_error(gt, GT_ERR_ARGUMENT, "there are no -1 numbers from 0 to 1");
    assert_null(gt_linspace(gt, 0, 1, 3, .dtype = GT_I64));
    assert_error(gt, GT_ERR_ARGUMENT, "0.5 does not fit into i64");
}

/* --- what a dtype cannot hold --- */

static const double huge[] = {1, 1e300}, half[] = {1, 2, 0.5}, nothing[] = {NAN};
static const int below[] = {-1}, above[] = {7, 256};

#define REFUSED(ROW)                                                                               \
    ROW(from_f32, gt_from(gt, GT_SHAPE(2), huge, .dtype = GT_F32), "element 1 is 1e+300", "f32")   \
    ROW(from_part, gt_from(gt, GT_SHAPE(3), half, .dtype = GT_I64), "element 2 is 0.5", "i64")     \
    ROW(from_nan, gt_from(gt, GT_SHAPE(1), nothing, .dtype = GT_I64), "element 0 is", "i64")       \
    ROW(from_below, gt_from(gt, GT_SHAPE(1), below, .dtype = GT_U8), "element 0 is -1", "u8")      \
    ROW(from_above, gt_from(gt, GT_SHAPE(2), above, .dtype = GT_U8), "element 1 is 256", "u8")     \
    ROW(full_u8, gt_full(gt, GT_SHAPE(2), 300, .dtype = GT_U8), "full (", "300 does not fit")      \
    ROW(full_below, gt_full(gt, GT_SHAPE(2), -0.5, .dtype = GT_U8), "-0.5", "whole numbers")       \
    ROW(full_i64, gt_full(gt, GT_SHAPE(2), 1e19, .dtype = GT_I64), "1e+19 does not fit into i64",  \
        "full")                                                                                    \
    ROW(full_nan, gt_full(gt, GT_SHAPE(2), NAN, .dtype = GT_I64), "nan does not fit", "i64")       \
    ROW(full_f32, gt_full(gt, GT_SHAPE(2), -1e39), "-1e+39 does not fit into f32", "full")         \
    ROW(scalar, gt_scalar(gt, 1e300), "does not fit into f32", "1e+300")                           \
    ROW(like, gt_full_like(gt_zeros(gt, GT_SHAPE(2), .dtype = GT_U8), 256), "full_like (", "256")  \
    ROW(values, gt_values(gt, GT_SHAPE(2), 1, 1e300), "values (", "1e+300")                        \
    ROW(arange_end, gt_arange(gt, 250, 260, 1, .dtype = GT_U8), "arange (", "259")                 \
    ROW(arange_start, gt_arange(gt, -1, 2, 1, .dtype = GT_U8), "arange (", "-1")                   \
    ROW(arange_step, gt_arange(gt, 0, 1, 0.25, .dtype = GT_I64), "0.25", "whole numbers")          \
    ROW(fill, filled(gt, GT_U8, 256), "gt_fill (", "256 does not fit into u8")                     \
    ROW(fill_part, filled(gt, GT_I64, 0.5), "0.5 does not fit into i64", "whole numbers")          \
    ROW(fill_f32, filled(gt, GT_F32, 1e300), "1e+300 does not fit into f32", "gt_fill")            \
    ROW(fill_slice, sliced(gt), "gt_fill_slice (", "-1 does not fit into u8")

static gt_tensor *filled(gt_ctx *gt, gt_dtype dtype, double value)
{
    gt_tensor *t = gt_zeros(gt, GT_SHAPE(2), .dtype = dtype);
    const gt_status status = gt_fill(t, value);
    assert_true(element(t, 0) == 0);
    return status == GT_OK ? t : NULL;
}

static gt_tensor *sliced(gt_ctx *gt)
{
    gt_tensor *t = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_U8);
    return gt_fill_slice(t, 0, 0, 1, -1) == GT_OK ? t : NULL;
}

static void what_does_not_fit_is_refused(void **state)
{
    gt_ctx *gt = *state;
#define REFUSE(name, call, first, second)                                                          \
    if (call) fail_msg("%s is not refused", #name);                                                \
    assert_non_null(strstr(gt_error_message(gt), first));                                          \
    assert_error(gt, GT_ERR_ARGUMENT, second);
    REFUSED(REFUSE)
}

static void infinities_fit_into_floats(void **state)
{
    gt_ctx *gt = *state;
    assert_true(gt_item(gt_scalar(gt, INFINITY)) == INFINITY);
    assert_true(isnan(gt_item(gt_scalar(gt, NAN))));
    assert_true(gt_item(gt_scalar(gt, 0x1.fffffefp127)) == 0x1.fffffep127);
    assert_true(gt_item(gt_scalar(gt, 1e300, .dtype = GT_F64)) == 1e300);
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_are_converted, open_context, close_context),
        cmocka_unit_test_setup_teardown(large_whole_numbers_stay, open_context, close_context),
        cmocka_unit_test_setup_teardown(lines_and_grids, open_context, close_context),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, open_context, close_context),
        cmocka_unit_test_setup_teardown(infinities_fit_into_floats, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

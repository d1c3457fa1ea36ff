/* NumPy's files: what they give, and what is said of files that are not theirs. */
#define _POSIX_C_SOURCE 200809L
#include "data_support.h"

#include <math.h>

static void test_npy(void **state)
{
    static const struct {
        const char *name;
        gt_dtype dtype;
        int n;
        double values[6];
    } rows[] = {
        {"f2.npy", GT_F32, 6, {1.5, -2, 65504, 0x1p-24, INFINITY, -0x1.998p-4}},
        {"f4.npy", GT_F32, 6, {-0.5, -0.25, 0, 0.25, 0.5, 0.75}},
        {"f8_fortran.npy", GT_F64, 6, {-0.5, -0.25, 0, 0.25, 0.5, 0.75}},
        {"i2_big.npy", GT_I64, 6, {-3, -2, -1, 0, 1, 2}},
        {"i4.npy", GT_I64, 6, {-3, -2, -1, 0, 1, 2}},
        {"u1.npy", GT_U8, 6, {0, 1, 2, 3, 4, 5}},
        {"bool.npy", GT_U8, 6, {1, 0, 1, 0, 1, 0}},
        {"scalar.npy", GT_F64, 1, {2.5}},
        {"empty.npy", GT_F32, 0, {0}},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_tensor *t = gt_npy_load(gt, fixture(rows[i].name));
        assert_well(gt);
        assert_int_equal(t->dtype, rows[i].dtype);
        assert_values(t, rows[i].n, rows[i].values, 0);
        if (rows[i].n == 6) assert_true(gt_shape_equal(t->shape, GT_SHAPE(2, 3)));
        /* Written and read again it is the same. */
        assert_int_equal(gt_npy_save(t, scratch("again.npy")), GT_OK);
        gt_tensor *again = gt_npy_load(gt, scratch("again.npy"));
        assert_true(gt_shape_equal(t->shape, again->shape));
        assert_int_equal(t->dtype, again->dtype);
        assert_memory_equal(t->data, again->data, (size_t)t->size * gt_dtype_size(t->dtype));
    }
    assert_null(gt_npy_load(gt, fixture("c8.npy")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "'c8'");
}

/* NumPy's own bytes, but for the order of what it would write the same. */
static void test_npy_bytes(void **state)
{
    gt_ctx *gt = *state;
    static const char *const names[] = {"f4.npy", "u1.npy", "scalar.npy", "empty.npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned char want[FILE_MOST];
        size_t n, m;
        memcpy(want, slurp(fixture(names[i]), &n), FILE_MOST);
        assert_int_equal(gt_npy_save(gt_npy_load(gt, fixture(names[i])), scratch("b.npy")), GT_OK);
        const unsigned char *got = slurp(scratch("b.npy"), &m);
        assert_int_equal(n, m);
        assert_memory_equal(got, want, n);
    }
    gt_tensor *row = gt_values(gt, GT_SHAPE(3), 1, 2, 3);
    assert_int_equal(gt_npy_save(row, scratch("row.npy")), GT_OK);
    size_t n;
    assert_non_null(strstr((const char *)slurp(scratch("row.npy"), &n) + 10, "'shape': (3,), }"));
    assert_int_equal(gt_npy_save(row, "/nowhere/at/all.npy"), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "/nowhere/at/all.npy");
}

/* What cannot be saved leaves an older file as it was. */
static void test_npy_unsaved(void **state)
{
    gt_ctx *gt = *state;
    const gt_mark start = gt_mark_tape(gt);
    write_file(scratch("old.npy"), "old", 3);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3));
    gt_rewind(gt, start);
    assert_int_equal(gt_npy_save(x, scratch("old.npy")), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "dropped by gt_rewind");
    x = gt_ones(gt, GT_SHAPE(3));
    assert_int_equal(gt_npy_save(x, NULL), GT_ERR_ARGUMENT);
    assert_int_equal(gt_npy_save(x, scratch("old.npy")), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_npy_save (test_data_npy.c:");
    assert_int_equal(gt_npy_save(NULL, scratch("old.npy")), GT_ERR_ARGUMENT);
    gt_error_clear(NULL);
    assert_int_equal(gt_npy_save(x, scratch("")), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "no regular file");
    size_t n;
    assert_memory_equal(slurp(scratch("old.npy"), &n), "old", 3);
}

static void write_npy(const char *header)
{
    char bytes[256] = "\x93NUMPY\x01";
    const size_t n = strlen(header);
    bytes[8] = (char)n;
    memcpy(bytes + 10, header, n);
    write_file(scratch("made.npy"), bytes, 10 + n + 4);
}

/* All of Python's ways to write the header that numpy.load takes. */
static void test_npy_headers(void **state)
{
    static const char *const headers[] = {
        "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1), }",
        "{\"descr\": \"<f2\", \"fortran_order\": False, \"shape\": (2, 1)}",
        "{'descr': \"<f2\", \"fortran_order\": False, 'shape': (2L, 1L)}   \n",
        "{ 'shape' : ( 2L , 1 , ) ,\n 'fortran_order':True,'descr':\t'<f2' }",
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        write_npy(headers[i]);
        const gt_tensor *t = gt_npy_load(gt, scratch("made.npy"));
        assert_well(gt);
        assert_true(gt_shape_equal(t->shape, GT_SHAPE(2, 1)));
        ASSERT_VALUES(t, 0, 0, 0);
    }
}

static void test_npy_errors(void **state)
{
    static const struct {
        const char *header;
        gt_status code;
        const char *part;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", GT_ERR_FORMAT, "found 4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", GT_ERR_FORMAT,
         "[1000000000000]"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         GT_ERR_FORMAT, "found 4 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }",
         GT_ERR_FORMAT, "found 4 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
         GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'shape': (1,), }", GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", GT_ERR_FORMAT, "not understood"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4\", 'fortran_order': False, 'shape': (1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1LL,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (L,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (1,), }", GT_ERR_FORMAT,
         "not understood"},
        {"{'descr", GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f4", GT_ERR_FORMAT, "not understood"},
        {"{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'f3'"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'u8'"},
        {"{'descr': '|O8', 'fortran_order': False, 'shape': (2,), }", GT_ERR_UNSUPPORTED, "'O8'"},
    };
    gt_ctx *gt = *state;
    cap_memory(true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_npy(rows[i].header);
        assert_null(gt_npy_load(gt, scratch("made.npy")));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    cap_memory(false);
}

static void test_npz(void **state)
{
    gt_ctx *gt = *state;
    static const char *const names[] = {"stored.npz", "packed.npz"};
    for (int i = 0; i < 2; i++) {
        gt_tensor *x = gt_npz_load(gt, fixture(names[i]), "x");
#ifndef GT_WITH_ZLIB
        if (i == 1) {
            assert_error(gt, GT_ERR_UNSUPPORTED, "without zlib");
            continue;
        }
#endif
        ASSERT_VALUES(x, 0, -0.5, -0.25, 0, 0.25, 0.5, 0.75);
        ASSERT_VALUES(gt_npz_load(gt, fixture(names[i]), "y"), 0, 0, 1, 2);
        assert_null(gt_npz_load(gt, fixture(names[i]), "z"));
        assert_error(gt, GT_ERR_ARGUMENT, "no array 'z'; it has: x, y");
    }
#ifdef GT_WITH_ZLIB
    /* An element that is not what it was. */
    size_t n;
    unsigned char changed[FILE_MOST];
    memcpy(changed, slurp(fixture("stored.npz"), &n), FILE_MOST);
    changed[30 + 5 + 20 + 128 + 2] ^= 1;
    write_file(scratch("changed.npz"), changed, n);
    assert_null(gt_npz_load(gt, scratch("changed.npz"), "x"));
    assert_error(gt, GT_ERR_FORMAT, "checksum");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_npy, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_bytes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_unsaved, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_headers, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npy_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_npz, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

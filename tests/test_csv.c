/* Numbers of CSV files, and what is said of those that are not as they should be. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"

#include <math.h>

static gt_tensor *load(gt_ctx *gt, const char *text, const char *const *columns, gt_csv_opts opts)
{
    write_file(scratch("t.csv"), text, strlen(text));
    return gt_csv_load_(gt, scratch("t.csv"), columns, opts);
}

static void test_values(void **state)
{
    static const struct {
        const char *text;
        const char *columns[3];
        gt_csv_opts opts;
        int rows;
        double values[4];
    } rows[] = {
        {"a,b\n1,2\n3,4\n", {"b", "a"}, {.gt_ = NULL}, 2, {2, 1, 4, 3}},
        {"\xef\xbb\xbf"
         "a,b\r\n1e3,-2.5\r\n",
         {"a", "b"},
         {.gt_ = NULL},
         1,
         {1000, -2.5}},
        {"\"a, \"\"b\"\"\",name\n 7 ,\"two\nlines\"\n", {"a, \"b\""}, {.gt_ = NULL}, 1, {7}},
        {"x;y\n1;0.1\n", {"x", "y"}, {.separator = ';', .dtype = GT_F64}, 1, {1, 0.1}},
        {"x,y\n", {"y"}, {.gt_ = NULL}, 0, {0}},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_tensor *t = load(gt, rows[i].text, rows[i].columns, rows[i].opts);
        assert_well(gt);
        assert_int_equal(t->shape.ndim, 2);
        assert_int_equal(t->shape.dim[0], rows[i].rows);
        assert_int_equal(t->dtype, rows[i].opts.dtype);
        assert_values(t, (int)t->size, rows[i].values, 0);
    }
    gt_tensor *all = load(gt, "a,b\n1,2\n", NULL, (gt_csv_opts){.gt_ = NULL});
    ASSERT_VALUES(all, 0, 1, 2);
}

static void test_missing(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *t = load(gt, "a,b,c\n1,,\n,4,\n", (const char *const[]){"a", "b", NULL},
                        (gt_csv_opts){.allow_missing = true});
    assert_true(element(t, 0) == 1 && isnan(element(t, 1)) && isnan(element(t, 2)));
    assert_well(gt);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *column;
        gt_status code;
        const char *part;
    } rows[] = {
        {"a,b\n1,2\n3,\n", "b", GT_ERR_FORMAT, "t.csv: line 3: 'b' is missing; .allow_missing"},
        {"a,b\n1,two\n", "b", GT_ERR_FORMAT, "line 2: 'b' is 'two', no number"},
        {"a,b\n1,2x\n", "b", GT_ERR_FORMAT, "line 2: 'b' is '2x', no number"},
        {"a\n0x10\n", "a", GT_ERR_FORMAT, "no number"},
        {"a,b\n1\n", "b", GT_ERR_FORMAT, "line 2: expected 2 fields, found 1"},
        {"a,b\n1,2,3\n", "b", GT_ERR_FORMAT, "expected 2 fields, found 3"},
        {"a,b\n\n1,2\n", "b", GT_ERR_FORMAT, "line 2: expected 2 fields, found 1"},
        {"a\n1\n2", "a", GT_ERR_FORMAT, "lacks its last line break"},
        {"", "a", GT_ERR_FORMAT, "line 1: expected a line break"},
        {"a\n\"1\n", "a", GT_ERR_FORMAT, "line 2: a quote is not closed"},
        {"a\n\"1\"2\n", "a", GT_ERR_FORMAT, "line 2: expected a separator behind a quote"},
        {"a\n1\"\n", "a", GT_ERR_FORMAT, "a quote within a field"},
        {"a,b\n1,2\n", "c", GT_ERR_ARGUMENT, "t.csv: no column is called 'c'; there are 'a', 'b'"},
        {"a;b\n1;2\n", "b", GT_ERR_ARGUMENT, "there are 'a;b'\n  hint: .separator = ';'"},
        {"a\tb\n1\t2\n", "b", GT_ERR_ARGUMENT, "hint: .separator = '\\t'"},
        {"a,a\n1,2\n", "a", GT_ERR_ARGUMENT, "2 columns are called 'a'"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const columns[] = {rows[i].column, NULL};
        assert_null(load(gt, rows[i].text, columns, (gt_csv_opts){.gt_ = NULL}));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    write_file(scratch("nul.csv"), "a\n1\0\n", 5);
    assert_null(gt_csv_load(gt, scratch("nul.csv"), NULL));
    assert_error(gt, GT_ERR_FORMAT, "found a byte of 0");
    assert_null(gt_csv_load(gt, scratch("nowhere.csv"), NULL));
    assert_error(gt, GT_ERR_IO, "nowhere.csv");
    assert_null(gt_csv_load(gt, NULL, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL");
    assert_null(gt_csv_load(gt, scratch("t.csv"), NULL, .dtype = GT_I64));
    assert_error(gt, GT_ERR_DTYPE, "not i64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_missing, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_errors, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

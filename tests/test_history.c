/* Histories: the table, and its files. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"
#include "view/view.h"
#include <float.h>
#include <locale.h>
#include <math.h>

static gt_history *example(gt_ctx *gt)
{
    gt_history *h = gt_history_new(gt);
    gt_history_set(h, 1, "loss", 0.1);
    gt_history_set(h, 1, "a,\"b\"", 1e300);
    gt_history_set(h, 2, "loss", INFINITY);
    gt_history_set(h, 2, "loss", -1.5);
    gt_history_set(h, 4, "late", INFINITY);
    return h;
}

static void assert_file(const char *path, const char *want)
{
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    if (n != strlen(want) || memcmp(bytes, want, n)) fail_msg("%.*s", (int)n, (const char *)bytes);
}

static void test_table(void **state)
{
    gt_ctx *gt = *state;
    gt_history *h = example(gt);
    assert_int_equal(gt_history_rows(h), 3);
    assert_int_equal(gt_history_columns(h), 3);
    assert_string_equal(gt_history_name(h, 2), "late");
    assert_null(gt_history_name(h, 3));
    assert_int_equal(gt_history_epoch(h, -1), 4);
    assert_int_equal(gt_history_epoch(h, 3), -1);
    assert_true(gt_history_get(h, 1, "loss") == -1.5);
    assert_true(gt_history_get(h, -3, "loss") == 0.1);
    assert_true(isnan(gt_history_get(h, 2, "loss")) && isnan(gt_history_get(h, 0, "late")));
    assert_true(isnan(gt_history_get(h, 3, "loss")) && isnan(gt_history_get(h, 0, "none")));
    for (int i = 5; i < 200; i++) gt_history_set(h, i, i % 2 ? "odd" : "even", i);
    for (int i = 5; i < 200; i++)
        assert_true(gt_history_get(h, i - 2, i % 2 ? "odd" : "even") == i);
    assert_well(gt);
}

static void test_table_errors(void **state)
{
    gt_ctx *gt = *state;
    gt_history *h = example(gt);
    assert_int_equal(gt_history_set(h, 3, "loss", 0), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "epoch 3 lies before the last row, which is epoch 4");
    static const char *const names[] = {NULL, "", "epoch"};
    for (int i = 0; i < 3; i++) {
        gt_history_set(h, 5, names[i], 0);
        assert_error(gt, GT_ERR_ARGUMENT, "test_history.c:");
    }
    gt_history_set(NULL, 1, "loss", 0);
    assert_error(NULL, GT_ERR_ARGUMENT, "NULL");
    assert_int_equal(gt_history_rows(NULL) + gt_history_columns(NULL), 0);
    assert_true(isnan(gt_history_get(NULL, 0, "loss")));
    assert_int_equal(gt_history_write_csv(h, scratch("nothing/there/")), GT_ERR_IO);
    assert_int_equal(strncmp(gt_error_message(gt), "gt_history_write_csv (", 22), 0);
    assert_error(gt, GT_ERR_IO, "nothing/there/");
}

static void test_files(void **state)
{
    gt_history *h = example(*state);
    static const char csv[] = "epoch,loss,\"a,\"\"b\"\"\",late\n1,0.1,1e+300,\n2,-1.5,,\n4,,,inf\n";
    static const char jsonl[] = "{\"epoch\": 1, \"loss\": 0.1, \"a,\\\"b\\\"\": 1e+300}\n"
                                "{\"epoch\": 2, \"loss\": -1.5}\n{\"epoch\": 4, \"late\": null}\n";
    /* Not every machine has them; test_points does without. */
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    for (int i = 0; i < 3; i++) {
        if (!setlocale(LC_ALL, locales[i])) continue;
        assert_int_equal(gt_history_write_csv(h, scratch("h.csv")), GT_OK);
        assert_int_equal(gt_history_write_jsonl(h, scratch("h.jsonl")), GT_OK);
        assert_file(scratch("h.csv"), csv);
        assert_file(scratch("h.jsonl"), jsonl);
    }
    setlocale(LC_ALL, "C");
}

static void assert_csv_is_read(gt_ctx *gt, const gt_history *h)
{
    size_t n;
    assert_int_equal(gt_history_write_csv(h, scratch("h.csv")), GT_OK);
    gt_history *back = gt_history_read_csv(gt, scratch("h.csv"));
    assert_well(gt);
    assert_int_equal(back->rows, h->rows);
    assert_int_equal(back->columns, h->columns);
    assert_memory_equal(back->epoch, h->epoch, (size_t)h->rows * sizeof *h->epoch);
    for (int k = 0; k < h->columns; k++) {
        const gti_column *a = &back->column[k], *b = &h->column[k];
        assert_string_equal(a->name, b->name);
        for (int64_t i = 0; i < h->rows; i++)
            if (isnan(b->at[i])) assert_true(isnan(a->at[i]));
            else assert_memory_equal(&a->at[i], &b->at[i], sizeof(double));
    }
    const char *text = (const char *)slurp(scratch("h.csv"), &n);
    char *first = strndup(text, n);
    assert_int_equal(gt_history_write_csv(back, scratch("again.csv")), GT_OK);
    assert_file(scratch("again.csv"), first);
    free(first);
}

static void test_csv_is_read(void **state)
{
    gt_ctx *gt = *state;
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    static const double exact[] = {0.1,     1. / 3, -0.0,     1e22,     DBL_MAX, -DBL_MAX,
                                   DBL_MIN, 5e-324, 1e15 / 7, INFINITY, NAN,     -INFINITY};
    gt_history *h = example(gt), *all = gt_history_new(gt);
    gt_history_set(h, INT64_MAX, "\"two lines\"", 1);
    for (int i = 0; i < 120; i++)
        gt_history_set(all, i - 5, i % 2 ? "a" : "b c", exact[i / 2 % 12]);
    for (int i = 0; i < 3; i++) {
        if (!setlocale(LC_ALL, locales[i])) continue;
        assert_csv_is_read(gt, gt_history_new(gt));
        assert_csv_is_read(gt, h);
        assert_csv_is_read(gt, all);
    }
    setlocale(LC_ALL, "C");
    gt_history *back = gt_history_read_csv(gt, scratch("h.csv"));
    gt_history_set(back, 114, "new", 7); /* the last row */
    gt_history_set(back, 115, "new", 8);
    assert_int_equal(gt_history_rows(back), 121);
    assert_true(gt_history_get(back, -2, "new") == 7);
}

static const struct {
    const char *text, *part;
} bad[] = {
    {"", "line 1: the file ends"},
    {"epoch", "line 1: the file ends"},
    {"step,loss\n", "not 'epoch'"},
    {"epoch,\n", "is empty"},
    {"epoch,\"a\nb\"\n", "control character"},
    {"epoch,a,a\n", "occurs twice"},
    {"epoch,epoch\n", "occurs twice"},
    {"epoch,\"a\n1,2\n", "line 1: a field is too long"},
    {"epoch,\"a\"b\n", "do not belong"},
    {"epoch,a\r\n", "do not belong"},
    {"epoch,a\n1,2", "line 2: the file ends"},
    {"epoch,a\n1\n", "fewer fields"},
    {"epoch,a\n1,2,\n", "more fields"},
    {"epoch,a\n\n", "no whole number"},
    {"epoch,a\n1.5,2\n", "no whole number"},
    {"epoch,a\n 1,2\n", "no whole number"},
    {"epoch,a\n9223372036854775808,2\n", "no whole number"},
    {"epoch,a\n1,2\n1,3\n", "line 3: its epoch is not behind"},
    {"epoch,a\n1, 2\n", "neither a number"},
    {"epoch,a\n1,1e999\n", "neither a number"},
    {"epoch,a\n1,0x1p3\n", "neither a number"},
    {"epoch,a\n1,nan\n", "neither a number"},
    {"epoch,a\n1,1.2.3\n", "neither a number"},
    {"epoch,a\n1,-\n", "neither a number"},
    {"epoch,a\n1,\"2\"\n", "neither a number"},
    {"epoch,a\n1,\"\"\n", "neither a number"},
    {"epoch,a\n1,11111111111111111111111111111111111111111111111\n", "neither a number"},
};

static void test_bad_csv(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(scratch("bad.csv"), bad[i].text, strlen(bad[i].text));
        assert_null(gt_history_read_csv(gt, scratch("bad.csv")));
        assert_int_equal(strncmp(gt_error_message(gt), "gt_history_read_csv (test_history.c:", 36),
                         0);
        assert_error(gt, GT_ERR_FORMAT, bad[i].part);
    }
    static char wide[20000] = "epoch,\0,a\n";
    write_file(scratch("bad.csv"), wide, 10);
    assert_null(gt_history_read_csv(gt, scratch("bad.csv")));
    assert_error(gt, GT_ERR_FORMAT, "do not belong");
    memset(wide + 6, 'x', sizeof wide - 6);
    write_file(scratch("bad.csv"), wide, sizeof wide);
    assert_null(gt_history_read_csv(gt, scratch("bad.csv")));
    assert_error(gt, GT_ERR_FORMAT, "too long");
    assert_null(gt_history_read_csv(gt, scratch("none.csv")));
    assert_error(gt, GT_ERR_IO, "none.csv");
    assert_null(gt_history_read_csv(gt, scratch("")));
    assert_error(gt, GT_ERR_IO, "directory");
    assert_null(gt_history_read_csv(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "NULL");
}

/* Whatever a file is cut to, it is refused, or has fewer rows. */
static void test_cut_csv(void **state)
{
    gt_ctx *gt = *state;
    size_t n;
    assert_int_equal(gt_history_write_csv(example(gt), scratch("h.csv")), GT_OK);
    const unsigned char *text = slurp(scratch("h.csv"), &n);
    for (size_t k = 0; k < n; k++) {
        write_file(scratch("cut.csv"), text, k);
        gt_history *h = gt_history_read_csv(gt, scratch("cut.csv"));
        assert_int_equal(h != NULL, k && text[k - 1] == '\n');
        if (h) assert_in_range(gt_history_rows(h), 0, 2);
        else assert_error(gt, GT_ERR_FORMAT, "line ");
    }
}

/* Numbers are read back to the bit, and are as short as they can be. */
static void test_numbers(void **state)
{
    (void)state;
    static const double exact[] = {0.1,    1. / 3,   -0.0,      1e22,      DBL_MAX, DBL_MIN,
                                   5e-324, 1e15 / 7, 123456789, 0.1 + 0.2, -1e-7,   0.7};
    char text[GTI_NUMBER];
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        const double v = strtod(gti_number(text, exact[i]), NULL);
        if (memcmp(&v, &exact[i], sizeof v)) fail_msg("%s", text);
    }
    assert_string_equal(gti_number(text, 0.1), "0.1");
    assert_string_equal(gti_number(text, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(gti_number(text, -INFINITY), "-inf");
    assert_string_equal(gti_number(text, NAN), "nan");
    assert_string_equal(gti_number_fixed(text, -2.5, 2), "-2.50");
    assert_string_equal(gti_number_fixed(text, 1e300, 2), "1e+300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_table_errors, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_files, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_csv_is_read, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_bad_csv, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cut_csv, open_context, close_context),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

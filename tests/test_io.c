/* Saving and loading modules. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <unistd.h>

#include "io_dense.h"
#include "io_support.h"

/* --- modules --- */

static void test_round_trip(void **state)
{
    gt_ctx *gt = *state;
    gt_module *a = chain_new(gt, 3, 4, 2), *b = chain_new(gt, 3, 4, 2);
    const int64_t answer = 42;
    memcpy(gt_module_buffer(a, "1.calls")->data, &answer, sizeof answer);
    assert_int_equal(gt_save(a, file), GT_OK);
    gt_load_report report;
    assert_int_equal(gt_load(b, file, .report = &report), GT_OK);
    assert_same_state(a, b);
    assert_true(report.loaded == 6 && !report.missing && !report.unexpected && !report.misshaped);
    const gt_tensors *list = gt_load_tensors(gt, file);
    assert_int_equal(list->n, 6);
    assert_non_null(gt_tensors_find(list, "0.weight"));
    assert_string_equal(gt_tensors_metadata(list, "format"), "pt");
    assert_int_equal(gt_save(a, file, .metadata = GT_METADATA({"a", "b"}, {"format", "x"})), GT_OK);
    list = gt_load_tensors(gt, file, .metadata_only = true);
    assert_int_equal(list->n_metadata, 2);
    assert_string_equal(gt_tensors_metadata(list, "format"), "x");
    assert_int_equal(count_files(false), 1);
}

/* A tape that needs the old weights notices. */
static void test_versions(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = chain_new(gt, 3, 4, 2);
    assert_int_equal(gt_save(m, file), GT_OK);
    gt_tensor *loss = gt_sum(gt_forward(m, gt_ones(gt, GT_SHAPE(1, 3))));
    assert_int_equal(gt_load(m, file), GT_OK);
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    gt_error_clear(gt);
}

static void test_dtypes(void **state)
{
    gt_ctx *gt = *state;
    gt_module *f32 = dense_new(gt, 50, 401, GT_F32), *f64 = dense_new(gt, 50, 401, GT_F64);
    const gt_tensor *w = gt_module_parameter(f32, "weight"),
                    *v = gt_module_parameter(f64, "weight");
    assert_int_equal(gt_save(f32, file), GT_OK);
    assert_int_equal(gt_load(f64, file), GT_OK);
    for (int64_t i = 0; i < w->size; i++) assert_true(element(w, i) == element(v, i));
    ((double *)v->data)[7] = 0.1;
    assert_int_equal(gt_save(f64, file), GT_OK);
    assert_int_equal(gt_load(f32, file), GT_OK);
    assert_true(((float *)w->data)[7] == 0.1f);
}

/* More than two huge pages, and no whole number of them: mapped, or read while somebody could cut
 * the file off. Whoever writes to it later need not wait. */
static void test_large(void **state)
{
    gt_ctx *gt = *state;
    gt_module *a = dense_new(gt, 1201, 1001, GT_F32);
    assert_int_equal(gt_save(a, file), GT_OK);
    for (int writing = 0; writing < 2; writing++) {
        gt_module *b = dense_new(gt, 1201, 1001, GT_F32);
        const int fd = writing ? open(file, O_WRONLY | O_NONBLOCK) : -1;
        assert_true(fd >= 0 || !writing);
        assert_int_equal(gt_load(b, file), GT_OK);
        assert_same_state(a, b);
        if (writing) close(fd);
    }
}

/* The weights that PyTorch saved give PyTorch's output. */
static void test_torch_network(void **state)
{
    gt_ctx *gt = *state;
    static const char path[] = GT_SOURCE_DIR "/tests/reference/net.safetensors";
    const gt_tensors *list = gt_load_tensors(gt, path);
    static const gt_module_type type = {.name = "Conv", .size = sizeof(gt_module)};
    gt_module *conv = gt_module_new(gt, &type);
    gt_tensor *w = gt_module_add_parameter(conv, "weight", gt_zeros(gt, GT_SHAPE(3, 2, 2, 3)));
    gt_tensor *b = gt_module_add_parameter(conv, "bias", gt_zeros(gt, GT_SHAPE(3)));
    assert_int_equal(gt_load(conv, path, .prefix = "net."), GT_OK);
    const gt_tensor *y = gt_conv2d(gt_tensors_find(list, "x"), w, .bias = b);
    const gt_tensor *want = gt_tensors_find(list, "y");
    assert_well(gt);
    assert_true(gt_same_shape(y, want));
    for (int64_t i = 0; i < y->size; i++)
        assert_true(element(y, i) - element(want, i) < 1e-6 &&
                    element(want, i) - element(y, i) < 1e-6);
}

/* One tensor under two names: one of them is enough, and both are written. */
static void test_shared(void **state)
{
    gt_ctx *gt = *state;
    static const gt_module_type type = {.name = "Tied", .size = sizeof(gt_module)};
    gt_module *m = gt_module_new(gt, &type);
    gt_tensor *w = gt_module_add_parameter(m, "a", gt_values(gt, GT_SHAPE(2), 1, 2));
    gt_module_add_parameter(m, "b", w);
    assert_int_equal(gt_save(m, file), GT_OK);
    assert_int_equal(gt_load_tensors(gt, file)->n, 2);
    gt_tensor *seven = gt_full(gt, GT_SHAPE(2), 7);
    assert_int_equal(gt_save_tensors(gt, file, GT_TENSORS({"b", seven})), GT_OK);
    gt_load_report report;
    assert_int_equal(gt_load(m, file, .report = &report), GT_OK);
    assert_int_equal(report.missing, 0);
    ASSERT_VALUES(w, 0, 7, 7);
    assert_int_equal(gt_save_tensors(gt, file, GT_TENSORS({"c", seven})), GT_OK);
    assert_int_equal(gt_load(m, file), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "missing: a, b\n  unexpected: c");
}

/* --- what does not fit --- */

static void test_misfits(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 2, 2, GT_F32), *before = dense_new(gt, 2, 2, GT_F32);
    gt_tensor *w = gt_full(gt, GT_SHAPE(2, 2), 5), *b = gt_full(gt, GT_SHAPE(2), 6);
    gt_tensor *n = gt_scalar(gt, 7, .dtype = GT_I64), *u8 = gt_scalar(gt, 7, .dtype = GT_U8);
    gt_tensor *long_b = gt_full(gt, GT_SHAPE(3), 6);
    const struct {
        const gt_named_tensor *list;
        const char *strict, *partial, *skipping; /* messages; NULL: it is loaded */
        gt_status code;                          /* strict */
        gt_load_report report;
    } rows[] = {
        {GT_TENSORS({"weight", w}, {"bias", b}, {"calls", n}),
         NULL,
         NULL,
         NULL,
         GT_OK,
         {3, 0, 0, 0}},
        {GT_TENSORS({"weight", w}),
         "\n  missing: bias, calls\n  hint: .partial = true loads what fits",
         NULL,
         NULL,
         GT_ERR_ARGUMENT,
         {1, 2, 0, 0}},
        {GT_TENSORS({"weight", w}, {"bias", b}, {"calls", n}, {"1", n}, {"2", n}, {"3", n},
                    {"4", n}, {"5", n}),
         "does not fit the module\n  unexpected: 1, 2, 3, ... (5)",
         NULL,
         NULL,
         GT_ERR_ARGUMENT,
         {3, 0, 5, 0}},
        {GT_TENSORS({"weight", w}, {"bias", long_b}, {"calls", n}),
         "\n  misshaped: bias is F32 [3], not f32 [2]\n  hint: .skip_misshaped = true loads",
         "misshaped",
         "misshaped",
         GT_ERR_SHAPE,
         {2, 0, 0, 1}},
        {GT_TENSORS({"weight", w}, {"bias", long_b}, {"x", n}),
         "\n  hint: .partial = true, .skip_misshaped = true loads what fits",
         "\n  missing: calls\n  unexpected: x\n  misshaped: bias",
         NULL,
         GT_ERR_SHAPE,
         {1, 1, 1, 1}},
        {GT_TENSORS({"weight", w}, {"bias", b}, {"calls", u8}),
         "\n  misshaped: calls is U8 [], not i64 []",
         "misshaped",
         NULL,
         GT_ERR_SHAPE,
         {2, 0, 0, 1}},
        {GT_TENSORS({"x", n}),
         "missing: weight, bias, calls\n  unexpected: x",
         "has nothing that fits",
         "has nothing that fits",
         GT_ERR_ARGUMENT,
         {0, 3, 1, 0}},
        {GT_TENSORS({"a.b.weight", w}, {"a.b.bias", b}),
         "does not fit the module\n  missing: weight, bias, calls\n  unexpected: a.b.weight",
         "has nothing that fits the module\n  missing: weight",
         "\n  hint: .prefix = \"a.b.\"",
         GT_ERR_ARGUMENT,
         {0, 3, 2, 0}},
        {GT_TENSORS({"weight", long_b}, {"bias", w}, {"calls", u8}),
         "weight is F32 [3], not f32 [2,2], bias is F32 [2,2], not f32 [2], calls is U8 [], not",
         "does not fit the module",
         "has nothing that fits the module\n  misshaped: weight",
         GT_ERR_SHAPE,
         {0, 0, 0, 3}},
    };
    assert_int_equal(gt_save(m, file), GT_OK);
    assert_int_equal(gt_load(before, file), GT_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gt_load_report report;
        assert_int_equal(gt_save_tensors(gt, file, rows[i].list), GT_OK);
        const gt_status status = gt_load(m, file, .report = &report);
        assert_int_equal(status, rows[i].code);
        assert_memory_equal(&report, &rows[i].report, sizeof report);
        if (status) {
            assert_error(gt, rows[i].code, rows[i].strict);
            assert_same_state(m, before);
        }
        if (gt_load(m, file, .partial = true)) assert_error(gt, gt_error_code(gt), rows[i].partial);
        else assert_null(rows[i].partial);
        if (gt_load(m, file, .partial = true, .skip_misshaped = true))
            assert_error(gt, gt_error_code(gt), rows[i].skipping);
        assert_well(gt);
        dense *d = (dense *)m, *old = (dense *)before;
        gt_copy_into(d->weight, old->weight);
        gt_copy_into(d->bias, old->bias);
        gt_copy_into(d->calls, old->calls);
    }
}

/* However long names are, what is shown of them leaves room for the hint. */
static void test_long_names(void **state)
{
    gt_ctx *gt = *state;
    static const gt_module_type type = {.name = "Long", .size = sizeof(gt_module)};
    gt_module *m = gt_module_new(gt, &type);
    char names[8][121];
    gt_named_tensor list[6] = {{NULL, NULL}};
    gt_tensor *x = gt_ones(gt, GT_SHAPE(10, 10, 10, 10, 10, 1)), *y = gt_ones(gt, GT_SHAPE(3));
    for (int i = 0; i < 8; i++) {
        snprintf(names[i], sizeof names[i], "%0120d", i);
        if (i < 4) list[i] = (gt_named_tensor){names[i], i < 2 ? x : y};
        if (i % 4 < 2)
            gt_module_add_parameter(m, names[i], gt_zeros(gt, GT_SHAPE(10, 10, 10, 10, 10, 2)));
    }
    list[4] = (gt_named_tensor){"fits", y};
    gt_module_add_parameter(m, "fits", gt_zeros(gt, GT_SHAPE(3)));
    assert_int_equal(gt_save_tensors(gt, file, list), GT_OK);
    assert_int_equal(gt_load(m, file), GT_ERR_SHAPE);
    const char *last = strrchr(gt_error_message(gt), '\n');
    assert_string_equal(last, "\n  hint: .partial = true, .skip_misshaped = true loads what fits");
    assert_error(gt, GT_ERR_SHAPE, "..., ... (2)\n  unexpected: 000");
}

/* A prefix is told where it helps: the first that a name has may be of another layer. */
static void test_prefix(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 2, 2, GT_F32);
    gt_tensor *w = gt_full(gt, GT_SHAPE(2, 2), 5), *b = gt_full(gt, GT_SHAPE(2), 6),
              *n = gt_scalar(gt, 7, .dtype = GT_I64), *other = gt_full(gt, GT_SHAPE(3, 3), 5);
    const struct {
        const gt_named_tensor *list;
        const char *end; /* of the message */
    } rows[] = {
        {GT_TENSORS({"0.weight", other}, {"0.bias", b}, {"0.calls", n}, {"2.weight", w},
                    {"2.bias", b}, {"2.calls", n}),
         "\n  hint: .prefix = \"2.\""},
        {GT_TENSORS({"0.weight", other}, {"0.bias", b}, {"0.calls", n}),
         "\n  unexpected: 0.calls, 0.weight, 0.bias"},
        {GT_TENSORS({"0.weight", w}, {"0.bias", b}), "\n  unexpected: 0.weight, 0.bias"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(gt_save_tensors(gt, file, rows[i].list), GT_OK);
        assert_int_equal(gt_load(m, file), GT_ERR_ARGUMENT);
        const char *message = gt_error_message(gt);
        assert_string_equal(message + strlen(message) - strlen(rows[i].end), rows[i].end);
        gt_error_clear(gt);
    }
}

static void test_partial(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 2, 2, GT_F32);
    dense *d = (dense *)m;
    gt_fill(d->bias, 1);
    gt_tensor *w = gt_full(gt, GT_SHAPE(2, 2), 5), *b = gt_full(gt, GT_SHAPE(3), 6);
    assert_int_equal(
        gt_save_tensors(gt, file, GT_TENSORS({"p.weight", w}, {"p.bias", b}, {"q", b})), GT_OK);
    gt_load_report report;
    assert_int_equal(gt_load(m, file, .partial = true, .skip_misshaped = true, .prefix = "p.",
                             .report = &report),
                     GT_OK);
    assert_true(report.loaded == 1 && report.missing == 1 && report.misshaped == 1);
    assert_int_equal(report.unexpected, 0);
    assert_int_equal(gt_load(m, file, .prefix = "none."), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "hint: no name in it begins with \"none.\"; one is p.");
    ASSERT_VALUES(d->weight, 0, 5, 5, 5, 5);
    ASSERT_VALUES(d->bias, 0, 1, 1);
}

static void test_lazy(void **state)
{
    gt_ctx *gt = *state;
    gt_module *made = chain_new(gt, 3, 4, 2), *lazy = chain_new(gt, 0, 4, 2);
    assert_int_equal(gt_save(lazy, file), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "LazyDense '0' (test_io.c:");
    assert_int_equal(gt_save(lazy, file), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "hint: run one gt_forward");
    assert_int_equal(gt_save(made, file), GT_OK);
    for (int partial = 0; partial < 2; partial++) {
        assert_int_equal(gt_load(lazy, file, .partial = partial), GT_ERR_STATE);
        assert_error(gt, GT_ERR_STATE, "it is lazy and has none yet\n  hint: run one gt_forward");
    }
    gt_module *inner = gt_module_child(lazy, "1");
    assert_int_equal(gt_load(inner, file, .prefix = "1."), GT_ERR_STATE);
    gt_error_clear(gt);
    assert_non_null(gt_forward(lazy, gt_ones(gt, GT_SHAPE(1, 3))));
    assert_int_equal(gt_load(lazy, file), GT_OK);
    assert_same_state(made, lazy);
    assert_int_equal(gt_load(inner, file, .prefix = "1."), GT_OK);
}

static void test_bad_calls(void **state)
{
    gt_ctx *gt = *state;
    gt_module *m = dense_new(gt, 2, 2, GT_F32);
    assert_int_equal(gt_save(NULL, file), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "gt_save (test_io.c:");
    assert_int_equal(gt_load(NULL, file), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    assert_int_equal(gt_save(m, NULL), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL");
    assert_int_equal(gt_load(m, ""), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL or empty");
    assert_int_equal(gt_load(m, "/nowhere/x"), GT_ERR_IO);
    assert_error(gt, GT_ERR_IO, "gt_load (test_io.c:");
    gt_fail(gt, GT_ERR_STATE, "test", "first");
    assert_int_equal(gt_save(m, file), GT_ERR_STATE);
    assert_int_equal(gt_load(m, file), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "first");
    assert_int_equal(count_files(false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(test_round_trip), IO_TEST(test_versions),      IO_TEST(test_dtypes),
        IO_TEST(test_large),      IO_TEST(test_torch_network), IO_TEST(test_shared),
        IO_TEST(test_misfits),    IO_TEST(test_prefix),        IO_TEST(test_long_names),
        IO_TEST(test_partial),    IO_TEST(test_lazy),          IO_TEST(test_bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

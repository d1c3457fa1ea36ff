/* The safetensors format: round trips, files written by PyTorch and read by it. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>

#include "io_support.h"
#include "program.h"

#define REFERENCE(name) GT_SOURCE_DIR "/tests/reference/" name ".safetensors"

/* --- round trips --- */

static void assert_same(const gt_tensor *a, const gt_tensor *b)
{
    assert_non_null(a);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(gt_shape_equal(a->shape, b->shape));
    assert_memory_equal(a->data, b->data, (size_t)a->size * gt_dtype_size(a->dtype));
}

static void test_round_trips(void **state)
{
    gt_ctx *gt = *state;
    static const gt_shape shapes[] = {
        {0, {0}},       {1, {1}},          {1, {0}},          {2, {3, 5}},
        {3, {2, 0, 4}}, {4, {1, 2, 3, 4}}, {5, {1, 1, 7, 1}}, {6, {2, 1, 2, 1, 2, 3}}};
    enum { N = sizeof shapes / sizeof *shapes * GT_N_DTYPES };
    gt_named_tensor list[N + 1] = {{NULL, NULL}};
    char names[N][32];
    for (int i = 0; i < N; i++) {
        const gt_dtype dtype = (gt_dtype)(i % GT_N_DTYPES);
        gt_tensor *t = gt_randn(gt, shapes[i / GT_N_DTYPES], .dtype = GT_F64);
        list[i].tensor = gt_empty_(gt, t->shape, (gt_new_opts){.dtype = dtype});
        for (int64_t k = 0; k < t->size * (int64_t)gt_dtype_size(dtype); k++)
            ((unsigned char *)list[i].tensor->data)[k] = (unsigned char)(k * 37 + i);
        snprintf(names[i], sizeof names[i], "%s.%d", gt_dtype_name(dtype), i);
        list[i].name = names[i];
    }
    assert_int_equal(gt_save_tensors(gt, file, list), GT_OK);
    gt_tensors *back = gt_load_tensors(gt, file);
    assert_well(gt);
    assert_int_equal(back->n, N);
    assert_int_equal(back->n_metadata, 0);
    assert_null(back->metadata->name);
    assert_null(back->tensors[N].name);
    for (int i = 0; i < N; i++) assert_same(gt_tensors_find(back, names[i]), list[i].tensor);
    assert_null(gt_tensors_find(back, "nothing"));
    gt_tensors_free(back);
    gt_tensors_free(back);
    assert_int_equal(back->n, 0);
    assert_int_equal(count_files(false), 1);
}

static void test_names_and_metadata(void **state)
{
    gt_ctx *gt = *state;
    static const char *const odd[] = {
        "",     " ",        "a.b",          "\"\\/",           "\x01\x1f\n\t",
        "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    enum { N = sizeof odd / sizeof *odd };
    gt_named_tensor list[N + 1] = {{NULL, NULL}};
    gt_metadata metadata[N + 1] = {{NULL, NULL}};
    for (int i = 0; i < N; i++) {
        list[i] = (gt_named_tensor){odd[i], gt_scalar(gt, i)};
        metadata[i] = (gt_metadata){odd[i], odd[N - 1 - i]};
    }
    assert_int_equal(gt_save_tensors(gt, file, list, .metadata = metadata), GT_OK);
    gt_tensors *back = gt_load_tensors(gt, file);
    assert_well(gt);
    assert_int_equal(back->n_metadata, N);
    for (int i = 0; i < N; i++) {
        assert_true(gt_item(gt_tensors_find(back, odd[i])) == i);
        assert_string_equal(gt_tensors_metadata(back, odd[i]), odd[N - 1 - i]);
    }
    assert_null(gt_tensors_metadata(back, "nothing"));
    back = gt_load_tensors(gt, file, .metadata_only = true);
    assert_int_equal(back->n, 0);
    assert_int_equal(back->n_metadata, N);
}

static void test_nothing(void **state)
{
    gt_ctx *gt = *state;
    const gt_named_tensor none[] = {{NULL, NULL}};
    assert_int_equal(gt_save_tensors(gt, file, none), GT_OK);
    const gt_tensors *back = gt_load_tensors(gt, file);
    assert_well(gt);
    assert_int_equal(back->n, 0);
}

static void test_bad_lists(void **state)
{
    gt_ctx *gt = *state, *other = gt_open();
    gt_mark start = gt_mark_tape(gt);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2)), *dropped = x;
    gt_rewind(gt, start);
    x = gt_ones(gt, GT_SHAPE(2));
    const struct {
        const char *message;
        gt_status code;
        const gt_named_tensor *list;
        const gt_metadata *metadata;
    } bad[] = {
        {"the list is NULL", GT_ERR_ARGUMENT, NULL, NULL},
        {"'x' is NULL", GT_ERR_ARGUMENT, GT_TENSORS({"x", NULL}), NULL},
        {"another context", GT_ERR_ARGUMENT, GT_TENSORS({"x", gt_ones(other, GT_SCALAR)}), NULL},
        {"dropped by gt_rewind", GT_ERR_STATE, GT_TENSORS({"x", dropped}), NULL},
        {"'x' is there twice", GT_ERR_ARGUMENT, GT_TENSORS({"x", x}, {"y", x}, {"x", x}), NULL},
        {"reserves", GT_ERR_ARGUMENT, GT_TENSORS({"__metadata__", x}), NULL},
        {"no UTF-8", GT_ERR_ARGUMENT, GT_TENSORS({"\xc3", x}), NULL},
        {"no UTF-8", GT_ERR_ARGUMENT, GT_TENSORS({"\xed\xa0\x80", x}), NULL},
        {"'m' has no value", GT_ERR_ARGUMENT, GT_TENSORS({"x", x}), GT_METADATA({"m", NULL})},
        {"'m' is there twice", GT_ERR_ARGUMENT, GT_TENSORS({"x", x}),
         GT_METADATA({"m", "1"}, {"m", "2"})},
        {"value that is no UTF-8", GT_ERR_ARGUMENT, GT_TENSORS({"x", x}),
         GT_METADATA({"m", "\xff"})},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const gt_status got = gt_save_tensors(gt, file, bad[i].list, .metadata = bad[i].metadata);
        assert_int_equal(got, bad[i].code);
        assert_error(gt, bad[i].code, bad[i].message);
    }
    assert_int_equal(count_files(false), 0);
    gt_close(other);
}

/* --- PyTorch --- */

static void test_own_from_torch(void **state)
{
    gt_ctx *gt = *state;
    gt_tensors *own = gt_load_tensors(gt, REFERENCE("own"));
    assert_well(gt);
    assert_int_equal(own->n, 7);
    assert_string_equal(gt_tensors_metadata(own, "origin"), "PyTorch");
    ASSERT_VALUES(gt_tensors_find(own, "weight"), 0, -0.5, -0.25, 0, 0.25, 0.5, 0.75);
    ASSERT_VALUES(gt_tensors_find(own, "double"), 0, 1.0 / 3, -2.0 / 3, 1e-300);
    ASSERT_VALUES(gt_tensors_find(own, "labels"), 0, -1, 0x1p62, 7);
    ASSERT_VALUES(gt_tensors_find(own, "mask"), 0, 0, 1, 255);
    assert_true(gt_item(gt_tensors_find(own, "step")) == 12345);
    assert_true(gt_item(gt_tensors_find(own, "scalar")) == 2.5);
    assert_int_equal(gt_tensors_find(own, "step")->shape.ndim, 0);
    assert_true(gt_shape_equal(gt_tensors_find(own, "empty")->shape, GT_SHAPE(0, 3)));
    assert_int_equal(gt_tensors_find(own, "double")->dtype, GT_F64);

    /* What we write of it is the same, byte for byte. */
    assert_int_equal(gt_save_tensors(gt, file, own->tensors, .metadata = own->metadata), GT_OK);
    size_t n, m;
    unsigned char *theirs = read_bytes(REFERENCE("own"), &n), *ours = read_bytes(file, &m);
    assert_int_equal(n, m);
    assert_memory_equal(ours, theirs, n);
    free(theirs);
    free(ours);
}

static void test_foreign_from_torch(void **state)
{
    gt_ctx *gt = *state;
    gt_tensors *foreign = gt_load_tensors(gt, REFERENCE("foreign"));
    assert_well(gt);
    const gt_tensor *half = gt_tensors_find(foreign, "half");
    assert_int_equal(half->dtype, GT_F32);
    const float *h = half->data;
    assert_true(h[0] == 0 && !signbit(h[0]) && h[1] == 0 && signbit(h[1]));
    assert_true(h[2] == 1 && h[3] == -2.5f && h[4] == 65504 && h[5] == 0x1p-24f);
    assert_true(h[6] == INFINITY && h[7] == -INFINITY);
    ASSERT_VALUES(gt_tensors_find(foreign, "brain"), 1e36, 1, -2.5, 3.140625, 1e38);
    assert_int_equal(gt_tensors_find(foreign, "bool")->dtype, GT_U8);
    ASSERT_VALUES(gt_tensors_find(foreign, "bool"), 0, 1, 0, 1);
    assert_int_equal(gt_tensors_find(foreign, "i32")->dtype, GT_I64);
    ASSERT_VALUES(gt_tensors_find(foreign, "i32"), 0, -0x1p31, 0x1p31 - 1);
    ASSERT_VALUES(gt_tensors_find(foreign, "i16"), 0, -32768, 32767);
    ASSERT_VALUES(gt_tensors_find(foreign, "i8"), 0, -128, 127, 0);
    assert_non_null(gt_tensors_find(foreign, "na\xc3\xafve \"\\ \xf0\x9f\x98\x80\n"));
}

/* All 65536 halves, against the definition. */
static void test_halves(void **state)
{
    gt_ctx *gt = *state;
    static unsigned char bytes[2 << 16];
    for (unsigned i = 0; i < 1 << 16; i++) {
        bytes[2 * i] = (unsigned char)(i & 255);
        bytes[2 * i + 1] = (unsigned char)(i >> 8);
    }
    static const char header[] =
        "{\"h\":{\"dtype\":\"F16\",\"shape\":[65536],\"data_offsets\":[0,131072]}}";
    write_header(file, header, strlen(header), 0);
    FILE *f = fopen(file, "ab");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    fclose(f);
    const gt_tensors *list = gt_load_tensors(gt, file);
    assert_well(gt);
    const float *h = list->tensors[0].tensor->data;
    for (int i = 0; i < 1 << 16; i++) {
        const int exponent = i >> 10 & 31, part = i & 1023;
        double want = exponent ? ldexp(1 + part / 1024.0, exponent - 15) : ldexp(part, -24);
        if (exponent == 31) want = part ? NAN : INFINITY;
        if (i >> 15) want = -want;
        const bool same = isnan(want) ? isnan(h[i]) : (double)h[i] == want;
        if (!same || !signbit(h[i]) != !(i >> 15)) fail_msg("half %#x is %g", i, (double)h[i]);
    }
}

/* $GRADTAPE_PYTHON, or python3, if it has safetensors and torch. */
static const char *python(void)
{
    static char command[512];
    const char *path = getenv("GRADTAPE_PYTHON");
    snprintf(command, sizeof command, "%s -c 'import safetensors.torch' >/dev/null 2>&1",
             path ? path : "python3");
    if (system(command) == 0) return path ? path : "python3";
    print_message("python3 has no safetensors or torch: not tested\n");
    return NULL;
}

static void test_read_by_torch(void **state)
{
    gt_ctx *gt = *state;
    const char *interpreter = python();
    if (!interpreter) skip();
    gt_tensor *a = gt_values(gt, GT_SHAPE(2, 2), 1, 2.5, -3, 4);
    gt_tensor *b = gt_arange(gt, 0, 3, 1, .dtype = GT_I64);
    gt_tensor *c = gt_scalar(gt, 0.1, .dtype = GT_F64);
    gt_tensor *d = gt_full(gt, GT_SHAPE(0, 2), 0, .dtype = GT_U8);
    assert_int_equal(
        gt_save_tensors(gt, file, GT_TENSORS({"a \"\xc3\xa9\n", a}, {"b", b}, {"c", c}, {"d", d}),
                        .metadata = GT_METADATA({"k", "v\\"})),
        GT_OK);
    char command[1024];
    snprintf(command, sizeof command,
             "%s -c 'import sys; from safetensors import safe_open\n"
             "f = safe_open(sys.argv[1], \"pt\")\n"
             "print(f.metadata())\n"
             "for k in sorted(f.keys()):\n"
             "  t = f.get_tensor(k)\n"
             "  print(ascii(k), t.dtype, tuple(t.shape), t.tolist())' '%s' 2>&1",
             interpreter, file);
    assert_string_equal(run_program(command, 0),
                        "{'k': 'v\\\\'}\n"
                        "'a \"\\xe9\\n' torch.float32 (2, 2) [[1.0, 2.5], [-3.0, 4.0]]\n"
                        "'b' torch.int64 (3,) [0, 1, 2]\n"
                        "'c' torch.float64 () 0.1\n"
                        "'d' torch.uint8 (0, 2) []\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(test_round_trips),    IO_TEST(test_names_and_metadata),
        IO_TEST(test_nothing),        IO_TEST(test_bad_lists),
        IO_TEST(test_own_from_torch), IO_TEST(test_foreign_from_torch),
        IO_TEST(test_halves),         IO_TEST(test_read_by_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reading safetensors files that are no good, or hostile. */
#define _POSIX_C_SOURCE 200809L
#include "io_support.h"

#define REFERENCE(name) GT_SOURCE_DIR "/tests/reference/" name ".safetensors"

/* --- headers --- */

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define F32_2(offsets) T("F32", "[2]", offsets)

// clang-format off
static const struct {
    const char *header;
    size_t data;
    const char *message; /* NULL: it is good */
    gt_status code;      /* GT_ERR_FORMAT */
} headers[] = {
    {"{}", 0, NULL, GT_OK},
    {"{}  \n", 0, NULL, GT_OK},
    {"{ \"a\" :\t" F32_2("[ 0 , 8 ]") "\r\n}", 8, NULL, GT_OK},
    {"{\"a\":" T("F32", "[]", "[0,4]") "}", 4, NULL, GT_OK},
    {"{\"a\":" T("F32", "[0,9223372036854775807]", "[0,0]") "}", 0, NULL, GT_OK},
    {"{\"b\":" F32_2("[8,16]") ",\"a\":" F32_2("[0,8]") "}", 16, NULL, GT_OK},
    {"{\"a\":" T("U8", "[0]", "[0,0]") ",\"b\":" T("U8", "[1]", "[0,1]") ",\"c\":"
     T("U8", "[0]", "[1,1]") "}", 1, NULL, GT_OK},
    {"{\"a\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\"}}", 8, NULL, GT_OK},
    {"{\"\\u0061\\ud83d\\ude00\\/\\b\\f\":" F32_2("[0,8]") "}", 8, NULL, GT_OK},
    {"{\"__metadata__\":{}}", 0, NULL, GT_OK},
    {"{\"a\":" T("F32", "[1,1,1,1,1,1]", "[0,4]") "}", 4, NULL, GT_OK},
    /* JSON */
    {"", 0, "begin with '{'", 0},
    {" {}", 0, "begin with '{'", 0},
    {"[]", 0, "begin with '{'", 0},
    {"{", 0, "expected", 0},
    {"{}}", 0, "expected the end", 0},
    {"{}x", 0, "expected the end", 0},
    {"{,}", 0, "expected a string", 0},
    {"{\"a\"}", 0, "expected ':'", 0},
    {"{\"a\":}", 0, "expected '{'", 0},
    {"{\"a\":1}", 0, "expected '{'", 0},
    {"{\"a\":null}", 0, "expected '{'", 0},
    {"{a:" F32_2("[0,8]") "}", 8, "expected a string", 0},
    {"{\"a\":" F32_2("[0,8]") ",}", 8, "expected a string", 0},
    {"{\"a\":" F32_2("[0,8]") " \"b\":" F32_2("[8,16]") "}", 16, "expected ','", 0},
    {"{\"a\":" F32_2("[0,8]"), 8, "expected ','", 0},
    {"{\"a\":" F32_2("[0,8,]") "}", 8, "more than two", 0},
    {"{\"a\":" F32_2("[,0,8]") "}", 8, "whole number", 0},
    {"{\"a\":" F32_2("[0,8") "}", 8, "expected ',' or ']'", 0},
    {"{\"a\":" F32_2("[-0,8]") "}", 8, "whole number", 0},
    {"{\"a\":" F32_2("[0,+8]") "}", 8, "whole number", 0},
    {"{\"a\":" F32_2("[0,08]") "}", 8, "begins with 0", 0},
    {"{\"a\":" F32_2("[00,8]") "}", 8, "begins with 0", 0},
    {"{\"a\":" F32_2("[0,8.0]") "}", 8, "expected ','", 0},
    {"{\"a\":" F32_2("[0,8e0]") "}", 8, "expected ','", 0},
    {"{\"a\":" F32_2("[0,0x8]") "}", 8, "expected ','", 0},
    {"{\"a\":" F32_2("[0,\"8\"]") "}", 8, "whole number", 0},
    {"{\"a\":" F32_2("[0,9223372036854775808]") "}", 8, "too large", 0},
    {"{\"a\":" F32_2("[0,18446744073709551624]") "}", 8, "too large", 0},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[", 0, "expected '{'", 0},
    {"{\"a\":{\"a\":{\"a\":{\"a\":{", 0, "unknown field", 0},
    {"{\"a\":" T("F32", "[[2]]", "[0,8]") "}", 8, "whole number", 0},
    /* strings */
    {"{\"a", 0, "does not end", 0},
    {"{\"a\\", 0, "no such escape", 0},
    {"{\"a\\\"", 0, "does not end", 0},
    {"{\"\\x\":" F32_2("[0,8]") "}", 8, "no such escape", 0},
    {"{\"\\u12\":" F32_2("[0,8]") "}", 8, "hexadecimal", 0},
    {"{\"\\u123", 0, "hexadecimal", 0},
    {"{\"\\u0000\":" F32_2("[0,8]") "}", 8, "NUL", 0},
    {"{\"\\ud83d\":" F32_2("[0,8]") "}", 8, "surrogate", 0},
    {"{\"\\ud83d\\u0041\":" F32_2("[0,8]") "}", 8, "surrogate", 0},
    {"{\"\\ude00\":" F32_2("[0,8]") "}", 8, "surrogate", 0},
    {"{\"\\ud83d\\u", 8, "surrogate", 0},
    {"{\"a\nb\":" F32_2("[0,8]") "}", 8, "control character", 0},
    {"{\"\x80\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xc0\xaf\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xe0\x80\xaf\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xed\xa0\x80\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xf4\x90\x80\x80\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xf8\x88\x80\x80\x80\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xe2\x82\":" F32_2("[0,8]") "}", 8, "no UTF-8", 0},
    {"{\"\xe2\x82", 0, "no UTF-8", 0},
    {"{\"a\":\xff", 0, "expected '{'", 0},
    /* fields */
    {"{\"a\":{}}", 0, "lacks", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "lacks", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "lacks", 0},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "lacks", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "twice", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
     "unknown field", 0},
    {"{\"a\":" T("F33", "[2]", "[0,8]") "}", 8, "none that is known", 0},
    {"{\"a\":" T("f32", "[2]", "[0,8]") "}", 8, "none that is known", 0},
    {"{\"a\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "expected a string", 0},
    {"{\"a\":" F32_2("[0]") "}", 8, "fewer than two", 0},
    {"{\"a\":" F32_2("[]") "}", 8, "fewer than two", 0},
    {"{\"a\":" F32_2("[0,8,8]") "}", 8, "more than two", 0},
    {"{\"__metadata__\":{\"a\":1}}", 0, "expected a string", 0},
    {"{\"__metadata__\":{\"a\":{}}}", 0, "expected a string", 0},
    {"{\"__metadata__\":[]}", 0, "expected '{'", 0},
    {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "twice", 0},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice", 0},
    {"{\"__metadata__\":{\"a\":\"b\"", 0, "expected ','", 0},
    /* sizes and places */
    {"{\"a\":" F32_2("[0,8]") ",\"a\":" F32_2("[8,16]") "}", 16, "'a' stands there twice", 0},
    {"{\"a\":" F32_2("[0,8]") ",\"\\u0061\":" F32_2("[8,16]") "}", 16, "twice", 0},
    {"{\"a\":" F32_2("[0,8]") ",\"b\":" F32_2("[0,8]") "}", 8, "'b' overlaps", 0},
    {"{\"a\":" F32_2("[0,8]") ",\"b\":" F32_2("[4,12]") "}", 12, "'b' overlaps", 0},
    {"{\"a\":" F32_2("[0,8]") ",\"b\":" F32_2("[12,20]") "}", 20, "'b' lies behind a hole", 0},
    {"{\"a\":" F32_2("[4,12]") "}", 12, "hole", 0},
    {"{\"a\":" T("F32", "[0]", "[4,4]") "}", 4, "hole", 0},
    {"{\"a\":" F32_2("[8,0]") "}", 8, "ends before it begins", 0},
    {"{\"a\":" F32_2("[0,4]") "}", 4, "do not fit its dtype and shape", 0},
    {"{\"a\":" F32_2("[0,12]") "}", 12, "do not fit", 0},
    {"{\"a\":" T("F32", "[]", "[0,0]") "}", 0, "do not fit", 0},
    {"{\"a\":" T("F4", "[3]", "[0,1]") "}", 1, "do not fit", 0},
    {"{\"a\":" F32_2("[0,8]") "}", 7, "truncated", 0},
    {"{\"a\":" F32_2("[0,8]") "}", 0, "truncated", 0},
    {"{\"a\":" F32_2("[0,8]") "}", 9, "longer than it says", 0},
    {"{}", 1, "longer than it says", 0},
    {"{\"a\":" T("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "product", 0},
    {"{\"a\":" T("F64", "[3037000500,3037000500]", "[0,8]") "}", 8, "product", 0},
    {"{\"a\":" T("F64", "[9223372036854775807]", "[0,8]") "}", 8, "overflows", 0},
    {"{\"a\":" T("F32", "[2305843009213693952]", "[0,0]") "}", 0, "overflows", 0},
    {"{\"a\":" T("U8", "[1099511627776]", "[0,1099511627776]") "}", 8, "truncated", 0},
    /* what is good, but not for us */
    {"{\"a\":" T("F8_E4M3", "[2]", "[0,2]") "}", 2, "F8_E4M3 [2]: this dtype is not supported",
     GT_ERR_UNSUPPORTED},
    {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "9 dimensions", GT_ERR_UNSUPPORTED},
};
// clang-format on

static void test_headers(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        write_header(file, headers[i].header, strlen(headers[i].header), headers[i].data);
        gt_tensors *list = gt_load_tensors(gt, file);
        if (!headers[i].message) {
            if (!list) fail_msg("%s: %s", headers[i].header, gt_error_message(gt));
            continue;
        }
        if (list) fail_msg("'%s' was taken", headers[i].header);
        assert_error(gt, headers[i].code ? headers[i].code : GT_ERR_FORMAT, headers[i].message);
    }
}

/* A header that claims to be larger than the file, or than anything; none is allocated. */
static void test_claims(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        unsigned char length[8];
        const char *message;
    } claims[] = {
        {{3}, "but only 2 follow"},
        {{0, 0xe1, 0xf5, 0x05}, "but only 2 follow"},
        {{1, 0xe1, 0xf5, 0x05},
         "is no safetensors file: it does not begin with the size of a header of at most 100"},
        {{0, 0, 0, 0, 1}, "is no safetensors file"},
        {{255, 255, 255, 255, 255, 255, 255, 127}, "is no safetensors file"},
        {{255, 255, 255, 255, 255, 255, 255, 255}, "is no safetensors file"},
    };
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        unsigned char bytes[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        memcpy(bytes, claims[i].length, 8);
        write_bytes(file, bytes, sizeof bytes);
        assert_null(gt_load_tensors(gt, file));
        assert_error(gt, GT_ERR_FORMAT, claims[i].message);
    }
    static const char nul[] = "{\"a\0b\":1}";
    write_header(file, nul, sizeof nul - 1, 0);
    assert_null(gt_load_tensors(gt, file));
    assert_error(gt, GT_ERR_FORMAT, "control character");
}

/* What torch.save writes is named, with the way from there. */
static void test_torch(void **state)
{
    static const struct {
        const char *part;
        size_t n;
        char bytes[48];
    } rows[] = {
        {"torch.save", 48,
         "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\14\0\6\0net/data.pklFB\4\0"},
        {"torch.save", 17,
         "\x80\2\x8a\12l\xfc\x9c"
         "F\xf9 j\xa8P\x19.\x80\2"},
        {"it does not begin with", 48,
         "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0x.npyx/data.pkl"},
        {"it does not begin with", 40,
         "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0"},
        {"it does not begin with", 12, "PK\3\4\0\0\10\10"},
    };
    gt_ctx *gt = *state;
    gt_module *net = gt_nn_linear(gt, 2, 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_bytes(file, rows[i].bytes, rows[i].n);
        assert_int_equal(gt_load(net, file), GT_ERR_FORMAT);
        assert_error(gt, GT_ERR_FORMAT, rows[i].part);
    }
    write_bytes(file, rows[0].bytes, rows[0].n);
    assert_null(gt_load_tensors(gt, file));
    char want[800];
    snprintf(want, sizeof want,
             "import torch, safetensors.torch as s; s.save_file({k: v.clone() for k, v in "
             "torch.load('%s', map_location='cpu').items()}, '%s.safetensors')",
             file, file);
    assert_error(gt, GT_ERR_FORMAT, want);
}

static void test_no_files(void **state)
{
    gt_ctx *gt = *state;
    assert_null(gt_load_tensors(gt, "/nowhere/at all"));
    assert_error(gt, GT_ERR_IO, "gt_load_tensors (test_safetensors_bad.c:");
    assert_null(gt_load_tensors(gt, folder));
    assert_error(gt, GT_ERR_IO, "no regular file");
    assert_null(gt_load_tensors(gt, "/dev/null"));
    assert_error(gt, GT_ERR_IO, "no regular file");
    assert_null(gt_load_tensors(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the path is NULL");
    assert_null(gt_load_tensors(NULL, file));
    assert_error(NULL, GT_ERR_ARGUMENT, "the context is NULL");
}

/* --- every truncation, and many mutations, of good files --- */

/* Loads what is in the file; it is either refused as a bad file, or good to be used. */
static bool try_load(gt_ctx *gt)
{
    gt_mark start = gt_mark_tape(gt);
    gt_tensors *list = gt_load_tensors(gt, file);
    if (list) {
        for (int64_t i = 0; i < list->n; i++) {
            const gt_tensor *t = list->tensors[i].tensor;
            if (t->size) element(t, t->size - 1);
        }
        gt_tensors_free(list);
    } else {
        const gt_status code = gt_error_code(gt);
        if (code != GT_ERR_FORMAT && code != GT_ERR_UNSUPPORTED)
            fail_msg("%s", gt_error_message(gt));
        gt_error_clear(gt);
    }
    gt_rewind(gt, start);
    return list;
}

static void test_truncations(void **state)
{
    static const char *const good[] = {REFERENCE("own"), REFERENCE("foreign"), REFERENCE("net")};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t n;
        unsigned char *bytes = read_bytes(good[i], &n);
        write_bytes(file, bytes, n);
        assert_true(try_load(*state));
        for (size_t k = 0; k < n; k++) {
            write_bytes(file, bytes, k);
            if (try_load(*state)) fail_msg("%s was taken with %zu bytes", good[i], k);
        }
        free(bytes);
    }
}

static uint32_t xorshift(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

/* Changes, removes, doubles or inserts bytes, mostly of the header; at most 4096 bytes remain. */
static size_t mutate(unsigned char *bytes, size_t n, uint32_t *dice)
{
    static const char *const words[] = {"{",       "}",        "[",    "]",
                                        ",",       ":",        "\"",   "\\",
                                        "\\u",     "0",        "-1",   "9223372036854775807",
                                        "1e9",     "null",     "\xff", "\"__metadata__\":{",
                                        "\"F32\"", "\"BF16\"", "[0,0]"};
    const size_t at = xorshift(dice) % n;
    const size_t most = n - at < 64 ? n - at : 64, length = 1 + xorshift(dice) % most;
    switch (xorshift(dice) % 5) {
    case 0: bytes[at] ^= (unsigned char)(1u << xorshift(dice) % 8); return n;
    case 1: bytes[at] = (unsigned char)xorshift(dice); return n;
    case 2: /* remove */
        memmove(bytes + at, bytes + at + length, n - at - length);
        return n - length;
    case 3: /* double */
        if (n + length > 4096) return n;
        memmove(bytes + at + length, bytes + at, n - at);
        return n + length;
    default: break;
    }
    const char *word = words[xorshift(dice) % (sizeof words / sizeof *words)];
    const size_t size = strlen(word);
    if (n + size > 4096) return n;
    memmove(bytes + at + size, bytes + at, n - at);
    memcpy(bytes + at, word, size);
    return n + size;
}

/* Makes the length of the header right again, so that more of the reader is reached. */
static void mend(unsigned char *bytes, size_t n, size_t data)
{
    if (n < data + 8) return;
    const size_t length = n - data - 8;
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> 8 * i);
}

static void test_mutations(void **state)
{
    static const struct {
        const char *path;
        size_t data;
    } good[] = {{REFERENCE("own"), 87}, {REFERENCE("foreign"), 46}};
    uint32_t dice = 20250123;
    int taken = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t n;
        unsigned char *bytes = read_bytes(good[i].path, &n), copy[4096];
        for (int k = 0; k < 4000; k++) {
            size_t length = n;
            memcpy(copy, bytes, n);
            for (uint32_t j = xorshift(&dice) % 4; j != UINT32_MAX && length; j--)
                length = mutate(copy, length, &dice);
            if (k % 8) mend(copy, length, good[i].data);
            write_bytes(file, copy, length);
            taken += try_load(*state);
        }
        free(bytes);
    }
    print_message("%d of 8000 mutants are good files\n", taken);
    assert_in_range(taken, 1, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(test_headers), IO_TEST(test_claims),      IO_TEST(test_no_files),
        IO_TEST(test_torch),   IO_TEST(test_truncations), IO_TEST(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

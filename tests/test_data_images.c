/* Images: PNG and JPEG files. */
#define _POSIX_C_SOURCE 200809L
#include "data_support.h"

#include <math.h>

#ifdef GT_WITH_PNG
static void test_png(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(3, 4, 5));
    assert_int_equal(gt_image_save(x, scratch("x.png")), GT_OK);
    gt_tensor *y = gt_image_load(gt, scratch("x.png"));
    assert_well(gt);
    assert_true(gt_same_shape(x, y));
    for (int64_t i = 0; i < x->size; i++)
        assert_true(fabs(element(x, i) * 255 - element(y, i)) <= 0.5001);
    assert_int_equal(gt_image_save(y, scratch("y.png")), GT_OK);
    gt_tensor *z = gt_image_load(gt, scratch("y.png"));
    assert_memory_equal(y->data, z->data, 60);
    gt_tensor *grey = gt_image_load(gt, scratch("x.png"), .grey = true);
    assert_true(gt_shape_equal(grey->shape, GT_SHAPE(1, 4, 5)));
    assert_true(fabs(element(grey, 7) - 0.299 * element(y, 7) - 0.587 * element(y, 27) -
                     0.114 * element(y, 47)) < 1);
    gt_tensor *odd = gt_values(gt, GT_SHAPE(1, 4), -1, NAN, 2, 0.5);
    assert_int_equal(gt_image_save(odd, scratch("odd.png")), GT_OK);
    ASSERT_VALUES(gt_image_load(gt, scratch("odd.png"), .grey = true), 0, 0, 0, 255, 128);
    assert_int_equal(gt_image_save(gt_ones(gt, GT_SHAPE(2, 3, 3)), scratch("x.png")), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "[2,3,3]");
    assert_int_equal(gt_image_save(gt_cast(odd, GT_I64), scratch("x.png")), GT_ERR_DTYPE);
    assert_error(gt, GT_ERR_DTYPE, "hint: of classes gt_div_scalar(gt_cast(image, GT_F32)");
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *gone = gt_ones(gt, GT_SHAPE(3, 3));
    gt_rewind(gt, start);
    assert_int_equal(gt_image_save(gone, scratch("x.png")), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "dropped by gt_rewind");
    assert_true(gt_shape_equal(gt_image_load(gt, scratch("x.png"))->shape, GT_SHAPE(3, 4, 5)));
}

/* What was written is read back by libpng as it was: noise, which cannot be packed, and slopes,
 * which every filter makes smaller; rows that cross stored blocks of 65,535 bytes. */
static void test_png_bits(void **state)
{
    gt_ctx *gt = *state;
    static const int64_t sizes[][3] = {{1, 1, 1},     {1, 1, 65534}, {1, 1, 65535}, {1, 1, 65536},
                                       {3, 150, 146}, {1, 300, 437}, {3, 7, 1},     {3, 1, 5}};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        gt_tensor *t = gt_cast(gt_randint(gt, 0, 256, gt_shape_of(3, sizes[i / 2])), GT_U8);
        const int64_t w = sizes[i / 2][2];
        for (int64_t k = 0; i % 2 && k < t->size; k++)
            ((uint8_t *)t->data)[k] = (uint8_t)(k % w + 3 * (k / w));
        assert_int_equal(gt_image_save(t, scratch("bits.png")), GT_OK);
        gt_tensor *back = gt_image_load(gt, scratch("bits.png"), .grey = sizes[i / 2][0] == 1);
        assert_well(gt);
        assert_memory_equal(back->data, t->data, (size_t)t->size);
    }
}

/* 16 bits are not linear light, but a finer scale. */
static void test_png_16_bits(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_image_load(gt, fixture("grey16.png"), .grey = true);
    assert_well(gt);
    assert_true(gt_shape_equal(x->shape, GT_SHAPE(1, 6, 10)));
    for (int i = 0; i < 60; i++)
        assert_true(fabs(element(x, i) - (1000 * i + 128) / 257.0) <= 0.5001);
}

/* A header, with a right checksum, that claims 50,000 x 50,000 pixels. */
static void test_png_claim(void **state)
{
    static const unsigned char png[] = {
        0x89, 'P',  'N',  'G',  13, 10, 26, 10,   0,   0,   0,   13,   'I',  'H',  'D',
        'R',  0,    0,    0xc3, 80, 0,  0,  0xc3, 80,  8,   2,   0,    0,    0,    0xc4,
        0xcd, 0xaa, 0x9d, 0,    0,  0,  0,  'I',  'D', 'A', 'T', 0x35, 0xaf, 0x06, 0x1e};
    gt_ctx *gt = *state;
    write_file(scratch("huge.png"), png, sizeof png);
    assert_null(gt_image_load(gt, scratch("huge.png")));
    assert_error(gt, GT_ERR_FORMAT, "claims 50000 x 50000 pixels");
}

/* 20,000 x 20,000 pixels of one bit could lie in these 60 kB, but are more than are read. */
static void test_png_bomb(void **state)
{
    static unsigned char png[60000] = {0x89, 'P',  'N',  'G', 13,  10,  26,  10,   0,    0,    0,
                                       13,   'I',  'H',  'D', 'R', 0,   0,   0x4e, 0x20, 0,    0,
                                       0x4e, 0x20, 1,    0,   0,   0,   0,   0xcb, 0x0b, 0x7b, 0x94,
                                       0,    0,    0xea, 0,   'I', 'D', 'A', 'T'};
    gt_ctx *gt = *state;
    write_file(scratch("bomb.png"), png, sizeof png);
    cap_memory(true);
    assert_null(gt_image_load(gt, scratch("bomb.png")));
    cap_memory(false);
    assert_error(gt, GT_ERR_UNSUPPORTED, "has 20000 x 20000 pixels; pictures of up to 178956970");
}
#endif

#ifdef GT_WITH_JPEG
/* Colours that run from (255,0,0) by (-32,0,32) downwards and (0,8,0) to the right. */
static void test_jpeg(void **state)
{
    static const char *const names[] = {"colours.jpg", "colours_progressive.jpg"};
    gt_ctx *gt = *state;
    for (int k = 0; k < 2; k++) {
        gt_tensor *x = gt_image_load(gt, fixture(names[k]));
        assert_well(gt);
        assert_true(gt_shape_equal(x->shape, GT_SHAPE(3, 8, 16)));
        for (int64_t i = 0; i < 8; i++)
            for (int64_t j = 0; j < 16; j++) {
                assert_true(fabs(gt_get(x, 0, i, j) - (255 - 32 * (double)i)) < 45);
                assert_true(fabs(gt_get(x, 1, i, j) - 8 * (double)j) < 45);
                assert_true(fabs(gt_get(x, 2, i, j) - 32 * (double)i) < 45);
            }
    }
}
#endif

#ifdef GT_WITH_JPEG
/* The place of the two bytes 0xff and `mark`, from `at` on. */
static size_t find_mark(const unsigned char *bytes, size_t at, unsigned char mark)
{
    while (bytes[at] != 0xff || bytes[at + 1] != mark) at++;
    return at;
}

/* A scan of a few bytes again and again, which would cost time for all pixels each time. */
static void test_jpeg_scans(void **state)
{
    enum { DHT = 0xc4, SOS = 0xda, MANY = 600 };
    gt_ctx *gt = *state;
    unsigned char bytes[FILE_MOST];
    size_t n;
    memcpy(bytes, slurp(fixture("colours_progressive.jpg"), &n), FILE_MOST);
    const size_t first = find_mark(bytes, find_mark(bytes, 0, SOS) + 2, DHT);
    const size_t scan = find_mark(bytes, first, SOS), size = find_mark(bytes, scan, DHT) - first;
    bytes[scan + 9] = 0; /* to full precision, so that it may come again */
    assert_in_range(n + MANY * size, n, FILE_MOST);
    memmove(bytes + n - 2 + MANY * size, bytes + n - 2, 2);
    for (size_t i = 0; i < MANY; i++) memcpy(bytes + n - 2 + i * size, bytes + first, size);
    bytes[scan + 9] = 2; /* as it was */
    write_file(scratch("scans.jpg"), bytes, n + MANY * size);
    assert_null(gt_image_load(gt, scratch("scans.jpg")));
    assert_error(gt, GT_ERR_FORMAT, "scans.jpg: not a sound JPEG file: has more than 500 scans");
}

/* Ink, as PIL makes it colours. */
static void test_jpeg_ink(void **state)
{
    gt_ctx *gt = *state;
    const gt_tensor *want = gt_npy_load(gt, fixture("cmyk.npy"));
    const gt_tensor *got = gt_image_load(gt, fixture("cmyk.jpg"));
    assert_well(gt);
    assert_true(gt_same_shape(got, want));
    for (int64_t i = 0; i < got->size; i++)
        assert_true(fabs(element(got, i) - element(want, i)) <= 2);
}
#endif

static void test_other_files(void **state)
{
    gt_ctx *gt = *state;
    write_file(scratch("text.png"), "some text", 9);
    assert_null(gt_image_load(gt, scratch("text.png")));
    assert_error(gt, GT_ERR_FORMAT, "expected a PNG, JPEG, WebP, BMP, PPM or PGM file");
#ifndef GT_WITH_PNG
    write_file(scratch("a.png"), "\x89PNG\r\n\x1a\n", 8);
    assert_null(gt_image_load(gt, scratch("a.png")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "without libpng");
#endif
#ifndef GT_WITH_JPEG
    assert_null(gt_image_load(gt, fixture("colours.jpg")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "without libjpeg");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef GT_WITH_PNG
        cmocka_unit_test_setup_teardown(test_png, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_png_bits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_png_16_bits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_png_claim, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_png_bomb, open_context, close_context),
#endif
#ifdef GT_WITH_JPEG
        cmocka_unit_test_setup_teardown(test_jpeg, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_jpeg_scans, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_jpeg_ink, open_context, close_context),
#endif
        cmocka_unit_test_setup_teardown(test_other_files, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

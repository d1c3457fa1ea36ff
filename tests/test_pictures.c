/* Kinds of PNG and JPEG files, against what Pillow reads (tools/reference_pictures.py). */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"

#include "data/data.h"

#include <math.h>

/* --- EXIF --- */

#define LITTLE 'I', 'I', 42, 0, 8, 0, 0, 0
#define BIG 'M', 'M', 0, 42, 0, 0, 0, 8
#define OTHER_ENTRY 0, 1, 0, 2, 0, 0, 0, 4, 'a', 'b', 'c', 0

static void test_exif(void **state)
{
    static const struct {
        int orientation;
        size_t size;
        uint8_t exif[40];
    } rows[] = {
        {6, 22, {LITTLE, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0}},
        {8, 22, {BIG, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8}},
        {3, 34, {BIG, 0, 2, OTHER_ENTRY, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3}},
        {1, 34, {BIG, 0, 1, OTHER_ENTRY, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3}}, /* behind the end */
        {1, 22, {BIG, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 9}},              /* no orientation */
        {1, 22, {BIG, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 0}},
        {1, 22, {BIG, 0, 1, 1, 0x12, 0, 4, 0, 0, 0, 1, 0, 6}},       /* no 16 bits */
        {1, 19, {BIG, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6}},       /* cut */
        {1, 8, {BIG}},                                               /* no directory */
        {1, 10, {BIG, 0xff, 0xff}},                                  /* many entries */
        {1, 10, {'M', 'M', 0, 42, 0xff, 0xff, 0xff, 0xff, 0, 1}},    /* far away */
        {1, 22, {'M', 'M', 0, 43, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3}}, /* no TIFF */
        {1, 22, {'M', 'I', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3}},
        {1, 1, {'M'}},
        {1, 0, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *exact = malloc(rows[i].size + 1); /* sanitizers see what is read behind it */
        memcpy(exact, rows[i].exif, rows[i].size);
        uint8_t *cut = realloc(exact, rows[i].size ? rows[i].size : 1);
        const int got = gti_exif_orientation(cut, rows[i].size);
        free(cut);
        if (got != rows[i].orientation) fail_msg("row %zu: %d", i, got);
    }
}

/* --- whole pictures --- */

#if defined(GT_WITH_PNG) && defined(GT_WITH_ZLIB)
static void assert_picture(const gt_tensor *got, const char *want, double tolerance)
{
    gt_ctx *gt = got ? got->ctx : NULL;
    if (!gt) fail_msg("%s was not read", want);
    const gt_tensor *x = gt_npz_load(gt, fixture("pictures.npz"), want);
    assert_well(gt);
    assert_true(gt_same_shape(got, x));
    for (int64_t i = 0; i < x->size; i++)
        if (fabs(element(got, i) - element(x, i)) > tolerance)
            fail_msg("%s: element %d is %g, not %g", want, (int)i, element(got, i), element(x, i));
}

/* All 16 bits, of what Pillow was given. */
static void test_deep(void **state)
{
    gt_ctx *gt = *state;
    const gt_tensor *png = gt_image_load(gt, fixture("grey16.png"), .deep = true, .grey = true),
                    *pgm = gt_image_load(gt, fixture("grey16.pgm"), .deep = true),
                    *rgba = gt_image_load(gt, fixture("rgba16.png"), .deep = true),
                    *plain = gt_image_load(gt, fixture("rgba.png"), .deep = true),
                    *white =
                        gt_image_load(gt, fixture("rgba16.png"), .deep = true, .on_white = true),
                    *bytes = gt_image_load(gt, fixture("rgba16.png"), .on_white = true);
    assert_well(gt);
    for (int i = 0; i < 60; i++)
        assert_true(element(png, i) == (double)((float)(1000 * i + 128) / 65535.0f));
    for (int i = 0; i < 36; i++) {
        assert_true(element(pgm, i) == (double)((float)(5000 * (i % 12)) / 65535.0f));
        assert_true(fabs(element(rgba, i) - element(plain, i)) < 1e-7);
        assert_true(fabs(255 * element(white, i) - element(bytes, i)) <= 1);
    }
    assert_int_equal(plain->dtype, GT_F32);
}

static void test_kinds(void **state)
{
    static const char *const names[] = {
        "rgba",     "rgba_interlaced", "rgba16",        "grey_alpha",
        "grey_key", "rgb_key",         "palette_alpha", "gamma"};
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64], white[80];
        snprintf(name, sizeof name, "%s.png", names[i]);
        snprintf(white, sizeof white, "%s.white", name);
        assert_picture(gt_image_load(gt, fixture(name)), name, 0);
        assert_picture(gt_image_load(gt, fixture(name), .on_white = true), white, 0);
        if (i < 7) assert_picture(gt_image_load(gt, fixture(name), .apply_gamma = true), name, 0);
    }
    static const char *const others[] = {"colours.bmp", "palette.bmp", "bits.bmp", "colours.ppm"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_picture(gt_image_load(gt, fixture(others[i])), others[i], 0);
#ifdef GT_WITH_WEBP
    assert_picture(gt_image_load(gt, fixture("colours.webp")), "colours.webp", 0);
    assert_picture(gt_image_load(gt, fixture("alpha.webp")), "alpha.webp", 0);
    assert_picture(gt_image_load(gt, fixture("alpha.webp"), .on_white = true), "alpha.webp.white",
                   1);
    assert_picture(gt_image_load(gt, fixture("alpha.webp"), .apply_exif_orientation = true),
                   "alpha.webp.6", 0);
#else
    assert_null(gt_image_load(gt, fixture("colours.webp")));
    assert_error(gt, GT_ERR_UNSUPPORTED, "built without libwebp");
#endif
    assert_picture(gt_image_load(gt, fixture("gamma.png"), .apply_gamma = true), "gamma.png.gamma",
                   1);
}

/* The file says 6; its byte for that is overwritten by each of the others. */
static void check_orientations(gt_ctx *gt, const char *file, size_t at, double tolerance)
{
    unsigned char bytes[FILE_MOST];
    size_t n;
    memcpy(bytes, slurp(fixture(file), &n), FILE_MOST);
    assert_int_equal(bytes[at], 6);
    for (int orientation = 1; orientation <= 8; orientation++) {
        char want[64];
        bytes[at] = (unsigned char)orientation;
        write_file(scratch(file), bytes, n);
        snprintf(want, sizeof want, "%s.%d", file, orientation);
        assert_picture(gt_image_load(gt, scratch(file), .apply_exif_orientation = true), want,
                       tolerance);
        snprintf(want, sizeof want, "%s.1", file);
        assert_picture(gt_image_load(gt, scratch(file)), want, tolerance);
    }
}

#ifdef GT_WITH_JPEG
static void test_jpeg_orientation(void **state)
{
    check_orientations(*state, "exif.jpeg", 0x31, 3);
}
#endif

static void test_png_orientation(void **state)
{
    gt_ctx *gt = *state;
    assert_picture(gt_image_load(gt, fixture("exif.png"), .apply_exif_orientation = true),
                   "exif.png.6", 0);
    assert_picture(gt_image_load(gt, fixture("exif.png")), "exif.png.1", 0);
    gt_tensor *grey =
        gt_image_load(gt, fixture("exif.png"), .apply_exif_orientation = true, .grey = true);
    assert_true(gt_shape_equal(grey->shape, GT_SHAPE(1, 16, 8)));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exif),
#if defined(GT_WITH_PNG) && defined(GT_WITH_ZLIB)
        cmocka_unit_test_setup_teardown(test_deep, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_kinds, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_png_orientation, open_context, close_context),
#ifdef GT_WITH_JPEG
        cmocka_unit_test_setup_teardown(test_jpeg_orientation, open_context, close_context),
#endif
#endif
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

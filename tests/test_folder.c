/* Folders of images: what is found below them, in torchvision's order, and what is said of the
 * rest. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "files.h"

#include <math.h>

#ifdef GT_WITH_PNG

/* A picture in the folder `name` of the test's own whose pixels are all `level`. */
static void put(const char *name, int level)
{
    gt_ctx *gt = gt_open();
    gt_image_save(gt_full(gt, GT_SHAPE(3, 8, 16), level / 255.0), scratch(name));
    assert_well(gt);
    gt_close(gt);
}

static void link_to(const char *target, const char *name)
{
    scratch(name); /* makes the folders on the way */
    remove(scratch(name));
    assert_int_equal(symlink(target, scratch(name)), 0);
}

static void test_order(void **state)
{
    /* As torchvision.datasets.ImageFolder lists them: os.walk's folders sorted by their whole
     * paths, so that '-' comes before '/'. */
    static const struct {
        const char *name;
        int label;
    } files[] = {{"order/A/x.png", 0},          {"order/a/1.png", 1},
                 {"order/a/2.JPG", 1},          {"order/a/z.png", 1},
                 {"order/a/b/0.png", 1},        {"order/a/b/9.png", 1},
                 {"order/a/b-c/0.png", 1},      {"order/a/b/d/0.png", 1},
                 {"order/b/deep/er/1.jpeg", 2}, {"order/b/linked/0.png", 2}};
    enum { N = sizeof files / sizeof *files };
    gt_ctx *gt = *state;
    for (int i = 0; i < N - 1; i++) put(files[i].name, i);
    put("elsewhere/0.png", N - 1);
    link_to(scratch("elsewhere"), "order/b/linked");
    gt_image_folder_report report = {.skipped = 7};
    gt_dataset *d = gt_image_folder(gt, scratch("order"), .report = &report);
    assert_well(gt);
    assert_int_equal(report.skipped, 0);
    assert_string_equal(report.names, "");
    assert_int_equal(d->count, N);
    assert_int_equal(d->n_classes, 3);
    static const char *const classes[] = {"A", "a", "b"};
    for (int i = 0; i < 3; i++) assert_string_equal(d->classes[i], classes[i]);
    for (int i = 0; i < N; i++) {
        int64_t label;
        const int level = (int)element(gt_dataset_item(d, i, &label), 0);
        if (level != i || label != files[i].label)
            fail_msg("item %d is %s, of class %d", i, files[level].name, (int)label);
    }
}

static void test_skipped(void **state)
{
    gt_ctx *gt = *state;
    put("skipped/cats/1.png", 1);
    put("skipped/cats/.hidden.png", 2);
    write_file(scratch("skipped/cats/a\n.gif"), "x", 1);
    write_file(scratch("skipped/cats/sub/notes"), "x", 1);
    write_file(scratch("skipped/photo.png"), "x", 1);
    assert_int_equal(mkfifo(scratch("skipped/cats/pipe.png"), 0600), 0);
    gt_image_folder_report report;
    assert_int_equal(gt_image_folder(gt, scratch("skipped"), .report = &report)->count, 1);
    assert_int_equal(report.skipped, 4);
    assert_string_equal(report.names, "cats/a?.gif, cats/pipe.png, cats/sub/notes, photo.png");
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "skipped/cats/text-%02d", i);
        write_file(scratch(name), "x", 1);
    }
    assert_non_null(gt_image_folder(gt, scratch("skipped"), .report = &report));
    assert_int_equal(report.skipped, 44);
    const size_t n = strlen(report.names);
    assert_true(n < sizeof report.names && n > sizeof report.names / 2);
    assert_string_equal(report.names + n - 5, ", ...");
    assert_non_null(strstr(report.names, ", cats/text-07, "));
}

static void test_refused(void **state)
{
    gt_ctx *gt = *state;
    gt_image_folder_report report;
    write_file(scratch("flat/notes.txt"), "x", 1);
    write_file(scratch("empty/dogs/notes.txt"), "x", 1);
    write_file(scratch("empty/mice/inner/.x.png"), "x", 1);
    put("empty/cats/1.png", 1);
    put("gone/cats/1.png", 1);
    link_to("nowhere at all", "gone/cats/2.png");
    put("loop/cats/1.png", 1);
    link_to("..", "loop/cats/inner/up");
    link_to("..", "loop/cats/inner/up again");
    put("odd/cats/1.png", 1);
    write_file(scratch("odd/cats/2.png"), "text", 4);
    const struct {
        const char *folder;
        gt_status code;
        const char *part;
        int64_t skipped;
    } rows[] = {
        {"nowhere", GT_ERR_IO, "nowhere: No such file", 0},
        {"flat", GT_ERR_IO, "found no folders; 1 skipped: notes.txt", 1},
        {"empty", GT_ERR_IO,
         "files in the classes dogs, mice; what is no class must lie "
         "elsewhere; 1 skipped: dogs/notes.txt",
         1},
        {"gone", GT_ERR_IO, "gone/cats/2.png: No such file", 0},
        {"loop", GT_ERR_IO, "inner/up: is a link to a folder that it lies in", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        report.skipped = -1;
        assert_null(gt_image_folder(gt, scratch(rows[i].folder), .report = &report));
        assert_error(gt, rows[i].code, rows[i].part);
        assert_int_equal(report.skipped, rows[i].skipped);
    }
    gt_dataset *odd = gt_image_folder(gt, scratch("odd"));
    assert_non_null(gt_dataset_item(odd, 0, NULL));
    assert_null(gt_dataset_item(odd, 1, NULL));
    assert_error(gt, GT_ERR_FORMAT, "odd/cats/2.png: expected a PNG, JPEG,");
    assert_null(gt_image_folder(gt, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "the folder is NULL");
    assert_null(gt_image_folder(gt, scratch("odd"), .size = {-1, 3}));
    assert_error(gt, GT_ERR_ARGUMENT, "size is {-1, 3}");
}

static void test_sizes(void **state)
{
    gt_ctx *gt = *state;
    put("sizes/a/1.png", 102);
    put("sizes/b/2.png", 51);
    gt_image_save(gt_full(gt, GT_SHAPE(6, 3), 0.5), scratch("sizes/b/3.png"));
    gt_dataset *d = gt_image_folder(gt, scratch("sizes"));
    gt_loader *l = gt_loader_new(d, 2, .threads = 2);
    gt_tensor *x, *y;
    assert_true(gt_loader_next(l, &x, &y));
    assert_false(gt_loader_next(l, &x, &y));
    assert_error(gt, GT_ERR_SHAPE, ".size = {8, 16}");
    d = gt_image_folder(gt, scratch("sizes"), .size = {4, 2}, .grey = true);
    l = gt_loader_new(d, 3);
    assert_true(gt_loader_next(l, &x, &y));
    assert_true(gt_shape_equal(x->shape, GT_SHAPE(3, 1, 4, 2)));
    assert_true(fabs(gt_get(x, 0, 0, 3, 1) - 0.4) < 1e-6);
    ASSERT_VALUES(y, 0, 0, 1, 1);
}

/* Pictures are read as gt_image_load reads them with the same options. */
static void test_options(void **state)
{
    static const char *const names[] = {"rgba.png", "gamma.png", "exif.png"};
    gt_ctx *gt = *state;
    for (int i = 0; i < 16 * 3; i++) {
        const char *name = names[i / 16];
        const gt_image_opts o = {.grey = i & 1,
                                 .apply_gamma = i & 2,
                                 .on_white = i & 4,
                                 .apply_exif_orientation = i & 8};
        size_t n;
        const unsigned char *bytes = slurp(fixture(name), &n);
        write_file(scratch("options/a/x.png"), bytes, n);
        gt_dataset *d = gt_image_folder(gt, scratch("options"), .grey = o.grey,
                                        .apply_gamma = o.apply_gamma, .on_white = o.on_white,
                                        .apply_exif_orientation = o.apply_exif_orientation);
        const gt_tensor *got = gt_dataset_item(d, 0, NULL);
        const gt_tensor *want = gt_image_load_(gt, fixture(name), o);
        assert_well(gt);
        assert_true(gt_same_shape(got, want));
        assert_memory_equal(got->data, want->data, (size_t)want->size);
    }
}

#endif

/* --- pictures and masks --- */

#define PIXELS(head, ...)                                                                          \
    head, sizeof(head) - 1, (const unsigned char[]){__VA_ARGS__},                                  \
        sizeof((const unsigned char[]){__VA_ARGS__})

static void write_pixels(const char *name, const char *head, size_t n, const unsigned char *pixels,
                         size_t count)
{
    unsigned char bytes[256];
    memcpy(bytes, head, n);
    memcpy(bytes + n, pixels, count);
    write_file(scratch(name), bytes, n + count);
}

/* The masks of pictures, by their names; resized by the nearest pixel; what is ignored. */
static void test_masks(void **state)
{
    gt_ctx *gt = *state;
    write_pixels("i/b/two.ppm", PIXELS("P6 2 2 255 ", 255, 0, 0, 9, 9, 9, 0, 0, 0, 1, 2, 3));
    write_pixels("i/one.pgm", PIXELS("P5 2 2 255 ", 1, 2, 3, 4));
    write_pixels("m/b/two.pgm", PIXELS("P5 2 2 255 ", 7, 255, 0, 1));
    write_pixels("m/one.pgm", PIXELS("P5 2 2 7 ", 1, 0, 2, 3));
    gt_dataset *d = gt_mask_folder(gt, scratch("i"), scratch("m"), .ignored = 255);
    gt_tensor *x, *y;
    assert_int_equal(d->count, 2);
    assert_int_equal(gt_dataset_get(d, 1, &x, &y), GT_OK);
    ASSERT_VALUES(x, 0, 255, 9, 0, 1, 0, 9, 0, 2, 0, 9, 0, 3);
    ASSERT_VALUES(y, 0, 7, -100, 0, 1);
    assert_int_equal(gt_dataset_get(d, 0, &x, &y), GT_OK);
    ASSERT_VALUES(y, 0, 1, 0, 2, 3);
    d = gt_mask_folder(gt, scratch("i"), scratch("m"), .threshold = 7);
    assert_int_equal(gt_dataset_get(d, 1, &x, &y), GT_OK);
    ASSERT_VALUES(y, 0, 1, 1, 0, 0);
    d = gt_mask_folder(gt, scratch("i"), scratch("m"), .threshold = 2, .ignored = 255);
    assert_int_equal(gt_dataset_get(d, 1, &x, &y), GT_OK);
    ASSERT_VALUES(y, 0, 1, -100, 0, 0);
    assert_null(gt_mask_folder(gt, scratch("i"), scratch("m"), .threshold = 256));
    assert_error(gt, GT_ERR_ARGUMENT, "threshold is 256, must be 1 to 255");
    d = gt_mask_folder(gt, scratch("i"), scratch("m"), .size = {2, 4}, .grey = true);
    assert_int_equal(gt_dataset_get(d, 0, &x, &y), GT_OK);
    assert_true(gt_shape_equal(x->shape, GT_SHAPE(1, 2, 4)));
    ASSERT_VALUES(y, 0, 1, 1, 0, 0, 2, 2, 3, 3);
    ASSERT_VALUES(gt_image_load(gt, scratch("m/one.pgm"), .stored = true), 0, 1, 0, 2, 3);
    assert_null(gt_image_load(gt, scratch("i/b/two.ppm"), .stored = true));
    assert_error(gt, GT_ERR_FORMAT, "two.ppm: has no one number of 8 bits or fewer");
    assert_null(gt_image_load(gt, scratch("m/one.pgm"), .stored = true, .on_white = true));
    assert_error(gt, GT_ERR_ARGUMENT, "nothing is applied to them");
    write_pixels("m/one.pgm", PIXELS("P5 1 2 255 ", 1, 2));
    d = gt_mask_folder(gt, scratch("i"), scratch("m"));
    assert_int_equal(gt_dataset_get(d, 0, &x, &y), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "m/one.pgm: is 1 x 2 pixels, the first picture 2 x 2");
    remove(scratch("m/b/two.pgm"));
    assert_null(gt_mask_folder(gt, scratch("i"), scratch("m")));
    assert_error(gt, GT_ERR_IO, "m/b/two: there is no mask of this name");
    assert_null(gt_mask_folder(gt, scratch("m/b"), scratch("m")));
    assert_error(gt, GT_ERR_IO, "m/b: there are no .png, .jpg, ... files");
}

int main(void)
{
#ifdef GT_WITH_PNG
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_masks, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_order, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_skipped, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_sizes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_options, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
#endif
}

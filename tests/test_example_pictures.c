/* The examples that draw: filters gives the pixels that its kernels say, the others a picture of
 * the size that their layout has, also after Ctrl-C. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gradtape.h>

#include "program.h"

#define EXAMPLES GT_BINARY_DIR "/examples/"
#define OUT GT_BINARY_DIR "/example_out.png"
#define IN GT_BINARY_DIR "/example_in.png"
#define GRAPH GT_BINARY_DIR "/example_graph.dot"

/* Runs an example and returns the picture that it wrote, u8 [c,h,w]. */
static gt_tensor *draw(gt_ctx *gt, const char *program, const char *options, bool interrupt)
{
    char path[1024], command[2048];
    snprintf(path, sizeof path, EXAMPLES "%s", program);
    need_program(path);
    remove(OUT);
    snprintf(command, sizeof command, "'%s' %s --out '" OUT "'", path, options);
    if (interrupt) interrupt_program(command);
    else run_program(command, 0);
    gt_tensor *x = gt_image_load(gt, OUT);
    remove(OUT);
    if (!x) print_error("%s\n", gt_error_message(gt));
    assert_non_null(x);
    return x;
}

static void assert_size(gt_ctx *gt, const char *program, const char *options, bool interrupt,
                        int64_t h, int64_t w)
{
    gt_tensor *x = draw(gt, program, options, interrupt);
    assert_int_equal(x->shape.dim[1], h);
    assert_int_equal(x->shape.dim[2], w);
}

/* A picture of four columns, 0 0 1 1: what the kernels make of its edge, from 0 to 255. */
static void filters_convolve(void **state)
{
    static const struct {
        const char *options;
        int row[4];
    } cases[] = {
        {"--edge", {128, 0, 128, 128}},          {"--edge --strict", {128, 255, 128, 128}},
        {"--edge-y", {128, 128, 128, 128}},      {"--laplace", {128, 255, 0, 128}},
        {"--blur", {16, 80, 175, 239}},          {"--sharpen", {0, 0, 255, 255}},
        {"--direction 0", {128, 255, 255, 128}}, {"--direction 90", {128, 128, 128, 128}},
        {"--direction=180", {128, 0, 0, 128}},
    };
    gt_ctx *gt = *state;
    gt_tensor *x = gt_repeat(gt_values(gt, GT_SHAPE(1, 1, 4), 0, 0, 1, 1), GT_SHAPE(3, 5, 1));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char options[1024];
        assert_int_equal(gt_image_save(x, IN), GT_OK);
        snprintf(options, sizeof options, "%s '" IN "'", cases[i].options);
        gt_tensor *y = draw(gt, "filters", options, false);
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(3, 5, 4)));
        for (int j = 0; j < 4; j++) {
            const int pixel = (int)gt_get(y, 1, 2, j);
            if (abs(pixel - cases[i].row[j]) > 1)
                fail_msg("%s: pixel %d is %d, not %d", options, j, pixel, cases[i].row[j]);
        }
    }
    remove(IN);
}

static void sheets_have_their_size(void **state)
{
    gt_ctx *gt = *state;
    assert_size(gt, "filters", "", false, 2 * 162 + 2, 4 * 162 + 2);
    assert_size(gt, "filters", "--blur --edge", false, 164, 3 * 162 + 2);
    assert_size(gt, "feature_maps", "--epochs 100000 --graph '" GRAPH "'", true, 676, 690);
    assert_int_equal(remove(GRAPH), 0);
    assert_size(gt, "autoencoder", "--epochs 100000 --graph '" GRAPH "' --backward", true,
                4 * 86 + 2, 8 * 86 + 2);
    assert_int_equal(remove(GRAPH), 0);
}

static int open_context(void **state)
{
    *state = gt_open();
    return 0;
}

static int close_context(void **state)
{
    gt_close(*state);
    return 0;
}

int main(void)
{
#ifndef GT_WITH_PNG
    print_message("without libpng: not tested\n");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filters_convolve, open_context, close_context),
        cmocka_unit_test_setup_teardown(sheets_have_their_size, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sheets of pictures: the numbers of torchvision.utils.make_grid, and what is refused. */
#include "support.h"

#include <math.h>

/* Three pictures of 2x4, the numbers 0 to 23. */
static gt_tensor *pictures(gt_ctx *gt)
{
    return gt_reshape(gt_arange(gt, 0, 24, 1), GT_SHAPE(3, 1, 2, 4));
}

#define P (-1) /* padding */
static const struct row {
    gt_make_grid_opts opts;
    int h, w;
    double pad, low, span; /* a number k of the sheet is (k - low) / span, in 0..1 where clamped */
    bool clamped;
    int sheet[80];
} rows[] = {
    // clang-format off
    {{.nrow = 2, .padding = 1}, 7, 11, 0, 0, 1, false,
     {P, P, P, P, P, P, P, P, P, P, P,
      P, 0, 1, 2, 3, P, 8, 9, 10, 11, P,
      P, 4, 5, 6, 7, P, 12, 13, 14, 15, P,
      P, P, P, P, P, P, P, P, P, P, P,
      P, 16, 17, 18, 19, P, P, P, P, P, P,
      P, 20, 21, 22, 23, P, P, P, P, P, P,
      P, P, P, P, P, P, P, P, P, P, P}},
    {{.nrow = 2, .padding = GT_ZERO, .pad_value = 0.5, .normalize = true}, 4, 8, 0.5, 0, 23, false,
     {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15,
      16, 17, 18, 19, P, P, P, P, 20, 21, 22, 23, P, P, P, P}},
    {{.nrow = 2, .padding = GT_ZERO, .normalize = true, .scale_each = true}, 4, 8, 0, 0, 7, false,
     {0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7,
      0, 1, 2, 3, P, P, P, P, 4, 5, 6, 7, P, P, P, P}},
    {{.padding = 1, .normalize = true, .value_range = {2, 10}}, 4, 16, 0, 2, 8, true,
     {P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
      P, 0, 1, 2, 3, P, 8, 9, 10, 11, P, 16, 17, 18, 19, P,
      P, 4, 5, 6, 7, P, 12, 13, 14, 15, P, 20, 21, 22, 23, P,
      P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P}},
    // clang-format on
};

static double expected(const struct row *r, int k)
{
    if (k == P) return r->pad;
    const double y = (k - r->low) / r->span;
    return r->clamped ? fmin(fmax(y, 0), 1) : y;
}

static void sheets_are_torchvisions(void **state)
{
    (void)state;
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        gt_ctx *gt = gt_open();
        gt_tensor *y = gt_make_grid_(pictures(gt), r->opts);
        assert_well(gt);
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(1, r->h, r->w)));
        for (int i = 0; i < r->h * r->w; i++)
            if (fabs(element(y, i) - expected(r, r->sheet[i])) > 1e-6)
                fail_msg("sheet %d, %d: %g", (int)(r - rows), i, element(y, i));
        gt_close(gt);
    }
}

static void colours_stay_apart(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *x = gt_rand(gt, GT_SHAPE(5, 3, 4, 6)), *y = gt_make_grid(x, .nrow = 3);
    assert_true(gt_shape_equal(y->shape, GT_SHAPE(3, 14, 26)));
    assert_true(gt_get(y, 2, 8 + 1, 10 + 3) == gt_get(x, 4, 2, 1, 3));
    gt_close(gt);
}

static void refuses(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    assert_null(gt_make_grid(gt_zeros(gt, GT_SHAPE(3, 4))));
    assert_non_null(strstr(gt_error_message(gt), "x [3,4] is no batch of pictures [n,c,h,w]"));
    gt_error_clear(gt);
    assert_null(gt_make_grid(pictures(gt), .nrow = -1));
    assert_non_null(strstr(gt_error_message(gt), "nrow = -1 must be from 1"));
    gt_error_clear(gt);
    assert_null(gt_make_grid(pictures(gt), .normalize = true, .value_range = {1, -1}));
    assert_non_null(strstr(gt_error_message(gt), "value_range = {1, -1} go up"));
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sheets_are_torchvisions),
        cmocka_unit_test(colours_stay_apart),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

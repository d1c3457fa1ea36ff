/* Transforms of images. */
#include "support.h"

#include "data/data.h"
#include <math.h>

/* The first batch, of all images of x, f32 [n,c,h,w]. */
static gt_tensor *transformed(gt_tensor *x, const gt_transform *list)
{
    gt_dataset *d = gt_tensor_dataset(x, NULL);
    gt_tensor *out = NULL;
    gt_loader *l = gt_loader_new(d, x->shape.dim[0], .transforms = list);
    gt_loader_next(l, &out, NULL);
    return out;
}

static void test_resize(void **state)
{
    static const struct {
        int size[2];
        double torch[72];
    } rows[] = {
        {{3, 3},
         {0.320037097, 0.390374362, 0.250463843, 0.445887446, 0.325014859, 0.462482005, 0.289424807,
          0.390374333, 0.230055705}},
        {{2, 10},
         {0.376033098, 0.426033109, 0.432851315, 0.337396741, 0.360123962, 0.344214916, 0.287396699,
          0.31921491,  0.330578536, 0.330578536, 0.330578506, 0.3055785,   0.307851225, 0.371487588,
          0.346487612, 0.378305733, 0.462396681, 0.398760319, 0.31466943,  0.239669412}},
        {{8, 9},
         {0.0,          0.0606060699, 0.212121204, 0.464646518, 0.818181813,  0.535353601,
          0.353535324,  0.272727281,  0.272727281, 0.19886364,  0.339015186,  0.388888896,
          0.393939406,  0.5,          0.30997479,  0.220959589, 0.232954577,  0.3125,
          0.477272749,  0.689393997,  0.601010144, 0.301136345, 0.102272727,  0.0448232442,
          0.0883838683, 0.212121248,  0.363636374, 0.704545438, 0.613636374,  0.449494958,
          0.282196969,  0.215909094,  0.291035354, 0.467171818, 0.515151441,  0.363636374,
          0.590909064,  0.405303001,  0.269570708, 0.234848499, 0.301136374,  0.508838356,
          0.643939435,  0.581439316,  0.335227281, 0.13636364,  0.0643939301, 0.0612373762,
          0.159090936,  0.357954562,  0.698232293, 0.618686795, 0.410984814,  0.278409094,
          0.193181828,  0.234848484,  0.364267647, 0.469696939, 0.363636374,  0.398989886,
          0.29229793,   0.189393938,  0.170454547, 0.272727281, 0.393939406,  0.616161585,
          0.717171669,  0.363636374,  0.151515186, 0.040404018, 0.0303030461, 0.0909090936}},
    };
    gt_ctx *gt = *state;
    float x[35];
    for (int i = 0; i < 35; i++) x[i] = (float)(i * i % 11) / 11;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const int *size = rows[k].size;
        gt_tensor *y = transformed(gt_from(gt, GT_SHAPE(1, 1, 5, 7), x),
                                   GT_TRANSFORMS({.kind = GT_RESIZE, .size = {size[0], size[1]}}));
        assert_values(y, size[0] * size[1], rows[k].torch, 1e-6);
    }
}

static void test_fixed(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_reshape(gt_arange(gt, 0, 8, 1), GT_SHAPE(1, 2, 2, 2));
    ASSERT_VALUES(
        transformed(x, GT_TRANSFORMS({.kind = GT_NORMALISE, .mean = {1, 4}, .std = {2, 4}})), 0,
        -0.5, 0, 0.5, 1, 0, 0.25, 0.5, 0.75);
    ASSERT_VALUES(transformed(x, GT_TRANSFORMS({.kind = GT_NORMALISE, .mean = {1}, .std = {2}})), 0,
                  -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3);
    ASSERT_VALUES(transformed(x, GT_TRANSFORMS({.kind = GT_RANDOM_FLIP, .p = 1})), 0, 1, 0, 3, 2, 5,
                  4, 7, 6);
    ASSERT_VALUES(transformed(x, GT_TRANSFORMS({.kind = GT_RANDOM_VERTICAL_FLIP, .p = 1})), 0, 2, 3,
                  0, 1, 6, 7, 4, 5);
    gt_tensor *y = gt_reshape(gt_arange(gt, 0, 20, 1), GT_SHAPE(1, 1, 4, 5));
    ASSERT_VALUES(transformed(y, GT_TRANSFORMS({.kind = GT_CENTER_CROP, .size = {2, 3}})), 0, 6, 7,
                  8, 11, 12, 13);
    assert_well(gt);
}

/* Every place of the window comes, and zeros where it reaches outside. */
static void test_random_crop(void **state)
{
    gt_ctx *gt = *state;
    enum { N = 400 };
    float x[N * 9];
    for (int i = 0; i < N * 9; i++) x[i] = (float)(i % 9 + 1);
    gt_tensor *y = transformed(gt_from(gt, GT_SHAPE(N, 1, 3, 3), x),
                               GT_TRANSFORMS({.kind = GT_RANDOM_CROP, .size = {2}, .padding = 1}));
    bool seen[4][4] = {{0}};
    for (int i = 0; i < N; i++) {
        int places = 0;
        for (int top = -1; top <= 2; top++)
            for (int left = -1; left <= 2; left++) {
                bool same = true;
                for (int k = 0; k < 4; k++) {
                    const int r = top + k / 2, c = left + k % 2;
                    const bool inside = r >= 0 && r < 3 && c >= 0 && c < 3;
                    same = same && element(y, 4 * i + k) == (inside ? 3 * r + c + 1 : 0);
                }
                if (same) seen[top + 1][left + 1] = true;
                places += same;
            }
        assert_int_equal(places, 1);
    }
    for (int k = 0; k < 16; k++) assert_true(seen[k / 4][k % 4]);
}

/* By a right angle, counter-clockwise; and by a random angle the sum of a disc stays. */
static void test_rotation(void **state)
{
    gt_ctx *gt = *state;
    float at[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, spare[9];
    const float want[9] = {3, 6, 9, 2, 5, 8, 1, 4, 7};
    gti_image m = {.at = at, .spare = spare, .c = 1, .h = 3, .w = 3};
    gti_rotate(&m, acos(-1.0) / 2);
    for (int i = 0; i < 9; i++) assert_true(fabsf(m.at[i] - want[i]) < 1e-5f);
    float disc[21 * 21];
    for (int i = 0; i < 21 * 21; i++)
        disc[i] = fmaxf(0, 8 - hypotf((float)(i / 21) - 10, (float)(i % 21) - 10));
    gt_tensor *x = gt_from(gt, GT_SHAPE(1, 1, 21, 21), disc);
    gt_tensor *y = transformed(x, GT_TRANSFORMS({.kind = GT_RANDOM_ROTATION, .degrees = 180}));
    double before = 0, after = 0;
    for (int i = 0; i < 21 * 21; i++) {
        before += element(x, i);
        after += element(y, i);
        assert_true(fabs(element(x, i) - element(y, i)) < 0.5);
    }
    assert_true(fabs(before - after) < 0.01 * before);
}

static void test_erasing(void **state)
{
    enum { N = 300, SIDE = 20 };
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(N, 1, SIDE, SIDE));
    gt_tensor *y = transformed(x, GT_TRANSFORMS({.kind = GT_RANDOM_ERASING}));
    int erased = 0;
    for (int i = 0; i < N; i++) {
        int zeros = 0, top = SIDE, bottom = -1, left = SIDE, right = -1;
        for (int k = 0; k < SIDE * SIDE; k++) {
            if (element(y, i * SIDE * SIDE + k) != 0) continue;
            zeros++;
            if (k / SIDE < top) top = k / SIDE;
            if (k / SIDE > bottom) bottom = k / SIDE;
            if (k % SIDE < left) left = k % SIDE;
            if (k % SIDE > right) right = k % SIDE;
        }
        if (!zeros) continue;
        erased++;
        assert_int_equal(zeros, (bottom - top + 1) * (right - left + 1));
        assert_in_range(zeros, 4, SIDE * SIDE * 4 / 10);
    }
    assert_in_range(erased, N * 4 / 10, N * 6 / 10);
}

/* One strength at a time, against the formulas of torchvision. */
static void test_colour(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_values(gt, GT_SHAPE(1, 3, 1, 2), 0.2, 0.4, 0.3, 0.5, 0.6, 0.1);
    gt_tensor *b = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .brightness = 0.5}));
    const double factor = element(b, 0) / 0.2;
    assert_true(factor > 0.5 && factor < 1.5 && fabs(factor - 1) > 1e-3);
    for (int i = 0; i < 6; i++) assert_true(fabs(element(b, i) - factor * element(x, i)) < 1e-6);
    double grey[2];
    for (int i = 0; i < 2; i++)
        grey[i] = 0.2989 * element(x, i) + 0.587 * element(x, 2 + i) + 0.114 * element(x, 4 + i);
    gt_tensor *s = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .saturation = 0.5}));
    gt_tensor *c = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .contrast = 0.5}));
    const double mean = (grey[0] + grey[1]) / 2;
    const double fs = (element(s, 0) - grey[0]) / (0.2 - grey[0]);
    const double fc = (element(c, 0) - mean) / (0.2 - mean);
    for (int i = 0; i < 6; i++) {
        assert_true(fabs(element(s, i) - fs * element(x, i) - (1 - fs) * grey[i % 2]) < 1e-6);
        assert_true(fabs(element(c, i) - fc * element(x, i) - (1 - fc) * mean) < 1e-6);
    }
    /* Hue keeps the largest and the smallest channel of each pixel. */
    gt_tensor *h = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .hue = 0.5}));
    for (int i = 0; i < 2; i++) {
        const double r = element(h, i), g = element(h, 2 + i), u = element(h, 4 + i);
        assert_true(fabs(fmax(fmax(r, g), u) - (i ? 0.5 : 0.6)) < 1e-6);
        assert_true(fabs(fmin(fmin(r, g), u) - (i ? 0.1 : 0.2)) < 1e-6);
    }
    assert_memory_not_equal(h->data, x->data, 24);
    assert_well(gt);
}

/* A third of the circle turns red to green, green to blue, blue to red. */
static void test_hue(void **state)
{
    (void)state;
    float at[6] = {0.8f, 0.1f, 0.3f, 0.6f, 0.2f, 0.9f};
    const float want[6] = {0.2f, 0.9f, 0.8f, 0.1f, 0.3f, 0.6f};
    gti_image m = {.at = at, .c = 3, .h = 1, .w = 2};
    gti_hue_turn(&m, 1.0f / 3);
    for (int i = 0; i < 6; i++) assert_true(fabsf(at[i] - want[i]) < 1e-5f);
}

static void test_transform_errors(void **state)
{
    static const struct {
        gt_transform t;
        gt_status code;
        const char *part;
    } rows[] = {
        {{.kind = GT_NORMALISE}, GT_ERR_ARGUMENT, "normalise: std is required"},
        {{.kind = GT_NORMALISE, .std = {1, -1}}, GT_ERR_ARGUMENT, "std must be positive"},
        {{.kind = GT_RESIZE}, GT_ERR_ARGUMENT, "resize: size is required"},
        {{.kind = GT_RESIZE, .size = {1 << 20}}, GT_ERR_ARGUMENT, "32768"},
        {{.kind = GT_RANDOM_CROP, .size = {5}}, GT_ERR_SHAPE, "5 x 5 pixels cannot be cropped"},
        {{.kind = GT_CENTER_CROP, .size = {5}, .padding = 9}, GT_ERR_SHAPE, "from 4 x 4"},
        {{.kind = GT_RANDOM_CROP, .size = {2}, .padding = -1}, GT_ERR_ARGUMENT, "padding"},
        {{.kind = GT_RANDOM_FLIP, .p = 2}, GT_ERR_ARGUMENT, "random_flip: p"},
        {{.kind = GT_RANDOM_ROTATION}, GT_ERR_ARGUMENT, "degrees are required"},
        {{.kind = GT_RANDOM_ERASING, .scale = {0.5, 0.1}}, GT_ERR_ARGUMENT, "scale"},
        {{.kind = GT_COLOUR_JITTER, .hue = 0.7}, GT_ERR_ARGUMENT, "hue at most 0.5"},
        {{.kind = (gt_transform_kind)99}, GT_ERR_ARGUMENT, "no transform 99"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const gt_transform list[] = {rows[i].t, {.kind = GT_NO_TRANSFORM}};
        assert_null(transformed(gt_ones(gt, GT_SHAPE(1, 1, 4, 4)), list));
        assert_error(gt, rows[i].code, rows[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resize, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_fixed, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_random_crop, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_rotation, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_erasing, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_colour, open_context, close_context),
        cmocka_unit_test(test_hue),
        cmocka_unit_test_setup_teardown(test_transform_errors, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

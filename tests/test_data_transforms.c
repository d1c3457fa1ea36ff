/* Transforms of pictures, masks and batches: what is random in them, and what they refuse. */
#include "support.h"

#include <math.h>
#include <string.h>

static gt_tensor *one(gt_tensor *x, gt_transform t)
{
    return gt_transform(x, GT_TRANSFORMS(t));
}

/* --- by loaders --- */

/* The first batch, of all images of x, f32 [n,c,h,w]. */
static gt_tensor *transformed(gt_tensor *x, const gt_transform *list)
{
    gt_dataset *d = gt_tensor_dataset(x);
    gt_tensor *out = NULL;
    gt_loader *l = gt_loader_new(d, x->shape.dim[0], .transforms = list);
    gt_loader_next(l, &out);
    return out;
}

/* Resizing grows and shrinks at once; all the way there is room. */
static void test_resize(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *y = transformed(
        gt_full(gt, GT_SHAPE(1, 1, 5, 7), 0.25),
        GT_TRANSFORMS({.kind = GT_RESIZE, .size = {3, 40}}, {.kind = GT_RESIZE, .size = {50, 2}}));
    assert_true(gt_shape_equal(y->shape, GT_SHAPE(1, 1, 50, 2)));
    for (int i = 0; i < 100; i++) assert_true(fabs(element(y, i) - 0.25) < 1e-6);
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

/* By a random angle the sum of a disc stays. */
static void test_rotation(void **state)
{
    gt_ctx *gt = *state;
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
    gt_tensor *s = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .saturation = 0.3}));
    gt_tensor *c = transformed(x, GT_TRANSFORMS({.kind = GT_COLOUR_JITTER, .contrast = 0.3}));
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

/* --- functions of one's own --- */

static bool add_some(float *x, gt_shape shape, uint64_t seed, void *user, gt_data_error *error)
{
    if (*(const double *)user > 1e6)
        return gt_data_fail(error, GT_ERR_NUMERIC, "too much, at %lld", (long long)shape.dim[2]);
    for (int64_t i = 0; i < gt_shape_size(shape); i++)
        x[i] += (float)(*(const double *)user + (double)(seed % 2));
    return true;
}

static void test_custom(void **state)
{
    gt_ctx *gt = *state;
    double two = 2, much = 1e7;
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(20, 1, 2, 3)), *v = gt_zeros(gt, GT_SHAPE(20, 4)), *a, *b;
    gt_loader *l = gt_loader_new(
        gt_tensor_dataset(x, v), 20, .threads = 1,
        .transforms = GT_TRANSFORMS(
            {.kind = GT_CUSTOM, .fn = add_some, .user = &two},
            {.kind = GT_CUSTOM, .fn = add_some, .user = &two, .members = GT_MEMBER(1)}));
    assert_true(gt_loader_next(l, &a, &b));
    double more = 0;
    for (int i = 0; i < 20; i++) {
        assert_true(element(a, 6 * i) == 2 || element(a, 6 * i) == 3);
        assert_true(element(b, 4 * i) == 2 || element(b, 4 * i) == 3);
        more += element(a, 6 * i) - 2;
    }
    assert_in_range((int)more, 3, 17);
    assert_well(gt);
    assert_null(one(gt_zeros(gt, GT_SHAPE(1, 2, 3)),
                    (gt_transform){.kind = GT_CUSTOM, .fn = add_some, .user = &much}));
    assert_error(gt, GT_ERR_NUMERIC, "too much, at 3");
}

/* --- one tensor --- */

/* It is made as a loader makes it: of bytes, and as the member that it is said to be. */
static void test_one_tensor(void **state)
{
    gt_ctx *gt = *state;
    const gt_transform list[] = {
        {.kind = GT_RESIZE, .size = {4, 5}},
        {.kind = GT_NORMALISE, .mean = {0.5, 0.25, 0.125}, .std = {0.5}, .members = GT_MEMBER(0)},
        {.kind = GT_MIXUP},
        {.kind = GT_NO_TRANSFORM}};
    gt_tensor *bytes = gt_cast(gt_randint(gt, 0, 256, GT_SHAPE(1, 3, 7, 6)), GT_U8), *x, *y;
    gt_dataset *d = gt_tensor_dataset(bytes, gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64));
    assert_true(gt_loader_next(gt_loader_new(d, 1, .transforms = list), &x, &y));
    gt_tensor *own = gt_transform(gt_dataset_item(d, 0, NULL), list);
    assert_true(gt_shape_equal(own->shape, GT_SHAPE(3, 4, 5)));
    for (int64_t i = 0; i < own->size; i++)
        assert_true(fabs(element(own, i) - element(x, i)) < 1e-6);
    gt_tensor *plain = gt_transform(gt_dataset_item(d, 0, NULL), list, .member = 1);
    assert_true(fabs(element(own, 0) - (element(plain, 0) - 0.5) / 0.5) < 1e-6);
    /* What is random is drawn from the context's generator, or from a seed. */
    const gt_transform noisy[] = {{.kind = GT_RANDOM_ROTATION, .degrees = 90},
                                  {.kind = GT_NO_TRANSFORM}};
    gt_tensor *at = gt_rand(gt, GT_SHAPE(1, 6, 6)), *r[4];
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0) gt_manual_seed(gt, 5);
        r[i] = i < 2 ? gt_transform(at, noisy) : gt_transform(at, noisy, .seed = 9);
    }
    assert_memory_not_equal(r[0]->data, r[1]->data, 144);
    assert_memory_equal(r[2]->data, r[3]->data, 144);
    assert_well(gt);
    assert_null(gt_transform(at, list, .member = 8));
    assert_error(gt, GT_ERR_ARGUMENT, ".member is 8, must be 0 to 7");
    assert_null(gt_transform(at, GT_TRANSFORMS({.kind = GT_CENTER_CROP, .size = {7}})));
    assert_error(gt, GT_ERR_SHAPE, "gt_transform");
    /* What could be taken for a picture is not passed over. */
    gt_tensor *deep = gt_cast(at, GT_F64);
    assert_null(gt_transform(deep, noisy));
    assert_error(gt, GT_ERR_SHAPE, "touches nothing of f64 [1,6,6]");
    assert_null(gt_transform(gt_ones(gt, GT_SHAPE(1, 3, 6, 6)), noisy));
    assert_error(gt, GT_ERR_SHAPE, "touches nothing of f32 [1,3,6,6]");
    /* Channels stand first, unless it is said that they do. */
    gt_tensor *hwc = gt_zeros(gt, GT_SHAPE(8, 9, 3));
    assert_null(gt_transform(hwc, GT_TRANSFORMS({.kind = GT_RANDOM_FLIP})));
    assert_error(gt, GT_ERR_SHAPE, "[8,9,3] looks like [h,w,c]\n  hint: gt_permute(x, 2, 0, 1)");
    assert_null(gt_loader_new(gt_tensor_dataset(gt_reshape(hwc, GT_SHAPE(1, 8, 9, 3))), 1,
                              .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_FLIP})));
    assert_error(gt, GT_ERR_SHAPE, "random_flip is done to pictures [c,h,w]");
    assert_non_null(
        gt_transform(hwc, GT_TRANSFORMS({.kind = GT_RANDOM_FLIP, .members = GT_MEMBER(0)})));
    assert_null(gt_transform(NULL, list));
    gt_error_clear(NULL);
}

/* With one seed a picture and its mask move alike, also behind a transform that masks do without.
 */
static void test_picture_and_mask(void **state)
{
    gt_ctx *gt = *state;
    const gt_transform list[] = {{.kind = GT_COLOUR_JITTER, .brightness = 1e-6},
                                 {.kind = GT_RANDOM_FLIP},
                                 {.kind = GT_RANDOM_VERTICAL_FLIP},
                                 {.kind = GT_NO_TRANSFORM}};
    gt_tensor *x = gt_arange(gt, 0, 1, 1.0 / 16);
    x = gt_reshape(x, GT_SHAPE(1, 4, 4));
    gt_tensor *mask = gt_cast(gt_reshape(gt_mul_scalar(x, 16), GT_SHAPE(4, 4)), GT_I64);
    for (uint64_t seed = 1; seed < 9; seed++) {
        gt_tensor *a = gt_transform(x, list, .seed = seed);
        gt_tensor *b = gt_transform(mask, list, .member = 1, .seed = seed);
        for (int64_t i = 0; i < 16; i++)
            assert_true(fabs(16 * element(a, i) - element(b, i)) < 1e-3);
    }
    assert_well(gt);
    /* A mask does not move alone, where its picture is none to transforms. */
    gt_dataset *flat = gt_tensor_dataset(gt_ones(gt, GT_SHAPE(2, 4, 4)),
                                         gt_zeros(gt, GT_SHAPE(2, 4, 4), .dtype = GT_I64));
    assert_null(gt_loader_new(flat, 2, .transforms = list + 1));
    assert_error(gt, GT_ERR_SHAPE,
                 "random_flip would move member 1, a mask, and not member 0, which is f32 [4,4]");
    const gt_transform alone[] = {{.kind = GT_RANDOM_FLIP, .members = GT_MEMBER(1)},
                                  {.kind = GT_NO_TRANSFORM}};
    assert_non_null(gt_loader_new(flat, 2, .transforms = alone));
    /* Nor does a picture without its mask. */
    gt_tensor *label = gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64);
    gt_dataset *both = gt_tensor_dataset(gt_ones(gt, GT_SHAPE(1, 1, 4, 4)),
                                         gt_zeros(gt, GT_SHAPE(1, 4, 4), .dtype = GT_I64), label);
    assert_null(gt_loader_new(both, 1, .transforms = GT_TRANSFORMS({.kind = GT_CUTMIX})));
    assert_error(gt, GT_ERR_SHAPE, "cutmix does not mix masks, as member 1 is one");
    assert_non_null(gt_loader_new(
        both, 1, .transforms = GT_TRANSFORMS({.kind = GT_CUTMIX, .members = GT_MEMBER(0)})));
}

/* Parts of classes add up to 1, by what is left of each picture. */
static void test_mixing(void **state)
{
    gt_ctx *gt = *state;
    for (int kind = GT_MIXUP; kind <= GT_CUTMIX; kind++)
        for (int threads = 0; threads < 2; threads++) {
            gt_tensor *x = gt_empty(gt, GT_SHAPE(12, 1, 8, 8)), *a, *y,
                      *label = gt_empty(gt, GT_SHAPE(12), .dtype = GT_I64);
            for (int i = 0; i < 12; i++) ((int64_t *)label->data)[i] = i % 4;
            for (int i = 0; i < 12 * 64; i++) ((float *)x->data)[i] = (float)(i / 64 % 4);
            gt_loader *l = gt_loader_new(
                gt_tensor_dataset(x, label), 4, .threads = threads, .seed = 3,
                .transforms = GT_TRANSFORMS({.kind = (gt_transform_kind)kind, .alpha = 0.7}));
            while (gt_loader_next(l, &a, &y)) {
                assert_true(gt_shape_equal(y->shape, GT_SHAPE(4, 4)));
                for (int i = 0; i < 4; i++) {
                    double mean = 0, expected = 0, sum = 0;
                    for (int k = 0; k < 64; k++) mean += element(a, 64 * i + k) / 64;
                    for (int c = 0; c < 4; c++) expected += c * element(y, 4 * i + c);
                    for (int c = 0; c < 4; c++) sum += element(y, 4 * i + c);
                    assert_true(fabs(sum - 1) < 1e-6 && fabs(mean - expected) < 1e-5);
                }
            }
            assert_well(gt);
        }
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 1, 2, 2));
    assert_null(
        gt_loader_new(gt_tensor_dataset(x), 2, .transforms = GT_TRANSFORMS({.kind = GT_MIXUP})));
    assert_error(gt, GT_ERR_SHAPE, "mixup needs classes");
    gt_dataset *d = gt_tensor_dataset(x, gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64));
    assert_null(
        gt_loader_new(d, 2, .transforms = GT_TRANSFORMS({.kind = GT_MIXUP}, {.kind = GT_CUTMIX})));
    assert_error(gt, GT_ERR_ARGUMENT, "mixup is done to whole batches: it stands last");
}

static void test_transform_errors(void **state)
{
    static const struct {
        gt_transform t;
        gt_status code;
        const char *part;
    } rows[] = {
        {{.kind = GT_NORMALISE}, GT_ERR_ARGUMENT, "normalise: std is required"},
        {{.kind = GT_NORMALISE, .std = {1, -1}},
         GT_ERR_ARGUMENT,
         "std is required and must be positive"},
        {{.kind = GT_RESIZE}, GT_ERR_ARGUMENT, "resize: size is required"},
        {{.kind = GT_RESIZE, .size = {1 << 20}}, GT_ERR_ARGUMENT, "32768"},
        {{.kind = GT_RANDOM_CROP, .size = {5}}, GT_ERR_SHAPE, "5 x 5 pixels cannot be cropped"},
        {{.kind = GT_CENTER_CROP, .size = {5}}, GT_ERR_SHAPE, "from 4 x 4"},
        {{.kind = GT_CENTER_CROP, .size = {2}, .padding = 9},
         GT_ERR_ARGUMENT,
         "center_crop has no option padding"},
        {{.kind = GT_RANDOM_CROP, .size = {2}, .padding = -1}, GT_ERR_ARGUMENT, "padding"},
        {{.kind = GT_RANDOM_FLIP, .p = 2}, GT_ERR_ARGUMENT, "random_flip: p"},
        {{.kind = GT_RANDOM_ROTATION}, GT_ERR_ARGUMENT, "degrees are required"},
        {{.kind = GT_RANDOM_ERASING, .scale = {0.5, 0.1}}, GT_ERR_ARGUMENT, "scale"},
        {{.kind = GT_COLOUR_JITTER, .hue = 0.7}, GT_ERR_ARGUMENT, "hue at most 0.5"},
        {{.kind = GT_GAUSSIAN_BLUR, .size = {4}}, GT_ERR_ARGUMENT, "must be odd"},
        {{.kind = GT_GAUSSIAN_BLUR, .size = {9}}, GT_ERR_SHAPE, "half the kernel of 9 x 9"},
        {{.kind = GT_GAUSSIAN_BLUR, .size = {3}, .sigma = {-1}}, GT_ERR_ARGUMENT, "sigma must be"},
        {{.kind = GT_CUSTOM}, GT_ERR_ARGUMENT, "custom: fn is required"},
        {{.kind = GT_MIXUP, .alpha = -1}, GT_ERR_ARGUMENT, "alpha must be positive"},
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
        cmocka_unit_test_setup_teardown(test_custom, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_one_tensor, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_picture_and_mask, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_mixing, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_transform_errors, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

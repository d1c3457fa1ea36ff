/* Items of any kind: their members through loaders, transforms and gt_fit, and what is said of
 * those that are not as they should be. */
#include "support.h"

#include <math.h>
#include <string.h>

/* --- members of every dtype --- */

/* n items of four members: u8 [2], f32 [3], f64 scalar, i64 [2,2]. */
static gt_dataset *mixed(gt_ctx *gt, int64_t n)
{
    gt_tensor *a = gt_empty(gt, GT_SHAPE(n, 2), .dtype = GT_U8), *b = gt_empty(gt, GT_SHAPE(n, 3)),
              *c = gt_empty(gt, GT_SHAPE(n), .dtype = GT_F64),
              *d = gt_empty(gt, GT_SHAPE(n, 2, 2), .dtype = GT_I64);
    for (int64_t i = 0; i < 2 * n; i++) ((uint8_t *)a->data)[i] = (uint8_t)(i * 5);
    for (int64_t i = 0; i < 3 * n; i++) ((float *)b->data)[i] = (float)i / 4;
    for (int64_t i = 0; i < n; i++) ((double *)c->data)[i] = (double)i + 1e-12;
    for (int64_t i = 0; i < 4 * n; i++) ((int64_t *)d->data)[i] = INT64_MAX - i;
    return gt_tensor_dataset(a, b, c, d);
}

static void test_members(void **state)
{
    gt_ctx *gt = *state;
    for (int threads = 0; threads < 3; threads++)
        for (int wide = 0; wide < 2; wide++) {
            gt_loader *l =
                gt_loader_new(mixed(gt, 7), 3, .threads = threads, .dtype = wide ? GT_F64 : GT_F32);
            gt_tensor *a, *b, *c, *d;
            int64_t i = 0;
            while (gt_loader_next(l, &a, &b, &c, &d)) {
                assert_int_equal(a->dtype, wide ? GT_F64 : GT_F32);
                assert_int_equal(b->dtype, wide ? GT_F64 : GT_F32);
                assert_int_equal(c->dtype, GT_F64);
                assert_true(gt_shape_equal(d->shape, GT_SHAPE(c->size, 2, 2)));
                for (int64_t k = 0; k < c->size; k++, i++) {
                    assert_true(element(a, 2 * k + 1) == (double)((float)(10 * i + 5) / 255.0f));
                    assert_true(element(b, 3 * k) == (double)(3 * i) / 4);
                    assert_true(element(c, k) == (double)i + 1e-12);
                    assert_true(((int64_t *)d->data)[4 * k + 2] == INT64_MAX - 4 * i - 2);
                }
            }
            assert_int_equal(i, 7);
            assert_well(gt);
        }
}

/* Bytes are brightness, but classes in a target that is no picture. */
static void test_bytes_of_targets(void **state)
{
    gt_ctx *gt = *state;
    const gt_shape shapes[] = {GT_SHAPE(3), GT_SHAPE(3, 2, 2), GT_SHAPE(3, 1, 2, 2)};
    for (int i = 0; i < 3; i++) {
        gt_tensor *bytes = gt_full(gt, shapes[i], 51, .dtype = GT_U8), *x, *y;
        gt_dataset *d = gt_tensor_dataset(bytes, bytes);
        assert_int_equal(d->n_classes, i == 0 ? 52 : 0);
        assert_true(gt_loader_next(gt_loader_new(d, 2), &x, &y));
        assert_true(x->dtype == GT_F32 && fabs(element(x, 0) - 0.2) < 1e-7);
        assert_int_equal(y->dtype, i < 2 ? GT_I64 : GT_F32);
        assert_true(i == 2 || (element(y, 0) == 51 && element(y, y->size - 1) == 51));
    }
    assert_well(gt);
}

static void test_get(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = mixed(gt, 5);
    gt_tensor *a, *b, *c, *e;
    assert_int_equal(gt_dataset_get(d, 4, &a, NULL, &c, &e), GT_OK);
    ASSERT_VALUES(a, 0, 40, 45);
    assert_int_equal(a->dtype, GT_U8);
    assert_int_equal(c->shape.ndim, 0);
    assert_true(gt_shape_equal(e->shape, GT_SHAPE(2, 2)));
    assert_int_equal(gt_dataset_get(d, 4, &a, &b), GT_ERR_ARGUMENT);
    assert_null(a);
    assert_error(gt, GT_ERR_ARGUMENT, "tensor_dataset have 4 members, and 2 pointers were given");
    assert_int_equal(gt_dataset_get(d, 5, &a, &b, &c, &e), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "no item 5 in a dataset of 5");
    int64_t label;
    assert_null(gt_dataset_item(d, 0, &label));
    assert_error(gt, GT_ERR_ARGUMENT, "have no label");
    assert_non_null(gt_dataset_item(d, 0, NULL));
    gt_loader *l = gt_loader_new(d, 2);
    assert_false(gt_loader_next(l, &a, &b));
    assert_error(gt, GT_ERR_ARGUMENT, "test_items.c:");
    assert_false(gt_loader_next(l, &a, &b));
    assert_null(a);
    assert_error(gt, GT_ERR_ARGUMENT, "have 4 members, and 2 pointers");
    assert_null(gt_tensor_dataset(gt_ones(gt, GT_SHAPE(2, 3)), gt_ones(gt, GT_SCALAR)));
    assert_error(gt, GT_ERR_SHAPE, "tensor 0 is [2,3] and tensor 1 []");
    d->member[2].shape.ndim = GT_MAX_DIMS;
    d->member[2].name = "height";
    assert_null(gt_loader_new(d, 2));
    gt_error_clear(gt);
    d->members = 9;
    assert_null(gt_loader_new(d, 2));
    assert_error(gt, GT_ERR_ARGUMENT, "5 items of 9 members");
}

/* --- items that are written past --- */

typedef struct {
    gt_dataset base;
    size_t bytes[2]; /* written to the members, 12 and 8 of which are theirs */
} careless;

static bool careless_get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *e)
{
    const careless *c = (const careless *)d;
    (void)e;
    for (int k = 0; k < 2; k++) {
        memset(to[k], 0, k ? 8 : 12);
        if (i == 3) memset(to[k], 1, c->bytes[k]);
    }
    return true;
}

static const gt_dataset_type careless_type = {
    .name = "careless", .size = sizeof(careless), .get = careless_get};

static void test_guards(void **state)
{
    static const struct {
        size_t bytes[2];
        const char *part;
    } rows[] = {
        {{12, 8}, NULL},
        {{13, 8}, "get of careless has written past member 0 ('x') of item 3, which is f32 [3]"},
        {{24, 8}, "past member 0 ('x')"}, /* doubles */
        {{12, 9}, "past member 1 ('label') of item 3, which is i64 [], 8 bytes"},
        {{12, 32}, "past member 1"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int threads = 0; threads < 2; threads++) {
            careless *c = (careless *)gt_dataset_new(gt, &careless_type);
            c->base.count = 6;
            c->base.member[0].shape = GT_SHAPE(3);
            memcpy(c->bytes, rows[i].bytes, sizeof c->bytes);
            gt_loader *l = gt_loader_new(&c->base, 2, .threads = threads);
            gt_tensor *x, *y;
            int batches = 0;
            while (gt_loader_next(l, &x, &y)) batches++;
            assert_int_equal(batches, rows[i].part ? 1 : 3);
            if (rows[i].part) assert_error(gt, GT_ERR_STATE, rows[i].part);
            assert_int_equal(gt_dataset_get(&c->base, 3, &x, NULL),
                             rows[i].part ? GT_ERR_STATE : GT_OK);
            gt_error_clear(gt);
            gt_loader_free(l);
            assert_well(gt);
        }
}

/* --- pictures and masks --- */

/* Pictures [1,h,w] of their pixels' numbers, and masks of the same. */
static gt_dataset *pairs(gt_ctx *gt, int64_t n, int64_t h, int64_t w)
{
    gt_tensor *x = gt_empty(gt, GT_SHAPE(n, 1, h, w)),
              *y = gt_empty(gt, GT_SHAPE(n, h, w), .dtype = GT_I64);
    for (int64_t i = 0; i < x->size; i++) {
        ((int64_t *)y->data)[i] = i % (h * w) + 1;
        ((float *)x->data)[i] = (float)(i % (h * w) + 1);
    }
    return gt_tensor_dataset(x, y);
}

/* What moves pixels moves those of the mask to the same places. */
static void test_masks(void **state)
{
    static const gt_transform all[] = {
        {.kind = GT_RANDOM_CROP, .size = {4, 5}, .padding = 2},
        {.kind = GT_RANDOM_FLIP},
        {.kind = GT_RANDOM_VERTICAL_FLIP},
        {.kind = GT_CENTER_CROP, .size = {4, 3}},
        {.kind = GT_NO_TRANSFORM},
    };
    gt_ctx *gt = *state;
    gt_tensor *x, *y;
    for (int threads = 0; threads < 2; threads++) {
        gt_loader *l =
            gt_loader_new(pairs(gt, 50, 6, 7), 50, .threads = threads, .transforms = all);
        int other = 0;
        assert_true(gt_loader_next(l, &x, &y));
        assert_true(gt_shape_equal(y->shape, GT_SHAPE(50, 4, 3)));
        for (int64_t i = 0; i < x->size; i++) {
            assert_true(element(x, i) == element(y, i));
            other += element(x, i) != element(x, i % 12);
        }
        assert_true(other > 200);
    }
    /* The colours of a picture are its own affair; a mask has no classes between its classes. */
    const gt_transform turned[] = {{.kind = GT_RANDOM_ROTATION, .degrees = 40},
                                   {.kind = GT_RESIZE, .size = {9, 4}},
                                   {.kind = GT_NORMALISE, .mean = {1}, .std = {0.5}},
                                   {.kind = GT_NO_TRANSFORM}};
    assert_true(gt_loader_next(gt_loader_new(pairs(gt, 9, 6, 7), 9, .transforms = turned), &x, &y));
    for (int64_t i = 0; i < y->size; i++) assert_in_range(((int64_t *)y->data)[i], 0, 42);
    assert_true(gt_shape_equal(y->shape, GT_SHAPE(9, 9, 4)));
    assert_well(gt);
}

static void test_members_of_transforms(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x, *y;
    gt_dataset *two = gt_tensor_dataset(gt_ones(gt, GT_SHAPE(2, 1, 4, 4)),
                                        gt_ones(gt, GT_SHAPE(2, 1, 8, 8))),
               *labels = gt_tensor_dataset(gt_ones(gt, GT_SHAPE(2, 1, 4, 4)),
                                           gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64)),
               *big = gt_tensor_dataset(gt_ones(gt, GT_SHAPE(1, 1, 1, 1)),
                                        gt_full(gt, GT_SHAPE(1, 1, 1), 1 << 25, .dtype = GT_I64));
    gt_loader *l = gt_loader_new(
        two, 2,
        .transforms = GT_TRANSFORMS(
            {.kind = GT_NORMALISE, .mean = {3}, .std = {1}, .members = GT_MEMBER(1)}));
    assert_true(gt_loader_next(l, &x, &y));
    assert_true(element(x, 0) == 1 && element(y, 0) == -2);
    const struct {
        gt_dataset *d;
        gt_transform t;
        gt_status code;
        const char *part;
    } rows[] = {
        {two,
         {.kind = GT_RANDOM_CROP, .size = {3}},
         GT_ERR_SHAPE,
         "random_crop: members are 4 x 4 and 8 x 8 pixels; .members says which are touched"},
        {two,
         {.kind = GT_RANDOM_FLIP, .members = GT_MEMBER(2)},
         GT_ERR_ARGUMENT,
         "random_flip: .members names more than 2 members"},
        {labels,
         {.kind = GT_RANDOM_FLIP, .members = GT_MEMBER(1)},
         GT_ERR_SHAPE,
         "random_flip cannot be done to member 1, which is i64 []"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(gt_loader_new(rows[i].d, 2, .transforms = GT_TRANSFORMS(rows[i].t)));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    l = gt_loader_new(big, 1, .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_FLIP}));
    assert_false(gt_loader_next(l, &x, &y));
    assert_error(gt, GT_ERR_ARGUMENT, "a mask has the class 33554432");
}

/* --- training on them --- */

static gt_tensor *squares(const gt_batch *b, void *user)
{
    (void)user;
    return gt_mse_loss(b->out[0], b->target[0]);
}

/* y = 2 a - b + 0.5, to be found from 40 points. */
static void test_regression(void **state)
{
    for (int captured = 0; captured < 2; captured++) {
        gt_ctx *gt = *state;
        gt_manual_seed(gt, 1);
        gt_tensor *x = gt_rand(gt, GT_SHAPE(40, 2)), *y = gt_empty(gt, GT_SHAPE(40, 1));
        for (int i = 0; i < 40; i++)
            ((float *)y->data)[i] = (float)(2 * element(x, 2 * i) - element(x, 2 * i + 1) + 0.5);
        gt_module *net = gt_nn_linear(gt, 2, 1);
        gt_loader *l = gt_loader_new(gt_tensor_dataset(x, y), 8, .shuffle = true);
        double loss;
        gt_fit(net, gt_sgd(net, .lr = 0.3), l, .epochs = 60, .loss = squares, .capture = captured);
        assert_int_equal(gt_evaluate(net, l, &loss, .loss = squares), GT_OK);
        assert_true(loss < 1e-4);
        assert_well(gt);
    }
}

/* Two targets of one input: their losses are added. */
static gt_tensor *both(const gt_batch *b, void *user)
{
    (void)user;
    gt_tensor *first = gt_mse_loss(gt_slice(b->out[0], 1, 0, 1), b->target[0]);
    assert_null(b->target[2]);
    return gt_add(first, gt_mse_loss(gt_slice(b->out[0], 1, 1, 2), b->target[1]));
}

static void test_targets(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_rand(gt, GT_SHAPE(12, 1));
    gt_dataset *d = gt_tensor_dataset(x, gt_mul_scalar(x, 2), gt_mul_scalar(x, -1));
    gt_module *net = gt_nn_linear(gt, 1, 2);
    gt_loader *l = gt_loader_new(d, 4);
    double loss;
    gt_fit(net, gt_sgd(net, .lr = 0.3), l, .epochs = 60, .loss = both, .inputs = 1);
    assert_int_equal(gt_evaluate(net, l, &loss, .loss = both, .inputs = 1), GT_OK);
    assert_true(loss < 1e-3);
    assert_null(gt_fit(net, gt_sgd(net, .lr = 0.3), l, .loss = both, .inputs = 4));
    assert_error(gt, GT_ERR_ARGUMENT, ".inputs is 4, the items of tensor_dataset have 3 members");
}

/* A module of two inputs: a of the first and b of the second, added; and the second again. */
static bool add_forward(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    out[0] = gt_add(gt_forward(gt_module_child(m, "a"), in[0]),
                    gt_forward(gt_module_child(m, "b"), in[1]));
    out[1] = in[1];
    return out[0];
}

static gt_tensor *second_out(const gt_batch *b, void *user)
{
    (void)user;
    assert_ptr_equal(b->out[1], b->in[1]);
    assert_null(b->out[2]);
    return squares(b, NULL);
}

static void test_two_inputs(void **state)
{
    static const gt_module_type add = {.name = "Add",
                                       .size = sizeof(gt_module),
                                       .forward_many = add_forward,
                                       .inputs = "left right",
                                       .outputs = "sum right"};
    gt_ctx *gt = *state;
    for (int captured = 0; captured < 2; captured++) {
        gt_tensor *x = gt_rand(gt, GT_SHAPE(12, 1)), *y = gt_rand(gt, GT_SHAPE(12, 1));
        gt_module *net = gt_module_new(gt, &add);
        gt_module_add_child(net, "a", gt_nn_linear(gt, 1, 1));
        gt_module_add_child(net, "b", gt_nn_linear(gt, 1, 1));
        gt_dataset *d = gt_tensor_dataset(x, y, gt_sub(gt_mul_scalar(x, 2), y));
        gt_loader *l = gt_loader_new(d, 4);
        double loss;
        gt_fit(net, gt_sgd(net, .lr = 0.2), l, .epochs = 100,
               .loss = captured ? squares : second_out, .capture = captured);
        assert_int_equal(gt_evaluate(net, l, &loss, .loss = squares), GT_OK);
        assert_true(loss < 1e-2);
        assert_well(gt);
    }
}

/* Each pixel's class is whether it is bright: a loss and metrics of pixels. */
static void test_segmentation(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 1);
    gt_tensor *x = gt_rand(gt, GT_SHAPE(16, 1, 5, 4)),
              *y = gt_empty(gt, GT_SHAPE(16, 5, 4), .dtype = GT_I64);
    for (int64_t i = 0; i < x->size; i++) ((int64_t *)y->data)[i] = element(x, i) > 0.5;
    gt_module *net = gt_nn_conv2d(gt, 1, 2, .kernel = {1});
    gt_loader *l = gt_loader_new(gt_tensor_dataset(x, y), 4, .shuffle = true,
                                 .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_FLIP}));
    double got[2];
    gt_fit(net, gt_adam(net, .lr = 0.1), l, .epochs = 40);
    assert_int_equal(gt_evaluate(net, l, got), GT_OK);
    assert_true(got[1] > 0.9);
    assert_well(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_bytes_of_targets, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_get, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_guards, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_masks, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_members_of_transforms, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_regression, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_targets, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_two_inputs, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_segmentation, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Loaders that draw items by weights, or let classes come as often. */
#include "support.h"

/* Recorded by tools/reference_data.py: WeightedRandomSampler with a generator seeded by what the
 * epoch draws. */
static void test_weights(void **state)
{
    static const double weights[] = {0, 1, 2, 0.5, 0, 4, 1e-3, 3};
    static const int want[2][12] = {{2, 7, 7, 5, 7, 5, 7, 3, 7, 2, 7, 7},
                                    {5, 5, 5, 5, 1, 5, 1, 5, 5, 2, 7, 7}};
    gt_ctx *gt = *state;
    gt_dataset *d = gt_tensor_dataset(gt_arange(gt, 0, 8, 1));
    for (int threads = 0; threads < 2; threads++) {
        gt_loader *l = gt_loader_new(d, 5, .weights = weights, .samples = 12, .threads = threads);
        gt_manual_seed(gt, 7);
        assert_int_equal(gt_loader_batches(l), 3);
        for (int e = 0; e < 2; e++) {
            gt_tensor *x;
            int n = 0;
            while (gt_loader_next(l, &x))
                for (int64_t i = 0; i < x->size; i++)
                    assert_int_equal((int)element(x, i), want[e][n++]);
            assert_int_equal(n, 12);
        }
    }
    assert_well(gt);
}

/* 5 of 100 are of class 1; a set that cannot tell labels without reading has them read. */
static void test_balanced(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *y = gt_zeros(gt, GT_SHAPE(100), .dtype = GT_I64), *x, *label;
    for (int i = 0; i < 5; i++) ((int64_t *)y->data)[20 * i] = 1;
    gt_dataset *d = gt_tensor_dataset(gt_arange(gt, 0, 100, 1), y);
    gt_loader *l = gt_loader_new(d, 50, .balanced = true, .samples = 2000, .seed = 3);
    double ones = 0;
    while (gt_loader_next(l, &x, &label))
        for (int i = 0; i < 50; i++) ones += element(label, i);
    assert_in_range((int)ones, 900, 1100);
    static const double wrong[][2] = {{0, 0}, {-1, 2}, {1e308, 1e308}};
    static const char *const parts[] = {"all 2 weights are 0", "weight 0 is -1", "weight 1 is"};
    for (int i = 0; i < 3; i++) {
        assert_null(gt_loader_new(gt_subset(d, 0, 2), 1, .weights = wrong[i]));
        assert_error(gt, GT_ERR_ARGUMENT, parts[i]);
    }
    const struct {
        gt_loader_opts opts;
        const char *part;
    } rows[] = {
        {{.weights = wrong[0], .balanced = true}, "exclude each other"},
        {{.balanced = true, .shuffle = true}, ".shuffle is for items that come once"},
        {{.samples = 3}, ".samples needs .weights or .balanced"},
        {{.balanced = true, .samples = -3}, ".samples must be positive"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(gt_loader_new_(d, 4, rows[i].opts));
        assert_error(gt, GT_ERR_ARGUMENT, rows[i].part);
    }
    assert_null(gt_loader_new(gt_tensor_dataset(gt_ones(gt, GT_SHAPE(3))), 1, .balanced = true));
    assert_error(gt, GT_ERR_ARGUMENT, ".balanced needs classes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_weights, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_balanced, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Datasets: the user's own, parts, misuse and failures, generated digits. */
#include "data_numbers.h"

#include <math.h>
#include <stdatomic.h>

/* --- datasets of the user's own, and failures --- */

typedef struct {
    gt_dataset base;
    int64_t bad; /* this item fails */
    atomic_int calls;
} fragile;

static bool fragile_get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *e)
{
    fragile *f = (fragile *)d;
    atomic_fetch_add(&f->calls, 1);
    *(uint8_t *)to[0] = (uint8_t)i;
    *(int64_t *)to[1] = i;
    return i != f->bad || gt_data_fail(e, GT_ERR_NUMERIC, "item %lld is rotten", (long long)i);
}

static const gt_dataset_type fragile_type = {
    .name = "fragile", .size = sizeof(fragile), .get = fragile_get};

static void test_failure(void **state)
{
    gt_ctx *gt = *state;
    for (int threads = 0; threads < 4; threads++) {
        fragile *f = (fragile *)gt_dataset_new(gt, &fragile_type);
        f->base.count = 20;
        f->base.member[0] = (gt_member){.shape = GT_SHAPE(1), .dtype = GT_U8};
        f->bad = 13;
        gt_loader *l = gt_loader_new(&f->base, 2, .threads = threads);
        gt_tensor *x, *y;
        int batches = 0;
        while (gt_loader_next(l, &x, &y)) batches++;
        assert_int_equal(batches, 6);
        assert_null(x);
        assert_null(y);
        assert_error(gt, GT_ERR_NUMERIC, "test_dataset.c:");
        assert_false(gt_loader_next(l, &x, &y));
        assert_error(gt, GT_ERR_NUMERIC, "item 13 is rotten");
        gt_loader_reset(l);
        f->bad = -1;
        batches = 0;
        while (gt_loader_next(l, &x, &y)) batches++;
        assert_int_equal(batches, 10);
        assert_true(element(x, 1) == (double)(19 / 255.0f));
        assert_well(gt);
        assert_null(gt_dataset_item(&f->base, 20, NULL));
        gt_error_clear(gt);
    }
}

static void test_misuse(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = numbers(gt, 4);
    static const struct {
        int64_t batch;
        gt_loader_opts opts;
        gt_status code;
        const char *part;
    } rows[] = {
        {0, {.gt_ = 0}, GT_ERR_ARGUMENT, "batch is 0, must be positive"},
        {-1, {.gt_ = 0}, GT_ERR_ARGUMENT, "batch is -1"},
        {1, {.threads = -1}, GT_ERR_ARGUMENT, ": threads are -1, must be 0"},
        {1, {.threads = 1025}, GT_ERR_ARGUMENT, "threads are 1025, must be 0 to 1024"},
        {1, {.dtype = GT_I64}, GT_ERR_DTYPE, "not i64"},
        {1, {.dtype = (gt_dtype)9}, GT_ERR_DTYPE, "f32 or f64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(gt_loader_new_(d, rows[i].batch, rows[i].opts));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    assert_null(gt_loader_new(d, 2, .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_FLIP})));
    assert_error(gt, GT_ERR_SHAPE, "the first member is f32 [1]");
    assert_null(gt_loader_new(NULL, 2));
    assert_error(NULL, GT_ERR_ARGUMENT, "the dataset is NULL");
    gt_tensor *x, *y;
    assert_false(gt_loader_next(NULL, &x, &y));
    gt_error_clear(NULL);
    assert_null(gt_tensor_dataset(gt_ones(gt, GT_SHAPE(3, 2)), NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "): tensor 1 is NULL");
    assert_null(
        gt_tensor_dataset(gt_ones(gt, GT_SHAPE(3, 2)), gt_arange(gt, 0, 2, 1, .dtype = GT_I64)));
    assert_error(gt, GT_ERR_SHAPE, "tensor 0 is [3,2] and tensor 1 [2], but all must be [n,...]");
    assert_null(gt_subset_at(d, 2, (int64_t[]){0, 4}));
    assert_error(gt, GT_ERR_ARGUMENT, "index 1 is 4");
    assert_null(gt_generated_digits(gt, 3, .size = 5));
    assert_error(gt, GT_ERR_ARGUMENT, "): size is 5, must be 8 to 16384");
    gt_loader_free(NULL);
    gt_loader_reset(NULL);
}

static void test_subsets(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = numbers(gt, 10), *a, *b;
    assert_epoch(gt_loader_new(gt_subset(d, 2, 5), 2), 3, (int[]){2, 3, 4});
    assert_epoch(gt_loader_new(gt_subset(d, -2, 99), 2), 2, (int[]){8, 9});
    assert_epoch(gt_loader_new(gt_subset(d, 5, 2), 2), 0, (int[]){0});
    assert_epoch(gt_loader_new(gt_subset_at(gt_subset(d, 5, 10), 2, (int64_t[]){4, 0}), 2), 2,
                 (int[]){9, 5});
    gt_manual_seed(gt, 7);
    assert_int_equal(gt_random_split(d, 7, &a, &b), GT_OK);
    assert_epoch(gt_loader_new(a, 4), 7, (int[]){5, 0, 3, 4, 1, 7, 9});
    assert_epoch(gt_loader_new(b, 4), 3, (int[]){6, 8, 2});
    assert_int_equal(gt_random_split(d, 11, &a, &b), GT_ERR_ARGUMENT);
    gt_error_clear(gt);
}

/* --- generated digits --- */

static void test_digits(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = gt_generated_digits(gt, 200), *same = gt_generated_digits(gt, 40);
    gt_dataset *other = gt_generated_digits(gt, 40, .seed = 1);
    for (int64_t i = 0; i < 40; i++) {
        int64_t label;
        const gt_tensor *a = gt_dataset_item(d, i, &label), *b = gt_dataset_item(same, i, NULL);
        const gt_tensor *c = gt_dataset_item(other, i, NULL);
        assert_int_equal(label, i % 10);
        assert_memory_equal(a->data, b->data, (size_t)a->size * 4);
        assert_memory_not_equal(a->data, c->data, (size_t)a->size * 4);
        for (int64_t k = 0; k < a->size; k++) assert_true(element(a, k) >= 0 && element(a, k) <= 1);
    }
    gt_dataset *big = gt_generated_digits(gt, 3, .size = 64, .rgb = true, .noise = GT_ZERO);
    assert_true(gt_shape_equal(gt_dataset_item(big, 2, NULL)->shape, GT_SHAPE(3, 64, 64)));
}

/* The nearest of the classes' mean images is right more often than by chance, but far from always:
 * there is something to learn. */
static void test_digits_difficulty(void **state)
{
    enum { N = 1000 };
    gt_ctx *gt = *state;
    static double mean[10][784];
    memset(mean, 0, sizeof mean);
    int right = 0;
    const gt_mark start = gt_mark_tape(gt);
    gt_dataset *train = gt_generated_digits(gt, N), *test = gt_generated_digits(gt, N, .seed = 9);
    for (int i = 0; i < N; i++, gt_rewind(gt, start)) {
        const gt_tensor *x = gt_dataset_item(train, i, NULL);
        for (int k = 0; k < 784; k++) mean[i % 10][k] += element(x, k) / (N / 10);
    }
    for (int i = 0; i < N; i++, gt_rewind(gt, start)) {
        const gt_tensor *x = gt_dataset_item(test, i, NULL);
        int best = 0;
        double least = 1e9;
        for (int c = 0; c < 10; c++) {
            double far = 0;
            for (int k = 0; k < 784; k++) far += pow(element(x, k) - mean[c][k], 2);
            if (far < least) best = c;
            least = fmin(least, far);
        }
        right += best == i % 10;
    }
    print_message("the nearest mean is right for %d of %d\n", right, N);
    assert_in_range(right, N / 4, N * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failure, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_misuse, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_subsets, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits_difficulty, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

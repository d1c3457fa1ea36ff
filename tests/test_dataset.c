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

/* A tensor that was freed is not read. */
static void test_freed(void **state)
{
    gt_ctx *gt = *state;
    for (int threads = 0; threads < 2; threads++) {
        gt_tensor *x = gt_keep(gt_ones(gt, GT_SHAPE(4, 3))), *row;
        gt_loader *l = gt_loader_new(gt_tensor_dataset(x), 2, .threads = threads);
        gt_free(x);
        assert_false(gt_loader_next(l, &row));
        assert_error(gt, GT_ERR_STATE, "the tensor of member 0 was freed by gt_free");
    }
}

static void test_subsets(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = numbers(gt, 10), *part[3];
    assert_epoch(gt_loader_new(gt_subset(d, 2, 5), 2), 3, (int[]){2, 3, 4});
    assert_epoch(gt_loader_new(gt_subset(d, -2, 99), 2), 2, (int[]){8, 9});
    assert_epoch(gt_loader_new(gt_subset(d, 5, 2), 2), 0, (int[]){0});
    assert_epoch(gt_loader_new(gt_subset_at(gt_subset(d, 5, 10), 2, (int64_t[]){4, 0}), 2), 2,
                 (int[]){9, 5});
    gt_manual_seed(gt, 7);
    assert_int_equal(gt_random_split(d, GT_LENGTHS(7, 3), part), GT_OK);
    assert_epoch(gt_loader_new(part[0], 4), 7, (int[]){5, 0, 3, 4, 1, 7, 9});
    assert_epoch(gt_loader_new(part[1], 4), 3, (int[]){6, 8, 2});
    for (int i = 0; i < 2; i++) {
        assert_int_equal(i ? gt_random_split(d, GT_LENGTHS(0.5, 0.25, 0.25), part, .seed = 42)
                           : gt_random_split(d, GT_LENGTHS(6, 2, 2), part, .seed = 42),
                         GT_OK);
        assert_epoch(gt_loader_new(part[0], 4), 6, (int[]){2, 6, 1, 8, 4, 5});
        assert_epoch(gt_loader_new(part[1], 4), 2, (int[]){0, 9});
        assert_epoch(gt_loader_new(part[2], 4), 2, (int[]){3, 7});
    }
    assert_int_equal(gt_random_split(d, GT_LENGTHS(11, -1), part), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "length 1 is -1");
    assert_int_equal(gt_random_split(d, GT_LENGTHS(7, 2), part), GT_ERR_ARGUMENT);
    assert_null(part[0]);
    assert_error(gt, GT_ERR_ARGUMENT, "lengths are 9 items together, the dataset has 10");
    assert_int_equal(gt_random_split(d, GT_LENGTHS(7.5, 3.5), part), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "length 0 is 7.5, no number of items");
    assert_int_equal(gt_random_split(gt_subset(d, 4, 5), GT_LENGTHS(0.5, 0.5), part, .seed = 1),
                     GT_OK);
    assert_epoch(gt_loader_new(part[0], 4), 1, (int[]){4});
    assert_int_equal(part[1]->count, 0);
}

/* Sets in a row are one; their members must be alike. */
static void test_concat(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = numbers(gt, 10),
               *two = gt_dataset_concat(gt_subset(d, 6, 8), gt_subset(d, 0, 0), gt_subset(d, 1, 4));
    assert_epoch(gt_loader_new(two, 2), 5, (int[]){6, 7, 1, 2, 3});
    assert_int_equal(two->n_classes, 110);
    assert_non_null(
        gt_loader_new(gt_dataset_concat(gt_generated_digits(gt, 20)), 5, .balanced = true));
    assert_well(gt);
    assert_null(gt_dataset_concat(d, gt_generated_digits(gt, 3)));
    assert_error(gt, GT_ERR_SHAPE,
                 "member 0 is f32 [1] in dataset 0 and f32 [1,28,28] in dataset 1");
    assert_null(gt_dataset_concat(d, gt_tensor_dataset(gt_ones(gt, GT_SHAPE(2, 1)))));
    assert_error(gt, GT_ERR_SHAPE, "dataset 0 has 2 members, dataset 1 1");
    gt_dataset *shirts = gt_generated_digits(gt, 3), *digits = gt_generated_digits(gt, 3);
    shirts->classes = (const char *const[]){"0", "shirt", "2", "3", "4", "5", "6", "7", "8", "9"};
    assert_null(gt_dataset_concat(digits, shirts));
    assert_error(gt, GT_ERR_ARGUMENT, "class 1 is '1' in dataset 0 and 'shirt' in dataset 1");
    assert_null(gt_dataset_concat(d, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "dataset 1 is NULL");
}

/* Every item is read once, whoever reads it; those that fail are tried again. */
static void test_cached(void **state)
{
    gt_ctx *gt = *state;
    for (int threads = 0; threads < 4; threads++) {
        fragile *f = (fragile *)gt_dataset_new(gt, &fragile_type);
        f->base.count = 20;
        f->base.member[0] = (gt_member){.shape = GT_SHAPE(1), .dtype = GT_U8};
        f->bad = 13;
        gt_loader *l = gt_loader_new(gt_dataset_cached(&f->base), 3, .threads = threads);
        gt_tensor *x, *y;
        while (gt_loader_next(l, &x, &y)) {}
        assert_error(gt, GT_ERR_NUMERIC, "item 13 is rotten");
        gt_loader_reset(l);
        f->bad = -1;
        for (int e = 0; e < 3; e++) {
            int64_t i = 0;
            while (gt_loader_next(l, &x, &y))
                for (int k = 0; k < y->size; k++, i++) assert_true(element(y, k) == (double)i);
            assert_int_equal(i, 20);
        }
        assert_in_range(atomic_load(&f->calls), 21, 24); /* 13 was tried, and by few at once */
        gt_loader_free(l);
        assert_well(gt);
    }
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
        cmocka_unit_test_setup_teardown(test_freed, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_subsets, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_concat, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cached, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits_difficulty, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

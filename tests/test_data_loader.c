/* Datasets and loaders: PyTorch's order, the same batches for any number of threads, lifetimes,
 * state, failures. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/* n items of one number each: their index; labels are 100 more. */
static gt_dataset *numbers(gt_ctx *gt, int64_t n)
{
    gt_tensor *x = gt_arange(gt, 0, (double)n, 1),
              *y = gt_arange(gt, 100, 100 + (double)n, 1, .dtype = GT_I64);
    return gt_tensor_dataset(gt_reshape(x, GT_SHAPE(n, 1)), y);
}

/* One epoch: the items in the order they come, at most 64. Returns how many. */
static int epoch(gt_loader *l, int *items)
{
    gt_tensor *x, *y;
    int n = 0;
    while (gt_loader_next(l, &x, &y))
        for (int64_t i = 0; i < x->size; i++) {
            items[n++] = (int)element(x, i);
            assert_true(element(y, i) == element(x, i) + 100);
        }
    return n;
}

static void assert_epoch(gt_loader *l, int n, const int *want)
{
    int items[64];
    assert_int_equal(epoch(l, items), n);
    for (int i = 0; i < n; i++)
        if (items[i] != want[i]) fail_msg("item %d is %d instead of %d", i, items[i], want[i]);
}

/* Recorded by tools/reference_data.py. The number after the epochs shows that as much was drawn
 * from the generator. */
static const struct {
    uint64_t seed;
    int n;
    bool shuffle;
    int epochs[3][12];
    double then;
} torch[] = {
    {0,
     10,
     true,
     {{6, 7, 1, 4, 2, 0, 9, 8, 3, 5},
      {2, 4, 7, 0, 8, 9, 5, 3, 6, 1},
      {7, 4, 5, 1, 9, 3, 8, 2, 0, 6}},
     0.022325754165649414},
    {42,
     12,
     true,
     {{4, 2, 3, 0, 6, 7, 1, 10, 11, 5, 9, 8},
      {10, 8, 11, 5, 7, 6, 4, 1, 9, 0, 3, 2},
      {8, 7, 6, 10, 2, 0, 4, 9, 5, 3, 11, 1}},
     0.8694044351577759},
    {3,
     9,
     false,
     {{0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}},
     0.7718658447265625},
};

static void test_order(void **state)
{
    gt_ctx *gt = *state;
    for (size_t k = 0; k < sizeof torch / sizeof *torch; k++)
        for (int threads = 0; threads < 3; threads++) {
            gt_loader *l = gt_loader_new(numbers(gt, torch[k].n), 4, .shuffle = torch[k].shuffle,
                                         .threads = threads);
            gt_manual_seed(gt, torch[k].seed);
            for (int e = 0; e < 3; e++) assert_epoch(l, torch[k].n, torch[k].epochs[e]);
            assert_true(gt_item(gt_rand(gt, GT_SCALAR)) == torch[k].then);
            assert_well(gt);
        }
}

/* A seed of the loader's own gives what that seed gives the context's generator, which is left
 * alone. */
static void test_own_seed(void **state)
{
    gt_ctx *gt = *state;
    gt_loader *l = gt_loader_new(numbers(gt, 12), 5, true, .seed = 42);
    gt_manual_seed(gt, 1);
    const double before = gt_item(gt_rand(gt, GT_SCALAR));
    gt_manual_seed(gt, 1);
    for (int e = 0; e < 3; e++) assert_epoch(l, 12, torch[1].epochs[e]);
    assert_true(gt_item(gt_rand(gt, GT_SCALAR)) == before);
}

static void test_sizes(void **state)
{
    static const struct {
        int64_t n, batch;
        bool drop_last;
        int64_t batches, last;
    } rows[] = {{10, 4, false, 3, 2},      {10, 4, true, 2, 4}, {8, 4, false, 2, 4},
                {3, 10, false, 1, 3},      {3, 10, true, 0, 0}, {0, 4, false, 0, 0},
                {5, 1, false, 5, 1},       {5, 5, true, 1, 5},  {1, INT64_MAX, false, 1, 1},
                {3, INT64_MAX, true, 0, 0}};
    gt_ctx *gt = *state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        for (int threads = 0; threads < 2; threads++) {
            gt_loader *l = gt_loader_new(numbers(gt, rows[k].n), rows[k].batch,
                                         .drop_last = rows[k].drop_last, .threads = threads);
            assert_well(gt);
            assert_int_equal(gt_loader_batches(l), rows[k].batches);
            for (int e = 0; e < 2; e++) {
                gt_tensor *x, *y;
                int64_t batches = 0, last = 0;
                for (; gt_loader_next(l, &x, &y); batches++) {
                    last = x->shape.dim[0];
                    assert_true(gt_shape_equal(y->shape, GT_SHAPE(last)));
                }
                assert_int_equal(batches, rows[k].batches);
                assert_int_equal(last, rows[k].last);
            }
            assert_well(gt);
        }
}

/* The tensors are the same each time, survive rewinds, and a tape that needs the old ones says so.
 */
static void test_lifetime(void **state)
{
    gt_ctx *gt = *state;
    gt_loader *l = gt_loader_new(numbers(gt, 9), 4, .dtype = GT_F64);
    gt_tensor *w = gt_keep(gt_ones(gt, GT_SHAPE(1, 1), .dtype = GT_F64, .requires_grad = true));
    gt_tensor *x, *y, *first = NULL;
    const gt_mark start = gt_mark_tape(gt);
    int batches = 0;
    while (gt_loader_next(l, &x, &y)) {
        gt_rewind(gt, start);
        assert_int_equal(x->dtype, GT_F64);
        if (!first) first = x;
        assert_true((x == first) == (x->shape.dim[0] == 4));
        assert_int_equal(gt_backward(gt_sum(gt_matmul(x, w))), GT_OK);
        double sum = 0;
        for (int64_t i = 0; i < x->size; i++) sum += element(x, i);
        assert_true(gt_item(w->grad) == sum);
        batches++;
    }
    assert_int_equal(batches, 3);
    assert_well(gt);
    gt_rewind(gt, start);
    assert_true(gt_loader_next(l, &x, NULL));
    gt_tensor *loss = gt_sum(gt_matmul(x, w));
    assert_true(gt_loader_next(l, &x, &y));
    assert_int_equal(gt_backward(loss), GT_ERR_STATE);
    gt_error_clear(gt);
}

/* Memory is steady: nothing is asked of the system once an epoch is over. */
static void test_steady(void **state)
{
    gt_ctx *gt = *state;
    gt_loader *l = gt_loader_new(numbers(gt, 50), 4, true);
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *x, *y;
    uint64_t mallocs = 0;
    for (int e = 0; e < 200; e++) {
        while (gt_loader_next(l, &x, &y)) gt_rewind(gt, start);
        if (e == 20) mallocs = gt_get_stats(gt).mallocs;
    }
    assert_int_equal(gt_get_stats(gt).mallocs, mallocs);
}

/* --- threads --- */

/* All of two epochs, x and y one behind the other; to be freed. */
static double *all_of(gt_dataset *d, int threads, size_t *n)
{
    gt_ctx *gt = d->ctx;
    gt_loader *l = gt_loader_new(
        d, 7, .shuffle = true, .threads = threads,
        .transforms = GT_TRANSFORMS(
            {.kind = GT_RANDOM_CROP, .size = {16, 14}, .padding = 3}, {.kind = GT_RANDOM_FLIP},
            {.kind = GT_RANDOM_VERTICAL_FLIP, .p = 0.3},
            {.kind = GT_RANDOM_ROTATION, .degrees = 30}, {.kind = GT_RESIZE, .size = {12}},
            {.kind = GT_COLOUR_JITTER,
             .brightness = 0.4,
             .contrast = 0.4,
             .saturation = 0.4,
             .hue = 0.2},
            {.kind = GT_RANDOM_ERASING},
            {.kind = GT_NORMALISE, .mean = {0.4, 0.5, 0.6}, .std = {0.2, 0.3, 0.4}}));
    double *all = malloc(2 * 60 * (3 * 12 * 12 + 1) * sizeof *all);
    gt_manual_seed(gt, 11);
    *n = 0;
    for (int e = 0; e < 2; e++)
        for (gt_tensor *x, *y; gt_loader_next(l, &x, &y);) {
            for (int64_t i = 0; i < x->size; i++) all[(*n)++] = element(x, i);
            for (int64_t i = 0; i < y->size; i++) all[(*n)++] = element(y, i);
        }
    gt_loader_free(l);
    return all;
}

static void test_threads_agree(void **state)
{
    gt_ctx *gt = *state;
    gt_dataset *d = gt_generated_digits(gt, 60, .size = 16, .rgb = true);
    size_t n;
    double *want = all_of(d, 0, &n);
    assert_int_equal(n, 2 * 60 * (3 * 12 * 12 + 1));
    assert_memory_not_equal(want, want + n / 2, n / 2 * sizeof *want);
    for (int threads = 1; threads <= 8; threads *= 2) {
        size_t m;
        double *got = all_of(d, threads, &m);
        assert_int_equal(n, m);
        assert_memory_equal(got, want, n * sizeof *want);
        free(got);
    }
    free(want);
    assert_well(gt);
}

/* Ending at any moment: closing or freeing after k batches, with threads at work. */
static void test_ending(void **state)
{
    (void)state;
    for (int k = 0; k < 12; k++)
        for (int way = 0; way < 3; way++) {
            gt_ctx *gt = gt_open();
            gt_loader *l = gt_loader_new(gt_generated_digits(gt, 40), 4, true, .threads = 3);
            gt_tensor *x, *y;
            for (int i = 0; i < k; i++) gt_loader_next(l, &x, &y);
            if (way == 1) gt_loader_free(l);
            if (way == 2) gt_loader_reset(l);
            if (way == 1) {
                assert_false(gt_loader_next(l, &x, &y));
                assert_error(gt, GT_ERR_STATE, "was freed");
            }
            assert_well(gt);
            gt_close(gt);
        }
}

/* --- state --- */

static void test_state(void **state)
{
    gt_ctx *gt = *state;
    for (int threads = 0; threads < 3; threads += 2)
        for (uint64_t seed = 0; seed < 2; seed++)
            for (int stop = 0; stop < 12; stop++) {
                gt_dataset *d = numbers(gt, 10);
                gt_loader *a = gt_loader_new(d, 3, true, .threads = threads, .seed = seed);
                gt_tensor *x;
                gt_manual_seed(gt, 5);
                for (int i = 0; i < stop; i++) gt_loader_next(a, &x, NULL);
                const gt_loader_state at = gt_loader_get_state(a);
                gt_manual_seed(gt, 77);
                int want[2][64], got[64];
                const int n = epoch(a, want[0]), m = epoch(a, want[1]);
                gt_loader *b = gt_loader_new(d, 3, true, .threads = 2 - threads, .seed = seed);
                gt_loader_next(b, &x, NULL);
                assert_int_equal(gt_loader_set_state(b, at), GT_OK);
                gt_manual_seed(gt, 77);
                assert_int_equal(epoch(b, got), n);
                assert_memory_equal(got, want[0], (size_t)n * sizeof *got);
                assert_int_equal(epoch(b, got), m);
                assert_memory_equal(got, want[1], (size_t)m * sizeof *got);
                assert_int_equal(gt_loader_get_state(b).epoch, gt_loader_get_state(a).epoch);
                gt_loader_free(a);
                gt_loader_free(b);
            }
    gt_loader *l = gt_loader_new(numbers(gt, 10), 3);
    assert_int_equal(gt_loader_set_state(l, (gt_loader_state){.position = 5}), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "an epoch has 4 batches");
}

static void test_reset(void **state)
{
    gt_ctx *gt = *state;
    gt_loader *l = gt_loader_new(numbers(gt, 12), 5, true);
    gt_tensor *x, *y;
    gt_manual_seed(gt, 42);
    assert_true(gt_loader_next(l, &x, &y));
    gt_loader_reset(l);
    gt_loader_reset(l);
    assert_epoch(l, 12, torch[1].epochs[1]);
    gt_loader_reset(l);
    assert_epoch(l, 12, torch[1].epochs[2]);
    assert_int_equal(gt_loader_get_state(l).epoch, 3);
}

/* --- datasets of the user's own, and failures --- */

typedef struct {
    gt_dataset base;
    int64_t bad; /* this item fails */
    atomic_int calls;
} fragile;

static bool fragile_get(const gt_dataset *d, int64_t i, void *x, int64_t *label, gt_data_error *e)
{
    fragile *f = (fragile *)d;
    atomic_fetch_add(&f->calls, 1);
    *(uint8_t *)x = (uint8_t)i;
    *label = i;
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
        f->base.shape = GT_SHAPE(1);
        f->base.dtype = GT_U8;
        f->bad = 13;
        gt_loader *l = gt_loader_new(&f->base, 2, .threads = threads);
        gt_tensor *x, *y;
        int batches = 0;
        while (gt_loader_next(l, &x, &y)) batches++;
        assert_int_equal(batches, 6);
        assert_null(x);
        assert_null(y);
        assert_error(gt, GT_ERR_NUMERIC, "test_data_loader.c:");
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
        {0, {.gt_ = 0}, GT_ERR_ARGUMENT, "batch is 0"},
        {-1, {.gt_ = 0}, GT_ERR_ARGUMENT, "batch is -1"},
        {1, {.threads = -1}, GT_ERR_ARGUMENT, "threads are -1"},
        {1, {.dtype = GT_I64}, GT_ERR_DTYPE, "not i64"},
        {1, {.dtype = (gt_dtype)9}, GT_ERR_DTYPE, "f32 or f64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(gt_loader_new_(d, rows[i].batch, rows[i].opts));
        assert_error(gt, rows[i].code, rows[i].part);
    }
    assert_null(gt_loader_new(d, 2, .transforms = GT_TRANSFORMS({.kind = GT_RANDOM_FLIP})));
    assert_error(gt, GT_ERR_SHAPE, "items of tensor_dataset are [1]");
    assert_null(gt_loader_new(NULL, 2));
    assert_error(NULL, GT_ERR_ARGUMENT, "the dataset is NULL");
    gt_tensor *x, *y;
    assert_false(gt_loader_next(NULL, &x, &y));
    gt_error_clear(NULL);
    assert_null(gt_tensor_dataset(gt_ones(gt, GT_SHAPE(3, 2)), gt_ones(gt, GT_SHAPE(3))));
    assert_error(gt, GT_ERR_DTYPE, "y is f32");
    assert_null(
        gt_tensor_dataset(gt_ones(gt, GT_SHAPE(3, 2)), gt_arange(gt, 0, 2, 1, .dtype = GT_I64)));
    assert_error(gt, GT_ERR_SHAPE, "x is [3,2] and y [2]");
    assert_null(gt_subset_at(d, 2, (int64_t[]){0, 4}));
    assert_error(gt, GT_ERR_ARGUMENT, "index 1 is 4");
    assert_null(gt_generated_digits(gt, 3, .size = 5));
    assert_error(gt, GT_ERR_ARGUMENT, "size is 5");
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
    gt_dataset *big = gt_generated_digits(gt, 3, .size = 64, .rgb = true, .noise = -1);
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
        cmocka_unit_test_setup_teardown(test_order, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_own_seed, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_sizes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_lifetime, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_steady, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_threads_agree, open_context, close_context),
        cmocka_unit_test(test_ending),
        cmocka_unit_test_setup_teardown(test_state, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_reset, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_misuse, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_subsets, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_digits_difficulty, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

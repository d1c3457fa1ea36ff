/* Loaders: PyTorch's order, the same batches for any number of threads, lifetimes, state. */
#ifdef __linux__
#define _GNU_SOURCE /* pthread_setattr_default_np */
#endif
#include "data_numbers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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
    /* PyTorch's after 100,000 epochs; and back again. */
    assert_int_equal(gt_loader_set_state(l, (gt_loader_state){.epoch = 100000}), GT_OK);
    assert_epoch(l, 12, (int[]){1, 3, 6, 4, 9, 11, 8, 7, 0, 10, 5, 2});
    assert_int_equal(gt_loader_set_state(l, (gt_loader_state){.epoch = 1}), GT_OK);
    for (int e = 1; e < 3; e++) assert_epoch(l, 12, torch[1].epochs[e]);
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

/* The sum of an epoch's pixels from here on. */
static double rest_of_epoch(gt_loader *l)
{
    double sum = 0;
    gt_tensor *x, *y;
    while (gt_loader_next(l, &x, &y)) sum += gt_item(gt_sum(x));
    return sum;
}

/* A child has none of the threads, and goes on by itself with the same batches. */
static void test_fork(void **state)
{
    gt_ctx *gt = *state;
    gt_set_threads(gt, 1);
    gt_loader *l = gt_loader_new(gt_generated_digits(gt, 200), 4, true, .threads = 3);
    gt_tensor *x, *y;
    assert_true(gt_loader_next(l, &x, &y));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60); /* ends it should it wait for ever */
        double sums[2] = {rest_of_epoch(l), 0};
        sums[1] = rest_of_epoch(l);
        gt_close(gt);
        _exit(write(ends[1], sums, sizeof sums) == (ssize_t)sizeof sums ? 0 : 1);
    }
    int status = -1;
    double got[2] = {0, 0};
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], got, sizeof got), sizeof got);
    close(ends[0]);
    close(ends[1]);
    for (int epoch = 0; epoch < 2; epoch++) assert_true(rest_of_epoch(l) == got[epoch]);
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

/* Not under TSan, whose own threads would get the small stacks. */
#if defined(_GNU_SOURCE) && !defined(__SANITIZE_THREAD__)
#define WITH_SMALL_STACKS
#endif
#ifdef WITH_SMALL_STACKS
static bool get_deep(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    (void)d, (void)error;
    volatile unsigned char page[1 << 19];
    for (size_t k = 0; k < sizeof page; k += 256) page[k] = 1;
    *(float *)to[0] = (float)(i + page[sizeof page - 256]);
    *(int64_t *)to[1] = i;
    return true;
}

/* As on musl, where threads get 128 KiB of stack. */
static void test_small_stacks(void **state)
{
    static const gt_dataset_type deep = {
        .name = "deep", .size = sizeof(gt_dataset), .get = get_deep};
    gt_ctx *gt = *state;
    gt_tensor *x, *y;
    pthread_attr_t before, small;
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, 128 << 10), 0);
    assert_int_equal(pthread_setattr_default_np(&small), 0);
    gt_dataset *d = gt_dataset_new(gt, &deep);
    d->count = 4;
    d->member[0].shape = GT_SHAPE(1);
    assert_true(gt_loader_next(gt_loader_new(d, 4, .threads = 2), &x, &y));
    assert_true(gt_get(x, 3, 0) == 4);
    assert_int_equal(pthread_setattr_default_np(&before), 0);
}
#endif

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
        cmocka_unit_test_setup_teardown(test_fork, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_state, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_reset, open_context, close_context),
#ifdef WITH_SMALL_STACKS
        cmocka_unit_test_setup_teardown(test_small_stacks, open_context, close_context),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

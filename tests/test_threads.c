/* Threads: the team, and the same bits for any number of them. */
#define _POSIX_C_SOURCE 200809L
#include "samples.h"

#include "engine/context.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the team --- */

typedef struct {
    atomic_int done[1000];
    atomic_int workers; /* bits */
} tally;

static void count(void *arg, int worker, int64_t begin, int64_t end)
{
    tally *t = arg;
    atomic_fetch_or(&t->workers, 1 << worker);
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&t->done[i], 1);
}

static void every_part_is_done_once(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 2, 7, 64, 1000};
    for (int size = 1; size <= 8; size++) {
        gti_team *team = gti_team_open(size);
        assert_non_null(team);
        for (int round = 0; round < 300; round++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                tally t = {.workers = 0};
                gti_team_run(team, sizes[s], count, &t);
                for (int64_t i = 0; i < sizes[s]; i++) assert_int_equal(t.done[i], 1);
                assert_true(t.workers >> gti_team_size(team) == 0);
            }
        gti_team_close(team);
    }
}

/* A child has none of its parent's threads, and must neither ask nor wait for them. */
static void a_child_goes_on_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_set_threads(gt, 3);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1000, 100));
    const double want = gt_item(gt_sum(gt_exp(x)));
    const pid_t child = fork();
    if (child == 0) {
        alarm(60); /* ends it should it wait for ever */
        const bool same = gt_item(gt_sum(gt_exp(x))) == want;
        gt_close(gt);
        _exit(same ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(gt_item(gt_sum(gt_exp(x))) == want);
}

static void threads_come_and_go(void **state)
{
    gt_ctx *gt = *state;
    assert_true(gt_threads(gt) >= 1);
    gt_set_threads(gt, 1);
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1000, 100));
    for (int n = 1; n <= 4; n++) {
        assert_int_equal(gt_set_threads(gt, n), GT_OK);
        assert_int_equal(gt_threads(gt), n);
        gt_exp(x);
    }
    assert_int_equal(gt_get_stats(gt).divided, 3);
    assert_int_equal(gt_set_threads(gt, 0), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "gt_set_threads (test_threads.c");
    gt_set_threads(gt, 257);
    assert_error(gt, GT_ERR_ARGUMENT, "257 threads, must be 1 to 256");
    assert_int_equal(gt_threads(gt), 4);
}

static void the_environment_says_how_many(void **state)
{
    (void)state;
    setenv("GRADTAPE_THREADS", "3", 1);
    gt_ctx *gt = gt_open();
    assert_int_equal(gt_threads(gt), 3);
    gt_close(gt);
    static const char *const wrong[] = {"0", "-1", "two", "2x", "1000000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("GRADTAPE_THREADS", wrong[i], 1);
        gt = gt_open();
        gt_set_error_handler(gt, gt_ignore_error, NULL);
        assert_error(gt, GT_ERR_ARGUMENT, "GRADTAPE_THREADS is '");
        gt_close(gt);
    }
    unsetenv("GRADTAPE_THREADS");
}

static void small_work_is_not_divided(void **state)
{
    gt_ctx *gt = *state;
    gt_set_threads(gt, 2);
    gt_add(gt_ones(gt, GT_SHAPE(10000)), gt_ones(gt, GT_SHAPE(10000)));
    assert_int_equal(gt_get_stats(gt).divided, 0);
    gt_neg(gt_ones(gt, GT_SHAPE(1000000))); /* ones are an operation, too */
    assert_int_equal(gt_get_stats(gt).divided, 2);
}

/* --- equal bits --- */

static void compare(const gt_op *op, const gt_sample *sample, int threads, const results *a,
                    const results *b)
{
    for (int i = 0; i < a->n; i++) {
        const gt_tensor *x = a->at[i], *y = b->at[i];
        if (!x && !y) continue;
        if (memcmp(x->data, y->data, (size_t)x->size * gt_dtype_size(x->dtype)) != 0)
            fail_msg("%s, sample \"%s\": result %d differs with %d threads", op->name,
                     sample->label, i, threads);
    }
}

/* ThreadSanitizer sees a race with any number. */
#ifdef __SANITIZE_THREAD__
static const int counts[] = {3};
#else
static const int counts[] = {2, 3, 8};
#endif

/* Inputs that would be divided only if large are cut as finely as they can be. */
static uint64_t check_sample(gt_ctx *gt, const gt_op *op, const gt_sample *sample, gt_dtype dtype)
{
    const gt_mark start = gt_mark_tape(gt);
    const uint64_t before = gt_get_stats(gt).divided;
    gti_threads_set_part_work(gt, 1);
    gt_set_threads(gt, 1);
    const results alone = run_sample(gt, op, sample, dtype);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        gt_set_threads(gt, counts[i]);
        const results together = run_sample(gt, op, sample, dtype);
        assert_well(gt);
        compare(op, sample, counts[i], &alone, &together);
    }
    gt_rewind(gt, start);
    return gt_get_stats(gt).divided - before;
}

static void operation_gives_the_same_bits(void **state)
{
    const gt_op *op = ((const gt_op_info *)*state)->op;
    gt_ctx *gt = gt_open();
    uint64_t divided = 0;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++)
        for (int i = 0; i < op->n_samples; i++)
            divided += check_sample(gt, op, &op->samples[i], dtype);
    gt_close(gt);
    if ((op->elements[GT_F32] || op->parts[GT_F32]) && !divided)
        fail_msg("%s: no sample is large enough to be divided", op->name);
}

static void large_operations_give_the_same_bits(void **state)
{
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
            const gt_op *op = gt_op_find(large[i].op)->op;
            const gt_sample *s = &large[i].sample;
            if (!check_sample(gt, op, s, dtype))
                fail_msg("%s, \"%s\" is not divided", op->name, s->label);
        }
}

/* Sums of chunks are the sum of all, whatever their number. */
static void chunks_change_no_bit(void **state)
{
    gt_ctx *gt = *state;
    static const int64_t sizes[] = {8192, 8193, 16384, 24577, 40000, 65536, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        gt_tensor *x = gt_randn(gt, GT_SHAPE(sizes[i]));
        gti_threads_set_part_work(gt, INT64_MAX);
        const double sum = gt_item(gt_sum(x)), loss = gt_item(gt_mse_loss(x, gt_exp(x)));
        gti_threads_set_part_work(gt, 1);
        assert_true(gt_item(gt_sum(x)) == sum);
        assert_true(gt_item(gt_mse_loss(x, gt_exp(x))) == loss);
    }
}

/* --- operations of one dtype --- */

static bool in_one_part(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    n->parts[0] = 1;
    return true;
}

static void add_stage(gt_node *n, const gt_range *r)
{
    gt_store_element(n->out[0], 0, 1 + r->stage);
}

/* Where the calls after it have their nodes. */
static __attribute__((noinline)) int spoil_the_stack(void)
{
    volatile unsigned char rubbish[8192];
    for (size_t i = 0; i < sizeof rubbish; i++) rubbish[i] = 0x1b;
    return rubbish[77];
}

static void stages_begin_empty(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype < GT_N_DTYPES; dtype++)
        for (int in_place = 0; in_place < 2; in_place++) {
            gt_op op = {.name = "one", .inputs = "x", .n_in = 1, .n_out = 1, .infer = in_one_part};
            op.parts[dtype] = add_stage;
            op.flags = in_place ? GT_OP_INTO : 0;
            gt_tensor *x = gt_zeros(gt, GT_SHAPE(1), .dtype = dtype), *y = x;
            assert_int_equal(spoil_the_stack(), 0x1b);
            if (in_place) gt_apply_into(&op, NULL, 1, &x);
            else y = gt_apply(&op, NULL, 1, &x);
            assert_well(gt);
            assert_true(element(y, 0) == 1);
        }
}

static int all_tests(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest first[] = {
        cmocka_unit_test(every_part_is_done_once),
        TEST(a_child_goes_on_alone),
        TEST(threads_come_and_go),
        cmocka_unit_test(the_environment_says_how_many),
        TEST(small_work_is_not_divided),
        TEST(large_operations_give_the_same_bits),
        TEST(chunks_change_no_bit),
        TEST(stages_begin_empty),
    };
    enum { N_FIRST = sizeof first / sizeof *first };
    size_t n_ops, n = N_FIRST;
    const gt_op_info *info = gt_ops(&n_ops);
    struct CMUnitTest *tests = calloc(n + n_ops, sizeof *tests);
    if (!tests) return 1;
    memcpy(tests, first, sizeof first);
    for (size_t i = 0; i < n_ops; i++)
        if (info[i].op)
            tests[n++] = (struct CMUnitTest){.name = info[i].name,
                                             .test_func = operation_gives_the_same_bits,
                                             .initial_state = (void *)&info[i]};
    const int failed = _cmocka_run_group_tests("threads", tests, n, NULL, NULL);
    free(tests);
    return failed;
}

int main(void)
{
    return at_every_level(all_tests);
}

/* Every registered operation on all its samples: first and second derivatives in f64, f32 against
 * f64, and its error samples. An operation without samples does not pass, nor one with derivatives
 * that none of its samples tells from 0. */
#include "kernel_counts.h"

/* A sample in both ways; they are independent, so each says what is wrong. Of large ones a single
 * projection: the tests gradcheck_seeds look at 160 of each. */
static int failures(gt_ctx *gt, const gt_op *op, const gt_sample *sample, int *passed)
{
    int failed = 0;
    for (int f32 = 0; f32 < 2; f32++) {
        const gt_gradcheck_opts opts = {.order = 2, .f32 = f32, .probes = 1};
        gt_gradcheck_report r;
        const gt_verdict v = gt_gradcheck_op(gt, op, sample, &opts, &r);
        *passed += !f32 && v == GT_PASS;
        if (v != GT_FAIL) continue;
        print_error("%s\n", r.message);
        failed++;
    }
    return failed;
}

/* Steps have derivatives of 0. */
static bool has_derivatives(const gt_op *op)
{
    return op->backward && !(op->gradient && !strcmp(op->gradient, "dx = 0"));
}

static bool is_checked(gt_ctx *gt, const gt_op *op, gt_gradcheck_report *r)
{
    return op->n_samples > 0 && gt_gradcheck_error_samples(gt, op, r) == GT_PASS;
}

static bool is_native(void)
{
    return !strcmp(gt_blas_name(), "native");
}

/* What a BLAS replaces: with it, operations that call neither are as they are without. */
static uint64_t products(void)
{
    static const size_t entry[] = {offsetof(gti_kernels, gemm), offsetof(gti_kernels, conv2d)};
    uint64_t calls = 0;
    for (size_t i = 0; i < GTI_N_FLOATING * 2; i++)
        calls += kernel_calls[i / 2 * N_ENTRIES + entry[i % 2] / sizeof(kernel *)];
    return calls;
}

typedef struct {
    const gt_op *op;
    bool multiplies;
} subject;
static subject subjects[MOST_COUNTED];

static bool is_new(const subject *s)
{
#ifdef COUNTS_KERNELS
    return is_native() || s->multiplies;
#else
    return s;
#endif
}

/* By one thread: that others change no bit is for test_threads. */
static void operation_holds(void **state)
{
    subject *const s = *state;
    const gt_op *const op = s->op;
    const uint64_t before = products();
    gt_ctx *gt = gt_open();
    gt_set_threads(gt, 1);
    gt_set_recording_all(gt, gt_set_recording_all(gt, true)); /* makes the keys of random numbers */
    const uint64_t live = gt_get_stats(gt).bytes_live;
    gt_gradcheck_report r = {.message = "no samples\n"};
    int failed = 0, passed = 0;
    for (int i = 0; i < op->n_samples; i++) failed += failures(gt, op, &op->samples[i], &passed);
    s->multiplies = products() > before;
    const bool checked = is_checked(gt, op, &r);
    const gt_stats stats = gt_get_stats(gt);
    gt_close(gt);
    if (!checked) fail_msg("%s: %s", op->name, r.message);
    assert_int_equal(failed, 0);
    if (has_derivatives(op) && !passed) fail_msg("%s: no sample tells its derivatives", op->name);
    assert_int_equal(stats.nodes, 0);
    assert_int_equal(stats.bytes_live, live);
}

/* The guards above, on operations that lack one or the other. */
static void an_operation_cannot_go_unchecked(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_gradcheck_report r;
    gt_op op = *gt_op_find("add")->op;
    assert_true(is_checked(gt, &op, &r));
    op.n_samples = 0;
    assert_false(is_checked(gt, &op, &r));
    op = *gt_op_find("add")->op;
    op.n_error_samples = 0;
    assert_false(is_checked(gt, &op, &r));
    gt_close(gt);
}

/* --- the checks run all that ships --- */

/* No operation draws numbers, which test_random compares; masks are u8; what is of the dtype
 * already is not converted, nor are sums that are f64. */
static const char *const never_run[] = {
    "f32 random.uniform",          "f32 random.normal",           "f64 random.uniform",
    "f64 random.normal",           "f32 any.compare logical_and", "f32 any.compare logical_or",
    "f32 any.compare logical_xor", "f64 any.compare logical_and", "f64 any.compare logical_or",
    "f64 any.compare logical_xor", "f32 any.convert to f32",      "f64 index.round",
};

static bool must_run(const char *name)
{
    for (size_t i = 0; i < sizeof never_run / sizeof *never_run; i++)
        if (!strcmp(never_run[i], name)) return false;
    return true;
}

static int entries_not_run(void)
{
    int missed = 0;
    for (size_t i = 0; i < GTI_N_FLOATING * N_ENTRIES; i++) {
        char entry[64], name[80];
        snprintf(name, sizeof name, "%s %s", gt_dtype_name((gt_dtype)(i / N_ENTRIES)),
                 name_of_entry(i % N_ENTRIES, entry));
        if (kernel_calls[i] || !must_run(name)) continue;
        print_error("no check runs the kernel %s: give an operation a sample that does\n", name);
        missed++;
    }
    return missed;
}

static int products_not_run(void)
{
    static const char *const name[] = {"sgemm", "sgemv", "dgemm", "dgemv"};
    int missed = 0;
    for (size_t i = 0; i < GTI_N_FLOATING * N_BLAS; i++) {
        if (kernel_calls[GTI_N_FLOATING * N_ENTRIES + i]) continue;
        print_error("no check calls OpenBLAS's %s: matmul lacks a sample that is large enough\n",
                    name[i]);
        missed++;
    }
    return missed;
}

/* Columns are products, so somebody must be good at them; what is behind them is for vectors. */
static bool can_go(gti_conv2d_way way)
{
    const bool plain = !strcmp(gt_cpu_level(), "plain"), native = is_native();
    if (way == GTI_CONV2D_PLAIN) return true;
    return way <= GTI_CONV2D_POINTWISE ? !plain || !native : !plain;
}

static int ways_not_gone(void)
{
    static const char *const pass[] = {"y", "dx", "dw"};
#define NAME(name) #name,
    static const char *const name[] = {GTI_CONV2D_WAYS(NAME)};
    int missed = 0;
    for (int i = 0; i < GTI_N_FLOATING * 3 * GTI_N_CONV2D_WAYS; i++) {
        const int way = i % GTI_N_CONV2D_WAYS, p = i / GTI_N_CONV2D_WAYS % 3;
        const int dtype = i / GTI_N_CONV2D_WAYS / 3;
        if (ways[dtype][p][way] || !can_go((gti_conv2d_way)way)) continue;
        print_error("no check makes a convolution's %s in %s by way of %s: conv2d lacks a sample\n",
                    pass[p], gt_dtype_name((gt_dtype)dtype), name[way]);
        missed++;
    }
    return missed;
}

static void checks_run_all_that_ships(void **state)
{
    (void)state;
#ifdef COUNTS_KERNELS
    const int missed = is_native() ? entries_not_run() : products_not_run();
    assert_int_equal(missed + ways_not_gone(), 0);
#else
    skip();
#endif
}

static int all_tests(void)
{
    static struct CMUnitTest tests[MOST_COUNTED + 2];
    size_t n_ops, n = 0;
    const gt_op_info *info = gt_ops(&n_ops);
    if (n_ops > MOST_COUNTED) return 1;
    count_kernels();
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_operation_cannot_go_unchecked);
    for (size_t i = 0; i < n_ops; i++) {
        if (!info[i].op || !is_new(&subjects[i])) continue;
        subjects[i].op = info[i].op;
        tests[n++] = (struct CMUnitTest){
            .name = info[i].name, .test_func = operation_holds, .initial_state = &subjects[i]};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(checks_run_all_that_ships);
    return _cmocka_run_group_tests("registry", tests, n, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

/* The ladder of kernel levels: every level that this machine has against the plain one, in every
 * operation and sample, with gradients; and that no kernel of a level goes without. The table is
 * walked as an array of pointers to functions, so that a new kernel needs no word here. */
#define _POSIX_C_SOURCE 200809L
#include "samples.h"

#ifdef GT_WITH_BLAS
#include <dlfcn.h>
#endif
#include <math.h>
#include <stdlib.h>

#include "engine/context.h"
#include "kernels/levels.h"

/* Roundings of the largest number of a result by which levels may differ. */
enum { ROUNDINGS = 64 };

static double largest_in(const gt_tensor *t)
{
    double largest = 1;
    for (int64_t i = 0; i < t->size; i++) {
        const double size = fabs(element(t, i));
        if (size > largest && size < INFINITY) largest = size;
    }
    return largest;
}

static bool is_near(double a, double b, double bound)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= bound;
}

static void compare(const gt_op *op, const gt_sample *sample, const results *plain,
                    const results *level)
{
    for (int i = 0; i < plain->n; i++) {
        const gt_tensor *x = plain->at[i], *y = level->at[i];
        if (!x && !y) continue;
        const double bound = ROUNDINGS * gt_dtype_epsilon(x->dtype) * largest_in(x);
        for (int64_t k = 0; k < x->size; k++)
            if (!is_near(element(x, k), element(y, k), bound))
                fail_msg("%s, sample \"%s\", %s with %s: element %lld of result %d is %.17g, plain "
                         "%.17g",
                         op->name, sample->label, gt_cpu_level(), gt_blas_name(), (long long)k, i,
                         element(y, k), element(x, k));
    }
}

/* Operations are cut as finely as they can be, so that what stages of parts call is called. */
static gt_ctx *open_divided(void)
{
    gt_ctx *gt = gt_open();
    gti_threads_set_part_work(gt, 1);
    return gt;
}

static const char *cpu, *blas; /* the level that is being tested */

static void check_sample(const gt_op *op, const gt_sample *sample)
{
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_ctx *gt = open_divided();
        assert_true(gti_kernels_choose("plain", "native"));
        const results plain = run_sample(gt, op, sample, dtype);
        assert_true(gti_kernels_choose(cpu, blas));
        const results level = run_sample(gt, op, sample, dtype);
        assert_well(gt);
        compare(op, sample, &plain, &level);
        gt_close(gt);
    }
}

static void operation_is_the_plain_one(void **state)
{
    const gt_op *op = ((const gt_op_info *)*state)->op;
    for (int i = 0; i < op->n_samples; i++) check_sample(op, &op->samples[i]);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        if (!strcmp(large[i].op, op->name)) check_sample(op, &large[i].sample);
}

/* --- no kernel goes without --- */

typedef void slot(void);
enum { N_SLOTS = sizeof(gti_kernels) / sizeof(slot *), MOST_SLOTS = 512 };
_Static_assert(N_SLOTS <= MOST_SLOTS, "a stub for every kernel");

static bool reached[MOST_SLOTS];

/* A stub for each slot: it notes that it was called, computes nothing, and wants no scratch. They
 * are numbered in octal. */
#define STUB(i)                                                                                    \
    static int64_t stub_##i(void)                                                                  \
    {                                                                                              \
        reached[i] = true;                                                                         \
        return 0;                                                                                  \
    }
#define STUB_NAME(i) (slot *)stub_##i,
#define EIGHT(to, i) to(i##0) to(i##1) to(i##2) to(i##3) to(i##4) to(i##5) to(i##6) to(i##7)
#define EACH_64(to, i)                                                                             \
    EIGHT(to, i##0)                                                                                \
    EIGHT(to, i##1)                                                                                \
    EIGHT(to, i##2)                                                                                \
    EIGHT(to, i##3)                                                                                \
    EIGHT(to, i##4)                                                                                \
    EIGHT(to, i##5)                                                                                \
    EIGHT(to, i##6)                                                                                \
    EIGHT(to, i##7)
#define EACH_512(to)                                                                               \
    EACH_64(to, 00)                                                                                \
    EACH_64(to, 01)                                                                                \
    EACH_64(to, 02)                                                                                \
    EACH_64(to, 03)                                                                                \
    EACH_64(to, 04)                                                                                \
    EACH_64(to, 05)                                                                                \
    EACH_64(to, 06)                                                                                \
    EACH_64(to, 07)
EACH_512(STUB)
static slot *const stubs[MOST_SLOTS] = {EACH_512(STUB_NAME)};

static slot *slot_at(const gti_kernels *table, size_t i)
{
    slot *s;
    memcpy(&s, (const char *)table + i * sizeof s, sizeof s);
    return s;
}

/* Puts stubs in place of the kernels that are not the plain ones. */
static void put_stubs(const gti_kernels *table, const gti_kernels *plain)
{
    for (size_t i = 0; i < N_SLOTS; i++)
        if (slot_at(table, i) == slot_at(plain, i)) reached[i] = true;
        else memcpy((char *)table + i * sizeof(slot *), &stubs[i], sizeof(slot *));
}

/* Nothing is computed, so what fails for what it reads may fail. */
static void run_alone(const gt_op *op, const gt_sample *sample, gt_dtype dtype)
{
    gt_ctx *gt = open_divided();
    run_sample(gt, op, sample, dtype);
    gt_close(gt);
}

/* No operation draws numbers; test_random compares them at every level. */
static void draw_numbers(gt_dtype dtype)
{
    gt_ctx *gt = gt_open();
    gt_randn(gt, GT_SHAPE(32), .dtype = dtype);
    gt_close(gt);
}

static void run_all(gt_dtype dtype)
{
    draw_numbers(dtype);
    size_t n_ops;
    const gt_op_info *info = gt_ops(&n_ops);
    for (size_t k = 0; k < n_ops; k++)
        for (int i = 0; info[k].op && i < info[k].op->n_samples; i++)
            run_alone(info[k].op, &info[k].op->samples[i], dtype);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        run_alone(gt_op_find(large[i].op)->op, &large[i].sample, dtype);
}

/* A kernel that no sample calls is compared with nothing: give an operation a sample, or one of its
 * own to the list in samples.h. `ptype /o gti_kernels` in gdb names the kernel. */
static void every_kernel_is_reached(void **state)
{
    (void)state;
    const gti_kernels *const plain[] = {&gti_plain_f32, &gti_plain_f64};
    int missed = 0;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        assert_true(gti_kernels_choose(cpu, blas));
        memset(reached, 0, sizeof reached);
        put_stubs(gti_kernels_of((int)dtype), plain[dtype]);
        run_all(dtype);
        for (size_t i = 0; i < N_SLOTS; i++) {
            if (reached[i]) continue;
            print_error("at %s with %s no sample calls the %s kernel at byte %zu of gti_kernels\n",
                        cpu, blas, gt_dtype_name(dtype), i * sizeof(slot *));
            missed++;
        }
    }
    assert_true(gti_kernels_choose(cpu, blas));
    assert_int_equal(missed, 0);
}

/* --- the words --- */

static void words_that_mean_nothing_are_said(void **state)
{
    (void)state;
    static const char *const variables[] = {"GRADTAPE_CPU", "GRADTAPE_BLAS"};
    static const char *const wrong[] = {"abacus", "PLAIN", "plai", "nativ", "none"};
    for (size_t v = 0; v < 2; v++) {
        const char *(*const word)(int i) = v ? gti_kernels_blas_word : gti_kernels_cpu_word;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            setenv(variables[v], wrong[i], 1);
            gt_ctx *gt = gt_open();
            assert_error(gt, GT_ERR_ARGUMENT, wrong[i]);
            gt_close(gt);
            assert_false(gti_kernels_choose(v ? NULL : wrong[i], v ? wrong[i] : NULL));
        }
        for (int i = 0; !i || word(i - 1); i++) {
            setenv(variables[v], word(i) ? word(i) : "", 1);
            gt_ctx *gt = gt_open();
            assert_well(gt);
            gt_close(gt);
        }
        unsetenv(variables[v]);
    }
}

static void the_words_are_what_is_told(void **state)
{
    (void)state;
    assert_string_equal(gti_kernels_cpu_word(0), "plain");
    assert_string_equal(gti_kernels_blas_word(0), "native");
    for (int c = 0; gti_kernels_cpu_word(c); c++)
        for (int b = 0; gti_kernels_blas_word(b); b++) {
            assert_true(gti_kernels_choose(gti_kernels_cpu_word(c), gti_kernels_blas_word(b)));
            assert_string_equal(gt_cpu_level(), gti_kernels_cpu_word(c));
            assert_true((b == 0) == !strcmp(gt_blas_name(), "native"));
        }
}

/* --- OpenBLAS --- */

#ifdef GT_WITH_BLAS
static bool has_openblas(void)
{
    return dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD) != NULL;
}

/* It takes its time, and its threads. Before anything else asks for it. */
static void openblas_is_loaded_only_when_asked_for(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_matmul(gt_ones(gt, GT_SHAPE(64, 64)), gt_ones(gt, GT_SHAPE(64, 64)));
    assert_well(gt);
    gt_close(gt);
    assert_true(has_openblas() == !strncmp(gt_blas_name(), "OpenBLAS", 8));
    assert_true(!has_openblas() || !strcmp(gt_cpu_level(), "plain") || getenv("GRADTAPE_BLAS"));
}

/* Only the engine divides work. */
static void openblas_has_one_thread(void **state)
{
    (void)state;
    int (*num_threads)(void) = NULL;
    if (!gti_blas_name()) skip();
    gti_blas_find("openblas_get_num_threads", &num_threads);
    assert_int_equal(num_threads(), 1);
}
#endif

/* --- all levels but plain --- */

static int test_level(void)
{
    size_t n_ops, n = 0;
    const gt_op_info *info = gt_ops(&n_ops);
    struct CMUnitTest *tests = calloc(n_ops + 1, sizeof *tests);
    if (!tests) return 1;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_kernel_is_reached);
    for (size_t i = 0; i < n_ops; i++)
        if (info[i].op)
            tests[n++] = (struct CMUnitTest){.name = info[i].name,
                                             .test_func = operation_is_the_plain_one,
                                             .initial_state = (void *)&info[i]};
    const int failed = _cmocka_run_group_tests("levels", tests, n, NULL, NULL);
    free(tests);
    return failed;
}

int main(void)
{
    const struct CMUnitTest words[] = {
#ifdef GT_WITH_BLAS
        cmocka_unit_test(openblas_is_loaded_only_when_asked_for),
        cmocka_unit_test(openblas_has_one_thread),
#endif
        cmocka_unit_test(words_that_mean_nothing_are_said),
        cmocka_unit_test(the_words_are_what_is_told),
    };
    int failed = cmocka_run_group_tests_name("words", words, NULL, NULL);
    for (int c = 0; (cpu = gti_kernels_cpu_word(c)); c++)
        for (int b = 0; (blas = gti_kernels_blas_word(b)); b++)
            if (c || b) failed += test_level();
    return failed;
}

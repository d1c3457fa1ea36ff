/* What is to be known of a dtype stands in one table, and nobody finds it out by comparing. */
#define _XOPEN_SOURCE 700
#include <float.h>
#include <ftw.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static void test_facts(void **state)
{
    (void)state;
    static const struct {
        gt_dtype dtype;
        const char *name;
        size_t size;
        bool floating;
        double epsilon;
    } facts[] = {
        {GT_F32, "f32", 4, true, (double)FLT_EPSILON},
        {GT_F64, "f64", 8, true, DBL_EPSILON},
        {GT_I64, "i64", 8, false, 0},
        {GT_U8, "u8", 1, false, 0},
        {GT_N_DTYPES, "?", 0, false, 0},
        {(gt_dtype)-1, "?", 0, false, 0},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const gt_dtype dtype = facts[i].dtype;
        assert_string_equal(gt_dtype_name(dtype), facts[i].name);
        assert_int_equal(gt_dtype_size(dtype), facts[i].size);
        assert_int_equal(gt_is_floating(dtype), facts[i].floating);
        assert_true(gt_dtype_epsilon(dtype) == facts[i].epsilon);
    }
}

/* --- nobody compares --- */

/* Dtypes compared by order, or with one floating dtype, which forgets the others. */
static const char comparison[] = "dtype *[<>]=? *[A-Za-z(0-9]|[!=]= *GT_F(32|64)\\>";

/* Where one floating dtype is meant, in at most so many lines. */
static const struct exception {
    const char *file; /* how its name begins */
    int most;
    const char *why;
} exceptions[] = {
    {"include/gradtape/tensor.h", 1, "the table's"},
    {"src/engine/shape.c", 2, "the table's"},
    {"src/engine/gradcheck", 9, "it checks in f64, and an f32 input of a sample is an open one"},
    {"src/gradcheck/", 14, "the same, and what has kernels for f32 alone is checked in f32"},
    {"src/engine/print.c", 2, "f32 is not said, as in PyTorch; loads elements"},
    {"src/engine/random.c", 3, "a dtype's numbers are PyTorch's for it"},
    {"src/engine/anomaly.c", 2, "looks at elements"},
    {"src/nn/init", 4, "draws as PyTorch does for the dtype; loads and stores elements"},
    {"src/nn/summary.c", 1, "f32 is the default, which here means the parameters'"},
    {"ops/step.c", 2, "the numbers of steps are f64"},
    {"src/data/", 9, "pictures are u8 or f32, and what is mixed is a number"},
    {"src/cfile/", 11, "C files are of f32"},
    {"ops/losses.c", 1, "the least number of a dtype"},
    {"ops/gather.c", 2, "sums in double, in place where dx is of doubles"},
    {"ops/pad.c", 1, "the same"},
    {"ops/broadcast_to.c", 1, "loads an element"},
};
enum { N_EXCEPTIONS = sizeof exceptions / sizeof *exceptions };

static regex_t pattern;
static int files, bad, used[N_EXCEPTIONS];

static int exception_of(const char *path)
{
    for (int i = 0; i < N_EXCEPTIONS; i++)
        if (!strncmp(path, exceptions[i].file, strlen(exceptions[i].file))) return i;
    return -1;
}

static void check_line(const char *path, int number, const char *line)
{
    if (regexec(&pattern, line, 0, NULL, 0) != 0) return;
    const int e = exception_of(path);
    if (e >= 0 && ++used[e] <= exceptions[e].most) return;
    print_error("%s:%d: %s    a fact about dtypes: take it from dtypes.def (gt_is_floating, "
                "gt_dtype_size, ...)\n",
                path, number, line);
    bad++;
}

static int check_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)ftw;
    const char *dot = strrchr(path, '.');
    if (kind != FTW_F || !dot) return 0;
    if (strcmp(dot, ".c") && strcmp(dot, ".h") && strcmp(dot, ".inc") && strcmp(dot, ".def"))
        return 0;
    char line[4096];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int number = 1; fgets(line, sizeof line, f); number++) check_line(path, number, line);
    fclose(f);
    files++;
    return 0;
}

static void test_nobody_compares(void **state)
{
    (void)state;
    static const char *const tops[] = {"src", "include", "ops", "optim", "examples", "bench"};
    assert_int_equal(chdir(GT_SOURCE_DIR), 0);
    assert_int_equal(regcomp(&pattern, comparison, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        assert_int_equal(nftw(tops[i], check_file, 16, FTW_PHYS), 0);
    regfree(&pattern);
    assert_in_range(files, 100, 100000);
    if (bad) fail_msg("%d lines compare dtypes", bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_nobody_compares),
    };
    return cmocka_run_group_tests_name("dtypes", tests, NULL, NULL);
}

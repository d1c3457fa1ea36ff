/* Every registered operation on all its samples: first and second derivatives in f64, f32 against
 * f64, and its error samples. An operation without samples does not pass, nor one with derivatives
 * that none of its samples tells from 0. */
#include "support.h"

#include <stdlib.h>

/* A sample in both ways; they are independent, so each says what is wrong. */
static int failures(gt_ctx *gt, const gt_op *op, const gt_sample *sample, int *passed)
{
    int failed = 0;
    for (int f32 = 0; f32 < 2; f32++) {
        const gt_gradcheck_opts opts = {.order = 2, .f32 = f32};
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

static void operation_holds(void **state)
{
    const gt_op *op = ((const gt_op_info *)*state)->op;
    gt_ctx *gt = gt_open();
    gt_gradcheck_report r = {.message = "no samples\n"};
    int failed = 0, passed = 0;
    for (int i = 0; i < op->n_samples; i++) failed += failures(gt, op, &op->samples[i], &passed);
    const bool checked = is_checked(gt, op, &r);
    const gt_stats stats = gt_get_stats(gt);
    gt_close(gt);
    if (!checked) fail_msg("%s: %s", op->name, r.message);
    assert_int_equal(failed, 0);
    if (has_derivatives(op) && !passed) fail_msg("%s: no sample tells its derivatives", op->name);
    assert_int_equal(stats.nodes, 0);
    assert_int_equal(stats.bytes_live, 0);
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

static int all_tests(void)
{
    size_t n_ops, n = 0;
    const gt_op_info *info = gt_ops(&n_ops);
    struct CMUnitTest *tests = calloc(n_ops + 1, sizeof *tests);
    if (!tests) return 1;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_operation_cannot_go_unchecked);
    for (size_t i = 0; i < n_ops; i++)
        if (info[i].op)
            tests[n++] = (struct CMUnitTest){.name = info[i].name,
                                             .test_func = operation_holds,
                                             .initial_state = (void *)&info[i]};
    const int failed = _cmocka_run_group_tests("registry", tests, n, NULL, NULL);
    free(tests);
    return failed;
}

int main(void)
{
    return at_every_level(all_tests);
}

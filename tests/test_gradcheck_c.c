/* Derivatives of plain C functions under the gradient checker: right ones pass in every form, wrong
 * ones are found and named. */
#include "expect_report.h"

static gt_gradcheck_report failed;
#define GT_GRADCHECK_FAILED(report) failed = *(report)
#include <gradtape/gradcheck_assert.h>
#include <math.h>
#include <stdlib.h>

#include "plain_functions.h"

/* Of lengths in metres, in joules: pairs of argon, and the forces times *user. */
static double argon(const double *x, int64_t n, void *user)
{
    (void)user;
    double sum = 0;
    for (int64_t i = 1; i < n; i++) {
        const double s = 3.4e-10 / (x[i] - x[i - 1]), s6 = s * s * s * s * s * s;
        sum += 6.6e-21 * (s6 * s6 - s6);
    }
    return sum;
}

static void argon_gradient(const double *x, int64_t n, double *g, void *user)
{
    for (int64_t i = 0; i < n; i++) g[i] = 0;
    for (int64_t i = 1; i < n; i++) {
        const double d = x[i] - x[i - 1], s = 3.4e-10 / d, s6 = s * s * s * s * s * s;
        const double slope = (user ? *(double *)user : 1) * -6.6e-21 * 6 * (2 * s6 * s6 - s6) / d;
        g[i] += slope;
        g[i - 1] -= slope;
    }
}

/* Gradients of 1e-14, times *user. */
static double faint(const double *x, int64_t n, void *user)
{
    (void)user;
    return 1e-14 * ring(x, n, NULL);
}

static void faint_gradient(const double *x, int64_t n, double *g, void *user)
{
    ring_gradient(x, n, g, NULL);
    for (int64_t i = 0; i < n; i++) g[i] *= 1e-14 * (user ? *(double *)user : 1);
}

static double billion(const double *x, int64_t n, void *user)
{
    return ring(x, n, user) + 1e9 - 1e9;
}

static double absolute(const double *x, int64_t n, void *user)
{
    (void)user;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += fabs(x[i]);
    return sum;
}

static void signs(const double *x, int64_t n, double *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = x[i] < 0 ? -1 : 1;
}

static void flipped(const double *x, int64_t n, double *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = x[i] < 0 ? 1 : -1;
}

static double slightly = 1.00002, by_a_thousandth = 1.001, by_a_hundredth = 1.01;

static void scalars(void **state)
{
    (void)state;
    static const struct {
        gt_c_scalar f;
        gt_c_gradient gradient;
        void *user;
        int64_t n;
        gt_verdict verdict;
        const char *says;
    } cases[] = {
        {ring, ring_gradient, NULL, 7, GT_PASS, "7 entries of the Jacobian"},
        {ring, ring_gradient, NULL, 30000, GT_PASS, "8 random projections"},
        {ring, ring_gradient, &slightly, 7, GT_FAIL, "d y[0] / d x[6]"},
        {ring, ring_gradient, &by_a_thousandth, 30000, GT_FAIL, "gradcheck FAIL"},
        {ring, ring_gradient, &by_a_hundredth, 30000, GT_FAIL, "d y[0] / d x[29999]"},
        {absolute, flipped, NULL, 3, GT_FAIL, "the sign is flipped in the derivative"},
        {billion, ring_gradient, NULL, 7, GT_PASS, "7 entries"},
        {absolute, signs, NULL, 7, GT_PASS, "6 entries of the Jacobian compared, 1 skipped"},
    };
    double *x = calloc(30000, sizeof *x);
    for (int64_t i = 0; i < 30000; i++) x[i] = i == 3 ? 0 : 1.5 + sin((double)i);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_gradcheck_report r;
        gt_gradcheck_c(cases[i].f, cases[i].gradient, cases[i].user, x, cases[i].n, NULL, &r);
        expect(&r, cases[i].verdict, cases[i].says);
    }
    assert_int_equal(gt_gradcheck_c(ring, ring_gradient, NULL, x, 7, NULL, NULL), GT_PASS);
    free(x);
}

/* Small ones by entries, large ones by projections. */
static void every_form_is_checked(void **state)
{
    static const char *const name[] = {"(jacobian)", "(vjp)", "(jvp)"};
    (void)state;
    double x[401];
    for (int i = 0; i < 401; i++) x[i] = 0.3 + 0.7 * sin(i + 1);
    for (int form = 0; form < 3; form++)
        for (int64_t m = 5; m <= 400; m += 395) {
            gt_gradcheck_report r;
            shape s = {m, 1};
            gt_c_map map = wave_map(&s, form);
            gt_gradcheck_map(&map, x, NULL, &r);
            expect(&r, GT_PASS, name[form]);
            s.factor = 1.001;
            gt_gradcheck_map(&map, x, NULL, &r);
            expect(&r, GT_FAIL, m == 5 || form < 2 ? "d y[2] / d x[3]" : "d y[2] / d direction");
            expect(&r, GT_FAIL, name[form]);
        }
}

static void all_forms_given_are_checked(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    shape right = {3, 1};
    gt_c_map map = wave_map(&right, 0);
    map.vjp = wave_vjp;
    map.jvp = wave_jvp;
    gt_gradcheck_report r;
    assert_int_equal(gt_gradcheck_map(&map, x, NULL, &r), GT_PASS);
    shape wrong = {3, 2};
    map.user = &wrong;
    map.jacobian = NULL;
    gt_gradcheck_map(&map, x, &(gt_gradcheck_opts){.name = "wave"}, &r);
    expect(&r, GT_FAIL, "gradcheck FAIL  wave (vjp)");
}

static void hessians_are_symmetric(void **state)
{
    (void)state;
    double a[] = {1, 2, 2, 5};
    gt_c_map map = {.n = 2, .m = 2, .f = times, .jacobian = matrix, .user = a, .symmetric = true};
    gt_gradcheck_report r;
    gt_gradcheck_map(&map, (double[]){3, 4}, NULL, &r);
    expect(&r, GT_PASS, "4 entries");
    a[1] = 2.001;
    gt_gradcheck_map(&map, (double[]){3, 4}, NULL, &r);
    expect(&r, GT_FAIL, "the Hessian is not symmetric");
    map.m = 1;
    gt_gradcheck_map(&map, (double[]){3, 4}, NULL, &r);
    expect(&r, GT_FAIL, "a symmetric map has n = m");
}

static void the_report_says_which_tolerance_would_tell(void **state)
{
    const double x[] = {0.5, -0.25, 0.75, 0.3, -0.6};
    double wrong = 1.5;
    (void)state;
    for (int mode = GT_GRADCHECK_FULL; mode <= GT_GRADCHECK_FAST; mode++) {
        gt_gradcheck_opts o = {.mode = (gt_gradcheck_mode)mode};
        gt_gradcheck_report r;
        gt_gradcheck_c(faint, faint_gradient, NULL, x, 5, &o, &r);
        expect(&r, GT_INCONCLUSIVE, "the tolerance 1e-13: .atol = ");
        o.atol = strtod(strstr(r.hint, ".atol = ") + 8, NULL);
        gt_gradcheck_c(faint, faint_gradient, NULL, x, 5, &o, &r);
        expect(&r, GT_PASS, "compared");
        gt_gradcheck_c(faint, faint_gradient, &wrong, x, 5, &o, &r);
        expect(&r, GT_FAIL, "d y[0]");
    }
}

static void units_may_be_small(void **state)
{
    (void)state;
    double x[7], wrong = 1.01;
    for (int i = 0; i < 7; i++) x[i] = 1e-9 + 3.7e-10 * i + 2e-11 * sin(i);
    gt_gradcheck_report r;
    gt_gradcheck_c(argon, argon_gradient, NULL, x, 7, NULL, &r);
    expect(&r, GT_PASS, "7 entries");
    gt_gradcheck_c(argon, argon_gradient, &wrong, x, 7, NULL, &r);
    expect(&r, GT_FAIL, "analytic/numeric is 1.01000");
    for (int i = 0; i < 7; i++) x[i] *= 1e-20;
    gt_gradcheck_c(first_and_last, first_and_last_gradient, NULL, x, 7, NULL, &r);
    expect(&r, GT_PASS, "7 entries");
}

static void rows_are_points(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const gt_gradcheck_opts opts = {.points = 3};
    gt_gradcheck_report r;
    gt_gradcheck_c(ring, ring_gradient, NULL, x, 3, &opts, &r);
    expect(&r, GT_PASS, "function (point 3 of 3)");
    gt_gradcheck_c(ring, ring_gradient, &by_a_thousandth, x, 3, &opts, &r);
    expect(&r, GT_FAIL, "function (point 1 of 3)");
}

static gt_tensor *squared(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    return user ? gt_mul_scalar(gt_square(in[0]), *(double *)user) : gt_mul(in[0], in[0]);
}

static void what_does_not_pass_is_asserted(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    double one = 1;
    shape right = {3, 1}, wrong = {3, 1.01};
    const gt_c_map good = wave_map(&right, 0), bad = wave_map(&wrong, 0);
    gt_ctx *gt = gt_open();
    gt_tensor *in = gt_ones(gt, GT_SHAPE(2), .dtype = GT_F64, .requires_grad = true);
    failed.verdict = GT_PASS;
    GT_ASSERT_GRADCHECK_C(ring, ring_gradient, NULL, x, 2, .points = 2);
    GT_ASSERT_GRADCHECK_MAP(&good, x);
    GT_ASSERT_GRADCHECK_SAME(gt, squared, NULL, squared, &one, &in, 1, .probes = 3);
    assert_int_equal(failed.verdict, GT_PASS);
    GT_ASSERT_GRADCHECK_C(ring, ring_gradient, &by_a_thousandth, x, 4, .name = "ring");
    expect(&failed, GT_FAIL, "ring (jacobian)");
    GT_ASSERT_GRADCHECK_MAP(&bad, x, .name = "wave");
    expect(&failed, GT_FAIL, "wave (jacobian)");
    GT_ASSERT_GRADCHECK_SAME(gt, squared, NULL, squared, &by_a_thousandth, &in, 1);
    expect(&failed, GT_FAIL, "y[0]   first 1   second 1.001");
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(every_form_is_checked),
        cmocka_unit_test(all_forms_given_are_checked),
        cmocka_unit_test(hessians_are_symmetric),
        cmocka_unit_test(units_may_be_small),
        cmocka_unit_test(the_report_says_which_tolerance_would_tell),
        cmocka_unit_test(what_does_not_pass_is_asserted),
        cmocka_unit_test(rows_are_points),
    };
    return cmocka_run_group_tests_name("gradcheck of C functions", tests, NULL, NULL);
}

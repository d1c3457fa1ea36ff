/* Derivatives of plain C functions under the gradient checker: right ones pass in every form, wrong
 * ones are found and named. */
#include "support.h"

static gt_gradcheck_report failed;
#define GT_GRADCHECK_FAILED(report) failed = *(report)
#include <gradtape/gradcheck_assert.h>
#include <math.h>
#include <stdlib.h>

/* --- a scalar: sum of x_i^3 x_(i+1), around a ring --- */

static double ring(const double *x, int64_t n, void *user)
{
    (void)user;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i] * x[i] * x[(i + 1) % n];
    return sum;
}

/* user: the factor of the last element's first term, or NULL. */
static void ring_gradient(const double *x, int64_t n, double *g, void *user)
{
    for (int64_t i = 0; i < n; i++) {
        const double before = x[(i + n - 1) % n], factor = user && i == n - 1 ? *(double *)user : 1;
        g[i] = factor * 3 * x[i] * x[i] * x[(i + 1) % n] + before * before * before;
    }
}

static void unwritten(const double *x, int64_t n, double *g, void *user)
{
    ring_gradient(x, n - 1, g, user);
}

static void accumulating(const double *x, int64_t n, double *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] += x[i];
}

static double counted(const double *x, int64_t n, void *user)
{
    return ring(x, n, NULL) + 1e-9 * (*(double *)user)++;
}

static double changing(const double *x, int64_t n, void *user)
{
    const double y = ring(x, n, user);
    ((double *)(uintptr_t)x)[0] += 1;
    return y;
}

static void greedy_gradient(const double *x, int64_t n, double *g, void *user)
{
    ring_gradient(x, n, g, user);
    ((double *)(uintptr_t)x)[n - 1] = 0;
}

/* The second call changes nothing any more. */
static double wrapping(const double *x, int64_t n, void *user)
{
    double *at = (double *)(uintptr_t)x;
    for (int64_t i = 0; i < n; i++) at[i] -= floor(at[i]);
    return ring(x, n, user);
}

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

static double tiny_sum(const double *x, int64_t n, void *user)
{
    (void)user;
    return 1 + x[0] + x[n - 1];
}

static void tiny_sum_gradient(const double *x, int64_t n, double *g, void *user)
{
    (void)x, (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = i == 0 || i == n - 1;
}

/* ... where the derivative is 0. */
static void not_a_number(const double *x, int64_t n, double *g, void *user)
{
    tiny_sum_gradient(x, n, g, user);
    g[2] = NAN;
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

static void expect(const gt_gradcheck_report *r, gt_verdict v, const char *says)
{
    if (r->verdict != v || !strstr(r->message, says))
        fail_msg("wanted %s, \"%s\"; got\n%s", gt_verdict_name(v), says, r->message);
}

static double slightly = 1.00002, by_a_thousandth = 1.001, by_a_hundredth = 1.01, count;

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
        {ring, unwritten, NULL, 7, GT_FAIL,
         "jacobian: element 6 of the gradient was never written"},
        {ring, accumulating, NULL, 7, GT_FAIL, "nan"},
        {counted, ring_gradient, &count, 7, GT_FAIL, "two runs on the same inputs differ"},
        {changing, ring_gradient, NULL, 7, GT_FAIL, "f: it changed the values of x"},
        {wrapping, ring_gradient, NULL, 7, GT_FAIL, "f: it changed the values of x"},
        {ring, greedy_gradient, NULL, 7, GT_FAIL, "jacobian: it changed the values of x"},
        {tiny_sum, not_a_number, NULL, 7, GT_FAIL, "relative error nan"},
        {tiny_sum, not_a_number, NULL, 7, GT_FAIL, "0 * inf in the derivative, or an element"},
        {absolute, flipped, NULL, 3, GT_FAIL, "the sign is flipped in the derivative"},
        {billion, ring_gradient, NULL, 7, GT_PASS, "7 entries"},
        {absolute, signs, NULL, 7, GT_PASS, "6 entries of the Jacobian compared, 1 skipped"},
        {NULL, ring_gradient, NULL, 7, GT_FAIL, "the function is NULL"},
        {ring, NULL, NULL, 7, GT_FAIL, "there is no derivative"},
        {ring, ring_gradient, NULL, 0, GT_FAIL, "n is 0, m is 1"},
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

/* --- a vector: y_j = sin(x_j) x_(j+1), of n = m + 1 --- */

typedef struct {
    int64_t m;
    double factor; /* of the part by x_(j+1), in row 2 */
} shape;

static void wave(const double *x, double *y, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++) y[j] = sin(x[j]) * x[j + 1];
}

static double by_next(const shape *s, const double *x, int64_t j)
{
    return (j == 2 ? s->factor : 1) * sin(x[j]);
}

static void wave_jacobian(const double *x, double *jacobian, void *user)
{
    const shape *s = user;
    memset(jacobian, 0, (size_t)(s->m * (s->m + 1)) * sizeof *jacobian);
    for (int64_t j = 0; j < s->m; j++) {
        jacobian[j * (s->m + 1) + j] = cos(x[j]) * x[j + 1];
        jacobian[j * (s->m + 1) + j + 1] = by_next(s, x, j);
    }
}

static void wave_jvp(const double *x, const double *v, double *jv, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++)
        jv[j] = cos(x[j]) * x[j + 1] * v[j] + by_next(s, x, j) * v[j + 1];
}

static void wave_vjp(const double *x, const double *w, double *wj, void *user)
{
    const shape *s = user;
    memset(wj, 0, (size_t)(s->m + 1) * sizeof *wj);
    for (int64_t j = 0; j < s->m; j++) {
        wj[j] += cos(x[j]) * x[j + 1] * w[j];
        wj[j + 1] += by_next(s, x, j) * w[j];
    }
}

static gt_c_map wave_map(shape *s, int form)
{
    return (gt_c_map){.n = s->m + 1,
                      .m = s->m,
                      .f = wave,
                      .jacobian = form == 0 ? wave_jacobian : NULL,
                      .vjp = form == 1 ? wave_vjp : NULL,
                      .jvp = form == 2 ? wave_jvp : NULL,
                      .user = s};
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

/* y = A x, A by rows in *user: no entry of a Jacobian that is A is wrong. */
static void times(const double *x, double *y, void *user)
{
    const double *a = user;
    for (int j = 0; j < 2; j++) y[j] = a[2 * j] * x[0] + a[2 * j + 1] * x[1];
}

static void matrix(const double *x, double *jacobian, void *user)
{
    (void)x;
    memcpy(jacobian, user, 4 * sizeof *jacobian);
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
    gt_gradcheck_c(tiny_sum, tiny_sum_gradient, NULL, x, 7, NULL, &r);
    expect(&r, GT_PASS, "7 entries");
}

/* Right for unit vectors. */
static void squared_jvp(const double *x, const double *v, double *jv, void *user)
{
    const shape *s = user;
    for (int64_t j = 0; j < s->m; j++)
        jv[j] = cos(x[j]) * x[j + 1] * v[j] * v[j] + by_next(s, x, j) * v[j + 1];
}

static void greedy_jvp(const double *x, const double *v, double *jv, void *user)
{
    wave_jvp(x, v, jv, user);
    ((double *)(uintptr_t)v)[0] = 0;
}

static void stray(const double *x, double *y, void *user)
{
    wave(x, y, user);
    y[3] = 1;
}

static void stray_jacobian(const double *x, double *jacobian, void *user)
{
    wave_jacobian(x, jacobian, user);
    jacobian[-1] = 1;
}

static void stray_product(const double *x, const double *v, double *jv, void *user)
{
    wave_jvp(x, v, jv, user);
    jv[3] = 1;
}

static void stray_transposed(const double *x, const double *w, double *wj, void *user)
{
    wave_vjp(x, w, wj, user);
    wj[4] = 1;
}

static void greedy_vjp(const double *x, const double *w, double *wj, void *user)
{
    wave_vjp(x, w, wj, user);
    ((double *)(uintptr_t)w)[1] = 0;
}

static void taking_vjp(const double *x, const double *w, double *wj, void *user)
{
    wave_vjp(x, w, wj, user);
    ((double *)(uintptr_t)x)[1] = 0;
}

static void forgetful_vjp(const double *x, const double *w, double *wj, void *user)
{
    uint64_t before;
    memcpy(&before, wj + 2, sizeof before);
    wave_vjp(x, w, wj, user);
    memcpy(wj + 2, &before, sizeof before);
}

static void forgetful_jvp(const double *x, const double *v, double *jv, void *user)
{
    uint64_t before;
    memcpy(&before, jv + 1, sizeof before);
    wave_jvp(x, v, jv, user);
    memcpy(jv + 1, &before, sizeof before);
}

static void by_columns(const double *x, double *jacobian, void *user)
{
    const shape *s = user;
    double rows[12];
    wave_jacobian(x, rows, user);
    for (int64_t k = 0; k < 12; k++) jacobian[k % (s->m + 1) * s->m + k / (s->m + 1)] = rows[k];
}

static void with_a_nan(const double *x, double *jacobian, void *user)
{
    wave_jacobian(x, jacobian, user);
    jacobian[1 * 4 + 3] = NAN;
}

static void nan_jvp(const double *x, const double *v, double *jv, void *user)
{
    wave_jvp(x, v, jv, user);
    if (v[3] != 0) jv[1] = NAN;
}

static void mistakes_of_callbacks_are_named(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    shape s = {3, 1};
    gt_c_map map[7];
    static const struct {
        gt_gradcheck_kind kind;
        const char *says;
    } wanted[] = {
        {GT_GRADCHECK_MUTATED, "vjp: it changed the values of w"},
        {GT_GRADCHECK_MUTATED, "vjp: it changed the values of x"},
        {GT_GRADCHECK_UNWRITTEN, "vjp: element 2 of wJ was never written"},
        {GT_GRADCHECK_UNWRITTEN, "jvp: element 1 of Jv was never written"},
        {GT_GRADCHECK_DERIVATIVE, "the numeric ones transposed"},
        {GT_GRADCHECK_NAN, "d y[1] / d x[3]   analytic nan"},
        {GT_GRADCHECK_NAN, "d y[1] / d x[3]   analytic nan"},
    };
    map[0] = map[1] = map[2] = wave_map(&s, 1);
    map[3] = map[6] = wave_map(&s, 2);
    map[4] = map[5] = wave_map(&s, 0);
    map[0].vjp = greedy_vjp;
    map[1].vjp = taking_vjp;
    map[2].vjp = forgetful_vjp;
    map[3].jvp = forgetful_jvp;
    map[4].jacobian = by_columns;
    map[5].jacobian = with_a_nan;
    map[6].jvp = nan_jvp;
    for (int k = 0; k < 7; k++) {
        gt_gradcheck_report r;
        gt_gradcheck_map(&map[k], x, NULL, &r);
        expect(&r, GT_FAIL, wanted[k].says);
        assert_int_equal(r.kind, wanted[k].kind);
    }
}

static void callbacks_stay_inside(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    static const char *const says[] = {"f: writes before or behind", "jacobian: writes before",
                                       "vjp: writes before", "jvp: writes before"};
    for (int k = 0; k < 4; k++) {
        shape s = {3, 1};
        gt_c_map map = wave_map(&s, k > 0 ? k - 1 : 0);
        if (k == 0) map.f = stray;
        if (k == 1) map.jacobian = stray_jacobian;
        if (k == 2) map.vjp = stray_transposed;
        if (k == 3) map.jvp = stray_product;
        gt_gradcheck_report r;
        gt_gradcheck_map(&map, x, NULL, &r);
        expect(&r, GT_FAIL, says[k]);
    }
}

static void matrix_jvp(const double *x, const double *v, double *jv, void *user)
{
    (void)x;
    times(v, jv, user);
}

static void jvp_is_linear(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    shape s = {3, 1};
    gt_c_map map = wave_map(&s, 2);
    gt_gradcheck_report r;
    map.jvp = squared_jvp;
    gt_gradcheck_map(&map, x, NULL, &r);
    expect(&r, GT_FAIL, "J v is not linear in v: of y[0]");
    map.jvp = greedy_jvp;
    gt_gradcheck_map(&map, x, NULL, &r);
    expect(&r, GT_FAIL, "jvp changed its argument v");
    double a[] = {1, 2, 2.001, 5};
    const gt_c_map hessian = {
        .n = 2, .m = 2, .f = times, .jvp = matrix_jvp, .user = a, .symmetric = true};
    gt_gradcheck_map(&hessian, x, &(gt_gradcheck_opts){.mode = GT_GRADCHECK_FAST}, &r);
    expect(&r, GT_FAIL, "the Hessian is not symmetric");
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

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    shape s = {3, 1};
    const gt_c_map map = wave_map(&s, 0);
    gt_gradcheck_report r;
    gt_gradcheck_map(NULL, x, NULL, &r);
    expect(&r, GT_FAIL, "the map is NULL");
    gt_gradcheck_map(&map, NULL, NULL, &r);
    expect(&r, GT_FAIL, "x is NULL");
    gt_gradcheck_map(&map, x, &(gt_gradcheck_opts){.order = 2}, &r);
    expect(&r, GT_FAIL, "the Hessian as its .jacobian");
    gt_gradcheck_map(&map, x, &(gt_gradcheck_opts){.f32 = true}, &r);
    expect(&r, GT_FAIL, ".f32 is not for functions in C");
    gt_gradcheck_map(&map, x, &(gt_gradcheck_opts){.step = -1}, &r);
    expect(&r, GT_FAIL, "step is -1");
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
        cmocka_unit_test(jvp_is_linear),
        cmocka_unit_test(mistakes_of_callbacks_are_named),
        cmocka_unit_test(callbacks_stay_inside),
        cmocka_unit_test(what_does_not_pass_is_asserted),
        cmocka_unit_test(rows_are_points),
        cmocka_unit_test(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests_name("gradcheck of C functions", tests, NULL, NULL);
}

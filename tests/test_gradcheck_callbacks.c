/* What callbacks of plain C functions do wrong besides derivatives, and what is asked wrongly. */
#include "expect_report.h"

#include <math.h>

#include "plain_functions.h"

/* --- a function of one value --- */

static double counted(const double *x, int64_t n, void *user)
{
    return ring(x, n, NULL) + 1e-9 * (*(double *)user)++;
}

/* The second call changes nothing any more. */
static double wrapping(const double *x, int64_t n, void *user)
{
    double *at = (double *)(uintptr_t)x;
    for (int64_t i = 0; i < n; i++) at[i] -= floor(at[i]);
    return ring(x, n, user);
}

/* Of first_and_last, where the derivative is 0. */
static void not_a_number(const double *x, int64_t n, double *g, void *user)
{
    first_and_last_gradient(x, n, g, user);
    g[2] = NAN;
}

static double count;

static void scalars(void **state)
{
    (void)state;
    static const struct {
        gt_c_scalar f;
        gt_c_gradient gradient;
        void *user;
        int64_t n;
        const char *says;
    } cases[] = {
        {ring, unwritten, NULL, 7, "jacobian: element 6 of the gradient was never written"},
        {ring, accumulating, NULL, 7, "nan"},
        {counted, ring_gradient, &count, 7, "two runs on the same inputs differ"},
        {changing, ring_gradient, NULL, 7, "f: it changed the values of x"},
        {wrapping, ring_gradient, NULL, 7, "f: it changed the values of x"},
        {ring, greedy_gradient, NULL, 7, "jacobian: it changed the values of x"},
        {first_and_last, not_a_number, NULL, 7, "relative error nan"},
        {first_and_last, not_a_number, NULL, 7, "0 * inf in the derivative, or an element"},
        {NULL, ring_gradient, NULL, 7, "the function is NULL"},
        {ring, NULL, NULL, 7, "there is no derivative"},
        {ring, ring_gradient, NULL, 0, "n is 0, m is 1"},
    };
    double x[7];
    for (int i = 0; i < 7; i++) x[i] = i == 3 ? 0 : 1.5 + sin(i);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_gradcheck_report r;
        gt_gradcheck_c(cases[i].f, cases[i].gradient, cases[i].user, x, cases[i].n, NULL, &r);
        expect(&r, GT_FAIL, cases[i].says);
    }
}

/* --- functions of several --- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(jvp_is_linear),
        cmocka_unit_test(mistakes_of_callbacks_are_named),
        cmocka_unit_test(callbacks_stay_inside),
        cmocka_unit_test(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests_name("callbacks of C functions", tests, NULL, NULL);
}

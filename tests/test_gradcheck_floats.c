/* Plain C functions of floats under the gradient checker, against differences in f32. */
#include "expect_report.h"

static gt_gradcheck_report failed;
#define GT_GRADCHECK_FAILED(report) failed = *(report)
#include <gradtape/gradcheck_assert.h>
#include <math.h>

#define REAL float
#define REAL_MAP gt_c_map_f32
#include "plain_functions.h"

/* --- a scalar function --- */

static void stray_gradient(const float *x, int64_t n, float *g, void *user)
{
    ring_gradient(x, n, g, user);
    g[-1] = 0;
}

/* ... of f64's precision alone. */
static float far(const float *x, int64_t n, void *user)
{
    return ring(x, n, user) + 1e9f;
}

static float absolute(const float *x, int64_t n, void *user)
{
    (void)user;
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += fabsf(x[i]);
    return sum;
}

static void signs(const float *x, int64_t n, float *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = x[i] < 0 ? -1 : 1;
}

static float by_a_hundredth = 1.01F;

static void scalars(void **state)
{
    (void)state;
    static const struct {
        gt_c_scalar_f32 f;
        gt_c_gradient_f32 gradient;
        void *user;
        int64_t n;
        gt_verdict verdict;
        const char *says;
    } cases[] = {
        {ring, ring_gradient, NULL, 7, GT_PASS,
         "gradcheck PASS  function (jacobian)  f32  order 1"},
        {ring, ring_gradient, NULL, 7, GT_PASS, "in f32: rtol 0.001, atol 0.0001, step 0.016"},
        {ring, ring_gradient, NULL, 300, GT_PASS, "300 entries"},
        {ring, ring_gradient, &by_a_hundredth, 7, GT_FAIL, "d y[0] / d x[6]"},
        {ring, unwritten, NULL, 7, GT_FAIL, "element 6 of the gradient was never written"},
        {ring, accumulating, NULL, 7, GT_FAIL, "nan"},
        {changing, ring_gradient, NULL, 7, GT_FAIL, "f: it changed the values of x"},
        {ring, greedy_gradient, NULL, 7, GT_FAIL, "jacobian: it changed the values of x"},
        {ring, stray_gradient, NULL, 7, GT_FAIL, "jacobian: writes before or behind"},
        {absolute, signs, NULL, 7, GT_PASS, "6 entries of the Jacobian compared, 1 skipped"},
        {far, ring_gradient, NULL, 7, GT_INCONCLUSIVE, "no numeric derivative"},
        {NULL, ring_gradient, NULL, 7, GT_FAIL, "the function is NULL"},
        {ring, NULL, NULL, 7, GT_FAIL, "there is no derivative"},
        {ring, ring_gradient, NULL, 0, GT_FAIL, "n is 0, m is 1"},
    };
    float x[300];
    for (int i = 0; i < 300; i++) x[i] = i == 3 ? 0 : 1.5F + sinf((float)i);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_gradcheck_report r;
        gt_gradcheck_c_f32(cases[i].f, cases[i].gradient, cases[i].user, x, cases[i].n, NULL, &r);
        expect(&r, cases[i].verdict, cases[i].says);
    }
}

/* --- a vector --- */

/* Small ones by entries, large ones by projections, in which one entry is not seen. */
static void every_form_is_checked(void **state)
{
    static const char *const name[] = {"(jacobian)", "(vjp)", "(jvp)"};
    (void)state;
    float x[401];
    for (int i = 0; i < 401; i++) x[i] = 0.3F + 0.7F * sinf((float)(i + 1));
    for (int form = 0; form < 3; form++)
        for (int64_t m = 5; m <= 400; m += 395) {
            gt_gradcheck_report r;
            shape s = {m, 1};
            const gt_c_map_f32 map = wave_map(&s, form);
            gt_gradcheck_map_f32(&map, x, NULL, &r);
            expect(&r, GT_PASS, name[form]);
            expect(&r, GT_PASS, "  f32  order 1\n");
            s.factor = m == 5 ? 1.01F : -20;
            gt_gradcheck_map_f32(&map, x, NULL, &r);
            expect(&r, GT_FAIL, name[form]);
            if (m == 5) expect(&r, GT_FAIL, "d y[2] / d x[3]");
        }
}

static void mistakes_of_callbacks_are_named(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4};
    shape s = {3, 1};
    gt_c_map_f32 vjp = wave_map(&s, 1), jvp = wave_map(&s, 2);
    gt_gradcheck_report r;
    vjp.vjp = greedy_vjp;
    gt_gradcheck_map_f32(&vjp, x, NULL, &r);
    expect(&r, GT_FAIL, "vjp: it changed the values of w");
    jvp.jvp = squared_jvp;
    gt_gradcheck_map_f32(&jvp, x, NULL, &r);
    expect(&r, GT_FAIL, "J v is not linear in v: of y[");
}

static void options_are_as_for_doubles(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    shape s = {2, 1};
    const gt_c_map_f32 map = wave_map(&s, 0);
    gt_gradcheck_report r;
    gt_gradcheck_map_f32(&map, x, &(gt_gradcheck_opts){.points = 3}, &r);
    expect(&r, GT_PASS, "function (point 3 of 3)");
    gt_gradcheck_map_f32(&map, x, &(gt_gradcheck_opts){.rtol = 1e-2}, &r);
    expect(&r, GT_PASS, "in f32: rtol 0.01, atol 0.0001");
    gt_gradcheck_map_f32(&map, x, &(gt_gradcheck_opts){.order = 2}, &r);
    expect(&r, GT_FAIL, "the Hessian as its .jacobian");
    gt_gradcheck_map_f32(&map, x, &(gt_gradcheck_opts){.points = -1}, &r);
    expect(&r, GT_FAIL, "points is -1");
    gt_gradcheck_map_f32(NULL, x, NULL, &r);
    expect(&r, GT_FAIL, "the map is NULL");
    gt_gradcheck_map_f32(&map, NULL, NULL, &r);
    expect(&r, GT_FAIL, "x is NULL");
    GT_ASSERT_GRADCHECK_C_F32(ring, ring_gradient, NULL, x, 4, .name = "ring");
    GT_ASSERT_GRADCHECK_MAP_F32(&map, x);
    assert_int_equal(failed.message[0], '\0');
    GT_ASSERT_GRADCHECK_C_F32(ring, ring_gradient, &by_a_hundredth, x, 4, .name = "ring");
    expect(&failed, GT_FAIL, "ring (jacobian)  f32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(every_form_is_checked),
        cmocka_unit_test(mistakes_of_callbacks_are_named),
        cmocka_unit_test(options_are_as_for_doubles),
    };
    return cmocka_run_group_tests_name("gradcheck of floats", tests, NULL, NULL);
}

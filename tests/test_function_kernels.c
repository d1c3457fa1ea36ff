/* Every function of function.def, and its derivative, at every level of kernels: against the same
 * formulas in long double, over all numbers that there are. The level plain takes the functions of
 * <math.h>; a level with functions of its own may be little worse than plain anywhere, and those
 * functions keep the bounds below. */
#ifdef __clang__ /* before the headers: long doubles do not vectorise */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
#include <tgmath.h> /* formulas in long double */

#include "kernel_arrays.h"
#include "kernels/loop.h"

#define T long double
#include "kernels/function.inc"

typedef void value_fn(int64_t n, const void *x, const double p[2], void *y);
typedef void slope_fn(int64_t n, const void *g, const void *v, const double p[2], void *dx);

static const struct row {
    const char *name;
    value_fn *value;
    slope_fn *slope;
} rows[GTI_N_FUNCTION] = {
#define GTI_FUNCTION(name, f, of, dx) {#name, value_##name, slope_##name},
#include "kernels/function.def"
#undef GTI_FUNCTION
};

/* In units in the last place, at any level. */
static const struct {
    const char *name;
    double ulps;
} bounds[] = {{"exp", 1.2}, {"expm1", 2}, {"log", 1}, {"log1p", 1},
              {"tanh", 3},  {"erf", 3},   {"sin", 2}, {"cos", 2}};

static const double parameters[][2] = {{0, 0}, {1, 20}, {-1, 1}, {2.5, 0}};

enum { N = 5000, N_RANGES = 4 };
static double inputs[N_RANGES][N];
static long double wide_x[N], wide_g[N], want[N];

/* Errors in units in the last place of T; those that are infinite or NaN are right or count as
 * many. */
static double error_of(long double right, double got, int dtype)
{
    if (isnan(right)) return isnan(got) ? 0 : INFINITY;
    const int digits = dtype == F32 ? FLT_MANT_DIG : DBL_MANT_DIG;
    const int least = dtype == F32 ? FLT_MIN_EXP - FLT_MANT_DIG : DBL_MIN_EXP - DBL_MANT_DIG;
    const double rounded = dtype == F32 ? (double)(float)right : (double)right;
    if (rounded == got) return 0;
    if (!isfinite(got) || isinf(rounded)) return INFINITY;
    int exponent;
    frexp(right, &exponent);
    const int unit = exponent - digits < least ? least : exponent - digits;
    return (double)(fabs(got - right) / ldexp(1.0L, unit));
}

static uint64_t next_bits(void)
{
    return ((uint64_t)next_random() << 40) ^ ((uint64_t)next_random() << 16) ^ next_random();
}

static double any_number(int dtype)
{
    float single;
    double number;
    const uint64_t bits = next_bits();
    const uint32_t half = (uint32_t)(bits >> 13);
    memcpy(&single, &half, sizeof single);
    memcpy(&number, &bits, sizeof number);
    return dtype == F32 ? (double)single : number;
}

static double in_range(int range, int dtype)
{
    static const double most[] = {1, 12, 110};
    if (range == 3) return any_number(dtype);
    const double x = (2 * (double)next_random() / (1 << 24) - 1) * most[range];
    return dtype == F32 ? (double)(float)x : range == 2 ? 7 * x : x;
}

static void draw_inputs(int dtype)
{
    static const double special[] = {0.0,        -0.0, 1, -1, (double)INFINITY, (double)-INFINITY,
                                     (double)NAN};
    for (int r = 0; r < N_RANGES; r++)
        for (int i = 0; i < N; i++) inputs[r][i] = in_range(r, dtype);
    memcpy(inputs[0], special, sizeof special);
    for (int i = 0; i < N; i++) wide_g[i] = i % 3 - 1 + (i % 3 == 1);
}

/* The worst error of a function, or of its derivative, at the level chosen; x is inputs[range]. */
static double worst_of(int f, int dtype, int range, const double *p, bool slope)
{
    const gti_function_kernels *k = &gti_kernels_of(dtype)->function;
    const array x = new_array(dtype, N), g = new_array(dtype, N), y = new_output(dtype, N);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        set(&x, i, inputs[range][i]);
        set(&g, i, (double)wide_g[i]);
        wide_x[i] = get(&x, i);
    }
    if (slope) rows[f].slope(N, wide_g, wide_x, p, want);
    else rows[f].value(N, wide_x, p, want);
    if (slope) k->slope[f](N, g.data, x.data, p, y.data);
    else k->value[f](N, x.data, p, y.data);
    for (int i = 0; i < N; i++) worst = fmax(worst, error_of(want[i], get(&y, i), dtype));
    free_array(&x);
    free_array(&g);
    free_array(&y);
    return worst;
}

/* An element computed alone has the bits that it has among others, wherever ranges are cut. */
static void check_places(int f, int dtype, int range, const double *p)
{
    enum { PLACES = 100 };
    const gti_function_kernels *k = &gti_kernels_of(dtype)->function;
    const array x = new_array(dtype, PLACES), y = new_output(dtype, PLACES);
    const array dx = new_output(dtype, PLACES), one = new_output(dtype, 1);
    const size_t size = dtype == F32 ? sizeof(float) : sizeof(double);
    for (int i = 0; i < PLACES; i++) set(&x, i, inputs[range][i]);
    k->value[f](PLACES, x.data, p, y.data);
    k->slope[f](PLACES, x.data, x.data, p, dx.data);
    for (size_t i = 0; i < PLACES; i++) {
        const unsigned char *const at = x.data + i * size;
        k->value[f](1, at, p, one.data);
        if (!isnan(get(&one, 0))) assert_memory_equal(one.data, y.data + i * size, size);
        k->slope[f](1, at, at, p, one.data);
        if (!isnan(get(&one, 0))) assert_memory_equal(one.data, dx.data + i * size, size);
    }
    free_array(&x);
    free_array(&y);
    free_array(&dx);
    free_array(&one);
}

static double bound_of(const char *name)
{
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (!strcmp(bounds[i].name, name)) return bounds[i].ulps;
    return (double)INFINITY;
}

static void check(int f, int dtype, int range, const double *p, bool slope, double plain)
{
    const double worst = worst_of(f, dtype, range, p, slope);
    const double bound = slope ? (double)INFINITY : bound_of(rows[f].name);
    if (worst > 4 * plain + 8 || worst > bound)
        fail_msg(
            "%s%s of f%d at %s, parameters %g and %g: %.3g units in the last place, plain %.3g, "
            "bound %.3g",
            slope ? "the derivative of " : "", rows[f].name, dtype == F32 ? 32 : 64,
            gti_kernels_cpu(), p[0], p[1], worst, plain, bound);
}

static void check_function(int f, int dtype)
{
    for (size_t p = 0; p < sizeof parameters / sizeof *parameters; p++)
        for (int range = 0; range < N_RANGES; range++)
            for (int slope = 0; slope < 2; slope++) {
                assert_true(gti_kernels_choose("plain", NULL));
                const double plain = worst_of(f, dtype, range, parameters[p], slope);
                for (int c = 0; gti_kernels_cpu_word(c); c++) {
                    assert_true(gti_kernels_choose(gti_kernels_cpu_word(c), NULL));
                    check(f, dtype, range, parameters[p], slope, plain);
                    if (!slope) check_places(f, dtype, range, parameters[p]);
                }
            }
}

static void functions_are_right_everywhere(void **state)
{
    const int f = (int)((const struct row *)*state - rows);
    for (int dtype = 0; dtype < N_DTYPES; dtype++) {
        draw_inputs(dtype);
        check_function(f, dtype);
    }
}

/* --- powers of two numbers --- */

/* Pairs of all sizes, such that most powers are finite, and of all that is special. Large powers of
 * numbers near 1 take all digits of their logarithms. */
static void draw_pair(int i, int dtype, double *a, double *b)
{
    static const double special[] = {0.0,
                                     -0.0,
                                     1,
                                     -1,
                                     2,
                                     -2,
                                     0.5,
                                     -0.5,
                                     3,
                                     -3,
                                     2.5,
                                     1e-40,
                                     1e30,
                                     -1e30,
                                     1e300,
                                     5e-324,
                                     (double)INFINITY,
                                     (double)-INFINITY,
                                     (double)NAN};
    enum { N_SPECIAL = sizeof special / sizeof *special };
    const double x = fabs(any_number(dtype)), y = in_range(i % 3, dtype);
    const double near = exp(in_range(0, dtype) / 3), most = dtype == F32 ? 87 : 700;
    const double pairs[][2] = {{1 + y / 64, 40 * y},
                               {x, floor(y)},
                               {x, 7 * y / log(x)},
                               {near, most * in_range(0, dtype) / log(near)}};
    const bool all = i < N_SPECIAL * N_SPECIAL;
    *a = all ? special[i % N_SPECIAL] : pairs[i % 4][0];
    *b = all ? special[i / N_SPECIAL] : pairs[i % 4][1];
    if (dtype == F32) *a = (double)(float)*a, *b = (double)(float)*b;
}

static void powers_at(const char *level, int dtype)
{
    assert_true(gti_kernels_choose(level, NULL));
    const gti_kernels *const k = gti_kernels_of(dtype);
    const array a = new_array(dtype, N), b = new_array(dtype, N), y = new_output(dtype, N);
    const array one = new_output(dtype, 1);
    const size_t size = dtype == F32 ? sizeof(float) : sizeof(double);
    for (int i = 0; i < N; i++) {
        double p, q;
        draw_pair(i, dtype, &p, &q);
        set(&a, i, p);
        set(&b, i, q);
    }
    k->binary[GTI_BINARY_pow](N, a.data, 1, b.data, 1, y.data);
    for (int i = 0; i < N; i++) {
        const double p = get(&a, i), q = get(&b, i), got = get(&y, i);
        const double error = error_of(powl(p, q), got, dtype);
        if (error > 2)
            fail_msg("%.17g^%.17g of f%d at %s is %.17g, wrong by %.3g units", p, q,
                     dtype == F32 ? 32 : 64, level, got, error);
        k->binary[GTI_BINARY_pow](1, a.data + (size_t)i * size, 1, b.data + (size_t)i * size, 1,
                                  one.data);
        if (!isnan(got)) assert_memory_equal(one.data, y.data + (size_t)i * size, size);
    }
    free_array(&a);
    free_array(&b);
    free_array(&y);
    free_array(&one);
}

static void powers_are_right_everywhere(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < N_DTYPES; dtype++)
        for (int c = 0; gti_kernels_cpu_word(c); c++) powers_at(gti_kernels_cpu_word(c), dtype);
}

/* --- square roots, which are rounded right --- */

/* An r with r^2 = a modulo 2^bits, for a = 1 modulo 8. */
static uint64_t root_modulo(uint64_t a, int bits)
{
    uint64_t r = 1;
    for (int i = 3; i < bits; i++)
        if ((r * r - a) >> i & 1) r += UINT64_C(1) << (i - 1);
    return r;
}

/* Numbers of p digits whose roots are next to the middle of two others: x = (m^2 + c) 4^k, for an
 * odd m of p + 1 digits and the smallest c, since m^2 is 1 modulo 8. Returns how many. */
static int hard_squares(int dtype, double *x)
{
    static const int powers[] = {0, -20, 11};
    const int p = dtype == F32 ? FLT_MANT_DIG : DBL_MANT_DIG;
    const uint64_t top = UINT64_C(1) << p;
    int n = 0;
    for (int64_t c = -129; c < 128; c += 8)
        for (int way = 0; way < 2; way++)
            for (size_t k = 0; k < sizeof powers / sizeof *powers; k++) {
                const uint64_t root = root_modulo((uint64_t)-c, p + 1);
                const uint64_t m = ((way ? -root : root) & (top - 1)) | top;
                const long double square = (long double)m * (long double)m;
                x[n++] = (double)ldexp(square, 2 * (powers[k] - p));
            }
    return n;
}

static void roots_at(const char *level, int dtype)
{
    assert_true(gti_kernels_choose(level, NULL));
    double x[N];
    const array a = new_array(dtype, N), y = new_output(dtype, N);
    for (int i = hard_squares(dtype, x); i < N; i++)
        x[i] = i % 2 ? inputs[i % N_RANGES][i] : fabs(in_range(i % 3, dtype));
    for (int i = 0; i < N; i++) set(&a, i, x[i]);
    gti_kernels_of(dtype)->function.value[GTI_FUNCTION_sqrt](N, a.data, (const double[2]){0},
                                                             y.data);
    for (int i = 0; i < N; i++) {
        const double at = get(&a, i), got = get(&y, i);
        const double right = dtype == F32 ? (double)sqrt((float)at) : sqrt(at);
        if (got != right && !(isnan(got) && isnan(right)))
            fail_msg("the root of %a in f%d at %s is %a, not %a", at, dtype == F32 ? 32 : 64, level,
                     got, right);
    }
    free_array(&a);
    free_array(&y);
}

static void roots_are_rounded_right(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < N_DTYPES; dtype++) {
        draw_inputs(dtype);
        for (int c = 0; gti_kernels_cpu_word(c); c++) roots_at(gti_kernels_cpu_word(c), dtype);
    }
}

int main(void)
{
    struct CMUnitTest tests[GTI_N_FUNCTION + 2];
    tests[GTI_N_FUNCTION] =
        (struct CMUnitTest){.name = "pow", .test_func = powers_are_right_everywhere};
    tests[GTI_N_FUNCTION + 1] =
        (struct CMUnitTest){.name = "roots", .test_func = roots_are_rounded_right};
    for (int f = 0; f < GTI_N_FUNCTION; f++)
        tests[f] = (struct CMUnitTest){.name = rows[f].name,
                                       .test_func = functions_are_right_everywhere,
                                       .initial_state = (void *)&rows[f]};
    return cmocka_run_group_tests_name("functions", tests, NULL, NULL);
}

/* Element by element: values and first gradients against PyTorch's (reference/elementwise.txt,
 * written by tools/reference_elementwise.py), also for NaN, infinities and what else is special, in
 * the dtype concerned; and what neither the file nor the samples show. */
#include "kernel_arrays.h"
#include "reference.h"

/* --- how to call each operation: in are its inputs, o the numbers of the case's line "opts" --- */

#define X in[0]
#define XY in[0], in[1]
#define OPT(i) (n > (i) ? o[i] : 0)
#define PLAIN(ROW, name)                                                                           \
    ROW(name, gt_##name(X))                                                                        \
    ROW(name##_grad, gt_##name##_grad(XY, OPT(0), OPT(1)))
#define WITH(ROW, name, call) ROW(name, call) ROW(name##_grad, gt_##name##_grad(XY, OPT(0), OPT(1)))
/* Those without options are rows of ops.def. */
#define FUNCTIONS(ROW)                                                                             \
    WITH(ROW, pow_scalar, gt_pow_scalar(X, o[0]))                                                  \
    WITH(ROW, clamp, gt_clamp(X, o[0], o[1]))                                                      \
    WITH(ROW, leaky_relu, gt_leaky_relu(X, .negative_slope = OPT(0)))                              \
    WITH(ROW, elu, gt_elu(X, .alpha = OPT(0)))                                                     \
    WITH(ROW, gelu, gt_gelu(X, .tanh_approximation = OPT(0) != 0))                                 \
    WITH(ROW, softplus, gt_softplus(X, .beta = OPT(0), .threshold = OPT(1)))                       \
    WITH(ROW, hardtanh, gt_hardtanh(X, .min_val = OPT(0), .max_val = OPT(1)))                      \
    ROW(sign, gt_sign(X))                                                                          \
    ROW(floor, gt_floor(X)) ROW(ceil, gt_ceil(X)) ROW(round, gt_round(X))
#define SEEN2(ROW, name) ROW(name, seen(in, 2, gt_##name(XY)))
#define SEEN1(ROW, name, mask) ROW(name, seen(in, 1, mask))
#define OTHERS(ROW)                                                                                \
    ROW(pow, gt_pow(XY))                                                                           \
    ROW(maximum, gt_maximum(XY))                                                                   \
    ROW(minimum, gt_minimum(XY))                                                                   \
    ROW(leak, gt_leak(XY))                                                                         \
    ROW(leak_slope, gt_leak_slope(XY))                                                             \
    ROW(leak_db, gt_leak_db(XY))                                                                   \
    ROW(prelu, gt_prelu(XY))                                                                       \
    ROW(where, seen(in, 1, gt_gt_scalar(X, 0)))                                                    \
    ROW(cast, gt_cast(gt_cast(X, GT_F64), X->dtype))                                               \
    SEEN2(ROW, eq)                                                                                 \
    SEEN2(ROW, ne)                                                                                 \
    SEEN2(ROW, lt)                                                                                 \
    SEEN2(ROW, le)                                                                                 \
    SEEN2(ROW, gt)                                                                                 \
    SEEN2(ROW, ge)                                                                                 \
    ROW(logical_and, seen(in, 2, gt_logical_and(u8(X), u8(in[1]))))                                \
    ROW(logical_or, seen(in, 2, gt_logical_or(u8(X), u8(in[1]))))                                  \
    ROW(logical_xor, seen(in, 2, gt_logical_xor(u8(X), u8(in[1]))))                                \
    SEEN1(ROW, logical_not, gt_logical_not(u8(X)))                                                 \
    SEEN1(ROW, isnan, gt_isnan(X))                                                                 \
    SEEN1(ROW, isfinite, gt_isfinite(X))                                                           \
    SEEN1(ROW, eq_scalar, gt_eq_scalar(X, o[0]))                                                   \
    SEEN1(ROW, ne_scalar, gt_ne_scalar(X, o[0]))                                                   \
    SEEN1(ROW, lt_scalar, gt_lt_scalar(X, o[0]))                                                   \
    SEEN1(ROW, le_scalar, gt_le_scalar(X, o[0]))                                                   \
    SEEN1(ROW, gt_scalar, gt_gt_scalar(X, o[0]))                                                   \
    SEEN1(ROW, ge_scalar, gt_ge_scalar(X, o[0]))

/* The multiples of 1/4 in x as whole numbers. */
static gt_tensor *u8(gt_tensor *x)
{
    return gt_cast(gt_mul_scalar(x, 4), GT_U8);
}

/* A mask made of in[0..k), seen through where; they get gradients of 0, in a place that is never
 * taken. */
static gt_tensor *seen(gt_tensor *const in[], int k, gt_tensor *mask)
{
    gt_tensor *y = gt_where(mask, in[k], in[k + 1]);
    gt_tensor *never = gt_zeros(in[0]->ctx, GT_SCALAR, .dtype = GT_U8);
    for (int i = 0; i < k; i++) y = gt_where(never, in[i], y);
    return y;
}

#define GT_OP_UNARY(name, params, meaning) PLAIN(REFERENCE_CALL, name)
#include <gradtape/ops.def>
FUNCTIONS(REFERENCE_CALL)
OTHERS(REFERENCE_CALL)

static const reference_caller callers[] = {
#define GT_OP_UNARY(name, params, meaning) PLAIN(REFERENCE_ROW, name)
#include <gradtape/ops.def>
    FUNCTIONS(REFERENCE_ROW) OTHERS(REFERENCE_ROW){NULL, NULL, false},
};

/* --- against the file --- */

static void test_references(void **state)
{
    (void)state;
    check_references("elementwise.txt", callers, 400);
}

/* --- kernels: each element by itself, whatever the size, also in place --- */

static const double parameters[2] = {1.5, 20};
static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 100};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void check_same(const array *y, int64_t i, const array *one, int f)
{
    const double a = get(y, i), b = get(one, 0);
    if (a != b && !(isnan(a) && isnan(b))) fail_msg("function %d, element %d", f, (int)i);
}

static void value_case(const gti_kernels *k, int dtype, int f, int64_t n)
{
    const array x = new_input(dtype, n), y = new_output(dtype, n), one = new_output(dtype, 1);
    const array in_place = copy_of(&x);
    const size_t element = dtype == F32 ? 4 : 8;
    k->function.value[f](n, x.data, parameters, y.data);
    k->function.value[f](n, in_place.data, parameters, in_place.data);
    for (int64_t i = 0; i < n; i++) {
        k->function.value[f](1, x.data + (size_t)i * element, parameters, one.data);
        check_same(&y, i, &one, f);
        check_same(&in_place, i, &one, f);
    }
    free_array(&x);
    free_array(&y);
    free_array(&one);
    free_array(&in_place);
}

static void slope_case(const gti_kernels *k, int dtype, int f, int64_t n)
{
    const array g = new_input(dtype, n), v = new_input(dtype, n), dx = new_output(dtype, n);
    const array in_place = copy_of(&v), one = new_output(dtype, 1);
    const size_t element = dtype == F32 ? 4 : 8;
    k->function.slope[f](n, g.data, v.data, parameters, dx.data);
    k->function.slope[f](n, g.data, in_place.data, parameters, in_place.data);
    for (int64_t i = 0; i < n; i++) {
        const size_t at = (size_t)i * element;
        k->function.slope[f](1, g.data + at, v.data + at, parameters, one.data);
        check_same(&dx, i, &one, f);
        check_same(&in_place, i, &one, f);
    }
    free_array(&g);
    free_array(&v);
    free_array(&dx);
    free_array(&one);
    free_array(&in_place);
}

static void test_kernels_of(const gti_kernels *k, int dtype)
{
    for (int f = 0; f < GTI_N_FUNCTION; f++)
        for (int i = 0; i < N_SIZES; i++) {
            value_case(k, dtype, f, sizes[i]);
            slope_case(k, dtype, f, sizes[i]);
        }
}
TEST_OF_TABLES(kernels)

/* --- exactness where a plain formula loses it --- */

static double at(gt_ctx *gt, gt_tensor *(*f)(gt_tensor *x), double x, double *slope)
{
    gt_tensor *t = gt_full(gt, GT_SCALAR, x, .dtype = GT_F64, .requires_grad = true);
    gt_tensor *y = f(t);
    assert_int_equal(gt_backward(y), GT_OK);
    *slope = gt_item(t->grad);
    return gt_item(y);
}

static gt_tensor *gelu(gt_tensor *x)
{
    return gt_gelu(x);
}

static gt_tensor *elu(gt_tensor *x)
{
    return gt_elu(x);
}

static gt_tensor *softplus(gt_tensor *x)
{
    return gt_softplus(x);
}

/* Far to the left, where 1 - (1 - tiny) would be 0; values from mpmath with 30 digits. */
static void test_tails(void **state)
{
    static const struct {
        gt_tensor *(*f)(gt_tensor *x);
        double x, y, slope;
    } rows[] = {
        {gt_sigmoid, -700, 9.8596765437597708567e-305, 9.8596765437597708567e-305},
        {softplus, -700, 9.8596765437597708567e-305, 9.8596765437597708567e-305},
        {gt_expm1, -60, -1, 8.7565107626965203385e-27},
        {gt_expm1, 1e-20, 1e-20, 1},
        {gt_log1p, 1e-20, 1e-20, 1},
        {gelu, -20, -5.5072482372124673902e-88, -1.1014360483133464042e-86},
        {gt_silu, -700, -6.9017735806318395997e-302, -6.8919139040880798288e-302},
        {gt_mish, -700, -6.9017735806318395997e-302, -6.8919139040880798288e-302},
        {gt_mish, 40, 40, 1},
        {elu, -60, -1, 8.7565107626965203385e-27},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double slope;
        const double y = at(*state, rows[i].f, rows[i].x, &slope);
        if (!(fabs(y / rows[i].y - 1) < 1e-13) || !(fabs(slope / rows[i].slope - 1) < 1e-13))
            fail_msg("row %zu: %.17g, slope %.17g", i, y, slope);
    }
}

/* --- dtypes --- */

static void test_cast(void **state)
{
    gt_ctx *gt = *state;
    enum { N = 13 };
    const double values[N] = {-1e30, -1.75, -0.5,     0.75,      254.9,  255.5,  1e30,
                              NAN,   1e19,  INFINITY, -INFINITY, 0x1p63, -0x1p63};
    const int64_t top = INT64_MAX, bottom = INT64_MIN;
    const int64_t whole[N] = {bottom, -1, 0, 0, 254, 255, top, 0, top, top, bottom, top, bottom};
    const uint8_t bytes[N] = {0, 0, 0, 0, 254, 255, 255, 0, 255, 255, 0, 255, 0};
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *x = gt_values_(gt, GT_SHAPE(N), N, values, (gt_new_opts){.dtype = dtype});
        assert_memory_equal(gt_cast(x, GT_I64)->data, whole, sizeof whole);
        assert_memory_equal(gt_cast(x, GT_U8)->data, bytes, sizeof bytes);
    }
    gt_tensor *x = gt_from(gt, GT_SHAPE(N), whole, .dtype = GT_I64);
    assert_memory_equal(gt_cast(x, GT_U8)->data, bytes, sizeof bytes);
    gt_tensor *some = gt_slice(gt_cast(x, GT_F32), 0, 0, 7);
    ASSERT_VALUES(some, 0, -0x1p63, -1, 0, 0, 254, 255, 0x1p63);
    const int64_t odd[] = {(INT64_C(1) << 53) + 1, -(INT64_C(1) << 53) - 1, (INT64_C(1) << 62) + 1};
    x = gt_from(gt, GT_SHAPE(3), odd, .dtype = GT_I64);
    assert_memory_equal(gt_cast(x, GT_I64)->data, odd, sizeof odd);
    ASSERT_VALUES(gt_cast(x, GT_F64), 0, 0x1p53, -0x1p53, 0x1p62);
    gt_tensor *big = gt_full(gt, GT_SHAPE(1), 1e300, .dtype = GT_F64);
    assert_true(isinf(gt_item(gt_cast(big, GT_F32))));
    assert_well(gt);
}

/* The gradient comes back in the dtype that it left. */
static void test_cast_gradient(void **state)
{
    gt_ctx *gt = *state;
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        const gt_dtype other = dtype == GT_F32 ? GT_F64 : GT_F32;
        gt_tensor *x = gt_full(gt, GT_SHAPE(3), 3, .dtype = dtype, .requires_grad = true);
        gt_tensor *y = gt_square(gt_cast(x, other));
        assert_int_equal(y->dtype, other);
        assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
        assert_int_equal(x->grad->dtype, dtype);
        ASSERT_VALUES(x->grad, 0, 6, 6, 6);
        assert_false(gt_cast(x, GT_I64)->requires_grad);
    }
}

static void test_whole_numbers(void **state)
{
    gt_ctx *gt = *state;
    const int64_t a[] = {INT64_MAX, INT64_MAX - 1, -3, 0}, b[] = {INT64_MAX - 1, INT64_MAX, -3, 1};
    gt_tensor *x = gt_from(gt, GT_SHAPE(4), a, .dtype = GT_I64);
    gt_tensor *y = gt_from(gt, GT_SHAPE(4), b, .dtype = GT_I64);
    ASSERT_VALUES(gt_gt(x, y), 0, 1, 0, 0, 0);
    ASSERT_VALUES(gt_eq(x, y), 0, 0, 0, 1, 0);
    ASSERT_VALUES(gt_lt_scalar(x, 0), 0, 0, 0, 1, 0);
    gt_tensor *larger = gt_where(gt_gt(x, y), x, y);
    assert_int_equal(larger->dtype, GT_I64);
    assert_true(((const int64_t *)larger->data)[0] == INT64_MAX);
    const uint8_t bytes[] = {0, 1, 200, 255};
    gt_tensor *u = gt_from(gt, GT_SHAPE(4), bytes, .dtype = GT_U8);
    ASSERT_VALUES(gt_ge_scalar(u, 200), 0, 0, 0, 1, 1);
    ASSERT_VALUES(gt_logical_not(u), 0, 1, 0, 0, 0);
    ASSERT_VALUES(gt_logical_xor(u, gt_ne_scalar(u, 1)), 0, 1, 1, 0, 0);
    ASSERT_VALUES(gt_where(gt_eq_scalar(u, 1), u, gt_zeros_like(u)), 0, 0, 1, 0, 0);
    ASSERT_VALUES(gt_where(u, u, gt_full_like(u, 7)), 0, 7, 1, 200, 255);
    assert_well(gt);
}

static void test_numbers_that_are_not_there(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *i = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_I64);
    gt_tensor *u = gt_zeros(gt, GT_SHAPE(2), .dtype = GT_U8);
    gt_lt_scalar(i, 2.5);
    assert_error(gt, GT_ERR_ARGUMENT, "lt_scalar (test_elementwise.c:");
    gt_eq_scalar(i, 2.5);
    assert_error(gt, GT_ERR_ARGUMENT, "x is i64, which has no 2.5");
    gt_ge_scalar(u, 256);
    assert_error(gt, GT_ERR_ARGUMENT, "x is u8, which has no 256");
    gt_gt_scalar(i, NAN);
    assert_error(gt, GT_ERR_ARGUMENT, "which has no nan");
    gt_eq_scalar(i, 0x1p63);
    assert_error(gt, GT_ERR_ARGUMENT, "which has no 9.22337e+18");
    assert_null(gt_ne_scalar(NULL, 1));
    assert_error(NULL, GT_ERR_ARGUMENT, "ne_scalar");
    assert_well(gt);
}

/* --- composed functions --- */

static gt_tensor *prelu(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_prelu(in[0], in[1]);
}

static void check_prelu(gt_ctx *gt, gt_shape x, gt_shape weight)
{
    const gt_new_opts leaf = {.dtype = GT_F64, .requires_grad = true};
    gt_tensor *in[] = {gt_randn_(gt, x, leaf), gt_randn_(gt, weight, leaf)};
    for (int order = 1; order <= 2; order++) {
        gt_gradcheck_report r;
        const gt_gradcheck_opts opts = {.order = order};
        if (gt_gradcheck(gt, prelu, NULL, in, 2, &opts, &r) != GT_PASS) fail_msg("%s", r.message);
    }
}

static void test_prelu(void **state)
{
    gt_ctx *gt = *state;
    check_prelu(gt, GT_SHAPE(2, 3, 2), GT_SHAPE(3));
    check_prelu(gt, GT_SHAPE(2, 3), GT_SHAPE(1));
    check_prelu(gt, GT_SCALAR, GT_SHAPE(1));
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3, 4));
    gt_prelu(x, gt_ones(gt, GT_SHAPE(4)));
    assert_error(gt, GT_ERR_SHAPE, "x is [2,3,4], weight [4]; needs [1] or [3]");
    gt_prelu(gt_ones(gt, GT_SHAPE(4)), gt_ones(gt, GT_SHAPE(4)));
    assert_error(gt, GT_ERR_SHAPE, "x is [4], weight [4]; needs [1]");
    gt_prelu(x, gt_ones(gt, GT_SHAPE(3), .dtype = GT_F64));
    assert_error(gt, GT_ERR_DTYPE, "f64");
    assert_null(gt_prelu(x, NULL));
    assert_error(gt, GT_ERR_ARGUMENT, "prelu (test_elementwise.c:");
    assert_null(gt_prelu(NULL, NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "prelu");
}

/* Masks have no gradient; what is selected with them has. */
/* 17 MB, larger than the caches, is written past them: the same for any number of threads, with a
 * row that broadcasts and an end that fills no line. */
static void test_past_the_caches(void **state)
{
    gt_ctx *gt = *state;
    enum { ROWS = 2050, WIDE = 1025, N = ROWS * WIDE };
    gt_tensor *x = gt_randn(gt, GT_SHAPE(ROWS, WIDE), .dtype = GT_F64);
    gt_tensor *row = gt_randn(gt, GT_SHAPE(WIDE), .dtype = GT_F64);
    for (int threads = 1; threads <= 3; threads++) {
        gt_set_threads(gt, threads);
        const double *y = gt_mul(x, row)->data, *z = gt_relu(x)->data;
        const double *const xs = x->data, *const rows = row->data;
        for (int64_t i = 0; i < N; i++)
            if (y[i] != xs[i] * rows[i % WIDE] || z[i] != (xs[i] > 0 ? xs[i] : 0))
                fail_msg("element %lld with %d threads", (long long)i, threads);
    }
}

static void test_masks_stop_gradients(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_full(gt, GT_SHAPE(2), 2, .requires_grad = true);
    gt_tensor *mask = gt_gt_scalar(x, 1);
    assert_false(mask->requires_grad);
    gt_tensor *y = gt_where(mask, gt_square(x), x);
    assert_int_equal(gt_backward(gt_sum(y)), GT_OK);
    ASSERT_VALUES(x->grad, 0, 4, 4);
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_kernels),
        FRESH(test_tails),
        FRESH(test_cast),
        FRESH(test_cast_gradient),
        FRESH(test_whole_numbers),
        FRESH(test_numbers_that_are_not_there),
        FRESH(test_prelu),
        FRESH(test_past_the_caches),
        FRESH(test_masks_stop_gradients),
    };
    return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

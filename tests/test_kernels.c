/* The kernel table at every level and for both dtypes, against scalar code in long double. */
#include <tgmath.h> /* formulas in long double */

#include "kernel_arrays.h"

static const int64_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,   16,   17,
                                31, 32, 33, 63, 64, 65, 99, 127, 128, 1024, 1025, 5000};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

/* --- elementwise --- */

static long double unary_reference(int op, long double x, long double s)
{
    (void)s;
    switch (op) {
#define GTI_UNARY(name, formula)                                                                   \
    case GTI_UNARY_##name:                                                                         \
        return formula;
#include "kernels/unary.def"
#undef GTI_UNARY
    default: return 0;
    }
}

static long double binary_reference(int op, long double a, long double b)
{
    switch (op) {
#define GTI_BINARY(name, formula)                                                                  \
    case GTI_BINARY_##name:                                                                        \
        return formula;
#include "kernels/binary.def"
#undef GTI_BINARY
    default: return 0;
    }
}

static void unary_case(const gti_kernels *k, int dtype, int op, int64_t n, bool in_place)
{
    const double s = 1.5;
    const array x = new_input(dtype, n);
    const array y = in_place ? copy_of(&x) : new_output(dtype, n);
    k->unary[op](n, in_place ? y.data : x.data, s, y.data);
    for (int64_t i = 0; i < n; i++) {
        const long double want = unary_reference(op, get(&x, i), s);
        check_near(&y, i, want, 4 * epsilon(dtype) * (1 + fabsl(want)));
    }
    free_array(&x);
    free_array(&y);
}

static void test_unary_of(const gti_kernels *k, int dtype)
{
    for (int op = 0; op < GTI_N_UNARY; op++)
        for (int i = 0; i < N_SIZES; i++)
            for (int in_place = 0; in_place < 2; in_place++)
                unary_case(k, dtype, op, sizes[i], in_place);
}

/* in_place: 0 no, 1 y is a, 2 y is b */
static void binary_case(const gti_kernels *k, int dtype, int op, int64_t n, int64_t sa, int64_t sb,
                        int in_place)
{
    const array a = new_input(dtype, sa ? n : 1), b = new_input(dtype, sb ? n : 1);
    const array y = in_place == 1   ? copy_of(&a)
                    : in_place == 2 ? copy_of(&b)
                                    : new_output(dtype, n);
    k->binary[op](n, in_place == 1 ? y.data : a.data, sa, in_place == 2 ? y.data : b.data, sb,
                  y.data);
    for (int64_t i = 0; i < n; i++) {
        const long double want = binary_reference(op, get(&a, i * sa), get(&b, i * sb));
        check_near(&y, i, want, 4 * epsilon(dtype) * (1 + fabsl(want)));
    }
    free_array(&a);
    free_array(&b);
    free_array(&y);
}

static void test_binary_of(const gti_kernels *k, int dtype)
{
    for (int op = 0; op < GTI_N_BINARY; op++)
        for (int i = 0; i < N_SIZES; i++)
            for (int strides = 0; strides < 4; strides++)
                for (int in_place = 0; in_place < 3; in_place++) {
                    const int sa = strides & 1, sb = strides >> 1;
                    if ((in_place == 1 && !sa) || (in_place == 2 && !sb)) continue;
                    binary_case(k, dtype, op, sizes[i], sa, sb, in_place);
                }
}

static void test_fill_accumulate_of(const gti_kernels *k, int dtype)
{
    for (int i = 0; i < N_SIZES; i++) {
        const int64_t n = sizes[i];
        const array x = new_input(dtype, n), y = new_output(dtype, n);
        k->fill(n, 0.75, y.data);
        for (int64_t j = 0; j < n; j++) check_near(&y, j, 0.75, 0);
        k->accumulate(n, x.data, y.data);
        for (int64_t j = 0; j < n; j++) check_near(&y, j, get(&x, j) + 0.75L, 2 * epsilon(dtype));
        free_array(&x);
        free_array(&y);
    }
}

/* --- sum --- */

static void sum_case(const gti_kernels *k, int dtype, int64_t outer, int64_t n, int64_t inner)
{
    const array x = new_input(dtype, outer * n * inner), y = new_output(dtype, outer * inner);
    k->sum(&(gti_along){outer, n, inner, 0}, x.data, y.data);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            long double want = 0, magnitude = 0;
            for (int64_t r = 0; r < n; r++) {
                const long double v = get(&x, (o * n + r) * inner + i);
                want += v;
                magnitude += fabsl(v);
            }
            /* one rounding to f32; in f64 n terms of a blocked sum */
            const long double roundings = dtype == F32 ? fabsl(want) : 16 * magnitude;
            check_near(&y, o * inner + i, want, epsilon(dtype) * (roundings + 1e-6L * magnitude));
        }
    free_array(&x);
    free_array(&y);
}

static void test_sum_of(const gti_kernels *k, int dtype)
{
    for (int i = 0; i < N_SIZES; i++) {
        sum_case(k, dtype, 1, sizes[i], 1);
        sum_case(k, dtype, 3, sizes[i], 1);
        sum_case(k, dtype, 2, sizes[i], 3);
        sum_case(k, dtype, 1, sizes[i], 130);
        sum_case(k, dtype, 2, 5, sizes[i]);
        sum_case(k, dtype, sizes[i], 3, 2);
        sum_case(k, dtype, sizes[i], 9, 1);
    }
    sum_case(k, dtype, 1, 100000, 1);
    sum_case(k, dtype, 1, 20000, 2);
    sum_case(k, dtype, 0, 4, 4);
}

/* --- gemm --- */

typedef struct {
    bool ta, tb, accumulate;
    int64_t m, n, k, extra; /* leading dimensions exceed the row's length by extra */
} product;

static void gemm_case(const gti_kernels *t, int dtype, const product *p)
{
    const int64_t lda = (p->ta ? p->m : p->k) + p->extra, ldb = (p->tb ? p->k : p->n) + p->extra;
    const int64_t ldc = p->n + p->extra;
    /* Of many thousand sums some go further than a rounding for each term. */
    const int64_t roundings = p->m * p->n < 10000 ? p->k + 2 : 2 * p->k + 2;
    const long double bound = epsilon(dtype) * (long double)roundings;
    const array a = new_input(dtype, (p->ta ? p->k : p->m) * lda);
    const array b = new_input(dtype, (p->tb ? p->n : p->k) * ldb);
    const array before = new_input(dtype, p->m * ldc);
    const array c = p->accumulate ? copy_of(&before) : new_output(dtype, p->m * ldc);
    const array untouched = copy_of(&c);
    t->gemm(p->ta, p->tb, p->m, p->n, p->k, a.data, lda, b.data, ldb, p->accumulate, c.data, ldc);
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            long double want = p->accumulate ? get(&before, i * ldc + j) : 0;
            for (int64_t r = 0; r < p->k; r++)
                want += (long double)get(&a, p->ta ? r * lda + i : i * lda + r) *
                        get(&b, p->tb ? j * ldb + r : r * ldb + j);
            check_near(&c, i * ldc + j, want, bound);
        }
    const size_t element = dtype == F32 ? 4 : 8;
    for (int64_t i = 0; i < p->m; i++) {
        const size_t end = (size_t)(i * ldc + p->n) * element;
        assert_memory_equal(c.data + end, untouched.data + end, (size_t)p->extra * element);
    }
    free_array(&a);
    free_array(&b);
    free_array(&before);
    free_array(&c);
    free_array(&untouched);
}

static void test_gemm_of(const gti_kernels *t, int dtype)
{
    static const int64_t shapes[][3] = {
        {0, 3, 2},    {3, 0, 2},    {2, 3, 0},   {1, 1, 1},    {1, 7, 5},   {7, 1, 5},
        {1, 200, 33}, {200, 1, 33}, {1, 1, 999}, {2, 3, 4},    {3, 2, 40},  {4, 4, 4},
        {5, 17, 9},   {8, 8, 8},    {16, 16, 3}, {16, 16, 16}, {17, 33, 5}, {31, 32, 33},
        {3, 129, 65}, {65, 130, 7}, {64, 1, 64}, {33, 127, 40}};
    /* Deep and wide enough to be packed and cut; of few rows or columns, or few terms; the last of
     * many rows, whose lines would meet in a cache. */
    static const int64_t large[][3] = {
        {9, 3, 1030},  {3, 9, 1030},  {43, 33, 260},  {5, 262, 257},   {34, 15, 139},
        {16, 33, 139}, {33, 7, 1030}, {35, 14, 1030}, {2, 4200, 6},    {1, 129, 1030},
        {5, 1500, 3},  {7, 2100, 2},  {6, 1500, 1},   {257, 66, 1021}, {270, 3, 40}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int bits = 0; bits < 16; bits++) {
            const product p = {bits & 1,     bits & 2,     bits & 4,        shapes[i][0],
                               shapes[i][1], shapes[i][2], bits & 8 ? 3 : 0};
            gemm_case(t, dtype, &p);
        }
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        for (int bits = 0; bits < 4; bits++) {
            const product p = {
                bits & 1,    bits & 2, bits == 1 || bits == 2, large[i][0], large[i][1],
                large[i][2], 3};
            gemm_case(t, dtype, &p);
        }
    for (int i = 0; i < 200; i++) {
        const product p = {random_below(2),  random_below(2),  random_below(2), random_below(40),
                           random_below(40), random_below(40), random_below(3)};
        gemm_case(t, dtype, &p);
    }
}

/* --- NaN --- */

/* A zero never hides a NaN: 0 * NaN is NaN. */
static void nan_case(const gti_kernels *t, int dtype, int64_t m, int64_t n, int64_t k)
{
    const array a = new_array(dtype, m * k), b = new_array(dtype, k * n);
    const array c = new_output(dtype, m * n);
    t->fill(m * k, 0, a.data);
    t->fill(k * n, 1, b.data);
    set(&b, 0, (double)NAN);
    for (int tb = 0; tb < 2; tb++) {
        t->gemm(false, tb, m, n, k, a.data, k, b.data, tb ? k : n, false, c.data, n);
        for (int64_t i = 0; i < m * n; i++) assert_true(isnan(get(&c, i)) == (i % n == 0));
    }
    free_array(&a);
    free_array(&b);
    free_array(&c);
}

static void test_nan_of(const gti_kernels *t, int dtype)
{
    for (int64_t n = 1; n <= 64; n *= 2) {
        nan_case(t, dtype, n, n, n);
        nan_case(t, dtype, 1, n, 64);
        nan_case(t, dtype, n, 1, 64);
    }
}

TEST_OF_TABLES(unary)
TEST_OF_TABLES(binary)
TEST_OF_TABLES(fill_accumulate)
TEST_OF_TABLES(sum)
TEST_OF_TABLES(gemm)
TEST_OF_TABLES(nan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_fill_accumulate),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

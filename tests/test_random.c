/* Random tensors against numbers recorded from PyTorch 2.15.0 (CPU, x86-64 with AVX2). */
#include <math.h>

#include "support.h"

#include "kernels/levels.h"

typedef enum { RAND, UNIFORM, RANDN, RANDINT, RANDPERM } kind;

/* `n` elements drawn after manual_seed(seed): the first three, the last, and the FNV-1a hash of all
 * their bytes; 0 where they depend on libm's last bit. */
typedef struct {
    kind kind;
    gt_dtype dtype;
    uint64_t seed;
    int64_t n;
    double low, high;
    double first[3], last;
    uint64_t hash;
} row;

// clang-format off
static const row rows[] = {
    {RAND, GT_F32, 0, 6, 0, 0,
     {0.49625659, 0.768221796, 0.0884774327}, 0.634078681, 0xd9bd891516e40468},
    {RAND, GT_F32, 12345, 1000, 0, 0,
     {0.981718183, 0.879606545, 0.992143452}, 0.803239644, 0xaf9175efa4c09251},
    {RAND, GT_F32, (1ull << 40) + 3, 1000, 0, 0,
     {0.00426352024, 0.105569363, 0.285842478}, 0.472100556, 0x60c0f402b05f09b0},
    {RAND, GT_F64, 0, 3, 0, 0,
     {0.9700530018065531, 0.707819864399788, 0.45938294312745087}, 0.45938294312745087,
     0x96e2dd1e362e50c9},
    {RAND, GT_F64, 7, 1000, 0, 0,
     {0.279380429906404, 0.27369371365176565, 0.8620929614176255}, 0.6870509563196879,
     0xfa8307978801ab05},
    {UNIFORM, GT_F32, 7, 1000, -0.3, 0.7,
     {0.234922528, -0.101196826, 0.359211683}, 0.68015027, 0x703ef0e180cbab32},
    {UNIFORM, GT_F32, 0, 1000, 5, 7.7,
     {6.33989286, 7.07419872, 5.23888922}, 6.09043121, 0x71f25d12ef928de6},
    {UNIFORM, GT_F64, 7, 1000, -0.3, 0.7,
     {-0.020619570093595996, -0.026306286348234342, 0.5620929614176255}, 0.38705095631968794,
     0x4930c6c6949ded34},
    {RANDN, GT_F32, 0, 4, 0, 0, {1.54099607, -0.293428898, -2.17878938}, 0.568431258, 0},
    {RANDN, GT_F32, 1, 15, 0, 0, {0.661352158, 0.266924113, 0.0616772585}, 0.422415316, 0},
    {RANDN, GT_F32, 0, 16, 0, 0,
     {-1.12583983, -1.1523602, -0.250578582}, -0.247278154, 0x28d49f8f92bf21d6},
    {RANDN, GT_F32, 7, 17, 0, 0,
     {-0.820134521, -0.324566633, 1.92636812}, -0.866701603, 0xb8b2b898064e9a44},
    {RANDN, GT_F32, 7, 31, 0, 0,
     {-0.820134521, 0.395631164, 0.898908496}, 0.501121461, 0x1a01e30f021a8183},
    {RANDN, GT_F32, 12345, 10000, 0, 0,
     {-1.47980773, 0.487305999, -3.01279378}, 0.543512166, 0x4c2c42d79680ed0b},
    {RANDN, GT_F64, 0, 3, 0, 0,
     {1.5409961082440433, -0.2934289057609464, -2.1787893820745574}, -2.1787893820745574, 0},
    {RANDN, GT_F64, 0, 16, 0, 0,
     {-2.310411800234176, -0.3732508612577643, -1.0608166785462863}, 0.3380174030507378, 0},
    {RANDN, GT_F64, 7, 29, 0, 0,
     {0.06626753966449943, 0.04699155524392409, 1.8365386300294015}, 0.6396328665384338, 0},
    {RANDN, GT_F64, 7, 1000, 0, 0,
     {0.06626753966449943, 0.04699155524392409, 1.8365386300294015}, -0.47778118391520147, 0},
    {RANDINT, GT_I64, 0, 100, 0, 10, {4, 9, 3}, 2, 0x69623ce3f668014f},
    {RANDINT, GT_I64, 0, 100, -5, 1000, {999, 334, 768}, 602, 0x9c25259fa8b46f64},
    {RANDINT, GT_I64, 7, 100, 0, (1 << 28) - 1,
     {59306160, 171107527, 128500261}, 216204707, 0xdf1da13768cea919},
    {RANDINT, GT_I64, 7, 100, 0, 1 << 28,
     {171107524, 27798006, 174903507}, 67779148, 0x79b661f42ad07054},
    {RANDINT, GT_I64, 7, 100, -100, 0xffffffff,
     {2889733067, 459618222, 2472658215}, 1824093018, 0xb278aeb21e9cafea},
    {RANDINT, GT_I64, 7, 100, -0x1p62, 0x1p62,
     {-3204046499487750972.0, 551904368352831990.0, 3475536756154880211.0},
     -1683297482705323444.0, 0xe4995e4321651883},
    {RANDPERM, GT_I64, 0, 8, 0, 0, {4, 0, 7}, 6, 0x23e5bdb8040b5ee5},
    {RANDPERM, GT_I64, 7, 1000, 0, 0, {615, 284, 599}, 409, 0x63c31b93bb6ed61d},
};
// clang-format on

static gt_tensor *draw(gt_ctx *gt, const row *r)
{
    const gt_shape shape = GT_SHAPE(r->n);
    switch (r->kind) {
    case RAND: return gt_rand(gt, shape, .dtype = r->dtype);
    case UNIFORM: return gt_uniform(gt, shape, r->low, r->high, .dtype = r->dtype);
    case RANDN: return gt_randn(gt, shape, .dtype = r->dtype);
    case RANDINT: return gt_randint(gt, (int64_t)r->low, (int64_t)r->high, shape);
    case RANDPERM: return gt_randperm(gt, r->n);
    }
    return NULL;
}

static uint64_t hash(const gt_tensor *t)
{
    const unsigned char *p = t->data;
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < (size_t)t->size * gt_dtype_size(t->dtype); i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

static void check_value(const row *r, gt_tensor *t, int64_t i, double expected)
{
    const double tolerance = r->hash && r->dtype != GT_F32 ? 0 : r->dtype == GT_F32 ? 1e-7 : 1e-14;
    const double got = gt_get(t, i);
    if (fabs(got - expected) <= tolerance * fabs(expected)) return;
    fail_msg("row %d, element %d: %.17g instead of %.17g", (int)(r - rows), (int)i, got, expected);
}

static void check_recorded(void)
{
    gt_ctx *gt = gt_open();
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const row *r = &rows[k];
        gt_manual_seed(gt, r->seed);
        gt_tensor *t = draw(gt, r);
        assert_non_null(t);
        assert_int_equal(t->dtype, r->dtype);
        for (int64_t i = 0; i < 3; i++) check_value(r, t, i, r->first[i]);
        check_value(r, t, r->n - 1, r->last);
        if (r->hash && hash(t) != r->hash) fail_msg("row %d: the bytes differ", (int)k);
    }
    assert_false(gt_failed(gt));
    gt_close(gt);
}

/* The same bits at every level. */
static void test_recorded(void **state)
{
    (void)state;
    for (int i = 0; gti_kernels_cpu_word(i); i++) {
        assert_true(gti_kernels_choose(gti_kernels_cpu_word(i), NULL));
        check_recorded();
    }
}

static void check_all(gt_tensor *t, int64_t n, const double *expected)
{
    assert_non_null(t);
    for (int64_t i = 0; i < n; i++)
        assert_true(fabs(gt_load_element(t, i) - expected[i]) <= 1e-7 * fabs(expected[i]));
}

/* The spare normal outlives other draws, serves both dtypes, and is forgotten by a new seed. */
static void test_one_stream(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_manual_seed(gt, 5);
    check_all(gt_randn(gt, GT_SHAPE(3)), 3,
              (double[]){-0.4867807626724243, -0.6038215756416321, -0.5580962300300598});
    check_all(gt_rand(gt, GT_SHAPE(2)), 2, (double[]){0.0332646369934082, 0.9941847324371338});
    check_all(gt_randn(gt, GT_SHAPE(1), .dtype = GT_F64), 1, (double[]){0.6675243015344896});
    check_all(gt_randn(gt, GT_SHAPE(2)), 2, (double[]){0.7830069661140442, -1.0576198101043701});
    check_all(gt_randn(gt, GT_SHAPE(16)), 2, (double[]){1.532913088798523, 0.28736117482185364});
    check_all(gt_randperm(gt, 4), 4, (double[]){0, 3, 1, 2});

    gt_manual_seed(gt, 0);
    check_all(gt_randn(gt, GT_SHAPE(4)), 4,
              (double[]){1.54099607, -0.293428898, -2.17878938, 0.568431258});
    check_all(gt_randn(gt, GT_SHAPE(16)), 0, NULL);
    check_all(gt_randperm(gt, 8), 8, (double[]){0, 5, 3, 7, 1, 4, 2, 6});

    gt_randn(gt, GT_SHAPE(1));
    gt_manual_seed(gt, 0);
    check_all(gt_randn(gt, GT_SHAPE(1)), 1, (double[]){1.54099607});
    gt_close(gt);
}

/* Recorded from torch.multinomial, in both dtypes; and where its stream then stands. */
static void test_multinomial(void **state)
{
    static const double weights[] = {0.1, 0.2, 0.3, 0.4, 1, 5, 1, 1, 1, 0.5};
    (void)state;
    gt_ctx *gt = gt_open();
    for (gt_dtype dtype = GT_F32; dtype <= GT_F64; dtype++) {
        gt_tensor *p = gt_from(gt, GT_SHAPE(2, 5), weights, .dtype = dtype);
        gt_manual_seed(gt, 7);
        check_all(gt_multinomial(p, 8, .replacement = true), 16,
                  (double[]){2, 2, 4, 4, 4, 4, 2, 4, 2, 2, 0, 0, 0, 0, 0, 3});
        check_all(gt_multinomial(p, 1), 2, (double[]){0, 2});
        check_all(gt_multinomial(p, 4), 8, (double[]){2, 4, 3, 1, 0, 4, 3, 1});
        check_all(gt_multinomial(gt_select(p, 0, 0), 3, .replacement = true), 3,
                  (double[]){2, 1, 4});
        check_all(gt_rand(gt, GT_SHAPE(1)), 1, (double[]){0.6685574650764465});
    }
    gt_close(gt);
}

static void test_state_copies(void **state)
{
    (void)state;
    gti_random r;
    gti_random_seed(&r, 42);
    double skipped[3], a[700], b[700];
    gti_random_normal(&r, GT_F64, 3, skipped);
    gti_random copy = r;
    gti_random_normal(&r, GT_F64, 5, a);
    gti_random_uniform(&r, GT_F64, 695, 0, 1, a + 5);
    gti_random_normal(&copy, GT_F64, 5, b);
    gti_random_uniform(&copy, GT_F64, 695, 0, 1, b + 5);
    assert_memory_equal(a, b, sizeof a);
}

static void test_fresh_context(void **state)
{
    (void)state;
    gt_ctx *a = gt_open(), *b = gt_open();
    gt_manual_seed(b, 5489);
    gt_tensor *x = gt_rand(a, GT_SHAPE(8)), *y = gt_rand(b, GT_SHAPE(8));
    assert_memory_equal(x->data, y->data, 8 * sizeof(float));
    gt_close(a);
    gt_close(b);
}

static void test_sizes_and_options(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    assert_int_equal(gt_randperm(gt, 0)->size, 0);
    assert_int_equal(gt_randn(gt, GT_SHAPE(0, 3))->size, 0);
    assert_int_equal(gt_randint(gt, -1, 0, GT_SHAPE(2, 2))->size, 4);
    assert_true(gt_rand(gt, GT_SHAPE(2), .requires_grad = true)->requires_grad);
    assert_true(gt_item(gt_uniform(gt, GT_SCALAR, 2, 2)) == 2);
    assert_false(gt_failed(gt));
    gt_close(gt);
}

/* --- bad input --- */

static gt_tensor *bad_dtype(gt_ctx *gt)
{
    return gt_rand(gt, GT_SHAPE(2), .dtype = GT_I64);
}

static gt_tensor *bad_interval(gt_ctx *gt)
{
    return gt_uniform(gt, GT_SHAPE(2), 1, -1);
}

static gt_tensor *infinite_interval(gt_ctx *gt)
{
    return gt_uniform(gt, GT_SHAPE(2), -1e38, 3e38);
}

static gt_tensor *nan_interval(gt_ctx *gt)
{
    return gt_uniform(gt, GT_SHAPE(2), NAN, 1, .dtype = GT_F64);
}

static gt_tensor *no_integers(gt_ctx *gt)
{
    return gt_randint(gt, 3, 3, GT_SHAPE(2));
}

static gt_tensor *negative_weight(gt_ctx *gt)
{
    return gt_multinomial(gt_values(gt, GT_SHAPE(2, 2), 1, 0, 1, -1), 1);
}

static gt_tensor *no_weight(gt_ctx *gt)
{
    return gt_multinomial(gt_zeros(gt, GT_SHAPE(3)), 1);
}

static gt_tensor *too_many(gt_ctx *gt)
{
    return gt_multinomial(gt_ones(gt, GT_SHAPE(3)), 4);
}

static gt_tensor *whole_weights(gt_ctx *gt)
{
    return gt_multinomial(gt_values_as(gt, GT_SHAPE(2), GT_I64, 1, 2), 1);
}

static gt_tensor *negative_permutation(gt_ctx *gt)
{
    return gt_randperm(gt, -1);
}

static gt_tensor *bad_shape(gt_ctx *gt)
{
    return gt_randn(gt, GT_SHAPE(2, -1));
}

static gt_tensor *huge_shape(gt_ctx *gt)
{
    return gt_rand(gt, GT_SHAPE((int64_t)1 << 40, (int64_t)1 << 40));
}

static void test_errors(void **state)
{
    static const struct {
        gt_tensor *(*call)(gt_ctx *gt);
        gt_status code;
        const char *message;
    } bad[] = {
        {bad_dtype, GT_ERR_DTYPE, "makes f32 and f64, not i64"},
        {bad_interval, GT_ERR_ARGUMENT, "[1, -1) is no interval"},
        {infinite_interval, GT_ERR_ARGUMENT, "no interval of finite f32 numbers"},
        {nan_interval, GT_ERR_ARGUMENT, "no interval of finite f64 numbers"},
        {no_integers, GT_ERR_ARGUMENT, "from 3 up to, not including, 3"},
        {negative_permutation, GT_ERR_ARGUMENT, "n is -1"},
        {negative_weight, GT_ERR_ARGUMENT, "row 1 include one below 0"},
        {no_weight, GT_ERR_ARGUMENT, "row 0 are all 0"},
        {too_many, GT_ERR_ARGUMENT, "4 of 3 categories cannot be drawn without .replacement"},
        {whole_weights, GT_ERR_DTYPE, "the weights are i64"},
        {bad_shape, GT_ERR_SHAPE, "negative"},
        {huge_shape, GT_ERR_MEMORY, "overflows"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(bad[i].call(gt));
        assert_int_equal(gt_error_code(gt), bad[i].code);
        if (!strstr(gt_error_message(gt), bad[i].message)) fail_msg("%s", gt_error_message(gt));
        gt_error_clear(gt);
    }
    assert_non_null(gt_rand(gt, GT_SHAPE(2)));
    gt_close(gt);

    assert_null(gt_rand(NULL, GT_SHAPE(2)));
    assert_null(gt_randperm(NULL, 3));
    assert_null(gt_randint(NULL, 0, 3, GT_SHAPE(2)));
    gt_manual_seed(NULL, 1);
    gt_error_clear(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),      cmocka_unit_test(test_one_stream),
        cmocka_unit_test(test_multinomial),   cmocka_unit_test(test_state_copies),
        cmocka_unit_test(test_fresh_context), cmocka_unit_test(test_sizes_and_options),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

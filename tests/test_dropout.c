/* Dropout: what is dropped is a matter of seed and call alone, in the right share, and no matter
 * which gradient asks. */
#include <math.h>

#include "support.h"

#include "base/philox.h"

enum { MANY = 100000 };

/* The number of zeros; every other element must be `kept`. */
static int64_t count_dropped(const gt_tensor *y, double kept)
{
    int64_t dropped = 0;
    for (int64_t i = 0; i < y->size; i++) {
        const double v = element(y, i);
        if (v == 0) dropped++;
        else if (fabs(v - kept) > 1e-6 * kept) fail_msg("element %lld is %g", (long long)i, v);
    }
    return dropped;
}

static bool same(const gt_tensor *a, const gt_tensor *b)
{
    for (int64_t i = 0; i < a->size; i++)
        if (element(a, i) != element(b, i)) return false;
    return true;
}

/* Within five standard deviations of a binomial. */
static void test_share(void **state)
{
    static const double shares[] = {0, 0.001, 0.1, 0.5, 0.9, 0.999, 1};
    gt_ctx *gt = *state;
    for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
        const double p = shares[k], deviation = sqrt(MANY * p * (1 - p));
        const gt_tensor *y = gt_dropout(gt_ones(gt, GT_SHAPE(MANY)), p);
        assert_well(gt);
        const double dropped = (double)count_dropped(y, 1 / (1 - p));
        if (fabs(dropped - p * MANY) > 5 * deviation) fail_msg("p = %g: %g dropped", p, dropped);
    }
}

/* Neighbours, and elements a block of the generator apart, know nothing of each other. */
static void test_independence(void **state)
{
    const gt_tensor *y = gt_dropout(gt_ones(*state, GT_SHAPE(MANY)), 0.5);
    for (int64_t lag = 1; lag < 300; lag = lag < 4 ? lag + 1 : lag * 2) {
        int64_t alike = 0;
        const int64_t pairs = MANY - lag;
        for (int64_t i = 0; i < pairs; i++)
            alike += (element(y, i) == 0) == (element(y, i + lag) == 0);
        if (fabs((double)alike - (double)pairs / 2) > 5 * sqrt((double)pairs) / 2)
            fail_msg("lag %lld: %lld alike", (long long)lag, (long long)alike);
    }
}

static void test_seeds_and_calls(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(1000)), *y[6];
    for (int i = 0; i < 6; i++) {
        if (i % 2 == 0) gt_manual_seed(gt, i < 4 ? 7 : UINT64_C(7) << 32);
        y[i] = gt_dropout(x, 0.5);
    }
    assert_true(same(y[0], y[2]) && same(y[1], y[3]));
    assert_false(same(y[0], y[1]));
    assert_false(same(y[0], y[4]));
}

/* The numbers are part of what the library promises: a seed means the same tomorrow. */
static void test_frozen(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 0);
    /* the first block: 6627e8d5 e169c58d bc57ac4c 9b00dbd8 */
    ASSERT_VALUES(gt_dropout(gt_ones(gt, GT_SHAPE(4)), 0.5), 0, 0, 2, 2, 2);
}

static void test_same_mask_in_both_dtypes(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 3);
    const gt_tensor *a = gt_dropout(gt_ones(gt, GT_SHAPE(500)), 0.5);
    gt_manual_seed(gt, 3);
    const gt_tensor *b = gt_dropout(gt_ones(gt, GT_SHAPE(500), .dtype = GT_F64), 0.5);
    assert_true(same(a, b));
}

/* Element i, or channel i, is dropped where word i of the stream is below p. */
static void test_mask_is_the_stream(void **state)
{
    enum { N = 1001 };
    gt_ctx *gt = *state;
    uint32_t word[N + 3];
    gt_manual_seed(gt, UINT64_C(0x123456789abcdef0));
    gt_dropout(gt_ones(gt, GT_SHAPE(1)), 0.5);
    gti_philox_blocks(UINT64_C(0x123456789abcdef0), 1, 0, (N + 3) / 4, word);
    const gt_tensor *y = gt_dropout(gt_ones(gt, GT_SHAPE(N)), 0.75);
    for (int i = 0; i < N; i++) assert_int_equal(element(y, i) == 0, word[i] < 0xc0000000);
    gti_philox_blocks(UINT64_C(0x123456789abcdef0), 2, 0, (N + 3) / 4, word);
    y = gt_dropout2d(gt_ones(gt, GT_SHAPE(1, N, 2)), 0.75);
    for (int i = 0; i < 2 * N; i++) assert_int_equal(element(y, i) == 0, word[i / 2] < 0xc0000000);
}

/* The stream of the initialisation stands beside: drawing from one leaves the other alone. */
static void test_leaves_the_other_generator_alone(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 1);
    const gt_tensor *a = gt_rand(gt, GT_SHAPE(4));
    gt_manual_seed(gt, 1);
    gt_dropout(gt_ones(gt, GT_SHAPE(100)), 0.5);
    assert_true(same(a, gt_rand(gt, GT_SHAPE(4))));
}

/* dx = y for x = 1 and dy = 1, element by element; also of two dropouts one after the other, and
 * when others ran in between. */
static void test_gradient_has_the_mask(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 50, 3, 3), .requires_grad = true);
    gt_tensor *y = gt_dropout2d(gt_dropout(x, 0.3), 0.4);
    gt_dropout(gt_detach(y), 0.5);
    assert_int_equal(gt_backward(gt_sum(y), .retain = true), GT_OK);
    for (int64_t i = 0; i < y->size; i++)
        assert_true(fabs(element(x->grad, i) - element(y, i)) < 1e-6);
}

static void test_channels(void **state)
{
    gt_ctx *gt = *state;
    const gt_tensor *y = gt_dropout2d(gt_ones(gt, GT_SHAPE(20, 500, 3)), 0.25);
    int64_t dropped = 0;
    for (int64_t c = 0; c < 20 * 500; c++) {
        for (int k = 1; k < 3; k++) assert_true(element(y, 3 * c + k) == element(y, 3 * c));
        dropped += element(y, 3 * c) == 0;
    }
    assert_true(fabs((double)dropped - 2500) < 5 * sqrt(10000 * 0.25 * 0.75));
}

/* Rows, or all, are dropped or scaled as wholes. */
static void test_depths(void **state)
{
    gt_ctx *gt = *state;
    int64_t dropped = 0, batches = 0;
    const gt_tensor *y = gt_stochastic_depth(gt_ones(gt, GT_SHAPE(4000, 3)), 0.25);
    for (int64_t i = 0; i < 4000; i++) {
        const double is = element(y, 3 * i);
        assert_true(is == 0 || fabs(is - 1 / 0.75) < 1e-6);
        for (int k = 1; k < 3; k++) assert_true(element(y, 3 * i + k) == is);
        dropped += is == 0;
    }
    assert_true(fabs((double)dropped - 1000) < 5 * sqrt(4000 * 0.25 * 0.75));
    for (int i = 0; i < 200; i++) {
        y = gt_stochastic_depth(gt_ones(gt, GT_SHAPE(2, 3)), 0.5, .batch = true);
        for (int k = 0; k < 6; k++) assert_true(element(y, k) == element(y, 0));
        batches += element(y, 0) == 0;
    }
    assert_true(batches > 60 && batches < 140);
}

/* What is dropped is 0, whatever it was. */
static void test_drops_infinity(void **state)
{
    gt_tensor *x = gt_full(*state, GT_SHAPE(100), INFINITY);
    const gt_tensor *y = gt_dropout(x, 0.5), *none = gt_dropout(x, 1);
    for (int64_t i = 0; i < y->size; i++) {
        assert_true(element(y, i) == 0 || isinf(element(y, i)));
        assert_true(element(none, i) == 0);
    }
}

static void test_refuses(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3));
    static const double no_shares[] = {-0.1, 1.1, NAN};
    for (size_t i = 0; i < sizeof no_shares / sizeof *no_shares; i++) {
        assert_null(gt_dropout(x, no_shares[i]));
        assert_error(gt, GT_ERR_ARGUMENT, "must be in 0..1");
    }
    assert_null(gt_dropout2d(x, 0.5));
    assert_error(gt, GT_ERR_SHAPE, "): in dropout: x has 1 dimensions");
    assert_null(gt_dropout(NULL, 0.5));
    assert_error(NULL, GT_ERR_ARGUMENT, "x is NULL");
    assert_null(gt_dropout2d(NULL, 0.5));
    assert_error(NULL, GT_ERR_ARGUMENT, "dropout2d (test_dropout.c:");
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        FRESH(test_share),
        FRESH(test_independence),
        FRESH(test_seeds_and_calls),
        FRESH(test_frozen),
        FRESH(test_same_mask_in_both_dtypes),
        FRESH(test_mask_is_the_stream),
        FRESH(test_leaves_the_other_generator_alone),
        FRESH(test_gradient_has_the_mask),
        FRESH(test_channels),
        FRESH(test_depths),
        FRESH(test_drops_infinity),
        FRESH(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

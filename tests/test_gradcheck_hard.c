/* Right functions in hard places, none of which may be called wrong at any point: rounding inside,
 * steep, far from one, near the edge of the domain, at kinks. And the same with a gradient that is
 * slightly wrong, which must not pass. tools/compare-gradcheck puts other checkers beside this one;
 * it reads the places here, and GRADTAPE_TALLY=1 prints a line for each check; GRADTAPE_POINTS=8
 * looks at more points of each place. */
#include "sources.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

typedef gt_tensor *place_fn(gt_tensor *x);

#define FUNCTION(name, expression)                                                                 \
    static gt_tensor *name(gt_tensor *x)                                                           \
    {                                                                                              \
        return expression;                                                                         \
    }

FUNCTION(square, gt_square(x))
FUNCTION(cube, gt_pow_scalar(x, 3))
FUNCTION(power, gt_pow_scalar(x, 2.5))
FUNCTION(one_over, gt_reciprocal(x))
FUNCTION(root, gt_sqrt(x))
FUNCTION(one_over_root, gt_rsqrt(x))
FUNCTION(exponential, gt_exp(x))
FUNCTION(exponential_1, gt_expm1(x))
FUNCTION(logarithm, gt_log(x))
FUNCTION(logarithm_1, gt_log1p(x))
FUNCTION(sine, gt_sin(x))
FUNCTION(fast_sine, gt_sin(gt_mul_scalar(x, 1e5)))
FUNCTION(cosine, gt_cos(x))
FUNCTION(error, gt_erf(x))
FUNCTION(steep_tanh, gt_tanh(gt_mul_scalar(x, 1e4)))
FUNCTION(hyperbolic, gt_tanh(x))
FUNCTION(logistic, gt_sigmoid(x))
FUNCTION(plus, gt_softplus(x))
FUNCTION(gelu_erf, gt_gelu(x))
FUNCTION(swish, gt_silu(x))
FUNCTION(mishes, gt_mish(x))
FUNCTION(exp_linear, gt_elu(x))
FUNCTION(rectify, gt_relu(x))
FUNCTION(rectify_6, gt_relu6(x))
FUNCTION(hard_swish, gt_hardswish(x))
FUNCTION(absolute, gt_abs(x))
FUNCTION(leaky, gt_leaky_relu(x))
FUNCTION(cut, gt_clamp(x, -1, 1))
FUNCTION(plus_million, gt_sub_scalar(gt_add_scalar(gt_square(x), 1e6), 1e6))
FUNCTION(plus_billion, gt_add_scalar(gt_square(x), 1e9))
FUNCTION(plus_trillion, gt_add_scalar(gt_square(x), 1e12))
FUNCTION(far_and_back, gt_sub_scalar(gt_add_scalar(x, 1e13), 1e13))
FUNCTION(tiny, gt_mul_scalar(gt_square(x), 1e-10))
FUNCTION(huge, gt_mul_scalar(gt_square(x), 1e10))
FUNCTION(variance_by_squares, gt_sub(gt_mean(gt_square(x)), gt_square(gt_mean(x))))
FUNCTION(variance, gt_var(x))
FUNCTION(deviation, gt_std(x))
FUNCTION(length, gt_norm(x))
FUNCTION(product, gt_prod(x))
FUNCTION(log_sum, gt_logsumexp(x))
FUNCTION(soft, gt_softmax(x, 0))
FUNCTION(log_soft, gt_log_softmax(x, 0))
FUNCTION(running, gt_cumsum(gt_exp(x), 0))
FUNCTION(layer, gt_layer_norm(x, 1))
FUNCTION(group, gt_group_norm(gt_reshape(x, GT_SHAPE(1, 4, 2)), 2))
FUNCTION(instance, gt_instance_norm(gt_reshape(x, GT_SHAPE(1, 2, 2, 2))))
FUNCTION(by_size, gt_rms_norm(x, 1))
FUNCTION(largest, gt_amax(x))
FUNCTION(smallest, gt_amin(x))
FUNCTION(larger, gt_maximum(gt_slice(x, 0, 0, 4), gt_slice(x, 0, 4, 8)))
FUNCTION(pooled, gt_max_pool2d(gt_reshape(x, GT_SHAPE(1, 1, 2, 4)), .kernel = {2}))
FUNCTION(averaged, gt_avg_pool2d(gt_reshape(x, GT_SHAPE(1, 1, 2, 4)), .kernel = {2}))
FUNCTION(gram, gt_matmul(gt_reshape(x, GT_SHAPE(4, 2)), gt_reshape(x, GT_SHAPE(2, 4))))
FUNCTION(quotient, gt_div(gt_slice(x, 0, 0, 4), gt_slice(x, 0, 4, 8)))
FUNCTION(difference, gt_huber_loss(gt_slice(x, 0, 0, 4), gt_slice(x, 0, 4, 8)))
FUNCTION(absolute_loss, gt_l1_loss(gt_slice(x, 0, 0, 4), gt_slice(x, 0, 4, 8)))
FUNCTION(squared_loss, gt_mse_loss(gt_slice(x, 0, 0, 4), gt_slice(x, 0, 4, 8)))
FUNCTION(both_sides, gt_mul(gt_relu(x), gt_relu(gt_neg(gt_sub_scalar(x, 1)))))
FUNCTION(far_cancelled, gt_sub(gt_exp(gt_add_scalar(x, 20)), gt_exp(gt_sub_scalar(gt_neg(x), -20))))

static gt_tensor *made_classes(gt_tensor *x)
{
    const int64_t target[] = {1, 3};
    return gt_cross_entropy(gt_reshape(x, GT_SHAPE(2, 4)),
                            gt_from(x->ctx, GT_SHAPE(2), target, .dtype = GT_I64));
}

/* Two layers with rectifiers and a pool between. */
static gt_tensor *network(gt_tensor *x)
{
    gt_tensor *w = gt_uniform(x->ctx, GT_SHAPE(8, 1, 3, 3), -1, 1, .dtype = GT_F64);
    gt_tensor *image =
        gt_reshape(gt_matmul(gt_reshape(x, GT_SHAPE(8, 1)), gt_reshape(x, GT_SHAPE(1, 8))),
                   GT_SHAPE(1, 1, 8, 8));
    gt_tensor *y = gt_max_pool2d(gt_relu(gt_conv2d(image, w)), .kernel = {2});
    return gt_sum(gt_leaky_relu(gt_sub_scalar(gt_sum(y, .axes = GT_AXIS(1)), 1)),
                  .axes = GT_AXIS(0));
}

typedef struct {
    const char *name;
    place_fn *f;
    double low, high;
    bool lost;   /* rounding leaves nothing of some points, */
    bool coarse; /* or so little that a small mistake cannot be told */
} place;

#define PLACE(f, low, high)                                                                        \
    {                                                                                              \
#f " in " #low " to " #high, f, low, high, false, false                                    \
    }
#define COARSE(f, low, high)                                                                       \
    {                                                                                              \
#f " in " #low " to " #high, f, low, high, false, true                                     \
    }
#define LOST(f, low, high)                                                                         \
    {                                                                                              \
#f " in " #low " to " #high, f, low, high, true, true                                      \
    }

// clang-format off
static const place places[] = {
    PLACE(square, -1, 1), PLACE(square, 1e6, 2e6), PLACE(square, -1e-6, 1e-6),
    PLACE(cube, -2, 2), PLACE(cube, 1e3, 2e3), COARSE(cube, -1e-3, 1e-3),
    PLACE(power, 1e-3, 1), PLACE(power, 1e3, 1e4),
    PLACE(one_over, 1, 2), PLACE(one_over, 1e-4, 2e-4), PLACE(one_over, 1e-6, 2e-6), PLACE(one_over, 1e4, 1e6),
    PLACE(root, 1, 2), PLACE(root, 1e-6, 2e-6), PLACE(root, 1e-8, 2e-8), PLACE(root, 1e6, 1e8),
    PLACE(one_over_root, 1, 2), PLACE(one_over_root, 1e-5, 2e-5), PLACE(one_over_root, 1e5, 1e6),
    PLACE(exponential, -1, 1), PLACE(exponential, 20, 30), PLACE(exponential, 600, 700), PLACE(exponential, -20, -10),
    PLACE(exponential_1, -1e-6, 1e-6), PLACE(exponential_1, 10, 20),
    PLACE(logarithm, 1, 2), PLACE(logarithm, 1e-4, 2e-4), PLACE(logarithm, 1e-6, 1e-5), PLACE(logarithm, 1e-9, 2e-9), PLACE(logarithm, 1e6, 1e9),
    PLACE(logarithm_1, -0.5, 0.5), PLACE(logarithm_1, -1e-8, 1e-8), PLACE(logarithm_1, -0.99999, -0.9999),
    PLACE(sine, -3, 3), PLACE(sine, 1e4, 1e5), PLACE(fast_sine, 0, 1), LOST(sine, 1e6, 2e6), PLACE(cosine, -3, 3), PLACE(cosine, 100, 1000),
    PLACE(error, -2, 2), PLACE(error, 3, 5), PLACE(steep_tanh, -1e-4, 1e-4), PLACE(steep_tanh, -1e-3, 1e-3),
    PLACE(hyperbolic, -3, 3), PLACE(hyperbolic, 8, 12), PLACE(hyperbolic, -1e-5, 1e-5),
    PLACE(logistic, -3, 3), PLACE(logistic, -30, -10), PLACE(logistic, 10, 15),
    PLACE(plus, -3, 3), PLACE(plus, 15, 25), PLACE(plus, -30, -10),
    PLACE(gelu_erf, -3, 3), PLACE(gelu_erf, -6, -4), PLACE(swish, -3, 3), PLACE(swish, -20, -10),
    PLACE(mishes, -3, 3), PLACE(mishes, -20, -10), PLACE(exp_linear, -3, 3), PLACE(exp_linear, -1e-6, 1e-6),
    PLACE(rectify, -1, 1), PLACE(rectify, -1e-6, 1e-6), PLACE(rectify, -1e-9, 1e-9),
    PLACE(rectify_6, -1, 7), PLACE(rectify_6, 5.999999, 6.000001), PLACE(hard_swish, -4, 4), PLACE(hard_swish, 2.99999, 3.00001),
    PLACE(absolute, -1, 1), PLACE(absolute, -1e-7, 1e-7), PLACE(leaky, -1e-6, 1e-6), PLACE(cut, -2, 2), PLACE(cut, 0.999999, 1.000001),
    PLACE(plus_million, -1, 1), PLACE(plus_million, 1, 10), COARSE(plus_billion, 1, 10), LOST(plus_trillion, 1, 10), LOST(far_and_back, 1, 10),
    PLACE(tiny, -1, 1), PLACE(huge, -1, 1), PLACE(huge, 1e3, 2e3),
    PLACE(variance_by_squares, -1, 1), COARSE(variance_by_squares, 999, 1001), PLACE(variance, -1, 1), PLACE(variance, 999, 1001),
    PLACE(variance, 1e6, 1000001), PLACE(deviation, -1, 1), PLACE(deviation, 999, 1001), PLACE(deviation, -1e-4, 1e-4),
    PLACE(length, -1, 1), PLACE(length, -1e-4, 1e-4), PLACE(length, -1e-8, 1e-8), PLACE(length, -1e6, 1e6),
    PLACE(product, -1, 1), PLACE(product, 10, 100), PLACE(log_sum, -1, 1), PLACE(log_sum, 1e3, 1003), PLACE(log_sum, -100, 100),
    PLACE(soft, -1, 1), PLACE(soft, -10, 10), PLACE(soft, 1e3, 1003), LOST(soft, -1e3, 1e3),
    PLACE(log_soft, -1, 1), PLACE(log_soft, -30, 30), PLACE(log_soft, -1e3, 1e3), PLACE(log_soft, 1e5, 100003),
    PLACE(running, -1, 1), PLACE(running, -10, 10),
    PLACE(layer, -1, 1), PLACE(layer, 999, 1001), LOST(layer, 1e5, 100001), PLACE(layer, -1e-3, 1e-3),
    PLACE(group, -1, 1), PLACE(group, 999, 1001), PLACE(instance, -1, 1), PLACE(instance, 999, 1001), PLACE(by_size, -1, 1), PLACE(by_size, 1e3, 2e3),
    PLACE(largest, -1, 1), PLACE(largest, -1e-6, 1e-6), PLACE(smallest, -1, 1), PLACE(larger, -1, 1), PLACE(larger, -1e-6, 1e-6),
    PLACE(pooled, -1, 1), PLACE(pooled, -1e-6, 1e-6), PLACE(averaged, -1e3, 1e3),
    PLACE(gram, -1, 1), PLACE(gram, 1e4, 2e4), PLACE(quotient, 1, 2), PLACE(quotient, 1e-4, 1e-3),
    PLACE(difference, -2, 2), PLACE(absolute_loss, -1, 1), PLACE(absolute_loss, -1e-6, 1e-6), PLACE(squared_loss, -1, 1), PLACE(squared_loss, 1e3, 2e3),
    PLACE(both_sides, -1, 2), PLACE(both_sides, -1e-6, 1e-6), PLACE(made_classes, -1, 1), PLACE(made_classes, -30, 30), PLACE(made_classes, 1e4, 10001),
    PLACE(far_cancelled, -1, 1), PLACE(network, -1, 1), PLACE(network, -2, 2), PLACE(network, 0, 1), PLACE(network, 0.5, 1), LOST(network, -1e-6, 1e-6),
};
// clang-format on
enum { N_PLACES = sizeof places / sizeof *places, POINTS = 2 };

/* --- a gradient that is wrong by a factor --- */

typedef struct {
    double factor;
} tilt_opts;

static void tilt_forward(gt_node *n)
{
    memcpy(n->out[0]->data, n->in[0]->data, (size_t)n->in[0]->size * sizeof(double));
}

static bool tilt_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static bool tilt_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const tilt_opts *o = n->opts;
    gin[0] = gt_mul_scalar(gout[0], o->factor);
    return true;
}

static const gt_op tilt_op = {.name = "tilt",
                              .inputs = "x",
                              .n_in = 1,
                              .n_out = 1,
                              .opts_size = sizeof(tilt_opts),
                              .infer = tilt_infer,
                              .forward = {[GT_F64] = tilt_forward},
                              .backward = tilt_backward};

/* --- checking --- */

typedef struct {
    const place *where;
    const tilt_opts *tilt; /* NULL: right */
} question;

static gt_tensor *ask(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    const question *q = user;
    gt_manual_seed(gt, 3); /* of a network's weights */
    gt_tensor *x = in[0];
    return q->where->f(q->tilt ? gt_apply(&tilt_op, q->tilt, 1, &x) : x);
}

static gt_verdict check_at(gt_ctx *gt, const question *q, int point, gt_gradcheck_opts opts,
                           gt_gradcheck_report *r)
{
    const gt_mark mark = gt_mark_tape(gt);
    gt_manual_seed(gt, 1000 + (uint64_t)point);
    gt_tensor *x = gt_uniform(gt, GT_SHAPE(8), q->where->low, q->where->high, .dtype = GT_F64,
                              .requires_grad = true);
    opts.seed = 1 + (uint64_t)point;
    opts.name = q->where->name;
    const gt_verdict v = gt_gradcheck(gt, ask, (void *)q, &x, 1, &opts, r);
    assert_well(gt);
    gt_rewind(gt, mark);
    if (getenv("GRADTAPE_TALLY"))
        print_message("tally\t%s\t%g\t%d\t%s\t%s\n", q->where->name, q->tilt ? q->tilt->factor : 1,
                      point, gt_verdict_name(v), opts.mode == GT_GRADCHECK_FAST ? "fast" : "full");
    return v;
}

static int n_points(int otherwise)
{
    const char *more = getenv("GRADTAPE_POINTS");
    return more ? atoi(more) : otherwise;
}

static void no_right_function_fails(gt_ctx *gt, gt_gradcheck_opts opts)
{
    int failed = 0, unsure = 0, asked = 0;
    for (int i = 0; i < N_PLACES; i++)
        for (int point = 0; point < n_points(POINTS); point++) {
            gt_gradcheck_report r;
            const gt_verdict v = check_at(gt, &(question){&places[i], NULL}, point, opts, &r);
            failed += v == GT_FAIL;
            if (v == GT_FAIL) print_message("point %d: %s", point, r.message);
            if (places[i].lost) continue;
            asked++;
            unsure += v == GT_INCONCLUSIVE;
            if (v == GT_INCONCLUSIVE) print_message("point %d: %s", point, r.message);
        }
    assert_int_equal(failed, 0);
    if (unsure * 50 > asked) fail_msg("%d of %d are inconclusive", unsure, asked);
}

static void in_full_mode(void **state)
{
    no_right_function_fails(*state, (gt_gradcheck_opts){0});
}

static void in_fast_mode(void **state)
{
    no_right_function_fails(*state, (gt_gradcheck_opts){.mode = GT_GRADCHECK_FAST});
}

static void no_wrong_function_passes(void **state)
{
    static const tilt_opts mistakes[] = {{-1}, {0}, {1.5}, {1.01}};
    enum { N = sizeof mistakes / sizeof *mistakes };
    const bool all = getenv("GRADTAPE_POINTS") != NULL;
    int passed = 0;
    for (int i = 0; i < N_PLACES; i++)
        for (int m = 0; m < N && !places[i].coarse; m++) {
            int seen = 0;
            for (int point = 0; point < n_points(3) && (all || !seen); point++) {
                gt_gradcheck_report r;
                const question q = {&places[i], &mistakes[m]};
                seen += check_at(*state, &q, point, (gt_gradcheck_opts){0}, &r) == GT_FAIL;
            }
            passed += !seen;
            if (!seen) print_message("%s, mistake %d is not seen\n", places[i].name, m);
        }
    assert_int_equal(passed, 0);
}

/* A kink at *user. */
static gt_tensor *bend(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    return gt_relu(gt_sub_scalar(in[0], *(const double *)user));
}

/* Also where the shortest steps are less than half of x's last place. */
static void kinks_are_known_wherever_they_are(void **state)
{
    gt_ctx *gt = *state;
    double bends[] = {0, 1e-3, 0.5, 1, 1.25, 1.5, 2, 100, -1, -8};
    for (size_t i = 0; i < sizeof bends / sizeof *bends; i++)
        for (int k = 0; k < 3; k++) {
            const gt_gradcheck_opts opts = {.mode = k == 1 ? GT_GRADCHECK_FAST : GT_GRADCHECK_FULL,
                                            .order = k == 2 ? 2 : 1};
            const double beyond = 2 + fabs(2 * bends[i]);
            gt_tensor *x = gt_values_as(gt, GT_SHAPE(2), GT_F64, bends[i], beyond);
            gt_gradcheck_report r;
            gt_require_grad(x, true);
            if (gt_gradcheck(gt, bend, &bends[i], &x, 1, &opts, &r) != GT_PASS || r.kinks != 1)
                fail_msg("at %g: %s", bends[i], r.message);
        }
}

/* Kinks at x = 0, small ones beside the rest of y, or opposed ones in the same y. */
static gt_tensor *small_bend(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    return gt_add(gt_mul_scalar(gt_relu(in[0]), *(const double *)user), gt_square(in[2]));
}

static gt_tensor *opposed_bends(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_add(gt_sub(gt_relu(in[0]), gt_relu(in[1])), gt_square(in[2]));
}

static void assert_not_failed(gt_ctx *gt, gt_function f, double size, double rest)
{
    gt_tensor *x[3];
    for (int i = 0; i < 3; i++)
        x[i] = gt_full(gt, GT_SHAPE(8), i == 2 ? rest : 0, .dtype = GT_F64, .requires_grad = true);
    for (int k = 0; k < 2; k++) {
        const gt_gradcheck_opts opts = {.mode = k ? GT_GRADCHECK_FAST : GT_GRADCHECK_FULL};
        gt_gradcheck_report r;
        if (gt_gradcheck(gt, f, &size, x, 3, &opts, &r) == GT_FAIL)
            fail_msg("%g beside %g: %s", size, rest, r.message);
    }
}

static void kinks_amid_noise_or_opposed_are_not_called_wrong(void **state)
{
    for (int size = 0; size <= 20; size++)
        for (int rest = -1; rest <= 2; rest++)
            assert_not_failed(*state, small_bend, 1e-10 * pow(3, size), pow(10, rest));
    assert_not_failed(*state, opposed_bends, 1, 1.5);
}

/* The functions of other libraries stand in the tool. */
static void the_comparison_knows_every_function(void **state)
{
    (void)state;
    char *tool = text_of(GT_SOURCE_DIR "/tools/compare-gradcheck");
    for (int i = 0; i < N_PLACES; i++) {
        char key[64];
        snprintf(key, sizeof key, "\"%.*s\":", (int)strcspn(places[i].name, " "), places[i].name);
        if (!strstr(tool, key)) fail_msg("tools/compare-gradcheck has no %s", key);
    }
    free(tool);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(in_full_mode),
        TEST(in_fast_mode),
        TEST(no_wrong_function_passes),
        TEST(kinks_are_known_wherever_they_are),
        TEST(kinks_amid_noise_or_opposed_are_not_called_wrong),
        TEST(the_comparison_knows_every_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

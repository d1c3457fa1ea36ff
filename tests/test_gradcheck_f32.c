/* What has kernels for f32 alone: derivatives against differences in f32. */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include <gradtape/gradcheck_ways.h>
#include <gradtape/nn.h>

/* --- an operation, of one function or another, in float --- */

typedef enum { SQUARE, EXP, TANH, STEEP, LOG, RELU, FAR, LOST, GATED, DOT, SUM, MATVEC } formula;

/* Gradients are `factor` times what they should be: of x, or of the last input. */
typedef struct {
    formula formula;
    double factor;
    bool of_last;
    bool leaves_out; /* the last element of y */
} f32_opts;

static bool has_two(formula f)
{
    return f == GATED || f == DOT || f == MATVEC;
}

static bool f32_infer(gt_node *n)
{
    const f32_opts *o = n->opts;
    const gt_shape x = n->in[0]->shape;
    gt_shape *y = &n->out[0]->shape;
    *y = o->formula == DOT || o->formula == SUM ? GT_SHAPE(1)
         : o->formula == MATVEC                 ? GT_SHAPE(x.dim[0])
                                                : x;
    return true;
}

static float of_element(formula f, float x)
{
    switch (f) {
    case SQUARE: return x * x;
    case EXP: return expf(x);
    case TANH: return tanhf(x);
    case STEEP: return tanhf(8 * x);
    case LOG: return logf(x);
    case RELU: return x > 0 ? x : 0;
    case FAR: return x * x + 100;
    case LOST: return x * x + 1e7F;
    default: return x;
    }
}

/* Of element `at` of x. */
static float factor_of(formula f, const gt_tensor *w, int64_t at)
{
    if (!w) return 1;
    const float b = ((const float *)w->data)[at % w->size];
    return f == GATED ? b * b : b;
}

static void f32_forward(gt_node *n)
{
    const f32_opts *o = n->opts;
    const float *x = n->in[0]->data;
    float *y = n->out[0]->data;
    const int64_t size = n->out[0]->size, each = n->in[0]->size / (size ? size : 1);
    for (int64_t j = 0; j < size - o->leaves_out; j++) {
        float sum = 0;
        for (int64_t k = 0; k < each; k++) {
            const int64_t at = j * each + k;
            const float b = factor_of(o->formula, n->n_in > 1 ? n->in[1] : NULL, at);
            sum += of_element(o->formula, x[at]) * b;
        }
        y[j] = sum;
    }
}

static gt_tensor *slope_of(formula f, gt_tensor *x)
{
    switch (f) {
    case SQUARE:
    case FAR:
    case LOST: return gt_mul_scalar(x, 2);
    case EXP: return gt_exp(x);
    case TANH: return gt_add_scalar(gt_neg(gt_square(gt_tanh(x))), 1);
    case STEEP:
        return gt_mul_scalar(gt_add_scalar(gt_neg(gt_square(gt_tanh(gt_mul_scalar(x, 8)))), 1), 8);
    case LOG: return gt_reciprocal(x);
    case RELU: return gt_cast(gt_gt_scalar(x, 0), x->dtype);
    default: return gt_ones_like(x);
    }
}

static bool f32_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const f32_opts *o = n->opts;
    gt_tensor *x = n->in[0], *w = n->n_in > 1 ? n->in[1] : NULL, *dy = gout[0];
    if (o->formula == MATVEC) dy = gt_reshape(dy, GT_SHAPE(-1, 1));
    gin[0] = gt_mul(dy, slope_of(o->formula, x));
    if (w) gin[0] = gt_mul(gin[0], o->formula == GATED ? gt_square(w) : w);
    if (w) gin[1] = gt_mul(dy, o->formula == GATED ? gt_mul_scalar(gt_mul(x, w), 2) : x);
    if (w) gin[1] = gt_sum_to(gin[1], w->shape);
    gt_tensor **spoilt = &gin[w && o->of_last];
    if (o->factor != 0) *spoilt = gt_mul_scalar(*spoilt, o->factor);
    return true;
}

static const gt_op f32_op = {.name = "float_alone",
                             .inputs = "x w",
                             .n_in = 2,
                             .n_least = 1,
                             .n_out = 1,
                             .opts_size = sizeof(f32_opts),
                             .infer = f32_infer,
                             .forward = {[GT_F32] = f32_forward},
                             .backward = f32_backward};

/* --- what is found, at some seeds --- */

enum { SEEDS = 2 };

static const struct {
    const char *label;
    f32_opts opts;
    gt_sample_input x, w;
    int order;
    gt_verdict verdict;
    const char *says;
    bool kinks;
} cases[] = {
    {"square", {SQUARE, 0, 0, 0}, GT_IN(3, 4), {.null = true}, 1, GT_PASS, "f32  order 1", false},
    {"exp", {EXP, 0, 0, 0}, GT_IN(20), {.null = true}, 2, GT_PASS, "order 2: ", false},
    {"tanh", {TANH, 0, 0, 0}, GT_IN(20), {.null = true}, 2, GT_PASS, "in f32: rtol 0.001", false},
    {"steep", {STEEP, 0, 0, 0}, GT_IN(20), {.null = true}, 1, GT_PASS, "400 entries", false},
    {"log", {LOG, 0, 0, 0}, GT_IN_RANGE(0.01, 2, 20), {.null = true}, 1, GT_PASS, "", false},
    {"relu", {RELU, 0, 0, 0}, GT_IN(40), {.null = true}, 1, GT_PASS, "", true},
    {"far", {FAR, 0, 0, 0}, GT_IN_RANGE(1, 2, 10), {.null = true}, 1, GT_PASS, "", false},
    {"large", {SQUARE, 0, 0, 0}, GT_IN_RANGE(900, 1100, 10), {.null = true}, 1, GT_PASS, "", false},
    {"sum", {SUM, 0, 0, 0}, GT_IN(1000), {.null = true}, 1, GT_PASS, "1000 entries", false},
    {"dot", {DOT, 0, 0, 0}, GT_IN(200), GT_IN(200), 2, GT_PASS, "order 1: 400 entries", false},
    {"gated", {GATED, 0, 0, 0}, GT_IN(6, 6), GT_IN(6, 6), 2, GT_PASS, "w   ", false},
    {"product", {MATVEC, 0, 0, 0}, GT_IN(30, 50), GT_IN(50), 1, GT_PASS, "w   ", false},
    {"many", {TANH, 0, 0, 0}, GT_IN(30, 40), {.null = true}, 1, GT_PASS, "8 random", false},
    {"sums", {MATVEC, 0, 0, 0}, GT_IN(100, 300), GT_IN(300), 1, GT_PASS, "8 random", false},

    {"wrong square", {SQUARE, 1.01, 0, 0}, GT_IN(3, 4), {.null = true}, 1, GT_FAIL, "1.01", false},
    {"wrong exp", {EXP, 0.99, 0, 0}, GT_IN(20), {.null = true}, 1, GT_FAIL, "is 0.99", false},
    {"wrong tanh",
     {TANH, 1.01, 0, 0},
     GT_IN(20),
     {.null = true},
     1,
     GT_FAIL,
     "in f32: rtol 0.001",
     false},
    {"wrong steep", {STEEP, 0.97, 0, 0}, GT_IN(20), {.null = true}, 1, GT_FAIL, "", false},
    {"wrong sum", {SUM, 1.01, 0, 0}, GT_IN(1000), {.null = true}, 1, GT_FAIL, "", false},
    {"wrong dot", {DOT, 1.01, 1, 0}, GT_IN(1000), GT_IN(1000), 1, GT_FAIL, "of w are", false},
    {"wrong gated", {GATED, 0.99, 1, 0}, GT_IN(6, 6), GT_IN(6, 6), 1, GT_FAIL, "of w are", false},
    {"wrong product", {MATVEC, -1, 0, 0}, GT_IN(30, 50), GT_IN(50), 1, GT_FAIL, "of x", false},
    {"wrong many", {TANH, 1.01, 0, 0}, GT_IN(30, 40), {.null = true}, 1, GT_FAIL, "", false},
    {"unwritten", {EXP, 0, 0, 1}, GT_IN(20), {.null = true}, 1, GT_FAIL, "never written", false},
    {"zeros", {TANH, 1e-30, 0, 0}, GT_IN(20), {.null = true}, 1, GT_FAIL, "", false},
    {"lost", {LOST, 0, 0, 0}, GT_IN_RANGE(1, 2, 4), {.null = true}, 1, GT_INCONCLUSIVE, "", false},
    {"flat", {SQUARE, 0, 0, 0}, GT_IN(0), {.null = true}, 1, GT_INCONCLUSIVE, "0 entries", false},
};

static void check_case(gt_ctx *gt, size_t i, uint64_t seed)
{
    const gt_sample s = {.label = cases[i].label,
                         .in = GT_INPUTS(cases[i].x, cases[i].w),
                         .opts = &cases[i].opts,
                         .n_in = has_two(cases[i].opts.formula) ? 2 : 1,
                         .kinks = cases[i].kinks};
    gt_gradcheck_report r;
    gt_gradcheck_op(gt, &f32_op, &s, &(gt_gradcheck_opts){.order = cases[i].order, .seed = seed},
                    &r);
    if (r.verdict != cases[i].verdict || !strstr(r.message, cases[i].says))
        fail_msg("%s, seed %d: %s", cases[i].label, (int)seed, r.message);
}

static void operations_in_f32_alone(void **state)
{
    const char *more = getenv("GRADTAPE_POINTS");
    const uint64_t seeds = more ? (uint64_t)atoi(more) : SEEDS;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t seed = 1; seed <= seeds; seed++) check_case(*state, i, seed);
}

/* --- functions and modules that hold f32 --- */

static gt_tensor *leaf(gt_ctx *gt, gt_shape shape)
{
    return gt_randn(gt, shape, .requires_grad = true);
}

/* tanh(x w), where w is given, spoilt or not. */
static gt_tensor *layer(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    static const f32_opts wrong = {SQUARE, 1.01, 0, 0};
    gt_tensor *squared = user ? gt_apply(&f32_op, &wrong, 1, &in[1]) : gt_square(in[1]);
    return gt_tanh(gt_matmul(in[0], squared));
}

static void functions_and_modules(void **state)
{
    gt_ctx *gt = *state;
    gt_manual_seed(gt, 5);
    gt_tensor *in[] = {leaf(gt, GT_SHAPE(4, 6)), leaf(gt, GT_SHAPE(6, 3))};
    const double sum = gt_item(gt_sum(in[0]));
    const gt_gradcheck_opts f32 = {.f32 = true, .order = 2, .points = 2};
    gt_gradcheck_report r;
    if (gt_gradcheck(gt, layer, NULL, in, 2, &f32, &r) != GT_PASS) fail_msg("%s", r.message);
    assert_true(gt_item(gt_sum(in[0])) == sum);
    assert_int_equal(gt_gradcheck(gt, layer, in, in, 2, &f32, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "of in1 are wrong"));
    gt_module *net =
        gt_nn_sequential(gt, gt_nn_linear(gt, 6, 8), gt_nn_silu(gt), gt_nn_linear(gt, 8, 3));
    if (gt_gradcheck_module(gt, net, in[0], &f32, &r) != GT_PASS) fail_msg("%s", r.message);
    assert_int_equal(gt_gradcheck_same(gt, layer, NULL, layer, NULL, in, 2, &f32, &r), GT_FAIL);
    assert_non_null(strstr(r.message, ".points is of gt_gradcheck"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_in_f32_alone),
        cmocka_unit_test(functions_and_modules),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}

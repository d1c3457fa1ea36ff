/* Steps, tolerances and masks of inputs one by one: what is left out is not looked at, and told. */
#include "expect_report.h"

#include <math.h>

#include <gradtape/gradcheck_c.h>
#include <gradtape/gradcheck_ways.h>

/* --- y = x, with a gradient that is 10 % too large, or NaN, at one element --- */

typedef struct {
    int64_t at;
    double factor;
} spoil_opts;

static bool spoil_infer(gt_node *n)
{
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

static void spoil_forward(gt_node *n)
{
    memcpy(n->out[0]->data, n->in[0]->data, (size_t)n->in[0]->size * gt_dtype_size(n->dtype));
}

static bool spoil_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const spoil_opts *o = n->opts;
    gt_tensor *factors = gt_ones_like(n->in[0]);
    gt_store_element(factors, o->at, o->factor);
    gin[0] = gt_mul(gout[0], factors);
    return true;
}

static const gt_sample_input spoil_in[] = {GT_IN(5)};
static const gt_op spoil_op = {.name = "spoil",
                               .inputs = "x",
                               .n_in = 1,
                               .n_out = 1,
                               .opts_size = sizeof(spoil_opts),
                               .infer = spoil_infer,
                               .forward = {[GT_F32] = spoil_forward, [GT_F64] = spoil_forward},
                               .backward = spoil_backward};

static const spoil_opts wrong = {1, 1.1}, not_a_number = {1, (double)NAN};

/* Of x [3,4] and w [4,2], spoilt at its element 1. */
static gt_tensor *layer(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    gt_tensor *w = user ? gt_apply(&spoil_op, user, 1, &in[1]) : in[1];
    return gt_tanh(gt_matmul(in[0], w));
}

typedef gt_gradcheck_input_opts row;
static const unsigned char no_second[8] = {1, 0, 1, 1, 1, 1, 1, 1}, nothing[8] = {0};

static const struct {
    const spoil_opts *spoilt;
    row rows[3];
    int n_rows;
    gt_verdict verdict;
    int64_t masked; /* of w */
    const char *says;
} cases[] = {
    {NULL, {{0}}, 0, GT_PASS, 0, ""},
    {&wrong, {{0}}, 0, GT_FAIL, 0, ""},
    {&not_a_number, {{0}}, 0, GT_FAIL, 0, ""},
    {&wrong, {{0}, {GT_MASK(no_second)}}, 2, GT_PASS, 1, ", 1 left out by a mask"},
    {&not_a_number, {{0}, {GT_MASK(no_second)}}, 2, GT_PASS, 1, ", 1 left out by a mask"},
    {&wrong, {{.name = "w", GT_MASK(no_second)}}, 1, GT_PASS, 1, ", 1 left out by a mask"},
    {&wrong, {{0}, {.skip = true}}, 2, GT_PASS, 8, ", 8 left out by a mask"},
    {&wrong, {{.name = "w", .skip = true}, {.name = "in0", .step = 1e-4}}, 2, GT_PASS, 8, ""},
    {&wrong, {{.skip = true}}, 1, GT_FAIL, 0, "/ d w[0,1]"},
    {&wrong,
     {{.skip = true}, {GT_MASK(nothing)}},
     2,
     GT_INCONCLUSIVE,
     8,
     "masks leave out every entry"},
    {&wrong, {{0}, {.rtol = 3}}, 2, GT_PASS, 0, ""},
    {&wrong, {{0}, {.atol = 3}}, 2, GT_PASS, 0, ""},
    {&wrong, {{.rtol = 3}}, 1, GT_FAIL, 0, "/ d w[0,1]"},
    {&wrong, {{.step = 1e-4}, {.step = 1e-5, .rtol = 1e-5}}, 2, GT_FAIL, 0, "/ d w[0,1]"},
    {NULL, {{.step = 1e-4}, {.step = 1e-7, .rtol = 1e-4}}, 2, GT_PASS, 0, ""},
    {NULL,
     {{GT_MASK(nothing)}},
     1,
     GT_FAIL,
     0,
     "the mask of in0 is one of 8 elements, where in0 has 12"},
    {NULL, {{0}, {.n_mask = 8}}, 2, GT_FAIL, 0, "the mask of w is NULL of 8 elements"},
    {NULL,
     {{.name = "v", .skip = true}},
     1,
     GT_FAIL,
     0,
     "names v, which is none of those that require gradients: in0, w"},
    {NULL, {{0}, {0}, {0}}, 3, GT_FAIL, 0, ".inputs has 3 rows, where there are 2 inputs"},
    {NULL,
     {{.step = 1e-5}, {.name = "in0", .skip = true}},
     2,
     GT_FAIL,
     0,
     "rows 0 and 1 of .inputs are both about in0"},
    {NULL, {{.step = -1}}, 1, GT_FAIL, 0, "of in0 step is -1"},
    {NULL, {{.rtol = INFINITY}}, 1, GT_FAIL, 0, "rtol inf, atol 1e-07; they must be finite"},
    {NULL, {{.atol = NAN}}, 1, GT_FAIL, 0, "atol nan"},
    {NULL, {{0}}, -1, GT_FAIL, 0, ".n_inputs -1"},
};

static gt_tensor *leaf(gt_ctx *gt, gt_shape shape)
{
    return gt_randn(gt, shape, .dtype = GT_F64, .requires_grad = true);
}

static void rows_refine_the_options(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[] = {leaf(gt, GT_SHAPE(3, 4)), gt_set_name(leaf(gt, GT_SHAPE(4, 2)), "w")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int mode = GT_GRADCHECK_FULL; mode <= GT_GRADCHECK_FAST; mode++)
            for (int order = 1; order <= (cases[i].spoilt == &not_a_number ? 1 : 2); order++) {
                const gt_gradcheck_opts o = {.inputs = cases[i].n_rows ? cases[i].rows : NULL,
                                             .n_inputs = cases[i].n_rows,
                                             .mode = (gt_gradcheck_mode)mode,
                                             .order = order};
                gt_gradcheck_report r;
                gt_gradcheck(gt, layer, (void *)(uintptr_t)cases[i].spoilt, in, 2, &o, &r);
                if (r.verdict != cases[i].verdict || !strstr(r.message, cases[i].says) ||
                    (r.n_inputs > 1 && r.inputs[1].masked != cases[i].masked))
                    fail_msg("case %zu, mode %d, order %d: wanted %s, \"%s\", got\n%s", i, mode,
                             order, gt_verdict_name(cases[i].verdict), cases[i].says, r.message);
                if (cases[i].masked == 8 && r.verdict == GT_INCONCLUSIVE)
                    assert_int_equal(r.kind, GT_GRADCHECK_VACUOUS);
                assert_well(gt);
            }
}

/* How far x and w go. */
typedef struct {
    double from[2], most[2];
} travels;

static gt_tensor *watched(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt;
    travels *t = user;
    for (int i = 0; i < 2; i++)
        t->most[i] = fmax(t->most[i], fabs(gt_load_element(in[i], 0) - t->from[i]));
    return gt_add(gt_square(in[0]), gt_square(in[1]));
}

static void steps_are_as_asked(void **state)
{
    static const row rows[] = {{.step = 1e-3}, {.step = 1e-7, .rtol = 1e-4}};
    gt_ctx *gt = *state;
    gt_tensor *in[] = {gt_values_as(gt, GT_SHAPE(1), GT_F64, 0.5),
                       gt_values_as(gt, GT_SHAPE(1), GT_F64, 0.25)};
    gt_require_grad(in[0], true);
    gt_require_grad(in[1], true);
    for (int mode = GT_GRADCHECK_FULL; mode <= GT_GRADCHECK_FAST; mode++) {
        travels t = {{0.5, 0.25}, {0, 0}};
        gt_gradcheck_report r;
        gt_gradcheck(gt, watched, &t, in, 2,
                     &(gt_gradcheck_opts){GT_EACH_INPUT(rows), .mode = (gt_gradcheck_mode)mode},
                     &r);
        expect(&r, GT_PASS, "compared");
        if (!(t.most[0] > 1e-4 && t.most[0] < 1e-2 && t.most[1] < 1e-6))
            fail_msg("mode %d: x went %g, w %g", mode, t.most[0], t.most[1]);
    }
}

static void what_asks_for_nothing_has_no_row(void **state)
{
    static const row of_second[] = {{0}, {.step = 1e-4}};
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(3, 4)),
              *in[] = {x, gt_randn(gt, GT_SHAPE(4, 2), .dtype = GT_F64)};
    const gt_gradcheck_opts o = {GT_EACH_INPUT(of_second)};
    gt_gradcheck_report r;
    gt_gradcheck(gt, layer, NULL, in, 2, &o, &r);
    expect(&r, GT_FAIL, "row 1 of .inputs is about an input that requires no gradients");
    gt_gradcheck(gt, layer, NULL, in, 2, &(gt_gradcheck_opts){.inputs = of_second}, &r);
    expect(&r, GT_FAIL, ".inputs is a table, and .n_inputs 0");
    gt_gradcheck_same(gt, layer, NULL, layer, NULL, in, 2, &o, &r);
    expect(&r, GT_FAIL, ".inputs is not for this");
    gt_gradcheck_taylor(gt, layer, NULL, in, 2, &o, NULL, &r);
    expect(&r, GT_FAIL, ".inputs is not for this");
}

static void modules_have_names(void **state)
{
    gt_ctx *gt = *state;
    const row of_weight[] = {{.name = "weight", .skip = true}};
    gt_module *m = gt_nn_linear(gt, 4, 2, .dtype = GT_F64);
    gt_gradcheck_report r;
    gt_gradcheck_module(gt, m, leaf(gt, GT_SHAPE(3, 4)),
                        &(gt_gradcheck_opts){GT_EACH_INPUT(of_weight)}, &r);
    expect(&r, GT_PASS, "0 entries, 8 left out by a mask");
}

static void operations_in_both_dtypes(void **state)
{
    static const unsigned char no_second_of_5[5] = {1, 0, 1, 1, 1}, none[5] = {0};
    const row some[] = {{GT_MASK(no_second_of_5)}}, no[] = {{GT_MASK(none)}};
    gt_gradcheck_report r;
    for (int f32 = 0; f32 < 2; f32++) {
        const gt_sample s = {.opts = f32 ? &wrong : &not_a_number, .in = GT_INPUTS(spoil_in[0])};
        gt_gradcheck_op(*state, &spoil_op, &s, &(gt_gradcheck_opts){.f32 = f32}, &r);
        if (!f32) expect(&r, GT_FAIL, "nan");
        gt_gradcheck_op(*state, &spoil_op, &s,
                        &(gt_gradcheck_opts){GT_EACH_INPUT(some), .f32 = f32}, &r);
        expect(&r, GT_PASS, f32 ? "9 values and gradients" : "1 left out");
        gt_gradcheck_op(*state, &spoil_op, &s, &(gt_gradcheck_opts){GT_EACH_INPUT(no), .f32 = f32},
                        &r);
        expect(&r, GT_INCONCLUSIVE, "masks leave out every");
    }
}

/* --- plain C: y_j = x_j^2, whose derivative in x_1 is wrong --- */

enum { N = 6 };

static void squares(const double *x, double *y, void *user)
{
    (void)user;
    for (int i = 0; i < N; i++) y[i] = x[i] * x[i];
}

static double slope(const double *x, int i)
{
    return (i == 1 ? 2.2 : 2) * x[i];
}

static void jacobian(const double *x, double *j, void *user)
{
    (void)user;
    for (int i = 0; i < N * N; i++) j[i] = i / N == i % N ? slope(x, i / N) : 0;
}

static void product(const double *x, const double *v, double *jv, void *user)
{
    (void)user;
    for (int i = 0; i < N; i++) jv[i] = slope(x, i) * v[i];
}

static void functions_in_c(void **state)
{
    static const unsigned char no_second_of_6[N] = {1, 0, 1, 1, 1, 1}, none[N] = {0};
    static const gt_c_map maps[] = {{.n = N, .m = N, .f = squares, .jacobian = jacobian},
                                    {.n = N, .m = N, .f = squares, .vjp = product},
                                    {.n = N, .m = N, .f = squares, .jvp = product}};
    const row some[] = {{.name = "x", GT_MASK(no_second_of_6)}}, no[] = {{GT_MASK(none)}};
    const row short_one[] = {{.mask = none, .n_mask = 3}};
    const double x[N] = {1, -2, 0.5, 3, -0.25, 1.5};
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        for (int mode = GT_GRADCHECK_FULL; mode <= GT_GRADCHECK_FAST; mode++) {
            gt_gradcheck_opts o = {.mode = (gt_gradcheck_mode)mode};
            gt_gradcheck_report r;
            gt_gradcheck_map(&maps[i], x, &o, &r);
            expect(&r, GT_FAIL, "d y[1]");
            o = (gt_gradcheck_opts){GT_EACH_INPUT(some), .mode = (gt_gradcheck_mode)mode};
            gt_gradcheck_map(&maps[i], x, &o, &r);
            expect(&r, GT_PASS, "1 left out by a mask");
            o = (gt_gradcheck_opts){GT_EACH_INPUT(no), .mode = (gt_gradcheck_mode)mode};
            gt_gradcheck_map(&maps[i], x, &o, &r);
            expect(&r, GT_INCONCLUSIVE, "masks leave out every entry");
            o = (gt_gradcheck_opts){GT_EACH_INPUT(short_one), .mode = (gt_gradcheck_mode)mode};
            gt_gradcheck_map(&maps[i], x, &o, &r);
            expect(&r, GT_FAIL, "the mask of x is one of 3 elements, where x has 6");
        }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(rows_refine_the_options),          TEST(steps_are_as_asked),
        TEST(what_asks_for_nothing_has_no_row), TEST(modules_have_names),
        TEST(operations_in_both_dtypes),        TEST(functions_in_c),
    };
    return cmocka_run_group_tests_name("inputs of gradcheck", tests, NULL, NULL);
}

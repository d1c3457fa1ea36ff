/* More ways to look at gradients: two implementations, Taylor's series, a batch and its items. */
#include "expect_report.h"
#include "wrong_ops.h"

#include <math.h>

#define FUNCTION(name, expression)                                                                 \
    static gt_tensor *name(gt_ctx *gt, gt_tensor *const in[], void *user)                          \
    {                                                                                              \
        (void)gt, (void)user;                                                                      \
        return expression;                                                                         \
    }

FUNCTION(by_tanh, gt_tanh(in[0]))
FUNCTION(by_exp, gt_add_scalar(gt_mul_scalar(gt_sigmoid(gt_mul_scalar(in[0], 2)), 2), -1))
FUNCTION(nearly_tanh, gt_mul_scalar(gt_tanh(in[0]), 1.0001))
FUNCTION(detached, gt_add(gt_tanh(gt_detach(in[0])), gt_sub(in[0], gt_detach(in[0]))))
FUNCTION(summed, gt_sum(gt_tanh(in[0])))
FUNCTION(linear, gt_mul_scalar(in[0], 3))
FUNCTION(wrong_sign, gt_apply(&sign_op, NULL, 1, in))
FUNCTION(largest, gt_argmax(in[0], 1))
FUNCTION(smallest, gt_argmin(in[0], 1))
FUNCTION(as_number, gt_cast(gt_argmax(in[0], 1), GT_F64))
FUNCTION(hidden, gt_masked_fill(gt_tanh(in[0]), gt_gt_scalar(in[0], 0), -INFINITY))
FUNCTION(nearly_hidden, gt_mul_scalar(hidden(gt, in, user), 1.0001))
FUNCTION(constant, gt_mul_scalar(in[0], 0))
FUNCTION(fast_sine, gt_sin(gt_mul_scalar(in[0], 1e7)))
FUNCTION(product, gt_tanh(gt_matmul(in[0], in[1])))
FUNCTION(doubled, gt_concat(((gt_tensor *[]){in[0], gt_slice(in[0], 0, 0, 1)}), 2, 0))
FUNCTION(per_item, gt_div_scalar(gt_tanh(in[0]), (double)in[0]->shape.dim[0]))
FUNCTION(normalized, gt_sub(in[0], gt_mean(in[0], .axes = GT_AXIS(0), .keepdim = true)))

static gt_tensor *leaf(gt_ctx *gt, gt_shape shape)
{
    return gt_randn(gt, shape, .dtype = GT_F64, .requires_grad = true);
}

static void two_implementations(void **state)
{
    static const struct {
        gt_function g;
        gt_verdict verdict;
        const char *says;
    } cases[] = {
        {by_tanh, GT_PASS, "12 values and 12 gradients for 8 upstreams are the same"},
        {by_exp, GT_PASS, "are the same"},
        {nearly_tanh, GT_FAIL, "relative error 0.0001"},
        {nearly_tanh, GT_FAIL, "hint: second/first is 1.0001 in all of them\n"},
        {detached, GT_FAIL, "hint: values agree: a backward rule is wrong"},
        {detached, GT_FAIL, "d (v . y) / d in0["},
        {summed, GT_FAIL, "shape of first [3,4], of second []"},
        {NULL, GT_FAIL, "the function is NULL"},
    };
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(3, 4));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_gradcheck_report r;
        gt_gradcheck_same(gt, by_tanh, NULL, cases[i].g, NULL, &x, 1, NULL, &r);
        expect(&r, cases[i].verdict, cases[i].says);
        assert_well(gt);
    }
}

static void of_any_numbers(void **state)
{
    static const struct {
        gt_function f, g;
        int64_t rows;
        gt_verdict verdict;
        const char *says;
    } cases[] = {
        {largest, largest, 3, GT_PASS, "3 values"},
        {largest, smallest, 3, GT_FAIL, "y[0]   first "},
        {largest, as_number, 3, GT_FAIL, "one of the two is of whole numbers"},
        {as_number, largest, 3, GT_FAIL, "one of the two is of whole numbers"},
        {hidden, hidden, 3, GT_PASS, "12 values"},
        {hidden, nearly_hidden, 3, GT_FAIL, "relative error 0.0001"},
        {by_tanh, by_tanh, 0, GT_INCONCLUSIVE, "there is nothing to compare"},
    };
    gt_ctx *gt = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_tensor *x = leaf(gt, GT_SHAPE(cases[i].rows, 4));
        gt_gradcheck_report r;
        gt_gradcheck_same(gt, cases[i].f, NULL, cases[i].g, NULL, &x, 1, NULL, &r);
        expect(&r, cases[i].verdict, cases[i].says);
        assert_well(gt);
    }
}

static void sum_and_product(gt_ctx *gt, gt_tensor *const in[], gt_tensor *out[], void *user)
{
    (void)gt;
    out[0] = gt_sum(gt_exp(in[0]));
    out[1] = user ? gt_apply(&sign_op, NULL, 1, in) : gt_mul(in[0], gt_tanh(in[0]));
}

static void forgetful(gt_ctx *gt, gt_tensor *const in[], gt_tensor *out[], void *user)
{
    (void)gt, (void)user;
    out[0] = in[0];
}

static void several_outputs(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(3));
    gt_gradcheck_report r;
    for (int order = 1; order <= 2; order++) {
        const gt_gradcheck_opts opts = {.order = order};
        gt_gradcheck_outputs(gt, sum_and_product, NULL, &x, 1, 2, &opts, &r);
        expect(&r, GT_PASS, "entries of the Jacobian");
    }
    gt_gradcheck_outputs(gt, sum_and_product, x, &x, 1, 2, NULL, &r);
    expect(&r, GT_FAIL, "d y1[");
    gt_gradcheck_outputs(gt, forgetful, NULL, &x, 1, 2, NULL, &r);
    expect(&r, GT_FAIL, "result 1 is NULL");
    gt_gradcheck_outputs(gt, forgetful, NULL, &x, 1, 9, NULL, &r);
    expect(&r, GT_FAIL, "n_out is 9");
    assert_well(gt);
}

/* x^3, whose gradient is taken for 3 x: right at 1 and at 0 alone. */
static gt_tensor *right_at_one(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    gt_tensor *x = in[0], *fixed = gt_detach(x);
    gt_tensor *slope = gt_mul_scalar(fixed, 3); /* and its own change is left out */
    return gt_add(gt_pow_scalar(fixed, 3), gt_mul(slope, gt_sub(x, fixed)));
}

static void several_points(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(3), .dtype = GT_F64, .requires_grad = true);
    const gt_gradcheck_opts opts = {.points = 5};
    gt_gradcheck_report r;
    gt_gradcheck(gt, by_tanh, NULL, &x, 1, &opts, &r);
    expect(&r, GT_PASS, "function (point 5 of 5)");
    gt_gradcheck(gt, right_at_one, NULL, &x, 1, NULL, &r);
    expect(&r, GT_PASS, "9 entries");
    gt_gradcheck(gt, right_at_one, NULL, &x, 1, &opts, &r);
    expect(&r, GT_FAIL, "function (point 2 of 5)");
    assert_true(gt_get(x, 0) == 1 && gt_get(x, 2) == 1);
    gt_gradcheck(gt, by_tanh, NULL, &x, 1, &(gt_gradcheck_opts){.points = -1}, &r);
    expect(&r, GT_FAIL, "points is -1");
    const gt_sample sample = {.in = GT_INPUTS(GT_IN(3))};
    gt_gradcheck_op(gt, &sign_op, &sample, &opts, &r);
    expect(&r, GT_FAIL, ".points is of functions and modules");
}

static void slopes_of_taylor(void **state)
{
    static const struct {
        gt_function f;
        gt_verdict verdict;
        const char *says;
    } cases[] = {
        {by_tanh, GT_PASS, "Taylor slope 2.0"},
        {summed, GT_PASS, "Taylor slope"},
        {linear, GT_PASS, "linear to rounding"},
        {wrong_sign, GT_FAIL, "a slope of 1.0"},
        {constant, GT_INCONCLUSIVE, "the function does not change"},
        {fast_sine, GT_INCONCLUSIVE, "changes too fast"},
        {hidden, GT_FAIL, "] is -inf"},
    };
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(3, 4));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gt_gradcheck_report r;
        gt_taylor t;
        gt_gradcheck_taylor(gt, cases[i].f, NULL, &x, 1, NULL, &t, &r);
        expect(&r, cases[i].verdict, cases[i].says);
        assert_true(i == 2 || i == 4 || i == 6 ? t.n == 0 && isnan(t.slope) : t.n >= 3);
        assert_well(gt);
    }
}

static void tables_and_pictures_of_taylor(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(5));
    gt_taylor t;
    gt_gradcheck_taylor(gt, by_tanh, NULL, &x, 1, NULL, &t, NULL);
    char text[8192] = "";
    FILE *f = tmpfile();
    assert_non_null(f);
    gt_taylor_print(&t, f);
    gt_taylor_svg(&t, f);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_non_null(strstr(text, "without h J d"));
    assert_non_null(strstr(text, "\nslope 2.0"));
    assert_non_null(strstr(text, "<polyline"));
    assert_non_null(strstr(text, "fill=\"#0a5\">without h J d: slope 2.0"));
    assert_non_null(strstr(text, "</svg>\n"));
}

/* Of each way, what says so; NULL: it knows the option. */
static void options_are_not_left_aside(void **state)
{
    static const gt_gradcheck_input_opts each[] = {{.step = 1e-3}};
    static const struct {
        gt_gradcheck_opts opts;
        const char *same, *taylor, *outputs;
    } cases[] = {
        {{.points = 2}, ".points is of ", ".points is of ", ".points is of "},
        {{.order = 2}, ".order = 2 is not for this", ".order = 2 is not for this", NULL},
        {{.f32 = true}, ".f32 is not for this", ".f32 is not for this", "where f32 is needed"},
        {{GT_EACH_INPUT(each)}, ".inputs is not for this", ".inputs is not for this", NULL},
        {{.step = 1e-3}, ".step is not for this", ".step is not for this", NULL},
        {{.mode = GT_GRADCHECK_FAST}, ".mode is not for this", ".mode is not for this", NULL},
        {{.rtol = 1e-3}, NULL, ".rtol and .atol are not for this", NULL},
        {{.probes = 3}, NULL, ".probes is not for this", NULL},
        {{.seed = 3}, NULL, NULL, NULL},
    };
    gt_ctx *gt = *state;
    gt_tensor *x = leaf(gt, GT_SHAPE(3, 4));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gt_gradcheck_opts *o = &cases[i].opts;
        const char *const says[] = {cases[i].same, cases[i].same, cases[i].taylor,
                                    cases[i].outputs};
        for (int way = 0; way < 4; way++) {
            gt_gradcheck_report r;
            if (way == 0) gt_gradcheck_same(gt, by_tanh, NULL, by_tanh, NULL, &x, 1, o, &r);
            if (way == 1) gt_gradcheck_batch(gt, by_tanh, NULL, &x, 1, 1, o, &r);
            if (way == 2) gt_gradcheck_taylor(gt, by_tanh, NULL, &x, 1, o, NULL, &r);
            if (way == 3) gt_gradcheck_outputs(gt, forgetful, NULL, &x, 1, 1, o, &r);
            expect(&r, says[way] ? GT_FAIL : GT_PASS, says[way] ? says[way] : "PASS");
        }
    }
    assert_well(gt);
}

/* The gradient of in[1] is divided by the number of items. */
static gt_tensor *mean_gradient(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    const double share = 1.0 / (double)in[0]->shape.dim[0];
    gt_tensor *fixed = gt_detach(in[1]);
    return gt_matmul(in[0], gt_add(gt_mul_scalar(gt_sub(in[1], fixed), share), fixed));
}

static void batches(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *in[] = {leaf(gt, GT_SHAPE(5, 3)), leaf(gt, GT_SHAPE(3, 2))};
    gt_gradcheck_report r;
    gt_gradcheck_batch(gt, product, NULL, in, 2, 1, NULL, &r);
    expect(&r, GT_PASS, "10 values and 21 gradients");
    gt_gradcheck_batch(gt, normalized, NULL, in, 1, 1, NULL, &r);
    expect(&r, GT_FAIL, "y[");
    expect(&r, GT_FAIL, "hint: items of a batch must not know each other: is there a mean");
    gt_gradcheck_batch(gt, per_item, NULL, in, 1, 1, NULL, &r);
    expect(&r, GT_FAIL, "hint: items/batch is 5 in all of them: items of a batch");
    gt_gradcheck_batch(gt, summed, NULL, in, 1, 1, NULL, &r);
    expect(&r, GT_FAIL, "the result has the items along dimension 0, but it has no dimensions");
    gt_gradcheck_batch(gt, doubled, NULL, in, 1, 1, NULL, &r);
    expect(&r, GT_FAIL, "hint: the result has the items along dimension 0, one for each");
    gt_gradcheck_batch(gt, mean_gradient, NULL, in, 2, 1, NULL, &r);
    expect(&r, GT_FAIL, "d (v . y) / d in1[");
    expect(&r, GT_FAIL, "of what they share, give other than the sum over them?");
    gt_gradcheck_batch(gt, product, NULL, in, 2, 2, NULL, &r);
    expect(&r, GT_FAIL, "input 1 has the shape [3,2]");
    gt_gradcheck_batch(gt, product, NULL, in, 2, 3, NULL, &r);
    expect(&r, GT_FAIL, "n_batched is 3, of 2 inputs");
    assert_well(gt);
}

static void long_names_leave_room(void **state)
{
    static char name[10000];
    gt_tensor *x = leaf(*state, GT_SHAPE(3));
    gt_gradcheck_report r;
    memset(name, 'n', sizeof name - 1);
    name[1] = '\n';
    const gt_gradcheck_opts opts = {.name = name};
    gt_gradcheck(*state, wrong_sign, NULL, &x, 1, &opts, &r);
    expect(&r, GT_FAIL, "gradcheck FAIL  n nn");
    expect(&r, GT_FAIL, "n  order 1\n  d y[");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
    const struct CMUnitTest tests[] = {
        TEST(two_implementations),
        TEST(of_any_numbers),
        TEST(several_outputs),
        TEST(several_points),
        TEST(slopes_of_taylor),
        TEST(long_names_leave_room),
        TEST(tables_and_pictures_of_taylor),
        TEST(options_are_not_left_aside),
        TEST(batches),
    };
    return cmocka_run_group_tests_name("ways of gradcheck", tests, NULL, NULL);
}

/* The gradient checker on operations: those with known answers pass, and every way of being wrong
 * is found and named. */
#include "support.h"
#include "wrong_shapes.h"

#include "base/pool.h"
#include <math.h>

/* --- operations that are wrong --- */

typedef struct {
    const gt_op *op;
    gt_sample sample;
    gt_gradcheck_opts opts;
    gt_verdict verdict;
    gt_gradcheck_kind kind;
    const char *says, *hint; /* parts of the message and of the hint */
} op_case;

#define ON(...)                                                                                    \
    {                                                                                              \
        .in = GT_INPUTS(GT_IN(__VA_ARGS__))                                                        \
    }
#define FIRST                                                                                      \
    {                                                                                              \
        .order = 1                                                                                 \
    }
#define FAST                                                                                       \
    {                                                                                              \
        .mode = GT_GRADCHECK_FAST                                                                  \
    }
static const double around_zero[] = {1, 0, -2}, ties[] = {1, 3, 3};
static const gt_gradcheck_input_opts no_rows[1];
static gt_tensor *const nobody[1];
static const double zeros[40], sparse[40] = {[1] = 1, [3] = 2, [5] = -3, [39] = 1};

// clang-format off
static const op_case op_cases[] = {
    {&right_op, ON(2, 3), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "36 entries", ""},
    {&right_op, ON(2, 3), {.order = 2}, GT_PASS, GT_GRADCHECK_NOTHING, "order 2", ""},
    {&right_op, ON(2, 3), FAST, GT_PASS, GT_GRADCHECK_NOTHING, "8 random projections", ""},
    {&right_op, ON(2, 3), {.f32 = true}, GT_PASS, GT_GRADCHECK_NOTHING, "agree with f64", ""},
    {&right_op, ON(2, 3), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "compared (full: at most 20000)\n  x   36 entries   worst d y[", ""},
    {&right_op, ON(2, 3), FAST, GT_PASS, GT_GRADCHECK_NOTHING, "compared (fast, as asked)\n  x   6 elements, 8 projections\n", ""},
    {&right_op, ON(200), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "(fast: the Jacobian is 200 x 200, more than 20000 entries)", ""},
    {&right_op, ON(2, 3), {.order = 2}, GT_PASS, GT_GRADCHECK_NOTHING, "\n  order 1: 36 entries of the Jacobian compared", ""},
    {&sign_op, ON(2, 3), {.order = 2}, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "gradcheck FAIL  sign  order 1\n", "the sign is flipped"},
    {&right_op, ON(0, 3), FIRST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "0 entries", ""},
    {&right_op, ON(0, 3), {.order = 2}, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "0 entries", ""},
    {&right_op, ON(0, 3), FAST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "0 entries", ""},
    {&right_op, ON(0, 3), {.f32 = true}, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "0 values", ""},
    {&zero_op, ON(3), FIRST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "x   9 entries, all 0   worst", ""},
    {&zero_op, ON(3), FAST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "all below the tolerance", ""},
    {&tiny_op, ON(3), FIRST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "a rule that returns zeros would not be found", ""},
    {&tiny_op, ON(3), FAST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "all below the tolerance", ""},
    {&small_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries", "the sign is flipped"},
    {&small_op, ON(3), FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries", "the sign is flipped"},
    {&faint_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries of b", "the sign is flipped"},
    {&faint_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries of b", "the sign is flipped"},
    {&both_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries of b are wrong; analytic/numeric is 3.000 in all of them\n  a   3 of 9 entries WRONG   worst d y[", "a constant ratio of 3"},
    {&both_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 elements, 1 of 1 projection WRONG", "a constant ratio of "},
    {&right_op, {.in = GT_INPUTS({.dtype = GT_I64})}, FIRST, GT_FAIL, GT_GRADCHECK_ERROR, "i64", ""},
    {&sign_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "6 of 6 entries of x are wrong; analytic/numeric is -1.000", "the sign is flipped"},
    {&sign_op, ON(200), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "entries of x that were looked at are wrong", "the sign is flipped"},
    {&factor_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "analytic/numeric is 0.500 in all of them", "a constant ratio of 0.5: a factor, or one of two equal terms, is missing"},
    {&half_wrong_sign_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 6 entries", "only the last 1 of 2 along dimension 0 of x"},
    {&inexact_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "analytic/numeric is 1.0001000 in all of them", "off by the same part of themselves, 0.0001"},
    {&no_upstream_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_UPSTREAM, "an upstream gradient of zeros gives", "every term"},
    {&sum_upstream_op, ON(2, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "6 of 6 entries of x are wrong", "sums gout"},
    {&total_op, ON(3, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "9 of 9 entries of x are wrong; analytic/numeric is from 1.000005", "analytic/numeric varies"},
    {&repeat_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "3 of 3 entries of x", "= for +="},
    {&silent_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_SUBSET, "with an upstream gradient of zeros for some outputs", "gout[i] is NULL"},
    {&settling_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_RANDOM, "its very first call gave other values", "count its calls"},
    {&drifting_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_RANDOM, "the function drifts: y[0] was", "count its calls"},
    {&flipped_op, ON(5), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "4 of 5 entries of x are wrong", "values go to the wrong places"},
    {&plus_dy_op, ON(5), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "analytic/numeric is from", "analytic - numeric is 1 in all of them: not a factor, but a term"},
    {&nan_op, ON(4), FIRST, GT_FAIL, GT_GRADCHECK_NAN, "analytic nan", "NaN or infinite"},
    {&nan_op, ON(4), FAST, GT_FAIL, GT_GRADCHECK_NAN, "analytic nan", "NaN or infinite"},
    {&infinite_op, ON(4), FIRST, GT_FAIL, GT_GRADCHECK_NAN, "inf", "NaN or infinite"},
    {&border_op, ON(1, 2, 5, 5), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "32 of 50 entries", "only entries at the border of x are wrong: padding"},
    {&last_channel_op, ON(2, 3, 2, 2), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "8 of 24 entries", "only the last 1 of 3 along dimension 1 of x"},
    {&last_element_op, ON(17), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "d y[16] / d x[16]", "only the last 1 of 17 along dimension 0"},
    {&one_element_op, ON(100000), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "d y[54321] / d x[54321]", ""},
    {&nothing_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "analytic 0 ", "no gradient comes to x"},
    {&not_linear_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UPSTREAM, "not linear in the upstream", "use gout"},
    {&clipping_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UPSTREAM, "B(2^30 u) / 2^30 is", "clip gout"},
    {&sparing_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UPSTREAM, "B(2^-30 u) / 2^-30 is", "what is small"},
    {&offset_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UPSTREAM, "an upstream gradient of zeros gives", "every term"},
    {&changed_upstream_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_MUTATED, "backward changed the upstream gradient of y", "only read gout"},
    {&changed_input_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_MUTATED, "backward changed the values of x", "nothing but its outputs"},
    {&changed_output_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_MUTATED, "backward changed an input or output of the changed_output", "only read"},
    {&random_gradient_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_RANDOM, "two runs on the same inputs differ: the gradient of x[0]", "random numbers"},
    {&second_order_op, ON(3), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "order 1", ""},
    {&second_order_op, ON(3), {.order = 2}, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "d dx[", "a constant ratio of 1.5: a factor is too much"},
    {&unwritten_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UNWRITTEN, "y[0] was never written", "every element"},
    {&changing_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_MUTATED, "forward changed the values of x", "nothing but its outputs"},
    {&random_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_RANDOM, "two runs on the same inputs differ: y[0]", "random numbers"},
    {&nan_value_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_NAN, "y[1] is nan", "finite"},
    {&coarse_op, ON(3), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "", ""},
    {&coarse_op, ON(3), {.f32 = true}, GT_FAIL, GT_GRADCHECK_PRECISION, "y[2]   f32", "kernel for f32"},
    {&abs_op, {.in = GT_INPUTS(GT_IN_RANGE(0.5, 1, 3))}, FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "", ""},
    {&abs_op, {.in = GT_INPUTS(GT_IN_RANGE(0.5, 1, 3))}, {.order = 2}, GT_PASS, GT_GRADCHECK_NOTHING, "", ""},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero})}, FIRST, GT_FAIL, GT_GRADCHECK_KINK, "kink near x = 0", "declare .kinks"},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero}), .kinks = true}, FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "8 entries of the Jacobian compared, 1 skipped at kinks", ""},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero}), .kinks = true}, {.order = 2}, GT_PASS, GT_GRADCHECK_NOTHING, "1 skipped at kinks", ""},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero}), .kinks = true}, FAST, GT_PASS, GT_GRADCHECK_NOTHING, "without 1 entry at kinks", ""},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(1), .values = around_zero + 1}), .kinks = true}, FIRST, GT_INCONCLUSIVE, GT_GRADCHECK_KINK, "kink near x = 0", "a kink or a tie"},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(40), .values = sparse}), .kinks = true}, FAST, GT_PASS, GT_GRADCHECK_NOTHING, "without 36 entries at kinks, of which 32 only equal others", ""},
    {&abs_op, {.in = GT_INPUTS({.shape = GT_DIMS(40), .values = zeros}), .kinks = true}, FAST, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS, "x   40 elements, 9 projections, 40 skipped, all below the tolerance", ""},
    {&steep_op, {.in = GT_INPUTS({.shape = GT_DIMS(40), .values = zeros}), .kinks = true}, FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "entries of x", "at kinks"},
    {&steep_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero}), .kinks = true}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "1 of 3 entries of x", "at kinks"},
    {&steep_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = around_zero}), .kinks = true}, FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "1 of 3 entries of x", "at kinks"},
    {&largest_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = ties}), .kinks = true}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "at a kink of y[0] the slope", "equal maxima"},
    {&largest_op, {.in = GT_INPUTS({.shape = GT_DIMS(3), .values = ties}), .kinks = true}, FAST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "at a kink of a projection the slope", "equal maxima"},
    {&transposed_op, ON(3, 4), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "of 12 entries", "transposed"},
    {&transposed_op, ON(3, 3), FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "6 of 9 entries", "transposed"},
    {&product_op, {.in = GT_INPUTS(GT_IN(3, 3), GT_IN(3, 3))}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "9 of 9 entries of a", "transposed"},
    {&first_row_op, {.in = GT_INPUTS(GT_IN(3, 4), GT_IN(4))}, FIRST, GT_FAIL, GT_GRADCHECK_DERIVATIVE, "4 of 4 entries of b", "a reduction is missing after broadcasting"},
    {&not_reduced_op, {.in = GT_INPUTS(GT_IN(3, 4), GT_IN(4))}, FIRST, GT_FAIL, GT_GRADCHECK_ERROR, "a gradient of f64 [3,4]", "a reduction is missing: gt_sum_to"},
    {&subset_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FIRST, GT_FAIL, GT_GRADCHECK_SUBSET, "the gradient of b[", "one gradient out of another"},
    {&same_op, {.in = GT_INPUTS(GT_IN(3), GT_IN(3))}, FIRST, GT_FAIL, GT_GRADCHECK_SAME, "as inputs 0 and 1", "pointers"},
    {&overwriting_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_ACCUMULATE, "after two, where it should have doubled", ""},
    {&counted_op, ON(3), FIRST, GT_PASS, GT_GRADCHECK_NOTHING, "9 entries", ""},
    {&counted_op, ON(3), {.order = 2}, GT_PASS, GT_GRADCHECK_NOTHING, "", ""},
    {&counted_op, ON(3), {.f32 = true}, GT_PASS, GT_GRADCHECK_NOTHING, "9 values and gradients", ""},
    {&unwritten_count_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_UNWRITTEN, "y1[2] was never written", "every element"},
    {&unwritten_count_op, ON(3), {.order = 2}, GT_FAIL, GT_GRADCHECK_UNWRITTEN, "y1[2] was never written", "every element"},
    {&random_count_op, ON(3), FIRST, GT_FAIL, GT_GRADCHECK_RANDOM, "two runs on the same inputs differ: y1[0]", "random numbers"},
    {&count_f32_op, ON(3), {.f32 = true}, GT_FAIL, GT_GRADCHECK_PRECISION, "y1[0]   f32 1   f64 0", "a kernel for f32"},
    {&right_op, ON(3), {.order = 3}, GT_FAIL, GT_GRADCHECK_ERROR, "order is 3, must be 1 or 2", ""},
    {&right_op, ON(3), {.mode = (gt_gradcheck_mode)3}, GT_FAIL, GT_GRADCHECK_ERROR, "mode is 3", ""},
    {&right_op, ON(3), {.step = INFINITY}, GT_FAIL, GT_GRADCHECK_ERROR, "step is inf", "0 stands for the default"},
    {&right_op, ON(3), {.step = NAN}, GT_FAIL, GT_GRADCHECK_ERROR, "step is nan", ""},
    {&right_op, ON(3), {.rtol = INFINITY}, GT_FAIL, GT_GRADCHECK_ERROR, "rtol inf, atol 1e-07; they must be finite", ""},
    {&right_op, ON(3), {.rtol = NAN}, GT_FAIL, GT_GRADCHECK_ERROR, "rtol nan", ""},
    {&right_op, ON(3), {.atol = INFINITY}, GT_FAIL, GT_GRADCHECK_ERROR, "atol inf", ""},
    {&right_op, ON(3), {.atol = NAN}, GT_FAIL, GT_GRADCHECK_ERROR, "atol nan", ""},
    {&right_op, ON(3), {.atol = -1}, GT_FAIL, GT_GRADCHECK_ERROR, "tolerances not negative", ""},
    {&right_op, ON(3), {.probes = -1}, GT_FAIL, GT_GRADCHECK_ERROR, "probes -1", ""},
    {&right_op, ON(3), {.n_inputs = 1}, GT_FAIL, GT_GRADCHECK_ERROR, ".inputs is NULL, and .n_inputs 1", "GT_EACH_INPUT"},
    {&right_op, ON(3), {.inputs = no_rows}, GT_FAIL, GT_GRADCHECK_ERROR, ".inputs is a table, and .n_inputs 0", "GT_EACH_INPUT"},
    {&right_op, ON(3), {.others = nobody}, GT_FAIL, GT_GRADCHECK_ERROR, ".others and .n_others are of modules", ""},
    {&right_op, ON(3), {.n_others = 1}, GT_FAIL, GT_GRADCHECK_ERROR, ".others and .n_others are of modules", ""},
    {&right_op, ON(3), {.f32 = true, .step = 1e-3}, GT_FAIL, GT_GRADCHECK_ERROR, ".step is not for this", ""},
    {&right_op, ON(3), {.f32 = true, .atol = 1e-3}, GT_FAIL, GT_GRADCHECK_ERROR, ".rtol and .atol are not for this", ""},
};
// clang-format on

static bool is_as_said(gt_ctx *gt, const op_case *k)
{
    gt_gradcheck_report r;
    const uint64_t nodes = gt_get_stats(gt).nodes;
    const gt_verdict v = gt_gradcheck_op(gt, k->op, &k->sample, &k->opts, &r);
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).nodes, nodes);
    if (v == k->verdict && r.verdict == v && r.kind == k->kind && strstr(r.message, k->says) &&
        strstr(r.hint, k->hint))
        return true;
    print_error("%s: wanted %s, kind %d, \"%s\", hint \"%s\"; got kind %d\n%s\n", k->op->name,
                gt_verdict_name(k->verdict), (int)k->kind, k->says, k->hint, (int)r.kind,
                r.message);
    return false;
}

static void wrong_operations_are_found(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof op_cases / sizeof *op_cases; i++)
        wrong += !is_as_said(*state, &op_cases[i]);
    assert_int_equal(wrong, 0);
}

static void the_report_names_the_worst_entry(void **state)
{
    gt_gradcheck_report r;
    const gt_sample sample = ON(2, 3, 2, 2);
    gt_gradcheck_op(*state, &last_channel_op, &sample, &(gt_gradcheck_opts){.seed = 91}, &r);
    assert_int_equal(r.verdict, GT_FAIL);
    assert_int_equal(r.input, 0);
    assert_int_equal(r.n_inputs, 1);
    const gt_gradcheck_input *x = &r.inputs[0];
    assert_string_equal(x->name, "x");
    assert_int_equal(x->size, 24);
    assert_int_equal(x->output, 0);
    assert_int_equal(x->in_index[1], 2);
    assert_memory_equal(x->in_index, x->out_index, sizeof x->in_index);
    assert_true(x->analytic == 0);
    assert_true(fabs(x->numeric - 2 * x->x) < 1e-8);
    assert_true(x->estimate < 1e-8);
    assert_true(fabs(x->relative - 1) < 1e-8);
    assert_true(x->whole && x->compared == 24 * 24 && x->wrong == 8 && x->skipped == 0);
    assert_int_equal(x->telling, 24);
    assert_int_equal(r.wrong, 8);
    assert_int_equal(r.entries, 24 * 24);
    assert_int_equal(r.seed, 91);
    assert_int_equal(r.sample, -1);
    assert_true(strncmp(r.message, "gradcheck FAIL  last_channel  order 1\n  d y[", 40) == 0);
    assert_non_null(strstr(r.message, "\n  again: with .seed = 91\n"));
}

/* No step of any length that is tried tells anything. */
static void built_in_operations_can_be_repeated_from_the_shell(void **state)
{
    const gt_op *exp = gt_op_find("exp")->op;
    gt_gradcheck_opts opts = {.seed = 5, .step = 1e300};
    gt_gradcheck_report r;
    assert_int_equal(gt_gradcheck_op(*state, exp, &exp->samples[1], &opts, &r), GT_FAIL);
    assert_int_equal(r.sample, 1);
    assert_non_null(strstr(r.message, "\n  again: gradtape check --sample 1 --seed 5 exp\n"));
    opts.order = 2; /* finds it in first order */
    assert_int_equal(gt_gradcheck_op(*state, exp, &exp->samples[1], &opts, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "--sample 1 --seed 5 exp\n"));
}

/* Nothing from an earlier check may help. */
static void the_first_check_sees_what_is_not_written(void **state)
{
    const gt_op *const ops[] = {&unwritten_op, &unwritten_count_op};
    (void)state;
    for (int i = 0; i < 2; i++) {
        gt_ctx *gt = gt_open();
        gt_gradcheck_report r;
        gt_gradcheck_op(gt, ops[i], &(gt_sample)ON(3), NULL, &r);
        assert_int_equal(r.kind, GT_GRADCHECK_UNWRITTEN);
        gt_close(gt);
    }
}

/* Under the address sanitizer nobody gets that far. */
static void what_is_written_behind_the_end_is_seen(void **state)
{
    (void)state;
#ifndef GTI_POISONS
    static const struct {
        const gt_op *op;
        const char *says;
    } cases[] = {{&beyond_op, "wrote behind the end of an output"},
                 {&beyond_scratch_op, "wrote behind the end of its scratch"}};
    for (int i = 0; i < 2; i++) {
        gt_ctx *gt = gt_open();
        gt_gradcheck_report r;
        gt_gradcheck_op(gt, cases[i].op, &(gt_sample)ON(3), NULL, &r);
        assert_int_equal(r.kind, GT_GRADCHECK_ERROR);
        if (!strstr(r.message, cases[i].says)) fail_msg("%s", r.message);
        gt_close(gt);
    }
#else
    skip();
#endif
}

static void wrong_tables_of_attributes_are_refused(void **state)
{
    static const gt_attr rows[] = {{.name = "far", .kind = GT_ATTR_REAL, .at = 64, .count = 1}};
    gt_op op = right_op;
    gt_gradcheck_report r;
    op.attrs = (gt_attrs)GT_ATTRS(rows);
    assert_int_equal(gt_gradcheck_op(*state, &op, &(gt_sample)ON(3), NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "its table of attributes is wrong: row 0, 'far', lies out"));
}

static void operations_without_a_rule_are_checked_forward(void **state)
{
    gt_op op = right_op;
    gt_gradcheck_report r;
    op.backward = NULL;
    assert_int_equal(gt_gradcheck_op(*state, &op, &(gt_sample)ON(3), NULL, &r), GT_INCONCLUSIVE);
    assert_int_equal(r.kind, GT_GRADCHECK_VACUOUS);
    assert_non_null(strstr(r.message, "forward alone"));
    op.forward[GT_F64] = random_op.forward[GT_F64];
    assert_int_equal(gt_gradcheck_op(*state, &op, &(gt_sample)ON(3), NULL, &r), GT_FAIL);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int k = GT_GRADCHECK_NOTHING; k <= GT_GRADCHECK_ERROR; k++) {
        const char *name = gt_gradcheck_kind_name((gt_gradcheck_kind)k);
        assert_true(name && name[0] >= 'a');
    }
}

static const gt_sample samples[] = {ON(2), ON(3)};
static const gt_error_sample errors[] = {{.label = "NULL",
                                          .in = GT_INPUTS({.null = true}),
                                          .code = GT_ERR_ARGUMENT,
                                          .message = "input x is NULL"}};

static void tables_of_samples(void **state)
{
    gt_ctx *gt = *state;
    gt_gradcheck_report r;
    gt_op op = sign_op;
    assert_int_equal(gt_gradcheck_samples(gt, &op, NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "sign has no samples"));
    assert_int_equal(gt_gradcheck_error_samples(gt, &op, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "sign has no error samples"));
    op.n_samples = op.n_error_samples = 2;
    assert_int_equal(gt_gradcheck_samples(gt, &op, NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "of sign the samples are NULL, and their number is 2"));
    assert_int_equal(gt_gradcheck_error_samples(gt, &op, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "the error samples are NULL, and their number is 2"));
    op.samples = samples, op.n_samples = 0;
    assert_int_equal(gt_gradcheck_samples(gt, &op, NULL, &r), GT_FAIL);
    assert_non_null(strstr(r.message, "the samples are a table, and their number is 0"));
    op.n_samples = 2;
    op.error_samples = errors, op.n_error_samples = 1;
    assert_int_equal(gt_gradcheck_samples(gt, &op, NULL, &r), GT_FAIL);
    assert_int_equal(r.sample, 0);
    op.backward = right_op.backward;
    for (int f32 = 0; f32 < 2; f32++) {
        const gt_gradcheck_opts opts = {.f32 = f32};
        assert_int_equal(gt_gradcheck_samples(gt, &op, &opts, &r), GT_PASS);
        assert_non_null(strstr(r.message, "  2 of 2 samples pass\n"));
    }
    if (gt_gradcheck_error_samples(gt, &op, &r) != GT_PASS) fail_msg("%s", r.message);
}

/* What an error sample must not be: passing, of another code, with another message. */
static const struct {
    gt_error_sample sample;
    const char *says;
} misstated[] = {
    {{.in = GT_INPUTS(GT_IN(2)), .code = GT_ERR_SHAPE, .message = "x"}, "the call succeeded"},
    {{.in = GT_INPUTS({.null = true}), .code = GT_ERR_SHAPE, .message = "NULL"}, "not shape"},
    {{.in = GT_INPUTS({.null = true}), .code = GT_ERR_ARGUMENT, .message = "seven"},
     "lacks \"seven\""},
    {{.in = GT_INPUTS({.null = true}), .code = GT_ERR_ARGUMENT}, "no message given"},
};
static void error_samples_must_fail_as_they_say(void **state)
{
    for (size_t i = 0; i < sizeof misstated / sizeof *misstated; i++) {
        gt_op op = right_op;
        gt_gradcheck_report r;
        op.error_samples = &misstated[i].sample, op.n_error_samples = 1;
        assert_int_equal(gt_gradcheck_error_samples(*state, &op, &r), GT_FAIL);
        if (!strstr(r.message, misstated[i].says))
            fail_msg("no \"%s\" in %s", misstated[i].says, r.message);
        assert_well(*state);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_operations_are_found),
        TEST(the_report_names_the_worst_entry),
        TEST(built_in_operations_can_be_repeated_from_the_shell),
        cmocka_unit_test(the_first_check_sees_what_is_not_written),
        cmocka_unit_test(what_is_written_behind_the_end_is_seen),
        TEST(wrong_tables_of_attributes_are_refused),
        TEST(operations_without_a_rule_are_checked_forward),
        cmocka_unit_test(every_kind_has_a_name),
        TEST(tables_of_samples),
        TEST(error_samples_must_fail_as_they_say),
    };
    return cmocka_run_group_tests_name("gradcheck", tests, NULL, NULL);
}

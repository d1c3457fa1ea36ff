/* The tests tested: mistakes are planted into rules and into the checker, one at a time, and each
 * must be found by what looks for it.
 *
 * In any build every registered rule is spoilt from outside in the ways that suit all of them.
 * Builds with GT_MUTANTS have the mistakes of engine/mutants.def too, in the very lines of rules
 * and checker. */
#include "support.h"
#include "wrong_shapes.h"

#include "engine/mutants.h"

/* Whether the checker fails op on one of its samples, in first or second order. */
static bool is_found(gt_ctx *gt, const gt_op *op)
{
    const gt_gradcheck_opts opts = {.order = 2};
    return gt_gradcheck_samples(gt, op, &opts, NULL) == GT_FAIL;
}

/* --- rules spoilt from outside --- */

static const gt_op *original(const gt_node *n)
{
    return gt_op_find(n->op->name)->op;
}

/* gin[i] of the original rule with each gradient changed by `how`. */
static bool spoil(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[],
                  gt_tensor *(*how)(gt_tensor *g))
{
    if (!original(n)->backward(n, gout, gin)) return false;
    for (int i = 0; i < n->n_in; i++)
        if (gin[i]) gin[i] = how(gin[i]);
    return true;
}

static gt_tensor *none(gt_tensor *g)
{
    (void)g;
    return NULL;
}

static gt_tensor *slightly_more(gt_tensor *g)
{
    return gt_mul_scalar(g, 1.0001);
}

static bool sign_flipped(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    return spoil(n, gout, gin, gt_neg);
}

static bool missing(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    return spoil(n, gout, gin, none);
}

static bool inexact(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    return spoil(n, gout, gin, slightly_more);
}

static bool upstream_squared(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *squared[GT_OP_OUTPUTS];
    for (int i = 0; i < n->n_out; i++) squared[i] = gt_square(gout[i]);
    return original(n)->backward(n, squared, gin);
}

static bool upstream_ignored(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *ones[GT_OP_OUTPUTS];
    for (int i = 0; i < n->n_out; i++) ones[i] = gout[i] ? gt_ones_like(gout[i]) : NULL;
    return original(n)->backward(n, ones, gin);
}

static bool first_forgotten(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (!original(n)->backward(n, gout, gin)) return false;
    int i = 0;
    while (i < n->n_in && !gin[i]) i++;
    if (i < n->n_in) gin[i] = NULL;
    return true;
}

static const struct {
    const char *name;
    bool (*rule)(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[]);
} spoilt[] = {
    {"the sign flipped", sign_flipped},         {"no gradient", missing},
    {"a ten-thousandth too much", inexact},     {"the upstream squared", upstream_squared},
    {"the upstream ignored", upstream_ignored}, {"no gradient of the first input", first_forgotten},
};

/* Steps: spoiling a gradient of 0 leaves it as it is. (They carry mistakes of mutants.def.) */
static bool is_flat(const gt_op_info *info)
{
    return info->op->gradient && !strcmp(info->op->gradient, "dx = 0");
}

static bool can_be_spoilt(const gt_op_info *info)
{
    return info->op && info->op->backward && !is_flat(info);
}

static void spoilt_rules_are_found(void **state)
{
    size_t n;
    const gt_op_info *info = gt_ops(&n);
    int missed = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; can_be_spoilt(&info[i]) && k < sizeof spoilt / sizeof *spoilt; k++) {
            gt_op op = *info[i].op;
            op.backward = spoilt[k].rule;
            if (is_found(*state, &op)) continue;
            print_error("not found: %s with %s\n", op.name, spoilt[k].name);
            missed++;
        }
    assert_int_equal(missed, 0);
}

/* --- planted mistakes --- */

static const struct {
    const char *name, *op, *mistake;
} plants[] = {
#define GTI_MUTANT(name, op, mistake) {#name, op, mistake},
#include "engine/mutants.def"
#undef GTI_MUTANT
};
enum { N_PLANTS = sizeof plants / sizeof *plants };

static int plants_of(const char *op)
{
    int n = 0;
    for (int i = 0; i < N_PLANTS; i++) n += strcmp(plants[i].op, op) == 0;
    return n;
}

static void every_rule_carries_two(void **state)
{
    (void)state;
    size_t n;
    int few = 0;
    const gt_op_info *info = gt_ops(&n);
    for (size_t i = 0; i < n; i++) {
        if (!info[i].op || !info[i].op->backward || plants_of(info[i].name) >= 2) continue;
        print_error("%s carries %d planted mistakes: spoil two lines of its rule by GT_MUTANT, and "
                    "name them in src/engine/mutants.def\n",
                    info[i].name, plants_of(info[i].name));
        few++;
    }
    assert_int_equal(few, 0);
    for (int i = 0; i < N_PLANTS; i++)
        if (plants[i].op[0] && !gt_op_find(plants[i].op))
            fail_msg("%s: there is no operation %s", plants[i].name, plants[i].op);
}

#ifdef GT_MUTANTS

/* The enumeration of engine/mutants.h begins with none. */
static gti_mutant mutant_of(int plant)
{
    return (gti_mutant)(plant + 1);
}

static void mistakes_in_rules_are_found(void **state)
{
    int missed = 0;
    for (int i = 0; i < N_PLANTS; i++) {
        if (!plants[i].op[0]) continue;
        const gt_op_info *info = gt_op_find(plants[i].op);
        assert_non_null(info);
        assert_false(is_found(*state, info->op));
        gti_mutant_activate(mutant_of(i));
        const bool found = is_found(*state, info->op);
        gti_mutant_activate(GTI_NO_MUTANT);
        if (found) continue;
        print_error("not found: %s in %s: %s\n", plants[i].name, plants[i].op, plants[i].mistake);
        missed++;
    }
    assert_int_equal(missed, 0);
}

/* For each mistake in the checker a wrong operation that only the whole checker reports as it is.
 */
static const double around_zero[] = {1, 0, -2};
static const struct {
    gti_mutant mutant;
    const gt_op *op;
    gt_sample sample;
    gt_gradcheck_opts opts;
    gt_gradcheck_kind kind;
} checks[] = {
// clang-format off
#define CHECK(name) GTI_MUTANT_check_##name
#define ON(...) {.in = GT_INPUTS(__VA_ARGS__)}
#define FIRST {.order = 1}
#define SECOND {.order = 2}
#define IN_F32 {.f32 = true}
#define ZERO {.shape = GT_DIMS(3), .values = around_zero}
    {CHECK(absolute), &sign_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_DERIVATIVE},
    {CHECK(nan_blind), &nan_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_NAN},
    {CHECK(averaged), &one_element_op, ON(GT_IN(100000)), FIRST, GT_GRADCHECK_DERIVATIVE},
    {CHECK(no_kinks), &abs_op, ON(ZERO), FIRST, GT_GRADCHECK_KINK},
    {CHECK(no_prints), &changing_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_MUTATED},
    {CHECK(no_saved), &changed_output_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_MUTATED},
    {CHECK(no_upstream), &changed_upstream_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_MUTATED},
    {CHECK(unwritten), &unwritten_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_UNWRITTEN},
    {CHECK(one_run), &random_gradient_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_RANDOM},
    {CHECK(no_whole), &unwritten_count_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_UNWRITTEN},
    {CHECK(no_whole_f32), &count_f32_op, ON(GT_IN(3)), IN_F32, GT_GRADCHECK_PRECISION},
    {CHECK(no_f32), &coarse_op, ON(GT_IN(3)), IN_F32, GT_GRADCHECK_PRECISION},
    {CHECK(no_zero), &offset_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_UPSTREAM},
    {CHECK(not_linear), &not_linear_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_UPSTREAM},
    {CHECK(no_subsets), &subset_op, ON(GT_IN(3), GT_IN(3)), FIRST, GT_GRADCHECK_SUBSET},
    {CHECK(no_same), &same_op, ON(GT_IN(3), GT_IN(3)), FIRST, GT_GRADCHECK_SAME},
    {CHECK(no_accumulation), &overwriting_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_ACCUMULATE},
    {CHECK(no_silent), &silent_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_SUBSET},
    {CHECK(no_drift), &drifting_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_RANDOM},
    {CHECK(vacuous), &tiny_op, ON(GT_IN(3)), FIRST, GT_GRADCHECK_VACUOUS},
    {CHECK(first_alone), &second_order_op, ON(GT_IN(3)), SECOND, GT_GRADCHECK_DERIVATIVE},
    // clang-format on
};
enum { N_CHECKS = sizeof checks / sizeof *checks };

static bool is_reported(gt_ctx *gt, int i)
{
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck_op(gt, checks[i].op, &checks[i].sample, &checks[i].opts, &r);
    return v != GT_PASS && r.kind == checks[i].kind;
}

static void mistakes_in_the_checker_are_found(void **state)
{
    assert_int_equal(plants_of(""), N_CHECKS);
    for (int i = 0; i < N_CHECKS; i++) {
        const char *name = plants[checks[i].mutant - 1].name;
        if (!is_reported(*state, i)) fail_msg("%s: not reported in the first place", name);
        gti_mutant_activate(checks[i].mutant);
        const bool reported = is_reported(*state, i);
        gti_mutant_activate(GTI_NO_MUTANT);
        if (reported) fail_msg("%s goes unnoticed", name);
    }
}
#endif

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_context, close_context)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spoilt_rules_are_found),
        TEST(every_rule_carries_two),
#ifdef GT_MUTANTS
        TEST(mistakes_in_rules_are_found),
        TEST(mistakes_in_the_checker_are_found),
#endif
    };
    return cmocka_run_group_tests_name("mutants", tests, NULL, NULL);
}

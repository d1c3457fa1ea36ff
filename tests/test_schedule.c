/* Schedules against learning rates recorded from PyTorch, their state, misuse. */
#include "optim_support.h"

static double power(int64_t epoch, void *base)
{
    return pow(*(const double *)base, (double)epoch);
}

static double base = 0.95;

static gt_schedule *multi_step(gt_optimizer *o, const double *v, int n)
{
    int64_t milestones[OPTIONS];
    for (int i = 1; i < n; i++) milestones[i - 1] = (int64_t)v[i];
    return gt_multi_step_lr(o, milestones, n - 1, .gamma = v[0]);
}

static gt_schedule *warmed_up(gt_optimizer *o)
{
    gt_schedule *parts[] = {gt_linear_lr(o, .start_factor = 0.1), gt_cosine_annealing_lr(o, 10),
                            gt_step_lr(o, 3)};
    return gt_sequential_lr(parts, 3, (int64_t[]){5, 16});
}

static gt_schedule *restarting(gt_optimizer *o)
{
    gt_schedule *parts[] = {gt_constant_lr(o, .factor = 0.5, .total_iters = 3),
                            gt_cosine_annealing_warm_restarts(o, 4, .t_mult = 2),
                            gt_lambda_lr(o, power, &base),
                            gt_multi_step_lr(o, ((int64_t[]){2, 3}), 2)};
    return gt_sequential_lr(parts, 4, (int64_t[]){4, 15, 24});
}

static gt_schedule *chained(gt_optimizer *o)
{
    gt_schedule *parts[] = {gt_constant_lr(o, .factor = 0.25, .total_iters = 4),
                            gt_exponential_lr(o, 0.9), gt_step_lr(o, 10, .gamma = 0.5)};
    return gt_chained_lr(parts, 3);
}

static gt_schedule *crossed(gt_optimizer *o)
{
    gt_schedule *parts[] = {gt_cosine_annealing_lr(o, 8, .eta_min = 0.05),
                            gt_step_lr(o, 5, .gamma = 0.25)};
    return gt_chained_lr(parts, 2);
}

/* v are the n numbers of the case's line "opts". */
#define CALLS(ROW)                                                                                 \
    ROW(step, gt_step_lr(o, (int64_t)v[0], .gamma = v[1]))                                         \
    ROW(multi_step, multi_step(o, v, n))                                                           \
    ROW(exponential, gt_exponential_lr(o, v[0]))                                                   \
    ROW(constant, gt_constant_lr(o, .factor = v[0], .total_iters = (int64_t)v[1]))                 \
    ROW(linear,                                                                                    \
        gt_linear_lr(o, .start_factor = v[0], .end_factor = v[1], .total_iters = (int64_t)v[2]))   \
    ROW(polynomial, gt_polynomial_lr(o, .total_iters = (int64_t)v[0], .power = v[1]))              \
    ROW(cosine, gt_cosine_annealing_lr(o, (int64_t)v[0], .eta_min = v[1]))                         \
    ROW(cosine_restarts, gt_cosine_annealing_warm_restarts(                                        \
                             o, (int64_t)v[0], .t_mult = (int64_t)v[1], .eta_min = v[2]))          \
    ROW(one_cycle, gt_one_cycle_lr(o, v[0], (int64_t)v[1], .pct_start = v[2], .div_factor = v[3],  \
                                   .final_div_factor = v[4], .linear = v[5] > 0,                   \
                                   .three_phase = v[6] > 0, .no_cycle_momentum = v[7] > 0))        \
    ROW(lambda, gt_lambda_lr(o, power, &base))                                                     \
    ROW(plateau, gt_reduce_lr_on_plateau(o, .max = v[0] > 0, .factor = v[1],                       \
                                         .patience = GT_EXACTLY((int64_t)v[2]), .threshold = v[3], \
                                         .abs = v[4] > 0, .cooldown = (int64_t)v[5],               \
                                         .min_lr = v[6], .eps = v[7]))                             \
    ROW(warmed_up, warmed_up(o))                                                                   \
    ROW(restarting, restarting(o))                                                                 \
    ROW(chained, chained(o))                                                                       \
    ROW(crossed, crossed(o))

#define CALL_FUNCTION(name, call)                                                                  \
    static gt_schedule *make_##name(gt_optimizer *o, const double *v, int n)                       \
    {                                                                                              \
        (void)v, (void)n;                                                                          \
        return call;                                                                               \
    }
CALLS(CALL_FUNCTION)

static const struct {
    const char *name;
    gt_schedule *(*make)(gt_optimizer *o, const double *v, int n);
} schedules[] = {
#define ROW(name, call) {#name, make_##name},
    CALLS(ROW)
#undef ROW
};
enum { N_SCHEDULES = sizeof schedules / sizeof *schedules };

static gt_schedule *make(const recorded *r, gt_optimizer *o)
{
    for (int i = 0; i < N_SCHEDULES; i++)
        if (!strcmp(schedules[i].name, r->name)) return schedules[i].make(o, r->o, r->n_opts);
    fail_msg("no call for %s", r->name);
    return NULL;
}

/* As tools/reference_optim.py has it. */
static double metric(int epoch)
{
    return epoch < 5    ? 4.0 - 0.5 * epoch
           : epoch < 14 ? 1.5
           : epoch < 20 ? 1.5 - 1e-5 * epoch
                        : 1.4 + 0.1 * (epoch - 20);
}

static gt_optimizer *two_rates(gt_module *m)
{
    gt_optimizer *o = gt_sgd(m, .lr = 0.1, .momentum = 0.9);
    gt_optimizer_add_group(o, "b", .lr = 0.25);
    return o;
}

static double momentum_of(const gt_optimizer *o)
{
    char name[32];
    for (gt_optim_iter it = gt_optimizer_state(o); gt_optim_next(&it);) {
        gt_optim_name(&it, name, sizeof name);
        if (!strcmp(name, "momentum")) return it.number;
    }
    return NAN;
}

static void check_epoch(const recorded *r, int epoch, const gt_optimizer *o)
{
    const double is[] = {gt_optimizer_lr(o), gt_optimizer_group_lr(o, 0), momentum_of(o)};
    for (int i = 0; i < 3; i++) {
        const double want = r->values[3 * epoch + i];
        if (!(fabs(is[i] - want) <= 1e-12 * fabs(want) + 1e-16))
            fail_msg("%s %g .. %g, epoch %d, number %d: %.17g instead of %.17g", r->name, r->o[0],
                     r->n_opts ? r->o[r->n_opts - 1] : 0, epoch, i, is[i], want);
    }
}

static int for_each_case(void (*check)(const recorded *r, gt_module *m))
{
    FILE *f = open_recorded();
    int n = 0;
    for (recorded r; read_case(f, &r);) {
        if (strcmp(r.label, "schedule") != 0) continue;
        gt_ctx *gt = gt_open();
        check(&r, gt_module_new(gt, &bag_type));
        assert_well(gt);
        gt_close(gt);
        n++;
    }
    fclose(f);
    return n;
}

static void follow(const recorded *r, gt_module *m)
{
    gt_optimizer *o = two_rates(m);
    gt_schedule *s = make(r, o);
    for (int epoch = 0; epoch <= 30; epoch++) {
        check_epoch(r, epoch, o);
        assert_int_equal(gt_schedule_last_epoch(s), epoch);
        if (epoch < 30) assert_int_equal(gt_schedule_step_metric(s, metric(epoch)), GT_OK);
    }
    assert_true(gt_schedule_lr(s) == gt_optimizer_lr(o));
}

static void test_recorded(void **state)
{
    (void)state;
    assert_in_range(for_each_case(follow), N_SCHEDULES, 100);
}

/* --- state --- */

static void copy_state(const gt_optimizer *o, gt_optimizer *o2, const gt_schedule *s,
                       gt_schedule *s2)
{
    char name[64];
    gt_optim_iter it = gt_optimizer_state(o);
    while (gt_optim_next(&it)) {
        assert_in_range(gt_optim_name(&it, name, sizeof name), 1, sizeof name - 1);
        assert_int_equal(gt_optimizer_set_state(o2, name, it.tensor, it.number), GT_OK);
    }
    it = gt_schedule_state(s);
    while (gt_optim_next(&it)) {
        assert_in_range(gt_optim_name(&it, name, sizeof name), 1, sizeof name - 1);
        assert_null(it.tensor);
        assert_int_equal(gt_schedule_set_state(s2, name, it.number), GT_OK);
    }
}

/* Every few epochs training goes on with new objects and the old state: the same bits. */
static void resume(const recorded *r, gt_module *m)
{
    gt_optimizer *o = two_rates(m), *whole = two_rates(m);
    gt_schedule *s = make(r, o), *straight = make(r, whole);
    for (int epoch = 0; epoch < 30; epoch++) {
        gt_schedule_step_metric(s, metric(epoch));
        gt_schedule_step_metric(straight, metric(epoch));
        assert_true(gt_optimizer_lr(o) == gt_optimizer_lr(whole));
        assert_true(gt_optimizer_group_lr(o, 0) == gt_optimizer_group_lr(whole, 0));
        assert_true(momentum_of(o) == momentum_of(whole));
        if (epoch % 4 != 1) continue;
        gt_optimizer *o2 = two_rates(m);
        gt_schedule *s2 = make(r, o2);
        copy_state(o, o2, s, s2);
        o = o2;
        s = s2;
    }
}

static void test_resume(void **state)
{
    (void)state;
    assert_in_range(for_each_case(resume), N_SCHEDULES, 100);
}

static void test_state_names(void **state)
{
    static const char *const want[] = {"last_epoch", "0.last_epoch", "1.last_epoch", "1.T_cur",
                                       "1.T_i",      "2.last_epoch", "3.last_epoch"};
    (void)state;
    gt_ctx *gt = gt_open();
    gt_schedule *s = restarting(two_rates(gt_module_new(gt, &bag_type)));
    size_t n = 0;
    char name[64];
    for (gt_optim_iter it = gt_schedule_state(s); gt_optim_next(&it); n++) {
        gt_optim_name(&it, name, sizeof name);
        assert_in_range(n, 0, sizeof want / sizeof *want - 1);
        assert_string_equal(name, want[n]);
        assert_true(gt_schedule_has_state(s, name));
    }
    assert_string_equal(gt_schedule_name(s), "SequentialLR");
    assert_null(gt_schedule_name(NULL));
    assert_false(gt_schedule_has_state(NULL, "last_epoch"));
    assert_int_equal(n, sizeof want / sizeof *want);
    assert_int_equal(gt_schedule_set_state(s, "1.T_cur", 2), GT_OK);
    static const struct {
        const char *name;
        double number;
        const char *message;
    } bad[] = {{"last_epoch", -2, "'last_epoch' is -2, but must be a count"},
               {"1.T_cur", 0.5, "'1.T_cur' is 0.5"},
               {"1.T_cur", NAN, "must be a count"},
               {"4.last_epoch", 1, "there is no '4.last_epoch'"},
               {"0.0.last_epoch", 1, "there is no"},
               {"x.last_epoch", 1, "there is no"},
               {".last_epoch", 1, "there is no"},
               {"best", 1, "there is no 'best'"},
               {NULL, 1, "there is no"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool has = !strstr(bad[i].message, "there is no");
        assert_int_equal(gt_schedule_has_state(s, bad[i].name), has);
        assert_int_equal(gt_schedule_set_state(s, bad[i].name, bad[i].number), GT_ERR_ARGUMENT);
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
    }
    gt_close(gt);
}

/* A group with a scale follows the optimizer's rate; one that comes later starts from its own. */
static void test_groups_follow(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_optimizer *o = gt_sgd(gt_module_new(gt, &bag_type), .lr = 1);
    gt_optimizer_add_group(o, "a", .lr_scale = 0.5);
    gt_schedule *s = gt_exponential_lr(o, 0.5);
    assert_int_equal(gt_schedule_step(s), GT_OK);
    gt_optimizer_add_group(o, "b", .lr = 8);
    assert_int_equal(gt_schedule_step(s), GT_OK);
    assert_true(gt_optimizer_lr(o) == 0.25);
    assert_true(gt_optimizer_group_lr(o, 0) == 0.125);
    assert_true(gt_optimizer_group_lr(o, 1) == 4);
    gt_close(gt);
}

/* --- misuse --- */

static void test_bad_options(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_optimizer *o = two_rates(m), *adagrad = gt_adagrad(m);
    gt_schedule *part = gt_step_lr(o, 2), *other = gt_step_lr(adagrad, 2);
    gt_schedule *plateau = gt_reduce_lr_on_plateau(o);
    gt_schedule *chain = gt_chained_lr((gt_schedule *[]){part}, 1);
    gt_schedule *fresh = gt_step_lr(o, 2);
    const struct {
        gt_schedule *made;
        const char *message;
    } good[] = {{chain, ""}, {fresh, ""}, {plateau, ""}, {other, ""}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_non_null(good[i].made);
#define BAD(call, message)                                                                         \
    assert_null(call);                                                                             \
    assert_error(gt, GT_ERR_ARGUMENT, message)
    BAD(gt_step_lr(o, 0), "StepLR (");
    BAD(gt_step_lr(o, 0), "step_size is 0, but must be finite and at least 1");
    BAD(gt_step_lr(o, 3, .gamma = -1), "gamma is -1");
    BAD(gt_multi_step_lr(o, NULL, 2), "the number of milestones is 0");
    BAD(gt_exponential_lr(o, NAN), "ExponentialLR");
    BAD(gt_constant_lr(o, .factor = GT_ZERO), "factor is 0, but must be between");
    BAD(gt_linear_lr(o, .start_factor = 1.5), "start_factor is 1.5");
    BAD(gt_linear_lr(o, .total_iters = -1), "total_iters is -1");
    BAD(gt_polynomial_lr(o, .power = -1), "power is -1");
    BAD(gt_cosine_annealing_lr(o, 0), "t_max is 0");
    BAD(gt_cosine_annealing_warm_restarts(o, 3, .t_mult = -1), "t_mult is -1");
    BAD(gt_one_cycle_lr(o, 0.1, 0), "total_steps is 0");
    BAD(gt_one_cycle_lr(o, 0.1, 10, .pct_start = 1.5), "pct_start is 1.5");
    BAD(gt_one_cycle_lr(adagrad, 0.1, 10), "Adagrad has no momentum");
    BAD(gt_reduce_lr_on_plateau(o, .factor = 1), "factor is 1");
    BAD(gt_lambda_lr(o, NULL, NULL), "the function is NULL");
    BAD(gt_chained_lr((gt_schedule *[]){part}, 1), "schedule 0 is part of another already");
    BAD(gt_chained_lr(((gt_schedule *[]){fresh, plateau}), 2), "schedule 1 needs a metric");
    BAD(gt_chained_lr(((gt_schedule *[]){fresh, other}), 2), "schedule 1 has another optimizer");
    BAD(gt_chained_lr(((gt_schedule *[]){fresh, fresh}), 2), "schedule 1 is there twice");
    BAD(gt_chained_lr(((gt_schedule *[]){fresh, NULL}), 2), "schedule 1 is NULL");
    BAD(gt_sequential_lr(((gt_schedule *[]){fresh, gt_step_lr(o, 2)}), 2, (int64_t[]){0}),
        "milestone 0 is 0");
    BAD(gt_sequential_lr(((gt_schedule *[]){fresh, gt_step_lr(o, 2)}), 2, NULL),
        "the milestones are NULL");
#undef BAD
    assert_int_equal(gt_schedule_step(part), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "this StepLR is part of a ChainedScheduler");
    assert_false(gt_schedule_needs_metric(fresh));
    assert_true(gt_schedule_needs_metric(plateau));
    assert_int_equal(gt_schedule_step(plateau), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "ReduceLROnPlateau needs a metric");
    gt_schedule *cycle = gt_one_cycle_lr(o, 0.1, 2);
    for (int i = 0; i < 2; i++) assert_int_equal(gt_schedule_step(cycle), GT_OK);
    assert_int_equal(gt_schedule_step(cycle), GT_ERR_STATE);
    assert_error(gt, GT_ERR_STATE, "step 3 of a cycle of 2 steps");
    gt_close(gt);
}

/* A rate that is no number is an error at once, rather than weights that are none. */
static void test_not_finite(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_optimizer *o = two_rates(gt_module_new(gt, &bag_type));
    gt_schedule *s = gt_exponential_lr(o, 1e200);
    assert_int_equal(gt_schedule_step(s), GT_OK);
    assert_int_equal(gt_schedule_step(s), GT_ERR_NUMERIC);
    assert_error(gt, GT_ERR_NUMERIC, "ExponentialLR (test_schedule.c:");
    assert_int_equal(gt_schedule_last_epoch(s), 1);
    assert_true(gt_schedule_lr(s) == 0.1 * 1e200);
    double nan = NAN;
    s = gt_lambda_lr(o, power, &nan);
    assert_int_equal(gt_schedule_step(s), GT_ERR_NUMERIC);
    assert_error(gt, GT_ERR_NUMERIC, "the learning rate of epoch 1 is nan");
    gt_close(gt);
}

static void test_null_and_failed(void **state)
{
    (void)state;
    assert_null(gt_step_lr(NULL, 2));
    assert_error(NULL, GT_ERR_ARGUMENT, "the optimizer is NULL");
    assert_null(gt_chained_lr((gt_schedule *[]){NULL}, 1));
    assert_error(NULL, GT_ERR_ARGUMENT, "a schedule is NULL");
    assert_int_equal(gt_schedule_step(NULL), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the schedule is NULL");
    assert_true(isnan(gt_schedule_lr(NULL)));
    gt_optim_iter it = gt_schedule_state(NULL);
    assert_false(gt_optim_next(&it));

    gt_ctx *gt = gt_open();
    gt_optimizer *o = two_rates(gt_module_new(gt, &bag_type));
    gt_schedule *s = gt_step_lr(o, 1);
    gt_fail(gt, GT_ERR_NUMERIC, "test", "first");
    assert_int_equal(gt_schedule_step(s), GT_ERR_NUMERIC);
    assert_null(gt_step_lr(o, 2));
    assert_error(gt, GT_ERR_NUMERIC, "first");
    assert_true(gt_schedule_lr(s) == 0.1);
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_state_names),     cmocka_unit_test(test_groups_follow),
        cmocka_unit_test(test_bad_options),     cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_null_and_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

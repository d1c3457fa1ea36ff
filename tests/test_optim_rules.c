/* The optimizers' rules against weights recorded from PyTorch, and their bad options. */
#include "optim_support.h"

/* --- how to make each optimizer: o are the numbers of the case's line "opts" --- */

#define ADAM_OPTS                                                                                  \
    .lr = o[0], .betas = {o[1], o[2]}, .eps = o[3], .weight_decay = o[4], .amsgrad = o[5] > 0,     \
    .maximize = o[6] > 0
#define CALLS(ROW)                                                                                 \
    ROW(sgd, gt_sgd(m, .lr = o[0], .momentum = o[1], .dampening = o[2], .weight_decay = o[3],      \
                    .nesterov = o[4] > 0, .maximize = o[5] > 0))                                   \
    ROW(adam, gt_adam(m, ADAM_OPTS, .decoupled_weight_decay = o[7] > 0))                           \
    ROW(adamw, gt_adamw(m, ADAM_OPTS))                                                             \
    ROW(nadam, gt_nadam(m, .lr = o[0], .betas = {o[1], o[2]}, .eps = o[3], .weight_decay = o[4],   \
                        .momentum_decay = o[5], .decoupled_weight_decay = o[6] > 0,                \
                        .maximize = o[7] > 0))                                                     \
    ROW(radam, gt_radam(m, .lr = o[0], .betas = {o[1], o[2]}, .eps = o[3], .weight_decay = o[4],   \
                        .decoupled_weight_decay = o[5] > 0, .maximize = o[6] > 0))                 \
    ROW(rmsprop, gt_rmsprop(m, .lr = o[0], .alpha = o[1], .eps = o[2], .weight_decay = o[3],       \
                            .momentum = o[4], .centered = o[5] > 0, .maximize = o[6] > 0))         \
    ROW(adagrad, gt_adagrad(m, .lr = o[0], .lr_decay = o[1], .weight_decay = o[2],                 \
                            .initial_accumulator_value = o[3], .eps = o[4], .maximize = o[5] > 0)) \
    ROW(adadelta, gt_adadelta(m, .lr = o[0], .rho = o[1], .eps = o[2], .weight_decay = o[3],       \
                              .maximize = o[4] > 0))                                               \
    ROW(lion,                                                                                      \
        gt_lion(m, .lr = o[0], .betas = {o[1], o[2]}, .weight_decay = o[3], .maximize = o[4] > 0))

#define CALL_FUNCTION(name, call)                                                                  \
    static gt_optimizer *make_##name(gt_module *m, const double *o)                                \
    {                                                                                              \
        return call;                                                                               \
    }
CALLS(CALL_FUNCTION)

static const struct {
    const char *name;
    gt_optimizer *(*make)(gt_module *m, const double *o);
} rules[] = {
#define RULE(name, call) {#name, make_##name},
    CALLS(RULE)
#undef RULE
};
enum { N_RULES = sizeof rules / sizeof *rules };

static int rule_of(const char *name)
{
    for (int i = 0; i < N_RULES; i++)
        if (!strcmp(rules[i].name, name)) return i;
    return -1;
}

static void check_step(const recorded *r, int step, const gt_tensor *w)
{
    const double tolerance = w->dtype == GT_F32 ? 1e-6 : 1e-12;
    for (int i = 0; i < 3; i++) {
        const double want = r->values[3 * step + i], is = element(w, i);
        if (!(fabs(is - want) <= tolerance * fabs(want)))
            fail_msg("%s %s, lr %g .. %g, step %d, element %d: %.17g instead of %.17g", r->name,
                     r->label, r->o[0], r->o[r->n_opts - 1], step + 1, i, is, want);
    }
}

static void test_recorded(void **state)
{
    (void)state;
    FILE *f = open_recorded();
    int seen[N_RULES] = {0};
    for (recorded r; read_case(f, &r) && strcmp(r.label, "schedule") != 0;) {
        const int k = rule_of(r.name);
        assert_in_range(k, 0, N_RULES - 1);
        seen[k]++;
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        gt_tensor *w = add_vector(m, "w", strcmp(r.label, "f32") ? GT_F64 : GT_F32);
        gt_optimizer *optimizer = rules[k].make(m, r.o);
        gt_mark start = gt_mark_tape(gt);
        for (int step = 0; step < 10; step++) {
            gt_rewind(gt, start);
            backward(w);
            assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
            check_step(&r, step, w);
        }
        assert_well(gt);
        gt_close(gt);
    }
    fclose(f);
    for (int i = 0; i < N_RULES; i++) assert_in_range(seen[i], 4, 100);
}

/* Sizes that vector instructions do not divide: every element moves as every other does. */
static void test_sizes(void **state)
{
    static const double defaults[OPTIONS] = {0.1};
    (void)state;
    for (int k = 0; k < N_RULES; k++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        for (int n = 0; n < 20; n++) {
            char name[16];
            snprintf(name, sizeof name, "w%d", n);
            gt_module_add_parameter(m, name, gt_ones(gt, GT_SHAPE(n)));
        }
        gt_optimizer *optimizer = rules[k].make(m, defaults);
        gt_state_iter it = gt_module_parameters(m);
        while (gt_state_next(&it)) assert_int_equal(gt_backward(gt_sum(it.tensor)), GT_OK);
        for (int i = 0; i < 3; i++) assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
        const double want = element(gt_module_parameter(m, "w1"), 0);
        assert_true(want < 1);
        it = gt_module_parameters(m);
        while (gt_state_next(&it))
            for (int64_t i = 0; i < it.tensor->size; i++)
                assert_true(fabs(element(it.tensor, i) - want) <= 1e-6);
        assert_well(gt);
        gt_close(gt);
    }
}

static void test_steady_state(void **state)
{
    static const double defaults[OPTIONS] = {0.01};
    (void)state;
    for (int k = 0; k < N_RULES; k++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        gt_tensor *w = add_vector(m, "w", GT_F32);
        gt_optimizer *optimizer = rules[k].make(m, defaults);
        gt_mark start = gt_mark_tape(gt);
        gt_stats before = {0};
        for (int i = 0; i < 50; i++) {
            gt_rewind(gt, start);
            if (i == 10) before = gt_get_stats(gt);
            backward(w);
            assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
        }
        gt_rewind(gt, start);
        assert_int_equal(gt_get_stats(gt).mallocs, before.mallocs);
        assert_int_equal(gt_get_stats(gt).bytes_live, before.bytes_live);
        gt_close(gt);
    }
}

static void push(gt_tensor *w, double g)
{
    assert_int_equal(gt_backward(gt_mul_scalar(gt_sum(w), g)), GT_OK);
}

/* With beta1 = 0 the average is the gradient, also just behind one that was far larger. */
static void test_no_momentum_forgets(void **state)
{
    static const double o[OPTIONS] = {0.5, GT_ZERO, 0.5};
    static const char *const names[] = {"adam", "adamw", "nadam", "radam"};
    (void)state;
    for (int k = 0; k < 4; k++) {
        gt_ctx *gt = gt_open();
        gt_module *m = gt_module_new(gt, &bag_type);
        gt_tensor *w = add_vector(m, "w", GT_F32);
        gt_optimizer *optimizer = rules[rule_of(names[k])].make(m, o);
        push(w, 1e10);
        assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
        gt_zero_grad(m);
        push(w, 3);
        assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
        gt_optim_iter it = gt_optimizer_state(optimizer);
        while (gt_optim_next(&it) && !it.tensor) continue;
        ASSERT_VALUES(it.tensor, 0, 3, 3, 3); /* exp_avg */
        gt_close(gt);
    }
}

/* Rounding may make the square of the average gradient larger than the average of squares. */
static void test_centered_stays_finite(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(m, "w", GT_F32);
    gt_optimizer *optimizer = gt_rmsprop(m, .alpha = GT_ZERO, .centered = true);
    for (int i = 1; i <= 100; i++) {
        gt_zero_grad(m);
        push(w, i % 2 ? 1000 : 1.0 / i);
        assert_int_equal(gt_optimizer_step(optimizer), GT_OK);
        assert_true(isfinite(element(w, 0)));
    }
    gt_close(gt);
}

static void test_bad_options(void **state)
{
    static const struct {
        const char *rule;
        double o[OPTIONS];
        const char *message;
    } bad[] = {
        {"adam", {-1}, "lr is -1"},
        {"adam", {0, 1}, "betas[0] is 1, but must be at least 0 and below 1"},
        {"adam", {0, 0, 1.5}, "betas[1] is 1.5"},
        {"adam", {0, 0, 0, -1}, "eps is -1"},
        {"adamw", {0, 0, 0, 0, -0.5}, "weight_decay is -0.5"},
        {"nadam", {0, -0.5}, "betas[0] is -0.5"},
        {"nadam", {0, 0, 0, 0, 0, INFINITY}, "momentum_decay is inf"},
        {"radam", {0, 0, NAN}, "betas[1] is"},
        {"rmsprop", {0, -1}, "alpha is -1"},
        {"rmsprop", {0, 0, 0, 0, -1}, "momentum is -1"},
        {"adagrad", {0, -1}, "lr_decay is -1"},
        {"adagrad", {0, 0, 0, -2}, "initial_accumulator_value is -2"},
        {"adadelta", {0, 1}, "rho is 1"},
        {"lion", {0, 0, 2}, "betas[1] is 2"},
        {"lion", {INFINITY}, "lr is inf"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(rules[rule_of(bad[i].rule)].make(m, bad[i].o));
        assert_error(gt, GT_ERR_ARGUMENT, bad[i].message);
    }
    assert_null(gt_adamw(m, .lr = -1));
    assert_error(gt, GT_ERR_ARGUMENT, "AdamW (");
    assert_null(gt_lion(m, .lr = -1));
    assert_error(gt, GT_ERR_ARGUMENT, "test_optim_rules.c:");
    assert_null(gt_adam(NULL));
    assert_error(NULL, GT_ERR_ARGUMENT, "the module is NULL");
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_steady_state),
        cmocka_unit_test(test_no_momentum_forgets),
        cmocka_unit_test(test_centered_stays_finite),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

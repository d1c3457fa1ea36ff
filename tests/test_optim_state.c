/* The state of optimizers and averages by name, as checkpoints need it. */
#include "optim_support.h"

/* --- resuming --- */

static gt_optimizer *sgd(gt_module *m)
{
    return gt_sgd(m, .lr = 0.05, .momentum = 0.9, .dampening = 0.5);
}
static gt_optimizer *adam(gt_module *m)
{
    return gt_adam(m, .amsgrad = true);
}
static gt_optimizer *nadam(gt_module *m)
{
    return gt_nadam(m, .lr = 0.1);
}
static gt_optimizer *rmsprop(gt_module *m)
{
    return gt_rmsprop(m, .centered = true, .momentum = 0.5);
}
static gt_optimizer *adagrad(gt_module *m)
{
    return gt_adagrad(m, .lr_decay = 0.1, .initial_accumulator_value = 0.5);
}
static gt_optimizer *adadelta(gt_module *m)
{
    return gt_adadelta(m);
}
static gt_optimizer *lion(gt_module *m)
{
    return gt_lion(m, .lr = 0.1);
}

static const struct {
    const char *name;
    gt_optimizer *(*make)(gt_module *m);
    const char *names; /* of all state after a step and within the next, in order */
} makers[] = {
    {"sgd", sgd, "lr momentum accumulated accumulated_weight w.momentum_buffer w.grad_sum w.step "},
    {"adam", adam,
     "lr momentum accumulated accumulated_weight w.exp_avg w.exp_avg_sq w.max_exp_avg_sq w.grad_sum w.step "},
    {"nadam", nadam,
     "lr momentum accumulated accumulated_weight w.exp_avg w.exp_avg_sq w.grad_sum w.step w.mu_product "},
    {"rmsprop", rmsprop,
     "lr momentum accumulated accumulated_weight w.square_avg w.grad_avg w.momentum_buffer w.grad_sum w.step "},
    {"adagrad", adagrad, "lr accumulated accumulated_weight w.sum w.grad_sum w.step "},
    {"adadelta", adadelta,
     "lr accumulated accumulated_weight w.square_avg w.acc_delta w.grad_sum w.step "},
    {"lion", lion, "lr momentum accumulated accumulated_weight w.exp_avg w.grad_sum w.step "},
};
enum { N_MAKERS = sizeof makers / sizeof *makers };

typedef struct {
    gt_module *m;
    gt_tensor *w;
    gt_optimizer *o;
    gt_ema *e;
} run;

static run begin(gt_ctx *gt, int maker)
{
    run r = {.m = gt_module_new(gt, &bag_type)};
    add_vector(r.m, "without_gradient", GT_F32);
    r.w = add_vector(r.m, "w", GT_F32);
    r.o = makers[maker].make(r.m);
    r.e = gt_ema_new(r.m, .warm_up = true);
    return r;
}

/* Four micro-batches of two steps; number `i` of them. */
static void train(const run *r, gt_mark start, int i)
{
    gt_rewind(r->w->ctx, start);
    gt_zero_grad(r->m);
    backward(r->w);
    gt_tensor *scaled = r->w->grad;
    for (int64_t k = 0; k < 3; k++) ((float *)scaled->data)[k] *= (float)(1 + i);
    assert_int_equal(gt_optimizer_accumulate(r->o), GT_OK);
    if (i % 2 == 0) return;
    assert_int_equal(gt_optimizer_step(r->o), GT_OK);
    assert_int_equal(gt_ema_update(r->e), GT_OK);
}

/* Also the names of what is copied, each with a space behind. */
static void copy_state(gt_optim_iter it, gt_optimizer *o, gt_ema *e, char names[256])
{
    char name[64];
    while (gt_optim_next(&it)) {
        assert_in_range(gt_optim_name(&it, name, sizeof name), 1, sizeof name - 1);
        if (o) assert_int_equal(gt_optimizer_set_state(o, name, it.tensor, it.number), GT_OK);
        else assert_int_equal(gt_ema_set_state(e, name, it.tensor, it.number), GT_OK);
        strcat(strcat(names, name), " ");
    }
}

static void assert_same(const run *a, const run *b)
{
    assert_memory_equal(a->w->data, b->w->data, 3 * sizeof(float));
}

static void test_resume(void **state)
{
    (void)state;
    for (int k = 0; k < N_MAKERS; k++) {
        gt_ctx *gt = gt_open();
        run a = begin(gt, k), b = begin(gt, k);
        gt_mark start = gt_mark_tape(gt);
        for (int i = 0; i < 5; i++) train(&a, start, i);
        for (int i = 0; i < 2; i++) train(&b, start, i);
        char names[256] = "", averages[256] = "";
        gt_copy_into(b.w, a.w);
        copy_state(gt_optimizer_state(a.o), b.o, NULL, names);
        copy_state(gt_ema_state(a.e), NULL, b.e, averages);
        assert_string_equal(names, makers[k].names);
        assert_string_equal(averages, "n_averaged without_gradient.shadow w.shadow ");
        for (int i = 5; i < 10; i++) {
            train(&a, start, i);
            train(&b, start, i);
            assert_same(&a, &b);
        }
        gt_ema_swap(a.e);
        gt_ema_swap(b.e);
        assert_same(&a, &b);
        assert_well(gt);
        gt_close(gt);
    }
}

/* After gt_optimizer_clear_state it is as new. */
static void test_clear(void **state)
{
    (void)state;
    for (int k = 0; k < N_MAKERS; k++) {
        gt_ctx *gt = gt_open();
        run a = begin(gt, k), b = begin(gt, k);
        gt_mark start = gt_mark_tape(gt);
        for (int i = 0; i < 5; i++) train(&b, start, i);
        gt_optimizer_clear_state(b.o);
        gt_ema_clear_state(b.e);
        gt_copy_into(b.w, a.w);
        for (int i = 0; i < 6; i++) {
            train(&a, start, i);
            train(&b, start, i);
            assert_same(&a, &b);
        }
        gt_ema_swap(a.e);
        gt_ema_swap(b.e);
        assert_same(&a, &b);
        assert_well(gt);
        gt_close(gt);
    }
    gt_optimizer_clear_state(NULL);
    gt_ema_clear_state(NULL);
}

/* A momentum set after the first step begins with that step's gradient, undampened. */
static void test_late_momentum(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    gt_tensor *w = gt_module_add_parameter(m, "w", gt_zeros(gt, GT_SCALAR));
    gt_optimizer *o = gt_sgd(m, .lr = 1, .dampening = 0.5);
    assert_int_equal(gt_backward(gt_mul_scalar(w, 1)), GT_OK);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_int_equal(gt_optimizer_set_state(o, "momentum", NULL, 0.5), GT_OK);
    for (int i = 0; i < 2; i++) assert_int_equal(gt_optimizer_step(o), GT_OK);
    assert_true(gt_item(w) == -1 - 1 - (0.5 + 0.5));
    gt_close(gt);
}

/* --- names --- */

static void test_groups_and_children(void **state)
{
    static const char want[] = "lr initial_lr momentum groups.1.lr groups.1.initial_lr "
                               "child.w.exp_avg child.w.exp_avg_sq child.w.step ";
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type), *child = gt_module_new(gt, &bag_type);
    gt_tensor *w = add_vector(child, "w", GT_F64);
    gt_module_add_child(m, "child", child);
    add_vector(m, "without_gradient", GT_F64);
    gt_optimizer *o = gt_adam(m), *o2 = gt_adam(m);
    for (int i = 0; i < 2; i++) {
        gt_optimizer_add_group(i ? o2 : o, "*", .lr_scale = 2);
        gt_optimizer_add_group(i ? o2 : o, "*", .lr = 3);
    }
    gt_schedule *s = gt_exponential_lr(o, 0.5);
    assert_int_equal(gt_schedule_step(s), GT_OK);
    backward(w);
    assert_int_equal(gt_optimizer_step(o), GT_OK);
    char names[256] = "";
    copy_state(gt_optimizer_state(o), o2, NULL, names);
    assert_string_equal(names, want);
    assert_true(gt_optimizer_group_lr(o2, 1) == 1.5);
    assert_true(gt_optimizer_group_lr(o2, 0) == 1e-3);
    gt_optim_iter it = gt_optimizer_state(o2);
    assert_int_equal(gt_optim_name(&it, names, sizeof names), 0); /* before the first */
    while (gt_optim_next(&it) && !it.tensor) continue;
    assert_int_equal(gt_optim_name(&it, names, 6), 15); /* cut off, but its length is told */
    assert_string_equal(names, "child");
    assert_well(gt);
    gt_close(gt);
}

static void test_bad_state(void **state)
{
    static const struct {
        const char *name;
        int tensor; /* 0 none, 1 good, 2 misshaped, 3 of another dtype */
        double number;
        gt_status code;
        const char *message;
    } bad[] = {
        {NULL, 0, 0, GT_ERR_ARGUMENT, "there is no '(NULL)'"},
        {"", 0, 0, GT_ERR_ARGUMENT, "there is no ''"},
        {"nothing", 0, 0, GT_ERR_ARGUMENT, "there is no 'nothing'"},
        {"lr", 0, INFINITY, GT_ERR_ARGUMENT, "'lr' is inf, but must be finite"},
        {"momentum", 0, -1, GT_ERR_ARGUMENT,
         "'momentum' is -1, but must be finite and not negative"},
        {"momentum", 0, INFINITY, GT_ERR_ARGUMENT, "'momentum' is inf"},
        {"accumulated", 0, 1.5, GT_ERR_ARGUMENT, "'accumulated' is 1.5, but must be a count"},
        {"groups.0.lr", 0, 1, GT_ERR_ARGUMENT, "there is no 'groups.0.lr'"},
        {"groups.x.lr", 0, 1, GT_ERR_ARGUMENT, "there is no 'groups.x.lr'"},
        {"v.exp_avg", 1, 0, GT_ERR_ARGUMENT, "there is no 'v.exp_avg'"},
        {"w.exp", 1, 0, GT_ERR_ARGUMENT, "there is no 'w.exp'"},
        {"w.mu_product", 0, 1, GT_ERR_ARGUMENT, "there is no 'w.mu_product'"},
        {"w.", 1, 0, GT_ERR_ARGUMENT, "there is no 'w.'"},
        {".w.exp_avg", 1, 0, GT_ERR_ARGUMENT, "there is no"},
        {"w.step", 0, -1, GT_ERR_ARGUMENT, "'w.step' is -1"},
        {"w.step", 0, 1e300, GT_ERR_ARGUMENT, "'w.step' is 1e+300"},
        {"w.exp_avg", 0, 1, GT_ERR_ARGUMENT, "'w.exp_avg' is a tensor, not a number"},
        {"w.exp_avg", 2, 0, GT_ERR_SHAPE, "'w.exp_avg' has shape [4], its parameter [3]"},
        {"w.exp_avg", 3, 0, GT_ERR_DTYPE, "'w.exp_avg' is f64, but must be f32"},
    };
    (void)state;
    gt_ctx *gt = gt_open();
    gt_module *m = gt_module_new(gt, &bag_type);
    add_vector(m, "w", GT_F32);
    gt_optimizer *o = gt_adam(m);
    const gt_tensor *given[] = {NULL, gt_zeros(gt, GT_SHAPE(3)), gt_zeros(gt, GT_SHAPE(4)),
                                gt_zeros(gt, GT_SHAPE(3), .dtype = GT_F64)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const gt_tensor *t = given[bad[i].tensor];
        const bool has = !strstr(bad[i].message, "there is no");
        assert_int_equal(gt_optimizer_has_state(o, bad[i].name, NULL), has);
        assert_int_equal(gt_optimizer_set_state(o, bad[i].name, t, bad[i].number), bad[i].code);
        assert_error(gt, bad[i].code, bad[i].message);
    }
    gt_ema *e = gt_ema_new(m);
    assert_int_equal(gt_ema_set_state(e, "w.shadow", given[2], 0), GT_ERR_SHAPE);
    assert_error(gt, GT_ERR_SHAPE, "'w.shadow' has shape [4]");
    assert_int_equal(gt_ema_set_state(e, "w.exp_avg", given[1], 0), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "there is no 'w.exp_avg'");
    assert_int_equal(gt_ema_set_state(e, "n_averaged", NULL, -1), GT_ERR_ARGUMENT);
    assert_error(gt, GT_ERR_ARGUMENT, "'n_averaged' is -1");
    const gt_tensor *like, *w = gt_module_parameter(m, "w");
    assert_true(gt_optimizer_has_state(o, "w.exp_avg", &like) && like == w);
    assert_true(gt_optimizer_has_state(o, "w.step", &like) && !like);
    assert_true(gt_optimizer_has_state(o, "lr", &like) && !like);
    assert_true(gt_ema_has_state(e, "w.shadow", &like) && like == w);
    assert_true(gt_ema_has_state(e, "n_averaged", &like) && !like);
    assert_false(gt_ema_has_state(e, "w.exp_avg", &like) || like);
    assert_false(gt_optimizer_has_state(NULL, "lr", &like) || gt_ema_has_state(NULL, "x", &like));
    assert_string_equal(gt_optimizer_name(o), "Adam");
    assert_null(gt_optimizer_name(NULL));
    assert_int_equal(gt_optimizer_set_state(NULL, "lr", NULL, 1), GT_ERR_ARGUMENT);
    assert_error(NULL, GT_ERR_ARGUMENT, "the optimizer is NULL");
    gt_optim_iter it = gt_optimizer_state(NULL);
    assert_false(gt_optim_next(&it));
    it = gt_ema_state(NULL);
    assert_false(gt_optim_next(&it));
    gt_close(gt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_late_momentum), cmocka_unit_test(test_groups_and_children),
        cmocka_unit_test(test_bad_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

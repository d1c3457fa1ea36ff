/* Memory runs out, at one request after the other, in programs that use the library as a whole. */
#define _GNU_SOURCE
#include "faults_world.h"

#include "networks.h"

/* --- what programs stand on --- */

static gt_module *small_net(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4), gt_nn_relu(gt),
                            gt_nn_linear(gt, 4, 2));
}

static gt_dataset *points(gt_ctx *gt)
{
    gt_tensor *x = gt_rand(gt, GT_SHAPE(10, 3)), *y = gt_zeros(gt, GT_SHAPE(10), .dtype = GT_I64);
    for (int64_t i = 0; i < y->size; i++) ((int64_t *)y->data)[i] = i % 2;
    return gt_tensor_dataset(x, y);
}

static void with_net(world *w)
{
    w->net = small_net(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(5, 3)));
}

static void with_f64(world *w)
{
    with_net(w);
    gt_module_to(w->net, GT_F64);
    w->x = gt_keep(gt_cast(w->x, GT_F64));
}

static void with_gradients(world *w)
{
    with_net(w);
    gt_backward(gt_sum(gt_square(gt_forward(w->net, w->x))));
}

static void with_data(world *w)
{
    with_net(w);
    w->data = points(w->gt);
}

/* --- making and running networks --- */

static void make_networks(world *w)
{
    gt_ctx *gt = w->gt;
    lenet(gt);
    lazy(gt);
    batch_norms(gt);
    residual(gt);
    inception(gt);
    instance_norms(gt);
}

static void with_lazy(world *w)
{
    w->net = lazy(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(2, 2, 6, 6)));
}

static void with_inception(world *w)
{
    w->net = inception(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(2, 2, 5, 5)));
}

static void with_residual(world *w)
{
    w->net = residual(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(2, 3, 6, 6)));
}

static void learn(world *w)
{
    gt_backward(gt_mean(gt_square(gt_forward(w->net, w->x))));
}

static void evaluate(world *w)
{
    gt_eval(w->net);
    gt_forward(w->net, w->x);
    gt_train(w->net);
}

/* --- changing modules --- */

static void append(world *w)
{
    gt_module *child = gt_nn_linear(w->gt, 2, 2);
    if (child) gt_module_append(w->net, child);
}

static void insert(world *w)
{
    gt_module *child = gt_nn_relu(w->gt);
    if (child) gt_module_insert(w->net, 1, child);
}

static void convert(world *w)
{
    gt_module_to(w->net, GT_F64);
}

static void copy(world *w)
{
    gt_module *made = gt_module_copy(w->net);
    if (made && !gt_module_parameter(made, "3.bias")) fail_msg("a copy lacks a parameter");
}

static void with_twins(world *w)
{
    w->net = gt_nn_sequential(w->gt, gt_nn_linear(w->gt, 3, 3), gt_nn_linear(w->gt, 3, 3));
}

static void tie(world *w)
{
    gt_module_tie(w->net, "0.weight", "1.weight");
}

static void with_own_module(world *w)
{
    static const gt_module_type bag = {.name = "Bag", .size = sizeof(gt_module)};
    w->net = gt_module_new(w->gt, &bag);
}

static void add_parameters(world *w)
{
    if (!gt_module_parameter(w->net, "a"))
        gt_module_add_parameter(w->net, "a", gt_rand(w->gt, GT_SHAPE(3)));
    if (!gt_module_buffer(w->net, "b"))
        gt_module_add_buffer(w->net, "b", gt_zeros(w->gt, GT_SHAPE(2)));
}

static void see_nothing(gt_module *m, gt_tensor *x, gt_tensor *y, void *user)
{
    (void)m, (void)x, (void)y, (void)user;
}

static void hook_module(world *w)
{
    gt_module_add_hook(w->net, see_nothing, NULL);
}

static void initialise(world *w)
{
    gt_tensor *t = gt_module_parameter(w->net, "0.weight");
    gt_init_orthogonal(t);
    gt_init_trunc_normal(t);
    gt_init_kaiming_normal(t);
}

static void describe(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    if (!f) return;
    gt_summary(f, w->net, GT_SHAPE(2, 3));
    gt_module_print(f, w->net);
    fclose(f);
}

/* --- optimizers --- */

#define WITH(rule, ...)                                                                            \
    static void with_##rule(world *w)                                                              \
    {                                                                                              \
        with_gradients(w);                                                                         \
        w->optimizer = gt_##rule(w->net, .lr = 0.01, __VA_ARGS__);                                 \
        gt_optimizer_add_group(w->optimizer, "*.bias", .lr = 0.5);                                 \
    }
WITH(sgd, .momentum = 0.9, .dampening = 0.5)
WITH(adam, .amsgrad = true)
WITH(adamw, .weight_decay = 0.1)
WITH(nadam, .weight_decay = 0.1)
WITH(radam, .weight_decay = 0.1)
WITH(rmsprop, .momentum = 0.9, .centered = true)
WITH(adagrad, .lr_decay = 0.1)
WITH(adadelta, .rho = 0.9)
WITH(lion, .weight_decay = 0.1)

static void step(world *w)
{
    gt_optimizer_step(w->optimizer);
}

static void accumulate(world *w)
{
    gt_optimizer_accumulate(w->optimizer);
}

/* The second micro-batch has no gradients: the sums bring them back. */
static void with_sums(world *w)
{
    w->net = small_net(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(5, 3)));
    w->optimizer = gt_sgd(w->net);
    const gt_mark mark = gt_mark_tape(w->gt);
    gt_backward(gt_sum(gt_square(gt_forward(w->net, w->x))));
    gt_optimizer_accumulate(w->optimizer);
    gt_rewind(w->gt, mark);
}

static void with_optimizer(world *w)
{
    with_gradients(w);
    w->optimizer = gt_adam(w->net);
}

static void add_group(world *w)
{
    gt_optimizer_add_group(w->optimizer, "0.*", .lr = 0.5);
}

static void make_optimizers(world *w)
{
    gt_optimizer *o = gt_adam(w->net);
    if (!o) return;
    gt_schedule *parts[] = {gt_step_lr(o, 3), gt_exponential_lr(o, 0.5)};
    if (parts[0] && parts[1]) gt_sequential_lr(parts, 2, (const int64_t[]){4});
    gt_multi_step_lr(o, ((const int64_t[]){1, 2}), 2);
    gt_reduce_lr_on_plateau(o);
    gt_ema_new(w->net);
}

static void set_state(world *w)
{
    const gt_tensor *value = gt_ones(w->gt, GT_SHAPE(4, 3));
    if (value) gt_optimizer_set_state(w->optimizer, "0.weight.exp_avg", value, 0);
}

static void with_ema(world *w)
{
    with_gradients(w);
    w->ema = gt_ema_new(w->net);
}

static void average(world *w)
{
    gt_ema_update(w->ema);
}

/* --- data and training --- */

static void load_batches(world *w, int threads)
{
    gt_loader *l = gt_loader_new(w->data, 4, .shuffle = true, .threads = threads);
    gt_tensor *x, *y;
    for (int i = 0; l && i < 4; i++) gt_loader_next(l, &x, &y);
    gt_loader_free(l);
}

static void load_alone(world *w)
{
    load_batches(w, 0);
}

static void load_in_threads(world *w)
{
    load_batches(w, 2);
}

static void split(world *w)
{
    gt_dataset *a, *b;
    gt_random_split(w->data, 6, &a, &b);
    gt_subset(w->data, 2, 5);
    gt_generated_digits(w->gt, 3);
}

static void fit(world *w)
{
    gt_optimizer *o = gt_sgd(w->net, .lr = 0.1, .momentum = 0.9);
    gt_loader *train = gt_loader_new(w->data, 4, .shuffle = true);
    gt_loader *valid = gt_loader_new(w->data, 5);
    if (o && train && valid) gt_fit(w->net, o, train, .valid = valid, .epochs = 2, .patience = 3);
}

static void with_history(world *w)
{
    w->history = gt_history_new(w->gt);
    gt_history_set(w->history, 1, "loss", 0.5);
}

static void extend_history(world *w)
{
    gt_history_set(w->history, 2, "another", 0.25);
}

static void plot(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    if (f) gt_history_plot(w->history, f, .width = 60, .height = 8);
    if (f) fclose(f);
}

static void measure(world *w)
{
    gt_tensor *logits = gt_rand(w->gt, GT_SHAPE(4, 3));
    gt_tensor *labels = gt_zeros(w->gt, GT_SHAPE(4), .dtype = GT_I64);
    if (!logits || !labels) return;
    gt_tensor *matrix = gt_confusion(logits, labels);
    if (!matrix) return;
    gt_average_scores(matrix, GT_MACRO);
    gt_accuracy(logits, labels);
    gt_top_k_accuracy(logits, labels, 2);
}

/* --- the engine's own --- */

static gt_tensor *powers(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_sum(gt_mul(gt_square(in[0]), gt_exp(in[1])));
}

static gt_tensor *twice(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    return gt_checkpoint(gt, powers, user, in, 2);
}

static void with_pair(world *w)
{
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(3), .dtype = GT_F64, .requires_grad = true));
    w->y = gt_keep(gt_rand(w->gt, GT_SHAPE(3), .dtype = GT_F64, .requires_grad = true));
}

static void differentiate(world *w)
{
    gt_tensor *in[2] = {w->x, w->y}, *to[4], *one;
    gt_jacobian(w->gt, powers, NULL, in, 2, to);
    gt_jacobian(w->gt, powers, NULL, in, 2, to, .create_graph = true);
    gt_hessian(w->gt, powers, NULL, in, 2, to);
    gt_vjp(w->gt, powers, NULL, in, 2, NULL, to);
    gt_jvp(w->gt, powers, NULL, in, 2, in, &one);
    gt_hvp(w->gt, powers, NULL, in, 2, in, to);
}

static void recompute(world *w)
{
    gt_tensor *y = gt_checkpoint(w->gt, twice, NULL, ((gt_tensor *[]){w->x, w->y}), 2);
    if (y) gt_backward(y, .create_graph = true);
}

static gt_tensor *see_gradient(gt_tensor *g, void *user)
{
    (void)user;
    return gt_mul_scalar(g, 2);
}

static void hook_tensors(world *w)
{
    if (gt_hook(w->x, see_gradient, w) != GT_OK) return;
    gt_tensor *y = gt_set_name(gt_mul(w->x, w->y), "product");
    if (y) gt_hook(y, see_gradient, NULL);
    gt_backward(gt_sum(y));
    gt_unhook(w->x, see_gradient, w);
}

static void check_gradients(world *w)
{
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck(w->gt, powers, NULL, ((gt_tensor *[]){w->x, w->y}), 2,
                                      &(gt_gradcheck_opts){.order = 2}, &r);
    if (v != GT_PASS) gt_fail(w->gt, GT_ERR_MEMORY, "check", "%s", r.message);
    if (v != GT_PASS && !strstr(r.message, "memory")) fail_msg("%s", r.message);
}

static void check_module(world *w)
{
    gt_gradcheck_report r;
    const gt_verdict v = gt_gradcheck_module(w->gt, w->net, w->x, NULL, &r);
    if (v == GT_FAIL) gt_fail(w->gt, GT_ERR_MEMORY, "check", "%s", r.message);
    if (v == GT_FAIL && !strstr(r.message, "memory")) fail_msg("%s", r.message);
}

static void draw(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    gt_tensor *y = gt_forward(w->net, w->x);
    if (f && y && gt_graph_write_dot(y, f) == GT_OK) (void)(gt_tape_write_dot(w->gt, f) == GT_OK);
    if (f) fclose(f);
}

static void print(world *w)
{
    FILE *f = fopen("/dev/null", "w");
    if (f) gt_print(f, w->x);
    if (f) fclose(f);
}

static const program programs[] = {
    {"networks are made", NULL, make_networks, .whole = false},
    {"a small net learns", with_net, learn, .whole = false},
    {"a lazy net learns", with_lazy, learn, .whole = false},
    {"an inception block learns", with_inception, learn, .whole = false},
    {"a residual net learns", with_residual, learn, .whole = false},
    {"a net is evaluated", with_net, evaluate, .whole = true},
    {"gt_module_append", with_net, append, .whole = false},
    {"gt_module_insert", with_net, insert, .whole = true},
    {"gt_module_to", with_net, convert, .whole = true},
    {"gt_module_copy", with_net, copy, .whole = true},
    {"gt_module_tie", with_twins, tie, .whole = true},
    {"gt_module_add_parameter", with_own_module, add_parameters, .whole = false},
    {"gt_module_add_hook", with_net, hook_module, .whole = true},
    {"initialisers", with_net, initialise, .whole = false},
    {"summaries", with_net, describe, .whole = true},
    {"sgd", with_sgd, step, .whole = true},
    {"adam", with_adam, step, .whole = true},
    {"adamw", with_adamw, step, .whole = true},
    {"nadam", with_nadam, step, .whole = true},
    {"radam", with_radam, step, .whole = true},
    {"rmsprop", with_rmsprop, step, .whole = true},
    {"adagrad", with_adagrad, step, .whole = true},
    {"adadelta", with_adadelta, step, .whole = true},
    {"lion", with_lion, step, .whole = true},
    {"gt_optimizer_accumulate", with_sgd, accumulate, .whole = true},
    {"gt_optimizer_accumulate without gradients", with_sums, accumulate, .whole = true},
    {"gt_optimizer_add_group", with_optimizer, add_group, .whole = true},
    {"gt_optimizer_set_state", with_optimizer, set_state, .whole = true},
    {"optimizers are made", with_net, make_optimizers, .whole = false},
    {"gt_ema_update", with_ema, average, .whole = true},
    {"a loader", with_data, load_alone, .whole = false},
    {"a loader with threads", with_data, load_in_threads, .whole = false},
    {"datasets", with_data, split, .whole = false},
    {"gt_fit", with_data, fit, .whole = false},
    {"gt_history_set", with_history, extend_history, .whole = true},
    {"gt_history_plot", with_history, plot, .whole = true},
    {"metrics", NULL, measure, .whole = false},
    {"derivatives of functions", with_pair, differentiate, .whole = true},
    {"gt_checkpoint", with_pair, recompute, .whole = false},
    {"hooks", with_pair, hook_tensors, .whole = false},
    {"gt_gradcheck", with_pair, check_gradients, .whole = true},
    {"gt_gradcheck_module", with_f64, check_module, .whole = true},
    {"graphs", with_net, draw, .whole = false},
    {"gt_print", with_net, print, .whole = true},
};
enum { N_PROGRAMS = sizeof programs / sizeof *programs };

static void program_runs_out_of_memory(void **state)
{
    sweep(*state, FAULT_MEMORY, 0, false);
    sweep(*state, FAULT_MEMORY, 0, true);
}

/* Opening a context fails without a context. */
static void opening_runs_out_of_memory(void **state)
{
    (void)state;
    faults_count_program();
    for (fault_sweep s = faults_sweep_begin(FAULT_MEMORY, false, 0, 0); faults_sweep_next(&s);) {
        gt_ctx *gt = gt_open();
        const bool hit = faults_sweep_hit(&s);
        assert_int_equal(gt_error_code(gt), hit ? GT_ERR_MEMORY : GT_OK);
        assert_null(hit ? gt_ones(gt, GT_SHAPE(2)) : NULL);
        gt_close(gt);
    }
}

static int end(void **state)
{
    faults_print("programs, memory");
    return remove_scratch(state);
}

int main(void)
{
    struct CMUnitTest tests[N_PROGRAMS + 1] = {cmocka_unit_test(opening_runs_out_of_memory)};
    for (int i = 0; i < N_PROGRAMS; i++)
        tests[i + 1] = (struct CMUnitTest){.name = programs[i].name,
                                           .test_func = program_runs_out_of_memory,
                                           .initial_state = (void *)(uintptr_t)&programs[i]};
    return cmocka_run_group_tests(tests, NULL, end);
}

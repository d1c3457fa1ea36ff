/* Memory runs out, at one request after the other, in networks and optimizers: making, running,
 * changing them, and learning. */
#define _GNU_SOURCE
#include "faults_world.h"

#include "networks.h"

static gt_module *small_net(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4), gt_nn_relu(gt),
                            gt_nn_linear(gt, 4, 2));
}

static void with_net(world *w)
{
    w->net = small_net(w->gt);
    w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(5, 3)));
}

static void with_gradients(world *w)
{
    with_net(w);
    gt_backward(gt_sum(gt_square(gt_forward(w->net, w->x))));
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
    transformer_like(gt);
    sequences(gt);
    decoder(gt);
}

#define WITH_NET(name, ...)                                                                        \
    static void with_##name(world *w)                                                              \
    {                                                                                              \
        w->net = name(w->gt);                                                                      \
        w->x = gt_keep(gt_rand(w->gt, GT_SHAPE(__VA_ARGS__)));                                     \
    }
WITH_NET(lenet, 1, 1, 28, 28)
WITH_NET(lazy, 2, 2, 6, 6)
WITH_NET(batch_norms, 2, 2, 9, 9)
WITH_NET(residual, 2, 3, 6, 6)
WITH_NET(inception, 2, 2, 5, 5)
WITH_NET(instance_norms, 2, 3, 6, 6)
WITH_NET(sequences, 2, 3, 10)
WITH_NET(decoder, 1, 4, 3, 3)

static void with_transformer(world *w)
{
    w->net = transformer_like(w->gt);
    w->x = gt_keep(gt_randint(w->gt, 0, 7, GT_SHAPE(2, 5)));
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

static void see_nothing(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m, (void)in, (void)out, (void)user;
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

/* --- captured steps --- */

static gt_captured *captured;
static world captured_world; /* at an address that stays */

static gt_tensor *learn_step(gt_ctx *gt, void *user)
{
    const world *w = user;
    gt_tensor *loss = gt_mean(gt_square(gt_forward(w->net, gt_dropout(w->x, 0.5))));
    gt_zero_grad(w->net);
    gt_backward(loss);
    gt_optimizer_step(w->optimizer);
    return gt_failed(gt) ? NULL : loss;
}

static void capture(world *w)
{
    captured_world = *w;
    captured = gt_capture(w->gt, learn_step, &captured_world, .inputs = {&captured_world.x});
    if (captured) gt_replay(captured);
}

static void with_captured(world *w)
{
    with_optimizer(w);
    capture(w);
}

static void replay(world *w)
{
    (void)w;
    gt_replay(captured);
}

static const program programs[] = {
    {"networks are made", NULL, make_networks, .whole = false},
    {"a small net learns", with_net, learn, .whole = false},
    {"LeNet learns", with_lenet, learn, .whole = false},
    {"a lazy net learns", with_lazy, learn, .whole = false},
    {"batch norms learn", with_batch_norms, learn, .whole = false},
    {"residual blocks learn", with_residual, learn, .whole = false},
    {"inception blocks learn", with_inception, learn, .whole = false},
    {"instance norms learn", with_instance_norms, learn, .whole = false},
    {"sequences are learned", with_sequences, learn, .whole = false},
    {"a decoder learns", with_decoder, learn, .whole = false},
    {"a transformer's parts learn", with_transformer, learn, .whole = false},
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
    {"gt_capture", with_optimizer, capture, .whole = false},
    {"gt_replay", with_captured, replay, .whole = false},
};

int main(void)
{
    return RUN_PROGRAMS(programs, program_runs_out_of_memory);
}

/* optim.h, schedule.h */
#include "cxx.h"

static void test_rules(gt_module *net)
{
    gt_optimizer *const all[] = {
        gt_sgd(net),
        gt_sgd(net, .lr = 0.1, .momentum = 0.9, .nesterov = true),
        gt_adam(net, .betas = {0.8, 0.9}, .eps = 1e-7),
        gt_adamw(net, .weight_decay = GT_ZERO),
        gt_nadam(net),
        gt_radam(net),
        gt_rmsprop(net, .alpha = 0.9, .centered = true),
        gt_adagrad(net),
        gt_adadelta(net, .rho = 0.8),
        gt_lion(net, .lr = 1e-3),
    };
    for (gt_optimizer *o : all) IS_TRUE(gt_optimizer_step(o) == GT_OK);
}

static void test_steps(gt_module *net)
{
    gt_optimizer *o = GT_OPTIMIZER_AT(gt_sgd(net, .momentum = 0.9));
    IS_TRUE(gt_optimizer_set_lr(o, 0.5) == GT_OK);
    IS_TRUE(gt_optimizer_add_group(o, "bias", .lr = 0.1, .weight_decay = GT_ZERO) == GT_OK);
    IS_TRUE(gt_optimizer_set_group_lr(o, 0, 0.2) == GT_OK);
    IS_TRUE(gt_optimizer_group_lr(o, 0) == 0.2);
    IS_TRUE(gt_optimizer_group_lr(o, 0) == 0.2);
    IS_TRUE(gt_optimizer_set_lr(gt_sgd(net, .lr = GT_EXACTLY(0.0)), 0.1) == GT_OK);
    IS_TRUE(gt_optimizer_accumulate(o) == GT_OK && gt_optimizer_step(o) == GT_OK);
    IS_TRUE(gt_optimizer_accumulate(o, .sum = true) == GT_OK);
    IS_TRUE(gt_optimizer_set_state(o, "lr", nullptr, 0.3) == GT_OK);
    gt_ema *e = GT_EMA_AT(gt_ema_new(net, .decay = 0.9, .warm_up = true));
    IS_TRUE(gt_ema_update(e) == GT_OK && gt_ema_swap(e) == GT_OK && gt_ema_swap(e) == GT_OK);
    IS_TRUE(gt_optimizer_take_state(o, "lr", nullptr, 0.3) == GT_OK);
    IS_TRUE(gt_ema_take_state(e, "n_averaged", nullptr, 3) == GT_OK);
    IS_TRUE(gt_ema_set_state(e, "n_averaged", nullptr, 3) == GT_OK && gt_ema_new(net));
    gt_ema_free(e);
    gt_optimizer_free(o);
}

static gt_module *net_with_gradients(gt_ctx *gt)
{
    gt_module *net = gt_nn_linear(gt, 3, 2);
    gt_backward(gt_sum(gt_forward(net, gt_ones(gt, GT_SHAPE(1, 3)))));
    return net;
}

void test_optim(gt_ctx *gt)
{
    gt_module *net = net_with_gradients(gt);
    test_rules(net);
    test_steps(net);
}

static double half(int64_t, void *)
{
    return 0.5;
}

void test_schedules(gt_ctx *gt)
{
    gt_optimizer *o = gt_sgd(net_with_gradients(gt), .lr = 0.1, .momentum = 0.9);
    gt_schedule *const all[] = {
        GT_SCHEDULE_AT(gt_step_lr(o, 30)),
        gt_step_lr(o, 30, .gamma = 0.5),
        gt_multi_step_lr(o, GT_ARRAY(int64_t, 30, 80), 2, .gamma = 0.1),
        gt_exponential_lr(o, 0.9),
        gt_constant_lr(o),
        gt_linear_lr(o, .start_factor = 0.01, .total_iters = 500),
        gt_polynomial_lr(o, .total_iters = 10),
        gt_cosine_annealing_lr(o, 100, .eta_min = 1e-5),
        gt_cosine_annealing_warm_restarts(o, 10, .t_mult = 2),
        gt_one_cycle_lr(o, 0.1, 100),
        gt_lambda_lr(o, half, nullptr),
        gt_chained_lr(GT_ARRAY(gt_schedule *, gt_constant_lr(o), gt_exponential_lr(o, 0.9)), 2),
        gt_sequential_lr(GT_ARRAY(gt_schedule *, gt_linear_lr(o), gt_step_lr(o, 3)), 2,
                         GT_ARRAY(int64_t, 5)),
    };
    for (gt_schedule *s : all) IS_TRUE(gt_schedule_step(s) == GT_OK);
    IS_TRUE(gt_schedule_set_state(all[0], "last_epoch", 5) == GT_OK);
    gt_schedule *plateau = gt_reduce_lr_on_plateau(o, .factor = 0.5, .patience = 3);
    IS_TRUE(gt_schedule_step_metric(plateau, 0.5) == GT_OK && gt_reduce_lr_on_plateau(o));
}

/* Freeing modules, optimizers and what hangs on them. */
#include "support.h"

#include <malloc.h>

#include <gradtape/op.h>

static gt_module *mlp(gt_ctx *gt)
{
    return gt_nn_sequential(gt, gt_nn_linear(gt, 3, 4), gt_nn_batch_norm1d(gt, 4), gt_nn_relu(gt),
                            gt_nn_lazy_linear(gt, 2));
}

static gt_tensor *no_loss(gt_ctx *gt, gt_module *net)
{
    return gt_mean(gt_forward(net, gt_ones(gt, GT_SHAPE(5, 3))));
}

/* --- use afterwards --- */

/* What the calls below are made on; all were freed. */
typedef struct {
    gt_ctx *gt;
    gt_module *m, *child;
    gt_tensor *weight;
    gt_optimizer *o;
    gt_schedule *s, *part;
    gt_ema *e;
} world;

static void nothing(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m, (void)in, (void)out, (void)user;
}

static void visit(gt_module *m, void *user)
{
    (void)m, (void)user;
}

// clang-format off
#define CALLS(CALL) \
    CALL(gt_forward(w->m, gt_ones(w->gt, GT_SHAPE(5, 3)))) \
    CALL(gt_forward(w->child, gt_ones(w->gt, GT_SHAPE(5, 3)))) \
    CALL(gt_forward_all(w->m, gt_ones(w->gt, GT_SHAPE(5, 3)))) \
    CALL(gt_module_add_child(w->m, "a", gt_nn_relu(w->gt))) \
    CALL(gt_module_add_child(gt_nn_sequential_empty(w->gt), "a", w->m)) \
    CALL(gt_module_append(w->m, gt_nn_relu(w->gt))) \
    CALL(gt_module_insert(w->m, 0, gt_nn_relu(w->gt))) \
    CALL(gt_nn_sequential(w->gt, w->m)) \
    CALL(gt_module_nth(w->m, 0)) \
    CALL(gt_module_add_parameter(w->m, "p", gt_ones(w->gt, GT_SHAPE(1)))) \
    CALL(gt_module_add_buffer(w->m, "b", gt_ones(w->gt, GT_SHAPE(1)))) \
    CALL(gt_module_parameter(w->m, "0.weight")) \
    CALL(gt_module_buffer(w->m, "1.running_mean")) \
    CALL(gt_module_child(w->m, "0")) \
    CALL(gt_module_n_parameters(w->m)) \
    CALL(gt_train(w->m)) \
    CALL(gt_eval(w->m)) \
    CALL(gt_zero_grad(w->m)) \
    CALL(gt_freeze(w->m, "*")) \
    CALL(gt_unfreeze(w->m, "*")) \
    CALL(gt_module_tie(w->m, "0.weight", "1.weight")) \
    CALL(gt_module_to(w->m, GT_F64)) \
    CALL(gt_module_copy(w->m)) \
    CALL(gt_module_apply(w->m, visit, NULL)) \
    CALL(gt_module_add_hook(w->m, nothing, NULL)) \
    CALL(gt_module_remove_hook(w->m, nothing, NULL)) \
    CALL(gt_clip_grad_norm(w->m, 1)) \
    CALL(gt_clip_grad_value(w->m, 1)) \
    CALL(gt_module_print(stderr, w->m)) \
    CALL(gt_summary(stderr, w->m, GT_SHAPE(1, 3))) \
    CALL(gt_module_graph(w->m, GT_SHAPE(1, 3))) \
    CALL((void)!gt_save(w->m, "freed.safetensors")) \
    CALL(gt_load(w->m, "freed.safetensors")) \
    CALL(gt_adam(w->m)) \
    CALL(gt_ema_new(w->m)) \
    CALL(gt_module_free(w->m)) \
    CALL(gt_module_free(w->child)) \
    CALL(gt_sum(w->weight)) \
    CALL(gt_optimizer_step(w->o)) \
    CALL(gt_optimizer_zero_grad(w->o)) \
    CALL(gt_optimizer_lr(w->o)) \
    CALL(gt_optimizer_set_lr(w->o, 1)) \
    CALL(gt_optimizer_module(w->o)) \
    CALL(gt_optimizer_add_group(w->o, "*")) \
    CALL(gt_optimizer_group_lr(w->o, 0)) \
    CALL(gt_optimizer_set_group_lr(w->o, 0, 1)) \
    CALL(gt_optimizer_accumulate(w->o)) \
    CALL(gt_optimizer_accumulated(w->o)) \
    CALL(gt_optimizer_state(w->o)) \
    CALL(gt_optimizer_has_state(w->o, "lr", NULL)) \
    CALL(gt_optimizer_set_state(w->o, "lr", NULL, 1)) \
    CALL(gt_optimizer_clear_state(w->o)) \
    CALL(gt_optimizer_free(w->o)) \
    CALL(gt_step_lr(w->o, 1)) \
    CALL(gt_schedule_step(w->s)) \
    CALL(gt_schedule_step_metric(w->part, 1)) \
    CALL(gt_schedule_lr(w->s)) \
    CALL(gt_schedule_optimizer(w->s)) \
    CALL(gt_schedule_last_epoch(w->s)) \
    CALL(gt_schedule_state(w->s)) \
    CALL(gt_schedule_has_state(w->s, "last_epoch")) \
    CALL(gt_schedule_set_state(w->s, "last_epoch", 1)) \
    CALL(gt_chained_lr((gt_schedule *[]){w->part}, 1)) \
    CALL(gt_ema_update(w->e)) \
    CALL(gt_ema_swap(w->e)) \
    CALL(gt_ema_is_swapped(w->e)) \
    CALL(gt_ema_module(w->e)) \
    CALL(gt_ema_state(w->e)) \
    CALL(gt_ema_has_state(w->e, "n_averaged", NULL)) \
    CALL(gt_ema_set_state(w->e, "n_averaged", NULL, 1)) \
    CALL(gt_ema_clear_state(w->e)) \
    CALL(gt_ema_free(w->e))
// clang-format on

static void free_world(world *w)
{
    gt_optimizer_free(w->o);
    gt_ema_free(w->e);
    gt_module_free(w->m);
}

static world freed_world(gt_ctx *gt)
{
    world w = {.gt = gt, .m = mlp(gt)};
    const gt_mark start = gt_mark_tape(gt);
    w.child = gt_module_nth(w.m, 0);
    w.weight = gt_module_parameter(w.m, "0.weight");
    w.o = gt_adam(w.m);
    w.e = gt_ema_new(w.m);
    w.part = gt_step_lr(w.o, 1);
    w.s = gt_chained_lr((gt_schedule *[]){gt_exponential_lr(w.o, 0.9)}, 1);
    gt_backward(no_loss(gt, w.m));
    gt_optimizer_step(w.o);
    gt_ema_update(w.e);
    gt_rewind(gt, start);
    assert_well(gt);
    free_world(&w);
    assert_well(gt);
    return w;
}

static void test_use_after_free(void **state)
{
    gt_ctx *gt = *state;
    world there = freed_world(gt), *w = &there;
    int missed = 0;
#define CALL(call)                                                                                 \
    call;                                                                                          \
    if (!strstr(gt_error_message(gt), "freed")) {                                                  \
        print_error("%s: '%s'\n", #call, gt_error_message(gt));                                    \
        missed++;                                                                                  \
    }                                                                                              \
    gt_error_clear(gt);
    CALLS(CALL)
    assert_int_equal(missed, 0);
}

/* --- what cannot go --- */

static void free_parent(gt_module *m, gt_tensor *const in[], gt_tensor *const out[], void *user)
{
    (void)m, (void)in, (void)out;
    gt_module_free(user);
}

static void test_what_cannot_go(void **state)
{
    gt_ctx *gt = *state;
    gt_module *net = mlp(gt);
    gt_module_free(gt_module_nth(net, 0));
    assert_error(gt, GT_ERR_STATE, "it is part of a Sequential, as '0'");
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *loss = no_loss(gt, net);
    gt_module_free(net);
    assert_error(gt, GT_ERR_STATE, "are on the tape");
    gt_backward(loss);
    gt_rewind(gt, start);
    gt_optimizer *o = gt_sgd(gt_module_nth(net, 3));
    gt_module_free(net);
    assert_error(gt, GT_ERR_STATE, "an optimizer, an average or another place of it is left");
    gt_optimizer_free(o);
    gt_module_add_hook(gt_module_nth(net, 2), free_parent, net);
    assert_null(gt_forward(net, gt_ones(gt, GT_SHAPE(5, 3))));
    assert_error(gt, GT_ERR_STATE, "while it is running");
    gt_rewind(gt, start);
    gt_module_free(net);
    gt_module_free(NULL);
    gt_optimizer_free(NULL);
    gt_ema_free(NULL);
    assert_well(gt);
}

/* --- what others have, too --- */

static void test_shared(void **state)
{
    gt_ctx *gt = *state;
    gt_module *a = gt_nn_linear(gt, 3, 3), *b = gt_nn_sequential_empty(gt);
    gt_tensor *weight = gt_module_parameter(a, "weight"), *bias = gt_module_parameter(a, "bias");
    gt_module_add_parameter(b, "same", weight);
    gt_module_add_parameter(b, "again", weight);
    gt_module_free(a);
    assert_null(gt_unusable(weight));
    assert_non_null(gt_unusable(bias));
    assert_null(gt_owner(weight));
    assert_int_equal(gt_module_n_parameters(b), 9);
    gt_module_free(b);
    assert_non_null(gt_unusable(weight));
    assert_well(gt);
}

/* --- a search --- */

static size_t heap(void)
{
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

static void try_one(gt_ctx *gt, int i)
{
    const gt_mark start = gt_mark_tape(gt);
    gt_module *net = mlp(gt), *copy = gt_module_copy(net);
    gt_module_append(net, gt_nn_linear(gt, 2, 2 + i % 5));
    gt_module_append(net, gt_nn_linear(gt, 2 + i % 5, 2));
    gt_module_to(copy, GT_F64);
    gt_optimizer *o = gt_adam(net);
    gt_optimizer_add_group(o, "*.bias", .lr_scale = 2);
    gt_schedule *s = gt_cosine_annealing_lr(o, 10);
    gt_ema *average = gt_ema_new(net);
    for (int k = 0; k < 2; k++) {
        gt_backward(no_loss(gt, net));
        gt_module_tie(net, "5.bias", "3.bias");
        gt_optimizer_step(o);
        gt_schedule_step(s);
        gt_ema_update(average);
        gt_rewind(gt, start);
    }
    gt_optimizer_free(o);
    gt_ema_free(average);
    gt_module_free(net);
    gt_module_free(copy);
}

static void test_search(void **state)
{
    gt_ctx *gt = *state;
    enum { WARM = 200, ALL = 1000 };
    uint64_t live = 0, system = 0;
    size_t used = 0;
    for (int i = 0; i < ALL; i++) {
        if (i == WARM) {
            live = gt_get_stats(gt).bytes_live;
            system = gt_get_stats(gt).bytes_system;
            used = heap();
        }
        try_one(gt, i);
    }
    assert_well(gt);
    assert_int_equal(gt_get_stats(gt).bytes_live, live);
    assert_int_equal(gt_get_stats(gt).bytes_system, system);
    assert_in_range(heap(), 0, used + 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_use_after_free, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_what_cannot_go, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_shared, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_search, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

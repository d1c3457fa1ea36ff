/* A training that writes in every way there is: LeNet with batch norm, dropout, two micro-batches,
 * both clippings, an average of the weights and a schedule, for any optimizer; and the bits of all
 * that it changes. */
#ifndef GT_TESTS_TRAINING_H
#define GT_TESTS_TRAINING_H

#include "support.h"

#include "engine/context.h"

#include <stdlib.h>

enum { PARTS = 2, BATCH = 4, CLASSES = 3, MOST = 400 };

/* --- bits of tensors --- */

typedef struct {
    gt_tensor *t;
    void *bits;
} saved;

typedef struct {
    saved at[MOST];
    int n;
} snapshot;

static size_t bytes_of(const gt_tensor *t)
{
    return (size_t)t->size * gt_dtype_size(t->dtype);
}

static void save(snapshot *s, gt_tensor *t)
{
    if (!t || !t->size) return;
    assert_true(s->n < MOST);
    saved *to = &s->at[s->n++];
    *to = (saved){t, malloc(bytes_of(t))};
    assert_non_null(to->bits);
    memcpy(to->bits, t->data, bytes_of(t));
}

static void forget(snapshot *s)
{
    for (int i = 0; i < s->n; i++) free(s->at[i].bits);
    s->n = 0;
}

/* --- the training --- */

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *optimizer;
    gt_schedule *schedule;
    gt_ema *ema;
    gt_tensor *x[PARTS], *y[PARTS];
    bool noisy; /* random numbers are added to the images */
} training;

typedef struct {
    const char *name;
    gt_optimizer *(*make)(gt_module *m);
} rule;

static gt_optimizer *sgd(gt_module *m)
{
    return gt_sgd(m, .lr = 0.1, .momentum = 0.9, .dampening = 0.1);
}
static gt_optimizer *adam(gt_module *m)
{
    return gt_adam(m, .lr = 0.01, .amsgrad = true);
}
static gt_optimizer *nadam(gt_module *m)
{
    return gt_nadam(m, .lr = 0.01, .weight_decay = 0.1);
}
static gt_optimizer *radam(gt_module *m)
{
    return gt_radam(m, .lr = 0.01, .betas = {0.9, 0.6});
}
static gt_optimizer *rmsprop(gt_module *m)
{
    return gt_rmsprop(m, .lr = 0.01, .centered = true, .momentum = 0.5);
}
static gt_optimizer *adagrad(gt_module *m)
{
    return gt_adagrad(m, .lr = 0.05);
}
static gt_optimizer *adadelta(gt_module *m)
{
    return gt_adadelta(m);
}
static gt_optimizer *lion(gt_module *m)
{
    return gt_lion(m, .lr = 1e-3);
}
static const rule rules[] = {
    {"sgd", sgd},         {"adam", adam},       {"nadam", nadam},       {"radam", radam},
    {"rmsprop", rmsprop}, {"adagrad", adagrad}, {"adadelta", adadelta}, {"lion", lion},
};
enum { RULES = sizeof rules / sizeof *rules };

static gt_module *lenet(gt_ctx *gt)
{
    return gt_nn_sequential(
        gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2}), gt_nn_batch_norm2d(gt, 6),
        gt_nn_sigmoid(gt), gt_nn_avg_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_conv2d(gt, 6, 16, .kernel = {5}), gt_nn_batch_norm2d(gt, 16, .cumulative = true),
        gt_nn_relu(gt), gt_nn_max_pool2d(gt, .kernel = {2}, .stride = {2}),
        gt_nn_dropout2d(gt, 0.2), gt_nn_flatten(gt), gt_nn_linear(gt, 64, 40),
        gt_nn_batch_norm1d(gt, 40), gt_nn_tanh(gt), gt_nn_dropout(gt, 0.5),
        gt_nn_linear(gt, 40, CLASSES));
}

static void make_training(training *t, const rule *r)
{
    gt_ctx *gt = gt_open();
    *t = (training){.gt = gt};
    gt_manual_seed(gt, 3);
    t->net = lenet(gt);
    t->optimizer = r->make(t->net);
    t->schedule = gt_step_lr(t->optimizer, 2, .gamma = 0.5);
    t->ema = gt_ema_new(t->net, .decay = 0.9, .warm_up = true, .use_buffers = true);
    for (int i = 0; i < PARTS; i++) {
        t->x[i] = gt_keep(gt_randn(gt, GT_SHAPE(BATCH, 1, 16, 16)));
        t->y[i] = gt_keep(gt_randint(gt, 0, CLASSES, GT_SHAPE(BATCH)));
    }
    assert_well(gt);
}

/* In the second part two slices of the logits count beside the whole, so that gradients come from
 * several sides. */
static gt_tensor *loss_of(const training *t, int part)
{
    gt_tensor *x = t->x[part];
    if (t->noisy) x = gt_add(x, gt_mul_scalar(gt_randn(t->gt, GT_SHAPE(BATCH, 1, 16, 16)), 0.1));
    gt_tensor *logits = gt_forward(t->net, x);
    gt_tensor *loss = gt_cross_entropy(logits, t->y[part]);
    if (part == 0) return loss;
    gt_tensor *apart = gt_sub(gt_slice(logits, 1, 0, 2), gt_slice(logits, 1, 1, 3));
    return gt_set_mean_weight(gt_add(loss, gt_mean(gt_square(apart))), 2.5);
}

static gt_tensor *step(const training *t)
{
    gt_tensor *loss = NULL;
    for (int part = 0; part < PARTS; part++) {
        loss = loss_of(t, part);
        gt_zero_grad(t->net);
        gt_backward(loss, .retain = part == 0);
        if (part == 0) gt_backward(gt_mul_scalar(loss, 0.5));
        gt_optimizer_accumulate(t->optimizer, .loss = loss);
    }
    gt_clip_grad_norm(t->net, 0.5);
    gt_clip_grad_value(t->net, 0.05);
    gt_optimizer_step(t->optimizer);
    gt_ema_update(t->ema);
    gt_schedule_step(t->schedule);
    assert_well(t->gt);
    return loss;
}

/* What lives from step to step. */
static void save_state(const training *t, snapshot *s)
{
    gt_state_iter state = gt_module_state(t->net);
    while (gt_state_next(&state)) save(s, state.tensor);
    gt_optim_iter lists[] = {gt_optimizer_state(t->optimizer), gt_ema_state(t->ema)};
    for (int i = 0; i < 2; i++)
        while (gt_optim_next(&lists[i])) save(s, lists[i].tensor);
    save(s, t->gt->keys);
}

/* And the gradients. */
static void save_all(const training *t, snapshot *s)
{
    save_state(t, s);
    gt_state_iter state = gt_module_state(t->net);
    while (gt_state_next(&state)) save(s, state.tensor->grad);
}

#endif

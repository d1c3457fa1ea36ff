/* What the tests of gt_fit share: a small model, generated data, and callbacks that count. */
#ifndef GT_TESTS_FIT_SUPPORT_H
#define GT_TESTS_FIT_SUPPORT_H

#include <math.h>
#include <signal.h>

#include "support.h"

#include "files.h"

enum { ITEMS = 50, BATCH = 8, BATCHES = 7, VALID_BATCH = 16, VALID_BATCHES = 4 };

/* --- the model: a convolution and the power of its channels, 3 classes --- */

typedef struct {
    gt_module base;
    int trained, evaluated; /* calls in each mode */
} net;

static inline gt_tensor *net_forward(gt_module *m, gt_tensor *x)
{
    net *n = (net *)m;
    assert_true(m->training == gt_is_recording(m->ctx) || !n->trained);
    if (m->training) n->trained++;
    else n->evaluated++;
    gt_tensor *y = gt_forward(gt_module_child(m, "conv"), x);
    return gt_mean(gt_square(y), .axes = GT_AXES(2, 3));
}

static const gt_module_type net_type = {"Net", sizeof(net), .forward = net_forward};

static inline gt_module *make_net(gt_ctx *gt, bool lazy)
{
    gt_module *m = gt_module_new(gt, &net_type);
    gt_module_add_child(m, "conv",
                        lazy ? gt_nn_lazy_conv2d(gt, 3, .kernel = {3})
                             : gt_nn_conv2d(gt, 1, 3, .kernel = {3}));
    return m;
}

/* Noise upon columns, rows, or nothing. */
static inline gt_dataset *make_data(gt_ctx *gt)
{
    gt_tensor *x = gt_keep(gt_rand(gt, GT_SHAPE(ITEMS, 1, 6, 6)));
    gt_tensor *y = gt_keep(gt_zeros(gt, GT_SHAPE(ITEMS), .dtype = GT_I64));
    for (int i = 0; i < ITEMS; i++) {
        const int k = i % 3;
        float *at = (float *)x->data + 36 * (ptrdiff_t)i;
        ((int64_t *)y->data)[i] = k;
        for (int j = 0; j < 36; j++)
            at[j] += 0.5f * (float)(k == 0 ? j % 2 * 2 : k == 1 ? j / 6 % 2 * 2 : 1);
    }
    return gt_tensor_dataset(x, y);
}

/* All that a training needs; made anew, it is the same. */
typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *sgd;
    gt_schedule *schedule;
    gt_loader *train, *valid;
    gt_mark start;
} setting;

static inline setting make(bool lazy)
{
    setting s = {.gt = gt_open()};
    gt_manual_seed(s.gt, 3);
    gt_dataset *data = make_data(s.gt);
    s.net = make_net(s.gt, lazy);
    s.sgd = gt_sgd(s.net, .lr = 0.1, .momentum = 0.9);
    s.schedule = gt_exponential_lr(s.sgd, 0.95);
    s.train = gt_loader_new(data, BATCH, .shuffle = true);
    s.valid = gt_loader_new(data, VALID_BATCH);
    s.start = gt_mark_tape(s.gt);
    assert_well(s.gt);
    return s;
}

static inline void free_setting(setting *s)
{
    assert_well(s->gt);
    gt_close(s->gt);
}

/* --- callbacks --- */

typedef struct {
    int begin, gradients, step, best, epoch;
    int stop_at_step, stop_at_epoch; /* 0: never */
    int interrupt_at;
    bool every_batch; /* is a step */
} calls;

static inline bool on_begin(const gt_fit_state *s, void *user)
{
    assert_true(s->module->training);
    ((calls *)user)->begin++;
    return true;
}

static inline bool on_gradients(const gt_fit_state *s, void *user)
{
    calls *c = user;
    assert_non_null(gt_module_parameter(s->module, "conv.weight")->grad);
    assert_int_equal(s->step, c->step);
    c->gradients++;
    return true;
}

static inline bool on_step(const gt_fit_state *s, void *user)
{
    calls *c = user;
    assert_int_equal(s->step, ++c->step);
    if (c->every_batch) assert_int_equal(s->batch, (s->step - 1) % BATCHES + 1);
    if (c->step == c->interrupt_at) raise(SIGINT);
    return c->step != c->stop_at_step;
}

static inline bool on_best(const gt_fit_state *s, void *user)
{
    assert_int_equal(s->best_epoch, s->epoch);
    ((calls *)user)->best++;
    return true;
}

static inline bool on_epoch(const gt_fit_state *s, void *user)
{
    calls *c = user;
    c->epoch++;
    assert_int_equal(gt_history_epoch(s->history, -1), s->epoch);
    assert_true(s->loss == gt_history_get(s->history, -1, "loss"));
    return c->epoch != c->stop_at_epoch;
}

#define ALL_CALLS(c)                                                                               \
    GT_CALLBACKS({on_begin, on_gradients, on_step, NULL, on_epoch, c}, {.best = on_best, .user = c})

#endif

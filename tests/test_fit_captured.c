/* gt_fit with a captured step: the same bits as without, and what it refuses. */
#define _DEFAULT_SOURCE
#define _XOPEN_SOURCE 700
#include "fit_support.h"

#include <string.h>

enum { EPOCHS = 3 };

/* A network with what a replay has to do again: running statistics, random numbers. */
static gt_module *rich_net(gt_ctx *gt)
{
    gt_module *m = gt_module_new(gt, &net_type);
    gt_module_add_child(m, "conv",
                        gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 3, .kernel = {3}),
                                         gt_nn_batch_norm2d(gt, 3), gt_nn_dropout(gt, 0.3)));
    return m;
}

static setting make_rich(bool lazy)
{
    setting s = make(lazy);
    if (lazy) return s;
    s.net = rich_net(s.gt);
    s.sgd = gt_adam(s.net, .lr = 0.01);
    s.schedule = gt_exponential_lr(s.sgd, 0.95);
    s.start = gt_mark_tape(s.gt);
    return s;
}

static bool halve(const gt_fit_state *f, void *user)
{
    gt_state_iter it = gt_module_parameters(f->module);
    (void)user;
    while (gt_state_next(&it)) gt_copy_into(it.tensor->grad, gt_mul_scalar(it.tensor->grad, 0.5));
    return true;
}

/* Another mode and another leaf that learns in each epoch. */
static bool change(const gt_fit_state *f, void *user)
{
    (void)user;
    gt_tensor *bias = gt_module_parameter(f->module, "conv.0.bias");
    gt_module *norm = gt_module_child(f->module, "conv.1");
    if (bias) gt_require_grad(bias, f->epoch % 2);
    if (norm) (f->epoch == 2 ? gt_eval : gt_train)(norm);
    return true;
}

static gt_tensor *ignoring(const gt_batch *b, void *user)
{
    (void)user;
    return gt_cross_entropy(b->out[0], b->target[0], .ignore_index = 1);
}

static const struct {
    const char *label;
    bool lazy, ema;
    gt_fit_opts opts;
} rows[] = {
    {"plain", false, false, {0}},
    {"lazy", true, false, {0}},
    {"micro-batches", false, false, {.accumulate = 3}},
    {"clipped", false, false, {.clip_grad_norm = 0.1}},
    {"averages", false, true, {.schedule_each_step = true}},
    {"callbacks",
     false,
     false,
     {.callbacks = (const gt_callbacks[]){{.begin = change, .gradients = halve}, {0}}}},
    {"a loss", false, false, {.loss = ignoring, .accumulate = 2}},
};

typedef struct {
    double weights[1000], numbers[64];
    int n_weights, n_numbers, calls;
} outcome;

static void note(outcome *o, const setting *s, const gt_history *h)
{
    gt_state_iter it = gt_module_state(s->net);
    while (gt_state_next(&it))
        for (int64_t i = 0; i < it.tensor->size; i++)
            o->weights[o->n_weights++] = gt_load_element(it.tensor, i);
    for (int64_t r = 0; r < gt_history_rows(h); r++)
        for (int c = 0; c < gt_history_columns(h); c++)
            if (strcmp(gt_history_name(h, c), "seconds") != 0)
                o->numbers[o->n_numbers++] = gt_history_get(h, r, gt_history_name(h, c));
    o->calls = ((net *)s->net)->trained;
}

static outcome train(size_t row, bool captured)
{
    outcome o = {.calls = 0};
    setting s = make_rich(rows[row].lazy);
    gt_fit_opts opts = rows[row].opts;
    opts.epochs = EPOCHS;
    opts.capture = captured;
    opts.valid = s.valid;
    opts.schedule = s.schedule;
    if (rows[row].ema) opts.ema = gt_ema_new(s.net);
    const gt_history *h = gt_fit_(s.net, s.sgd, s.train, opts);
    if (gt_failed(s.gt)) fail_msg("%s: %s", rows[row].label, gt_error_message(s.gt));
    note(&o, &s, h);
    free_setting(&s);
    return o;
}

static void the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const outcome a = train(i, false), b = train(i, true);
        assert_int_equal(a.n_weights, b.n_weights);
        for (int k = 0; k < a.n_weights; k++)
            if (memcmp(&a.weights[k], &b.weights[k], sizeof(double)) != 0)
                fail_msg("%s: weight %d is %.17g, captured %.17g", rows[i].label, k, a.weights[k],
                         b.weights[k]);
        assert_int_equal(a.n_numbers, b.n_numbers);
        assert_memory_equal(a.numbers, b.numbers, sizeof a.numbers);
        /* a full batch of an epoch, and the smaller last one; a first call that keeps something
         * (lazy parameters, the state of random numbers) is made once more */
        assert_int_equal(a.calls, EPOCHS * BATCHES);
        assert_int_equal(b.calls, EPOCHS * 2 + 1);
    }
}

static gt_tensor *twice(gt_tensor *grad, void *user)
{
    (void)user;
    return gt_mul_scalar(grad, 2);
}

static bool hook(const gt_fit_state *f, void *user)
{
    (void)user;
    if (f->batch == 3) gt_hook(gt_module_parameter(f->module, "conv.weight"), twice, NULL);
    return true;
}

static gt_tensor *loading(const gt_batch *b, void *user)
{
    gt_tensor *more, *labels;
    gt_loader_next(user, &more, &labels);
    return gt_cross_entropy(b->out[0], b->target[0]);
}

/* What a capture cannot do is an error that says so. */
static void refusals(void **state)
{
    (void)state;
    setting s = make(false);
    assert_null(
        gt_fit(s.net, s.sgd, s.train, .callbacks = GT_CALLBACKS({.step = hook}), .capture = true));
    assert_error(s.gt, GT_ERR_STATE, "has other hooks now");
    free_setting(&s);
    s = make(false);
    assert_null(gt_fit(s.net, s.sgd, s.train, .loss = loading, .user = s.valid, .capture = true));
    assert_error(s.gt, GT_ERR_STATE, "captured");
    free_setting(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

/* gt_fit and gt_evaluate: a small model on generated data. */
#define _DEFAULT_SOURCE
#define _XOPEN_SOURCE 700
#include "fit_support.h"

#include <time.h>

#include "terminal.h"

/* Means are over items: the loader's last batch is smaller, and one batch of all gives the same. */
static void test_evaluate(void **state)
{
    (void)state;
    setting s = make(true);
    double parts[2], whole[2];
    gt_loader *all = gt_loader_new(gt_loader_dataset(s.valid), ITEMS);
    assert_int_equal(gt_evaluate(s.net, s.valid, parts), GT_OK);
    assert_int_equal(gt_evaluate(s.net, all, whole), GT_OK);
    assert_true(fabs(whole[0] - parts[0]) < 1e-6 && fabs(whole[1] - parts[1]) < 1e-12);
    free_setting(&s);
}

static void test_learns(void **state)
{
    (void)state;
    for (int lazy = 0; lazy < 2; lazy++) {
        setting s = make(lazy);
        gt_history *h =
            gt_fit(s.net, s.sgd, s.train, .epochs = 30, .valid = s.valid, .schedule = s.schedule);
        assert_well(s.gt);
        assert_int_equal(gt_history_rows(h), 30);
        static const char *const names[] = {"loss",         "accuracy", "val_loss",
                                            "val_accuracy", "lr",       "seconds"};
        assert_int_equal(gt_history_columns(h), 6);
        for (int i = 0; i < 6; i++) assert_string_equal(gt_history_name(h, i), names[i]);
        assert_true(gt_history_get(h, -1, "val_accuracy") > 0.95);
        assert_true(gt_history_get(h, -1, "loss") < 0.5 * gt_history_get(h, 0, "loss"));
        assert_true(gt_history_get(h, 0, "lr") == 0.1);
        double test[2];
        assert_int_equal(gt_evaluate(s.net, s.valid, test), GT_OK);
        assert_true(test[0] == gt_history_get(h, -1, "val_loss"));
        assert_true(test[1] == gt_history_get(h, -1, "val_accuracy"));
        assert_true(s.net->training && gt_is_recording(s.gt));
        assert_int_equal(((net *)s.net)->trained, 30 * BATCHES);
        assert_int_equal(((net *)s.net)->evaluated, 31 * VALID_BATCHES);
        free_setting(&s);
    }
}

/* A plain loop of the same steps gives the same weights. */
static void test_same_as_plain_loop(void **state)
{
    (void)state;
    setting a = make(false), b = make(false);
    gt_fit(a.net, a.sgd, a.train, .epochs = 3, .accumulate = 4, .clip_grad_norm = 0.1);
    gt_tensor *x, *y;
    for (int epoch = 0; epoch < 3; epoch++)
        for (int i = 1; gt_loader_next(b.train, &x, &y); i++) {
            gt_rewind(b.gt, b.start);
            gt_tensor *loss = gt_cross_entropy(gt_forward(b.net, x), y);
            gt_backward(loss);
            gt_optimizer_accumulate(b.sgd, .loss = loss);
            if (i % 4 && i != BATCHES) continue;
            gt_clip_grad_norm(b.net, 0.1);
            gt_optimizer_step(b.sgd);
        }
    const gt_tensor *v = gt_module_parameter(a.net, "conv.weight"),
                    *w = gt_module_parameter(b.net, "conv.weight");
    assert_memory_equal(v->data, w->data, (size_t)v->size * sizeof(float));
    free_setting(&a);
    free_setting(&b);
}

/* --- callbacks --- */

static void test_callbacks(void **state)
{
    (void)state;
    static const struct {
        int accumulate, stop_at_step, stop_at_epoch, begins, steps, epochs;
    } rows[] = {
        {1, 0, 0, 3, 3 * BATCHES, 3},
        {4, 0, 0, 3, 3 * 2, 3},
        {1, BATCHES + 2, 0, 2, BATCHES + 2, 1},
        {1, 0, 2, 2, 2 * BATCHES, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setting s = make(false);
        calls c = {.stop_at_step = rows[i].stop_at_step, .stop_at_epoch = rows[i].stop_at_epoch};
        gt_history *h = gt_fit(s.net, s.sgd, s.train, .epochs = 3, .callbacks = ALL_CALLS(&c),
                               .accumulate = rows[i].accumulate);
        assert_int_equal(gt_history_rows(h), rows[i].epochs);
        assert_int_equal(c.begin, rows[i].begins);
        assert_int_equal(c.gradients, rows[i].steps);
        assert_int_equal(c.step, rows[i].steps);
        assert_int_equal(c.epoch, rows[i].epochs);
        assert_in_range(c.best, 1, rows[i].epochs);
        free_setting(&s);
    }
}

/* --- the rest --- */

static gt_tensor *sum_loss(const gt_batch *b, void *user)
{
    assert_int_equal(b->out[0]->shape.dim[0], b->in[0]->shape.dim[0]);
    return gt_mul_scalar(gt_mean(gt_square(b->out[0])), *(double *)user);
}

/* Parts in evaluation mode stay in it; a network that is in it itself learns with all its parts. */
static void test_modes(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        setting s = make(false);
        gt_module *norm = gt_nn_batch_norm2d(s.gt, 1);
        gt_module *all = gt_nn_sequential(s.gt, norm, s.net);
        gt_eval(whole ? all : norm);
        gt_fit(all, s.sgd, s.train, .epochs = 2, .valid = s.valid);
        assert_well(s.gt);
        assert_true(all->training && s.net->training && norm->training == whole);
        const double mean = element(gt_module_buffer(norm, "running_mean"), 0);
        assert_true(whole ? mean > 0.1 : mean == 0);
        gt_close(s.gt);
    }
}

static void test_loss_ema_log_board(void **state)
{
    (void)state;
    setting s = make(false);
    double factor = 2;
    int64_t two = 2;
    FILE *log = fopen(scratch("log"), "w+");
    gt_history *h = gt_fit(
        s.net, s.sgd, s.train, .epochs = 10, .valid = s.valid, .loss = sum_loss, .user = &factor,
        .metrics = GT_METRICS(GT_TOP_K("top2", &two)), .ema = gt_ema_new(s.net),
        .schedule = gt_one_cycle_lr(s.sgd, 0.01, 10 * BATCHES), .schedule_each_step = true,
        .board = gt_board_open(s.gt, scratch("board")), .log = log);
    assert_well(s.gt);
    assert_int_equal(gt_history_columns(h), 6);
    assert_true(gt_history_get(h, -1, "val_loss") < gt_history_get(h, 0, "val_loss"));
    rewind(log);
    char line[256];
    int lines = 0;
    for (; fgets(line, sizeof line, log); lines++) {
        char want[64];
        snprintf(want, sizeof want, "epoch %2d/10  0:00  loss ", lines + 1);
        assert_int_equal(strncmp(line, want, strlen(want)), 0);
        assert_true(strstr(line, "  top2 ") && strstr(line, "  val_top2 ") && strstr(line, " lr "));
    }
    assert_int_equal(lines, 10);
    fclose(log);
    free_setting(&s);
}

static gt_tensor *infinite_loss(const gt_batch *b, void *user)
{
    (void)user;
    return gt_div_scalar(gt_sum(gt_square(b->out[0])), 0);
}

static gt_tensor *negative_nan(const gt_batch *b, void *user)
{
    (void)user;
    return gt_mul_scalar(gt_sum(b->out[0]), copysign(NAN, -1));
}

static gt_tensor *losses(const gt_batch *b, void *user)
{
    (void)user;
    return gt_cross_entropy(b->out[0], b->target[0], .reduction = GT_NONE);
}

static gt_tensor *no_loss(const gt_batch *b, void *user)
{
    (void)b;
    (void)user;
    return NULL;
}

/* Takes its time over batches of the validation. */
static double slow(const gt_batch *b, void *user)
{
    (void)user;
    if (b->in[0]->shape.dim[0] == VALID_BATCH)
        nanosleep(&(struct timespec){.tv_nsec = 60 * 1000 * 1000}, NULL);
    return 1;
}

/* A validation that takes its time has a bar, whose place the epoch's line takes. */
static void test_validation_bar(void **state)
{
    (void)state;
    terminal t;
    if (!open_terminal(&t)) skip();
    setenv("LC_ALL", "C", 1);
    setenv("TERM", "xterm", 1);
    set_columns(&t, 150);
    setting s = make(false);
    gt_fit(s.net, s.sgd, s.train, .valid = s.valid,
           .metrics = GT_METRICS({.name = "slow", .fn = slow}), .log = t.f);
    const char *text = read_line(&t);
    const char *bar = strstr(text, "\repoch 1/1  validation  [==");
    assert_true(bar && strstr(bar, "val_loss ") && strstr(bar, "val_slow 1.0000"));
    const char *end = strstr(bar, "\x1b[K\repoch 1/1  0:00  loss ");
    assert_true(end && strstr(end, "\x1b[K\r\n"));
    free_setting(&s);
    close_terminal(&t);
}

/* What nothing can come of is refused before the first epoch. */
static void test_refused(void **state)
{
    (void)state;
    setting s = make(false), other = make(false);
    gt_loader *empty = gt_loader_new(gt_loader_dataset(s.train), ITEMS + 1, .drop_last = true);
    gt_schedule *foreign = gt_step_lr(gt_sgd(s.net), 1);
    gt_history *old = gt_history_new(s.gt);
    gt_history_set(old, 1, "loss", 1);
    const struct {
        gt_optimizer *o;
        gt_loader *train;
        gt_fit_opts opts;
        const char *part;
    } rows[] = {
        {s.sgd, empty, {.epochs = 1}, "50 items, fewer than one batch"},
        {s.sgd, s.train, {.valid = empty}, "without .drop_last"},
        {other.sgd, s.train, {.epochs = 1}, "the optimizer belongs to another context"},
        {s.sgd, s.train, {.valid = other.valid}, "a loader belongs to another context"},
        {s.sgd, s.train, {.history = gt_history_new(other.gt)}, "the history belongs to another"},
        {s.sgd, s.train, {.ema = gt_ema_new(other.net)}, ".ema belongs to another context"},
        {gt_sgd(make_net(s.gt, false)),
         s.train,
         {.epochs = 1},
         "optimizer is that of another module"},
        {s.sgd,
         s.train,
         {.ema = gt_ema_new(make_net(s.gt, false))},
         ".ema is that of another module"},
        {s.sgd, s.train, {.schedule = foreign}, ".schedule belongs to another optimizer"},
        {s.sgd,
         s.train,
         {.history = old},
         "the history has an epoch 1, and training begins with 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(gt_fit_(s.net, rows[i].o, rows[i].train, rows[i].opts));
        assert_error(s.gt, GT_ERR_ARGUMENT, rows[i].part);
    }
    static const char *const taken[] = {"loss", "val_loss", "m", "val_m", "lr", "seconds", "epoch"};
    for (int i = 0; i < 7; i++) {
        char part[64];
        snprintf(part, sizeof part, "metric 1 cannot be called '%s'", taken[i]);
        const gt_metric metrics[] = {{.name = "m", .fn = gt_metric_accuracy},
                                     {.name = taken[i], .fn = gt_metric_accuracy},
                                     {.name = NULL}};
        assert_null(gt_fit(s.net, s.sgd, s.train, .metrics = metrics));
        assert_error(s.gt, GT_ERR_ARGUMENT, part);
    }
    /* The checkpoint keeps names in lines. */
    const gt_metric lines[] = {{.name = "top\n5", .fn = gt_metric_accuracy}, {.name = NULL}};
    assert_null(gt_fit(s.net, s.sgd, s.train, .metrics = lines));
    assert_error(s.gt, GT_ERR_ARGUMENT, "the name of metric 0 holds the control character 0x0a");
    double loss[2];
    assert_int_equal(gt_evaluate(s.net, s.train, loss, .metrics = lines), GT_ERR_ARGUMENT);
    assert_error(s.gt, GT_ERR_ARGUMENT, "the name of metric 0 holds");
    gt_history *h = gt_history_new(s.gt);
    assert_int_equal(gt_history_set(h, 1, "a\rb", 1), GT_ERR_ARGUMENT);
    assert_error(s.gt, GT_ERR_ARGUMENT, "the name of a column holds the control character 0x0d");
    assert_int_equal(gt_evaluate(s.net, empty, loss), GT_ERR_ARGUMENT);
    assert_error(s.gt, GT_ERR_ARGUMENT, "gt_evaluate (test_fit.c:");
    assert_int_equal(((net *)s.net)->trained + ((net *)s.net)->evaluated, 0);
    free_setting(&s);
    free_setting(&other);
}

/* No training is lost to a name that cannot be written. */
static void test_unwritable(void **state)
{
    (void)state;
    static const gt_fit_opts rows[] = {{.best = "/nowhere/x"}, {.checkpoint = "/nowhere/x"}};
    for (int i = 0; i < 2; i++) {
        setting s = make(false);
        assert_null(GT_HISTORY_AT(gt_fit_(s.net, s.sgd, s.train, rows[i])));
        assert_int_equal(strncmp(gt_error_message(s.gt), "gt_fit (test_fit.c:", 19), 0);
        assert_error(s.gt, GT_ERR_IO, "): '/nowhere/x' cannot be written");
        assert_int_equal(((net *)s.net)->trained, 0);
        free_setting(&s);
    }
}

/* The optimizer may be that of a part or of a whole. */
static void test_parts(void **state)
{
    (void)state;
    setting s = make(false);
    gt_optimizer *part = gt_sgd(gt_module_child(s.net, "conv"), .lr = 0.1);
    assert_non_null(gt_fit(s.net, part, s.train));
    gt_module *whole = gt_nn_sequential_empty(s.gt);
    gt_module_append(whole, s.net);
    assert_non_null(gt_fit(s.net, gt_sgd(whole), s.train));
    free_setting(&s);
}

static void test_errors(void **state)
{
    (void)state;
    setting s = make(false), other = make(false);
    gt_schedule *plateau = gt_reduce_lr_on_plateau(s.sgd);
    gt_history *kept = gt_history_new(s.gt);
#define FAILS(code, part, ...)                                                                     \
    do {                                                                                           \
        assert_null(gt_fit(s.net, __VA_ARGS__));                                                   \
        assert_error(s.gt, code, part);                                                            \
    } while (0)
    FAILS(GT_ERR_ARGUMENT, "test_fit.c:", NULL, s.train);
    FAILS(GT_ERR_ARGUMENT, "NULL", s.sgd, NULL);
    FAILS(GT_ERR_ARGUMENT, "make another one", s.sgd, s.train, .valid = s.train);
    FAILS(GT_ERR_ARGUMENT, "negative", s.sgd, s.train, .epochs = -1);
    FAILS(GT_ERR_ARGUMENT, "negative", s.sgd, s.train, .min_delta = NAN);
    FAILS(GT_ERR_ARGUMENT, "'val_loss' to monitor, but 'loss', 'accuracy'\n  hint: those", s.sgd,
          s.train, .monitor = "val_loss");
    FAILS(GT_ERR_ARGUMENT, "but 'loss', 'accuracy', 'val_loss', 'val_accuracy'", s.sgd, s.train,
          .valid = s.valid, .monitor = "val_acc");
    FAILS(GT_ERR_SHAPE, "gt_fit (test_fit.c:", s.sgd, s.train, .loss = losses);
    FAILS(GT_ERR_SHAPE, "8 elements, not one: shape [8]\n  hint: its function", s.sgd, s.train,
          .loss = losses);
    FAILS(GT_ERR_ARGUMENT, "the function of the loss returned NULL", s.sgd, s.train,
          .loss = no_loss);
    for (int of_one = 0; of_one < 2; of_one++) {
        gt_tensor *x = gt_rand(s.gt, GT_SHAPE(4, 2));
        gt_tensor *y = gt_rand(s.gt, of_one ? GT_SHAPE(4, 1) : GT_SHAPE(4));
        gt_module *line = gt_nn_linear(s.gt, 2, 1);
        gt_loader *numbers = gt_loader_new(gt_tensor_dataset(x, y), 4);
        assert_null(gt_fit(line, gt_sgd(line), numbers));
        assert_error(s.gt, GT_ERR_ARGUMENT,
                     "a regression has a .loss, such as .loss = gt_batch_loss");
    }
    FAILS(GT_ERR_ARGUMENT, "needs .checkpoint", s.sgd, s.train, .resume = true);
    FAILS(GT_ERR_ARGUMENT, "needs a metric", s.sgd, s.train, .schedule = plateau,
          .schedule_each_step = true);
    FAILS(GT_ERR_ARGUMENT, "metric 0 'm'", s.sgd, s.train, .metrics = GT_METRICS({.name = "m"}));
    FAILS(GT_ERR_NUMERIC, "epoch 1, batch 1 of 7", s.sgd, s.train, .loss = infinite_loss,
          .history = kept);
    gt_loader_reset(s.train);
    FAILS(GT_ERR_NUMERIC, "batch 1 of 7\n  hint: a smaller learning rate", s.sgd, s.train,
          .loss = negative_nan);
    for (int i = 0; i < 2; i++) {
        gt_tensor *part[] = {gt_ones(s.gt, GT_SHAPE(4, 2)), gt_ones(s.gt, GT_SHAPE(4, 1))};
        ((float *)part[i]->data)[1] = NAN;
        gt_module *line = gt_nn_linear(s.gt, 2, 1);
        gt_loader *numbers = gt_loader_new(gt_tensor_dataset(part[0], part[1]), 4);
        assert_null(gt_fit(line, gt_sgd(line), numbers, .loss = gt_batch_loss,
                           .user = gt_nn_mse_loss(s.gt)));
        assert_error(s.gt, GT_ERR_NUMERIC,
                     i ? "hint: the batch's targets have NaN"
                       : "hint: the batch's inputs have NaN");
    }
    FAILS(GT_ERR_ARGUMENT, "gt_batch_loss (test_fit.c:", s.sgd, s.train, .loss = gt_batch_loss);
    assert_int_equal(gt_history_rows(kept), 0);
    assert_int_equal(gt_evaluate(s.net, NULL, &(double){0}), GT_ERR_ARGUMENT);
    assert_error(s.gt, GT_ERR_ARGUMENT, "test_fit.c:");
    assert_null(gt_fit(NULL, s.sgd, s.train));
    gt_error_clear(NULL);
    free_setting(&s);
    free_setting(&other);
}

/* In a steady loop nothing grows. */
static bool watch_memory(const gt_fit_state *s, void *user)
{
    uint64_t *mallocs = user;
    if (s->epoch == 2) *mallocs = gt_get_stats(s->module->ctx).mallocs;
    if (s->epoch > 2) assert_int_equal(gt_get_stats(s->module->ctx).mallocs, *mallocs);
    return true;
}

static void test_memory(void **state)
{
    (void)state;
    setting s = make(false);
    uint64_t mallocs = 0;
    gt_fit(s.net, s.sgd, s.train, .epochs = 6, .valid = s.valid,
           .callbacks = GT_CALLBACKS({.epoch = watch_memory, .user = &mallocs}));
    free_setting(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_same_as_plain_loop),
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_loss_ema_log_board),
        cmocka_unit_test(test_validation_bar),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

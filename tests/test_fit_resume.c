/* How gt_fit ends early: by patience, by signal; and how it goes on. */
#define _POSIX_C_SOURCE 200809L
#include "fit_support.h"

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* The same weights and histories, to the bit, but for the time taken. */
static void assert_same(const setting *a, const gt_history *ha, const setting *b,
                        const gt_history *hb)
{
    const gt_tensor *v = gt_module_parameter(a->net, "conv.weight"),
                    *w = gt_module_parameter(b->net, "conv.weight");
    assert_memory_equal(v->data, w->data, (size_t)v->size * sizeof(float));
    assert_int_equal(gt_history_rows(ha), gt_history_rows(hb));
    assert_int_equal(gt_history_columns(ha), gt_history_columns(hb));
    for (int64_t i = 0; i < gt_history_rows(ha); i++) {
        assert_int_equal(gt_history_epoch(ha, i), gt_history_epoch(hb, i));
        for (int k = 0; k < gt_history_columns(ha); k++) {
            const char *name = gt_history_name(ha, k);
            assert_string_equal(name, gt_history_name(hb, k));
            if (!strcmp(name, "seconds")) continue;
            assert_int_equal(bits_of(gt_history_get(ha, i, name)),
                             bits_of(gt_history_get(hb, i, name)));
        }
    }
}

/* --- early stopping --- */

/* A metric that follows a script: its n-th call gives the n-th number. */
typedef struct {
    const double *numbers;
    int next;
} script;

static double scripted(const gt_batch *b, void *user)
{
    (void)b;
    script *s = user;
    return s->numbers[s->next++ / BATCHES];
}

/* Usual numbers of the log keep their width from line to line. */
static void test_numbers_of_log(void **state)
{
    (void)state;
    static const double numbers[] = {9999, 1, 0, 0.01, 0.0011, 1e-4, 1.25e-5, 12345};
    static const char *const want[] = {"9999.0000", "1.0000",  "0.0000",   "0.0100",
                                       "0.00110",   "0.00010", "1.25e-05", "1.23e+04"};
    setting s = make(false);
    script next = {numbers, 0};
    FILE *log = fopen(scratch("log"), "w+");
    gt_fit(s.net, s.sgd, s.train, .epochs = 8,
           .metrics = GT_METRICS({.name = "m", .fn = scripted, .user = &next}), .log = log);
    rewind(log);
    for (int i = 0; i < 8; i++) {
        char line[256], shown[32];
        assert_non_null(fgets(line, sizeof line, log));
        assert_non_null(strstr(line, "  m "));
        assert_int_equal(sscanf(strstr(line, "  m "), " m %31s", shown), 1);
        assert_string_equal(shown, want[i]);
    }
    fclose(log);
    free_setting(&s);
}

/* The log says why it ends, if it ends early. */
static void assert_last_line(FILE *log, int patience, int best_epoch)
{
    char line[256] = "", want[64];
    rewind(log);
    while (fgets(line, sizeof line, log)) continue;
    fclose(log);
    snprintf(want, sizeof want, "no better m for %d epochs; best in epoch %d: m ", patience,
             best_epoch);
    assert_int_equal(strncmp(line, want, strlen(want)) == 0, patience != 0);
}

static void test_early_stopping(void **state)
{
    (void)state;
    static const double falls[] = {5, 4, 4, 3.95, 4, 4, 4, 1}, rises[] = {1, 2, 2, 2, 2, 9};
    const struct {
        const double *numbers;
        bool more;
        int patience;
        double min_delta;
        int epochs, best_epoch;
    } rows[] = {
        {falls, false, 3, 0, 7, 4}, {falls, false, 2, 0.1, 4, 2}, {falls, false, 0, 0, 8, 8},
        {rises, true, 3, 0, 5, 2},  {rises, true, 1, 0, 3, 2},    {falls, true, 2, 0, 3, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setting s = make(false);
        script numbers = {rows[i].numbers, 0};
        const char *best = scratch("best.safetensors");
        FILE *log = fopen(scratch("log"), "w+");
        gt_history *h =
            gt_fit(s.net, s.sgd, s.train, .epochs = 8, .log = log,
                   .metrics = GT_METRICS({.name = "m", .fn = scripted, .user = &numbers}),
                   .monitor = "m", .more_is_better = rows[i].more, .patience = rows[i].patience,
                   .min_delta = rows[i].min_delta, .best = best);
        assert_int_equal(gt_history_rows(h), rows[i].epochs);
        assert_last_line(log, rows[i].epochs < 8 ? rows[i].patience : 0, rows[i].best_epoch);
        setting again = make(false);
        gt_fit(again.net, again.sgd, again.train, .epochs = rows[i].best_epoch);
        assert_int_equal(gt_load(s.net, best), GT_OK);
        const gt_tensor *v = gt_module_parameter(s.net, "conv.weight"),
                        *w = gt_module_parameter(again.net, "conv.weight");
        assert_memory_equal(v->data, w->data, (size_t)v->size * sizeof(float));
        free_setting(&s);
        free_setting(&again);
    }
}

/* --- interruption --- */

static void on_interrupt(int number)
{
    (void)number;
    gt_request_stop();
}

/* Broken off after any step, saved, and resumed by objects made anew: as if nothing had been. */
static void interrupt_and_resume(bool each_step)
{
    enum { EPOCHS = 3 };
    setting whole = make(true);
    gt_history *h =
        gt_fit(whole.net, whole.sgd, whole.train, .epochs = EPOCHS, .valid = whole.valid,
               .schedule = whole.schedule, .schedule_each_step = each_step);
    for (int at = 1; at < EPOCHS * BATCHES; at += 2) {
        const char *path = scratch("run.safetensors");
        setting first = make(true);
        calls c = {.interrupt_at = at};
        signal(SIGINT, on_interrupt);
        gt_history *part =
            gt_fit(first.net, first.sgd, first.train, .epochs = EPOCHS, .valid = first.valid,
                   .schedule = first.schedule, .schedule_each_step = each_step, .checkpoint = path,
                   .callbacks = GT_CALLBACKS({.step = on_step, .user = &c}));
        assert_true(gt_stop_requested());
        assert_int_equal(c.step, at);
        assert_int_equal(gt_history_rows(part), (at - 1) / BATCHES);
        free_setting(&first);
        gt_stop_reset();
        setting second = make(true);
        calls go_on = {.step = at, .every_batch = true};
        gt_history *rest =
            gt_fit(second.net, second.sgd, second.train, .epochs = EPOCHS, .valid = second.valid,
                   .schedule = second.schedule, .schedule_each_step = each_step, .checkpoint = path,
                   .resume = true, .callbacks = ALL_CALLS(&go_on));
        assert_well(second.gt);
        assert_int_equal(gt_history_epoch(rest, -1), EPOCHS);
        assert_same(&whole, h, &second, rest);
        free_setting(&second);
    }
    free_setting(&whole);
}

static void test_interrupted_and_resumed(void **state)
{
    (void)state;
    interrupt_and_resume(false);
    interrupt_and_resume(true);
    signal(SIGINT, SIG_DFL);
}

/* Of the library's own metrics more is better, without being told so. */
static void test_direction(void **state)
{
    (void)state;
    int64_t one = 1;
    for (int i = 0; i < 2; i++) {
        setting s = make(false);
        calls c = {0};
        gt_history *h = gt_fit(
            s.net, s.sgd, s.train, .epochs = 20, .monitor = "m",
            .metrics =
                i ? GT_METRICS(GT_TOP_K("m", &one))
                  : GT_METRICS({.name = "m", .fn = gt_metric_accuracy, .more_is_better = true}),
            .callbacks = GT_CALLBACKS({.best = on_best, .user = &c}));
        int better = 0;
        for (int64_t k = 0, best = -1; k < 20; k++)
            if (best < 0 || gt_history_get(h, k, "m") > gt_history_get(h, best, "m")) {
                best = k;
                better++;
            }
        assert_in_range(better, 2, 20);
        assert_int_equal(c.best, better);
        free_setting(&s);
    }
}

static gt_history *resumed(setting *s, int epochs, gt_history *own)
{
    return gt_fit(s->net, s->sgd, s->train, .epochs = epochs, .history = own,
                  .checkpoint = scratch("run.safetensors"), .resume = true);
}

/* The log's first line says where training goes on. */
static void test_resumed_log(void **state)
{
    (void)state;
    static const struct {
        int epochs, patience, interrupt_at;
        const char *first;
    } rows[] = {
        {1, 0, 0, "epoch 1/1  0:00  loss "},
        {4, 0, BATCHES + 3, "resumed after epoch 1 of 4\n"},
        {4, 0, 0, "resumed in epoch 2 of 4, after batch 3 of 7\n"},
        {4, 0, 0, "resumed after epoch 4 of 4: nothing is left to do\n"},
        {3, 0, 0, "resumed after epoch 4 of 3: nothing is left to do\n"},
        {5, 1, 0, "resumed after epoch 4 of 5\nno better m for 1 epochs; best in epoch 1: m 1.0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setting s = make(false);
        script numbers = {(const double[]){1, 2, 2, 2, 2}, i ? BATCHES : 0};
        calls c = {.interrupt_at = rows[i].interrupt_at, .step = i == 1 ? BATCHES : 0};
        FILE *log = fopen(scratch("log"), "w+");
        signal(SIGINT, on_interrupt);
        gt_fit(s.net, s.sgd, s.train, .epochs = rows[i].epochs, .patience = rows[i].patience,
               .metrics = GT_METRICS({.name = "m", .fn = scripted, .user = &numbers}),
               .monitor = "m", .log = log, .checkpoint = scratch("shown.safetensors"),
               .resume = true,
               .callbacks = i == 1 ? GT_CALLBACKS({.step = on_step, .user = &c}) : NULL);
        gt_stop_reset();
        assert_well(s.gt);
        char text[512];
        rewind(log);
        text[fread(text, 1, sizeof text - 1, log)] = '\0';
        fclose(log);
        text[strlen(rows[i].first)] = '\0';
        assert_string_equal(text, rows[i].first);
        free_setting(&s);
    }
    signal(SIGINT, SIG_DFL);
}

/* Rows of the checkpoint go only into a history that has none. */
static void test_history_of_ones_own(void **state)
{
    (void)state;
    remove(scratch("run.safetensors"));
    setting first = make(false), second = make(false);
    assert_int_equal(gt_history_rows(resumed(&first, 2, NULL)), 2);
    gt_history *own = gt_history_new(second.gt);
    gt_history_set(own, 0, "mine", 1);
    gt_history *h = resumed(&second, 3, own);
    assert_ptr_equal(h, own);
    assert_int_equal(gt_history_rows(h), 2);
    assert_int_equal(gt_history_epoch(h, -1), 3);
    free_setting(&first);
    free_setting(&second);
}

/* The same checkpoint with another text about its history, 2 rows of 4 columns. */
static void write_note(setting *s, const gt_tensors *run, const char *note)
{
    gt_metadata metadata[8] = {{"history", note}};
    int n = 1;
    for (const gt_metadata *m = run->metadata; m->name; m++)
        if (strcmp(m->name, "history") != 0) metadata[n++] = *m;
    assert_in_range(n, 2, 7);
    assert_int_equal(
        gt_save_tensors(s->gt, scratch("run.safetensors"), run->tensors, .metadata = metadata),
        GT_OK);
}

static void test_bad_history(void **state)
{
    (void)state;
    static const char *const notes[] = {"",
                                        "x",
                                        "2",
                                        "-2\na\nb\nc\nd",
                                        "9000000000000000000\na\nb\nc\nd",
                                        "99999999999999999999\na\nb\nc\nd",
                                        "3\na\nb\nc\nd",
                                        "2\na\nb\nc",
                                        "2\na\nb\nc\nd\ne",
                                        "2\na\n\nc\nd"};
    remove(scratch("run.safetensors"));
    setting first = make(false);
    resumed(&first, 2, NULL);
    gt_tensors *run = gt_load_tensors(first.gt, scratch("run.safetensors"));
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        write_note(&first, run, notes[i]);
        setting s = make(false);
        assert_null(resumed(&s, 3, NULL));
        assert_true(gt_failed(s.gt));
        gt_close(s.gt);
    }
    write_note(&first, run, "2\na\nb\nc\nd");
    setting s = make(false);
    assert_int_equal(gt_history_columns(resumed(&s, 2, NULL)), 4);
    free_setting(&s);
    free_setting(&first);
}

static void test_stop_flag(void **state)
{
    (void)state;
    assert_false(gt_stop_requested());
    gt_request_stop();
    assert_true(gt_stop_requested());
    setting s = make(false);
    calls c = {0};
    gt_history *h = gt_fit(s.net, s.sgd, s.train, .callbacks = ALL_CALLS(&c));
    assert_non_null(h);
    assert_int_equal(c.begin + c.step, 0);
    assert_int_equal(gt_history_rows(h), 0);
    gt_stop_reset();
    assert_false(gt_stop_requested());
    free_setting(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_log), cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_direction),      cmocka_unit_test(test_interrupted_and_resumed),
        cmocka_unit_test(test_resumed_log),    cmocka_unit_test(test_history_of_ones_own),
        cmocka_unit_test(test_bad_history),    cmocka_unit_test(test_stop_flag),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}

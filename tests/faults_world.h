/* Programs upon a world of objects, run while calls fail. Whatever fails, a program ends with an
 * error that fits or with the result of a run without failures; then the context works on, and the
 * program, run again, succeeds. A program marked `whole` either does all or changes nothing: the
 * world is as it was before, and running it again gives the same as if nothing had failed. */
#ifndef GT_TESTS_FAULTS_WORLD_H
#define GT_TESTS_FAULTS_WORLD_H

#include <dirent.h>
#include <errno.h>

#include "faults.h"
#include "files.h"

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *optimizer;
    gt_schedule *schedule;
    gt_ema *ema;
    gt_loader *loader;
    gt_dataset *data;
    gt_history *history;
    gt_profile *profile;
    gt_board *board;
    gt_tensor *t, *x, *y; /* kept */
    gt_run run;
} world;

typedef struct {
    const char *name;
    void (*prepare)(world *w); /* nothing fails yet; NULL: nothing to do */
    void (*run)(world *w);
    bool whole;
    const char *file; /* in scratch(""), that the program writes or reads, if it does */
} program;

/* --- a digest of all that can be seen --- */

static inline void add_bytes(uint64_t *digest, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++) *digest = (*digest ^ at[i]) * 0x100000001b3;
}

static inline void add_text(uint64_t *digest, const char *text)
{
    add_bytes(digest, text, strlen(text) + 1);
}

static inline void add_tensor(uint64_t *digest, const gt_tensor *t)
{
    if (!t) return;
    add_bytes(digest, &t->dtype, sizeof t->dtype);
    add_bytes(digest, t->shape.dim, (size_t)t->shape.ndim * sizeof *t->shape.dim);
    add_bytes(digest, &t->requires_grad, 1);
    add_bytes(digest, t->data, (size_t)t->size * gt_dtype_size(t->dtype));
    if (t->grad) add_tensor(digest, t->grad);
}

static inline void add_module(uint64_t *digest, gt_module *m)
{
    char path[256];
    gt_state_iter it = gt_module_state(m);
    while (m && gt_state_next(&it)) {
        gt_state_path(&it, path, sizeof path);
        add_text(digest, path);
        add_text(digest, gt_name(it.tensor));
        add_tensor(digest, it.tensor);
    }
    for (int i = 0; m && gt_module_nth(m, i); i++)
        add_text(digest, gt_module_nth(m, i)->scope.name);
}

static inline void add_walk(uint64_t *digest, gt_optim_iter it)
{
    char name[256];
    while (gt_optim_next(&it)) {
        gt_optim_name(&it, name, sizeof name);
        add_text(digest, name);
        add_tensor(digest, it.tensor);
        if (!it.tensor) add_bytes(digest, &it.number, sizeof it.number);
    }
}

static inline void add_history(uint64_t *digest, const gt_history *h)
{
    for (int64_t row = 0; row < gt_history_rows(h); row++)
        for (int c = 0; c < gt_history_columns(h); c++) {
            if (!strcmp(gt_history_name(h, c), "seconds")) continue;
            const double value = gt_history_get(h, row, gt_history_name(h, c));
            add_text(digest, gt_history_name(h, c));
            add_bytes(digest, &value, sizeof value);
        }
}

/* What is in the file, and the names of all that is beside it. */
static inline void add_folder(uint64_t *digest, const char *file)
{
    DIR *dir = opendir(scratch(""));
    uint64_t names = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        uint64_t name = 1;
        add_text(&name, e->d_name);
        names += name; /* in any order */
    }
    if (dir) closedir(dir);
    add_bytes(digest, &names, sizeof names);
    FILE *f = fopen(scratch(file), "rb");
    static unsigned char bytes[FILE_MOST];
    if (f) add_bytes(digest, bytes, fread(bytes, 1, sizeof bytes, f));
    if (f) fclose(f);
}

static inline uint64_t digest_of(const world *w, const char *file)
{
    uint64_t digest = 0xcbf29ce484222325;
    add_module(&digest, w->net);
    if (w->optimizer) add_walk(&digest, gt_optimizer_state(w->optimizer));
    if (w->schedule) add_walk(&digest, gt_schedule_state(w->schedule));
    if (w->ema) add_walk(&digest, gt_ema_state(w->ema));
    if (w->loader) {
        const gt_loader_state s = gt_loader_get_state(w->loader);
        add_bytes(&digest, &s, sizeof s);
    }
    add_history(&digest, w->history);
    add_tensor(&digest, w->t);
    add_bytes(&digest, &w->run.epoch, sizeof w->run.epoch);
    add_bytes(&digest, &w->run.step, sizeof w->run.step);
    const gt_mark mark = gt_mark_tape(w->gt);
    add_tensor(&digest, gt_get_random_state(w->gt));
    gt_rewind(w->gt, mark);
    if (file) add_folder(&digest, file);
    return digest;
}

/* --- running --- */

static inline world open_world(const program *p)
{
    world w = {.gt = gt_open()};
    gt_manual_seed(w.gt, 1);
    if (p->file) remove(scratch(p->file));
    if (p->prepare) p->prepare(&w);
    assert_well(w.gt);
    return w;
}

/* The number of calls of a run without failures, and the digest behind it. */
static inline uint64_t run_well(const program *p, fault_kind kind, uint64_t *after)
{
    world w = open_world(p);
    faults_arm(kind, UINT64_MAX, false, 0);
    p->run(&w);
    const uint64_t calls = faults_disarm();
    char why[600] = "";
    if (gt_failed(w.gt)) snprintf(why, sizeof why, "%s", gt_error_message(w.gt));
    *after = digest_of(&w, p->file);
    gt_close(w.gt);
    if (why[0]) fail_msg("%s: %s", p->name, why);
    return calls;
}

/* Returns false. */
static inline bool complain(const program *p, const fault_sweep *s, const char *what,
                            const world *w)
{
    print_error("%s, call %llu%s, %s: %s: %s\n", p->name, (unsigned long long)s->at,
                s->onwards ? " and on" : "",
                s->kind == FAULT_MEMORY ? "memory" : strerror(s->error), what,
                gt_error_message(w->gt));
    return false;
}

/* Whether the failure is told as what it is. */
static inline bool fits(const program *p, const fault_sweep *s, const gt_ctx *gt)
{
    const char *message = gt_error_message(gt);
    if (s->kind == FAULT_MEMORY || s->error == ENOMEM) return gt_error_code(gt) == GT_ERR_MEMORY;
    return gt_error_code(gt) == GT_ERR_IO && strstr(message, p->file) &&
           strstr(message, strerror(s->error));
}

/* A file that has its name, but may not be on the disk yet, is there in spite of the error. */
static inline bool is_whole(const program *p, const fault_sweep *s, const world *w, uint64_t before,
                            uint64_t after)
{
    const uint64_t now = p->whole ? digest_of(w, p->file) : before;
    return now == before || (now == after && s->kind == FAULT_FILES);
}

/* Whether a run ended well. Where something failed, but nothing came of it, all is as if it had not
 * failed. */
static inline bool check_end(const program *p, const fault_sweep *s, world *w, uint64_t before,
                             uint64_t after)
{
    if (!gt_failed(w->gt))
        return !p->whole || digest_of(w, p->file) == after || complain(p, s, "another result", w);
    if (!fits(p, s, w->gt)) return complain(p, s, "not told as it is", w);
    gt_error_clear(w->gt);
    if (!is_whole(p, s, w, before, after)) return complain(p, s, "half done", w);
    p->run(w);
    if (gt_failed(w->gt)) return complain(p, s, "cannot be done again", w);
    return !p->whole || digest_of(w, p->file) == after || complain(p, s, "done again differs", w);
}

/* False when the sweep is over. */
static inline bool sweep_one(const program *p, fault_sweep *s, uint64_t after, bool *ok)
{
    world w = open_world(p);
    const uint64_t before = p->whole ? digest_of(&w, p->file) : 0;
    const bool more = faults_sweep_next(s);
    if (more) p->run(&w);
    if (more && !faults_sweep_hit(s) && gt_failed(w.gt))
        *ok = complain(p, s, "failed by itself", &w);
    else if (more) *ok = check_end(p, s, &w, before, after);
    gt_close(w.gt);
    return more;
}

static inline void sweep(const program *p, fault_kind kind, int error, bool onwards)
{
    uint64_t after = 0;
    const uint64_t calls = run_well(p, kind, &after);
    bool ok = true;
    faults_count_program();
    fault_sweep s = faults_sweep_begin(kind, onwards, error, calls);
    while (ok && sweep_one(p, &s, after, &ok)) {}
    faults_check_leaks(p->name);
    assert_true(ok);
}

/* --- test programs: one test a program, whose pointer is its state --- */

static inline void program_runs_out_of_memory(void **state)
{
    sweep(*state, FAULT_MEMORY, 0, false);
    sweep(*state, FAULT_MEMORY, 0, true);
}

static inline void program_fails_in_files(void **state)
{
    const program *p = *state;
    static const int reasons[] = {EIO, ENOSPC, EINTR, ENOMEM};
    program_runs_out_of_memory(state);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        sweep(p, FAULT_FILES, reasons[i], false);
    sweep(p, FAULT_FILES, EIO, true);
    sweep(p, FAULT_SHORT, 0, false);
}

static inline int end_programs(void **state)
{
    faults_print("programs");
    return remove_scratch(state);
}

#define RUN_PROGRAMS(programs, test)                                                               \
    run_programs(programs, sizeof(programs) / sizeof *(programs), test)
static inline int run_programs(const program *p, size_t n, void (*test)(void **state))
{
    struct CMUnitTest *tests = calloc(n, sizeof *tests);
    if (!tests) return 1;
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){
            .name = p[i].name, .test_func = test, .initial_state = (void *)(uintptr_t)&p[i]};
    const int failed = _cmocka_run_group_tests("programs", tests, n, NULL, end_programs);
    free(tests);
    return failed;
}

#endif

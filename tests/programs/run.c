/* Programs by seeds, each in a child process of its own if need be, so that a crash is a difference
 * like others. */
#define _DEFAULT_SOURCE
#include "run.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

enum {
    ROUNDS = 5,        /* a program is run so often, on the same contexts */
    LONG_ROUNDS = 150, /* of every LONG_EVERY-th program, whose memory must not grow */
    LONG_EVERY = 50,
    SECONDS = 20, /* until a program counts as stuck */
};

/* What a child tells its parent. */
typedef struct {
    uint64_t seed; /* being run */
    int statement, round;
    char difference[512];
} report;

static report *shared;

/* --- one program --- */

static void open_contexts(model *m)
{
    for (int i = 0; i < CONTEXTS; i++) {
        m->context[i].real = gt_open();
        m->context[i].start = gt_mark_tape(m->context[i].real);
    }
}

/* Tensors that ended with a turn. In the two turns behind it, which are no larger, they are known
 * to be gone. */
typedef struct {
    const gt_tensor *tensors[TENSORS];
    int n;
} bygone;

static void remember(bygone *b, const model *m)
{
    b->n = 0;
    for (int i = 0; i < m->n_tensors; i++) {
        const tensor *t = &m->tensors[i];
        if (t->real && !t->kept && !t->dead && !t->lost) b->tensors[b->n++] = t->real;
    }
}

static void compare_bygone(run *r, const bygone *b, int turns)
{
    for (int i = 0; i < b->n; i++) {
        gt_tensor *t = (gt_tensor *)b->tensors[i];
        if (!gt_unusable(t)) differ(r, "a tensor dropped %d turns ago can be used", turns);
        for (int k = 0; k < CONTEXTS; k++) gt_error_clear(r->m->context[k].real);
        if (gt_neg(t)) differ(r, "an operation took a tensor dropped %d turns ago", turns);
    }
    for (int k = 0; k < CONTEXTS; k++) gt_error_clear(r->m->context[k].real);
}

/* Ends a turn: kept tensors are freed, the rest is dropped. */
static void clean_up(model *m)
{
    for (int i = 0; i < CONTEXTS; i++) {
        gt_error_clear(m->context[i].real);
        gt_set_recording(m->context[i].real, true);
        gt_set_recording_all(m->context[i].real, false);
    }
    for (int i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].real && m->tensors[i].kept && !m->tensors[i].dead)
            gt_free(m->tensors[i].real);
    for (int i = 0; i < CONTEXTS; i++) gt_rewind(m->context[i].real, m->context[i].start);
}

static bool run_once(run *r)
{
    model_reset(r->m);
    /* So that no mark of the program's is the one that its turns go back to. */
    for (int i = 0; i < CONTEXTS; i++) gt_zeros(r->m->context[i].real, GT_SCALAR);
    for (int i = 0; i < r->p->n && !r->different; i++) {
        const statement *s = &r->p->statements[i];
        if (s->inside >= 0) continue;
        shared->statement = s->id;
        if (!step_model(r, s)) continue;
        step_library(r, s);
        compare(r, s);
    }
    return !r->different;
}

/* Memory after the turns that are half of all must do for the others. */
static void compare_memory(run *r, int round, int rounds, gt_stats *before)
{
    for (int i = 0; i < CONTEXTS; i++) {
        const gt_stats now = gt_get_stats(r->m->context[i].real);
        if (round == 1 || round == rounds / 2) before[i] = now;
        if (round >= 1 && now.bytes_live != before[i].bytes_live)
            differ(r, "context %d: %d bytes live after a turn, %d after one before", i,
                   (int)now.bytes_live, (int)before[i].bytes_live);
        if (rounds == LONG_ROUNDS && round > rounds / 2 && now.mallocs > before[i].mallocs)
            differ(r, "context %d: %d mallocs in turn %d", i,
                   (int)(now.mallocs - before[i].mallocs), round);
    }
}

static bool run_program(const program *p, model *m)
{
    static run r;
    static bygone old[2];
    gt_stats before[CONTEXTS];
    r = (run){.m = m, .p = p};
    const int rounds = p->seed % LONG_EVERY == 0 ? LONG_ROUNDS : ROUNDS;
    open_contexts(m);
    for (int round = 0; round < rounds && !r.different; round++) {
        shared->round = round;
        if (!run_once(&r)) break;
        for (int turns = 1; turns <= 2 && turns <= round; turns++)
            compare_bygone(&r, &old[(round - turns) % 2], turns);
        remember(&old[round % 2], m);
        clean_up(m);
        compare_memory(&r, round, rounds, before);
    }
    for (int i = 0; i < CONTEXTS; i++) gt_close(m->context[i].real);
    memcpy(shared->difference, r.difference, sizeof r.difference);
    return !r.different;
}

/* --- children --- */

/* Runs f(user) in a child; false if that fails, crashes or sticks. */
static bool in_child(bool (*f)(void *user), void *user, unsigned seconds, bool quiet)
{
    shared->difference[0] = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        if (quiet) (void)!freopen("/dev/null", "w", stderr);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(seconds);
        _exit(!f(user));
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        snprintf(shared->difference, sizeof shared->difference, "ended by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) && !shared->difference[0])
        snprintf(shared->difference, sizeof shared->difference, "ended by a sanitizer");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static model the_model;

static bool run_one(void *user)
{
    return run_program(user, &the_model);
}

typedef struct {
    uint64_t first, count;
} seeds;

static bool run_all(void *user)
{
    static program p;
    const seeds *s = user;
    for (uint64_t i = 0; i < s->count; i++) {
        shared->seed = s->first + i;
        make_program(&p, shared->seed, &the_model);
        if (!run_program(&p, &the_model)) return false;
        alarm(SECONDS);
    }
    return true;
}

/* --- making it short --- */

/* Leaves out statements from..from + n - 1, with what stands inside of them. */
static void leave_out(program *to, const program *p, int from, int n)
{
    *to = (program){.seed = p->seed};
    for (int i = 0; i < p->n; i++) {
        const statement *s = &p->statements[i];
        bool gone = i >= from && i < from + n;
        for (int k = from; k < from + n && k < p->n && s->inside >= 0; k++)
            gone |= s->inside == p->statements[k].id;
        if (!gone) to->statements[to->n++] = *s;
    }
}

/* Whether two differences are one but for numbers. */
static bool alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "-.0123456789e_");
        b += strspn(b, "-.0123456789e_");
        if (*a != *b || !*a) return *a == *b;
    }
}

static void shorten(program *p)
{
    static program shorter;
    char difference[sizeof shared->difference];
    memcpy(difference, shared->difference, sizeof difference);
    for (int n = p->n / 2; n >= 1; n = n > 1 ? n / 2 : 0)
        for (int from = p->n - n; from >= 0; from -= n) {
            leave_out(&shorter, p, from, n);
            if (!in_child(run_one, &shorter, SECONDS, true) &&
                alike(shared->difference, difference))
                *p = shorter;
            if (from > p->n) from = p->n;
        }
}

static void show(program *p)
{
    in_child(run_one, p, SECONDS, false);
    fprintf(stderr, "program %llu, shortened: turn %d, statement t%d: %s\n",
            (unsigned long long)p->seed, shared->round, shared->statement, shared->difference);
    for (int i = 0; i < p->n; i++) print_statement(stderr, &p->statements[i]);
    fprintf(stderr, "again with GRADTAPE_PROGRAMS=%llu:1\n", (unsigned long long)p->seed);
}

int run_programs(uint64_t first, uint64_t count)
{
    static program p;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    const bool ok = in_child(run_all, &(seeds){first, count}, SECONDS, false);
    if (!ok) {
        fprintf(stderr, "program %llu: turn %d, statement t%d: %s\n",
                (unsigned long long)shared->seed, shared->round, shared->statement,
                shared->difference);
        make_program(&p, shared->seed, &the_model);
        shorten(&p);
        show(&p);
    }
    munmap(shared, sizeof *shared);
    return !ok;
}

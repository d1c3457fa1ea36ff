#define _GNU_SOURCE
#include "base/team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* SPINS: looks for work before a thread sleeps, some 100 us; GAP: nanoseconds after which it does.
 * WORTH: of work between two gaps, beside which waking threads takes little; MANY: parts that are
 * as much by themselves. SHARES: a thread takes this part of its equal share of what is left, so
 * that the last are small and all end together. STACK: of a thread, for libraries with small ones
 * (the BLAS packs on it). */
enum { SPINS = 1 << 12, GAP = 100000, WORTH = 200000, MANY = 32, SHARES = 2, STACK = 2 << 20 };

typedef struct {
    gti_team *team;
    pthread_t thread;
    int index;
} worker;

/* `job` is 2 n + 1 while the n-th piece of work can be joined, and 2 n after. */
struct gti_team {
    int size;
    pid_t process; /* that the threads are in */
    int64_t n;
    gti_team_work *work;
    void *arg;
    _Atomic int64_t next;   /* part to be taken */
    _Atomic uint64_t state; /* job << 16 | threads that are at it */
    atomic_int sleepers;
    bool stop;
    bool wakes;          /* sleepers at once: there was work enough since the gap before the last */
    int64_t ended, done; /* when the last piece of work did; nanoseconds of work since a gap */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    worker *workers; /* [size]; 0 is the caller */
};

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void take_parts(gti_team *t, int index)
{
    int64_t begin = atomic_load_explicit(&t->next, memory_order_relaxed);
    while (begin < t->n) {
        const int64_t share = (t->n - begin) / ((int64_t)t->size * SHARES);
        const int64_t end = begin + (share < 1 ? 1 : share);
        if (!atomic_compare_exchange_weak_explicit(&t->next, &begin, end, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        t->work(t->arg, index, begin, end);
        begin = atomic_load_explicit(&t->next, memory_order_relaxed);
    }
}

static bool is_open(uint64_t state, uint64_t seen)
{
    return state >> 16 & 1 && state >> 16 != seen;
}

/* Whether the thread became one of those at work on the open job, now *seen. */
static bool join(gti_team *t, uint64_t *seen)
{
    uint64_t state = atomic_load_explicit(&t->state, memory_order_acquire);
    while (is_open(state, *seen))
        if (atomic_compare_exchange_weak_explicit(&t->state, &state, state + 1,
                                                  memory_order_acquire, memory_order_acquire)) {
            *seen = state >> 16;
            return true;
        }
    return false;
}

/* Sleeps until there is an unseen job or the end; false at the end. */
static bool sleep_for_work(gti_team *t, uint64_t seen)
{
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->sleepers, 1);
    while (!t->stop && !is_open(atomic_load(&t->state), seen))
        pthread_cond_wait(&t->wake, &t->lock);
    atomic_fetch_sub(&t->sleepers, 1);
    const bool on = !t->stop;
    pthread_mutex_unlock(&t->lock);
    return on;
}

static void *run_worker(void *arg)
{
    const worker *w = arg;
    gti_team *t = w->team;
    uint64_t seen = 0;
    int spins = 0;
    for (;;) {
        if (join(t, &seen)) {
            take_parts(t, w->index);
            atomic_fetch_sub_explicit(&t->state, 1, memory_order_release);
            spins = 0;
        } else if (++spins < SPINS) {
            pause_cpu();
        } else {
            spins = 0;
            if (!sleep_for_work(t, seen)) return NULL;
        }
    }
}

static bool start(gti_team *t)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr)) return false;
    pthread_attr_setstacksize(&attr, STACK);
    int n = 1;
    for (; n < t->size; n++) {
        t->workers[n] = (worker){.team = t, .index = n};
        if (pthread_create(&t->workers[n].thread, &attr, run_worker, &t->workers[n])) break;
    }
    t->size = n;
    pthread_attr_destroy(&attr);
    return true;
}

/* Not in a child that was forked: it has a copy of the team, but none of its threads. */
static bool has_threads(const gti_team *t)
{
    return t->process == getpid();
}

gti_team *gti_team_open(int size)
{
    gti_team *t = calloc(1, sizeof *t);
    worker *workers = calloc((size_t)size, sizeof *workers);
    if (!t || !workers) {
        free(t);
        free(workers);
        return NULL;
    }
    t->size = size;
    t->process = getpid();
    t->workers = workers;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    if (!start(t)) t->size = 1;
    return t;
}

static void end_threads(gti_team *t)
{
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    for (int i = 1; i < t->size; i++) pthread_join(t->workers[i].thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
}

void gti_team_close(gti_team *t)
{
    if (!t) return;
    if (has_threads(t)) end_threads(t);
    free(t->workers);
    free(t);
}

int gti_team_size(const gti_team *t)
{
    return t->size;
}

static void wake_sleepers(gti_team *t)
{
    if (!atomic_load(&t->sleepers)) return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Waking a thread takes longer than it saves where pieces of work are small and rare, as in steps
 * of small networks: they tell by the work since the gap before, but for the first and large ones.
 */
static bool wakes(gti_team *t, int64_t begun)
{
    if (begun - t->ended > GAP) {
        t->wakes = t->done >= WORTH || t->ended == 0;
        t->done = 0;
    }
    return t->wakes || t->done >= WORTH || t->n >= MANY;
}

/* All parts, with the threads that are there. */
static void share_parts(gti_team *t, bool wake)
{
    const uint64_t one_job = 1 << 16;
    atomic_fetch_add(&t->state, one_job); /* opens it */
    if (wake) wake_sleepers(t);
    take_parts(t, 0);
    uint64_t state = atomic_fetch_add(&t->state, one_job); /* closes it */
    for (int spins = 0; state & 0xffff; spins++) {
        if (spins < SPINS) pause_cpu();
        else sched_yield();
        state = atomic_load_explicit(&t->state, memory_order_acquire);
    }
    atomic_thread_fence(memory_order_acquire);
}

void gti_team_run(gti_team *t, int64_t n, gti_team_work *work, void *arg)
{
    t->n = n;
    t->work = work;
    t->arg = arg;
    atomic_store_explicit(&t->next, 0, memory_order_relaxed);
    if (!has_threads(t)) {
        take_parts(t, 0);
        return;
    }
    const int64_t begun = nanoseconds();
    share_parts(t, wakes(t, begun));
    t->ended = nanoseconds();
    t->done += t->ended - begun;
}

int gti_team_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}

/* Threads that make batches ahead.
 *
 * Batches are claimed in order, and batch i is made in slot i % n_slots, so that the order in which
 * they are taken does not depend on who made them. A batch may be claimed once the one that had its
 * slot before has been released: claimed < released + n_slots. Everything that changes is guarded
 * by the lock; a slot's contents belong to whoever claimed or took it.
 *
 * A child of fork has none of the threads, and the lock as one of them may have held it: there each
 * batch is made when it is taken, without either. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/batch.h"

typedef struct {
    void *member[GT_MEMBERS_MOST];
    int64_t ready; /* the batch that is in here; -1: none */
    gti_making making;
    gt_data_error error;
} slot;

typedef struct {
    gti_prefetch *of;
    gti_place place;
    pthread_t thread;
} worker;

struct gti_prefetch {
    const gti_batches *batches;
    pid_t process; /* that the threads are in */
    pthread_mutex_t lock;
    pthread_cond_t work, done; /* something to claim; something made */
    int64_t claimed, released; /* batches: the next one of each */
    int64_t end;               /* none is claimed from here on */
    int busy;                  /* threads at work */
    bool stop;
    int n_workers; /* that are running */
    int n_slots;
    worker *workers;
    slot *slots;
};

static bool has_threads(const gti_prefetch *p)
{
    return p->process == getpid();
}

static void lock(gti_prefetch *p)
{
    if (has_threads(p)) pthread_mutex_lock(&p->lock);
}

static void unlock(gti_prefetch *p)
{
    if (has_threads(p)) pthread_mutex_unlock(&p->lock);
}

/* --- the threads --- */

static bool can_claim(const gti_prefetch *p)
{
    return p->claimed < p->end && p->claimed < p->released + p->n_slots;
}

/* With the lock held, which is given up meanwhile. */
static void make_next(gti_prefetch *p, worker *w)
{
    const int64_t i = p->claimed++;
    slot *s = &p->slots[i % p->n_slots];
    p->busy++;
    pthread_mutex_unlock(&p->lock);
    s->error.code = GT_OK;
    s->making = (gti_making){.thread = (int)(w - p->workers) + 1, .began = gt_clock()};
    gti_batch_make(p->batches, i, &w->place, s->member, &s->error);
    s->making.ended = gt_clock();
    pthread_mutex_lock(&p->lock);
    s->ready = i;
    p->busy--;
    pthread_cond_broadcast(&p->done);
}

static void *run(void *user)
{
    worker *w = user;
    gti_prefetch *p = w->of;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (can_claim(p)) make_next(p, w);
        else pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* --- beginning and ending --- */

static bool make_slots(gti_prefetch *p, gt_data_error *error)
{
    const gti_batches *b = p->batches;
    p->slots = calloc((size_t)p->n_slots, sizeof *p->slots);
    if (!p->slots) return gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
    for (int i = 0; i < p->n_slots; i++) {
        slot *s = &p->slots[i];
        s->ready = -1;
        for (int k = 0; k < b->recipe.lanes; k++)
            s->member[k] = gti_data_malloc(gti_batch_bytes(b, k, b->batch), error);
    }
    return error->code == GT_OK;
}

/* Room for what reads items, a user's function among it, where threads have little: musl gives them
 * 128 KiB. */
enum { STACK = 1 << 20 };

static bool start(worker *w)
{
    size_t size;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) return false;
    bool started = pthread_attr_getstacksize(&attr, &size) == 0 &&
                   (size >= STACK || pthread_attr_setstacksize(&attr, STACK) == 0) &&
                   pthread_create(&w->thread, &attr, run, w) == 0;
    pthread_attr_destroy(&attr);
    return started;
}

static bool start_workers(gti_prefetch *p, int threads, gt_data_error *error)
{
    p->workers = calloc((size_t)threads, sizeof *p->workers);
    if (!p->workers) return gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
    for (int i = 0; i < threads; i++) {
        worker *w = &p->workers[i];
        w->of = p;
        if (!gti_batch_place_make(&w->place, p->batches, error) || !start(w)) {
            gti_batch_place_free(&w->place);
            return gt_data_fail(error, GT_ERR_MEMORY, "thread %d of %d could not be started", i + 1,
                                threads);
        }
        p->n_workers++;
    }
    return true;
}

gti_prefetch *gti_prefetch_new(const gti_batches *b, int threads, gt_data_error *error)
{
    gti_prefetch *p = calloc(1, sizeof *p);
    if (!p) {
        gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
        return NULL;
    }
    p->batches = b;
    p->process = getpid();
    p->n_slots = 2 * threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    if (make_slots(p, error) && start_workers(p, threads, error)) return p;
    gti_prefetch_free(p);
    return NULL;
}

static void end_threads(gti_prefetch *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_workers; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
}

void gti_prefetch_free(gti_prefetch *p)
{
    if (!p) return;
    if (has_threads(p)) end_threads(p);
    for (int i = 0; i < p->n_workers; i++) gti_batch_place_free(&p->workers[i].place);
    for (int i = 0; p->slots && i < p->n_slots; i++)
        for (int k = 0; k < GT_MEMBERS_MOST; k++) free(p->slots[i].member[k]);
    free(p->workers);
    free(p->slots);
    free(p);
}

/* --- use --- */

void gti_prefetch_begin(gti_prefetch *p, int64_t first)
{
    lock(p);
    p->claimed = p->released = first;
    p->end = p->batches->n;
    if (has_threads(p)) pthread_cond_broadcast(&p->work);
    unlock(p);
}

/* The slot of the batch to take, made. */
static slot *wait_for_slot(gti_prefetch *p)
{
    slot *s = &p->slots[p->released % p->n_slots];
    lock(p);
    while (has_threads(p) && s->ready != p->released) pthread_cond_wait(&p->done, &p->lock);
    unlock(p);
    if (s->ready == p->released) return s;
    s->error.code = GT_OK;
    s->making = (gti_making){0};
    gti_batch_make(p->batches, p->released, &p->workers[0].place, s->member, &s->error);
    s->ready = p->released;
    return s;
}

void *const *gti_prefetch_take(gti_prefetch *p, gti_making *making, gt_data_error *error)
{
    const slot *s = wait_for_slot(p);
    *making = s->making;
    if (s->error.code == GT_OK) return s->member;
    *error = s->error;
    return NULL;
}

void gti_prefetch_release(gti_prefetch *p)
{
    lock(p);
    p->slots[p->released % p->n_slots].ready = -1;
    p->released++;
    if (has_threads(p)) pthread_cond_signal(&p->work);
    unlock(p);
}

void gti_prefetch_halt(gti_prefetch *p)
{
    lock(p);
    p->end = 0;
    while (has_threads(p) && p->busy) pthread_cond_wait(&p->done, &p->lock);
    for (int i = 0; i < p->n_slots; i++) p->slots[i].ready = -1;
    unlock(p);
}

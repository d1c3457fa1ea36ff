/* What the machine can do at most: multiply-adds in registers, with the vectors of the kernels'
 * level, and memcpy; on all threads at once. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

enum { ROUNDS = 1 << 12 };

/* --- multiply-adds --- */

#define EACH_CHAIN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
enum { CHAINS = 12 };
#define BEGIN(i) vector a##i = x + i;
#define STEP(i) a##i = a##i * x + y;
#define GATHER(i) sum += a##i;

/* Returns the operations of a turn. */
#define PEAK(name, T, bytes, target)                                                               \
    target static double name(void *work)                                                          \
    {                                                                                              \
        typedef T vector __attribute__((vector_size(bytes)));                                      \
        volatile T *const sink = work;                                                             \
        const vector x = (vector){0} + (T)0.5, y = x + *sink;                                      \
        vector sum = {0};                                                                          \
        EACH_CHAIN(BEGIN)                                                                          \
        for (int r = 0; r < ROUNDS; r++) {                                                         \
            EACH_CHAIN(STEP)                                                                       \
        }                                                                                          \
        EACH_CHAIN(GATHER)                                                                         \
        *sink = sum[0];                                                                            \
        return 2.0 * CHAINS * ROUNDS * (double)sizeof(vector) / (double)sizeof(T);                 \
    }
PEAK(narrow_f32, float, 16, )
PEAK(narrow_f64, double, 16, )
#ifdef __x86_64__
#define V3 __attribute__((target("avx2,fma")))
#define V4 __attribute__((target("avx512f")))
PEAK(v3_f32, float, 32, V3)
PEAK(v3_f64, double, 32, V3)
PEAK(v4_f32, float, 64, V4)
PEAK(v4_f64, double, 64, V4)
#endif

typedef double turn(void *work);

static turn *peak_of(gt_dtype dtype)
{
    static turn *const narrow[] = {narrow_f32, narrow_f64};
#ifdef __x86_64__
    static turn *const v3[] = {v3_f32, v3_f64}, *const v4[] = {v4_f32, v4_f64};
    if (strcmp(gt_cpu_level(), "v3") == 0) return v3[dtype];
    if (strcmp(gt_cpu_level(), "v4") == 0) return v4[dtype];
#endif
    return narrow[dtype];
}

/* --- memory --- */

typedef struct {
    size_t size;
    char *from, *to;
} copying;

static double copy(void *work)
{
    const copying *const c = work;
    memcpy(c->to, c->from, c->size);
    return 2.0 * (double)c->size;
}

/* --- all threads at once --- */

typedef struct {
    turn *turn;
    void *work;
    double seconds, rate; /* a second */
} job;

static void *measure(void *arg)
{
    job *j = arg;
    const uint64_t begin = gt_clock();
    double done = 0, time;
    do {
        done += j->turn(j->work);
        time = 1e-9 * (double)(gt_clock() - begin);
    } while (time < j->seconds);
    j->rate = time > 0 ? done / time : 0;
    return NULL;
}

static int threads_of(const gt_ctx *gt)
{
    const int threads = gt_threads(gt);
    return threads > 1 ? threads : 1;
}

static double rate_of(job *jobs, int threads)
{
    pthread_t id[GTI_TEAM_MOST];
    int begun = 1;
    while (begun < threads && pthread_create(&id[begun], NULL, measure, &jobs[begun]) == 0) begun++;
    measure(&jobs[0]);
    double rate = jobs[0].rate;
    for (int i = 1; i < begun; i++) {
        pthread_join(id[i], NULL);
        rate += jobs[i].rate;
    }
    return rate;
}

double gt_measure_flops(gt_ctx *gt, gt_dtype dtype, double seconds)
{
    job jobs[GTI_TEAM_MOST];
    double number[GTI_TEAM_MOST] = {0};
    if (!gt || gt_failed(gt)) return 0;
    if (!gt_is_floating(dtype))
        return gt_fail(gt, GT_ERR_ARGUMENT, "gt_measure_flops", "the dtype must be f32 or f64"), 0;
    const int threads = threads_of(gt);
    for (int i = 0; i < threads; i++) jobs[i] = (job){peak_of(dtype), &number[i], seconds, 0};
    return rate_of(jobs, threads);
}

double gt_measure_copy(gt_ctx *gt, size_t bytes, double seconds)
{
    job jobs[GTI_TEAM_MOST];
    copying c[GTI_TEAM_MOST];
    if (!gt || gt_failed(gt)) return 0;
    const int threads = threads_of(gt);
    bool fine = true;
    for (int i = 0; i < threads; i++) {
        c[i] = (copying){bytes, malloc(bytes), malloc(bytes)};
        fine = fine && c[i].from && c[i].to;
        if (fine) memset(c[i].from, 1, bytes), memset(c[i].to, 2, bytes);
        jobs[i] = (job){copy, &c[i], seconds, 0};
    }
    const double rate = fine ? rate_of(jobs, threads) : 0;
    if (!fine) gt_fail(gt, GT_ERR_MEMORY, "gt_measure_copy", "no memory for %zu bytes", bytes);
    for (int i = 0; i < threads; i++) free(c[i].from), free(c[i].to);
    return rate;
}

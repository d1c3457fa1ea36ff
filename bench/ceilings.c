/* What the machine can do at most: multiply-adds a second in registers, with the vectors of the
 * level that gradtape uses, and memcpy of arrays that fit into a cache, or into none. With
 * GRADTAPE_THREADS, all of them at once. */
#include <gradtape.h>

#include <pthread.h>

#include "bench.h"

enum { ROUNDS = 1 << 15, CHAINS = 12, TIMES = 5, MOST_THREADS = 256 };

/* --- multiply-adds --- */

#define EACH_CHAIN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define BEGIN(i) vector a##i = x + i;
#define STEP(i) a##i = a##i * x + y;
#define GATHER(i) sum += a##i;

/* Returns the operations of a round in work's place, after ROUNDS of them. */
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
        return 2.0 * CHAINS * ROUNDS * (double)(sizeof(vector) / sizeof(T));                       \
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

/* --- memory --- */

typedef struct {
    double (*turn)(void *work); /* returns how much it did */
    void *work;
    double rate; /* a nanosecond */
} job;

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

static void *measure(void *arg)
{
    job *j = arg;
    const double span = bench_span() / (TIMES + 1), begin = bench_now();
    double done = 0, now;
    do done += j->turn(j->work);
    while ((now = bench_now()) - begin < span);
    j->rate = done / (now - begin);
    return NULL;
}

static double rate_of(job *jobs, int threads)
{
    pthread_t id[MOST_THREADS];
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

static void report(const char *name, const char *unit, job *jobs, int threads)
{
    double rate[TIMES];
    rate_of(jobs, threads);
    for (int i = 0; i < TIMES; i++) rate[i] = rate_of(jobs, threads);
    bench_print_in(unit, name, rate, TIMES);
}

static void report_peak(const char *name, double (*turn)(void *work), int threads)
{
    job jobs[MOST_THREADS];
    double number[MOST_THREADS] = {0};
    for (int i = 0; i < threads; i++) jobs[i] = (job){turn, &number[i], 0};
    report(name, "GFLOP/s", jobs, threads);
}

/* False without memory. */
static bool report_copy(const char *name, size_t size, int threads)
{
    job jobs[MOST_THREADS];
    copying c[MOST_THREADS];
    bool fine = true;
    for (int i = 0; i < threads; i++) {
        c[i] = (copying){size, malloc(size), malloc(size)};
        fine = fine && c[i].from && c[i].to;
        if (fine) memset(c[i].from, 1, size), memset(c[i].to, 2, size);
        jobs[i] = (job){copy, &c[i], 0};
    }
    if (fine) report(name, "GB/s", jobs, threads);
    for (int i = 0; i < threads; i++) free(c[i].from), free(c[i].to);
    return fine;
}

int main(void)
{
    gt_ctx *gt = gt_open();
    const int threads = gt_threads(gt);
    const char *const level = gt_cpu_level();
    double (*f32)(void *work) = narrow_f32, (*f64)(void *work) = narrow_f64;
#ifdef __x86_64__
    if (strcmp(level, "v3") == 0) f32 = v3_f32, f64 = v3_f64;
    if (strcmp(level, "v4") == 0) f32 = v4_f32, f64 = v4_f64;
#endif
    report_peak("fma_f32", f32, threads);
    report_peak("fma_f64", f64, threads);
    const bool fine = report_copy("memcpy_512K", 1 << 19, threads) &&
                      report_copy("memcpy_8M", 1 << 23, threads) &&
                      report_copy("memcpy_64M", 1 << 26, threads);
    printf("level: %s\nblas: %s\nversion: %s\n", level, gt_blas_name(), GT_VERSION);
    const bool failed = gt_failed(gt) || !fine;
    gt_close(gt);
    return failed;
}

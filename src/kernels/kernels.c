#define _POSIX_C_SOURCE 200809L
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/levels.h"

typedef struct {
    const char *name;
    bool (*can)(void); /* whether this machine can; NULL: every one */
    void (*init)(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING]);
} rung;

static void plain_init(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING])
{
    (void)below;
    table[0] = gti_plain_f32;
    table[1] = gti_plain_f64;
}

static void native_init(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING])
{
    (void)table, (void)below;
}

#ifdef GT_WITH_BLAS
static bool openblas_can(void)
{
    return gti_blas_name() != NULL;
}

static void openblas_init(gti_kernels table[GTI_N_FLOATING],
                          const gti_kernels below[GTI_N_FLOATING])
{
    gti_blas_init_f32(&table[0], &below[0]);
    gti_blas_init_f64(&table[1], &below[1]);
}
#endif

/* Loops compiled for a level, but for those that are not faster, by measurement, or not called
 * (only masks of u8 are combined), and for products and convolutions, which have better. */
static inline void take_loops(gti_kernels *table, const gti_kernels *loops)
{
    const gti_kernels below = *table;
    *table = *loops;
    table->any.compare[GTI_COMPARE_logical_and] = below.any.compare[GTI_COMPARE_logical_and];
    table->any.compare[GTI_COMPARE_logical_or] = below.any.compare[GTI_COMPARE_logical_or];
    table->any.compare[GTI_COMPARE_logical_xor] = below.any.compare[GTI_COMPARE_logical_xor];
    table->gemm = below.gemm;
    table->conv2d = below.conv2d;
    table->index = below.index;
    table->pad = below.pad;
    table->pool.max_pool = below.pool.max_pool;
    table->fold = below.fold;
    table->resample = below.resample;
    table->dropout = below.dropout;
}

#ifdef GTI_WITH_V3
static bool v3_can(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static void v3_init(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING])
{
    take_loops(&table[0], &gti_v3_loops_f32);
    take_loops(&table[1], &gti_v3_loops_f64);
    table[0].pool.max_pool = gti_v3_loops_f32.pool.max_pool; /* faster at v3, not at v4 */
    table[1].pool.max_pool = gti_v3_loops_f64.pool.max_pool;
    gti_v3_init_f32(&table[0], &below[0]);
    gti_v3_init_f64(&table[1], &below[1]);
}
#endif

#ifdef GTI_WITH_V4
static bool v4_can(void)
{
    return v3_can() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static void v4_init(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING])
{
    take_loops(&table[0], &gti_v4_loops_f32);
    take_loops(&table[1], &gti_v4_loops_f64);
    gti_v4_init_f32(&table[0], &below[0]);
    gti_v4_init_f64(&table[1], &below[1]);
}
#endif

#ifdef GTI_WITH_NEON
static void neon_init(gti_kernels table[GTI_N_FLOATING], const gti_kernels below[GTI_N_FLOATING])
{
    take_loops(&table[0], &gti_neon_loops_f32);
    take_loops(&table[1], &gti_neon_loops_f64);
    gti_neon_init_f32(&table[0], &below[0]);
    gti_neon_init_f64(&table[1], &below[1]);
}
#endif

/* From the slowest to the fastest. */
static const rung cpus[] = {
    {"plain", NULL, plain_init},
#ifdef GTI_WITH_V3
    {"v3", v3_can, v3_init},
#endif
#ifdef GTI_WITH_V4
    {"v4", v4_can, v4_init},
#endif
#ifdef GTI_WITH_NEON
    {"neon", NULL, neon_init},
#endif
};
static const rung blases[] = {
    {"native", NULL, native_init},
#ifdef GT_WITH_BLAS
    {"openblas", openblas_can, openblas_init},
#endif
};
enum { N_CPUS = sizeof cpus / sizeof *cpus, N_BLASES = sizeof blases / sizeof *blases };

/* Written by climb(), under `once`; constant after, but for tests. The last tables are those in
 * use, the others what stands below them. */
static struct {
    gti_kernels table[N_CPUS + 1][GTI_N_FLOATING];
    int cpu, blas;
} state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* NULL until state is complete: spares pthread_once on every call. */
_Atomic(const gti_kernels *) gti_kernels_chosen;

static bool can(const rung *r)
{
    return !r->can || r->can();
}

/* The rung of this name, the best one for NULL; -1 where the machine has none such. */
static int rung_named(const char *name, const rung *rungs, int n)
{
    for (int i = n - 1; i >= 0; i--)
        if ((!name || strcmp(name, rungs[i].name) == 0) && can(&rungs[i])) return i;
    return -1;
}

/* The name of the i-th rung that the machine can. */
static const char *word(int i, const rung *rungs, int n)
{
    for (int r = 0; r < n; r++)
        if (can(&rungs[r]) && i-- == 0) return rungs[r].name;
    return NULL;
}

const char *gti_kernels_cpu_word(int i)
{
    return word(i, cpus, N_CPUS);
}

const char *gti_kernels_blas_word(int i)
{
    return word(i, blases, N_BLASES);
}

static void step_up(const rung *r, int to)
{
    const int from = to > 0 ? to - 1 : 0;
    memcpy(state.table[to], state.table[from], sizeof state.table[to]);
    r->init(state.table[to], state.table[from]);
}

static void climb(int cpu, int blas)
{
    int top = 0;
    for (int i = 0; i <= cpu; i++)
        if (can(&cpus[i])) step_up(&cpus[i], top++);
    step_up(&blases[blas], top);
    state.cpu = cpu;
    state.blas = blas;
    atomic_store_explicit(&gti_kernels_chosen, state.table[top], memory_order_release);
}

/* A word of the environment, or else `best`; gt_open says of one that means nothing. */
static int rung_asked_for(const char *variable, const rung *rungs, int n, int best)
{
    const char *const asked = getenv(variable);
    const int r = asked && *asked ? rung_named(asked, rungs, n) : -1;
    return r < 0 ? best : r;
}

/* Above plain our own products are as fast as OpenBLAS's, which takes its time to be loaded. */
static int best_blas(int cpu)
{
    return cpu == 0 ? rung_named(NULL, blases, N_BLASES) : 0;
}

static void choose(void)
{
    const int best = rung_named(NULL, cpus, N_CPUS);
    const int cpu = rung_asked_for("GRADTAPE_CPU", cpus, N_CPUS, best);
    climb(cpu, rung_asked_for("GRADTAPE_BLAS", blases, N_BLASES, best_blas(cpu)));
}

bool gti_kernels_choose(const char *cpu, const char *blas)
{
    pthread_once(&once, choose);
    const int c = rung_named(cpu, cpus, N_CPUS), b = rung_named(blas, blases, N_BLASES);
    if (c < 0 || b < 0) return false;
    climb(c, b);
    return true;
}

const gti_kernels *gti_kernels_choose_now(void)
{
    pthread_once(&once, choose);
    return atomic_load_explicit(&gti_kernels_chosen, memory_order_acquire);
}

const char *gti_kernels_cpu(void)
{
    pthread_once(&once, choose);
    return cpus[state.cpu].name;
}

bool gti_kernels_join_lines(void)
{
    pthread_once(&once, choose);
    return state.blas == 0;
}

const char *gti_kernels_blas(void)
{
    pthread_once(&once, choose);
#ifdef GT_WITH_BLAS
    if (state.blas) return gti_blas_name();
#endif
    return blases[0].name;
}

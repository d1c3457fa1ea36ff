#define _POSIX_C_SOURCE 200809L
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/levels.h"

enum { N_DTYPES = 2 };

static void plain_init(gti_kernels table[N_DTYPES])
{
    table[0] = gti_plain_f32;
    table[1] = gti_plain_f64;
}

#ifdef GT_WITH_BLAS
static void blas_init(gti_kernels table[N_DTYPES])
{
    gti_blas_init_f32(&table[0]);
    gti_blas_init_f64(&table[1]);
}
#endif

/* From the slowest to the fastest. */
static const struct {
    const char *name;
    void (*init)(gti_kernels table[N_DTYPES]);
} ladder[] = {
    {"plain", plain_init},
#ifdef GT_WITH_BLAS
    {"blas", blas_init},
#endif
};
enum { N_LEVELS = sizeof ladder / sizeof ladder[0] };

/* Written once by choose(), under `once`; constant after. */
static struct {
    gti_kernels table[N_LEVELS][N_DTYPES];
    int level;
    const char *blas;
} state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The chosen level's tables, NULL until state is complete: spares pthread_once on every call. */
static _Atomic(const gti_kernels *) chosen;

static int level_named(const char *name)
{
    for (int l = 0; name && l < N_LEVELS; l++)
        if (strcmp(name, ladder[l].name) == 0) return l;
    return -1;
}

static void choose(void)
{
    for (int l = 0; l < N_LEVELS; l++) {
        if (l > 0) memcpy(state.table[l], state.table[l - 1], sizeof state.table[l]);
        ladder[l].init(state.table[l]);
    }
    const int masked = level_named(getenv("GRADTAPE_CPU"));
    state.level = masked >= 0 ? masked : N_LEVELS - 1;
    state.blas = "none";
#ifdef GT_WITH_BLAS
    const char *const blas = gti_blas_setup();
    if (state.level >= level_named("blas")) state.blas = blas;
#endif
    atomic_store_explicit(&chosen, state.table[state.level], memory_order_release);
}

const gti_kernels *gti_kernels_of(int dtype)
{
    const gti_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!table) {
        pthread_once(&once, choose);
        table = state.table[state.level];
    }
    return &table[dtype];
}

const char *gti_kernels_level(void)
{
    pthread_once(&once, choose);
    return ladder[state.level].name;
}

const char *gti_kernels_blas(void)
{
    pthread_once(&once, choose);
    return state.blas;
}

const gti_kernels *gti_kernels_level_of(const char *level, int dtype)
{
    pthread_once(&once, choose);
    const int l = level_named(level);
    return l < 0 ? NULL : &state.table[l][dtype];
}

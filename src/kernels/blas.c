#include "kernels/levels.h"

#ifdef GT_WITH_BLAS
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Written by load(), under `once`; constant after. */
static struct {
    void *library; /* NULL: there is none */
    char name[32];
} blas;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void gti_blas_find(const char *function, void *pointer)
{
    void *const found = dlsym(blas.library, function);
    memcpy(pointer, &found, sizeof found);
}

static bool has_all(void)
{
    static const char *const functions[] = {"openblas_set_num_threads",
                                            "openblas_get_config",
                                            "cblas_sgemm",
                                            "cblas_dgemm",
                                            "cblas_sgemv",
                                            "cblas_dgemv"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!dlsym(blas.library, functions[i])) return false;
    return true;
}

/* The name is of the first two words of the configuration: "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." */
static void set_up(void)
{
    void (*set_num_threads)(int n);
    const char *(*get_config)(void);
    char first[16], second[15];
    gti_blas_find("openblas_set_num_threads", &set_num_threads);
    gti_blas_find("openblas_get_config", &get_config);
    set_num_threads(1);
    const bool read = sscanf(get_config(), "%15s %14s", first, second) == 2;
    snprintf(blas.name, sizeof blas.name, "%s %s", read ? first : "OpenBLAS", read ? second : "");
}

static void load(void)
{
    static const char *const files[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};
    for (size_t i = 0; !blas.library && i < sizeof files / sizeof *files; i++) {
        blas.library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
        if (!blas.library || has_all()) continue;
        dlclose(blas.library);
        blas.library = NULL;
    }
    if (blas.library) set_up();
}

const char *gti_blas_name(void)
{
    pthread_once(&once, load);
    return blas.library ? blas.name : NULL;
}
#endif

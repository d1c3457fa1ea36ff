#include "kernels/levels.h"

#ifdef GT_WITH_BLAS
#include <stdio.h>
#include <string.h>

#include <cblas.h>

/* Both set OpenBLAS to one thread and return its configuration; NULL for another BLAS. */
#ifdef OPENBLAS_CONFIG_H
static const char *setup_openblas(void)
{
    openblas_set_num_threads(1);
    return openblas_get_config();
}
#else /* the header is another's; the library may be OpenBLAS all the same */
__attribute__((weak)) void openblas_set_num_threads(int num_threads);
__attribute__((weak)) char *openblas_get_config(void);

static const char *setup_openblas(void)
{
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    return openblas_get_config ? openblas_get_config() : NULL;
}
#endif

/* The first two words of the configuration: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
const char *gti_blas_setup(void)
{
    static char name[32] = "BLAS";
    char first[16], second[15];
    const char *const configuration = setup_openblas();
    if (configuration && sscanf(configuration, "%15s %14s", first, second) == 2)
        snprintf(name, sizeof name, "%s %s", first, second);
    return name;
}

/* The configuration ends with the processor that OpenBLAS takes this one for; one that it has never
 * heard of is a Prescott to it, of 2004. */
bool gti_blas_knows(bool avx512)
{
    static const char *const names[] = {"SkylakeX", "Cooperlake", "SapphireRapids", "Haswell",
                                        "Zen"};
    const char *const configuration = setup_openblas();
    const size_t n = avx512 ? 3 : sizeof names / sizeof *names;
    for (size_t i = 0; configuration && i < n; i++)
        if (strstr(configuration, names[i])) return true;
    return !configuration; /* another BLAS */
}
#endif

/* gradtape version */
#include <gradtape.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static const char *standard(void)
{
    return __STDC_VERSION__ >= 202311L ? "C23" : __STDC_VERSION__ >= 201710L ? "C17" : "C11";
}

/* Whether settings mean nothing; the library prints which. */
static int environment(void)
{
    gt_ctx *gt = gt_open();
    const int bad = gt_failed(gt);
    if (!bad) printf("threads   %d\n", gt_threads(gt));
    gt_close(gt);
    return bad;
}

static const gti_cli_command command = {
    .usage = "usage: gradtape version\n\n"
             "Prints the versions of gradtape, of the linear algebra library in use and of\n"
             "the compiler, the level of the kernels and the number of threads.\n\n"
             "In the environment:\n"
             "  GRADTAPE_CPU       kernels: plain, v3 (AVX2), v4 (AVX-512) or neon\n"
             "  GRADTAPE_BLAS      native or openblas\n"
             "  GRADTAPE_THREADS   1 to 256\n"
             "  GRADTAPE_ERRORS    print, abort or quiet\n"};

int gti_cli_version(int argc, char **argv)
{
    const int status = gti_cli_read(&command, NULL, argc, argv);
    if (status >= 0) return status;
    printf("gradtape  %s\n", gt_version());
    printf("kernels   %s\n", gt_cpu_level());
    printf("BLAS      %s\n", gt_blas_name());
    printf("compiler  %s\n", COMPILER);
    printf("standard  %s\n", standard());
    return environment();
}

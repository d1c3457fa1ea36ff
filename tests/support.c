#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include "kernels/levels.h"

#include <math.h>
#include <stdlib.h>

/* Tests fail calls on purpose by the thousand. */
__attribute__((constructor)) static void be_quiet(void)
{
    setenv("GRADTAPE_ERRORS", "quiet", 0);
}

int open_context(void **state)
{
    *state = gt_open();
    return gt_failed(*state);
}

int close_context(void **state)
{
    gt_close(*state);
    return 0;
}

void assert_well(const gt_ctx *gt)
{
    if (gt_failed(gt)) fail_msg("the context failed: %s", gt_error_message(gt));
}

void assert_error(gt_ctx *gt, gt_status code, const char *part)
{
    const char *message = gt_error_message(gt);
    if (gt_error_code(gt) != code)
        fail_msg("code %s instead of %s: %s", gt_status_name(gt_error_code(gt)),
                 gt_status_name(code), message);
    if (!strstr(message, part)) fail_msg("no \"%s\" in \"%s\"", part, message);
    gt_error_clear(gt);
}

void assert_values(const gt_tensor *t, int n, const double *want, double tolerance)
{
    assert_non_null(t);
    assert_int_equal(t->size, n);
    for (int i = 0; i < n; i++)
        if (element(t, i) != want[i] && !(fabs(element(t, i) - want[i]) <= tolerance))
            fail_msg("element %d is %.17g instead of %.17g", i, element(t, i), want[i]);
}

int at_every_level(int (*tests)(void))
{
    int failed = 0;
    for (int c = 0; gti_kernels_cpu_word(c); c++)
        for (int b = 0; gti_kernels_blas_word(b); b++) {
            const char *const cpu = gti_kernels_cpu_word(c), *const blas = gti_kernels_blas_word(b);
            if (!gti_kernels_choose(cpu, blas)) return failed + 1;
            print_message("--- %s, %s\n", cpu, blas);
            failed += tests();
        }
    return failed;
}

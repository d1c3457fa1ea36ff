/* What tests share. cmocka wants its includes in this order. */
#ifndef GT_TESTS_SUPPORT_H
#define GT_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <gradtape.h>

/* Opens a context in *state, and closes it; for cmocka's set-up and tear-down. */
int open_context(void **state);
int close_context(void **state);

/* Runs the tests at each level of kernels that this machine has, with each BLAS; how many failed.
 */
int at_every_level(int (*tests)(void));

/* Fails, showing the message, unless the context is well. */
void assert_well(const gt_ctx *gt);
/* Fails unless gt has failed with this code and a message that contains `part`; then clears. */
void assert_error(gt_ctx *gt, gt_status code, const char *part);
/* Every element of t is near the value of the same place in `want`, within tolerance. */
void assert_values(const gt_tensor *t, int n, const double *want, double tolerance);
#define ASSERT_VALUES(t, tolerance, ...)                                                           \
    assert_values(t, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                      \
                  (double[]){__VA_ARGS__}, tolerance)
static inline double element(const gt_tensor *t, int64_t i)
{
    return gt_load_element(t, i);
}

#endif

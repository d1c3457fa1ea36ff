/* What the programs of bench/ measure with: a clock, and medians and quartiles, since machines are
 * noisy. */
#ifndef GT_BENCH_H
#define GT_BENCH_H

#include <stdlib.h>
#include <time.h>

/* Nanoseconds since some moment. */
static inline double bench_now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts ns and returns its q-th quartile: 1 the lower one, 2 the median, 3 the upper one. */
static inline double bench_quartile(double *ns, int n, int q)
{
    qsort(ns, (size_t)n, sizeof *ns, bench_by_value);
    return ns[q * n / 4];
}

#endif

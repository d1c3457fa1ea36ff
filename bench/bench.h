/* What the programs of bench/ measure with: a clock, turns of work that are timed, and one form of
 * output, a line for each row, which bench/side_by_side.py reads:
 *
 *     NAME: MEDIAN UNIT (LOWER QUARTILE to UPPER QUARTILE)
 *
 * BENCH_SECONDS in the environment says how long to measure a row, 0.3 by default. With 0 it is run
 * twice, to see that the program works. Threads are GRADTAPE_THREADS. Without arguments a program
 * runs all its rows, at a small size where they have one: tests do so. */
#ifndef GT_BENCH_H
#define GT_BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_SAMPLES = 1000 };

/* Nanoseconds since the first call's second: since 1970, a double would round them to 256. */
static inline double bench_now(void)
{
    static time_t first;
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    if (!first) first = t.tv_sec;
    return (double)(t.tv_sec - first) * 1e9 + (double)t.tv_nsec;
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

/* How long to measure a row, in nanoseconds. */
static inline double bench_span(void)
{
    const char *const seconds = getenv("BENCH_SECONDS");
    return 1e9 * (seconds ? strtod(seconds, NULL) : 0.3);
}

/* Whether the program was asked for this row: by name, or all of them, by no name. */
static inline bool bench_wants(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc < 2;
}

/* Calls answer(world, name), false for a name that is none; the name - stands for the words on
 * stdin, which are answered one at a time, so that a program makes its world once. */
static inline bool bench_answer(const char *name, bool (*answer)(void *world, const char *name),
                                void *world)
{
    char word[64];
    bool known = true;
    const bool read = strcmp(name, "-") == 0;
    if (!read) known = answer(world, name);
    while (read && known && scanf("%63s", word) == 1) known = answer(world, name = word);
    if (!known) fprintf(stderr, "no row %s\n", name);
    return known;
}

static inline void bench_print_in(const char *unit, const char *name, double *numbers, int n)
{
    printf("%s: %.6g %s (%.6g to %.6g)\n", name, bench_quartile(numbers, n, 2), unit,
           bench_quartile(numbers, n, 1), bench_quartile(numbers, n, 3));
    fflush(stdout);
}

static inline void bench_print(const char *name, double *ns, int n)
{
    bench_print_in("ns", name, ns, n);
}

static inline double bench_turns(void (*turn)(void *work), void *work, int times)
{
    const double begin = bench_now();
    for (int i = 0; i < times; i++) turn(work);
    return (bench_now() - begin) / times;
}

/* Times turn(work) and prints the row. A quarter of the time is for warming up; a sample is as many
 * turns as take some 20 us. */
static inline void bench_row(const char *name, void (*turn)(void *work), void *work)
{
    static double ns[BENCH_SAMPLES];
    const double span = bench_span(), start = bench_now();
    double once = bench_turns(turn, work, 1);
    while (bench_now() - start < span / 4) once = bench_turns(turn, work, 1);
    const int times = once < 2e4 && span > 0 ? (int)(2e4 / (once + 1)) + 1 : 1;
    const int least = span > 0 ? once > 1e8 ? 2 : 5 : 1;
    const double begin = bench_now();
    int n = 0;
    while (n < BENCH_SAMPLES && (n < least || bench_now() - begin < span))
        ns[n++] = bench_turns(turn, work, times);
    bench_print(name, ns, n);
}

#endif

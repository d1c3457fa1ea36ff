/* What dividing costs: an empty piece of work for the team, and where two threads begin to pay for
 * an addition of two arrays. Medians of short runs, since machines are noisy. */
#include <gradtape.h>

#include "bench.h"

enum { RUNS = 201, ROUNDS = 50, THREADS = 2 };

/* Nanoseconds of one addition of n elements. */
static double measure(gt_ctx *gt, int threads, int64_t n)
{
    static double ns[RUNS];
    gt_set_threads(gt, threads);
    const gt_mark start = gt_mark_tape(gt);
    gt_tensor *a = gt_ones(gt, GT_SHAPE(n)), *b = gt_ones(gt, GT_SHAPE(n));
    const gt_mark inner = gt_mark_tape(gt);
    for (int run = -10; run < RUNS; run++) {
        const double begin = bench_now();
        for (int i = 0; i < ROUNDS; i++) {
            gt_rewind(gt, inner);
            gt_add(a, b);
        }
        if (run >= 0) ns[run] = (bench_now() - begin) / ROUNDS;
    }
    gt_rewind(gt, start);
    return bench_quartile(ns, RUNS, 2);
}

int main(void)
{
    gt_ctx *gt = gt_open();
    printf("addition of n elements, ns with one thread and with %d, and their ratio\n", THREADS);
    for (int64_t n = 1 << 10; n <= 1 << 20; n *= 2) {
        const double one = measure(gt, 1, n), two = measure(gt, THREADS, n);
        printf("%8lld %10.0f %10.0f %6.2f\n", (long long)n, one, two, one / two);
    }
    const bool failed = gt_failed(gt);
    gt_close(gt);
    return failed;
}

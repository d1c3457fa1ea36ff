/* What the machine can do at most: multiply-adds a second in registers, with the vectors of the
 * level that gradtape uses, and memcpy of arrays that fit into a cache, or into none. With
 * GRADTAPE_THREADS, all of them at once. */
#include <gradtape.h>

#include "bench.h"

enum { TIMES = 5 };

typedef double measure(gt_ctx *gt, size_t of, double seconds);

static double flops(gt_ctx *gt, size_t dtype, double seconds)
{
    return gt_measure_flops(gt, (gt_dtype)dtype, seconds);
}

/* In units of 1e9; the first time is for warming up. */
static void report(gt_ctx *gt, const char *name, const char *unit, measure *rate_of, size_t of)
{
    const double seconds = 1e-9 * bench_span() / (TIMES + 1);
    double rate[TIMES];
    rate_of(gt, of, seconds);
    for (int i = 0; i < TIMES; i++) rate[i] = 1e-9 * rate_of(gt, of, seconds);
    bench_print_in(unit, name, rate, TIMES);
}

int main(void)
{
    gt_ctx *gt = gt_open();
    report(gt, "fma_f32", "GFLOP/s", flops, GT_F32);
    report(gt, "fma_f64", "GFLOP/s", flops, GT_F64);
    report(gt, "memcpy_512K", "GB/s", gt_measure_copy, 1 << 19);
    report(gt, "memcpy_8M", "GB/s", gt_measure_copy, 1 << 23);
    report(gt, "memcpy_64M", "GB/s", gt_measure_copy, 1 << 26);
    printf("level: %s\nblas: %s\nversion: %s\n", gt_cpu_level(), gt_blas_name(), GT_VERSION);
    const bool failed = gt_failed(gt);
    gt_close(gt);
    return failed;
}

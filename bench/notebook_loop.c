/* One iteration of the notebook's learning loop, eager: forward, backward, SGD step, in
 * nanoseconds. Median and quartiles over short runs, since machines are noisy. */
#include <gradtape.h>

#include "bench.h"

enum { RUNS = 401, STEPS = 200 };

int main(void)
{
    gt_ctx *gt = gt_open();
    gt_tensor *X = gt_ones(gt, GT_SHAPE(1, 1, 6, 8));
    gt_fill_slice(X, 3, 2, 6, 0);
    gt_tensor *K = gt_reshape(gt_values(gt, GT_SHAPE(2), 1, -1), GT_SHAPE(1, 1, 1, 2));
    gt_tensor *Y = gt_conv2d(X, K);
    gt_module *conv = gt_nn_lazy_conv2d(gt, 1, .kernel = {1, 2}, .no_bias = true);
    gt_optimizer *sgd = gt_sgd(conv, .lr = 3e-2);

    static double ns[RUNS];
    uint64_t mallocs = 0;
    gt_mark start = gt_mark_tape(gt);
    for (int run = -50; run < RUNS; run++) {
        if (run == 0) mallocs = gt_get_stats(gt).mallocs;
        const double begin = bench_now();
        for (int step = 0; step < STEPS; step++) {
            gt_rewind(gt, start);
            gt_tensor *loss = gt_sum(gt_square(gt_sub(gt_forward(conv, X), Y)));
            gt_backward(loss);
            gt_optimizer_step(sgd);
        }
        if (run >= 0) ns[run] = (bench_now() - begin) / STEPS;
    }
    mallocs = gt_get_stats(gt).mallocs - mallocs;
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(gt));
    else
        printf(
            "notebook iteration, eager: median %.0f ns (quartiles %.0f to %.0f), %llu mallocs in "
            "%d steps\n",
            bench_quartile(ns, RUNS, 2), bench_quartile(ns, RUNS, 1), bench_quartile(ns, RUNS, 3),
            (unsigned long long)mallocs, RUNS * STEPS);
    gt_close(gt);
    return failed;
}

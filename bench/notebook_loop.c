/* One iteration of the notebook's learning loop, eager and replayed: forward, backward, SGD step.
 */
#include <gradtape.h>

#include "bench.h"

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_module *conv;
    gt_optimizer *sgd;
    gt_tensor *X, *Y;
} loop;

static void iterate(void *work)
{
    loop *l = work;
    gt_rewind(l->gt, l->start);
    gt_tensor *loss = gt_sum(gt_square(gt_sub(gt_forward(l->conv, l->X), l->Y)));
    gt_backward(loss);
    gt_optimizer_step(l->sgd);
}

static gt_tensor *captured_step(gt_ctx *gt, void *work)
{
    const loop *l = work;
    (void)gt;
    gt_tensor *loss = gt_sum(gt_square(gt_sub(gt_forward(l->conv, l->X), l->Y)));
    gt_backward(loss);
    gt_optimizer_step(l->sgd);
    return loss;
}

static void replay(void *captured)
{
    gt_replay(captured);
}

int main(void)
{
    loop l = {.gt = gt_open()};
    l.X = gt_ones(l.gt, GT_SHAPE(1, 1, 6, 8));
    gt_fill_slice(l.X, 3, 2, 6, 0);
    gt_tensor *K = gt_reshape(gt_values(l.gt, GT_SHAPE(2), 1, -1), GT_SHAPE(1, 1, 1, 2));
    l.Y = gt_conv2d(l.X, K);
    l.conv = gt_nn_lazy_conv2d(l.gt, 1, .kernel = {1, 2}, .no_bias = true);
    l.sgd = gt_sgd(l.conv, .lr = 3e-2);
    l.start = gt_mark_tape(l.gt);
    for (int i = 0; i < 3; i++) iterate(&l);
    const uint64_t before = gt_get_stats(l.gt).mallocs;
    bench_row("notebook_loop", iterate, &l);
    printf("mallocs: %llu in all\n", (unsigned long long)(gt_get_stats(l.gt).mallocs - before));
    gt_captured *c = gt_capture(l.gt, captured_step, &l);
    bench_row("notebook_replay", replay, c);
    const bool failed = gt_failed(l.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(l.gt));
    gt_close(l.gt);
    return failed;
}

/* A chain of 100 operations on one element: what an operation costs, forward with recording off,
 * and forward with the backward pass, called and replayed. */
#include <gradtape.h>

#include "bench.h"

enum { LENGTH = 100 };

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_tensor *x;
} world;

static gt_tensor *chain(world *w)
{
    gt_rewind(w->gt, w->start);
    gt_tensor *t = w->x;
    for (int i = 0; i < LENGTH; i++) t = gt_mul(t, w->x);
    return t;
}

static void forward(void *work)
{
    chain(work);
}

static void both(void *work)
{
    gt_backward(chain(work));
}

static gt_tensor *captured_forward(gt_ctx *gt, void *work)
{
    const world *w = work;
    (void)gt;
    gt_tensor *t = w->x;
    for (int i = 0; i < LENGTH; i++) t = gt_mul(t, w->x);
    return t;
}

static gt_tensor *captured_both(gt_ctx *gt, void *work)
{
    gt_tensor *t = captured_forward(gt, work);
    gt_backward(t);
    return t;
}

static void replay(void *captured)
{
    gt_replay(captured);
}

int main(void)
{
    world w = {.gt = gt_open()};
    w.x = gt_ones(w.gt, GT_SHAPE(1), .requires_grad = true);
    w.start = gt_mark_tape(w.gt);
    bench_row("both", both, &w);
    bench_row("both replayed", replay, gt_capture(w.gt, captured_both, &w));
    gt_set_recording(w.gt, false);
    bench_row("forward replayed", replay, gt_capture(w.gt, captured_forward, &w));
    bench_row("forward", forward, &w);
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

/* A chain of 100 operations on one element: what an operation costs, forward with recording off,
 * and forward with the backward pass, called and replayed. And ten operations on 2^20 elements,
 * which replays run block by block: called, replayed, and replayed one operation after the other.
 */
#include <gradtape.h>

#include "bench.h"

enum { LENGTH = 100 };
#define LARGE GT_SHAPE(1 << 20)

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_tensor *x;
} world;

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_tensor *x, *y;
} large;

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

static gt_tensor *captured_large(gt_ctx *gt, void *work)
{
    const large *l = work;
    (void)gt;
    gt_tensor *t = gt_mul(l->x, l->y);
    for (int i = 0; i < 3; i++) t = gt_relu(gt_add(gt_mul(t, l->y), l->x));
    return t;
}

static void call_large(void *work)
{
    const large *l = work;
    gt_rewind(l->gt, l->start);
    captured_large(l->gt, work);
}

static void replay(void *captured)
{
    gt_replay(captured);
}

int main(int argc, char **argv)
{
    const bool apart = argc > 1 && strcmp(argv[1], "apart") == 0;
    const unsigned without = apart ? GT_CAPTURE_CHAINS : 0;
    world w = {.gt = gt_open()};
    w.x = gt_ones(w.gt, GT_SHAPE(1), .requires_grad = true);
    w.start = gt_mark_tape(w.gt);
    bench_row("both", both, &w);
    bench_row("both replayed", replay, gt_capture(w.gt, captured_both, &w, .without = without));
    gt_set_recording(w.gt, false);
    bench_row("forward replayed", replay,
              gt_capture(w.gt, captured_forward, &w, .without = without));
    bench_row("forward", forward, &w);
    large l = {.gt = w.gt, .x = gt_randn(w.gt, LARGE), .y = gt_randn(w.gt, LARGE)};
    l.start = gt_mark_tape(w.gt);
    bench_row("large", call_large, &l);
    bench_row("large replayed", replay, gt_capture(w.gt, captured_large, &l, .without = without));
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

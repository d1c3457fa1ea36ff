/* Additions of two arrays of n elements: where a second thread begins to pay.
 *
 * Usage: additions [N...]     1024 elements by default */
#include <gradtape.h>

#include "bench.h"

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_tensor *a, *b;
} world;

static void add(void *work)
{
    world *w = work;
    gt_rewind(w->gt, w->start);
    gt_add(w->a, w->b);
}

static void measure(world *w, const char *n)
{
    const gt_mark outer = gt_mark_tape(w->gt);
    const gt_shape shape = GT_SHAPE(strtoll(n, NULL, 10));
    w->a = gt_ones(w->gt, shape);
    w->b = gt_ones(w->gt, shape);
    w->start = gt_mark_tape(w->gt);
    bench_row(n, add, w);
    gt_rewind(w->gt, outer);
}

int main(int argc, char **argv)
{
    world w = {.gt = gt_open()};
    if (argc < 2) measure(&w, "1024");
    for (int i = 1; i < argc; i++) measure(&w, argv[i]);
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

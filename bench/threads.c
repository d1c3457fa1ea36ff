/* What a second thread gains: training steps of two networks and operations of growing size, with
 * one thread and with several (two, or the first argument). Both take turns, since machines are
 * noisy; the lower quartiles count. */
#include <gradtape.h>

#include "bench.h"
#include "networks.h"

enum { TURNS = 12 };

/* --- one training step, or one operation, in a context of its own --- */

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *optimizer;
    gt_tensor *x, *target;
    gt_mark start;
} work;

static work work_with(int threads)
{
    work w = {.gt = gt_open()};
    gt_set_threads(w.gt, threads);
    return w;
}

static void prepare(work *w, gt_module *(*make)(gt_ctx *gt), gt_shape shape)
{
    w->net = make(w->gt);
    w->optimizer = gt_sgd(w->net, .lr = 0.01, .momentum = 0.9);
    w->x = gt_randn(w->gt, shape);
    w->target = gt_zeros(w->gt, GT_SHAPE(shape.dim[0]), .dtype = GT_I64);
    w->start = gt_mark_tape(w->gt);
}

static void train(work *w)
{
    gt_rewind(w->gt, w->start);
    gt_backward(gt_cross_entropy(gt_forward(w->net, w->x), w->target));
    gt_optimizer_step(w->optimizer);
}

static void add(work *w)
{
    gt_rewind(w->gt, w->start);
    gt_add(w->x, w->x);
}

static void batch_norm(work *w)
{
    gt_rewind(w->gt, w->start);
    gt_batch_norm(w->x, NULL, NULL, .training = true);
}

/* --- measuring --- */

static void compare(const char *name, work *alone, work *together, void (*run)(work *w), int turns,
                    int times)
{
    work *const who[] = {alone, together};
    double ns[2][TURNS];
    for (int turn = -1; turn < turns; turn++)
        for (int i = 0; i < 2; i++) {
            const double begin = bench_now();
            for (int t = 0; t < times; t++) run(who[i]);
            if (turn >= 0) ns[i][turn] = (bench_now() - begin) / times;
        }
    const double one = bench_quartile(ns[0], turns, 1), several = bench_quartile(ns[1], turns, 1);
    printf("%-28s %12.1f us %12.1f us   %.2f\n", name, one / 1e3, several / 1e3, one / several);
    fflush(stdout);
}

static void compare_networks(int threads)
{
    static const struct {
        const char *name;
        gt_module *(*make)(gt_ctx *gt);
        gt_shape x;
        int turns, times;
    } row[] = {{"LeNet step, batch 64", bench_lenet, {4, {64, 1, 28, 28}}, TURNS, 4},
               {"ResNet-18 step, batch 32", bench_resnet18, {4, {32, 3, 32, 32}}, 4, 1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        work alone = work_with(1), together = work_with(threads);
        prepare(&alone, row[i].make, row[i].x);
        prepare(&together, row[i].make, row[i].x);
        compare(row[i].name, &alone, &together, train, row[i].turns, row[i].times);
        gt_close(alone.gt);
        gt_close(together.gt);
    }
}

static void compare_operations(int threads)
{
    for (int64_t size = 1 << 12; size <= 1 << 20; size *= 4) {
        work alone = work_with(1), together = work_with(threads);
        char name[64];
        work *const who[] = {&alone, &together};
        for (int i = 0; i < 2; i++) {
            who[i]->x = gt_randn(who[i]->gt, GT_SHAPE(16, 32, size / 512));
            who[i]->start = gt_mark_tape(who[i]->gt);
        }
        const int times = (int)((1 << 21) / size);
        snprintf(name, sizeof name, "add, %lld elements", (long long)size);
        compare(name, &alone, &together, add, TURNS, times);
        snprintf(name, sizeof name, "batch_norm, %lld elements", (long long)size);
        compare(name, &alone, &together, batch_norm, TURNS, times);
        gt_close(alone.gt);
        gt_close(together.gt);
    }
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 2;
    if (threads < 1 || threads > 256) {
        fprintf(stderr, "usage: %s [threads]\n", argv[0]);
        return 1;
    }
    printf("%-28s %15s %13d\n", "threads", "1", threads);
    compare_operations(threads);
    compare_networks(threads);
    return 0;
}

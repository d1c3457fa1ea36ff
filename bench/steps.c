/* Nanoseconds of a training step, or of a forward pass, of one network: the median and quartiles
 * over a second or so. bench/steps.py runs it in turns with PyTorch.
 *
 * Usage: steps NETWORK BATCH step|forward [THREADS]; networks: mlp, lenet, relu_lenet, resnet18 */
#include <gradtape.h>

#include <string.h>

#include "bench.h"
#include "networks.h"

enum { MOST = 4000 };

static const struct {
    const char *name;
    gt_module *(*make)(gt_ctx *gt);
    int channels, side;
} networks[] = {{"mlp", bench_mlp, 1, 28},
                {"lenet", bench_lenet, 1, 28},
                {"relu_lenet", bench_relu_lenet, 1, 28},
                {"resnet18", bench_resnet18, 3, 32}};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *sgd;
    gt_tensor *x, *labels;
    gt_mark start;
    bool forward;
} work;

static void turn(work *w)
{
    gt_rewind(w->gt, w->start);
    gt_tensor *y = gt_forward(w->net, w->x);
    if (w->forward) return;
    gt_backward(gt_cross_entropy(y, w->labels));
    gt_optimizer_step(w->sgd);
}

static void measure(work *w)
{
    static double ns[MOST];
    const double start = bench_now();
    int n = -3;
    for (; n < MOST && (n < 5 || bench_now() - start < 1e9); n++) {
        const double begin = bench_now();
        turn(w);
        if (n >= 0) ns[n] = bench_now() - begin;
    }
    printf("median %.0f ns, quartiles %.0f to %.0f, peak %.1f MB\n", bench_quartile(ns, n, 2),
           bench_quartile(ns, n, 1), bench_quartile(ns, n, 3),
           (double)gt_get_stats(w->gt).bytes_peak / 1e6);
}

int main(int argc, char **argv)
{
    int k = 0;
    while (k < N_NETWORKS && (argc < 4 || strcmp(argv[1], networks[k].name) != 0)) k++;
    const int batch = argc < 4 ? 0 : atoi(argv[2]);
    if (k == N_NETWORKS || batch < 1) {
        fprintf(stderr, "usage: %s mlp|lenet|relu_lenet|resnet18 BATCH step|forward [THREADS]\n",
                argv[0]);
        return 1;
    }
    work w = {.gt = gt_open(), .forward = strcmp(argv[3], "forward") == 0};
    if (argc > 4) gt_set_threads(w.gt, atoi(argv[4]));
    w.net = networks[k].make(w.gt);
    w.x = gt_randn(w.gt, GT_SHAPE(batch, networks[k].channels, networks[k].side, networks[k].side));
    w.labels = gt_zeros(w.gt, GT_SHAPE(batch), .dtype = GT_I64);
    w.sgd = gt_sgd(w.net, .lr = 0.01, .momentum = 0.9);
    w.start = gt_mark_tape(w.gt);
    if (w.forward) {
        gt_eval(w.net);
        gt_set_recording(w.gt, false);
    }
    measure(&w);
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

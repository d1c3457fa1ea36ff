/* A training step, or a forward pass, of one network, and the most memory that its tensors took.
 * bench/networks.py runs it in turns with PyTorch.
 *
 * Usage: networks NETWORK BATCH step|forward|replay|replay-forward [apart|folded|recomputed]
 * By default a step of each of those for small images, of one; apart: replays without chains;
 * folded: batch norms in the convolutions; recomputed: steps that make cheap results again instead
 * of keeping them */
#include <gradtape.h>

#include "bench.h"
#include "src/cli/networks.h"

/* So small that the network stays what it is: one that has learned its only batch by heart has
 * gradients in denormal numbers, each of which costs a hundred times as much. */
#define LR 1e-6

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *sgd;
    gt_tensor *x, *labels;
    gt_mark start;
    gt_captured *captured;
} world;

static void forward(void *work)
{
    world *w = work;
    gt_rewind(w->gt, w->start);
    gt_forward(w->net, w->x);
}

static void step(void *work)
{
    world *w = work;
    gt_rewind(w->gt, w->start);
    gt_backward(gt_cross_entropy(gt_forward(w->net, w->x), w->labels));
    gt_optimizer_step(w->sgd);
}

static gt_tensor *captured_forward(gt_ctx *gt, void *work)
{
    const world *w = work;
    (void)gt;
    return gt_forward(w->net, w->x);
}

static gt_tensor *captured_step(gt_ctx *gt, void *work)
{
    const world *w = work;
    (void)gt;
    gt_tensor *loss = gt_cross_entropy(gt_forward(w->net, w->x), w->labels);
    gt_backward(loss);
    gt_optimizer_step(w->sgd);
    return loss;
}

static void replay(void *work)
{
    gt_replay(((world *)work)->captured);
}

/* Captures the step, so that what is measured are replays, and their memory. */
static void capture(world *w, gt_step what, const char *how)
{
    const bool apart = strcmp(how, "apart") == 0, folded = strcmp(how, "folded") == 0;
    w->captured = gt_capture(w->gt, what, w, .without = apart ? GT_CAPTURE_CHAINS : 0,
                             .fold_batch_norm = folded);
    if (!gt_captured_get_stats(w->captured).ready) gt_replay(w->captured);
    gt_stats_reset_peak(w->gt);
}

/* False when it has failed. */
static bool measure(const gti_cli_network *net, int batch, const char *what, const char *how)
{
    const bool forward_only = strstr(what, "forward") != NULL;
    const bool replayed = strncmp(what, "replay", 6) == 0;
    world w = {.gt = gt_open()};
    gt_set_recomputing(w.gt, strcmp(how, "recomputed") == 0);
    w.net = net->build(w.gt, net->channels, net->classes);
    w.x = gt_randn(w.gt, GT_SHAPE(batch, net->channels, net->size, net->size));
    w.labels = gt_zeros(w.gt, GT_SHAPE(batch), .dtype = GT_I64);
    w.sgd = gt_sgd(w.net, .lr = LR, .momentum = 0.9);
    w.start = gt_mark_tape(w.gt);
    if (forward_only) {
        gt_eval(w.net);
        gt_set_recording(w.gt, false);
    }
    if (replayed) capture(&w, forward_only ? captured_forward : captured_step, how);
    bench_row(net->name, replayed ? replay : forward_only ? forward : step, &w);
    printf("peak: %.1f MB\n", (double)gt_get_stats(w.gt).bytes_peak / 1e6);
    const bool failed = gt_failed(w.gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return !failed;
}

int main(int argc, char **argv)
{
    const int batch = argc > 2 ? atoi(argv[2]) : 1;
    const char *const what = argc > 3 ? argv[3] : "step", *const how = argc > 4 ? argv[4] : "";
    bool fine = true, found = false;
    size_t n;
    const gti_cli_network *net = gti_cli_networks(&n);
    for (size_t i = 0; i < n; i++)
        if (argc < 2 ? net[i].size <= 32 : strcmp(argv[1], net[i].name) == 0) {
            found = true;
            fine = measure(&net[i], batch, what, how) && fine;
        }
    if (!found) fprintf(stderr, "no network %s\n", argv[1]);
    return !fine || !found;
}

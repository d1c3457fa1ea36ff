/* What a program takes from its exec to the end of its first training step, of LeNet, batch 64: it
 * opens a context, makes the network and random images, takes a step, and ends.
 *
 * Usage: start        times processes that run `start step` */
#define _POSIX_C_SOURCE 200809L
#include <gradtape.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"
#include "src/cli/networks.h"

enum { BATCH = 64 };

static int step(void)
{
    gt_ctx *gt = gt_open();
    gt_module *net = gti_cli_network_find("lenet")->build(gt, 1, 10);
    gt_optimizer *sgd = gt_sgd(net, .lr = 0.01, .momentum = 0.9);
    gt_tensor *x = gt_randn(gt, GT_SHAPE(BATCH, 1, 28, 28));
    gt_tensor *labels = gt_zeros(gt, GT_SHAPE(BATCH), .dtype = GT_I64);
    gt_backward(gt_cross_entropy(gt_forward(net, x), labels));
    gt_optimizer_step(sgd);
    const bool failed = gt_failed(gt);
    if (failed) fprintf(stderr, "%s\n", gt_error_message(gt));
    gt_close(gt);
    return failed;
}

typedef struct {
    char *program;
    bool failed;
} world;

static void run(void *work)
{
    world *w = work;
    extern char **environ;
    char word[] = "step", *const argv[] = {w->program, word, NULL};
    pid_t child;
    int status = 1;
    if (posix_spawn(&child, w->program, NULL, NULL, argv, environ) == 0) waitpid(child, &status, 0);
    if (status) w->failed = true;
}

int main(int argc, char **argv)
{
    if (argc > 1) return step();
    world w = {.program = argv[0]};
    bench_row("start to first step", run, &w);
    return w.failed;
}

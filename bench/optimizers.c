/* Steps of optimizers on N layers of 1000 x 1000 weights and 1000 biases, with the gradients that
 * one backward pass has left. bench/optimizers.py runs it in turns with PyTorch.
 *
 * Usage: optimizers [LAYERS [NAME...]]    one layer and all optimizers by default */
#include <gradtape.h>

#include "bench.h"

enum { WIDTH = 1000 };

typedef struct {
    gt_ctx *gt;
    gt_module *net;
    gt_optimizer *asked;
} world;

static gt_optimizer *sgd(gt_module *net)
{
    return gt_sgd(net, .lr = 1e-4);
}

static gt_optimizer *momentum(gt_module *net)
{
    return gt_sgd(net, .lr = 1e-4, .momentum = 0.9);
}

static gt_optimizer *adam(gt_module *net)
{
    return gt_adam(net, .lr = 1e-5);
}

static gt_optimizer *adamw(gt_module *net)
{
    return gt_adamw(net, .lr = 1e-5);
}

static const struct {
    const char *name;
    gt_optimizer *(*make)(gt_module *net);
} rows[] = {{"sgd", sgd}, {"momentum", momentum}, {"adam", adam}, {"adamw", adamw}};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void turn(void *work)
{
    gt_optimizer_step(((world *)work)->asked);
}

static bool answer(void *work, const char *name)
{
    world *w = work;
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(name, rows[i].name) == 0) {
            w->asked = rows[i].make(w->net);
            bench_row(name, turn, w);
            return !gt_failed(w->gt);
        }
    return false;
}

int main(int argc, char **argv)
{
    const int layers = argc > 1 ? atoi(argv[1]) : 1;
    world w = {.gt = gt_open()};
    w.net = gt_nn_sequential_(w.gt, 0, NULL);
    for (int i = 0; i < layers; i++) gt_module_append(w.net, gt_nn_linear(w.gt, WIDTH, WIDTH));
    gt_backward(gt_sum(gt_forward(w.net, gt_randn(w.gt, GT_SHAPE(1, WIDTH)))));
    bool fine = true;
    for (int i = 0; argc < 3 && i < N_ROWS; i++) fine = fine && answer(&w, rows[i].name);
    for (int i = 2; fine && i < argc; i++) fine = bench_answer(argv[i], answer, &w);
    if (gt_failed(w.gt)) fprintf(stderr, "%s\n", gt_error_message(w.gt));
    fine = fine && !gt_failed(w.gt);
    gt_close(w.gt);
    return !fine;
}

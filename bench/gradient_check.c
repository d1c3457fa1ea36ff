/* The gradient check in f64 of a small network with a convolution: every entry of the Jacobian of
 * its parameters and of its input, or random projections of it. */
#include <gradtape.h>

#include "bench.h"

typedef struct {
    gt_ctx *gt;
    gt_mark start;
    gt_module *net;
    gt_tensor *x;
    gt_gradcheck_mode mode;
    bool passed;
} world;

static void check(void *work)
{
    world *w = work;
    const gt_gradcheck_opts opts = {.mode = w->mode};
    gt_rewind(w->gt, w->start);
    w->passed = gt_gradcheck_module(w->gt, w->net, w->x, &opts, NULL) == GT_PASS;
}

/* Operations with many elements, by projections and entry by entry. */
typedef struct {
    gt_ctx *gt;
    gt_function f;
    gt_tensor *in[2];
    int n_in;
    gt_gradcheck_mode mode;
    bool passed;
} large;

static void check_large(void *work)
{
    large *w = work;
    const gt_gradcheck_opts opts = {.mode = w->mode};
    w->passed = gt_gradcheck(w->gt, w->f, NULL, w->in, w->n_in, &opts, NULL) == GT_PASS;
}

static gt_tensor *tanh_of(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_tanh(in[0]);
}

static gt_tensor *product(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_matmul(in[0], in[1]);
}

static void large_rows(world *w)
{
    const gt_new_opts leaf = {.dtype = GT_F64, .requires_grad = true};
    large tanh_row = {.gt = w->gt, .f = tanh_of, .n_in = 1, .mode = GT_GRADCHECK_FAST};
    large product_row = {.gt = w->gt, .f = product, .n_in = 2, .mode = GT_GRADCHECK_FULL};
    tanh_row.in[0] = gt_randn_(w->gt, GT_SHAPE(1000000), leaf);
    product_row.in[0] = gt_randn_(w->gt, GT_SHAPE(2, 5000), leaf);
    product_row.in[1] = gt_randn_(w->gt, GT_SHAPE(5000, 2), leaf);
    bench_row("tanh of a million", check_large, &tanh_row);
    bench_row("product", check_large, &product_row);
    w->passed &= tanh_row.passed && product_row.passed;
}

int main(void)
{
    world w = {.gt = gt_open()};
    w.net = gt_nn_sequential(w.gt, gt_nn_conv2d(w.gt, 1, 4, .kernel = {3}), gt_nn_tanh(w.gt),
                             gt_nn_avg_pool2d(w.gt, .kernel = {2}), gt_nn_flatten(w.gt),
                             gt_nn_linear(w.gt, 36, 10));
    gt_module_to(w.net, GT_F64);
    w.x = gt_randn(w.gt, GT_SHAPE(2, 1, 8, 8), .dtype = GT_F64, .requires_grad = true);
    w.start = gt_mark_tape(w.gt);
    w.mode = GT_GRADCHECK_FULL;
    bench_row("full", check, &w);
    w.mode = GT_GRADCHECK_FAST;
    if (w.passed) bench_row("fast", check, &w);
    large_rows(&w);
    const bool failed = gt_failed(w.gt) || !w.passed;
    if (failed) fprintf(stderr, "the check has not passed: %s\n", gt_error_message(w.gt));
    gt_close(w.gt);
    return failed;
}

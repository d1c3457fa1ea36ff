/* gradtape: a small, fast deep-learning framework in C.
 *
 * The whole manual on one page:
 *
 *   gt_ctx *gt = gt_open();                       a context owns everything; one per thread of work
 *   gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 3));   make tensors (tensor.h)
 *   gt_tensor *y = gt_mul(x, x);                  operations run at once (ops.h) and, where a
 *                                                 gradient is required, go onto the tape
 *   gt_backward(gt_sum(y));                       walk the tape back: leaf->grad (autograd.h)
 *   gt_module *net = gt_nn_conv2d(gt, 1, 6, .kernel = {5});      layers (nn.h)
 *   gt_optimizer *sgd = gt_sgd(net, .lr = 0.1);   gt_optimizer_step(sgd) (optim.h)
 *   gt_mark start = gt_mark_tape(gt);             at the top of a loop gt_rewind(gt, start) drops
 *                                                 the step before: no frees, no reference counts
 *   if (gt_failed(gt)) puts(gt_error_message(gt));  errors are sticky: check once (context.h)
 *   gt_gradcheck(...)                             prove a derivative (gradcheck.h)
 *   gt_graph_render(loss, "graph.svg")            see the graph (graph.h)
 *   gt_apply(&my_op, ...)                         operations of your own (op.h)
 *   gt_close(gt);
 *
 * Manner: required arguments are positional, optional ones are keyword arguments, and zero always
 * means the default. NULL in, NULL out. The library never prints and never ends the process. */
#ifndef GRADTAPE_H
#define GRADTAPE_H

#include <gradtape/autograd.h>
#include <gradtape/context.h>
#include <gradtape/functional.h>
#include <gradtape/gradcheck.h>
#include <gradtape/graph.h>
#include <gradtape/nn.h>
#include <gradtape/op.h>
#include <gradtape/ops.h>
#include <gradtape/optim.h>
#include <gradtape/tensor.h>

#endif

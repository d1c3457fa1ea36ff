/* gradtape: a small, fast deep-learning framework in C.
 *
 * The whole manual on one page:
 *
 *   gt_ctx *gt = gt_open();                       a context owns everything; one per thread of work
 *   gt_tensor *x = gt_rand(gt, GT_SHAPE(2, 3), .requires_grad = true);     make tensors (tensor.h)
 *   gt_tensor *y = gt_mul(x, x);                  operations run at once (ops.h) and, where a
 *                                                 gradient is required, go onto the tape
 *   gt_backward(gt_sum(y));                       walk the tape back: leaf->grad (autograd.h)
 *   gt_module *net = gt_nn_sequential(gt, gt_nn_conv2d(gt, 1, 6, .kernel = {5}), gt_nn_relu(gt));
 *   y = gt_forward(net, x);                       modules (nn.h, layers.h, containers.h, init.h)
 *   gt_summary(stdout, net, GT_SHAPE(1, 1, 28, 28));     their shapes and costs (summary.h)
 *   gt_optimizer *sgd = gt_sgd(net, .lr = 0.1);   gt_optimizer_step(sgd) (optim.h)
 *   gt_schedule *s = gt_cosine_annealing_lr(sgd, 100);           gt_schedule_step(s) (schedule.h)
 *   gt_loader *train = gt_loader_new(gt_mnist(gt, "data/mnist", true), 64, .shuffle = true);
 *   while (gt_loader_next(train, &x, &y)) ...     batches of a data set (data.h)
 *   gt_fit(net, sgd, train, .epochs = 10, .log = stdout);   train, if not in a loop of your own;
 *                                                 metrics, histories, curves (train.h)
 *   gt_mark start = gt_mark_tape(gt);             at the top of a loop gt_rewind(gt, start) drops
 *                                                 the step before: no frees, no reference counts
 *   if (gt_failed(gt)) ...                        errors are sticky: check once (context.h)
 *   gt_gradcheck(...)                             prove a derivative (gradcheck.h), also one that
 *   gt_gradcheck_c(...)                           you wrote for a C function (gradcheck_c.h)
 *   gt_save(net, "net.safetensors")               weights, and runs to be resumed (io.h)
 *   gt_capture(gt, step, &mine)                   keep a step, and gt_replay it (capture.h)
 *   gt_profile_begin(gt), gt_profile_print(p, stdout)     see where time goes (profile.h)
 *   gt_graph_render(loss, "graph.svg")            see the graph (graph.h)
 *   gt_diff(gt, "a.json", "b.json", stdout)       compare graphs, and weights (diff.h)
 *   gt_onnx_save(net, "net.onnx", shape)          take a network elsewhere as ONNX (onnx.h),
 *   gt_export_c(net, "net.c", shape)              and anywhere as C (cfile.h)
 *   gt_apply(&my_op, ...)                         operations of your own (op.h)
 *   gt_program_main(argc, argv, about, run, &s, options)    a command line and main (program.h)
 *   gt_close(gt);
 *
 * Manner: required arguments are positional, optional ones are keyword arguments, and zero always
 * means the default: GT_ZERO asks for 0 itself. NULL in, NULL out. The library never ends the
 * process, and prints nothing but the failures of a program that does not look at them
 * (GRADTAPE_ERRORS in context.h). */
#ifndef GRADTAPE_H
#define GRADTAPE_H

#include <gradtape/attr.h>
#include <gradtape/autograd.h>
#include <gradtape/capture.h>
#include <gradtape/cfile.h>
#include <gradtape/containers.h>
#include <gradtape/context.h>
#include <gradtape/data.h>
#include <gradtape/diff.h>
#include <gradtape/functional.h>
#include <gradtape/gradcheck.h>
#include <gradtape/gradcheck_c.h>
#include <gradtape/gradcheck_ways.h>
#include <gradtape/graph.h>
#include <gradtape/init.h>
#include <gradtape/io.h>
#include <gradtape/layers.h>
#include <gradtape/loss.h>
#include <gradtape/nn.h>
#include <gradtape/onnx.h>
#include <gradtape/op.h>
#include <gradtape/ops.h>
#include <gradtape/optim.h>
#include <gradtape/profile.h>
#include <gradtape/program.h>
#include <gradtape/schedule.h>
#include <gradtape/summary.h>
#include <gradtape/tensor.h>
#include <gradtape/train.h>
#include <gradtape/transforms.h>
#include <gradtape/view.h>

#endif

/* Gradients. */
#ifndef GRADTAPE_AUTOGRAD_H
#define GRADTAPE_AUTOGRAD_H

#include <gradtape/tensor.h>

GT_BEGIN_DECLS

typedef struct {
    bool create_graph;   /* record the backward pass, so that gradients can be differentiated */
    bool retain;         /* keep activations, for another backward over the same nodes; implied by
                          * create_graph */
    gt_tensor *upstream; /* gradient of the loss, its shape and dtype; NULL: ones, for a loss of one
                          * element */
    int gt_;
} gt_backward_opts;

/* Adds the gradient of `loss` to the grad of every leaf that requires it and that loss depends on.
 * Without .retain the activations recorded since the innermost mark go back to the pool; reading
 * them afterwards (but for the loss) and walking the same nodes again are errors that say so.
 * Errors: GT_ERR_SHAPE (a loss of several elements without .upstream), GT_ERR_STATE (nothing
 * requires gradients; tape released; a saved tensor changed in place), those of the rules'
 * operations. */
gt_status gt_backward_(gt_tensor *loss, gt_backward_opts opts);
/* gt_backward(loss), gt_backward(loss, .retain = true) */
#define gt_backward(...) GT_BACKWARD_(__VA_ARGS__, .gt_ = 0)
#define GT_BACKWARD_(loss, ...) GT_STATUS_AT(gt_backward_(loss, (gt_backward_opts){__VA_ARGS__}))

typedef struct {
    bool create_graph, retain;  /* as above */
    gt_tensor *const *upstream; /* n_out gradients of the outputs; NULL: ones, each output of one
                                 * element */
    bool allow_unused;          /* grads[i] becomes NULL for an input that no output depends on;
                                 * otherwise that is an error */
    int gt_;
} gt_grad_opts;

/* grads[i] = gradient of the sum of the outputs with respect to inputs[i], which may be leaves or
 * results on the tape; no leaf's grad changes. Only the nodes between are walked. */
gt_status gt_grad_(gt_tensor *const outputs[], int n_out, gt_tensor *const inputs[], int n_in,
                   gt_tensor *grads[], gt_grad_opts opts);
/* gt_grad(outputs, n_out, inputs, n_in, grads, .create_graph = true) */
#define gt_grad(outputs, n_out, inputs, n_in, ...)                                                 \
    GT_GRAD_(outputs, n_out, inputs, n_in, __VA_ARGS__, .gt_ = 0)
#define GT_GRAD_(outputs, n_out, inputs, n_in, grads, ...)                                         \
    GT_STATUS_AT(gt_grad_(outputs, n_out, inputs, n_in, grads, (gt_grad_opts){__VA_ARGS__}))

/* Forgets a leaf's grad, so that the next gt_backward starts from nothing. */
void gt_clear_grad(gt_tensor *leaf);

GT_END_DECLS
#endif

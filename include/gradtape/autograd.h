/* Gradients. */
#ifndef GRADTAPE_AUTOGRAD_H
#define GRADTAPE_AUTOGRAD_H

#include <gradtape/tensor.h>

GT_BEGIN_DECLS

typedef struct {
    gt_keywords gt_;
    bool create_graph;   /* record the backward pass, so that gradients can be differentiated */
    bool retain;         /* keep activations, for another backward over the same nodes; implied by
                          * create_graph */
    gt_tensor *upstream; /* gradient of the loss, its shape and dtype, which no sweep changes; NULL:
                          * ones, for a loss of one element */
} gt_backward_opts;

/* Adds the gradient of `loss` to the grad of every leaf that requires it and that loss depends on;
 * a grad's data is its own and may be changed in place.
 * A grad whose leaf has changed since, as by an optimizer's step, is of a step that is over: it is
 * replaced.
 *
 * What is released: the data of every result that the walk has passed, and of its views, goes back
 * to the pool. Reading it afterwards and walking the same nodes again are errors that say so.
 * What may be read afterwards: the loss; results of one element, such as the parts of a loss;
 * leaves and what gt_keep returned; what the loss does not depend on, or was computed without
 * recording or from nothing that requires gradients; what was recorded before the innermost mark.
 * With .retain, with .create_graph, and where everything is recorded (gt_set_recording_all) no
 * result is released. What a pass with .create_graph makes itself on its way, and nothing that it
 * recorded reads, goes back even so: parts of sums, and what rules made in between. A module may
 * have released what it made for its own next one even before (gt_pass).
 *
 * Errors: GT_ERR_SHAPE (a loss of several elements without .upstream), GT_ERR_STATE (nothing
 * requires gradients; tape released; a saved tensor changed in place), those of the rules'
 * operations. */
gt_status gt_backward_(gt_tensor *loss, gt_backward_opts opts);
/* gt_backward(loss), gt_backward(loss, .retain = true) */
#define gt_backward(...) GT_BACKWARD_(__VA_ARGS__, )
#define GT_BACKWARD_(loss, ...)                                                                    \
    GT_STATUS_AT(gt_backward_(loss, GT_OPTS(gt_backward_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    bool create_graph, retain;  /* as above */
    gt_tensor *const *upstream; /* n_out gradients of the outputs; NULL: ones, each output of one
                                 * element */
    bool allow_unused;          /* grads[i] becomes NULL for an input that no output depends on;
                                 * otherwise that is an error */
} gt_grad_opts;

/* grads[i] = gradient of the sum of the outputs with respect to inputs[i], which may be leaves or
 * results on the tape; no leaf's grad changes. Only the nodes between are walked. Each gradient's
 * data is its own and may be changed in place; an input given twice gets the same tensor twice. */
gt_status gt_grad_(gt_tensor *const outputs[], int n_out, gt_tensor *const inputs[], int n_in,
                   gt_tensor *grads[], gt_grad_opts opts);
/* gt_grad(outputs, n_out, inputs, n_in, grads, .create_graph = true) */
#define gt_grad(outputs, n_out, inputs, n_in, ...)                                                 \
    GT_GRAD_(outputs, n_out, inputs, n_in, __VA_ARGS__, )
#define GT_GRAD_(outputs, n_out, inputs, n_in, grads, ...)                                         \
    GT_STATUS_AT(gt_grad_(outputs, n_out, inputs, n_in, grads, GT_OPTS(gt_grad_opts, __VA_ARGS__)))

/* x->grad is NULL before the first gt_backward, after a rewind, and for tensors that do not require
 * gradients. A step of gradient descent by hand, for a kept w:
 *   gt_set_recording(gt, false);
 *   gt_copy_into(w, gt_sub(w, gt_mul_scalar(w->grad, lr)));
 *   gt_set_recording(gt, true); */

/* Forgets a leaf's grad, so that the next gt_backward starts from nothing. */
void gt_clear_grad(gt_tensor *leaf);

/* --- giving back early ---
 * t's values will not be read again: its data, also that of tensors which share it, goes back to
 * the pool, unless the backward rule of something recorded reads it; then gt_backward gives it
 * back, as ever. For what a forward function makes between two operations: gt_tensor *h =
 * gt_conv2d(x, w), *y = gt_relu(h); gt_release(h); Using it afterwards is an error that says so.
 * Nothing happens to kept tensors, where everything is recorded, in gt_checkpoint, which releases
 * by itself, with anomaly checks, and where much (thousands of tensors) was recorded since. With
 * gt_set_recomputing what a rule reads may go, too, and is computed again for it. */
void gt_release(gt_tensor *t);

/* --- hooks ---
 * A hook sees the gradient of one tensor, leaf or result, in every gt_backward and gt_grad that
 * computes it, when it is complete: before the rule of the operation that made the tensor or, of a
 * leaf, as soon as the last operation has been passed that gives to it, before it is added to its
 * grad. It may return a replacement of the same shape and dtype, built with operations or a tensor
 * of its own, which no sweep changes; NULL keeps the gradient. It must not change the gradient in
 * place, and what it wants to keep it lifts out with gt_keep. */
typedef gt_tensor *(*gt_hook_fn)(gt_tensor *grad, void *user);

/* Adds a hook to t. Several are called in the order in which they were added, each with what the
 * one before returned. A hook lives as long as its tensor; gt_keep does not take it along. Errors:
 * GT_ERR_STATE (t requires no gradient, or a backward pass is running), GT_ERR_ARGUMENT,
 * GT_ERR_MEMORY. */
gt_status gt_hook(gt_tensor *t, gt_hook_fn fn, void *user);
#define gt_hook(t, fn, user) GT_STATUS_AT(gt_hook(t, fn, user))
/* Removes the first hook of t with this function and user pointer; GT_ERR_ARGUMENT if there is
 * none. */
gt_status gt_unhook(gt_tensor *t, gt_hook_fn fn, void *user);
#define gt_unhook(t, fn, user) GT_STATUS_AT(gt_unhook(t, fn, user))

GT_END_DECLS
#endif

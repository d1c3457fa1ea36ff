/* Optimizers: they change a module's parameters by their gradients.
 *
 *   gt_optimizer *sgd = gt_sgd(net, .lr = 0.05, .momentum = 0.9);
 *   gt_backward(loss);
 *   gt_optimizer_step(sgd);
 *
 * An optimizer belongs to its module's context, which frees it on gt_close. After a failure
 * constructors return NULL, and every function here takes NULL and then does nothing. */
#ifndef GRADTAPE_OPTIM_H
#define GRADTAPE_OPTIM_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

typedef struct gt_optimizer gt_optimizer;

static inline gt_optimizer *gt_optimizer_at_(gt_optimizer *made, const char *where)
{
    if (!made) gt_note_site_(where);
    return made;
}
#ifdef GT_NO_SITES
#define GT_OPTIMIZER_AT(call) (call)
#else
#define GT_OPTIMIZER_AT(call) gt_optimizer_at_((call), GT_HERE)
#endif

/* Changes every parameter of the module that has a gradient, in place, each once; parameters that
 * were added or made since the last step are included, those without a gradient are left alone. The
 * optimizer's state is kept beside each parameter and starts at its first step. A tape that needs
 * the old values refuses gt_backward from then on.
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_MEMORY, and the code of the context's failure, if any. */
gt_status gt_optimizer_step(gt_optimizer *o);
#define gt_optimizer_step(o) GT_STATUS_AT(gt_optimizer_step(o))

/* Takes away the gradients of the module's parameters, as gt_zero_grad does. */
void gt_optimizer_zero_grad(gt_optimizer *o);

/* The learning rate is state, not an option: a schedule changes it between steps. It must be finite
 * and not negative (GT_ERR_ARGUMENT); here 0 means 0. */
gt_status gt_optimizer_set_lr(gt_optimizer *o, double lr);
#define gt_optimizer_set_lr(o, lr) GT_STATUS_AT(gt_optimizer_set_lr(o, lr))
double gt_optimizer_lr(const gt_optimizer *o); /* NaN for NULL */

/* Stochastic gradient descent, as torch.optim.SGD. With g = grad + weight_decay * w:
 *   no momentum:    w -= lr * g
 *   with momentum:  b = momentum * b + (1 - dampening) * g, where b = g at the first step
 *                   w -= lr * b, or with nesterov w -= lr * (g + momentum * b)
 * Errors: GT_ERR_ARGUMENT for negative or infinite numbers, and for nesterov without momentum or
 * with dampening. */
typedef struct {
    double lr;           /* 1e-3 */
    double momentum;     /* 0 */
    double dampening;    /* 0 */
    double weight_decay; /* 0 */
    bool nesterov;
    int gt_;
} gt_sgd_opts;
gt_optimizer *gt_sgd_(gt_module *m, gt_sgd_opts opts);
/* gt_sgd(m), gt_sgd(m, .lr = 0.1, .momentum = 0.9) */
#define gt_sgd(...) GT_SGD_(__VA_ARGS__, .gt_ = 0)
#define GT_SGD_(m, ...) GT_OPTIMIZER_AT(gt_sgd_(m, (gt_sgd_opts){__VA_ARGS__}))

GT_END_DECLS
#endif

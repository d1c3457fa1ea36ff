/* Optimizers: they change a module's parameters by their gradients.
 *
 *   gt_optimizer *sgd = gt_sgd(net, .lr = 0.05, .momentum = 0.9);
 *   gt_backward(loss);
 *   gt_optimizer_step(sgd);
 *
 * Rules, options, defaults and names of states are torch.optim's. Schedules of the learning rate
 * are in schedule.h.
 *
 * An optimizer belongs to its module's context, which frees it on gt_close, unless
 * gt_optimizer_free did before. For several modules, or tensors that are no module's, put them into
 * one: gt_nn_module_list(gt, encoder, decoder), gt_nn_parameter_list(gt, image). After a failure
 * constructors return NULL, and every function here takes NULL and then does nothing. */
#ifndef GRADTAPE_OPTIM_H
#define GRADTAPE_OPTIM_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

typedef struct gt_optimizer gt_optimizer;

GT_DEFINE_AT(gt_optimizer)
#define GT_OPTIMIZER_AT(call) GT_MADE_AT(gt_optimizer, call)

/* Changes every parameter of the module that has a gradient, in place, each once; parameters that
 * were added or made since the last step are included, those without a gradient are left alone. The
 * optimizer's state is kept beside each parameter and starts at its first step. A tape that needs
 * the old values refuses gt_backward from then on.
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_MEMORY, and the code of the context's failure, if any. */
gt_status gt_optimizer_step(gt_optimizer *o);
#define gt_optimizer_step(o) GT_STATUS_AT(gt_optimizer_step(o))

/* Frees an optimizer with its states, and the schedules that were made for it. NULL is fine. Using
 * one of them afterwards is an error that says so until GT_RESTING others were freed; a captured
 * step of it is over, too. Errors: GT_ERR_STATE (freed before). */
void gt_optimizer_free(gt_optimizer *o);
#define gt_optimizer_free(o) GT_VOID_AT(gt_optimizer_free(o))

/* Takes away the gradients of the module's parameters, as gt_zero_grad does, and forgets what was
 * accumulated. */
void gt_optimizer_zero_grad(gt_optimizer *o);

/* The learning rate is state, not an option: a schedule changes it between steps. It must be finite
 * and not negative (GT_ERR_ARGUMENT); here 0 means 0. */
gt_status gt_optimizer_set_lr(gt_optimizer *o, double lr);
#define gt_optimizer_set_lr(o, lr) GT_STATUS_AT(gt_optimizer_set_lr(o, lr))
double gt_optimizer_lr(const gt_optimizer *o); /* NaN for NULL */
/* The rule's: "SGD", "AdamW"; NULL for NULL. */
const char *gt_optimizer_name(const gt_optimizer *o);

gt_module *gt_optimizer_module(const gt_optimizer *o); /* NULL for NULL */

/* --- groups ---
 * Learning rates and weight decays for some of the parameters:
 *
 *   gt_optimizer_add_group(o, "*.bias", .weight_decay = GT_ZERO);
 *   gt_optimizer_add_group(o, "backbone.*", .lr_scale = 0.1);
 *
 * A group holds the parameters whose whole path below the module fits the pattern, in which an
 * asterisk is any bytes, dots included, and a question mark one. Those made later fall into their
 * groups when they appear; of a shared parameter the first path counts. Where several groups fit,
 * the one added last wins; what fits none has the optimizer's own values. A group that fits no
 * parameter is GT_ERR_ARGUMENT at the next step at which no lazy module is left. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* its own, changed by schedules beside the optimizer's; */
    double lr_scale;     /* or: always the optimizer's times this; 1 */
    double weight_decay; /* the optimizer's */
} gt_group_opts;
/* Groups are numbered from 0 in the order of adding. May be called at any time. Errors:
 * GT_ERR_ARGUMENT (no pattern, negative or infinite numbers, both lr and lr_scale), GT_ERR_MEMORY.
 */
gt_status gt_optimizer_add_group_(gt_optimizer *o, const char *pattern, gt_group_opts opts);
/* gt_optimizer_add_group(o, "*.bias", .lr = 0.1) */
#define gt_optimizer_add_group(o, ...) GT_OPTIMIZER_ADD_GROUP_(o, __VA_ARGS__, )
#define GT_OPTIMIZER_ADD_GROUP_(o, pattern, ...)                                                   \
    GT_STATUS_AT(gt_optimizer_add_group_(o, pattern, GT_OPTS(gt_group_opts, __VA_ARGS__)))
/* The learning rate in force in group i; setting it makes it the group's own. Errors:
 * GT_ERR_ARGUMENT (and NaN) for a group that is not there. */
double gt_optimizer_group_lr(const gt_optimizer *o, int i);
#define gt_optimizer_group_lr(o, i) GT_NUMBER_AT(gt_optimizer_group_lr(o, i))
gt_status gt_optimizer_set_group_lr(gt_optimizer *o, int i, double lr);
#define gt_optimizer_set_group_lr(o, i, lr) GT_STATUS_AT(gt_optimizer_set_group_lr(o, i, lr))

/* --- accumulation ---
 * One step on the gradients of several micro-batches, which survive gt_rewind as kept sums:
 *
 *   for (int i = 0; i < 4; i++) {
 *       gt_rewind(gt, start);
 *       gt_tensor *loss = loss_of(batch[i]);
 *       gt_backward(loss);
 *       gt_optimizer_accumulate(o, .loss = loss);
 *   }
 *   gt_clip_grad_norm(net, 1.0);
 *   gt_optimizer_step(o);
 */
typedef struct {
    gt_keywords gt_;
    const gt_tensor *loss; /* the mean whose gradients these are; NULL: weights are all 1 */
    bool sum;              /* the sum, as repeated gt_backward calls give it, instead of the mean */
} gt_accumulate_opts;
/* Adds the gradients, times the weight of the loss (gt_mean_weight), to the sums, and makes the
 * sums over all weights so far the parameters' gradients (also of those that had one only in an
 * earlier micro-batch). That is the gradient of one batch of them all, however many items each has
 * and however many of them count; without .loss only when they are equal in that. The gradients of
 * a loss that weighs nothing are thrown away, whatever they are.
 *
 * So the gradients must be taken away before the next gt_backward, by gt_rewind or gt_zero_grad.
 * gt_optimizer_step ends an accumulation, and gt_optimizer_zero_grad drops it. Errors: as
 * gt_optimizer_step, and GT_ERR_ARGUMENT for a loss whose weight is unknown or that is to be
 * summed.
 */
gt_status gt_optimizer_accumulate_(gt_optimizer *o, gt_accumulate_opts opts);
#define gt_optimizer_accumulate(...) GT_OPTIMIZER_ACCUMULATE_(__VA_ARGS__, )
#define GT_OPTIMIZER_ACCUMULATE_(o, ...)                                                           \
    GT_STATUS_AT(gt_optimizer_accumulate_(o, GT_OPTS(gt_accumulate_opts, __VA_ARGS__)))
int64_t gt_optimizer_accumulated(const gt_optimizer *o); /* micro-batches since the last step */

/* --- rules ---
 * In all of them g = grad (-grad with maximize) + weight_decay * w, unless weight decay is
 * decoupled: then g = grad, and w *= 1 - lr * weight_decay before the step; t counts a parameter's
 * steps from 1. Errors: GT_ERR_ARGUMENT for numbers that are infinite or outside their range. */

/* Stochastic gradient descent:
 *   no momentum:    w -= lr * g
 *   with momentum:  b = momentum * b + (1 - dampening) * g, where b = g at the first step
 *                   w -= lr * b, or with nesterov w -= lr * (g + momentum * b)
 * GT_ERR_ARGUMENT also for nesterov without momentum or with dampening. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1e-3 */
    double momentum;     /* 0 */
    double dampening;    /* 0 */
    double weight_decay; /* 0 */
    bool nesterov, maximize;
} gt_sgd_opts;
gt_optimizer *gt_sgd_(gt_module *m, gt_sgd_opts opts);
/* gt_sgd(m), gt_sgd(m, .lr = 0.1, .momentum = 0.9) */
#define gt_sgd(...) GT_SGD_(__VA_ARGS__, )
#define GT_SGD_(m, ...) GT_OPTIMIZER_AT(gt_sgd_(m, GT_OPTS(gt_sgd_opts, __VA_ARGS__)))

/* Adam:
 *   m = beta1 * m + (1 - beta1) * g,  v = beta2 * v + (1 - beta2) * g^2
 *   w -= lr * m' / (sqrt(v') + eps), where m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)
 * With amsgrad the largest v so far stands for v in the step. AdamW is Adam with decoupled weight
 * decay, and other defaults. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1e-3 */
    double betas[2];     /* 0.9, 0.999; in [0, 1) */
    double eps;          /* 1e-8 */
    double weight_decay; /* 0; AdamW: 0.01 */
    bool amsgrad, maximize;
    bool decoupled_weight_decay; /* AdamW: always */
} gt_adam_opts;
gt_optimizer *gt_adam_(gt_module *m, gt_adam_opts opts);
gt_optimizer *gt_adamw_(gt_module *m, gt_adam_opts opts);
/* gt_adam(m), gt_adamw(m, .lr = 1e-4, .weight_decay = 0.05) */
#define gt_adam(...) GT_ADAM_(__VA_ARGS__, )
#define GT_ADAM_(m, ...) GT_OPTIMIZER_AT(gt_adam_(m, GT_OPTS(gt_adam_opts, __VA_ARGS__)))
#define gt_adamw(...) GT_ADAMW_(__VA_ARGS__, )
#define GT_ADAMW_(m, ...) GT_OPTIMIZER_AT(gt_adamw_(m, GT_OPTS(gt_adam_opts, __VA_ARGS__)))

/* NAdam: Adam that looks ahead, its momentum growing from beta1 / 2 to beta1 as momentum_decay
 * says. */
typedef struct {
    gt_keywords gt_;
    double lr;             /* 2e-3 */
    double betas[2];       /* 0.9, 0.999 */
    double eps;            /* 1e-8 */
    double weight_decay;   /* 0 */
    double momentum_decay; /* 4e-3 */
    bool decoupled_weight_decay, maximize;
} gt_nadam_opts;
gt_optimizer *gt_nadam_(gt_module *m, gt_nadam_opts opts);
#define gt_nadam(...) GT_NADAM_(__VA_ARGS__, )
#define GT_NADAM_(m, ...) GT_OPTIMIZER_AT(gt_nadam_(m, GT_OPTS(gt_nadam_opts, __VA_ARGS__)))

/* RAdam: Adam whose first steps are plain momentum, until the variance of its rate is known well
 * enough. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1e-3 */
    double betas[2];     /* 0.9, 0.999 */
    double eps;          /* 1e-8 */
    double weight_decay; /* 0 */
    bool decoupled_weight_decay, maximize;
} gt_radam_opts;
gt_optimizer *gt_radam_(gt_module *m, gt_radam_opts opts);
#define gt_radam(...) GT_RADAM_(__VA_ARGS__, )
#define GT_RADAM_(m, ...) GT_OPTIMIZER_AT(gt_radam_(m, GT_OPTS(gt_radam_opts, __VA_ARGS__)))

/* RMSprop: s = alpha * s + (1 - alpha) * g^2, w -= lr * g / (sqrt(s) + eps). centered subtracts the
 * square of the average gradient from s; with momentum the quotients are gathered, and w moves by
 * those. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1e-2 */
    double alpha;        /* 0.99 */
    double eps;          /* 1e-8 */
    double weight_decay; /* 0 */
    double momentum;     /* 0 */
    bool centered, maximize;
} gt_rmsprop_opts;
gt_optimizer *gt_rmsprop_(gt_module *m, gt_rmsprop_opts opts);
#define gt_rmsprop(...) GT_RMSPROP_(__VA_ARGS__, )
#define GT_RMSPROP_(m, ...) GT_OPTIMIZER_AT(gt_rmsprop_(m, GT_OPTS(gt_rmsprop_opts, __VA_ARGS__)))

/* Adagrad: s += g^2, w -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps). */
typedef struct {
    gt_keywords gt_;
    double lr;                        /* 1e-2 */
    double lr_decay;                  /* 0 */
    double weight_decay;              /* 0 */
    double initial_accumulator_value; /* 0; what s starts from */
    double eps;                       /* 1e-10 */
    bool maximize;
} gt_adagrad_opts;
gt_optimizer *gt_adagrad_(gt_module *m, gt_adagrad_opts opts);
#define gt_adagrad(...) GT_ADAGRAD_(__VA_ARGS__, )
#define GT_ADAGRAD_(m, ...) GT_OPTIMIZER_AT(gt_adagrad_(m, GT_OPTS(gt_adagrad_opts, __VA_ARGS__)))

/* Adadelta: s = rho * s + (1 - rho) * g^2, d = sqrt(x + eps) / sqrt(s + eps) * g,
 * x = rho * x + (1 - rho) * d^2, w -= lr * d. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1 */
    double rho;          /* 0.9; in [0, 1) */
    double eps;          /* 1e-6 */
    double weight_decay; /* 0 */
    bool maximize;
} gt_adadelta_opts;
gt_optimizer *gt_adadelta_(gt_module *m, gt_adadelta_opts opts);
#define gt_adadelta(...) GT_ADADELTA_(__VA_ARGS__, )
#define GT_ADADELTA_(m, ...)                                                                       \
    GT_OPTIMIZER_AT(gt_adadelta_(m, GT_OPTS(gt_adadelta_opts, __VA_ARGS__)))

/* Lion, as in its paper: w -= lr * sign(beta1 * m + (1 - beta1) * g), m = beta2 * m + (1 - beta2) *
 * g; weight decay is decoupled. */
typedef struct {
    gt_keywords gt_;
    double lr;           /* 1e-4 */
    double betas[2];     /* 0.9, 0.99 */
    double weight_decay; /* 0 */
    bool maximize;
} gt_lion_opts;
gt_optimizer *gt_lion_(gt_module *m, gt_lion_opts opts);
#define gt_lion(...) GT_LION_(__VA_ARGS__, )
#define GT_LION_(m, ...) GT_OPTIMIZER_AT(gt_lion_(m, GT_OPTS(gt_lion_opts, __VA_ARGS__)))

/* --- averages of weights ---
 * An exponential moving average of a module's parameters, for evaluation:
 *
 *   gt_ema *average = gt_ema_new(net, .decay = 0.999);
 *   ... gt_optimizer_step(o); gt_ema_update(average); ...
 *   gt_ema_swap(average);      the averages are the module's weights
 *   evaluate(net);
 *   gt_ema_swap(average);      and its own weights are back
 *
 * It belongs to the module's context. Buffers, such as running means, are averaged only with
 * .use_buffers, and whole numbers among them, such as counts, never: these stay the module's own.
 */
typedef struct gt_ema gt_ema;
typedef struct {
    gt_keywords gt_;
    double decay; /* 0.999; in [0, 1) */
    bool warm_up; /* at update n, from 1, decay is at most n / (9 + n), so that the first weights
                   * do not weigh long */
    bool use_buffers; /* average buffers, too, as PyTorch's AveragedModel does */
} gt_ema_opts;
gt_ema *gt_ema_new_(gt_module *m, gt_ema_opts opts);
#define gt_ema_new(...) GT_EMA_NEW_(__VA_ARGS__, )
#define GT_EMA_NEW_(m, ...) GT_EMA_AT(gt_ema_new_(m, GT_OPTS(gt_ema_opts, __VA_ARGS__)))
GT_DEFINE_AT(gt_ema)
#define GT_EMA_AT(call) GT_MADE_AT(gt_ema, call)

/* average = decay * average + (1 - decay) * w; a parameter's average starts as a copy of it.
 * Errors: GT_ERR_ARGUMENT (NULL), GT_ERR_STATE (swapped), GT_ERR_MEMORY. */
gt_status gt_ema_update(gt_ema *e);
#define gt_ema_update(e) GT_STATUS_AT(gt_ema_update(e))
/* Exchanges the values of the parameters and of their averages; what has no average stays.
 * A tape that needs the old values refuses gt_backward. */
gt_status gt_ema_swap(gt_ema *e);
#define gt_ema_swap(e) GT_STATUS_AT(gt_ema_swap(e))
/* As gt_optimizer_free. Swapped, the module keeps the averages as its weights. */
void gt_ema_free(gt_ema *e);
#define gt_ema_free(e) GT_VOID_AT(gt_ema_free(e))
bool gt_ema_is_swapped(const gt_ema *e);
gt_module *gt_ema_module(const gt_ema *e); /* NULL for NULL */

/* --- state, for checkpoints ---
 * What optimizers, schedules and averages have become in training, as named tensors and numbers.
 * Saved and set again in objects made by the same calls, training goes on to the same bits.
 *
 *   gt_optim_iter it = gt_optimizer_state(o);
 *   while (gt_optim_next(&it)) {
 *       char name[256];
 *       gt_optim_name(&it, name, sizeof name);
 *       if (it.tensor) save_tensor(name, it.tensor);
 *       else save_number(name, it.number);
 *   }
 *
 * Names: "lr", "momentum", "groups.0.lr" of the optimizer; PyTorch's names of its states below the
 * parameters' paths: "conv.weight.exp_avg", "conv.weight.step", "conv.weight.grad_sum";
 * "last_epoch", "best", "1.last_epoch" of schedules (the second of a chain); "conv.weight.shadow"
 * and "n_averaged" of averages. Options are the program's and not among them. Nothing may change
 * while walking. */
typedef struct {
    gt_tensor *tensor; /* to be read only, kept by its owner; NULL: it is a number */
    double number;
    /* The rest is the walk's own. */
    const void *of;
    bool (*next)(void *it);
    const void *schedule;
    const char *owner, *key;
    int64_t place;
    int group;
} gt_optim_iter;
gt_optim_iter gt_optimizer_state(const gt_optimizer *o);
gt_optim_iter gt_ema_state(const gt_ema *e);
/* Goes to the next, at first to the first; false when there is none. */
bool gt_optim_next(gt_optim_iter *it);
/* Writes the name into buf (always terminated) and returns its full length, as snprintf does. */
size_t gt_optim_name(const gt_optim_iter *it, char *buf, size_t size);

/* Sets what the walk calls `name` to a copy of the tensor's elements or to the number. What was
 * there before and is not set stays; the clear functions forget all state of parameters and sums.
 * Lazy parameters must have been made. Errors: GT_ERR_ARGUMENT (no such name, a number out of its
 * range, NULL for a tensor), GT_ERR_SHAPE and GT_ERR_DTYPE (not those of the parameter). */
gt_status gt_optimizer_set_state(gt_optimizer *o, const char *name, const gt_tensor *tensor,
                                 double number);
#define gt_optimizer_set_state(o, name, tensor, number)                                            \
    GT_STATUS_AT(gt_optimizer_set_state(o, name, tensor, number))
gt_status gt_ema_set_state(gt_ema *e, const char *name, const gt_tensor *tensor, double number);
#define gt_ema_set_state(e, name, tensor, number)                                                  \
    GT_STATUS_AT(gt_ema_set_state(e, name, tensor, number))
/* The same with a tensor that the caller has kept for nothing else: it becomes the state itself,
 * which takes no memory. After a failure it is still the caller's. */
gt_status gt_optimizer_take_state(gt_optimizer *o, const char *name, gt_tensor *tensor,
                                  double number);
#define gt_optimizer_take_state(o, name, tensor, number)                                           \
    GT_STATUS_AT(gt_optimizer_take_state(o, name, tensor, number))
gt_status gt_ema_take_state(gt_ema *e, const char *name, gt_tensor *tensor, double number);
#define gt_ema_take_state(e, name, tensor, number)                                                 \
    GT_STATUS_AT(gt_ema_take_state(e, name, tensor, number))
/* Whether there is such a name to be set. *like (if like is not NULL) becomes the parameter whose
 * dtype and shape the tensor must have, or NULL for a number. */
bool gt_optimizer_has_state(gt_optimizer *o, const char *name, const gt_tensor **like);
bool gt_ema_has_state(gt_ema *e, const char *name, const gt_tensor **like);
void gt_optimizer_clear_state(gt_optimizer *o);
void gt_ema_clear_state(gt_ema *e);

GT_END_DECLS
#endif

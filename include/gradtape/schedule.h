/* Schedules: they change an optimizer's learning rate from step to step.
 *
 *   gt_schedule *s = gt_cosine_annealing_lr(sgd, 100);
 *   for (int epoch = 0; epoch < 100; epoch++) {
 *       ... gt_optimizer_step(sgd); ...
 *       gt_schedule_step(s);
 *   }
 *
 * Formulas, names, options and defaults are those of torch.optim.lr_scheduler, and a "step" is an
 * epoch or a batch, as the program likes. Making a schedule sets the rate of epoch 0. A schedule
 * moves the optimizer's rate and those of groups with an lr of their own, each from the value that
 * it had when the first schedule was made; groups with an lr_scale follow the optimizer's.
 *
 * A schedule belongs to its optimizer, and is freed with it. */
#ifndef GRADTAPE_SCHEDULE_H
#define GRADTAPE_SCHEDULE_H

#include <gradtape/optim.h>

GT_BEGIN_DECLS

typedef struct gt_schedule gt_schedule;

GT_DEFINE_AT(gt_schedule)
#define GT_SCHEDULE_AT(call) GT_MADE_AT(gt_schedule, call)

/* Goes to the next epoch and sets the learning rates. Errors: GT_ERR_ARGUMENT (NULL; the schedule
 * needs a metric), GT_ERR_STATE (it is part of another; a OneCycleLR is at its end),
 * GT_ERR_NUMERIC (a rate that is not finite: of a function, or of growth without end). */
gt_status gt_schedule_step(gt_schedule *s);
#define gt_schedule_step(s) GT_STATUS_AT(gt_schedule_step(s))
/* The same with the metric that ReduceLROnPlateau watches; other schedules do not look at it. */
gt_status gt_schedule_step_metric(gt_schedule *s, double metric);
#define gt_schedule_step_metric(s, metric) GT_STATUS_AT(gt_schedule_step_metric(s, metric))
bool gt_schedule_needs_metric(const gt_schedule *s);
gt_optimizer *gt_schedule_optimizer(const gt_schedule *s); /* NULL for NULL */
double gt_schedule_lr(const gt_schedule *s);               /* the optimizer's; NaN for NULL */
int64_t gt_schedule_last_epoch(const gt_schedule *s);      /* steps done; 0 for NULL */

const char *gt_schedule_name(const gt_schedule *s); /* "StepLR"; NULL for NULL */

/* State for checkpoints, as in optim.h; the learning rates are the optimizer's state. */
gt_optim_iter gt_schedule_state(const gt_schedule *s);
bool gt_schedule_has_state(gt_schedule *s, const char *name);
gt_status gt_schedule_set_state(gt_schedule *s, const char *name, double number);
#define gt_schedule_set_state(s, name, number) GT_STATUS_AT(gt_schedule_set_state(s, name, number))

/* All constructors: NULL after a failure; GT_ERR_ARGUMENT for NULL and for numbers that make no
 * sense, GT_ERR_MEMORY. */

/* StepLR: times gamma every step_size epochs. */
typedef struct {
    gt_keywords gt_;
    double gamma; /* 0.1 */
} gt_step_lr_opts;
gt_schedule *gt_step_lr_(gt_optimizer *o, int64_t step_size, gt_step_lr_opts opts);
/* gt_step_lr(o, 30), gt_step_lr(o, 30, .gamma = 0.5) */
#define gt_step_lr(o, ...) GT_STEP_LR_(o, __VA_ARGS__, )
#define GT_STEP_LR_(o, step_size, ...)                                                             \
    GT_SCHEDULE_AT(gt_step_lr_(o, step_size, GT_OPTS(gt_step_lr_opts, __VA_ARGS__)))

/* MultiStepLR: times gamma at each of the n milestones, which are copied. */
gt_schedule *gt_multi_step_lr_(gt_optimizer *o, const int64_t *milestones, int n,
                               gt_step_lr_opts opts);
/* gt_multi_step_lr(o, GT_ARRAY(int64_t, 30, 80), 2, .gamma = 0.1) */
#define gt_multi_step_lr(o, milestones, ...) GT_MULTI_STEP_LR_(o, milestones, __VA_ARGS__, )
#define GT_MULTI_STEP_LR_(o, milestones, n, ...)                                                   \
    GT_SCHEDULE_AT(gt_multi_step_lr_(o, milestones, n, GT_OPTS(gt_step_lr_opts, __VA_ARGS__)))

/* ExponentialLR: times gamma every epoch. */
gt_schedule *gt_exponential_lr(gt_optimizer *o, double gamma);
#define gt_exponential_lr(o, gamma) GT_SCHEDULE_AT(gt_exponential_lr(o, gamma))

/* ConstantLR: times factor, until epoch total_iters. */
typedef struct {
    gt_keywords gt_;
    double factor;       /* 1/3; above 0, at most 1 */
    int64_t total_iters; /* 5 */
} gt_constant_lr_opts;
gt_schedule *gt_constant_lr_(gt_optimizer *o, gt_constant_lr_opts opts);
#define gt_constant_lr(...) GT_CONSTANT_LR_(__VA_ARGS__, )
#define GT_CONSTANT_LR_(o, ...)                                                                    \
    GT_SCHEDULE_AT(gt_constant_lr_(o, GT_OPTS(gt_constant_lr_opts, __VA_ARGS__)))

/* LinearLR, a warm-up: the factor goes from start_factor in a straight line to end_factor at epoch
 * total_iters. */
typedef struct {
    gt_keywords gt_;
    double start_factor; /* 1/3; above 0, at most 1 */
    double end_factor;   /* 1; at least 0, at most 1 */
    int64_t total_iters; /* 5 */
} gt_linear_lr_opts;
gt_schedule *gt_linear_lr_(gt_optimizer *o, gt_linear_lr_opts opts);
/* gt_linear_lr(o, .start_factor = 0.01, .total_iters = 500) */
#define gt_linear_lr(...) GT_LINEAR_LR_(__VA_ARGS__, )
#define GT_LINEAR_LR_(o, ...)                                                                      \
    GT_SCHEDULE_AT(gt_linear_lr_(o, GT_OPTS(gt_linear_lr_opts, __VA_ARGS__)))

/* PolynomialLR: times (1 - epoch / total_iters)^power, 0 from epoch total_iters on. */
typedef struct {
    gt_keywords gt_;
    int64_t total_iters; /* 5 */
    double power;        /* 1 */
} gt_polynomial_lr_opts;
gt_schedule *gt_polynomial_lr_(gt_optimizer *o, gt_polynomial_lr_opts opts);
#define gt_polynomial_lr(...) GT_POLYNOMIAL_LR_(__VA_ARGS__, )
#define GT_POLYNOMIAL_LR_(o, ...)                                                                  \
    GT_SCHEDULE_AT(gt_polynomial_lr_(o, GT_OPTS(gt_polynomial_lr_opts, __VA_ARGS__)))

/* CosineAnnealingLR: from the initial rate to eta_min at epoch t_max along half a cosine, and, if
 * training goes on, up again. */
typedef struct {
    gt_keywords gt_;
    double eta_min; /* 0 */
    int64_t t_mult; /* 1; warm restarts only: each period is so many times as long as the last */
} gt_cosine_lr_opts;
gt_schedule *gt_cosine_annealing_lr_(gt_optimizer *o, int64_t t_max, gt_cosine_lr_opts opts);
/* gt_cosine_annealing_lr(o, 100, .eta_min = 1e-5) */
#define gt_cosine_annealing_lr(o, ...) GT_COSINE_ANNEALING_LR_(o, __VA_ARGS__, )
#define GT_COSINE_ANNEALING_LR_(o, t_max, ...)                                                     \
    GT_SCHEDULE_AT(gt_cosine_annealing_lr_(o, t_max, GT_OPTS(gt_cosine_lr_opts, __VA_ARGS__)))
/* CosineAnnealingWarmRestarts: begins anew after t_0 epochs, then after t_0 * t_mult, ... */
gt_schedule *gt_cosine_annealing_warm_restarts_(gt_optimizer *o, int64_t t_0,
                                                gt_cosine_lr_opts opts);
#define gt_cosine_annealing_warm_restarts(o, ...)                                                  \
    GT_COSINE_ANNEALING_WARM_RESTARTS_(o, __VA_ARGS__, )
#define GT_COSINE_ANNEALING_WARM_RESTARTS_(o, t_0, ...)                                            \
    GT_SCHEDULE_AT(                                                                                \
        gt_cosine_annealing_warm_restarts_(o, t_0, GT_OPTS(gt_cosine_lr_opts, __VA_ARGS__)))

/* OneCycleLR: from max_lr / div_factor up to max_lr in the first pct_start of total_steps, then
 * down to the first divided by final_div_factor; the optimizer's momentum (or betas[0]) moves the
 * other way. It sets what the schedules start from. */
typedef struct {
    gt_keywords gt_;
    double pct_start;        /* 0.3; in [0, 1] */
    double base_momentum;    /* 0.85 */
    double max_momentum;     /* 0.95 */
    double div_factor;       /* 25 */
    double final_div_factor; /* 1e4 */
    bool linear;             /* anneal_strategy = 'linear', instead of 'cos' */
    bool three_phase;        /* first back to the start, as long as up, and then to the end */
    bool no_cycle_momentum;  /* needed for optimizers without momentum */
} gt_one_cycle_lr_opts;
gt_schedule *gt_one_cycle_lr_(gt_optimizer *o, double max_lr, int64_t total_steps,
                              gt_one_cycle_lr_opts opts);
/* gt_one_cycle_lr(o, 0.1, epochs * steps_per_epoch) */
#define gt_one_cycle_lr(o, max_lr, ...) GT_ONE_CYCLE_LR_(o, max_lr, __VA_ARGS__, )
#define GT_ONE_CYCLE_LR_(o, max_lr, total_steps, ...)                                              \
    GT_SCHEDULE_AT(                                                                                \
        gt_one_cycle_lr_(o, max_lr, total_steps, GT_OPTS(gt_one_cycle_lr_opts, __VA_ARGS__)))

/* LambdaLR: times what f says for the epoch, from 0. */
typedef double (*gt_lr_fn)(int64_t epoch, void *user);
gt_schedule *gt_lambda_lr(gt_optimizer *o, gt_lr_fn f, void *user);
#define gt_lambda_lr(o, f, user) GT_SCHEDULE_AT(gt_lambda_lr(o, f, user))

/* ReduceLROnPlateau: times factor when the metric has not become better for more than `patience`
 * steps of gt_schedule_step_metric. */
typedef struct {
    gt_keywords gt_;
    bool max;         /* mode = 'max': more is better */
    double factor;    /* 0.1; below 1 */
    int64_t patience; /* 10; GT_ZERO: at once */
    double threshold; /* 1e-4: what counts as better, */
    bool abs;         /* threshold_mode = 'abs': by that much, instead of by that part */
    int64_t cooldown; /* 0; epochs after a reduction that do not count */
    double min_lr;    /* 0 */
    double eps;       /* 1e-8: a smaller change is not made */
} gt_plateau_opts;
gt_schedule *gt_reduce_lr_on_plateau_(gt_optimizer *o, gt_plateau_opts opts);
#define gt_reduce_lr_on_plateau(...) GT_REDUCE_LR_ON_PLATEAU_(__VA_ARGS__, )
#define GT_REDUCE_LR_ON_PLATEAU_(o, ...)                                                           \
    GT_SCHEDULE_AT(gt_reduce_lr_on_plateau_(o, GT_OPTS(gt_plateau_opts, __VA_ARGS__)))

/* ChainedScheduler: all of them at each step, one upon the other. SequentialLR: one after the
 * other, the next from each of the n - 1 rising milestones on, beginning at its own epoch 0. From
 * then on they belong to the whole, which is what is stepped. Not for ReduceLROnPlateau. Both lists
 * are copied.
 *
 *   gt_sequential_lr(GT_ARRAY(gt_schedule *, gt_linear_lr(o, .total_iters = 5),
 *                             gt_cosine_annealing_lr(o, 95)), 2, GT_ARRAY(int64_t, 5)); */
gt_schedule *gt_chained_lr(gt_schedule *const parts[], int n);
#define gt_chained_lr(...) GT_SCHEDULE_AT(gt_chained_lr(__VA_ARGS__))
gt_schedule *gt_sequential_lr(gt_schedule *const parts[], int n, const int64_t *milestones);
#define gt_sequential_lr(...) GT_SCHEDULE_AT(gt_sequential_lr(__VA_ARGS__))

GT_END_DECLS
#endif

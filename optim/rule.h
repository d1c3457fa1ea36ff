/* Between the optimizers' common part (optimizer.c) and their rules (sgd.c, adam.c, ...).
 *
 * A rule is a descriptor and one file: the struct that begins with a gt_optimizer and holds its
 * options, a constructor, and the numbers of its operation (ops/step.c). */
#ifndef GTI_OPTIM_RULE_H
#define GTI_OPTIM_RULE_H

#include <gradtape/ops.h>
#include <gradtape/schedule.h>

#include "slots.h"

/* One parameter's part in a step. */
typedef struct {
    int64_t step;            /* of this parameter, 1 at the first */
    bool fresh;              /* states were made for this step */
    double lr, weight_decay; /* of the parameter's group */
    double *product;         /* a number of the parameter's own, 1 before its first step */
} gti_update;

typedef struct {
    const char *name;                        /* "SGD" */
    size_t size;                             /* of the struct that begins with a gt_optimizer */
    const char *state[GTI_STATES];           /* PyTorch's names of the states */
    const char *product;                     /* name of the number, NULL: the rule has none */
    unsigned (*uses)(const gt_optimizer *o); /* states that the options need, a bit for each; NULL:
                                              * all that have a name */
    /* The operation that changes a parameter and the states it uses, in their order, by its
     * gradient; *s, in which lr, sign, decay and shrink stand as for a decay of weights that is
     * added to the gradient, gets the rule's numbers. */
    const gt_op *(*step)(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s);
} gti_rule;

/* A learning rate that schedules change: the optimizer's, or a group's own. */
typedef struct {
    double lr;
    double initial; /* what the schedules start from; NaN before there is one */
} gti_rate;

typedef struct {
    char *pattern; /* owned */
    bool own_rate; /* else its lr is the optimizer's times lr_scale */
    gti_rate rate;
    double lr_scale;
    double weight_decay;
} gti_group;

struct gt_optimizer {
    const gti_rule *rule;
    gti_slots slots;
    gti_rate rate;
    double weight_decay;
    bool maximize;
    double start;        /* value of new states */
    gt_tensor *numbers;  /* kept: a row of gt_step_numbers for each parameter */
    double *momentum;    /* within the rule's struct, for schedules: momentum or betas[0]; NULL: the
                          * rule has none */
    int64_t accumulated; /* micro-batches in the sums, */
    double accumulated_weight; /* and their weights added up */
    int64_t accumulation;      /* number of the present accumulation, from 1 */
    gti_group *groups;
    int n_groups;
    gt_schedule *schedules; /* made for it, linked by next */
    bool groups_checked;    /* each holds a parameter */
};

/* What all rules have among their options, with defaults put in, but for a weight_decay of 0. */
typedef struct {
    double lr, weight_decay;
    bool maximize;
} gti_common;

/* An optimizer for m, rule->size bytes, all zero behind the gt_optimizer, to be freed by m's
 * context. NULL after a failure, among them numbers in c that are negative or infinite. */
gt_optimizer *gti_optimizer_new(gt_module *m, const gti_rule *rule, gti_common c);
/* Whether an option is finite and not negative, or in [0, 1); otherwise fails. */
bool gti_optimizer_check(const gt_module *m, const gti_rule *rule, const char *option,
                         double value);
bool gti_optimizer_check_fraction(const gt_module *m, const gti_rule *rule, const char *option,
                                  double value);
/* Room for a number that the host works out anew for each call: an input, f64 [], of the operations
 * that read it. NULL after a failure. */
gt_tensor *gti_optimizer_number(gt_ctx *gt);
/* The weights' decay apart from the gradient. */
void gti_optimizer_decouple(const gti_update *u, gt_step_numbers *s);
gt_ctx *gti_optimizer_context(const gt_optimizer *o);
/* Whether o is there and was not freed; false also for NULL, and fails for what was freed. */
bool gti_optimizer_there(const gt_optimizer *o, const char *what);
/* Frees what is kept of the schedules of o, which is about to go (schedule.c). */
void gti_schedules_free(gt_optimizer *o);
/* Whether o is there and its context well; otherwise sets *status, and fails if o is NULL. */
bool gti_optimizer_ready(const gt_optimizer *o, const char *what, gt_status *status);
/* Completes the list of parameters and puts new ones into their groups. */
bool gti_optimizer_collect(gt_optimizer *o);
gt_status gti_accumulate_end(gt_optimizer *o);
/* Puts parameters [from, n) into their groups. */
void gti_groups_assign(gt_optimizer *o, int from);
/* Fails if a group holds nothing, unless lazy parameters are still to be made. */
bool gti_groups_check(gt_optimizer *o, const char *what);
void gti_groups_clear(gt_optimizer *o);
/* The rates, one behind the other: 0 is the optimizer's, the rest are groups' own; NULL behind the
 * last. */
gti_rate *gti_groups_rate(gt_optimizer *o, int i);

#endif

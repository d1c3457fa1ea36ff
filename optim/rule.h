/* Between the optimizers' common part (optimizer.c) and their rules (sgd.c, ...).
 *
 * A rule is a descriptor and one file: the struct that begins with a gt_optimizer and holds its
 * options, a constructor, and the update over flat arrays. */
#ifndef GTI_OPTIM_RULE_H
#define GTI_OPTIM_RULE_H

#include <gradtape/optim.h>

enum { GTI_RULE_STATES = 1 }; /* most state arrays that a rule has for each parameter */

/* One parameter's part in a step: flat arrays of n elements of its dtype. */
typedef struct {
    void *w;
    const void *grad;
    void *state[GTI_RULE_STATES]; /* zero before the parameter's first step */
    int64_t n;
    int64_t step; /* of this parameter, 1 at the first */
} gti_update;

typedef struct {
    const char *name; /* "SGD" */
    size_t size;      /* of the struct that begins with a gt_optimizer */
    int n_states;
    void (*update[2])(const gt_optimizer *o, const gti_update *u); /* f32, f64 */
} gti_rule;

typedef struct {
    gt_tensor *tensor;
    gt_tensor *state[GTI_RULE_STATES]; /* kept */
    int64_t step;                      /* steps done */
} gti_slot;

struct gt_optimizer {
    const gti_rule *rule;
    gt_module *module;
    double lr;
    uint64_t version; /* of the module, when slots was last complete */
    gti_slot *slots;  /* every parameter once, in the order in which they were met */
    int n_slots, capacity;
};

/* An optimizer for m, rule->size bytes, all zero behind the gt_optimizer, to be freed by m's
 * context. NULL after a failure. */
gt_optimizer *gti_optimizer_new(gt_module *m, const gti_rule *rule, double lr);
/* Whether an option is finite and not negative; otherwise fails. */
bool gti_optimizer_check(const gt_module *m, const gti_rule *rule, const char *option,
                         double value);

#endif

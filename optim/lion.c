/* Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"). */
#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2];
} lion;

static const gt_op *lion_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const lion *l = (const lion *)o;
    gti_optimizer_decouple(u, s);
    s->betas[0] = l->betas[0];
    s->betas[1] = l->betas[1];
    return &gt_op_lion_step;
}

static const gti_rule rule = {
    .name = "Lion",
    .size = sizeof(lion),
    .state = {"exp_avg"},
    .step = lion_step,
};

gt_optimizer *gt_lion_(gt_module *m, gt_lion_opts opts)
{
    const double betas[2] = {gt_option(opts.betas[0], 0.9), gt_option(opts.betas[1], 0.99)};
    if (!gti_optimizer_check_fraction(m, &rule, "betas[0]", betas[0]) ||
        !gti_optimizer_check_fraction(m, &rule, "betas[1]", betas[1]))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-4), opts.weight_decay, opts.maximize};
    lion *l = (lion *)gti_optimizer_new(m, &rule, common);
    if (!l) return NULL;
    l->base.momentum = &l->betas[0];
    l->betas[0] = betas[0];
    l->betas[1] = betas[1];
    return &l->base;
}

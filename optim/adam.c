/* Adam and AdamW, as torch.optim. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2], eps;
    bool amsgrad, decoupled;
} adam;

/* At step t the rate is lr / (1 - beta1^t), and v is divided by 1 - beta2^t. */
static const gt_op *adam_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const adam *a = (const adam *)o;
    const double t = (double)u->step;
    if (a->decoupled) gti_optimizer_decouple(u, s);
    s->lr = u->lr / (1 - pow(a->betas[0], t));
    s->root = 1 / sqrt(1 - pow(a->betas[1], t));
    s->betas[0] = a->betas[0];
    s->betas[1] = a->betas[1];
    s->eps = a->eps;
    return a->amsgrad ? &gt_op_adam_amsgrad_step : &gt_op_adam_step;
}

static unsigned adam_uses(const gt_optimizer *o)
{
    return ((const adam *)o)->amsgrad ? 7 : 3;
}

static const gti_rule adam_rule = {
    .name = "Adam",
    .size = sizeof(adam),
    .state = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .uses = adam_uses,
    .step = adam_step,
};
static const gti_rule adamw_rule = {
    .name = "AdamW",
    .size = sizeof(adam),
    .state = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .uses = adam_uses,
    .step = adam_step,
};

static gt_optimizer *adam_make(gt_module *m, const gti_rule *rule, const gt_adam_opts *opts,
                               double weight_decay)
{
    const double betas[2] = {gt_option(opts->betas[0], 0.9), gt_option(opts->betas[1], 0.999)};
    const double eps = gt_option(opts->eps, 1e-8);
    if (!gti_optimizer_check_fraction(m, rule, "betas[0]", betas[0]) ||
        !gti_optimizer_check_fraction(m, rule, "betas[1]", betas[1]) ||
        !gti_optimizer_check(m, rule, "eps", eps))
        return NULL;
    const gti_common common = {gt_option(opts->lr, 1e-3), weight_decay, opts->maximize};
    adam *a = (adam *)gti_optimizer_new(m, rule, common);
    if (!a) return NULL;
    a->base.momentum = &a->betas[0];
    a->betas[0] = betas[0];
    a->betas[1] = betas[1];
    a->eps = eps;
    a->amsgrad = opts->amsgrad;
    a->decoupled = rule == &adamw_rule || opts->decoupled_weight_decay;
    return &a->base;
}

gt_optimizer *gt_adam_(gt_module *m, gt_adam_opts opts)
{
    return adam_make(m, &adam_rule, &opts, opts.weight_decay);
}

gt_optimizer *gt_adamw_(gt_module *m, gt_adam_opts opts)
{
    return adam_make(m, &adamw_rule, &opts, gt_option(opts.weight_decay, 0.01));
}

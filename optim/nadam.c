/* NAdam, as torch.optim.NAdam. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2], eps, momentum_decay;
    bool decoupled;
} nadam;

/* mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2), the momentum at step t */
static double mu_at(const nadam *a, double t)
{
    return a->betas[0] * (1 - 0.5 * pow(0.96, t * a->momentum_decay));
}

/* With P the product of all mu up to t, the gradient's rate is lr * (1 - mu_t) / (1 - P) and that
 * of its average lr * mu_(t+1) / (1 - P * mu_(t+1)); v is divided by 1 - beta2^t. */
static const gt_op *nadam_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const nadam *a = (const nadam *)o;
    const double t = (double)u->step, mu = mu_at(a, t), next = mu_at(a, t + 1);
    if (a->decoupled) gti_optimizer_decouple(u, s);
    *u->product *= mu;
    s->of_g = u->lr * (1 - mu) / (1 - *u->product);
    s->lr = u->lr * next / (1 - *u->product * next);
    s->root = 1 / sqrt(1 - pow(a->betas[1], t));
    s->betas[0] = a->betas[0];
    s->betas[1] = a->betas[1];
    s->eps = a->eps;
    return &gt_op_nadam_step;
}

static const gti_rule rule = {
    .name = "NAdam",
    .size = sizeof(nadam),
    .state = {"exp_avg", "exp_avg_sq"},
    .product = "mu_product",
    .step = nadam_step,
};

gt_optimizer *gt_nadam_(gt_module *m, gt_nadam_opts opts)
{
    const double betas[2] = {gt_option(opts.betas[0], 0.9), gt_option(opts.betas[1], 0.999)};
    const double eps = gt_option(opts.eps, 1e-8), decay = gt_option(opts.momentum_decay, 4e-3);
    if (!gti_optimizer_check_fraction(m, &rule, "betas[0]", betas[0]) ||
        !gti_optimizer_check_fraction(m, &rule, "betas[1]", betas[1]) ||
        !gti_optimizer_check(m, &rule, "eps", eps) ||
        !gti_optimizer_check(m, &rule, "momentum_decay", decay))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 2e-3), opts.weight_decay, opts.maximize};
    nadam *a = (nadam *)gti_optimizer_new(m, &rule, common);
    if (!a) return NULL;
    a->base.momentum = &a->betas[0];
    a->betas[0] = betas[0];
    a->betas[1] = betas[1];
    a->eps = eps;
    a->momentum_decay = decay;
    a->decoupled = opts.decoupled_weight_decay;
    return &a->base;
}

/* RAdam, as torch.optim.RAdam. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2], eps;
    bool decoupled;
} radam;

/* The step's size at step t: lr / (1 - beta1^t), and, once the variance of the adaptive rate is
 * tractable (rho > 5), that times the rectification r and sqrt(1 - beta2^t); then the step divides
 * by sqrt(v) + eps. */
static double size_of(const radam *a, const gti_update *u, bool *adaptive)
{
    const double t = (double)u->step, power = pow(a->betas[1], t);
    const double most = 2 / (1 - a->betas[1]) - 1, rho = most - 2 * t * power / (1 - power);
    const double size = u->lr / (1 - pow(a->betas[0], t));
    *adaptive = rho > 5;
    if (!*adaptive) return size;
    const double r = (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho);
    return size * sqrt(r) * sqrt(1 - power);
}

static const gt_op *radam_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const radam *a = (const radam *)o;
    if (a->decoupled) gti_optimizer_decouple(u, s);
    bool adaptive;
    s->lr = size_of(a, u, &adaptive);
    s->adaptive = adaptive;
    s->betas[0] = a->betas[0];
    s->betas[1] = a->betas[1];
    s->eps = a->eps;
    return &gt_op_radam_step;
}

static const gti_rule rule = {
    .name = "RAdam",
    .size = sizeof(radam),
    .state = {"exp_avg", "exp_avg_sq"},
    .step = radam_step,
};

gt_optimizer *gt_radam_(gt_module *m, gt_radam_opts opts)
{
    const double betas[2] = {gt_option(opts.betas[0], 0.9), gt_option(opts.betas[1], 0.999)};
    const double eps = gt_option(opts.eps, 1e-8);
    if (!gti_optimizer_check_fraction(m, &rule, "betas[0]", betas[0]) ||
        !gti_optimizer_check_fraction(m, &rule, "betas[1]", betas[1]) ||
        !gti_optimizer_check(m, &rule, "eps", eps))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-3), opts.weight_decay, opts.maximize};
    radam *a = (radam *)gti_optimizer_new(m, &rule, common);
    if (!a) return NULL;
    a->base.momentum = &a->betas[0];
    a->betas[0] = betas[0];
    a->betas[1] = betas[1];
    a->eps = eps;
    a->decoupled = opts.decoupled_weight_decay;
    return &a->base;
}

/* RMSprop, as torch.optim.RMSprop. */
#include "rule.h"

typedef struct {
    gt_optimizer base;
    double alpha, eps, momentum;
    bool centered;
} rmsprop;

static const gt_op *rmsprop_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const rmsprop *r = (const rmsprop *)o;
    const bool gathers = r->momentum > 0;
    (void)u;
    s->betas[0] = r->momentum;
    s->betas[1] = r->alpha;
    s->eps = r->eps;
    if (r->centered)
        return gathers ? &gt_op_rmsprop_centered_momentum_step : &gt_op_rmsprop_centered_step;
    return gathers ? &gt_op_rmsprop_momentum_step : &gt_op_rmsprop_step;
}

static unsigned rmsprop_uses(const gt_optimizer *o)
{
    const rmsprop *r = (const rmsprop *)o;
    return 1U | (r->centered ? 2U : 0) | (r->momentum > 0 ? 4U : 0);
}

static const gti_rule rule = {
    .name = "RMSprop",
    .size = sizeof(rmsprop),
    .state = {"square_avg", "grad_avg", "momentum_buffer"},
    .uses = rmsprop_uses,
    .step = rmsprop_step,
};

gt_optimizer *gt_rmsprop_(gt_module *m, gt_rmsprop_opts opts)
{
    const double alpha = gt_option(opts.alpha, 0.99), eps = gt_option(opts.eps, 1e-8);
    const double momentum = gt_option(opts.momentum, 0);
    if (!gti_optimizer_check(m, &rule, "alpha", alpha) ||
        !gti_optimizer_check(m, &rule, "eps", eps) ||
        !gti_optimizer_check(m, &rule, "momentum", momentum))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-2), opts.weight_decay, opts.maximize};
    rmsprop *r = (rmsprop *)gti_optimizer_new(m, &rule, common);
    if (!r) return NULL;
    r->base.momentum = &r->momentum;
    r->alpha = alpha;
    r->eps = eps;
    r->momentum = momentum;
    r->centered = opts.centered;
    return &r->base;
}

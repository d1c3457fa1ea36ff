/* Stochastic gradient descent with momentum, as torch.optim.SGD. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double momentum, dampening;
    bool nesterov;
} sgd;

/* The average starts as the gradient. */
static const gt_op *sgd_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const sgd *rule = (const sgd *)o;
    if (!(rule->momentum > 0)) return &gt_op_sgd_step;
    s->betas[0] = rule->momentum;
    s->take = u->fresh ? 1.0 : 1.0 - rule->dampening;
    s->nesterov = rule->nesterov;
    return &gt_op_sgd_momentum_step;
}

static unsigned sgd_uses(const gt_optimizer *o)
{
    return ((const sgd *)o)->momentum > 0;
}

static const gti_rule rule = {
    .name = "SGD",
    .size = sizeof(sgd),
    .state = {"momentum_buffer"},
    .uses = sgd_uses,
    .step = sgd_step,
};

static bool sgd_check_options(const gt_module *m, const gt_sgd_opts *o)
{
    if (!gti_optimizer_check(m, &rule, "momentum", o->momentum)) return false;
    if (!isfinite(o->dampening))
        gt_fail(m->ctx, GT_ERR_ARGUMENT, rule.name, "dampening is %g, but must be finite",
                o->dampening);
    else if (o->nesterov && (o->momentum <= 0 || o->dampening != 0))
        gt_fail(m->ctx, GT_ERR_ARGUMENT, rule.name,
                "nesterov needs a momentum and no dampening, not momentum %g and dampening %g",
                o->momentum, o->dampening);
    return !gt_failed(m->ctx);
}

gt_optimizer *gt_sgd_(gt_module *m, gt_sgd_opts opts)
{
    opts.momentum = gt_option(opts.momentum, 0);
    opts.dampening = gt_option(opts.dampening, 0);
    if (!sgd_check_options(m, &opts)) return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-3), opts.weight_decay, opts.maximize};
    sgd *s = (sgd *)gti_optimizer_new(m, &rule, common);
    if (!s) return NULL;
    s->base.momentum = &s->momentum;
    s->momentum = opts.momentum;
    s->dampening = opts.dampening;
    s->nesterov = opts.nesterov;
    return &s->base;
}

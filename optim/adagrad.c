/* Adagrad, as torch.optim.Adagrad. */
#include "rule.h"

typedef struct {
    gt_optimizer base;
    double lr_decay, eps;
} adagrad;

/* At step t the rate is lr / (1 + (t - 1) * lr_decay). */
static const gt_op *adagrad_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const adagrad *a = (const adagrad *)o;
    s->lr = u->lr / (1 + (double)(u->step - 1) * a->lr_decay);
    s->eps = a->eps;
    return &gt_op_adagrad_step;
}

static const gti_rule rule = {
    .name = "Adagrad",
    .size = sizeof(adagrad),
    .state = {"sum"},
    .step = adagrad_step,
};

gt_optimizer *gt_adagrad_(gt_module *m, gt_adagrad_opts opts)
{
    const double eps = gt_option(opts.eps, 1e-10);
    opts.lr_decay = gt_option(opts.lr_decay, 0);
    opts.initial_accumulator_value = gt_option(opts.initial_accumulator_value, 0);
    if (!gti_optimizer_check(m, &rule, "lr_decay", opts.lr_decay) ||
        !gti_optimizer_check(m, &rule, "eps", eps) ||
        !gti_optimizer_check(m, &rule, "initial_accumulator_value", opts.initial_accumulator_value))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-2), opts.weight_decay, opts.maximize};
    adagrad *a = (adagrad *)gti_optimizer_new(m, &rule, common);
    if (!a) return NULL;
    a->base.start = opts.initial_accumulator_value;
    a->lr_decay = opts.lr_decay;
    a->eps = eps;
    return &a->base;
}

/* Adadelta, as torch.optim.Adadelta. */
#include "rule.h"

typedef struct {
    gt_optimizer base;
    double rho, eps;
} adadelta;

static const gt_op *adadelta_step(const gt_optimizer *o, const gti_update *u, gt_step_numbers *s)
{
    const adadelta *a = (const adadelta *)o;
    (void)u;
    s->betas[1] = a->rho;
    s->eps = a->eps;
    return &gt_op_adadelta_step;
}

static const gti_rule rule = {
    .name = "Adadelta",
    .size = sizeof(adadelta),
    .state = {"square_avg", "acc_delta"},
    .step = adadelta_step,
};

gt_optimizer *gt_adadelta_(gt_module *m, gt_adadelta_opts opts)
{
    const double rho = gt_option(opts.rho, 0.9), eps = gt_option(opts.eps, 1e-6);
    if (!gti_optimizer_check_fraction(m, &rule, "rho", rho) ||
        !gti_optimizer_check(m, &rule, "eps", eps))
        return NULL;
    const gti_common common = {gt_option(opts.lr, 1), opts.weight_decay, opts.maximize};
    adadelta *a = (adadelta *)gti_optimizer_new(m, &rule, common);
    if (!a) return NULL;
    a->rho = rho;
    a->eps = eps;
    return &a->base;
}

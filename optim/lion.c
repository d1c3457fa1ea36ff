/* Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"). */
#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2];
} lion;

/* c = beta1 * m + (1 - beta1) * g, w = (1 - lr * weight_decay) * w - lr * sign(c),
 * m = beta2 * m + (1 - beta2) * g, where sign(0) = 0. */
#define LION_UPDATE(T, name)                                                                       \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const lion *l = (const lion *)o;                                                           \
        T *restrict w = u->w, *restrict m = u->state[0];                                           \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, lr = (T)u->lr, shrink = (T)(1 - u->lr * u->weight_decay);       \
        const T beta1 = (T)l->betas[0], take1 = (T)(1 - l->betas[0]);                              \
        const T beta2 = (T)l->betas[1], take2 = (T)(1 - l->betas[1]);                              \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i], c = beta1 * m[i] + take1 * g;                              \
            w[i] = shrink * w[i] - lr * (T)((c > 0) - (c < 0));                                    \
            m[i] = beta2 * m[i] + take2 * g;                                                       \
        }                                                                                          \
    }

LION_UPDATE(float, update_f32)
LION_UPDATE(double, update_f64)

static const gti_rule rule = {
    .name = "Lion",
    .size = sizeof(lion),
    .state = {"exp_avg"},
    .update = {update_f32, update_f64},
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

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

/* What the step takes of the gradient and of its average. With P the product of all mu up to t, it
 * is w -= (lr * (1 - mu_t) / (1 - P) * g + lr * mu_(t+1) / (1 - P * mu_(t+1)) * m)
 *         / (sqrt(v / (1 - beta2^t)) + eps). */
typedef struct {
    double of_g, of_m, root;
} scales;

static scales scales_of(const nadam *a, const gti_update *u)
{
    const double t = (double)u->step, mu = mu_at(a, t), next = mu_at(a, t + 1);
    *u->product *= mu;
    return (scales){
        .of_g = u->lr * (1 - mu) / (1 - *u->product),
        .of_m = u->lr * next / (1 - *u->product * next),
        .root = 1 / sqrt(1 - pow(a->betas[1], t)),
    };
}

#define NADAM_UPDATE(T, SQRT, name)                                                                \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const nadam *a = (const nadam *)o;                                                         \
        const scales s = scales_of(a, u);                                                          \
        T *restrict w = u->w, *restrict m = u->state[0], *restrict v = u->state[1];                \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)(a->decoupled ? 0 : u->weight_decay);                \
        const T shrink = (T)(a->decoupled ? 1 - u->lr * u->weight_decay : 1), eps = (T)a->eps;     \
        const T beta1 = (T)a->betas[0], take1 = (T)(1 - a->betas[0]);                              \
        const T beta2 = (T)a->betas[1], take2 = (T)(1 - a->betas[1]), root = (T)s.root;            \
        const T of_g = (T)s.of_g, of_m = (T)s.of_m;                                                \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            m[i] = beta1 * m[i] + take1 * g;                                                       \
            v[i] = beta2 * v[i] + take2 * g * g;                                                   \
            w[i] = shrink * w[i] - (of_g * g + of_m * m[i]) / (root * SQRT(v[i]) + eps);           \
        }                                                                                          \
    }

NADAM_UPDATE(float, sqrtf, update_f32)
NADAM_UPDATE(double, sqrt, update_f64)

static const gti_rule rule = {
    .name = "NAdam",
    .size = sizeof(nadam),
    .state = {"exp_avg", "exp_avg_sq"},
    .product = "mu_product",
    .update = {update_f32, update_f64},
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

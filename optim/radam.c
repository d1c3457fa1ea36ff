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

#define RADAM_UPDATE(T, SQRT, name)                                                                \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const radam *a = (const radam *)o;                                                         \
        bool adaptive;                                                                             \
        const T size = (T)size_of(a, u, &adaptive);                                                \
        T *restrict w = u->w, *restrict m = u->state[0], *restrict v = u->state[1];                \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)(a->decoupled ? 0 : u->weight_decay);                \
        const T shrink = (T)(a->decoupled ? 1 - u->lr * u->weight_decay : 1), eps = (T)a->eps;     \
        const T beta1 = (T)a->betas[0], take1 = (T)(1 - a->betas[0]);                              \
        const T beta2 = (T)a->betas[1], take2 = (T)(1 - a->betas[1]);                              \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            m[i] = beta1 * m[i] + take1 * g;                                                       \
            v[i] = beta2 * v[i] + take2 * g * g;                                                   \
            const T by = adaptive ? SQRT(v[i]) + eps : 1;                                          \
            w[i] = shrink * w[i] - size * m[i] / by;                                               \
        }                                                                                          \
    }

RADAM_UPDATE(float, sqrtf, update_f32)
RADAM_UPDATE(double, sqrt, update_f64)

static const gti_rule rule = {
    .name = "RAdam",
    .size = sizeof(radam),
    .state = {"exp_avg", "exp_avg_sq"},
    .update = {update_f32, update_f64},
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

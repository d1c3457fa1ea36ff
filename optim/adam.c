/* Adam and AdamW, as torch.optim. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double betas[2], eps;
    bool amsgrad, decoupled;
} adam;

/* w's part in a step, for step t: w is multiplied by shrink, and moves by
 * size * m / (root * sqrt(v) + eps). */
typedef struct {
    double decay;  /* of weights, into the gradient */
    double shrink; /* 1 - lr * weight_decay when that is decoupled */
    double size;   /* lr / (1 - beta1^t) */
    double root;   /* 1 / sqrt(1 - beta2^t) */
} scales;

static scales scales_of(const adam *a, const gti_update *u)
{
    const double t = (double)u->step;
    return (scales){
        .decay = a->decoupled ? 0 : u->weight_decay,
        .shrink = a->decoupled ? 1 - u->lr * u->weight_decay : 1,
        .size = u->lr / (1 - pow(a->betas[0], t)),
        .root = 1 / sqrt(1 - pow(a->betas[1], t)),
    };
}

/* With g = grad + decay * w: m = beta1 * m + (1 - beta1) * g, v = beta2 * v + (1 - beta2) * g^2;
 * the step divides by sqrt(v), or with amsgrad by that of the largest v so far. The loop is inlined
 * for each value of amsgrad, so that it has no branch and becomes vector code. */
#define ADAM_UPDATE(T, SQRT, loop, name)                                                           \
    static inline void loop(const adam *a, const gti_update *u, bool amsgrad)                      \
    {                                                                                              \
        const scales s = scales_of(a, u);                                                          \
        T *restrict w = u->w, *restrict m = u->state[0], *restrict v = u->state[1];                \
        T *restrict top = u->state[2];                                                             \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)s.decay, shrink = (T)s.shrink, eps = (T)a->eps;      \
        const T beta1 = (T)a->betas[0], take1 = (T)(1 - a->betas[0]);                              \
        const T beta2 = (T)a->betas[1], take2 = (T)(1 - a->betas[1]);                              \
        const T size = (T)s.size, root = (T)s.root;                                                \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            m[i] = beta1 * m[i] + take1 * g;                                                       \
            v[i] = beta2 * v[i] + take2 * g * g;                                                   \
            T second = v[i];                                                                       \
            if (amsgrad) second = top[i] = second > top[i] ? second : top[i];                      \
            w[i] = shrink * w[i] - size * m[i] / (root * SQRT(second) + eps);                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const adam *a = (const adam *)o;                                                           \
        if (a->amsgrad) loop(a, u, true);                                                          \
        else loop(a, u, false);                                                                    \
    }

ADAM_UPDATE(float, sqrtf, loop_f32, update_f32)
ADAM_UPDATE(double, sqrt, loop_f64, update_f64)

static unsigned uses(const gt_optimizer *o)
{
    return ((const adam *)o)->amsgrad ? 7 : 3;
}

static const gti_rule adam_rule = {
    .name = "Adam",
    .size = sizeof(adam),
    .state = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .uses = uses,
    .update = {update_f32, update_f64},
};
static const gti_rule adamw_rule = {
    .name = "AdamW",
    .size = sizeof(adam),
    .state = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .uses = uses,
    .update = {update_f32, update_f64},
};

static gt_optimizer *make(gt_module *m, const gti_rule *rule, const gt_adam_opts *opts,
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
    return make(m, &adam_rule, &opts, opts.weight_decay);
}

gt_optimizer *gt_adamw_(gt_module *m, gt_adam_opts opts)
{
    return make(m, &adamw_rule, &opts, gt_option(opts.weight_decay, 0.01));
}

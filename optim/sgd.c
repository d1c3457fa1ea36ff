/* Stochastic gradient descent with momentum, as torch.optim.SGD. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double momentum, dampening, weight_decay;
    bool nesterov;
} sgd;

/* The two updates for one dtype. With g = grad + weight_decay * w, plain: w -= lr * g. With
 * momentum: b = momentum * b + (1 - dampening) * g, but b = g at first; then w -= lr * b, or,
 * looking ahead with nesterov, w -= lr * (g + momentum * b). */
#define SGD_UPDATES(T, plain, with_momentum)                                                       \
    static void plain(const gt_optimizer *o, const gti_update *u)                                  \
    {                                                                                              \
        T *restrict w = u->w;                                                                      \
        const T *restrict grad = u->grad;                                                          \
        const T lr = (T)o->lr, decay = (T)((const sgd *)o)->weight_decay;                          \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = decay > 0 ? grad[i] + decay * w[i] : grad[i];                              \
            w[i] -= lr * g;                                                                        \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void with_momentum(const gt_optimizer *o, const gti_update *u)                          \
    {                                                                                              \
        const sgd *s = (const sgd *)o;                                                             \
        T *restrict w = u->w, *restrict b = u->state[0];                                           \
        const T *restrict grad = u->grad;                                                          \
        const T lr = (T)o->lr, decay = (T)s->weight_decay, momentum = (T)s->momentum;              \
        const T take = (T)(u->step == 1 ? 1.0 : 1.0 - s->dampening);                               \
        const bool nesterov = s->nesterov;                                                         \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = decay > 0 ? grad[i] + decay * w[i] : grad[i];                              \
            b[i] = momentum * b[i] + take * g;                                                     \
            w[i] -= lr * (nesterov ? g + momentum * b[i] : b[i]);                                  \
        }                                                                                          \
    }

SGD_UPDATES(float, plain_f32, momentum_f32)
SGD_UPDATES(double, plain_f64, momentum_f64)

static const gti_rule plain_rule = {
    .name = "SGD",
    .size = sizeof(sgd),
    .update = {plain_f32, plain_f64},
};
static const gti_rule momentum_rule = {
    .name = "SGD",
    .size = sizeof(sgd),
    .n_states = 1,
    .update = {momentum_f32, momentum_f64},
};

static bool check_options(const gt_module *m, const gti_rule *rule, const gt_sgd_opts *o)
{
    if (!gti_optimizer_check(m, rule, "momentum", o->momentum)) return false;
    if (!gti_optimizer_check(m, rule, "weight_decay", o->weight_decay)) return false;
    if (!isfinite(o->dampening))
        gt_fail(m->ctx, GT_ERR_ARGUMENT, rule->name, "dampening is %g, but must be finite",
                o->dampening);
    else if (o->nesterov && (o->momentum <= 0 || o->dampening != 0))
        gt_fail(m->ctx, GT_ERR_ARGUMENT, rule->name,
                "nesterov needs a momentum and no dampening, not momentum %g and dampening %g",
                o->momentum, o->dampening);
    return !gt_failed(m->ctx);
}

gt_optimizer *gt_sgd_(gt_module *m, gt_sgd_opts opts)
{
    const gti_rule *rule = opts.momentum > 0 ? &momentum_rule : &plain_rule;
    if (!check_options(m, rule, &opts)) return NULL;
    sgd *s = (sgd *)gti_optimizer_new(m, rule, opts.lr != 0 ? opts.lr : 1e-3);
    if (!s) return NULL;
    s->momentum = opts.momentum;
    s->dampening = opts.dampening;
    s->weight_decay = opts.weight_decay;
    s->nesterov = opts.nesterov;
    return &s->base;
}

/* Stochastic gradient descent with momentum, as torch.optim.SGD. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double momentum, dampening;
    bool nesterov;
} sgd;

/* The two updates for one dtype. With g = grad + weight_decay * w, plain: w -= lr * g. With
 * momentum: b = momentum * b + (1 - dampening) * g, but b = g at first; then w -= lr * b, or,
 * looking ahead with nesterov, w -= lr * (g + momentum * b). */
#define SGD_UPDATES(T, plain, with_momentum)                                                       \
    static void plain(const gti_update *u)                                                         \
    {                                                                                              \
        T *restrict w = u->w;                                                                      \
        const T *restrict grad = u->grad;                                                          \
        const T lr = (T)u->lr, decay = (T)u->weight_decay, sign = (T)u->sign;                      \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            w[i] -= lr * g;                                                                        \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void with_momentum(const gt_optimizer *o, const gti_update *u)                          \
    {                                                                                              \
        const sgd *s = (const sgd *)o;                                                             \
        T *restrict w = u->w, *restrict b = u->state[0];                                           \
        const T *restrict grad = u->grad;                                                          \
        const T lr = (T)u->lr, decay = (T)u->weight_decay, sign = (T)u->sign;                      \
        const T momentum = (T)s->momentum, take = (T)(u->fresh ? 1.0 : 1.0 - s->dampening);        \
        const bool nesterov = s->nesterov;                                                         \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            b[i] = momentum * b[i] + take * g;                                                     \
            w[i] -= lr * (nesterov ? g + momentum * b[i] : b[i]);                                  \
        }                                                                                          \
    }

SGD_UPDATES(float, plain_f32, momentum_f32)
SGD_UPDATES(double, plain_f64, momentum_f64)

static void update_f32(const gt_optimizer *o, const gti_update *u)
{
    if (u->state[0]) momentum_f32(o, u);
    else plain_f32(u);
}

static void update_f64(const gt_optimizer *o, const gti_update *u)
{
    if (u->state[0]) momentum_f64(o, u);
    else plain_f64(u);
}

static unsigned uses(const gt_optimizer *o)
{
    return ((const sgd *)o)->momentum > 0;
}

static const gti_rule rule = {
    .name = "SGD",
    .size = sizeof(sgd),
    .state = {"momentum_buffer"},
    .uses = uses,
    .update = {update_f32, update_f64},
};

static bool check_options(const gt_module *m, const gt_sgd_opts *o)
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
    if (!check_options(m, &opts)) return NULL;
    const gti_common common = {gt_option(opts.lr, 1e-3), opts.weight_decay, opts.maximize};
    sgd *s = (sgd *)gti_optimizer_new(m, &rule, common);
    if (!s) return NULL;
    s->base.momentum = &s->momentum;
    s->momentum = opts.momentum;
    s->dampening = opts.dampening;
    s->nesterov = opts.nesterov;
    return &s->base;
}

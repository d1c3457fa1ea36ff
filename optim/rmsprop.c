/* RMSprop, as torch.optim.RMSprop. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double alpha, eps, momentum;
    bool centered;
} rmsprop;

/* With g = grad + weight_decay * w: s = alpha * s + (1 - alpha) * g^2; d = g / (sqrt(s) + eps).
 * With centered, a = alpha * a + (1 - alpha) * g, and s - a^2, which rounding must not take below
 * 0, stands under the root. Then w -= lr * d, or with momentum b = momentum * b + d and w -= lr *
 * b. The loop is inlined for each pair of options, so that it has no branch and becomes vector
 * code. */
#define RMSPROP_UPDATE(T, SQRT, loop, name)                                                        \
    static inline void loop(const rmsprop *r, const gti_update *u, bool centered, bool gathers)    \
    {                                                                                              \
        T *restrict w = u->w, *restrict s = u->state[0], *restrict a = u->state[1];                \
        T *restrict b = u->state[2];                                                               \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)u->weight_decay, lr = (T)u->lr, eps = (T)r->eps;     \
        const T alpha = (T)r->alpha, take = (T)(1 - r->alpha), momentum = (T)r->momentum;          \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            T second = s[i] = alpha * s[i] + take * g * g;                                         \
            if (centered) {                                                                        \
                a[i] += take * (g - a[i]);                                                         \
                const T variance = second - a[i] * a[i];                                           \
                second = variance < 0 ? 0 : variance;                                              \
            }                                                                                      \
            T d = g / (SQRT(second) + eps);                                                        \
            if (gathers) d = b[i] = momentum * b[i] + d;                                           \
            w[i] -= lr * d;                                                                        \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const rmsprop *r = (const rmsprop *)o;                                                     \
        if (r->centered && u->state[2]) loop(r, u, true, true);                                    \
        else if (r->centered) loop(r, u, true, false);                                             \
        else if (u->state[2]) loop(r, u, false, true);                                             \
        else loop(r, u, false, false);                                                             \
    }

RMSPROP_UPDATE(float, sqrtf, loop_f32, update_f32)
RMSPROP_UPDATE(double, sqrt, loop_f64, update_f64)

static unsigned uses(const gt_optimizer *o)
{
    const rmsprop *r = (const rmsprop *)o;
    return 1U | (r->centered ? 2U : 0) | (r->momentum > 0 ? 4U : 0);
}

static const gti_rule rule = {
    .name = "RMSprop",
    .size = sizeof(rmsprop),
    .state = {"square_avg", "grad_avg", "momentum_buffer"},
    .uses = uses,
    .update = {update_f32, update_f64},
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

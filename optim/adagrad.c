/* Adagrad, as torch.optim.Adagrad. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double lr_decay, eps;
} adagrad;

/* With g = grad + weight_decay * w at step t: s = s + g^2,
 * w -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps). */
#define ADAGRAD_UPDATE(T, SQRT, name)                                                              \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const adagrad *a = (const adagrad *)o;                                                     \
        T *restrict w = u->w, *restrict s = u->state[0];                                           \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)u->weight_decay, eps = (T)a->eps;                    \
        const T lr = (T)(u->lr / (1 + (double)(u->step - 1) * a->lr_decay));                       \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            s[i] += g * g;                                                                         \
            w[i] -= lr * g / (SQRT(s[i]) + eps);                                                   \
        }                                                                                          \
    }

ADAGRAD_UPDATE(float, sqrtf, update_f32)
ADAGRAD_UPDATE(double, sqrt, update_f64)

static const gti_rule rule = {
    .name = "Adagrad",
    .size = sizeof(adagrad),
    .state = {"sum"},
    .update = {update_f32, update_f64},
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

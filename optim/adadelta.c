/* Adadelta, as torch.optim.Adadelta. */
#include <math.h>

#include "rule.h"

typedef struct {
    gt_optimizer base;
    double rho, eps;
} adadelta;

/* With g = grad + weight_decay * w: s = rho * s + (1 - rho) * g^2,
 * d = sqrt(x + eps) / sqrt(s + eps) * g, x = rho * x + (1 - rho) * d^2, w -= lr * d. */
#define ADADELTA_UPDATE(T, SQRT, name)                                                             \
    static void name(const gt_optimizer *o, const gti_update *u)                                   \
    {                                                                                              \
        const adadelta *a = (const adadelta *)o;                                                   \
        T *restrict w = u->w, *restrict s = u->state[0], *restrict x = u->state[1];                \
        const T *restrict grad = u->grad;                                                          \
        const T sign = (T)u->sign, decay = (T)u->weight_decay, lr = (T)u->lr, eps = (T)a->eps;     \
        const T rho = (T)a->rho, take = (T)(1 - a->rho);                                           \
        for (int64_t i = 0; i < u->n; i++) {                                                       \
            const T g = sign * grad[i] + decay * w[i];                                             \
            s[i] = rho * s[i] + take * g * g;                                                      \
            const T d = SQRT(x[i] + eps) / SQRT(s[i] + eps) * g;                                   \
            x[i] = rho * x[i] + take * d * d;                                                      \
            w[i] -= lr * d;                                                                        \
        }                                                                                          \
    }

ADADELTA_UPDATE(float, sqrtf, update_f32)
ADADELTA_UPDATE(double, sqrt, update_f64)

static const gti_rule rule = {
    .name = "Adadelta",
    .size = sizeof(adadelta),
    .state = {"square_avg", "acc_delta"},
    .update = {update_f32, update_f64},
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

/* Clipping the gradients of a module's parameters, in place. */
#include <math.h>

#include <gradtape/nn.h>

/* Whether m is there and `value` is a number that is not negative; otherwise fails. */
static bool check(const gt_module *m, const char *what, const char *name, double value)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!m || gt_failed(m->ctx)) return false;
    if (value >= 0) return true;
    gt_fail(m->ctx, GT_ERR_ARGUMENT, what, "%s is %g, but must not be negative", name, value);
    return false;
}

/* --- by norm --- */

static double sum_absolute(const gt_tensor *g)
{
    double sum = 0;
    for (int64_t i = 0; i < g->size; i++) sum += fabs(gt_load_element(g, i));
    return sum;
}

/* Eight sums side by side become vector code. */
#define SUM_SQUARES(T, name)                                                                       \
    static double name(int64_t n, const T *x)                                                      \
    {                                                                                              \
        double part[8] = {0}, sum = 0;                                                             \
        int64_t i = 0;                                                                             \
        for (; i + 8 <= n; i += 8)                                                                 \
            for (int k = 0; k < 8; k++) part[k] += (double)x[i + k] * (double)x[i + k];            \
        for (; i < n; i++) sum += (double)x[i] * (double)x[i];                                     \
        for (int k = 0; k < 8; k++) sum += part[k];                                                \
        return sum;                                                                                \
    }
SUM_SQUARES(float, sum_squares_f32)
SUM_SQUARES(double, sum_squares_f64)

static double sum_squares(const gt_tensor *g)
{
    return g->dtype == GT_F32 ? sum_squares_f32(g->size, g->data)
                              : sum_squares_f64(g->size, g->data);
}

static double sum_powers(const gt_tensor *g, double p)
{
    double sum = 0;
    for (int64_t i = 0; i < g->size; i++) sum += pow(fabs(gt_load_element(g, i)), p);
    return sum;
}

/* A NaN stays. */
static double largest(const gt_tensor *g, double most)
{
    for (int64_t i = 0; i < g->size; i++) {
        const double x = fabs(gt_load_element(g, i));
        if (!(x <= most)) most = isnan(most) ? most : x;
    }
    return most;
}

/* (sum of |g|^p over all elements)^(1/p); for p = infinity the largest |g|. */
static double total_norm(const gt_module *m, double p)
{
    double sum = 0;
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it)) {
        const gt_tensor *g = it.tensor->grad;
        if (!g) continue;
        if (isinf(p)) sum = largest(g, sum);
        else if (p == 1) sum += sum_absolute(g);
        else if (p == 2) sum += sum_squares(g);
        else sum += sum_powers(g, p);
    }
    return isinf(p) || p == 1 ? sum : p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static void scale(gt_tensor *g, double factor)
{
    if (g->dtype == GT_F32)
        for (int64_t i = 0; i < g->size; i++) ((float *)g->data)[i] *= (float)factor;
    else
        for (int64_t i = 0; i < g->size; i++) ((double *)g->data)[i] *= factor;
    gt_touch(g);
}

double gt_clip_grad_norm_(gt_module *m, double max_norm, gt_clip_grad_norm_opts opts)
{
    static const char what[] = "gt_clip_grad_norm";
    const double p = gt_option(opts.norm_type, 2);
    if (!check(m, what, "max_norm", max_norm) || !check(m, what, "norm_type", p)) return NAN;
    if (p == 0) {
        gt_fail(m->ctx, GT_ERR_ARGUMENT, what, "norm_type is 0, but must be positive");
        return NAN;
    }
    const double total = total_norm(m, p);
    if (opts.error_if_nonfinite && !isfinite(total)) {
        gt_fail(m->ctx, GT_ERR_NUMERIC, what, "the norm of all gradients is %g", total);
        return NAN;
    }
    const double factor = max_norm / (total + 1e-6);
    gt_state_iter it = gt_module_parameters(m);
    while (!(factor >= 1) && gt_state_next(&it))
        if (it.tensor->grad) scale(it.tensor->grad, factor);
    return total;
}

/* --- by value --- */

static void clamp(gt_tensor *g, double bound)
{
    if (g->dtype == GT_F32) {
        float *x = g->data;
        const float most = (float)bound;
        for (int64_t i = 0; i < g->size; i++)
            x[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
    } else {
        double *x = g->data;
        for (int64_t i = 0; i < g->size; i++)
            x[i] = x[i] > bound ? bound : x[i] < -bound ? -bound : x[i];
    }
    gt_touch(g);
}

gt_status gt_clip_grad_value(gt_module *m, double bound)
{
    if (!check(m, "gt_clip_grad_value", "the bound", bound))
        return m ? gt_error_code(m->ctx) : GT_ERR_ARGUMENT;
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it))
        if (it.tensor->grad) clamp(it.tensor->grad, bound);
    return GT_OK;
}

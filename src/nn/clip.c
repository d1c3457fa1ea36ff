/* Clipping the gradients of a module's parameters, in place. */
#include <math.h>

#include <gradtape/nn.h>
#include <gradtape/ops.h>

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

/* (sum of |g|^p over all elements)^(1/p), f64 []; for p = infinity the largest |g|. */
static gt_tensor *total_norm(const gt_module *m, double p)
{
    gt_tensor *sum = gt_full_(m->ctx, GT_SCALAR, 0, (gt_new_opts){.dtype = GT_F64});
    gt_state_iter it = gt_module_parameters(m);
    while (sum && gt_state_next(&it)) {
        gt_tensor *const in[] = {sum, it.tensor->grad};
        if (!in[1]) continue;
        if (gt_apply_into(&gt_op_add_powers, &(gt_change_args){.p = p}, 2, in) != GT_OK)
            return NULL;
    }
    return isinf(p) || p == 1 ? sum : p == 2 ? gt_sqrt(sum) : gt_pow_scalar(sum, 1 / p);
}

static gt_status clip(const gt_module *m, double most, gt_tensor *norm)
{
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it)) {
        gt_tensor *const in[] = {it.tensor->grad, norm};
        if (!in[0]) continue;
        if (gt_apply_into(&gt_op_clip_norm, &(gt_change_args){.p = most}, 2, in) != GT_OK)
            return gt_error_code(m->ctx);
    }
    return GT_OK;
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
    gt_tensor *norm = total_norm(m, p);
    if (!norm) return NAN;
    const double total = gt_item(norm);
    if (opts.error_if_nonfinite && !isfinite(total)) {
        gt_fail(m->ctx, GT_ERR_NUMERIC, what, "the norm of all gradients is %g", total);
        return NAN;
    }
    return clip(m, max_norm, norm) == GT_OK ? total : NAN;
}

/* --- by value --- */

gt_status gt_clip_grad_value(gt_module *m, double bound)
{
    if (!check(m, "gt_clip_grad_value", "the bound", bound))
        return m ? gt_error_code(m->ctx) : GT_ERR_ARGUMENT;
    gt_state_iter it = gt_module_parameters(m);
    while (gt_state_next(&it))
        if (it.tensor->grad && gt_apply_into(&gt_op_limit, &(gt_change_args){.p = bound}, 1,
                                             &it.tensor->grad) != GT_OK)
            return gt_error_code(m->ctx);
    return GT_OK;
}

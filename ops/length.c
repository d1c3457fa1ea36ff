/* Norms for any p, and what is divided by them.
 *
 *   p = inf, -inf   the largest |x|, the smallest; several share the gradient
 *   p = 0           how many x are not 0; dx = 0
 *   other p         (sum |x|^p)^(1/p), dx = dy sign(x) (|x| / y)^(p - 1); 0 where y is 0 */
#include <math.h>

#include "reduction.h"

/* s^(1/p), without a gradient where s is 0 and that would be infinite. */
static gt_tensor *root_of_sum(gt_tensor *s, double p)
{
    gt_tensor *nothing = gt_eq_scalar(s, 0);
    gt_tensor *root = gt_pow_scalar(gt_masked_fill(s, nothing, 1), 1 / p);
    return gt_masked_fill(root, nothing, p > 0 ? 0 : INFINITY);
}

static gt_tensor *any_norm(gt_tensor *x, gt_norm_opts opts)
{
    const gt_reduce_opts over = {.axes = opts.axes, .keepdim = opts.keepdim};
    if (opts.p == GT_ZERO) return gt_sum_(gt_abs(gt_sign(x)), over);
    gt_tensor *size = gt_abs(x);
    if (isinf(opts.p)) return opts.p > 0 ? gt_amax_(size, over) : gt_amin_(size, over);
    return root_of_sum(gt_sum_(gt_pow_scalar(size, opts.p), over), opts.p);
}

gt_tensor *gt_norm_(gt_tensor *x, gt_norm_opts opts)
{
    const double p = opts.p;
    if (!x || p == 0 || p == 1 || p == 2)
        return gt_apply(&gt_op_norm, &opts, 1, (gt_tensor *[]){x});
    static const gt_op_info info = {.name = "norm", .attrs = &gt_op_norm.attrs};
    gt_norm_opts all = opts;
    if (!gt_complete(x->ctx, info.name, info.attrs, &all)) return NULL;
    gt_call *call = gt_call_begin(x, &info, &all, sizeof all);
    return gt_call_end(call, any_norm(x, opts));
}

/* --- divided by a norm --- */

#define LENGTH_AXIS(type)                                                                          \
    {                                                                                              \
        GT_OPTION("axis", type, axis), .otherwise = 1, .meaning = "GT_ZERO for axis 0"             \
    }
#define LENGTH_EPS(type, usual)                                                                    \
    {                                                                                              \
        GT_OPTION("eps", type, eps), .otherwise = (usual), .bounds = GT_NOT_NEGATIVE,              \
                                     .meaning = "norms are at least this"                          \
    }
static const gt_attr normalize_attrs[] = {
    {GT_OPTION("p", gt_length_opts, p), .otherwise = 2, .bounds = GT_NO_NAN,
     .meaning = "of the norm"},
    LENGTH_AXIS(gt_length_opts),
    LENGTH_EPS(gt_length_opts, 1e-12),
};
const gt_attrs gt_attrs_normalize = GT_ATTRS(normalize_attrs);
static const gt_attr cosine_similarity_attrs[] = {
    LENGTH_AXIS(gt_cosine_similarity_opts),
    LENGTH_EPS(gt_cosine_similarity_opts, 1e-8),
};
const gt_attrs gt_attrs_cosine_similarity = GT_ATTRS(cosine_similarity_attrs);

static gt_tensor *length_along(gt_tensor *x, double p, int axis, bool keepdim, double eps)
{
    const gt_norm_opts opts = {.axes = GT_AXIS(axis), .keepdim = keepdim, .p = GT_EXACTLY(p)};
    return gt_clamp(gt_norm_(x, opts), eps, INFINITY);
}

gt_tensor *gti_compose_normalize(gt_tensor *x, gt_length_opts opts)
{
    return gt_div(x, length_along(x, opts.p, opts.axis, true, opts.eps));
}

gt_tensor *gti_compose_cosine_similarity(gt_tensor *a, gt_tensor *b, gt_cosine_similarity_opts opts)
{
    const int axis = opts.axis;
    const gt_reduce_opts over = {.axes = GT_AXIS(axis)};
    gt_tensor *both = gt_mul(a, b);
    if (!both) return NULL;
    a = gt_broadcast_to(a, both->shape), b = gt_broadcast_to(b, both->shape);
    gt_tensor *of_a = length_along(a, 2, axis, false, opts.eps);
    gt_tensor *of_b = length_along(b, 2, axis, false, opts.eps);
    return gt_div(gt_sum_(both, over), gt_mul(of_a, of_b));
}

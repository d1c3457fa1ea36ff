/* Smooth activations, and those that are smooth but for a kink at 0: the rows are at the end, the
 * formulas and first derivatives in kernels/function.def. A bend makes gg phi'(v), phi being the
 * derivative as a function of v. s is sigmoid(x), and s' = s (1 - s). */
#include <math.h>

#include "function.h"

enum { FUNCTION_COST = 10 }; /* most have an exponential */

static gt_tensor *bend_tanh(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = 1 - y^2 */
    (void)p;
    return gt_mul_scalar(gt_mul(gg, v), -2);
}

/* gg s'(x) = gg s(x) s(-x), which keeps its digits in both tails */
static gt_tensor *sigmoid_slope(gt_tensor *gg, gt_tensor *x)
{
    return gt_mul(gt_mul(gg, gt_sigmoid(x)), gt_sigmoid(gt_neg(x)));
}

/* x (1 - 2 s) */
static gt_tensor *times_one_minus_2s(gt_tensor *x, gt_tensor *s)
{
    return gt_mul(x, gt_add_scalar(gt_mul_scalar(s, -2), 1));
}

static gt_tensor *bend_sigmoid(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = y (1 - y), phi' = 1 - 2 y */
    (void)p;
    return times_one_minus_2s(gg, v);
}

static gt_tensor *bend_log_sigmoid(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = s(-x), phi' = -s' */
    (void)p;
    return gt_neg(sigmoid_slope(gg, v));
}

static gt_tensor *bend_elu(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = alpha e^x for x <= 0, else 1; phi' = phi for x < 0, else 0 */
    return gt_where(gt_lt_scalar(v, 0), gt_elu_grad(gg, v, p[0], p[1]),
                    gti_function_constant(v, 0));
}

static gt_tensor *bend_selu(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* as elu's */
    return gt_where(gt_lt_scalar(v, 0), gt_selu_grad(gg, v, p[0], p[1]),
                    gti_function_constant(v, 0));
}

static gt_tensor *bend_gelu_erf(gt_tensor *gg, gt_tensor *v)
{
    /* phi = F + x F', phi' = (2 - x^2) F', F' = e^(-x^2 / 2) / sqrt(2 pi) */
    const double by_root_2pi = 0.39894228040143267794;
    gt_tensor *x2 = gt_square(gti_function_not_far(v));
    gt_tensor *density = gt_mul_scalar(gt_exp(gt_mul_scalar(x2, -0.5)), by_root_2pi);
    return gt_mul(gg, gt_mul(density, gt_rsub_scalar(x2, 2)));
}

static gt_tensor *bend_gelu_tanh(gt_tensor *gg, gt_tensor *v)
{
    /* y = x s(w), w = k (x + c x^3): phi' = s' (2 w' + x ((1 - 2 s) w'^2 + w'')) */
    const double k = 1.59576912160573071176, c = 0.044715;
    gt_tensor *x = gti_function_not_far(v), *x2 = gt_square(x);
    gt_tensor *w = gt_mul(x, gt_add_scalar(gt_mul_scalar(x2, k * c), k));
    gt_tensor *dw = gt_add_scalar(gt_mul_scalar(x2, 3 * k * c), k);
    gt_tensor *ddw = gt_mul_scalar(x, 6 * k * c);
    gt_tensor *inner = gt_add(times_one_minus_2s(gt_square(dw), gt_sigmoid(w)), ddw);
    gt_tensor *sum = gt_add(gt_mul_scalar(dw, 2), gt_mul(x, inner));
    return gt_mul(sigmoid_slope(gg, w), sum);
}

static gt_tensor *bend_gelu(gt_tensor *gg, gt_tensor *v, const double *p)
{
    return p[0] != 0 ? bend_gelu_tanh(gg, v) : bend_gelu_erf(gg, v);
}

static gt_tensor *bend_silu(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi = s + x s', phi' = s' (2 + x (1 - 2 s)) */
    (void)p;
    gt_tensor *x = gti_function_not_far(v);
    gt_tensor *sum = gt_add_scalar(times_one_minus_2s(x, gt_sigmoid(x)), 2);
    return gt_mul(sigmoid_slope(gg, x), sum);
}

static gt_tensor *bend_mish(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* t = tanh(l), l = softplus(x), t' = (1 - t^2) s, t'' = t' (1 - s - 2 t s);
     * phi = t + x t', phi' = t' (2 + x (1 - s - 2 t s)); 1 - t^2 = 4 s'(2 l) keeps its digits */
    (void)p;
    gt_tensor *x = gti_function_not_far(v), *s = gt_sigmoid(x);
    gt_tensor *l = gt_softplus_(x, (gt_softplus_opts){.threshold = 1000});
    gt_tensor *dt = gt_mul_scalar(gt_mul(sigmoid_slope(gg, gt_mul_scalar(l, 2)), s), 4);
    gt_tensor *twice = gt_add_scalar(gt_mul_scalar(gt_tanh(l), 2), 1);
    gt_tensor *factor = gt_rsub_scalar(gt_mul(s, twice), 1);
    return gt_mul(dt, gt_add_scalar(gt_mul(x, factor), 2));
}

static gt_tensor *bend_softplus(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi = s(beta x), phi' = beta s'(beta x) below the threshold, else 0 */
    gt_tensor *x = gt_mul_scalar(v, p[0]);
    gt_tensor *slope = gt_mul_scalar(sigmoid_slope(gg, x), p[0]);
    return gt_where(gt_ge_scalar(x, p[1]), gti_function_constant(v, 0), slope);
}

/* --- attributes --- */

static const gt_attr elu_attrs[] = {
    {GT_OPTION("alpha", gt_elu_opts, alpha), .otherwise = 1, .bounds = GT_FINITE,
     .meaning = "what x goes to, negated, far below 0"},
};

static const gt_attr gelu_attrs[] = {
    {GT_OPTION("tanh_approximation", gt_gelu_opts, tanh_approximation),
     .meaning = "x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2"},
};

static const gt_attr softplus_attrs[] = {
    {GT_OPTION("beta", gt_softplus_opts, beta), .otherwise = 1,
     .bounds = GT_BOUNDS(-DBL_MAX, DBL_MAX, GT_NOT_ZERO), .meaning = "how sharp the bend is"},
    {GT_OPTION("threshold", gt_softplus_opts, threshold), .otherwise = 20, .bounds = GT_NO_NAN,
     .meaning = "beta x above which the result is x"},
};

/* --- samples --- */

#define ELU(a) (&(const gt_elu_opts){.alpha = (a)})
#define GELU(approximated) (&(const gt_gelu_opts){.tanh_approximation = (approximated)})
#define SOFTPLUS(b, t) (&(const gt_softplus_opts){.beta = (b), .threshold = (t)})
static const double far_values[] = {-1e3, -30, -4, -1e-30, 1e-310, 1e-30, 4, 30, 1e3};
static const double at_0[] = {-1, 0, 1};

/* Of the functions whose derivative is made of y, which for larger x is near a constant. */
static const double flat_values[] = {-1e3, -1e-30, 1e-310, 1e-3, 1e3};
static const gt_sample flat[] = {
    GTI_FUNCTION_SAMPLES(-2, 2, NULL),
    GTI_FUNCTION_AT("tiny and large values", flat_values, NULL),
};
static const gt_sample flat_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-1, 1, NULL)};

static const gt_sample smooth[] = {
    GTI_FUNCTION_SAMPLES(-3, 3, NULL),
    GTI_FUNCTION_AT("tiny and large values", far_values, NULL),
};
static const gt_sample smooth_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-3, 3, NULL)};

static const double beside_0[] = {-1e3, -30, -4, -1e-3, 1e-3, 4, 30, 1e3};
static const gt_sample selus[] = {
    GTI_FUNCTION_SAMPLES(-3, 3, NULL),
    GTI_FUNCTION_AT("large values", beside_0, NULL),
    GTI_FUNCTION_KINKS(at_0, NULL),
};
static const gt_sample selus_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-3, 3, NULL)};

static const gt_sample elus[] = {
    GTI_FUNCTION_SAMPLES(-3, 3, ELU(1)),
    GTI_FUNCTION_AT("large values", beside_0, ELU(1)),
    GTI_FUNCTION_AT("alpha = 0.3", beside_0, ELU(0.3)),
    GTI_FUNCTION_AT("alpha = 0", beside_0, ELU(GT_ZERO)),
    GTI_FUNCTION_AT("alpha = -2", beside_0, ELU(-2)),
    GTI_FUNCTION_KINKS(at_0, ELU(0.3)),
};
static const gt_sample elus_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(-3, 3, ELU(1)),
    {.label = "alpha = 0.3", .in = GT_INPUTS(GT_IN(5), GT_IN(5)), .opts = ELU(0.3)},
};

static const gt_sample gelus[] = {
    GTI_FUNCTION_SAMPLES(-3, 3, GELU(false)),
    GTI_FUNCTION_AT("tiny and large values", far_values, GELU(false)),
    {.label = "tanh", .in = GT_INPUTS(GT_IN_RANGE(-3, 3, 17)), .opts = GELU(true)},
    GTI_FUNCTION_AT("tanh, tiny and large values", far_values, GELU(true)),
};
static const gt_sample gelus_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(-3, 3, GELU(false)),
    {.label = "tanh", .in = GT_INPUTS(GT_IN(9), GT_IN_RANGE(-3, 3, 9)), .opts = GELU(true)},
};

static const double around_20[] = {-1e3, -30, 1e-310, 19.9, 20.1, 1e3};
static const gt_sample softpluses[] = {
    GTI_FUNCTION_SAMPLES(-3, 3, SOFTPLUS(1, 20)),
    GTI_FUNCTION_AT("tiny and large values", far_values, SOFTPLUS(1, 20)),
    GTI_FUNCTION_AT("around the threshold", around_20, SOFTPLUS(1, 20)),
    GTI_FUNCTION_AT("beta = 2.5", far_values, SOFTPLUS(2.5, 20)),
    GTI_FUNCTION_AT("beta = -0.5", far_values, SOFTPLUS(-0.5, 20)),
    GTI_FUNCTION_AT("threshold = 1000", far_values, SOFTPLUS(3, 1000)),
    {.label = "threshold = 1", .in = GT_INPUTS(GT_IN_RANGE(-2, 4, 9)), .opts = SOFTPLUS(1.5, 1)},
};
static const gt_sample softpluses_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(-3, 3, SOFTPLUS(1, 20)),
    {.label = "threshold = 1",
     .in = GT_INPUTS(GT_IN(9), GT_IN_RANGE(-2, 4, 9)),
     .opts = SOFTPLUS(1.5, 1)},
};

static const gt_error_sample softplus_errors[] = {
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .opts = SOFTPLUS(1, 20),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "beta is 0",
     .in = GT_INPUTS(GT_IN(3)),
     .opts = SOFTPLUS(GT_ZERO, 20),
     .code = GT_ERR_ARGUMENT,
     .message = "beta is 0, must be finite and not 0"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     .opts = SOFTPLUS(1, 20),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};

// clang-format off
GTI_FUNCTION_PLAIN(tanh, "dx = dy (1 - y^2)", bend_tanh, flat)
GTI_FUNCTION_PLAIN(sigmoid, "dx = dy y (1 - y)", bend_sigmoid, flat)
GTI_FUNCTION_PLAIN(log_sigmoid, "dx = dy sigmoid(-x)", bend_log_sigmoid, smooth)
GTI_FUNCTION_PLAIN(selu, "dx = dy scale where x > 0, else dy scale alpha e^x", bend_selu, selus)
GTI_FUNCTION_PLAIN(silu, "dx = dy s (1 + x (1 - s)), s = sigmoid(x)", bend_silu, smooth)
GTI_FUNCTION_PLAIN(mish, "dx = dy (t + x (1 - t^2) sigmoid(x)), t = tanh(softplus(x))", bend_mish, smooth)
GTI_FUNCTION_WITH(elu, "dx = dy where x > 0, else dy alpha e^x", gti_function_infer, bend_elu, elus, gti_function_errors)
GTI_FUNCTION_WITH(gelu, "dx = dy (F(x) + x F'(x)), or that of the approximation", gti_function_infer, bend_gelu, gelus, gti_function_errors)
GTI_FUNCTION_WITH(softplus, "dx = dy sigmoid(beta x), dy where beta x > threshold", gti_function_infer, bend_softplus, softpluses, softplus_errors)
// clang-format on

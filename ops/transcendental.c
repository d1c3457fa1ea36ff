/* Powers, exponentials, logarithms and the trigonometric functions: the rows are at the end, the
 * formulas and first derivatives in kernels/function.def. A bend makes gg phi'(v), phi being the
 * derivative as a function of v. */
#include "function.h"

enum { FUNCTION_COST = 10 }; /* most have an exponential */

static gt_tensor *bend_exp(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = y */
    (void)v, (void)p;
    return gg;
}

static gt_tensor *bend_expm1(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = e^x = phi'(x) */
    return gt_expm1_grad(gg, v, p[0], p[1]);
}

static gt_tensor *bend_log(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = 1 / x, phi' = -1 / x / x: x^2 may overflow or vanish */
    return gt_neg(gt_log_grad(gt_log_grad(gg, v, p[0], p[1]), v, p[0], p[1]));
}

static gt_tensor *bend_log1p(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = 1 / (1 + x), phi' = -1 / (1 + x) / (1 + x) */
    return gt_neg(gt_log1p_grad(gt_log1p_grad(gg, v, p[0], p[1]), v, p[0], p[1]));
}

static gt_tensor *bend_sqrt(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = 1 / (2 y) */
    return gt_mul_scalar(bend_log(gg, v, p), 0.5);
}

static gt_tensor *bend_rsqrt(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = -y^3 / 2, phi' = -3/2 y^2 */
    (void)p;
    return gt_mul_scalar(gt_mul(gt_mul(gg, v), v), -1.5);
}

static gt_tensor *bend_reciprocal(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(y) = -y^2, phi' = -2 y */
    (void)p;
    return gt_mul_scalar(gt_mul(gg, v), -2);
}

typedef struct {
    gt_keywords gt_;
    double p;
} power_opts;
static const gt_attr pow_scalar_attrs[] = {
    {GT_ARGUMENT("p", power_opts, p), .meaning = "the power"},
};

static gt_tensor *bend_pow_scalar(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = p x^(p-1): p times the derivative of another power */
    if (p[0] == 0) return gt_zeros_like(v);
    return gt_mul_scalar(gt_pow_scalar_grad(gg, v, p[0] - 1, 0), p[0]);
}

static gt_tensor *bend_sin(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = cos x */
    return gt_cos_grad(gg, v, p[0], p[1]);
}

static gt_tensor *bend_cos(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = -sin x */
    return gt_neg(gt_sin_grad(gg, v, p[0], p[1]));
}

static gt_tensor *bend_erf(gt_tensor *gg, gt_tensor *v, const double *p)
{
    /* phi(x) = 2 / sqrt(pi) e^(-x^2), phi' = -2 x phi */
    gt_tensor *slope = gt_erf_grad(gg, v, p[0], p[1]);
    return gt_mul_scalar(gt_mul(slope, gti_function_not_far(v)), -2);
}

/* --- samples --- */

static const double far_values[] = {-1e3, -30, -1e-30, 1e-310, 1e-30, 30, 1e3};
static const gt_sample real[] = {
    GTI_FUNCTION_SAMPLES(-2, 2, NULL),
    GTI_FUNCTION_AT("tiny and large values", far_values, NULL),
};
static const gt_sample real_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-2, 2, NULL)};

static const double below_10[] = {-1e3, -30, -1e-30, 1e-310, 1e-30, 3, 10};
static const gt_sample growing[] = {
    GTI_FUNCTION_SAMPLES(-2, 2, NULL),
    GTI_FUNCTION_AT("tiny and large values", below_10, NULL),
};
static const gt_sample growing_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-2, 2, NULL)};

static const double above_0[] = {0.01, 0.3, 10, 1e3, 1e6};
static const gt_sample positive[] = {
    GTI_FUNCTION_SAMPLES(0.5, 3, NULL),
    GTI_FUNCTION_AT("small and large values", above_0, NULL),
};
static const gt_sample positive_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(0.5, 3, NULL)};

static const double above_minus_1[] = {-0.99, -1e-30, 1e-310, 1e-30, 10, 1e6};
static const gt_sample shifted[] = {
    GTI_FUNCTION_SAMPLES(-0.5, 2, NULL),
    GTI_FUNCTION_AT("tiny and large values", above_minus_1, NULL),
};
static const gt_sample shifted_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(-0.5, 2, NULL)};

static const double not_0[] = {-1e6, -10, -0.3, -0.01, 0.01, 0.3, 10, 1e6};
static const gt_sample nonzero[] = {
    GTI_FUNCTION_SAMPLES(-3, -0.5, NULL),
    GTI_FUNCTION_AT("both signs", not_0, NULL),
};
static const gt_sample nonzero_grad[] = {GTI_FUNCTION_GRAD_SAMPLES(0.5, 3, NULL)};

#define POWER(number) (&(const power_opts){.p = (number)})
static const gt_sample powers[] = {
    GTI_FUNCTION_SAMPLES(0.5, 2, POWER(2.5)),
    {.label = "p = 3", .in = GT_INPUTS(GT_IN(2, 3)), .opts = POWER(3)},
    {.label = "p = 2", .in = GT_INPUTS(GT_IN(2, 3)), .opts = POWER(2)},
    {.label = "p = 1", .in = GT_INPUTS(GT_IN(2, 3)), .opts = POWER(1)},
    {.label = "p = 0", .in = GT_INPUTS(GT_IN(2, 3)), .opts = POWER(0)},
    {.label = "p = 4", .in = GT_INPUTS(GT_IN(2, 3)), .opts = POWER(4)},
    {.label = "p = 1/2", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 5)), .opts = POWER(0.5)},
    {.label = "p = -1/2", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 5)), .opts = POWER(-0.5)},
    {.label = "p = 3/2", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 5)), .opts = POWER(1.5)},
    {.label = "p = -1", .in = GT_INPUTS(GT_IN_RANGE(-2, -0.5, 5)), .opts = POWER(-1)},
    {.label = "p = -2", .in = GT_INPUTS(GT_IN_RANGE(-2, -0.5, 5)), .opts = POWER(-2)},
    {.label = "p that f32 rounds", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 5)), .opts = POWER(0.1)},
    {.label = "at 0, p = 3",
     .in = GT_INPUTS({.shape = GT_DIMS(1), .values = (const double[]){0}}),
     .opts = POWER(3)},
    GTI_FUNCTION_AT("small and large values", above_0, POWER(1.75)),
};
static const gt_sample powers_grad[] = {
    GTI_FUNCTION_GRAD_SAMPLES(0.5, 2, POWER(2.5)),
    {.label = "p = 2", .in = GT_INPUTS(GT_IN(3), GT_IN(3)), .opts = POWER(2)},
    {.label = "p = 1", .in = GT_INPUTS(GT_IN(3), GT_IN(3)), .opts = POWER(1)},
    {.label = "p = 0", .in = GT_INPUTS(GT_IN(3), GT_IN(3)), .opts = POWER(0)},
    {.label = "p = -1", .in = GT_INPUTS(GT_IN(3), GT_IN_RANGE(0.5, 2, 3)), .opts = POWER(-1)},
};

// clang-format off
GTI_FUNCTION_PLAIN(exp, "dx = dy y", bend_exp, growing)
GTI_FUNCTION_PLAIN(expm1, "dx = dy e^x", bend_expm1, growing)
GTI_FUNCTION_PLAIN(log, "dx = dy / x", bend_log, positive)
GTI_FUNCTION_PLAIN(log1p, "dx = dy / (1 + x)", bend_log1p, shifted)
GTI_FUNCTION_PLAIN(sqrt, "dx = dy / (2 y)", bend_sqrt, positive)
GTI_FUNCTION_PLAIN(rsqrt, "dx = -dy y^3 / 2", bend_rsqrt, positive)
GTI_FUNCTION_PLAIN(reciprocal, "dx = -dy y^2", bend_reciprocal, nonzero)
GTI_FUNCTION_PLAIN(sin, "dx = dy cos x", bend_sin, real)
GTI_FUNCTION_PLAIN(cos, "dx = -dy sin x", bend_cos, real)
GTI_FUNCTION_PLAIN(erf, "dx = dy 2 / sqrt(pi) e^(-x^2)", bend_erf, real)
GTI_FUNCTION_OP(pow_scalar, "dx = dy p x^(p-1)", GTI_PARAMETERS(power_opts, pow_scalar_attrs), gti_function_infer, bend_pow_scalar, powers, gti_function_errors)
// clang-format on

gt_tensor *gt_pow_scalar(gt_tensor *x, double p)
{
    return gt_apply(&gt_op_pow_scalar, &(power_opts){.p = p}, 1, (gt_tensor *[]){x});
}

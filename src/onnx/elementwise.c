/* Operators that compute each element by itself. */
#include <math.h>
#include <string.h>

#include "onnx/op.h"

/* --- many inputs --- */

static gt_tensor *fold(gti_onnx_call *c, gt_tensor *(*binary)(gt_tensor *, gt_tensor *))
{
    gt_tensor *y = gti_call_real(c->in[0]);
    for (int i = 1; i < c->n_in; i++) y = binary(y, gti_call_real(gti_call_in(c, i)));
    return y;
}

static gt_tensor *run_sum(gti_onnx_call *c)
{
    return gti_call_back(fold(c, gt_add), c->in[0]);
}

static gt_tensor *run_mean(gti_onnx_call *c)
{
    return gt_mul_scalar(fold(c, gt_add), 1.0 / c->n_in);
}

static gt_tensor *run_max(gti_onnx_call *c)
{
    return gti_call_back(fold(c, gt_maximum), c->in[0]);
}

static gt_tensor *run_min(gti_onnx_call *c)
{
    return gti_call_back(fold(c, gt_minimum), c->in[0]);
}

/* --- composed functions --- */

static gt_tensor *ceiling(gt_tensor *x)
{
    return gt_neg(gt_floor(gt_neg(x)));
}

static gt_tensor *tangent(gt_tensor *x)
{
    return gt_div(gt_sin(x), gt_cos(x));
}

/* (e^x - 1 + 1 - e^-x) / 2: exact also for small x */
static gt_tensor *hyperbolic_sine(gt_tensor *x)
{
    return gt_mul_scalar(gt_sub(gt_expm1(x), gt_expm1(gt_neg(x))), 0.5);
}

static gt_tensor *hyperbolic_cosine(gt_tensor *x)
{
    return gt_mul_scalar(gt_add(gt_exp(x), gt_exp(gt_neg(x))), 0.5);
}

/* sign(x) log1p(|x| + x^2 / (1 + sqrt(1 + x^2))) */
static gt_tensor *asinh_of(gt_tensor *x)
{
    gt_tensor *s = gt_square(x), *root = gt_sqrt(gt_add_scalar(s, 1));
    return gt_mul(gt_sign(x), gt_log1p(gt_add(gt_abs(x), gt_div(s, gt_add_scalar(root, 1)))));
}

static gt_tensor *acosh_of(gt_tensor *x)
{
    return gt_log(gt_add(x, gt_sqrt(gt_add_scalar(gt_square(x), -1))));
}

static gt_tensor *atanh_of(gt_tensor *x)
{
    return gt_mul_scalar(gt_sub(gt_log1p(x), gt_log1p(gt_neg(x))), 0.5);
}

static gt_tensor *softsign(gt_tensor *x)
{
    return gt_div(x, gt_add_scalar(gt_abs(x), 1));
}

static gt_tensor *softplus(gt_tensor *x)
{
    return gt_softplus_(x, (gt_softplus_opts){0});
}

/* --- with attributes --- */

static gt_tensor *run_leaky_relu(gti_onnx_call *c)
{
    const double slope = gti_call_float(c, "alpha", 0.01);
    return gt_leaky_relu_(c->in[0], (gt_leaky_relu_opts){.negative_slope = GT_EXACTLY(slope)});
}

static gt_tensor *elu(gt_tensor *x, double alpha)
{
    return gt_elu_(x, (gt_elu_opts){.alpha = GT_EXACTLY(alpha)});
}

static gt_tensor *run_elu(gti_onnx_call *c)
{
    return elu(c->in[0], gti_call_float(c, "alpha", 1));
}

static gt_tensor *run_selu(gti_onnx_call *c)
{
    const double alpha = gti_call_float(c, "alpha", 1.67326319217681884765625);
    return gt_mul_scalar(elu(c->in[0], alpha),
                         gti_call_float(c, "gamma", 1.05070102214813232421875));
}

/* max(0, x) + min(0, alpha (e^(x / alpha) - 1)) = alpha elu(x / alpha) */
static gt_tensor *run_celu(gti_onnx_call *c)
{
    const double alpha = gti_call_float(c, "alpha", 1);
    if (alpha == 0) return gti_call_fail(c, GT_ERR_ARGUMENT, "alpha is 0");
    gt_tensor *y = elu(gt_mul_scalar(c->in[0], 1 / alpha), alpha > 0 ? 1 : -1);
    return gt_mul_scalar(y, alpha);
}

static gt_tensor *run_gelu(gti_onnx_call *c)
{
    const bool tanh = !strcmp(gti_call_text(c, "approximate", "none"), "tanh");
    return gt_gelu_(c->in[0], (gt_gelu_opts){.tanh_approximation = tanh});
}

static gt_tensor *run_hard_sigmoid(gti_onnx_call *c)
{
    const double alpha = gti_call_float(c, "alpha", 0.2), beta = gti_call_float(c, "beta", 0.5);
    return gt_clamp(gt_add_scalar(gt_mul_scalar(c->in[0], alpha), beta), 0, 1);
}

static gt_tensor *run_swish(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    return gt_mul(x, gt_sigmoid(gt_mul_scalar(x, gti_call_float(c, "alpha", 1))));
}

/* max(x, 0) + slope min(x, 0); up to operator set 6 the slope lies along axis 1 */
static gt_tensor *run_prelu(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0], *slope = c->in[1];
    const bool channels = slope->shape.ndim == 1 && x->shape.ndim > 2 && c->opset < 7;
    if (channels) {
        gt_shape shape = slope->shape;
        while (shape.ndim < x->shape.ndim - 1) shape.dim[shape.ndim++] = 1;
        slope = gt_reshape(slope, shape);
    }
    gt_tensor *below = gt_minimum(x, gt_zeros_like(x));
    return gt_add(gt_relu(x), gt_mul(slope, below));
}

static gt_tensor *where_above(gt_tensor *x, double bound, gt_tensor *y, gt_tensor *otherwise)
{
    return gt_where(gt_gt_scalar(x, bound), y, otherwise);
}

static gt_tensor *run_thresholded_relu(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    return where_above(x, gti_call_float(c, "alpha", 1), x, gt_zeros_like(x));
}

/* x + bias below -lambd, x - bias above lambd, else 0 */
static gt_tensor *run_shrink(gti_onnx_call *c)
{
    const double lambd = gti_call_float(c, "lambd", 0.5), bias = gti_call_float(c, "bias", 0);
    gt_tensor *x = gti_call_real(c->in[0]), *zero = gt_zeros_like(x);
    gt_tensor *above = where_above(x, lambd, gt_add_scalar(x, -bias), zero);
    return gti_call_back(where_above(gt_neg(x), lambd, gt_add_scalar(x, bias), above), c->in[0]);
}

static double bound(const gti_onnx_call *c, int i, const char *attr, double otherwise)
{
    const gt_tensor *t = gti_call_in(c, i);
    return t && t->size == 1 ? gt_load_element(t, 0) : gti_call_float(c, attr, otherwise);
}

static gt_tensor *run_clip(gti_onnx_call *c)
{
    if (!gti_call_known(c, 1) || !gti_call_known(c, 2)) return NULL;
    const double low = bound(c, 1, "min", -INFINITY), high = bound(c, 2, "max", INFINITY);
    gt_tensor *x = gti_call_real(c->in[0]);
    gt_tensor *y = low > high ? gt_full_like(x, high) : gt_clamp(x, low, high);
    return gti_call_back(y, c->in[0]);
}

static gt_tensor *run_is_inf(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const bool below = gti_call_int(c, "detect_negative", 1);
    const bool above = gti_call_int(c, "detect_positive", 1);
    gt_tensor *low = below ? gt_eq_scalar(x, -INFINITY) : gt_ne(x, x);
    gt_tensor *high = above ? gt_eq_scalar(x, INFINITY) : gt_ne(x, x);
    return gt_logical_and(gt_logical_or(low, high), gt_eq(x, x));
}

static gt_tensor *run_not(gti_onnx_call *c)
{
    return gt_logical_not(c->in[0]);
}

static gt_tensor *run_is_nan(gti_onnx_call *c)
{
    return gt_isnan(c->in[0]);
}

static gt_tensor *run_where(gti_onnx_call *c)
{
    return gt_where(c->in[0], c->in[1], c->in[2]);
}

/* --- arithmetic --- */

static gt_tensor *run_pow(gti_onnx_call *c)
{
    gt_tensor *a = c->in[0], *b = gti_call_aligned(c, a, c->in[1]);
    if (!b) return NULL;
    gt_tensor *x = gti_call_real(a);
    if (b->size == 1 && c->known[1] && b->shape.ndim <= a->shape.ndim)
        return gti_call_back(gt_pow_scalar(x, gt_load_element(b, 0)), a);
    return gti_call_back(gt_pow(x, gti_call_back(b, x)), a);
}

static gt_tensor *truncated(gt_tensor *x)
{
    return gt_mul(gt_sign(x), gt_floor(gt_abs(x)));
}

/* The remainder has the sign of a (fmod), or of b. */
static gt_tensor *run_mod(gti_onnx_call *c)
{
    gt_tensor *a = gti_call_real(c->in[0]), *b = gti_call_real(c->in[1]), *q = gt_div(a, b);
    q = gti_call_int(c, "fmod", 0) ? truncated(q) : gt_floor(q);
    return gti_call_back(gt_sub(a, gt_mul(q, b)), c->in[0]);
}

/* --- dtypes --- */

static gt_tensor *cast(gti_onnx_call *c, int64_t type)
{
    gt_tensor *x = c->in[0];
    switch (type) {
    case GTI_ONNX_BOOL: return gt_ne_scalar(x, 0);
    case GTI_ONNX_FLOAT: return gt_cast(x, GT_F32);
    case GTI_ONNX_DOUBLE: return gt_cast(x, GT_F64);
    case GTI_ONNX_INT32:
    case GTI_ONNX_INT64: return gt_cast(x, GT_I64);
    case GTI_ONNX_UINT8: return gt_cast(x, GT_U8);
    default:
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "there is no type like %s to cast to",
                             gti_tensor_type_name(type));
    }
}

static gt_tensor *run_cast(gti_onnx_call *c)
{
    return cast(c, gti_call_int(c, "to", 0));
}

static gt_tensor *run_cast_like(gti_onnx_call *c)
{
    return gt_cast(c->in[0], c->in[1]->dtype);
}

#define UNARY(name, fn)                                                                            \
    {                                                                                              \
        name, 1, 1, 1, " consumed_inputs ", .unary = (fn)                                          \
    }
#define BINARY(name, fn)                                                                           \
    {                                                                                              \
        name, 2, 2, 1, " axis broadcast consumed_inputs ", 3, .binary = (fn)                       \
    }
#define MASK(name, fn)                                                                             \
    {                                                                                              \
        name, 2, 2, 1, " axis broadcast consumed_inputs ", 3, .is_mask = true, .binary = (fn)      \
    }
const gti_onnx_op gti_elementwise_ops[] = {
    UNARY("Abs", gt_abs),
    UNARY("Acosh", acosh_of),
    UNARY("Asinh", asinh_of),
    UNARY("Atanh", atanh_of),
    UNARY("Ceil", ceiling),
    UNARY("Cos", gt_cos),
    UNARY("Cosh", hyperbolic_cosine),
    UNARY("Erf", gt_erf),
    UNARY("Exp", gt_exp),
    UNARY("Floor", gt_floor),
    UNARY("HardSwish", gt_hardswish),
    UNARY("Log", gt_log),
    UNARY("Mish", gt_mish),
    UNARY("Neg", gt_neg),
    UNARY("Reciprocal", gt_reciprocal),
    UNARY("Relu", gt_relu),
    UNARY("Round", gt_round),
    UNARY("Sigmoid", gt_sigmoid),
    UNARY("Sign", gt_sign),
    UNARY("Sin", gt_sin),
    UNARY("Sinh", hyperbolic_sine),
    UNARY("Softplus", softplus),
    UNARY("Softsign", softsign),
    UNARY("Sqrt", gt_sqrt),
    UNARY("Tan", tangent),
    UNARY("Tanh", gt_tanh),
    BINARY("Add", gt_add),
    BINARY("Sub", gt_sub),
    BINARY("Mul", gt_mul),
    BINARY("Div", gt_div),
    MASK("Equal", gt_eq),
    MASK("Less", gt_lt),
    MASK("LessOrEqual", gt_le),
    MASK("Greater", gt_gt),
    MASK("GreaterOrEqual", gt_ge),
    MASK("And", gt_logical_and),
    MASK("Or", gt_logical_or),
    MASK("Xor", gt_logical_xor),
    {"Not", 1, 1, 1, "", 0, .run = run_not},
    {"IsNaN", 1, 1, 1, "", 0, .run = run_is_nan},
    {"IsInf", 1, 1, 1, " detect_negative detect_positive ", 0, .run = run_is_inf},
    {"Sum", 1, GTI_ONNX_ANY, 1, " consumed_inputs ", 0, .run = run_sum},
    {"Mean", 1, GTI_ONNX_ANY, 1, " consumed_inputs ", 0, .run = run_mean},
    {"Max", 1, GTI_ONNX_ANY, 1, " consumed_inputs ", 0, .run = run_max},
    {"Min", 1, GTI_ONNX_ANY, 1, " consumed_inputs ", 0, .run = run_min},
    {"LeakyRelu", 1, 1, 1, " alpha consumed_inputs ", 0, .run = run_leaky_relu},
    {"Elu", 1, 1, 1, " alpha consumed_inputs ", 0, .run = run_elu},
    {"Selu", 1, 1, 1, " alpha gamma consumed_inputs ", 0, .run = run_selu},
    {"Celu", 1, 1, 1, " alpha ", 0, .run = run_celu},
    {"Gelu", 1, 1, 1, " approximate ", 0, .run = run_gelu},
    {"HardSigmoid", 1, 1, 1, " alpha beta consumed_inputs ", 0, .run = run_hard_sigmoid},
    {"Swish", 1, 1, 1, " alpha ", 0, .run = run_swish},
    {"PRelu", 2, 2, 1, " consumed_inputs ", 2, .run = run_prelu},
    {"ThresholdedRelu", 1, 1, 1, " alpha ", 0, .run = run_thresholded_relu},
    {"Shrink", 1, 1, 1, " lambd bias ", 0, .run = run_shrink},
    {"Clip", 1, 3, 1, " min max consumed_inputs ", 0, .run = run_clip},
    {"Where", 3, 3, 1, "", 0, .run = run_where},
    {"Pow", 2, 2, 1, " axis broadcast ", 0, .run = run_pow},
    {"Mod", 2, 2, 1, " fmod ", 0, .run = run_mod},
    {"Cast", 1, 1, 1, " to saturate round_mode ", 0, .run = run_cast},
    {"CastLike", 2, 2, 1, " saturate round_mode ", 0, .run = run_cast_like},
    {0},
};

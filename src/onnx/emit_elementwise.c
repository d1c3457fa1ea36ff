/* ONNX nodes for operations that compute each element by itself. */
#include <math.h>
#include <string.h>

#include "onnx/emit.h"

/* --- of the same meaning --- */

static bool emit_same(gti_emit *e)
{
    GTI_EMIT(e, e->as, gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 1));
    return true;
}

/* --- numbers --- */

static bool emit_add_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Add", gti_emit_out(e, 0), gti_emit_in(e, 0),
             gti_emit_scalar(e, gti_emit_real(e, "s")));
    return true;
}

static bool emit_mul_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), gti_emit_in(e, 0),
             gti_emit_scalar(e, gti_emit_real(e, "s")));
    return true;
}

static bool emit_pow_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Pow", gti_emit_out(e, 0), gti_emit_in(e, 0),
             gti_emit_scalar(e, gti_emit_real(e, "p")));
    return true;
}

static bool emit_square(gti_emit *e)
{
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 0));
    return true;
}

static const char *equals(gti_emit *e, const char *x, double v)
{
    return GTI_EMIT(e, "Equal", NULL, x, gti_emit_scalar(e, v));
}

/* 0 where b is 0 */
static bool emit_div_or_zero(gti_emit *e)
{
    const char *b = gti_emit_in(e, 1), *y = GTI_EMIT(e, "Div", NULL, gti_emit_in(e, 0), b);
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), equals(e, b, 0), gti_emit_scalar(e, 0), y);
    return true;
}

/* 0 where a or b is 0 */
static bool emit_mul_or_zero(gti_emit *e)
{
    const char *a = gti_emit_in(e, 0), *b = gti_emit_in(e, 1);
    const char *zero = GTI_EMIT(e, "Or", NULL, equals(e, a, 0), equals(e, b, 0));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), zero, gti_emit_scalar(e, 0),
             GTI_EMIT(e, "Mul", NULL, a, b));
    return true;
}

/* PRelu's slope must not be larger than x. */
static bool emit_leak(gti_emit *e)
{
    const char *a = gti_emit_in(e, 0), *y = GTI_EMIT(e, "Mul", NULL, a, gti_emit_in(e, 1));
    const char *above = GTI_EMIT(e, "Greater", NULL, a, gti_emit_scalar(e, 0));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), above, a, y);
    return true;
}

/* --- functions --- */

/* y where |x| is below 1/2, else far */
static bool near_zero(gti_emit *e, const char *y, const char *far)
{
    const char *size = GTI_EMIT(e, "Abs", NULL, gti_emit_in(e, 0));
    const char *near = GTI_EMIT(e, "Less", NULL, size, gti_emit_scalar(e, 0.5));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), near, y, far);
    return true;
}

/* Near 0 it is 2 sinh(x / 2) e^(x / 2). */
static bool emit_expm1(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *half = GTI_EMIT(e, "Mul", NULL, x, gti_emit_scalar(e, 0.5));
    const char *sinh = GTI_EMIT(e, "Sinh", NULL, half), *exp = GTI_EMIT(e, "Exp", NULL, half);
    const char *y =
        GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Mul", NULL, sinh, exp), gti_emit_scalar(e, 2));
    return near_zero(e, y,
                     GTI_EMIT(e, "Sub", NULL, GTI_EMIT(e, "Exp", NULL, x), gti_emit_scalar(e, 1)));
}

/* Near 0 it is 2 atanh(x / (x + 2)). */
static bool emit_log1p(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *more = GTI_EMIT(e, "Add", NULL, x, gti_emit_scalar(e, 2));
    const char *y = GTI_EMIT(e, "Atanh", NULL, GTI_EMIT(e, "Div", NULL, x, more));
    y = GTI_EMIT(e, "Mul", NULL, y, gti_emit_scalar(e, 2));
    return near_zero(e, y,
                     GTI_EMIT(e, "Log", NULL, GTI_EMIT(e, "Add", NULL, x, gti_emit_scalar(e, 1))));
}

static bool emit_rsqrt(gti_emit *e)
{
    GTI_EMIT(e, "Reciprocal", gti_emit_out(e, 0), GTI_EMIT(e, "Sqrt", NULL, gti_emit_in(e, 0)));
    return true;
}

static bool clip(gti_emit *e, double low, double high)
{
    const char *from = isinf(low) ? "" : gti_emit_scalar(e, low),
               *to = isinf(high) ? "" : gti_emit_scalar(e, high);
    GTI_EMIT(e, "Clip", gti_emit_out(e, 0), gti_emit_in(e, 0), from, to);
    return true;
}

static bool emit_clamp(gti_emit *e)
{
    return clip(e, gti_emit_real(e, "low"), gti_emit_real(e, "high"));
}

static bool emit_hardtanh(gti_emit *e)
{
    return clip(e, gti_emit_real(e, "min_val"), gti_emit_real(e, "max_val"));
}

static bool emit_relu6(gti_emit *e)
{
    return clip(e, 0, 6);
}

static bool emit_leaky_relu(gti_emit *e)
{
    gti_emit_attr_float(e, "alpha", gti_emit_real(e, "negative_slope"));
    GTI_EMIT(e, "LeakyRelu", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

static bool emit_elu(gti_emit *e)
{
    gti_emit_attr_float(e, "alpha", gti_emit_real(e, "alpha"));
    GTI_EMIT(e, "Elu", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

static bool emit_hardsigmoid(gti_emit *e)
{
    gti_emit_attr_float(e, "alpha", 1.0 / 6);
    gti_emit_attr_float(e, "beta", 0.5);
    GTI_EMIT(e, "HardSigmoid", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

/* x (1 + y) / 2 */
static void half_times(gti_emit *e, const char *x, const char *y)
{
    const char *up = GTI_EMIT(e, "Add", NULL, y, gti_emit_scalar(e, 1));
    const char *half = GTI_EMIT(e, "Mul", NULL, x, gti_emit_scalar(e, 0.5));
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), half, up);
}

/* tanh(sqrt(2 / pi) (x + 0.044715 x^3)) */
static const char *gelu_tanh(gti_emit *e, const char *x)
{
    const char *cube = GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Mul", NULL, x, x), x);
    const char *sum =
        GTI_EMIT(e, "Add", NULL, x, GTI_EMIT(e, "Mul", NULL, cube, gti_emit_scalar(e, 0.044715)));
    return GTI_EMIT(e, "Tanh", NULL,
                    GTI_EMIT(e, "Mul", NULL, sum, gti_emit_scalar(e, 0.79788456080286536)));
}

static bool emit_gelu(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0);
    const bool tanh = gti_emit_whole(e, "tanh_approximation", 0);
    if (e->opset >= 20) {
        if (tanh) gti_emit_attr_text(e, "approximate", "tanh");
        GTI_EMIT(e, "Gelu", gti_emit_out(e, 0), x);
    } else if (tanh) half_times(e, x, gelu_tanh(e, x));
    else
        half_times(e, x,
                   GTI_EMIT(e, "Erf", NULL,
                            GTI_EMIT(e, "Mul", NULL, x, gti_emit_scalar(e, 0.70710678118654752))));
    return true;
}

static bool emit_silu(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0);
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), x, GTI_EMIT(e, "Sigmoid", NULL, x));
    return true;
}

static bool emit_mish(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0);
    if (e->opset >= 18) GTI_EMIT(e, "Mish", gti_emit_out(e, 0), x);
    else
        GTI_EMIT(e, "Mul", gti_emit_out(e, 0), x,
                 GTI_EMIT(e, "Tanh", NULL, GTI_EMIT(e, "Softplus", NULL, x)));
    return true;
}

/* -log(1 + e^-x) */
static bool emit_log_sigmoid(gti_emit *e)
{
    const char *minus = GTI_EMIT(e, "Neg", NULL, gti_emit_in(e, 0));
    GTI_EMIT(e, "Neg", gti_emit_out(e, 0), GTI_EMIT(e, "Softplus", NULL, minus));
    return true;
}

/* log(1 + e^(beta x)) / beta; x where beta x exceeds the threshold */
static bool emit_softplus(gti_emit *e)
{
    const double beta = gti_emit_real(e, "beta"), threshold = gti_emit_real(e, "threshold");
    const char *x = gti_emit_in(e, 0),
               *scaled = GTI_EMIT(e, "Mul", NULL, x, gti_emit_scalar(e, beta));
    const char *y = GTI_EMIT(e, "Softplus", NULL, scaled);
    y = GTI_EMIT(e, "Mul", NULL, y, gti_emit_scalar(e, 1 / beta));
    const char *far = GTI_EMIT(e, "Greater", NULL, scaled, gti_emit_scalar(e, threshold));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), far, x, y);
    return true;
}

/* --- masks: u8 here, truth values there --- */

static const char *truth(gti_emit *e, const char *mask)
{
    return gti_emit_cast(e, mask, NULL, GTI_ONNX_BOOL);
}

static bool mask(gti_emit *e, const char *truths)
{
    gti_emit_cast(e, truths, gti_emit_out(e, 0), GTI_ONNX_UINT8);
    return true;
}

static bool emit_comparison(gti_emit *e)
{
    return mask(e, GTI_EMIT(e, e->as, NULL, gti_emit_in(e, 0), gti_emit_in(e, 1)));
}

static bool emit_ne(gti_emit *e)
{
    const char *y = GTI_EMIT(e, "Equal", NULL, gti_emit_in(e, 0), gti_emit_in(e, 1));
    return mask(e, GTI_EMIT(e, "Not", NULL, y));
}

static bool emit_logical(gti_emit *e)
{
    const char *a = truth(e, gti_emit_in(e, 0));
    return mask(e, GTI_EMIT(e, e->as, NULL, a, truth(e, gti_emit_in(e, 1))));
}

static bool emit_not(gti_emit *e)
{
    return mask(e, GTI_EMIT(e, "Not", NULL, truth(e, gti_emit_in(e, 0))));
}

static bool emit_isnan(gti_emit *e)
{
    return mask(e, GTI_EMIT(e, "IsNaN", NULL, gti_emit_in(e, 0)));
}

/* x - x is 0 where x is finite, else NaN */
static bool emit_isfinite(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0);
    return mask(e, equals(e, GTI_EMIT(e, "Sub", NULL, x, x), 0));
}

static bool emit_where(gti_emit *e)
{
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), truth(e, gti_emit_in(e, 0)), gti_emit_in(e, 1),
             gti_emit_in(e, 2));
    return true;
}

static bool emit_cast(gti_emit *e)
{
    gti_emit_cast(e, gti_emit_in(e, 0), gti_emit_out(e, 0),
                  gti_emit_type(gti_emit_result(e, 0)->dtype));
    return true;
}

/* Nothing is dropped in inference. */
static bool emit_dropout(gti_emit *e)
{
    GTI_EMIT(e, "Identity", gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

/* y = p, whatever it held. */
static bool emit_fill(gti_emit *e)
{
    const gt_graph_value *y = gti_emit_result(e, 0);
    const char *shape = gti_emit_shape(e, &y->shape, y->growth);
    GTI_EMIT(e, "Expand", gti_emit_out(e, 0), gti_emit_scalar(e, gti_emit_real(e, "p")), shape);
    return true;
}

const gti_mapping gti_emit_elementwise_list[] = {
    {"fill", .emit = emit_fill},
    {"sub", .emit = emit_same, .as = "Sub"},
    {"mul", .emit = emit_same, .as = "Mul"},
    {"div", .emit = emit_same, .as = "Div"},
    {"pow", .emit = emit_same, .as = "Pow"},
    {"maximum", .emit = emit_same, .as = "Max"},
    {"minimum", .emit = emit_same, .as = "Min"},
    {"neg", .emit = emit_same, .as = "Neg"},
    {"abs", .emit = emit_same, .as = "Abs"},
    {"exp", .emit = emit_same, .as = "Exp"},
    {"log", .emit = emit_same, .as = "Log"},
    {"sqrt", .emit = emit_same, .as = "Sqrt"},
    {"sin", .emit = emit_same, .as = "Sin"},
    {"cos", .emit = emit_same, .as = "Cos"},
    {"erf", .emit = emit_same, .as = "Erf"},
    {"sign", .emit = emit_same, .as = "Sign"},
    {"floor", .emit = emit_same, .as = "Floor"},
    {"ceil", .emit = emit_same, .as = "Ceil"},
    {"round", .emit = emit_same, .as = "Round"},
    {"tanh", .emit = emit_same, .as = "Tanh"},
    {"relu", .emit = emit_same, .as = "Relu"},
    {"sigmoid", .emit = emit_same, .as = "Sigmoid"},
    {"selu", .emit = emit_same, .as = "Selu"},
    {"clone", .emit = emit_same, .as = "Identity"},
    {"hardswish", .emit = emit_same, .as = "HardSwish"},
    {"reciprocal", .emit = emit_same, .as = "Reciprocal"},
    {"add_scalar", .emit = emit_add_scalar},
    {"mul_scalar", .emit = emit_mul_scalar},
    {"pow_scalar", .emit = emit_pow_scalar},
    {"square", .emit = emit_square},
    {"div_or_zero", .emit = emit_div_or_zero},
    {"mul_or_zero", .emit = emit_mul_or_zero},
    {"leak", .emit = emit_leak},
    {"expm1", .emit = emit_expm1},
    {"log1p", .emit = emit_log1p},
    {"rsqrt", .emit = emit_rsqrt},
    {"clamp", .emit = emit_clamp},
    {"hardtanh", .emit = emit_hardtanh},
    {"relu6", .emit = emit_relu6},
    {"leaky_relu", .emit = emit_leaky_relu},
    {"elu", .emit = emit_elu},
    {"hardsigmoid", .emit = emit_hardsigmoid},
    {"gelu", .emit = emit_gelu},
    {"silu", .emit = emit_silu},
    {"mish", .emit = emit_mish},
    {"log_sigmoid", .emit = emit_log_sigmoid},
    {"softplus", .emit = emit_softplus},
    {"eq", .emit = emit_comparison, .as = "Equal"},
    {"ne", .emit = emit_ne},
    {"lt", .emit = emit_comparison, .as = "Less"},
    {"le", .emit = emit_comparison, .as = "LessOrEqual"},
    {"gt", .emit = emit_comparison, .as = "Greater"},
    {"ge", .emit = emit_comparison, .as = "GreaterOrEqual"},
    {"logical_and", .emit = emit_logical, .as = "And"},
    {"logical_or", .emit = emit_logical, .as = "Or"},
    {"logical_xor", .emit = emit_logical, .as = "Xor"},
    {"logical_not", .emit = emit_not},
    {"isnan", .emit = emit_isnan},
    {"isfinite", .emit = emit_isfinite},
    {"where", .emit = emit_where},
    {"cast", .emit = emit_cast},
    {"dropout", .emit = emit_dropout},
    {0},
};

/* ONNX nodes for operations that compute each element by itself. */
#include <math.h>
#include <string.h>

#include "onnx/emit.h"

/* --- of the same meaning --- */

static const struct {
    const char *ours, *theirs;
} same[] = {{"add", "Add"},
            {"sub", "Sub"},
            {"mul", "Mul"},
            {"div", "Div"},
            {"pow", "Pow"},
            {"maximum", "Max"},
            {"minimum", "Min"},
            {"neg", "Neg"},
            {"abs", "Abs"},
            {"exp", "Exp"},
            {"log", "Log"},
            {"sqrt", "Sqrt"},
            {"sin", "Sin"},
            {"cos", "Cos"},
            {"erf", "Erf"},
            {"sign", "Sign"},
            {"floor", "Floor"},
            {"round", "Round"},
            {"tanh", "Tanh"},
            {"relu", "Relu"},
            {"sigmoid", "Sigmoid"},
            {"selu", "Selu"},
            {"clone", "Identity"},
            {"hardswish", "HardSwish"},
            {"reciprocal", "Reciprocal"}};

static bool emit_same(gti_emit *e)
{
    size_t i = 0;
    while (strcmp(same[i].ours, e->n->op->name) != 0) i++;
    const char *in[] = {gti_emit_in(e, 0), gti_emit_in(e, 1)};
    gti_emit_node(e, same[i].theirs, gti_emit_out(e, 0), 2, in);
    return true;
}

/* --- numbers --- */

static gt_dtype dtype_of(const gti_emit *e)
{
    return gti_emit_value(e, 0)->dtype;
}

static const char *number(gti_emit *e, double v)
{
    return gti_emit_number(e, dtype_of(e), v);
}

static bool emit_add_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Add", gti_emit_out(e, 0), gti_emit_in(e, 0), number(e, gti_emit_real(e, "s")));
    return true;
}

static bool emit_mul_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), gti_emit_in(e, 0), number(e, gti_emit_real(e, "s")));
    return true;
}

static bool emit_pow_scalar(gti_emit *e)
{
    GTI_EMIT(e, "Pow", gti_emit_out(e, 0), gti_emit_in(e, 0), number(e, gti_emit_real(e, "p")));
    return true;
}

static bool emit_square(gti_emit *e)
{
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), gti_emit_in(e, 0), gti_emit_in(e, 0));
    return true;
}

static const char *equals(gti_emit *e, const char *x, double v)
{
    return GTI_EMIT(e, "Equal", NULL, x, number(e, v));
}

/* 0 where b is 0 */
static bool emit_div_or_zero(gti_emit *e)
{
    const char *b = gti_emit_in(e, 1), *y = GTI_EMIT(e, "Div", NULL, gti_emit_in(e, 0), b);
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), equals(e, b, 0), number(e, 0), y);
    return true;
}

/* 0 where a or b is 0 */
static bool emit_mul_or_zero(gti_emit *e)
{
    const char *a = gti_emit_in(e, 0), *b = gti_emit_in(e, 1);
    const char *zero = GTI_EMIT(e, "Or", NULL, equals(e, a, 0), equals(e, b, 0));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), zero, number(e, 0), GTI_EMIT(e, "Mul", NULL, a, b));
    return true;
}

/* --- functions --- */

/* y where |x| is below 1/2, else far */
static bool near_zero(gti_emit *e, const char *y, const char *far)
{
    const char *size = GTI_EMIT(e, "Abs", NULL, gti_emit_in(e, 0));
    const char *near = GTI_EMIT(e, "Less", NULL, size, number(e, 0.5));
    GTI_EMIT(e, "Where", gti_emit_out(e, 0), near, y, far);
    return true;
}

/* Near 0 it is 2 sinh(x / 2) e^(x / 2). */
static bool emit_expm1(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *half = GTI_EMIT(e, "Mul", NULL, x, number(e, 0.5));
    const char *sinh = GTI_EMIT(e, "Sinh", NULL, half), *exp = GTI_EMIT(e, "Exp", NULL, half);
    const char *y = GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Mul", NULL, sinh, exp), number(e, 2));
    return near_zero(e, y, GTI_EMIT(e, "Sub", NULL, GTI_EMIT(e, "Exp", NULL, x), number(e, 1)));
}

/* Near 0 it is 2 atanh(x / (x + 2)). */
static bool emit_log1p(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *more = GTI_EMIT(e, "Add", NULL, x, number(e, 2));
    const char *y = GTI_EMIT(e, "Atanh", NULL, GTI_EMIT(e, "Div", NULL, x, more));
    y = GTI_EMIT(e, "Mul", NULL, y, number(e, 2));
    return near_zero(e, y, GTI_EMIT(e, "Log", NULL, GTI_EMIT(e, "Add", NULL, x, number(e, 1))));
}

static bool emit_rsqrt(gti_emit *e)
{
    GTI_EMIT(e, "Reciprocal", gti_emit_out(e, 0), GTI_EMIT(e, "Sqrt", NULL, gti_emit_in(e, 0)));
    return true;
}

static bool clip(gti_emit *e, double low, double high)
{
    const char *from = isinf(low) ? "" : number(e, low), *to = isinf(high) ? "" : number(e, high);
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
    const char *up = GTI_EMIT(e, "Add", NULL, y, number(e, 1));
    const char *half = GTI_EMIT(e, "Mul", NULL, x, number(e, 0.5));
    GTI_EMIT(e, "Mul", gti_emit_out(e, 0), half, up);
}

/* tanh(sqrt(2 / pi) (x + 0.044715 x^3)) */
static const char *gelu_tanh(gti_emit *e, const char *x)
{
    const char *cube = GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Mul", NULL, x, x), x);
    const char *sum =
        GTI_EMIT(e, "Add", NULL, x, GTI_EMIT(e, "Mul", NULL, cube, number(e, 0.044715)));
    return GTI_EMIT(e, "Tanh", NULL, GTI_EMIT(e, "Mul", NULL, sum, number(e, 0.79788456080286536)));
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
        half_times(
            e, x,
            GTI_EMIT(e, "Erf", NULL, GTI_EMIT(e, "Mul", NULL, x, number(e, 0.70710678118654752))));
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

/* log(1 + e^(beta x)) / beta; x where beta x exceeds the threshold */
static bool emit_softplus(gti_emit *e)
{
    const double beta = gti_emit_real(e, "beta"), threshold = gti_emit_real(e, "threshold");
    const char *x = gti_emit_in(e, 0), *scaled = GTI_EMIT(e, "Mul", NULL, x, number(e, beta));
    const char *y = GTI_EMIT(e, "Softplus", NULL, scaled);
    y = GTI_EMIT(e, "Mul", NULL, y, number(e, 1 / beta));
    const char *far = GTI_EMIT(e, "Greater", NULL, scaled, number(e, threshold));
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
    static const char *const pairs[][2] = {{"eq", "Equal"},   {"ne", "Equal"},
                                           {"lt", "Less"},    {"le", "LessOrEqual"},
                                           {"gt", "Greater"}, {"ge", "GreaterOrEqual"}};
    size_t i = 0;
    while (strcmp(pairs[i][0], e->n->op->name) != 0) i++;
    const char *y = GTI_EMIT(e, pairs[i][1], NULL, gti_emit_in(e, 0), gti_emit_in(e, 1));
    return mask(e, i == 1 ? GTI_EMIT(e, "Not", NULL, y) : y);
}

static bool emit_logical(gti_emit *e)
{
    const char *name = e->n->op->name + strlen("logical_");
    const char *type = !strcmp(name, "and") ? "And" : !strcmp(name, "or") ? "Or" : "Xor";
    const char *a = truth(e, gti_emit_in(e, 0));
    if (!strcmp(name, "not")) return mask(e, GTI_EMIT(e, "Not", NULL, a));
    return mask(e, GTI_EMIT(e, type, NULL, a, truth(e, gti_emit_in(e, 1))));
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
    GTI_EMIT(e, "Expand", gti_emit_out(e, 0), number(e, gti_emit_real(e, "p")), shape);
    return true;
}

const gti_mapping gti_emit_elementwise_list[] = {
    {"fill", .emit = emit_fill},
    {"sub", .emit = emit_same},
    {"mul", .emit = emit_same},
    {"div", .emit = emit_same},
    {"pow", .emit = emit_same},
    {"maximum", .emit = emit_same},
    {"minimum", .emit = emit_same},
    {"neg", .emit = emit_same},
    {"abs", .emit = emit_same},
    {"exp", .emit = emit_same},
    {"log", .emit = emit_same},
    {"sqrt", .emit = emit_same},
    {"sin", .emit = emit_same},
    {"cos", .emit = emit_same},
    {"erf", .emit = emit_same},
    {"sign", .emit = emit_same},
    {"floor", .emit = emit_same},
    {"round", .emit = emit_same},
    {"tanh", .emit = emit_same},
    {"relu", .emit = emit_same},
    {"sigmoid", .emit = emit_same},
    {"selu", .emit = emit_same},
    {"clone", .emit = emit_same},
    {"hardswish", .emit = emit_same},
    {"reciprocal", .emit = emit_same},
    {"add_scalar", .emit = emit_add_scalar},
    {"mul_scalar", .emit = emit_mul_scalar},
    {"pow_scalar", .emit = emit_pow_scalar},
    {"square", .emit = emit_square},
    {"div_or_zero", .emit = emit_div_or_zero},
    {"mul_or_zero", .emit = emit_mul_or_zero},
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
    {"softplus", .emit = emit_softplus},
    {"eq", .emit = emit_comparison},
    {"ne", .emit = emit_comparison},
    {"lt", .emit = emit_comparison},
    {"le", .emit = emit_comparison},
    {"gt", .emit = emit_comparison},
    {"ge", .emit = emit_comparison},
    {"logical_and", .emit = emit_logical},
    {"logical_or", .emit = emit_logical},
    {"logical_xor", .emit = emit_logical},
    {"logical_not", .emit = emit_logical},
    {"isnan", .emit = emit_isnan},
    {"isfinite", .emit = emit_isfinite},
    {"where", .emit = emit_where},
    {"cast", .emit = emit_cast},
    {"dropout", .emit = emit_dropout},
    {0},
};

/* Operations that compute each element by itself: expressions within loops. */
#include <string.h>

#include "cfile/cfile.h"

/* Puts the numbers of attributes in the place of $p and $q. */
static const char *with_numbers(gti_cfile *c, const gti_cfile_row *row)
{
    char text[512], number[GTI_CFILE_NUMBER];
    size_t n = 0;
    for (const char *at = row->as; *at && n < sizeof text - GTI_CFILE_NUMBER - 3; at++) {
        if (*at != '$' || (at[1] != 'p' && at[1] != 'q')) {
            text[n++] = *at;
            continue;
        }
        const char *v =
            gti_cfile_number((float)GTI_REAL(c, *++at == 'p' ? row->p : row->q), number);
        const int length = gt_snprintf(text + n, sizeof text - n, *v == '-' ? "(%s)" : "%s", v);
        n += (size_t)length;
    }
    text[n] = 0;
    return gti_cfile_format(c, "%s", text);
}

static void write_expression(gti_cfile *c, const char *expression)
{
    gti_access in[8] = {{0}};
    const gt_shape shape = gti_reading_result(&c->r, 0)->shape;
    const int n = c->r.n->n_in;
    for (int i = 0; i < n && i < 8; i++) in[i] = gti_cfile_access(c, c->r.n->in[i], &shape);
    const gti_access y = gti_cfile_access(c, c->r.n->out[0], &shape);
    gti_cfile_loops(c, shape, y, n, in, expression);
}

static bool write_each(gti_cfile *c, const gti_cfile_row *row)
{
    gti_cfile_use(c, row->uses);
    write_expression(c, with_numbers(c, row));
    return true;
}

static bool write_gelu(gti_cfile *c, const gti_cfile_row *row)
{
    const bool tanh = GTI_WHOLE(c, "tanh_approximation", 0);
    (void)row;
    gti_cfile_use(c, tanh ? "not_far_left sigmoid gelu_tanh" : "not_far_left gelu");
    write_expression(c, tanh ? "gelu_tanh($0)" : "gelu($0)");
    return true;
}

/* The frequent powers are exact. */
static bool write_power(gti_cfile *c, const gti_cfile_row *row)
{
    static const struct {
        double p;
        const char *as;
    } frequent[] = {{1, "$0"},          {2, "$0 * $0"},          {3, "$0 * $0 * $0"},
                    {0.5, "sqrtf($0)"}, {-0.5, "1 / sqrtf($0)"}, {-1, "1 / $0"}};
    const double p = GTI_REAL(c, "p");
    for (size_t i = 0; i < sizeof frequent / sizeof *frequent; i++) {
        if (frequent[i].p != p) continue;
        write_expression(c, frequent[i].as);
        return true;
    }
    return write_each(c, row);
}

static bool write_cast(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_dtype from = gti_cfile_in(c, 0)->dtype, to = gti_reading_result(&c->r, 0)->dtype;
    (void)row;
    if (to == GT_F32) write_expression(c, "(float)$0");
    else if (from == GT_F32) {
        gti_cfile_use(c, to == GT_I64 ? "to_i64" : "to_u8");
        write_expression(c, to == GT_I64 ? "to_i64($0)" : "to_u8($0)");
    } else if (to == GT_I64) write_expression(c, "$0");
    else write_expression(c, "(uint8_t)($0 < 0 ? 0 : $0 > 255 ? 255 : $0)");
    return true;
}

/* y = p, whatever it held. */
static bool write_fill(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_graph_value *out = gti_reading_result(&c->r, 0);
    const gti_access y = gti_cfile_access(c, c->r.n->out[0], &out->shape);
    const char *number = with_numbers(c, row);
    if (out->dtype != GT_F32) number = gti_cfile_format(c, "%lld", (long long)GTI_REAL(c, "p"));
    gti_cfile_loops(c, out->shape, y, 0, NULL, number);
    return true;
}

/* That of no convolution; parameters are [c], along dimension 1. */
static bool write_batch_norm(gti_cfile *c, const gti_cfile_row *row)
{
    const int *in = c->r.n->in;
    const gt_shape shape = gti_reading_result(&c->r, 0)->shape;
    gti_access x[5];
    (void)row;
    for (int i = 0; i < 5; i++) {
        x[i] = gti_cfile_access(c, in[i], &shape);
        if (i == 0 || x[i].number) continue;
        memset(x[i].stride, 0, sizeof x[i].stride);
        x[i].stride[1] = 1;
    }
    char number[GTI_CFILE_NUMBER];
    const char *eps = gti_cfile_number((float)GTI_REAL(c, "eps"), number);
    const gti_access y = gti_cfile_access(c, c->r.n->out[0], &shape);
    gti_cfile_loops(c, shape, y, 5, x,
                    gti_cfile_format(c, "($0 - $3) / sqrtf($4 + %s) * $1 + $2", eps));
    return true;
}

static bool write_bias(gti_cfile *c, const gti_cfile_row *row)
{
    const gt_shape shape = gti_reading_result(&c->r, 0)->shape;
    gti_access in[] = {gti_cfile_access(c, c->r.n->in[0], &shape),
                       gti_cfile_access(c, c->r.n->in[1], &shape)};
    memset(in[1].stride, 0, sizeof in[1].stride);
    if (!in[1].number) in[1].stride[1] = 1;
    gti_cfile_loops(c, shape, gti_cfile_access(c, c->r.n->out[0], &shape), 2, in, row->as);
    return true;
}

#define EACH .write = write_each, .in_place = true
#define MASK .write = write_each
const gti_cfile_row gti_cfile_elementwise[] = {
    {"add", EACH, .as = "$0 + $1"},
    {"sub", EACH, .as = "$0 - $1"},
    {"mul", EACH, .as = "$0 * $1"},
    {"div", EACH, .as = "$0 / $1"},
    {"pow", EACH, .as = "powf($0, $1)"},
    {"maximum", EACH, .as = "$0 > $1 || $0 != $0 ? $0 : $1"},
    {"minimum", EACH, .as = "$0 < $1 || $0 != $0 ? $0 : $1"},
    {"mul_or_zero", EACH, .as = "($0 == 0 && $1 == $1) || ($1 == 0 && $0 == $0) ? 0 : $0 * $1"},
    {"div_or_zero", EACH, .as = "$1 == 0 ? 0 : $0 / $1"},
    {"leak", EACH, .as = "$0 > 0 ? $0 : $0 * $1"},
    {"neg", EACH, .as = "-$0"},
    {"square", EACH, .as = "$0 * $0"},
    {"add_scalar", EACH, .as = "$0 + $p", .p = "s"},
    {"mul_scalar", EACH, .as = "$0 * $p", .p = "s"},
    {"pow_scalar", .write = write_power, .in_place = true, .as = "powf($0, $p)", .p = "p"},
    {"abs", EACH, .as = "fabsf($0)"},
    {"exp", EACH, .as = "expf($0)"},
    {"expm1", EACH, .as = "expm1f($0)"},
    {"log", EACH, .as = "logf($0)"},
    {"log1p", EACH, .as = "log1pf($0)"},
    {"sqrt", EACH, .as = "sqrtf($0)"},
    {"rsqrt", EACH, .as = "1 / sqrtf($0)"},
    {"reciprocal", EACH, .as = "1 / $0"},
    {"sin", EACH, .as = "sinf($0)"},
    {"cos", EACH, .as = "cosf($0)"},
    {"erf", EACH, .as = "erff($0)"},
    {"sign", EACH, .as = "$0 > 0 ? 1 : $0 < 0 ? -1 : 0"},
    {"floor", EACH, .as = "floorf($0)"},
    {"ceil", EACH, .as = "ceilf($0)"},
    {"round", EACH, .as = "rintf($0)"},
    {"tanh", EACH, .as = "tanhf($0)"},
    {"sigmoid", EACH, .as = "sigmoid($0)", .uses = "sigmoid"},
    {"relu", EACH, .as = "$0 <= 0 ? 0 : $0"},
    {"relu6", EACH, .as = "clamp($0, 0, 6)", .uses = "clamp"},
    {"clamp", EACH, .as = "clamp($0, $p, $q)", .p = "low", .q = "high", .uses = "clamp"},
    {"hardtanh", EACH, .as = "clamp($0, $p, $q)", .p = "min_val", .q = "max_val", .uses = "clamp"},
    {"leaky_relu", EACH, .as = "leaky_relu($0, $p)", .p = "negative_slope", .uses = "leaky_relu"},
    {"elu", EACH, .as = "elu($0, $p, 1)", .p = "alpha", .uses = "elu"},
    {"selu", EACH, .as = "elu($0, 1.67326324235437728f, 1.05070098735548049f)", .uses = "elu"},
    {"gelu", .write = write_gelu, .in_place = true},
    {"silu", EACH, .as = "not_far_left($0) * sigmoid($0)", .uses = "not_far_left sigmoid"},
    {"mish", EACH, .as = "mish($0)", .uses = "not_far_left softplus mish"},
    {"softplus", EACH, .as = "$p * $0 > $q ? $0 : softplus($p * $0) / $p", .p = "beta",
     .q = "threshold", .uses = "softplus"},
    {"log_sigmoid", EACH, .as = "-softplus(-$0)", .uses = "softplus"},
    {"hardsigmoid", EACH, .as = "clamp($0 + 3, 0, 6) / 6", .uses = "clamp"},
    {"hardswish", EACH, .as = "clamp($0 / 6 + 0.5f, 0, 1) * not_far_left($0)",
     .uses = "clamp not_far_left"},
    {"eq", MASK, .as = "$0 == $1"},
    {"ne", MASK, .as = "$0 != $1"},
    {"lt", MASK, .as = "$0 < $1"},
    {"le", MASK, .as = "$0 <= $1"},
    {"gt", MASK, .as = "$0 > $1"},
    {"ge", MASK, .as = "$0 >= $1"},
    {"logical_and", MASK, .as = "$0 != 0 && $1 != 0"},
    {"logical_or", MASK, .as = "$0 != 0 || $1 != 0"},
    {"logical_xor", MASK, .as = "($0 != 0) != ($1 != 0)"},
    {"logical_not", MASK, .as = "$0 == 0"},
    {"isnan", MASK, .as = "$0 != $0"},
    {"isfinite", MASK, .as = "$0 - $0 == 0"},
    {"where", .write = write_each, .as = "$0 ? $1 : $2", .in_place = true},
    {"cast", .write = write_cast},
    {"fill", .write = write_fill, .as = "$p", .p = "p"},
    {"add_bias", .write = write_bias, .as = "$0 + $1", .in_place = true},
    {"batch_norm_eval", .write = write_batch_norm, .in_place = true},
    {0},
};

/* What f64 and f32 let be told, and kernels that know f32 alone.
 *
 * Of a function computed in f32 the differences are, too: its leaves are f32, and are moved in f64
 * and rounded, so that a step is what two stored numbers differ by. Steps of about the cube root of
 * f32's epsilon leave four or five digits, fewer where y is large beside its changes; how large the
 * error of a difference is is measured by the same rules as in f64. */
#include <float.h>

#include "gradcheck/check.h"

const gti_precision gti_precision_f64 = {
    .name = "f64",
    .epsilon = DBL_EPSILON,
    .step = 6.055454452393343e-06, /* cbrt(2^-52) */
    .rtol = 1e-6,
    .atol = 1e-7,
    .lengths = {0, -6, 6, -12, 12, -18, -24, -30, -36},
    .longest = 12,
    .shortest = -36,
    .told = {1e-3, 1e-4},
    .vague = {1e-2, 1e-3},
    .steady = 1e-3,
    .apart = 1e-6,
    .noises = 100,
    .slack = 1e-3,
    .least_weight = 0,
    .linear = 1e-10,
    .symmetric = 1e-7,
    .huge = 1e200,
    .home = 1.0 / 64,
    .moved = 1e-6,
    .noise_steps = {0x1p-49, 0x1p-34, 0x1p-20},
};

/* Directions have twelve bits, and steps 2^-10, so that x + h d is stored as it is. */
const gti_precision gti_precision_f32 = {
    .name = "f32",
    .epsilon = FLT_EPSILON,
    .step = 0x1p-6,
    .rtol = 1e-3,
    .atol = 1e-4,
    .lengths = {0, -2, 2, -4, 4, -6, -8, -10, -12},
    .longest = 4,
    .shortest = -4,
    .told = {4e-3, 2e-3},
    .vague = {1e-2, 1e-2},
    .steady = 1e-3,
    .apart = 1e-3,
    .noises = 4,
    .slack = 2e-2,
    .least_weight = 0.25,
    .linear = 1e-4,
    .symmetric = 1e-3,
    .huge = 1e20,
    .home = 1.0 / 16,
    .moved = 1e-4,
    .noise_steps = {0x1p-20, 0x1p-14, 0x1p-8},
};

void gti_check_set_precision(gti_check *c, const gti_precision *precision)
{
    c->precision = precision;
    c->o.step = gt_option(c->asked.step, precision->step);
    c->o.rtol = gt_option(c->asked.rtol, precision->rtol);
    c->o.atol = gt_option(c->asked.atol, precision->atol);
}

static bool has_kernel(const gt_op *op, gt_dtype dtype)
{
    return op->elements[dtype] || op->forward[dtype] || op->parts[dtype];
}

bool gti_check_is_f32_alone(const gt_op *op)
{
    return has_kernel(op, GT_F32) && !has_kernel(op, GT_F64);
}

void gti_check_say_precision(gti_check *c)
{
    if (c->precision != &gti_precision_f32) return;
    gti_check_line_of_text(
        c,
        "in f32: rtol %.2g, atol %.2g, step %.2g; the differences' own error was "
        "%.1g at most",
        c->o.rtol, c->o.atol, c->o.step, c->uncertain);
}

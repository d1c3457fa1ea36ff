/* How much rounding inside of a function moves its results, measured.
 *
 * Along a line, at steps that a smooth function does not notice, third differences see rounding
 * alone: of independent errors of deviation s they have the deviation sqrt(20) s (J. More and S.
 * Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011). What is added inside to a
 * large number and taken away again moves in leaps, so the steps have two lengths. */
#include <math.h>

#include "gradcheck/check.h"

enum { POINTS = 8 };

/* Multiples of 1/8 of the power of two below |x|, so that steps from 2^-48 on are exact. */
static void make_line(gti_check *c, const double *x, double *d)
{
    for (int64_t i = 0; i < c->n_x; i++) {
        const uint64_t bits = gti_check_bits(c);
        int exponent;
        frexp(x[i], &exponent);
        d[i] = x[i] == 0 ? 0
                         : ldexp(bits & 8 ? -1 - (double)(bits & 7) : 1 + (double)(bits & 7),
                                 exponent - 4);
    }
}

/* near[] holds the values at the last four points. */
static void note_differences(gti_check *c, int point)
{
    const double *y0 = c->near[point & 3], *y1 = c->near[(point + 3) & 3],
                 *y2 = c->near[(point + 2) & 3], *y3 = c->near[(point + 1) & 3];
    for (int64_t j = 0; point > 3 && j < c->n_y; j++) {
        const double third = (y0[j] - y3[j]) + 3 * (y2[j] - y1[j]);
        if (isfinite(third)) c->noise[j] = fmax(c->noise[j], fabs(third) / sqrt(20));
    }
}

/* From the first step on: x itself may lie where a gradient jumps. */
static bool walk(gti_check *c, const double *d, double h, const double *saved)
{
    for (int point = 1; point <= POINTS; point++) {
        gti_check_move(c, d, point * h, 0, c->n_x);
        const bool ok = gti_check_evaluate(c, c->near[point & 3]);
        gti_check_restore(c, saved, 0, c->n_x);
        if (!ok) return false;
        note_differences(c, point);
    }
    return true;
}

bool gti_check_measure_noise(gti_check *c)
{
    c->noise = gti_check_scratch(c, c->n_y, sizeof *c->noise);
    if (!c->noise) return gti_check_alive(c);
    if (!c->n_x) return true;
    const gt_mark mark = gt_mark_tape(c->gt);
    double *d = gti_check_scratch(c, c->n_x, sizeof *d);
    double *saved = gti_check_scratch(c, c->n_x, sizeof *saved);
    if (!d || !saved) return gti_check_alive(c);
    gti_check_save(c, saved, 0, c->n_x);
    static const double steps[] = {0x1p-48, 0x1p-34, 0x1p-34};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        make_line(c, saved, d);
        if (!walk(c, d, steps[i], saved)) return false;
    }
    gt_rewind(c->gt, mark);
    return true;
}

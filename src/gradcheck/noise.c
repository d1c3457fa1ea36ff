/* How much rounding inside of a function moves its results, measured.
 *
 * Along a line, at steps that a smooth function does not notice, third differences see rounding
 * alone: of independent errors of deviation s they have the deviation sqrt(20) s (J. More and S.
 * Wild, Estimating computational noise, SIAM J. Sci. Comput. 33, 2011). What is added inside to a
 * large number and taken away again moves in leaps, so the steps have two lengths; where the number
 * is very large the leaps are seen only at a third, at which seventh differences are needed to keep
 * curvature out, and the smaller of a line and its opposite counts: a kink near x is crossed by one
 * of them alone. */
#include <math.h>

#include "gradcheck/check.h"

enum { POINTS = 8, PULLS = 4 };

/* 1, 3, 5 or 7, either way. */
static double odd_number(gti_check *c)
{
    const uint64_t bits = gti_check_bits(c);
    return (bits & 4 ? -1 : 1) * (double)(2 * (bits & 3) + 1);
}

/* Odd multiples of 1/8 of the power of two below |x|: the shortest steps (2^-49 in f64) are exact,
 * and each changes the last bit, without which a sum of two could be exact all along the line. */
static void make_line(gti_check *c, double *d)
{
    for (int64_t i = 0; i < c->n_x; i++) {
        const double x = *gti_check_at(c, i), odd = odd_number(c);
        int exponent;
        frexp(x, &exponent);
        d[i] = x == 0 ? 0 : ldexp(odd, exponent - 4);
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
static bool walk(gti_check *c, const double *d, double h)
{
    for (int point = 1; point <= POINTS; point++) {
        double *y = c->near[point & 3];
        if (!gti_check_evaluate_at(c, d, point * h, y)) return false;
        note_differences(c, point);
    }
    return true;
}

/* The seventh difference, of deviation sqrt(3432) s, of the values along a line. */
static bool walk_far(gti_check *c, const double *d, double *seventh)
{
    static const int binomial[POINTS] = {1, -7, 21, -35, 35, -21, 7, -1};
    for (int64_t j = 0; j < c->n_y; j++) seventh[j] = 0;
    for (int point = 0; point < POINTS; point++) {
        if (!gti_check_evaluate_at(c, d, (point + 1) * c->precision->noise_steps[2], c->near[0]))
            return false;
        for (int64_t j = 0; j < c->n_y; j++)
            seventh[j] += binomial[point] * (c->near[0][j] - c->y0[j]);
    }
    return true;
}

static bool look_far(gti_check *c, double *d)
{
    double *seventh[2] = {c->near[1], c->near[2]};
    make_line(c, d);
    if (!walk_far(c, d, seventh[0])) return false;
    for (int64_t i = 0; i < c->n_x; i++) d[i] = -d[i];
    if (!walk_far(c, d, seventh[1])) return false;
    for (int64_t j = 0; j < c->n_y; j++) {
        const double least = fmin(fabs(seventh[0][j]), fabs(seventh[1][j])) / sqrt(3432);
        if (isfinite(least)) c->noise[j] = fmax(c->noise[j], least);
    }
    return true;
}

/* Numbers that differ from v in the last places. */
static void shake_upstream(gti_check *c, const double *v, double *shaken)
{
    for (int64_t j = 0; j < c->n_y; j++)
        shaken[j] = v[j] * (1 + odd_number(c) * c->precision->epsilon);
}

static void note_change(const gti_check *c, const double *here, const double *beside, double *noise)
{
    for (int64_t i = 0; i < c->n_x; i++)
        noise[i] = fmax(noise[i], GTI_ROUNDINGS * fabs(beside[i] - here[i]));
}

/* By how much it changes where x and v do in their last places. */
static bool pull_beside(gti_check *c, const double *v, double *d, double *noise)
{
    double *u = gti_check_room(c, c->n_y, sizeof *u);
    double *here = gti_check_room(c, c->n_x, sizeof *here);
    double *beside = gti_check_room(c, c->n_x, sizeof *beside);
    if (!gti_check_alive(c) || !gti_check_pull(c, v, here)) return false;
    for (int k = 0; k < PULLS; k++) {
        make_line(c, d);
        shake_upstream(c, v, u);
        if (!gti_check_pull_at(c, d, c->precision->noise_steps[0], u, beside)) return false;
        note_change(c, here, beside, noise);
    }
    return true;
}

/* Terms that cancel at x, such as those of a softmax that is nearly 1, need not do so nearer to 0:
 * their rounding is that of numbers as large as they are there, but not of those that tell of a
 * pole. */
static bool pull_nearer(gti_check *c, const double *v, double *d, double *noise)
{
    const double rounding = 64 * c->precision->epsilon, most = 4096 * gti_largest(v, c->n_y);
    double *g = gti_check_room(c, c->n_x, sizeof *g);
    if (!g) return gti_check_alive(c);
    for (int64_t i = 0; i < c->n_x; i++) d[i] = -c->x0[i];
    for (int k = 1; k <= PULLS; k++) {
        if (!gti_check_pull_at(c, d, 1 - exp2(-2 * k), v, g)) return false;
        for (int64_t i = 0; i < c->n_x; i++)
            if (isfinite(g[i])) noise[i] = fmax(noise[i], rounding * fmin(fabs(g[i]), most));
    }
    return true;
}

bool gti_check_backward_noise(gti_check *c, const double *v, bool nearer, double *noise)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *d = gti_check_scratch(c, c->n_x, sizeof *d);
    if (!d) return gti_check_alive(c);
    for (int64_t i = 0; i < c->n_x; i++) noise[i] = 0;
    if (!pull_beside(c, v, d, noise)) return false;
    if (nearer && !pull_nearer(c, v, d, noise)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

bool gti_check_measure_noise(gti_check *c)
{
    if (c->noise_measured || !c->n_x) return true;
    c->noise_measured = true;
    const gt_mark mark = gt_mark_tape(c->gt);
    double *d = gti_check_scratch(c, c->n_x, sizeof *d);
    if (!d) return gti_check_alive(c);
    for (int i = 0; i < 3; i++) {
        make_line(c, d);
        if (!walk(c, d, c->precision->noise_steps[i > 0])) return false;
    }
    if (!look_far(c, d)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* Numeric derivatives: central differences at h and h/2, their Richardson value, and kinks. */
#include <float.h>
#include <math.h>

#include "gradcheck/check.h"

/* One-sided slopes at h [0] and h/2 [1] make the derivative. A central difference is their mean;
 * its error is a h^2 + O(h^4), so (4 D(h/2) - D(h)) / 3 is free of the first term. The gap between
 * the two sides is h f'' for a smooth function and halves with h; at a kink it stays. `noise`
 * bounds what rounding does to a slope; a value that does not change at all has none. */
static gti_slope slope_of(const gti_check *c, const double right[2], const double left[2],
                          double noise, double weight)
{
    if (right[0] == 0 && left[0] == 0 && right[1] == 0 && left[1] == 0) noise = 0;
    const double d0 = (right[0] + left[0]) / 2, d1 = (right[1] + left[1]) / 2;
    gti_slope s = {(4 * d1 - d0) / 3, fabs(d1 - d0) + noise, weight, false};
    const double gap0 = fabs(right[0] - left[0]), gap1 = fabs(right[1] - left[1]);
    const double steepest = fmax(fabs(right[1]), fabs(left[1]));
    const bool bent = gap1 > 0.75 * gap0 && gap1 > 1e-6 * steepest + 100 * noise + c->o.atol;
    const double size = 1e-3 * weight * fabs(s.value);
    const bool unsure = fabs(d1 - d0) > size + 10 * (c->o.atol + noise) || noise > size + 1e-3;
    s.rough = GT_MUTANT(check_no_kinks, bent || unsure, false) || !isfinite(s.value);
    return s;
}

static double *element(gti_check *c, int64_t col)
{
    const int i = gti_check_part(c->x, c->fn->n_var, col);
    return (double *)c->fn->var[i]->data + (col - c->x[i].offset);
}

static void touch(gti_check *c, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++)
        if (c->x[i].offset < to && from < c->x[i].offset + c->x[i].size) gt_touch(c->fn->var[i]);
}

/* The steps that are really taken, after rounding. */
typedef struct {
    double to[4], length[4]; /* x + h, x - h, x + h/2, x - h/2 */
} steps;

static steps steps_around(double x, double h)
{
    steps s;
    for (int k = 0; k < 4; k++) {
        const double wanted = (k % 2 ? -h : h) / (k < 2 ? 1 : 2);
        volatile double to = x + wanted, length = to - x;
        s.to[k] = to;
        s.length[k] = length;
    }
    return s;
}

bool gti_check_column(gti_check *c, int64_t col, gti_slope *slope)
{
    double *x = element(c, col);
    const double x0 = *x;
    const steps s = steps_around(x0, c->o.step * fmax(1, fabs(x0)));
    bool ok = true;
    for (int k = 0; ok && k < 4; k++) {
        *x = s.to[k];
        touch(c, col, col + 1);
        ok = gti_check_evaluate(c, c->near[k]);
    }
    *x = x0;
    touch(c, col, col + 1);
    for (int64_t j = 0; ok && j < c->n_y; j++) {
        double side[4];
        for (int k = 0; k < 4; k++) side[k] = (c->near[k][j] - c->y0[j]) / s.length[k];
        const double noise = 8 * DBL_EPSILON * fabs(c->y0[j]) / fabs(s.length[3]);
        slope[j] =
            slope_of(c, (double[]){side[0], side[2]}, (double[]){side[1], side[3]}, noise, 1);
    }
    return ok;
}

/* The step along a line is a power of two, so that x + h d is exact for d made by
 * gti_check_align. */
static double line_step(const gti_check *c)
{
    return exp2(round(log2(c->o.step)));
}

void gti_check_align(gti_check *c, double *d)
{
    for (int64_t i = 0; i < c->n_x; i++) {
        int exponent;
        frexp(fmax(1, fabs(*element(c, i))), &exponent);
        d[i] = ldexp(round(ldexp(d[i], 28)), exponent - 29);
    }
}

static void move(gti_check *c, const double *d, double h, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) *element(c, i) += h * d[i];
    touch(c, from, to);
}

/* v . (y - y0) */
static double projected_change(const gti_check *c, const double *v, const double *y)
{
    double sum = 0;
    for (int64_t j = 0; j < c->n_y; j++) sum += v[j] * (y[j] - c->y0[j]);
    return sum;
}

static void save(gti_check *c, double *saved, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) saved[i - from] = *element(c, i);
}

static void restore(gti_check *c, const double *saved, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) *element(c, i) = saved[i - from];
    touch(c, from, to);
}

bool gti_check_line(gti_check *c, const double *d, const double *v, int64_t from, int64_t to,
                    gti_slope *slope)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *saved = gti_check_scratch(c, to - from, sizeof *saved);
    if (!saved) return gti_check_alive(c);
    const double h = line_step(c), step[4] = {h, -h, h / 2, -h / 2};
    double side[4], spread = 0;
    bool ok = true;
    save(c, saved, from, to);
    for (int k = 0; ok && k < 4; k++) {
        move(c, d, step[k], from, to);
        ok = gti_check_evaluate(c, c->near[k]);
        restore(c, saved, from, to);
        if (ok) side[k] = projected_change(c, v, c->near[k]) / step[k];
    }
    if (!ok) return false;
    for (int64_t j = 0; j < c->n_y; j++) spread += v[j] * v[j] * c->y0[j] * c->y0[j];
    const double noise = 8 * DBL_EPSILON * sqrt(spread) / (h / 2);
    const double weight = 1 / sqrt(fmax(1, fmax((double)c->n_x, (double)c->n_y)));
    *slope = slope_of(c, (double[]){side[0], side[2]}, (double[]){side[1], side[3]}, noise, weight);
    gt_rewind(c->gt, mark);
    return true;
}

gti_state gti_check_judge(const gti_check *c, double analytic, gti_slope numeric, double *score)
{
    const double size = numeric.weight * fmax(fabs(analytic), fabs(numeric.value));
    const double allowed = GT_MUTANT(check_averaged, 1.0, (double)(c->n_x * c->n_y)) *
                           (c->o.atol + c->o.rtol * size + numeric.estimate);
    const double error = GT_MUTANT(check_absolute, fabs(analytic - numeric.value),
                                   fabs(fabs(analytic) - fabs(numeric.value)));
    *score = isfinite(error) ? error / allowed : INFINITY;
    if (isfinite(numeric.value) && !isfinite(analytic))
        return GT_MUTANT(check_nan_blind, GTI_WRONG, isnan(analytic) ? GTI_FINE : GTI_WRONG);
    if (numeric.rough) return GTI_ROUGH;
    return error <= allowed ? GTI_FINE : GTI_WRONG;
}

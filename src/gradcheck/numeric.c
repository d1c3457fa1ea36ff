/* Numeric derivatives: central differences at h and h/2, their Richardson value, and kinks. Or, to
 * begin with, at h alone: enough where it agrees without any allowance for its own error. */
#include <math.h>

#include "gradcheck/check.h"

static const gti_told untried = {0, INFINITY, -INFINITY, 0, INFINITY};

/* Gradients have rounding of their own. */
static double atol_of(const gti_slope *s)
{
    return s->terms->atol * s->weight * fmin(1, s->scale) +
           GTI_ROUNDINGS * s->terms->precision->epsilon * s->scale;
}

/* One-sided slopes at h [0] and h/2 [1] make the derivative. A central difference is their mean;
 * its error is a h^2 + O(h^4), so (4 D(h/2) - D(h)) / 3 is free of the first term. The gap between
 * the two sides is h f'' for a smooth function and halves with h; at a kink it stays. `rounding`
 * bounds what rounding does to a change. */
gti_slope gti_check_slope(const gti_terms *terms, const double change[4], const double length[4],
                          double rounding, double weight, double largest)
{
    const double right[] = {change[0] / length[0], change[2] / length[2]};
    const double left[] = {change[1] / length[1], change[3] / length[3]};
    const double noise = rounding / fabs(length[3]);
    const gti_precision *p = terms->precision;
    const double scale = fmax(largest, GTI_LEAST_SCALE);
    const double d0 = (right[0] + left[0]) / 2, d1 = (right[1] + left[1]) / 2;
    gti_slope s = {.value = (4 * d1 - d0) / 3,
                   .estimate = fabs(d1 - d0) + noise,
                   .between = fabs(d1 - d0),
                   .right = right[1],
                   .left = left[1],
                   .terms = terms,
                   .weight = weight,
                   .scale = scale};
    const double gap0 = fabs(right[0] - left[0]), gap1 = fabs(right[1] - left[1]);
    const double steepest = fmax(fabs(right[1]), fabs(left[1]));
    const bool stays = gap1 > 0.75 * gap0;
    s.bent = stays && gap1 > p->apart * steepest + p->noises * noise + atol_of(&s);
    if (stays && !s.bent && gap1 > 2 * noise) s.estimate += gap1 / 2; /* a small kink amid it */
    s.leaps = fabs(right[1]) > 1.8 * fabs(right[0]) + noise ||
              fabs(left[1]) > 1.8 * fabs(left[0]) + noise;
    const double told = weight * (p->told[0] * fabs(s.value) + p->told[1] * scale);
    s.rough = GT_MUTANT(check_no_kinks, s.bent || s.estimate > told, false) || !isfinite(s.value);
    return s;
}

gti_slope gti_check_quick_slope(const gti_terms *terms, const double change[2],
                                const double length[2], double rounding, double weight,
                                double largest)
{
    const double right = change[0] / length[0], left = change[1] / length[1];
    const double noise = rounding / fabs(length[1]);
    gti_slope s = {.value = (right + left) / 2,
                   .estimate = noise,
                   .right = right,
                   .left = left,
                   .told = untried,
                   .terms = terms,
                   .weight = weight,
                   .scale = fmax(largest, GTI_LEAST_SCALE)};
    const double steepest = fmax(fabs(right), fabs(left));
    s.bent = fabs(right - left) > 0.1 * steepest + terms->precision->noises * noise + atol_of(&s);
    s.rough = s.bent || !isfinite(s.value);
    return s;
}

/* What does not change is told by the longest step alone. */
static void note_still(gti_slope *s, const double change[4], int step)
{
    s->still = change[0] == 0 && change[1] == 0 && change[2] == 0 && change[3] == 0;
    const gti_precision *p = s->terms->precision;
    if (s->still && p->lengths[step] < p->longest) s->rough = true;
}

/* Whether a step is still because it is short enough to pass by a kink, not lost in rounding. */
static bool passes_by(const gti_slope *best, const gti_slope *still)
{
    return fmax(fabs(best->right), fabs(best->left)) > still->estimate;
}

/* Whether a shorter step, too noisy to be sure, sees the same kink. */
static bool sees_bend(const gti_slope *bent, const gti_slope *s, int step)
{
    return s->terms->precision->lengths[step] < 0 && bent->bent && !bent->leaps &&
           fabs(s->right - s->left) > fabs(bent->right - bent->left) / 2;
}

/* Of two that can be told but contradict each other the longer step has passed something by, or the
 * noise is more than was measured. */
static void keep_better(gti_slope *best, gti_slope s, int step)
{
    const double apart = fabs(best->value - s.value);
    bool better = s.estimate < best->estimate || !isfinite(best->value);
    if (best->rough != s.rough) better = best->rough && !sees_bend(best, &s, step);
    else if (!s.rough && apart > 2 * (best->estimate + s.estimate)) {
        better = s.terms->precision->lengths[step] < 0;
        best->estimate = s.estimate = 2 * apart;
    } else if (best->still != s.still) better = best->still || passes_by(best, &s);
    if (better) *best = s;
}

static void note_home(gti_home *home, const gti_slope *s)
{
    if (s->still || !(s->estimate < home->estimate)) return;
    home->low = fmin(s->left, s->right);
    home->high = fmax(s->left, s->right);
    home->estimate = s->estimate;
}

static void note_told(gti_told *t, const gti_slope *s, int step)
{
    if (!s->rough) {
        t->told++;
        t->low = fmin(t->low, s->value);
        t->high = fmax(t->high, s->value);
    }
    if (s->terms->precision->lengths[step] > 0 || s->still ||
        !(s->between < t->gap * fabs(s->value)))
        return;
    t->steady = s->value;
    t->gap = s->between / fabs(s->value);
}

void gti_check_keep(gti_slope *best, gti_slope s, const double change[4], int step,
                    const double length[4], double home)
{
    note_still(&s, change, step);
    gti_told told = step ? best->told : untried;
    note_told(&told, &s, step);
    gti_home at_home = step ? best->home : (gti_home){home > 0, 0, 0, INFINITY};
    if (length[0] <= home) note_home(&at_home, &s);
    if (step == 0) *best = s;
    else keep_better(best, s, step);
    best->told = told;
    best->home = at_home;
}

/* The steps that are really taken, after rounding. */
typedef struct {
    double to[4], length[4]; /* x + h, x - h, x + h/2, x - h/2 */
} steps;

/* x as it is stored. */
static double stored(const gti_precision *p, double x)
{
    return p == &gti_precision_f32 ? (double)(float)x : x;
}

static steps steps_around(const gti_precision *p, double x, double h)
{
    steps s;
    for (int k = 0; k < 4; k++) {
        const double wanted = (k % 2 ? -h : h) / (k < 2 ? 1 : 2);
        volatile double to = stored(p, x + wanted), length = to - x;
        s.to[k] = to;
        s.length[k] = length;
    }
    return s;
}

/* A step that x is too large for says nothing, least of all that y does not change. */
static bool all_taken(const steps *s)
{
    return s->length[0] != 0 && s->length[1] != 0 && s->length[2] != 0 && s->length[3] != 0;
}

/* y at the first n of the steps of a column into near[]. Fresh outputs need no filling here: that
 * they are written has been seen. */
static bool evaluate_column(gti_check *c, int64_t col, const steps *s, int n)
{
    double *x = gti_check_at(c, col);
    const double x0 = *x;
    bool ok = true;
    gti_session_prefill(c->gt, GTI_PREFILL_OFF);
    for (int k = 0; ok && k < n; k++) {
        *x = s->to[k];
        gti_check_touch(c, col, col + 1);
        ok = gti_check_evaluate(c, c->near[k]);
    }
    gti_session_prefill(c->gt, GTI_PREFILL_ON);
    *x = x0;
    gti_check_touch(c, col, col + 1);
    return ok;
}

static steps steps_of_column(const gti_check *c, const gti_part *part, int64_t col, int step)
{
    const double x = part->data[col - part->offset];
    const double h = part->terms.step * fmax(part->unit, fabs(x));
    return steps_around(c->precision, x, ldexp(h, c->precision->lengths[step]));
}

bool gti_check_column_at(gti_check *c, int64_t col, double h, double scale, gti_slope *slope)
{
    const gti_part *part = &c->x[gti_check_input(c, col)];
    const steps s = steps_around(c->precision, part->data[col - part->offset], h);
    if (all_taken(&s) && !evaluate_column(c, col, &s, 4)) return false;
    for (int64_t j = 0; j < c->n_y; j++) {
        double change[4];
        for (int k = 0; k < 4; k++) change[k] = all_taken(&s) ? c->near[k][j] - c->y0[j] : NAN;
        slope[j] = gti_check_slope(&part->terms, change, s.length, gti_check_noise(c, j), 1, scale);
    }
    return true;
}

bool gti_check_column(gti_check *c, int64_t col, int step, double scale, gti_slope *slope)
{
    const gti_part *part = &c->x[gti_check_input(c, col)];
    const steps s = steps_of_column(c, part, col, step);
    if (step > 0 && !all_taken(&s)) return true;
    if (!evaluate_column(c, col, &s, 4)) return false;
    for (int64_t j = 0; j < c->n_y; j++) {
        double change[4];
        for (int k = 0; k < 4; k++) change[k] = c->near[k][j] - c->y0[j];
        const double noise = gti_check_noise(c, j);
        gti_check_keep(&slope[j], gti_check_slope(&part->terms, change, s.length, noise, 1, scale),
                       change, step, s.length, part->home);
    }
    return true;
}

bool gti_check_quick_column(gti_check *c, int64_t col, double scale, gti_slope *slope)
{
    const gti_part *part = &c->x[gti_check_input(c, col)];
    const steps s = steps_of_column(c, part, col, 0);
    if (!evaluate_column(c, col, &s, 2)) return false;
    for (int64_t j = 0; j < c->n_y; j++) {
        const double change[2] = {c->near[0][j] - c->y0[j], c->near[1][j] - c->y0[j]};
        slope[j] =
            gti_check_quick_slope(&part->terms, change, s.length, gti_check_noise(c, j), 1, scale);
    }
    return true;
}

/* At a kink a derivative is any slope between those of the two sides, at a jump anything; where
 * none can be told, it is wrong only if it is far from anything that was seen. */
static gti_state judge_rough(double error, double allowed, double analytic, const gti_slope *s)
{
    if (!isfinite(s->value)) return GTI_ROUGH;
    if (s->leaps) return GTI_JUMP;
    if (!s->bent) return error > 100 * allowed + fabs(s->value) ? GTI_WRONG : GTI_ROUGH;
    if (s->line) return GTI_KINK;
    const double low = fmin(s->right, s->left), high = fmax(s->right, s->left);
    const double slack = allowed + s->terms->precision->slack * (high - low);
    return analytic < low - slack || analytic > high + slack ? GTI_WRONG : GTI_KINK;
}

/* A kink that a step passes by leaves one side as it is. */
static bool is_fine_at_home(double analytic, double allowed, const gti_slope *s)
{
    const double slack = allowed - s->estimate + s->home.estimate;
    return s->home.leaves && analytic >= s->home.low - slack && analytic <= s->home.high + slack;
}

/* Leaps of rounding inside of the function, or of a function that oscillates faster than its noise
 * was looked at, make steps contradict each other: then nothing is wrong that differs no more than
 * they do, that a single one denies, or that the steadiest confirms. */
static bool is_doubtful(double error, double analytic, double atol, const gti_slope *s)
{
    const gti_told *t = &s->told;
    const double allowed = (4 * t->gap + s->terms->rtol) * fabs(t->steady) + atol;
    const bool steady =
        t->gap < s->terms->precision->steady && fabs(analytic - t->steady) <= allowed;
    if (s->still || s->rough || !t->told) return steady && !s->still;
    return steady || t->told == 1 || error <= 2 * (t->high - t->low);
}

/* An error of a hundredth would not be seen. */
static bool is_vague(const gti_slope *s)
{
    const double *vague = s->terms->precision->vague;
    return !s->still && s->estimate > s->weight * (vague[0] * fabs(s->value) + vague[1] * s->scale);
}

gti_state gti_check_judge(const gti_check *c, double analytic, const gti_slope *numeric,
                          double *score)
{
    (void)c; /* but of mutants */
    const double size = numeric->weight * gti_larger(fabs(analytic), fabs(numeric->value));
    const double atol = atol_of(numeric);
    const double allowed = GT_MUTANT(check_averaged, 1.0, (double)(c->n_x * c->n_y)) *
                           (atol + numeric->terms->rtol * size + numeric->estimate);
    const double error = GT_MUTANT(check_absolute, fabs(analytic - numeric->value),
                                   fabs(fabs(analytic) - fabs(numeric->value)));
    *score = isfinite(error) ? error / allowed : INFINITY;
    if (isfinite(numeric->value) && !isfinite(analytic))
        return GT_MUTANT(check_nan_blind, GTI_WRONG, isnan(analytic) ? GTI_FINE : GTI_WRONG);
    if (numeric->still && error <= atol) return GTI_FINE;
    if (numeric->rough && numeric->still) return GTI_ROUGH;
    const gti_state state = numeric->rough     ? judge_rough(error, allowed, analytic, numeric)
                            : error <= allowed ? GTI_FINE
                                               : GTI_WRONG;
    const bool excused = state == GTI_WRONG ? is_fine_at_home(analytic, allowed, numeric) ||
                                                  is_doubtful(error, analytic, atol, numeric)
                                            : state == GTI_FINE && is_vague(numeric);
    return excused ? GTI_ROUGH : state;
}

bool gti_check_tells(const gti_check *c, double other, gti_slope *numeric)
{
    double score;
    numeric->home.leaves = false; /* other steps would be tried */
    numeric->told.told = 0;
    return gti_check_judge(c, other, numeric, &score) == GTI_WRONG;
}

void gti_check_rescale(gti_slope *numeric, double scale)
{
    const double least = gti_larger(scale, GTI_LEAST_SCALE * gti_larger(numeric->scale, 1));
    if (least < numeric->scale) numeric->scale = least;
}

bool gti_check_is_open(gti_state state, const gti_slope *numeric, int step)
{
    if (step + 1 >= GTI_STEPS || state == GTI_FINE) return false;
    return state != GTI_WRONG || numeric->rough || numeric->told.told < GTI_CONFIRMED ||
           numeric->told.gap > numeric->terms->precision->steady;
}

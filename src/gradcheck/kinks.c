/* Entries at kinks, together. */
#include <math.h>

#include "gradcheck/check.h"

typedef struct {
    double *d;            /* [n_x]; 0 but in columns with a kink */
    double *right, *left; /* [n_y], the slopes along d and against it */
} line;

static bool has_kink(const gti_table *t, int64_t k)
{
    for (int64_t r = 0; r < t->n_rows; r++)
        if (t->state[r * t->n_cols + k] == GTI_KINK) return true;
    return false;
}

static void draw_line(gti_check *c, const int64_t *col, int64_t n, double *d)
{
    for (int64_t k = 0; k < n; k++) gti_check_weights(c, 1, &d[col[k]]);
    gti_check_align(c, d, 0, c->n_x);
    for (int i = 0; i < c->fn->n_var; i++) {
        const gti_part *x = &c->x[i];
        const double share = exp2(round(log2(x->terms.step / c->o.step)));
        for (int64_t k = x->offset; k < x->offset + x->size; k++) d[k] *= share;
    }
}

static double largest_atol(const gti_check *c)
{
    double atol = 0;
    for (int i = 0; i < c->fn->n_var; i++) atol = fmax(atol, c->x[i].terms.atol);
    return atol;
}

static bool one_side(gti_check *c, const line *l, double h, double *slope)
{
    if (!gti_check_evaluate_at(c, l->d, h, c->near[0])) return false;
    for (int64_t j = 0; j < c->n_y; j++) slope[j] = (c->near[0][j] - c->y0[j]) / h;
    return true;
}

/* Along a random line through these columns. */
static bool both_sides(gti_check *c, const int64_t *col, int64_t n, double h, line *l)
{
    draw_line(c, col, n, l->d);
    return one_side(c, l, h, l->right) && one_side(c, l, -h, l->left);
}

static bool make_line(gti_check *c, line *l)
{
    *l = (line){.d = gti_check_scratch(c, c->n_x, sizeof *l->d),
                .right = gti_check_scratch(c, c->n_y, sizeof *l->right),
                .left = gti_check_scratch(c, c->n_y, sizeof *l->left)};
    return gti_check_alive(c) && gti_check_measure_noise(c);
}

static bool fail(gti_check *c, const char *where, double low, double high, double along)
{
    return gti_check_fail(c, GT_GRADCHECK_DERIVATIVE,
                          "equal maxima share a gradient; it is not each one's",
                          "at a kink of %s the slope along a line is between %.6g and %.6g, by "
                          "the gradient %.6g",
                          where, low, high, along);
}

/* Of the rows that have kinks. */
static bool rows_between(gti_check *c, const gti_table *t, const line *l, double h)
{
    const double atol = largest_atol(c);
    for (int64_t r = 0; r < t->n_rows; r++) {
        const int64_t j = t->row[r];
        double along = 0, size = 0;
        unsigned bends = 0;
        for (int64_t k = 0; k < t->n_cols; k++) {
            const int64_t at = r * t->n_cols + k;
            along += t->analytic[at] * l->d[t->col[k]];
            size += fabs(t->analytic[at] * l->d[t->col[k]]);
            if (t->state[at] == GTI_KINK) bends |= t->bent[at];
        }
        const double low = fmin(l->right[j], l->left[j]), high = fmax(l->right[j], l->left[j]);
        const double slack =
            atol + c->precision->slack * (size + high - low) + gti_check_noise(c, j) / h;
        const bool one_kind = bends && bends != GTI_MIXED;
        if (!one_kind || !(along < low - slack || along > high + slack)) continue;
        char y[128];
        return fail(c, gti_check_place(c->y, c->fn->n_out, j, y, sizeof y), low, high, along);
    }
    return true;
}

/* So short that few kinks besides are crossed. */
static double short_step(const gti_check *c)
{
    const gti_terms all = {.step = c->o.step, .precision = c->precision};
    return gti_check_line_step(&all, 1);
}

bool gti_check_kinks(gti_check *c, const gti_table *t)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    const double h = short_step(c);
    int64_t *col = gti_check_scratch(c, t->n_cols, sizeof *col), n = 0;
    line l;
    if (!make_line(c, &l)) return false;
    for (int64_t k = 0; k < t->n_cols; k++)
        if (has_kink(t, k)) col[n++] = t->col[k];
    for (int i = 0; i < c->o.probes; i++)
        if (!both_sides(c, col, n, h, &l) || !rows_between(c, t, &l, h)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

/* --- in projections: every row may be anywhere between its own two slopes --- */

bool gti_check_is_between(const gti_check *c, double analytic, const double *v,
                          const gti_slope *slope)
{
    double low = 0, high = 0, slack = 0;
    for (int64_t j = 0; j < c->n_y; j++) {
        const double right = v[j] * slope[j].right, left = v[j] * slope[j].left;
        low += fmin(right, left);
        high += fmax(right, left);
        slack += fabs(v[j]) * slope[j].estimate;
    }
    slack += largest_atol(c) + c->precision->slack * (fabs(analytic) + high - low);
    return !(analytic < low - slack || analytic > high + slack);
}

static bool sum_between(gti_check *c, const line *l, double h, const double *v, const double *g)
{
    double low = 0, high = 0, squares = 0;
    const double along = gti_check_project(g, l->d, c->n_x, &squares);
    for (int64_t j = 0; j < c->n_y; j++) {
        low += fmin(v[j] * l->right[j], v[j] * l->left[j]);
        high += fmax(v[j] * l->right[j], v[j] * l->left[j]);
    }
    const double slack = largest_atol(c) + c->precision->slack * (sqrt(squares) + high - low) +
                         gti_check_projected_noise(c, v) / h;
    if (!(along < low - slack || along > high + slack)) return true;
    return fail(c, "a projection", low, high, along);
}

bool gti_check_projected_kinks(gti_check *c, const int64_t *col, int64_t n, const double *v,
                               const double *g)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    const double h = short_step(c);
    line l;
    if (!make_line(c, &l)) return false;
    for (int i = 0; i < c->o.probes; i++)
        if (!both_sides(c, col, n, h, &l) || !sum_between(c, &l, h, v, g)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

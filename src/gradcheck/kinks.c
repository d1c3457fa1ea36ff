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

static void draw_line(gti_check *c, const gti_table *t, double *d)
{
    for (int64_t k = 0; k < t->n_cols; k++)
        if (has_kink(t, k)) gti_check_weights(c, 1, &d[t->col[k]]);
    gti_check_align(c, d);
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

/* Of the rows that have kinks. */
static bool rows_between(gti_check *c, const gti_table *t, const line *l, double h)
{
    const double atol = largest_atol(c);
    for (int64_t r = 0; r < t->n_rows; r++) {
        const int64_t j = t->row[r];
        double along = 0, size = 0;
        bool kink = false;
        for (int64_t k = 0; k < t->n_cols; k++) {
            const int64_t at = r * t->n_cols + k;
            along += t->analytic[at] * l->d[t->col[k]];
            size += fabs(t->analytic[at] * l->d[t->col[k]]);
            kink |= t->state[at] == GTI_KINK;
        }
        const double low = fmin(l->right[j], l->left[j]), high = fmax(l->right[j], l->left[j]);
        const double slack = atol + 1e-3 * (size + high - low) + gti_check_noise(c, j) / h;
        if (!kink || !(along < low - slack || along > high + slack)) continue;
        char y[128];
        return gti_check_fail(
            c, GT_GRADCHECK_DERIVATIVE, "equal maxima share a gradient; it is not each one's",
            "at a kink of %s the slope along a line is between %.6g and %.6g, by "
            "the gradient %.6g",
            gti_check_place(c->y, c->fn->n_out, j, y, sizeof y), low, high, along);
    }
    return true;
}

bool gti_check_kinks(gti_check *c, const gti_table *t)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    line l = {.d = gti_check_scratch(c, c->n_x, sizeof *l.d),
              .right = gti_check_scratch(c, c->n_y, sizeof *l.right),
              .left = gti_check_scratch(c, c->n_y, sizeof *l.left)};
    if (!gti_check_alive(c)) return false;
    if (!gti_check_measure_noise(c)) return false;
    const double h = gti_check_line_step(c->o.step, 1);
    for (int i = 0; i < c->o.probes; i++) {
        draw_line(c, t, l.d);
        if (!one_side(c, &l, h, l.right) || !one_side(c, &l, -h, l.left) ||
            !rows_between(c, t, &l, h))
            return false;
    }
    gt_rewind(c->gt, mark);
    return true;
}

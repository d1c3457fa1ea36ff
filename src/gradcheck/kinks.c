/* Entries at kinks: whether several kinks meet there, and all entries together. */
#include <math.h>

#include "gradcheck/check.h"

/* --- several kinks at one place --- */

enum { STRETCHES = 32, WALKS = 8 };

/* What is walked on: d moves the other columns a little aside, and this one along. */
typedef struct {
    int64_t col, n;
    const int64_t *row;
    const double *v;
    double *d, *y; /* [n_x]; [STRETCHES + 1, n]: the rows' values, or that of v . y */
} path;

static void take_values(const gti_check *c, const path *p, double *y)
{
    const double *now = c->near[0];
    if (p->v) y[0] = 0;
    for (int64_t j = 0; p->v && j < c->n_y; j++) y[0] += p->v[j] * (now[j] - c->y0[j]);
    for (int64_t r = 0; !p->v && r < p->n; r++) y[r] = now[p->row[r]] - c->y0[p->row[r]];
}

/* `reach` times as far as the others are aside, both ways. */
static bool walk_beside(gti_check *c, const path *p, double reach)
{
    const double aside = 0x1p-13;
    const gti_part *x = &c->x[gti_check_input(c, p->col)];
    const double unit = fmax(x->unit, fabs(x->data[p->col - x->offset]));
    gti_check_weights(c, c->n_x, p->d);
    gti_check_align(c, p->d, 0, c->n_x);
    for (int i = 0; i <= STRETCHES; i++) {
        p->d[p->col] = reach * unit * (2.0 * i / STRETCHES - 1);
        if (!gti_check_evaluate_at(c, p->d, aside, c->near[0])) return false;
        take_values(c, p, p->y + i * p->n);
    }
    return true;
}

/* Whether stretches have other slopes than the first one and the last: the one that a single kink
 * lies in has. */
static bool bends_twice(const double *y, int64_t step)
{
    double slope[STRETCHES], low = INFINITY, high = -INFINITY;
    int others = 0;
    for (int i = 0; i < STRETCHES; i++) {
        slope[i] = y[(i + 1) * step] - y[i * step];
        low = fmin(low, slope[i]);
        high = fmax(high, slope[i]);
    }
    for (int i = 0; i < STRETCHES; i++) {
        const double apart = fmin(fabs(slope[i] - slope[0]), fabs(slope[i] - slope[STRETCHES - 1]));
        others += apart > (high - low) / 32;
    }
    return others > 1;
}

bool gti_check_kinks_meet(gti_check *c, int64_t col, const int64_t *row, int64_t n, const double *v,
                          bool *meet)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    const path p = {.col = col,
                    .n = n,
                    .row = row,
                    .v = v,
                    .d = gti_check_room(c, c->n_x, sizeof *p.d),
                    .y = gti_check_room(c, (STRETCHES + 1) * n, sizeof *p.y)};
    bool all = false;
    if (!gti_check_alive(c)) return false;
    for (int i = 0; i < WALKS && !all; i++) {
        if (!walk_beside(c, &p, i % 2 ? 32 : 4)) return false;
        all = true;
        for (int64_t r = 0; r < n; r++) {
            if (!meet[r]) meet[r] = bends_twice(p.y + r, n);
            all = all && meet[r];
        }
    }
    gt_rewind(c->gt, mark);
    return true;
}

/* --- all kinks of a table, along lines --- */

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

/* Whether there are several kinks at once at an entry of row r. */
static bool some_meet(gti_check *c, const gti_table *t, int64_t r, bool *meet)
{
    *meet = false;
    for (int64_t k = 0; k < t->n_cols && !*meet; k++)
        if (t->state[r * t->n_cols + k] == GTI_KINK &&
            !gti_check_kinks_meet(c, t->col[k], &t->row[r], 1, NULL, meet))
            return false;
    return true;
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
        bool meet;
        if (!some_meet(c, t, r, &meet)) return false;
        if (meet) continue;
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

static bool sum_between(gti_check *c, const line *l, double h, const double *v, const double *g,
                        const int64_t *col, int64_t n)
{
    double low = 0, high = 0, squares = 0;
    const double along = gti_check_project(g, l->d, c->n_x, &squares);
    for (int64_t j = 0; j < c->n_y; j++) {
        low += fmin(v[j] * l->right[j], v[j] * l->left[j]);
        high += fmax(v[j] * l->right[j], v[j] * l->left[j]);
    }
    const double slack = largest_atol(c) + c->precision->slack * (sqrt(squares) + high - low) +
                         gti_check_projected_noise(c, v) / h;
    bool fine = !(along < low - slack || along > high + slack);
    for (int64_t k = 0; k < n && !fine; k++)
        if (!gti_check_kinks_meet(c, col[k], NULL, 1, v, &fine)) return false;
    return fine || fail(c, "a projection", low, high, along);
}

bool gti_check_projected_kinks(gti_check *c, const int64_t *col, int64_t n, const double *v,
                               const double *g)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    const double h = short_step(c);
    line l;
    if (!make_line(c, &l)) return false;
    for (int i = 0; i < c->o.probes; i++)
        if (!both_sides(c, col, n, h, &l) || !sum_between(c, &l, h, v, g, col, n)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

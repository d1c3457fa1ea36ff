/* The entry at fault where a projection differs, by halving. */
#include <math.h>

#include "gradcheck/fast.h"

enum {
    ALIKE = 4,        /* kinks at the same number, after which others are taken for granted */
    SAMPLE_ROWS = 16, /* of the Jacobian, to explain a failure by */
    SAMPLE_COLUMNS = 64,
};

/* The column that contributes most to the difference, by halving. */
static bool find_column(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t *col)
{
    int64_t from = p->from, to = p->to;
    while (to - from > 1) {
        const int64_t middle = from + (to - from) / 2;
        gti_comparison left, right;
        if (!gti_fast_compare(c, p, u, from, middle, &left)) return false;
        if (!gti_fast_compare(c, p, u, middle, to, &right)) return false;
        if (left.apart >= right.apart) to = middle;
        else from = middle;
    }
    *col = from;
    return true;
}

/* |v' (J - numeric J) e_col| over rows from..to-1. */
static bool rows_apart(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t col,
                       int64_t from, int64_t to, double *apart)
{
    double numeric = 0;
    for (int64_t j = 0; j < c->n_y; j++) p->masked[j] = j >= from && j < to ? u->v[j] : 0;
    if (!gti_check_vjp(c, p->masked, p->pulled)) return false;
    for (int64_t j = from; j < to; j++) numeric += u->v[j] * p->slope[j].value;
    *apart = fabs(p->pulled[col] - numeric);
    if (!isfinite(*apart)) *apart = INFINITY;
    return true;
}

static bool find_row(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t col,
                     int64_t *row)
{
    int64_t from = 0, to = c->n_y;
    if (!gti_check_begin(c)) return false;
    while (to - from > 1) {
        const int64_t middle = from + (to - from) / 2;
        double left, right;
        if (!rows_apart(c, p, u, col, from, middle, &left)) return false;
        if (!rows_apart(c, p, u, col, middle, to, &right)) return false;
        if (left >= right) to = middle;
        else from = middle;
    }
    gti_check_end(c);
    *row = from;
    return true;
}

/* Which inputs the probe is wrong in, each by itself. */
static bool judge_inputs(gti_check *c, const gti_probe *p, const gti_upstream *u)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        gti_comparison r;
        const gti_part *x = &c->x[i];
        gti_check_reset_tally(c, i, false);
        if (x->masked == x->size) continue;
        if (!gti_fast_compare(c, p, u, x->offset, x->offset + x->size, &r)) return false;
        c->tally[i].found.compared = 1;
        c->tally[i].found.telling = gti_fast_tells(c, &r, r.analytic, INFINITY);
        c->tally[i].found.wrong = r.state == GTI_WRONG;
    }
    return true;
}

static int64_t leave_out_masked(const gti_check *c, int64_t *cols, int64_t n)
{
    int64_t kept = 0;
    for (int64_t k = 0; k < n; k++)
        if (gti_check_has_column(c, cols[k])) cols[kept++] = cols[k];
    return kept;
}

/* Looks at the entry found and others around it; the report tells what they have in common. */
static bool explain(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t row,
                    int64_t col)
{
    int64_t rows[SAMPLE_ROWS], cols[SAMPLE_COLUMNS];
    const int input = gti_check_input(c, col);
    if (!judge_inputs(c, p, u)) return false;
    gti_check_reset_tally(c, input, true);
    const gti_part *x = &c->x[input];
    const gti_part *y = &c->y[gti_check_part(c->y, c->fn->n_out, row)];
    const int64_t n_rows = gti_check_spread(y->size, SAMPLE_ROWS, y->offset, row, rows);
    const int64_t n_spread = gti_check_spread(x->size, SAMPLE_COLUMNS, x->offset, col, cols);
    const int64_t n_cols = leave_out_masked(c, cols, n_spread);
    c->r->entries = n_rows * n_cols;
    return gti_check_compare(c, rows, n_rows, cols, n_cols);
}

static const gti_slope *rough_row(const gti_check *c, const gti_probe *p)
{
    for (int64_t j = 0; j < c->n_y; j++)
        if (p->slope[j].rough && !p->slope[j].still) return &p->slope[j];
    return NULL;
}

static void pass_over(gti_check *c, gti_probe *p, int64_t col)
{
    c->tally[gti_check_input(c, col)].found.skipped++;
    p->passed_over[col] = p->some_passed_over = true;
    p->d[col] = 0;
}

/* Zeros before a rectifier, or a background before a maximum, are too many to look at each. */
static void pass_over_alike(gti_check *c, gti_probe *p, int64_t col)
{
    const gti_part *part = &c->x[gti_check_input(c, col)];
    const int64_t from = part->offset, to = from + part->size;
    int alike = 0;
    for (int64_t k = 0; k < p->n_kinks; k++)
        alike += p->kink[k] >= from && p->kink[k] < to && c->x0[p->kink[k]] == c->x0[col];
    if (alike < ALIKE) return;
    for (int64_t i = from; i < to; i++) {
        if (p->passed_over[i] || c->x0[i] != c->x0[col] || !gti_check_has_column(c, i)) continue;
        pass_over(c, p, i);
        c->r->kinks++;
        c->alike++;
    }
}

/* meet: several of them at once. */
static void note_kink(const gti_check *c, gti_probe *p, int64_t col, bool meet)
{
    p->kink[p->n_kinks++] = col;
    for (int64_t j = 0; j < c->n_y; j++)
        if (p->slope[j].rough && p->slope[j].bent)
            p->bends[j] |= (uint8_t)(meet ? GTI_MIXED : gti_bend_of(&p->slope[j]));
}

/* Decides about a column that stands out: a kink is passed over, a wrong entry ends the check. */
static bool examine(gti_check *c, gti_probe *p, const gti_upstream *u, int64_t col, bool *settled)
{
    if (!gti_check_measure_noise(c)) return false;
    const double scale = gti_largest(u->g, c->n_x);
    for (int step = 0; step == 0 || (step < GTI_STEPS && rough_row(c, p)); step++)
        if (!gti_check_column(c, col, step, scale, p->slope)) return false;
    const gti_slope *rough = rough_row(c, p);
    const bool bent = rough && rough->bent && !rough->leaps;
    const bool beyond = bent && !gti_check_is_between(c, u->g[col], u->v, p->slope);
    bool meet = false;
    if (beyond && !gti_check_kinks_meet(c, col, NULL, 1, u->v, &meet)) return false;
    *settled = rough && (!beyond || meet);
    if (*settled) {
        gti_check_kink(c, rough->bent || rough->leaps ? GTI_KINK : GTI_ROUGH, rough - p->slope,
                       col);
        pass_over(c, p, col);
        p->examined++;
        if (bent) note_kink(c, p, col, meet);
        if (bent) pass_over_alike(c, p, col);
    }
    int64_t row = 0;
    return *settled || (find_row(c, p, u, col, &row) && explain(c, p, u, row, col));
}

static bool fail_projection(gti_check *c)
{
    return gti_check_fail(
        c, GT_GRADCHECK_DERIVATIVE, "",
        "a random projection of the Jacobian differs from the numeric one, though "
        "no single entry does; .mode = GT_GRADCHECK_FULL looks at them all");
}

/* Whether columns like this one, which differ no more than what is uncertain of them, would make
 * the difference: small kinks amid noise, which a projection may not see in its own two sides. */
static bool is_uncertain(const gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t col,
                         const gti_comparison *r)
{
    double numeric = 0, estimate = 0;
    for (int64_t j = 0; j < c->n_y; j++) {
        numeric += u->v[j] * p->slope[j].value;
        estimate += fabs(u->v[j]) * p->slope[j].estimate;
    }
    return fabs(u->g[col] - numeric) <= estimate &&
           fabs(r->analytic - r->numeric.value) <= estimate * (double)(p->to - p->from);
}

bool gti_fast_search(gti_check *c, gti_probe *p, const gti_upstream *u, gti_comparison *r)
{
    while (r->state != GTI_FINE && p->examined < GTI_MOST_KINKS) {
        int64_t col;
        bool settled;
        if (!find_column(c, p, u, &col) || !examine(c, p, u, col, &settled)) return false;
        if (!settled) {
            if (r->state == GTI_WRONG && !is_uncertain(c, p, u, col, r)) return fail_projection(c);
            gti_check_kink(c, GTI_ROUGH, 0, col);
            p->examined++;
            return true;
        }
        if (!gti_fast_compare(c, p, u, p->from, p->to, r)) return false;
    }
    return true;
}

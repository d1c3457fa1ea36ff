/* Entries that seem wrong, looked at once more: where the analytic value would show if it were
 * right. What speaks for it makes an entry one that cannot be told. */
#include <math.h>

#include "gradcheck/check.h"

enum {
    MOST_LOOKS = 256, /* of a check: what seems wrong after so many is */
    ALIKE = 4         /* columns at the same number where kinks meet speak for all of them */
};

/* A column of the table, with the slopes of all y. */
typedef struct {
    gti_table *t;
    int64_t k;
    const gti_slope *slope;
    gti_slope *again; /* [n_y] */
} column;

static int64_t place_of(const column *col, int64_t r)
{
    return r * col->t->n_cols + col->k;
}

static double difference(const column *col, int64_t r)
{
    return fabs(col->t->analytic[place_of(col, r)] - col->slope[col->t->row[r]].value);
}

static bool seems_wrong(const column *col, int64_t r, bool bent)
{
    const gti_slope *s = &col->slope[col->t->row[r]];
    return col->t->state[place_of(col, r)] == GTI_WRONG && (s->rough && s->bent) == bent;
}

/* The row that differs most, -1 where none does. */
static int64_t widest(const column *col, bool bent)
{
    int64_t most = -1;
    for (int64_t r = 0; r < col->t->n_rows; r++)
        if (seems_wrong(col, r, bent) && (most < 0 || difference(col, r) > difference(col, most)))
            most = r;
    return most;
}

/* Whether the slope is within `part` of the analytic value, and was at half of the step. That
 * nothing changes confirms nothing. */
static bool confirms(const gti_slope *s, double analytic, double part)
{
    return fabs(s->value - analytic) < part && s->between < part && fabs(s->value) > part;
}

/* The table's rows that a step of this length confirms; where `before` has them, too, they are not
 * wrong. */
static bool look_at_step(gti_check *c, column *col, double h, bool *before)
{
    if (!gti_check_column_at(c, col->t->col[col->k], h, col->t->scale, col->again)) return false;
    for (int64_t r = 0; r < col->t->n_rows; r++) {
        if (!seems_wrong(col, r, false)) continue;
        const bool now = confirms(&col->again[col->t->row[r]], col->t->analytic[place_of(col, r)],
                                  difference(col, r) / 8);
        if (now && before[r]) col->t->state[place_of(col, r)] = GTI_ROUGH;
        before[r] = now;
    }
    return true;
}

/* By short steps: of what changes faster than the usual ones see they say little, and little else
 * from step to step. Two that follow each other are no chance. */
static bool look_closely(gti_check *c, column *col)
{
    if (widest(col, false) < 0) return true;
    const int64_t at = col->t->col[col->k];
    const double x = fmax(c->x[gti_check_input(c, at)].unit, fabs(*gti_check_at(c, at)));
    bool *before = gti_check_scratch(c, col->t->n_rows, sizeof *before);
    if (!before) return gti_check_alive(c);
    double h = x * c->precision->epsilon * 64;
    while (h < x * c->precision->step) {
        if (!look_at_step(c, col, h, before)) return false;
        h *= 64;
    }
    return true;
}

/* By the step of inputs that are not all tiny: shorter ones may see nothing but the stairs of
 * rounding, as those of (exp(x) - 1) / x do. */
static bool look_from_afar(gti_check *c, column *col)
{
    const int64_t at = col->t->col[col->k];
    const gti_part *part = &c->x[gti_check_input(c, at)];
    if (part->unit == 1 || widest(col, false) < 0) return true;
    if (!gti_check_column_at(c, at, part->terms.step, col->t->scale, col->again)) return false;
    for (int64_t r = 0; r < col->t->n_rows; r++) {
        const double analytic = col->t->analytic[place_of(col, r)];
        const double near = fmin(difference(col, r) / 8, 0.01 * fabs(analytic));
        if (seems_wrong(col, r, false) && confirms(&col->again[col->t->row[r]], analytic, near))
            col->t->state[place_of(col, r)] = GTI_ROUGH;
    }
    return true;
}

/* Whether the gradient is this different only by its own rounding. */
static bool look_at_rounding(gti_check *c, column *col)
{
    double *v = gti_check_scratch(c, c->n_y, sizeof *v);
    double *noise = gti_check_room(c, c->n_x, sizeof *noise);
    if (!gti_check_alive(c)) return false;
    for (int64_t r = 0; r < col->t->n_rows && c->looks < MOST_LOOKS; r++) {
        const int64_t j = col->t->row[r];
        if (!seems_wrong(col, r, false)) continue;
        c->looks++;
        v[j] = 1;
        if (!gti_check_backward_noise(c, v, false, noise)) return false;
        v[j] = 0;
        if (difference(col, r) <= gti_largest(noise, c->n_x) + col->slope[j].estimate)
            col->t->state[place_of(col, r)] = GTI_ROUGH;
    }
    return true;
}

/* Zeros before a layer with rectifiers, or around digits, are too many to look at each. */
static bool is_like_others(gti_check *c, int64_t at)
{
    const int input = gti_check_input(c, at);
    const double x = *gti_check_at(c, at);
    if (c->met_input != input || c->met_x != x) c->met = 0;
    c->met_input = input;
    c->met_x = x;
    return c->met >= ALIKE;
}

/* Of a sum of kinks at the same place nearly any slope is a derivative that somebody takes. */
static bool look_for_kinks(gti_check *c, column *col)
{
    gti_table *t = col->t;
    const int64_t at = t->col[col->k];
    if (widest(col, true) < 0) return true;
    bool *meet = gti_check_room(c, t->n_rows, sizeof *meet), met = false;
    if (!meet) return gti_check_alive(c);
    const bool alike = is_like_others(c, at);
    for (int64_t r = 0; r < t->n_rows; r++) meet[r] = alike || !seems_wrong(col, r, true);
    if (!alike && !gti_check_kinks_meet(c, at, t->row, t->n_rows, NULL, meet)) return false;
    for (int64_t r = 0; r < t->n_rows; r++) {
        if (!seems_wrong(col, r, true) || !meet[r]) continue;
        t->state[place_of(col, r)] = GTI_KINK;
        t->bent[place_of(col, r)] = GTI_MIXED;
        met = true;
    }
    c->met += met;
    return true;
}

bool gti_check_look_again(gti_check *c, gti_table *t, int64_t k, const gti_slope *slope)
{
    column col = {.t = t, .k = k, .slope = slope};
    const bool smooth = widest(&col, false) >= 0, bent = widest(&col, true) >= 0;
    if (!bent && (!smooth || c->looks >= MOST_LOOKS)) return true;
    const gt_mark mark = gt_mark_tape(c->gt);
    c->looks += smooth;
    col.again = gti_check_room(c, c->n_y, sizeof *col.again);
    if (!col.again) return gti_check_alive(c);
    const bool ok = look_closely(c, &col) && look_from_afar(c, &col) && look_at_rounding(c, &col) &&
                    look_for_kinks(c, &col);
    gt_rewind(c->gt, mark);
    return ok;
}

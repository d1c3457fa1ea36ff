/* Random projections: v' J u both ways, and the search for the entry when they differ. */
#include <math.h>

#include "gradcheck/check.h"

enum {
    DIRECTIONS = 4,   /* for each v */
    MOST_KINKS = 16,  /* columns that are passed over before the check gives up */
    SAMPLE_ROWS = 16, /* of the Jacobian, to explain a failure by */
    SAMPLE_COLUMNS = 64,
};

typedef struct {
    double *v, *d; /* [n_y], [n_x]; d is 0 in the columns passed over */
    double *g;     /* [n_x] = v' J, analytic */
    double scale;  /* of g . d */
    double *masked, *pulled;
    gti_slope *slope; /* [n_y], of one column */
    bool *passed_over;
} probe;

/* Two evaluations at a step, then at a shorter one that passes by most kinks. */
static bool settle_quickly(gti_check *c, const gti_line *line, double analytic, gti_slope *numeric,
                           gti_state *state)
{
    double score;
    *state = GTI_ROUGH;
    for (int step = 0; step < 2 && *state != GTI_FINE; step++) {
        if (!gti_check_quick_line(c, line, step, numeric)) return false;
        *state = gti_check_judge(c, analytic, *numeric, &score);
    }
    return true;
}

static bool settle(gti_check *c, const gti_line *line, double analytic, gti_slope *numeric,
                   gti_state *state)
{
    double score;
    if (!gti_check_measure_noise(c)) return false;
    for (int step = 0; step == 0 || gti_check_is_open(*state, numeric, step - 1); step++) {
        if (!gti_check_line(c, line, step, numeric)) return false;
        *state = gti_check_judge(c, analytic, *numeric, &score);
    }
    return true;
}

/* Columns are compared in ranges: how far the two sides are apart, counting what is uncertain. */
static bool compare_range(gti_check *c, const probe *p, int64_t from, int64_t to, gti_state *state,
                          double *apart)
{
    gti_slope numeric = {0};
    double analytic = 0;
    for (int64_t i = from; i < to; i++) analytic += p->g[i] * p->d[i];
    const gti_line line = {p->d, p->v, from, to, p->scale};
    if (!settle_quickly(c, &line, analytic, &numeric, state)) return false;
    if (*state != GTI_FINE && !settle(c, &line, analytic, &numeric, state)) return false;
    *apart = fabs(analytic - numeric.value) + numeric.estimate;
    if (numeric.rough) *apart += fabs(numeric.right - numeric.left);
    if (!isfinite(*apart)) *apart = INFINITY;
    return true;
}

/* The column that contributes most to the difference, by halving. */
static bool find_column(gti_check *c, const probe *p, int64_t *col)
{
    int64_t from = 0, to = c->n_x;
    while (to - from > 1) {
        const int64_t middle = from + (to - from) / 2;
        gti_state state;
        double left, right;
        if (!compare_range(c, p, from, middle, &state, &left)) return false;
        if (!compare_range(c, p, middle, to, &state, &right)) return false;
        if (left >= right) to = middle;
        else from = middle;
    }
    *col = from;
    return true;
}

/* |v' (J - numeric J) e_col| over rows from..to-1. */
static bool rows_apart(gti_check *c, const probe *p, int64_t col, int64_t from, int64_t to,
                       double *apart)
{
    double numeric = 0;
    for (int64_t j = 0; j < c->n_y; j++) p->masked[j] = j >= from && j < to ? p->v[j] : 0;
    if (!gti_check_vjp(c, p->masked, p->pulled)) return false;
    for (int64_t j = from; j < to; j++) numeric += p->v[j] * p->slope[j].value;
    *apart = fabs(p->pulled[col] - numeric);
    if (!isfinite(*apart)) *apart = INFINITY;
    return true;
}

static bool find_row(gti_check *c, const probe *p, int64_t col, int64_t *row)
{
    int64_t from = 0, to = c->n_y;
    if (!gti_check_begin(c)) return false;
    while (to - from > 1) {
        const int64_t middle = from + (to - from) / 2;
        double left, right;
        if (!rows_apart(c, p, col, from, middle, &left)) return false;
        if (!rows_apart(c, p, col, middle, to, &right)) return false;
        if (left >= right) to = middle;
        else from = middle;
    }
    gti_check_end(c);
    *row = from;
    return true;
}

/* count of total places, evenly spread, `must` among them; ascending. */
static int64_t spread_out(int64_t total, int64_t count, int64_t first, int64_t must, int64_t *place)
{
    const int64_t n = total < count ? total : count;
    int64_t made = 0;
    bool there = false;
    for (int64_t k = 0; k < n; k++) {
        const int64_t at = first + k * total / n, next = first + (k + 1) * total / n;
        const bool here = !there && must >= at && must < next;
        place[made++] = here && total > count ? must : at;
        there = there || here;
    }
    return made;
}

/* Looks at the entry found and others around it; the report tells what they have in common. */
static bool explain(gti_check *c, int64_t row, int64_t col)
{
    int64_t rows[SAMPLE_ROWS], cols[SAMPLE_COLUMNS];
    const gti_part *x = &c->x[gti_check_part(c->x, c->fn->n_var, col)];
    const gti_part *y = &c->y[gti_check_part(c->y, c->fn->n_out, row)];
    const int64_t n_rows = spread_out(y->size, SAMPLE_ROWS, y->offset, row, rows);
    const int64_t n_cols = spread_out(x->size, SAMPLE_COLUMNS, x->offset, col, cols);
    c->r->entries = n_rows * n_cols;
    return gti_check_compare(c, rows, n_rows, cols, n_cols);
}

static const gti_slope *rough_row(const gti_check *c, const probe *p)
{
    for (int64_t j = 0; j < c->n_y; j++)
        if (p->slope[j].rough && !p->slope[j].still) return &p->slope[j];
    return NULL;
}

/* Decides about a column that stands out: a kink is passed over, a wrong entry ends the check. */
static bool examine(gti_check *c, probe *p, int64_t col, bool *settled)
{
    double scale = 0;
    if (!gti_check_measure_noise(c)) return false;
    for (int64_t i = 0; i < c->n_x; i++) scale = fmax(scale, fabs(p->g[i]));
    for (int step = 0; step == 0 || (step < GTI_STEPS && rough_row(c, p)); step++)
        if (!gti_check_column(c, col, step, scale, p->slope)) return false;
    const gti_slope *rough = rough_row(c, p);
    *settled = rough != NULL;
    if (rough) {
        gti_check_kink(c, rough->bent || rough->leaps ? GTI_KINK : GTI_ROUGH, rough - p->slope,
                       col);
        p->passed_over[col] = true;
        p->d[col] = 0;
    }
    int64_t row = 0;
    return *settled || (find_row(c, p, col, &row) && explain(c, row, col));
}

static bool fail_projection(gti_check *c)
{
    return gti_check_fail(
        c, GT_GRADCHECK_DERIVATIVE, "",
        "a random projection of the Jacobian differs from the numeric one, though "
        "no single entry does; .mode = GT_GRADCHECK_FULL looks at them all");
}

/* A probe that differs. Only rough projections may differ without a single entry to show for it. */
static bool search(gti_check *c, probe *p, gti_state state)
{
    double apart;
    while (state != GTI_FINE && c->r->kinks + c->r->unsure < MOST_KINKS) {
        int64_t col;
        bool settled;
        if (!find_column(c, p, &col) || !examine(c, p, col, &settled)) return false;
        if (!settled) {
            if (state == GTI_WRONG) return fail_projection(c);
            gti_check_kink(c, GTI_ROUGH, 0, col);
            return true;
        }
        if (!compare_range(c, p, 0, c->n_x, &state, &apart)) return false;
    }
    return true;
}

static bool run_probe(gti_check *c, probe *p)
{
    gti_state state;
    double apart;
    gti_check_weights(c, c->n_x, p->d);
    for (int64_t i = 0; i < c->n_x; i++)
        if (p->passed_over[i]) p->d[i] = 0;
    gti_check_align(c, p->d);
    double squares = 0;
    for (int64_t i = 0; i < c->n_x; i++) squares += p->g[i] * p->d[i] * p->g[i] * p->d[i];
    p->scale = sqrt(squares);
    return compare_range(c, p, 0, c->n_x, &state, &apart) && search(c, p, state);
}

static bool pull(gti_check *c, probe *p)
{
    gti_check_weights(c, c->n_y, p->v);
    return gti_check_pull(c, p->v, p->g);
}

bool gti_check_fast(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    probe p = {.v = gti_check_scratch(c, c->n_y, sizeof *p.v),
               .d = gti_check_scratch(c, c->n_x, sizeof *p.d),
               .g = gti_check_scratch(c, c->n_x, sizeof *p.g),
               .masked = gti_check_scratch(c, c->n_y, sizeof *p.masked),
               .pulled = gti_check_scratch(c, c->n_x, sizeof *p.pulled),
               .slope = gti_check_scratch(c, c->n_y, sizeof *p.slope),
               .passed_over = gti_check_scratch(c, c->n_x, sizeof *p.passed_over)};
    if (!gti_check_alive(c)) return false;
    c->r->mode = GT_GRADCHECK_FAST;
    for (int i = 0; i < c->o.probes && c->r->kinks + c->r->unsure < MOST_KINKS; i++) {
        if (i % DIRECTIONS == 0 && !pull(c, &p)) return false;
        if (!run_probe(c, &p)) return false;
        c->r->entries = i + 1;
    }
    gt_rewind(c->gt, mark);
    return true;
}

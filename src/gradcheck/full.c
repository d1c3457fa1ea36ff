/* Comparing entries of the Jacobian one by one. */
#include <math.h>

#include "gradcheck/check.h"

/* The largest entry of the input that column k is of. */
static double *scale_of(const gti_check *c, const gti_table *t, int64_t k)
{
    return &t->input_scale[gti_check_input(c, t->col[k])];
}

static void note_scale(const gti_check *c, gti_table *t, const double *g)
{
    for (int64_t k = 0; k < t->n_cols; k++) {
        const double size = fabs(g[t->col[k]]);
        if (!isfinite(size)) continue;
        double *scale = scale_of(c, t, k);
        *scale = fmax(*scale, size);
        t->scale = fmax(t->scale, size);
    }
}

static bool fill_analytic(gti_check *c, gti_table *t)
{
    double *v = gti_check_scratch(c, c->n_y, sizeof *v);
    double *g = gti_check_scratch(c, c->n_x, sizeof *g);
    if (!v || !g) return gti_check_alive(c);
    if (!gti_check_begin(c)) return false;
    for (int64_t r = 0; r < t->n_rows; r++) {
        v[t->row[r]] = 1;
        if (!gti_check_vjp(c, v, g)) return false;
        v[t->row[r]] = 0;
        for (int64_t k = 0; k < t->n_cols; k++) t->analytic[r * t->n_cols + k] = g[t->col[k]];
        note_scale(c, t, g);
    }
    gti_check_end(c);
    return true;
}

void gti_check_kink(gti_check *c, gti_state state, int64_t row, int64_t col)
{
    int64_t *count = state == GTI_ROUGH ? &c->r->unsure : &c->r->kinks;
    const bool first = !(*count)++ && (state == GTI_ROUGH || !c->r->unsure);
    if (!first) return;
    c->kink_row = row;
    c->kink_col = col;
    c->kink_x = *gti_check_at(c, col);
}

/* A column, with the slopes of all y. */
typedef struct {
    int64_t k;
    double scale; /* of its input */
    gti_slope *slope;
} column;

/* Of row r; *s is its slope, in the scale of its input. */
static gti_state judge_entry(const gti_check *c, const gti_table *t, int64_t r, const column *col,
                             gti_slope *s, double *score)
{
    *s = col->slope[t->row[r]];
    gti_check_rescale(s, col->scale);
    return gti_check_judge(c, t->analytic[r * t->n_cols + col->k], s, score);
}

static void judge_column(const gti_check *c, gti_table *t, const column *col)
{
    for (int64_t r = 0; r < t->n_rows; r++) {
        const int64_t at = r * t->n_cols + col->k;
        gti_slope s;
        double score;
        t->state[at] = (uint8_t)judge_entry(c, t, r, col, &s, &score);
        t->numeric[at] = s.value;
        t->estimate[at] = s.estimate;
        t->bent[at] = s.rough && s.bent ? (uint8_t)gti_bend_of(&s) : 0;
    }
}

static void count_column(gti_check *c, gti_table *t, const column *col)
{
    const int64_t k = col->k;
    for (int64_t r = 0; r < t->n_rows; r++) {
        const int64_t at = r * t->n_cols + k;
        const gti_state state = (gti_state)t->state[at];
        gti_slope s;
        double score;
        judge_entry(c, t, r, col, &s, &score);
        if (state != GTI_FINE && state != GTI_WRONG) gti_check_kink(c, state, t->row[r], t->col[k]);
        t->kinks += state == GTI_KINK;
        t->wrong += state == GTI_WRONG;
        gti_check_count(c, t, at, state, score, gti_check_tells(c, 0, &s));
    }
}

static bool is_open(const gti_check *c, const gti_table *t, const column *col, int step)
{
    bool open = false;
    for (int64_t r = 0; r < t->n_rows && !open; r++) {
        gti_slope s;
        double score;
        const gti_state state = judge_entry(c, t, r, col, &s, &score);
        open = gti_check_is_open(state, &s, step);
    }
    return open;
}

static bool all_fine(const gti_check *c, const gti_table *t, const column *col)
{
    gti_slope s;
    double score;
    for (int64_t r = 0; r < t->n_rows; r++)
        if (judge_entry(c, t, r, col, &s, &score) != GTI_FINE) return false;
    return true;
}

/* Two evaluations while all agree; else steps of other lengths while there are entries that may be
 * settled by them. */
static bool settle_column(gti_check *c, const gti_table *t, const column *col)
{
    const int64_t at = t->col[col->k];
    if (!gti_check_quick_column(c, at, t->scale, col->slope)) return false;
    if (all_fine(c, t, col)) return true;
    if (!gti_check_measure_noise(c)) return false;
    for (int step = 0; step == 0 || is_open(c, t, col, step - 1); step++)
        if (!gti_check_column(c, at, step, t->scale, col->slope)) return false;
    return true;
}

static bool fill_numeric(gti_check *c, gti_table *t)
{
    gti_slope *slope = gti_check_scratch(c, c->n_y, sizeof *slope);
    if (!slope) return gti_check_alive(c);
    for (int64_t k = 0; k < t->n_cols; k++) {
        const column col = {k, *scale_of(c, t, k), slope};
        if (!settle_column(c, t, &col)) return false;
        judge_column(c, t, &col);
        if (!gti_check_look_again(c, t, k, slope)) return false;
        count_column(c, t, &col);
    }
    return true;
}

static bool make_table(gti_check *c, gti_table *t)
{
    const gt_new_opts f64 = {.dtype = GT_F64};
    const gt_shape shape = GT_SHAPE(t->n_rows, t->n_cols);
    gt_tensor *a = gt_empty_(c->gt, shape, f64), *n = gt_empty_(c->gt, shape, f64);
    gt_tensor *e = gt_empty_(c->gt, shape, f64);
    gt_tensor *s = gt_empty_(c->gt, shape, (gt_new_opts){.dtype = GT_U8}), *b = gt_empty_like(s);
    t->input_scale = gti_check_scratch(c, c->fn->n_var, sizeof *t->input_scale);
    if (!gti_check_alive(c)) return false;
    t->analytic = a->data;
    t->numeric = n->data;
    t->estimate = e->data;
    t->state = s->data;
    t->bent = b->data;
    return true;
}

bool gti_check_compare(gti_check *c, const int64_t *row, int64_t n_rows, const int64_t *col,
                       int64_t n_cols)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    gti_table t = {.row = row, .col = col, .n_rows = n_rows, .n_cols = n_cols};
    if (!make_table(c, &t) || !fill_analytic(c, &t) || !fill_numeric(c, &t)) return false;
    c->largest = t.scale;
    c->r->wrong = t.wrong;
    if (t.wrong) {
        gti_check_diagnose(c, &t);
        gti_check_say_precision(c);
        return gti_check_finish(c);
    }
    if (t.kinks && !gti_check_kinks(c, &t)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

int64_t gti_check_spread(int64_t total, int64_t count, int64_t first, int64_t must, int64_t *place)
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

bool gti_check_full(gti_check *c)
{
    int64_t *row = gti_check_room(c, c->n_y, sizeof *row), n_rows = 0, n_cols = 0;
    int64_t *col = gti_check_room(c, c->n_x, sizeof *col);
    if (!row || !col) return gti_check_alive(c);
    for (int64_t j = 0; j < c->n_y; j++)
        if (gti_check_has_row(c, j)) row[n_rows++] = j;
    for (int64_t i = 0; i < c->n_x; i++)
        if (gti_check_has_column(c, i)) col[n_cols++] = i;
    c->r->mode = GT_GRADCHECK_FULL;
    c->r->entries = n_rows * n_cols;
    return gti_check_compare(c, row, n_rows, col, n_cols);
}

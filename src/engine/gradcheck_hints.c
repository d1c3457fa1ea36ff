/* What the wrong entries of a Jacobian have in common, and what that hints at. */
#include <math.h>
#include <string.h>

#include "engine/gradcheck.h"

/* The entries of the input that the worst entry belongs to. */
typedef struct {
    gti_check *c;
    const gti_table *t;
    const gti_part *x, *y;     /* of the worst entry */
    int64_t from, to;          /* places in t->col */
    int64_t wrong;             /* Jacobian entries */
    int64_t x_wrong;           /* elements of x with at least one of them */
    double low, high;          /* analytic/numeric over them, where numeric is not 0 */
    bool nan;                  /* one of them is not finite */
    bool analytic_zero, numeric_zero; /* all of them are */
    bool all;                  /* no entry that is not zero is right */
} findings;

typedef struct {
    double a, n;
    bool wrong;
} entry;

static entry entry_at(const findings *f, int64_t r, int64_t k)
{
    const int64_t at = r * f->t->n_cols + k;
    return (entry){f->t->analytic[at], f->t->numeric[at], f->t->state[at] == GTI_WRONG};
}

static void add_entry(findings *f, entry e)
{
    const bool zero = fabs(e.n) <= f->c->o.atol;
    if (!e.wrong) {
        if (!zero) f->all = false;
        return;
    }
    f->wrong++;
    if (!isfinite(e.a)) f->nan = true;
    if (e.a != 0) f->analytic_zero = false;
    if (!zero) f->numeric_zero = false;
    const double ratio = zero ? INFINITY : e.a / e.n;
    f->low = fmin(f->low, ratio);
    f->high = fmax(f->high, ratio);
}

static findings look(gti_check *c, const gti_table *t)
{
    findings f = {.c = c, .t = t, .x = &c->x[c->r->input], .y = &c->y[c->r->output],
                  .low = INFINITY, .high = -INFINITY, .analytic_zero = true, .numeric_zero = true,
                  .all = true};
    while (f.from < t->n_cols && t->col[f.from] < f.x->offset) f.from++;
    f.to = f.from;
    for (; f.to < t->n_cols && t->col[f.to] < f.x->offset + f.x->size; f.to++) {
        const int64_t before = f.wrong;
        for (int64_t r = 0; r < t->n_rows; r++) add_entry(&f, entry_at(&f, r, f.to));
        f.x_wrong += f.wrong > before;
    }
    return f;
}

static bool is_constant(const findings *f)
{
    return f->wrong > 1 && isfinite(f->low) && fabs(f->high - f->low) <= 1e-4 * fabs(f->high);
}

/* --- hints: each returns whether it has one --- */

static bool hint_nan(const findings *f)
{
    if (!f->nan) return false;
    gti_check_hint(f->c, "the gradient is NaN or infinite: a division by zero or 0 * inf in the "
                         "backward rule, or an element that was never written");
    return true;
}

static bool hint_missing(const findings *f)
{
    if (f->numeric_zero && f->all)
        gti_check_hint(f->c, "the function does not change with %s: does it use a copy made outside?",
                       f->x->name);
    else if (f->analytic_zero && f->all)
        gti_check_hint(f->c, "no gradient comes to %s: the rule leaves it out, or it was detached",
                       f->x->name);
    else return false;
    return true;
}

static bool hint_ratio(const findings *f)
{
    if (!is_constant(f)) return false;
    const double ratio = (f->low + f->high) / 2;
    if (fabs(ratio + 1) < 1e-4)
        gti_check_hint(f->c, "the sign is flipped in the backward rule");
    else if (ratio != 0)
        gti_check_hint(f->c, "a constant ratio of %.4g: a factor is %s in the backward rule", ratio,
                       fabs(ratio) < 1 ? "missing" : "too much");
    return ratio != 0;
}

/* --- transposition --- */

/* Where an entry (row j, column e) would come from if something had been transposed. */
typedef struct {
    int64_t j, e;
} spot;
typedef bool (*mapping)(const findings *f, spot *s);

/* An element of a tensor to the one at the same place of the data when its last two dimensions are
 * exchanged, or (back) the other way round. */
static bool transpose(gt_shape shape, int64_t *at, bool back)
{
    if (shape.ndim < 2) return false;
    const int64_t rows = shape.dim[shape.ndim - 2], cols = shape.dim[shape.ndim - 1];
    const int64_t m = back ? cols : rows, n = back ? rows : cols;
    const int64_t matrix = *at / (m * n), k = *at % (m * n);
    *at = matrix * m * n + k % n * m + k / n;
    return m > 1 && n > 1;
}

static bool transpose_x(const findings *f, spot *s)
{
    return transpose(f->x->shape, &s->e, false);
}

static bool transpose_x_back(const findings *f, spot *s)
{
    return transpose(f->x->shape, &s->e, true);
}

static bool transpose_y(const findings *f, spot *s)
{
    return transpose(f->y->shape, &s->j, false);
}

static bool transpose_y_back(const findings *f, spot *s)
{
    return transpose(f->y->shape, &s->j, true);
}

/* The step of dimension d, counted from the end. */
static int64_t stride_of(gt_shape shape, int d)
{
    int64_t stride = 1;
    for (int i = shape.ndim - d; i < shape.ndim; i++) stride *= shape.dim[i];
    return stride;
}

/* Exchanges y's and x's coordinate in dimension d from the end: a factor used as it is in place of
 * its transpose. */
static bool exchange(const findings *f, spot *s, int d)
{
    const gt_shape x = f->x->shape, y = f->y->shape;
    if (x.ndim <= d || y.ndim <= d) return false;
    const int64_t n = x.dim[x.ndim - 1 - d];
    if (n != y.dim[y.ndim - 1 - d] || n < 2) return false;
    const int64_t sx = stride_of(x, d), sy = stride_of(y, d);
    const int64_t ix = s->e / sx % n, iy = s->j / sy % n;
    s->e += (iy - ix) * sx;
    s->j += (ix - iy) * sy;
    return true;
}

static bool exchange_last(const findings *f, spot *s)
{
    return exchange(f, s, 0);
}

static bool exchange_second_last(const findings *f, spot *s)
{
    return exchange(f, s, 1);
}

/* Place of a number in an ascending list, -1 if it is not there. */
static int64_t find(const int64_t *list, int64_t n, int64_t number)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (list[middle] < number) low = middle + 1;
        else high = middle;
    }
    return low < n && list[low] == number ? low : -1;
}

static bool explained_by(const findings *f, mapping map)
{
    const gti_table *t = f->t;
    for (int64_t r = 0; r < t->n_rows; r++)
        for (int64_t k = f->from; k < f->to; k++) {
            spot s = {t->row[r] - f->y->offset, t->col[k] - f->x->offset};
            if (s.j < 0 || s.j >= f->y->size) continue;
            if (!map(f, &s)) return false;
            const int64_t r2 = find(t->row, t->n_rows, s.j + f->y->offset);
            const int64_t k2 = find(t->col, t->n_cols, s.e + f->x->offset);
            if (r2 < 0 || k2 < 0) return false;
            const double a = entry_at(f, r, k).a, n = entry_at(f, r2, k2).n;
            if (!(fabs(a - n) <= 1e-5 * (1 + fabs(a)))) return false;
        }
    return true;
}

static bool hint_transposed(const findings *f)
{
    static const mapping map[] = {transpose_x,      transpose_x_back, transpose_y,
                                  transpose_y_back, exchange_last,    exchange_second_last};
    if (f->analytic_zero || f->numeric_zero || f->wrong < 2) return false;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        if (!explained_by(f, map[i])) continue;
        gti_check_hint(f->c, "the analytic entries are the numeric ones transposed: a transpose is "
                             "missing or too much, or rows and columns are exchanged");
        return true;
    }
    return false;
}

/* --- places --- */

/* Either the elements of x (columns) or those of y (rows), some of them wrong. */
typedef struct {
    const gti_part *part;
    bool rows;
} side;

static int64_t side_count(const findings *f, side s)
{
    return s.rows ? f->t->n_rows : f->to - f->from;
}

static int64_t side_element(const findings *f, side s, int64_t i)
{
    return (s.rows ? f->t->row[i] : f->t->col[f->from + i]) - s.part->offset;
}

/* Whether an element has a wrong entry; *matters: or one that is not zero. */
static bool side_wrong(const findings *f, side s, int64_t i, bool *matters)
{
    bool wrong = false;
    *matters = false;
    const int64_t n = s.rows ? f->to - f->from : f->t->n_rows;
    for (int64_t k = 0; k < n; k++) {
        const entry e = s.rows ? entry_at(f, i, f->from + k) : entry_at(f, k, f->from + i);
        wrong |= e.wrong;
        *matters |= e.wrong || e.n != 0;
    }
    return wrong;
}

static bool on_border(gt_shape shape, int64_t at, int spatial)
{
    int64_t index[GT_MAX_DIMS];
    gti_check_unravel(shape, at, index);
    for (int d = shape.ndim - spatial; d < shape.ndim; d++)
        if (index[d] == 0 || index[d] == shape.dim[d] - 1) return true;
    return false;
}

/* Whether all wrong elements lie on the border of the last `spatial` dimensions, and right ones that
 * matter lie inside. */
static bool only_border(const findings *f, side s, int spatial)
{
    bool right_inside = false;
    if (s.part->shape.ndim < spatial) return false;
    for (int64_t i = 0; i < side_count(f, s); i++) {
        const int64_t at = side_element(f, s, i);
        if (at < 0 || at >= s.part->size) continue;
        bool matters;
        const bool wrong = side_wrong(f, s, i, &matters), border = on_border(s.part->shape, at, spatial);
        if (wrong && !border) return false;
        right_inside |= matters && !wrong && !border;
    }
    return right_inside;
}

static bool hint_border(const findings *f, side s)
{
    if (!only_border(f, s, 2) && !only_border(f, s, 1)) return false;
    gti_check_hint(f->c, "only entries at the border of %s are wrong: padding, or the first and last "
                         "index of a loop",
                   s.part->name);
    return true;
}

/* The smallest index along dimension d of a wrong element; the dimension's size if a right one that
 * matters lies behind it. */
static int64_t wrong_from(const findings *f, side s, int d)
{
    const int64_t n = s.part->shape.dim[d];
    int64_t first_wrong = n, last_right = -1;
    for (int64_t i = 0; i < side_count(f, s); i++) {
        const int64_t at = side_element(f, s, i);
        if (at < 0 || at >= s.part->size) continue;
        int64_t index[GT_MAX_DIMS];
        gti_check_unravel(s.part->shape, at, index);
        bool matters;
        if (side_wrong(f, s, i, &matters)) first_wrong = index[d] < first_wrong ? index[d] : first_wrong;
        else if (matters && index[d] > last_right) last_right = index[d];
    }
    return last_right >= 0 && last_right < first_wrong ? first_wrong : n;
}

static bool hint_last(const findings *f, side s)
{
    double least = 1;
    for (int d = 0; d < s.part->shape.ndim; d++) {
        const int64_t n = s.part->shape.dim[d], from = wrong_from(f, s, d);
        const double share = (double)(n - from) / (double)n;
        if (from == n || from == 0 || share >= least) continue;
        least = share;
        gti_check_hint(f->c, "only the last %lld of %lld along dimension %d of %s are wrong: is the last "
                             "group, channel or remainder left out?",
                       (long long)(n - from), (long long)n, d, s.part->name);
    }
    return least < 1;
}

/* x is repeated along y, each output depending on one element of it, and some of the repetitions do
 * not count. */
static bool hint_broadcast(const findings *f)
{
    const gti_table *t = f->t;
    if (!f->analytic_zero || f->x->size >= f->c->n_y) return false;
    for (int64_t r = 0; r < t->n_rows; r++) {
        int64_t used = 0;
        for (int64_t k = f->from; k < f->to; k++) used += entry_at(f, r, k).n != 0;
        if (used > 1) return false;
    }
    gti_check_hint(f->c, "%s is broadcast, and only some of the places it goes to count: a reduction is "
                         "missing after broadcasting (gt_sum_to)",
                   f->x->name);
    return true;
}

static void find_hint(const findings *f)
{
    const side x = {f->x, false}, y = {f->y, true};
    if (hint_nan(f) || hint_missing(f) || (f->all && hint_ratio(f)) || hint_transposed(f)) return;
    if (hint_last(f, x) || hint_border(f, x) || hint_border(f, y)) return;
    if (hint_broadcast(f) || hint_last(f, y)) return;
    if (hint_ratio(f) || f->x_wrong < 2) return;
    gti_check_hint(f->c, "analytic/numeric varies: a term is missing or wrong in the backward rule");
}

/* --- lines --- */

static void say_worst(gti_check *c, const gti_table *t)
{
    char y[128], x[128];
    const gt_gradcheck_report *r = c->r;
    gti_check_line_of_text(c,
                           "d %s / d %s   analytic %.5g   numeric %.5g +- %.1g   relative error %.2g",
                           gti_check_place(c->y, c->fn->n_out, t->row[t->worst / t->n_cols], y, sizeof y),
                           gti_check_place(c->x, c->fn->n_var, t->col[t->worst % t->n_cols], x, sizeof x),
                           r->analytic, r->numeric, r->estimate, r->relative);
}

static void say_ratio(const findings *f, char *text, size_t size)
{
    text[0] = '\0';
    if (f->nan || !isfinite(f->low) || !isfinite(f->high)) return;
    if (is_constant(f))
        snprintf(text, size, "; analytic/numeric is %.3f in all of them", (f->low + f->high) / 2);
    else if (f->wrong > 1)
        snprintf(text, size, "; analytic/numeric is from %.3g to %.3g", f->low, f->high);
}

static void say_how_many(const findings *f)
{
    char ratio[96];
    const int64_t looked = f->to - f->from;
    say_ratio(f, ratio, sizeof ratio);
    gti_check_line_of_text(f->c, "%lld of %lld entries of %s%s are wrong%s", (long long)f->x_wrong,
                           (long long)looked, f->x->name,
                           looked < f->x->size ? " that were looked at" : "", ratio);
}

void gti_check_diagnose(gti_check *c, const gti_table *t)
{
    const findings f = look(c, t);
    gti_check_head(c, GT_FAIL, f.nan ? GT_GRADCHECK_NAN : GT_GRADCHECK_DERIVATIVE);
    say_worst(c, t);
    say_how_many(&f);
    find_hint(&f);
}

/* Where the wrong entries lie. */
#include "gradcheck/hints.h"

/* Either the elements of x (columns) or those of y (rows), some of them wrong. */
typedef struct {
    const gti_part *part;
    bool rows;
} side;

static int64_t side_count(const gti_findings *f, side s)
{
    return s.rows ? f->t->n_rows : f->to - f->from;
}

static int64_t side_element(const gti_findings *f, side s, int64_t i)
{
    return (s.rows ? f->t->row[i] : f->t->col[f->from + i]) - s.part->offset;
}

/* Whether an element has a wrong entry; *matters: or one that is not zero. */
static bool side_wrong(const gti_findings *f, side s, int64_t i, bool *matters)
{
    bool wrong = false;
    *matters = false;
    const int64_t n = s.rows ? f->to - f->from : f->t->n_rows;
    for (int64_t k = 0; k < n; k++) {
        const gti_entry e =
            s.rows ? gti_entry_at(f, i, f->from + k) : gti_entry_at(f, k, f->from + i);
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

enum { INSIDE = 4 }; /* elements: of fewer, nearly any are the border */

/* Whether all wrong elements lie on the border of the last `spatial` dimensions, and right ones
 * that matter lie inside. */
static bool only_border(const gti_findings *f, side s, int spatial)
{
    int right_inside = 0;
    if (s.part->shape.ndim < spatial) return false;
    for (int64_t i = 0; i < side_count(f, s); i++) {
        const int64_t at = side_element(f, s, i);
        if (at < 0 || at >= s.part->size) continue;
        bool matters;
        const bool wrong = side_wrong(f, s, i, &matters),
                   border = on_border(s.part->shape, at, spatial);
        if (wrong && !border) return false;
        right_inside += matters && !wrong && !border;
    }
    return right_inside >= INSIDE;
}

static bool hint_border(const gti_findings *f, side s)
{
    if (!only_border(f, s, 2) && !only_border(f, s, 1)) return false;
    gti_check_hint(f->c,
                   "only entries at the border of %s are wrong: padding, or the first and last "
                   "index of a loop",
                   s.part->name);
    return true;
}

/* The smallest index along dimension d of a wrong element; the dimension's size if a right one that
 * matters lies behind it. */
static int64_t wrong_from(const gti_findings *f, side s, int d)
{
    const int64_t n = s.part->shape.dim[d];
    int64_t first_wrong = n, last_right = -1;
    for (int64_t i = 0; i < side_count(f, s); i++) {
        const int64_t at = side_element(f, s, i);
        if (at < 0 || at >= s.part->size) continue;
        int64_t index[GT_MAX_DIMS];
        gti_check_unravel(s.part->shape, at, index);
        bool matters;
        if (side_wrong(f, s, i, &matters))
            first_wrong = index[d] < first_wrong ? index[d] : first_wrong;
        else if (matters && index[d] > last_right) last_right = index[d];
    }
    return last_right >= 0 && last_right < first_wrong ? first_wrong : n;
}

static bool hint_last(const gti_findings *f, side s)
{
    double least = 1;
    for (int d = 0; d < s.part->shape.ndim; d++) {
        const int64_t n = s.part->shape.dim[d], from = wrong_from(f, s, d);
        const double share = (double)(n - from) / (double)n;
        if (from == n || from == 0 || share >= least) continue;
        least = share;
        gti_check_hint(f->c,
                       "only the last %lld of %lld along dimension %d of %s are wrong: is the last "
                       "group, channel or remainder left out?",
                       (long long)(n - from), (long long)n, d, s.part->name);
    }
    return least < 1;
}

static bool is_broadcast(const gti_findings *f)
{
    gt_shape all;
    return !gt_shape_equal(f->x->shape, f->y->shape) &&
           gt_shape_broadcast(f->x->shape, f->y->shape, &all) && gt_shape_equal(all, f->y->shape);
}

/* x is broadcast along y, and some of the repetitions do not count. */
static bool hint_broadcast(const gti_findings *f)
{
    if (!f->analytic_zero || !is_broadcast(f)) return false;
    gti_check_hint(f->c,
                   "%s is broadcast, and only some of the places it goes to count: a reduction is "
                   "missing after broadcasting (gt_sum_to)",
                   f->x->name);
    return true;
}

/* Of a column with wrong entries, which are 0: whether exactly one is left. */
static bool one_is_left(const gti_findings *f, int64_t k, bool *wrong)
{
    int64_t right = 0;
    *wrong = false;
    for (int64_t r = 0; r < f->t->n_rows; r++) {
        const gti_entry e = gti_entry_at(f, r, k);
        *wrong |= e.wrong;
        right += !e.wrong && e.a != 0;
    }
    return right == 1;
}

bool gti_hints_set(const gti_findings *f)
{
    if (!f->analytic_zero || is_broadcast(f)) return false;
    int64_t spoilt = 0;
    for (int64_t k = f->from; k < f->to; k++) {
        bool wrong;
        const bool left = one_is_left(f, k, &wrong);
        if (wrong && !left) return false;
        spoilt += wrong;
    }
    if (!spoilt) return false;
    gti_check_hint(f->c,
                   "elements of %s go to several places, of which one counts: is a gradient set "
                   "where it must be added to (= for +=)?",
                   f->x->name);
    return true;
}

bool gti_hints_places(const gti_findings *f)
{
    const side x = {f->x, false}, y = {f->y, true};
    return hint_last(f, x) || hint_border(f, x) || hint_border(f, y) || hint_broadcast(f) ||
           hint_last(f, y);
}

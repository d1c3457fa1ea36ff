/* Whether the analytic entries are the numeric ones, transposed. */
#include <math.h>

#include "gradcheck/hints.h"

static const double LEAST = 1e-3; /* relative error of what stands in another's place */

/* Where an entry (row j, column e) would come from if something had been transposed. */
typedef struct {
    int64_t j, e;
} spot;
typedef bool (*mapping)(const gti_findings *f, spot *s);

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

static bool transpose_x(const gti_findings *f, spot *s)
{
    return transpose(f->x->shape, &s->e, false);
}

static bool transpose_x_back(const gti_findings *f, spot *s)
{
    return transpose(f->x->shape, &s->e, true);
}

static bool transpose_y(const gti_findings *f, spot *s)
{
    return transpose(f->y->shape, &s->j, false);
}

static bool transpose_y_back(const gti_findings *f, spot *s)
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
static bool exchange(const gti_findings *f, spot *s, int d)
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

static bool exchange_last(const gti_findings *f, spot *s)
{
    return exchange(f, s, 0);
}

static bool exchange_second_last(const gti_findings *f, spot *s)
{
    return exchange(f, s, 1);
}

/* A matrix [m,n] that was filled column by column: of vectors, as those of plain C functions are.
 */
static bool column_major(const gti_findings *f, spot *s)
{
    const int64_t n = f->x->size, m = f->y->size, at = s->j * n + s->e;
    if (f->x->shape.ndim != 1 || f->y->shape.ndim != 1 || m == n || m < 2 || n < 2) return false;
    s->j = at % m;
    s->e = at / m;
    return true;
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

/* To a small part of the largest entry, and what is wrong much better than it stands: a diagonal
 * is its own transpose. */
static bool explained_by(const gti_findings *f, mapping map)
{
    const gti_table *t = f->t;
    const double scale = t->input_scale[f->x - f->c->x];
    for (int64_t r = 0; r < t->n_rows; r++)
        for (int64_t k = f->from; k < f->to; k++) {
            spot s = {t->row[r] - f->y->offset, t->col[k] - f->x->offset};
            if (s.j < 0 || s.j >= f->y->size) continue;
            if (!map(f, &s)) return false;
            const int64_t r2 = find(t->row, t->n_rows, s.j + f->y->offset);
            const int64_t k2 = find(t->col, t->n_cols, s.e + f->x->offset);
            if (r2 < 0 || k2 < 0) return false;
            const gti_entry here = gti_entry_at(f, r, k);
            const double a = here.a, apart = fabs(a - gti_entry_at(f, r2, k2).n);
            if (!(apart <= 1e-5 * (scale + fabs(a)))) return false;
            if (here.wrong && apart > fabs(a - here.n) / 8) return false;
        }
    return true;
}

bool gti_hints_transposed(const gti_findings *f)
{
    static const mapping map[] = {transpose_x,      transpose_x_back, transpose_y,
                                  transpose_y_back, exchange_last,    exchange_second_last,
                                  column_major};
    const gt_gradcheck_input *worst = &f->c->tally[gti_check_worst_input(f->c)].found;
    if (f->analytic_zero || f->numeric_zero || f->wrong < 2 || worst->relative < LEAST)
        return false;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        if (!explained_by(f, map[i])) continue;
        gti_check_hint(f->c, "the analytic entries are the numeric ones transposed: a transpose is "
                             "missing or too much, or rows and columns are exchanged");
        return true;
    }
    return false;
}

/* Moving x: one element, or many along a line; and the derivative along that. */
#include <math.h>
#include <string.h>

#include "gradcheck/check.h"

double *gti_check_at(const gti_check *c, int64_t col)
{
    const int i = gti_check_part(c->x, c->fn->n_var, col);
    return (double *)c->fn->var[i]->data + (col - c->x[i].offset);
}

void gti_check_touch(gti_check *c, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++)
        if (c->x[i].offset < to && from < c->x[i].offset + c->x[i].size) gt_touch(c->fn->var[i]);
}

/* The stretch of part i that lies in the columns from..to-1. */
typedef struct {
    double *x;
    int64_t at, n; /* at: its first column */
} stretch;

static stretch stretch_of(const gti_check *c, int i, int64_t from, int64_t to)
{
    const gti_part *part = &c->x[i];
    const int64_t end = part->offset + part->size;
    const int64_t first = from > part->offset ? from : part->offset, last = to < end ? to : end;
    double *data = c->fn->var[i]->data;
    if (last <= first) return (stretch){data, first, 0};
    return (stretch){data + (first - part->offset), first, last - first};
}

/* The step along a line is a power of two, so that x + h d is exact for d made by
 * gti_check_align. */
double gti_check_line_step(const gti_check *c, int step)
{
    return exp2(round(log2(c->o.step)) + gti_check_length(step));
}

/* The power of two at or below a, which is at least 1. */
static double power_below(double a)
{
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    bits &= 0x7ff0000000000000u;
    memcpy(&a, &bits, sizeof a);
    return a;
}

/* To a whole number, of a below 2^51 in size. */
static double rounded(double a)
{
    return (a + 0x1.8p52) - 0x1.8p52;
}

void gti_check_align(gti_check *c, double *d)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, 0, c->n_x);
        double *part = d + s.at;
        for (int64_t k = 0; k < s.n; k++)
            part[k] = rounded(part[k] * 4096) * (power_below(fmax(1, fabs(s.x[k]))) / 4096);
    }
}

bool gti_check_evaluate_at(gti_check *c, const double *d, double h, int64_t from, int64_t to,
                           double *saved, double *y)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        if (!s.n) continue;
        memcpy(saved + (s.at - from), s.x, (size_t)s.n * sizeof *saved);
        for (int64_t k = 0; k < s.n; k++) s.x[k] += h * d[s.at + k];
    }
    gti_check_touch(c, from, to);
    const bool ok = gti_check_evaluate(c, y);
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        if (s.n) memcpy(s.x, saved + (s.at - from), (size_t)s.n * sizeof *saved);
    }
    gti_check_touch(c, from, to);
    return ok;
}

/* v . (y - y0) */
static double projected_change(const gti_check *c, const double *v, const double *y)
{
    double sum[4] = {0};
    int64_t j = 0;
    for (; j + 4 <= c->n_y; j += 4)
        for (int k = 0; k < 4; k++) sum[k] += v[j + k] * (y[j + k] - c->y0[j + k]);
    for (; j < c->n_y; j++) sum[0] += v[j] * (y[j] - c->y0[j]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double projected_noise(const gti_check *c, const double *v)
{
    double squares = 0;
    for (int64_t j = 0; j < c->n_y; j++)
        squares += v[j] * v[j] * gti_check_noise(c, j) * gti_check_noise(c, j);
    return sqrt(squares);
}

/* The first n of x + h, x - h, x + h/2, x - h/2. */
static bool evaluate_line(gti_check *c, const gti_line *l, const double length[4], int n,
                          double change[4])
{
    const gt_mark mark = gt_mark_tape(c->gt);
    double *saved = gti_check_scratch(c, l->to - l->from, sizeof *saved);
    if (!saved) return gti_check_alive(c);
    for (int k = 0; k < n; k++) {
        if (!gti_check_evaluate_at(c, l->d, length[k], l->from, l->to, saved, c->near[k]))
            return false;
        change[k] = projected_change(c, l->v, c->near[k]);
    }
    gt_rewind(c->gt, mark);
    return true;
}

static double weight_of_line(const gti_check *c)
{
    return 1 / sqrt(fmax(1, fmax((double)c->n_x, (double)c->n_y)));
}

bool gti_check_line(gti_check *c, const gti_line *l, int step, gti_slope *slope)
{
    const double h = gti_check_line_step(c, step), length[4] = {h, -h, h / 2, -h / 2};
    double change[4];
    if (!evaluate_line(c, l, length, 4, change)) return false;
    gti_slope now =
        gti_check_slope(c, change, length, projected_noise(c, l->v), weight_of_line(c), l->scale);
    now.line = true;
    gti_check_keep(slope, now, change, step);
    return true;
}

bool gti_check_quick_line(gti_check *c, const gti_line *l, int step, gti_slope *slope)
{
    const double h = gti_check_line_step(c, step), length[4] = {h, -h};
    double change[4];
    if (!evaluate_line(c, l, length, 2, change)) return false;
    *slope = gti_check_quick_slope(c, change, length, projected_noise(c, l->v), weight_of_line(c),
                                   l->scale);
    slope->line = true;
    return true;
}

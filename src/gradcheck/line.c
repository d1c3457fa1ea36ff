/* Moving x: one element, or many along a line; and the derivative along that. */
#include <math.h>
#include <string.h>

#include "gradcheck/check.h"

const gti_terms *gti_check_terms(const gti_check *c, int64_t from)
{
    const int i = gti_check_input(c, from);
    return &c->x[i < c->fn->n_var ? i : 0].terms;
}

double *gti_check_at(const gti_check *c, int64_t col)
{
    const int i = gti_check_input(c, col);
    return c->x[i].data + (col - c->x[i].offset);
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
    double *data = c->x[i].data;
    if (last <= first) return (stretch){data, first, 0};
    return (stretch){data + (first - part->offset), first, last - first};
}

void gti_check_touch(gti_check *c, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        if (!s.n) continue;
        gt_tensor *x = c->fn->var[i];
        float *rounded = x->data;
        for (int64_t k = 0; x->dtype == GT_F32 && k < s.n; k++)
            rounded[s.at - c->x[i].offset + k] = (float)s.x[k];
        gt_touch(x);
    }
}

/* The step along a line is a power of two, so that x + h d is exact for d made by
 * gti_check_align. */
double gti_check_line_step(const gti_terms *terms, int step)
{
    return exp2(round(log2(terms->step)) + terms->precision->lengths[step]);
}

/* The power of two at or below |a|; 0 of the smallest. */
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

void gti_check_align(gti_check *c, double *d, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        double *part = d + s.at;
        const double least = power_below(c->x[i].unit);
        for (int64_t k = 0; k < s.n; k++)
            part[k] = rounded(part[k] * 4096) * (gti_larger(power_below(s.x[k]), least) / 4096);
    }
}

void gti_check_restore(gti_check *c, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        if (s.n) memcpy(s.x, c->x0 + s.at, (size_t)s.n * sizeof *s.x);
    }
    gti_check_touch(c, from, to);
}

static void move(gti_check *c, const double *d, double h, int64_t from, int64_t to)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const stretch s = stretch_of(c, i, from, to);
        const double *x0 = c->x0 + s.at, *way = d + s.at;
        for (int64_t k = 0; k < s.n; k++) s.x[k] = x0[k] + h * way[k];
    }
    gti_check_touch(c, from, to);
}

bool gti_check_evaluate_at(gti_check *c, const double *d, double h, double *y)
{
    move(c, d, h, 0, c->n_x);
    const bool ok = gti_check_evaluate(c, y);
    gti_check_restore(c, 0, c->n_x);
    return ok;
}

bool gti_check_pull_at(gti_check *c, const double *d, double h, const double *v, double *g)
{
    move(c, d, h, 0, c->n_x);
    const bool ok = gti_check_pull(c, v, g);
    gti_check_restore(c, 0, c->n_x);
    return ok;
}

enum { BLOCK = 512 };

static double product(const double *a, const double *b, int64_t n)
{
    double sum[8] = {0};
    int64_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (int k = 0; k < 8; k++) sum[k] += a[j + k] * b[j + k];
    for (; j < n; j++) sum[0] += a[j] * b[j];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

double gti_check_project(const double *g, const double *d, int64_t n, double *squares)
{
    double term[BLOCK], sum = 0;
    for (int64_t at = 0; at < n; at += BLOCK) {
        const int64_t size = n - at < BLOCK ? n - at : BLOCK;
        for (int64_t i = 0; i < size; i++) term[i] = g[at + i] * d[at + i];
        sum += product(g + at, d + at, size);
        *squares += product(term, term, size);
    }
    return sum;
}

/* v . (y - y0) of an output, whose changes stay in the cache while all upstreams are projected; y
 * NULL is zeros. */
static void add_changes(const gti_check *c, const gti_line *l, const gti_part *part,
                        const double *y, int k, double change[GTI_MOST_UPSTREAMS][4])
{
    double moved[BLOCK];
    for (int64_t at = 0; at < part->size; at += BLOCK) {
        const int64_t left = part->size - at, n = left < BLOCK ? left : BLOCK;
        const double *y0 = c->y0 + part->offset + at;
        for (int64_t j = 0; y && j < n; j++) moved[j] = y[at + j] - y0[j];
        for (int64_t j = 0; !y && j < n; j++) moved[j] = -y0[j];
        for (int i = 0; i < l->n; i++)
            change[i][k] += product(l->v[i] + part->offset + at, moved, n);
    }
}

/* Of the call's outputs, as they are; but for those of another dtype, by way of near[0]. */
static void project_change(gti_check *c, const gti_line *l, int k,
                           double change[GTI_MOST_UPSTREAMS][4])
{
    for (int i = 0; i < l->n; i++) change[i][k] = 0;
    for (int i = 0; i < c->fn->n_out; i++) {
        const gti_part *part = &c->y[i];
        const gt_tensor *t = c->out[i];
        if (part->constant) continue;
        const double *y = t ? t->data : NULL;
        if (t && t->dtype != GT_F64) {
            gti_check_read(t, c->near[0]);
            y = c->near[0];
        }
        add_changes(c, l, part, y, k, change);
    }
}

/* Of v[j] noise[j], each times `unit`. */
static double norm_of_noise(const gti_check *c, const double *v, double unit)
{
    double term[BLOCK], squares = 0;
    for (int64_t at = 0; at < c->n_y; at += BLOCK) {
        const int64_t n = c->n_y - at < BLOCK ? c->n_y - at : BLOCK;
        for (int64_t j = 0; j < n; j++) term[j] = v[at + j] * (c->noise[at + j] * unit);
        squares += product(term, term, n);
    }
    return GTI_ROUNDINGS * sqrt(squares);
}

double gti_check_projected_noise(const gti_check *c, const double *v)
{
    const double norm = norm_of_noise(c, v, 1);
    return isfinite(norm) ? norm : norm_of_noise(c, v, 0x1p-600) * 0x1p600;
}

static bool call_at(gti_check *c, const gti_line *l, double h, int k,
                    double change[GTI_MOST_UPSTREAMS][4])
{
    const gt_mark mark = gt_mark_tape(c->gt);
    move(c, l->d, h, l->from, l->to);
    if (!gti_check_call(c)) return false;
    project_change(c, l, k, change);
    gt_rewind(c->gt, mark);
    return true;
}

/* The first n of x + h, x - h, x + h/2, x - h/2. Fresh outputs need no filling here: that they are
 * written has been seen. */
static bool evaluate_line(gti_check *c, const gti_line *l, const double length[4], int n,
                          double change[GTI_MOST_UPSTREAMS][4])
{
    bool ok = true;
    gti_session_prefill(c->gt, GTI_PREFILL_OFF);
    for (int k = 0; ok && k < n; k++) ok = call_at(c, l, length[k], k, change);
    gti_session_prefill(c->gt, GTI_PREFILL_ON);
    gti_check_restore(c, l->from, l->to);
    return ok;
}

static double weight_of_line(const gti_check *c)
{
    const double weight = 1 / sqrt(fmax(1, fmax((double)c->n_x, (double)c->n_y)));
    return fmax(weight, c->precision->least_weight);
}

bool gti_check_line(gti_check *c, const gti_line *l, int step, gti_slope *slope)
{
    const double h = gti_check_line_step(l->terms, step), length[4] = {h, -h, h / 2, -h / 2};
    double change[GTI_MOST_UPSTREAMS][4];
    if (c->precision->lengths[step] < c->precision->shortest) return true;
    if (!evaluate_line(c, l, length, 4, change)) return false;
    for (int i = 0; i < l->n; i++) {
        gti_slope now = gti_check_slope(l->terms, change[i], length, l->noise[i], weight_of_line(c),
                                        l->scale[i]);
        now.line = true;
        gti_check_keep(&slope[i], now, change[i], step, length, c->home);
    }
    return true;
}

bool gti_check_quick_line(gti_check *c, const gti_line *l, int step, gti_slope *slope)
{
    const double h = gti_check_line_step(l->terms, step), length[4] = {h, -h};
    double change[GTI_MOST_UPSTREAMS][4];
    if (!evaluate_line(c, l, length, 2, change)) return false;
    for (int i = 0; i < l->n; i++) {
        slope[i] = gti_check_quick_slope(l->terms, change[i], length, l->noise[i],
                                         weight_of_line(c), l->scale[i]);
        slope[i].line = true;
    }
    return true;
}

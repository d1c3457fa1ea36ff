/* What to draw of a history: columns, the axes' ranges, and ticks at sensible numbers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "view/view.h"

/* --- columns --- */

static bool add_curve(gti_chart *c, const char *name, const char *what)
{
    const gti_column *column = gti_history_column(c->history, name);
    if (!column)
        gt_fail(c->history->gt, GT_ERR_ARGUMENT, what, "the history has no column '%s'", name);
    else if (c->curves == GTI_CURVES)
        gt_fail(c->history->gt, GT_ERR_ARGUMENT, what, "more than %d columns", (int)GTI_CURVES);
    else c->curve[c->curves++] = column;
    return !gt_failed(c->history->gt);
}

static bool choose_curves(gti_chart *c, const char *const *names, const char *what)
{
    const gt_history *h = c->history;
    if (names) {
        for (; *names; names++)
            if (!add_curve(c, *names, what)) return false;
    } else {
        static const char *const usual[] = {"loss", "val_loss"};
        for (int i = 0; i < 2; i++)
            if (gti_history_column(h, usual[i])) add_curve(c, usual[i], what);
        if (!c->curves && h->columns) add_curve(c, h->column[0].name, what);
    }
    if (c->curves) return true;
    gt_fail(h->gt, GT_ERR_ARGUMENT, what, "there is no column to draw");
    return false;
}

/* --- ranges --- */

static bool shown(const gti_axis *a, double v)
{
    return isfinite(v) && (!a->log || v > 0);
}

/* The least and largest number that is shown; 0 and 1, or 1 and 10, where there is none. */
static void find_range(gti_chart *c)
{
    gti_axis *a = &c->y;
    a->low = INFINITY;
    a->high = -INFINITY;
    for (int k = 0; k < c->curves; k++)
        for (int64_t i = 0; i < c->history->rows; i++) {
            const double v = c->curve[k]->at[i];
            if (!shown(a, v)) continue;
            a->low = fmin(a->low, v);
            a->high = fmax(a->high, v);
        }
    if (a->low <= a->high) return;
    a->low = a->log ? 1 : 0;
    a->high = a->log ? 10 : 1;
}

/* --- ticks --- */

/* The smallest of 1, 2, 5 times a power of ten that is not below v. */
static double nice(double v)
{
    const double power = pow(10, floor(log10(v))), part = v / power;
    return power * (part <= 1 + 1e-9 ? 1 : part <= 2 + 1e-9 ? 2 : part <= 5 + 1e-9 ? 5 : 10);
}

/* Ticks at multiples of a nice step within [low, high]. With `widen` the range grows to whole
 * steps. */
static void linear_ticks(gti_axis *a, int about, double least_step, bool widen)
{
    if (!(a->high - a->low > 1e-12 * fmax(fabs(a->low), fabs(a->high)))) {
        const double pad = a->low != 0 ? fabs(a->low) * 0.1 : 0.5;
        a->high += pad;
        if (widen) a->low -= pad;
    }
    const double unit = nice(fmax(2 * ((a->high / 2 - a->low / 2) / about), least_step));
    const double from = widen ? floor(a->low / unit + 1e-9) : ceil(a->low / unit - 1e-9);
    const double to = widen ? ceil(a->high / unit - 1e-9) : floor(a->high / unit + 1e-9);
    if (widen) {
        a->low = fmax(from * unit, -DBL_MAX);
        a->high = fmin(to * unit, DBL_MAX);
    }
    for (double t = from; t <= to && a->ticks < GTI_TICKS; t++)
        if (isfinite(t * unit)) a->tick[a->ticks++] = t * unit + 0.0; /* no -0 */
}

/* The i-th of ..., 1, 2, 5, 10, 20, 50, ...; the 0-th is 1. */
static double log_step(int i)
{
    static const double part[] = {1, 2, 5};
    const int decade = (int)floor(i / 3.0);
    return part[i - 3 * decade] * pow(10, decade);
}

static void log_ticks(gti_axis *a, int about)
{
    int from = 3 * (int)floor(log10(a->low)), to = 3 * (int)ceil(log10(a->high));
    while (log_step(from + 1) <= a->low * (1 + 1e-9)) from++;
    while (to - 1 > from && log_step(to - 1) >= a->high * (1 - 1e-9)) to--;
    if (to == from) to++;
    a->low = log_step(from);
    a->high = log_step(to);
    const int decades = (to - from) / 3 + 1;
    const int stride = to - from <= about + 2 ? 1 : 3 * ((decades + about - 1) / about);
    for (int i = from; i <= to && a->ticks < GTI_TICKS; i++)
        if (i % stride == 0) a->tick[a->ticks++] = log_step(i);
}

bool gti_chart_open(gti_chart *c, const gt_history *h, const gt_curve_opts *opts, int x_ticks,
                    int y_ticks, const char *what)
{
    *c = (gti_chart){.history = h, .y = {.log = opts->log}};
    if (!h) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the history is NULL");
    if (!h || gt_failed(h->gt) || !choose_curves(c, opts->columns, what)) return false;
    c->title = opts->title ? opts->title : c->curve[0]->name;
    c->x.low = h->rows ? (double)h->epoch[0] : 0;
    c->x.high = h->rows ? (double)h->epoch[h->rows - 1] : 1;
    if (c->x.low == c->x.high) c->x.high++;
    linear_ticks(&c->x, x_ticks, 1, false);
    find_range(c);
    if (c->y.log) log_ticks(&c->y, y_ticks);
    else linear_ticks(&c->y, y_ticks, 0, true);
    return true;
}

/* --- places --- */

double gti_chart_axis_place(const gti_axis *a, double v)
{
    if (!shown(a, v)) return NAN;
    if (a->log) return log(v / a->low) / log(a->high / a->low);
    const double half = a->high / 2 - a->low / 2; /* of the range, which may overflow */
    return (v / 2 - a->low / 2) / half;
}

char *gti_chart_axis_label(const gti_axis *a, int i, char buf[GTI_NUMBER])
{
    const double v = a->tick[i], most = fmax(fabs(a->tick[0]), fabs(a->tick[a->ticks - 1]));
    if (a->log || a->ticks < 2 || most >= 1e6) return gti_number_short(buf, v, 6);
    const double step = a->tick[1] - a->tick[0];
    const int decimals = (int)-floor(log10(step) + 1e-9);
    if (decimals > 6) return gti_number_short(buf, v, 4);
    return gti_number_fixed(buf, fabs(v) < step / 2 ? 0 : v, decimals > 0 ? decimals : 0);
}

/* The last row whose epoch is not above e. */
static int64_t row_before(const gt_history *h, double e)
{
    int64_t low = 0, high = h->rows - 1;
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if ((double)h->epoch[middle] <= e) low = middle;
        else high = middle - 1;
    }
    return low;
}

double gti_chart_at(const gti_chart *c, int k, double u)
{
    const gt_history *h = c->history;
    const double e = c->x.low + u * (c->x.high - c->x.low);
    if (!h->rows || e > (double)h->epoch[h->rows - 1] + 1e-9) return NAN;
    const int64_t i = row_before(h, e + 1e-9);
    const double left = gti_chart_axis_place(&c->y, c->curve[k]->at[i]);
    const double part = e - (double)h->epoch[i];
    if (i == h->rows - 1 || part <= 1e-9) return left;
    const double right = gti_chart_axis_place(&c->y, c->curve[k]->at[i + 1]);
    return left + (right - left) * part / (double)(h->epoch[i + 1] - h->epoch[i]);
}

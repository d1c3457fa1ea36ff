/* The remainders of Taylor's series, and how fast they fall. */
#include <math.h>

#include "gradcheck/side.h"
#include <gradtape/gradcheck_ways.h>

/* --- the series --- */

typedef struct {
    double *d, *v, *g; /* [n_x], [n_y], [n_x] = v' J */
    double along;      /* v' J d */
    double most;       /* that v . y changes by */
    double noise;      /* of v . y */
} ray;

static bool make_ray(gti_check *c, ray *r)
{
    *r = (ray){.d = gti_check_room(c, c->n_x, sizeof *r->d),
               .v = gti_check_room(c, c->n_y, sizeof *r->v),
               .g = gti_check_room(c, c->n_x, sizeof *r->g)};
    if (!gti_check_alive(c)) return false;
    gti_check_weights(c, c->n_y, r->v);
    gti_check_weights(c, c->n_x, r->d);
    gti_check_align(c, r->d, 0, c->n_x);
    if (!gti_check_pull(c, r->v, r->g) || !gti_check_measure_noise(c)) return false;
    for (int64_t i = 0; i < c->n_x; i++) r->along += r->g[i] * r->d[i];
    r->noise = gti_check_projected_noise(c, r->v);
    return true;
}

/* Points whose second remainder stands above rounding. */
static bool fill(gti_check *c, ray *r, gt_taylor *t)
{
    for (int k = 0; k < GT_TAYLOR_POINTS; k++) {
        const double h = ldexp(1, -4 - k);
        double change = 0;
        if (!gti_check_evaluate_at(c, r->d, h, c->near[0])) return false;
        for (int64_t j = 0; j < c->n_y; j++) change += r->v[j] * (c->near[0][j] - c->y0[j]);
        const double first = fabs(change - h * r->along);
        if (!isfinite(first)) continue;
        r->most = fmax(r->most, fabs(change));
        if (first <= 20 * r->noise) break;
        t->h[t->n] = h;
        t->zeroth[t->n] = fabs(change);
        t->first[t->n++] = first;
    }
    return true;
}

/* Of log first over log h, between the last points: the shortest steps have least of what follows
 * in the series. */
static double slope_of(const gt_taylor *t, const double *remainder)
{
    enum { LAST = 4 };
    const int from = t->n > LAST ? t->n - LAST : 0, to = t->n - 1;
    if (t->n < 3) return NAN;
    return log(remainder[from] / remainder[to]) / log(t->h[from] / t->h[to]);
}

static void conclude(gti_check *c, const ray *r, const gt_taylor *t)
{
    const bool seen = t->n >= 3;
    if (t->n == 0 && !(r->most > 20 * r->noise)) {
        gti_check_say_vacuous(c, "the function does not change: a gradient of zeros would do");
        return;
    }
    if (seen && !(t->slope >= 1.9) && slope_of(t, t->zeroth) < 0.5) {
        gti_check_head(c, GT_INCONCLUSIVE, GT_GRADCHECK_UNSURE);
        gti_check_line_of_text(c, "at none of the lengths the function is like a line: it changes "
                                  "too fast, or leaps");
        gti_check_finish(c);
        return;
    }
    if (seen && !(t->slope >= 1.9)) {
        gti_check_fail(c, GT_GRADCHECK_DERIVATIVE,
                       "a kink on the way, or the gradient is wrong: gt_gradcheck says where",
                       "the remainder of Taylor's series falls with a slope of %.2f, not 2.00",
                       t->slope);
        return;
    }
    if (seen || t->n == 0) gti_check_head(c, GT_PASS, GT_GRADCHECK_NOTHING);
    else gti_check_head(c, GT_INCONCLUSIVE, GT_GRADCHECK_UNSURE);
    if (seen) gti_check_line_of_text(c, "Taylor slope %.2f over %d points", t->slope, t->n);
    else if (t->n == 0)
        gti_check_line_of_text(c, "linear to rounding: the series has no remainder");
    else
        gti_check_line_of_text(c, "rounding leaves %d points of the series, too few for a slope",
                               t->n);
    gti_check_finish(c);
}

gt_verdict gt_gradcheck_taylor(gt_ctx *gt, gt_function f, void *user, gt_tensor *const in[],
                               int n_in, const gt_gradcheck_opts *opts, gt_taylor *taylor,
                               gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gt_taylor t = {.slope = NAN};
    gti_check c;
    gti_fn fn;
    ray r;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    if (taylor) *taylor = t;
    if (!gti_check_knows(&c, 0) || !gti_check_open_function(&c, f, user, in, n_in, &fn))
        return GT_FAIL;
    if (gti_check_prepare(&c, &fn) && gti_check_all_finite(&c) && make_ray(&c, &r) &&
        fill(&c, &r, &t)) {
        t.slope = slope_of(&t, t.first);
        conclude(&c, &r, &t);
    }
    gti_check_close(&c);
    if (taylor) *taylor = t;
    return c.r->verdict;
}

/* --- as a table and as a picture --- */

void gt_taylor_print(const gt_taylor *t, FILE *file)
{
    gt_fprintf(file, "%10s  %14s  %14s  %6s\n", "h", "|f(x+h)-f(x)|", "without h J d", "slope");
    for (int k = 0; k < t->n; k++) {
        gt_fprintf(file, "%10.3g  %14.3e  %14.3e", t->h[k], t->zeroth[k], t->first[k]);
        if (k) gt_fprintf(file, "  %6.2f", log2(t->first[k - 1] / t->first[k]));
        fputc('\n', file);
    }
    gt_fprintf(file, "slope %.2f\n", t->slope);
}

enum { WIDTH = 400, HEIGHT = 280, EDGE = 60, LINE = 16 };
static const char grey[] = "#888", green[] = "#0a5";

static double place_of(double value, double low, double high, int from, int to)
{
    const double share = high > low ? log(value / low) / log(high / low) : 0.5;
    return from + share * (to - from);
}

static void draw_curve(const gt_taylor *t, const double *y, double low, double high,
                       const char *colour, FILE *file)
{
    gt_fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour);
    for (int k = 0; k < t->n; k++) {
        const double x = place_of(t->h[k], t->h[t->n - 1], t->h[0], EDGE, WIDTH - EDGE);
        const double at = place_of(y[k] > low ? y[k] : low, low, high, HEIGHT - EDGE, EDGE);
        gt_fprintf(file, "%s%.1f,%.1f", k ? " " : "", x, at);
    }
    gt_fprintf(file, "\"/>\n");
}

static void draw_text(int x, int y, const char *anchor, const char *colour, const char *text,
                      FILE *file)
{
    gt_fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", x, y,
               anchor, colour, text);
}

static void draw_number(int x, int y, const char *anchor, double number, FILE *file)
{
    char text[32];
    gt_snprintf(text, sizeof text, "%.2g", number);
    draw_text(x, y, anchor, grey, text, file);
}

/* What the curves are, in their colours, and how steep. */
static void draw_legend(const gt_taylor *t, FILE *file)
{
    char text[64];
    gt_snprintf(text, sizeof text, "|f(x + h d) - f(x)|: slope %.2f", slope_of(t, t->zeroth));
    draw_text(EDGE, EDGE - 2 * LINE, "start", grey, text, file);
    gt_snprintf(text, sizeof text, "without h J d: slope %.2f", t->slope);
    draw_text(EDGE, EDGE - LINE, "start", green, text, file);
}

static void draw_curves(const gt_taylor *t, FILE *file)
{
    double low = INFINITY, high = 0;
    for (int k = 0; k < t->n; k++) {
        low = fmin(low, t->first[k]);
        high = fmax(high, fmax(t->first[k], t->zeroth[k]));
    }
    draw_curve(t, t->zeroth, low, high, grey, file);
    draw_curve(t, t->first, low, high, green, file);
    draw_number(EDGE - 6, EDGE + 4, "end", high, file);
    draw_number(EDGE - 6, HEIGHT - EDGE, "end", low, file);
    draw_number(EDGE, HEIGHT - EDGE + LINE, "middle", t->h[t->n - 1], file);
    draw_number(WIDTH - EDGE, HEIGHT - EDGE + LINE, "middle", t->h[0], file);
    draw_text(WIDTH / 2, HEIGHT - EDGE + LINE, "middle", grey, "h", file);
}

void gt_taylor_svg(const gt_taylor *t, FILE *file)
{
    gt_fprintf(file,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "font-family=\"sans-serif\" font-size=\"11\">\n"
               "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
               "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"%s\"/>\n",
               WIDTH, HEIGHT, WIDTH, HEIGHT, EDGE, EDGE, HEIGHT - EDGE, WIDTH - EDGE, grey);
    draw_legend(t, file);
    if (t->n) draw_curves(t, file);
    gt_fprintf(file, "</svg>\n");
}

/* Random projections: v' J u both ways. */
#include <float.h>
#include <math.h>

#include "gradcheck/fast.h"

enum {
    LONGER = 2,  /* the first step that is longer than the usual one */
    BLOCK = 512, /* columns that stay in the cache while all upstreams are projected */
};

/* Of one that was wrong at a longer step, `before`, and is fine now: what kinks do to the
 * difference shrinks with the step, as an error of the gradient does not. */
static gti_state doubt(const gti_comparison *r, double before)
{
    return fabs(r->analytic - r->numeric.value) > before / 16 ? GTI_WRONG : GTI_FINE;
}

/* Two evaluations at a step, then at a shorter one that passes by most kinks. */
static bool settle_quickly(gti_check *c, const gti_line *line, gti_comparison r[GTI_MOST_UPSTREAMS],
                           bool *fine)
{
    gti_slope numeric[GTI_MOST_UPSTREAMS];
    double score, before[GTI_MOST_UPSTREAMS];
    *fine = false;
    for (int step = 0; step < 2 && !*fine; step++) {
        if (!gti_check_quick_line(c, line, step, numeric)) return false;
        *fine = true;
        for (int k = 0; k < line->n; k++) {
            r[k].numeric = numeric[k];
            r[k].state = gti_check_judge(c, r[k].analytic, &numeric[k], &score);
            if (step && r[k].state == GTI_FINE) r[k].state = doubt(&r[k], before[k]);
            const double error = fabs(r[k].analytic - numeric[k].value);
            before[k] = r[k].state == GTI_WRONG ? error : INFINITY;
            *fine &= r[k].state == GTI_FINE;
        }
    }
    return true;
}

/* Whether it agrees because of the difference's own error, which another step may lessen. */
static bool is_excused(const gti_check *c, const gti_comparison *r)
{
    double score;
    gti_slope exact = r->numeric;
    exact.estimate = 0;
    return r->state == GTI_FINE && gti_check_judge(c, r->analytic, &exact, &score) != GTI_FINE;
}

static bool is_open(const gti_check *c, const gti_comparison *r, int step)
{
    return gti_check_is_open(r->state, &r->numeric, step) || (step < LONGER && is_excused(c, r));
}

/* Of a single upstream. */
static bool settle(gti_check *c, gti_line *line, gti_comparison *r)
{
    double score;
    if (!gti_check_measure_noise(c)) return false;
    line->noise[0] = gti_check_projected_noise(c, line->v[0]);
    for (int step = 0; step == 0 || is_open(c, r, step - 1); step++) {
        if (!gti_check_line(c, line, step, &r->numeric)) return false;
        r->state = gti_check_judge(c, r->analytic, &r->numeric, &score);
    }
    return true;
}

bool gti_fast_compare(gti_check *c, const gti_probe *p, const gti_upstream *u, int64_t from,
                      int64_t to, gti_comparison *r)
{
    *r = (gti_comparison){.analytic = 0};
    for (int64_t i = from; i < to; i++) r->analytic += u->g[i] * p->d[i];
    const gti_terms *terms = gti_check_terms(c, from);
    gti_line line = {p->d, from, to, terms, 1, {u->v}, {u->scale}, {u->noise}};
    if (!settle(c, &line, r)) return false;
    const gti_slope *n = &r->numeric;
    r->apart = fabs(r->analytic - n->value) + n->estimate;
    if (n->rough) r->apart += fabs(n->right - n->left);
    if (!isfinite(r->apart)) r->apart = INFINITY;
    return true;
}

bool gti_fast_tells(const gti_check *c, const gti_comparison *r, double part, double scale)
{
    gti_slope n = r->numeric;
    gti_check_rescale(&n, scale);
    return gti_check_tells(c, r->analytic - part, &n);
}

/* Of the columns from..to-1. */
static void draw_block(gti_check *c, gti_probe *p, int64_t from, int64_t to)
{
    const bool all = from >= p->from && to <= p->to && !c->mask && !p->some_passed_over;
    gti_check_weights(c, to - from, p->d + from);
    for (int64_t i = from; !all && i < to; i++) {
        const bool outside = i < p->from || i >= p->to || !gti_check_has_column(c, i);
        if (outside || (p->some_passed_over && p->passed_over[i])) p->d[i] = 0;
    }
    gti_check_align(c, p->d, from, to);
}

/* The first n upstreams' parts of the columns from..to-1, to what their inputs have. */
static void project_block(const gti_check *c, gti_probe *p, int64_t from, int64_t to, int n,
                          double *squares)
{
    for (int i = gti_check_input(c, from); i < c->fn->n_var && c->x[i].offset < to; i++) {
        const int64_t end = c->x[i].offset + c->x[i].size, last = end < to ? end : to;
        for (int k = 0; from < last && k < n; k++)
            p->part[k * c->fn->n_var + i] +=
                gti_check_project(p->all[k].g + from, p->d + from, last - from, &squares[k]);
        if (from < last) from = last;
    }
}

/* The first n upstreams' parts of all inputs along the direction, or along a new one, with what a
 * block needs in the cache. */
static void project(gti_check *c, gti_probe *p, int n, bool draw,
                    double squares[GTI_MOST_UPSTREAMS])
{
    for (int k = 0; k < n; k++) squares[k] = 0;
    for (int i = 0; i < n * c->fn->n_var; i++) p->part[i] = 0;
    for (int64_t at = 0; at < c->n_x; at += BLOCK) {
        const int64_t to = c->n_x - at < BLOCK ? c->n_x : at + BLOCK;
        if (draw) draw_block(c, p, at, to);
        project_block(c, p, at > p->from ? at : p->from, to < p->to ? to : p->to, n, squares);
    }
}

/* The size of terms: of their squares, unless those are too large. */
static double scale_of(double squares)
{
    return isfinite(squares) ? sqrt(squares) : DBL_MAX;
}

/* Whether anything of an input is projected. */
static bool has_input(const gti_check *c, const gti_probe *p, int i)
{
    const gti_part *x = &c->x[i];
    return x->masked < x->size && x->offset >= p->from && x->offset < p->to;
}

static void count_inputs(gti_check *c, const gti_probe *p, const double *part,
                         const gti_comparison *r)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        if (!has_input(c, p, i)) continue;
        c->tally[i].found.compared++;
        c->uncertain = gti_larger(r->numeric.estimate, c->uncertain);
        c->tally[i].found.telling += gti_fast_tells(c, r, part[i], INFINITY);
    }
}

static void draw_direction(gti_check *c, gti_probe *p, int n, gti_comparison *r)
{
    double squares[GTI_MOST_UPSTREAMS];
    project(c, p, n, true, squares);
    for (int k = 0; k < n; k++) {
        p->all[k].scale = scale_of(squares[k]);
        for (int i = 0; i < c->fn->n_var; i++) r[k].analytic += p->part[k * c->fn->n_var + i];
    }
}

/* One of them by itself; what it passes over counts for no input. */
static bool run_upstream(gti_check *c, gti_probe *p, int k, int n, gti_comparison *r)
{
    const gti_upstream *u = &p->all[k];
    const int examined = p->examined;
    double squares[GTI_MOST_UPSTREAMS];
    if (!gti_fast_compare(c, p, u, p->from, p->to, r) || !gti_fast_search(c, p, u, r)) return false;
    if (p->examined > examined) project(c, p, n, false, squares);
    return true;
}

/* The first n upstreams along one direction, together while they agree. */
static bool run_direction(gti_check *c, gti_probe *p, int n)
{
    const gti_terms *terms = gti_check_terms(c, p->from);
    gti_line line = {.d = p->d, .from = p->from, .to = p->to, .terms = terms, .n = n};
    gti_comparison r[GTI_MOST_UPSTREAMS] = {0};
    draw_direction(c, p, n, r);
    for (int k = 0; k < n; k++) {
        line.v[k] = p->all[k].v;
        line.scale[k] = p->all[k].scale;
        line.noise[k] = p->all[k].noise;
    }
    bool fine = false;
    if (!settle_quickly(c, &line, r, &fine)) return false;
    for (int k = 0; k < n; k++) {
        if (!fine && !run_upstream(c, p, k, n, &r[k])) return false;
        count_inputs(c, p, p->part + k * c->fn->n_var, &r[k]);
    }
    return true;
}

/* An input whose part is lost in the whole's tolerance, by itself and measured by its own entries.
 * What cannot be told of it is not held against it. */
static bool run_alone(gti_check *c, gti_probe *p, int i)
{
    gti_comparison r;
    double score, squares[GTI_MOST_UPSTREAMS];
    const gti_upstream *u = p->all;
    p->from = c->x[i].offset;
    p->to = p->from + c->x[i].size;
    project(c, p, 1, true, squares);
    if (!gti_fast_compare(c, p, u, p->from, p->to, &r)) return false;
    const double scale = scale_of(squares[0]);
    gti_slope numeric = r.numeric;
    gti_check_rescale(&numeric, scale);
    r.state = gti_check_judge(c, r.analytic, &numeric, &score);
    if (r.state == GTI_WRONG && !gti_fast_search(c, p, u, &r)) return false;
    c->tally[i].found.compared++;
    c->tally[i].found.telling += gti_fast_tells(c, &r, r.analytic, scale);
    return true;
}

static bool run_unseen(gti_check *c, gti_probe *p)
{
    for (int i = 0; i < c->fn->n_var; i++)
        if (c->x[i].masked < c->x[i].size && !c->tally[i].found.telling && !run_alone(c, p, i))
            return false;
    return true;
}

static bool pull(gti_check *c, gti_probe *p)
{
    if (!gti_check_begin(c)) return false;
    for (int k = 0; k < p->n; k++) {
        gti_upstream *u = &p->all[k];
        if (k >= c->n_pulls) gti_check_draw_upstream(c, u->v);
        if (k >= c->n_pulls && !gti_check_vjp(c, u->v, u->g)) return false;
        u->noise = gti_check_projected_noise(c, u->v);
        c->largest = gti_larger(gti_largest(u->g, c->n_x), c->largest);
    }
    gti_check_end(c);
    return true;
}

/* As many upstreams as directions, up to a few. */
static bool make_probe(gti_check *c, gti_probe *p)
{
    *p = (gti_probe){
        .d = gti_check_room(c, c->n_x, sizeof *p->d),
        .part = gti_check_room(c, (int64_t)GTI_MOST_UPSTREAMS * c->fn->n_var, sizeof *p->part),
        .masked = gti_check_room(c, c->n_y, sizeof *p->masked),
        .pulled = gti_check_room(c, c->n_x, sizeof *p->pulled),
        .slope = gti_check_room(c, c->n_y, sizeof *p->slope),
        .bends = gti_check_scratch(c, c->n_y, sizeof *p->bends),
        .passed_over = gti_check_scratch(c, c->n_x, sizeof *p->passed_over)};
    do {
        gti_upstream *u = &p->all[p->n];
        const bool made = p->n < c->n_pulls;
        u->v = made ? c->pull[p->n].v : gti_check_room(c, c->n_y, sizeof *u->v);
        u->g = made ? c->pull[p->n].g : gti_check_room(c, c->n_x, sizeof *u->g);
    } while (++p->n < GTI_MOST_UPSTREAMS && p->n * p->n < c->o.probes);
    return gti_check_alive(c);
}

static bool run_range(gti_check *c, gti_probe *p, int64_t from, int64_t to)
{
    p->from = from;
    p->to = to;
    c->planned += c->o.probes;
    for (int i = 0; i < c->o.probes && p->examined < GTI_MOST_KINKS; i += p->n) {
        const int left = c->o.probes - i, n = left < p->n ? left : p->n;
        if (!run_direction(c, p, n)) return false;
        c->r->entries += n;
    }
    return true;
}

static bool run_ranges(gti_check *c, gti_probe *p)
{
    if (!c->apart) return run_range(c, p, 0, c->n_x);
    for (int i = 0; i < c->fn->n_var; i++) {
        const gti_part *x = &c->x[i];
        if (x->masked < x->size && !run_range(c, p, x->offset, x->offset + x->size)) return false;
    }
    return true;
}

static bool kinks_are_between(gti_check *c, const gti_probe *p)
{
    bool mixed = p->n_kinks == 0;
    for (int64_t j = 0; j < c->n_y && !mixed; j++) mixed = p->bends[j] == GTI_MIXED;
    return mixed || gti_check_projected_kinks(c, p->kink, p->n_kinks, p->all->v, p->all->g);
}

bool gti_check_fast(gti_check *c)
{
    const gt_mark mark = gt_mark_tape(c->gt);
    gti_probe p;
    c->planned = 0;
    c->largest = 0;
    if (!make_probe(c, &p) || !pull(c, &p)) return false;
    c->r->mode = GT_GRADCHECK_FAST;
    for (int i = 0; i < c->fn->n_var; i++) gti_check_reset_tally(c, i, false);
    if (!run_ranges(c, &p) || !run_unseen(c, &p)) return false;
    if (!kinks_are_between(c, &p)) return false;
    gt_rewind(c->gt, mark);
    return true;
}

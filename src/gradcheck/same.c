/* Two implementations of one function against each other. */
#include <math.h>
#include <string.h>

#include "gradcheck/side.h"
#include <gradtape/gradcheck_ways.h>

/* Of those that are finite in both. */
static double largest_of(const double *a, const double *b, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(a[i]) && isfinite(b[i]))
            largest = gti_larger(fabs(a[i]), gti_larger(fabs(b[i]), largest));
    return largest;
}

/* Results of both, [n]. */
typedef struct {
    const double *first, *second;
    int64_t n;
} pair;

/* Whether all of the second are the first times what the worst is. */
static bool have_ratio(const pair *p, int64_t worst)
{
    const double ratio = p->second[worst] / p->first[worst];
    if (!isfinite(ratio) || ratio == 0 || p->n < 2) return false;
    for (int64_t i = 0; i < p->n; i++) {
        const double second = p->second[i], expected = ratio * p->first[i];
        if (!(fabs(second - expected) <= 1e-6 * fabs(second))) return false;
    }
    return true;
}

static bool fail_different(gti_check *c, const char *what, const char *place, const pair *p,
                           int64_t worst, const char *hint)
{
    const double a = p->first[worst], b = p->second[worst];
    const char *first = c->two->first, *second = c->two->second;
    char ratio[96] = "";
    if (have_ratio(p, worst))
        gt_snprintf(ratio, sizeof ratio, "%s/%s is %.6g in all of them%s", second, first, b / a,
                    hint[0] ? ": " : "");
    gti_check_head(c, GT_FAIL, GT_GRADCHECK_DIFFERENT);
    gti_check_line_of_text(c, "%s%s   %s %.10g   %s %.10g   relative error %.2g", what, place,
                           first, a, second, b, fabs(a - b) / fmax(fabs(a), fabs(b)));
    gti_check_hint(c, "%s%s", ratio, hint);
    return gti_check_finish(c);
}

/* The worst of n elements beyond the tolerances, which are those of the largest; -1 if none. */
static int64_t worst_of(const gti_check *c, const pair *p, const double *noise)
{
    const double *a = p->first, *b = p->second, scale = largest_of(a, b, p->n);
    const double allowed = c->o.rtol * scale + c->o.atol * fmin(1, scale);
    double most = 1;
    int64_t worst = -1;
    for (int64_t i = 0; i < p->n; i++) {
        const bool equal = a[i] == b[i] || (isnan(a[i]) && isnan(b[i]));
        const double score = fabs(a[i] - b[i]) / (allowed + (noise ? noise[i] : 0));
        if (equal || score <= most) continue;
        if (isfinite(score)) most = score;
        worst = i;
        if (!isfinite(score)) break;
    }
    return worst;
}

static bool same_shapes(gti_check *c, const gti_fn *b)
{
    const char *hint = c->two->shapes;
    char first[128], second[128];
    for (int i = 0; i < b->n_out; i++) {
        if (c->out[i] && c->y[i].constant == gt_is_floating(c->out[i]->dtype))
            return gti_check_fail(c, GT_GRADCHECK_DIFFERENT, hint,
                                  "%s   one of the two is of whole numbers, the other is not",
                                  c->y[i].name);
        if (c->out[i] && !gt_shape_equal(c->out[i]->shape, c->y[i].shape))
            return gti_check_fail(
                c, GT_GRADCHECK_DIFFERENT, hint, "%s   shape of %s %s, of %s %s", c->y[i].name,
                c->two->first, gt_shape_format(c->y[i].shape, first, sizeof first), c->two->second,
                gt_shape_format(c->out[i]->shape, second, sizeof second));
    }
    return true;
}

static bool same_values(gti_check *c, const gti_fn *b)
{
    double *y = gti_check_room(c, c->n_y, sizeof *y), *noise = gti_check_room(c, c->n_y, 8);
    if (!y || !noise) return gti_check_alive(c);
    if (!gti_check_measure_noise(c)) return false;
    for (int64_t j = 0; j < c->n_y; j++) noise[j] = gti_check_noise(c, j);
    c->fn = b;
    if (!gti_check_begin_first(c) || !same_shapes(c, b)) return false;
    gti_check_end(c);
    if (!gti_check_evaluate(c, y)) return false;
    const pair values = {c->y0, y, c->n_y};
    const int64_t worst = worst_of(c, &values, noise);
    char place[128];
    return worst < 0 ||
           fail_different(c, "", gti_check_place(c->y, b->n_out, worst, place, sizeof place),
                          &values, worst, c->two->values);
}

/* Each input by itself: a small gradient beside a large one counts as well. */
static bool same_gradients(gti_check *c, const double *ga, const double *gb)
{
    for (int i = 0; i < c->fn->n_var; i++) {
        const gti_part *x = &c->x[i];
        const pair gradients = {ga + x->offset, gb + x->offset, x->size};
        const int64_t at = worst_of(c, &gradients, NULL);
        char place[128];
        if (at >= 0)
            return fail_different(c, "d (v . y) / d ",
                                  gti_check_element(x, at, place, sizeof place), &gradients, at,
                                  c->two->gradients);
    }
    return true;
}

void gti_check_same(gti_check *c, const gti_fn *a, const gti_fn *b, const gti_two *two)
{
    c->two = two;
    if (!gti_check_prepare(c, a) || !same_values(c, b)) return;
    c->fn = a;
    c->r->entries = 0;
    if (!gti_check_whole_same(c, b)) return;
    const int64_t values = c->n_y + c->r->entries;
    if (values == 0) {
        gti_check_say_vacuous(c, "0 values: there is nothing to compare");
        return;
    }
    double *v = gti_check_room(c, c->n_y, sizeof *v);
    double *ga = gti_check_room(c, c->n_x, sizeof *ga), *gb = gti_check_room(c, c->n_x, 8);
    if (!gti_check_alive(c)) return;
    for (int k = 0; k < c->o.probes; k++) {
        gti_check_weights(c, c->n_y, v);
        c->fn = a;
        if (!gti_check_pull(c, v, ga)) return;
        c->fn = b;
        if (!gti_check_pull(c, v, gb) || !same_gradients(c, ga, gb)) return;
    }
    gti_check_head(c, GT_PASS, GT_GRADCHECK_NOTHING);
    gti_check_line_of_text(c, "%lld values and %lld gradients for %d upstreams are the same",
                           (long long)values, (long long)c->n_x, c->o.probes);
    gti_check_finish(c);
}

static const gti_two two = {"first", "second", "", "", "values agree: a backward rule is wrong"};

gt_verdict gt_gradcheck_same(gt_ctx *gt, gt_function f, void *user_f, gt_function g, void *user_g,
                             gt_tensor *const in[], int n_in, const gt_gradcheck_opts *opts,
                             gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    gti_check c;
    gti_fn a, b;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    if (!gti_check_knows(&c, GTI_ASKS_TOLERANCES | GTI_ASKS_PROBES) ||
        !gti_check_open_function(&c, g ? f : NULL, user_f, in, n_in, &a))
        return GT_FAIL;
    b = a;
    b.f = g;
    b.user = user_g;
    gti_check_same(&c, &a, &b, &two);
    gti_check_close(&c);
    return c.r->verdict;
}

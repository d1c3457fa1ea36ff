/* What the wrong entries of a Jacobian have in common, and what that hints at. */
#include "gradcheck/hints.h"

#include "gradcheck/plain.h"
#include <math.h>

static void add_entry(gti_findings *f, gti_entry e)
{
    const bool zero = fabs(e.n) <= f->zero;
    if (!e.wrong) {
        if (!zero) f->all = false;
        return;
    }
    f->wrong++;
    if (!isfinite(e.a)) f->nan = true;
    if (!e.bent) f->bent = false;
    if (e.a != 0) f->analytic_zero = false;
    if (!zero) f->numeric_zero = false;
    const double ratio = zero ? INFINITY : e.a / e.n;
    f->low = fmin(f->low, ratio);
    f->high = fmax(f->high, ratio);
    f->least = fmin(f->least, e.a - e.n);
    f->most = fmax(f->most, e.a - e.n);
}

static gti_findings look(gti_check *c, const gti_table *t)
{
    const int worst = gti_check_worst_input(c);
    gti_findings f = {.c = c,
                      .t = t,
                      .x = &c->x[worst],
                      .y = &c->y[c->tally[worst].found.output],
                      .zero = c->x[worst].terms.atol *
                              fmax(GTI_LEAST_SCALE, fmin(1, t->input_scale[worst])),
                      .low = INFINITY,
                      .high = -INFINITY,
                      .least = INFINITY,
                      .most = -INFINITY,
                      .analytic_zero = true,
                      .numeric_zero = true,
                      .all = true,
                      .bent = true};
    while (f.from < t->n_cols && t->col[f.from] < f.x->offset) f.from++;
    f.to = f.from;
    for (; f.to < t->n_cols && t->col[f.to] < f.x->offset + f.x->size; f.to++) {
        const int64_t before = f.wrong;
        for (int64_t r = 0; r < t->n_rows; r++) add_entry(&f, gti_entry_at(&f, r, f.to));
        f.x_wrong += f.wrong > before;
    }
    return f;
}

/* --- hints: each returns whether it has one --- */

const char *gti_hints_rule(const gti_findings *f)
{
    return f->c->fn->call == gti_plain_call ? "derivative" : "backward rule";
}

static bool hint_nan(const gti_findings *f)
{
    if (!f->nan) return false;
    gti_check_hint(
        f->c,
        "the gradient is NaN or infinite: a division by zero or 0 * inf in the %s, or an "
        "element that was never written",
        gti_hints_rule(f));
    return true;
}

static bool hint_kink(const gti_findings *f)
{
    if (f->bent)
        gti_check_hint(f->c, "at kinks: there it must lie between the slopes of the two sides");
    return f->bent;
}

static bool hint_missing(const gti_findings *f)
{
    if (f->numeric_zero && f->all)
        gti_check_hint(f->c,
                       "the function does not change with %s: does it use a copy made outside?",
                       f->x->name);
    else if (f->analytic_zero && f->all)
        gti_check_hint(f->c, "no gradient comes to %s: the rule leaves it out, or it was detached",
                       f->x->name);
    else return false;
    return true;
}

/* Every output gives the same analytic gradient, but not the same numeric one. */
static bool hint_upstream(const gti_findings *f)
{
    bool differ = false;
    for (int64_t r = 1; r < f->t->n_rows; r++)
        for (int64_t k = f->from; k < f->to; k++) {
            const gti_entry first = gti_entry_at(f, 0, k), e = gti_entry_at(f, r, k);
            if (e.a != first.a) return false;
            differ |= fabs(e.n - first.n) > 1e-5 * fabs(e.n);
        }
    if (differ && !f->analytic_zero)
        gti_check_hint(f->c,
                       "all outputs give the same gradient: the backward rule sums gout, whose "
                       "elements belong to different places");
    return differ && !f->analytic_zero;
}

/* Wherever an entry is wrong one of its sides is 0, now this one and now that one. */
static bool hint_misplaced(const gti_findings *f)
{
    if (f->analytic_zero || f->numeric_zero) return false;
    for (int64_t r = 0; r < f->t->n_rows; r++)
        for (int64_t k = f->from; k < f->to; k++) {
            const gti_entry e = gti_entry_at(f, r, k);
            if (e.wrong && e.a != 0 && fabs(e.n) > f->zero) return false;
        }
    gti_check_hint(f->c, "values go to the wrong places: an index, a step, an axis or an offset");
    return true;
}

static void find_hint(const gti_findings *f)
{
    if (hint_nan(f) || hint_kink(f) || hint_missing(f) || (f->all && gti_hints_ratio(f))) return;
    if (gti_hints_set(f) || gti_hints_transposed(f) || hint_upstream(f) || hint_misplaced(f))
        return;
    if (gti_hints_places(f) || gti_hints_ratio(f)) return;
    gti_hints_term(f);
}

/* --- lines --- */

static void say_how_many(const gti_findings *f)
{
    char ratio[96];
    const int64_t looked = f->to - f->from;
    gti_hints_say_ratio(f, ratio, sizeof ratio);
    gti_check_line_of_text(f->c, "%lld of %lld %s of %s%s %s wrong%s", (long long)f->x_wrong,
                           (long long)looked, gti_count_word(looked, "entry", "entries"),
                           f->x->name, looked < f->x->size ? " that were looked at" : "",
                           gti_count_word(f->x_wrong, "is", "are"), ratio);
}

void gti_check_diagnose(gti_check *c, const gti_table *t)
{
    const gti_findings f = look(c, t);
    gti_check_head(c, GT_FAIL, f.nan ? GT_GRADCHECK_NAN : GT_GRADCHECK_DERIVATIVE);
    gti_check_say_entry(c, "\n  ", &c->tally[gti_check_worst_input(c)]);
    say_how_many(&f);
    gti_check_say_inputs(c);
    find_hint(&f);
}

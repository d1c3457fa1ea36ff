/* What a check without failures comes to. */
#include "gradcheck/check.h"

static int64_t passed_over(const gti_check *c)
{
    return c->r->kinks + c->r->unsure;
}

/* Entries at kinks may be left out where others remain; a sample must say that it has them. */
static bool may_pass(const gti_check *c)
{
    if (!passed_over(c)) return true;
    if (c->r->unsure || (c->sample && !c->sample->kinks)) return false;
    return c->r->mode == GT_GRADCHECK_FULL ? c->r->kinks < c->r->entries
                                           : c->r->entries == c->planned;
}

/* Why every entry was looked at, or not. */
static void say_mode(gti_check *c)
{
    const bool full = c->r->mode == GT_GRADCHECK_FULL;
    if (c->o.mode != GT_GRADCHECK_AUTO)
        gti_check_append(c, " (%s, as asked)", full ? "full" : "fast");
    else if (full) gti_check_append(c, " (full: at most %d)", GTI_FULL_ENTRIES);
    else
        gti_check_append(c, " (fast: the Jacobian is %lld x %lld, more than %d entries)",
                         (long long)c->n_y, (long long)c->n_x, GTI_FULL_ENTRIES);
}

static void say_compared(gti_check *c)
{
    const long long kinks = c->r->kinks, entries = c->r->entries;
    gti_check_append(c, "\n  ");
    if (c->o.order == 2) gti_check_append(c, "order %d: ", c->r->order);
    if (c->r->mode == GT_GRADCHECK_FULL) {
        gti_check_append(c, "%lld %s of the Jacobian compared", entries - kinks,
                         gti_count_word(entries - kinks, "entry", "entries"));
        if (kinks) gti_check_append(c, ", %lld skipped at kinks", kinks);
    } else {
        gti_check_append(c, "%lld random %s compared", entries,
                         gti_count_word(entries, "projection", "projections"));
        if (kinks)
            gti_check_append(c, ", without %lld %s at kinks", kinks,
                             gti_count_word(kinks, "entry", "entries"));
        if (c->alike) gti_check_append(c, ", of which %lld only equal others", (long long)c->alike);
    }
    say_mode(c);
    gti_check_say_precision(c);
    gti_check_say_inputs(c);
}

/* Where no numeric derivative could be told, or the author of the sample says nothing of a kink;
 * that f32 does not tell is no fault of theirs. */
static void say_passed_over(gti_check *c)
{
    char y[128], x[128];
    const bool unsure = c->r->unsure > 0, coarse = c->precision == &gti_precision_f32;
    const bool declared = !c->sample || c->sample->kinks || (unsure && coarse);
    gti_check_head(c, declared ? GT_INCONCLUSIVE : GT_FAIL,
                   unsure ? GT_GRADCHECK_UNSURE : GT_GRADCHECK_KINK);
    gti_check_line_of_text(c, "%s near x = %.10g: d %s / d %s",
                           unsure ? "no numeric derivative" : "kink", c->kink_x,
                           gti_check_place(c->y, c->fn->n_out, c->kink_row, y, sizeof y),
                           gti_check_place(c->x, c->fn->n_var, c->kink_col, x, sizeof x));
    if (c->r->mode == GT_GRADCHECK_FULL)
        gti_check_line_of_text(c, "%lld of %lld %s not differentiable here%s; the others agree",
                               (long long)passed_over(c), (long long)c->r->entries,
                               gti_count_word(passed_over(c), "entries is", "entries are"),
                               unsure ? ", as far as differences can tell" : "");
    if (!declared) gti_check_hint(c, "a kink or a tie: move the sample off it, or declare .kinks");
    else if (unsure)
        gti_check_hint(c,
                       "rounding inside of the function, the edge of its domain, or too curved for "
                       "any step: try another point");
    else gti_check_hint(c, "a kink or a tie: try another point");
    gti_check_say_inputs(c);
    gti_check_finish(c);
}

/* Where nothing is above 1e-6, .atol is a part of that. */
static void hint_tolerance(gti_check *c)
{
    const double tolerance = c->o.atol * GTI_LEAST_SCALE;
    if (!(c->largest > 0 && c->largest < 10 * tolerance)) return;
    gti_check_hint(c,
                   "the largest entry is %.2g, the tolerance %.2g: .atol = %.1g would tell, if "
                   "rounding lets it; or take larger units",
                   c->largest, tolerance, c->largest / GTI_LEAST_SCALE / 10);
}

void gti_check_say_vacuous(gti_check *c, const char *why)
{
    gti_check_head(c, GT_INCONCLUSIVE, GT_GRADCHECK_VACUOUS);
    gti_check_line_of_text(c, "%s", why);
    if (c->tally) gti_check_say_inputs(c);
    if (c->tally) hint_tolerance(c);
    gti_check_finish(c);
}

/* Whether a rule that returns zeros would have failed. */
static bool is_telling(const gti_check *c)
{
    for (int i = 0; i < c->fn->n_var; i++)
        if (c->tally[i].found.telling) return true;
    return false;
}

static void say_pass(gti_check *c)
{
    gti_check_head(c, GT_PASS, GT_GRADCHECK_NOTHING);
    if (c->first) gti_check_append(c, "%s", c->first);
    say_compared(c);
    gti_check_finish(c);
}

/* Of a gradient what is looked at are rows, too. */
static bool masks_leave_nothing(const gti_check *c)
{
    const int64_t n = c->fn->inner ? c->n_y : c->n_x;
    for (int64_t i = 0; c->mask && i < n; i++)
        if (c->mask[i]) return false;
    return c->mask && n > 0;
}

static void conclude(gti_check *c)
{
    if (!c->fn->n_var) gti_check_say_vacuous(c, "no derivatives: forward alone was checked");
    else if (!may_pass(c)) say_passed_over(c);
    else if (is_telling(c)) say_pass(c);
    else if (masks_leave_nothing(c))
        gti_check_say_vacuous(c, "masks leave out every entry: there is nothing to compare");
    else if (c->n_x == 0 || c->n_y == 0)
        gti_check_say_vacuous(c, "0 entries: there is nothing to compare");
    else
        gti_check_say_vacuous(c, "all derivatives are 0 or below the tolerance: a rule that "
                                 "returns zeros would not be found");
}

void gti_check_conclude(gti_check *c)
{
    GT_MUTANT(check_vacuous, conclude, say_pass)(c);
}

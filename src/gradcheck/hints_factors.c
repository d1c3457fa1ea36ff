/* Whether the wrong entries are right but for a factor, or lack a term. */
#include <math.h>

#include "gradcheck/hints.h"

static double ratio_of(const gti_findings *f)
{
    return (f->low + f->high) / 2;
}

/* Ratios near 1 are the same only where their distances from 1 are. */
static bool is_constant(const gti_findings *f)
{
    const double ratio = ratio_of(f), spread = fabs(f->high - f->low);
    return f->wrong > 1 && isfinite(ratio) && spread <= 1e-4 * fabs(ratio) &&
           spread <= 0.02 * fabs(ratio - 1);
}

/* Digits behind the point that tell x from `from`. */
static int decimals_for(double x, double from)
{
    const double apart = fabs(x - from), decimals = apart > 0 ? 2 - floor(log10(apart)) : 3;
    return decimals < 3 ? 3 : decimals > 15 ? 15 : (int)decimals;
}

bool gti_hints_ratio(const gti_findings *f)
{
    const double ratio = ratio_of(f);
    const bool flipped = fabs(ratio + 1) < 1e-4 && fabs(f->high - f->low) < 1e-4;
    if ((!is_constant(f) && !flipped) || ratio == 0) return false;
    if (flipped) gti_check_hint(f->c, "the sign is flipped in the %s", gti_hints_rule(f));
    else if (fabs(ratio - 1) < 0.01)
        gti_check_hint(
            f->c,
            "all are off by the same part of themselves, %.2g: is a constant of the rule "
            "rounded, or not the one of forward?",
            ratio - 1);
    else
        gti_check_hint(f->c, "a constant ratio of %.4g: %sa factor%s is %s in the %s", ratio,
                       ratio < 0 ? "the sign is wrong, and " : "",
                       fabs(ratio - 0.5) < 1e-4 ? ", or one of two equal terms," : "",
                       fabs(ratio) < 1 ? "missing" : "too much", gti_hints_rule(f));
    return true;
}

/* Only what is wrong and not 0 on both sides counts. */
static bool some_right(const gti_findings *f)
{
    for (int64_t r = 0; r < f->t->n_rows; r++)
        for (int64_t k = f->from; k < f->to; k++) {
            const gti_entry e = gti_entry_at(f, r, k);
            if (!e.wrong && e.a != 0) return true;
        }
    return false;
}

void gti_hints_term(const gti_findings *f)
{
    const double apart = (f->least + f->most) / 2;
    if (f->wrong < 2) return;
    if (f->analytic_zero && some_right(f))
        gti_check_hint(f->c, "the rule gives 0 where it is wrong: a term is missing");
    else if (f->most - f->least <= 1e-4 * fabs(apart))
        gti_check_hint(f->c,
                       "analytic - numeric is %.4g in all of them: not a factor, but a term is %s",
                       apart, f->low > 1 ? "too much" : "missing or too much");
    else
        gti_check_hint(f->c,
                       "analytic/numeric varies: not a factor, but a term is missing or wrong in "
                       "the %s",
                       gti_hints_rule(f));
}

void gti_hints_say_ratio(const gti_findings *f, char *text, size_t size)
{
    text[0] = '\0';
    if (f->nan || !isfinite(f->low) || !isfinite(f->high)) return;
    const double ratio = ratio_of(f);
    if (is_constant(f))
        gt_snprintf(text, size, "; analytic/numeric is %.*f in all of them", decimals_for(ratio, 1),
                    ratio + 0.0);
    else if (f->wrong > 1)
        gt_snprintf(text, size, "; analytic/numeric is from %.*g to %.*g",
                    decimals_for(f->low, f->high), f->low, decimals_for(f->low, f->high), f->high);
}

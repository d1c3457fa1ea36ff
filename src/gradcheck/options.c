/* What the checker may be asked. */
#include <math.h>

#include "gradcheck/check.h"

bool gti_check_terms_are_fit(gti_check *c, const gti_terms *t, const char *of)
{
    const bool finite = isfinite(t->step) && isfinite(t->rtol) && isfinite(t->atol);
    if (finite && t->step > 0 && t->rtol >= 0 && t->atol >= 0) return true;
    return gti_check_refuse(c,
                            of[0] ? "what is not given is as for all" : "0 stands for the default",
                            "%sstep is %g, rtol %g, atol %g; they must be finite, step positive, "
                            "tolerances not negative",
                            of, t->step, t->rtol, t->atol);
}

/* A table and how many rows it has: both or neither. */
static bool go_together(gti_check *c, const char *name, const void *table, int n, const char *hint)
{
    if (n >= 0 && !table == !n) return true;
    return gti_check_refuse(c, hint, ".%s is %s, and .n_%s %d", name, table ? "a table" : "NULL",
                            name, n);
}

static bool counts_are_fit(gti_check *c)
{
    if (c->o.order < 1 || c->o.order > 2)
        return gti_check_refuse(c, "", "order is %d, must be 1 or 2", c->o.order);
    if (c->o.points >= 1 && c->o.probes >= 1) return true;
    return gti_check_refuse(c, "", "points is %d, probes %d; both must be at least 1", c->o.points,
                            c->o.probes);
}

bool gti_check_options_are_fit(gti_check *c)
{
    const gt_gradcheck_opts *o = &c->o;
    const gti_terms terms = {o->step, o->rtol, o->atol, c->precision};
    if (!gti_check_terms_are_fit(c, &terms, "") || !counts_are_fit(c)) return false;
    if ((int)o->mode < GT_GRADCHECK_AUTO || (int)o->mode > GT_GRADCHECK_FAST)
        return gti_check_refuse(c, "", "mode is %d, must be GT_GRADCHECK_AUTO, _FULL or _FAST",
                                (int)o->mode);
    if (o->others || o->n_others)
        return gti_check_refuse(c, "give them among the inputs",
                                ".others and .n_others are of modules, where the function is none");
    return go_together(c, "inputs", o->inputs, o->n_inputs, "GT_EACH_INPUT(table) sets both");
}

bool gti_check_knows(gti_check *c, unsigned known)
{
    const gt_gradcheck_opts *o = &c->asked;
    const struct {
        unsigned bit;
        bool asked;
        const char *hint, *why;
    } options[] = {
        {GTI_ASKS_POINTS, c->o.points > 1, "call it for each point",
         ".points is of gt_gradcheck, modules and C functions"},
        {GTI_ASKS_F32, o->f32, "gt_gradcheck knows it",
         ".f32 is not for this: derivatives of what computes in f32"},
        {GTI_ASKS_INPUTS, o->inputs || o->n_inputs, "gt_gradcheck knows them",
         ".inputs is not for this: steps, tolerances and masks of inputs"},
        {GTI_ASKS_ORDER, c->o.order == 2, "gt_gradcheck checks second derivatives",
         ".order = 2 is not for this, which looks at first derivatives alone"},
        {GTI_ASKS_STEP, o->step != 0, "leave it out", ".step is not for this: none is chosen"},
        {GTI_ASKS_MODE, o->mode != GT_GRADCHECK_AUTO, "leave it out",
         ".mode is not for this: no Jacobian is compared"},
        {GTI_ASKS_TOLERANCES, o->rtol != 0 || o->atol != 0, "leave them out",
         ".rtol and .atol are not for this, which has bounds of its own"},
        {GTI_ASKS_PROBES, o->probes != 0, "leave it out", ".probes is not for this"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].asked && !(options[i].bit & known))
            return gti_check_refuse(c, options[i].hint, "%s", options[i].why);
    return true;
}

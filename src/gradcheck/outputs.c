/* Functions with several results. */
#include "gradcheck/check.h"
#include <gradtape/gradcheck_ways.h>

typedef struct {
    gt_functions f;
    void *user;
} several;

static bool outputs_are_fit(const gti_fn *fn, gt_tensor *const out[])
{
    for (int i = 0; i < fn->n_out; i++) {
        if (!out[i]) gt_fail(fn->gt, GT_ERR_ARGUMENT, "gt_gradcheck", "result %d is NULL", i);
        else if (out[i]->ctx != fn->gt)
            gt_fail(fn->gt, GT_ERR_ARGUMENT, "gt_gradcheck", "result %d is of another context", i);
        if (gt_failed(fn->gt) || !gti_tensor_usable(out[i], "gt_gradcheck")) return false;
    }
    return true;
}

static bool call_several(const gti_fn *fn, gt_tensor *out[], bool graph)
{
    const several *s = fn->user;
    (void)graph;
    for (int i = 0; i < fn->n_out; i++) out[i] = NULL;
    s->f(fn->gt, fn->in, out, s->user);
    return !gt_failed(fn->gt) && outputs_are_fit(fn, out);
}

/* Stands for f where a function of one result is asked for; never called. */
static gt_tensor *first_of(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return in[0];
}

gt_verdict gt_gradcheck_outputs(gt_ctx *gt, gt_functions f, void *user, gt_tensor *const in[],
                                int n_in, int n_out, const gt_gradcheck_opts *opts,
                                gt_gradcheck_report *report)
{
    gt_gradcheck_report unread;
    several s = {f, user};
    gti_check c;
    gti_fn fn;
    gti_check_init(&c, gt, opts, report ? report : &unread);
    if (n_out < 1 || n_out > GT_OP_OUTPUTS) {
        gti_check_refuse(&c, "", "n_out is %d; 1 to %d results can be checked", n_out,
                         GT_OP_OUTPUTS);
        return GT_FAIL;
    }
    if (!gti_check_knows(&c, ~(unsigned)GTI_ASKS_POINTS) ||
        !gti_check_open_function(&c, f ? first_of : NULL, &s, in, n_in, &fn))
        return GT_FAIL;
    fn.call = call_several;
    fn.n_out = n_out;
    gti_check_all(&c, &fn);
    gti_check_close(&c);
    return c.r->verdict;
}

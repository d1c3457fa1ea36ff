/* A module under the gradient checker: a function of its input and its parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gradtape/gradcheck.h>
#include <gradtape/nn.h>

typedef struct {
    gt_module *module;
    gt_tensor *random; /* state of the generator that every run begins with, as dropout needs it */
    gt_tensor **in;    /* [n_in]: n_x inputs and the parameters */
    gt_tensor **buffer, **found; /* [n_buffers], and what was in them */
    int n_x, n_in, n_buffers;
} subject;

/* The floating outputs as one, if there are several. */
static gt_tensor *join(const gt_outputs *y)
{
    gt_tensor *flat[GT_MODULE_MOST];
    int n = 0;
    for (int i = 0; i < y->n; i++)
        if (y->at[i] && gt_is_floating(y->at[i]->dtype))
            flat[n++] = gt_reshape(y->at[i], GT_SHAPE(-1));
    return y->n == 1 || n == 0 ? y->at[0] : gt_concat(flat, n, 0);
}

static gt_tensor *run(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    const subject *s = user;
    if (gt_set_random_state(gt, s->random) != GT_OK) return NULL;
    const gt_outputs y = gt_forward_all_(s->module, s->n_x, in);
    return join(&y);
}

static gt_verdict fail(gt_gradcheck_report *report, const gt_gradcheck_opts *opts, const char *why)
{
    if (!report) return GT_FAIL;
    *report = (gt_gradcheck_report){.verdict = GT_FAIL,
                                    .kind = GT_GRADCHECK_ERROR,
                                    .order = opts->order == 2 ? 2 : 1,
                                    .sample = -1,
                                    .input = -1};
    snprintf(report->message, sizeof report->message, "gradcheck FAIL  %s  order %d\n  %s\n",
             opts->name, report->order, why);
    return GT_FAIL;
}

/* --- tensors --- */

/* The tensors of a walk into list, if there is one; their number. */
static int collect(gt_state_iter it, gt_tensor **list)
{
    int n = 0;
    for (; gt_state_next(&it); n++)
        if (list) list[n] = it.tensor;
    return n;
}

static bool save_buffers(subject *s)
{
    s->n_buffers = collect(gt_module_buffers(s->module), NULL);
    s->buffer = calloc((size_t)s->n_buffers + 1, sizeof *s->buffer);
    s->found = calloc((size_t)s->n_buffers + 1, sizeof *s->found);
    if (!s->buffer || !s->found) return false;
    collect(gt_module_buffers(s->module), s->buffer);
    for (int i = 0; i < s->n_buffers; i++)
        if (!(s->found[i] = gt_clone(s->buffer[i]))) return false;
    return true;
}

/* The first call makes what is lazy. */
static bool gather_inputs(subject *s, gt_tensor *x, const gt_gradcheck_opts *opts)
{
    gt_ctx *gt = s->module->ctx;
    gt_tensor *first[GT_MODULE_MOST] = {x};
    s->n_x = 1 + opts->n_others;
    for (int i = 1; i < s->n_x; i++) first[i] = opts->others[i - 1];
    const bool recording = gt_set_recording(gt, false);
    if (x) gt_forward_all_(s->module, s->n_x, first);
    gt_set_recording(gt, recording);
    s->n_in = s->n_x + collect(gt_module_parameters(s->module), NULL);
    s->in = calloc((size_t)s->n_in, sizeof *s->in);
    if (!s->in) return false;
    memcpy(s->in, first, (size_t)s->n_x * sizeof *first);
    collect(gt_module_parameters(s->module), s->in + s->n_x);
    return true;
}

static void put_back(const subject *s)
{
    for (int i = 0; s->found && i < s->n_buffers; i++)
        if (s->found[i]) gt_copy_into(s->buffer[i], s->found[i]);
    if (s->random) gt_set_random_state(s->module->ctx, s->random);
}

/* --- the check --- */

static gt_verdict check(subject *s, gt_tensor *x, gt_gradcheck_opts *opts,
                        gt_gradcheck_report *report)
{
    gt_ctx *gt = s->module->ctx;
    const bool failed_before = gt_failed(gt);
    s->random = gt_get_random_state(gt);
    if (!save_buffers(s) || !gather_inputs(s, x, opts))
        gt_fail(gt, GT_ERR_MEMORY, "gt_gradcheck_module", "out of memory");
    opts->others = NULL; /* they are among its inputs now */
    opts->n_others = 0;
    if (failed_before || !gt_failed(gt))
        return gt_gradcheck(gt, run, s, s->in, s->n_in, opts, report);
    fail(report, opts, gt_error_message(gt));
    gt_error_clear(gt);
    return GT_FAIL;
}

/* Both or neither. */
static bool others_are_fit(const gt_gradcheck_opts *o, char *why, size_t size)
{
    if (o->n_others >= 0 && o->n_others < GT_MODULE_MOST && !o->others == !o->n_others) return true;
    snprintf(why, size,
             ".others is %s, and .n_others %d; it is how many inputs there are behind the first, "
             "at most %d",
             o->others ? "given" : "NULL", o->n_others, GT_MODULE_MOST - 1);
    return false;
}

gt_verdict gt_gradcheck_module(gt_ctx *gt, gt_module *m, gt_tensor *x,
                               const gt_gradcheck_opts *opts, gt_gradcheck_report *report)
{
    gt_gradcheck_opts o = {0};
    if (opts) o = *opts;
    if (!o.name) o.name = m ? m->type->name : "module";
    if (!m) return fail(report, &o, "the module is NULL");
    if (m->ctx != gt) return fail(report, &o, "the module belongs to another context");
    char why[160];
    if (!others_are_fit(&o, why, sizeof why)) return fail(report, &o, why);
    subject s = {.module = m};
    const gt_mark start = gt_mark_tape(gt);
    const gt_error_handler handler = gt_set_error_handler(gt, gt_ignore_error, NULL);
    const gt_verdict verdict = check(&s, x, &o, report); /* has the failures */
    put_back(&s);
    gt_set_error_handler(gt, handler.fn, handler.user);
    gt_rewind(gt, start);
    free(s.in);
    free(s.buffer);
    free(s.found);
    return verdict;
}

/* Running modules. */
#include <gradtape/autograd.h>
#include <string.h>

#include "nn/module.h"

/* --- names of inputs and outputs --- */

/* Word i of names that single spaces part. */
static char *put_word(const char *names, int i, char *buf, size_t size)
{
    while (i-- > 0 && *names) {
        names += strcspn(names, " ");
        names += *names == ' ';
    }
    if (size) snprintf(buf, size, "%.*s", (int)strcspn(names, " "), names);
    return buf;
}

int gti_forward_names(const char *names)
{
    int n = *names != 0;
    while ((names = strchr(names, ' '))) n++, names++;
    return n;
}

int gt_module_n_inputs(const gt_module *m)
{
    return m ? gti_forward_names(m->inputs) : 0;
}

int gt_module_n_outputs(const gt_module *m)
{
    return m ? gti_forward_names(m->outputs) : 0;
}

char *gt_module_input_name(const gt_module *m, int i, char *buf, size_t size)
{
    return put_word(m && i >= 0 ? m->inputs : "", i, buf, size);
}

char *gt_module_output_name(const gt_module *m, int i, char *buf, size_t size)
{
    return put_word(m && i >= 0 ? m->outputs : "", i, buf, size);
}

gt_tensor *gt_output(const gt_outputs *y, const char *name)
{
    char word[GT_NAME_MOST + 1];
    for (int i = 0; name && i < y->n; i++)
        if (!strcmp(put_word(y->names, i, word, sizeof word), name)) return y->at[i];
    return NULL;
}

/* --- checks --- */

static int least_inputs(const gt_module *m)
{
    const gt_module *of = gti_same_of(m);
    return of ? of->type->n_least : m->type->n_least;
}

static bool fail_count(const gt_module *m, int n)
{
    const int most = gt_module_n_inputs(m), least = least_inputs(m);
    char few[32] = "";
    if (least && least < most) snprintf(few, sizeof few, "%d to ", least);
    gt_module_fail(m, GT_ERR_ARGUMENT, "takes %s%d input%s (%s), was given %d", few, most,
                   most == 1 ? "" : "s", m->inputs, n);
    return false;
}

static bool fail_input(const gt_module *m, int i, const gt_tensor *t)
{
    char name[GT_NAME_MOST + 1] = "";
    if (gt_module_n_inputs(m) > 1) {
        name[0] = ' ';
        gt_module_input_name(m, i, name + 1, sizeof name - 1);
    }
    gt_module_fail(m, GT_ERR_ARGUMENT, "the input%s %s", name,
                   t ? "belongs to another context" : "is NULL");
    return false;
}

static bool check_inputs(const gt_module *m, int n, gt_tensor *const in[])
{
    const int most = gt_module_n_inputs(m), least = least_inputs(m) ? least_inputs(m) : most;
    if (n < least || n > most) return fail_count(m, n);
    for (int i = 0; i < n; i++)
        if (in[i] ? in[i]->ctx != m->ctx : i < least) return fail_input(m, i, in[i]);
    return true;
}

/* After an earlier failure nothing more is said. */
static bool can_run(const gt_module *m, int n, gt_tensor *const in[])
{
    gt_ctx *gt = m ? m->ctx : n > 0 && in[0] ? in[0]->ctx : NULL;
    if (gt && gt_failed(gt)) return false;
    if (!gti_module_present(m, "forward", gt) || !m) return false;
    if (!m->type->forward && !m->type->forward_many)
        gt_module_fail(m, GT_ERR_UNSUPPORTED, "this type of module has no forward");
    else return check_inputs(m, n, in);
    return false;
}

/* --- running --- */

/* A kind whose functions give nothing, but have not said why. */
static bool fail_silent(const gt_module *m, const char *what)
{
    if (!gt_failed(m->ctx))
        gt_module_fail(m, GT_ERR_STATE, "its %s, but nothing has failed; gt_module_fail says why",
                       what);
    return false;
}

static bool is_ours(const gt_module *m, const gt_tensor *y)
{
    if (y->ctx != m->ctx)
        gt_module_fail(m, GT_ERR_ARGUMENT, "its output belongs to another context");
    return y->ctx == m->ctx;
}

static bool run_many(gt_module *m, int n, gt_tensor *const given[], gt_tensor *out[])
{
    gt_tensor *in[GT_MODULE_MOST] = {NULL};
    memcpy(in, given, (size_t)n * sizeof *in);
    memset(out, 0, GT_MODULE_MOST * sizeof *out);
    if (!m->type->forward_many(m, in, out)) return fail_silent(m, "forward_many returned false");
    for (int i = 0; i < gt_module_n_outputs(m); i++) {
        char name[GT_NAME_MOST + 1], what[GT_NAME_MOST + 64];
        if (out[i] && !is_ours(m, out[i])) return false;
        if (out[i]) continue;
        snprintf(what, sizeof what, "forward_many made no output %s",
                 gt_module_output_name(m, i, name, sizeof name));
        return fail_silent(m, what);
    }
    return true;
}

/* The outputs, of which there is room for GT_MODULE_MOST if there are several. */
static bool run(gt_module *m, int n, gt_tensor *const in[], gt_tensor *out[])
{
    if (!m->ready) m->ready = m->type->materialise(m, in[0]);
    if (!m->ready) return fail_silent(m, "materialise returned false");
    if (m->type->forward_many) return run_many(m, n, in, out);
    out[0] = m->type->forward(m, in[0]);
    return out[0] ? is_ours(m, out[0]) : fail_silent(m, "forward returned NULL");
}

static bool forward(gt_module *m, int n, gt_tensor *const in[], gt_tensor *out[])
{
    if (!can_run(m, n, in)) return false;
    const gt_scope *outer = gt_set_scope(m->ctx, &m->scope);
    const bool ok = run(m, n, in, out);
    gt_set_scope(m->ctx, outer);
    if (ok && m->hooks) gti_hooks_call(m, n, in, out);
    return ok;
}

gt_tensor *gt_forward_(gt_module *m, int n, gt_tensor *const in[])
{
    gt_tensor *out[GT_MODULE_MOST];
    out[0] = NULL;
    if (m && !gt_failed(m->ctx) && gt_module_n_outputs(m) > 1) {
        gt_module_fail(m, GT_ERR_ARGUMENT,
                       "has %d outputs (%s); gt_forward_all returns all of them",
                       gt_module_n_outputs(m), m->outputs);
        return NULL;
    }
    return forward(m, n, in, out) ? out[0] : NULL;
}

gt_outputs gt_forward_all_(gt_module *m, int n, gt_tensor *const in[])
{
    gt_outputs y = {.n = gt_module_n_outputs(m), .names = m ? m->outputs : ""};
    if (!forward(m, n, in, y.at)) memset(y.at, 0, sizeof y.at);
    return y;
}

gt_tensor *gti_forward_before(gt_module *m, gt_tensor *x, bool *spare, gt_activation *then)
{
    if (m->holders) return gt_pass(m, x, spare);
    m->then = *then;
    gt_tensor *y = gt_pass(m, x, spare);
    *then = m->then;
    m->then = GT_NO_ACTIVATION;
    return y;
}

/* What m releases within, its result may lie in; then the address is the same, but x was spare. */
gt_tensor *gt_pass(gt_module *m, gt_tensor *x, bool *spare)
{
    const bool clean = m && !m->holders, give = clean && *spare;
    if (m) m->spare = give;
    gt_tensor *y = gt_forward(m, x);
    if (m) m->spare = false;
    if (!y) return NULL;
    const bool apart = y->data != x->data;
    if (give && apart) gt_release(x);
    *spare = clean && (give || apart);
    return y;
}

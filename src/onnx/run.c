/* Running a model, node by node. */
#include <gradtape/autograd.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/module.h"

/* A value of the graph in one call. */
typedef struct {
    gt_tensor *t;
    int root;   /* the value whose data it shares, itself mostly */
    int live;   /* of a root: how many values that will still be read share its data */
    bool given; /* not made by a node */
    bool owned; /* the module's */
    bool known; /* follows from the model and from shapes alone */
} value;

typedef struct {
    gti_onnx *o;
    value *v;
    gt_tensor **in; /* of the present node, and its outputs behind them */
    bool *owned, *known;
    gti_store store;
} run;

/* --- lives --- */

/* Values that nobody reads any more give their data back. */
static void retire(run *r, int at)
{
    value *root = &r->v[r->v[at].root];
    if (--root->live == 0 && !root->given) gt_release(root->t);
}

static void retire_inputs(run *r, int k)
{
    const gti_onnx_node *n = &r->o->model->node[k];
    for (int i = 0; i < n->n_in; i++) {
        bool before = false;
        for (int j = 0; j < i; j++) before |= n->in[j] == n->in[i];
        if (n->in[i] >= 0 && r->o->last[n->in[i]] == k && !before) retire(r, n->in[i]);
    }
}

static void store(run *r, int at, gt_tensor *t, const gti_onnx_node *n, bool known)
{
    r->v[at] = (value){.t = t, .root = at, .known = known};
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] >= 0 && r->v[n->in[i]].t->data == t->data) r->v[at].root = r->v[n->in[i]].root;
    r->v[r->v[at].root].live++;
}

/* --- nodes --- */

/* Whether all inputs are known, which are put where operators look for them. */
static bool gather_inputs(run *r, const gti_onnx_node *n)
{
    bool all = true;
    for (int i = 0; i < n->n_in; i++) {
        const value none = {.known = true}, *v = n->in[i] < 0 ? &none : &r->v[n->in[i]];
        r->in[i] = v->t;
        r->owned[i] = v->owned;
        r->known[i] = v->known;
        all &= v->known;
    }
    return all;
}

static bool run_node(run *r, int k)
{
    const gti_onnx_model *m = r->o->model;
    const gti_onnx_node *n = &m->node[k];
    const bool known = gather_inputs(r, n) || n->op->shapes_alone;
    gti_onnx_call c = {.gt = r->o->base.ctx,
                       .node = n,
                       .path = m->path,
                       .opset = m->opset,
                       .training = r->o->base.training,
                       .n_in = n->n_in,
                       .n_out = n->n_out,
                       .in = r->in,
                       .out = r->in + n->n_in,
                       .owned = r->owned,
                       .known = r->known,
                       .store = &r->store};
    memset(c.out, 0, (size_t)n->n_out * sizeof(gt_tensor *));
    /* Shapes follow from numbers: these are worked out where nothing else is computed. */
    const bool shapes_only = known && gt_set_shapes_only(c.gt, false);
    gt_tensor *y = gti_op_run(&c);
    if (shapes_only) gt_set_shapes_only(c.gt, true);
    if (!c.out[0]) c.out[0] = y;
    if (!y || gt_failed(c.gt)) return false;
    for (int i = 0; i < n->n_out; i++) {
        if (n->out[i] < 0) continue;
        if (!c.out[i]) return gti_call_fail(&c, GT_ERR_UNSUPPORTED, "its output %d is not made", i);
        store(r, n->out[i], c.out[i], n, known);
    }
    retire_inputs(r, k);
    return true;
}

/* --- models --- */

static void bind(run *r, int n_in, gt_tensor *const in[])
{
    const gti_onnx_model *m = r->o->model;
    for (int i = 0; i < m->n_tensors; i++) {
        const int at = m->tensor_value[i];
        gt_tensor *learned = gt_module_parameter(&r->o->base, m->tensor_path[i]);
        gt_tensor *t = learned ? learned : gt_module_buffer(&r->o->base, m->tensor_path[i]);
        r->v[at] = (value){.t = t, .root = at, .given = true, .owned = true, .known = !learned};
    }
    for (int i = 0; i < n_in; i++)
        r->v[m->input[i]] = (value){.t = in[i], .root = m->input[i], .given = true};
}

static bool make_room(run *r)
{
    const gti_onnx_model *m = r->o->model;
    size_t wide = 1;
    for (int i = 0; i < m->n_nodes; i++) {
        const size_t n = (size_t)m->node[i].n_in + (size_t)m->node[i].n_out;
        if (n > wide) wide = n;
    }
    r->v = gti_store_get(&r->store, (size_t)m->names.n, sizeof *r->v);
    r->in = gti_store_get(&r->store, wide, sizeof(gt_tensor *));
    r->owned = gti_store_get(&r->store, wide, sizeof *r->owned);
    r->known = gti_store_get(&r->store, wide, sizeof *r->known);
    if (r->store.failed) gt_module_fail(&r->o->base, GT_ERR_MEMORY, "out of memory");
    return !r->store.failed;
}

static bool run_model(gti_onnx *o, int n_in, gt_tensor *const in[], gt_tensor *out[])
{
    const gti_onnx_model *m = o->model;
    run r = {.o = o};
    bool ok = make_room(&r);
    if (ok) bind(&r, n_in, in);
    for (int k = 0; k < m->n_nodes && ok; k++) {
        const gt_scope *before = gt_set_scope(o->base.ctx, &o->scope[k]);
        ok = run_node(&r, k);
        gt_set_scope(o->base.ctx, before);
    }
    for (int i = 0; i < m->n_outputs; i++) out[i] = ok ? r.v[m->output[i]].t : NULL;
    gti_store_clear(&r.store);
    return ok;
}

static bool check_count(const gti_onnx *o, int n_in)
{
    if (n_in == o->model->n_inputs) return true;
    gt_module_fail(&o->base, GT_ERR_ARGUMENT, "the model has %d input%s, not %d%s",
                   o->model->n_inputs, o->model->n_inputs == 1 ? "" : "s", n_in,
                   n_in == 1 ? "; gt_onnx_forward takes several" : "");
    return false;
}

gt_tensor *gti_run_forward(gt_module *m, gt_tensor *x)
{
    gti_onnx *o = (gti_onnx *)m;
    if (!check_count(o, 1)) return NULL;
    gt_tensor **out = calloc((size_t)o->model->n_outputs, sizeof *out);
    if (!out) return gt_module_fail(m, GT_ERR_MEMORY, "out of memory"), NULL;
    gt_tensor *y = run_model(o, 1, &x, out) ? out[0] : NULL;
    free(out);
    return y;
}

#undef gt_onnx_forward
gt_status gt_onnx_forward(gt_module *m, int n_in, gt_tensor *const in[], gt_tensor *out[])
{
    gti_onnx *o = gti_module_onnx(m);
    if (m && (!gt_module_usable(m) || gt_failed(m->ctx))) return gt_error_code(m->ctx);
    if (!m || !o)
        return gt_fail(m ? m->ctx : NULL, GT_ERR_ARGUMENT, "gt_onnx_forward",
                       "the module is none of gt_onnx_load");
    if (!out) return gt_module_fail(m, GT_ERR_ARGUMENT, "the array of outputs is NULL");
    for (int i = 0; i < o->model->n_outputs; i++) out[i] = NULL;
    if (!check_count(o, n_in)) return gt_error_code(m->ctx);
    if (n_in && !in) return gt_module_fail(m, GT_ERR_ARGUMENT, "the array of inputs is NULL");
    for (int i = 0; i < n_in; i++)
        if (!in[i]) return gt_module_fail(m, GT_ERR_ARGUMENT, "input %d is NULL", i);
    return run_model(o, n_in, in, out) ? GT_OK : gt_error_code(m->ctx);
}

/* Where graphs come from: modules, tapes, captured steps. */
#include <gradtape/autograd.h>
#include <stdlib.h>
#include <string.h>

#include "graph/model.h"

#undef gt_tape_graph
#undef gt_tensor_graph
#undef gt_captured_graph

/* --- running a module --- */

typedef struct {
    gt_module *module;
    gt_module_graph_opts opts;
    gt_tensor *x, *y;
} run;

static const char what[] = "gt_module_graph";

/* The trainable parameters, to be freed, with as many places behind them. */
static gt_tensor **trainable(const gt_module *m, int *n)
{
    gt_state_iter count = gt_module_parameters(m), it = count;
    *n = 0;
    while (gt_state_next(&count)) ++*n;
    gt_tensor **all = malloc((2 * (size_t)*n + 1) * sizeof *all);
    for (*n = 0; all && gt_state_next(&it);)
        if (it.tensor->requires_grad) all[(*n)++] = it.tensor;
    return all;
}

/* The gradients of all that is trainable, without touching what they have. */
static bool differentiate(const run *r)
{
    int n;
    gt_ctx *gt = r->module->ctx;
    gt_tensor **all = trainable(r->module, &n);
    if (!all) return gt_fail(gt, GT_ERR_MEMORY, what, "out of memory"), false;
    gt_set_recording_all(gt, false);
    gt_tensor *up = gt_ones_like(r->y), *const y[] = {r->y};
    gt_set_recording_all(gt, true);
    if (n == 0)
        gt_fail(gt, GT_ERR_STATE, what, "%s has no parameter that requires gradients%s",
                r->module->type->name,
                "\n  hint: gt_unfreeze, or a graph without .backward = true");
    const bool ok = up && gt_set_name(up, "upstream") && !gt_failed(gt) &&
                    gt_grad_(y, 1, all, n, all + n,
                             (gt_grad_opts){.upstream = &up, .allow_unused = true}) == GT_OK;
    free(all);
    return ok;
}

static gt_tensor *input_of(const run *r, gt_shape shape)
{
    gt_state_iter it = gt_module_parameters(r->module);
    gt_dtype dtype = r->opts.dtype;
    if (!dtype && gt_state_next(&it)) dtype = it.tensor->dtype;
    gt_tensor *x = gt_full_(r->module->ctx, shape, 0, (gt_new_opts){.dtype = dtype});
    return x ? gt_set_name(x, "input") : NULL;
}

/* Runs the module for its shapes; with everything recorded, where `record`. */
static bool call(run *r, gt_shape shape, bool record)
{
    gt_ctx *gt = r->module->ctx;
    const bool shapes = gt_set_shapes_only(gt, true), on = gt_set_recording(gt, record);
    r->x = input_of(r, shape);
    const bool all = gt_set_recording_all(gt, record);
    r->y = gt_forward(r->module, r->x);
    const bool ok = r->y && (!record || !r->opts.backward || differentiate(r));
    gt_set_recording_all(gt, all);
    gt_set_recording(gt, on);
    gt_set_shapes_only(gt, shapes);
    return ok;
}

static const gt_node *last_node(const gt_ctx *gt)
{
    const gt_node *last = NULL;
    for (const gt_node *n = gt_tape_first(gt); n; n = gt_tape_next(n)) last = n;
    return last;
}

static bool name_ends(gti_model *g, const run *r)
{
    if (!gti_model_set_result(g, r->y)) return false;
    gti_model_set_input(g, r->x);
    return true;
}

/* One run as a graph, and the tape as it was. */
static gti_model *trace(run *r, gt_shape shape)
{
    gt_ctx *gt = r->module->ctx;
    const gt_mark start = gt_mark_tape(gt);
    const gt_node *last = last_node(gt);
    gti_model *g = NULL;
    if (call(r, shape, true))
        g = gti_model_make(gt, last ? gt_tape_next(last) : gt_tape_first(gt), what);
    if (g && !name_ends(g, r)) {
        gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
        gt_graph_free(&g->pub);
        g = NULL;
    }
    gt_rewind(gt, start);
    return g;
}

/* --- what grows with the batch --- */

static bool alike(const gt_graph *a, const gt_graph *b)
{
    if (a->n_nodes != b->n_nodes || a->n_values != b->n_values) return false;
    for (int i = 0; i < a->n_nodes; i++)
        if (a->node[i].op != b->node[i].op) return false;
    for (int i = 0; i < a->n_values; i++)
        if (a->value[i].shape.ndim != b->value[i].shape.ndim) return false;
    return true;
}

static bool same_value(const gt_attr *row, const void *a, const void *b)
{
    char text[2][256];
    if (row->kind == GT_ATTR_TENSOR) return true;
    if (row->kind == GT_ATTR_SHAPE || row->kind == GT_ATTR_AXES)
        return !strcmp(gt_attr_format(row, a, text[0], sizeof text[0]),
                       gt_attr_format(row, b, text[1], sizeof text[1]));
    bool same = true;
    for (int i = 0; i < row->count; i++)
        same = same && gt_attr_real(row, a, i) == gt_attr_real(row, b, i);
    return same;
}

/* By what their rows say: what lies between the fields of a struct may be anything. */
static bool same_options(const gt_op *op, const void *a, const void *b)
{
    if (!op->opts_size || memcmp(a, b, op->opts_size) == 0) return true;
    bool same = op->attrs.n > 0;
    for (int i = 0; i < op->attrs.n; i++) same = same && same_value(&op->attrs.row[i], a, b);
    return same;
}

static bool note_growth(gti_model *g, const gt_graph *more)
{
    for (int i = 0; i < g->pub.n_values; i++) {
        gt_graph_value *v = gti_model_value(g, i);
        for (int k = 0; k < v->shape.ndim; k++)
            v->growth[k] = more->value[i].shape.dim[k] - v->shape.dim[k];
    }
    for (int i = 0; i < g->pub.n_nodes; i++) {
        gt_graph_node *n = gti_model_node(g, i);
        const size_t size = n->op->opts_size;
        if (same_options(n->op, n->opts, more->node[i].opts)) continue;
        void *grown = gti_model_room(g, size);
        if (!grown) return false;
        n->grown = memcpy(grown, more->node[i].opts, size);
    }
    return true;
}

/* A module that takes no other batch has nothing symbolic. */
static bool grow(gti_model *g, run *r, gt_shape shape)
{
    gt_ctx *gt = r->module->ctx;
    if (shape.ndim < 1 || shape.dim[0] < 1) return true;
    shape.dim[0]++;
    const gt_error_handler handler = gt_set_error_handler(gt, gt_ignore_error, NULL);
    gti_model *more = trace(r, shape);
    const bool short_of_memory = gt_error_code(gt) == GT_ERR_MEMORY;
    if (!more && !short_of_memory) gt_error_clear(gt);
    gt_set_error_handler(gt, handler.fn, handler.user);
    if (!more) return !short_of_memory;
    const bool same = alike(&g->pub, &more->pub), ok = !same || note_growth(g, &more->pub);
    if (same) g->pub.batch = shape.dim[0] - 1;
    gt_graph_free(&more->pub);
    return ok;
}

static gt_graph *trace_twice(run *r, gt_shape input)
{
    gt_ctx *gt = r->module->ctx;
    const gt_mark start = gt_mark_tape(gt);
    const bool ran = call(r, input, false); /* what is lazy is made here */
    gt_rewind(gt, start);
    gti_model *g = ran ? trace(r, input) : NULL;
    if (!g) return NULL;
    if (grow(g, r, input)) return gti_model_done(g);
    gt_fail(gt, GT_ERR_MEMORY, what, "no memory for the graph");
    gt_graph_free(&g->pub);
    return NULL;
}

static bool takes_one(const gt_module *m)
{
    const int n = gt_module_n_inputs(m), least = m->type->n_least ? m->type->n_least : n;
    if (least <= 1) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT,
                   "takes %d inputs (%s), where a graph made of a module is of one\n"
                   "  hint: gt_captured_graph of a step with .inputs (capture.h) has several",
                   n, m->inputs);
    return false;
}

gt_graph *gt_module_graph_(gt_module *m, gt_shape input, gt_module_graph_opts opts)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL"), NULL;
    if (!gt_module_usable(m) || gt_failed(m->ctx) ||
        gt_host_only(m->ctx, what, "make it outside of the step"))
        return NULL;
    if (!takes_one(m)) return NULL;
    run r = {.module = m, .opts = opts};
    gt_module_push_mode(m, opts.training || opts.backward);
    gt_graph *g = trace_twice(&r, input);
    gt_module_pop_mode(m);
    return g;
}

/* --- what was recorded --- */

gt_graph *gt_tape_graph(gt_ctx *gt)
{
    if (!gt) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_tape_graph", "the context is NULL"), NULL;
    if (gt_failed(gt)) return NULL;
    gti_model *g = gti_model_make(gt, gt_tape_first(gt), "gt_tape_graph");
    return g ? gti_model_done(g) : NULL;
}

static bool on_tape(const gt_node *n, const gt_ctx *gt)
{
    const gt_node *at = gt_tape_first(gt);
    while (at && at != n) at = gt_tape_next(at);
    return at != NULL;
}

gt_graph *gt_tensor_graph(const gt_tensor *of)
{
    static const char name[] = "gt_tensor_graph";
    if (!of) return gt_fail(NULL, GT_ERR_ARGUMENT, name, "the tensor is NULL"), NULL;
    gt_ctx *gt = of->ctx;
    if (gt_failed(gt)) return NULL;
    if (gt_producer(of) && !on_tape(gt_producer(of), gt))
        return gt_fail(gt, GT_ERR_STATE, name, "the tensor was dropped by gt_rewind"), NULL;
    gti_model *g = gti_model_make(gt, gt_tape_first(gt), name);
    if (!g) return NULL;
    if (gti_model_set_result(g, of) && gti_model_prune(g)) return gti_model_done(g);
    gt_fail(gt, GT_ERR_MEMORY, name, "no memory for the graph");
    gt_graph_free(&g->pub);
    return NULL;
}

gt_graph *gt_captured_graph(const gt_captured *c)
{
    static const char name[] = "gt_captured_graph";
    const gt_tensor *input, *result = gt_captured_result(c);
    const gt_node *first = gt_captured_first(c);
    gt_ctx *gt = first ? first->in[0]->ctx : NULL;
    if (!c || !gt)
        return gt_fail(NULL, GT_ERR_ARGUMENT, name, "the captured step %s",
                       c ? "has no operations, has failed, or was freed" : "is NULL"),
               NULL;
    if (gt_failed(gt)) return NULL;
    gti_model *g = gti_model_make(gt, first, name);
    if (!g) return NULL;
    for (int i = 0; (input = gt_captured_input(c, i)); i++) gti_model_set_input(g, input);
    if (!result || gti_model_set_result(g, result)) return gti_model_done(g);
    gt_fail(gt, GT_ERR_MEMORY, name, "no memory for the graph");
    gt_graph_free(&g->pub);
    return NULL;
}

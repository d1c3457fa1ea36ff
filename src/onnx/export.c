/* A graph as an ONNX model. */
#include <gradtape/graph.h>
#include <gradtape/io.h>
#include <gradtape/onnx.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/emit.h"

enum { OPSET = 17, OPSET_LEAST = 17, OPSET_MOST = 24 };

static const char what[] = "gt_onnx_save";

/* --- mappings --- */

const gti_mapping *gti_export_mapping(const char *op)
{
    static const gti_mapping *const lists[] = {gti_emit_windows_list,     gti_emit_products_list,
                                               gti_emit_elementwise_list, gti_emit_shapes_list,
                                               gti_emit_reductions_list,  gti_emit_norms_list};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const gti_mapping *m = lists[i]; m->op; m++)
            if (!strcmp(m->op, op)) return m;
    return NULL;
}

const char *gt_onnx_export_reason(const gt_op *op)
{
    const gti_mapping *m = gti_export_mapping(op->name);
    if (m) return m->reason;
    return op->flags & GT_OP_INTO ? "changes tensors in place, which models do not"
                                  : "belongs to a backward pass, which models have not";
}

/* --- names --- */

static bool out_of_memory(const gti_emit *e)
{
    return gt_fail(e->g->ctx, GT_ERR_MEMORY, what, "out of memory") == GT_OK;
}

/* Puts text before what begins at `at`. */
static char *put_before(char *at, const char *text)
{
    for (size_t k = strlen(text); k-- > 0;) *--at = text[k];
    return at;
}

/* "layer1.0.conv1": names of the scopes from the outermost on, but for functions. */
static const char *path_of(gti_emit *e, int scope, const char *name)
{
    size_t size = strlen(name) + 2;
    for (int s = scope; s >= 0; s = e->g->scope[s].parent) size += strlen(e->g->scope[s].name) + 1;
    char *path = gti_store_get(&e->store, size, 1), *at = path ? path + size - 1 : NULL;
    if (!at) return "";
    at = put_before(at, name);
    for (int s = scope; s >= 0; s = e->g->scope[s].parent) {
        const gt_graph_scope *here = &e->g->scope[s];
        if (here->kind == GT_SCOPE_FUNCTION || !*here->name) continue;
        if (*at) *--at = '.';
        at = put_before(at, here->name);
    }
    return at;
}

static const char *numbered(gti_emit *e, const char *name, int i)
{
    char *text = gti_store_get(&e->store, strlen(name) + 32, 1);
    if (text) sprintf(text, "%s%s%d", name, *name ? "_" : "v", i);
    return text ? text : "";
}

/* Leaves have their paths, and the result and inputs their names; no name comes twice. */
static bool name_values(gti_emit *e)
{
    gti_names taken = {.store = &e->store};
    for (int i = 0; i < e->g->n_values; i++) {
        const gt_graph_value *v = &e->g->value[i];
        const char *name = v->node >= 0 ? "" : path_of(e, v->scope, v->name);
        if (i == e->g->result) name = "output";
        if (v->kind == GT_VALUE_INPUT && !*name) name = "input";
        if (!*name || gti_names_find(&taken, (gti_bytes){(const uint8_t *)name, strlen(name)}) >= 0)
            name = numbered(e, name, i);
        gti_names_add(&taken, (gti_bytes){(const uint8_t *)name, strlen(name)});
        e->name[i] = name;
    }
    return !e->store.failed || out_of_memory(e);
}

static bool is_read(const gti_emit *e, const gt_graph_node *n)
{
    bool read = false;
    for (int i = 0; i < n->n_out; i++) read |= e->readers[n->out[i]] > 0;
    return read && n->part == GT_PART_FORWARD;
}

/* From the result back, so that what nobody reads does not count as a reader; nor does what fills a
 * tensor, whatever it held. */
static void count_readers(gti_emit *e)
{
    e->readers[e->g->result]++;
    for (int k = e->g->n_nodes - 1; k >= 0; k--) {
        const gt_graph_node *n = &e->g->node[k];
        const bool reads = is_read(e, n) && strcmp(n->op->name, "fill") != 0;
        const int n_in = reads ? n->n_in : 0;
        for (int i = 0; i < n_in; i++)
            if (!e->readers[n->in[i]]++) e->reader[n->in[i]] = k;
    }
}

/* --- types --- */

/* A dimension that is the batch has its name; another that grows with it has none. */
static void add_dim(const gti_emit *e, gti_proto *shape, const gt_graph_value *v, int i)
{
    gti_proto dim = {0};
    if (!v->growth[i]) gti_proto_int(&dim, 1, v->shape.dim[i]);
    else if (v->growth[i] == 1 && v->shape.dim[i] == e->g->batch)
        gti_proto_bytes(&dim, 2, "batch", 5);
    gti_proto_message(shape, 1, &dim);
}

static void add_value(gti_emit *e, int field, int i)
{
    const gt_graph_value *v = &e->g->value[i];
    gti_proto shape = {0}, tensor = {0}, type = {0}, info = {0};
    for (int d = 0; d < v->shape.ndim; d++) add_dim(e, &shape, v, d);
    gti_proto_int(&tensor, 1, gti_emit_type(v->dtype));
    gti_proto_message(&tensor, 2, &shape);
    gti_proto_message(&type, 1, &tensor);
    gti_proto_bytes(&info, 1, e->name[i], strlen(e->name[i]));
    gti_proto_message(&info, 2, &type);
    gti_proto_message(&e->graph, field, &info);
}

/* --- leaves --- */

static const void *data_of(const gti_emit *e, const gt_module *weights, int i)
{
    const gt_graph_value *v = &e->g->value[i];
    const gt_tensor *t = weights ? gt_module_parameter(weights, e->name[i]) : NULL;
    if (!t && weights) t = gt_module_buffer(weights, e->name[i]);
    return t && gt_shape_equal(t->shape, v->shape) && t->dtype == v->dtype ? t->data : v->data;
}

static bool add_leaf(gti_emit *e, const gt_module *weights, int i)
{
    const gt_graph_value *v = &e->g->value[i];
    if (v->kind == GT_VALUE_INPUT) {
        add_value(e, 11, i);
        return true;
    }
    const void *data = data_of(e, weights, i);
    if (data) {
        gti_emit_tensor(&e->graph, 5, e->name[i], v->dtype, &v->shape, data);
        return true;
    }
    gt_fail(
        e->g->ctx, GT_ERR_UNSUPPORTED, what,
        "%s%s is a constant of the program with more than %d bytes, which the graph does not hold\n"
        "  hint: make it a buffer of a module (gt_module_add_buffer)",
        e->name[i], v->where ? v->where : "", GT_GRAPH_DATA);
    return false;
}

static bool is_wanted(const gti_emit *e, int i)
{
    const gt_graph_value *v = &e->g->value[i];
    return v->kind == GT_VALUE_INPUT || (e->readers[i] && v->node < 0);
}

/* --- nodes --- */

/* Numbers have the axes 0 and -1 here, and none there. */
static bool is_along_number(const gt_graph *g, const gt_graph_node *n)
{
    return gt_attr_find(&n->op->attrs, "axis") && !g->value[n->in[0]].shape.ndim &&
           strcmp(n->op->name, "stack") != 0;
}

static bool write_node(gti_emit *e, const gt_graph_node *n)
{
    const gti_mapping *m = gti_export_mapping(n->op->name);
    e->n = n;
    e->as = m ? m->as : NULL;
    e->place = path_of(e, n->scope, "");
    if (!*e->place) e->place = n->op->name;
    if (is_along_number(e->g, n))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED,
                             "runs along an axis of a number, which has none in ONNX");
    if (m && m->emit) return m->emit(e);
    return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "cannot be exported: it %s",
                         gt_onnx_export_reason(n->op));
}

static bool write_nodes(gti_emit *e)
{
    for (int k = 0; k < e->g->n_nodes; k++) {
        const gt_graph_node *n = &e->g->node[k];
        if (is_read(e, n) && !write_node(e, n)) return false;
    }
    return true;
}

static bool write_graph(gti_emit *e, const gt_module *weights)
{
    count_readers(e);
    if (!name_values(e)) return false;
    for (int i = 0; i < e->g->n_values; i++)
        if (is_wanted(e, i) && !add_leaf(e, weights, i)) return false;
    if (!write_nodes(e)) return false;
    gti_proto_bytes(&e->graph, 2, "gradtape", 8);
    for (int i = 0; i < e->g->n_values; i++)
        if (e->g->value[i].node >= 0 && e->readers[i] && i != e->g->result) add_value(e, 13, i);
    add_value(e, 12, e->g->result);
    return true;
}

/* --- the model --- */

static gt_status write_file(gti_emit *e, const char *path)
{
    gti_proto model = {0}, opset = {0};
    gti_proto_int(&model, 1, e->opset >= 24 ? 11 : e->opset > 21 ? 10 : 8); /* IR */
    gti_proto_bytes(&model, 2, "gradtape", 8);
    gti_proto_bytes(&model, 3, GT_VERSION, strlen(GT_VERSION));
    gti_proto_message(&model, 7, &e->graph);
    gti_proto_int(&opset, 2, e->opset);
    gti_proto_message(&model, 8, &opset);
    gt_status status = GT_ERR_MEMORY;
    if (model.failed || e->store.failed) out_of_memory(e);
    else {
        gt_file *f = gt_file_create_for(e->g->ctx, what, path);
        if (f) gt_file_write(f, model.at, model.length);
        status = f ? gt_file_commit(f) : gt_error_code(e->g->ctx);
    }
    gti_proto_free(&model);
    return status;
}

static bool check(const gt_graph *g, const char *path, int opset)
{
    if (!path) gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "the path is NULL");
    else if (g->result < 0) gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "the graph has no result");
    else if (opset < OPSET_LEAST || opset > OPSET_MOST)
        gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "opset is %d, must be %d to %d", opset, OPSET_LEAST,
                OPSET_MOST);
    return !gt_failed(g->ctx);
}

gt_status gt_onnx_save_graph_(const gt_graph *g, const char *path, gt_onnx_save_opts opts)
{
    if (!g) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the graph is NULL");
    if (gt_failed(g->ctx)) return gt_error_code(g->ctx);
    gti_emit e = {.g = g, .what = what, .place = "", .opset = opts.opset ? opts.opset : OPSET};
    if (!check(g, path, e.opset)) return gt_error_code(g->ctx);
    const size_t n = (size_t)g->n_values;
    e.name = gti_store_get(&e.store, n, sizeof *e.name);
    e.readers = gti_store_get(&e.store, n, sizeof *e.readers);
    e.reader = gti_store_get(&e.store, n, sizeof *e.reader);
    gt_status status = GT_ERR_MEMORY;
    if (e.store.failed) out_of_memory(&e);
    else status = write_graph(&e, opts.weights) ? write_file(&e, path) : gt_error_code(g->ctx);
    gti_proto_free(&e.graph);
    gti_proto_free(&e.attrs);
    gti_store_clear(&e.store);
    return status;
}

gt_status gt_onnx_save_(gt_module *m, const char *path, gt_shape input, gt_onnx_save_opts opts)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (opts.weights && !gt_failed(m->ctx))
        gt_fail(m->ctx, GT_ERR_ARGUMENT, what,
                ".weights is of gt_onnx_save_graph: the module has "
                "its own");
    gt_graph *g = gt_module_graph_(m, input, (gt_module_graph_opts){.dtype = opts.dtype});
    if (!g) return gt_error_code(m->ctx);
    opts.weights = m;
    const gt_status status = gt_onnx_save_graph_(g, path, opts);
    gt_graph_free(g);
    return status;
}

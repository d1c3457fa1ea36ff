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

/* --- types --- */

/* A dimension that is the batch has its name; another that grows with it has none. */
static void add_dim(const gti_emit *e, gti_proto *shape, const gt_graph_value *v, int i)
{
    gti_proto dim = {0};
    if (!v->growth[i]) gti_proto_int(&dim, 1, v->shape.dim[i]);
    else if (v->growth[i] == 1 && v->shape.dim[i] == e->r.g->batch)
        gti_proto_bytes(&dim, 2, "batch", 5);
    gti_proto_message(shape, 1, &dim);
}

static void add_value(gti_emit *e, int field, int i)
{
    const gt_graph_value *v = &e->r.g->value[i];
    gti_proto shape = {0}, tensor = {0}, type = {0}, info = {0};
    for (int d = 0; d < v->shape.ndim; d++) add_dim(e, &shape, v, d);
    gti_proto_int(&tensor, 1, gti_emit_type(v->dtype));
    gti_proto_message(&tensor, 2, &shape);
    gti_proto_message(&type, 1, &tensor);
    gti_proto_bytes(&info, 1, e->r.name[i], strlen(e->r.name[i]));
    gti_proto_message(&info, 2, &type);
    gti_proto_message(&e->graph, field, &info);
}

/* --- leaves --- */

static bool add_leaf(gti_emit *e, int i)
{
    const gt_graph_value *v = &e->r.g->value[i];
    if (v->kind == GT_VALUE_INPUT) {
        add_value(e, 11, i);
        return true;
    }
    const void *data = gti_reading_data(&e->r, i);
    if (data) gti_emit_tensor(&e->graph, 5, e->r.name[i], v->dtype, &v->shape, data);
    return data != NULL;
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
    gti_reading_go_to(&e->r, n);
    e->as = m ? m->as : NULL;
    if (is_along_number(e->r.g, n))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED,
                             "runs along an axis of a number, which has none in ONNX");
    if (m && m->emit) return m->emit(e);
    return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "cannot be exported: it %s",
                         gt_onnx_export_reason(n->op));
}

static bool write_nodes(gti_emit *e)
{
    for (int k = 0; k < e->r.g->n_nodes; k++) {
        const gt_graph_node *n = &e->r.g->node[k];
        if (gti_reading_is_read(&e->r, n) && !write_node(e, n)) return false;
    }
    return true;
}

static bool write_graph(gti_emit *e)
{
    for (int i = 0; i < e->r.g->n_values; i++)
        if (gti_reading_is_leaf(&e->r, i) && !add_leaf(e, i)) return false;
    if (!write_nodes(e)) return false;
    gti_proto_bytes(&e->graph, 2, "gradtape", 8);
    for (int i = 0; i < e->r.g->n_values; i++)
        if (e->r.g->value[i].node >= 0 && e->r.readers[i] && i != e->r.g->result)
            add_value(e, 13, i);
    add_value(e, 12, e->r.g->result);
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
    if (model.failed || e->r.store.failed) gti_reading_short_of_memory(&e->r);
    else {
        gt_file *f = gt_file_create_for(e->r.g->ctx, what, path);
        if (f) gt_file_write(f, model.at, model.length);
        status = f ? gt_file_commit(f) : gt_error_code(e->r.g->ctx);
    }
    gti_proto_free(&model);
    return status;
}

static bool check(const gt_graph *g, const char *path, int opset)
{
    if (!path) gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "the path is NULL");
    else if (opset < OPSET_LEAST || opset > OPSET_MOST)
        gt_fail(g->ctx, GT_ERR_ARGUMENT, what, "opset is %d, must be %d to %d", opset, OPSET_LEAST,
                OPSET_MOST);
    return !gt_failed(g->ctx);
}

gt_status gt_onnx_save_graph_(const gt_graph *g, const char *path, gt_onnx_save_opts opts)
{
    if (!g) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the graph is NULL");
    if (gt_failed(g->ctx)) return gt_error_code(g->ctx);
    gti_emit e = {.opset = opts.opset ? opts.opset : OPSET};
    if (!check(g, path, e.opset)) return gt_error_code(g->ctx);
    const bool ok = gti_reading_begin(&e.r, g, opts.weights, what) && write_graph(&e);
    const gt_status status = ok ? write_file(&e, path) : gt_error_code(g->ctx);
    gti_proto_free(&e.graph);
    gti_proto_free(&e.attrs);
    gti_reading_end(&e.r);
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

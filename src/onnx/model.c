/* ModelProto and GraphProto. */
#include <stdlib.h>
#include <string.h>

#include "onnx/parse.h"

/* --- the graph --- */

static bool add_tensor(const gti_parser *p, gti_bytes message, gti_bytes name)
{
    gti_onnx_model *m = p->m;
    gti_onnx_tensor *t = &m->tensor[m->n_tensors];
    const char *why = NULL;
    char shown[GTI_NAMES_SHOWN];
    const bool ok = gti_tensor_parse(message, t, &why);
    if (!name.size) name = t->name;
    const char *text = gti_parse_text(p, name);
    if (!text || !*text) return gti_parse_malformed(p, "the name of an initializer");
    if (!ok)
        return gti_parse_fail(p, t->unknown ? GT_ERR_UNSUPPORTED : GT_ERR_FORMAT,
                              "the tensor '%s' (%s) %s", gti_names_show(text, shown),
                              gti_tensor_type_name(t->type), why);
    if (gti_names_find(&m->names, name) >= 0)
        return gti_parse_fail(p, GT_ERR_FORMAT, "two tensors are called '%s'",
                              gti_names_show(text, shown));
    m->tensor_value[m->n_tensors] = gti_names_add(&m->names, name);
    m->n_tensors++;
    return !m->store.failed || gti_parse_fail(p, GT_ERR_MEMORY, "out of memory");
}

/* A Constant node with a tensor is an initializer in another place. */
static bool is_tensor(const gti_onnx_node *n)
{
    return !strcmp(n->type, "Constant") && n->n_attrs == 1 && !strcmp(n->attr->name, "value");
}

static bool parse_initializers(const gti_parser *p, gti_bytes rest)
{
    gti_field f;
    while (gti_wire_next(&rest, &f)) {
        if (f.number == 5 && !add_tensor(p, f.bytes, (gti_bytes){0})) return false;
        if (f.number == 15)
            return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "sparse initializers are not read");
    }
    return true;
}

/* A TensorShapeProto; no shape where it has too many dimensions. */
static void parse_shape(gti_bytes message, gti_onnx_type_shape *to)
{
    gti_field f, d;
    to->has_shape = true;
    while (gti_wire_next(&message, &f)) {
        if (f.number != 1 || f.type != GTI_LENGTH) continue;
        if (to->shape.ndim == GT_MAX_DIMS) to->has_shape = false;
        if (!to->has_shape) return;
        int64_t *dim = &to->shape.dim[to->shape.ndim++];
        while (gti_wire_next(&f.bytes, &d))
            if (d.number == 1 && (int64_t)d.value > 0) *dim = (int64_t)d.value;
    }
}

/* A value's type, if it says one: a tensor of elements that can be read. */
static bool parse_type(const gti_parser *p, gti_bytes message, gti_onnx_type_shape *to)
{
    const gti_bytes type = gti_parse_bytes(message, 2), name = gti_parse_bytes(message, 1);
    gti_bytes tensor = gti_parse_bytes(type, 1);
    char shown[GTI_NAMES_SHOWN];
    const char *text = gti_names_show(gti_parse_text(p, name), shown);
    gti_field f;
    if (type.size && !tensor.size)
        return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "the input '%s' is no tensor", text);
    while (gti_wire_next(&tensor, &f)) {
        if (f.number == 1 && !gti_tensor_dtype((int64_t)f.value, &to->dtype))
            return gti_parse_fail(p, GT_ERR_UNSUPPORTED,
                                  "the input '%s' has elements of the type %s", text,
                                  gti_tensor_type_name((int64_t)f.value));
        if (f.number == 2 && f.type == GTI_LENGTH) parse_shape(f.bytes, to);
    }
    return true;
}

static bool parse_inputs(const gti_parser *p, gti_bytes rest)
{
    gti_onnx_model *m = p->m;
    gti_field f;
    while (gti_wire_next(&rest, &f)) {
        if (f.number != 11) continue;
        const gti_bytes name = gti_parse_bytes(f.bytes, 1);
        if (!name.size || !gti_parse_text(p, name))
            return gti_parse_malformed(p, "an input of the graph");
        if (gti_names_find(&m->names, name) >= 0) continue; /* its initializer */
        if (!parse_type(p, f.bytes, &m->input_type[m->n_inputs])) return false;
        m->input[m->n_inputs++] = gti_names_add(&m->names, name);
    }
    return !m->store.failed || gti_parse_fail(p, GT_ERR_MEMORY, "out of memory");
}

static bool parse_nodes(const gti_parser *p, gti_bytes rest)
{
    gti_onnx_model *m = p->m;
    gti_field f;
    while (gti_wire_next(&rest, &f)) {
        if (f.number != 1) continue;
        gti_onnx_node *n = &m->node[m->n_nodes];
        if (!gti_node_parse(p, f.bytes, n)) return false;
        if (is_tensor(n)) {
            if (!add_tensor(p, n->attr->tensor, gti_parse_bytes(n->message, 2))) return false;
            *n = (gti_onnx_node){0};
        } else {
            if (!gti_node_resolve(p, n)) return false;
            m->n_nodes++;
        }
    }
    return true;
}

static bool parse_outputs(const gti_parser *p, gti_bytes rest)
{
    gti_onnx_model *m = p->m;
    gti_field f;
    char shown[GTI_NAMES_SHOWN];
    while (gti_wire_next(&rest, &f)) {
        if (f.number != 12) continue;
        const gti_bytes name = gti_parse_bytes(f.bytes, 1);
        const int value = gti_names_find(&m->names, name);
        if (value < 0)
            return gti_parse_fail(p, GT_ERR_FORMAT, "the output '%s' is made by no node",
                                  gti_names_show(gti_store_text(&m->store, name), shown));
        m->output[m->n_outputs++] = value;
    }
    return m->n_outputs || gti_parse_fail(p, GT_ERR_FORMAT, "the graph has no outputs");
}

static bool is_whole(gti_bytes rest)
{
    gti_field f;
    while (gti_wire_next(&rest, &f)) {}
    return !rest.size;
}

static bool parse_graph(const gti_parser *p, gti_bytes graph)
{
    gti_onnx_model *m = p->m;
    if (!is_whole(graph)) return gti_parse_malformed(p, "the graph");
    const size_t nodes = (size_t)gti_parse_count(graph, 1),
                 tensors = nodes + (size_t)gti_parse_count(graph, 5);
    m->node = gti_store_get(&m->store, nodes, sizeof *m->node);
    m->tensor = gti_store_get(&m->store, tensors, sizeof *m->tensor);
    m->tensor_value = gti_store_get(&m->store, tensors, sizeof *m->tensor_value);
    m->tensor_path = gti_store_get(&m->store, tensors, sizeof *m->tensor_path);
    const size_t inputs = (size_t)gti_parse_count(graph, 11);
    m->input = gti_store_get(&m->store, inputs, sizeof *m->input);
    m->input_type = gti_store_get(&m->store, inputs, sizeof *m->input_type);
    m->output = gti_store_get(&m->store, (size_t)gti_parse_count(graph, 12), sizeof *m->output);
    if (m->store.failed) return gti_parse_fail(p, GT_ERR_MEMORY, "out of memory");
    return parse_initializers(p, graph) && parse_inputs(p, graph) && parse_nodes(p, graph) &&
           parse_outputs(p, graph);
}

/* --- the model --- */

static bool parse_opset(const gti_parser *p, gti_bytes message)
{
    const char *domain = "";
    int64_t version = 0;
    gti_field f;
    while (gti_wire_next(&message, &f)) {
        if (f.number == 1) domain = gti_parse_text(p, f.bytes);
        else if (f.number == 2) version = (int64_t)f.value;
    }
    if (message.size || !domain) return gti_parse_malformed(p, "the list of operator sets");
    if (gti_node_is_default_domain(domain)) p->m->opset = version;
    return true;
}

static bool check_versions(const gti_parser *p)
{
    const gti_onnx_model *m = p->m;
    if (m->ir < 3)
        return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "is of IR version %lld; read are 3 and later",
                              (long long)m->ir);
    if (m->opset < 6 || m->opset > 28)
        return gti_parse_fail(p, GT_ERR_UNSUPPORTED, "uses operator set %lld; read are 6 to 28",
                              (long long)m->opset);
    return true;
}

bool gti_model_parse_all(const gti_parser *p)
{
    gti_onnx_model *m = p->m;
    gti_bytes rest = {m->bytes, m->size}, graph = {0};
    bool has_graph = false;
    gti_field f;
    while (gti_wire_next(&rest, &f)) {
        if (f.number == 1) m->ir = (int64_t)f.value;
        else if (f.number == 7 && f.type == GTI_LENGTH) graph = f.bytes, has_graph = true;
        else if (f.number == 8 && !parse_opset(p, f.bytes)) return false;
        else if (f.number == 25)
            return gti_parse_fail(p, GT_ERR_UNSUPPORTED,
                                  "functions of the model's own are not read");
    }
    if (rest.size || !m->size)
        return gti_parse_fail(p, GT_ERR_FORMAT, "is no ONNX model, or cut off");
    if (!has_graph) return gti_parse_fail(p, GT_ERR_FORMAT, "is no ONNX model: it has no graph");
    return check_versions(p) && parse_graph(p, graph);
}

gti_onnx_model *gti_model_parse(gt_ctx *gt, const char *path, uint8_t *bytes, size_t size)
{
    gti_onnx_model *m = calloc(1, sizeof *m);
    if (!m) {
        free(bytes);
        gt_fail(gt, GT_ERR_MEMORY, "gt_onnx_load", "%s: out of memory", path);
        return NULL;
    }
    m->names.store = &m->store;
    m->bytes = bytes;
    m->size = size;
    m->path = gti_store_text(&m->store, (gti_bytes){(const uint8_t *)path, strlen(path)});
    const gti_parser p = {gt, m, NULL};
    if (m->path ? gti_model_parse_all(&p)
                : (gt_fail(gt, GT_ERR_MEMORY, "gt_onnx_load", "out of memory"), false))
        return m;
    gti_model_free(m);
    return NULL;
}

void gti_model_free(gti_onnx_model *m)
{
    if (!m) return;
    gti_store_clear(&m->store);
    free(m->bytes);
    free(m);
}

gti_onnx_model *gti_model_read(gt_ctx *gt, const char *path)
{
    size_t size;
    uint8_t *bytes = gti_file_all(gt, "gt_onnx_load", path, &size);
    return bytes ? gti_model_parse(gt, path, bytes, size) : NULL;
}

/* Loading a model as a module. */
#include <stdlib.h>
#include <string.h>

#include "onnx/module.h"

/* --- paths of initialisers --- */

static gt_tensor *no_forward(gt_module *m, gt_tensor *x)
{
    (void)x;
    gt_module_fail(m, GT_ERR_UNSUPPORTED,
                   "has parameters of an ONNX model and no forward of its own");
    return NULL;
}

static const gt_module_type part_type = {
    .name = "OnnxPart", .size = sizeof(gt_module), .forward = no_forward};

/* One name of a path as modules take them. */
static void clean(char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 127) name[i] = '_';
}

/* Whether a name's parts can be names of modules. */
static bool is_path(const char *name)
{
    size_t part = 0;
    for (const char *p = name;; p++) {
        if (*p && *p != '.') part++;
        else if (!part || part > GT_NAME_MOST) return false;
        else part = 0;
        if (!*p) return true;
    }
}

/* The path of initialiser i: its name, or where that cannot be one, "tensor_" and its number. */
static char *path_of(gti_onnx_model *m, int i)
{
    const char *name = m->names.name[m->tensor_value[i]];
    const size_t room = strlen(name) + 32;
    char *path = gti_store_get(&m->store, room, 1);
    if (!path) return NULL;
    if (is_path(name)) snprintf(path, room, "%s", name);
    else snprintf(path, room, "tensor_%d", i);
    clean(path, strlen(path));
    return path;
}

/* The module that a path's last name belongs to, made where need be; the name to *name. NULL where
 * a name on the way is a tensor's. */
static gt_module *descend(gt_module *m, char *path, char **name)
{
    *name = path;
    for (char *dot; m && (dot = strchr(*name, '.')); *name = dot + 1) {
        *dot = 0;
        gt_module *child = gt_module_child(m, *name);
        const bool taken = gt_module_parameter(m, *name) || gt_module_buffer(m, *name);
        if (!child && taken) child = NULL;
        else if (!child) child = gt_module_add_child(m, *name, gt_module_new(m->ctx, &part_type));
        *dot = '.';
        m = child;
    }
    return m;
}

static bool is_free(gt_module *m, const char *name)
{
    return m && !gt_module_child(m, name) && !gt_module_parameter(m, name) &&
           !gt_module_buffer(m, name);
}

/* --- loading --- */

/* Of each value whether an operator has it as a weight; NULL out of memory. */
static bool *find_weights(gti_onnx_model *m)
{
    bool *is_weight = gti_store_get(&m->store, (size_t)m->names.n, sizeof *is_weight);
    for (int k = 0; is_weight && k < m->n_nodes; k++) {
        const gti_onnx_node *n = &m->node[k];
        for (int j = 0; j < n->n_in && j < 32; j++)
            if (n->in[j] >= 0 && n->op->learned >> j & 1) is_weight[n->in[j]] = true;
    }
    return is_weight;
}

static bool fail_tensor(gt_ctx *gt, const gti_onnx_model *m, int i, const char *why)
{
    char shown[GTI_NAMES_SHOWN];
    if (why)
        gt_fail(gt, GT_ERR_FORMAT, "gt_onnx_load", "%s: the tensor '%s' %s", m->path,
                gti_names_show(m->names.name[m->tensor_value[i]], shown), why);
    return false;
}

static bool add_tensor(gti_onnx *o, int i, const bool *is_weight)
{
    gti_onnx_model *m = o->model;
    const char *why = NULL;
    char *path = path_of(m, i), *name = NULL;
    gt_tensor *t = gti_tensor_read(o->base.ctx, &m->tensor[i], m->path, &why);
    if (!path) gt_fail(o->base.ctx, GT_ERR_MEMORY, "gt_onnx_load", "out of memory");
    if (!t || !path) return fail_tensor(o->base.ctx, m, i, why);
    gt_module *to = descend(&o->base, path, &name);
    if (!is_free(to, name)) {
        if (gt_failed(o->base.ctx)) return false;
        sprintf(path, "tensor_%d", i);
        to = &o->base;
        name = path;
    }
    m->tensor_path[i] = path;
    const bool learned = gt_is_floating(t->dtype) && is_weight[m->tensor_value[i]];
    return learned ? gt_module_add_parameter(to, name, t) : gt_module_add_buffer(to, name, t);
}

static void find_last(gti_onnx *o)
{
    const gti_onnx_model *m = o->model;
    for (int k = 0; k < m->n_nodes; k++)
        for (int j = 0; j < m->node[k].n_in; j++)
            if (m->node[k].in[j] >= 0) o->last[m->node[k].in[j]] = k;
    for (int i = 0; i < m->n_outputs; i++) o->last[m->output[i]] = m->n_nodes;
}

static bool make_own(gti_onnx *o)
{
    const gti_onnx_model *m = o->model;
    o->last = calloc((size_t)m->names.n + 1, sizeof *o->last);
    if (!o->last || !gti_scopes_make(o)) return false;
    find_last(o);
    return true;
}

static void free_module(gt_module *m)
{
    gti_onnx *o = (gti_onnx *)m;
    free(o->scope);
    free(o->names);
    free(o->last);
    if (o->model && !--o->model->users) gti_model_free(o->model);
}

static bool copy_module(gt_module *to, const gt_module *from)
{
    gti_onnx *o = (gti_onnx *)to;
    (void)from;
    o->scope = NULL;
    o->names = NULL;
    o->last = NULL;
    o->model->users++;
    if (make_own(o)) return true;
    gt_module_fail(to, GT_ERR_MEMORY, "out of memory");
    return false;
}

static const gt_module_type onnx_type = {.name = "Onnx",
                                         .size = sizeof(gti_onnx),
                                         .forward = gti_run_forward,
                                         .free = free_module,
                                         .copy = copy_module};

gt_module *gt_onnx_load_(gt_ctx *gt, const char *path, gt_onnx_opts opts)
{
    if (!gt) return gt_fail(gt, GT_ERR_ARGUMENT, "gt_onnx_load", "the context is NULL"), NULL;
    if (gt_failed(gt)) return NULL;
    if (!path) return gt_fail(gt, GT_ERR_ARGUMENT, "gt_onnx_load", "the path is NULL"), NULL;
    gti_onnx_model *model = gti_model_read(gt, path);
    gt_module *m = model ? gt_module_new(gt, &onnx_type) : NULL;
    if (!m) return gti_model_free(model), NULL;
    gti_onnx *o = (gti_onnx *)m;
    o->model = model;
    model->users = 1;
    if (!make_own(o)) return gt_module_fail(m, GT_ERR_MEMORY, "out of memory"), NULL;
    const bool *is_weight = find_weights(model);
    if (!is_weight) return gt_module_fail(m, GT_ERR_MEMORY, "out of memory"), NULL;
    for (int i = 0; i < model->n_tensors; i++)
        if (!add_tensor(o, i, is_weight)) return NULL;
    gt_eval(m);
    if (opts.frozen && gt_module_n_parameters(m)) gt_freeze(m, "*");
    return m;
}

/* --- looking --- */

gti_onnx *gti_module_onnx(const gt_module *m)
{
    return m && m->type == &onnx_type ? (gti_onnx *)m : NULL;
}

int gt_onnx_n_inputs(const gt_module *m)
{
    return gti_module_onnx(m) ? gti_module_onnx(m)->model->n_inputs : 0;
}

int gt_onnx_n_outputs(const gt_module *m)
{
    return gti_module_onnx(m) ? gti_module_onnx(m)->model->n_outputs : 0;
}

const char *gt_onnx_input_name(const gt_module *m, int i)
{
    const bool has = i >= 0 && i < gt_onnx_n_inputs(m);
    return has ? gti_module_onnx(m)->model->names.name[gti_module_onnx(m)->model->input[i]] : NULL;
}

const char *gt_onnx_output_name(const gt_module *m, int i)
{
    const bool has = i >= 0 && i < gt_onnx_n_outputs(m);
    return has ? gti_module_onnx(m)->model->names.name[gti_module_onnx(m)->model->output[i]] : NULL;
}

bool gt_onnx_input_type(const gt_module *m, int i, gt_shape *shape, gt_dtype *dtype)
{
    const bool has = i >= 0 && i < gt_onnx_n_inputs(m);
    const gti_onnx_type_shape *type = has ? &gti_module_onnx(m)->model->input_type[i] : NULL;
    if (!type || !type->has_shape) return false;
    *shape = type->shape;
    *dtype = type->dtype;
    return true;
}

bool gt_onnx_imports(const char *operator_name)
{
    return operator_name && gti_op_find(operator_name);
}

#undef gt_onnx_load_tensor
gt_tensor *gt_onnx_load_tensor(gt_ctx *gt, const char *path)
{
    size_t size;
    if (!gt)
        return gt_fail(gt, GT_ERR_ARGUMENT, "gt_onnx_load_tensor", "the context is NULL"), NULL;
    if (gt_failed(gt)) return NULL;
    if (!path) return gt_fail(gt, GT_ERR_ARGUMENT, "gt_onnx_load_tensor", "the path is NULL"), NULL;
    uint8_t *bytes = gti_file_all(gt, "gt_onnx_load_tensor", path, &size);
    if (!bytes) return NULL;
    gti_onnx_tensor t;
    const char *why = NULL;
    gt_tensor *y = NULL;
    if (gti_tensor_parse((gti_bytes){bytes, size}, &t, &why))
        y = gti_tensor_read(gt, &t, path, &why);
    if (why)
        gt_fail(gt, t.unknown ? GT_ERR_UNSUPPORTED : GT_ERR_FORMAT, "gt_onnx_load_tensor",
                "%s: the tensor (%s) %s", path, gti_tensor_type_name(t.type), why);
    free(bytes);
    return y;
}

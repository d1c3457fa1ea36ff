/* Modules: building them and walking over them. */
#include "nn/module.h"

#include <gradtape/autograd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

gt_status gt_module_fail(const gt_module *m, gt_status code, const char *fmt, ...)
{
    if (!m) return gt_fail(NULL, code, NULL, "the module is NULL");
    char text[512];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const gt_scope *outer = gt_set_scope(m->ctx, &m->scope);
    gt_fail(m->ctx, code, m->type->name, "%s", text);
    gt_set_scope(m->ctx, outer);
    return code;
}

bool gt_module_usable(const gt_module *m)
{
    if (m && m->freed) gt_module_fail(m, GT_ERR_STATE, "was freed by gt_module_free");
    return m && !m->freed;
}

bool gti_module_present(const gt_module *m, const char *what, gt_ctx *gt)
{
    if (!m && !(gt && gt_failed(gt))) gt_fail(gt, GT_ERR_ARGUMENT, what, "the module is NULL");
    return gt_module_usable(m);
}

/* --- building --- */

static const char *inputs_of(const gt_module_type *type)
{
    return type->inputs ? type->inputs : "x";
}

static const char *outputs_of(const gt_module_type *type)
{
    return type->outputs ? type->outputs : "y";
}

/* Whether what a kind says of its inputs and outputs is possible. */
static bool check_forward(gt_ctx *gt, const gt_module_type *type)
{
    const int in = gti_forward_names(inputs_of(type)), out = gti_forward_names(outputs_of(type));
    if (type->forward && (type->forward_many || in != 1 || out != 1))
        gt_fail(gt, GT_ERR_ARGUMENT, type->name,
                "the type's forward has one input and one output; %s",
                type->forward_many ? "it can have no forward_many beside it"
                                   : "for several there is forward_many");
    else if (in < 1 || in > GT_MODULE_MOST || out < 1 || out > GT_MODULE_MOST)
        gt_fail(gt, GT_ERR_ARGUMENT, type->name,
                "the type names %d inputs and %d outputs; there can be 1 to %d of each", in, out,
                GT_MODULE_MOST);
    else if (type->n_least < 0 || type->n_least > in)
        gt_fail(gt, GT_ERR_ARGUMENT, type->name, "the type's n_least is %d, but it names %d inputs",
                type->n_least, in);
    else return true;
    return false;
}

gt_module *gt_module_new(gt_ctx *gt, const gt_module_type *type)
{
    static const char what[] = "gt_module_new";
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    if (!gt || gt_failed(gt)) return NULL;
    if (!type || !type->name || type->size < sizeof(gt_module)) {
        gt_fail(gt, GT_ERR_ARGUMENT, what,
                "the type needs a name and the size of a struct that "
                "begins with a gt_module (at least %zu bytes)",
                sizeof(gt_module));
        return NULL;
    }
    if (!check_forward(gt, type)) return NULL;
    gt_module *m = calloc(1, type->size);
    gt_module_index *index = calloc(1, sizeof *index);
    if (!m || !index) {
        free(m);
        free(index);
        gt_fail(gt, GT_ERR_MEMORY, what, "out of memory for a %s", type->name);
        return NULL;
    }
    index->numbered = true;
    m->type = type;
    m->ctx = gt;
    m->inputs = inputs_of(type);
    m->outputs = outputs_of(type);
    m->index = index;
    m->levels = 1;
    m->holders = !type->keeps_nothing;
    m->scope.name = "";
    m->scope.module = m;
    m->modes = 1;
    m->training = true;
    m->ready = !type->materialise;
    if (gt_at_close(gt, gti_free_object, m) == GT_OK) return m;
    gti_free_object(m);
    return NULL;
}

/* No name is empty; to the table that would be an address. */
static void *named(const gti_table *t, const char *name, size_t n)
{
    return n ? gti_table_find(t, name, n) : NULL;
}

gt_module_entry *gti_module_parameter_find(const gt_module *m, const char *name, size_t n)
{
    return named(&m->index->parameters, name, n);
}

gt_module_entry *gti_module_buffer_find(const gt_module *m, const char *name, size_t n)
{
    return named(&m->index->buffers, name, n);
}

gt_module *gti_module_child_find(const gt_module *m, const char *name, size_t n)
{
    return named(&m->index->children, name, n);
}

/* Whether name can be given to something new in m; otherwise fails. */
static bool check_name(const gt_module *m, const char *name)
{
    char why[GT_WHY];
    if (!gt_is_name(name, GT_NAME_MOST, why)) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "the name of a parameter, buffer or child %s", why);
        return false;
    }
    if (strchr(name, '.')) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "the name '%s' has a dot; dots join the names of a path",
                       name);
        return false;
    }
    const size_t n = strlen(name);
    const char *taken = gti_module_parameter_find(m, name, n) ? "parameter"
                        : gti_module_buffer_find(m, name, n)  ? "buffer"
                        : gti_module_child_find(m, name, n)   ? "child"
                                                              : NULL;
    if (taken) gt_module_fail(m, GT_ERR_ARGUMENT, "there is already a %s '%s'", taken, name);
    return !taken;
}

/* Optimizers see by the version that their list of parameters is out of date. */
static void raise_versions(gt_module *m)
{
    for (; m; m = m->parent) m->version++;
}

/* Keeps t under a new name as an entry of no list; room for the name is in the table. */
static gt_module_entry *new_entry(gt_module *m, gti_table *table, const char *name, gt_tensor *t)
{
    const size_t size = strlen(name) + 1;
    gt_module_entry *e = gti_table_reserve(table, 1) ? malloc(sizeof *e + size) : NULL;
    if (!e) {
        gt_module_fail(m, GT_ERR_MEMORY, "out of memory for '%s'", name);
        return NULL;
    }
    t = gt_keep(t);
    e->again = t && gt_owner(t);
    if (t && !e->again) {
        gt_set_name(t, name);
        gt_set_owner(t, &m->scope);
    }
    if (gt_failed(m->ctx)) {
        free(e);
        return NULL;
    }
    gt_share(t, 1);
    e->next = NULL;
    e->tensor = t;
    memcpy(e->name, name, size);
    gti_table_put(table, e->name, size - 1, e);
    return e;
}

static gt_tensor *add_parameter(gt_module *m, const char *name, gt_tensor *t)
{
    gt_module_index *index = m->index;
    gt_module_entry *e = new_entry(m, &index->parameters, name, t);
    if (!e) return NULL;
    *(index->last_parameter ? &index->last_parameter->next : &m->parameters) = e;
    index->last_parameter = e;
    raise_versions(m);
    return e->tensor;
}

static gt_tensor *add_buffer(gt_module *m, const char *name, gt_tensor *t)
{
    gt_module_index *index = m->index;
    gt_module_entry *e = new_entry(m, &index->buffers, name, t);
    if (!e) return NULL;
    *(index->last_buffer ? &index->last_buffer->next : &m->buffers) = e;
    index->last_buffer = e;
    raise_versions(m);
    return e->tensor;
}

/* Whether t can become part of m's state; otherwise fails. */
static bool check_tensor(const gt_module *m, const char *name, const gt_tensor *t)
{
    if (gt_failed(m->ctx) || !check_name(m, name)) return false;
    const bool ours = t && t->ctx == m->ctx;
    const char *why = !t               ? "is NULL"
                      : !ours          ? "belongs to another context"
                      : gt_producer(t) ? "is a result on the tape, not a leaf; use gt_detach"
                                       : NULL;
    if (!why) return true;
    gt_module_fail(m, ours ? GT_ERR_STATE : GT_ERR_ARGUMENT, "the tensor for '%s' %s", name, why);
    return false;
}

gt_tensor *gt_module_add_parameter(gt_module *m, const char *name, gt_tensor *t)
{
    if (!gti_module_present(m, "gt_module_add_parameter", t ? t->ctx : NULL)) return NULL;
    if (!check_tensor(m, name, t)) return NULL;
    if (!gt_is_floating(t->dtype)) {
        gt_module_fail(m, GT_ERR_DTYPE,
                       "parameter '%s' is %s, which has no gradients; make it a buffer", name,
                       gt_dtype_name(t->dtype));
        return NULL;
    }
    t = add_parameter(m, name, t);
    if (t && !t->requires_grad) gt_require_grad(t, true);
    return t;
}

gt_tensor *gt_module_add_buffer(gt_module *m, const char *name, gt_tensor *t)
{
    if (!gti_module_present(m, "gt_module_add_buffer", t ? t->ctx : NULL)) return NULL;
    if (!check_tensor(m, name, t)) return NULL;
    if (t->requires_grad) {
        gt_module_fail(m, GT_ERR_ARGUMENT,
                       "buffer '%s' requires gradients; use gt_detach, or make it a parameter",
                       name);
        return NULL;
    }
    return add_buffer(m, name, t);
}

static bool is_within(const gt_module *m, const gt_module *root)
{
    while (m && m != root) m = m->parent;
    return m;
}

/* Whether child has a place of something that m is, or is in. */
static bool has_place_of(const gt_module *child, const gt_module *m)
{
    for (const gt_module *at = child; at; at = gti_module_after(child, (gt_module *)at)) {
        const gt_module *of = gti_same_of(at);
        if (of && is_within(m, of)) return true;
    }
    return false;
}

static bool check_child(const gt_module *m, const char *name, const gt_module *child)
{
    if (gt_failed(m->ctx) || !check_name(m, name)) return false;
    const char *why = !child                 ? "is NULL"
                      : child->ctx != m->ctx ? "belongs to another context"
                      : child->freed         ? "was freed by gt_module_free"
                      : is_within(m, child) || has_place_of(child, m)
                          ? "holds this module, or is it: that is a cycle"
                          : NULL;
    if (!why && !child->parent) return true;
    if (why) gt_module_fail(m, GT_ERR_ARGUMENT, "child '%s' %s", name, why);
    else
        gt_module_fail(
            m, GT_ERR_ARGUMENT,
            "child '%s' is already in a %s, as '%s'; gt_nn_same makes another place for it", name,
            child->parent->type->name, child->scope.name);
    return false;
}

static bool check_levels(const gt_module *m, const char *name, const gt_module *child)
{
    int levels = child->levels;
    for (const gt_module *at = m; at; at = at->parent) levels++;
    if (levels <= GT_MODULE_LEVELS) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT,
                   "with child '%s' modules would be nested %d levels deep; at most %d are "
                   "possible\n  hint: put modules beside each other, as gt_nn_sequential does",
                   name, levels, GT_MODULE_LEVELS);
    return false;
}

/* Puts child at the end; its name has n bytes, and room in the table. */
static void link_child(gt_module *m, gt_module *child, size_t n)
{
    gt_module_index *index = m->index;
    char number[16];
    snprintf(number, sizeof number, "%d", index->n_children++);
    index->numbered &= strcmp(child->scope.name, number) == 0;
    gti_table_put(&index->children, child->scope.name, n, child);
    *(index->last_child ? &index->last_child->next : &m->child) = child;
    index->last_child = child;
    int levels = child->levels;
    for (gt_module *at = m; at && at->levels <= levels; at = at->parent) at->levels = ++levels;
}

gt_module *gt_module_add_child(gt_module *m, const char *name, gt_module *child)
{
    if (!gti_module_present(m, "gt_module_add_child", child ? child->ctx : NULL)) return NULL;
    if (!check_child(m, name, child) || !check_levels(m, name, child)) return NULL;
    const size_t size = strlen(name) + 1;
    char *copy = gti_table_reserve(&m->index->children, 1) ? malloc(size) : NULL;
    if (!copy) {
        gt_module_fail(m, GT_ERR_MEMORY, "out of memory for '%s'", name);
        return NULL;
    }
    child->scope.name = memcpy(copy, name, size);
    child->scope.parent = &m->scope;
    child->parent = m;
    link_child(m, child, size - 1);
    gti_module_hold(m, child->holders);
    raise_versions(m);
    return child;
}

void gti_module_hold(gt_module *m, int more)
{
    for (; m; m = m->parent) m->holders += more;
}

/* --- walking --- */

gt_module *gti_module_after(const gt_module *root, const gt_module *m)
{
    if (m->child) return m->child;
    while (m != root && !m->next) m = m->parent;
    return m == root ? NULL : m->next;
}

static void set_mode(gt_module *m, bool on)
{
    m->scope.state += (m->training != on) * (on ? 1U : -1U);
    m->training = on;
}

static void set_training(gt_module *root, bool on)
{
    gt_module *m = gt_module_usable(root) ? root : NULL;
    for (; m && gti_same_check(m, root); m = gti_module_after(root, m)) set_mode(m, on);
}

void gt_module_push_mode(gt_module *root, bool training)
{
    gt_module *m = gt_module_usable(root) ? root : NULL;
    for (; m; m = gti_module_after(root, m)) {
        m->modes = m->modes << 1 | m->training;
        set_mode(m, training);
    }
}

/* What was made meanwhile keeps its mode. */
void gt_module_pop_mode(gt_module *root)
{
    gt_module *m = gt_module_usable(root) ? root : NULL;
    for (; m; m = gti_module_after(root, m)) {
        if (m->modes == 1) continue;
        set_mode(m, m->modes & 1);
        m->modes >>= 1;
    }
}

void gt_train(gt_module *m)
{
    set_training(m, true);
}

void gt_eval(gt_module *m)
{
    set_training(m, false);
}

void gt_zero_grad(gt_module *m)
{
    gt_module *at = gt_module_usable(m) ? m : NULL;
    for (; at && gti_same_check(at, m); at = gti_module_after(m, at))
        for (gt_module_entry *e = at->parameters; e; e = e->next) gt_clear_grad(e->tensor);
}

/* Walking over a tree of modules and changing it: freezing, sharing, converting, copying. */
#include "nn/module.h"

#include <gradtape/autograd.h>
#include <gradtape/ops.h>
#include <stdlib.h>
#include <string.h>

#undef gt_freeze
#undef gt_unfreeze
#undef gt_module_tie
#undef gt_module_to
#undef gt_module_copy

void gt_module_apply(gt_module *m, void (*fn)(gt_module *m, void *user), void *user)
{
    if (!m || gt_failed(m->ctx)) return;
    if (!fn) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "gt_module_apply: the function is NULL");
        return;
    }
    for (gt_module *c = m->child; c; c = c->next) gt_module_apply(c, fn, user);
    fn(m, user);
}

/* --- freezing --- */

static bool is_ready(const gt_module *m)
{
    for (const gt_module *c = m->child; c; c = c->next)
        if (!is_ready(c)) return false;
    return m->ready;
}

static int set_gradients(gt_module *m, const char *pattern, bool on)
{
    int n = 0;
    gt_state_iter it = gt_module_parameters_like(m, pattern);
    for (; gt_state_next(&it); n++) {
        gt_require_grad(it.tensor, on);
        if (!on) gt_clear_grad(it.tensor);
    }
    if (!n && m && pattern)
        gt_module_fail(m, GT_ERR_ARGUMENT, "no parameter is called '%s'%s", pattern,
                       is_ready(m) ? ""
                                   : "\n  hint: lazy modules make theirs at their first forward");
    return n;
}

int gt_freeze(gt_module *m, const char *pattern)
{
    return set_gradients(m, pattern, false);
}

int gt_unfreeze(gt_module *m, const char *pattern)
{
    return set_gradients(m, pattern, true);
}

/* --- exchanging tensors --- */

/* A module's struct may point to tensors and modules of its tree. These pointers are found by their
 * value, so that no kind of module has to list them: all that such a struct holds is aligned like a
 * pointer or smaller, and an address is hardly ever a number by chance. */
static void exchange(gt_module *m, const void *old, const void *new)
{
    char *const bytes = (char *)m;
    for (size_t at = sizeof *m; at + sizeof old <= m->type->size; at += sizeof old)
        if (!memcmp(bytes + at, &old, sizeof old)) memcpy(bytes + at, &new, sizeof new);
}

static gt_module *root_of(gt_module *m)
{
    while (m->parent) m = m->parent;
    return m;
}

/* Optimizers see by the version that their list of parameters is out of date. */
static void raise_versions(gt_module *m)
{
    for (; m; m = m->parent) m->version++;
}

static void replace_in(gt_module *m, gt_module_entry *list, const gt_tensor *old, gt_tensor *new)
{
    for (gt_module_entry *e = list; e; e = e->next) {
        if (e->tensor != old) continue;
        e->tensor = new;
        raise_versions(m);
    }
}

/* Has every module of m's tree hold `new` instead of `old`, in its lists and its struct. */
static void replace(gt_module *m, const gt_tensor *old, gt_tensor *new)
{
    gt_module *const root = root_of(m);
    for (gt_module *at = root; at; at = gti_module_after(root, at)) {
        replace_in(at, at->parameters, old, new);
        replace_in(at, at->buffers, old, new);
        exchange(at, old, new);
    }
}

/* --- sharing --- */

/* Fails, saying so if the parameter at path is one that its module has yet to make. */
static void fail_missing(gt_module *m, const char *path)
{
    char above[512] = "";
    const char *dot = path ? strrchr(path, '.') : NULL;
    if (dot) snprintf(above, sizeof above, "%.*s", (int)(dot - path), path);
    const gt_module *owner = dot ? gt_module_child(m, above) : m;
    if (owner && !owner->ready)
        gt_module_fail(m, GT_ERR_STATE,
                       "there is no parameter '%s' yet: a %s makes its parameters at its first "
                       "forward",
                       path ? path : "NULL", owner->type->name);
    else gt_module_fail(m, GT_ERR_ARGUMENT, "there is no parameter '%s'", path ? path : "NULL");
}

/* The module above the parameter at path, and its entry; fails when there is none. */
static gt_module_entry *find(gt_module *m, const char *path, gt_module **owner)
{
    gt_state_iter it = gt_module_state(m);
    char found[512];
    while (path && gt_state_next(&it)) {
        gt_state_path(&it, found, sizeof found);
        if (it.is_buffer || strcmp(found, path) != 0) continue;
        for (*owner = m; *owner != it.module;) *owner = gti_module_after(m, *owner);
        return gti_entry_find((*owner)->parameters, it.entry->name, strlen(it.entry->name));
    }
    fail_missing(m, path);
    return NULL;
}

static gt_status check_alike(const gt_module *m, const char *path, const gt_tensor *t,
                             const char *source, const gt_tensor *from)
{
    char a[128], b[128];
    if (t->dtype != from->dtype)
        return gt_module_fail(m, GT_ERR_DTYPE, "'%s' is %s, but '%s' is %s", path,
                              gt_dtype_name(t->dtype), source, gt_dtype_name(from->dtype));
    if (!gt_same_shape(t, from))
        return gt_module_fail(m, GT_ERR_SHAPE, "'%s' is %s, but '%s' is %s", path,
                              gt_shape_format(t->shape, a, sizeof a), source,
                              gt_shape_format(from->shape, b, sizeof b));
    return GT_OK;
}

gt_status gt_module_tie(gt_module *m, const char *path, const char *source)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_tie", "the module is NULL");
    if (gt_failed(m->ctx)) return gt_error_code(m->ctx);
    gt_module *owner, *other;
    gt_module_entry *e = find(m, path, &owner);
    const gt_module_entry *from = e ? find(m, source, &other) : NULL;
    if (!from) return gt_error_code(m->ctx);
    const gt_status status = check_alike(m, path, e->tensor, source, from->tensor);
    if (status != GT_OK || e->tensor == from->tensor) return status;
    exchange(owner, e->tensor, from->tensor);
    e->tensor = from->tensor;
    e->again = true;
    raise_versions(owner);
    return GT_OK;
}

/* --- tensors and what takes their place --- */

/* The originals and their copies, side by side. */
typedef struct {
    const gt_module *root;
    gt_module *copy;
    int n;
    struct {
        const gt_tensor *old;
        gt_tensor *new;
    } tensor[];
} pairs;

static pairs *new_pairs(const gt_module *m)
{
    size_t n = 0;
    gt_state_iter it = gt_module_state(m);
    while (gt_state_next(&it)) n++;
    pairs *p = malloc(sizeof *p + n * sizeof p->tensor[0]);
    if (p) *p = (pairs){.root = m};
    else gt_module_fail(m, GT_ERR_MEMORY, "out of memory");
    return p;
}

static gt_tensor *copy_of(const pairs *p, const gt_tensor *t)
{
    for (int i = 0; i < p->n; i++)
        if (p->tensor[i].old == t) return p->tensor[i].new;
    return NULL;
}

/* There is room. */
static gt_tensor *add_pair(pairs *p, const gt_tensor *old, gt_tensor *new)
{
    p->tensor[p->n].old = old;
    p->tensor[p->n].new = new;
    return p->tensor[p->n++].new;
}

/* --- converting --- */

/* t in another dtype: kept, with its name, as frozen as t. */
static gt_tensor *converted(gt_tensor *t, gt_dtype dtype)
{
    gt_tensor *new = gt_keep(gt_cast(t, dtype));
    if (!new) return NULL;
    gt_set_name(new, gt_name(t));
    gt_set_owner(new, gt_owner(t));
    gt_require_grad(new, t->requires_grad);
    if (!gt_failed(t->ctx)) return new;
    gt_free(new);
    return NULL;
}

static bool to_convert(const gt_tensor *t, gt_dtype dtype)
{
    return t->dtype <= GT_F64 && t->dtype != dtype;
}

/* The originals that are of another dtype, each once, and what they become. */
static bool convert_all(pairs *p, gt_dtype dtype)
{
    gt_state_iter it = gt_module_state(p->root);
    while (gt_state_next(&it)) {
        if (!to_convert(it.tensor, dtype) || copy_of(p, it.tensor)) continue;
        gt_tensor *new = converted(it.tensor, dtype);
        if (!new) return false;
        add_pair(p, it.tensor, new);
    }
    return true;
}

/* Nothing is exchanged before all has been converted. */
static gt_status convert(gt_module *m, gt_dtype dtype)
{
    pairs *p = new_pairs(m);
    if (!p) return gt_error_code(m->ctx);
    const bool ok = convert_all(p, dtype);
    for (int i = 0; i < p->n; i++)
        if (ok) replace(m, p->tensor[i].old, p->tensor[i].new);
        else gt_free(p->tensor[i].new);
    free(p);
    for (gt_module *at = m; ok && at; at = gti_module_after(m, at)) at->dtype = dtype;
    return gt_error_code(m->ctx);
}

gt_status gt_module_to(gt_module *m, gt_dtype dtype)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_to", "the module is NULL");
    if (gt_failed(m->ctx)) return gt_error_code(m->ctx);
    if (dtype != GT_F32 && dtype != GT_F64)
        return gt_module_fail(m, GT_ERR_DTYPE, "modules are f32 or f64, not %s",
                              gt_dtype_name(dtype));
    const bool recording = gt_set_recording(m->ctx, false);
    const gt_status status = convert(m, dtype);
    gt_set_recording(m->ctx, recording);
    return status;
}

/* --- copying --- */

static gt_tensor *copy_tensor(pairs *p, gt_tensor *t)
{
    gt_tensor *new = copy_of(p, t);
    if (new) return new;
    new = gt_from_(t->ctx, t->shape, t->data, GT_C_ANY, (gt_new_opts){.dtype = t->dtype});
    return add_pair(p, t, new ? gt_keep(new) : NULL);
}

static bool copy_state(pairs *p, gt_module *to, const gt_module *from)
{
    for (const gt_module_entry *e = from->parameters; e; e = e->next) {
        gt_tensor *t = gt_module_add_parameter(to, e->name, copy_tensor(p, e->tensor));
        if (!t) return false;
        gt_require_grad(t, e->tensor->requires_grad);
    }
    for (const gt_module_entry *e = from->buffers; e; e = e->next)
        if (!gt_module_add_buffer(to, e->name, copy_tensor(p, e->tensor))) return false;
    return true;
}

static gt_module *copy_tree(pairs *p, const gt_module *m)
{
    if (m->type->free && !m->type->copy) {
        gt_module_fail(m, GT_ERR_UNSUPPORTED, "owns what only its kind knows, and has no copy");
        return NULL;
    }
    gt_module *to = gt_module_new(m->ctx, m->type);
    if (!to || !copy_state(p, to, m)) return NULL;
    to->dtype = m->dtype;
    to->training = m->training;
    to->ready = m->ready;
    for (const gt_module *c = m->child; c; c = c->next)
        if (!gt_module_add_child(to, c->scope.name, copy_tree(p, c))) return NULL;
    return to;
}

/* Fills the structs, which copy_tree leaves empty, so that a failure before has nothing that a
 * module's free would free twice. */
static bool copy_structs(pairs *p)
{
    const gt_module *from = p->root;
    for (gt_module *to = p->copy; to; to = gti_module_after(p->copy, to)) {
        memcpy((char *)to + sizeof *to, (const char *)from + sizeof *from,
               to->type->size - sizeof *to);
        if (to->type->copy && !to->type->copy(to, from)) return false;
        for (int i = 0; i < p->n; i++) exchange(to, p->tensor[i].old, p->tensor[i].new);
        const gt_module *old = p->root;
        for (gt_module *new = p->copy; new; new = gti_module_after(p->copy, new)) {
            exchange(to, old, new);
            old = gti_module_after(p->root, old);
        }
        from = gti_module_after(p->root, from);
    }
    return true;
}

gt_module *gt_module_copy(const gt_module *m)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_copy", "the module is NULL");
    if (!m || gt_failed(m->ctx)) return NULL;
    pairs *p = new_pairs(m);
    if (!p) return NULL;
    p->copy = copy_tree(p, m);
    gt_module *copy = p->copy && copy_structs(p) ? p->copy : NULL;
    if (!copy && !gt_failed(m->ctx)) gt_module_fail(m, GT_ERR_STATE, "could not be copied");
    free(p);
    return copy;
}

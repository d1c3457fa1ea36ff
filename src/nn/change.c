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
    if (!gt_module_usable(m) || gt_failed(m->ctx)) return;
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
                       !is_ready(m) ? "\n  hint: lazy modules make theirs at their first forward"
                       : strchr(pattern, '*') ? ""
                                              : "\n  hint: 'name.*' are all of the module 'name'");
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

/* --- tensors and modules, and what takes their place --- */

/* The originals and what stands for them, side by side. */
typedef struct {
    const gt_module *root;
    gt_module *copy;
    gti_table of; /* by the original's address */
} pairs;

/* Room for m's tensors, and for as many modules as m has if they are copied. */
static bool open_pairs(pairs *p, const gt_module *m, bool modules)
{
    size_t n = 0;
    gt_state_iter it = gt_module_state(m);
    while (gt_state_next(&it)) n++;
    for (const gt_module *at = modules ? m : NULL; at; at = gti_module_after(m, (gt_module *)at))
        n++;
    *p = (pairs){.root = m};
    if (gti_table_reserve(&p->of, n)) return true;
    gt_module_fail(m, GT_ERR_MEMORY, "out of memory");
    return false;
}

static void *counterpart(const pairs *p, const void *old)
{
    return gti_table_find(&p->of, old, 0);
}

static void add_pair(pairs *p, const void *old, void *new)
{
    gti_table_put(&p->of, old, 0, new);
}

/* A module's struct may point to tensors and modules of its tree. These pointers are found by their
 * value, so that no kind of module has to list them: all that such a struct holds is aligned like a
 * pointer or smaller, and an address is hardly ever a number by chance. */
static void exchange(gt_module *m, const pairs *p)
{
    char *const bytes = (char *)m;
    const void *old;
    for (size_t at = sizeof *m; at + sizeof old <= m->type->size; at += sizeof old) {
        memcpy(&old, bytes + at, sizeof old);
        const void *new = old ? counterpart(p, old) : NULL;
        if (new) memcpy(bytes + at, &new, sizeof new);
    }
}

/* Optimizers see by the version that their list of parameters is out of date. */
static void raise_versions(gt_module *m)
{
    for (; m; m = m->parent) m->version++;
}

static bool exchange_in(gt_module *m, gt_module_entry *list, const pairs *p)
{
    bool changed = false;
    for (gt_module_entry *e = list; e; e = e->next) {
        gt_tensor *new = counterpart(p, e->tensor);
        if (!new) continue;
        gti_free_exchange(m, e, new);
        changed = true;
    }
    return changed;
}

/* Has every module of m's tree hold what takes the place of its tensors, in its lists and its
 * struct. */
static void exchange_all(gt_module *m, const pairs *p)
{
    while (m->parent) m = m->parent;
    for (gt_module *at = m; at; at = gti_module_after(m, at)) {
        const bool parameters = exchange_in(at, at->parameters, p);
        if (exchange_in(at, at->buffers, p) || parameters) raise_versions(at);
        exchange(at, p);
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
    const char *name = path;
    *owner =
        path ? (gt_module *)gti_state_descend(m, &name) : NULL; /* lies below m, which may change */
    gt_module_entry *e = *owner ? gti_module_parameter_find(*owner, name, strlen(name)) : NULL;
    if (!e) fail_missing(m, path);
    return e;
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

/* Has the entry and its owner's struct hold t instead. */
static bool share(gt_module *owner, gt_module_entry *e, gt_tensor *t)
{
    pairs p = {.root = owner};
    if (!gti_table_reserve(&p.of, 1)) {
        gt_module_fail(owner, GT_ERR_MEMORY, "out of memory");
        return false;
    }
    add_pair(&p, e->tensor, t);
    exchange(owner, &p);
    gti_table_free(&p.of);
    gti_free_exchange(owner, e, t);
    return true;
}

gt_status gt_module_tie(gt_module *m, const char *path, const char *source)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_tie", "the module is NULL");
    if (!gt_module_usable(m) || gt_failed(m->ctx)) return gt_error_code(m->ctx);
    gt_module *owner, *other;
    gt_module_entry *e = find(m, path, &owner);
    const gt_module_entry *from = e ? find(m, source, &other) : NULL;
    if (!from) return gt_error_code(m->ctx);
    const gt_status status = check_alike(m, path, e->tensor, source, from->tensor);
    if (status != GT_OK || e->tensor == from->tensor) return status;
    if (!share(owner, e, from->tensor)) return gt_error_code(m->ctx);
    e->again = true;
    raise_versions(owner);
    return GT_OK;
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
    return gt_is_floating(t->dtype) && t->dtype != dtype;
}

/* The originals that are of another dtype, each once, and what they become. */
static bool convert_all(pairs *p, gt_dtype dtype)
{
    gt_state_iter it = gt_module_state(p->root);
    while (gt_state_next(&it)) {
        if (!to_convert(it.tensor, dtype) || counterpart(p, it.tensor)) continue;
        gt_tensor *new = converted(it.tensor, dtype);
        if (!new) return false;
        add_pair(p, it.tensor, new);
    }
    return true;
}

static void free_converted(const pairs *p)
{
    for (size_t i = 0; i < p->of.slots; i++) gt_free(p->of.slot[i].value);
}

/* Nothing is exchanged before all has been converted. */
static gt_status convert(gt_module *m, gt_dtype dtype)
{
    pairs p;
    if (!open_pairs(&p, m, false)) return gt_error_code(m->ctx);
    const bool ok = convert_all(&p, dtype);
    if (ok) exchange_all(m, &p);
    else free_converted(&p);
    gti_table_free(&p.of);
    for (gt_module *at = m; ok && at; at = gti_module_after(m, at)) at->dtype = dtype;
    return gt_error_code(m->ctx);
}

gt_status gt_module_to(gt_module *m, gt_dtype dtype)
{
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_to", "the module is NULL");
    if (!gt_module_usable(m) || gt_failed(m->ctx)) return gt_error_code(m->ctx);
    if (!gt_is_floating(dtype))
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
    gt_tensor *new = counterpart(p, t);
    if (new) return new;
    new = gt_from_(t->ctx, t->shape, t->data, GT_C_ANY, (gt_new_opts){.dtype = t->dtype});
    if (new) new = gt_keep(new);
    if (new) add_pair(p, t, new);
    return new;
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
    add_pair(p, m, to);
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
        exchange(to, p);
        from = gti_module_after(p->root, from);
    }
    return true;
}

gt_module *gt_module_copy(const gt_module *m)
{
    if (!m) gt_fail(NULL, GT_ERR_ARGUMENT, "gt_module_copy", "the module is NULL");
    if (!m || !gt_module_usable(m) || gt_failed(m->ctx)) return NULL;
    pairs p;
    if (!open_pairs(&p, m, true)) return NULL;
    p.copy = copy_tree(&p, m);
    gt_module *copy = p.copy && copy_structs(&p) ? p.copy : NULL;
    if (!copy && !gt_failed(m->ctx)) gt_module_fail(m, GT_ERR_STATE, "could not be copied");
    gti_table_free(&p.of);
    return copy;
}

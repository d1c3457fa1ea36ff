/* Freeing modules. */
#include <gradtape/op.h>
#include <stdlib.h>

#include "nn/module.h"

#undef gt_module_free

void gt_module_use(gt_module *m, int more)
{
    if (m) m->users += more;
}

/* --- what a module owns --- */

static void free_entries(gt_module_entry *e)
{
    while (e) {
        gt_module_entry *next = e->next;
        free(e);
        e = next;
    }
}

static void clear(gt_module *m)
{
    if (m->type->free) m->type->free(m);
    free_entries(m->parameters);
    free_entries(m->buffers);
    gti_hooks_free(m);
    if (m->index) {
        free_entries(m->index->former);
        gti_table_free(&m->index->parameters);
        gti_table_free(&m->index->buffers);
        gti_table_free(&m->index->children);
        free(m->index);
    }
    if (m->parent) free((void *)m->scope.name);
}

/* The context frees every module and every tensor on its own. */
void gti_free_object(void *module)
{
    gt_module *m = module;
    if (!m->freed) clear(m);
    free(m);
}

/* Out of memory the old tensor goes with its context. */
void gti_free_exchange(gt_module *m, gt_module_entry *e, gt_tensor *t)
{
    gt_share(t, 1);
    gt_module_entry *former = gt_share(e->tensor, -1) == 0 ? malloc(sizeof *former + 1) : NULL;
    if (former) {
        *former = (gt_module_entry){.next = m->index->former, .tensor = e->tensor};
        m->index->former = former;
    }
    e->tensor = t;
}

/* --- whether it can go --- */

static bool is_below(const gt_module *m, const gt_module *root)
{
    while (m && m != root) m = m->parent;
    return m;
}

/* Whether a scope is that of a module within root, or lies in one. */
static bool is_of(const gt_scope *scope, const gt_module *root)
{
    for (; scope; scope = scope->parent)
        if (scope->module && is_below(scope->module, root)) return true;
    return false;
}

static bool is_running(const gt_module *m)
{
    const gt_scope *now = gt_set_scope(m->ctx, NULL);
    gt_set_scope(m->ctx, now);
    return is_of(now, m);
}

static bool is_on_tape(const gt_module *m)
{
    for (const gt_node *n = gt_tape_first(m->ctx); n; n = gt_tape_next(n))
        if (is_of(gt_node_scope(n), m)) return true;
    return false;
}

static const gt_module *used_one(const gt_module *root)
{
    const gt_module *m = root;
    while (m && (!m->users || m->users == gti_same_count(m, root)))
        m = gti_module_after(root, (gt_module *)m);
    return m;
}

static bool can_go(const gt_module *m)
{
    const gt_module *used = used_one(m);
    if (m->parent)
        gt_module_fail(m, GT_ERR_STATE, "cannot be freed: it is part of a %s, as '%s'",
                       m->parent->type->name, m->scope.name);
    else if (is_running(m)) gt_module_fail(m, GT_ERR_STATE, "cannot be freed while it is running");
    else if (used)
        gt_module_fail(used, GT_ERR_STATE,
                       "cannot be freed: an optimizer, an average or another place of it is left\n"
                       "  hint: gt_optimizer_free, gt_ema_free");
    else if (is_on_tape(m))
        gt_module_fail(m, GT_ERR_STATE,
                       "cannot be freed: operations that it has recorded are on the tape\n"
                       "  hint: gt_rewind to a mark before them");
    else return true;
    return false;
}

/* --- freeing --- */

/* Tensors that another module has, too, lose their path. */
static void free_tensors(const gt_module *m, const gt_module_entry *e)
{
    for (; e; e = e->next) {
        if (gt_unusable(e->tensor)) continue;
        if (gt_share(e->tensor, -1) <= 0) gt_free(e->tensor);
        else if (gt_owner(e->tensor) == &m->scope) gt_set_owner(e->tensor, NULL);
    }
}

/* Before anything goes, for modules elsewhere. */
static void give_up_places(gt_module *root)
{
    for (gt_module *m = root; m; m = gti_module_after(root, m)) gt_module_use(gti_same_of(m), -1);
}

static void bury(gt_module *m)
{
    for (gt_module *c = m->child, *next; c; c = next) {
        next = c->next;
        bury(c);
    }
    free_tensors(m, m->parameters);
    free_tensors(m, m->buffers);
    for (gt_module_entry *e = m->index->former; e; e = e->next)
        if (!gt_unusable(e->tensor) && gt_share(e->tensor, 0) <= 0) gt_free(e->tensor);
    clear(m);
    m->parent = m->child = m->next = NULL;
    m->parameters = m->buffers = NULL;
    m->index = NULL;
    m->hooks = NULL;
    m->scope = (gt_scope){.name = "", .module = m, .state = m->scope.state + 1};
    m->freed = true;
    gt_let_go(m->ctx, m);
}

void gt_module_free(gt_module *m)
{
    if (!gt_module_usable(m) || !can_go(m)) return;
    give_up_places(m);
    bury(m);
}

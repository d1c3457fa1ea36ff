/* Functions that see what a module computes. */
#include "nn/module.h"

#include <stdlib.h>
#include <string.h>

#undef gt_module_add_hook

enum { ANOTHER = 2 }; /* what a change of hooks adds to the scope's state; a mode is 1 */

struct gt_module_hook {
    gt_module_hook_fn fn;
    void *user;
    gt_module_hook *next;
};

/* A captured step may have passed an activation by, but not what holds it. */
static void note_change(gt_module *m)
{
    m->scope.state += ANOTHER;
    if (m->parent && gti_activation_of(m) != GT_NO_ACTIVATION) m->parent->scope.state += ANOTHER;
}

gt_status gt_module_add_hook(gt_module *m, gt_module_hook_fn fn, void *user)
{
    static const char what[] = "gt_module_add_hook";
    if (!m) return gt_fail(NULL, GT_ERR_ARGUMENT, what, "the module is NULL");
    if (!gt_module_usable(m) || gt_failed(m->ctx)) return gt_error_code(m->ctx);
    if (!fn) return gt_module_fail(m, GT_ERR_ARGUMENT, "the hook's function is NULL");
    gt_module_hook *hook = malloc(sizeof *hook);
    if (!hook) return gt_module_fail(m, GT_ERR_MEMORY, "out of memory for a hook");
    *hook = (gt_module_hook){.fn = fn, .user = user};
    gt_module_hook **end = &m->hooks;
    while (*end) end = &(*end)->next;
    *end = hook;
    note_change(m);
    gti_module_hold(m, 1);
    return GT_OK;
}

void gt_module_remove_hook(gt_module *m, gt_module_hook_fn fn, void *user)
{
    if (!gt_module_usable(m)) return;
    gt_module_hook **at = &m->hooks;
    while (*at && ((*at)->fn != fn || (*at)->user != user)) at = &(*at)->next;
    gt_module_hook *found = *at;
    if (!found) return;
    *at = found->next;
    note_change(m);
    gti_module_hold(m, -1);
    free(found);
}

void gti_hooks_call(gt_module *m, int n, gt_tensor *const in[], gt_tensor *const out[])
{
    gt_tensor *all[GT_MODULE_MOST] = {NULL};
    memcpy(all, in, (size_t)n * sizeof *all);
    for (gt_module_hook *h = m->hooks, *next; h; h = next) {
        next = h->next;
        h->fn(m, all, out, h->user);
    }
}

void gti_hooks_free(gt_module *m)
{
    for (gt_module_hook *h = m->hooks, *next; h; h = next) {
        next = h->next;
        free(h);
    }
}

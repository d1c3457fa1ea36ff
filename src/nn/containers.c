/* Sequential, ModuleList, Residual, Concat. */
#include <gradtape/autograd.h>
#include <gradtape/containers.h>
#include <gradtape/ops.h>
#include <stdlib.h>
#include <string.h>

#include "nn/module.h"

/* --- numbered children --- */

static int count(const gt_module *m)
{
    return m->index->n_children;
}

static gt_module *append(gt_module *m, gt_module *child)
{
    char name[16];
    snprintf(name, sizeof name, "%d", count(m));
    return gt_module_add_child(m, name, child);
}

/* Whether a call with these arguments can go on; otherwise fails if nothing has. */
static bool check(const gt_module *m, const gt_module *child, const char *what)
{
    gt_ctx *gt = m ? m->ctx : child ? child->ctx : NULL;
    if (gt && gt_failed(gt)) return false;
    if (!gti_module_present(m, what, gt) || !m) return false;
    if (!m->index->numbered)
        gt_module_fail(m, GT_ERR_ARGUMENT,
                       "its children are not numbered; gt_module_add_child takes a name");
    else return true;
    return false;
}

#undef gt_module_append
gt_module *gt_module_append(gt_module *m, gt_module *child)
{
    return check(m, child, "gt_module_append") ? append(m, child) : NULL;
}

/* Has c and all behind it take their names from the one behind, which the last one took from c. */
static void rotate_names(gt_module *m, gt_module *c)
{
    for (; c; c = c->next) {
        const char *name = c->scope.name;
        if (c->next) {
            c->scope.name = c->next->scope.name;
            c->next->scope.name = name;
        }
        gti_table_put(&m->index->children, c->scope.name, strlen(c->scope.name), c);
    }
}

/* Puts the last child before number `index`. The names stay in their order. */
static void move_last(gt_module *m, int index)
{
    gt_module **at = &m->child, *last = m->index->last_child, *before = m->child;
    while (*at != last && index-- > 0) at = &(*at)->next;
    if (*at == last) return;
    while (before->next != last) before = before->next;
    before->next = NULL;
    last->next = *at;
    *at = last;
    m->index->last_child = before;
    rotate_names(m, last);
}

#undef gt_module_insert
gt_module *gt_module_insert(gt_module *m, int index, gt_module *child)
{
    if (!check(m, child, "gt_module_insert")) return NULL;
    const int n = count(m), place = index < 0 ? index + n : index;
    if (place < 0 || place > n) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "the index %d is not in %d..%d", index, -n, n);
        return NULL;
    }
    if (!append(m, child)) return NULL;
    move_last(m, place);
    return child;
}

gt_module *gt_module_nth(gt_module *m, int index)
{
    if (!gt_module_usable(m)) return NULL;
    if (index < 0) index += count(m);
    if (index < 0 || index >= count(m)) return NULL;
    char name[16];
    const int n = snprintf(name, sizeof name, "%d", index);
    if (m->index->numbered) return gti_module_child_find(m, name, (size_t)n);
    gt_module *c = m->child;
    while (index-- > 0) c = c->next;
    return c;
}

static gt_module *make(gt_ctx *gt, const gt_module_type *type, int n, gt_module *const child[])
{
    gt_module *m = gt_module_new(gt, type);
    for (int i = 0; m && i < n; i++)
        if (!append(m, child[i])) return NULL;
    return m;
}

/* --- Sequential and ModuleList --- */

/* An activation is passed by where the module before it has done its work. */
static gt_tensor *forward_sequential(gt_module *m, gt_tensor *x)
{
    bool spare = m->spare;
    for (gt_module *c = m->child, *next; c && x; c = next) {
        next = c->next;
        gt_activation own = next && !next->holders ? gti_activation_of(next) : GT_NO_ACTIVATION;
        const bool asked = own != GT_NO_ACTIVATION;
        x = gti_forward_before(c, x, &spare, next ? &own : &m->then);
        if (asked && own == GT_NO_ACTIVATION) next = next->next;
    }
    return x;
}

static const gt_module_type sequential_type = {.name = "Sequential",
                                               .size = sizeof(gt_module),
                                               .keeps_nothing = true,
                                               .forward = forward_sequential};

gt_module *gt_nn_sequential_(gt_ctx *gt, int n, gt_module *const child[])
{
    return make(gt, &sequential_type, n, child);
}

gt_module *gt_nn_sequential_named_(gt_ctx *gt, int n, const gt_named_module child[])
{
    gt_module *m = gt_module_new(gt, &sequential_type);
    for (int i = 0; m && i < n; i++)
        if (!gt_module_add_child(m, child[i].name, child[i].module)) return NULL;
    return m;
}

gt_module *gt_nn_module_list_(gt_ctx *gt, int n, gt_module *const child[])
{
    static const gt_module_type type = {
        .name = "ModuleList", .size = sizeof(gt_module), .keeps_nothing = true};
    return make(gt, &type, n, child);
}

gt_module *gt_nn_parameter_list_(gt_ctx *gt, int n, gt_tensor *const t[])
{
    static const gt_module_type type = {
        .name = "ParameterList", .size = sizeof(gt_module), .keeps_nothing = true};
    gt_module *m = gt_module_new(gt, &type);
    for (int i = 0; m && i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        if (!gt_module_add_parameter(m, name, t[i])) return NULL;
    }
    return m;
}

/* --- Residual and Concat --- */

/* y + around, in y's block where that is spare. */
static gt_tensor *add_around(const gt_module *m, gt_tensor *y, gt_tensor *around, bool spare)
{
    if (gt_same_shape(y, around))
        return spare ? gt_apply_over(&gt_op_add, NULL, 2, (gt_tensor *[]){y, around})
                     : gt_add(y, around);
    char a[128], b[128];
    gt_module_fail(m, GT_ERR_SHAPE, "the body makes %s, the shortcut %s",
                   gt_shape_format(y->shape, a, sizeof a),
                   gt_shape_format(around->shape, b, sizeof b));
    return NULL;
}

static gt_tensor *forward_residual(gt_module *m, gt_tensor *x)
{
    gt_module *body = m->child, *shortcut = body->next;
    bool spare = false;
    gt_tensor *y = gt_pass(body, x, &spare);
    if (!y) return NULL;
    bool around_spare = m->spare && shortcut && y->data != x->data;
    gt_tensor *around = shortcut ? gt_pass(shortcut, x, &around_spare) : x;
    gt_tensor *sum = around ? add_around(m, y, around, spare) : NULL;
    if (sum && spare) gt_release(y);
    if (sum && around_spare) gt_release(around);
    return sum;
}

gt_module *gt_nn_residual_(gt_ctx *gt, gt_module *body, gt_nn_residual_opts opts)
{
    static const gt_module_type type = {.name = "Residual",
                                        .size = sizeof(gt_module),
                                        .keeps_nothing = true,
                                        .forward = forward_residual};
    gt_module *m = gt_module_new(gt, &type);
    if (!m || !gt_module_add_child(m, "body", body)) return NULL;
    if (opts.shortcut && !gt_module_add_child(m, "shortcut", opts.shortcut)) return NULL;
    return m;
}

/* All branches, of which there are `n`, in y; those that are spare are released once joined. */
static gt_tensor *join_branches(gt_module *m, gt_tensor *x, gt_tensor *y[], int n)
{
    int i = 0;
    for (gt_module *c = m->child; c; c = c->next, i++) {
        y[i] = gt_forward(c, x);
        if (!y[i]) return NULL;
    }
    gt_tensor *all = gt_concat(y, n, 1);
    i = 0;
    for (gt_module *c = m->child; c && all; c = c->next, i++)
        if (!c->holders && y[i]->data != x->data && y[i]->data != all->data) gt_release(y[i]);
    return all;
}

static gt_tensor *forward_concat(gt_module *m, gt_tensor *x)
{
    gt_tensor *few[16], **y = few;
    const int n = count(m);
    if (n > 16) y = malloc((size_t)n * sizeof *y);
    if (!y) gt_module_fail(m, GT_ERR_MEMORY, "out of memory for %d branches", n);
    gt_tensor *all = y ? join_branches(m, x, y, n) : NULL;
    if (y != few) free(y);
    return all;
}

gt_module *gt_nn_concat_(gt_ctx *gt, int n, gt_module *const child[])
{
    static const gt_module_type type = {.name = "Concat",
                                        .size = sizeof(gt_module),
                                        .keeps_nothing = true,
                                        .forward = forward_concat};
    return make(gt, &type, n, child);
}

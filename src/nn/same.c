/* Same: another place of a module. The tree stays a tree: the place is a leaf without parameters,
 * and the module is counted, saved, stepped and initialised where it is. */
#include <gradtape/containers.h>
#include <stdlib.h>
#include <string.h>

#include "nn/module.h"

typedef struct {
    gt_module base;
    gt_module *of; /* exchanged for its copy when both are copied */
} same;

static bool forward(gt_module *m, gt_tensor *const in[], gt_tensor *out[])
{
    gt_module *of = ((same *)m)->of;
    const gt_outputs y = gt_forward_all_(of, gt_module_n_inputs(of), in);
    memcpy(out, y.at, sizeof y.at);
    return out[0];
}

static void describe(const gt_module *m, char *text, size_t size)
{
    char path[GT_NAME_MOST + 1];
    const gt_module *of = ((const same *)m)->of;
    gt_scope_path(&of->scope, path, sizeof path);
    snprintf(text, size, "%s%s%s", path, *path ? ": " : "", of->type->name);
}

static const gt_module_type type = {
    .name = "Same", .size = sizeof(same), .forward_many = forward, .describe = describe};

gt_module *gti_same_of(const gt_module *m)
{
    return m->type == &type ? ((const same *)m)->of : NULL;
}

#undef gt_nn_same
gt_module *gt_nn_same(gt_ctx *gt, gt_module *of)
{
    if (!gti_module_present(of, "gt_nn_same", gt)) return NULL;
    if (gti_same_of(of)) of = gti_same_of(of);
    gt_module *m = gt_module_new(gt, &type);
    if (m && of->ctx != gt) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "the module belongs to another context");
        return NULL;
    }
    if (!m) return NULL;
    ((same *)m)->of = of;
    m->inputs = of->inputs;
    m->outputs = of->outputs;
    gt_module_use(of, 1);
    return m;
}

bool gti_same_check(const gt_module *m, const gt_module *root)
{
    const gt_module *of = gti_same_of(m), *at = of;
    while (at && at != root) at = at->parent;
    if (of && !at)
        gt_module_fail(m, GT_ERR_STATE,
                       "is a place of a %s that is not below the %s in question\n"
                       "  hint: put both into one module, such as a gt_nn_module_list",
                       of->type->name, root->type->name);
    return !of || at;
}

int gti_same_count(const gt_module *of, const gt_module *root)
{
    int n = 0;
    for (const gt_module *m = root; m; m = gti_module_after(root, (gt_module *)m))
        n += gti_same_of(m) == of;
    return n;
}

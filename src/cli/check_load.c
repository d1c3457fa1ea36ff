/* Operations of a shared object. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

/* A name without a slash would be looked for where libraries are. */
static void *open_object(const char *path)
{
    char here[4096];
    snprintf(here, sizeof here, "%s%s", strchr(path, '/') ? "" : "./", path);
    return dlopen(here, RTLD_NOW | RTLD_LOCAL);
}

static const gt_op *const *refuse(const char *path, const char *why, const char *more)
{
    gti_cli_refuse("check", "--load: '%s' %s%s", path, why, more);
    return NULL;
}

const gt_op *const *gti_cli_load_ops(const char *path, int *n)
{
    void *object = open_object(path);
    if (!object) return refuse(path, "cannot be loaded: ", dlerror());
    const gt_op_exports *ops = dlsym(object, "gradtape_ops");
    if (!ops) return refuse(path, "exports no operations: have GT_EXPORT_OPS(&my_op); in it", "");
    if (ops->op_size != sizeof(gt_op) || strcmp(ops->version, gt_version()) != 0)
        return refuse(path, "is made for another gradtape; build it again for ", gt_version());
    for (int i = 0; i < ops->n; i++) {
        const gt_op *op = ops->op[i];
        if (!op || !op->name)
            return refuse(path, "exports an operation that is NULL, or has no .name", "");
        if (op->n_samples < 0 || !op->samples != !op->n_samples)
            return refuse(path, "has .samples without .n_samples, or the other way round, in ",
                          op->name);
    }
    *n = ops->n;
    return ops->op;
}

/* The built-in operations, in the order of ops.def. */
#include <string.h>

#include <gradtape/ops.h>

#define GT_OP(name, params, meaning) {#name, "gt_" #name #params, meaning, &gt_op_##name, false},
#define GT_OP_OPTS GT_OP
#define GT_OP_INNER(name, params, meaning)                                                         \
    {#name, "gt_" #name #params, meaning, &gt_op_##name, true},
#define GT_FUN(name, params, meaning) {#name, "gt_" #name #params, meaning, NULL, false},
#define GT_FUN_OPTS GT_FUN
static const gt_op_info registry[] = {
#include <gradtape/ops.def>
};

const gt_op_info *gt_ops(size_t *n)
{
    *n = sizeof registry / sizeof *registry;
    return registry;
}

const gt_op_info *gt_op_find(const char *name)
{
    for (size_t i = 0; i < sizeof registry / sizeof *registry; i++)
        if (name && !strcmp(registry[i].name, name)) return &registry[i];
    return NULL;
}

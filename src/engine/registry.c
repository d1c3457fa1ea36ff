/* The built-in operations, in the order of ops.def. */
#include "engine/registry.h"

#include <string.h>

#include <gradtape/ops.h>

/* --- rows --- */

#define GT_OP(name, params, meaning)                                                               \
    {#name, "gt_" #name #params, meaning, &gt_op_##name, NULL, false},
#define GT_OP_OPTS GT_OP
#define GT_OP_INNER(name, params, meaning)                                                         \
    {#name, "gt_" #name #params, meaning, &gt_op_##name, NULL, true},
#define GT_INTO(name, inputs, meaning)                                                             \
    {#name, #name "(" inputs ")", meaning, &gt_op_##name, NULL, true},
#define GT_FUN(name, params, args, meaning)                                                        \
    {#name, "gt_" #name #params, meaning, NULL, NULL, false},
#define GT_FUN_OPTS(name, params, args, meaning)                                                   \
    {#name, "gt_" #name #params, meaning, NULL, &gt_attrs_##name, false},
#define GT_FUN_ARGS(name, params, args, kept, meaning) GT_FUN_OPTS(name, params, args, meaning)
#define GT_FUN_OPTS_ARGS GT_FUN_ARGS
/* A function of one element and the inner operation that is its gradient. */
#define GT_OP_UNARY(name, params, meaning)                                                         \
    GT_OP(name, params,                                                                            \
          meaning){#name "_grad",                                                                  \
                   "gt_" #name "_grad(gt_tensor *dy, gt_tensor *v, double p, double q)",           \
                   "dy f'(x), the gradient of " #name ", made of v: x or the result",              \
                   &gt_op_##name##_grad,                                                           \
                   NULL,                                                                           \
                   true},
#define GT_OP_UNARY_ARGS GT_OP_UNARY
#define GT_OP_UNARY_OPTS GT_OP_UNARY
const gt_op_info gti_registry[GTI_N_OPS] = {
#include <gradtape/ops.def>
};

/* --- sections --- */

typedef struct {
    int first; /* row */
    gt_op_section section;
} heading;

#define GT_SECTION(id, title, note) {GTI_BELOW_##id, {title, note}},
static const heading headings[] = {
#include <gradtape/ops.def>
};

/* --- the public functions --- */

const gt_op_info *gt_ops(size_t *n)
{
    *n = GTI_N_OPS;
    return gti_registry;
}

const gt_op_info *gt_op_find(const char *name)
{
    for (size_t i = 0; i < GTI_N_OPS; i++)
        if (name && !strcmp(gti_registry[i].name, name)) return &gti_registry[i];
    return NULL;
}

const gt_attrs *gt_op_info_attrs(const gt_op_info *info)
{
    if (!info->op) return info->attrs;
    return info->op->call ? info->op->call : info->op->attrs.n > 0 ? &info->op->attrs : NULL;
}

const gt_op_section *gt_op_section_of(const gt_op_info *info)
{
    const heading *h = &headings[sizeof headings / sizeof *headings];
    while (h > headings && h[-1].first > info - gti_registry) h--;
    return h > headings ? &h[-1].section : NULL;
}

/* The rows of ops.def by number. */
#ifndef GTI_ENGINE_REGISTRY_H
#define GTI_ENGINE_REGISTRY_H

#include <gradtape/op.h>

/* A heading's number is that of the row below it, for what follows it in the enum counts on from
 * there. */
#define GT_SECTION(id, title, note) GTI_BELOW_##id, GTI_LAST_ABOVE_##id = GTI_BELOW_##id - 1,
#define GT_OP(name, ...) GTI_ROW_##name,
#define GT_OP_OPTS GT_OP
#define GT_OP_INNER GT_OP
#define GT_INTO GT_OP
#define GT_FUN GT_OP
#define GT_FUN_ARGS GT_OP
#define GT_FUN_OPTS GT_OP
#define GT_FUN_OPTS_ARGS GT_OP
#define GT_OP_UNARY(name, params, meaning) GTI_ROW_##name, GTI_ROW_##name##_grad,
#define GT_OP_UNARY_ARGS GT_OP_UNARY
#define GT_OP_UNARY_OPTS GT_OP_UNARY
enum gti_row {
#include <gradtape/ops.def>
    GTI_N_OPS
};

extern const gt_op_info gti_registry[GTI_N_OPS];

#endif

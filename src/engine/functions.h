/* The bodies of the functions of ops.def: gti_compose_linear(x, weight, opts) composes operations,
 * and gt_linear, which functions.c makes of the row, calls it in a scope of its own. */
#ifndef GTI_ENGINE_FUNCTIONS_H
#define GTI_ENGINE_FUNCTIONS_H

#include <gradtape/ops.h>

#define GT_SECTION(...)
#define GT_OP(...)
#define GT_OP_OPTS GT_OP
#define GT_OP_INNER GT_OP
#define GT_INTO GT_OP
#define GT_OP_UNARY GT_OP
#define GT_OP_UNARY_OPTS GT_OP
#define GT_FUN(name, params, args, meaning) gt_tensor *gti_compose_##name params;
#define GT_FUN_OPTS GT_FUN
#include <gradtape/ops.def>
#undef GT_SECTION
#undef GT_OP
#undef GT_OP_OPTS
#undef GT_OP_INNER
#undef GT_INTO
#undef GT_OP_UNARY
#undef GT_OP_UNARY_OPTS
#undef GT_FUN
#undef GT_FUN_OPTS

#endif

/* The bodies of the functions of ops.def: gti_compose_linear(x, weight, opts) composes operations,
 * and gt_linear, which functions.c makes of the row, calls it in a scope of its own. */
#ifndef GTI_ENGINE_FUNCTIONS_H
#define GTI_ENGINE_FUNCTIONS_H

#include <gradtape/ops.h>

#define GT_FUN(name, params, args, meaning) gt_tensor *gti_compose_##name params;
#define GT_FUN_OPTS GT_FUN
#include <gradtape/ops.def>

#endif

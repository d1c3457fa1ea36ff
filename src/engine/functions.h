/* The bodies of the functions of ops.def: gti_compose_linear(x, weight, opts) composes operations,
 * and gt_linear, which functions.c makes of the row, calls it in a scope of its own. */
#ifndef GTI_ENGINE_FUNCTIONS_H
#define GTI_ENGINE_FUNCTIONS_H

#include <gradtape/ops.h>

#include "engine/arguments.h" /* made from ops.def by the build */

#define GT_FUN(name, params, ...) gt_tensor *gti_compose_##name params;
#define GT_FUN_ARGS GT_FUN
#define GT_FUN_OPTS GT_FUN
#define GT_FUN_OPTS_ARGS GT_FUN
#include <gradtape/ops.def>

#endif

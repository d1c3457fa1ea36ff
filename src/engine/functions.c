/* The public functions of ops.def that are composed of operations: every row makes one, so that
 * none can forget to open its scope. */
#include "engine/functions.h"

#include "engine/registry.h"

/* The first of a function's arguments. */
#define FIRST_(first, ...) (first)
#define FIRST(...) FIRST_(__VA_ARGS__, )

/* Whether opts are complete now; where x is NULL the function fails by itself. */
static inline bool complete(const gt_tensor *x, const gt_op_info *row, void *opts)
{
    return !opts || !row->attrs->fill || !x || gt_complete(x->ctx, row->name, row->attrs, opts);
}

#define IN_SCOPE(name, args, opts, opts_size)                                                      \
    {                                                                                              \
        const gt_op_info *row = &gti_registry[GTI_ROW_##name];                                     \
        if (!complete(FIRST args, row, opts)) return NULL;                                         \
        gt_call *call = gt_call_begin(FIRST args, row, opts, opts_size);                           \
        return gt_call_end(call, gti_compose_##name args);                                         \
    }

#define GT_FUN(name, params, args, meaning)                                                        \
    gt_tensor *(gt_##name)params IN_SCOPE(name, args, NULL, 0)
#define GT_FUN_OPTS(name, params, args, meaning)                                                   \
    gt_tensor *gt_##name##_ params IN_SCOPE(name, args, &opts, sizeof opts)
#include <gradtape/ops.def>

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
    return !row->attrs->fill || !x || gt_complete(x->ctx, row->name, row->attrs, opts);
}

#define CALL(name, args, all, all_size)                                                            \
    gt_call *call = gt_call_begin(FIRST args, row, all, all_size);                                 \
    return gt_call_end(call, gti_compose_##name args);

/* The members of a struct, of an argument in parentheses. */
#define MEMBERS(...) __VA_ARGS__

#define GT_FUN(name, params, args, meaning)                                                        \
    gt_tensor *(gt_##name)params                                                                   \
    {                                                                                              \
        const gt_op_info *row = &gti_registry[GTI_ROW_##name];                                     \
        CALL(name, args, NULL, 0)                                                                  \
    }
#define GT_FUN_ARGS(name, params, args, kept, meaning)                                             \
    gt_tensor *(gt_##name)params                                                                   \
    {                                                                                              \
        const gt_op_info *row = &gti_registry[GTI_ROW_##name];                                     \
        const gti_##name##_args all = {MEMBERS kept};                                              \
        CALL(name, args, &all, sizeof all)                                                         \
    }
#define GT_FUN_OPTS(name, params, args, meaning)                                                   \
    gt_tensor *gt_##name##_ params                                                                 \
    {                                                                                              \
        const gt_op_info *row = &gti_registry[GTI_ROW_##name];                                     \
        if (!complete(FIRST args, row, &opts)) return NULL;                                        \
        CALL(name, args, &opts, sizeof opts)                                                       \
    }
#define GT_FUN_OPTS_ARGS(name, params, args, kept, meaning)                                        \
    gt_tensor *gt_##name##_ params                                                                 \
    {                                                                                              \
        const gt_op_info *row = &gti_registry[GTI_ROW_##name];                                     \
        gti_##name##_args all = {MEMBERS kept};                                                    \
        if (!complete(FIRST args, row, &all)) return NULL;                                         \
        opts = all.opts;                                                                           \
        CALL(name, args, &all, sizeof all)                                                         \
    }
#include <gradtape/ops.def>

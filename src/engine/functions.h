/* The bodies of the functions of ops.def: gti_compose_linear(x, weight, opts) composes operations,
 * and gt_linear, which functions.c makes of the row, calls it in a scope of its own. */
#ifndef GTI_ENGINE_FUNCTIONS_H
#define GTI_ENGINE_FUNCTIONS_H

#include <gradtape/ops.h>

/* What a call's scope keeps of arguments that are no tensors, as gt_attrs_NAME describes it. */
typedef struct {
    double s;
} gti_scalar_args;
typedef gti_scalar_args gti_sub_scalar_args, gti_div_scalar_args, gti_rsub_scalar_args,
    gti_rdiv_scalar_args, gti_eq_scalar_args, gti_ne_scalar_args, gti_lt_scalar_args,
    gti_le_scalar_args, gti_gt_scalar_args, gti_ge_scalar_args;
typedef struct {
    int64_t ignore;
} gti_class_weights_args;
typedef struct {
    int axis;
} gti_unsqueeze_args;
typedef struct {
    gt_shape shape;
} gti_expand_args, gti_sum_to_args;
typedef struct {
    gt_shape repeats;
} gti_repeat_args;
typedef struct {
    int i, j;
} gti_transpose_args;
typedef struct {
    int axis;
    int64_t index;
} gti_select_args;
typedef struct {
    int axis;
    int64_t size;
} gti_split_args;
typedef struct {
    int axis, chunks;
} gti_chunk_args;
typedef struct {
    int64_t ol;
} gti_adaptive_avg_pool1d_args;
typedef struct {
    double p;
} gti_dropout2d_args;
/* Behind options. */
typedef struct {
    gt_adaptive_max_pool_opts opts;
    int64_t ol;
} gti_adaptive_max_pool1d_args;
typedef struct {
    gt_local_response_norm_opts opts;
    int64_t size;
} gti_local_response_norm_args;

#define GT_FUN(name, params, ...) gt_tensor *gti_compose_##name params;
#define GT_FUN_ARGS GT_FUN
#define GT_FUN_OPTS GT_FUN
#define GT_FUN_OPTS_ARGS GT_FUN
#include <gradtape/ops.def>

#endif

/* The operations on tensors. ops.def lists and describes them; this header has their options.
 *
 * All are recorded on the tape where an input requires gradients, return a new tensor of the step,
 * and return NULL after a failure, or when an input is NULL. */
#ifndef GRADTAPE_OPS_H
#define GRADTAPE_OPS_H

#include <gradtape/op.h>

GT_BEGIN_DECLS

/* Sets of axes: GT_AXES(0, 2), negative ones counted from the end. GT_AXIS(i) | GT_AXIS(j) is the
 * same as a constant expression. */
#define GT_AXIS(i) (1u << ((unsigned)(i)&31u))
#define GT_AXES(...)                                                                               \
    gt_axes_((int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})
unsigned gt_axes_(int n, const int *axis);

typedef struct {
    unsigned axes; /* GT_AXES(...); 0: all */
    bool keepdim;  /* keep the reduced dimensions with size 1 */
    int gt_;
} gt_reduce_opts;

typedef struct {
    int64_t step; /* 1; may be negative: then from start down to, not including, stop */
    int gt_;
} gt_slice_opts;
/* For stop: through the last element (step > 0) or the first (step < 0). */
#define GT_END INT64_MAX

typedef struct {
    bool transpose_a, transpose_b; /* exchange the last two dimensions first */
    int gt_;
} gt_matmul_opts;

/* Pairs are height, width. In stride and dilation a second value of 0 means the same as the first,
 * and a first of 0 means 1; padding is taken as written. */
typedef struct {
    int stride[2], padding[2], dilation[2];
    int groups;      /* 1 */
    gt_tensor *bias; /* [k], added along dimension 1; NULL: none */
    int gt_;
} gt_conv2d_opts;

#define GT_OP(name, params, meaning)                                                               \
    gt_tensor *gt_##name params;                                                                   \
    extern const gt_op gt_op_##name;
#define GT_OP_OPTS(name, params, meaning)                                                          \
    gt_tensor *gt_##name##_ params;                                                                \
    extern const gt_op gt_op_##name;
#define GT_OP_INNER GT_OP
#define GT_FUN(name, params, meaning) gt_tensor *gt_##name params;
#define GT_FUN_OPTS(name, params, meaning) gt_tensor *gt_##name##_ params;
#include <gradtape/ops.def>
#undef GT_OP
#undef GT_OP_OPTS
#undef GT_OP_INNER
#undef GT_FUN
#undef GT_FUN_OPTS

#include <gradtape/calls.h> /* made from ops.def by the build: GT_AT around every call */

/* gt_sum(x), gt_sum(x, .axes = GT_AXES(0, -1), .keepdim = true) */
#define gt_sum(...) GT_SUM_(__VA_ARGS__, .gt_ = 0)
#define GT_SUM_(x, ...) GT_AT(gt_sum_(x, (gt_reduce_opts){__VA_ARGS__}))
#define gt_mean(...) GT_MEAN_(__VA_ARGS__, .gt_ = 0)
#define GT_MEAN_(x, ...) GT_AT(gt_mean_(x, (gt_reduce_opts){__VA_ARGS__}))
/* gt_permute(x, 0, 3, 1, 2) */
#define gt_permute(x, ...)                                                                         \
    GT_AT(gt_permute_(x, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__}))
/* gt_slice(x, axis, start, stop), gt_slice(x, 0, 0, GT_END, .step = 2) */
#define gt_slice(x, axis, start, ...) GT_SLICE_(x, axis, start, __VA_ARGS__, .gt_ = 0)
#define GT_SLICE_(x, axis, start, stop, ...)                                                       \
    GT_AT(gt_slice_(x, axis, start, stop, (gt_slice_opts){__VA_ARGS__}))
/* gt_matmul(a, b), gt_matmul(a, b, .transpose_b = true) */
#define gt_matmul(a, ...) GT_MATMUL_(a, __VA_ARGS__, .gt_ = 0)
#define GT_MATMUL_(a, b, ...) GT_AT(gt_matmul_(a, b, (gt_matmul_opts){__VA_ARGS__}))
/* gt_conv2d(x, weight), gt_conv2d(x, weight, .stride = {2, 2}, .padding = {1, 1}, .bias = b) */
#define gt_conv2d(x, ...) GT_CONV2D_(x, __VA_ARGS__, .gt_ = 0)
#define GT_CONV2D_(x, weight, ...) GT_AT(gt_conv2d_(x, weight, (gt_conv2d_opts){__VA_ARGS__}))

GT_END_DECLS
#endif

/* The operations on tensors. ops.def lists and describes them; this header has their options.
 *
 * Defaults and ranges of options stand in the operations' tables of attributes (attr.h), which
 * `gradtape ops NAME` and docs/operations.md show.
 *
 * All are recorded on the tape where an input requires gradients, return a new tensor of the step,
 * and return NULL after a failure, or when an input is NULL. */
#ifndef GRADTAPE_OPS_H
#define GRADTAPE_OPS_H

#include <gradtape/op.h>

GT_BEGIN_DECLS

/* Sets of axes: GT_AXES(0, 2), negative ones counted from the end. GT_AXIS(i) | GT_AXIS(j) is the
 * same as a constant expression. A plain number is no set, and refused: sets carry a mark. Bit i
 * stands for axis i, from 0 to 14 and, less 32, from -15 to -1; one bit for all others. */
#define GT_AXES_MARK (1u << 16)
#define GT_AXES_OTHERS (1u << 15)
#define GT_AXIS(i)                                                                                 \
    (GT_AXES_MARK |                                                                                \
     ((i) >= -15 && (i) <= 14 ? 1u << ((unsigned)(i)&31u) : (unsigned)GT_AXES_OTHERS))
#define GT_AXES(...) gt_axes_(GT_COUNTED(int, __VA_ARGS__))
unsigned gt_axes_(int n, const int *axis);

typedef struct {
    gt_keywords gt_;
    unsigned axes; /* GT_AXES(...); 0: all */
    bool keepdim;  /* keep the reduced dimensions with size 1 */
} gt_reduce_opts;

typedef struct {
    gt_keywords gt_;
    int64_t step; /* may be negative: then from start down to, not including, stop */
} gt_slice_opts;
/* For stop: through the last element (step > 0) or the first (step < 0). */
#define GT_END INT64_MAX

typedef struct {
    gt_keywords gt_;
    bool transpose_a, transpose_b; /* exchange the last two dimensions first */
} gt_matmul_opts;

/* --- options: functions of one element --- */

typedef struct {
    gt_keywords gt_;
    double negative_slope;
} gt_leaky_relu_opts;

typedef struct {
    gt_keywords gt_;
    double alpha;
} gt_elu_opts;

typedef struct {
    gt_keywords gt_;
    bool tanh_approximation; /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
} gt_gelu_opts;

typedef struct {
    gt_keywords gt_;
    double beta; /* not 0 */
    double threshold;
} gt_softplus_opts;

typedef struct {
    gt_keywords gt_;
    double min_val, max_val; /* not below min_val */
} gt_hardtanh_opts;

/* --- options: convolutions and pools --- */

/* Pairs are height, width, and {3} is {3, 3}. Paddings of {1, 0} are 1 and 0 where kernel, stride
 * or dilation differ between height and width; elsewhere {1, 1}, for C cannot tell {1, 0} from {1}:
 * there .padding = {1, GT_ZERO} adds rows alone. */
typedef struct {
    gt_keywords gt_;
    int stride[2], padding[2], dilation[2];
    int groups;
    bool same_padding; /* instead of padding, at stride 1: what makes y as large as x, an odd rest
                        * at the right and bottom */
    gt_tensor *bias;   /* [k], added along dimension 1; NULL: none */
} gt_conv2d_opts;
typedef struct {
    gt_keywords gt_;
    int stride, padding, dilation;
    int groups;
    bool same_padding;
    gt_tensor *bias;
} gt_conv1d_opts;
/* Padding takes from the output; output_padding adds to its end, less than stride or dilation. */
typedef struct {
    gt_keywords gt_;
    int stride[2], padding[2], output_padding[2], dilation[2];
    int groups;
    gt_tensor *bias;
} gt_conv_transpose2d_opts;
typedef struct {
    gt_keywords gt_;
    int stride, padding, output_padding, dilation;
    int groups;
    gt_tensor *bias;
} gt_conv_transpose1d_opts;

/* Of unfold and fold. The kernel has to be given, here and in the pools. */
typedef struct {
    gt_keywords gt_;
    int kernel[2], stride[2], padding[2], dilation[2];
} gt_fold_opts;

/* Pools. A stride that is not given is the kernel's size; padding is at most half the kernel.
 * ceil_mode has one more window where strides leave a rest, if it begins in the input or the
 * padding before it. */
typedef struct {
    gt_keywords gt_;
    int kernel[2], stride[2], padding[2], dilation[2];
    bool ceil_mode;
    gt_tensor **indices; /* if not NULL, gets where each maximum was: i64 i w + j, of y's shape */
} gt_max_pool2d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel, stride, padding, dilation;
    bool ceil_mode;
    gt_tensor **indices;
} gt_max_pool1d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel[2], stride[2], padding[2];
    bool ceil_mode;
    bool exclude_pad;     /* divide by the window's elements inside x: no count_include_pad */
    int divisor_override; /* divide by this; 0: by the number of elements */
} gt_avg_pool2d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel, stride, padding;
    bool ceil_mode, exclude_pad;
} gt_avg_pool1d_opts;
typedef struct {
    gt_keywords gt_;
    gt_tensor **indices; /* as in gt_max_pool2d_opts */
} gt_adaptive_max_pool_opts;

typedef enum { GT_NEAREST = 0, GT_BILINEAR } gt_interpolation;
typedef struct {
    gt_keywords gt_;
    gt_interpolation mode;
    bool align_corners; /* GT_BILINEAR: the corner pixels' centres stay where they are */
    double scale[2];    /* of height and width, where the size is rounded from it: how far apart
                         * neighbouring outputs lie in x is then 1 / scale; not given: x's size /
                         * y's */
} gt_interpolate_opts;

/* --- options: shapes and products --- */

typedef struct {
    gt_keywords gt_;
    int start, end; /* first and last axis of those joined, negative ones counted from the end;
                     * GT_ZERO for an end at axis 0 */
} gt_flatten_opts;

typedef struct {
    gt_keywords gt_;
    unsigned axes; /* GT_AXES(...), of which those of size 1 go; 0: all of size 1 */
} gt_squeeze_opts;

typedef enum {
    GT_PAD_CONSTANT,  /* value */
    GT_PAD_REFLECT,   /* x mirrored at its first and last element, which are not repeated */
    GT_PAD_REPLICATE, /* x's first or last element */
    GT_PAD_CIRCULAR,  /* x again from its other end, less what is cut off there */
} gt_pad_mode;

typedef struct {
    gt_keywords gt_;
    int64_t pad[2 * GT_MAX_DIMS]; /* elements before and after along the last axis, then along the
                                   * one before it, and so on; negative ones are cut off */
    gt_pad_mode mode;
    double value;
} gt_pad_opts;

typedef struct {
    gt_keywords gt_;
    gt_dtype dtype; /* of the result */
} gt_one_hot_opts;

typedef struct {
    gt_keywords gt_;
    gt_tensor *bias; /* [out]; NULL: none */
} gt_linear_opts;

/* --- options: normalisation --- */

typedef struct {
    gt_keywords gt_;
    gt_tensor *weight, *bias; /* factors and offsets, of the shape that is normalised (layer_norm)
                               * or [c]; NULL: 1 and 0 */
    double eps;               /* added to the variance */
} gt_normalize_opts;

typedef struct {
    gt_keywords gt_;
    gt_tensor *weight; /* of the shape that is normalised; NULL: 1 */
    double eps;        /* added to the mean square */
} gt_rms_norm_opts;

typedef struct {
    gt_keywords gt_;
    gt_tensor *weight, *bias; /* [c]; NULL: 1 and 0 */
    bool training;            /* use the batch's statistics and change the running ones in place:
                               * (1 - momentum) running + momentum batch, with the unbiased
                               * variance */
    double momentum;
    bool cumulative;        /* momentum is 1 / num_batches: the average of all batches */
    gt_tensor *num_batches; /* i64, one element, counted up in training; NULL: not counted */
    double eps;
} gt_batch_norm_opts;

typedef struct {
    gt_keywords gt_;
    double alpha, beta, k;
} gt_local_response_norm_opts;

/* How a normalisation sees x, for its gradient: as [n,groups,channels,inner], with statistics of
 * each [channels,inner] or, pooled (channels is 1 then), of each [n,inner]. */
typedef struct {
    int64_t n, groups, channels, inner;
    bool pooled;
} gt_normalize_layout;

/* --- options: reductions, classes and losses --- */

typedef struct {
    gt_keywords gt_;
    unsigned axes; /* as in gt_reduce_opts */
    bool keepdim;
    int correction; /* the sum of squares is divided by N - correction; GT_ZERO for N */
} gt_var_opts;
typedef struct {
    gt_keywords gt_;
    unsigned axes; /* as in gt_reduce_opts */
    bool keepdim;
    double p; /* 1 or 2 */
} gt_norm_opts;
typedef struct {
    gt_keywords gt_;
    bool keepdim;
    gt_tensor **indices; /* if not NULL, gets where along the axis they are, i64: the first place */
} gt_max_opts;
typedef struct {
    gt_keywords gt_;
    bool keepdim;
} gt_argmax_opts;

typedef struct {
    gt_keywords gt_;
    int64_t padding_idx; /* this row gets no gradient; GT_ZERO for row 0 */
} gt_embedding_opts;

/* What becomes of the elements' losses. */
typedef enum {
    GT_MEAN = 0,  /* their mean: NaN when there are none */
    GT_SUM,       /* their sum */
    GT_NONE,      /* nothing: a loss for each */
    GT_BATCHMEAN, /* gt_kl_div: their sum, divided by the size of the first dimension */
} gt_reduction;

typedef struct {
    gt_keywords gt_;
    gt_tensor *weight;    /* [c], of the classes; a mean divides by the sum of the rows' weights */
    int64_t ignore_index; /* rows of this class do not count; GT_ZERO for class 0 */
    double label_smoothing; /* in 0..1: this part of each target is spread over all classes */
    gt_reduction reduction;
} gt_cross_entropy_opts;
typedef struct {
    gt_keywords gt_;
    gt_tensor *weight; /* as in gt_cross_entropy_opts */
    int64_t ignore_index;
    gt_reduction reduction;
} gt_nll_loss_opts;
typedef struct {
    gt_keywords gt_;
    gt_reduction reduction;
} gt_loss_opts;
typedef struct {
    gt_keywords gt_;
    double beta; /* GT_ZERO: gt_l1_loss */
    gt_reduction reduction;
} gt_smooth_l1_loss_opts;
typedef struct {
    gt_keywords gt_;
    double delta; /* positive */
    gt_reduction reduction;
} gt_huber_loss_opts;
typedef struct {
    gt_keywords gt_;
    gt_tensor *weight; /* factors of the elements' losses; broadcasts to them */
    gt_reduction reduction;
} gt_binary_cross_entropy_opts;
typedef struct {
    gt_keywords gt_;
    gt_tensor *weight;     /* factors of the elements' losses; broadcasts to them */
    gt_tensor *pos_weight; /* factors of the terms with target; broadcasts likewise */
    gt_reduction reduction;
} gt_binary_cross_entropy_with_logits_opts;
typedef struct {
    gt_keywords gt_;
    bool log_target; /* the target is given as logarithms, as x is */
    gt_reduction reduction;
} gt_kl_div_opts;

/* Arguments of changes in place, all of them taken as they are: gt_apply_into(&gt_op_fill,
 * &(gt_change_args){.p = 2}, 1, (gt_tensor *[]){y}). Rows of ops.def say what p and q mean. */
typedef struct {
    double p, q;
} gt_change_args;
typedef struct {
    double value;
    int axis; /* not negative */
    int64_t start, stop;
} gt_fill_slice_args;
/* A row of the numbers of optimizers' steps, a tensor [rows, GT_STEP_NUMBERS], in which each
 * parameter has a row. In the operations' rows g = sign * grad + decay * w; what they do not name
 * is not read. */
typedef struct {
    double lr, sign, decay;
    double shrink;    /* w is multiplied by, where weights decay apart from the gradient */
    double betas[2];  /* of the averages of g and g^2: s = beta s + (1 - beta) g */
    double take;      /* part of g in sgd_momentum's average */
    double eps, root; /* the step is divided by root sqrt(v) + eps */
    double of_g;      /* nadam's rate of g; lr is that of the average */
    double nesterov;  /* sgd_momentum: not 0, ahead of the average */
    double adaptive;  /* radam: not 0, divide */
} gt_step_numbers;
enum { GT_STEP_NUMBERS = sizeof(gt_step_numbers) / sizeof(double) };
typedef struct {
    int64_t row; /* of the numbers */
} gt_step_args;

#define GT_OP(name, params, meaning)                                                               \
    gt_tensor *gt_##name params;                                                                   \
    extern const gt_op gt_op_##name;
#define GT_OP_OPTS(name, params, meaning)                                                          \
    gt_tensor *gt_##name##_ params;                                                                \
    extern const gt_op gt_op_##name;
#define GT_OP_INNER GT_OP
#define GT_INTO(name, inputs, meaning) extern const gt_op gt_op_##name;
#define GT_OP_UNARY(name, params, meaning)                                                         \
    GT_OP(name, params, meaning)                                                                   \
    GT_OP(name##_grad, (gt_tensor * dy, gt_tensor * v, double p, double q), "")
#define GT_OP_UNARY_ARGS GT_OP_UNARY
#define GT_OP_UNARY_OPTS(name, params, meaning)                                                    \
    GT_OP_OPTS(name, params, meaning)                                                              \
    GT_OP(name##_grad, (gt_tensor * dy, gt_tensor * v, double p, double q), "")
#define GT_FUN(name, params, ...) gt_tensor *gt_##name params;
#define GT_FUN_ARGS(name, params, ...)                                                             \
    gt_tensor *gt_##name params;                                                                   \
    extern const gt_attrs gt_attrs_##name;
#define GT_FUN_OPTS(name, params, ...)                                                             \
    gt_tensor *gt_##name##_ params;                                                                \
    extern const gt_attrs gt_attrs_##name;
#define GT_FUN_OPTS_ARGS GT_FUN_OPTS
#include <gradtape/ops.def>

#include <gradtape/calls.h> /* made from ops.def by the build: GT_AT around every call */

/* gt_sum(x), gt_sum(x, .axes = GT_AXES(0, -1), .keepdim = true) */
#define gt_sum(...) GT_SUM_(__VA_ARGS__, )
#define GT_SUM_(x, ...) GT_AT(gt_sum_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
#define gt_mean(...) GT_MEAN_(__VA_ARGS__, )
#define GT_MEAN_(x, ...) GT_AT(gt_mean_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
/* gt_permute(x, 0, 3, 1, 2) */
#define gt_permute(x, ...) GT_AT(gt_permute_(x, GT_COUNTED(int, __VA_ARGS__)))
/* gt_slice(x, axis, start, stop), gt_slice(x, 0, 0, GT_END, .step = 2) */
#define gt_slice(x, axis, start, ...) GT_SLICE_(x, axis, start, __VA_ARGS__, )
#define GT_SLICE_(x, axis, start, stop, ...)                                                       \
    GT_AT(gt_slice_(x, axis, start, stop, GT_OPTS(gt_slice_opts, __VA_ARGS__)))
/* gt_leaky_relu(x), gt_leaky_relu(x, .negative_slope = 0.2) */
#define gt_leaky_relu(...) GT_LEAKY_RELU_(__VA_ARGS__, )
#define GT_LEAKY_RELU_(x, ...) GT_AT(gt_leaky_relu_(x, GT_OPTS(gt_leaky_relu_opts, __VA_ARGS__)))
#define gt_elu(...) GT_ELU_(__VA_ARGS__, )
#define GT_ELU_(x, ...) GT_AT(gt_elu_(x, GT_OPTS(gt_elu_opts, __VA_ARGS__)))
/* gt_gelu(x), gt_gelu(x, .tanh_approximation = true) */
#define gt_gelu(...) GT_GELU_(__VA_ARGS__, )
#define GT_GELU_(x, ...) GT_AT(gt_gelu_(x, GT_OPTS(gt_gelu_opts, __VA_ARGS__)))
#define gt_softplus(...) GT_SOFTPLUS_(__VA_ARGS__, )
#define GT_SOFTPLUS_(x, ...) GT_AT(gt_softplus_(x, GT_OPTS(gt_softplus_opts, __VA_ARGS__)))
/* gt_hardtanh(x), gt_hardtanh(x, .min_val = -2, .max_val = 2) */
#define gt_hardtanh(...) GT_HARDTANH_(__VA_ARGS__, )
#define GT_HARDTANH_(x, ...) GT_AT(gt_hardtanh_(x, GT_OPTS(gt_hardtanh_opts, __VA_ARGS__)))
/* gt_matmul(a, b), gt_matmul(a, b, .transpose_b = true) */
#define gt_matmul(a, ...) GT_MATMUL_(a, __VA_ARGS__, )
#define GT_MATMUL_(a, b, ...) GT_AT(gt_matmul_(a, b, GT_OPTS(gt_matmul_opts, __VA_ARGS__)))
/* gt_conv2d(x, weight), gt_conv2d(x, weight, .stride = {2}, .padding = {1}, .bias = b) */
#define gt_conv2d(x, ...) GT_CONV2D_(x, __VA_ARGS__, )
#define GT_CONV2D_(x, weight, ...)                                                                 \
    GT_AT(gt_conv2d_(x, weight, GT_OPTS(gt_conv2d_opts, __VA_ARGS__)))
#define gt_conv1d(x, ...) GT_CONV1D_(x, __VA_ARGS__, )
#define GT_CONV1D_(x, weight, ...)                                                                 \
    GT_AT(gt_conv1d_(x, weight, GT_OPTS(gt_conv1d_opts, __VA_ARGS__)))
/* gt_conv_transpose2d(x, weight, .stride = {2}, .padding = {1}, .output_padding = {1}) */
#define gt_conv_transpose2d(x, ...) GT_CONV_TRANSPOSE2D_(x, __VA_ARGS__, )
#define GT_CONV_TRANSPOSE2D_(x, weight, ...)                                                       \
    GT_AT(gt_conv_transpose2d_(x, weight, GT_OPTS(gt_conv_transpose2d_opts, __VA_ARGS__)))
#define gt_conv_transpose1d(x, ...) GT_CONV_TRANSPOSE1D_(x, __VA_ARGS__, )
#define GT_CONV_TRANSPOSE1D_(x, weight, ...)                                                       \
    GT_AT(gt_conv_transpose1d_(x, weight, GT_OPTS(gt_conv_transpose1d_opts, __VA_ARGS__)))
/* gt_unfold(x, .kernel = {3}), gt_fold(x, h, w, .kernel = {3}) */
#define gt_unfold(...) GT_UNFOLD_(__VA_ARGS__, )
#define GT_UNFOLD_(x, ...) GT_AT(gt_unfold_(x, GT_OPTS(gt_fold_opts, __VA_ARGS__)))
#define gt_fold(x, h, ...) GT_FOLD_(x, h, __VA_ARGS__, )
#define GT_FOLD_(x, h, w, ...) GT_AT(gt_fold_(x, h, w, GT_OPTS(gt_fold_opts, __VA_ARGS__)))
/* gt_max_pool2d(x, .kernel = {3}, .stride = {2}, .indices = &where) */
#define gt_max_pool2d(...) GT_MAX_POOL2D_(__VA_ARGS__, )
#define GT_MAX_POOL2D_(x, ...) GT_AT(gt_max_pool2d_(x, GT_OPTS(gt_max_pool2d_opts, __VA_ARGS__)))
#define gt_max_pool1d(...) GT_MAX_POOL1D_(__VA_ARGS__, )
#define GT_MAX_POOL1D_(x, ...) GT_AT(gt_max_pool1d_(x, GT_OPTS(gt_max_pool1d_opts, __VA_ARGS__)))
#define gt_avg_pool2d(...) GT_AVG_POOL2D_(__VA_ARGS__, )
#define GT_AVG_POOL2D_(x, ...) GT_AT(gt_avg_pool2d_(x, GT_OPTS(gt_avg_pool2d_opts, __VA_ARGS__)))
#define gt_avg_pool1d(...) GT_AVG_POOL1D_(__VA_ARGS__, )
#define GT_AVG_POOL1D_(x, ...) GT_AT(gt_avg_pool1d_(x, GT_OPTS(gt_avg_pool1d_opts, __VA_ARGS__)))
/* gt_adaptive_max_pool2d(x, 7, 7), gt_adaptive_max_pool2d(x, 7, 7, .indices = &where) */
#define gt_adaptive_max_pool2d(x, oh, ...) GT_ADAPTIVE_MAX_POOL2D_(x, oh, __VA_ARGS__, )
#define GT_ADAPTIVE_MAX_POOL2D_(x, oh, ow, ...)                                                    \
    GT_AT(gt_adaptive_max_pool2d_(x, oh, ow, GT_OPTS(gt_adaptive_max_pool_opts, __VA_ARGS__)))
#define gt_adaptive_max_pool1d(x, ...) GT_ADAPTIVE_MAX_POOL1D_(x, __VA_ARGS__, )
#define GT_ADAPTIVE_MAX_POOL1D_(x, ol, ...)                                                        \
    GT_AT(gt_adaptive_max_pool1d_(x, ol, GT_OPTS(gt_adaptive_max_pool_opts, __VA_ARGS__)))
/* gt_interpolate(x, 64, 64), gt_interpolate(x, 64, 64, .mode = GT_BILINEAR) */
#define gt_interpolate(x, h, ...) GT_INTERPOLATE_(x, h, __VA_ARGS__, )
#define GT_INTERPOLATE_(x, h, w, ...)                                                              \
    GT_AT(gt_interpolate_(x, h, w, GT_OPTS(gt_interpolate_opts, __VA_ARGS__)))

/* --- calls: shapes and products --- */
/* gt_flatten(x), gt_flatten(x, .start = 1) */
#define gt_flatten(...) GT_FLATTEN_(__VA_ARGS__, )
#define GT_FLATTEN_(x, ...) GT_AT(gt_flatten_(x, GT_OPTS(gt_flatten_opts, __VA_ARGS__)))
/* gt_squeeze(x), gt_squeeze(x, .axes = GT_AXES(0, -1)) */
#define gt_squeeze(...) GT_SQUEEZE_(__VA_ARGS__, )
#define GT_SQUEEZE_(x, ...) GT_AT(gt_squeeze_(x, GT_OPTS(gt_squeeze_opts, __VA_ARGS__)))
/* gt_pad(x, .pad = {left, right, top, bottom}, .mode = GT_PAD_REFLECT) */
#define gt_pad(...) GT_PAD_(__VA_ARGS__, )
#define GT_PAD_(x, ...) GT_AT(gt_pad_(x, GT_OPTS(gt_pad_opts, __VA_ARGS__)))
/* gt_one_hot(index, 10), gt_one_hot(index, 10, .dtype = GT_I64) */
#define gt_one_hot(index, ...) GT_ONE_HOT_(index, __VA_ARGS__, )
#define GT_ONE_HOT_(index, classes, ...)                                                           \
    GT_AT(gt_one_hot_(index, classes, GT_OPTS(gt_one_hot_opts, __VA_ARGS__)))
/* gt_linear(x, weight), gt_linear(x, weight, .bias = b) */
#define gt_linear(x, ...) GT_LINEAR_(x, __VA_ARGS__, )
#define GT_LINEAR_(x, weight, ...)                                                                 \
    GT_AT(gt_linear_(x, weight, GT_OPTS(gt_linear_opts, __VA_ARGS__)))

/* --- calls: normalisation --- */
/* gt_batch_norm(x, running_mean, running_var, .weight = w, .bias = b, .training = true) */
#define gt_batch_norm(x, running_mean, ...) GT_BATCH_NORM_(x, running_mean, __VA_ARGS__, )
#define GT_BATCH_NORM_(x, running_mean, running_var, ...)                                          \
    GT_AT(gt_batch_norm_(x, running_mean, running_var, GT_OPTS(gt_batch_norm_opts, __VA_ARGS__)))
/* gt_layer_norm(x, 1, .weight = w, .bias = b) */
#define gt_layer_norm(x, ...) GT_LAYER_NORM_(x, __VA_ARGS__, )
#define GT_LAYER_NORM_(x, n_dims, ...)                                                             \
    GT_AT(gt_layer_norm_(x, n_dims, GT_OPTS(gt_normalize_opts, __VA_ARGS__)))
/* gt_group_norm(x, groups, .weight = w, .bias = b) */
#define gt_group_norm(x, ...) GT_GROUP_NORM_(x, __VA_ARGS__, )
#define GT_GROUP_NORM_(x, groups, ...)                                                             \
    GT_AT(gt_group_norm_(x, groups, GT_OPTS(gt_normalize_opts, __VA_ARGS__)))
/* gt_instance_norm(x), gt_instance_norm(x, .weight = w, .bias = b) */
#define gt_instance_norm(...) GT_INSTANCE_NORM_(__VA_ARGS__, )
#define GT_INSTANCE_NORM_(x, ...)                                                                  \
    GT_AT(gt_instance_norm_(x, GT_OPTS(gt_normalize_opts, __VA_ARGS__)))
/* gt_rms_norm(x, 1, .weight = w) */
#define gt_rms_norm(x, ...) GT_RMS_NORM_(x, __VA_ARGS__, )
#define GT_RMS_NORM_(x, n_dims, ...)                                                               \
    GT_AT(gt_rms_norm_(x, n_dims, GT_OPTS(gt_rms_norm_opts, __VA_ARGS__)))
/* gt_local_response_norm(x, 5, .alpha = 1e-3) */
#define gt_local_response_norm(x, ...) GT_LOCAL_RESPONSE_NORM_(x, __VA_ARGS__, )
#define GT_LOCAL_RESPONSE_NORM_(x, size, ...)                                                      \
    GT_AT(gt_local_response_norm_(x, size, GT_OPTS(gt_local_response_norm_opts, __VA_ARGS__)))

/* --- calls: reductions, classes and losses --- */
/* gt_prod(x), gt_prod(x, .axes = GT_AXES(0, -1), .keepdim = true); likewise amax, amin, logsumexp
 */
#define gt_prod(...) GT_PROD_(__VA_ARGS__, )
#define GT_PROD_(x, ...) GT_AT(gt_prod_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
#define gt_amax(...) GT_AMAX_(__VA_ARGS__, )
#define GT_AMAX_(x, ...) GT_AT(gt_amax_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
#define gt_amin(...) GT_AMIN_(__VA_ARGS__, )
#define GT_AMIN_(x, ...) GT_AT(gt_amin_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
#define gt_logsumexp(...) GT_LOGSUMEXP_(__VA_ARGS__, )
#define GT_LOGSUMEXP_(x, ...) GT_AT(gt_logsumexp_(x, GT_OPTS(gt_reduce_opts, __VA_ARGS__)))
/* gt_var(x), gt_var(x, .axes = GT_AXES(0), .correction = GT_ZERO) */
#define gt_var(...) GT_VAR_(__VA_ARGS__, )
#define GT_VAR_(x, ...) GT_AT(gt_var_(x, GT_OPTS(gt_var_opts, __VA_ARGS__)))
#define gt_std(...) GT_STD_(__VA_ARGS__, )
#define GT_STD_(x, ...) GT_AT(gt_std_(x, GT_OPTS(gt_var_opts, __VA_ARGS__)))
/* gt_norm(x), gt_norm(x, .p = 1, .axes = GT_AXES(1)) */
#define gt_norm(...) GT_NORM_(__VA_ARGS__, )
#define GT_NORM_(x, ...) GT_AT(gt_norm_(x, GT_OPTS(gt_norm_opts, __VA_ARGS__)))
/* gt_max(x, 1), gt_max(x, 1, .keepdim = true, .indices = &where) */
#define gt_max(x, ...) GT_MAX_(x, __VA_ARGS__, )
#define GT_MAX_(x, axis, ...) GT_AT(gt_max_(x, axis, GT_OPTS(gt_max_opts, __VA_ARGS__)))
#define gt_min(x, ...) GT_MIN_(x, __VA_ARGS__, )
#define GT_MIN_(x, axis, ...) GT_AT(gt_min_(x, axis, GT_OPTS(gt_max_opts, __VA_ARGS__)))
/* gt_argmax(x, 1), gt_argmax(x, 1, .keepdim = true) */
#define gt_argmax(x, ...) GT_ARGMAX_(x, __VA_ARGS__, )
#define GT_ARGMAX_(x, axis, ...) GT_AT(gt_argmax_(x, axis, GT_OPTS(gt_argmax_opts, __VA_ARGS__)))
#define gt_argmin(x, ...) GT_ARGMIN_(x, __VA_ARGS__, )
#define GT_ARGMIN_(x, axis, ...) GT_AT(gt_argmin_(x, axis, GT_OPTS(gt_argmax_opts, __VA_ARGS__)))
/* gt_embedding(index, weight), gt_embedding(index, weight, .padding_idx = GT_ZERO) */
#define gt_embedding(index, ...) GT_EMBEDDING_(index, __VA_ARGS__, )
#define GT_EMBEDDING_(index, weight, ...)                                                          \
    GT_AT(gt_embedding_(index, weight, GT_OPTS(gt_embedding_opts, __VA_ARGS__)))
/* gt_cross_entropy(logits, target), gt_cross_entropy(logits, target, .label_smoothing = 0.1) */
#define gt_cross_entropy(logits, ...) GT_CROSS_ENTROPY_(logits, __VA_ARGS__, )
#define GT_CROSS_ENTROPY_(logits, target, ...)                                                     \
    GT_AT(gt_cross_entropy_(logits, target, GT_OPTS(gt_cross_entropy_opts, __VA_ARGS__)))
#define gt_nll_loss(x, ...) GT_NLL_LOSS_(x, __VA_ARGS__, )
#define GT_NLL_LOSS_(x, target, ...)                                                               \
    GT_AT(gt_nll_loss_(x, target, GT_OPTS(gt_nll_loss_opts, __VA_ARGS__)))
/* gt_mse_loss(x, target), gt_mse_loss(x, target, .reduction = GT_SUM) */
#define gt_mse_loss(x, ...) GT_MSE_LOSS_(x, __VA_ARGS__, )
#define GT_MSE_LOSS_(x, target, ...)                                                               \
    GT_AT(gt_mse_loss_(x, target, GT_OPTS(gt_loss_opts, __VA_ARGS__)))
#define gt_l1_loss(x, ...) GT_L1_LOSS_(x, __VA_ARGS__, )
#define GT_L1_LOSS_(x, target, ...)                                                                \
    GT_AT(gt_l1_loss_(x, target, GT_OPTS(gt_loss_opts, __VA_ARGS__)))
#define gt_smooth_l1_loss(x, ...) GT_SMOOTH_L1_LOSS_(x, __VA_ARGS__, )
#define GT_SMOOTH_L1_LOSS_(x, target, ...)                                                         \
    GT_AT(gt_smooth_l1_loss_(x, target, GT_OPTS(gt_smooth_l1_loss_opts, __VA_ARGS__)))
#define gt_huber_loss(x, ...) GT_HUBER_LOSS_(x, __VA_ARGS__, )
#define GT_HUBER_LOSS_(x, target, ...)                                                             \
    GT_AT(gt_huber_loss_(x, target, GT_OPTS(gt_huber_loss_opts, __VA_ARGS__)))
#define gt_binary_cross_entropy(x, ...) GT_BINARY_CROSS_ENTROPY_(x, __VA_ARGS__, )
#define GT_BINARY_CROSS_ENTROPY_(x, target, ...)                                                   \
    GT_AT(gt_binary_cross_entropy_(x, target, GT_OPTS(gt_binary_cross_entropy_opts, __VA_ARGS__)))
#define gt_binary_cross_entropy_with_logits(x, ...)                                                \
    GT_BINARY_CROSS_ENTROPY_WITH_LOGITS_(x, __VA_ARGS__, )
#define GT_BINARY_CROSS_ENTROPY_WITH_LOGITS_(x, target, ...)                                       \
    GT_AT(gt_binary_cross_entropy_with_logits_(                                                    \
        x, target, GT_OPTS(gt_binary_cross_entropy_with_logits_opts, __VA_ARGS__)))
#define gt_kl_div(x, ...) GT_KL_DIV_(x, __VA_ARGS__, )
#define GT_KL_DIV_(x, target, ...)                                                                 \
    GT_AT(gt_kl_div_(x, target, GT_OPTS(gt_kl_div_opts, __VA_ARGS__)))

GT_END_DECLS
#endif

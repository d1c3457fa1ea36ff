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

/* What follows an operation in the same pass over memory. */
typedef enum {
    GT_NO_ACTIVATION = 0,
    GT_THEN_RELU,
    GT_THEN_RELU6,
} gt_activation;

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
    gt_activation
        activation; /* of the result: as gt_relu or gt_relu6 behind it, to the same bits */
} gt_batch_norm_opts;

typedef struct {
    gt_keywords gt_;
    double alpha, beta, k;
} gt_local_response_norm_opts;

/* How a normalisation sees x, for its gradient: as [n,groups,channels,inner], with statistics of
 * each [channels,inner] or, pooled (channels is 1 then), of each [n,inner], which may be given:
 * no results of x; and what follows it. */
typedef struct {
    int64_t n, groups, channels, inner;
    bool pooled;
    gt_activation activation;
    bool given; /* where pooled */
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
    double p; /* any number, INFINITY and -INFINITY; GT_ZERO counts what is not 0 */
} gt_norm_opts;
/* Of what is divided by a norm along one axis. */
typedef struct {
    gt_keywords gt_;
    double p;   /* as in gt_norm_opts */
    int axis;   /* 1; GT_ZERO for axis 0 */
    double eps; /* norms are at least this */
} gt_length_opts;
typedef struct {
    gt_keywords gt_;
    int axis; /* 1; GT_ZERO for axis 0 */
    double eps;
} gt_cosine_similarity_opts;
typedef struct {
    gt_keywords gt_;
    bool batch; /* all of x is dropped, or kept, at once */
} gt_stochastic_depth_opts;
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
    bool descending;
    gt_tensor **indices; /* if not NULL, gets where along the axis they stood, i64 */
} gt_sort_opts;
typedef struct {
    gt_keywords gt_;
    bool descending;
} gt_argsort_opts;
typedef struct {
    gt_keywords gt_;
    bool smallest;       /* the k smallest, the smallest first */
    gt_tensor **indices; /* as in gt_sort_opts */
} gt_topk_opts;

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
    /* GT_ERR_ARGUMENT names an x outside of 0..1; with GT_NONE, and in replays, its loss is NaN. */
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

typedef struct {
    gt_keywords gt_;
    double margin;
    double p, eps; /* of the distance: the norm of degree p, of what eps is added to */
    bool swap;     /* of the negative's distances to the other two the smaller counts */
    gt_reduction reduction;
} gt_triplet_margin_loss_opts;
typedef struct {
    gt_keywords gt_;
    double margin;
    gt_reduction reduction;
} gt_hinge_embedding_loss_opts;
typedef struct {
    gt_keywords gt_;
    double alpha; /* in 0..1; negative: no such factors */
    double gamma;
    gt_reduction reduction;
} gt_sigmoid_focal_loss_opts;
typedef struct {
    gt_keywords gt_;
    double smooth;
    gt_reduction reduction;
} gt_dice_loss_opts;

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

#include <gradtape/calls.h> /* made from ops.def by the build: a macro around every call */

/* gt_permute(x, 0, 3, 1, 2) */
#define gt_permute(x, ...) GT_AT(gt_permute_(x, GT_COUNTED(int, __VA_ARGS__)))
/* Tensors in the call, in place of an array of them: gt_concat_of(1, a, b, c) */
#define gt_concat_of(axis, ...) gt_concat(GT_LISTED_(__VA_ARGS__), axis)
#define gt_stack_of(axis, ...) gt_stack(GT_LISTED_(__VA_ARGS__), axis)
#define GT_LISTED_(...) GT_ARRAY(gt_tensor *, __VA_ARGS__), GT_ARRAY_COUNT(gt_tensor *, __VA_ARGS__)
/* out[i]: coordinates i of the grid of lines [n0], [n1], .., all of shape [n0,n1,..], as PyTorch's
 * indexing="ij": gt_meshgrid(out, y, x). Errors: GT_ERR_ARGUMENT, GT_ERR_SHAPE. */
gt_status gt_meshgrid_(int n, gt_tensor *const *tensors, gt_tensor **out);
#define gt_meshgrid(out, ...) GT_STATUS_AT(gt_meshgrid_(GT_COUNTED(gt_tensor *, __VA_ARGS__), out))

GT_END_DECLS
#endif

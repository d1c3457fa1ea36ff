/* Layers. Names, options, defaults, state names and starts are PyTorch's: the same seed and the
 * same order of constructors give the same parameters.
 *
 *   gt_module *conv = gt_nn_conv2d(gt, 1, 6, .kernel = {5}, .padding = {2});
 *
 * Pairs are height, width: {3} is {3, 3}, {3, GT_ZERO} has a 0 (paddings: see ops.h). Lazy forms
 * take the number of input channels or features from their first input, draw their parameters then,
 * and are the ordinary layer, also by the name of their type, from then on.
 *
 * Errors of all: GT_ERR_ARGUMENT for numbers that make no sense, GT_ERR_DTYPE, GT_ERR_MEMORY. */
#ifndef GRADTAPE_LAYERS_H
#define GRADTAPE_LAYERS_H

#include <gradtape/nn.h>

GT_BEGIN_DECLS

/* --- convolutions --- */

typedef struct {
    gt_keywords gt_;
    int kernel[2];                          /* required: {5} is 5x5 */
    int stride[2], padding[2], dilation[2]; /* 1, 0, 1 */
    int groups;                             /* 1; divides both channel counts */
    bool same_padding;                      /* at stride 1, instead of padding: y as large as x */
    gt_pad_mode padding_mode;               /* GT_PAD_CONSTANT: zeros */
    bool no_bias;
    gt_dtype dtype; /* GT_F32 */
} gt_nn_conv2d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel; /* required */
    int stride, padding, dilation;
    int groups;
    bool same_padding;
    gt_pad_mode padding_mode;
    bool no_bias;
    gt_dtype dtype;
} gt_nn_conv1d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel[2]; /* required */
    int stride[2], padding[2], output_padding[2], dilation[2];
    int groups;
    bool no_bias;
    gt_dtype dtype;
} gt_nn_conv_transpose2d_opts;
typedef struct {
    gt_keywords gt_;
    int kernel; /* required */
    int stride, padding, output_padding, dilation;
    int groups;
    bool no_bias;
    gt_dtype dtype;
} gt_nn_conv_transpose1d_opts;

/* All take an image [c,h,w] or a sequence [c,l] without a batch, too.
 *
 * Conv2d: x [n,in,h,w] to [n,out,oh,ow] by gt_conv2d. Parameters: weight [out,in/groups,kh,kw] and,
 * without .no_bias, bias [out]; both uniform in +-1/sqrt(in/groups * kh * kw), weight first. */
gt_module *gt_nn_conv2d_(gt_ctx *gt, int in, int out, gt_nn_conv2d_opts opts);
/* gt_nn_conv2d(gt, in, out, .kernel = {3}) */
#define gt_nn_conv2d(gt, in, ...) GT_NN_CONV2D_(gt, in, __VA_ARGS__, )
#define GT_NN_CONV2D_(gt, in, out, ...)                                                            \
    GT_MODULE_AT(gt_nn_conv2d_(gt, in, out, GT_OPTS(gt_nn_conv2d_opts, __VA_ARGS__)))
gt_module *gt_nn_lazy_conv2d_(gt_ctx *gt, int out, gt_nn_conv2d_opts opts);
/* gt_nn_lazy_conv2d(gt, out, .kernel = {3}) */
#define gt_nn_lazy_conv2d(gt, ...) GT_NN_LAZY_CONV2D_(gt, __VA_ARGS__, )
#define GT_NN_LAZY_CONV2D_(gt, out, ...)                                                           \
    GT_MODULE_AT(gt_nn_lazy_conv2d_(gt, out, GT_OPTS(gt_nn_conv2d_opts, __VA_ARGS__)))

/* Conv1d: x [n,in,l] to [n,out,ol]; weight [out,in/groups,kernel]. */
gt_module *gt_nn_conv1d_(gt_ctx *gt, int in, int out, gt_nn_conv1d_opts opts);
#define gt_nn_conv1d(gt, in, ...) GT_NN_CONV1D_(gt, in, __VA_ARGS__, )
#define GT_NN_CONV1D_(gt, in, out, ...)                                                            \
    GT_MODULE_AT(gt_nn_conv1d_(gt, in, out, GT_OPTS(gt_nn_conv1d_opts, __VA_ARGS__)))

gt_module *gt_nn_lazy_conv1d_(gt_ctx *gt, int out, gt_nn_conv1d_opts opts);
#define gt_nn_lazy_conv1d(gt, ...) GT_NN_LAZY_CONV1D_(gt, __VA_ARGS__, )
#define GT_NN_LAZY_CONV1D_(gt, out, ...)                                                           \
    GT_MODULE_AT(gt_nn_lazy_conv1d_(gt, out, GT_OPTS(gt_nn_conv1d_opts, __VA_ARGS__)))

/* ConvTranspose2d: by gt_conv_transpose2d; weight [in,out/groups,kh,kw], uniform in
 * +-1/sqrt(out/groups * kh * kw) as is the bias. */
gt_module *gt_nn_conv_transpose2d_(gt_ctx *gt, int in, int out, gt_nn_conv_transpose2d_opts opts);
#define gt_nn_conv_transpose2d(gt, in, ...) GT_NN_CONV_TRANSPOSE2D_(gt, in, __VA_ARGS__, )
#define GT_NN_CONV_TRANSPOSE2D_(gt, in, out, ...)                                                  \
    GT_MODULE_AT(                                                                                  \
        gt_nn_conv_transpose2d_(gt, in, out, GT_OPTS(gt_nn_conv_transpose2d_opts, __VA_ARGS__)))
gt_module *gt_nn_lazy_conv_transpose2d_(gt_ctx *gt, int out, gt_nn_conv_transpose2d_opts opts);
#define gt_nn_lazy_conv_transpose2d(gt, ...) GT_NN_LAZY_CONV_TRANSPOSE2D_(gt, __VA_ARGS__, )
#define GT_NN_LAZY_CONV_TRANSPOSE2D_(gt, out, ...)                                                 \
    GT_MODULE_AT(                                                                                  \
        gt_nn_lazy_conv_transpose2d_(gt, out, GT_OPTS(gt_nn_conv_transpose2d_opts, __VA_ARGS__)))

/* ConvTranspose1d: weight [in,out/groups,kernel]. */
gt_module *gt_nn_conv_transpose1d_(gt_ctx *gt, int in, int out, gt_nn_conv_transpose1d_opts opts);
#define gt_nn_conv_transpose1d(gt, in, ...) GT_NN_CONV_TRANSPOSE1D_(gt, in, __VA_ARGS__, )
#define GT_NN_CONV_TRANSPOSE1D_(gt, in, out, ...)                                                  \
    GT_MODULE_AT(                                                                                  \
        gt_nn_conv_transpose1d_(gt, in, out, GT_OPTS(gt_nn_conv_transpose1d_opts, __VA_ARGS__)))
gt_module *gt_nn_lazy_conv_transpose1d_(gt_ctx *gt, int out, gt_nn_conv_transpose1d_opts opts);
#define gt_nn_lazy_conv_transpose1d(gt, ...) GT_NN_LAZY_CONV_TRANSPOSE1D_(gt, __VA_ARGS__, )
#define GT_NN_LAZY_CONV_TRANSPOSE1D_(gt, out, ...)                                                 \
    GT_MODULE_AT(                                                                                  \
        gt_nn_lazy_conv_transpose1d_(gt, out, GT_OPTS(gt_nn_conv_transpose1d_opts, __VA_ARGS__)))

/* --- linear maps and tables --- */

typedef struct {
    gt_keywords gt_;
    bool no_bias;
    gt_dtype dtype;
} gt_nn_linear_opts;
/* Linear: x [..,in] to [..,out]; weight [out,in] and bias [out], uniform in +-1/sqrt(in). */
gt_module *gt_nn_linear_(gt_ctx *gt, int64_t in, int64_t out, gt_nn_linear_opts opts);
/* gt_nn_linear(gt, in, out), gt_nn_linear(gt, in, out, .no_bias = true) */
#define gt_nn_linear(gt, in, ...) GT_NN_LINEAR_(gt, in, __VA_ARGS__, )
#define GT_NN_LINEAR_(gt, in, out, ...)                                                            \
    GT_MODULE_AT(gt_nn_linear_(gt, in, out, GT_OPTS(gt_nn_linear_opts, __VA_ARGS__)))
gt_module *gt_nn_lazy_linear_(gt_ctx *gt, int64_t out, gt_nn_linear_opts opts);
#define gt_nn_lazy_linear(gt, ...) GT_NN_LAZY_LINEAR_(gt, __VA_ARGS__, )
#define GT_NN_LAZY_LINEAR_(gt, out, ...)                                                           \
    GT_MODULE_AT(gt_nn_lazy_linear_(gt, out, GT_OPTS(gt_nn_linear_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    int64_t padding_idx; /* this row is 0 and stays so, a negative one counted from the end;
                          * GT_ZERO for row 0; 0: none */
    gt_dtype dtype;
} gt_nn_embedding_opts;
/* Embedding: i64 indices [..] to the rows [..,width] of weight [rows,width], standard normal. */
gt_module *gt_nn_embedding_(gt_ctx *gt, int64_t rows, int64_t width, gt_nn_embedding_opts opts);
#define gt_nn_embedding(gt, rows, ...) GT_NN_EMBEDDING_(gt, rows, __VA_ARGS__, )
#define GT_NN_EMBEDDING_(gt, rows, width, ...)                                                     \
    GT_MODULE_AT(gt_nn_embedding_(gt, rows, width, GT_OPTS(gt_nn_embedding_opts, __VA_ARGS__)))

/* --- normalisation --- */

typedef struct {
    gt_keywords gt_;
    double eps;              /* 1e-5 */
    double momentum;         /* 0.1 */
    bool cumulative;         /* PyTorch's momentum=None: running statistics are plain averages */
    bool no_affine, no_bias; /* without weight and bias, or only without bias */
    bool no_running_stats;   /* no track_running_stats: the batch's statistics always */
    gt_dtype dtype;
} gt_nn_batch_norm_opts;
/* BatchNorm1d of [n,c] and [n,c,l], BatchNorm2d of [n,c,h,w]: the batch's statistics in training,
 * the running ones after gt_eval. Parameters weight [c], 1, and bias [c], 0; buffers running_mean,
 * running_var [c] and num_batches_tracked, i64 []. */
gt_module *gt_nn_batch_norm1d_(gt_ctx *gt, int64_t channels, gt_nn_batch_norm_opts opts);
gt_module *gt_nn_batch_norm2d_(gt_ctx *gt, int64_t channels, gt_nn_batch_norm_opts opts);
gt_module *gt_nn_lazy_batch_norm1d_(gt_ctx *gt, gt_nn_batch_norm_opts opts);
gt_module *gt_nn_lazy_batch_norm2d_(gt_ctx *gt, gt_nn_batch_norm_opts opts);
/* gt_nn_batch_norm2d(gt, 64), gt_nn_lazy_batch_norm2d(gt, .momentum = 0.01) */
#define gt_nn_batch_norm1d(gt, ...) GT_NN_BATCH_NORM1D_(gt, __VA_ARGS__, )
#define GT_NN_BATCH_NORM1D_(gt, channels, ...)                                                     \
    GT_MODULE_AT(gt_nn_batch_norm1d_(gt, channels, GT_OPTS(gt_nn_batch_norm_opts, __VA_ARGS__)))
#define gt_nn_batch_norm2d(gt, ...) GT_NN_BATCH_NORM2D_(gt, __VA_ARGS__, )
#define GT_NN_BATCH_NORM2D_(gt, channels, ...)                                                     \
    GT_MODULE_AT(gt_nn_batch_norm2d_(gt, channels, GT_OPTS(gt_nn_batch_norm_opts, __VA_ARGS__)))
#define gt_nn_lazy_batch_norm1d(...) GT_NN_LAZY_BATCH_NORM1D_(__VA_ARGS__, )
#define GT_NN_LAZY_BATCH_NORM1D_(gt, ...)                                                          \
    GT_MODULE_AT(gt_nn_lazy_batch_norm1d_(gt, GT_OPTS(gt_nn_batch_norm_opts, __VA_ARGS__)))
#define gt_nn_lazy_batch_norm2d(...) GT_NN_LAZY_BATCH_NORM2D_(__VA_ARGS__, )
#define GT_NN_LAZY_BATCH_NORM2D_(gt, ...)                                                          \
    GT_MODULE_AT(gt_nn_lazy_batch_norm2d_(gt, GT_OPTS(gt_nn_batch_norm_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    double eps; /* 1e-5 */
    bool no_affine, no_bias;
    gt_dtype dtype;
} gt_nn_norm_opts;
/* LayerNorm over the last dimensions, which must be `shape`; weight and bias have that shape. */
gt_module *gt_nn_layer_norm_(gt_ctx *gt, gt_shape shape, gt_nn_norm_opts opts);
/* gt_nn_layer_norm(gt, GT_SHAPE(768)) */
#define gt_nn_layer_norm(gt, ...) GT_NN_LAYER_NORM_(gt, __VA_ARGS__, )
#define GT_NN_LAYER_NORM_(gt, shape, ...)                                                          \
    GT_MODULE_AT(gt_nn_layer_norm_(gt, shape, GT_OPTS(gt_nn_norm_opts, __VA_ARGS__)))
typedef struct {
    gt_keywords gt_;
    double eps; /* not given: the smallest by which 1 of the dtype grows */
    bool no_affine;
    gt_dtype dtype;
} gt_nn_rms_norm_opts;
/* RMSNorm over the last dimensions, which must be `shape`; weight has that shape. */
gt_module *gt_nn_rms_norm_(gt_ctx *gt, gt_shape shape, gt_nn_rms_norm_opts opts);
#define gt_nn_rms_norm(gt, ...) GT_NN_RMS_NORM_(gt, __VA_ARGS__, )
#define GT_NN_RMS_NORM_(gt, shape, ...)                                                            \
    GT_MODULE_AT(gt_nn_rms_norm_(gt, shape, GT_OPTS(gt_nn_rms_norm_opts, __VA_ARGS__)))
/* GroupNorm of [n,channels,...]; weight and bias [channels]. */
gt_module *gt_nn_group_norm_(gt_ctx *gt, int64_t groups, int64_t channels, gt_nn_norm_opts opts);
#define gt_nn_group_norm(gt, groups, ...) GT_NN_GROUP_NORM_(gt, groups, __VA_ARGS__, )
#define GT_NN_GROUP_NORM_(gt, groups, channels, ...)                                               \
    GT_MODULE_AT(gt_nn_group_norm_(gt, groups, channels, GT_OPTS(gt_nn_norm_opts, __VA_ARGS__)))
typedef struct {
    gt_keywords gt_;
    double eps;         /* 1e-5 */
    double momentum;    /* 0.1 */
    bool affine;        /* with weight and bias [channels] */
    bool running_stats; /* PyTorch's track_running_stats: with BatchNorm2d's buffers, the means of
                         * the images' statistics, which are used after gt_eval */
    gt_dtype dtype;
} gt_nn_instance_norm_opts;
/* InstanceNorm1d of [n,channels,l] and [channels,l], InstanceNorm2d of [n,channels,h,w] and
 * [channels,h,w]. */
gt_module *gt_nn_instance_norm1d_(gt_ctx *gt, int64_t channels, gt_nn_instance_norm_opts opts);
#define gt_nn_instance_norm1d(gt, ...) GT_NN_INSTANCE_NORM1D_(gt, __VA_ARGS__, )
#define GT_NN_INSTANCE_NORM1D_(gt, channels, ...)                                                  \
    GT_MODULE_AT(                                                                                  \
        gt_nn_instance_norm1d_(gt, channels, GT_OPTS(gt_nn_instance_norm_opts, __VA_ARGS__)))
gt_module *gt_nn_instance_norm2d_(gt_ctx *gt, int64_t channels, gt_nn_instance_norm_opts opts);
#define gt_nn_instance_norm2d(gt, ...) GT_NN_INSTANCE_NORM2D_(gt, __VA_ARGS__, )
#define GT_NN_INSTANCE_NORM2D_(gt, channels, ...)                                                  \
    GT_MODULE_AT(                                                                                  \
        gt_nn_instance_norm2d_(gt, channels, GT_OPTS(gt_nn_instance_norm_opts, __VA_ARGS__)))

/* Dropout and Dropout2d (whole channels) with probability p; the identity after gt_eval. */
gt_module *gt_nn_dropout(gt_ctx *gt, double p);
#define gt_nn_dropout(gt, p) GT_MODULE_AT(gt_nn_dropout(gt, p))
gt_module *gt_nn_dropout2d(gt_ctx *gt, double p);
#define gt_nn_dropout2d(gt, p) GT_MODULE_AT(gt_nn_dropout2d(gt, p))

/* StochasticDepth, as torchvision has it: whole rows, or with .batch all of them, are dropped. */
gt_module *gt_nn_stochastic_depth_(gt_ctx *gt, double p, gt_stochastic_depth_opts opts);
#define gt_nn_stochastic_depth(gt, ...) GT_NN_STOCHASTIC_DEPTH_(gt, __VA_ARGS__, )
#define GT_NN_STOCHASTIC_DEPTH_(gt, p, ...)                                                        \
    GT_MODULE_AT(gt_nn_stochastic_depth_(gt, p, GT_OPTS(gt_stochastic_depth_opts, __VA_ARGS__)))

/* --- activations: the operations of the same names, with their options --- */

gt_module *gt_nn_relu(gt_ctx *gt);
#define gt_nn_relu(gt) GT_MODULE_AT(gt_nn_relu(gt))
gt_module *gt_nn_relu6(gt_ctx *gt);
#define gt_nn_relu6(gt) GT_MODULE_AT(gt_nn_relu6(gt))
gt_module *gt_nn_tanh(gt_ctx *gt);
#define gt_nn_tanh(gt) GT_MODULE_AT(gt_nn_tanh(gt))
gt_module *gt_nn_sigmoid(gt_ctx *gt);
#define gt_nn_sigmoid(gt) GT_MODULE_AT(gt_nn_sigmoid(gt))
gt_module *gt_nn_selu(gt_ctx *gt);
#define gt_nn_selu(gt) GT_MODULE_AT(gt_nn_selu(gt))
gt_module *gt_nn_silu(gt_ctx *gt);
#define gt_nn_silu(gt) GT_MODULE_AT(gt_nn_silu(gt))
gt_module *gt_nn_log_sigmoid(gt_ctx *gt);
#define gt_nn_log_sigmoid(gt) GT_MODULE_AT(gt_nn_log_sigmoid(gt))
gt_module *gt_nn_mish(gt_ctx *gt);
#define gt_nn_mish(gt) GT_MODULE_AT(gt_nn_mish(gt))
gt_module *gt_nn_hardsigmoid(gt_ctx *gt);
#define gt_nn_hardsigmoid(gt) GT_MODULE_AT(gt_nn_hardsigmoid(gt))
gt_module *gt_nn_hardswish(gt_ctx *gt);
#define gt_nn_hardswish(gt) GT_MODULE_AT(gt_nn_hardswish(gt))
gt_module *gt_nn_leaky_relu_(gt_ctx *gt, gt_leaky_relu_opts opts);
#define gt_nn_leaky_relu(...) GT_NN_LEAKY_RELU_(__VA_ARGS__, )
#define GT_NN_LEAKY_RELU_(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_leaky_relu_(gt, GT_OPTS(gt_leaky_relu_opts, __VA_ARGS__)))
gt_module *gt_nn_elu_(gt_ctx *gt, gt_elu_opts opts);
#define gt_nn_elu(...) GT_NN_ELU_(__VA_ARGS__, )
#define GT_NN_ELU_(gt, ...) GT_MODULE_AT(gt_nn_elu_(gt, GT_OPTS(gt_elu_opts, __VA_ARGS__)))
gt_module *gt_nn_gelu_(gt_ctx *gt, gt_gelu_opts opts);
#define gt_nn_gelu(...) GT_NN_GELU_(__VA_ARGS__, )
#define GT_NN_GELU_(gt, ...) GT_MODULE_AT(gt_nn_gelu_(gt, GT_OPTS(gt_gelu_opts, __VA_ARGS__)))
gt_module *gt_nn_softplus_(gt_ctx *gt, gt_softplus_opts opts);
#define gt_nn_softplus(...) GT_NN_SOFTPLUS_(__VA_ARGS__, )
#define GT_NN_SOFTPLUS_(gt, ...)                                                                   \
    GT_MODULE_AT(gt_nn_softplus_(gt, GT_OPTS(gt_softplus_opts, __VA_ARGS__)))
gt_module *gt_nn_hardtanh_(gt_ctx *gt, gt_hardtanh_opts opts);
#define gt_nn_hardtanh(...) GT_NN_HARDTANH_(__VA_ARGS__, )
#define GT_NN_HARDTANH_(gt, ...)                                                                   \
    GT_MODULE_AT(gt_nn_hardtanh_(gt, GT_OPTS(gt_hardtanh_opts, __VA_ARGS__)))
gt_module *gt_nn_softmax(gt_ctx *gt, int axis);
#define gt_nn_softmax(gt, axis) GT_MODULE_AT(gt_nn_softmax(gt, axis))
gt_module *gt_nn_log_softmax(gt_ctx *gt, int axis);
#define gt_nn_log_softmax(gt, axis) GT_MODULE_AT(gt_nn_log_softmax(gt, axis))
typedef struct {
    gt_keywords gt_;
    int64_t channels; /* 1; otherwise x's dimension 1 */
    double start;     /* 0.25 */
    gt_dtype dtype;
} gt_nn_prelu_opts;
/* PReLU; parameter weight [channels]. */
gt_module *gt_nn_prelu_(gt_ctx *gt, gt_nn_prelu_opts opts);
#define gt_nn_prelu(...) GT_NN_PRELU_(__VA_ARGS__, )
#define GT_NN_PRELU_(gt, ...) GT_MODULE_AT(gt_nn_prelu_(gt, GT_OPTS(gt_nn_prelu_opts, __VA_ARGS__)))

/* --- pools: the operations of the same names, with their options but for .indices --- */

gt_module *gt_nn_max_pool2d_(gt_ctx *gt, gt_max_pool2d_opts opts);
/* gt_nn_max_pool2d(gt, .kernel = {2}) */
#define gt_nn_max_pool2d(...) GT_NN_MAX_POOL2D_(__VA_ARGS__, )
#define GT_NN_MAX_POOL2D_(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_max_pool2d_(gt, GT_OPTS(gt_max_pool2d_opts, __VA_ARGS__)))
gt_module *gt_nn_max_pool1d_(gt_ctx *gt, gt_max_pool1d_opts opts);
#define gt_nn_max_pool1d(...) GT_NN_MAX_POOL1D_(__VA_ARGS__, )
#define GT_NN_MAX_POOL1D_(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_max_pool1d_(gt, GT_OPTS(gt_max_pool1d_opts, __VA_ARGS__)))
gt_module *gt_nn_avg_pool2d_(gt_ctx *gt, gt_avg_pool2d_opts opts);
#define gt_nn_avg_pool2d(...) GT_NN_AVG_POOL2D_(__VA_ARGS__, )
#define GT_NN_AVG_POOL2D_(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_avg_pool2d_(gt, GT_OPTS(gt_avg_pool2d_opts, __VA_ARGS__)))
gt_module *gt_nn_avg_pool1d_(gt_ctx *gt, gt_avg_pool1d_opts opts);
#define gt_nn_avg_pool1d(...) GT_NN_AVG_POOL1D_(__VA_ARGS__, )
#define GT_NN_AVG_POOL1D_(gt, ...)                                                                 \
    GT_MODULE_AT(gt_nn_avg_pool1d_(gt, GT_OPTS(gt_avg_pool1d_opts, __VA_ARGS__)))
/* Whatever the input's size, the output is oh by ow, or ol long; 0 keeps the input's (PyTorch's
 * None). */
gt_module *gt_nn_adaptive_avg_pool2d(gt_ctx *gt, int64_t oh, int64_t ow);
#define gt_nn_adaptive_avg_pool2d(gt, oh, ow) GT_MODULE_AT(gt_nn_adaptive_avg_pool2d(gt, oh, ow))
gt_module *gt_nn_adaptive_max_pool2d(gt_ctx *gt, int64_t oh, int64_t ow);
#define gt_nn_adaptive_max_pool2d(gt, oh, ow) GT_MODULE_AT(gt_nn_adaptive_max_pool2d(gt, oh, ow))
gt_module *gt_nn_adaptive_avg_pool1d(gt_ctx *gt, int64_t ol);
#define gt_nn_adaptive_avg_pool1d(gt, ol) GT_MODULE_AT(gt_nn_adaptive_avg_pool1d(gt, ol))
gt_module *gt_nn_adaptive_max_pool1d(gt_ctx *gt, int64_t ol);
#define gt_nn_adaptive_max_pool1d(gt, ol) GT_MODULE_AT(gt_nn_adaptive_max_pool1d(gt, ol))
/* [n,c,h,w] to [n,c,1,1]. */
gt_module *gt_nn_global_avg_pool2d(gt_ctx *gt);
#define gt_nn_global_avg_pool2d(gt) GT_MODULE_AT(gt_nn_global_avg_pool2d(gt))
gt_module *gt_nn_global_max_pool2d(gt_ctx *gt);
#define gt_nn_global_max_pool2d(gt) GT_MODULE_AT(gt_nn_global_max_pool2d(gt))

/* --- shapes --- */

typedef struct {
    gt_keywords gt_;
    int64_t start, end; /* first and last axis of those joined, negative ones counted from the end:
                         * 1 and the last; GT_ZERO for axis 0 */
} gt_nn_flatten_opts;
gt_module *gt_nn_flatten_(gt_ctx *gt, gt_nn_flatten_opts opts);
#define gt_nn_flatten(...) GT_NN_FLATTEN_(__VA_ARGS__, )
#define GT_NN_FLATTEN_(gt, ...)                                                                    \
    GT_MODULE_AT(gt_nn_flatten_(gt, GT_OPTS(gt_nn_flatten_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    int64_t size[2];       /* of the output; or: */
    double scale[2];       /* of height and width, the output's size rounded down */
    gt_interpolation mode; /* GT_NEAREST */
    bool align_corners;
} gt_nn_upsample_opts;
/* Upsample: [n,c,h,w] resized by gt_interpolate; by a scale as it is, though the size is rounded.
 */
gt_module *gt_nn_upsample_(gt_ctx *gt, gt_nn_upsample_opts opts);
/* gt_nn_upsample(gt, .scale = {2}, .mode = GT_BILINEAR) */
#define gt_nn_upsample(...) GT_NN_UPSAMPLE_(__VA_ARGS__, )
#define GT_NN_UPSAMPLE_(gt, ...)                                                                   \
    GT_MODULE_AT(gt_nn_upsample_(gt, GT_OPTS(gt_nn_upsample_opts, __VA_ARGS__)))

typedef struct {
    gt_keywords gt_;
    int pad[4]; /* left, right, top, bottom; negative ones are cut off */
    gt_pad_mode mode;
    double value; /* GT_PAD_CONSTANT */
} gt_nn_pad_opts;
/* ConstantPad, ReflectionPad, ReplicationPad or CircularPad, by the mode, of sequences and images,
 * with a batch or without: gt_nn_pad2d(gt, .pad = {1, 1, 2, 2}, .mode = GT_PAD_REFLECT). ZeroPad2d
 * is what none is asked for. */
gt_module *gt_nn_pad1d_(gt_ctx *gt, gt_nn_pad_opts opts);
#define gt_nn_pad1d(...) GT_NN_PAD1D_(__VA_ARGS__, )
#define GT_NN_PAD1D_(gt, ...) GT_MODULE_AT(gt_nn_pad1d_(gt, GT_OPTS(gt_nn_pad_opts, __VA_ARGS__)))
gt_module *gt_nn_pad2d_(gt_ctx *gt, gt_nn_pad_opts opts);
#define gt_nn_pad2d(...) GT_NN_PAD2D_(__VA_ARGS__, )
#define GT_NN_PAD2D_(gt, ...) GT_MODULE_AT(gt_nn_pad2d_(gt, GT_OPTS(gt_nn_pad_opts, __VA_ARGS__)))
/* PixelShuffle and PixelUnshuffle. */
gt_module *gt_nn_pixel_shuffle(gt_ctx *gt, int64_t factor);
#define gt_nn_pixel_shuffle(gt, factor) GT_MODULE_AT(gt_nn_pixel_shuffle(gt, factor))
gt_module *gt_nn_pixel_unshuffle(gt_ctx *gt, int64_t factor);
#define gt_nn_pixel_unshuffle(gt, factor) GT_MODULE_AT(gt_nn_pixel_unshuffle(gt, factor))
/* Unfold and Fold: gt_nn_unfold(gt, .kernel = {3}), gt_nn_fold(gt, h, w, .kernel = {3}) */
gt_module *gt_nn_unfold_(gt_ctx *gt, gt_fold_opts opts);
#define gt_nn_unfold(...) GT_NN_UNFOLD_(__VA_ARGS__, )
#define GT_NN_UNFOLD_(gt, ...) GT_MODULE_AT(gt_nn_unfold_(gt, GT_OPTS(gt_fold_opts, __VA_ARGS__)))
gt_module *gt_nn_fold_(gt_ctx *gt, int h, int w, gt_fold_opts opts);
#define gt_nn_fold(gt, h, ...) GT_NN_FOLD_(gt, h, __VA_ARGS__, )
#define GT_NN_FOLD_(gt, h, w, ...)                                                                 \
    GT_MODULE_AT(gt_nn_fold_(gt, h, w, GT_OPTS(gt_fold_opts, __VA_ARGS__)))
/* torchvision's Permute: gt_nn_permute(gt, 0, 2, 3, 1) */
gt_module *gt_nn_permute_(gt_ctx *gt, int n, const int *order);
#define gt_nn_permute(gt, ...) GT_MODULE_AT(gt_nn_permute_(gt, GT_COUNTED(int, __VA_ARGS__)))

gt_module *gt_nn_identity(gt_ctx *gt);
#define gt_nn_identity(gt) GT_MODULE_AT(gt_nn_identity(gt))

/* A function of one tensor as a module: gt_nn_lambda(gt, gt_square), or one of yours. */
gt_module *gt_nn_lambda(gt_ctx *gt, gt_tensor *(*function)(gt_tensor *x));
#define gt_nn_lambda(gt, function) GT_MODULE_AT(gt_nn_lambda(gt, function))

GT_END_DECLS
#endif

/* Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d and the lazy ones. */
#include "nn/layer.h"

#include <string.h>

typedef enum { CONV1D, CONV2D, CONV_TRANSPOSE1D, CONV_TRANSPOSE2D } kind;

/* Pairs of one-dimensional ones hold their number in [0]. */
typedef struct {
    gt_module base;
    kind kind;
    int64_t in, out; /* channels; `in` is 0 until a lazy one has seen its first input */
    int kernel[2], stride[2], padding[2], output_padding[2], dilation[2], groups;
    bool same_padding, no_bias, was_lazy;
    gt_pad_mode padding_mode;
    gt_tensor *weight; /* [out,in/groups,kh,kw] or [out,in/groups,k]; transposed
                        * [in,out/groups,kh,kw], [in,out/groups,k] */
    gt_tensor *bias;   /* [out] */
} conv;

static int rank_of(const conv *c)
{
    return c->kind == CONV1D || c->kind == CONV_TRANSPOSE1D ? 1 : 2;
}

static bool is_transposed(const conv *c)
{
    return c->kind == CONV_TRANSPOSE1D || c->kind == CONV_TRANSPOSE2D;
}

/* Of x [n,c,..], or without a batch [c,..]. */
static int64_t channels_of(const conv *c, const gt_tensor *x)
{
    return x->shape.dim[x->shape.ndim - rank_of(c) - 1];
}

/* x has the dimensions of a batch, or of one image or sequence. */
static bool check_dimensions(const conv *c, const gt_tensor *x)
{
    const int rank = rank_of(c);
    return gti_layer_check_dimensions(&c->base, x, rank + 1, rank + 2,
                                      rank == 1 ? "[n,c,l] or [c,l]" : "[n,c,h,w] or [c,h,w]");
}

#define PAIR(pair)                                                                                 \
    {                                                                                              \
        (pair)[0], (pair)[1]                                                                       \
    }

/* --- forward: options that are complete --- */

static bool check_channels(const conv *c, const gt_tensor *x)
{
    const int rank = rank_of(c), ndim = x->shape.ndim;
    if (!c->was_lazy || ndim < rank + 1 || ndim > rank + 2 || channels_of(c, x) == c->in)
        return true;
    char shape[128];
    gt_module_fail(&c->base, GT_ERR_SHAPE,
                   "the input %s has %lld channels, but the first input, which set the size of "
                   "the parameters, had %lld",
                   gt_shape_format(x->shape, shape, sizeof shape), (long long)channels_of(c, x),
                   (long long)c->in);
    return false;
}

/* x with what padding_mode puts around it, an odd rest of same_padding at the end. */
static gt_tensor *pad(const conv *c, gt_tensor *x)
{
    gt_pad_opts o = {.mode = c->padding_mode};
    const int rank = rank_of(c);
    for (int i = 0; i < rank; i++) {
        const int64_t same = (int64_t)c->dilation[i] * (c->kernel[i] - 1);
        int64_t *sides = &o.pad[2 * (rank - 1 - i)];
        sides[0] = c->same_padding ? same / 2 : c->padding[i];
        sides[1] = c->same_padding ? same - same / 2 : c->padding[i];
    }
    return gt_pad_(x, o);
}

static gt_tensor *forward_conv1d(const conv *c, gt_tensor *x, bool padded)
{
    return gt_conv1d_(x, c->weight,
                      (gt_conv1d_opts){.gt_ = GT_COMPLETE,
                                       .stride = c->stride[0],
                                       .padding = padded ? 0 : c->padding[0],
                                       .dilation = c->dilation[0],
                                       .groups = c->groups,
                                       .same_padding = c->same_padding && !padded,
                                       .bias = c->bias});
}

static gt_tensor *forward_conv2d(const conv *c, gt_tensor *x, bool padded)
{
    gt_conv2d_opts o = {.gt_ = GT_COMPLETE,
                        .stride = {c->stride[0], c->stride[1]},
                        .dilation = {c->dilation[0], c->dilation[1]},
                        .groups = c->groups,
                        .same_padding = c->same_padding && !padded,
                        .bias = c->bias};
    for (int i = 0; i < 2 && !padded; i++) o.padding[i] = c->padding[i];
    return gt_conv2d_(x, c->weight, o);
}

static gt_tensor *forward_transposed(const conv *c, gt_tensor *x)
{
    if (c->kind == CONV_TRANSPOSE1D)
        return gt_conv_transpose1d_(
            x, c->weight,
            (gt_conv_transpose1d_opts){.gt_ = GT_COMPLETE,
                                       .stride = c->stride[0],
                                       .padding = c->padding[0],
                                       .output_padding = c->output_padding[0],
                                       .dilation = c->dilation[0],
                                       .groups = c->groups,
                                       .bias = c->bias});
    return gt_conv_transpose2d_(
        x, c->weight,
        (gt_conv_transpose2d_opts){.gt_ = GT_COMPLETE,
                                   .stride = PAIR(c->stride),
                                   .padding = PAIR(c->padding),
                                   .output_padding = PAIR(c->output_padding),
                                   .dilation = PAIR(c->dilation),
                                   .groups = c->groups,
                                   .bias = c->bias});
}

static gt_tensor *forward(gt_module *m, gt_tensor *x)
{
    const conv *c = (conv *)m;
    if (!check_channels(c, x)) return NULL;
    if (is_transposed(c)) return forward_transposed(c, x);
    const bool padded = c->padding_mode != GT_PAD_CONSTANT;
    if (padded) {
        if (!check_dimensions(c, x)) return NULL;
        x = pad(c, x);
        if (!x) return NULL;
    }
    return c->kind == CONV1D ? forward_conv1d(c, x, padded) : forward_conv2d(c, x, padded);
}

/* --- parameters --- */

static bool draw_parameters(conv *c)
{
    const bool transposed = is_transposed(c);
    const int64_t depth = (transposed ? c->out : c->in) / c->groups;
    gt_shape shape = {rank_of(c) + 2, {transposed ? c->in : c->out, depth, c->kernel[0]}};
    double fan_in = (double)depth * c->kernel[0];
    if (rank_of(c) == 2) {
        shape.dim[3] = c->kernel[1];
        fan_in *= c->kernel[1];
    }
    return gti_layer_draw_weights(&c->base, &c->weight, shape, fan_in, c->no_bias ? NULL : &c->bias,
                                  c->out);
}

static bool materialise(gt_module *m, gt_tensor *x);

/* --- description --- */

static const char *const pad_modes[] = {"zeros", "reflect", "replicate", "circular"};

static void describe(const gt_module *m, char *text, size_t size)
{
    static const int zero[2], one[2] = {1, 1};
    const conv *c = (const conv *)m;
    const int rank = rank_of(c);
    const size_t used = (size_t)rank * sizeof(int);
    gti_layer_append(text, size, "%lld, %lld", (long long)c->in, (long long)c->out);
    gti_layer_append_tuple(text, size, "kernel_size", rank, c->kernel);
    gti_layer_append_tuple(text, size, "stride", rank, c->stride);
    if (c->same_padding) gti_layer_append(text, size, ", padding=same");
    else if (memcmp(c->padding, zero, used) != 0)
        gti_layer_append_tuple(text, size, "padding", rank, c->padding);
    if (memcmp(c->dilation, one, used) != 0)
        gti_layer_append_tuple(text, size, "dilation", rank, c->dilation);
    if (memcmp(c->output_padding, zero, used) != 0)
        gti_layer_append_tuple(text, size, "output_padding", rank, c->output_padding);
    if (c->groups != 1) gti_layer_append(text, size, ", groups=%d", c->groups);
    if (c->no_bias) gti_layer_append_bool(text, size, "bias", false);
    if (c->padding_mode)
        gti_layer_append(text, size, ", padding_mode=%s", pad_modes[c->padding_mode]);
}

/* --- types --- */

#define CONV_TYPE(name_)                                                                           \
    {                                                                                              \
        .name = name_, .size = sizeof(conv), .keeps_nothing = true, .forward = forward,            \
        .describe = describe                                                                       \
    }
#define LAZY_TYPE(name_)                                                                           \
    {                                                                                              \
        .name = name_, .size = sizeof(conv), .keeps_nothing = true, .forward = forward,            \
        .materialise = materialise, .describe = describe                                           \
    }
static const gt_module_type types[] = {
    [CONV1D] = CONV_TYPE("Conv1d"),
    [CONV2D] = CONV_TYPE("Conv2d"),
    [CONV_TRANSPOSE1D] = CONV_TYPE("ConvTranspose1d"),
    [CONV_TRANSPOSE2D] = CONV_TYPE("ConvTranspose2d"),
};
static const gt_module_type lazy_types[] = {
    [CONV1D] = LAZY_TYPE("LazyConv1d"),
    [CONV2D] = LAZY_TYPE("LazyConv2d"),
    [CONV_TRANSPOSE1D] = LAZY_TYPE("LazyConvTranspose1d"),
    [CONV_TRANSPOSE2D] = LAZY_TYPE("LazyConvTranspose2d"),
};

static bool materialise(gt_module *m, gt_tensor *x)
{
    conv *c = (conv *)m;
    if (!check_dimensions(c, x)) return false;
    c->in = channels_of(c, x);
    if (!gti_layer_check_divides(m, "input channels", c->in, c->groups) || !draw_parameters(c))
        return false;
    m->type = &types[c->kind];
    return true;
}

/* --- constructors --- */

static bool check_modes(const conv *c)
{
    const gt_module *m = &c->base;
    if ((unsigned)c->padding_mode > GT_PAD_CIRCULAR)
        gt_module_fail(m, GT_ERR_ARGUMENT, "%d is no padding mode", (int)c->padding_mode);
    else if (c->same_padding && (c->stride[0] != 1 || c->stride[1] != 1))
        gt_module_fail(m, GT_ERR_ARGUMENT, "same_padding is made for stride 1, not {%d, %d}",
                       c->stride[0], c->stride[1]);
    else if (c->same_padding && (c->padding[0] || c->padding[1]))
        gt_module_fail(m, GT_ERR_ARGUMENT, "both padding {%d, %d} and same_padding are given",
                       c->padding[0], c->padding[1]);
    else return true;
    return false;
}

static bool check_options(conv *c)
{
    const gt_module *m = &c->base;
    c->groups = (int)gt_option_int(c->groups, 1);
    if (c->groups < 1) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "groups are %d, but must be positive", c->groups);
        return false;
    }
    if (!gti_layer_complete_pair(m, "kernel", c->kernel, 0) ||
        !gti_layer_complete_pair(m, "stride", c->stride, 1) ||
        !gti_layer_complete_pair(m, "dilation", c->dilation, 1))
        return false;
    const bool directed = gti_layer_is_directed(c->kernel, c->stride, c->dilation);
    return gti_layer_complete_padding(m, "padding", c->padding, directed) &&
           gti_layer_complete_padding(m, "output_padding", c->output_padding, directed) &&
           check_modes(c) && gti_layer_check_divides(m, "output channels", c->out, c->groups);
}

/* A module with the kind and the options of `wanted`. */
static gt_module *make(gt_ctx *gt, const conv *wanted, gt_dtype dtype)
{
    const bool lazy = wanted->was_lazy;
    gt_module *m = gt_module_new(gt, lazy ? &lazy_types[wanted->kind] : &types[wanted->kind]);
    if (!m) return NULL;
    conv *c = (conv *)m;
    const gt_module base = *m;
    *c = *wanted;
    c->base = base;
    if (!gti_layer_set_dtype(m, dtype) || !check_options(c)) return NULL;
    if (lazy) return m;
    return gti_layer_check_divides(m, "input channels", c->in, c->groups) && draw_parameters(c)
               ? m
               : NULL;
}

static gt_module *make_conv2d(gt_ctx *gt, bool lazy, int in, int out, const gt_nn_conv2d_opts *o)
{
    const conv c = {.kind = CONV2D,
                    .in = in,
                    .out = out,
                    .kernel = PAIR(o->kernel),
                    .stride = PAIR(o->stride),
                    .padding = PAIR(o->padding),
                    .dilation = PAIR(o->dilation),
                    .groups = o->groups,
                    .same_padding = o->same_padding,
                    .no_bias = o->no_bias,
                    .was_lazy = lazy,
                    .padding_mode = o->padding_mode};
    return make(gt, &c, o->dtype);
}

static gt_module *make_transposed(gt_ctx *gt, bool lazy, int in, int out,
                                  const gt_nn_conv_transpose2d_opts *o)
{
    const conv c = {.kind = CONV_TRANSPOSE2D,
                    .in = in,
                    .out = out,
                    .kernel = PAIR(o->kernel),
                    .stride = PAIR(o->stride),
                    .padding = PAIR(o->padding),
                    .output_padding = PAIR(o->output_padding),
                    .dilation = PAIR(o->dilation),
                    .groups = o->groups,
                    .no_bias = o->no_bias,
                    .was_lazy = lazy};
    return make(gt, &c, o->dtype);
}

gt_module *gt_nn_conv2d_(gt_ctx *gt, int in, int out, gt_nn_conv2d_opts opts)
{
    return make_conv2d(gt, false, in, out, &opts);
}

gt_module *gt_nn_lazy_conv2d_(gt_ctx *gt, int out, gt_nn_conv2d_opts opts)
{
    return make_conv2d(gt, true, 0, out, &opts);
}

static gt_module *make_conv1d(gt_ctx *gt, bool lazy, int in, int out, const gt_nn_conv1d_opts *o)
{
    const conv c = {.kind = CONV1D,
                    .in = in,
                    .out = out,
                    .kernel = {o->kernel},
                    .stride = {o->stride},
                    .padding = {o->padding},
                    .dilation = {o->dilation},
                    .groups = o->groups,
                    .same_padding = o->same_padding,
                    .no_bias = o->no_bias,
                    .was_lazy = lazy,
                    .padding_mode = o->padding_mode};
    return make(gt, &c, o->dtype);
}

gt_module *gt_nn_conv1d_(gt_ctx *gt, int in, int out, gt_nn_conv1d_opts opts)
{
    return make_conv1d(gt, false, in, out, &opts);
}

gt_module *gt_nn_lazy_conv1d_(gt_ctx *gt, int out, gt_nn_conv1d_opts opts)
{
    return make_conv1d(gt, true, 0, out, &opts);
}

static gt_module *make_transposed1d(gt_ctx *gt, bool lazy, int in, int out,
                                    const gt_nn_conv_transpose1d_opts *o)
{
    const conv c = {.kind = CONV_TRANSPOSE1D,
                    .in = in,
                    .out = out,
                    .kernel = {o->kernel},
                    .stride = {o->stride},
                    .padding = {o->padding},
                    .output_padding = {o->output_padding},
                    .dilation = {o->dilation},
                    .groups = o->groups,
                    .no_bias = o->no_bias,
                    .was_lazy = lazy};
    return make(gt, &c, o->dtype);
}

gt_module *gt_nn_conv_transpose1d_(gt_ctx *gt, int in, int out, gt_nn_conv_transpose1d_opts opts)
{
    return make_transposed1d(gt, false, in, out, &opts);
}

gt_module *gt_nn_lazy_conv_transpose1d_(gt_ctx *gt, int out, gt_nn_conv_transpose1d_opts opts)
{
    return make_transposed1d(gt, true, 0, out, &opts);
}

gt_module *gt_nn_conv_transpose2d_(gt_ctx *gt, int in, int out, gt_nn_conv_transpose2d_opts opts)
{
    return make_transposed(gt, false, in, out, &opts);
}

gt_module *gt_nn_lazy_conv_transpose2d_(gt_ctx *gt, int out, gt_nn_conv_transpose2d_opts opts)
{
    return make_transposed(gt, true, 0, out, &opts);
}

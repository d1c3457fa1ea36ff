/* Activations as modules. Those without options are rows of a list. */
#include "nn/layer.h"
#include "nn/module.h"

#undef gt_nn_relu
#undef gt_nn_relu6
#undef gt_nn_tanh
#undef gt_nn_sigmoid
#undef gt_nn_selu
#undef gt_nn_silu
#undef gt_nn_log_sigmoid
#undef gt_nn_mish
#undef gt_nn_hardsigmoid
#undef gt_nn_hardswish

/* op of x, in x's block where nobody else will read x. */
static gt_tensor *activate(const gt_module *m, const gt_op *op, const void *opts, gt_tensor *x)
{
    return m->spare ? gt_apply_over(op, opts, 1, &x) : gt_apply(op, opts, 1, &x);
}

#define ACTIVATIONS(X)                                                                             \
    X(relu, "ReLU")                                                                                \
    X(relu6, "ReLU6")                                                                              \
    X(tanh, "Tanh")                                                                                \
    X(sigmoid, "Sigmoid")                                                                          \
    X(selu, "SELU")                                                                                \
    X(silu, "SiLU")                                                                                \
    X(log_sigmoid, "LogSigmoid")                                                                   \
    X(mish, "Mish")                                                                                \
    X(hardsigmoid, "Hardsigmoid")                                                                  \
    X(hardswish, "Hardswish")

#define DEFINE(id, name_)                                                                          \
    static gt_tensor *forward_##id(gt_module *m, gt_tensor *x)                                     \
    {                                                                                              \
        return activate(m, &gt_op_##id, NULL, x);                                                  \
    }                                                                                              \
    gt_module *gt_nn_##id(gt_ctx *gt)                                                              \
    {                                                                                              \
        static const gt_module_type type = {.name = name_,                                         \
                                            .size = sizeof(gt_module),                             \
                                            .keeps_nothing = true,                                 \
                                            .forward = forward_##id};                              \
        return gt_module_new(gt, &type);                                                           \
    }
ACTIVATIONS(DEFINE)

gt_activation gti_activation_of(const gt_module *m)
{
    if (m->type->forward == forward_relu) return GT_THEN_RELU;
    return m->type->forward == forward_relu6 ? GT_THEN_RELU6 : GT_NO_ACTIVATION;
}

/* --- with options: one struct for all, one row each --- */

typedef struct {
    gt_module base;
    union {
        gt_leaky_relu_opts leaky_relu;
        gt_elu_opts elu;
        gt_gelu_opts gelu;
        gt_softplus_opts softplus;
        gt_hardtanh_opts hardtanh;
    } opts;
} activation;

#define WITH_OPTIONS(id, name_, describe_options)                                                  \
    static gt_tensor *forward_##id(gt_module *m, gt_tensor *x)                                     \
    {                                                                                              \
        return activate(m, &gt_op_##id, &((activation *)m)->opts.id, x);                           \
    }                                                                                              \
    static void describe_##id(const gt_module *m, char *text, size_t size)                         \
    {                                                                                              \
        describe_options(text, size, &gt_op_##id.attrs, &((const activation *)m)->opts.id);        \
    }                                                                                              \
    gt_module *gt_nn_##id##_(gt_ctx *gt, gt_##id##_opts opts)                                      \
    {                                                                                              \
        static const gt_module_type type = {.name = name_,                                         \
                                            .size = sizeof(activation),                            \
                                            .keeps_nothing = true,                                 \
                                            .forward = forward_##id,                               \
                                            .describe = describe_##id};                            \
        if (gt && !gt_complete(gt, "gt_nn_" #id, &gt_op_##id.attrs, &opts)) return NULL;           \
        gt_module *m = gt_module_new(gt, &type);                                                   \
        if (m) ((activation *)m)->opts.id = opts;                                                  \
        return m;                                                                                  \
    }

/* PyTorch has a choice for what is a switch here. */
static void describe_approximation(char *text, size_t size, const gt_attrs *attrs, const void *opts)
{
    const bool tanh = gt_attr_whole(&attrs->row[0], opts, 0);
    gti_layer_append(text, size, "approximate='%s'", tanh ? "tanh" : "none");
}

WITH_OPTIONS(leaky_relu, "LeakyReLU", gti_layer_append_attrs)
WITH_OPTIONS(elu, "ELU", gti_layer_append_attrs)
WITH_OPTIONS(gelu, "GELU", describe_approximation)
WITH_OPTIONS(softplus, "Softplus", gti_layer_append_attrs)
WITH_OPTIONS(hardtanh, "Hardtanh", gti_layer_append_attrs)

/* --- along an axis --- */

#undef gt_nn_softmax
#undef gt_nn_log_softmax

typedef struct {
    gt_module base;
    int axis;
} softmax;

static void describe_softmax(const gt_module *m, char *text, size_t size)
{
    gti_layer_append(text, size, "dim=%d", ((const softmax *)m)->axis);
}

#define ALONG_AXIS(id, name_)                                                                      \
    static gt_tensor *forward_##id(gt_module *m, gt_tensor *x)                                     \
    {                                                                                              \
        return gt_##id(x, ((softmax *)m)->axis);                                                   \
    }                                                                                              \
    gt_module *gt_nn_##id(gt_ctx *gt, int axis)                                                    \
    {                                                                                              \
        static const gt_module_type type = {.name = name_,                                         \
                                            .size = sizeof(softmax),                               \
                                            .keeps_nothing = true,                                 \
                                            .forward = forward_##id,                               \
                                            .describe = describe_softmax};                         \
        gt_module *m = gt_module_new(gt, &type);                                                   \
        if (m) ((softmax *)m)->axis = axis;                                                        \
        return m;                                                                                  \
    }
ALONG_AXIS(softmax, "Softmax")
ALONG_AXIS(log_softmax, "LogSoftmax")

/* --- with a parameter --- */

typedef struct {
    gt_module base;
    gt_tensor *weight; /* [channels] */
} prelu;

static gt_tensor *forward_prelu(gt_module *m, gt_tensor *x)
{
    return gt_prelu(x, ((prelu *)m)->weight);
}

static void describe_prelu(const gt_module *m, char *text, size_t size)
{
    gti_layer_append(text, size, "num_parameters=%lld",
                     (long long)((const prelu *)m)->weight->size);
}

gt_module *gt_nn_prelu_(gt_ctx *gt, gt_nn_prelu_opts opts)
{
    static const gt_module_type type = {.name = "PReLU",
                                        .size = sizeof(prelu),
                                        .keeps_nothing = true,
                                        .forward = forward_prelu,
                                        .describe = describe_prelu};
    gt_module *m = gt_module_new(gt, &type);
    const int64_t channels = gt_option_int(opts.channels, 1);
    if (!m || !gti_layer_set_dtype(m, opts.dtype) ||
        !gti_layer_check_positive(m, "channels", channels))
        return NULL;
    gt_tensor *w = gti_layer_filled(m, "weight", GT_SHAPE(channels), gt_option(opts.start, 0.25));
    ((prelu *)m)->weight = w;
    return w ? m : NULL;
}

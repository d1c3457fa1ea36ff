/* Modules without parameters that are neither activations nor pools: Flatten, Upsample, Dropout,
 * StochasticDepth,
 * Identity, Lambda. */
#include <math.h>

#include "nn/layer.h"

#undef gt_nn_identity
#undef gt_nn_lambda
#undef gt_nn_dropout
#undef gt_nn_dropout2d

/* --- Flatten --- */

typedef struct {
    gt_module base;
    int start, end;
} flatten;

static gt_tensor *forward_flatten(gt_module *m, gt_tensor *x)
{
    const flatten *f = (flatten *)m;
    return gt_flatten_(x, (gt_flatten_opts){.start = f->start, .end = GT_EXACTLY(f->end)});
}

static void describe_flatten(const gt_module *m, char *text, size_t size)
{
    const flatten *f = (const flatten *)m;
    gti_layer_append(text, size, "start_dim=%d, end_dim=%d", f->start, f->end);
}

static bool check_axis(const gt_module *m, const char *what, int64_t axis)
{
    if (axis >= -GT_MAX_DIMS && axis < GT_MAX_DIMS) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%s is %lld, but tensors have at most %d dimensions", what,
                   (long long)axis, GT_MAX_DIMS);
    return false;
}

gt_module *gt_nn_flatten_(gt_ctx *gt, gt_nn_flatten_opts opts)
{
    static const gt_module_type type = {.name = "Flatten",
                                        .size = sizeof(flatten),
                                        .keeps_nothing = true,
                                        .forward = forward_flatten,
                                        .describe = describe_flatten};
    gt_module *m = gt_module_new(gt, &type);
    const int64_t start = gt_option_int(opts.start, 1), end = gt_option_int(opts.end, -1);
    if (!m || !check_axis(m, "start", start) || !check_axis(m, "end", end)) return NULL;
    ((flatten *)m)->start = (int)start;
    ((flatten *)m)->end = (int)end;
    return m;
}

/* --- Upsample --- */

typedef struct {
    gt_module base;
    gt_nn_upsample_opts o; /* pairs completed */
} upsample;

static gt_tensor *forward_upsample(gt_module *m, gt_tensor *x)
{
    const gt_nn_upsample_opts *o = &((upsample *)m)->o;
    if (!gti_layer_check_dimensions(m, x, 4, 4, "[n,c,h,w]")) return NULL;
    int64_t size[2] = {o->size[0], o->size[1]};
    for (int i = 0; i < 2 && !o->size[0]; i++) {
        const double wanted = floor((double)x->shape.dim[2 + i] * o->scale[i]);
        if (!(wanted < 0x1p62)) {
            gt_module_fail(m, GT_ERR_MEMORY, "scale %g makes the output too large", o->scale[i]);
            return NULL;
        }
        size[i] = (int64_t)wanted;
    }
    return gt_interpolate_(x, size[0], size[1],
                           (gt_interpolate_opts){.mode = o->mode,
                                                 .align_corners = o->align_corners,
                                                 .scale = {o->scale[0], o->scale[1]}});
}

static void describe_upsample(const gt_module *m, char *text, size_t size)
{
    const gt_nn_upsample_opts *o = &((const upsample *)m)->o;
    if (o->size[0])
        gti_layer_append(text, size, "size=(%lld, %lld)", (long long)o->size[0],
                         (long long)o->size[1]);
    else if (o->scale[0] == o->scale[1])
        gti_layer_append_real(text, size, "scale_factor", o->scale[0]);
    else {
        gti_layer_append(text, size, "scale_factor=(");
        gti_layer_append_number(text, size, o->scale[0]);
        gti_layer_append(text, size, ", ");
        gti_layer_append_number(text, size, o->scale[1]);
        gti_layer_append(text, size, ")");
    }
    gti_layer_append(text, size, ", mode='%s'", o->mode == GT_NEAREST ? "nearest" : "bilinear");
}

static bool check_upsample(gt_module *m, gt_nn_upsample_opts *o)
{
    const bool by_size = o->size[0] || o->size[1], by_scale = o->scale[0] != 0 || o->scale[1] != 0;
    const double given[2] = {o->scale[0], o->scale[1]};
    for (int i = 1; i >= 0; i--) {
        o->size[i] = gt_option_int(i == 1 && !o->size[1] ? o->size[0] : o->size[i], 0);
        o->scale[i] = gt_option_pair_real(given, i, 0);
    }
    const bool sized = o->size[0] > 0 && o->size[1] > 0;
    const bool scaled =
        o->scale[0] > 0 && o->scale[1] > 0 && isfinite(o->scale[0]) && isfinite(o->scale[1]);
    if (by_size != by_scale && (sized || scaled)) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT,
                   "size is {%lld, %lld} and scale {%g, %g}; one of them must be given, and be "
                   "positive",
                   (long long)o->size[0], (long long)o->size[1], o->scale[0], o->scale[1]);
    return false;
}

gt_module *gt_nn_upsample_(gt_ctx *gt, gt_nn_upsample_opts opts)
{
    static const gt_module_type type = {.name = "Upsample",
                                        .size = sizeof(upsample),
                                        .keeps_nothing = true,
                                        .forward = forward_upsample,
                                        .describe = describe_upsample};
    gt_module *m = gt_module_new(gt, &type);
    if (!m || !check_upsample(m, &opts)) return NULL;
    ((upsample *)m)->o = opts;
    return m;
}

/* --- Dropout --- */

typedef struct {
    gt_module base;
    double p;
} dropout;

static gt_tensor *forward_dropout(gt_module *m, gt_tensor *x)
{
    return m->training ? gt_dropout(x, ((dropout *)m)->p) : x;
}

static gt_tensor *forward_dropout2d(gt_module *m, gt_tensor *x)
{
    return m->training ? gt_dropout2d(x, ((dropout *)m)->p) : x;
}

static void describe_dropout(const gt_module *m, char *text, size_t size)
{
    gti_layer_append_real(text, size, "p", ((const dropout *)m)->p);
    gti_layer_append_bool(text, size, "inplace", false);
}

static gt_module *make_dropout(gt_ctx *gt, const gt_module_type *type, double p)
{
    gt_module *m = gt_module_new(gt, type);
    if (!m) return NULL;
    ((dropout *)m)->p = p;
    if (p >= 0 && p <= 1) return m;
    gt_module_fail(m, GT_ERR_ARGUMENT, "p is %g, but must lie between 0 and 1", p);
    return NULL;
}

gt_module *gt_nn_dropout(gt_ctx *gt, double p)
{
    static const gt_module_type type = {.name = "Dropout",
                                        .size = sizeof(dropout),
                                        .keeps_nothing = true,
                                        .forward = forward_dropout,
                                        .describe = describe_dropout};
    return make_dropout(gt, &type, p);
}

gt_module *gt_nn_dropout2d(gt_ctx *gt, double p)
{
    static const gt_module_type type = {.name = "Dropout2d",
                                        .size = sizeof(dropout),
                                        .keeps_nothing = true,
                                        .forward = forward_dropout2d,
                                        .describe = describe_dropout};
    return make_dropout(gt, &type, p);
}

static gt_tensor *forward_depth(gt_module *m, gt_tensor *x)
{
    return m->training ? gt_stochastic_depth_(x, ((dropout *)m)->p, (gt_stochastic_depth_opts){0})
                       : x;
}

static gt_tensor *forward_batch_depth(gt_module *m, gt_tensor *x)
{
    const gt_stochastic_depth_opts all = {.batch = true};
    return m->training ? gt_stochastic_depth_(x, ((dropout *)m)->p, all) : x;
}

static void describe_depth(const gt_module *m, char *text, size_t size)
{
    gti_layer_append_real(text, size, "p", ((const dropout *)m)->p);
    gti_layer_append(text, size, ", mode=%s", m->type->forward == forward_depth ? "row" : "batch");
}

#define DEPTH_TYPE(run)                                                                            \
    {                                                                                              \
        .name = "StochasticDepth", .size = sizeof(dropout), .keeps_nothing = true,                 \
        .forward = (run), .describe = describe_depth                                               \
    }

gt_module *gt_nn_stochastic_depth_(gt_ctx *gt, double p, gt_stochastic_depth_opts opts)
{
    static const gt_module_type row = DEPTH_TYPE(forward_depth),
                                batch = DEPTH_TYPE(forward_batch_depth);
    return make_dropout(gt, opts.batch ? &batch : &row, p);
}

/* --- Identity and Lambda --- */

static gt_tensor *forward_identity(gt_module *m, gt_tensor *x)
{
    (void)m;
    return x;
}

gt_module *gt_nn_identity(gt_ctx *gt)
{
    static const gt_module_type type = {.name = "Identity",
                                        .size = sizeof(gt_module),
                                        .keeps_nothing = true,
                                        .forward = forward_identity};
    return gt_module_new(gt, &type);
}

typedef struct {
    gt_module base;
    gt_tensor *(*function)(gt_tensor *x);
} lambda;

static gt_tensor *forward_lambda(gt_module *m, gt_tensor *x)
{
    return ((lambda *)m)->function(x);
}

gt_module *gt_nn_lambda(gt_ctx *gt, gt_tensor *(*function)(gt_tensor *x))
{
    static const gt_module_type type = {
        .name = "Lambda", .size = sizeof(lambda), .forward = forward_lambda};
    gt_module *m = gt_module_new(gt, &type);
    if (!m) return NULL;
    ((lambda *)m)->function = function;
    if (function) return m;
    gt_module_fail(m, GT_ERR_ARGUMENT, "the function is NULL");
    return NULL;
}

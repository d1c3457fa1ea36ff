/* LayerNorm, RMSNorm, GroupNorm, InstanceNorm1d, InstanceNorm2d. */
#include "nn/layer.h"

typedef struct {
    gt_module base;
    gt_shape shape; /* LayerNorm, RMSNorm: of the last dimensions; the others: [channels] */
    int rank;       /* InstanceNorm: 1 of sequences, 2 of images */
    int64_t groups;
    double eps, momentum;
    bool affine, biased;
    gt_tensor *weight, *bias; /* of this shape */
    gt_tensor *mean, *var;    /* InstanceNorm: running statistics, or NULL */
} norm;

static gt_normalize_opts options(const norm *l)
{
    return (gt_normalize_opts){.weight = l->weight, .bias = l->bias, .eps = GT_EXACTLY(l->eps)};
}

static bool fail_input(const gt_module *m, const gt_tensor *x, const char *why, gt_shape wanted)
{
    char shape[128], want[128];
    gt_module_fail(m, GT_ERR_SHAPE, "the input %s does not %s %s",
                   gt_shape_format(x->shape, shape, sizeof shape), why,
                   gt_shape_format(wanted, want, sizeof want));
    return false;
}

/* Whether x ends in the shape. */
static bool check_end(const norm *l, const gt_tensor *x)
{
    const int n = l->shape.ndim, before = x->shape.ndim - n;
    for (int i = 0; i < n; i++)
        if (before < 0 || x->shape.dim[before + i] != l->shape.dim[i])
            return fail_input(&l->base, x, "end in", l->shape);
    return true;
}

static gt_tensor *forward_layer(gt_module *m, gt_tensor *x)
{
    const norm *l = (norm *)m;
    return check_end(l, x) ? gt_layer_norm_(x, l->shape.ndim, options(l)) : NULL;
}

static gt_tensor *forward_rms(gt_module *m, gt_tensor *x)
{
    const norm *l = (norm *)m;
    if (!check_end(l, x)) return NULL;
    return gt_rms_norm_(x, l->shape.ndim, (gt_rms_norm_opts){.weight = l->weight, .eps = l->eps});
}

static bool check_channels(const norm *l, const gt_tensor *x)
{
    return (x->shape.ndim >= 2 && x->shape.dim[1] == l->shape.dim[0]) ||
           fail_input(&l->base, x, "have channels", l->shape);
}

static gt_tensor *forward_group(gt_module *m, gt_tensor *x)
{
    const norm *l = (norm *)m;
    if (!check_channels(l, x)) return NULL;
    return gt_group_norm_(x, l->groups, options(l));
}

static bool blend(gt_tensor *running, double momentum, gt_tensor *fresh)
{
    const gt_change_args args = {.p = momentum, .q = 1};
    return gt_apply_into(&gt_op_blend, &args, 2, (gt_tensor *[]){running, fresh}) == GT_OK;
}

/* By the means over all images of their statistics; the variance is unbiased. */
static bool update_running(const norm *l, gt_tensor *x)
{
    const bool recording = gt_set_recording(x->ctx, false);
    const unsigned inner = l->rank == 1 ? GT_AXES(2) : GT_AXES(2, 3);
    gt_tensor *mean = gt_mean_(x, (gt_reduce_opts){.axes = GT_AXES(0) | inner});
    gt_tensor *var = gt_var_(x, (gt_var_opts){.axes = inner});
    var = gt_mean_(var, (gt_reduce_opts){.axes = GT_AXES(0)});
    const bool done = blend(l->mean, l->momentum, mean) && blend(l->var, l->momentum, var);
    gt_set_recording(x->ctx, recording);
    return done;
}

static gt_tensor *forward_instances(gt_module *m, gt_tensor *x)
{
    const norm *l = (norm *)m;
    if (!check_channels(l, x)) return NULL;
    if (l->mean && !m->training)
        return gt_batch_norm_(
            x, l->mean, l->var,
            (gt_batch_norm_opts){.weight = l->weight, .bias = l->bias, .eps = l->eps});
    gt_tensor *y = gt_instance_norm_(x, options(l));
    return !y || !l->mean || x->size == 0 || update_running(l, x) ? y : NULL;
}

/* One without a batch is a batch of one. */
static gt_tensor *forward_instance(gt_module *m, gt_tensor *x)
{
    const int rank = ((norm *)m)->rank;
    const char *needs = rank == 1 ? "[n,c,l] or [c,l]" : "[n,c,h,w] or [c,h,w]";
    if (!gti_layer_check_dimensions(m, x, rank + 1, rank + 2, needs)) return NULL;
    if (x->shape.ndim == rank + 2) return forward_instances(m, x);
    const gt_shape single = x->shape;
    gt_tensor *batch = gt_unsqueeze(x, 0), *y = batch ? forward_instances(m, batch) : NULL;
    return y ? gt_reshape(y, single) : NULL;
}

/* --- descriptions --- */

static void describe_layer(const gt_module *m, char *text, size_t size)
{
    const norm *l = (const norm *)m;
    const int n = l->shape.ndim;
    for (int i = 0; i < n; i++)
        gti_layer_append(text, size, "%s%lld", i ? ", " : "(", (long long)l->shape.dim[i]);
    gti_layer_append(text, size, n == 1 ? ",)" : ")");
    gti_layer_append_real(text, size, "eps", l->eps);
    gti_layer_append_bool(text, size, "elementwise_affine", l->affine);
    gti_layer_append_bool(text, size, "bias", l->biased);
}

static void describe_rms(const gt_module *m, char *text, size_t size)
{
    const norm *l = (const norm *)m;
    const int n = l->shape.ndim;
    for (int i = 0; i < n; i++)
        gti_layer_append(text, size, "%s%lld", i ? ", " : "(", (long long)l->shape.dim[i]);
    gti_layer_append(text, size, n == 1 ? ",)" : ")");
    if (l->eps == 0) gti_layer_append(text, size, ", eps=None");
    else gti_layer_append_real(text, size, "eps", gt_option(l->eps, 0));
    gti_layer_append_bool(text, size, "elementwise_affine", l->affine);
}

static void describe_group(const gt_module *m, char *text, size_t size)
{
    const norm *l = (const norm *)m;
    gti_layer_append(text, size, "%lld, %lld", (long long)l->groups, (long long)l->shape.dim[0]);
    gti_layer_append_real(text, size, "eps", l->eps);
    gti_layer_append_bool(text, size, "affine", l->affine);
    gti_layer_append_bool(text, size, "bias", l->biased);
}

static void describe_instance(const gt_module *m, char *text, size_t size)
{
    const norm *l = (const norm *)m;
    gti_layer_append(text, size, "%lld", (long long)l->shape.dim[0]);
    gti_layer_append_real(text, size, "eps", l->eps);
    gti_layer_append_real(text, size, "momentum", l->momentum);
    gti_layer_append_bool(text, size, "affine", l->affine);
    gti_layer_append_bool(text, size, "bias", l->biased);
    gti_layer_append_bool(text, size, "track_running_stats", l->mean);
}

/* --- constructors --- */

static const gt_module_type layer_norm_type = {.name = "LayerNorm",
                                               .size = sizeof(norm),
                                               .keeps_nothing = true,
                                               .forward = forward_layer,
                                               .describe = describe_layer};
static const gt_module_type group_norm_type = {.name = "GroupNorm",
                                               .size = sizeof(norm),
                                               .keeps_nothing = true,
                                               .forward = forward_group,
                                               .describe = describe_group};
static const gt_module_type rms_norm_type = {.name = "RMSNorm",
                                             .size = sizeof(norm),
                                             .keeps_nothing = true,
                                             .forward = forward_rms,
                                             .describe = describe_rms};
#define INSTANCE_TYPE(name_)                                                                       \
    {                                                                                              \
        .name = name_, .size = sizeof(norm), .keeps_nothing = true, .forward = forward_instance,   \
        .describe = describe_instance                                                              \
    }
static const gt_module_type instance_norm_types[] = {INSTANCE_TYPE("InstanceNorm1d"),
                                                     INSTANCE_TYPE("InstanceNorm2d")};

static bool check_shape(const norm *l, const char *what)
{
    if (l->shape.ndim < 1 || !gt_has_dims(&l->shape)) {
        gt_module_fail(&l->base, GT_ERR_SHAPE, "the shape has %d dimensions, needs 1 to %d",
                       l->shape.ndim, GT_MAX_DIMS);
        return false;
    }
    for (int i = 0; i < l->shape.ndim; i++)
        if (!gti_layer_check_positive(&l->base, what, l->shape.dim[i])) return false;
    return true;
}

static gt_module *make(gt_ctx *gt, const gt_module_type *type, gt_shape shape, int64_t groups,
                       const gt_nn_norm_opts *o)
{
    gt_module *m = gt_module_new(gt, type);
    norm *l = (norm *)m;
    double momentum = 0;
    if (!m || !gti_layer_set_dtype(m, o->dtype)) return NULL;
    l->eps = o->eps;
    if (!gti_layer_complete_norm(m, &l->eps, &momentum)) return NULL;
    l->shape = shape;
    l->groups = groups;
    l->affine = !o->no_affine;
    l->biased = l->affine && !o->no_bias;
    if (!check_shape(l, groups ? "channels" : "sizes")) return NULL;
    if (groups && (!gti_layer_check_positive(m, "groups", groups) ||
                   !gti_layer_check_divides(m, "channels", shape.dim[0], groups)))
        return NULL;
    if (l->affine) l->weight = gti_layer_filled(m, "weight", shape, 1);
    if (l->biased) l->bias = gti_layer_filled(m, "bias", shape, 0);
    return gt_failed(gt) ? NULL : m;
}

gt_module *gt_nn_layer_norm_(gt_ctx *gt, gt_shape shape, gt_nn_norm_opts opts)
{
    return make(gt, &layer_norm_type, shape, 0, &opts);
}

gt_module *gt_nn_group_norm_(gt_ctx *gt, int64_t groups, int64_t channels, gt_nn_norm_opts opts)
{
    return make(gt, &group_norm_type, GT_SHAPE(channels), groups ? groups : -1, &opts);
}

/* PyTorch has a counter here, too, which it does not count up. */
static bool make_running(norm *l)
{
    gt_module *m = &l->base;
    l->mean = gti_layer_statistic(m, "running_mean", l->shape, 0, m->dtype);
    l->var = gti_layer_statistic(m, "running_var", l->shape, 1, m->dtype);
    return gti_layer_statistic(m, "num_batches_tracked", GT_SCALAR, 0, GT_I64);
}

static gt_module *make_instance(gt_ctx *gt, int rank, int64_t channels,
                                const gt_nn_instance_norm_opts *opts)
{
    const gt_nn_norm_opts o = {.eps = opts->eps, .no_affine = !opts->affine, .dtype = opts->dtype};
    gt_module *m = make(gt, &instance_norm_types[rank - 1], GT_SHAPE(channels),
                        channels > 0 ? channels : 1, &o);
    double eps = 0;
    norm *l = (norm *)m;
    if (!m) return NULL;
    l->rank = rank;
    l->momentum = opts->momentum;
    if (!gti_layer_complete_norm(m, &eps, &l->momentum)) return NULL;
    return !opts->running_stats || make_running(l) ? m : NULL;
}

gt_module *gt_nn_instance_norm1d_(gt_ctx *gt, int64_t channels, gt_nn_instance_norm_opts opts)
{
    return make_instance(gt, 1, channels, &opts);
}

gt_module *gt_nn_instance_norm2d_(gt_ctx *gt, int64_t channels, gt_nn_instance_norm_opts opts)
{
    return make_instance(gt, 2, channels, &opts);
}

/* Without an eps of its own it is the operation's. */
gt_module *gt_nn_rms_norm_(gt_ctx *gt, gt_shape shape, gt_nn_rms_norm_opts opts)
{
    const gt_nn_norm_opts o = {
        .eps = opts.eps, .no_affine = opts.no_affine, .no_bias = true, .dtype = opts.dtype};
    gt_module *m = make(gt, &rms_norm_type, shape, 0, &o);
    if (m) ((norm *)m)->eps = opts.eps;
    return m;
}

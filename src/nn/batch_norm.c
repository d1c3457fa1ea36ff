/* BatchNorm1d, BatchNorm2d and the lazy ones. */
#include <gradtape/capture.h>

#include "nn/layer.h"

typedef struct {
    gt_module base;
    int rank;         /* 1 or 2 */
    int64_t channels; /* 0 until a lazy one has seen its first input */
    double eps, momentum;
    bool cumulative, affine, biased, tracking, was_lazy;
    gt_tensor *weight, *bias; /* [c] */
    gt_tensor *mean, *var;    /* [c]: running statistics */
    gt_tensor *batches;       /* [], i64: how many they have seen */
} batch_norm;

static bool check_input(const batch_norm *b, const gt_tensor *x)
{
    return b->rank == 1 ? gti_layer_check_dimensions(&b->base, x, 2, 3, "[n,c] or [n,c,l]")
                        : gti_layer_check_dimensions(&b->base, x, 4, 4, "[n,c,h,w]");
}

/* The operation sees a wrong number of channels only against parameters or statistics. */
static bool check_channels(const batch_norm *b, const gt_tensor *x)
{
    if (x->shape.dim[1] == b->channels) return true;
    char shape[128];
    gt_module_fail(&b->base, GT_ERR_SHAPE, "the input %s has %lld channels, but %s %lld",
                   gt_shape_format(x->shape, shape, sizeof shape), (long long)x->shape.dim[1],
                   b->was_lazy ? "the first input had" : "the layer is made for",
                   (long long)b->channels);
    return false;
}

/* Not in what exporters and pictures read: they have an operation for each module. Nor from anomaly
 * checks, from which a rectifier would hide what is infinite. */
static gt_activation take_activation(gt_module *m)
{
    if (gt_is_checking_anomalies(m->ctx)) return GT_NO_ACTIVATION;
    const gt_activation then = m->then;
    const bool given = !m->training && ((batch_norm *)m)->tracking;
    const bool all = gt_is_recording_all(m->ctx);
    if ((given && (all || gt_is_recording(m->ctx))) || (all && !gt_is_capturing(m->ctx)))
        return GT_NO_ACTIVATION;
    m->then = GT_NO_ACTIVATION;
    return then;
}

static gt_tensor *forward(gt_module *m, gt_tensor *x)
{
    const batch_norm *b = (batch_norm *)m;
    if (!check_input(b, x) || !check_channels(b, x)) return NULL;
    return gt_batch_norm_(x, b->mean, b->var,
                          (gt_batch_norm_opts){.weight = b->weight,
                                               .bias = b->bias,
                                               .training = m->training,
                                               .momentum = GT_EXACTLY(b->momentum),
                                               .cumulative = b->cumulative,
                                               .num_batches = b->batches,
                                               .activation = take_activation(m),
                                               .eps = GT_EXACTLY(b->eps)});
}

static bool make_state(batch_norm *b)
{
    gt_module *m = &b->base;
    const gt_shape c = GT_SHAPE(b->channels);
    if (b->affine && !b->weight) b->weight = gti_layer_filled(m, "weight", c, 1);
    if (b->biased && !b->bias) b->bias = gti_layer_filled(m, "bias", c, 0);
    if (!b->tracking) return !gt_failed(m->ctx);
    if (!b->mean) b->mean = gti_layer_statistic(m, "running_mean", c, 0, m->dtype);
    if (!b->var) b->var = gti_layer_statistic(m, "running_var", c, 1, m->dtype);
    if (!b->batches)
        b->batches = gti_layer_statistic(m, "num_batches_tracked", GT_SCALAR, 0, GT_I64);
    return !gt_failed(m->ctx);
}

static void describe(const gt_module *m, char *text, size_t size)
{
    const batch_norm *b = (const batch_norm *)m;
    gti_layer_append(text, size, "%lld", (long long)b->channels);
    gti_layer_append_real(text, size, "eps", b->eps);
    if (b->cumulative) gti_layer_append(text, size, ", momentum=None");
    else gti_layer_append_real(text, size, "momentum", b->momentum);
    gti_layer_append_bool(text, size, "affine", b->affine);
    gti_layer_append_bool(text, size, "bias", b->biased);
    gti_layer_append_bool(text, size, "track_running_stats", b->tracking);
}

static bool materialise(gt_module *m, gt_tensor *x);

#define NORM_TYPE(name_, first_use)                                                                \
    {                                                                                              \
        .name = name_, .size = sizeof(batch_norm), .keeps_nothing = true, .forward = forward,      \
        .materialise = (first_use), .describe = describe                                           \
    }
static const gt_module_type types[2] = {NORM_TYPE("BatchNorm1d", NULL),
                                        NORM_TYPE("BatchNorm2d", NULL)};
static const gt_module_type lazy_types[2] = {NORM_TYPE("LazyBatchNorm1d", materialise),
                                             NORM_TYPE("LazyBatchNorm2d", materialise)};

static bool materialise(gt_module *m, gt_tensor *x)
{
    batch_norm *b = (batch_norm *)m;
    if (!check_input(b, x)) return false;
    b->channels = x->shape.dim[1];
    if (!gti_layer_check_positive(m, "channels", b->channels) || !make_state(b)) return false;
    m->type = &types[b->rank - 1];
    return true;
}

static bool take_numbers(batch_norm *b, const gt_nn_batch_norm_opts *o)
{
    const gt_module *m = &b->base;
    b->eps = o->eps;
    b->momentum = o->momentum;
    if (!gti_layer_complete_norm(m, &b->eps, &b->momentum)) return false;
    if (!o->cumulative || o->momentum == 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "both cumulative and momentum %g are given", b->momentum);
    return false;
}

static batch_norm *make(gt_ctx *gt, const gt_module_type *of, int rank,
                        const gt_nn_batch_norm_opts *o)
{
    batch_norm *b = (batch_norm *)gt_module_new(gt, &of[rank - 1]);
    if (!b || !gti_layer_set_dtype(&b->base, o->dtype) || !take_numbers(b, o)) return NULL;
    b->rank = rank;
    b->cumulative = o->cumulative;
    b->affine = !o->no_affine;
    b->biased = !o->no_affine && !o->no_bias;
    b->tracking = !o->no_running_stats;
    return b;
}

static gt_module *make_ready(gt_ctx *gt, int rank, int64_t channels, const gt_nn_batch_norm_opts *o)
{
    batch_norm *b = make(gt, types, rank, o);
    if (!b || !gti_layer_check_positive(&b->base, "channels", channels)) return NULL;
    b->channels = channels;
    return make_state(b) ? &b->base : NULL;
}

static gt_module *make_lazy(gt_ctx *gt, int rank, const gt_nn_batch_norm_opts *o)
{
    batch_norm *b = make(gt, lazy_types, rank, o);
    if (!b) return NULL;
    b->was_lazy = true;
    return &b->base;
}

gt_module *gt_nn_batch_norm1d_(gt_ctx *gt, int64_t channels, gt_nn_batch_norm_opts opts)
{
    return make_ready(gt, 1, channels, &opts);
}

gt_module *gt_nn_batch_norm2d_(gt_ctx *gt, int64_t channels, gt_nn_batch_norm_opts opts)
{
    return make_ready(gt, 2, channels, &opts);
}

gt_module *gt_nn_lazy_batch_norm1d_(gt_ctx *gt, gt_nn_batch_norm_opts opts)
{
    return make_lazy(gt, 1, &opts);
}

gt_module *gt_nn_lazy_batch_norm2d_(gt_ctx *gt, gt_nn_batch_norm_opts opts)
{
    return make_lazy(gt, 2, &opts);
}

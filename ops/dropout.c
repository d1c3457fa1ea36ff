/* dropout: y[i] = x[i] / (1 - p), or 0 with probability p.
 *
 * What is dropped follows from the key, an i64 tensor {seed, call}: element i belongs to word i of
 * the stream of that name (base/philox.h), whatever the dtype. gt_dropout draws a fresh key from
 * the context for every call. No mask is stored, since backward is the same operation on the same
 * key:
 *
 *   dx = dropout(dy, key)
 *
 * The numbers are not PyTorch's. */
#include "common.h"

#include "engine/context.h"

typedef struct {
    gt_keywords gt_;
    double p;
    bool channels; /* drop whole x[n,c,...] */
} dropout_opts;

enum { COST = 4 }; /* of an element */

/* What is dropped as one: elements, or channels. */
static int64_t runs_of(const gt_node *n)
{
    const gt_tensor *x = n->in[0];
    const bool channels = ((const dropout_opts *)n->opts)->channels && x->size > 0;
    return channels ? x->shape.dim[0] * x->shape.dim[1] : x->size;
}

static bool dropout_infer(gt_node *n)
{
    const dropout_opts *o = n->opts;
    const gt_tensor *x = n->in[0], *key = n->in[1];
    if (o->channels && x->shape.ndim < 2)
        return gt_op_fail(n, GT_ERR_SHAPE, "x has %d dimensions, needs at least 2: [n,c,...]",
                          x->shape.ndim);
    if (key->dtype != GT_I64 || key->size != 2)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "key is %s %s, needs i64 [2]: a seed and a call",
                          gt_dtype_name(key->dtype), GTI_SHAPE_TEXT(key->shape));
    n->out[0]->shape = x->shape;
    const int64_t runs = runs_of(n);
    if (runs > 0) n->parts[0] = gt_element_parts(n, runs, COST * (double)x->size / (double)runs);
    return true;
}

/* p in units of 2^-32; below 1 some may be kept */
static uint32_t threshold_of(double p)
{
    const double words = p * 0x1p32 + 0.5;
    return words < 0x1p32 ? (uint32_t)words : UINT32_MAX;
}

static void dropout_parts(gt_node *n, const gt_range *r)
{
    const dropout_opts *o = n->opts;
    const gt_tensor *x = n->in[0];
    const int64_t *key = n->in[1]->data;
    const uint64_t seed = (uint64_t)key[0], call = (uint64_t)key[1];
    const gti_kernels *kernels = gti_kernels_for(n);
    const int64_t all = runs_of(n), run = x->size / all, of = n->parts[0];
    const int64_t first = gt_element_begin(all, of, r->begin);
    const int64_t count = gt_element_begin(all, of, r->end) - first;
    const void *from = gti_from(x, first * run);
    void *to = gti_to(n->out[0], first * run);
    if (o->p == 1) kernels->fill(count * run, 0, to);
    else if (run == 1)
        kernels->dropout.elements(first, count, seed, call, threshold_of(o->p), 1 / (1 - o->p),
                                  from, to);
    else
        kernels->dropout.runs(first, count, run, seed, call, threshold_of(o->p), 1 / (1 - o->p),
                              from, to);
}

static gt_tensor *dropout_apply(gt_tensor *x, gt_tensor *key, double p, bool channels)
{
    return gt_apply(&gt_op_dropout, &(dropout_opts){.p = p, .channels = channels}, 2,
                    (gt_tensor *[]){x, key});
}

static bool dropout_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const dropout_opts *o = n->opts;
    gt_tensor *dx =
        dropout_apply(gout[0], n->in[1], o->p, GT_MUTANT(dropout_channels, o->channels, false));
    gin[0] = GT_MUTANT(dropout_scale, dx, gt_mul_scalar(dx, 1 - o->p));
    return true;
}

static const double key_values[] = {42, 7}, large_key[] = {-3, 0x1p40};
#define KEY                                                                                        \
    {                                                                                              \
        .shape = GT_DIMS(2), .values = key_values, .dtype = GT_I64                                 \
    }
#define DROP(...)                                                                                  \
    .opts = &(const dropout_opts)                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const gt_sample samples[] = {
    {.label = "half", .in = GT_INPUTS(GT_IN(3, 5), KEY), DROP(.p = 0.5)},
    {.label = "p=0.1", .in = GT_INPUTS(GT_IN(17), KEY), DROP(.p = 0.1)},
    {.label = "p=0.9", .in = GT_INPUTS(GT_IN(2, 3, 4), KEY), DROP(.p = 0.9)},
    {.label = "p=0", .in = GT_INPUTS(GT_IN(9), KEY), DROP(.p = 0)},
    {.label = "p=1", .in = GT_INPUTS(GT_IN(9), KEY), DROP(.p = 1)},
    {.label = "p just below 1", .in = GT_INPUTS(GT_IN(9), KEY), DROP(.p = 1 - 0x1p-40)},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, KEY), DROP(.p = 0.25)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0), KEY), DROP(.p = 0.5)},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67), KEY), DROP(.p = 0.3)},
    {.label = "large key",
     .in = GT_INPUTS(GT_IN(8), {.shape = GT_DIMS(2), .values = large_key, .dtype = GT_I64}),
     DROP(.p = 0.5)},
    {.label = "large values", .in = GT_INPUTS(GT_IN_RANGE(1e29, 1e30, 8), KEY), DROP(.p = 0.5)},
    {.label = "channels",
     .in = GT_INPUTS(GT_IN(2, 4, 2, 3), KEY),
     DROP(.p = 0.5, .channels = true)},
    {.label = "700 elements", .in = GT_INPUTS(GT_IN(700), KEY), DROP(.p = 0.5)},
    {.label = "300 channels",
     .in = GT_INPUTS(GT_IN(2, 300, 2), KEY),
     DROP(.p = 0.5, .channels = true)},
    {.label = "channels of one",
     .in = GT_INPUTS(GT_IN(3, 4), KEY),
     DROP(.p = 0.5, .channels = true)},
    {.label = "channels, p=0",
     .in = GT_INPUTS(GT_IN(1, 3, 4), KEY),
     DROP(.p = 0, .channels = true)},
    {.label = "channels, p=1",
     .in = GT_INPUTS(GT_IN(1, 3, 4), KEY),
     DROP(.p = 1, .channels = true)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 4), KEY), DROP(.p = 0.5, .channels = true)},
    {.label = "no pixels", .in = GT_INPUTS(GT_IN(2, 3, 0), KEY), DROP(.p = 0.5, .channels = true)},
};

static const gt_error_sample error_samples[] = {
    {.label = "p < 0",
     .in = GT_INPUTS(GT_IN(3), KEY),
     DROP(.p = -0.25),
     .code = GT_ERR_ARGUMENT,
     .message = "p is -0.25, must be in 0..1"},
    {.label = "p > 1",
     .in = GT_INPUTS(GT_IN(3), KEY),
     DROP(.p = 1.5),
     .code = GT_ERR_ARGUMENT,
     .message = "p is 1.5, must be in 0..1"},
    {.label = "channels of a vector",
     .in = GT_INPUTS(GT_IN(3), KEY),
     DROP(.p = 0.5, .channels = true),
     .code = GT_ERR_SHAPE,
     .message = "x has 1 dimensions, needs at least 2"},
    {.label = "a real key",
     .in = GT_INPUTS(GT_IN(3), GT_IN(2)),
     DROP(.p = 0.5),
     .code = GT_ERR_ARGUMENT,
     .message = "key is f32 [2], needs i64 [2]"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}, KEY),
     DROP(.p = 0.5),
     .code = GT_ERR_DTYPE,
     .message = "not made for i64"},
};

static const gt_attr dropout_attrs[] = {
    {GT_ARGUMENT("p", dropout_opts, p), .bounds = GT_BETWEEN(0, 1),
     .meaning = "how likely an element is dropped"},
    {GT_ARGUMENT("channels", dropout_opts, channels), .meaning = "whole channels are dropped"},
};

const gt_op gt_op_dropout = {
    .name = "dropout",
    .inputs = "x key",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(dropout_opts),
    .attrs = GT_ATTRS(dropout_attrs),
    .flags = GT_OP_MIXED | GT_OP_CHEAP,
    .unread = GT_UNREAD_IN(0) | GT_UNREAD_OUT(0),
    .infer = dropout_infer,
    .parts = GT_FOR_FLOATS(dropout_parts),
    .backward = dropout_backward,
    .gradient = "dx = dy / (1 - p) where x was kept, else 0",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_dropout(gt_tensor *x, double p)
{
    return gti_is_given(x, "dropout") ? dropout_apply(x, gti_random_key(x->ctx), p, false) : NULL;
}

static const gt_attr stochastic_depth_attrs[] = {
    {GT_ARGUMENT("p", gti_stochastic_depth_args, p), .bounds = GT_BETWEEN(0, 1),
     .meaning = "how likely a row is dropped"},
    {GT_OPTION("batch", gti_stochastic_depth_args, opts.batch),
     .meaning = "all rows are dropped, or kept, at once"},
};
const gt_attrs gt_attrs_stochastic_depth = GT_ATTRS(stochastic_depth_attrs);

gt_tensor *gti_compose_stochastic_depth(gt_tensor *x, double p, gt_stochastic_depth_opts opts)
{
    if (!gti_is_given(x, "stochastic_depth")) return NULL;
    if (x->shape.ndim == 0) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "stochastic_depth", "x is a number, needs rows");
        return NULL;
    }
    gt_shape rows = {.ndim = x->shape.ndim};
    for (int d = 0; d < rows.ndim; d++) rows.dim[d] = 1;
    if (!opts.batch) rows.dim[0] = x->shape.dim[0];
    gt_tensor *ones = gt_full(x->ctx, rows, 1, .dtype = x->dtype);
    return ones ? gt_mul(x, dropout_apply(ones, gti_random_key(x->ctx), p, false)) : NULL;
}

static const gt_attr dropout2d_attrs[] = {
    {GT_ARGUMENT("p", gti_dropout2d_args, p), .meaning = "how likely a channel is dropped"}};
const gt_attrs gt_attrs_dropout2d = GT_PLAIN_ATTRS(dropout2d_attrs);

gt_tensor *gti_compose_dropout2d(gt_tensor *x, double p)
{
    return gti_is_given(x, "dropout2d") ? dropout_apply(x, gti_random_key(x->ctx), p, true) : NULL;
}

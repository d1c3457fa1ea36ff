/* local_response_norm: y = x / (k + alpha / size * s)^beta, s the sum of x^2 over the size channels
 * from size / 2 before to (size - 1) / 2 behind, as far as there are such.
 *
 * channel_sum: y[n,c,..] = sum of x[n,c - before .. c + after,..]. Its gradient is itself with the
 * two exchanged. */
#include "normalize.h"

typedef struct {
    int64_t before, after;
} window;

static bool local_response_norm_infer(gt_node *n)
{
    const window *o = n->opts;
    if (!gti_normalize_check_image(n)) return false;
    if (o->before < 0 || o->after < 0)
        return gt_op_fail(n, GT_ERR_ARGUMENT,
                          "%lld channels before and %lld after, must not be negative",
                          (long long)o->before, (long long)o->after);
    n->out[0]->shape = n->in[0]->shape;
    return true;
}

/* Channel c of one image: x and y [c,inner]. */
static void sum_window(const gt_node *n, const void *x, int64_t channels, int64_t inner, int64_t c,
                       void *y)
{
    const window *o = n->opts;
    const gti_kernels *kernels = gti_kernels_for(n);
    const int64_t first = c > o->before ? c - o->before : 0;
    const int64_t last = channels - 1 - c > o->after ? c + o->after : channels - 1;
    void *to = gti_at(y, c * inner, n->dtype);
    kernels->sum(&(gti_along){1, last - first + 1, inner, 0},
                 gti_const_at(x, first * inner, n->dtype), to);
}

static void local_response_norm_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    if (x->size == 0) return;
    const int64_t images = x->shape.dim[0], channels = x->shape.dim[1], size = x->size / images;
    for (int64_t i = 0; i < images; i++)
        for (int64_t c = 0; c < channels; c++)
            sum_window(n, gti_const_at(x->data, i * size, n->dtype), channels, size / channels, c,
                       gti_at(y->data, i * size, n->dtype));
}

static bool local_response_norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const window *o = n->opts;
    gt_tensor *dx = GT_MUTANT(channel_sum_window, gt_channel_sum(gout[0], o->after, o->before),
                              gt_channel_sum(gout[0], o->before, o->after));
    gin[0] = GT_MUTANT(channel_sum_sign, dx, gt_neg(dx));
    return true;
}

#define WINDOW(...)                                                                                \
    .opts = &(const window)                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
static const gt_sample samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 5, 2, 2)), WINDOW(1, 1)},
    {.label = "one-sided", .in = GT_INPUTS(GT_IN(1, 5, 3)), WINDOW(2, 0)},
    {.label = "lopsided", .in = GT_INPUTS(GT_IN(1, 6, 2)), WINDOW(1, 2)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(2, 9)), WINDOW(2, 2)},
    {.label = "beyond both ends", .in = GT_INPUTS(GT_IN(1, 3, 2)), WINDOW(INT64_MAX, INT64_MAX)},
    {.label = "nothing around", .in = GT_INPUTS(GT_IN(1, 3, 2)), WINDOW(0, 0)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1)), WINDOW(1, 1)},
    {.label = "17 pixels", .in = GT_INPUTS(GT_IN(1, 3, 17)), WINDOW(0, 1)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 3, 2)), WINDOW(1, 1)},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 2)), WINDOW(1, 1)},
};

static const gt_error_sample error_samples[] = {
    {.label = "one dimension",
     .in = GT_INPUTS(GT_IN(3)),
     WINDOW(1, 1),
     .code = GT_ERR_SHAPE,
     .message = "x has 1 dimensions, needs at least 2"},
    {.label = "negative",
     .in = GT_INPUTS(GT_IN(2, 3)),
     WINDOW(1, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "1 channels before and -1 after, must not be negative"},
};

static const gt_attr channel_sum_attrs[] = {
    {GT_ARGUMENT("before", window, before), .meaning = "channels before each"},
    {GT_ARGUMENT("after", window, after), .meaning = "channels behind each"},
};

const gt_op gt_op_channel_sum = {
    .name = "channel_sum",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(window),
    .attrs = GT_PLAIN_ATTRS(channel_sum_attrs),
    .flags = GT_OP_NO_SAVED,
    .infer = local_response_norm_infer,
    .forward = GT_FOR_FLOATS(local_response_norm_forward),
    .backward = local_response_norm_backward,
    .gradient = "dx[c] = sum of dy[c - after .. c + before]",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_channel_sum(gt_tensor *x, int64_t before, int64_t after)
{
    return gt_apply(&gt_op_channel_sum, &(window){before, after}, 1, (gt_tensor *[]){x});
}

static const gt_attr norm_attrs[] = {
    {GT_ARGUMENT("size", gti_local_response_norm_args, size), .bounds = GT_POSITIVE,
     .meaning = "channels around each"},
    {GT_OPTION("alpha", gti_local_response_norm_args, opts.alpha), .otherwise = 1e-4,
     .bounds = GT_FINITE, .meaning = "factor of the mean"},
    {GT_OPTION("beta", gti_local_response_norm_args, opts.beta), .otherwise = 0.75,
     .bounds = GT_FINITE, .meaning = "the power"},
    {GT_OPTION("k", gti_local_response_norm_args, opts.k), .otherwise = 1, .bounds = GT_FINITE,
     .meaning = "added to the mean"},
};
const gt_attrs gt_attrs_local_response_norm = GT_ATTRS(norm_attrs);

gt_tensor *gti_compose_local_response_norm(gt_tensor *x, int64_t size,
                                           gt_local_response_norm_opts opts)
{
    static const char name[] = "local_response_norm";
    if (!gti_is_given(x, name) || gt_failed(x->ctx)) return NULL;
    if (x->shape.ndim < 3)
        return gt_fail(x->ctx, GT_ERR_SHAPE, name,
                       "x is %s, needs at least 3 dimensions: [n,c,...]", GTI_SHAPE_TEXT(x->shape)),
               NULL;
    gt_tensor *sum = gt_channel_sum(gt_square(x), size / 2, (size - 1) / 2);
    gt_tensor *scaled = gt_mul_scalar(sum, opts.alpha / (double)size);
    gt_tensor *divisor = gt_pow_scalar(gt_add_scalar(scaled, opts.k), opts.beta);
    return gt_div(x, divisor);
}

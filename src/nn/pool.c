/* Pools as modules. */
#include "nn/layer.h"

/* --- windows --- */

/* As the operations take them; pairs of a one-dimensional pool hold its number in [0]. */
typedef struct {
    gt_module base;
    int rank;
    int kernel[2], stride[2], padding[2], dilation[2];
    bool ceil_mode, exclude_pad;
    int divisor_override;
} pool;

#define PAIR(pair)                                                                                 \
    {                                                                                              \
        (pair)[0], (pair)[1]                                                                       \
    }

/* A completed pair as an option. */
#define EXACTLY(pair)                                                                              \
    {                                                                                              \
        GT_EXACTLY((pair)[0]), GT_EXACTLY((pair)[1])                                               \
    }

static gt_tensor *forward_max2d(gt_module *m, gt_tensor *x)
{
    const pool *p = (pool *)m;
    return gt_max_pool2d_(x, (gt_max_pool2d_opts){.kernel = PAIR(p->kernel),
                                                  .stride = PAIR(p->stride),
                                                  .padding = EXACTLY(p->padding),
                                                  .dilation = PAIR(p->dilation),
                                                  .ceil_mode = p->ceil_mode});
}

static gt_tensor *forward_max1d(gt_module *m, gt_tensor *x)
{
    const pool *p = (pool *)m;
    return gt_max_pool1d_(x, (gt_max_pool1d_opts){.kernel = p->kernel[0],
                                                  .stride = p->stride[0],
                                                  .padding = GT_EXACTLY(p->padding[0]),
                                                  .dilation = p->dilation[0],
                                                  .ceil_mode = p->ceil_mode});
}

static gt_tensor *forward_avg2d(gt_module *m, gt_tensor *x)
{
    const pool *p = (pool *)m;
    return gt_avg_pool2d_(x, (gt_avg_pool2d_opts){.kernel = PAIR(p->kernel),
                                                  .stride = PAIR(p->stride),
                                                  .padding = EXACTLY(p->padding),
                                                  .ceil_mode = p->ceil_mode,
                                                  .exclude_pad = p->exclude_pad,
                                                  .divisor_override = p->divisor_override});
}

static gt_tensor *forward_avg1d(gt_module *m, gt_tensor *x)
{
    const pool *p = (pool *)m;
    return gt_avg_pool1d_(x, (gt_avg_pool1d_opts){.kernel = p->kernel[0],
                                                  .stride = p->stride[0],
                                                  .padding = GT_EXACTLY(p->padding[0]),
                                                  .ceil_mode = p->ceil_mode,
                                                  .exclude_pad = p->exclude_pad});
}

static void describe_max(const gt_module *m, char *text, size_t size)
{
    const pool *p = (const pool *)m;
    gti_layer_append_size(text, size, "kernel_size", p->kernel);
    gti_layer_append_size(text, size, "stride", p->stride);
    gti_layer_append_size(text, size, "padding", p->padding);
    gti_layer_append_size(text, size, "dilation", p->dilation);
    gti_layer_append_bool(text, size, "ceil_mode", p->ceil_mode);
}

static void describe_avg(const gt_module *m, char *text, size_t size)
{
    const pool *p = (const pool *)m;
    const char *const name[] = {"kernel_size", "stride", "padding"};
    const int *const pair[] = {p->kernel, p->stride, p->padding};
    for (int i = 0; i < 3; i++)
        if (p->rank == 1) gti_layer_append_tuple(text, size, name[i], 1, pair[i]);
        else gti_layer_append_size(text, size, name[i], pair[i]);
}

#define POOL_TYPE(id, name_, run, say)                                                             \
    static const gt_module_type id = {.name = name_,                                               \
                                      .size = sizeof(pool),                                        \
                                      .keeps_nothing = true,                                       \
                                      .forward = (run),                                            \
                                      .describe = (say)};
POOL_TYPE(max_pool2d_type, "MaxPool2d", forward_max2d, describe_max)
POOL_TYPE(max_pool1d_type, "MaxPool1d", forward_max1d, describe_max)
POOL_TYPE(avg_pool2d_type, "AvgPool2d", forward_avg2d, describe_avg)
POOL_TYPE(avg_pool1d_type, "AvgPool1d", forward_avg1d, describe_avg)

/* A stride of 0 is the kernel's size. */
static bool check_options(pool *p)
{
    const gt_module *m = &p->base;
    if (!gti_layer_complete_pair(m, "kernel", p->kernel, 0)) return false;
    for (int i = 1; i >= 0; i--)
        p->stride[i] = GT_EXACTLY(gt_option_pair(p->stride, i, p->kernel[i]));
    if (p->divisor_override == GT_ZERO) {
        gt_module_fail(m, GT_ERR_ARGUMENT, "divisor_override is 0, but must be another number");
        return false;
    }
    return gti_layer_complete_pair(m, "stride", p->stride, 1) &&
           gti_layer_complete_pair(m, "dilation", p->dilation, 1) &&
           gti_layer_complete_padding(m, "padding", p->padding,
                                      gti_layer_is_directed(p->kernel, p->stride, p->dilation));
}

static gt_module *make(gt_ctx *gt, const gt_module_type *type, const pool *wanted,
                       gt_tensor **indices)
{
    gt_module *m = gt_module_new(gt, type);
    if (!m) return NULL;
    const gt_module base = *m;
    *(pool *)m = *wanted;
    *m = base;
    if (!indices) return check_options((pool *)m) ? m : NULL;
    gt_module_fail(m, GT_ERR_ARGUMENT, ".indices are of a call; use the operation");
    return NULL;
}

gt_module *gt_nn_max_pool2d_(gt_ctx *gt, gt_max_pool2d_opts o)
{
    const pool p = {.rank = 2,
                    .kernel = PAIR(o.kernel),
                    .stride = PAIR(o.stride),
                    .padding = PAIR(o.padding),
                    .dilation = PAIR(o.dilation),
                    .ceil_mode = o.ceil_mode};
    return make(gt, &max_pool2d_type, &p, o.indices);
}

#define TWICE(number)                                                                              \
    {                                                                                              \
        (number), (number)                                                                         \
    }

gt_module *gt_nn_max_pool1d_(gt_ctx *gt, gt_max_pool1d_opts o)
{
    const pool p = {.rank = 1,
                    .kernel = TWICE(o.kernel),
                    .stride = TWICE(o.stride),
                    .padding = TWICE(o.padding),
                    .dilation = TWICE(o.dilation),
                    .ceil_mode = o.ceil_mode};
    return make(gt, &max_pool1d_type, &p, o.indices);
}

gt_module *gt_nn_avg_pool2d_(gt_ctx *gt, gt_avg_pool2d_opts o)
{
    const pool p = {.rank = 2,
                    .kernel = PAIR(o.kernel),
                    .stride = PAIR(o.stride),
                    .padding = PAIR(o.padding),
                    .ceil_mode = o.ceil_mode,
                    .exclude_pad = o.exclude_pad,
                    .divisor_override = o.divisor_override};
    return make(gt, &avg_pool2d_type, &p, NULL);
}

gt_module *gt_nn_avg_pool1d_(gt_ctx *gt, gt_avg_pool1d_opts o)
{
    const pool p = {.rank = 1,
                    .kernel = TWICE(o.kernel),
                    .stride = TWICE(o.stride),
                    .padding = TWICE(o.padding),
                    .ceil_mode = o.ceil_mode,
                    .exclude_pad = o.exclude_pad};
    return make(gt, &avg_pool1d_type, &p, NULL);
}

/* --- to a given size --- */

#undef gt_nn_adaptive_avg_pool2d
#undef gt_nn_adaptive_max_pool2d
#undef gt_nn_adaptive_avg_pool1d
#undef gt_nn_adaptive_max_pool1d
#undef gt_nn_global_avg_pool2d
#undef gt_nn_global_max_pool2d

typedef struct {
    gt_module base;
    int64_t oh, ow; /* of a sequence only ow; 0: the input's */
} adaptive;

static void append_output(char *text, size_t size, int64_t n)
{
    if (n) gti_layer_append(text, size, "%lld", (long long)n);
    else gti_layer_append(text, size, "None");
}

static void describe_adaptive2d(const gt_module *m, char *text, size_t size)
{
    const adaptive *a = (const adaptive *)m;
    gti_layer_append(text, size, "output_size=(");
    append_output(text, size, a->oh);
    gti_layer_append(text, size, ", ");
    append_output(text, size, a->ow);
    gti_layer_append(text, size, ")");
}

static void describe_adaptive1d(const gt_module *m, char *text, size_t size)
{
    gti_layer_append(text, size, "output_size=");
    append_output(text, size, ((const adaptive *)m)->ow);
}

/* n, or x's size along an axis counted from the end. */
static int64_t size_or(int64_t n, const gt_tensor *x, int from_end)
{
    const int axis = x->shape.ndim - from_end;
    return n || axis < 0 ? n : x->shape.dim[axis];
}

static gt_tensor *max1d(gt_tensor *x, int64_t oh, int64_t ow)
{
    (void)oh;
    return gt_adaptive_max_pool1d_(x, ow, (gt_adaptive_max_pool_opts){0});
}

static gt_tensor *avg1d(gt_tensor *x, int64_t oh, int64_t ow)
{
    (void)oh;
    return gt_adaptive_avg_pool1d(x, ow);
}

static gt_tensor *max2d(gt_tensor *x, int64_t oh, int64_t ow)
{
    return gt_adaptive_max_pool2d_(x, oh, ow, (gt_adaptive_max_pool_opts){0});
}

static gt_tensor *avg2d(gt_tensor *x, int64_t oh, int64_t ow)
{
    return gt_adaptive_avg_pool2d(x, oh, ow);
}

static gt_tensor *global_max(gt_tensor *x, int64_t oh, int64_t ow)
{
    (void)oh, (void)ow;
    return gt_global_max_pool2d(x);
}

static gt_tensor *global_avg(gt_tensor *x, int64_t oh, int64_t ow)
{
    (void)oh, (void)ow;
    return gt_global_avg_pool2d(x);
}

static gt_module *make_adaptive(gt_ctx *gt, const gt_module_type *type, int64_t oh, int64_t ow)
{
    gt_module *m = gt_module_new(gt, type);
    if (!m) return NULL;
    ((adaptive *)m)->oh = oh;
    ((adaptive *)m)->ow = ow;
    if (oh >= 0 && ow >= 0) return m;
    gt_module_fail(m, GT_ERR_ARGUMENT,
                   "the output is to be %lldx%lld; sizes must be positive, or 0 for the input's",
                   (long long)oh, (long long)ow);
    return NULL;
}

#define ADAPTIVE(id, name_, f, say, params, oh_, ow_)                                              \
    static gt_tensor *forward_##id(gt_module *m, gt_tensor *x)                                     \
    {                                                                                              \
        const adaptive *a = (adaptive *)m;                                                         \
        return f(x, size_or(a->oh, x, 2), size_or(a->ow, x, 1));                                   \
    }                                                                                              \
    gt_module *gt_nn_##id params                                                                   \
    {                                                                                              \
        static const gt_module_type type = {.name = name_,                                         \
                                            .size = sizeof(adaptive),                              \
                                            .keeps_nothing = true,                                 \
                                            .forward = forward_##id,                               \
                                            .describe = (say)};                                    \
        return make_adaptive(gt, &type, oh_, ow_);                                                 \
    }
#define SIZE (gt_ctx * gt, int64_t oh, int64_t ow)
#define LENGTH (gt_ctx * gt, int64_t ol)
#define NOTHING (gt_ctx * gt)
ADAPTIVE(adaptive_max_pool2d, "AdaptiveMaxPool2d", max2d, describe_adaptive2d, SIZE, oh, ow)
ADAPTIVE(adaptive_avg_pool2d, "AdaptiveAvgPool2d", avg2d, describe_adaptive2d, SIZE, oh, ow)
ADAPTIVE(adaptive_max_pool1d, "AdaptiveMaxPool1d", max1d, describe_adaptive1d, LENGTH, 1, ol)
ADAPTIVE(adaptive_avg_pool1d, "AdaptiveAvgPool1d", avg1d, describe_adaptive1d, LENGTH, 1, ol)
ADAPTIVE(global_max_pool2d, "GlobalMaxPool2d", global_max, NULL, NOTHING, 1, 1)
ADAPTIVE(global_avg_pool2d, "GlobalAvgPool2d", global_avg, NULL, NOTHING, 1, 1)

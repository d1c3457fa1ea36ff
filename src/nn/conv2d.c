/* Conv2d and LazyConv2d. */
#include <math.h>

#include <gradtape/nn.h>

typedef struct {
    gt_module base;
    int64_t in, out; /* channels; `in` is 0 until a lazy one has seen its first input */
    int kernel[2];
    bool was_lazy, no_bias;
    gt_dtype dtype;
    gt_conv2d_opts call; /* how forward calls the operation, bias included */
    gt_tensor *weight;   /* [out,in/groups,kh,kw] */
} conv2d;

static gt_tensor *forward(gt_module *m, gt_tensor *x)
{
    conv2d *c = (conv2d *)m;
    if (c->was_lazy && x->shape.ndim == 4 && x->shape.dim[1] != c->in) {
        char shape[128];
        gt_module_fail(m, GT_ERR_SHAPE,
                       "the input %s has %lld channels, but the first input, which set the size of "
                       "the parameters, had %lld",
                       gt_shape_format(x->shape, shape, sizeof shape), (long long)x->shape.dim[1],
                       (long long)c->in);
        return NULL;
    }
    return gt_conv2d_(x, c->weight, c->call);
}

static gt_tensor *draw(gt_module *m, const char *name, gt_shape shape, double bound, gt_dtype dtype)
{
    gt_tensor *t = gt_uniform_(m->ctx, shape, -bound, bound, (gt_new_opts){.dtype = dtype});
    return t ? gt_module_add_parameter(m, name, t) : NULL;
}

/* PyTorch's start: Kaiming uniform with a = sqrt(5) for the weight, which is +-1/sqrt(fan_in) but
 * for rounding; so its steps are kept, in its order. What an earlier, failed try has made stays. */
static bool draw_parameters(conv2d *c)
{
    const int64_t depth = c->in / c->call.groups;
    const double fan_in = (double)depth * c->kernel[0] * c->kernel[1];
    const double gain = sqrt(2.0 / (1.0 + sqrt(5.0) * sqrt(5.0)));
    const double bound = sqrt(3.0) * (gain / sqrt(fan_in));
    const gt_shape shape = GT_SHAPE(c->out, depth, c->kernel[0], c->kernel[1]);
    if (!c->weight) c->weight = draw(&c->base, "weight", shape, bound, c->dtype);
    if (!c->weight) return false;
    if (!c->no_bias && !c->call.bias)
        c->call.bias = draw(&c->base, "bias", GT_SHAPE(c->out), 1.0 / sqrt(fan_in), c->dtype);
    return c->no_bias || c->call.bias;
}

static bool check_channels(const gt_module *m, const char *which, int64_t n, int groups)
{
    if (n <= 0)
        gt_module_fail(m, GT_ERR_ARGUMENT, "%s channels are %lld, but must be positive", which,
                       (long long)n);
    else if (n % groups)
        gt_module_fail(m, GT_ERR_ARGUMENT, "%lld %s channels do not divide into %d groups",
                       (long long)n, which, groups);
    return n > 0 && n % groups == 0;
}

static bool materialise(gt_module *m, gt_tensor *x);

static const gt_module_type conv2d_type = {
    .name = "Conv2d",
    .size = sizeof(conv2d),
    .forward = forward,
};
static const gt_module_type lazy_conv2d_type = {
    .name = "LazyConv2d",
    .size = sizeof(conv2d),
    .forward = forward,
    .materialise = materialise,
};

static bool materialise(gt_module *m, gt_tensor *x)
{
    conv2d *c = (conv2d *)m;
    if (x->shape.ndim != 4) {
        char shape[128];
        gt_module_fail(m, GT_ERR_SHAPE, "the input must be [n,c,h,w], not %s",
                       gt_shape_format(x->shape, shape, sizeof shape));
        return false;
    }
    c->in = x->shape.dim[1];
    if (!check_channels(m, "input", c->in, c->call.groups) || !draw_parameters(c)) return false;
    m->type = &conv2d_type;
    return true;
}

/* Completes a pair of options: a first number of 0 becomes `standard`, a second one the first.
 * Fails where a number is negative, or missing without a standard. */
static bool complete_pair(const gt_module *m, const char *what, const int from[2], int standard,
                          int to[2])
{
    to[0] = from[0] ? from[0] : standard;
    to[1] = from[1] ? from[1] : to[0];
    if (to[0] > 0 && to[1] > 0) return true;
    gt_module_fail(m, GT_ERR_ARGUMENT, "%s is {%d, %d}, but must be positive%s", what, from[0],
                   from[1], standard ? "" : ": .kernel = {height, width} is required");
    return false;
}

static bool check_options(const gt_module *m, const gt_nn_conv2d_opts *o)
{
    if (o->padding[0] < 0 || o->padding[1] < 0)
        gt_module_fail(m, GT_ERR_ARGUMENT, "padding is {%d, %d}, but must not be negative",
                       o->padding[0], o->padding[1]);
    else if (o->groups < 0)
        gt_module_fail(m, GT_ERR_ARGUMENT, "groups are %d, but must be positive", o->groups);
    else if (o->dtype != GT_F32 && o->dtype != GT_F64)
        gt_module_fail(m, GT_ERR_DTYPE, "parameters are f32 or f64, not %s",
                       gt_dtype_name(o->dtype));
    return !gt_failed(m->ctx);
}

static bool set_options(conv2d *c, const gt_nn_conv2d_opts *o)
{
    const gt_module *m = &c->base;
    if (!check_options(m, o)) return false;
    c->no_bias = o->no_bias;
    c->dtype = o->dtype;
    c->call = (gt_conv2d_opts){.padding = {o->padding[0], o->padding[1]},
                               .groups = o->groups ? o->groups : 1};
    return complete_pair(m, "kernel", o->kernel, 0, c->kernel) &&
           complete_pair(m, "stride", o->stride, 1, c->call.stride) &&
           complete_pair(m, "dilation", o->dilation, 1, c->call.dilation) &&
           check_channels(m, "output", c->out, c->call.groups);
}

static conv2d *new_conv2d(gt_ctx *gt, const gt_module_type *type, int out,
                          const gt_nn_conv2d_opts *opts)
{
    conv2d *c = (conv2d *)gt_module_new(gt, type);
    if (!c) return NULL;
    c->out = out;
    return set_options(c, opts) ? c : NULL;
}

gt_module *gt_nn_conv2d_(gt_ctx *gt, int in, int out, gt_nn_conv2d_opts opts)
{
    conv2d *c = new_conv2d(gt, &conv2d_type, out, &opts);
    if (!c || !check_channels(&c->base, "input", in, c->call.groups)) return NULL;
    c->in = in;
    return draw_parameters(c) ? &c->base : NULL;
}

gt_module *gt_nn_lazy_conv2d_(gt_ctx *gt, int out, gt_nn_conv2d_opts opts)
{
    conv2d *c = new_conv2d(gt, &lazy_conv2d_type, out, &opts);
    if (!c) return NULL;
    c->was_lazy = true;
    return &c->base;
}

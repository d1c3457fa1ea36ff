/* group_norm: x [n,c,...] in groups of c / groups channels, y = (x - mean) * rstd * weight + bias,
 * mean and rstd = 1 / sqrt(variance + eps) over a group of an image; weight and bias are [c]. mean
 * and rstd [n,groups] are outputs too. The gradient is normalize.c's.
 *
 * instance_norm is the same with a channel a group. */
#include "normalize.h"

static const gti_normalize_opts *opts_of(const gt_node *n)
{
    return n->opts;
}

static gt_normalize_layout group_norm_layout_of(const gt_node *n)
{
    return gti_normalize_groups(n->in[0]->shape, opts_of(n)->count);
}

static bool group_norm_infer(gt_node *n)
{
    const gti_normalize_opts *o = opts_of(n);
    const gt_shape x = n->in[0]->shape;
    if (!gti_normalize_check_image(n)) return false;
    if (x.dim[1] % o->count != 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "x's %lld channels do not divide into %lld groups",
                          (long long)x.dim[1], (long long)o->count);
    if (!gti_normalize_check_parameter(n, 1, GT_SHAPE(x.dim[1])) ||
        !gti_normalize_check_parameter(n, 2, GT_SHAPE(x.dim[1])))
        return false;
    const gt_normalize_layout layout = group_norm_layout_of(n);
    return gti_normalize_set_outputs(n, &layout, GT_SHAPE(x.dim[0], o->count));
}

static void group_norm_parts(gt_node *n, const gt_range *r)
{
    const gt_normalize_layout layout = group_norm_layout_of(n);
    gti_normalize_parts(n, r, &layout, opts_of(n)->eps);
}

static bool group_norm_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_normalize_layout layout = group_norm_layout_of(n);
    return gti_normalize_backward(n, &layout, gout, gin);
}

#define GROUPS(...)                                                                                \
    .opts = &(const gti_normalize_opts)                                                            \
    {                                                                                              \
        NULL, __VA_ARGS__                                                                          \
    }
static const gt_sample samples[] = {
    {.label = "images", .in = GT_INPUTS(GT_IN(2, 4, 2, 2), GT_IN(4), GT_IN(4)), GROUPS(2, 1e-5)},
    {.label = "one group", .in = GT_INPUTS(GT_IN(2, 3, 3), GT_IN(3), GT_IN(3)), GROUPS(1, 1e-5)},
    {.label = "a channel a group",
     .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(3), GT_IN(3)),
     GROUPS(3, 1e-5)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(2, 6), GT_IN(6), GT_IN(6)), GROUPS(2, 1e-5)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(1, 2, 1, 2, 1, 3, 1, 2), GT_IN(2), GT_IN(2)),
     GROUPS(2, 1e-5)},
    {.label = "large eps", .in = GT_INPUTS(GT_IN(1, 4, 3), GT_IN(4), GT_IN(4)), GROUPS(2, 0.5)},
    {.label = "large mean",
     .in = GT_INPUTS(GT_IN_RANGE(1000, 1004, 1, 4, 3), GT_IN(4), GT_IN(4)),
     GROUPS(2, 1e-5)},
    {.label = "one pixel", .in = GT_INPUTS(GT_IN(2, 4, 1, 1), GT_IN(4), GT_IN(4)), GROUPS(2, 1e-3)},
    {.label = "groups of one", .in = GT_INPUTS(GT_IN(2, 2), GT_IN(2), GT_IN(2)), GROUPS(2, 1e-1)},
    {.label = "17 pixels", .in = GT_INPUTS(GT_IN(1, 2, 17), GT_IN(2), GT_IN(2)), GROUPS(1, 1e-5)},
    {.label = "no images", .in = GT_INPUTS(GT_IN(0, 4, 2), GT_IN(4), GT_IN(4)), GROUPS(2, 1e-5)},
    {.label = "no pixels", .in = GT_INPUTS(GT_IN(2, 4, 0), GT_IN(4), GT_IN(4)), GROUPS(2, 1e-1)},
    {.label = "no channels", .in = GT_INPUTS(GT_IN(2, 0, 3), GT_IN(0), GT_IN(0)), GROUPS(2, 1e-1)},
};

static const gt_error_sample error_samples[] = {
    {.label = "one dimension",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3), GT_IN(3)),
     GROUPS(1, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "x has 1 dimensions, needs at least 2: [n,c,...]"},
    {.label = "no groups",
     .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(4), GT_IN(4)),
     GROUPS(0, 1e-5),
     .code = GT_ERR_ARGUMENT,
     .message = "groups is 0, must be positive"},
    {.label = "rest",
     .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(4), GT_IN(4)),
     GROUPS(3, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "x's 4 channels do not divide into 3 groups"},
    {.label = "weight",
     .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(2), GT_IN(4)),
     GROUPS(2, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "weight is [2], needs [4]"},
    {.label = "bias",
     .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(4), GT_IN(4, 1)),
     GROUPS(2, 1e-5),
     .code = GT_ERR_SHAPE,
     .message = "bias is [4,1], needs [4]"},
    {.label = "negative eps",
     .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(4), GT_IN(4)),
     GROUPS(2, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "eps is -1, must be finite and not negative"},
};

static const gt_attr group_norm_attrs[] = {{GT_ARGUMENT("groups", gti_normalize_opts, count),
                                            .bounds = GT_POSITIVE, .meaning = "of channels"},
                                           GTI_WEIGHT_ATTR("[c]"),
                                           GTI_BIAS_ATTR("[c]"),
                                           GTI_EPS_ATTR};

const gt_op gt_op_group_norm = {
    .name = "group_norm",
    .inputs = "x weight bias",
    .n_in = 3,
    .n_out = 3,
    .opts_size = sizeof(gti_normalize_opts),
    .attrs = GT_ATTRS(group_norm_attrs),
    .flags = GT_OP_CHEAP,
    .unread = GT_UNREAD_OUT(0),
    .infer = group_norm_infer,
    .parts = GT_FOR_FLOATS(group_norm_parts),
    .backward = group_norm_backward,
    .gradient = GTI_NORMALIZE_GRADIENT,
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = gti_normalize_flops,
};

gt_tensor *gt_group_norm_(gt_tensor *x, int64_t groups, gt_normalize_opts opts)
{
    if (!gti_is_given(x, "group_norm")) return NULL;
    const gt_shape c = GT_SHAPE(x->shape.ndim > 1 ? x->shape.dim[1] : 1);
    gt_tensor *weight = gti_normalize_parameter(opts.weight, x, c, 1);
    gt_tensor *bias = gti_normalize_parameter(opts.bias, x, c, 0);
    const gti_normalize_opts all = {.count = groups, .eps = opts.eps};
    gt_tensor *out[3];
    gt_apply_n(&gt_op_group_norm, &all, 3, (gt_tensor *[]){x, weight, bias}, out);
    return gti_normalize_result(3, out);
}

static const gt_attr instance_norm_attrs[] = {
    {GT_OPTION("weight", gt_normalize_opts, weight), .usual = "1", .meaning = "factors, [c]"},
    {GT_OPTION("bias", gt_normalize_opts, bias), .usual = "0", .meaning = "what is added, [c]"},
    {GT_OPTION("eps", gt_normalize_opts, eps), .otherwise = GTI_EPS, .bounds = GT_NOT_NEGATIVE,
     .meaning = GTI_EPS_MEANING},
};
const gt_attrs gt_attrs_instance_norm = GT_ATTRS(instance_norm_attrs);

/* As in PyTorch, a channel of a single element is refused: it would be its bias, whatever x is. */
gt_tensor *gti_compose_instance_norm(gt_tensor *x, gt_normalize_opts opts)
{
    if (!gti_is_given(x, "instance_norm")) return NULL;
    const gt_shape s = x->shape;
    if (s.ndim < 3 || (x->size > 0 && x->size == s.dim[0] * s.dim[1])) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "instance_norm",
                s.ndim < 3 ? "x is %s, needs at least 3 dimensions: [n,c,...]"
                           : "x %s has one element a channel, needs more",
                GTI_SHAPE_TEXT(s));
        return NULL;
    }
    return gt_group_norm_(x, s.dim[1] > 0 ? s.dim[1] : 1, opts);
}

/* ONNX nodes for reductions, softmax and losses. */
#include <math.h>
#include <string.h>

#include "onnx/emit.h"

static const char *reduce_as(gti_emit *e, const char *type, const char *x, const char *out,
                             bool keepdims)
{
    int64_t axes[GT_MAX_DIMS];
    const int n = gti_emit_axes(e, axes);
    return gti_emit_reduce(e, type, x, out, n, axes, keepdims);
}

/* --- reductions --- */

static bool emit_reduce(gti_emit *e)
{
    reduce_as(e, e->as, gti_emit_in(e, 0), gti_emit_out(e, 0), gti_emit_whole(e, "keepdim", 0));
    return true;
}

static bool emit_norm(gti_emit *e)
{
    const char *type = gti_emit_real(e, "p") == 1 ? "ReduceL1" : "ReduceL2";
    reduce_as(e, type, gti_emit_in(e, 0), gti_emit_out(e, 0), gti_emit_whole(e, "keepdim", 0));
    return true;
}

/* sum of (x - mean)^2 / (N - correction) */
static bool emit_var(gti_emit *e)
{
    const gt_graph_value *x = gti_emit_value(e, 0), *y = gti_emit_result(e, 0);
    const double all = (double)gt_shape_size(x->shape) /
                       (double)(gt_shape_size(y->shape) ? gt_shape_size(y->shape) : 1);
    const double divisor = all - (double)gti_emit_whole(e, "correction", 0);
    const char *mean = reduce_as(e, "ReduceMean", gti_emit_in(e, 0), NULL, true);
    const char *off = GTI_EMIT(e, "Sub", NULL, gti_emit_in(e, 0), mean);
    const char *square = GTI_EMIT(e, "Mul", NULL, off, off);
    const char *sum = reduce_as(e, "ReduceSum", square, NULL, gti_emit_whole(e, "keepdim", 0));
    const bool root = !strcmp(e->r.n->op->name, "std");
    const char *var = GTI_EMIT(e, "Div", root ? NULL : gti_emit_out(e, 0), sum,
                               gti_emit_scalar(e, divisor > 0 ? divisor : 0));
    if (root) GTI_EMIT(e, "Sqrt", gti_emit_out(e, 0), var);
    return true;
}

static void arg(gti_emit *e, const char *type, const char *out)
{
    gti_emit_attr_int(e, "axis", gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim));
    gti_emit_attr_int(e, "keepdims", gti_emit_whole(e, "keepdim", 0));
    GTI_EMIT(e, type, out, gti_emit_in(e, 0));
}

static bool emit_extreme(gti_emit *e)
{
    const bool max = !strcmp(e->r.n->op->name, "max");
    const int64_t axis = gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim);
    gti_emit_reduce(e, max ? "ReduceMax" : "ReduceMin", gti_emit_in(e, 0), gti_emit_out(e, 0), 1,
                    &axis, gti_emit_whole(e, "keepdim", 0));
    if (gti_emit_is_read(e, 1)) arg(e, max ? "ArgMax" : "ArgMin", gti_emit_out(e, 1));
    return true;
}

static bool emit_arg(gti_emit *e)
{
    arg(e, e->as, gti_emit_out(e, 0));
    return true;
}

static bool emit_cumsum(gti_emit *e)
{
    const char *axis =
        gti_emit_number(e, GT_I64, (double)gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim));
    if (gti_emit_whole(e, "reverse", 0)) gti_emit_attr_int(e, "reverse", 1);
    GTI_EMIT(e, "CumSum", gti_emit_out(e, 0), gti_emit_in(e, 0), axis);
    return true;
}

static bool emit_softmax(gti_emit *e)
{
    gti_emit_attr_int(e, "axis", gti_emit_axis(e, gti_emit_value(e, 0)->shape.ndim));
    GTI_EMIT(e, e->as, gti_emit_out(e, 0), gti_emit_in(e, 0));
    return true;
}

/* --- losses --- */

/* All losses become their mean, their sum, or stay. */
static bool reduce_loss(gti_emit *e, const char *losses)
{
    const gt_shape *shape = &gti_emit_value(e, 0)->shape;
    const int64_t *axes = gti_emit_axes_from(0);
    const int way = (int)gti_emit_whole(e, "reduction", 0);
    if (way == GT_NONE) GTI_EMIT(e, "Identity", gti_emit_out(e, 0), losses);
    else if (way != GT_BATCHMEAN)
        gti_emit_reduce(e, way == GT_MEAN ? "ReduceMean" : "ReduceSum", losses, gti_emit_out(e, 0),
                        shape->ndim, axes, false);
    else {
        const char *sum = gti_emit_reduce(e, "ReduceSum", losses, NULL, shape->ndim, axes, false);
        GTI_EMIT(e, "Div", gti_emit_out(e, 0), sum, gti_emit_scalar(e, (double)shape->dim[0]));
    }
    return true;
}

static const char *difference(gti_emit *e)
{
    return GTI_EMIT(e, "Sub", NULL, gti_emit_in(e, 0), gti_emit_in(e, 1));
}

static bool emit_mse(gti_emit *e)
{
    const char *d = difference(e);
    return reduce_loss(e, GTI_EMIT(e, "Mul", NULL, d, d));
}

static bool emit_l1(gti_emit *e)
{
    return reduce_loss(e, GTI_EMIT(e, "Abs", NULL, difference(e)));
}

/* d^2 a where |d| < bound, else |d| b - c */
static bool two_parts(gti_emit *e, double bound, double a, double b, double c)
{
    const char *d = difference(e), *size = GTI_EMIT(e, "Abs", NULL, d);
    const char *square =
        GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Mul", NULL, d, d), gti_emit_scalar(e, a));
    const char *line =
        GTI_EMIT(e, "Sub", NULL, GTI_EMIT(e, "Mul", NULL, size, gti_emit_scalar(e, b)),
                 gti_emit_scalar(e, c));
    const char *near = GTI_EMIT(e, "Less", NULL, size, gti_emit_scalar(e, bound));
    return reduce_loss(e, GTI_EMIT(e, "Where", NULL, near, square, line));
}

static bool emit_smooth_l1(gti_emit *e)
{
    const double beta = gti_emit_real(e, "beta");
    return two_parts(e, beta, beta > 0 ? 0.5 / beta : 0, 1, beta / 2);
}

static bool emit_huber(gti_emit *e)
{
    const double delta = gti_emit_real(e, "delta");
    return two_parts(e, delta, 0.5, delta, delta * delta / 2);
}

/* log of x, at least -100 */
static const char *bounded_log(gti_emit *e, const char *x)
{
    return GTI_EMIT(e, "Max", NULL, GTI_EMIT(e, "Log", NULL, x), gti_emit_scalar(e, -100));
}

/* -(target log x + (1 - target) log(1 - x)) */
static bool emit_bce(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *t = gti_emit_in(e, 1), *one = gti_emit_scalar(e, 1);
    const char *a = GTI_EMIT(e, "Mul", NULL, t, bounded_log(e, x));
    const char *b = GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Sub", NULL, one, t),
                             bounded_log(e, GTI_EMIT(e, "Sub", NULL, one, x)));
    return reduce_loss(e, GTI_EMIT(e, "Neg", NULL, GTI_EMIT(e, "Add", NULL, a, b)));
}

/* softplus(x) - target x */
static bool emit_bce_logits(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *up = GTI_EMIT(e, "Softplus", NULL, x);
    return reduce_loss(
        e, GTI_EMIT(e, "Sub", NULL, up, GTI_EMIT(e, "Mul", NULL, x, gti_emit_in(e, 1))));
}

/* target (log target - x), 0 where target is 0 */
static bool emit_kl_div(gti_emit *e)
{
    const char *x = gti_emit_in(e, 0), *t = gti_emit_in(e, 1);
    if (gti_emit_whole(e, "log_target", 0))
        return reduce_loss(e, GTI_EMIT(e, "Mul", NULL, GTI_EMIT(e, "Exp", NULL, t),
                                       GTI_EMIT(e, "Sub", NULL, t, x)));
    const char *y =
        GTI_EMIT(e, "Mul", NULL, t, GTI_EMIT(e, "Sub", NULL, GTI_EMIT(e, "Log", NULL, t), x));
    const char *none = GTI_EMIT(e, "Equal", NULL, t, gti_emit_scalar(e, 0));
    return reduce_loss(e, GTI_EMIT(e, "Where", NULL, none, gti_emit_scalar(e, 0), y));
}

static bool emit_cross_entropy(gti_emit *e)
{
    static const char *const ways[] = {"mean", "sum", "none"};
    if (gti_emit_real(e, "label_smoothing") != 0)
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "smooths labels, which is for training alone");
    const gt_graph_value *y = gti_emit_result(e, 0);
    if (!gt_shape_size(gti_emit_value(e, 0)->shape))
        return gti_emit_fail(e, GT_ERR_UNSUPPORTED, "has an empty input");
    const bool row = gti_emit_value(e, 0)->shape.ndim == 1; /* a batch of one */
    const char *in[2], *first = row ? gti_emit_ints(e, 1, (int64_t[]){0}) : "";
    for (int i = 0; i < 2; i++)
        in[i] = row ? GTI_EMIT(e, "Unsqueeze", NULL, gti_emit_in(e, i), first) : gti_emit_in(e, i);
    gti_emit_attr_text(e, "reduction", ways[gti_emit_whole(e, "reduction", 0)]);
    gti_emit_attr_int(e, "ignore_index", gti_emit_whole(e, "ignore_index", 0));
    const char *loss =
        GTI_EMIT(e, "SoftmaxCrossEntropyLoss", row ? NULL : gti_emit_out(e, 0), in[0], in[1]);
    if (row) gti_emit_reshape(e, loss, gti_emit_out(e, 0), &y->shape, y->growth);
    return true;
}

const gti_mapping gti_emit_reductions_list[] = {
    {"sum", .emit = emit_reduce, .as = "ReduceSum"},
    {"mean", .emit = emit_reduce, .as = "ReduceMean"},
    {"prod", .emit = emit_reduce, .as = "ReduceProd"},
    {"amax", .emit = emit_reduce, .as = "ReduceMax"},
    {"amin", .emit = emit_reduce, .as = "ReduceMin"},
    {"logsumexp", .emit = emit_reduce, .as = "ReduceLogSumExp"},
    {"norm", .emit = emit_norm},
    {"var", .emit = emit_var},
    {"std", .emit = emit_var},
    {"max", .emit = emit_extreme},
    {"min", .emit = emit_extreme},
    {"argmax", .emit = emit_arg, .as = "ArgMax"},
    {"argmin", .emit = emit_arg, .as = "ArgMin"},
    {"cumsum", .emit = emit_cumsum},
    {"softmax", .emit = emit_softmax, .as = "Softmax"},
    {"log_softmax", .emit = emit_softmax, .as = "LogSoftmax"},
    {"mse_loss", .emit = emit_mse},
    {"l1_loss", .emit = emit_l1},
    {"smooth_l1_loss", .emit = emit_smooth_l1},
    {"huber_loss", .emit = emit_huber},
    {"binary_cross_entropy", .emit = emit_bce},
    {"binary_cross_entropy_with_logits", .emit = emit_bce_logits},
    {"kl_div", .emit = emit_kl_div},
    {"cross_entropy_classes", .emit = emit_cross_entropy},
    {0},
};

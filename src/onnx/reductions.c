/* Reductions, softmax and losses. */
#include <math.h>
#include <string.h>

#include "onnx/op.h"

/* --- reductions --- */

/* The options of a node; false after a failure, or with *none: nothing is reduced. */
static bool read_reduce(const gti_onnx_call *c, gt_reduce_opts *opts, bool *none)
{
    gti_ints list;
    *none = false;
    *opts = (gt_reduce_opts){.keepdim = gti_call_int(c, "keepdims", 1)};
    if (!gti_call_ints_of(c, 1, "axes", &list) ||
        !gti_call_axes(c, &list, c->in[0]->shape.ndim, &opts->axes))
        return false;
    *none = list.n <= 0 && gti_call_int(c, "noop_with_empty_axes", 0);
    return true;
}

typedef gt_tensor *(*reduction)(gt_tensor *x, gt_reduce_opts opts);

/* after(reduce(before(x))), each left out where NULL */
static gt_tensor *reduce(gti_onnx_call *c, gt_tensor *(*before)(gt_tensor *), reduction fn,
                         gt_tensor *(*after)(gt_tensor *))
{
    gt_reduce_opts opts;
    bool none;
    if (!read_reduce(c, &opts, &none)) return NULL;
    gt_tensor *x = gti_call_real(c->in[0]);
    if (before) x = before(x);
    gt_tensor *y = none ? x : fn(x, opts);
    return gti_call_back(after ? after(y) : y, c->in[0]);
}

static gt_tensor *sum(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_sum_(x, opts);
}
static gt_tensor *mean(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_mean_(x, opts);
}
static gt_tensor *product(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_prod_(x, opts);
}
static gt_tensor *logsumexp(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_logsumexp_(x, opts);
}

/* The largest of nothing is -inf, the smallest inf. */
static gt_tensor *of_nothing(gt_tensor *x, gt_reduce_opts opts, double value)
{
    gt_tensor *y = gt_sum_(x, opts);
    return y ? gt_full_like(y, value) : NULL;
}

static gt_tensor *largest(gt_tensor *x, gt_reduce_opts opts)
{
    return x && !x->size ? of_nothing(x, opts, -INFINITY) : gt_amax_(x, opts);
}

static gt_tensor *smallest(gt_tensor *x, gt_reduce_opts opts)
{
    return x && !x->size ? of_nothing(x, opts, INFINITY) : gt_amin_(x, opts);
}

static gt_tensor *run_sum(gti_onnx_call *c)
{
    return reduce(c, NULL, sum, NULL);
}
static gt_tensor *run_mean(gti_onnx_call *c)
{
    return reduce(c, NULL, mean, NULL);
}
static gt_tensor *run_prod(gti_onnx_call *c)
{
    return reduce(c, NULL, product, NULL);
}
static gt_tensor *run_max(gti_onnx_call *c)
{
    return reduce(c, NULL, largest, NULL);
}
static gt_tensor *run_min(gti_onnx_call *c)
{
    return reduce(c, NULL, smallest, NULL);
}
static gt_tensor *run_l1(gti_onnx_call *c)
{
    return reduce(c, gt_abs, sum, NULL);
}
static gt_tensor *run_l2(gti_onnx_call *c)
{
    return reduce(c, gt_square, sum, gt_sqrt);
}
static gt_tensor *run_log_sum(gti_onnx_call *c)
{
    return reduce(c, NULL, sum, gt_log);
}
static gt_tensor *run_sum_square(gti_onnx_call *c)
{
    return reduce(c, gt_square, sum, NULL);
}

static gt_tensor *run_logsumexp(gti_onnx_call *c)
{
    return c->in[0]->size ? reduce(c, NULL, logsumexp, NULL) : reduce(c, NULL, sum, gt_log);
}

/* --- places --- */

static gt_tensor *run_arg(gti_onnx_call *c)
{
    gt_tensor *x = gti_call_real(c->in[0]);
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", 0), x->shape.ndim);
    if (axis < 0) return NULL;
    const bool last = gti_call_int(c, "select_last_index", 0);
    const gt_argmax_opts opts = {.keepdim = gti_call_int(c, "keepdims", 1)};
    if (last) x = gt_flip(x, GT_AXES_MARK | 1u << axis);
    gt_tensor *y =
        strcmp(c->node->type, "ArgMax") ? gt_argmin_(x, axis, opts) : gt_argmax_(x, axis, opts);
    if (!last || !y) return y;
    const double end = (double)(x->shape.dim[axis] - 1);
    return gt_cast(gt_rsub_scalar(gt_cast(y, GT_F64), end), GT_I64);
}

/* Running sums, of what comes before alone (.exclusive), or from the end (.reverse). */
static gt_tensor *run_cumsum(gti_onnx_call *c)
{
    gti_ints at;
    gt_tensor *x = gti_call_real(c->in[0]);
    if (!gti_call_ints(c, 1, &at)) return NULL;
    const int axis = gti_call_axis(c, at.n ? at.at[0] : 0, x->shape.ndim);
    if (axis < 0) return NULL;
    const bool reverse = gti_call_int(c, "reverse", 0);
    const unsigned axes = GT_AXES_MARK | 1u << axis;
    gt_tensor *from = reverse ? gt_flip(x, axes) : x, *y = gt_cumsum(from, axis);
    if (gti_call_int(c, "exclusive", 0)) y = gt_sub(y, from);
    return gti_call_back(reverse ? gt_flip(y, axes) : y, c->in[0]);
}

/* --- softmax: up to operator set 12 over all axes from one on together --- */

static gt_tensor *along(gti_onnx_call *c, gt_tensor *(*fn)(gt_tensor *x, int axis))
{
    gt_tensor *x = c->in[0];
    const bool joined = c->opset < 13;
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", joined ? 1 : -1), x->shape.ndim);
    if (axis < 0) return NULL;
    if (!joined) return fn(x, axis);
    const int64_t rows = gti_call_product(x, 0, axis),
                  row = gti_call_product(x, axis, x->shape.ndim);
    gt_tensor *y = fn(gt_reshape(x, GT_SHAPE(rows, row)), 1);
    return y ? gt_reshape(y, x->shape) : NULL;
}

static gt_tensor *softmax(gt_tensor *x, int axis)
{
    return gt_softmax(x, axis);
}
static gt_tensor *log_softmax(gt_tensor *x, int axis)
{
    return gt_log_softmax(x, axis);
}

/* 1 at the first largest element, else 0 */
static gt_tensor *hardmax(gt_tensor *x, int axis)
{
    gt_tensor *at = gt_argmax_(x, axis, (gt_argmax_opts){0});
    gt_tensor *ones = at ? gt_full_(x->ctx, at->shape, 1, (gt_new_opts){.dtype = x->dtype}) : NULL;
    return ones ? gt_place(ones, at, axis, x->shape.dim[axis], -1) : NULL;
}

static gt_tensor *run_softmax(gti_onnx_call *c)
{
    return along(c, softmax);
}
static gt_tensor *run_log_softmax(gti_onnx_call *c)
{
    return along(c, log_softmax);
}
static gt_tensor *run_hardmax(gti_onnx_call *c)
{
    return along(c, hardmax);
}

/* --- losses --- */

static bool read_loss(const gti_onnx_call *c, gt_nll_loss_opts *opts)
{
    const char *name = gti_call_text(c, "reduction", "mean");
    *opts = (gt_nll_loss_opts){.weight = gti_call_in(c, 2)};
    if (!strcmp(name, "none")) opts->reduction = GT_NONE;
    else if (!strcmp(name, "sum")) opts->reduction = GT_SUM;
    else if (strcmp(name, "mean") != 0)
        return gti_call_fail(c, GT_ERR_FORMAT, "there is no reduction '%s'", name);
    const gti_onnx_attr *ignore = gti_call_attr(c, "ignore_index");
    if (ignore) opts->ignore_index = GT_EXACTLY(ignore->i);
    return true;
}

static gt_tensor *run_nll(gti_onnx_call *c)
{
    gt_nll_loss_opts opts;
    return read_loss(c, &opts) ? gt_nll_loss_(c->in[0], c->in[1], opts) : NULL;
}

static gt_tensor *run_cross_entropy(gti_onnx_call *c)
{
    gt_nll_loss_opts opts;
    if (!read_loss(c, &opts)) return NULL;
    gt_tensor *log_prob = gt_log_softmax(c->in[0], 1);
    if (c->n_out > 1) c->out[1] = log_prob;
    return c->out[0] = gt_nll_loss_(log_prob, c->in[1], opts);
}

#define REDUCE(name, fn)                                                                           \
    {                                                                                              \
        name, 1, 2, 1, " axes keepdims noop_with_empty_axes ", 0, .run = (fn)                      \
    }
const gti_onnx_op gti_reductions_ops[] = {
    REDUCE("ReduceSum", run_sum),
    REDUCE("ReduceMean", run_mean),
    REDUCE("ReduceProd", run_prod),
    REDUCE("ReduceMax", run_max),
    REDUCE("ReduceMin", run_min),
    REDUCE("ReduceL1", run_l1),
    REDUCE("ReduceL2", run_l2),
    REDUCE("ReduceLogSum", run_log_sum),
    REDUCE("ReduceLogSumExp", run_logsumexp),
    REDUCE("ReduceSumSquare", run_sum_square),
    {"ArgMax", 1, 1, 1, " axis keepdims select_last_index ", 0, .run = run_arg},
    {"ArgMin", 1, 1, 1, " axis keepdims select_last_index ", 0, .run = run_arg},
    {"CumSum", 2, 2, 1, " exclusive reverse ", 0, .run = run_cumsum},
    {"Softmax", 1, 1, 1, " axis ", 0, .run = run_softmax},
    {"LogSoftmax", 1, 1, 1, " axis ", 0, .run = run_log_softmax},
    {"Hardmax", 1, 1, 1, " axis ", 0, .run = run_hardmax},
    {"NegativeLogLikelihoodLoss", 2, 3, 1, " reduction ignore_index ", 0, .run = run_nll},
    {"SoftmaxCrossEntropyLoss", 2, 3, 2, " reduction ignore_index ", 0, .run = run_cross_entropy},
    {0},
};

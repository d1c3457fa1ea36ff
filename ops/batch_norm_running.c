/* gt_batch_norm: which of the operations of batch_norm.c it is, and running statistics, which are
 * changed in place: no gradient goes through them. */
#include "normalize.h"

/* Fails the context of x. Returns false. */
#define FAIL(x, ...) (gt_fail((x)->ctx, GT_ERR_ARGUMENT, "batch_norm", __VA_ARGS__) == GT_OK)

static bool check_buffer(const gt_tensor *x, const gt_tensor *t, const char *name, gt_dtype dtype,
                         int64_t size)
{
    if (!gti_goes_with(x, t, "batch_norm", name)) return false;
    if (t->ctx != x->ctx) return FAIL(x, "%s belongs to another context than x", name);
    return (t->dtype == dtype && t->size == size) ||
           FAIL(x, "%s is %s %s, needs %s with %lld elements", name, gt_dtype_name(t->dtype),
                GTI_SHAPE_TEXT(t->shape), gt_dtype_name(dtype), (long long)size);
}

static bool check_running(const gt_tensor *x, const gt_tensor *mean, const gt_tensor *var,
                          const gt_batch_norm_opts *o)
{
    const int64_t c = x->shape.ndim > 1 ? x->shape.dim[1] : 1;
    if (gt_failed(x->ctx)) return false;
    if (!mean != !var)
        return FAIL(x, "%s is NULL; both running statistics are needed, or neither",
                    mean ? "running_var" : "running_mean");
    if (o->cumulative && !o->num_batches) return FAIL(x, "a cumulative average needs .num_batches");
    if (mean && (!check_buffer(x, mean, "running_mean", x->dtype, c) ||
                 !check_buffer(x, var, "running_var", x->dtype, c)))
        return false;
    return !o->num_batches || check_buffer(x, o->num_batches, "num_batches", GT_I64, 1);
}

/* The running statistic of all batches so far, or with momentum (1 - momentum) running + momentum
 * scale fresh. */
static void update_statistic(gt_tensor *running, gt_tensor *fresh, double scale,
                             const gt_batch_norm_opts *o)
{
    gt_tensor *const in[] = {running, fresh, o->num_batches};
    const gt_change_args args = {.p = o->momentum, .q = scale};
    if (o->cumulative) gt_apply_into(&gt_op_average, &args, 3, in);
    else gt_apply_into(&gt_op_blend, &args, 2, in);
}

/* The variance is unbiased, as in PyTorch: that of N elements times N / (N - 1). */
static void update_running(const gt_tensor *x, gt_tensor *mean, gt_tensor *var,
                           const gt_batch_norm_opts *o, gt_tensor *const out[])
{
    if (o->num_batches) gt_apply_into(&gt_op_count, NULL, 1, &o->num_batches);
    if (!mean || x->size == 0) return;
    const double count = (double)x->size / (double)mean->size;
    update_statistic(mean, out[1], 1, o);
    update_statistic(var, out[3], count / (count - 1), o);
}

/* With given statistics. What is recorded are two operations, which all readers of graphs know. */
static gt_tensor *evaluate(gt_tensor *x, gt_tensor *const of[4], double eps, gt_activation then)
{
    const bool recorded = gt_is_recording(x->ctx) || gt_is_recording_all(x->ctx);
    if (then != GT_NO_ACTIVATION && !recorded)
        return gt_batch_norm_eval_act(x, of[0], of[1], of[2], of[3], eps, then);
    gt_tensor *y = gt_batch_norm_eval(x, of[0], of[1], of[2], of[3], eps);
    return then == GT_THEN_RELU ? gt_relu(y) : then == GT_THEN_RELU6 ? gt_relu6(y) : y;
}

gt_tensor *gt_batch_norm_(gt_tensor *x, gt_tensor *running_mean, gt_tensor *running_var,
                          gt_batch_norm_opts opts)
{
    if (!gti_is_given(x, "batch_norm") ||
        !gt_complete(x->ctx, "batch_norm", gt_op_batch_norm.call, &opts) ||
        !check_running(x, running_mean, running_var, &opts))
        return NULL;
    const gt_shape c = GT_SHAPE(x->shape.ndim > 1 ? x->shape.dim[1] : 1);
    gt_tensor *weight = gti_normalize_parameter(opts.weight, x, c, 1);
    gt_tensor *bias = gti_normalize_parameter(opts.bias, x, c, 0);
    if (!opts.training && running_mean)
        return evaluate(x, (gt_tensor *[]){weight, bias, running_mean, running_var},
                        GT_EXACTLY(opts.eps), opts.activation);
    const gti_normalize_act_opts all = {{GT_COMPLETE, .eps = opts.eps}, opts.activation};
    const bool plain = opts.activation == GT_NO_ACTIVATION;
    gt_tensor *out[4];
    gt_apply_n(plain ? &gt_op_batch_norm : &gt_op_batch_norm_act, &all, 3,
               (gt_tensor *[]){x, weight, bias}, out);
    if (out[0] && opts.training) update_running(x, running_mean, running_var, &opts, out);
    return out[0];
}

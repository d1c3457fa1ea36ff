/* Losses of classifications, composed: nll_loss, and cross_entropy where one kernel does not do.
 *
 * With w the weight of a row's class (1 without weights, 0 where the class is to be ignored):
 *   nll_loss       - w x[class], x being logarithms of probabilities
 *   cross_entropy  the same of x = log_softmax(logits); with label smoothing e it is
 *                  (1 - e) that + e / c times the sum of - w_k x[k] over all classes k
 *   mean           their sum, divided by the sum of w */
#include <math.h>

#include "classes.h"
#include "reduction.h"

static int class_losses_class_axis(const gt_tensor *x)
{
    return x->shape.ndim > 1 ? 1 : 0;
}

static const gt_attr nll_loss_attrs[] = {
    {GT_OPTION("weight", gt_nll_loss_opts, weight), .meaning = "of the classes, [c]"},
    {GT_OPTION("ignore_index", gt_nll_loss_opts, ignore_index), .otherwise = -100,
     .meaning = GTI_IGNORE_MEANING},
    {GT_CHOICE("reduction", gt_nll_loss_opts, reduction, 3, GTI_REDUCTIONS),
     .meaning = GTI_REDUCTION_MEANING},
};
const gt_attrs gt_attrs_nll_loss = GT_ATTRS(nll_loss_attrs);

static const gt_attr cross_entropy_attrs[] = {
    {GT_OPTION("weight", gt_cross_entropy_opts, weight), .meaning = "of the classes, [c]"},
    {GT_OPTION("ignore_index", gt_cross_entropy_opts, ignore_index), .otherwise = -100,
     .meaning = GTI_IGNORE_MEANING},
    {GT_OPTION("label_smoothing", gt_cross_entropy_opts, label_smoothing),
     .bounds = GT_BETWEEN(0, 1), .meaning = GTI_SMOOTHING_MEANING},
    {GT_CHOICE("reduction", gt_cross_entropy_opts, reduction, 3, GTI_REDUCTIONS),
     .meaning = GTI_REDUCTION_MEANING},
};
const gt_attrs gt_attrs_cross_entropy = GT_ATTRS(cross_entropy_attrs);

static gt_tensor *fail_weight(const gt_tensor *weight, const char *what, int64_t c)
{
    gt_fail(weight->ctx, GT_ERR_SHAPE, what, "weight is %s, but there are %lld classes",
            GTI_SHAPE_TEXT(weight->shape), (long long)c);
    return NULL;
}

/* The weights of the classes, ones where none are given. */
static gt_tensor *class_weight(gt_tensor *x, gt_tensor *weight, const char *what)
{
    if (x->shape.ndim == 0) {
        gt_fail(x->ctx, GT_ERR_SHAPE, what, "the input is a number, needs a dimension of classes");
        return NULL;
    }
    const int64_t c = x->shape.dim[class_losses_class_axis(x)];
    if (!weight) return gt_full(x->ctx, GT_SHAPE(c), 1, .dtype = x->dtype);
    if (!gti_goes_with(x, weight, what, "weight")) return NULL;
    if (weight->shape.ndim != 1 || weight->size != c) return fail_weight(weight, what, c);
    return weight;
}

/* {mean, count} */
static bool weigh_mean(gt_tensor *const t[], const void *data)
{
    (void)data;
    const double weight = gt_item(t[1]);
    return !(weight >= 0 && isfinite(weight)) || gt_set_mean_weight(t[0], weight);
}

/* The sum of losses over the sum of weights: NaN when nothing counts, but then no gradient. Weights
 * of classes that add up to less than 0, or to no number, are none for a mean. */
static gt_tensor *weighted_mean(gt_tensor *losses, gt_tensor *weights)
{
    gt_tensor *total = gt_sum_(losses, (gt_reduce_opts){0});
    gt_tensor *count = gt_sum_(weights, (gt_reduce_opts){0});
    if (!total || !count) return NULL;
    gt_tensor *nan_if_0 = gt_div(gt_zeros_like(count), gt_detach(count));
    gt_tensor *mean = gt_add(gt_div_or_zero(total, count), nan_if_0);
    if (!mean) return NULL;
    gt_tensor *const t[] = {mean, count};
    return gt_host_call(mean->ctx, weigh_mean, 2, t, NULL, 0) ? mean : NULL;
}

static gt_tensor *class_losses_reduce(gt_tensor *losses, gt_tensor *weights, gt_reduction reduction)
{
    if (reduction == GT_NONE) return losses;
    return reduction == GT_SUM ? gt_sum_(losses, (gt_reduce_opts){0})
                               : weighted_mean(losses, weights);
}

/* - w x[class] */
static gt_tensor *class_terms(gt_tensor *x, gt_tensor *target, gt_tensor *weights, int64_t ignore)
{
    return gt_neg(gt_mul_or_zero(weights, gt_pick(x, target, class_losses_class_axis(x), ignore)));
}

/* weight as it broadcasts to x. */
static gt_tensor *along_classes(gt_tensor *weight, const gt_tensor *x)
{
    gt_shape shape = x->shape;
    for (int i = 0; i < shape.ndim; i++)
        if (i != class_losses_class_axis(x)) shape.dim[i] = 1;
    return gt_reshape(weight, shape);
}

/* The sum of - w_k x[k] over classes; NULL where x is. */
static gt_tensor *smooth_terms(gt_tensor *x, gt_tensor *weight)
{
    if (!x) return NULL;
    return gt_neg(gt_sum_(gt_mul_or_zero(x, along_classes(weight, x)),
                          (gt_reduce_opts){.axes = GT_AXIS(class_losses_class_axis(x))}));
}

static bool class_losses_fail_target(const gt_tensor *x, const gt_tensor *target, gt_shape rows,
                                     const char *what)
{
    if (target->dtype != GT_I64)
        gt_fail(x->ctx, GT_ERR_DTYPE, what, "target is %s, must be i64\n  hint: %s",
                gt_dtype_name(target->dtype),
                x->dtype == GT_I64 ? "the target comes behind what was predicted"
                                   : "gt_cast(target, GT_I64)");
    else
        gt_fail(x->ctx, GT_ERR_SHAPE, what, "target is %s, but the input %s has rows %s%s",
                GTI_SHAPE_TEXT(target->shape), GTI_SHAPE_TEXT(x->shape), GTI_SHAPE_TEXT(rows),
                target->size == gt_shape_size(rows) ? "\n  hint: gt_reshape it, or gt_squeeze"
                                                    : "");
    return false;
}

/* The operations below would find the same mistakes, but under their own names. */
static bool check_target(const gt_tensor *x, const gt_tensor *target, int64_t ignore,
                         const char *what)
{
    if (!target) return gt_fail(x->ctx, GT_ERR_ARGUMENT, what, "target is NULL"), false;
    if (!gti_goes_with(x, x, what, "x") || !gti_goes_with(x, target, what, "target")) return false;
    const int axis = class_losses_class_axis(x);
    const gt_shape rows = gti_reduction_shape(x->shape, 1u << axis, false);
    if (target->dtype != GT_I64 || !gt_shape_equal(target->shape, rows))
        return class_losses_fail_target(x, target, rows, what);
    const int64_t c = x->shape.dim[axis], i = gti_classes_outside(target, c, ignore);
    if (i < 0) return true;
    const int64_t label = ((const int64_t *)target->data)[i];
    gt_fail(x->ctx, GT_ERR_ARGUMENT, what, "target%s is %lld, must be in 0..%lld%s",
            GTI_PLACE_TEXT(target->shape, i), (long long)label, (long long)c - 1,
            label == 255 ? "\n  hint: where 255 marks pixels to be ignored, .ignored = 255 of "
                           "gt_mask_folder, or .ignore_index = 255; of masks in black and white, "
                           ".threshold = 128 of gt_mask_folder"
                         : "");
    return false;
}

gt_tensor *gti_compose_nll_loss(gt_tensor *x, gt_tensor *target, gt_nll_loss_opts opts)
{
    if (!gti_is_given(x, "nll_loss")) return NULL;
    const int64_t ignore = opts.ignore_index;
    gt_tensor *weight = class_weight(x, opts.weight, "nll_loss");
    if (!weight || !check_target(x, target, ignore, "nll_loss")) return NULL;
    gt_tensor *weights = gt_class_weights(weight, target, ignore);
    return class_losses_reduce(class_terms(x, target, weights, ignore), weights, opts.reduction);
}

/* A target of classes, with weights. */
static gt_tensor *weighted_classes(gt_tensor *logits, gt_tensor *target, gt_tensor *weight,
                                   const gt_cross_entropy_opts *opts, int64_t ignore)
{
    if (!check_target(logits, target, ignore, "cross_entropy")) return NULL;
    gt_tensor *x = gt_log_softmax(logits, class_losses_class_axis(logits));
    gt_tensor *weights = gt_class_weights(weight, target, ignore);
    gt_tensor *terms = x ? class_terms(x, target, weights, ignore) : NULL;
    const double e = opts->label_smoothing;
    if (e > 0 && terms) {
        gt_tensor *counts = gt_class_weights(gt_ones_like(weight), target, ignore);
        gt_tensor *smooth = gt_mul_or_zero(counts, smooth_terms(x, weight));
        terms =
            gt_add(gt_mul_scalar(terms, 1 - e), gt_mul_scalar(smooth, e / (double)weight->size));
    }
    return class_losses_reduce(terms, weights, opts->reduction);
}

/* A target of probabilities: - sum of w_k q_k log p_k; the mean is over rows, whatever the weights.
 */
static gt_tensor *probabilities(gt_tensor *logits, gt_tensor *target, gt_tensor *weight,
                                const gt_cross_entropy_opts *opts)
{
    const int axis = class_losses_class_axis(logits);
    const double e = opts->label_smoothing, c = (double)logits->shape.dim[axis];
    gt_tensor *x = gt_log_softmax(logits, axis);
    if (e > 0) target = gt_add_scalar(gt_mul_scalar(target, 1 - e), e / c);
    gt_tensor *terms = x ? smooth_terms(gt_mul_or_zero(x, target), weight) : NULL;
    if (opts->reduction == GT_NONE) return terms;
    return opts->reduction == GT_SUM ? gt_sum_(terms, (gt_reduce_opts){0})
                                     : gt_mean_(terms, (gt_reduce_opts){0});
}

gt_tensor *gti_compose_cross_entropy(gt_tensor *logits, gt_tensor *target,
                                     gt_cross_entropy_opts opts)
{
    if (!gti_is_given(logits, "cross_entropy")) return NULL;
    const int64_t ignore = opts.ignore_index;
    const bool soft = target && target->dtype == logits->dtype && gt_same_shape(logits, target);
    if (!soft && !opts.weight) {
        if (logits->shape.ndim && !check_target(logits, target, ignore, "cross_entropy"))
            return NULL;
        return gt_cross_entropy_classes(logits, target, ignore, opts.label_smoothing,
                                        opts.reduction);
    }
    gt_tensor *weight = class_weight(logits, opts.weight, "cross_entropy");
    if (!weight) return NULL;
    return soft ? probabilities(logits, target, weight, &opts)
                : weighted_classes(logits, target, weight, &opts, ignore);
}

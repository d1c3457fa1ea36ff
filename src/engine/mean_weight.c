/* What a mean averaged over: a number in the label of its tensor. */
#include <math.h>

#include "engine/context.h"

static bool check(const gt_tensor *t, const char *what, double weight)
{
    if (!gti_tensor_usable(t, what)) return false;
    char shape[128];
    if (t->size != 1)
        gt_fail(t->ctx, GT_ERR_SHAPE, what, "the mean has %lld elements, not one: shape %s",
                (long long)t->size, gt_shape_format(t->shape, shape, sizeof shape));
    else if (!(weight >= 0 && isfinite(weight)))
        gt_fail(t->ctx, GT_ERR_ARGUMENT, what, "the weight is %g, must be finite and not negative",
                weight);
    return !gt_failed(t->ctx);
}

gt_tensor *gt_set_mean_weight(gt_tensor *t, double weight)
{
    static const char what[] = "gt_set_mean_weight";
    gti_label *label = check(t, what, weight) ? gti_label_of(t, what) : NULL;
    if (!label) return NULL;
    label->weighed = true;
    label->mean_weight = weight;
    return t;
}

/* A sweep may have released the data; the label is still there. */
double gt_mean_weight(const gt_tensor *t)
{
    static const char what[] = "gt_mean_weight";
    if (!t) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the tensor is NULL");
    if (!t || gt_failed(t->ctx)) return NAN;
    if (gti_t(t)->flags & GTI_DEAD) {
        gt_fail(t->ctx, GT_ERR_STATE, what, "the tensor %s", gt_unusable(t));
        return NAN;
    }
    const gti_label *label = gti_t(t)->label;
    return label && label->weighed ? label->mean_weight : NAN;
}

/* Losses composed of operations: of distances, of overlaps, of rare classes. */
#include <math.h>

#include "classes.h"

#define REDUCTION(type)                                                                            \
    {                                                                                              \
        GT_CHOICE("reduction", type, reduction, 3, GTI_REDUCTIONS),                                \
            .meaning = GTI_REDUCTION_MEANING                                                       \
    }
// clang-format off
static const gt_attr triplet_margin_loss_attrs[] = {
    {GT_OPTION("margin", gt_triplet_margin_loss_opts, margin), .otherwise = 1, .bounds = GT_POSITIVE, .meaning = "by how much the negative is to be farther"},
    {GT_OPTION("p", gt_triplet_margin_loss_opts, p), .otherwise = 2, .bounds = GT_NO_NAN, .meaning = "of the norm"},
    {GT_OPTION("eps", gt_triplet_margin_loss_opts, eps), .otherwise = 1e-6, .bounds = GT_FINITE, .meaning = "added to differences"},
    {GT_OPTION("swap", gt_triplet_margin_loss_opts, swap), .meaning = "the smaller of the negative's distances to anchor and positive counts"},
    REDUCTION(gt_triplet_margin_loss_opts),
};
const gt_attrs gt_attrs_triplet_margin_loss = GT_ATTRS(triplet_margin_loss_attrs);
static const gt_attr hinge_embedding_loss_attrs[] = {
    {GT_OPTION("margin", gt_hinge_embedding_loss_opts, margin), .otherwise = 1, .bounds = GT_FINITE, .meaning = "where x of different ones is far enough"},
    REDUCTION(gt_hinge_embedding_loss_opts),
};
const gt_attrs gt_attrs_hinge_embedding_loss = GT_ATTRS(hinge_embedding_loss_attrs);
static const gt_attr sigmoid_focal_loss_attrs[] = {
    {GT_OPTION("alpha", gt_sigmoid_focal_loss_opts, alpha), .otherwise = 0.25, .bounds = GT_BOUNDS(-DBL_MAX, 1, 0), .meaning = "factor where target is 1; negative: none"},
    {GT_OPTION("gamma", gt_sigmoid_focal_loss_opts, gamma), .otherwise = 2, .bounds = GT_NOT_NEGATIVE, .meaning = "how little what is right counts"},
    REDUCTION(gt_sigmoid_focal_loss_opts),
};
const gt_attrs gt_attrs_sigmoid_focal_loss = GT_ATTRS(sigmoid_focal_loss_attrs);
static const gt_attr dice_loss_attrs[] = {
    {GT_OPTION("smooth", gt_dice_loss_opts, smooth), .otherwise = 1, .bounds = GT_NOT_NEGATIVE, .meaning = "added above and below"},
    REDUCTION(gt_dice_loss_opts),
};
const gt_attrs gt_attrs_dice_loss = GT_ATTRS(dice_loss_attrs);
// clang-format on

static gt_tensor *margin_reduce(gt_tensor *losses, gt_reduction reduction)
{
    const gt_reduce_opts all = {0};
    if (!losses || reduction == GT_NONE) return losses;
    if (reduction == GT_SUM) return gt_sum_(losses, all);
    gt_tensor *mean = gt_mean_(losses, all);
    return mean ? gt_set_mean_weight(mean, (double)losses->size) : NULL;
}

static gt_tensor *above_zero(gt_tensor *x)
{
    return gt_clamp(x, 0, INFINITY);
}

static bool check_alike(const gt_tensor *x, const gt_tensor *target, const char *what)
{
    if (!gti_is_given(x, what) || !gti_goes_with(x, target, what, "target")) return false;
    if (gt_same_shape(x, target)) return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, what, "x is %s, but target %s", GTI_SHAPE_TEXT(x->shape),
            GTI_SHAPE_TEXT(target->shape));
    return false;
}

/* --- triplet_margin_loss --- */

static gt_tensor *triplet_distance(gt_tensor *a, gt_tensor *b, const gt_triplet_margin_loss_opts *o)
{
    const gt_norm_opts norm = {.axes = GT_AXIS(-1), .p = GT_EXACTLY(o->p)};
    return gt_norm_(gt_add_scalar(gt_sub(a, b), o->eps), norm);
}

gt_tensor *gti_compose_triplet_margin_loss(gt_tensor *anchor, gt_tensor *positive,
                                           gt_tensor *negative, gt_triplet_margin_loss_opts opts)
{
    gt_tensor *near = triplet_distance(anchor, positive, &opts),
              *far = triplet_distance(anchor, negative, &opts);
    if (near && far && opts.swap)
        far = gt_minimum(far, triplet_distance(positive, negative, &opts));
    return margin_reduce(above_zero(gt_add_scalar(gt_sub(near, far), opts.margin)), opts.reduction);
}

/* --- hinge_embedding_loss: as PyTorch's, a target that is neither has both terms --- */

gt_tensor *gti_compose_hinge_embedding_loss(gt_tensor *x, gt_tensor *target,
                                            gt_hinge_embedding_loss_opts opts)
{
    if (!check_alike(x, target, "hinge_embedding_loss")) return NULL;
    gt_tensor *apart = above_zero(gt_rsub_scalar(x, opts.margin));
    gt_tensor *losses = gt_add(gt_masked_fill(apart, gt_eq_scalar(target, 1), 0),
                               gt_masked_fill(x, gt_eq_scalar(target, -1), 0));
    return margin_reduce(losses, opts.reduction);
}

/* --- sigmoid_focal_loss --- */

/* a where target is 1, 1 - a where it is 0 */
static gt_tensor *by_target(gt_tensor *target, double a)
{
    return gt_add_scalar(gt_mul_scalar(target, 2 * a - 1), 1 - a);
}

gt_tensor *gti_compose_sigmoid_focal_loss(gt_tensor *x, gt_tensor *target,
                                          gt_sigmoid_focal_loss_opts opts)
{
    if (!check_alike(x, target, "sigmoid_focal_loss")) return NULL;
    gt_tensor *losses = gt_binary_cross_entropy_with_logits_(
        x, target, (gt_binary_cross_entropy_with_logits_opts){.reduction = GT_NONE});
    gt_tensor *p = gt_sigmoid(x); /* 1 - p_t = p + t - 2 p t */
    gt_tensor *wrong = gt_sub(gt_add(p, target), gt_mul_scalar(gt_mul(p, target), 2));
    losses = gt_mul(losses, gt_pow_scalar(wrong, opts.gamma));
    if (opts.alpha >= 0) losses = gt_mul(losses, by_target(target, opts.alpha));
    return margin_reduce(losses, opts.reduction);
}

/* --- dice_loss --- */

/* Sums of the items x[i]; of a vector, the whole is one. */
static gt_tensor *sum_of_items(gt_tensor *x)
{
    if (!x) return NULL;
    const int64_t items = x->shape.ndim > 1 ? x->shape.dim[0] : 1;
    gt_tensor *rows = gt_reshape(x, GT_SHAPE(items, items ? x->size / items : 0));
    return gt_sum_(rows, (gt_reduce_opts){.axes = GT_AXIS(1)});
}

gt_tensor *gti_compose_dice_loss(gt_tensor *x, gt_tensor *target, gt_dice_loss_opts opts)
{
    if (!check_alike(x, target, "dice_loss")) return NULL;
    gt_tensor *both = gt_mul_scalar(sum_of_items(gt_mul(x, target)), 2);
    gt_tensor *all = gt_add(sum_of_items(x), sum_of_items(target));
    gt_tensor *part = gt_div(gt_add_scalar(both, opts.smooth), gt_add_scalar(all, opts.smooth));
    return margin_reduce(gt_rsub_scalar(part, 1), opts.reduction);
}

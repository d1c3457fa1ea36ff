/* cross_entropy_classes: softmax, logarithm and comparison with one class a row, in one pass that
 * finds the gradient, too. Rows of x [n,c,..] lie along axis 1 (0 of a vector), c classes.
 *
 *   p = softmax(x)    q = the target: 1 - smoothing at its class, and smoothing / c everywhere
 *   loss = - sum of q log p, 0 in rows whose target is `ignore`
 *   y  = the losses, their sum, or their mean over the rows that count (NaN when none does)
 *   dx = s (p - q), s = 1 in rows that count (divided by their number for the mean), else 0
 *
 * dx is an output, so it may carry a gradient g itself: the gradient of dx in x is the one of
 * softmax, scaled: s softmax_dx(p, g).
 *
 * The functions: cross_entropy, which composes what the above does not cover (class weights,
 * targets as probabilities) from log_softmax, and nll_loss. */
#include <math.h>

#include "classes.h"
#include "reduction.h"

typedef struct {
    gt_keywords gt_;
    int64_t ignore;
    double smoothing;
    gt_reduction reduction;
} classes_opts;

static int cross_entropy_class_axis(const gt_tensor *x)
{
    return x->shape.ndim > 1 ? 1 : 0;
}

static bool cross_entropy_fail_target(const gt_node *n, gt_shape rows)
{
    const gt_tensor *x = n->in[0], *target = n->in[1];
    gt_op_fail(n, GT_ERR_SHAPE, "target is %s, but x %s has rows %s", GTI_SHAPE_TEXT(target->shape),
               GTI_SHAPE_TEXT(x->shape), GTI_SHAPE_TEXT(rows));
    if (gt_same_shape(x, target))
        gt_op_hint(n, "a target of probabilities has x's dtype; this one is %s",
                   gt_dtype_name(target->dtype));
    else if (x->shape.ndim > 2 && target->shape.ndim == x->shape.ndim - 1)
        gt_op_hint(n, "classes lie along axis 1 of x: [n,c,..]");
    return false;
}

enum { COST = 10 }; /* of an element: an exponential */

/* Scratch: what dx is multiplied by for the mean, then the losses. */
enum { LOSSES = 64 };

static void *losses_in(void *scratch)
{
    return (char *)scratch + LOSSES;
}

static gti_along rows_of(const gt_node *n)
{
    return gti_reduction_along(n->in[0]->shape, cross_entropy_class_axis(n->in[0]));
}

/* Losses and dx, the losses' sum, and for the mean dx divided. */
static void cross_entropy_divide(gt_node *n)
{
    const gt_reduction reduction = ((const classes_opts *)n->opts)->reduction;
    const gti_along s = rows_of(n);
    const int64_t size = n->in[0]->size;
    gti_reduction_along_divide(n, 0, &s, COST);
    if (reduction == GT_NONE) return;
    n->scratch_size = LOSSES + (size_t)n->in[1]->size * gt_dtype_size(n->in[0]->dtype);
    n->parts[1] = 1;
    if (reduction == GT_MEAN) n->parts[2] = gt_element_parts(n, size, 1);
}

static bool cross_entropy_infer(gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gt_tensor *x = n->in[0];
    if (x->shape.ndim == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "x is a number, needs a dimension of classes");
    const int axis = cross_entropy_class_axis(x);
    const gt_shape rows = gti_reduction_shape(x->shape, 1u << axis, false);
    if (!gt_shape_equal(n->in[1]->shape, rows)) return cross_entropy_fail_target(n, rows);
    if (!gti_classes_check(n, 1, x->shape.dim[axis], opts->ignore)) return false;
    n->out[0]->shape = opts->reduction == GT_NONE ? rows : GT_SCALAR;
    n->out[1]->shape = x->shape;
    cross_entropy_divide(n);
    return true;
}

/* The losses and dx of rows. */
static void cross_entropy_compare(gt_node *n, const gt_range *r)
{
    const classes_opts *opts = n->opts;
    const gti_along s = rows_of(n);
    const gti_along_range at = gti_reduction_along_range_of(n, r, &s);
    const gti_classes rows = {.s = at.s,
                              .target = gti_from(n->in[1], at.y),
                              .ignore = opts->ignore,
                              .smoothing = opts->smoothing};
    void *losses = opts->reduction == GT_NONE ? n->out[0]->data : losses_in(n->scratch);
    gti_kernels_for(n)->softmax.cross_entropy(
        &rows, gti_from(n->in[0], at.x), gti_at(losses, at.y, n->dtype), gti_to(n->out[1], at.x));
}

static void sum_losses(gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gti_kernels *k = gti_kernels_for(n);
    const int64_t rows = n->in[0]->size > 0 ? n->in[1]->size : 0;
    void *y = n->out[0]->data;
    k->sum(&(gti_along){1, rows, 1, 0}, losses_in(n->scratch), y);
    if (opts->reduction != GT_MEAN) return;
    double *scale = n->scratch;
    *scale = 1 / (double)gti_classes_counted(n->in[1], opts->ignore);
    k->unary[GTI_UNARY_mul_scalar](1, y, *scale, y);
}

/* When no row counts: 0 times infinity is NaN, but dx is all zeros and stays so. */
static void scale_dx(gt_node *n, const gt_range *r)
{
    const gt_tensor *dx = n->out[1];
    const int64_t first = gt_element_begin(dx->size, n->parts[2], r->begin);
    const int64_t last = gt_element_begin(dx->size, n->parts[2], r->end);
    const double scale = *(const double *)n->scratch;
    void *to = gti_to(dx, first);
    if (isfinite(scale))
        gti_kernels_for(n)->unary[GTI_UNARY_mul_scalar](last - first, to, scale, to);
}

static void cross_entropy_parts(gt_node *n, const gt_range *r)
{
    if (r->stage == 0) cross_entropy_compare(n, r);
    else if (r->stage == 1) sum_losses(n);
    else scale_dx(n, r);
}

/* s, of the rows' shape. */
static gt_tensor *row_scale(const gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gt_tensor *x = n->in[0];
    const gt_shape classes = GT_SHAPE(x->shape.dim[cross_entropy_class_axis(x)]);
    gt_tensor *s =
        gt_class_weights(gt_full(x->ctx, classes, 1, .dtype = x->dtype), n->in[1], opts->ignore);
    return opts->reduction == GT_MEAN ? gt_div_or_zero(s, gt_sum_(s, (gt_reduce_opts){0})) : s;
}

/* A tensor of the rows' shape, or a number, with the axis of classes: it broadcasts to x. */
static gt_tensor *beside_classes(const gt_node *n, gt_tensor *t)
{
    const gt_tensor *x = n->in[0];
    if (!t || t->shape.ndim == 0) return t;
    return gt_reshape(t, gti_reduction_shape(x->shape, 1u << cross_entropy_class_axis(x), true));
}

static bool cross_entropy_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *dx = NULL, *further = NULL;
    const int axis = cross_entropy_class_axis(x);
    if (gout[0])
        dx = gt_mul(beside_classes(n, GT_MUTANT(cross_entropy_upstream, gout[0], n->out[0])),
                    n->out[1]);
    if (gout[1]) {
        gt_tensor *g = gt_mul(gout[1], beside_classes(n, row_scale(n)));
        further = gt_softmax_dx(gt_softmax(x, axis), g, axis);
    }
    if (GT_MUTANT(cross_entropy_second, dx && further, false)) gin[0] = gt_add(dx, further);
    else gin[0] = dx ? dx : further;
    return true;
}

static double cross_entropy_flops(const gt_node *n)
{
    return 5 * (double)n->in[0]->size;
}

#include "cross_entropy_samples.h"

static const gt_attr classes_attrs[] = {
    {GT_ARGUMENT("ignore_index", classes_opts, ignore), .meaning = GTI_IGNORE_MEANING},
    {GT_ARGUMENT("label_smoothing", classes_opts, smoothing), .bounds = GT_BETWEEN(0, 1),
     .meaning = GTI_SMOOTHING_MEANING},
    {GT_CHOICE("reduction", classes_opts, reduction, 3, GTI_REDUCTIONS), .argument = true,
     .meaning = GTI_REDUCTION_MEANING},
};

const gt_op gt_op_cross_entropy_classes = {
    .name = "cross_entropy_classes",
    .inputs = "x target",
    .n_in = 2,
    .n_out = 2,
    .opts_size = sizeof(classes_opts),
    .attrs = GT_ATTRS(classes_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES,
    .infer = cross_entropy_infer,
    .parts = GT_FOR_FLOATS(cross_entropy_parts),
    .backward = cross_entropy_backward,
    .gradient = "dx = dy s (softmax(x) - q), q the target as probabilities, s = 1 in rows that "
                "count (over their number for the mean), else 0",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = cross_entropy_flops,
};

/* The weight of a mean over the rows of a target that count, {mean, target}. */
static bool cross_entropy_weigh(gt_tensor *const t[], const void *ignore)
{
    return gt_set_mean_weight(t[0], (double)gti_classes_counted(t[1], *(const int64_t *)ignore));
}

gt_tensor *gt_cross_entropy_classes(gt_tensor *x, gt_tensor *target, int64_t ignore,
                                    double smoothing, gt_reduction reduction)
{
    gt_tensor *out[2];
    const classes_opts opts = {.ignore = ignore, .smoothing = smoothing, .reduction = reduction};
    gt_apply_n(&gt_op_cross_entropy_classes, &opts, 2, (gt_tensor *[]){x, target}, out);
    if (!out[0] || reduction != GT_MEAN) return out[0];
    gt_tensor *const t[] = {out[0], target};
    return gt_host_call(x->ctx, cross_entropy_weigh, 2, t, &ignore, sizeof ignore) ? out[0] : NULL;
}

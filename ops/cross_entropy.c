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
#include "classes.h"
#include "reduction.h"

typedef struct {
    int64_t ignore;
    double smoothing;
    gt_reduction reduction;
} classes_opts;

static int class_axis(const gt_tensor *x)
{
    return x->shape.ndim > 1 ? 1 : 0;
}

static bool check_options(const gt_node *n)
{
    const classes_opts *opts = n->opts;
    if (!(opts->smoothing >= 0 && opts->smoothing <= 1))
        return gt_op_fail(n, GT_ERR_ARGUMENT, "label_smoothing is %g, must be in 0..1",
                          opts->smoothing);
    return (unsigned)opts->reduction <= GT_NONE ||
           gt_op_fail(n, GT_ERR_ARGUMENT, "reduction is %d, must be GT_MEAN, GT_SUM or GT_NONE",
                      (int)opts->reduction);
}

static bool fail_target(const gt_node *n, gt_shape rows)
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

static bool infer(gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gt_tensor *x = n->in[0];
    if (!check_options(n)) return false;
    if (x->shape.ndim == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "x is a number, needs a dimension of classes");
    const int axis = class_axis(x);
    const gt_shape rows = gti_reduced_shape(x->shape, 1u << axis, false);
    if (!gt_shape_equal(n->in[1]->shape, rows)) return fail_target(n, rows);
    if (!gti_check_classes(n, 1, x->shape.dim[axis], opts->ignore)) return false;
    n->out[0]->shape = opts->reduction == GT_NONE ? rows : GT_SCALAR;
    n->out[1]->shape = x->shape;
    if (opts->reduction != GT_NONE)
        n->scratch_size = (size_t)n->in[1]->size * gt_dtype_size(x->dtype);
    return true;
}

static void forward(gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gt_tensor *x = n->in[0], *target = n->in[1], *y = n->out[0], *dx = n->out[1];
    const gti_kernels *k = gti_kernels_for(n);
    const bool reduced = opts->reduction != GT_NONE;
    const gti_classes rows = {.s = gti_along_axis(x->shape, class_axis(x)),
                              .target = target->data,
                              .ignore = opts->ignore,
                              .smoothing = opts->smoothing};
    void *losses = reduced ? n->scratch : y->data;
    const int64_t counted = k->softmax.cross_entropy(&rows, x->data, losses, dx->data);
    if (reduced) k->sum(1, x->size > 0 ? target->size : 0, 1, losses, y->data);
    if (opts->reduction != GT_MEAN) return;
    const double scale = 1 / (double)counted;
    /* When no row counts: 0 times infinity is NaN, but dx is all zeros and stays so. */
    k->unary[GTI_UNARY_mul_scalar](1, y->data, scale, y->data);
    if (counted > 0) k->unary[GTI_UNARY_mul_scalar](dx->size, dx->data, scale, dx->data);
}

/* s, of the rows' shape. */
static gt_tensor *row_scale(const gt_node *n)
{
    const classes_opts *opts = n->opts;
    const gt_tensor *x = n->in[0];
    const gt_shape classes = GT_SHAPE(x->shape.dim[class_axis(x)]);
    gt_tensor *s =
        gt_class_weights(gt_full(x->ctx, classes, 1, .dtype = x->dtype), n->in[1], opts->ignore);
    return opts->reduction == GT_MEAN ? gt_div_or_zero(s, gt_sum_(s, (gt_reduce_opts){0})) : s;
}

/* A tensor of the rows' shape, or a number, with the axis of classes: it broadcasts to x. */
static gt_tensor *beside_classes(const gt_node *n, gt_tensor *t)
{
    const gt_tensor *x = n->in[0];
    if (!t || t->shape.ndim == 0) return t;
    return gt_reshape(t, gti_reduced_shape(x->shape, 1u << class_axis(x), true));
}

static bool backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0], *dx = NULL, *further = NULL;
    const int axis = class_axis(x);
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

static double flops(const gt_node *n)
{
    return 5 * (double)n->in[0]->size;
}

#include "cross_entropy_samples.h"

const gt_op gt_op_cross_entropy_classes = {
    .name = "cross_entropy_classes",
    .inputs = "x target",
    .n_in = 2,
    .n_out = 2,
    .opts_size = sizeof(classes_opts),
    .flags = GT_OP_MIXED,
    .infer = infer,
    .forward = GT_FOR_FLOATS(forward),
    .backward = backward,
    .gradient = "dx = dy s (softmax(x) - q), q the target as probabilities, s = 1 in rows that "
                "count (over their number for the mean), else 0",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = flops,
};

gt_tensor *gt_cross_entropy_classes(gt_tensor *x, gt_tensor *target, int64_t ignore,
                                    double smoothing, gt_reduction reduction)
{
    gt_tensor *out[2];
    const classes_opts opts = {ignore, smoothing, reduction};
    gt_apply_n(&gt_op_cross_entropy_classes, &opts, 2, (gt_tensor *[]){x, target}, out);
    if (!out[0] || reduction != GT_MEAN) return out[0];
    return gt_set_mean_weight(out[0], (double)gti_classes_counted(target, ignore));
}

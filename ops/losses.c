/* Losses between x and a target t of its shape: the elements' losses, their sum, or their mean.
 * The formulas are in kernels/loss.def, the derivatives in the rows at the end.
 *
 *   dx = dy times d loss / dx, dt = dy times d loss / dt, divided by N for the mean, element by
 *   element */
#include <math.h>

#include "classes.h"
#include "indices.h"
#include "reduction.h"

typedef struct {
    gt_keywords gt_;
    double s; /* beta or delta */
    gt_reduction reduction;
    bool log_target; /* of kl_div */
} loss_opts;

static double scale_of(const gt_node *n)
{
    return ((const loss_opts *)n->opts)->s;
}

/* What the sum is divided by. */
static double count_of(const gt_tensor *x, gt_reduction reduction)
{
    switch (reduction) {
    case GT_MEAN: return (double)x->size;
    case GT_BATCHMEAN: return (double)x->shape.dim[0];
    case GT_SUM:
    case GT_NONE: break;
    }
    return 1;
}

static gt_reduction losses_reduction_of(const gt_node *n)
{
    return ((const loss_opts *)n->opts)->reduction;
}

enum { COST = 8 }; /* of an element */

static bool is_reduced(const gt_node *n)
{
    return losses_reduction_of(n) != GT_NONE;
}

/* Sums are those of chunks, whose losses are made in the worker's scratch: they stay in the cache.
 */
static void losses_divide(gt_node *n)
{
    const int64_t size = n->in[0]->size;
    if (!is_reduced(n)) {
        n->parts[0] = gt_element_parts(n, size, COST);
        return;
    }
    gti_reduction_chunks_divide(n, size, COST);
    n->scratch_size = (size_t)gti_reduction_chunks(size) * sizeof(double);
    n->worker_scratch =
        (size_t)(size < GTI_SUM_CHUNK ? size : GTI_SUM_CHUNK) * gt_dtype_size(n->in[0]->dtype);
}

static bool losses_infer(gt_node *n)
{
    const loss_opts *opts = n->opts;
    const gt_tensor *x = n->in[0], *t = n->in[1];
    if (!gt_same_shape(x, t)) {
        gt_op_fail(n, GT_ERR_SHAPE, "x is %s, but target %s", GTI_SHAPE_TEXT(x->shape),
                   GTI_SHAPE_TEXT(t->shape));
        if (x->size == t->size)
            gt_op_hint(n, "gt_reshape(target, x->shape) where the elements belong to each other");
        return false;
    }
    if (opts->reduction == GT_BATCHMEAN && x->shape.ndim == 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "a number has no batches");
    n->out[0]->shape = opts->reduction == GT_NONE ? x->shape : GT_SCALAR;
    losses_divide(n);
    return true;
}

/* Losses from element `first` on, into `losses`. */
static void losses_compare(gt_node *n, gti_pair which, gti_items at, void *losses)
{
    gti_kernels_for(n)->loss.pair[which](at.count, gti_from(n->in[0], at.first),
                                         gti_from(n->in[1], at.first), scale_of(n), losses);
}

static void run_elements(gt_node *n, const gt_range *r, gti_pair which)
{
    const int64_t size = n->in[0]->size, parts = n->parts[0];
    const int64_t first = gt_element_begin(size, parts, r->begin);
    losses_compare(n, which, (gti_items){first, gt_element_begin(size, parts, r->end) - first},
                   gti_to(n->out[0], first));
}

static void run_reduced(gt_node *n, const gt_range *r, gti_pair which)
{
    const gti_kernels *k = gti_kernels_for(n);
    const int64_t size = n->in[0]->size;
    double *sums = n->scratch;
    void *y = n->out[0]->data;
    if (r->stage == 0) {
        const gti_items at = gti_reduction_chunks_of(n, r, size);
        for (int64_t first = at.first, end = first + at.count; first < end;
             first += GTI_SUM_CHUNK) {
            const int64_t left = end - first, count = left < GTI_SUM_CHUNK ? left : GTI_SUM_CHUNK;
            losses_compare(n, which, (gti_items){first, count}, r->scratch);
            k->sum_chunks(count, r->scratch, sums + first / GTI_SUM_CHUNK);
        }
    }
    if (r->stage == 0 && n->parts[0] > 1) return;
    if (size > 0) k->sum_of_chunks(gti_reduction_chunks(size), sums, y);
    else k->fill(1, 0, y);
    k->unary[GTI_UNARY_mul_scalar](1, y, 1 / count_of(n->in[0], losses_reduction_of(n)), y);
}

/* dy times a factor, as it broadcasts to x: for a mean, divided. */
static gt_tensor *upstream(const gt_node *n, double factor, gt_tensor *dy)
{
    const double divisor = count_of(n->in[0], losses_reduction_of(n));
    const double by = divisor > 0 ? factor / divisor : 0;
    return by == 1 ? dy : gt_mul_scalar(dy, by);
}

static gt_tensor *one_minus(gt_tensor *x)
{
    return gt_rsub_scalar(x, 1);
}

/* log x and log (1 - x), as bounded as in the loss. */
static gt_tensor *bounded_log(gt_tensor *x)
{
    return gt_clamp(gt_log(x), -100, INFINITY);
}

static gt_tensor *bounded_log1p(gt_tensor *x)
{
    return gt_clamp(gt_log1p(x), -100, INFINITY);
}

/* (x - t) / (x (1 - x)), bounded as in PyTorch */
static gt_tensor *bce_slope(gt_tensor *x, gt_tensor *t)
{
    return gt_div(gt_sub(x, t), gt_clamp(gt_mul(x, one_minus(x)), 1e-12, INFINITY));
}

/* The number s as a constant of x's dtype. */
static gt_tensor *losses_constant(const gt_tensor *x, double s)
{
    return gt_scalar(x->ctx, s, .dtype = x->dtype);
}

/* log t - x + 1; log 0 is that of the least number, so that a probability that comes to 0 in the
 * softmax that it is of gives 0 times a number there, as it should, and not times infinity. */
static gt_tensor *kl_slope(gt_tensor *x, gt_tensor *t)
{
    const double least = t->dtype == GT_F32 ? 0x1p-149 : 0x1p-1074;
    gt_tensor *safe = gt_where(gt_eq_scalar(t, 0), losses_constant(t, least), t);
    return gt_add_scalar(gt_sub(gt_log(safe), x), 1);
}

/* e^t (t - x + 1), 0 where e^t is 0. */
static gt_tensor *kl_log_slope(gt_tensor *x, gt_tensor *t)
{
    gt_tensor *p = gt_exp(t), *d = gt_add_scalar(gt_sub(t, x), 1);
    return gt_mul(p, gt_where(gt_eq_scalar(p, 0), losses_constant(x, 0), d));
}

static double losses_flops(const gt_node *n)
{
    return 4 * (double)n->in[0]->size;
}

#include "losses_samples.h"

// clang-format off
#define REDUCTION(n, names)                                                                        \
    {GT_CHOICE("reduction", loss_opts, reduction, n, names), .meaning = GTI_REDUCTION_MEANING}
#define ANY_REDUCTION REDUCTION(3, GTI_REDUCTIONS)
#define NO_S {GT_OPTION("", loss_opts, s)}
#define NO_LOG {GT_OPTION("", loss_opts, log_target)}
#define WEIGHT(name) {GT_BESIDE(name), .usual = "none", .meaning = "broadcasts to x"}
static const gt_attr mse_loss_attrs[] = {NO_S, NO_LOG, ANY_REDUCTION};
static const gt_attr l1_loss_attrs[] = {NO_S, NO_LOG, ANY_REDUCTION};
static const gt_attr smooth_l1_loss_attrs[] = {
    {GT_OPTION("beta", loss_opts, s), .otherwise = 1, .bounds = GT_POSITIVE, .meaning = "where the bend is; GT_ZERO: l1_loss"},
    NO_LOG, ANY_REDUCTION};
static const gt_attr huber_loss_attrs[] = {
    {GT_OPTION("delta", loss_opts, s), .otherwise = 1, .bounds = GT_POSITIVE, .meaning = "where the bend is"},
    NO_LOG, ANY_REDUCTION};
static const gt_attr binary_cross_entropy_attrs[] = {NO_S, NO_LOG, WEIGHT("weight"), ANY_REDUCTION};
static const gt_attr binary_cross_entropy_with_logits_attrs[] = {
    NO_S, NO_LOG, WEIGHT("weight"), WEIGHT("pos_weight"), ANY_REDUCTION};
static const gt_attr kl_div_attrs[] = {
    NO_S, {GT_OPTION("log_target", loss_opts, log_target), .meaning = "target holds logarithms, as x does"},
    REDUCTION(4, GTI_REDUCTIONS " GT_BATCHMEAN")};
// clang-format on

/* A row: name; kernel; samples; error samples; a factor of both gradients; dx and dt, of dy times
 * that, x, t, s and log_target; both as text. */
#define LOSS(id, kernel, table, errors, factor, dx, dt, formula)                                   \
    static void id##_parts(gt_node *n, const gt_range *r)                                          \
    {                                                                                              \
        const bool log_target = ((const loss_opts *)n->opts)->log_target;                          \
        (void)log_target;                                                                          \
        if (is_reduced(n)) run_reduced(n, r, (kernel));                                            \
        else run_elements(n, r, (kernel));                                                         \
    }                                                                                              \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        gt_tensor *x = n->in[0], *t = n->in[1];                                                    \
        const double s = scale_of(n);                                                              \
        gt_tensor *dy = upstream(n, (factor), GT_MUTANT(id##_upstream, gout[0], n->out[0]));       \
        const bool log_target = ((const loss_opts *)n->opts)->log_target;                          \
        (void)s, (void)log_target;                                                                 \
        if (gt_needs_grad(n, 0)) gin[0] = (dx);                                                    \
        if (gt_needs_grad(n, 1)) gin[1] = GT_MUTANT(id##_target_sign, (dt), gt_neg(dt));           \
        return true;                                                                               \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x target",                                                                      \
        .n_in = 2,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(loss_opts),                                                            \
        .attrs = GT_ATTRS(id##_attrs),                                                             \
        .infer = losses_infer,                                                                     \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = (formula),                                                                     \
        GT_SAMPLES(table),                                                                         \
        GT_ERROR_SAMPLES(errors),                                                                  \
        .flops = losses_flops,                                                                     \
    };

// clang-format off
LOSS(mse_loss, GTI_PAIR_mse, samples, error_samples, 2, gt_huber_loss_dx(dy, x, t, INFINITY), gt_huber_loss_dx(dy, t, x, INFINITY), "dx = dy 2 (x - target), dtarget = -dx")
LOSS(l1_loss, GTI_PAIR_l1, samples, error_samples, 1, gt_mul(dy, gt_sign(gt_sub(x, t))), gt_mul(dy, gt_sign(gt_sub(t, x))), "dx = dy sign(x - target), dtarget = -dx")
LOSS(smooth_l1_loss, GTI_PAIR_smooth_l1, bent_samples, bent_error_samples, 1 / s, gt_huber_loss_dx(dy, x, t, s), gt_huber_loss_dx(dy, t, x, s), "dx = dy d, dtarget = -dx; d = (x - target) / beta, moved into [-1, 1]")
LOSS(huber_loss, GTI_PAIR_huber, bent_samples, bent_error_samples, 1, gt_huber_loss_dx(dy, x, t, s), gt_huber_loss_dx(dy, t, x, s), "dx = dy d, dtarget = -dx; d = x - target, moved into [-delta, delta]")
LOSS(binary_cross_entropy, GTI_PAIR_bce, probability_samples, error_samples, 1, gt_mul(dy, bce_slope(x, t)), gt_mul(dy, gt_sub(bounded_log1p(gt_neg(x)), bounded_log(x))), "dx = dy (x - target) / (x (1 - x)), dtarget = dy (log(1 - x) - log x)")
LOSS(binary_cross_entropy_with_logits, GTI_PAIR_bce_logits, logit_samples, error_samples, 1, gt_mul(dy, gt_sub(gt_sigmoid(x), t)), gt_mul(dy, gt_neg(x)), "dx = dy (sigmoid(x) - target), dtarget = -dy x")
LOSS(kl_div, log_target ? GTI_PAIR_kl_div_log : GTI_PAIR_kl_div, kl_samples, error_samples, 1, gt_mul(dy, gt_neg(log_target ? gt_exp(t) : t)), gt_mul(dy, log_target ? kl_log_slope(x, t) : kl_slope(x, t)), "dx = -dy target, dtarget = dy (log target - x + 1), log 0 being that of the least number; with log_target dx = -dy e^target, dtarget = dy e^target (target - x + 1)")
// clang-format on

/* --- the functions --- */

static gt_tensor *losses_apply(const gt_op *op, gt_tensor *x, gt_tensor *target, loss_opts opts)
{
    gt_tensor *y = gt_apply(op, &opts, 2, (gt_tensor *[]){x, target});
    if (!y || opts.reduction == GT_SUM || opts.reduction == GT_NONE) return y;
    return gt_set_mean_weight(y, count_of(x, opts.reduction));
}

gt_tensor *gt_mse_loss_(gt_tensor *x, gt_tensor *target, gt_loss_opts opts)
{
    return losses_apply(&gt_op_mse_loss, x, target, (loss_opts){.reduction = opts.reduction});
}

gt_tensor *gt_l1_loss_(gt_tensor *x, gt_tensor *target, gt_loss_opts opts)
{
    return losses_apply(&gt_op_l1_loss, x, target, (loss_opts){.reduction = opts.reduction});
}

gt_tensor *gt_smooth_l1_loss_(gt_tensor *x, gt_tensor *target, gt_smooth_l1_loss_opts opts)
{
    if (opts.beta == GT_ZERO)
        return losses_apply(&gt_op_l1_loss, x, target, (loss_opts){.reduction = opts.reduction});
    return losses_apply(&gt_op_smooth_l1_loss, x, target,
                        (loss_opts){.s = opts.beta, .reduction = opts.reduction});
}

gt_tensor *gt_huber_loss_(gt_tensor *x, gt_tensor *target, gt_huber_loss_opts opts)
{
    return losses_apply(&gt_op_huber_loss, x, target,
                        (loss_opts){.s = opts.delta, .reduction = opts.reduction});
}

gt_tensor *gt_kl_div_(gt_tensor *x, gt_tensor *target, gt_kl_div_opts opts)
{
    return losses_apply(&gt_op_kl_div, x, target,
                        (loss_opts){.reduction = opts.reduction, .log_target = opts.log_target});
}

/* Whether w broadcasts to x, and not x to w. */
static bool check_weight(const gt_tensor *x, const gt_tensor *w, const char *what, const char *name)
{
    gt_shape both;
    if (!gti_goes_with(x, w, what, name)) return false;
    if (gt_shape_broadcast(x->shape, w->shape, &both) && gt_shape_equal(both, x->shape))
        return true;
    gt_fail(x->ctx, GT_ERR_SHAPE, what, "%s %s does not broadcast to x %s", name,
            GTI_SHAPE_TEXT(w->shape), GTI_SHAPE_TEXT(x->shape));
    return false;
}

static gt_tensor *losses_reduce(gt_tensor *losses, gt_reduction reduction)
{
    const gt_reduce_opts all = {0};
    if (reduction == GT_NONE) return losses;
    return reduction == GT_SUM ? gt_sum_(losses, all) : gt_mean_(losses, all);
}

static int64_t first_outside(const gt_tensor *x)
{
    int64_t i = 0;
    while (i < x->size && !(gt_load_element(x, i) < 0 || gt_load_element(x, i) > 1)) i++;
    return i;
}

/* Logarithms of what is no probability are NaN, which a sum or mean y passes on: x is looked at
 * only then. */
static gt_tensor *check_probabilities(gt_tensor *y, const gt_tensor *x)
{
    if (!y || y->size != 1 || !isnan(gt_load_element(y, 0))) return y;
    const bool shapes_only = gt_set_shapes_only(x->ctx, false);
    gt_set_shapes_only(x->ctx, shapes_only);
    const int64_t i = first_outside(x);
    if (shapes_only || i == x->size) return y;
    gt_fail(x->ctx, GT_ERR_ARGUMENT, gt_op_binary_cross_entropy.name,
            "x%s is %g, must be in 0..1\n  hint: gt_sigmoid makes probabilities of numbers; "
            "gt_binary_cross_entropy_with_logits takes the numbers themselves, and loses nothing",
            GTI_PLACE_TEXT(x->shape, i), gt_load_element(x, i));
    return NULL;
}

gt_tensor *gt_binary_cross_entropy_(gt_tensor *x, gt_tensor *target,
                                    gt_binary_cross_entropy_opts opts)
{
    const gt_op *op = &gt_op_binary_cross_entropy;
    gt_tensor *y = losses_apply(op, x, target,
                                (loss_opts){.reduction = opts.weight ? GT_NONE : opts.reduction});
    if (!y || !opts.weight) return check_probabilities(y, x);
    return check_weight(x, opts.weight, op->name, "weight")
               ? check_probabilities(losses_reduce(gt_mul_or_zero(y, opts.weight), opts.reduction),
                                     x)
               : NULL;
}

/* -(p t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))): the loss is each logarithm for a target of 1
 * or 0. */
static gt_tensor *with_pos_weight(gt_tensor *x, gt_tensor *t, gt_tensor *pos_weight)
{
    const gt_op *op = &gt_op_binary_cross_entropy_with_logits;
    const loss_opts none = {.reduction = GT_NONE};
    if (!check_weight(x, pos_weight, op->name, "pos_weight")) return NULL;
    gt_tensor *positive = losses_apply(op, x, gt_ones_like(x), none);
    gt_tensor *negative = losses_apply(op, x, gt_zeros_like(x), none);
    return gt_add(gt_mul_or_zero(gt_mul(pos_weight, t), positive),
                  gt_mul_or_zero(one_minus(t), negative));
}

gt_tensor *gt_binary_cross_entropy_with_logits_(gt_tensor *x, gt_tensor *target,
                                                gt_binary_cross_entropy_with_logits_opts opts)
{
    const gt_op *op = &gt_op_binary_cross_entropy_with_logits;
    const bool plain = !opts.weight && !opts.pos_weight;
    gt_tensor *y =
        losses_apply(op, x, target, (loss_opts){.reduction = plain ? opts.reduction : GT_NONE});
    if (!y || plain) return y;
    if (opts.pos_weight) y = with_pos_weight(x, target, opts.pos_weight);
    if (!y || (opts.weight && !check_weight(x, opts.weight, op->name, "weight"))) return NULL;
    return losses_reduce(opts.weight ? gt_mul_or_zero(y, opts.weight) : y, opts.reduction);
}

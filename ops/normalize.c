#include <gradtape/autograd.h>

#include "normalize.h"

enum { COST = 8 }; /* of an element */

/* --- checks --- */

bool gti_normalize_check_dims(const gt_node *n, int64_t count, gt_shape *last)
{
    const gt_shape x = n->in[0]->shape;
    if (count < 1 || count > x.ndim)
        return gt_op_fail(n, GT_ERR_SHAPE, "n_dims is %lld, must be from 1 to %d, as x is %s",
                          (long long)count, x.ndim, GTI_SHAPE_TEXT(x));
    *last = gt_shape_of((int)count, x.dim + x.ndim - count);
    return true;
}

bool gti_normalize_check_image(const gt_node *n)
{
    const int ndim = n->in[0]->shape.ndim;
    return ndim >= 2 ||
           gt_op_fail(n, GT_ERR_SHAPE, "x has %d dimensions, needs at least 2: [n,c,...]", ndim);
}

bool gti_normalize_check_parameter(const gt_node *n, int i, gt_shape needed)
{
    char name[64];
    const gt_shape shape = n->in[i]->shape;
    return gt_shape_equal(shape, needed) ||
           gt_op_fail(n, GT_ERR_SHAPE, "%s is %s, needs %s",
                      gt_op_input_name(n->op, i, name, sizeof name), GTI_SHAPE_TEXT(shape),
                      GTI_SHAPE_TEXT(needed));
}

static bool is_columns(const gt_normalize_layout *l)
{
    return l->pooled && l->inner == 1;
}

/* --- activations --- */

static const struct {
    gti_normalize_then then;
    gti_function function;
    const gt_op *slope;
} activations[] = {
    [GT_NO_ACTIVATION] = {.then = GTI_THEN_NOTHING},
    [GT_THEN_RELU] = {GTI_THEN_RELU, GTI_FUNCTION_relu, &gt_op_relu_grad},
    [GT_THEN_RELU6] = {GTI_THEN_RELU6, GTI_FUNCTION_relu6, &gt_op_relu6_grad},
};

void gti_normalize_activate(const gt_node *n, gt_activation activation, int64_t count, void *y)
{
    static const double none[2] = {0};
    if (activation != GT_NO_ACTIVATION)
        gti_kernels_for(n)->function.value[activations[activation].function](count, y, none, y);
}

gt_tensor *gti_normalize_before(gt_activation activation, gt_tensor *dy, gt_tensor *y)
{
    if (activation == GT_NO_ACTIVATION) return dy;
    return gt_apply(activations[activation].slope, NULL, 2, (gt_tensor *[]){dy, y});
}

/* --- parts --- */

static gti_normalize normalize_describe(const gt_normalize_layout *l)
{
    return (gti_normalize){.n = l->n,
                           .groups = l->groups,
                           .channels = l->channels,
                           .inner = l->inner,
                           .step = l->groups * l->channels * l->inner,
                           .pooled = l->pooled,
                           .given = l->given};
}

/* At least one part, also of nothing: sums over nothing are to be written. */
static void normalize_divide(gt_node *n, const gt_normalize_layout *l)
{
    const int64_t groups = is_columns(l) ? (l->groups + GT_GRAIN - 1) / GT_GRAIN : l->groups;
    const int64_t items = l->pooled ? groups : l->n;
    const gti_normalize s = normalize_describe(l);
    if (gt_is_floating(n->dtype)) n->worker_scratch = gti_kernels_for(n)->normalize.scratch(&s);
    n->parts[0] = items > 1 ? gt_parts(n, items, COST * (double)n->in[0]->size / (double)items) : 1;
}

gti_normalize_range gti_normalize_range_of(const gt_node *n, const gt_normalize_layout *l,
                                           int64_t begin, int64_t end)
{
    gti_normalize_range r = {.s = normalize_describe(l)};
    r.s.then = activations[l->activation].then;
    const int64_t items = l->pooled ? l->groups : l->n, parts = n->parts[0];
    const bool columns = is_columns(l);
    const int64_t first =
        columns ? gt_element_begin(items, parts, begin) : gt_part_begin(items, parts, begin);
    const int64_t last =
        columns ? gt_element_begin(items, parts, end) : gt_part_begin(items, parts, end);
    if (l->pooled) {
        r.s.groups = last - first;
        r.set = r.channel = first;
        r.x = first * l->inner;
    } else {
        r.s.n = last - first;
        r.set = first * l->groups;
        r.x = first * r.s.step;
    }
    return r;
}

bool gti_normalize_set_outputs(gt_node *n, const gt_normalize_layout *layout, gt_shape statistics)
{
    int64_t elements, bytes;
    const int64_t dims[] = {layout->groups, layout->channels, layout->inner};
    if (!gti_size_of_shape(3, dims, 4 * sizeof(double), &elements, &bytes))
        return gt_op_fail(n, GT_ERR_MEMORY, "the size of an image of x %s overflows",
                          GTI_SHAPE_TEXT(n->in[0]->shape));
    n->out[0]->shape = n->in[0]->shape;
    for (int i = 1; i < n->n_out; i++) n->out[i]->shape = statistics;
    normalize_divide(n, layout);
    return true;
}

/* --- layouts --- */

/* Of dimensions first .. last - 1. A product that overflows is 0: it belongs to an empty tensor. */
static int64_t product(gt_shape x, int first, int last)
{
    int64_t elements = 1;
    for (int i = first; i < last; i++)
        if (!gti_size_mul(elements, x.dim[i], &elements)) return 0;
    return elements;
}

gt_normalize_layout gti_normalize_rows(gt_shape x, int64_t count)
{
    const int first = x.ndim - (int)count;
    return (gt_normalize_layout){
        .n = product(x, 0, first), .groups = 1, .channels = product(x, first, x.ndim), .inner = 1};
}

gt_normalize_layout gti_normalize_groups(gt_shape x, int64_t groups)
{
    return (gt_normalize_layout){.n = x.dim[0],
                                 .groups = groups,
                                 .channels = x.dim[1] / groups,
                                 .inner = product(x, 2, x.ndim)};
}

/* --- forward --- */

void gti_normalize_parts(gt_node *n, const gt_range *r, const gt_normalize_layout *layout,
                         double eps)
{
    const bool centred = n->n_in == 3;
    const gti_normalize_range at = gti_normalize_range_of(n, layout, r->begin, r->end);
    gti_kernels_for(n)->normalize.forward(
        &at.s, gti_from(n->in[0], at.x), gti_from(n->in[1], at.channel),
        centred ? gti_from(n->in[2], at.channel) : NULL, eps, gti_to(n->out[0], at.x),
        centred ? gti_to(n->out[1], at.set) : NULL, gti_to(n->out[centred ? 2 : 1], at.set),
        n->n_out == 4 ? gti_to(n->out[3], at.set) : NULL, r->scratch);
}

double gti_normalize_flops(const gt_node *n)
{
    return COST * (double)n->in[0]->size;
}

/* --- views --- */

gt_tensor *gti_normalize_view(gt_tensor *x, const gt_normalize_layout *l)
{
    return gt_reshape(x, GT_SHAPE(l->n, l->groups, l->channels, l->inner));
}

gt_tensor *gti_normalize_view_parameter(gt_tensor *weight, const gt_normalize_layout *l)
{
    return gt_reshape(weight, GT_SHAPE(l->groups, l->channels, 1));
}

gt_tensor *gti_normalize_view_statistic(gt_tensor *mean, const gt_normalize_layout *l)
{
    return gt_reshape(mean, GT_SHAPE(l->pooled ? 1 : l->n, l->groups, 1, 1));
}

unsigned gti_normalize_set_axes(const gt_normalize_layout *layout)
{
    return GT_AXIS(2) | GT_AXIS(3) | (layout->pooled ? GT_AXIS(0) : 0);
}

gt_tensor *gti_normalize_plus(gt_tensor *a, gt_tensor *b)
{
    return a && b ? gt_add(a, b) : a ? a : b;
}

/* --- backward --- */

/* What the gradients of the statistics add to dx: with N elements in a set,
 *   d mean / dx = 1 / N    d rstd / dx = -rstd^3 (x - mean) / N
 *   d variance / dx = 2 (x - mean) / N
 * mean may be NULL, for 0. */
static gt_tensor *through_statistics(const gt_normalize_layout *s, gt_tensor *x, gt_tensor *mean,
                                     gt_tensor *rstd, gt_tensor *gmean, gt_tensor *grstd,
                                     gt_tensor *gvariance)
{
    const double count = (double)(s->channels * s->inner) * (double)(s->pooled ? s->n : 1);
    gt_tensor *slope = NULL, *dx = NULL;
    if (grstd) {
        gt_tensor *cubed = gt_mul(gt_square(rstd), rstd);
        slope = gt_neg(gt_mul(GT_MUTANT(group_norm_rstd, cubed, rstd), grstd));
    }
    if (gvariance)
        slope = gti_normalize_plus(slope,
                                   gt_mul_scalar(gvariance, GT_MUTANT(batch_norm_variance, 2, 1)));
    if (slope) {
        gt_tensor *d = gti_normalize_view(x, s);
        if (mean) d = gt_sub(d, gti_normalize_view_statistic(mean, s));
        dx = gt_mul(d, gti_normalize_view_statistic(slope, s));
    }
    if (gmean) {
        gt_tensor *all = gti_normalize_view_statistic(gmean, s);
        dx = dx ? gt_add(dx, all)
                : gt_broadcast_to(all, GT_SHAPE(s->n, s->groups, s->channels, s->inner));
    }
    return dx ? gt_reshape(gt_mul_scalar(dx, count > 0 ? 1 / count : 0), x->shape) : NULL;
}

/* The gradient, or zeros where no gradient comes. */
static gt_tensor *or_zeros(gt_tensor *gradient, gt_tensor *like)
{
    return gradient ? gradient : gt_zeros_like(like);
}

bool gti_normalize_backward(gt_node *n, const gt_normalize_layout *s, gt_tensor *const gout[],
                            gt_tensor *gin[])
{
    /* through y: normalize_grad; and dx has a part from each of the statistics */
    gt_tensor *x = n->in[0], *weight = n->in[1], *dx = NULL, *dweight = NULL, *dbias = NULL;
    const bool centred = n->n_in == 3;
    gt_tensor *mean = centred ? n->out[1] : NULL, *rstd = n->out[centred ? 2 : 1];
    gt_tensor *dy = GT_MUTANT(rms_norm_upstream, gout[0], gout[0] ? gt_square(gout[0]) : NULL);
    gt_tensor *y = s->activation == GT_NO_ACTIVATION ? NULL : n->out[0];
    if (dy && centred) dx = gt_normalize_grad(dy, x, weight, mean, rstd, y, *s, &dweight, &dbias);
    else if (dy) dx = gt_rms_norm_grad(dy, x, weight, rstd, *s, &dweight);
    if (gt_needs_grad(n, 0)) {
        gt_tensor *aux = through_statistics(
            s, x, mean, rstd, centred ? GT_MUTANT(batch_norm_mean, gout[1], NULL) : NULL,
            gout[centred ? 2 : 1], n->n_out == 4 ? gout[3] : NULL);
        gin[0] = gti_normalize_plus(GT_MUTANT(layer_norm_sign, dx, dx ? gt_neg(dx) : NULL),
                                    GT_MUTANT(rms_norm_rstd, aux, aux ? gt_neg(aux) : NULL));
        if (!gin[0]) gin[0] = gt_zeros_like(x);
    }
    if (gt_needs_grad(n, 1)) gin[1] = or_zeros(GT_MUTANT(layer_norm_weight, dweight, NULL), weight);
    if (centred && gt_needs_grad(n, 2))
        gin[2] = or_zeros(GT_MUTANT(group_norm_bias, dbias, dweight), n->in[2]);
    return true;
}

gt_tensor *gti_normalize_parameter(gt_tensor *given, const gt_tensor *x, gt_shape shape,
                                   double value)
{
    return given ? given : gt_full_(x->ctx, shape, value, (gt_new_opts){.dtype = x->dtype});
}

gt_tensor *gti_normalize_result(int n, gt_tensor *const out[])
{
    for (int i = 1; i < n && out[0] && !out[0]->requires_grad; i++) gt_release(out[i]);
    return out[0];
}

/* prod: y = the product of x over axes; 1 where there is nothing to multiply.
 *
 *   dx[j] = dy P[j], P[j] being the product of all other factors, which is found without dividing
 * by x[j] and so is right with zeros among the factors
 *
 * prod_dx makes it of x and dy, which has x's axes with size 1. With G for its result's gradient:
 *
 *   d dy = sum of G P         dx[k] = dy times the sum over j of G[j] dP[j]/dx[k]
 *
 * As dP[j]/dx[k], the product of all but j and k, is also dP[k]/dx[j], that is what P[k] changes by
 * where x changes by G. */
#include "reduction_samples.h"

static unsigned prod_axes_of(const gt_node *n)
{
    return ((const gt_reduce_opts *)n->opts)->axes;
}

static bool prod_infer(gt_node *n)
{
    if (!gti_reduction_infer(n, prod_axes_of(n), ((const gt_reduce_opts *)n->opts)->keepdim))
        return false;
    gti_reduction_divide(n, prod_axes_of(n), 1);
    return true;
}

static void prod_parts(gt_node *n, const gt_range *r)
{
    gti_reduction p;
    if (gti_reduction_begin(n, r, prod_axes_of(n), &p))
        gti_kernels_for(n)->reduce.prod(&p.s, p.x, p.y);
}

/* Columns from first to end of x [m,n]. */
static gt_tensor *columns(gt_tensor *x, int64_t first, int64_t end)
{
    return gt_slice_(x, 1, first, end, (gt_slice_opts){0});
}

static gt_tensor *prod_side_by_side(gt_tensor *left, gt_tensor *right)
{
    return gt_concat((gt_tensor *[]){left, right}, 2, 1);
}

/* Something and what it changes by. */
typedef struct {
    gt_tensor *x, *dx;
} change;

static change times(change a, change b)
{
    return (change){gt_mul(a.x, b.x), gt_add(gt_mul(a.dx, b.x), gt_mul(a.x, b.dx))};
}

/* For each element of x [m,n], n a power of two, the product of the others of its row: of the one
 * half a row away, and of the other such pairs' products. */
static change others(change c)
{
    if (!c.x || !c.dx) return (change){NULL, NULL};
    const int64_t n = c.x->shape.dim[1], half = n / 2;
    if (n == 1) return (change){gt_ones_like(c.x), gt_zeros_like(c.x)};
    const change a = {columns(c.x, 0, half), columns(c.dx, 0, half)};
    const change b = {columns(c.x, half, n), columns(c.dx, half, n)};
    const change pairs = others(times(a, b)), of_a = times(pairs, b), of_b = times(pairs, a);
    return (change){prod_side_by_side(of_a.x, of_b.x),
                    prod_side_by_side(GT_MUTANT(prod_dx_places, of_a.dx, of_b.dx),
                                      GT_MUTANT(prod_dx_places, of_b.dx, of_a.dx))};
}

/* What they change by, for any n > 0, with ones behind each row. */
static gt_tensor *change_of_others(gt_tensor *x, gt_tensor *dx)
{
    if (!x || !dx) return NULL;
    const int64_t m = x->shape.dim[0], n = x->shape.dim[1];
    int64_t power = 1;
    while (power < n) power *= 2;
    if (power == n) return others((change){x, dx}).dx;
    gt_tensor *ones = gt_full(x->ctx, GT_SHAPE(m, power - n), 1, .dtype = x->dtype);
    const change filled = {prod_side_by_side(x, ones), prod_side_by_side(dx, gt_zeros_like(ones))};
    return columns(others(filled).dx, 0, n);
}

static bool prod_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const unsigned axes = prod_axes_of(n);
    gt_tensor *dy = gti_reduction_undo(n, axes, GT_MUTANT(prod_upstream, gout[0], n->out[0]));
    gin[0] = GT_MUTANT(prod_others, gt_prod_dx(n->in[0], dy, axes),
                       gti_reduction_repeat(n, axes, gt_mul(gout[0], n->out[0])));
    return true;
}

static double prod_flops(const gt_node *n)
{
    return (double)n->in[0]->size;
}

#define AXES(...) GTI_REDUCE(gt_reduce_opts, __VA_ARGS__)
static const gt_sample samples[] = {
    GTI_REDUCTION_SAMPLES(gt_reduce_opts),
    GTI_SMALL_REDUCTION_SAMPLES(gt_reduce_opts),
    {.label = "71 wide", .in = GT_INPUTS(GT_IN_RANGE(0.8, 1.25, 3, 71)), AXES(GT_AXIS(1))},
    {.label = "300 columns", .in = GT_INPUTS(GT_IN_RANGE(0.5, 2, 3, 300)), AXES(GT_AXIS(0))},
    {.label = "zero-size, reduced", .in = GT_INPUTS(GT_IN(0, 3)), AXES(GT_AXIS(0))},
    {.label = "a zero",
     .in = GT_INPUTS({.shape = GT_DIMS(5), .values = (const double[]){2, -1, 0, 3, 0.5}})},
    {.label = "two zeros",
     .in = GT_INPUTS({.shape = GT_DIMS(6), .values = (const double[]){2, 0, 1.5, 3, 0, 0.5}})},
    {.label = "zeros in some rows",
     .in = GT_INPUTS(
         {.shape = GT_DIMS(3, 3), .values = (const double[]){1, 2, 3, 0, -2, 1, 0, 0, 4}}),
     AXES(GT_AXIS(1))},
};

static const gt_error_sample error_samples[] = {GTI_REDUCTION_ERRORS(gt_reduce_opts)};

static const gt_attr prod_attrs[] = {GTI_REDUCTION_ATTRS(gt_reduce_opts)};

const gt_op gt_op_prod = {
    .name = "prod",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(gt_reduce_opts),
    .attrs = GT_PLAIN_ATTRS(prod_attrs),
    .infer = prod_infer,
    .parts = GT_FOR_FLOATS(prod_parts),
    .backward = prod_backward,
    .gradient = "dx = dy times the product of the other factors",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = prod_flops,
};

gt_tensor *gt_prod_(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_apply(&gt_op_prod, &opts, 1, (gt_tensor *[]){x});
}

/* --- prod_dx --- */

static bool prod_dx_infer(gt_node *n)
{
    return gti_reduction_back_infer(n, "dy");
}

static void prod_dx_parts(gt_node *n, const gt_range *r)
{
    gti_reduction_back(n, r, gti_kernels_for(n)->reduce.prod_dx);
}

/* x's gradient but for the factor dy. */
static gt_tensor *prod_dx_x(gt_node *n, gt_tensor *g, unsigned axes)
{
    gt_tensor *x = n->in[0];
    const int ndim = x->shape.ndim;
    unsigned reduced;
    int order[GT_MAX_DIMS] = {0}, back[GT_MAX_DIMS] = {0};
    if (!gti_reduction_dims(n, axes, &reduced)) return NULL;
    if (x->size == 0) return gt_zeros_like(x);
    gti_reduction_order(ndim, reduced, order);
    for (int k = 0; k < ndim; k++) back[order[k]] = k;
    const gt_shape rows = GT_SHAPE(n->in[1]->size, x->size / n->in[1]->size);
    gt_tensor *sorted = gt_permute_(x, ndim, order);
    gt_tensor *dx =
        change_of_others(gt_reshape(sorted, rows), gt_reshape(gt_permute_(g, ndim, order), rows));
    return dx ? gt_permute_(gt_reshape(dx, sorted->shape), ndim, back) : NULL;
}

static bool prod_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const unsigned axes = ((const gti_back_opts *)n->opts)->axes;
    gt_tensor *x = n->in[0], *dy = n->in[1];
    if (gt_needs_grad(n, 0)) gin[0] = gt_mul(dy, prod_dx_x(n, gout[0], axes));
    if (gt_needs_grad(n, 1)) {
        gt_tensor *p = gt_prod_dx(x, GT_MUTANT(prod_dx_factor, gt_ones_like(dy), dy), axes);
        gin[1] = gti_sum_like(gt_mul(gout[0], p), dy);
    }
    return true;
}

#define BACK(...)                                                                                  \
    .opts = &(const gti_back_opts)                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NEAR_1(...) GT_IN_RANGE(0.8, 1.25, __VA_ARGS__)
static const gt_sample dx_samples[] = {
    {.label = "all", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(1, 1))},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(1, 4)), BACK(GT_AXIS(0))},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 5), GT_IN(3, 1)), BACK(GT_AXIS(1))},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(2, 1, 2)), BACK(GT_AXIS(1))},
    {.label = "outer and inner",
     .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(1, 3, 1)),
     BACK(GT_AXIS(0) | GT_AXIS(2))},
    {.label = "37 wide", .in = GT_INPUTS(NEAR_1(2, 37), GT_IN(2, 1)), BACK(GT_AXIS(1))},
    {.label = "37 rows", .in = GT_INPUTS(NEAR_1(37, 2), GT_IN(1, 2)), BACK(GT_AXIS(0))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN_SCALAR)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1, 1))},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 2), GT_IN(0, 1)), BACK(GT_AXIS(1))},
    {.label = "zero-size, reduced", .in = GT_INPUTS(GT_IN(0, 2), GT_IN(1, 2)), BACK(GT_AXIS(0))},
    {.label = "zeros",
     .in =
         GT_INPUTS({.shape = GT_DIMS(3, 3), .values = (const double[]){1, 2, 3, 0, -2, 1, 0, 0, 4}},
                   GT_IN(3, 1)),
     BACK(GT_AXIS(1))},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "dy",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(1, 3)),
     .code = GT_ERR_SHAPE,
     .message = "dy is [1,3], needs [1,1]"},
};

static const gt_attr dx_attrs[] = {
    {GT_ARGUMENT("axes", gti_back_opts, axes), .meaning = "along which the factors are"}};

const gt_op gt_op_prod_dx = {
    .name = "prod_dx",
    .inputs = "x dy",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(gti_back_opts),
    .attrs = GT_PLAIN_ATTRS(dx_attrs),
    .infer = prod_dx_infer,
    .parts = GT_FOR_FLOATS(prod_dx_parts),
    .backward = prod_dx_backward,
    .gradient =
        "with P for the products of the others: d dy = sum of g P, dx = dy times the change "
        "of P where x changes by g",
    GT_SAMPLES(dx_samples),
    GT_ERROR_SAMPLES(dx_error_samples),
};

gt_tensor *gt_prod_dx(gt_tensor *x, gt_tensor *dy, unsigned axes)
{
    return gt_apply(&gt_op_prod_dx, &(gti_back_opts){axes}, 2, (gt_tensor *[]){x, dy});
}

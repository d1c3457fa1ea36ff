/* prod: y = the product of x over axes; 1 where there is nothing to multiply.
 *
 *   dx[j] = dy times the product of all other factors, which is found without dividing by x[j] and
 *   so is right with zeros among the factors */
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

/* For each element of x [m,n], n a power of two, the product of the others of its row: of the one
 * half a row away, and of the other such pairs' products. */
static gt_tensor *others(gt_tensor *x)
{
    if (!x) return NULL;
    const int64_t n = x->shape.dim[1], half = n / 2;
    if (n == 1) return gt_ones_like(x);
    gt_tensor *a = columns(x, 0, half), *b = columns(x, half, n);
    gt_tensor *pairs = others(gt_mul(a, b));
    gt_tensor *of_a = gt_mul(pairs, b), *of_b = gt_mul(pairs, a);
    return prod_side_by_side(GT_MUTANT(prod_places, of_a, of_b),
                             GT_MUTANT(prod_places, of_b, of_a));
}

/* The same for any n > 0, with ones behind each row. */
static gt_tensor *others_of_rows(gt_tensor *x)
{
    if (!x) return NULL;
    const int64_t m = x->shape.dim[0], n = x->shape.dim[1];
    int64_t power = 1;
    while (power < n) power *= 2;
    if (power == n) return others(x);
    gt_tensor *ones = gt_full(x->ctx, GT_SHAPE(m, power - n), 1, .dtype = x->dtype);
    return columns(others(prod_side_by_side(x, ones)), 0, n);
}

/* order: x's dimensions, kept ones first; back: the way back. */
static void prod_sort_dims(const gt_node *n, unsigned reduced, int *order, int *back)
{
    const int ndim = n->in[0]->shape.ndim;
    int k = 0;
    for (unsigned gone = 0; gone <= 1; gone++)
        for (int i = 0; i < ndim; i++)
            if ((reduced >> i & 1) == gone) {
                back[i] = k;
                order[k++] = i;
            }
}

static bool prod_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gt_tensor *x = n->in[0];
    unsigned reduced;
    int order[GT_MAX_DIMS] = {0}, back[GT_MAX_DIMS] = {0};
    if (!gti_reduction_dims(n, prod_axes_of(n), &reduced)) return false;
    gin[0] = gt_zeros_like(x);
    if (x->size == 0) return true;
    prod_sort_dims(n, reduced, order, back);
    gt_tensor *sorted = gt_permute_(x, x->shape.ndim, order);
    gt_tensor *rows = gt_reshape(sorted, GT_SHAPE(n->out[0]->size, gti_reduction_count(n)));
    gt_tensor *rest = sorted ? gt_reshape(others_of_rows(rows), sorted->shape) : NULL;
    gin[0] =
        gt_mul(gti_reduction_undo(n, prod_axes_of(n), GT_MUTANT(prod_upstream, gout[0], n->out[0])),
               gt_permute_(rest, x->shape.ndim, back));
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
    {.label = "71 wide", .in = {GT_IN_RANGE(0.8, 1.25, 3, 71)}, AXES(GT_AXIS(1))},
    {.label = "300 columns", .in = {GT_IN_RANGE(0.5, 2, 3, 300)}, AXES(GT_AXIS(0))},
    {.label = "zero-size, reduced", .in = {GT_IN(0, 3)}, AXES(GT_AXIS(0))},
    {.label = "a zero",
     .in = {{.shape = GT_DIMS(5), .values = (const double[]){2, -1, 0, 3, 0.5}}}},
    {.label = "two zeros",
     .in = {{.shape = GT_DIMS(6), .values = (const double[]){2, 0, 1.5, 3, 0, 0.5}}}},
    {.label = "zeros in some rows",
     .in = {{.shape = GT_DIMS(3, 3), .values = (const double[]){1, 2, 3, 0, -2, 1, 0, 0, 4}}},
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

/* amax and amin: the largest and the smallest element over axes.
 *
 *   dx = dy where x is y, in equal shares where there are several such places; 0 elsewhere
 *
 * tie_share [x's shape] are these shares: 1 / k in the k places along the axes where x is y. They
 * do not change with x, except in jumps, so it has no gradient. */
#include "reduction_samples.h"

static unsigned amax_axes_of(const gt_node *n)
{
    return ((const gt_reduce_opts *)n->opts)->axes;
}

static bool amax_infer(gt_node *n)
{
    const gt_shape x = n->in[0]->shape;
    unsigned reduced;
    if (!gti_reduction_dims(n, amax_axes_of(n), &reduced)) return false;
    for (int i = 0; i < x.ndim; i++)
        if (x.dim[i] == 0 && reduced >> i & 1)
            return gt_op_fail(n, GT_ERR_SHAPE,
                              "axis %d has size 0: nothing has no largest or smallest element", i);
    if (!gti_reduction_infer(n, amax_axes_of(n), ((const gt_reduce_opts *)n->opts)->keepdim))
        return false;
    gti_reduction_divide(n, amax_axes_of(n), 1);
    return true;
}

static void amax_run_parts(gt_node *n, const gt_range *r, bool largest)
{
    gti_reduction p;
    if (gti_reduction_begin(n, r, amax_axes_of(n), &p))
        gti_kernels_for(n)->reduce.extreme(&p.s, largest, p.x, p.y, NULL);
}

static void amax_parts(gt_node *n, const gt_range *r)
{
    amax_run_parts(n, r, true);
}

static void amin_parts(gt_node *n, const gt_range *r)
{
    amax_run_parts(n, r, false);
}

/* dy, with the reduced dimensions, in equal shares. */
static gt_tensor *shared(const gt_node *n, gt_tensor *dy)
{
    gt_tensor *y = gti_reduction_undo(n, amax_axes_of(n), n->out[0]);
    return gt_mul(dy, gt_tie_share(n->in[0], y, amax_axes_of(n)));
}

static double amax_flops(const gt_node *n)
{
    return (double)n->in[0]->size;
}

#define AXES(...) GTI_REDUCE(gt_reduce_opts, __VA_ARGS__)
static const double ties[] = {3, 1, 3, 1, 2, 3, 1, 2, 1};
static const gt_sample samples[] = {
    GTI_REDUCTION_SAMPLES(gt_reduce_opts),
    GTI_LONG_REDUCTION_SAMPLES(gt_reduce_opts),
    GTI_SMALL_REDUCTION_SAMPLES(gt_reduce_opts),
    {.label = "ties", .in = GT_INPUTS({.shape = GT_DIMS(9), .values = ties}), .kinks = true},
    {.label = "ties in rows",
     .in = GT_INPUTS({.shape = GT_DIMS(3, 3), .values = ties}),
     AXES(GT_AXIS(0)),
     .kinks = true},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample error_samples[] = {
    GTI_REDUCTION_ERRORS(gt_reduce_opts),
    {.label = "nothing",
     .in = GT_INPUTS(GT_IN(2, 0)),
     AXES(GT_AXIS(1)),
     SHAPE_ERROR = "axis 1 has size 0: nothing has no largest or smallest element"},
};

static const char amax_gradient[] = "dx = dy / k in the k places where x is y, else 0";
static const char amin_gradient[] = "dx = dy / k in the k places where x is y, else 0";

static const gt_attr amax_attrs[] = {GTI_REDUCTION_ATTRS(gt_reduce_opts)};

#define EXTREME(id)                                                                                \
    static bool id##_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])               \
    {                                                                                              \
        gt_tensor *dy =                                                                            \
            gti_reduction_undo(n, amax_axes_of(n), GT_MUTANT(id##_upstream, gout[0], n->out[0]));  \
        gin[0] = GT_MUTANT(id##_everywhere, shared(n, dy), gt_broadcast_to(dy, n->in[0]->shape));  \
        return true;                                                                               \
    }                                                                                              \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gt_reduce_opts),                                                       \
        .attrs = GT_PLAIN_ATTRS(amax_attrs),                                                       \
        .infer = amax_infer,                                                                       \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        GT_SAMPLES(samples),                                                                       \
        GT_ERROR_SAMPLES(error_samples),                                                           \
        .flops = amax_flops,                                                                       \
    };                                                                                             \
    gt_tensor *gt_##id##_(gt_tensor *x, gt_reduce_opts opts)                                       \
    {                                                                                              \
        return gt_apply(&gt_op_##id, &opts, 1, (gt_tensor *[]){x});                                \
    }

EXTREME(amax)
EXTREME(amin)

/* --- tie_share --- */

static bool tie_share_infer(gt_node *n)
{
    return gti_reduction_back_infer(n, "y");
}

static void tie_share_parts(gt_node *n, const gt_range *r)
{
    gti_reduction_back(n, r, gti_kernels_for(n)->reduce.share);
}

static const gt_sample share_samples[] = {
    {.label = "no place", .in = GT_INPUTS(GT_IN(4), GT_IN(1))},
    {.label = "ties",
     .in = GT_INPUTS({.shape = GT_DIMS(3, 3), .values = ties},
                     {.shape = GT_DIMS(1, 3), .values = (const double[]){3, 2, 3}}),
     .opts = &(const gti_back_opts){GT_AXIS(0)}},
    {.label = "rows",
     .in = GT_INPUTS({.shape = GT_DIMS(3, 3), .values = ties},
                     {.shape = GT_DIMS(3, 1), .values = (const double[]){3, 1, 7}}),
     .opts = &(const gti_back_opts){GT_AXIS(1)}},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR, {.same = 1})},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), {.same = 1})},
    {.label = "outer and inner",
     .in = GT_INPUTS({.shape = GT_DIMS(3, 1, 3), .values = ties},
                     {.shape = GT_DIMS(1, 1, 1), .values = (const double[]){1}}),
     .opts = &(const gti_back_opts){GT_AXIS(0) | GT_AXIS(2)}},
    {.label = "zero-size",
     .in = GT_INPUTS(GT_IN(0, 2), GT_IN(0, 1)),
     .opts = &(const gti_back_opts){GT_AXIS(1)}},
};

static const gt_error_sample share_error_samples[] = {
    {.label = "y",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(1, 3)),
     SHAPE_ERROR = "y is [1,3], needs [1,1]"},
};

static const gt_attr share_attrs[] = {
    {GT_ARGUMENT("axes", gti_back_opts, axes), .meaning = "along which the places are"}};

const gt_op gt_op_tie_share = {
    .name = "tie_share",
    .inputs = "x y",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(gti_back_opts),
    .attrs = GT_PLAIN_ATTRS(share_attrs),
    .infer = tie_share_infer,
    .parts = GT_FOR_FLOATS(tie_share_parts),
    GT_SAMPLES(share_samples),
    GT_ERROR_SAMPLES(share_error_samples),
};

gt_tensor *gt_tie_share(gt_tensor *x, gt_tensor *y, unsigned axes)
{
    if (!x || !y) return NULL;
    return gt_apply(&gt_op_tie_share, &(gti_back_opts){axes}, 2,
                    (gt_tensor *[]){gt_detach(x), gt_detach(y)});
}

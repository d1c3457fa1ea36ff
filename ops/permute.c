/* Dimensions in another order: y.shape[i] = x.shape[order[i]], and the element of y at j is that of
 * x at the index whose place order[i] holds j[i].
 *
 *   dx = dy permuted by the inverse order */
#include "copying.h"

typedef struct {
    int order[GT_MAX_DIMS]; /* the first of n */
    int n;
} permute_opts;

static bool permute_infer(gt_node *n)
{
    const permute_opts *opts = n->opts;
    const gt_shape x = n->in[0]->shape;
    gt_shape *y = &n->out[0]->shape;
    if (opts->n != x.ndim)
        return gt_op_fail(n, GT_ERR_SHAPE, "the order has %d entries, x has %d dimensions", opts->n,
                          x.ndim);
    unsigned seen = 0;
    *y = x;
    for (int i = 0; i < x.ndim; i++) {
        const int axis = gt_op_axis(n, opts->order[i], x.ndim);
        if (axis < 0) return false;
        if (seen >> axis & 1)
            return gt_op_fail(n, GT_ERR_ARGUMENT, "dimension %d occurs twice in the order", axis);
        seen |= 1u << axis;
        y->dim[i] = x.dim[axis];
    }
    gti_copying_divide(n, 0, y);
    return true;
}

/* Entry i of the order, counted from the front. */
static int permute_axis_of(const gt_node *n, int i)
{
    const permute_opts *opts = n->opts;
    return opts->order[i] < 0 ? opts->order[i] + opts->n : opts->order[i];
}

static void permute_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    int64_t own[GT_MAX_DIMS], xstride[GT_MAX_DIMS], ystride[GT_MAX_DIMS];
    gti_strides(x->shape, own);
    gti_strides(y->shape, ystride);
    for (int i = 0; i < y->shape.ndim; i++) xstride[i] = own[permute_axis_of(n, i)];
    gti_copying_run(n, r, &y->shape, x->data, xstride, y->data, ystride);
}

static bool permute_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* dx = dy, permuted back: inverse[order[i]] = i */
    int inverse[GT_MAX_DIMS] = {0};
    const int ndim = ((const permute_opts *)n->opts)->n;
    for (int i = 0; i < ndim; i++)
        inverse[GT_MUTANT(permute_not_inverted, permute_axis_of(n, i), i)] =
            GT_MUTANT(permute_not_inverted, i, permute_axis_of(n, i));
    gin[0] = gt_permute_(GT_MUTANT(permute_sign, gout[0], gt_neg(gout[0])), ndim, inverse);
    return true;
}

#define ORDER(count, ...)                                                                          \
    .opts = &(const permute_opts)                                                                  \
    {                                                                                              \
        {__VA_ARGS__}, (count)                                                                     \
    }
static const gt_sample samples[] = {
    {.label = "transpose", .in = GT_INPUTS(GT_IN(3, 4)), ORDER(2, 1, 0)},
    {.label = "identity", .in = GT_INPUTS(GT_IN(2, 3)), ORDER(2, 0, 1)},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "cycle", .in = GT_INPUTS(GT_IN(2, 3, 4)), ORDER(3, 2, 0, 1)},
    {.label = "from the end", .in = GT_INPUTS(GT_IN(2, 3, 4)), ORDER(3, -1, 0, -2)},
    {.label = "NHWC to NCHW", .in = GT_INPUTS(GT_IN(2, 3, 2, 4)), ORDER(4, 0, 3, 1, 2)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 3, 1)), ORDER(3, 2, 1, 0)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 3, 2, 1, 2, 2, 2)),
     ORDER(8, 5, 2, 0, 7, 4, 3, 6, 1)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0, 3)), ORDER(3, 1, 2, 0)},
    {.label = "9 by 17", .in = GT_INPUTS(GT_IN(9, 17)), ORDER(2, 1, 0)},
};

static const gt_error_sample error_samples[] = {
    {.label = "too few",
     .in = GT_INPUTS(GT_IN(2, 3, 4)),
     ORDER(2, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "the order has 2 entries, x has 3 dimensions"},
    {.label = "too many",
     .in = GT_INPUTS(GT_IN(2)),
     ORDER(7, 0, 1, 2, 3, 4, 5),
     .code = GT_ERR_SHAPE,
     .message = "the order has 7 entries, x has 1 dimensions"},
    {.label = "twice",
     .in = GT_INPUTS(GT_IN(2, 3)),
     ORDER(2, 1, -1),
     .code = GT_ERR_ARGUMENT,
     .message = "dimension 1 occurs twice"},
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3)),
     ORDER(2, 0, 2),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
};

static const gt_attr permute_attrs[] = {
    {GT_ARGUMENT("", permute_opts, n)},
    {.name = "order",
     .kind = GT_ATTR_INT,
     .at = offsetof(permute_opts, order),
     .count = GT_MAX_DIMS,
     .length = offsetof(permute_opts, n),
     .argument = true,
     .meaning = "x's dimensions in the order of the result's"},
};

const gt_op gt_op_permute = {
    .name = "permute",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(permute_opts),
    .attrs = GT_PLAIN_ATTRS(permute_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = permute_infer,
    .parts = GT_FOR_ALL(permute_parts),
    .backward = permute_backward,
    .gradient = "dx = dy, permuted by the inverse order",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_permute_(gt_tensor *x, int n, const int *order)
{
    permute_opts opts = {.n = n};
    for (int i = 0; i < n && i < GT_MAX_DIMS; i++) opts.order[i] = order[i];
    return gt_apply(&gt_op_permute, &opts, 1, (gt_tensor *[]){x});
}

static const gt_attr transpose_attrs[] = {
    {GT_ARGUMENT("i", gti_transpose_args, i), .meaning = "an axis"},
    {GT_ARGUMENT("j", gti_transpose_args, j), .meaning = "the one in its place"},
};
const gt_attrs gt_attrs_transpose = GT_PLAIN_ATTRS(transpose_attrs);

gt_tensor *gti_compose_transpose(gt_tensor *x, int i, int j)
{
    if (!gti_is_given(x, "transpose")) return NULL;
    const int ndim = x->shape.ndim, axes = ndim > 0 ? ndim : 1;
    const int from = i < 0 ? i + axes : i, to = j < 0 ? j + axes : j;
    const bool from_ok = from >= 0 && from < axes;
    if (!from_ok || to < 0 || to >= axes) {
        gt_fail(x->ctx, GT_ERR_SHAPE, "transpose", "there is no axis %d in x %s", from_ok ? j : i,
                GTI_SHAPE_TEXT(x->shape));
        return NULL;
    }
    int order[GT_MAX_DIMS];
    for (int d = 0; d < ndim; d++) order[d] = d == from ? to : d == to ? from : d;
    return gt_permute_(x, ndim, order);
}

/* One element of x along an axis for every element of index: for the last of two axes
 * y[i,j] = x[i,index[i,j]]. index has as many axes as x and, but for this one, is no larger; y has
 * the shape of index. A number, x or index, counts as a vector of one element.
 *
 *   dx = gather_dx(dy): zeros of x's shape with dy's elements added where y's came from
 *   the gradient of gather_dx in dy is the gather that takes them again */
#include <string.h>

#include "broadcast.h"
#include "indices.h"

typedef struct {
    int axis;
} gather_opts;

typedef struct {
    gt_shape shape;
    int axis;
} dx_opts;

/* A walk along the rows of index. */
typedef struct {
    gti_walk rows; /* a: offset of the row in the whole tensor (x or dx), b: in index */
    gti_gather row;
} gathering;

static gathering gather_begin(gt_shape whole, gt_shape index, int axis)
{
    int64_t swhole[GT_MAX_DIMS], sindex[GT_MAX_DIMS];
    gathering g;
    gti_strides(whole, swhole);
    gti_strides(index, sindex);
    g.row = (gti_gather){.n = whole.dim[axis], .step = swhole[axis]};
    swhole[axis] = 0;
    gti_broadcast_walk(&g.rows, index, swhole, sindex);
    g.row.k = g.rows.row;
    g.row.along = g.rows.row_sa;
    return g;
}

/* The axis of a shape that has at least one, from the front. */
static int gather_front(int axis, gt_shape shape)
{
    return axis < 0 ? axis + shape.ndim : axis;
}

static gt_shape from_axis(gt_shape shape, int axis)
{
    return gt_shape_of(shape.ndim - axis, shape.dim + axis);
}

/* The axis of the whole tensor's shape that index, which fits it, chooses from; -1 after a failure.
 */
static int gather_check_index(const gt_node *n, gt_shape of, int axis_given)
{
    const gt_shape whole = gti_at_least_1d(of), index = gti_at_least_1d(n->in[1]->shape);
    const int axis = gti_op_axis(n, axis_given, of.ndim);
    if (axis < 0 || !gti_indices_check_dtype(n, 1)) return -1;
    bool fits = index.ndim == whole.ndim;
    for (int d = 0; fits && d < whole.ndim; d++) fits = d == axis || index.dim[d] <= whole.dim[d];
    if (!fits) {
        gt_op_fail(n, GT_ERR_SHAPE,
                   "index %s does not fit %s: as many dimensions and, but for axis %d, no larger",
                   GTI_SHAPE_TEXT(n->in[1]->shape), GTI_SHAPE_TEXT(of), axis);
        return -1;
    }
    return gti_indices_check(n, axis, whole.dim[axis]) ? axis : -1;
}

static bool gather_infer(gt_node *n)
{
    n->out[0]->shape = n->in[1]->shape;
    return gather_check_index(n, n->in[0]->shape, ((const gather_opts *)n->opts)->axis) >= 0;
}

static void gather_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const int64_t *index = n->in[1]->data;
    if (y->size == 0) return;
    const gt_shape whole = gti_at_least_1d(x->shape);
    const int axis = gather_front(((const gather_opts *)n->opts)->axis, whole);
    gathering g = gather_begin(whole, gti_at_least_1d(y->shape), axis);
    for (int64_t r = 0; r < g.rows.rows; r++, gti_broadcast_next(&g.rows))
        gti_index_gather_row(&g.row, gt_dtype_size(y->dtype),
                             gti_const_at(x->data, g.rows.a, x->dtype), index + g.rows.b,
                             gti_at(y->data, g.rows.b, y->dtype));
}

static bool gather_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_shape x = n->in[0]->shape;
    const int axis = ((const gather_opts *)n->opts)->axis;
    gt_tensor *dy = GT_MUTANT(gather_order, gout[0], gt_flip(gout[0], GT_AXIS(axis)));
    gin[0] = GT_MUTANT(gather_missing, gt_gather_dx(dy, n->in[1], x, axis), NULL);
    return true;
}

static bool gather_dx_infer(gt_node *n)
{
    const dx_opts *opts = n->opts;
    const gt_tensor *dy = n->in[0], *index = n->in[1];
    if (!gt_is_shape(&opts->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(opts->shape));
    if (gather_check_index(n, opts->shape, opts->axis) < 0) return false;
    if (!gt_same_shape(dy, index))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, must be of index's shape %s",
                          GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(index->shape));
    n->out[0]->shape = opts->shape;
    const gt_shape whole = gti_at_least_1d(opts->shape);
    const gt_shape slab = from_axis(whole, gather_front(opts->axis, whole));
    int64_t elements, bytes; /* an overflow is reported where dx is allocated */
    if (n->dtype != GT_F64 &&
        gti_size_of_shape(slab.ndim, slab.dim, sizeof(double), &elements, &bytes))
        n->scratch_size = (size_t)bytes;
    return true;
}

/* Adds the elements of dy from `first` on, those of one slab, to their places in sum. */
static void scatter(const gt_node *n, gathering *g, int64_t first, double *sum)
{
    const gt_tensor *dy = n->in[0];
    const int64_t *index = n->in[1]->data;
    for (int64_t r = 0; r < g->rows.rows; r++, gti_broadcast_next(&g->rows)) {
        const int64_t i = first + g->rows.b;
        gti_kernels_for(n)->index.scatter_row(&g->row, gti_const_at(dy->data, i, dy->dtype),
                                              index + i, sum + g->rows.a);
    }
}

static bool is_inside(const int64_t *at, int ndim, gt_shape shape)
{
    for (int d = 0; d < ndim; d++)
        if (at[d] >= shape.dim[d]) return false;
    return true;
}

static void gather_step(int64_t *at, int ndim, gt_shape shape)
{
    for (int d = ndim - 1; d >= 0; d--) {
        if (++at[d] < shape.dim[d]) return;
        at[d] = 0;
    }
}

/* By slabs of dx, the parts from the axis on. Sums in double, in scratch; in place where dx is of
 * doubles. */
static void gather_dx_forward(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    if (dy->size == 0) gti_kernels_for(n)->fill(dx->size, 0, dx->data);
    if (dx->size == 0 || dy->size == 0) return;
    const bool f64 = n->dtype == GT_F64;
    const gt_shape whole = gti_at_least_1d(dx->shape), parts = gti_at_least_1d(dy->shape);
    const int axis = gather_front(((const dx_opts *)n->opts)->axis, whole);
    const gt_shape slab = from_axis(whole, axis), part = from_axis(parts, axis);
    const int64_t slab_size = gt_shape_size(slab), part_size = gt_shape_size(part);
    gathering g = gather_begin(slab, part, 0);
    int64_t at[GT_MAX_DIMS] = {0}, taken = 0;
    for (int64_t i = 0; i < dx->size; i += slab_size, gather_step(at, axis, whole)) {
        double *sum = f64 ? (double *)dx->data + i : n->scratch;
        memset(sum, 0, (size_t)slab_size * sizeof *sum);
        if (is_inside(at, axis, parts)) {
            scatter(n, &g, taken, sum);
            taken += part_size;
        }
        if (!f64) gti_kernels_for(n)->index.round(slab_size, sum, gti_at(dx->data, i, dx->dtype));
    }
}

static bool gather_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = ((const dx_opts *)n->opts)->axis;
    gt_tensor *g = GT_MUTANT(gather_dx_upstream, gout[0], gt_square(gout[0]));
    gin[0] = gt_gather(GT_MUTANT(gather_dx_sign, g, gt_neg(g)), axis, n->in[1]);
    return true;
}

#define AXIS(i)                                                                                    \
    .opts = &(const gather_opts)                                                                   \
    {                                                                                              \
        (i)                                                                                        \
    }
/* {dimensions}, values of an index */
#define INDEX(dims, ...)                                                                           \
    {                                                                                              \
        .shape = GT_DIMS dims, .dtype = GT_I64, .values = (const double[])                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NUMBER_INDEX(value)                                                                        \
    {                                                                                              \
        .shape = {0, {0}}, .dtype = GT_I64, .values = (const double[])                             \
        {                                                                                          \
            (value)                                                                                \
        }                                                                                          \
    }
#define NO_INDEX(...)                                                                              \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64                                             \
    }
static const gt_sample gather_samples[] = {
    {.label = "last axis", .in = {GT_IN(2, 4), INDEX((2, 3), 3, 0, 1, 2, 2, 0)}, AXIS(1)},
    {.label = "first axis", .in = {GT_IN(4, 3), INDEX((2, 3), 3, 0, 1, 0, 2, 1)}, AXIS(0)},
    {.label = "middle axis",
     .in = {GT_IN(2, 3, 2), INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)},
     AXIS(-2)},
    {.label = "a label each", .in = {GT_IN(3, 5), INDEX((3, 1), 4, 0, 4)}, AXIS(1)},
    {.label = "fewer rows", .in = {GT_IN(3, 3), INDEX((2, 3), 2, 2, 1, 0, 0, 0)}, AXIS(1)},
    {.label = "fewer columns", .in = {GT_IN(3, 4), INDEX((3, 2), 2, 2, 1, 0, 0, 0)}, AXIS(0)},
    {.label = "fewer of both",
     .in = {GT_IN(2, 3, 3), INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2)},
     AXIS(1)},
    {.label = "one column", .in = {GT_IN(3, 4), INDEX((3, 1), 2, 0, 0)}, AXIS(0)},
    {.label = "more than there are", .in = {GT_IN(2), INDEX((5), 1, 0, 0, 1, 1)}, AXIS(0)},
    {.label = "9 of 17", .in = {GT_IN(17), INDEX((9), 16, 0, 8, 7, 7, 16, 3, 1, 15)}, AXIS(-1)},
    {.label = "size one", .in = {GT_IN(1, 1), INDEX((1, 1), 0)}, AXIS(0)},
    {.label = "number", .in = {GT_IN_SCALAR, NUMBER_INDEX(0)}, AXIS(-1)},
    {.label = "number, twice", .in = {GT_IN_SCALAR, INDEX((2), 0, 0)}, AXIS(0)},
    {.label = "a number for an index", .in = {GT_IN(3), NUMBER_INDEX(2)}, AXIS(0)},
    {.label = "no index", .in = {GT_IN(3, 2), NO_INDEX(0, 2)}, AXIS(0)},
    {.label = "zero-size", .in = {GT_IN(3, 0), NO_INDEX(2, 0)}, AXIS(0)},
};

#define FIT_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample gather_error_samples[] = {
    {.label = "index beyond the end",
     .in = {GT_IN(2, 1), INDEX((1, 1), 1)},
     AXIS(1),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0,0] is out of range for axis 1 of size 1"},
    {.label = "floating index",
     .in = {GT_IN(2, 3), GT_IN(2, 3)},
     AXIS(0),
     .code = GT_ERR_DTYPE,
     .message = "index is f32, must be i64"},
    {.label = "other number of dimensions",
     .in = {GT_IN(2, 3), INDEX((2), 0, 0)},
     AXIS(0),
     FIT_ERROR = "index [2] does not fit [2,3]"},
    {.label = "index larger elsewhere",
     .in = {GT_IN(2, 3), INDEX((3, 1), 0, 0, 0)},
     AXIS(1),
     FIT_ERROR = "index [3,1] does not fit [2,3]: as many dimensions and, but for axis 1, no"},
    {.label = "index into a number",
     .in = {GT_IN_SCALAR, NUMBER_INDEX(1)},
     AXIS(0),
     .code = GT_ERR_ARGUMENT,
     .message = "is out of range for axis 0 of size 1"},
    {.label = "no such axis",
     .in = {GT_IN(2, 3), INDEX((1, 1), 0)},
     AXIS(-3),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis -3"},
};

/* dimensions of the shape, axis */
#define DX(dims, axis)                                                                             \
    .opts = &(const dx_opts)                                                                       \
    {                                                                                              \
        GT_DIMS dims, (axis)                                                                       \
    }
static const gt_sample dx_samples[] = {
    {.label = "last axis", .in = {GT_IN(2, 3), INDEX((2, 3), 3, 0, 1, 2, 2, 0)}, DX((2, 4), 1)},
    {.label = "first axis", .in = {GT_IN(2, 3), INDEX((2, 3), 3, 0, 1, 0, 2, 1)}, DX((4, 3), 0)},
    {.label = "middle axis",
     .in = {GT_IN(2, 2, 2), INDEX((2, 2, 2), 2, 0, 1, 1, 0, 0, 2, 2)},
     DX((2, 3, 2), -2)},
    {.label = "fewer of both",
     .in = {GT_IN(1, 4, 2), INDEX((1, 4, 2), 2, 2, 1, 0, 0, 0, 1, 2)},
     DX((2, 3, 3), 1)},
    {.label = "twice", .in = {GT_IN(5), INDEX((5), 1, 0, 0, 1, 1)}, DX((2), 0)},
    {.label = "number", .in = {GT_IN(2), INDEX((2), 0, 0)}, .opts = &(const dx_opts){{0, {0}}, -1}},
    {.label = "a number for an index", .in = {GT_IN_SCALAR, NUMBER_INDEX(1)}, DX((3), 0)},
    {.label = "no index", .in = {GT_IN(0, 2), NO_INDEX(0, 2)}, DX((3, 2), 0)},
    {.label = "zero-size", .in = {GT_IN(2, 0), NO_INDEX(2, 0)}, DX((3, 0), 0)},
};

static const gt_error_sample dx_error_samples[] = {
    {.label = "other shape",
     .in = {GT_IN(3, 3), INDEX((2, 3), 0, 0, 0, 0, 0, 0)},
     DX((4, 3), 0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3,3], must be of index's shape [2,3]"},
    {.label = "index does not fit",
     .in = {GT_IN(2, 3), INDEX((2, 3), 0, 0, 0, 0, 0, 0)},
     DX((4, 2), 0),
     FIT_ERROR = "index [2,3] does not fit [4,2]"},
    {.label = "no shape",
     .in = {GT_IN(1), INDEX((1), 0)},
     DX((-1), 0),
     .code = GT_ERR_SHAPE,
     .message = "[-1] is no shape"},
};

static const gt_attr gather_attrs[] = {GTI_AXIS_ATTR(gather_opts)};

static const gt_attr gather_dx_attrs[] = {
    {GT_ARGUMENT("shape", dx_opts, shape), .meaning = "the shape of the result"},
    GTI_AXIS_ATTR(dx_opts)};

const gt_op gt_op_gather = {
    .name = "gather",
    .inputs = "x index",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(gather_opts),
    .attrs = GT_PLAIN_ATTRS(gather_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES | GT_OP_MOVE | GT_OP_PICK,
    .infer = gather_infer,
    .forward = GT_FOR_ALL(gather_forward),
    .backward = gather_backward,
    .gradient = "dx[i,index[i,j],..] += dy[i,j,..], along the axis",
    GT_SAMPLES(gather_samples),
    GT_ERROR_SAMPLES(gather_error_samples),
};

const gt_op gt_op_gather_dx = {
    .name = "gather_dx",
    .inputs = "dy index",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(dx_opts),
    .attrs = GT_PLAIN_ATTRS(gather_dx_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES,
    .infer = gather_dx_infer,
    .forward = GT_FOR_FLOATS(gather_dx_forward),
    .backward = gather_dx_backward,
    .gradient = "d dy = gather(g, index)",
    GT_SAMPLES(dx_samples),
    GT_ERROR_SAMPLES(dx_error_samples),
};

gt_tensor *gt_gather(gt_tensor *x, int axis, gt_tensor *index)
{
    return gt_apply(&gt_op_gather, &(gather_opts){axis}, 2, (gt_tensor *[]){x, index});
}

gt_tensor *gt_gather_dx(gt_tensor *dy, gt_tensor *index, gt_shape shape, int axis)
{
    const dx_opts opts = {shape, axis};
    return gt_apply(&gt_op_gather_dx, &opts, 2, (gt_tensor *[]){dy, index});
}

/* One element of x along an axis for every element of index: for the last of two axes
 * y[i,j] = x[i,index[i,j]]. index has as many axes as x and, but for this one, is no larger; y has
 * the shape of index. A number, x or index, counts as a vector of one element.
 *
 *   dx = gather_dx(dy): zeros of x's shape with dy's elements added where y's came from
 *   the gradient of gather_dx in dy is the gather that takes them again */
#include <string.h>

#include "gather.h"
#include "kernels/loop.h"
#include "kernels/stream.h"

enum { STREAM_BLOCK = 1 << 11 }; /* bytes */

typedef struct {
    int axis;
} gather_opts;

typedef struct {
    gt_shape shape;
    int axis;
} dx_opts;

/* The axis of a shape that has at least one, from the front. */
static int gather_front(int axis, gt_shape shape)
{
    return axis < 0 ? axis + shape.ndim : axis;
}

static gt_shape from_axis(gt_shape shape, int axis)
{
    return gt_shape_of(shape.ndim - axis, shape.dim + axis);
}

gti_gathering gti_gather_begin(gt_shape whole, gt_shape index, int axis)
{
    int64_t swhole[GT_MAX_DIMS], sindex[GT_MAX_DIMS];
    gti_gathering g;
    gti_strides(whole, swhole);
    gti_strides(index, sindex);
    g.row = (gti_gather){.n = whole.dim[axis], .step = swhole[axis]};
    swhole[axis] = 0;
    gti_broadcast_walk(&g.rows, index, swhole, sindex);
    g.row.k = g.rows.row;
    g.row.along = g.rows.row_sa;
    return g;
}

int gti_gather_check_shape(const gt_node *n, int input, gt_shape of, int axis_given)
{
    const gt_shape given = n->in[input]->shape, index = gti_at_least_1d(given);
    const gt_shape whole = gti_at_least_1d(of);
    const int axis = gti_op_axis(n, axis_given, of.ndim);
    if (axis < 0 || !gti_indices_check_dtype(n, input)) return -1;
    bool fits = index.ndim == whole.ndim;
    for (int d = 0; fits && d < whole.ndim; d++) fits = d == axis || index.dim[d] <= whole.dim[d];
    if (!fits) {
        gt_op_fail(n, GT_ERR_SHAPE,
                   "index %s does not fit %s: as many dimensions and, but for axis %d, no larger",
                   GTI_SHAPE_TEXT(given), GTI_SHAPE_TEXT(of), axis);
        return -1;
    }
    return axis;
}

static bool gather_check_values(const gt_node *n, int input, gt_shape of, int axis)
{
    return gti_indices_check(n, input, axis, gti_at_least_1d(of).dim[axis]);
}

int gti_gather_check_index(const gt_node *n, int input, gt_shape of, int axis_given)
{
    const int axis = gti_gather_check_shape(n, input, of, axis_given);
    return axis >= 0 && gather_check_values(n, input, of, axis) ? axis : -1;
}

static bool gather_infer(gt_node *n)
{
    n->out[0]->shape = n->in[1]->shape;
    return gti_gather_check_shape(n, 1, n->in[0]->shape, ((const gather_opts *)n->opts)->axis) >= 0;
}

static void gather_forward(gt_node *n)
{
    const gt_tensor *x = n->in[0], *y = n->out[0];
    const int64_t *index = n->in[1]->data;
    if (y->size == 0) return;
    const gt_shape whole = gti_at_least_1d(x->shape);
    const int axis = gather_front(((const gather_opts *)n->opts)->axis, whole);
    gti_gathering g = gti_gather_begin(whole, gti_at_least_1d(y->shape), axis);
    bool inside = true;
    for (int64_t r = 0; r < g.rows.rows; r++, gti_broadcast_next(&g.rows))
        inside &= gti_index_gather_row(&g.row, gt_dtype_size(y->dtype),
                                       gti_const_at(x->data, g.rows.a, x->dtype), index + g.rows.b,
                                       gti_at(y->data, g.rows.b, y->dtype),
                                       y->size * (int64_t)gt_dtype_size(y->dtype));
    gti_stream_end();
    if (!inside) gather_check_values(n, 1, whole, axis);
}

static bool gather_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const gt_shape x = n->in[0]->shape;
    const int axis = ((const gather_opts *)n->opts)->axis;
    gt_tensor *dy = GT_MUTANT(gather_order, gout[0], gt_flip(gout[0], GT_AXIS(axis)));
    gin[0] = GT_MUTANT(gather_missing, gt_gather_dx(dy, n->in[1], x, axis), NULL);
    return true;
}

static bool gather_fits(const gt_node *n, const gt_tensor *dy, const gt_tensor *index)
{
    return gt_same_shape(dy, index) ||
           gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, must be of index's shape %s",
                      GTI_SHAPE_TEXT(dy->shape), GTI_SHAPE_TEXT(index->shape));
}

static bool gather_dx_infer(gt_node *n)
{
    const dx_opts *opts = n->opts;
    const gt_tensor *dy = n->in[0], *index = n->in[1];
    if (!gt_is_shape(&opts->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(opts->shape));
    if (gti_gather_check_shape(n, 1, opts->shape, opts->axis) < 0) return false;
    if (!gather_fits(n, dy, index)) return false;
    n->out[0]->shape = opts->shape;
    const gt_shape whole = gti_at_least_1d(opts->shape);
    const gt_shape slab = from_axis(whole, gather_front(opts->axis, whole));
    int64_t elements, bytes; /* an overflow is reported where dx is allocated */
    if (n->dtype != GT_F64 &&
        gti_size_of_shape(slab.ndim, slab.dim, sizeof(double), &elements, &bytes))
        n->scratch_size = (size_t)bytes;
    return true;
}

/* Adds the elements of dy from `first` on, those of one slab, to their places in sum. Returns
 * whether all of these were inside. */
static bool scatter(const gt_node *n, gti_gathering *g, int64_t first, double *sum)
{
    const gt_tensor *dy = n->in[0];
    const int64_t *index = n->in[1]->data;
    bool inside = true;
    for (int64_t r = 0; r < g->rows.rows; r++, gti_broadcast_next(&g->rows)) {
        const int64_t i = first + g->rows.b;
        inside &= gti_kernels_for(n)->index.scatter_row(
            &g->row, gti_const_at(dy->data, i, dy->dtype), index + i, sum + g->rows.a);
    }
    return inside;
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

/* Rounds the sums of a slab into dx, past the caches where it is large. */
static void round_slab(const gt_node *n, int64_t size, const double *sum, char *dx)
{
    const int64_t element = (int64_t)gt_dtype_size(n->dtype);
    const bool streamed = gti_streams_results(n->out[0]->size * element);
    const int64_t most = streamed ? STREAM_BLOCK / element : size;
    _Alignas(64) char block[STREAM_BLOCK];
    for (int64_t count; size > 0; size -= count, sum += count, dx += count * element) {
        count = size < most ? size : most;
        if (streamed) gti_read_on(sum, (size_t)count * sizeof *sum);
        gti_kernels_for(n)->index.round(count, sum, streamed ? block : dx);
        if (streamed) gti_stream((size_t)(count * element), block, dx);
    }
}

/* By slabs of dx, the parts from the axis on. Sums in double, in scratch; in place where dx is of
 * doubles. */
static void gather_dx_forward(gt_node *n)
{
    const gt_tensor *dy = n->in[0], *dx = n->out[0];
    if (dy->size == 0) {
        gti_kernels_for(n)->fill(dx->size, 0, dx->data);
        return;
    }
    const bool f64 = n->dtype == GT_F64;
    const gt_shape whole = gti_at_least_1d(dx->shape), parts = gti_at_least_1d(dy->shape);
    const int axis = gather_front(((const dx_opts *)n->opts)->axis, whole);
    const gt_shape slab = from_axis(whole, axis), part = from_axis(parts, axis);
    const int64_t slab_size = gt_shape_size(slab), part_size = gt_shape_size(part);
    gti_gathering g = gti_gather_begin(slab, part, 0);
    int64_t at[GT_MAX_DIMS] = {0}, taken = 0;
    bool inside = dx->size > 0; /* along an axis of none there is nothing inside */
    for (int64_t i = 0; i < dx->size; i += slab_size, gather_step(at, axis, whole)) {
        double *sum = f64 ? (double *)dx->data + i : n->scratch;
        memset(sum, 0, (size_t)slab_size * sizeof *sum);
        if (is_inside(at, axis, parts)) {
            inside &= scatter(n, &g, taken, sum);
            taken += part_size;
        }
        if (!f64) round_slab(n, slab_size, sum, gti_to(dx, i));
    }
    gti_stream_end();
    if (!inside) gather_check_values(n, 1, whole, axis);
}

static bool gather_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int axis = ((const dx_opts *)n->opts)->axis;
    gt_tensor *g = GT_MUTANT(gather_dx_upstream, gout[0], gt_square(gout[0]));
    gin[0] = gt_gather(GT_MUTANT(gather_dx_sign, g, gt_neg(g)), axis, n->in[1]);
    return true;
}

/* --- gather_add: by slabs of dx, the parts from the axis on --- */

/* Elements of a slab of dx and of dy, of which the latter grow by their places. */
static gti_indexed gather_slab(const gt_node *n)
{
    const gt_shape dx = gti_at_least_1d(n->in[0]->shape), dy = gti_at_least_1d(n->in[1]->shape);
    const int axis = gather_front(((const gather_opts *)n->opts)->axis, dx);
    return (gti_indexed){.outer = 1,
                         .n = gt_shape_size(from_axis(dx, axis)),
                         .k = gt_shape_size(from_axis(dy, axis)),
                         .inner = 1,
                         .into = true};
}

static bool gather_add_infer(gt_node *n)
{
    const int axis = ((const gather_opts *)n->opts)->axis;
    if (gti_gather_check_index(n, 2, n->in[0]->shape, axis) < 0) return false;
    if (!gather_fits(n, n->in[1], n->in[2])) return false;
    if (n->in[1]->size == 0) return true;
    const gti_indexed slab = gather_slab(n);
    n->scratch_size = (size_t)slab.k * sizeof(int64_t) + gti_index_add_scratch(&slab);
    return true;
}

/* place[i], i < k: where element i of a slab of dy goes in its slab of dx; -1 where that is
 * outside. */
static void gather_places(gti_gathering *g, const int64_t *index, int64_t *place)
{
    for (int64_t r = 0; r < g->rows.rows; r++, gti_broadcast_next(&g->rows))
        for (int64_t j = 0; j < g->row.k; j++) {
            const int64_t i = index[g->rows.b + j];
            const bool inside = (uint64_t)i < (uint64_t)g->row.n;
            place[g->rows.b + j] = inside ? g->rows.a + i * g->row.step + j * g->row.along : -1;
        }
}

static void gather_add_forward(gt_node *n)
{
    const gt_tensor *dx = n->out[0], *dy = n->in[1], *index = n->in[2];
    if (dy->size == 0) return;
    const gt_shape whole = gti_at_least_1d(dx->shape), parts = gti_at_least_1d(dy->shape);
    const int axis = gather_front(((const gather_opts *)n->opts)->axis, whole);
    const gti_indexed slab = gather_slab(n);
    gti_gathering g = gti_gather_begin(from_axis(whole, axis), from_axis(parts, axis), 0);
    int64_t at[GT_MAX_DIMS] = {0}, *const place = n->scratch;
    for (int64_t i = 0; i < dy->size; i += slab.k, gather_step(at, axis, parts)) {
        int64_t number = 0; /* of the slab of dx */
        for (int d = 0; d < axis; d++) number = number * whole.dim[d] + at[d];
        gather_places(&g, gti_from(index, i), place);
        gti_kernels_for(n)->index.add(&slab, gti_from(dy, i), place, gti_to(dx, number * slab.n),
                                      place + slab.k);
    }
}

#include "gather_samples.h"

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
    .backward_into = &gt_op_gather_add,
    .gradient = "dx[i,index[i,j],..] += dy[i,j,..], along the axis",
    GT_SAMPLES(gather_samples),
    GT_ERROR_SAMPLES(gather_error_samples),
};

const gt_op gt_op_gather_add = {
    .name = "gather_add",
    .inputs = "dx dy index",
    .n_in = 3,
    .n_out = 1,
    .opts_size = sizeof(gather_opts),
    .attrs = GT_PLAIN_ATTRS(gather_attrs),
    .flags = GT_OP_MIXED | GT_OP_VALUES | GT_OP_INTO | GT_OP_PICK,
    .infer = gather_add_infer,
    .forward = GT_FOR_FLOATS(gather_add_forward),
    GT_SAMPLES(gather_add_samples),
    GT_ERROR_SAMPLES(gather_add_error_samples),
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

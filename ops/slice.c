/* slice: y = x[start:stop:step] along one axis, with Python's rules: negative starts and stops
 * count from the end, those beyond an end are moved to it.
 *
 *   dx = slice_dx(dy): zeros of x's shape with dy in the places that slice took
 *   the gradient of slice_dx in dy is the slice that takes them again */
#include <string.h>

#include "copying.h"

typedef struct {
    gt_keywords gt_;
    int64_t start, stop, step;
    int axis;
} slice_opts;

typedef struct {
    gt_shape shape;
    int64_t start, step; /* element i of dy goes to start + i * step */
    int axis;
} slice_dx_opts;

/* The places start, start + step, ... of an axis; start is meaningless when there are none. */
typedef struct {
    int axis;
    int64_t start, step, count;
} places;

static int64_t slice_clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* The places that opts selects of n's input; axis -1 after a failure. */
static places select_places(const gt_node *n)
{
    const slice_opts *opts = n->opts;
    const gt_shape x = n->in[0]->shape;
    places p = {.axis = gt_op_axis(n, opts->axis, x.ndim)};
    if (p.axis < 0) return p;
    p.step = slice_clamp(opts->step, -INT64_MAX, INT64_MAX);
    const int64_t size = x.dim[p.axis];
    const int64_t low = p.step > 0 ? 0 : -1, high = p.step > 0 ? size : size - 1;
    int64_t stop = opts->stop < 0 ? opts->stop + size : opts->stop;
    if (opts->stop == GT_END && p.step < 0) stop = low;
    stop = slice_clamp(stop, low, high);
    p.start = slice_clamp(opts->start < 0 ? opts->start + size : opts->start, low, high);
    if (p.step > 0 && stop > p.start) p.count = (stop - p.start - 1) / p.step + 1;
    if (p.step < 0 && stop < p.start) p.count = (p.start - stop - 1) / -p.step + 1;
    return p;
}

static bool slice_infer(gt_node *n)
{
    const places p = select_places(n);
    if (p.axis < 0) return false;
    n->out[0]->shape = n->in[0]->shape;
    n->out[0]->shape.dim[p.axis] = p.count;
    gti_copying_divide(n, 0, &n->out[0]->shape);
    return true;
}

/* Copies a range between a whole tensor and the dense tensor of its elements at the places p. */
static void copy_places(const gt_node *n, const gt_range *r, const places *p,
                        const gt_tensor *whole, const gt_tensor *part, bool gather)
{
    int64_t wstride[GT_MAX_DIMS], pstride[GT_MAX_DIMS];
    gti_strides(whole->shape, wstride);
    gti_strides(part->shape, pstride);
    void *first = gti_at(whole->data, p->start * wstride[p->axis], whole->dtype);
    /* With a single place the step may be anything, even too large to multiply. */
    wstride[p->axis] *= p->count > 1 ? p->step : 1;
    const gt_shape *s = &part->shape;
    if (gather) gti_copying_run(n, r, s, first, wstride, part->data, pstride);
    else gti_copying_run(n, r, s, part->data, pstride, first, wstride);
}

static void slice_parts(gt_node *n, const gt_range *r)
{
    const places p = select_places(n);
    copy_places(n, r, &p, n->in[0], n->out[0], true);
}

static bool slice_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const places p = select_places(n);
    gin[0] = gt_slice_dx(gout[0], n->in[0]->shape, p.axis,
                         p.count > 0 ? GT_MUTANT(slice_start, p.start, p.start / 2) : 0,
                         GT_MUTANT(slice_step, p.step, 1));
    return true;
}

/* --- slice_add --- */

static bool slice_add_infer(gt_node *n)
{
    const places p = select_places(n);
    if (p.axis < 0) return false;
    gt_shape part = n->in[0]->shape;
    part.dim[p.axis] = p.count;
    return gt_shape_equal(part, n->in[1]->shape) ||
           gt_op_fail(n, GT_ERR_SHAPE, "dy is %s, but the slice of dx is %s",
                      GTI_SHAPE_TEXT(n->in[1]->shape), GTI_SHAPE_TEXT(part));
}

/* dx[.., start + i step, ..] += dy[.., i, ..] */
static void slice_add_forward(gt_node *n)
{
    const gt_tensor *dx = n->out[0], *dy = n->in[1];
    if (dy->size == 0) return;
    const places p = select_places(n);
    const bool joined = p.step == 1; /* all of i are one run */
    const int64_t whole = dx->shape.dim[p.axis], runs = joined ? 1 : p.count;
    int64_t inner = 1, outer = 1;
    for (int d = p.axis + 1; d < dx->shape.ndim; d++) inner *= dx->shape.dim[d];
    for (int d = 0; d < p.axis; d++) outer *= dx->shape.dim[d];
    const int64_t length = joined ? p.count * inner : inner;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < runs; i++) {
            const int64_t to = (o * whole + p.start + (joined ? 0 : i * p.step)) * inner;
            gti_kernels_for(n)->accumulate(length, gti_from(dy, (o * runs + i) * length),
                                           gti_to(dx, to));
        }
}

/* --- slice_dx --- */

static places dx_places(const gt_node *n)
{
    const slice_dx_opts *opts = n->opts;
    const int axis = opts->axis < 0 ? opts->axis + opts->shape.ndim : opts->axis;
    return (places){
        .axis = axis, .start = opts->start, .step = opts->step, .count = n->in[0]->shape.dim[axis]};
}

/* Whether all places lie on an axis of this size. */
static bool places_fit(const places *p, int64_t size)
{
    int64_t way, last;
    if (p->count == 0) return true;
    return p->start >= 0 && p->start < size && gti_size_mul(p->count - 1, p->step, &way) &&
           gti_size_add(p->start, way, &last) && last >= 0 && last < size;
}

static bool slice_dx_infer(gt_node *n)
{
    const slice_dx_opts *opts = n->opts;
    const gt_shape dy = n->in[0]->shape;
    if (!gt_is_shape(&opts->shape))
        return gt_op_fail(n, GT_ERR_SHAPE, "%s is no shape", GTI_SHAPE_TEXT(opts->shape));
    if (gt_op_axis(n, opts->axis, opts->shape.ndim) < 0) return false;
    if (opts->step == 0) return gt_op_fail(n, GT_ERR_ARGUMENT, "step is 0, must be another number");
    gt_shape expected = opts->shape;
    if (dy.ndim == expected.ndim) {
        const int axis = dx_places(n).axis;
        expected.dim[axis] = dy.dim[axis];
    }
    if (!gt_shape_equal(dy, expected))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy %s is no slice of %s along axis %d",
                          GTI_SHAPE_TEXT(dy), GTI_SHAPE_TEXT(opts->shape), opts->axis);
    const places p = dx_places(n);
    if (!places_fit(&p, opts->shape.dim[p.axis]))
        return gt_op_fail(n, GT_ERR_SHAPE,
                          "%lld elements from %lld on in steps of %lld leave dimension %d of %s",
                          (long long)p.count, (long long)p.start, (long long)p.step, p.axis,
                          GTI_SHAPE_TEXT(opts->shape));
    n->out[0]->shape = opts->shape;
    n->parts[0] = gt_element_parts(n, gt_shape_size(opts->shape), 1);
    gti_copying_divide(n, 1, &n->in[0]->shape);
    return true;
}

/* Zeros, then dy. */
static void slice_dx_parts(gt_node *n, const gt_range *r)
{
    const gt_tensor *dx = n->out[0];
    if (r->stage == 0) {
        const int64_t first = gt_element_begin(dx->size, n->parts[0], r->begin);
        const int64_t last = gt_element_begin(dx->size, n->parts[0], r->end);
        memset(gti_to(dx, first), 0, (size_t)(last - first) * gt_dtype_size(dx->dtype));
        return;
    }
    const places p = dx_places(n);
    copy_places(n, r, &p, dx, n->in[0], false);
}

static bool slice_dx_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* d dy[.., i, ..] = g[.., start + i step, ..]; a stop below 0 would count from the end */
    const places p = dx_places(n);
    const int64_t sign = p.step > 0 ? 1 : -1;
    int64_t stop = p.count > 0 ? p.start + (p.count - 1) * p.step + sign : p.start;
    if (stop < 0) stop = INT64_MIN;
    gin[0] = p.count > 0 ? gt_slice_(GT_MUTANT(slice_dx_sign, gout[0], gt_neg(gout[0])), p.axis,
                                     GT_MUTANT(slice_dx_start, p.start, p.start + 1), stop,
                                     (gt_slice_opts){.step = p.step})
                         : gt_slice_(gout[0], p.axis, 0, 0, (gt_slice_opts){0});
    return true;
}

/* start, stop, step, axis */
#define SLICE(...)                                                                                 \
    .opts = &(const slice_opts)                                                                    \
    {                                                                                              \
        NULL, __VA_ARGS__                                                                          \
    }
static const gt_sample slice_samples[] = {
    {.label = "middle", .in = GT_INPUTS(GT_IN(6)), SLICE(1, 4, 1, 0)},
    {.label = "step 2", .in = GT_INPUTS(GT_IN(7)), SLICE(0, GT_END, 2, 0)},
    {.label = "step 3, last not hit", .in = GT_INPUTS(GT_IN(8)), SLICE(1, 8, 3, 0)},
    {.label = "from the end", .in = GT_INPUTS(GT_IN(6)), SLICE(-4, -1, 0, 0)},
    {.label = "beyond the end", .in = GT_INPUTS(GT_IN(4)), SLICE(-9, 9, 1, 0)},
    {.label = "backwards", .in = GT_INPUTS(GT_IN(5)), SLICE(-1, GT_END, -1, 0)},
    {.label = "backwards, step -2", .in = GT_INPUTS(GT_IN(7)), SLICE(5, 0, -2, 0)},
    {.label = "backwards, to -9", .in = GT_INPUTS(GT_IN(4)), SLICE(2, -9, -2, 0)},
    {.label = "step beyond the end", .in = GT_INPUTS(GT_IN(4)), SLICE(1, GT_END, INT64_MAX, 0)},
    {.label = "smallest step", .in = GT_INPUTS(GT_IN(4)), SLICE(3, GT_END, INT64_MIN, 0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 5)), SLICE(1, 4, 2, 1)},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(1, 2, 1, 2, 1, 5, 1, 2)),
     SLICE(3, 0, -2, 5)},
    {.label = "last axis, backwards", .in = GT_INPUTS(GT_IN(2, 5)), SLICE(4, 0, -3, -1)},
    {.label = "middle axis", .in = GT_INPUTS(GT_IN(2, 4, 3)), SLICE(1, 3, 1, -2)},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(3, 2)), SLICE(2, 1, 1, 0)},
    {.label = "nothing, backwards", .in = GT_INPUTS(GT_IN(3, 2)), SLICE(0, 2, -1, 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(2, 0)), SLICE(0, 1, 1, 0)},
    {.label = "zero-size axis", .in = GT_INPUTS(GT_IN(0, 2)), SLICE(-1, GT_END, -1, 0)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1)), SLICE(0, GT_END, 1, 1)},
    {.label = "9 of 17", .in = GT_INPUTS(GT_IN(17)), SLICE(0, GT_END, 2, 0)},
};

static const gt_error_sample slice_error_samples[] = {
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3)),
     SLICE(0, 1, 1, 2),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
    {.label = "scalar",
     .in = GT_INPUTS(GT_IN_SCALAR),
     SLICE(0, 1, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 0"},
};

/* dimensions of the shape; start, step, axis */
#define SLICE_DX(dims, ...)                                                                        \
    .opts = &(const slice_dx_opts)                                                                 \
    {                                                                                              \
        GT_DIMS dims, __VA_ARGS__                                                                  \
    }
static const gt_sample slice_dx_samples[] = {
    {.label = "middle", .in = GT_INPUTS(GT_IN(3)), SLICE_DX((6), 1, 1, 0)},
    {.label = "step 2", .in = GT_INPUTS(GT_IN(4)), SLICE_DX((7), 0, 2, 0)},
    {.label = "backwards to the first", .in = GT_INPUTS(GT_IN(5)), SLICE_DX((5), 4, -1, 0)},
    {.label = "step -2", .in = GT_INPUTS(GT_IN(3)), SLICE_DX((7), 5, -2, 0)},
    {.label = "single element", .in = GT_INPUTS(GT_IN(1)), SLICE_DX((4), 2, INT64_MAX, 0)},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 2)), SLICE_DX((3, 5), 1, 2, 1)},
    {.label = "from the end", .in = GT_INPUTS(GT_IN(2, 2, 3)), SLICE_DX((2, 4, 3), 1, 1, -2)},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(0, 2)), SLICE_DX((3, 2), 0, 1, 0)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(1, 0)), SLICE_DX((2, 0), 0, 1, 0)},
};

static const gt_error_sample slice_dx_error_samples[] = {
    {.label = "no slice",
     .in = GT_INPUTS(GT_IN(2, 3)),
     SLICE_DX((4, 4), 0, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "dy [2,3] is no slice of [4,4] along axis 0"},
    {.label = "other number of dimensions",
     .in = GT_INPUTS(GT_IN(2, 3)),
     SLICE_DX((4), 0, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "dy [2,3] is no slice of [4]"},
    {.label = "too far",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE_DX((4), 0, 2, 0),
     .code = GT_ERR_SHAPE,
     .message = "3 elements from 0 on in steps of 2 leave dimension 0 of [4]"},
    {.label = "overflow",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE_DX((4), 0, INT64_MAX, 0),
     .code = GT_ERR_SHAPE,
     .message = "leave dimension 0"},
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE_DX((4), 0, 1, 1),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 1"},
    {.label = "negative shape",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE_DX((-4), 0, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "[-4] is no shape"},
    {.label = "no step",
     .in = GT_INPUTS(GT_IN(3)),
     SLICE_DX((4), 0, 0, 0),
     .code = GT_ERR_ARGUMENT,
     .message = "step is 0, must be another number"},
};

static const gt_sample slice_add_samples[] = {
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 5), GT_IN(3, 2)), SLICE(1, 3, 1, 1)},
    {.label = "rows", .in = GT_INPUTS(GT_IN(4, 3), GT_IN(2, 3)), SLICE(-2, GT_END, 1, 0)},
    {.label = "every second", .in = GT_INPUTS(GT_IN(2, 5), GT_IN(2, 3)), SLICE(0, GT_END, 2, 1)},
    {.label = "backwards", .in = GT_INPUTS(GT_IN(5, 2), GT_IN(5, 2)), SLICE(-1, GT_END, -1, 0)},
    {.label = "nothing", .in = GT_INPUTS(GT_IN(5), GT_IN(0)), SLICE(2, 2, 1, 0)},
};
static const gt_error_sample slice_add_error_samples[] = {
    {.label = "shapes",
     .in = GT_INPUTS(GT_IN(5), GT_IN(3)),
     SLICE(1, 3, 1, 0),
     .code = GT_ERR_SHAPE,
     .message = "dy is [3], but the slice of dx is [2]"},
};

static const gt_attr slice_attrs[] = {
    GTI_AXIS_ATTR(slice_opts),
    {GT_ARGUMENT("start", slice_opts, start), .meaning = "the first index"},
    {GT_ARGUMENT("stop", slice_opts, stop), .meaning = "the index behind the last; GT_END: none"},
    {GT_OPTION("step", slice_opts, step), .otherwise = 1,
     .bounds = GT_BOUNDS(-DBL_MAX, DBL_MAX, GT_NOT_ZERO),
     .meaning = "from one index to the next; negative: backwards"},
};
static const gt_attr slice_dx_attrs[] = {
    {GT_ARGUMENT("shape", slice_dx_opts, shape), .meaning = "the shape of the result"},
    GTI_AXIS_ATTR(slice_dx_opts),
    {GT_ARGUMENT("start", slice_dx_opts, start), .meaning = "where the first element goes"},
    {GT_ARGUMENT("step", slice_dx_opts, step), .meaning = "from one element to the next"},
};

const gt_op gt_op_slice = {
    .name = "slice",
    .inputs = "x",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(slice_opts),
    .attrs = GT_ATTRS(slice_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_FRAME | GT_OP_MOVE | GT_OP_PICK,
    .infer = slice_infer,
    .parts = GT_FOR_ALL(slice_parts),
    .backward = slice_backward,
    .backward_into = &gt_op_slice_add,
    .gradient = "dx[.., start + i step, ..] = dy[.., i, ..], 0 elsewhere",
    GT_SAMPLES(slice_samples),
    GT_ERROR_SAMPLES(slice_error_samples),
};

const gt_op gt_op_slice_add = {
    .name = "slice_add",
    .inputs = "dx dy",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(slice_opts),
    .attrs = GT_ATTRS(slice_attrs),
    .flags = GT_OP_INTO | GT_OP_PICK,
    .infer = slice_add_infer,
    .forward = GT_FOR_FLOATS(slice_add_forward),
    GT_SAMPLES(slice_add_samples),
    GT_ERROR_SAMPLES(slice_add_error_samples),
};

const gt_op gt_op_slice_dx = {
    .name = "slice_dx",
    .inputs = "dy",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(slice_dx_opts),
    .attrs = GT_PLAIN_ATTRS(slice_dx_attrs),
    .flags = GT_OP_NO_SAVED | GT_OP_MOVE,
    .infer = slice_dx_infer,
    .parts = GT_FOR_ALL(slice_dx_parts),
    .backward = slice_dx_backward,
    .gradient = "d dy[.., i, ..] = g[.., start + i step, ..]",
    GT_SAMPLES(slice_dx_samples),
    GT_ERROR_SAMPLES(slice_dx_error_samples),
};

gt_tensor *gt_slice_(gt_tensor *x, int axis, int64_t start, int64_t stop, gt_slice_opts opts)
{
    const slice_opts all = {.start = start, .stop = stop, .step = opts.step, .axis = axis};
    return gt_apply(&gt_op_slice, &all, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_slice_dx(gt_tensor *dy, gt_shape shape, int axis, int64_t start, int64_t step)
{
    const slice_dx_opts opts = {shape, start, step, axis};
    return gt_apply(&gt_op_slice_dx, &opts, 1, (gt_tensor *[]){dy});
}

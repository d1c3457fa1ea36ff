/* Reductions over a set of axes (all when the set is empty): those dimensions disappear from the
 * shape, or stay with size 1 under keepdim. N is the product of their sizes.
 *
 *   sum   y = sum of x over the axes        dx = dy, repeated along the axes
 *   mean  y = sum / N (NaN when N is 0)     dx = dy / N, repeated along the axes */
#include "reduction.h"

#define MAX_PASSES (GT_MAX_DIMS / 2)

/* Neighbouring axes are summed in one pass of the kernel, [outer,n,inner] to [outer,inner]; further
 * groups of axes in further passes, the innermost first, through scratch. */
typedef struct {
    int count; /* at least 1 */
    gti_along pass[MAX_PASSES];
} sum_plan;

static inline void add_pass(sum_plan *plan, int64_t outer, int64_t n, int64_t inner)
{
    plan->pass[plan->count++] = (gti_along){outer, n, inner, 0};
}

/* For x with at least one element. */
static void plan_passes(sum_plan *plan, const gt_shape *x, unsigned reduced)
{
    int64_t inner = 1, outer = 1;
    for (int i = 0; i < x->ndim; i++) outer *= x->dim[i];
    const int64_t size = outer;
    for (int i = x->ndim - 1; i >= 0;) {
        int64_t of[2] = {1, 1}; /* sizes of the reduced dimensions from i on, then of kept ones */
        for (; i >= 0 && (x->dim[i] == 1 || reduced >> i & 1); i--) of[0] *= x->dim[i];
        for (; i >= 0 && (x->dim[i] == 1 || !(reduced >> i & 1)); i--) of[1] *= x->dim[i];
        outer /= of[0];
        if (of[0] > 1) add_pass(plan, outer, of[0], inner);
        inner *= of[1];
        outer /= of[1];
    }
    if (plan->count == 0) add_pass(plan, size, 1, 1);
}

static size_t pass_bytes(const sum_plan *plan, int p, gt_dtype dtype)
{
    const size_t bytes = (size_t)(plan->pass[p].outer * plan->pass[p].inner) * gt_dtype_size(dtype);
    return (bytes + 63) & ~(size_t)63;
}

static void make_plan(gt_node *n, sum_plan *plan, unsigned reduced)
{
    const gt_tensor *x = n->in[0];
    const gt_shape *y = &n->out[0]->shape;
    plan->count = 0;
    if (y->ndim == 0) plan->pass[plan->count++] = (gti_along){1, x->size, 1, 0};
    else if (x->size == 0) add_pass(plan, gt_shape_size(*y), 0, 1);
    else plan_passes(plan, &x->shape, reduced);
}

/* Whether there is one sum, of all. */
static bool is_total(const sum_plan *plan)
{
    return plan->pass[0].outer == 1 && plan->pass[0].inner == 1;
}

static bool reduce_infer(gt_node *n)
{
    const gt_tensor *x = n->in[0];
    const gt_reduce_opts *opts = n->opts;
    sum_plan *plan = n->plan;
    unsigned reduced;
    if (!gti_reduction_dims(n, opts->axes, &reduced)) return false;
    gti_reduction_set_shape(&x->shape, reduced, opts->keepdim, &n->out[0]->shape);
    make_plan(n, plan, reduced);
    if (is_total(plan)) {
        gti_reduction_chunks_divide(n, x->size, 1);
        if (n->parts[1]) n->scratch_size = (size_t)gti_reduction_chunks(x->size) * sizeof(double);
        return true;
    }
    gti_reduction_along_divide(n, 0, &plan->pass[0], 1);
    n->parts[1] = plan->count > 1;
    for (int p = 0; p < plan->count - 1; p++) n->scratch_size += pass_bytes(plan, p, x->dtype);
    return true;
}

static void sum_all(gt_node *n, const gt_range *r)
{
    const gti_kernels *k = gti_kernels_for(n);
    const gt_tensor *x = n->in[0];
    double *sums = n->scratch;
    if (r->stage == 1) {
        k->sum_of_chunks(gti_reduction_chunks(x->size), sums, n->out[0]->data);
    } else if (n->parts[0] == 1) {
        k->sum(&((const sum_plan *)n->plan)->pass[0], x->data, n->out[0]->data);
    } else {
        const gti_items at = gti_reduction_chunks_of(n, r, x->size);
        k->sum_chunks(at.count, gti_from(x, at.first), sums + at.first / GTI_SUM_CHUNK);
    }
}

/* The first pass in parts, or the others. Returns what of y is done. */
static gti_along_range sum_passes(gt_node *n, const gt_range *r)
{
    const gti_kernels *k = gti_kernels_for(n);
    const sum_plan *plan = n->plan;
    const bool last = plan->count == 1;
    char *scratch = n->scratch;
    if (r->stage == 0) {
        const gti_along_range at = gti_reduction_along_range_of(n, r, &plan->pass[0]);
        k->sum(&at.s, gti_from(n->in[0], at.x),
               gti_at(last ? n->out[0]->data : scratch, at.y, n->dtype));
        return last ? at : (gti_along_range){0};
    }
    for (int p = 1; p < plan->count; p++) {
        const void *from = scratch;
        scratch += pass_bytes(plan, p - 1, n->dtype);
        k->sum(&plan->pass[p], from, p == plan->count - 1 ? n->out[0]->data : scratch);
    }
    return (gti_along_range){.s = {1, 1, n->out[0]->size, 0}};
}

static void sum_parts(gt_node *n, const gt_range *r)
{
    if (is_total(n->plan)) sum_all(n, r);
    else sum_passes(n, r);
}

/* N */
static double mean_count(const gt_node *n)
{
    const int64_t kept = n->out[0]->size, count = kept == 0 ? 1 : n->in[0]->size / kept;
    return (double)count;
}

/* Divides y, or a range of it, by N. */
static void reduce_divide(gt_node *n, const gti_along_range *at)
{
    const gti_kernels *kernels = gti_kernels_for(n);
    double divisor; /* an element of y's dtype, which has room here */
    kernels->fill(1, mean_count(n), &divisor);
    const gti_along *s = &at->s;
    const int64_t rows = s->columns ? s->outer : 1;
    const int64_t width = s->columns ? s->columns : s->outer * s->inner;
    for (int64_t o = 0; o < rows; o++) {
        void *y = gti_to(n->out[0], at->y + o * s->inner);
        kernels->binary[GTI_BINARY_div](width, y, 1, &divisor, 0, y);
    }
}

static void mean_parts(gt_node *n, const gt_range *r)
{
    gti_along_range done = {.s = {1, 1, 1, 0}};
    const bool total = is_total(n->plan);
    if (total) sum_all(n, r);
    else done = sum_passes(n, r);
    if (!total || r->stage == 1 || n->parts[0] == 1) reduce_divide(n, &done);
}

/* dy repeated along the reduced axes; a single number broadcasts as it is. */
static gt_tensor *repeat(const gt_node *n, gt_tensor *dy)
{
    const unsigned axes = ((const gt_reduce_opts *)n->opts)->axes;
    return dy && dy->size == 1 ? gt_broadcast_to(dy, n->in[0]->shape)
                               : gti_reduction_repeat(n, axes, dy);
}

static const char sum_gradient[] = "dx = dy, repeated along the axes";
static bool sum_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = GT_MUTANT(sum_missing, repeat(n, GT_MUTANT(sum_upstream, gout[0], gt_square(gout[0]))),
                       NULL);
    return true;
}

static const char mean_gradient[] = "dx = dy / N, repeated along the axes";
static bool mean_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    /* When N is 0, dx has no elements. */
    const double count = mean_count(n);
    gin[0] =
        repeat(n, gt_mul_scalar(gout[0],
                                count > 0 ? 1 / GT_MUTANT(mean_count,
                                                          GT_MUTANT(mean_lost, count, 1), count + 1)
                                          : 0));
    return true;
}

static double reduce_flops(const gt_node *n)
{
    return (double)n->in[0]->size;
}

#define AXES(...)                                                                                  \
    .opts = &(const gt_reduce_opts)                                                                \
    {                                                                                              \
        .axes = __VA_ARGS__                                                                        \
    }
static const gt_sample samples[] = {
    {.label = "all", .in = GT_INPUTS(GT_IN(3, 4))},
    {.label = "all, keepdim",
     .in = GT_INPUTS(GT_IN(2, 3)),
     .opts = &(const gt_reduce_opts){.keepdim = true}},
    {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(0))},
    {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(1))},
    {.label = "columns, keepdim", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(-1), .keepdim = true)},
    {.label = "all axes named", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(0) | GT_AXIS(1))},
    {.label = "axis named twice", .in = GT_INPUTS(GT_IN(3, 4)), AXES(GT_AXIS(1) | GT_AXIS(-1))},
    {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXES(GT_AXIS(1))},
    {.label = "outer and inner", .in = GT_INPUTS(GT_IN(2, 3, 4)), AXES(GT_AXIS(0) | GT_AXIS(-1))},
    {.label = "channels",
     .in = GT_INPUTS(GT_IN(2, 3, 2, 2)),
     AXES(GT_AXIS(0) | GT_AXIS(2) | GT_AXIS(3))},
    {.label = "three groups",
     .in = GT_INPUTS(GT_IN(2, 3, 2, 2, 3, 2)),
     AXES(GT_AXIS(0) | GT_AXIS(2) | GT_AXIS(4))},
    {.label = "three groups, keepdim",
     .in = GT_INPUTS(GT_IN(2, 1, 3, 2, 2, 2)),
     AXES(GT_AXIS(-1) | GT_AXIS(-3) | GT_AXIS(-6), .keepdim = true)},
    {.label = "axes of size one", .in = GT_INPUTS(GT_IN(3, 1, 2)), AXES(GT_AXIS(1))},
    {.label = "all of size one", .in = GT_INPUTS(GT_IN(1, 1, 1)), AXES(GT_AXIS(0) | GT_AXIS(2))},
    {.label = "kept of size one",
     .in = GT_INPUTS(GT_IN(3, 1, 2, 2)),
     AXES(GT_AXIS(0) | GT_AXIS(2))},
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},
    {.label = "axis 0 of a number", .in = GT_INPUTS(GT_IN_SCALAR), AXES(GT_AXIS(0))},
    {.label = "axis -1 of a number, keepdim",
     .in = GT_INPUTS(GT_IN_SCALAR),
     AXES(GT_AXIS(-1), .keepdim = true)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1))},
    {.label = "zero-size, kept", .in = GT_INPUTS(GT_IN(0, 3)), AXES(GT_AXIS(1))},
    {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},
    {.label = "17 rows of 9", .in = GT_INPUTS(GT_IN(17, 9)), AXES(GT_AXIS(0))},
    {.label = "9 rows of 17", .in = GT_INPUTS(GT_IN(9, 17)), AXES(GT_AXIS(1))},
    {.label = "71 wide", .in = GT_INPUTS(GT_IN(2, 71)), AXES(GT_AXIS(1))},
    {.label = "1100 rows", .in = GT_INPUTS(GT_IN(1100, 3)), AXES(GT_AXIS(0))},
    {.label = "600 columns", .in = GT_INPUTS(GT_IN(3, 600)), AXES(GT_AXIS(0))},
    {.label = "columns and rows of them",
     .in = GT_INPUTS(GT_IN(3, 300, 5)),
     AXES(GT_AXIS(0) | GT_AXIS(2))},
    {.label = "8200 wide", .in = GT_INPUTS(GT_IN(8200))},
    /* From here on for sum alone: the mean of nothing is NaN. */
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0))},
    {.label = "zero-size, reduced", .in = GT_INPUTS(GT_IN(0, 3)), AXES(GT_AXIS(0))},
};
enum { N_SAMPLES = sizeof samples / sizeof *samples, N_SUM_ALONE = 2 };

static const gt_error_sample error_samples[] = {
    {.label = "no such axis",
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXES(GT_AXIS(2)),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis 2"},
    {.label = "no such axis from the end",
     .in = GT_INPUTS(GT_IN(2, 3)),
     AXES(GT_AXIS(-3)),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis -3"},
    {.label = "axis -2 of a number",
     .in = GT_INPUTS(GT_IN_SCALAR),
     AXES(GT_AXIS(-2)),
     .code = GT_ERR_SHAPE,
     .message = "there is no axis -2"},
    {.label = "NULL",
     .in = GT_INPUTS({.null = true}),
     .code = GT_ERR_ARGUMENT,
     .message = "x is NULL"},
    {.label = "whole numbers",
     .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}),
     .code = GT_ERR_DTYPE,
     .message = "i64"},
};

static const gt_attr reduce_attrs[] = {GTI_REDUCTION_ATTRS(gt_reduce_opts)};

#define REDUCTION(id, sample_count)                                                                \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = "x",                                                                             \
        .n_in = 1,                                                                                 \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(gt_reduce_opts),                                                       \
        .attrs = GT_PLAIN_ATTRS(reduce_attrs),                                                     \
        .flags = GT_OP_NO_SAVED,                                                                   \
        .plan_size = sizeof(sum_plan),                                                             \
        .infer = reduce_infer,                                                                     \
        .parts = GT_FOR_FLOATS(id##_parts),                                                        \
        .backward = id##_backward,                                                                 \
        .gradient = id##_gradient,                                                                 \
        .samples = samples,                                                                        \
        .n_samples = (sample_count),                                                               \
        GT_ERROR_SAMPLES(error_samples),                                                           \
        .flops = reduce_flops,                                                                     \
    };

REDUCTION(sum, N_SAMPLES)
REDUCTION(mean, N_SAMPLES - N_SUM_ALONE)

gt_tensor *gt_sum_(gt_tensor *x, gt_reduce_opts opts)
{
    return gt_apply(&gt_op_sum, &opts, 1, (gt_tensor *[]){x});
}

gt_tensor *gt_mean_(gt_tensor *x, gt_reduce_opts opts)
{
    gt_tensor *y = gt_apply(&gt_op_mean, &opts, 1, (gt_tensor *[]){x});
    return y && y->size == 1 ? gt_set_mean_weight(y, (double)x->size) : y;
}

/* Clipping gradients by their norm, all of them together: the sum of the powers of all elements,
 * then what it allows.
 *
 *   add_powers   sum += sum of |x|^p, or with p = infinity the larger of sum and the largest |x|
 *   clip_norm    y *= most / (norm + 1e-6), where that is below 1
 *
 * A NaN stays. Neither is differentiated. */
#include <math.h>

#include "common.h"

enum { CHUNK = 1 << 13, COST = 2 }; /* elements that are added up at once; of each, in additions */

static bool check_number(gt_node *n, int i)
{
    const gt_tensor *t = n->in[i];
    if (gt_is_floating(t->dtype) && t->size == 1) return true;
    char name[64];
    return gt_op_fail(n, gt_is_floating(t->dtype) ? GT_ERR_SHAPE : GT_ERR_DTYPE,
                      "%s is %s %s, needs one element of f32 or f64",
                      gt_op_input_name(n->op, i, name, sizeof name), gt_dtype_name(t->dtype),
                      GTI_SHAPE_TEXT(t->shape));
}

/* --- add_powers --- */

static int64_t chunks_of(const gt_node *n)
{
    return (n->in[1]->size + CHUNK - 1) / CHUNK;
}

static bool add_powers_infer(gt_node *n)
{
    const double p = ((const gt_change_args *)n->opts)->p;
    if (!(p > 0)) return gt_op_fail(n, GT_ERR_ARGUMENT, "p is %g, must be positive", p);
    n->dtype = n->in[1]->dtype;
    n->scratch_size = (size_t)chunks_of(n) * sizeof(double);
    n->parts[0] = gt_parts(n, chunks_of(n), COST * CHUNK);
    n->parts[1] = chunks_of(n) > 0;
    return check_number(n, 0);
}

static double joined(double a, double b, double p)
{
    if (!isinf(p)) return a + b;
    return isnan(a) || a >= b ? a : b;
}

/* Sums of chunks, then what they add up to. */
static void add_powers_parts(gt_node *n, const gt_range *r)
{
    const double p = ((const gt_change_args *)n->opts)->p;
    const gt_tensor *x = n->in[1];
    double *sums = n->scratch;
    if (r->stage == 0) {
        const gti_items at = gti_items_of(n, r, chunks_of(n));
        for (int64_t c = at.first; c < at.first + at.count; c++) {
            const int64_t rest = x->size - c * CHUNK;
            sums[c] = gti_kernels_for(n)->into.powers(rest < CHUNK ? rest : CHUNK, p,
                                                      gti_from(x, c * CHUNK));
        }
        return;
    }
    double sum = gt_load_element(n->in[0], 0);
    for (int64_t c = 0; c < chunks_of(n); c++) sum = joined(sum, sums[c], p);
    gt_store_element(n->out[0], 0, sum);
}

/* --- clip_norm --- */

static bool clip_norm_infer(gt_node *n)
{
    return check_number(n, 1);
}

static void clip_norm_elements(gt_node *n, int64_t begin, int64_t end)
{
    const double most = ((const gt_change_args *)n->opts)->p;
    const double pq[2] = {most / (gt_load_element(n->in[1], 0) + 1e-6)};
    void *y = gti_to(n->out[0], begin);
    if (!(pq[0] >= 1)) gti_kernels_for(n)->into.change[GTI_INTO_scale](end - begin, pq, y, y);
}

/* --- samples --- */

#define P(value)                                                                                   \
    .opts = &(const gt_change_args)                                                                \
    {                                                                                              \
        .p = (value)                                                                               \
    }
static const double three[] = {3};
#define THREE                                                                                      \
    {                                                                                              \
        .shape = {0, {0}}, .values = three                                                         \
    }
static const gt_sample add_powers_samples[] = {
    {.label = "p=2", .in = GT_INPUTS(THREE, GT_IN(2, 3)), P(2)},
    {.label = "p=1", .in = GT_INPUTS(THREE, GT_IN(2, 3)), P(1)},
    {.label = "p=3", .in = GT_INPUTS(THREE, GT_IN(7)), P(3)},
    {.label = "p=infinity", .in = GT_INPUTS(THREE, GT_IN(9)), P(INFINITY)},
    {.label = "the largest is there", .in = GT_INPUTS(THREE, GT_IN_RANGE(0, 1, 9)), P(INFINITY)},
    {.label = "scalar", .in = GT_INPUTS(THREE, GT_IN_SCALAR), P(2)},
    {.label = "zero-size", .in = GT_INPUTS(THREE, GT_IN(0, 3)), P(2)},
    {.label = "three chunks", .in = GT_INPUTS(THREE, GT_IN(3, 8000)), P(2)},
};
static const gt_sample clip_norm_samples[] = {
    {.label = "smaller", .in = GT_INPUTS(GT_IN(2, 3), THREE), P(0.5)},
    {.label = "as it is", .in = GT_INPUTS(GT_IN(2, 3), THREE), P(4)},
    {.label = "zero-size", .in = GT_INPUTS(GT_IN(0, 3), THREE), P(1)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), THREE), P(1)},
    {.label = "67 elements", .in = GT_INPUTS(GT_IN(67), THREE), P(1)},
};

static const gt_error_sample add_powers_error_samples[] = {
    {.label = "p = 0",
     .in = GT_INPUTS(THREE, GT_IN(3)),
     P(0),
     .code = GT_ERR_ARGUMENT,
     .message = "p is 0, must be positive"},
    {.label = "sums",
     .in = GT_INPUTS(GT_IN(2), GT_IN(3)),
     P(2),
     .code = GT_ERR_SHAPE,
     .message = "sum is f32 [2], needs one element of f32 or f64"},
};
static const gt_error_sample clip_norm_error_samples[] = {
    {.label = "norms",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3)),
     P(2),
     .code = GT_ERR_SHAPE,
     .message = "norm is f32 [3], needs one element of f32 or f64"},
};

static const gt_attr clip_attrs[] = {GTI_CHANGE_ATTRS};

static double add_powers_flops(const gt_node *n)
{
    return 2 * (double)n->in[1]->size;
}

const gt_op gt_op_add_powers = {
    .name = "add_powers",
    .inputs = "sum x",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(gt_change_args),
    .attrs = GT_PLAIN_ATTRS(clip_attrs),
    .flags = GT_OP_INTO | GT_OP_MIXED,
    .infer = add_powers_infer,
    .parts = GT_FOR_FLOATS(add_powers_parts),
    .flops = add_powers_flops,
    GT_SAMPLES(add_powers_samples),
    GT_ERROR_SAMPLES(add_powers_error_samples),
};

const gt_op gt_op_clip_norm = {
    .name = "clip_norm",
    .inputs = "y norm",
    .n_in = 2,
    .n_out = 1,
    .opts_size = sizeof(gt_change_args),
    .attrs = GT_PLAIN_ATTRS(clip_attrs),
    .flags = GT_OP_INTO | GT_OP_MIXED,
    .infer = clip_norm_infer,
    .elements = GT_FOR_FLOATS(clip_norm_elements),
    GT_SAMPLES(clip_norm_samples),
    GT_ERROR_SAMPLES(clip_norm_error_samples),
};

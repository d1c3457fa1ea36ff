/* More operations that are wrong in one way each: of several inputs or outputs, or whose result has
 * another shape than x. */
#ifndef GT_TESTS_WRONG_SHAPES_H
#define GT_TESTS_WRONG_SHAPES_H

#include "wrong_ops.h"

/* --- y[i] = sum of all x, whose Jacobian is the same transposed --- */

static void total_forward(gt_node *n)
{
    double sum = 0;
    for (int64_t i = 0; i < n->in[0]->size; i++) sum += F64(n->in[0])[i];
    for (int64_t i = 0; i < n->in[0]->size; i++) F64(n->out[0])[i] = sum;
}
RULE(total,
     gt_mul(gt_sum(dy), gt_add_scalar(gt_mul_scalar(masked(gt_ones_like(x), one_half), 1e-5), 1)))
FORWARD(total, NULL, total_forward, total_rule);

/* --- y = x, twice over; of two gradients only the last counts --- */

static bool repeat_infer(gt_node *n)
{
    n->out[0]->shape = GT_SHAPE(2 * n->in[0]->size);
    return true;
}

static void repeat_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->out[0]->size; i++)
        F64(n->out[0])[i] = F64(n->in[0])[i % n->in[0]->size];
}
RULE(repeat, gt_slice(dy, 0, x->size, 2 * x->size))
static const gt_op repeat_op = {.name = "repeat",
                                .inputs = "x",
                                .n_in = 1,
                                .n_out = 1,
                                .infer = repeat_infer,
                                .forward = {NULL, repeat_forward},
                                .backward = repeat_rule};

/* --- y0 = y1 = x^2; the rule gives nothing where y1 was not used --- */

static bool two_infer(gt_node *n)
{
    n->out[0]->shape = n->out[1]->shape = n->in[0]->shape;
    return true;
}

static void two_forward(gt_node *n)
{
    square_forward(n);
    memcpy(n->out[1]->data, n->out[0]->data, (size_t)n->out[0]->size * sizeof(double));
}

static bool silent_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (!gout[1]) return true;
    gin[0] = right_dx(n, gout[0] ? gt_add(gout[0], gout[1]) : gout[1]);
    return true;
}
static const gt_op silent_op = {.name = "silent",
                                .inputs = "x",
                                .n_in = 1,
                                .n_out = 2,
                                .infer = two_infer,
                                .forward = {NULL, two_forward},
                                .backward = silent_rule};

/* --- y = x^2, and the number of each element, in i64 --- */

static bool counted_infer(gt_node *n)
{
    n->out[0]->shape = n->out[1]->shape = n->in[0]->shape;
    n->out[1]->dtype = GT_I64;
    return true;
}

static void count_from(gt_node *n, int64_t first, int64_t count)
{
    square_forward(n);
    for (int64_t i = 0; i < count; i++) ((int64_t *)n->out[1]->data)[i] = first + i;
}

static void counted_forward(gt_node *n)
{
    count_from(n, 0, n->in[0]->size);
}

static void all_but_last_forward(gt_node *n)
{
    count_from(n, 0, n->in[0]->size - 1);
}

static void from_one_forward(gt_node *n)
{
    count_from(n, 1, n->in[0]->size);
}

static void beyond_forward(gt_node *n)
{
    count_from(n, 0, n->in[0]->size + 1);
}

static bool scratch_infer(gt_node *n)
{
    n->scratch_size = 5;
    return counted_infer(n);
}

static void beyond_scratch_forward(gt_node *n)
{
    memset(n->scratch, 0, n->scratch_size + 1);
    counted_forward(n);
}

static void random_count_forward(gt_node *n)
{
    static int64_t calls;
    count_from(n, calls++, n->in[0]->size);
}

#define COUNTED(id, f32, f64) COUNTED_BY(id, counted_infer, f32, f64)
#define COUNTED_BY(id, by, f32, f64)                                                               \
    static const gt_op id##_op = {.name = #id,                                                     \
                                  .inputs = "x",                                                   \
                                  .n_in = 1,                                                       \
                                  .n_out = 2,                                                      \
                                  .infer = by,                                                     \
                                  .forward = {f32, f64},                                           \
                                  .backward = right_rule}
COUNTED(counted, counted_forward, counted_forward);
COUNTED(unwritten_count, counted_forward, all_but_last_forward);
COUNTED(random_count, counted_forward, random_count_forward);
COUNTED(beyond, beyond_forward, beyond_forward);
COUNTED_BY(beyond_scratch, scratch_infer, beyond_scratch_forward, beyond_scratch_forward);
COUNTED(count_f32, from_one_forward, counted_forward);

/* --- y [m,n] of x [n,m]: y = x' --- */

static bool transpose_infer(gt_node *n)
{
    n->out[0]->shape = GT_SHAPE(n->in[0]->shape.dim[1], n->in[0]->shape.dim[0]);
    return true;
}

static void transpose_forward(gt_node *n)
{
    const int64_t rows = n->in[0]->shape.dim[0], cols = n->in[0]->shape.dim[1];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            F64(n->out[0])[j * rows + i] = F64(n->in[0])[i * cols + j];
}
RULE(transposed, gt_reshape(dy, x->shape))
static const gt_op transposed_op = {.name = "transposed",
                                    .inputs = "x",
                                    .n_in = 1,
                                    .n_out = 1,
                                    .infer = transpose_infer,
                                    .forward = {NULL, transpose_forward},
                                    .backward = transposed_rule};

/* --- y = a b, matrices [n,n] --- */

static void product_forward(gt_node *n)
{
    const int64_t m = n->in[0]->shape.dim[0];
    for (int64_t i = 0; i < m * m; i++) {
        double sum = 0;
        for (int64_t k = 0; k < m; k++)
            sum += F64(n->in[0])[i / m * m + k] * F64(n->in[1])[k * m + i % m];
        F64(n->out[0])[i] = sum;
    }
}

/* da = dy b in place of dy b' */
static bool product_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    if (gt_needs_grad(n, 0)) gin[0] = gt_matmul(gout[0], n->in[1]);
    if (gt_needs_grad(n, 1)) gin[1] = gt_matmul(n->in[0], gout[0], .transpose_a = true);
    return true;
}

#define PAIR(id, infer_, forward_, rule_)                                                          \
    static const gt_op id##_op = {.name = #id,                                                     \
                                  .inputs = "a b",                                                 \
                                  .n_in = 2,                                                       \
                                  .n_out = 1,                                                      \
                                  .infer = infer_,                                                 \
                                  .forward = {NULL, forward_},                                     \
                                  .backward = rule_}
PAIR(product, same_shape_infer, product_forward, product_rule);

/* --- y = a + b, b [n] repeated along the rows of a [m,n] --- */

static void rows_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++)
        F64(n->out[0])[i] = F64(n->in[0])[i] + F64(n->in[1])[i % n->in[1]->size];
}

static bool first_row_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gout[0];
    gin[1] = gt_reshape(gt_slice(gout[0], 0, 0, 1), n->in[1]->shape);
    return true;
}

static bool not_reduced_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gin[0] = gin[1] = gout[0];
    return true;
}
PAIR(first_row, same_shape_infer, rows_forward, first_row_rule);
PAIR(not_reduced, same_shape_infer, rows_forward, not_reduced_rule);

/* --- y = a b, element by element --- */

static void mul_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++)
        F64(n->out[0])[i] = F64(n->in[0])[i] * F64(n->in[1])[i];
}

/* db is right only when da is asked for too. */
static bool subset_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const bool both = gt_needs_grad(n, 0) && gt_needs_grad(n, 1);
    gin[0] = gt_mul(gout[0], n->in[1]);
    gin[1] = gt_mul(gout[0], both ? n->in[0] : n->in[1]);
    return true;
}

/* Confuses one tensor in two places with a single one. */
static bool same_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_mul(gout[0], n->in[1]);
    if (n->in[1] != n->in[0]) gin[1] = gt_mul(gout[0], n->in[0]);
    return true;
}
/* Both wrong. */
static bool both_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    gin[0] = gt_mul_scalar(gt_mul(gout[0], n->in[1]), 0.5);
    gin[1] = gt_mul_scalar(gt_mul(gout[0], n->in[0]), 3);
    return true;
}

/* y = a / 100 + 1e-8 b; by the rule b has the other sign. */
static void faint_forward(gt_node *n)
{
    for (int64_t i = 0; i < n->in[0]->size; i++)
        F64(n->out[0])[i] = 1e-2 * F64(n->in[0])[i] + 1e-8 * F64(n->in[1])[i];
}

static bool faint_rule(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    (void)n;
    gin[0] = gt_mul_scalar(gout[0], 1e-2);
    gin[1] = gt_mul_scalar(gout[0], -1e-8);
    return true;
}
PAIR(both, same_shape_infer, mul_forward, both_rule);
PAIR(faint, same_shape_infer, faint_forward, faint_rule);
PAIR(subset, same_shape_infer, mul_forward, subset_rule);
PAIR(same, same_shape_infer, mul_forward, same_rule);

#endif

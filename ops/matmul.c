/* Matrix product, as NumPy's matmul: y = op(a) op(b), where op exchanges the last two dimensions
 * under transpose_a or transpose_b.
 *
 *   a [..,m,k]  b [..,k,n]  y [..,m,n]; the dimensions before the last two are batches, which
 *   broadcast. A vector a [k] is the row [1,k], a vector b [k] the column [k,1]; the dimension of
 *   size 1 that this makes is not in y.
 *
 *   d op(a) = dy op(b)^T    d op(b) = op(a)^T dy */
#include "broadcast.h"
#include "kernels/levels.h"

/* Lines of y that stay in one part, and most parts: each part packs the other operand anew, unless
 * it is joined to others. What multiplies a line with less than FEW_TERMS numbers has one part, for
 * so small products have other kernels. */
enum { LINES = 64, MOST_PARTS = 8, FEW_TERMS = 8 };

/* The matrices of a call; a node's plan. */
typedef struct {
    int64_t m, n, k;
    bool ta, tb;
    bool by_columns; /* parts are columns of y, else rows; of batches, whole products */
    gt_shape a_batch, b_batch;
} product;

static gt_shape batch_of(gt_shape shape)
{
    gt_shape batch = {.ndim = shape.ndim > 2 ? shape.ndim - 2 : 0};
    for (int i = 0; i < batch.ndim; i++) batch.dim[i] = shape.dim[i];
    return batch;
}

/* Rows and columns of op(x); a vector is a row or a column. */
static void matrix_of(gt_shape x, bool transposed, bool vector_is_row, int64_t *rows,
                      int64_t *columns)
{
    const int64_t last = x.dim[x.ndim - 1];
    const int64_t before = x.ndim > 1 ? x.dim[x.ndim - 2] : 1;
    const bool swapped = x.ndim > 1 ? transposed : !vector_is_row;
    *rows = swapped ? last : before;
    *columns = swapped ? before : last;
}

/* What n multiplies, and in *bk the rows of op(b), which must be k. */
static product product_of(const gt_node *n, int64_t *bk)
{
    const gt_matmul_opts *opts = n->opts;
    const gt_shape a = n->in[0]->shape, b = n->in[1]->shape;
    product p = {.ta = opts->transpose_a,
                 .tb = opts->transpose_b,
                 .a_batch = batch_of(a),
                 .b_batch = batch_of(b)};
    matrix_of(a, p.ta, true, &p.m, &p.k);
    matrix_of(b, p.tb, false, bk, &p.n);
    return p;
}

static bool fail_inner(gt_node *n, int64_t k, int64_t bk)
{
    const gt_matmul_opts *opts = n->opts;
    const gt_shape b = n->in[1]->shape;
    gt_op_fail(n, GT_ERR_SHAPE, "inner sizes differ: op(a) has %lld columns, op(b) %lld rows",
               (long long)k, (long long)bk);
    if (b.ndim > 1 && b.dim[b.ndim - (opts->transpose_b ? 2 : 1)] == k)
        gt_op_hint(n, "b fits the other way: .transpose_b = %s",
                   opts->transpose_b ? "false" : "true");
    return false;
}

static bool check_operand(gt_node *n, int i, bool transposed)
{
    const char *name = i == 0 ? "a" : "b";
    const int ndim = n->in[i]->shape.ndim;
    if (ndim == 0) {
        gt_op_fail(n, GT_ERR_SHAPE, "%s is a scalar, needs at least one dimension", name);
        return gt_op_hint(n, "gt_mul multiplies by scalars");
    }
    if (transposed && ndim < 2)
        return gt_op_fail(n, GT_ERR_SHAPE, "transpose_%s needs two dimensions, %s has 1", name,
                          name);
    return true;
}

static bool is_one_product(const product *p)
{
    return p->a_batch.ndim == 0 && p->b_batch.ndim == 0;
}

/* Batches of a that meet one matrix b are further rows of a. */
static bool folds(const product *p)
{
    return p->b_batch.ndim == 0 && !p->ta;
}

/* Into which one product can be divided; the last may be half as long again, or half as long. */
static int64_t blocks_of(int64_t lines)
{
    return lines < LINES ? 1 : (lines + LINES / 2) / LINES;
}

/* Keeps p, with batches folded, and divides it: y's rows or columns, or its batches. */
static bool plan(gt_node *n, const product *p)
{
    product *kept = n->plan;
    *kept = *p;
    const int64_t size = gt_shape_size(n->out[0]->shape);
    if (size <= 0) return true; /* the engine refuses what overflows */
    if (folds(p)) {
        kept->m = size / p->n;
        kept->a_batch = (gt_shape){0};
    }
    const double one = (double)kept->m * (double)p->n * (double)p->k / GTI_FLOPS_PER_ADDITION * 2;
    kept->by_columns = kept->n > kept->m;
    if (is_one_product(kept)) {
        const int64_t lines = kept->by_columns ? kept->n : kept->m;
        n->parts[0] = gt_parts(n, blocks_of(lines), one / (double)lines * LINES);
        if (n->parts[0] > MOST_PARTS) n->parts[0] = MOST_PARTS;
        if (one < (double)lines * FEW_TERMS / GTI_FLOPS_PER_ADDITION * 2) n->parts[0] = 1;
    } else {
        n->parts[0] = gt_parts(n, size / (p->m * p->n), one);
    }
    return true;
}

static bool matmul_infer(gt_node *n)
{
    const gt_matmul_opts *opts = n->opts;
    if (!check_operand(n, 0, opts->transpose_a) || !check_operand(n, 1, opts->transpose_b))
        return false;
    int64_t bk;
    const product p = product_of(n, &bk);
    if (p.k != bk) return fail_inner(n, p.k, bk);
    gt_shape y;
    if (!gt_shape_broadcast(p.a_batch, p.b_batch, &y))
        return gt_op_fail(n, GT_ERR_SHAPE, "batches %s and %s do not broadcast",
                          GTI_SHAPE_TEXT(p.a_batch), GTI_SHAPE_TEXT(p.b_batch));
    if (n->in[0]->shape.ndim > 1) y.dim[y.ndim++] = p.m;
    if (n->in[1]->shape.ndim > 1) y.dim[y.ndim++] = p.n;
    n->out[0]->shape = y;
    return plan(n, &p);
}

/* Row stride of the matrix as it lies in memory; 1 where there is nothing to stride over. */
static int64_t row_stride(int64_t columns)
{
    return columns > 0 ? columns : 1;
}

/* Offsets of the operands, in elements. */
typedef struct {
    int64_t a, b, y;
} place;

/* m rows and columns n of the product of whole matrices that lie as p says. */
static void multiply(const gt_node *node, const product *p, int64_t m, int64_t n, place at)
{
    gti_kernels_for(node)->gemm(p->ta, p->tb, m, n, p->k, gti_from(node->in[0], at.a),
                                row_stride(p->ta ? p->m : p->k), gti_from(node->in[1], at.b),
                                row_stride(p->tb ? p->k : p->n), false, gti_to(node->out[0], at.y),
                                row_stride(p->n));
}

/* The first line of part i. */
static int64_t line_at(const gt_node *n, int64_t lines, int64_t i)
{
    return i == n->parts[0] ? lines : LINES * gt_part_begin(blocks_of(lines), n->parts[0], i);
}

/* Parts i to end - 1 of one product. */
static void multiply_lines(const gt_node *n, const product *p, int64_t i, int64_t end)
{
    const int64_t lines = p->by_columns ? p->n : p->m;
    const int64_t first = line_at(n, lines, i), count = line_at(n, lines, end) - first;
    if (p->by_columns)
        multiply(n, p, p->m, count, (place){.b = p->tb ? first * p->k : first, .y = first});
    else multiply(n, p, count, p->n, (place){.a = p->ta ? first : first * p->k, .y = first * p->n});
}

static void batch_strides(gt_shape batch, gt_shape all, int64_t matrix, int64_t *stride)
{
    gti_broadcast_strides(batch, all, stride);
    for (int i = 0; i < all.ndim; i++) stride[i] *= matrix;
}

static void multiply_batches(const gt_node *n, const product *p, int64_t begin, int64_t end)
{
    gt_shape all;
    int64_t sa[GT_MAX_DIMS], sb[GT_MAX_DIMS];
    gt_shape_broadcast(p->a_batch, p->b_batch, &all);
    batch_strides(p->a_batch, all, p->m * p->k, sa);
    batch_strides(p->b_batch, all, p->k * p->n, sb);
    gti_walk w;
    gti_broadcast_walk(&w, all, sa, sb);
    gti_broadcast_seek(&w, begin / w.row);
    for (int64_t i = begin % w.row; begin < end; i = 0, gti_broadcast_next(&w))
        for (; i < w.row && begin < end; i++, begin++)
            multiply(n, p, p->m, p->n,
                     (place){w.a + i * w.row_sa, w.b + i * w.row_sb, begin * p->m * p->n});
}

static void matmul_parts(gt_node *n, const gt_range *r)
{
    const product *p = n->plan;
    if (!is_one_product(p)) {
        const int64_t batches = n->out[0]->size / (p->m * p->n);
        multiply_batches(n, p, gt_part_begin(batches, n->parts[0], r->begin),
                         gt_part_begin(batches, n->parts[0], r->end));
        return;
    }
    const int64_t joined = gti_kernels_join_lines() ? r->end - r->begin : 1;
    for (int64_t i = r->begin; i < r->end; i += joined) multiply_lines(n, p, i, i + joined);
}

/* x with the shape batch + [rows, columns]. */
static gt_tensor *as_matrices(gt_tensor *x, gt_shape batch, int64_t rows, int64_t columns)
{
    if (!x) return NULL;
    batch.dim[batch.ndim++] = rows;
    batch.dim[batch.ndim++] = columns;
    return gt_shape_equal(x->shape, batch) ? x : gt_reshape(x, batch);
}

/* The gradient of matrices, summed over batches that were repeated, in the shape of x. */
static gt_tensor *as_input(gt_tensor *dx, gt_tensor *matrices, const gt_tensor *x)
{
    if (!matrices) return NULL;
    dx = gti_sum_like(dx, matrices);
    return dx && !gt_same_shape(dx, x) ? gt_reshape(dx, x->shape) : dx;
}

/* Makes the batches of a further rows, unless their number overflows (in an empty tensor). */
static void fold(product *p, gt_shape *all)
{
    int64_t rows = p->m;
    for (int i = 0; i < all->ndim; i++)
        if (!gti_size_mul(rows, all->dim[i], &rows)) return;
    p->m = rows;
    *all = p->a_batch = (gt_shape){0};
}

static bool matmul_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    int64_t bk;
    product p = product_of(n, &bk);
    gt_shape all;
    gt_shape_broadcast(p.a_batch, p.b_batch, &all);
    if (folds(&p)) fold(&p, &all);
    gt_tensor *dy = as_matrices(gout[0], all, p.m, p.n);
    gt_tensor *a = as_matrices(n->in[0], p.a_batch, p.ta ? p.k : p.m, p.ta ? p.m : p.k);
    gt_tensor *b = as_matrices(n->in[1], p.b_batch, p.tb ? p.n : p.k, p.tb ? p.k : p.n);
    if (gt_needs_grad(n, 0)) {
        /* d op(a) = dy op(b)^T; da is that, or its transpose op(b) dy^T */
        gt_tensor *da = p.ta
                            ? gt_matmul(b, dy, .transpose_a = GT_MUTANT(matmul_da_ta, p.tb, !p.tb),
                                        .transpose_b = true)
                            : gt_matmul(dy, b, .transpose_b = GT_MUTANT(matmul_da_tb, !p.tb, p.tb));
        gin[0] = as_input(GT_MUTANT(matmul_da_sign, da, gt_neg(da)), a, n->in[0]);
    }
    if (gt_needs_grad(n, 1)) {
        /* d op(b) = op(a)^T dy; db is that, or its transpose dy^T op(a) */
        gt_tensor *db = p.tb
                            ? gt_matmul(dy, a, .transpose_a = true,
                                        .transpose_b = GT_MUTANT(matmul_db_tb, p.ta, !p.ta))
                            : gt_matmul(a, dy, .transpose_a = GT_MUTANT(matmul_db_ta, !p.ta, p.ta));
        gin[1] = as_input(db, b, n->in[1]);
    }
    return true;
}

static double matmul_flops(const gt_node *n)
{
    return 2 * (double)n->out[0]->size * (double)((const product *)n->plan)->k;
}

#define TA                                                                                         \
    .opts = &(const gt_matmul_opts)                                                                \
    {                                                                                              \
        .transpose_a = true                                                                        \
    }
#define TB                                                                                         \
    .opts = &(const gt_matmul_opts)                                                                \
    {                                                                                              \
        .transpose_b = true                                                                        \
    }
#define TAB                                                                                        \
    .opts = &(const gt_matmul_opts)                                                                \
    {                                                                                              \
        .transpose_a = true, .transpose_b = true                                                   \
    }
static const gt_sample samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(4, 2))},
    {.label = "eight dimensions",
     .in = GT_INPUTS(GT_IN(2, 1, 2, 1, 1, 2, 2, 3), GT_IN(2, 1, 2, 1, 1, 3, 1))},
    {.label = "transpose_a", .in = GT_INPUTS(GT_IN(4, 3), GT_IN(4, 2)), TA},
    {.label = "transpose_b", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(2, 4)), TB},
    {.label = "transpose both", .in = GT_INPUTS(GT_IN(4, 3), GT_IN(2, 4)), TAB},
    {.label = "vectors", .in = GT_INPUTS(GT_IN(5), GT_IN(5))},
    {.label = "matrix, vector", .in = GT_INPUTS(GT_IN(3, 4), GT_IN(4))},
    {.label = "vector, matrix", .in = GT_INPUTS(GT_IN(4), GT_IN(4, 3))},
    {.label = "matrix^T, vector", .in = GT_INPUTS(GT_IN(4, 3), GT_IN(4)), TA},
    {.label = "vector, matrix^T", .in = GT_INPUTS(GT_IN(4), GT_IN(3, 4)), TB},
    {.label = "batches, vector", .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(4))},
    {.label = "batches^T, vector", .in = GT_INPUTS(GT_IN(2, 4, 3), GT_IN(4)), TA},
    {.label = "vector, batches", .in = GT_INPUTS(GT_IN(4), GT_IN(2, 4, 3))},
    {.label = "vector, batches^T", .in = GT_INPUTS(GT_IN(4), GT_IN(2, 3, 4)), TB},
    {.label = "batches", .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(2, 2, 3))},
    {.label = "batches, transpose both", .in = GT_INPUTS(GT_IN(2, 2, 3), GT_IN(2, 3, 2)), TAB},
    {.label = "batches, one matrix", .in = GT_INPUTS(GT_IN(2, 3, 2), GT_IN(2, 3))},
    {.label = "batches, one matrix^T", .in = GT_INPUTS(GT_IN(2, 2, 3, 2), GT_IN(3, 2)), TB},
    {.label = "batches^T, one matrix", .in = GT_INPUTS(GT_IN(2, 2, 3), GT_IN(2, 3)), TA},
    {.label = "one matrix, batches", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(2, 2, 3))},
    {.label = "one matrix^T, batches^T", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(2, 3, 2)), TAB},
    {.label = "batches broadcast", .in = GT_INPUTS(GT_IN(2, 1, 2, 3), GT_IN(3, 3, 1))},
    {.label = "batches broadcast both ways",
     .in = GT_INPUTS(GT_IN(2, 1, 2, 2), GT_IN(1, 3, 2, 2)),
     TAB},
    {.label = "batch of size one", .in = GT_INPUTS(GT_IN(1, 2, 3), GT_IN(2, 3, 2))},
    {.label = "b's batch of size one", .in = GT_INPUTS(GT_IN(2, 2, 3), GT_IN(1, 3, 2))},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), GT_IN(1, 1))},
    {.label = "outer product", .in = GT_INPUTS(GT_IN(4, 1), GT_IN(1, 3))},
    {.label = "tiles", .in = GT_INPUTS(GT_IN(12, 11), GT_IN(11, 13))},
    {.label = "a row", .in = GT_INPUTS(GT_IN(1, 64), GT_IN(64, 20))},
    {.label = "a column", .in = GT_INPUTS(GT_IN(20, 64), GT_IN(64, 1))},
    {.label = "deep", .in = GT_INPUTS(GT_IN(5, 260), GT_IN(6, 260)), TB},
    {.label = "few columns, deep", .in = GT_INPUTS(GT_IN(6, 1030), GT_IN(1030, 3))},
    {.label = "both packed", .in = GT_INPUTS(GT_IN(45, 33), GT_IN(33, 260))},
    {.label = "zero rows", .in = GT_INPUTS(GT_IN(0, 3), GT_IN(3, 2))},
    {.label = "zero columns", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3, 0))},
    {.label = "zero inner size", .in = GT_INPUTS(GT_IN(2, 0), GT_IN(0, 3))},
    {.label = "zero inner size, transposed", .in = GT_INPUTS(GT_IN(0, 2), GT_IN(3, 0)), TAB},
    {.label = "zero batches", .in = GT_INPUTS(GT_IN(0, 2, 3), GT_IN(3, 2))},
    {.label = "empty vectors", .in = GT_INPUTS(GT_IN(0), GT_IN(0))},
    {.label = "7, 9, 5", .in = GT_INPUTS(GT_IN(7, 5), GT_IN(5, 9))},
    {.label = "1, 17, 8", .in = GT_INPUTS(GT_IN(1, 8), GT_IN(8, 17))},
    {.label = "130 rows", .in = GT_INPUTS(GT_IN(130, 2), GT_IN(2, 3))},
    {.label = "130 columns, transposed", .in = GT_INPUTS(GT_IN(2, 3), GT_IN(130, 2)), TAB},
    {.label = "same tensor", .in = GT_INPUTS(GT_IN(3, 3), {.same = 1})},
    {.label = "same tensor, transposed", .in = GT_INPUTS(GT_IN(2, 3), {.same = 1}), TB},
};

#define SHAPE_ERROR .code = GT_ERR_SHAPE, .message
static const gt_error_sample error_samples[] = {
    {.label = "inner sizes",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(4, 5)),
     SHAPE_ERROR = "inner sizes differ: op(a) has 3 columns, op(b) 4 rows"},
    {.label = "hint to transpose",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(4, 3)),
     SHAPE_ERROR = "hint: b fits the other way: .transpose_b = true"},
    {.label = "hint not to transpose",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3, 4)),
     TB,
     SHAPE_ERROR = "hint: b fits the other way: .transpose_b = false"},
    {.label = "vectors",
     .in = GT_INPUTS(GT_IN(3), GT_IN(4)),
     SHAPE_ERROR = "3 columns, op(b) 4 rows"},
    {.label = "a scalar", .in = GT_INPUTS(GT_IN_SCALAR, GT_IN(4)), SHAPE_ERROR = "a is a scalar"},
    {.label = "b scalar", .in = GT_INPUTS(GT_IN(4), GT_IN_SCALAR), SHAPE_ERROR = "b is a scalar"},
    {.label = "transpose_a of a vector",
     .in = GT_INPUTS(GT_IN(3), GT_IN(3, 2)),
     TA,
     SHAPE_ERROR = "transpose_a needs two dimensions, a has 1"},
    {.label = "transpose_b of a vector",
     .in = GT_INPUTS(GT_IN(2, 3), GT_IN(3)),
     TB,
     SHAPE_ERROR = "transpose_b needs two dimensions, b has 1"},
    {.label = "batches",
     .in = GT_INPUTS(GT_IN(2, 3, 4), GT_IN(3, 4, 5)),
     SHAPE_ERROR = "batches [2] and [3] do not broadcast"},
};

static const gt_attr matmul_attrs[] = {
    {GT_OPTION("transpose_a", gt_matmul_opts, transpose_a),
     .meaning = "exchange a's last two axes first"},
    {GT_OPTION("transpose_b", gt_matmul_opts, transpose_b),
     .meaning = "exchange b's last two axes first"},
};

const gt_op gt_op_matmul = {
    .name = "matmul",
    .inputs = "a b",
    .n_in = 2,
    .n_out = 1,
    .flags = GT_OP_PRODUCT,
    .unread = GT_UNREAD_OUT(0),
    .opts_size = sizeof(gt_matmul_opts),
    .attrs = GT_PLAIN_ATTRS(matmul_attrs),
    .plan_size = sizeof(product),
    .infer = matmul_infer,
    .parts = GT_FOR_FLOATS(matmul_parts),
    .backward = matmul_backward,
    .gradient = "da = dy b^T, db = a^T dy, each as transposed and as broadcast as it was",
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
    .flops = matmul_flops,
};

gt_tensor *gt_matmul_(gt_tensor *a, gt_tensor *b, gt_matmul_opts opts)
{
    return gt_apply(&gt_op_matmul, &opts, 2, (gt_tensor *[]){a, b});
}

/* embedding: the rows of weight [v,d] that index [..] names: y [..,d]; embedding_dw: its gradient.
 *
 *   y[i,:] = weight[index[i],:]    dw[k,:] = the sum of dy[i,:] over all i with index[i] = k
 *
 * Row `padding` has no gradient. So embedding_dw's own derivative is an embedding whose padding is
 * 0, of which embedding_dw is the gradient, too. */
#include <string.h>

#include "classes.h"

typedef struct {
    int64_t padding;
    bool zeros; /* y is 0 where the index is padding */
} embedding_opts;

typedef struct {
    int64_t padding, v;
} dw_opts;

static gt_tensor *embedding_apply(gt_tensor *weight, gt_tensor *index, int64_t padding, bool zeros)
{
    return gt_apply(&gt_op_embedding, &(embedding_opts){padding, zeros}, 2,
                    (gt_tensor *[]){weight, index});
}

static bool embedding_infer(gt_node *n)
{
    const embedding_opts *opts = n->opts;
    const gt_shape weight = n->in[0]->shape;
    gt_shape y = n->in[1]->shape;
    if (weight.ndim != 2)
        return gt_op_fail(n, GT_ERR_SHAPE, "weight %s has %d dimensions, needs 2: [v,d]",
                          GTI_SHAPE_TEXT(weight), weight.ndim);
    if (y.ndim == GT_MAX_DIMS)
        return gt_op_fail(n, GT_ERR_SHAPE, "index %s has no room for another dimension",
                          GTI_SHAPE_TEXT(y));
    if (!gti_classes_check(n, 1, weight.dim[0], opts->zeros ? opts->padding : GTI_NO_CLASS))
        return false;
    y.dim[y.ndim++] = weight.dim[1];
    n->out[0]->shape = y;
    if (weight.dim[1] > 0) n->parts[0] = gt_parts(n, n->in[1]->size, 2 * (double)weight.dim[1]);
    return true;
}

static void embedding_parts(gt_node *n, const gt_range *r)
{
    const embedding_opts *opts = n->opts;
    const gt_tensor *weight = n->in[0], *index = n->in[1], *y = n->out[0];
    const int64_t v = weight->shape.dim[0], d = weight->shape.dim[1];
    const gti_items items = gti_items_of(n, r, index->size);
    const gti_indexed rows = {.outer = 1, .n = v, .k = items.count, .inner = d};
    const int64_t *const at = gti_from(index, items.first);
    gti_index_select(&rows, gt_dtype_size(n->dtype), weight->data, at, gti_to(y, items.first * d),
                     y->size * (int64_t)gt_dtype_size(y->dtype));
    for (int64_t i = 0; opts->zeros && i < items.count; i++)
        if (at[i] == opts->padding)
            gti_kernels_for(n)->fill(d, 0, gti_to(y, (items.first + i) * d));
}

static const char embedding_gradient[] =
    "dweight[k,:] = the sum of dy[i,:] over all i with index[i] = k";
static bool embedding_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const embedding_opts *opts = n->opts;
    gin[0] = gt_embedding_dw(GT_MUTANT(embedding_sign, gout[0], gt_neg(gout[0])), n->in[1],
                             n->in[0]->shape.dim[0],
                             GT_MUTANT(embedding_padding, opts->padding, GTI_NO_CLASS));
    return true;
}

/* Of adding, and of the index without padding. */
static bool dw_scratch(gt_node *n, gti_indexed rows)
{
    const int64_t wide = rows.inner > 0 ? rows.inner : 1;
    int64_t sums, sorted, bytes;
    if (!gti_size_mul(rows.n, wide, &sums) || !gti_size_mul(sums, sizeof(double), &bytes) ||
        !gti_size_add(rows.n, 2 * rows.k + 1, &sorted) ||
        !gti_size_mul(sorted, sizeof(int64_t), &bytes))
        return gt_op_fail(n, GT_ERR_MEMORY, "%lld rows are too many", (long long)rows.n);
    n->scratch_size = gti_index_add_scratch(&rows) + (size_t)rows.k * sizeof(int64_t);
    return true;
}

static bool dw_infer(gt_node *n)
{
    const dw_opts *opts = n->opts;
    const gt_shape dy = n->in[0]->shape, index = n->in[1]->shape;
    gt_shape expected = index;
    const int64_t d = dy.ndim > 0 ? dy.dim[dy.ndim - 1] : 0;
    if (expected.ndim < GT_MAX_DIMS) expected.dim[expected.ndim++] = d;
    if (dy.ndim != index.ndim + 1 || !gt_shape_equal(dy, expected) || opts->v < 0)
        return gt_op_fail(n, GT_ERR_SHAPE, "dy %s is no gradient of %lld rows at index %s",
                          GTI_SHAPE_TEXT(dy), (long long)opts->v, GTI_SHAPE_TEXT(index));
    if (!gti_classes_check(n, 1, opts->v, opts->padding)) return false;
    n->out[0]->shape = (gt_shape){2, {opts->v, d}};
    return dw_scratch(n, (gti_indexed){.outer = 1, .n = opts->v, .k = n->in[1]->size, .inner = d});
}

/* dw from, or grown by, what dy has for each row but `padding`. */
static void add_to_rows(const gt_node *n, int64_t padding, const gt_tensor *dy,
                        const gt_tensor *index)
{
    const gt_tensor *dw = n->out[0];
    const int64_t *from = index->data;
    int64_t *kept = n->scratch;
    for (int64_t i = 0; i < index->size; i++) kept[i] = from[i] == padding ? -1 : from[i];
    const gti_indexed rows = {.outer = 1,
                              .n = dw->shape.dim[0],
                              .k = index->size,
                              .inner = dw->shape.dim[1],
                              .into = n->op == &gt_op_embedding_add};
    gti_kernels_for(n)->index.add(&rows, dy->data, kept, dw->data, kept + index->size);
}

static void dw_forward(gt_node *n)
{
    add_to_rows(n, ((const dw_opts *)n->opts)->padding, n->in[0], n->in[1]);
}

static const char embedding_dw_gradient[] = "d dy[i,:] = g[index[i],:], 0 in the row of padding";
static bool dw_backward(gt_node *n, gt_tensor *const gout[], gt_tensor *gin[])
{
    const int64_t padding = ((const dw_opts *)n->opts)->padding;
    gin[0] = embedding_apply(GT_MUTANT(embedding_dw_rows, gout[0], gt_flip(gout[0], GT_AXIS(0))),
                             n->in[1], padding, GT_MUTANT(embedding_dw_padding, true, false));
    return true;
}

static bool embedding_add_infer(gt_node *n)
{
    const gt_shape dw = n->in[0]->shape, dy = n->in[1]->shape, index = n->in[2]->shape;
    gt_shape expected = index;
    if (dw.ndim == 2 && expected.ndim < GT_MAX_DIMS) expected.dim[expected.ndim++] = dw.dim[1];
    if (dy.ndim != index.ndim + 1 || !gt_shape_equal(dy, expected))
        return gt_op_fail(n, GT_ERR_SHAPE, "dy %s is no gradient of rows of %s at index %s",
                          GTI_SHAPE_TEXT(dy), GTI_SHAPE_TEXT(dw), GTI_SHAPE_TEXT(index));
    const int64_t v = dw.dim[0], k = n->in[2]->size;
    if (!gti_classes_check(n, 2, v, ((const embedding_opts *)n->opts)->padding)) return false;
    return dw_scratch(n,
                      (gti_indexed){.outer = 1, .n = v, .k = k, .inner = dw.dim[1], .into = true});
}

static void embedding_add_forward(gt_node *n)
{
    add_to_rows(n, ((const embedding_opts *)n->opts)->padding, n->in[1], n->in[2]);
}

#define INDEX(...)                                                                                 \
    {                                                                                              \
        .shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .values = chosen                           \
    }
#define OPTS(...)                                                                                  \
    .opts = &(const embedding_opts)                                                                \
    {                                                                                              \
        .padding = __VA_ARGS__                                                                     \
    }
#define DW_OPTS(...)                                                                               \
    .opts = &(const dw_opts)                                                                       \
    {                                                                                              \
        .padding = __VA_ARGS__                                                                     \
    }
static const double chosen[] = {2, 0, 1, 2, 2, 1, 0, 1, 0, 0, 1, 2, 1, 2, 0, 0, 2};
// clang-format off
static const gt_sample embedding_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(4, 3), INDEX(5)), OPTS(GTI_NO_CLASS)},
    {.label = "matrix of indices", .in = GT_INPUTS(GT_IN(3, 2), INDEX(2, 3)), OPTS(GTI_NO_CLASS)},
    {.label = "padding", .in = GT_INPUTS(GT_IN(3, 2), INDEX(6)), OPTS(2, true)},
    {.label = "zeros for the first", .in = GT_INPUTS(GT_IN(3, 2), INDEX(6)), OPTS(0, true)},
    {.label = "one index", .in = GT_INPUTS(GT_IN(3, 2), {.dtype = GT_I64, .high = 3}), OPTS(GTI_NO_CLASS)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), INDEX(0)), OPTS(GTI_NO_CLASS)},
    {.label = "rows of nothing", .in = GT_INPUTS(GT_IN(3, 0), INDEX(2)), OPTS(GTI_NO_CLASS)},
    {.label = "size one", .in = GT_INPUTS(GT_IN(1, 1), {.shape = GT_DIMS(1), .dtype = GT_I64, .high = 1}), OPTS(GTI_NO_CLASS)},
    {.label = "17 of 9 wide", .in = GT_INPUTS(GT_IN(3, 9), INDEX(17)), OPTS(GTI_NO_CLASS)},
    {.label = "4 of 40", .in = GT_INPUTS(GT_IN(40, 2), INDEX(4)), OPTS(1, true)},
};

static const gt_sample embedding_dw_samples[] = {
    {.label = "ordinary", .in = GT_INPUTS(GT_IN(5, 3), INDEX(5)), DW_OPTS(GTI_NO_CLASS, 4)},
    {.label = "matrix of indices", .in = GT_INPUTS(GT_IN(2, 3, 2), INDEX(2, 3)), DW_OPTS(GTI_NO_CLASS, 3)},
    {.label = "padding", .in = GT_INPUTS(GT_IN(6, 2), INDEX(6)), DW_OPTS(2, 3)},
    {.label = "padding 0", .in = GT_INPUTS(GT_IN(6, 2), INDEX(6)), DW_OPTS(0, 3)},
    {.label = "one index", .in = GT_INPUTS(GT_IN(2), {.dtype = GT_I64, .high = 3}), DW_OPTS(GTI_NO_CLASS, 3)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(0, 2), INDEX(0)), DW_OPTS(GTI_NO_CLASS, 3)},
    {.label = "rows of nothing", .in = GT_INPUTS(GT_IN(2, 0), INDEX(2)), DW_OPTS(GTI_NO_CLASS, 3)},
    {.label = "17 of 9 wide", .in = GT_INPUTS(GT_IN(17, 9), INDEX(17)), DW_OPTS(GTI_NO_CLASS, 3)},
};

static const gt_sample embedding_add_samples[] = {
    {.label = "matrix of indices", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(2, 3, 2), INDEX(2, 3)), OPTS(GTI_NO_CLASS)},
    {.label = "padding", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(6, 2), INDEX(6)), OPTS(2)},
    {.label = "17 of 9 wide", .in = GT_INPUTS(GT_IN(3, 9), GT_IN(17, 9), INDEX(17)), OPTS(GTI_NO_CLASS)},
    {.label = "17 of 19 wide", .in = GT_INPUTS(GT_IN(3, 19), GT_IN(17, 19), INDEX(17)), OPTS(1)},
    {.label = "4 of 40", .in = GT_INPUTS(GT_IN(40, 2), GT_IN(4, 2), INDEX(4)), OPTS(1)},
    {.label = "no index", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(0, 2), INDEX(0)), OPTS(GTI_NO_CLASS)},
};

#define ONES(...) {.shape = GT_DIMS(__VA_ARGS__), .dtype = GT_I64, .low = 1, .high = 2}
#define ERROR(status) .code = status, .message
static const gt_error_sample embedding_error_samples[] = {
    {.label = "out of range", .in = GT_INPUTS(GT_IN(1, 3), ONES(2, 2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_ARGUMENT) = "index[0,0] is 1, must be in 0..0"},
    {.label = "no rows", .in = GT_INPUTS(GT_IN(0, 3), ONES(2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_ARGUMENT) = "index: there are no classes"},
    {.label = "weight", .in = GT_INPUTS(GT_IN(3), ONES(2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_SHAPE) = "weight [3] has 1 dimensions, needs 2: [v,d]"},
    {.label = "index of floats", .in = GT_INPUTS(GT_IN(3, 2), GT_IN(2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_DTYPE) = "must be i64"},
    {.label = "too many dimensions", .in = GT_INPUTS(GT_IN(3, 2), ONES(1, 1, 1, 1, 1, 1, 1, 1)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_SHAPE) = "has no room for another dimension"},
};

static const gt_error_sample embedding_add_error_samples[] = {
    {.label = "dy", .in = GT_INPUTS(GT_IN(4, 2), GT_IN(3, 2), ONES(2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_SHAPE) = "dy [3,2] is no gradient of rows of [4,2] at index [2]"},
    {.label = "out of range", .in = GT_INPUTS(GT_IN(1, 3), GT_IN(2, 3), ONES(2)), OPTS(GTI_NO_CLASS), ERROR(GT_ERR_ARGUMENT) = "index[0] is 1, must be in 0..0"},
};

static const gt_error_sample embedding_dw_error_samples[] = {
    {.label = "dy", .in = GT_INPUTS(GT_IN(3, 2), ONES(2)), DW_OPTS(GTI_NO_CLASS, 4), ERROR(GT_ERR_SHAPE) = "dy [3,2] is no gradient of 4 rows at index [2]"},
    {.label = "a number", .in = GT_INPUTS(GT_IN_SCALAR, ONES(2)), DW_OPTS(GTI_NO_CLASS, 4), ERROR(GT_ERR_SHAPE) = "dy [] is no gradient"},
    {.label = "too many rows", .in = GT_INPUTS(GT_IN(2, 0), ONES(2)), DW_OPTS(GTI_NO_CLASS, INT64_MAX), ERROR(GT_ERR_MEMORY) = "rows are too many"},
    {.label = "out of range", .in = GT_INPUTS(GT_IN(2, 3), ONES(2)), DW_OPTS(GTI_NO_CLASS, 1), ERROR(GT_ERR_ARGUMENT) = "index[0] is 1, must be in 0..0"},
};
// clang-format on

// clang-format off
static const gt_attr embedding_attrs[] = {
    {GT_ARGUMENT("", embedding_opts, zeros)},
    {GT_ARGUMENT("padding_idx", embedding_opts, padding), .meaning = "this row gets no gradient"},
};
static const gt_attr embedding_options[] = {
    {GT_OPTION("padding_idx", gt_embedding_opts, padding_idx), .otherwise = (double)GTI_NO_CLASS, .usual = "none",
     .meaning = "this row gets no gradient; negative ones are counted from the end"}};
static const gt_attrs embedding_call = GT_ATTRS(embedding_options);
static const gt_attr embedding_dw_attrs[] = {
    {GT_ARGUMENT("v", dw_opts, v), .meaning = "rows of weight"},
    {GT_ARGUMENT("padding_idx", dw_opts, padding), .meaning = "this row gets no gradient"},
};
// clang-format on

#define EMBEDDING(id, names, count, opts_type, table, prefix, run, more_flags, ...)                \
    const gt_op gt_op_##id = {                                                                     \
        .name = #id,                                                                               \
        .inputs = (names),                                                                         \
        .n_in = (count),                                                                           \
        .n_out = 1,                                                                                \
        .opts_size = sizeof(opts_type),                                                            \
        .attrs = GT_PLAIN_ATTRS(table),                                                            \
        .flags = GT_OP_MIXED | GT_OP_VALUES | (more_flags),                                        \
        .infer = prefix##_infer,                                                                   \
        .run = GT_FOR_FLOATS(prefix##_##run),                                                      \
        __VA_ARGS__,                                                                               \
        GT_SAMPLES(id##_samples),                                                                  \
        GT_ERROR_SAMPLES(id##_error_samples),                                                      \
    };

EMBEDDING(embedding, "weight index", 2, embedding_opts, embedding_attrs, embedding, parts,
          GT_OP_MOVE | GT_OP_PICK, .call = &embedding_call, .backward = embedding_backward,
          .backward_into = &gt_op_embedding_add, .gradient = embedding_gradient)
EMBEDDING(embedding_dw, "dy index", 2, dw_opts, embedding_dw_attrs, dw, forward, 0,
          .backward = dw_backward, .gradient = embedding_dw_gradient)
EMBEDDING(embedding_add, "dw dy index", 3, embedding_opts, embedding_attrs, embedding_add, forward,
          GT_OP_INTO | GT_OP_PICK, .gradient = NULL)

/* Negative paddings count from the end. */
gt_tensor *gt_embedding_(gt_tensor *index, gt_tensor *weight, gt_embedding_opts opts)
{
    if (!gt_complete(weight ? weight->ctx : NULL, "embedding", &embedding_call, &opts)) return NULL;
    int64_t padding = opts.padding_idx;
    const int64_t v = weight && weight->shape.ndim == 2 ? weight->shape.dim[0] : 0;
    if (padding != GTI_NO_CLASS && v > 0) {
        if (padding < -v || padding >= v) {
            gt_fail(weight->ctx, GT_ERR_ARGUMENT, "embedding",
                    "padding_idx is %lld, must be in %lld..%lld", (long long)padding, (long long)-v,
                    (long long)v - 1);
            return NULL;
        }
        padding += padding < 0 ? v : 0;
    }
    return embedding_apply(weight, index, padding, false);
}

gt_tensor *gt_embedding_dw(gt_tensor *dy, gt_tensor *index, int64_t v, int64_t padding)
{
    return gt_apply(&gt_op_embedding_dw, &(dw_opts){padding, v}, 2, (gt_tensor *[]){dy, index});
}

static const gt_attr class_weights_attrs[] = {
    {GT_ARGUMENT("ignore", gti_class_weights_args, ignore), .meaning = "the class of weight 0"}};
const gt_attrs gt_attrs_class_weights = GT_PLAIN_ATTRS(class_weights_attrs);

gt_tensor *gti_compose_class_weights(gt_tensor *weight, gt_tensor *target, int64_t ignore)
{
    if (!gti_are_given(weight, "weight", target, "target", "class_weights")) return NULL;
    const int64_t c = weight->size;
    return gt_reshape(embedding_apply(gt_reshape(weight, GT_SHAPE(c, 1)), target, ignore, true),
                      target->shape);
}

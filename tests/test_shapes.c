/* Operations on shapes, and products: values and first gradients against PyTorch's
 * (reference/shapes.txt, written by tools/reference_shapes.py). */
#include "reference.h"

/* --- how to call each operation: in are its inputs, o the numbers of the case's line "opts" --- */

enum { MAX_PIECES = 4 };

static gt_shape shape(const double *o, int n)
{
    int64_t dim[GT_MAX_DIMS];
    for (int i = 0; i < n && i < GT_MAX_DIMS; i++) dim[i] = (int64_t)o[i];
    return gt_shape_of(n, dim);
}

static unsigned axes(const double *o, int n)
{
    unsigned set = 0;
    for (int i = 0; i < n; i++) set |= GT_AXIS((int)o[i]);
    return set;
}

/* The shape, and the index, that are written as NDIM d1 .. dNDIM values... */
static gt_shape counted_shape(const double *o)
{
    return shape(o + 1, (int)o[0]);
}

static gt_tensor *index_of(const gt_tensor *x, const double *o, int n)
{
    const gt_shape s = counted_shape(o);
    const int first = 1 + s.ndim;
    return gt_values_(x->ctx, s, (size_t)(n - first), o + first, (gt_new_opts){.dtype = GT_I64});
}

static gt_tensor *index_after_shape(const gt_tensor *x, const double *o, int n)
{
    const int skip = 1 + (int)o[0];
    return index_of(x, o + skip, n - skip);
}

static int count(gt_tensor *const in[])
{
    int n = 0;
    while (n < REFERENCE_INPUTS && in[n]) n++;
    return n;
}

static gt_tensor *piece_of_split(gt_tensor *x, int axis, int64_t size, int i)
{
    gt_tensor *out[MAX_PIECES];
    gt_tensor *first = gt_split(x, axis, size, out, MAX_PIECES);
    assert_ptr_equal(first, out[0]);
    return out[i];
}

static gt_tensor *piece_of_sizes(gt_tensor *x, const double *o, int n)
{
    gt_tensor *out[MAX_PIECES];
    int64_t sizes[MAX_PIECES];
    for (int i = 2; i < n; i++) sizes[i - 2] = (int64_t)o[i];
    gt_tensor *first = gt_split_sizes(x, (int)o[0], n - 2, sizes, out);
    assert_ptr_equal(first, out[0]);
    return out[(int)o[1]];
}

static gt_tensor *piece_of_chunk(gt_tensor *x, int axis, int chunks, int i)
{
    gt_tensor *out[MAX_PIECES];
    gt_tensor *first = gt_chunk(x, axis, chunks, out);
    assert_ptr_equal(first, out[0]);
    return out[i];
}

static gt_pad_opts pads(double mode, const double *o, int n)
{
    gt_pad_opts opts = {.mode = (gt_pad_mode)(int)mode};
    for (int i = 0; i < n; i++) opts.pad[i] = (int64_t)o[i];
    return opts;
}

/* The file has no value for pads of whole numbers but 0. */
static gt_tensor *pad(gt_tensor *x, const double *o, int n)
{
    gt_pad_opts opts = pads(o[0], o + 2, n - 2);
    opts.value = x->dtype > GT_F64 ? fabs(o[1]) * 4 : o[1];
    return gt_pad_(x, opts);
}

static gt_tensor *fold(gt_tensor *dy, const double *o, int n)
{
    const gt_shape to = counted_shape(o + 1);
    const int skip = 2 + to.ndim;
    return gt_pad_dx(dy, to, pads(o[0], o + skip, n - skip));
}

/* i64 made comparable, with a gradient of zeros for x. */
static gt_tensor *as_values(gt_tensor *index, gt_tensor *x)
{
    return gt_add(gt_cast(index, x->dtype), gt_mul_scalar(gt_sum(x), 0));
}

static gt_tensor *hot(gt_tensor *w, const double *o, int n)
{
    gt_tensor *y = gt_one_hot(index_of(w, o + 1, n - 1), (int64_t)o[0], .dtype = w->dtype);
    gt_shape rows = y->shape;
    return gt_reshape(gt_matmul(gt_reshape(y, GT_SHAPE(-1, rows.dim[rows.ndim - 1])), w),
                      rows.ndim == 3 ? GT_SHAPE(rows.dim[0], rows.dim[1], w->shape.dim[1])
                                     : GT_SHAPE(rows.dim[0], w->shape.dim[1]));
}

#define X in[0]
#define MOVES(ROW)                                                                                 \
    ROW(clone, gt_clone(X))                                                                        \
    ROW(flatten, gt_flatten(X, .start = (int)o[0], .end = (int)o[1]))                              \
    ROW(squeeze, gt_squeeze(X, .axes = axes(o, n)))                                                \
    ROW(unsqueeze, gt_unsqueeze(X, (int)o[0]))                                                     \
    ROW(expand, gt_expand(X, shape(o, n)))                                                         \
    ROW(select, gt_select(X, (int)o[0], (int64_t)o[1]))                                            \
    ROW(index_select, gt_index_select(X, (int)o[0], index_of(X, o + 1, n - 1)))                    \
    ROW(gather, gt_gather(X, (int)o[0], index_of(X, o + 1, n - 1)))                                \
    ROW(scatter, gt_scatter(X, (int)o[0], index_of(X, o + 1, n - 1), in[1]))                       \
    ROW(sort, gt_sort(X, (int)o[0], .descending = o[1] != 0))                                      \
    ROW(topk, gt_topk(X, (int64_t)o[0], (int)o[1], .smallest = o[2] != 0))                         \
    ROW(concat, gt_concat(in, count(in), (int)o[0]))                                               \
    ROW(stack, gt_stack(in, count(in), (int)o[0]))                                                 \
    ROW(split, piece_of_split(X, (int)o[0], (int64_t)o[1], (int)o[2]))                             \
    ROW(chunk, piece_of_chunk(X, (int)o[0], (int)o[1], (int)o[2]))                                 \
    ROW(split_sizes, piece_of_sizes(X, o, n))                                                      \
    ROW(roll, gt_roll(X, (int)o[0], (int64_t)o[1]))                                                \
    ROW(pixel_shuffle, gt_pixel_shuffle(X, (int64_t)o[0]))                                         \
    ROW(pixel_unshuffle, gt_pixel_unshuffle(X, (int64_t)o[0]))                                     \
    ROW(repeat, gt_repeat(X, shape(o, n)))                                                         \
    ROW(pad, pad(X, o, n))                                                                         \
    ROW(tril, gt_tril(X, (int64_t)o[0]))                                                           \
    ROW(triu, gt_triu(X, (int64_t)o[0]))
#define COMPUTES(ROW)                                                                              \
    ROW(index_select_dx, gt_index_select_dx(X, index_after_shape(X, o + 1, n - 1),                 \
                                            counted_shape(o + 1), (int)o[0]))                      \
    ROW(gather_dx,                                                                                 \
        gt_gather_dx(X, index_after_shape(X, o + 1, n - 1), counted_shape(o + 1), (int)o[0]))      \
    ROW(pad_dx, fold(X, o, n))                                                                     \
    ROW(masked_fill, gt_masked_fill(X, gt_cast(index_of(X, o + 1, n - 1), GT_U8), o[0]))           \
    ROW(scatter_add, gt_scatter_add(X, (int)o[0], index_of(X, o + 1, n - 1), in[1]))               \
    ROW(argsort, as_values(gt_argsort(X, (int)o[0], .descending = o[1] != 0), X))                  \
    ROW(one_hot, hot(X, o, n))                                                                     \
    ROW(linear, gt_linear(X, in[1], .bias = in[2]))                                                \
    ROW(dot, gt_dot(X, in[1]))                                                                     \
    ROW(outer, gt_outer(X, in[1]))                                                                 \
    ROW(matmul, gt_matmul(X, in[1], .transpose_a = o[0] != 0, .transpose_b = o[1] != 0))

MOVES(REFERENCE_CALL)
COMPUTES(REFERENCE_CALL)

static const reference_caller callers[] = {MOVES(REFERENCE_MOVE)
                                               COMPUTES(REFERENCE_ROW){NULL, NULL, false}};

/* --- against the file --- */

static void check_whole(const reference *r, const reference_caller *c)
{
    const bool negative = !strcmp(r->op, "pad") && r->opts[1] < 0;
    if (negative) return;
    check_moving(r, c, GT_I64);
    check_moving(r, c, GT_U8);
}

static void test_references(void **state)
{
    (void)state;
    check_references("shapes.txt", callers, 300);
    for_each_case("shapes.txt", callers, check_whole);
}

/* NaN is beyond all numbers, -0 is 0, and equal ones stay as they stand, in few and in many. */
static void test_order_of_special_numbers(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *at, *x = gt_values(gt, GT_SHAPE(6), 0, NAN, -0.0, -INFINITY, INFINITY, 0);
    gt_sort(x, 0, .indices = &at);
    ASSERT_VALUES(at, 0, 3, 0, 2, 5, 4, 1);
    gt_sort(x, 0, .descending = true, .indices = &at);
    ASSERT_VALUES(at, 0, 1, 4, 0, 2, 5, 3);
    gt_topk(gt_zeros(gt, GT_SHAPE(100), .dtype = GT_F64), 3, 0, .indices = &at);
    ASSERT_VALUES(at, 0, 0, 1, 2);
    at = gt_argsort(gt_concat_of(0, gt_ones(gt, GT_SHAPE(80)), gt_zeros(gt, GT_SHAPE(2))), 0);
    ASSERT_VALUES(gt_slice(at, 0, 0, 4), 0, 80, 81, 0, 1);
    gt_close(gt);
}

/* Of few, which a heap finds, as of all, which are sorted: with ties, the last of them in front,
 * so that all are replaced, or the first, so that none is. */
static void test_the_first_are_those_of_the_sorted(void **state)
{
    (void)state;
    gt_ctx *gt = gt_open();
    gt_tensor *few = gt_randint(gt, 0, 90, GT_SHAPE(60)),
              *many = gt_zeros(gt, GT_SHAPE(400), .dtype = GT_I64);
    gt_tensor *const x[] = {gt_concat_of(0, few, many), gt_concat_of(0, many, few)};
    for (int64_t k = 1; k < 57; k++)
        for (int i = 0; i < 4; i++) {
            gt_tensor *all, *first;
            gt_sort(x[i / 2], 0, .descending = i % 2, .indices = &all);
            gt_topk(x[i / 2], k, 0, .smallest = i % 2 == 0, .indices = &first);
            assert_well(gt);
            assert_memory_equal(first->data, all->data, (size_t)k * sizeof(int64_t));
        }
    gt_close(gt);
}

static int all_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_order_of_special_numbers),
        cmocka_unit_test(test_the_first_are_those_of_the_sorted),
    };
    return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

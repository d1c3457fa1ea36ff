/* Operations on shapes, and products: what composed functions refuse, and the rest that neither
 * samples nor PyTorch's values (test_shapes.c) show. */
#include "reference.h"

#include "kernels/kernels.h"
#include "kernels/stream.h"

/* --- what composed functions refuse --- */

static void assert_refused(gt_ctx *gt, const gt_tensor *made, gt_status code, const char *message)
{
    assert_null(made);
    assert_error(gt, code, message);
}

static void test_views_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3));
    assert_refused(gt, gt_flatten(x, .start = 2), GT_ERR_SHAPE,
                   "): there is no axis 2 for x [2,3]");
    assert_refused(gt, gt_flatten(x, .start = 1, .end = -2), GT_ERR_ARGUMENT,
                   "start 1 comes after end -2 in x [2,3]");
    assert_refused(gt, gt_squeeze(x, .axes = GT_AXES(-3)), GT_ERR_SHAPE, "there is no axis -3");
    assert_refused(gt, gt_unsqueeze(x, 3), GT_ERR_SHAPE, "unsqueeze (test_shapes_edges.c:");
    assert_refused(gt, gt_unsqueeze(gt_ones(gt, GT_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), 0), GT_ERR_SHAPE,
                   "has 8 dimensions, there are no more");
    assert_refused(gt, gt_expand(x, GT_SHAPE(2, 4)), GT_ERR_SHAPE,
                   "x [2,3] does not expand to [2,4]");
    assert_refused(gt, gt_expand(x, GT_SHAPE(-1, 2, 3)), GT_ERR_SHAPE, "expand to [-1,2,3]");
    assert_refused(gt, gt_expand(x, GT_SHAPE(3)), GT_ERR_SHAPE, "expand to [3]");
    assert_refused(gt, gt_select(x, 2, 0), GT_ERR_SHAPE, "there is no axis 2 for x [2,3]");
    assert_refused(gt, gt_select(x, 1, 3), GT_ERR_ARGUMENT,
                   "index 3 is out of range for axis 1 of x [2,3]");
    assert_refused(gt, gt_select(x, 0, -3), GT_ERR_ARGUMENT, "index -3");
}

static void test_pieces_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(5, 3)), *out[2] = {x, x};
    assert_refused(gt, gt_split(x, 0, 2, out, 2), GT_ERR_ARGUMENT,
                   "x [5,3] makes 3 pieces of size 2 along axis 0, out takes 2");
    assert_null(out[0]);
    assert_null(out[1]);
    assert_refused(gt, gt_split(x, 0, 0, out, 2), GT_ERR_ARGUMENT, "size is 0, must be at least 1");
    assert_refused(gt, gt_split(x, 2, 1, out, 2), GT_ERR_SHAPE, "there is no axis 2 in x [5,3]");
    assert_refused(gt, gt_split(x, 0, 1, NULL, 2), GT_ERR_ARGUMENT, "there is no room");
    assert_refused(gt, gt_chunk(x, 0, 0, out), GT_ERR_ARGUMENT, "there is no room");
    assert_refused(gt, gt_chunk(x, -3, 2, out), GT_ERR_SHAPE, "chunk (test_shapes_edges.c:");
    assert_refused(gt, gt_repeat(x, GT_SHAPE(2)), GT_ERR_SHAPE, "repeats are [2], must be");
    assert_refused(gt, gt_repeat(x, GT_SHAPE(2, -1)), GT_ERR_SHAPE, "repeats are [2,-1]");
    assert_refused(gt, gt_repeat(x, GT_SHAPE(1, INT64_MAX)), GT_ERR_MEMORY, "overflows");
    assert_non_null(gt_split(x, 1, 2, out, 2));
    assert_int_equal(out[1]->size, 5);
    assert_well(gt);
}

static void test_products_refuse(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 3)), *v = gt_ones(gt, GT_SHAPE(3));
    assert_refused(gt, gt_linear(x, v), GT_ERR_SHAPE, "weight [out,in]: [2,3] and [3]");
    assert_refused(gt, gt_linear(x, gt_ones(gt, GT_SHAPE(3, 2))), GT_ERR_SHAPE,
                   "x [2,3] has 3 features, weight [3,2] takes 2");
    assert_refused(gt, gt_linear(gt_ones(gt, GT_SHAPE(2, 4, 6, 5)), gt_ones(gt, GT_SHAPE(3, 4))),
                   GT_ERR_SHAPE,
                   "hint: gt_nn_flatten before it, or gt_flatten(x, .start = 1): 120");
    assert_refused(gt, gt_linear(gt_ones(gt, GT_SHAPE(2, 4, 6)), gt_ones(gt, GT_SHAPE(3, 24))),
                   GT_ERR_SHAPE, "hint: gt_nn_flatten before it");
    assert_refused(gt, gt_linear(x, x, .bias = v), GT_ERR_SHAPE, "bias is [3], must be [2]");
    assert_refused(gt, gt_linear(x, NULL), GT_ERR_ARGUMENT, "is NULL");
    assert_refused(gt, gt_dot(v, gt_ones(gt, GT_SHAPE(4))), GT_ERR_SHAPE,
                   "vectors of one size: [3] and [4]");
    assert_refused(gt, gt_dot(x, x), GT_ERR_SHAPE, "dot (test_shapes_edges.c:");
    assert_refused(gt, gt_dot(v, NULL), GT_ERR_ARGUMENT, "is NULL");
    assert_refused(gt, gt_outer(v, x), GT_ERR_SHAPE, "vectors: [3] and [2,3]");
    assert_refused(gt, gt_outer(NULL, v), GT_ERR_ARGUMENT, "is NULL");
}

static void test_nothing_is_refused(void **state)
{
    (void)state;
    gt_tensor *out[1];
    gt_tensor *const none[] = {
        gt_flatten(NULL),           gt_squeeze(NULL),          gt_unsqueeze(NULL, 0),
        gt_expand(NULL, GT_SCALAR), gt_select(NULL, 0, 0),     gt_split(NULL, 0, 1, out, 1),
        gt_chunk(NULL, 0, 1, out),  gt_linear(NULL, NULL),     gt_dot(NULL, NULL),
        gt_outer(NULL, NULL),       gt_repeat(NULL, GT_SCALAR)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(none[i]);
    assert_error(NULL, GT_ERR_ARGUMENT, "repeat (test_shapes_edges.c:");
    assert_null(gt_concat(NULL, 2, 0));
    assert_error(NULL, GT_ERR_ARGUMENT, "concat (test_shapes_edges.c:");
    assert_null(gt_stack(out, 0, 0));
    assert_error(NULL, GT_ERR_ARGUMENT, "no tensors");
}

/* --- indices --- */

static gt_tensor *whole(gt_ctx *gt, gt_shape s, const double *values)
{
    return gt_values_(gt, s, (size_t)gt_shape_size(s), values, (gt_new_opts){.dtype = GT_I64});
}

static void test_indices_out_of_range(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 5));
    gt_tensor *seven = whole(gt, GT_SHAPE(2, 3), (const double[]){0, 4, 1, 2, 7, -1});
    gt_tensor *minus = whole(gt, GT_SHAPE(3), (const double[]){0, -2, 9});
    assert_refused(gt, gt_gather(x, 1, seven), GT_ERR_ARGUMENT,
                   "index 7 at [1,1] is out of range for axis 1 of size 5");
    assert_refused(gt, gt_index_select(x, 1, minus), GT_ERR_ARGUMENT,
                   "index -2 at [1] is out of range for axis 1 of size 5");
    gt_index_select(x, 1, minus);
    assert_error(gt, GT_ERR_ARGUMENT, "hint: indices do not count from the end");
    assert_refused(gt, gt_one_hot(seven, 5), GT_ERR_ARGUMENT,
                   "index 7 at [1,1] is out of range for 5 classes");
    assert_refused(gt, gt_one_hot(minus, -1), GT_ERR_ARGUMENT, "index -2 at [1]");
}

/* Recorded nodes may run again on indices that no shape rule has seen. */
static void test_kernels_survive_any_index(void **state)
{
    (void)state;
    static const int64_t wild[] = {1, -1, INT64_MAX, 3, INT64_MIN};
    enum { K = sizeof wild / sizeof *wild };
    const float x[] = {1, 2, 3};
    float y[K], dx[3];
    double sum[3] = {0};
    int64_t scratch[3 + 1 + K];
    const gti_indexed slices = {.outer = 1, .n = 3, .k = K, .inner = 1};
    const gti_gather row = {.k = K, .n = 3, .step = 1};
    const gti_index_kernels *kernels = &gti_kernels_of(GT_F32)->index;
    for (int gather = 0; gather < 2; gather++) {
        if (gather) assert_false(gti_index_gather_row(&row, sizeof *x, x, wild, y, 0));
        else gti_index_select(&slices, sizeof *x, x, wild, y, 0);
        assert_true(y[0] == 2);
        for (int i = 1; i < K; i++) assert_true(isnan(y[i]));
    }
    const float dy[K] = {10, 20, 30, 40, 50};
    assert_true(gti_index_add_scratch(&slices) <= sizeof scratch);
    kernels->add(&slices, dy, wild, dx, scratch);
    assert_false(kernels->scatter_row(&row, dy, wild, sum));
    for (int i = 0; i < 3; i++) {
        assert_true(dx[i] == (i == 1 ? 10 : 0));
        assert_true(sum[i] == (i == 1 ? 10 : 0));
    }
}

/* Many wide slices for few places: sums of all are kept, in the order of the index. */
static void test_many_slices_for_few_places(void **state)
{
    (void)state;
    enum { N = 4, K = 8 * N + 3, INNER = 19 };
    static float y[K * INNER], dx[N * INNER];
    static double scratch[N * INNER];
    int64_t index[K];
    const gti_indexed g = {.outer = 1, .n = N, .k = K, .inner = INNER};
    assert_true(gti_index_adds_by_column(&g) && gti_index_add_scratch(&g) == sizeof scratch);
    for (int j = 0; j < K; j++) index[j] = j * j % (N - 1);
    for (int i = 0; i < K * INNER; i++) y[i] = 1 / (float)(i + 1);
    gti_kernels_of(GT_F32)->index.add(&g, y, index, dx, scratch);
    for (int i = 0; i < N * INNER; i++) {
        double sum = 0;
        for (int j = 0; j < K; j++)
            if (index[j] == i / INNER) sum += (double)y[j * INNER + i % INNER];
        assert_true(dx[i] == (float)sum);
    }
}

/* Rows that go past the caches are those that do not, also where one index is outside. */
static void test_picking_past_caches(void **state)
{
    (void)state;
    enum { N = 40, K = 2 * 2048 + 100, MOST = 1 << 16 };
    static int64_t index[K];
    static unsigned char x[MOST], y[2][MOST];
    for (int i = 0; i < MOST; i++) x[i] = (unsigned char)(i % 251);
    for (size_t element = 1; element <= 8; element += element == 1 ? 3 : 4)
        for (int wild = 0; wild < 2; wild++)
            for (int64_t inner = 0; inner <= 80; inner += inner == 0 ? 1 : 79) {
                const gti_gather row = {.k = K, .n = N, .step = 70, .along = 1};
                const gti_indexed g = {
                    .outer = 2, .n = N, .k = inner > 1 ? 50 : 2001, .inner = inner};
                for (int j = 0; j < K; j++) index[j] = j * 7 % N;
                index[33] = wild ? N : 0;
                for (int past = 0; past < 2; past++) {
                    memset(y[past], 0, MOST);
                    const int64_t whole = past ? INT64_MAX : 0;
                    if (inner > 0) gti_index_select(&g, element, x, index, y[past], whole);
                    else gti_index_gather_row(&row, element, x, index, y[past], whole);
                }
                gti_stream_end();
                assert_memory_equal(y[0], y[1], MOST);
            }
}

/* Nor are running sums of many rows others than those of few. */
static void test_running_sums_past_caches(void **state)
{
    gt_ctx *gt = *state;
    enum { ROWS = 8198, N = 257, FEW = 11 };
    gt_tensor *x = gt_rand(gt, GT_SHAPE(ROWS, N)), *y = gt_cumsum(x, 1);
    assert_well(gt);
    for (int64_t first = 0; first < ROWS; first += FEW) {
        const int64_t end = first + FEW < ROWS ? first + FEW : ROWS;
        const gt_tensor *few = gt_cumsum(gt_slice(x, 0, first, end), 1);
        assert_well(gt);
        assert_memory_equal(few->data, (const float *)y->data + first * N,
                            (size_t)few->size * sizeof(float));
    }
}

/* Nor are triangles of many matrices others than that of one. */
static void test_triangles_past_caches(void **state)
{
    gt_ctx *gt = *state;
    enum { COUNT = 128, ROWS = 259, N = 257, SIZE = ROWS * N };
    gt_tensor *x = gt_rand(gt, GT_SHAPE(ROWS, N)), *all = gt_repeat(x, GT_SHAPE(COUNT, 1, 1));
    for (int upper = 0; upper < 2; upper++) {
        const gt_tensor *y = upper ? gt_triu(all, 3) : gt_tril(all, -2);
        const gt_tensor *one = upper ? gt_triu(x, 3) : gt_tril(x, -2);
        assert_well(gt);
        for (int64_t i = 0; i < COUNT; i++)
            assert_memory_equal((const float *)y->data + i * SIZE, one->data, SIZE * sizeof(float));
    }
}

/* What is made of x by elements, with a row, a channel's number or a scalar beside it. */
static gt_tensor *by_elements(int i, gt_tensor *x, gt_tensor *channels, gt_tensor *mask)
{
    switch (i) {
    case 0: return gt_add_bias(x, channels);
    case 1: return gt_hardswish(x);
    case 2: return gt_mul(x, gt_slice(gt_slice(x, 0, 0, 1), 2, 0, 1));
    case 3: return gt_where(mask, x, x);
    default: return gt_batch_norm(x, channels, gt_abs(channels), .eps = 1);
    }
}

/* Nor are elements of many images others than those of the last one. */
static void test_elements_past_caches(void **state)
{
    enum { IMAGES = 65, CHANNELS = 2, SIDE = 257, SIZE = CHANNELS * SIDE * SIDE, MADE = 5 };
    gt_ctx *gt = *state;
    gt_set_recording(gt, false);
    gt_tensor *one = gt_randn(gt, GT_SHAPE(1, CHANNELS, SIDE, SIDE));
    gt_tensor *all = gt_repeat(one, GT_SHAPE(IMAGES, 1, 1, 1)),
              *channels = gt_randn(gt, GT_SHAPE(2));
    for (int i = 0; i < MADE; i++) {
        const gt_tensor *y = by_elements(i, all, channels, gt_gt_scalar(all, 0));
        const gt_tensor *own = by_elements(i, one, channels, gt_gt_scalar(one, 0));
        assert_well(gt);
        for (int64_t k = 0; k < IMAGES; k++)
            assert_memory_equal((const float *)y->data + k * SIZE, own->data, SIZE * sizeof(float));
    }
}

/* Many small addends after a large one are not lost in f32. */
static void test_long_sums_keep_precision(void **state)
{
    gt_ctx *gt = *state;
    enum { N = 100000 };
    gt_tensor *ones = gt_ones(gt, GT_SHAPE(N));
    ((float *)ones->data)[0] = 0x1p24f;
    gt_tensor *zeros = gt_zeros(gt, GT_SHAPE(N), .dtype = GT_I64);
    const double want[] = {0x1p24 + N - 1};
    assert_values(gt_index_select_dx(ones, zeros, GT_SHAPE(1), 0), 1, want, 1);
    assert_values(gt_gather_dx(ones, zeros, GT_SHAPE(1), 0), 1, want, 1);
    const gt_pad_opts edge = {.pad = {0, N - 1}, .mode = GT_PAD_REPLICATE};
    assert_values(gt_pad_dx(ones, GT_SHAPE(1), edge), 1, want, 1);
    assert_well(gt);
}

/* --- the rest --- */

static void test_views_share_data(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_ones(gt, GT_SHAPE(2, 1, 3));
    assert_ptr_equal(gt_flatten(x)->data, x->data);
    assert_ptr_equal(gt_squeeze(x)->data, x->data);
    assert_ptr_equal(gt_unsqueeze(x, 1)->data, x->data);
    assert_ptr_not_equal(gt_clone(x)->data, x->data);
}

static void test_one_hot_dtypes(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *index = whole(gt, GT_SHAPE(2), (const double[]){2, 0});
    assert_int_equal(gt_one_hot(index, 3)->dtype, GT_F32);
    for (int dtype = 0; dtype < GT_N_DTYPES; dtype++) {
        const gt_tensor *y = gt_one_hot(index, 3, .dtype = (gt_dtype)dtype);
        ASSERT_VALUES(y, 0, 0, 0, 1, 1, 0, 0);
        assert_int_equal(y->dtype, dtype);
        assert_false(y->requires_grad);
    }
}

/* Circular padding goes round what is not cut off (PyTorch's values); the other modes look beyond
 * the cut. */
static void test_padding_with_a_cut(void **state)
{
    gt_ctx *gt = *state;
    static const struct {
        int64_t before, after;
        gt_pad_mode mode;
        int n;
        double y[7];
    } rows[] = {
        {-1, 1, GT_PAD_CIRCULAR, 4, {1, 2, 3, 1}}, {1, -1, GT_PAD_CIRCULAR, 4, {2, 0, 1, 2}},
        {-2, 2, GT_PAD_CIRCULAR, 4, {2, 3, 2, 3}}, {3, -1, GT_PAD_CIRCULAR, 6, {0, 1, 2, 0, 1, 2}},
        {-1, -1, GT_PAD_CIRCULAR, 2, {1, 2}},      {-1, 3, GT_PAD_REFLECT, 6, {1, 2, 3, 2, 1, 0}},
        {2, -2, GT_PAD_REFLECT, 4, {2, 1, 0, 1}},  {-4, 2, GT_PAD_REPLICATE, 2, {3, 3}},
        {1, -3, GT_PAD_REPLICATE, 2, {0, 0}},
    };
    gt_tensor *x = gt_values(gt, GT_SHAPE(4), 0, 1, 2, 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const gt_pad_opts opts = {.pad = {rows[i].before, rows[i].after}, .mode = rows[i].mode};
        assert_values(gt_pad_(x, opts), rows[i].n, rows[i].y, 0);
    }
}

static void test_padding_of_whole_numbers(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = whole(gt, GT_SHAPE(2), (const double[]){3, -4});
    ASSERT_VALUES(gt_pad(x, .pad = {1, 1}, .value = -100), 0, -100, 3, -4, -100);
    gt_tensor *bytes = gt_zeros(gt, GT_SHAPE(1, 1), .dtype = GT_U8);
    ASSERT_VALUES(gt_pad(bytes, .pad = {0, 1, 1, 0}, .value = 255), 0, 255, 255, 0, 255);
    assert_well(gt);
}

/* Other dimensions of an empty tensor may have a product beyond all sizes. */
static void test_empty_with_huge_dimensions(void **state)
{
    gt_ctx *gt = *state;
    const int64_t huge = INT64_C(1) << 40;
    gt_tensor *x = gt_zeros(gt, GT_SHAPE(huge, 0, huge), .requires_grad = true);
    gt_tensor *none = gt_zeros(gt, GT_SHAPE(0), .dtype = GT_I64);
    gt_tensor *all[] = {gt_index_select(x, 1, none),
                        gt_index_select(x, 0, none),
                        gt_gather(x, 0, gt_zeros(gt, GT_SHAPE(3, 0, 2), .dtype = GT_I64)),
                        gt_pad(x, .pad = {-3, 2}, .mode = GT_PAD_REFLECT),
                        gt_pad(x, .pad = {1 - huge, 0, 0, 0, 2 - huge}),
                        gt_repeat(x, GT_SHAPE(2, 3, 1)),
                        gt_tril(x, 3),
                        gt_flatten(x),
                        gt_stack((gt_tensor *[]){x, x}, 2, 1),
                        gt_concat((gt_tensor *[]){x, x}, 2, 1),
                        gt_select(x, 0, -1)};
    assert_well(gt);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(all[i]->size, 0);
        if (gt_backward(gt_sum(all[i])) != GT_OK) fail_msg("%zu: %s", i, gt_error_message(gt));
    }
    assert_refused(gt, gt_flatten(gt_zeros(gt, GT_SHAPE(0, huge, huge)), .start = 1), GT_ERR_MEMORY,
                   "axes 1 to 2 of x [0,");
}

/* A number has the axes 0 and -1 for what runs along an axis, as in PyTorch; what cuts, joins or
 * chooses a part has none to work on. */
static void test_axes_of_a_number(void **state)
{
    gt_ctx *gt = *state;
    gt_tensor *x = gt_scalar(gt, 3), *at = gt_zeros(gt, GT_SHAPE(1), .dtype = GT_I64);
    gt_tensor *none = gt_scalar(gt, 0, .dtype = GT_I64);
    for (int axis = -1; axis <= 0; axis++) {
        const unsigned axes = GT_AXIS(axis);
        const struct {
            gt_tensor *y;
            double value;
        } rows[] = {
            {gt_softmax(x, axis), 1},
            {gt_log_softmax(x, axis), 0},
            {gt_cumsum(x, axis), 3},
            {gt_max(x, axis), 3},
            {gt_min(x, axis, .keepdim = true), 3},
            {gt_argmax(x, axis), 0},
            {gt_argmin(x, axis), 0},
            {gt_gather(x, axis, none), 3},
            {gt_index_select(x, axis, at), 3},
            {gt_flip(x, axes), 3},
            {gt_squeeze(x, .axes = axes), 3},
            {gt_transpose(x, axis, 0), 3},
            {gt_sum(x, .axes = axes), 3},
            {gt_mean(x, .axes = axes, .keepdim = true), 3},
            {gt_prod(x, .axes = axes), 3},
            {gt_var(x, .axes = axes, .correction = GT_ZERO), 0},
            {gt_norm(x, .axes = axes), 3},
            {gt_logsumexp(x, .axes = axes), 3},
            {gt_amax(x, .axes = axes), 3},
            {gt_amin(x, .axes = axes), 3},
        };
        assert_well(gt);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (rows[i].y->shape.ndim != 0) fail_msg("row %zu has dimensions", i);
            ASSERT_VALUES(rows[i].y, 0, rows[i].value);
        }
        assert_refused(gt, gt_transpose(x, axis, 1), GT_ERR_SHAPE, "there is no axis 1");
        assert_refused(gt, gt_slice(x, axis, 0, 1), GT_ERR_SHAPE, "there is no axis");
        assert_refused(gt, gt_select(x, axis, 0), GT_ERR_SHAPE, "there is no axis");
        assert_refused(gt, gt_split(x, axis, 1, &none, 1), GT_ERR_SHAPE, "there is no axis");
        assert_refused(gt, gt_concat(&x, 1, axis), GT_ERR_SHAPE, "there is no axis");
        none = gt_scalar(gt, 0, .dtype = GT_I64);
    }
}

static int all_tests(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)
    const struct CMUnitTest tests[] = {
        FRESH(test_views_refuse),
        FRESH(test_pieces_refuse),
        FRESH(test_products_refuse),
        cmocka_unit_test(test_nothing_is_refused),
        FRESH(test_indices_out_of_range),
        cmocka_unit_test(test_kernels_survive_any_index),
        cmocka_unit_test(test_many_slices_for_few_places),
        cmocka_unit_test(test_picking_past_caches),
        FRESH(test_running_sums_past_caches),
        FRESH(test_triangles_past_caches),
        FRESH(test_elements_past_caches),
        FRESH(test_long_sums_keep_precision),
        FRESH(test_views_share_data),
        FRESH(test_one_hot_dtypes),
        FRESH(test_padding_with_a_cut),
        FRESH(test_padding_of_whole_numbers),
        FRESH(test_axes_of_a_number),
        FRESH(test_empty_with_huge_dimensions),
    };
    return cmocka_run_group_tests_name("shapes at their edges", tests, NULL, NULL);
}

int main(void)
{
    return at_every_level(all_tests);
}

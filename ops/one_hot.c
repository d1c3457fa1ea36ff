/* y[..,c] = 1 where index[..] is c, otherwise 0. index is i64; y's dtype is an option. */
#include <string.h>

#include "indices.h"

typedef struct {
    gt_keywords gt_;
    int64_t classes;
    gt_dtype dtype;
} one_hot_opts;

/* One more than the largest index; 0 where there is none, -1 for one that is too large. */
static int64_t count_classes(const gt_tensor *index)
{
    const int64_t *value = index->data;
    int64_t largest = -1, count;
    for (int64_t i = 0; i < index->size; i++)
        if (value[i] > largest) largest = value[i];
    return gti_size_add(largest, 1, &count) ? count : -1;
}

static bool one_hot_infer(gt_node *n)
{
    const one_hot_opts *opts = n->opts;
    const gt_tensor *index = n->in[0];
    gt_shape *y = &n->out[0]->shape;
    if (!gti_indices_check_dtype(n, 0)) return false;
    if (index->shape.ndim == GT_MAX_DIMS)
        return gt_op_fail(n, GT_ERR_SHAPE, "index has %d dimensions, there are no more",
                          index->shape.ndim);
    const int64_t classes = opts->classes == -1 ? count_classes(index) : opts->classes;
    if (classes < 1)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "classes is %lld, must be at least 1",
                          (long long)classes);
    const int64_t i = gti_indices_outside(index, classes);
    if (i >= 0)
        return gt_op_fail(n, GT_ERR_ARGUMENT, "index %lld at %s is out of range for %lld classes",
                          (long long)((const int64_t *)index->data)[i],
                          GTI_PLACE_TEXT(index->shape, i), (long long)classes);
    *y = index->shape;
    y->dim[y->ndim++] = classes;
    n->out[0]->dtype = opts->dtype;
    return true;
}

/* Rows of zeros where, on a later run, an index is out of range. */
static void one_hot_forward(gt_node *n)
{
    const gt_tensor *index = n->in[0];
    const int64_t *value = index->data;
    gt_tensor *y = n->out[0];
    const int64_t classes = y->shape.dim[y->shape.ndim - 1];
    memset(y->data, 0, (size_t)y->size * gt_dtype_size(y->dtype));
    for (int64_t i = 0; i < index->size; i++)
        if ((uint64_t)value[i] < (uint64_t)classes) gt_store_element(y, i * classes + value[i], 1);
}

#define CLASSES(...)                                                                               \
    .opts = &(const one_hot_opts)                                                                  \
    {                                                                                              \
        NULL, __VA_ARGS__                                                                          \
    }
static const gt_sample samples[] = {
    {.label = "labels", .in = GT_INPUTS(GTI_INDEX((4), 2, 0, 1, 2)), CLASSES(3, GT_F32)},
    {.label = "f64", .in = GT_INPUTS(GTI_INDEX((2), 2, 0)), CLASSES(4, GT_F64)},
    {.label = "i64", .in = GT_INPUTS(GTI_INDEX((2), 2, 0)), CLASSES(3, GT_I64)},
    {.label = "u8", .in = GT_INPUTS(GTI_INDEX((2), 2, 0)), CLASSES(3, GT_U8)},
    {.label = "counted", .in = GT_INPUTS(GTI_INDEX((3), 2, 4, 0)), CLASSES(-1, GT_F32)},
    {.label = "matrix", .in = GT_INPUTS(GTI_INDEX((2, 2), 1, 0, 1, 1)), CLASSES(2, GT_F32)},
    {.label = "scalar",
     .in = GT_INPUTS({.dtype = GT_I64, .values = (const double[]){1}}),
     CLASSES(3, GT_F32)},
    {.label = "one class", .in = GT_INPUTS(GTI_INDEX((2), 0, 0)), CLASSES(1, GT_F32)},
    {.label = "zero-size",
     .in = GT_INPUTS({.shape = GT_DIMS(0), .dtype = GT_I64}),
     CLASSES(3, GT_F32)},
};

static const gt_error_sample error_samples[] = {
    {.label = "too large",
     .in = GT_INPUTS(GTI_INDEX((1, 1), 1)),
     CLASSES(1, GT_F32),
     .code = GT_ERR_ARGUMENT,
     .message = "index 1 at [0,0] is out of range for 1 classes"},
    {.label = "no classes",
     .in = GT_INPUTS(GTI_INDEX((1), 0)),
     CLASSES(0, GT_F32),
     .code = GT_ERR_ARGUMENT,
     .message = "classes is 0, must be at least 1"},
    {.label = "nothing to count",
     .in = GT_INPUTS({.shape = GT_DIMS(0), .dtype = GT_I64}),
     CLASSES(-1, GT_F32),
     .code = GT_ERR_ARGUMENT,
     .message = "classes is 0, must be at least 1"},
    {.label = "floating index",
     .in = GT_INPUTS(GT_IN(2)),
     CLASSES(3, GT_F32),
     .code = GT_ERR_DTYPE,
     .message = "index is f32, must be i64"},
    {.label = "no such dtype",
     .in = GT_INPUTS(GTI_INDEX((1), 0)),
     CLASSES(3, (gt_dtype)4),
     .code = GT_ERR_ARGUMENT,
     .message = "dtype is 4, must be GT_F32, GT_F64, GT_I64 or GT_U8"},
    {.label = "nine dimensions",
     .in = GT_INPUTS(GTI_INDEX((1, 1, 1, 1, 1, 1, 1, 1), 0)),
     CLASSES(3, GT_F32),
     .code = GT_ERR_SHAPE,
     .message = "index has 8 dimensions, there are no more"},
};

static const gt_attr one_hot_attrs[] = {
    {GT_ARGUMENT("classes", one_hot_opts, classes),
     .meaning = "how many; -1: one more than the largest index"},
    {GT_CHOICE("dtype", one_hot_opts, dtype, GT_N_DTYPES, GTI_DTYPE_NAMES),
     .meaning = "of the result; PyTorch's is GT_I64"},
};

const gt_op gt_op_one_hot = {
    .name = "one_hot",
    .inputs = "index",
    .n_in = 1,
    .n_out = 1,
    .opts_size = sizeof(one_hot_opts),
    .attrs = GT_ATTRS(one_hot_attrs),
    .flags = GT_OP_VALUES | GT_OP_MOVE,
    .infer = one_hot_infer,
    .forward = {NULL, NULL, one_hot_forward, NULL},
    GT_SAMPLES(samples),
    GT_ERROR_SAMPLES(error_samples),
};

gt_tensor *gt_one_hot_(gt_tensor *index, int64_t classes, gt_one_hot_opts opts)
{
    const one_hot_opts all = {.classes = classes, .dtype = opts.dtype};
    return gt_apply(&gt_op_one_hot, &all, 1, (gt_tensor *[]){index});
}

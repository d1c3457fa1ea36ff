/* Operators that choose by indices. */
#include <string.h>

#include "onnx/op.h"

/* Indices as i64, those below 0 counted from the end. */
static gt_tensor *counted(gt_tensor *index, int64_t size)
{
    gt_tensor *at = gt_cast(index, GT_F64);
    gt_tensor *below = gt_cast(gt_lt_scalar(at, 0), GT_F64);
    return gt_cast(gt_add(at, gt_mul_scalar(below, (double)size)), GT_I64);
}

/* x's slices along an axis, in the shape of the indices */
static gt_tensor *run_gather(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", 0), x->shape.ndim);
    if (axis < 0 || x->shape.ndim == 0)
        return axis < 0 ? NULL : gti_call_fail(c, GT_ERR_SHAPE, "gathers from a number");
    gt_tensor *index = counted(c->in[1], x->shape.dim[axis]);
    if (!index) return NULL;
    gt_shape shape = {.ndim = x->shape.ndim - 1 + index->shape.ndim};
    if (shape.ndim > GT_MAX_DIMS)
        return gti_call_fail(c, GT_ERR_UNSUPPORTED, "more than %d dimensions", GT_MAX_DIMS);
    int n = 0;
    for (int i = 0; i < axis; i++) shape.dim[n++] = x->shape.dim[i];
    for (int i = 0; i < index->shape.ndim; i++) shape.dim[n++] = index->shape.dim[i];
    for (int i = axis + 1; i < x->shape.ndim; i++) shape.dim[n++] = x->shape.dim[i];
    gt_tensor *y = gt_index_select(x, axis, gt_reshape(index, GT_SHAPE(index->size)));
    return y ? gt_reshape(y, shape) : NULL;
}

static gt_tensor *run_gather_elements(gti_onnx_call *c)
{
    gt_tensor *x = c->in[0];
    const int axis = gti_call_axis(c, gti_call_int(c, "axis", 0), x->shape.ndim);
    gt_tensor *index = axis < 0 ? NULL : counted(c->in[1], x->shape.dim[axis]);
    return index ? gt_gather(x, axis, index) : NULL;
}

/* Rows of indices [..,k] to places among the first k axes behind `batch` ones, joined to one. */
static gt_tensor *joined(const gti_onnx_call *c, const gt_tensor *x, gt_tensor *index, int batch)
{
    const int last = index->shape.ndim - 1, k = (int)index->shape.dim[last];
    const int64_t rows = gti_call_product(index, 0, last),
                  each =
                      rows /
                      (gti_call_product(index, 0, batch) ? gti_call_product(index, 0, batch) : 1);
    const int64_t block = gti_call_product(x, batch, batch + k);
    gt_tensor *y = gt_empty_(c->gt, GT_SHAPE(rows), (gt_new_opts){.dtype = GT_I64});
    const int64_t *v = index->data;
    for (int64_t r = 0; y && r < rows; r++) {
        int64_t at = 0;
        for (int i = 0; i < k; i++) {
            const int64_t size = x->shape.dim[batch + i], one = v[r * k + i],
                          place = one < 0 ? one + size : one;
            if (place < 0 || place >= size)
                return gti_call_fail(c, GT_ERR_ARGUMENT, "index %lld is outside of an axis of %lld",
                                     (long long)one, (long long)size);
            at = at * size + place;
        }
        ((int64_t *)y->data)[r] = at + (each ? r / each : 0) * block;
    }
    return y;
}

static gt_tensor *run_gather_nd(gti_onnx_call *c)
{
    if (!gti_call_known(c, 1)) return NULL;
    gt_tensor *x = c->in[0], *index = gt_cast(c->in[1], GT_I64);
    const int batch = (int)gti_call_int(c, "batch_dims", 0);
    if (!index) return NULL;
    const int last = index->shape.ndim - 1, k = last < 0 ? 0 : (int)index->shape.dim[last];
    if (last < 0 || batch < 0 || batch > last || batch + k > x->shape.ndim ||
        last + x->shape.ndim - batch - k > GT_MAX_DIMS)
        return gti_call_fail(c, GT_ERR_SHAPE, "its indices do not fit its input");
    gt_tensor *at = joined(c, x, index, batch);
    gt_shape shape = {.ndim = last};
    memcpy(shape.dim, index->shape.dim, (size_t)last * sizeof *shape.dim);
    for (int i = batch + k; i < x->shape.ndim; i++) shape.dim[shape.ndim++] = x->shape.dim[i];
    gt_tensor *rows = gt_reshape(x, GT_SHAPE(gti_call_product(x, 0, batch + k),
                                             gti_call_product(x, batch + k, x->shape.ndim)));
    return at ? gt_reshape(gt_index_select(rows, 0, at), shape) : NULL;
}

/* values [off, on]: on at the index along a new axis */
static gt_tensor *run_one_hot(gti_onnx_call *c)
{
    gti_ints depth;
    gt_tensor *values = c->in[2];
    if (!gti_call_known(c, 0) || !gti_call_known(c, 2) || !gti_call_ints(c, 1, &depth)) return NULL;
    if (depth.n != 1 || depth.at[0] < 1 || values->size != 2)
        return gti_call_fail(c, GT_ERR_SHAPE, "needs one depth and two values");
    const int ndim = c->in[0]->shape.ndim,
              axis = gti_call_axis(c, gti_call_int(c, "axis", -1), ndim + 1);
    gt_tensor *index = axis < 0 ? NULL : counted(c->in[0], depth.at[0]);
    if (!index) return NULL;
    gt_shape shape = {.ndim = ndim + 1};
    for (int i = 0, from = 0; i <= ndim; i++)
        shape.dim[i] = i == axis ? depth.at[0] : index->shape.dim[from++];
    gt_tensor *y =
        gt_full_(c->gt, shape, gt_load_element(values, 0), (gt_new_opts){.dtype = values->dtype});
    const int64_t inner = gti_call_product(index, axis, ndim);
    for (int64_t i = 0; y && i < index->size; i++) {
        const int64_t k = ((int64_t *)index->data)[i];
        if (k < depth.at[0])
            gt_store_element(y, (i / inner * depth.at[0] + k) * inner + i % inner,
                             gt_load_element(values, 1));
    }
    return y;
}

static gt_tensor *run_non_zero(gti_onnx_call *c)
{
    const gt_tensor *x = c->in[0];
    int64_t n = 0, at = 0;
    if (!gti_call_known(c, 0)) return NULL;
    for (int64_t i = 0; i < x->size; i++) n += gt_load_element(x, i) != 0;
    gt_tensor *y = gt_empty_(c->gt, GT_SHAPE(x->shape.ndim, n), (gt_new_opts){.dtype = GT_I64});
    for (int64_t i = 0; y && i < x->size; i++) {
        if (gt_load_element(x, i) == 0) continue;
        int64_t rest = i;
        for (int d = x->shape.ndim - 1; d >= 0; rest /= x->shape.dim[d], d--)
            ((int64_t *)y->data)[d * n + at] = rest % x->shape.dim[d];
        at++;
    }
    return y;
}

const gti_onnx_op gti_indices_ops[] = {
    {"Gather", 2, 2, 1, " axis ", 1, .run = run_gather},
    {"GatherElements", 2, 2, 1, " axis ", 0, .run = run_gather_elements},
    {"GatherND", 2, 2, 1, " batch_dims ", 0, .run = run_gather_nd},
    {"OneHot", 3, 3, 1, " axis ", 0, .run = run_one_hot},
    {"NonZero", 1, 1, 1, "", 0, .run = run_non_zero},
    {0},
};

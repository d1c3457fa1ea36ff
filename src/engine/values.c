/* Tensors of given values, and what values a dtype can hold. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/context.h"
#include <gradtape/ops.h>

/* f32 takes what rounds to a finite number; whole numbers are not rounded at all. */
static bool holds(gt_dtype dtype, double value)
{
    switch (dtype) {
    case GT_F32: return !isfinite(value) || fabs(value) < 0x1.ffffffp127;
    case GT_F64: return true;
    case GT_I64: return value == trunc(value) && value >= -0x1p63 && value < 0x1p63;
    case GT_U8: return value == trunc(value) && value >= 0 && value < 256;
    }
    return true; /* no dtype: not refused here */
}

static bool refuse(gt_ctx *gt, const char *what, gt_dtype dtype, double value)
{
    const bool part = !gt_is_floating(dtype) && value != trunc(value) && isfinite(value);
    gt_fail(gt, GT_ERR_ARGUMENT, what, "%g does not fit into %s%s", value, gt_dtype_name(dtype),
            part ? ", which holds whole numbers" : "");
    return false;
}

bool gti_values_fit(gt_ctx *gt, const char *what, gt_dtype dtype, double value)
{
    return holds(dtype, value) || !gt || refuse(gt, what, dtype, value);
}

static gt_tensor *filled(gt_tensor *t, double value)
{
    const gt_change_args args = {.p = value};
    return t && gti_into_change(&gt_op_fill, &args, 1, &t) ? t : NULL;
}

gt_tensor *gt_full_(gt_ctx *gt, gt_shape shape, double value, gt_new_opts opts)
{
    if (!gti_values_fit(gt, "full", opts.dtype, value)) return NULL;
    return filled(gti_tensor_leaf(gt, "full", shape, opts), value);
}

gt_tensor *gt_full_like(gt_tensor *t, double value)
{
    if (!gti_tensor_usable(t, "full_like") || !gti_values_fit(t->ctx, "full_like", t->dtype, value))
        return NULL;
    return filled(gt_empty_like(t), value);
}

gt_tensor *gt_values_(gt_ctx *gt, gt_shape shape, size_t n, const double *values, gt_new_opts opts)
{
    for (size_t i = 0; i < n; i++)
        if (!gti_values_fit(gt, "values", opts.dtype, values[i])) return NULL;
    gt_tensor *t = gti_tensor_leaf(gt, "values", shape, opts);
    if (!t) return NULL;
    if ((size_t)t->size != n) {
        char text[128];
        gt_fail(gt, GT_ERR_SHAPE, "values", "%zu values for shape %s of %lld elements", n,
                gt_shape_format(shape, text, sizeof text), (long long)t->size);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) gt_store_element(t, (int64_t)i, values[i]);
    return t;
}

gt_tensor *gt_arange_(gt_ctx *gt, double start, double stop, double step, gt_new_opts opts)
{
    const double count = step != 0 ? (stop - start) / step : -1;
    if (gt && !(count >= 0 && count < 1e15)) {
        gt_fail(gt, GT_ERR_ARGUMENT, "arange", "no numbers from %g to %g in steps of %g", start,
                stop, step);
        return NULL;
    }
    const int64_t whole = (int64_t)count;
    const int64_t n = (double)whole < count ? whole + 1 : whole;
    const double last = start + (double)(n - 1) * step;
    if (n > 0 && !(gti_values_fit(gt, "arange", opts.dtype, start) &&
                   gti_values_fit(gt, "arange", opts.dtype, n > 1 ? start + step : start) &&
                   gti_values_fit(gt, "arange", opts.dtype, last)))
        return NULL;
    gt_tensor *t = gti_tensor_leaf(gt, "arange", GT_SHAPE(n), opts);
    for (int64_t i = 0; t && i < n; i++) gt_store_element(t, i, start + (double)i * step);
    return t;
}

gt_tensor *gt_linspace_(gt_ctx *gt, double start, double stop, int64_t n, gt_new_opts opts)
{
    if (gt && (n < 0 || !isfinite(start) || !isfinite(stop))) {
        gt_fail(gt, GT_ERR_ARGUMENT, "linspace", "there are no %lld numbers from %g to %g",
                (long long)n, start, stop);
        return NULL;
    }
    const double step = n > 1 ? (stop - start) / (double)(n - 1) : 0;
    gt_tensor *t = gti_tensor_leaf(gt, "linspace", GT_SHAPE(n), opts);
    for (int64_t i = 0; t && i < n; i++) { /* from the nearer end, so that both ends are exact */
        const double value =
            i < n / 2 || n == 1 ? start + (double)i * step : stop - (double)(n - 1 - i) * step;
        if (!gti_values_fit(gt, "linspace", t->dtype, value)) return NULL;
        gt_store_element(t, i, value);
    }
    return t;
}

gt_tensor *gt_eye_(gt_ctx *gt, int64_t rows, int64_t columns, gt_new_opts opts)
{
    gt_tensor *t = filled(gti_tensor_leaf(gt, "eye", GT_SHAPE(rows, columns), opts), 0);
    for (int64_t i = 0; t && i < rows && i < columns; i++) gt_store_element(t, i * columns + i, 1);
    return t;
}

/* --- from arrays of C --- */

/* The dtype with this layout, or GT_N_DTYPES. */
static int dtype_of(gt_c_type type)
{
    switch (type) {
    case GT_C_FLOAT: return GT_F32;
    case GT_C_DOUBLE: return GT_F64;
    case GT_C_LONG: return sizeof(long) == 8 ? GT_I64 : GT_N_DTYPES;
    case GT_C_LONG_LONG: return GT_I64;
    case GT_C_BYTE: return GT_U8;
    case GT_C_INT:
    case GT_C_ANY: break;
    }
    return GT_N_DTYPES;
}

static int64_t whole_at(gt_c_type type, const void *data, int64_t i)
{
    switch (type) {
    case GT_C_INT: return ((const int *)data)[i];
    case GT_C_LONG: return ((const long *)data)[i];
    case GT_C_LONG_LONG: return ((const long long *)data)[i];
    default: return ((const unsigned char *)data)[i];
    }
}

static bool refuse_element(const gt_tensor *t, int64_t i, double value)
{
    gt_fail(t->ctx, GT_ERR_ARGUMENT, "from", "element %lld is %g, which does not fit into %s",
            (long long)i, value, gt_dtype_name(t->dtype));
    return false;
}

/* Not by way of double, which rounds large whole numbers. */
static bool copy_whole(gt_tensor *t, gt_c_type type, const void *data)
{
    for (int64_t i = 0; i < t->size; i++) {
        const int64_t value = whole_at(type, data, i);
        if (t->dtype == GT_U8 && (value < 0 || value > UINT8_MAX))
            return refuse_element(t, i, (double)value);
        switch (t->dtype) {
        case GT_F32: ((float *)t->data)[i] = (float)value; break;
        case GT_F64: ((double *)t->data)[i] = (double)value; break;
        case GT_I64: ((int64_t *)t->data)[i] = value; break;
        case GT_U8: ((uint8_t *)t->data)[i] = (uint8_t)value; break;
        }
    }
    return true;
}

static bool copy_real(gt_tensor *t, gt_c_type type, const void *data)
{
    for (int64_t i = 0; i < t->size; i++) {
        const double value =
            type == GT_C_FLOAT ? (double)((const float *)data)[i] : ((const double *)data)[i];
        if (!holds(t->dtype, value)) return refuse_element(t, i, value);
        gt_store_element(t, i, value);
    }
    return true;
}

gt_tensor *gt_from_(gt_ctx *gt, gt_shape shape, const void *data, gt_c_type type, gt_new_opts opts)
{
    gt_tensor *t = gti_tensor_leaf(gt, "from", shape, opts);
    if (!t || !t->size) return t;
    if (!data) {
        gt_fail(gt, GT_ERR_ARGUMENT, "from", "data is NULL");
        return NULL;
    }
    if (type == GT_C_ANY || dtype_of(type) == (int)t->dtype) {
        memcpy(t->data, data, (size_t)t->size * gt_dtype_size(t->dtype));
        return t;
    }
    const bool real = type == GT_C_FLOAT || type == GT_C_DOUBLE;
    return (real ? copy_real(t, type, data) : copy_whole(t, type, data)) ? t : NULL;
}

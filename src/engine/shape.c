/* Shapes and dtypes. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "engine/context.h"
#include <gradtape/ops.h>

static const struct {
    const char *name;
    double epsilon;
} dtypes[] = {
#define GT_DTYPE(NAME, name, type, floating, epsilon, torch) {#name, (double)(epsilon)},
#include <gradtape/dtypes.def>
#undef GT_DTYPE
};
_Static_assert(sizeof dtypes / sizeof *dtypes == GT_N_DTYPES, "a row for every dtype");

const char *gt_dtype_name(gt_dtype dtype)
{
    return (unsigned)dtype < GT_N_DTYPES ? dtypes[dtype].name : "?";
}

double gt_dtype_epsilon(gt_dtype dtype)
{
    return (unsigned)dtype < GT_N_DTYPES ? dtypes[dtype].epsilon : 0;
}

gt_shape gt_shape_of(int ndim, const int64_t *dim)
{
    gt_shape s = {.ndim = ndim};
    if (ndim < 0 || ndim > GT_MAX_DIMS) s.ndim = -1;
    for (int i = 0; i < s.ndim; i++) s.dim[i] = dim[i];
    return s;
}

bool gt_shape_equal(gt_shape a, gt_shape b)
{
    return gt_has_dims(&a) && gt_has_dims(&b) && gt_same_dims(&a, &b);
}

char *gt_shape_format(gt_shape shape, char *buf, size_t size)
{
    if (!gt_has_dims(&shape)) {
        if (shape.ndim == -1) snprintf(buf, size, "[too many dimensions]");
        else snprintf(buf, size, "[%d dimensions]", shape.ndim);
        return buf;
    }
    size_t used = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < shape.ndim && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, i ? ",%lld" : "%lld",
                                 (long long)shape.dim[i]);
    if (used < size) snprintf(buf + used, size - used, "]");
    return buf;
}

int64_t gt_shape_size(gt_shape shape)
{
    int64_t elements, bytes;
    if (!gt_has_dims(&shape)) return -1;
    return gti_size_of_shape(shape.ndim, shape.dim, 1, &elements, &bytes) ? elements : -1;
}

bool gt_shape_broadcast(gt_shape a, gt_shape b, gt_shape *out)
{
    if (!gt_has_dims(&a) || !gt_has_dims(&b)) return false;
    const int n = a.ndim > b.ndim ? a.ndim : b.ndim;
    *out = (gt_shape){.ndim = n};
    for (int i = 1; i <= n; i++) {
        const int64_t da = i <= a.ndim ? a.dim[a.ndim - i] : 1;
        const int64_t db = i <= b.ndim ? b.dim[b.ndim - i] : 1;
        if (da != db && da != 1 && db != 1) return false;
        out->dim[n - i] = da == 1 ? db : da;
    }
    return true;
}

unsigned gt_axes_(int n, const int *axis)
{
    unsigned set = GT_AXES_MARK;
    for (int i = 0; i < n; i++) set |= GT_AXIS(axis[i]);
    return set;
}

static bool no_axis(int axis, int ndim, char *why)
{
    snprintf(why, 96, "there is no axis %d in a tensor of %d dimensions", axis, ndim);
    return false;
}

/* A small negative number has both the mark and the bit of other axes. */
static bool is_set(unsigned axes)
{
    return axes & GT_AXES_MARK && axes < 0u - GT_AXES_MARK;
}

bool gt_axes_dims(unsigned axes, int ndim, unsigned *dims, char *why)
{
    *dims = 0;
    if (!is_set(axes)) {
        snprintf(why, 96, "axes is %d, which is no set of axes; write GT_AXES(%d)", (int)axes,
                 (int)axes);
        return false;
    }
    for (int axis = -15; axis <= 14; axis++) {
        if (!(axes & GT_AXIS(axis) & ~GT_AXES_MARK)) continue;
        const int whole = ndim > 0 ? ndim : 1, i = axis < 0 ? axis + whole : axis;
        if (i < 0 || i >= whole) return no_axis(axis, ndim, why);
        if (ndim > 0) *dims |= 1u << i;
    }
    if (!(axes & GT_AXES_OTHERS)) return true;
    snprintf(why, 96, "there is no axis below -15 or above 14 in a tensor of %d dimensions", ndim);
    return false;
}

bool gt_op_axes(const gt_node *n, unsigned axes, int ndim, unsigned *dims)
{
    char why[96];
    return gt_axes_dims(axes, ndim, dims, why) || gt_op_fail(n, GT_ERR_SHAPE, "%s", why);
}

int gt_op_axis(const gt_node *n, int axis, int ndim)
{
    const int i = axis < 0 ? axis + ndim : axis;
    if (i >= 0 && i < ndim) return i;
    gt_op_fail(n, GT_ERR_SHAPE, "there is no axis %d in a tensor of %d dimensions", axis, ndim);
    return -1;
}

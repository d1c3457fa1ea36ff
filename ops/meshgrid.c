/* Coordinates of a grid: out[i][k0,k1,..] = tensors[i][ki], all of shape [n0,n1,..]. */
#include "common.h"

static gt_status check_line(const gt_tensor *first, const gt_tensor *x, int i)
{
    if (!x)
        return gt_fail(first ? first->ctx : NULL, GT_ERR_ARGUMENT, "meshgrid", "tensor %d is NULL",
                       i);
    if (x->shape.ndim > 1)
        return gt_fail(x->ctx, GT_ERR_SHAPE, "meshgrid", "tensor %d is %s, needs [n]", i,
                       GTI_SHAPE_TEXT(x->shape));
    return GT_OK;
}

gt_status gt_meshgrid_(int n, gt_tensor *const *tensors, gt_tensor **out)
{
    if (n < 1 || n > GT_MAX_DIMS || !tensors || !out)
        return gt_fail(tensors && tensors[0] ? tensors[0]->ctx : NULL, GT_ERR_ARGUMENT, "meshgrid",
                       "needs 1 to %d tensors, and room for as many", GT_MAX_DIMS);
    gt_shape grid = {.ndim = n};
    for (int i = 0; i < n; i++) out[i] = NULL;
    for (int i = 0; i < n; i++) {
        const gt_status status = check_line(tensors[0], tensors[i], i);
        if (status != GT_OK) return status;
        grid.dim[i] = tensors[i]->size;
    }
    for (int i = 0; i < n; i++) {
        gt_shape line = {.ndim = n};
        for (int d = 0; d < n; d++) line.dim[d] = d == i ? grid.dim[i] : 1;
        out[i] = gt_broadcast_to(gt_reshape(tensors[i], line), grid);
        if (!out[i]) return gt_error_code(tensors[i]->ctx);
    }
    return GT_OK;
}

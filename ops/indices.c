#include "indices.h"

bool gti_indices_check_dtype(const gt_node *n, int input)
{
    if (n->in[input]->dtype == GT_I64) return true;
    return gt_op_fail(n, GT_ERR_DTYPE, "index is %s, must be i64",
                      gt_dtype_name(n->in[input]->dtype));
}

int64_t gti_indices_outside(const gt_tensor *index, int64_t size)
{
    const int64_t *value = index->data;
    if (!gti_index_any_outside(index->size, value, size)) return -1;
    int64_t i = 0;
    while ((uint64_t)value[i] < (uint64_t)size) i++;
    return i;
}

gt_shape gti_indices_place(gt_shape shape, int64_t i)
{
    for (int d = shape.ndim - 1; d >= 0; d--) {
        const int64_t size = shape.dim[d];
        shape.dim[d] = i % size;
        i /= size;
    }
    return shape;
}

bool gti_indices_check(const gt_node *n, int input, int axis, int64_t size)
{
    const gt_tensor *index = n->in[input];
    const int64_t i = gti_indices_outside(index, size);
    if (i < 0) return true;
    const int64_t value = ((const int64_t *)index->data)[i];
    gt_op_fail(n, GT_ERR_ARGUMENT, "index %lld at %s is out of range for axis %d of size %lld",
               (long long)value, GTI_PLACE_TEXT(index->shape, i), axis, (long long)size);
    if (value < 0 && value >= -size) gt_op_hint(n, "indices do not count from the end");
    return false;
}

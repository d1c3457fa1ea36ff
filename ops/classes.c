#include "classes.h"

int64_t gti_classes_outside(const gt_tensor *index, int64_t count, int64_t skip)
{
    const int64_t *value = index->data;
    if (!gti_index_any_outside(index->size, value, count)) return -1;
    for (int64_t i = 0; i < index->size; i++)
        if ((uint64_t)value[i] >= (uint64_t)count && value[i] != skip) return i;
    return -1;
}

int64_t gti_classes_counted(const gt_tensor *index, int64_t skip)
{
    const int64_t *value = index->data;
    int64_t n = 0;
    for (int64_t i = 0; i < index->size; i++) n += value[i] != skip;
    return n;
}

bool gti_classes_check(const gt_node *n, int input, int64_t count, int64_t skip)
{
    char name[64];
    const gt_tensor *index = n->in[input];
    gt_op_input_name(n->op, input, name, sizeof name);
    if (index->dtype != GT_I64)
        return gt_op_fail(n, GT_ERR_DTYPE, "%s is %s, must be i64", name,
                          gt_dtype_name(index->dtype));
    const int64_t i = gti_classes_outside(index, count, skip);
    if (i < 0) return true;
    if (count == 0) return gt_op_fail(n, GT_ERR_ARGUMENT, "%s: there are no classes", name);
    return gt_op_fail(n, GT_ERR_ARGUMENT, "%s%s is %lld, must be in 0..%lld", name,
                      GTI_PLACE_TEXT(index->shape, i), (long long)((const int64_t *)index->data)[i],
                      (long long)count - 1);
}

/* Classes: i64 tensors that choose one of a number of classes (rows of an embedding, too), where
 * one value may stand for "none". */
#ifndef GTI_OPS_CLASSES_H
#define GTI_OPS_CLASSES_H

#include "indices.h"

/* No class is skipped. */
#define GTI_NO_CLASS INT64_MIN

/* Fails n unless its input is i64 and each value in 0..count-1 or `skip`. */
bool gti_check_classes(const gt_node *n, int input, int64_t count, int64_t skip);

/* The place of index's first value that is neither, -1 if there is none. */
int64_t gti_class_outside(const gt_tensor *index, int64_t count, int64_t skip);

/* An option that is a class: 0 stands for the default, GT_INDEX_0 for 0. */
static inline int64_t gti_class_option(int64_t value, int64_t when_0)
{
    return value == 0 ? when_0 : value == GT_INDEX_0 ? 0 : value;
}

#endif

/* Classes: i64 tensors that choose one of a number of classes (rows of an embedding, too), where
 * one value may stand for "none". */
#ifndef GTI_OPS_CLASSES_H
#define GTI_OPS_CLASSES_H

#include "indices.h"

/* No class is skipped. */
#define GTI_NO_CLASS INT64_MIN

/* Fails n unless its input is i64 and each value in 0..count-1 or `skip`. */
bool gti_classes_check(const gt_node *n, int input, int64_t count, int64_t skip);

/* The place of index's first value that is neither, -1 if there is none. */
int64_t gti_classes_outside(const gt_tensor *index, int64_t count, int64_t skip);
/* How many of index's values are not `skip`. */
int64_t gti_classes_counted(const gt_tensor *index, int64_t skip);

/* For attributes of losses: gt_reduction, less the last. */
#define GTI_REDUCTIONS "GT_MEAN GT_SUM GT_NONE"
#define GTI_REDUCTION_MEANING "what becomes of the elements' losses"
#define GTI_IGNORE_MEANING "rows of this class do not count"
#define GTI_SMOOTHING_MEANING "this part of each target is spread over all classes"

#endif

/* What gather and scatter share: an index with as many dimensions as a whole tensor and, but for
 * one axis, no larger. */
#ifndef GTI_OPS_GATHER_H
#define GTI_OPS_GATHER_H

#include "broadcast.h"
#include "indices.h"

/* A walk along the rows of index. */
typedef struct {
    gti_walk rows; /* a: offset of the row in the whole tensor, b: in index */
    gti_gather row;
} gti_gathering;

/* Both shapes have at least one dimension. */
gti_gathering gti_gather_begin(gt_shape whole, gt_shape index, int axis);

/* The axis of the whole tensor, of shape `of`, that index, which is n's input `input` and fits it,
 * chooses from; -1 after a failure. Its values are for forward to check. */
int gti_gather_check_shape(const gt_node *n, int input, gt_shape of, int axis_given);
/* The same with its values. */
int gti_gather_check_index(const gt_node *n, int input, gt_shape of, int axis_given);

#endif

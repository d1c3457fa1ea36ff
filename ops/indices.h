/* Indices: i64 tensors whose values choose elements of another. A shape rule reads them
 * or, where they are as many as what is computed, a forward that does so anyway. */
#ifndef GTI_OPS_INDICES_H
#define GTI_OPS_INDICES_H

#include "common.h"

/* Fails n unless its input `input` is i64. */
bool gti_indices_check_dtype(const gt_node *n, int input);
/* The place of index's first value outside 0..size-1, -1 if there is none. */
int64_t gti_indices_outside(const gt_tensor *index, int64_t size);
/* Fails n unless all values of its input `input` are in 0..size-1, the size of `axis`. */
bool gti_indices_check(const gt_node *n, int input, int axis, int64_t size);

/* The index of an element of a shape, row-major, as a text "[1,0]". */
#define GTI_PLACE_TEXT(shape, i) GTI_SHAPE_TEXT(gti_indices_place(shape, i))
gt_shape gti_indices_place(gt_shape shape, int64_t i);

/* An input of a sample: {dimensions}, values. */
#define GTI_INDEX(dims, ...)                                                                       \
    {                                                                                              \
        .shape = GT_DIMS dims, .dtype = GT_I64, .values = (const double[])                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

#endif

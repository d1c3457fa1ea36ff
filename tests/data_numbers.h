/* For tests of loaders: a dataset of numbers. */
#ifndef GT_TESTS_DATA_NUMBERS_H
#define GT_TESTS_DATA_NUMBERS_H

#include "support.h"

/* n items of one number each: their index; labels are 100 more. */
static inline gt_dataset *numbers(gt_ctx *gt, int64_t n)
{
    gt_tensor *x = gt_arange(gt, 0, (double)n, 1),
              *y = gt_arange(gt, 100, 100 + (double)n, 1, .dtype = GT_I64);
    return gt_tensor_dataset(gt_reshape(x, GT_SHAPE(n, 1)), y);
}

/* One epoch: the items in the order they come, at most 64. Returns how many. */
static inline int epoch(gt_loader *l, int *items)
{
    gt_tensor *x, *y;
    int n = 0;
    while (gt_loader_next(l, &x, &y))
        for (int64_t i = 0; i < x->size; i++) {
            items[n++] = (int)element(x, i);
            assert_true(element(y, i) == element(x, i) + 100);
        }
    return n;
}

static inline void assert_epoch(gt_loader *l, int n, const int *want)
{
    int items[64];
    assert_int_equal(epoch(l, items), n);
    for (int i = 0; i < n; i++)
        if (items[i] != want[i]) fail_msg("item %d is %d instead of %d", i, items[i], want[i]);
}

#endif

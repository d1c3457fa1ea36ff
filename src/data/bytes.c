/* Datasets whose images and labels are bytes in memory. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

bool gti_bytes_label(const gt_dataset *d, int64_t i, int64_t *label)
{
    const gti_bytes *b = (const gti_bytes *)d;
    *label = b->labels[i * b->step];
    return true;
}

bool gti_bytes_get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    (void)error;
    const gti_bytes *b = (const gti_bytes *)d;
    memcpy(to[0], b->data + i * b->stride, (size_t)gt_shape_size(d->member[0].shape));
    return gti_bytes_label(d, i, to[1]);
}

void gti_bytes_free(gt_dataset *d)
{
    gti_bytes *b = (gti_bytes *)d;
    free(b->owned[0]);
    free(b->owned[1]);
}

bool gti_bytes_check(const gti_bytes *b, const char *path, gt_data_error *error)
{
    for (int64_t i = 0; i < b->base.count; i++)
        if (b->labels[i * b->step] >= b->base.n_classes)
            return gt_data_fail(error, GT_ERR_FORMAT, "%s: label %lld is %d, expected 0 to %lld",
                                path, (long long)i, b->labels[i * b->step],
                                (long long)b->base.n_classes - 1);
    return true;
}

/* Making a batch: fetching, converting, transforming. */
#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

/* --- the recipe --- */

static int64_t length(const gt_transform *list)
{
    int64_t n = 0;
    while (list && list[n].kind != GT_NO_TRANSFORM) n++;
    return n;
}

/* Follows an image through the list. */
static bool follow(gti_recipe *r, gt_data_error *error)
{
    const int64_t c = r->shape.dim[0];
    int64_t h = r->shape.dim[1], w = r->shape.dim[2];
    for (gt_transform *t = r->list; t->kind != GT_NO_TRANSFORM; t++) {
        const int64_t before = h;
        if (!gti_transform_check(t, c, &h, &w, error)) return false;
        /* Resizing goes by way of the old height and the new width. */
        const int64_t size = gt_shape_size(GT_SHAPE(c, h > before ? h : before, w));
        if (size < 0) return gt_data_fail(error, GT_ERR_MEMORY, "the image's size overflows");
        if (size > r->room) r->room = size;
    }
    r->shape = GT_SHAPE(c, h, w);
    r->size = gt_shape_size(r->shape);
    return true;
}

bool gti_batch_recipe_make(gti_recipe *r, const gt_dataset *d, const gt_transform *list,
                           gt_data_error *error)
{
    *r = (gti_recipe){.data = d, .shape = d->shape, .size = gt_shape_size(d->shape)};
    r->room = r->size;
    const int64_t n = length(list);
    if (!n) return true;
    if (d->shape.ndim != 3 || !r->size) {
        char shape[128];
        return gt_data_fail(error, GT_ERR_SHAPE,
                            "transforms are for images [c,h,w], the items of "
                            "%s are %s",
                            d->type->name, gt_shape_format(d->shape, shape, sizeof shape));
    }
    r->list = gti_data_malloc((size_t)(n + 1) * sizeof *list, error);
    if (!r->list) return false;
    memcpy(r->list, list, (size_t)(n + 1) * sizeof *list);
    return follow(r, error);
}

bool gti_batch_bench_make(gti_bench *b, const gti_recipe *r, gt_data_error *error)
{
    const size_t item = (size_t)gt_shape_size(r->data->shape) * gt_dtype_size(r->data->dtype);
    const size_t room = r->list ? (size_t)r->room * sizeof(float) : 0;
    *b = (gti_bench){.item = gti_data_malloc(item, error),
                     .a = gti_data_malloc(room, error),
                     .b = gti_data_malloc(room, error)};
    return b->item && b->a && b->b;
}

void gti_batch_bench_free(gti_bench *b)
{
    free(b->item);
    free(b->a);
    free(b->b);
}

/* --- items --- */

/* Bytes 0..255 become 0..1 by division, as torchvision's ToTensor does it. */
static void convert(const gt_dataset *d, const void *item, float *to)
{
    const int64_t n = gt_shape_size(d->shape);
    if (d->dtype == GT_F32) {
        memcpy(to, item, (size_t)n * sizeof *to);
        return;
    }
    const uint8_t *from = item;
    for (int64_t i = 0; i < n; i++) to[i] = (float)from[i] / 255.0f;
}

static void transform(const gti_recipe *r, gti_bench *bench, gti_noise noise, float *to)
{
    const int64_t *dim = r->data->shape.dim;
    gti_image m = {.at = bench->a, .spare = bench->b, .c = dim[0], .h = dim[1], .w = dim[2]};
    convert(r->data, bench->item, m.at);
    for (const gt_transform *t = r->list; t->kind != GT_NO_TRANSFORM; t++)
        gti_transform_apply(t, &m, &noise);
    memcpy(to, m.at, (size_t)r->size * sizeof *to);
}

bool gti_batch_make(const gti_batches *b, int64_t i, gti_bench *bench, float *x, int64_t *y,
                    gt_data_error *error)
{
    const gti_recipe *r = &b->recipe;
    const int64_t *index = b->order + i * b->batch, n = gti_batch_items(b, i);
    for (int64_t k = 0; k < n; k++) {
        if (!r->data->type->get(r->data, index[k], bench->item, &y[k], error)) {
            gt_data_fail(error, GT_ERR_IO, "item %lld of %s failed without a message",
                         (long long)index[k], r->data->type->name);
            return false;
        }
        if (r->list)
            transform(r, bench, gti_noise_start(b->item_seed, (uint64_t)index[k]), x + k * r->size);
        else convert(r->data, bench->item, x + k * r->size);
    }
    return true;
}

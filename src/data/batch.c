/* Making a batch: fetching items, and following the recipe for each. */
#include "data/batch.h"

#include "data/mix.h"

bool gti_batch_place_make(gti_place *p, const gti_batches *b, gt_data_error *error)
{
    *p = (gti_place){.item = {.memory = NULL}};
    return gti_item_make(&p->item, b->data, error) &&
           gti_recipe_bench_make(&p->bench, &b->recipe, error);
}

void gti_batch_place_free(gti_place *p)
{
    gti_item_free(&p->item);
    gti_recipe_bench_free(&p->bench);
}

bool gti_batch_make(const gti_batches *b, int64_t i, const gti_place *p, void *const *to,
                    gt_data_error *error)
{
    const int64_t *index = b->order + i * b->batch, n = gti_batch_items(b, i);
    for (int64_t at = 0; at < n; at++) {
        const gti_noise noise = gti_noise_start(b->item_seed, (uint64_t)index[at]);
        if (!gti_item_get(&p->item, b->data, index[at], error)) return false;
        for (int k = 0; k < b->recipe.lanes; k++)
            if (!gti_recipe_follow(&b->recipe, k, p->item.member[k], noise, &p->bench,
                                   (char *)to[k] + gti_batch_bytes(b, k, at), error))
                return false;
    }
    if (b->recipe.mix)
        gti_mix(&b->recipe, gti_noise_start(~b->item_seed, (uint64_t)i), n, to, p->bench.kept);
    return true;
}

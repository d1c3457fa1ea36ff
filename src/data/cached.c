/* A dataset whose items are kept in memory once they were read.
 *
 * Each item has a state that only goes up: whoever raises it from EMPTY fills it, and who finds it
 * READY sees all that was written before. In between others read the item themselves. */
#include <stdatomic.h>
#include <string.h>

#include "data/item.h"

enum { EMPTY, FILLING, READY };

typedef struct {
    gt_dataset base;
    const gt_dataset *of;
    size_t bytes[GT_MEMBERS_MOST], all; /* of the members of an item; of an item */
    char *items;                        /* [count] of `all` bytes, one member behind the other */
    atomic_uchar *state;                /* [count] */
} cache;

static bool get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    const cache *c = (const cache *)d;
    unsigned char state = EMPTY;
    char *at = c->items + (size_t)i * c->all;
    const bool ready = atomic_load_explicit(&c->state[i], memory_order_acquire) == READY;
    if (!ready && !c->of->type->get(c->of, i, to, error)) return false;
    const bool mine = !ready && atomic_compare_exchange_strong(&c->state[i], &state, FILLING);
    for (int k = 0; k < d->members && (ready || mine); k++) {
        if (ready) memcpy(to[k], at, c->bytes[k]);
        else memcpy(at, to[k], c->bytes[k]);
        at += c->bytes[k];
    }
    if (mine) atomic_store_explicit(&c->state[i], READY, memory_order_release);
    return true;
}

static bool label(const gt_dataset *d, int64_t i, int64_t *to)
{
    const gt_dataset *of = ((const cache *)d)->of;
    return of->type->label && of->type->label(of, i, to);
}

static void free_cache(gt_dataset *d)
{
    free(((cache *)d)->items);
    free(((cache *)d)->state);
}

static const gt_dataset_type type = {
    .name = "cached", .size = sizeof(cache), .get = get, .free = free_cache, .label = label};

static bool make(cache *c, const gt_dataset *d, gt_data_error *error)
{
    const gt_dataset_type *own = c->base.type;
    if (!gti_item_check(d, error)) return false;
    c->base = *d;
    c->base.type = own;
    c->of = d;
    for (int k = 0; k < d->members; k++) {
        const gt_member *m = &d->member[k];
        c->bytes[k] = (size_t)gt_shape_size(m->shape) * gt_dtype_size(m->dtype);
        c->all += c->bytes[k];
    }
    if (c->all && (size_t)d->count > (size_t)INT64_MAX / c->all)
        return gt_data_fail(error, GT_ERR_MEMORY, "%lld items of %zu bytes overflow",
                            (long long)d->count, c->all);
    c->items = gti_data_malloc((size_t)d->count * c->all, error);
    c->state = gti_data_malloc((size_t)d->count * sizeof *c->state, error);
    for (int64_t i = 0; c->state && i < d->count; i++) atomic_init(&c->state[i], EMPTY);
    return c->items && c->state;
}

gt_dataset *gt_dataset_cached(gt_dataset *d)
{
    static const char what[] = "gt_dataset_cached";
    if (!gti_data_present(d, what)) return NULL;
    cache *c = (cache *)gt_dataset_new(d->ctx, &type);
    gt_data_error error = {.code = GT_OK};
    if (!c) return NULL;
    if (make(c, d, &error)) return &c->base;
    gti_data_report(d->ctx, what, &error);
    return NULL;
}

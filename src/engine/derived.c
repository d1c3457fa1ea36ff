/* What operations derive from tensors, such as weights packed for a kernel, kept beside the tensor.
 *
 * It is kept from the second call on that finds the values unchanged: what changes in every step is
 * derived in every step, and no memory is held for it; nor for what is little work. Versions tell
 * of changes; and since a program may write through gt_tensor.data and forget gt_touch, so does a
 * fingerprint of the values, which takes a fraction of the time that deriving takes. */
#include <string.h>

#include "engine/context.h"

enum { MOST_KEYS = 4, LANES = 8 };

typedef struct {
    size_t key_size;
    char key[GT_DERIVED_KEY];
    void *block; /* NULL before the second call */
    size_t bytes;
    int size_class;
    uint64_t fingerprint; /* of the values that it was derived from */
} item;

/* Of one tensor, at one version. */
struct gti_derived {
    uint64_t version;
    int n;
    item item[MOST_KEYS];
    gti_derived *next; /* in ctx->free_derived */
};

/* One to one in each word of the data, so a single change is never missed. A product carries bits
 * upwards only: halves change places, or else two changed signs, the highest bits, would cancel. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    const uint64_t mixed = h ^ word;
    return (mixed << 32 | mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

typedef uint64_t word_of_data __attribute__((may_alias));

uint64_t gti_derived_fingerprint(const gt_tensor *t)
{
    const word_of_data *word = t->data; /* as aligned as a pool's block */
    const size_t bytes = (size_t)t->size * gt_dtype_size(t->dtype), ahead = 256;
    uint64_t h[LANES], rest[LANES] = {0}, all = 0;
    for (int i = 0; i < LANES; i++) h[i] = (uint64_t)i;
    for (size_t n = bytes / sizeof h; n > 0; n--, word += LANES) {
        __builtin_prefetch(word + ahead);
        for (int i = 0; i < LANES; i++) h[i] = mix(h[i], word[i]);
    }
    memcpy(rest, word, bytes % sizeof h);
    for (int i = 0; i < LANES; i++) all = mix(all, mix(h[i], rest[i]));
    return all;
}

/* What an item with a block counts for among the pool's live bytes. */
static uint64_t bytes_of(const gt_ctx *gt, const item *k)
{
    return gt->pool.bytes[k->size_class];
}

static void forget(gt_ctx *gt, gti_derived *d)
{
    for (int i = 0; i < d->n; i++) {
        if (!d->item[i].block) continue;
        gti_pool_put(&gt->pool, d->item[i].block, d->item[i].size_class);
        gt->derived_bytes -= bytes_of(gt, &d->item[i]);
    }
    d->n = 0;
}

void gti_derived_drop(gti_tensor *base)
{
    gti_derived *d = base->label ? base->label->derived : NULL;
    if (!d) return;
    gt_ctx *gt = base->pub.ctx;
    forget(gt, d);
    base->label->derived = NULL;
    d->next = gt->free_derived;
    gt->free_derived = d;
}

/* What was derived from base as it is; NULL where nothing can be kept. A captured step's block is
 * no single tensor. */
static gti_derived *derived_of(gti_tensor *base)
{
    gt_ctx *gt = base->pub.ctx;
    const bool lasts = gti_outlives_step(base) && !(base->flags & GTI_SLAB);
    gti_label *l = lasts ? gti_label_try(&base->pub) : NULL;
    if (!l) return NULL;
    if (!l->derived) {
        gti_derived *d = gt->free_derived;
        if (d) gt->free_derived = d->next;
        else if (!(d = gti_arena_get(&gt->kept, sizeof *d))) return NULL;
        d->n = 0;
        d->version = base->version;
        l->derived = d;
        base->flags |= GTI_LASTING;
    }
    if (l->derived->version != base->version) forget(gt, l->derived);
    l->derived->version = base->version;
    return l->derived;
}

static item *item_of(gti_derived *d, const gt_derived *what)
{
    for (int i = 0; i < d->n; i++) {
        item *k = &d->item[i];
        if (k->bytes == what->bytes && k->key_size == what->key_size &&
            memcmp(k->key, what->key, k->key_size) == 0)
            return k;
    }
    return NULL;
}

static void note(gti_derived *d, const gt_derived *what)
{
    if (d->n == MOST_KEYS || what->key_size > GT_DERIVED_KEY) return;
    item *k = &d->item[d->n++];
    *k = (item){.key_size = what->key_size, .bytes = what->bytes};
    memcpy(k->key, what->key, what->key_size);
}

/* A room that is kept, or, with k NULL, not. */
static bool take(gt_ctx *gt, const gt_derived *what, item *k, gti_derived_room *room)
{
    *room = (gti_derived_room){.kept = k != NULL};
    room->block = gti_pool_get(&gt->pool, what->bytes, &room->size_class);
    if (!room->block) return false;
    if (!k) return true;
    k->block = room->block;
    k->size_class = room->size_class;
    gt->derived_bytes += bytes_of(gt, k);
    return true;
}

bool gti_derived_get(const gt_node *n, const gt_derived *what, gti_derived_room *room)
{
    gti_tensor *base = gti_t(n->in[what->input])->base;
    gt_ctx *gt = base->pub.ctx;
    gti_derived *d = what->passing ? NULL : derived_of(base);
    item *k = d ? item_of(d, what) : NULL;
    if (!k) {
        if (!take(gt, what, NULL, room)) return false;
        if (d) note(d, what);
        return true;
    }
    const bool had = k->block != NULL;
    if (!had && !take(gt, what, k, room)) return false;
    const uint64_t now = base->flags & GTI_OWN ? 0 : gti_derived_fingerprint(&base->pub);
    if (had)
        *room = (gti_derived_room){.block = k->block, .made = k->fingerprint == now, .kept = true};
    k->fingerprint = now;
    return true;
}

void gti_derived_put(gt_ctx *gt, const gti_derived_room *room)
{
    if (!room->kept) gti_pool_put(&gt->pool, room->block, room->size_class);
}

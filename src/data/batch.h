/* Batches in the making: what a loader and its threads share. */
#ifndef GTI_DATA_BATCH_H
#define GTI_DATA_BATCH_H

#include "data/recipe.h"

/* The batches of an epoch; constant while it runs. */
typedef struct {
    const gt_dataset *data;
    gti_recipe recipe;
    int64_t *order; /* [count] indices of items */
    int64_t count;  /* items that are given */
    int64_t batch;  /* items in a batch, but for the last */
    int64_t n;      /* batches */
    uint64_t item_seed;
} gti_batches;

/* Memory that one thread works in; to be freed. */
typedef struct {
    gti_item item;
    gti_bench bench;
} gti_place;
bool gti_batch_place_make(gti_place *p, const gti_batches *b, gt_data_error *error);
void gti_batch_place_free(gti_place *p);

static inline int64_t gti_batch_items(const gti_batches *b, int64_t i)
{
    const int64_t rest = b->count - i * b->batch;
    return rest < b->batch ? rest : b->batch;
}

/* Makes batch i: its members k to to[k], [items,...]. */
bool gti_batch_make(const gti_batches *b, int64_t i, const gti_place *p, void *const *to,
                    gt_data_error *error);
/* Bytes of member k in n items. */
static inline size_t gti_batch_bytes(const gti_batches *b, int k, int64_t n)
{
    const gti_lane *l = &b->recipe.lane[k];
    return (size_t)(n * l->size) * gt_dtype_size(l->out.dtype);
}

/* --- prefetch.c: threads that make batches ahead ---
 * They are idle until begun, and again when halted; `b` must not change in between. */
/* Which thread, from 1 on, has made a batch, and when (gt_clock). 0: the caller has. */
typedef struct {
    int thread;
    uint64_t began, ended;
} gti_making;

typedef struct gti_prefetch gti_prefetch;
gti_prefetch *gti_prefetch_new(const gti_batches *b, int threads, gt_data_error *error);
void gti_prefetch_begin(gti_prefetch *p, int64_t first);
/* Waits for the next batch; its members, or NULL and the error. */
void *const *gti_prefetch_take(gti_prefetch *p, gti_making *making, gt_data_error *error);
/* Gives the batch that was taken back. */
void gti_prefetch_release(gti_prefetch *p);
/* Returns when no thread is at work. */
void gti_prefetch_halt(gti_prefetch *p);
void gti_prefetch_free(gti_prefetch *p);

#endif

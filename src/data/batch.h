/* Batches in the making: what a loader and its threads share. */
#ifndef GTI_DATA_BATCH_H
#define GTI_DATA_BATCH_H

#include "data/data.h"

/* From an item to its place in a batch. */
typedef struct {
    const gt_dataset *data;
    gt_transform *list; /* ends in GT_NO_TRANSFORM; NULL: none */
    gt_shape shape;     /* of an item when done */
    int64_t size;       /* elements of that */
    int64_t room;       /* elements of the largest image on the way */
} gti_recipe;

/* The batches of an epoch; constant while it runs. */
typedef struct {
    gti_recipe recipe;
    int64_t *order; /* [data->count] indices of items */
    int64_t count;  /* items that are given */
    int64_t batch;  /* items in a batch, but for the last */
    int64_t n;      /* batches */
    uint64_t item_seed;
} gti_batches;

/* Memory that one thread works in. */
typedef struct {
    void *item; /* as the dataset gives it */
    float *a, *b;
} gti_bench;

/* Copies the list and checks it. */
bool gti_batch_recipe_make(gti_recipe *r, const gt_dataset *d, const gt_transform *list,
                           gt_data_error *error);
bool gti_batch_bench_make(gti_bench *b, const gti_recipe *r, gt_data_error *error);
void gti_batch_bench_free(gti_bench *b);

static inline int64_t gti_batch_items(const gti_batches *b, int64_t i)
{
    const int64_t rest = b->count - i * b->batch;
    return rest < b->batch ? rest : b->batch;
}

/* Makes batch i: x [items,shape], y [items]. */
bool gti_batch_make(const gti_batches *b, int64_t i, gti_bench *bench, float *x, int64_t *y,
                    gt_data_error *error);

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
/* Waits for the next batch; its x and y, or NULL and the error. */
const float *gti_prefetch_take(gti_prefetch *p, const int64_t **y, gti_making *making,
                               gt_data_error *error);
/* Gives the batch that was taken back. */
void gti_prefetch_release(gti_prefetch *p);
/* Returns when no thread is at work. */
void gti_prefetch_halt(gti_prefetch *p);
void gti_prefetch_free(gti_prefetch *p);

#endif

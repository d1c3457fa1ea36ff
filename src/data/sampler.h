/* The order of epochs.
 *
 * At its start an epoch draws from the generator, as PyTorch's DataLoader does, 64 bits that its
 * workers' seeds come from (here the seed of its transforms) and, where its order is random, 64
 * bits that seed the generator of that. */
#ifndef GTI_DATA_SAMPLER_H
#define GTI_DATA_SAMPLER_H

#include "data/item.h"

typedef struct {
    gt_ctx *gt;
    gt_ctx *dice;   /* for the order of each epoch; tensors in it are dropped at once */
    gt_ctx *own;    /* whose generator has the loader's seed; NULL: without one */
    uint64_t drawn; /* numbers from that since it was seeded */
    gt_mark dice_start, own_start;
    uint64_t seed;
    bool shuffle;
    double *up_to; /* [n] sums of weights, the last one 1: items are drawn by them; or NULL */
    int64_t n;     /* items of the data set */
} gti_sampler;

/* A seed of 0 is gt's generator; GT_ZERO is the seed 0. What it holds is to be closed, also after a
 * failure. */
bool gti_sampler_open(gti_sampler *s, gt_ctx *gt, int64_t n, uint64_t seed, bool shuffle);
void gti_sampler_close(gti_sampler *s);
/* From now on items are drawn with these weights. */
bool gti_sampler_weigh(gti_sampler *s, const double *weights, gt_data_error *error);
/* The weights with which all classes of d come as often; to be freed. */
double *gti_sampler_balance(const gt_dataset *d, gt_data_error *error);
/* Draws the seeds of at->epoch. */
bool gti_sampler_draw(gti_sampler *s, gt_loader_state *at);
/* The epoch's order: `count` indices. */
bool gti_sampler_order(gti_sampler *s, uint64_t seed, int64_t *order, int64_t count);
/* What failed in a context of the sampler's failed in gt. */
void gti_sampler_pass_on(gti_sampler *s, const char *what);

#endif

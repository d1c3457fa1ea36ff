/* From an item to its place in a batch, or to a tensor. */
#ifndef GTI_DATA_RECIPE_H
#define GTI_DATA_RECIPE_H

#include "data/item.h"

/* What becomes of one member. */
typedef struct {
    gt_member in, out; /* as it comes, and when done */
    int64_t size;      /* elements of out */
    bool moved;        /* some transform touches it: it goes through floats */
    int64_t c, h, w;   /* of the picture or mask that it then is; c = h = 1 where it is none */
    int64_t room;      /* elements of the largest picture on the way */
} gti_lane;

typedef struct {
    gt_transform *list; /* completed; ends in GT_NO_TRANSFORM; NULL: none */
    int lanes;
    gti_lane lane[GT_MEMBERS_MOST];
} gti_recipe;

/* Copies the list and checks it against these members; u8 and f32 come out as `dtype`. What the
 * recipe holds is to be freed, also after a failure. */
bool gti_recipe_make(gti_recipe *r, int members, const gt_member *member, const gt_transform *list,
                     gt_dtype dtype, gt_data_error *error);
static inline void gti_recipe_free(gti_recipe *r)
{
    free(r->list);
}

/* Two pictures' room, for one thread; to be freed. */
typedef struct {
    float *a, *b;
} gti_bench;
bool gti_recipe_bench_make(gti_bench *b, const gti_recipe *r, gt_data_error *error);
void gti_recipe_bench_free(gti_bench *b);

/* Member k of an item, as it was read, to its place. Members of an item are given the same noise,
 * so that what is random is the same for all of them. */
bool gti_recipe_follow(const gti_recipe *r, int k, const void *from, gti_noise noise,
                       const gti_bench *bench, void *to, gt_data_error *error);

#endif

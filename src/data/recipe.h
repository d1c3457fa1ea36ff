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
    int64_t classes;   /* a label that comes as what is so much of each of them; 0: as it is */
} gti_lane;

typedef struct {
    gt_transform *list;      /* completed; ends in GT_NO_TRANSFORM; NULL: none */
    const gt_transform *mix; /* the last of the list, where that is one of batches; or NULL */
    int lanes;
    gti_lane lane[GT_MEMBERS_MOST];
} gti_recipe;

/* Copies the list and checks it against these members; labels are of n_classes classes, u8 and f32
 * come out as `dtype`. What the recipe holds is to be freed, also after a failure. */
bool gti_recipe_make(gti_recipe *r, int members, const gt_member *member, int64_t n_classes,
                     const gt_transform *list, gt_dtype dtype, gt_data_error *error);
/* Whether a picture that t touches by itself has its channels first. */
bool gti_recipe_check_layout(const gt_transform *t, const gt_member *m, gt_data_error *error);
/* Whether t changes such a member with this number. */
bool gti_recipe_touches(const gt_transform *t, const gt_member *m, int k);
static inline void gti_recipe_free(gti_recipe *r)
{
    free(r->list);
}

/* Two pictures' room, for one thread, and that of the largest member when done; to be freed. */
typedef struct {
    float *a, *b;
    void *kept;
} gti_bench;
bool gti_recipe_bench_make(gti_bench *b, const gti_recipe *r, gt_data_error *error);
void gti_recipe_bench_free(gti_bench *b);

/* Member k of an item, as it was read, to its place. Members of an item are given the same noise,
 * so that what is random is the same for all of them. */
bool gti_recipe_follow(const gti_recipe *r, int k, const void *from, gti_noise noise,
                       const gti_bench *bench, void *to, gt_data_error *error);

#endif

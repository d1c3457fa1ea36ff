/* Mixing the items of a batch. */
#ifndef GTI_DATA_MIX_H
#define GTI_DATA_MIX_H

#include "data/recipe.h"

typedef struct {
    int64_t top, bottom, left, right;
} gti_mix_box;

/* As r->mix says, a batch of n items whose members are at to[k]; `kept` is the bench's. */
void gti_mix(const gti_recipe *r, gti_noise noise, int64_t n, void *const *to, void *kept);

/* Its parts: what each item keeps of itself, and the box in which pictures show the one before, or
 * NULL to blend them; the box of 1 - *part of the area about a pixel, where *part becomes what lies
 * outside of it. */
void gti_mix_by(const gti_recipe *r, double part, const gti_mix_box *b, int64_t n, void *const *to,
                void *kept);
gti_mix_box gti_mix_box_at(int64_t h, int64_t w, int64_t y, int64_t x, double *part);

#endif

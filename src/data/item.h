/* Items as their data sets give them. */
#ifndef GTI_DATA_ITEM_H
#define GTI_DATA_ITEM_H

#include <stdlib.h>

#include "data/data.h"

/* Room for one item, which only one thread uses. Behind each member lie bytes that tell whether
 * `get` has written past it, and room for elements of eight bytes each, so that what writes another
 * dtype than it has said does no harm before it is caught. */
typedef struct {
    uint8_t *memory; /* to be freed */
    uint8_t *member[GT_MEMBERS_MOST];
    size_t bytes[GT_MEMBERS_MOST]; /* of each */
} gti_item;

/* Whether the fields of d make sense. */
bool gti_item_check(const gt_dataset *d, gt_data_error *error);
/* Whether n is the number of members, as which it was given. */
bool gti_item_count(const gt_dataset *d, int n, gt_data_error *error);
/* "3" or "3 ('mask')", for messages. Returns buf. */
const char *gti_item_member(const gt_dataset *d, int k, char buf[64]);
bool gti_item_make(gti_item *m, const gt_dataset *d, gt_data_error *error);
bool gti_item_get(const gti_item *m, const gt_dataset *d, int64_t i, gt_data_error *error);
static inline void gti_item_free(gti_item *m)
{
    free(m->memory);
}
/* The class of item i: its last member, one i64; by way of m where the data set does not tell
 * without reading. */
bool gti_item_has_label(const gt_dataset *d);
bool gti_item_label(const gti_item *m, const gt_dataset *d, int64_t i, int64_t *label,
                    gt_data_error *error);

#endif

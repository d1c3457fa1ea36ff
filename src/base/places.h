/* Memory by lives: blocks whose lives do not meet may lie in the same place. */
#ifndef GTI_BASE_PLACES_H
#define GTI_BASE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A block. Times are whatever the user counts. */
typedef struct gti_place {
    struct gti_place *in; /* the block whose place it takes over; NULL: it has one of its own */
    int64_t first, last;  /* when it, or what takes over, is used; first > last: never */
    size_t bytes, offset;
} gti_place;

/* y, which is made at `now`, lies in x's place from then on, if nobody uses x later. */
bool gti_places_take_over(gti_place *x, gti_place *y, int64_t now);
/* Gives all n blocks offsets, the largest first and each as low as it goes: of one size in the
 * order of their addresses, which are in one array. `room` has places for 2 n pointers. Returns the
 * bytes that they need together. */
size_t gti_places_put(gti_place *const *all, int64_t n, gti_place **room);

#endif

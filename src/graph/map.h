/* Numbers for pointers, in the order in which they come. */
#ifndef GTI_GRAPH_MAP_H
#define GTI_GRAPH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GTI_NOT_IN_MAP UINT32_MAX

typedef struct {
    const void **key; /* [count], by number */
    uint32_t count;
    uint32_t *slot; /* [slots] numbers, or GTI_NOT_IN_MAP; slots is a power of two, or 0, and at
                     * least twice count */
    uint32_t slots;
} gti_map; /* all zero: empty */

uint32_t gti_map_find(const gti_map *map, const void *key);
/* Adds key unless it is there. False when memory is short. */
bool gti_map_add(gti_map *map, const void *key);
void gti_map_free(gti_map *map);

#endif

#include "graph/map.h"

#include <stdlib.h>

/* The slot of key: its own, or the empty one where it would go. */
static uint32_t *find_slot(const gti_map *map, const void *key)
{
    /* Fibonacci hashing; the low bits of addresses are all alike, so the high ones decide. */
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    uint32_t mask = map->slots - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &map->slot[i];
        if (*slot == GTI_NOT_IN_MAP || map->key[*slot] == key) return slot;
    }
}

static bool grow(gti_map *map)
{
    uint32_t slots = map->slots ? 2 * map->slots : 64;
    if (slots < map->slots) return false;
    const void **key = realloc(map->key, slots / 2 * sizeof *key);
    if (!key) return false;
    map->key = key;
    uint32_t *slot = malloc(slots * sizeof *slot);
    if (!slot) return false;
    free(map->slot);
    map->slot = slot;
    map->slots = slots;
    for (uint32_t i = 0; i < slots; i++) slot[i] = GTI_NOT_IN_MAP;
    for (uint32_t i = 0; i < map->count; i++) *find_slot(map, key[i]) = i;
    return true;
}

uint32_t gti_map_find(const gti_map *map, const void *key)
{
    return map->slots ? *find_slot(map, key) : GTI_NOT_IN_MAP;
}

bool gti_map_add(gti_map *map, const void *key)
{
    if (map->slots == 2 * map->count && !grow(map)) return false;
    uint32_t *slot = find_slot(map, key);
    if (*slot != GTI_NOT_IN_MAP) return true;
    *slot = map->count;
    map->key[map->count++] = key;
    return true;
}

void gti_map_free(gti_map *map)
{
    free(map->key);
    free(map->slot);
    *map = (gti_map){0};
}

/* A bump allocator in a chain of chunks, with positions to go back to. For headers: tensors, nodes,
 * options. */
#ifndef GTI_BASE_ARENA_H
#define GTI_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/system.h"

typedef struct gti_chunk gti_chunk;

typedef struct {
    gti_system *system;
    gti_chunk *first, *current;
    char *pos, *end; /* free part of current */
} gti_arena;

/* False when there is no memory. */
bool gti_arena_open(gti_arena *a, gti_system *system);
void gti_arena_close(gti_arena *a);

void *gti_arena_next_chunk_(gti_arena *a, size_t bytes);

/* 16-byte aligned, uninitialised; NULL when there is no memory. */
static inline void *gti_arena_get(gti_arena *a, size_t bytes)
{
    if (gti_system_memory_fails()) return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    if ((size_t)(a->end - a->pos) < bytes) return gti_arena_next_chunk_(a, bytes);
    char *p = a->pos;
    a->pos += bytes;
    return p;
}

/* Goes back to a position that a->pos had earlier; everything after it may be handed out again. */
void gti_arena_rewind(gti_arena *a, char *pos);
/* Bytes handed out between an earlier position and the present one. */
size_t gti_arena_since(const gti_arena *a, const char *pos);

#endif

/* Tensor data: blocks of a few dozen size classes, 64-byte aligned, that go round without the
 * system's allocator. */
#ifndef GTI_BASE_POOL_H
#define GTI_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/system.h"

/* Four classes a power of two, from 64 bytes on; class k > 0 holds (5 + (k - 1) % 4) << (4 + (k - 1)
 * / 4) bytes, rounded up to 64. */
#define GTI_POOL_CLASSES 144

typedef struct gti_pool_block gti_pool_block;

typedef struct {
    gti_system *system;
    void *free[GTI_POOL_CLASSES];  /* free blocks of a class, linked through their first word */
    char *slab, *slab_end;         /* rest of the slab that small blocks are cut from */
    gti_pool_block *blocks;        /* all that came from the system */
    uint64_t live, peak;           /* bytes handed out, and the most of it */
} gti_pool;

void gti_pool_open(gti_pool *p, gti_system *system);
void gti_pool_close(gti_pool *p);

size_t gti_pool_class_bytes(int size_class);

static inline int gti_pool_class_of(size_t bytes)
{
    if (bytes <= 64) return 0;
    bytes--;
    const int top = 63 - __builtin_clzll(bytes); /* bytes has top + 1 binary digits */
    return (top - 6) * 4 + (int)(bytes >> (top - 2) & 3) + 1;
}

/* A block of at least `bytes`, NULL when there is none; *size_class is for putting it back. */
void *gti_pool_get(gti_pool *p, size_t bytes, int *size_class);
void gti_pool_put(gti_pool *p, void *block, int size_class);

#endif

#include "base/pool.h"

#ifdef GT_DEBUG
#include <string.h>
#endif

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { GRAIN = 64, SLAB_BYTES = 1 << 20, SMALL = 1 << 16 };

/* Stands in front of every block from the system. */
struct gti_pool_block {
    gti_pool_block *next;
    size_t bytes;
    char pad[GRAIN - sizeof(void *) - sizeof(size_t)];
};
_Static_assert(sizeof(gti_pool_block) == GRAIN, "data behind it must stay aligned");

size_t gti_pool_class_bytes(int size_class)
{
    if (!size_class) return GRAIN;
    const int k = size_class - 1;
    const size_t bytes = (size_t)(5 + k % 4) << (k / 4 + 4);
    return (bytes + GRAIN - 1) / GRAIN * GRAIN;
}

void gti_pool_open(gti_pool *p, gti_system *system)
{
    *p = (gti_pool){.system = system};
}

void gti_pool_close(gti_pool *p)
{
    for (gti_pool_block *b = p->blocks, *next; b; b = next) {
        next = b->next;
        UNPOISON(b, b->bytes);
        gti_system_put(p->system, b, b->bytes);
    }
    *p = (gti_pool){.system = p->system};
}

static char *from_system(gti_pool *p, size_t bytes)
{
    gti_pool_block *b = gti_system_get(p->system, sizeof *b + bytes);
    if (!b) return NULL;
    b->bytes = sizeof *b + bytes;
    b->next = p->blocks;
    p->blocks = b;
    return (char *)(b + 1);
}

static void *new_block(gti_pool *p, size_t bytes)
{
    if (bytes > SMALL) return from_system(p, bytes);
    if ((size_t)(p->slab_end - p->slab) < bytes) {
        char *slab = from_system(p, SLAB_BYTES);
        if (!slab) return NULL;
        p->slab = slab;
        p->slab_end = slab + SLAB_BYTES;
    }
    void *block = p->slab;
    p->slab += bytes;
    return block;
}

void *gti_pool_get(gti_pool *p, size_t bytes, int *size_class)
{
    const int k = gti_pool_class_of(bytes);
    if (k >= GTI_POOL_CLASSES) return NULL;
    const size_t size = gti_pool_class_bytes(k);
    void *block = p->free[k];
    if (block) {
        UNPOISON(block, size);
        p->free[k] = *(void **)block;
    } else {
        block = new_block(p, size);
        if (!block) return NULL;
    }
    p->live += size;
    if (p->live > p->peak) p->peak = p->live;
    *size_class = k;
    return block;
}

void gti_pool_put(gti_pool *p, void *block, int size_class)
{
    const size_t size = gti_pool_class_bytes(size_class);
#ifdef GT_DEBUG
    memset(block, 0xff, size); /* every float a NaN */
#endif
    *(void **)block = p->free[size_class];
    p->free[size_class] = block;
    p->live -= size;
    POISON((char *)block + sizeof(void *), size - sizeof(void *));
}

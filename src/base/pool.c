#include "base/pool.h"

enum { GRAIN = 64, SLAB_BYTES = 1 << 20, SMALL = 1 << 16 };

/* Stands in front of every block from the system. */
struct gti_pool_block {
    gti_pool_block *next;
    size_t bytes;
    char pad[GRAIN - sizeof(void *) - sizeof(size_t)];
};
_Static_assert(sizeof(gti_pool_block) == GRAIN, "data behind it must stay aligned");

void gti_pool_open(gti_pool *p, gti_system *system)
{
    *p = (gti_pool){.system = system};
    for (int k = 0; k < GTI_POOL_CLASSES; k++) p->bytes[k] = gti_pool_class_bytes(k);
}

void gti_pool_close(gti_pool *p)
{
    for (gti_pool_block *b = p->blocks, *next; b; b = next) {
        next = b->next;
        GTI_UNPOISON(b, b->bytes);
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

void *gti_pool_new_block_(gti_pool *p, size_t bytes)
{
    if (bytes > SMALL) {
        char *block = from_system(p, bytes);
        if (block) gti_system_make_pages(block, bytes);
        return block;
    }
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

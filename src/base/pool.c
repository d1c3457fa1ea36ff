#include "base/pool.h"

/* Blocks are small, middling or the system's. Pages for small ones are made some at a time, ahead.
 * Middling ones lie side by side in huge pages, which the system fills some times as fast as small
 * pages and the processor reads up to 1.7 times as fast; where accesses are checked, apart. */
enum { GRAIN = 64, SMALL = 1 << 16, AHEAD = 1 << 17, SMALL_SLAB = 1 << 20 };
#ifdef GT_DEBUG
enum { MIDDLE = SMALL };
#else
enum { MIDDLE = 4 << 20 };
#endif

/* Arrays that are gone through together must not begin at one place of their pages: their lines
 * would share sets of the first cache. AMD's processors also tell the lines of a set apart by a
 * hash of their address in which bits cancel (17 and 22 and the like, 4 MB less 1/32): one throws
 * the other out. So each block begins 17 of a page's 64 lines behind the last one, and four lie as
 * far from each other as they can. */
enum { PAGE = 1 << 12, SHIFT = 17 * GRAIN };

/* Two of the largest, or as many others as fit; with its header and shift whole huge pages. */
enum { MIDDLE_SLAB = (10 << 20) - PAGE };

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

static char *from_system(gti_pool *p, size_t shift, size_t bytes)
{
    gti_pool_block *b = gti_system_get(p->system, sizeof *b + shift + bytes);
    if (!b) return NULL;
    b->bytes = sizeof *b + shift + bytes;
    b->next = p->blocks;
    p->blocks = b;
    return (char *)(b + 1) + shift;
}

static char *cut(gti_pool *p, gti_pool_slab *slab, size_t shift, size_t slab_bytes, size_t bytes)
{
    if ((size_t)(slab->end - slab->begin) < bytes) {
        char *begin = from_system(p, shift, slab_bytes);
        if (!begin) return NULL;
        *slab = (gti_pool_slab){begin, begin + slab_bytes, begin};
    }
    slab->begin += bytes;
    return slab->begin - bytes;
}

static char *cut_small(gti_pool *p, size_t bytes)
{
    _Static_assert(AHEAD >= SMALL && SMALL_SLAB % AHEAD == 0, "one step makes room for any block");
    gti_pool_slab *const slab = &p->small;
    char *block = cut(p, slab, 0, SMALL_SLAB, bytes);
    if (slab->begin > slab->made) {
        gti_system_make_pages(slab->made, AHEAD);
        slab->made += AHEAD;
    }
    return block;
}

void *gti_pool_new_block_(gti_pool *p, size_t bytes)
{
    if (bytes <= SMALL) return cut_small(p, bytes);
    p->shift = (p->shift + SHIFT) % PAGE;
    char *block = bytes <= MIDDLE ? cut(p, &p->middle, p->shift, MIDDLE_SLAB, bytes + SHIFT)
                                  : from_system(p, p->shift, bytes);
    if (block) gti_system_make_pages(block, bytes);
    return block;
}

/* As far as anybody's vector reaches. */
static size_t fence_bytes(const gti_pool *p, size_t bytes, int size_class)
{
#ifdef GTI_POISONS
    (void)p, (void)bytes, (void)size_class;
    return 0;
#else
    enum { MOST = 1024 };
    const size_t beyond = p->bytes[size_class] - bytes;
    return beyond < MOST ? beyond : MOST;
#endif
}

void gti_pool_fence(const gti_pool *p, void *block, size_t bytes, int size_class)
{
    memset((char *)block + bytes, 0xff, fence_bytes(p, bytes, size_class));
}

bool gti_pool_is_whole(const gti_pool *p, const void *block, size_t bytes, int size_class)
{
    const unsigned char *const beyond = (const unsigned char *)block + bytes;
    const size_t n = fence_bytes(p, bytes, size_class);
    size_t i = 0;
    while (i < n && beyond[i] == 0xff) i++;
    return i == n;
}

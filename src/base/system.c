#define _DEFAULT_SOURCE
#include "base/system.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { GRAIN = 64, PAGE = 4096, HUGE_PAGE = 2 << 20 };

static size_t round_up(size_t bytes, size_t grain)
{
    return (bytes + grain - 1) / grain * grain;
}

void *gti_system_get(gti_system *s, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    const size_t grain = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : GRAIN;
    const size_t size = round_up(bytes ? bytes : 1, grain);
    s->mallocs++;
    void *block = aligned_alloc(grain, size);
    if (!block) return NULL;
#ifdef MADV_HUGEPAGE
    if (grain == HUGE_PAGE) madvise(block, size, MADV_HUGEPAGE);
#endif
    s->bytes += round_up(bytes, GRAIN);
    return block;
}

void gti_system_make_pages(void *block, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    const size_t from = round_up((size_t)(uintptr_t)block, PAGE) - (size_t)(uintptr_t)block;
    if (from < bytes && bytes < 2 * HUGE_PAGE)
        madvise((char *)block + from, bytes - from, MADV_POPULATE_WRITE);
#else
    (void)block, (void)bytes;
#endif
}

void gti_system_put(gti_system *s, void *block, size_t bytes)
{
    if (!block) return;
    s->bytes -= round_up(bytes, GRAIN);
    free(block);
}

#ifdef GT_DEBUG
bool gti_system_memory_fails(void)
{
    return false;
}
#endif

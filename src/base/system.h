/* Memory from the system, counted. */
#ifndef GTI_BASE_SYSTEM_H
#define GTI_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t mallocs; /* calls to the system's allocator */
    uint64_t bytes;   /* held now */
} gti_system;

/* 64-byte aligned memory of `bytes` rounded up to 64, NULL when there is none. Large blocks ask for
 * huge pages. */
void *gti_system_get(gti_system *s, size_t bytes);
/* Makes the pages of a block that is to be written from end to end, in one call instead of a fault
 * each; advice, which a system need not know. Huge pages come one by one. */
void gti_system_make_pages(void *block, size_t bytes);
void gti_system_put(gti_system *s, void *block, size_t bytes);

/* Whether this request to a pool or an arena is to fail, although there is memory. Never; tests
 * link a function of their own in its place (tests/faults.c). Only debug builds ask. */
#ifdef GT_DEBUG
bool gti_system_memory_fails(void);
#else
static inline bool gti_system_memory_fails(void)
{
    return false;
}
#endif

#endif

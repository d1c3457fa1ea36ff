/* Tensor data: blocks of a few dozen size classes, 64-byte aligned, that go round without the
 * system's allocator. */
#ifndef GTI_BASE_POOL_H
#define GTI_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/system.h"

/* Sixteen classes a power of two, so that at most a sixteenth of a large block is wasted; class k
 * holds gti_pool_class_bytes(k). Below 1 KiB every multiple of 64 is one. */
#define GTI_POOL_CLASSES 592

typedef struct gti_pool_block gti_pool_block;

/* What is left of the memory that blocks of a kind are cut from. */
typedef struct {
    char *begin, *end;
    char *made; /* where the pages end that were made ahead */
} gti_pool_slab;

typedef struct {
    gti_system *system;
    void *free[GTI_POOL_CLASSES];   /* free blocks of a class, linked through their first word */
    size_t bytes[GTI_POOL_CLASSES]; /* of a block of the class */
    gti_pool_slab small, middle;
    gti_pool_block *blocks; /* all that came from the system */
    size_t shift;           /* of the last large block in its page */
    uint64_t live, peak;    /* bytes handed out, and the most of it */
} gti_pool;

void gti_pool_open(gti_pool *p, gti_system *system);
void gti_pool_close(gti_pool *p);

void *gti_pool_new_block_(gti_pool *p, size_t bytes);

/* Fills what a block has beyond the bytes asked for with NaN, for gti_pool_is_whole to see whether
 * somebody wrote there. Where accesses are checked nobody can, and nothing is filled. */
void gti_pool_fence(const gti_pool *p, void *block, size_t bytes, int size_class);
bool gti_pool_is_whole(const gti_pool *p, const void *block, size_t bytes, int size_class);

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define GTI_POISONS
#define GTI_POISON(p, n) __asan_poison_memory_region(p, n)
#define GTI_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define GTI_POISON(p, n) ((void)0)
#define GTI_UNPOISON(p, n) ((void)0)
#endif

static inline int gti_pool_class_of(size_t bytes)
{
    if (bytes <= 1024) return bytes ? (int)((bytes - 1) / 64) : 0;
    bytes--;
    const int top = 63 - __builtin_clzll(bytes); /* bytes has top + 1 binary digits */
    return (top - 9) * 16 + (int)(bytes >> (top - 4) & 15);
}

static inline size_t gti_pool_class_bytes(int k)
{
    return k < 16 ? (size_t)(k + 1) * 64 : (size_t)(17 + k % 16) << (k / 16 + 5);
}

/* A block of at least `bytes`, NULL when there is none; *size_class is for putting it back. What
 * the block has beyond them is nobody's, which is seen where accesses are checked. */
static inline void *gti_pool_get(gti_pool *p, size_t bytes, int *size_class)
{
    const int k = gti_pool_class_of(bytes);
    if (k >= GTI_POOL_CLASSES || gti_system_memory_fails()) return NULL;
    void *block = p->free[k];
    if (block) {
        p->free[k] = *(void **)block;
    } else {
        block = gti_pool_new_block_(p, p->bytes[k]);
        if (!block) return NULL;
    }
    GTI_UNPOISON(block, bytes);
    GTI_POISON((char *)block + bytes, p->bytes[k] - bytes);
    p->live += p->bytes[k];
    if (p->live > p->peak) p->peak = p->live;
    *size_class = k;
    return block;
}

static inline void gti_pool_put(gti_pool *p, void *block, int size_class)
{
    GTI_UNPOISON(block, p->bytes[size_class]);
#ifdef GT_DEBUG
    memset(block, 0xff, p->bytes[size_class]); /* every float a NaN */
#endif
    *(void **)block = p->free[size_class];
    p->free[size_class] = block;
    p->live -= p->bytes[size_class];
    GTI_POISON((char *)block + sizeof(void *), p->bytes[size_class] - sizeof(void *));
}

#endif

/* All of a safetensors file's data at once, before anything is changed by it: mapped, or read. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "io/io.h"

enum { HUGE_PAGE = 2 << 20, MAPPED = 1 << 20 };

/* --- mapping --- */

#if defined F_SETLEASE && defined MADV_POPULATE_READ
/* Whoever reads a mapped file that somebody else cuts off is killed. A lease makes others wait who
 * want to write there; it is given to the file's owner, if nobody has the file open for writing and
 * the file system has leases. That somebody waits is told by a signal, so it is one that does
 * nothing. */
static bool lease(int fd, size_t size)
{
    struct stat st;
    return fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0 &&
           fstat(fd, &st) == 0 && (uintmax_t)st.st_size >= size;
}

/* With its pages there, so that no error of the disk is left to come. */
static bool map(gti_st *s)
{
    const size_t size = (size_t)(s->data + s->size);
    if (s->size < MAPPED || !lease(s->fd, size)) return false;
    uint8_t *all = mmap(NULL, size, PROT_READ, MAP_PRIVATE, s->fd, 0);
    if (all == MAP_FAILED) return false;
    if (madvise(all, size, MADV_POPULATE_READ) != 0) {
        munmap(all, size);
        return false;
    }
    s->bytes = all + s->data;
    s->mapped = size;
    return true;
}

static void unmap(const gti_st *s)
{
    munmap(s->bytes - s->data, s->mapped);
    fcntl(s->fd, F_SETLEASE, F_UNLCK);
}
#else
static bool map(gti_st *s)
{
    (void)s;
    return false;
}

static void unmap(const gti_st *s)
{
    (void)s;
}
#endif

/* --- reading --- */

/* Written once and read once, which is less work than a fault for each small page. */
static uint8_t *new_bytes(size_t size)
{
    if (size < 2 * HUGE_PAGE) return malloc(size + 1);
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *bytes = aligned_alloc(HUGE_PAGE, size);
#ifdef MADV_HUGEPAGE
    if (bytes) madvise(bytes, size, MADV_HUGEPAGE);
#endif
    return bytes;
}

bool gti_st_fetch(gti_st *s)
{
    const bool fits = (uint64_t)(s->data + s->size) <= SIZE_MAX / 2;
    if (fits && map(s)) return true;
    uint8_t *bytes = fits ? new_bytes((size_t)s->size) : NULL;
    if (!bytes) return gti_st_fail(s, GT_ERR_MEMORY, "cannot be read: out of memory");
    const bool ok = gti_st_read_at(s, bytes, s->size, s->data);
    if (ok) s->bytes = bytes;
    else free(bytes);
    return ok;
}

void gti_st_drop(gti_st *s)
{
    if (s->mapped) unmap(s);
    else free(s->bytes);
    s->bytes = NULL;
    s->mapped = 0;
}

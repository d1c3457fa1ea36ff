/* Files that appear whole or not at all.
 *
 * Written under a name of their own in the folder that they will be in, forced to the disk, renamed
 * to their own name, which replaces an older file in one step; then the folder is forced to the
 * disk. Whoever opens the name finds the old file or the new one, also after a power cut. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/io.h"

enum { BUFFER = 1 << 16, STEP = 8 << 20 };

struct gt_file {
    gt_ctx *gt;
    const char *what;
    char *path;      /* as the caller has it, for messages */
    char *target;    /* with links followed */
    char *temporary; /* what is written now; NULL: nothing yet */
    int fd, lock;    /* the second stays open until the file has its name: temporary.c says why */
    gt_status status;
    gt_span span;     /* from here to its end */
    uint64_t written; /* by now */
    size_t used;
    char buffer[BUFFER];
};

static gt_status fail(gt_file *f, gt_status status, const char *why)
{
    f->status = status;
    return gt_fail(f->gt, status, f->what, "'%s' cannot be written: %s", f->path, why);
}

/* For the reason in errno. */
static gt_status fail_call(gt_file *f)
{
    return fail(f, gt_status_of_errno(errno), strerror(errno));
}

/* --- making --- */

static void free_file(gt_file *f)
{
    gt_span_end(f->gt, f->span);
    if (f->fd >= 0) close(f->fd);
    if (f->lock >= 0) close(f->lock);
    free(f->path);
    free(f->target);
    free(f->temporary);
    free(f);
}

/* The length of the folder in path, with its slash. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash + 1 - path) : 0;
}

static bool open_temporary(gt_file *f)
{
    f->fd = gti_temporary_open(f->target, folder_length(f->target), &f->temporary);
    if (f->fd >= 0) f->lock = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return f->lock >= 0;
}

/* A file that is replaced hands its permissions on. Replacing anything but a file would take a
 * device or a pipe away from the system, or a link from where it will lead. */
static bool begin(gt_file *f)
{
    struct stat old, link;
    const bool exists = stat(f->path, &old) == 0;
    if (!exists && errno != ENOENT) return fail_call(f), false;
    const char *why = exists && !S_ISREG(old.st_mode)         ? "it is no regular file"
                      : !exists && lstat(f->path, &link) == 0 ? "it is a link that leads nowhere"
                                                              : NULL;
    if (why) return fail(f, GT_ERR_IO, why), false;
    f->target = exists ? realpath(f->path, NULL) : strdup(f->path);
    if (!f->target || !open_temporary(f) || (exists && fchmod(f->fd, old.st_mode & 07777) != 0))
        fail_call(f);
    return f->status == GT_OK;
}

gt_file *gt_file_create_for(gt_ctx *gt, const char *what, const char *path)
{
    if (!gti_io_ready(gt, what, path)) return NULL;
    gt_file *f = malloc(sizeof *f);
    char *copy = strdup(path);
    if (!f || !copy) {
        free(f);
        free(copy);
        gt_fail(gt, GT_ERR_MEMORY, what, "out of memory for '%s'", path);
        return NULL;
    }
    f->gt = gt;
    f->what = what;
    f->path = copy;
    f->target = f->temporary = NULL;
    f->fd = f->lock = -1;
    f->status = GT_OK;
    f->span = gt_span_begin(gt, what);
    f->written = 0;
    f->used = 0;
    if (begin(f)) return f;
    gt_file_discard(f);
    return NULL;
}

gt_file *gt_file_create(gt_ctx *gt, const char *path)
{
    return gt_file_create_for(gt, "gt_file_create", path);
}

/* --- writing --- */

/* Has the disk begin with what there is, where a system can; the end waits for it all. That is done
 * behind each STEP of the file: at odd places the system's cache would have it in smaller pages. */
static void hand_on(const gt_file *f)
{
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)f;
#endif
}

static gt_status put(gt_file *f, const char *from, size_t n)
{
    while (n && f->status == GT_OK) {
        const size_t most = STEP - (size_t)(f->written % STEP);
        const ssize_t done = write(f->fd, from, n < most ? n : most);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_call(f);
        if (done == 0) return fail(f, GT_ERR_IO, "the system takes no bytes");
        f->written += (uint64_t)done;
        if (f->written % STEP == 0) hand_on(f);
        from += done;
        n -= (size_t)done;
    }
    return f->status;
}

static gt_status flush(gt_file *f)
{
    const size_t n = f->used;
    f->used = 0;
    return put(f, f->buffer, n);
}

gt_status gt_file_write(gt_file *f, const void *data, size_t size)
{
    if (!f) return GT_ERR_ARGUMENT;
    if (f->status != GT_OK) return f->status;
    if (size > BUFFER - f->used && flush(f) != GT_OK) return f->status;
    if (size > BUFFER) return put(f, data, size);
    if (size) memcpy(f->buffer + f->used, data, size);
    f->used += size;
    return GT_OK;
}

gt_status gt_file_printf(gt_file *f, const char *fmt, ...)
{
    if (!f) return GT_ERR_ARGUMENT;
    char small[256], *large = NULL;
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = gt_vsnprintf(small, sizeof small, fmt, args);
    if (n >= (int)sizeof small && (large = malloc((size_t)n + 1)))
        gt_vsnprintf(large, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    const bool ok = n >= 0 && (n < (int)sizeof small || large);
    const gt_status status = ok ? gt_file_write(f, large ? large : small, (size_t)n)
                                : fail(f, GT_ERR_MEMORY, "out of memory");
    free(large);
    return status;
}

/* --- ending --- */

/* A call that is interrupted is made again. */
static int sync_file(int fd)
{
    int status;
    while ((status = fsync(fd)) != 0 && errno == EINTR) {}
    return status;
}

/* Not every file system can; that is no failure. */
static bool sync_folder(const gt_file *f)
{
    const size_t n = folder_length(f->target);
    char *folder = n ? strndup(f->target, n) : strdup(".");
    const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0) return true;
    const bool ok = sync_file(fd) == 0 || errno != EIO;
    const int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static gt_status finish(gt_file *f)
{
    if (flush(f) != GT_OK) return f->status;
    const int fd = f->fd;
    if (sync_file(fd) != 0 && errno != EINVAL) return fail_call(f);
    f->fd = -1;
    if (close(fd) != 0 && errno != EINTR) return fail_call(f);
    if (rename(f->temporary, f->target) != 0) return fail_call(f);
    free(f->temporary);
    f->temporary = NULL;
    return sync_folder(f) ? GT_OK : fail_call(f);
}

void gt_file_discard(gt_file *f)
{
    if (!f) return;
    if (f->temporary) unlink(f->temporary);
    free_file(f);
}

gt_status gti_file_commit(gt_file *f)
{
    const gt_status status = finish(f);
    gt_file_discard(f);
    return status;
}

gt_status gt_file_commit(gt_file *f)
{
    if (!f) return gt_fail(NULL, GT_ERR_ARGUMENT, "gt_file_commit", "the file is NULL");
    return gti_file_commit(f);
}

/* Bytes of files. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/model.h"

/* size bytes from offset on; false with errno, 0 where the file is too short. */
static bool read_at(int fd, uint8_t *to, int64_t size, int64_t offset)
{
    while (size > 0) {
        const int64_t most = 1 << 30;
        const ssize_t got = pread(fd, to, (size_t)(size < most ? size : most), (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return errno = got < 0 ? errno : 0, false;
        to += got;
        size -= got;
        offset += got;
    }
    return true;
}

static int open_file(const char *path, struct stat *st)
{
    int fd;
    do fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return fd;
    const int why = fstat(fd, st) != 0 ? errno : S_ISREG(st->st_mode) ? 0 : EISDIR;
    if (!why) return fd;
    close(fd);
    errno = why;
    return -1;
}

uint8_t *gti_file_part(const char *path, int64_t offset, int64_t *size)
{
    struct stat st = {0};
    const int fd = open_file(path, &st);
    if (fd < 0) return NULL;
    if (*size < 0) *size = (int64_t)st.st_size - offset;
    const bool fits = *size >= 0 && *size <= (int64_t)st.st_size - offset;
    uint8_t *bytes = fits ? malloc((size_t)*size + 1) : NULL;
    int why = fits ? ENOMEM : 0;
    if (bytes && !read_at(fd, bytes, *size, offset)) {
        why = errno;
        free(bytes);
        bytes = NULL;
    }
    close(fd);
    errno = why;
    return bytes;
}

uint8_t *gti_file_all(gt_ctx *gt, const char *what, const char *path, size_t *size)
{
    int64_t n = -1;
    uint8_t *bytes = gti_file_part(path, 0, &n);
    *size = (size_t)n;
    if (!bytes)
        gt_fail(gt, errno ? gt_status_of_errno(errno) : GT_ERR_FORMAT, what, "%s: %s", path,
                errno == EISDIR ? "it is no regular file"
                : errno         ? strerror(errno)
                                : "has become shorter while it was read");
    return bytes;
}

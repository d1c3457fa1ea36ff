/* Files under a name of their own while they are written: ".gradtape-HEX.tmp", 16 random digits, in
 * the folder that they will be in.
 *
 * A process that is killed leaves its file behind. So that these do not gather, whoever begins a
 * file removes those beside it that nobody writes any more. A file that is written is locked, which
 * ends with its process, however that ends; so what can be locked is nobody's. Where the file
 * system has no locks, nothing can be, and all stay. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/io.h"

enum { DIGITS = 16, NAME = 40, TRIES = 100, LOOKED_AT = 1000 };
static const char before[] = ".gradtape-", behind[] = ".tmp";

/* --- names --- */

/* SplitMix64 of what differs between processes, moments and files. Two that are alike all the same
 * are told apart when they are opened. */
static uint64_t random_bits(const void *place, int attempt)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t z = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    z ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)place << 16;
    z += (uint64_t)(attempt + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool is_ours(const char *name)
{
    const size_t n = sizeof before - 1;
    if (strncmp(name, before, n) != 0) return false;
    return strspn(name + n, "0123456789abcdef") == DIGITS && !strcmp(name + n + DIGITS, behind);
}

/* --- removing what was left behind --- */

static void remove_unlocked(const char *path)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(path);
    close(fd);
}

/* path has room for a name behind its first `folder` bytes. In a folder of very many files only
 * some are looked at. */
static void clean(char *path, size_t folder)
{
    memcpy(path + folder, folder ? "" : ".", folder ? 1 : 2);
    DIR *dir = opendir(path);
    for (int i = 0; dir && i < LOOKED_AT; i++) {
        const struct dirent *e = readdir(dir);
        if (!e) break;
        if (!is_ours(e->d_name)) continue;
        memcpy(path + folder, e->d_name, strlen(e->d_name) + 1);
        remove_unlocked(path);
    }
    if (dir) closedir(dir);
}

/* --- opening --- */

/* Whether the file is ours. Another process may have taken it, between its opening and its locking,
 * for one that was left behind. */
static bool claim(int fd)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(fd, &st) != 0 || st.st_nlink > 0;
}

int gti_temporary_open(const char *target, size_t folder, char **name)
{
    char *path = malloc(folder + NAME);
    if (!path) return -1;
    memcpy(path, target, folder);
    clean(path, folder);
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++) {
        snprintf(path + folder, NAME, "%s%016llx%s", before,
                 (unsigned long long)random_bits(path, i), behind);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST && errno != EINTR) break;
        if (fd < 0 || claim(fd)) continue;
        close(fd);
        fd = -1;
    }
    if (fd >= 0) {
        *name = path;
        return fd;
    }
    const int why = errno;
    free(path);
    errno = why;
    return -1;
}

/* Calls that fail on purpose; faults.h says how. */
#define _GNU_SOURCE
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the plan --- */

static struct {
    fault_kind kind;
    bool onwards;
    int error;
    uint64_t at;
} plan;
static atomic_uint_least64_t calls;
static uint64_t failed, programs;

void faults_arm(fault_kind kind, uint64_t at, bool onwards, int error)
{
    plan.at = at;
    plan.onwards = onwards;
    plan.error = error;
    calls = 0;
    plan.kind = kind;
}

uint64_t faults_disarm(void)
{
    plan.kind = FAULT_NONE;
    return calls;
}

static bool hit(fault_kind kind)
{
    if (plan.kind != kind) return false;
    const uint64_t n = ++calls;
    if (n != plan.at && !(plan.onwards && n > plan.at)) return false;
    errno = kind == FAULT_MEMORY ? ENOMEM : plan.error;
    return true;
}

static bool whole(void)
{
    const char *mode = getenv("GRADTAPE_FAULTS");
    return mode && !strcmp(mode, "whole");
}

/* Of a bounded sweep: the first calls one by one, and then about as many again, others in each
 * program. */
enum { FIRST = 20 };

fault_sweep faults_sweep_begin(fault_kind kind, bool onwards, int error, uint64_t n)
{
    const uint64_t step = whole() || n < 2 * FIRST ? 1 : n / FIRST;
    return (fault_sweep){.kind = kind, .onwards = onwards, .error = error, .step = step};
}

bool faults_sweep_next(fault_sweep *s)
{
    if (s->met < s->at) return false;
    if (s->at < FIRST) s->at++;
    else if (s->at == FIRST) s->at += 1 + programs % s->step;
    else s->at += s->step;
    faults_arm(s->kind, s->at, s->onwards, s->error);
    return true;
}

bool faults_sweep_hit(fault_sweep *s)
{
    s->met = faults_disarm();
    failed += s->met >= s->at;
    return s->met >= s->at;
}

void faults_count_program(void)
{
    programs++;
}

void faults_print(const char *title)
{
    print_message("%s: %llu calls failed in %llu programs\n", title, (unsigned long long)failed,
                  (unsigned long long)programs);
    failed = programs = 0;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
void faults_check_leaks(const char *program)
{
    if (__lsan_do_recoverable_leak_check()) fail_msg("%s leaks", program);
}
#else
void faults_check_leaks(const char *program)
{
    (void)program;
}
#endif

/* --- the calls: __wrap_f stands in for f, which is __real_f. A row: result, name, parameters,
 * arguments, what a failure returns --- */

#define WRAP(kind, type, name, parameters, arguments, failure)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return hit(kind) ? (failure) : __real_##name arguments;                                    \
    }

WRAP(FAULT_MEMORY, void *, malloc, (size_t n), (n), NULL)
WRAP(FAULT_MEMORY, void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(FAULT_MEMORY, void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(FAULT_MEMORY, void *, aligned_alloc, (size_t grain, size_t n), (grain, n), NULL)
WRAP(FAULT_MEMORY, char *, strdup, (const char *s), (s), NULL)
WRAP(FAULT_MEMORY, char *, strndup, (const char *s, size_t n), (s, n), NULL)
WRAP(FAULT_MEMORY, int, pthread_create,
     (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *user), (t, a, f, user),
     EAGAIN)
#ifdef GT_DEBUG
WRAP(FAULT_MEMORY, bool, gti_system_memory_fails, (void), (), true)
#endif

WRAP(FAULT_FILES, int, close, (int fd), (fd), (__real_close(fd), errno = plan.error, -1))
WRAP(FAULT_FILES, int, ftruncate, (int fd, off_t n), (fd, n), -1)
WRAP(FAULT_FILES, int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(FAULT_FILES, int, fstat, (int fd, struct stat *to), (fd, to), -1)
WRAP(FAULT_FILES, int, stat, (const char *path, struct stat *to), (path, to), -1)
WRAP(FAULT_FILES, int, lstat, (const char *path, struct stat *to), (path, to), -1)
WRAP(FAULT_FILES, int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP(FAULT_FILES, int, rename, (const char *from, const char *to), (from, to), -1)
WRAP(FAULT_FILES, DIR *, opendir, (const char *path), (path), NULL)
WRAP(FAULT_FILES, struct dirent *, readdir, (DIR * dir), (dir), NULL)
WRAP(FAULT_FILES, int, mkstemp, (char *path), (path), -1)
WRAP(FAULT_FILES, int, posix_spawnp,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]),
     (pid, file, actions, attributes, argv, envp), plan.error)
WRAP(FAULT_FILES, FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)

/* Nothing here needs to reach the disk. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return hit(FAULT_FILES) ? -1 : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode)
{
    return hit(FAULT_FILES) ? -1 : __real_open(path, flags, mode);
}

/* In memory as well as of files. */
char *__real_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to)
{
    return hit(FAULT_FILES) || hit(FAULT_MEMORY) ? NULL : __real_realpath(path, to);
}

/* Moving bytes may also stop early. */
#define WRAP_MOVE(name, parameters, few, all)                                                      \
    ssize_t __real_##name parameters;                                                              \
    ssize_t __wrap_##name parameters;                                                              \
    ssize_t __wrap_##name parameters                                                               \
    {                                                                                              \
        if (hit(FAULT_FILES)) return -1;                                                           \
        return n > 1 && hit(FAULT_SHORT) ? __real_##name few : __real_##name all;                  \
    }
WRAP_MOVE(read, (int fd, void *to, size_t n), (fd, to, 1), (fd, to, n))
WRAP_MOVE(write, (int fd, const void *from, size_t n), (fd, from, 1), (fd, from, n))
WRAP_MOVE(pread, (int fd, void *to, size_t n, off_t at), (fd, to, 1, at), (fd, to, n, at))

/* --- streams: a stream over another one, unbuffered, whose calls can fail --- */

static ssize_t stream_read(void *inner, char *to, size_t n)
{
    if (hit(FAULT_FILES)) return -1;
    return (ssize_t)fread(to, 1, n > 1 && hit(FAULT_SHORT) ? 1 : n, inner);
}

/* A stream takes a write of few bytes for a failure, so it makes no sense to try that. */
static ssize_t stream_write(void *inner, const char *from, size_t n)
{
    return hit(FAULT_FILES) ? 0 : (ssize_t)fwrite(from, 1, n, inner);
}

static int stream_seek(void *inner, off64_t *at, int whence)
{
    if (hit(FAULT_FILES) || fseeko(inner, (off_t)*at, whence) != 0) return -1;
    *at = ftello(inner);
    return 0;
}

static int stream_close(void *inner)
{
    const bool fails = hit(FAULT_FILES);
    const int error = errno, status = fclose(inner);
    if (fails) errno = error;
    return fails ? EOF : status;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (hit(FAULT_FILES) || hit(FAULT_MEMORY)) return NULL;
    FILE *inner = __real_fopen(path, mode);
    if (!inner) return NULL;
    setvbuf(inner, NULL, _IONBF, 0);
    const cookie_io_functions_t calls_of = {stream_read, stream_write, stream_seek, stream_close};
    FILE *f = fopencookie(inner, mode, calls_of);
    if (!f) fclose(inner);
    return f;
}

/* For tests that write files: a folder of their own, below the build's. Include behind cmocka.h;
 * needs _POSIX_C_SOURCE. */
#ifndef GT_TESTS_FILES_H
#define GT_TESTS_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef GT_WITH_ZLIB
#include <zlib.h>
#endif

enum { FILE_MOST = 1 << 16 };

/* "BUILD/test_files.PID/name", in one of four buffers in turn; folders on the way are made. */
static inline const char *scratch(const char *name)
{
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/test_files.%ld/%s", GT_BINARY_DIR, (long)getpid(), name);
    for (char *p = path + strlen(GT_BINARY_DIR) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
    return path;
}

static inline int remove_scratch(void **state)
{
    (void)state;
    char command[1200];
    snprintf(command, sizeof command, "rm -rf '%s/test_files.%ld'", GT_BINARY_DIR, (long)getpid());
    return system(command);
}

/* A file that is written anew, rather than over an old one, costs no wait for the disk. */
static inline void write_file(const char *path, const void *bytes, size_t n)
{
    remove(path);
    FILE *f = fopen(path, "wb");
    if (!f) fail_msg("%s cannot be written", path);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* The bytes of a small file, in a buffer that the next call overwrites. */
static inline const unsigned char *slurp(const char *path, size_t *n)
{
    static unsigned char bytes[FILE_MOST];
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s is not there", path);
    *n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

/* tests/files/name */
static inline const char *fixture(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/tests/files/%s", GT_SOURCE_DIR, name);
    return path;
}

#ifdef GT_WITH_ZLIB
/* Writes n bytes gzipped. */
static inline void write_gz(const char *path, const void *bytes, size_t n)
{
    gzFile f = gzopen(path, "wb9");
    assert_non_null(f);
    if (n) assert_int_equal(gzwrite(f, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}
#endif

#endif

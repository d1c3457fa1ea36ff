/* For tests that write files; include behind support.h. Needs _POSIX_C_SOURCE. */
#ifndef GT_TESTS_IO_SUPPORT_H
#define GT_TESTS_IO_SUPPORT_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

/* A folder of the test's own, and a file in it that most tests write. */
static char folder[256], file[320];

static inline void enter_folder(void)
{
    snprintf(folder, sizeof folder, "%s/io-XXXXXX", GT_BINARY_DIR);
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file.safetensors", folder);
}

/* How many files are in the folder, hidden ones included; removes them if asked to. */
static inline int count_files(bool remove_them)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[600];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (remove_them) remove(path);
        n++;
    }
    closedir(dir);
    return n;
}

static inline int make_folder(void **state)
{
    (void)state;
    enter_folder();
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    count_files(true);
    return rmdir(folder);
}

/* A new file each time: some file systems bring one that is overwritten to the disk at once. */
static inline void write_bytes(const char *path, const void *bytes, size_t n)
{
    remove(path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Set-up and tear-down: a folder and a context. */
static inline int open_all(void **state)
{
    return make_folder(state) || open_context(state);
}

static inline int close_all(void **state)
{
    return close_context(state) || remove_folder(state);
}
#define IO_TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

/* All of a file, to be freed. */
static inline unsigned char *read_bytes(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    unsigned char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

/* Writes a safetensors file of this header and `data` bytes. */
static inline void write_header(const char *path, const char *header, size_t length, size_t data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++) fputc((int)(length >> 8 * i & 255), f);
    fwrite(header, 1, length, f);
    for (size_t i = 0; i < data; i++) fputc((int)(i & 63), f);
    assert_int_equal(fclose(f), 0);
}

#endif

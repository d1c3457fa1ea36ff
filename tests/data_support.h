/* For tests of readers of files: hostile files, and a cap on memory. Needs _POSIX_C_SOURCE. */
#ifndef GT_TESTS_DATA_SUPPORT_H
#define GT_TESTS_DATA_SUPPORT_H

#include "support.h"

#include "files.h"
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* Caps the address space a little above what is used now, so that an allocation by a false claim
 * fails with another code than the one the table wants. */
static inline void cap_memory(bool on)
{
#ifndef SANITIZED
    static struct rlimit before;
    if (on) {
        long pages = 0;
        FILE *f = fopen("/proc/self/statm", "r");
        assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
        if (!f) return;
        assert_int_equal(fscanf(f, "%ld", &pages), 1);
        fclose(f);
        struct rlimit low = before;
        low.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64u << 20);
        setrlimit(RLIMIT_AS, &low);
    } else {
        setrlimit(RLIMIT_AS, &before);
    }
#else
    (void)on;
#endif
}

#define BYTES(...)                                                                                 \
    (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

typedef gt_tensor *(*data_reader)(gt_ctx *gt, const char *path);

/* Reads the first bytes of a file, as many as there may be: that is an error, unless no more than
 * the last `spare` bytes are missing. */
static inline void cut_file(gt_ctx *gt, const char *path, data_reader read, size_t spare)
{
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    const char *cut = scratch("cut");
    assert_in_range(n, 9, FILE_MOST - 1);
    for (size_t i = 0; i < n; i++) {
        write_file(cut, bytes, i);
        if (read(gt, cut)) {
            if (i + spare < n) fail_msg("%s was read from its first %zu of %zu bytes", path, i, n);
            continue;
        }
        if (gt_error_code(gt) != GT_ERR_FORMAT && gt_error_code(gt) != GT_ERR_UNSUPPORTED)
            fail_msg("%s cut to %zu: %s", path, i, gt_error_message(gt));
        assert_non_null(strstr(gt_error_message(gt), "cut"));
        gt_error_clear(gt);
    }
}

/* Reads n bytes: that works, or is an error by which the file is at fault. */
static inline void read_changed(gt_ctx *gt, const unsigned char *bytes, size_t n, data_reader read,
                                const char *path, size_t change)
{
    const char *changed = scratch("changed");
    write_file(changed, bytes, n);
    const bool ok = read(gt, changed);
    const gt_status code = gt_error_code(gt);
    if (!ok && code != GT_ERR_FORMAT && code != GT_ERR_UNSUPPORTED && code != GT_ERR_ARGUMENT)
        fail_msg("%s, change %zu: %s", path, change, gt_error_message(gt));
    gt_error_clear(gt);
}

/* Reads a file with each byte changed in turn, and with a thousand changes of a few bytes. */
static inline void change_file(gt_ctx *gt, const char *path, data_reader read)
{
    size_t n;
    unsigned char bytes[FILE_MOST], changed[FILE_MOST];
    memcpy(bytes, slurp(path, &n), FILE_MOST);
    for (size_t i = 0; i < 3 * n; i++) {
        const unsigned char values[] = {0, 255, (unsigned char)(bytes[i / 3] ^ 0x11)};
        memcpy(changed, bytes, n);
        changed[i / 3] = values[i % 3];
        read_changed(gt, changed, n, read, path, i);
    }
    uint32_t x = 1;
    for (size_t i = 0; i < 1000; i++) {
        memcpy(changed, bytes, n);
        for (size_t k = 0; k < 1 + i % 4; k++) {
            x = x * 1664525 + 1013904223;
            changed[(x >> 8) % n] = (unsigned char)(x >> 24);
        }
        read_changed(gt, changed, n, read, path, 3 * n + i);
    }
}

/* Both; what was read is dropped. */
static inline void cut_and_change(gt_ctx *gt, const char *path, data_reader read, size_t spare)
{
    const gt_mark start = gt_mark_tape(gt);
    char kept[1024];
    snprintf(kept, sizeof kept, "%s", path);
    cut_file(gt, kept, read, spare);
    change_file(gt, kept, read);
    gt_rewind(gt, start);
}

#endif

/* For tests of readers of files: a cap on memory. Needs _POSIX_C_SOURCE. */
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

#endif

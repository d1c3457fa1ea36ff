/* Copies that leave the caches alone. What is larger than they are would be gone from them before
 * it is read again, and written past them its lines need not be fetched first. */
#ifndef GTI_KERNELS_STREAM_H
#define GTI_KERNELS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernels/loop.h"

/* Bytes of an array from which it pays, and of a line of the caches. */
enum { GTI_STREAM_BYTES = 1 << 23, GTI_STREAM_LINE = 64 };

/* Whether it can be done here, for an array of so many bytes. */
static inline bool gti_streams(int64_t bytes)
{
#ifdef __SSE2__
    return bytes >= GTI_STREAM_BYTES;
#else
    (void)bytes;
    return false;
#endif
}

/* The same of results, which are made in a block that stays in the caches and copied from there:
 * 1.1 to 1.3 times as fast on Intel's processors, half as fast on AMD's (Zen 4), which are held up
 * where many lines are streamed at once and nothing is read meanwhile (but see
 * gti_stream_result). */
static inline bool gti_streams_results(int64_t bytes)
{
    return gti_streams(bytes) && !gti_is_amd();
}

/* Bytes of blocks in which elementwise results are made that are streamed by gti_stream_result; 0:
 * they are written as they come. On AMD's processors blocks are short, so that reading and
 * streaming take turns, and what the third cache may hold is left to it. */
enum { GTI_STREAM_RESULT_BLOCK = 1 << 13 };
static inline int64_t gti_stream_result_block(int64_t bytes, int inputs)
{
    enum { AMD_BYTES = 1 << 25, AMD_BLOCK = 1 << 12, AMD_BLOCK_OF_MANY = 1 << 10 };
    if (!gti_streams(bytes)) return 0;
    if (!gti_is_amd()) return GTI_STREAM_RESULT_BLOCK;
    return bytes < AMD_BYTES ? 0 : inputs > 1 ? AMD_BLOCK_OF_MANY : AMD_BLOCK;
}

/* y is aligned to 16 bytes, and bytes a multiple of 16. */
static inline void gti_stream_aligned(size_t bytes, const char *x, char *y)
{
#ifdef __SSE2__
    for (size_t i = 0; i < bytes; i += 16)
        _mm_stream_si128((__m128i *)(y + i), _mm_loadu_si128((const __m128i *)(x + i)));
#else
    memcpy(y, x, bytes);
#endif
}

/* Before others may see what was streamed. */
static inline void gti_stream_end(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}

static inline void gti_stream(size_t bytes, const char *x, char *y)
{
    const size_t to_line = -(uintptr_t)y % 64, head = to_line < bytes ? to_line : bytes;
    const size_t lines = (bytes - head) & ~(size_t)63;
    memcpy(y, x, head);
    gti_stream_aligned(lines, x + head, y + head);
    memcpy(y + head + lines, x + head + lines, bytes - head - lines);
}

/* The same of one of many rows, while as much is asked for of `next`, a row that comes a few KB
 * later and not behind this one: a line for each that is written, since many at once would hold up
 * what is streamed. */
static inline void gti_stream_row(size_t bytes, const char *x, const char *next, char *y)
{
    enum { LINE = GTI_STREAM_LINE };
    const size_t to_line = -(uintptr_t)y % LINE, head = to_line < bytes ? to_line : bytes;
    size_t done = head;
    memcpy(y, x, head);
    for (; bytes - done >= LINE; done += LINE) {
        __builtin_prefetch(next + done, 0, 1);
        gti_stream_aligned(LINE, x + done, y + done);
    }
    memcpy(y + done, x + done, bytes - done);
}

/* Where what is computed next will read: `at`, and `step` bytes for each line that is written. */
typedef struct {
    const char *at;
    int64_t step;
} gti_stream_next;

/* Results, while a line is asked for at each of n such places for each that is written: into the
 * first cache, since it is read at once. */
static inline void gti_stream_result(size_t bytes, const char *x, int n, gti_stream_next *next,
                                     char *y)
{
    enum { LINE = GTI_STREAM_LINE };
    const size_t to_line = -(uintptr_t)y % LINE, head = to_line < bytes ? to_line : bytes;
    size_t done = head;
    memcpy(y, x, head);
    for (; bytes - done >= LINE; done += LINE) {
        for (int i = 0; i < n; i++) {
            __builtin_prefetch(next[i].at, 0, 3);
            next[i].at += next[i].step;
        }
        gti_stream_aligned(LINE, x + done, y + done);
    }
    memcpy(y + done, x + done, bytes - done);
}

/* How many rows later the one is that gti_stream_row asks for. */
static inline int64_t gti_stream_rows_ahead(size_t bytes)
{
    return 1 + (1 << 12) / (int64_t)bytes;
}

/* The same of what is not in the caches: asked for by line on AMD's processors (1.1 to 1.2 times as
 * fast in huge pages), by piece on others. */
static inline void gti_stream_from_far(size_t bytes, const char *x, char *y)
{
    enum { PIECE = 1 << 10, AHEAD = 1 << 12 };
    if (gti_is_amd()) {
        gti_stream_next next = {x + AHEAD, GTI_STREAM_LINE};
        gti_stream_result(bytes, x, 1, &next, y);
        return;
    }
    const size_t to_line = -(uintptr_t)y % 64, head = to_line < bytes ? to_line : bytes;
    size_t done = head;
    memcpy(y, x, head);
    for (; bytes - done >= PIECE; done += PIECE) {
        gti_read_ahead(x + done, PIECE);
        gti_stream_aligned(PIECE, x + done, y + done);
    }
    gti_stream(bytes - done, x + done, y + done);
}

/* memcpy, of a piece of an array of `whole` bytes. */
static inline void gti_stream_copy(size_t bytes, const void *x, void *y, int64_t whole)
{
    if (!gti_streams(whole)) {
        memcpy(y, x, bytes);
        return;
    }
    gti_stream_from_far(bytes, x, y);
    gti_stream_end();
}

#endif

/* Reading files from their beginning on, with zlib where it is there. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef GT_WITH_ZLIB
#include <zlib.h>
#endif

#include "data/data.h"

enum { STEP = 1 << 20 }; /* bytes: the least by which memory grows */

/* --- opening --- */

/* Opens a regular file; its size to *size. */
static FILE *open_regular(const char *path, int64_t *size, gt_data_error *error)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        gti_file_fail(path, error);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        gt_data_fail(error, GT_ERR_IO, "%s: is not a regular file", path);
        return NULL;
    }
    *size = (int64_t)st.st_size;
    FILE *f = fopen(path, "rb");
    if (!f) gti_file_fail(path, error);
    return f;
}

/* --- gzip --- */

#ifdef GT_WITH_ZLIB
static void sum(gti_source *s, const void *bytes, int64_t n)
{
    s->crc = (uint32_t)crc32(s->crc, bytes, (uInt)n);
}

bool gti_source_check(const gti_source *s, uint32_t crc)
{
    return s->crc == crc;
}

typedef struct {
    z_stream z;
    bool ended; /* a member has, and another one may follow */
    uint8_t in[1 << 14];
} inflater;

/* `window`: zlib's, which says the form of the data, too. */
static bool start_inflating(gti_source *s, int window)
{
    inflater *i = calloc(1, sizeof *i);
    if (i && inflateInit2(&i->z, window) == Z_OK) {
        s->inflater = i;
        return true;
    }
    free(i);
    return gt_data_fail(s->error, GT_ERR_MEMORY, "%s: out of memory", s->path);
}

static bool start_gzip(gti_source *s)
{
    return start_inflating(s, MAX_WBITS + 16);
}

bool gti_source_inflate(gti_source *s, int64_t n)
{
    s->limit = n;
    return start_inflating(s, -MAX_WBITS);
}

static void stop_inflating(gti_source *s)
{
    if (s->inflater) inflateEnd(&((inflater *)s->inflater)->z);
    free(s->inflater);
}

/* Whether there is more to inflate. */
static bool refill(gti_source *s, inflater *i)
{
    if (i->z.avail_in) return true;
    i->z.next_in = i->in;
    i->z.avail_in = (uInt)fread(i->in, 1, sizeof i->in, s->f);
    return i->z.avail_in;
}

static bool inflate_failed(gti_source *s, const inflater *i, int code)
{
    if (code == Z_MEM_ERROR)
        return gt_data_fail(s->error, GT_ERR_MEMORY, "%s: out of memory", s->path);
    return gt_data_fail(s->error, GT_ERR_FORMAT, "%s: %s: %s", s->path,
                        i->ended ? "the compressed data goes on behind its end"
                                 : "the compressed data is not sound",
                        i->z.msg ? i->z.msg : zError(code));
}

/* Zeros behind a member fill up a tape's block or the like, and are no part of the file. */
static void skip_zeros(gti_source *s, inflater *i)
{
    while (refill(s, i) && !*i->z.next_in) {
        i->z.next_in++;
        i->z.avail_in--;
    }
}

/* Whether there is a member, or more of one, to inflate; with *ok false after a failure. */
static bool more_to_inflate(gti_source *s, inflater *i, bool *ok)
{
    if (i->ended) skip_zeros(s, i);
    if (refill(s, i)) return true;
    if (ferror(s->f)) *ok = gti_file_fail(s->path, s->error);
    else if (!i->ended)
        *ok =
            gt_data_fail(s->error, GT_ERR_FORMAT, "%s: the compressed data is truncated", s->path);
    return false;
}

/* At most n bytes, 0 at the end; -1 after a failure. */
static int64_t inflate_some(gti_source *s, void *to, int64_t n)
{
    inflater *i = s->inflater;
    const uInt room = n > STEP ? STEP : (uInt)n;
    bool ok = true;
    i->z.next_out = to;
    i->z.avail_out = room;
    while (i->z.avail_out == room && more_to_inflate(s, i, &ok)) {
        if (i->ended) inflateReset(&i->z);
        const int code = inflate(&i->z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END) {
            inflate_failed(s, i, code);
            return -1;
        }
        i->ended = code == Z_STREAM_END;
    }
    return ok ? (int64_t)(room - i->z.avail_out) : -1;
}
#else
static void sum(gti_source *s, const void *bytes, int64_t n)
{
    (void)s, (void)bytes, (void)n;
}

bool gti_source_check(const gti_source *s, uint32_t crc)
{
    (void)s, (void)crc;
    return true;
}

static bool start_gzip(gti_source *s)
{
    return gt_data_fail(s->error, GT_ERR_UNSUPPORTED,
                        "%s: is gzipped, and this gradtape was built without zlib; gunzip it first",
                        s->path);
}

bool gti_source_inflate(gti_source *s, int64_t n)
{
    (void)n;
    return gt_data_fail(s->error, GT_ERR_UNSUPPORTED,
                        "%s: is compressed, and this gradtape was built without zlib", s->path);
}

static void stop_inflating(gti_source *s)
{
    (void)s;
}

static int64_t inflate_some(gti_source *s, void *to, int64_t n)
{
    (void)s, (void)to, (void)n;
    return -1;
}
#endif

/* --- reading --- */

/* Whether the file is gzipped; the error is set when that cannot be read. */
static bool is_gzipped(const gti_source *s)
{
    uint8_t magic[2] = {0, 0};
    const size_t n = fread(magic, 1, 2, s->f);
    if (ferror(s->f) || fseek(s->f, 0, SEEK_SET) != 0) return gti_file_fail(s->path, s->error);
    return n == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

bool gti_source_open_plain(gti_source *s, const char *path, gt_data_error *error)
{
    *s = (gti_source){.path = path, .error = error};
    s->f = open_regular(path, &s->limit, error);
    return s->f;
}

bool gti_source_open(gti_source *s, const char *path, gt_data_error *error)
{
    if (!gti_source_open_plain(s, path, error)) return false;
    const bool gzipped = is_gzipped(s);
    if (gzipped)
        s->limit =
            s->limit > INT64_MAX / GTI_DEFLATE_RATIO ? INT64_MAX : s->limit * GTI_DEFLATE_RATIO;
    if (error->code == GT_OK && (!gzipped || start_gzip(s))) return true;
    gti_source_close(s);
    return false;
}

void gti_source_close(gti_source *s)
{
    stop_inflating(s);
    fclose(s->f);
}

bool gti_source_seek(gti_source *s, int64_t at, int64_t n)
{
    s->limit = n;
    s->taken = 0;
    s->crc = 0;
    return fseeko(s->f, (off_t)at, SEEK_SET) == 0 || gti_file_fail(s->path, s->error);
}

/* At most n bytes, fewer only at the end; -1 after a failure. */
static int64_t read_some(gti_source *s, void *to, int64_t n)
{
    if (s->inflater) return inflate_some(s, to, n);
    const size_t got = fread(to, 1, n > STEP ? STEP : (size_t)n, s->f);
    if (got || !ferror(s->f)) return (int64_t)got;
    gti_file_fail(s->path, s->error);
    return -1;
}

/* Whether n more bytes can be there at all. */
static bool can_give(const gti_source *s, int64_t n, const char *part)
{
    if (n <= s->limit - s->taken) return true;
    return gt_data_fail(s->error, GT_ERR_FORMAT,
                        "%s: expected %lld bytes of %s, found %s%lld: truncated, or no such file",
                        s->path, (long long)n, part, s->inflater ? "at most " : "",
                        (long long)(s->limit - s->taken));
}

bool gti_source_read(gti_source *s, void *to, int64_t n, const char *part)
{
    if (!can_give(s, n, part)) return false;
    for (int64_t done = 0; done < n;) {
        const int64_t got = read_some(s, (char *)to + done, n - done);
        if (got < 0) return false;
        if (got == 0)
            return gt_data_fail(s->error, GT_ERR_FORMAT,
                                "%s: truncated: expected %lld bytes of %s, found %lld", s->path,
                                (long long)n, part, (long long)done);
        if (s->summed) sum(s, (char *)to + done, got);
        done += got;
        s->taken += got;
    }
    return true;
}

/* What a compressed file really holds shows only when it is inflated, so memory grows with it; a
 * plain file's size is known. */
uint8_t *gti_source_take(gti_source *s, int64_t n, const char *part)
{
    if (!can_give(s, n, part)) return NULL;
    uint8_t *bytes = NULL;
    for (int64_t room = 0, next = s->inflater && n > STEP ? STEP : n;;) {
        uint8_t *more = realloc(bytes, (size_t)next + 1);
        if (!more) gt_data_fail(s->error, GT_ERR_MEMORY, "%s: out of memory", s->path);
        bytes = more ? more : bytes;
        if (!more || !gti_source_read(s, bytes + room, next - room, part)) break;
        if (next == n) return bytes;
        room = next;
        next = n - room > room ? 2 * room : n;
    }
    free(bytes);
    return NULL;
}

bool gti_source_end(gti_source *s)
{
    char more;
    const int64_t got = read_some(s, &more, 1);
    if (got > 0)
        gt_data_fail(s->error, GT_ERR_FORMAT, "%s: expected the end after %lld bytes, found more",
                     s->path, (long long)s->taken);
    return got == 0;
}

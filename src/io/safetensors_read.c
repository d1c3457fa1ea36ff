/* Reading safetensors: 8 bytes of length, a JSON header of that length, the data. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/io.h"

enum { LENGTH = 8, CHUNK = 1 << 15 };

bool gti_st_fail(const gti_st *s, gt_status code, const char *fmt, ...)
{
    char text[640];
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    gt_fail(s->gt, code, s->what, "'%.200s' %s", s->path, text);
    return false;
}

static bool fail_call(const gti_st *s)
{
    return gti_st_fail(s, gt_status_of_errno(errno), "cannot be read: %s", strerror(errno));
}

/* --- bytes --- */

/* In pieces that stay in a cache, for which C libraries have better ways than for large ones. */
static void copy(char *to, const uint8_t *from, int64_t n)
{
    enum { PIECE = 1 << 16 };
    for (int64_t i = 0; i < n; i += PIECE)
        memcpy(to + i, from + i, (size_t)(n - i < PIECE ? n - i : PIECE));
}

bool gti_st_read_at(const gti_st *s, void *to, int64_t n, int64_t from)
{
    if (s->bytes) {
        copy(to, s->bytes + (from - s->data), n);
        return true;
    }
    for (char *at = to; n > 0;) {
        const int64_t most = 1 << 30;
        const ssize_t got = pread(s->fd, at, (size_t)(n < most ? n : most), (off_t)from);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_call(s);
        if (got == 0) return gti_st_fail(s, GT_ERR_FORMAT, "has become shorter while it was read");
        at += got;
        n -= got;
        from += got;
    }
    return true;
}

/* Opens a regular file; its size to *size. Never waits, as it would for a pipe. */
static bool open_file(gti_st *s, int64_t *size)
{
    struct stat st;
    do s->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    while (s->fd < 0 && errno == EINTR);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) return fail_call(s);
    if (!S_ISREG(st.st_mode))
        return gti_st_fail(s, GT_ERR_IO, "cannot be read: it is no regular file");
    *size = (int64_t)st.st_size;
    return true;
}

/* PyTorch's own files come here by mistake, so they are told the way. They are zip archives whose
 * first member is called ".../data.pkl" or, of old, begin as this pickle of a number. */
static bool refuse_torch(const gti_st *s, int64_t file_size)
{
    static const uint8_t old[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20};
    static const char member[] = "/data.pkl";
    enum { NAME_LENGTH = 26, NAME = 30, HEAD = 512 };
    uint8_t head[HEAD] = {0};
    if (!gti_st_read_at(s, head, file_size < HEAD ? file_size : HEAD, 0)) return false;
    const size_t n = (size_t)(head[NAME_LENGTH] | head[NAME_LENGTH + 1] << 8), most = HEAD - NAME;
    const uint8_t *end = head + NAME + (n < most ? n : most) - (sizeof member - 1);
    const bool zip = !memcmp(head, "PK\3\4", 4) && n >= sizeof member - 1;
    if (memcmp(head, old, sizeof old) != 0 && !(zip && !memcmp(end, member, sizeof member - 1)))
        return true;
    return gti_st_fail(
        s, GT_ERR_FORMAT,
        "is a file of torch.save, not of safetensors\n  hint: in Python:  "
        "import torch, safetensors.torch as s; s.save_file({k: v.clone() for k, v in "
        "torch.load('%.200s', map_location='cpu').items()}, '%.160s.safetensors')",
        s->path, s->path);
}

static uint64_t little_endian(const uint8_t b[LENGTH])
{
    uint64_t n = 0;
    for (int i = LENGTH - 1; i >= 0; i--) n = n << 8 | b[i];
    return n;
}

static bool read_header(gti_st *s, int64_t file_size)
{
    uint8_t length[LENGTH];
    if (file_size < LENGTH)
        return gti_st_fail(s, GT_ERR_FORMAT, "is no safetensors file: it has only %lld bytes",
                           (long long)file_size);
    if (!refuse_torch(s, file_size) || !gti_st_read_at(s, length, LENGTH, 0)) return false;
    const uint64_t n = little_endian(length);
    if (n > GTI_HEADER_LIMIT)
        return gti_st_fail(
            s, GT_ERR_FORMAT,
            "is no safetensors file: it does not begin with the size of a header of at "
            "most %d bytes",
            GTI_HEADER_LIMIT);
    if ((int64_t)n > file_size - LENGTH)
        return gti_st_fail(
            s, GT_ERR_FORMAT,
            "is truncated, or no safetensors file: the header has %llu bytes, but only "
            "%lld follow",
            (unsigned long long)n, (long long)(file_size - LENGTH));
    s->header_size = (size_t)n;
    s->header = malloc(s->header_size + 1);
    if (!s->header) return gti_st_fail(s, GT_ERR_MEMORY, "cannot be read: out of memory");
    s->data = LENGTH + (int64_t)n;
    s->size = file_size - s->data;
    if (!gti_st_read_at(s, s->header, (int64_t)n, LENGTH)) return false;
    return (n && *s->header == '{') ||
           gti_st_fail(s, GT_ERR_FORMAT,
                       "is no safetensors file: the header does not begin with '{'");
}

bool gti_st_open(gti_st *s, gt_ctx *gt, const char *what, const char *path)
{
    *s = (gti_st){.gt = gt, .what = what, .path = path, .fd = -1};
    if (!gti_io_ready(gt, what, path)) return false;
    s->span = gt_span_begin(gt, what);
    int64_t size = 0;
    if (gti_io_little_endian(gt, what) && open_file(s, &size) && read_header(s, size) &&
        gti_st_parse(s))
        return true;
    gti_st_close(s);
    return false;
}

void gti_st_close(gti_st *s)
{
    gt_span_end(s->gt, s->span);
    gti_st_drop(s);
    if (s->fd >= 0) close(s->fd);
    free(s->header);
    free(s->at);
    free(s->named);
    free(s->metadata);
    s->fd = -1;
    s->header = NULL;
    s->at = NULL;
    s->named = NULL;
    s->metadata = NULL;
    s->n = s->n_metadata = 0;
}

/* --- reading --- */

bool gti_st_fits(const gti_st_entry *e, gt_dtype dtype)
{
    if (!e->type->readable) return false;
    return e->type->dtype == dtype || (gt_is_floating(e->type->dtype) && gt_is_floating(dtype));
}

char *gti_st_describe(const gti_st_entry *e, char *buf, size_t size)
{
    char shape[128];
    if (e->shape.ndim < 0) snprintf(shape, sizeof shape, "%d dimensions", e->ndim);
    else gt_shape_format(e->shape, shape, sizeof shape);
    snprintf(buf, size, "%s %s", e->type->name, shape);
    return buf;
}

static bool read_converted(const gti_st *s, const gti_st_entry *e, gt_tensor *t)
{
    uint8_t chunk[CHUNK];
    const int64_t width = e->type->bits / 8, most = CHUNK / width;
    for (int64_t i = 0; i < e->elements; i += most) {
        const int64_t n = e->elements - i < most ? e->elements - i : most;
        if (!gti_st_read_at(s, chunk, n * width, s->data + e->begin + i * width)) return false;
        gti_st_convert(e->type, n, chunk, t->dtype,
                       (char *)t->data + (size_t)i * gt_dtype_size(t->dtype));
    }
    return true;
}

bool gti_st_read(const gti_st *s, const gti_st_entry *e, gt_tensor *t)
{
    gt_touch(t);
    if (!strcmp(gti_st_type_name(t->dtype), e->type->name))
        return gti_st_read_at(s, t->data, e->end - e->begin, s->data + e->begin);
    return read_converted(s, e, t);
}

gt_tensor *gti_st_make(const gti_st *s, const gti_st_entry *e)
{
    char shown[GTI_SHOWN];
    if (!e->type->readable || e->shape.ndim < 0) {
        char is[160];
        gti_st_fail(s, GT_ERR_UNSUPPORTED, "has tensor '%s', %s: %s", gti_text_show(e->name, shown),
                    gti_st_describe(e, is, sizeof is),
                    e->type->readable ? "too many" : "this dtype is not supported");
        return NULL;
    }
    gt_tensor *t = gt_empty_(s->gt, e->shape, (gt_new_opts){.dtype = e->type->dtype});
    t = t ? gt_keep(t) : NULL;
    if (!t || gti_st_read(s, e, t)) return t;
    gt_free(t);
    return NULL;
}

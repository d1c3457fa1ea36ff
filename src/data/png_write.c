/* Making PNG files: rows with a filter each, deflated by zlib; where it is not there, rows as they
 * are in stored blocks, whose size is a little more than that of the pixels. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

/* --- the stream of rows --- */

#ifdef GT_WITH_ZLIB
#include <zlib.h>

enum { FILTERS = 5 };

static int paeth(int left, int up, int corner)
{
    const int p = left + up - corner;
    const int a = abs(p - left), b = abs(p - up), c = abs(p - corner);
    return a <= b && a <= c ? left : b <= c ? up : corner;
}

static int predicted(int filter, int left, int up, int corner)
{
    switch (filter) {
    case 1: return left;
    case 2: return up;
    case 3: return (left + up) / 2;
    case 4: return paeth(left, up, corner);
    default: return 0;
    }
}

/* The filter and what it leaves of a row into to [1 + n], and how much that is. */
static int64_t filter_row(int filter, const uint8_t *row, const uint8_t *above, size_t n,
                          size_t pixel, uint8_t *to)
{
    int64_t sum = 0;
    *to++ = (uint8_t)filter;
    for (size_t i = 0; i < n; i++) {
        const int left = i < pixel ? 0 : row[i - pixel], up = above ? above[i] : 0;
        const int corner = above && i >= pixel ? above[i - pixel] : 0;
        to[i] = (uint8_t)(row[i] - predicted(filter, left, up, corner));
        sum += abs((int8_t)to[i]);
    }
    return sum;
}

/* The filter that leaves least, as libpng chooses. */
static void add_row(const uint8_t *row, const uint8_t *above, size_t n, size_t pixel, uint8_t *to)
{
    int best = 0;
    int64_t least = INT64_MAX;
    for (int f = 0; f < FILTERS; f++) {
        const int64_t sum = filter_row(f, row, above, n, pixel, to);
        if (sum < least) best = f;
        if (sum < least) least = sum;
    }
    filter_row(best, row, above, n, pixel, to);
}

static size_t packed_most(size_t bytes)
{
    return compressBound(bytes);
}

/* The zlib stream of rows [n] into to; its size, or 0 when there is no memory. */
static size_t pack(const uint8_t *rows, size_t n, uint8_t *to)
{
    uLongf size = compressBound(n);
    return compress2(to, &size, rows, n, Z_DEFAULT_COMPRESSION) == Z_OK ? size : 0;
}

#else

enum { BLOCK = 65535 };

static void add_row(const uint8_t *row, const uint8_t *above, size_t n, size_t pixel, uint8_t *to)
{
    (void)above, (void)pixel;
    *to = 0; /* no filter */
    memcpy(to + 1, row, n);
}

static size_t packed_most(size_t bytes)
{
    return bytes + 5 * (bytes / BLOCK + 1) + 6;
}

static uint32_t adler32(const uint8_t *byte, size_t n)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + byte[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static size_t pack(const uint8_t *rows, size_t n, uint8_t *to)
{
    uint8_t *at = to;
    *at++ = 0x78;
    *at++ = 0x01;
    for (size_t from = 0; from < n; from += BLOCK) {
        const size_t length = n - from < BLOCK ? n - from : BLOCK;
        *at++ = from + length == n; /* the last one */
        for (int k = 0; k < 4; k++) *at++ = (uint8_t)((k < 2 ? length : ~length) >> 8 * (k & 1));
        memcpy(at, rows + from, length);
        at += length;
    }
    const uint32_t check = adler32(rows, n);
    for (int k = 24; k >= 0; k -= 8) *at++ = (uint8_t)(check >> k);
    return (size_t)(at - to);
}

#endif

/* The stream of pixels [h,w,channels], to be freed. */
static uint8_t *pack_image(const uint8_t *pixels, size_t h, size_t w, size_t channels, size_t *size,
                           gt_data_error *error)
{
    const size_t stride = w * channels, n = h * (stride + 1);
    uint8_t *rows = gti_data_malloc(n, error), *stream = NULL;
    if (rows) stream = gti_data_malloc(packed_most(n), error);
    for (size_t y = 0; stream && y < h; y++)
        add_row(pixels + y * stride, y ? pixels + (y - 1) * stride : NULL, stride, channels,
                rows + y * (stride + 1));
    *size = stream ? pack(rows, n, stream) : 0;
    free(rows);
    if (*size) return stream;
    if (stream) gt_data_fail(error, GT_ERR_MEMORY, "out of memory for a PNG file");
    free(stream);
    return NULL;
}

/* --- the file --- */

typedef struct {
    uint8_t *at;
    uint32_t crc; /* of the present chunk */
} output;

static void put(output *o, const void *data, size_t n)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < n; i++) {
        o->crc ^= byte[i];
        for (int k = 0; k < 8; k++) o->crc = o->crc >> 1 ^ (0xedb88320u & (0u - (o->crc & 1)));
    }
    memcpy(o->at, data, n);
    o->at += n;
}

static void put32(output *o, uint32_t v)
{
    put(o, (const uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v},
        4);
}

static void put_chunk(output *o, const char *type, const void *data, size_t n)
{
    put32(o, (uint32_t)n);
    o->crc = 0xffffffffu;
    put(o, type, 4);
    put(o, data, n);
    put32(o, ~o->crc);
}

static void write_file(output *o, const uint8_t *header, const uint8_t *stream, size_t n)
{
    put(o, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(o, "IHDR", header, 13);
    put_chunk(o, "IDAT", stream, n);
    put_chunk(o, "IEND", "", 0);
}

uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error)
{
    enum { AROUND = 8 + 12 + 13 + 12 + 12 };
    size_t n;
    uint8_t *stream = pack_image(pixels, (size_t)h, (size_t)w, (size_t)channels, &n, error);
    uint8_t *made = stream ? gti_data_malloc(n + AROUND, error) : NULL;
    output o = {.at = made};
    uint8_t header[13] = {[8] = 8, [9] = channels == 3 ? 2 : 0};
    for (int k = 0; k < 4; k++) {
        header[k] = (uint8_t)(w >> (24 - 8 * k));
        header[4 + k] = (uint8_t)(h >> (24 - 8 * k));
    }
    if (made) write_file(&o, header, stream, n);
    free(stream);
    *size = n + AROUND;
    return made;
}

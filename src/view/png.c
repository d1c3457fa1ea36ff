/* PNG files, written without compression: the deflate stream is made of stored blocks. Their size
 * is a little more than that of the pixels. */
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

enum { BLOCK = 65535 };

typedef struct {
    uint8_t *at;
    size_t length;
    uint32_t crc, a, b; /* of the present chunk; Adler-32 of the rows */
} output;

static void put(output *o, const void *data, size_t n)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < n; i++) {
        o->crc ^= byte[i];
        for (int k = 0; k < 8; k++) o->crc = o->crc >> 1 ^ (0xedb88320u & (0u - (o->crc & 1)));
    }
    memcpy(o->at + o->length, data, n);
    o->length += n;
}

static void put32(output *o, uint32_t v)
{
    put(o, (const uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v},
        4);
}

static void begin(output *o, const char *type, size_t size)
{
    put32(o, (uint32_t)size);
    o->crc = 0xffffffffu;
    put(o, type, 4);
}

static void end(output *o)
{
    put32(o, ~o->crc);
}

/* The bytes of the filtered image are, in each row, a 0 (no filter) and the pixels. */
static uint8_t row_byte(const uint8_t *pixels, size_t i, size_t stride)
{
    return i % (stride + 1) ? pixels[i - i / (stride + 1) - 1] : 0;
}

static void put_block(output *o, const uint8_t *pixels, size_t from, size_t n, size_t stride,
                      bool last)
{
    const uint8_t low = (uint8_t)(n & 255), high = (uint8_t)(n >> 8);
    put(o, (const uint8_t[]){last, low, high, (uint8_t)~low, (uint8_t)~high}, 5);
    for (size_t i = from; i < from + n; i++) {
        const uint8_t byte = row_byte(pixels, i, stride);
        put(o, &byte, 1);
        o->a = (o->a + byte) % 65521;
        o->b = (o->b + o->a) % 65521;
    }
}

static void put_image(output *o, const uint8_t *pixels, size_t h, size_t stride)
{
    const size_t bytes = h * (stride + 1), blocks = (bytes + BLOCK - 1) / BLOCK;
    begin(o, "IDAT", 2 + 5 * blocks + bytes + 4);
    put(o, "\x78\x01", 2);
    o->a = 1;
    for (size_t from = 0; from < bytes; from += BLOCK) {
        const size_t n = bytes - from < BLOCK ? bytes - from : BLOCK;
        put_block(o, pixels, from, n, stride, from + n == bytes);
    }
    put32(o, o->b << 16 | o->a);
    end(o);
}

uint8_t *gti_png_encode(const uint8_t *pixels, size_t h, size_t w, size_t c, size_t *size)
{
    enum { MOST = 1 << 30 }; /* a chunk's length has 31 bits */
    if (w > MOST / c || h > MOST / (w * c + 1)) return NULL;
    const size_t bytes = h * (w * c + 1);
    output o = {.at = malloc(bytes + 5 * (bytes / BLOCK + 1) + 128)};
    if (!o.at) return NULL;
    put(&o, "\x89PNG\r\n\x1a\n", 8);
    begin(&o, "IHDR", 13);
    put32(&o, (uint32_t)w);
    put32(&o, (uint32_t)h);
    put(&o, (const uint8_t[]){8, c == 3 ? 2 : 0, 0, 0, 0}, 5);
    end(&o);
    put_image(&o, pixels, h, w * c);
    begin(&o, "IEND", 0);
    end(&o);
    *size = o.length;
    return o.at;
}

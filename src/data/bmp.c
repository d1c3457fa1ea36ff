/* BMP files: rows of 1, 4 or 8 bits with a palette, or of 24 or 32 bits, not compressed. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

enum { FILE_HEADER = 14, INFO_HEADER = 40, PIXELS_PER_BYTE = 8 };

typedef struct {
    int64_t w, h, stride; /* bytes of a row, a multiple of 4 */
    int bits;
    bool downward;          /* the first row is the top one */
    const uint8_t *palette; /* blue, green, red and one more byte each; NULL: none */
    int64_t colours;        /* of it */
    const uint8_t *rows;
} layout;

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool fail(const gti_encoded *in, gt_data_error *error, const char *why)
{
    return gt_data_fail(error, GT_ERR_FORMAT, "%s: not a sound BMP file: %s", in->path, why);
}

static bool read_sizes(const gti_encoded *in, layout *l, gt_data_error *error)
{
    const uint8_t *info = in->bytes + FILE_HEADER;
    const int64_t h = (int32_t)u32(info + 8);
    l->w = (int32_t)u32(info + 4);
    l->downward = h < 0;
    l->h = h < 0 ? -h : h;
    l->bits = info[14] | info[15] << 8;
    if (info[12] != 1 || info[13]) return fail(in, error, "it has another number of planes than 1");
    const int b = l->bits;
    if (u32(info + 16) || !(b == 1 || b == 4 || b == 8 || b == 24 || b == 32))
        return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                            "%s: is a BMP file of %d bits and compression %u; those of 1, 4, 8, 24 "
                            "and 32 bits without compression are read",
                            in->path, b, u32(info + 16));
    if (l->w <= 0 || l->h <= 0) return fail(in, error, "its width or height is not positive");
    l->stride = (l->w * b + 31) / 32 * 4;
    return true;
}

/* The palette lies behind the header, and the rows where the file says. */
static bool find_parts(const gti_encoded *in, layout *l, gt_data_error *error)
{
    const uint8_t *info = in->bytes + FILE_HEADER;
    const int64_t header = u32(info), rows = u32(in->bytes + 10), end = FILE_HEADER + header;
    int64_t colours = u32(info + 32);
    if (header < INFO_HEADER || end > in->size) return fail(in, error, "its header is cut off");
    if (l->bits > 8) colours = 0;
    else if (!colours) colours = INT64_C(1) << l->bits;
    if (colours > INT64_C(1) << 8 || end + 4 * colours > in->size)
        return fail(in, error, "its palette is cut off");
    if (rows < end + 4 * colours || rows > in->size || l->stride < 1 ||
        l->h > (in->size - rows) / l->stride)
        return fail(in, error, "its rows are cut off");
    l->palette = l->bits > 8 ? NULL : in->bytes + end;
    l->colours = colours;
    l->rows = in->bytes + rows;
    return true;
}

/* The number at x in a row of those with a palette. */
static int number(const layout *l, const uint8_t *row, int64_t x)
{
    const int64_t bit = x * l->bits;
    return row[bit / 8] >> (8 - l->bits - bit % 8) & ((1 << l->bits) - 1);
}

/* The pixel at x in a row: blue, green, red; NULL where the palette has none. */
static const uint8_t *pixel(const layout *l, const uint8_t *row, int64_t x)
{
    if (!l->palette) return row + x * (l->bits / 8);
    const int index = number(l, row, x);
    return index < l->colours ? l->palette + 4 * (ptrdiff_t)index : NULL;
}

static const uint8_t *row_of(const layout *l, int64_t y)
{
    return l->rows + (l->downward ? y : l->h - 1 - y) * l->stride;
}

static bool read_numbers(const gti_encoded *in, const layout *l, gti_picture *p,
                         gt_data_error *error)
{
    if (!l->palette) return gti_picture_no_mask(in, error);
    p->stored = true;
    for (int64_t i = 0; i < l->h * l->w; i++)
        p->rgb[i] = (uint8_t)number(l, row_of(l, i / l->w), i % l->w);
    return true;
}

static bool read_rows(const gti_encoded *in, const layout *l, uint8_t *rgb, gt_data_error *error)
{
    for (int64_t y = 0; y < l->h; y++) {
        const uint8_t *row = row_of(l, y);
        for (int64_t x = 0; x < l->w; x++, rgb += 3) {
            const uint8_t *bgr = pixel(l, row, x);
            if (!bgr) return fail(in, error, "a pixel's colour is not in its palette");
            for (int c = 0; c < 3; c++) rgb[c] = bgr[2 - c];
        }
    }
    return true;
}

bool gti_bmp_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    layout l = {.w = 0};
    if (in->size < FILE_HEADER + INFO_HEADER) return fail(in, error, "its header is cut off");
    return read_sizes(in, &l, error) && find_parts(in, &l, error) &&
           gti_picture_allocate(p, l.h, l.w, in->size, PIXELS_PER_BYTE, in->path, error) &&
           (in->how.stored ? read_numbers(in, &l, p, error) : read_rows(in, &l, p->rgb, error));
}

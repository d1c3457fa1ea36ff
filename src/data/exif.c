/* The orientation that cameras note in EXIF, and pictures turned by it.
 *
 * A block begins with its byte order, "II" or "MM", the number 42 and the place of a directory: the
 * number of its entries, and entries of a tag, a type, a count and, here, the value itself. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

enum { ENTRY = 12, TAG_ORIENTATION = 0x112, TYPE_SHORT = 3 };

typedef struct {
    const uint8_t *at;
    size_t size;
    bool big; /* byte order */
} block;

/* The number of n bytes at `from`; 0 beyond the end. */
static uint32_t number(const block *b, size_t from, size_t n)
{
    uint32_t v = 0;
    if (from > b->size || n > b->size - from) return 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | b->at[from + (b->big ? i : n - 1 - i)];
    return v;
}

int gti_exif_orientation(const uint8_t *exif, size_t size)
{
    const block b = {exif, size, .big = size && exif[0] == 'M'};
    if (size < 8 || (memcmp(exif, "II", 2) != 0 && memcmp(exif, "MM", 2) != 0)) return 1;
    if (number(&b, 2, 2) != 42) return 1;
    const size_t directory = number(&b, 4, 4), n = number(&b, directory, 2);
    for (size_t i = 0; i < n; i++) {
        const size_t entry = directory + 2 + i * ENTRY;
        if (number(&b, entry, 2) != TAG_ORIENTATION) continue;
        const uint32_t value = number(&b, entry + 8, 2);
        return number(&b, entry + 2, 2) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* From 5 on rows have become columns. Then 3, 4, 6 and 7 go through the stored rows backwards, 2,
 * 3, 7 and 8 through the columns. */
bool gti_exif_orient(gti_picture *p, int orientation, gt_data_error *error)
{
    if (orientation == 1) return true;
    const bool turned = orientation >= 5;
    const bool up = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool left = orientation == 2 || orientation == 3 || orientation >= 7;
    const int64_t h = turned ? p->w : p->h, w = turned ? p->h : p->w;
    const size_t n = 3 * (size_t)p->bytes; /* bytes of a pixel */
    uint8_t *to = gti_data_malloc((size_t)(h * w) * n, error);
    if (!to) return false;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            const int64_t i = turned ? x : y, j = turned ? y : x;
            const int64_t row = up ? p->h - 1 - i : i, column = left ? p->w - 1 - j : j;
            memcpy(to + n * (size_t)(y * w + x), p->rgb + n * (size_t)(row * p->w + column), n);
        }
    free(p->rgb);
    *p = (gti_picture){.h = h, .w = w, .rgb = to, .bytes = p->bytes};
    return true;
}

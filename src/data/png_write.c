/* Making PNG files. */
#include <stdlib.h>
#include <string.h>

#include "data/png.h"

#ifdef GT_WITH_PNG

typedef struct {
    gti_png base;
    uint8_t *at;
    size_t length, room;
} output;

static void write_bytes(png_structp png, png_bytep from, size_t n)
{
    output *o = png_get_io_ptr(png);
    if (n > o->room - o->length) {
        const size_t room = 2 * o->room + n;
        uint8_t *more = realloc(o->at, room);
        if (!more) gt_data_fail(o->base.error, GT_ERR_MEMORY, "out of memory for %zu bytes", room);
        if (!more) png_error(png, "out of memory");
        o->at = more;
        o->room = room;
    }
    memcpy(o->at + o->length, from, n);
    o->length += n;
}

static void flush(png_structp png)
{
    (void)png;
}

/* All that may jump is in here, and what it changes is reached by pointers. */
static bool encode(png_structp png, png_infop info, output *o, const uint8_t *pixels, int64_t h,
                   int64_t w, int channels)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, o, write_bytes, flush);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int64_t y = 0; y < h; y++) png_write_row(png, pixels + y * w * channels);
    png_write_end(png, info);
    return true;
}

uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error)
{
    output o = {.base = {NULL, error}};
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &o.base, gti_png_on_error,
                                  gti_png_on_warning, &o.base, gti_png_malloc, gti_png_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) gt_data_fail(error, GT_ERR_UNSUPPORTED, "libpng is another version");
    const bool ok = info && encode(png, info, &o, pixels, h, w, channels);
    png_destroy_write_struct(&png, &info);
    *size = o.length;
    if (ok && error->code == GT_OK) return o.at;
    free(o.at);
    return NULL;
}

#else

uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error)
{
    (void)pixels, (void)h, (void)w, (void)channels, (void)size;
    gt_data_fail(error, GT_ERR_UNSUPPORTED,
                 "no PNG can be written: this gradtape was built without libpng");
    return NULL;
}

#endif

/* Reading PNG files. libpng's errors come by longjmp, and its memory is asked for here, so that the
 * want of it is told from a file at fault. */
#include "data/data.h"

#ifdef GT_WITH_PNG
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* A pixel takes at least one bit, before compression. */
enum { PIXELS_PER_BYTE = 8 * GTI_DEFLATE_RATIO };

typedef struct {
    const gti_encoded *in;
    int64_t at; /* bytes that were read */
    gt_data_error *error;
} input;

static void on_error(png_structp png, png_const_charp why)
{
    const input *i = png_get_error_ptr(png);
    gt_data_fail(i->error, GT_ERR_FORMAT, "%s: not a sound PNG file: %s", i->in->path, why);
    png_longjmp(png, 1);
}

/* They tell of colour profiles and the like, which nobody looks at. */
static void on_warning(png_structp png, png_const_charp why)
{
    (void)png, (void)why;
}

/* What fails here is the first error, and stays it. */
static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    const input *i = png_get_mem_ptr(png);
    return gti_data_malloc(size, i->error);
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    input *i = png_get_io_ptr(png);
    if ((int64_t)n > i->in->size - i->at) png_error(png, "it is truncated");
    memcpy(to, i->in->bytes + i->at, n);
    i->at += (int64_t)n;
}

/* Of what is not the pixels themselves as little is looked at as serves; all checksums are. */
static void read_header(png_structp png, png_infop info, input *i)
{
    static const png_byte wanted[] = "gAMA\0sRGB";
    png_set_read_fn(png, i, read_bytes);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, wanted, sizeof wanted / 5);
    png_read_info(png, info);
}

/* By default transparency is left out, so that its pixels have their stored numbers. */
static void set_transparency(png_structp png, png_infop info, bool on_white, int bytes)
{
    const bool some = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA ||
                      png_get_valid(png, info, PNG_INFO_tRNS);
    if (!on_white || !some) {
        png_set_strip_alpha(png);
        return;
    }
    const png_uint_16 most = bytes == 2 ? 65535 : 255;
    const png_color_16 white = {.red = most, .green = most, .blue = most, .gray = most};
    png_set_tRNS_to_alpha(png);
    png_set_background_fixed(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, PNG_FP_1);
}

/* From any kind of pixel to red, green and blue of 8 or 16 bits. */
static void set_conversions(png_structp png, png_infop info, const gt_image_opts *how, int bytes)
{
    png_fixed_point gamma;
    if (how->stored) {
        png_set_packing(png);
        return;
    }
    if (bytes == 1) png_set_scale_16(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_palette_to_rgb(png);
    png_set_gray_to_rgb(png);
    set_transparency(png, info, how->on_white, bytes);
    if (how->apply_gamma && png_get_gAMA_fixed(png, info, &gamma))
        png_set_gamma_fixed(png, PNG_DEFAULT_sRGB, gamma);
}

static void read_rows(png_structp png, png_infop info, const gti_picture *p)
{
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < p->h; y++)
            png_read_row(png, p->rgb + y * p->w * (p->stored ? 1 : 3 * p->bytes), NULL);
}

/* Reads the sound file's chunks, each a length, a name, so many bytes and a checksum, itself:
 * libpng would believe any length. */
static int orientation(const gti_encoded *in)
{
    const uint8_t *at = in->bytes + 8;
    for (int64_t left = in->size - 8, n; left >= 12; left -= n + 12, at += n + 12) {
        n = (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
        if (n > left - 12) break;
        if (!memcmp(at + 4, "eXIf", 4)) return gti_exif_orientation(at + 8, (size_t)n);
    }
    return 1;
}

/* All that may jump is in here, and what it changes is reached by pointers. */
static bool decode(png_structp png, png_infop info, input *i, gti_picture *p)
{
    if (setjmp(png_jmpbuf(png))) return false;
    read_header(png, info, i);
    if (i->in->how.deep && png_get_bit_depth(png, info) == 16) p->bytes = 2;
    if (!gti_picture_allocate(p, png_get_image_height(png, info), png_get_image_width(png, info),
                              i->in->size, PIXELS_PER_BYTE, i->in->path, i->error))
        return false;
    p->stored = i->in->how.stored;
    if (p->stored && (png_get_channels(png, info) != 1 || png_get_bit_depth(png, info) > 8))
        return gti_picture_no_mask(i->in, i->error);
    set_conversions(png, info, &i->in->how, p->bytes);
    read_rows(png, info, p);
    png_read_end(png, info); /* the last mark must be there */
    return !i->in->how.apply_exif_orientation || gti_exif_orient(p, orientation(i->in), i->error);
}

bool gti_png_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    input i = {.in = in, .error = error};
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &i, on_error, on_warning, &i,
                                               allocate, release);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) gt_data_fail(error, GT_ERR_UNSUPPORTED, "libpng is another version");
    const bool ok = info && decode(png, info, &i, p);
    png_destroy_read_struct(&png, &info, NULL);
    return ok && error->code == GT_OK;
}

#else

bool gti_png_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    (void)p;
    return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                        "%s: is a PNG file, and this gradtape was built without libpng", in->path);
}

#endif

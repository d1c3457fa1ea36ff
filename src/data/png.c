/* PNG by libpng's simplified interface, which needs no setjmp. */
#include <stdlib.h>
#ifdef GT_WITH_PNG
#include <png.h>
#endif

#include "data/data.h"

#ifdef GT_WITH_PNG

/* A pixel takes at least one bit, before compression. */
enum { PIXELS_PER_BYTE = 8 * GTI_DEFLATE_RATIO };

bool gti_png_read(const uint8_t *bytes, int64_t size, const char *path, gti_picture *p,
                  gt_data_error *error)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    const png_color white = {255, 255, 255};
    bool ok = png_image_begin_read_from_memory(&image, bytes, (size_t)size);
    if (ok) {
        image.format = PNG_FORMAT_RGB;
        image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* not linear light, which it takes 16 bits for */
        ok = gti_picture_allocate(p, image.height, image.width, size, PIXELS_PER_BYTE, path, error);
    }
    if (ok) ok = png_image_finish_read(&image, &white, p->rgb, 0, NULL);
    if (!ok || PNG_IMAGE_FAILED(image))
        gt_data_fail(error, GT_ERR_FORMAT, "%s: not a sound PNG file: %s", path, image.message);
    png_image_free(&image);
    return error->code == GT_OK;
}

uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)w,
                       .height = (png_uint_32)h,
                       .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *bytes = gti_data_malloc(room, error);
    if (bytes && !png_image_write_to_memory(&image, bytes, &room, 0, pixels, 0, NULL))
        gt_data_fail(error, GT_ERR_IO, "the PNG was not made: %s", image.message);
    png_image_free(&image);
    *size = room;
    if (error->code == GT_OK) return bytes;
    free(bytes);
    return NULL;
}

#else

bool gti_png_read(const uint8_t *bytes, int64_t size, const char *path, gti_picture *p,
                  gt_data_error *error)
{
    (void)bytes, (void)size, (void)p;
    return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                        "%s: is a PNG file, and this gradtape was built without libpng", path);
}

uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error)
{
    (void)pixels, (void)h, (void)w, (void)channels, (void)size;
    gt_data_fail(error, GT_ERR_UNSUPPORTED,
                 "no PNG can be written: this gradtape was built without libpng");
    return NULL;
}

#endif

/* JPEG by libjpeg-turbo. Its errors come by longjmp; its warnings, of data that is damaged or ends
 * too soon, are errors here. */
#include "data/data.h"

#ifdef GT_WITH_JPEG
#include <setjmp.h>

#include <jpeglib.h>

/* The barest progressive scan has one bit for a block of 64 pixels, and blocks are shared by up to
 * four pixels where colour is coarser. */
enum { PIXELS_PER_BYTE = 8 * 64 * 4 };

/* A scan of a progressive file takes time for all pixels, but may take few bytes; ten are usual. */
enum { SCANS_MOST = 500 };

typedef struct {
    struct jpeg_error_mgr base;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    const char *path;
    gt_data_error *error;
} handler;

static void on_error(j_common_ptr j)
{
    handler *h = (handler *)j->err;
    char why[JMSG_LENGTH_MAX];
    h->base.format_message(j, why);
    gt_data_fail(h->error, GT_ERR_FORMAT, "%s: not a sound JPEG file: %s", h->path, why);
    longjmp(h->back, 1);
}

static void on_message(j_common_ptr j, int level)
{
    if (level < 0) on_error(j);
}

static void on_progress(j_common_ptr j)
{
    handler *h = (handler *)j->err;
    if (((j_decompress_ptr)j)->input_scan_number <= SCANS_MOST) return;
    gt_data_fail(h->error, GT_ERR_FORMAT, "%s: not a sound JPEG file: has more than %d scans",
                 h->path, SCANS_MOST);
    longjmp(h->back, 1);
}

/* CMYK [w] to RGB. Ink is stored inverted, as Adobe's programs do: 255 is none. */
static void ink_to_rgb(const JSAMPLE *ink, int64_t w, uint8_t *rgb)
{
    for (int64_t i = 0; i < w; i++)
        for (int64_t c = 0; c < 3; c++) {
            const unsigned white = ink[4 * i + 3], taken = (255u - ink[4 * i + c]) * white;
            rgb[3 * i + c] = (uint8_t)(white - (taken + 127) / 255);
        }
}

static void read_rows(struct jpeg_decompress_struct *j, const gti_picture *p)
{
    JSAMPROW ink = NULL; /* freed with j */
    if (j->out_color_space == JCS_CMYK)
        ink = j->mem->alloc_small((j_common_ptr)j, JPOOL_IMAGE, 4 * (size_t)p->w);
    while (j->output_scanline < j->output_height) {
        uint8_t *rgb = p->rgb + (size_t)j->output_scanline * (size_t)p->w * 3;
        JSAMPROW row = ink ? ink : rgb;
        jpeg_read_scanlines(j, &row, 1);
        if (ink) ink_to_rgb(ink, p->w, rgb);
    }
}

/* All that may jump is in here, and what it changes is reached by pointers. */
static bool decode(struct jpeg_decompress_struct *j, handler *h, const uint8_t *bytes, int64_t size,
                   gti_picture *p)
{
    if (setjmp(h->back)) return false;
    jpeg_create_decompress(j);
    j->progress = &h->progress;
    jpeg_mem_src(j, bytes, (unsigned long)size);
    jpeg_read_header(j, TRUE);
    if (!gti_picture_allocate(p, j->image_height, j->image_width, size, PIXELS_PER_BYTE, h->path,
                              h->error))
        return false;
    const bool ink = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
    j->out_color_space = ink ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(j);
    read_rows(j, p);
    jpeg_finish_decompress(j);
    return true;
}

bool gti_jpeg_read(const uint8_t *bytes, int64_t size, const char *path, gti_picture *p,
                   gt_data_error *error)
{
    struct jpeg_decompress_struct j = {.err = NULL};
    handler h = {.path = path, .error = error};
    j.err = jpeg_std_error(&h.base);
    h.base.error_exit = on_error;
    h.base.emit_message = on_message;
    h.progress.progress_monitor = on_progress;
    const bool ok = decode(&j, &h, bytes, size, p);
    jpeg_destroy_decompress(&j);
    return ok;
}

#else

bool gti_jpeg_read(const uint8_t *bytes, int64_t size, const char *path, gti_picture *p,
                   gt_data_error *error)
{
    (void)bytes, (void)size, (void)p;
    return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                        "%s: is a JPEG file, and this gradtape was built without libjpeg", path);
}

#endif

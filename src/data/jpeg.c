/* JPEG by libjpeg-turbo. Its errors come by longjmp; its warnings, of data that is damaged or ends
 * too soon, are errors here. */
#include <string.h>

#include "data/data.h"

#ifdef GT_WITH_JPEG
#include <setjmp.h>

#include <jpeglib.h>

#include <jerror.h>

/* The barest progressive scan has one bit for a block of 64 pixels, and blocks are shared by up to
 * four pixels where colour is coarser. */
enum { PIXELS_PER_BYTE = 8 * 64 * 4 };

/* A scan of a progressive file takes time for all pixels, but may take few bytes; ten are usual. */
enum { SCANS_MOST = 500 };

enum { EXIF_MARKER = JPEG_APP0 + 1 };

typedef struct {
    struct jpeg_error_mgr base;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    const gti_encoded *in;
    gt_data_error *error;
    int orientation;
} handler;

static void on_error(j_common_ptr j)
{
    handler *h = (handler *)j->err;
    char why[JMSG_LENGTH_MAX];
    h->base.format_message(j, why);
    if (h->base.msg_code == JERR_OUT_OF_MEMORY)
        gt_data_fail(h->error, GT_ERR_MEMORY, "%s: out of memory", h->in->path);
    gt_data_fail(h->error, GT_ERR_FORMAT, "%s: not a sound JPEG file: %s", h->in->path, why);
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
                 h->in->path, SCANS_MOST);
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

/* What the marker EXIF says; 1 where there is none. */
static int orientation(const struct jpeg_decompress_struct *j)
{
    static const char magic[6] = "Exif\0";
    for (jpeg_saved_marker_ptr m = j->marker_list; m; m = m->next)
        if (m->data_length > sizeof magic && !memcmp(m->data, magic, sizeof magic))
            return gti_exif_orientation(m->data + sizeof magic, m->data_length - sizeof magic);
    return 1;
}

/* All that may jump is in here, and what it changes is reached by pointers. */
static bool decode(struct jpeg_decompress_struct *j, handler *h, gti_picture *p)
{
    const gti_encoded *in = h->in;
    if (setjmp(h->back)) return false;
    jpeg_create_decompress(j);
    j->progress = &h->progress;
    jpeg_mem_src(j, in->bytes, (unsigned long)in->size);
    if (in->how.apply_exif_orientation) jpeg_save_markers(j, EXIF_MARKER, 0xffff);
    jpeg_read_header(j, TRUE);
    h->orientation = orientation(j);
    if (!gti_picture_allocate(p, j->image_height, j->image_width, in->size, PIXELS_PER_BYTE,
                              in->path, h->error))
        return false;
    const bool ink = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
    j->out_color_space = ink ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(j);
    read_rows(j, p);
    jpeg_finish_decompress(j);
    return true;
}

bool gti_jpeg_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    struct jpeg_decompress_struct j = {.err = NULL};
    handler h = {.in = in, .error = error};
    j.err = jpeg_std_error(&h.base);
    h.base.error_exit = on_error;
    h.base.emit_message = on_message;
    h.progress.progress_monitor = on_progress;
    const bool ok = decode(&j, &h, p);
    jpeg_destroy_decompress(&j);
    return ok && gti_exif_orient(p, h.orientation, error);
}

#else

bool gti_jpeg_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    (void)p;
    return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                        "%s: is a JPEG file, and this gradtape was built without libjpeg",
                        in->path);
}

#endif

/* Pictures: reading files of any kind, and writing PNG files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

/* --- reading --- */

bool gti_picture_allocate(gti_picture *p, int64_t h, int64_t w, int64_t size, int64_t ratio,
                          const char *path, gt_data_error *error)
{
    const int64_t pixels = gt_shape_size(GT_SHAPE(h, w));
    if (pixels <= 0 || pixels / ratio > size)
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: claims %lld x %lld pixels, more than %lld bytes can hold", path,
                            (long long)w, (long long)h, (long long)size);
    if (pixels > GTI_PIXELS_MOST)
        return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                            "%s: has %lld x %lld pixels; pictures of up to %d are read", path,
                            (long long)w, (long long)h, GTI_PIXELS_MOST);
    p->h = h;
    p->w = w;
    p->rgb = gti_data_malloc((size_t)pixels * 3 * (size_t)p->bytes, error);
    return p->rgb;
}

bool gti_picture_no_mask(const gti_encoded *in, gt_data_error *error)
{
    return gt_data_fail(error, GT_ERR_FORMAT,
                        "%s: has no one number of 8 bits or fewer for each pixel: .stored, and "
                        "masks, are for grey pictures and those with a palette",
                        in->path);
}

static bool decode(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    if (in->size >= 8 && !memcmp(in->bytes, "\x89PNG\r\n\x1a\n", 8))
        return gti_png_read(in, p, error);
    if (in->size >= 3 && !memcmp(in->bytes, "\xff\xd8\xff", 3))
        return in->how.stored ? gti_picture_no_mask(in, error) : gti_jpeg_read(in, p, error);
    if (in->size >= 12 && !memcmp(in->bytes, "RIFF", 4) && !memcmp(in->bytes + 8, "WEBP", 4))
        return in->how.stored ? gti_picture_no_mask(in, error) : gti_webp_read(in, p, error);
    if (in->size >= 2 && !memcmp(in->bytes, "BM", 2)) return gti_bmp_read(in, p, error);
    if (in->size >= 2 && in->bytes[0] == 'P' && (in->bytes[1] == '5' || in->bytes[1] == '6'))
        return gti_ppm_read(in, p, error);
    return gt_data_fail(
        error, GT_ERR_FORMAT,
        "%s: expected a PNG, JPEG, WebP, BMP, PPM or PGM file, found other first bytes", in->path);
}

bool gti_picture_read(const char *path, const gt_image_opts *how, gti_picture *p,
                      gt_data_error *error)
{
    *p = (gti_picture){.bytes = 1};
    gti_encoded in = {.path = path, .how = *how};
    uint8_t *bytes = gti_file_read(path, &in.size, error);
    if (!bytes) return false;
    in.bytes = bytes;
    const bool ok = decode(&in, p, error);
    free(bytes);
    if (ok) return true;
    free(p->rgb);
    p->rgb = NULL;
    return false;
}

void gti_picture_planes(const gti_picture *p, bool grey, uint8_t *to)
{
    const int64_t n = p->h * p->w;
    if (p->stored) {
        memcpy(to, p->rgb, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *in = p->rgb + 3 * i;
        if (grey) {
            to[i] = (uint8_t)((19595u * in[0] + 38470u * in[1] + 7471u * in[2] + 0x8000u) >> 16);
            continue;
        }
        for (int64_t c = 0; c < 3; c++) to[c * n + i] = in[c];
    }
}

static float number(const gti_picture *p, int64_t i)
{
    if (p->bytes == 1) return (float)p->rgb[i] / 255.0f;
    return (float)(p->rgb[2 * i] << 8 | p->rgb[2 * i + 1]) / 65535.0f;
}

void gti_picture_floats(const gti_picture *p, bool grey, float *to)
{
    const int64_t n = p->h * p->w;
    for (int64_t i = 0; i < n; i++) {
        const float r = number(p, 3 * i), g = number(p, 3 * i + 1), b = number(p, 3 * i + 2);
        if (grey) to[i] = r == g && g == b ? r : 0.299f * r + 0.587f * g + 0.114f * b;
        else to[i] = r, to[n + i] = g, to[2 * n + i] = b;
    }
}

/* By way of floats, where it is to be resized. */
bool gti_picture_resize(const gti_picture *p, bool grey, int64_t h, int64_t w, uint8_t *to,
                        gt_data_error *error)
{
    if (p->h == h && p->w == w) {
        gti_picture_planes(p, grey, to);
        return true;
    }
    const int64_t c = grey ? 1 : 3, in = c * p->h * p->w, out = c * h * w;
    const int64_t room = c * (p->h > h ? p->h : h) * (p->w > w ? p->w : w);
    uint8_t *planes = gti_data_malloc((size_t)in, error);
    float *a = gti_data_malloc((size_t)room * sizeof *a, error);
    float *b = gti_data_malloc((size_t)room * sizeof *b, error);
    if (planes && a && b) {
        gti_image m = {.at = a, .spare = b, .c = c, .h = p->h, .w = p->w};
        gti_picture_planes(p, grey, planes);
        for (int64_t i = 0; i < in; i++) a[i] = planes[i];
        gti_resize(&m, h, w);
        for (int64_t i = 0; i < out; i++) to[i] = (uint8_t)fminf(fmaxf(m.at[i] + 0.5f, 0), 255);
    }
    free(planes);
    free(a);
    free(b);
    return error->code == GT_OK;
}

gt_tensor *gt_image_load_(gt_ctx *gt, const char *path, gt_image_opts opts)
{
    static const char what[] = "gt_image_load";
    if (!gti_data_ready(gt, what)) return NULL;
    gt_data_error error = {.code = GT_OK};
    gti_picture p;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path is NULL");
    else if (opts.stored &&
             (opts.apply_gamma || opts.on_white || opts.apply_exif_orientation || opts.deep))
        gt_data_fail(&error, GT_ERR_ARGUMENT,
                     ".stored gives numbers as they are, and nothing is applied to them");
    const gt_span span = gt_span_begin(gt, what);
    const bool read = error.code == GT_OK && gti_picture_read(path, &opts, &p, &error);
    gt_span_end(gt, span);
    if (!read) {
        gti_data_report(gt, what, &error);
        return NULL;
    }
    const gt_shape shape = GT_SHAPE(opts.grey || opts.stored ? 1 : 3, p.h, p.w);
    gt_tensor *t = gt_empty_(gt, shape, (gt_new_opts){.dtype = opts.deep ? GT_F32 : GT_U8});
    if (t && opts.deep) gti_picture_floats(&p, opts.grey, t->data);
    else if (t) gti_picture_planes(&p, opts.grey, t->data);
    free(p.rgb);
    return t;
}

/* --- writing --- */

static uint8_t level(const gt_tensor *t, int64_t i)
{
    if (t->dtype == GT_U8) return ((const uint8_t *)t->data)[i];
    const double v = gt_load_element(t, i);
    return v > 0 ? (uint8_t)lround(fmin(v, 1.0) * 255.0) : 0;
}

/* t, [h,w] or [c,h,w], as the bytes of a PNG file, to be freed. */
static uint8_t *make_png(const gt_tensor *t, size_t *size, gt_data_error *error)
{
    const int64_t *dim = t->shape.dim + t->shape.ndim - 2;
    const int64_t n = dim[0] * dim[1], channels = t->size / n;
    uint8_t *pixels = gti_data_malloc((size_t)t->size, error);
    if (!pixels) return NULL;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < channels; c++) pixels[i * channels + c] = level(t, c * n + i);
    uint8_t *png = gti_png_make(pixels, dim[0], dim[1], (int)channels, size, error);
    free(pixels);
    return png;
}

static bool check_image(const gt_tensor *t, gt_data_error *error)
{
    const int n = t->shape.ndim;
    char shape[128];
    if (t->dtype == GT_I64)
        return gt_data_fail(error, GT_ERR_DTYPE,
                            "the image is i64, but must be u8 or real\n  hint: of classes "
                            "gt_div_scalar(gt_cast(image, GT_F32), classes - 1)");
    if (t->size && t->size <= GTI_PIXELS_MOST &&
        (n == 2 || (n == 3 && (t->shape.dim[0] == 1 || t->shape.dim[0] == 3))))
        return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "the image is %s, but must be [h,w], [1,h,w] or [3,h,w], of at most %d "
                        "numbers",
                        gt_shape_format(t->shape, shape, sizeof shape), GTI_PIXELS_MOST);
}

gt_status gt_image_encode(const gt_tensor *t, uint8_t **png, size_t *size)
{
    static const char what[] = "gt_image_encode";
    gt_data_error error = {.code = GT_OK};
    *png = NULL;
    if (!gti_data_live(t, what)) return t ? gt_error_code(t->ctx) : GT_ERR_ARGUMENT;
    if (check_image(t, &error)) *png = make_png(t, size, &error);
    if (!*png) gti_data_report(t->ctx, what, &error);
    return gt_error_code(t->ctx);
}

gt_status gt_image_save(const gt_tensor *t, const char *path)
{
    static const char what[] = "gt_image_save";
    gt_status status;
    gt_data_error error = {.code = GT_OK};
    gt_file *f = gti_file_begin(t, path, what, &status);
    if (!f) return status;
    size_t size;
    uint8_t *png = check_image(t, &error) ? make_png(t, &size, &error) : NULL;
    if (!png) {
        gt_file_discard(f);
        gti_data_report(t->ctx, what, &error);
        return gt_error_code(t->ctx);
    }
    gt_file_write(f, png, size);
    free(png);
    return gt_file_commit(f);
}

/* WebP by libwebp: one picture, lossy or not. */
#include "data/data.h"

#ifdef GT_WITH_WEBP
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

/* A picture of one colour takes no bits for a pixel; nobody needs more of it than this. */
enum { PIXELS_PER_BYTE = 1 << 14 };

static bool fail(const gti_encoded *in, VP8StatusCode code, gt_data_error *error)
{
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", in->path);
    if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
        return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                            "%s: is a WebP file of a kind that libwebp "
                            "does not read",
                            in->path);
    return gt_data_fail(error, GT_ERR_FORMAT, "%s: not a sound WebP file: %s", in->path,
                        code == VP8_STATUS_NOT_ENOUGH_DATA ? "it is truncated" : "it is damaged");
}

/* Decodes to [h,w,channels]. */
static bool decode(const gti_encoded *in, const gti_picture *p, int channels, uint8_t *to,
                   gt_data_error *error)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return gt_data_fail(error, GT_ERR_UNSUPPORTED, "libwebp is another version");
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = to;
    config.output.u.RGBA.stride = (int)p->w * channels;
    config.output.u.RGBA.size = (size_t)(p->h * p->w * channels);
    const VP8StatusCode code = WebPDecode(in->bytes, (size_t)in->size, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK || fail(in, code, error);
}

/* Transparent parts show white. */
static bool decode_on_white(const gti_encoded *in, const gti_picture *p, gt_data_error *error)
{
    uint8_t *rgba = gti_data_malloc((size_t)(p->h * p->w * 4), error);
    const bool ok = rgba && decode(in, p, 4, rgba, error);
    for (int64_t i = 0; ok && i < p->h * p->w * 3; i++) {
        const unsigned alpha = rgba[i / 3 * 4 + 3], c = rgba[i / 3 * 4 + i % 3];
        p->rgb[i] = (uint8_t)((c * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    free(rgba);
    return ok;
}

/* What the chunk EXIF says, of those behind the twelve bytes of the file's header, each a name, a
 * length and so many bytes, made even; 1 where there is none. */
static int orientation(const gti_encoded *in)
{
    const uint8_t *at = in->bytes + 12;
    for (int64_t left = in->size - 12, n; left >= 8; left -= n + 8, at += n + 8) {
        n = (int64_t)at[4] | at[5] << 8 | at[6] << 16 | (int64_t)at[7] << 24;
        if (n > left - 8) break;
        if (!memcmp(at, "EXIF", 4)) return gti_exif_orientation(at + 8, (size_t)n);
        n += n % 2;
    }
    return 1;
}

bool gti_webp_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    WebPBitstreamFeatures f;
    const VP8StatusCode code = WebPGetFeatures(in->bytes, (size_t)in->size, &f);
    if (code != VP8_STATUS_OK) return fail(in, code, error);
    if (f.has_animation)
        return gt_data_fail(error, GT_ERR_UNSUPPORTED, "%s: is an animation, not one picture",
                            in->path);
    if (!gti_picture_allocate(p, f.height, f.width, in->size, PIXELS_PER_BYTE, in->path, error))
        return false;
    const bool ok = in->how.on_white && f.has_alpha ? decode_on_white(in, p, error)
                                                    : decode(in, p, 3, p->rgb, error);
    return ok && (!in->how.apply_exif_orientation || gti_exif_orient(p, orientation(in), error));
}

#else

bool gti_webp_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    (void)p;
    return gt_data_fail(error, GT_ERR_UNSUPPORTED,
                        "%s: is a WebP file, and this gradtape was built without libwebp",
                        in->path);
}

#endif

/* PPM and PGM files in their binary forms, P6 and P5, of 8 or 16 bits. */
#include "data/data.h"

enum { PIXELS_PER_BYTE = 1, NUMBER_MOST = 1 << 30 };

typedef struct {
    const uint8_t *at, *end;
} cursor;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number behind space and comments; -1 where there is none. */
static int64_t take_number(cursor *c)
{
    while (c->at < c->end && (is_space(*c->at) || *c->at == '#'))
        if (*c->at++ == '#')
            while (c->at < c->end && *c->at != '\n') c->at++;
    int64_t n = -1;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && n < NUMBER_MOST; c->at++)
        n = (n < 0 ? 0 : 10 * n) + (*c->at - '0');
    return n;
}

static bool fail(const gti_encoded *in, gt_data_error *error, const char *why)
{
    return gt_data_fail(error, GT_ERR_FORMAT, "%s: not a sound PPM or PGM file: %s", in->path, why);
}

/* Numbers 0..most of one or two bytes as 0..255, or 0..65535. */
static bool read_pixels(const gti_encoded *in, const uint8_t *from, int channels, int64_t most,
                        gti_picture *p, gt_data_error *error)
{
    const int bytes = most > 255 ? 2 : 1;
    for (int64_t i = 0; i < p->h * p->w * 3; i++) {
        const uint8_t *at = from + (channels == 3 ? i : i / 3) * bytes;
        const int64_t v = bytes == 2 ? at[0] << 8 | at[1] : at[0];
        if (v > most) return fail(in, error, "a number is larger than it says they are");
        const int64_t scaled = (v * (p->bytes == 2 ? 65535 : 255) + most / 2) / most;
        if (p->bytes == 2) p->rgb[2 * i] = (uint8_t)(scaled >> 8);
        p->rgb[p->bytes * i + p->bytes - 1] = (uint8_t)scaled;
    }
    return true;
}

bool gti_ppm_read(const gti_encoded *in, gti_picture *p, gt_data_error *error)
{
    cursor c = {in->bytes + 2, in->bytes + in->size};
    const int channels = in->bytes[1] == '6' ? 3 : 1;
    const int64_t w = take_number(&c), h = take_number(&c), most = take_number(&c);
    if (w <= 0 || h <= 0 || most <= 0 || most > 65535)
        return fail(in, error, "expected a width, a height and a number up to 65535");
    if (c.at == c.end || !is_space(*c.at++))
        return fail(in, error, "expected one space behind these");
    if (in->how.deep && most > 255) p->bytes = 2;
    if (!gti_picture_allocate(p, h, w, in->size, PIXELS_PER_BYTE, in->path, error)) return false;
    if (h * w * channels * (most > 255 ? 2 : 1) > c.end - c.at)
        return fail(in, error, "its pixels are cut off");
    if (in->how.stored && (channels != 1 || most > 255)) return gti_picture_no_mask(in, error);
    p->stored = in->how.stored;
    for (int64_t i = 0; p->stored && i < h * w; i++) {
        if (c.at[i] > most) return fail(in, error, "a number is larger than it says they are");
        p->rgb[i] = c.at[i];
    }
    return p->stored || read_pixels(in, c.at, channels, most, p, error);
}

/* What the files of src/data share. Functions that return bool or a pointer and take a
 * gt_data_error fill it in when they fail. */
#ifndef GTI_DATA_DATA_H
#define GTI_DATA_DATA_H

#include <gradtape/io.h>
#include <gradtape/op.h>
#include <gradtape/profile.h>
#include <gradtape/transforms.h>
#include <stdio.h>

/* --- dataset.c --- */

/* Whether a call on gt may begin; otherwise the failure is recorded, if it is not already. */
bool gti_data_ready(gt_ctx *gt, const char *what);
/* Whether d is there and its context well; otherwise fails. */
bool gti_data_present(const gt_dataset *d, const char *what);
/* Moves the error to the context. */
void gti_data_report(gt_ctx *gt, const char *what, const gt_data_error *error);
/* memory = malloc(size) of at least one byte, and an error when there is none. */
void *gti_data_malloc(size_t size, gt_data_error *error);

/* --- file.c --- */

/* A file of bytes to be read from front to back; a gzipped one is inflated on the way. */
typedef struct {
    const char *path;
    FILE *f;
    void *inflater; /* NULL: the file is plain */
    int64_t limit;  /* no more bytes than this can come */
    int64_t taken;
    bool summed; /* crc is that of what was taken */
    uint32_t crc;
    gt_data_error *error;
} gti_source;
bool gti_source_open(gti_source *s, const char *path, gt_data_error *error);
bool gti_source_open_plain(gti_source *s, const char *path, gt_data_error *error); /* as it is */
void gti_source_close(gti_source *s);
/* Goes on with the n bytes at `at` of a plain file, which has them. */
bool gti_source_seek(gti_source *s, int64_t at, int64_t n);
/* What follows in a plain file is n bytes that were deflated. */
bool gti_source_inflate(gti_source *s, int64_t n);
/* Whether the sum of the bytes that were taken is crc; true where zlib is missing. */
bool gti_source_check(const gti_source *s, uint32_t crc);
/* Reads n bytes of what is called `part`. */
bool gti_source_read(gti_source *s, void *to, int64_t n, const char *part);
/* The same into memory of its own, of n + 1 bytes, which never is much more than what the file has
 * given. */
uint8_t *gti_source_take(gti_source *s, int64_t n, const char *part);
/* Whether the file ends here. */
bool gti_source_end(gti_source *s);

/* What errno says of the file. Returns false. */
bool gti_file_fail(const char *path, gt_data_error *error);
/* All of a file, as it is. */
uint8_t *gti_file_read(const char *path, int64_t *size, gt_data_error *error);
/* False with an error set where that cannot be told. */
bool gti_file_exists(const char *path, gt_data_error *error);
/* "folder/name" plus suffix, in memory of its own. */
char *gti_file_path(const char *folder, const char *name, const char *suffix, gt_data_error *error);
/* Whether t's data can be read; otherwise fails on behalf of `what`. */
bool gti_data_live(const gt_tensor *t, const char *what);
/* Begins the file `path` that t is written to; NULL after a failure, which *status tells. */
gt_file *gti_file_begin(const gt_tensor *t, const char *path, const char *what, gt_status *status);

/* Deflate can shrink its input by no more than this. */
enum { GTI_DEFLATE_RATIO = 1032 };

/* --- bytes.c: datasets of bytes in memory --- */

typedef struct {
    gt_dataset base;
    uint8_t *data, *labels; /* image i at data + i * stride, its label at labels + i * step */
    int64_t stride, step;
    uint8_t *owned[2]; /* to be freed */
} gti_bytes;
bool gti_bytes_get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error);
bool gti_bytes_label(const gt_dataset *d, int64_t i, int64_t *label);
void gti_bytes_free(gt_dataset *d);
/* Whether all labels are below n_classes. */
bool gti_bytes_check(const gti_bytes *b, const char *path, gt_data_error *error);

/* --- element.c --- */

/* An element of an array in a file: its bytes; 'f' real, 'i' integer, 'u' without sign, 'b'
 * boolean; and whether the first byte is the greatest. */
typedef struct {
    int size;
    char kind;
    bool big;
} gti_element;
/* The dtype that holds such elements; false where there is none. */
bool gti_element_dtype(const gti_element *e, gt_dtype *dtype);
/* Sets t's element i, where t is of that dtype. */
void gti_element_convert(const gti_element *e, const uint8_t *from, gt_tensor *t, int64_t i);

/* --- npy.c --- */

/* The array that is the rest of the source. */
gt_tensor *gti_npy_take(gt_ctx *gt, gti_source *s);

/* --- picture.c, png_read.c, png_write.c, jpeg.c --- */

/* Red, green, blue, u8 [h,w,3]. */
typedef struct {
    int64_t h, w;
    uint8_t *rgb; /* to be freed */
    bool stored;  /* rgb is [h,w], numbers as they are stored */
    int bytes;    /* of a number: 1, or 2, the greater one first; known before it is allocated */
} gti_picture;
bool gti_picture_read(const char *path, const gt_image_opts *how, gti_picture *p,
                      gt_data_error *error);
/* The most pixels of a picture: from about here on other readers take it for an attack, too. */
enum { GTI_PIXELS_MOST = 178956970 };
/* Allocates h * w pixels, if as many can come out of `size` bytes of a file, `ratio` of one. */
bool gti_picture_allocate(gti_picture *p, int64_t h, int64_t w, int64_t size, int64_t ratio,
                          const char *path, gt_data_error *error);
/* As below, resized to [3,h,w] or [1,h,w]. */
bool gti_picture_resize(const gti_picture *p, bool grey, int64_t h, int64_t w, uint8_t *to,
                        gt_data_error *error);
/* [h,w,3] to floats 0..1 [3,h,w], or [1,h,w]. */
void gti_picture_floats(const gti_picture *p, bool grey, float *to);
/* u8 [h,w,3] to [3,h,w], or [1,h,w] with PIL's weights. */
void gti_picture_planes(const gti_picture *p, bool grey, uint8_t *to);
/* What decoders are given. */
typedef struct {
    const uint8_t *bytes;
    int64_t size;
    const char *path; /* for messages */
    gt_image_opts how;
} gti_encoded;
bool gti_png_read(const gti_encoded *in, gti_picture *p, gt_data_error *error);
bool gti_jpeg_read(const gti_encoded *in, gti_picture *p, gt_data_error *error);
bool gti_webp_read(const gti_encoded *in, gti_picture *p, gt_data_error *error);
/* What a file says that has no stored numbers to give; false. */
bool gti_picture_no_mask(const gti_encoded *in, gt_data_error *error);
bool gti_bmp_read(const gti_encoded *in, gti_picture *p, gt_data_error *error);
bool gti_ppm_read(const gti_encoded *in, gti_picture *p, gt_data_error *error);
/* The bytes of a PNG file of u8 [h,w,channels], at most GTI_PIXELS_MOST pixels; to be freed. */
uint8_t *gti_png_make(const uint8_t *pixels, int64_t h, int64_t w, int channels, size_t *size,
                      gt_data_error *error);

/* --- exif.c --- */

/* The orientation, 1 to 8, in an EXIF block, which begins with its byte order; 1, which is upright,
 * where there is none to be found. */
int gti_exif_orientation(const uint8_t *exif, size_t size);
/* Turns a picture of this orientation upright. */
bool gti_exif_orient(gti_picture *p, int orientation, gt_data_error *error);

/* --- random numbers --- */

/* SplitMix64 (Steele, Lea and Flood), started from two keys. */
typedef struct {
    uint64_t state;
} gti_noise;

static inline uint64_t gti_noise_u64(gti_noise *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline gti_noise gti_noise_start(uint64_t seed, uint64_t index)
{
    gti_noise a = {seed}, b = {index ^ 0x6a09e667f3bcc909u};
    return (gti_noise){gti_noise_u64(&a) ^ gti_noise_u64(&b)};
}

/* Uniform in [low,high). */
static inline float gti_noise_range(gti_noise *r, double low, double high)
{
    return (float)(low + (high - low) * (double)(gti_noise_u64(r) >> 40) * 0x1p-24);
}

/* 0..n-1, n > 0 */
static inline int64_t gti_noise_below(gti_noise *r, int64_t n)
{
    return (int64_t)(gti_noise_u64(r) % (uint64_t)n);
}

/* --- transforms --- */

/* An image on its way through the transforms, f32 [c,h,w]; a transform that cannot work in place
 * writes to spare and swaps. Both have room for the largest image of the way. */
typedef struct {
    float *at, *spare;
    int64_t c, h, w;
    bool nearest; /* a mask: between two classes there is none */
} gti_image;

static inline int64_t gti_image_size(const gti_image *m)
{
    return m->c * m->h * m->w;
}

static inline void gti_image_swap(gti_image *m, int64_t h, int64_t w)
{
    float *at = m->at;
    m->at = m->spare;
    m->spare = at;
    m->h = h;
    m->w = w;
}

/* Checks the options of t and fills in what was not given; once, since zeros then are zeros. */
bool gti_transform_complete(gt_transform *t, gt_data_error *error);
/* Whether it takes pictures [c,h,w]; sets the output's h and w. */
bool gti_transform_fit(const gt_transform *t, int64_t c, int64_t *h, int64_t *w,
                       gt_data_error *error);
/* "random_flip" */
const char *gti_transform_name(const gt_transform *t);
/* Whether it draws numbers. */
bool gti_transform_is_random(const gt_transform *t);
/* Whether it is one of whole batches. */
bool gti_transform_is_of_batches(const gt_transform *t);
/* Whether it moves pixels, and so masks with their pictures. */
bool gti_transform_is_geometric(const gt_transform *t);
bool gti_transform_apply(const gt_transform *t, gti_image *m, gti_noise *r, gt_data_error *error);
/* resize.c: bilinear with antialiasing, by way of [c,h,ow], for which there must be room too */
void gti_resize(gti_image *m, int64_t oh, int64_t ow);
/* blur.c: with a kernel of size[0] x size[1] pixels, odd and at most so many */
enum { GTI_BLUR_MOST = 255 };
void gti_blur(gti_image *m, const int size[2], float sigma);
/* The place of n_in that place i of n_out takes, as torch's interpolate(mode="nearest"). */
int64_t gti_resize_nearest(int64_t i, int64_t n_in, int64_t n_out);
/* rotate.c */
void gti_rotate(gti_image *m, double radians);
/* colour.c; hue by a part of the circle */
void gti_colour_turn_hue(gti_image *m, float turn);
void gti_colour_jitter(const gt_transform *t, gti_image *m, gti_noise *r);

#endif

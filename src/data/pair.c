/* Folders of pictures and masks of the same names. */
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"

typedef struct {
    gt_dataset base;
    gti_listing list; /* of the pictures */
    char **masks;     /* [list.count] their paths; owned */
    gt_image_opts how;
    bool resize;
    int ignored;   /* this number of a mask is -100; 0: none is */
    int threshold; /* from this on 1, below it 0; 0: as they are */
} pairs;

enum { IGNORED = -100 };

/* --- finding masks --- */

/* The mask of a picture: its path below the folder, with another end; to be freed. */
static char *find_mask(const char *masks, const char *name, gt_data_error *error)
{
    static const char *const ends[] = {".png", ".bmp", ".pgm"};
    const char *dot = strrchr(name, '.');
    char *stem = gti_data_malloc(strlen(name) + 1, error);
    if (!stem) return NULL;
    snprintf(stem, strlen(name) + 1, "%.*s", (int)(dot - name), name);
    char *path = NULL;
    for (int i = 0; i < 3 && !path && error->code == GT_OK; i++) {
        path = gti_file_path(masks, stem, ends[i], error);
        if (!path || gti_file_exists(path, error)) continue;
        free(path);
        path = NULL;
    }
    if (!path)
        gt_data_fail(error, GT_ERR_IO, "%s/%s: there is no mask of this name, .png, .bmp or .pgm",
                     masks, stem);
    free(stem);
    return path;
}

static bool find_masks(pairs *d, const char *images, const char *masks, gt_data_error *error)
{
    d->masks = calloc((size_t)d->list.count + 1, sizeof *d->masks);
    if (!d->masks) return gt_data_fail(error, GT_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < d->list.count; i++) {
        d->masks[i] = find_mask(masks, d->list.files[i].path + strlen(images) + 1, error);
        if (!d->masks[i]) return false;
    }
    return true;
}

/* --- items --- */

static bool check_size(const pairs *d, const char *path, const gti_picture *p, gt_data_error *error)
{
    const int64_t h = d->base.member[0].shape.dim[1], w = d->base.member[0].shape.dim[2];
    if (d->resize || (p->h == h && p->w == w)) return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "%s: is %lld x %lld pixels, the first picture %lld x %lld; "
                        ".size = {%lld, %lld} in gt_mask_folder makes them equal",
                        path, (long long)p->w, (long long)p->h, (long long)w, (long long)h,
                        (long long)h, (long long)w);
}

static bool get_image(const pairs *d, int64_t i, uint8_t *to, gt_data_error *error)
{
    const int64_t *dim = d->base.member[0].shape.dim;
    const char *path = d->list.files[i].path;
    gti_picture p;
    if (!gti_picture_read(path, &d->how, &p, error)) return false;
    if (check_size(d, path, &p, error))
        gti_picture_resize(&p, d->how.grey, dim[1], dim[2], to, error);
    free(p.rgb);
    return error->code == GT_OK;
}

static int64_t class_of(const pairs *d, int number)
{
    if (d->ignored && number == d->ignored) return IGNORED;
    return d->threshold ? number >= d->threshold : number;
}

/* The pixel nearest to each, as gti_resize finds it. */
static bool get_mask(const pairs *d, int64_t i, int64_t *to, gt_data_error *error)
{
    const int64_t *dim = d->base.member[1].shape.dim;
    const gt_image_opts how = {.stored = true};
    gti_picture p;
    if (!gti_picture_read(d->masks[i], &how, &p, error)) return false;
    if (check_size(d, d->masks[i], &p, error))
        for (int64_t y = 0; y < dim[0]; y++)
            for (int64_t x = 0; x < dim[1]; x++)
                to[y * dim[1] + x] = class_of(d, p.rgb[gti_resize_nearest(y, p.h, dim[0]) * p.w +
                                                       gti_resize_nearest(x, p.w, dim[1])]);
    free(p.rgb);
    return error->code == GT_OK;
}

static bool get(const gt_dataset *base, int64_t i, void *const *to, gt_data_error *error)
{
    const pairs *d = (const pairs *)base;
    return get_image(d, i, to[0], error) && get_mask(d, i, to[1], error);
}

static void free_pairs(gt_dataset *base)
{
    pairs *d = (pairs *)base;
    for (int64_t i = 0; d->masks && i < d->list.count; i++) free(d->masks[i]);
    free(d->masks);
    gti_folder_list_free(&d->list);
}

static const gt_dataset_type type = {
    .name = "mask_folder", .size = sizeof(pairs), .get = get, .free = free_pairs};

static bool make(pairs *d, const char *images, const char *masks, const gt_mask_folder_opts *o,
                 gt_data_error *error)
{
    gti_picture first;
    if (!images || !masks) return gt_data_fail(error, GT_ERR_ARGUMENT, "a folder is NULL");
    if (o->ignored < 0 || o->ignored > 255)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "ignored is %d, must be 1 to 255", o->ignored);
    if (o->threshold < 0 || o->threshold > 255)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "threshold is %d, must be 1 to 255",
                            o->threshold);
    d->how = (gt_image_opts){.grey = o->grey, .apply_exif_orientation = false};
    d->ignored = o->ignored;
    d->threshold = o->threshold;
    d->resize = o->size[0] || o->size[1];
    if (!gti_folder_list_all(&d->list, images, error) || !find_masks(d, images, masks, error) ||
        !gti_folder_size(o->size, d->list.files[0].path, &d->how, &first, error))
        return false;
    d->base.count = d->list.count;
    d->base.member[0] = (gt_member){
        .shape = GT_SHAPE(o->grey ? 1 : 3, first.h, first.w), .dtype = GT_U8, .name = "image"};
    d->base.member[1] =
        (gt_member){.shape = GT_SHAPE(first.h, first.w), .dtype = GT_I64, .name = "mask"};
    return true;
}

gt_dataset *gt_mask_folder_(gt_ctx *gt, const char *folder, const char *masks_folder,
                            gt_mask_folder_opts opts)
{
    pairs *d = (pairs *)gt_dataset_new(gt, &type);
    if (!d) return NULL;
    gt_data_error error = {.code = GT_OK};
    opts.ignored = (int)gt_option_int(opts.ignored, 0);
    opts.threshold = (int)gt_option_int(opts.threshold, 0);
    if (make(d, folder, masks_folder, &opts, &error)) return &d->base;
    gti_data_report(gt, "mask_folder", &error);
    return NULL;
}

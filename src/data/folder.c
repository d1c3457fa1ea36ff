/* A folder with a folder of images for each class. */
#include <stdlib.h>

#include "data/folder.h"

typedef struct {
    gt_dataset base;
    gti_listing list;
    gt_image_opts how;
    bool resize;
} folder;

static bool label(const gt_dataset *base, int64_t i, int64_t *to)
{
    *to = ((const folder *)base)->list.files[i].label;
    return true;
}

static bool get(const gt_dataset *base, int64_t i, void *const *to, gt_data_error *error)
{
    const folder *d = (const folder *)base;
    const int64_t h = base->member[0].shape.dim[1], w = base->member[0].shape.dim[2];
    gti_picture p;
    if (!gti_picture_read(d->list.files[i].path, &d->how, &p, error)) return false;
    label(base, i, to[1]);
    if (d->resize || (p.h == h && p.w == w))
        gti_picture_resize(&p, d->how.grey, h, w, to[0], error);
    else
        gt_data_fail(error, GT_ERR_SHAPE,
                     "%s: is %lld x %lld pixels, the first image %lld x %lld; "
                     ".size = {%lld, %lld} in gt_image_folder makes them equal",
                     d->list.files[i].path, (long long)p.w, (long long)p.h, (long long)w,
                     (long long)h, (long long)h, (long long)w);
    free(p.rgb);
    return error->code == GT_OK;
}

static void free_folder(gt_dataset *base)
{
    gti_folder_list_free(&((folder *)base)->list);
}

bool gti_folder_size(const int size[2], const char *path, const gt_image_opts *how, gti_picture *p,
                     gt_data_error *error)
{
    const int64_t h = gt_option_pair(size, 0, 0), w = gt_option_pair(size, 1, 0);
    *p = (gti_picture){.h = h, .w = w};
    if ((size[0] || size[1]) && (h <= 0 || w <= 0 || h > 1 << 15 || w > 1 << 15))
        return gt_data_fail(error, GT_ERR_ARGUMENT,
                            "size is {%lld, %lld}, must be positive and at most 32768",
                            (long long)h, (long long)w);
    if (h) return true;
    if (!gti_picture_read(path, how, p, error)) return false;
    free(p->rgb);
    p->rgb = NULL;
    return true;
}

static bool set_shape(folder *d, const gt_image_folder_opts *o, gt_data_error *error)
{
    gti_picture first;
    d->how = (gt_image_opts){.grey = o->grey,
                             .apply_gamma = o->apply_gamma,
                             .on_white = o->on_white,
                             .apply_exif_orientation = o->apply_exif_orientation};
    d->resize = o->size[0] || o->size[1];
    if (!gti_folder_size(o->size, d->list.files[0].path, &d->how, &first, error)) return false;
    d->base.member[0].shape = GT_SHAPE(d->how.grey ? 1 : 3, first.h, first.w);
    return true;
}

static const gt_dataset_type type = {.name = "image_folder",
                                     .size = sizeof(folder),
                                     .get = get,
                                     .free = free_folder,
                                     .label = label};

static bool make(folder *d, const char *path, const gt_image_folder_opts *o, gt_data_error *error)
{
    if (!path) return gt_data_fail(error, GT_ERR_ARGUMENT, "the folder is NULL");
    const bool ok = gti_folder_list_make(&d->list, path, error);
    if (o->report) *o->report = d->list.report;
    d->base.member[0].dtype = GT_U8;
    d->base.count = d->list.count;
    d->base.n_classes = d->list.n_classes;
    d->base.classes = (const char *const *)d->list.classes;
    return ok && set_shape(d, o, error);
}

gt_dataset *gt_image_folder_(gt_ctx *gt, const char *path, gt_image_folder_opts opts)
{
    if (opts.report) *opts.report = (gt_image_folder_report){.skipped = 0};
    folder *d = (folder *)gt_dataset_new(gt, &type);
    if (!d) return NULL;
    gt_data_error error = {.code = GT_OK};
    if (make(d, path, &opts, &error)) return &d->base;
    gti_data_report(gt, "image_folder", &error);
    return NULL;
}

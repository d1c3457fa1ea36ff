/* A folder with a folder of images for each class. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "data/data.h"

typedef struct {
    char *path;
    int64_t label;
} file;

typedef struct {
    gt_dataset base;
    file *files;    /* base.count of them */
    int64_t room;   /* for files */
    char **classes; /* base.n_classes of them */
    bool resize, grey;
} folder;

/* --- listing --- */

static bool is_image(const char *name)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i]) == 0) return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted names in a folder that do not begin with a dot; the list and each name are to be
 * freed. -1 after a failure. */
static int64_t list_names(const char *path, char ***names, gt_data_error *error)
{
    DIR *dir = opendir(path);
    int64_t n = 0, room = 0;
    *names = NULL;
    if (!dir) {
        gt_data_fail(error, GT_ERR_IO, "%s: %s", path, strerror(errno));
        return -1;
    }
    for (struct dirent *e; error->code == GT_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        if (n == room) {
            room = 2 * room + 64;
            char **more = realloc(*names, (size_t)room * sizeof *more);
            if (!more) gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
            if (!more) break;
            *names = more;
        }
        (*names)[n] = strdup(e->d_name);
        if ((*names)[n]) n++;
        else gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
    }
    closedir(dir);
    if (n) qsort(*names, (size_t)n, sizeof **names, by_name);
    return n;
}

static void free_names(char **names, int64_t n)
{
    for (int64_t i = 0; i < n; i++) free(names[i]);
    free(names);
}

static bool add_file(folder *d, const char *path, const char *name, gt_data_error *error)
{
    if (d->base.count == d->room) {
        d->room = 2 * d->room + 256;
        file *more = realloc(d->files, (size_t)d->room * sizeof *more);
        if (!more) return gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
        d->files = more;
    }
    file *f = &d->files[d->base.count];
    f->label = d->base.n_classes;
    f->path = gti_path_join(path, name, "", error);
    d->base.count += f->path ? 1 : 0;
    return f->path;
}

/* Adds the images of the class in path/name, unless that is no folder. */
static bool add_class(folder *d, const char *path, const char *name, gt_data_error *error)
{
    char *inner = gti_path_join(path, name, "", error), **names = NULL;
    struct stat st;
    if (!inner || stat(inner, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(inner);
        return error->code == GT_OK;
    }
    const int64_t n = list_names(inner, &names, error);
    for (int64_t i = 0; i < n && error->code == GT_OK; i++)
        if (is_image(names[i])) add_file(d, inner, names[i], error);
    free_names(names, n);
    free(inner);
    d->classes[d->base.n_classes] = strdup(name);
    if (!d->classes[d->base.n_classes])
        return gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
    d->base.n_classes++;
    return error->code == GT_OK;
}

static bool list_classes(folder *d, const char *path, gt_data_error *error)
{
    char **names;
    const int64_t n = list_names(path, &names, error);
    d->classes = n >= 0 ? gti_data_malloc((size_t)n * sizeof *d->classes, error) : NULL;
    for (int64_t i = 0; d->classes && i < n && error->code == GT_OK; i++)
        add_class(d, path, names[i], error);
    free_names(names, n);
    d->base.classes = (const char *const *)d->classes;
    if (error->code == GT_OK && !d->base.count)
        gt_data_fail(error, GT_ERR_IO,
                     "%s: expected folders of .png, .jpg or .jpeg files, found %s", path,
                     d->base.n_classes ? "only folders without any" : "no folders");
    return error->code == GT_OK;
}

/* --- items --- */

/* Resizes by way of floats. */
static bool resize(const folder *d, const gti_picture *p, uint8_t *to, gt_data_error *error)
{
    const int64_t c = d->base.shape.dim[0], h = d->base.shape.dim[1], w = d->base.shape.dim[2];
    const int64_t in = c * p->h * p->w, out = c * h * w;
    const int64_t room = c * (p->h > h ? p->h : h) * (p->w > w ? p->w : w);
    uint8_t *planes = gti_data_malloc((size_t)in, error);
    float *a = gti_data_malloc((size_t)room * sizeof *a, error);
    float *b = gti_data_malloc((size_t)room * sizeof *b, error);
    if (planes && a && b) {
        gti_image m = {.at = a, .spare = b, .c = c, .h = p->h, .w = p->w};
        gti_picture_planes(p, d->grey, planes);
        for (int64_t i = 0; i < in; i++) a[i] = planes[i];
        gti_resize(&m, h, w);
        for (int64_t i = 0; i < out; i++) to[i] = (uint8_t)fminf(fmaxf(m.at[i] + 0.5f, 0), 255);
    }
    free(planes);
    free(a);
    free(b);
    return error->code == GT_OK;
}

static bool get(const gt_dataset *base, int64_t i, void *x, int64_t *label, gt_data_error *error)
{
    const folder *d = (const folder *)base;
    const int64_t h = base->shape.dim[1], w = base->shape.dim[2];
    gti_picture p;
    if (!gti_picture_read(d->files[i].path, &p, error)) return false;
    *label = d->files[i].label;
    if (p.h == h && p.w == w) gti_picture_planes(&p, d->grey, x);
    else if (d->resize) resize(d, &p, x, error);
    else
        gt_data_fail(error, GT_ERR_SHAPE,
                     "%s: is %lld x %lld pixels, the first image %lld x %lld; "
                     ".size = {%lld, %lld} in gt_image_folder makes them equal",
                     d->files[i].path, (long long)p.w, (long long)p.h, (long long)w, (long long)h,
                     (long long)h, (long long)w);
    free(p.rgb);
    return error->code == GT_OK;
}

static void free_folder(gt_dataset *base)
{
    folder *d = (folder *)base;
    for (int64_t i = 0; i < base->count; i++) free(d->files[i].path);
    free(d->files);
    free_names(d->classes, d->classes ? base->n_classes : 0);
}

static bool set_shape(folder *d, const gt_image_folder_opts *o, gt_data_error *error)
{
    const int64_t h = o->size[0], w = o->size[1] ? o->size[1] : o->size[0];
    if (h < 0 || w < 0 || h > 1 << 15 || w > 1 << 15 || (!h && w))
        return gt_data_fail(error, GT_ERR_ARGUMENT, "size is {%d, %d}", o->size[0], o->size[1]);
    d->grey = o->grey;
    d->resize = h;
    gti_picture first = {.h = h, .w = w};
    if (!h && !gti_picture_read(d->files[0].path, &first, error)) return false;
    free(first.rgb);
    d->base.shape = GT_SHAPE(d->grey ? 1 : 3, first.h, first.w);
    return true;
}

static const gt_dataset_type type = {
    .name = "image_folder", .size = sizeof(folder), .get = get, .free = free_folder};

gt_dataset *gt_image_folder_(gt_ctx *gt, const char *path, gt_image_folder_opts opts)
{
    folder *d = (folder *)gt_dataset_new(gt, &type);
    if (!d) return NULL;
    gt_data_error error = {.code = GT_OK};
    d->base.dtype = GT_U8;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the folder is NULL");
    else if (list_classes(d, path, &error) && set_shape(d, &opts, &error)) return &d->base;
    gti_data_report(gt, "image_folder", &error);
    return NULL;
}

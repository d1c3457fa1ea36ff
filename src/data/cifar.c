/* CIFAR-10 and CIFAR-100 in binary form: records of a label, or a coarse and a fine one, and
 * 3 x 32 x 32 pixels. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

enum { PIXELS = 3 * 32 * 32 };

typedef struct {
    gt_dataset_type type;
    const char *folder; /* that the archive makes */
    const char *train[5], *test;
    int n_train;
    int labels; /* bytes before the pixels; the last one counts */
    int n_classes;
    const char *const *classes;
    const char *hint; /* where a file that is not there comes from */
} cifar;

/* Puts the records of one file behind those that are there. */
static bool append_file(gti_bytes *b, const char *path, gt_data_error *error)
{
    int64_t size;
    uint8_t *bytes = gti_file_read(path, &size, error);
    if (!bytes) return false;
    if (!size || size % b->stride) {
        free(bytes);
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: expected records of %lld bytes, found %lld bytes, which is not a "
                            "whole number of them",
                            path, (long long)b->stride, (long long)size);
    }
    const int64_t before = b->base.count * b->stride;
    uint8_t *all = before ? realloc(b->owned[0], (size_t)(before + size)) : bytes;
    if (!all) {
        free(bytes);
        return gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
    }
    b->owned[0] = all;
    if (before) {
        memcpy(all + before, bytes, (size_t)size);
        free(bytes);
    }
    b->base.count += size / b->stride;
    return true;
}

static bool read_files(gti_bytes *b, const cifar *kind, const char *folder, bool train,
                       gt_data_error *error)
{
    const char *const *names = train ? kind->train : &kind->test;
    for (int i = 0; i < (train ? kind->n_train : 1); i++) {
        char *path = gti_file_path(folder, names[i], "", error);
        bool ok =
            path && (gti_file_exists(path, error) ||
                     gt_data_fail(error, GT_ERR_IO, "%s: is not there; %s", path, kind->hint));
        ok = ok && append_file(b, path, error);
        if (ok) b->labels = b->owned[0] + kind->labels - 1;
        ok = ok && gti_bytes_check(b, path, error);
        free(path);
        if (!ok) return false;
    }
    b->data = b->owned[0] + kind->labels;
    return true;
}

/* `folder`, or the archive's folder in it if there is one; to be freed. */
static char *find_folder(const cifar *kind, const char *folder, gt_data_error *error)
{
    char *inner = gti_file_path(folder, kind->folder, "", error);
    if (!inner || gti_file_exists(inner, error)) return inner;
    free(inner);
    if (error->code != GT_OK) return NULL;
    const size_t size = strlen(folder) + 1;
    char *same = gti_data_malloc(size, error);
    return same ? memcpy(same, folder, size) : NULL;
}

static gt_dataset *load(gt_ctx *gt, const cifar *kind, const char *folder, bool train)
{
    gti_bytes *b = (gti_bytes *)gt_dataset_new(gt, &kind->type);
    if (!b) return NULL;
    b->base.member[0].shape = GT_SHAPE(3, 32, 32);
    b->base.member[0].dtype = GT_U8;
    b->base.n_classes = kind->n_classes;
    b->base.classes = kind->classes;
    b->stride = b->step = kind->labels + PIXELS;
    gt_data_error error = {.code = GT_OK};
    if (!folder) gt_data_fail(&error, GT_ERR_ARGUMENT, "the folder is NULL");
    char *place = folder ? find_folder(kind, folder, &error) : NULL;
    const bool ok = place && read_files(b, kind, place, train, &error);
    free(place);
    if (ok) return &b->base;
    gti_data_report(gt, kind->type.name, &error);
    return NULL;
}

gt_dataset *gt_cifar10(gt_ctx *gt, const char *folder, bool train)
{
    static const char *const classes[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                          "dog",      "frog",       "horse", "ship", "truck"};
    static const cifar kind = {
        .type = {.name = "cifar10",
                 .size = sizeof(gti_bytes),
                 .get = gti_bytes_get,
                 .free = gti_bytes_free,
                 .label = gti_bytes_label},
        .folder = "cifar-10-batches-bin",
        .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                  "data_batch_5.bin"},
        .test = "test_batch.bin",
        .n_train = 5,
        .labels = 1,
        .n_classes = 10,
        .classes = classes,
        .hint = "'tools/get-data cifar10' of gradtape's source downloads it",
    };
    return load(gt, &kind, folder, train);
}

gt_dataset *gt_cifar100(gt_ctx *gt, const char *folder, bool train)
{
    static const cifar kind = {
        .type = {.name = "cifar100",
                 .size = sizeof(gti_bytes),
                 .get = gti_bytes_get,
                 .free = gti_bytes_free,
                 .label = gti_bytes_label},
        .folder = "cifar-100-binary",
        .train = {"train.bin"},
        .test = "test.bin",
        .n_train = 1,
        .labels = 2,
        .n_classes = 100,
        .hint = "it is in the archive cifar-100-binary.tar.gz",
    };
    return load(gt, &kind, folder, train);
}

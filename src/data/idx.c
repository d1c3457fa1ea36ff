/* IDX files, and the sets in MNIST's format that are made of them.
 *
 * An IDX file: two zero bytes, the type of its elements, the number of dimensions, each dimension
 * as a big-endian 32-bit number, and the elements, big-endian too. */
#include <stdlib.h>

#include "data/data.h"

/* The element of a type's code; size 0: there is none. */
static gti_element element_of(uint8_t code)
{
    static const gti_element elements[] = {
        [0x08] = {1, 'u', true}, [0x09] = {1, 'i', true}, [0x0b] = {2, 'i', true},
        [0x0c] = {4, 'i', true}, [0x0d] = {4, 'f', true}, [0x0e] = {8, 'f', true},
    };
    return code < sizeof elements / sizeof *elements ? elements[code] : (gti_element){.size = 0};
}

static bool read_header(gti_source *s, gti_element *e, gt_shape *shape)
{
    uint8_t head[4], size[4];
    if (!gti_source_read(s, head, 4, "IDX header")) return false;
    *e = element_of(head[2]);
    if (head[0] || head[1] || !e->size || !head[3] || head[3] > GT_MAX_DIMS)
        return gt_data_fail(s->error, GT_ERR_FORMAT,
                            "%s: expected an IDX file (00 00, then 08, 09 or 0b to 0e, then 01 to "
                            "%02x), found %02x %02x %02x %02x",
                            s->path, GT_MAX_DIMS, head[0], head[1], head[2], head[3]);
    *shape = (gt_shape){.ndim = head[3]};
    for (int i = 0; i < head[3]; i++) {
        if (!gti_source_read(s, size, 4, "IDX dimensions")) return false;
        shape->dim[i] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
    }
    return true;
}

static uint8_t *read_elements(gti_source *s, const gti_element *e, gt_shape shape)
{
    int64_t n = gt_shape_size(shape);
    if (n < 0 || __builtin_mul_overflow(n, e->size, &n)) {
        char text[128];
        gt_data_fail(s->error, GT_ERR_FORMAT, "%s: the size of %s overflows", s->path,
                     gt_shape_format(shape, text, sizeof text));
        return NULL;
    }
    uint8_t *bytes = gti_source_take(s, n, "elements");
    if (bytes && gti_source_end(s)) return bytes;
    free(bytes);
    return NULL;
}

/* The elements as they stand in the file, to be freed. */
static uint8_t *read_idx(const char *path, gti_element *e, gt_shape *shape, gt_data_error *error)
{
    gti_source s;
    *shape = GT_SCALAR;
    if (!gti_source_open(&s, path, error)) return NULL;
    uint8_t *bytes = read_header(&s, e, shape) ? read_elements(&s, e, *shape) : NULL;
    gti_source_close(&s);
    return bytes;
}

gt_tensor *gt_idx_load(gt_ctx *gt, const char *path)
{
    static const char what[] = "gt_idx_load";
    if (!gti_data_ready(gt, what)) return NULL;
    gt_data_error error = {.code = GT_OK};
    gti_element e;
    gt_shape shape;
    gt_dtype dtype;
    if (!path) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path is NULL");
    const gt_span span = gt_span_begin(gt, what);
    uint8_t *bytes = path ? read_idx(path, &e, &shape, &error) : NULL;
    gt_span_end(gt, span);
    if (!bytes || !gti_element_dtype(&e, &dtype)) {
        gti_data_report(gt, what, &error);
        return NULL;
    }
    gt_tensor *t = gt_empty_(gt, shape, (gt_new_opts){.dtype = dtype});
    for (int64_t i = 0; t && i < t->size; i++) gti_element_convert(&e, bytes + i * e.size, t, i);
    free(bytes);
    return t;
}

/* --- MNIST --- */

/* The file `name` in folder, as it is or gzipped; to be freed. */
static char *find_file(const char *folder, const char *name, gt_data_error *error)
{
    char *path = gti_file_path(folder, name, "", error);
    if (!path || gti_file_exists(path, error)) return path;
    free(path);
    path = error->code == GT_OK ? gti_file_path(folder, name, ".gz", error) : NULL;
    if (!path || gti_file_exists(path, error)) return path;
    free(path);
    gt_data_fail(
        error, GT_ERR_IO,
        "%s/%s: is not there, and neither is %s.gz; 'tools/get-data mnist' (or fashion-mnist) "
        "of gradtape's source downloads it",
        folder, name, name);
    return NULL;
}

/* The bytes of a file of them, in `ndim` dimensions; to be freed. */
static uint8_t *read_bytes(const char *path, int ndim, gt_shape *shape, gt_data_error *error)
{
    gti_element e;
    uint8_t *bytes = read_idx(path, &e, shape, error);
    if (!bytes || (shape->ndim == ndim && e.kind == 'u')) return bytes;
    gt_data_fail(error, GT_ERR_FORMAT, "%s: expected u8 in %d dimensions, found %c%d in %d", path,
                 ndim, e.kind, 8 * e.size, shape->ndim);
    free(bytes);
    return NULL;
}

static bool read_images(gti_bytes *b, const char *path, gt_data_error *error)
{
    gt_shape shape;
    b->data = b->owned[0] = read_bytes(path, 3, &shape, error);
    if (!b->data) return false;
    b->base.count = shape.dim[0];
    b->base.member[0].shape = GT_SHAPE(1, shape.dim[1], shape.dim[2]);
    b->stride = gt_shape_size(b->base.member[0].shape);
    return b->stride > 0 || gt_data_fail(error, GT_ERR_FORMAT, "%s: images of %lldx%lld pixels",
                                         path, (long long)shape.dim[1], (long long)shape.dim[2]);
}

static bool read_labels(gti_bytes *b, const char *path, gt_data_error *error)
{
    gt_shape shape;
    b->labels = b->owned[1] = read_bytes(path, 1, &shape, error);
    if (!b->labels) return false;
    b->step = 1;
    if (shape.dim[0] != b->base.count)
        return gt_data_fail(error, GT_ERR_FORMAT,
                            "%s: expected %lld labels for as many images, "
                            "found %lld",
                            path, (long long)b->base.count, (long long)shape.dim[0]);
    return gti_bytes_check(b, path, error);
}

static bool read_part(gti_bytes *b, const char *folder, const char *name,
                      bool (*read)(gti_bytes *b, const char *path, gt_data_error *error),
                      gt_data_error *error)
{
    char *path = find_file(folder, name, error);
    const bool ok = path && read(b, path, error);
    free(path);
    return ok;
}

static const gt_dataset_type mnist_type = {.name = "mnist",
                                           .size = sizeof(gti_bytes),
                                           .get = gti_bytes_get,
                                           .free = gti_bytes_free,
                                           .label = gti_bytes_label};

gt_dataset *gt_mnist_(gt_ctx *gt, const char *folder, bool train, gt_mnist_opts opts)
{
    static const char *const names[2][2] = {{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
                                            {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}};
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    static const char *const fashion[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                          "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                          "Bag",         "Ankle boot"};
    gti_bytes *b = (gti_bytes *)gt_dataset_new(gt, &mnist_type);
    if (!b) return NULL;
    gt_data_error error = {.code = GT_OK};
    b->base.member[0].dtype = GT_U8;
    b->base.n_classes = 10;
    b->base.classes = opts.kind == GT_MNIST_FASHION ? fashion : digits;
    if (!folder) gt_data_fail(&error, GT_ERR_ARGUMENT, "the folder is NULL");
    else if (read_part(b, folder, names[train][0], read_images, &error) &&
             read_part(b, folder, names[train][1], read_labels, &error))
        return &b->base;
    gti_data_report(gt, "mnist", &error);
    return NULL;
}

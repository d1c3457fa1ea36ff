/* Datasets in general, tensors as datasets, and parts of datasets. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"

bool gt_data_fail(gt_data_error *error, gt_status code, const char *fmt, ...)
{
    if (!error || error->code != GT_OK) return false;
    error->code = code;
    va_list args;
    va_start(args, fmt);
    gt_vsnprintf(error->text, sizeof error->text, fmt, args);
    va_end(args);
    return false;
}

bool gti_data_ready(gt_ctx *gt, const char *what)
{
    if (!gt) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the context is NULL");
    return gt && !gt_failed(gt);
}

void gti_data_report(gt_ctx *gt, const char *what, const gt_data_error *error)
{
    if (error->code != GT_OK) gt_fail(gt, error->code, what, "%s", error->text);
    else if (!gt_failed(gt))
        gt_fail(gt, GT_ERR_IO, what, "failed without a message: call gt_data_fail");
}

void *gti_data_malloc(size_t size, gt_data_error *error)
{
    void *memory = malloc(size ? size : 1);
    if (!memory) gt_data_fail(error, GT_ERR_MEMORY, "out of memory for %zu bytes", size);
    return memory;
}

/* --- making --- */

static void free_dataset(void *object)
{
    gt_dataset *d = object;
    if (d->type->free) d->type->free(d);
    free(d);
}

gt_dataset *gt_dataset_new(gt_ctx *gt, const gt_dataset_type *type)
{
    static const char what[] = "gt_dataset_new";
    if (!gti_data_ready(gt, what)) return NULL;
    if (!type || !type->name || !type->get || type->size < sizeof(gt_dataset)) {
        gt_fail(gt, GT_ERR_ARGUMENT, what,
                "the type needs a name, get, and the size of a struct that begins with a "
                "gt_dataset (at least %zu bytes)",
                sizeof(gt_dataset));
        return NULL;
    }
    gt_dataset *d = calloc(1, type->size);
    if (!d) {
        gt_fail(gt, GT_ERR_MEMORY, what, "out of memory for a %s", type->name);
        return NULL;
    }
    d->type = type;
    d->ctx = gt;
    if (gt_at_close(gt, free_dataset, d) == GT_OK) return d;
    free(d);
    return NULL;
}

/* Whether d is there; otherwise fails. */
static bool present(const gt_dataset *d, const char *what)
{
    if (!d) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the dataset is NULL");
    return d && !gt_failed(d->ctx);
}

gt_tensor *gt_dataset_item(gt_dataset *d, int64_t i, int64_t *label)
{
    static const char what[] = "gt_dataset_item";
    if (!present(d, what)) return NULL;
    if (i < 0 || i >= d->count) {
        gt_fail(d->ctx, GT_ERR_ARGUMENT, what, "there is no item %lld in a dataset of %lld",
                (long long)i, (long long)d->count);
        return NULL;
    }
    gt_tensor *t = gt_empty_(d->ctx, d->shape, (gt_new_opts){.dtype = d->dtype});
    gt_data_error error = {.code = GT_OK};
    int64_t unwanted;
    if (!t || d->type->get(d, i, t->data, label ? label : &unwanted, &error)) return t;
    gti_data_report(d->ctx, what, &error);
    return NULL;
}

/* --- tensors --- */

typedef struct {
    gt_dataset base;
    const gt_tensor *x, *y;
} tensors;

static bool tensors_get(const gt_dataset *d, int64_t i, void *x, int64_t *label,
                        gt_data_error *error)
{
    (void)error;
    const tensors *t = (const tensors *)d;
    const size_t bytes = (size_t)(t->x->size / d->count) * gt_dtype_size(d->dtype);
    memcpy(x, (const char *)t->x->data + (size_t)i * bytes, bytes);
    *label = t->y ? ((const int64_t *)t->y->data)[i] : 0;
    return true;
}

static const gt_dataset_type tensors_type = {
    .name = "tensor_dataset", .size = sizeof(tensors), .get = tensors_get};

static bool check_tensors(const gt_tensor *x, const gt_tensor *y, const char *what)
{
    if (x->dtype != GT_U8 && x->dtype != GT_F32)
        return !gt_fail(x->ctx, GT_ERR_DTYPE, what, "x is %s, must be u8 or f32",
                        gt_dtype_name(x->dtype));
    if (y && y->dtype != GT_I64)
        return !gt_fail(x->ctx, GT_ERR_DTYPE, what, "y is %s, must be i64",
                        gt_dtype_name(y->dtype));
    if (x->shape.ndim >= 1 &&
        (!y || (y->shape.ndim == 1 && y->shape.dim[0] == x->shape.dim[0] && y->ctx == x->ctx)))
        return true;
    char a[128], b[128];
    gt_fail(x->ctx, GT_ERR_SHAPE, what, "x is %s and y %s, but must be [n,...] and [n]",
            gt_shape_format(x->shape, a, sizeof a),
            y ? gt_shape_format(y->shape, b, sizeof b) : "NULL");
    return false;
}

gt_dataset *gt_tensor_dataset(gt_tensor *x, gt_tensor *y)
{
    static const char what[] = "gt_tensor_dataset";
    if (!x) {
        if (!y || !gt_failed(y->ctx))
            gt_fail(y ? y->ctx : NULL, GT_ERR_ARGUMENT, what, "x is NULL");
        return NULL;
    }
    if (gt_failed(x->ctx) || !check_tensors(x, y, what)) return NULL;
    gt_tensor *kept_x = gt_keep(x), *kept_y = y ? gt_keep(y) : NULL;
    tensors *t = (tensors *)gt_dataset_new(x->ctx, &tensors_type);
    if (!kept_x || !t) return NULL;
    t->x = kept_x;
    t->y = kept_y;
    t->base.count = x->shape.dim[0];
    t->base.dtype = x->dtype;
    t->base.shape = gt_shape_of(x->shape.ndim - 1, x->shape.dim + 1);
    for (int64_t i = 0; kept_y && i < t->base.count; i++) {
        const int64_t label = ((const int64_t *)kept_y->data)[i];
        if (label >= t->base.n_classes) t->base.n_classes = label + 1;
    }
    return &t->base;
}

/* --- parts --- */

typedef struct {
    gt_dataset base;
    const gt_dataset *of;
    int64_t *indices;
} subset;

static bool subset_get(const gt_dataset *d, int64_t i, void *x, int64_t *label,
                       gt_data_error *error)
{
    const subset *s = (const subset *)d;
    return s->of->type->get(s->of, s->indices[i], x, label, error);
}

static void subset_free(gt_dataset *d)
{
    free(((subset *)d)->indices);
}

static const gt_dataset_type subset_type = {
    .name = "subset", .size = sizeof(subset), .get = subset_get, .free = subset_free};

static subset *new_subset(const gt_dataset *d, int64_t n, const char *what)
{
    subset *s = (subset *)gt_dataset_new(d->ctx, &subset_type);
    if (!s) return NULL;
    const gt_dataset_type *type = s->base.type;
    s->base = *d;
    s->base.type = type;
    s->base.count = n;
    s->of = d;
    s->indices = (uint64_t)n < SIZE_MAX / 8 ? malloc((size_t)n * sizeof(int64_t) + 1) : NULL;
    if (s->indices) return s;
    gt_fail(d->ctx, GT_ERR_MEMORY, what, "out of memory for %lld indices", (long long)n);
    return NULL;
}

gt_dataset *gt_subset_at(gt_dataset *d, int64_t n, const int64_t *indices)
{
    static const char what[] = "gt_subset_at";
    if (!present(d, what)) return NULL;
    if (n < 0 || (n && !indices)) {
        gt_fail(d->ctx, GT_ERR_ARGUMENT, what, "%lld indices%s", (long long)n,
                indices ? "" : " at NULL");
        return NULL;
    }
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] >= 0 && indices[i] < d->count) continue;
        gt_fail(d->ctx, GT_ERR_ARGUMENT, what, "index %lld is %lld, in a dataset of %lld items",
                (long long)i, (long long)indices[i], (long long)d->count);
        return NULL;
    }
    subset *s = new_subset(d, n, what);
    if (!s) return NULL;
    if (n) memcpy(s->indices, indices, (size_t)n * sizeof *indices);
    return &s->base;
}

static int64_t clamp(int64_t i, int64_t n)
{
    if (i < 0) i += n;
    return i < 0 ? 0 : i > n ? n : i;
}

gt_dataset *gt_subset(gt_dataset *d, int64_t start, int64_t stop)
{
    static const char what[] = "gt_subset";
    if (!present(d, what)) return NULL;
    const int64_t first = clamp(start, d->count), end = clamp(stop, d->count);
    subset *s = new_subset(d, end > first ? end - first : 0, what);
    if (!s) return NULL;
    for (int64_t i = 0; i < s->base.count; i++) s->indices[i] = first + i;
    return &s->base;
}

gt_status gt_random_split(gt_dataset *d, int64_t first, gt_dataset **a, gt_dataset **b)
{
    static const char what[] = "gt_random_split";
    if (!a || !b || !d)
        return gt_fail(d ? d->ctx : NULL, GT_ERR_ARGUMENT, what, "the dataset, a or b is NULL");
    *a = *b = NULL;
    if (gt_failed(d->ctx)) return gt_error_code(d->ctx);
    if (first < 0 || first > d->count)
        return gt_fail(d->ctx, GT_ERR_ARGUMENT, what, "%lld of %lld items", (long long)first,
                       (long long)d->count);
    gt_tensor *order = gt_keep(gt_randperm(d->ctx, d->count));
    if (!order) return gt_error_code(d->ctx);
    const int64_t *indices = order->data;
    *a = gt_subset_at(d, first, indices);
    *b = gt_subset_at(d, d->count - first, indices + first);
    gt_free(order);
    return *a && *b ? GT_OK : gt_error_code(d->ctx);
}

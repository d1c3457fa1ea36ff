/* Tensors as datasets. */
#include <string.h>

#include "data/item.h"

typedef struct {
    gt_dataset base;
    const gt_tensor *of[GT_MEMBERS_MOST];
} tensors;

static bool get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    for (int k = 0; k < d->members; k++) {
        const gt_tensor *t = ((const tensors *)d)->of[k];
        const char *why = gt_unusable(t);
        if (why) return gt_data_fail(error, GT_ERR_STATE, "the tensor of member %d %s", k, why);
        const int64_t n = t->size / d->count;
        const size_t bytes = (size_t)n * gt_dtype_size(t->dtype);
        if (d->member[k].dtype == t->dtype)
            memcpy(to[k], (const char *)t->data + (size_t)i * bytes, bytes);
        else
            for (int64_t j = 0; j < n; j++)
                ((int64_t *)to[k])[j] = ((const uint8_t *)t->data)[i * n + j];
    }
    return true;
}

static const gt_dataset_type type = {.name = "tensor_dataset", .size = sizeof(tensors), .get = get};

static bool check(int n, gt_tensor *const *t, int k)
{
    static const char what[] = "gt_tensor_dataset";
    char a[128], b[128];
    gt_ctx *gt = t[0] ? t[0]->ctx : n > 1 && t[1] ? t[1]->ctx : NULL;
    if (gt && gt_failed(gt)) return false;
    if (n > GT_MEMBERS_MOST)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "%d tensors; items have at most %d", n, GT_MEMBERS_MOST);
    else if (!t[k]) gt_fail(gt, GT_ERR_ARGUMENT, what, "tensor %d is NULL", k);
    else if (t[k]->ctx != gt)
        gt_fail(gt, GT_ERR_ARGUMENT, what, "tensor %d is of another context than the first", k);
    else if (t[k]->shape.ndim < 1 || t[k]->shape.dim[0] != t[0]->shape.dim[0])
        gt_fail(gt, GT_ERR_SHAPE, what,
                "tensor 0 is %s and tensor %d %s, but all must be [n,...] with the same n",
                gt_shape_format(t[0]->shape, a, sizeof a), k,
                gt_shape_format(t[k]->shape, b, sizeof b));
    else return true;
    return false;
}

/* The classes that the labels tell of. */
static int64_t classes_of(const tensors *d, int last)
{
    const gt_tensor *labels = d->of[last];
    int64_t n = 0;
    if (d->base.member[last].dtype != GT_I64 || labels->shape.ndim != 1) return 0;
    for (int64_t i = 0; i < d->base.count; i++) {
        const int64_t label = labels->dtype == GT_I64 ? ((const int64_t *)labels->data)[i]
                                                      : ((const uint8_t *)labels->data)[i];
        if (label >= n && label < INT64_MAX) n = label + 1;
    }
    return n;
}

/* Of bytes: a target that is no picture has classes. */
static gt_dtype dtype_of(const gt_tensor *t, bool is_target)
{
    return is_target && t->dtype == GT_U8 && t->shape.ndim != 4 ? GT_I64 : t->dtype;
}

gt_dataset *gt_tensor_dataset_(int n, gt_tensor *const *members)
{
    for (int k = 0; k < n; k++)
        if (!check(n, members, k)) return NULL;
    tensors *d = (tensors *)gt_dataset_new(members[0]->ctx, &type);
    if (!d) return NULL;
    d->base.count = members[0]->shape.dim[0];
    d->base.members = n;
    for (int k = 0; k < n; k++) {
        const gt_tensor *t = d->of[k] = gt_keep(members[k]);
        if (!t) return NULL;
        d->base.member[k] = (gt_member){.shape = gt_shape_of(t->shape.ndim - 1, t->shape.dim + 1),
                                        .dtype = dtype_of(t, k > 0 && k == n - 1)};
    }
    d->base.n_classes = classes_of(d, n - 1);
    return &d->base;
}

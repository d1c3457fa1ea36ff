/* Parts of datasets. */
#include <stdlib.h>
#include <string.h>

#include "data/item.h"

typedef struct {
    gt_dataset base;
    const gt_dataset *of;
    int64_t *indices;
} subset;

static bool subset_get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    const subset *s = (const subset *)d;
    return s->of->type->get(s->of, s->indices[i], to, error);
}

static bool subset_label(const gt_dataset *d, int64_t i, int64_t *label)
{
    const subset *s = (const subset *)d;
    return s->of->type->label && s->of->type->label(s->of, s->indices[i], label);
}

static void subset_free(gt_dataset *d)
{
    free(((subset *)d)->indices);
}

static const gt_dataset_type subset_type = {.name = "subset",
                                            .size = sizeof(subset),
                                            .get = subset_get,
                                            .free = subset_free,
                                            .label = subset_label};

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
    if (!gti_data_present(d, what)) return NULL;
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
    if (!gti_data_present(d, what)) return NULL;
    const int64_t first = clamp(start, d->count), end = clamp(stop, d->count);
    subset *s = new_subset(d, end > first ? end - first : 0, what);
    if (!s) return NULL;
    for (int64_t i = 0; i < s->base.count; i++) s->indices[i] = first + i;
    return &s->base;
}

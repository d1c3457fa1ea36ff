/* Datasets one behind the other. */
#include <string.h>

#include "data/item.h"

typedef struct {
    gt_dataset base;
    const gt_dataset **of;
    int n;
} joined;

/* The dataset that item *i is in; *i becomes its number there. */
static const gt_dataset *find(const gt_dataset *d, int64_t *i)
{
    const joined *j = (const joined *)d;
    int k = 0;
    while (*i >= j->of[k]->count) *i -= j->of[k++]->count;
    return j->of[k];
}

static bool get(const gt_dataset *d, int64_t i, void *const *to, gt_data_error *error)
{
    const gt_dataset *of = find(d, &i);
    return of->type->get(of, i, to, error);
}

static bool label(const gt_dataset *d, int64_t i, int64_t *to)
{
    const gt_dataset *of = find(d, &i);
    return of->type->label && of->type->label(of, i, to);
}

static void free_joined(gt_dataset *d)
{
    free(((joined *)d)->of);
}

static const gt_dataset_type type = {
    .name = "concat", .size = sizeof(joined), .get = get, .free = free_joined, .label = label};

static bool check_member(const gt_dataset *a, const gt_dataset *b, int i, int k,
                         gt_data_error *error)
{
    char x[128], y[128];
    const gt_member *m = &a->member[k], *o = &b->member[k];
    if (m->dtype == o->dtype && gt_shape_equal(m->shape, o->shape)) return true;
    return gt_data_fail(error, GT_ERR_SHAPE,
                        "member %d is %s %s in dataset 0 and %s %s in dataset %d", k,
                        gt_dtype_name(m->dtype), gt_shape_format(m->shape, x, sizeof x),
                        gt_dtype_name(o->dtype), gt_shape_format(o->shape, y, sizeof y), i);
}

/* Classes of one number but of two names are two. */
static bool check_classes(const gt_dataset *a, const gt_dataset *b, int i, gt_data_error *error)
{
    const int64_t n = a->n_classes < b->n_classes ? a->n_classes : b->n_classes;
    for (int64_t k = 0; a->classes && b->classes && k < n; k++)
        if (strcmp(a->classes[k], b->classes[k]) != 0)
            return gt_data_fail(error, GT_ERR_ARGUMENT,
                                "class %lld is '%.100s' in dataset 0 and '%.100s' in dataset %d",
                                (long long)k, a->classes[k], b->classes[k], i);
    return true;
}

/* Whether dataset i can follow the first. */
static bool check(gt_dataset *const *sets, int i, gt_data_error *error)
{
    const gt_dataset *a = sets[0], *b = sets[i];
    if (!b) return gt_data_fail(error, GT_ERR_ARGUMENT, "dataset %d is NULL", i);
    if (b->ctx != a->ctx)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "dataset %d is of another context", i);
    if (b->members != a->members)
        return gt_data_fail(error, GT_ERR_SHAPE, "dataset 0 has %d members, dataset %d %d",
                            a->members, i, b->members);
    for (int k = 0; k < a->members; k++)
        if (!check_member(a, b, i, k, error)) return false;
    return check_classes(a, b, i, error);
}

static bool fill(joined *j, int n, gt_dataset *const *sets, gt_data_error *error)
{
    j->of = gti_data_malloc((size_t)n * sizeof *j->of, error);
    if (!j->of) return false;
    j->base.members = sets[0]->members;
    memcpy(j->base.member, sets[0]->member, sizeof j->base.member);
    j->base.classes = sets[0]->classes;
    for (int i = 0; i < n; i++) {
        if (!check(sets, i, error)) return false;
        j->of[j->n++] = sets[i];
        j->base.count += sets[i]->count;
        if (sets[i]->n_classes > j->base.n_classes) {
            j->base.n_classes = sets[i]->n_classes;
            j->base.classes = sets[i]->classes;
        }
    }
    return true;
}

gt_dataset *gt_dataset_concat_(int n, gt_dataset *const *sets)
{
    static const char what[] = "gt_dataset_concat";
    if (!gti_data_present(sets[0], what)) return NULL;
    gt_ctx *gt = sets[0]->ctx;
    joined *j = (joined *)gt_dataset_new(gt, &type);
    gt_data_error error = {.code = GT_OK};
    if (!j) return NULL;
    if (fill(j, n, sets, &error)) return &j->base;
    gti_data_report(gt, what, &error);
    return NULL;
}

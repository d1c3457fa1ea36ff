/* Datasets in general: making one, and reading an item. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "data/item.h"

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
    d->members = 2;
    d->member[0] = (gt_member){.shape = GT_SCALAR, .dtype = GT_F32, .name = "x"};
    d->member[1] = (gt_member){.shape = GT_SCALAR, .dtype = GT_I64, .name = "label"};
    if (gt_at_close(gt, free_dataset, d) == GT_OK) return d;
    free(d);
    return NULL;
}

bool gti_data_present(const gt_dataset *d, const char *what)
{
    if (!d) gt_fail(NULL, GT_ERR_ARGUMENT, what, "the dataset is NULL");
    return d && !gt_failed(d->ctx);
}

/* --- items --- */

static bool check_call(const gt_dataset *d, int64_t i, int n, gt_data_error *error)
{
    if (!gti_item_check(d, error)) return false;
    if (i < 0 || i >= d->count)
        return gt_data_fail(error, GT_ERR_ARGUMENT, "there is no item %lld in a dataset of %lld",
                            (long long)i, (long long)d->count);
    return gti_item_count(d, n, error);
}

/* The members that are wanted, as tensors of the step. */
static bool give(const gt_dataset *d, const gti_item *item, gt_tensor **const *to)
{
    for (int k = 0; k < d->members; k++) {
        if (!to[k]) continue;
        const gt_member *m = &d->member[k];
        *to[k] = gt_empty_(d->ctx, m->shape, (gt_new_opts){.dtype = m->dtype});
        if (!*to[k]) return false;
        memcpy((*to[k])->data, item->member[k], item->bytes[k]);
    }
    return true;
}

/* Reads item i into `item`, which is to be freed. */
static bool read_item(const gt_dataset *d, int64_t i, int n, gti_item *item, const char *what)
{
    gt_data_error error = {.code = GT_OK};
    *item = (gti_item){.memory = NULL};
    if (check_call(d, i, n, &error) && gti_item_make(item, d, &error) &&
        gti_item_get(item, d, i, &error))
        return true;
    gti_data_report(d->ctx, what, &error);
    return false;
}

gt_status gt_dataset_get_(gt_dataset *d, int64_t i, int n, gt_tensor **const *to)
{
    static const char what[] = "gt_dataset_get";
    for (int k = 0; k < n; k++)
        if (to[k]) *to[k] = NULL;
    if (!gti_data_present(d, what)) return d ? gt_error_code(d->ctx) : GT_ERR_ARGUMENT;
    gti_item item;
    const bool ok = read_item(d, i, n, &item, what) && give(d, &item, to);
    gti_item_free(&item);
    for (int k = 0; k < n && !ok; k++)
        if (to[k]) *to[k] = NULL;
    return gt_error_code(d->ctx);
}

gt_tensor *gt_dataset_item(gt_dataset *d, int64_t i, int64_t *label)
{
    static const char what[] = "gt_dataset_item";
    if (!gti_data_present(d, what)) return NULL;
    gti_item item;
    gt_tensor *x = NULL, **to[GT_MEMBERS_MOST] = {&x};
    if (!read_item(d, i, d->members, &item, what) || !give(d, &item, to)) x = NULL;
    else if (label && gti_item_has_label(d))
        memcpy(label, item.member[d->members - 1], sizeof *label);
    else if (label) {
        gt_fail(d->ctx, GT_ERR_ARGUMENT, what,
                "the items of %s have no label: their last member is not one i64\n"
                "  hint: gt_dataset_get gives all members",
                d->type->name);
        x = NULL;
    }
    gti_item_free(&item);
    return x;
}

/* Lists of tensors in files. */
#include <stdlib.h>
#include <string.h>

#include "io/io.h"

/* --- saving --- */

/* Detaching refuses a tensor that was dropped. */
static bool add(gti_st_items *list, const gt_named_tensor *t)
{
    char shown[GTI_SHOWN];
    if (!t->tensor)
        gt_fail(list->gt, GT_ERR_ARGUMENT, list->what, "the tensor '%s' is NULL",
                gti_text_show(t->name, shown));
    else if (t->tensor->ctx != list->gt)
        gt_fail(list->gt, GT_ERR_ARGUMENT, list->what, "the tensor '%s' is of another context",
                gti_text_show(t->name, shown));
    return !gt_failed(list->gt) && gt_detach(t->tensor) && gti_st_add(list, t->name, t->tensor);
}

gt_status gt_save_tensors_(gt_ctx *gt, const char *path, const gt_named_tensor *list,
                           gt_save_opts opts)
{
    static const char what[] = "gt_save_tensors";
    if (!gti_io_ready(gt, what, path)) return gt_error_code(gt);
    if (!list) return gt_fail(gt, GT_ERR_ARGUMENT, what, "the list is NULL");
    gti_st_items items = {.gt = gt, .what = what};
    bool ok = true;
    for (; ok && list->name; list++) ok = add(&items, list);
    const gt_status status =
        ok ? gti_st_write(&items, path, NULL, opts.metadata) : gt_error_code(gt);
    gti_st_items_free(&items);
    return status;
}

/* --- loading --- */

typedef struct {
    gt_tensors pub;
    gt_named_tensor *tensors;
    const gt_named_tensor **named; /* by name */
    gt_metadata *metadata;
    char *header; /* that all names lie in */
} loaded;

static void free_lists(loaded *l)
{
    free(l->tensors);
    free(l->named);
    free(l->metadata);
    free(l->header);
    l->tensors = NULL;
    l->named = NULL;
    l->metadata = NULL;
    l->header = NULL;
    l->pub = (gt_tensors){.ctx = l->pub.ctx};
}

static void free_loaded(void *object)
{
    free_lists(object);
    free(object);
}

void gt_tensors_free(gt_tensors *list)
{
    if (!list) return;
    loaded *l = (loaded *)list;
    for (int64_t i = 0; i < list->n; i++) gt_free(l->tensors[i].tensor);
    free_lists(l);
}

static loaded *new_loaded(gt_ctx *gt, const char *what, size_t n)
{
    loaded *l = calloc(1, sizeof *l);
    if (l) l->tensors = calloc(n + 1, sizeof *l->tensors);
    if (l) l->named = calloc(n + 1, sizeof *l->named);
    if (!l || !l->tensors || !l->named) {
        if (l) free_loaded(l);
        gt_fail(gt, GT_ERR_MEMORY, what, "out of memory");
        return NULL;
    }
    l->pub = (gt_tensors){.ctx = gt, .tensors = l->tensors};
    if (gt_at_close(gt, free_loaded, l) == GT_OK) return l;
    free_loaded(l);
    return NULL;
}

/* The list takes the names over. */
static void take_names(loaded *l, gti_st *file)
{
    static const gt_metadata none = {NULL, NULL};
    l->header = file->header;
    l->metadata = file->metadata;
    file->header = NULL;
    file->metadata = NULL;
    l->pub.metadata = l->metadata ? l->metadata : &none;
    l->pub.n_metadata = (int64_t)file->n_metadata;
}

gt_tensors *gt_load_tensors_(gt_ctx *gt, const char *path, gt_load_tensors_opts opts)
{
    static const char what[] = "gt_load_tensors";
    gti_st file;
    if (!gti_st_open(&file, gt, what, path)) return NULL;
    const size_t n = opts.metadata_only ? 0 : file.n;
    loaded *l = new_loaded(gt, what, n);
    for (size_t i = 0; l && i < n; i++) {
        gt_tensor *t = gti_st_make(&file, &file.at[i]);
        if (!t) break;
        l->tensors[i] = (gt_named_tensor){file.at[i].name, gt_set_name(t, file.at[i].name)};
        l->pub.n++;
    }
    for (size_t i = 0; l && i < n; i++) l->named[i] = &l->tensors[file.named[i] - file.at];
    const bool ok = l && (size_t)l->pub.n == n;
    if (ok) take_names(l, &file);
    else if (l) gt_tensors_free(&l->pub);
    gti_st_close(&file);
    return ok ? &l->pub : NULL;
}

/* --- finding --- */

static int by_name(const void *name, const void *t)
{
    return strcmp(name, (*(const gt_named_tensor *const *)t)->name);
}

gt_tensor *gt_tensors_find(const gt_tensors *list, const char *name)
{
    if (!list || !name || !list->n) return NULL;
    const gt_named_tensor **named = ((const loaded *)list)->named;
    const gt_named_tensor *const *found =
        bsearch(name, named, (size_t)list->n, sizeof *named, by_name);
    return found ? (*found)->tensor : NULL;
}

const char *gt_tensors_metadata(const gt_tensors *list, const char *name)
{
    for (int64_t i = 0; list && name && i < list->n_metadata; i++)
        if (!strcmp(list->metadata[i].name, name)) return list->metadata[i].value;
    return NULL;
}

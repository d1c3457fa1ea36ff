/* Writing safetensors. As in the reference implementation, larger elements come first and the
 * header is filled up with spaces to a multiple of 8 bytes, so that every element is aligned. */
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "io/json.h"

/* --- collecting --- */

static gti_st_item *new_item(gti_st_items *list, const char *name)
{
    gti_st_item *at = list->at;
    if (list->n == list->room) {
        const size_t room = list->room ? 2 * list->room : 16;
        at = realloc(list->at, room * sizeof *at);
        if (at) list->at = at;
        if (at) list->room = room;
    }
    const size_t size = name ? strlen(name) + 1 : 0;
    char *copy = name ? malloc(size) : NULL;
    if (!at || !copy) {
        free(copy);
        gt_fail(list->gt, GT_ERR_MEMORY, list->what, "out of memory");
        return NULL;
    }
    at[list->n] = (gti_st_item){.name = memcpy(copy, name, size)};
    return &at[list->n++];
}

bool gti_st_add(gti_st_items *list, const char *name, const gt_tensor *t)
{
    gti_st_item *item = new_item(list, name);
    if (!item) return false;
    item->dtype = t->dtype;
    item->shape = t->shape;
    item->data = t->data;
    return true;
}

static bool add_number(gti_st_items *list, const char *name, gt_dtype dtype, const void *number)
{
    gti_st_item *item = new_item(list, name);
    if (!item) return false;
    item->dtype = dtype;
    item->shape = GT_SCALAR;
    memcpy(&item->bits, number, sizeof item->bits);
    return true;
}

bool gti_st_add_f64(gti_st_items *list, const char *name, double number)
{
    return add_number(list, name, GT_F64, &number);
}

bool gti_st_add_i64(gti_st_items *list, const char *name, int64_t number)
{
    return add_number(list, name, GT_I64, &number);
}

void gti_st_items_free(gti_st_items *list)
{
    for (size_t i = 0; i < list->n; i++) free(list->at[i].name);
    free(list->at);
    *list = (gti_st_items){.gt = list->gt, .what = list->what};
}

/* --- checking and placing --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool check_names(const gti_st_items *list)
{
    char shown[GTI_SHOWN];
    const char **names = malloc((list->n + 1) * sizeof *names);
    if (!names) gt_fail(list->gt, GT_ERR_MEMORY, list->what, "out of memory");
    if (!names) return false;
    const char *wrong = NULL, *why = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const char *name = names[i] = list->at[i].name;
        if (!gti_json_utf8_valid(name)) wrong = name, why = "is no UTF-8";
        if (!strcmp(name, "__metadata__")) wrong = name, why = "is a name that the format reserves";
    }
    qsort(names, list->n, sizeof *names, by_name);
    for (size_t i = 1; i < list->n && !wrong; i++)
        if (!strcmp(names[i - 1], names[i])) wrong = names[i], why = "is there twice";
    free(names);
    if (wrong)
        gt_fail(list->gt, GT_ERR_ARGUMENT, list->what, "the name '%s' %s",
                gti_text_show(wrong, shown), why);
    return !wrong;
}

/* Gives every item of this element size its place behind *end. */
static void place(gti_st_items *list, size_t element, int64_t *end)
{
    for (size_t i = 0; i < list->n; i++) {
        gti_st_item *item = &list->at[i];
        if (gt_dtype_size(item->dtype) != element) continue;
        item->begin = *end;
        item->size = gt_shape_size(item->shape) * (int64_t)element;
        *end += item->size;
    }
}

static const size_t element_sizes[] = {8, 4, 1};
enum { N_SIZES = sizeof element_sizes / sizeof *element_sizes };
_Static_assert(GT_N_DTYPES == 4, "element_sizes has the sizes of all dtypes");

/* --- the header --- */

static const gt_metadata *find_metadata(const gt_metadata *list, const char *name)
{
    for (; list && list->name; list++)
        if (!strcmp(list->name, name)) return list;
    return NULL;
}

static bool check_metadata(const gti_st_items *list, const gt_metadata *metadata)
{
    char shown[GTI_SHOWN];
    for (const gt_metadata *m = metadata; m && m->name; m++) {
        const char *why = !m->value                               ? "has no value"
                          : !gti_json_utf8_valid(m->name)         ? "is no UTF-8"
                          : !gti_json_utf8_valid(m->value)        ? "has a value that is no UTF-8"
                          : find_metadata(metadata, m->name) != m ? "is there twice"
                                                                  : NULL;
        if (!why) continue;
        gt_fail(list->gt, GT_ERR_ARGUMENT, list->what, "the metadata '%s' %s",
                gti_text_show(m->name, shown), why);
        return false;
    }
    return true;
}

static void add_pair(gti_text *t, const gt_metadata *m, const char *before)
{
    gti_text_add(t, "%s", before);
    gti_text_quote(t, m->name);
    gti_text_add(t, ":");
    gti_text_quote(t, m->value);
}

static void add_metadata(gti_text *t, const gt_metadata *own, const gt_metadata *metadata)
{
    const char *before = "\"__metadata__\":{";
    for (; own && own->name; own++) {
        if (find_metadata(metadata, own->name)) continue;
        add_pair(t, own, before);
        before = ",";
    }
    for (; metadata && metadata->name; metadata++, before = ",") add_pair(t, metadata, before);
    if (*before == ',') gti_text_add(t, "}");
}

static void add_item(gti_text *t, const gti_st_item *item)
{
    const int64_t end = item->begin + item->size;
    gti_text_add(t, t->length > 1 ? "," : "");
    gti_text_quote(t, item->name);
    gti_text_add(t, ":{\"dtype\":\"%s\",\"shape\":[", gti_st_type_name(item->dtype));
    for (int i = 0; i < item->shape.ndim; i++)
        gti_text_add(t, "%s%lld", i ? "," : "", (long long)item->shape.dim[i]);
    gti_text_add(t, "],\"data_offsets\":[%lld,%lld]}", (long long)item->begin, (long long)end);
}

static bool make_header(const gti_st_items *list, gti_text *t, const gt_metadata *own,
                        const gt_metadata *metadata)
{
    gti_text_add(t, "{");
    add_metadata(t, own, metadata);
    for (int k = 0; k < N_SIZES; k++)
        for (size_t i = 0; i < list->n; i++)
            if (gt_dtype_size(list->at[i].dtype) == element_sizes[k]) add_item(t, &list->at[i]);
    gti_text_add(t, "}");
    while (!t->failed && t->length % 8) gti_text_add(t, " ");
    if (t->failed) gt_fail(list->gt, GT_ERR_MEMORY, list->what, "out of memory");
    else if (t->length > GTI_HEADER_LIMIT)
        gt_fail(list->gt, GT_ERR_UNSUPPORTED, list->what,
                "the header has %zu bytes, but the format allows %d", t->length, GTI_HEADER_LIMIT);
    return !t->failed && t->length <= GTI_HEADER_LIMIT;
}

/* --- the file --- */

static void write_all(const gti_st_items *list, const gti_text *header, gt_file *f)
{
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header->length >> 8 * i);
    gt_file_write(f, length, sizeof length);
    gt_file_write(f, header->at, header->length);
    for (int k = 0; k < N_SIZES; k++)
        for (size_t i = 0; i < list->n; i++) {
            const gti_st_item *item = &list->at[i];
            if (gt_dtype_size(item->dtype) == element_sizes[k])
                gt_file_write(f, item->data ? item->data : &item->bits, (size_t)item->size);
        }
}

gt_status gti_st_write(gti_st_items *list, const char *path, const gt_metadata *own,
                       const gt_metadata *metadata)
{
    int64_t end = 0;
    gti_text header = {.at = NULL};
    for (int k = 0; k < N_SIZES; k++) place(list, element_sizes[k], &end);
    gt_file *f = NULL;
    if (gti_io_little_endian(list->gt, list->what) && check_names(list) &&
        check_metadata(list, metadata) && make_header(list, &header, own, metadata))
        f = gt_file_create_for(list->gt, list->what, path);
    if (f) write_all(list, &header, f);
    free(header.at);
    return f ? gti_file_commit(f) : gt_error_code(list->gt);
}

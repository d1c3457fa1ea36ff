/* The header of safetensors.
 *
 * It is {"NAME": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...}, with
 * "__metadata__": {"KEY": "VALUE", ...} as a name of its own. The tensors fill the data without
 * holes or overlaps. Everything is checked before a caller sees any of it. */
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "io/json.h"

static bool fail_tensor(const gti_st *s, const char *name, const char *why)
{
    char shown[GTI_SHOWN];
    return gti_st_fail(s, GT_ERR_FORMAT, "is no good safetensors file: tensor '%s' %s",
                       gti_text_show(name, shown), why);
}

/* --- the header --- */

/* Room for one more behind n; *room is the present room. NULL when out of memory. */
static void *grow(void *list, size_t n, size_t *room, size_t element)
{
    if (n < *room) return list;
    const size_t more = *room ? 2 * *room : 16;
    void *larger = more > SIZE_MAX / element ? NULL : realloc(list, more * element);
    if (larger) *room = more;
    return larger;
}

static bool no_memory(const gti_st *s)
{
    return gti_st_fail(s, GT_ERR_MEMORY, "cannot be read: out of memory");
}

/* `last` ends the list. */
static bool parse_metadata(gti_st *s, gti_json *j)
{
    size_t room = 0;
    if (s->metadata) return gti_json_fail(j, "__metadata__ stands there twice");
    if (!gti_json_open(j, '{')) return false;
    for (bool more = true; more;) {
        gt_metadata *list = grow(s->metadata, s->n_metadata, &room, sizeof *list);
        if (!list) return no_memory(s);
        s->metadata = list;
        gt_metadata *to = &list[s->n_metadata];
        *to = (gt_metadata){NULL, NULL};
        more = gti_json_more(j, '}');
        if (!more) break;
        const char *name = gti_json_key(j), *value = name ? gti_json_string(j) : NULL;
        if (!value) return false;
        *to = (gt_metadata){name, value};
        s->n_metadata++;
    }
    return !j->error;
}

static bool parse_shape(gti_json *j, gti_st_entry *e)
{
    if (!gti_json_open(j, '[')) return false;
    e->elements = 1;
    for (e->ndim = 0; gti_json_more(j, ']'); e->ndim++) {
        int64_t n;
        if (!gti_json_integer(j, &n)) return false;
        if (__builtin_mul_overflow(e->elements, n, &e->elements))
            return gti_json_fail(j, "the product of a shape overflows");
        if (e->ndim < GT_MAX_DIMS) e->shape.dim[e->ndim] = n;
    }
    e->shape.ndim = e->ndim <= GT_MAX_DIMS ? e->ndim : -1;
    return !j->error;
}

static bool parse_offsets(gti_json *j, gti_st_entry *e)
{
    int64_t *const to[] = {&e->begin, &e->end};
    int n = 0;
    if (!gti_json_open(j, '[')) return false;
    while (gti_json_more(j, ']')) {
        if (n == 2) return gti_json_fail(j, "there are more than two data_offsets");
        if (!gti_json_integer(j, to[n++])) return false;
    }
    return n == 2 ? !j->error : gti_json_fail(j, "there are fewer than two data_offsets");
}

static bool parse_type(gti_json *j, gti_st_entry *e)
{
    const char *name = gti_json_string(j);
    if (!name) return false;
    e->type = gti_st_type_find(name);
    return e->type || gti_json_fail(j, "the dtype is none that is known");
}

static bool parse_entry(gti_json *j, gti_st_entry *e)
{
    static const struct {
        const char *key;
        bool (*parse)(gti_json *j, gti_st_entry *e);
    } fields[] = {{"dtype", parse_type}, {"shape", parse_shape}, {"data_offsets", parse_offsets}};
    enum { N = sizeof fields / sizeof *fields };
    bool seen[N] = {false};
    if (!gti_json_open(j, '{')) return false;
    while (gti_json_more(j, '}')) {
        const char *key = gti_json_key(j);
        int i = 0;
        while (key && i < N && strcmp(fields[i].key, key) != 0) i++;
        if (!key) return false;
        if (i == N) return gti_json_fail(j, "a tensor has an unknown field");
        if (seen[i]) return gti_json_fail(j, "a tensor has a field twice");
        seen[i] = true;
        if (!fields[i].parse(j, e)) return false;
    }
    for (int i = 0; i < N; i++)
        if (!seen[i]) return gti_json_fail(j, "a tensor lacks dtype, shape or data_offsets");
    return !j->error;
}

static bool parse_members(gti_st *s, gti_json *j)
{
    size_t room = 0;
    if (!gti_json_open(j, '{')) return false;
    while (gti_json_more(j, '}')) {
        const char *name = gti_json_key(j);
        if (!name) return false;
        if (!strcmp(name, "__metadata__")) {
            if (!parse_metadata(s, j)) return false;
            continue;
        }
        gti_st_entry *list = grow(s->at, s->n, &room, sizeof *list);
        if (!list) return no_memory(s);
        s->at = list;
        s->at[s->n] = (gti_st_entry){.name = name};
        if (!parse_entry(j, &s->at[s->n++])) return false;
    }
    return gti_json_end(j);
}

static bool parse(gti_st *s)
{
    gti_json j = gti_json_begin(s->header, s->header_size);
    if (parse_members(s, &j)) return true;
    return !gt_failed(s->gt) &&
           gti_st_fail(s, GT_ERR_FORMAT, "is no good safetensors file: byte %lld of the header: %s",
                       (long long)(j.at - j.start), j.error);
}

/* --- what the header says as a whole --- */

static bool check_sizes(const gti_st *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const gti_st_entry *e = &s->at[i];
        int64_t bits;
        if (e->begin > e->end) return fail_tensor(s, e->name, "ends before it begins");
        if (__builtin_mul_overflow(e->elements, (int64_t)e->type->bits, &bits))
            return fail_tensor(s, e->name, "has a size that overflows");
        if (bits % 8 || bits / 8 != e->end - e->begin)
            return fail_tensor(s, e->name, "has data_offsets that do not fit its dtype and shape");
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const gti_st_entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The tensors' data must be all of the data. */
static bool check_places(const gti_st *s)
{
    int64_t end = 0;
    for (size_t i = 0; i < s->n; i++) {
        const gti_st_entry *e = &s->at[i];
        if (e->begin != end)
            return fail_tensor(s, e->name,
                               e->begin < end ? "overlaps another" : "lies behind a hole");
        end = e->end;
    }
    return end == s->size ||
           gti_st_fail(s, GT_ERR_FORMAT,
                       "is %s: the header tells of %lld bytes of data, but %lld follow",
                       end > s->size ? "truncated" : "longer than it says", (long long)end,
                       (long long)s->size);
}

static int by_name(const void *a, const void *b)
{
    const gti_st_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int by_key(const void *a, const void *b)
{
    const gt_metadata *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The entries by the place of their data, and by name. */
static bool sort(gti_st *s)
{
    s->named = malloc((s->n ? s->n : 1) * sizeof(gti_st_entry *));
    if (!s->named) return no_memory(s);
    if (s->n) qsort(s->at, s->n, sizeof *s->at, by_place);
    for (size_t i = 0; i < s->n; i++) s->named[i] = &s->at[i];
    qsort(s->named, s->n, sizeof(gti_st_entry *), by_name);
    if (s->metadata) qsort(s->metadata, s->n_metadata, sizeof *s->metadata, by_key);
    return true;
}

static bool check_names(const gti_st *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (!strcmp(s->named[i - 1]->name, s->named[i]->name))
            return fail_tensor(s, s->named[i]->name, "stands there twice");
    for (size_t i = 1; s->metadata && i < s->n_metadata; i++)
        if (!strcmp(s->metadata[i - 1].name, s->metadata[i].name))
            return fail_tensor(s, "__metadata__", "has a name twice");
    return true;
}

bool gti_st_parse(gti_st *s)
{
    return parse(s) && sort(s) && check_names(s) && check_sizes(s) && check_places(s);
}

/* --- finding --- */

gti_st_entry *gti_st_find(const gti_st *s, const char *name)
{
    const gti_st_entry wanted = {.name = name}, *key = &wanted;
    gti_st_entry **found = bsearch(&key, s->named, s->n, sizeof *s->named, by_name);
    return found ? *found : NULL;
}

const char *gti_st_metadata(const gti_st *s, const char *name)
{
    for (size_t i = 0; i < s->n_metadata; i++)
        if (!strcmp(s->metadata[i].name, name)) return s->metadata[i].value;
    return NULL;
}

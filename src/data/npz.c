/* NumPy's .npz files: zip archives of .npy files. The archive's directory, at its end, is what
 * counts; of the copy in front of each member only the length is used. */
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include <gradtape/autograd.h>

enum {
    END_SIZE = 22, /* of the record at the archive's end, without its comment */
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT = 65535,
    STORED = 0,
    DEFLATED = 8,
};
#define END_MAGIC 0x06054b50u
#define ENTRY_MAGIC 0x02014b50u
#define LOCAL_MAGIC 0x04034b50u

static const char nowhere[] = "a member is not where the zip directory says it is";

typedef struct {
    gti_source s;
    const char *path;
    gt_data_error *error;
    int64_t size;
    uint8_t *tail; /* its bytes from `from` on, in memory of its own */
    int64_t from;
} archive;

typedef struct {
    unsigned method, flags;
    uint32_t crc;
    int64_t packed, size, local; /* bytes as stored, and as they are; place of the member */
    const char *name;            /* name_size bytes, without the .npy */
    int name_size;
    int64_t next; /* place of the next entry */
} entry;

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static bool broken(const archive *a, const char *why)
{
    gt_data_fail(a->error, GT_ERR_FORMAT, "%s: %s", a->path, why);
    return false;
}

/* Whether n bytes can be read at `at`. */
static bool has(const archive *a, int64_t at, int64_t n)
{
    return at >= 0 && at <= a->size && n <= a->size - at;
}

static bool take_tail(archive *a, int64_t from)
{
    free(a->tail);
    a->tail = NULL;
    a->from = from;
    if (gti_source_seek(&a->s, from, a->size - from))
        a->tail = gti_source_take(&a->s, a->size - from, "the zip directory");
    return a->tail;
}

/* Finds the end of the directory in the tail; its place and the number of its entries. */
static bool find_end(const archive *a, int64_t *place, int *entries)
{
    for (int64_t at = a->size - END_SIZE; at >= a->from; at--) {
        const uint8_t *p = a->tail + (at - a->from);
        if (get32(p) != END_MAGIC || at + END_SIZE + (int64_t)get16(p + 20) != a->size) continue;
        *entries = (int)get16(p + 10);
        *place = (int64_t)get32(p + 16);
        const int64_t size = (int64_t)get32(p + 12);
        if (get16(p + 4) || get16(p + 6) || get16(p + 8) != get16(p + 10))
            return broken(a, "an archive in several volumes");
        return *place + size == at || broken(a, "the zip directory is not where the archive's end "
                                                "says it is");
    }
    return broken(a, "expected an .npz (zip) archive, found no zip directory: truncated?");
}

/* Finds the directory, and has it in the tail. */
static bool find_directory(archive *a, int64_t *place, int *entries)
{
    const int64_t from = a->size - END_SIZE - COMMENT;
    if (!take_tail(a, from > 0 ? from : 0) || !find_end(a, place, entries)) return false;
    return *place >= a->from || take_tail(a, *place);
}

static bool read_entry(const archive *a, int64_t at, entry *e)
{
    if (!has(a, at, ENTRY_SIZE) || get32(a->tail + (at - a->from)) != ENTRY_MAGIC)
        return broken(a, "the zip directory is broken");
    const uint8_t *p = a->tail + (at - a->from);
    const int name = (int)get16(p + 28);
    *e = (entry){.flags = get16(p + 8),
                 .method = get16(p + 10),
                 .crc = get32(p + 16),
                 .packed = (int64_t)get32(p + 20),
                 .size = (int64_t)get32(p + 24),
                 .local = (int64_t)get32(p + 42),
                 .name = (const char *)p + ENTRY_SIZE,
                 .name_size = name};
    e->next = at + ENTRY_SIZE + name + (int64_t)get16(p + 30) + (int64_t)get16(p + 32);
    if (!has(a, at, e->next - at)) return broken(a, "the zip directory is broken");
    if (name > 4 && !memcmp(e->name + name - 4, ".npy", 4)) e->name_size -= 4;
    return true;
}

/* Finds the entry of this name; otherwise fails, with the names that there are. */
static bool find_entry(archive *a, const char *name, entry *e)
{
    int64_t at = 0;
    int n = 0;
    char names[256] = "";
    if (!find_directory(a, &at, &n)) return false;
    for (int i = 0; i < n; i++, at = e->next) {
        if (!read_entry(a, at, e)) return false;
        if (strlen(name) == (size_t)e->name_size && !memcmp(e->name, name, strlen(name)))
            return true;
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%.*s", i ? ", " : "", e->name_size, e->name);
    }
    return gt_data_fail(a->error, GT_ERR_ARGUMENT, "%s: has no array '%s'; it has: %s", a->path,
                        name, names);
}

/* --- a member --- */

static bool check_sizes(const archive *a, const entry *e)
{
    if (e->flags & 1 || e->packed == UINT32_MAX || e->size == UINT32_MAX || e->local == UINT32_MAX)
        return gt_data_fail(a->error, GT_ERR_UNSUPPORTED,
                            "%s: '%.*s' is encrypted, or larger than 4 GiB", a->path, e->name_size,
                            e->name);
    if (e->method != STORED && e->method != DEFLATED)
        return gt_data_fail(a->error, GT_ERR_UNSUPPORTED,
                            "%s: zip method %u; stored and deflated members can be read", a->path,
                            e->method);
    if (e->size / GTI_DEFLATE_RATIO > e->packed || (e->method == STORED && e->size != e->packed))
        return broken(a, "a member claims more bytes than it can hold");
    return true;
}

/* Goes to the member's bytes. */
static bool seek_member(archive *a, const entry *e)
{
    uint8_t p[LOCAL_SIZE];
    if (!has(a, e->local, LOCAL_SIZE)) return broken(a, nowhere);
    if (!gti_source_seek(&a->s, e->local, LOCAL_SIZE) ||
        !gti_source_read(&a->s, p, LOCAL_SIZE, "a member's header"))
        return false;
    if (get32(p) != LOCAL_MAGIC) return broken(a, nowhere);
    const int64_t at = e->local + LOCAL_SIZE + (int64_t)get16(p + 26) + (int64_t)get16(p + 28);
    if (!has(a, at, e->packed)) return broken(a, "a member reaches beyond the archive's end");
    return gti_source_seek(&a->s, at, e->packed);
}

static gt_tensor *load_member(gt_ctx *gt, archive *a, const entry *e)
{
    if (!check_sizes(a, e) || !seek_member(a, e)) return NULL;
    if (e->method == DEFLATED && !gti_source_inflate(&a->s, e->size)) return NULL;
    a->s.summed = true;
    gt_tensor *t = gti_npy_take(gt, &a->s);
    if (!t || gti_source_check(&a->s, e->crc)) return t;
    broken(a, "a member's checksum is wrong");
    gt_release(t);
    return NULL;
}

/* Entry i to *e; false when there is none, or after a failure. */
static bool find_number(archive *a, int i, entry *e)
{
    int64_t at = 0;
    int n = 0;
    if (!find_directory(a, &at, &n) || i < 0 || i >= n) return false;
    for (int k = 0; k <= i; k++, at = e->next)
        if (!read_entry(a, at, e)) return false;
    return true;
}

static bool copy_name(const archive *a, const entry *e, char *name, size_t size)
{
    if ((size_t)e->name_size >= size || memchr(e->name, 0, (size_t)e->name_size))
        return gt_data_fail(a->error, GT_ERR_ARGUMENT,
                            "%s: a name has %d bytes, or the character NUL", a->path, e->name_size);
    memcpy(name, e->name, (size_t)e->name_size);
    name[e->name_size] = 0;
    return true;
}

bool gt_npz_name(gt_ctx *gt, const char *path, int i, char *name, size_t size)
{
    static const char what[] = "gt_npz_name";
    if (!gti_data_ready(gt, what)) return false;
    gt_data_error error = {.code = GT_OK};
    archive a = {.path = path, .error = &error};
    bool found = false;
    if (!path || !name) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path or the name is NULL");
    else if (gti_source_open_plain(&a.s, path, &error)) {
        entry e = {.next = 0};
        a.size = a.s.limit;
        found = find_number(&a, i, &e) && copy_name(&a, &e, name, size);
        free(a.tail);
        gti_source_close(&a.s);
    }
    if (error.code != GT_OK) gti_data_report(gt, what, &error);
    return found;
}

gt_tensor *gt_npz_load(gt_ctx *gt, const char *path, const char *name)
{
    static const char what[] = "gt_npz_load";
    if (!gti_data_ready(gt, what)) return NULL;
    const gt_span span = gt_span_begin(gt, what);
    gt_data_error error = {.code = GT_OK};
    archive a = {.path = path, .error = &error};
    gt_tensor *t = NULL;
    if (!path || !name) gt_data_fail(&error, GT_ERR_ARGUMENT, "the path or the name is NULL");
    else if (gti_source_open_plain(&a.s, path, &error)) {
        entry e = {.next = 0};
        a.size = a.s.limit;
        if (find_entry(&a, name, &e)) t = load_member(gt, &a, &e);
        free(a.tail);
        gti_source_close(&a.s);
    }
    if (!t) gti_data_report(gt, what, &error);
    gt_span_end(gt, span);
    return t;
}
